//! A place in a queue that is kept for a caller who is to be called back: what it takes to keep it over a restart, and
//! which places are kept, as the facts have it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::NeedFact;
use crate::fact::What;

/// A place at the moment when it is agreed on, by names: the center may be another one when it is looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub queue: Name,
    /// What the call itself needs, beyond its queue.
    pub needs: Vec<NeedFact>,
    /// What less will do, from which age on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<(Duration, Vec<NeedFact>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wants: Vec<NeedFact>,
    /// In force, its queue's and its own together.
    pub priority: i32,
    /// Who must not get the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Name>,
    /// Whether that nobody is wanted, or excluded, is meant, whatever the queue says.
    #[serde(default)]
    pub wants_nobody: bool,
    #[serde(default)]
    pub excludes_nobody: bool,
    /// How old the caller counts as.
    pub age: Duration,
    /// How long they have waited in this queue.
    pub waited: Duration,
    /// Where their phone said that it is reached, where no trunk brought the call: a SIP URI.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub contact: String,
}

/// A place that is kept, and what has come of it so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptPlace {
    pub call: CallId,
    /// Where the caller is called.
    pub number: String,
    /// When, not before.
    pub at: Option<WallTime>,
    pub place: Place,
    pub chosen: WallTime,
    /// How often the caller was called, a try that is under way among them.
    pub tries: u32,
    /// Whether a try is under way: an agent is there or kept for the caller, whose phone rings, or who waits for the agent.
    pub under_way: bool,
    /// When the last try failed.
    pub failed: Option<WallTime>,
}

impl KeptPlace {
    /// When the caller counts as having joined.
    pub fn since(&self) -> WallTime {
        self.chosen.before(self.place.age)
    }

    /// When they joined the queue.
    pub fn joined(&self) -> WallTime {
        self.chosen.before(self.place.waited)
    }

    /// Since when the caller has waited: from the time that they chose, if they chose one.
    pub fn waits_since(&self) -> WallTime {
        self.joined().max(self.at.unwrap_or(self.joined()))
    }

    fn apply(&mut self, wall: WallTime, what: &What) -> bool {
        match what {
            What::CallbackDialled { attempt, .. } => (self.tries, self.under_way) = (*attempt, true),
            What::CallbackCancelled { attempt, .. } => {
                (self.tries, self.under_way, self.failed) = (attempt.saturating_sub(1), false, Some(wall));
            }
            What::CallbackFailed { .. } => (self.under_way, self.failed) = (false, Some(wall)),
            What::WaitMoved { to, priority, .. } => {
                let place = std::mem::take(&mut self.place);
                let (queue, priority, needs, steps) = (to.clone(), *priority, Vec::new(), Vec::new());
                self.place = Place { queue, priority, needs, steps, ..place };
            }
            What::WaitPrioritised { priority, .. } => self.place.priority = *priority,
            _ => return false,
        }
        true
    }
}

/// What a fact did to the places.
#[derive(Clone, Debug, PartialEq)]
pub enum PlaceChange<'p> {
    /// A place is kept from now on, or something about it has changed.
    Kept(&'p KeptPlace),
    /// It is kept no more.
    Over,
}

/// The places that are kept: a fold over facts. Bounded by the callers whom queues let in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptPlaces(BTreeMap<CallId, KeptPlace>);

impl KeptPlaces {
    /// Takes a fact of a call in; what it changed.
    pub fn apply(&mut self, call: CallId, wall: WallTime, what: &What) -> Option<PlaceChange<'_>> {
        match what {
            What::CallbackChosen { number, at, place: Some(place) } => {
                let (number, at, place) = (number.clone(), *at, Place::clone(place));
                let (chosen, tries, under_way, failed) = (wall, 0, false, None);
                let kept = KeptPlace { call, number, at, place, chosen, tries, under_way, failed };
                self.0.insert(call, kept);
                self.0.get(&call).map(PlaceChange::Kept)
            }
            What::AgentConnected { .. } | What::WaitEnded { .. } | What::CallEnded { .. } => {
                self.0.remove(&call).map(|_| PlaceChange::Over)
            }
            what => {
                let kept = self.0.get_mut(&call)?;
                kept.apply(wall, what).then_some(PlaceChange::Kept(kept))
            }
        }
    }

    /// Whether a place is kept for this call.
    pub fn has(&self, call: CallId) -> bool {
        self.0.contains_key(&call)
    }

    /// All of them, in the order of their calls.
    pub fn iter(&self) -> impl Iterator<Item = &KeptPlace> {
        self.0.values()
    }
}

impl FromIterator<KeptPlace> for KeptPlaces {
    fn from_iter<I: IntoIterator<Item = KeptPlace>>(places: I) -> KeptPlaces {
        KeptPlaces(places.into_iter().map(|kept| (kept.call, kept)).collect())
    }
}
