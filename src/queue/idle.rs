//! The idle agents of a profile, the longest idle first, in one piece of memory.

use std::collections::VecDeque;

use serde::Deserialize;
use serde::Serialize;

use crate::base::AgentId;
use crate::base::Timestamp;

/// Idle agents and since when, in order. Most come at the end and go from the front, which is where it is known without
/// looking further: where few agents have equal skills there is hardly more than one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "VecDeque<Since>", into = "VecDeque<Since>")]
pub(super) struct Idle {
    first: Option<Since>,
    rest: VecDeque<Since>,
}

/// An agent and since when they are idle.
type Since = (Timestamp, AgentId);

impl Idle {
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Since> {
        self.first.iter().chain(&self.rest)
    }

    /// Takes in an agent; whether they were not there.
    pub fn insert(&mut self, since: Timestamp, agent: AgentId) -> bool {
        let new = (since, agent);
        let Some(first) = &mut self.first else {
            self.first = Some(new);
            return true;
        };
        if new < *first {
            self.rest.push_front(std::mem::replace(first, new));
            return true;
        }
        let Err(place) = self.rest.binary_search(&new) else { return false };
        let is_new = new != *first;
        if is_new {
            self.rest.insert(place, new);
        }
        is_new
    }

    /// Lets an agent go; whether they were there.
    pub fn remove(&mut self, since: Timestamp, agent: AgentId) -> bool {
        if self.first == Some((since, agent)) {
            self.first = self.rest.pop_front();
            return true;
        }
        let Ok(place) = self.rest.binary_search(&(since, agent)) else { return false };
        self.rest.remove(place);
        true
    }
}

impl From<VecDeque<Since>> for Idle {
    fn from(mut all: VecDeque<Since>) -> Idle {
        Idle { first: all.pop_front(), rest: all }
    }
}

impl From<Idle> for VecDeque<Since> {
    fn from(Idle { first, mut rest }: Idle) -> VecDeque<Since> {
        first.into_iter().for_each(|first| rest.push_front(first));
        rest
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
            let written = VecDeque::from(idle.clone());
            assert!(written.iter().eq(plain.iter()) && Idle::from(written) == idle);
        }
    }
}
