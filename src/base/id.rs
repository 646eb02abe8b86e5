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
    /// One party of a call: the caller's line, an agent's phone. It carries its call: see [`LegId::of`].
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

impl LegId {
    /// The `number`th leg of a call; the caller's first line is number 0.
    pub const fn of(call: CallId, number: u16) -> LegId {
        LegId(call.0 << 16 | number as u64)
    }

    /// The call that the leg belongs to.
    pub const fn call(self) -> CallId {
        CallId(self.0 >> 16)
    }

    /// Which of its call's legs it is: see [`LegId::of`].
    pub const fn number(self) -> u16 {
        (self.0 & 0xffff) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_knows_its_call() {
        assert_eq!(LegId::of(CallId(42), 3).call(), CallId(42));
        assert_eq!(LegId::of(CallId(42), 3).number(), 3);
        assert_ne!(LegId::of(CallId(42), 3), LegId::of(CallId(42), 4));
    }
}
