//! A prompt in memory: decoded, resampled and encoded once, shared by every call that plays it.
//!
//! Files come as bytes: who reads them, and loudness and trimming, is for others.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Name;
use crate::media::codec::Law;
use crate::media::frame::Frame;
use crate::media::stream::FRAME_BYTES;

/// Samples per second of what is kept.
const RATE: u32 = 8_000;
/// Samples per second that a file may have.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// A piece of recorded sound, ready to play in every codec that this build sends.
pub struct Clip {
    /// Its name in the library: `en/welcome`.
    pub name: Name,
    /// The G.711 µ-law bytes, 8 000 a second, padded with silence to whole 20 ms frames.
    pub pcmu: Arc<[u8]>,
    /// The same in A-law.
    pub pcma: Arc<[u8]>,
}

/// Why a file is no clip.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// It is no WAV file, is cut off, or is compressed.
    #[error("{name}.wav: {source}")]
    Wav { name: String, source: hound::Error },
    /// Its rate is none that speech is recorded at.
    #[error("{name}.wav: sample rate must be 4000 to 192000 Hz, got {rate} Hz")]
    Rate { name: String, rate: u32 },
    /// There is no sound in it.
    #[error("{name}.wav: holds no samples")]
    Empty { name: String },
    /// The resampler refused it.
    #[error("{name}.wav: cannot be resampled: {reason}")]
    Resample { name: String, reason: String },
}

impl Clip {
    /// Makes a clip of a WAV file: integer samples of 8 to 32 bits or floats, any rate, channels mixed to one.
    pub fn from_wav(name: &str, bytes: &[u8]) -> Result<Clip, ClipError> {
        let recorded = read(bytes).map_err(|source| ClipError::Wav { name: name.to_owned(), source })?;
        if !RATES.contains(&recorded.sample_rate) {
            return Err(ClipError::Rate { name: name.to_owned(), rate: recorded.sample_rate });
        }
        if recorded.samples.is_empty() {
            return Err(ClipError::Empty { name: name.to_owned() });
        }
        let telephone = recorded
            .resampled(RATE)
            .map_err(|reason| ClipError::Resample { name: name.to_owned(), reason })?;
        Ok(Clip::from_samples(name, &telephone.samples))
    }

    /// Makes a clip of samples at 8 kHz between -1 and 1; what is beyond is clipped.
    pub fn from_samples(name: &str, samples: &[f32]) -> Clip {
        let frames = samples.len().div_ceil(FRAME_BYTES);
        let encode = |law: Law| {
            let codes = samples.iter().map(|sample| law.encode((sample * 32_768.0).round() as i16));
            let mut codes: Vec<u8> = codes.collect();
            codes.resize(frames * FRAME_BYTES, law.silence());
            Arc::from(codes)
        };
        Clip { name: name.into(), pcmu: encode(Law::Mu), pcma: encode(Law::A) }
    }

    /// How long it plays, in whole frames.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.pcmu.len() as u64 * 1_000_000 / u64::from(RATE))
    }
}

impl std::fmt::Debug for Clip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clip({}, {} ms)", self.name, self.pcmu.len() / 8)
    }
}

