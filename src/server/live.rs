//! What is happening now: live calls, agents, queues and counters, folded from facts.
//!
//! The control thread tells every fact once; screens, metrics and watchers read here and never ask a core.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::broadcast;

use crate::base::CallId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::Fact;
use crate::fact::Outcome;
use crate::fact::What;
use crate::store::DatedFact;

/// Facts that a watcher may lag behind; then it is cut and must read everything anew. About 200 ms at the
/// highest rate of calls, minutes at a usual one.
const WATCHER_LAG: usize = 8_192;

/// What is happening now. The calls are as many as the server takes, the agents and queues as many as the
/// center names: both are bounded where they are made.
pub struct Live {
    started: WallTime,
    calls: DashMap<CallId, LiveCall>,
    agents: DashMap<Name, LiveAgent>,
    queues: Vec<Name>,
    watchers: broadcast::Sender<Arc<DatedFact>>,
    counters: Counters,
}

/// A call that is up, or waits to be called back.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveCall {
    pub id: CallId,
    pub from: String,
    pub to: Name,
    pub phase: Phase,
    /// Since when it is in this phase.
    pub since: WallTime,
    pub arrived: WallTime,
    /// The queue that it joined last.
    pub queue: Option<Name>,
    /// Since when it waits in that queue; none when it does not.
    pub waiting_since: Option<WallTime>,
    /// The agent who rings or talks.
    pub agent: Option<Name>,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not answered yet.
    Arriving,
    /// Served by a flow.
    InFlow,
    /// In a queue, not on hold: it is being asked, or will be.
    Queued,
    /// In a queue, on hold by permission.
    Holding,
    /// In a queue with the caller off the line, to be called back.
    CallbackKept,
    /// An agent's phone rings.
    Ringing,
    /// The caller is being called back.
    CallingBack,
    /// Caller and agent hear each other.
    Talking,
}

/// An agent now.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveAgent {
    pub name: Name,
    pub state: AgentStateName,
    /// Since when; the server's start when nothing has happened.
    pub since: WallTime,
    /// Why they are not ready; empty otherwise.
    pub reason: String,
    /// Phones that are signed in.
    pub phones: u32,
}

/// A queue now.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveQueue {
    pub name: Name,
    pub waiting: u32,
    /// Since when the one waits who waits longest.
    pub longest_since: Option<WallTime>,
}

/// Counts since the start.
#[derive(Debug, Default)]
struct Counters {
    facts: AtomicU64,
    arrived: AtomicU64,
    answered: AtomicU64,
    connected: AtomicU64,
    missed: AtomicU64,
    verification_failed: AtomicU64,
    ended: [AtomicU64; OUTCOMES.len()],
}

/// Every way in which a call comes out, in the order of its counters.
const OUTCOMES: [Outcome; 9] = [
    Outcome::Talked,
    Outcome::Served,
    Outcome::LeftInFlow,
    Outcome::Abandoned,
    Outcome::Declined,
    Outcome::Unserved,
    Outcome::CallbackFailed,
    Outcome::Refused,
    Outcome::Failed,
];

/// The counts at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    pub facts: u64,
    pub calls_arrived: u64,
    pub calls_answered: u64,
    /// Times an agent was connected to a caller.
    pub connected: u64,
    /// Times an agent's phone rang in vain.
    pub missed: u64,
    /// Wrong account numbers and PINs.
    pub verification_failed: u64,
    /// Calls that are over, by how they came out.
    pub calls_ended: Vec<(Outcome, u64)>,
}

impl Live {
    /// Nothing is happening yet: the center's agents are offline, its queues empty. `started` is the
    /// calendar's time at [`Timestamp::ZERO`].
    pub fn new(started: WallTime, agents: &[Name], queues: &[Name]) -> Live {
        let offline = |name: &Name| LiveAgent {
            name: name.clone(),
            state: AgentStateName::Offline,
            since: started,
            reason: String::new(),
            phones: 0,
        };
        Live {
            started,
            calls: DashMap::new(),
            agents: agents.iter().map(|name| (name.clone(), offline(name))).collect(),
            queues: queues.to_vec(),
            watchers: broadcast::channel(WATCHER_LAG).0,
            counters: Counters::default(),
        }
    }

