//! Histories whose goals are known, and what is told of them.

use std::time::Duration;

use super::*;
use crate::base::CallId;
use crate::base::Timestamp;
use crate::fact::Fact;
use crate::fact::What;
use crate::fact::goal::Bound;
use crate::fact::goal::Verdict;
use crate::store::HistoryWriter;
use crate::store::Store;
use crate::store::sample;

const DAY: u64 = 24 * 3_600;
/// The sample day is a Sunday and begins at 14:02: so many seconds later it is Monday.
const MONDAY: u64 = (10 * 60 - 2) * 60;

fn at(second: u64) -> WallTime {
    sample::STARTED + Duration::from_secs(second)
}

fn staff() -> Staff {
    Staff { targets: BTreeMap::from([("billing".into(), Duration::from_secs(20))]), agents: Vec::new() }
}

fn goal(queue: &str, figure: Figure, bound: Bound, days: (u64, u64)) -> Goal {
    let queue = Some(Name::from(queue)).filter(|queue| !queue.is_empty());
    let (from, until) = (at(MONDAY + days.0 * DAY), Some(at(MONDAY + days.1 * DAY)));
    Goal { name: "goal".into(), queue, figure, bound, from, until, why: String::new() }
}

/// Two weeks of billing: 36 of 40 are answered after 10 s and four after 100 s in the first, all after 10 s in the second, from
/// the beginning of which the target is 5 s; ten calls of help in the first; and forty of sales later, of whom a quarter gives up.
fn two_weeks() -> (tempfile::TempDir, Store, HistoryWriter) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    let target = |second, within| {
        let within = Duration::from_secs(within);
        let what = What::TargetSet { queue: "billing".into(), percent: 80, within };
        history.record(Fact { at: Timestamp::from_secs(second), call: None, what });
    };
    let record = |facts: Vec<Fact>| facts.into_iter().for_each(|fact| history.record(fact));
    target(0, 20);
    for call in 1..=40 {
        let waited = if call <= 36 { 10 } else { 100 };
        record(sample::served(call, call, MONDAY + call * 600, "billing", (waited, 120)));
    }
    (41..=50).for_each(|call| record(sample::served(call, call, MONDAY + DAY + call, "help", (5, 60))));
    target(MONDAY + 7 * DAY, 5);
    for call in 51..=90 {
        record(sample::served(call, call, MONDAY + 7 * DAY + call * 600, "billing", (10, 240)));
        if call <= 85 {
            let asked = sample::survey_answered("satisfied", if call % 2 == 0 { 5 } else { 4 }, "alice");
            let at = Timestamp::from_secs(MONDAY + 7 * DAY + call * 600 + 260);
            history.record(Fact { at, call: Some(CallId(call)), what: asked });
        }
    }
    for call in 91..=130 {
        let second = MONDAY + 20 * DAY + call * 60;
        record(match call % 4 {
            0 => sample::gave_up(call, call, second, "sales", 60),
            _ => sample::served(call, call, second, "sales", (5, 60)),
        });
    }
    history.flush();
    (folder, store, history)
}

fn told(store: &Store, goals: Vec<Goal>, now: WallTime) -> Vec<String> {
    let told = store.readers().unwrap().goal_report(goals, &staff(), &TimeZone::UTC, now).unwrap();
    let one = |goal: &Goal, actual: &Actual| {
        let value = actual.value.map_or("-".to_owned(), |value| format!("{value:.1}"));
        let verdict = match goal.judge(*actual) {
            Verdict::Reached => "reached",
            Verdict::NotReached => "missed",
            Verdict::TooFew => "too few",
        };
        format!("{value} of {} {verdict}", actual.count)
    };
    let line = |told: &ToldGoal| {
        let weeks = told.weeks.iter().map(|(_, actual)| one(&told.goal, actual));
        let weeks: Vec<String> = weeks.collect();
        format!("{}: {}", one(&told.goal, &told.actual), weeks.join(", "))
    };
    told.iter().map(line).collect()
}

