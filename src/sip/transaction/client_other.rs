//! The client transaction of everything but INVITE and ACK: RFC 3261 §17.1.2.

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use super::Due;
use super::Repeat;
use super::Seen;
use super::T1;
use super::T2;
use super::T4;
use super::TIMEOUT;
use crate::base::Timestamp;

/// A request, not INVITE, that we sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ClientOther {
    state: State,
    reliable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum State {
    /// Sent; timer E repeats it until a final response or timer F.
    Trying { repeat: Repeat, until: Timestamp },
    /// The final response came; repetitions are absorbed until timer K.
    Completed { until: Timestamp },
}

impl ClientOther {
    pub(super) fn new(now: Timestamp, reliable: bool) -> ClientOther {
        let repeat = if reliable { Repeat::never() } else { Repeat::doubling(now, T1) };
        ClientOther { state: State::Trying { repeat, until: now + TIMEOUT }, reliable }
    }

    pub(super) fn received(&mut self, now: Timestamp, status: u16) -> Seen {
        let State::Trying { repeat, .. } = &mut self.state else {
            return Seen::Repeated(None);
        };
        if status < 200 {
            repeat.slow_down(T2);
        } else {
            let until = if self.reliable { now } else { now + T4 };
            self.state = State::Completed { until };
        }
        Seen::New
    }

    /// The peer is to answer by then, or is given up.
    pub(super) fn answer_by(&mut self, by: Timestamp) {
        if let State::Trying { until, .. } = &mut self.state {
            *until = by.min(*until);
        }
    }

    pub(super) fn is_pending(&self) -> bool {
        matches!(self.state, State::Trying { .. })
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match &self.state {
            State::Trying { repeat, until } => Some(repeat.at().map_or(*until, |at| at.min(*until))),
            State::Completed { until } => Some(*until),
        }
    }

    pub(super) fn tick(&mut self, now: Timestamp, request: &Bytes) -> Due {
        match &mut self.state {
            State::Trying { until, .. } if *until <= now => Due::TimedOut,
            State::Trying { repeat, .. } => match repeat.take(now) {
                true => Due::Send(request.clone()),
                false => Due::Nothing,
            },
            State::Completed { until } => Due::gone_at(*until, now),
        }
    }
}
