//! What the SIP endpoint is told and what it answers: the seam between SIP and the server.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

/// Where a message came from, or goes to: one hop of the network. For a stream it names the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hop {
    pub transport: Transport,
    /// Our side; for what we send first, the address of the listening socket of that transport.
    pub local: SocketAddr,
    /// The peer's side.
    pub remote: SocketAddr,
}

/// An INVITE session with one peer: an early or confirmed dialog and its offers and answers.
///
/// The server numbers the sessions it begins from the top half (`1 << 63` up); the endpoint numbers
/// incoming ones from 1. So neither waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub u64);

/// What the endpoint is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// One datagram, or one message framed from a stream.
    Received { hop: Hop, bytes: Bytes },
    /// The same, at overload: were it to begin a session, it is refused with 503 and Retry-After, and nothing is
    /// kept of it.
    Unwanted { hop: Hop, bytes: Bytes },
    /// A stream was closed or could not be opened, or a datagram's peer said that nobody listens there.
    HopFailed { hop: Hop },
    /// [`Endpoint::deadline`](super::Endpoint::deadline) is due.
    Tick,
    /// The server wants something.
    Command(Command),
}

/// What the endpoint wants done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this message to `hop.remote`; for TCP over the connection there is, or a new one.
    Send { hop: Hop, bytes: Bytes },
    /// Something the server should know.
    Event(Event),
}

/// What the server wants of the endpoint. A command for a session that has ended is ignored.
#[derive(Clone, Debug)]
pub enum Command {
    /// Call somebody.
    Invite(Box<Invite>),
    /// Send a provisional response: 180, or 183 with early media. Reliably (RFC 3262) when the peer requires it.
    Progress { session: SessionId, status: u16, sdp: Option<Bytes> },
    /// Answer with 200. `sdp` is the answer, or the offer when the INVITE had none (RFC 3261 §13.2.1).
    Answer { session: SessionId, sdp: Bytes },
    /// Refuse an incoming session with a final status.
    Refuse { session: SessionId, status: u16, retry_after_s: Option<u32> },
    /// End it, however far it is: refuse (487 or 480), CANCEL, or BYE.
    End { session: SessionId, reason: EndReason },
    /// Offer anew within the session, by re-INVITE (hold, new address).
    Offer { session: SessionId, sdp: Bytes },
    /// Answer the peer's [`Event::Offered`]; when that was offerless, `sdp` is our offer.
    AnswerOffer { session: SessionId, sdp: Bytes },
    /// Refuse the peer's [`Event::Offered`] (488, 491); the session goes on as it was.
    RefuseOffer { session: SessionId, status: u16 },
    /// Answer the peer's [`Event::Refer`]: it has been done, or the status to refuse it with and why, in words.
    AnswerRefer { session: SessionId, refused: Option<(u16, String)> },
    /// Send INFO within the session.
    Info { session: SessionId, content_type: &'static str, body: Bytes },
    /// Ask whether the peer is still there, by OPTIONS within the session: unless something answers that knows it, it
    /// ends with [`EndCause::PeerGone`].
    Options { session: SessionId },
}

/// Why the server ends a session: becomes a Reason header (RFC 3326).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndReason {
    /// Normal clearing.
    Normal,
    /// Another branch took the call: `SIP;cause=200;text="Call completed elsewhere"`.
    Elsewhere,
    /// The server failed.
    Failure,
}

