//! The one clock: monotonic time since the start, and the calendar's time beside it, which somebody may set meanwhile.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use rustix::time::ClockId;
use rustix::time::clock_gettime;
use serde::Deserialize;
use serde::Serialize;

use crate::base::Timestamp;
use crate::base::WallTime;
use crate::server::switchboard::Now;
use crate::store::story::length;
use crate::wire::media::machine_ms;

/// How often the calendar is looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How far the calendar may be from what we believe: what is steered smoothly, by NTP, is steered on both clocks.
const APART_MS: u64 = 2_000;
/// A machine that slept for less did not sleep.
const SLEPT_MS: u64 = 1_000;

/// Started once; everybody's [`Timestamp::ZERO`] is its start, or that of the process with whose calls this one goes on.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    /// What it showed then.
    before: Duration,
    started: WallTime,
    zero: WallTime,
    /// How long the machine has slept since it was switched on: no time passes meanwhile by the monotonic clock.
    slept: Duration,
}

/// The calendar is another one than was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalendarSet {
    /// How much later it is; earlier, where it is below zero.
    pub by_ms: i64,
    /// For so much of that the machine slept.
    pub slept: Duration,
}

/// Which start of the machine a process was of, and when its timestamps began to count by the machine's own clock, which nobody
/// sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    id: String,
    zero_ms: i64,
}

impl Boot {
    /// How long ago that was; none where the machine has been started anew since, or it was another one.
    pub fn passed(&self) -> Option<Duration> {
        let is_this = boot_id().is_some_and(|id| id == self.id);
        is_this.then(|| self.since_zero(machine_ms()))
    }

    /// How long after that it was `at_ms` by the machine's clock.
    pub fn since_zero(&self, at_ms: u64) -> Duration {
        let since_ms = i64::try_from(at_ms).unwrap_or(i64::MAX).saturating_sub(self.zero_ms);
        Duration::from_millis(u64::try_from(since_ms).unwrap_or_default())
    }
}

impl Clock {
    /// Starts now.
    pub fn start() -> Clock {
        let now = calendar();
        Clock { began: Instant::now(), before: Duration::ZERO, started: now, zero: now, slept: slept() }
    }

    /// Goes on with the clock of an earlier process, and never back before the last that it showed: by the machine's clock, where it
    /// tells how long has `passed` since [`Timestamp::ZERO`], for the calendar may have been set meanwhile; else by the calendar.
    /// `zero` is what that process took for the calendar's time at [`Timestamp::ZERO`] in the end.
    pub fn resume(started: WallTime, zero: WallTime, last: Timestamp, passed: Option<Duration>) -> Clock {
        let passed = passed.unwrap_or_else(|| calendar().since(zero));
        let before = passed.max(last.since(Timestamp::ZERO));
        Clock { began: Instant::now(), before, started, zero, slept: slept() }
    }

    /// What the calendar showed at [`Timestamp::ZERO`]: it stays, and so tells one server from another.
    pub fn started(&self) -> WallTime {
        self.started
    }

    /// What the calendar would have shown at [`Timestamp::ZERO`], had it been right.
    pub fn zero(&self) -> WallTime {
        self.zero
    }

