//! What the engine is configured with, told, and answers.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;

pub use super::needs::Demand;
pub use super::needs::Need;
pub use super::needs::Needs;
pub use super::needs::Step;
pub use super::redial::Whose;
pub use super::redial::Whoses;
pub use super::routing::Routing;
pub use super::routing::Weights;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::SkillId;
use crate::base::Timestamp;
pub use crate::fact::AgentChoice;
pub use crate::fact::ChosenBy;
pub use crate::fact::FIRST;
use crate::fact::MissedWhy;
pub use crate::fact::Reason;
pub use crate::fact::WaitExit;

/// The skills, queues and agents of a center, as the engine needs them. Ids are places in these lists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Config {
    pub skills: Vec<Name>,
    pub queues: Vec<QueueConfig>,
    pub agents: Vec<AgentConfig>,
    pub routing: Routing,
    /// How long after their line dropped in a queue callers get their age back; 0 is never. Default 2 min.
    pub redial: Duration,
    /// Skills that agents get or lose at a time that is known already.
    #[serde(default)]
    pub changes: Vec<SkillChange>,
}

/// From a moment on an agent has a skill at this level; at 0 not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SkillChange {
    pub at: Timestamp,
    pub agent: AgentId,
    pub skill: SkillId,
    pub level: u8,
}

impl Config {
    /// The agent of this name, who is not gone.
    pub fn agent_named(&self, name: &str) -> Option<AgentId> {
        let place = self.agents.iter().position(|agent| *agent.name == *name && !agent.gone)?;
        Some(AgentId(place as u32))
    }

    /// The queue of this name.
    pub fn queue_named(&self, name: &str) -> Option<QueueId> {
        let place = self.queues.iter().position(|queue| *queue.name == *name)?;
        Some(QueueId(place as u32))
    }

    /// The agents by their places, those who are gone among them.
    pub fn roster_names(&self) -> Vec<Name> {
        self.agents.iter().map(|agent| Name::clone(&agent.name)).collect()
    }

    /// The same center of nobody.
    pub fn without_agents(&self) -> Config {
        Config { agents: Vec::new(), changes: Vec::new(), ..self.clone() }
    }

    /// Who is new in the other center, or another than in this one: their skills, their dates, whether they are there.
    pub fn changed_agents(&self, other: &Config) -> Vec<AgentId> {
        let ids = (0..other.agents.len() as u32).map(AgentId);
        let agent = |config: &Config, id: AgentId| config.agents.get(id.0 as usize).cloned();
        let dates = |config: &Config, id: AgentId| -> Vec<SkillChange> {
            config.changes.iter().filter(|change| change.agent == id).copied().collect()
        };
        ids.filter(|id| agent(self, *id) != agent(other, *id) || dates(self, *id) != dates(other, *id))
            .collect()
    }

    /// Its agents as they are after this; who is not the next behind all others is no agent.
    pub fn know(&mut self, roster: &Roster) {
        for (id, agent) in &roster.agents {
            let place = id.0 as usize;
            if place == self.agents.len() {
                self.agents.push(agent.clone());
            } else if let Some(known) = self.agents.get_mut(place) {
                known.clone_from(agent);
            }
        }
        self.changes.clone_from(&roster.changes);
    }

