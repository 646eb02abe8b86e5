//! Several agents rung for one call at once, where its queue says so: the first to pick up gets it, the others are
//! free again, and nobody has missed anything but who lets it ring to the end.
//!
//! Whoever is rung beside the first is an idle agent whom no other waiting call could have, nor is kept for others.
//! While they ring, they are rung for nothing else. A consult is one agent's, and so is a call that prefers one.

use super::api::Action;
use super::api::AgentState;
use super::api::Agents;
use super::api::ChosenBy;
use super::choose::Found;
use super::engine::Engine;
use super::engine::Stage;
use super::waits::Call;
use crate::base::AgentId;
use crate::base::CallId;
use crate::fact::MissedWhy;

impl Engine {
    /// Rings further idle agents beside the first, as many as the queue says.
    pub(super) fn ring_beside(&mut self, id: CallId, out: &mut Vec<Action>) {
        let Call { queue, class, key, direct, .. } = self.calls[&id];
        for _ in 1..self.queue(queue).config.ring_agents {
            let wants = self.calls[&id].wants.as_deref();
            let Found::Agent(best) = self.best_agent(queue, class, key, wants, true) else { return };
            if self.in_reach(best.agent) > 0 {
                return;
            }
            self.call_mut(id).beside.push(best.agent);
            let why = self.queues[queue.0 as usize].reason(self.now, direct, best, 1, ChosenBy::Beside);
            self.ring_because(id, best.agent, why, out);
        }
    }

    /// Whether this agent's phone rings for the call.
    pub(super) fn rings_at(&self, id: CallId, agent: AgentId) -> bool {
        self.calls.get(id).is_some_and(|call| call.rung().any(|rung| rung == agent))
    }

    /// An agent's phone rings no more for a call; whether nobody's does.
    pub(super) fn rings_no_more(&mut self, id: CallId, agent: AgentId) -> bool {
        let call = self.call_mut(id);
        call.beside.retain(|other| *other != agent);
        if call.stage != Stage::Ringing(agent) {
            return false;
        }
        if call.beside.is_empty() {
            return true;
        }
        call.stage = Stage::Ringing(call.beside.remove(0));
        false
    }

    /// Phones stop ringing for a call that is another agent's now, or nobody's any more.
    pub(super) fn withdraw(&self, id: CallId, agents: &[AgentId], out: &mut Vec<Action>) {
        let why = MissedWhy::Withdrawn;
        out.extend(agents.iter().map(|agent| Action::StopRing { call: id, agent: *agent, why }));
    }

    /// Agents whose rings were withdrawn are free for other calls, or go where they wanted to. A call that prefers one of
    /// them is theirs, whichever of them is looked at first.
    pub(super) fn free_withdrawn(&mut self, agents: &[AgentId], out: &mut Vec<Action>) {
        agents.iter().for_each(|agent| self.release_agent(*agent, out));
        for agent in agents {
            if self.agents[agent.0 as usize].state == AgentState::Ready {
                self.assign_preferring(*agent, out);
            }
        }
        agents.iter().for_each(|agent| self.assign_agent(*agent, out));
    }
}

impl Call {
    /// Whose phones ring for it, the first of them first.
    pub fn rung(&self) -> impl Iterator<Item = AgentId> + '_ {
        let first = match self.stage {
            Stage::Ringing(agent) => Some(agent),
            Stage::Waiting | Stage::Reserved(_) | Stage::Talking(_) => None,
        };
        first.into_iter().chain(self.beside.iter().copied())
    }

    /// The same, but for one.
    pub fn rung_but(&self, one: AgentId) -> Agents {
        self.rung().filter(|agent| *agent != one).collect()
    }
}
