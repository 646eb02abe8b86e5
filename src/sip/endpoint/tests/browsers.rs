//! Phones in browsers, which come and go with their connections, and whose talks do not.

use super::bench::*;
use super::registrations::contacts;
use super::registrations::sign_in;
use crate::sip::api::Command;
use crate::sip::api::EndReason;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::api::Input;
use crate::sip::api::SessionId;
use crate::sip::endpoint::CarriedSession;
use crate::sip::endpoint::EndpointConfig;
use crate::sip::endpoint::TrunkConfig;
use crate::sip::message::HeaderName;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

/// The Contact of a phone in a browser, as JsSIP gives it.
const IN_BROWSER: &str = "Contact: <sip:7q2k@df7jal23ls0d.invalid;transport=ws>;\
    +sip.instance=\"<urn:uuid:0c67446e-f1a1-11d9-94d3-000a95a0e128>\";reg-id=1;expires=600\r\n";

#[test]
fn a_phone_in_a_browser_is_signed_in_for_as_long_as_its_connection() {
    let mut bench = Bench::with(config(), Transport::Ws);
    bench.reborn = true;
    sign_in(&mut bench, "alice", 1, IN_BROWSER);
    assert_eq!(
        contacts(&bench.last_response()),
        ["<sip:7q2k@df7jal23ls0d.invalid;transport=ws>;expires=600;q=1"]
    );
    assert_eq!(bench.endpoint.contacts("alice")[0].hop, bench.hop);
    // Another one's connection, and the same address over TLS.
    let other = Hop { remote: "192.0.2.9:5071".parse().unwrap(), ..bench.hop };
    for hop in [other, hop(Transport::Wss)] {
        bench.input(Input::HopFailed { hop });
    }
    assert_eq!(bench.endpoint.contacts("alice").len(), 1);
    // It has come by another one before the first is known to be closed.
    let first = std::mem::replace(&mut bench.hop, other);
    sign_in(&mut bench, "alice", 3, IN_BROWSER);
    bench.input(Input::HopFailed { hop: first });
    assert_eq!(bench.endpoint.contacts("alice")[0].hop, other);
    bench.input(Input::HopFailed { hop: other });
    assert!(bench.endpoint.contacts("alice").is_empty());
    assert_eq!(bench.told(), ["Registered alice 1", "Registered alice 1", "Unregistered alice 0"]);
}

#[test]
fn a_phone_at_its_own_address_stays_signed_in_when_its_connection_is_closed() {
    let mut bench = Bench::with(config(), Transport::Tcp);
    sign_in(&mut bench, "alice", 1, "Contact: <sip:a@192.0.2.9:5070;transport=tcp>\r\n");
    bench.input(Input::HopFailed { hop: bench.hop });
    assert_eq!(bench.endpoint.contacts("alice").len(), 1);
}

#[test]
fn a_call_goes_on_over_the_next_connection_of_a_phone_in_a_browser() {
    let mut bench = Bench::with(config(), Transport::Wss);
    sign_in(&mut bench, "alice", 1, IN_BROWSER);
    bench.command(call_in_browser(bench.hop));
    let invite = bench.last_request();
    assert_eq!(invite.uri.to_string(), "sip:7q2k@df7jal23ls0d.invalid;transport=ws");
    let via = invite.headers.get(&HeaderName::Via).unwrap();
    assert!(via.starts_with("SIP/2.0/WSS 192.0.2.1:5060"), "{via}");
    let ours = invite.headers.get(&HeaderName::Contact).unwrap();
    assert!(ours.contains("@192.0.2.1:5060;transport=ws>"), "{ours}");
    // Its Contact in dialogs has a mark that it has not elsewhere.
    let contact = "Contact: <sip:7q2k@df7jal23ls0d.invalid;transport=ws;ob>\r\n";
    let answer = response(&invite, 200, "its", "", ANSWER);
    bench.receive(answer.replace("Contact: <sip:bob@192.0.2.9:5070>\r\n", contact));
    assert_eq!(bench.told(), ["Registered alice 1", "Answered sdp"]);
    let first = bench.hop;
    bench.hop.remote = "192.0.2.9:5071".parse().unwrap();
    bench.input(Input::HopFailed { hop: first });
    sign_in(&mut bench, "alice", 3, IN_BROWSER);
    bench.command(Command::End { session: OURS, reason: EndReason::Normal });
    assert_eq!(bench.last_hop(), bench.hop);
}

/// The session of the first call to us.
const FIRST: SessionId = SessionId(1);

