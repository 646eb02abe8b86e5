//! Sessions, one behaviour at a time: what the peer and the server see.

use super::bench::*;
use crate::sip::api::Command;
use crate::sip::api::EndReason;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::api::Input;
use crate::sip::api::SessionId;
use crate::sip::endpoint::EndpointConfig;
use crate::sip::message::HeaderName;
use crate::sip::message::Request;
use crate::sip::uri::Transport;

const FIRST: SessionId = SessionId(1);

fn answer() -> Command {
    Command::Answer { session: FIRST, sdp: ANSWER.into() }
}

fn end(session: SessionId) -> Command {
    Command::End { session, reason: EndReason::Normal }
}

fn times(sends: &[(u64, String)]) -> Vec<u64> {
    sends.iter().map(|(at, _)| *at).collect()
}

#[test]
fn a_200_is_repeated_until_32_s_and_then_the_call_is_ended() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut bench = Bench::with(config(), transport);
        bench.reborn = true;
        bench.receive(invite("1"));
        bench.command(answer());
        bench.sent();
        let sends = bench.sends_within(31_900);
        assert!(sends.iter().all(|(_, line)| line == "200 INVITE"));
        assert_eq!(times(&sends), [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
        bench.told();
        bench.pass(100);
        assert_eq!((bench.sent(), bench.told()), (vec!["BYE".to_owned()], vec!["Ended NoAck".to_owned()]));
    }
}

#[test]
fn a_call_ended_before_its_ack_says_bye_after_it() {
    let mut bench = Bench::new();
    bench.receive(invite("1"));
    bench.command(answer());
    let tag = bench.last_response().headers.to().unwrap().tag().unwrap().to_owned();
    bench.told();
    bench.command(end(FIRST));
    assert!(bench.sent().is_empty());
    bench.receive(request("ACK", "2", 1, &tag, "", ""));
    assert_eq!((bench.sent(), bench.told().len()), (vec!["BYE".to_owned()], 0));
}

#[test]
fn a_cancelled_caller_gets_487_and_an_answered_one_does_not() {
    let mut bench = Bench::new();
    bench.receive(invite("1"));
    bench.sent();
    bench.receive(request("CANCEL", "1", 1, "", "", ""));
    assert_eq!(bench.sent(), ["200 CANCEL", "487 INVITE"]);
    assert_eq!(bench.told(), ["Incoming", "Ended Cancelled"]);
    bench.receive(request("CANCEL", "other", 1, "", "", ""));
    assert_eq!(bench.sent(), ["481 CANCEL"]);

    let mut bench = Bench::new();
    bench.receive(invite("1"));
    bench.command(answer());
    bench.sent();
    bench.receive(request("CANCEL", "1", 1, "", "", ""));
    assert_eq!(bench.sent(), ["200 CANCEL"]);
    assert_eq!(bench.told(), ["Incoming"]);
}

#[test]
fn a_late_offer_is_ours_and_its_answer_comes_with_the_ack() {
    let mut bench = Bench::new();
    bench.receive(request("INVITE", "1", 1, "", "", ""));
    bench.command(Command::Answer { session: FIRST, sdp: OFFER.into() });
    let ok = bench.last_response();
    assert_eq!(&ok.body[..], OFFER.as_bytes());
    let tag = ok.headers.to().unwrap().tag().unwrap().to_owned();
    bench.receive(request("ACK", "2", 1, &tag, "", ANSWER));
    assert_eq!(bench.told(), ["Incoming", "Acked sdp"]);
}

#[test]
fn early_media_is_reliable_when_the_peer_can_and_the_answer_waits_for_its_prack() {
    let mut bench = Bench::new();
    bench.reborn = true;
    bench.receive(request("INVITE", "1", 1, "", "Supported: 100rel\r\n", OFFER));
    bench.command(Command::Progress { session: FIRST, status: 183, sdp: Some(ANSWER.into()) });
    let early = bench.last_response();
    let (rseq, tag) = (early.headers.rseq().unwrap().unwrap(), early.headers.to().unwrap());
    let tag = tag.tag().unwrap();
    assert!(early.headers.requires("100rel"));
    bench.command(answer());
    let sends = bench.sends_within(4_000);
    assert_eq!(times(&sends), [500, 1_500, 3_500]);
    bench.receive(request("PRACK", "2", 2, tag, &format!("RAck: {} 1 INVITE\r\n", rseq + 1), ""));
    assert_eq!(bench.sent(), ["481 PRACK"]);
    bench.receive(request("PRACK", "3", 3, tag, &format!("RAck: {rseq} 1 INVITE\r\n"), ""));
    assert_eq!(bench.sent(), ["200 PRACK", "200 INVITE"]);
}

