//! Who hears whom: each leg says its own tone, and hears the tones of those on its list and no others.

use super::*;
use crate::media::codec;
use crate::media::codec::Decoder;
use crate::media::codec::Encoder;
use crate::media::codec::MAX_DECODED;
use crate::media::codec::MAX_FRAME;
use crate::media::quality;
use crate::media::stream::Source;

const C: LegId = LegId(3);
const D: LegId = LegId(4);

/// Each leg's tone, in Hz: an even number of periods in a frame, and none a multiple of another.
pub(super) fn hz(leg: LegId) -> f64 {
    [0.0, 400.0, 700.0, 1_100.0, 1_900.0][leg.0 as usize]
}

/// A talk: its legs say their tones, 20 ms after 20 ms.
pub(super) struct Talk {
    pub(super) rig: Rig,
    legs: Vec<Speaker>,
    spoken: u16,
}

struct Speaker {
    leg: LegId,
    encoder: Encoder,
}

impl Talk {
    pub(super) fn new(codecs: &[Codec]) -> Talk {
        let mut rig = Rig::new();
        let speaker = |(leg, codec): (LegId, &Codec)| Speaker { leg, encoder: Encoder::new(*codec) };
        let legs: Vec<Speaker> = (1..).map(LegId).zip(codecs).map(speaker).collect();
        for Speaker { leg, encoder } in &legs {
            rig.open(*leg, agreed(*leg, encoder.codec()));
        }
        Talk { rig, legs, spoken: 0 }
    }

    pub(super) fn hear(&mut self, leg: LegId, whom: &[LegId]) {
        self.rig.command(MediaCommand::Hear { leg, whom: whom.into() });
    }

    fn all_hear_all(&mut self) {
        let legs: Vec<LegId> = self.legs.iter().map(|speaker| speaker.leg).collect();
        for leg in &legs {
            self.hear(*leg, &legs);
        }
    }

    /// All talk for so many frames.
    pub(super) fn talk(&mut self, frames: u16) {
        for _ in 0..frames {
            for Speaker { leg, encoder } in &mut self.legs {
                let samples = codec::rate(encoder.codec()).samples();
                let tone = |n: usize| {
                    let at = (usize::from(self.spoken) * samples + n) as f64 / (samples * 50) as f64;
                    (6_000.0 * (std::f64::consts::TAU * hz(*leg) * at).sin()) as i16
                };
                let said: Vec<i16> = (0..samples).map(tone).collect();
                say(&mut self.rig, *leg, encoder, self.spoken, &said);
            }
            self.spoken += 1;
            self.rig.run(20);
        }
    }

    /// Half a second of talk, and then whose tones a leg hears, over a tenth of a second.
    fn heard_by(&mut self, leg: LegId) -> Vec<LegId> {
        self.talk(25);
        let levels = self.levels(leg);
        levels.iter().filter(|(_, level)| *level > 1_000.0).map(|(leg, _)| *leg).collect()
    }

    /// How strongly each tone is heard by a leg in the last tenth of a second; forgets what it was sent.
    fn levels(&mut self, leg: LegId) -> Vec<(LegId, f64)> {
        let speaker = self.legs.iter().find(|speaker| speaker.leg == leg).unwrap();
        let codec = speaker.encoder.codec();
        let heard = decoded(codec, &self.rig.take(leg));
        let tail = &heard[heard.len() - 5 * codec::rate(codec).samples()..];
        let rate = f64::from(codec::rate(codec).hz());
        (1..=4).map(LegId).map(|other| (other, amplitude(tail, hz(other) / rate))).collect()
    }

    fn is_mixed(&self, leg: LegId) -> bool {
        self.rig.streams.streams[self.rig.streams.key_of(leg).unwrap()].stream.source == Source::Mix
    }

    pub(super) fn decodes(&self, leg: LegId) -> bool {
        self.rig.streams.streams[self.rig.streams.key_of(leg).unwrap()].stream.voice.is_some()
    }
}

