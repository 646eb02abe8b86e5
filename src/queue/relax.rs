//! The steps of a wait: what is needed of an agent is replaced once a call has waited so long.
//!
//! Which classes a call goes through is known when it joins, so that a step costs no more than changing lines.
//! While a phone rings nothing changes: the step is taken when the call is back in line.

use super::api::Action;
use super::engine::Due;
use super::engine::Engine;
use super::engine::Stage;
use super::skills::ClassId;
use super::waits::STAFF_GRACE;
use crate::base::CallId;
use crate::base::Timestamp;

impl Engine {
    /// A step of a waiting call is due: others may serve it from now on.
    pub(super) fn relax(&mut self, id: CallId, out: &mut Vec<Action>) {
        // A callback that is not to be tried yet is in no class's line.
        let stood = self.stand_down(id);
        self.take_steps(id, out);
        if stood {
            self.stand(id);
            self.look_for_idle(self.calls[&id].class);
            self.assign_call(id, out);
        }
        if self.calls[&id].stage == Stage::Waiting {
            self.rearm_call(id);
            self.watch_for_staff(id);
        }
    }

    /// Takes the steps that are due of a call that is in no class's line.
    pub(super) fn take_steps(&mut self, id: CallId, out: &mut Vec<Action>) {
        let now = self.now;
        let call = self.call_mut(id);
        let due = call.steps.partition_point(|(at, _)| *at <= now);
        let mut taken: Vec<ClassId> = call.steps.drain(..due).map(|(_, class)| class).collect();
        let Some(class) = taken.pop() else { return };
        let before = std::mem::replace(&mut call.class, class);
        taken.push(before);
        taken.into_iter().for_each(|class| self.skills.release(class));
        // Several at once, after a long ring, may lead back to where it was.
        if class != before {
            out.push(Action::Relaxed { call: id, needs: self.skills.needs(class).clone() });
        }
    }

    /// Whether somebody who is signed in can serve a call with these steps ahead.
    pub(super) fn staffed_later(&self, steps: &[(Timestamp, ClassId)]) -> bool {
        steps.iter().any(|(_, class)| self.skills.staffed(*class) > 0)
    }

    /// A call that nobody signed in can serve any more gives up like those whose last agent signs out.
    pub(super) fn watch_for_staff(&mut self, id: CallId) {
        let call = &self.calls[&id];
        let class = call.class;
        if !self.staffed_later(&call.steps) && self.skills.mark_deserted(class, self.now) {
            self.arm(Due::Deserted(class), self.now + STAFF_GRACE);
        }
    }

    /// A call is of these classes no more, and will not be.
    pub(super) fn release(&mut self, class: ClassId, steps: &[(Timestamp, ClassId)]) {
        self.skills.release(class);
        steps.iter().for_each(|(_, class)| self.skills.release(*class));
    }
}
