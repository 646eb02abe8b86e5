//! SIP, RFC 3261 and its company: messages, transactions, dialogs, registrar. No sockets.
//!
//! [`Endpoint`] is told what arrived and what time it is, and answers with datagrams to send and events
//! for the server. It knows neither callers nor agents.

pub mod api;
pub mod digest;
pub mod message;
pub mod uri;

pub use api::Command;
pub use api::Event;
pub use api::Hop;
pub use api::Input;
pub use api::Output;
pub use api::SessionId;
pub use api::Transport;
