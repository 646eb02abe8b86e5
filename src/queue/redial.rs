//! Callers whose line dropped while they waited: who calls again soon is as old as they were.
//!
//! Never older: the time without a line does not count, and an age is given back once. Who did not say who they are has
//! none to claim.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use smallvec::SmallVec;

use crate::base::QueueId;
use crate::base::Timestamp;

/// How many are remembered at most; the oldest is forgotten first.
const REMEMBERED: usize = 10_000;
/// A number with fewer digits is an extension or a word: many phones have the same.
const LEAST_DIGITS: usize = 7;

/// Who calls, as a digest: the engine compares, and knows nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Whose(u64);

impl Whose {
    /// The caller with this believed number; none for one that is withheld, or is no whole number.
    pub fn number(number: &str) -> Option<Whose> {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let only_digits = number.chars().all(|c| c.is_ascii_digit() || "+-(). ".contains(c));
        (only_digits && digits.len() >= LEAST_DIGITS).then(|| Whose::digest("number", &digits))
    }

    /// The caller who has proved to own this account.
    pub fn account(account: &str) -> Whose {
        Whose::digest("account", account)
    }

    fn digest(kind: &str, text: &str) -> Whose {
        let digest = Sha256::new().chain_update(kind).chain_update([0]).chain_update(text).finalize();
        Whose(digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
    }
}

/// All that is known of who calls.
pub type Whoses = SmallVec<[Whose; 2]>;

/// Those whose line dropped lately.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Redials {
    /// By when they came in, which is also when they are forgotten.
    dropped: BTreeMap<u64, Dropped>,
    /// The latest of each.
    latest: BTreeMap<Whose, u64>,
    next: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Dropped {
    whose: Whoses,
    queue: QueueId,
    age: Duration,
    until: Timestamp,
}

impl Redials {
    /// Somebody's line dropped at this age in this queue; they are remembered until then.
    pub fn remember(&mut self, whose: &[Whose], queue: QueueId, age: Duration, until: Timestamp) {
        if whose.is_empty() {
            return;
        }
        if self.dropped.len() >= REMEMBERED
            && let Some((&oldest, _)) = self.dropped.first_key_value()
        {
            self.forget(oldest);
        }
        let place = self.next;
        self.next += 1;
        whose.iter().for_each(|whose| {
            self.latest.insert(*whose, place);
        });
        let whose = Whoses::from_slice(whose);
        self.dropped.insert(place, Dropped { whose, queue, age, until });
    }

    /// The age that a caller to this queue had, and who must not have it again.
    pub fn find(&self, now: Timestamp, whose: &[Whose], queue: QueueId) -> Option<(u64, Duration)> {
        let places = whose.iter().filter_map(|whose| self.latest.get(whose));
        let known = places.filter_map(|place| Some((*place, self.dropped.get(place)?)));
        let fit = known.filter(|(_, dropped)| dropped.queue == queue && dropped.until > now);
        fit.map(|(place, dropped)| (place, dropped.age)).max_by_key(|(place, age)| (*age, *place))
    }

    /// An age has been given back, or nobody claims it any more.
    pub fn forget(&mut self, place: u64) {
        let Some(dropped) = self.dropped.remove(&place) else { return };
        for whose in dropped.whose {
            if self.latest.get(&whose) == Some(&place) {
                self.latest.remove(&whose);
            }
        }
    }

    /// Forgets those whose time is over.
    pub fn expire(&mut self, now: Timestamp) {
        while let Some((&oldest, _)) = self.dropped.first_key_value().filter(|(_, first)| first.until <= now)
        {
            self.forget(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_however_it_is_written_and_a_withheld_one_is_nobody() {
        assert_eq!(Whose::number("+1 (202) 555-0143"), Whose::number("+12025550143"));
        assert_ne!(Whose::number("+12025550143"), Some(Whose::account("12025550143")));
        for nobody in ["", "anonymous", "Restricted", "1000", "alice7777777", "unknown", "+"] {
            assert_eq!(Whose::number(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn those_who_drop_are_remembered_up_to_a_number_and_each_by_their_latest() {
        let mut redials = Redials::default();
        let whose = |n: u64| [Whose(n)];
        let until = Timestamp::from_secs(100);
        for n in 0..REMEMBERED as u64 + 5 {
            redials.remember(&whose(n), QueueId(0), Duration::from_secs(n), until);
        }
        assert_eq!(redials.dropped.len(), REMEMBERED);
        assert_eq!(redials.find(Timestamp::ZERO, &whose(4), QueueId(0)), None);
        assert!(redials.find(Timestamp::ZERO, &whose(5), QueueId(0)).is_some());
        redials.remember(&whose(5), QueueId(1), Duration::from_secs(7), until);
        assert_eq!(redials.find(Timestamp::ZERO, &whose(5), QueueId(0)), None, "of another queue by now");
        redials.expire(until);
        assert_eq!(redials, Redials { next: redials.next, ..Redials::default() });
    }
}
