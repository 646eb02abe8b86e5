//! The control thread, the clock, the registry of live calls: where the cores meet the wires.

pub mod board;
pub mod browser;
pub mod captions;
pub mod clock;
mod control;
pub mod desk;
mod door;
pub mod fetcher;
pub mod gauges;
pub mod handle;
pub mod live;
pub mod load;
pub mod metric;
pub mod options;
pub mod publisher;
pub mod recorder;
mod rules;
mod start;
pub mod switchboard;
pub mod versions;

pub use handle::ControlError;
pub use handle::ControlHandle;
pub use handle::ControlRequest;
pub use live::Live;
pub use metric::Metric;
pub use metric::MetricKind;
pub use options::ServeOptions;
pub use publisher::PublishError;
pub use publisher::Publisher;
pub use rules::AgentRules;
pub use rules::QueueRules;
pub use rules::Rules;
pub use start::Running;
pub use start::ServeError;
pub use start::start;
pub use switchboard::PlaceCall;
