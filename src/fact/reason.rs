//! Why an agent was chosen, as data and in words for people.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

/// Why this agent was chosen: data, put into words on demand by [`Reason::words`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// How many waited in reach of this agent when it was decided.
    pub waiting: u32,
    /// How many idle agents fitted.
    pub fitting: u32,
    /// The sum of levels above what was needed.
    pub fit: u32,
    /// How long the agent had been idle.
    pub idle: Duration,
    /// What the choice of the call went by, and that of the agent where the next says nothing.
    pub by: ChosenBy,
    /// What the choice of the agent went by, where the queue says so.
    #[serde(default)]
    pub agents_by: Option<AgentChoice>,
}

/// What the choice of a call went by: the way of routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    LongestWait,
    ServiceLevel,
    /// The call was to go to this agent first.
    Preferred,
    /// The queue rings several for a call, and this is a further one.
    Beside,
}

/// Why an agent is rung for, as the history has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Why {
    Reason(Reason),
    /// Where nobody was chosen, and in older histories; empty where nothing was told.
    Words(String),
}

impl Default for Why {
    fn default() -> Why {
        Why::Words(String::new())
    }
}

impl Why {
    /// In words about the agent of this name; empty where nothing was told.
    pub fn words(&self, agent: &str) -> String {
        match self {
            Why::Reason(reason) => reason.words(agent),
            Why::Words(words) => words.clone(),
        }
    }
}

/// Which of the idle agents who fit a call is rung for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentChoice {
    /// Who is furthest above the need, then who has the fewest other skills, so that those who can do more stay
    /// free for it; then the longest idle. So it is by the longest wait where nothing else is said.
    BestFit,
    LongestIdle,
    /// Who is furthest above the need, then the longest idle.
    MostSkilled,
    /// Who is least above the need, then the longest idle.
    LeastSkilled,
    /// Who has taken the fewest calls since they signed in, then the longest idle.
    FewestCalls,
    /// Whoever comes next in the center's list after who was rung last for this queue.
    RoundRobin,
}

impl Reason {
    /// The reason of an assignment as a clause about the agent of this name.
    ///
    /// ```
    /// use std::time::Duration;
    /// use warmline::fact::ChosenBy;
    /// use warmline::fact::Reason;
    ///
    /// let (idle, by) = (Duration::from_secs(42), ChosenBy::LongestWait);
    /// let reason = Reason { waiting: 4, fitting: 3, fit: 2, idle, by, agents_by: None };
    /// assert_eq!(
    ///     reason.words("Alice"),
    ///     "first of 4 waiting that Alice can serve; 3 idle agents fitted, Alice comes first by fit (2 levels above \
    ///      the need), then fewest other skills, then longest idle (42 s)"
    /// );
    /// ```
    pub fn words(&self, agent: &str) -> String {
        let reason = self;
        let call = match (reason.waiting, reason.by) {
            (_, ChosenBy::Preferred) => format!("to go to {agent} first"),
            (_, ChosenBy::Beside) => "rung beside others, of whom the first to pick up gets it".to_owned(),
            (0 | 1, _) => format!("the only one waiting that {agent} can serve"),
            (waiting, ChosenBy::LongestWait) => format!("first of {waiting} waiting that {agent} can serve"),
            (waiting, ChosenBy::ServiceLevel) => format!(
                "of {waiting} waiting that {agent} can serve, the one whose answer does most for the service levels"
            ),
        };
        let above = match reason.fit {
            0 => "exactly at the need".to_owned(),
            1 => "1 level above the need".to_owned(),
            fit => format!("{fit} levels above the need"),
        };
        let idle = reason.idle.as_secs();
        if let (2.., Some(choice)) = (reason.fitting, reason.agents_by) {
            let fitting = reason.fitting;
            return format!(
                "{call}; {fitting} idle agents fitted, {agent} {} ({above}, idle for {idle} s)",
                comes(choice)
            );
        }
        match (reason.fitting, reason.by) {
            (0 | 1, ChosenBy::Beside) => {
                format!(
                    "{call}; {agent} was the only other idle agent who fitted ({above}), idle for {idle} s"
                )
            }
            (fitting, ChosenBy::Beside) => format!(
                "{call}; of {fitting} more idle agents who fitted {agent} comes next ({above}, idle for {idle} s)"
            ),
            (_, ChosenBy::Preferred) => format!("{call}; {above}, idle for {idle} s"),
            (0 | 1, _) => {
                format!("{call}; {agent} was the only idle agent who fitted ({above}), idle for {idle} s")
            }
            (fitting, ChosenBy::LongestWait) => format!(
                "{call}; {fitting} idle agents fitted, {agent} comes first by fit ({above}), then fewest other skills, \
             then longest idle ({idle} s)"
            ),
            (fitting, ChosenBy::ServiceLevel) => format!(
                "{call}; {fitting} idle agents fitted, {agent} is the quickest of them whom other queues need least \
             ({above}, idle for {idle} s)"
            ),
        }
    }
}

/// What an agent is first by.
fn comes(choice: AgentChoice) -> &'static str {
    match choice {
        AgentChoice::BestFit => "fits best",
        AgentChoice::LongestIdle => "is idle longest",
        AgentChoice::MostSkilled => "is the most skilled",
        AgentChoice::LeastSkilled => "is the least skilled who will do",
        AgentChoice::FewestCalls => "has taken the fewest calls",
        AgentChoice::RoundRobin => "is next in turn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_without_rivals_is_not_called_the_best() {
        let idle = Duration::from_millis(3_900);
        let reason =
            Reason { waiting: 1, fitting: 1, fit: 1, idle, by: ChosenBy::LongestWait, agents_by: None };
        assert_eq!(
            reason.words("Bob"),
            "the only one waiting that Bob can serve; Bob was the only idle agent who fitted (1 level above the \
             need), idle for 3 s"
        );
    }

    #[test]
    fn by_service_level_it_is_said_what_for() {
        let idle = Duration::from_secs(7);
        let by = ChosenBy::ServiceLevel;
        let reason = Reason { waiting: 3, fitting: 2, fit: 0, idle, by, agents_by: None };
        assert_eq!(
            reason.words("Bob"),
            "of 3 waiting that Bob can serve, the one whose answer does most for the service levels; 2 idle agents \
             fitted, Bob is the quickest of them whom other queues need least (exactly at the need, idle for 7 s)"
        );
        let by_turns = Reason { waiting: 1, agents_by: Some(AgentChoice::RoundRobin), ..reason };
        assert_eq!(
            by_turns.words("Bob"),
            "the only one waiting that Bob can serve; 2 idle agents fitted, Bob is next in turn (exactly at the \
             need, idle for 7 s)"
        );
    }
}
