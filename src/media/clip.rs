//! A prompt in memory: decoded, resampled and encoded once, shared by every call that plays it.
//!
//! Files come as bytes: who reads them, and loudness and trimming, is for others.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use crate::base::Name;
use crate::media::codec::Encoder;
use crate::media::codec::Law;
use crate::media::codec::MAX_FRAME;
use crate::media::frame::Frame;
use crate::media::frame::NARROW;
use crate::media::frame::Rate;
use crate::media::frame::WIDE;
use crate::media::half_band::Up;
use crate::media::stream::FRAME;
use crate::sdp::Codec;

/// Samples per second that a file may have.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// A piece of recorded sound, ready to play in every codec that this build sends.
///
/// The two laws of G.711 are there from the start. The other codecs cost more and are used less: a clip is
/// encoded in one of them by [`Clip::encode`], once, when it is first played in it, and until that is done whoever
/// plays it encodes it as it goes.
pub struct Clip {
    /// Its name in the library: `en/welcome`.
    pub name: Name,
    /// The G.711 µ-law bytes, 8 000 a second, padded with silence to whole 20 ms frames.
    pub pcmu: Arc<[u8]>,
    /// The same in A-law.
    pub pcma: Arc<[u8]>,
    /// The same as samples at 16 kHz.
    wide: Arc<[i16]>,
    g722: OnceLock<Packets>,
    opus: OnceLock<Packets>,
}

/// The frames of a clip in one codec.
struct Packets {
    octets: Box<[u8]>,
    /// Where each ends.
    ends: Box<[u32]>,
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
        let recorded = sound(name, bytes)?;
        let resampled = |sound: Frame, rate: Rate| {
            let error = |reason| ClipError::Resample { name: name.to_owned(), reason };
            sound.resampled(rate.hz()).map(|frame| frame.samples).map_err(error)
        };
        let narrow = resampled(recorded.clone(), Rate::Narrow)?;
        let wide = resampled(recorded, Rate::Wide)?;
        Ok(Clip::new(name, &narrow, &wide))
    }

    /// How long a WAV file lasts, if a clip can be made of it: its samples are read, and no more.
    pub fn length_of_wav(name: &str, bytes: &[u8]) -> Result<Duration, ClipError> {
        let recorded = sound(name, bytes)?;
        Ok(Duration::from_secs_f64(recorded.samples.len() as f64 / f64::from(recorded.sample_rate)))
    }

    /// Makes a clip of samples at 8 kHz between -1 and 1; what is beyond is clipped.
    pub fn from_samples(name: &str, samples: &[f32]) -> Clip {
        let mut up = Up::default();
        let frames = samples.chunks(NARROW).flat_map(|chunk| {
            let mut frame = [0; NARROW];
            frame.iter_mut().zip(chunk).for_each(|(into, sample)| *into = to_integer(*sample));
            up.frame(&frame)
        });
        let wide: Vec<f32> = frames.map(|sample| f32::from(sample) / 32_768.0).collect();
        Clip::new(name, samples, &wide)
    }

    fn new(name: &str, narrow: &[f32], wide: &[f32]) -> Clip {
        let frames = narrow.len().div_ceil(NARROW);
        let encode = |law: Law| {
            let mut codes: Vec<u8> = narrow.iter().map(|sample| law.encode(to_integer(*sample))).collect();
            codes.resize(frames * NARROW, law.silence());
            Arc::from(codes)
        };
        let mut wide: Vec<i16> = wide.iter().map(|sample| to_integer(*sample)).collect();
        wide.resize(frames * WIDE, 0);
        Clip {
            name: name.into(),
            pcmu: encode(Law::Mu),
            pcma: encode(Law::A),
            wide: wide.into(),
            g722: OnceLock::new(),
            opus: OnceLock::new(),
        }
    }

    /// How many frames of 20 ms it has.
    pub fn frames(&self) -> usize {
        self.pcmu.len() / NARROW
    }

    /// How long it plays, in whole frames.
    pub fn duration(&self) -> Duration {
        FRAME * self.frames() as u32
    }

    /// Encodes it in a codec, unless it is already. This takes up to a hundredth of the time that it plays.
    pub fn encode(&self, codec: Codec) {
        if let Some(packets) = self.packets(codec) {
            packets.get_or_init(|| Packets::of(&self.wide, codec));
        }
    }

    /// Whether it is there in a codec.
    pub fn is_encoded(&self, codec: Codec) -> bool {
        self.packets(codec).is_none_or(|packets| packets.get().is_some())
    }

    /// A frame of it in a codec; none when it is not encoded in that yet, or is not so long.
    pub fn frame(&self, codec: Codec, number: usize) -> Option<&[u8]> {
        match codec {
            Codec::Pcmu => self.pcmu.chunks_exact(NARROW).nth(number),
            Codec::Pcma => self.pcma.chunks_exact(NARROW).nth(number),
            Codec::G722 | Codec::Opus => self.packets(codec)?.get()?.frame(number),
        }
    }

    /// The samples of a frame at 16 kHz; none when it is not so long.
    pub fn samples(&self, number: usize) -> Option<&[i16]> {
        self.wide.chunks_exact(WIDE).nth(number)
    }

    fn packets(&self, codec: Codec) -> Option<&OnceLock<Packets>> {
        match codec {
            Codec::Pcmu | Codec::Pcma => None,
            Codec::G722 => Some(&self.g722),
            Codec::Opus => Some(&self.opus),
        }
    }

    /// A clip of these octets, which need be no sound.
    #[cfg(test)]
    pub fn of_octets(name: &str, pcmu: Arc<[u8]>, pcma: Arc<[u8]>) -> Clip {
        Clip { pcmu, pcma, ..Clip::from_samples(name, &[]) }
    }
}