/// A leg says a frame.
fn say(rig: &mut Rig, leg: LegId, encoder: &mut Encoder, sequence: u16, samples: &[i16]) {
    let codec = encoder.codec();
    let mut octets = [0; MAX_FRAME];
    let length = encoder.encode(samples, &mut octets);
    let payload_type = codec.static_payload_type().unwrap_or(96);
    let timestamp = u32::from(sequence) * codec::units(codec);
    let header = Header { marker: false, payload_type, sequence, timestamp, ssrc: 1_000 + leg.0 as u32 };
    rig.say_from(leg, address(leg), header, &octets[..length]);
}

fn decoded(codec: Codec, sent: &[Sent]) -> Vec<i16> {
    let (mut decoder, mut samples) = (Decoder::new(codec), [0; MAX_DECODED]);
    let mut heard = Vec::new();
    for sent in sent {
        let count = decoder.decode(&sent.payload, &mut samples);
        heard.extend_from_slice(&samples[..count]);
    }
    heard
}

/// The amplitude of a tone of so many periods a sample.
pub(super) fn amplitude(samples: &[i16], frequency: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let angle = std::f64::consts::TAU * frequency * n as f64;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    2.0 * f64::hypot(re, im) / samples.len() as f64
}

const CODECS: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::Pcmu, Codec::Pcma];

#[test]
fn in_a_conference_each_hears_all_the_others_and_never_itself() {
    let mut talk = Talk::new(&CODECS);
    talk.all_hear_all();
    talk.talk(25);
    for leg in [A, B, C, D] {
        let levels = talk.levels(leg);
        for (other, level) in levels {
            let expected = if other == leg { 0.0 } else { 6_000.0 };
            assert!((level - expected).abs() < 150.0, "{leg:?} hears {other:?} at {level}");
        }
    }
    talk.talk(50);
    is_even(&talk.rig.take(B));
}

#[test]
fn who_listens_is_not_heard_and_who_whispers_is_heard_by_one() {
    let (mut talk, supervisor) = (Talk::new(&CODECS[..3]), C);
    talk.rig.command(MediaCommand::Join { a: A, b: B });
    talk.hear(supervisor, &[A, B]);
    assert_eq!(talk.heard_by(supervisor), [A, B]);
    assert_eq!((talk.heard_by(A), talk.heard_by(B)), (vec![B], vec![A]));
    assert!(!talk.is_mixed(A) && !talk.is_mixed(B) && talk.is_mixed(C), "only the listener pays");
    talk.hear(B, &[A, supervisor]);
    assert_eq!((talk.heard_by(A), talk.heard_by(B)), (vec![B], vec![A, supervisor]));
    talk.all_hear_all();
    assert_eq!((talk.heard_by(A), talk.heard_by(C)), (vec![B, C], vec![A, B]));
    talk.hear(supervisor, &[]);
    talk.hear(A, &[B]);
    talk.hear(B, &[A]);
    assert_eq!((talk.heard_by(A), talk.heard_by(B), talk.heard_by(C)), (vec![B], vec![A], vec![]));
    assert!((1..=3).all(|leg| !talk.decodes(LegId(leg))), "nobody is decoded any more");
}

#[test]
fn two_who_hear_one_each_in_its_own_law_need_no_mixing() {
    let mut talk = Talk::new(&CODECS[..3]);
    for leg in [B, C] {
        talk.hear(leg, &[A]);
    }
    assert_eq!((talk.heard_by(A), talk.heard_by(B), talk.heard_by(C)), (vec![], vec![A], vec![A]));
    assert!(!talk.decodes(A));
}

