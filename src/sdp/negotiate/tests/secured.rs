//! SRTP by keys in the description or by a handshake: who gets it, who goes without, who is refused.

use super::*;
use crate::base::Entropy;
use crate::sdp::Dtls;
use crate::sdp::Fingerprint;
use crate::sdp::LocalIce;
use crate::sdp::LocalSrtp;
use crate::sdp::Srtp;
use crate::sdp::crypto::Crypto;
use crate::sdp::crypto::Sdes;
use crate::sdp::crypto::Suite;
use crate::sdp::dtls::Setup;

fn with_keys(seed: u64, required: bool) -> Local {
    let keys = Crypto::draw(&mut Entropy::seeded(seed));
    Local { srtp: Some(LocalSrtp { required, keys, fingerprint: None, ice: None }), ..local() }
}

fn sdes(agreed: Negotiated) -> Sdes {
    match agreed.srtp {
        Some(Srtp::Sdes(sdes)) => sdes,
        other => panic!("{other:?}"),
    }
}

fn dtls(agreed: Negotiated) -> Dtls {
    match agreed.srtp {
        Some(Srtp::Dtls(dtls)) => dtls,
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_who_may_secure_their_audio_do_so_each_by_its_own_key() {
    for required in [false, true] {
        let (ours, theirs) = (with_keys(1, required), with_keys(2, false));
        let offered = offer(&ours);
        let profile = if required { "RTP/SAVP " } else { "RTP/AVP " };
        let (answered, there) = answer(&offered, &theirs).unwrap();
        assert!(offered.contains(profile) && answered.contains(profile), "{offered}{answered}");
        let here = accept(&ours, &answered).unwrap();
        let (here, there) = (sdes(here), sdes(there));
        assert_eq!((here.suite, there.suite), (Suite::AeadAes128Gcm, Suite::AeadAes128Gcm));
        assert!(here.ours == there.theirs && here.theirs == there.ours && here.ours != here.theirs);
        assert_eq!(answered.matches("a=crypto:1 AEAD_AES_128_GCM inline:").count(), 1, "{answered}");
    }
}

#[test]
fn who_does_not_have_it_goes_without_where_it_is_no_must() {
    let offered = offer(&with_keys(1, false));
    let (answered, agreed) = answer(&offered, &local()).unwrap();
    assert!(agreed.srtp.is_none() && !answered.contains("crypto"), "{answered}");
    assert!(accept(&with_keys(1, false), &answered).unwrap().srtp.is_none());
    let (answered, agreed) = answer(offer(&local()), &with_keys(1, false)).unwrap();
    assert!(agreed.srtp.is_none() && !answered.contains("crypto"), "{answered}");
}

#[test]
fn nobody_talks_in_the_clear_where_it_is_a_must() {
    let must = with_keys(1, true);
    assert_eq!(answer(offer(&must), &local()).unwrap_err(), NegotiateError::NoAudio);
    let plain = offer(&local());
    for refused in [answer(&plain, &must).unwrap_err(), accept(&must, &plain).unwrap_err()] {
        assert!(matches!(refused, NegotiateError::NotSecured(_)), "{refused}");
        assert_eq!(refused.sip_status(), 488);
    }
    // Secured by name, but with no key that we could use.
    let odd = peer("m=audio 4000 RTP/SAVP 0\na=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA\n");
    assert!(matches!(answer(&odd, &with_keys(1, false)), Err(NegotiateError::NotSecured(_))));
    // An answer that takes a key that we did not offer.
    let answered = answer(offer(&must), &with_keys(2, false)).unwrap().0;
    let other = answered.replace("a=crypto:1 ", "a=crypto:7 ");
    assert!(matches!(accept(&must, other), Err(NegotiateError::NotSecured(_))));
}

#[test]
fn the_answer_keeps_the_offers_tag_and_its_first_suite_that_we_have() {
    let key = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
    let lines = format!(
        "m=audio 4000 RTP/SAVP 0\na=crypto:4 AES_192_CM_HMAC_SHA1_80 {key}\n\
         a=crypto:5 AES_CM_128_HMAC_SHA1_32 {key}|2^31\na=crypto:6 AES_CM_128_HMAC_SHA1_80 {key}\n"
    );
    let (answered, agreed) = answer(peer(&lines), &with_keys(1, false)).unwrap();
    assert_eq!(sdes(agreed).suite, Suite::AesCm128HmacSha1_32);
    assert!(answered.contains("a=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:"), "{answered}");
    assert!(!answered.contains(key), "our key is our own");
}

/// Who has a certificate, of this name, and keys in the description beside it or not.
fn with_certificate(name: &str, keys: bool, required: bool) -> Local {
    let keys = if keys { Crypto::draw(&mut Entropy::seeded(9)) } else { Vec::new() };
    let fingerprint = Some(Fingerprint::of(name.as_bytes()));
    Local { srtp: Some(LocalSrtp { required, keys, fingerprint, ice: None }), ..local() }
}

#[test]
fn a_handshake_is_offered_and_answered_and_the_offerer_begins_it() {
    let (ours, theirs) = (with_certificate("ours", false, true), with_certificate("theirs", true, false));
    let offered = offer(&ours);
    assert!(offered.contains("UDP/TLS/RTP/SAVP ") && offered.contains("a=setup:actpass\r\n"), "{offered}");
    assert!(!offered.contains("crypto"), "{offered}");
    let (answered, there) = answer(&offered, &theirs).unwrap();
    assert!(answered.contains("UDP/TLS/RTP/SAVP ") && answered.contains("a=setup:passive\r\n"), "{answered}");
    assert!(answered.contains("a=rtcp-mux\r\n") && !answered.contains("crypto"), "{answered}");
    let here = accept(&ours, &answered).unwrap();
    assert_eq!(here.remote_rtcp, here.remote_rtp);
    let (here, there) = (dtls(here), dtls(there));
    assert_eq!((here.setup, there.setup), (Setup::Active, Setup::Passive));
    assert!(here.fingerprint.is_of(b"theirs") && there.fingerprint.is_of(b"ours"));
    assert!(here.rtcp_mux && there.rtcp_mux);
}

#[test]
fn the_parts_of_a_handshake_are_as_the_other_side_says() {
    let ours = with_certificate("ours", true, false);
    let print = Fingerprint::of(b"theirs");
    for (protocol, setup, part) in [
        ("UDP/TLS/RTP/SAVP", "actpass", Setup::Passive),
        ("UDP/TLS/RTP/SAVPF", "active", Setup::Passive),
        ("RTP/SAVP", "passive", Setup::Active),
        // RFC 8643: it may be without, and need not.
        ("RTP/AVP", "actpass", Setup::Passive),
    ] {
        let crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
        let lines = format!("m=audio 4000 {protocol} 0\na=fingerprint:{print}\na=setup:{setup}\n{crypto}\n");
        let (answered, agreed) = answer(peer(&lines), &ours).unwrap();
        let told = if part == Setup::Active { "a=setup:active\r\n" } else { "a=setup:passive\r\n" };
        assert!(answered.contains(told) && !answered.contains("rtcp-mux"), "{protocol}: {answered}");
        assert_eq!(agreed.remote_rtcp.unwrap().port(), 4_001);
        assert_eq!(
            dtls(agreed),
            Dtls { setup: part, fingerprint: print.clone(), rtcp_mux: false, ice: None }
        );
    }
}

#[test]
fn where_keys_may_not_stand_in_the_description_they_are_not_taken_from_there() {
    let must = with_certificate("ours", false, true);
    let keys = offer(&with_keys(2, true));
    assert!(matches!(answer(&keys, &must), Err(NegotiateError::NotSecured(_))));
    assert!(matches!(answer(offer(&local()), &must), Err(NegotiateError::NotSecured(_))));
    let answered = answer(offer(&must), &with_certificate("theirs", false, true)).unwrap().0;
    for (from, to) in [("a=fingerprint:sha-256", "a=fingerprint:sha-1"), ("setup:passive", "setup:holdconn")]
    {
        let bent = answered.replace(from, to);
        assert!(matches!(accept(&must, bent), Err(NegotiateError::NotSecured(_))), "{to}");
    }
    // Who has no certificate, or none of this, does not take a handshake.
    for other in [with_keys(1, false), local()] {
        assert_eq!(answer(offer(&must), &other).unwrap_err(), NegotiateError::NoAudio);
    }
}

/// Whose phone is in a browser.
fn in_browser(name: &str) -> Local {
    let mut local = with_certificate(name, false, true);
    let ice = LocalIce { ufrag: format!("{name}-ufrag"), password: format!("{name}-password-of-22-chars") };
    local.srtp.as_mut().unwrap().ice = Some(ice);
    local
}

/// As JsSIP has it of Chromium, shortened.
fn offer_of_browser() -> String {
    let print = Fingerprint::of(b"theirs");
    peer(&format!(
        "a=group:BUNDLE 0 1\nm=audio 50000 UDP/TLS/RTP/SAVPF 111 0 126\nc=IN IP4 198.51.100.7\n\
         a=candidate:1 1 udp 2113937151 0c3c.local 50000 typ host generation 0\na=ice-ufrag:4ZcD\n\
         a=ice-pwd:2/1muCWoOi3uLifh0NuRHlZp\na=fingerprint:{print}\na=setup:actpass\na=mid:0\na=rtcp-mux\n\
         a=rtpmap:111 opus/48000/2\na=rtpmap:126 telephone-event/8000\n\
         m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:1\na=rtpmap:96 VP8/90000\n"
    ))
}

#[test]
fn a_phone_in_a_browser_is_answered_with_our_address_as_a_candidate_and_by_its_mids() {
    let (answered, agreed) = answer(offer_of_browser(), &in_browser("ours")).unwrap();
    for told in [
        "a=ice-lite\r\na=group:BUNDLE 0\r\nm=audio 20000 UDP/TLS/RTP/SAVPF ",
        "a=rtcp-mux\r\na=mid:0\r\na=ice-ufrag:ours-ufrag\r\na=ice-pwd:ours-password-of-22-chars\r\n",
        " 20000 typ host\r\na=end-of-candidates\r\n",
        "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n",
    ] {
        assert!(answered.contains(told), "{told}: {answered}");
    }
    let ice = dtls(agreed).ice.unwrap();
    assert_eq!((&*ice.local.ufrag, &*ice.remote_ufrag), ("ours-ufrag", "4ZcD"));
}

#[test]
fn a_phone_in_a_browser_is_offered_what_it_can_answer() {
    let offered = offer(&in_browser("ours"));
    for told in
        ["a=ice-lite\r\na=group:BUNDLE 0\r\n", " UDP/TLS/RTP/SAVPF ", "a=mid:0\r\n", "a=setup:actpass"]
    {
        assert!(offered.contains(told), "{told}: {offered}");
    }
    // Who answers begins the handshake, as browsers do.
    let (answered, _) = answer(&offered, &in_browser("theirs")).unwrap();
    let agreed = accept(&in_browser("ours"), answered.replace("setup:passive", "setup:active")).unwrap();
    assert_eq!(dtls(agreed).ice.unwrap().remote_ufrag, "theirs-ufrag");
    assert!(matches!(accept(&in_browser("ours"), answered), Err(NegotiateError::NotSecured(_))));
}

#[test]
fn a_browser_that_does_not_know_yet_where_it_is_does_not_hold_us() {
    let (from, to) = (
        "50000 UDP/TLS/RTP/SAVPF 111 0 126\r\nc=IN IP4 198.51.100.7",
        "9 UDP/TLS/RTP/SAVPF 111 0 126\r\nc=IN IP4 0.0.0.0",
    );
    let offer = offer_of_browser();
    assert!(offer.contains(from), "{offer}");
    let (_, agreed) = answer(offer.replace(from, to), &in_browser("ours")).unwrap();
    assert_eq!(agreed.direction, Direction::SendRecv);
}

#[test]
fn a_browser_that_cannot_be_found_is_refused() {
    let ours = in_browser("ours");
    for (from, to) in [("a=ice-ufrag:4ZcD\r\n", ""), ("a=rtcp-mux\r\n", ""), ("actpass", "passive")] {
        let offer = offer_of_browser();
        assert!(offer.contains(from), "{from}: {offer}");
        assert!(
            matches!(answer(offer.replace(from, to), &ours), Err(NegotiateError::NotSecured(_))),
            "{from}"
        );
    }
    // A phone elsewhere is asked for no such thing, and what it says of it is let by.
    let plain = answer(offer_of_browser(), &with_certificate("ours", false, true)).unwrap();
    assert!(!plain.0.contains("ice-") && dtls(plain.1).ice.is_none(), "{}", plain.0);
}

#[test]
fn a_handshake_holds_while_the_way_is_looked_for_anew() {
    let (_, before) = answer(offer_of_browser(), &in_browser("ours")).unwrap();
    let again = offer_of_browser().replace("4ZcD", "5ZcD");
    let (_, after) = answer(again, &in_browser("ours")).unwrap();
    let (before, after) = (dtls(before), dtls(after));
    assert!(after.goes_on_from(&before) && after != before);
    let other = Dtls { fingerprint: Fingerprint::of(b"others"), ..after };
    assert!(!other.goes_on_from(&before));
}
