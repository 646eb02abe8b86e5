//! How long agents were there to take calls, and how long they were busy with them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::What;
use crate::store::fold::DatedFact;

/// Two facts whose runs began within so many microseconds are of one run of the server: clocks are set now and then.
const SAME_RUN_US: u64 = 2_000_000;

/// What agents did for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// In calls, their holds and consults among them, and in wrap-up.
    pub busy: Duration,
    /// Signed in and not in not-ready.
    pub there: Duration,
}

impl Time {
    /// The part of their time in which they were busy; none when nobody was there.
    pub fn occupancy(&self) -> Option<f64> {
        (!self.there.is_zero()).then(|| self.busy.as_secs_f64() / self.there.as_secs_f64())
    }
}

impl std::ops::AddAssign for Time {
    fn add_assign(&mut self, time: Time) {
        self.busy += time.busy;
        self.there += time.there;
    }
}

/// A time in which an agent was there, and busy or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Spell {
    pub from: WallTime,
    pub to: WallTime,
    pub busy: bool,
}

impl Spell {
    /// What a part of it of this length counts as.
    pub(super) fn counts(&self, time: Duration) -> Time {
        Time { busy: if self.busy { time } else { Duration::ZERO }, there: time }
    }
}

/// Agents' states in the making.
#[derive(Debug, Default)]
pub(in crate::store) struct Shifts {
    /// When the server's run began whose facts come.
    run: Option<i64>,
    /// The last fact of that run.
    last: WallTime,
    now: BTreeMap<Name, (WallTime, AgentStateName)>,
    spells: BTreeMap<Name, Vec<Spell>>,
    /// Since when who is in wrap-up, and those that are over.
    wrapping_up: BTreeMap<Name, WallTime>,
    wrap_ups: WrapUps,
}

/// Each agent's times in wrap-up, from when to when, in order.
pub(in crate::store) type WrapUps = BTreeMap<Name, Vec<(WallTime, WallTime)>>;

impl Shifts {
    /// Takes a fact in that concerns no call. Who is there when a run of the server ends is not from its last fact on.
    pub fn apply(&mut self, dated: &DatedFact) {
        let by_ms = if let What::CalendarSet { by_ms } = &dated.fact.what { *by_ms } else { 0 };
        // By the calendar of before: the run is the same, and began at another date from now on.
        let begun = dated.wall.moved(-by_ms).0.saturating_sub_unsigned(dated.fact.at.0);
        if self.run.is_none_or(|run| run.abs_diff(begun) > SAME_RUN_US) {
            self.close(self.last);
        }
        self.run = Some(WallTime(begun).moved(by_ms).0);
        self.last = dated.wall;
        if by_ms != 0 {
            self.calendar_set(by_ms);
        }
        if let What::AgentState { agent, to, .. } = &dated.fact.what {
            let was = self.now.insert(agent.clone(), (dated.wall, *to));
            self.spell(agent.clone(), was, dated.wall);
            if *to == AgentStateName::WrapUp {
                self.wrapping_up.entry(agent.clone()).or_insert(dated.wall);
            } else if let Some(from) = self.wrapping_up.remove(agent) {
                self.wrap_ups.entry(agent.clone()).or_default().push((from, dated.wall));
            }
        }
    }

    /// Every agent's spells and wrap-ups, as of `now`.
    pub fn end(mut self, now: WallTime) -> (BTreeMap<Name, Vec<Spell>>, WrapUps) {
        self.close(now);
        (self.spells, self.wrap_ups)
    }

    /// What goes on began at another date, by the calendar of now.
    fn calendar_set(&mut self, by_ms: i64) {
        for (agent, (from, state)) in &mut self.now {
            // A spell that went on in this state is one with it.
            let goes_on = |last: &mut Spell| (last.to, Some(last.busy)) == (*from, is_busy(*state));
            if let Some(last) = self.spells.get_mut(agent).and_then(|spells| spells.pop_if(goes_on)) {
                *from = last.from;
            }
            *from = from.moved(by_ms);
        }
        self.wrapping_up.values_mut().for_each(|from| *from = from.moved(by_ms));
    }

    fn close(&mut self, at: WallTime) {
        for (agent, state) in std::mem::take(&mut self.now) {
            self.spell(agent, Some(state), at);
        }
        for (agent, from) in std::mem::take(&mut self.wrapping_up) {
            self.wrap_ups.entry(agent).or_default().push((from, at));
        }
    }

    fn spell(&mut self, agent: Name, was: Option<(WallTime, AgentStateName)>, to: WallTime) {
        let Some((from, state)) = was.filter(|(from, _)| *from < to) else { return };
        let Some(busy) = is_busy(state) else { return };
        let spells = self.spells.entry(agent).or_default();
        match spells.last_mut().filter(|last| (last.to, last.busy) == (from, busy)) {
            Some(last) => last.to = to,
            None => spells.push(Spell { from, to, busy }),
        }
    }
}

/// Whether an agent in this state is busy; none when they are not there to take calls.
pub(in crate::store) fn is_busy(state: AgentStateName) -> Option<bool> {
    match state {
        AgentStateName::Offline | AgentStateName::NotReady => None,
        AgentStateName::Talking | AgentStateName::WrapUp => Some(true),
        AgentStateName::Ready | AgentStateName::Reserved | AgentStateName::Ringing => Some(false),
    }
}
