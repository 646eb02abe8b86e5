//! The engine's state and its deadlines, and which part of it takes an event. What it decides is in
//! `agents`, `waits` and `assign`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::agents::Agent;
use super::api::Action;
use super::api::AgentChoice;
use super::api::AgentState;
use super::api::AgentWish;
use super::api::Config;
use super::api::Demand;
use super::api::Event;
use super::api::QueueConfig;
use super::api::SkillChange;
use super::calls::Calls;
use super::choose::Offer;
use super::deadlines::Deadlines;
use super::kept::Keeping;
use super::kept::Kept;
use super::line::Key;
use super::line::Line;
use super::pace::Pace;
use super::quote::Foresight;
use super::quote::HandleTime;
use super::redial::Redials;
use super::routing::Routing;
use super::skills::ClassId;
use super::skills::Course;
use super::skills::Skills;

use crate::base::AgentId;
use crate::base::CallId;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::fact::WaitExit;

/// The queue engine of one center.
///
/// It is plain data: written down and read back, it goes on as if nothing had happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Engine {
    pub(super) now: Timestamp,
    pub(super) queues: Vec<Queue>,
    pub(super) agents: Vec<Agent>,
    /// Every call from joining to the end of its talk. Bounded: a queue refuses calls beyond its
    /// [`QueueConfig::max_waiting`], and an agent talks with one.
    pub(super) calls: Calls,
    pub(super) skills: Skills,
    pub(super) routing: Routing,
    pub(super) pace: Pace,
    pub(super) foresight: Foresight,
    /// The calls that may be rung for and prefer an agent, by agent; and those that must not get one.
    #[serde(default)]
    pub(super) preferring: BTreeSet<(AgentId, Key)>,
    #[serde(default)]
    pub(super) excluded: BTreeSet<(AgentId, CallId)>,
    /// How long who redials gets their age back, and who may.
    pub(super) redial: Duration,
    pub(super) redials: Redials,
    /// What is still to come of agents' skills, the next last.
    #[serde(default)]
    pub(super) changes: Vec<SkillChange>,
    /// Who is to be called back.
    #[serde(default)]
    pub(super) kept: Kept,
    /// Whether places are left to the next start.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) stopping: bool,
    /// One for each call and agent that has one, a few per class, and those that are left.
    pub(super) due: Deadlines,
    /// Empty between two decisions: what one of them goes through, in memory that is there already.
    #[serde(skip)]
    pub(super) scratch: Vec<Offer>,
}

/// Whose deadline it is. At one instant calls go first: a wait that is over is over. Then skills: an agent gets ready with
/// those that they have from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Due {
    Call(CallId),
    Skills,
    Agent(AgentId),
    /// The class's last agent signed out a while ago.
    Deserted(ClassId),
    /// Calls of this class were held back although an agent was idle.
    HeldBack(ClassId),
}

/// A queue and who is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Queue {
    pub config: QueueConfig,
    /// The classes of calls that need no more than the queue does.
    pub course: Course,
    /// Who waits and is rung for by nobody, in order: for places.
    pub line: Line,
    /// How many have no agent yet: those in line and those whose agent's phone rings.
    pub waiting: u32,
    /// How many of those are not on the line: their place is kept, or they are for one agent alone.
    #[serde(default)]
    pub aside: u32,
    /// Since when it is in a surge.
    #[serde(default)]
    pub surge_since: Option<Timestamp>,
    pub handle_time: HandleTime,
    /// Who was rung last for it.
    pub last_rung: Option<AgentId>,
}

/// What can be seen of a call in the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallView {
    pub queue: QueueId,
    pub stage: Stage,
    /// Whether only its place is kept: the caller is not on the line and will be called back.
    pub callback: bool,
    pub enqueued_at: Timestamp,
    /// When it waits no longer, at the latest.
    pub ends_by: Timestamp,
    /// How many times it has rung, at one agent or several at once, this one included.
    pub attempts: u32,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    Waiting,
    /// The caller is being called back, and this agent is kept for them.
    Reserved(AgentId),
    /// This agent's phone rings for it, and others' may beside it.
    Ringing(AgentId),
    /// It has an agent.
    Talking(AgentId),
}

impl Engine {
    /// An engine in which everybody is offline, but for those agents who are always ready.
    pub fn new(config: Config) -> Engine {
        let mut skills = Skills::new(config.skills.len(), &config.agents);
        let ranks = [Some(AgentChoice::FewestCalls), Some(AgentChoice::RoundRobin)];
        if config.queues.iter().any(|queue| ranks.contains(&queue.agents_by)) {
            skills.keep_ranks();
        }
        let pace = Pace::new(&config.queues, config.agents.len());
        let queue = |(config, id): (QueueConfig, u32)| Queue {
            course: skills.course_of(QueueId(id), &config, config.priority, &Demand::default()),
            line: Line::default(),
            waiting: 0,
            aside: 0,
            surge_since: None,
            handle_time: HandleTime::new(&config),
            last_rung: None,
            config,
        };
        let queues: Vec<Queue> = config.queues.into_iter().zip(0..).map(queue).collect();
        let foresight = Foresight::new(queues.len());
        let agents = config.agents.iter().map(Agent::new);
        let mut engine = Engine {
            now: Timestamp::ZERO,
            queues,
            agents: agents.collect(),
            calls: Calls::default(),
            skills,
            routing: config.routing,
            pace,
            foresight,
            preferring: BTreeSet::new(),
            excluded: BTreeSet::new(),
            redial: config.redial,
            redials: Redials::default(),
            changes: config.changes,
            kept: Kept::default(),
            stopping: false,
            due: Deadlines::default(),
            scratch: Vec::new(),
        };
        engine.start_always_ready();
        engine.changes.sort_unstable_by(|one, other| other.cmp(one));
        engine.await_change();
        engine
    }

