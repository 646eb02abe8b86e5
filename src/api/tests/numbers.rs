//! What became of the calls to each number.

use super::*;

#[test]
fn what_became_of_calls_is_told_to_supervisors_by_the_number_that_was_dialled() {
    let api = api();
    api.tell(sample::short_call(7));
    let path = "/api/v1/reports/numbers?from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z";
    let (_, report) = api.get(path);
    let main = json!({
        "number": "1000", "calls": 1, "self_served": 0, "came_again": 0, "containment": 0.0, "person": 0, "messages": 0,
        "left_in_flow": 1, "abandoned": 0, "unserved": 0, "other": 0, "average_in_flow_s": 0.0,
    });
    assert_eq!(report["numbers"], json!([main]));
    assert!(report["formulas"]["containment"].as_str().is_some_and(|words| words.contains("within 7 days")));
    let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, "alice"));
    assert_eq!(api.ask("GET", path, &headers, "").0, 403);
}