    /// Leaves an agent out: those after them move up, and so do their ids wherever somebody is named.
    pub fn leave_out(&mut self, id: AgentId) {
        self.agents.remove(id.0 as usize);
        self.changes.retain(|change| change.agent != id);
        let moved = |agent: &mut AgentId| agent.0 -= u32::from(*agent > id);
        self.changes.iter_mut().for_each(|change| moved(&mut change.agent));
        for queue in &mut self.queues {
            queue.prefer = queue.prefer.filter(|(agent, _)| *agent != id);
            queue.exclude.retain(|agent| *agent != id);
            queue.prefer.iter_mut().map(|(agent, _)| agent).chain(&mut queue.exclude).for_each(moved);
        }
    }
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueConfig {
    pub name: Name,
    /// What an agent must have for any call of this queue.
    pub needs: Demand,
    /// Which idle agent a call goes to. Default: as [`Routing`] has it.
    pub agents_by: Option<AgentChoice>,
    /// Added to each call's own priority; the higher goes first. Default 0.
    pub priority: i32,
    /// How long an agent's phone rings: the only ring timeout there is. Default 20 s.
    pub ring_timeout: Duration,
    /// How many idle agents' phones ring for one call at once, the first to pick up getting it: 1 to [`RING_AT_MOST`].
    /// Default 1.
    #[serde(default = "one")]
    pub ring_agents: u32,
    /// After-call work. Default 30 s.
    pub wrap_up: Duration,
    /// The longest wait; then the call exits by [`WaitExit::Cap`]. Default 15 min.
    pub max_wait: Duration,
    /// Who is expected to wait longer than this, as far as anybody can say, exits by [`WaitExit::ExpectedWait`]. Default
    /// none.
    #[serde(default)]
    pub max_expected_wait: Option<Duration>,
    /// How many may wait. Default 1000.
    pub max_waiting: u32,
    /// Answered within this time counts as in service level. Default 80 % in 20 s.
    pub service_level: (u8, Duration),
    /// The planner's mean time of a talk, until talks have shown it; none: nobody says.
    pub handle_time: Option<Duration>,
    /// Whether the caller is asked before holding, or the flow file has given permission (an audited
    /// override).
    pub permission: PermissionPolicy,
    /// How long a granted permission lasts before the caller is asked again. Default 300 s.
    pub permission_lasts: Duration,
    /// How long the caller has to answer the question; silence is asked once more, then counts as no.
    /// Default 10 s from the end of the question (the caller of the engine reports the silence).
    pub answer_within: Duration,
    /// How often a held caller is told that they are remembered. Default 60 s.
    pub check_in: Duration,
    /// Times a callback is tried, and how far apart. Default 3, 60 s.
    pub callback_tries: u32,
    pub callback_spacing: Duration,
    /// Whether the caller of a kept place is called before an agent's phone rings: then this is how long at most who picked
    /// up waits on the line for an agent. Default none: the agent first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_first: Option<Duration>,
    /// What becomes of an agent who does not take a call of this queue.
    #[serde(default)]
    pub misses: Misses,
    /// As [`Enqueue::prefer`], of calls that prefer nobody themselves. Default nobody.
    #[serde(default)]
    pub prefer: Option<(AgentId, Duration)>,
    /// As [`Enqueue::exclude`], of calls that exclude nobody themselves. Default nobody.
    #[serde(default)]
    pub exclude: Agents,
    /// When the queue is in a surge. Default never.
    #[serde(default)]
    pub surge: Option<SurgeRule>,
}

/// When a queue is in a surge, and what that is to whoever joins it then. Counted are callers on the line without an agent, for
/// each agent with the queue's needs who takes calls; where nobody does, as if one did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurgeRule {
    /// It begins when more than so many wait for each agent: at least 1.
    pub from: u32,
    /// It ends when no more than so many do: fewer than `from`. Default half of it.
    pub until: u32,
    /// Whether nobody is let in meanwhile ([`WaitExit::Surge`]) but who is served at once, is to be called back or has waited
    /// before, and an agent's consult; else they are told: [`Action::InSurge`].
    pub turns_away: bool,
}

/// How many agents one call may ring at once.
pub const RING_AT_MOST: u32 = 8;

fn one() -> u32 {
    1
}

/// How long an agent is not ready after a ring that came to nothing, by why; none: until they say that they are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misses {
    /// Nobody picked up. Default none: who is not there is not rung again.
    pub no_answer: Option<Duration>,
    /// The agent refused. Default 10 s.
    pub declined: Option<Duration>,
    /// Default 60 s.
    pub busy: Option<Duration>,
    /// Default none, and whoever learns that the phone is back says so: [`PHONE_UNREACHABLE`].
    pub unreachable: Option<Duration>,
}

