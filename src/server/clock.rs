//! The one clock: monotonic time since the start, and the calendar's time beside it.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::base::Timestamp;
use crate::base::WallTime;
use crate::server::switchboard::Now;

/// Started once; everybody's [`Timestamp::ZERO`] is its start, or that of the process with whose calls this one goes on.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    /// What it showed then.
    before: Duration,
    started: WallTime,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Clock {
        Clock { began: Instant::now(), before: Duration::ZERO, started: calendar() }
    }

    /// Goes on with the clock of an earlier process, by the calendar, and never back before the last that it showed.
    pub fn resume(started: WallTime, last: Timestamp) -> Clock {
        let before = calendar().since(started).max(last.since(Timestamp::ZERO));
        Clock { began: Instant::now(), before, started }
    }

    /// The calendar's time at [`Timestamp::ZERO`].
    pub fn started(&self) -> WallTime {
        self.started
    }

    /// The time.
    pub fn now(&self) -> Now {
        let elapsed = self.before + self.began.elapsed();
        Now { at: Timestamp::ZERO + elapsed, wall: self.started + elapsed }
    }

    /// The instant of a timestamp, to sleep until.
    pub fn instant(&self, at: Timestamp) -> Instant {
        self.began + at.since(Timestamp::ZERO).saturating_sub(self.before)
    }
}

/// The calendar's time now.
pub(super) fn calendar() -> WallTime {
    // A calendar set before 1970 is the operator's to mend: `warmline doctor` says so.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_on_is_never_behind_what_was_shown_and_sleeps_by_its_own_time() {
        let first = Clock::start();
        let shown = first.now().at + Duration::from_secs(3_600);
        // As if the calendar had been set back meanwhile.
        let second = Clock::resume(first.started(), shown);
        assert!(second.now().at >= shown && second.now().at < shown + Duration::from_secs(60));
        let due = shown + Duration::from_secs(5);
        let left = second.instant(due).saturating_duration_since(Instant::now());
        assert!(left <= Duration::from_secs(5) && left > Duration::from_secs(0), "{left:?}");
        assert!(second.instant(Timestamp::ZERO) <= Instant::now(), "what was due before is due");
    }
}
