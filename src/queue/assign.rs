//! Bringing a call and an agent together: the ring, and how it ends.

use std::time::Duration;

use tracing::debug;

use super::api::Action;
use super::api::AgentChoice;
use super::api::AgentState;
use super::api::ChosenBy;
use super::api::FIRST;
use super::api::Needs;
use super::api::PermissionPolicy;
use super::api::Reason;
use super::choose::Chosen;
use super::choose::Found;
use super::engine::Engine;
use super::engine::Queue;
use super::engine::Stage;
use super::line::Key;
use super::quote::foreseen;
use super::routing::Routing;
use super::routing::Weights;
use super::skills::BestAgent;
use super::skills::ClassId;
use super::waits::Call;
use super::waits::Consent;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::fact::MissedWhy;

impl Engine {
    /// An agent may have got ready: rings them for the call that they serve next.
    pub(super) fn assign_agent(&mut self, id: AgentId, out: &mut Vec<Action>) {
        loop {
            self.assign_preferring(id, out);
            if self.agents[id.0 as usize].state != AgentState::Ready {
                return;
            }
            let assigned = match self.weights() {
                None => self.assign_first_call(id, out),
                Some(weights) => self.assign_call_by_value(id, &weights, out),
            };
            if !assigned {
                return;
            }
        }
    }

    fn assign_call_by_value(&mut self, id: AgentId, weights: &Weights, out: &mut Vec<Action>) -> bool {
        let Some(Chosen { key, class, fit, waiting }) = self.call_by_value(id, weights, out) else {
            return false;
        };
        let queue = self.skills.head(class).queue;
        let idle_since = self.agents[id.0 as usize].idle_since;
        let fitting = self.skills.count(class.0 as usize).idle;
        let mut best = BestAgent { agent: id, fit, idle_since, fitting };
        if let Some(choice) = self.queue(queue).config.agents_by {
            let wants = self.calls[&key.call].wants.as_deref();
            best = self.agent_by_choice(queue, class, key, wants, choice).unwrap_or(best);
        }
        self.ring(key.call, best, self.waiting_for(best.agent, id, waiting), out);
        true
    }

    /// This idle agent as the one for a call of this class.
    pub(super) fn idle_agent(&self, class: ClassId, id: AgentId) -> BestAgent {
        let agent = &self.agents[id.0 as usize];
        self.skills.idle_agent(class, id, agent.idle_since)
    }

    /// How many wait whom this agent can serve, where it is known of the other.
    fn waiting_for(&self, agent: AgentId, other: AgentId, known: u32) -> u32 {
        if agent == other { known + self.kept_for(agent) } else { self.in_reach(agent) }
    }

    /// How many wait whom this agent can serve; of those who are kept for somebody, their own.
    pub(super) fn in_reach(&self, agent: AgentId) -> u32 {
        self.skills.waiting_for(self.skills.profile_of(agent)) + self.kept_for(agent)
    }

    /// When two agents get free at one instant, a call can go to the better of them instead, unless somebody else goes
    /// before it there; and this one looks again.
    fn assign_first_call(&mut self, id: AgentId, out: &mut Vec<Action>) -> bool {
        let Some((key, waiting)) = self.next_call(id) else { return false };
        // This agent is idle, fits, and is not spared the call: so there is a best one.
        let of_call = &self.calls[&key.call];
        let Call { queue, class, .. } = *of_call;
        let best = self.best_agent(queue, class, key, of_call.wants.as_deref(), false);
        let Found::Agent(best) = best else { unreachable!("an idle agent fits") };
        if best.agent != id && self.next_call(best.agent).is_some_and(|(first, _)| first != key) {
            return self.assign_first_call(best.agent, out);
        }
        self.ring(key.call, best, self.waiting_for(best.agent, id, waiting), out);
        true
    }

    /// The call that this agent, if ready, serves next, and how many they can serve.
    pub(super) fn next_call(&self, id: AgentId) -> Option<(Key, u32)> {
        let agent = &self.agents[id.0 as usize];
        if agent.state != AgentState::Ready {
            return None;
        }
        let spared = |key: Key| self.is_spared(id, key.call);
        self.skills.first_call(self.skills.profile_of(id), agent.is_spared_any().then_some(spared))
    }

    /// A call may be assigned: rings the best idle agent for it; whether there was one.
    pub(super) fn assign_call(&mut self, id: CallId, out: &mut Vec<Action>) -> bool {
        let held_back = self.assign_waiting(id, out);
        if held_back {
            let class = self.calls[&id].class.0 as usize;
            self.weights().inspect(|weights| self.look_again(class, weights));
        }
        matches!(self.calls[&id].stage, Stage::Reserved(_) | Stage::Ringing(_))
    }