#[test]
fn a_reliable_response_without_prack_refuses_the_call_after_32_s() {
    let mut bench = Bench::new();
    bench.receive(request("INVITE", "1", 1, "", "Require: 100rel\r\n", OFFER));
    bench.command(Command::Progress { session: FIRST, status: 180, sdp: None });
    bench.pass(31_900);
    bench.sent();
    bench.told();
    bench.pass(100);
    assert_eq!(bench.sent(), ["504 INVITE"]);
    assert_eq!(bench.told(), ["Ended PeerGone"]);
}

#[test]
fn a_ringing_call_reminds_the_proxies_every_minute() {
    let mut bench = Bench::new();
    bench.receive(invite("1"));
    bench.command(Command::Progress { session: FIRST, status: 180, sdp: None });
    bench.sent();
    assert_eq!(times(&bench.sends_within(130_000)), [60_000, 120_000]);
}

#[test]
fn what_we_cannot_serve_is_refused_with_the_reason() {
    let cases = [
        (request("INVITE", "1", 1, "", "Require: nothing\r\n", OFFER), 420, "Unsupported", "nothing"),
        (
            request("INVITE", "2", 1, "", "Session-Expires: 30\r\nSupported: timer\r\n", OFFER),
            422,
            "Min-SE",
            "90",
        ),
        (request("MESSAGE", "3", 1, "", "", ""), 405, "Allow", "INVITE, ACK"),
        (request("REFER", "4", 1, "", "", ""), 403, "Server", "Warmline"),
        (request("DANCE", "5", 1, "", "", ""), 501, "Allow", "INVITE, ACK"),
        (request("BYE", "6", 1, "nobody", "", ""), 481, "Server", "Warmline"),
        (request("BYE", "7", 1, "", "", ""), 481, "Server", "Warmline"),
        (invite("8").replace("application/sdp", "application/isup"), 415, "Accept", "application/sdp"),
        (invite("9").replace("Max-Forwards: 70", "Max-Forwards: 0"), 483, "Server", "Warmline"),
        (invite("10").replace("INVITE sip:1000@192.0.2.1", "INVITE gopher:1000"), 416, "Server", "Warmline"),
        (invite("11").replace("Contact: <sip:carl@192.0.2.9:5070>\r\n", ""), 400, "Server", "Warmline"),
    ];
    for (text, status, name, value) in cases {
        let mut bench = Bench::new();
        bench.receive(text.clone());
        let response = bench.last_response();
        assert_eq!(response.status, status, "{text}");
        let said = response.headers.get(&HeaderName::from(name)).unwrap_or_default();
        assert!(said.starts_with(value), "{status} {name}: {said}");
        assert!(bench.told().is_empty());
    }
}

#[test]
fn the_same_invite_by_another_way_is_merged_and_by_the_same_way_absorbed() {
    let mut bench = Bench::new();
    bench.receive(invite("1"));
    bench.receive(invite("1"));
    assert_eq!(bench.sent(), ["100 INVITE", "100 INVITE"]);
    bench.receive(invite("2"));
    assert_eq!(bench.sent(), ["482 INVITE"]);
    assert_eq!(bench.told(), ["Incoming"]);
}

#[test]
fn a_full_house_says_when_to_come_back() {
    let config = EndpointConfig { max_sessions: 1, ..config() };
    let mut bench = Bench::with(config, Transport::Udp);
    bench.receive(invite("1"));
    bench.receive(invite("2").replace("call-1", "call-2"));
    let refusal = bench.last_response();
    assert_eq!((refusal.status, refusal.headers.retry_after()), (503, Ok(Some(5))));
    assert_eq!((bench.endpoint.session_count(), bench.endpoint.counters().overload), (1, 1));
}

