//! Warm and blind transfers: the note is acknowledged before anybody is brought together, and whoever drops out,
//! the caller is never alone.

use serde_json::Value;
use serde_json::json;

use crate::baresip::Phone;
use crate::baresip::Setup;
use crate::callback::center_with;
use crate::server::Server;
use crate::spine::STRANGER;
use crate::talk::Talk;
use crate::talk::colleague;
use crate::tone::AGENT_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tools::available;
use crate::tools::within;

fn consult() -> Value {
    json!({
        "to": { "agent": "bob" },
        "told_caller": true,
        "note": { "issue": "boiler leaks", "wants": "a visit today", "mood": "urgent" },
    })
}

/// Alice consults bob, whose phone rings.
fn consulted() -> (Talk, Phone) {
    let talk = Talk::begin(Server::start());
    let mut bob = colleague(&talk.server, "bob", false, COLLEAGUE_HZ);
    talk.server.wait_for_agent("bob", "ready", 10);
    talk.acts("alice", "consult", consult());
    bob.wait_for("CALL_INCOMING", 5);
    talk.server.wait_for_agent("bob", "ringing", 5);
    (talk, bob)
}

/// The agent has the caller back. That it is at once, the model of the talk shows in virtual time.
fn is_back(talk: &Talk, cause: &str) {
    let story = talk.server.story_with(&talk.sip_call_id, "consult_ended", 5);
    assert_eq!(story.only("consult_ended")["cause"], cause);
    talk.hear("a", "c", None);
}

#[test]
fn a_caller_is_handed_over_with_a_note_that_was_acknowledged() {
    if !available("a_caller_is_handed_over_…", &["sipp", "baresip"]) {
        return;
    }
    let (mut talk, mut bob) = consulted();
    talk.hear("", "", Some((&bob, "")));
    bob.pick_up();
    talk.server.story_with(&talk.sip_call_id, "consult_answered", 5);
    // Until the note is acknowledged, nobody is brought together.
    talk.hear("", "", Some((&bob, "")));
    let (status, problem) = talk.server.act(talk.call, "alice", "complete", json!({}));
    assert_eq!((status, &problem["error"]), (409, &json!("the note has not been acknowledged yet")));
    talk.acts("bob", "acknowledge", json!({}));
    talk.hear("", "b", Some((&bob, "a")));
    talk.acts("alice", "toggle", json!({}));
    talk.hear("a", "c", Some((&bob, "")));
    talk.acts("alice", "toggle", json!({}));
    talk.hear("", "b", Some((&bob, "a")));
    talk.acts("alice", "join", json!({}));
    talk.hear("ab", "cb", Some((&bob, "ca")));
    talk.acts("alice", "complete", json!({}));
    talk.alice.wait_for("CALL_CLOSED", 5);
    talk.hear("b", "", Some((&bob, "c")));
    talk.server.wait_for_agent("alice", "wrap_up", 5);
    talk.server.wait_for_agent("bob", "talking", 5);
    talk.acts("alice", "outcome", json!({ "outcome": "escalated", "note": "bob has it" }));

    let story = talk.server.story_with(&talk.sip_call_id, "outcome_set", 5);
    assert_eq!(story.only("consult_started")["note"]["issue"], "boiler leaks");
    assert_eq!(story.only("note_acknowledged")["by"], "bob");
    let transferred = story.only("transferred");
    assert_eq!((&transferred["to"]["agent"], &transferred["kind"]), (&json!("bob"), &json!("warm")));
    bob.hang_up();
    let story = talk.server.story_with(&talk.sip_call_id, "call_ended", 5);
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    talk.server.wait_for_agent("bob", "wrap_up", 5);
    talk.server.is_left_clean();
}

#[test]
fn a_receiver_at_a_plain_phone_acknowledges_by_key_and_the_sender_hands_over_by_hanging_up() {
    if !available("a_receiver_at_a_plain_phone_…", &["sipp", "baresip"]) {
        return;
    }
    let (mut talk, mut bob) = consulted();
    bob.pick_up();
    talk.server.story_with(&talk.sip_call_id, "consult_answered", 5);
    bob.key("1");
    talk.server.story_with(&talk.sip_call_id, "note_acknowledged", 5);
    talk.hear("", "b", Some((&bob, "a")));
    talk.alice.hang_up();
    talk.server.story_with(&talk.sip_call_id, "transferred", 5);
    talk.hear("b", "", Some((&bob, "c")));
    talk.over("bob");
}

