//! The registrar as phones see it, and our own registrations as trunks see them.

use md5::Digest;
use md5::Md5;

use super::bench::*;
use crate::base::Secret;
use crate::base::Timestamp;
use crate::sip::api::Command;
use crate::sip::api::EndReason;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::api::Output;
use crate::sip::digest;
use crate::sip::digest::Credentials;
use crate::sip::digest::Ha1;
use crate::sip::endpoint::EndpointConfig;
use crate::sip::endpoint::TrunkConfig;
use crate::sip::endpoint::TrunkRegistration;
use crate::sip::message::HeaderName;
use crate::sip::message::Request;
use crate::sip::message::Response;
use crate::sip::trunk::TrunkState;
use crate::sip::trunk::TrunkTrouble;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

fn credentials(user: &str, password: &str) -> Credentials {
    Credentials { username: user.to_owned(), password: Secret::new(password) }
}

/// What alice's REGISTER is answered with.
fn register(bench: &mut Bench, cseq: u32, lines: &str) -> Response {
    sign_in(bench, "alice", cseq, lines);
    bench.last_response()
}

/// A user's REGISTER, with the right answer to the challenge before it.
pub(super) fn sign_in(bench: &mut Bench, user: &str, cseq: u32, lines: &str) {
    let text = |cseq: u32, lines: &str| {
        format!(
            "REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7:5062;branch=z9hG4bK{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@192.0.2.1>;tag=1\r\nTo: <sip:{user}@192.0.2.1>\r\n\
             Call-ID: reg\r\nCSeq: {cseq} REGISTER\r\n{lines}Content-Length: 0\r\n\r\n"
        )
    };
    bench.receive(text(cseq, lines));
    let challenge = bench.last_response();
    let challenges = challenge.headers.all(&HeaderName::WwwAuthenticate);
    let cnonce = cseq.to_string();
    let answer =
        digest::answer(challenges, &credentials(user, "secret"), "REGISTER", "sip:192.0.2.1", 1, &cnonce);
    bench.receive(text(cseq + 1, &format!("{lines}Authorization: {}\r\n", answer.unwrap())));
}

/// What a REGISTER is answered with whose answer to this nonce is made by a password of nothing but zeros.
fn guessed(bench: &mut Bench, user: &str, cseq: u32, nonce: &str) -> (u16, bool) {
    let md5 = |text: &str| {
        let digest: [u8; 16] = Md5::digest(text).into();
        digest.map(|octet| format!("{octet:02x}")).concat()
    };
    let request = md5("REGISTER:sip:192.0.2.1");
    let answer = md5(&format!("{}:{nonce}:00000001:{cseq}:auth:{request}", "0".repeat(32)));
    bench.receive(format!(
        "REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7:5062;branch=z9hG4bK{user}{cseq}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{user}@192.0.2.1>;tag=1\r\nTo: <sip:{user}@192.0.2.1>\r\n\
         Call-ID: reg\r\nCSeq: {cseq} REGISTER\r\nAuthorization: Digest username=\"{user}\", realm=\"warmline\", \
         nonce=\"{nonce}\", uri=\"sip:192.0.2.1\", qop=auth, nc=00000001, cnonce=\"{cseq}\", \
         response=\"{answer}\"\r\nContent-Length: 0\r\n\r\n"
    ));
    let response = bench.last_response();
    let stale = response.headers.all(&HeaderName::WwwAuthenticate).any(|value| value.contains("stale=true"));
    (response.status, stale)
}

#[test]
fn nobody_learns_which_users_there_are() {
    let mut bench = Bench::new();
    let mut answers = |user: &str| {
        let foreign = guessed(&mut bench, user, 1, "deadbeef");
        bench.receive(request("REGISTER", user, 1, "", "", ""));
        let challenge = bench.last_response();
        let md5 = challenge.headers.all(&HeaderName::WwwAuthenticate).find(|value| value.contains("MD5"));
        let nonce = md5.unwrap().split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        // The same answer twice: one that fits is right once, and stale the second time.
        let fresh = [2, 2].map(|cseq| guessed(&mut bench, user, cseq, &nonce));
        (foreign, fresh)
    };
    let told = ((401, true), [(403, false), (403, false)]);
    assert_eq!([answers("alice"), answers("mallory")], [told, told]);
}