    /// Rings the best idle agent for a call that waits, if there is one; whether it is held back instead.
    pub(super) fn assign_waiting(&mut self, id: CallId, out: &mut Vec<Action>) -> bool {
        let call = &self.calls[&id];
        if call.prefer.is_some_and(|prefer| prefer.kept) || self.is_left(call) {
            return false;
        }
        let found = match self.preferred_idle(call) {
            Some(best) => Found::Agent(best),
            None => {
                let wants = call.wants.as_deref();
                self.best_agent(call.queue, call.class, call.key, wants, self.may_hold_back(call))
            }
        };
        let held_back = matches!(found, Found::HeldBack);
        match found {
            Found::Agent(best) => self.ring(id, best, self.in_reach(best.agent), out),
            Found::HeldBack => {
                self.weights().inspect(|weights| self.tell_held_back(id, weights, out));
            }
            Found::Nobody => {}
        }
        held_back
    }

    /// Nobody is held back who would have to be asked for it first, whom the queue has no room for, or
    /// whose queue says which agent it shall be.
    pub(super) fn may_hold_back(&self, call: &Call) -> bool {
        let queue = self.queue(call.queue);
        let asked = call.consent != Consent::NotAsked || call.permission == PermissionPolicy::GivenByFlowFile;
        asked
            && !call.is_reached()
            && call.calling.is_none()
            && queue.config.agents_by.is_none()
            && call.key.priority() < FIRST
            && queue.waiting <= queue.config.max_waiting
    }

    /// The best idle agent for a call of this queue and class, among those who have what it wants if there are some.
    pub(super) fn best_agent(
        &self,
        queue: QueueId,
        class: ClassId,
        key: Key,
        wants: Option<&Needs>,
        may_hold: bool,
    ) -> Found {
        let choice = match (self.queue(queue).config.agents_by, &self.routing) {
            (Some(choice), _) => choice,
            (None, Routing::LongestWaiting) => AgentChoice::BestFit,
            (None, Routing::ServiceLevel(weights)) => {
                return self.agent_by_cost(class, key, wants, may_hold, weights);
            }
        };
        self.agent_by_choice(queue, class, key, wants, choice).map_or(Found::Nobody, Found::Agent)
    }

    fn agent_by_choice(
        &self,
        queue: QueueId,
        class: ClassId,
        key: Key,
        wants: Option<&Needs>,
        choice: AgentChoice,
    ) -> Option<BestAgent> {
        let spared = |agent: AgentId| self.is_spared(agent, key.call);
        self.skills.best_agent(class, wants, choice, self.queue(queue).last_rung, spared)
    }

    /// What weighs how much, if the service level decides.
    pub(super) fn weights(&self) -> Option<Weights> {
        match self.routing {
            Routing::LongestWaiting => None,
            Routing::ServiceLevel(weights) => Some(weights),
        }
    }

    /// A wait is over: its queue weighs more or less from now on.
    pub(super) fn wait_is_over(&mut self, queue: QueueId, in_target: bool) {
        self.weights().inspect(|weights| self.pace.waited(queue, in_target, weights));
    }

    pub(super) fn ring(&mut self, id: CallId, best: BestAgent, waiting: u32, out: &mut Vec<Action>) {
        // All that a ring takes is borrowed side by side: the call is looked up once.
        let call = &mut self.calls[&id];
        let queue = &mut self.queues[call.queue.0 as usize];
        if call.is_callback() && queue.config.customer_first.is_some() {
            return self.reserve(id, best, waiting, out);
        }
        assert_eq!(call.stage, Stage::Waiting, "a call that rings is assigned to nobody else");
        call.leave_line(queue, &mut self.skills, &mut self.preferring);
        call.stage = Stage::Ringing(best.agent);
        call.attempts += 1;
        call.rearm(self.now, &mut self.due);
        let by = call.chosen_by(best.agent, &self.routing);
        let why = queue.reason(self.now, call.direct, best, waiting, by);
        let beside = !call.direct && by != ChosenBy::Preferred && id.number() == 0;
        let several = beside && queue.config.ring_agents > 1;
        self.ring_because(id, best.agent, why, out);
        if several {
            self.ring_beside(id, out);
        }
    }

    pub(super) fn ring_because(&mut self, id: CallId, agent: AgentId, why: Reason, out: &mut Vec<Action>) {
        let call = &self.calls[&id];
        let (queue, attempt) = (call.queue, call.attempts);
        let until = self.now + self.queue(queue).config.ring_timeout;
        out.push(Action::Ring { call: id, agent, attempt, until, why });
        self.set_agent(agent, AgentState::Ringing(id), Some(until), out);
    }