#[test]
fn who_leaves_is_missed_and_the_last_two_are_forwarded_again() {
    let mut talk = Talk::new(&CODECS);
    talk.all_hear_all();
    talk.talk(10);
    talk.rig.command(MediaCommand::Close { leg: D });
    talk.legs.pop();
    assert_eq!(talk.heard_by(A), [B, C]);
    talk.rig.command(MediaCommand::Close { leg: C });
    talk.legs.pop();
    assert_eq!((talk.heard_by(A), talk.heard_by(B)), (vec![B], vec![A]));
    assert!(!talk.is_mixed(A) && !talk.is_mixed(B) && !talk.decodes(A));
    talk.rig.command(MediaCommand::Close { leg: B });
    talk.legs.pop();
    assert_eq!(talk.heard_by(A), []);
    // A new leg may get the key of one that left; it is nobody's company for that.
    talk.rig.open(D, pcmu(D));
    talk.legs.push(Speaker { leg: D, encoder: Encoder::new(Codec::Pcmu) });
    assert_eq!((talk.heard_by(A), talk.heard_by(D)), (vec![], vec![]));
}

#[test]
fn a_prompt_is_heard_alone_by_its_leg_and_the_conference_goes_on_behind_it() {
    let mut talk = Talk::new(&CODECS[..3]);
    talk.all_hear_all();
    talk.talk(10);
    talk.rig.take(A);
    let prompt: Vec<f32> = (0..1_600).map(|n| (n as f32 * 0.9).sin() / 4.0).collect();
    let clip = Arc::new(Clip::from_samples("prompt", &prompt));
    talk.rig.command(play(A, 1, std::slice::from_ref(&clip)));
    talk.talk(10);
    let heard: Vec<u8> = talk.rig.take(A).into_iter().flat_map(|sent| sent.payload).collect();
    assert_eq!(heard[..], clip.pcmu[..], "nothing is mixed into it");
    assert_eq!(talk.rig.events(), [ended(A, 1, false)]);
    assert_eq!((talk.heard_by(A), talk.heard_by(B)), (vec![B, C], vec![A, C]));
}

#[test]
fn a_muted_leg_is_heard_by_nobody_and_a_lowered_one_less() {
    let mut talk = Talk::new(&CODECS[..3]);
    talk.all_hear_all();
    talk.rig.command(MediaCommand::Mute { leg: A, on: true });
    assert_eq!((talk.heard_by(A), talk.heard_by(B)), (vec![B, C], vec![C]));
    assert!(!talk.is_mixed(B), "of two, one is left, and that one is forwarded");
    talk.rig.press(A, '5', 9_000);
    assert!(
        talk.rig.events().contains(&MediaEvent::Digit { leg: A, digit: '5' }),
        "keys are told all the same"
    );
    talk.rig.command(MediaCommand::Mute { leg: A, on: false });
    talk.rig.command(MediaCommand::Gain { leg: A, gain_db: -6 });
    talk.rig.command(MediaCommand::Mute { leg: C, on: true });
    talk.talk(25);
    let levels = talk.levels(B);
    assert!((levels[0].1 - 3_007.0).abs() < 100.0, "{levels:?}");
    assert!(talk.is_mixed(B), "another loudness cannot be forwarded");
    talk.rig.command(MediaCommand::Gain { leg: A, gain_db: 0 });
    assert!(!talk.is_mixed(B));
}

#[test]
fn a_key_in_a_conference_is_heard_by_the_others_once() {
    let mut talk = Talk::new(&CODECS[..3]);
    talk.all_hear_all();
    talk.talk(10);
    for sequence in 5_000..5_003 {
        let payload = [7, 10, 0, 160];
        let header = Header { marker: false, payload_type: 111, sequence, timestamp: 77, ssrc: 1_001 };
        talk.rig.say_from(A, address(A), header, &payload);
    }
    talk.rig.run(400);
    for leg in [B, C] {
        let mut receiver = DigitReceiver::default();
        let sent = talk.rig.take(leg);
        let events = sent.iter().filter(|sent| sent.header.payload_type == 100 + leg.0 as u8);
        let heard: String = events.filter_map(|sent| receiver.receive(&sent.header, &sent.payload)).collect();
        assert_eq!(heard, "7", "{leg:?}");
    }
}

