//! Comfort noise (RFC 3389): how quiet it is where a sender pauses.

/// Noise at a level, the same whenever it is made.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    amplitude: i32,
    state: u32,
    last: i32,
}

/// The loudest that is taken for noise, in -dBov: a phone that says it is louder is not believed.
const LOUDEST: u8 = 30;

impl Noise {
    /// Reads a packet of comfort noise; of its spectrum nothing is used. None when the packet is empty.
    ///
    /// [RFC 3389 §3](https://www.rfc-editor.org/rfc/rfc3389#section-3)
    pub(super) fn parse(payload: &[u8]) -> Option<Noise> {
        let level = (payload.first()? & 0x7f).max(LOUDEST);
        // Uniform noise has a third of its peak's power, and the smoothing below halves that.
        let amplitude = 32_768.0 * 10f32.powf(-f32::from(level) / 20.0) * 6f32.sqrt();
        Some(Noise { amplitude: amplitude as i32, state: 1, last: 0 })
    }

    pub(super) fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = self.amplitude * (self.state as i32 >> 16) / 32_768;
            *sample = i32::midpoint(white, self.last) as i16;
            self.last = white;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_as_loud_as_the_sender_says_and_never_loud() {
        for (said, heard) in [(40, -40.0), (60, -60.0), (0, -30.0)] {
            let mut noise = Noise::parse(&[said, 9, 9]).unwrap();
            let mut samples = [0; 16_000];
            noise.fill(&mut samples);
            let power = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / 16_000.0;
            let dbov = 10.0 * (power / 32_768f64.powi(2)).log10();
            assert!((dbov - heard).abs() < 1.0, "{said}: {dbov} dBov");
        }
        assert!(Noise::parse(&[]).is_none());
    }
}
