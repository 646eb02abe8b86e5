//! The queue engine's side of the switchboard: what it decides, told to calls and to the history.

use super::Now;
use super::Output;
use super::Parts;
use super::Switchboard;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Name;
use crate::base::QueueId;
use crate::call::CallEvent;
use crate::call::QueueWord;
use crate::call::request::Refusal;
use crate::fact::AgentStateName;
use crate::fact::Fact;
use crate::fact::What;
use crate::flow::center::AgentContact;
use crate::queue;
use crate::queue::Action;
use crate::queue::Surge;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::queue::log::Step;

/// An agent's state by name, and its reason in words.
fn state_name(state: &AgentState) -> (AgentStateName, String) {
    match state {
        AgentState::Offline => (AgentStateName::Offline, String::new()),
        AgentState::Ready => (AgentStateName::Ready, String::new()),
        AgentState::Reserved(call) => (AgentStateName::Reserved, format!("call {}", call.whole())),
        AgentState::Ringing(call) => (AgentStateName::Ringing, format!("call {}", call.whole())),
        AgentState::Talking(call) => (AgentStateName::Talking, format!("call {}", call.whole())),
        AgentState::WrapUp => (AgentStateName::WrapUp, String::new()),
        AgentState::NotReady(reason) => (AgentStateName::NotReady, reason.to_string()),
    }
}

/// The state that is wished for, by name, and its reason.
pub(super) fn wish_name(wish: &AgentWish) -> (AgentStateName, String) {
    match wish {
        AgentWish::Ready => (AgentStateName::Ready, String::new()),
        AgentWish::NotReady(reason) => (AgentStateName::NotReady, reason.to_string()),
        AgentWish::Offline => (AgentStateName::Offline, String::new()),
    }
}

impl Switchboard {
    /// Lets the engine take an event, and passes on what it decides.
    pub(super) fn tell_engine(&mut self, now: Now, event: queue::Event, out: &mut Vec<Output>) {
        for action in self.decide(now, event, out) {
            self.pass_on(now, action, out);
        }
    }

    /// What the engine decides about an event; its log and the journal are told, where there are any.
    pub(super) fn decide(&mut self, now: Now, event: queue::Event, out: &mut Vec<Output>) -> Vec<Action> {
        let mut actions = Vec::new();
        let Parts { log_queue, journal, .. } = self.parts;
        let told = (log_queue || journal).then(|| event.clone());
        self.engine.handle(now.at, event, &mut actions);
        out.extend(told.map(|event| match log_queue {
            true => Output::Decided(Box::new(Step { at: now.at, event, actions: actions.clone() })),
            false => Output::Told(now.at, event),
        }));
        actions
    }