    /// Takes a fact in. Called by the control thread alone, for every fact, in order.
    pub fn apply(&self, fact: &Fact) {
        let wall = self.wall(fact.at);
        self.counters.count(&fact.what);
        match fact.call {
            Some(call) => self.apply_to_call(call, wall, &fact.what),
            None => self.apply_to_agent(wall, &fact.what),
        }
        if self.watchers.receiver_count() > 0 {
            // An error means that the last watcher has just gone.
            let _ = self.watchers.send(Arc::new(DatedFact { wall, fact: fact.clone() }));
        }
    }

    /// The calendar's time at `at`.
    pub fn wall(&self, at: Timestamp) -> WallTime {
        self.started + Duration::from_micros(at.0)
    }

    /// Facts from now on. A watcher that lags too far gets `Lagged` in their place.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<DatedFact>> {
        self.watchers.subscribe()
    }

    /// How many subscriptions there are.
    pub fn watchers(&self) -> usize {
        self.watchers.receiver_count()
    }

    /// Calls that are up or wait for a callback, by id.
    pub fn calls(&self) -> Vec<LiveCall> {
        let mut calls: Vec<_> = self.calls.iter().map(|entry| entry.value().clone()).collect();
        calls.sort_unstable_by_key(|call| call.id);
        calls
    }

    /// One of them.
    pub fn call(&self, id: CallId) -> Option<LiveCall> {
        self.calls.get(&id).map(|call| call.value().clone())
    }

    /// How many calls there are.
    pub fn call_count(&self) -> usize {
        self.calls.len()
    }

    /// Every agent, by name.
    pub fn agents(&self) -> Vec<LiveAgent> {
        let mut agents: Vec<_> = self.agents.iter().map(|entry| entry.value().clone()).collect();
        agents.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        agents
    }

    /// One of them.
    pub fn agent(&self, name: &str) -> Option<LiveAgent> {
        self.agents.get(name).map(|agent| agent.value().clone())
    }

    /// Every queue, in the center's order.
    pub fn queues(&self) -> Vec<LiveQueue> {
        let mut waiting: BTreeMap<Name, (u32, WallTime)> = BTreeMap::new();
        for call in &self.calls {
            if let (Some(queue), Some(since)) = (&call.queue, call.waiting_since) {
                let (count, longest) = waiting.entry(queue.clone()).or_insert((0, since));
                *count += 1;
                *longest = since.min(*longest);
            }
        }
        let queue = |name: &Name| {
            let now = waiting.get(name);
            let longest_since = now.map(|(_, longest)| *longest);
            LiveQueue { name: name.clone(), waiting: now.map_or(0, |(count, _)| *count), longest_since }
        };
        self.queues.iter().map(queue).collect()
    }

    /// The counts now.
    pub fn counts(&self) -> Counts {
        let Counters { facts, arrived, answered, connected, missed, verification_failed, ended } =
            &self.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            facts: read(facts),
            calls_arrived: read(arrived),
            calls_answered: read(answered),
            connected: read(connected),
            missed: read(missed),
            verification_failed: read(verification_failed),
            calls_ended: OUTCOMES.into_iter().zip(ended.iter().map(read)).collect(),
        }
    }

    fn apply_to_call(&self, id: CallId, wall: WallTime, what: &What) {
        match what {
            What::CallArrived { from, to, .. } => {
                let (from, to) = (from.clone(), to.clone());
                let call = LiveCall {
                    id,
                    from,
                    to,
                    phase: Phase::Arriving,
                    since: wall,
                    arrived: wall,
                    queue: None,
                    waiting_since: None,
                    agent: None,
                };
                self.calls.insert(id, call);
            }
            What::CallEnded { .. } => {
                self.calls.remove(&id);
            }
            what if moves_a_call(what) => {
                if let Some(mut call) = self.calls.get_mut(&id) {
                    call.apply(wall, what);
                }
            }
            _ => {}
        }
        self.apply_to_agent(wall, what);
    }

    fn apply_to_agent(&self, wall: WallTime, what: &What) {
        let name = match what {
            What::AgentState { agent, .. }
            | What::PhoneRegistered { agent, .. }
            | What::PhoneUnregistered { agent, .. } => agent,
            _ => return,
        };
        // An agent that the center does not name is no row of this table: phones that are nobody's can
        // register, and must not make it grow.
        let Some(mut agent) = self.agents.get_mut(name) else { return };
        match what {
            What::AgentState { to, reason, .. } => {
                agent.state = *to;
                agent.since = wall;
                agent.reason.clone_from(reason);
            }
            What::PhoneRegistered { contacts, .. } | What::PhoneUnregistered { contacts, .. } => {
                agent.phones = *contacts;
            }
            _ => {}
        }
    }
}

