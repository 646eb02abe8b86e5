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
    /// What a caller was promised. Ascends over restarts too, as [`CallId`] does.
    PromiseId(u64)
}
id! {
    /// A skill: the place in the center's list of skills.
    SkillId(u32)
}

/// Below this bit a call counts, above it its consults: so many calls that no center has them in its life, and
/// few enough bits that a leg has its call in it.
const CONSULTS: u32 = 40;

impl CallId {
    /// What the queue engine knows the `number`th consult of this call by: whoever is consulted is asked for by
    /// a queue of their own, and has a state of their own. Number 0 is the call itself.
    pub const fn consult(self, number: u8) -> CallId {
        CallId(self.whole().0 | (number as u64) << CONSULTS)
    }

    /// The call that a consult belongs to; any other call itself.
    pub const fn whole(self) -> CallId {
        CallId(self.0 & ((1 << CONSULTS) - 1))
    }

    /// Which consult of its call it is; 0 for the call itself.
    pub const fn number(self) -> u8 {
        (self.0 >> CONSULTS & 0xff) as u8
    }
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

    #[test]
    fn a_consult_knows_its_call() {
        let consult = CallId(42).consult(3);
        assert_eq!((consult.whole(), consult.number()), (CallId(42), 3));
        assert_eq!((CallId(42).whole(), CallId(42).number()), (CallId(42), 0));
        assert_eq!(consult.consult(4), CallId(42).consult(4), "a hop from a hop is of the same call");
    }
}
