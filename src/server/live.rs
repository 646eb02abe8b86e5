//! What is happening now: live calls, agents, queues and counters, folded from facts.
//!
//! The control thread tells every fact once; screens, metrics and watchers read here and never ask a core.

mod agents;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicI64;
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
use crate::fact::MissedWhy;
use crate::fact::Outcome;
use crate::fact::Target;
use crate::fact::TransferKind;
use crate::fact::What;
use crate::server::AgentRules;
use crate::server::Rules;
use crate::server::accounts::ShutOut;
use crate::server::board::Board;
use crate::server::desk::Desks;
use crate::server::messages::Messages;
use crate::server::outcomes::Outcomes;
use crate::server::passages::Node;
use crate::server::passages::Passages;
use crate::server::spread::FIRST_HEARD_BOUNDS;
use crate::server::spread::MOS_BOUNDS;
use crate::server::spread::Spread;
pub use crate::server::spread::SpreadCounts;
use crate::server::trends::Trends;
use crate::server::unreached::Unreached;
use crate::store::DatedFact;
use crate::store::NumberedFact;

/// Facts that a watcher may lag behind; then it is cut and must read everything anew. About 200 ms at the
/// highest rate of calls, minutes at a usual one.
const WATCHER_LAG: usize = 8_192;

/// What is happening now. The calls are as many as the server takes, the agents and queues as many as the
/// center names: both are bounded where they are made.
pub struct Live {
    /// What the calendar would have shown at [`Timestamp::ZERO`].
    zero: AtomicI64,
    calls: DashMap<CallId, LiveCall>,
    agents: DashMap<Name, LiveAgent>,
    queues: Vec<Name>,
    /// The queues that are in a surge, and since when: no more than there are queues.
    surges: DashMap<Name, WallTime>,
    /// What stands on each agent's desk.
    pub desks: Desks,
    /// The day's figures.
    pub board: Board,
    /// How callers went through the flows.
    pub passages: Passages,
    /// How calls came out, by the version of the flow files.
    pub outcomes: Outcomes,
    /// What callers left to be done.
    pub messages: Messages,
    /// What was told of the last week.
    pub trends: Trends,
    pub shut_out: ShutOut,
    /// Agents who are always ready, and whose phones are not there.
    pub unreached: Unreached,
    rules: RwLock<Arc<Rules>>,
    watchers: broadcast::Sender<Arc<NumberedFact>>,
    /// The number of the last fact.
    told: AtomicU64,
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
    /// The agent who rings or talks; of several who ring the first.
    pub agent: Option<Name>,
    /// The agents whose phones ring for it.
    pub ringing: Vec<Name>,
    /// The flow and its node that the caller is at; none once an agent has taken over.
    pub node: Option<Node>,
    at_node_since: WallTime,
    /// When it was answered, until the caller hears something.
    answered: Option<WallTime>,
    /// How it waited before an agent's phone rang: so it waits on when the agent does not take it.
    waits: Phase,
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
    /// An agent calls somebody, whose phone rings.
    CallingOut,
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
    /// Skills and levels, 1 to 10: those of the center's file, or what a supervisor made of them.
    pub skills: Vec<(Name, u8)>,
    /// After how long their phone takes a queue's calls by itself; none: they pick up.
    pub auto_answer: Option<Duration>,
}

/// A queue now.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveQueue {
    pub name: Name,
    pub waiting: u32,
    /// Since when the one waits who waits longest.
    pub longest_since: Option<WallTime>,
    /// Since when it is in a surge.
    pub surge_since: Option<WallTime>,
}

/// Counts since the start.
struct Counters {
    facts: AtomicU64,
    arrived: AtomicU64,
    answered: AtomicU64,
    connected: AtomicU64,
    missed: AtomicU64,
    verification_failed: AtomicU64,
    ended: [AtomicU64; OUTCOMES.len()],
    /// Lines by how they sounded.
    mos: Spread,
    /// Callers by how long after the answer they heard something, in seconds.
    first_heard: Spread,
}