/// Whether [`LiveCall::apply`] has anything to do with it: spares the table for the rest.
fn moves_a_call(what: &What) -> bool {
    matches!(
        what,
        What::CallAnswered
            | What::FlowStarted { .. }
            | What::Enqueued { .. }
            | What::HoldMusicStarted
            | What::CallbackChosen { .. }
            | What::CallbackDialled { .. }
            | What::CallbackFailed { .. }
            | What::AgentRinging { .. }
            | What::AgentMissed { .. }
            | What::AgentConnected { .. }
            | What::TalkEnded { .. }
            | What::WaitEnded { .. }
    )
}

impl LiveCall {
    fn apply(&mut self, wall: WallTime, what: &What) {
        match what {
            What::CallAnswered | What::FlowStarted { .. } => self.enter(Phase::InFlow, wall),
            What::Enqueued { queue, .. } => {
                self.queue = Some(queue.clone());
                self.waiting_since = Some(wall);
                self.enter(Phase::Queued, wall);
            }
            What::HoldMusicStarted => self.enter(Phase::Holding, wall),
            What::CallbackChosen { .. } | What::CallbackFailed { .. } => {
                self.agent = None;
                self.enter(Phase::CallbackKept, wall);
            }
            What::CallbackDialled { .. } => self.enter(Phase::CallingBack, wall),
            What::AgentRinging { agent, .. } => {
                self.agent = Some(agent.clone());
                self.enter(Phase::Ringing, wall);
            }
            What::AgentMissed { .. } => {
                self.agent = None;
                self.enter(Phase::Queued, wall);
            }
            What::AgentConnected { agent, .. } => {
                self.agent = Some(agent.clone());
                self.waiting_since = None;
                self.enter(Phase::Talking, wall);
            }
            What::TalkEnded { .. } | What::WaitEnded { .. } => {
                self.agent = None;
                self.waiting_since = None;
                self.enter(Phase::InFlow, wall);
            }
            _ => {}
        }
    }

    fn enter(&mut self, phase: Phase, wall: WallTime) {
        if self.phase != phase {
            self.phase = phase;
            self.since = wall;
        }
    }
}

impl Counters {
    fn count(&self, what: &What) {
        let add = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        add(&self.facts);
        match what {
            What::CallArrived { .. } => add(&self.arrived),
            What::CallAnswered => add(&self.answered),
            What::AgentConnected { .. } => add(&self.connected),
            What::AgentMissed { .. } => add(&self.missed),
            What::VerificationFailed { .. } => add(&self.verification_failed),
            What::CallEnded { outcome, .. } => {
                OUTCOMES.iter().position(|known| known == outcome).map_or(0, |place| add(&self.ended[place]))
            }
            _ => 0,
        };
    }
}
