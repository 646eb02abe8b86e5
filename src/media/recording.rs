//! What a recording takes of a leg in each frame: what others hear of it, and what it hears of them. Never what
//! plays to it, and never a key.
//!
//! Whom nobody hears is not recorded either: a held caller, whose hold is silence in the recording as long as it
//! was. Keys that come as tones in the audio are cut out on either side: each frame is kept back until it is sure
//! that no key began in it.

use std::collections::VecDeque;

use crate::media::activity::Activity;
use crate::media::frame::NARROW;
use crate::media::frame::Rate;
use crate::media::frame::WIDE;
use crate::media::half_band::Down;
use crate::media::mix::Mix;
use crate::media::tones::ToneReceiver;

/// Frames that are kept back. A key is sure 45 ms after it began, wherever in a frame that was.
const KEPT: usize = 4;
/// Frames that were left out are made up for by silence: at most this many at once, 10 s.
const MOST_LEFT_OUT: u64 = 500;
/// The most samples that a frame has: two channels at 16 kHz.
pub const MOST_SAMPLES: usize = 2 * WIDE;

/// What a recording consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Tracks {
    /// Left what others hear of the leg, right what it hears of them; silence while nobody hears it.
    Talk,
    /// The leg alone, whoever hears it: a message that is left.
    Message,
}

impl Tracks {
    /// How many channels it has.
    pub const fn channels(self) -> usize {
        match self {
            Tracks::Talk => 2,
            Tracks::Message => 1,
        }
    }
}

/// What becomes of the recording of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// From now on it is recorded.
    Start(Tracks),
    /// Silence from now on.
    Pause,
    /// Sound again.
    Resume,
    /// No more of it.
    Stop,
}

/// The recording of one leg.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) tracks: Tracks,
    pub(super) rate: Rate,
    pub(super) paused: bool,
    sides: [Side; 2],
    activity: Activity,
    /// The latest frame.
    frame: Option<u64>,
}

impl Recording {
    pub(super) fn new(tracks: Tracks, rate: Rate) -> Recording {
        let (sides, activity) = Default::default();
        Recording { tracks, rate, paused: false, sides, activity, frame: None }
    }

    /// Takes what was said in frame number `frame`, and writes what is sure by now, channels interleaved. Whether
    /// somebody speaks in a message, when that has changed.
    pub(super) fn take(
        &mut self,
        frame: u64,
        said: [&Mix; 2],
        mut write: impl FnMut(&[i16]),
    ) -> Option<bool> {
        let left_out = self.frame.map_or(0, |before| frame.saturating_sub(before + 1)).min(MOST_LEFT_OUT);
        self.frame = Some(frame);
        let mut silence = [0; WIDE];
        for _ in 0..left_out {
            self.push([&silence, &silence], &mut write);
        }
        if self.paused {
            self.push([&silence, &silence], &mut write);
            return None;
        }
        let mut right = [0; WIDE];
        said[0].samples(&mut silence);
        said[1].samples(&mut right);
        self.push([&silence, &right], &mut write);
        let alone = self.tracks == Tracks::Message;
        alone.then(|| self.activity.frame(&silence[..self.rate.samples()])).flatten()
    }

    /// Writes what was kept back.
    pub(super) fn finish(&mut self, mut write: impl FnMut(&[i16])) {
        while let Some(samples) = self.oldest() {
            write(&samples[..self.rate.samples() * self.tracks.channels()]);
        }
    }

    fn push(&mut self, said: [&[i16; WIDE]; 2], write: &mut impl FnMut(&[i16])) {
        for (side, samples) in self.sides.iter_mut().zip(said).take(self.tracks.channels()) {
            side.push(self.rate, samples);
        }
        if self.sides[0].kept.len() > KEPT
            && let Some(samples) = self.oldest()
        {
            write(&samples[..self.rate.samples() * self.tracks.channels()]);
        }
    }

    /// The oldest frame that is kept back, channels interleaved.
    fn oldest(&mut self) -> Option<[i16; MOST_SAMPLES]> {
        let channels = self.tracks.channels();
        let mut samples = [0; MOST_SAMPLES];
        for (channel, side) in self.sides.iter_mut().take(channels).enumerate() {
            let frame = side.kept.pop_front()?;
            for (into, sample) in samples[channel..].iter_mut().step_by(channels).zip(frame) {
                *into = sample;
            }
        }
        Some(samples)
    }
}

/// One channel.
#[derive(Debug)]
struct Side {
    kept: VecDeque<[i16; WIDE]>,
    tones: ToneReceiver,
    down: Down,
}

impl Default for Side {
    fn default() -> Side {
        let kept = VecDeque::with_capacity(KEPT + 1);
        Side { kept, tones: ToneReceiver::default(), down: Down::default() }
    }
}

