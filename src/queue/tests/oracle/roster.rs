//! Agents who come, change and go, as the oracle follows them: by the word of the event alone, and skill by skill.

use super::Agent;
use super::Oracle;
use crate::base::AgentId;
use crate::base::Timestamp;
use crate::queue::Event;
use crate::queue::api::AgentConfig;
use crate::queue::api::AgentState;
use crate::queue::api::Roster;
use crate::queue::api::SkillChange;

impl Agent {
    pub(super) fn new(state: AgentState) -> Agent {
        let (goes_on, calls, spared) = (true, 0, Vec::new());
        Agent { state, goes_on, calls, idle_since: Timestamp::ZERO, until: None, spared, unreached: 0 }
    }
}

impl Oracle {
    pub(super) fn is_gone(&self, agent: AgentId) -> bool {
        self.config.agents[agent.0 as usize].gone
    }

    pub(super) fn redate(&mut self, now: Timestamp, changes: &[SkillChange]) {
        self.config.changes = changes.to_vec();
        self.config.changes.iter_mut().for_each(|change| change.at = change.at.max(now));
    }

    /// Who is new has no skill until it is told of them.
    pub(super) fn know_agents(&mut self, now: Timestamp, roster: &Roster) {
        for (id, config) in &roster.agents {
            let place = id.0 as usize;
            if place == self.agents.len() {
                self.config.agents.push(AgentConfig { skills: Vec::new(), ..config.clone() });
                self.agents.push(Agent::new(AgentState::Offline));
                self.saw("agent added");
            }
            let Some(known) = self.config.agents.get_mut(place) else { continue };
            (known.always_ready, known.gone) = (config.always_ready, config.gone);
            let agent = &mut self.agents[place];
            agent.unreached = 0;
            if !config.gone {
                continue;
            }
            let busy = match agent.state {
                AgentState::Talking(_) => "gone in a talk",
                AgentState::Ringing(_) => "gone while a phone rang",
                AgentState::Reserved(_) => "gone while the caller was called",
                _ => "gone",
            };
            agent.goes_on &= !matches!(agent.state, AgentState::Talking(_) | AgentState::Ringing(_));
            self.saw(busy);
        }
        self.redate(now, &roster.changes);
    }

    /// By a date that has come, or by the word of who the agents are.
    pub(super) fn skill_changed(&mut self, event: &Event, change: SkillChange) {
        let place = self.config.changes.iter().position(|to_come| *to_come == change);
        match (event, place) {
            (_, Some(place)) => {
                self.config.changes.remove(place);
                self.saw("skill changed by its date");
            }
            (Event::Agents(_), None) => self.saw("skill changed by the files"),
            _ => panic!("skills change at their time, once"),
        }
        self.set_skill(change.agent, change.skill, change.level);
    }

    /// All agents are as it was said; and nobody who is gone is there, but for a talk that they are in.
    pub(super) fn check_roster(&self, event: &Event) {
        if let Event::Agents(roster) = event {
            let at_once = |id: &AgentId| roster.changes.iter().any(|change| change.agent == *id);
            for (id, config) in roster.agents.iter().filter(|(id, _)| !at_once(id)) {
                let known = self.config.agents.get(id.0 as usize);
                assert!(known.is_none_or(|known| known == config), "{id} is not as it was said");
            }
        }
        for (agent, config) in self.agents.iter().zip(&self.config.agents) {
            let is_away = matches!(agent.state, AgentState::Offline | AgentState::Talking(_));
            assert!(!config.gone || is_away, "who is gone is {:?}", agent.state);
        }
    }
}