pub(super) fn contacts(response: &Response) -> Vec<String> {
    response.headers.list(&HeaderName::Contact).map(str::to_owned).collect()
}

#[test]
fn several_phones_register_and_the_preferred_comes_first() {
    let mut bench = Bench::new();
    bench.reborn = true;
    register(&mut bench, 1, "Contact: <sip:a@10.0.0.7>;q=0.3\r\nExpires: 600\r\n");
    let both = register(&mut bench, 3, "Contact: <sip:b@10.0.0.8>;expires=60\r\n");
    assert_eq!(contacts(&both), ["<sip:a@10.0.0.7>;expires=600;q=0.3", "<sip:b@10.0.0.8>;expires=60;q=1"]);
    let users: Vec<_> =
        bench.endpoint.contacts("alice").into_iter().map(|binding| binding.uri.user).collect();
    assert_eq!(users, [Some("b".to_owned()), Some("a".to_owned())]);
    bench.pass(61_000);
    assert_eq!(contacts(&register(&mut bench, 5, "")), ["<sip:a@10.0.0.7>;expires=539;q=0.3"]);
    assert!(contacts(&register(&mut bench, 7, "Contact: *\r\nExpires: 0\r\n")).is_empty());
    let told = ["Registered alice 1", "Registered alice 2", "Unregistered alice 1", "Unregistered alice 0"];
    assert_eq!(bench.told(), told);
}

#[test]
fn a_phone_whose_account_is_gone_is_reached_no_more_and_signs_in_no_more() {
    let mut bench = Bench::new();
    register(&mut bench, 1, "Contact: <sip:a@10.0.0.7>, <sip:b@10.0.0.8>\r\n");
    let mut out = Vec::new();
    let users = config().users.clone();
    bench.endpoint.know_users(bench.now, users.clone(), &mut out);
    assert!(out.is_empty() && bench.endpoint.contacts("alice").len() == 2, "she is a user still");
    bench.endpoint.know_users(bench.now, Default::default(), &mut out);
    assert!(bench.endpoint.contacts("alice").is_empty());
    let gone = |output: &Output| matches!(output, Output::Event(Event::Unregistered { contacts: 0, .. }));
    assert!(out.len() == 2 && gone(&out[1]), "{out:?}");
}

/// Alice's password is this from now on.
fn password_is(bench: &mut Bench, password: &str) -> Vec<Output> {
    let mut users = config().users;
    users.insert("alice".into(), Ha1::of("alice", "warmline", password));
    let mut out = Vec::new();
    bench.endpoint.know_users(bench.now, users, &mut out);
    out
}

#[test]
fn a_phone_whose_password_is_another_one_now_is_reached_no_more_until_it_signs_in_with_that() {
    let mut bench = Bench::new();
    register(&mut bench, 1, "Contact: <sip:a@10.0.0.7>, <sip:b@10.0.0.8>\r\n");
    let out = password_is(&mut bench, "correct horse");
    assert!(bench.endpoint.contacts("alice").is_empty());
    assert_eq!(out.iter().filter(|it| matches!(it, Output::Event(Event::Unregistered { .. }))).count(), 2);
    assert_eq!(register(&mut bench, 3, "Contact: <sip:a@10.0.0.7>\r\n").status, 403, "with the old one");
    password_is(&mut bench, "secret");
    assert_eq!(register(&mut bench, 5, "Contact: <sip:a@10.0.0.7>\r\n").status, 200);
    assert!(password_is(&mut bench, "secret").is_empty());
    assert_eq!(bench.endpoint.contacts("alice").len(), 1, "nothing has changed");
}

