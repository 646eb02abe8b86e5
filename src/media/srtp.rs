//! SRTP and SRTCP ([RFC 3711](https://www.rfc-editor.org/rfc/rfc3711), in GCM
//! [RFC 7714](https://www.rfc-editor.org/rfc/rfc7714)): packets are sealed and opened in place, without an allocation.
//!
//! The ciphers are `rtc-crypto`'s. How packets are numbered and framed is ours and not `rtc-srtp`'s, which allocates for
//! each packet and keeps a state for every source that anybody names; in the tests it is the second opinion.

mod window;

use arrayvec::ArrayVec;
use rtc_crypto::AeadAlgorithm;
use rtc_crypto::AeadCipher;
use rtc_crypto::BlockCipherAlgorithm;
use rtc_crypto::CryptoError;
use rtc_crypto::HmacAlgorithm;
use rtc_crypto::Mac;
use rtc_crypto::RTCCrypto;
use rtc_crypto::StreamCipher;
use rtc_crypto::StreamCipherAlgorithm;
use rtc_crypto::constant_time_eq;

use self::window::Sources;
use crate::media::origin::Heard;
use crate::media::origin::Sealed;
use crate::media::rtp;
use crate::sdp::crypto::MasterKey;
use crate::sdp::crypto::Suite;

/// How much longer a packet may become by being sealed: GCM's tag, and a report's number.
pub const OVERHEAD: usize = AEAD_TAG + WORD;

const AEAD_TAG: usize = 16;
const SHA1: usize = 20;
/// Octets of a report's number, with the flag of its encryption.
const WORD: usize = 4;
const IS_ENCRYPTED: u32 = 1 << 31;
/// A report's header and source, which stay readable.
const REPORT_HEADER: usize = 8;
/// Octets of an authentication key, and of the longest salt and cipher key.
const AUTHENTICATION_KEY: usize = 20;
const SALT: usize = 14;
const LONGEST: usize = 32;

/// The labels of [RFC 3711 §4.3.1](https://www.rfc-editor.org/rfc/rfc3711#section-4.3.1) for packets; for reports they
/// are three more.
const ENCRYPTION: u8 = 0;
const AUTHENTICATION: u8 = 1;
const SALTING: u8 = 2;
const OF_REPORTS: u8 = 3;

/// One way of a stream, by one master key: it seals all packets of that way, or opens them.
pub struct Way {
    packets: Keyed,
    reports: Keyed,
    sources: Sources,
    sources_of_reports: Sources,
    /// The number of the next report that is sealed.
    next_report: u32,
}

impl Way {
    /// By this key, with nothing sealed or opened yet.
    pub fn new(suite: Suite, key: &MasterKey, crypto: &dyn RTCCrypto) -> Result<Way, CryptoError> {
        Ok(Way {
            packets: Keyed::new(suite, key, false, crypto)?,
            reports: Keyed::new(suite, key, true, crypto)?,
            sources: Sources::default(),
            sources_of_reports: Sources::default(),
            next_report: 1,
        })
    }

    /// Seals the packet in the first `length` octets of a buffer that has room for [`OVERHEAD`] more, and gives its
    /// length then. None when it is no packet, or one whose number was sealed before: two packets under one number
    /// would give both away, and in GCM the key that authenticates all others.
    pub fn seal(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        let packet = buffer.get(..length)?;
        let (start, ssrc, sequence) = read(packet)?;
        let index = self.sources.index_of(ssrc, sequence)?;
        if !self.sources.is_new(ssrc, index) {
            return None;
        }
        let sealed = self.packets.seal_packet(buffer, start, length, ssrc, index)?;
        self.sources.note(ssrc, index);
        Some(sealed)
    }

    /// Opens a packet in place, and gives its length then. None when it was not sealed by the key, or comes again.
    pub fn open(&mut self, packet: &mut [u8]) -> Option<usize> {
        let (start, ssrc, sequence) = read(packet)?;
        let index = self.sources.index_of(ssrc, sequence)?;
        if !self.sources.is_new(ssrc, index) {
            return None;
        }
        let opened = self.packets.open_packet(packet, start, ssrc, index)?;
        // Only now is it known that the source is the peer's.
        self.sources.note(ssrc, index);
        Some(opened)
    }

    /// The packet that was sealed or opened last; none before the first.
    pub fn latest(&self) -> Option<Heard> {
        self.sources.latest()
    }

    /// The number of the next report that is sealed.
    pub fn next_report(&self) -> u32 {
        self.next_report
    }