#[test]
fn strangers_fill_no_table_and_those_who_talk_can_always_hang_up() {
    let mut bench = Bench::with(EndpointConfig { max_transactions: 4, ..config() }, Transport::Udp);
    let tag = bench.establish();
    let before = bench.endpoint.transaction_count();
    let outside = |method: &str, branch: usize| request(method, &format!("o{branch}"), 1, "", "", "");
    // What everybody is answered alike is answered again, and not kept.
    let alice = |text: String| text.replace("carl@example.org", "alice@example.org");
    for branch in 0..20 {
        let of_nobody = request("BYE", &format!("b{branch}"), 1, "0123456789abcdefff", "", "");
        let wants_more = outside("INVITE", branch).replace("Contact", "Require: 100rel, x\r\nContact");
        for (text, status) in [
            (outside("OPTIONS", branch), 200),
            (outside("MESSAGE", branch), 405),
            (outside("REFER", branch), 403),
            (outside("BYE", branch), 481),
            (outside("CANCEL", branch), 481),
            (of_nobody, 481),
            (wants_more, 420),
            (outside("REGISTER", branch), 401),
            (alice(outside("INVITE", branch)).replace("call-1", "call-2"), 401),
        ] {
            bench.receive(text.as_str());
            assert_eq!(bench.last_response().status, status, "{text}");
        }
    }
    assert_eq!(bench.endpoint.transaction_count(), before);
    // What is kept leaves room for what belongs to the session, as often as there are sessions.
    let statuses: Vec<u16> = (0..20)
        .map(|branch| {
            bench.receive(outside("INVITE", branch).replace("call-1", &format!("another-{branch}")));
            bench.last_response().status
        })
        .collect();
    assert!(statuses.ends_with(&[503; 10]), "{statuses:?}");
    let sessions = bench.endpoint.session_count();
    bench.receive(request("BYE", "bye", 2, &tag, "", ""));
    assert_eq!(bench.last_response().status, 200);
    assert_eq!(bench.endpoint.session_count(), sessions - 1);
}

#[test]
fn a_local_user_must_prove_to_be_who_calls() {
    let mut bench = Bench::new();
    bench.receive(invite("1").replace("carl@example.org", "alice@example.org"));
    assert_eq!((bench.sent(), bench.told().len()), (vec!["401 INVITE".to_owned()], 0));
}

#[test]
fn the_acknowledgement_of_a_challenge_that_nothing_is_kept_of_is_no_stray() {
    let mut bench = Bench::new();
    bench.receive(invite("1").replace("carl@example.org", "alice@example.org"));
    let tag = bench.last_response().headers.to().unwrap().tag().unwrap().to_owned();
    for (tag, strays) in [(tag.as_str(), 0), ("0123456789abcdef", 1)] {
        let ack = request("ACK", "1", 1, tag, "", "").replace("carl@example.org", "alice@example.org");
        bench.receive(ack);
        assert_eq!(bench.endpoint.counters().strays, strays, "{tag}");
    }
    assert!(bench.sent().is_empty());
}

#[test]
fn the_peer_holds_and_takes_back_by_re_invite() {
    let mut bench = Bench::new();
    bench.reborn = true;
    let tag = bench.establish();
    bench.receive(request("INVITE", "3", 2, &tag, "", OFFER));
    assert_eq!(bench.told(), ["Offered sdp"]);
    bench.receive(request("INVITE", "4", 3, &tag, "", OFFER));
    let busy = bench.last_response();
    assert!(busy.status == 500 && busy.headers.retry_after().unwrap().is_some());
    bench.receive(request("ACK", "4", 3, &tag, "", ""));
    bench.command(Command::AnswerOffer { session: FIRST, sdp: ANSWER.into() });
    assert_eq!(bench.sent(), ["200 INVITE"]);
    assert_eq!(bench.sends_within(500).len(), 1);
    bench.receive(request("ACK", "5", 2, &tag, "", ""));
    assert!(bench.sends_within(5_000).iter().all(|(_, line)| line != "200 INVITE"));
    bench.receive(request("INVITE", "6", 4, &tag, "", ""));
    assert_eq!(bench.told(), ["Offered"]);
    bench.command(Command::AnswerOffer { session: FIRST, sdp: OFFER.into() });
    bench.receive(request("ACK", "7", 4, &tag, "", ANSWER));
    assert_eq!(bench.told(), ["OfferAnswered"]);
    bench.receive(request("UPDATE", "8", 5, &tag, "", OFFER));
    bench.command(Command::RefuseOffer { session: FIRST, status: 488 });
    assert_eq!(bench.last_response().status, 488);
    bench.receive(request("BYE", "9", 3, &tag, "", ""));
    assert_eq!(bench.sent(), ["500 BYE"], "out of order");
}