/// Every way in which a call comes out, in the order of its counters.
const OUTCOMES: [Outcome; 11] = [
    Outcome::Talked,
    Outcome::Served,
    Outcome::LeftInFlow,
    Outcome::Abandoned,
    Outcome::Declined,
    Outcome::Unserved,
    Outcome::CallbackFailed,
    Outcome::Refused,
    Outcome::NotReached,
    Outcome::EndedByOperator,
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
    /// How lines sounded that have closed: mean opinion scores.
    pub mos: SpreadCounts,
    /// From the answer to the first that a caller heard, in seconds.
    pub first_heard: SpreadCounts,
}

impl Live {
    /// Nothing is happening yet: the center's agents are offline, its queues empty. `started` is the
    /// calendar's time at [`Timestamp::ZERO`].
    pub fn new(started: WallTime, rules: Rules) -> Live {
        let agents: Vec<Name> = rules.agents.iter().map(|agent| agent.name.clone()).collect();
        let offline = |agent: &AgentRules| (agent.name.clone(), LiveAgent::offline(agent, started));
        Live {
            zero: AtomicI64::new(started.0),
            calls: DashMap::new(),
            agents: rules.agents.iter().map(offline).collect(),
            queues: rules.queues.iter().map(|queue| queue.name.clone()).collect(),
            surges: DashMap::new(),
            desks: Desks::new(started, &agents, &rules.queues),
            board: Board::new(started, rules.zone.clone(), &rules.queues),
            passages: Passages::default(),
            outcomes: Outcomes::new(started),
            messages: Messages::default(),
            trends: Trends::default(),
            shut_out: ShutOut::default(),
            unreached: Unreached::default(),
            rules: RwLock::new(Arc::new(rules)),
            watchers: broadcast::channel(WATCHER_LAG).0,
            told: AtomicU64::new(0),
            counters: Counters::new(),
        }
    }

    /// A fact with the calendar's time of it.
    pub fn dated(&self, fact: Fact) -> DatedFact {
        DatedFact { wall: self.wall(fact.at), fact }
    }

    /// Takes a fact in that has the number after the last one.
    pub fn apply(&self, dated: &DatedFact) {
        self.tell(self.last_number() + 1, dated);
    }

    /// Takes a fact in, with the number that it has in the history. Called by the control thread alone, for every fact, in order.
    pub fn tell(&self, number: u64, dated: &DatedFact) {
        self.told.store(number, Ordering::Relaxed);
        let DatedFact { wall, fact } = dated;
        self.counters.count(&fact.what);
        match fact.call {
            Some(call) => self.apply_to_call(call, *wall, &fact.what),
            None => {
                self.apply_to_queue(*wall, &fact.what);
                self.apply_to_agent(*wall, &fact.what);
            }
        }
        self.desks.apply(dated);
        self.board.apply(dated);
        self.outcomes.apply(dated);
        self.messages.apply(dated);
        self.trends.apply(dated);
        self.unreached.apply(dated, |agent| self.rules().is_always_ready(agent));
        if self.watchers.receiver_count() > 0 {
            // An error means that the last watcher has just gone.
            let _ = self.watchers.send(Arc::new(NumberedFact { number, dated: dated.clone() }));
        }
    }

    /// Before anything happens: a call whose place an earlier run kept, by what it has been so far.
    pub fn recall(&self, id: CallId, facts: &[DatedFact]) {
        self.carry_on(id, facts);
        if let Some(mut call) = self.calls.get_mut(&id) {
            call.node = None;
        }
    }

    /// Before anything happens: a call that outlived an earlier process, by what it has been so far.
    pub fn carry_on(&self, id: CallId, facts: &[DatedFact]) {
        for DatedFact { wall, fact } in facts {
            match &fact.what {
                What::CallArrived { from, to, .. } => {
                    let call = LiveCall::new(id, from.clone(), to.clone(), Phase::Arriving, *wall);
                    self.calls.insert(id, call);
                }
                what => {
                    if let Some(mut call) = self.calls.get_mut(&id) {
                        call.apply(*wall, what);
                    }
                }
            }
        }
        facts.iter().for_each(|fact| self.desks.apply(fact));
    }

