//! What a start serves: the files as they lie or, where those do not pass, the version that was served last.

use std::path::Path;
use std::sync::Arc;

use super::Entry;
use super::FlowPlace;
use super::LoadError;
use super::Loaded;
use super::Name;
use super::PublishError;
use super::Texts;
use super::Versions;
use super::WallTime;
use super::load;
use super::name_of;
use crate::media::library::Library;

/// Files that lie in the folders and are not served.
#[derive(Clone, Debug, PartialEq)]
pub struct Unserved {
    pub since: WallTime,
    /// Each thing that is wrong with them.
    pub errors: Vec<String>,
    pub restart: Restart,
}

/// What a start would make of files that are not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It would serve them.
    ServesThem,
    /// It would serve what is served now, as it was kept.
    ServesKept,
    /// There would be none.
    Fails,
}

impl Unserved {
    /// The same in a line, for whoever watches; `serving` is the version that is served.
    pub fn in_a_line(&self, serving: &str) -> String {
        let what = in_short(&self.errors);
        match self.restart {
            Restart::ServesThem => format!("changed flow files are not served: {what}"),
            Restart::ServesKept => {
                format!(
                    "the flow files are not in order, version {serving} is served, also after a restart: {what}"
                )
            }
            Restart::Fails => format!("a restart would fail: {what}"),
        }
    }

    /// The same without a file's name or a word of it.
    pub fn in_short(&self) -> &'static str {
        match self.restart {
            Restart::ServesThem => "changed flow files are not served",
            Restart::ServesKept => {
                "the flow files are not in order: what was served last is served, also after a restart"
            }
            Restart::Fails => "a restart would fail",
        }
    }
}

/// What a start serves.
pub(super) struct Chosen {
    pub(super) loaded: Loaded,
    pub(super) files: Texts,
    /// What served them last, where that is not what lies in the folder.
    pub(super) before: Option<Entry>,
    pub(super) cause: Cause,
}

/// Why it serves that.
pub(super) enum Cause {
    /// It lies in the folder.
    Lies,
    /// Somebody went back to it, and the folder is still as it was then.
    WentBack,
    /// What lies in the folder is not in order.
    NotInOrder(Vec<String>),
}

/// What a start would serve, by all that can be told without one.
pub enum Foreseen {
    Files(Box<Loaded>),
    /// The version that is kept, for this is wrong with the files.
    Kept(Name, Vec<String>),
}

/// Looks what a start would serve. Writes nothing, and has nothing spoken.
pub fn foresee(data: &Path, flows: &FlowPlace, prompts: &Path) -> Result<Foreseen, LoadError> {
    let chosen = choose(&Versions::at(data), (data, flows, prompts), |files, recordings| {
        load::unspoken(files, recordings)
    })?;
    Ok(match (chosen.cause, chosen.before) {
        (Cause::NotInOrder(errors), Some(before)) => Foreseen::Kept(before.version, errors),
        _ => Foreseen::Files(Box::new(chosen.loaded)),
    })
}

/// What a start serves of `(data, flows, prompts)`, when files are read and checked by `read`.
pub(super) fn choose(
    versions: &Versions,
    (data, flows, prompts): (&Path, &FlowPlace, &Path),
    read: impl Fn(&Texts, Arc<Library>) -> Result<Loaded, LoadError>,
) -> Result<Chosen, LoadError> {
    let failed = |error| LoadError::DataFolder { path: data.to_owned(), error };
    let lies = match flows.files() {
        Err(error) if !error.is_of_flows(flows) => return Err(error),
        lies => lies,
    };
    let recordings = Arc::new(load::library(prompts, lies.as_deref().unwrap_or_default())?);
    let log = versions.log(usize::MAX).map_err(failed)?;
    let last = log.into_iter().find(|entry| entry.did.is_for_all());
    let last = last.filter(|last| versions.place(&last.version).is_dir());
    let kept = |entry: &Entry| {
        let place = FlowPlace::from(versions.place(&entry.version));
        let files = place.files()?;
        Ok::<_, LoadError>((read(&files, Arc::clone(&recordings))?, place.within(&files)))
    };
    let lies_name = lies.as_ref().ok().map(|files| name_of(&flows.within(files)));
    if let Some(last) = last.as_ref().filter(|last| last.folder.is_some() && last.folder == lies_name) {
        let (loaded, files) = kept(last)?;
        return Ok(Chosen { loaded, files, before: Some(last.clone()), cause: Cause::WentBack });
    }
    let as_it_lies = || {
        let files = lies?;
        Ok((read(&files, Arc::clone(&recordings))?, flows.within(&files)))
    };
    let error: LoadError = match as_it_lies() {
        Ok((loaded, files)) => return Ok(Chosen { loaded, files, before: None, cause: Cause::Lies }),
        Err(error) => error,
    };
    let Some((last, Ok((loaded, files)))) = last.map(|last| (last.clone(), kept(&last))) else {
        return Err(error);
    };
    let cause = Cause::NotInOrder(PublishError::Load(error).all());
    Ok(Chosen { loaded, files, before: Some(last), cause })
}

/// The first of these in a line, and how many more there are.
pub fn in_short(errors: &[String]) -> String {
    let first = errors.first().and_then(|error| error.lines().next()).unwrap_or_default();
    match errors.len() {
        0 | 1 => first.to_owned(),
        2 => format!("{first}, and one thing more"),
        many => format!("{first}, and {} things more", many - 1),
    }
}
