//! What goals came to.

use super::*;
use crate::fact::goal::Bound;
use crate::fact::goal::Figure;
use crate::fact::goal::Goal;

#[test]
fn goals_are_told_to_supervisors_with_what_they_came_to() {
    let day = Duration::from_secs(24 * 60 * 60);
    let (from, until) = (sample::STARTED.before(day), Some(sample::STARTED + day));
    let why = "as agreed".to_owned();
    let (queue, figure, bound) = (Some("billing".into()), Figure::ServiceLevel, Bound::AtLeast(80.0));
    let answered = Goal { name: "answered".into(), queue, figure, bound, from, until, why };
    let liked = Goal {
        name: "liked".into(),
        queue: None,
        figure: Figure::Survey("satisfied".into()),
        bound: Bound::AtLeast(4.25),
        until: None,
        why: String::new(),
        ..answered.clone()
    };
    let center = flow::Center { goals: vec![answered, liked], ..flow::tests::demo() };
    let api = api_of(center, None, sample::STARTED);
    let calls = (1..=40).flat_map(|call| {
        let waited = if call <= 30 { 10 } else { 30 };
        sample::served(call, call, call * 60, "billing", (waited, 60))
    });
    api.tell(calls.collect());
    let (status, report) = api.get("/api/v1/reports/goals");
    let (goal, other) = (&report["goals"][0], &report["goals"][1]);
    assert_eq!(status, 200, "{report}");
    let told = json!({
        "name": "answered", "why": "as agreed", "queue": "billing", "figure": "service_level", "question": null, "unit": "percent",
        "at_least": 80.0, "at_most": null, "from": "2026-11-21T14:02:00.000Z", "until": "2026-11-23T14:02:00.000Z",
        "stage": goal["stage"], "through": goal["through"], "actual": 75.0, "count": 40, "verdict": "not_reached",
        "weeks": goal["weeks"],
    });
    assert_eq!(goal, &told);
    let week = json!({ "begins": "2026-11-21T14:02:00.000Z", "actual": 75.0, "count": 40, "verdict": "not_reached" });
    assert_eq!(goal["weeks"][0], week);
    assert_eq!((&other["question"], &other["unit"]), (&json!("satisfied"), &json!("key")));
    assert_eq!((&other["verdict"], &other["at_least"]), (&json!("too_few"), &json!(4.25)));
    assert_eq!((&other["until"], &other["through"]), (&json!(null), &json!(null)));
    let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, "alice"));
    assert_eq!(api.ask("GET", "/api/v1/reports/goals", &headers, "").0, 403);
}