    /// The center's agents and queues.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The calendar's time at `at`.
    pub fn wall(&self, at: Timestamp) -> WallTime {
        WallTime(self.zero.load(Ordering::Relaxed)) + Duration::from_micros(at.0)
    }

    /// The calendar was set: by it, [`Timestamp::ZERO`] was then. What goes on has gone on as long as before.
    pub fn calendar_set(&self, zero: WallTime, at: Timestamp) {
        let before = self.zero.swap(zero.0, Ordering::Relaxed);
        let by_ms = zero.0.saturating_sub(before) / 1_000;
        self.agents.iter_mut().for_each(|mut agent| agent.since = agent.since.moved(by_ms));
        self.surges.iter_mut().for_each(|mut since| *since = since.moved(by_ms));
        self.calls.iter_mut().for_each(|mut call| call.calendar_set(by_ms));
        self.desks.calendar_set(by_ms);
        self.board.calendar_set(self.wall(at), by_ms);
    }

    /// Facts from now on. A watcher that lags too far gets `Lagged` in their place.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<NumberedFact>> {
        self.watchers.subscribe()
    }

    /// The number of the last fact that was told; before the first one, of what an earlier run told.
    pub fn last_number(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    /// Before anything happens: facts up to this number were told already.
    pub fn begin_after(&self, number: u64) {
        self.told.store(number, Ordering::Relaxed);
    }

    /// Calls that are up or wait for a callback, by id.
    pub fn calls(&self) -> Vec<LiveCall> {
        let mut calls: Vec<_> = self.calls.iter().map(|entry| entry.value().clone()).collect();
        calls.sort_unstable_by_key(|call| call.id);
        calls
    }

    /// Who has a caller, and in which call.
    pub fn talks(&self) -> BTreeMap<Name, CallId> {
        let talks = self.calls.iter().filter(|entry| entry.phase == Phase::Talking);
        talks.filter_map(|entry| Some((entry.agent.clone()?, entry.id))).collect()
    }

    /// One of them.
    pub fn call(&self, id: CallId) -> Option<LiveCall> {
        self.calls.get(&id).map(|call| call.value().clone())
    }

    /// How many calls there are.
    pub fn call_count(&self) -> usize {
        self.calls.len()
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
            let (waiting, surge_since) = (now.map_or(0, |(count, _)| *count), self.surge_since(name));
            LiveQueue { name: name.clone(), waiting, longest_since, surge_since }
        };
        self.queues.iter().map(queue).collect()
    }

    /// Since when a queue is in a surge.
    pub fn surge_since(&self, queue: &str) -> Option<WallTime> {
        self.surges.get(queue).map(|since| *since)
    }

    /// The counts now.
    pub fn counts(&self) -> Counts {
        let Counters {
            facts,
            arrived,
            answered,
            connected,
            missed,
            verification_failed,
            ended,
            mos,
            first_heard,
        } = &self.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            facts: read(facts),
            calls_arrived: read(arrived),
            calls_answered: read(answered),
            connected: read(connected),
            missed: read(missed),
            verification_failed: read(verification_failed),
            calls_ended: OUTCOMES.into_iter().zip(ended.iter().map(read)).collect(),
            mos: mos.counts(),
            first_heard: first_heard.counts(),
        }
    }

    fn apply_to_call(&self, id: CallId, wall: WallTime, what: &What) {
        match what {
            What::CallArrived { from, to, .. } => {
                let call = LiveCall::new(id, from.clone(), to.clone(), Phase::Arriving, wall);
                self.calls.insert(id, call);
            }
            What::CallPlaced { agent, to, queue, .. } => {
                let (from, to) = (agent.to_string(), to.to_string().as_str().into());
                let mut call = LiveCall::new(id, from, to, Phase::Ringing, wall);
                call.agent = Some(agent.clone());
                call.queue = Some(queue.clone());
                self.calls.insert(id, call);
            }
            What::CallEnded { .. } => {
                if let Some((_, call)) = self.calls.remove(&id) {
                    self.passages.moved(call.left_node(wall), None);
                }
            }
            what if moves_a_call(what) => {
                if let Some(mut call) = self.calls.get_mut(&id) {
                    self.walks_on(&call, wall, what);
                    if let Some(after) = call.apply(wall, what) {
                        self.counters.first_heard.count(after.as_secs_f64());
                    }
                }
            }
            _ => {}
        }
        self.apply_to_agent(wall, what);
    }

    /// A caller goes on to another node, or out of the flow to an agent.
    fn walks_on(&self, call: &LiveCall, wall: WallTime, what: &What) {
        match what {
            What::NodeEntered { flow, node, by } => {
                let to = (flow.clone(), node.clone());
                self.passages.moved(call.left_node(wall), Some((&to, by.as_ref())));
            }
            What::AgentConnected { .. } => self.passages.moved(call.left_node(wall), None),
            _ => {}
        }
    }

    fn apply_to_queue(&self, wall: WallTime, what: &What) {
        match what {
            What::SurgeBegan { queue, .. } => drop(self.surges.insert(queue.clone(), wall)),
            What::SurgeGoesOn { queue, since, .. } => drop(self.surges.insert(queue.clone(), *since)),
            What::SurgeEnded { queue, .. } => drop(self.surges.remove(queue)),
            _ => {}
        }
    }
}

