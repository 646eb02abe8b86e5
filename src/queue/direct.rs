//! A call for one agent and nobody else: a consult of a colleague, a transfer to a person, a call that the agent makes.
//!
//! It rings at once or not at all: nobody waits in line for a person who is not free.

use std::time::Duration;

use tracing::debug;

use super::api::Action;
use super::api::AgentState;
use super::api::AgentWish;
use super::api::Agents;
use super::api::DESK_LOST;
use super::api::PHONE_UNREACHABLE;
use super::api::PermissionPolicy;
use super::api::Whoses;
use super::engine::Engine;
use super::engine::Stage;
use super::line::Key;
use super::line::Place;
use super::skills::BestAgent;
use super::waits::Call;
use super::waits::Consent;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Name;
use crate::base::QueueId;
use crate::fact::WaitExit;

impl Engine {
    /// Rings an agent who is ready for a call that only they shall have; its ring time and wrap-up are the
    /// queue's. Exits when they are not ready, or do not take it.
    pub(super) fn call_agent(&mut self, id: CallId, agent: AgentId, queue: QueueId, out: &mut Vec<Action>) {
        if self.calls.has(id) || queue.0 as usize >= self.queues.len() {
            debug!(call = %id, %queue, "an agent is called twice, or by a queue that there is not");
            return;
        }
        let ready = self.agents.get(agent.0 as usize).filter(|agent| agent.state == AgentState::Ready);
        if ready.is_some() {
            self.ring_directly(id, agent, queue, out);
        } else {
            out.push(Action::Exit { call: id, exit: WaitExit::NobodyStaffed });
        }
    }

    /// Rings an agent for a call that they make themselves. A break that they are on is theirs again afterwards.
    pub(super) fn agent_calls(&mut self, id: CallId, agent: AgentId, queue: QueueId, out: &mut Vec<Action>) {
        if self.calls.has(id) || queue.0 as usize >= self.queues.len() {
            debug!(call = %id, %queue, "a call is made twice, or by a queue that there is not");
            return;
        }
        let caller = self.agents.get_mut(agent.0 as usize);
        let takes_calls_again = |reason: &Name| [PHONE_UNREACHABLE, DESK_LOST].contains(&&**reason);
        match caller.map(|caller| (&caller.state, &mut caller.next)) {
            Some((AgentState::NotReady(reason), next)) if !takes_calls_again(reason) => {
                *next = Some(AgentWish::NotReady(reason.clone()));
            }
            Some((AgentState::NotReady(_) | AgentState::Ready | AgentState::WrapUp, _)) => {}
            _ => return out.push(Action::Exit { call: id, exit: WaitExit::NobodyStaffed }),
        }
        self.ring_directly(id, agent, queue, out);
    }

    fn ring_directly(&mut self, id: CallId, agent: AgentId, queue: QueueId, out: &mut Vec<Action>) {
        let idle_since = self.agents[agent.0 as usize].idle_since;
        let class = self.queue(queue).course[0].1;
        self.skills.use_class(class);
        let key = Key::new(0, self.now, Duration::ZERO, id);
        let call = Call {
            queue,
            class,
            steps: Vec::new(),
            key,
            whose: Whoses::new(),
            stage: Stage::Waiting,
            consent: Consent::NotAsked,
            enqueued_at: self.now,
            permission: PermissionPolicy::GivenByFlowFile,
            cap_at: self.now + self.queue(queue).config.max_wait,
            attempts: 0,
            callback_tries: 0,
            held_back: false,
            calling: None,
            direct: true,
            prefer: None,
            exclude: Agents::new(),
            beside: Agents::new(),
            wants: None,
            forecast: None,
            quote: None,
            talk_since: None,
            due: None,
            in_queue: Place::default(),
            in_class: Place::default(),
        };
        // It is in line for the moment that a ring takes it out again.
        self.queue_mut(queue).comes(&call);
        self.calls.insert(id, call);
        self.join_queue(id);
        self.call_mut(id).in_class = self.skills.join(class, key, self.now);
        let best = BestAgent { agent, idle_since, fitting: 1, fit: 0 };
        self.ring(id, best, 1, out);
    }
}
