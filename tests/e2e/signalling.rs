//! What SIP's small print asks of a server, seen from SIPp: late offers, refusals, keys by INFO, reliable
//! provisional responses, new offers, session timers, and messages that get lost.

use crate::baresip::Phone;
use crate::callback::center_with;
use crate::line::Line;
use crate::script::PCMU;
use crate::script::Script;
use crate::server::Server;
use crate::server::Setup;
use crate::server::Story;
use crate::sipp::Sipp;
use crate::sipp::header;
use crate::sipp::only;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

/// G.729, which nobody here speaks.
const G729: &str = "m=audio [rtp_port] RTP/AVP 18\na=rtpmap:18 G729/8000\n";

/// Plays a script at a number; what SIPp received.
fn play(server: &Server, number: &str, script: &Script) -> Vec<String> {
    Sipp::play(&server.sip(), number, STRANGER, script).received(15)
}

/// Plays a script at a number; the server's story of it, when it is over.
fn story_of(server: &Server, number: &str, script: &Script) -> Story {
    let caller = Sipp::play(&server.sip(), number, STRANGER, script);
    let id = caller.sip_call_id.clone();
    caller.ends_well(15);
    server.story_with(&id, "call_ended", 5)
}

#[test]
fn what_cannot_be_served_is_refused_with_the_right_status() {
    if !available("what_cannot_be_served_is_refused_…", &["sipp"]) {
        return;
    }
    let server = Server::set_up(Setup { rtp_ports: 4, ..Setup::default() });

    let unknown = Script::invite(&[], Some(PCMU)).may_get(100).expect(404).ack_refusal();
    let story = story_of(&server, "4040", &unknown);
    assert_eq!(story.only("call_ended")["outcome"], "refused");
    server.is_left_clean();

    let no_codec = Script::invite(&[], Some(G729)).may_get(100).expect(488).ack_refusal();
    play(&server, "9000", &no_codec);
    server.is_left_clean();

    let too_short = ["Supported: timer", "Session-Expires: 60"];
    let too_short = Script::invite(&too_short, Some(PCMU)).may_get(100).expect(422).ack_refusal();
    let received = play(&server, "9000", &too_short);
    assert_eq!(header(only(&received, "SIP/2.0 422"), "Min-SE"), Some("90"));

    let extension = Script::invite(&["Require: nothing-known"], Some(PCMU));
    let received = play(&server, "9000", &extension.may_get(100).expect(420).ack_refusal());
    assert_eq!(header(only(&received, "SIP/2.0 420"), "Unsupported"), Some("nothing-known"));

    let options = Script::begin("OPTIONS", &[]).expect(200);
    let received = play(&server, "9000", &options);
    let allowed = header(only(&received, "SIP/2.0 200"), "Allow").expect("Allow");
    assert!(["INVITE", "PRACK", "UPDATE"].iter().all(|method| allowed.contains(method)), "{allowed}");

    // Two pairs of ports are two lines: who comes third is asked to come again.
    let stays = Script::invite(&[], Some(PCMU)).until_answered().answer("BYE");
    let calls = [(); 2].map(|()| Sipp::play(&server.sip(), "9002", STRANGER, &stays));
    for call in &calls {
        server.story_with(&call.sip_call_id, "call_answered", 5);
    }
    let full = Script::invite(&[], Some(PCMU)).may_get(100).expect(503).ack_refusal();
    let received = play(&server, "9000", &full);
    assert!(header(only(&received, "SIP/2.0 503"), "Retry-After").is_some(), "{received:#?}");
    for call in calls {
        call.line.key("#");
        call.ends_well(15);
    }
    server.is_left_clean();

    // And then there is room again.
    let again = Script::invite(&[], Some(PCMU)).until_answered().leaves();
    play(&server, "9000", &again);
    server.is_left_clean();
    server.stop();
}

