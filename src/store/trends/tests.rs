//! Weeks whose figures are known, and what is told of the last of them.

use std::time::Duration;

use super::*;
use crate::base::CallId;
use crate::base::Entropy;
use crate::base::Timestamp;
use crate::fact::Fact;
use crate::store::HistoryWriter;
use crate::store::Store;
use crate::store::sample;

const DAY: u64 = 24 * 3_600;
/// The sample day is a Sunday and begins at 14:02: so many seconds later it is Monday.
const MONDAY: u64 = (10 * 60 - 2) * 60;
/// Weeks of which there is a history; the last of them is compared.
const WEEKS: u64 = 6;
const CALLS_A_DAY: u64 = 20;

/// What a call of a week, a day and a place in it is: who calls, and how long they wait and talk.
struct Call {
    caller: u64,
    waited: u64,
    talked: u64,
    answer: Option<u8>,
}

/// A usual one: one in ten waits too long, talks take five minutes or a little more, nobody calls twice.
fn usual(number: u64, place: u64) -> Call {
    Call {
        caller: number,
        waited: if place.is_multiple_of(10) { 60 } else { 10 },
        talked: 300 + place % 5 * 10,
        answer: None,
    }
}

/// A history of these queues, each call as `of` a queue, week, day, place and number says.
fn history(
    queues: &[&str],
    mut of: impl FnMut(&str, u64, u64, u64, u64) -> Call,
) -> (tempfile::TempDir, Store, HistoryWriter) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    let mut number = 0;
    for (week, day) in (0..WEEKS).flat_map(|week| (0..7).map(move |day| (week, day))) {
        for (queue, place) in
            queues.iter().flat_map(|queue| (0..CALLS_A_DAY).map(move |place| (*queue, place)))
        {
            number += 1;
            let Call { caller, waited, talked, answer } = of(queue, week, day, place, number);
            let second = MONDAY + (week * 7 + day) * DAY + 8 * 3_600 + place * 1_000;
            sample::served(number, caller, second, queue, (waited, talked))
                .into_iter()
                .for_each(|fact| history.record(fact));
            if let Some(answer) = answer {
                let (at, call) = (Timestamp::from_secs(second + waited + talked + 10), Some(CallId(number)));
                let what = sample::survey_answered("satisfied", answer, "alice");
                history.record(Fact { at, call, what });
            }
        }
    }
    history.flush();
    (folder, store, history)
}

/// Ten minutes into the Monday after the last week.
fn monday() -> WallTime {
    sample::STARTED + Duration::from_secs(MONDAY + WEEKS * 7 * DAY + 600)
}

fn trends(store: &Store) -> Vec<QueueTrends> {
    let staff =
        Staff { targets: BTreeMap::from([("billing".into(), Duration::from_secs(20))]), agents: Vec::new() };
    store.readers().unwrap().trend_report(staff, &TimeZone::UTC, monday()).unwrap()
}

fn in_words(what: &What) -> String {
    let What::TrendSeen { queue, changes, pattern } = what else { panic!("{what:?}") };
    format!("{queue}: {}", crate::fact::trend::in_words(changes, *pattern))
}

#[test]
fn a_week_in_which_callers_waited_is_told_once_and_of_that_queue_alone() {
    let (_folder, store, history) = history(&["billing", "help"], |queue, week, _, place, number| {
        let spike = queue == "billing" && week == WEEKS - 1 && place.is_multiple_of(2);
        Call { waited: if spike { 60 } else { usual(number, place).waited }, ..usual(number, place) }
    });
    let trends = trends(&store);
    let readers = store.readers().unwrap();
    let begins = week_begins(monday(), &TimeZone::UTC).unwrap();
    let told = news(&trends, &readers.trends_told(begins).unwrap());
    let words: Vec<String> = told.iter().map(in_words).collect();
    assert_eq!(words, ["billing: service_level 50 % (90 % before), average_wait 35 s (15 s before)"]);
    for what in told {
        let at = Timestamp::ZERO + monday().since(sample::STARTED);
        history.record(Fact { at, call: None, what });
    }
    history.flush();
    assert_eq!(news(&trends, &readers.trends_told(begins).unwrap()), [], "a restart tells nothing again");
    let next_week = begins + Duration::from_secs(7 * DAY);
    assert_eq!(news(&trends, &readers.trends_told(next_week).unwrap()).len(), 1);
}