#[test]
fn offers_that_meet_are_both_refused_and_ours_is_tried_again() {
    let mut bench = Bench::new();
    bench.reborn = true;
    let tag = bench.establish();
    bench.command(Command::Offer { session: FIRST, sdp: OFFER.into() });
    let ours = bench.last_request();
    bench.receive(request("INVITE", "3", 2, &tag, "", OFFER));
    assert_eq!(bench.last_response().status, 491);
    bench.receive(response(&ours, 491, "carl", "", ""));
    assert_eq!(bench.sent(), ["ACK"]);
    // The Call-ID is the peer's: 0 to 2 s.
    let again = bench.sends_within(2_000);
    assert_eq!(again.iter().filter(|(_, line)| line == "INVITE").count().min(1), 1);
    assert!(bench.told().is_empty());
}

#[test]
fn our_offer_is_answered_or_refused() {
    let mut bench = Bench::new();
    bench.establish();
    for (status, told) in [(200, "OfferAnswered"), (488, "OfferRefused 488")] {
        bench.command(Command::Offer { session: FIRST, sdp: OFFER.into() });
        let ours = bench.last_request();
        let body = if status == 200 { ANSWER } else { "" };
        bench.receive(response(&ours, status, "carl", "", body));
        assert_eq!((bench.sent(), bench.told()), (vec!["ACK".to_owned()], vec![told.to_owned()]));
    }
    bench.command(Command::Offer { session: FIRST, sdp: OFFER.into() });
    let ours = bench.last_request();
    bench.receive(response(&ours, 481, "carl", "", ""));
    assert_eq!(bench.told(), ["Ended PeerGone"]);
}

#[test]
fn info_and_options_within_a_call_are_answered() {
    let mut bench = Bench::new();
    let tag = bench.establish();
    bench.receive(request("INFO", "3", 2, &tag, "Content-Type: application/dtmf-relay\r\n", ""));
    assert_eq!(bench.told(), ["Info application/dtmf-relay"]);
    bench.receive(request("OPTIONS", "4", 3, &tag, "", ""));
    bench.receive(request("NOTIFY", "5", 4, &tag, "", ""));
    assert_eq!(bench.sent(), ["200 INFO", "200 OPTIONS", "405 NOTIFY"]);
}

#[test]
fn a_peer_that_is_asked_whether_it_is_there_goes_on_unless_it_does_not_know_the_call_or_answers_nothing() {
    let asked = || {
        let mut bench = Bench::new();
        bench.reborn = true;
        bench.establish();
        bench.command(Command::Options { session: FIRST });
        let options = bench.last_request();
        assert_eq!(options.method.as_str(), "OPTIONS");
        (bench, options)
    };
    for (status, goes_on) in [(200, true), (405, true), (501, true), (486, true), (481, false), (408, false)]
    {
        let (mut bench, options) = asked();
        bench.receive(response(&options, status, "carl", "", ""));
        bench.pass(60_000);
        let ended = if goes_on { vec![] } else { vec!["Ended PeerGone".to_owned()] };
        assert_eq!(bench.told(), ended, "{status}");
    }
    let (mut bench, _) = asked();
    assert_eq!(bench.sends_within(31_900).len(), 10);
    assert!(bench.told().is_empty());
    bench.pass(100);
    assert_eq!(bench.told(), ["Ended PeerGone"]);
    let (mut bench, _) = asked();
    bench.input(Input::HopFailed { hop: bench.hop });
    assert_eq!(bench.told(), ["Ended PeerGone"]);
    // Who has not picked up yet is not asked, nor who has gone.
    let mut bench = Bench::new();
    bench.receive(invite("1"));
    bench.sent();
    bench.command(Command::Options { session: FIRST });
    assert!(bench.sent().is_empty());
}

