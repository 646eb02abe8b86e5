//! The rows of places that are kept for callers who are to be called back: written as facts come, read by the server at
//! its start.

use rusqlite::Connection;
use rusqlite::params;
use tracing::warn;

use crate::base::CallId;
use crate::base::WallTime;
use crate::fact::KeptPlace;
use crate::fact::KeptPlaces;
use crate::fact::What;
use crate::fact::place::PlaceChange;
use crate::store::StoreError;

/// Takes a fact in, and writes what it changed. `places` stand as the rows do.
pub(super) fn write(
    connection: &Connection,
    places: &mut KeptPlaces,
    call: CallId,
    wall: WallTime,
    what: &What,
) -> Result<(), StoreError> {
    match places.apply(call, wall, what) {
        None => {}
        Some(PlaceChange::Kept(kept)) => {
            // A place is names, numbers and times: it always has a JSON form.
            let json = serde_json::to_string(kept).unwrap_or_default();
            connection
                .prepare_cached("INSERT OR REPLACE INTO kept_places (call, json) VALUES (?1, ?2)")?
                .execute(params![call.0 as i64, json])?;
        }
        Some(PlaceChange::Over) => {
            connection.prepare_cached("DELETE FROM kept_places WHERE call = ?1")?.execute([call.0 as i64])?;
        }
    }
    Ok(())
}

/// Every place that is kept. One that this version cannot read is passed over, and the log says so.
pub(super) fn recall(connection: &Connection) -> Result<KeptPlaces, StoreError> {
    let mut statement = connection.prepare("SELECT call, json FROM kept_places ORDER BY call")?;
    let mut rows = statement.query([])?;
    let mut places = Vec::new();
    while let Some(row) = rows.next()? {
        let json = row.get_ref(1)?.as_str().unwrap_or_default();
        match serde_json::from_str::<KeptPlace>(json) {
            Ok(kept) => places.push(kept),
            Err(error) => {
                warn!(call = row.get::<_, i64>(0)?, %error, "a kept place cannot be read, and is lost")
            }
        }
    }
    Ok(places.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::fact::Outcome;
    use crate::fact::Party;
    use crate::fact::Place;
    use crate::fact::WaitExit;
    use crate::store::CallFilter;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    const NUMBER: &str = "+12025550143";

    /// Everything that concerns a kept place, and what does not.
    fn whats() -> impl Strategy<Value = What> {
        let place = || Place { queue: "support".into(), priority: 2, ..Place::default() };
        let number = || NUMBER.to_owned();
        prop_oneof![
            3 => Just(What::CallbackChosen { number: number(), at: None, place: Some(Box::new(place())) }),
            // Of a history from before places were kept.
            1 => Just(What::CallbackChosen { number: number(), at: None, place: None }),
            3 => (1..4u32).prop_map(move |attempt| What::CallbackDialled { number: number(), attempt }),
            3 => (1..4u32).prop_map(move |attempt| {
                What::CallbackFailed { number: number(), attempt, cause: "no answer".into() }
            }),
            1 => (1..4u32).prop_map(move |attempt| What::CallbackReached { number: number(), attempt }),
            2 => (1..4u32).prop_map(move |attempt| What::CallbackCancelled { number: number(), attempt }),
            1 => Just(What::WaitMoved {
                from: "support".into(), to: "billing".into(), needs: Vec::new(), priority: 5, by: "sam".into(),
            }),
            1 => Just(What::WaitPrioritised { priority: 7, by: "sam".into() }),
            1 => Just(What::AgentConnected {
                agent: "bob".into(), waited: Default::default(), quote: None,
            }),
            1 => Just(What::WaitEnded { exit: WaitExit::Redialled }),
            1 => Just(What::CallEnded {
                by: Party::Server, outcome: Outcome::Talked, cause: "hung up".into(), by_person: None }),
            1 => Just(What::HoldMusicStarted),
        ]
    }

    fn arrival(call: u64) -> Fact {
        sample::whole_call(call).remove(0)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn what_is_kept_after_any_cut_is_what_a_plain_fold_of_the_facts_has(
            told in prop::collection::vec((1..4u64, whats()), 0..40),
            cuts in prop::collection::vec(0..40usize, 0..3),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path()).unwrap();
            let mut plain = KeptPlaces::default();
            let mut history = HistoryWriter::start(&store, sample::STARTED).unwrap();
            (1..4).for_each(|call| history.record(arrival(call)));
            for (place, (call, what)) in told.into_iter().enumerate() {
                let at = Timestamp::from_secs(place as u64);
                let wall = sample::STARTED + std::time::Duration::from_secs(place as u64);
                plain.apply(CallId(call), wall, &what);
                history.record(Fact { at, call: Some(CallId(call)), what });
                if cuts.contains(&place) {
                    history.flush();
                    // The server is gone without a word, and another one starts.
                    history.close();
                    history = HistoryWriter::start(&store, sample::STARTED).unwrap();
                }
            }
            history.flush();
            let kept = store.readers().unwrap().kept_places().unwrap();
            prop_assert_eq!(&kept, &plain);
            history.close();
            // A call with a place is not ended by the next start; any other is.
            let next = HistoryWriter::start(&store, sample::STARTED).unwrap();
            next.close();
            let calls = store.readers().unwrap().calls(&CallFilter::default()).unwrap();
            for call in calls {
                prop_assert!(call.ended.is_some() || plain.has(call.id), "call {} is left open", call.id);
            }
        }
    }

    #[test]
    fn a_call_that_was_stopped_for_want_of_an_agent_is_no_try_and_is_not_under_way() {
        let mut places = KeptPlaces::default();
        let number = || NUMBER.to_owned();
        let place = Some(Box::new(Place { queue: "support".into(), ..Place::default() }));
        let stands = |places: &KeptPlaces| places.iter().map(|kept| (kept.tries, kept.under_way)).next();
        let chosen = What::CallbackChosen { number: number(), at: None, place };
        let dialled = What::CallbackDialled { number: number(), attempt: 2 };
        let reached = What::CallbackReached { number: number(), attempt: 2 };
        let cancelled = What::CallbackCancelled { number: number(), attempt: 2 };
        let mut apply = |what: What| {
            places.apply(CallId(1), WallTime(7), &what);
            stands(&places)
        };
        assert_eq!(apply(chosen), Some((0, false)));
        assert_eq!(apply(dialled.clone()), Some((2, true)));
        assert_eq!(apply(cancelled), Some((1, false)));
        assert_eq!(apply(dialled), Some((2, true)));
        assert_eq!(apply(reached), Some((2, true)), "a crash now is a try");
    }

    #[test]
    fn a_row_that_cannot_be_read_loses_its_own_place_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        for call in [1, 2] {
            history.record(arrival(call));
            let place = Some(Box::new(Place { queue: "support".into(), ..Place::default() }));
            let what = What::CallbackChosen { number: NUMBER.to_owned(), at: None, place };
            history.record(Fact { at: Timestamp::from_secs(1), call: Some(CallId(call)), what });
        }
        history.close();
        let connection = store.connect().unwrap();
        connection.execute("UPDATE kept_places SET json = '{' WHERE call = 1", []).unwrap();
        HistoryWriter::start(&store, sample::STARTED).unwrap().close();
        let readers = store.readers().unwrap();
        let kept = readers.kept_places().unwrap();
        assert_eq!(kept.iter().map(|kept| kept.call.0).collect::<Vec<_>>(), [2]);
        let ended = readers.call(CallId(1)).unwrap().unwrap();
        assert_eq!(ended.outcome, Some(Outcome::Failed), "its call has an end");
    }
}
