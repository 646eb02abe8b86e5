//! When to call, when to pick up and when to hang up; and what is counted of it. No sockets, no clock.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::time::Duration;

use super::plan::HangUp;
use super::plan::Plan;
use super::report::Spread;
use crate::base::Timestamp;
use crate::sip::SessionId;

/// The first session that we begin: see [`SessionId`].
const FIRST: u64 = 1 << 63;

/// What the callers are told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A call of ours was answered.
    Answered { session: SessionId },
    /// A call of ours was refused, or not answered.
    Failed { session: SessionId, status: u16 },
    /// There was no port for it: it is not placed.
    NoPort { session: SessionId },
    /// The server calls an agent.
    Rings { session: SessionId, agent: String },
    /// The server ended a line.
    Ended { session: SessionId },
    /// [`Callers::deadline`] is due.
    Tick,
}

/// What they want done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Call { session: SessionId },
    PickUp { session: SessionId },
    HangUp { session: SessionId },
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub placed: u64,
    pub answered: u64,
    /// Calls that were never answered, by status.
    pub refused: BTreeMap<u16, u64>,
    /// Lines that the server ended.
    pub ended_by_server: u64,
    /// Calls put off because as many were up as the plan allows, or ports were out.
    pub put_off: u64,
    /// Calls to agents.
    pub rang: u64,
    /// From INVITE to 200.
    pub set_up: Spread,
    /// From an agent's BYE to the next INVITE to the same agent.
    pub freed_to_next: Spread,
}

/// Everybody who calls, and every agent who is called.
pub struct Callers {
    plan: Plan,
    /// When the first call was placed.
    began: Option<Timestamp>,
    next_call: Timestamp,
    lines: HashMap<SessionId, Line>,
    callers: usize,
    /// When lines pick up or hang up.
    due: BTreeSet<(Timestamp, SessionId)>,
    /// Agents who hung up, and when.
    freed: HashMap<String, Timestamp>,
    over: bool,
    counts: Counts,
}

struct Line {
    /// The agent called; none for a caller's line.
    agent: Option<String>,
    began: Timestamp,
    up: bool,
    due: Option<Timestamp>,
}

impl Callers {
    /// Nobody has called yet; the first call is due at `now`.
    pub fn new(plan: Plan, now: Timestamp) -> Callers {
        Callers {
            plan,
            began: None,
            next_call: now,
            lines: HashMap::new(),
            callers: 0,
            due: BTreeSet::new(),
            freed: HashMap::new(),
            over: false,
            counts: Counts::default(),
        }
    }

    /// What was counted so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Callers on the line, or on their way to it.
    pub fn callers(&self) -> usize {
        self.callers
    }

    /// Whether all calls were placed, or the time is over, and every line has ended.
    pub fn is_done(&self) -> bool {
        self.callers == 0 && self.lines.is_empty() && !self.has_more()
    }

    /// No more calls; those that are up are ended.
    pub fn stop(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        self.over = true;
        let mut sessions: Vec<SessionId> = self.lines.keys().copied().collect();
        sessions.sort_unstable();
        sessions.into_iter().for_each(|session| self.hang_up(now, session, out));
    }

    /// When [`Event::Tick`] is next due.
    pub fn deadline(&self) -> Option<Timestamp> {
        let end = self.end().filter(|_| !self.over);
        let call = self.has_more().then_some(self.next_call);
        [end, call, self.due.first().map(|(at, _)| *at)].into_iter().flatten().min()
    }

    /// Applies `event` at `now` and appends what must be done, in order, to `out`.
    pub fn handle(&mut self, now: Timestamp, event: Event, out: &mut Vec<Action>) {
        match event {
            Event::Answered { session } => self.answered(now, session, out),
            Event::Failed { session, status } => {
                if self.forget(session).is_some() {
                    *self.counts.refused.entry(status).or_default() += 1;
                }
            }
            Event::NoPort { session } => {
                if self.forget(session).is_some() {
                    self.counts.placed -= 1;
                    self.counts.put_off += 1;
                }
            }
            Event::Rings { session, agent } => self.rings(now, session, agent),
            Event::Ended { session } => {
                self.counts.ended_by_server += u64::from(self.forget(session).is_some());
            }
            Event::Tick => self.tick(now, out),
        }
    }

