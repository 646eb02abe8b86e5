//! The load generator: places calls, talks, listens, and measures what callers would.
//!
//! [`callers`] decides when to call and when to hang up, [`ear`] measures one line's audio and [`report`] says what
//! came of it: these three are told the time. `phones` is the thread that sends and reads the audio, [`run`] the
//! loop that joins them with the SIP endpoint of the server's own.

pub mod callers;
pub mod ear;
mod phones;
pub mod plan;
pub mod report;
mod run;

pub use plan::HangUp;
pub use plan::Key;
pub use plan::Plan;
pub use report::Report;
pub use run::LoadError;
pub use run::run;
