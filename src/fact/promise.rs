//! A promise to a caller: who owes what to whom, by when, and what became of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::base::CallId;
use crate::base::Name;
use crate::base::PromiseId;
use crate::base::WallTime;
use crate::fact::What;

/// What a caller was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromiseKind {
    Callback,
    Answer,
}

/// To whom, as far as it was known then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Promisee {
    /// Empty when it was withheld.
    pub number: String,
    pub name: Option<String>,
    /// The account that the caller proved to own.
    pub account: Option<String>,
    /// The queue that the caller had joined.
    pub queue: Option<Name>,
}

/// How far a promise is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromiseState {
    Open,
    /// Its time has passed, and nobody has said what came of it.
    Overdue,
    Kept,
    /// Kept after its time.
    Late,
    Broken,
}

impl PromiseState {
    /// Whether somebody still owes it.
    pub fn is_open(self) -> bool {
        matches!(self, PromiseState::Open | PromiseState::Overdue)
    }
}

/// A promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    pub id: PromiseId,
    /// The call in which it was made.
    pub call: CallId,
    /// Who owes it.
    pub owner: Name,
    pub kind: PromiseKind,
    pub words: String,
    pub to: Promisee,
    pub made: WallTime,
    pub due: WallTime,
    pub state: PromiseState,
    /// Whether the owner was told that it is nearly due.
    pub reminded: bool,
    /// When it was kept or broken, who said so, and what they said; nobody: its time was long over.
    pub settled: Option<(WallTime, Option<Name>, String)>,
}

impl Promise {
    /// Takes a later fact about it in.
    pub fn apply(&mut self, wall: WallTime, what: &What) {
        match what {
            What::PromiseReminded { .. } => self.reminded = true,
            What::PromiseOverdue { .. } => self.state = PromiseState::Overdue,
            What::PromiseHanded { to, .. } => self.owner = to.clone(),
            What::PromiseSettled { state, by, words, .. } => {
                self.state = *state;
                self.settled = Some((wall, by.clone(), words.clone()));
            }
            _ => {}
        }
    }
}

/// The promises that somebody owes: a fold over facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenPromises(BTreeMap<PromiseId, Promise>);

impl OpenPromises {
    /// Takes a fact in; the promise as it was before, and as it is.
    pub fn apply(&mut self, call: CallId, wall: WallTime, what: &What) -> Option<(Option<Promise>, Promise)> {
        if let What::PromiseMade { id, agent, promise, due, words, to } = what {
            // Of a history from before promises had numbers.
            let id = (*id)?;
            let promise = Promise {
                id,
                call,
                owner: agent.clone(),
                kind: *promise,
                words: words.clone(),
                to: Promisee::clone(to),
                made: wall,
                due: *due,
                state: PromiseState::Open,
                reminded: false,
                settled: None,
            };
            self.0.insert(id, promise.clone());
            return Some((None, promise));
        }
        let id = of(what)?;
        let promise = self.0.get_mut(&id)?;
        let before = promise.clone();
        promise.apply(wall, what);
        let after = promise.clone();
        if !after.state.is_open() {
            self.0.remove(&id);
        }
        Some((Some(before), after))
    }

    /// One of them.
    pub fn get(&self, id: PromiseId) -> Option<&Promise> {
        self.0.get(&id)
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Promise> {
        self.0.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody owes anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Promise> for OpenPromises {
    fn from_iter<I: IntoIterator<Item = Promise>>(promises: I) -> OpenPromises {
        OpenPromises(promises.into_iter().map(|promise| (promise.id, promise)).collect())
    }
}

/// The promise that a later fact is about.
pub fn of(what: &What) -> Option<PromiseId> {
    match what {
        What::PromiseReminded { id, .. }
        | What::PromiseOverdue { id, .. }
        | What::PromiseHanded { id, .. }
        | What::PromiseSettled { id, .. } => Some(*id),
        _ => None,
    }
}
