//! How calls and agents are brought together, and what weighs how much in it.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

/// How calls and agents are brought together. One for the whole center, because whoever serves several
/// queues needs one order for all their calls.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Routing {
    /// The highest priority, then the longest wait; the best fitting agent, then the longest idle.
    LongestWaiting,
    /// The call whose answer now does most for the queues' service levels; the agent who is quickest with it
    /// and whom other queues need least.
    ServiceLevel(Weights),
}

/// Service level: at the same staffing far more callers are answered in time, and hardly more hang up.
impl Default for Routing {
    fn default() -> Routing {
        Routing::ServiceLevel(Weights::default())
    }
}

/// What weighs how much in [`Routing::ServiceLevel`]. The defaults were chosen by simulation, where they are
/// far from sensitive; `docs/ROUTING.md` tells what each is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// How quickly the weight of a queue rises that is behind the others in what is answered in target, and falls when it
    /// has caught up: by this share for each call that is missed, all others answered. Default 0.1.
    pub pull: f64,
    /// The greatest weight of a queue that is behind. Default 15.
    pub most: f64,
    /// What each step of priority adds to a call's value. Default 0.1.
    pub priority: f64,
    /// The value of a call that is past its target when its second promise is due, against one that is about
    /// to miss its target. Default 0.05.
    pub late: f64,
    /// How much it counts against an agent that other queues may need them, beside their speed. Default 3.
    pub price: f64,
    /// A call is held back from an idle agent when this share of what others may need them for exceeds what the
    /// call loses by waiting. 0 holds nothing back. Default 0.3.
    pub hold: f64,
    /// How long a call is held back at most: a share of the second promise. Default 0.7.
    pub hold_at_most: f64,
    /// By what share of what the next calls of its own class may need the agent for a call past its target is held
    /// back as well. Default 0: it is held back for other classes alone.
    #[serde(default)]
    pub hold_for_own: f64,
    /// When a late call's second promise is due, from joining. Default 300 s.
    pub second_promise: Duration,
    /// Of so many calls that agents of one profile take while a call past its second promise waits for them,
    /// one is the longest waiting of those. Default 10.
    pub one_in: u32,
}

impl Default for Weights {
    fn default() -> Weights {
        Weights {
            pull: 0.1,
            most: 15.0,
            priority: 0.1,
            late: 0.05,
            price: 3.0,
            hold: 0.3,
            hold_at_most: 0.7,
            hold_for_own: 0.0,
            second_promise: Duration::from_secs(300),
            one_in: 10,
        }
    }
}

impl Weights {
    /// The second promise in µs.
    pub(super) fn second_promise_us(&self) -> f64 {
        self.second_promise.as_micros() as u64 as f64
    }

    /// How long a call is held back at most, in µs.
    pub(super) fn hold_at_most_us(&self) -> u64 {
        (self.second_promise_us() * self.hold_at_most.clamp(0.0, 1.0)) as u64
    }

    /// For a center that is paid by the share that it answers in target: who is past it goes last, and waits beside an
    /// agent who is idle where that agent is likely to answer somebody in target soon.
    pub fn most_in_target() -> Weights {
        Weights { late: 0.02, hold: 0.6, hold_for_own: 1.0, one_in: 20, ..Weights::default() }
    }

    /// For a center that fears long waits more than missed targets: the second promise comes early, and is
    /// kept before any other.
    pub fn short_tail() -> Weights {
        let second_promise = Duration::from_secs(220);
        Weights { second_promise, one_in: 1, ..Weights::default() }
    }
}