    /// As [`Way::seal`], of a compound report.
    pub fn seal_report(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        let ssrc = source_of_report(buffer.get(..length)?)?;
        let number = self.next_report;
        let sealed = self.reports.seal_report(buffer, length, ssrc, number)?;
        // After 2³¹ reports, hundreds of years, the key is used up: then none goes.
        self.next_report = number.checked_add(1).filter(|next| *next < IS_ENCRYPTED)?;
        Some(sealed)
    }

    /// As [`Way::open`], of a compound report.
    pub fn open_report(&mut self, packet: &mut [u8]) -> Option<usize> {
        let ssrc = source_of_report(packet)?;
        let number = self.reports.number_of_report(packet)?;
        if !self.sources_of_reports.is_new(ssrc, number.into()) {
            return None;
        }
        let opened = self.reports.open_report(packet, ssrc, number)?;
        self.sources_of_reports.note(ssrc, number.into());
        Some(opened)
    }
}

/// Both ways of a stream.
pub struct Ways {
    pub ours: Way,
    pub theirs: Way,
}

impl Ways {
    /// By the key that we seal by, and the one that the peer does.
    pub fn new(
        suite: Suite,
        ours: &MasterKey,
        theirs: &MasterKey,
        crypto: &dyn RTCCrypto,
    ) -> Result<Ways, CryptoError> {
        Ok(Ways { ours: Way::new(suite, ours, crypto)?, theirs: Way::new(suite, theirs, crypto)? })
    }

    /// Goes on where an earlier process left off, by the same keys: what may have been is taken for what has been.
    pub fn go_on(&mut self, from: &Sealed) {
        let Sealed { ssrc, index, report, heard } = from;
        if let Some(index) = index.checked_sub(1) {
            self.ours.sources.note_all(Heard { ssrc: *ssrc, index });
        }
        self.ours.next_report = *report;
        heard.iter().for_each(|heard| self.theirs.sources.note_all(*heard));
    }

    /// Opens a packet of the peer, or a report, as [`Way::open`].
    pub fn open(&mut self, packet: &mut [u8], is_report: bool) -> Option<usize> {
        if is_report { self.theirs.open_report(packet) } else { self.theirs.open(packet) }
    }

    /// Seals a packet to the peer, or a report, as [`Way::seal`].
    pub fn seal(&mut self, buffer: &mut [u8], length: usize, is_report: bool) -> Option<usize> {
        if is_report { self.ours.seal_report(buffer, length) } else { self.ours.seal(buffer, length) }
    }
}

/// Where a packet's payload begins, its source and its sequence.
fn read(packet: &[u8]) -> Option<(usize, u32, u16)> {
    let start = rtp::payload_start(packet)?;
    let sequence = u16::from_be_bytes([packet[2], packet[3]]);
    Some((start, word_at(packet, 8)?, sequence))
}

fn source_of_report(packet: &[u8]) -> Option<u32> {
    word_at(packet, 4).filter(|_| packet[0] >> 6 == 2)
}

fn word_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}

/// The keys of packets or of reports.
struct Keyed {
    cipher: Cipher,
    salt: [u8; SALT],
}

enum Cipher {
    Gcm(Box<dyn AeadCipher>),
    /// Counter mode, and how much of the hash goes along.
    Cm {
        cipher: Box<dyn StreamCipher>,
        mac: Box<dyn Mac>,
        tag: usize,
    },
}

impl Keyed {
    fn new(
        suite: Suite,
        master: &MasterKey,
        reports: bool,
        crypto: &dyn RTCCrypto,
    ) -> Result<Keyed, CryptoError> {
        let label = |label: u8| if reports { label + OF_REPORTS } else { label };
        let derive = |of: u8, octets| derive(suite, master, label(of), octets, crypto);
        let key = derive(ENCRYPTION, suite.key_length())?;
        let mut salt = [0; SALT];
        salt[..suite.salt_length()].copy_from_slice(&derive(SALTING, suite.salt_length())?);
        let cm = |tag| {
            Ok::<_, CryptoError>(Cipher::Cm {
                cipher: crypto.new_stream_cipher(StreamCipherAlgorithm::Aes128Ctr, &key)?,
                mac: crypto.new_hmac(HmacAlgorithm::Sha1, &derive(AUTHENTICATION, AUTHENTICATION_KEY)?)?,
                tag,
            })
        };
        let cipher = match suite {
            Suite::AeadAes128Gcm => Cipher::Gcm(crypto.new_aead(AeadAlgorithm::Aes128Gcm, &key)?),
            Suite::AeadAes256Gcm => Cipher::Gcm(crypto.new_aead(AeadAlgorithm::Aes256Gcm, &key)?),
            // Reports keep their 80 bits: RFC 4568 §6.2.2.
            Suite::AesCm128HmacSha1_32 if !reports => cm(4)?,
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => cm(10)?,
        };
        Ok(Keyed { cipher, salt })
    }

