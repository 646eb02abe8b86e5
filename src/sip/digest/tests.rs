//! The vectors of RFC 7616 and RFC 2617, and what a wrong answer gets.

use std::time::Duration;

use super::*;
use crate::base::Entropy;
use crate::base::Secret;
use crate::base::Timestamp;

fn mufasa(password: &str) -> Credentials {
    Credentials { username: "Mufasa".to_owned(), password: Secret::new(password) }
}

fn response_of(header: &str) -> String {
    Authorization::parse(header).unwrap().response
}

/// RFC 7616 §3.9.1.
#[test]
fn the_examples_of_the_rfc_come_out() {
    let challenge = |algorithm: &str| {
        format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        )
    };
    let (md5, sha256) = (challenge("MD5"), challenge("SHA-256"));
    let of = |challenges: &[&str]| {
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let mufasa = mufasa("Circle of Life");
        answer(challenges.iter().copied(), &mufasa, "GET", "/dir/index.html", 1, cnonce).unwrap()
    };
    assert_eq!(response_of(&of(&[&md5])), "8ca523f5e9506fed4657c9700eebdbec");
    let best = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
    assert_eq!(response_of(&of(&[&sha256])), best);
    assert_eq!(response_of(&of(&[&md5, &sha256])), best, "the better algorithm is answered");
    assert_eq!(response_of(&of(&["Digest realm=x, algorithm=SHA-512-256, nonce=y", &sha256, &md5])), best);
}

/// RFC 2617 §3.5, and the answer without qop that RFC 2069 servers want.
#[test]
fn old_servers_get_old_answers() {
    let of = |qop: &str, password: &str| {
        let challenge = format!(
            "Digest realm=\"testrealm@host.com\"{qop}, nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
             opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""
        );
        answer([challenge.as_str()], &mufasa(password), "GET", "/dir/index.html", 1, "0a4f113b").unwrap()
    };
    assert_eq!(response_of(&of(", qop=\"auth\"", "Circle Of Life")), "6629fae49393a05397450978507c4ef1");
    let old = of("", "CircleOfLife");
    assert_eq!(response_of(&old), "1949323746fe6a43ef61f9606e7febea");
    assert_eq!(Authorization::parse(&old).unwrap().nc, None);
}

#[test]
fn a_challenge_that_cannot_be_answered_gets_no_answer() {
    let of = |challenge: &str| answer([challenge], &mufasa("x"), "INVITE", "sip:a@b", 1, "c");
    assert_eq!(of("Basic realm=\"x\""), None);
    assert_eq!(of("Digest realm=\"x\""), None);
    assert_eq!(of("Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\""), None);
    assert_eq!(of("Digest realm=\"x\", nonce=\"y\", algorithm=MD5-sess"), None);
    assert_eq!(of("Digest realm=\"x, nonce=\"y\""), None);
}

struct Party {
    server: Authenticator,
    ha1: Ha1,
}

impl Party {
    fn new() -> Party {
        let server = Authenticator::new("warmline", &mut Entropy::seeded(1));
        Party { server, ha1: Ha1::of("Mufasa", "warmline", "lion") }
    }

    fn answer(&self, at: Timestamp, algorithm: usize, password: &str, nc: u32) -> Authorization {
        let challenge = self.server.challenges(at, false)[algorithm].to_string();
        let header =
            answer([challenge.as_str()], &mufasa(password), "REGISTER", "sip:warmline", nc, "c").unwrap();
        Authorization::parse(&header).unwrap()
    }

    fn check(&mut self, now: Timestamp, authorization: &Authorization) -> Result<(), Rejection> {
        self.server.check(now, "REGISTER", authorization, &self.ha1)
    }
}

#[test]
fn the_right_password_is_accepted_by_either_algorithm() {
    let mut party = Party::new();
    let now = Timestamp::from_secs(10);
    let challenges = party.server.challenges(now, false);
    assert_eq!(challenges.clone().map(|challenge| challenge.algorithm), [Algorithm::Sha256, Algorithm::Md5]);
    for algorithm in [0, 1] {
        let authorization = party.answer(now, algorithm, "lion", 1);
        assert_eq!(party.check(now, &authorization), Ok(()));
        let wrong = party.answer(now, algorithm, "lamb", 1);
        assert_eq!(party.check(now, &wrong), Err(Rejection::Response));
    }
}

#[test]
fn an_answer_counts_once_and_within_the_window_only() {
    let mut party = Party::new();
    let issued = Timestamp::from_secs(1_000);
    let late = issued + Authenticator::WINDOW;
    let first = party.answer(issued, 0, "lion", 1);
    assert_eq!(party.check(issued, &first), Ok(()));
    assert_eq!(party.check(issued, &first), Err(Rejection::Stale), "replayed");
    let second = party.answer(issued, 0, "lion", 2);
    assert_eq!(party.check(late, &second), Ok(()), "the last moment");
    let third = party.answer(issued, 0, "lion", 3);
    assert_eq!(party.check(late + Duration::from_micros(1), &third), Err(Rejection::Stale));
    assert_eq!(party.check(Timestamp::ZERO, &third), Err(Rejection::Stale), "from before a restart");
}

#[test]
fn a_nonce_that_we_did_not_make_is_stale_and_another_realm_is_refused() {
    let mut party = Party::new();
    let now = Timestamp::from_secs(5);
    let mut other = Party::new();
    other.server = Authenticator::new("warmline", &mut Entropy::seeded(2));
    let foreign = other.answer(now, 0, "lion", 1);
    assert_eq!(party.check(now, &foreign), Err(Rejection::Stale));
    let wrong = other.answer(now, 0, "lamb", 1);
    assert_eq!(party.check(now, &wrong), Err(Rejection::Stale), "right or wrong is not told");
    let mut elsewhere = party.answer(now, 0, "lion", 1);
    elsewhere.realm = "elsewhere".to_owned();
    assert_eq!(party.check(now, &elsewhere), Err(Rejection::Realm));
    let mut integrity = party.answer(now, 0, "lion", 1);
    integrity.qop = Some("auth-int".to_owned());
    assert_eq!(party.check(now, &integrity), Err(Rejection::Qop));
    for nonce in ["", "00", "0000000000000000é", "zzzzzzzzzzzzzzzzzzzzzzzz"] {
        let mut odd = party.answer(now, 1, "lion", 1);
        odd.nonce = nonce.to_owned();
        assert_eq!(party.check(now, &odd), Err(Rejection::Stale));
    }
}

#[test]
fn the_memory_of_answers_is_bounded() {
    let mut party = Party::new();
    let now = Timestamp::from_secs(5);
    let first = party.answer(now, 1, "lion", 1);
    for nc in 1..=4_000 {
        let authorization = party.answer(now, 1, "lion", nc);
        assert_eq!(party.check(now, &authorization), Ok(()));
    }
    assert_eq!(party.check(now, &first), Ok(()), "the oldest is forgotten");
    assert!(serde_json::to_string(&party.server).unwrap().len() < 100_000);
}

#[test]
fn an_authenticator_that_was_written_down_goes_on() {
    let mut party = Party::new();
    let now = Timestamp::from_secs(5);
    let used = party.answer(now, 0, "lion", 1);
    assert_eq!(party.check(now, &used), Ok(()));
    let written = serde_json::to_string(&party.server).unwrap();
    party.server = serde_json::from_str(&written).unwrap();
    assert_eq!(party.check(now, &used), Err(Rejection::Stale));
    let next = party.answer(now, 0, "lion", 2);
    assert_eq!(party.check(now, &next), Ok(()));
}