#[test]
fn a_peer_that_refreshes_no_more_is_given_up_before_the_interval_ends() {
    let mut bench = Bench::new();
    bench.reborn = true;
    let timer = "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n";
    bench.receive(request("INVITE", "1", 1, "", timer, OFFER));
    bench.command(answer());
    let ok = bench.last_response();
    assert_eq!(ok.headers.get(&HeaderName::SessionExpires), Some("90;refresher=uac"));
    let tag = ok.headers.to().unwrap().tag().unwrap().to_owned();
    bench.receive(request("ACK", "2", 1, &tag, "", ""));
    bench.pass(50_000);
    bench.receive(request("UPDATE", "3", 2, &tag, timer, ""));
    assert_eq!(bench.sent(), ["200 UPDATE"]);
    bench.told();
    bench.pass(59_900);
    assert!(bench.told().is_empty());
    bench.pass(200);
    assert_eq!(
        (bench.sent(), bench.told()),
        (vec!["BYE".to_owned()], vec!["Ended SessionExpired".to_owned()])
    );
}

#[test]
fn we_refresh_by_update_when_the_peer_allows_it_else_by_re_invite() {
    for (allow, method) in [("Allow: INVITE, UPDATE\r\n", "UPDATE"), ("", "INVITE")] {
        let mut bench = Bench::new();
        let extra = format!("{allow}Supported: timer\r\nSession-Expires: 100;refresher=uas\r\n");
        bench.receive(request("INVITE", "1", 1, "", &extra, OFFER));
        bench.command(answer());
        let tag = bench.last_response().headers.to().unwrap().tag().unwrap().to_owned();
        bench.receive(request("ACK", "2", 1, &tag, "", ""));
        bench.pass(49_900);
        assert!(bench.sent().is_empty());
        bench.pass(100);
        let refresh = bench.last_request();
        assert_eq!(refresh.method.as_str(), method);
        let agreed = "Session-Expires: 100;refresher=uac\r\n";
        bench.receive(response(&refresh, 200, "carl", agreed, if method == "INVITE" { OFFER } else { "" }));
        bench.told();
        bench.sent();
        assert_eq!(bench.sends_within(50_000).len(), 1);
    }
}

