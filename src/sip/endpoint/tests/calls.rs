//! Calls from end to end, thin: each side of INVITE, ACK and BYE, and the registration of a phone.

use super::bench::*;
use crate::sip::api::Command;
use crate::sip::api::EndReason;
use crate::sip::api::Event;
use crate::sip::api::Input;
use crate::sip::api::SessionId;
use crate::sip::digest;
use crate::sip::digest::Credentials;
use crate::sip::message::HeaderName;
use crate::sip::uri::Transport;

#[test]
fn a_caller_is_answered_and_hangs_up() {
    let mut bench = Bench::new();
    bench.reborn = true;
    bench.receive(invite("1"));
    assert_eq!(bench.sent(), ["100 INVITE"]);
    assert_eq!(bench.told(), ["Incoming"]);
    bench.command(Command::Progress { session: SessionId(1), status: 180, sdp: None });
    bench.command(Command::Answer { session: SessionId(1), sdp: ANSWER.into() });
    let answer = bench.last_response();
    assert_eq!((answer.status, &answer.body[..]), (200, ANSWER.as_bytes()));
    let tag = answer.headers.to().unwrap().tag().unwrap().to_owned();
    bench.receive(request("ACK", "2", 1, &tag, "", ""));
    assert_eq!(bench.told(), ["Acked"]);
    bench.receive(request("BYE", "3", 2, &tag, "", ""));
    assert_eq!(bench.sent(), ["200 BYE"]);
    assert_eq!(bench.told(), ["Ended Bye"]);
    assert_eq!(bench.endpoint.session_count(), 0);
    bench.pass(64_000);
    assert_eq!((bench.sent().len(), bench.endpoint.transaction_count()), (0, 0));
}

#[test]
fn at_overload_a_new_caller_is_asked_to_come_back_and_one_who_is_here_is_served() {
    let mut bench = Bench::new();
    let unwanted = |text: String| Input::Unwanted { hop: hop(Transport::Udp), bytes: text.into() };
    bench.input(unwanted(invite("1")));
    let refusal = bench.last_response();
    assert_eq!((refusal.status, refusal.headers.retry_after()), (503, Ok(Some(5))));
    assert_eq!((bench.told().len(), bench.endpoint.transaction_count()), (0, 0));
    // The refusal is acknowledged, and nobody remembers it.
    bench.receive(request("ACK", "1", 1, refusal.headers.to().unwrap().tag().unwrap(), "", ""));
    assert_eq!((bench.sent().len(), bench.told().len()), (0, 0));
    // Tried again, it is a call like any; and its repetition is no new one.
    bench.receive(invite("1"));
    assert_eq!(bench.told(), ["Incoming"]);
    bench.command(Command::Answer { session: SessionId(1), sdp: ANSWER.into() });
    let tag = bench.last_response().headers.to().unwrap().tag().unwrap().to_owned();
    bench.input(unwanted(invite("1")));
    // RFC 6026 §7.1: after a 2xx it is the session that sends again.
    assert_eq!((bench.sent().len(), bench.told().len()), (0, 0));
    bench.receive(request("ACK", "2", 1, &tag, "", ""));
    bench.input(unwanted(request("INVITE", "3", 2, &tag, "", OFFER)));
    assert_eq!(bench.told(), ["Acked", "Offered sdp"]);
}

#[test]
fn we_call_are_answered_and_hang_up() {
    let mut bench = Bench::new();
    bench.reborn = true;
    bench.command(call(bench.hop));
    let invite = bench.last_request();
    assert_eq!(invite.headers.get(&HeaderName::from("X-Call")), Some("7"));
    bench.receive(response(&invite, 180, "bob", "", ""));
    assert_eq!(bench.told(), ["Progressed 180"]);
    bench.receive(response(&invite, 200, "bob", "", ANSWER));
    assert_eq!(bench.told(), ["Answered sdp"]);
    let ack = bench.last_request();
    assert_eq!(ack.uri.to_string(), "sip:bob@192.0.2.9:5070");
    bench.receive(response(&invite, 200, "bob", "", ANSWER));
    assert_eq!(bench.sent(), ["ACK"]);
    bench.command(Command::End { session: OURS, reason: EndReason::Normal });
    let bye = bench.last_request();
    assert_eq!(bye.headers.cseq().unwrap().to_string(), "2 BYE");
    bench.receive(response(&bye, 200, "bob", "", ""));
    bench.pass(64_000);
    assert_eq!((bench.told().len(), bench.sent().len(), bench.endpoint.transaction_count()), (0, 0, 0));
}

#[test]
fn a_phone_registers_with_its_password_and_only_with_it() {
    let mut bench = Bench::new();
    for (user, password, status) in
        [("alice", "secret", 200), ("alice", "wrong", 403), ("mallory", "secret", 403)]
    {
        let (challenge, answered) = register(&mut bench, user, password, "Expires: 60\r\n");
        assert_eq!((challenge.status, answered.status), (401, status), "{user} {password}");
        assert_eq!(challenge.headers.all(&HeaderName::WwwAuthenticate).count(), 2);
    }
    assert_eq!(bench.told(), ["Registered alice 1"]);
    let contacts = bench.endpoint.contacts("alice");
    assert_eq!(
        (contacts[0].uri.to_string().as_str(), contacts[0].hop),
        ("sip:alice@10.0.0.7:5062", bench.hop)
    );
    bench.pass(59_000);
    assert_eq!(bench.told().len(), 0);
    bench.pass(1_000);
    assert_eq!(bench.told(), ["Unregistered alice 0"]);
    assert_eq!(bench.endpoint.counters().auth_failures, 2);
}

