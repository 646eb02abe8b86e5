//! The last week beside those before it.

use super::*;

#[test]
fn the_last_week_beside_those_before_it_is_told_to_supervisors() {
    // Six weeks of which the last is over now, and what was seen of it.
    let day = Duration::from_secs(24 * 60 * 60);
    let started = now().before(day * 42);
    let api = api_for(None, started);
    let calls = (0..42).flat_map(|day| (0..20).map(move |place| (day, place)));
    let facts = calls.zip(1..).flat_map(|((day, place), call)| {
        let waited = if day < 28 { 5 } else { 60 };
        sample::served(call, call, day * 24 * 3_600 + place * 60, "billing", (waited, 60))
    });
    api.tell(facts.collect());
    let (status, report) = api.get("/api/v1/reports/trends");
    let billing = &report["queues"][0];
    assert_eq!(
        (status, &billing["queue"], &billing["pattern"]),
        (200, &json!("billing"), &json!(null)),
        "{report}"
    );
    let figure = |name: &str| {
        billing["figures"].as_array().unwrap().iter().find(|of| of["figure"] == name).unwrap().clone()
    };
    let wait = figure("average_wait");
    assert_eq!(
        (&wait["unit"], &wait["change"], &wait["turn"]),
        (&json!("seconds"), &json!("up"), &json!("worse")),
        "{wait}"
    );
    assert_eq!((&wait["week"], &wait["week_count"]), (&json!(60.0), &json!(140)));
    assert_eq!(
        (&figure("average_handle")["turn"], &figure("abandonment")["change"]),
        (&json!(null), &json!("as_before"))
    );
    assert!(report["formulas"]["change"].as_str().is_some_and(|words| words.contains("4 times")));
    let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, "alice"));
    assert_eq!(api.ask("GET", "/api/v1/reports/trends", &headers, "").0, 403);
    // What is told of it stands on the board.
    let change = crate::fact::trend::TrendChange {
        figure: "average_wait".into(),
        question: None,
        week: 60.0,
        before: 5.0,
    };
    let what = What::TrendSeen { queue: "billing".into(), changes: vec![change], pattern: None };
    api.tell(vec![Fact { at: Timestamp::ZERO + now().since(started), call: None, what }]);
    let alarms = api.get("/api/v1/wallboard").1["queues"][0]["alarms"].to_string();
    assert!(
        alarms.contains("last week was another one than those before: average_wait 60 s (5 s before)"),
        "{alarms}"
    );
}