/// Whether [`LiveCall::apply`] has anything to do with it: spares the table for the rest.
fn moves_a_call(what: &What) -> bool {
    matches!(
        what,
        What::CallAnswered
            | What::Played { .. }
            | What::BotJoined { .. }
            | What::ForwardDialled { .. }
            | What::FlowStarted { .. }
            | What::NodeEntered { .. }
            | What::Enqueued { .. }
            | What::WaitMoved { .. }
            | What::HoldMusicStarted
            | What::CallbackChosen { .. }
            | What::PlaceRecalled { .. }
            | What::CalleeDialled { .. }
            | What::CalleeReached { .. }
            | What::CallbackDialled { .. }
            | What::CallbackFailed { .. }
            | What::CallbackReached { .. }
            | What::CallbackCancelled { .. }
            | What::AgentReserved { .. }
            | What::AgentRinging { .. }
            | What::AgentMissed { .. }
            | What::AgentConnected { .. }
            | What::TalkEnded { .. }
            | What::Transferred { .. }
            | What::TakenOver { .. }
            | What::WaitEnded { .. }
    )
}

/// Whether the caller hears something by it, be it a ringing tone.
fn is_heard(what: &What) -> bool {
    matches!(
        what,
        What::Played { .. }
            | What::HoldMusicStarted
            | What::BotJoined { .. }
            | What::ForwardDialled { .. }
            | What::AgentRinging { .. }
            | What::AgentConnected { .. }
    )
}

impl LiveCall {
    fn new(id: CallId, from: String, to: Name, phase: Phase, wall: WallTime) -> LiveCall {
        LiveCall {
            id,
            from,
            to,
            phase,
            since: wall,
            arrived: wall,
            queue: None,
            waiting_since: None,
            agent: None,
            ringing: Vec::new(),
            node: None,
            at_node_since: wall,
            answered: None,
            waits: Phase::Queued,
        }
    }

    fn calendar_set(&mut self, by_ms: i64) {
        let moments = [&mut self.since, &mut self.arrived, &mut self.at_node_since];
        let moments = moments.into_iter().chain(&mut self.waiting_since).chain(&mut self.answered);
        moments.for_each(|moment| *moment = moment.moved(by_ms));
    }

    /// The node that the caller is at, and how long they have been there.
    fn left_node(&self, wall: WallTime) -> Option<(&Node, Duration)> {
        let stayed = u64::try_from(wall.0.saturating_sub(self.at_node_since.0)).unwrap_or(0);
        self.node.as_ref().map(|node| (node, Duration::from_micros(stayed)))
    }

