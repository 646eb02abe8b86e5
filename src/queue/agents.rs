//! An agent's states, and what leaves each of them:
//!
//! | state | left by |
//! |---|---|
//! | offline | the agent |
//! | ready | a call, or the agent |
//! | reserved | the caller's pick-up, their not picking up in time, the agent |
//! | ringing | pick-up, a failed ring, the queue's ring timeout, the caller's leaving |
//! | talking | the end of the talk, which the call owes us |
//! | wrap-up | its time, or the agent |
//! | not ready | the agent; after a ring that came to nothing, time as well, if the queue says so |

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;
use tracing::debug;

use super::api::Action;
use super::api::AgentConfig;
use super::api::AgentState;
use super::api::AgentWish;
use super::api::Misses;
use super::api::PHONE_UNREACHABLE;
use super::deadlines::sooner;
use super::engine::Due;
use super::engine::Engine;
use super::skills::Count;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Timestamp;
use crate::fact::MissedWhy;

/// For so long at least an agent who did not take a call, and says to be ready again, is not rung for the same.
pub(super) const SPARED_AT_LEAST: Duration = Duration::from_secs(5);
/// After any miss, an agent who is always ready is so again; twice as late each time that their phone was not even reached …
pub(super) const ALWAYS_READY_PAUSE: Duration = Duration::from_secs(5);
/// … up to this.
pub(super) const UNREACHED_PAUSE: Duration = Duration::from_secs(120);

/// How many calls are remembered that an agent is not to be rung for; the oldest is forgotten first.
const SPARED_AT_MOST: usize = 8;

/// One agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Agent {
    pub always_ready: bool,
    /// Whether they are an agent no more: nothing but a talk that they are in keeps them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    pub state: AgentState,
    /// What they want to be after the call: never [`AgentWish::Ready`], which is what comes anyway.
    pub next: Option<AgentWish>,
    /// How many calls they have taken since they signed in.
    pub calls: u32,
    /// When they last got ready. Ringing for a caller who hung up does not count as work.
    pub idle_since: Timestamp,
    /// When the state ends by itself.
    until: Option<Timestamp>,
    /// Calls that they have just missed or refused, and until when they are not rung for them.
    spared: SmallVec<[(CallId, Timestamp); 1]>,
    /// How many calls must not get them.
    #[serde(default)]
    pub excluded: u32,
    /// How often in a row their phone could not be reached.
    #[serde(default)]
    pub unreached: u32,
    /// Their entry among the deadlines.
    due: Option<Timestamp>,
}

impl Agent {
    pub fn new(config: &AgentConfig) -> Agent {
        Agent {
            always_ready: config.always_ready,
            gone: config.gone,
            state: AgentState::Offline,
            next: None,
            calls: 0,
            idle_since: Timestamp::ZERO,
            until: None,
            spared: SmallVec::new(),
            excluded: 0,
            unreached: 0,
            due: None,
        }
    }

    /// Whether this agent is not to be rung for this call at `now`.
    pub fn is_spared(&self, call: CallId, now: Timestamp) -> bool {
        self.spared.iter().any(|(spared, until)| *spared == call && *until > now)
    }

    /// Whether there are calls that this agent is not to be rung for.
    pub fn is_spared_any(&self) -> bool {
        !self.spared.is_empty() || self.excluded > 0
    }

    /// Whether their deadline is then.
    pub fn is_due(&self, at: Timestamp) -> bool {
        self.due == Some(at)
    }

    /// How long an agent who is always ready has no calls after a ring that came to nothing for this.
    fn pause_of_always_ready(&mut self, why: MissedWhy) -> Duration {
        match why {
            MissedWhy::Unreachable => self.unreached = self.unreached.saturating_add(1),
            // The phone itself has answered.
            MissedWhy::Declined | MissedWhy::Busy => self.unreached = 0,
            // A phone that is off may let its ring run out, as one may that nobody heard.
            MissedWhy::NoAnswer | MissedWhy::Withdrawn => return ALWAYS_READY_PAUSE,
        }
        let doublings = self.unreached.saturating_sub(1).min(8);
        (ALWAYS_READY_PAUSE * (1 << doublings)).min(UNREACHED_PAUSE)
    }

