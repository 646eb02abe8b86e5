//! The server transaction of everything but INVITE and ACK: RFC 3261 §17.2.2.

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use super::Due;
use super::TIMEOUT;
use crate::base::Timestamp;

/// A request, not INVITE, that we answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ServerOther {
    reliable: bool,
    /// Our response, once there is one: what a repeated request is answered with.
    last: Option<Bytes>,
    /// Timer J, once the response is final.
    until: Option<Timestamp>,
}

impl ServerOther {
    pub(super) fn new(reliable: bool) -> ServerOther {
        ServerOther { reliable, last: None, until: None }
    }

    /// The endpoint answers. False when it did so already.
    pub(super) fn respond(&mut self, now: Timestamp, status: u16, response: &Bytes) -> bool {
        if self.until.is_some() {
            return false;
        }
        self.last = Some(response.clone());
        if status >= 200 {
            self.until = Some(if self.reliable { now } else { now + TIMEOUT });
        }
        true
    }

    /// How much of a response is kept.
    pub(super) fn octets(&self) -> usize {
        self.last.as_ref().map_or(0, Bytes::len)
    }

    /// The request came again: what to send again.
    pub(super) fn repeated(&self) -> Option<&Bytes> {
        self.last.as_ref()
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.until
    }

    pub(super) fn tick(&mut self, now: Timestamp) -> Due {
        self.until.map_or(Due::Nothing, |until| Due::gone_at(until, now))
    }
}
