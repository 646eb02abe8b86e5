//! What a time came to by queue, skill or agent, and interval: how callers were answered and how busy agents were. Folds
//! over facts; nothing here reads a clock or the file.

pub mod intervals;
pub(in crate::store) mod shifts;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

pub use intervals::Every;
pub use intervals::Intervals;
use shifts::Shifts;
use shifts::Spell;
pub use shifts::Time;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::NeedFact;
use crate::store::figures::EndedWait;
use crate::store::fold::DatedFact;
use crate::store::handling::EndedTalk;
use crate::store::handling::Handling;
use crate::store::handling::ShownTalk;
use crate::store::handling::ToldTalks;
use crate::store::handling::wrapped_up;
use crate::store::targets::Targets;
use crate::store::waits::Tally;
use crate::store::waits::WaitChange;
use crate::store::waits::WaitEnd;
use crate::store::waits::Waiting;
use crate::store::waits::Waits;
use crate::store::why::Skilled;
use crate::store::why::can;

/// The facts of calls that a report looks at, by name.
pub(super) const LOOKED_AT: &[&str] = &[
    "enqueued",
    "not_let_in",
    "needs_relaxed",
    "wait_moved",
    "place_recalled",
    "wait_asked",
    "agent_ringing",
    "agent_missed",
    "agent_connected",
    "wait_ended",
    "call_ended",
];
/// Answered within this is in target where neither the history nor the center knows the queue's.
pub const USUAL_TARGET: Duration = Duration::from_secs(20);
/// A report has no more rows than these.
pub const MOST_ROWS: usize = 100_000;

/// What a report's rows are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    #[default]
    Queue,
    /// Of the calls that needed it when they were answered or their wait ended otherwise: a call that needed two counts
    /// for both.
    Skill,
    /// Of the calls that they answered, and of those that hung up while their phone rang.
    Agent,
}

impl By {
    /// As it is written: `queue`, `skill`, `agent`.
    pub fn written(self) -> &'static str {
        match self {
            By::Queue => "queue",
            By::Skill => "skill",
            By::Agent => "agent",
        }
    }
}

impl FromStr for By {
    type Err = NoSuchWord;

    fn from_str(text: &str) -> Result<By, NoSuchWord> {
        let all = [By::Queue, By::Skill, By::Agent];
        let no_such = || NoSuchWord { got: text.to_owned(), known: "queue, skill or agent" };
        all.into_iter().find(|by| by.written() == text).ok_or_else(no_such)
    }
}

/// A word that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is {known}, got \"{got}\"")]
pub struct NoSuchWord {
    pub(super) got: String,
    pub(super) known: &'static str,
}

/// A report has too many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is a report of more than {MOST_ROWS} rows")]
pub struct TooLong;

/// What a center is, as far as a report must know.
#[derive(Clone, Debug, Default)]
pub struct Staff {
    /// The queues' service-level targets, where the history tells of none.
    pub targets: BTreeMap<Name, Duration>,
    pub agents: Vec<Skilled>,
}

/// What one interval came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Of waits that began in it.
    pub tally: Tally,
    /// How long those waited who were answered, in order.
    waits: Vec<Duration>,
    /// What agents did in it: of a skill those who have it, of a queue those who can serve any of its calls.
    pub time: Time,
    /// Of talks that ended in it.
    pub handling: Handling,
}

impl Figures {
    /// The wait that nine in ten of the answered did not exceed; none when nobody was.
    pub fn p90(&self) -> Option<Duration> {
        let place = (self.waits.len() * 9).div_ceil(10);
        self.waits.get(place.checked_sub(1)?).copied()
    }

    /// What several come to together; time that an agent serves two queues in counts in each.
    pub(super) fn sum<'a>(parts: impl IntoIterator<Item = &'a Figures>) -> Figures {
        let mut sum = Figures::default();
        parts.into_iter().for_each(|part| sum.add(part));
        sum.waits.sort_unstable();
        sum
    }

    fn add(&mut self, other: &Figures) {
        self.tally += other.tally;
        self.waits.extend(&other.waits);
        self.time += other.time;
        self.handling += other.handling;
    }
}

/// A report's figures of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Whose; empty for calls that needed no skill, and for waits in which nobody answered or was rung last.
    pub name: Name,
    pub whole: Figures,
    /// Each interval that had something, by its beginning.
    pub intervals: Vec<(WallTime, Figures)>,
}

