//! The control thread, the clock, the registry of live calls: where the cores meet the wires.

pub mod handle;
pub mod live;
pub mod options;
pub mod run;

pub use handle::ControlError;
pub use handle::ControlHandle;
pub use handle::ControlRequest;
pub use live::Live;
pub use options::ServeOptions;
pub use run::ServeError;
pub use run::run;
