//! A server that is to stop calls nobody back any more: places are kept, and the next start has them.
//!
//! A callback that is under way goes on: the caller's phone rings, or they have picked up, or talk. One for which only an
//! agent's phone rings is not: nobody has been called for it yet.

use std::collections::BTreeSet;

use super::api::Action;
use super::api::AgentState;
use super::api::Agents;
use super::engine::Engine;
use super::engine::Stage;
use super::waits::Call;
use crate::base::CallId;

impl Engine {
    /// From now on no place has its turn.
    pub(super) fn stop_callbacks(&mut self, out: &mut Vec<Action>) {
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        let waiting = self.queues.iter().flat_map(|queue| queue.line.iter()).map(|key| key.call);
        let left: Vec<CallId> = waiting.filter(|call| self.is_left(&self.calls[call])).collect();
        for call in left {
            self.stand_down(call);
        }
        let rung = self.agents.iter().filter_map(|agent| match agent.state {
            AgentState::Ringing(call) if self.is_left(&self.calls[&call]) => Some(call),
            _ => None,
        });
        for call in rung.collect::<BTreeSet<CallId>>() {
            self.ring_no_more(call, out);
        }
    }

    /// Whether a call is a place that is left to the next start: nobody is rung or reserved for it any more.
    pub(super) fn is_left(&self, call: &Call) -> bool {
        self.stopping && call.is_callback() && call.calling.is_none()
    }

    /// Agents' phones ring no more for a place whose caller has not been called yet.
    fn ring_no_more(&mut self, id: CallId, out: &mut Vec<Action>) {
        let call = self.call_mut(id);
        let rung: Agents = call.rung().collect();
        call.beside.clear();
        call.stage = Stage::Waiting;
        self.withdraw(id, &rung, out);
        self.take_steps(id, out);
        self.in_line_for_later(id);
        self.free_withdrawn(&rung, out);
    }
}
