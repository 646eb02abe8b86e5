//! Sockets: SIP over UDP, TCP, TLS and WebSocket, RTP and RTCP, WebRTC. Thin: bytes in, bytes out.

mod bell;
pub mod cord;
mod dtls;
mod ice;
pub mod media;
pub mod places;
pub mod sip;
pub mod tape;
pub mod tls;
pub mod webrtc;
