//! The one clock: monotonic time since the start, and the calendar's time beside it.

use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::base::Timestamp;
use crate::base::WallTime;
use crate::server::switchboard::Now;

/// Started once; everybody's [`Timestamp::ZERO`] is its start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zero: Instant,
    started: WallTime,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Clock {
        // A calendar set before 1970 is the operator's to mend: `warmline doctor` says so.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = WallTime(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX));
        Clock { zero: Instant::now(), started }
    }

    /// The calendar's time at the start.
    pub fn started(&self) -> WallTime {
        self.started
    }

    /// The time.
    pub fn now(&self) -> Now {
        let elapsed = self.zero.elapsed();
        Now { at: Timestamp::ZERO + elapsed, wall: self.started + elapsed }
    }

    /// The instant of a timestamp, to sleep until.
    pub fn instant(&self, at: Timestamp) -> Instant {
        self.zero + at.since(Timestamp::ZERO)
    }
}
