//! Facts in, rows out, over a real file.

use super::*;
use crate::store::CallFilter;
use crate::store::sample;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn write(store: &Store, facts: impl IntoIterator<Item = Fact>) -> HistoryWriter {
    let history = HistoryWriter::start(store, sample::STARTED).unwrap();
    for fact in facts {
        history.record(fact);
    }
    history.flush();
    history
}

#[test]
fn a_call_is_in_the_history_as_its_facts_tell_it() {
    let (_folder, store) = store();
    let history = write(&store, sample::whole_call(7));
    let readers = store.readers().unwrap();
    let told = sample::dated(sample::whole_call(7));
    assert_eq!(readers.facts(CallId(7)).unwrap(), told);
    let folded = CallFold::of(CallId(7), &told).unwrap().record().clone();
    assert_eq!(readers.call(CallId(7)).unwrap(), Some(folded));
    assert_eq!((history.lost(), history.waiting()), (0, 0));
    assert_eq!(store.next_call_id().unwrap(), CallId(8));
    assert_eq!(readers.call(CallId(8)).unwrap(), None);
}

#[test]
fn a_live_call_is_visible_and_ends_when_it_ends() {
    let (_folder, store) = store();
    let facts = sample::whole_call(1);
    let (begin, rest) = facts.split_at(5);
    let history = write(&store, begin.to_vec());
    let readers = store.readers().unwrap();
    let live = readers.calls(&CallFilter::default()).unwrap();
    assert_eq!((live.len(), live[0].ended), (1, None));
    for fact in rest {
        history.record(fact.clone());
        history.flush();
    }
    let ended = readers.call(CallId(1)).unwrap().unwrap();
    assert_eq!(ended.outcome, Some(Outcome::Talked));
    assert!(ended.legs[0].quality.is_some(), "the line's quality came after the end");
    assert_eq!(readers.facts(CallId(1)).unwrap().len(), facts.len());
}

#[test]
fn skills_that_were_set_since_a_moment_are_told_in_order() {
    let (_folder, store) = store();
    let set = |secs, skill: &str, level| {
        let (agent, by) = ("bob".into(), Some("sam".into()));
        let what = What::SkillSet { agent, skill: skill.into(), level, by };
        Fact { at: Timestamp::from_secs(secs), call: None, what }
    };
    let opened = |secs| {
        let what = What::DeskOpened { agent: "bob".into() };
        Fact { at: Timestamp::from_secs(secs), call: None, what }
    };
    let facts = [set(1, "sales", 9), opened(5), set(10, "sales", 2), opened(11), set(12, "billing", 3)];
    let history = write(&store, facts.clone());
    let since = sample::STARTED + Duration::from_secs(10);
    let told = store.readers().unwrap().skills_set(since).unwrap();
    assert_eq!(told, sample::dated(vec![facts[2].clone(), facts[4].clone()]));
    drop(history);
}

#[test]
fn closing_writes_what_is_left() {
    let (_folder, store) = store();
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    for call in 1..=500 {
        sample::short_call(call).into_iter().for_each(|fact| history.record(fact));
    }
    history.close();
    let all = CallFilter { limit: Some(1_000), ..CallFilter::default() };
    assert_eq!(store.readers().unwrap().calls(&all).unwrap().len(), 500);
    history.record(sample::short_call(501).remove(0));
    assert_eq!(history.lost(), 1);
    // Neither hangs on a thread that has ended.
    history.flush();
    history.close();
}

#[test]
fn calls_that_a_crash_cut_off_are_ended_at_the_next_start() {
    let (_folder, store) = store();
    drop(write(&store, sample::whole_call(3).into_iter().take(17)));
    drop(write(&store, []));
    let readers = store.readers().unwrap();
    let call = readers.call(CallId(3)).unwrap().unwrap();
    assert_eq!((call.outcome, call.cause.as_str()), (Some(Outcome::Failed), "the server stopped"));
    assert_eq!(call.ended, Some(sample::STARTED + Duration::from_millis(9_001)));
    assert_eq!(readers.facts(CallId(3)).unwrap().len(), 18);
}