    pub(super) fn picked_up(&mut self, id: CallId, agent: AgentId, out: &mut Vec<Action>) {
        if !self.rings_at(id, agent) {
            debug!(call = %id, %agent, "picked up a call that does not ring there");
            return;
        }
        let now = self.now;
        let call = self.call_mut(id);
        let slower = call.rung_but(agent);
        call.beside.clear();
        call.stage = Stage::Talking(agent);
        (call.talk_since, call.prefer) = (Some(now), None);
        let (queue, waited, quote) = (call.queue, now.since(call.enqueued_at), call.quote);
        let (forecast, place, direct) = (call.forecast, call.is_place(), call.direct);
        let callback = call.is_callback();
        let target = self.queue(queue).config.service_level.1;
        if !direct {
            self.wait_is_over(queue, waited <= target);
        }
        // A callback's wait is the caller's choice as well.
        if let Some(forecast) = forecast.filter(|_| !place) {
            self.foresight.learn(queue, target, &forecast, waited);
        }
        self.queues[queue.0 as usize].goes(&self.calls[&id]);
        let taker = &mut self.agents[agent.0 as usize];
        (taker.calls, taker.unreached) = (taker.calls + 1, 0);
        self.rearm_call(id);
        self.withdraw(id, &slower, out);
        out.push(Action::Connected { call: id, agent, waited, quote });
        self.heed_surge(queue, out);
        self.set_agent(agent, AgentState::Talking(id), None, out);
        if !callback {
            self.call_off_callbacks(id, out);
        }
        self.free_withdrawn(&slower, out);
    }

    pub(super) fn ring_failed(&mut self, id: CallId, agent: AgentId, why: MissedWhy, out: &mut Vec<Action>) {
        if self.rings_at(id, agent) {
            self.ring_over(id, agent, why, out);
        } else {
            debug!(call = %id, %agent, "a failed ring of a call that does not ring there");
        }
    }

    /// An agent did not take a call, which goes to the next unless somebody else's phone rings for it; then the agent,
    /// if still ready, gets another.
    pub(super) fn ring_over(&mut self, id: CallId, agent: AgentId, why: MissedWhy, out: &mut Vec<Action>) {
        let by_nobody = self.rings_no_more(id, agent);
        self.after_ring(agent, id, why, out);
        if by_nobody {
            self.back_in_line(id, Some(agent), out);
        }
        self.assign_agent(agent, out);
    }

    pub(super) fn talk_ended(&mut self, id: CallId, agent: AgentId, out: &mut Vec<Action>) {
        if !self.is_at(id, Stage::Talking(agent)) {
            debug!(call = %id, %agent, "the end of a talk that there is not");
            return;
        }
        let Some(call) = self.remove_call(id) else { return };
        let wrap_up = self.queue(call.queue).config.wrap_up;
        // A colleague's talk says nothing of a queue's.
        if !call.direct {
            self.learn(&call, agent, wrap_up);
        }
        self.after_talk(agent, wrap_up, out);
    }

    fn learn(&mut self, call: &Call, agent: AgentId, wrap_up: Duration) {
        let Some(since) = call.talk_since else { return };
        let always_ready = self.agents[agent.0 as usize].always_ready;
        let talked = self.now.since(since);
        let fit = self.skills.fit(self.skills.profile_of(agent), call.class);
        self.pace.talked(agent, call.queue, fit, talked);
        let took = talked + if always_ready { Duration::ZERO } else { foreseen(wrap_up) };
        self.queue_mut(call.queue).handle_time.learn(took);
    }

    /// The agent of a callback was there, the caller was not. The place is kept, for a later try.
    pub(super) fn callback_failed(&mut self, id: CallId, agent: AgentId, out: &mut Vec<Action>) {
        if !self.is_at(id, Stage::Talking(agent)) || !self.calls[&id].is_place() {
            debug!(call = %id, %agent, "a failed callback that there is not");
            return;
        }
        self.try_again_later(id, out);
        self.after_call(agent, out);
    }

    fn is_at(&self, call: CallId, stage: Stage) -> bool {
        self.calls.get(call).is_some_and(|call| call.stage == stage)
    }
}

impl Queue {
    /// Why this agent gets a call of the queue, which is noted for the next choice.
    pub fn reason(
        &mut self,
        now: Timestamp,
        direct: bool,
        best: BestAgent,
        waiting: u32,
        by: ChosenBy,
    ) -> Reason {
        let agents_by = self.config.agents_by.filter(|_| !direct && by != ChosenBy::Preferred);
        if !direct {
            self.last_rung = Some(best.agent);
        }
        let idle = now.since(best.idle_since);
        Reason { waiting, fitting: best.fitting, fit: best.fit, idle, by, agents_by }
    }
}

impl Call {
    /// What this agent was chosen by. An agent who is preferred has had their turn by that.
    pub fn chosen_by(&mut self, agent: AgentId, routing: &Routing) -> ChosenBy {
        let preferred = self.prefer.take_if(|prefer| prefer.agent == agent).is_some();
        match routing {
            _ if preferred => ChosenBy::Preferred,
            Routing::LongestWaiting => ChosenBy::LongestWait,
            Routing::ServiceLevel(_) => ChosenBy::ServiceLevel,
        }
    }
}
