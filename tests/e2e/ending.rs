//! How the server ends: it lets calls finish, or ends them, or is killed; and how it comes back.

use std::fs;

use crate::baresip::Phone;
use crate::journal::somebody_waits;
use crate::script::PCMU;
use crate::script::Script;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::sipp::header;
use crate::sipp::only;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tools::available;
use crate::tools::within;

#[test]
fn a_server_that_is_told_to_end_lets_the_last_call_finish() {
    if !available("a_server_that_is_told_to_end_…", &["sipp", "baresip"]) {
        return;
    }
    let mut server = Server::start();
    let _bob = Phone::agent(&server.sip(), "bob", true);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 15);
    let unplugged =
        Sipp::play(&server.sip(), "9001", STRANGER, &Script::invite(&[], Some(PCMU)).until_answered());
    let dead = unplugged.sip_call_id.clone();
    server.story_with(&dead, "played", 15);
    drop(unplugged);

    server.terminate();
    let refused = Script::invite(&[], Some(PCMU)).may_get(100).expect(503).ack_refusal();
    within(5, "a new call is refused", || server.logged().contains("no new calls are taken").then_some(()));
    let received = Sipp::play(&server.sip(), "9000", STRANGER, &refused).received(10);
    assert!(header(only(&received, "SIP/2.0 503"), "Retry-After").is_some(), "{received:#?}");
    // Whoever starts another one in its place meanwhile is told that its data are still in use.
    let told = server.second_with_its_data();
    assert!(told.contains("error: another Warmline serves with the data folder"), "{told}");
    // Whose phone is dead is found; who talks is not disturbed.
    let story = server.story_with(&dead, "call_ended", 60);
    assert_eq!(story.only("call_ended")["cause"], "the line is gone");
    let heard = caller.heard(AGENT_HZ);
    within(10, "the call goes on", || (caller.heard(AGENT_HZ) >= heard + 1.0).then_some(()));
    assert!(server.runs());
    caller.hang_up();
    server.ends(10);

    server.restart();
    let story = server.story(&id).expect("the call is in the history");
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    assert_eq!(story.only("call_ended")["by"], "caller");
}

#[test]
fn a_server_that_is_told_twice_hangs_up_and_ends_at_once() {
    if !available("a_server_that_is_told_twice_…", &["sipp"]) {
        return;
    }
    let mut server = Server::start();
    let script = Script::invite(&[], Some(PCMU)).until_answered().answer("BYE");
    let caller = Sipp::play(&server.sip(), "9001", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    server.story_with(&id, "played", 10);
    server.terminate();
    within(5, "it has heard", || server.logged().contains("no new calls are taken").then_some(()));
    assert!(server.runs());
    server.terminate();
    server.ends(5);
    caller.ends_well(10);

    server.restart();
    let story = server.story(&id).expect("the call is in the history");
    assert_eq!(story.only("call_ended")["by"], "server");
    assert_eq!(story.only("call_ended")["cause"], "the server stops");
    assert!(story.has("leg_closed"), "{:?}", story.kinds());
}

#[test]
fn a_server_that_is_told_to_end_while_it_starts_ends_well() {
    let mut server = Server::start();
    server.terminate();
    server.ends(10);
    server.begin();
    server.terminate();
    server.ends(60);
    assert!(server.logged().contains("stopped"), "{}", server.logged());
}

#[test]
fn a_waiting_caller_whom_a_supervisor_ends_has_not_given_up_and_it_is_told_who_ended_it() {
    if !available("a_waiting_caller_whom_a_supervisor_ends_…", &["baresip"]) {
        return;
    }
    let mut server = Server::start();
    let (_alice, mut caller, id) = somebody_waits(&server, true);
    let call = server.story(&id).expect("the call is in the history").id();
    let end = server.ask_of("sam", "POST", &format!("/api/v1/calls/{call}/end"), None);
    assert_eq!(end.map(|(status, _)| status), Some(202));
    let story = server.story_of(call, "call_ended", 10);
    assert_eq!(story.all("wait_ended").len(), 1, "{:?}", story.kinds());
    assert_eq!(story.only("wait_ended")["exit"], "ended_by_operator");
    let ended = story.only("call_ended");
    assert_eq!(
        (&ended["outcome"], &ended["by"], &ended["by_person"]),
        (&"ended_by_operator".into(), &"server".into(), &"sam".into())
    );
    let (_, text) = server.ask("GET", "/metrics", None).expect("the server answers");
    for counted in [
        "warmline_queue_abandoned_total{queue=\"support\"} 0",
        "warmline_queue_short_abandoned_total{queue=\"support\"} 0",
        "warmline_queue_unserved_total{queue=\"support\",why=\"ended_by_operator\"} 1",
    ] {
        assert!(text.contains(counted), "{text}");
    }

    // Nor has one whom the server ends as it stops.
    caller.wait_for("CALL_CLOSED", 10);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "hold_music_started", 20);
    server.terminate();
    within(5, "it has heard", || server.logged().contains("no new calls are taken").then_some(()));
    server.terminate();
    server.ends(5);
    server.restart();
    let story = server.story(&id).expect("the call is in the history");
    assert_eq!(story.only("wait_ended")["exit"], "ended_by_server");
}

#[test]
fn a_server_that_was_killed_tells_so_and_serves_on() {
    if !available("a_server_that_was_killed_…", &["sipp", "baresip"]) {
        return;
    }
    let mut server = Server::start();
    let script = Script::invite(&[], Some(PCMU)).until_answered().answer("BYE");
    let cut_off = Sipp::play(&server.sip(), "9001", STRANGER, &script);
    let id = cut_off.sip_call_id.clone();
    let before = server.story_with(&id, "played", 10);
    server.kill();
    drop(cut_off);
    server.restart();
    // It goes on with the call, and finds that there is nobody.
    let story = server.story_with(&id, "call_ended", 60);
    story.only("carried_on");
    assert_eq!(story.only("call_ended")["by"], "caller");
    assert_eq!(story.only("call_ended")["cause"], "the line is gone");

    // Where there is no journal, what was up is over.
    let script = Script::invite(&[], Some(PCMU)).until_answered().answer("BYE");
    let cut_off = Sipp::play(&server.sip(), "9001", STRANGER, &script);
    let id = cut_off.sip_call_id.clone();
    server.story_with(&id, "played", 10);
    server.kill();
    fs::remove_file(server.data().join("calls.journal")).expect("a journal");
    drop(cut_off);
    server.restart();
    let story = server.story(&id).expect("the call is in the history");
    assert_eq!(story.only("call_ended")["by"], "server");
    assert_eq!(story.only("call_ended")["cause"], "the server stopped");
    assert_eq!(story.only("call_ended")["outcome"], "failed");

    let mut bob = Phone::agent(&server.sip(), "bob", true);
    server.wait_for_agent("bob", "ready", 5);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let next = caller.is_answered();
    let next_story = server.story_with(&next, "agent_connected", 15);
    assert!(next_story.id() > before.id(), "{} after {}", next_story.id(), before.id());
    caller.hang_up();
    bob.wait_for("CALL_CLOSED", 5);
    server.is_left_clean();
}
