//! Why a call waited, and got who it got.

use super::*;

#[test]
fn a_call_s_wait_is_explained() {
    let api = api();
    let ready = What::AgentState {
        agent: "alice".into(),
        from: AgentStateName::Offline,
        to: AgentStateName::Ready,
        reason: String::new(),
    };
    api.tell(vec![Fact { at: Timestamp::from_millis(1), call: None, what: ready }]);
    api.tell(sample::whole_call(7));
    let (status, explained) = api.get("/api/v1/calls/7/explain");
    let wait = &explained["waits"][0];
    assert_eq!((status, &explained["call"], &wait["queue"]), (200, &json!(7), &json!("billing")));
    assert_eq!(wait["could"][0], "alice was ready");
    assert!(wait["rung"][2].as_str().unwrap().ends_with("bob: the only idle agent"), "{explained}");
    assert_eq!(wait["promised"], "1 min were quoted, and it took 36 s: kept");
    assert_eq!(api.get("/api/v1/calls/99/explain").0, 404);
}