/// Our call to a phone in a browser.
fn call_in_browser(hop: Hop) -> Command {
    let Command::Invite(mut invite) = call(hop) else { panic!("no call") };
    invite.uri = Uri::parse("sip:7q2k@df7jal23ls0d.invalid;transport=ws").unwrap();
    Command::Invite(invite)
}

#[test]
fn a_browser_is_no_trunk_wherever_it_stands() {
    let trunk = TrunkConfig {
        name: "carrier".into(),
        sources: vec!["192.0.2.9".parse().unwrap()],
        trusted: true,
        credentials: None,
        registration: None,
    };
    for (transport, is_trunk) in [(Transport::Tcp, true), (Transport::Ws, false), (Transport::Wss, false)] {
        let mut bench = Bench::with(EndpointConfig { trunks: vec![trunk.clone()], ..config() }, transport);
        bench.receive(request("INVITE", "1", 1, "", "P-Asserted-Identity: <sip:boss@a>\r\n", OFFER));
        let events = bench.events();
        let Event::Incoming(incoming) = &events[0] else { panic!("{events:?}") };
        assert_eq!((incoming.trunk.is_some(), caller_of(incoming) == Some("boss")), (is_trunk, is_trunk));
    }
}

/// A talk of ours with alice, whose phone is in a browser.
fn talk() -> Bench {
    let mut bench = Bench::with(config(), Transport::Wss);
    bench.reborn = true;
    sign_in(&mut bench, "alice", 1, IN_BROWSER);
    bench.command(call_in_browser(bench.hop));
    let invite = bench.last_request();
    let contact = "Contact: <sip:7q2k@df7jal23ls0d.invalid;transport=ws;ob>\r\n";
    let answer = response(&invite, 200, "its", "", ANSWER);
    bench.receive(answer.replace("Contact: <sip:bob@192.0.2.9:5070>\r\n", contact));
    bench.told();
    bench.sent();
    bench
}

/// A phone signs in; what is sent then, all of it over its connection.
fn signs_in(bench: &mut Bench, user: &str, cseq: u32) -> Vec<String> {
    sign_in(bench, user, cseq, IN_BROWSER);
    bench.told();
    let sent = bench.sent_over();
    assert!(sent.iter().all(|(hop, _)| *hop == bench.hop), "{sent:?}");
    sent.into_iter().map(|(_, line)| line).collect()
}

fn end() -> Command {
    Command::End { session: OURS, reason: EndReason::Normal }
}

#[test]
fn whoever_signs_in_with_anothers_contact_gets_none_of_that_ones_requests() {
    let mut bench = talk();
    let hers = bench.hop;
    bench.hop.remote = "192.0.2.66:6066".parse().unwrap();
    assert_eq!(signs_in(&mut bench, "bob", 1), ["200 REGISTER"]);
    bench.command(end());
    assert_eq!(bench.sent_over(), [(hers, "BYE".to_owned())]);

    // Nor while she is away.
    let mut bench = talk();
    bench.cut_off();
    assert_eq!(signs_in(&mut bench, "bob", 1), ["200 REGISTER"]);
    bench.command(end());
    assert!(bench.sent().is_empty());

    // Who has not proved to be anybody is found by nobody's Contact.
    let mut bench = Bench::with(config(), Transport::Ws);
    bench.establish();
    let theirs = std::mem::replace(&mut bench.hop, hers);
    sign_in(&mut bench, "bob", 1, "Contact: <sip:carl@192.0.2.9:5070>\r\n");
    bench.told();
    bench.sent();
    bench.command(Command::End { session: FIRST, reason: EndReason::Normal });
    assert_eq!(bench.sent_over(), [(theirs, "BYE".to_owned())]);
}

#[test]
fn what_a_phone_without_a_connection_is_to_be_told_waits_until_it_is_back() {
    let offer = Command::Offer { session: OURS, sdp: OFFER.into() };
    for (what, told) in [(offer, "INVITE"), (end(), "BYE")] {
        let mut bench = talk();
        bench.cut_off();
        bench.command(what);
        bench.pass(60_000);
        assert!(bench.sent().is_empty() && bench.told().is_empty());
        let sent = signs_in(&mut bench, "alice", 3);
        let asked = sent.iter().any(|line| line == "OPTIONS");
        assert_eq!((sent.last().unwrap().as_str(), asked), (told, told == "INVITE"), "{sent:?}");
    }
    // A key that comes late says something else.
    let mut bench = talk();
    bench.cut_off();
    let content_type = "application/dtmf-relay";
    bench.command(Command::Info { session: OURS, content_type, body: "Signal=5".into() });
    assert_eq!(signs_in(&mut bench, "alice", 3), ["200 REGISTER", "OPTIONS"]);
    assert!(bench.told().is_empty());
}

