//! Whom the oracle would let ring for whom, and who may be kept waiting.

use super::Call;
use super::Oracle;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::queue::Stage;
use crate::queue::api::AgentState;
use crate::queue::api::FIRST;
use crate::queue::api::PermissionPolicy;
use crate::queue::api::Routing;

impl Oracle {
    /// Whether the call may wait though an able agent is idle: long before its second promise, and with room
    /// and time left.
    pub(super) fn may_hold_back(&self, now: Timestamp, call: &Call) -> bool {
        let Routing::ServiceLevel(weights) = self.config.routing else { return false };
        let queue = &self.config.queues[call.queue.0 as usize];
        let age_us = i128::from(now.0) - call.since;
        let most_us = (weights.second_promise.as_micros() as f64 * weights.hold_at_most) as i128;
        call.priority < i64::from(FIRST)
            && age_us < most_us.min(queue.max_wait.as_micros() as i128 / 2)
            && queue.agents_by.is_none()
            && call.reached.is_none()
    }

    /// A call waits though some are idle who fit, which is told once and is true.
    pub(super) fn held_back(&mut self, now: Timestamp, id: CallId, idle: u32, until: Timestamp) {
        let ready = |agent: &AgentId| self.agents[agent.0 as usize].state == AgentState::Ready;
        let fitting = self.agent_ids().filter(|agent| ready(agent) && self.fits(id, *agent)).count();
        assert_eq!(idle as usize, fitting, "{id} is held back from as many as there are");
        let call = &self.calls[&id];
        assert!(fitting > 0 && self.may_hold_back(now, call) && !self.may_hold_back(until, call), "{id}");
        assert!(!std::mem::replace(&mut self.call(id).held_back, true), "{id} was told so before");
        self.saw("told that it is held back");
    }

    /// Whether this agent could be rung for this call: the very thing that must not remain so.
    pub(super) fn may_ring(&self, now: Timestamp, call: CallId, agent: AgentId) -> bool {
        let spared = self.agents[agent.0 as usize].spared.iter().any(|(c, until)| *c == call && *until > now);
        self.agents[agent.0 as usize].state == AgentState::Ready
            && self.in_line(now, call)
            && self.fits(call, agent)
            && !spared
            && !self.calls[&call].exclude.contains(&agent)
            && self.kept_for(now, call).is_none()
            && self.preferred_idle(now, call).is_none_or(|preferred| preferred == agent)
    }

    /// Whether this agent could be rung for this call before this very instant too. At one instant calls' deadlines go
    /// before agents': whom an agent may take again from now on comes after them.
    pub(super) fn could_ring(&self, now: Timestamp, call: CallId, agent: AgentId) -> bool {
        let just_now = |(spared, until): &(CallId, Timestamp)| *spared == call && *until == now;
        self.may_ring(now, call, agent)
            && !self.agents[agent.0 as usize].spared.iter().any(just_now)
            && !self.is_due_now(now, call)
    }

    /// Whether a place may be called from this very instant on: of several, each has its turn after the other.
    pub(super) fn is_due_now(&self, now: Timestamp, call: CallId) -> bool {
        self.calls[&call].kept && self.calls[&call].not_before == now
    }

    /// Who has the call before all others, while that holds.
    pub(super) fn preferred(&self, now: Timestamp, call: CallId) -> Option<AgentId> {
        let (agent, until) = self.calls[&call].prefer?;
        (now <= until && self.fits(call, agent)).then_some(agent)
    }

    pub(super) fn preferred_idle(&self, now: Timestamp, call: CallId) -> Option<AgentId> {
        let idle = |agent: &AgentId| self.agents[agent.0 as usize].state == AgentState::Ready;
        self.preferred(now, call).filter(idle)
    }

    /// The agent whom this call waits for though others may be idle: busy, and back soon.
    pub(super) fn kept_for(&self, now: Timestamp, call: CallId) -> Option<AgentId> {
        let (_, until) = self.calls[&call].prefer?;
        self.preferred(now, call).filter(|agent| {
            let agent = &self.agents[agent.0 as usize];
            let busy = matches!(
                agent.state,
                AgentState::Reserved(_)
                    | AgentState::Ringing(_)
                    | AgentState::Talking(_)
                    | AgentState::WrapUp
            );
            now < until && busy && agent.goes_on
        })
    }

