//! How long the queue engine takes to decide, at the size of a big center: means by criterion, and before
//! that the whole distribution, because the slowest decisions are the ones a caller notices.
//!
//! `cargo bench --no-default-features --bench queue`

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use criterion::Criterion;
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
use warmline::queue::api::Need;
use warmline::queue::api::Needs;
use warmline::queue::api::PermissionPolicy;
use warmline::queue::api::QueueConfig;
use warmline::queue::api::Routing;
use warmline::queue::api::Whoses;

const SKILLS: u64 = 200;
const QUEUES: u64 = 50;
/// Rounds of the distribution; each has an arrival, an abandonment, an agent who gets ready and a tick.
const ROUNDS: u64 = 50_000;

/// How large, and how many different need-sets the calls have.
#[derive(Clone, Copy)]
struct Size {
    waiting: u64,
    agents: u64,
    needs: u64,
}

fn main() {
    let sizes = [
        Size { waiting: 100, agents: 100, needs: 50 },
        Size { waiting: 10_000, agents: 1_000, needs: 500 },
        Size { waiting: 10_000, agents: 1_000, needs: u64::MAX },
        Size { waiting: 10_000, agents: 5_000, needs: 2_000 },
        Size { waiting: 100_000, agents: 1_000, needs: 500 },
    ];
    if std::env::args().any(|arg| arg == "--bench") {
        sizes.into_iter().for_each(distribution);
    }
    let mut criterion = Criterion::default().configure_from_args();
    mean(&mut criterion, sizes[1]);
    criterion.final_summary();
}

/// The means of an arrival with its abandonment, and of an agent who takes a call.
fn mean(criterion: &mut Criterion, size: Size) {
    let mut center = Center::new(size);
    criterion.bench_function("queue: a call arrives, waits and hangs up", |bench| {
        bench.iter(|| {
            let call = CallId(center.next_call);
            let event = center.arrival();
            center.apply(event);
            center.apply(Event::Abandoned { call });
        });
    });
    criterion.bench_function("queue: an agent takes a call to its end, another arrives", |bench| {
        bench.iter(|| {
            let agent = center.any_agent();
            center.serve(agent);
            center.fill();
        });
    });
}

fn distribution(size: Size) {
    let mut center = Center::new(size);
    let names = ["arrival, waits", "abandonment", "agent ready, rung", "arrival, rung", "tick, a check-in"];
    let mut took = names.map(|_| Histogram::default());
    for _ in 0..ROUNDS {
        let event = center.arrival();
        took[0].add(center.apply(event));

        let call = center.any_call();
        took[1].add(center.apply(Event::Abandoned { call }));

        let agent = center.any_agent();
        took[2].add(center.serve(agent));
        center.fill();

        took[3].add(center.arrival_for_an_idle_agent());

        if let Some(check_in) = center.next_check_in() {
            took[4].add(check_in);
        }
    }
    let needs = if size.needs == u64::MAX { "all different".to_owned() } else { size.needs.to_string() };
    println!("\n{} waiting × {} agents × {SKILLS} skills, need-sets: {needs}", size.waiting, size.agents);
    println!("{:>20} {:>9} {:>9} {:>9} {:>9}   in µs", "", "p50", "p99", "p99.9", "max");
    for (name, took) in names.iter().zip(&took) {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| took.share(share));
        println!(
            "{name:>20} {p50:>9.2} {p99:>9.2} {p999:>9.2} {:>9.1}",
            took.longest.as_nanos() as f64 / 1e3
        );
    }
}

/// Every agent is away and every call waits, so that each step is made to happen, one at a time. The
/// first agent has a skill that no other call needs, for arrivals that find somebody idle.
struct Center {
    size: Size,
    chance: Entropy,
    engine: Engine,
    now: Timestamp,
    next_call: u64,
    /// Ascending.
    waiting: Vec<CallId>,
    skills_of: Vec<Vec<Need>>,
    out: Vec<Action>,
}

impl Center {
    fn new(size: Size) -> Center {
        let mut chance = Entropy::seeded(1);
        let mut skills_of: Vec<Vec<Need>> = (0..size.agents).map(|_| skills(&mut chance)).collect();
        skills_of[0] = vec![Need { skill: SkillId(SKILLS as u32), level: 5 }];
        let agent = |skills: &Vec<Need>| AgentConfig {
            name: "agent".into(),
            skills: skills.clone(),
            always_ready: false,
        };
        let config = Config {
            skills: (0..=SKILLS).map(|_| "skill".into()).collect(),
            queues: (0..QUEUES).map(|_| queue()).collect(),
            agents: skills_of.iter().map(agent).collect(),
            routing: Routing::default(),
            redial: Duration::ZERO,
        };
        let engine = Engine::new(config);
        let (now, waiting, out) = (Timestamp::ZERO, Vec::new(), Vec::new());
        let mut center = Center { size, chance, engine, now, next_call: 0, waiting, skills_of, out };
        for agent in 0..size.agents as u32 {
            center.apply(away(AgentId(agent)));
        }
        center.fill();
        center
    }

