//! Every prompt is there, says nothing without its words being written down, and fits its neighbours:
//! the same format, the same level, nothing clipped, no click at a join.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

const RATE: usize = 16_000;
const SPEECH_DBFS: f64 = -20.0;
const MUSIC_DBFS: f64 = -24.0;
const LEVEL_TOLERANCE_DB: f64 = 1.5;
const PEAK_DBFS: f64 = -1.0;
/// The first and the last millisecond of every prompt stay below this.
const EDGE_DBFS: f64 = -40.0;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts").join(name)
}

/// The folders of speech.
const SPEECH: [&str; 3] = ["common", "en", "es"];

fn manifest(language: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder(language).join("manifest.yaml")).expect("a manifest");
    serde_saphyr::from_str(&text).expect("name: words")
}

/// What no manifest has words for: it is in none.
const NO_SPEECH: [&str; 4] = ["beep", "hold-music", "ringback", "tone-1004"];

/// Every WAV below `at`, by its path without the ending.
fn recordings(at: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(at).expect("a folder").map(|entry| entry.expect("an entry")) {
        let name = entry.file_name().into_string().expect("a plain name");
        if entry.path().is_dir() {
            recordings(&entry.path(), &format!("{prefix}{name}/"), found);
        } else if let Some(stem) = name.strip_suffix(".wav") {
            found.insert(format!("{prefix}{stem}"));
        }
    }
}

/// The samples, full scale being 1.
fn load(path: &Path) -> Vec<f64> {
    let mut reader =
        hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let spec = reader.spec();
    let wanted = (1, RATE as u32, 16, hound::SampleFormat::Int);
    assert_eq!(
        (spec.channels, spec.sample_rate, spec.bits_per_sample, spec.sample_format),
        wanted,
        "{}",
        path.display()
    );
    reader.samples::<i16>().map(|sample| f64::from(sample.expect("a whole file")) / 32768.0).collect()
}

fn db(amplitude: f64) -> f64 {
    20.0 * amplitude.max(1e-9).log10()
}

fn power(samples: &[f64]) -> f64 {
    samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len() as f64
}

fn peak(samples: &[f64]) -> f64 {
    samples.iter().fold(0.0, |most, sample| sample.abs().max(most))
}

/// The RMS of the 20 ms frames that are speech: those less than 30 dB below the loudest one.
fn active_rms(samples: &[f64]) -> f64 {
    let frames: Vec<f64> = samples.chunks(RATE / 50).map(power).collect();
    let floor = frames.iter().copied().fold(0.0, f64::max) / 1000.0;
    let active: Vec<f64> = frames.into_iter().filter(|frame| *frame >= floor).collect();
    (active.iter().sum::<f64>() / active.len() as f64).sqrt()
}

#[test]
fn every_prompt_has_its_words_and_every_word_its_prompt() {
    for language in SPEECH {
        let written: BTreeSet<String> = manifest(language).into_keys().collect();
        let mut recorded = BTreeSet::new();
        recordings(&folder(language), "", &mut recorded);
        let missing: Vec<&String> = written.difference(&recorded).collect();
        let wordless: Vec<&String> =
            recorded.difference(&written).filter(|name| !NO_SPEECH.contains(&name.as_str())).collect();
        assert!(
            missing.is_empty() && wordless.is_empty(),
            "{language}: no recording: {missing:?}; no words: {wordless:?}"
        );
    }
    assert!(manifest("en").len() > 60, "only {} prompts", manifest("en").len());
}

#[test]
fn whatever_can_be_said_of_a_value_is_recorded() {
    for language in warmline::flow::say::LANGUAGES {
        let recorded = manifest(language);
        let missing: Vec<String> =
            warmline::flow::say::prompts(language).filter(|name| !recorded.contains_key(name)).collect();
        assert!(missing.is_empty(), "{language}: {missing:?}");
    }
}

#[test]
fn a_caller_hears_every_prompt_equally_loud_and_without_a_click() {
    let mut wrong = Vec::new();
    let speech = SPEECH.into_iter().flat_map(|language| {
        manifest(language).into_iter().map(move |(name, words)| (format!("{language}/{name}"), words))
    });
    for (name, words) in speech {
        let samples = load(&folder(&format!("{name}.wav")));
        let level = db(active_rms(&samples));
        if (level - SPEECH_DBFS).abs() > LEVEL_TOLERANCE_DB {
            wrong.push(format!("{name}: speech at {level:.1} dBFS"));
        }
        if db(peak(&samples)) > PEAK_DBFS {
            wrong.push(format!("{name}: peak at {:.1} dBFS", db(peak(&samples))));
        }
        let edge = RATE / 1000;
        let loudest = peak(&samples[..edge]).max(peak(&samples[samples.len() - edge..]));
        if db(loudest) > EDGE_DBFS {
            wrong.push(format!("{name}: {:.1} dBFS at an edge", db(loudest)));
        }
        let offset = samples.iter().sum::<f64>() / samples.len() as f64;
        if offset.abs() > 0.002 {
            wrong.push(format!("{name}: direct current of {offset:.4}"));
        }
        // Nobody says more than five words in a second, nor fewer than one in two; a short word may be shorter.
        let (words, seconds) = (words.split_whitespace().count(), samples.len() as f64 / RATE as f64);
        let spoken = words as f64 / seconds;
        if !(0.5..if words == 1 { 10.0 } else { 6.0 }).contains(&spoken) {
            wrong.push(format!("{name}: {spoken:.1} words a second"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn hold_music_is_softer_than_speech_and_loops_without_a_seam() {
    let samples = load(&folder("common").join("hold-music.wav"));
    assert!((db(power(&samples).sqrt()) - MUSIC_DBFS).abs() < LEVEL_TOLERANCE_DB);
    assert!(db(peak(&samples)) < PEAK_DBFS);
    assert_eq!(samples.len() % (RATE / 50), 0, "whole frames of 20 ms");
    let largest_step = samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
    assert!((samples[0] - samples[samples.len() - 1]).abs() <= largest_step);
}

#[test]
fn the_test_tone_is_1004_hz_at_minus_16_dbm0_and_loops_exactly() {
    let samples = load(&folder("common").join("tone-1004.wav"));
    assert_eq!(samples.len() % (RATE / 50), 0, "whole frames of 20 ms");
    assert_eq!(samples.len() * 1004 % RATE, 0, "whole periods");
    // G.711: a full-scale sine of µ-law, 8159 of 8192, is +3.17 dBm0.
    let dbm0 = db(power(&samples).sqrt() * 2f64.sqrt() * 8192.0 / 8159.0) + 3.17;
    assert!((dbm0 + 16.0).abs() < 0.02, "{dbm0:.3} dBm0");
    let (mut re, mut im) = (0.0, 0.0);
    for (i, sample) in samples.iter().enumerate() {
        let angle = std::f64::consts::TAU * 1004.0 * i as f64 / RATE as f64;
        re += sample * angle.cos();
        im += sample * angle.sin();
    }
    let at_1004 = 2.0 * (re * re + im * im) / (samples.len() as f64).powi(2);
    assert!(at_1004 / power(&samples) > 0.9999, "everything that sounds is 1004 Hz");
}

#[test]
fn the_ringing_tone_rings_for_two_seconds_of_six() {
    let samples = load(&folder("common").join("ringback.wav"));
    assert_eq!(samples.len(), 6 * RATE);
    assert!((db(power(&samples[..2 * RATE]).sqrt()) - MUSIC_DBFS).abs() < LEVEL_TOLERANCE_DB);
    assert_eq!(peak(&samples[2 * RATE..]), 0.0);
}
