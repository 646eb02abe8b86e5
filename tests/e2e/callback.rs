//! Callers who would rather be called back, in a queue or by a flow: they keep their place, the agent comes first, then
//! their phone rings.

use std::fs;
use std::path::Path;

use crate::baresip::Phone;
use crate::server::Server;
use crate::server::Setup;
use crate::spine::ANN;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::Folder;
use crate::tools::available;
use crate::tools::within;

/// The demo center with some text of its center file replaced.
pub fn center_with(change: &[(&str, &str)]) -> (Folder, Setup) {
    let folder = Folder::new("flows");
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr_flows");
    let entries = fs::read_dir(demo).expect("the demo center").flatten();
    for entry in entries.filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("room on the disk");
    }
    let file = folder.path().join("center.yaml");
    let mut text = fs::read_to_string(&file).expect("the center's file");
    for (old, new) in change {
        assert!(text.contains(old), "the demo center has no {old:?}");
        text = text.replacen(old, new, 1);
    }
    fs::write(&file, text).expect("room on the disk");
    let setup = Setup { flows: folder.path().to_owned(), ..Setup::default() };
    (folder, setup)
}

/// Alice talks with somebody; Ann waits for technical support, is asked, and chooses to be called back. The
/// server has hung up on her, and Alice is still in her talk. Ann's Call-ID.
fn chooses_a_callback(server: &Server, alice: &mut Phone, first: &mut Phone, ann: &mut Phone) -> String {
    first.dial(&server.uri("1001"));
    alice.wait_for("CALL_ESTABLISHED", 10);
    ann.dial(&server.uri("1000"));
    let id = ann.is_answered();
    server.story_when(&id, "the PIN is asked for", 20, |story| story.prompts().contains(&"verify/enter-pin"));
    ann.key("4711#");
    server.story_with(&id, "verification_ended", 10);
    ann.key("2");
    server.story_with(&id, "wait_asked", 15);
    ann.key("2");
    let story = server.story_with(&id, "callback_chosen", 15);
    assert_eq!(story.only("callback_chosen")["number"], ANN);
    ann.wait_for("CALL_CLOSED", 20);
    let story = server.story(&id).expect("the call is known");
    assert_eq!(story.prompts().last(), Some(&"wait/callback-promised"));
    assert!(!story.has("call_ended"), "the place is kept: {:?}", story.kinds());
    assert!(!story.has("hold_music_started"));
    id
}