    /// By which the next process knows how long has passed; none where the machine does not tell its starts apart.
    pub fn boot(&self) -> Option<Boot> {
        let elapsed_ms = i64::try_from(self.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now_ms = i64::try_from(machine_ms()).unwrap_or(i64::MAX);
        Some(Boot { id: boot_id()?, zero_ms: now_ms.saturating_sub(elapsed_ms) })
    }

    /// The time.
    pub fn now(&self) -> Now {
        let elapsed = self.elapsed();
        Now { at: Timestamp::ZERO + elapsed, wall: self.zero + elapsed }
    }

    /// The instant of a timestamp, to sleep until.
    pub fn instant(&self, at: Timestamp) -> Instant {
        self.began + at.since(Timestamp::ZERO).saturating_sub(self.before)
    }

    /// Looks at the calendar, and follows it where it was set. Timestamps stay what they are.
    pub fn look(&mut self) -> Option<CalendarSet> {
        self.follow(calendar(), slept())
    }

    fn follow(&mut self, calendar: WallTime, slept: Duration) -> Option<CalendarSet> {
        let asleep = slept.saturating_sub(std::mem::replace(&mut self.slept, slept));
        let by_ms = calendar.0.saturating_sub(self.now().wall.0) / 1_000;
        if by_ms.unsigned_abs() <= APART_MS {
            return None;
        }
        self.zero = self.zero.moved(by_ms);
        let slept = if asleep < Duration::from_millis(SLEPT_MS) { Duration::ZERO } else { asleep };
        Some(CalendarSet { by_ms, slept })
    }

    fn elapsed(&self) -> Duration {
        self.before + self.began.elapsed()
    }
}

/// `2 h 0 min forward`
pub fn in_words(by_ms: i64) -> String {
    let way = if by_ms < 0 { "back" } else { "forward" };
    let secs = by_ms.unsigned_abs().saturating_add(500) / 1_000;
    format!("{} {way}", length(Duration::from_secs(secs)))
}

/// The calendar's time now.
pub(super) fn calendar() -> WallTime {
    // A calendar set before 1970 is the operator's to mend: `warmline doctor` says so.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

/// What tells this start of the machine from others; Linux has it.
fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// How long the machine has slept: Linux's boot clock goes on meanwhile, and the monotonic one does not.
#[cfg(target_os = "linux")]
fn slept() -> Duration {
    let [on, awake] = [ClockId::Boottime, ClockId::Monotonic].map(|clock| {
        let time = clock_gettime(clock);
        Duration::try_from(time).unwrap_or_default()
    });
    on.saturating_sub(awake)
}

#[cfg(not(target_os = "linux"))]
fn slept() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn a_clock_that_goes_on_is_never_behind_what_was_shown_and_sleeps_by_its_own_time() {
        let first = Clock::start();
        let shown = first.now().at + Duration::from_secs(3_600);
        // As if the calendar had been set back meanwhile.
        let second = Clock::resume(first.started(), first.zero(), shown, None);
        assert!(second.now().at >= shown && second.now().at < shown + Duration::from_secs(60));
        let due = shown + Duration::from_secs(5);
        let left = second.instant(due).saturating_duration_since(Instant::now());
        assert!(left <= Duration::from_secs(5) && left > Duration::from_secs(0), "{left:?}");
        assert!(second.instant(Timestamp::ZERO) <= Instant::now(), "what was due before is due");
    }

    /// Seconds from what the clock takes for now.
    fn apart(clock: &Clock, calendar: WallTime) -> i64 {
        (calendar.0 - clock.now().wall.0) / 1_000_000
    }

    #[test]
    fn a_calendar_that_is_set_is_followed_and_timestamps_stay() {
        for by_ms in [2 * HOUR_MS, -30 * HOUR_MS, 2_500] {
            let mut clock = Clock::start();
            let (before, asleep) = (clock, clock.slept);
            let set = calendar().moved(by_ms);
            let told = clock.follow(set, asleep).expect("it is far from what was believed");
            assert!(told.by_ms.abs_diff(by_ms) < 1_000 && told.slept.is_zero(), "{told:?}");
            assert_eq!(apart(&clock, set), 0);
            assert_eq!(clock.started(), before.started());
            let due = Timestamp::from_secs(60);
            assert_eq!(clock.instant(due), before.instant(due), "deadlines are another clock's");
            assert!(clock.now().at.since(before.now().at) < Duration::from_secs(60));
            assert_eq!(clock.follow(set, asleep), None, "once");
        }
    }

    #[test]
    fn what_is_steered_by_parts_of_a_second_is_left_alone() {
        let mut clock = Clock::start();
        let asleep = clock.slept;
        for by_ms in [0, 900, -1_900] {
            assert_eq!(clock.follow(calendar().moved(by_ms), asleep), None, "{by_ms} ms");
        }
        assert_eq!(clock.zero(), clock.started());
    }

    #[test]
    fn a_machine_that_slept_is_told_from_a_clock_that_was_set() {
        let mut clock = Clock::start();
        let slept = clock.slept + Duration::from_secs(3_600);
        let set = clock.follow(calendar().moved(HOUR_MS), slept).expect("an hour is missing");
        assert_eq!(set.slept, Duration::from_secs(3_600));
        assert_eq!(clock.follow(calendar().moved(HOUR_MS), slept), None);
    }

    #[test]
    fn who_goes_on_after_a_calendar_was_set_does_not_take_that_for_time_that_has_passed() {
        let mut first = Clock::start();
        // It was started two hours before the clock was set right.
        first.started = calendar().moved(-2 * HOUR_MS);
        first.zero = first.started;
        first.look().expect("the calendar is two hours ahead");
        let second = Clock::resume(first.started(), first.zero(), Timestamp::from_secs(7), None);
        assert!(second.now().at < Timestamp::from_secs(60), "{:?}", second.now());
        let behind = -apart(&second, calendar());
        assert!((5..=7).contains(&behind), "seven seconds were shown: {behind}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_calendar_that_is_set_while_nobody_runs_is_not_taken_for_time_that_has_passed() {
        let first = Clock::start();
        let boot = first.boot().expect("Linux tells its starts apart");
        // As if the calendar had been set two hours ahead meanwhile.
        let zero = first.zero().moved(-2 * HOUR_MS);
        let resumed = |passed| Clock::resume(zero, zero, Timestamp::from_secs(7), passed).now().at;
        assert!(resumed(boot.passed()) < Timestamp::from_secs(60));
        assert!(resumed(None) >= Timestamp::from_secs(2 * 3_600), "by the calendar");
        let mut second = Clock::resume(zero, zero, Timestamp::from_secs(7), boot.passed());
        let told = second.look().expect("the calendar is followed, and that is told");
        assert!((told.by_ms - 2 * HOUR_MS).abs() < 60_000, "{told:?}");
        let elsewhere = Boot { id: "another start".to_owned(), ..boot };
        assert_eq!(elsewhere.passed(), None);
    }
}