    pub(super) fn in_line(&self, now: Timestamp, call: CallId) -> bool {
        let due = self.calls[&call].not_before <= now && !self.is_left(call);
        self.calls[&call].stage == Stage::Waiting && due
    }

    /// Whether a place is left to the next start: its caller's phone does not ring.
    pub(super) fn is_left(&self, call: CallId) -> bool {
        self.stopping && self.calls[&call].kept && self.calls[&call].calling.is_none()
    }

    pub(super) fn fits(&self, call: CallId, agent: AgentId) -> bool {
        self.calls[&call].needs.met(|skill| self.level(agent, skill))
    }

    /// Whether this agent will be able to serve the call if it waits on.
    pub(super) fn will_fit(&self, now: Timestamp, id: CallId, agent: AgentId) -> bool {
        let (queue, call) = (&self.queue_of(id).needs, &self.calls[&id].demand);
        let ages = queue.steps.iter().chain(&call.steps).map(|step| step.after);
        let level = |skill| self.level(agent, skill);
        let fits = |age| queue.at(age).met(level) && call.at(age).met(level);
        ages.filter(|age| *age > self.age(now, id)).any(fits)
    }

    pub(super) fn fit(&self, call: CallId, agent: AgentId) -> u32 {
        self.calls[&call].needs.above(|skill| self.level(agent, skill))
    }

    pub(super) fn level(&self, agent: AgentId, skill: SkillId) -> u8 {
        let skills = &self.config.agents[agent.0 as usize].skills;
        skills.iter().find(|has| has.skill == skill).map_or(0, |has| has.level)
    }

    /// Of those who may take a call, one with what it wants takes it, unless they are kept for others: which they are not
    /// from a call that would have to be asked for it.
    pub(super) fn check_wanted(&mut self, id: CallId, agent: AgentId, able: &[AgentId], preferred: bool) {
        let call = &self.calls[&id];
        let unasked = !call.asked && call.permission == PermissionPolicy::Ask && !call.kept;
        let wanted = able.iter().filter(|agent| !self.is_unwanted(id, **agent)).count();
        let is_wanted = !self.is_unwanted(id, agent);
        assert!(
            is_wanted || !unasked || preferred || wanted == 0,
            "somebody with the skills that are wanted was idle"
        );
        if is_wanted && !preferred && wanted < able.len() {
            self.saw("rung, with the skills wanted");
        }
    }

    /// Whether an agent lacks what a call wants.
    pub(super) fn is_unwanted(&self, call: CallId, agent: AgentId) -> bool {
        !self.calls[&call].wants.met(|skill| self.level(agent, skill))
    }

    /// Of so many calls in a row that agents with equal skills take, one is the longest waiting of those past
    /// their second promise, if there are any that they can serve.
    pub(super) fn check_second_promise(&mut self, now: Timestamp, call: CallId, agent: AgentId) {
        let Routing::ServiceLevel(weights) = self.config.routing else { return };
        if self.calls[&call].priority == i64::from(FIRST) {
            return;
        }
        // A call that has just come, or is back, looks for an agent itself: nobody who waits is able to be
        // served by them, or it would not be idle.
        let overdue = self.calls.keys().copied().filter(|other| {
            let age_us = i128::from(now.0) - self.calls[other].since;
            let target = self.queue_of(*other).service_level.1;
            (*other == call || self.could_ring(now, *other, agent))
                && age_us >= weights.second_promise.as_micros() as i128
                && age_us > target.as_micros() as i128
        });
        let oldest = overdue.min_by_key(|other| (self.calls[other].since, *other));
        let skills = self.config.agents[agent.0 as usize].skills.clone();
        let Some(oldest) = oldest else { return };
        let passed = self.passed.entry(skills).or_default();
        if oldest == call {
            *passed = 0;
            self.saw("second promise kept");
        } else {
            *passed += 1;
            assert!(*passed < weights.one_in, "a call past its second promise was passed over too often");
            self.saw("second promise passed over");
        }
    }
}