impl Side {
    fn push(&mut self, rate: Rate, samples: &[i16; WIDE]) {
        let mut narrow = [0; NARROW];
        match rate {
            Rate::Narrow => narrow.copy_from_slice(&samples[..NARROW]),
            Rate::Wide => narrow = self.down.frame(samples),
        }
        let mut begins = false;
        let held_before = self.tones.is_pressed();
        self.tones.listen(narrow, |_| begins = true);
        if begins {
            self.kept.iter_mut().for_each(|frame| frame.fill(0));
        }
        let is_key = begins || held_before || self.tones.is_pressed();
        self.kept.push_back(if is_key { [0; WIDE] } else { *samples });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::media::mix::Gain;
    use crate::media::tones::ToneSender;

    fn mix(rate: Rate, samples: &[i16]) -> Mix {
        let mut mix = Mix::silence(rate);
        mix.add(samples, Gain::UNITY);
        mix
    }

    /// The two channels of what is recorded of frames that are made for each of them.
    fn record(recording: &mut Recording, frames: std::ops::Range<u64>, left: i16, right: i16) -> Vec<i16> {
        let mut written = Vec::new();
        let (left, right) = (mix(recording.rate, &[left; WIDE]), mix(recording.rate, &[right; WIDE]));
        for frame in frames {
            recording.take(frame, [&left, &right], |samples| written.extend_from_slice(samples));
        }
        written
    }

    #[test]
    fn each_side_is_in_its_channel_and_nothing_is_lost_at_the_end() {
        for (rate, tracks) in [(Rate::Narrow, Tracks::Talk), (Rate::Wide, Tracks::Talk)] {
            let mut recording = Recording::new(tracks, rate);
            let mut written = record(&mut recording, 10..30, 100, -7);
            recording.finish(|samples| written.extend_from_slice(samples));
            assert_eq!(written.len(), 20 * 2 * rate.samples());
            assert!(written.chunks(2).all(|pair| pair == [100, -7]));
        }
        let mut message = Recording::new(Tracks::Message, Rate::Narrow);
        let mut written = record(&mut message, 0..9, 5, 6);
        message.finish(|samples| written.extend_from_slice(samples));
        assert_eq!(written, [5; 9 * NARROW]);
    }

    #[test]
    fn a_pause_and_frames_that_were_left_out_are_silence_of_the_same_length() {
        let mut recording = Recording::new(Tracks::Talk, Rate::Narrow);
        let mut written = record(&mut recording, 0..10, 1, 1);
        recording.paused = true;
        written.extend(record(&mut recording, 10..20, 1, 1));
        recording.paused = false;
        written.extend(record(&mut recording, 25..30, 1, 1));
        recording.finish(|samples| written.extend_from_slice(samples));
        let frames: Vec<bool> =
            written.chunks(2 * NARROW).map(|frame| frame.iter().all(|sample| *sample == 1)).collect();
        let expected: Vec<bool> = (0..30).map(|frame| !(10..25).contains(&frame)).collect();
        assert_eq!(frames, expected);
        assert!(written.iter().all(|sample| *sample == 0 || *sample == 1));
        // A clock that jumps does not fill the disk.
        assert!(record(&mut recording, 1 << 40..(1 << 40) + 1, 1, 1).len() <= 501 * 2 * NARROW);
    }

    #[test]
    fn no_key_that_comes_as_tones_is_in_a_recording_on_either_side() {
        for (rate, late) in [(Rate::Narrow, 0), (Rate::Narrow, 57), (Rate::Narrow, 130), (Rate::Wide, 31)] {
            let mut sender = ToneSender::default();
            for digit in "4711#".chars() {
                assert!(sender.push(digit, Duration::from_millis(80)));
            }
            let mut sound = vec![0; late];
            let mut frame = [0; WIDE];
            while sender.frame(&mut frame[..rate.samples()]) {
                sound.extend_from_slice(&frame[..rate.samples()]);
            }
            sound.resize(sound.len() + 10 * rate.samples(), 0);
            let mut recording = Recording::new(Tracks::Talk, rate);
            let mut written = Vec::new();
            for (number, samples) in sound.chunks_exact(rate.samples()).enumerate() {
                let (keys, voice) = (mix(rate, samples), mix(rate, &[900; WIDE]));
                let write = |samples: &[i16]| written.extend_from_slice(samples);
                recording.take(number as u64, [&keys, &voice], write);
            }
            recording.finish(|samples| written.extend_from_slice(samples));
            let keys: Vec<i16> = written.chunks(2).map(|pair| pair[0]).collect();
            assert!(keys.iter().all(|sample| sample.abs() < 200), "{rate:?} {late}: {:?}", keys.iter().max());
            assert!(written.chunks(2).all(|pair| pair[1] == 900), "the other side is left as it is");
        }
    }
}
