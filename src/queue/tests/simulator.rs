//! Random centers on random days, with faults: hang-ups at any moment, events twice, about nobody, about
//! the wrong one, and too late. The oracle looks at every step; the seed that failed is printed.
//!
//! `WARMLINE_SEED=7` runs one seed, `WARMLINE_SEEDS=100000` as many from 0 on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::oracle::Oracle;
use super::script::queue_config;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Entropy;
use crate::base::QueueId;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::MissedWhy;
use crate::queue::Engine;
use crate::queue::Event;
use crate::queue::Stage;
use crate::queue::api::AgentChoice;
use crate::queue::api::AgentConfig;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::queue::api::Agents;
use crate::queue::api::Config;
use crate::queue::api::Demand;
use crate::queue::api::EndedBy;
use crate::queue::api::Enqueue;
use crate::queue::api::FIRST;
use crate::queue::api::Need;
use crate::queue::api::Needs;
use crate::queue::api::Nobody;
use crate::queue::api::PermissionAnswer;
use crate::queue::api::PermissionPolicy;
use crate::queue::api::Roster;
use crate::queue::api::Routing;
use crate::queue::api::SkillChange;
use crate::queue::api::Step;
use crate::queue::api::SurgeRule;
use crate::queue::api::Weights;
use crate::queue::api::Whose;
use crate::queue::log;
use crate::queue::log::Head;
use crate::queue::log::Log;

/// Events per simulated day.
const STEPS: u32 = 200;

#[test]
fn whatever_happens_the_oracle_agrees_and_nobody_is_left_stuck() {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse().expect("a number"));
    let seeds = match number("WARMLINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("WARMLINE_SEEDS").unwrap_or(600),
    };
    let many = seeds.end - seeds.start >= 500;
    let mut seen = BTreeMap::new();
    for seed in seeds {
        let printed = PrintedOnPanic(seed);
        for (what, times) in Simulation::new(seed).run() {
            *seen.entry(what).or_insert(0) += times;
        }
        std::mem::forget(printed);
    }
    if many {
        let rare: Vec<_> =
            MUST_BE_SEEN.iter().filter(|what| seen.get(**what).is_none_or(|n| *n < 20)).collect();
        assert!(rare.is_empty(), "the simulation hardly ever met {rare:?} in {seen:#?}");
    }
}

/// What a simulation of many seeds must have met, or it shows nothing about it.
const MUST_BE_SEEN: &[&str] = &[
    "rung beside others",
    "faster than others",
    "kept for who is preferred",
    "rung, preferred",
    "rung, preferred by several",
    "excluded",
    "named by the queue",
    "nobody, whatever the queue says",
    "rung, with the skills wanted",
    "age restored",
    "rung by BestFit",
    "rung by LongestIdle",
    "rung by MostSkilled",
    "rung by LeastSkilled",
    "rung by FewestCalls",
    "rung by RoundRobin",
    "relaxed",
    "joined",
    "rung",
    "rung, of several",
    "rung, for one of several",
    "connected",
    "asked",
    "held",
    "checked in",
    "place kept",
    "place kept for later",
    "place kept again",
    "stop ring NoAnswer",
    "stop ring Withdrawn",
    "stop ring Unreachable",
    "exit Abandoned",
    "exit EndedByOperator",
    "exit EndedByServer",
    "exit Declined",
    "exit Cap",
    "exit NobodyStaffed",
    "exit Full",
    "exit CallbackFailed",
    "exit ExpectedWait",
    "exit Surge",
    "surge began",
    "surge ended",
    "told of a surge",
    "exit Redialled",
    "reserved",
    "reserved in another's stead",
    "called no more, for nobody is there",
    "called no more, in time",
    "caller missed",
    "caller reached",
    "reached, and hung up",
    "reached, and hung up while a phone rang",
    "reached, and rung again",
    "reached, and connected",
    "let go, place kept",
    "agent reserved",
    "agent missed a call",
    "agent declined a call",
    "agent phone busy",
    "agent phone unreachable",
    "not reached again",
    "agent wrap-up",
    "agent lunch",
    "agent offline",
    "spared",
    "held back",
    "told that it is held back",
    "left to the next start",
    "rung no more, for the server is to stop",
    "second promise kept",
    "second promise passed over",
    "moved",
    "prioritised",
    "first, rung",
    "skill set",
    "skill changed by its date",
    "skill changed by the files",
    "agent added",
    "gone",
    "gone in a talk",
    "gone while a phone rang",
];

