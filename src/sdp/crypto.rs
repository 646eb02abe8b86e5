//! `a=crypto`: the keys of SRTP within the description ([RFC 4568](https://www.rfc-editor.org/rfc/rfc4568)), which are
//! as secret as the signalling that carries them. What is done with a key is `wire`'s.

use std::fmt;

use arrayvec::ArrayVec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::base::Entropy;
use crate::sdp::description::Attribute;
use crate::sdp::description::Media;

/// The most octets of a master key with its salt: AES-256 in GCM.
pub const LONGEST_KEY: usize = 44;

/// What protects the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    AeadAes128Gcm,
    AeadAes256Gcm,
    AesCm128HmacSha1_80,
    AesCm128HmacSha1_32,
}

impl Suite {
    pub const ALL: [Suite; 4] =
        [Suite::AeadAes128Gcm, Suite::AeadAes256Gcm, Suite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_32];
    /// What we offer, best first: one that is quick and one that everybody has. Offered, each costs 90 octets of an
    /// INVITE, which has to fit into one datagram.
    const OFFERED: [Suite; 2] = [Suite::AeadAes128Gcm, Suite::AesCm128HmacSha1_80];

    /// As RFC 4568 and [RFC 7714 §14](https://www.rfc-editor.org/rfc/rfc7714#section-14) spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Suite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Suite::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Suite::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// Octets of the master key.
    pub const fn key_length(self) -> usize {
        match self {
            Suite::AeadAes256Gcm => 32,
            Suite::AeadAes128Gcm | Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => 16,
        }
    }

    /// Octets of the master salt.
    pub const fn salt_length(self) -> usize {
        match self {
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => 12,
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => 14,
        }
    }
}

/// A master key and its salt. It does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(ArrayVec<u8, LONGEST_KEY>);

impl MasterKey {
    /// A new one, of the length that a suite wants.
    pub fn draw(suite: Suite, entropy: &mut Entropy) -> MasterKey {
        let octets = std::iter::repeat_with(|| entropy.u32() as u8);
        MasterKey(octets.take(suite.key_length() + suite.salt_length()).collect())
    }

    fn parse(suite: Suite, text: &str) -> Option<MasterKey> {
        let octets = STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()?;
        MasterKey::of(suite, &octets)
    }

    /// A key and the salt after it; none when they are not as long as the suite wants them.
    pub fn of(suite: Suite, octets: &[u8]) -> Option<MasterKey> {
        let fits = octets.len() == suite.key_length() + suite.salt_length();
        Some(MasterKey(octets.iter().copied().take(LONGEST_KEY).collect())).filter(|_| fits)
    }

    /// Key and salt, for the cipher.
    pub fn expose(&self, suite: Suite) -> (&[u8], &[u8]) {
        self.0.split_at(suite.key_length())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// One `a=crypto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crypto {
    pub tag: u32,
    pub suite: Suite,
    pub key: MasterKey,
}

impl Crypto {
    /// What we would send by, in the suites that we take, each with a key of its own.
    pub fn draw(entropy: &mut Entropy) -> Vec<Crypto> {
        let crypto = |(tag, suite): (u32, Suite)| Crypto { tag, suite, key: MasterKey::draw(suite, entropy) };
        (1..).zip(Suite::ALL).map(crypto).collect()
    }

    /// `1 AES_CM_128_HMAC_SHA1_80 inline:…|2^31`. None for what we do not take: another suite, a key identifier, or
    /// parameters that would change what a packet looks like.
    fn parse(value: &str) -> Option<Crypto> {
        let mut words = value.split_ascii_whitespace();
        let (tag, suite, key) = (words.next()?, words.next()?, words.next()?);
        let suite = Suite::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(suite))?;
        let mut parts = key.strip_prefix("inline:")?.split('|');
        let key = MasterKey::parse(suite, parts.next()?)?;
        let has_identifier = parts.any(|part| part.contains(':'));
        // Of the parameters only a hint about windows may stand there.
        let changes = words.any(|parameter| !parameter.starts_with("WSH=") && !parameter.starts_with('-'));
        (!has_identifier && !changes).then_some(Crypto { tag: tag.parse().ok()?, suite, key })
    }

