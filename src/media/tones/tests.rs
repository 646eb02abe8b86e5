//! The limits of Q.24, and speech, in which there are no keys.

use std::path::Path;

use super::*;

/// A pair of tones as a telephone might make it.
#[derive(Clone, Copy)]
struct Press {
    key: char,
    ms: usize,
    /// Of each tone, in dBm0.
    row_dbm0: f64,
    column_dbm0: f64,
    /// Off the right frequency, in percent.
    off_percent: f64,
}

const USUAL: Press = Press { key: '5', ms: 60, row_dbm0: -10.0, column_dbm0: -10.0, off_percent: 0.0 };

/// A sine at full scale has 3.14 dBm0.
#[expect(clippy::approx_constant, reason = "3.14 dBm0 is A-law's overload point, and no π")]
fn amplitude(dbm0: f64) -> f64 {
    32_768.0 * 10f64.powf((dbm0 - 3.14) / 20.0)
}

fn samples(press: Press) -> Vec<i16> {
    let place = KEYS.as_flattened().iter().position(|key| *key == press.key).unwrap();
    let off = 1.0 + press.off_percent / 100.0;
    let tone = |hz: f32, dbm0: f64, n: usize| {
        amplitude(dbm0) * (std::f64::consts::TAU * f64::from(hz) * off * n as f64 / 8_000.0).sin()
    };
    let sum = |n| tone(ROWS[place / 4], press.row_dbm0, n) + tone(COLUMNS[place % 4], press.column_dbm0, n);
    (0..press.ms * 8).map(|n| sum(n) as i16).collect()
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 8]
}

fn told(samples: &[i16]) -> String {
    let (mut receiver, mut keys) = (ToneReceiver::default(), String::new());
    // In pieces, as packets bring them.
    for packet in samples.chunks(160) {
        receiver.listen(packet.iter().copied(), |key| keys.push(key));
    }
    keys
}

/// Whether a press is told at every place that it can have within a window.
fn is_told(press: Press) -> Option<bool> {
    let one = |offset: usize| {
        let sound = [vec![0; 400 + offset], samples(press), silence(100)].concat();
        told(&sound) == press.key.to_string()
    };
    let told = (0..HOP).filter(|offset| one(*offset)).count();
    match told {
        0 => Some(false),
        HOP => Some(true),
        _ => None,
    }
}

#[test]
fn every_key_is_told_once_for_as_long_as_it_is_held() {
    for key in KEYS.as_flattened().iter().copied() {
        for ms in [40, 70, 1_000] {
            assert_eq!(is_told(Press { key, ms, ..USUAL }), Some(true), "{key} for {ms} ms");
        }
    }
}

#[test]
fn what_is_shorter_than_a_press_is_none() {
    for key in ['1', '5', '9', 'D'] {
        for ms in [10, 20, 23] {
            assert_eq!(is_told(Press { key, ms, ..USUAL }), Some(false), "{key} for {ms} ms");
        }
    }
}

#[test]
fn a_pause_of_40_ms_makes_two_presses_and_one_of_10_ms_does_not() {
    let twice = |pause| told(&[samples(USUAL), silence(pause), samples(USUAL), silence(100)].concat());
    assert_eq!((twice(40).as_str(), twice(60).as_str(), twice(10).as_str()), ("55", "55", "5"));
    let other = Press { key: '6', ..USUAL };
    assert_eq!(told(&[samples(USUAL), silence(40), samples(other), silence(100)].concat()), "56");
}

#[test]
fn frequencies_may_be_off_by_a_percent_and_a_half_and_not_by_three_and_a_half() {
    for key in KEYS.as_flattened().iter().copied() {
        for off_percent in [-1.5, -0.7, 0.7, 1.5] {
            assert_eq!(is_told(Press { key, off_percent, ..USUAL }), Some(true), "{key} {off_percent} %");
        }
        for off_percent in [-3.5, 3.5] {
            assert_eq!(is_told(Press { key, off_percent, ..USUAL }), Some(false), "{key} {off_percent} %");
        }
    }
}

#[test]
fn levels_from_0_to_minus_25_dbm0_are_heard_and_minus_45_is_none() {
    for level in [-1.0, -10.0, -25.0] {
        let press = Press { row_dbm0: level - 3.0, column_dbm0: level - 3.0, ..USUAL };
        assert_eq!(is_told(press), Some(true), "{level} dBm0");
    }
    let press = Press { row_dbm0: -45.0, column_dbm0: -45.0, ..USUAL };
    assert_eq!(is_told(press), Some(false));
}

#[test]
fn one_tone_may_be_louder_but_not_by_far() {
    for (row, column, expected) in
        [(-14.0, -11.0, true), (-10.0, -17.0, true), (-18.0, -8.0, false), (-8.0, -20.0, false)]
    {
        let press = Press { row_dbm0: row, column_dbm0: column, ..USUAL };
        assert_eq!(is_told(press), Some(expected), "{row} and {column} dBm0");
    }
}

#[test]
fn keys_are_heard_over_noise_20_db_below() {
    let mut state = 1u32;
    let noise = amplitude(-27.0);
    let mut noisy = |sound: Vec<i16>| -> Vec<i16> {
        sound
            .into_iter()
            .map(|sample| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (f64::from(sample) + noise * f64::from(state as i32 >> 16) / 32_768.0) as i16
            })
            .collect()
    };
    let mut heard = String::new();
    for key in KEYS.as_flattened().iter().copied() {
        let sound = [silence(60), samples(Press { key, ..USUAL }), silence(60)].concat();
        heard += &told(&noisy(sound));
    }
    assert_eq!(heard, KEYS.as_flattened().iter().collect::<String>());
}

#[test]
fn no_key_is_heard_in_an_hour_of_speech_and_music_by_voices_of_every_pitch() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts"), &mut files);
    let mut seconds = 0;
    for file in files {
        let mut reader = hound::WavReader::open(&file).unwrap();
        let recorded: Vec<f32> = reader.samples::<i16>().map(|sample| f32::from(sample.unwrap())).collect();
        let rate = reader.spec().sample_rate as f32;
        // A voice is higher when its recording is played faster.
        for faster in [0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25] {
            for louder in [1.0, 2.5] {
                let step = rate / 8_000.0 * faster;
                let count = (recorded.len() as f32 / step) as usize - 1;
                let sound: Vec<i16> =
                    (0..count).map(|n| (louder * recorded[(n as f32 * step) as usize]) as i16).collect();
                seconds += count / 8_000;
                assert_eq!(told(&sound), "", "{} at {faster}", file.display());
            }
        }
    }
    assert!(seconds > 3_600, "{seconds} s");
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "wav") {
            files.push(path);
        }
    }
}

#[test]
fn what_is_sent_is_heard() {
    for frame in [160, 320] {
        let mut sender = ToneSender::default();
        let keys = "159D*0#A447";
        for key in keys.chars() {
            assert!(sender.push(key, Duration::from_millis(80)));
        }
        assert!(!sender.push('x', Duration::from_millis(80)));
        let (mut sound, mut next) = (Vec::new(), vec![0; frame]);
        while sender.frame(&mut next) {
            sound.extend(next.iter().step_by(frame / 160));
        }
        assert_eq!(told(&[sound, silence(60)].concat()), keys, "{frame} samples a frame");
    }
}

#[test]
fn a_full_queue_of_keys_drops_the_next_one() {
    let mut sender = ToneSender::default();
    for _ in 0..PENDING {
        assert!(sender.push('1', Duration::from_millis(80)));
    }
    assert!(!sender.push('1', Duration::from_millis(80)));
}