    /// The next time something is to be done about this agent.
    fn next_due(&self) -> Option<Timestamp> {
        let spared = self.spared.iter().map(|(_, until)| *until).min();
        // Only a ready agent is waited for by calls that they are spared.
        let spared = spared.filter(|_| self.state == AgentState::Ready);
        sooner(self.until, spared)
    }
}

impl Engine {
    pub(super) fn start_always_ready(&mut self) {
        let mut unheard = Vec::new();
        for id in 0..self.agents.len() {
            if self.agents[id].always_ready {
                self.set_agent(AgentId(id as u32), AgentState::Ready, None, &mut unheard);
            }
        }
    }

    pub(super) fn agent_wants(&mut self, id: AgentId, wish: AgentWish, out: &mut Vec<Action>) {
        let Some(agent) = self.agents.get_mut(id.0 as usize) else {
            debug!(agent = %id, "a wish of an agent who is not in the center");
            return;
        };
        if agent.gone && wish != AgentWish::Offline {
            return debug!(agent = %id, "a wish of an agent who is gone");
        }
        // Whoever says something of them has looked after their phone, or will.
        agent.unreached = 0;
        match (&agent.state, wish) {
            (AgentState::Ringing(call), AgentWish::Offline) => {
                let call = *call;
                agent.next = None;
                out.push(Action::StopRing { call, agent: id, why: MissedWhy::Unreachable });
                let by_nobody = self.rings_no_more(call, id);
                self.set_agent(id, AgentState::Offline, None, out);
                if by_nobody {
                    self.back_in_line(call, Some(id), out);
                }
                self.assign_agent(id, out);
            }
            (AgentState::Reserved(_), AgentWish::Ready) => {}
            (AgentState::Reserved(call), wish) => {
                let call = *call;
                self.set_agent(id, wish.state(), None, out);
                self.reserve_another(call, id, out);
                self.assign_agent(id, out);
            }
            (AgentState::Ringing(_) | AgentState::Talking(_), wish) => {
                agent.next = Some(wish).filter(|wish| *wish != AgentWish::Ready);
                self.heed_preferring(id);
                self.assign_preferring(id, out);
            }
            (_, wish) => self.leave_for(id, wish, out),
        }
    }

    /// The state that an agent without a call wants, which for a ready one may be a call at once.
    fn leave_for(&mut self, id: AgentId, wish: AgentWish, out: &mut Vec<Action>) {
        self.agents[id.0 as usize].next = None;
        self.set_agent(id, wish.state(), None, out);
        self.assign_agent(id, out);
    }

    /// A talk is over: wrap-up, then what the agent wanted meanwhile. Whoever signed out is gone at once;
    /// whoever wanted a break has wrap-up first, because it belongs to the call.
    pub(super) fn after_talk(&mut self, id: AgentId, wrap_up: Duration, out: &mut Vec<Action>) {
        let agent = &self.agents[id.0 as usize];
        let no_wrap_up = agent.always_ready || wrap_up.is_zero() || agent.next == Some(AgentWish::Offline);
        if no_wrap_up {
            self.after_call(id, out);
        } else {
            self.set_agent(id, AgentState::WrapUp, Some(self.now + wrap_up), out);
        }
    }

    /// All work on a call is over: what the agent wanted meanwhile, or ready.
    pub(super) fn after_call(&mut self, id: AgentId, out: &mut Vec<Action>) {
        let wish = self.agents[id.0 as usize].next.take().unwrap_or(AgentWish::Ready);
        self.leave_for(id, wish, out);
    }