#[test]
fn a_phone_whose_password_was_changed_while_no_process_was_there_is_reached_no_more() {
    let mut bench = Bench::new();
    register(&mut bench, 1, "Contact: <sip:a@10.0.0.7>\r\n");
    let written = serde_json::to_value(bench.endpoint.contacts("alice")).unwrap();
    let mut older = written.clone();
    older[0].as_object_mut().unwrap().remove("proven_by");
    for (contacts, password, goes_on) in [
        (&written, "secret", 1),
        (&written, "correct horse", 0),
        // Of a process that did not write it down: until the next change.
        (&older, "correct horse", 1),
    ] {
        let mut bench = Bench::new();
        password_is(&mut bench, password);
        bench.endpoint.carry_on_contacts(&"alice".into(), serde_json::from_value(contacts.clone()).unwrap());
        assert_eq!(bench.endpoint.contacts("alice").len(), goes_on);
        password_is(&mut bench, "another one");
        assert!(bench.endpoint.contacts("alice").is_empty());
    }
    assert!(!written.to_string().contains("secret"));
}

#[test]
fn a_registration_that_cannot_be_is_refused_whole() {
    let mut bench = Bench::new();
    let brief = register(&mut bench, 1, "Contact: <sip:a@10.0.0.7>, <sip:b@10.0.0.8>;expires=5\r\n");
    assert_eq!((brief.status, brief.headers.min_expires()), (423, Ok(Some(30))));
    assert_eq!(register(&mut bench, 3, "Contact: *\r\nExpires: 60\r\n").status, 400);
    assert_eq!(register(&mut bench, 15, "Contact: <sip:a@10.0.0.7>\r\n").status, 200);
    assert_eq!(
        register(&mut bench, 5, "Contact: <sip:a@10.0.0.7>;expires=0\r\n").status,
        500,
        "out of order"
    );
    assert_eq!(bench.endpoint.contacts("alice").len(), 1);
}

#[test]
fn a_phone_that_keeps_changing_its_address_does_not_grow_the_table() {
    let mut bench = Bench::new();
    for number in 0..20 {
        register(&mut bench, number * 2 + 1, &format!("Contact: <sip:a@10.0.0.7:{}>\r\n", 6_000 + number));
        bench.pass(1_000);
    }
    let bindings = bench.endpoint.contacts("alice");
    assert_eq!((bindings.len(), bindings[0].uri.port), (8, Some(6_019)));
}

fn trunk(registration: bool, trusted: bool) -> EndpointConfig {
    let uri = |text| Uri::parse(text).unwrap();
    let registration = registration.then(|| {
        Ok(TrunkRegistration {
            registrar: uri("sip:trunk.example"),
            hops: vec![hop(Transport::Udp)],
            aor: uri("sip:alice@trunk.example"),
            expires_s: 300,
        })
    });
    let sources = vec!["192.0.2.9".parse().unwrap()];
    let credentials = Some(credentials("alice", "secret"));
    let trunks = vec![TrunkConfig { name: "carrier".into(), sources, trusted, credentials, registration }];
    EndpointConfig { trunks, ..config() }
}

const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"t\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n";

#[test]
fn we_register_at_a_trunk_and_again_before_it_runs_out() {
    let mut bench = Bench::with(trunk(true, false), Transport::Udp);
    bench.pass(0);
    let first = bench.last_request();
    assert_eq!(first.headers.expires(), Ok(Some(300)));
    bench.receive(response(&first, 401, "t", CHALLENGE, ""));
    let second = bench.last_request();
    assert!(second.headers.get(&HeaderName::Authorization).unwrap().contains("username=\"alice\""));
    assert_eq!(second.headers.cseq().unwrap().seq, 2);
    bench.receive(response(&second, 200, "t", "Expires: 200\r\n", ""));
    assert_eq!(bench.told(), ["TrunkRegistered carrier 200"]);
    let again = bench.sends_within(180_000);
    assert!(again[0].1 == "REGISTER" && (160_000..=180_000).contains(&again[0].0), "{again:?}");
}

