//! Reads the operator's files into a checked center and a library of prompts; all that is wrong, at once.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Name;
use crate::flow;
use crate::flow::AS_CENTER;
use crate::flow::Center;
use crate::flow::Prompts;
use crate::flow::announcement::SwitchError;
use crate::flow::diagnostic::Diagnostic;
use crate::flow::speech;
use crate::media::clip::Clip;
use crate::media::library::Library;
use crate::server::captions::MANIFEST;
use crate::server::speech::SpeechCache;
use crate::server::versions::Switched;
use crate::server::versions::Texts;

/// Where the flow files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowPlace {
    /// Each file in it is one, but for those of tests.
    pub folder: PathBuf,
    /// The center's file, where it is not the `center.yaml` of the folder.
    pub center: Option<PathBuf>,
}

impl FlowPlace {
    /// The flow files as `(path, text)`, sorted, without those of tests.
    pub fn files(&self) -> Result<Vec<(String, String)>, LoadError> {
        let mut files = flow_files(&self.folder)?;
        if let Some(center) = &self.center {
            let text = String::from_utf8_lossy(&read(center)?).into_owned();
            files.retain(|(path, _)| Path::new(path).file_stem().is_none_or(|stem| stem != "center"));
            files.push((format!("{}{AS_CENTER}", center.display()), text));
        }
        Ok(files)
    }

    /// The same by their paths in the folder, as versions are kept.
    pub(super) fn texts(&self) -> Result<Texts, LoadError> {
        Ok(self.within(&self.files()?))
    }

    /// What [`FlowPlace::files`] gave, by their paths in the folder: the center's file is `center.yaml`.
    pub(super) fn within(&self, files: &[(String, String)]) -> Texts {
        let within = |(path, text): &(String, String)| {
            if path.ends_with(AS_CENTER) {
                return ("center.yaml".to_owned(), text.clone());
            }
            let within = Path::new(path).strip_prefix(&self.folder).map(|path| path.display().to_string());
            (within.unwrap_or_else(|_| path.clone()), text.clone())
        };
        let mut texts: Texts = files.iter().map(within).collect();
        texts.sort();
        texts
    }
}

impl From<PathBuf> for FlowPlace {
    fn from(folder: PathBuf) -> FlowPlace {
        FlowPlace { folder, center: None }
    }
}

/// Why the files cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read {path}: {error}")]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot read {path}: {error}")]
    PromptFolder { path: PathBuf, error: io::Error },
    #[error("cannot use the data folder {path}: {error}")]
    DataFolder { path: PathBuf, error: io::Error },
    #[error("{} has no flow files (*.yaml)", .0.display())]
    NoFlows(PathBuf),
    #[error("{} has no prompts (*.wav)", .0.display())]
    NoPrompts(PathBuf),
    /// Recordings that cannot be used; and what is wrong with the flow files beside.
    #[error("{}", problems.iter().cloned().chain(flows.iter().map(ToString::to_string)).collect::<Vec<_>>().join("\n"))]
    Prompts { problems: Vec<String>, flows: Vec<Diagnostic> },
    #[error("{}", problems.iter().map(|problem| format!("cannot be spoken: {problem}")).collect::<Vec<_>>().join("\n"))]
    Speech { problems: Vec<String> },
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Flows(Vec<Diagnostic>),
}

/// What can be done about a recording that cannot be used.
pub const RECORDING_HINT: &str = "save the recording again as a WAV file that is not compressed: samples of 8 to 32 bits, or floats, at 4000 to \
                                  192000 Hz; or take it out of the folder";

/// The folder of tests among the flow files: no flow is in it.
pub(super) const TESTS: &str = "tests";

/// A checked center, what it plays, and what was found that is no error.
pub struct Loaded {
    pub center: Center,
    /// The recordings, and the texts that are spoken in the same way in every call.
    pub library: Arc<Library>,
    /// The recordings alone.
    pub recordings: Arc<Library>,
    pub warnings: Vec<Diagnostic>,
    /// Announcements that could not be switched as somebody wanted, for the files have changed since: they are as the
    /// files say.
    pub not_switched: Vec<(Name, SwitchError)>,
}

