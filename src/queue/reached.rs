//! Callbacks where the caller is called before an agent's phone rings, where the queue says so.
//!
//! The agent whom the place's turn brings is *reserved*: rung for nothing, for no longer than the caller's phone rings. Once
//! the caller has picked up, the agent is rung as for any call, and the caller waits on the line, as old as their place is, for
//! a time that the queue bounds. If nobody takes them in that time, they are told so and keep their place. A caller is called
//! once, whoever is reserved for them meanwhile.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use tracing::debug;

use super::api::Action;
use super::api::AgentState;
use super::api::Agents;
use super::api::Reason;
use super::engine::Engine;
use super::engine::Stage;
use super::skills::BestAgent;
use super::waits::Call;
use super::waits::Consent;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Timestamp;

/// How long the phone of a caller who is called back rings, and an agent is reserved for them at most.
pub const CALLER_RINGS: Duration = Duration::from_secs(25);
/// Who was told that they are called back is not called sooner: they may still be listening to it.
pub(super) const LET_GO: Duration = Duration::from_secs(15);

/// A caller's phone rings, and an agent is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Calling {
    pub until: Timestamp,
    /// Why it is this agent, whose phone rings next.
    pub why: Reason,
}

impl Call {
    /// Who is reserved for it.
    pub fn reserved(&self) -> Option<AgentId> {
        match self.stage {
            Stage::Reserved(agent) => Some(agent),
            Stage::Waiting | Stage::Ringing(_) | Stage::Talking(_) => None,
        }
    }

    /// Who is rung or reserved for it.
    pub fn agents(&self) -> Agents {
        self.rung().chain(self.reserved()).collect()
    }
}

impl Engine {
    /// Reserves an agent for a place whose turn has come, and has its caller called, if their phone does not ring yet.
    pub(super) fn reserve(&mut self, id: CallId, best: BestAgent, waiting: u32, out: &mut Vec<Action>) {
        self.leave_line(id);
        let call = &mut self.calls[&id];
        let by = call.chosen_by(best.agent, &self.routing);
        let why = self.queues[call.queue.0 as usize].reason(self.now, call.direct, best, waiting, by);
        let (agent, rings_until) = (best.agent, self.now + CALLER_RINGS);
        assert_eq!(call.stage, Stage::Waiting, "a call for which somebody is reserved is nobody else's");
        let until = call.calling.as_ref().map_or(rings_until, |calling| calling.until);
        call.stage = Stage::Reserved(agent);
        call.calling = Some(Box::new(Calling { until, why }));
        out.push(Action::Reserve { call: id, agent, until, why });
        self.set_agent(agent, AgentState::Reserved(id), Some(until), out);
        self.rearm_call(id);
    }

    /// Who was reserved is so no more: another idle agent is in their stead, or the caller is called no more for now, which
    /// is no try of theirs.
    pub(super) fn reserve_another(&mut self, id: CallId, from: AgentId, out: &mut Vec<Action>) {
        self.back_in_line(id, Some(from), out);
        let waits = |call: &Call| call.stage == Stage::Waiting;
        let Some(call) = self.calls.get_mut(id).filter(|call| waits(call)) else { return };
        call.calling = None;
        let queue = call.queue;
        out.push(Action::StopCalling { call: id, missed: false });
        let spacing = self.queue(queue).config.callback_spacing;
        if (!spacing.is_zero() || self.stopping) && self.stand_down(id) {
            let not_before = (!spacing.is_zero()).then(|| self.now + spacing);
            self.call_mut(id).consent = Consent::Kept { not_before };
            self.rearm_call(id);
        }
    }

    /// The caller has picked up: they are on the line from now on, and the agent who is reserved is rung.
    pub(super) fn caller_reached(&mut self, id: CallId, out: &mut Vec<Action>) {
        let Some(call) = self.calls.get_mut(id) else {
            debug!(call = %id, "a caller picked up who is not called back");
            return;
        };
        let (Some(agent), Some(calling)) = (call.reserved(), call.calling.take()) else {
            debug!(call = %id, "a caller picked up for whom nobody is reserved");
            return;
        };
        let queue = call.queue;
        let waits_for = self.queue(queue).config.customer_first.unwrap_or_default();
        let until = self.now + waits_for;
        let call = self.call_mut(id);
        call.consent = Consent::Reached { until };
        call.stage = Stage::Ringing(agent);
        call.attempts += 1;
        self.queue_mut(queue).stays_on_no_line(false);
        self.ring_because(id, agent, calling.why, out);
        self.rearm_call(id);
        self.heed_surge(queue, out);
    }

    /// The caller's phone has rung for as long as it may.
    pub(super) fn caller_late(&mut self, id: CallId, out: &mut Vec<Action>) {
        out.push(Action::StopCalling { call: id, missed: true });
        self.caller_missed(id, out);
    }

    /// The caller did not pick up, or hung up before an agent had: the place is kept, and agents are free at once.
    pub(super) fn caller_missed(&mut self, id: CallId, out: &mut Vec<Action>) {
        let called = |call: &&mut Call| {
            call.reserved().is_some() || call.is_reached() && !matches!(call.stage, Stage::Talking(_))
        };
        let Some(call) = self.calls.get_mut(id).filter(called) else {
            debug!(call = %id, "a caller was missed who is not called back");
            return;
        };
        call.calling = None;
        let (queue, agents) = (call.queue, call.agents());
        let rung: Agents = call.rung().collect();
        call.beside.clear();
        if call.stage == Stage::Waiting {
            self.leave_line(id);
        }
        self.withdraw(id, &rung, out);
        self.try_again_later(id, out);
        self.heed_surge(queue, out);
        self.free_withdrawn(&agents, out);
    }

    /// A caller who picked up has waited on the line for as long as they are to: they are let go, and their place is kept.
    pub(super) fn not_served(&mut self, id: CallId, out: &mut Vec<Action>) {
        self.leave_line(id);
        let config = &self.queue(self.calls[&id].queue).config;
        let (queue, pause) = (self.calls[&id].queue, config.callback_spacing.max(LET_GO));
        if self.try_is_over(id, out) {
            out.push(Action::NotServed { call: id });
            self.keep_for_later(id, pause, out);
        }
        self.heed_surge(queue, out);
    }
}
