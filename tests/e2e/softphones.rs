//! Phones in browsers that others wrote, over WebSocket: agents and callers by JsSIP and SIP.js, and what they are to the others.

use serde_json::json;

use crate::baresip::Phone;
use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::callback::center_with;
use crate::line::Line;
use crate::secure::TEST_HZ;
use crate::server::Server;
use crate::server::Setup;
use crate::sipp::Sipp;
use crate::spine::ANN;
use crate::spine::STRANGER;
use crate::talk::colleague;
use crate::tone;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tools::available;
use crate::tools::free_ports;
use crate::tools::within;

#[test]
fn an_agent_by_jssip_and_a_caller_by_telephone_hear_each_other_and_either_hangs_up() {
    let test = "an_agent_by_jssip_and_a_caller_…";
    if !browsers_available(test) || !available(test, &["sipp", "baresip"]) {
        return;
    }
    let server = Server::start();
    let mut agent = Browser::start(AGENT_HZ);
    agent.has_jssip(&server.web(), "alice", Some("warmline"));
    server.wait_for_agent("alice", "ready", 5);
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    agent.sees("it rings", 20, "phone.state === 'ringing'");
    agent.look("phone.pickUp()");
    agent.hears("phone", CALLER_HZ, 10);
    within(10, "the caller hears the agent", || (caller.line.heard(AGENT_HZ) >= 1.0).then_some(()));
    assert_eq!(
        agent.look(&format!("hears(phone.audio.remote, {AGENT_HZ})")),
        false,
        "nobody hears themselves"
    );
    agent.look("phone.hangUp()");
    let id = caller.sip_call_id.clone();
    caller.ends_well(10);
    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.only("agent_connected")["agent"], "alice");
    assert_eq!(story.only("talk_ended")["by"], "agent");

    server.set_agent("alice", "ready");
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    agent.sees("it rings again", 20, "phone.state === 'ringing'");
    agent.look("phone.pickUp()");
    agent.hears("phone", CALLER_HZ, 10);
    within(10, "the second caller hears the agent", || (caller.heard(AGENT_HZ) >= 1.0).then_some(()));
    caller.hang_up();
    agent.sees("the phone is told", 10, "phone.state === 'over' && phone.originator === 'remote'");
    assert_eq!(server.story_with(&id, "call_ended", 5).only("talk_ended")["by"], "caller");

    // The page is closed: nobody is there any more.
    agent.run("await page.goto('about:blank')");
    server.wait_for_agent("alice", "offline", 5);
    server.is_left_clean();
}

#[test]
fn a_caller_by_jssip_is_greeted_keys_their_pin_in_either_fashion_and_reaches_an_agent() {
    let test = "a_caller_by_jssip_is_greeted_…";
    if !browsers_available(test) || !available(test, &["baresip"]) {
        return;
    }
    let company = "company: ";
    let (_flows, setup) = center_with(&[(company, &format!("believe_numbers: from anywhere\n{company}"))]);
    let server = Server::set_up(setup);
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let mut caller = Browser::start(CALLER_HZ);
    // By INFO, as JsSIP sends keys of itself; and in the audio.
    for way in ["undefined", "'RFC2833'"] {
        caller.has_jssip(&server.web(), ANN, None);
        caller.look("void phone.call('1000')");
        caller.sees("the call is answered", 20, "phone.state === 'talking'");
        let id = caller.sip_call_id();
        server.story_when(&id, "the greeting by name", 20, |story| story.prompts().contains(&"names/ann"));
        for key in "4711#".chars() {
            caller.look(&format!("void phone.key('{key}', {way})"));
        }
        let story = server.story_with(&id, "verification_ended", 20);
        assert_eq!(story.only("verification_ended")["result"], "verified_by_pin", "{way}");
        caller.look(&format!("void phone.key('2', {way})"));
        server.story_with(&id, "agent_connected", 20);
        caller.hears("phone", AGENT_HZ, 10);
        within(10, "alice hears the caller", || (alice.heard(CALLER_HZ) >= 1.0).then_some(()));
        caller.look("phone.hangUp()");
        let story = server.story_with(&id, "call_ended", 10);
        assert_eq!(story.only("call_ended")["by"], "caller");
        let source = story.only("call_arrived")["source"].to_string();
        assert!(source.contains("ws 127.0.0.1"), "{source}");
        alice.wait_for("CALL_CLOSED", 10);
        server.set_agent("alice", "ready");
    }
    server.never_wrote("4711");
    server.is_left_clean();
}

