//! Several voices in one frame: each as loud as it is set, the sum never beyond full scale.

use crate::media::voice::SAMPLES;

/// How loud a leg is for those who hear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gain(i32);

/// Fraction bits of a gain.
const FRACTION: u32 = 12;
/// The most that a leg can be raised or lowered, in dB.
pub const MOST_DB: i8 = 20;

impl Gain {
    /// As it comes.
    pub const UNITY: Gain = Gain(1 << FRACTION);

    /// By so many dB louder, at most [`MOST_DB`] either way.
    pub fn from_db(gain_db: i8) -> Gain {
        let gain_db = f32::from(gain_db.clamp(-MOST_DB, MOST_DB));
        Gain((10f32.powf(gain_db / 20.0) * (1 << FRACTION) as f32).round() as i32)
    }
}

/// The sum of what one leg hears.
#[derive(Clone, Debug)]
pub(super) struct Mix([i32; SAMPLES]);

impl Mix {
    pub(super) fn silence() -> Mix {
        Mix([0; SAMPLES])
    }

    pub(super) fn add(&mut self, samples: &[i16; SAMPLES], gain: Gain) {
        for (sum, sample) in self.0.iter_mut().zip(samples) {
            *sum += (i32::from(*sample) * gain.0) >> FRACTION;
        }
    }

    /// The sum, clipped at full scale.
    pub(super) fn samples(&self) -> impl Iterator<Item = i16> + '_ {
        self.0.iter().map(|sum| (*sum).clamp(i16::MIN.into(), i16::MAX.into()) as i16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_beyond_full_scale_stays_there_and_does_not_wrap() {
        let mut mix = Mix::silence();
        for sample in [i16::MAX, i16::MAX, 20_000] {
            mix.add(&[sample; SAMPLES], Gain::UNITY);
        }
        assert!(mix.samples().all(|sample| sample == i16::MAX));
        for _ in 0..9 {
            mix.add(&[i16::MIN; SAMPLES], Gain::from_db(127));
        }
        assert!(mix.samples().all(|sample| sample == i16::MIN));
    }

    #[test]
    fn gain_is_in_decibels() {
        for (gain_db, expected) in [(0, 1_000), (6, 1_995), (-6, 501), (-20, 100), (20, 10_000), (-40, 100)] {
            let mut mix = Mix::silence();
            mix.add(&[1_000; SAMPLES], Gain::from_db(gain_db));
            let heard = i32::from(mix.samples().next().unwrap());
            assert!((heard - expected).abs() <= 2, "{gain_db} dB: {heard}");
        }
    }
}
