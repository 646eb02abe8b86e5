//! Against the RFC's vectors and `rtc-srtp`, and what comes again, bent or too often.

use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;

use super::*;
use crate::base::Entropy;
use crate::media::rtp::HEADER;
use crate::media::rtp::Header;

fn way(suite: Suite, key: &MasterKey) -> Way {
    Way::new(suite, key, rtc_crypto::default_provider().unwrap().crypto()).unwrap()
}

/// The same key for the other implementation.
fn theirs(suite: Suite, master: &MasterKey) -> Context {
    let profile = match suite {
        Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Suite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        Suite::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Suite::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
    };
    let (key, salt) = master.expose(suite);
    let provider = rtc_crypto::default_provider().unwrap();
    Context::new(key, salt, profile, None, None, provider.crypto()).unwrap()
}

fn packet(sequence: u16) -> Vec<u8> {
    let mut packet = vec![7; HEADER + 160];
    let header = Header { marker: false, payload_type: 0, sequence, timestamp: 160, ssrc: 9 };
    header.write(packet.first_chunk_mut().unwrap());
    packet
}

/// A sender report, and the name of its sender.
fn report(about: u32) -> Vec<u8> {
    let mut report = vec![0x80, 200, 0, 6];
    report.extend([9u32, about, 1, 2, 3, 4].iter().flat_map(|word| word.to_be_bytes()));
    report.extend([0x81, 202, 0, 2, 0, 0, 0, 9, 1, 0, 0, 0]);
    report
}

fn seal(way: &mut Way, packet: &[u8], is_report: bool) -> Option<Vec<u8>> {
    let mut buffer = [packet, &[0; OVERHEAD]].concat();
    let length = match is_report {
        false => way.seal(&mut buffer, packet.len()),
        true => way.seal_report(&mut buffer, packet.len()),
    };
    length.map(|length| buffer[..length].to_vec())
}

