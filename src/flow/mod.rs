//! Flow files: the language an admin writes, its checker, and the interpreter that serves a caller.
//!
//! Text in, [`Center`] out, with every problem found; then [`Run`] walks one caller through a flow. Pure.

mod again;
mod agent_file;
mod alarm_file;
pub mod announcement;
pub mod api;
pub mod bot;
pub mod center;
mod center_file;
mod check;
pub mod diagnostic;
pub mod difference;
pub mod drawing;
mod entry;
pub mod escalation;
mod evaluation_file;
mod expression;
mod fields;
mod file;
mod goal_file;
pub mod hours;
pub mod load;
pub mod model;
mod named_file;
mod needs;
mod node;
pub mod outline;
pub mod prompts;
mod question;
mod read;
pub mod rehearsal;
mod ring_file;
pub mod run;
pub mod say;
pub mod service;
pub mod speech;
mod step;
mod surge_file;
mod survey_file;
mod talk_file;
mod template;
pub mod validity;
mod wait_file;
mod week;
mod yaml;

#[cfg(test)]
pub(crate) mod tests;

pub use api::ExitName;
pub use api::FlowAction;
pub use api::FlowEvent;
pub use center::Center;
pub use diagnostic::Diagnostic;
pub use diagnostic::Severity;
pub use load::load;
pub use load::named_zone;
pub use node::KINDS;
pub use prompts::Prompts;
pub use read::WAYS_OF_SAYING;
pub use read::duration;
pub use run::Run;
pub use run::Served;
