//! What became of a queue's waits since the server's start: counters for `/metrics`, which only ever grow, where the
//! board's figures are a day's.

use std::time::Duration;

use crate::fact::WaitExit;
use crate::store::waits::SHORT_ABANDON;
use crate::store::waits::WaitEnd;

/// Every way in which a wait ends without an agent and without the caller's hanging up, in the order of its counters.
pub const UNSERVED: [WaitExit; 9] = [
    WaitExit::NobodyStaffed,
    WaitExit::Full,
    WaitExit::ExpectedWait,
    WaitExit::Surge,
    WaitExit::Cap,
    WaitExit::Declined,
    WaitExit::CallbackFailed,
    WaitExit::EndedByOperator,
    WaitExit::EndedByServer,
];

/// One queue's counts. Who joined since the start and waits no more is in one of the others, `in_target` apart, which is
/// a part of `answered`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Waits that began, those of whom the queue did not let in among them, and those that were moved here.
    pub joined: u64,
    pub answered: u64,
    /// Of those, within the queue's target.
    pub in_target: u64,
    /// Hung up after the first seconds.
    pub abandoned: u64,
    /// Hung up within [`SHORT_ABANDON`].
    pub short: u64,
    /// Moved to another queue.
    pub moved: u64,
    /// Places that were kept for somebody who called again and was served, which is another wait's end.
    pub redialled: u64,
    unserved: [u64; UNSERVED.len()],
}

impl QueueCounts {
    /// A wait has ended in a queue with this target; `exit` is what the fact says where no agent took it.
    pub(super) fn end(&mut self, end: &WaitEnd, exit: Option<WaitExit>, target: Duration) {
        match *end {
            WaitEnd::Answered { waited, .. } => {
                self.answered += 1;
                self.in_target += u64::from(waited <= target);
            }
            WaitEnd::HungUp { after } if after < SHORT_ABANDON => self.short += 1,
            WaitEnd::HungUp { .. } => self.abandoned += 1,
            WaitEnd::Redialled => self.redialled += 1,
            WaitEnd::Unserved => {
                if let Some(place) = UNSERVED.iter().position(|known| Some(*known) == exit) {
                    self.unserved[place] += 1;
                }
            }
        }
    }

    /// Waits that ended otherwise, by why: each of [`UNSERVED`].
    pub fn unserved(&self) -> impl Iterator<Item = (WaitExit, u64)> {
        UNSERVED.into_iter().zip(self.unserved)
    }
}
