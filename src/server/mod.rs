//! The control thread, the clock, the registry of live calls: where the cores meet the wires.

mod banner;
pub mod clock;
mod control;
pub mod handle;
pub mod live;
mod load;
pub mod options;
mod run;
pub mod switchboard;

pub use handle::ControlError;
pub use handle::ControlHandle;
pub use handle::ControlRequest;
pub use live::Live;
pub use options::ServeOptions;
pub use run::ServeError;
pub use run::run;
