//! Who read the history of which call of late, or a list of calls, or watches what happens: one reading is told of, not each
//! refresh of a page.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::api::ApiState;
use crate::api::problem::Problem;
use crate::base::CallId;
use crate::base::Latest;
use crate::base::Name;
use crate::fact::What;
use crate::server::Reading;
use crate::store::DatedFact;

/// Whoever reads again so soon after they were told of goes on with the same reading.
const ONE_READING: Duration = Duration::from_secs(15 * 60);
/// Readings that are remembered; the one that began longest ago makes room, and is told of again if it goes on.
const REMEMBERED: usize = 4_096;

/// When each reading began. A restart forgets them.
pub(super) struct Reads(Mutex<Latest<(Reading, Name), Instant>>);

impl Default for Reads {
    fn default() -> Reads {
        Reads(Mutex::new(Latest::new(REMEMBERED)))
    }
}

impl Reads {
    /// Whether this begins a reading, which is then to be told of.
    fn begins(&self, what: &Reading, by: &Name, now: Instant) -> bool {
        let mut began = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (what.clone(), by.clone());
        if began.get(&key).is_some_and(|began| now.duration_since(*began) < ONE_READING) {
            return false;
        }
        began.put(key, now);
        true
    }

    fn forget(&self, what: &Reading, by: &Name) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(what.clone(), by.clone()));
    }
}

impl ApiState {
    /// Has a call's history, of which these are the facts, say that this person reads it; before they have it. Whoever had a
    /// part in the call looks at it in the course of their work, and is not told of.
    pub(super) async fn tell_call_read(
        &self,
        call: CallId,
        facts: &[DatedFact],
        by: Name,
    ) -> Result<(), Problem> {
        if facts.iter().any(|dated| has_part(&dated.fact.what, &by)) {
            return Ok(());
        }
        self.tell_read(Reading::Call(call), by).await
    }

    /// Has the history say that this person reads it; before they have it.
    pub(super) async fn tell_read(&self, what: Reading, by: Name) -> Result<(), Problem> {
        if !self.reads.begins(&what, &by, Instant::now()) {
            return Ok(());
        }
        let told = self.control.read(what.clone(), by.clone()).await;
        Ok(told.inspect_err(|_| self.reads.forget(&what, &by))?)
    }
}

/// Whether this says that they talked in the call, or owe its caller something.
fn has_part(what: &What, who: &Name) -> bool {
    match what {
        What::CallPlaced { agent, .. } | What::AgentConnected { agent, .. } => agent == who,
        What::ConsultAnswered { by } | What::TakenOver { by, .. } => by == who,
        What::PartyJoined { who: joined } => joined == who,
        What::PromiseHanded { to, .. } => to == who,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reading_is_told_of_once_in_a_quarter_of_an_hour() {
        let (reads, start) = (Reads::default(), Instant::now());
        let after = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let (sam, ada) = (Name::from("sam"), Name::from("ada"));
        let (seven, eight) = (Reading::Call(CallId(7)), Reading::Call(CallId(8)));
        assert!(reads.begins(&seven, &sam, start));
        assert!(!reads.begins(&seven, &sam, after(1)) && !reads.begins(&seven, &sam, after(14)));
        assert!(reads.begins(&seven, &ada, after(1)), "another reader");
        assert!(reads.begins(&eight, &sam, after(1)), "another call");
        assert!(reads.begins(&seven, &sam, after(15)), "a page that is refreshed all day is told of again");
        assert!(!reads.begins(&seven, &sam, after(16)));
        reads.forget(&seven, &sam);
        assert!(reads.begins(&seven, &sam, after(16)), "what could not be told is told the next time");
    }
}
