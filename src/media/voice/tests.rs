//! Voices over a network that loses, delays, repeats and reorders, between two clocks; every run has a seed.

use super::*;
use crate::base::Entropy;
use crate::media::codec::Encoder;
use crate::media::codec::MAX_FRAME;
use crate::media::quality;

/// What a network does to a packet.
#[derive(Clone, Copy, Debug, Default)]
struct Network {
    loss_percent: u64,
    /// Each packet comes up to so much later than the quickest one.
    jitter_ms: u64,
    duplicate_percent: u64,
    /// By how much the sender's clock is faster, in millionths.
    fast_ppm: i64,
    /// Packets of so many milliseconds: 10, or whole frames.
    ptime_ms: u64,
}

/// When a frame begins.
fn at(frame: usize) -> Timestamp {
    Timestamp::from_millis(20 * frame as u64)
}

/// What was heard, and what was done for it.
struct Heard {
    samples: Vec<i16>,
    counts: VoiceCounts,
    /// The most that waited in the last half of the time, in ms.
    delay_ms: i32,
    lost: u64,
}

/// Sends samples through a codec and a network to a listener who takes a frame every 20 ms.
fn listen(codec: Codec, said: &[i16], network: Network, seed: u64) -> Heard {
    let mut chance = Entropy::seeded(seed);
    let (mut encoder, mut octets) = (Encoder::new(codec), [0; MAX_FRAME]);
    let mut voice = Voice::new(codec);
    let frames_a_packet = (network.ptime_ms.max(20) / 20) as usize;
    let per_packet = rate(codec).samples() * frames_a_packet;
    // A frame in two packets, where they are of 10 ms.
    let parts = if network.ptime_ms == 10 { 2 } else { 1 };
    let clock = units(codec) * frames_a_packet as u32 / parts as u32;
    // (when it comes in µs, its number, its payload)
    let mut wire: Vec<(u64, u32, Vec<u8>)> = Vec::new();
    let mut lost = 0;
    for (n, packet) in said.chunks_exact(per_packet).enumerate() {
        let mut payload = Vec::new();
        for frame in packet.chunks_exact(rate(codec).samples()) {
            let length = encoder.encode(frame, &mut octets);
            payload.extend_from_slice(&octets[..length]);
        }
        for (part, payload) in payload.chunks(payload.len() / parts).enumerate() {
            let number = n * parts + part;
            let sent = number as u64 * 20_000 * frames_a_packet as u64 / parts as u64;
            let sent = (sent as i64 * (1_000_000 - network.fast_ppm) / 1_000_000) as u64;
            if chance.below(100) < network.loss_percent {
                lost += 1;
                continue;
            }
            let copies = 1 + u64::from(chance.below(100) < network.duplicate_percent);
            for _ in 0..copies {
                let comes = sent + chance.below(network.jitter_ms * 1_000 + 1);
                wire.push((comes, number as u32, payload.to_vec()));
            }
        }
    }
    wire.sort_by_key(|(when, number, _)| (*when, *number));
    let mut wire = wire.into_iter().peekable();
    // A fast sender has said everything a little earlier.
    let frames = said.len() / per_packet * frames_a_packet - if network.fast_ppm > 0 { 50 } else { 0 };
    let (mut samples, mut delay_ms) = (Vec::new(), 0);
    for frame in 0..frames as u64 {
        let now = frame * 20_000 + 7_000;
        while let Some((when, number, payload)) = wire.next_if(|(when, _, _)| *when <= now) {
            let (timestamp, sequence) = (number.wrapping_mul(clock), number as u16);
            let header = Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 1 };
            voice.receive(Timestamp(when), &header, codec, &payload);
        }
        samples.extend_from_slice(voice.frame(Timestamp(now), frame, rate(codec)));
        if frame > frames as u64 / 2 {
            delay_ms = delay_ms.max(voice.delay_ms());
        }
    }
    Heard { samples, counts: voice.counts, delay_ms, lost }
}

/// A voice of one pitch, whose every frame is alike.
fn tone(codec: Codec, seconds: usize) -> Vec<i16> {
    let hz = f64::from(rate(codec).hz());
    (0..seconds * hz as usize)
        .map(|n| {
            let at = std::f64::consts::TAU * 200.0 * n as f64 / hz;
            (6_000.0 * at.sin() + 2_000.0 * (3.0 * at).sin()) as i16
        })
        .collect()
}

