//! Queues: whom they are for, whether they are in a surge, and whether their agents have to say what came of talks.

use super::*;
use crate::fact::AgentStateName;
use crate::fact::Resolution;

#[test]
fn a_queue_is_looked_for_by_what_its_callers_say() {
    let api = api();
    let names = |path: &str| -> Vec<String> {
        let (_, found) = api.get(path);
        found["queues"].as_array().unwrap().iter().map(|queue| queue["name"].to_string()).collect()
    };
    let (_, all) = api.get("/api/v1/queues");
    assert_eq!(all["queues"][0]["when"], json!(["an invoice", "a payment", "a refund"]));
    assert_eq!(names("/api/v1/queues?when=Refund"), ["\"billing\""]);
    assert_eq!(names("/api/v1/queues?when=repair"), [""; 0]);
    assert_eq!(api.get("/api/v1/queues?what=refund").0, 400);
}

#[test]
fn an_agent_says_what_came_of_a_talk_before_they_leave_wrap_up_where_the_queue_wants_it() {
    let says = |required: bool| {
        let mut center = flow::tests::demo();
        let billing = center.engine.queues.iter().position(|queue| &*queue.name == "billing").unwrap();
        center.talk[billing].outcome_required = required;
        let api = api_of(center, None, sample::STARTED);
        api.tell(sample::whole_call(7));
        let (from, reason) = (AgentStateName::Talking, String::new());
        let what = What::AgentState { agent: "bob".into(), from, to: AgentStateName::WrapUp, reason };
        api.tell(vec![Fact { at: Timestamp::from_secs(109), call: None, what }]);
        api
    };
    let path = "/api/v1/agents/bob/state";
    let asked = |api: &Api, state: &str| api.put(path, &format!(r#"{{"state":"{state}"}}"#));
    assert_eq!(asked(&says(false), "ready").0, 202);

    let api = says(true);
    let (status, refused) = asked(&api, "ready");
    assert_eq!(
        (status, &refused["error"]),
        (409, &json!("what came of call 7 is not said yet, as the queue billing wants it"))
    );
    assert!(refused["hint"].as_str().unwrap().contains("POST /api/v1/calls/7/outcome"), "{refused}");
    assert_eq!(asked(&api, "not_ready").0, 409);
    let as_bob = format!("{}X-Warmline: 1\r\n", sign_in(&api, "bob"));
    assert_eq!(api.ask("PUT", path, &as_bob, r#"{"state":"ready"}"#).0, 409);
    // Whoever goes home is kept by nothing.
    assert_eq!(asked(&api, "offline").0, 202);

    let (reason_code, note) = ("invoice".to_owned(), String::new());
    let outcome = Resolution::Resolved;
    let said = What::OutcomeSet { agent: "bob".into(), outcome, reason_code, note };
    api.tell(vec![Fact { at: Timestamp::from_secs(110), call: Some(CallId(7)), what: said }]);
    assert_eq!(asked(&api, "ready").0, 202);
}

#[test]
fn a_queue_in_a_surge_says_since_when() {
    let api = api();
    let shown = || {
        let (_, queues) = api.get("/api/v1/queues");
        let (_, board) = api.get("/api/v1/wallboard");
        let (_, metrics) = api.get("/metrics");
        let gauge = "warmline_queue_surge{queue=\"billing\"} 1";
        let counted = metrics.as_str().unwrap().lines().any(|line| line == gauge);
        let (queue, of_board) = (&queues["queues"][0], &board["queues"][0]);
        assert_eq!(queue["surge_since"], of_board["surge_since"]);
        (queue["surge_since"].is_string(), of_board["alarms"].to_string().contains("surge"), counted)
    };
    let fact = |what| vec![Fact { at: Timestamp::from_secs(5), call: None, what }];
    assert_eq!(shown(), (false, false, false));
    api.tell(fact(What::SurgeBegan { queue: "billing".into(), waiting: 7, agents: 2 }));
    assert_eq!(shown(), (true, true, true));
    api.tell(fact(What::SurgeEnded { queue: "billing".into(), waiting: 2, agents: 2 }));
    assert_eq!(shown(), (false, false, false));
}
