//! Agents who are named: whom a call prefers for a while, and whom it must not get.
//!
//! A call that prefers an agent goes to them before anybody else. It is *kept* for them, in no class's line, as long
//! as they are busy and will take calls again, and at most for the time that was named; once they are away, want a
//! break, or cannot serve it, it is everybody's, and no second is lost. One ring of theirs is what it gets: who does
//! not take it is preferred no more.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::agents::Agent;
use super::api::Action;
use super::api::AgentState;
use super::api::FIRST;
use super::engine::Engine;
use super::engine::Queue;
use super::engine::Stage;
use super::line::Key;
use super::routing::Weights;
use super::skills::BestAgent;
use super::skills::ClassId;
use super::skills::Skills;
use super::waits::Call;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::QueueId;
use crate::base::Timestamp;

/// Who gets a call first, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Preference {
    pub agent: AgentId,
    pub until: Timestamp,
    /// Whether the call waits for them alone, in no class's line.
    pub kept: bool,
}

impl Engine {
    /// A waiting call may be rung for: it stands in its class's line, or is kept for the agent it prefers. Not so a place
    /// that is left to the next start.
    pub(super) fn stand(&mut self, id: CallId) {
        if self.is_left(&self.calls[&id]) {
            return;
        }
        let now = self.now;
        let call = self.call_mut(id);
        // The very moment counts: who is preferred for no time at all goes first if they are idle now.
        call.prefer = call.prefer.filter(|prefer| prefer.until >= now);
        let (class, key) = (call.class, call.key);
        if let Some(prefer) = call.prefer {
            self.preferring.insert((prefer.agent, key));
        }
        if !self.keep_for_preferred(id) {
            self.call_mut(id).in_class = self.skills.join(class, key, now);
        }
    }

    /// A call may not be rung for any more; whether it might have been.
    pub(super) fn stand_down(&mut self, id: CallId) -> bool {
        self.calls[&id].stand_down(&mut self.skills, &mut self.preferring)
    }

    /// Whether the call is to wait for the agent it prefers and for nobody else, which is noted.
    fn keep_for_preferred(&mut self, id: CallId) -> bool {
        let call = &self.calls[&id];
        let kept = call.prefer.is_some_and(|prefer| {
            prefer.until > self.now && self.will_be_free(prefer.agent) && self.can_take(prefer.agent, call)
        });
        if let Some(prefer) = &mut self.call_mut(id).prefer {
            prefer.kept = kept;
        }
        kept
    }

    /// Whether an agent is busy, and wants to go on afterwards.
    fn will_be_free(&self, id: AgentId) -> bool {
        let agent = &self.agents[id.0 as usize];
        let busy = matches!(
            agent.state,
            AgentState::Reserved(_) | AgentState::Ringing(_) | AgentState::Talking(_) | AgentState::WrapUp
        );
        busy && agent.next.is_none()
    }

    pub(super) fn can_take(&self, id: AgentId, call: &Call) -> bool {
        self.skills.serves(self.skills.profile_of(id), call.class)
    }

    /// Whether an agent is not to be rung for a call now: they have just turned it down, or it must not get them.
    pub(super) fn is_spared(&self, id: AgentId, call: CallId) -> bool {
        let agent = &self.agents[id.0 as usize];
        agent.is_spared(call, self.now) || (agent.excluded > 0 && self.excluded.contains(&(id, call)))
    }

    /// The agent that a waiting call prefers, if they are idle and can take it.
    pub(super) fn preferred_idle(&self, call: &Call) -> Option<BestAgent> {
        let id = call.prefer?.agent;
        let agent = &self.agents[id.0 as usize];
        (agent.state == AgentState::Ready && self.can_take(id, call)).then(|| self.idle_agent(call.class, id))
    }

    /// An agent's state, wish or skills have changed: calls that prefer them are kept for them from now on, or for
    /// nobody any more.
    pub(super) fn heed_preferring(&mut self, id: AgentId) {
        if self.nobody_prefers() {
            return;
        }
        for call in self.who_prefers(id) {
            let kept = self.calls[&call].prefer.is_some_and(|prefer| prefer.kept);
            let keep = self.keep_for_preferred(call);
            let Call { class, key, in_class, .. } = &mut self.calls[&call];
            match (kept, keep) {
                (false, true) => drop(self.skills.leave(*class, *key, std::mem::take(in_class))),
                (true, false) => *in_class = self.skills.join(*class, *key, self.now),
                _ => {}
            }
        }
    }

    /// Whether no call prefers an agent, as in most centers: then nothing is to be gone through.
    fn nobody_prefers(&self) -> bool {
        self.preferring.is_empty()
    }

    /// The calls that may be rung for and prefer this agent, in order.
    fn who_prefers(&self, id: AgentId) -> Vec<CallId> {
        self.preferring.range((id, Key::FIRST)..(id, Key::LAST)).map(|(_, key)| key.call).collect()
    }

    /// How many wait for this agent alone.
    pub(super) fn kept_for(&self, id: AgentId) -> u32 {
        if self.nobody_prefers() {
            return 0;
        }
        let kept = |call: &CallId| self.calls[call].prefer.is_some_and(|prefer| prefer.kept);
        self.who_prefers(id).iter().filter(|call| kept(call)).count() as u32
    }

