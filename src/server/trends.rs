//! What was told of the last week's figures: a fold over facts, for the board.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::What;
use crate::fact::trend;
use crate::store::DatedFact;

/// What was told last of each queue, and when. Bounded by the center's queues.
#[derive(Debug, Default)]
pub struct Trends(Mutex<BTreeMap<Name, (WallTime, String)>>);

impl Trends {
    /// Takes a fact in, of this run or an earlier one.
    pub fn apply(&self, dated: &DatedFact) {
        if let What::TrendSeen { queue, changes, pattern } = &dated.fact.what {
            let words = trend::in_words(changes, *pattern);
            let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            told.insert(queue.clone(), (dated.wall, words));
        }
    }

    /// What was told of a queue since then, in words.
    pub fn of(&self, queue: &str, since: WallTime) -> Option<String> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(queue).filter(|(at, _)| *at >= since).map(|(_, words)| words.clone())
    }
}