/// A report in the making. Facts of calls come call by call, each in order; those of agents in order.
pub struct ServiceReport {
    by: By,
    intervals: Intervals,
    staff: Staff,
    targets: Targets,
    waits: Waits,
    talks: ToldTalks,
    cells: BTreeMap<Name, BTreeMap<usize, Figures>>,
    count: usize,
    /// What was needed of agents in each queue.
    needed: BTreeMap<Name, Vec<Vec<NeedFact>>>,
    shifts: Shifts,
    /// What each agent did, by interval.
    times: BTreeMap<Name, BTreeMap<usize, Time>>,
}

impl ServiceReport {
    pub fn new(by: By, intervals: Intervals, staff: Staff) -> ServiceReport {
        ServiceReport {
            by,
            intervals,
            staff,
            targets: Targets::default(),
            waits: Waits::default(),
            talks: ToldTalks::default(),
            cells: BTreeMap::new(),
            count: 0,
            needed: BTreeMap::new(),
            shifts: Shifts::default(),
            times: BTreeMap::new(),
        }
    }

    /// Waits are in target by these, before any is told.
    pub fn judge_by(&mut self, targets: Targets) {
        self.targets = targets;
    }

    /// The time that it is of.
    pub fn time(&self) -> (WallTime, WallTime) {
        (self.intervals.from(), self.intervals.until())
    }

    /// Takes a fact of a call in.
    pub fn apply(&mut self, dated: &DatedFact) -> Result<(), TooLong> {
        self.talks.apply(dated);
        self.apply_to_wait(dated)
    }

    /// Takes in what a fact says of a wait, of a call whose talks are added.
    pub(super) fn apply_to_wait(&mut self, dated: &DatedFact) -> Result<(), TooLong> {
        match self.waits.apply(dated) {
            None => Ok(()),
            Some(WaitChange::Joined(wait) | WaitChange::Relaxed(wait) | WaitChange::Moved { wait, .. }) => {
                self.needs(&wait.queue, &wait.needs, wait.joined);
                Ok(())
            }
            Some(WaitChange::Ended(wait, end)) => self.count(&wait, Some(&end)),
        }
    }

    /// Takes a whole wait in, whose facts are not told.
    pub(super) fn add(&mut self, ended: &EndedWait) -> Result<(), TooLong> {
        for (queue, needs) in &ended.earlier {
            self.needs(queue, needs, ended.wait.joined);
        }
        self.count(&ended.wait, Some(&ended.end))
    }

    /// Takes a time in of an agent whose facts are not told, as far as it has passed by `now`.
    pub(super) fn add_spell(&mut self, agent: &Name, spell: Spell, now: WallTime) {
        for (place, time) in self.intervals.split(spell.from, spell.to.min(now)) {
            let times = self.times.entry(agent.clone()).or_default();
            *times.entry(place).or_default() += spell.counts(time);
        }
    }

    /// Takes talks of an agent in, and the agent's wrap-ups; both in order.
    pub(super) fn add_talks(
        &mut self,
        talks: &[ShownTalk],
        wrap_ups: &[(WallTime, WallTime)],
    ) -> Result<(), TooLong> {
        let lengths = wrapped_up(talks, wrap_ups);
        for (shown, wrapped_up) in talks.iter().zip(lengths) {
            let talk = &shown.0;
            let Some(place) = self.intervals.place(talk.ended).filter(|_| !talk.placed) else { continue };
            for name in self.names_of_talk(talk) {
                self.cell(&name, place)?.handling += Handling::of(shown, wrapped_up);
            }
        }
        Ok(())
    }

    /// Takes a fact of an agent in.
    pub fn apply_to_agent(&mut self, dated: &DatedFact) {
        self.shifts.apply(dated);
    }

    /// The rows, by name, as of `now`: who still waits has joined, and what agents do counts until then.
    pub fn rows(mut self, now: WallTime) -> Result<Vec<Row>, TooLong> {
        for wait in self.waits.waiting() {
            self.count(&wait, None)?;
        }
        let (spells, wrap_ups) = std::mem::take(&mut self.shifts).end(now);
        for (agent, talks) in std::mem::take(&mut self.talks).end(now) {
            self.add_talks(&talks, wrap_ups.get(&agent).map_or(&[], Vec::as_slice))?;
        }
        for (agent, spells) in spells {
            spells.into_iter().for_each(|spell| self.add_spell(&agent, spell, now));
        }
        for (agent, times) in std::mem::take(&mut self.times) {
            for group in self.groups_of(&agent) {
                for (place, time) in &times {
                    self.cell(&group, *place)?.time += *time;
                }
            }
        }
        let intervals = self.intervals;
        let row = |(name, cells): (Name, BTreeMap<usize, Figures>)| {
            let mut whole = Figures::default();
            let cells = cells.into_iter().map(|(place, mut figures)| {
                figures.waits.sort_unstable();
                whole.add(&figures);
                (intervals.begins(place), figures)
            });
            let intervals = cells.collect();
            whole.waits.sort_unstable();
            Row { name, whole, intervals }
        };
        Ok(self.cells.into_iter().map(row).collect())
    }

