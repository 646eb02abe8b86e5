//! Sockets: SIP over UDP and TCP, RTP and RTCP, WebRTC. Thin: bytes in, bytes out.

mod bell;
mod cord;
pub mod media;
pub mod sip;
pub mod tape;
pub mod webrtc;
