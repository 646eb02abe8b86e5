//! How long a wait will take, as far as anybody can say: the work ahead, shared by those who do it.
//!
//! Calls of other queues that go to the same agents are not counted yet, nor those who will hang up.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::engine::Engine;
use super::waits::Call;

/// The new talk's share in the mean is one in this many.
const MEMORY: u64 = 8;

/// How long an agent has been busy with a call of a queue, talk and wrap-up: the mean, with later calls
/// counting more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HandleTime {
    /// In µs, whole, so that what is written down is read back exactly. None before the first talk.
    mean_us: Option<u64>,
}

impl HandleTime {
    pub fn learn(&mut self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.mean_us = Some(self.mean_us.map_or(took, |mean| mean - mean / MEMORY + took / MEMORY));
    }
}

impl Engine {
    /// How long this call will yet wait in line: its place × the queue's mean handle time ÷ the agents who
    /// can serve it and take calls now. None before the first talk, or when no such agent is there.
    pub(super) fn quote(&self, call: &Call) -> Option<Duration> {
        let mean = self.queue(call.queue).handle_time.mean_us?;
        match self.skills.working(call.class) {
            0 => None,
            working => Some(Duration::from_micros(
                mean.saturating_mul(u64::from(self.position(call))) / u64::from(working),
            )),
        }
    }

    /// The call's place in its queue's line, the first is 1.
    pub(super) fn position(&self, call: &Call) -> u32 {
        self.queue(call.queue).line.before(call.key) as u32 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_handle_time_follows_what_happens() {
        let mut handle = HandleTime::default();
        handle.learn(Duration::from_secs(80));
        assert_eq!(handle.mean_us, Some(80_000_000));
        handle.learn(Duration::from_secs(160));
        assert_eq!(handle.mean_us, Some(90_000_000));
        (0..100).for_each(|_| handle.learn(Duration::from_secs(20)));
        assert!(handle.mean_us.is_some_and(|mean| mean.abs_diff(20_000_000) < 100_000));
    }
}