#[test]
fn a_declined_note_brings_the_caller_back_to_the_sender() {
    if !available("a_declined_note_…", &["sipp", "baresip"]) {
        return;
    }
    let (talk, mut bob) = consulted();
    bob.pick_up();
    talk.server.story_with(&talk.sip_call_id, "consult_answered", 5);
    talk.acts("bob", "decline", json!({ "reason": "no van left" }));
    is_back(&talk, "declined");
    bob.wait_for("CALL_CLOSED", 5);
    let story = talk.server.story(&talk.sip_call_id).expect("the call");
    assert_eq!(story.only("note_declined")["reason"], "no van left");
    talk.over("alice");
}

#[test]
fn a_receiver_who_drops_out_leaves_the_caller_with_the_sender() {
    if !available("a_receiver_who_drops_out_…", &["sipp", "baresip"]) {
        return;
    }
    // The phone refuses; then bob is called again, acknowledges, and hangs up.
    let (talk, mut bob) = consulted();
    bob.hang_up();
    let cause =
        talk.server.story_with(&talk.sip_call_id, "consult_ended", 5).only("consult_ended")["cause"].clone();
    assert!(cause == "declined" || cause == "unreachable", "{cause}");
    talk.hear("a", "c", None);

    talk.server.set_agent("bob", "ready");
    talk.acts("alice", "consult", consult());
    bob.wait_for("CALL_INCOMING", 5);
    bob.pick_up();
    talk.server.story_when(&talk.sip_call_id, "answered", 5, |story| story.has("consult_answered"));
    talk.acts("bob", "acknowledge", json!({}));
    talk.hear("", "b", Some((&bob, "a")));
    bob.hang_up();
    let story = talk.server.story_when(&talk.sip_call_id, "two consults ended", 5, |story| {
        story.all("consult_ended").len() == 2
    });
    assert_eq!(story.all("consult_ended")[1]["cause"], "receiver_left");
    talk.hear("a", "c", None);
    talk.over("alice");
}

#[test]
fn whoever_picks_up_at_a_plain_phone_hears_the_note_as_it_was_spoken() {
    if !available("whoever_picks_up_at_a_plain_phone_…", &["sipp", "baresip"]) {
        return;
    }
    let mut talk = Talk::begin(Server::start());
    let mut bob = colleague(&talk.server, "bob", true, COLLEAGUE_HZ);
    talk.server.wait_for_agent("bob", "ready", 10);
    talk.acts("alice", "hold", json!({ "reason": "the invoice", "quote_s": 60, "agreed": true }));
    talk.server.story_with(&talk.sip_call_id, "hold_started", 5);
    talk.hear("", "", None);
    let heard_before = talk.caller.line.heard(AGENT_HZ);
    talk.alice.key("*8");
    let draft = talk.server.data().join(format!("notes/{}.draft", talk.call));
    within(20, "two seconds of the note are written", || {
        let length = std::fs::metadata(&draft).map_or(0, |known| known.len());
        (length >= 32_000).then_some(())
    });
    talk.alice.key("*8");
    let story = talk.server.story_with(&talk.sip_call_id, "note_spoken", 10);
    assert_eq!(story.only("note_spoken")["by"], "alice");
    talk.acts("alice", "consult", consult());
    talk.server.story_with(&talk.sip_call_id, "consult_answered", 10);
    within(20, "bob hears alice's voice", || (bob.heard(AGENT_HZ) >= 1.0).then_some(()));
    let story = talk.server.story(&talk.sip_call_id).expect("the call is known");
    assert!(!story.has("note_acknowledged"), "he has heard it before he says so");
    assert_eq!(talk.caller.line.heard(AGENT_HZ), heard_before, "the caller has not");
    bob.key("1");
    talk.server.story_with(&talk.sip_call_id, "note_acknowledged", 5);
    let known = talk.server.get(&format!("/api/v1/calls/{}", talk.call));
    assert!(known["notes"][0]["spoken_s"].as_f64().is_some_and(|secs| secs >= 2.0), "{}", known["notes"]);
    talk.acts("alice", "cancel", json!({}));
    bob.wait_for("CALL_CLOSED", 10);
    talk.hear("a", "c", None);
    talk.over("alice");
}

