//! What is odd in the folders of flows and prompts, and in the environment, and keeps no server from running: files that
//! nobody reads, recordings that callers hear badly, variables that are not set.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::flow::Center;
use crate::flow::diagnostic::Diagnostic;
use crate::flow::diagnostic::Severity;
use crate::media::loudness::Loudness;
use crate::server::load;

/// How far from the others a recording may be that a caller need not turn up or down for, in dB.
const APART_DB: f64 = 25.0;
/// Of how few recordings a usual level says nothing.
const TELLING: usize = 5;
/// What sound is saved as that is read by nobody here.
const OTHER_SOUND: [&str; 12] =
    ["mp3", "ogg", "oga", "opus", "flac", "m4a", "aac", "aif", "aiff", "au", "gsm", "wma"];

/// What the center wants of the environment, and is not set.
pub fn unset(center: &Center) -> impl Iterator<Item = &Diagnostic> {
    let wanted = center.environment.iter();
    wanted.filter(|(variable, _)| env::var_os(variable).is_none()).map(|(_, warning)| warning)
}

/// Files that somebody may take for flows or recordings, and that nobody reads.
pub fn passed_over(flows: &Path, prompts: &Path) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for path in files(flows) {
        if ending(&path) == "yml" {
            let hint = format!("call it {}", path.with_extension("yaml").display());
            found.push(warning(&path, "it is not read: flow files end in .yaml", hint));
        }
    }
    for path in files(prompts) {
        let lower = ending(&path).to_ascii_lowercase();
        // What is read is called so and not otherwise.
        if lower == "wav" && ending(&path) != "wav" || lower == "wave" {
            let hint = format!("call it {}", path.with_extension("wav").display());
            found.push(warning(&path, "it is not read: recordings end in .wav", hint));
        } else if OTHER_SOUND.contains(&lower.as_str()) {
            let hint = format!("save it as {}, not compressed", path.with_extension("wav").display());
            found.push(warning(&path, "it is not read: recordings are WAV files", hint));
        } else if lower == "yml" {
            let hint = format!("call it {}", path.with_extension("yaml").display());
            found.push(warning(&path, "it is not read: the words of recordings are in manifest.yaml", hint));
        }
    }
    found
}

/// Recordings that are silent, clipped, or much louder or softer than the others. What cannot be read is told elsewhere.
pub fn hard_to_hear(prompts: &Path) -> Vec<Diagnostic> {
    let recordings = files(prompts).into_iter().filter(|path| ending(path) == "wav");
    let heard = recordings.filter_map(|path| Some((Loudness::of_wav(&fs::read(&path).ok()?)?, path)));
    let heard: Vec<(Loudness, PathBuf)> = heard.collect();
    let mut levels: Vec<f64> = heard.iter().filter_map(|(loudness, _)| loudness.level_db).collect();
    levels.sort_by(f64::total_cmp);
    let usual = levels.get(levels.len() / 2).copied().filter(|_| levels.len() >= TELLING);
    heard.iter().filter_map(|(loudness, path)| odd_sound(loudness, path, usual)).collect()
}

fn odd_sound(loudness: &Loudness, path: &Path, usual: Option<f64>) -> Option<Diagnostic> {
    let Some(level) = loudness.level_db else {
        let hint = "record it again, or take it out of the flows: pause is a silence of its own".to_owned();
        return Some(warning(path, "it is silent", hint));
    };
    if loudness.clipped {
        let hint = "record it again with less gain: what is cut off does not come back".to_owned();
        return Some(warning(path, "it is clipped: what is loud in it is distorted", hint));
    }
    let apart = level - usual?;
    let than = if apart < 0.0 { "softer" } else { "louder" };
    let message = format!(
        "it is {:.0} dB {than} than the others: {level:.0} dBFS, and they are at {:.0}",
        apart.abs(),
        usual?
    );
    (apart.abs() > APART_DB)
        .then(|| warning(path, &message, "bring it to the level of the others".to_owned()))
}

