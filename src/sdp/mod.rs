//! Session descriptions (RFC 8866), offer and answer (RFC 3264). Text in, text out; no sockets.

pub mod codec;
pub mod crypto;
pub mod description;
pub mod dtls;
pub mod extended;
pub mod ice;
pub mod negotiate;
pub mod srtp;

pub use codec::Codec;
pub use description::SdpError;
pub use description::SessionDescription;
pub use dtls::Dtls;
pub use dtls::Fingerprint;
pub use extended::ExtendedReports;
pub use ice::Ice;
pub use ice::LocalIce;
pub use negotiate::Direction;
pub use negotiate::Local;
pub use negotiate::NegotiateError;
pub use negotiate::Negotiated;
pub use negotiate::accept;
pub use negotiate::answer;
pub use negotiate::browser;
pub use negotiate::offer;
pub use srtp::LocalSrtp;
pub use srtp::Srtp;
