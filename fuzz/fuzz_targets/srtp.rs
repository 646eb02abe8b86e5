//! Any datagrams at the receiving end of SRTP, in each suite: what nobody sealed, or somebody bent, is never opened; what
//! was sealed comes out as it went in, and once.

#![no_main]

use libfuzzer_sys::fuzz_target;
use warmline::base::Entropy;
use warmline::media::srtp::OVERHEAD;
use warmline::media::srtp::Way;
use warmline::sdp::crypto::MasterKey;
use warmline::sdp::crypto::Suite;

fuzz_target!(|data: &[u8]| {
    let Some((&which, mut rest)) = data.split_first() else { return };
    let suite = Suite::ALL[usize::from(which) % Suite::ALL.len()];
    let key = MasterKey::draw(suite, &mut Entropy::seeded(1));
    let provider = rtc_crypto::default_provider().expect("a provider");
    let way = || Way::new(suite, &key, provider.crypto()).expect("a key of the suite's length");
    let (mut sealing, mut opening) = (way(), way());
    // One datagram after the other: a length, what is done with it, and that many octets.
    while let Some((&[length, how], after)) = rest.split_first_chunk() {
        let (datagram, next) = after.split_at(usize::from(length).min(after.len()));
        rest = next;
        let is_report = how & 1 == 1;
        let mut open = |packet: &mut [u8]| match is_report {
            true => opening.open_report(packet),
            false => opening.open(packet),
        };
        if how & 2 == 0 {
            let mut stray = datagram.to_vec();
            assert_eq!(open(&mut stray), None, "nobody sealed it");
            continue;
        }
        let mut buffer = datagram.to_vec();
        buffer.resize(datagram.len() + OVERHEAD, 0);
        let sealed = match is_report {
            true => sealing.seal_report(&mut buffer, datagram.len()),
            false => sealing.seal(&mut buffer, datagram.len()),
        };
        let Some(sealed) = sealed else { continue };
        let mut bent = buffer[..sealed].to_vec();
        if how & 4 == 4 {
            let at = usize::from(how >> 3) % sealed;
            bent[at] ^= 1;
            assert_eq!(open(&mut bent), None, "somebody bent it");
        }
        let mut packet = buffer[..sealed].to_vec();
        // A number that came before, or one far behind the newest, is not opened again.
        if let Some(length) = open(&mut packet) {
            assert_eq!(&packet[..length], datagram);
            let mut again = buffer[..sealed].to_vec();
            assert_eq!(open(&mut again), None, "it came again");
        }
    }
});
