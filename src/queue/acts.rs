//! What changes under way: the queue and the place of a caller who waits, at a supervisor's word; an agent's skill, at
//! theirs or at a time that was known from the start.
//!
//! A caller who is moved keeps age, permission, promise and longest wait: a move never makes anybody wait anew.

use std::fmt;
use std::time::Duration;

use tracing::debug;

use super::agents::counted_as;
use super::api::Action;
use super::api::AgentState;
use super::api::Demand;
use super::api::FIRST;
use super::api::SkillChange;
use super::engine::Due;
use super::engine::Engine;
use super::engine::Stage;
use super::line::Key;
use super::skills::ClassId;
use super::skills::Count;
use super::skills::Course;
use super::waits::Call;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::QueueId;
use crate::base::SkillId;
use crate::base::Timestamp;

/// Why a caller cannot be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// They do not wait: nobody looks for an agent for them, or one's phone rings already.
    NotWaiting,
    /// They are in that queue.
    Here,
    NoSuchQueue,
    /// Nobody who could serve it is signed in.
    NobodyStaffed,
    /// Its longest line is reached.
    Full,
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Hindrance::NotWaiting => "the caller is not waiting in line",
            Hindrance::Here => "the caller waits in that queue already",
            Hindrance::NoSuchQueue => "there is no such queue",
            Hindrance::NobodyStaffed => "nobody who could serve that queue is signed in",
            Hindrance::Full => "that queue is full",
        })
    }
}

impl Engine {
    /// What keeps a caller from being given another place, in this queue or in the one they are in; nothing when
    /// [`Event::Move`](super::Event::Move) or [`Event::Prioritise`](super::Event::Prioritise) will do it.
    pub fn hindrance(&self, now: Timestamp, call: CallId, to: Option<QueueId>) -> Option<Hindrance> {
        let waits = |stage| stage == Stage::Waiting;
        let Some(call) = self.calls.get(call).filter(|call| waits(call.stage) && !call.direct) else {
            return Some(Hindrance::NotWaiting);
        };
        let to = to?;
        let Some(queue) = self.queues.get(to.0 as usize) else { return Some(Hindrance::NoSuchQueue) };
        let ahead = &queue.course[reached(&queue.course, call.key.age(now))..];
        if call.queue == to {
            Some(Hindrance::Here)
        } else if ahead.iter().all(|(_, class)| self.skills.staffed(*class) == 0) {
            Some(Hindrance::NobodyStaffed)
        } else if queue.waiting >= queue.config.max_waiting {
            Some(Hindrance::Full)
        } else {
            None
        }
    }

    /// A waiting call goes on in another queue, by what that queue needs: its own needs stay behind.
    pub(super) fn move_call(&mut self, id: CallId, to: QueueId, out: &mut Vec<Action>) {
        if let Some(hindrance) = self.hindrance(self.now, id, Some(to)) {
            debug!(call = %id, %to, %hindrance, "not moved");
            return;
        }
        let call = &self.calls[&id];
        let own = call.key.priority().saturating_sub(self.queue(call.queue).config.priority);
        let first = call.key.priority() == FIRST;
        let priority = if first { FIRST } else { self.queue(to).config.priority.saturating_add(own) };
        let key = call.key.with_priority(priority);
        let course = self.course_of(to, priority, &Demand::default());
        let reached = reached(&course, key.age(self.now));
        course[..reached].iter().for_each(|(_, class)| self.skills.release(*class));
        let steps = course[reached + 1..].iter().map(|(age, class)| (key.at_age(*age), *class)).collect();
        // Not by `self.queue_mut`: the queues and the calls are borrowed side by side.
        let call = &self.calls[&id];
        let from = call.queue;
        self.queues[from.0 as usize].goes(call);
        self.queues[to.0 as usize].comes(call);
        // What was forecast was forecast of another queue: nothing is to be learned from it.
        self.call_mut(id).forecast = None;
        self.place_anew(id, to, course[reached].1, steps, key, out);
    }

    /// A waiting call gets another priority of its own, [`FIRST`] being before all others.
    pub(super) fn prioritise(&mut self, id: CallId, own: i32, out: &mut Vec<Action>) {
        if let Some(hindrance) = self.hindrance(self.now, id, None) {
            debug!(call = %id, %hindrance, "not prioritised");
            return;
        }
        let call = &self.calls[&id];
        let (queue, class, steps, key) = (call.queue, call.class, call.steps.clone(), call.key);
        let of_queue = self.queue(queue).config.priority;
        let priority = if own == FIRST { FIRST } else { of_queue.saturating_add(own) };
        let class = self.skills.reclassed(class, priority);
        let steps =
            steps.into_iter().map(|(at, class)| (at, self.skills.reclassed(class, priority))).collect();
        self.place_anew(id, queue, class, steps, key.with_priority(priority), out);
    }

