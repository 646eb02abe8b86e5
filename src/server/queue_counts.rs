//! What became of a queue's waits since the server's start: counters for `/metrics`, which only ever grow, where the
//! board's figures are a day's.

use std::time::Duration;

use crate::fact::WaitExit;
use crate::server::spread::SpreadCounts;
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

/// Up to how many seconds waits are counted apart: the thresholds of service levels, and beyond them what makes callers give up.
pub(super) const WAIT_BOUNDS: [u16; 13] = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1_200];

/// How long waits took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitLengths {
    /// Those up to each of [`WAIT_BOUNDS`] and beyond the one before it; the last are beyond all.
    counts: [u64; WAIT_BOUNDS.len() + 1],
    total: Duration,
}

/// One queue's counts. Who joined since the start and waits no more is in one of the others, `in_target` apart, which is
/// a part of `answered`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Waits that began, those of whom the queue did not let in among them, and those that were moved here.
    pub joined: u64,
    pub answered: u64,
    /// How long they had waited.
    pub answered_after: WaitLengths,
    /// Of those, within the queue's target.
    pub in_target: u64,
    /// Hung up after the first seconds.
    pub abandoned: u64,
    /// Hung up within [`SHORT_ABANDON`].
    pub short: u64,
    /// After how long they hung up, these and those.
    pub hung_up_after: WaitLengths,
    /// Moved to another queue.
    pub moved: u64,
    /// Places that were kept for somebody who called again and was served, which is another wait's end.
    pub redialled: u64,
    unserved: [u64; UNSERVED.len()],
}

impl QueueCounts {
    /// A wait has ended in a queue with this target; `exit` is what the fact says where no agent took it.
    pub(super) fn end(&mut self, end: &WaitEnd, exit: Option<WaitExit>, target: Duration) {
        if let WaitEnd::HungUp { after } = *end {
            self.hung_up_after.count(after);
        }
        match *end {
            WaitEnd::Answered { waited, .. } => {
                self.answered += 1;
                self.answered_after.count(waited);
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

impl WaitLengths {
    fn count(&mut self, length: Duration) {
        let is_within = |bound: &u16| length <= Duration::from_secs((*bound).into());
        let place = WAIT_BOUNDS.iter().position(is_within).unwrap_or(WAIT_BOUNDS.len());
        self.counts[place] += 1;
        self.total += length;
    }

    /// How many took up to each bound, and how long all of them did, in seconds.
    pub fn counts(&self) -> SpreadCounts {
        let mut count = 0;
        let up_to = |(bound, of): (u16, &u64)| {
            count += of;
            (f64::from(bound), count)
        };
        let buckets: Vec<_> = WAIT_BOUNDS.into_iter().zip(&self.counts).map(up_to).collect();
        SpreadCounts { buckets, sum: self.total.as_secs_f64(), count: self.counts.iter().sum() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_counts_for_its_threshold_and_all_above() {
        let mut lengths = WaitLengths::default();
        [0, 20_000, 20_001, 3_600_000].into_iter().for_each(|ms| lengths.count(Duration::from_millis(ms)));
        let SpreadCounts { buckets, sum, count } = lengths.counts();
        let at = |bound| buckets.iter().find(|bucket| bucket.0 == bound).map(|bucket| bucket.1);
        assert_eq!(
            (at(5.0), at(15.0), at(20.0), at(30.0), at(1_200.0)),
            (Some(1), Some(1), Some(2), Some(3), Some(3))
        );
        assert_eq!((sum, count), (3_640.001, 4));
    }
}