    /// Counts a wait where it began; one that has no end yet has only joined.
    fn count(&mut self, wait: &Waiting, end: Option<&WaitEnd>) -> Result<(), TooLong> {
        self.needs(&wait.queue, &wait.needs, wait.joined);
        let Some(place) = self.intervals.place(wait.joined) else { return Ok(()) };
        let target = self.target(wait);
        for name in self.names(wait, end) {
            let figures = self.cell(&name, place)?;
            figures.tally.joined += 1;
            let Some(end) = end else { continue };
            figures.tally.end(end, target);
            if let WaitEnd::Answered { waited, .. } = end {
                figures.waits.push(*waited);
            }
        }
        Ok(())
    }

    /// Within which a wait had to be answered: what its queue wanted when it began.
    fn target(&self, wait: &Waiting) -> Duration {
        let told = self.targets.at(&wait.queue, wait.joined).map(|target| target.within);
        told.or_else(|| self.staff.targets.get(&wait.queue).copied()).unwrap_or(USUAL_TARGET)
    }

    /// Whose figures a wait is in.
    fn names(&self, wait: &Waiting, end: Option<&WaitEnd>) -> BTreeSet<Name> {
        match (self.by, end) {
            (By::Queue, _) => BTreeSet::from([wait.queue.clone()]),
            (By::Skill, _) if wait.needs.is_empty() => BTreeSet::from([Name::default()]),
            (By::Skill, _) => skills(&wait.needs),
            (By::Agent, Some(WaitEnd::Answered { agent, .. })) => BTreeSet::from([agent.clone()]),
            (By::Agent, _) => BTreeSet::from([wait.rings.last().cloned().unwrap_or_default()]),
        }
    }

    /// Whose figures a talk is in.
    fn names_of_talk(&self, talk: &EndedTalk) -> BTreeSet<Name> {
        match self.by {
            By::Queue => BTreeSet::from([talk.queue.clone()]),
            By::Skill if talk.needs.is_empty() => BTreeSet::from([Name::default()]),
            By::Skill => skills(&talk.needs),
            By::Agent => BTreeSet::from([talk.agent.clone()]),
        }
    }

    /// Remembers what a call of a queue needs that joined then.
    fn needs(&mut self, queue: &Name, needs: &[NeedFact], joined: WallTime) {
        if self.by != By::Queue || self.intervals.place(joined).is_none() {
            return;
        }
        let known = match self.needed.get_mut(queue) {
            Some(known) => known,
            None => self.needed.entry(queue.clone()).or_default(),
        };
        if !known.iter().any(|known| known == needs) {
            known.push(needs.to_vec());
        }
    }

    /// In whose figures an agent's time is.
    fn groups_of(&self, agent: &Name) -> Vec<Name> {
        let skilled = self.staff.agents.iter().find(|skilled| skilled.name == *agent);
        let Some(skilled) = skilled.filter(|_| self.by != By::Agent) else {
            return if self.by == By::Agent { vec![agent.clone()] } else { Vec::new() };
        };
        if self.by == By::Skill {
            return skilled.skills.iter().map(|(skill, _)| skill.clone()).collect();
        }
        let able = |needs: &Vec<NeedFact>| can(&skilled.skills, needs);
        let serves =
            |(queue, demands): (&Name, &Vec<Vec<NeedFact>>)| demands.iter().any(able).then(|| queue.clone());
        self.needed.iter().filter_map(serves).collect()
    }

    fn cell(&mut self, name: &Name, place: usize) -> Result<&mut Figures, TooLong> {
        let cells = self.cells.entry(name.clone()).or_default();
        if !cells.contains_key(&place) {
            self.count += 1;
            if self.count > MOST_ROWS {
                return Err(TooLong);
            }
        }
        Ok(cells.entry(place).or_default())
    }
}

/// Every skill that some needs name.
fn skills(needs: &[NeedFact]) -> BTreeSet<Name> {
    let mut named = BTreeSet::new();
    for need in needs {
        named.insert(need.skill.clone());
        named.extend(skills(&need.or));
    }
    named
}

#[cfg(test)]
mod tests;