impl Misses {
    /// The shortest pause there is: a phone that refuses everything at once must not keep the engine ringing it.
    pub const LEAST: Duration = Duration::from_secs(1);
}

impl Default for Misses {
    fn default() -> Misses {
        let (declined, busy) = (Duration::from_secs(10), Duration::from_secs(60));
        Misses { no_answer: None, declined: Some(declined), busy: Some(busy), unreachable: None }
    }
}

/// Who allows a queue's hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PermissionPolicy {
    /// The caller, each time.
    Ask,
    /// The flow file: the caller is not asked, and the history says so.
    GivenByFlowFile,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentConfig {
    pub name: Name,
    /// Skill and level, 1 to 10, sorted by skill.
    pub skills: Vec<Need>,
    /// A bench's fixed contact: ready from the start, ready again after every miss, no wrap-up.
    pub always_ready: bool,
    /// They were an agent once. Nobody else gets their place, which is their id, but they may come back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

/// What is another of a center's agents from some moment on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Roster {
    /// Who has changed, by their place: who is new has the next one behind all others, and who is gone has no skills.
    pub agents: Vec<(AgentId, AgentConfig)>,
    /// All that is still to come of agents' skills: [`Config::changes`].
    pub changes: Vec<SkillChange>,
}

impl AgentConfig {
    /// The agent's level of a skill; 0 for one that they do not have.
    pub fn level(&self, skill: SkillId) -> u8 {
        self.skills.iter().find(|has| has.skill == skill).map_or(0, |has| has.level)
    }
}

/// What the engine is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// An agent (or their phone, desk or supervisor) wants a state. While they ring or talk, it is
    /// reserved for afterwards; in wrap-up it ends the wrap-up.
    AgentWants { agent: AgentId, wish: AgentWish },
    /// A call joins a queue.
    Enqueue(Box<Enqueue>),
    /// A caller who does not stay on the line joins a queue: their place is kept from now on, and they are called
    /// back, not before `from`. Nobody need be there yet who can serve them.
    KeepPlace { enqueue: Box<Enqueue>, from: Timestamp },
    /// A place that was kept before this engine began is kept again, with the age that its caller brings along: until
    /// then, after so many tries. It is let in although its queue is full: it was agreed on.
    RecallPlace { enqueue: Box<Enqueue>, from: Timestamp, until: Timestamp, tries: u32 },
    /// A call is for this agent and nobody else: ring them if they are ready, or [`Action::Exit`]. The ring
    /// time and the wrap-up are the queue's.
    CallAgent { call: CallId, agent: AgentId, queue: QueueId },
    /// An agent makes this call: their own phone rings first, whatever they are at, unless it is another call; then
    /// [`Action::Exit`]. What they were on before, a break, they are on again afterwards.
    AgentCalls { call: CallId, agent: AgentId, queue: QueueId },
    /// The caller's word on holding.
    Permission { call: CallId, answer: PermissionAnswer },
    /// The caller hung up: while waiting, while an agent rings, or before a callback.
    Abandoned { call: CallId },
    /// An operator or the server ended a call that waits or rings: its caller has not given up.
    Ended { call: CallId, by: EndedBy },
    /// The agent took the call: caller and agent are joined.
    PickedUp { call: CallId, agent: AgentId },
    /// The agent's phone failed to take the call. The engine's own ring timeout needs no such event.
    RingFailed { call: CallId, agent: AgentId, why: MissedWhy },
    /// Caller and agent have parted.
    TalkEnded { call: CallId, agent: AgentId },
    /// The caller of a callback could not be reached, though an agent was there. That agent is free again.
    CallbackFailed { call: CallId, agent: AgentId },
    /// The caller for whom an agent is reserved has picked up: [`Action::Reserve`].
    CallerReached { call: CallId },
    /// They did not pick up, or hung up before an agent had: the try is over.
    CallerMissed { call: CallId },
    /// A supervisor moves a waiting call to another queue, where it is as old as it is.
    Move { call: CallId, queue: QueueId },
    /// A supervisor gives a waiting call another priority of its own in place of the one it has; [`FIRST`] is
    /// before all others.
    Prioritise { call: CallId, priority: i32 },
    /// An agent has this skill at this level from now on; 0 takes it away.
    SetSkill { agent: AgentId, skill: SkillId, level: u8 },
    /// The calendar was set: what agents get and lose of skills by a date, they do then and not when it was told before.
    Redate(Vec<SkillChange>),
    /// The center's agents are others from now on. Who is gone is signed out, and rung no more; a talk that they are in goes on
    /// to its end.
    Agents(Box<Roster>),
    /// The server is to stop: nobody is called back from now on whose phone does not ring already. Their places are kept.
    Stopping,
    /// [`Engine::deadline`](crate::queue::Engine::deadline) is due.
    Tick,
}