/// Frames of a tone that are much quieter or louder than the tone, after the first half second.
fn holes(heard: &[i16], said: &[i16], codec: Codec) -> usize {
    let frame = rate(codec).samples();
    let level = |samples: &[i16]| quality::level_db(samples, &said[..10 * frame]);
    heard.chunks_exact(frame).skip(25).filter(|samples| level(samples).abs() > 3.0).count()
}

const DECODED_BY_US: [Codec; 2] = [Codec::Pcmu, Codec::G722];

#[test]
fn a_perfect_network_is_heard_as_it_was_said_and_40_ms_later() {
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        for ptime_ms in [10, 20, 40, 60] {
            if codec == Codec::Opus && ptime_ms != 20 {
                continue;
            }
            let said = quality::speech(rate(codec).hz());
            let heard = listen(codec, &said, Network { ptime_ms, ..Network::default() }, 1);
            let VoiceCounts { concealed, shortened, lengthened } = heard.counts;
            assert_eq!(concealed, 0, "{codec:?} {ptime_ms} ms");
            // Of packets of 10 ms the first wait for each other, which is given up once.
            assert!(shortened <= u32::from(ptime_ms == 10), "{codec:?} {ptime_ms} ms: {shortened}");
            // A longer packet waits longer for its last part: so much more has to wait.
            assert!(lengthened <= 6, "{codec:?} {ptime_ms} ms: {lengthened}");
            assert!(heard.delay_ms <= 60, "{codec:?} {ptime_ms} ms: {}", heard.delay_ms);
            let alike = quality::compare(&said, &heard.samples);
            let least = if codec == Codec::Opus { 7.0 } else { 20.0 };
            assert!(alike.snr_db > least, "{codec:?} {ptime_ms} ms: {alike:?}");
        }
    }
}

#[test]
fn losses_are_filled_in_and_leave_no_hole() {
    for codec in DECODED_BY_US {
        let said = tone(codec, 20);
        for loss_percent in [1, 5, 10] {
            for seed in 0..5 {
                let network = Network { loss_percent, jitter_ms: 10, ..Network::default() };
                let heard = listen(codec, &said, network, seed);
                let concealed = heard.counts.concealed / rate(codec).samples() as u64;
                assert!(
                    heard.lost > 0 && concealed * 10 >= heard.lost * 9 - 20,
                    "{codec:?} {loss_percent} % {seed}"
                );
                // Two in a row are heard as a dip, three as a short silence.
                let most = [1, 6, 25][loss_percent as usize / 5];
                let holes = holes(&heard.samples, &said, codec);
                assert!(
                    holes <= most,
                    "{codec:?} {loss_percent} % seed {seed}: {holes} holes, {} lost",
                    heard.lost
                );
            }
        }
    }
}

#[test]
fn opus_rebuilds_most_of_what_was_lost() {
    let said = quality::speech(16_000);
    // Second by second, for a loss may move what comes after it; the middle of eight.
    let alike = |loss_percent| {
        let heard = listen(Codec::Opus, &said, Network { loss_percent, ..Network::default() }, 3).samples;
        let seconds = (0..8).map(|n| n * 8_000..n * 8_000 + 16_000);
        let mut snr: Vec<f64> =
            seconds.map(|part| quality::compare(&said[part.clone()], &heard[part]).snr_db).collect();
        snr.sort_by(f64::total_cmp);
        snr[4]
    };
    let (whole, five, ten) = (alike(0), alike(5), alike(10));
    assert!(five > whole - 3.0 && ten > whole - 5.0, "{whole} dB, {five} dB, {ten} dB");
}

#[test]
fn jitter_and_reordering_of_50_ms_are_waited_for_after_the_first_moments() {
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        for seed in 0..10 {
            let said = tone(codec, 20);
            let network = Network { jitter_ms: 50, duplicate_percent: 2, ..Network::default() };
            let heard = listen(codec, &said, network, seed);
            let concealed_ms = heard.counts.concealed * 1_000 / u64::from(rate(codec).hz());
            assert!(concealed_ms <= 300, "{codec:?} seed {seed}: {concealed_ms} ms");
            assert_eq!(holes(&heard.samples[said.len() / 2..], &said, codec), 0, "{codec:?} seed {seed}");
            assert!((50..=130).contains(&heard.delay_ms), "{codec:?} seed {seed}: {} ms", heard.delay_ms);
        }
    }
}

