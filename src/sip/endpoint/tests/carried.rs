//! Calls that ring while the process is killed, ours and those of others: the next one takes them up, or ends them.

use super::bench::*;
use super::registrations::sign_in;
use crate::sip::api::Command;
use crate::sip::api::EndReason;
use crate::sip::api::Input;
use crate::sip::api::SessionId;
use crate::sip::endpoint::CarriedSession;
use crate::sip::endpoint::Descriptions;
use crate::sip::message::HeaderName;
use crate::sip::message::Message;
use crate::sip::message::Request;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

const KEY: &str = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n";

/// Our call to bob's phone with this offer, which rings if `rings`; and our INVITE.
fn call_with(transport: Transport, offer: &str, rings: bool) -> (Bench, Request) {
    let mut bench = Bench::with(config(), transport);
    let Command::Invite(mut invite) = call(bench.hop) else { panic!("no call") };
    invite.sdp = offer.to_owned().into();
    bench.command(Command::Invite(invite));
    let invite = bench.last_request();
    if rings {
        bench.receive(response(&invite, 180, "its", "", ""));
    }
    bench.forget();
    (bench, invite)
}

/// What is written down of the call, and what is kept elsewhere.
fn written(bench: &Bench) -> (String, Option<Descriptions>) {
    let carried = bench.endpoint.carried(OURS).expect("it is carried");
    (serde_json::to_string(&carried).unwrap(), carried.secret().cloned())
}

/// Another process goes on with it.
fn next(before: &Bench, (text, secret): (String, Option<Descriptions>)) -> Bench {
    let mut carried: CarriedSession = serde_json::from_str(&text).unwrap();
    assert_eq!(carried.lacks_offer(), text.contains("X-Call") && !text.contains("m=audio"));
    secret.into_iter().for_each(|secret| carried.had_secret(secret));
    let mut bench = Bench::with(config(), before.hop.transport);
    (bench.now, bench.reborn) = (before.now, true);
    bench.endpoint.carry_on(bench.now, carried);
    bench
}

fn end() -> Command {
    Command::End { session: OURS, reason: EndReason::Normal }
}

#[test]
fn a_call_that_rings_is_taken_up_and_no_key_is_written_down() {
    for (transport, key) in [(Transport::Udp, ""), (Transport::Udp, KEY), (Transport::Tcp, KEY)] {
        let (before, invite) = call_with(transport, &format!("{OFFER}{key}"), true);
        let (text, secret) = written(&before);
        assert!(!text.contains("inline:") && secret.is_some() != key.is_empty(), "{text}");
        let mut bench = next(&before, (text, secret));
        bench.receive(response(&invite, 183, "its", "", ANSWER));
        bench.pass(60_000);
        bench.receive(response(&invite, 200, "its", "", ANSWER));
        assert_eq!(bench.told(), ["Progressed 183 sdp", "Answered sdp"]);
        let ack = bench.last_request();
        assert_eq!(ack.headers.get(&HeaderName::CSeq), Some("1 ACK"));
        bench.receive(response(&invite, 200, "its", "", ANSWER));
        assert_eq!(bench.sent(), ["ACK"], "it is acknowledged again");
        bench.command(end());
        assert_eq!(bench.sent(), ["BYE"]);
    }
}

#[test]
fn what_a_phone_has_answered_while_it_rings_is_its_answer_to_the_next_process() {
    for key in ["", KEY] {
        let (mut before, invite) = call_with(Transport::Udp, &format!("{OFFER}{key}"), false);
        let answer = format!("{ANSWER}{key}");
        before.receive(response(&invite, 183, "its", "Require: 100rel\r\nRSeq: 7\r\n", &answer));
        let (text, secret) = written(&before);
        assert!(!text.contains("inline:") && secret.is_some() != key.is_empty(), "{text}");
        let mut bench = next(&before, (text, secret));
        bench.receive(response(&invite, 200, "its", "", ""));
        assert_eq!(bench.told(), ["Answered sdp"]);
    }
}

#[test]
fn a_call_that_nobody_has_heard_of_yet_is_repeated_as_it_was() {
    let (before, invite) = call_with(Transport::Udp, &format!("{OFFER}{KEY}"), false);
    let mut bench = next(&before, written(&before));
    bench.pass_until_it_sends();
    assert_eq!(bench.last_request().to_bytes(), invite.to_bytes());
}

