//! Agents who are always ready: nobody signs them in or out, so their hours do. All other agents say themselves when
//! they are there.

use std::sync::Arc;
use std::time::Duration;

use super::Now;
use super::Output;
use super::Pending;
use super::Switchboard;
use crate::base::AgentId;
use crate::base::Timestamp;
use crate::fact::Fact;
use crate::fact::What;
use crate::flow::hours::Opening;
use crate::queue;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;

/// A phone that rings when the hours end may be picked up; it is looked at again after this.
const RINGING: Duration = Duration::from_secs(1);
/// When hours are looked at again that do not change for weeks.
const NO_CHANGE: Duration = Duration::from_secs(24 * 3_600);

impl Switchboard {
    /// When the hours of an agent begin or end next.
    pub(super) fn shifts_deadline(&self) -> Option<Timestamp> {
        self.shifts_due
    }

    /// The hours of agents are others from now on.
    pub(super) fn shifts_changed(&mut self, now: Now) {
        self.shifts_due = Some(now.at);
    }

    /// What is due by the calendar is due at other moments from now on: hours of agents, promises, dates of skills.
    pub(super) fn calendar_set(&mut self, now: Now, by_ms: i64, out: &mut Vec<Output>) {
        out.push(Output::Fact(Fact { at: now.at, call: None, what: What::CalendarSet { by_ms } }));
        self.shifts_changed(now);
        self.note_promises_due(now);
        let center = &self.parts.center;
        if !center.validities.is_empty() {
            let changes = center.changes_at(now.at, now.wall, now.wall.moved(-by_ms));
            self.pending.push_back(Pending::Engine(queue::Event::Redate(changes)));
        }
    }

    /// Signs out who is always ready and whose hours are over, and in again when they begin. What somebody else wants of
    /// them holds until then.
    pub(super) fn tick_shifts(&mut self, now: Now) {
        self.shifts_due = None;
        let center = Arc::clone(&self.parts.center);
        let always_ready = center.engine.agents.iter().enumerate().filter(|(_, agent)| agent.always_ready);
        for (place, _) in always_ready {
            let id = AgentId(place as u32);
            let hours = center.agent_hours.get(place).and_then(Option::as_ref);
            let works = hours.is_none_or(|hours| hours.at(now.wall) == Opening::Open);
            let mut next = hours.map(|hours| {
                let at = hours.next_change(now.wall).unwrap_or(now.wall + NO_CHANGE);
                Duration::from_micros(u64::try_from(at.0.saturating_sub(now.wall.0)).unwrap_or(0))
            });
            if works == self.off_shift.contains(&id) {
                if matches!(self.engine.agent_state(id), Some(AgentState::Ringing(_))) {
                    next = Some(RINGING);
                } else {
                    let wish = if works { AgentWish::Ready } else { AgentWish::Offline };
                    if works {
                        self.off_shift.remove(&id)
                    } else {
                        self.off_shift.insert(id)
                    };
                    self.pending.push_back(Pending::Engine(queue::Event::AgentWants { agent: id, wish }));
                }
            }
            let due = next.map(|next| now.at + next);
            self.shifts_due = self.shifts_due.into_iter().chain(due).min();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::refer_tests::House;
    use super::*;
    use crate::base::WallTime;
    use crate::fact::AgentStateName;
    use crate::server::switchboard::Input;

    /// Thursday, 1 January 1970, 00:00.
    const MIDNIGHT: WallTime = WallTime(0);
    const HOUR: u64 = 3_600;

    impl House {
        /// Time passes up to that second; what alice and bob were then, each time that it changed.
        fn until(&mut self, second: u64) -> Vec<(u64, String, AgentStateName)> {
            let mut seen = Vec::new();
            while let Some(at) = self.switchboard.deadline().filter(|at| *at <= Timestamp::from_secs(second))
            {
                let now = Now { at, wall: MIDNIGHT + at.since(Timestamp::ZERO) };
                let mut out = Vec::new();
                self.switchboard.handle(now, Input::Tick, &mut self.streams, &mut out);
                for output in out {
                    if let crate::server::switchboard::Output::Fact(fact) = output
                        && let What::AgentState { agent, to, .. } = fact.what
                    {
                        seen.push((at.0 / 1_000_000, agent.to_string(), to));
                    }
                }
            }
            seen
        }
    }

    #[test]
    fn who_is_always_ready_is_so_in_their_hours_alone() {
        let hours = "time_zone: UTC\nhours:\n  day: { mon-fri: 08:00-18:00 }\n  evening: { every day: 17:00-22:00 }\n";
        let mut house = House::of(&format!("{hours}{CENTER}"));
        let state = |agent: &str, hour: u64, to| (hour * HOUR, agent.to_owned(), to);
        let (ready, offline) = (AgentStateName::Ready, AgentStateName::Offline);
        // Thursday night to Saturday noon. Carol has no hours.
        assert_eq!(
            house.until(60 * HOUR),
            [
                state("alice", 0, offline),
                state("bob", 0, offline),
                state("alice", 8, ready),
                state("bob", 17, ready),
                state("alice", 18, offline),
                state("bob", 22, offline),
                state("alice", 32, ready),
                state("bob", 41, ready),
                state("alice", 42, offline),
                state("bob", 46, offline),
            ]
        );
    }

    #[test]
    fn hours_are_those_of_a_clock_that_was_set() {
        let hours = "time_zone: UTC\nhours:\n  day: { mon-fri: 08:00-18:00 }\n  evening: { every day: 17:00-22:00 }\n";
        let mut house = House::of(&format!("{hours}{CENTER}"));
        house.until(HOUR);
        let mut out = Vec::new();
        // At one by the server's clock it is nine, and no eight hours have passed.
        let now = Now { at: Timestamp::from_secs(HOUR), wall: MIDNIGHT + Duration::from_secs(9 * HOUR) };
        let set = Input::CalendarSet { by_ms: 8 * 3_600_000 };
        house.switchboard.handle(now, set, &mut house.streams, &mut out);
        let told = out.iter().any(|output| {
            matches!(output, Output::Fact(Fact { what: What::CalendarSet { by_ms: 28_800_000 }, .. }))
        });
        assert!(told, "the history knows why its times jump");
        assert_eq!(house.switchboard.deadline(), Some(now.at), "hours are looked at again");
        let mut out = Vec::new();
        house.switchboard.handle(now, Input::Tick, &mut house.streams, &mut out);
        let states = out.into_iter().filter_map(|output| match output {
            Output::Fact(Fact { what: What::AgentState { agent, to, .. }, .. }) => {
                Some((agent.to_string(), to))
            }
            _ => None,
        });
        assert_eq!(states.collect::<Vec<_>>(), [("alice".to_owned(), AgentStateName::Ready)]);
        assert_eq!(
            house.switchboard.shifts_deadline(),
            Some(Timestamp::from_secs(9 * HOUR)),
            "bob, at 17:00"
        );
    }

    const CENTER: &str = "
company: Test
language: en
numbers: { 1000: straight }
skills: [talk]
queues: { help: { needs: talk >= 1, permission: ask } }
agents:
  alice: { skills: { talk: 5 }, contact: 'sip:alice@10.0.0.3:5060', ready: always, hours: day }
  bob: { skills: { talk: 3 }, contact: 'sip:bob@10.0.0.4:5060', ready: always, hours: evening }
  carol: { skills: { talk: 3 }, contact: 'sip:carol@10.0.0.5:5060', ready: always }
";
}
