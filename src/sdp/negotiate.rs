//! Offer and answer (RFC 3264): which codec, which payload types, which way, to which address.

use std::net::IpAddr;
use std::net::SocketAddr;

use serde::Deserialize;
use serde::Serialize;

use crate::sdp::Codec;

/// Which way audio flows, seen from the side that says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    #[default]
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

/// What we bring to an offer or answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// The address that the peer shall send to.
    pub address: IpAddr,
    /// The RTP port, even; RTCP is one above.
    pub port: u16,
    /// Codecs that we take, best first.
    pub codecs: Vec<Codec>,
    /// Which way, seen from us.
    pub direction: Direction,
    /// `o=` session id: the same for the whole session.
    pub session: u64,
    /// `o=` version: one more for each changed description.
    pub version: u64,
}

/// What offer and answer agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Negotiated {
    pub codec: Codec,
    /// The payload type to send, which is the one the peer's description gave the codec.
    pub payload_type: u8,
    /// The payload type that the peer sends, by our description.
    pub receive_payload_type: u8,
    /// telephone-event's payload types (to send, to receive), when both sides have it.
    pub telephone_event: Option<(u8, u8)>,
    /// Packet length to send, in milliseconds; 20 when the peer did not say.
    pub ptime_ms: u8,
    /// Where to send RTP; none when the peer gave port 0 or the unspecified address.
    pub remote_rtp: Option<SocketAddr>,
    /// Where to send RTCP: `a=rtcp` (RFC 3605) or one port above.
    pub remote_rtcp: Option<SocketAddr>,
    /// Which way, seen from us.
    pub direction: Direction,
}

/// Why offer and answer cannot agree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NegotiateError {
    /// The description cannot be read.
    #[error("bad session description: {0}")]
    Bad(String),
    /// No audio stream over plain RTP with a codec that we take.
    #[error("no audio codec in common")]
    NoCommonCodec,
}

impl NegotiateError {
    /// What a request that carried it is refused with.
    pub const fn sip_status(&self) -> u16 {
        match self {
            NegotiateError::Bad(_) => 400,
            NegotiateError::NoCommonCodec => 488,
        }
    }
}
