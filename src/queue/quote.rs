//! How long a wait will take: the work ahead, shared by those who do it, and what such a forecast was worth
//! so far.
//!
//! Every forecast is held against the wait that came of it, by how long it was against the queue's target
//! and by queue. So calls that hang up, agents who serve other queues and late calls that go last are in it
//! without being modelled. A caller is told the bound that nine in ten waits keep: a mean would be exceeded
//! by nearly half of them.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::api::QueueConfig;
use super::api::Routing;
use super::engine::Engine;
use super::waits::Call;
use crate::base::CallId;
use crate::base::QueueId;

/// The new talk's share in the mean is one in this many.
const MEMORY: u64 = 8;
/// A wrap-up beyond this ends when the agent says so: nothing to go by.
const WRAP_UP_AT_MOST: Duration = Duration::from_secs(900);
/// Forecasts up to these shares of the target are told apart, and those beyond.
const SHARES: [f64; 7] = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];
/// How many waits are remembered, of a share and of a queue.
const WAITS: f64 = 400.0;
const WAITS_OF_QUEUE: f64 = 80.0;
/// How many waits a forecast that was never checked counts for.
const DOUBT: f64 = 8.0;
/// Nobody knows how long it takes while more late calls wait than this share of those who can serve them, and
/// more than one.
const OVERRUN: f64 = 0.25;
/// A forecast is at least this, so that there is something to compare with.
const SHORTEST_S: f64 = 0.1;
/// The bound over the mean at first: as if waits were exponential.
const FIRST_BOUND: f64 = 2.3;
/// How far one wait moves the bound, and how many of them are to be within it.
const BOUND_STEP: f64 = 0.08;
const WITHIN: f64 = 0.9;

/// How long an agent has been busy with a call of a queue, talk and wrap-up: the mean, with later calls
/// counting more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HandleTime {
    /// In µs. None before the first talk, unless the planner has said something.
    mean_us: Option<u64>,
}

impl HandleTime {
    pub fn new(config: &QueueConfig) -> HandleTime {
        let mut handle = HandleTime::default();
        if let Some(talk) = config.handle_time {
            handle.learn(talk + foreseen(config.wrap_up));
        }
        handle
    }

    pub fn learn(&mut self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.mean_us = Some(self.mean_us.map_or(took, |mean| mean - mean / MEMORY + took / MEMORY));
    }
}

/// How much of a wrap-up can be foreseen.
pub(super) fn foreseen(wrap_up: Duration) -> Duration {
    if wrap_up <= WRAP_UP_AT_MOST { wrap_up } else { Duration::ZERO }
}

/// How long a call will wait, as far as anybody can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedWait {
    pub mean: Duration,
    /// Nine in ten such waits are no longer.
    pub bound: Duration,
}

/// A forecast as it was made, to be held against the wait.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Forecast {
    /// From the work ahead alone.
    base_s: f64,
    /// What experience makes of it.
    mean_s: f64,
    bound_s: f64,
}

impl Forecast {
    /// The bound: what a caller is told.
    pub fn quote(&self) -> Duration {
        Duration::from_micros((self.bound_s * 1e6) as u64)
    }
}

/// What forecasts were worth: how long waits took for a second that was forecast, and how far the longest in
/// ten go beyond that.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Worth {
    forecast: f64,
    waited: f64,
    count: f64,
    bound: f64,
}

impl Worth {
    fn new() -> Worth {
        Worth { forecast: 0.0, waited: 0.0, count: 0.0, bound: FIRST_BOUND }
    }

    /// What a forecast of a second becomes.
    fn factor(&self) -> f64 {
        // Some waits as they were forecast, of the mean length, keep a handful of odd ones from counting.
        let mean = if self.count > 0.0 { self.forecast / self.count } else { 1.0 };
        let doubt = DOUBT * mean.max(SHORTEST_S);
        (self.waited + doubt) / (self.forecast + doubt)
    }

    fn learn(&mut self, forecast_s: f64, waited_s: f64, memory: f64) {
        let keep = 1.0 - 1.0 / memory;
        self.forecast = self.forecast * keep + forecast_s;
        self.waited = self.waited * keep + waited_s;
        self.count = self.count * keep + 1.0;
    }

    /// Moves the bound so that as many are beyond it as are meant to.
    fn learn_bound(&mut self, within: bool) {
        let step = if within { -(1.0 - WITHIN) } else { WITHIN };
        self.bound = (self.bound * (1.0 + BOUND_STEP * step)).clamp(1.0, 50.0);
    }
}

