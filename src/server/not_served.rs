//! When the log says that a queue does not serve its callers: once, and not for each of them. Told the time; it writes
//! nothing itself.

use std::time::Duration;

use crate::base::WallTime;
use crate::fact::WaitExit;
use crate::store::waits::WaitEnd;

/// How long nothing more is said of a queue.
const QUIET: Duration = Duration::from_secs(15 * 60);
/// The same where it has served somebody since: not at once, for a full queue lets one in whenever one is answered, and
/// in a queue that serves most there may be nobody for a few.
const QUIET_IF_SERVED: Duration = Duration::from_secs(60);

/// What was said of one queue.
#[derive(Debug, Default)]
pub(super) struct NotServed {
    last: Option<Said>,
}

#[derive(Debug)]
struct Said {
    at: WallTime,
    /// Callers who were not served and of whom nothing was said.
    more: u64,
    served: bool,
}

/// What the log should say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ToSay {
    pub why: &'static str,
    /// Callers who were not served since the last time, beside this one.
    pub more: u64,
}

impl NotServed {
    /// A wait of the queue has ended; `exit` is what the fact says where no agent took it.
    pub(super) fn end(&mut self, end: &WaitEnd, exit: Option<WaitExit>, now: WallTime) -> Option<ToSay> {
        if let (WaitEnd::Answered { .. }, Some(said)) = (end, &mut self.last) {
            said.served = true;
        }
        let why = exit.and_then(words)?;
        let quiet = |said: &Said| if said.served { QUIET_IF_SERVED } else { QUIET };
        match &mut self.last {
            Some(said) if now.since(said.at) < quiet(said) => {
                said.more += 1;
                None
            }
            last => {
                let more = last.replace(Said { at: now, more: 0, served: false }).map_or(0, |said| said.more);
                Some(ToSay { why, more })
            }
        }
    }
}

/// Why the queue did not serve a caller; none where it was not the queue's doing.
fn words(exit: WaitExit) -> Option<&'static str> {
    match exit {
        WaitExit::NobodyStaffed => Some("nobody signed in has the skill"),
        WaitExit::Full => Some("the queue is full"),
        WaitExit::ExpectedWait => Some("the expected wait is longer than the queue allows"),
        WaitExit::Surge => Some("too many wait for each agent already"),
        WaitExit::Cap => Some("they have waited as long as the queue allows"),
        WaitExit::Abandoned
        | WaitExit::Declined
        | WaitExit::CallbackFailed
        | WaitExit::Redialled
        | WaitExit::EndedByOperator
        | WaitExit::EndedByServer => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> WallTime {
        WallTime(0) + Duration::from_secs(secs)
    }

    fn turned_away(queue: &mut NotServed, exit: WaitExit, secs: u64) -> Option<(&'static str, u64)> {
        queue.end(&WaitEnd::Unserved, Some(exit), at(secs)).map(|say| (say.why, say.more))
    }

    #[test]
    fn a_queue_without_anybody_is_told_once_in_a_quarter_of_an_hour_and_how_many_it_was() {
        let mut queue = NotServed::default();
        let nobody = "nobody signed in has the skill";
        let mut comes = |secs| turned_away(&mut queue, WaitExit::NobodyStaffed, secs);
        assert_eq!(comes(10), Some((nobody, 0)));
        (11..910).for_each(|secs| assert_eq!(comes(secs), None, "at {secs} s"));
        assert_eq!(comes(910), Some((nobody, 899)));
        assert_eq!(comes(911), None);
        assert_eq!(comes(3_000), Some((nobody, 1)));
    }

    #[test]
    fn who_has_served_somebody_since_is_told_again_but_a_full_queue_does_not_fill_the_log() {
        let mut queue = NotServed::default();
        let answered = WaitEnd::Answered { agent: "bob".into(), waited: Duration::ZERO, quote: None };
        let mut said = Vec::new();
        for secs in 0..600 {
            said.extend(turned_away(&mut queue, WaitExit::Full, secs));
            assert_eq!(queue.end(&answered, None, at(secs)), None);
        }
        let full = "the queue is full";
        let expected: Vec<_> = (0..10).map(|minute| (full, if minute == 0 { 0 } else { 59 })).collect();
        assert_eq!(said, expected);
        assert_eq!(turned_away(&mut queue, WaitExit::Cap, 660), Some((words(WaitExit::Cap).unwrap(), 59)));
    }

    #[test]
    fn what_is_the_callers_own_doing_is_not_told() {
        let mut queue = NotServed::default();
        for exit in [WaitExit::Abandoned, WaitExit::Declined, WaitExit::CallbackFailed, WaitExit::Redialled] {
            assert_eq!(turned_away(&mut queue, exit, 5), None);
        }
        assert_eq!(queue.end(&WaitEnd::HungUp { after: QUIET }, None, at(6)), None);
    }
}