impl Packets {
    fn of(wide: &[i16], codec: Codec) -> Packets {
        let mut encoder = Encoder::new(codec);
        let (mut octets, mut ends, mut packet) = (Vec::new(), Vec::new(), [0; MAX_FRAME]);
        for frame in wide.chunks_exact(WIDE) {
            let length = encoder.encode(frame, &mut packet);
            octets.extend_from_slice(&packet[..length]);
            ends.push(octets.len() as u32);
        }
        Packets { octets: octets.into(), ends: ends.into() }
    }

    fn frame(&self, number: usize) -> Option<&[u8]> {
        let end = *self.ends.get(number)? as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        Some(&self.octets[start..end])
    }
}

/// Refuses a rate that speech is not recorded at.
/// What is recorded there, where a clip can be made of it.
fn sound(name: &str, bytes: &[u8]) -> Result<Frame, ClipError> {
    let recorded = read(bytes).map_err(|source| ClipError::Wav { name: name.to_owned(), source })?;
    rate_of_speech(name, recorded.sample_rate)?;
    if recorded.samples.is_empty() {
        return Err(ClipError::Empty { name: name.to_owned() });
    }
    Ok(recorded)
}

pub(super) fn rate_of_speech(name: &str, rate: u32) -> Result<(), ClipError> {
    if RATES.contains(&rate) { Ok(()) } else { Err(ClipError::Rate { name: name.to_owned(), rate }) }
}

/// The cast clips what is beyond full scale.
pub(super) fn to_integer(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}

impl std::fmt::Debug for Clip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clip({}, {} ms)", self.name, self.duration().as_millis())
    }
}

/// What a file holds, mixed to one channel.
pub(super) fn read(bytes: &[u8]) -> Result<Frame, hound::Error> {
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
    use crate::media::codec::Decoder;
    use crate::media::codec::MAX_DECODED;
    use crate::media::codec::rate;

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
    fn it_is_encoded_once_in_each_codec_and_sounds_alike_in_all() {
        let samples: Vec<f32> =
            crate::media::quality::speech(8_000).iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
        let clip = Clip::from_samples("en/speech", &samples);
        for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
            let fixed = clip.is_encoded(codec);
            assert_eq!(fixed, Law::of(codec).is_some(), "{codec:?}");
            clip.encode(codec);
            let first = clip.frame(codec, 0).unwrap().as_ptr();
            clip.encode(codec);
            assert_eq!(clip.frame(codec, 0).unwrap().as_ptr(), first, "{codec:?}: once");
            let (mut decoder, mut decoded) = (Decoder::new(codec), [0; MAX_DECODED]);
            let mut heard = Vec::new();
            for number in 0..clip.frames() {
                let count = decoder.decode(clip.frame(codec, number).unwrap(), &mut decoded);
                heard.extend_from_slice(&decoded[..count]);
            }
            assert_eq!(clip.frame(codec, clip.frames()), None);
            let said = crate::media::quality::speech(rate(codec).hz());
            let heard = crate::media::quality::compare(&said, &heard);
            // What was recorded at 8 kHz has no more than that in a wideband codec, either.
            assert!(heard.snr_db > 7.0 && heard.level_db.abs() < 1.0, "{codec:?}: {heard:?}");
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
