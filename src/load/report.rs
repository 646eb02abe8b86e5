//! What came of a run: counts, spreads of times, and an estimate of how it sounded.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::callers::Counts;
use super::ear::Heard;

/// The longest time that a spread tells; what is longer counts as this.
const LONGEST_US: u64 = 600_000_000;
/// What a phone's buffer and a packet's own length add to the way through the network.
const BUFFERED: Duration = Duration::from_millis(60);

/// How times are spread, in microseconds with three digits; the longest is exact.
#[derive(Clone)]
pub struct Spread {
    times: Histogram<u64>,
    longest: Duration,
}

impl Default for Spread {
    fn default() -> Spread {
        // The bounds are constants that a histogram takes.
        let times = Histogram::new_with_bounds(1, LONGEST_US, 3).expect("bounds of a histogram");
        Spread { times, longest: Duration::ZERO }
    }
}

impl fmt::Debug for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spread({} times up to {:?})", self.count(), self.max())
    }
}

impl Spread {
    /// One more.
    pub fn record(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.times.saturating_record(micros.min(LONGEST_US));
        self.longest = self.longest.max(time);
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.times.len()
    }

    /// The time that this share of all is within.
    pub fn at(&self, share: f64) -> Duration {
        Duration::from_micros(self.times.value_at_quantile(share)).min(self.longest)
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        self.longest
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// From the first call to the last line's end.
    pub took: Duration,
    pub counts: Counts,
    pub heard: Heard,
    pub packets_sent: u64,
    /// Packets that the kernel did not take, or that were sent more than 5 ms late: the generator's own fault.
    pub send_late: u64,
    /// SIP messages that we sent again.
    pub repeated: u64,
    /// Whether the server sent anything at all.
    pub server_heard: bool,
}

impl Report {
    /// Calls answered, of those placed.
    pub fn answered_share(&self) -> f64 {
        share(self.counts.answered, self.counts.placed)
    }

    /// Packets lost, of those that should have come.
    pub fn loss(&self) -> f64 {
        share(self.heard.lost, self.heard.packets + self.heard.lost)
    }

    /// Statuses that calls were refused with, and how often.
    pub fn refused(&self) -> &BTreeMap<u16, u64> {
        &self.counts.refused
    }

    /// How good a listener would call it, 1 to 4.5; none when nothing was heard.
    pub fn mos(&self) -> Option<f64> {
        let delay = self.heard.delay.at(0.5) + self.heard.off_pace.at(0.99) + BUFFERED;
        (self.heard.packets > 0).then(|| mos(self.loss(), delay))
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The E-model for G.711 with concealment, by loss (0 to 1) and delay from mouth to ear.
///
/// [ITU-T G.107](https://www.itu.int/rec/T-REC-G.107), with the factors of G.113 for G.711.
fn mos(loss: f64, delay: Duration) -> f64 {
    let ms = delay.as_secs_f64() * 1_000.0;
    let delay_impairment = 0.024 * ms + 0.11 * (ms - 177.3).max(0.0);
    let percent = loss * 100.0;
    let loss_impairment = 95.0 * percent / (percent + 25.1);
    let r = (93.2 - delay_impairment - loss_impairment).clamp(0.0, 100.0);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_tells_what_most_are_within() {
        let mut spread = Spread::default();
        for ms in 1..=1_000 {
            spread.record(Duration::from_millis(ms));
        }
        let near = |share, ms: u64| spread.at(share).as_millis().abs_diff(u128::from(ms)) <= 1;
        assert!(near(0.5, 500) && near(0.99, 990) && near(0.999, 999), "{spread:?}");
        assert_eq!(spread.count(), 1_000);
        spread.record(Duration::MAX);
        assert!(spread.max() >= Duration::from_secs(600));
    }

    #[test]
    fn loss_and_delay_are_heard() {
        let near = Duration::from_millis(60);
        assert!((4.3..4.5).contains(&mos(0.0, near)), "{}", mos(0.0, near));
        assert!((3.9..4.3).contains(&mos(0.02, near)), "{}", mos(0.02, near));
        assert!((2.0..3.0).contains(&mos(0.15, near)), "{}", mos(0.15, near));
        assert!(mos(0.0, Duration::from_millis(400)) < mos(0.0, near) - 0.5);
        assert!(mos(1.0, Duration::from_secs(9)) >= 1.0);
    }
}