/// About a file as a whole.
fn warning(path: &Path, message: &str, hint: String) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        file: path.display().to_string(),
        line: 1,
        column: 1,
        text: String::new(),
        source: String::new(),
        message: message.to_owned(),
        hint: Some(hint),
    }
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// Every file below a folder that is not passed over by its name, sorted; none where it cannot be read.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for path in entries.filter(|path| !load::is_passed_over(path)) {
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(path: &Path, samples: impl Iterator<Item = f32>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let sample_format = hound::SampleFormat::Int;
        let spec = hound::WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 16, sample_format };
        let mut wav = hound::WavWriter::create(path, spec).unwrap();
        samples.for_each(|sample| wav.write_sample((sample * 32_768.0) as i16).unwrap());
        wav.finalize().unwrap();
    }

    /// Half a second of a tone; what is beyond full scale is cut off.
    fn tone(amplitude: f32) -> impl Iterator<Item = f32> {
        (0..4_000).map(move |n| (amplitude * (n as f32 * 0.5).sin()).clamp(-1.0, 1.0))
    }

    fn short(found: &[Diagnostic], folder: &Path) -> Vec<String> {
        let file =
            |one: &Diagnostic| one.file.strip_prefix(&format!("{}/", folder.display())).unwrap().to_owned();
        found.iter().map(|one| format!("{}:{}: {}", file(one), one.line, one.message)).collect()
    }

    #[test]
    fn files_that_somebody_takes_for_flows_or_recordings_and_nobody_reads_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [
            "flows/main.yaml",
            "flows/sales.yml",
            "flows/.old.yml",
            "flows/README.md",
            "prompts/en/a.wav",
            "prompts/en/b.WAV",
            "prompts/en/c.mp3",
            "prompts/manifest.yml",
        ] {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), "x").unwrap();
        }
        let found = passed_over(&at("flows"), &at("prompts"));
        assert_eq!(
            short(&found, folder.path()),
            [
                "flows/sales.yml:1: it is not read: flow files end in .yaml",
                "prompts/en/b.WAV:1: it is not read: recordings end in .wav",
                "prompts/en/c.mp3:1: it is not read: recordings are WAV files",
                "prompts/manifest.yml:1: it is not read: the words of recordings are in manifest.yaml",
            ]
        );
        assert!(
            found[0].to_string().ends_with(&format!("hint: call it {}", at("flows/sales.yaml").display()))
        );
        assert!(passed_over(&at("nowhere"), &at("nowhere")).is_empty());
    }

    #[test]
    fn recordings_that_callers_hear_badly_are_told_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        (0..5).for_each(|number| wav(&at(&format!("en/good{number}.wav")), tone(0.1 + 0.05 * number as f32)));
        wav(&at("en/loud.wav"), tone(3.0));
        wav(&at("en/silent.wav"), tone(0.0));
        wav(&at("en/soft.wav"), tone(0.005));
        // A second of a word, and silence around it, is as loud as its word.
        wav(&at("en/word.wav"), std::iter::repeat_n(0.0, 40_000).chain(tone(0.2)));
        fs::write(at("en/none.wav"), "no sound").unwrap();
        assert_eq!(
            short(&hard_to_hear(folder.path()), folder.path()),
            [
                "en/loud.wav:1: it is clipped: what is loud in it is distorted",
                "en/silent.wav:1: it is silent",
                "en/soft.wav:1: it is 32 dB softer than the others: -49 dBFS, and they are at -17",
            ]
        );
    }

    #[test]
    fn the_recordings_of_the_demo_are_heard_well_and_all_are_read() {
        let house = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (flows, prompts) = (house.join("ivr_flows"), house.join("prompts"));
        assert_eq!(short(&hard_to_hear(&prompts), &prompts), Vec::<String>::new());
        assert_eq!(short(&passed_over(&flows, &prompts), house), Vec::<String>::new());
    }
}
