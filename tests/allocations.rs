//! What a media worker does for a packet and a frame, in steady state, allocates nothing.

#[path = "../benches/rig/mod.rs"]
mod rig;

use allocation_counter::measure;
use warmline::base::Entropy;
use warmline::media::codec::Decoder;
use warmline::media::codec::Encoder;
use warmline::media::codec::MAX_DECODED;
use warmline::media::codec::MAX_FRAME;
use warmline::media::codec::rate;
use warmline::media::frame::WIDE;
use warmline::media::rtp::HEADER;
use warmline::media::rtp::Header;
use warmline::media::srtp::OVERHEAD;
use warmline::media::srtp::Way;
use warmline::sdp::Codec;
use warmline::sdp::crypto::MasterKey;
use warmline::sdp::crypto::Suite;

use crate::rig::Rig;

#[test]
fn playing_forwarding_mixing_transcoding_and_recording_allocate_nothing() {
    for (what, mut rig) in [
        ("a clip", Rig::playing()),
        ("nobody listens", Rig::heard_by_nobody()),
        ("two laws", Rig::talk([Codec::Pcmu, Codec::Pcma])),
        ("G.711 and G.722", Rig::talk([Codec::Pcmu, Codec::G722])),
        ("G.711 and Opus", Rig::talk([Codec::Pcmu, Codec::Opus])),
        ("three who talk", Rig::three()),
        ("a recording", Rig::recorded()),
    ] {
        // Buffers and encoders are made in the first two seconds.
        for _ in 0..100 {
            rig.frame();
        }
        let before = rig.sink.sent;
        let allocated = measure(|| {
            for _ in 0..500 {
                rig.frame();
            }
        });
        let sent = rig.sink.sent - before;
        assert!(sent >= 500 * rig.legs() - 20, "{what}: {sent} sent");
        assert_eq!(allocated.count_total, 0, "{what}: {allocated:?}");
    }
}

/// What `docs/PERFORMANCE.md` says of memory by codec.
#[test]
fn what_a_codec_remembers_takes_no_more_than_is_said() {
    for (codec, encoder_kib, decoder_kib) in
        [(Codec::Pcmu, 0, 0), (Codec::G722, 1, 1), (Codec::Opus, 320, 192)]
    {
        let mut octets = [0; MAX_FRAME];
        let samples = [500; WIDE];
        let encoding = measure(|| {
            let mut encoder = Encoder::new(codec);
            for _ in 0..50 {
                encoder.encode(&samples[..rate(codec).samples()], &mut octets);
            }
        });
        let length = Encoder::new(codec).encode(&samples[..rate(codec).samples()], &mut octets);
        let decoding = measure(|| {
            let mut decoder = Decoder::new(codec);
            for _ in 0..50 {
                decoder.decode(&octets[..length], &mut [0; MAX_DECODED]);
            }
        });
        println!("{codec:?}: {} octets to encode, {} to decode", encoding.bytes_max, decoding.bytes_max);
        assert!(encoding.bytes_max <= encoder_kib << 10, "{codec:?}: {encoding:?}");
        assert!(decoding.bytes_max <= decoder_kib << 10, "{codec:?}: {decoding:?}");
    }
}

#[test]
fn securing_a_packet_allocates_nothing() {
    let provider = rtc_crypto::default_provider().unwrap();
    for suite in Suite::ALL {
        let key = MasterKey::draw(suite, &mut Entropy::seeded(1));
        let way = || Way::new(suite, &key, provider.crypto()).unwrap();
        let (mut sealing, mut opening) = (way(), way());
        let allocated = measure(|| {
            for sequence in 0..1_000 {
                let mut buffer = [7; HEADER + 160 + OVERHEAD];
                let header = Header { marker: false, payload_type: 0, sequence, timestamp: 160, ssrc: 9 };
                header.write(buffer.first_chunk_mut().unwrap());
                let sealed = sealing.seal(&mut buffer, HEADER + 160).unwrap();
                assert_eq!(opening.open(&mut buffer[..sealed]), Some(HEADER + 160));
            }
        });
        assert_eq!(allocated.count_total, 0, "{suite:?}: {allocated:?}");
    }
}