#[test]
fn a_goal_is_what_its_figure_came_to_in_its_own_time_and_week_by_week() {
    let (_folder, store, _history) = two_weeks();
    let least = Bound::AtLeast(80.0);
    let both = (0, 14);
    let goals = vec![
        goal("billing", Figure::ServiceLevel, least, both),
        goal("billing", Figure::ServiceLevel, least, (0, 7)),
        goal("help", Figure::ServiceLevel, least, both),
        goal("", Figure::ServiceLevel, least, both),
        goal("billing", Figure::AverageWait, Bound::AtMost(20.0), both),
        goal("billing", Figure::AverageHandle, Bound::AtMost(150.0), both),
        goal("billing", Figure::Within180S, Bound::AtLeast(95.0), both),
        goal("billing", Figure::Abandonment, Bound::AtMost(5.0), both),
        goal("billing", Figure::FirstCallResolution, Bound::AtLeast(100.0), both),
        goal("billing", Figure::QuotesKept, Bound::AtLeast(90.0), both),
        goal("billing", Figure::Survey("satisfied".into()), Bound::AtLeast(4.2), both),
        goal("help", Figure::Survey("satisfied".into()), Bound::AtLeast(4.2), both),
        goal("sales", Figure::Abandonment, Bound::AtMost(5.0), (14, 28)),
        goal("billing", Figure::ServiceLevel, least, (60, 90)),
    ];
    // The first week was judged by 20 s, and stays so though the target is 5 s now.
    assert_eq!(
        told(&store, goals, at(MONDAY + 30 * DAY)),
        [
            "45.0 of 80 missed: 90.0 of 40 reached, 0.0 of 40 missed",
            "90.0 of 40 reached: 90.0 of 40 reached",
            "100.0 of 10 too few: 100.0 of 10 too few, - of 0 too few",
            "51.1 of 90 missed: 92.0 of 50 reached, 0.0 of 40 missed",
            "14.5 of 80 reached: 19.0 of 40 reached, 10.0 of 40 reached",
            "180.0 of 80 missed: 120.0 of 40 reached, 240.0 of 40 missed",
            "100.0 of 80 reached: 100.0 of 40 reached, 100.0 of 40 reached",
            "0.0 of 80 reached: 0.0 of 40 reached, 0.0 of 40 reached",
            "100.0 of 80 reached: 100.0 of 40 reached, 100.0 of 40 reached",
            "- of 0 too few: - of 0 too few, - of 0 too few",
            "4.5 of 35 reached: - of 0 too few, 4.5 of 35 reached",
            "- of 0 too few: - of 0 too few, - of 0 too few",
            "25.0 of 40 missed: 25.0 of 40 missed, - of 0 too few",
            "- of 0 too few: ",
        ]
    );
}

#[test]
fn a_goal_that_runs_is_told_as_far_as_its_time_has_passed() {
    let (_folder, store, _history) = two_weeks();
    let goals = || vec![goal("billing", Figure::ServiceLevel, Bound::AtLeast(80.0), (0, 90))];
    let after = |days| told(&store, goals(), at(MONDAY + days * DAY));
    assert_eq!(after(3), ["90.0 of 40 reached: 90.0 of 40 reached"]);
    assert_eq!(after(8), ["45.0 of 80 missed: 90.0 of 40 reached, 0.0 of 40 missed"]);
}

#[test]
fn a_goal_is_what_the_report_of_service_has() {
    let (_folder, store, _history) = two_weeks();
    let readers = store.readers().unwrap();
    let goal = goal("billing", Figure::ServiceLevelOfAll, Bound::AtLeast(80.0), (0, 14));
    let (from, until) = (goal.from, goal.until.unwrap());
    let now = at(MONDAY + 30 * DAY);
    let told = readers.goal_report(vec![goal], &staff(), &TimeZone::UTC, now).unwrap();
    let days = Intervals::new(from, until, Every::Day, &TimeZone::UTC).unwrap();
    let rows = readers.service_report(By::Queue, days, staff(), now).unwrap().unwrap();
    let billing = rows.iter().find(|row| &*row.name == "billing").unwrap();
    let of_all = |figures: &Figures| figures.tally.service_level_of_all().map(|share| share * 100.0);
    assert_eq!(told[0].actual.value, of_all(&billing.whole));
    for (begins, actual) in &told[0].weeks {
        let week = billing
            .intervals
            .iter()
            .filter(|(day, _)| *day >= *begins && *day < *begins + Duration::from_secs(7 * DAY));
        let week = Figures::sum(week.map(|(_, figures)| figures));
        assert_eq!((actual.value, actual.count), (of_all(&week), week.tally.ended()));
    }
}