#[test]
fn a_trunk_that_refuses_is_tried_again_with_growing_pauses() {
    let mut bench = Bench::with(trunk(true, false), Transport::Udp);
    bench.pass(0);
    let mut pauses = Vec::new();
    for _ in 0..5 {
        let request = bench.last_request();
        bench.receive(response(&request, 403, "t", "", ""));
        pauses.push(bench.pass_until_it_sends() / 1_000);
    }
    assert!((5..=10).contains(&pauses[0]) && (80..=160).contains(&pauses[4]), "{pauses:?}");
    assert_eq!(bench.told(), ["TrunkRegistered carrier 403"], "said once");
    let state = |bench: &Bench| bench.endpoint.trunk_states().next().unwrap();
    let TrunkState { since, trouble, next, is_registered, .. } = state(&bench);
    assert_eq!((since, is_registered), (Some(Timestamp::from_secs(100)), false), "since the first refusal");
    assert_eq!(trouble, Some(TrunkTrouble::Refused { status: 403, reason: "Whatever".to_owned() }));
    assert_eq!(next, None, "it is asked now");
    let request = bench.last_request();
    bench.receive(response(&request, 200, "t", "Expires: 60\r\n", ""));
    assert_eq!(
        (bench.told(), state(&bench).is_registered, state(&bench).trouble),
        (vec!["TrunkRegistered carrier 200".to_owned()], true, None)
    );
    assert_eq!(state(&bench).since, Some(bench.now));
}

#[test]
fn a_trunk_that_says_nothing_is_asked_again_and_it_is_known_when() {
    let mut bench = Bench::with(trunk(true, false), Transport::Udp);
    bench.pass(0);
    let state = |bench: &Bench| bench.endpoint.trunk_states().next().unwrap();
    assert_eq!((state(&bench).since, state(&bench).trouble), (None, None), "nobody knows yet");
    bench.pass(33_000);
    let TrunkState { since, trouble, next, .. } = state(&bench);
    assert_eq!((since, trouble), (Some(Timestamp::from_secs(132)), Some(TrunkTrouble::Silent)));
    let pause = next.unwrap().since(Timestamp::from_secs(132)).as_secs();
    assert!((5..=10).contains(&pause), "{pause}");
}

/// A trunk that is in two places.
fn in_two_places() -> (EndpointConfig, [Hop; 2]) {
    let first = hop(Transport::Udp);
    let second = Hop { remote: "192.0.2.10:5060".parse().unwrap(), ..first };
    let mut config = trunk(true, false);
    let Some(Ok(registration)) = &mut config.trunks[0].registration else { unreachable!() };
    registration.hops = vec![first, second];
    (config, [first, second])
}

#[test]
fn a_registrar_that_does_not_answer_in_one_place_is_asked_in_the_next() {
    let (config, [first, second]) = in_two_places();
    let mut bench = Bench::with(config, Transport::Udp);
    bench.pass(3_900);
    assert_eq!(bench.sent_to(), [first.remote]);
    bench.pass(200);
    let request = bench.last_request();
    bench.receive_by(second, response(&request, 200, "t", "Expires: 60\r\n", ""));
    assert_eq!(bench.told(), ["TrunkRegistered carrier 200"], "nobody hears of the first place");
    bench.pass(55_000);
    assert_eq!(bench.sent_to(), [second.remote], "where it answered it is asked again");
}