fn open(way: &mut Way, packet: &[u8], is_report: bool) -> Option<Vec<u8>> {
    let mut packet = packet.to_vec();
    let length = if is_report { way.open_report(&mut packet) } else { way.open(&mut packet) };
    length.map(|length| packet[..length].to_vec())
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn keys_are_derived_as_the_rfc_has_it() {
    // RFC 3711 B.3.
    let suite = Suite::AesCm128HmacSha1_80;
    let key = octets("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6");
    let key = MasterKey::of(suite, &key).unwrap();
    let provider = rtc_crypto::default_provider().unwrap();
    let derived =
        |label, length| derive(suite, &key, label, length, provider.crypto()).unwrap().as_slice().to_vec();
    assert_eq!(derived(ENCRYPTION, 16), octets("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(derived(SALTING, 14), octets("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(derived(AUTHENTICATION, 20), octets("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

#[test]
fn another_implementation_opens_what_we_seal_and_we_open_what_it_seals() {
    for suite in Suite::ALL {
        let key = MasterKey::draw(suite, &mut Entropy::seeded(3));
        let (mut sealing, mut opening) = (way(suite, &key), way(suite, &key));
        let (mut their_opening, mut their_sealing) = (theirs(suite, &key), theirs(suite, &key));
        // Over a wrap of the sequence, with losses and a packet that was overtaken.
        for step in [0u32, 1, 3, 2, 500, 1_000, 1_001, 2_000, 30_000, 60_000, 90_000] {
            let mut plain = packet((65_000 + step) as u16);
            let sealed = seal(&mut sealing, &plain, false).unwrap();
            assert_eq!(their_opening.decrypt_rtp(&sealed).unwrap(), plain, "{suite:?} {step}");
            // One source is named beside, an extension comes before the payload, and there is padding.
            plain[0] |= 0x31;
            plain[HEADER + 6..HEADER + 8].copy_from_slice(&[0, 1]);
            *plain.last_mut().unwrap() = 2;
            let sealed = their_sealing.encrypt_rtp(&plain).unwrap();
            assert_eq!(open(&mut opening, &sealed, false), Some(plain), "{suite:?} {step}");
        }
        for about in 0..3 {
            let plain = report(about);
            let sealed = seal(&mut sealing, &plain, true).unwrap();
            assert_eq!(their_opening.decrypt_rtcp(&sealed).unwrap(), plain, "{suite:?}");
            let sealed = their_sealing.encrypt_rtcp(&plain).unwrap();
            assert_eq!(open(&mut opening, &sealed, true), Some(plain), "{suite:?}");
        }
    }
}

#[test]
fn what_comes_again_or_bent_or_plain_or_cut_is_not_opened_and_counts_for_nothing() {
    for suite in Suite::ALL {
        let key = MasterKey::draw(suite, &mut Entropy::seeded(4));
        let (mut sealing, mut opening) = (way(suite, &key), way(suite, &key));
        for (is_report, plain) in [(false, packet(7)), (true, report(7))] {
            let sealed = seal(&mut sealing, &plain, is_report).unwrap();
            for at in 0..sealed.len() {
                let mut bent = sealed.clone();
                bent[at] ^= 1;
                assert_eq!(open(&mut opening, &bent, is_report), None, "{suite:?} octet {at}");
                assert_eq!(open(&mut opening, &sealed[..at], is_report), None, "{suite:?} cut at {at}");
            }
            assert_eq!(open(&mut opening, &plain, is_report), None, "{suite:?} plain");
            assert_eq!(open(&mut opening, &sealed, is_report).as_ref(), Some(&plain), "{suite:?}");
            assert_eq!(open(&mut opening, &sealed, is_report), None, "{suite:?} again");
        }
    }
}

#[test]
fn no_number_is_sealed_twice() {
    let suite = Suite::AeadAes128Gcm;
    let mut sealing = way(suite, &MasterKey::draw(suite, &mut Entropy::seeded(5)));
    assert!(seal(&mut sealing, &packet(1), false).is_some());
    let mut other = packet(1);
    other[HEADER] ^= 1;
    assert_eq!(seal(&mut sealing, &other, false), None);
    assert!(seal(&mut sealing, &packet(200), false).is_some());
    assert_eq!(seal(&mut sealing, &packet(2), false), None, "too old to be known as new");
    let (first, second) = (seal(&mut sealing, &report(1), true), seal(&mut sealing, &report(1), true));
    assert_ne!(first, second);
}

#[test]
fn a_buffer_without_room_seals_nothing() {
    for suite in Suite::ALL {
        let mut sealing = way(suite, &MasterKey::draw(suite, &mut Entropy::seeded(6)));
        let mut plain = packet(1);
        let length = plain.len();
        assert_eq!(sealing.seal(&mut plain, length), None, "{suite:?}");
        assert_eq!(sealing.seal(&mut [0; 9], 40), None);
        let mut plain = report(1);
        let length = plain.len();
        assert_eq!(sealing.seal_report(&mut plain, length), None, "{suite:?}");
    }
}

#[test]
fn whatever_comes_is_not_opened_unless_it_was_sealed() {
    let mut chance = Entropy::seeded(7);
    for suite in Suite::ALL {
        let key = MasterKey::draw(suite, &mut Entropy::seeded(8));
        let (mut sealing, mut opening) = (way(suite, &key), way(suite, &key));
        for _ in 0..5_000 {
            let mut datagram: Vec<u8> = (0..chance.below(90)).map(|_| chance.u32() as u8).collect();
            // Most look like packets, of more sources than are remembered.
            if let Some(first) = datagram.first_mut().filter(|_| chance.below(4) > 0) {
                *first = 0x80 | *first & 0x3f;
            }
            let is_report = chance.below(2) == 0;
            assert_eq!(open(&mut opening, &datagram, is_report), None, "{suite:?}");
            if let Some(sealed) = seal(&mut sealing, &datagram, is_report) {
                // Bent or cut anywhere it is not opened, and the true one is after it.
                let at = chance.below(sealed.len() as u64) as usize;
                let mut bent = sealed.clone();
                bent[at] ^= 1 << chance.below(8);
                for other in [&bent, &sealed[..at]] {
                    assert_eq!(open(&mut opening, other, is_report), None, "{suite:?}");
                }
                assert_eq!(open(&mut opening, &sealed, is_report), Some(datagram), "{suite:?}");
            }
        }
    }
}