/// What the engine was told and did in one of these days.
pub(super) fn log(seed: u64) -> Log {
    let mut day = Simulation::new(seed);
    let head = Head::of(WallTime(0), day.oracle.config().clone(), &day.engine);
    day.logs = Some(Vec::new());
    let steps = day.live();
    Log { head, steps, cut: false }
}

struct PrintedOnPanic(u64);

impl Drop for PrintedOnPanic {
    fn drop(&mut self) {
        eprintln!("failed: run again with WARMLINE_SEED={}", self.0);
    }
}

struct Simulation {
    chance: Entropy,
    now: Timestamp,
    queues: u64,
    skills: u64,
    engine: Engine,
    /// Fed the same, and written down and read back now and then.
    twin: Engine,
    oracle: Oracle,
    next_call: u64,
    last: Event,
    /// Whether the server is asked to stop, and has not been yet.
    stops: bool,
    /// Whether the phones of those who are always ready are off.
    unplugged: bool,
    /// The steps, where they are wanted.
    logs: Option<Vec<log::Step>>,
}

impl Simulation {
    fn new(seed: u64) -> Simulation {
        let mut chance = Entropy::seeded(seed);
        let config = center(&mut chance);
        let engine = Engine::new(config.clone());
        Simulation {
            chance,
            now: Timestamp::ZERO,
            queues: config.queues.len() as u64,
            skills: config.skills.len() as u64,
            twin: engine.clone(),
            engine,
            oracle: Oracle::new(config),
            next_call: 1,
            last: Event::Tick,
            stops: seed.is_multiple_of(6),
            unplugged: seed.is_multiple_of(3),
            logs: None,
        }
    }

    fn run(mut self) -> BTreeMap<String, u64> {
        self.live();
        self.oracle.seen
    }

    fn live(&mut self) -> Vec<log::Step> {
        // A day is hectic or quiet: mean time between events from 0.1 s to 10 s.
        let pace = 10u64.pow(5 + self.chance.below(3) as u32) * 2;
        for step in 0..STEPS {
            let at = self.now + Duration::from_micros(self.chance.below(pace));
            self.pass_time(at);
            let event = if self.is_to_stop(step) { Event::Stopping } else { self.event() };
            self.apply(event);
            if step % 37 == 0 {
                let written = serde_json::to_string(&self.twin).unwrap();
                self.twin = serde_json::from_str(&written).unwrap();
            }
        }
        self.settle();
        self.logs.take().unwrap_or_default()
    }

    /// In the second half of the day, rather while a phone rings for somebody who is to be called back.
    fn is_to_stop(&mut self, step: u32) -> bool {
        let rings = |call: &super::oracle::Call| call.kept && matches!(call.stage, Stage::Ringing(_));
        let stops =
            self.stops && step > STEPS / 2 && (step > STEPS * 3 / 4 || self.oracle.calls.values().any(rings));
        self.stops &= !stops;
        stops
    }

    /// All talks end, nobody does anything any more, and time passes: everybody gets out.
    fn settle(&mut self) {
        let talks = self.oracle.calls.iter().filter_map(|(id, call)| match call.stage {
            Stage::Talking(agent) => Some((*id, agent)),
            _ => None,
        });
        for (call, agent) in talks.collect::<Vec<_>>() {
            self.apply(Event::TalkEnded { call, agent });
        }
        // Four hours of callbacks that nobody takes are simulated now and then only: they take long.
        let waits_on = self.chance.below(8) == 0;
        let kept = self.oracle.calls.iter().filter(|(_, call)| call.kept && !waits_on).map(|(id, _)| *id);
        for call in kept.collect::<Vec<_>>() {
            self.apply(Event::Abandoned { call });
        }
        self.pass_time(self.now + Duration::from_secs(5 * 3600));
        assert!(self.oracle.calls.is_empty(), "somebody waits for ever");
        assert_eq!(self.engine.deadline(), None, "all is quiet");
        let stuck = |agent: &super::oracle::Agent| {
            let done = AgentState::WrapUp;
            let by_call = matches!(
                agent.state,
                AgentState::Reserved(_) | AgentState::Ringing(_) | AgentState::Talking(_)
            );
            by_call || agent.state == done
        };
        assert!(!self.oracle.agents.iter().any(stuck), "an agent is stuck");
    }