#[test]
fn a_call_whose_offer_is_gone_is_cancelled_and_a_late_answer_is_ended() {
    let branch = |request: &Request| request.headers.get(&HeaderName::Via).unwrap().to_owned();
    for rings in [true, false] {
        for answers in [true, false] {
            let (before, invite) = call_with(Transport::Udp, &format!("{OFFER}{KEY}"), rings);
            let (text, _) = written(&before);
            let mut bench = next(&before, (text, None));
            bench.pass(10_000);
            assert!(bench.sent().is_empty(), "without its offer it is not repeated");
            bench.command(end());
            let cancel = bench.last_request();
            assert_eq!(cancel.method.as_str(), "CANCEL");
            assert_eq!((branch(&cancel), &cancel.uri), (branch(&invite), &invite.uri));
            for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
                assert_eq!(cancel.headers.get(&name), invite.headers.get(&name));
            }
            bench.receive(response(&cancel, 200, "its", "", ""));
            let (status, sent) = if answers { (200, vec!["ACK", "BYE"]) } else { (487, vec!["ACK"]) };
            bench.receive(response(&invite, status, "its", "", if answers { ANSWER } else { "" }));
            assert_eq!(bench.sent(), sent);
            assert!(bench.told().is_empty() && bench.endpoint.session_count() == 0);
        }
    }
}

#[test]
fn a_call_that_is_not_to_ring_on_is_cancelled_once_it_is_known_to_ring() {
    let (before, invite) = call_with(Transport::Udp, OFFER, false);
    let mut bench = next(&before, written(&before));
    bench.command(end());
    bench.pass(2_000);
    assert!(bench.sent().iter().all(|line| line == "INVITE"), "RFC 3261 §9.1");
    bench.receive(response(&invite, 180, "its", "", ""));
    assert_eq!(bench.sent(), ["CANCEL"]);

    let (before, _) = call_with(Transport::Udp, OFFER, true);
    let mut bench = next(&before, written(&before));
    bench.command(end());
    assert_eq!(bench.sent(), ["CANCEL"]);
}

#[test]
fn a_phone_that_calls_and_hears_it_ring_is_answered_by_another_process() {
    const FIRST: SessionId = SessionId(1);
    let rings = |transport| {
        let mut bench = Bench::with(config(), transport);
        bench.receive(invite("1"));
        bench.command(Command::Progress { session: FIRST, status: 180, sdp: None });
        let ringing = bench.last();
        let Message::Response(ringing) = ringing else { panic!("no response") };
        let tag = ringing.headers.to().unwrap().tag().unwrap().to_owned();
        (bench, tag)
    };
    let (before, tag) = rings(Transport::Udp);
    let text = serde_json::to_string(&before.endpoint.carried(FIRST).expect("it is carried")).unwrap();
    let next = || {
        let mut bench = Bench::new();
        (bench.now, bench.reborn) = (before.now, true);
        bench.endpoint.carry_on(bench.now, serde_json::from_str(&text).unwrap());
        bench
    };
    let mut bench = next();
    bench.receive(invite("1"));
    assert_eq!(bench.sent(), ["180 INVITE"], "it is the same call");
    bench.command(Command::Answer { session: FIRST, sdp: ANSWER.into() });
    assert_eq!(bench.sent(), ["200 INVITE"]);
    bench.receive(request("ACK", "2", 1, &tag, "", ""));
    assert_eq!(bench.told(), ["Acked"]);
    bench.command(Command::End { session: FIRST, reason: EndReason::Normal });
    assert_eq!(bench.sent(), ["BYE"]);

    let mut bench = next();
    bench.receive(request("CANCEL", "1", 1, "", "", ""));
    assert_eq!(
        (bench.sent(), bench.told()),
        (vec!["200 CANCEL".into(), "487 INVITE".into()], vec!["Ended Cancelled".into()])
    );

    let mut bench = next();
    bench.command(Command::Refuse { session: FIRST, status: 503, retry_after_s: Some(5) });
    assert_eq!(bench.sent(), ["503 INVITE"]);
    // Whoever calls by a connection knows that the call is over when that is.
    for transport in [Transport::Tcp, Transport::Tls, Transport::Wss] {
        let (bench, _) = rings(transport);
        assert!(bench.endpoint.carried(FIRST).is_none() && !bench.endpoint.hears_it_ring(FIRST));
    }
}