    /// Lets calls arrive until as many wait as are meant to.
    fn fill(&mut self) {
        while (self.waiting.len() as u64) < self.size.waiting {
            let event = self.arrival();
            self.apply(event);
        }
    }

    /// Applies an event and answers how long the engine took.
    fn apply(&mut self, event: Event) -> Duration {
        self.now += Duration::from_micros(100);
        self.out.clear();
        let start = Instant::now();
        self.engine.handle(self.now, event, &mut self.out);
        let took = start.elapsed();
        for action in black_box(&self.out) {
            match action {
                Action::Enqueued { call, .. } => self.waiting.push(*call),
                Action::Exit { call, .. } | Action::Connected { call, .. } => {
                    if let Ok(place) = self.waiting.binary_search(call) {
                        self.waiting.remove(place);
                    }
                }
                _ => {}
            }
        }
        took
    }

    /// Catches up with what has become due, then lets the next caller's check-in come, and answers how long
    /// that took.
    fn next_check_in(&mut self) -> Option<Duration> {
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
    fn arrival(&mut self) -> Event {
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

    fn enqueue(&mut self, queue: QueueId, needs: Demand) -> Event {
        let call = CallId(self.next_call);
        self.next_call += 1;
        Event::Enqueue(Box::new(Enqueue {
            call,
            queue,
            needs,
            priority: 0,
            age_credit: Duration::ZERO,
            whose: Whoses::new(),
            permission: None,
            prefer: None,
            exclude: Agents::new(),
        }))
    }

    fn any_call(&mut self) -> CallId {
        self.waiting[self.chance.below(self.waiting.len() as u64) as usize]
    }

    fn any_agent(&mut self) -> AgentId {
        AgentId(1 + self.chance.below(self.size.agents - 1) as u32)
    }

    /// An agent gets ready, is rung if there is a call for them, talks, and is away again. How long
    /// getting ready took.
    fn serve(&mut self, agent: AgentId) -> Duration {
        let took = self.apply(Event::AgentWants { agent, wish: AgentWish::Ready });
        self.talk(agent);
        took
    }

    /// The first agent is idle and a call comes for them. How long its arrival took.
    fn arrival_for_an_idle_agent(&mut self) -> Duration {
        let agent = AgentId(0);
        self.apply(Event::AgentWants { agent, wish: AgentWish::Ready });
        let needs = Needs::from_iter(self.skills_of[0].iter().copied()).into();
        let event = self.enqueue(QueueId(0), needs);
        let took = self.apply(event);
        self.talk(agent);
        took
    }

    fn talk(&mut self, agent: AgentId) {
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
        wrap_up: Duration::from_secs(30),
        max_wait: Duration::from_secs(360_000),
        max_waiting: u32::MAX,
        service_level: (80, Duration::from_secs(20)),
        handle_time: None,
        permission: PermissionPolicy::GivenByFlowFile,
        permission_lasts: Duration::from_secs(300),
        answer_within: Duration::from_secs(10),
        check_in: Duration::from_secs(60),
        callback_tries: 3,
        callback_spacing: Duration::from_secs(60),
    }
}

/// Times in steps of 20 ns up to 1 ms, and the longest.
#[derive(Default)]
struct Histogram {
    counts: Vec<u64>,
    total: u64,
    longest: Duration,
}

impl Histogram {
    const STEP_NS: u128 = 20;

    fn add(&mut self, took: Duration) {
        let step = (took.as_nanos() / Histogram::STEP_NS).min(50_000) as usize;
        if self.counts.len() <= step {
            self.counts.resize(step + 1, 0);
        }
        self.counts[step] += 1;
        self.total += 1;
        self.longest = self.longest.max(took);
    }

    /// The time in µs that this share of all took at most.
    fn share(&self, share: f64) -> f64 {
        let rank = (share * self.total as f64).ceil() as u64;
        let mut sum = 0;
        let step = self.counts.iter().position(|count| {
            sum += count;
            sum >= rank
        });
        step.map_or(0.0, |step| (step as u128 + 1) as f64 * Histogram::STEP_NS as f64 / 1e3)
    }
}