#[test]
fn a_registrar_that_answers_nowhere_is_told_once_and_asked_again_after_a_pause() {
    let (config, [first, second]) = in_two_places();
    let mut bench = Bench::with(config, Transport::Udp);
    bench.pass(8_100);
    assert_eq!(bench.sent_to(), [first.remote, second.remote]);
    assert_eq!(bench.told(), ["TrunkRegistered carrier 408"]);
    bench.pass(4_000);
    assert!(bench.sent_to().is_empty(), "it is left alone for a while");
    bench.pass(7_000);
    assert_eq!(bench.sent_to()[0], first.remote);
    // Who serves nobody now is as good as silent.
    let (config, _) = in_two_places();
    let mut bench = Bench::with(config, Transport::Udp);
    bench.pass(0);
    let request = bench.last_request();
    bench.receive(response(&request, 503, "t", "", ""));
    assert_eq!(bench.sent_to(), [second.remote]);
}

#[test]
fn a_trunk_whose_name_leads_elsewhere_is_asked_there_at_once_and_not_while_it_is_still_where_it_was() {
    let (mut config, [first, second]) = in_two_places();
    let places = |config: &mut EndpointConfig, hops: &[Hop]| {
        let Some(Ok(registration)) = &mut config.trunks[0].registration else { unreachable!() };
        registration.hops = hops.to_vec();
        config.trunks.clone()
    };
    let found = places(&mut config, &[first]);
    config.trunks[0].registration = Some(Err(TrunkTrouble::Nowhere("there is no such name".to_owned())));
    let mut bench = Bench::with(config.clone(), Transport::Udp);
    bench.pass(60_000);
    assert!(bench.sent_to().is_empty());
    bench.know_trunks(found);
    let request = bench.last_request();
    bench.receive(response(&request, 200, "t", "Expires: 600\r\n", ""));
    assert_eq!(bench.told(), ["TrunkRegistered carrier 200"]);
    let (mut config, _) = in_two_places();
    bench.know_trunks(places(&mut config, &[second, first]));
    bench.pass(10_000);
    assert!(bench.sent_to().is_empty(), "it is registered where it is still");
    bench.know_trunks(places(&mut config, &[second]));
    assert_eq!(bench.sent_to(), [second.remote]);
    // One that is no trunk any more, and one that is new.
    let mut other = config.trunks[0].clone();
    other.name = "other".into();
    bench.know_trunks(vec![other]);
    let request = bench.last_request();
    bench.receive_by(second, response(&request, 403, "t", "", ""));
    assert_eq!(bench.told(), ["TrunkRegistered other 403"]);
    assert_eq!(bench.endpoint.trunk_states().map(|state| state.trunk).collect::<Vec<_>>(), ["other".into()]);
}

#[test]
fn a_trunk_that_cannot_be_asked_is_known_with_why() {
    let mut config = trunk(true, false);
    config.trunks[0].registration = Some(Err(TrunkTrouble::Hindered("no password".to_owned())));
    let mut bench = Bench::with(config, Transport::Udp);
    bench.pass(60_000);
    let TrunkState { since, trouble, next, is_registered, .. } =
        bench.endpoint.trunk_states().next().unwrap();
    assert_eq!((since, next, is_registered), (None, None, false));
    assert_eq!(trouble, Some(TrunkTrouble::Hindered("no password".to_owned())));
    let mut bench = Bench::with(trunk(false, false), Transport::Udp);
    bench.pass(0);
    assert_eq!(bench.endpoint.trunk_states().count(), 0, "one at which we do not register");
}

#[test]
fn who_withholds_their_number_has_none_whatever_a_header_says() {
    let asserted = "P-Asserted-Identity: <sip:+12025550143@t.example>\r\n";
    let from = |text: &str, uri: &str| text.replace("From: <sip:carl@example.org>", &format!("From: {uri}"));
    let of = |headers: &str| request("INVITE", "1", 1, "", headers, OFFER);
    let told = [
        (of(&format!("{asserted}Privacy: none\r\n")), Some("+12025550143")),
        (of(&format!("{asserted}Privacy: user; ID ;critical\r\n")), None),
        (of("Privacy: id\r\n"), None),
        (from(&of(asserted), "\"Anonymous\" <sip:anonymous@anonymous.invalid>"), Some("+12025550143")),
        (from(&of(""), "\"Anonymous\" <sip:anonymous@anonymous.invalid>"), None),
        (from(&of(""), "<sip:Anonymous@192.0.2.9>"), None),
    ];
    for (text, caller) in told {
        let mut bench = Bench::with(trunk(false, true), Transport::Udp);
        bench.receive(text.as_str());
        let events = bench.events();
        let Event::Incoming(incoming) = &events[0] else { panic!("{events:?}") };
        assert_eq!(caller_of(incoming), caller, "{text}");
    }
}