    pub(super) fn pass_on(&mut self, now: Now, action: Action, out: &mut Vec<Output>) {
        let (call, word) = match action {
            Action::AgentChanged { agent, from, to, .. } => {
                if let AgentState::Talking(contact) = &to {
                    self.note_talk(self.agent_name(agent), *contact);
                }
                self.heed_state(agent, &to);
                let (from, _) = state_name(&from);
                let (to, reason) = state_name(&to);
                let what = What::AgentState { agent: self.agent_name(agent), from, to, reason };
                return out.push(Output::Fact(Fact { at: now.at, call: None, what }));
            }
            Action::SkillChanged { agent, skill, level } => {
                let skill = self.parts.center.engine.skills[skill.0 as usize].clone();
                let what = What::SkillSet { agent: self.agent_name(agent), skill, level, by: None };
                return out.push(Output::Fact(Fact { at: now.at, call: None, what }));
            }
            Action::SurgeBegan { queue, waiting, agents } => {
                let what = What::SurgeBegan { queue: self.queue_name(queue), waiting, agents };
                return out.push(Output::Fact(Fact { at: now.at, call: None, what }));
            }
            Action::SurgeEnded { queue, waiting, agents } => {
                let what = What::SurgeEnded { queue: self.queue_name(queue), waiting, agents };
                return out.push(Output::Fact(Fact { at: now.at, call: None, what }));
            }
            Action::Enqueued { call, queue, needs, priority, waiting } => {
                let config = &self.parts.center.engine;
                let queue = config.queues[queue.0 as usize].name.clone();
                let needs = needs.facts(&config.skills);
                (call, QueueWord::Enqueued { queue, needs, priority, waiting })
            }
            Action::AgentsNamed { call, prefer, exclude, wants } => {
                let prefer = prefer.map(|(agent, wait)| (self.agent_name(agent), wait));
                let exclude = exclude.into_iter().map(|agent| self.agent_name(agent)).collect();
                let wants = wants.facts(&self.parts.center.engine.skills);
                (call, QueueWord::AgentsNamed { prefer, exclude, wants })
            }
            Action::AgeRestored { call, age } => (call, QueueWord::AgeRestored { age }),
            Action::InSurge { call } => (call, QueueWord::InSurge),
            Action::Relaxed { call, needs } => {
                (call, QueueWord::Relaxed { needs: needs.facts(&self.parts.center.engine.skills) })
            }
            Action::HeldBack { call, idle, until } => (call, QueueWord::HeldBack { idle, until }),
            // Its word is the supervisor's, who is known in `supervision`.
            Action::Moved { .. } => return,
            Action::AskPermission { call, quote, position } => {
                (call, QueueWord::AskPermission { quote, position })
            }
            Action::Hold { call, until, by_flow_file } => (call, QueueWord::Hold { until, by_flow_file }),
            Action::CheckIn { call, quote, position } => (call, QueueWord::CheckIn { quote, position }),
            Action::KeepPlace { call } => (call, QueueWord::KeepPlace),
            Action::Ring { call, agent, attempt, why, .. } => {
                let name = self.agent_name(agent);
                (call, QueueWord::Ring { agent, name, attempt, why })
            }
            Action::Reserve { call, agent, why, .. } => {
                let name = self.agent_name(agent);
                (call, QueueWord::Reserve { name, why })
            }
            Action::StopCalling { call, missed } => (call, QueueWord::StopCalling { missed }),
            Action::NotServed { call } => (call, QueueWord::NotServed),
            Action::StopRing { call, agent, why } => (call, QueueWord::StopRing { agent, why }),
            Action::Connected { call, waited, quote, .. } => (call, QueueWord::Connected { waited, quote }),
            Action::Exit { call, exit } => (call, QueueWord::Exit { exit }),
        };
        self.word(call, word);
    }

    pub(super) fn queue_name(&self, queue: QueueId) -> Name {
        self.parts.center.engine.queues[queue.0 as usize].name.clone()
    }

    pub(super) fn word(&mut self, call: CallId, word: QueueWord) {
        let event = match call.number() {
            0 => CallEvent::Queue(word),
            number => CallEvent::Consult { number, word },
        };
        self.later(call.whole(), event);
    }

    /// Whether an agent may be this: who has no phone is not ready, for callers would be let in for them.
    pub fn may_want(&self, agent: AgentId, wish: &AgentWish) -> Result<(), Refusal> {
        let name = self.agent_name(agent);
        let refused = *wish == AgentWish::Ready && !self.has_phone(agent, &name);
        if refused { Err(Refusal::NoPhone(name)) } else { Ok(()) }
    }

    /// Whether an agent has a phone at a fixed place, one that is signed in, or a desk, which may be away for a moment.
    pub(super) fn has_phone(&self, agent: AgentId, name: &Name) -> bool {
        let fixed = matches!(self.parts.center.contacts[agent.0 as usize], AgentContact::Fixed(_));
        fixed || self.has_desk(agent) || !self.parts.endpoint.contacts(name).is_empty()
    }

    /// Why what a phone dials cannot be: `*51`, of an agent who has no phone that is signed in.
    pub(super) fn code_refused(&self, dialled: &str, user: Option<&Name>) -> Result<(), Refusal> {
        let code = self.parts.center.feature_codes.get(dialled);
        match (user.and_then(|user| self.agent(user)), code) {
            (Some(agent), Some(wish)) => self.may_want(agent, wish),
            _ => Ok(()),
        }
    }

