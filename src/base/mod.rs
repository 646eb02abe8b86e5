//! The ground floor: ids, time, entropy, personal data, plain text, a table with a bound, tries at a password. No I/O.

pub mod entropy;
pub mod id;
pub mod latest;
pub mod network;
pub mod pii;
pub mod plain;
pub mod time;
pub mod tries;

pub use entropy::Entropy;
pub use id::AgentId;
pub use id::CallId;
pub use id::LegId;
pub use id::PromiseId;
pub use id::QueueId;
pub use id::SkillId;
pub use latest::Latest;
pub use network::network;
pub use pii::Pii;
pub use pii::Secret;
pub use plain::plain;
pub use time::Timestamp;
pub use time::WallTime;
pub use tries::Tries;

/// A name that an admin gave: of an agent, a queue, a flow, a node, a prompt. Cheap to clone.
pub type Name = std::sync::Arc<str>;
