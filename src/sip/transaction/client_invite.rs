//! The INVITE client transaction: RFC 3261 §17.1.1 with the Accepted state of RFC 6026.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use super::Due;
use super::Repeat;
use super::Seen;
use super::T1;
use super::TIMEOUT;
use super::TIMER_D;
use crate::base::Timestamp;
use crate::sip::api::Hop;

/// How many branches of a forked INVITE may answer 2xx: further ones are not acknowledged.
const MAX_FORKS: usize = 16;

/// How long after a provisional response the next one must come: proxies are told to repeat theirs every
/// minute, and give up after more than 3 minutes themselves (RFC 3261 §16.6, timer C).
const PROVISIONAL_TIMEOUT: Duration = Duration::from_secs(190);

/// An INVITE that we sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ClientInvite {
    state: State,
    reliable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum State {
    /// Sent; timer A repeats it until a response or timer B.
    Calling { repeat: Repeat, until: Timestamp },
    /// A provisional response came. Who calls decides how long to wait, but a peer that fell silent for
    /// longer than a proxy may (timer C) will not answer any more.
    Proceeding { until: Timestamp },
    /// A final response above 299 came, and was ACKed; timer D.
    Completed { ack: Bytes, until: Timestamp },
    /// A 2xx came; timer M. Holds the ACK of each dialog that it made, for when its 2xx comes again.
    Accepted { acks: Vec<Acked>, until: Timestamp },
}

/// The ACK that one 2xx was answered with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Acked {
    to_tag: String,
    hop: Hop,
    ack: Bytes,
}

impl ClientInvite {
    pub(super) fn new(now: Timestamp, reliable: bool) -> ClientInvite {
        let repeat = if reliable { Repeat::never() } else { Repeat::unlimited(now, T1) };
        ClientInvite { state: State::Calling { repeat, until: now + TIMEOUT }, reliable }
    }

    /// A response came. A final one above 299 must then be ACKed with [`ClientInvite::complete`], a 2xx with
    /// [`ClientInvite::accept`].
    pub(super) fn received(&mut self, now: Timestamp, status: u16, to_tag: &str) -> Seen {
        match &self.state {
            State::Calling { .. } | State::Proceeding { .. } => {
                match status {
                    ..200 => self.state = State::Proceeding { until: now + PROVISIONAL_TIMEOUT },
                    200..300 => {
                        self.state = State::Accepted { acks: Vec::new(), until: now + TIMEOUT };
                    }
                    300.. => {}
                }
                Seen::New
            }
            State::Completed { ack, .. } if status >= 300 => Seen::Repeated(Some((None, ack.clone()))),
            State::Accepted { acks, .. } if (200..300).contains(&status) => {
                match acks.iter().find(|acked| acked.to_tag == to_tag) {
                    Some(acked) => Seen::Repeated(Some((Some(acked.hop), acked.ack.clone()))),
                    None if acks.len() < MAX_FORKS => Seen::New,
                    None => Seen::Repeated(None),
                }
            }
            State::Completed { .. } | State::Accepted { .. } => Seen::Repeated(None),
        }
    }

    /// The final response above 299 was answered with `ack`.
    pub(super) fn complete(&mut self, now: Timestamp, ack: Bytes) {
        let until = if self.reliable { now } else { now + TIMER_D };
        self.state = State::Completed { ack, until };
    }

    /// The 2xx with this To tag was answered with `ack`.
    pub(super) fn accept(&mut self, to_tag: &str, hop: Hop, ack: Bytes) {
        if let State::Accepted { acks, .. } = &mut self.state {
            acks.push(Acked { to_tag: to_tag.to_owned(), hop, ack });
        }
    }

    /// Whether the session still waits for a final response.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.state, State::Calling { .. } | State::Proceeding { .. })
    }

    /// Whether the peer has said nothing yet.
    pub(super) fn is_unheard(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }

    /// The peer is to say something by then, or is given up.
    pub(super) fn answer_by(&mut self, by: Timestamp) {
        if let State::Calling { until, .. } = &mut self.state {
            *until = by.min(*until);
        }
    }

    /// Nobody waits for the answer any more; it is given as long as a first one.
    pub(super) fn give_up(&mut self, now: Timestamp) {
        if let State::Proceeding { until } = &mut self.state {
            *until = (*until).min(now + TIMEOUT);
        }
    }

    /// It cannot be sent again, and waits for an answer as if it rang.
    pub(super) fn is_not_repeated(&mut self, now: Timestamp) {
        if let State::Calling { .. } = &self.state {
            self.state = State::Proceeding { until: now + TIMEOUT };
        }
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match &self.state {
            State::Calling { repeat, until } => Some(repeat.at().map_or(*until, |at| at.min(*until))),
            State::Proceeding { until } | State::Completed { until, .. } | State::Accepted { until, .. } => {
                Some(*until)
            }
        }
    }

    pub(super) fn tick(&mut self, now: Timestamp, request: &Bytes) -> Due {
        match &mut self.state {
            State::Calling { until, .. } | State::Proceeding { until } if *until <= now => Due::TimedOut,
            State::Calling { repeat, .. } => match repeat.take(now) {
                true => Due::Send(request.clone()),
                false => Due::Nothing,
            },
            State::Proceeding { .. } => Due::Nothing,
            State::Completed { until, .. } | State::Accepted { until, .. } => Due::gone_at(*until, now),
        }
    }
}
