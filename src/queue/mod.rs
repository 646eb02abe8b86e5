//! The queue engine: which agent a waiting caller goes to, when, and every promise about the wait.
//!
//! One deterministic core, single writer: [`Engine`]`::handle(now, event, &mut out)` and
//! [`Engine`]`::deadline()`. No I/O, no clock, no randomness.

pub mod api;

pub use api::Action;
pub use api::Event;
