//! Who hears whom: each leg says its own tone, and hears the tones of those on its list and no others.

use super::*;
use crate::media::codec::Law;
use crate::media::stream::Source;

const C: LegId = LegId(3);
const D: LegId = LegId(4);

/// Each leg's tone, in Hz: an even number of periods in a frame, and none a multiple of another.
fn hz(leg: LegId) -> f64 {
    [0.0, 400.0, 700.0, 1_100.0, 1_900.0][leg.0 as usize]
}

/// A talk: its legs say their tones, 20 ms after 20 ms.
struct Talk {
    rig: Rig,
    legs: Vec<(LegId, Law)>,
    spoken: u16,
}

impl Talk {
    fn new(laws: &[Law]) -> Talk {
        let mut rig = Rig::new();
        let legs: Vec<(LegId, Law)> = (1..).map(LegId).zip(laws.iter().copied()).collect();
        for (leg, law) in &legs {
            rig.open(*leg, agreed(*leg, codec(*law)));
        }
        Talk { rig, legs, spoken: 0 }
    }

    fn hear(&mut self, leg: LegId, whom: &[LegId]) {
        self.rig.command(MediaCommand::Hear { leg, whom: whom.into() });
    }

    fn all_hear_all(&mut self) {
        let legs: Vec<LegId> = self.legs.iter().map(|(leg, _)| *leg).collect();
        for leg in &legs {
            self.hear(*leg, &legs);
        }
    }

    /// All talk for so many frames.
    fn talk(&mut self, frames: u16) {
        for _ in 0..frames {
            for (leg, law) in self.legs.clone() {
                let said: Vec<u8> = (0..160)
                    .map(|n| {
                        let at = (u32::from(self.spoken) * 160 + n) as f64 / 8_000.0;
                        law.encode((6_000.0 * (std::f64::consts::TAU * hz(leg) * at).sin()) as i16)
                    })
                    .collect();
                self.rig.say(leg, codec(law).static_payload_type().unwrap(), self.spoken, &said);
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

    /// How strongly each tone is heard by a leg in what it was sent last; forgets it.
    fn levels(&mut self, leg: LegId) -> Vec<(LegId, f64)> {
        let law = self.legs.iter().find(|(other, _)| *other == leg).unwrap().1;
        let sent = self.rig.take(leg);
        let tail: Vec<f64> = sent[sent.len() - 5..]
            .iter()
            .flat_map(|sent| sent.payload.iter().map(|code| f64::from(law.decode(*code))))
            .collect();
        (1..=4).map(LegId).map(|other| (other, amplitude(&tail, hz(other)))).collect()
    }

    fn is_mixed(&self, leg: LegId) -> bool {
        self.rig.streams.streams[self.rig.streams.key_of(leg).unwrap()].stream.source == Source::Mix
    }

    fn decodes(&self, leg: LegId) -> bool {
        self.rig.streams.streams[self.rig.streams.key_of(leg).unwrap()].stream.voice.is_some()
    }
}

fn codec(law: Law) -> Codec {
    match law {
        Law::Mu => Codec::Pcmu,
        Law::A => Codec::Pcma,
    }
}

/// The amplitude of a tone in some samples at 8 kHz.
fn amplitude(samples: &[f64], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let angle = std::f64::consts::TAU * hz * n as f64 / 8_000.0;
        re += sample * angle.cos();
        im += sample * angle.sin();
    }
    2.0 * re.hypot(im) / samples.len() as f64
}

const LAWS: [Law; 4] = [Law::Mu, Law::A, Law::Mu, Law::A];

#[test]
fn in_a_conference_each_hears_all_the_others_and_never_itself() {
    let mut talk = Talk::new(&LAWS);
    talk.all_hear_all();
    talk.talk(25);
    for (leg, _) in talk.legs.clone() {
        let levels = talk.levels(leg);
        for (other, level) in levels {
            let expected = if other == leg { 0.0 } else { 6_000.0 };
            assert!((level - expected).abs() < 150.0, "{leg:?} hears {other:?} at {level}");
        }
    }
    let sent: Vec<Sent> = {
        talk.talk(50);
        talk.rig.take(B)
    };
    is_even(&sent);
}

#[test]
fn who_listens_is_not_heard_and_who_whispers_is_heard_by_one() {
    let (mut talk, supervisor) = (Talk::new(&LAWS[..3]), C);
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
    let mut talk = Talk::new(&LAWS[..3]);
    for leg in [B, C] {
        talk.hear(leg, &[A]);
    }
    assert_eq!((talk.heard_by(A), talk.heard_by(B), talk.heard_by(C)), (vec![], vec![A], vec![A]));
    assert!(!talk.decodes(A));
}

#[test]
fn who_leaves_is_missed_and_the_last_two_are_forwarded_again() {
    let mut talk = Talk::new(&LAWS);
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
    talk.legs.push((D, Law::Mu));
    assert_eq!((talk.heard_by(A), talk.heard_by(D)), (vec![], vec![]));
}

#[test]
fn a_prompt_is_heard_alone_by_its_leg_and_the_conference_goes_on_behind_it() {
    let mut talk = Talk::new(&LAWS[..3]);
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
    let mut talk = Talk::new(&LAWS[..3]);
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
    let mut talk = Talk::new(&LAWS[..3]);
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
    let mut talk = Talk::new(&LAWS[..2]);
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
        let mut talk = Talk::new(&LAWS);
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
