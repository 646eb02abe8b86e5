//! Whom an agent asks who cannot settle it, level by level, and what a caller may be promised meanwhile.

use std::time::Duration;

use crate::base::Name;
use crate::fact::PromiseKind;
use crate::fact::Target;

/// A level of the matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    pub name: Name,
    /// What a caller says that leads here: words for the agent.
    pub when: Vec<String>,
    /// Who is asked.
    pub to: Target,
    /// How long they have to answer. Default 30 s.
    pub within: Duration,
    /// The level that is asked after that.
    pub next: Option<Name>,
    /// What the caller may be promised at this level.
    pub promise: Option<MayPromise>,
}

/// What a caller may be promised.
#[derive(Clone, Debug, PartialEq)]
pub struct MayPromise {
    pub kind: PromiseKind,
    /// By when, from now.
    pub within: Duration,
    pub words: String,
}

/// The level of this name.
pub fn level<'l>(levels: &'l [Level], name: &str) -> Option<&'l Level> {
    levels.iter().find(|level| *level.name == *name)
}
