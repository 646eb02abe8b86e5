//! The day itself: callers come, lose patience, talk; agents come, wrap up and go. The router decides who
//! gets whom, and an assignment that cannot be is an error of ours.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::center::Center;
use super::fairness::AgentDay;
use super::fairness::spread;
use super::router::Answer;
use super::router::Router;
use super::router::Told;
use super::router::meets;
use super::score::Fate;
use super::score::Score;
use crate::base::Timestamp;

/// What is yet to happen, in the order in which it happens at one instant: ends and agents first, then
/// arrivals, hang-ups, ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Ended { call: u32, agent: u32 },
    WrappedUp { agent: u32 },
    Shift { agent: u32, on: bool },
    Arrives { call: u32 },
    HangsUp { call: u32 },
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AgentIs {
    Away,
    Idle,
    Talking,
    WrappingUp,
}

struct World<'a> {
    center: &'a Center,
    now: Timestamp,
    next: BinaryHeap<Reverse<(Timestamp, Next)>>,
    agents: Vec<AgentIs>,
    days: Vec<AgentDay>,
    /// Whether the agent is in their shift.
    on: Vec<bool>,
    /// Who waits, and what was said of how long.
    waiting: BTreeMap<u32, Option<(Duration, Duration)>>,
    wake: Option<Timestamp>,
    score: Score,
}

/// Lives through the center's day and says what it was worth.
///
/// # Panics
///
/// When the router assigns a call that does not wait, or an agent who is not free or not able.
pub fn run(center: &Center, router: &mut dyn Router) -> Score {
    let agents = center.setup.agents.len();
    let mut world = World {
        center,
        now: Timestamp::ZERO,
        next: BinaryHeap::new(),
        agents: vec![AgentIs::Away; agents],
        days: vec![AgentDay::default(); agents],
        on: vec![false; agents],
        waiting: BTreeMap::new(),
        wake: None,
        score: Score::new(center),
    };
    let shifts = center.shifts.iter().map(|(at, agent, on)| (*at, Next::Shift { agent: *agent, on: *on }));
    let calls = center.calls.iter().zip(0..).map(|(call, id)| (call.at, Next::Arrives { call: id }));
    world.next.extend(shifts.chain(calls).map(Reverse));
    let mut answer = Answer::default();
    while let Some(Reverse((at, next))) = world.next.pop() {
        world.now = at;
        let Some(told) = world.happens(next) else { continue };
        router.handle(at, told, &mut answer);
        world.answered(told, &answer);
    }
    (0..agents as u32).for_each(|agent| world.becomes(agent, AgentIs::Away));
    world.score.spread = spread(&center.setup.agents, &world.days);
    world.score.end(world.now, world.waiting.keys().map(|call| &center.calls[*call as usize]));
    world.score
}

impl World<'_> {
    /// Makes it happen; what the router is told of it.
    fn happens(&mut self, next: Next) -> Option<Told> {
        match next {
            Next::Ended { call, agent } => {
                let wrap_up = self.center.calls[call as usize].wrap_up;
                let on = self.on[agent as usize];
                self.becomes(agent, if on { AgentIs::WrappingUp } else { AgentIs::Away });
                self.at(self.now + wrap_up, Next::WrappedUp { agent });
                Some(Told::Ended { call: u64::from(call), agent })
            }
            Next::WrappedUp { agent } => {
                let free = self.agents[agent as usize] == AgentIs::WrappingUp && self.on[agent as usize];
                free.then(|| self.available(agent))
            }
            Next::Shift { agent, on: true } => {
                self.on[agent as usize] = true;
                (self.agents[agent as usize] == AgentIs::Away).then(|| self.available(agent))
            }
            Next::Shift { agent, on: false } => {
                self.on[agent as usize] = false;
                if self.agents[agent as usize] != AgentIs::Talking {
                    self.becomes(agent, AgentIs::Away);
                }
                Some(Told::Unavailable { agent })
            }
            Next::Arrives { call } => {
                self.waiting.insert(call, None);
                let arrival = &self.center.calls[call as usize];
                self.at(self.now + arrival.patience, Next::HangsUp { call });
                Some(Told::Arrived { call: u64::from(call), kind: arrival.kind })
            }
            Next::HangsUp { call } => {
                self.waiting.remove(&call)?;
                self.score.add(&self.center.calls[call as usize], self.now, Fate::HungUp);
                Some(Told::Abandoned { call: u64::from(call) })
            }
            Next::Tick => (self.wake == Some(self.now)).then_some(Told::Tick),
        }
    }

    fn becomes(&mut self, agent: u32, is: AgentIs) {
        let was = std::mem::replace(&mut self.agents[agent as usize], is);
        // What was before calls are counted is not either.
        let now = self.now.max(self.center.count_from);
        let busy = matches!(was, AgentIs::Talking | AgentIs::WrappingUp);
        self.days[agent as usize].ends(now, was != AgentIs::Away, busy);
    }

    fn available(&mut self, agent: u32) -> Told {
        self.becomes(agent, AgentIs::Idle);
        Told::Available { agent }
    }

    fn answered(&mut self, told: Told, answer: &Answer) {
        if let Told::Arrived { call, .. } = told
            && let Some(said) = self.waiting.get_mut(&(call as u32))
        {
            *said = answer.wait;
        }
        for (call, agent) in &answer.assign {
            self.assign(*call as u32, *agent);
        }
        let wake = answer.wake.map(|at| at.max(self.now));
        // A tick that was asked for and has come is asked for anew.
        let again = wake != self.wake || told == Told::Tick;
        self.wake = wake;
        if let Some(at) = wake.filter(|_| again) {
            self.at(at, Next::Tick);
        }
    }

    fn assign(&mut self, call: u32, agent: u32) {
        let said = self.waiting.remove(&call).expect("an assigned call waits");
        assert_eq!(self.agents[agent as usize], AgentIs::Idle, "an assigned agent is free");
        let arrival = &self.center.calls[call as usize];
        let skills = &self.center.setup.agents[agent as usize];
        let kind = &self.center.setup.types[arrival.kind as usize];
        let needs = kind.needs_at(self.now.since(arrival.at));
        assert!(meets(skills, needs), "an assigned agent is able");
        let talk = self.center.talk(arrival, agent);
        self.becomes(agent, AgentIs::Talking);
        let wanted = meets(skills, &kind.wants);
        self.score.add(arrival, self.now, Fate::Answered { said, wanted });
        self.at(self.now + talk, Next::Ended { call, agent });
    }

    fn at(&mut self, at: Timestamp, next: Next) {
        self.next.push(Reverse((at, next)));
    }
}
