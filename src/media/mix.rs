//! Several voices in one frame: each as loud as it is set, the sum never beyond full scale.

use crate::media::frame::Rate;
use crate::media::frame::WIDE;

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

/// The sum of what one leg hears, at the rate of its codec.
#[derive(Clone, Debug)]
pub(super) struct Mix {
    rate: Rate,
    sums: [i32; WIDE],
}

impl Mix {
    pub(super) fn silence(rate: Rate) -> Mix {
        Mix { rate, sums: [0; WIDE] }
    }

    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    pub(super) fn add(&mut self, samples: &[i16], gain: Gain) {
        for (sum, sample) in self.sums.iter_mut().zip(samples) {
            *sum += (i32::from(*sample) * gain.0) >> FRACTION;
        }
    }

    /// Writes the sum, clipped at full scale; how many samples it has.
    pub(super) fn samples(&self, into: &mut [i16; WIDE]) -> usize {
        for (into, sum) in into.iter_mut().zip(&self.sums) {
            *into = (*sum).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        }
        self.rate.samples()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(mix: &Mix) -> [i16; WIDE] {
        let mut samples = [0; WIDE];
        assert_eq!(mix.samples(&mut samples), WIDE);
        samples
    }

    #[test]
    fn a_sum_beyond_full_scale_stays_there_and_does_not_wrap() {
        let mut mix = Mix::silence(Rate::Wide);
        for sample in [i16::MAX, i16::MAX, 20_000] {
            mix.add(&[sample; WIDE], Gain::UNITY);
        }
        assert!(sum(&mix) == [i16::MAX; WIDE]);
        for _ in 0..9 {
            mix.add(&[i16::MIN; WIDE], Gain::from_db(127));
        }
        assert!(sum(&mix) == [i16::MIN; WIDE]);
    }

    #[test]
    fn gain_is_in_decibels() {
        for (gain_db, expected) in [(0, 1_000), (6, 1_995), (-6, 501), (-20, 100), (20, 10_000), (-40, 100)] {
            let mut mix = Mix::silence(Rate::Wide);
            mix.add(&[1_000; WIDE], Gain::from_db(gain_db));
            let heard = i32::from(sum(&mix)[0]);
            assert!((heard - expected).abs() <= 2, "{gain_db} dB: {heard}");
        }
    }
}