    fn attribute(&self) -> Attribute {
        let Crypto { tag, suite, key } = self;
        Attribute::of("crypto", format!("{tag} {} inline:{}", suite.name(), STANDARD.encode(&key.0)))
    }
}

/// What offer and answer agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sdes {
    pub suite: Suite,
    /// What we send by, and what the peer does.
    pub ours: MasterKey,
    pub theirs: MasterKey,
}

/// The cryptos of a stream that we take, in its order.
fn taken(media: &Media) -> impl Iterator<Item = Crypto> + '_ {
    let cryptos = media.attributes.iter().filter(|attribute| attribute.name.eq_ignore_ascii_case("crypto"));
    cryptos.filter_map(|attribute| Crypto::parse(attribute.value.as_deref()?))
}

/// What our offer says.
pub(super) fn offer(keys: &[Crypto]) -> Vec<Attribute> {
    offered(keys).map(Crypto::attribute).collect()
}

fn offered(keys: &[Crypto]) -> impl Iterator<Item = &Crypto> {
    Suite::OFFERED.iter().filter_map(|suite| keys.iter().find(|ours| ours.suite == *suite))
}

/// What is agreed by a stream that offers this, and what our answer says of it.
pub(super) fn answer(keys: &[Crypto], media: &Media) -> Option<(Sdes, Attribute)> {
    taken(media).find_map(|theirs| {
        let ours = keys.iter().find(|ours| ours.suite == theirs.suite)?;
        let told = Crypto { tag: theirs.tag, ..ours.clone() }.attribute();
        Some((Sdes { suite: ours.suite, ours: ours.key.clone(), theirs: theirs.key }, told))
    })
}

/// What is agreed by an answer to our offer: it repeats tag and suite of one of ours.
pub(super) fn accept(keys: &[Crypto], media: &Media) -> Option<Sdes> {
    taken(media).find_map(|theirs| {
        let ours = offered(keys).find(|ours| ours.tag == theirs.tag && ours.suite == theirs.suite)?;
        Some(Sdes { suite: ours.suite, ours: ours.key.clone(), theirs: theirs.key })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 4568 §9.1.
    const RFC: &str =
        "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20 FEC_ORDER=FEC_SRTP";
    const KEY: &str = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    #[test]
    fn a_line_is_read_or_not_taken() {
        let read = |value: &str| Crypto::parse(value);
        let crypto = read(&format!("3 aes_cm_128_hmac_sha1_32 {KEY}|2^31 WSH=64")).unwrap();
        assert_eq!((crypto.tag, crypto.suite), (3, Suite::AesCm128HmacSha1_32));
        let (key, salt) = crypto.key.expose(crypto.suite);
        assert_eq!((key, salt), (&b"YS___semctl () {"[..], &b"\t220;}\n}\nunles"[..]));
        for odd in [
            RFC,
            "x AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
            "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4",
            "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz UNENCRYPTED_SRTP",
            "1 AES_CM_128_HMAC_SHA1_80 inline:c2hvcnQ=",
            "1 AES_CM_128_HMAC_SHA1_80 inline:?",
            "1 F8_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
            "1 AES_CM_128_HMAC_SHA1_80",
            "",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_key_is_as_long_as_its_suite_wants_it_and_does_not_print_itself() {
        let keys = Crypto::draw(&mut Entropy::seeded(1));
        assert_eq!(keys.iter().map(|crypto| crypto.suite).collect::<Vec<_>>(), Suite::ALL);
        for crypto in &keys {
            let (key, salt) = crypto.key.expose(crypto.suite);
            assert_eq!((key.len(), salt.len()), (crypto.suite.key_length(), crypto.suite.salt_length()));
            let told = crypto.attribute().value.unwrap();
            assert_eq!(Crypto::parse(&told).as_ref(), Some(crypto));
            let printed = format!("{crypto:?}");
            assert!(!printed.contains(told.rsplit(':').next().unwrap()), "{printed}");
            assert!(printed.contains("MasterKey(…)"), "{printed}");
        }
    }
}
