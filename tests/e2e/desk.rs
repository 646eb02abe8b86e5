//! An agent's own phones: what is dialled on them, what they put on hold, and two of them at once.

use crate::baresip::Phone;
use crate::callback::center_with;
use crate::server::Server;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

#[test]
fn an_agent_changes_state_by_feature_codes_and_a_stranger_cannot() {
    if !available("an_agent_changes_state_by_feature_codes_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let mut alice = Phone::agent(&server.sip(), "alice", false);
    server.wait_for_agent("alice", "ready", 5);
    for (code, state) in [("*52", "not_ready"), ("*51", "ready"), ("*53", "offline"), ("*51", "ready")] {
        alice.dial(&server.uri(code));
        let id = alice.is_answered();
        server.wait_for_agent("alice", state, 5);
        alice.wait_for("CALL_CLOSED", 10);
        let story = server.story_with(&id, "call_ended", 5);
        assert_eq!(story.only("call_ended")["outcome"], "served");
    }

    let mut stranger = Phone::caller(&server.sip(), STRANGER);
    stranger.dial(&server.uri("*52"));
    let closed = stranger.wait_for("CALL_CLOSED", 5);
    assert!(closed["param"].to_string().contains("404"), "{closed}");
    assert_eq!(server.agent_state("alice"), "ready");

    // Who only says that they are alice is asked to prove it.
    let mut impostor = Phone::caller(&server.sip(), "alice");
    impostor.dial(&server.uri("*52"));
    impostor.wait_for("CALL_CLOSED", 5);
    impostor.writes("401 Unauthorized", 5);
    assert_eq!(server.agent_state("alice"), "ready");
    server.is_left_clean();
}

#[test]
fn an_agent_holds_and_resumes_and_both_hear_each_other_again() {
    if !available("an_agent_holds_and_resumes_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let mut bob = Phone::agent(&server.sip(), "bob", true);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 15);
    within(10, "caller and agent hear each other's tone for a second", || {
        (caller.heard(AGENT_HZ) >= 1.0 && bob.heard(CALLER_HZ) >= 1.0).then_some(())
    });
    bob.hold();
    let story = server.story_with(&id, "far_end_held", 5);
    assert_eq!(story.only("far_end_held")["party"], "agent");
    bob.resume();
    let story = server.story_with(&id, "far_end_resumed", 5);
    assert_eq!(story.only("far_end_resumed")["party"], "agent");
    let heard = caller.heard(AGENT_HZ);
    within(20, "the caller hears the agent for four more seconds", || {
        (caller.heard(AGENT_HZ) >= heard + 4.0).then_some(())
    });
    bob.hang_up();
    caller.wait_for("CALL_CLOSED", 5);
    // What the agent hears cannot be recorded any more; it was sent, at least, but for the short hold.
    let story = server.story_with(&id, "call_ended", 5);
    let closed = story.all("leg_closed");
    let agent = closed.iter().find(|told| told["party"] == "agent").expect("the agent's line");
    let count = |what: &str| agent["quality"][what].as_u64().expect("a count");
    assert!(count("sent") * 3 >= count("received") * 2, "{agent}");
    server.is_left_clean();
}

#[test]
fn both_phones_of_an_agent_ring_and_the_one_that_answers_gets_the_call() {
    if !available("both_phones_of_an_agent_ring_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let mut desk = Phone::agent(&server.sip(), "bob", false);
    let mut mobile = Phone::agent(&server.sip(), "bob", false);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    desk.wait_for("CALL_INCOMING", 10);
    mobile.wait_for("CALL_INCOMING", 10);
    mobile.pick_up();
    let story = server.story_with(&id, "agent_connected", 10);
    assert_eq!(story.all("agent_ringing").len(), 1, "one agent, however many phones");
    desk.wait_for("CALL_CLOSED", 5);
    desk.writes("Reason: SIP;cause=200", 5);
    within(10, "caller and agent hear each other's tone for a second", || {
        (caller.heard(AGENT_HZ) >= 1.0 && mobile.heard(CALLER_HZ) >= 1.0).then_some(())
    });
    assert_eq!(desk.heard(CALLER_HZ), 0.0);
    caller.hang_up();
    mobile.wait_for("CALL_CLOSED", 5);
    let story = server.story_with(&id, "call_ended", 5);
    assert!(!story.has("agent_missed"), "{:?}", story.kinds());
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    server.is_left_clean();
}

#[test]
fn two_agents_phones_ring_and_the_one_who_is_faster_gets_the_caller() {
    if !available("two_agents_phones_ring_…", &["baresip"]) {
        return;
    }
    let several = "  support:\n    ring: { for: 60s, agents: 2 }\n";
    let (_flows, setup) = center_with(&[("  support:\n", several)]);
    let server = Server::set_up(setup);
    let mut dave = Phone::agent(&server.sip(), "dave", false);
    let mut bob = Phone::agent(&server.sip(), "bob", false);
    server.wait_for_agent("dave", "ready", 10);
    server.wait_for_agent("bob", "ready", 10);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    dave.wait_for("CALL_INCOMING", 20);
    bob.wait_for("CALL_INCOMING", 20);
    bob.pick_up();
    dave.wait_for("CALL_CLOSED", 20);
    dave.writes("Reason: SIP;cause=200", 10);
    server.wait_for_agent("dave", "ready", 10);
    within(20, "caller and agent hear each other's tone for a second", || {
        (caller.heard(AGENT_HZ) >= 1.0 && bob.heard(CALLER_HZ) >= 1.0).then_some(())
    });
    caller.hang_up();
    bob.wait_for("CALL_CLOSED", 10);
    let story = server.story_with(&id, "call_ended", 10);
    assert_eq!(story.all("agent_ringing").len(), 2);
    assert_eq!(story.only("agent_connected")["agent"], "bob");
    let missed = story.only("agent_missed");
    assert_eq!(missed["agent"], "dave");
    assert_eq!(missed["why"], "withdrawn");
    server.is_left_clean();
}
