//! Calls that agents place: asked for by a person, or dialled on an agent's own phone.

use std::sync::Arc;

use super::LiveCall;
use super::Now;
use super::Output;
use super::Pending;
use super::Streams;
use super::Switchboard;
use super::requests::RESERVED;
use super::reschedule;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::QueueId;
use crate::call::Call;
use crate::call::placed::Callee;
use crate::call::placed::Order;
use crate::call::placed::Phone;
use crate::call::request::Refusal;
use crate::call::request::dialable;
use crate::fact::Target;
use crate::flow::center::AgentContact;
use crate::queue::api::AgentState;
use crate::server::handle::ControlError;
use crate::sip::api::Incoming;

/// A call that somebody asks for in an agent's name.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaceCall {
    pub to: Target,
    /// Whose rules hold; none: the center's, or the first queue that the agent serves.
    pub queue: Option<Name>,
    /// Whether the agent's desk picks up at once: whoever asks at the desk sits there.
    pub at_desk: bool,
}

impl Switchboard {
    /// Rings an agent and then whom they want to talk with; the call's number.
    pub fn place(
        &mut self,
        now: Now,
        who: &Name,
        wish: PlaceCall,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) -> Result<CallId, ControlError> {
        if self.is_draining() {
            return Err(ControlError::Stopping);
        }
        if self.calls.len() >= self.parts.max_calls {
            return Err(ControlError::Overloaded);
        }
        let agent = self.agent(who).ok_or_else(|| ControlError::UnknownAgent(who.to_string()))?;
        let queue = self.queue_of_call(agent, wish.queue.as_ref())?;
        let to = self.callee(agent, &wish.to)?;
        self.can_call(agent, who)?;
        let (name, shown, trunk) = (who.clone(), self.shown_number(queue), self.trunk_to(&to));
        let id = self.begin_placed(now, Order { agent, name, to, queue, shown, trunk, phone: None });
        self.settle(now, streams, out);
        if wish.at_desk {
            self.pick_up_own(now, agent, id, streams, out);
            self.settle(now, streams, out);
        }
        Ok(id)
    }

    /// An agent's phone dialled. Whether it was for somebody whom agents can call.
    pub(super) fn phone_dialled(&mut self, now: Now, id: CallId, incoming: &Incoming) -> bool {
        let user = incoming.user.as_deref();
        let Some((agent, name)) = user.and_then(|user| Some((self.agent(user)?, Name::from(user)))) else {
            return false;
        };
        let dialled = incoming.uri.user.as_deref().unwrap_or_default();
        let Some(to) = self.dial_plan(agent, dialled) else { return false };
        let Ok(queue) = self.queue_of_call(agent, None) else { return false };
        let (leg, sip_call_id) = (LegId::of(id, 0), incoming.sip_call_id.clone());
        let source = format!("{} {}", incoming.hop.transport, incoming.hop.remote);
        let phone = Some(Phone { leg, sip_call_id, source });
        let (shown, trunk) = (self.shown_number(queue), self.trunk_to(&to));
        self.begin_call_of(now, id, Order { agent, name, to, queue, shown, trunk, phone });
        true
    }

    /// What an agent's phone means by what it dialled; none when that is a number of the center, or nobody's.
    pub(super) fn dial_plan(&self, agent: AgentId, dialled: &str) -> Option<Callee> {
        let center = &self.parts.center;
        if center.numbers.contains_key(dialled) || center.feature_codes.contains_key(dialled) {
            return None;
        }
        let colleague = center.extensions.get(dialled).copied().or_else(|| self.agent(dialled));
        match colleague {
            Some(colleague) if colleague == agent => None,
            Some(colleague) => Some(Callee::Agent(colleague, self.agent_name(colleague))),
            None if center.outbound.phones && dialable(dialled) && self.outbound_trunk().is_some() => {
                Some(Callee::Number(dialled.to_owned()))
            }
            None => None,
        }
    }

