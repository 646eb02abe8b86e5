//! An agent's phone hands a caller on: its Transfer button, and what it dials on a second line.

use serde_json::json;

use crate::baresip::Phone;
use crate::baresip::Setup;
use crate::callback::center_with;
use crate::line::Line;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::talk::Talk;
use crate::talk::colleague;
use crate::tone;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tools::available;
use crate::tools::free_ports;
use crate::tools::within;

/// The caller hears this tone for the next half second.
fn caller_hears(caller: &Sipp, hz: f64) {
    let from = caller.line.recording().len();
    within(10, "the caller hears whom they should", || {
        let heard = caller.line.recording();
        let tail = &heard[from.max(heard.len().saturating_sub(tone::RATE / 2)).min(heard.len())..];
        (tail.len() >= tone::RATE / 4 && tone::is_in(hz, tail)).then_some(())
    });
}

#[test]
fn a_phone_s_transfer_button_hands_over_where_the_queues_allow_it() {
    if !available("a_phone_s_transfer_button_…", &["sipp", "baresip"]) {
        return;
    }
    let strict = "  sales:\n    blind_transfer: no\n";
    let (_flows, setup) = center_with(&[("  sales:\n", strict), ("bob: {", "bob: { extension: 202,")]);
    let mut talk = Talk::begin(Server::set_up(setup));
    let mut bob = colleague(&talk.server, "bob", true, COLLEAGUE_HZ);
    talk.server.wait_for_agent("bob", "ready", 10);
    let uri = talk.server.uri("202");
    talk.alice.transfer(&uri);
    talk.alice.wait_for("CALL_CLOSED", 5);
    let story = talk.server.story_when(&talk.sip_call_id, "connected again", 10, |story| {
        story.all("agent_connected").len() == 2
    });
    assert!(story.only("referred")["refused"].is_null());
    assert_eq!(story.only("transferred")["kind"], "blind");
    caller_hears(&talk.caller, COLLEAGUE_HZ);
    within(10, "bob hears the caller", || (bob.heard(CALLER_HZ) >= 1.0).then_some(()));

    // This phone shows why not, and hangs up: the caller is not left alone for that.
    let uri = talk.server.uri("sales");
    bob.transfer(&uri);
    bob.writes("403 the queue sales takes and gives no calls without a note", 5);
    talk.server.wait_for_agent("bob", "wrap_up", 5);
    talk.server.set_agent("alice", "ready");
    let story = talk.server.story_when(&talk.sip_call_id, "connected a third time", 20, |story| {
        story.all("agent_connected").len() == 3
    });
    assert_eq!(story.all("agent_connected")[2]["agent"], "alice");
    caller_hears(&talk.caller, AGENT_HZ);
    talk.over("alice");
}

#[test]
fn a_phone_consults_whom_it_dials_when_the_caller_agrees_to_wait() {
    if !available("a_phone_consults_whom_it_dials_…", &["sipp", "baresip"]) {
        return;
    }
    let (_flows, setup) = center_with(&[("bob: {", "bob: { extension: 202,")]);
    let server = Server::set_up(setup);
    let (user, domain) = ("alice", Some(server.sip()));
    let mut alice =
        Phone::agent_set_up(&Setup { user, domain, answers: true, max_calls: 2, ..Setup::default() });
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let id = caller.sip_call_id.clone();
    server.story_with(&id, "agent_connected", 15);
    alice.wait_for("CALL_ESTABLISHED", 5);
    let mut bob = colleague(&server, "bob", true, COLLEAGUE_HZ);
    server.wait_for_agent("bob", "ready", 10);

    alice.hold();
    server.story_with(&id, "far_end_held", 5);
    alice.dial(&server.uri("202"));
    let story = server.story_with(&id, "hold_asked", 5);
    assert!(!story.has("consult_started"), "the caller is asked first");
    caller.line.key("1");
    let story = server.story_with(&id, "consult_answered", 10);
    assert_eq!(story.only("consult_started")["note"]["issue"], "told by voice");
    alice.wait_for("CALL_ESTABLISHED", 5);
    assert_eq!(bob.heard(AGENT_HZ), 0.0, "not before the note is acknowledged");
    bob.key("1");
    server.story_with(&id, "note_acknowledged", 5);
    within(10, "bob hears alice", || (bob.heard(AGENT_HZ) >= 1.0).then_some(()));
    alice.key("*5");
    let story = server.story_with(&id, "transferred", 5);
    assert_eq!(story.only("transferred")["kind"], "warm");
    alice.wait_for("CALL_CLOSED", 5);
    alice.wait_for("CALL_CLOSED", 5);
    caller_hears(&caller, COLLEAGUE_HZ);
    within(10, "bob hears the caller", || (bob.heard(CALLER_HZ) >= 1.0).then_some(()));
    bob.hang_up();
    caller.ends_well(10);
    server.story_with(&id, "call_ended", 5);
    server.is_left_clean();
}

#[test]
fn an_attended_transfer_is_refused_until_somebody_has_picked_up_and_then_joins_the_two() {
    if !available("an_attended_transfer_…", &["sipp", "baresip"]) {
        return;
    }
    let ports = free_ports(2);
    let port = ports.first;
    let contact = format!("alice: {{ contact: \"sip:alice@127.0.0.1:{port}\", ready: always, ");
    let (_flows, setup) = center_with(&[
        ("alice: { skills: { billing: 8, support: 4 }, ready: when registered }", "ALICE"),
        ("ALICE", &format!("{contact}skills: {{ support: 4 }} }}")),
        ("bob: { skills: { support: 7, sales: 3 }", "bob: { extension: 202, skills: { sales: 3 }"),
    ]);
    let server = Server::set_up(setup);
    let mut bob = colleague(&server, "bob", false, COLLEAGUE_HZ);
    server.wait_for_agent("bob", "ready", 10);
    let second = Line::open(AGENT_HZ);
    let alice = Sipp::agent(&server.sip(), port, "alice", "202", second.port, "agent_refers");
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let id = caller.sip_call_id.clone();
    let story = server.story_with(&id, "referred", 20);
    assert_eq!(story.only("referred")["refused"], "nobody has picked up for the consult yet");
    assert!(!story.has("consult_started"), "the caller is asked first");
    assert!(story.prompts().contains(&"transfer/bob"), "and told with whom: {:?}", story.prompts());
    caller.line.key("1");
    let call = server.story_with(&id, "consult_ringing", 10).id();
    server.acts(call, "bob", "acknowledge", json!({}));
    server.story_with(&id, "note_acknowledged", 5);
    bob.pick_up();
    let story = server.story_with(&id, "transferred", 10);
    assert_eq!(story.only("transferred")["kind"], "warm");
    assert!(story.all("referred")[1]["refused"].is_null());
    alice.ends_well(10);
    caller_hears(&caller, COLLEAGUE_HZ);
    within(10, "bob hears the caller", || (bob.heard(CALLER_HZ) >= 1.0).then_some(()));
    bob.hang_up();
    caller.ends_well(10);
    server.story_with(&id, "call_ended", 5);
    server.is_left_clean();
}