    /// Takes a fact in; how long after the answer the caller hears something at last, if it is by this.
    fn apply(&mut self, wall: WallTime, what: &What) -> Option<Duration> {
        let heard = self.answered.take_if(|_| is_heard(what));
        if matches!(what, What::CallAnswered) {
            self.answered = Some(wall);
        }
        match what {
            What::CallAnswered | What::FlowStarted { .. } => self.enter(Phase::InFlow, wall),
            What::NodeEntered { flow, node, .. } => {
                self.node = Some((flow.clone(), node.clone()));
                self.at_node_since = wall;
            }
            What::Enqueued { queue, .. } => {
                self.queue = Some(queue.clone());
                self.waiting_since = Some(wall);
                self.wait_by(Phase::Queued, wall);
            }
            What::PlaceRecalled { queue, since, .. } => {
                self.queue = Some(queue.clone());
                self.waiting_since = Some(*since);
                (self.agent, self.node) = (None, None);
                self.ringing.clear();
                self.wait_by(Phase::CallbackKept, wall);
            }
            What::WaitMoved { to, .. } => self.queue = Some(to.clone()),
            What::HoldMusicStarted => self.wait_by(Phase::Holding, wall),
            What::CallbackChosen { .. } | What::CallbackFailed { .. } | What::CallbackCancelled { .. } => {
                // Who had picked up for the caller is told of no more.
                self.ringing.clear();
                self.agent = None;
                self.wait_by(Phase::CallbackKept, wall);
            }
            What::AgentReserved { agent, .. } => self.agent = Some(agent.clone()),
            What::CallbackDialled { .. } => self.enter(Phase::CallingBack, wall),
            What::CallbackReached { .. } => self.wait_by(Phase::CallingBack, wall),
            What::CalleeDialled { .. } => self.enter(Phase::CallingOut, wall),
            What::CalleeReached { agent, .. } => {
                self.agent = Some(agent.clone());
                self.enter(Phase::Talking, wall);
            }
            What::AgentRinging { agent, .. } => {
                self.ringing.push(agent.clone());
                self.agent = self.ringing.first().cloned();
                self.enter(Phase::Ringing, wall);
            }
            What::AgentMissed { agent, .. } => {
                self.ringing.retain(|ringing| ringing != agent);
                self.agent = self.ringing.first().cloned();
                if self.agent.is_none() {
                    self.enter(self.waits, wall);
                }
            }
            What::AgentConnected { agent, .. } => {
                self.ringing.clear();
                self.node = None;
                self.agent = Some(agent.clone());
                self.waiting_since = None;
                self.enter(Phase::Talking, wall);
            }
            What::TakenOver { by: agent, .. }
            | What::Transferred { to: Target::Agent(agent), kind: TransferKind::Warm, .. } => {
                self.agent = Some(agent.clone());
                self.enter(Phase::Talking, wall);
            }
            What::TalkEnded { .. } | What::WaitEnded { .. } => {
                self.ringing.clear();
                self.agent = None;
                self.waiting_since = None;
                self.enter(Phase::InFlow, wall);
            }
            _ => {}
        }
        heard.map(|answered| wall.since(answered))
    }

    fn wait_by(&mut self, phase: Phase, wall: WallTime) {
        self.waits = phase;
        self.enter(phase, wall);
    }

    fn enter(&mut self, phase: Phase, wall: WallTime) {
        if self.phase != phase {
            self.phase = phase;
            self.since = wall;
        }
    }
}

impl Counters {
    fn new() -> Counters {
        Counters {
            facts: AtomicU64::default(),
            arrived: AtomicU64::default(),
            answered: AtomicU64::default(),
            connected: AtomicU64::default(),
            missed: AtomicU64::default(),
            verification_failed: AtomicU64::default(),
            ended: Default::default(),
            mos: Spread::new(&MOS_BOUNDS),
            first_heard: Spread::new(&FIRST_HEARD_BOUNDS),
        }
    }

