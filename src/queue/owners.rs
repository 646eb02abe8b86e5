//! Who talked with a caller last: who calls again may be theirs first. Told the calendar's time, for that is over days and
//! over restarts; a caller is known as those who redial are.

use std::time::Duration;

use super::redial::Whose;
use crate::base::AgentId;
use crate::base::Latest;
use crate::base::WallTime;

/// How many are remembered at most; whoever has not called for longest is forgotten first.
pub const REMEMBERED: usize = 100_000;

/// The agents who talked with each caller last.
#[derive(Clone, Debug, PartialEq)]
pub struct Owners(Latest<Whose, (WallTime, AgentId)>);

impl Default for Owners {
    fn default() -> Owners {
        Owners(Latest::new(REMEMBERED))
    }
}

impl Owners {
    /// This agent talks with the caller.
    pub fn talked(&mut self, now: WallTime, whose: &[Whose], agent: AgentId) {
        for whose in whose {
            self.0.put(*whose, (now, agent));
        }
    }

    /// Who talked with the caller last, if it is no longer ago than that.
    pub fn find(&self, now: WallTime, whose: &[Whose], within: Duration) -> Option<AgentId> {
        let known = whose.iter().filter_map(|whose| self.0.get(whose));
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
}
