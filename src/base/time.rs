//! Time as the cores know it: told, never asked.

use std::fmt;
use std::ops::Add;
use std::ops::AddAssign;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

/// Microseconds since the server started. Monotonic.
///
/// RTP's timestamp is media time and the calendar is [`WallTime`]: neither is ever this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment the server started.
    pub const ZERO: Timestamp = Timestamp(0);

    /// `millis` milliseconds after the start.
    pub const fn from_millis(millis: u64) -> Timestamp {
        Timestamp(millis * 1_000)
    }

    /// `secs` seconds after the start.
    pub const fn from_secs(secs: u64) -> Timestamp {
        Timestamp(secs * 1_000_000)
    }

    /// How long it has been since `earlier`; zero when `earlier` is later.
    pub const fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;

    fn add(self, duration: Duration) -> Timestamp {
        // A duration beyond 584 000 years saturates: such a deadline is never due either way.
        Timestamp(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// Microseconds since 1970-01-01T00:00:00Z: the calendar's time, for people and for certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WallTime(pub i64);

impl WallTime {
    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub const fn unix_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long it has been since `earlier`; zero when `earlier` is later, or the machine's clock was set back.
    pub const fn since(self, earlier: WallTime) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(if micros > 0 { micros.unsigned_abs() } else { 0 })
    }

    /// As a calendar shows it that is so many milliseconds ahead; behind, where they are below zero.
    pub const fn moved(self, by_ms: i64) -> WallTime {
        WallTime(self.0.saturating_add(by_ms.saturating_mul(1_000)))
    }

    /// So long before.
    pub fn before(self, duration: Duration) -> WallTime {
        WallTime(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Add<Duration> for WallTime {
    type Output = WallTime;

    fn add(self, duration: Duration) -> WallTime {
        WallTime(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_moves_by_arithmetic() {
        let start = Timestamp::from_secs(2);
        assert_eq!(start + Duration::from_millis(5), Timestamp(2_005_000));
        assert_eq!(start.since(Timestamp::from_millis(500)), Duration::from_millis(1_500));
        assert_eq!(Timestamp::ZERO.since(start), Duration::ZERO);
        assert_eq!(Timestamp(u64::MAX) + Duration::MAX, Timestamp(u64::MAX));
        assert_eq!(Timestamp(1_002_003).to_string(), "1.002003s");
    }
}