#[test]
fn a_delay_that_is_no_longer_needed_is_given_up_again() {
    let said = tone(Codec::Pcmu, 40);
    let mut voice = Voice::new(Codec::Pcmu);
    let mut encoder = Encoder::new(Codec::Pcmu);
    let mut octets = [0; MAX_FRAME];
    let (mut after_a_stall, mut at_the_end) = (0, 0);
    for (n, frame) in said.chunks_exact(160).enumerate() {
        let header = |n: usize| Header {
            marker: false,
            payload_type: 0,
            sequence: n as u16,
            timestamp: n as u32 * 160,
            ssrc: 1,
        };
        // For 160 ms nothing comes, and then everything at once.
        let length = encoder.encode(frame, &mut octets);
        let sends = match n {
            100..108 => 0..0,
            108 => 100..109,
            _ => n..n + 1,
        };
        let arrives = n;
        for n in sends {
            voice.receive(at(arrives), &header(n), Codec::Pcmu, &octets[..length]);
        }
        voice.frame(at(n), n as u64, Rate::Narrow);
        if n == 110 {
            after_a_stall = voice.delay_ms();
        }
        at_the_end = voice.delay_ms();
    }
    assert!(after_a_stall >= 100, "{after_a_stall} ms");
    assert!(at_the_end <= 45, "{at_the_end} ms");
    assert!(voice.counts.shortened >= 8, "{:?}", voice.counts);
}

#[test]
fn half_an_hour_between_clocks_that_differ_by_300_ppm_is_heard_without_a_slip() {
    for fast_ppm in [300, -300] {
        let said = tone(Codec::Pcmu, 1_800);
        let heard = listen(Codec::Pcmu, &said, Network { fast_ppm, jitter_ms: 5, ..Network::default() }, 9);
        // 300 ppm of half an hour are 540 ms: periods of 5 ms, for the tone has 200 Hz.
        let changed = heard.counts.shortened.max(heard.counts.lengthened);
        assert!((30..=220).contains(&changed), "{fast_ppm}: {:?}", heard.counts);
        assert_eq!(heard.counts.concealed, 0, "{fast_ppm}: {:?}", heard.counts);
        assert_eq!(holes(&heard.samples, &said, Codec::Pcmu), 0, "{fast_ppm}");
        assert!(heard.delay_ms <= 65, "{fast_ppm}: {} ms", heard.delay_ms);
        let sharpest = |samples: &[i16]| {
            let bend = |w: &[i16]| (i32::from(w[0]) - 2 * i32::from(w[1]) + i32::from(w[2])).abs();
            samples.windows(3).map(bend).max().unwrap()
        };
        assert!(sharpest(&heard.samples[8_000..]) < 2 * sharpest(&said) + 300, "{fast_ppm}: no click");
    }
}

#[test]
fn a_sender_that_pauses_leaves_silence_or_its_noise_and_is_heard_at_once_when_it_speaks() {
    for noise in [None, Some([50u8])] {
        let said = tone(Codec::Pcmu, 4);
        let mut voice = Voice::new(Codec::Pcmu);
        let mut encoder = Encoder::new(Codec::Pcmu);
        let mut octets = [0; MAX_FRAME];
        let mut heard = Vec::new();
        let mut sequence = 0;
        for (n, frame) in said.chunks_exact(160).enumerate() {
            if n == 50
                && let Some(noise) = noise
            {
                voice.pause(&noise);
            }
            // Silent for a second: media time runs on, sequence does not.
            if !(50..100).contains(&n) {
                let length = encoder.encode(frame, &mut octets);
                let timestamp = n as u32 * 160;
                let header = Header { marker: n == 100, payload_type: 0, sequence, timestamp, ssrc: 1 };
                voice.receive(at(n), &header, Codec::Pcmu, &octets[..length]);
                sequence += 1;
            }
            heard.push(voice.frame(at(n), n as u64, Rate::Narrow).to_vec());
        }
        let level = |frames: &[Vec<i16>]| quality::level_db(&frames.concat(), &said[..1_600]);
        assert!(level(&heard[10..50]).abs() < 1.0);
        let expected = if noise.is_some() { -29.0 } else { -70.0 };
        assert!((level(&heard[60..100]) - expected).abs() < 8.0, "{}", level(&heard[60..100]));
        assert!(level(&heard[103..150]).abs() < 1.0, "{}", level(&heard[103..150]));
    }
}

