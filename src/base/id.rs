//! Ids: small numbers that stand for one thing each and are never reused within a run.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// One caller's whole contact, from the first INVITE to the last word, callback included.
    ///
    /// Ascends over restarts too: the server goes on from the highest id in the history.
    CallId(u64)
}
id! {
    /// One party of a call: the caller's line, an agent's phone.
    LegId(u64)
}
id! {
    /// A person who takes calls: the place in the center's list of agents.
    AgentId(u32)
}
id! {
    /// A queue: the place in the center's list of queues.
    QueueId(u32)
}
id! {
    /// A skill: the place in the center's list of skills.
    SkillId(u32)
}