    /// A ring failed. The agent is in their next state, yet without a new call: the one they missed goes
    /// first to another.
    pub(super) fn after_ring(&mut self, id: AgentId, call: CallId, why: MissedWhy, out: &mut Vec<Action>) {
        let now = self.now;
        let misses = self.queue(self.calls[&call].queue).config.misses;
        let agent = &mut self.agents[id.0 as usize];
        let (reason, pause) = match why {
            MissedWhy::NoAnswer => ("missed a call", misses.no_answer),
            MissedWhy::Declined => ("declined a call", misses.declined),
            MissedWhy::Busy => ("phone busy", misses.busy),
            MissedWhy::Unreachable => (PHONE_UNREACHABLE, misses.unreachable),
            MissedWhy::Withdrawn => ("", None),
        };
        let pause = pause.map(|pause| pause.max(Misses::LEAST));
        // A ring that is withdrawn while the call still waits must not come right back either.
        if why != MissedWhy::NoAnswer || pause.is_some() {
            let spared = pause.unwrap_or_default().max(SPARED_AT_LEAST);
            agent.spared.retain(|(other, until)| *other != call && *until > now);
            if agent.spared.len() == SPARED_AT_MOST {
                agent.spared.remove(0);
            }
            agent.spared.push((call, now + spared));
        }
        if why == MissedWhy::Withdrawn {
            return self.release_agent(id, out);
        }
        let pause = if agent.always_ready { Some(agent.pause_of_always_ready(why)) } else { pause };
        match agent.next.take() {
            Some(AgentWish::NotReady(wanted)) => self.set_agent(id, AgentState::NotReady(wanted), None, out),
            _ => self.set_agent(id, AgentState::NotReady(reason.into()), pause.map(|pause| now + pause), out),
        }
    }

    /// A ring ended through no fault of the agent, who goes on being idle, or on the break they wanted.
    pub(super) fn release_agent(&mut self, id: AgentId, out: &mut Vec<Action>) {
        let state = match self.agents[id.0 as usize].next.take() {
            Some(AgentWish::NotReady(wanted)) => AgentState::NotReady(wanted),
            _ => AgentState::Ready,
        };
        self.set_agent(id, state, None, out);
    }

    pub(super) fn agent_due(&mut self, id: AgentId, out: &mut Vec<Action>) {
        let now = self.now;
        let agent = &mut self.agents[id.0 as usize];
        agent.due = None;
        agent.spared.retain(|(_, until)| *until > now);
        if agent.until.is_none_or(|until| until > now) {
            // Nothing but a spared call's time is over.
            self.rearm_agent(id);
            return self.assign_agent(id, out);
        }
        match &agent.state {
            AgentState::Ringing(call) => {
                let call = *call;
                out.push(Action::StopRing { call, agent: id, why: MissedWhy::NoAnswer });
                self.ring_over(call, id, MissedWhy::NoAnswer, out);
            }
            AgentState::Reserved(call) => {
                let call = *call;
                self.caller_late(call, out);
            }
            AgentState::WrapUp | AgentState::NotReady(_) => self.after_call(id, out),
            state => unreachable!("{state:?} has no end by itself"),
        }
    }

    /// Moves an agent to a state, and everything that is counted by it.
    pub(super) fn set_agent(
        &mut self,
        id: AgentId,
        to: AgentState,
        until: Option<Timestamp>,
        out: &mut Vec<Action>,
    ) {
        let now = self.now;
        let agent = &mut self.agents[id.0 as usize];
        if agent.state == to && agent.until == until {
            return;
        }
        agent.until = until;
        let from = std::mem::replace(&mut agent.state, to.clone());
        let profile = self.skills.profile_of(id);
        if from == AgentState::Ready {
            self.skills.busy(profile, id, agent.idle_since, agent.calls);
        }
        if from == AgentState::Offline {
            agent.calls = 0;
        }
        if to == AgentState::Ready {
            if !matches!(from, AgentState::Ringing(_) | AgentState::Reserved(_)) {
                agent.idle_since = now;
            }
            self.skills.idle(profile, id, agent.idle_since, agent.calls);
        }
        self.skills.recount(profile, counted_as(&from), counted_as(&to));
        match (&from, &to) {
            (AgentState::Offline, _) => self.skills.sign_in(profile),
            (_, AgentState::Offline) => self.desert(profile),
            _ => {}
        }
        self.rearm_agent(id);
        self.heed_preferring(id);
        out.push(Action::AgentChanged { agent: id, from, to, until });
    }

    fn rearm_agent(&mut self, id: AgentId) {
        let agent = &mut self.agents[id.0 as usize];
        let (from, to) = (agent.due, agent.next_due());
        agent.due = self.due.rearm(self.now, Due::Agent(id), from, to);
    }
}

/// What an agent in this state counts as: they take calls if they have one, or will once this one is done.
pub(super) fn counted_as(state: &AgentState) -> Count {
    let takes_calls = !matches!(state, AgentState::Offline | AgentState::NotReady(_));
    Count { idle: u32::from(matches!(state, AgentState::Ready)), working: u32::from(takes_calls) }
}
