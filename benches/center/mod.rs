//! A center of the size of a big one, to be decided for: every agent is away, every call waits, and one thing happens at a
//! time.

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use warmline::base::AgentId;
use warmline::base::CallId;
use warmline::base::Entropy;
use warmline::base::QueueId;
use warmline::base::SkillId;
use warmline::base::Timestamp;
use warmline::queue::Action;
use warmline::queue::Engine;
use warmline::queue::Event;
use warmline::queue::api::AgentConfig;
use warmline::queue::api::AgentWish;
use warmline::queue::api::Agents;
use warmline::queue::api::Config;
use warmline::queue::api::Demand;
use warmline::queue::api::Enqueue;
use warmline::queue::api::Misses;
use warmline::queue::api::Need;
use warmline::queue::api::Needs;
use warmline::queue::api::PermissionPolicy;
use warmline::queue::api::QueueConfig;
use warmline::queue::api::Routing;

pub const SKILLS: u64 = 200;
const QUEUES: u64 = 50;

/// How large, and how many different need-sets the calls have.
#[derive(Clone, Copy)]
pub struct Size {
    pub waiting: u64,
    pub agents: u64,
    pub needs: u64,
}

/// Every agent is away and every call waits, so that each step is made to happen, one at a time. The
/// first agent has a skill that no other call needs, for arrivals that find somebody idle.
pub struct Center {
    size: Size,
    chance: Entropy,
    engine: Engine,
    now: Timestamp,
    pub next_call: u64,
    waiting: Waiting,
    skills_of: Vec<Vec<Need>>,
    pub out: Vec<Action>,
}

/// The calls that wait, in no order: who joins or goes costs the caches next to nothing.
#[derive(Default)]
struct Waiting {
    calls: Vec<CallId>,
    /// By call.
    places: Vec<u32>,
}

impl Waiting {
    fn add(&mut self, call: CallId) {
        self.places.resize(self.places.len().max(call.0 as usize + 1), u32::MAX);
        self.places[call.0 as usize] = self.calls.len() as u32;
        self.calls.push(call);
    }

    fn remove(&mut self, call: CallId) {
        let place = std::mem::replace(&mut self.places[call.0 as usize], u32::MAX) as usize;
        if place < self.calls.len() {
            self.calls.swap_remove(place);
            self.calls.get(place).inspect(|moved| self.places[moved.0 as usize] = place as u32);
        }
    }
}

impl Center {
    pub fn new(size: Size) -> Center {
        let mut chance = Entropy::seeded(1);
        let mut skills_of: Vec<Vec<Need>> = (0..size.agents).map(|_| skills(&mut chance)).collect();
        skills_of[0] = vec![Need { skill: SkillId(SKILLS as u32), level: 5 }];
        let agent = |skills: &Vec<Need>| AgentConfig {
            name: "agent".into(),
            skills: skills.clone(),
            always_ready: false,
            gone: false,
        };
        let config = Config {
            skills: (0..=SKILLS).map(|_| "skill".into()).collect(),
            queues: (0..QUEUES).map(|_| queue()).collect(),
            agents: skills_of.iter().map(agent).collect(),
            routing: Routing::default(),
            redial: Duration::ZERO,
            changes: Vec::new(),
        };
        let engine = Engine::new(config);
        let (now, waiting, out) = (Timestamp::ZERO, Waiting::default(), Vec::new());
        let mut center = Center { size, chance, engine, now, next_call: 0, waiting, skills_of, out };
        for agent in 0..size.agents as u32 {
            center.apply(away(AgentId(agent)));
        }
        center.fill();
        center
    }

    /// Lets calls arrive until as many wait as are meant to.
    pub fn fill(&mut self) {
        self.fill_to(self.size.waiting);
    }

    pub fn fill_to(&mut self, waiting: u64) {
        while (self.waiting.calls.len() as u64) < waiting {
            let event = self.arrival();
            self.apply(event);
        }
    }

    /// Applies an event and answers how long the engine took.
    pub fn apply(&mut self, event: Event) -> Duration {
        self.now += Duration::from_micros(100);
        self.out.clear();
        let start = Instant::now();
        self.engine.handle(self.now, event, &mut self.out);
        let took = start.elapsed();
        for action in black_box(&self.out) {
            match action {
                Action::Enqueued { call, .. } => self.waiting.add(*call),
                Action::Exit { call, .. } | Action::Connected { call, .. } => self.waiting.remove(*call),
                _ => {}
            }
        }
        took
    }