#[test]
fn a_trusted_trunk_says_who_calls_and_another_one_does_not() {
    for (trusted, caller) in [(true, "+12025550143"), (false, "carl")] {
        let mut bench = Bench::with(trunk(false, trusted), Transport::Udp);
        let asserted = "P-Asserted-Identity: <tel:+12025550143>, <sip:+12025550143@t.example>\r\n";
        bench.receive(request("INVITE", "1", 1, "", asserted, OFFER));
        let events = bench.events();
        let Event::Incoming(incoming) = &events[0] else { panic!("{events:?}") };
        assert_eq!(caller_of(incoming), Some(caller));
        assert_eq!(incoming.trunk.as_deref(), Some("carrier"));
    }
}

/// A bench that has called somebody by its trunk, and the INVITE.
fn calls_by_trunk() -> (Bench, Request) {
    let mut bench = Bench::with(trunk(false, false), Transport::Udp);
    bench.reborn = true;
    let Command::Invite(mut invite) = call(bench.hop) else { unreachable!() };
    invite.trunk = Some("carrier".into());
    bench.command(Command::Invite(invite));
    let invite = bench.last_request();
    (bench, invite)
}

/// A challenge of this trunk's, by 401 or 407.
fn challenge(to: &Request, status: u16, more: &str) -> String {
    let asks = if status == 407 { "Proxy-Authenticate" } else { "WWW-Authenticate" };
    let challenge = CHALLENGE.trim_end().replace("WWW-Authenticate", asks);
    response(to, status, "bob", &format!("{challenge}{more}\r\n"), "")
}

/// What a request of ours answers a challenge with.
fn answers(request: &Request) -> Option<&str> {
    let headers = &request.headers;
    headers.get(&HeaderName::ProxyAuthorization).or_else(|| headers.get(&HeaderName::Authorization))
}

#[test]
fn a_challenged_call_is_made_again_with_the_password_but_only_once() {
    for status in [401, 407] {
        let (mut bench, first) = calls_by_trunk();
        bench.receive(challenge(&first, status, ""));
        let second = bench.last_request();
        let told = (second.headers.cseq().unwrap().seq, second.headers.call_id(), &second.body);
        assert_eq!(told, (2, first.headers.call_id(), &first.body));
        assert!(answers(&second).unwrap().contains("username=\"alice\""));
        assert!(second.headers.to().unwrap().tag().is_none());
        bench.receive(challenge(&second, status, ""));
        assert_eq!(bench.told(), [format!("Failed {status}")]);
    }
}

#[test]
fn a_call_by_no_trunk_proves_nothing_to_who_asks() {
    let mut bench = Bench::with(trunk(false, false), Transport::Udp);
    bench.command(call(bench.hop));
    let invite = bench.last_request();
    bench.receive(challenge(&invite, 407, ""));
    assert_eq!((bench.sent(), bench.told()), (vec!["ACK".to_owned()], vec!["Failed 407".to_owned()]));
}

#[test]
fn a_nonce_that_is_too_old_is_no_refusal_but_has_an_end() {
    let (mut bench, mut invite) = calls_by_trunk();
    for tries in 0..3 {
        bench.receive(challenge(&invite, 407, if tries == 0 { "" } else { ", stale=true" }));
        assert!(bench.told().is_empty());
        invite = bench.last_request();
        assert!(answers(&invite).is_some());
    }
    bench.receive(challenge(&invite, 407, ", stale=true"));
    assert_eq!(bench.told(), ["Failed 407"]);
}

