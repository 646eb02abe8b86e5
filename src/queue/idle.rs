//! The idle agents of a profile, the longest idle first, in one piece of memory.

use std::collections::VecDeque;

use serde::Deserialize;
use serde::Serialize;

use crate::base::AgentId;
use crate::base::Timestamp;

/// Idle agents and since when, in order. Most come at the end and go from the front.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Idle(VecDeque<(Timestamp, AgentId)>);

impl Idle {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &(Timestamp, AgentId)> {
        self.0.iter()
    }

    /// Takes in an agent; whether they were not there.
    pub fn insert(&mut self, since: Timestamp, agent: AgentId) -> bool {
        let Err(place) = self.0.binary_search(&(since, agent)) else { return false };
        self.0.insert(place, (since, agent));
        true
    }

    /// Lets an agent go; whether they were there.
    pub fn remove(&mut self, since: Timestamp, agent: AgentId) -> bool {
        let Ok(place) = self.0.binary_search(&(since, agent)) else { return false };
        self.0.remove(place);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::Entropy;

    #[test]
    fn idle_agents_stand_in_order_like_in_a_plain_set() {
        let mut chance = Entropy::seeded(1);
        let (mut idle, mut plain) = (Idle::default(), BTreeSet::new());
        for _ in 0..5_000 {
            let (since, agent) = (Timestamp(chance.below(20)), AgentId(chance.below(20) as u32));
            if chance.below(2) == 0 {
                assert_eq!(idle.insert(since, agent), plain.insert((since, agent)));
            } else {
                assert_eq!(idle.remove(since, agent), plain.remove(&(since, agent)));
            }
            assert!(idle.iter().eq(plain.iter()));
            assert_eq!((idle.len(), idle.is_empty()), (plain.len(), plain.is_empty()));
        }
    }
}