    /// Catches up with what has become due, then lets the next caller's check-in come, and answers how long
    /// that took.
    pub fn next_check_in(&mut self) -> Option<Duration> {
        while self.engine.deadline()? <= self.now {
            self.engine.handle(self.now, Event::Tick, &mut self.out);
        }
        self.now = self.engine.deadline()?;
        self.out.clear();
        let start = Instant::now();
        self.engine.handle(self.now, Event::Tick, &mut self.out);
        Some(start.elapsed())
    }

    /// A call that somebody can serve. What it needs follows from its number, so that the number of
    /// different need-sets is known.
    pub fn arrival(&mut self) -> Event {
        let kind = self.next_call % self.size.needs;
        let mut chance = Entropy::seeded(kind);
        let has = &self.skills_of[1 + chance.below(self.size.agents - 1) as usize];
        let needs = (0..3).map(|_| {
            let Need { skill, level } = has[chance.below(has.len() as u64) as usize];
            Need { skill, level: 1 + chance.below(u64::from(level)) as u8 }
        });
        let needs = Needs::from_iter(needs).into();
        self.enqueue(QueueId((kind % QUEUES) as u32), needs)
    }

    pub fn enqueue(&mut self, queue: QueueId, needs: Demand) -> Event {
        let call = CallId(self.next_call);
        self.next_call += 1;
        Event::Enqueue(Box::new(Enqueue { needs, ..Enqueue::new(call, queue) }))
    }

    pub fn any_call(&mut self) -> CallId {
        self.waiting.calls[self.chance.below(self.waiting.calls.len() as u64) as usize]
    }

    pub fn any_agent(&mut self) -> AgentId {
        AgentId(1 + self.chance.below(self.size.agents - 1) as u32)
    }

    /// An agent gets ready, is rung if there is a call for them, talks, and is away again. How long
    /// getting ready took.
    pub fn serve(&mut self, agent: AgentId) -> Duration {
        let took = self.apply(Event::AgentWants { agent, wish: AgentWish::Ready });
        self.talk(agent);
        took
    }

    /// The first agent is idle and a call comes for them. How long its arrival took.
    pub fn arrival_for_an_idle_agent(&mut self) -> Duration {
        let agent = AgentId(0);
        self.apply(Event::AgentWants { agent, wish: AgentWish::Ready });
        let needs = Needs::from_iter(self.skills_of[0].iter().copied()).into();
        let event = self.enqueue(QueueId(0), needs);
        let took = self.apply(event);
        self.talk(agent);
        took
    }

    pub fn talk(&mut self, agent: AgentId) {
        let ring = self.out.iter().find_map(|action| match action {
            Action::Ring { call, .. } => Some(*call),
            _ => None,
        });
        if let Some(call) = ring {
            self.apply(Event::PickedUp { call, agent });
            self.apply(Event::TalkEnded { call, agent });
        }
        self.apply(away(agent));
    }
}

fn away(agent: AgentId) -> Event {
    Event::AgentWants { agent, wish: AgentWish::NotReady("away".into()) }
}

/// Five of the skills, at random levels, sorted.
fn skills(chance: &mut Entropy) -> Vec<Need> {
    let mut skills: Vec<Need> = (0..5)
        .map(|_| Need { skill: SkillId(chance.below(SKILLS) as u32), level: 1 + chance.below(10) as u8 })
        .collect();
    skills.sort();
    skills.dedup_by_key(|need| need.skill);
    skills
}

fn queue() -> QueueConfig {
    QueueConfig {
        name: "queue".into(),
        needs: Demand::default(),
        agents_by: None,
        priority: 0,
        ring_timeout: Duration::from_secs(20),
        ring_agents: 1,
        wrap_up: Duration::from_secs(30),
        max_wait: Duration::from_secs(360_000),
        max_expected_wait: None,
        max_waiting: u32::MAX,
        service_level: (80, Duration::from_secs(20)),
        handle_time: None,
        permission: PermissionPolicy::GivenByFlowFile,
        permission_lasts: Duration::from_secs(300),
        answer_within: Duration::from_secs(10),
        check_in: Duration::from_secs(60),
        callback_tries: 3,
        callback_spacing: Duration::from_secs(60),
        customer_first: None,
        misses: Misses::default(),
        prefer: None,
        exclude: Agents::new(),
        surge: None,
    }
}
