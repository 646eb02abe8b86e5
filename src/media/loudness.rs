//! How loud a recording is, as a person hears it: silence around words does not count.

use crate::media::clip::read;

/// Below this nothing is heard on a telephone.
const SILENT_DB: f64 = -60.0;
/// How far below the loudest 20 ms others still are speech, in power.
const SPEECH: f64 = 1e-3;
/// From here on a sample is at full scale.
const FULL: f32 = 0.9995;
/// So many samples in a row at full scale are a peak that was cut off …
const CUT: usize = 3;
/// … and so many such peaks are heard.
const HEARD: usize = 3;

/// What can be told of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loudness {
    /// The RMS of the 20 ms that are speech, those less than 30 dB below the loudest, in dB of full scale; none: silent.
    pub level_db: Option<f64>,
    /// Whether its peaks are cut off.
    pub clipped: bool,
}

impl Loudness {
    /// Of a WAV file; none where it cannot be read, or holds nothing.
    pub fn of_wav(bytes: &[u8]) -> Option<Loudness> {
        let recorded = read(bytes).ok()?;
        let frame = (recorded.sample_rate / 50).max(1) as usize;
        Loudness::of(&recorded.samples, frame)
    }

    fn of(samples: &[f32], frame: usize) -> Option<Loudness> {
        let power = |samples: &[f32]| {
            samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64
        };
        let powers: Vec<f64> = samples.chunks(frame).map(power).collect();
        let loudest = powers.iter().copied().reduce(f64::max)?;
        let speech: Vec<f64> = powers.into_iter().filter(|power| *power >= loudest * SPEECH).collect();
        let level = 10.0 * (speech.iter().sum::<f64>() / speech.len() as f64).max(1e-12).log10();
        let cut = samples.chunk_by(|a, b| is_full(*a) == is_full(*b) && a.signum() == b.signum());
        let cut = cut.filter(|run| run.len() >= CUT && is_full(run[0])).count();
        Some(Loudness { level_db: (level > SILENT_DB).then_some(level), clipped: cut >= HEARD })
    }
}

fn is_full(sample: f32) -> bool {
    sample.abs() >= FULL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_square_wave_is_clipped_and_a_single_peak_is_not() {
        let square: Vec<f32> = (0..1_600).map(|n| if n / 8 % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let heard = Loudness::of(&square, 160).unwrap();
        assert!(heard.clipped && heard.level_db.unwrap().abs() < 0.01, "{heard:?}");
        let mut peak = vec![0.1; 1_600];
        peak[800..805].fill(1.0);
        assert!(!Loudness::of(&peak, 160).unwrap().clipped);
        assert_eq!(Loudness::of(&[0.0; 160], 160), Some(Loudness { level_db: None, clipped: false }));
        assert_eq!(Loudness::of(&[], 160), None);
    }
}
