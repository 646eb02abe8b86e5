//! The queue engine as a router: every agent picks up at once, every caller may be held, nobody is sent away.

use std::time::Duration;

use super::router::Answer;
use super::router::CallType;
use super::router::Router;
use super::router::Setup;
use super::router::Told;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::queue::Action;
use crate::queue::Engine;
use crate::queue::Event;
use crate::queue::api::AgentConfig;
use crate::queue::api::AgentWish;
use crate::queue::api::Agents;
use crate::queue::api::Config;
use crate::queue::api::Demand;
use crate::queue::api::Enqueue;
use crate::queue::api::Misses;
use crate::queue::api::Need;
use crate::queue::api::Needs;
use crate::queue::api::PermissionPolicy;
use crate::queue::api::QueueConfig;
use crate::queue::api::Routing;
use crate::queue::api::Step;

/// Longer than any day that is simulated: limits that a router has no word for.
const NEVER: Duration = Duration::from_secs(1_000_000_000);
/// A deadline further away than this is one of those, and no wish for a tick.
const SOON: Duration = Duration::from_secs(86_400);

/// The engine behind the router's words.
pub struct EngineRouter {
    engine: Engine,
    /// Agents who go away when their call is over.
    leaving: Vec<bool>,
    out: Vec<Action>,
}

impl EngineRouter {
    /// An engine with a queue for each type of calls.
    pub fn new(setup: &Setup, routing: Routing) -> EngineRouter {
        EngineRouter::of(setup, routing, false)
    }

    /// The same; and of the idle agents who can serve a call, those who have what its type wants are taken first.
    pub fn preferring(setup: &Setup, routing: Routing) -> EngineRouter {
        EngineRouter::of(setup, routing, true)
    }

    fn of(setup: &Setup, routing: Routing, preferring: bool) -> EngineRouter {
        let queue = |kind: &CallType| QueueConfig {
            name: "queue".into(),
            needs: demand(kind, preferring),
            agents_by: None,
            priority: kind.priority,
            ring_timeout: NEVER,
            ring_agents: 1,
            // The router is told when the wrap-up is over.
            wrap_up: NEVER,
            max_wait: NEVER,
            max_expected_wait: None,
            max_waiting: u32::MAX,
            service_level: kind.target,
            handle_time: Some(kind.handle_time),
            permission: PermissionPolicy::GivenByFlowFile,
            permission_lasts: NEVER,
            answer_within: NEVER,
            check_in: Duration::ZERO,
            callback_tries: 1,
            callback_spacing: Duration::ZERO,
            customer_first: None,
            misses: Misses::default(),
            prefer: None,
            exclude: Agents::new(),
            surge: None,
        };
        let agent = |skills: &Vec<_>| AgentConfig {
            name: "agent".into(),
            skills: skills.clone(),
            always_ready: false,
            gone: false,
        };
        let engine = Engine::new(Config {
            skills: (0..setup.skills).map(|_| "skill".into()).collect(),
            queues: setup.types.iter().map(queue).collect(),
            agents: setup.agents.iter().map(agent).collect(),
            routing,
            redial: Duration::ZERO,
            changes: Vec::new(),
        });
        let leaving = vec![false; setup.agents.len()];
        let mut router = EngineRouter { engine, leaving, out: Vec::new() };
        for agent in 0..setup.agents.len() as u32 {
            router.wish(Timestamp::ZERO, agent, AgentWish::NotReady("away".into()));
        }
        router.out.clear();
        router
    }

    fn wish(&mut self, now: Timestamp, agent: u32, wish: AgentWish) {
        self.engine.handle(now, Event::AgentWants { agent: AgentId(agent), wish }, &mut self.out);
    }

    fn tell(&mut self, now: Timestamp, told: Told) {
        let event = match told {
            Told::Available { agent } => {
                self.leaving[agent as usize] = false;
                return self.wish(now, agent, AgentWish::Ready);
            }
            Told::Unavailable { agent } => {
                self.leaving[agent as usize] = true;
                return self.wish(now, agent, AgentWish::NotReady("away".into()));
            }
            Told::Arrived { call, kind } => {
                Event::Enqueue(Box::new(Enqueue::new(CallId(call), QueueId(kind))))
            }
            Told::Abandoned { call } => Event::Abandoned { call: CallId(call) },
            Told::Ended { call, agent } => Event::TalkEnded { call: CallId(call), agent: AgentId(agent) },
            Told::Tick => Event::Tick,
        };
        self.engine.handle(now, event, &mut self.out);
        if let Told::Ended { agent, .. } = told {
            // Whoever goes away has no wrap-up whose end would be told.
            if self.leaving[agent as usize] {
                self.wish(now, agent, AgentWish::NotReady("away".into()));
            }
        }
    }

    /// Whoever is rung picks up; that can lead to no further ring.
    fn pick_up(&mut self, now: Timestamp, answer: &mut Answer) {
        let rung = self.out.iter().filter_map(|action| match action {
            Action::Ring { call, agent, .. } => Some((call.0, agent.0)),
            _ => None,
        });
        answer.assign.extend(rung);
        for (call, agent) in &answer.assign {
            let (call, agent) = (CallId(*call), AgentId(*agent));
            self.engine.handle(now, Event::PickedUp { call, agent }, &mut self.out);
        }
    }
}

/// What a type's queue needs, and when less will do.
fn demand(kind: &CallType, preferring: bool) -> Demand {
    let needs = |needs: &[Need]| needs.iter().copied().collect::<Needs>();
    let step = |(after, then): &(Duration, Vec<Need>)| Step { after: *after, needs: needs(then) };
    let steps = kind.steps.iter().map(step).collect();
    let wants = if preferring { needs(&kind.wants) } else { Needs::default() };
    Demand { steps, wants, ..Demand::from(needs(&kind.needs)) }
}

impl Router for EngineRouter {
    fn handle(&mut self, now: Timestamp, told: Told, answer: &mut Answer) {
        answer.clear();
        self.out.clear();
        self.tell(now, told);
        self.pick_up(now, answer);
        if let Told::Arrived { call, .. } = told {
            let at_once = answer.assign.iter().any(|(assigned, _)| *assigned == call);
            answer.wait = match at_once {
                true => Some((Duration::ZERO, Duration::ZERO)),
                false => self.engine.expected_wait(CallId(call)).map(|wait| (wait.mean, wait.bound)),
            };
        }
        answer.wake = self.engine.deadline().filter(|at| *at < now + SOON);
    }
}