#[test]
fn of_an_agents_telephone_and_jssip_the_first_that_picks_up_has_the_call_and_holds_and_hands_it_on() {
    let test = "of_an_agents_telephone_and_jssip_…";
    if !browsers_available(test) || !available(test, &["sipp", "baresip"]) {
        return;
    }
    let server = Server::start();
    let mut browser = Browser::start(AGENT_HZ);
    browser.has_jssip(&server.web(), "alice", Some("warmline"));
    let mut phone = Phone::agent(&server.sip(), "alice", false);
    server.wait_for_agent("alice", "ready", 10);

    // The telephone, which knows nothing of what browsers take.
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    browser.sees("it rings", 20, "phone.state === 'ringing'");
    phone.wait_for("CALL_INCOMING", 10);
    phone.pick_up();
    browser.sees("it rings no more", 10, "phone.state === 'over'");
    within(10, "the telephone hears the caller", || (phone.heard(CALLER_HZ) >= 1.0).then_some(()));
    phone.hang_up();
    caller.ends_well(10);

    // JsSIP.
    server.set_agent("alice", "ready");
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let id = caller.sip_call_id.clone();
    browser.sees("it rings again", 20, "phone.state === 'ringing'");
    browser.look("phone.pickUp()");
    phone.wait_for("CALL_CLOSED", 10);
    browser.hears("phone", CALLER_HZ, 10);
    within(10, "the caller hears the agent", || (caller.line.heard(AGENT_HZ) >= 1.0).then_some(()));

    // Its connection is lost, and made anew: the talk goes on, and what is said in it goes both ways.
    browser.look("phone.ua.transport.socket._ws.close()");
    server.story_when(&id, "the talk goes on", 5, |story| !story.has("talk_ended"));
    browser.sees("it is signed in again", 20, "phone.ua.isRegistered() && phone.reconnected === 1");
    browser.hears("phone", CALLER_HZ, 10);
    // It looks for the way anew, as it does where its network is another one: so do we, and the talk goes on.
    let ufrags = "['local', 'remote'].map((side) => /ice-ufrag:(.+)/.exec(
        phone.session.connection[`${side}Description`].sdp)[1])";
    browser.look(&format!("void (phone.ufrags = {ufrags})"));
    browser.look("void phone.session.renegotiate({ rtcOfferConstraints: { iceRestart: true } })");
    let other = format!("{ufrags}.every((ufrag, at) => ufrag !== phone.ufrags[at])");
    browser.sees("both look for the way by other names", 20, &other);
    browser.hears("phone", CALLER_HZ, 10);
    let heard = caller.line.heard(AGENT_HZ);
    within(10, "the caller hears the agent still", || {
        (caller.line.heard(AGENT_HZ) >= heard + 1.0).then_some(())
    });
    // Its hold button is a wish to hold, about which the caller is asked.
    browser.look("void phone.session.hold()");
    server.story_with(&id, "hold_asked", 20);
    browser.look("void phone.session.unhold()");
    browser.hears("phone", CALLER_HZ, 20);
    browser.look("void phone.session.refer('billing')");
    let story = server.story_with(&id, "transferred", 20);
    assert_eq!(story.only("referred")["refused"], serde_json::Value::Null);
    server.ask("POST", &format!("/api/v1/calls/{}/end", story.id()), None);
    caller.ends_well(10);
    server.is_left_clean();
}

#[test]
fn an_agent_takes_a_talk_from_their_telephone_to_jssip_and_joins_the_two_whom_they_talk_with_there() {
    let test = "an_agent_takes_a_talk_from_their_telephone_…";
    if !browsers_available(test) || !available(test, &["sipp", "baresip"]) {
        return;
    }
    let (_flows, setup) = center_with(&[("bob: {", "bob: { extension: 202,")]);
    let server = Server::set_up(setup);
    let mut phone = Phone::agent(&server.sip(), "alice", true);
    server.wait_for_agent("alice", "ready", 10);
    let mut browser = Browser::start(TEST_HZ);
    browser.has_jssip(&server.web(), "alice", Some("warmline"));
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let id = caller.sip_call_id.clone();
    server.story_with(&id, "agent_connected", 20);
    within(10, "the caller hears the telephone", || (caller.line.heard(AGENT_HZ) >= 1.0).then_some(()));

    // INVITE with Replaces: secured audio by ICE in place of a telephone's.
    browser.sees("the telephone was faster", 10, "phone.state === 'over'");
    let header = json!([format!("Replaces: {}", phone.replaces())]);
    browser.look(&format!("void phone.call('alice', {{ extraHeaders: {header} }})"));
    let story = server.story_with(&id, "leg_moved", 20);
    assert!(story.only("leg_moved")["address"].to_string().contains("ws 127.0.0.1"), "{story:?}");
    phone.wait_for("CALL_CLOSED", 10);
    browser.hears("phone", CALLER_HZ, 20);
    within(20, "the caller hears the browser", || (caller.line.heard(TEST_HZ) >= 1.0).then_some(()));
    assert_eq!(server.agent_state("alice"), "talking");

    // Attended transfer: hold, dial a colleague at a telephone, and join the two.
    let mut bob = colleague(&server, "bob", true, COLLEAGUE_HZ);
    server.wait_for_agent("bob", "ready", 10);
    browser.look("void (window.first = phone.session).hold()");
    server.story_with(&id, "far_end_held", 10);
    browser.look("void phone.call('202')");
    server.story_with(&id, "hold_asked", 10);
    caller.line.key("1");
    server.story_with(&id, "consult_answered", 20);
    bob.key("1");
    server.story_with(&id, "note_acknowledged", 10);
    browser.hears("phone", COLLEAGUE_HZ, 20);
    browser.look("void first.refer('202', { replaces: phone.session })");
    let story = server.story_with(&id, "transferred", 20);
    assert_eq!(story.only("transferred")["kind"], "warm");
    within(20, "bob hears the caller", || (bob.heard(CALLER_HZ) >= 1.0).then_some(()));
    let from = caller.line.recording().len();
    within(20, "the caller hears bob", || {
        (tone::seconds_of(COLLEAGUE_HZ, &caller.line.recording()[from..]) >= 1.0).then_some(())
    });
    bob.hang_up();
    caller.ends_well(10);
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
}