    /// Tells what an agent wants to be after the call that they are in.
    pub(super) fn tell_next(&mut self, now: Now, agent: AgentId, wish: &AgentWish, out: &mut Vec<Output>) {
        let busy = self.engine.agent_state(agent);
        if !matches!(busy, Some(AgentState::Ringing(_) | AgentState::Talking(_))) {
            return;
        }
        let (to, reason) = wish_name(wish);
        let what = What::AgentNext { agent: self.agent_name(agent), to, reason };
        out.push(Output::Fact(Fact { at: now.at, call: None, what }));
    }

    /// Tells who is there from the start: agents who are always ready.
    pub fn tell_agents(&self, now: Now, out: &mut Vec<Output>) {
        for (place, config) in self.parts.center.engine.agents.iter().enumerate() {
            let Some(state) = self.engine.agent_state(AgentId(place as u32)) else { continue };
            let (to, reason) = state_name(state);
            if to != AgentStateName::Offline {
                let (agent, from) = (config.name.clone(), AgentStateName::Offline);
                let what = What::AgentState { agent, from, to, reason };
                out.push(Output::Fact(Fact { at: now.at, call: None, what }));
            }
        }
    }

    /// Tells which queues are in a surge that began before the start.
    pub(super) fn tell_surges(&self, now: Now, out: &mut Vec<Output>) {
        for Surge { queue, since, waiting, agents } in self.engine.surges() {
            let (queue, since) = (self.queue_name(queue), now.wall.before(now.at.since(since)));
            let what = What::SurgeGoesOn { queue, waiting, agents, since };
            out.push(Output::Fact(Fact { at: now.at, call: None, what }));
        }
    }

    /// A phone signed in for an agent.
    pub(super) fn phone_registered(
        &mut self,
        now: Now,
        user: Name,
        contact: String,
        contacts: u32,
        out: &mut Vec<Output>,
    ) {
        let Some(agent) = self.agent(&user) else { return };
        let what = What::PhoneRegistered { agent: user, contact, contacts };
        out.push(Output::Fact(Fact { at: now.at, call: None, what }));
        let anew = contacts == 1 && !self.has_desk(agent);
        self.signed_in(now, agent, anew, out);
    }

    /// A phone of an agent signed out, or its registration ran out.
    pub(super) fn phone_unregistered(&mut self, now: Now, user: Name, contacts: u32, out: &mut Vec<Output>) {
        let Some(agent) = self.agent(&user) else { return };
        let what = What::PhoneUnregistered { agent: user, contacts };
        out.push(Output::Fact(Fact { at: now.at, call: None, what }));
        if contacts == 0 && !self.has_desk(agent) {
            let wish = AgentWish::Offline;
            self.tell_engine(now, queue::Event::AgentWants { agent, wish }, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::refer_tests::House;
    use super::*;
    use crate::sip::SessionId;

    const CENTER: &str = "
company: Test
language: en
numbers: { 1000: straight }
feature_codes: { '*51': ready, '*52': not ready }
skills: [talk]
queues: { help: { needs: talk >= 1, permission: ask } }
agents:
  alice: { skills: { talk: 5 } }
  bob: { skills: { talk: 3 }, contact: 'sip:bob@10.0.0.4:5060' }
";

    #[test]
    fn who_dials_that_they_are_ready_and_has_no_phone_that_is_signed_in_is_refused() {
        let mut house = House::of(CENTER);
        let state = |house: &House, name: &str| {
            let agent = house.switchboard.agent(name).unwrap();
            house.switchboard.engine.agent_state(agent).cloned().unwrap()
        };
        house.incoming(SessionId(1), "*51", Some("alice"));
        assert!(house.facts.is_empty(), "{:?}", house.facts);
        assert_eq!(state(&house, "alice"), AgentState::Offline);
        // Their phone is where the center says.
        house.incoming(SessionId(2), "*51", Some("bob"));
        assert_eq!(state(&house, "bob"), AgentState::Ready);
        // What lets nobody in is nobody's harm.
        house.incoming(SessionId(3), "*52", Some("alice"));
        assert!(matches!(state(&house, "alice"), AgentState::NotReady(_)));
    }
}
