//! The engine's deadlines in order.
//!
//! One that comes soon is left where it is when nobody needs it any more, and goes when it comes first, where it is at
//! hand: looking for it among 100 000 others takes longer. So whoever has one also knows when it is.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::engine::Due;
use crate::base::CallId;
use crate::base::Timestamp;

/// How soon is soon: what is left is no more than comes in within this time.
const SOON: Duration = Duration::from_secs(120);
/// How many lanes there are: more than there are times for which deadlines are commonly set, such as a ring's, a wrap-up's
/// and a check-in's.
const LANES: usize = 8;

/// Whose, after when: what comes first is the least.
type Deadline = (Timestamp, Due);

/// What is due when. The first is somebody's between two decisions.
///
/// Most deadlines are as far away as others of their kind were when they were set, and so come right behind those: soon ones stand
/// in a few lanes, which are in order without a search.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "BTreeSet<Deadline>", into = "BTreeSet<Deadline>")]
pub(super) struct Deadlines {
    /// Those that were soon when they were set, each lane in order.
    lanes: [VecDeque<Deadline>; LANES],
    /// The last that came into each lane, there still or not: the latest first.
    lasts: [Deadline; LANES],
    /// Those that were not, and those that would be the last in no lane.
    rest: BTreeSet<Deadline>,
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

    pub fn insert(&mut self, now: Timestamp, at: Timestamp, due: Due) {
        let deadline = (at, due);
        // Mostly the times tell.
        let is_before = |last: &Deadline| last.0 < at || *last < deadline;
        match self.lasts.iter().position(is_before).filter(|_| at <= now + SOON) {
            Some(lane) => {
                self.lanes[lane].push_back(deadline);
                self.lasts[lane] = deadline;
            }
            None => drop(self.rest.insert(deadline)),
        }
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
    }

    /// Nobody needs one of these times any more.
    pub fn remove(&mut self, now: Timestamp, at: Timestamp, due: Due) {
        if at > now + SOON {
            self.rest.remove(&(at, due));
        }
        self.unsure |= self.first == Some(at);
    }

    /// Moves one from one time to another and answers the new one, to be kept with its owner.
    pub fn rearm(
        &mut self,
        now: Timestamp,
        due: Due,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Option<Timestamp> {
        if from != to {
            from.inspect(|at| self.remove(now, *at, due));
            to.inspect(|at| self.insert(now, *at, due));
        }
        to
    }

    /// Takes out the first that is due.
    pub fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, Due)> {
        self.first.filter(|first| *first <= now)?;
        let popped = self.earliest()?;
        self.take_out(popped);
        self.first = self.earliest().map(|(at, _)| at);
        self.unsure = true;
        Some(popped).filter(|(at, _)| *at <= now)
    }

    /// Whether [`Deadlines::settle`] has something to do.
    pub fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// Leaves out those at the beginning that are nobody's.
    pub fn settle(&mut self, is_meant: impl Fn((Timestamp, Due)) -> bool) {
        let mut earliest = self.earliest();
        while let Some(nobodys) = earliest.filter(|earliest| !is_meant(*earliest)) {
            self.take_out(nobodys);
            earliest = self.earliest();
        }
        self.first = earliest.map(|(at, _)| at);
        self.unsure = false;
    }

    /// The first of all, be it somebody's or not.
    fn earliest(&self) -> Option<Deadline> {
        self.lanes.iter().filter_map(VecDeque::front).chain(self.rest.first()).min().copied()
    }

    /// Takes out the first of all, wherever it stands: one that was set, left and set again stands in two lanes.
    fn take_out(&mut self, earliest: Deadline) {
        for lane in &mut self.lanes {
            if lane.front() == Some(&earliest) {
                lane.pop_front();
            }
        }
        if self.rest.first() == Some(&earliest) {
            self.rest.pop_first();
        }
    }
}

/// The sooner of two times, of which there may be one or none.
pub(super) fn sooner(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Equal are equal deadlines, wherever they stand.
impl PartialEq for Deadlines {
    fn eq(&self, other: &Deadlines) -> bool {
        BTreeSet::from(self.clone()) == BTreeSet::from(other.clone())
    }
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        let lasts = [(Timestamp::ZERO, Due::Call(CallId(0))); LANES];
        Deadlines { lanes: Default::default(), lasts, rest: BTreeSet::new(), first: None, unsure: false }
    }
}

impl From<BTreeSet<Deadline>> for Deadlines {
    fn from(rest: BTreeSet<Deadline>) -> Deadlines {
        let first = rest.first().map(|(at, _)| *at);
        Deadlines { first, rest, ..Deadlines::default() }
    }
}

impl From<Deadlines> for BTreeSet<Deadline> {
    fn from(deadlines: Deadlines) -> BTreeSet<Deadline> {
        deadlines.lanes.into_iter().flatten().chain(deadlines.rest).collect()
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
                deadlines.insert(now, at, due);
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

    #[test]
    fn deadlines_that_are_set_for_a_few_times_need_no_search() {
        let mut deadlines = Deadlines::default();
        for n in 0..1_000 {
            let now = Timestamp::from_millis(n * 7);
            for (kind, seconds) in (0..).zip([60, 20, 30, 1, 10]) {
                let due = Due::Agent(AgentId(n as u32 * 5 + kind));
                deadlines.insert(now, now + Duration::from_secs(seconds), due);
            }
        }
        assert!(deadlines.rest.is_empty());
    }
}