#[test]
fn who_proved_themselves_does_so_in_the_ack_and_anew_for_a_longer_session() {
    let (mut bench, invite) = calls_by_trunk();
    bench.receive(challenge(&invite, 407, ""));
    let proved = bench.last_request();
    bench.receive(response(&proved, 422, "bob", "Min-SE: 3600\r\n", ""));
    let longer = bench.last_request();
    assert!(answers(&longer).is_none(), "one answer serves one request");
    bench.receive(challenge(&longer, 407, ""));
    let proved = bench.last_request();
    bench.receive(response(&proved, 200, "bob", "", ANSWER));
    let ack = bench.last_request();
    assert_eq!((ack.method.as_str(), answers(&ack)), ("ACK", answers(&proved)));
    assert_eq!(bench.told(), ["Answered sdp"]);
}

#[test]
fn whatever_is_said_within_a_call_by_a_trunk_is_proved_when_it_asks() {
    for status in [401, 407] {
        let (mut bench, invite) = calls_by_trunk();
        let session = OURS;
        let timer = "Allow: UPDATE\r\nSupported: timer\r\nSession-Expires: 1800;refresher=uac\r\n";
        bench.receive(response(&invite, 200, "bob", timer, ANSWER));
        assert_eq!(bench.told(), ["Answered sdp"]);
        let commands = [
            ("INVITE", Some(Command::Offer { session, sdp: ANSWER.into() })),
            ("INFO", Some(Command::Info { session, content_type: "a/b", body: "1".into() })),
            ("OPTIONS", Some(Command::Options { session })),
            ("UPDATE", None),
            ("BYE", Some(Command::End { session, reason: EndReason::Normal })),
        ];
        for (method, command) in commands {
            bench.forget();
            match command {
                Some(command) => bench.command(command),
                None => bench.pass(900_000),
            }
            let asked = bench.last_request();
            bench.receive(challenge(&asked, status, ""));
            let proved = bench.last_request();
            assert_eq!((asked.method.as_str(), proved.method.as_str()), (method, method));
            let cseq = |request: &Request| request.headers.cseq().unwrap().seq;
            assert!(answers(&proved).is_some() && cseq(&proved) > cseq(&asked), "{method}");
            bench.receive(response(&proved, 200, "bob", timer, if method == "INVITE" { ANSWER } else { "" }));
        }
        assert_eq!(bench.endpoint.session_count(), 0);
    }
}

#[test]
fn a_call_by_a_trunk_is_ended_by_another_process_which_finds_the_password_where_it_stands() {
    let (mut before, invite) = calls_by_trunk();
    before.receive(response(&invite, 200, "bob", "", ANSWER));
    let text = serde_json::to_string(&before.endpoint.carried(OURS).unwrap()).unwrap();
    assert!(!text.contains("secret") && !text.contains("alice"), "{text}");
    let mut bench = Bench::with(trunk(false, false), Transport::Udp);
    bench.endpoint.carry_on(bench.now, serde_json::from_str(&text).unwrap());
    bench.command(Command::End { session: OURS, reason: EndReason::Normal });
    let bye = bench.last_request();
    bench.receive(challenge(&bye, 407, ""));
    let again = bench.last_request();
    assert!(again.method == bye.method && answers(&again).unwrap().contains("alice"));
}

#[test]
fn who_picks_up_by_a_trunk_when_nobody_wants_them_any_more_is_hung_up_on_with_the_password() {
    let (mut bench, invite) = calls_by_trunk();
    bench.receive(response(&invite, 200, "bob", "", ANSWER));
    bench.receive(response(&invite, 200, "carol", "", ANSWER));
    let bye = bench.last_request();
    bench.receive(challenge(&bye, 407, ""));
    let again = bench.last_request();
    assert!(again.method.as_str() == "BYE" && answers(&again).is_some());
}
