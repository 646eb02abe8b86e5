//! The INVITE server transaction: RFC 3261 §17.2.1 with the Accepted state of RFC 6026.

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use super::Due;
use super::Repeat;
use super::T1;
use super::T4;
use super::TIMEOUT;
use super::octets;
use crate::base::Timestamp;

/// An INVITE that we answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ServerInvite {
    state: State,
    reliable: bool,
    /// What a repeated INVITE is answered with; empty when there is nothing to say.
    #[serde(with = "octets")]
    last: Bytes,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum State {
    /// No final response yet. The 100 goes out at `trying`, unless another response comes first.
    Proceeding { trying: Option<Timestamp> },
    /// A 2xx went out; the session repeats it and waits for the ACK. Until timer L.
    Accepted { until: Timestamp },
    /// A final response above 299 went out. Timer G repeats it, until the ACK or timer H.
    Completed { repeat: Repeat, until: Timestamp },
    /// The ACK came; further ones are absorbed until timer I.
    Confirmed { until: Timestamp },
}

impl ServerInvite {
    pub(super) fn new(reliable: bool) -> ServerInvite {
        ServerInvite { state: State::Proceeding { trying: None }, reliable, last: Bytes::new() }
    }

    /// The 100, which goes out at `at` when nothing else has by then: no later than 200 ms after the INVITE.
    pub(super) fn try_by(&mut self, at: Timestamp, trying: Bytes) {
        self.last = trying;
        self.state = State::Proceeding { trying: Some(at) };
    }

    /// The session answers. False when a final answer went out already.
    pub(super) fn respond(&mut self, now: Timestamp, status: u16, response: &Bytes) -> bool {
        if !self.is_proceeding() {
            return false;
        }
        match status {
            ..200 => {
                self.last = response.clone();
                self.state = State::Proceeding { trying: None };
            }
            200..300 => {
                self.last = Bytes::new();
                self.state = State::Accepted { until: now + TIMEOUT };
            }
            300.. => {
                self.last = response.clone();
                let repeat = if self.reliable { Repeat::never() } else { Repeat::doubling(now, T1) };
                self.state = State::Completed { repeat, until: now + TIMEOUT };
            }
        }
        true
    }

    /// How much of a response is kept.
    pub(super) fn octets(&self) -> usize {
        self.last.len()
    }

    /// The INVITE came again: what to send again.
    pub(super) fn repeated(&self) -> Option<&Bytes> {
        match self.state {
            State::Proceeding { .. } | State::Completed { .. } => {
                Some(&self.last).filter(|last| !last.is_empty())
            }
            // RFC 6026 §7.1: absorbed; the session repeats its 2xx by its own clock.
            State::Accepted { .. } | State::Confirmed { .. } => None,
        }
    }

    /// An ACK matched. True when it is the session's, because a 2xx was sent.
    pub(super) fn acked(&mut self, now: Timestamp) -> bool {
        if let State::Completed { .. } = self.state {
            self.last = Bytes::new();
            let until = if self.reliable { now } else { now + T4 };
            self.state = State::Confirmed { until };
        }
        matches!(self.state, State::Accepted { .. })
    }

    /// Whether a CANCEL still has something to cancel.
    pub(super) fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match &self.state {
            State::Proceeding { trying } => *trying,
            State::Completed { repeat, until } => Some(repeat.at().map_or(*until, |at| at.min(*until))),
            State::Accepted { until } | State::Confirmed { until } => Some(*until),
        }
    }

    pub(super) fn tick(&mut self, now: Timestamp) -> Due {
        match &mut self.state {
            State::Proceeding { trying } => match trying.take_if(|at| *at <= now) {
                Some(_) => Due::SendFirst(self.last.clone()),
                None => Due::Nothing,
            },
            State::Accepted { until } | State::Confirmed { until } => Due::gone_at(*until, now),
            // Timer H: the ACK never came. There is nobody left to tell.
            State::Completed { until, .. } if *until <= now => Due::Gone,
            State::Completed { repeat, .. } => match repeat.take(now) {
                true => Due::Send(self.last.clone()),
                false => Due::Nothing,
            },
        }
    }
}