#[test]
fn who_guesses_a_password_is_put_off_whatever_they_say_next_and_is_told_of_once() {
    let mut bench = Bench::new();
    let answer = |bench: &mut Bench, user: &str, password: &str| register(bench, user, password, "").1;
    for guess in 0..10 {
        assert_eq!(answer(&mut bench, "alice", &format!("guess{guess}")).status, 403);
    }
    assert_eq!(bench.told(), [format!("TriesOver alice {}", bench.hop.remote)]);
    bench.pass(60_000);
    for password in ["secret", "guess10"] {
        let put_off = answer(&mut bench, "alice", password);
        assert_eq!(put_off.status, 503);
        let after = put_off.headers.get(&HeaderName::RetryAfter).unwrap();
        assert_eq!(after, "241", "{password}");
    }
    assert_eq!(answer(&mut bench, "bob", "secret").status, 200, "a colleague beside them");
    assert_eq!(bench.told(), ["Registered bob 1"]);
    bench.pass(240_000);
    assert_eq!(answer(&mut bench, "alice", "secret").status, 200);
}

fn register(
    bench: &mut Bench,
    user: &str,
    password: &str,
    extra: &str,
) -> (crate::sip::message::Response, crate::sip::message::Response) {
    let text = |branch: &str, cseq: u32, authorization: &str| {
        format!(
            "REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7:5062;branch=z9hG4bK{user}{password}{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@192.0.2.1>;tag=1\r\nTo: <sip:{user}@192.0.2.1>\r\n\
             Call-ID: reg-{user}\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:{user}@10.0.0.7:5062>\r\n\
             {extra}{authorization}Content-Length: 0\r\n\r\n"
        )
    };
    bench.receive(text("a", 1, ""));
    let challenge = bench.last_response();
    let credentials = Credentials { username: user.into(), password: crate::base::Secret::new(password) };
    let challenges = challenge.headers.all(&HeaderName::WwwAuthenticate);
    let answer = digest::answer(challenges, &credentials, "REGISTER", "sip:192.0.2.1", 1, "c").unwrap();
    bench.receive(text("b", 2, &format!("Authorization: {answer}\r\n")));
    let answered = bench.last_response();
    (challenge, answered)
}

#[test]
fn only_a_local_user_takes_the_place_of_a_session_and_only_of_one_that_there_is() {
    let mut bench = Bench::new();
    let tag = bench.establish();
    let named = |tag: &str| format!("Replaces: call-1;to-tag={tag};from-tag=carl\r\n");
    let mut cseq = 0;
    let mut invites = |bench: &mut Bench, user: &str, replaces: &str| {
        cseq += 2;
        let text = |cseq: u32, more: &str| {
            format!(
                "INVITE sip:1000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7:5062;branch=z9hG4bKr{cseq}\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:{user}@192.0.2.1>;tag=t{cseq}\r\nTo: <sip:1000@192.0.2.1>\r\n\
                 Call-ID: replacing\r\nCSeq: {cseq} INVITE\r\nContact: <sip:{user}@10.0.0.7:5062>\r\n\
                 Require: replaces\r\n{replaces}{more}Content-Length: 0\r\n\r\n"
            )
        };
        bench.receive(text(cseq, ""));
        let first = bench.last_response();
        if first.status != 401 {
            return first.status;
        }
        let credentials = Credentials { username: user.into(), password: crate::base::Secret::new("secret") };
        let challenges = first.headers.all(&HeaderName::WwwAuthenticate);
        let answer =
            digest::answer(challenges, &credentials, "INVITE", "sip:1000@192.0.2.1", cseq, "c").unwrap();
        bench.receive(text(cseq + 1, &format!("Authorization: {answer}\r\n")));
        bench.last_response().status
    };
    assert_eq!(invites(&mut bench, "eve", &named(&tag)), 403);
    assert_eq!(invites(&mut bench, "alice", &named("0000000000000000ff")), 481);
    assert_eq!(invites(&mut bench, "alice", "Replaces: call-1\r\n"), 400);
    assert_eq!(invites(&mut bench, "alice", &format!("{}{}", named(&tag), named(&tag))), 400);
    let early = format!("Replaces: call-1;to-tag={tag};from-tag=carl;early-only\r\n");
    assert_eq!(invites(&mut bench, "alice", &early), 486, "who is talking is not early");
    assert!(bench.told().is_empty(), "the server hears of none of these");
    assert_eq!(invites(&mut bench, "alice", &named(&tag)), 100);
    let events = bench.events();
    let [Event::Incoming(incoming)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((incoming.user.as_deref(), incoming.replaces), (Some("alice"), Some(SessionId(1))));
}
