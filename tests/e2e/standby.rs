//! Calls that outlive the machine: it is lost with all that was on it, and another one, which has a copy, goes on with them at the
//! same address.

use std::fs;

use crate::baresip;
use crate::baresip::Phone;
use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::journal::hears_music;
use crate::journal::kept;
use crate::journal::secured_agent;
use crate::journal::secured_center;
use crate::journal::secured_phone;
use crate::journal::somebody_waits;
use crate::journal::telephone_and_browser_hear_each_other;
use crate::journal::they_hear_each_other;
use crate::pages::does;
use crate::pages::is_clean;
use crate::pages::open;
use crate::pages::sits_at_the_desk;
use crate::pages::text;
use crate::server::Server;
use crate::server::Setup;
use crate::spine::ANN;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

#[test]
fn a_talk_and_a_wait_outlive_the_machine_and_the_next_one() {
    if !available("a_talk_and_a_wait_outlive_the_machine_…", &["baresip"]) {
        return;
    }
    let mut server = Server::set_up(Setup { standbys: true, ..Setup::default() });
    let (alice, mut waiting, waits) = somebody_waits(&server, true);
    let dave = Phone::agent(&server.sip(), "dave", true);
    // A call that is over before the standby comes, and one that begins while it is there.
    let mut early = Phone::caller(&server.sip(), ANN);
    early.dial(&server.uri("9199"));
    let first = early.is_answered();
    server.story_with(&first, "call_ended", 20);
    server.start_standby();
    server.set_agent("dave", "ready");
    server.story_with(&waits, "agent_connected", 20);
    they_hear_each_other(&waiting, &dave);
    let mut second = Phone::caller(&server.sip(), ANN);
    second.dial(&server.uri("1001"));
    let holds = second.is_answered();
    server.story_with(&holds, "hold_music_started", 20);

    for times in [1, 2] {
        server.lose_machine();
        for call in [&waits, &holds] {
            let told = |story: &crate::server::Story| story.all("carried_on").len() == times;
            server.story_when(call, "the call goes on", 20, told);
        }
        they_hear_each_other(&waiting, &dave);
        hears_music(&second);
        assert!(
            server.story(&first).is_some_and(|story| story.has("call_ended")),
            "the history has come, too"
        );
        // Another machine is the standby of the one that took over.
        server.start_standby();
    }
    assert_eq!(server.agent_state("dave"), "talking");
    server.set_agent("alice", "ready");
    let story = server.story_with(&holds, "agent_connected", 20);
    assert_eq!(story.all("enqueued").len(), 1, "it is the same wait: {:?}", story.kinds());
    they_hear_each_other(&second, &alice);
    waiting.hang_up();
    second.hang_up();
    server.story_with(&waits, "call_ended", 10);
    server.story_with(&holds, "call_ended", 10);
    server.is_left_clean();
}

#[test]
fn a_supervisor_sees_whether_a_standby_could_take_over() {
    if !browsers_available("a_supervisor_sees_whether_a_standby_…") {
        return;
    }
    let mut server = Server::set_up(Setup { standbys: true, ..Setup::default() });
    let mut sam = Browser::start(AGENT_HZ);
    let (alarms, standbys) = ("document.querySelector('#alarms')", "document.querySelector('#standbys')");
    let gone = format!("{alarms}.innerText.startsWith('No standby is connected')");
    open(&mut sam, &server, "/wallboard");
    sam.sees("that there is none", 20, &gone);
    let doctor_says = |server: &Server, what: &str| {
        let (is_well, told) = server.doctor();
        assert!(is_well && told.contains("a Warmline runs already") && told.contains(what), "{told}");
    };
    doctor_says(&server, "no standby is connected");
    server.start_standby();
    sam.sees(
        "one that could take over",
        20,
        &format!("{standbys}.innerText.includes('could take over since')"),
    );
    sam.sees("no alarm", 20, &format!("{alarms}.innerText === 'No alarms.'"));
    doctor_says(&server, "could take over, since");
    server.lose_standby();
    sam.sees("that it is gone", 20, &gone);
    assert_eq!(text(&mut sam, "#standbys"), "No standby.");
    is_clean(&mut sam);
}

#[test]
fn a_secured_talk_outlives_the_machine_and_its_keys_are_on_no_disk() {
    if !available("a_secured_talk_outlives_the_machine_…", &["baresip"]) {
        return;
    }
    let (_flows, setup, memory) = secured_center("required");
    let mut server = Server::set_up(Setup { standbys: true, ..setup });
    server.start_standby();
    let mut bob = secured_agent(&server, "bob", Some("srtp-mand"));
    let mut caller = Phone::start(&secured_phone(&server, STRANGER, Some("srtp-mand")));
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 20);
    they_hear_each_other(&caller, &bob);
    within(20, "both machines have the call's keys in memory", || (kept(&memory).len() == 2).then_some(()));

    server.lose_machine();
    server.story_with(&id, "carried_on", 20);
    they_hear_each_other(&caller, &bob);
    let journal = fs::read_to_string(server.data().join("calls.journal")).expect("the journal");
    assert!(journal.contains("\"call\"") && !journal.contains("inline:") && !journal.contains("a=crypto"));
    bob.hang_up();
    caller.wait_for("CALL_CLOSED", 10);
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
}