/// What a file holds, mixed to one channel.
fn read(bytes: &[u8]) -> Result<Frame, hound::Error> {
    let mut reader = hound::WavReader::new(Cursor::new(bytes))?;
    let spec = reader.spec();
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
        hound::SampleFormat::Int => {
            let full_scale = (1u64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            let samples =
                reader.samples::<i32>().map(|sample| sample.map(|sample| sample as f32 / full_scale));
            samples.collect::<Result<_, _>>()?
        }
    };
    let channels = usize::from(spec.channels).max(1);
    let mixed = samples.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32);
    // A NaN in a file of floats would be a click at best.
    let mixed = mixed.map(|sample| if sample.is_finite() { sample } else { 0.0 });
    Ok(Frame { sample_rate: spec.sample_rate, samples: mixed.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(spec: hound::WavSpec, samples: impl Iterator<Item = f32>) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        for sample in samples {
            for _ in 0..spec.channels {
                match spec.sample_format {
                    hound::SampleFormat::Float => writer.write_sample(sample).unwrap(),
                    hound::SampleFormat::Int => {
                        let full_scale = (1i64 << (spec.bits_per_sample - 1)) as f32;
                        writer.write_sample((sample * full_scale) as i32).unwrap();
                    }
                }
            }
        }
        writer.finalize().unwrap();
        file.into_inner()
    }

    fn spec(sample_rate: u32, channels: u16, bits_per_sample: u16) -> hound::WavSpec {
        let sample_format =
            if bits_per_sample == 0 { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
        let bits_per_sample = if bits_per_sample == 0 { 32 } else { bits_per_sample };
        hound::WavSpec { channels, sample_rate, bits_per_sample, sample_format }
    }

    /// A second of a tone at half of full scale.
    fn tone(hz: f32, rate: u32) -> impl Iterator<Item = f32> {
        (0..rate).map(move |n| 0.5 * (std::f32::consts::TAU * hz * n as f32 / rate as f32).sin())
    }

    /// The level of a clip's middle, in dB below that of [`tone`].
    fn level_db(clip: &Clip) -> f64 {
        let middle = &clip.pcmu[1_600..6_400];
        let power: f64 =
            middle.iter().map(|code| (f64::from(Law::Mu.decode(*code)) / 32_768.0).powi(2)).sum();
        10.0 * (power / middle.len() as f64 / 0.125).log10()
    }

    #[test]
    fn a_file_of_any_kind_sounds_as_it_was_recorded() {
        let kinds = [
            (8_000, 1, 16),
            (16_000, 1, 16),
            (44_100, 2, 16),
            (48_000, 1, 24),
            (22_050, 1, 0),
            (8_000, 2, 8),
        ];
        for (rate, channels, bits) in kinds {
            let clip =
                Clip::from_wav("en/tone", &wav(spec(rate, channels, bits), tone(1_000.0, rate))).unwrap();
            assert!(
                level_db(&clip).abs() < 0.3,
                "{rate} Hz, {channels}, {bits} bits: {} dB",
                level_db(&clip)
            );
            assert_eq!(clip.duration(), Duration::from_secs(1), "{rate} Hz");
            assert_eq!(clip.pcma.len(), clip.pcmu.len());
        }
    }

    #[test]
    fn what_a_telephone_cannot_carry_does_not_come_back_as_another_tone() {
        for rate in [16_000, 44_100, 48_000] {
            let clip = Clip::from_wav("high", &wav(spec(rate, 1, 16), tone(5_500.0, rate))).unwrap();
            assert!(level_db(&clip) < -55.0, "{rate} Hz: {} dB", level_db(&clip));
        }
    }

    #[test]
    fn a_clip_is_filled_up_to_whole_frames() {
        let clip = Clip::from_samples("short", &[0.5; 161]);
        assert_eq!((clip.pcmu.len(), clip.duration()), (320, Duration::from_millis(40)));
        assert!(clip.pcmu[161..].iter().all(|code| *code == Law::Mu.silence()));
        assert!(clip.pcma[161..].iter().all(|code| *code == Law::A.silence()));
    }

    #[test]
    fn a_bad_file_is_refused_by_name_and_reason() {
        let error = Clip::from_wav("en/welcome", b"ID3 this is something else").unwrap_err().to_string();
        assert!(error.starts_with("en/welcome.wav: "), "{error}");
        let empty = Clip::from_wav("en/empty", &wav(spec(8_000, 1, 16), std::iter::empty())).unwrap_err();
        assert_eq!(empty.to_string(), "en/empty.wav: holds no samples");
        let slow = Clip::from_wav("x", &wav(spec(100, 1, 16), tone(10.0, 100))).unwrap_err();
        assert_eq!(slow.to_string(), "x.wav: sample rate must be 4000 to 192000 Hz, got 100 Hz");
        let whole = wav(spec(8_000, 1, 16), tone(1_000.0, 8_000));
        assert!(Clip::from_wav("cut", &whole[..whole.len() - 1_001]).is_err());
    }
}