#[test]
fn a_sender_that_begins_anew_is_heard_on_without_a_click_longer_than_a_frame() {
    // (what happens in the middle, the payload type, source, sequence and media time from then on)
    let laws = [Codec::Pcmu, Codec::Pcma];
    type Anew = fn(&mut Header);
    let happenings: [(&str, Codec, Anew); 6] = [
        ("a new source", laws[0], |header| header.ssrc = 77),
        ("media time leaps ahead", laws[0], |header| header.timestamp += 5_000_000),
        ("media time leaps back", laws[0], |header| {
            header.timestamp = header.timestamp.wrapping_sub(5_000_000)
        }),
        ("the sequence leaps", laws[0], |header| header.sequence += 20_000),
        ("another payload type", laws[1], |_| {}),
        ("all at once", laws[1], |header| {
            (header.ssrc, header.sequence) = (9, header.sequence + 9_999);
            header.timestamp += 1 << 30;
        }),
    ];
    let said = tone(Codec::Pcmu, 4);
    for (what, codec, anew) in happenings {
        let mut voice = Voice::new(Codec::Pcmu);
        let mut heard = Vec::new();
        for (n, frame) in said.chunks_exact(160).enumerate() {
            // The sequence wraps on the way, too.
            let sequence = 65_500u16.wrapping_add(n as u16);
            let timestamp = 7_000_000 + n as u32 * 160;
            let mut header = Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 1 };
            let codec = if n < 100 { Codec::Pcmu } else { codec };
            if n >= 100 {
                header.sequence = n as u16;
                anew(&mut header);
            }
            let (mut encoder, mut octets) = (Encoder::new(codec), [0; MAX_FRAME]);
            let length = encoder.encode(frame, &mut octets);
            voice.receive(at(n), &header, codec, &octets[..length]);
            heard.extend_from_slice(voice.frame(at(n), n as u64, Rate::Narrow));
        }
        // Frames of which a part is not as loud as it should be: one of them may be a click.
        let odd = holes(&heard, &said, Codec::Pcmu);
        assert!(odd <= 1, "{what}: {odd} frames are not whole");
        let sharp = |samples: &[i16]| {
            let bend = |w: &[i16]| (i32::from(w[0]) - 2 * i32::from(w[1]) + i32::from(w[2])).abs();
            let sharpest = said.windows(3).map(bend).max().unwrap();
            samples[4_000..].windows(3).filter(|window| bend(window) > 2 * sharpest + 300).count()
        };
        assert!(sharp(&heard) <= 8, "{what}: {} sharp bends", sharp(&heard));
    }
}

#[test]
fn a_change_of_codec_within_a_leg_is_followed() {
    let mut voice = Voice::new(Codec::Pcmu);
    let mut heard = Vec::new();
    for (n, codec) in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Pcmu].into_iter().enumerate() {
        let (mut encoder, mut octets) = (Encoder::new(codec), [0; MAX_FRAME]);
        for (k, frame) in tone(codec, 1).chunks_exact(rate(codec).samples()).enumerate() {
            let length = encoder.encode(frame, &mut octets);
            let number = n * 50 + k;
            let timestamp = number as u32 * 160;
            let header =
                Header { marker: false, payload_type: 0, sequence: number as u16, timestamp, ssrc: 1 };
            voice.receive(at(number), &header, codec, &octets[..length]);
            heard.push(voice.frame(at(number), number as u64, Rate::Narrow).to_vec());
        }
    }
    let said = tone(Codec::Pcmu, 1);
    for second in heard.chunks(50) {
        let level = quality::level_db(&second[10..].concat(), &said);
        assert!(level.abs() < 1.0, "{level}");
    }
}

#[test]
fn whatever_comes_in_whatever_order_a_frame_is_a_frame() {
    for seed in 0..50 {
        let mut chance = Entropy::seeded(seed);
        let mut voice = Voice::new(Codec::Opus);
        let mut frame = 0;
        for _ in 0..500 {
            let codec = [Codec::Pcmu, Codec::G722, Codec::Opus][chance.below(3) as usize];
            let payload: Vec<u8> = (0..chance.below(400)).map(|_| chance.u32() as u8).collect();
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: chance.below(40) as u16,
                timestamp: chance.below(9_000) as u32,
                ssrc: chance.below(2) as u32,
            };
            match chance.below(10) {
                0 => voice.pause(&payload),
                1..6 => _ = voice.receive(at(frame as usize), &header, codec, &payload),
                _ => {
                    frame += chance.below(3) + u64::from(chance.below(9) == 0);
                    let wanted = if chance.below(2) == 0 { Rate::Narrow } else { Rate::Wide };
                    assert_eq!(voice.frame(at(frame as usize), frame, wanted).len(), wanted.samples());
                    assert!(voice.rest.len() <= voice.rest.capacity().min(4 * MAX_DECODED), "seed {seed}");
                }
            }
        }
    }
}