    fn pass_time(&mut self, until: Timestamp) {
        while let Some(at) = self.engine.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.apply(Event::Tick);
            assert!(self.engine.deadline().is_none_or(|next| next > self.now), "a tick leaves nothing due");
        }
        self.now = until;
    }

    fn apply(&mut self, event: Event) {
        let (mut out, mut twins) = (Vec::new(), Vec::new());
        self.engine.handle(self.now, event.clone(), &mut out);
        self.twin.handle(self.now, event.clone(), &mut twins);
        assert_eq!(out, twins, "the same events give the same actions");
        self.oracle.step(self.now, &event, &out, &self.engine);
        if let Some(steps) = &mut self.logs {
            steps.push(log::Step { at: self.now, event: event.clone(), actions: out });
        }
        self.last = event;
    }

    fn event(&mut self) -> Event {
        match self.chance.below(22) {
            0..5 => self.arrival(),
            5..8 => self.wish(),
            8..18 => self.next_of_a_call(),
            18 => self.last.clone(),
            20 | 21 => self.act(),
            _ => self.nonsense(),
        }
    }

    fn arrival(&mut self) -> Event {
        // Now and then a call that is in already, or was.
        let call = if self.chance.below(20) == 0 { self.some_call() } else { CallId(self.next_call) };
        self.next_call += 1;
        let queue = QueueId(self.chance.below(self.queues) as u32);
        let needs = demand(&mut self.chance, self.skills);
        let priority = self.chance.below(8).saturating_sub(5) as i32;
        let age_credit = Duration::from_secs(self.chance.below(8).saturating_sub(5) * 30);
        let policies = [None, Some(PermissionPolicy::Ask), Some(PermissionPolicy::GivenByFlowFile)];
        let permission = policies[self.chance.below(3) as usize];
        let numbers = ["+12025550143", "+12025550144", "", "anonymous"];
        let number = Whose::number(numbers[self.chance.below(4) as usize]);
        let account = (self.chance.below(6) == 0).then(|| Whose::account("100200"));
        let whose = number.into_iter().chain(account).collect();
        let wait = Duration::from_secs(self.chance.below(40));
        let prefer = (self.chance.below(4) == 0).then(|| (self.some_agent(), wait));
        let excluded = self.chance.below(12).saturating_sub(9);
        let exclude = (0..excluded).map(|_| self.some_agent()).collect();
        let nobody = Nobody { prefer: self.chance.below(6) == 0, exclude: self.chance.below(6) == 0 };
        let enqueue = Box::new(Enqueue {
            call,
            queue,
            needs,
            priority,
            age_credit,
            whose,
            permission,
            prefer,
            exclude,
            nobody,
        });
        match self.chance.below(16) {
            0 | 2 => {
                Event::KeepPlace { enqueue, from: self.now + Duration::from_secs(self.chance.below(3) * 100) }
            }
            1 => {
                let from = self.now + Duration::from_secs(self.chance.below(2) * 25);
                let until = self.now + Duration::from_secs(self.chance.below(5) * 60);
                Event::RecallPlace { enqueue, from, until, tries: self.chance.below(3) as u32 }
            }
            _ => Event::Enqueue(enqueue),
        }
    }

    fn wish(&mut self) -> Event {
        let wish = match self.chance.below(8) {
            0..5 => AgentWish::Ready,
            5..7 => AgentWish::NotReady("lunch".into()),
            _ => AgentWish::Offline,
        };
        Event::AgentWants { agent: self.some_agent(), wish }
    }

    /// Something that may well happen to one of the calls that are in.
    fn next_of_a_call(&mut self) -> Event {
        let mut calls: Vec<CallId> = self.oracle.calls.keys().copied().collect();
        if calls.is_empty() {
            return self.arrival();
        }
        // Those who are called back are few.
        let called = |id: &CallId| {
            let call = &self.oracle.calls[id];
            matches!(call.stage, Stage::Reserved(_)) || call.reached.is_some()
        };
        if calls.iter().any(called) && self.chance.below(3) == 0 {
            calls.retain(called);
        }
        let call = calls[self.chance.below(calls.len() as u64) as usize];
        let rings = self.oracle.calls[&call].rings.clone();
        let agent =
            rings.get(self.chance.below(rings.len().max(1) as u64) as usize).copied().unwrap_or(AgentId(0));
        match (self.oracle.calls[&call].stage, self.chance.below(10)) {
            (Stage::Ringing(_), 0..4) => Event::PickedUp { call, agent },
            (Stage::Ringing(_), 4..7) => Event::RingFailed { call, agent, why: self.why_of(agent) },
            (Stage::Reserved(_), 0..4) => Event::CallerReached { call },
            (Stage::Reserved(_), 4) => Event::CallerMissed { call },
            (Stage::Reserved(_), 5..7) => {
                Event::AgentWants { agent: self.some_agent(), wish: AgentWish::Ready }
            }
            (Stage::Reserved(agent), 7..9) => {
                Event::AgentWants { agent, wish: AgentWish::NotReady("lunch".into()) }
            }
            (Stage::Talking(agent), 0..2) if self.oracle.calls[&call].is_place() => {
                Event::CallbackFailed { call, agent }
            }
            (Stage::Waiting | Stage::Ringing(_), 7..9) if self.oracle.calls[&call].reached.is_some() => {
                Event::CallerMissed { call }
            }
            (Stage::Talking(agent), 0..4) => Event::TalkEnded { call, agent },
            (_, 9) => self.ends(call),
            _ => Event::Permission { call, answer: self.answer() },
        }
    }

    /// A supervisor does something, mostly to somebody who waits.
    fn act(&mut self) -> Event {
        let waits = |call: &&CallId| self.oracle.calls[*call].stage == Stage::Waiting;
        let waiting: Vec<CallId> = self.oracle.calls.keys().filter(waits).copied().collect();
        let call = match waiting.len() as u64 {
            0 => self.some_call(),
            some => waiting[self.chance.below(some) as usize],
        };
        match self.chance.below(7) {
            4 => Event::Redate(self.dates()),
            5 | 6 => Event::Agents(Box::new(self.roster())),
            // Now and then to a queue that there is not.
            0 => Event::Move { call, queue: QueueId(self.chance.below(self.queues + 1) as u32) },
            1 => Event::Prioritise { call, priority: self.chance.below(8) as i32 - 4 },
            2 => Event::Prioritise { call, priority: FIRST },
            _ => {
                let skill = SkillId(self.chance.below(self.skills + 1) as u32);
                Event::SetSkill { agent: self.some_agent(), skill, level: self.chance.below(12) as u8 }
            }
        }
    }

    /// Somebody is new, another than before, gone, or back; now and then somebody whose place is not the next.
    fn roster(&mut self) -> Roster {
        let mut agents: Vec<(AgentId, AgentConfig)> = Vec::new();
        for _ in 0..1 + self.chance.below(3) {
            let places = self.oracle.agents.len() as u64;
            let most = if places < 14 { places + 2 } else { places };
            let id = AgentId(self.chance.below(most) as u32);
            let mut agent = agent(&mut self.chance, self.skills);
            agent.gone = self.chance.below(3) == 0;
            agent.skills.retain(|_| !agent.gone);
            agents.retain(|(other, _)| *other != id);
            agents.push((id, agent));
        }
        Roster { agents, changes: self.dates() }
    }

    /// Skills that change now and later: not twice at one moment, for the last word would be the engine's own affair.
    fn dates(&mut self) -> Vec<SkillChange> {
        let at =
            |engine: &mut Self, step: u64| engine.now + Duration::from_secs(step * engine.chance.below(40));
        let changes = (0..self.chance.below(4)).map(|step| SkillChange {
            at: at(self, step),
            agent: self.some_agent(),
            skill: SkillId(self.chance.below(self.skills) as u32),
            level: self.chance.below(11) as u8,
        });
        changes.collect()
    }

    /// What nobody should say, about anybody.
    fn nonsense(&mut self) -> Event {
        let (call, agent) = (self.some_call(), self.some_agent());
        match self.chance.below(9) {
            7 => Event::CallerReached { call },
            8 => Event::CallerMissed { call },
            0 => Event::PickedUp { call, agent },
            1 => Event::RingFailed { call, agent, why: self.why() },
            2 => Event::TalkEnded { call, agent },
            3 => Event::CallbackFailed { call, agent },
            4 => self.ends(call),
            5 => Event::Permission { call, answer: self.answer() },
            _ => Event::Tick,
        }
    }

    fn why_of(&mut self, agent: AgentId) -> MissedWhy {
        match self.unplugged && self.oracle.config().agents[agent.0 as usize].always_ready {
            true => MissedWhy::Unreachable,
            false => self.why(),
        }
    }

    fn why(&mut self) -> MissedWhy {
        use MissedWhy::*;
        [NoAnswer, Declined, Declined, Busy, Unreachable, Withdrawn][self.chance.below(6) as usize]
    }

    /// The caller hangs up, or somebody else ends the call.
    fn ends(&mut self, call: CallId) -> Event {
        match self.chance.below(6) {
            0 => Event::Ended { call, by: EndedBy::Operator },
            1 => Event::Ended { call, by: EndedBy::Server },
            _ => Event::Abandoned { call },
        }
    }

    fn answer(&mut self) -> PermissionAnswer {
        use PermissionAnswer::*;
        [Granted, Granted, Granted, Declined, Callback, Callback, Silent][self.chance.below(7) as usize]
    }

    fn some_call(&mut self) -> CallId {
        CallId(self.chance.below(self.next_call + 1))
    }

    /// One of the agents, or now and then nobody.
    fn some_agent(&mut self) -> AgentId {
        AgentId(self.chance.below(self.oracle.agents.len() as u64 + 1) as u32)
    }
}

