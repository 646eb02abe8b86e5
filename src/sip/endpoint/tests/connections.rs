//! Phones over TLS and TCP: only they open a connection, and a talk goes on over the next one.

use super::bench::*;
use super::registrations::sign_in;
use crate::sip::api::Command;
use crate::sip::api::EndReason;
use crate::sip::api::Hop;
use crate::sip::api::Input;
use crate::sip::api::SessionId;
use crate::sip::endpoint::EndpointConfig;
use crate::sip::endpoint::TrunkConfig;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

/// The session of the first call to us.
const FIRST: SessionId = SessionId(1);

/// Where a phone says that it listens.
const BEHIND: &str = "Contact: <sip:al@10.0.0.7:5061;transport=tls>\r\n";
/// In its dialogs it names the port that it connected from, as baresip does.
const THERE: &str = "Contact: <sip:al@192.0.2.9:5070;transport=tls>\r\n";

/// A talk of ours with alice, whose phone is signed in over TLS.
fn talk() -> Bench {
    talk_with(BEHIND)
}

fn talk_with(contact: &str) -> Bench {
    let mut bench = Bench::with(config(), Transport::Tls);
    bench.reborn = true;
    sign_in(&mut bench, "alice", 1, BEHIND);
    let Command::Invite(mut invite) = call(bench.hop) else { panic!("no call") };
    invite.uri = Uri::parse("sip:al@10.0.0.7:5061;transport=tls").unwrap();
    bench.command(Command::Invite(invite));
    let invite = bench.last_request();
    let answer = response(&invite, 200, "its", "", ANSWER);
    bench.receive(answer.replace("Contact: <sip:bob@192.0.2.9:5070>\r\n", contact));
    bench.told();
    bench.sent();
    bench
}

fn end(session: SessionId) -> Command {
    Command::End { session, reason: EndReason::Normal }
}

/// A phone signs in; what is sent then, all of it over its connection.
fn signs_in(bench: &mut Bench, user: &str, contact: &str) -> Vec<String> {
    sign_in(bench, user, 3, contact);
    bench.told();
    let sent = bench.sent_over();
    assert!(sent.iter().all(|(hop, _)| *hop == bench.hop), "{sent:?}");
    sent.into_iter().map(|(_, line)| line).collect()
}

#[test]
fn what_a_phone_without_a_connection_is_to_be_told_waits_until_it_signs_in_again() {
    let offer = Command::Offer { session: OURS, sdp: OFFER.into() };
    for (what, told) in [(offer, "INVITE"), (end(OURS), "BYE")] {
        for contact in [BEHIND, THERE] {
            let mut bench = talk_with(contact);
            bench.cut_off();
            bench.command(what.clone());
            bench.pass(60_000);
            assert!(bench.sent().is_empty() && bench.told().is_empty(), "nobody is there");
            assert_eq!(signs_in(&mut bench, "alice", BEHIND).last().unwrap(), told);
        }
    }
    // Some phones sign in with the port from which they connect.
    let mut bench = talk();
    bench.cut_off();
    bench.command(end(OURS));
    let moved = BEHIND.replace("5061", "40112");
    assert_eq!(signs_in(&mut bench, "alice", &moved).last().unwrap(), "BYE");
}

#[test]
fn a_phone_that_comes_by_another_connection_before_the_first_is_closed_is_told_there() {
    for contact in [BEHIND, THERE] {
        let mut bench = talk_with(contact);
        let first = bench.hop;
        bench.hop.remote.set_port(6_000);
        assert_eq!(signs_in(&mut bench, "alice", BEHIND), ["200 REGISTER"]);
        bench.input(Input::HopFailed { hop: first });
        bench.command(end(OURS));
        assert_eq!(bench.sent_over(), [(bench.hop, "BYE".to_owned())]);
    }
}

#[test]
fn what_was_on_its_way_when_the_connection_was_closed_is_asked_again() {
    let mut bench = talk();
    bench.command(Command::Offer { session: OURS, sdp: OFFER.into() });
    bench.cut_off();
    assert_eq!(signs_in(&mut bench, "alice", BEHIND), ["200 REGISTER", "OPTIONS", "INVITE"]);
}

#[test]
fn a_phone_that_has_not_parted_from_us_keeps_its_talk() {
    let (other_phone, other_user) = (BEHIND.replace("5061", "5071"), BEHIND.to_owned());
    for (user, contact) in [("alice", other_phone), ("bob", other_user)] {
        let mut bench = talk();
        let hers = bench.hop;
        bench.hop.remote.set_port(6_066);
        assert_eq!(signs_in(&mut bench, user, &contact), ["200 REGISTER"], "{user}");
        bench.command(end(OURS));
        assert_eq!(bench.sent_over(), [(hers, "BYE".to_owned())], "{user}");
    }
    // Nor does it go on in the clear.
    let mut bench = talk();
    let hers = bench.hop;
    bench.hop.transport = Transport::Tcp;
    signs_in(&mut bench, "alice", BEHIND);
    bench.command(end(OURS));
    assert_eq!(bench.sent_over(), [(hers, "BYE".to_owned())]);
}

/// A caller at this Contact whose connection is closed, and who says something within the talk by another one.
fn calls_and_comes_again(config: EndpointConfig, contact: &str) -> (Bench, Hop) {
    let with = |text: String| text.replace("<sip:carl@192.0.2.9:5070>", contact);
    let mut bench = Bench::with(config, Transport::Tls);
    bench.receive(with(invite("1")));
    bench.command(Command::Answer { session: FIRST, sdp: ANSWER.into() });
    let tag = bench.last_response().headers.to().unwrap().tag().unwrap().to_owned();
    bench.receive(with(request("ACK", "1a", 1, &tag, "", "")));
    let first = bench.hop;
    bench.cut_off();
    bench.receive(with(request("INFO", "3", 2, &tag, "", "")));
    bench.told();
    bench.sent();
    bench.command(end(FIRST));
    (bench, first)
}

#[test]
fn a_caller_who_never_signed_in_is_found_by_what_they_say_in_their_talk() {
    for contact in ["<sip:carl@10.0.0.9:5070;transport=tls>", "<sip:carl@192.0.2.9:5070;transport=tls>"] {
        let (mut bench, _) = calls_and_comes_again(config(), contact);
        assert_eq!(bench.sent_over(), [(bench.hop, "BYE".to_owned())]);
    }
}

#[test]
fn a_trunk_is_reached_where_it_listens() {
    let trunk = TrunkConfig {
        name: "carrier".into(),
        sources: vec!["192.0.2.9".parse().unwrap()],
        trusted: true,
        credentials: None,
        registration: None,
    };
    let config = EndpointConfig { trunks: vec![trunk], ..config() };
    let (mut bench, first) = calls_and_comes_again(config, "<sip:carl@192.0.2.9:5070;transport=tls>");
    assert_eq!(bench.sent_over(), [(first, "BYE".to_owned())]);
}