    /// An agent may have got ready, and takes the first of the calls that prefer them, but not before one that a
    /// supervisor put first; or they are away, and those calls go to others.
    pub(super) fn assign_preferring(&mut self, id: AgentId, out: &mut Vec<Action>) {
        if self.nobody_prefers() {
            return;
        }
        let mut calls = self.who_prefers(id);
        // None of these is for that agent now.
        if self.agents[id.0 as usize].state != AgentState::Ready {
            calls.sort_by_cached_key(|call| self.turn(*call));
        }
        self.assign_preferred(id, calls, out);
    }

    /// An agent is there for none of the calls that prefer them: those look for others whose turn is before that of this
    /// call, which looks for one as well. One whose ring was withdrawn is free for them, in the order in which they stand.
    pub(super) fn assign_preferring_before(&mut self, id: AgentId, call: CallId, out: &mut Vec<Action>) {
        if self.nobody_prefers() || self.agents[id.0 as usize].state == AgentState::Ready {
            return;
        }
        let mut calls = self.who_prefers(id);
        let turn = self.turn(call);
        calls.retain(|other| self.turn(*other) < turn);
        calls.sort_by_cached_key(|call| self.turn(*call));
        self.assign_preferred(id, calls, out);
    }

    fn assign_preferred(&mut self, id: AgentId, calls: Vec<CallId>, out: &mut Vec<Action>) {
        for call in calls {
            let of_call = &self.calls[&call];
            if of_call.stage != Stage::Waiting || of_call.prefer.is_none_or(|prefer| prefer.kept) {
                continue;
            }
            match self.preferred_idle(of_call) {
                Some(_) if self.first_goes_before(id, of_call.key) => return,
                _ => drop(self.assign_call(call, out)),
            }
        }
    }

    /// Whose turn is first of several that look for an agent at once: whom a supervisor put first, then the longest waiting
    /// of those past their second promise, then the others in order.
    fn turn(&self, id: CallId) -> (u8, Key) {
        let call = &self.calls[&id];
        let (key, age) = (call.key, call.key.age(self.now));
        let target = self.queue(call.queue).config.service_level.1;
        let overdue = |weights: Weights| age >= weights.second_promise && age > target;
        match self.weights() {
            _ if key.priority() == FIRST => (0, key),
            Some(weights) if overdue(weights) => (1, key.with_priority(0)),
            _ => (2, key),
        }
    }

    /// Whether a call that was put first waits for this agent before the one with this key.
    fn first_goes_before(&self, id: AgentId, key: Key) -> bool {
        self.next_call(id).is_some_and(|(first, _)| first.priority() == FIRST && first < key)
    }

    /// The time in which a call goes to the agent it prefers is over: it is everybody's.
    pub(super) fn preference_over(&mut self, id: CallId, out: &mut Vec<Action>) {
        let stood = self.stand_down(id);
        self.call_mut(id).prefer = None;
        if stood {
            self.stand(id);
            self.assign_call(id, out);
        }
        if self.calls[&id].stage == Stage::Waiting {
            self.rearm_call(id);
        }
    }

    /// Who gets a call that joins this queue first, and until when; nobody who has just turned it down in a wait before
    /// this one. In a queue without room it waits for nobody.
    pub(super) fn preference(
        &self,
        queue: QueueId,
        call: CallId,
        named: Option<(AgentId, Duration)>,
    ) -> Option<Preference> {
        let (agent, wait) = named?;
        let Queue { config, waiting, .. } = self.queue(queue);
        let room = *waiting < config.max_waiting;
        let wait = if room { wait.min(config.max_wait / 2) } else { Duration::ZERO };
        let known = (agent.0 as usize) < self.agents.len() && !self.is_spared(agent, call);
        known.then(|| Preference { agent, until: self.now + wait, kept: false })
    }

    /// Whether somebody but these is signed in who can serve this class.
    pub(super) fn staffed_but_for(&self, exclude: &[AgentId], class: ClassId) -> bool {
        let is_here = |agent: &Agent| agent.state != AgentState::Offline;
        let here = |id: &&AgentId| self.agents.get(id.0 as usize).is_some_and(is_here);
        let able = |id: &&AgentId| self.skills.serves(self.skills.profile_of(**id), class);
        self.skills.staffed(class) as usize > exclude.iter().filter(here).filter(able).count()
    }

    /// Notes whom a call must not get; as many as the call names.
    pub(super) fn exclude(&mut self, call: CallId, agents: &[AgentId]) {
        for id in agents {
            let Some(agent) = self.agents.get_mut(id.0 as usize) else { continue };
            if self.excluded.insert((*id, call)) {
                agent.excluded += 1;
            }
        }
    }

    /// A call is over: nobody is excluded from it any more.
    pub(super) fn forget_excluded(&mut self, call: CallId, agents: &[AgentId]) {
        for id in agents {
            if self.excluded.remove(&(*id, call)) {
                self.agents[id.0 as usize].excluded -= 1;
            }
        }
    }
}

impl Call {
    /// It may not be rung for any more; whether it might have been.
    pub fn stand_down(&mut self, skills: &mut Skills, preferring: &mut BTreeSet<(AgentId, Key)>) -> bool {
        let kept = self.prefer.as_mut().is_some_and(|prefer| std::mem::take(&mut prefer.kept));
        if let Some(prefer) = self.prefer {
            preferring.remove(&(prefer.agent, self.key));
        }
        kept || skills.leave(self.class, self.key, std::mem::take(&mut self.in_class))
    }

    /// When the agent it prefers is preferred no more, while it waits.
    pub fn preference_ends(&self) -> Option<Timestamp> {
        self.prefer.filter(|_| self.stage == Stage::Waiting).map(|prefer| prefer.until)
    }
}