#[test]
fn an_invite_that_nobody_answers_is_repeated_and_fails_after_32_s() {
    let mut bench = Bench::new();
    bench.reborn = true;
    bench.command(call(bench.hop));
    bench.sent();
    assert_eq!(times(&bench.sends_within(31_900)), [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    bench.pass(100);
    assert_eq!(bench.told(), ["Failed 408"]);
    assert_eq!((bench.endpoint.session_count(), bench.endpoint.transaction_count()), (0, 0));
}

#[test]
fn a_hop_that_fails_fails_the_call_with_503() {
    let mut bench = Bench::with(config(), Transport::Tcp);
    bench.command(call(bench.hop));
    bench.input(Input::HopFailed { hop: Hop { local: "192.0.2.1:40000".parse().unwrap(), ..bench.hop } });
    assert_eq!(bench.told(), ["Failed 503"]);
}

#[test]
fn a_phone_that_was_never_heard_fails_at_once_and_one_that_rings_rings_on_and_can_be_cancelled() {
    let mut bench = Bench::new();
    bench.command(call(bench.hop));
    bench.input(Input::HopFailed { hop: bench.hop });
    assert_eq!(bench.told(), ["Failed 503"]);

    let mut bench = Bench::new();
    bench.command(call(bench.hop));
    let invite = bench.last_request();
    bench.receive(response(&invite, 180, "bob", "", ""));
    bench.input(Input::HopFailed { hop: bench.hop });
    bench.sent();
    bench.command(Command::End { session: OURS, reason: EndReason::Normal });
    assert_eq!((bench.sent(), bench.told()), (vec!["CANCEL".to_owned()], vec!["Progressed 180".to_owned()]));
    // It may pick up all the same.
    let mut bench = Bench::new();
    bench.command(call(bench.hop));
    let invite = bench.last_request();
    bench.receive(response(&invite, 180, "bob", "", ""));
    bench.input(Input::HopFailed { hop: bench.hop });
    bench.receive(response(&invite, 200, "bob", "", ANSWER));
    assert_eq!(bench.told(), ["Progressed 180", "Answered sdp"]);
}

#[test]
fn a_call_is_cancelled_once_the_peer_has_said_anything() {
    let mut bench = Bench::new();
    bench.reborn = true;
    bench.command(call(bench.hop));
    let invite = bench.last_request();
    bench.command(Command::End { session: OURS, reason: EndReason::Elsewhere });
    assert!(bench.sent().is_empty());
    bench.receive(response(&invite, 180, "bob", "", ""));
    let cancel = bench.last_request();
    assert_eq!(cancel.headers.get(&HeaderName::Via), invite.headers.get(&HeaderName::Via));
    assert!(cancel.headers.get(&HeaderName::Reason).unwrap().contains("cause=200"));
    bench.receive(response(&cancel, 200, "bob", "", ""));
    bench.receive(response(&invite, 487, "bob", "", ""));
    assert_eq!(bench.sent(), ["ACK"]);
    bench.receive(response(&invite, 487, "bob", "", ""));
    assert_eq!(bench.sent(), ["ACK"]);
    assert_eq!((bench.told().len(), bench.endpoint.session_count()), (0, 0));
    bench.pass(33_000);
    assert_eq!(bench.endpoint.transaction_count(), 0);
}

#[test]
fn a_200_that_crosses_the_cancel_is_acked_and_ended() {
    let mut bench = Bench::new();
    bench.command(call(bench.hop));
    let invite = bench.last_request();
    bench.receive(response(&invite, 180, "bob", "", ""));
    bench.command(end(OURS));
    assert_eq!(bench.sent(), ["CANCEL"]);
    bench.receive(response(&invite, 200, "bob", "", ANSWER));
    assert_eq!(bench.sent(), ["ACK", "BYE"]);
    assert_eq!(bench.told(), ["Progressed 180"]);
}

#[test]
fn of_a_fork_the_first_answer_is_the_call_and_the_others_are_ended() {
    let mut bench = Bench::new();
    bench.command(call(bench.hop));
    let invite = bench.last_request();
    for (status, tag) in [(180, "one"), (180, "two"), (200, "two"), (200, "one")] {
        bench.receive(response(&invite, status, tag, "", if status == 200 { ANSWER } else { "" }));
    }
    assert_eq!(bench.told(), ["Progressed 180", "Progressed 180", "Answered sdp"]);
    assert_eq!(bench.sent(), ["ACK", "ACK", "BYE"]);
    bench.receive(response(&invite, 200, "one", "", ANSWER));
    assert_eq!(bench.sent(), ["ACK"]);
    assert_eq!(bench.endpoint.session_count(), 1);
}

#[test]
fn a_reliable_response_is_pracked_once_and_in_order() {
    let mut bench = Bench::new();
    bench.command(call(bench.hop));
    let invite = bench.last_request();
    let ring =
        |rseq: u32| response(&invite, 183, "bob", &format!("Require: 100rel\r\nRSeq: {rseq}\r\n"), ANSWER);
    bench.receive(ring(7));
    let prack = bench.last_request();
    assert_eq!(prack.headers.get(&HeaderName::RAck), Some("7 1 INVITE"));
    assert_eq!(prack.headers.to().unwrap().tag(), Some("bob"));
    bench.receive(ring(7));
    bench.receive(ring(9));
    assert!(bench.sent().is_empty());
    bench.receive(ring(8));
    assert_eq!(bench.sent(), ["PRACK"]);
    assert_eq!(bench.told(), ["Progressed 183 sdp", "Progressed 183 sdp"]);
}

/// What the phone that we called answered our offer with, as the server hears it.
fn answered(bench: &mut Bench) -> Option<bytes::Bytes> {
    bench.events().into_iter().find_map(|event| match event {
        Event::Answered { sdp, .. } => Some(sdp),
        _ => None,
    })?
}

/// The peer's provisional response, which is to be acknowledged.
fn reliable(to: &Request, tag: &str, body: &str) -> String {
    response(to, 183, tag, "Require: 100rel\r\nRSeq: 7\r\n", body)
}

#[test]
fn an_answer_in_a_reliable_response_is_the_answer_whatever_the_200_says() {
    let other = ANSWER.replace("6000", "7000");
    let cases = [
        (true, ANSWER, "", Some(ANSWER)),
        (true, ANSWER, &other, Some(ANSWER)),
        (true, "", &other, Some(&*other)),
        (false, ANSWER, &other, Some(&*other)),
        (false, ANSWER, "", Some(ANSWER)),
        (false, "", "", None),
    ];
    for (is_reliable, early, last, expected) in cases {
        let mut bench = Bench::new();
        bench.reborn = true;
        bench.command(call(bench.hop));
        let invite = bench.last_request();
        bench.receive(match is_reliable {
            true => reliable(&invite, "bob", early),
            false => response(&invite, 183, "bob", "", early),
        });
        bench.receive(response(&invite, 200, "bob", "", last));
        assert_eq!(
            answered(&mut bench).as_deref(),
            expected.map(str::as_bytes),
            "{is_reliable} {early} {last}"
        );
    }
}

#[test]
fn each_branch_of_a_fork_has_the_answer_that_it_gave() {
    let other = ANSWER.replace("6000", "7000");
    for (picked_up, expected) in [("one", Some(ANSWER)), ("two", Some(&*other)), ("three", None)] {
        let mut bench = Bench::new();
        bench.reborn = true;
        bench.command(call(bench.hop));
        let invite = bench.last_request();
        bench.receive(reliable(&invite, "one", ANSWER));
        bench.receive(reliable(&invite, "two", &other));
        bench.receive(response(&invite, 200, picked_up, "", ""));
        assert_eq!(answered(&mut bench).as_deref(), expected.map(str::as_bytes), "{picked_up}");
    }
}

#[test]
fn a_phone_that_rings_offers_anew_once_it_has_answered_reliably() {
    for is_reliable in [true, false] {
        let mut bench = Bench::new();
        bench.reborn = true;
        bench.command(call(bench.hop));
        let invite = bench.last_request();
        let ours = invite.headers.from().unwrap().tag().unwrap().to_owned();
        let call_id = invite.headers.call_id().unwrap().to_owned();
        let update = |cseq, sdp: &str| {
            let branch = format!("u{cseq}");
            let text = request("UPDATE", &branch, cseq, &ours, "", sdp);
            text.replace("call-1", &call_id).replace("tag=carl", "tag=bob")
        };
        bench.receive(response(&invite, 180, "bob", "", ""));
        bench.receive(update(1, OFFER));
        assert_eq!(bench.last_response().status, 491, "nothing is answered yet");
        bench.receive(match is_reliable {
            true => reliable(&invite, "bob", ANSWER),
            false => response(&invite, 183, "bob", "", ANSWER),
        });
        bench.told();
        bench.sent();
        bench.receive(update(2, OFFER));
        if !is_reliable {
            assert_eq!(bench.sent(), ["491 UPDATE"]);
            continue;
        }
        assert_eq!(bench.told(), ["Offered sdp"]);
        bench.receive(update(3, ANSWER));
        assert_eq!(bench.sent(), ["500 UPDATE"], "one at a time");
        bench.command(Command::AnswerOffer { session: OURS, sdp: ANSWER.into() });
        let taken = bench.last_response();
        assert_eq!((taken.status, &taken.body[..]), (200, ANSWER.as_bytes()));
        bench.receive(update(4, ANSWER));
        bench.command(Command::RefuseOffer { session: OURS, status: 488 });
        assert_eq!(bench.sent(), ["488 UPDATE"]);
        bench.events();
        bench.receive(response(&invite, 200, "bob", "", ""));
        assert_eq!(answered(&mut bench).as_deref(), Some(OFFER.as_bytes()), "what it said last");
    }
}

#[test]
fn requests_follow_the_record_routes_and_a_strict_router_gets_its_own_line() {
    for (lr, line) in [(";lr", "sip:bob@192.0.2.9:5070"), ("", "sip:192.0.2.77")] {
        let mut bench = Bench::new();
        bench.command(call(bench.hop));
        let invite = bench.last_request();
        let routes = format!("Record-Route: <sip:proxy.example.org;lr>, <sip:192.0.2.77{lr}>\r\n");
        bench.receive(response(&invite, 200, "bob", &routes, ANSWER));
        let ack = bench.last_request();
        assert_eq!(ack.uri.to_string(), line);
        let said: Vec<String> = ack.headers.routes().unwrap().iter().map(ToString::to_string).collect();
        let expected = match lr {
            "" => ["<sip:proxy.example.org;lr>", "<sip:bob@192.0.2.9:5070>"],
            _ => ["<sip:192.0.2.77;lr>", "<sip:proxy.example.org;lr>"],
        };
        assert_eq!(said, expected);
    }
}

#[test]
fn a_refer_is_answered_by_the_server_and_one_notify_says_what_became_of_it() {
    let mut bench = Bench::new();
    bench.reborn = true;
    let tag = bench.establish();
    let refer = |branch: &str, cseq, extra: &str| request("REFER", branch, cseq, &tag, extra, "");
    bench.receive(refer(
        "2",
        2,
        "Refer-To: <sip:sales@192.0.2.1>\r\nReferred-By: <sip:carl@example.org>\r\n",
    ));
    let events = bench.events();
    let [Event::Refer(told)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((told.to.user.as_deref(), told.replaces), (Some("sales"), None));
    assert_eq!(told.by.as_ref().and_then(|by| by.uri.user.as_deref()), Some("carl"));
    bench.sent();
    bench.receive(refer("3", 3, "Refer-To: <sip:sales@192.0.2.1>\r\n"));
    assert_eq!(bench.sent(), ["491 REFER"], "one at a time");
    bench.command(Command::AnswerRefer { session: FIRST, refused: None });
    assert_eq!(bench.sent(), ["202 REFER", "NOTIFY"]);
    bench.receive(refer("4", 4, "Refer-To: <sip:bob@192.0.2.1>\r\n"));
    bench.command(Command::AnswerRefer { session: FIRST, refused: Some((403, "bob is busy".to_owned())) });
    let refusal = bench.last_response();
    assert_eq!((refusal.status, refusal.reason.as_str()), (403, "bob is busy"));
    bench.receive(refer("5", 5, "Refer-To: <sip:bob@192.0.2.1>\r\nRefer-Sub: false\r\n"));
    bench.command(Command::AnswerRefer { session: FIRST, refused: None });
    assert_eq!(bench.sent(), ["202 REFER"], "who wants no subscription gets none");
    bench.told();
    for (cseq, extra, expected) in [
        (6, "", "400 REFER"),
        (7, "Refer-To: <mailto:bob@host>\r\n", "416 REFER"),
        (8, "Refer-To: <sip:b@h?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n", "481 REFER"),
    ] {
        bench.receive(refer(&cseq.to_string(), cseq, extra));
        assert_eq!(bench.sent(), [expected]);
    }
    bench.receive(refer(
        "9",
        9,
        &format!("Refer-To: <sip:b@h?Replaces=call-1%3Bto-tag%3D{tag}%3Bfrom-tag%3Dcarl>\r\n"),
    ));
    assert_eq!(bench.told(), ["Refer b replacing"]);
    bench.receive(request("REFER", "10", 10, "", "Refer-To: <sip:bob@192.0.2.1>\r\n", ""));
    assert_eq!(bench.sent(), ["403 REFER"], "outside of a session nobody is handed on");
}

#[test]
fn what_a_notify_after_a_refer_says() {
    let mut bench = Bench::new();
    let tag = bench.establish();
    bench.receive(request("REFER", "2", 2, &tag, "Refer-To: <sip:sales@192.0.2.1>\r\n", ""));
    bench.command(Command::AnswerRefer { session: FIRST, refused: None });
    let notify = bench.last_request();
    let header = |name| notify.headers.get(&name).unwrap_or_default().to_owned();
    assert_eq!(header(HeaderName::Event), "refer;id=2");
    assert_eq!(header(HeaderName::SubscriptionState), "terminated;reason=noresource");
    assert_eq!(header(HeaderName::ContentType), "message/sipfrag;version=2.0");
    assert_eq!(&notify.body[..], b"SIP/2.0 200 OK\r\n");
}

#[test]
fn a_refer_has_its_answer_when_the_session_ends_first() {
    let mut bench = Bench::new();
    let tag = bench.establish();
    bench.receive(request("REFER", "2", 2, &tag, "Refer-To: <sip:sales@192.0.2.1>\r\n", ""));
    bench.forget();
    bench.command(Command::End { session: FIRST, reason: EndReason::Normal });
    assert_eq!(bench.sent(), ["BYE", "487 REFER"]);
    bench.pass(40_000);
    assert_eq!(bench.endpoint.transaction_count(), 0, "nothing is left of it");
}