fn center(chance: &mut Entropy) -> Config {
    let skills = 1 + chance.below(5);
    let queues = (0..1 + chance.below(4)).map(|_| {
        let secs = |n| Duration::from_secs(n);
        let mut queue = queue_config("queue");
        queue.needs = demand(chance, skills);
        queue.priority = chance.below(3) as i32;
        queue.agents_by = agents_by(chance);
        queue.service_level = (50 + chance.below(50) as u8, secs(1 + chance.below(40)));
        queue.handle_time = (chance.below(2) == 0).then(|| secs(chance.below(300)));
        queue.ring_timeout = secs(chance.below(30));
        queue.ring_agents = 1 + chance.below(6).saturating_sub(3) as u32;
        queue.wrap_up = secs(chance.below(3) * 10);
        queue.max_wait = secs(chance.below(300));
        queue.max_waiting = chance.below(30) as u32;
        queue.max_expected_wait = (chance.below(3) == 0).then(|| secs(chance.below(120)));
        queue.surge = (chance.below(2) == 0).then(|| {
            let until = chance.below(3) as u32;
            let from = until + 1 + chance.below(2) as u32;
            SurgeRule { from, until, turns_away: chance.below(2) == 0 }
        });
        queue.permission_lasts = secs(1 + chance.below(60));
        queue.check_in = secs(chance.below(30));
        queue.callback_tries = chance.below(4) as u32;
        queue.callback_spacing = secs(chance.below(60));
        queue.customer_first = (chance.below(3) > 0).then(|| secs(chance.below(40)));
        let mut pause = |usual| if chance.below(4) == 0 { Some(secs(chance.below(40))) } else { usual };
        queue.misses.no_answer = pause(None);
        queue.misses.declined = pause(Some(secs(10))).filter(|pause| !pause.is_zero());
        queue.misses.busy = pause(Some(secs(60)));
        queue.misses.unreachable = pause(None);
        // There may be as many agents, or not.
        let mut agent = || AgentId(chance.below(9) as u32);
        let (first, not) = (agent(), agent());
        queue.prefer = (chance.below(6) == 0).then(|| (first, secs(chance.below(40))));
        queue.exclude = if chance.below(8) == 0 { [not].into_iter().collect() } else { Agents::new() };
        if chance.below(3) == 0 {
            queue.permission = PermissionPolicy::GivenByFlowFile;
        }
        queue
    });
    let queues = queues.collect();
    let agents: Vec<AgentConfig> = (0..1 + chance.below(8)).map(|_| agent(chance, skills)).collect();
    // Within the days that are simulated, some of them at one instant.
    let changes = (0..chance.below(12)).map(|_| SkillChange {
        at: Timestamp::from_secs(1 + chance.below(30) * 20),
        agent: AgentId(chance.below(agents.len() as u64) as u32),
        skill: SkillId(chance.below(skills) as u32),
        level: chance.below(11) as u8,
    });
    let changes = changes.collect();
    let routing = match chance.below(4) {
        0 | 1 => Routing::LongestWaiting,
        2 => Routing::default(),
        // Promises that are soon due, so that some are.
        _ => Routing::ServiceLevel(Weights {
            second_promise: Duration::from_secs(30),
            one_in: 1 + chance.below(4) as u32,
            hold: 3.0,
            hold_for_own: chance.below(2) as f64,
            ..Weights::default()
        }),
    };
    Config {
        skills: (0..skills).map(|_| "skill".into()).collect(),
        agents,
        queues,
        routing,
        redial: Duration::from_secs(chance.below(3) * 60),
        changes,
    }
}

