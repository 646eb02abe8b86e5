//! What a router is told, and what it answers: calls and agents by number, and nobody rings in vain.

use std::time::Duration;

use crate::base::Timestamp;
use crate::queue::api::Need;

/// A type of calls.
#[derive(Clone, Debug, PartialEq)]
pub struct CallType {
    /// What an agent must have.
    pub needs: Vec<Need>,
    /// After which time what will do instead, in order.
    pub steps: Vec<(Duration, Vec<Need>)>,
    /// What the business would like to use first. Not a limit.
    pub wants: Vec<Need>,
    /// The higher is the more important.
    pub priority: i32,
    /// So many percent answered within that time.
    pub target: (u8, Duration),
    /// The planner's mean time that an agent is busy with a call.
    pub handle_time: Duration,
}

impl CallType {
    /// What an agent must have for a call that has waited so long.
    pub fn needs_at(&self, age: Duration) -> &[Need] {
        let reached = self.steps.iter().take_while(|(after, _)| *after <= age).last();
        reached.map_or(&self.needs, |(_, needs)| needs)
    }
}

/// What a router knows before the first call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setup {
    /// How many skills there are; they are numbered.
    pub skills: usize,
    pub types: Vec<CallType>,
    /// Each agent's skills, sorted. All are away at first.
    pub agents: Vec<Vec<Need>>,
}

/// What a router is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The agent may get a call.
    Available { agent: u32 },
    /// The agent goes away, once a call that they are in is over.
    Unavailable { agent: u32 },
    /// A call of this type starts to wait.
    Arrived { call: u64, kind: u32 },
    /// The caller hung up while waiting.
    Abandoned { call: u64 },
    /// The talk is over; the agent is available again after their wrap-up, which is told.
    Ended { call: u64, agent: u32 },
    /// The time is there that the router asked for.
    Tick,
}

/// What a router answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// These calls to these agents, now.
    pub assign: Vec<(u64, u32)>,
    /// To an arrival: how long this caller will wait for an agent, and a bound for nine in ten such waits.
    pub wait: Option<(Duration, Duration)>,
    /// When the router wants a tick.
    pub wake: Option<Timestamp>,
}

/// Says who gets whom.
pub trait Router {
    /// Takes what happened at `now` and writes the answer, over what stood there.
    fn handle(&mut self, now: Timestamp, told: Told, answer: &mut Answer);
}

impl Answer {
    pub(super) fn clear(&mut self) {
        self.assign.clear();
        (self.wait, self.wake) = (None, None);
    }
}

/// Whether skills, sorted, meet the needs.
pub(super) fn meets(skills: &[Need], needs: &[Need]) -> bool {
    needs.iter().all(|need| level(skills, need) >= need.level)
}

/// The level of the skill that a need names; 0 for none.
pub(super) fn level(skills: &[Need], need: &Need) -> u8 {
    skills.iter().find(|has| has.skill == need.skill).map_or(0, |has| has.level)
}
