//! Calls that agents place: by the API to a number outside, and on their own phone to a colleague.

use serde_json::json;

use crate::baresip::Phone;
use crate::baresip::Setup;
use crate::callback::center_with;
use crate::server::Server;
use crate::talk::colleague;
use crate::tone::AGENT_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tools::Folder;
use crate::tools::available;
use crate::tools::within;

/// Somebody's phone outside, which the trunk leads to.
const OUTSIDE: &str = "12025550199";

/// The demo center with a trunk that leads to `outside`, and an extension for bob.
fn center_that_calls(outside: &Phone) -> (Folder, Server) {
    let trunk = format!(
        "trunks:\n  carrier: {{ from: [192.0.2.7], out: \"{}\" }}\noutbound: {{ caller_id: \"+12025550100\", \
         queue: sales, phones: yes }}\n\nskills:",
        outside.address()
    );
    let bob = "bob: { extension: 202,";
    let (flows, setup) = center_with(&[("skills:", &trunk), ("bob: {", bob)]);
    (flows, Server::set_up(setup))
}

fn outside() -> Phone {
    Phone::start(&Setup { user: OUTSIDE, answers: true, hz: COLLEAGUE_HZ, ..Setup::default() })
}

/// Both hear each other for a second more than before.
fn hear_each_other(alice: &Phone, other: &Phone) {
    let before = (alice.heard(COLLEAGUE_HZ), other.heard(AGENT_HZ));
    within(10, "both hear each other's tone for a second", || {
        let now = (alice.heard(COLLEAGUE_HZ), other.heard(AGENT_HZ));
        (now.0 >= before.0 + 1.0 && now.1 >= before.1 + 1.0).then_some(())
    });
}

/// The number of the call that is up.
pub fn call_that_is_up(server: &Server) -> u64 {
    within(10, "there is a call", || {
        let last = &server.get("/api/v1/calls?limit=1")["calls"][0];
        last["id"].as_u64().filter(|_| last["ended"].is_null())
    })
}

#[test]
fn an_agent_calls_a_number_and_shows_the_center_s() {
    if !available("an_agent_calls_a_number_…", &["baresip"]) {
        return;
    }
    let mut outside = outside();
    let (_flows, server) = center_that_calls(&outside);
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    server.wait_for_agent("alice", "ready", 10);
    server.set_agent("alice", "not_ready");
    server.wait_for_agent("alice", "not_ready", 5);
    let place = |to: serde_json::Value| {
        let body = json!({ "agent": "alice", "to": to }).to_string();
        let (status, answer) = server.ask("POST", "/api/v1/calls", Some(&body)).expect("the server answers");
        (status, serde_json::from_str::<serde_json::Value>(&answer).expect("JSON"))
    };
    let (status, problem) = place(json!({ "agent": "bob" }));
    assert_eq!((status, &problem["error"]), (409, &json!("bob is signed out")));
    assert_eq!(place(json!({ "number": "abc" })).0, 422, "no number");
    assert_eq!(place(json!({ "agent": "nobody" })).0, 422, "nobody of ours");
    let (status, answer) = place(json!({ "number": OUTSIDE }));
    assert_eq!(status, 202, "{answer}");
    let call = answer["call"].as_u64().expect("the call's number");
    server.story_of(call, "callee_reached", 15);
    let shown = outside.wait_for("CALL_ESTABLISHED", 5);
    assert!(shown["peeruri"].as_str().is_some_and(|uri| uri.contains("+12025550100")), "{shown}");
    hear_each_other(&alice, &outside);
    server.wait_for_agent("alice", "talking", 5);
    for (action, body) in [
        ("outcome", json!({ "outcome": "resolved" })),
        ("misrouted", json!({})),
        ("move", json!({ "queue": "support" })),
        ("prioritise", json!({ "first": true })),
        ("supervise", json!({ "mode": "listen" })),
        ("take_over", json!({})),
    ] {
        let (status, problem) = server.act(424_242, "alice", action, body);
        assert_eq!((status, &problem["error"]), (404, &json!("there is no call 424242 now")), "{action}");
    }
    let (status, problem) = place(json!({ "number": OUTSIDE }));
    assert_eq!((status, &problem["error"]), (409, &json!("alice is in another call")));
    assert!(problem["hint"].as_str().is_some_and(|hint| hint.starts_with("that comes first")), "{problem}");

    outside.hang_up();
    alice.wait_for("CALL_CLOSED", 5);
    let story = server.story_of(call, "call_ended", 5);
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    assert!(!story.has("agent_connected"), "nobody waited: {:?}", story.kinds());
    let told = &server.get(&format!("/api/v1/calls/{call}"))["call"];
    assert_eq!((&told["direction"], &told["from"]), (&json!("outbound"), &json!("alice")));
    assert_eq!((&told["to"], &told["queue"]), (&json!(OUTSIDE), &json!("sales")));
    let placed = story.only("call_placed");
    for of in [told, placed] {
        assert_eq!((&of["trunk"], &of["caller_id"]), (&json!("carrier"), &json!("+12025550100")), "{of}");
    }
    server.wait_for_agent("alice", "wrap_up", 5);
    server.is_left_clean();
}

#[test]
fn an_agent_s_phone_dials_a_colleague_s_extension_and_a_number_outside() {
    if !available("an_agent_s_phone_dials_…", &["baresip"]) {
        return;
    }
    let mut outside = outside();
    let (_flows, server) = center_that_calls(&outside);
    let mut alice = Phone::agent(&server.sip(), "alice", false);
    let mut bob = colleague(&server, "bob", true, COLLEAGUE_HZ);
    server.wait_for_agent("alice", "ready", 10);
    server.wait_for_agent("bob", "ready", 10);
    for (dialled, direction) in [("202", "internal"), (OUTSIDE, "outbound")] {
        let other = if dialled == "202" { &mut bob } else { &mut outside };
        alice.dial(&server.uri(dialled));
        alice.is_answered();
        let call = call_that_is_up(&server);
        server.story_of(call, "callee_reached", 10);
        hear_each_other(&alice, other);
        alice.hang_up();
        other.wait_for("CALL_CLOSED", 5);
        let story = server.story_of(call, "call_ended", 5);
        assert_eq!(story.only("talk_ended")["agent"], "alice");
        assert_eq!(server.get(&format!("/api/v1/calls/{call}"))["call"]["direction"], direction);
        server.set_agent("alice", "ready");
        server.wait_for_agent("alice", "ready", 5);
    }
    server.wait_for_agent("bob", "wrap_up", 5);
    server.is_left_clean();
}
