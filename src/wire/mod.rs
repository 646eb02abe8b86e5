//! Sockets: SIP over UDP and TCP, RTP and RTCP. Thin: bytes in, bytes out.

pub mod media;
pub mod sip;
