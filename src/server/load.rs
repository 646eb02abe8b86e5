//! Reads the operator's files into a checked center and a library of prompts; all that is wrong, at once.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::flow;
use crate::flow::Center;
use crate::flow::diagnostic::Diagnostic;
use crate::media::library::Library;

/// Why the files cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read {path}: {error}")]
    Read { path: PathBuf, error: io::Error },
    #[error("{} has no flow files (*.yaml)", .0.display())]
    NoFlows(PathBuf),
    #[error("{} has no prompts (*.wav)", .0.display())]
    NoPrompts(PathBuf),
    #[error("{}", problems.join("\n"))]
    Prompts { problems: Vec<String> },
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Flows(Vec<Diagnostic>),
}

/// A checked center and what was found that is no error.
pub struct Loaded {
    pub center: Center,
    pub library: Library,
    pub warnings: Vec<Diagnostic>,
}

/// Reads and checks the flow files and the prompts.
pub fn load(flows: &Path, prompts: &Path) -> Result<Loaded, LoadError> {
    let (library, names) = library(prompts)?;
    let (center, warnings) = center(flows, &names)?;
    Ok(Loaded { center, library, warnings })
}

/// The prompts, and the names that flows may use for them.
fn library(folder: &Path) -> Result<(Library, BTreeSet<String>), LoadError> {
    let mut files = Vec::new();
    collect(folder, folder, "wav", &mut files)?;
    if files.is_empty() {
        return Err(LoadError::NoPrompts(folder.to_owned()));
    }
    // `en/greeting/welcome` is `greeting/welcome` to a flow, whatever the language.
    let names = files.iter().filter_map(|(name, _)| Some(name.split_once('/')?.1.to_owned())).collect();
    let (library, problems) = Library::load(files);
    if problems.is_empty() {
        Ok((library, names))
    } else {
        Err(LoadError::Prompts { problems: problems.iter().map(ToString::to_string).collect() })
    }
}

fn center(folder: &Path, prompts: &BTreeSet<String>) -> Result<(Center, Vec<Diagnostic>), LoadError> {
    let mut files = Vec::new();
    collect(folder, folder, "yaml", &mut files)?;
    if files.is_empty() {
        return Err(LoadError::NoFlows(folder.to_owned()));
    }
    let texts: Vec<(String, String)> = files
        .into_iter()
        .map(|(name, bytes)| {
            let path = folder.join(format!("{name}.yaml")).display().to_string();
            (path, String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect();
    flow::load(&texts, prompts).map_err(LoadError::Flows)
}

/// Every file below `folder` with this ending, as its name relative to `root` without the ending, sorted.
fn collect(
    root: &Path,
    folder: &Path,
    ending: &str,
    files: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), LoadError> {
    let read = |path: &Path, error| LoadError::Read { path: path.to_owned(), error };
    let entries = fs::read_dir(folder).map_err(|error| read(folder, error))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(root, &path, ending, files)?;
        } else if path.extension().is_some_and(|found| found == ending) {
            let bytes = fs::read(&path).map_err(|error| read(&path, error))?;
            let relative = path.strip_prefix(root).unwrap_or(&path).with_extension("");
            files.push((relative.to_string_lossy().replace('\\', "/"), bytes));
        }
    }
    Ok(())
}