#[test]
fn a_talk_at_a_desk_outlives_the_machine_and_the_desk_comes_back_signed_in() {
    let test = "a_talk_at_a_desk_outlives_the_machine_…";
    if !browsers_available(test) || !available(test, &["baresip"]) {
        return;
    }
    let mut server = Server::set_up(Setup { standbys: true, ..Setup::default() });
    let mut alice = Browser::start(AGENT_HZ);
    sits_at_the_desk(&mut alice, &server, "alice");
    server.start_standby();
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    does(&mut alice, "Rings for you");
    alice.run("await page.click('#pick-up')");
    server.story_with(&id, "agent_connected", 20);
    telephone_and_browser_hear_each_other(&caller, CALLER_HZ, &mut alice, AGENT_HZ);

    for times in [1, 2] {
        server.lose_machine();
        server.story_when(&id, "the call goes on", 20, |story| story.all("carried_on").len() == times);
        server.story_when(&id, "the desk is back", 40, |story| story.all("desk_back").len() == times);
        telephone_and_browser_hear_each_other(&caller, CALLER_HZ, &mut alice, AGENT_HZ);
        does(&mut alice, "You talk with");
        server.start_standby();
    }
    alice.run("await page.click('#hang-up')");
    caller.wait_for("CALL_CLOSED", 10);
    let story = server.story_with(&id, "call_ended", 10);
    assert_eq!(story.only("agent_connected")["agent"], "alice");
    assert_eq!(story.only("talk_ended")["by"], "agent");
    server.is_left_clean();
}

#[test]
fn a_talk_of_a_phone_in_a_browser_outlives_the_machine() {
    let test = "a_talk_of_a_phone_in_a_browser_outlives_the_machine";
    if !browsers_available(test) || !available(test, &["baresip"]) {
        return;
    }
    let mut server = Server::set_up(Setup { standbys: true, ..Setup::default() });
    server.start_standby();
    let mut alice = Browser::start(AGENT_HZ);
    alice.has_jssip(&server.web(), "alice", Some("warmline"));
    server.wait_for_agent("alice", "ready", 10);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    alice.sees("it rings", 20, "phone.state === 'ringing'");
    alice.look("phone.pickUp()");
    server.story_with(&id, "agent_connected", 20);
    telephone_and_browser_hear_each_other(&caller, CALLER_HZ, &mut alice, AGENT_HZ);

    server.lose_machine();
    server.story_with(&id, "carried_on", 20);
    telephone_and_browser_hear_each_other(&caller, CALLER_HZ, &mut alice, AGENT_HZ);
    alice.sees("it is signed in again", 40, "phone.ua.isRegistered() && phone.reconnected === 1");
    alice.look("phone.hangUp()");
    caller.wait_for("CALL_CLOSED", 10);
    let story = server.story_with(&id, "call_ended", 10);
    assert_eq!(story.only("talk_ended")["by"], "agent");
    server.is_left_clean();
}

/// A caller over TLS, whose audio is secured, and an agent whose phone is signed in over UDP.
#[test]
fn a_talk_of_a_caller_over_tls_outlives_the_machine() {
    if !available("a_talk_of_a_caller_over_tls_outlives_the_machine", &["baresip"]) {
        return;
    }
    let (_flows, setup, _memory) = secured_center("required");
    let mut server = Server::set_up(Setup { standbys: true, tls: true, ..setup });
    server.start_standby();
    let mut bob = secured_agent(&server, "bob", Some("srtp-mand"));
    let (domain, srtp) = (Some(server.sip_tls()), Some("srtp-mand"));
    let setup =
        baresip::Setup { user: STRANGER, domain, transport: "tls", srtp, ..baresip::Setup::default() };
    let mut caller = Phone::start(&setup);
    caller.dial(&format!("sip:1001@{};transport=tls", server.sip_tls()));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 20);
    they_hear_each_other(&caller, &bob);

    server.lose_machine();
    server.story_with(&id, "carried_on", 20);
    they_hear_each_other(&caller, &bob);
    caller.hang_up();
    let story = server.story_with(&id, "call_ended", 60);
    assert_eq!(story.only("talk_ended")["by"], "caller");
    bob.wait_for("CALL_CLOSED", 20);
    server.is_left_clean();
}

#[test]
fn a_caller_on_the_web_page_is_lost_with_the_machine_and_their_agent_is_free() {
    let test = "a_caller_on_the_web_page_is_lost_with_the_machine_…";
    if !browsers_available(test) || !available(test, &["baresip"]) {
        return;
    }
    let mut server = Server::set_up(Setup { standbys: true, ..Setup::default() });
    server.start_standby();
    let mut bob = Phone::agent(&server.sip(), "bob", true);
    let mut caller = Browser::start(CALLER_HZ);
    caller.dials(&server, "1001");
    let call = caller.is_talking();
    server.story_of(call, "agent_connected", 20);
    caller.hears("call", AGENT_HZ, 20);
    within(20, "the agent hears the caller", || (bob.heard(CALLER_HZ) >= 1.0).then_some(()));

    server.lose_machine();
    let story = server.story_of(call, "call_ended", 40);
    assert_eq!(story.only("call_ended")["cause"], "the page is gone");
    bob.wait_for("CALL_CLOSED", 20);
    caller.sees("the call is over", 40, "call.state === 'ended'");
    server.is_left_clean();
}
