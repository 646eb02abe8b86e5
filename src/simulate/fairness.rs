//! How evenly the work falls on agents who can do the same.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Timestamp;
use crate::queue::api::Need;

/// What an agent's day was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct AgentDay {
    /// In talks and wrap-up.
    busy: Duration,
    /// That, and free.
    there: Duration,
    since: Timestamp,
}

impl AgentDay {
    /// What the agent was since the last such moment ends now.
    pub fn ends(&mut self, now: Timestamp, there: bool, busy: bool) {
        let lasted = now.since(self.since);
        self.since = now;
        if there {
            self.there += lasted;
        }
        if busy {
            self.busy += lasted;
        }
    }
}

/// The standard deviation of occupancy among agents with the same skills, in points of per cent: the root of the mean, over
/// agents who have such colleagues, of (their occupancy − their group's)², weighed by how long each was there. Occupancy
/// is time in talks and wrap-up over time there; a group's is that of all its agents' time together. 0 where nobody has a
/// colleague.
pub(super) fn spread(skills: &[Vec<Need>], days: &[AgentDay]) -> f64 {
    let mut groups: BTreeMap<&[Need], Vec<&AgentDay>> = BTreeMap::new();
    for (skills, day) in skills.iter().zip(days).filter(|(_, day)| !day.there.is_zero()) {
        groups.entry(skills).or_default().push(day);
    }
    let (mut sum, mut weight) = (0.0, 0.0);
    for group in groups.values().filter(|group| group.len() > 1) {
        let busy: Duration = group.iter().map(|day| day.busy).sum();
        let there: Duration = group.iter().map(|day| day.there).sum();
        let mean = busy.as_secs_f64() / there.as_secs_f64();
        for day in group {
            let hours = day.there.as_secs_f64();
            sum += hours * (day.busy.as_secs_f64() / hours - mean).powi(2);
            weight += hours;
        }
    }
    if weight > 0.0 { 100.0 * (sum / weight).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SkillId;

    fn day(busy_min: u64, there_min: u64) -> AgentDay {
        let mut day = AgentDay::default();
        let at = |minutes: u64| Timestamp::from_secs(minutes * 60);
        day.ends(at(busy_min), true, true);
        day.ends(at(there_min), true, false);
        day.ends(at(there_min + 30), false, false);
        day
    }

    #[test]
    fn only_who_can_do_the_same_is_compared_and_by_the_time_that_they_were_there() {
        let skill = |skill| vec![Need { skill: SkillId(skill), level: 1 }];
        let (billing, english) = (skill(0), skill(1));
        let of = |skills: &[&Vec<Need>], days: &[AgentDay]| {
            let skills: Vec<_> = skills.iter().map(|skills| (*skills).clone()).collect();
            (spread(&skills, days) * 10.0).round() / 10.0
        };
        assert_eq!(of(&[&billing, &billing], &[day(40, 60), day(40, 60)]), 0.0);
        assert_eq!(of(&[&billing, &billing], &[day(30, 60), day(60, 60)]), 25.0);
        assert_eq!(of(&[&billing, &english], &[day(0, 60), day(60, 60)]), 0.0, "they are no colleagues");
        // 74.4 % in all; 50 % in half an hour, 86.7 % in an hour: √((0.5·24.4² + 12.2²) ÷ 1.5).
        assert_eq!(of(&[&billing, &billing], &[day(15, 30), day(52, 60)]), 17.3);
        assert_eq!(of(&[&billing, &billing], &[day(10, 60), day(0, 0)]), 0.0, "one was never there");
    }
}
