//! The audio codecs by name, as SDP names them. Encoding and decoding are `media`'s.

use serde::Deserialize;
use serde::Serialize;

/// An audio codec. telephone-event (RFC 4733) goes beside one and is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722: samples at 16 kHz, but its RTP clock is 8 kHz (RFC 3551 §4.5.2).
    G722,
    /// Opus (RFC 7587).
    Opus,
}

impl Codec {
    /// What this build can encode and decode, in the order in which we offer it: what every telephone has and
    /// costs least comes first.
    pub const SUPPORTED: &[Codec] = &[Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];

    /// The encoding name in `a=rtpmap`.
    pub const fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
            Codec::Opus => "opus",
        }
    }

    /// RTP clock rate in Hz.
    pub const fn clock_rate(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8_000,
            Codec::Opus => 48_000,
        }
    }

    /// The payload type that RFC 3551 fixes; none for a dynamic one.
    pub const fn static_payload_type(self) -> Option<u8> {
        match self {
            Codec::Pcmu => Some(0),
            Codec::Pcma => Some(8),
            Codec::G722 => Some(9),
            Codec::Opus => None,
        }
    }
}
