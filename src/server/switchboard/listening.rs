//! Agents who listen to a colleague: who may ask, and that they take no calls meanwhile. Who hears what is the call's.

use super::Switchboard;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Name;
use crate::call::CallEvent;
use crate::call::request::Refusal;
use crate::fact::What;
use crate::queue::api::AgentState;

impl Switchboard {
    /// Whether an agent may ask to listen: one who takes no calls now, and has something to listen with. The call says when
    /// there is no such agent.
    pub(super) fn may_listen(&self, who: &Name, call: CallId) -> Result<(), Refusal> {
        let Some(agent) = self.agent(who) else { return Ok(()) };
        if let Some(state) = self.engine.agent_state(agent).and_then(hinders) {
            return Err(Refusal::TakesCalls { name: who.clone(), state });
        }
        if self.listening.contains_key(who) {
            return Err(Refusal::Listens(who.clone()));
        }
        if !self.can_be_let_in(who, call) {
            return Err(Refusal::NoPhone(who.clone()));
        }
        Ok(())
    }

    /// An agent is in another state: who takes calls, or is gone, listens no more.
    pub(super) fn heed_state(&mut self, agent: AgentId, to: &AgentState) {
        if self.listening.is_empty() || hinders(to).is_none() {
            return;
        }
        let who = self.agent_name(agent);
        if let Some(call) = self.listening.get(&who) {
            self.later(*call, CallEvent::StopsListening { who });
        }
    }

    /// They listen no more, or nothing came of it.
    pub(super) fn note_listening(&mut self, call: CallId, what: &What) {
        match what {
            What::ListeningAnswered { by, agreed: false, .. } | What::ListeningLapsed { by } => {
                self.listening.remove(by);
            }
            What::ListeningEnded { listener } => drop(self.listening.remove(listener)),
            What::CallEnded { .. } => self.listening.retain(|_, listened| *listened != call),
            _ => {}
        }
    }
}

/// What keeps an agent in this state from listening, in words.
fn hinders(state: &AgentState) -> Option<&'static str> {
    match state {
        AgentState::WrapUp | AgentState::NotReady(_) => None,
        AgentState::Offline => Some("signed out"),
        AgentState::Ready => Some("ready for calls"),
        AgentState::Reserved(_) => Some(super::requests::RESERVED),
        AgentState::Ringing(_) => Some("being rung for a call"),
        AgentState::Talking(_) => Some("in a call"),
    }
}
