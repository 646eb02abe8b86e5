//! Bringing a call and an agent together: the ring, and how it ends.

use std::time::Duration;

use tracing::debug;

use super::api::Action;
use super::api::AgentState;
use super::api::Reason;
use super::engine::Engine;
use super::engine::Stage;
use super::line::Key;
use super::skills::BestAgent;
use super::skills::ClassId;
use super::waits::Call;
use crate::base::AgentId;
use crate::base::CallId;
use crate::fact::MissedWhy;

impl Engine {
    /// An agent may have got ready: rings them for the first call that they can serve.
    ///
    /// When the pauses of two agents end at one instant, a call can go to the better of them instead, and
    /// this one looks again.
    pub(super) fn assign_agent(&mut self, id: AgentId, out: &mut Vec<Action>) {
        while let Some((call, waiting)) = self.next_call(id) {
            // This agent is idle, fits, and is not spared the call: so there is a best one.
            let best = self.best_agent(self.calls[&call].class, call).expect("an idle agent fits");
            self.ring(call, best, waiting, out);
        }
    }

    /// The call that this agent, if ready, serves next, and how many they can serve.
    fn next_call(&self, id: AgentId) -> Option<(CallId, u32)> {
        let agent = &self.agents[id.0 as usize];
        if agent.state != AgentState::Ready {
            return None;
        }
        let spared = |key: Key| agent.is_spared(key.call, self.now);
        let (key, waiting) =
            self.skills.first_call(agent.profile, agent.is_spared_any().then_some(spared))?;
        Some((key.call, waiting))
    }

    /// A call may be assigned: rings the best idle agent for it; whether there was one.
    pub(super) fn assign_call(&mut self, id: CallId, out: &mut Vec<Action>) -> bool {
        let Some(best) = self.best_agent(self.calls[&id].class, id) else { return false };
        let waiting = self.skills.waiting_for(self.agents[best.agent.0 as usize].profile);
        self.ring(id, best, waiting, out);
        true
    }

    /// The best idle agent for a call of this class.
    pub(super) fn best_agent(&self, class: ClassId, call: CallId) -> Option<BestAgent> {
        let spared = |agent: AgentId| self.agents[agent.0 as usize].is_spared(call, self.now);
        self.skills.best_agent(class, spared)
    }

    pub(super) fn ring(&mut self, id: CallId, best: BestAgent, waiting: u32, out: &mut Vec<Action>) {
        self.leave_line(id);
        let agent = best.agent;
        let call = self.call_mut(id);
        assert_eq!(call.stage, Stage::Waiting, "a call is assigned to one agent");
        call.stage = Stage::Ringing(agent);
        call.attempts += 1;
        let (queue, attempt) = (call.queue, call.attempts);
        let until = self.now + self.queue(queue).config.ring_timeout;
        let idle = self.now.since(best.idle_since);
        let why = Reason { waiting, fitting: best.fitting, fit: best.fit, idle };
        out.push(Action::Ring { call: id, agent, attempt, until, why });
        self.set_agent(agent, AgentState::Ringing(id), Some(until), out);
        self.rearm_call(id);
    }

    pub(super) fn picked_up(&mut self, id: CallId, agent: AgentId, out: &mut Vec<Action>) {
        if !self.is_at(id, Stage::Ringing(agent)) {
            debug!(call = %id, %agent, "picked up a call that does not ring there");
            return;
        }
        let now = self.now;
        let call = self.call_mut(id);
        call.stage = Stage::Talking(agent);
        call.talk_since = Some(now);
        let (queue, waited, quote) = (call.queue, now.since(call.enqueued_at), call.quote);
        self.queue_mut(queue).waiting -= 1;
        self.rearm_call(id);
        out.push(Action::Connected { call: id, agent, waited, quote });
        self.set_agent(agent, AgentState::Talking(id), None, out);
    }

    pub(super) fn ring_failed(&mut self, id: CallId, agent: AgentId, why: MissedWhy, out: &mut Vec<Action>) {
        if self.is_at(id, Stage::Ringing(agent)) {
            self.ring_over(id, agent, why, out);
        } else {
            debug!(call = %id, %agent, "a failed ring of a call that does not ring there");
        }
    }

    /// An agent did not take a call, which goes to the next; then the agent, if still ready, gets another.
    pub(super) fn ring_over(&mut self, id: CallId, agent: AgentId, why: MissedWhy, out: &mut Vec<Action>) {
        self.after_ring(agent, id, why, out);
        self.back_in_line(id, out);
        self.assign_agent(agent, out);
    }

    pub(super) fn talk_ended(&mut self, id: CallId, agent: AgentId, out: &mut Vec<Action>) {
        if !self.is_at(id, Stage::Talking(agent)) {
            debug!(call = %id, %agent, "the end of a talk that there is not");
            return;
        }
        let Some(call) = self.remove_call(id) else { return };
        let wrap_up = self.queue(call.queue).config.wrap_up;
        self.learn(&call, agent, wrap_up);
        self.after_talk(agent, wrap_up, out);
    }

    fn learn(&mut self, call: &Call, agent: AgentId, wrap_up: Duration) {
        let Some(since) = call.talk_since else { return };
        let always_ready = self.agents[agent.0 as usize].always_ready;
        let took = self.now.since(since) + if always_ready { Duration::ZERO } else { wrap_up };
        self.queue_mut(call.queue).handle_time.learn(took);
    }

    /// The agent of a callback was there, the caller was not. The place is kept, for a later try.
    pub(super) fn callback_failed(&mut self, id: CallId, agent: AgentId, out: &mut Vec<Action>) {
        if !self.is_at(id, Stage::Talking(agent)) {
            debug!(call = %id, %agent, "a failed callback that there is not");
            return;
        }
        self.try_again_later(id, out);
        self.after_call(agent, out);
    }

    fn is_at(&self, call: CallId, stage: Stage) -> bool {
        self.calls.get(&call).is_some_and(|call| call.stage == stage)
    }
}
