//! Which tone is in a recording: Goertzel's algorithm over 8 kHz samples, and the sines to send.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

/// Samples per second of everything here.
pub const RATE: usize = 8000;
/// What callers send.
pub const CALLER_HZ: f64 = 425.0;
/// What agents send.
pub const AGENT_HZ: f64 = 850.0;
/// What an agent's colleague sends.
pub const COLLEAGUE_HZ: f64 = 1_350.0;
/// What a supervisor sends.
pub const SUPERVISOR_HZ: f64 = 2_100.0;

/// A sine at about -10 dBFS.
pub fn sine(hz: f64, samples: usize) -> impl Iterator<Item = i16> {
    (0..samples).map(move |at| (10_000.0 * (TAU * hz * at as f64 / RATE as f64).sin()) as i16)
}

/// How many seconds of the recording are this tone and little else, by frames of 20 ms.
pub fn seconds_of(hz: f64, samples: &[i16]) -> f64 {
    let frames = samples.chunks_exact(RATE / 50).filter(|frame| is_tone(hz, frame)).count();
    frames as f64 / 50.0
}

/// Whether more than 80 % of a frame's power is at this frequency, and it is not silence.
fn is_tone(hz: f64, frame: &[i16]) -> bool {
    share(hz, frame) > 0.8
}

/// How much of a frame's power is at this frequency; nothing of silence.
fn share(hz: f64, frame: &[i16]) -> f64 {
    let power: f64 = frame.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    if power / (frame.len() as f64) < 300.0 * 300.0 {
        return 0.0;
    }
    let coefficient = 2.0 * (TAU * hz / RATE as f64).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in frame {
        (last, before) = (f64::from(*sample) + coefficient * last - before, last);
    }
    let at_hz = last * last + before * before - coefficient * last * before;
    2.0 * at_hz / (frame.len() as f64 * power)
}

/// Whether this tone is in the recording for more than half of it, alone or among others.
pub fn is_in(hz: f64, samples: &[i16]) -> bool {
    let frames: Vec<&[i16]> = samples.chunks_exact(RATE / 50).collect();
    let with = frames.iter().filter(|frame| share(hz, frame) > 0.15).count();
    with * 2 > frames.len()
}

/// Writes a mono WAV file of 16 bit at 8 kHz.
pub fn write_wav(path: &Path, samples: impl Iterator<Item = i16>) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a wav file");
    for sample in samples {
        writer.write_sample(sample).expect("room on the disk");
    }
    writer.finalize().expect("room on the disk");
}

/// The samples of a file of 16 bit, even while it is still being written, when its header does not say how many.
/// Of a higher rate, and of several channels, as many are left out as make 8 kHz and one: enough for tones.
pub fn read_growing_wav(path: &Path) -> Vec<i16> {
    let Some((rate, channels, samples)) = read_growing_wav_as_it_is(path) else { return Vec::new() };
    let step = (usize::from(channels) * rate as usize / RATE).max(1);
    samples.into_iter().step_by(step).collect()
}

/// The same with nothing left out: samples a second, channels, and the samples.
pub fn read_growing_wav_as_it_is(path: &Path) -> Option<(u32, u16, Vec<i16>)> {
    let bytes = fs::read(path).ok()?;
    let (header, body) = bytes.split_at_checked(44)?;
    let channels = u16::from_le_bytes([header[22], header[23]]);
    let rate = u32::from_le_bytes([header[24], header[25], header[26], header[27]]);
    let samples = body.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    Some((rate, channels, samples))
}

#[test]
fn a_tone_is_told_from_another_one_from_speech_and_from_silence() {
    let caller: Vec<i16> = sine(CALLER_HZ, 2 * RATE).collect();
    assert_eq!(seconds_of(CALLER_HZ, &caller), 2.0);
    assert_eq!(seconds_of(AGENT_HZ, &caller), 0.0);
    assert_eq!(seconds_of(CALLER_HZ, &[0; RATE]), 0.0);
    let both: Vec<i16> = sine(CALLER_HZ, RATE).zip(sine(AGENT_HZ, RATE)).map(|(a, b)| a + b).collect();
    assert!(is_in(CALLER_HZ, &both) && is_in(AGENT_HZ, &both) && !is_in(COLLEAGUE_HZ, &both));
    assert!(!is_in(AGENT_HZ, &caller) && !is_in(CALLER_HZ, &[0; RATE]));
    let speech = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts/en/long.wav");
    let speech = read_growing_wav(&speech);
    assert!(speech.len() > 60 * RATE);
    assert!(seconds_of(CALLER_HZ, &speech) < 1.0);
}
