//! Audio outside of any codec: samples, and how many of them make a second. Resampling; no encoding.

use rubato::Fft;
use rubato::FixedSync;
use rubato::Resampler;
use rubato::audioadapter_buffers::direct::InterleavedSlice;

/// Samples of a frame of 20 ms at 8 kHz.
pub const NARROW: usize = 160;
/// And at 16 kHz.
pub const WIDE: usize = 320;

/// The two rates at which voices are decoded, mixed and encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// 8 kHz, the telephone's.
    Narrow,
    /// 16 kHz, for wideband codecs.
    Wide,
}

impl Rate {
    /// Samples of a frame of 20 ms.
    pub const fn samples(self) -> usize {
        match self {
            Rate::Narrow => NARROW,
            Rate::Wide => WIDE,
        }
    }

    /// Samples a second.
    pub const fn hz(self) -> u32 {
        self.samples() as u32 * 50
    }
}

/// Samples of one channel: a packet's 20 ms, or a whole prompt.
///
/// It carries its rate, because codecs differ in it: G.711 has 8 000 samples a second, G.722 16 000 (while
/// its RTP clock counts 8 000), Opus 48 000.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Samples per second, in Hz.
    pub sample_rate: u32,
    /// Between -1 and 1.
    pub samples: Vec<f32>,
}

impl Frame {
    /// The same audio at another rate; what that rate cannot carry is filtered out, so that it does not fold
    /// back as noise.
    pub fn resampled(self, sample_rate: u32) -> Result<Frame, String> {
        if self.sample_rate == sample_rate {
            return Ok(self);
        }
        let (from, to) = (self.sample_rate as usize, sample_rate as usize);
        let mut resampler =
            Fft::<f32>::new(from, to, 1_024, 1, FixedSync::Both).map_err(|error| error.to_string())?;
        let length = self.samples.len();
        let input = InterleavedSlice::new(&self.samples, 1, length).map_err(|error| error.to_string())?;
        let output = resampler.process_all(&input, length, None).map_err(|error| error.to_string())?;
        Ok(Frame { sample_rate, samples: output.take_data() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_lasts_as_long_at_another_rate() {
        let second = Frame { sample_rate: 16_000, samples: vec![0.5; 16_000] };
        let telephone = second.clone().resampled(8_000).unwrap();
        assert_eq!(telephone.sample_rate, 8_000);
        assert_eq!(telephone.samples.len(), 8_000);
        assert!((telephone.samples[4_000] - 0.5).abs() < 0.01, "{}", telephone.samples[4_000]);
        assert_eq!(second.clone().resampled(16_000).unwrap(), second);
    }
}