#[test]
fn nobody_is_heard_who_has_no_line() {
    let mut talk = Talk::new(&CODECS[..2]);
    talk.hear(A, &[A, B, LegId(99), B]);
    talk.hear(LegId(98), &[A]);
    assert_eq!((talk.heard_by(A), talk.heard_by(B)), (vec![B], vec![]));
    talk.hear(A, &[]);
    assert_eq!(talk.heard_by(A), []);
}

#[test]
fn whoever_hears_whom_by_whatever_way_there_it_is_what_the_lists_say() {
    for seed in 0..60 {
        let mut chance = Entropy::seeded(seed);
        let mut talk = Talk::new(&CODECS);
        let legs = [A, B, C, D];
        let mut lists: Vec<Vec<LegId>> = vec![Vec::new(); 4];
        let mut muted = [false; 4];
        for _ in 0..6 {
            for _ in 0..chance.below(4) {
                let at = chance.below(4) as usize;
                match chance.below(4) {
                    0 => {
                        muted[at] = !muted[at];
                        talk.rig.command(MediaCommand::Mute { leg: legs[at], on: muted[at] });
                    }
                    _ => {
                        lists[at] = legs.into_iter().filter(|_| chance.below(2) == 0).collect();
                        let whom = lists[at].clone();
                        talk.hear(legs[at], &whom);
                    }
                }
                talk.talk(chance.below(3) as u16);
            }
            talk.talk(20);
            for (at, leg) in legs.into_iter().enumerate() {
                let audible = |other: &LegId| *other != leg && !muted[other.0 as usize - 1];
                let expected: Vec<LegId> = lists[at].iter().copied().filter(audible).collect();
                let levels = talk.levels(leg);
                let heard: Vec<LegId> =
                    levels.iter().filter(|(_, level)| *level > 1_000.0).map(|(leg, _)| *leg).collect();
                assert_eq!(heard, expected, "seed {seed}, {leg:?}: {levels:?}");
            }
            for (at, leg) in legs.into_iter().enumerate() {
                let needed = (0..4)
                    .any(|by| lists[by].contains(&leg) && talk.is_mixed(legs[by]) && by != at && !muted[at]);
                assert_eq!(talk.decodes(leg), needed, "seed {seed}: decoded exactly while it is mixed");
            }
        }
    }
}

#[test]
fn legs_with_different_codecs_hear_each_other_as_they_sound() {
    for (from, to, least_db) in [
        (Codec::G722, Codec::Pcmu, 18.0),
        (Codec::Pcma, Codec::G722, 18.0),
        (Codec::Opus, Codec::Pcmu, 6.0),
        (Codec::Pcmu, Codec::Opus, 6.0),
        (Codec::Opus, Codec::G722, 6.0),
    ] {
        let mut rig = Rig::new();
        rig.open(A, agreed(A, from));
        rig.open(B, agreed(B, to));
        rig.command(MediaCommand::Join { a: A, b: B });
        let mut encoder = Encoder::new(from);
        let said = quality::speech(codec::rate(from).hz());
        for (sequence, frame) in (0..).zip(said.chunks_exact(codec::rate(from).samples())) {
            say(&mut rig, A, &mut encoder, sequence, frame);
            rig.run(20);
        }
        let sent = rig.take(B);
        for pair in sent.windows(2) {
            assert_eq!(pair[1].ms - pair[0].ms, 20);
            let units = pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp);
            assert_eq!(units, codec::units(to), "{from:?} to {to:?}");
        }
        let heard = decoded(to, &sent);
        // A telephone's 4 kHz is all that gets through where one of the two has no more.
        let narrowest = codec::rate(from).hz().min(codec::rate(to).hz());
        let at = |samples: Vec<i16>, rate| frames_at(samples, codec::rate(rate).hz(), narrowest);
        let heard = quality::compare(&at(said, from), &at(heard, to));
        assert!(heard.snr_db > least_db, "{from:?} to {to:?}: {heard:?}");
        assert!(heard.level_db.abs() < 1.0, "{from:?} to {to:?}: {heard:?}");
    }
}