#[test]
fn an_agent_s_telephone_joins_a_caller_with_a_colleague_at_jssip_by_its_attended_transfer() {
    let test = "an_agent_s_telephone_joins_a_caller_with_a_colleague_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
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
    let mut bob = Browser::start(COLLEAGUE_HZ);
    bob.has_jssip(&server.web(), "bob", Some("warmline"));
    server.wait_for_agent("bob", "ready", 10);
    let second = Line::open(AGENT_HZ);
    let alice = Sipp::agent(&server.sip(), port, "alice", "202", second.port, "agent_refers");
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let id = caller.sip_call_id.clone();
    server.story_with(&id, "hold_asked", 20);
    caller.line.key("1");
    let call = server.story_with(&id, "consult_ringing", 10).id();
    bob.sees("it rings", 20, "phone.state === 'ringing'");
    server.acts(call, "bob", "acknowledge", json!({}));
    server.story_with(&id, "note_acknowledged", 5);
    bob.look("phone.pickUp()");

    // The telephone joins the two as soon as it is answered, and is gone.
    let story = server.story_with(&id, "transferred", 20);
    assert_eq!(story.only("transferred")["kind"], "warm");
    alice.ends_well(10);
    bob.hears("phone", CALLER_HZ, 20);
    let before = caller.line.heard(COLLEAGUE_HZ);
    within(20, "the caller hears bob", || (caller.line.heard(COLLEAGUE_HZ) >= before + 1.0).then_some(()));
    assert_eq!(server.agent_state("bob"), "talking");
    bob.look("phone.hangUp()");
    caller.ends_well(10);
    assert_eq!(server.story_with(&id, "call_ended", 10).all("talk_ended")[1]["agent"], "bob");
    server.is_left_clean();
}

#[test]
fn a_phone_by_jssip_over_https_is_a_telephone() {
    if !browsers_available("a_phone_by_jssip_over_https_…") {
        return;
    }
    let server = Server::set_up(Setup { tls: true, ..Setup::default() });
    let mut caller = Browser::start(CALLER_HZ);
    caller.has_jssip(&server.secure_web(), STRANGER, None);
    caller.look("void phone.call('9197')");
    caller.hears("phone", TEST_HZ, 20);
    let id = caller.sip_call_id();
    caller.look("phone.hangUp()");
    let source = server.story_with(&id, "call_ended", 10).only("call_arrived")["source"].to_string();
    assert!(source.contains("wss 127.0.0.1"), "{source}");
    server.is_left_clean();
}

#[test]
fn an_agent_and_a_caller_by_sip_js_hear_each_other() {
    if !browsers_available("an_agent_and_a_caller_by_sip_js_…") {
        return;
    }
    let server = Server::start();
    let mut agent = Browser::start(AGENT_HZ);
    agent.has_sipjs(&server.web(), "alice", Some("warmline"));
    server.wait_for_agent("alice", "ready", 10);
    let mut caller = Browser::start(CALLER_HZ);
    caller.has_sipjs(&server.web(), STRANGER, None);
    caller.look("void phone.call('1001')");
    agent.sees("it rings", 20, "phone.state === 'ringing'");
    agent.look("void phone.pickUp()");
    agent.hears("phone", CALLER_HZ, 10);
    caller.hears("phone", AGENT_HZ, 10);
    caller.look("void phone.hangUp()");
    agent.sees("the phone is told", 10, "phone.state === 'over'");
    server.wait_for_agent("alice", "wrap_up", 5);
    server.is_left_clean();
}