    fn count(&self, what: &What) {
        let add = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        add(&self.facts);
        match what {
            What::CallArrived { .. } => add(&self.arrived),
            What::CallAnswered => add(&self.answered),
            What::AgentConnected { .. } => add(&self.connected),
            // Nobody has missed a call that was gone, or that a colleague was faster to pick up.
            What::AgentMissed { why, .. } if *why != MissedWhy::Withdrawn => add(&self.missed),
            What::VerificationFailed { .. } => add(&self.verification_failed),
            What::CallEnded { outcome, .. } => {
                OUTCOMES.iter().position(|known| known == outcome).map_or(0, |place| add(&self.ended[place]))
            }
            What::LegClosed { quality, .. } => {
                quality.mos().into_iter().for_each(|mos| self.mos.count(mos));
                0
            }
            _ => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Why;
    use crate::store::sample;

    fn live() -> Live {
        Live::new(sample::STARTED, Rules::named(&["alice", "bob"], &["support", "billing"]))
    }

    fn apply(live: &Live, facts: &[Fact]) {
        facts.iter().for_each(|fact| live.apply(&live.dated(fact.clone())));
    }

    #[test]
    fn a_call_is_seen_where_it_is() {
        let live = live();
        let facts = sample::whole_call(7);
        let phases: Vec<_> = facts
            .iter()
            .filter_map(|fact| {
                apply(&live, std::slice::from_ref(fact));
                live.call(CallId(7)).map(|call| call.phase)
            })
            .collect();
        let mut seen = phases.clone();
        seen.dedup();
        use Phase::*;
        assert_eq!(seen, [Arriving, InFlow, Queued, Holding, Ringing, Holding, Ringing, Talking, InFlow]);
        assert_eq!(live.call_count(), 0, "it is over");
    }

    #[test]
    fn how_long_after_the_answer_a_caller_hears_something_is_counted_once() {
        let live = live();
        let facts = sample::whole_call(7);
        let played = facts.iter().position(|fact| matches!(fact.what, What::Played { .. }));
        apply(&live, &facts[..played.expect("a prompt plays")]);
        assert_eq!(live.counts().first_heard.count, 0);
        apply(&live, &facts[played.expect("a prompt plays")..]);
        // Answered after 12 ms and greeted after 14; music, a ringing tone and the agent come later.
        let heard = live.counts().first_heard;
        assert_eq!((heard.count, heard.sum, heard.buckets[0]), (1, 0.002, (0.1, 1)));
        // Who hears ringing is not left alone; who hangs up before has heard nothing.
        let at =
            |call, millis, what| Fact { at: Timestamp::from_millis(millis), call: Some(CallId(call)), what };
        let from = (0, sample::whole_call(8).swap_remove(0).what);
        let ringing = What::AgentRinging { agent: "bob".into(), attempt: 1, why: Why::default() };
        let told = [from.clone(), (0, What::CallAnswered), (3_000, ringing), (9_000, What::HoldMusicStarted)];
        apply(&live, &told.map(|(millis, what)| at(8, millis, what)));
        apply(&live, &[from, (0, What::CallAnswered)].map(|(millis, what)| at(9, millis, what)));
        let heard = live.counts().first_heard;
        assert_eq!((heard.count, heard.sum), (2, 3.002));
        // Who heard something in an earlier process has not been left alone since.
        let facts = sample::whole_call(10).into_iter();
        let facts = facts.map(|fact| DatedFact { wall: sample::STARTED, fact }).collect::<Vec<_>>();
        let played = facts.iter().position(|dated| matches!(dated.fact.what, What::Played { .. }));
        let (before, after) = facts.split_at(played.expect("a prompt plays") + 1);
        live.carry_on(CallId(10), before);
        after.iter().for_each(|dated| live.apply(dated));
        assert_eq!(live.counts().first_heard.count, 2);
    }

    #[test]
    fn a_waiting_caller_is_counted_in_the_queue_until_connected() {
        let live = live();
        let facts = sample::whole_call(7);
        apply(&live, &facts[..18]);
        let since = sample::STARTED + Duration::from_millis(7_351);
        let queue = |name: &str, waiting, longest_since| {
            let (name, surge_since) = (name.into(), None);
            LiveQueue { name, waiting, longest_since, surge_since }
        };
        assert_eq!(live.queues(), [queue("support", 0, None), queue("billing", 1, Some(since))]);
        apply(&live, &facts[18..21]);
        assert_eq!(live.queues()[1].waiting, 0);
    }

    #[test]
    fn a_surge_that_outlived_the_server_is_as_old_as_it_is() {
        let live = live();
        let (queue, since): (Name, _) = ("billing".into(), sample::STARTED.before(Duration::from_secs(60)));
        let goes_on = What::SurgeGoesOn { queue: queue.clone(), waiting: 7, agents: 2, since };
        let ended = What::SurgeEnded { queue: queue.clone(), waiting: 2, agents: 2 };
        let of_queue = |what| Fact { at: Timestamp::from_secs(1), call: None, what };
        apply(&live, &[of_queue(goes_on)]);
        assert_eq!(live.surge_since(&queue), Some(since));
        apply(&live, &[of_queue(ended)]);
        assert_eq!(live.surge_since(&queue), None);
    }

    #[test]
    fn a_place_that_outlived_the_server_waits_to_be_called_back_since_it_began() {
        let live = live();
        let of_call = |secs, what| Fact { at: Timestamp::from_secs(secs), call: Some(CallId(7)), what };
        let rings = |agent: &str| {
            let why = Why::Words(String::new());
            What::AgentRinging { agent: agent.into(), attempt: 1, why }
        };
        // Bob was rung when the server went.
        let mut before = sample::dated(sample::whole_call(7).into_iter().take(20).collect());
        before.iter_mut().for_each(|dated| dated.wall = dated.wall.before(Duration::from_secs(600)));
        let since = before.iter().find(|dated| matches!(dated.fact.what, What::Enqueued { .. }));
        let since = since.expect("the sample call waits").wall;
        live.recall(CallId(7), &before);
        let recalled = What::PlaceRecalled {
            queue: "billing".into(),
            needs: Vec::new(),
            priority: 0,
            waiting: 1,
            since,
        };
        apply(&live, &[of_call(1, recalled)]);
        let kept = live.call(CallId(7)).unwrap();
        assert_eq!((kept.phase, kept.agent, kept.node), (Phase::CallbackKept, None, None));
        assert!(kept.ringing.is_empty());
        assert_eq!((live.queues()[1].waiting, live.queues()[1].longest_since), (1, Some(since)));
        apply(&live, &[of_call(30, rings("alice"))]);
        assert_eq!(live.call(CallId(7)).unwrap().agent.as_deref(), Some("alice"));
        let missed = What::AgentMissed { agent: "alice".into(), why: MissedWhy::NoAnswer };
        apply(&live, &[of_call(50, missed)]);
        assert_eq!(live.call(CallId(7)).unwrap().phase, Phase::CallbackKept, "it waits on as it did");
    }

    #[test]
    fn a_caller_who_is_called_back_first_is_told_apart_with_who_is_kept_for_them() {
        let live = live();
        let (number, attempt) = (|| "+12025550143".to_owned(), 1);
        let reserved = |agent: &str| What::AgentReserved { agent: agent.into(), why: Why::default() };
        let ringing = What::AgentRinging { agent: "bob".into(), attempt: 1, why: Why::default() };
        let missed = What::AgentMissed { agent: "bob".into(), why: MissedWhy::Declined };
        let cause = "no agent took them in time".to_owned();
        let told = [
            (What::CallbackChosen { number: number(), at: None, place: None }, Phase::CallbackKept, None),
            (reserved("alice"), Phase::CallbackKept, Some("alice")),
            (What::CallbackDialled { number: number(), attempt }, Phase::CallingBack, Some("alice")),
            (What::CallbackCancelled { number: number(), attempt }, Phase::CallbackKept, None),
            (reserved("bob"), Phase::CallbackKept, Some("bob")),
            (What::CallbackDialled { number: number(), attempt }, Phase::CallingBack, Some("bob")),
            (What::CallbackReached { number: number(), attempt }, Phase::CallingBack, Some("bob")),
            (ringing, Phase::Ringing, Some("bob")),
            (missed, Phase::CallingBack, None),
            (What::CallbackFailed { number: number(), attempt, cause }, Phase::CallbackKept, None),
        ];
        apply(&live, &sample::whole_call(7)[..1]);
        let at = Timestamp::from_secs(60);
        for (what, phase, agent) in told {
            apply(&live, &[Fact { at, call: Some(CallId(7)), what: what.clone() }]);
            let call = live.call(CallId(7)).expect("it is up");
            assert_eq!((call.phase, call.agent.as_deref()), (phase, agent), "after {what:?}");
        }
    }

    #[test]
    fn an_agent_shows_state_reason_and_phones() {
        let live = live();
        let at = Timestamp::from_secs(5);
        let (from, to) = (AgentStateName::Ready, AgentStateName::NotReady);
        let state = What::AgentState { agent: "bob".into(), from, to, reason: "lunch".into() };
        let phone =
            What::PhoneRegistered { agent: "bob".into(), contact: "sip:bob@[::1]".into(), contacts: 1 };
        let nobody = What::PhoneRegistered { agent: "mallory".into(), contact: String::new(), contacts: 1 };
        apply(&live, &[state, phone, nobody].map(|what| Fact { at, call: None, what }));
        let bob = live.agent("bob").unwrap();
        assert_eq!((bob.state, bob.reason.as_str(), bob.phones), (AgentStateName::NotReady, "lunch", 1));
        assert_eq!(bob.since, sample::STARTED + Duration::from_secs(5));
        assert_eq!(live.agents().len(), 2, "a phone of nobody's makes no agent");
    }

    #[test]
    fn who_waits_and_works_has_done_so_as_long_as_before_when_the_clock_is_set() {
        let live = live();
        apply(&live, &sample::whole_call(7)[..8]);
        let (before, by_ms) = (live.call(CallId(7)).unwrap(), 86_400_000);
        let waited = live.board.waiting();
        live.calendar_set(sample::STARTED.moved(by_ms), Timestamp::from_secs(60));
        let call = live.call(CallId(7)).unwrap();
        assert_eq!((call.since, call.arrived), (before.since.moved(by_ms), before.arrived.moved(by_ms)));
        assert_eq!(live.wall(Timestamp::ZERO), sample::STARTED.moved(by_ms));
        assert_eq!(live.agent("bob").unwrap().since, sample::STARTED.moved(by_ms));
        let joined =
            |waits: &[crate::store::waits::Waiting]| waits.iter().map(|wait| wait.joined).collect::<Vec<_>>();
        let moved: Vec<_> = joined(&waited).into_iter().map(|joined| joined.moved(by_ms)).collect();
        assert_eq!(joined(&live.board.waiting()), moved);
        assert_eq!(
            live.board.day().begins,
            sample::STARTED.moved(by_ms).before(Duration::from_secs(14 * 3_600 + 120))
        );
    }

    #[test]
    fn outcomes_are_counted() {
        let live = live();
        apply(&live, &sample::whole_call(1));
        apply(&live, &sample::short_call(2));
        let counts = live.counts();
        assert_eq!((counts.calls_arrived, counts.connected, counts.missed), (2, 1, 1));
        let of = |wanted| counts.calls_ended.iter().find(|(outcome, _)| *outcome == wanted).unwrap().1;
        assert_eq!((of(Outcome::Talked), of(Outcome::LeftInFlow), of(Outcome::Failed)), (1, 1, 0));
    }

    #[test]
    fn a_watcher_that_lags_is_told_so() {
        let live = live();
        let mut watcher = live.subscribe();
        for call in 0..=WATCHER_LAG as u64 {
            apply(&live, &sample::short_call(call)[..1]);
        }
        assert!(matches!(watcher.try_recv(), Err(broadcast::error::TryRecvError::Lagged(1))));
        assert!(watcher.try_recv().is_ok());
    }
}