fn frames_at(samples: Vec<i16>, from: u32, to: u32) -> Vec<i16> {
    if from == to {
        return samples;
    }
    let mut down = crate::media::half_band::Down::default();
    samples.as_chunks().0.iter().flat_map(|frame| down.frame(frame)).collect()
}

#[test]
fn four_codecs_talk_in_one_conference() {
    let mut talk = Talk::new(&[Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus]);
    talk.all_hear_all();
    talk.talk(50);
    for leg in [A, B, C, D] {
        for (other, level) in talk.levels(leg) {
            let expected = if other == leg { 0.0 } else { 6_000.0 };
            // Opus is made for speech: three sines at once come out as it thinks best.
            assert!((level - expected).abs() < 1_500.0, "{leg:?} hears {other:?} at {level}");
        }
    }
}

#[test]
fn two_legs_with_one_codec_need_no_decoding_whichever_it_is() {
    for codec in [Codec::G722, Codec::Opus] {
        let mut talk = Talk::new(&[codec, codec]);
        talk.rig.command(MediaCommand::Join { a: A, b: B });
        assert_eq!((talk.heard_by(A), talk.heard_by(B)), (vec![B], vec![A]));
        assert!(!talk.decodes(A) && !talk.is_mixed(A));
    }
}

#[test]
fn a_prompt_sounds_the_same_in_every_codec_encoded_beforehand_or_not() {
    let samples: Vec<f32> =
        quality::speech(8_000).iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
        for beforehand in [false, true] {
            let clip = Arc::new(Clip::from_samples("prompt", &samples));
            if beforehand {
                clip.encode(codec);
            }
            let mut rig = Rig::new();
            rig.open(A, agreed(A, codec));
            rig.run(100);
            rig.take(A);
            rig.command(play(A, 1, std::slice::from_ref(&clip)));
            rig.run(5_000);
            assert!(rig.events().contains(&ended(A, 1, false)), "{codec:?}");
            let asked = codec != Codec::Pcmu && codec != Codec::Pcma && !beforehand;
            assert_eq!(rig.sink.to_encode, Vec::from_iter(asked.then_some(codec)), "{codec:?}");
            let heard = decoded(codec, &rig.take(A));
            let said = quality::speech(codec::rate(codec).hz());
            let heard = quality::compare(&said, &heard);
            assert!(heard.snr_db > 6.5 && heard.level_db.abs() < 1.0, "{codec:?} {beforehand}: {heard:?}");
        }
    }
}

#[test]
fn a_codec_with_another_clock_goes_on_where_the_one_before_was() {
    let mut rig = Rig::new();
    rig.open(A, pcmu(A));
    rig.run(200);
    rig.command(MediaCommand::Agree { leg: A, agreed: agreed(A, Codec::Opus) });
    rig.run(200);
    rig.command(MediaCommand::Agree { leg: A, agreed: pcmu(A) });
    rig.run(200);
    let sent = rig.take(A);
    assert_eq!(sent.len(), 30);
    for pair in sent.windows(2) {
        assert_eq!(pair[1].header.sequence, pair[0].header.sequence.wrapping_add(1));
        let units = pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp);
        assert!(units == 160 || units == 960, "{units}");
    }
}

#[test]
fn keys_in_a_codec_with_another_clock_are_told_in_that_clock() {
    let mut rig = Rig::new();
    rig.open(A, agreed(A, Codec::Opus));
    rig.command(MediaCommand::SendDigit { leg: A, digit: '4', duration: Duration::from_secs(9) });
    rig.run(2_000);
    let sent = rig.take(A);
    let events: Vec<&Sent> = sent.iter().filter(|sent| sent.header.payload_type == 101).collect();
    let mut receiver = DigitReceiver::default();
    let heard: String =
        events.iter().filter_map(|sent| receiver.receive(&sent.header, &sent.payload)).collect();
    assert_eq!(heard, "4");
    let last = dtmf::Payload::parse(&events.last().unwrap().payload).unwrap();
    assert!(last.end);
    assert_eq!(u32::from(last.duration), 65_535 / 960 * 960, "as long as one packet can tell");
}
