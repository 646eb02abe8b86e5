//! Warmline: a contact-center voice server in one binary.
//!
//! The floors, lowest first; a module names only floors below its own, and `tests/tidy.rs` says so:
//!
//! | floor | is |
//! |---|---|
//! | [`base`] | ids, time, entropy, personal data |
//! | [`fact`] | what happened: one closed enum |
//! | [`sdp`] | session descriptions, offer and answer (RFC 3264, RFC 8866) |
//! | [`sip`] | messages, transactions, dialogs, registrar (RFC 3261), without sockets |
//! | [`media`] | codecs, RTP, DTMF, prompts: what a stream sends next |
//! | [`queue`] | which agent a waiting caller goes to, and every promise about the wait |
//! | [`simulate`] | centers in virtual time, and what routing is worth in them |
//! | [`flow`] | flow files: language, checker, interpreter |
//! | [`call`] | one caller's contact: flow, wait, ring, talk |
//! | `wire` | sockets: SIP over UDP and TCP, RTP |
//! | `store` | SQLite: history, customers |
//! | `load` | the load generator: many callers in one program |
//! | `server` | the control thread, the clock, the registry of live calls |
//! | `api` · `cli` | people: HTTP, the command line |
//!
//! Everything up to [`call`] decides and never asks: it is told the time and what happened, and answers
//! with what must be done. These floors build alone with `--no-default-features`.

pub mod base;
pub mod call;
pub mod fact;
pub mod flow;
pub mod media;
pub mod queue;
pub mod sdp;
pub mod simulate;
pub mod sip;

#[cfg(feature = "server")]
pub mod api;
#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "server")]
pub mod load;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod wire;