/// The reason of an agent who is not ready because their phone could not be reached. Nobody but the agent
/// leaves that state, so whoever learns that the phone is back says so: [`AgentWish::Ready`].
pub const PHONE_UNREACHABLE: &str = "phone unreachable";

/// The reason of an agent whose desk vanished and did not come back in time: left as [`PHONE_UNREACHABLE`] is.
pub const DESK_LOST: &str = "desk lost";

/// What an agent wants to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgentWish {
    Ready,
    /// With the reason's name: `lunch`, `missed a call`.
    NotReady(Name),
    Offline,
}

impl AgentWish {
    /// The state of who has no call and is to have none yet.
    pub(super) fn state(self) -> AgentState {
        match self {
            AgentWish::Ready => AgentState::Ready,
            AgentWish::NotReady(reason) => AgentState::NotReady(reason),
            AgentWish::Offline => AgentState::Offline,
        }
    }
}

/// A call joins a queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Enqueue {
    pub call: CallId,
    pub queue: QueueId,
    /// What this call needs beyond its queue's needs.
    pub needs: Demand,
    /// Added to the queue's priority.
    pub priority: i32,
    /// Age that the call brings along, from an earlier wait.
    pub age_credit: Duration,
    /// Who calls, as far as that is known: who redials gets the age back that they had.
    pub whose: Whoses,
    /// Who allows the hold of this call; none: as its queue says.
    pub permission: Option<PermissionPolicy>,
    /// Who gets the call before anybody else, and how long it waits for them while they are busy: at most half of the
    /// queue's longest wait. They must have what is needed. None: as the queue says.
    #[serde(default)]
    pub prefer: Option<(AgentId, Duration)>,
    /// Who must not get the call. Nobody: as the queue says.
    #[serde(default)]
    pub exclude: Agents,
    #[serde(default)]
    pub nobody: Nobody,
}

impl Enqueue {
    /// A call joins a queue as the queue has it, by itself and unknown.
    pub fn new(call: CallId, queue: QueueId) -> Enqueue {
        Enqueue {
            call,
            queue,
            needs: Demand::default(),
            priority: 0,
            age_credit: Duration::ZERO,
            whose: Whoses::new(),
            permission: None,
            prefer: None,
            exclude: Agents::new(),
            nobody: Nobody::default(),
        }
    }
}

/// Where nobody is named for a call and that is what is meant, whatever its queue says. [`Demand::wants_nobody`] is the
/// same of skills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nobody {
    pub prefer: bool,
    pub exclude: bool,
}

/// Who ended a call that waited, when its caller did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndedBy {
    Operator,
    Server,
}

impl EndedBy {
    /// How its wait ends by that.
    pub fn exit(self) -> WaitExit {
        match self {
            EndedBy::Operator => WaitExit::EndedByOperator,
            EndedBy::Server => WaitExit::EndedByServer,
        }
    }
}

/// A few agents.
pub type Agents = SmallVec<[AgentId; 2]>;

/// The caller's answer to "may we put you on hold?".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PermissionAnswer {
    Granted,
    Declined,
    /// No hold, but a callback with the place kept.
    Callback,
    /// Silence, or keys that are no answer, after the question was put.
    Silent,
}

