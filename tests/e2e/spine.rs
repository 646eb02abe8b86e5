//! The main job: a caller dials in, proves who they are, and the right agent answers.

use crate::baresip::Phone;
use crate::callback::center_with;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

/// A number that no demo customer calls from.
pub const STRANGER: &str = "+12025550100";
/// The demo customer Ann, of account 100200 with PIN 4711.
pub const ANN: &str = "+12025550143";

#[test]
fn a_stranger_proves_an_account_and_talks_with_the_agent_who_has_the_skill() {
    if !available("a_stranger_proves_an_account_and_talks_…", &["sipp", "baresip"]) {
        return;
    }
    let server = Server::start();
    // Carol is ready as well, but has no skill in technical support.
    let carol = Phone::agent(&server.sip(), "carol", true);
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let caller = Sipp::dial(&server.sip(), "1000", STRANGER, "caller_stays", 0);
    let id = caller.sip_call_id.clone();

    server.story_with(&id, "call_answered", 5);
    caller.line.key("100200#");
    caller.line.key("4711#");
    let story = server.story_with(&id, "verification_ended", 10);
    assert_eq!(story.only("verification_ended")["result"], "verified_by_pin");
    caller.line.key("2");
    server.story_with(&id, "agent_connected", 15);
    within(10, "caller and agent hear each other's tone for a second", || {
        (caller.line.heard(AGENT_HZ) >= 1.0 && alice.heard(CALLER_HZ) >= 1.0).then_some(())
    });
    assert_eq!(alice.heard(AGENT_HZ), 0.0, "nobody hears themselves");
    alice.hang_up();
    caller.ends_well(10);

    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.only("call_arrived")["from"], STRANGER);
    assert_eq!(story.only("call_arrived")["to"], "1000");
    assert_eq!(story.only("identified")["by"], "account");
    assert_eq!(story.only("chose")["digit"], "2");
    assert_eq!(story.only("enqueued")["queue"], "support");
    assert_eq!(story.only("agent_connected")["agent"], "alice");
    assert_eq!(story.only("talk_ended")["by"], "agent");
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    assert!(!story.has("hold_music_started"), "an agent was free: nobody waits, nobody is asked");
    assert_eq!(story.prompts()[0], "greeting/welcome");
    assert_eq!(carol.heard(CALLER_HZ), 0.0);
    server.never_wrote("4711");
    server.is_left_clean();
    server.stop();
}

#[test]
fn a_known_caller_is_greeted_by_name_keys_the_pin_alone_and_ends_the_talk() {
    if !available("a_known_caller_is_greeted_by_name_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let mut ann = Phone::caller(&server.sip(), ANN);
    ann.dial(&server.uri("1000"));
    let id = ann.is_answered();
    within(5, "the caller hears a greeting", || (ann.recording().len() > 8000).then_some(()));
    server.story_when(&id, "the greeting by name", 10, |story| story.prompts().contains(&"names/ann"));
    ann.key("4711#");
    server.story_with(&id, "verification_ended", 10);
    ann.key("2");
    server.story_with(&id, "agent_connected", 15);
    within(10, "caller and agent hear each other's tone for a second", || {
        (ann.heard(AGENT_HZ) >= 1.0 && alice.heard(CALLER_HZ) >= 1.0).then_some(())
    });
    ann.hang_up();
    alice.wait_for("CALL_CLOSED", 5);

    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.only("verification_ended")["result"], "verified_by_pin");
    assert_eq!(story.only("talk_ended")["by"], "caller");
    server.never_wrote("4711");
    server.is_left_clean();
}

#[test]
fn a_caller_who_is_not_believed_is_served_as_a_stranger_and_the_history_says_what_they_said() {
    if !available("a_caller_who_is_not_believed_is_served_as_a_stranger_…", &["sipp"]) {
        return;
    }
    let numbers = "# The flow that serves each number";
    let (_flows, setup) = center_with(&[(numbers, &format!("believe_numbers: by trunk\n{numbers}"))]);
    let server = Server::set_up(setup);
    let ann = Sipp::dial(&server.sip(), "1000", ANN, "caller_stays", 0);
    let story = server.story_when(&ann.sip_call_id, "the greeting of who is unknown", 15, |story| {
        story.prompts().contains(&"greeting/welcome-new")
    });
    assert_eq!(story.only("number_not_believed")["number"], ANN);
    assert_eq!(story.only("call_arrived")["from"], "");
    assert!(!story.has("identified") && !story.prompts().contains(&"names/ann"));
}

#[test]
fn a_caller_who_has_to_wait_is_asked_first_and_then_held() {
    if !available("a_caller_who_has_to_wait_is_asked_first_…", &["sipp", "baresip"]) {
        return;
    }
    let server = Server::start();
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let mut first = Phone::caller(&server.sip(), STRANGER);
    first.dial(&server.uri("1001"));
    alice.wait_for("CALL_ESTABLISHED", 10);

    let second = Sipp::dial(&server.sip(), "1000", ANN, "caller_stays", 0);
    let id = second.sip_call_id.clone();
    server.story_with(&id, "call_answered", 5);
    second.line.key("4711#");
    server.story_with(&id, "verification_ended", 10);
    second.line.key("2");
    let story = server.story_with(&id, "wait_asked", 15);
    assert!(!story.has("hold_music_started"));
    second.line.key("1");
    let story = server.story_with(&id, "hold_music_started", 15);
    assert_eq!(story.only("wait_granted")["by"], "caller");

    first.hang_up();
    alice.wait_for("CALL_CLOSED", 5);
    // The wrap-up is over when the agent says so.
    server.set_agent("alice", "ready");
    server.story_with(&id, "agent_connected", 10);
    within(10, "caller and agent hear each other's tone for a second", || {
        (second.line.heard(AGENT_HZ) >= 1.0 && alice.heard(CALLER_HZ) >= 1.0).then_some(())
    });
    alice.hang_up();
    second.ends_well(10);
    let story = server.story_with(&id, "call_ended", 5);
    let kinds = story.kinds();
    let at =
        |fact| kinds.iter().position(|kind| *kind == fact).unwrap_or_else(|| panic!("{fact} in {kinds:?}"));
    assert!(at("enqueued") < at("wait_asked") && at("wait_asked") < at("wait_granted"));
    assert!(
        at("wait_granted") < at("hold_music_started") && at("hold_music_started") < at("agent_connected")
    );
    server.is_left_clean();
}
