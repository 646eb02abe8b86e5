//! What a supervisor changes under way: who said so is told to the history here; what comes of it is the engine's.

use super::Now;
use super::Output;
use super::Pending;
use super::Streams;
use super::Switchboard;
use super::agents::wish_name;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Name;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::call::QueueWord;
use crate::call::request::AgentRequest;
use crate::call::request::Refusal;
use crate::fact::Fact;
use crate::fact::What;
use crate::queue;
use crate::queue::Action;
use crate::queue::Hindrance;
use crate::queue::api::AgentWish;
use crate::server::handle::ControlError;

impl Switchboard {
    /// Gives a waiting caller another queue or another place, or says why not.
    pub(super) fn change_wait(
        &mut self,
        now: Now,
        call: CallId,
        who: &Name,
        request: AgentRequest,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) -> Result<(), ControlError> {
        let from = self.engine.call(call).map(|view| view.queue);
        let from = from.ok_or(Refusal::Hindered(Hindrance::NotWaiting))?;
        let (event, to) = match request {
            AgentRequest::Move { queue } => {
                let to = self.parts.center.engine.queue_named(&queue);
                let to = to.ok_or_else(|| Refusal::NoSuchTarget(queue.to_string()))?;
                (queue::Event::Move { call, queue: to }, Some(to))
            }
            AgentRequest::Prioritise(priority) => (queue::Event::Prioritise { call, priority }, None),
            other => unreachable!("{other:?} changes no wait"),
        };
        if let Some(hindrance) = self.engine.hindrance(now.at, call, to) {
            return Err(Refusal::Hindered(hindrance).into());
        }
        for action in self.decide(now, event, out) {
            match action {
                Action::Moved { call, queue, needs, priority } => {
                    let by = who.clone();
                    let told = if queue == from {
                        What::WaitPrioritised { priority, by }
                    } else {
                        let (from, to) = (self.queue_name(from), self.queue_name(queue));
                        What::WaitMoved {
                            from,
                            to,
                            needs: needs.facts(&self.parts.center.engine.skills),
                            priority,
                            by,
                        }
                    };
                    self.word(call, QueueWord::Moved { queue, told });
                }
                action => self.pass_on(now, action, out),
            }
        }
        self.settle(now, streams, out);
        Ok(())
    }

    /// An agent and a skill by their names.
    pub fn agent_and_skill(&self, agent: &Name, skill: &Name) -> Result<(AgentId, SkillId), ControlError> {
        let agent = self.agent(agent).ok_or_else(|| ControlError::UnknownAgent(agent.to_string()))?;
        let place = self.parts.center.engine.skills.iter().position(|known| known == skill);
        let place = place.ok_or_else(|| ControlError::UnknownSkill(skill.to_string()))?;
        Ok((agent, SkillId(place as u32)))
    }

    pub(super) fn set_skill(
        &mut self,
        now: Now,
        agent: AgentId,
        skill: SkillId,
        level: u8,
        by: Name,
        out: &mut Vec<Output>,
    ) {
        let name = self.parts.center.engine.skills[skill.0 as usize].clone();
        let what = What::SkillSet { agent: self.agent_name(agent), skill: name, level, by: Some(by) };
        out.push(Output::Fact(Fact { at: now.at, call: None, what }));
        self.pending.push_back(Pending::Engine(queue::Event::SetSkill { agent, skill, level }));
    }

    /// Before anybody is there: what a supervisor set before the server was started anew. What the center does not
    /// have any more is passed over.
    pub fn recall_skill(&mut self, agent: &Name, skill: &Name, level: u8) {
        if let Ok((agent, skill)) = self.agent_and_skill(agent, skill) {
            let event = queue::Event::SetSkill { agent, skill, level };
            self.engine.handle(Timestamp::ZERO, event, &mut Vec::new());
        }
    }

    /// Tells who wants an agent in another state, when it is not the agent.
    pub(super) fn tell_by(
        &self,
        now: Now,
        agent: AgentId,
        wish: &AgentWish,
        by: Option<Name>,
        out: &mut Vec<Output>,
    ) {
        let agent = self.agent_name(agent);
        let Some(by) = by.filter(|by| *by != agent) else { return };
        let (to, reason) = wish_name(wish);
        let what = What::AgentTold { agent, to, reason, by };
        out.push(Output::Fact(Fact { at: now.at, call: None, what }));
    }
}