    fn seal_packet(
        &mut self,
        buffer: &mut [u8],
        start: usize,
        length: usize,
        ssrc: u32,
        index: u64,
    ) -> Option<usize> {
        let salt = self.salt;
        match &mut self.cipher {
            Cipher::Gcm(cipher) => {
                let (packet, rest) = buffer.split_at_mut_checked(length)?;
                let (header, payload) = packet.split_at_mut_checked(start)?;
                let tag = rest.get_mut(..AEAD_TAG)?;
                cipher.seal_in_place(&nonce(salt, ssrc, index), header, payload, tag).ok()?;
                Some(length + AEAD_TAG)
            }
            Cipher::Cm { cipher, mac, tag } => {
                cipher.apply_keystream(&counter(salt, ssrc, index), buffer.get_mut(start..length)?).ok()?;
                let hash = hash(mac.as_mut(), &[buffer.get(..length)?, &rollovers(index)])?;
                buffer.get_mut(length..length + *tag)?.copy_from_slice(&hash[..*tag]);
                Some(length + *tag)
            }
        }
    }

    fn open_packet(&mut self, packet: &mut [u8], start: usize, ssrc: u32, index: u64) -> Option<usize> {
        let salt = self.salt;
        match &mut self.cipher {
            Cipher::Gcm(cipher) => {
                let length = packet.len().checked_sub(AEAD_TAG).filter(|length| *length >= start)?;
                let (packet, tag) = packet.split_at_mut(length);
                let (header, payload) = packet.split_at_mut(start);
                cipher.open_in_place(&nonce(salt, ssrc, index), header, payload, tag).ok()?;
                Some(length)
            }
            Cipher::Cm { cipher, mac, tag } => {
                let length = packet.len().checked_sub(*tag).filter(|length| *length >= start)?;
                let (packet, theirs) = packet.split_at_mut(length);
                let hash = hash(mac.as_mut(), &[packet, &rollovers(index)])?;
                if !constant_time_eq(&hash[..*tag], theirs) {
                    return None;
                }
                cipher.apply_keystream(&counter(salt, ssrc, index), &mut packet[start..]).ok()?;
                Some(length)
            }
        }
    }

    fn seal_report(&mut self, buffer: &mut [u8], length: usize, ssrc: u32, number: u32) -> Option<usize> {
        let salt = self.salt;
        let word = (number | IS_ENCRYPTED).to_be_bytes();
        match &mut self.cipher {
            Cipher::Gcm(cipher) => {
                let associated = associated(buffer, word)?;
                let (payload, rest) =
                    buffer.get_mut(REPORT_HEADER..)?.split_at_mut_checked(length - REPORT_HEADER)?;
                let (tag, rest) = rest.split_at_mut_checked(AEAD_TAG)?;
                let nonce = nonce(salt, ssrc, number.into());
                cipher.seal_in_place(&nonce, &associated, payload, tag).ok()?;
                rest.get_mut(..WORD)?.copy_from_slice(&word);
                Some(length + AEAD_TAG + WORD)
            }
            Cipher::Cm { cipher, mac, tag } => {
                let payload = buffer.get_mut(REPORT_HEADER..length)?;
                cipher.apply_keystream(&counter(salt, ssrc, number.into()), payload).ok()?;
                buffer.get_mut(length..length + WORD)?.copy_from_slice(&word);
                let hash = hash(mac.as_mut(), &[buffer.get(..length + WORD)?])?;
                buffer.get_mut(length + WORD..length + WORD + *tag)?.copy_from_slice(&hash[..*tag]);
                Some(length + WORD + *tag)
            }
        }
    }

    /// The number that a sealed report has; none when it says that it is not encrypted, which nobody agreed on.
    fn number_of_report(&self, packet: &[u8]) -> Option<u32> {
        let behind = match &self.cipher {
            Cipher::Gcm(_) => 0,
            Cipher::Cm { tag, .. } => *tag,
        };
        let word = word_at(packet, packet.len().checked_sub(behind + WORD)?)?;
        (word & IS_ENCRYPTED != 0).then_some(word & !IS_ENCRYPTED)
    }

