//! SRTP by keys in the description: who gets it, who goes without, who is refused.

use super::*;
use crate::base::Entropy;
use crate::sdp::LocalSrtp;
use crate::sdp::crypto::Crypto;
use crate::sdp::crypto::Suite;

fn with_keys(seed: u64, required: bool) -> Local {
    Local { srtp: Some(LocalSrtp { required, keys: Crypto::draw(&mut Entropy::seeded(seed)) }), ..local() }
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
        let (here, there) = (here.srtp.unwrap(), there.srtp.unwrap());
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
    assert_eq!(agreed.srtp.unwrap().suite, Suite::AesCm128HmacSha1_32);
    assert!(answered.contains("a=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:"), "{answered}");
    assert!(!answered.contains(key), "our key is our own");
}
