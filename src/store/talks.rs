//! What the talks of a call came to: its holds, and on which paths callers were handed on and had to repeat
//! themselves. Folds over facts; nothing here reads a clock or the file.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::HoldAnswer;
use crate::fact::HoldEndedBy;
use crate::fact::HoldWay;
use crate::fact::Party;
use crate::fact::Target;
use crate::fact::TransferKind;
use crate::fact::What;
use crate::store::fold::DatedFact;
use crate::store::surveys::Effort;

/// The facts that these folds look at, by name.
pub(super) const LOOKED_AT: &[&str] = &[
    "enqueued",
    "wait_moved",
    "call_placed",
    "hold_asked",
    "hold_answered",
    "hold_started",
    "hold_requoted",
    "hold_ended",
    "talk_ended",
    "consult_started",
    "party_called",
    "consult_ringing",
    "agent_connected",
    "transferred",
    "taken_over",
    "had_to_repeat",
];

/// What holds came to: those of a call, of an agent or of a queue. A held caller who is consulted about is held again
/// whenever the agent turns away from them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HoldTally {
    /// How often a caller was held.
    pub held: u32,
    /// For how long in all, of holds that are over.
    pub total: Duration,
    pub longest: Duration,
    /// How many of these took longer than the caller had been told, in good time, that they would.
    pub late: u32,
    /// How often a caller said no, or nothing.
    pub refused: u32,
    /// How often nobody was asked.
    pub overridden: u32,
    /// How often a held caller hung up.
    pub abandoned: u32,
}

impl HoldTally {
    fn add(&mut self, other: &HoldTally) {
        self.held += other.held;
        self.total += other.total;
        self.longest = self.longest.max(other.longest);
        self.late += other.late;
        self.refused += other.refused;
        self.overridden += other.overridden;
        self.abandoned += other.abandoned;
    }
}

/// The way that callers are handed on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// The queue that the caller came by; empty where there was none.
    pub queue: Name,
    pub from: Name,
    /// Who was asked for: a queue, though one of its agents takes the caller.
    pub to: Target,
}

/// What came of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathTally {
    /// Handed on with a note that was acknowledged.
    pub warm: u32,
    /// Handed on without.
    pub blind: u32,
    /// How often the caller had to tell again what was known already.
    pub repeats: u32,
}

/// One call's talks in the making.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TalkFold {
    queue: Name,
    /// By agent and queue.
    pub(super) holds: BTreeMap<(Name, Name), HoldTally>,
    pub(super) paths: BTreeMap<Path, PathTally>,
    /// Whether the last fact has changed one of these.
    counted: bool,
    /// Until when the caller was told to be held, by whom.
    told: BTreeMap<Name, WallTime>,
    /// Whose hold ended because somebody left, and it is not told yet who.
    left: Option<Name>,
    /// Whom somebody is being asked for now.
    asked: Option<Path>,
    /// By which path each agent came to the call.
    came_by: BTreeMap<Name, Path>,
    /// The last way that the caller went.
    went: Option<Path>,
}

/// What the talks of many calls came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TalkReport {
    pub queues: BTreeMap<Name, HoldTally>,
    pub agents: BTreeMap<Name, HoldTally>,
    pub paths: BTreeMap<Path, PathTally>,
}

