//! A colleague listens and learns: with the agent's yes, or because the center's file says so. They hear both, and nobody
//! hears them.

use serde_json::json;

use crate::baresip::Phone;
use crate::callback::center_with;
use crate::server::Server;
use crate::spine::STRANGER;
use crate::talk::Talk;
use crate::talk::colleague;
use crate::tone;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tools::available;
use crate::tools::within;

#[test]
fn a_colleague_hears_a_talk_once_the_agent_agrees_and_is_heard_by_nobody() {
    if !available("a_colleague_hears_a_talk_…", &["sipp", "baresip"]) {
        return;
    }
    let talk = Talk::begin(Server::start());
    let mut bob = colleague(&talk.server, "bob", true, COLLEAGUE_HZ);
    talk.server.wait_for_agent("bob", "ready", 5);
    let (status, problem) = talk.server.act(talk.call, "bob", "listen", json!({}));
    assert_eq!((status, &problem["error"]), (409, &json!("bob is ready for calls")));
    assert!(problem["hint"].as_str().unwrap().contains("not ready first"), "{problem}");
    talk.server.set_agent("bob", "not_ready");
    talk.acts("bob", "listen", json!({}));
    talk.server.story_with(&talk.sip_call_id, "listening_asked", 5);
    talk.hear("a", "c", Some((&bob, "")));

    talk.acts("alice", "let_listen", json!({ "who": "bob", "agreed": true }));
    let story = talk.server.story_with(&talk.sip_call_id, "listening", 10);
    assert_eq!(story.only("listening")["by"], "consent");
    talk.hear("a", "c", Some((&bob, "ca")));
    bob.key("*5");
    // While the caller is held, they hear nobody, and bob hears alice.
    talk.acts("alice", "hold", json!({ "reason": "a word", "way": "verbal", "agreed": true }));
    talk.hear("", "", Some((&bob, "a")));
    talk.acts("alice", "resume", json!({}));
    talk.hear("a", "c", Some((&bob, "ca")));
    let (status, problem) = talk.server.act(talk.call, "bob", "supervise", json!({ "mode": "barge" }));
    assert_eq!(status, 409, "{problem}");
    talk.hear("a", "c", Some((&bob, "ca")));

    talk.acts("alice", "let_listen", json!({ "who": "bob", "agreed": false }));
    talk.server.story_with(&talk.sip_call_id, "listening_ended", 5);
    bob.wait_for("CALL_CLOSED", 10);
    talk.hear("a", "c", None);
    let (status, problem) = talk.server.act(talk.call, "bob", "listen", json!({}));
    assert_eq!((status, &problem["error"]), (409, &json!("alice does not let bob listen to this talk")));
    was_never_heard([talk.caller.line.recording(), talk.alice.recording()]);
    talk.over("alice");
}

/// Bob's tone is in no tenth of a second of these, alone or among others.
fn was_never_heard(recordings: [Vec<i16>; 2]) {
    for recording in recordings {
        assert!(recording.len() > tone::RATE, "there is something to hear");
        let heard = recording.chunks_exact(tone::RATE / 10).any(|part| tone::is_in(COLLEAGUE_HZ, part));
        assert!(!heard, "bob was heard");
    }
}

/// From now on, the phone hears caller and agent at once.
fn hears_both(phone: &Phone) {
    let from = phone.recording().len();
    within(20, "who listens hears caller and agent", || {
        let since = phone.recording().split_off(from);
        let last = &since[since.len().saturating_sub(tone::RATE / 2)..];
        let both = [CALLER_HZ, AGENT_HZ].iter().all(|hz| tone::is_in(*hz, last));
        (since.len() > tone::RATE && both).then_some(())
    });
}

#[test]
fn a_trainee_is_let_in_at_once_listens_on_after_a_crash_and_stops_when_they_are_ready() {
    if !available("a_trainee_is_let_in_at_once_…", &["baresip"]) {
        return;
    }
    let (_flows, setup) = center_with(&[("  bob: {", "  bob: { learns_from: alice,")]);
    let mut server = Server::set_up(setup);
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    let call = server.story_with(&id, "agent_connected", 20).id();
    let mut bob = colleague(&server, "bob", true, COLLEAGUE_HZ);
    server.wait_for_agent("bob", "ready", 5);
    server.set_agent("bob", "not_ready");
    server.acts(call, "bob", "listen", json!({}));
    let story = server.story_with(&id, "listening", 10);
    assert_eq!(story.only("listening")["by"], "file");
    assert!(!story.has("listening_asked"), "nobody is asked: {:?}", story.kinds());
    hears_both(&bob);

    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    hears_both(&bob);
    let (status, problem) = server.act(call, "bob", "listen", json!({}));
    assert_eq!(status, 409, "bob listens already: {problem}");

    server.set_agent("bob", "ready");
    bob.wait_for("CALL_CLOSED", 10);
    server.story_with(&id, "listening_ended", 5);
    was_never_heard([caller.recording(), alice.recording()]);
    alice.hang_up();
    caller.wait_for("CALL_CLOSED", 10);
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
}