    fn open_report(&mut self, packet: &mut [u8], ssrc: u32, number: u32) -> Option<usize> {
        let salt = self.salt;
        let whole = |length: &usize| *length >= REPORT_HEADER;
        match &mut self.cipher {
            Cipher::Gcm(cipher) => {
                let length = packet.len().checked_sub(AEAD_TAG + WORD).filter(whole)?;
                let associated = associated(packet, (number | IS_ENCRYPTED).to_be_bytes())?;
                let (report, rest) = packet.split_at_mut(length);
                let nonce = nonce(salt, ssrc, number.into());
                let payload = &mut report[REPORT_HEADER..];
                cipher.open_in_place(&nonce, &associated, payload, &rest[..AEAD_TAG]).ok()?;
                Some(length)
            }
            Cipher::Cm { cipher, mac, tag } => {
                let signed = packet.len().checked_sub(*tag)?;
                let length = signed.checked_sub(WORD).filter(whole)?;
                let (packet, theirs) = packet.split_at_mut(signed);
                if !constant_time_eq(&hash(mac.as_mut(), &[packet])?[..*tag], theirs) {
                    return None;
                }
                let payload = &mut packet[REPORT_HEADER..length];
                cipher.apply_keystream(&counter(salt, ssrc, number.into()), payload).ok()?;
                Some(length)
            }
        }
    }
}

/// What a report's tag vouches for beside its payload ([RFC 7714 §9.2](https://www.rfc-editor.org/rfc/rfc7714#section-9.2)).
fn associated(report: &[u8], word: [u8; WORD]) -> Option<[u8; REPORT_HEADER + WORD]> {
    let mut associated = [0; REPORT_HEADER + WORD];
    associated[..REPORT_HEADER].copy_from_slice(report.get(..REPORT_HEADER)?);
    associated[REPORT_HEADER..].copy_from_slice(&word);
    Some(associated)
}

fn hash(mac: &mut dyn Mac, octets: &[&[u8]]) -> Option<[u8; SHA1]> {
    let mut hash = [0; SHA1];
    mac.sign(octets, &mut hash).ok().map(|()| hash)
}

/// How often the sequence has begun anew, which a packet does not say and its tag vouches for.
fn rollovers(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// [RFC 7714 §8.1](https://www.rfc-editor.org/rfc/rfc7714#section-8.1); a report's number stands where the index does.
fn nonce(salt: [u8; SALT], ssrc: u32, index: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
    nonce[6..].copy_from_slice(&index.to_be_bytes()[2..]);
    nonce.iter_mut().zip(salt).for_each(|(octet, salt)| *octet ^= salt);
    nonce
}

/// [RFC 3711 §4.1.1](https://www.rfc-editor.org/rfc/rfc3711#section-4.1.1)
fn counter(salt: [u8; SALT], ssrc: u32, index: u64) -> [u8; 16] {
    let mut counter = [0; 16];
    counter[4..8].copy_from_slice(&ssrc.to_be_bytes());
    counter[8..14].copy_from_slice(&index.to_be_bytes()[2..]);
    counter.iter_mut().zip(salt).for_each(|(octet, salt)| *octet ^= salt);
    counter
}

/// A key of the session ([RFC 3711 §4.3](https://www.rfc-editor.org/rfc/rfc3711#section-4.3), in GCM with the master key's
/// own length, RFC 7714 §11); it is never derived anew.
fn derive(
    suite: Suite,
    master: &MasterKey,
    label: u8,
    octets: usize,
    crypto: &dyn RTCCrypto,
) -> Result<ArrayVec<u8, LONGEST>, CryptoError> {
    let (key, salt) = master.expose(suite);
    let algorithm = match suite {
        Suite::AeadAes256Gcm => BlockCipherAlgorithm::Aes256,
        _ => BlockCipherAlgorithm::Aes128,
    };
    let mut derived = ArrayVec::new();
    for number in 0u16.. {
        let mut block = [0; 16];
        block[..salt.len()].copy_from_slice(salt);
        block[7] ^= label;
        block[14..].copy_from_slice(&number.to_be_bytes());
        crypto.block_encrypt(algorithm, key, &mut block)?;
        let wanted = octets - derived.len();
        derived.extend(block.into_iter().take(wanted));
        if derived.len() == octets {
            break;
        }
    }
    Ok(derived)
}

#[cfg(test)]
mod tests;
