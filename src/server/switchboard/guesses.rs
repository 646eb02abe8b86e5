//! How often one caller may be wrong about who they are, over calls and accounts. An account is locked by its own wrong tries; but
//! whoever tries one common PIN on each of them locks none.

use std::net::IpAddr;
use std::time::Duration;

use super::Now;
use super::Switchboard;
use crate::base::CallId;
use crate::base::Latest;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::flow::api::VerifyResult;
use crate::queue::api::Whose;

/// So many wrong tries of one caller within [`WINDOW`]: ten calls in which all three are wrong.
const MOST: u32 = 30;
const WINDOW: Duration = Duration::from_secs(24 * 3_600);
/// Callers that are remembered; of more, the one that was wrong longest ago is forgotten.
const CALLERS: usize = 10_000;

/// Who tries: the number that a trunk tells, of a stranger, who can say any, their network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Caller {
    Number(Whose),
    Network(IpAddr),
}

/// Since when somebody was wrong, and how often. Lost with this process.
#[derive(Debug)]
pub(super) struct Guesses(Latest<Caller, (Timestamp, u32)>);

impl Default for Guesses {
    fn default() -> Guesses {
        Guesses(Latest::new(CALLERS))
    }
}

impl Guesses {
    fn of(&self, now: Timestamp, caller: Caller) -> Option<(Timestamp, u32)> {
        self.0.get(&caller).copied().filter(|(since, _)| now.since(*since) < WINDOW)
    }

    fn may_try(&self, now: Timestamp, caller: Caller) -> bool {
        self.of(now, caller).is_none_or(|(_, wrong)| wrong < MOST)
    }

    fn was_wrong(&mut self, now: Timestamp, caller: Caller) {
        let (since, wrong) = self.of(now, caller).unwrap_or((now, 0));
        self.0.put(caller, (since, wrong + 1));
    }
}

impl Switchboard {
    /// Whether this call's caller may try once more to prove who they are.
    pub(super) fn may_try(&self, now: Now, call: CallId) -> bool {
        self.who_tries(call).is_none_or(|caller| self.guesses.may_try(now.at, caller))
    }

    /// Counts a try that did not fit.
    pub(super) fn note_try(&mut self, now: Now, call: CallId, result: &VerifyResult) {
        let wrong = matches!(result, VerifyResult::Wrong | VerifyResult::LockedOut);
        if let Some(caller) = self.who_tries(call).filter(|_| wrong) {
            self.guesses.was_wrong(now.at, caller);
        }
    }

    /// None of a caller of whom nothing is known that others do not have as well: a withheld number, this machine, a web page.
    fn who_tries(&self, call: CallId) -> Option<Caller> {
        let stranger = self.lines.get(&LegId::of(call, 0)).and_then(|line| line.stranger);
        match stranger {
            Some(stranger) => stranger.elsewhere().map(Caller::Network),
            None => self.calls.get(&call)?.number.map(Caller::Number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_who_tries_one_pin_on_every_account_is_heard_no_more_that_day_and_others_are() {
        let mut guesses = Guesses::default();
        let number = |number| Caller::Number(Whose::number(number).unwrap());
        let (one, other) = (number("+4930111111"), number("+4930222222"));
        let minute = |minutes: u64| Timestamp::from_secs(60 * minutes);
        for at in 0..30 {
            assert!(guesses.may_try(minute(at), one), "{at}");
            guesses.was_wrong(minute(at), one);
        }
        assert!(!guesses.may_try(minute(30), one) && guesses.may_try(minute(30), other));
        assert!(!guesses.may_try(minute(24 * 60 - 1), one));
        assert!(guesses.may_try(minute(24 * 60), one), "a day after the first");
    }
}