/// What the engine wants done. In order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// The call was taken into its queue; `waiting` are in it now, this one among them.
    Enqueued { call: CallId, queue: QueueId, needs: Needs, priority: i32, waiting: u32 },
    /// The call goes to an agent first, for so long, or must not get some; or among those who have what is needed it goes
    /// first to those who have what it wants.
    AgentsNamed {
        call: CallId,
        prefer: Option<(AgentId, Duration)>,
        exclude: Agents,
        #[serde(default)]
        wants: Needs,
    },
    /// The caller's line had dropped in this queue, and they are as old as they were.
    AgeRestored { call: CallId, age: Duration },
    /// The call has just joined a queue that is in a surge: tell the caller before anything else.
    InSurge { call: CallId },
    /// The call has waited so long that something else is needed of an agent now: all of this.
    Relaxed { call: CallId, needs: Needs },
    /// The call waits though so many who could serve it are idle: they are kept for calls to which they are worth more, until
    /// then at most. Said once of a wait.
    HeldBack { call: CallId, idle: u32, until: Timestamp },
    /// A waiting call has another queue, or another priority in its own.
    Moved { call: CallId, queue: QueueId, needs: Needs, priority: i32 },
    /// Put the question. Comes once more after [`PermissionAnswer::Silent`] and when a permission runs out.
    AskPermission { call: CallId, quote: Option<Duration>, position: u32 },
    /// The hold is allowed until then: play music.
    Hold { call: CallId, until: Timestamp, by_flow_file: bool },
    /// Tell the caller that they are remembered; the hold goes on.
    CheckIn { call: CallId, quote: Option<Duration>, position: u32 },
    /// Keep the place without the caller on the line: tell them and let them go.
    KeepPlace { call: CallId },
    /// Ring this agent for this call; those of one attempt ring together. For a callback the agent is rung first, and the caller is called
    /// once the agent has picked up.
    Ring { call: CallId, agent: AgentId, attempt: u32, until: Timestamp, why: Reason },
    /// This agent is reserved for a caller who is called back before the agent's phone rings: call the caller, unless it is done
    /// already. Until then the caller's phone may ring.
    Reserve { call: CallId, agent: AgentId, until: Timestamp, why: Reason },
    /// Call the caller no more: they did not pick up in time, which is a try, or nobody is reserved for them any more, which
    /// is none.
    StopCalling { call: CallId, missed: bool },
    /// Nobody took the caller who picked up for their callback in time: tell them, and let them go. Their place is kept.
    NotServed { call: CallId },
    /// Stop ringing: the timeout, the caller hung up, or another agent picked up.
    StopRing { call: CallId, agent: AgentId, why: MissedWhy },
    /// Agent and caller are together: quoted against waited, for the history.
    Connected { call: CallId, agent: AgentId, waited: Duration, quote: Option<Duration> },
    /// The wait is over without an agent; the call leaves the engine.
    Exit { call: CallId, exit: WaitExit },
    /// A [`SkillChange`] has come, or a [`Roster`]: from now on the agent has the skill at this level, at 0 not at all.
    SkillChanged { agent: AgentId, skill: SkillId, level: u8 },
    /// So many callers wait on the line for the agents who take this queue's calls that it is in a surge from now on.
    SurgeBegan { queue: QueueId, waiting: u32, agents: u32 },
    /// The surge is over.
    SurgeEnded { queue: QueueId, waiting: u32, agents: u32 },
    /// An agent's state is another one, until a deadline if it has one.
    AgentChanged { agent: AgentId, from: AgentState, to: AgentState, until: Option<Timestamp> },
}

/// An agent's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgentState {
    Offline,
    Ready,
    /// Kept for a caller who is being called back; no phone of theirs rings yet.
    Reserved(CallId),
    Ringing(CallId),
    Talking(CallId),
    WrapUp,
    NotReady(Name),
}