#[test]
fn what_was_being_asked_when_the_connection_was_closed_is_asked_again() {
    let asking = |command| {
        let mut bench = talk();
        bench.command(command);
        bench.cut_off();
        bench
    };
    let mut bench = asking(Command::Offer { session: OURS, sdp: OFFER.into() });
    assert_eq!(signs_in(&mut bench, "alice", 3), ["200 REGISTER", "OPTIONS", "INVITE"]);
    // Who was asked whether they are there, and is not back in time, is gone; who was told a key is not.
    for (told, ends) in [
        (Command::Options { session: OURS }, true),
        (Command::Info { session: OURS, content_type: "application/dtmf", body: "5".into() }, false),
    ] {
        let mut bench = asking(told);
        bench.pass(31_900);
        assert!(bench.told().is_empty());
        bench.pass(200);
        let ended = if ends { vec!["Ended PeerGone".to_owned()] } else { vec![] };
        assert_eq!(bench.told(), ended);
    }
    // It had another connection already when the first was found to be closed.
    let mut bench = talk();
    bench.command(Command::Options { session: OURS });
    bench.sent();
    let first = bench.hop;
    bench.hop.remote.set_port(6_000);
    assert_eq!(signs_in(&mut bench, "alice", 3), ["200 REGISTER"]);
    bench.input(Input::HopFailed { hop: first });
    assert_eq!(bench.sent_over(), [(bench.hop, "OPTIONS".to_owned())]);
}

#[test]
fn a_phone_without_a_connection_that_is_asked_for_has_32_s_to_be_back() {
    let mut bench = talk();
    bench.cut_off();
    bench.pass(600_000);
    assert!(bench.told().is_empty(), "nobody asked");
    bench.command(Command::Options { session: OURS });
    bench.pass(30_000);
    assert_eq!(signs_in(&mut bench, "alice", 3), ["200 REGISTER", "OPTIONS"]);
    bench.cut_off();
    bench.command(Command::Options { session: OURS });
    bench.pass(31_900);
    assert!(bench.told().is_empty());
    bench.pass(200);
    assert_eq!(bench.told(), ["Ended PeerGone"]);
}

#[test]
fn a_phone_that_never_signed_in_is_found_by_what_it_says_in_its_talk() {
    let mut bench = Bench::with(config(), Transport::Ws);
    bench.reborn = true;
    let tag = bench.establish();
    bench.sent();
    bench.cut_off();
    bench.receive(request("INFO", "3", 2, &tag, "", ""));
    assert_eq!(bench.told().len(), 1);
    bench.command(Command::End { session: FIRST, reason: EndReason::Normal });
    let over_it = |line: &str| (bench.hop, line.to_owned());
    let expected = [over_it("200 INFO"), over_it("BYE")];
    assert_eq!(bench.sent_over(), expected);
}

#[test]
fn a_talk_goes_on_in_another_process_once_the_phone_is_back_and_no_password_of_ice_is_written_down() {
    let ice = "a=ice-ufrag:F7gI\r\na=ice-pwd:x9cml/YzichV2+XlhiMu8g\r\n";
    let mut bench = Bench::with(config(), Transport::Wss);
    sign_in(&mut bench, "alice", 1, IN_BROWSER);
    bench.sent();
    let Command::Invite(mut invite) = call_in_browser(bench.hop) else { panic!("no call") };
    invite.sdp = format!("{OFFER}{ice}").into();
    bench.command(Command::Invite(invite));
    let answer = response(&bench.last_request(), 200, "its", "", &format!("{ANSWER}{ice}"));
    bench.receive(answer.replace("<sip:bob@192.0.2.9:5070>", "<sip:7q2k@df7jal23ls0d.invalid;transport=ws>"));
    let carried = bench.endpoint.carried(OURS).expect("it goes on");
    let secret = carried.secret().expect("it is kept elsewhere").clone();
    let text = serde_json::to_string(&carried).unwrap();
    assert!(!text.contains("ice-pwd") && !text.contains("YzichV2"), "{text}");

    let mut carried: CarriedSession = serde_json::from_str(&text).unwrap();
    assert!(carried.is_in_browser() && carried.lacks_descriptions());
    carried.had_secret(secret);
    let mut bench = Bench::with(config(), Transport::Wss);
    bench.endpoint.carry_on(bench.now, carried);
    bench.hop.remote.set_port(6_000);
    bench.pass(300_000);
    assert!(bench.told().is_empty() && bench.sent().is_empty());
    assert_eq!(signs_in(&mut bench, "alice", 1), ["200 REGISTER", "OPTIONS"]);
    bench.command(end());
    assert_eq!(bench.sent(), ["BYE"]);
}