#[test]
fn a_late_fact_finds_a_call_of_an_earlier_run() {
    let (_folder, store) = store();
    let mut facts = sample::whole_call(3);
    let late = facts.pop().unwrap();
    drop(write(&store, facts));
    drop(write(&store, [late]));
    let readers = store.readers().unwrap();
    assert_eq!(readers.facts(CallId(3)).unwrap(), sample::dated(sample::whole_call(3)));
    let call = readers.call(CallId(3)).unwrap().unwrap();
    assert_eq!((call.outcome, call.legs[0].quality.unwrap().lost), (Some(Outcome::Talked), 3));
}

#[test]
fn facts_about_agents_alone_are_kept_as_well() {
    let (_folder, store) = store();
    let what = What::PhoneUnregistered { agent: "bob".into(), contacts: 0 };
    let fact = Fact { at: Timestamp::ZERO, call: None, what };
    drop(write(&store, [fact.clone(), fact.clone()]));
    drop(write(&store, [fact.clone()]));
    let facts = store.readers().unwrap().facts(CallId(0)).unwrap();
    assert_eq!(facts.iter().map(|dated| &dated.fact).collect::<Vec<_>>(), [&fact; 3]);
    assert_eq!(store.next_call_id().unwrap(), CallId(1));
}

#[test]
fn calls_are_found_by_what_is_known_of_them() {
    let (_folder, store) = store();
    drop(write(
        &store,
        (1..=9).flat_map(|call| match call % 3 {
            0 => sample::whole_call(call),
            _ => sample::short_call(call),
        }),
    ));
    let readers = store.readers().unwrap();
    let ids = |filter: CallFilter| -> Vec<u64> {
        readers.calls(&filter).unwrap().iter().map(|record| record.id.0).collect()
    };
    let any = CallFilter::default;
    assert_eq!(ids(any()), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(ids(CallFilter { sip_call_id: Some("call-4@127.0.0.1".into()), ..any() }), [4]);
    assert_eq!(ids(CallFilter { agent: Some("bob".into()), ..any() }), [9, 6, 3]);
    assert_eq!(ids(CallFilter { outcome: Some(Outcome::LeftInFlow), limit: Some(2), ..any() }), [8, 7]);
    assert_eq!(ids(CallFilter { before: Some(CallId(4)), ..any() }), [3, 2, 1]);
    assert_eq!(ids(CallFilter { from: Some("+1202' OR 1=1 --".into()), ..any() }), [0_u64; 0]);
    assert_eq!(ids(CallFilter { queue: Some("billing".into()), limit: Some(2), ..any() }), [9, 6]);
    let dialled = readers.call(CallId(3)).unwrap().unwrap().to;
    assert_eq!(ids(CallFilter { dialled: Some(dialled), ..any() }).len(), 9);
    assert_eq!(ids(CallFilter { dialled: Some("none".into()), ..any() }), [0_u64; 0]);
}

#[test]
fn the_calls_of_a_day_are_found_also_where_the_clock_was_set_and_numbers_are_missing() {
    let (_folder, store) = store();
    let numbers = [2, 3, 5, 8, 13, 21, 34];
    drop(write(&store, numbers.iter().flat_map(|call| sample::short_call(*call))));
    // An hour apart, but for the fifth, before which the clock was set back by half an hour.
    let hour = |hours: f64| sample::STARTED.0 + (hours * 3.6e9) as i64;
    for (call, hours) in numbers.into_iter().zip([0.0, 1.0, 2.0, 3.0, 2.5, 4.0, 5.0]) {
        let arrived = "UPDATE calls SET arrived_us = ?2 WHERE id = ?1";
        store.connection().execute(arrived, params![call as i64, hour(hours)]).unwrap();
    }
    let readers = store.readers().unwrap();
    let between = |since: f64, until: f64| -> Vec<u64> {
        let (since, until) = (Some(WallTime(hour(since))), Some(WallTime(hour(until))));
        let filter = CallFilter { since, until, ..CallFilter::default() };
        readers.calls(&filter).unwrap().iter().map(|record| record.id.0).collect()
    };
    assert_eq!(between(1.0, 3.0), [13, 5, 3]);
    assert_eq!(between(3.0, 9.0), [34, 21, 8]);
    assert_eq!(between(-9.0, 0.5), [2]);
    assert_eq!((between(6.0, 9.0), between(-9.0, -8.0)), (vec![], vec![]));
}

#[test]
fn a_sip_call_id_is_looked_for_in_every_stretch_of_the_index_and_nowhere_else() {
    let (_folder, store) = store();
    // Stretches apart, two of them neighbours, with others without a call between them.
    let called = [1, 1_023, 1_024, 1_000_000, 9_000_000];
    drop(write(&store, called.iter().flat_map(|call| sample::short_call(*call))));
    let readers = store.readers().unwrap();
    for call in called {
        let filter =
            CallFilter { sip_call_id: Some(format!("call-{call}@127.0.0.1")), ..CallFilter::default() };
        let found = readers.calls(&filter).unwrap();
        assert_eq!(found.iter().map(|record| record.id.0).collect::<Vec<_>>(), [call]);
    }
    let plan = format!("EXPLAIN QUERY PLAN SELECT id FROM calls WHERE {}", read::BY_SIP_CALL_ID);
    let connection = store.connection();
    let mut statement = connection.prepare(&plan).unwrap();
    let steps = statement.query_map(["call-1"], |row| row.get::<_, String>("detail")).unwrap();
    let steps = steps.collect::<Result<Vec<_>, _>>().unwrap();
    assert!(!steps.iter().any(|step| step.starts_with("SCAN calls")), "{steps:?}");
}

#[test]
fn calls_of_a_queue_or_a_number_are_found_without_looking_at_all_and_by_what_has_fewest() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let connection = store.connection();
    let by = |filter: CallFilter| {
        let (sql, values) = read::listing(&connection, &filter).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = rusqlite::params_from_iter(values);
        statement.query_row(values, |row| row.get::<_, String>("detail")).unwrap()
    };
    let (any, queue, number) = (CallFilter::default, Some("billing".to_owned()), Some("1000".to_owned()));
    let of_queue = || CallFilter { queue: queue.clone(), ..any() };
    let of_number = || CallFilter { dialled: number.clone(), ..of_queue() };
    for (filter, index) in [
        (of_queue(), "calls_by_queue"),
        (CallFilter { since: Some(sample::STARTED), ..of_queue() }, "calls_by_queue"),
        (CallFilter { queue: None, ..of_number() }, "calls_by_dialled"),
        (of_number(), "calls_by_dialled"),
        (CallFilter { from: Some("+12025550143".to_owned()), ..of_number() }, "calls_by_caller"),
        (CallFilter { agent: Some("bob".to_owned()), ..of_number() }, "calls_by_agent"),
    ] {
        let plan = by(filter.clone());
        assert!(plan.starts_with("SEARCH calls USING INDEX") && plan.contains(index), "{filter:?}: {plan}");
    }
}

