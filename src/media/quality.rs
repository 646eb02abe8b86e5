//! For tests: speech to send, and how like it is what was heard.

use crate::media::frame::Frame;

/// Five seconds of a prompt, at this rate.
pub fn speech(rate: u32) -> Vec<i16> {
    let wav = include_bytes!("../../prompts/en/long.wav");
    let mut reader = hound::WavReader::new(&wav[..]).unwrap();
    let from = reader.spec().sample_rate;
    let samples = reader.samples::<i16>().take(5 * from as usize);
    let samples = samples.map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect();
    let frame = Frame { sample_rate: from, samples }.resampled(rate).unwrap();
    frame.samples.iter().map(|sample| (sample * 32_768.0).round() as i16).collect()
}

/// What became of a sound.
#[derive(Clone, Copy, Debug)]
pub struct Match {
    /// Samples by which it came later.
    pub delay: usize,
    /// Of what was said against what differs, where somebody speaks.
    pub snr_db: f64,
    /// How much louder it came.
    pub level_db: f64,
}

/// Compares what was heard with what was said, at the delay at which they are most alike; at most 0.1 s of
/// 16 kHz.
pub fn compare(said: &[i16], heard: &[i16]) -> Match {
    const MOST: usize = 1_600;
    let length = said.len().min(heard.len()) - MOST;
    let product = |delay: usize, step: usize| -> f64 {
        (0..length).step_by(step).map(|n| f64::from(said[n]) * f64::from(heard[n + delay])).sum()
    };
    // A coarse look first: few of the samples decide where to look closely.
    let mut delays: Vec<(f64, usize)> = (0..MOST).map(|delay| (product(delay, 11), delay)).collect();
    delays.sort_by(|a, b| b.0.total_cmp(&a.0));
    let close = delays[..5].iter().map(|(_, delay)| (product(*delay, 1), *delay));
    let (_, delay) = close.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    let power = |samples: &[i16]| samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    let (power_said, power_heard) = (power(&said[..length]), power(&heard[delay..delay + length]));
    let gain = product(delay, 1) / power_said;
    let difference: f64 =
        (0..length).map(|n| (f64::from(heard[n + delay]) - gain * f64::from(said[n])).powi(2)).sum();
    Match {
        delay,
        snr_db: 10.0 * (gain * gain * power_said / difference.max(1.0)).log10(),
        level_db: 10.0 * (power_heard / power_said).log10(),
    }
}