#[test]
fn shorter_talks_are_told_where_fewer_are_helped_by_them() {
    // The week before the last: those of the last show in seven days.
    let hurried = |helped: bool| {
        history(&["billing"], move |_, week, _, place, number| {
            let usual = usual(number, place);
            if week != WEEKS - 2 {
                return usual;
            }
            // The same people day by day.
            Call {
                caller: if helped { number } else { 9_000_000 + place },
                talked: usual.talked - 100,
                ..usual
            }
        })
    };
    let (_folder, store, _history) = hurried(false);
    let told = news(&trends(&store), &[]);
    let words: Vec<String> = told.iter().map(in_words).collect();
    assert_eq!(
        words,
        [
            "billing: average_handle 220 s (320 s before), first_call_resolution 14.3 % (100 % before); talks are shorter and fewer \
          callers are helped at once: they may be hurried off the line, and call again"
        ]
    );
    let (_folder, store, _history) = hurried(true);
    let trends = trends(&store);
    let handle = trends[0].trends.iter().find(|trend| trend.figure == Figure::AverageHandle).unwrap();
    assert_eq!((handle.comparison.change(), trends[0].pattern), (Change::Down, None));
    assert_eq!(news(&trends, &[]), [], "shorter talks by themselves are no news");
}

#[test]
fn answers_that_change_are_told_with_their_question() {
    let (_folder, store, _history) = history(&["billing"], |_, week, _, place, number| {
        let answer = if week == WEEKS - 1 { 2 + place % 2 } else { 4 + place % 2 };
        Call { answer: u8::try_from(answer).ok(), ..usual(number, place) }
    });
    let told = news(&trends(&store), &[]);
    let words: Vec<String> = told.iter().map(in_words).collect();
    assert_eq!(words, ["billing: survey satisfied 2.5 (4.5 before)"]);
}

#[test]
fn what_chance_makes_of_days_is_not_told() {
    let mut entropy = Entropy::seeded(87);
    let mut luck = 0;
    let (_folder, store, _history) = history(&["billing", "help", "sales"], |_, _, _, place, number| {
        if place == 0 {
            // A day is good or bad for all who call on it.
            luck = 60 + entropy.below(35);
        }
        let waited = if entropy.below(100) < luck { entropy.below(20) } else { 20 + entropy.below(100) };
        let (talked, answer) = (100 + entropy.below(500), u8::try_from(1 + entropy.below(5)).ok());
        let caller = if entropy.below(5) == 0 { entropy.below(40) } else { number };
        Call { caller, waited, talked, answer }
    });
    let trends = trends(&store);
    assert_eq!(trends.iter().map(|of| of.trends.len()).sum::<usize>(), 3 * COMPARED.len() + 1);
    assert_eq!(news(&trends, &[]), []);
}

#[test]
fn a_week_is_what_the_report_of_service_has_of_it() {
    let (_folder, store, _history) = history(&["billing"], |_, week, day, place, number| Call {
        waited: 5 + (week * 7 + day) * place % 50,
        ..usual(number, place)
    });
    let (trends, readers) = (trends(&store), store.readers().unwrap());
    for trend in &trends[0].trends {
        let until = trend.week + Duration::from_secs(7 * DAY);
        let whole = |from, until| {
            let intervals = Intervals::new(from, until, Every::Week, &TimeZone::UTC).unwrap();
            let rows =
                readers.service_report(By::Queue, intervals, Staff::default(), monday()).unwrap().unwrap();
            measured(&trend.figure, &rows[0].whole)
        };
        let before = trend.week.before(Duration::from_secs(7 * DAY * WEEKS_BEFORE as u64));
        for (told, actual) in [
            (trend.comparison.week, whole(trend.week, until)),
            (trend.comparison.before, whole(before, trend.week)),
        ] {
            assert_eq!(told.count, actual.count, "{:?}", trend.figure);
            let apart = told.value.unwrap_or_default() - actual.value.unwrap_or_default();
            assert!(apart.abs() < 1e-9, "{:?}", trend.figure);
        }
    }
}
