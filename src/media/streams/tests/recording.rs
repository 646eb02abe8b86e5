//! What is in a recording: each side in its channel, and nothing that others do not hear.

use super::hearing::Talk;
use super::hearing::amplitude;
use super::hearing::hz;
use super::*;
use crate::media::Record;
use crate::media::Tracks;

const C: LegId = LegId(3);

fn record(talk: &mut Talk, record: Record) {
    talk.rig.command(MediaCommand::Record { leg: A, record });
}

/// Whose tones are left and right in the last tenth of a second of half a second of talk.
fn heard(talk: &mut Talk, rate: Rate) -> [Vec<LegId>; 2] {
    talk.talk(25);
    let samples = std::mem::take(&mut talk.rig.sink.recorded);
    assert!(samples.len() >= 20 * 2 * rate.samples(), "only {} samples", samples.len());
    let tail = &samples[samples.len() - 5 * 2 * rate.samples()..];
    [0, 1].map(|channel| {
        let side: Vec<i16> = tail.iter().skip(channel).step_by(2).copied().collect();
        let loud = |leg: &LegId| amplitude(&side, hz(*leg) / f64::from(rate.hz())) > 1_000.0;
        (1..=3).map(LegId).filter(loud).collect()
    })
}

#[test]
fn what_others_hear_of_the_caller_is_left_and_what_the_caller_hears_of_them_right() {
    for (caller, rate) in [(Codec::Pcmu, Rate::Narrow), (Codec::G722, Rate::Wide), (Codec::Opus, Rate::Wide)]
    {
        let mut talk = Talk::new(&[caller, Codec::Pcma, Codec::Pcmu]);
        talk.rig.command(MediaCommand::Join { a: A, b: B });
        record(&mut talk, Record::Start(Tracks::Talk));
        assert_eq!(heard(&mut talk, rate), [vec![A], vec![B]], "{caller:?}");
        // A conference: the right side has both.
        talk.hear(A, &[B, C]);
        talk.hear(B, &[A, C]);
        assert_eq!(heard(&mut talk, rate), [vec![A], vec![B, C]], "{caller:?}");
        // A whisper to the agent is not the caller's.
        talk.hear(A, &[B]);
        assert_eq!(heard(&mut talk, rate), [vec![A], vec![B]], "{caller:?}");
        // A muted agent is heard by nobody.
        talk.rig.command(MediaCommand::Mute { leg: B, on: true });
        assert_eq!(heard(&mut talk, rate), [vec![A], vec![]], "{caller:?}");
    }
}

#[test]
fn a_held_callers_time_is_silence_on_both_sides_and_a_private_word_is_not_theirs() {
    let mut talk = Talk::new(&[Codec::Pcmu, Codec::Pcmu, Codec::Pcmu]);
    talk.rig.command(MediaCommand::Join { a: A, b: B });
    record(&mut talk, Record::Start(Tracks::Talk));
    talk.talk(25);
    // The caller hears music, and the agent talks with a colleague.
    talk.hear(A, &[]);
    talk.hear(B, &[C]);
    talk.hear(C, &[B]);
    talk.rig.command(play(A, 1, &[clip(50, 100)]));
    talk.talk(6);
    talk.rig.sink.recorded.clear();
    assert_eq!(heard(&mut talk, Rate::Narrow), [vec![], vec![]]);
    talk.rig.command(MediaCommand::Stop { leg: A });
    talk.hear(A, &[B]);
    talk.hear(B, &[A]);
    assert_eq!(heard(&mut talk, Rate::Narrow), [vec![A], vec![B]]);
    record(&mut talk, Record::Pause);
    talk.talk(6);
    talk.rig.sink.recorded.clear();
    talk.talk(25);
    assert!(talk.rig.sink.recorded.iter().all(|sample| *sample == 0) && !talk.rig.sink.recorded.is_empty());
    record(&mut talk, Record::Resume);
    assert_eq!(heard(&mut talk, Rate::Narrow), [vec![A], vec![B]]);
}

#[test]
fn of_a_message_it_is_told_when_its_leg_speaks_and_of_a_talk_not() {
    let mut talk = Talk::new(&[Codec::Pcmu, Codec::Pcmu]);
    record(&mut talk, Record::Start(Tracks::Message));
    talk.talk(25);
    let told = |talk: &mut Talk| -> Vec<MediaEvent> {
        let events = std::mem::take(&mut talk.rig.sink.events);
        events.into_iter().filter(|event| matches!(event, MediaEvent::Speaks { .. })).collect()
    };
    assert_eq!(told(&mut talk), [MediaEvent::Speaks { leg: A, on: true }]);
    record(&mut talk, Record::Stop);
    record(&mut talk, Record::Start(Tracks::Talk));
    talk.talk(25);
    assert_eq!(told(&mut talk), []);
}

#[test]
fn a_recording_is_as_long_as_the_talk_and_costs_nothing_afterwards() {
    let mut talk = Talk::new(&[Codec::Pcmu, Codec::Pcmu]);
    talk.rig.command(MediaCommand::Join { a: A, b: B });
    talk.talk(10);
    assert!(!talk.decodes(A) && !talk.decodes(B), "who is only forwarded is not decoded");
    record(&mut talk, Record::Start(Tracks::Talk));
    assert!(talk.decodes(A) && talk.decodes(B));
    talk.talk(100);
    record(&mut talk, Record::Stop);
    assert_eq!((talk.rig.sink.recorded.len(), talk.rig.sink.recordings), (100 * 2 * 160, 1));
    assert!(!talk.decodes(A) && !talk.decodes(B));
    // A line that closes ends its recording.
    record(&mut talk, Record::Start(Tracks::Message));
    talk.talk(10);
    talk.rig.command(MediaCommand::Close { leg: A });
    assert_eq!((talk.rig.sink.recorded.len(), talk.rig.sink.recordings), (210 * 160, 2));
}
