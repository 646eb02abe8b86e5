//! SIP, RFC 3261 and its company: messages, transactions, dialogs, registrar. No sockets.
//!
//! [`Endpoint`] is told what arrived and what time it is, and answers with datagrams to send and events
//! for the server. It knows neither callers nor agents.

pub mod api;
mod dialog;
pub mod digest;
pub mod endpoint;
pub mod message;
pub mod registrar;
mod session;
pub mod transaction;
mod trunk;
pub mod uri;

pub use api::Command;
pub use api::Event;
pub use api::Hop;
pub use api::Input;
pub use api::Output;
pub use api::SessionId;
pub use endpoint::CarriedSession;
pub use endpoint::Counters;
pub use endpoint::Descriptions;
pub use endpoint::Endpoint;
pub use endpoint::EndpointConfig;
pub use endpoint::TrunkConfig;
pub use endpoint::TrunkRegistration;
pub use registrar::Binding;
pub use trunk::ANOTHER_AFTER;
pub use trunk::TrunkState;
pub use trunk::TrunkTrouble;
pub use uri::Transport;