#[test]
fn what_a_phone_offers_that_hears_it_ring_is_kept_and_no_key_is_written_down() {
    const FIRST: SessionId = SessionId(1);
    for key in ["", KEY] {
        let offer = format!("{OFFER}{key}");
        let mut before = Bench::new();
        before.receive(request("INVITE", "1", 1, "", "", &offer));
        assert!(!before.endpoint.hears_it_ring(FIRST), "it asks again, and needs nobody to remember it");
        before.command(Command::Progress { session: FIRST, status: 180, sdp: None });
        assert!(before.endpoint.hears_it_ring(FIRST));
        let written = before.endpoint.carried(FIRST).expect("it is carried");
        let text = serde_json::to_string(&written).unwrap();
        assert!(!text.contains("inline:") && written.secret().is_some() != key.is_empty(), "{text}");
        let mut read: CarriedSession = serde_json::from_str(&text).unwrap();
        assert_eq!(read.lacks_offer(), !key.is_empty());
        written.secret().cloned().into_iter().for_each(|secret| read.had_secret(secret));
        assert_eq!(read.offer().as_deref(), Some(offer.as_bytes()));
        assert!(!read.lacks_offer());
        let mut bench = Bench::new();
        bench.endpoint.carry_on(before.now, read);
        let written = bench.endpoint.carried(FIRST).expect("the next one carries it as well");
        assert_eq!(written.offer().as_deref(), Some(offer.as_bytes()));
    }
    let mut bench = Bench::new();
    bench.receive(request("INVITE", "1", 1, "", "", ""));
    bench.command(Command::Progress { session: FIRST, status: 180, sdp: None });
    let written = bench.endpoint.carried(FIRST).expect("it is carried");
    assert!(written.offer().is_none() && !written.lacks_offer(), "it wants our offer");
}

#[test]
fn a_phone_that_picked_up_for_a_process_that_is_gone_is_told_once_it_is_to_stop() {
    let told = |tag: &str| {
        let (mut before, invite) = call_with(Transport::Udp, OFFER, false);
        before.receive(response(&invite, if tag.is_empty() { 100 } else { 180 }, tag, "", ""));
        let mut bench = next(&before, written(&before));
        bench.command(end());
        let cancel = bench.last_request();
        assert_eq!(cancel.method.as_str(), "CANCEL");
        (bench, cancel)
    };
    // It knows no INVITE any more that could be cancelled.
    let (mut bench, cancel) = told("its");
    bench.receive(response(&cancel, 481, "its", "", ""));
    let bye = bench.last_request();
    assert_eq!(bye.method.as_str(), "BYE");
    assert_eq!(bye.headers.to().unwrap().tag(), Some("its"));
    bench.receive(response(&bye, 200, "its", "", ""));
    assert_eq!((bench.told().len(), bench.endpoint.session_count()), (0, 0));
    bench.pass(40_000);
    assert!(bench.sent().is_empty());

    // It has the INVITE, to which it has nothing to say any more.
    let (mut bench, cancel) = told("its");
    bench.receive(response(&cancel, 200, "its", "", ""));
    assert_eq!(bench.sends_within(32_000), [(32_000, "BYE".to_owned())]);
    assert_eq!(bench.endpoint.session_count(), 0);

    // Who never said who it is has no dialog that could be ended.
    let (mut bench, cancel) = told("");
    bench.receive(response(&cancel, 481, "", "", ""));
    assert_eq!((bench.sends_within(64_000).len(), bench.endpoint.session_count()), (0, 0));
}

#[test]
fn a_phone_that_picks_up_for_a_call_that_nobody_knows_is_told_that_it_talks_with_nobody() {
    let (_, invite) = call_with(Transport::Udp, OFFER, false);
    let answer = |tag: &str| response(&invite, 200, tag, "", ANSWER);
    let mut bench = Bench::new();
    bench.receive(answer("its"));
    assert!(bench.sent().is_empty(), "a stranger may be anybody");
    sign_in(&mut bench, "alice", 1, "Contact: <sip:alice@192.0.2.9:5070>\r\n");
    (bench.reborn, _) = (true, (bench.told(), bench.forget()));
    bench.receive(answer("its"));
    let sent = bench.sent_over();
    assert_eq!(sent, [(bench.hop, "ACK".to_owned()), (bench.hop, "BYE".to_owned())]);

    // So often at most, whatever comes.
    (0..10).for_each(|n| bench.receive(answer(&format!("other{n}"))));
    assert_eq!(bench.endpoint.counters().strays, 12);
    assert!(bench.sent().is_empty());
    bench.pass(100);
    // Wherever it says that it is.
    bench.receive(answer("its").replace("sip:bob@192.0.2.9:5070", "sip:bob@198.51.100.7:5070"));
    let bye = bench.last_hop();
    assert_eq!((bye, bench.last_request().headers.to().unwrap().tag()), (bench.hop, Some("its")));
    bench.pass(100);
    bench.forget();

    // Nor is anybody told to hang up whose tag is none that we give.
    let from = invite.headers.get(&HeaderName::From).unwrap();
    bench.receive(answer("its").replace(from, "<sip:carl@example.org>;tag=carl"));
    assert!(!bench.sent().contains(&"ACK".to_owned()));
    bench.hop.remote.set_port(5_999);
    bench.receive(answer("its"));
    assert!(!bench.sent().contains(&"ACK".to_owned()), "nobody is signed in there");
}