impl LoadError {
    /// Whether it is about what is in these flow files, and not about where they are, or about prompts.
    pub(super) fn is_of_flows(&self, flows: &FlowPlace) -> bool {
        match self {
            LoadError::Flows(_) | LoadError::Speech { .. } => true,
            LoadError::Read { path, .. } => *path != flows.folder && Some(path) != flows.center.as_ref(),
            _ => false,
        }
    }
}

/// Checks flow files, `(path, text)`, as [`center`] does, but has nothing spoken.
pub fn unspoken(files: &[(String, String)], recordings: Arc<Library>) -> Result<Loaded, LoadError> {
    let (center, warnings) = flow::load(files, &known(&recordings)).map_err(LoadError::Flows)?;
    let library = Arc::clone(&recordings);
    Ok(Loaded { center, library, recordings, warnings, not_switched: Vec::new() })
}

/// Checks flow files, `(path, text)`, whose agents have their places beside those of `roster`, switches announcements over that, has the texts spoken, and tells what is no error.
pub fn center(
    files: &[(String, String)],
    recordings: Arc<Library>,
    cache: &SpeechCache,
    switched: &[Switched],
    roster: &[Name],
) -> Result<Loaded, LoadError> {
    let read = |library: &Library| {
        let known = known(library);
        let (mut center, warnings) = flow::load_beside(files, &known, roster).map_err(LoadError::Flows)?;
        let failed = switched.iter().filter_map(|switched| {
            let done = center.switch(&switched.name, &switched.wish, &known);
            done.err().map(|error| (Name::clone(&switched.name), error))
        });
        let failed: Vec<(Name, SwitchError)> = failed.collect();
        Ok::<_, LoadError>((center, warnings, failed))
    };
    let (center, warnings, not_switched) = read(&recordings)?;
    let texts = speech::fixed(&center);
    let Some(speech) = center.speech.as_ref().filter(|_| !texts.is_empty()) else {
        return Ok(Loaded { center, library: Arc::clone(&recordings), recordings, warnings, not_switched });
    };
    let clips = cache.speak_all(speech, &texts).map_err(|problems| LoadError::Speech { problems })?;
    let mut library = Library::clone(&recordings);
    clips.into_iter().for_each(|clip| library.insert(clip));
    // Once more, now that it is known how long each text is.
    let (center, warnings, not_switched) = read(&library)?;
    Ok(Loaded { center, library: Arc::new(library), recordings, warnings, not_switched })
}

/// Which recordings there are, and how long they last.
pub(super) fn known(library: &Library) -> Prompts {
    let mut known = Prompts::default();
    library.lengths().for_each(|(path, length)| known.insert(path, length));
    known
}

/// The flow files below `folder` as `(path, text)`, sorted, without those of tests.
pub fn flow_files(folder: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let tests = folder.join(TESTS);
    let mut texts = texts(folder)?;
    texts.retain(|(path, _)| !Path::new(path).starts_with(&tests));
    if texts.is_empty() {
        return Err(LoadError::NoFlows(folder.to_owned()));
    }
    Ok(texts)
}

/// The test files among the flow files as `(path, text)`, sorted; none where there is no folder of tests.
pub fn test_files(folder: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let tests = folder.join(TESTS);
    if tests.is_dir() { texts(&tests) } else { Ok(Vec::new()) }
}

