//! Flow files change under a running server: read, checked, kept as a version, and only then served to new calls.
//!
//! A bad file never replaces a good one. Calls that are up stay on the version they began with. A version may be tried on
//! some callers first, see `trial`, and announcements be switched over the files, see `announce`.

mod announce;
mod outlook;
mod trial;

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::thread;
use std::time::Duration;
use std::time::SystemTime;

use tracing::error;
use tracing::info;
use tracing::warn;

use crate::base::Name;
use crate::base::WallTime;
use crate::flow::Center;
use crate::flow::announcement::SwitchError;
use crate::flow::difference::differences;
use crate::media::library::Library;
use crate::server::canary::AudienceError;
use crate::server::canary::Canary;
use crate::server::canary::Edition;
use crate::server::canary::Served;
use crate::server::handle::ControlError;
use crate::server::handle::ControlHandle;
use crate::server::load;
use crate::server::load::FlowPlace;
use crate::server::load::LoadError;
use crate::server::load::Loaded;
use crate::server::metric::Metric;
use crate::server::oddities;
use crate::server::oddities::unset;
use crate::server::speech::SpeechCache;
use crate::server::versions::Did;
use crate::server::versions::Entry;
use crate::server::versions::Switched;
use crate::server::versions::Texts;
use crate::server::versions::Trial;
use crate::server::versions::Versions;
use crate::server::versions::name_of;
use outlook::Cause;
use outlook::Chosen;
pub use outlook::Foreseen;
pub use outlook::Restart;
pub use outlook::Unserved;
pub use outlook::foresee;
pub use outlook::in_short;
use trial::Trying;
use trial::same_for_all;

/// How often the folders are looked at. A change is taken when it has stood still from one look to the next: an editor
/// may write in steps.
const LOOK: Duration = Duration::from_secs(1);

