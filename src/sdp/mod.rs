//! Session descriptions (RFC 8866), offer and answer (RFC 3264). Text in, text out; no sockets.

pub mod codec;
pub mod negotiate;

pub use codec::Codec;
pub use negotiate::Direction;
pub use negotiate::Local;
pub use negotiate::Negotiated;
