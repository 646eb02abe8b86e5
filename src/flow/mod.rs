//! Flow files: the language an admin writes, its checker, and the interpreter that serves a caller.
//!
//! Text in, [`Center`] out, with every problem found; then [`Run`] walks one caller through a flow. Pure.

pub mod announcement;
pub mod api;
pub mod bot;
pub mod center;
mod center_file;
mod check;
pub mod diagnostic;
pub mod difference;
pub mod drawing;
pub mod escalation;
mod expression;
mod file;
pub mod hours;
pub(crate) mod keypad;
pub mod load;
pub mod model;
mod needs;
mod node;
pub mod outline;
pub mod prompts;
mod read;
pub mod rehearsal;
pub mod run;
pub mod say;
pub mod service;
pub mod speech;
mod step;
mod template;
pub mod validity;
pub mod webhook;
pub mod whisper;

#[cfg(test)]
pub(crate) mod tests;

pub use api::ExitName;
pub use api::FlowAction;
pub use api::FlowEvent;
pub use center::Center;
pub use diagnostic::Diagnostic;
pub use diagnostic::Severity;
pub use load::AS_CENTER;
pub use load::load;
pub use load::load_beside;
pub use load::named_zone;
pub use node::KINDS;
pub use prompts::Prompts;
pub use read::WAYS_OF_SAYING;
pub use read::duration;
pub use run::Run;
pub use run::Served;