/// A session that we begin.
#[derive(Clone, Debug)]
pub struct Invite {
    /// Chosen by the server, from the top half.
    pub session: SessionId,
    /// Request-URI.
    pub uri: Uri,
    /// Where to send it. The server resolves names; the endpoint does no DNS.
    pub hop: Hop,
    /// From, without tag.
    pub from: NameAddr,
    /// To, without tag.
    pub to: NameAddr,
    /// P-Asserted-Identity, where the peer is trusted (RFC 3325).
    pub asserted: Option<NameAddr>,
    /// Further headers, by name and value.
    pub headers: Vec<(&'static str, String)>,
    /// The offer.
    pub sdp: Bytes,
    /// The trunk that it goes by, whose credentials answer a 401 or 407, in this session's later requests as well.
    pub trunk: Option<Name>,
    /// Routes to send it through first.
    pub routes: Vec<Uri>,
    /// How long nothing at all may come, where somebody else can be called instead; none: as long as timer B (RFC 3261 §17.1.1.2).
    pub answer_within: Option<Duration>,
}

/// What happened on the SIP side.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new INVITE. The endpoint sends 100, at once or when no answer comes in time. Answer with Progress, Answer or Refuse.
    Incoming(Box<Incoming>),
    /// The peer ACKed our 200. `sdp` is the answer when our 200 carried the offer.
    Acked { session: SessionId, sdp: Option<Bytes> },
    /// A provisional response to our INVITE (above 100).
    Progressed { session: SessionId, status: u16, sdp: Option<Bytes> },
    /// Our INVITE was answered, and ACKed.
    Answered { session: SessionId, sdp: Option<Bytes> },
    /// Our INVITE failed: a final status, or 408 for silence, 503 for a hop that cannot be reached.
    Failed { session: SessionId, status: u16, retry_after_s: Option<u32> },
    /// The peer offers anew, by re-INVITE or UPDATE; without `sdp` it asks for our offer.
    Offered { session: SessionId, sdp: Option<Bytes> },
    /// The peer answered our [`Command::Offer`], or our offer in answer to an offerless one.
    OfferAnswered { session: SessionId, sdp: Bytes },
    /// The peer refused our [`Command::Offer`]; glare (491) has been retried already.
    OfferRefused { session: SessionId, status: u16 },
    /// INFO within the session. Already answered with 200.
    Info { session: SessionId, content_type: String, body: Bytes },
    /// The peer asks that whom it talks with be handed on. Answer with [`Command::AnswerRefer`].
    Refer(Box<Refer>),
    /// The session is over, and nothing more comes of it. Not sent after [`Command::Refuse`],
    /// [`Command::End`] or [`Event::Failed`].
    Ended { session: SessionId, cause: EndCause },
    /// The contacts of a local user changed: how many there are now, and the one that did.
    Registered { user: Name, contact: String, contacts: u32 },
    /// A contact of a local user was removed or ran out: how many are left.
    Unregistered { user: Name, contacts: u32 },
    /// Our registration at a trunk was accepted, or refused with a status.
    TrunkRegistered { trunk: Name, status: u16 },
    /// So many passwords of this user, or from this address, were wrong that no more are looked at for some minutes. The
    /// name is what was tried: whether there is such a user is not said.
    TriesOver { user: String, hop: Hop },
}

/// A REFER within a session ([RFC 3515](https://www.rfc-editor.org/rfc/rfc3515)).
#[derive(Clone, Debug, PartialEq)]
pub struct Refer {
    pub session: SessionId,
    /// Refer-To: to whom.
    pub to: Uri,
    /// The peer's other session with us whose party is meant: Replaces in Refer-To (RFC 3891).
    pub replaces: Option<SessionId>,
    /// Referred-By: on whose behalf (RFC 3892).
    pub by: Option<NameAddr>,
}

/// A new INVITE from outside.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub session: SessionId,
    /// Where it came from.
    pub hop: Hop,
    /// Where its sender listens, and is called back.
    pub back: Hop,
    /// Call-ID.
    pub sip_call_id: String,
    /// Request-URI: whom the caller dialled.
    pub uri: Uri,
    pub from: NameAddr,
    pub to: NameAddr,
    /// P-Asserted-Identity when the trunk is trusted to say it, else From: who calls. None when they withhold it.
    pub caller: Option<NameAddr>,
    /// The peer's Contact: where a callback could reach it.
    pub contact: Uri,
    /// The trunk it came by.
    pub trunk: Option<Name>,
    /// The local user who proved to be the caller by digest.
    pub user: Option<Name>,
    /// The session whose place it is to take (Replaces, RFC 3891). Only a local user asks for it.
    pub replaces: Option<SessionId>,
    /// The offer; none when the caller wants ours.
    pub sdp: Option<Bytes>,
}

/// Why a session ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndCause {
    /// The peer's BYE.
    Bye,
    /// The peer's CANCEL, before we answered.
    Cancelled,
    /// Our 200 was never ACKed (RFC 3261 §13.3.1.4).
    NoAck,
    /// The session timer ran out (RFC 4028).
    SessionExpired,
    /// The peer answered 481 or 408 to a request within the session, or its hop is gone.
    PeerGone,
}
