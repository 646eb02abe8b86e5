//! SDP beside what we do not read: in whatever carries an offer or an answer.

use super::bench::*;
use crate::sip::api::Command;
use crate::sip::api::Event;
use crate::sip::api::SessionId;
use crate::sip::message::HeaderName;

const FIRST: SessionId = SessionId(1);

/// A message with SDP as a gateway of telephone networks sends it: with its own network's message beside (RFC 3372, RFC 3204).
fn with_isup(message: &str, handling: &str) -> String {
    let (head, sdp) = message.split_once("\r\n\r\n").expect("a head");
    assert!(sdp.starts_with("v=0"), "{message}");
    let body = format!(
        "--unique-boundary-1\r\nContent-Type: application/SDP; charset=ISO-10646\r\n\r\n{sdp}\r\n--unique-boundary-1\r\n\
         Content-Type: application/ISUP; version=nxv3; base=etsi121\r\nContent-Disposition: signal; handling={handling}\r\n\r\n\
         \u{1}\0I\0\u{3}\u{2}\r\n--unique-boundary-1--\r\n"
    );
    let head = head.replace("application/sdp", "multipart/mixed; boundary=unique-boundary-1");
    let head =
        head.replace(&format!("Content-Length: {}", sdp.len()), &format!("Content-Length: {}", body.len()));
    format!("{head}\r\n\r\n{body}")
}

fn optional(message: &str) -> String {
    with_isup(message, "optional")
}

#[test]
fn a_gateway_s_call_and_all_its_offers_and_answers_are_taken() {
    let mut bench = Bench::new();
    bench.receive(optional(&request("INVITE", "1", 1, "", "", OFFER)));
    let events = bench.events();
    let [Event::Incoming(incoming)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(incoming.sdp.as_deref(), Some(OFFER.as_bytes()), "and nothing of what stood beside it");

    // A new offer by INVITE and by UPDATE.
    for (method, told) in [("INVITE", "200 INVITE"), ("UPDATE", "200 UPDATE")] {
        let mut bench = Bench::new();
        let tag = bench.establish();
        bench.receive(optional(&request(method, "3", 2, &tag, "", OFFER)));
        assert_eq!(bench.told(), ["Offered sdp"], "{method}");
        bench.command(Command::AnswerOffer { session: FIRST, sdp: ANSWER.into() });
        assert_eq!(bench.sent(), [told]);
    }

    // An answer in an ACK.
    let mut bench = Bench::new();
    bench.receive(request("INVITE", "1", 1, "", "", ""));
    bench.command(Command::Answer { session: FIRST, sdp: OFFER.into() });
    let tag = bench.last_response().headers.to().unwrap().tag().unwrap().to_owned();
    bench.receive(optional(&request("ACK", "2", 1, &tag, "", ANSWER)));
    assert_eq!(bench.told(), ["Incoming", "Acked sdp"]);

    // And in the responses to ours.
    let mut bench = Bench::new();
    bench.command(call(bench.hop));
    let invite = bench.last_request();
    bench.receive(optional(&response(&invite, 183, "bob", "", ANSWER)));
    bench.receive(optional(&response(&invite, 200, "bob", "", ANSWER)));
    assert_eq!(bench.told(), ["Progressed 183 sdp", "Answered sdp"]);
}

#[test]
fn an_answer_in_a_prack_is_taken_too() {
    let mut bench = Bench::new();
    bench.receive(request("INVITE", "1", 1, "", "Supported: 100rel\r\n", ""));
    bench.command(Command::Progress { session: FIRST, status: 183, sdp: Some(OFFER.into()) });
    let early = bench.last_response();
    let (rseq, to) = (early.headers.rseq().unwrap().unwrap(), early.headers.to().unwrap());
    bench.told();
    let rack = format!("RAck: {rseq} 1 INVITE\r\n");
    bench.receive(optional(&request("PRACK", "2", 2, to.tag().unwrap(), &rack, ANSWER)));
    let events = bench.events();
    let [Event::OfferAnswered { sdp, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(sdp, ANSWER);
}

#[test]
fn what_must_be_understood_and_is_not_is_refused_and_what_we_take_is_said() {
    let refused = |bench: &mut Bench| {
        let response = bench.last_response();
        assert_eq!(response.status, 415);
        let accept = response.headers.get(&HeaderName::from("Accept"));
        assert_eq!(accept, Some("application/sdp, multipart/mixed, multipart/alternative"));
    };
    let mut bench = Bench::new();
    bench.receive(with_isup(&request("INVITE", "1", 1, "", "", OFFER), "required"));
    refused(&mut bench);
    assert!(bench.told().is_empty());
    for method in ["INVITE", "UPDATE"] {
        let mut bench = Bench::new();
        let tag = bench.establish();
        bench.receive(with_isup(&request(method, "3", 2, &tag, "", OFFER), "required"));
        refused(&mut bench);
        assert!(bench.told().is_empty(), "the talk goes on as it was");
    }
}
