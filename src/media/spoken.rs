//! What a program spoke, made fit to stand among recordings: a whole WAV file, as loud as they are.

use std::io::Cursor;

use crate::media::clip;
use crate::media::clip::ClipError;
use crate::media::frame::Frame;

/// The level of recorded prompts, in dB of full scale: that of the frames in which somebody speaks.
const LEVEL_DBFS: f32 = -20.0;
/// No sample is beyond this.
const PEAK_DBFS: f32 = -1.0;
/// What is so far below the loudest frame is a pause.
const PAUSE_DB: f32 = 30.0;
/// The longest that is taken, in seconds.
const LONGEST_S: usize = 120;

/// The WAV file of one channel and 16 bits that `wav` is, at the level of prompts.
///
/// A program that writes to a pipe cannot know how long its file will be, and many say so by a length that is far too
/// large: what is there, counts.
pub fn levelled(name: &str, wav: &[u8]) -> Result<Vec<u8>, ClipError> {
    let failed = |source| ClipError::Wav { name: name.to_owned(), source };
    let mut sound = clip::read(&mended(wav)).map_err(failed)?;
    let rate = sound.sample_rate;
    clip::rate_of_speech(name, rate)?;
    sound.samples.truncate(rate as usize * LONGEST_S);
    if sound.samples.iter().all(|sample| *sample == 0.0) {
        return Err(ClipError::Empty { name: name.to_owned() });
    }
    level(&mut sound);
    write(&sound).map_err(failed)
}

/// The same file with the lengths that it has.
fn mended(wav: &[u8]) -> Vec<u8> {
    let mut whole = wav.to_vec();
    let riff = whole.len().saturating_sub(8);
    set_length(&mut whole, 4, riff);
    let mut at = 12;
    while let Some(chunk) = wav.get(at..at + 8) {
        let (id, length) = chunk.split_at(4);
        let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let there = wav.len() - at - 8;
        if id == b"data" {
            // Whole samples of 16 bits and two channels at most, which is what programs that speak write.
            let blocks = wav.get(32..34).map_or(2, |align| usize::from(align[0]).max(1));
            let length = if length > there { there / blocks * blocks } else { length };
            set_length(&mut whole, at + 4, length);
            break;
        }
        at = at.saturating_add(8).saturating_add(length).saturating_add(length % 2);
    }
    whole
}

fn set_length(wav: &mut [u8], at: usize, length: usize) {
    if let (Some(field), Ok(length)) = (wav.get_mut(at..at + 4), u32::try_from(length)) {
        field.copy_from_slice(&length.to_le_bytes());
    }
}

/// To the level of prompts; where that would pass the peak, the gain dips for a few milliseconds.
fn level(sound: &mut Frame) {
    let gain = 10_f32.powf(LEVEL_DBFS / 20.0) / active(sound);
    let ceiling = 10_f32.powf(PEAK_DBFS / 20.0);
    let half = (sound.sample_rate / 250) as usize;
    sound.samples.iter_mut().for_each(|sample| *sample *= gain);
    let loud: Vec<(usize, f32)> = sound
        .samples
        .iter()
        .enumerate()
        .map(|(at, sample)| (at, sample.abs()))
        .filter(|(_, peak)| *peak > ceiling)
        .collect();
    let mut dips = vec![1.0_f32; if loud.is_empty() { 0 } else { sound.samples.len() }];
    for (at, peak) in loud {
        let (from, to) = (at.saturating_sub(half), (at + half + 1).min(dips.len()));
        for (place, dip) in dips[from..to].iter_mut().enumerate() {
            let away = (from + place).abs_diff(at) as f32 / (half + 1) as f32;
            let shape = 0.5 + 0.5 * (std::f32::consts::PI * away).cos();
            *dip = dip.min(1.0 - (1.0 - ceiling / peak) * shape);
        }
    }
    sound.samples.iter_mut().zip(dips).for_each(|(sample, dip)| *sample *= dip);
}

/// The root mean square of the frames that are no pause.
fn active(sound: &Frame) -> f32 {
    let frame = (sound.sample_rate / 50).max(1) as usize;
    let power = |part: &[f32]| part.iter().map(|sample| sample * sample).sum::<f32>() / part.len() as f32;
    let powers: Vec<f32> = sound.samples.chunks(frame).map(power).collect();
    let floor = powers.iter().copied().fold(0.0, f32::max) / 10_f32.powf(PAUSE_DB / 10.0);
    let loud: Vec<f32> = powers.into_iter().filter(|power| *power >= floor).collect();
    (loud.iter().sum::<f32>() / loud.len().max(1) as f32).sqrt().max(1e-6)
}

fn write(sound: &Frame) -> Result<Vec<u8>, hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: sound.sample_rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec)?;
    for sample in &sound.samples {
        writer.write_sample(clip::to_integer(*sample))?;
    }
    writer.finalize()?;
    Ok(file.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a second of a tone at this level, then as long nothing.
    fn spoken(level: f32) -> Vec<u8> {
        let tone = (0..11_025).map(|n| level * (std::f32::consts::TAU * 300.0 * n as f32 / 22_050.0).sin());
        let samples = tone.chain(std::iter::repeat_n(0.0, 11_025)).collect();
        write(&Frame { sample_rate: 22_050, samples }).expect("written")
    }

    fn level_dbfs(wav: &[u8]) -> f32 {
        20.0 * active(&clip::read(wav).expect("a WAV file")).log10()
    }

    #[test]
    fn it_is_as_loud_as_recorded_prompts_however_loud_it_came() {
        for level in [0.005, 0.1, 0.99] {
            let made = levelled("x", &spoken(level)).expect("a sound");
            assert!((level_dbfs(&made) - LEVEL_DBFS).abs() < 0.3, "{level}: {}", level_dbfs(&made));
        }
    }

    #[test]
    fn a_click_is_held_down_and_the_rest_is_as_loud_as_ever() {
        let mut sound = clip::read(&spoken(0.01)).expect("a WAV file");
        sound.samples[3_000] = 0.9;
        let made = levelled("x", &write(&sound).expect("written")).expect("a sound");
        let made = clip::read(&made).expect("a WAV file");
        let peak = made.samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!(peak <= 10_f32.powf(PEAK_DBFS / 20.0) + 0.001, "{peak}");
    }

    #[test]
    fn a_file_that_was_written_into_a_pipe_is_as_long_as_it_is() {
        let whole = spoken(0.1);
        for length in [0x7fff_f000_u32, u32::MAX] {
            let mut piped = whole.clone();
            piped[4..8].copy_from_slice(&length.to_le_bytes());
            piped[40..44].copy_from_slice(&length.to_le_bytes());
            assert_eq!(levelled("x", &piped).expect("a sound"), levelled("x", &whole).expect("a sound"));
        }
    }

    #[test]
    fn what_is_no_sound_is_refused() {
        for bad in [&b""[..], b"RIFF", b"RIFF....WAVEdata", b"espeak: no such voice"] {
            assert!(levelled("x", bad).is_err(), "{bad:?}");
        }
        assert!(matches!(levelled("x", &spoken(0.0)), Err(ClipError::Empty { .. })));
    }
}