#[test]
fn a_caller_who_asks_for_our_offer_hears_and_keys() {
    if !available("a_caller_who_asks_for_our_offer_…", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let script = Script::invite(&[], None).may_get(100).expect(200).ack(Some(PCMU)).answer("BYE");
    let caller = Sipp::play(&server.sip(), "9002", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    server.story_when(&id, "it says one", 5, |story| story.prompts() == ["digits/1"]);
    caller.line.key("5");
    server.story_when(&id, "it reads the digit back", 10, |story| story.prompts().len() == 2);
    caller.line.key("#");
    let received = caller.received(10);
    assert!(only(&received, "SIP/2.0 200").contains("m=audio"), "an offer: {received:#?}");

    // 9197's tone is what a late offerer hears, too.
    let script = Script::invite(&[], None).may_get(100).expect(200).ack(Some(PCMU)).wait_ms(5000).leaves();
    let caller = Sipp::play(&server.sip(), "9197", STRANGER, &script);
    within(10, "a second of 1004 Hz", || (caller.line.heard(1004.0) >= 1.0).then_some(()));
    caller.ends_well(15);

    // Their answer has no codec of ours: the call ends, and nothing of it stays.
    let script = Script::invite(&[], None).may_get(100).expect(200).ack(Some(G729)).answer("BYE");
    let story = story_of(&server, "9197", &script);
    assert_eq!(story.only("call_ended")["cause"], "no common codec");
    server.is_left_clean();
}

#[test]
fn a_gateway_that_sends_its_network_s_message_beside_the_offer_is_served() {
    if !available("a_gateway_that_sends_its_network_s_message_…", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let script = Script::invite_with_isup(PCMU, "optional").until_answered().wait_ms(5000).leaves();
    let caller = Sipp::play(&server.sip(), "9197", STRANGER, &script);
    within(10, "a second of 1004 Hz", || (caller.line.heard(1004.0) >= 1.0).then_some(()));
    caller.ends_well(15);
    let required = Script::invite_with_isup(PCMU, "required").may_get(100).expect(415).ack_refusal();
    let received = play(&server, "9197", &required);
    let accepted = header(only(&received, "SIP/2.0 415"), "Accept").expect("Accept");
    assert!(accepted.contains("multipart/mixed"), "{accepted}");
    server.is_left_clean();
    server.stop();
}

#[test]
fn a_phone_that_wants_keys_by_info_gets_them_so() {
    if !available("a_phone_that_wants_keys_by_info_gets_them_so", &["baresip"]) {
        return;
    }
    let (_flows, setup) = center_with(&[("company: ", "dtmf: info\ncompany: ")]);
    let server = Server::set_up(setup);
    let mut bob = Phone::agent(&server.sip(), "bob", true);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 15);
    within(10, "they hear each other", || {
        (caller.heard(AGENT_HZ) >= 0.5 && bob.heard(CALLER_HZ) >= 0.5).then_some(())
    });
    caller.key("47#");
    for key in ["4", "7", "#"] {
        assert_eq!(bob.wait_for("CALL_DTMF_START", 10)["param"], key);
    }
    bob.writes("received DTMF: '#'", 5);
    caller.hang_up();
    server.story_with(&id, "call_ended", 5);
}

#[test]
fn keys_by_info_are_keys() {
    if !available("keys_by_info_are_keys", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let key = |script: Script, body: &str| {
        script.request("INFO", &[], Some(("application/dtmf-relay", body))).expect(200)
    };
    let script = Script::invite(&[], Some(PCMU)).until_answered().wait_ms(2500);
    let script = key(script, "Signal=8\nDuration=160\n").wait_ms(2500);
    let script = key(script, "Signal=#\nDuration=160\n").answer("BYE");
    let story = story_of(&server, "9002", &script);
    assert_eq!(story.prompts(), ["digits/1", "digits/8"]);
    server.is_left_clean();
}

#[test]
fn a_caller_who_requires_reliable_ringing_acknowledges_it() {
    if !available("a_caller_who_requires_reliable_ringing_…", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let ringing = Script::invite(&["Require: 100rel"], Some(PCMU)).may_get(100).expect_reliable(180);
    let script = ringing.prack().expect(200).cancel().expect(200).expect(487).ack_refusal();
    let caller = Sipp::play(&server.sip(), "9198", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    let received = caller.received(15);
    let ringing = only(&received, "SIP/2.0 180");
    assert_eq!(header(ringing, "Require"), Some("100rel"));
    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.only("call_ended")["by"], "caller");
    assert!(!story.has("call_answered"));
    // Where nothing rings there is nothing to acknowledge.
    let script = Script::invite(&["Require: 100rel"], Some(PCMU)).until_answered().leaves();
    play(&server, "9000", &script);

    // A caller who gives up as soon as it rings. No 100 comes where the next response follows at once.
    let script = Script::invite(&[], Some(PCMU)).may_get(100).expect(180).cancel();
    let script = script.expect(200).expect(487).ack_refusal();
    assert!(!story_of(&server, "9198", &script).has("call_answered"));
    server.is_left_clean();
}

#[test]
fn a_caller_holds_resumes_and_moves_within_the_call() {
    if !available("a_caller_holds_resumes_and_moves_…", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let elsewhere = Line::open(CALLER_HZ);
    let sendonly = format!("{PCMU}a=sendonly\n");
    let moved = PCMU.replace("[rtp_port]", &elsewhere.port.to_string());
    let script = Script::invite(&[], Some(PCMU))
        .until_answered()
        .wait_ms(1500)
        .update(&sendonly)
        .expect(200)
        .wait_ms(1000)
        .send_invite(&[], Some(PCMU))
        .may_get(100)
        .expect(200)
        .ack(None)
        .wait_ms(4000)
        .send_invite(&[], Some(&moved))
        .may_get(100)
        .expect(200)
        .ack(None)
        .wait_ms(500)
        // No codec of ours: refused, and the call goes on as it was.
        .send_invite(&[], Some(G729))
        .may_get(100)
        .expect(488)
        .ack_refusal()
        .wait_ms(5000)
        .leaves();
    let caller = Sipp::play(&server.sip(), "9197", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    server.story_with(&id, "far_end_held", 10);
    server.story_with(&id, "far_end_resumed", 10);
    within(10, "the tone is back", || {
        let heard = caller.line.recording();
        let last = &heard[heard.len().saturating_sub(crate::tone::RATE / 2)..];
        (crate::tone::seconds_of(1004.0, last) >= 0.4).then_some(())
    });
    caller.line.falls_silent();
    within(20, "the tone comes to where the caller is now", || {
        (elsewhere.heard(1004.0) >= 1.0).then_some(())
    });
    let received = caller.received(15);
    let answers: Vec<&String> =
        received.iter().filter(|told| told.starts_with("SIP/2.0 200") && told.contains("m=audio")).collect();
    assert_eq!(answers.len(), 4, "{received:#?}");
    assert!(answers[1].contains("a=recvonly"), "{}", answers[1]);
    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.only("far_end_held")["party"], "caller");
    assert_eq!(story.only("far_end_resumed")["party"], "caller");
    server.is_left_clean();
}

#[test]
fn who_is_named_in_a_description_and_acknowledges_nothing_is_sent_half_a_second() {
    if !available("who_is_named_in_a_description_…", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let script = Script::invite(&[], Some(PCMU))
        .may_get(100)
        .may_get(180)
        .expect(200)
        .wait_ms(3000)
        .ack(None)
        .wait_ms(2000)
        .leaves();
    let caller = Sipp::play(&server.sip(), "9197", STRANGER, &script);
    caller.line.falls_silent();
    server.story_with(&caller.sip_call_id, "call_ended", 15);
    let heard = caller.line.recording().len() as f64 / crate::tone::RATE as f64;
    assert!((2.0..3.5).contains(&heard), "half a second, and the two after the ACK: {heard}");
    server.is_left_clean();
}

#[test]
fn a_session_timer_is_agreed_and_refreshed() {
    if !available("a_session_timer_is_agreed_…", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let timer = ["Supported: timer", "Session-Expires: 90;refresher=uac"];
    let script = Script::invite(&timer, Some(PCMU)).until_answered().wait_ms(300);
    let script = script.request("UPDATE", &timer, None).expect(200).leaves();
    let received = play(&server, "9000", &script);
    let agreed: Vec<&str> =
        received.iter().filter_map(|message| header(message, "Session-Expires")).collect();
    assert_eq!(agreed, ["90;refresher=uac"; 2], "{received:#?}");
    let answer = received.iter().find(|message| message.starts_with("SIP/2.0 200")).expect("an answer");
    assert_eq!(header(answer, "Require"), Some("timer"));

    let theirs = ["Supported: timer", "Session-Expires: 90;refresher=uas"];
    let received = play(&server, "9000", &Script::invite(&theirs, Some(PCMU)).until_answered().leaves());
    assert_eq!(received.iter().find_map(|told| header(told, "Session-Expires")), Some("90;refresher=uas"));
    server.is_left_clean();
}

#[test]
fn an_invite_that_comes_twice_is_one_call() {
    if !available("an_invite_that_comes_twice_is_one_call", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let script = Script::invite(&[], Some(PCMU)).may_get(100).expect(180).invite_again(&[], Some(PCMU));
    let script = script.wait_ms(300).cancel().may_get(180).expect(200).expect(487).ack_refusal();
    let caller = Sipp::play(&server.sip(), "9198", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    caller.ends_well(10);
    server.story_with(&id, "call_ended", 5);
    let found = server.get(&format!("/api/v1/calls?sip_call_id={id}"));
    assert_eq!(found["calls"].as_array().map(Vec::len), Some(1), "{found}");
    server.is_left_clean();
}

#[test]
fn an_answer_that_is_never_acknowledged_ends_the_call() {
    if !available("an_answer_that_is_never_acknowledged_…", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let script = Script::invite(&[], Some(PCMU)).may_get(100).expect(200).answer("BYE");
    let caller = Sipp::play(&server.sip(), "9000", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    server.story_with(&id, "call_answered", 5);
    // 64 times T1 (RFC 3261 §13.3.1.4).
    let story = server.story_with(&id, "call_ended", 40);
    assert_eq!(story.only("call_ended")["cause"], "our answer was never acknowledged");
    caller.ends_well(5);
    server.is_left_clean();
}
