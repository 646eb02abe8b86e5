//! What browsers ask of the control thread through their sockets, and what they are told.

use crate::base::CallId;
use crate::base::Name;
use crate::sdp::Codec;

/// One browser's socket: a desk, or a caller's page. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// What a browser asks. Whoever passes it on has made sure who is at the desk.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// The agent's desk is here from now on, with this offer; a second time it brings a new connection.
    OpenDesk { agent: Name, offer: String },
    /// The agent signs out of the desk.
    CloseDesk,
    /// Take the call that rings at this desk.
    PickUp { call: CallId },
    /// Refuse it.
    Reject { call: CallId },
    /// End the line: a desk's of this call, or a caller's own.
    HangUp { call: Option<CallId> },
    /// Call this number.
    Call { number: Name, offer: String },
    /// The caller pressed a key.
    Key { digit: char },
    /// The socket is gone.
    Gone,
}

/// What a browser is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Tell {
    /// Our answer to its offer.
    Answer { sdp: String },
    /// A desk's connection is up, and carries what is asked for from now on.
    Connected,
    /// Its connection was refused or is over; another offer may help.
    Disconnected { why: String },
    /// The codec that the caller has, when it is not the desk's: with an offer that prefers it, nothing need be
    /// transcoded.
    Codec { codec: Codec },
    /// How far a caller's call is.
    State { state: CallState, call: CallId },
    /// Something that was asked was not done.
    Error { error: String, hint: String },
    /// The socket is of no more use; whether the page may open another by itself.
    Over { again: bool },
}

/// How far a caller's call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    Ringing,
    Talking,
    Ended,
}

impl CallState {
    /// As the page is told.
    pub const fn name(self) -> &'static str {
        match self {
            CallState::Ringing => "ringing",
            CallState::Talking => "talking",
            CallState::Ended => "ended",
        }
    }
}
