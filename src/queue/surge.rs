//! The surge of a queue: so many callers on the line for each agent that who joins now is told so first, or is not let in.
//!
//! It is looked at whenever somebody joins or leaves the queue, and begins at more callers than it ends at, so that it does
//! not come and go with each of them. Whoever waits already stays, and keeps their place.

use super::api::Action;
use super::engine::Engine;
use super::engine::Queue;
use super::waits::Call;
use crate::base::QueueId;
use crate::base::Timestamp;

/// A queue in a surge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surge {
    pub queue: QueueId,
    pub since: Timestamp,
    /// How many callers are on the line without an agent.
    pub waiting: u32,
    /// How many agents take their calls.
    pub agents: u32,
}

impl Call {
    /// Whether nobody is on the line for this queue's agents: the place of a callback, or a call for one agent alone.
    fn is_aside(&self) -> bool {
        self.is_callback() || self.direct
    }
}

impl Queue {
    /// A call without an agent is in the queue from now on.
    pub fn comes(&mut self, call: &Call) {
        self.waiting += 1;
        self.aside += u32::from(call.is_aside());
    }

    /// It is no more, or has an agent.
    pub fn goes(&mut self, call: &Call) {
        self.waiting -= 1;
        if call.is_aside() {
            self.stays_on_no_line(false);
        }
    }

    /// One more or less of those who wait keeps a place without being on the line. An engine that was written down before this
    /// was counted knows of fewer.
    pub fn stays_on_no_line(&mut self, more: bool) {
        self.aside = if more { self.aside + 1 } else { self.aside.saturating_sub(1) };
    }

    /// How many callers are on the line without an agent.
    fn on_line(&self) -> u32 {
        self.waiting.saturating_sub(self.aside)
    }
}

impl Engine {
    /// Since when a queue is in a surge.
    pub fn surge_since(&self, queue: QueueId) -> Option<Timestamp> {
        self.queues.get(queue.0 as usize)?.surge_since
    }

    /// The queues that are in a surge.
    pub fn surges(&self) -> impl Iterator<Item = Surge> {
        self.queues.iter().zip(0..).filter_map(|(queue, id)| {
            let (since, waiting, agents) = (queue.surge_since?, queue.on_line(), self.at_work_for(queue));
            Some(Surge { queue: QueueId(id), since, waiting, agents })
        })
    }

    fn at_work_for(&self, queue: &Queue) -> u32 {
        self.skills.count(queue.course[0].1.0 as usize).working
    }

    /// A surge begins or ends, if it is time. Nobody who takes calls counts as one agent: the break of the only one makes no
    /// surge of a single caller.
    pub(super) fn heed_surge(&mut self, id: QueueId, out: &mut Vec<Action>) {
        let queue = self.queue(id);
        let Some(rule) = queue.config.surge else { return };
        let agents = self.at_work_for(queue);
        let waiting = queue.on_line();
        let more_than = |each: u32| waiting > each.saturating_mul(agents.max(1));
        let (began, now) = (queue.surge_since.is_some(), self.now);
        if !began && more_than(rule.from) {
            self.queue_mut(id).surge_since = Some(now);
            out.push(Action::SurgeBegan { queue: id, waiting, agents });
        } else if began && !more_than(rule.until) {
            self.queue_mut(id).surge_since = None;
            out.push(Action::SurgeEnded { queue: id, waiting, agents });
        }
    }
}
