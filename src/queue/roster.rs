//! Agents who are new, others than they were, or gone. Ids are places, so that nobody's moves: who is new comes behind all
//! others, and who is gone leaves a place that is theirs if they come back.

use tracing::debug;

use super::agents::Agent;
use super::api::Action;
use super::api::AgentConfig;
use super::api::AgentState;
use super::api::AgentWish;
use super::api::Roster;
use super::engine::Engine;
use crate::base::AgentId;

impl Engine {
    /// Who is gone goes first, and of those first who is idle: nobody is rung who goes at the same moment.
    pub(super) fn know_agents(&mut self, roster: Roster, out: &mut Vec<Action>) {
        let mut agents = roster.agents;
        for (id, config) in &agents {
            if id.0 as usize == self.agents.len() {
                self.agents.push(Agent::new(config));
                self.skills.add_agent();
                self.pace.add_agent();
                self.exclude_from_calls(*id);
            }
        }
        let is_idle = |id: AgentId| self.agent_state(id) == Some(&AgentState::Ready);
        agents.sort_by_key(|(id, config)| (!config.gone, config.gone && !is_idle(*id)));
        for (id, config) in &agents {
            self.know_agent(*id, config, out);
        }
        self.redate(roster.changes, out);
    }

    /// Calls may name agents who were not there yet.
    fn exclude_from_calls(&mut self, id: AgentId) {
        for call in self.calls.ids() {
            if self.calls[&call].exclude.contains(&id) {
                self.exclude(call, &[id]);
            }
        }
    }

    fn know_agent(&mut self, id: AgentId, config: &AgentConfig, out: &mut Vec<Action>) {
        let Some(agent) = self.agents.get_mut(id.0 as usize) else {
            debug!(agent = %id, "an agent whose place is not the next");
            return;
        };
        // Their phone may be another one.
        (agent.always_ready, agent.gone, agent.unreached) = (config.always_ready, config.gone, 0);
        if config.gone {
            self.agent_wants(id, AgentWish::Offline, out);
        }
        for (skill, level) in self.skills.differences(id, config) {
            out.push(Action::SkillChanged { agent: id, skill, level });
            self.set_skill(id, skill, level, out);
        }
    }
}