fn agent(chance: &mut Entropy, skills: u64) -> AgentConfig {
    let always_ready = chance.below(8) == 0;
    let mut agent = AgentConfig { name: "agent".into(), skills: Vec::new(), always_ready, gone: false };
    for skill in 0..skills {
        let level = chance.below(8) as u8;
        if level > 0 {
            agent.skills.push(Need { skill: SkillId(skill as u32), level });
        }
    }
    agent
}

fn agents_by(chance: &mut Entropy) -> Option<AgentChoice> {
    use AgentChoice::*;
    let choices = [BestFit, LongestIdle, MostSkilled, LeastSkilled, FewestCalls, RoundRobin];
    choices.get(chance.below(12) as usize).copied()
}

/// Up to two clauses, now and then with an alternative, and now and then steps to others.
fn demand(chance: &mut Entropy, skills: u64) -> Demand {
    let steps = if chance.below(4) == 0 { chance.below(4) } else { 0 };
    let mut after = Duration::ZERO;
    let needs = needs(chance, skills);
    let steps = (0..steps).map(|_| {
        after += Duration::from_millis(1 + chance.below(40_000));
        Step { after, needs: self::needs(chance, skills) }
    });
    let steps = steps.collect();
    let wants = if chance.below(2) == 0 { self::needs(chance, skills) } else { Needs::default() };
    let wants_nobody = chance.below(6) == 0;
    Demand { needs, steps, wants, wants_nobody }
}

fn needs(chance: &mut Entropy, skills: u64) -> Needs {
    (0..chance.below(3)).fold(Needs::default(), |needs, _| {
        let clause = Needs::from_iter([need(chance, skills)]);
        let other = (chance.below(3) == 0).then(|| Needs::from_iter([need(chance, skills)]));
        needs.and(&other.and_then(|other| clause.or(&other)).unwrap_or(clause))
    })
}

fn need(chance: &mut Entropy, skills: u64) -> Need {
    Need { skill: SkillId(chance.below(skills) as u32), level: chance.below(5) as u8 }
}
