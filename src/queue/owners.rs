//! Who talked with a caller last: who calls again may be theirs first. Told the calendar's time, for that is over days and
//! over restarts; a caller is known as those who redial are.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use super::redial::Whose;
use crate::base::AgentId;
use crate::base::WallTime;

/// How many are remembered at most; whoever has not called for longest is forgotten first.
pub const REMEMBERED: usize = 100_000;

/// The agents who talked with each caller last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Owners {
    last: BTreeMap<Whose, (WallTime, AgentId)>,
    by_age: BTreeSet<(WallTime, Whose)>,
}

impl Owners {
    /// This agent talks with the caller.
    pub fn talked(&mut self, now: WallTime, whose: &[Whose], agent: AgentId) {
        for whose in whose {
            if let Some((before, _)) = self.last.insert(*whose, (now, agent)) {
                self.by_age.remove(&(before, *whose));
            }
            self.by_age.insert((now, *whose));
            if self.last.len() > REMEMBERED
                && let Some((_, oldest)) = self.by_age.pop_first()
            {
                self.last.remove(&oldest);
            }
        }
    }

    /// Who talked with the caller last, if it is no longer ago than that.
    pub fn find(&self, now: WallTime, whose: &[Whose], within: Duration) -> Option<AgentId> {
        let known = whose.iter().filter_map(|whose| self.last.get(whose));
        let (at, agent) = known.max_by_key(|(at, _)| *at)?;
        (*at + within >= now).then_some(*agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> WallTime {
        WallTime(secs * 1_000_000)
    }

    #[test]
    fn whoever_talked_last_is_found_within_the_time_by_number_and_by_account() {
        let mut owners = Owners::default();
        let number = Whose::number("+12025550143").unwrap();
        let account = Whose::account("100200");
        let week = Duration::from_secs(604_800);
        owners.talked(at(0), &[number], AgentId(1));
        owners.talked(at(10), &[account], AgentId(2));
        assert_eq!(owners.find(at(20), &[number], week), Some(AgentId(1)));
        assert_eq!(owners.find(at(20), &[number, account], week), Some(AgentId(2)), "the last of the two");
        assert_eq!(owners.find(at(0) + week, &[number], week), Some(AgentId(1)));
        assert_eq!(owners.find(at(1) + week, &[number], week), None, "it is too long ago");
        assert_eq!(owners.find(at(20), &[], week), None, "nobody knows who calls");
    }

    #[test]
    fn so_many_are_remembered_and_the_oldest_is_forgotten() {
        let mut owners = Owners::default();
        let whose = |n: usize| Whose::account(&n.to_string());
        for n in 0..=REMEMBERED {
            owners.talked(at(n as i64), &[whose(n)], AgentId(0));
        }
        let now = at(REMEMBERED as i64);
        let ever = Duration::from_secs(REMEMBERED as u64);
        assert_eq!(owners.find(now, &[whose(0)], ever), None);
        assert_eq!(owners.find(now, &[whose(1)], ever), Some(AgentId(0)));
        assert_eq!((owners.last.len(), owners.by_age.len()), (REMEMBERED, REMEMBERED));
    }
}