/// Every file of both folders that is served, by the folder's flag and its path in it, and where it is. A folder that cannot be
/// read has none.
pub(super) fn served(flows: &FlowPlace, prompts: &Path) -> Vec<(String, PathBuf)> {
    let is_served =
        |name: &str| Path::new(name).components().next().is_none_or(|first| first.as_os_str() != TESTS);
    let mut served = Vec::new();
    for (flag, folder, ending) in
        [("flows", flows.folder.as_path(), "yaml"), ("prompts", prompts, "wav"), ("prompts", prompts, "yaml")]
    {
        let files = files(folder, ending).unwrap_or_default().into_iter();
        let kept = files.filter(|(name, _)| flag == "prompts" || is_served(name));
        served.extend(kept.map(|(name, path)| (format!("{flag}/{name}.{ending}"), path)));
    }
    if let Some(center) = &flows.center {
        served.retain(|(name, _)| name != "flows/center.yaml");
        served.push(("flows/center.yaml".to_owned(), center.clone()));
    }
    served
}

/// Which recordings there are, and what they say by the manifests beside them; and what is wrong with those that cannot be
/// used, which count as being there: a flow that plays one is no second mistake.
pub fn prompts(folder: &Path) -> Result<(Prompts, Vec<String>), LoadError> {
    let (mut prompts, mut problems) = (Prompts::default(), Vec::new());
    for (name, path) in recordings_in(folder)? {
        let length = read_recording(&path, folder)
            .and_then(|bytes| Clip::length_of_wav(&name, &bytes).map_err(|error| unusable(folder, &error)));
        prompts.insert(&name, *length.as_ref().unwrap_or(&UNKNOWN));
        problems.extend(length.err());
    }
    for (path, manifest) in texts(folder)? {
        if Path::new(&path).file_name().is_some_and(|name| name == MANIFEST) {
            prompts.insert_words(&manifest);
        }
    }
    if prompts.is_empty() { Err(LoadError::NoPrompts(folder.to_owned())) } else { Ok((prompts, problems)) }
}

/// Reads the recordings; where some cannot be used, tells each, and what is wrong with these flow files beside.
pub fn library(folder: &Path, flows: &[(String, String)]) -> Result<Library, LoadError> {
    let (mut recordings, mut names, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for (name, path) in recordings_in(folder)? {
        names.push(name.clone());
        match read_recording(&path, folder) {
            Ok(bytes) => recordings.push((name, bytes)),
            Err(problem) => problems.push(problem),
        }
    }
    if names.is_empty() {
        return Err(LoadError::NoPrompts(folder.to_owned()));
    }
    let (library, errors) = Library::load(recordings);
    problems.extend(errors.iter().map(|error| unusable(folder, error)));
    if problems.is_empty() {
        return Ok(library);
    }
    let mut known = known(&library);
    names.iter().filter(|name| !library.has(name)).for_each(|name| known.insert(name, UNKNOWN));
    let found =
        if flows.is_empty() { Vec::new() } else { flow::load(flows, &known).err().unwrap_or_default() };
    let flows = found.into_iter().filter(Diagnostic::is_error).collect();
    Err(LoadError::Prompts { problems, flows })
}

/// For how long a recording that cannot be used is taken to last.
const UNKNOWN: Duration = Duration::from_secs(1);

fn read_recording(path: &Path, folder: &Path) -> Result<Vec<u8>, String> {
    let shown = path.strip_prefix(folder).unwrap_or(path).display();
    fs::read(path).map_err(|error| unusable(folder, &format!("{shown}: {error}")))
}

/// `prompts/en/welcome.wav: holds no samples`
fn unusable(folder: &Path, problem: &dyn fmt::Display) -> String {
    folder.join(problem.to_string()).display().to_string()
}

/// Every recording below `folder`, as [`files`] has them.
fn recordings_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, LoadError> {
    files(folder, "wav").map_err(|error| match error {
        LoadError::Read { path, error } => LoadError::PromptFolder { path, error },
        other => other,
    })
}

/// Every YAML file below `folder`, as it is shown and what is in it.
fn texts(folder: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let text = |(_, path): (String, PathBuf)| {
        let text = String::from_utf8_lossy(&read(&path)?).into_owned();
        Ok((path.display().to_string(), text))
    };
    files(folder, "yaml")?.into_iter().map(text).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|error| LoadError::Read { path: path.to_owned(), error })
}