#[test]
fn a_row_has_what_its_call_came_with_however_late_it_is_told() {
    let (_folder, store) = store();
    let facts = sample::short_call(3);
    let (arrived, others) = facts.split_first().unwrap();
    // An answer of which the arrival comes in a later transaction, and then the end in one more.
    let history = write(&store, [others[0].clone()]);
    history.record(arrived.clone());
    history.flush();
    others[1..].iter().for_each(|fact| history.record(fact.clone()));
    history.flush();
    let record = store.readers().unwrap().call(CallId(3)).unwrap().unwrap();
    assert_eq!((record.from.as_str(), record.to.as_str()), ("+12025550143", "1000"));
    assert!(record.ended.is_some(), "{record:?}");
}

#[test]
fn a_full_disk_costs_facts_and_not_the_server() {
    let (_folder, store) = store();
    let history = write(&store, sample::whole_call(1));
    // As good as a full disk: nothing can be written to the table.
    store.connection().execute_batch("ALTER TABLE facts RENAME TO elsewhere").unwrap();
    sample::short_call(2).into_iter().for_each(|fact| history.record(fact));
    history.flush();
    assert_eq!((history.lost(), history.losses().go_on()), (6, true));
    store.connection().execute_batch("ALTER TABLE elsewhere RENAME TO facts").unwrap();
    sample::short_call(3).into_iter().for_each(|fact| history.record(fact));
    history.flush();
    let calls = store.readers().unwrap().calls(&CallFilter::default()).unwrap();
    assert_eq!(calls.iter().map(|record| record.id.0).collect::<Vec<_>>(), [3, 1]);
    assert_eq!((history.lost(), history.losses().go_on()), (6, false), "it is over, and is not forgotten");
}
