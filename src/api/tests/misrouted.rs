//! Calls that came to the wrong queue.

use super::*;

#[test]
fn an_agent_says_that_a_call_came_to_the_wrong_queue_and_takes_it_back() {
    let api = api();
    let alice = format!("{}X-Warmline: 1\r\n", sign_in(&api, "alice"));
    let path = "/api/v1/calls/7/misrouted";
    for (body, request) in [
        ("{}", AgentRequest::Misrouted { belongs: None, reason: String::new() }),
        (
            r#"{"belongs":"support","reason":"a leak"}"#,
            AgentRequest::Misrouted { belongs: Some("support".into()), reason: "a leak".to_owned() },
        ),
        (r#"{"taken_back":true}"#, AgentRequest::NotMisrouted),
    ] {
        assert_eq!(api.ask("POST", path, &alice, body).0, 202, "{body}");
        let asked = api.asked.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(asked, ("alice".to_owned(), request));
    }
    assert_eq!(api.ask("POST", path, &alice, r#"{"taken_back":true,"belongs":"support"}"#).0, 422);
}

#[test]
fn which_routes_lead_to_the_wrong_queue_is_told_to_supervisors() {
    let api = api();
    api.tell(sample::whole_call(7));
    let said = What::Misrouted {
        agent: "bob".into(),
        queue: Some("billing".into()),
        belongs: Some("support".into()),
        reason: "a leak".to_owned(),
    };
    api.tell(vec![Fact { at: Timestamp::from_secs(120), call: Some(CallId(7)), what: said }]);
    let path = "/api/v1/reports/misrouted?from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z";
    let (status, report) = api.get(path);
    let route = json!({
        "entry": "1000", "way": "chose", "chose": { "flow": "main", "node": "menu", "choice": "billing" },
        "queue": "billing", "talks": 1, "misrouted": 1, "share": 100.0,
        "belongs": [{ "queue": "support", "times": 1 }],
    });
    assert_eq!((status, &report["routes"]), (200, &json!([route])));
    let (_, whole) = api.get("/api/v1/calls/7");
    let words = whole["story"].as_array().unwrap().last().unwrap()["words"].as_str().unwrap();
    assert_eq!(words, "came to the wrong queue, billing, and belongs in support, says bob: a leak");
    let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, "alice"));
    assert_eq!(api.ask("GET", path, &headers, "").0, 403);
}