    /// Takes a waiting call out of its lines and into those of its new place, where an agent may be idle.
    fn place_anew(
        &mut self,
        id: CallId,
        queue: QueueId,
        class: ClassId,
        steps: Vec<(Timestamp, ClassId)>,
        key: Key,
        out: &mut Vec<Action>,
    ) {
        let call = self.call_mut(id);
        let Call { queue: old_queue, class: old_class, key: old_key, in_queue, .. } = *call;
        // A callback that is not to be tried yet stands in its queue's line alone.
        let may_be_rung = self.stand_down(id);
        let call = self.call_mut(id);
        let old_steps = std::mem::replace(&mut call.steps, steps);
        (call.queue, call.class, call.key) = (queue, class, key);
        self.queue_mut(old_queue).line.leave(old_key, in_queue);
        self.release(old_class, &old_steps);
        self.join_queue(id);
        let needs = self.skills.needs(class).clone();
        out.push(Action::Moved { call: id, queue, needs, priority: key.priority() });
        self.heed_surge(old_queue, out);
        self.heed_surge(queue, out);
        if may_be_rung {
            self.stand(id);
            self.look_for_idle(class);
            self.assign_call(id, out);
        }
        if self.calls[&id].stage == Stage::Waiting {
            self.rearm_call(id);
            self.watch_for_staff(id);
        }
    }

    /// The next change of skills that is to come has its deadline.
    pub(super) fn await_change(&mut self) {
        if let Some(next) = self.changes.last() {
            self.arm(Due::Skills, next.at);
        }
    }

    /// Agents get or lose the skills whose time has come.
    pub(super) fn skills_due(&mut self, out: &mut Vec<Action>) {
        while let Some(change) = self.changes.pop_if(|change| change.at <= self.now) {
            let SkillChange { agent, skill, level, .. } = change;
            out.push(Action::SkillChanged { agent, skill, level });
            self.set_skill(agent, skill, level, out);
        }
        self.await_change();
    }

    /// All that is to come stands elsewhere on the engine's clock; what is past is made up for at once.
    pub(super) fn redate(&mut self, mut changes: Vec<SkillChange>, out: &mut Vec<Action>) {
        changes.sort_unstable_by(|one, other| other.cmp(one));
        self.changes = changes;
        self.skills_due(out);
    }

    /// An agent has a skill at another level from now on; at 0 not at all. A call that rings at them or that they
    /// are in goes on; for one that they are reserved for and cannot serve any more, somebody else is.
    pub(super) fn set_skill(&mut self, id: AgentId, skill: SkillId, level: u8, out: &mut Vec<Action>) {
        let Some(agent) = self.agents.get(id.0 as usize) else {
            debug!(agent = %id, "a skill of an agent who is not in the center");
            return;
        };
        let (old, state) = (self.skills.profile_of(id), agent.state.clone());
        let (idle_since, calls) = (agent.idle_since, agent.calls);
        let Some(new) = self.skills.profile_with(old, skill, level) else {
            debug!(agent = %id, "a skill that the center does not have, or has already");
            return;
        };
        if state == AgentState::Ready {
            self.skills.busy(old, id, idle_since, calls);
        }
        // In first, out afterwards: who can still serve a class has not deserted it meanwhile.
        let (nobody, counted) = (Count::default(), counted_as(&state));
        self.skills.recount(new, nobody, counted);
        self.skills.recount(old, counted, nobody);
        if state != AgentState::Offline {
            self.skills.sign_in(new);
            self.desert(old);
        }
        self.skills.change_profile(id, new);
        if state == AgentState::Ready {
            self.skills.idle(new, id, idle_since, calls);
        }
        if let AgentState::Reserved(call) = state
            && !self.can_take(id, &self.calls[&call])
        {
            self.release_agent(id, out);
            self.reserve_another(call, id, out);
        }
        self.heed_preferring(id);
        self.assign_agent(id, out);
    }
}

/// Which class of a course a call of this age is of: the first is from the beginning, so one is reached.
fn reached(course: &Course, age: Duration) -> usize {
    course.iter().rposition(|(from, _)| *from <= age).unwrap_or(0)
}
