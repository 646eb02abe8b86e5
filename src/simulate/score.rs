//! What a day was worth: service level overall and of the worst type, waits, hang-ups, and what the promises
//! about waits were worth.

use std::time::Duration;

use super::center::Arrival;
use super::center::Center;
use crate::base::Timestamp;

/// What became of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// What was said of the wait when the caller came.
    Answered {
        said: Option<(Duration, Duration)>,
        /// Whether the agent had what is preferred.
        wanted: bool,
    },
    HungUp,
}

/// The figures of one type of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OfType {
    pub offered: u32,
    pub in_target: u32,
    pub answered: u32,
    pub hung_up: u32,
    target: (u8, Duration),
}

/// The figures of a day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    pub types: Vec<OfType>,
    /// Of the answered, in s, sorted once the day is over.
    pub waits: Vec<f64>,
    /// The standard deviation of occupancy among agents with the same skills, in points of per cent: see `fairness`.
    pub spread: f64,
    count_from: Timestamp,
    wanted: u32,
    /// Of the answered who had to wait and were told how long: said minus waited, in s.
    errors: Vec<f64>,
    covered: u32,
}

impl Score {
    pub(super) fn new(center: &Center) -> Score {
        let kind = |kind: &super::router::CallType| OfType { target: kind.target, ..OfType::default() };
        let types = center.setup.types.iter().map(kind).collect();
        Score { types, count_from: center.count_from, ..Score::default() }
    }

    pub(super) fn add(&mut self, call: &Arrival, now: Timestamp, fate: Fate) {
        if call.at < self.count_from {
            return;
        }
        let of_type = &mut self.types[call.kind as usize];
        let waited = now.since(call.at);
        of_type.offered += 1;
        let Fate::Answered { said, wanted } = fate else {
            of_type.hung_up += 1;
            return;
        };
        of_type.answered += 1;
        self.wanted += u32::from(wanted);
        of_type.in_target += u32::from(waited <= of_type.target.1);
        self.waits.push(waited.as_secs_f64());
        if let Some((mean, bound)) = said.filter(|_| !waited.is_zero()) {
            self.errors.push(mean.as_secs_f64() - waited.as_secs_f64());
            self.covered += u32::from(waited <= bound);
        }
    }

    /// The day is over; some still wait.
    pub(super) fn end<'a>(&mut self, now: Timestamp, waiting: impl Iterator<Item = &'a Arrival>) {
        waiting.for_each(|call| self.add(call, now, Fate::HungUp));
        self.waits.sort_by(f64::total_cmp);
    }

    pub fn offered(&self) -> u32 {
        self.types.iter().map(|kind| kind.offered).sum()
    }

    /// Answered within target, in percent of the offered.
    pub fn service_level(&self) -> f64 {
        percent(self.types.iter().map(|kind| kind.in_target).sum(), self.offered())
    }

    /// The same of the type that is worst off, of those with at least 20 calls.
    pub fn worst(&self) -> f64 {
        let counted = self.types.iter().filter(|kind| kind.offered >= 20);
        counted.map(|kind| percent(kind.in_target, kind.offered)).fold(100.0, f64::min)
    }

    /// How many points the types are below their targets, weighed by calls.
    pub fn short(&self) -> f64 {
        let short = |kind: &OfType| {
            let share = percent(kind.in_target, kind.offered);
            (f64::from(kind.target.0) - share).max(0.0) * f64::from(kind.offered)
        };
        self.types.iter().map(short).sum::<f64>() / f64::from(self.offered().max(1))
    }

    /// Hung up while waiting, in percent of the offered.
    pub fn abandoned(&self) -> f64 {
        percent(self.types.iter().map(|kind| kind.hung_up).sum(), self.offered())
    }

    /// Answered by who had what is preferred, in percent of the answered.
    pub fn as_wanted(&self) -> f64 {
        percent(self.wanted, self.waits.len() as u32)
    }

    /// The mean wait of the answered, in s.
    pub fn mean_wait(&self) -> f64 {
        self.waits.iter().sum::<f64>() / self.waits.len().max(1) as f64
    }

    /// The wait that this share of the answered did not exceed, in s.
    pub fn wait_of(&self, share: f64) -> f64 {
        let place = (share * self.waits.len() as f64) as usize;
        self.waits.get(place.min(self.waits.len().saturating_sub(1))).copied().unwrap_or(0.0)
    }

    /// What was said of waits beyond what they were, in s: the mean, and the mean size.
    pub fn bias(&self) -> (f64, f64) {
        let count = self.errors.len().max(1) as f64;
        let size = self.errors.iter().map(|error| error.abs()).sum::<f64>();
        (self.errors.iter().sum::<f64>() / count, size / count)
    }

    /// How many percent of the waits stayed within the bound that was said.
    pub fn coverage(&self) -> f64 {
        percent(self.covered, self.errors.len() as u32)
    }
}

fn percent(part: u32, of: u32) -> f64 {
    100.0 * f64::from(part) / f64::from(of.max(1))
}