    fn begin_placed(&mut self, now: Now, order: Order) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.begin_call_of(now, id, order);
        id
    }

    fn begin_call_of(&mut self, now: Now, id: CallId, order: Order) {
        let mut actions = Vec::new();
        let call = Call::place(id, now.at, &self.parts.center, order, &mut actions);
        let mut live = LiveCall {
            due: None,
            version: self.parts.version.clone(),
            center: Arc::clone(&self.parts.center),
            library: Arc::clone(&self.parts.library),
            callback: None,
            trunk: None,
            number: None,
            call,
            code: None,
        };
        let due = live.call.deadline();
        reschedule(&mut self.due, &mut live.due, due, id);
        self.calls.insert(id, live);
        self.pending.push_front(Pending::Actions(id, actions));
    }

    /// Whose rules hold for a call of this agent.
    fn queue_of_call(&self, agent: AgentId, asked: Option<&Name>) -> Result<QueueId, Refusal> {
        let center = &self.parts.center;
        let queues = &center.engine.queues;
        let queue = match asked {
            Some(name) => center.engine.queue_named(name),
            None => {
                let agent = &center.engine.agents[agent.0 as usize];
                let level = |skill| agent.level(skill);
                let serves = || queues.iter().position(|queue| queue.needs.needs.met(level));
                let first = || serves().or((!queues.is_empty()).then_some(0));
                center.outbound.queue.or_else(|| first().map(|place| QueueId(place as u32)))
            }
        };
        let unknown = || Refusal::NoSuchTarget(format!("queue \"{}\"", asked.map_or("", |name| name)));
        queue.ok_or_else(unknown)
    }

    fn callee(&self, agent: AgentId, to: &Target) -> Result<Callee, Refusal> {
        match to {
            Target::Agent(name) => {
                let unknown = || Refusal::NoSuchTarget(format!("agent \"{name}\""));
                let colleague = self.agent(name).ok_or_else(unknown)?;
                if colleague == agent {
                    return Err(Refusal::Yourself(name.clone()));
                }
                self.is_ready(name)?;
                Ok(Callee::Agent(colleague, name.clone()))
            }
            Target::Number(number) if !dialable(number) => Err(Refusal::NoSuchNumber(number.clone())),
            Target::Number(_) if self.outbound_trunk().is_none() => Err(Refusal::NoTrunk),
            Target::Number(number) => Ok(Callee::Number(number.clone())),
            Target::Queue(_) => Err(Refusal::QueueCalled),
        }
    }

    /// Whether an agent has a phone and no other call.
    fn can_call(&self, agent: AgentId, name: &Name) -> Result<(), Refusal> {
        match self.engine.agent_state(agent) {
            Some(AgentState::Ringing(_) | AgentState::Talking(_)) => {
                let state = "in another call";
                return Err(Refusal::Busy { name: name.clone(), state });
            }
            Some(AgentState::Reserved(_)) => {
                let state = RESERVED;
                return Err(Refusal::Busy { name: name.clone(), state });
            }
            Some(AgentState::Offline) | None => return Err(Refusal::NoPhone(name.clone())),
            Some(AgentState::Ready | AgentState::NotReady(_) | AgentState::WrapUp) => {}
        }
        let fixed = matches!(self.parts.center.contacts[agent.0 as usize], AgentContact::Fixed(_));
        let reachable = fixed || self.desk_can_ring(agent) || !self.parts.endpoint.contacts(name).is_empty();
        if reachable { Ok(()) } else { Err(Refusal::NoPhone(name.clone())) }
    }

    /// The trunk by which they are called; none for a colleague.
    fn trunk_to(&self, to: &Callee) -> Option<Name> {
        let outside = matches!(to, Callee::Number(_));
        self.outbound_trunk().filter(|_| outside).map(|trunk| trunk.name.clone())
    }

    /// Our number, as whom agents call sees it: the queue's, else the center's.
    fn shown_number(&self, queue: QueueId) -> String {
        let center = &self.parts.center;
        let of_queue = center.talk.get(queue.0 as usize).and_then(|policy| policy.caller_id.as_ref());
        of_queue.or(center.outbound.caller_id.as_ref()).cloned().unwrap_or_default()
    }
}
