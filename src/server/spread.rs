//! How many values were up to each of some bounds, and their sum: for a histogram among the metrics.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// From what nobody notices to what makes people say hello.
pub(super) const FIRST_HEARD_BOUNDS: [f64; 7] = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];

/// From "nearly all dissatisfied" to "very satisfied" (ITU-T G.107 Annex B).
pub(super) const MOS_BOUNDS: [f64; 7] = [2.0, 2.5, 3.0, 3.5, 3.8, 4.1, 4.3];

/// Sums are kept in millionths.
const PARTS: f64 = 1e6;

/// Counted by one thread, read by any.
pub(super) struct Spread {
    bounds: &'static [f64],
    /// Those up to each bound and beyond the one before it; the last are beyond all.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct SpreadCounts {
    /// How many values were at most so much.
    pub buckets: Vec<(f64, u64)>,
    pub sum: f64,
    pub count: u64,
}

impl Spread {
    pub fn new(bounds: &'static [f64]) -> Spread {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Spread { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a value, which is not negative.
    pub fn count(&self, value: f64) {
        let place = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add((value * PARTS).round() as u64, Ordering::Relaxed);
    }

    pub fn counts(&self) -> SpreadCounts {
        let mut count = 0;
        let mut up_to = |counter: &AtomicU64| {
            count += counter.load(Ordering::Relaxed);
            count
        };
        let buckets = self.bounds.iter().copied().zip(self.counts.iter().map(&mut up_to)).collect();
        up_to(&self.counts[self.bounds.len()]);
        SpreadCounts { buckets, sum: self.sum.load(Ordering::Relaxed) as f64 / PARTS, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_for_its_bound_and_all_above() {
        let spread = Spread::new(&[0.5, 2.0]);
        [0.5, 0.1, 1.25, 9.0].iter().for_each(|value| spread.count(*value));
        let expected = SpreadCounts { buckets: vec![(0.5, 2), (2.0, 3)], sum: 10.85, count: 4 };
        assert_eq!(spread.counts(), expected);
    }
}
