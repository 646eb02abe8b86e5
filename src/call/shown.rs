//! What the phones that we dial show of a call: whose number, whose name, and to an agent whom a queue rings how long the
//! caller has waited and what they chose.

use std::borrow::Cow;
use std::time::Duration;

use super::Call;
use super::Joined;
use super::Phase;
use super::placed::Callee;
use crate::base::AgentId;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::flow::Center;
use crate::flow::center::PhonesShow;

/// The longest text that a phone is given to show, in characters: what a desk phone has room for is less.
const LONGEST: usize = 64;
/// And of it the queue's name.
const LONGEST_QUEUE: usize = 24;

/// Who is said to call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown<'c> {
    /// Which can be called back; empty when withheld.
    pub number: &'c str,
    /// The display name; may be empty.
    pub display: Cow<'c, str>,
    /// What it is about ([RFC 3261 §20.36](https://www.rfc-editor.org/rfc/rfc3261#section-20.36)), for an agent alone.
    pub subject: Option<String>,
}

impl Shown<'_> {
    fn of<'c>(number: &'c str, display: &'c str) -> Shown<'c> {
        Shown { number, display: Cow::Borrowed(display), subject: None }
    }
}

impl Call {
    /// What is shown at `now` to a line that we dial.
    pub fn shown_to(&self, center: &Center, now: Timestamp, leg: LegId) -> Shown<'_> {
        let forward = self.forward.as_ref().filter(|to| to.leg == leg);
        if let Some(shown) = forward.and_then(|to| to.shown.as_ref()) {
            return Shown::of(shown, "");
        }
        let (number, display) = self.caller_id();
        match (&self.placed, &self.phase) {
            (Some(placed), Phase::Calling(calling)) if calling.leg == Some(leg) => match calling.to {
                Callee::Number(_) => Shown::of(&placed.shown, ""),
                Callee::Agent(..) => Shown::of(&placed.name, &placed.name),
            },
            (_, Phase::Waiting(_)) => {
                self.shown_of_queue(center, now, leg).unwrap_or_else(|| Shown::of(number, display))
            }
            _ => Shown::of(number, display),
        }
    }

    /// The same to an agent whom a queue rings, who decides by it how to begin: `billing 3m: Ann Smith`. The number stays
    /// the caller's, for who calls back from the phone's list.
    fn shown_of_queue(&self, center: &Center, now: Timestamp, leg: LegId) -> Option<Shown<'_>> {
        let line = self.agent.iter().chain(&self.beside).find(|line| line.leg == leg)?;
        let joined = self.joined.as_ref()?;
        let queue = center.engine.queues.get(joined.place())?;
        let name: String = queue.name.chars().take(LONGEST_QUEUE).collect();
        let before = match shows(center, joined, line.agent?) {
            PhonesShow::Caller => return None,
            PhonesShow::Queue => name,
            PhonesShow::Wait => format!("{name} {}", told(joined.age(now))),
        };
        let (number, display) = self.caller_id();
        let who = self.known.name().filter(|name| !name.is_empty()).unwrap_or(display);
        let who = if who.is_empty() { number } else { who };
        let chosen = self.known.chosen().filter(|choice| **choice != queue.name).map(|choice| &**choice);
        let display = Cow::Owned(behind(&before, who));
        Some(Shown {
            number,
            display,
            subject: Some(behind(&before, &chosen.collect::<Vec<_>>().join(", "))),
        })
    }
}

/// What an agent's phones show: as the agent has it, or else the queue, or else the center.
fn shows(center: &Center, joined: &Joined, agent: AgentId) -> PhonesShow {
    let own = center.phones_show.get(&agent).copied();
    let queue = || center.talk.get(joined.place()).and_then(|policy| policy.phones_show);
    own.or_else(queue).unwrap_or_default()
}

/// `before: rest`, as one line that fits.
fn behind(before: &str, rest: &str) -> String {
    let text = if rest.is_empty() { before.to_owned() } else { format!("{before}: {rest}") };
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// A wait in few characters: `40s`, `3m`, `2h05m`.
fn told(wait: Duration) -> String {
    match wait.as_secs() {
        secs @ 0..60 => format!("{secs}s"),
        secs @ 60..3_600 => format!("{}m", secs / 60),
        secs => format!("{}h{:02}m", secs / 3_600, secs / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_takes_little_room() {
        let told = |secs| told(Duration::from_secs(secs));
        assert_eq!([0, 59, 60, 3_599].map(told), ["0s", "59s", "1m", "59m"]);
        assert_eq!([3_600, 7_500, 90_000].map(told), ["1h00m", "2h05m", "25h00m"]);
    }

    #[test]
    fn what_is_shown_is_one_line_that_fits() {
        assert_eq!(behind("billing 3m", ""), "billing 3m");
        assert_eq!(behind("billing 3m", "Ann\r\n\tSmith\u{7}"), "billing 3m: AnnSmith");
        assert_eq!(behind("billing", &"ö".repeat(90)).chars().count(), LONGEST);
    }
}
