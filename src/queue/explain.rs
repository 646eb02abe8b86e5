//! Why an agent was chosen, in words for people.

use super::api::Reason;

/// The reason of an assignment as a clause about the agent of this name.
///
/// ```
/// use std::time::Duration;
/// use warmline::queue::api::Reason;
/// use warmline::queue::explain::words;
///
/// let reason = Reason { waiting: 4, fitting: 3, fit: 2, idle: Duration::from_secs(42) };
/// assert_eq!(
///     words(&reason, "Alice"),
///     "first of 4 waiting that Alice can serve; 3 idle agents fitted, Alice comes first by fit (2 levels above \
///      the need), then fewest other skills, then longest idle (42 s)"
/// );
/// ```
pub fn words(reason: &Reason, agent: &str) -> String {
    let call = match reason.waiting {
        0 | 1 => format!("the only one waiting that {agent} can serve"),
        waiting => format!("first of {waiting} waiting that {agent} can serve"),
    };
    let above = match reason.fit {
        0 => "exactly at the need".to_owned(),
        1 => "1 level above the need".to_owned(),
        fit => format!("{fit} levels above the need"),
    };
    let idle = reason.idle.as_secs();
    match reason.fitting {
        0 | 1 => format!("{call}; {agent} was the only idle agent who fitted ({above}), idle for {idle} s"),
        fitting => format!(
            "{call}; {fitting} idle agents fitted, {agent} comes first by fit ({above}), then fewest other skills, \
             then longest idle ({idle} s)"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_agent_without_rivals_is_not_called_the_best() {
        let reason = Reason { waiting: 1, fitting: 1, fit: 1, idle: Duration::from_millis(3_900) };
        assert_eq!(
            words(&reason, "Bob"),
            "the only one waiting that Bob can serve; Bob was the only idle agent who fitted (1 level above the \
             need), idle for 3 s"
        );
    }
}
