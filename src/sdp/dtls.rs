//! `a=fingerprint` and `a=setup`: SRTP whose keys are agreed on by a DTLS handshake between the streams themselves
//! ([RFC 5763](https://www.rfc-editor.org/rfc/rfc5763), [RFC 5764](https://www.rfc-editor.org/rfc/rfc5764)), so that
//! signalling knows no key. It must be as true as signalling is. The handshake is `wire`'s.

use std::fmt;

use arrayvec::ArrayVec;
use sha2::Digest;
use sha2::Sha256;
use sha2::Sha384;
use sha2::Sha512;

use crate::sdp::description::Attribute;
use crate::sdp::description::Media;
use crate::sdp::description::SessionDescription;
use crate::sdp::description::attribute;
use crate::sdp::ice::Ice;

/// The most octets of a hash.
const LONGEST: usize = 64;

/// By what a certificate is told from others. MD5 and SHA-1 are not taken: who can make two with one hash would be
/// believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    const ALL: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

    const fn name(self) -> &'static str {
        match self {
            Hash::Sha256 => "sha-256",
            Hash::Sha384 => "sha-384",
            Hash::Sha512 => "sha-512",
        }
    }

    fn of(self, octets: &[u8]) -> ArrayVec<u8, LONGEST> {
        // Each fits: the longest is what there is room for.
        match self {
            Hash::Sha256 => Sha256::digest(octets).into_iter().collect(),
            Hash::Sha384 => Sha384::digest(octets).into_iter().collect(),
            Hash::Sha512 => Sha512::digest(octets).into_iter().collect(),
        }
    }
}

/// Of a certificate ([RFC 8122 §5](https://www.rfc-editor.org/rfc/rfc8122#section-5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    hash: Hash,
    octets: ArrayVec<u8, LONGEST>,
}

impl Fingerprint {
    /// Of a certificate in DER, by SHA-256.
    pub fn of(certificate: &[u8]) -> Fingerprint {
        Fingerprint { hash: Hash::Sha256, octets: Hash::Sha256.of(certificate) }
    }

    /// `sha-256 AB:CD:…`; none for another hash, or another number of octets.
    pub fn parse(value: &str) -> Option<Fingerprint> {
        let (name, digits) = value.trim().split_once(' ')?;
        let hash = Hash::ALL.into_iter().find(|hash| hash.name().eq_ignore_ascii_case(name))?;
        let mut octets = ArrayVec::new();
        for pair in digits.trim().split(':') {
            let digits = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            octets.try_push(u8::from_str_radix(pair, 16).ok().filter(|_| digits)?).ok()?;
        }
        (octets.len() == hash.of(&[]).len()).then_some(Fingerprint { hash, octets })
    }

    /// Whether it is this certificate's.
    pub fn is_of(&self, certificate: &[u8]) -> bool {
        self.hash.of(certificate) == self.octets
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.hash.name())?;
        for (n, octet) in self.octets.iter().enumerate() {
            let colon = if n == 0 { "" } else { ":" };
            write!(f, "{colon}{octet:02X}")?;
        }
        Ok(())
    }
}

/// Our part in the handshake ([RFC 4145 §4](https://www.rfc-editor.org/rfc/rfc4145#section-4)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// We begin it.
    Active,
    /// The peer does.
    Passive,
}

impl Setup {
    const fn name(self) -> &'static str {
        match self {
            Setup::Active => "active",
            Setup::Passive => "passive",
        }
    }
}

/// What offer and answer agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dtls {
    pub setup: Setup,
    /// Of the peer's certificate.
    pub fingerprint: Fingerprint,
    /// Whether reports go by the port of the audio ([RFC 5761](https://www.rfc-editor.org/rfc/rfc5761)), and so by its
    /// handshake.
    pub rtcp_mux: bool,
    /// By what the way to a browser is found; none for a phone, whose description says where it is.
    pub ice: Option<Box<Ice>>,
}

impl Dtls {
    /// Whether the handshake of what was agreed on before holds for this too. Ways may be looked for anew without another
    /// one ([RFC 8842 §4](https://www.rfc-editor.org/rfc/rfc8842#section-4)).
    pub fn goes_on_from(&self, before: &Dtls) -> bool {
        let of = |dtls: &Dtls| (dtls.setup, dtls.rtcp_mux);
        of(self) == of(before) && self.fingerprint == before.fingerprint
    }
}

