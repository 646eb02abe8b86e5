//! From 8 to 16 kHz and back, frame by frame: a half-band filter that keeps its past.
//!
//! Every other tap of such a filter is zero, so this costs a quarter of a general resampler, allocates nothing
//! and delays by 1.5 ms; whole prompts go through [`Frame::resampled`](crate::media::frame::Frame::resampled).

use std::sync::LazyLock;

use crate::media::frame::NARROW;
use crate::media::frame::WIDE;

/// Taps on each side of the middle that are not zero: a transition from 3.4 to 4.6 kHz.
const SIDE: usize = 12;
/// Samples at 8 kHz that are kept of the past, for each output looks back and ahead.
const PAST: usize = 2 * SIDE - 1;
/// The same at 16 kHz, such that up and down again delay by a whole number of samples at 8 kHz.
const WIDE_PAST: usize = 2 * PAST - 1;

/// The taps at an odd distance from the middle: 1, 3, 5, …
static TAPS: LazyLock<[f32; SIDE]> = LazyLock::new(|| {
    let mut taps = std::array::from_fn(|n| {
        let distance = (2 * n + 1) as f64;
        let sinc = (std::f64::consts::FRAC_PI_2 * distance).sin() / (std::f64::consts::PI * distance);
        (sinc * kaiser(distance / (2 * SIDE) as f64)) as f32
    });
    // The two sides and the middle, which is a half, sum up to one: a level is a level.
    let sum: f32 = 2.0 * taps.iter().sum::<f32>();
    taps.iter_mut().for_each(|tap| *tap *= 0.5 / sum);
    taps
});

/// A Kaiser window for 65 dB, at a distance of 0 to 1 from its middle.
fn kaiser(distance: f64) -> f64 {
    const BETA: f64 = 6.2;
    let bessel = |x: f64| {
        let terms = (1..30).scan(1.0, |term, k| {
            *term *= (x / (2 * k) as f64).powi(2);
            Some(*term)
        });
        1.0 + terms.sum::<f64>()
    };
    bessel(BETA * (1.0 - distance * distance).max(0.0).sqrt()) / bessel(BETA)
}

/// Makes 16 kHz of 8 kHz.
#[derive(Clone, Debug, Default)]
pub struct Up {
    past: [f32; PAST],
}

impl Up {
    /// The next frame.
    pub fn frame(&mut self, narrow: &[i16; NARROW]) -> [i16; WIDE] {
        let mut samples = [0.0; PAST + NARROW];
        samples[..PAST].copy_from_slice(&self.past);
        convert(narrow, &mut samples[PAST..]);
        self.past.copy_from_slice(&samples[NARROW..]);
        let mut wide = [0; WIDE];
        for (pair, window) in wide.chunks_exact_mut(2).zip(samples.windows(2 * SIDE)) {
            // The samples themselves, and between each two what the filter sees there.
            let between: f32 = (0..SIDE).map(|n| TAPS[n] * (window[SIDE - 1 - n] + window[SIDE + n])).sum();
            pair[0] = window[SIDE - 1].round() as i16;
            pair[1] = (2.0 * between).round() as i16;
        }
        wide
    }
}

/// Makes 8 kHz of 16 kHz; what 8 kHz cannot carry is filtered out.
#[derive(Clone, Debug)]
pub struct Down {
    past: [f32; WIDE_PAST],
}

impl Default for Down {
    fn default() -> Down {
        Down { past: [0.0; WIDE_PAST] }
    }
}

impl Down {
    /// The next frame.
    pub fn frame(&mut self, wide: &[i16; WIDE]) -> [i16; NARROW] {
        let mut samples = [0.0; WIDE_PAST + WIDE];
        samples[..WIDE_PAST].copy_from_slice(&self.past);
        convert(wide, &mut samples[WIDE_PAST..]);
        self.past.copy_from_slice(&samples[WIDE..]);
        let mut narrow = [0; NARROW];
        for (n, sample) in narrow.iter_mut().enumerate() {
            let window = &samples[2 * n..2 * n + 4 * SIDE - 1];
            let middle = 2 * SIDE - 1;
            let sides = |k: usize| window[middle - 2 * k - 1] + window[middle + 2 * k + 1];
            let sum: f32 = (0..SIDE).map(|k| TAPS[k] * sides(k)).sum();
            *sample = (0.5 * window[middle] + sum).round() as i16;
        }
        narrow
    }
}

fn convert(samples: &[i16], into: &mut [f32]) {
    for (into, sample) in into.iter_mut().zip(samples) {
        *into = f32::from(*sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::quality;

    fn tone(hz: f64, rate: f64, samples: usize) -> Vec<i16> {
        let at = |n: usize| (12_000.0 * (std::f64::consts::TAU * hz * n as f64 / rate).sin()) as i16;
        (0..samples).map(at).collect()
    }

    fn down(wide: &[i16]) -> Vec<i16> {
        let mut filter = Down::default();
        wide.as_chunks().0.iter().flat_map(|frame| filter.frame(frame)).collect()
    }

    fn up(narrow: &[i16]) -> Vec<i16> {
        let mut filter = Up::default();
        narrow.as_chunks().0.iter().flat_map(|frame| filter.frame(frame)).collect()
    }

    fn level_db(samples: &[i16]) -> f64 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        let power: f64 = middle.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        10.0 * (power / middle.len() as f64 / (12_000f64.powi(2) / 2.0)).log10()
    }

    #[test]
    fn what_a_telephone_carries_passes_and_what_it_does_not_is_gone() {
        for hz in [50.0, 300.0, 1_000.0, 2_500.0, 3_300.0] {
            assert!(level_db(&down(&tone(hz, 16_000.0, 6_400))).abs() < 0.1, "{hz} Hz down");
            assert!(level_db(&up(&tone(hz, 8_000.0, 3_200))).abs() < 0.1, "{hz} Hz up");
        }
        for hz in [4_700.0, 5_500.0, 7_000.0] {
            assert!(level_db(&down(&tone(hz, 16_000.0, 6_400))) < -60.0, "{hz} Hz");
        }
    }

    #[test]
    fn no_image_of_the_sound_appears_above_it() {
        let tone_1k = up(&tone(1_000.0, 8_000.0, 3_200));
        let heard = quality::compare(&tone(1_000.0, 16_000.0, 6_400), &tone_1k);
        assert!(heard.snr_db > 60.0, "{heard:?}");
    }

    #[test]
    fn speech_goes_up_and_down_again_unharmed() {
        let said = quality::speech(8_000);
        let heard = quality::compare(&said, &down(&up(&said)));
        assert!(heard.snr_db > 40.0 && heard.level_db.abs() < 0.05, "{heard:?}");
    }
}
