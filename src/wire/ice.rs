//! ICE as a lite agent ([RFC 8445 §2.5](https://www.rfc-editor.org/rfc/rfc8445#section-2.5)): it answers a
//! browser's checks and follows the pair that the browser nominates, wherever that comes from.
//!
//! The full agent of the `rtc` family is not used for it: that one stays with the first pair it selected, and a
//! browser that changes its network would have to begin anew.

use std::net::SocketAddr;

use rtc_crypto::RTCCrypto;
use rtc_stun::attributes::ATTR_USE_CANDIDATE;
use rtc_stun::attributes::ATTR_USERNAME;
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::BINDING_REQUEST;
use rtc_stun::message::BINDING_SUCCESS;
use rtc_stun::message::Message;
use rtc_stun::message::is_stun_message;
use rtc_stun::xoraddr::XorMappedAddress;

use crate::sdp::Ice;

/// The longest user fragment that is looked for.
const LONGEST_UFRAG: usize = 256;

/// A check that was passed: what to answer, and whether the browser wants this pair to be the one.
#[derive(Debug)]
pub(super) struct Passed {
    pub answer: Vec<u8>,
    pub nominated: bool,
}

/// Our user fragment, for which a packet of an unknown address asks; none when it is no check at all.
pub(super) fn asks_for(packet: &[u8]) -> Option<&str> {
    if !is_stun_message(packet) {
        return None;
    }
    // Only the attribute before the colon is looked at here: everything else is the connection's to check.
    let mut rest = packet.get(20..)?;
    while let [kind_high, kind_low, length_high, length_low, after @ ..] = rest {
        let kind = u16::from_be_bytes([*kind_high, *kind_low]);
        let length = usize::from(u16::from_be_bytes([*length_high, *length_low]));
        let value = after.get(..length)?;
        if kind == ATTR_USERNAME.0 {
            let name = std::str::from_utf8(value).ok()?;
            return name.split(':').next().filter(|ufrag| ufrag.len() <= LONGEST_UFRAG);
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// Whether a packet is a check of this session, by its name and its signature, and what to answer. Without the password
/// nobody gets an answer: so the port cannot be made to send to a stranger.
pub(super) fn check(
    session: &Ice,
    from: SocketAddr,
    packet: &[u8],
    crypto: &dyn RTCCrypto,
) -> Option<Passed> {
    let Ice { local, remote_ufrag } = session;
    let mut request = Message::new();
    request.unmarshal_binary(packet).ok()?;
    let name = request.get(ATTR_USERNAME).ok()?;
    let ours = name == format!("{}:{remote_ufrag}", local.ufrag).as_bytes();
    if request.typ != BINDING_REQUEST || !ours {
        return None;
    }
    MessageIntegrity::check(&mut request, local.password.as_bytes(), crypto).ok()?;
    let nominated = request.contains(ATTR_USE_CANDIDATE);
    let mut answer = Message::new();
    let password = local.password.clone();
    answer
        .build(&[
            Box::new(request),
            Box::new(BINDING_SUCCESS),
            Box::new(XorMappedAddress { ip: from.ip(), port: from.port() }),
            Box::new(MessageIntegrity::new_short_term_integrity_with_provider(password, crypto)),
            Box::new(FINGERPRINT),
        ])
        .ok()?;
    Some(Passed { answer: answer.raw, nominated })
}

#[cfg(test)]
pub(super) mod tests {
    use rtc_stun::message::Getter;
    use rtc_stun::message::Setter;
    use rtc_stun::message::TransactionId;
    use rtc_stun::textattrs::Username;

    use super::*;
    use crate::sdp::LocalIce;

    const BROWSER: &str = "198.51.100.7:50123";

    pub(in crate::wire) fn session() -> Ice {
        let (ufrag, password) = ("ours".to_owned(), "a-password-of-22-chars".to_owned());
        Ice { local: LocalIce { ufrag, password }, remote_ufrag: "theirs".to_owned() }
    }

    /// A browser's check.
    pub(in crate::wire) fn request(name: &str, password: &str, nominates: bool) -> Vec<u8> {
        let provider = rtc_crypto::default_provider().unwrap();
        let mut message = Message::new();
        let mut parts: Vec<Box<dyn Setter>> = vec![
            Box::new(BINDING_REQUEST),
            Box::new(TransactionId::new()),
            Box::new(Username::new(ATTR_USERNAME, name.to_owned())),
        ];
        message.build(&parts).unwrap();
        if nominates {
            message.add(ATTR_USE_CANDIDATE, &[]);
        }
        let password = password.to_owned();
        let integrity = MessageIntegrity::new_short_term_integrity_with_provider(password, provider.crypto());
        integrity.add_to(&mut message).unwrap();
        parts.clear();
        FINGERPRINT.add_to(&mut message).unwrap();
        message.raw
    }

    fn check(packet: &[u8]) -> Option<Passed> {
        let provider = rtc_crypto::default_provider().unwrap();
        super::check(&session(), BROWSER.parse().unwrap(), packet, provider.crypto())
    }

    #[test]
    fn a_check_is_answered_with_the_address_it_came_from() {
        let packet = request("ours:theirs", &session().local.password, false);
        assert_eq!(asks_for(&packet), Some("ours"));
        let passed = check(&packet).unwrap();
        assert!(!passed.nominated);
        let mut answer = Message::new();
        answer.unmarshal_binary(&passed.answer).unwrap();
        let mut mapped = XorMappedAddress::default();
        mapped.get_from(&answer).unwrap();
        assert_eq!(SocketAddr::new(mapped.ip, mapped.port).to_string(), BROWSER);
        assert!(check(&request("ours:theirs", &session().local.password, true)).unwrap().nominated);
    }

    #[test]
    fn a_stranger_gets_no_answer() {
        assert!(check(&request("ours:theirs", "a-password-of-another!", true)).is_none());
        assert!(check(&request("ours:others", &session().local.password, true)).is_none());
        let mut bent = request("ours:theirs", &session().local.password, false);
        bent[30] ^= 1;
        assert!(check(&bent).is_none());
    }

    #[test]
    fn what_is_no_check_asks_for_nobody() {
        let whole = request("ours:theirs", &session().local.password, false);
        for length in 0..whole.len() {
            // A check that was cut may still name us; it must only never panic.
            asks_for(&whole[..length]);
        }
        assert_eq!(asks_for(&[0x80; 60]), None);
        assert_eq!(asks_for(b""), None);
    }
}