/// Why it was not published. What was served before is served still.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("this needs a restart: {}", .0.join("; "))]
    NeedsRestart(Vec<String>),
    #[error("agents and trunks are the same for all callers, and these files have others: {}", .0.join("; "))]
    Others(Vec<String>),
    #[error("no version is called {0:?}")]
    UnknownVersion(String),
    #[error("there is no version before this one")]
    NothingBefore,
    #[error("all callers get version {0} already")]
    ServedAlready(Name),
    #[error("no version is tried")]
    NothingTried,
    #[error("{0:?} is no name of a flow file")]
    FileName(String),
    #[error(transparent)]
    Audience(#[from] AudienceError),
    #[error(transparent)]
    Announcement(#[from] SwitchError),
    #[error("an announcement is on for more than 0 and at most 31 days")]
    AnnouncementTime,
    #[error("the version cannot be kept: {0}")]
    Keep(#[from] io::Error),
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl PublishError {
    /// Each thing that is wrong, as a person should read it.
    pub fn all(&self) -> Vec<String> {
        match self {
            PublishError::Load(LoadError::Flows(found)) => found.iter().map(ToString::to_string).collect(),
            PublishError::Load(LoadError::Speech { problems }) => problems.clone(),
            PublishError::Load(LoadError::Prompts { problems, flows }) => {
                problems.iter().cloned().chain(flows.iter().map(ToString::to_string)).collect()
            }
            other => vec![other.to_string()],
        }
    }

    /// What can be done about it.
    pub fn hint(&self) -> &'static str {
        match self {
            PublishError::Load(LoadError::Speech { .. }) => {
                "does the command of `speech` in center.yaml speak in a terminal? what was served before is served still"
            }
            PublishError::Load(LoadError::Prompts { .. }) => load::RECORDING_HINT,
            PublishError::Load(_) => {
                "`warmline flow check` tells the same; what was served before is served still"
            }
            PublishError::NeedsRestart(_) => {
                "skills and queues change with a restart of the server; all else without"
            }
            PublishError::Others(_) => {
                "serve them to all first, by the server's own center.yaml; then try these files with the same"
            }
            PublishError::UnknownVersion(_) | PublishError::NothingBefore => {
                "`warmline flow versions` lists them"
            }
            PublishError::ServedAlready(_) => {
                "name the folder that has the new files: --flows DIR; the server's own is served when it changes"
            }
            PublishError::NothingTried => "`warmline flow publish --canary 10%` tries one",
            PublishError::FileName(_) => "files are named as in their folder: main.yaml, or more/other.yaml",
            PublishError::Audience(_) => {
                "say one of: --canary 10%, --canary-number 1000, --canary-callers FILE"
            }
            PublishError::Announcement(_) => "`warmline flow announce` without a name lists them",
            PublishError::AnnouncementTime => "say for how long: --for 2h",
            PublishError::Keep(_) => "`warmline doctor` checks the data folder",
            PublishError::Control(_) => "try again when the server has started anew",
        }
    }
}

/// What is served, and what was last tried.
#[derive(Clone, Debug)]
pub struct Status {
    /// How the version that is served came to be.
    pub serving: Entry,
    /// The version itself.
    pub center: Arc<Center>,
    /// The version that is tried on some, and why.
    pub trial: Option<Trial>,
    /// How announcements are switched over the files.
    pub switched: Vec<Switched>,
    /// What is wrong with the files that lie in the folder, and since when.
    pub problem: Option<Unserved>,
    pub published: u64,
    pub refused: u64,
}

impl Status {
    /// What somebody should know of the files in the folder, in a line.
    pub fn trouble(&self) -> Option<String> {
        self.problem.as_ref().map(|problem| problem.in_a_line(&self.serving.version))
    }

    /// The same for those who are not to read of files and what is in them.
    pub fn in_short(&self) -> Option<&'static str> {
        self.problem.as_ref().map(Unserved::in_short)
    }
}

/// See the module.
pub struct Publisher {
    flows: FlowPlace,
    prompts: PathBuf,
    speech: SpeechCache,
    versions: Versions,
    control: ControlHandle,
    work: Mutex<Work>,
    status: Mutex<Status>,
}

/// What one change begins from; held while one is made.
struct Work {
    /// What all get, and its files.
    all: Edition,
    files: Texts,
    trying: Option<Trying>,
    switched: Vec<Switched>,
    /// The recordings, and how their folder looked when they were read: it takes a while.
    recordings: Arc<Library>,
    recorded: Look,
    /// How the folders looked when they were last read.
    seen: Look,
    /// How they looked at the last look.
    last: Look,
}

/// Names, lengths and times of files: what changes when they do.
type Look = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// What the server begins with, beside what it has loaded.
pub struct Beginning {
    files: Texts,
    seen: Look,
    recordings: Arc<Library>,
    recorded: Look,
    speech: SpeechCache,
    versions: Versions,
    entry: Entry,
    trying: Option<Trying>,
    switched: Vec<Switched>,
    problem: Option<Unserved>,
    /// The agents by their places.
    roster: Vec<Name>,
}

impl Beginning {
    /// Reads what is in the folders; or, where somebody went back and the folder of flows is still as it was then, the
    /// version they went back to; or, where the flow files are not in order, the version that was served last.
    ///
    /// Agents of `roster` have the places that they have there.
    pub fn read(
        data: &Path,
        flows: &FlowPlace,
        prompts: &Path,
        roster: Vec<Name>,
    ) -> Result<(Loaded, Beginning), LoadError> {
        let seen = look(flows, prompts);
        let recorded = look_into(&[prompts]);
        let speech = SpeechCache::within(data);
        let failed = |error| LoadError::DataFolder { path: data.to_owned(), error };
        let versions = Versions::open(data).map_err(failed)?;
        let switched = versions.switched().map_err(failed)?;
        let read = |files: &Texts, recordings| load::center(files, recordings, &speech, &switched, &roster);
        let Chosen { loaded, files, before, cause } =
            outlook::choose(&versions, (data, flows, prompts), read)?;
        warn_of(&loaded);
        oddities::passed_over(&flows.folder, prompts).iter().for_each(|warning| warn!("{warning}"));
        let version = versions.keep(&files).map_err(failed)?;
        let (why, folder) = match (&cause, &before) {
            (Cause::WentBack, Some(back)) => (format!("as before: {}", back.why), back.folder.clone()),
            (Cause::NotInOrder(errors), _) => {
                (format!("the files in the folder are not in order: {}", in_short(errors)), None)
            }
            _ => ("the server started".to_owned(), None),
        };
        let problem = unserved(cause, &version);
        let before = before.map(|before| before.version);
        let by = "the server".to_owned();
        let (changes, audience) = (Vec::new(), None);
        let entry = Entry { at: now(), did: Did::Start, version, before, folder, by, why, changes, audience };
        versions.record(&entry).map_err(failed)?;
        let recordings = Arc::clone(&loaded.recordings);
        let trying =
            Trying::resumed(&versions, &entry.version, &loaded, &speech, &switched).map_err(failed)?;
        let roster = loaded.center.engine.roster_names();
        let beginning = Beginning {
            roster,
            files,
            seen,
            recordings,
            recorded,
            speech,
            versions,
            entry,
            trying,
            switched,
            problem,
        };
        Ok((loaded, beginning))
    }

    /// The version that the server begins with, by name.
    pub fn version(&self) -> &Name {
        &self.entry.version
    }

    /// A version that calls of an earlier process are served with, as it was kept.
    pub fn edition(&self, version: &Name) -> Result<Edition, LoadError> {
        let files = load::flow_files(&self.versions.place(version))?;
        let (recordings, roster) = (Arc::clone(&self.recordings), &self.roster);
        let loaded = load::center(&files, recordings, &self.speech, &self.switched, roster)?;
        Ok(Edition { version: version.clone(), center: Arc::new(loaded.center), library: loaded.library })
    }

    /// What was tried on some before, and is tried still.
    pub fn canary(&self) -> Option<Canary> {
        self.trying.as_ref().map(Trying::canary)
    }
}

impl Publisher {
    /// Watches over the folders from now on.
    pub fn start(
        beginning: Beginning,
        serving: (Arc<Center>, Arc<Library>),
        folders: (FlowPlace, PathBuf),
        control: ControlHandle,
    ) -> io::Result<Arc<Publisher>> {
        let publisher = Arc::new(Publisher::new(beginning, serving, folders, control));
        let watched = Arc::downgrade(&publisher);
        thread::Builder::new().name("flows".to_owned()).spawn(move || watch(&watched))?;
        Ok(publisher)
    }

    fn new(
        beginning: Beginning,
        (center, library): (Arc<Center>, Arc<Library>),
        (flows, prompts): (FlowPlace, PathBuf),
        control: ControlHandle,
    ) -> Publisher {
        let Beginning {
            files,
            seen,
            recordings,
            recorded,
            speech,
            versions,
            entry,
            trying,
            switched,
            problem,
            roster: _,
        } = beginning;
        let all = Edition { version: entry.version.clone(), center: Arc::clone(&center), library };
        let trial = trying.as_ref().map(|trying| trying.trial.clone());
        let of_status = switched.clone();
        let status =
            Status { serving: entry, center, trial, switched: of_status, problem, published: 0, refused: 0 };
        let work = Work { all, files, trying, switched, recordings, recorded, last: seen.clone(), seen };
        let (work, status) = (Mutex::new(work), Mutex::new(status));
        Publisher { flows, prompts, speech, versions, control, work, status }
    }

    /// What is served.
    pub fn status(&self) -> Status {
        locked(&self.status).clone()
    }

    /// What new calls are served with.
    pub fn center(&self) -> Arc<Center> {
        Arc::clone(&locked(&self.status).center)
    }

    /// The last changes, newest first.
    pub fn log(&self, most: usize) -> io::Result<Vec<Entry>> {
        self.versions.log(most)
    }

    /// For `/metrics`.
    pub fn metrics(&self) -> Vec<Metric> {
        let status = self.status();
        let problem = if status.problem.is_some() { 1.0 } else { 0.0 };
        let tried = |trial: &Trial| {
            Metric::gauge("warmline_flow_canary", "The version of the flow files that is tried on some", 1.0)
                .label("version", &*trial.version)
        };
        let tried = status.trial.as_ref().map(tried);
        let served = [
            Metric::counter(
                "warmline_flow_published_total",
                "Changes of flow files that were served",
                status.published,
            ),
            Metric::counter(
                "warmline_flow_refused_total",
                "Changes of flow files that were not",
                status.refused,
            ),
            Metric::gauge(
                "warmline_flow_problem",
                "1 while the files in the folder cannot be served",
                problem,
            ),
            Metric::gauge("warmline_flow_version", "The version of the flow files that new calls get", 1.0)
                .label("version", &*status.serving.version),
        ];
        served.into_iter().chain(tried).collect()
    }

    /// Serves what lies in the folders now, and tells what has changed.
    pub fn publish(&self, by: &str, why: &str) -> Result<Entry, PublishError> {
        self.serve_folder(Did::Publish, by, why)
    }

    /// Goes back to a version: the one whose name begins so, for all; or, without a name, from what is tried on some to
    /// what all others get, and where nothing is tried, to the last one before this.
    pub fn go_back(&self, to: Option<&str>, by: &str, why: &str) -> Result<Entry, PublishError> {
        let mut work = locked(&self.work);
        if to.is_none() && work.trying.is_some() {
            return self.end_trial(&mut work, by, why);
        }
        let serving = self.status().serving.version;
        let version = match to {
            Some(begins) => self.versions.find(begins)?,
            None => {
                let log = self.versions.log(usize::MAX)?;
                let mut for_all = log.into_iter().filter(|entry| entry.did.is_for_all());
                for_all.find(|entry| entry.version != serving).map(|entry| entry.version)
            }
        };
        let version = version.ok_or_else(|| match to {
            Some(begins) => PublishError::UnknownVersion(begins.to_owned()),
            None => PublishError::NothingBefore,
        })?;
        self.serve_version(&mut work, &version, Did::Rollback, by, why)
    }

    /// Serves a kept version to all, while something else may lie in the folder of flows.
    fn serve_version(
        &self,
        work: &mut Work,
        version: &Name,
        did: Did,
        by: &str,
        why: &str,
    ) -> Result<Entry, PublishError> {
        let place = FlowPlace::from(self.versions.place(version));
        if !place.folder.is_dir() {
            return Err(PublishError::UnknownVersion(version.to_string()));
        }
        let lies = self.flows.texts().ok().map(|files| name_of(&files));
        let change = Change { did, by, why, folder: lies.filter(|lies| lies != version) };
        self.change(work, &place, change)
    }

    fn serve_folder(&self, did: Did, by: &str, why: &str) -> Result<Entry, PublishError> {
        let mut work = locked(&self.work);
        let seen = look(&self.flows, &self.prompts);
        let change = Change { did, by, why, folder: None };
        let done = self.change(&mut work, &self.flows, change);
        // Good or bad, it has been read: it is not read again before it changes again.
        work.seen = seen;
        if let Err(error) = &done {
            let restart = self.restart(&work, error);
            let mut status = locked(&self.status);
            status.refused += 1;
            status.problem = Some(Unserved { since: now(), errors: error.all(), restart });
        }
        done
    }

    /// What a start would make of files that were refused for this.
    fn restart(&self, work: &Work, error: &PublishError) -> Restart {
        let kept = || {
            let files = load::flow_files(&self.versions.place(&work.all.version))?;
            let roster = work.all.center.engine.roster_names();
            load::center(&files, Arc::clone(&work.recordings), &self.speech, &work.switched, &roster)
        };
        match error {
            PublishError::NeedsRestart(_) => Restart::ServesThem,
            PublishError::Load(error) if error.is_of_flows(&self.flows) && kept().is_ok() => {
                Restart::ServesKept
            }
            _ => Restart::Fails,
        }
    }

    /// Serves a folder's files to all.
    fn change(&self, work: &mut Work, flows: &FlowPlace, change: Change<'_>) -> Result<Entry, PublishError> {
        let files = flows.texts()?;
        let (center, library) = self.read(work, &flows.files()?)?;
        if change.did == Did::Promote {
            same_for_all(&work.all.center, &center)?;
        }
        let version = self.versions.keep(&files)?;
        let all = Edition { version, center, library };
        // Who goes back does so for all; and what all get is tried on nobody.
        let over = change.did == Did::Rollback
            || work.trying.as_ref().is_some_and(|trying| trying.trial.version == all.version);
        let trying = work.trying.take_if(|_| over);
        if let Err(error) = self.serve(work, &all) {
            work.trying = work.trying.take().or(trying);
            return Err(error);
        }
        if let Some(trying) = trying {
            self.forget_trial();
            if trying.trial.version != all.version {
                self.record(&trying.ended(change.by, change.why));
            }
        }
        let entry = Entry {
            at: now(),
            did: change.did,
            version: all.version.clone(),
            before: Some(work.all.version.clone()),
            folder: change.folder,
            by: change.by.to_owned(),
            why: change.why.to_owned(),
            changes: differences(&work.files, &files),
            audience: None,
        };
        let mut status = locked(&self.status);
        status.serving = entry.clone();
        status.center = Arc::clone(&all.center);
        status.problem = None;
        status.published += 1;
        drop(status);
        (work.all, work.files) = (all, files);
        info!(version = %entry.version, by = %entry.by, changes = entry.changes.len(), "new calls get these flows");
        self.record(&entry);
        Ok(entry)
    }

    /// Reads and checks files, and tells what is no error.
    fn read(&self, work: &mut Work, files: &Texts) -> Result<(Arc<Center>, Arc<Library>), PublishError> {
        let loaded = self.load(work, files)?;
        warn_of(&loaded);
        Publisher::without_restart(work, loaded)
    }

    /// Reads and checks files, with the recordings that lie in their folder now.
    fn load(&self, work: &mut Work, files: &Texts) -> Result<Loaded, PublishError> {
        let recorded = look_into(&[&self.prompts]);
        if work.recorded != recorded {
            work.recordings = Arc::new(load::library(&self.prompts, files)?);
            work.recorded = recorded;
        }
        let roster = work.all.center.engine.roster_names();
        let recordings = Arc::clone(&work.recordings);
        Ok(load::center(files, recordings, &self.speech, &work.switched, &roster)?)
    }

    /// What can be served in place of what is, without a restart.
    fn without_restart(work: &Work, loaded: Loaded) -> Result<(Arc<Center>, Arc<Library>), PublishError> {
        let Loaded { center, library, .. } = loaded;
        let stuck = work.all.center.needs_restart(&center);
        if !stuck.is_empty() {
            return Err(PublishError::NeedsRestart(stuck));
        }
        Ok((Arc::new(center), library))
    }

    /// Has all calls from now on served with `all`, but for those on which another version is tried.
    fn serve(&self, work: &Work, all: &Edition) -> Result<(), PublishError> {
        let canary = work.trying.as_ref().map(Trying::canary);
        let served = Served { all: all.clone(), canary };
        self.control.serve(served)?;
        locked(&self.status).trial = work.trying.as_ref().map(|trying| trying.trial.clone());
        Ok(())
    }

    /// It serves already: a log that cannot be written is told, and stops nobody.
    fn record(&self, entry: &Entry) {
        if let Err(error) = self.versions.record(entry) {
            error!(%error, "the change of flows could not be written down");
        }
    }

    /// Whether somebody went back, and the flow files say what they said then: written again with the same contents they are
    /// no change. Other recordings are served to the version that they went back to.
    fn stays_back(&self, work: &mut Work, found: &Look) -> bool {
        let serving = self.status().serving;
        let Some(lay) = serving.folder.filter(|_| serving.did == Did::Rollback) else { return false };
        if self.flows.texts().ok().map(|files| name_of(&files)) != Some(lay) {
            return false;
        }
        work.seen = found.clone();
        if work.recorded != look_into(&[&self.prompts])
            && let Err(error) = self.serve_version(
                work,
                &serving.version,
                Did::Rollback,
                "a change of the recordings",
                &serving.why,
            )
        {
            tell_refused("the recordings", &error);
        }
        true
    }

    /// Looks at the folders, and serves what has changed and stands still.
    fn look_again(&self) {
        let found = look(&self.flows, &self.prompts);
        let mut work = locked(&self.work);
        let still = work.last == found;
        work.last = found.clone();
        if !still || work.seen == found {
            return;
        }
        if self.stays_back(&mut work, &found) {
            return;
        }
        drop(work);
        if let Err(error) = self.serve_folder(Did::Reload, "a change of the files", "") {
            tell_refused("the flow files", &error);
            if let Some(trouble) = self.status().problem.filter(|problem| problem.restart == Restart::Fails) {
                error!("{}", trouble.in_a_line(""));
            }
        }
    }
}

/// Tells that a change that somebody made in the folders is not served, and all that is wrong with it.
fn tell_refused(what: &str, error: &PublishError) {
    error.all().iter().for_each(|problem| error!("{problem}"));
    error!("{what} have changed and are not served: what was served before is served still");
}

/// What the server begins with as to files that it does not serve; the log says so.
fn unserved(cause: Cause, serving: &Name) -> Option<Unserved> {
    let Cause::NotInOrder(errors) = cause else { return None };
    errors.iter().for_each(|problem| error!("{problem}"));
    error!(version = %serving, "the flow files are not in order: what was served last is served until they are mended");
    Some(Unserved { since: now(), errors, restart: Restart::ServesKept })
}

/// Tells what is no error.
fn warn_of(loaded: &Loaded) {
    loaded.warnings.iter().chain(&loaded.center.lapsed(now())).for_each(|warning| warn!("{warning}"));
    for (name, error) in &loaded.not_switched {
        warn!(announcement = %name, "it was switched, and is as the files say now: {error}");
    }
    unset(&loaded.center).for_each(|warning| warn!("{warning}"));
}

/// What is written down of a change beside what changes.
struct Change<'a> {
    did: Did,
    by: &'a str,
    why: &'a str,
    folder: Option<Name>,
}

/// Until the publisher is gone, or nobody serves any more.
fn watch(publisher: &Weak<Publisher>) {
    loop {
        thread::sleep(LOOK);
        let Some(publisher) = publisher.upgrade() else { return };
        if !publisher.control.is_open() {
            return;
        }
        publisher.look_again();
    }
}

/// How flow files and prompts look.
fn look(flows: &FlowPlace, prompts: &Path) -> Look {
    let mut found = look_into(&[&flows.folder, prompts]);
    if let Some(center) = &flows.center
        && let Ok(known) = fs::metadata(center)
    {
        found.push((center.clone(), known.len(), known.modified().ok()));
    }
    found
}

/// How the folders look; what cannot be read looks like nothing.
fn look_into(folders: &[&Path]) -> Look {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| folder.to_path_buf()).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if load::is_passed_over(&entry.path()) {
                continue;
            }
            let Ok(known) = entry.metadata() else { continue };
            match known.is_dir() {
                true => open.push(entry.path()),
                false => found.push((entry.path(), known.len(), known.modified().ok())),
            }
        }
    }
    found.sort();
    found
}

fn now() -> WallTime {
    WallTime(0) + SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// What a lock holds is whole between any two statements here: one that broke has left it as it was.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