    /// Applies `event` at `now` and appends what must be done, in order, to `out`.
    ///
    /// An event about a call or an agent that is not (or no more) as the event takes it to be is ignored:
    /// the caller's "yes" and the agent's "hello" may cross on their way here.
    pub fn handle(&mut self, now: Timestamp, event: Event, out: &mut Vec<Action>) {
        self.now = self.now.max(now);
        match event {
            Event::AgentWants { agent, wish } => self.agent_wants(agent, wish, out),
            Event::Enqueue(enqueue) => self.enqueue(*enqueue, None, out),
            Event::KeepPlace { enqueue, from } => {
                self.enqueue(*enqueue, Some(Keeping::agreed(from.max(self.now))), out);
            }
            Event::RecallPlace { enqueue, from, until, tries } => {
                let keeping = Keeping { from: from.max(self.now), until: Some(until), tries };
                self.enqueue(*enqueue, Some(keeping), out);
            }
            Event::CallAgent { call, agent, queue } => self.call_agent(call, agent, queue, out),
            Event::AgentCalls { call, agent, queue } => self.agent_calls(call, agent, queue, out),
            Event::Permission { call, answer } => self.permission(call, answer, out),
            Event::Abandoned { call } => self.goes_by(call, WaitExit::Abandoned, out),
            Event::Ended { call, by } => self.goes_by(call, by.exit(), out),
            Event::PickedUp { call, agent } => self.picked_up(call, agent, out),
            Event::RingFailed { call, agent, why } => self.ring_failed(call, agent, why, out),
            Event::TalkEnded { call, agent } => self.talk_ended(call, agent, out),
            Event::CallbackFailed { call, agent } => self.callback_failed(call, agent, out),
            Event::CallerReached { call } => self.caller_reached(call, out),
            Event::CallerMissed { call } => self.caller_missed(call, out),
            Event::Move { call, queue } => self.move_call(call, queue, out),
            Event::Prioritise { call, priority } => self.prioritise(call, priority, out),
            Event::SetSkill { agent, skill, level } => self.set_skill(agent, skill, level, out),
            Event::Redate(changes) => self.redate(changes, out),
            Event::Agents(roster) => self.know_agents(*roster, out),
            Event::Stopping => self.stop_callbacks(out),
            Event::Tick => self.tick(out),
        }
        if self.due.is_unsure() {
            let mut due = std::mem::take(&mut self.due);
            due.settle(|deadline| self.is_meant(deadline));
            self.due = due;
        }
    }

    /// When [`Event::Tick`] is next due.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.due.first()
    }

    /// An agent's state; none for an agent the center does not have.
    pub fn agent_state(&self, agent: AgentId) -> Option<&AgentState> {
        self.agents.get(agent.0 as usize).map(|agent| &agent.state)
    }

    /// What an agent wants to be after the call that they are in, where that is not to be ready.
    pub fn agent_next(&self, agent: AgentId) -> Option<&AgentWish> {
        self.agents.get(agent.0 as usize)?.next.as_ref()
    }

    /// How many in this queue have no agent yet: those in line, callbacks among them, and those whose
    /// agent's phone rings.
    pub fn waiting(&self, queue: QueueId) -> u32 {
        self.queues.get(queue.0 as usize).map_or(0, |queue| queue.waiting)
    }

    /// A call that is in the engine: from joining a queue to the end of its talk.
    pub fn call(&self, call: CallId) -> Option<CallView> {
        self.calls.get(call).map(|call| CallView {
            queue: call.queue,
            stage: call.stage,
            callback: call.is_callback(),
            enqueued_at: call.enqueued_at,
            ends_by: call.cap_at,
            attempts: call.attempts,
        })
    }

    /// Another process goes on with it: what the one before was asked to stop, it is not.
    pub fn go_on(&mut self) {
        self.stopping = false;
    }

    /// The calls that are in the engine, in order: for who goes on with it in another process.
    pub fn call_ids(&self) -> Vec<CallId> {
        self.calls.ids()
    }

    /// Does whatever is due. Each deadline moves on or goes away, so this comes to an end.
    fn tick(&mut self, out: &mut Vec<Action>) {
        while let Some((at, due)) = self.due.pop(self.now) {
            if !self.is_meant((at, due)) {
                continue;
            }
            match due {
                Due::Call(call) => self.call_due(call, out),
                Due::Skills => self.skills_due(out),
                Due::Agent(agent) => self.agent_due(agent, out),
                Due::HeldBack(class) => self.held_back_due(class, out),
                Due::Deserted(class) => self.class_due(class, out),
            }
        }
    }

    /// Whether a deadline is still somebody's.
    fn is_meant(&self, (at, due): (Timestamp, Due)) -> bool {
        match due {
            Due::Call(call) => self.calls.get(call).is_some_and(|call| call.due == Some(at)),
            Due::Agent(agent) => self.agents[agent.0 as usize].is_due(at),
            Due::Skills | Due::Deserted(_) | Due::HeldBack(_) => true,
        }
    }

    /// Sets a deadline that nobody moves.
    pub(super) fn arm(&mut self, due: Due, at: Timestamp) {
        self.due.insert(self.now, at, due);
    }

    /// The queue of a call that is in the engine.
    pub(super) fn queue(&self, id: QueueId) -> &Queue {
        // Only `enqueue` makes calls, and it lets none in whose queue is not in the list.
        &self.queues[id.0 as usize]
    }

    pub(super) fn queue_mut(&mut self, id: QueueId) -> &mut Queue {
        &mut self.queues[id.0 as usize]
    }
}