impl TalkFold {
    /// The fold of all facts of one call.
    pub fn of<'a>(facts: impl IntoIterator<Item = &'a DatedFact>) -> TalkFold {
        let mut fold = TalkFold::default();
        for dated in facts {
            fold.apply(dated);
        }
        fold
    }

    /// The holds of the whole call.
    pub fn holds(&self) -> HoldTally {
        let mut sum = HoldTally::default();
        self.holds.values().for_each(|tally| sum.add(tally));
        sum
    }

    /// What its caller has behind them after this wait.
    pub fn effort(&self, waited: Duration) -> Effort {
        let handed_on = self.paths.values().map(|tally| tally.warm + tally.blind).sum();
        Effort { waited, held: self.holds().total, handed_on }
    }

    /// Takes one more fact in; whether the holds or the paths come to something else by it.
    pub fn apply(&mut self, dated: &DatedFact) -> bool {
        self.counted = false;
        match &dated.fact.what {
            What::Enqueued { queue, .. } | What::WaitMoved { to: queue, .. } => self.queue = queue.clone(),
            What::CallPlaced { queue, .. } => self.queue = queue.clone(),
            What::HoldAsked { agent, way: HoldWay::Override, .. } => self.of_agent(agent).overridden += 1,
            What::HoldAnswered { agent, answer: HoldAnswer::No | HoldAnswer::Silent } => {
                self.of_agent(agent).refused += 1;
            }
            What::HoldStarted { agent, until, .. } => {
                self.of_agent(agent).held += 1;
                self.told.insert(agent.clone(), dated.wall_of(*until));
            }
            What::HoldRequoted { agent, until } => {
                self.told.insert(agent.clone(), dated.wall_of(*until));
            }
            What::HoldEnded { agent, held, by } => {
                let late = self.told.remove(agent).is_some_and(|until| until < dated.wall);
                let tally = self.of_agent(agent);
                tally.late += u32::from(late);
                tally.total += *held;
                tally.longest = tally.longest.max(*held);
                self.left = (*by == HoldEndedBy::Left).then(|| agent.clone());
            }
            What::TalkEnded { agent, by, .. } => {
                if let Some(held_by) = self.left.take()
                    && *by == Party::Caller
                {
                    self.of_agent(&held_by).abandoned += 1;
                }
                // Whom the queue gives the caller to again, where no transfer is told, has them from this agent.
                self.went = Some(self.path(agent, &Target::Queue(self.queue.clone())));
            }
            What::ConsultStarted { agent, target, .. } | What::PartyCalled { agent, target, .. } => {
                self.asked = Some(self.path(agent, target));
            }
            What::ConsultRinging { agent } => {
                self.came_by.extend(self.asked.clone().map(|path| (agent.clone(), path)));
            }
            // Who gets the caller from the queue comes the way that the caller went.
            What::AgentConnected { agent, .. } => drop(self.came_by.remove(agent)),
            What::Transferred { from, to, kind } => self.transferred(from, to, *kind),
            What::TakenOver { from, by } => {
                let path = self.path(from, &Target::Agent(by.clone()));
                self.came_by.insert(by.clone(), path);
            }
            What::HadToRepeat { agent, .. } => {
                let path = self.came_by.get(agent).or(self.went.as_ref()).cloned();
                if let Some(path) = path {
                    self.of_path(path).repeats += 1;
                }
            }
            _ => {}
        }
        self.counted
    }

    fn transferred(&mut self, from: &Name, to: &Target, kind: TransferKind) {
        let took = match to {
            Target::Agent(agent) => Some(agent.clone()),
            Target::Number(number) => Some(number.as_str().into()),
            Target::Queue(_) => None,
        };
        let asked = took.and_then(|took| self.came_by.get(&took)).filter(|_| kind == TransferKind::Warm);
        let path = asked.cloned().unwrap_or_else(|| self.path(from, to));
        let tally = self.of_path(path.clone());
        match kind {
            TransferKind::Warm => tally.warm += 1,
            TransferKind::Blind => tally.blind += 1,
        }
        self.went = Some(path);
    }

    fn path(&self, from: &Name, to: &Target) -> Path {
        Path { queue: self.queue.clone(), from: from.clone(), to: to.clone() }
    }

    fn of_path(&mut self, path: Path) -> &mut PathTally {
        self.counted = true;
        self.paths.entry(path).or_default()
    }

    fn of_agent(&mut self, agent: &Name) -> &mut HoldTally {
        self.counted = true;
        self.holds.entry((agent.clone(), self.queue.clone())).or_default()
    }
}

impl TalkReport {
    /// Takes one more call in.
    pub fn add(&mut self, call: &TalkFold) {
        for ((agent, queue), tally) in &call.holds {
            self.add_holds(agent, queue, tally);
        }
        for (path, tally) in &call.paths {
            self.add_path(path, tally);
        }
    }

    pub(super) fn add_holds(&mut self, agent: &Name, queue: &Name, tally: &HoldTally) {
        self.agents.entry(agent.clone()).or_default().add(tally);
        self.queues.entry(queue.clone()).or_default().add(tally);
    }

    pub(super) fn add_path(&mut self, path: &Path, tally: &PathTally) {
        let sum = self.paths.entry(path.clone()).or_default();
        sum.warm += tally.warm;
        sum.blind += tally.blind;
        sum.repeats += tally.repeats;
    }
}

#[cfg(test)]
mod tests;