#[test]
fn a_caller_who_hangs_up_during_a_consult_leaves_nobody_stuck() {
    if !available("a_caller_who_hangs_up_during_a_consult_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let mut bob = colleague(&server, "bob", true, COLLEAGUE_HZ);
    server.wait_for_agent("bob", "ready", 10);
    server.set_agent("bob", "not_ready");
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let sip_call_id = caller.is_answered();
    let call = server.story_with(&sip_call_id, "agent_connected", 15).id();
    server.set_agent("bob", "ready");
    server.wait_for_agent("bob", "ready", 5);
    server.acts(call, "alice", "consult", consult());
    server.story_with(&sip_call_id, "consult_answered", 10);
    server.acts(call, "bob", "acknowledge", json!({}));
    caller.hang_up();
    alice.wait_for("CALL_CLOSED", 5);
    bob.wait_for("CALL_CLOSED", 5);
    let story = server.story_with(&sip_call_id, "call_ended", 5);
    assert_eq!(story.only("call_ended")["by"], "caller");
    assert!(!story.has("transferred"), "{:?}", story.kinds());
    server.wait_for_agent("alice", "wrap_up", 5);
    server.wait_for_agent("bob", "wrap_up", 5);
    server.is_left_clean();
}

#[test]
fn a_sender_who_hangs_up_after_the_acknowledgement_has_handed_over() {
    if !available("a_sender_who_hangs_up_after_…", &["sipp", "baresip"]) {
        return;
    }
    let (mut talk, mut bob) = consulted();
    bob.pick_up();
    talk.server.story_with(&talk.sip_call_id, "consult_answered", 5);
    talk.acts("bob", "acknowledge", json!({}));
    let (status, _) = talk.server.act(talk.call, "bob", "cancel", json!({}));
    assert_eq!(status, 409, "only the sender cancels");
    talk.alice.hang_up();
    talk.server.story_with(&talk.sip_call_id, "transferred", 5);
    bob.hang_up();
    let story = talk.server.story_with(&talk.sip_call_id, "call_ended", 5);
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    talk.server.wait_for_agent("alice", "wrap_up", 5);
    talk.server.wait_for_agent("bob", "wrap_up", 5);
    talk.server.is_left_clean();
}

#[test]
fn a_transfer_without_a_note_is_refused_where_the_queue_says_so() {
    if !available("a_transfer_without_a_note_…", &["sipp", "baresip"]) {
        return;
    }
    let strict = "  sales:\n    blind_transfer: no\n";
    let (_flows, setup) = center_with(&[("  sales:\n", strict)]);
    let mut talk = Talk::begin(Server::set_up(setup));
    let (status, problem) =
        talk.server.act(talk.call, "alice", "transfer", json!({ "to": { "queue": "sales" } }));
    assert_eq!((status, &problem["hint"]), (409, &json!("consult with a note instead")));
    talk.hear("a", "c", None);
    let bob = colleague(&talk.server, "bob", true, COLLEAGUE_HZ);
    talk.server.wait_for_agent("bob", "ready", 10);
    talk.acts("alice", "transfer", json!({ "to": { "agent": "bob" } }));
    talk.alice.wait_for("CALL_CLOSED", 5);
    let story = talk.server.story_when(&talk.sip_call_id, "connected again", 10, |story| {
        story.all("agent_connected").len() == 2
    });
    assert_eq!(story.only("transferred")["kind"], "blind");
    talk.hear("b", "", Some((&bob, "c")));
    talk.over("bob");
}

#[test]
fn a_queue_is_consulted_and_whoever_gets_the_caller_says_that_they_had_to_repeat() {
    if !available("a_queue_is_consulted_…", &["sipp", "baresip"]) {
        return;
    }
    let talk = Talk::begin(Server::start());
    let mut bob = colleague(&talk.server, "bob", true, COLLEAGUE_HZ);
    talk.server.wait_for_agent("bob", "ready", 10);
    let note = json!({ "issue": "boiler leaks", "wants": "a visit today" });
    talk.acts("alice", "consult", json!({ "to": { "queue": "sales" }, "told_caller": true, "note": note }));
    talk.server.story_with(&talk.sip_call_id, "consult_answered", 10);
    talk.hear("", "", Some((&bob, "")));
    talk.acts("alice", "hold", json!({ "requote_s": 30 }));
    let story = talk.server.story_with(&talk.sip_call_id, "hold_requoted", 5);
    assert_eq!(story.only("hold_requoted")["agent"], "alice");
    let (status, problem) = talk.server.act(talk.call, "alice", "repeat", json!({}));
    assert_eq!((status, &problem["error"]), (409, &json!("nobody has handed this caller on")));
    talk.acts("bob", "acknowledge", json!({}));
    talk.hear("", "b", Some((&bob, "a")));
    talk.acts("alice", "complete", json!({}));
    talk.hear("b", "", Some((&bob, "c")));
    talk.acts("bob", "repeat", json!({ "why": "the address" }));
    let story = talk.server.story_with(&talk.sip_call_id, "had_to_repeat", 5);
    assert_eq!(story.only("transferred")["to"]["agent"], "bob");
    bob.hang_up();
    talk.server.story_with(&talk.sip_call_id, "call_ended", 5);
    let told = talk.server.get(&format!("/api/v1/calls/{}", talk.call));
    assert_eq!(told["call"]["repeats"], 1);
    talk.server.is_left_clean();
}

#[test]
fn a_number_outside_is_consulted_and_acknowledges_by_key() {
    if !available("a_number_outside_is_consulted_…", &["sipp", "baresip"]) {
        return;
    }
    let number = "12025550199";
    let outside = Setup { user: number, answers: true, hz: COLLEAGUE_HZ, ..Setup::default() };
    let mut outside = Phone::start(&outside);
    let trunk =
        format!("trunks:\n  carrier: {{ from: [192.0.2.7], out: \"{}\" }}\n\nskills:", outside.address());
    let (_flows, setup) = center_with(&[("skills:", &trunk)]);
    let mut talk = Talk::begin(Server::set_up(setup));
    let note = json!({ "issue": "boiler leaks", "wants": "a visit today" });
    talk.acts("alice", "consult", json!({ "to": { "number": number }, "told_caller": true, "note": note }));
    talk.server.story_with(&talk.sip_call_id, "consult_answered", 10);
    talk.hear("", "", Some((&outside, "")));
    outside.key("1");
    talk.server.story_with(&talk.sip_call_id, "note_acknowledged", 5);
    talk.hear("", "b", Some((&outside, "a")));
    talk.acts("alice", "join", json!({}));
    talk.hear("ab", "cb", Some((&outside, "ca")));
    talk.acts("alice", "complete", json!({}));
    talk.alice.wait_for("CALL_CLOSED", 5);
    talk.hear("b", "", Some((&outside, "c")));
    let story = talk.server.story_with(&talk.sip_call_id, "transferred", 5);
    assert_eq!(story.only("transferred")["to"]["number"], number);
    talk.server.wait_for_agent("alice", "wrap_up", 5);
    outside.hang_up();
    talk.server.story_with(&talk.sip_call_id, "call_ended", 5);
    talk.server.is_left_clean();
}

#[test]
fn a_receiver_whose_phone_is_killed_leaves_the_caller_with_the_sender() {
    if !available("a_receiver_whose_phone_is_killed_…", &["sipp", "baresip"]) {
        return;
    }
    let (talk, mut bob) = consulted();
    bob.pick_up();
    talk.server.story_with(&talk.sip_call_id, "consult_answered", 5);
    talk.acts("bob", "acknowledge", json!({}));
    talk.hear("", "b", Some((&bob, "a")));
    bob.vanish();
    talk.server.story_with(&talk.sip_call_id, "audio_lost", 20);
    talk.acts("alice", "cancel", json!({}));
    let story = talk.server.story_with(&talk.sip_call_id, "consult_ended", 5);
    assert_eq!(story.only("consult_ended")["cause"], "cancelled");
    talk.hear("a", "c", None);
    talk.over("alice");
}
