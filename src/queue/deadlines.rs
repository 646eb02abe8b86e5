//! The engine's deadlines in order.
//!
//! One that comes soon is left where it is when nobody needs it any more, and goes when it comes first, where it is at
//! hand: looking for it among 100 000 others takes longer. So whoever has one also knows when it is.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::engine::Due;
use crate::base::CallId;
use crate::base::Timestamp;

/// How soon is soon: what is left is no more than comes in within this time.
const SOON: Duration = Duration::from_secs(120);

/// What is due when. The first is somebody's between two decisions.
///
/// Those of the calls may be 100 000. The others are few, and every decision moves some: apart from the calls they stay
/// in the processor's caches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeSet<(Timestamp, Due)>", into = "BTreeSet<(Timestamp, Due)>")]
pub(super) struct Deadlines {
    calls: BTreeSet<(Timestamp, CallId)>,
    others: BTreeSet<(Timestamp, Due)>,
    /// When the first is.
    first: Option<Timestamp>,
    /// Whether the first may be nobody's, or is not known.
    unsure: bool,
}

impl Deadlines {
    /// When the first is.
    pub fn first(&self) -> Option<Timestamp> {
        self.first
    }

    pub fn insert(&mut self, at: Timestamp, due: Due) {
        match due {
            Due::Call(call) => self.calls.insert((at, call)),
            other => self.others.insert((at, other)),
        };
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
    }

    /// Nobody needs one of these times any more.
    pub fn remove(&mut self, now: Timestamp, at: Timestamp, due: Due) {
        if at > now + SOON {
            match due {
                Due::Call(call) => self.calls.remove(&(at, call)),
                other => self.others.remove(&(at, other)),
            };
        }
        self.unsure |= self.first == Some(at);
    }

    /// Takes out the first that is due.
    pub fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, Due)> {
        self.first.filter(|first| *first <= now)?;
        let popped = self.pop_earliest();
        self.first = self.earliest().map(|(at, _)| at);
        self.unsure = true;
        popped.filter(|(at, _)| *at <= now)
    }

    /// Whether [`Deadlines::settle`] has something to do.
    pub fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// Leaves out those at the beginning that are nobody's.
    pub fn settle(&mut self, is_meant: impl Fn((Timestamp, Due)) -> bool) {
        while self.earliest().is_some_and(|earliest| !is_meant(earliest)) {
            self.pop_earliest();
        }
        self.first = self.earliest().map(|(at, _)| at);
        self.unsure = false;
    }

    /// The first of all, be it somebody's or not.
    fn earliest(&self) -> Option<(Timestamp, Due)> {
        let call = self.calls.first().map(|(at, call)| (*at, Due::Call(*call)));
        match (call, self.others.first()) {
            (Some(call), Some(other)) => Some(call.min(*other)),
            (call, other) => call.or(other.copied()),
        }
    }

    fn pop_earliest(&mut self) -> Option<(Timestamp, Due)> {
        let earliest = self.earliest();
        match earliest? {
            (_, Due::Call(_)) => drop(self.calls.pop_first()),
            _ => drop(self.others.pop_first()),
        }
        earliest
    }
}

impl From<BTreeSet<(Timestamp, Due)>> for Deadlines {
    fn from(all: BTreeSet<(Timestamp, Due)>) -> Deadlines {
        let mut deadlines = Deadlines::default();
        all.into_iter().for_each(|(at, due)| deadlines.insert(at, due));
        deadlines
    }
}

impl From<Deadlines> for BTreeSet<(Timestamp, Due)> {
    fn from(deadlines: Deadlines) -> BTreeSet<(Timestamp, Due)> {
        let calls = deadlines.calls.into_iter().map(|(at, call)| (at, Due::Call(call)));
        calls.chain(deadlines.others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::AgentId;
    use crate::base::Entropy;

    /// Against a plain set from which everything is taken at once.
    #[test]
    fn the_first_deadline_is_somebodys_whatever_was_left_before_it() {
        let mut chance = Entropy::seeded(1);
        let (mut deadlines, mut meant) = (Deadlines::default(), BTreeSet::new());
        let mut now = Timestamp::ZERO;
        for _ in 0..20_000 {
            now += Duration::from_secs(chance.below(3));
            let due = Due::Agent(AgentId(chance.below(40) as u32));
            let before = meant.iter().find(|(_, other)| *other == due).copied();
            if let Some((at, _)) = before {
                meant.remove(&(at, due));
                deadlines.remove(now, at, due);
            }
            if chance.below(3) > 0 {
                let at = now + Duration::from_secs(chance.below(300));
                meant.insert((at, due));
                deadlines.insert(at, due);
            }
            while let Some(popped) = deadlines.pop(now) {
                if meant.remove(&popped) {
                    assert!(meant.first().is_none_or(|next| popped < *next), "in order");
                }
            }
            deadlines.settle(|deadline| meant.contains(&deadline));
            assert_eq!(deadlines.first(), meant.first().map(|(at, _)| *at));
            let is_soon = |deadline: &(Timestamp, Due)| deadline.0 <= now + SOON;
            let all = BTreeSet::from(deadlines.clone());
            assert!(all.iter().all(|deadline| is_soon(deadline) || meant.contains(deadline)));
        }
    }
}
