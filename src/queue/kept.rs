//! Who is to be called back, by who they are: whoever calls again meanwhile and is served in the same queue need not be.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::api::Action;
use super::api::WaitExit;
use super::engine::Engine;
use super::engine::Stage;
use super::redial::Whose;
use super::waits::Call;
use crate::base::CallId;
use crate::base::Timestamp;

/// How a place is kept whose caller is not on the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Keeping {
    /// They are called back no sooner.
    pub from: Timestamp,
    /// The place ends then, where that was agreed on before.
    pub until: Option<Timestamp>,
    /// How often they were called in vain.
    pub tries: u32,
}

impl Keeping {
    /// A place that is agreed on now.
    pub fn agreed(from: Timestamp) -> Keeping {
        Keeping { from, until: None, tries: 0 }
    }
}

/// The calls of whom only the place is kept. As many as there are calls, for each way in which their caller is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept(BTreeSet<(Whose, CallId)>);

impl Kept {
    pub fn add(&mut self, whose: &[Whose], call: CallId) {
        self.0.extend(whose.iter().map(|whose| (*whose, call)));
    }

    pub fn remove(&mut self, whose: &[Whose], call: CallId) {
        for whose in whose {
            self.0.remove(&(*whose, call));
        }
    }

    /// The calls of any of these, each once.
    fn of(&self, whose: &[Whose]) -> BTreeSet<CallId> {
        let calls = |whose: &Whose| self.0.range((*whose, CallId(0))..=(*whose, CallId(u64::MAX)));
        whose.iter().flat_map(calls).map(|(_, call)| *call).collect()
    }
}

impl Engine {
    /// Somebody who is on the line has an agent: a callback for them in the same queue is over, unless an agent has it.
    pub(super) fn call_off_callbacks(&mut self, id: CallId, out: &mut Vec<Action>) {
        let call = &self.calls[&id];
        let queue = call.queue;
        for kept in self.kept.of(&call.whose) {
            // Who has picked up for their callback is on the line.
            let waits = |call: &Call| {
                call.queue == queue && call.is_callback() && !matches!(call.stage, Stage::Talking(_))
            };
            if self.calls.get(kept).is_some_and(waits) {
                self.exit(kept, WaitExit::Redialled, out);
            }
        }
    }
}
