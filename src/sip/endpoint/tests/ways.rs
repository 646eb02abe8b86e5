//! Where a peer is answered and told: where it listens, which may be another port than it sends from, or by the way that it
//! opened through a translation of addresses.

use std::net::SocketAddr;

use super::bench::*;
use super::registrations::sign_in;
use crate::sip::api::Command;
use crate::sip::api::EndReason;
use crate::sip::api::Input;
use crate::sip::api::SessionId;
use crate::sip::uri::Transport;

/// The session of the first call to us.
const FIRST: SessionId = SessionId(1);

/// A request of a peer that sends from another port than it listens on, 5070.
fn from_elsewhere(text: &str, rport: bool) -> String {
    if rport { text.to_owned() } else { text.replace(";rport", "") }
}

/// A bench that hears a peer from port 41000.
fn heard_from_elsewhere(transport: Transport) -> Bench {
    let mut bench = Bench::with(config(), transport);
    bench.hop.remote.set_port(41_000);
    bench
}

#[test]
fn who_sends_from_another_port_than_it_listens_on_is_answered_and_told_where_it_listens() {
    for (transport, rport, port) in
        [(Transport::Udp, false, 5070), (Transport::Udp, true, 41_000), (Transport::Tcp, false, 41_000)]
    {
        let mut bench = heard_from_elsewhere(transport);
        bench.reborn = true;
        let there = |bench: &mut Bench, expected: &[&str]| {
            bench.events();
            let (ports, lines): (Vec<u16>, Vec<String>) =
                bench.sent_over().into_iter().map(|(hop, line)| (hop.remote.port(), line)).unzip();
            assert_eq!(lines, expected);
            assert!(ports.iter().all(|to| *to == port), "{transport} {rport}: {ports:?}");
        };
        let invite = from_elsewhere(&invite("1"), rport);
        bench.receive(invite.clone());
        there(&mut bench, &["100 INVITE"]);
        bench.receive(invite);
        there(&mut bench, &["100 INVITE"]);
        bench.command(Command::Answer { session: FIRST, sdp: ANSWER.into() });
        let hop = bench.last_hop();
        assert_eq!(hop.remote.port(), port);
        let tag = bench.last_response().headers.to().unwrap().tag().unwrap().to_owned();
        bench.pass(500);
        there(&mut bench, &["200 INVITE"]);
        bench.receive(from_elsewhere(&request("ACK", "2", 1, &tag, "", ""), rport));
        bench.command(Command::Offer { session: FIRST, sdp: ANSWER.into() });
        there(&mut bench, &["INVITE"]);
        bench.receive(from_elsewhere(&request("INFO", "3", 2, &tag, "", ""), rport));
        there(&mut bench, &["200 INFO"]);
    }
}

#[test]
fn who_is_refused_without_a_transaction_is_so_where_it_listens() {
    for (rport, port) in [(false, 5070), (true, 41_000)] {
        let mut bench = heard_from_elsewhere(Transport::Udp);
        let unwanted = from_elsewhere(&invite("1"), rport);
        bench.input(Input::Unwanted { hop: bench.hop, bytes: unwanted.clone().into() });
        let mut sent = vec![bench.last_hop().remote.port()];
        for bad in [
            unwanted.replace("CSeq: 1 INVITE", "CSeq: 1 BYE"),
            unwanted.replace("Call-ID: call-1\r\n", ""),
            unwanted.replace("CSeq: 1 ", "CSeq: 3000000000 "),
        ] {
            bench.forget();
            bench.receive(bad);
            sent.push(bench.last_hop().remote.port());
        }
        assert_eq!(sent, [port; 4]);
    }
}

#[test]
fn whose_address_is_translated_is_told_by_the_way_that_it_opened() {
    for (sent_by, contact) in [("10.0.0.9:5070", "10.0.0.9:5070"), ("phone.example", "10.0.0.9:5070")] {
        let mut bench = heard_from_elsewhere(Transport::Udp);
        let behind = |text: String| {
            let text = text.replace("UDP 192.0.2.9:5070", &format!("UDP {sent_by}"));
            from_elsewhere(&text, false).replace("carl@192.0.2.9:5070", &format!("carl@{contact}"))
        };
        bench.receive(behind(invite("1")));
        bench.command(Command::Answer { session: FIRST, sdp: ANSWER.into() });
        let tag = bench.last_response().headers.to().unwrap().tag().unwrap().to_owned();
        bench.receive(behind(request("ACK", "2", 1, &tag, "", "")));
        bench.events();
        bench.command(Command::End { session: FIRST, reason: EndReason::Normal });
        assert_eq!(bench.sent_over(), [(bench.hop, "BYE".to_owned())], "{sent_by}");
    }
}

#[test]
fn a_phone_that_signs_in_from_another_port_than_it_listens_on_is_rung_where_it_listens() {
    for (at, from, port) in [("10.0.0.7", "10.0.0.7:41000", 5062), ("10.0.0.8", "192.0.2.7:41000", 41_000)] {
        let mut bench = Bench::new();
        bench.hop.remote = from.parse().unwrap();
        sign_in(&mut bench, "alice", 1, &format!("Contact: <sip:a@{at}:5062>\r\n"));
        let binding = bench.endpoint.contacts("alice").remove(0);
        let expected: SocketAddr = format!("{}:{port}", bench.hop.remote.ip()).parse().unwrap();
        assert_eq!(binding.hop.remote, expected);
    }
}