/// The experience with forecasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Foresight {
    by_share: [Worth; SHARES.len() + 1],
    by_queue: Vec<Worth>,
}

impl Foresight {
    pub fn new(queues: usize) -> Foresight {
        Foresight { by_share: [Worth::new(); SHARES.len() + 1], by_queue: vec![Worth::new(); queues] }
    }

    fn forecast(&self, queue: QueueId, target: Duration, base_s: f64) -> Forecast {
        let of_share = &self.by_share[share(base_s, target)];
        let mean_s = base_s * of_share.factor() * self.by_queue[queue.0 as usize].factor();
        Forecast { base_s, mean_s, bound_s: mean_s * of_share.bound }
    }

    /// A call for which this was forecast has waited so long.
    pub fn learn(&mut self, queue: QueueId, target: Duration, forecast: &Forecast, waited: Duration) {
        let waited_s = waited.as_secs_f64();
        let of_share = &mut self.by_share[share(forecast.base_s, target)];
        of_share.learn_bound(waited_s <= forecast.bound_s);
        let by_share_s = forecast.base_s * of_share.factor();
        of_share.learn(forecast.base_s, waited_s, WAITS);
        self.by_queue[queue.0 as usize].learn(by_share_s, waited_s, WAITS_OF_QUEUE);
    }
}

/// Which of the shares of the target a forecast is.
fn share(base_s: f64, target: Duration) -> usize {
    let of_target = base_s / target.as_secs_f64().max(1.0);
    SHARES.partition_point(|share| *share < of_target)
}

impl Engine {
    /// How long a call will wait in all that has just begun to: as it was forecast then.
    pub fn expected_wait(&self, call: CallId) -> Option<ExpectedWait> {
        let forecast = self.calls.get(call)?.forecast?;
        let mean = Duration::from_micros((forecast.mean_s * 1e6) as u64);
        Some(ExpectedWait { mean, bound: forecast.quote() })
    }

    /// How long this call will yet wait. None before the first talk, when nobody who can serve it takes
    /// calls, for a call that goes last because it is late, and while so many late ones wait that most who join
    /// will be late too: how long that takes depends on who comes.
    pub(super) fn forecast(&self, call: &Call) -> Option<Forecast> {
        let queue = self.queue(call.queue);
        let handle_s = queue.handle_time.mean_us? as f64 / 1e6;
        let head = self.skills.head(call.class);
        let working = f64::from(self.skills.count(call.class.0 as usize).working);
        if working == 0.0 {
            return None;
        }
        let base_s = match self.routing {
            Routing::LongestWaiting => handle_s * f64::from(self.position(call)) / working,
            Routing::ServiceLevel(_) => {
                let target = queue.config.service_level.1;
                let overrun = f64::from(head.late) > OVERRUN * working.max(1.0 / OVERRUN);
                if overrun || self.now.since(call.enqueued_at) > target {
                    return None;
                }
                let fresh = f64::from(head.waiting - head.late).max(1.0);
                handle_s * fresh / (working * head.fortune.chosen())
            }
        };
        Some(self.foresight.forecast(call.queue, queue.config.service_level.1, base_s.max(SHORTEST_S)))
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

    #[test]
    fn forecasts_come_to_be_right_and_nine_in_ten_waits_within_the_bound() {
        let mut chance = crate::base::Entropy::seeded(3);
        let mut foresight = Foresight::new(2);
        let target = Duration::from_secs(20);
        let (mut error, mut within) = (0.0, 0.0);
        for call in 0..20_000 {
            let queue = QueueId(chance.below(2) as u32);
            let base_s = 40.0 * chance.fraction();
            let forecast = foresight.forecast(queue, target, base_s);
            // Waits take thrice what the work ahead says, half again in the second queue, and spread.
            let mean_s = base_s * if queue.0 == 0 { 3.0 } else { 4.5 };
            let waited = Duration::from_secs_f64(-mean_s * (1.0 - chance.fraction()).ln());
            foresight.learn(queue, target, &forecast, waited);
            if call >= 2_000 {
                error += forecast.mean_s - waited.as_secs_f64();
                within += f64::from(u8::from(waited.as_secs_f64() <= forecast.bound_s));
            }
        }
        assert!((error / 18_000.0).abs() < 1.5, "{}", error / 18_000.0);
        assert!((0.88..0.92).contains(&(within / 18_000.0)), "{}", within / 18_000.0);
    }
}