/// The fingerprint of a stream that we can check: its own, or that of the whole session.
pub(super) fn offered(session: &SessionDescription, media: &Media) -> Option<Fingerprint> {
    let ours = |attributes: &[Attribute]| {
        let named = attributes.iter().filter(|attribute| attribute.name.eq_ignore_ascii_case("fingerprint"));
        named.filter_map(|attribute| Fingerprint::parse(attribute.value.as_deref()?)).next()
    };
    ours(&media.attributes).or_else(|| ours(&session.attributes))
}

/// What our offer says: the peer may choose who begins.
pub(super) fn offer(fingerprint: &Fingerprint) -> Vec<Attribute> {
    told(fingerprint, "actpass", true)
}

/// What is agreed on by a stream that offers this, and what our answer says of it. Where we may choose, the peer begins:
/// it does so when it has our answer, and its first packet finds the way through its NAT.
pub(super) fn answer(
    ours: &Fingerprint,
    session: &SessionDescription,
    media: &Media,
) -> Option<(Dtls, Vec<Attribute>)> {
    let setup = match setup(session, media) {
        Some("passive") => Setup::Active,
        Some("holdconn") => return None,
        _ => Setup::Passive,
    };
    let rtcp_mux = media.attribute("rtcp-mux").is_some();
    let fingerprint = offered(session, media)?;
    Some((Dtls { setup, fingerprint, rtcp_mux, ice: None }, told(ours, setup.name(), rtcp_mux)))
}

/// What is agreed on by an answer to our [`offer`].
pub(super) fn accept(session: &SessionDescription, media: &Media) -> Option<Dtls> {
    let setup = match setup(session, media) {
        Some("passive") => Setup::Active,
        Some("active") | None => Setup::Passive,
        Some(_) => return None,
    };
    let rtcp_mux = media.attribute("rtcp-mux").is_some();
    Some(Dtls { setup, fingerprint: offered(session, media)?, rtcp_mux, ice: None })
}

fn setup<'a>(session: &'a SessionDescription, media: &'a Media) -> Option<&'a str> {
    media.attribute("setup").or_else(|| attribute(&session.attributes, "setup"))
}

fn told(fingerprint: &Fingerprint, setup: &str, rtcp_mux: bool) -> Vec<Attribute> {
    let mut told = vec![Attribute::of("fingerprint", fingerprint.to_string()), Attribute::of("setup", setup)];
    told.extend(rtcp_mux.then(|| Attribute::flag("rtcp-mux")));
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_written_and_knows_its_certificate() {
        let ours = Fingerprint::of(b"abc");
        let text = ours.to_string();
        // FIPS 180-2, B.1.
        assert!(
            text.starts_with("sha-256 BA:78:16:BF:8F:01:CF:EA:") && text.ends_with(":F2:00:15:AD"),
            "{text}"
        );
        assert_eq!(Fingerprint::parse(&text.to_lowercase()), Some(ours.clone()));
        assert!(ours.is_of(b"abc") && !ours.is_of(b"abd"));
        for hash in [Hash::Sha384, Hash::Sha512] {
            let other = Fingerprint { hash, octets: hash.of(b"abc") };
            assert_eq!(Fingerprint::parse(&other.to_string()), Some(other.clone()));
            assert!(other.is_of(b"abc"));
        }
    }

    #[test]
    fn what_is_no_fingerprint_is_not_taken() {
        let good = Fingerprint::of(b"abc").to_string();
        for bad in [
            good.replace("sha-256", "sha-1"),
            good.replace("sha-256", "sha-512"),
            good.replace("BA:", "+A:"),
            good.replace("BA:", "BAA:"),
            format!("{good}:00"),
            good.replace(':', ""),
            format!("sha-512 {}", ["00"; 65].join(":")),
            "sha-256".to_owned(),
            String::new(),
        ] {
            assert_eq!(Fingerprint::parse(&bad), None, "{bad}");
        }
    }
}