/// Whether a file or folder is passed over: what is hidden, and what editors and copies leave beside a file.
pub(super) fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(['.', '#']) || name.ends_with('~')
}

/// Every file below `folder` with this ending that is not passed over, sorted: its name relative to `folder` without the ending, and its path.
fn files(folder: &Path, ending: &str) -> Result<Vec<(String, PathBuf)>, LoadError> {
    let mut found = Vec::new();
    collect(folder, folder, ending, &mut found)?;
    Ok(found)
}

fn collect(
    root: &Path,
    folder: &Path,
    ending: &str,
    found: &mut Vec<(String, PathBuf)>,
) -> Result<(), LoadError> {
    let failed = |error| LoadError::Read { path: folder.to_owned(), error };
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.filter(|path| !is_passed_over(path)).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(root, &path, ending, found)?;
        } else if path.extension().is_some_and(|extension| extension == ending) {
            let name = path.strip_prefix(root).unwrap_or(&path).with_extension("");
            found.push((name.to_string_lossy().replace('\\', "/"), path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(path: &Path, samples: usize) {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(path, spec).unwrap();
        (0..samples).for_each(|_| wav.write_sample(0_i16).unwrap());
        wav.finalize().unwrap();
    }

    #[test]
    fn what_editors_and_copies_leave_beside_the_files_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at(".git")).unwrap();
        fs::create_dir_all(at("en")).unwrap();
        for name in [
            "main.yaml",
            "._main.yaml",
            ".hidden.yaml",
            "#main.yaml#",
            "main.yaml~",
            "#a.yaml",
            ".git/x.yaml",
        ] {
            fs::write(at(name), name).unwrap();
        }
        std::os::unix::fs::symlink("ada@machine.4711:1700000000", at(".#main.yaml")).unwrap();
        assert_eq!(
            flow_files(folder.path()).unwrap(),
            [(at("main.yaml").display().to_string(), "main.yaml".to_owned())]
        );
        wav(&at("en/hello.wav"), 800);
        fs::write(at("en/._hello.wav"), "a copy's").unwrap();
        assert_eq!(library(folder.path(), &[]).unwrap().len(), 1);
        assert!(prompts(folder.path()).unwrap().1.is_empty());
    }

    #[test]
    fn every_recording_that_cannot_be_used_is_told_with_all_that_is_wrong_with_the_flows() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("en")).unwrap();
        wav(&at("en/empty.wav"), 0);
        wav(&at("en/hello.wav"), 800);
        wav(&at("en/cut.wav"), 800);
        let whole = fs::read(at("en/cut.wav")).unwrap();
        fs::write(at("en/cut.wav"), &whole[..whole.len() - 100]).unwrap();
        fs::write(at("en/none.wav"), "no sound").unwrap();
        let told = |name: &str| at(name).display().to_string() + ": ";
        let bad = ["en/cut.wav", "en/empty.wav", "en/none.wav"];
        let (prompts, problems) = prompts(folder.path()).unwrap();
        assert!(
            bad.iter().zip(&problems).all(|(name, problem)| problem.starts_with(&told(name))),
            "{problems:?}"
        );
        assert!(problems.len() == 3 && problems[1].ends_with("holds no samples"), "{problems:?}");
        assert!(prompts.has("en", "empty"), "it is there, though it is bad");
        let flow = "flow: main\nstart: a\nnodes:\n  a: { play: empty, then: b }\n  b: { play: nowhere, then: c }\n  c: { hang_up: x }\n";
        let center = "company: x\nnumbers: { 1: main }\n";
        let files = [("center.yaml", center), ("main.yaml", flow)]
            .map(|(path, text)| (path.to_owned(), text.to_owned()));
        let Err(LoadError::Prompts { problems, flows }) = library(folder.path(), &files) else {
            panic!("three are bad")
        };
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(flows.len() == 1 && flows[0].message.contains("nowhere"), "{flows:?}");
    }
}
