//! Whether somebody speaks: frames well above the quiet of the line. For the end of a message, which is silence.
//!
//! The quiet of a line is its quietest frame of late: speech pauses within a word, noise does not. A sound that goes
//! on without any pause is taken for noise after a while, a dial tone say.

use crate::media::frame::WIDE;

/// The least mean amplitude of speech, on any line: -50 dBov.
const LEAST: i32 = 100;
/// How much louder than the line's quiet speech is, at least: 9.5 dB.
const ABOVE_QUIET: i32 = 3;
/// What is kept of the quiet has so many fraction bits, and rises by this part of the difference in each frame: from
/// nothing to a third of a steady sound's level, where that is speech no more, in 17 s.
const FRACTION: u32 = 12;
const RISES: u32 = 11;
/// Frames in a row that are speech: 60 ms, which no click is long.
const SPEAKS_AFTER: u32 = 3;
/// Frames in a row without any that are silence: a second.
const SILENT_AFTER: u32 = 50;

/// Listens to one leg.
#[derive(Debug, Default)]
pub(super) struct Activity {
    quiet: i32,
    speaks: bool,
    /// Frames in a row that say otherwise.
    otherwise: u32,
}

impl Activity {
    /// Takes a frame; whether somebody speaks, when that has changed.
    pub(super) fn frame(&mut self, samples: &[i16]) -> Option<bool> {
        let sum: i32 = samples.iter().map(|sample| i32::from(sample.unsigned_abs())).sum();
        let loud = sum / samples.len().clamp(1, WIDE) as i32;
        let level = loud << FRACTION;
        self.quiet = if level < self.quiet { level } else { self.quiet + ((level - self.quiet) >> RISES) };
        let speech = loud > LEAST.max((self.quiet >> FRACTION) * ABOVE_QUIET);
        if speech == self.speaks {
            self.otherwise = 0;
            return None;
        }
        self.otherwise += 1;
        let after = if speech { SPEAKS_AFTER } else { SILENT_AFTER };
        if self.otherwise < after {
            return None;
        }
        (self.otherwise, self.speaks) = (0, speech);
        Some(speech)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of these frames, each of one amplitude: in which frame, and what.
    fn told(activity: &mut Activity, frames: impl IntoIterator<Item = i16>) -> Vec<(usize, bool)> {
        let mut told = Vec::new();
        for (number, amplitude) in frames.into_iter().enumerate() {
            let samples: Vec<i16> =
                (0..160).map(|at| if at % 2 == 0 { amplitude } else { -amplitude }).collect();
            told.extend(activity.frame(&samples).map(|speaks| (number, speaks)));
        }
        told
    }

    /// A voice: syllables of 200 ms, and 60 ms in between.
    fn voice(loud: i16, quiet: i16, frames: usize) -> impl Iterator<Item = i16> {
        (0..frames).map(move |frame| if frame % 13 < 10 { loud } else { quiet })
    }

    #[test]
    fn a_voice_begins_at_once_and_ends_a_second_after_its_last_word() {
        for (loud, quiet) in [(1_500, 0), (300, 20), (600, 90), (20_000, 99)] {
            let mut activity = Activity::default();
            let waits = std::iter::repeat_n(quiet, 100);
            let speaks = voice(loud, quiet, 1_300);
            let silent = std::iter::repeat_n(quiet, 200);
            let told = told(&mut activity, waits.chain(speaks).chain(silent));
            let [.., (begins, true), (ends, false)] = told[..] else { panic!("{loud} {quiet}: {told:?}") };
            assert!((100..110).contains(&begins), "{loud} {quiet}: {told:?}");
            assert!((1_440..1_450).contains(&ends), "{loud} {quiet}: {told:?}");
        }
    }

    #[test]
    fn silence_noise_and_clicks_are_no_voice() {
        let mut activity = Activity::default();
        assert_eq!(told(&mut activity, std::iter::repeat_n(0, 500)), []);
        assert_eq!(told(&mut activity, std::iter::repeat_n(95, 3_000)), [], "the noise of a line");
        let clicks = (0..1_000).map(|frame| if frame % 20 < 2 { 9_000 } else { 30 });
        assert_eq!(told(&mut activity, clicks), []);
    }

    #[test]
    fn a_sound_without_any_pause_is_noise_in_the_end() {
        let mut activity = Activity::default();
        let told = told(&mut activity, std::iter::repeat_n(4_000, 3_000));
        let [(0..4, true), (ends, false)] = told[..] else { panic!("{told:?}") };
        assert!((15 * 50..30 * 50).contains(&ends), "{ends}");
    }
}