#[test]
fn a_phone_that_answers_again_whom_an_earlier_process_acknowledged_is_acknowledged_and_talks_on() {
    let (mut before, invite) = call_with(Transport::Udp, OFFER, true);
    before.receive(response(&invite, 200, "its", "", ANSWER));
    let mut bench = next(&before, written(&before));
    bench.receive(response(&invite, 200, "its", "", ANSWER));
    let ack = bench.last_request();
    assert_eq!((ack.method.as_str(), ack.headers.get(&HeaderName::CSeq)), ("ACK", Some("1 ACK")));
    assert_eq!((bench.told().len(), bench.endpoint.session_count()), (0, 1));
}

/// The Contact of alice's phone in a browser.
const IN_BROWSER: &str = "Contact: <sip:7q2k@df7jal23ls0d.invalid;transport=ws>\r\n";

/// Alice's phone in a browser rings; if `known`, it has said so.
fn rings_in_browser(known: bool) -> Bench {
    let mut bench = Bench::with(config(), Transport::Wss);
    sign_in(&mut bench, "alice", 1, IN_BROWSER);
    let Command::Invite(mut invite) = call(bench.hop) else { panic!("no call") };
    invite.uri = Uri::parse("sip:7q2k@df7jal23ls0d.invalid;transport=ws").unwrap();
    bench.command(Command::Invite(invite));
    let invite = bench.last_request();
    if known {
        let rings = response(&invite, 180, "its", "", "");
        bench.receive(rings.replace("sip:bob@192.0.2.9:5070", "sip:7q2k@df7jal23ls0d.invalid;transport=ws"));
    }
    bench.forget();
    bench
}

/// What is sent when the phone signs in again.
fn is_back(bench: &mut Bench) -> Vec<String> {
    bench.hop.remote.set_port(6_000);
    sign_in(bench, "alice", 7, IN_BROWSER);
    bench.told();
    let sent = bench.sent_over();
    assert!(sent.iter().all(|(hop, _)| *hop == bench.hop), "{sent:?}");
    sent.into_iter().map(|(_, line)| line).collect()
}

#[test]
fn a_phone_in_a_browser_that_rang_for_another_process_is_told_when_it_is_back() {
    for known in [true, false] {
        let before = rings_in_browser(known);
        let mut bench = next(&before, written(&before));
        bench.command(end());
        bench.pass(60_000);
        assert!(bench.sent().is_empty() && bench.told().is_empty());
        let sent = if known { vec!["200 REGISTER", "BYE"] } else { vec!["200 REGISTER"] };
        assert_eq!(is_back(&mut bench), sent);
        assert_eq!(bench.endpoint.session_count(), 0);
    }
}

#[test]
fn a_phone_in_a_browser_whose_connection_ends_while_it_rings_is_told_when_it_is_back() {
    let mut bench = rings_in_browser(true);
    bench.input(Input::HopFailed { hop: bench.hop });
    assert_eq!(bench.told(), ["Failed 503", "Unregistered alice 0"]);
    assert_eq!(is_back(&mut bench), ["200 REGISTER", "BYE"]);
    assert_eq!(bench.endpoint.session_count(), 0);

    // It is back before the first connection is found to be closed.
    let mut bench = rings_in_browser(true);
    let first = bench.hop;
    assert_eq!(is_back(&mut bench), ["200 REGISTER"]);
    bench.input(Input::HopFailed { hop: first });
    assert_eq!(bench.told(), ["Failed 503"]);
    assert_eq!(bench.sent_over(), [(bench.hop, "BYE".to_owned())]);

    // It does not come back.
    let mut bench = rings_in_browser(true);
    bench.input(Input::HopFailed { hop: bench.hop });
    bench.pass(64_000);
    assert_eq!(bench.endpoint.session_count(), 0);
}