#[test]
fn a_caller_who_wants_a_callback_gets_it_when_the_agent_is_free() {
    if !available("a_caller_who_wants_a_callback_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let mut first = Phone::caller(&server.sip(), STRANGER);
    let mut ann = Phone::caller(&server.sip(), ANN);
    let id = chooses_a_callback(&server, &mut alice, &mut first, &mut ann);
    let heard_before = alice.heard(CALLER_HZ);

    first.hang_up();
    alice.wait_for("CALL_CLOSED", 5);
    server.set_agent("alice", "ready");
    alice.wait_for("CALL_ESTABLISHED", 10);
    ann.wait_for("CALL_INCOMING", 10);
    ann.pick_up();
    ann.wait_for("CALL_ESTABLISHED", 5);
    server.story_with(&id, "agent_connected", 20);
    within(10, "caller and agent hear each other's tone for a second", || {
        (ann.heard(AGENT_HZ) >= 1.0 && alice.heard(CALLER_HZ) >= heard_before + 1.0).then_some(())
    });
    ann.hang_up();
    alice.wait_for("CALL_CLOSED", 5);

    let story = server.story_with(&id, "call_ended", 5);
    let kinds = story.kinds();
    let at =
        |fact| kinds.iter().position(|kind| *kind == fact).unwrap_or_else(|| panic!("{fact} in {kinds:?}"));
    assert!(at("callback_chosen") < at("agent_ringing"), "{kinds:?}");
    assert!(at("agent_ringing") < at("callback_dialled"), "the agent first: {kinds:?}");
    assert!(at("callback_dialled") < at("agent_connected"), "{kinds:?}");
    assert_eq!(story.only("callback_dialled")["attempt"], 1);
    assert_eq!(story.only("agent_connected")["agent"], "alice");
    assert_eq!(story.only("talk_ended")["by"], "caller");
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    server.wait_for_agent("alice", "wrap_up", 5);
    server.is_left_clean();
}

#[test]
fn a_callback_that_nobody_answers_keeps_its_place_and_is_tried_again() {
    if !available("a_callback_that_nobody_answers_…", &["baresip"]) {
        return;
    }
    let spaced = "  support:\n    callback_spacing: 2s\n";
    let (_flows, setup) = center_with(&[("  support:\n", spaced)]);
    let server = Server::set_up(setup);
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let mut first = Phone::caller(&server.sip(), STRANGER);
    let mut ann = Phone::caller(&server.sip(), ANN);
    let id = chooses_a_callback(&server, &mut alice, &mut first, &mut ann);

    first.hang_up();
    alice.wait_for("CALL_CLOSED", 5);
    server.set_agent("alice", "ready");
    ann.wait_for("CALL_INCOMING", 20);
    // She lets it ring.
    ann.wait_for("CALL_CLOSED", 40);
    let story = server.story_with(&id, "callback_failed", 5);
    assert_eq!(story.only("callback_failed")["cause"], "no answer");
    alice.wait_for("CALL_CLOSED", 5);
    assert!(!story.has("call_ended") && !story.has("wait_ended"), "{:?}", story.kinds());

    // The second time she declines, the third time she takes it.
    server.set_agent("alice", "ready");
    ann.wait_for("CALL_INCOMING", 30);
    ann.hang_up();
    server.story_when(&id, "two tries failed", 10, |story| story.all("callback_failed").len() == 2);
    server.set_agent("alice", "ready");
    ann.wait_for("CALL_INCOMING", 30);
    ann.pick_up();
    let story = server.story_with(&id, "agent_connected", 20);
    let tries: Vec<u64> =
        story.all("callback_dialled").iter().filter_map(|told| told["attempt"].as_u64()).collect();
    assert_eq!(tries, [1, 2, 3]);
    ann.hang_up();
    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    server.is_left_clean();
}

/// Ann agrees with the flow below on a callback, and lets go of the line. Nobody has signed in yet. Her Call-ID.
fn agrees_on_a_callback(server: &Server, ann: &mut Phone) -> String {
    ann.dial(&server.uri("1500"));
    let id = ann.is_answered();
    server.story_when(&id, "the number is read back", 60, |story| {
        story.prompts().contains(&"callback/confirm")
    });
    ann.key("1");
    let story = server.story_with(&id, "callback_chosen", 60);
    assert_eq!(story.only("callback_chosen")["number"], ANN);
    ann.wait_for("CALL_CLOSED", 60);
    id
}

#[test]
fn where_the_customer_is_called_first_the_agent_rings_once_they_have_picked_up() {
    if !available("where_the_customer_is_called_first_…", &["baresip"]) {
        return;
    }
    let (numbers, first) = ("numbers:\n  1500: kept\n", "  support:\n    callback_first: customer\n");
    let (folder, setup) = center_with(&[("numbers:\n", numbers), ("  support:\n", first)]);
    fs::write(folder.path().join("kept.yaml"), KEPT).expect("room on the disk");
    let server = Server::set_up(setup);
    let mut ann = Phone::caller(&server.sip(), ANN);
    let id = agrees_on_a_callback(&server, &mut ann);

    let mut alice = Phone::agent(&server.sip(), "alice", false);
    ann.wait_for("CALL_INCOMING", 90);
    // Nothing rings for alice before Ann has picked up.
    assert_eq!(server.agent_state("alice"), "reserved");
    ann.pick_up();
    alice.wait_for("CALL_INCOMING", 60);
    alice.pick_up();
    server.story_with(&id, "agent_connected", 60);
    within(60, "caller and agent hear each other's tone for a second", || {
        (ann.heard(AGENT_HZ) >= 1.0 && alice.heard(CALLER_HZ) >= 1.0).then_some(())
    });
    ann.hang_up();
    let story = server.story_with(&id, "call_ended", 60);
    let told = ["agent_reserved", "callback_dialled", "callback_reached", "agent_ringing", "agent_connected"];
    let kinds: Vec<&str> = story.kinds().into_iter().filter(|kind| told.contains(kind)).collect();
    assert_eq!(kinds, told);
    assert!(story.prompts().contains(&"wait/callback-greeting") && !story.has("hold_music_started"));
    assert_eq!(story.only("agent_connected")["agent"], "alice");
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    server.is_left_clean_within(60);
}

/// A flow that offers nothing but a callback.
const KEPT: &str = "\
flow: kept
start: ask
nodes:
  ask:
    callback: support
    confirm: [callback/your-number, { say: callback_number }, callback/confirm]
    promised: callback/promised
    otherwise: end
    impossible: end
  end: { hang_up: no callback }
";

#[test]
fn a_flow_keeps_the_place_of_a_caller_over_a_stop_and_a_crash_until_somebody_is_there() {
    if !available("a_flow_keeps_the_place_…", &["baresip"]) {
        return;
    }
    let (folder, setup) = center_with(&[("numbers:\n", "numbers:\n  1500: kept\n")]);
    fs::write(folder.path().join("kept.yaml"), KEPT).expect("room on the disk");
    let mut server = Server::set_up(setup);
    let mut ann = Phone::caller(&server.sip(), ANN);
    let id = agrees_on_a_callback(&server, &mut ann);
    let story = server.story(&id).expect("the call is known");
    assert_eq!(story.prompts().last(), Some(&"callback/promised"));
    assert!(!story.has("wait_asked") && !story.has("call_ended"), "{:?}", story.kinds());

    // Asked to stop, the server does not wait for her; killed, it forgets nothing.
    server.terminate();
    server.ends(60);
    server.restart();
    server.story_with(&id, "place_recalled", 60);
    server.kill();
    server.restart();
    let story = server.story_with(&id, "carried_on", 60);
    assert_eq!(story.only("place_recalled")["queue"], "support");
    assert!(!story.has("call_ended"), "{:?}", story.kinds());

    let mut alice = Phone::agent(&server.sip(), "alice", true);
    alice.wait_for("CALL_ESTABLISHED", 90);
    ann.wait_for("CALL_INCOMING", 60);
    ann.pick_up();
    server.story_with(&id, "agent_connected", 60);
    within(60, "caller and agent hear each other's tone for a second", || {
        (ann.heard(AGENT_HZ) >= 1.0 && alice.heard(CALLER_HZ) >= 1.0).then_some(())
    });
    ann.hang_up();
    let story = server.story_with(&id, "call_ended", 60);
    assert_eq!(story.only("callback_dialled")["attempt"], 1);
    assert_eq!(story.only("agent_connected")["agent"], "alice");
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    assert_eq!(story.all("enqueued").len(), 1, "it is the same wait: {:?}", story.kinds());
    server.is_left_clean_within(60);
}
