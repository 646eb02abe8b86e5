//! The agents of the live view: who they are, and what each is now.

use std::sync::Arc;
use std::sync::PoisonError;

use super::Live;
use super::LiveAgent;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::What;
use crate::server::AgentRules;
use crate::server::Rules;
use crate::store::why::set_level;

impl LiveAgent {
    pub(super) fn offline(agent: &AgentRules, since: WallTime) -> LiveAgent {
        LiveAgent {
            name: agent.name.clone(),
            state: AgentStateName::Offline,
            since,
            reason: String::new(),
            phones: 0,
            skills: agent.skills.clone(),
            auto_answer: agent.auto_answer,
        }
    }
}

impl Live {
    /// The center is another one from now on: agents who are new have a row, and those who are gone have none once they are
    /// signed out.
    pub fn know(&self, rules: Rules, now: WallTime) {
        for agent in &rules.agents {
            let row = self.agents.entry(agent.name.clone());
            row.or_insert_with(|| LiveAgent::offline(agent, now)).auto_answer = agent.auto_answer;
        }
        self.agents.retain(|name, agent| agent.state != AgentStateName::Offline || rules.has_agent(name));
        self.desks.know(rules.agents.iter().map(|agent| &agent.name), now);
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
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

    /// An agent has a skill at another level; at 0 not at all.
    pub fn set_skill(&self, agent: &str, skill: &Name, level: u8) {
        let Some(mut agent) = self.agents.get_mut(agent) else { return };
        set_level(&mut agent.skills, skill, level);
    }

    pub(super) fn apply_to_agent(&self, wall: WallTime, what: &What) {
        let name = match what {
            What::SkillSet { agent, skill, level, .. } => return self.set_skill(agent, skill, *level),
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
        let signed_out = agent.state == AgentStateName::Offline;
        drop(agent);
        if signed_out && !self.rules().has_agent(name) {
            self.agents.remove(name);
        }
    }
}
