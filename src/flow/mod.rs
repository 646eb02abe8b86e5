//! Flow files: the language an admin writes, its checker, and the interpreter that serves a caller.
//!
//! Text in, [`Center`] out, with every problem found; then [`Run`] walks one caller through a flow. Pure.

pub mod api;
pub mod center;
pub mod model;

pub use api::FlowAction;
pub use api::FlowEvent;
pub use center::Center;