    fn has_more(&self) -> bool {
        !self.over && self.counts.placed < self.plan.calls
    }

    fn end(&self) -> Option<Timestamp> {
        self.began.map(|began| began + self.plan.at_most)
    }

    fn answered(&mut self, now: Timestamp, session: SessionId, out: &mut Vec<Action>) {
        let Some(line) = self.lines.get_mut(&session) else { return };
        line.up = true;
        self.counts.answered += 1;
        self.counts.set_up.record(now.since(line.began));
        if self.over {
            self.hang_up(now, session, out);
        } else if self.plan.hang_up == HangUp::Caller {
            self.set_due(session, now + self.plan.talk);
        }
    }

    fn rings(&mut self, now: Timestamp, session: SessionId, agent: String) {
        self.counts.rang += 1;
        if let Some(freed) = self.freed.remove(&agent) {
            self.counts.freed_to_next.record(now.since(freed));
        }
        self.lines.insert(session, Line { agent: Some(agent), began: now, up: false, due: None });
        self.set_due(session, now + self.plan.pick_up_after);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        if self.end().is_some_and(|end| end <= now) && !self.over {
            return self.stop(now, out);
        }
        while let Some((at, session)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, session));
            self.line_due(now, session, out);
        }
        let gap = Duration::from_secs_f64(1.0 / self.plan.rate);
        while self.has_more() && self.next_call <= now {
            if self.callers >= self.plan.at_once {
                // A call that is put off is not made up for: the rate is never exceeded.
                self.counts.put_off += 1;
            } else {
                self.place(now, out);
            }
            self.next_call += gap;
        }
    }

    fn place(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        self.began.get_or_insert(now);
        let session = SessionId(FIRST + self.counts.placed + self.counts.put_off);
        self.counts.placed += 1;
        self.callers += 1;
        self.lines.insert(session, Line { agent: None, began: now, up: false, due: None });
        out.push(Action::Call { session });
    }

    /// An agent picks up, or somebody has talked long enough.
    fn line_due(&mut self, now: Timestamp, session: SessionId, out: &mut Vec<Action>) {
        let Some(line) = self.lines.get_mut(&session) else { return };
        line.due = None;
        if line.up || line.agent.is_none() {
            return self.hang_up(now, session, out);
        }
        line.up = true;
        out.push(Action::PickUp { session });
        if self.plan.hang_up == HangUp::Agent {
            self.set_due(session, now + self.plan.talk);
        }
    }

    fn hang_up(&mut self, now: Timestamp, session: SessionId, out: &mut Vec<Action>) {
        if let Some(line) = self.forget(session) {
            out.push(Action::HangUp { session });
            if let Some(agent) = line.agent {
                self.freed.insert(agent, now);
            }
        }
    }

    fn set_due(&mut self, session: SessionId, at: Timestamp) {
        if let Some(line) = self.lines.get_mut(&session) {
            line.due = Some(at);
            self.due.insert((at, session));
        }
    }

    fn forget(&mut self, session: SessionId) -> Option<Line> {
        let line = self.lines.remove(&session)?;
        self.callers -= usize::from(line.agent.is_none());
        if let Some(due) = line.due {
            self.due.remove(&(due, session));
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan { calls: 3, rate: 10.0, talk: Duration::from_secs(1), ..Plan::default() }
    }

    /// Lets everything happen that is due up to `until`.
    fn run(callers: &mut Callers, until: Timestamp) -> Vec<(u64, Action)> {
        let (mut out, mut done) = (Vec::new(), Vec::new());
        while let Some(at) = callers.deadline().filter(|at| *at <= until) {
            callers.handle(at, Event::Tick, &mut out);
            done.extend(out.drain(..).map(|action| (at.0 / 1_000, action)));
        }
        done
    }

    fn session(number: u64) -> SessionId {
        SessionId(FIRST + number)
    }

    #[test]
    fn calls_come_at_the_rate_and_end_after_the_talk() {
        let mut callers = Callers::new(plan(), Timestamp::ZERO);
        let calls = run(&mut callers, Timestamp::from_millis(999));
        let call = |ms, number| (ms, Action::Call { session: session(number) });
        assert_eq!(calls, [call(0, 0), call(100, 1), call(200, 2)]);
        let mut out = Vec::new();
        callers.handle(Timestamp::from_millis(210), Event::Answered { session: session(0) }, &mut out);
        callers.handle(
            Timestamp::from_millis(220),
            Event::Failed { session: session(1), status: 503 },
            &mut out,
        );
        callers.handle(Timestamp::from_millis(230), Event::Ended { session: session(2) }, &mut out);
        assert!(out.is_empty() && !callers.is_done());
        let ends = run(&mut callers, Timestamp::from_secs(9));
        assert_eq!(ends, [(1_210, Action::HangUp { session: session(0) })]);
        let counts = callers.counts();
        assert_eq!((counts.placed, counts.answered, counts.ended_by_server), (3, 1, 1));
        assert_eq!(counts.refused, BTreeMap::from([(503, 1)]));
        assert_eq!(counts.set_up.max(), Duration::from_millis(210));
        assert!(callers.is_done());
    }

    #[test]
    fn never_more_at_once_than_planned_and_never_faster() {
        let mut callers = Callers::new(Plan { at_once: 2, ..plan() }, Timestamp::ZERO);
        assert_eq!(run(&mut callers, Timestamp::from_millis(500)).len(), 2);
        assert_eq!(callers.callers(), 2);
        callers.handle(Timestamp::from_millis(510), Event::Ended { session: session(0) }, &mut Vec::new());
        let more = run(&mut callers, Timestamp::from_millis(650));
        assert_eq!(more.len(), 1, "{more:?}");
        assert!(callers.counts().put_off >= 4);
    }

    #[test]
    fn an_agent_picks_up_hangs_up_and_waits_for_the_next() {
        let talk = Duration::from_secs(2);
        let pick_up_after = Duration::from_millis(300);
        let plan = Plan { calls: 0, hang_up: HangUp::Agent, talk, pick_up_after, ..plan() };
        let mut callers = Callers::new(plan, Timestamp::ZERO);
        let rings = |number| Event::Rings { session: SessionId(number), agent: "a1".to_owned() };
        callers.handle(Timestamp::from_secs(1), rings(1), &mut Vec::new());
        let done = run(&mut callers, Timestamp::from_secs(9));
        let session = SessionId(1);
        assert_eq!(done, [(1_300, Action::PickUp { session }), (3_300, Action::HangUp { session })]);
        callers.handle(Timestamp(3_300_700), rings(2), &mut Vec::new());
        assert_eq!(callers.counts().freed_to_next.max(), Duration::from_micros(700));
        assert_eq!(callers.counts().rang, 2);
    }

    #[test]
    fn the_time_is_bounded_and_nobody_is_left_on_the_line() {
        let plan = Plan { calls: 1_000, at_most: Duration::from_secs(1), ..plan() };
        let mut callers = Callers::new(plan, Timestamp::ZERO);
        let done = run(&mut callers, Timestamp::from_secs(99));
        let hung_up = done.iter().filter(|(_, action)| matches!(action, Action::HangUp { .. })).count();
        assert_eq!((done.len(), hung_up), (20, 10), "{done:?}");
        assert!(callers.is_done());
    }
}
