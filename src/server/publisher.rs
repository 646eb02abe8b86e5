//! Flow files change under a running server: read, checked, kept as a version, and only then served to new calls.
//!
//! A bad file never replaces a good one. Calls that are up stay on the version they began with.

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
use crate::flow::difference::differences;
use crate::media::library::Library;
use crate::server::handle::ControlError;
use crate::server::handle::ControlHandle;
use crate::server::load;
use crate::server::load::LoadError;
use crate::server::load::Loaded;
use crate::server::metric::Metric;
use crate::server::speech::SpeechCache;
use crate::server::versions::Did;
use crate::server::versions::Entry;
use crate::server::versions::Texts;
use crate::server::versions::Versions;
use crate::server::versions::name_of;

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
    #[error("no version is called {0:?}")]
    UnknownVersion(String),
    #[error("there is no version before this one")]
    NothingBefore,
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
            other => vec![other.to_string()],
        }
    }

    /// What can be done about it.
    pub fn hint(&self) -> &'static str {
        match self {
            PublishError::Load(LoadError::Speech { .. }) => {
                "does the command of `speech` in center.yaml speak in a terminal? what was served before is served still"
            }
            PublishError::Load(_) => {
                "`warmline flow check` tells the same; what was served before is served still"
            }
            PublishError::NeedsRestart(_) => {
                "skills, queues, agents and trunks change with a restart of the server; all else without"
            }
            PublishError::UnknownVersion(_) | PublishError::NothingBefore => {
                "`warmline flow versions` lists them"
            }
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
    /// What is wrong with the files that lie in the folder, and since when.
    pub problem: Option<(WallTime, Vec<String>)>,
    pub published: u64,
    pub refused: u64,
}

/// See the module.
pub struct Publisher {
    flows: PathBuf,
    prompts: PathBuf,
    speech: SpeechCache,
    versions: Versions,
    control: ControlHandle,
    work: Mutex<Work>,
    status: Mutex<Status>,
}

/// What one change begins from; held while one is made.
struct Work {
    center: Arc<Center>,
    files: Texts,
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
}

impl Beginning {
    /// Reads what is in the folders; or, where somebody went back and the folder of flows is still as it was then, the
    /// version they went back to.
    pub fn read(data: &Path, flows: &Path, prompts: &Path) -> Result<(Loaded, Beginning), LoadError> {
        let seen = look(&[flows, prompts]);
        let recorded = look(&[prompts]);
        let speech = SpeechCache::within(data);
        let failed = |error| LoadError::Read { path: data.to_owned(), error };
        let versions = Versions::open(data).map_err(failed)?;
        let lies = texts(flows)?;
        let last = versions.log(1).map_err(failed)?.pop();
        let back = last.filter(|last| last.folder.as_ref() == Some(&name_of(&lies)));
        let place = back.as_ref().map(|back| versions.place(&back.version)).filter(|place| place.is_dir());
        let (folder, files) = match &place {
            Some(place) => (place.as_path(), texts(place)?),
            None => (flows, lies.clone()),
        };
        let loaded = load::load(folder, prompts, &speech)?;
        let version = versions.keep(&files).map_err(failed)?;
        let (why, folder) = match &back {
            Some(back) if place.is_some() => (format!("gone back before: {}", back.why), back.folder.clone()),
            _ => ("the server started".to_owned(), None),
        };
        let before = back.map(|back| back.version);
        let by = "the server".to_owned();
        let entry =
            Entry { at: now(), did: Did::Start, version, before, folder, by, why, changes: Vec::new() };
        versions.record(&entry).map_err(failed)?;
        let recordings = Arc::clone(&loaded.recordings);
        Ok((loaded, Beginning { files, seen, recordings, recorded, speech, versions, entry }))
    }
}

impl Publisher {
    /// Watches over the folders from now on.
    pub fn start(
        beginning: Beginning,
        center: Arc<Center>,
        folders: (PathBuf, PathBuf),
        control: ControlHandle,
    ) -> io::Result<Arc<Publisher>> {
        let Beginning { files, seen, recordings, recorded, speech, versions, entry } = beginning;
        let status =
            Status { serving: entry, center: Arc::clone(&center), problem: None, published: 0, refused: 0 };
        let (flows, prompts) = folders;
        let work = Work { center, files, recordings, recorded, last: seen.clone(), seen };
        let (work, status) = (Mutex::new(work), Mutex::new(status));
        let publisher = Arc::new(Publisher { flows, prompts, speech, versions, control, work, status });
        let watched = Arc::downgrade(&publisher);
        thread::Builder::new().name("flows".to_owned()).spawn(move || watch(&watched))?;
        Ok(publisher)
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
        vec![
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
        ]
    }

    /// Serves what lies in the folders now, and tells what has changed.
    pub fn publish(&self, by: &str, why: &str) -> Result<Entry, PublishError> {
        self.serve_folder(Did::Publish, by, why)
    }

    /// Goes back to a version: the one whose name begins so, or the last one before this.
    pub fn go_back(&self, to: Option<&str>, by: &str, why: &str) -> Result<Entry, PublishError> {
        let mut work = locked(&self.work);
        let serving = self.status().serving.version;
        let version = match to {
            Some(begins) => self.versions.find(begins)?,
            None => {
                let log = self.versions.log(usize::MAX)?;
                log.into_iter().map(|entry| entry.version).find(|version| *version != serving)
            }
        };
        let version = version.ok_or_else(|| match to {
            Some(begins) => PublishError::UnknownVersion(begins.to_owned()),
            None => PublishError::NothingBefore,
        })?;
        let place = self.versions.place(&version);
        if !place.is_dir() {
            return Err(PublishError::UnknownVersion(version.to_string()));
        }
        let lies = texts(&self.flows).ok().map(|files| name_of(&files));
        let change = Change { did: Did::Rollback, by, why, folder: lies.filter(|lies| *lies != version) };
        self.change(&mut work, &place, texts(&place)?, change)
    }

    fn serve_folder(&self, did: Did, by: &str, why: &str) -> Result<Entry, PublishError> {
        let mut work = locked(&self.work);
        let seen = look(&[&self.flows, &self.prompts]);
        let done = match texts(&self.flows) {
            Ok(files) => {
                let change = Change { did, by, why, folder: None };
                self.change(&mut work, &self.flows, files, change)
            }
            Err(error) => Err(error.into()),
        };
        // Good or bad, it has been read: it is not read again before it changes again.
        work.seen = seen;
        if let Err(error) = &done {
            let mut status = locked(&self.status);
            status.refused += 1;
            status.problem = Some((now(), error.all()));
        }
        done
    }

    fn change(
        &self,
        work: &mut Work,
        folder: &Path,
        files: Texts,
        change: Change<'_>,
    ) -> Result<Entry, PublishError> {
        let recorded = look(&[&self.prompts]);
        let recordings = match work.recorded == recorded {
            true => Arc::clone(&work.recordings),
            false => Arc::new(load::library(&self.prompts)?),
        };
        let Loaded { center, library, recordings, warnings } =
            load::center(folder, recordings, &self.speech)?;
        let stuck = work.center.needs_restart(&center);
        if !stuck.is_empty() {
            return Err(PublishError::NeedsRestart(stuck));
        }
        warnings.iter().for_each(|warning| warn!("{warning}"));
        let version = self.versions.keep(&files)?;
        let center = Arc::new(center);
        self.control.serve(Arc::clone(&center), library)?;
        let entry = Entry {
            at: now(),
            did: change.did,
            version,
            before: Some(self.status().serving.version),
            folder: change.folder,
            by: change.by.to_owned(),
            why: change.why.to_owned(),
            changes: differences(&work.files, &files),
        };
        let mut status = locked(&self.status);
        status.serving = entry.clone();
        status.center = Arc::clone(&center);
        status.problem = None;
        status.published += 1;
        drop(status);
        (work.center, work.files, work.recordings, work.recorded) = (center, files, recordings, recorded);
        info!(version = %entry.version, by = %entry.by, changes = entry.changes.len(), "new calls get these flows");
        // It serves already: a log that cannot be written is told, and stops nobody.
        if let Err(error) = self.versions.record(&entry) {
            error!(%error, "the change of flows could not be written down");
        }
        Ok(entry)
    }

    /// Looks at the folders, and serves what has changed and stands still.
    fn look_again(&self) {
        let found = look(&[&self.flows, &self.prompts]);
        let mut work = locked(&self.work);
        let still = work.last == found;
        work.last = found.clone();
        if !still || work.seen == found {
            return;
        }
        drop(work);
        if let Err(error) = self.serve_folder(Did::Reload, "a change of the files", "") {
            error.all().iter().for_each(|problem| error!("{problem}"));
            error!("the flow files have changed and are not served: what was served before is served still");
        }
    }
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

/// The flow files of a folder by their paths in it.
fn texts(folder: &Path) -> Result<Texts, LoadError> {
    let within = |(path, text): (String, String)| {
        let within = Path::new(&path).strip_prefix(folder).map(|path| path.display().to_string());
        (within.unwrap_or(path), text)
    };
    Ok(load::flow_files(folder)?.into_iter().map(within).collect())
}

/// How the folders look; what cannot be read looks like nothing.
fn look(folders: &[&Path]) -> Look {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| folder.to_path_buf()).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
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
mod tests {
    use super::*;
    use crate::server::ControlRequest;

    const CENTER: &str = "company: x\nnumbers: { 1: main }\n";
    const MAIN: &str =
        "flow: main\nstart: a\nnodes:\n  a: { play: hello, then: b }\n  b: { hang_up: done }\n";

    struct House {
        folder: tempfile::TempDir,
        publisher: Arc<Publisher>,
        /// The start nodes of what was served, in order.
        served: std::sync::mpsc::Receiver<String>,
    }

    fn write(folder: &Path, name: &str, text: &str) {
        fs::create_dir_all(folder.join("flows")).expect("a folder");
        fs::write(folder.join("flows").join(name), text).expect("written");
    }

    fn house() -> House {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("prompts/en")).expect("a folder");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav =
            hound::WavWriter::create(folder.path().join("prompts/en/hello.wav"), spec).expect("a WAV");
        (0..800).for_each(|_| wav.write_sample(0_i16).expect("a sample"));
        wav.finalize().expect("a whole WAV");
        write(folder.path(), "center.yaml", CENTER);
        write(folder.path(), "main.yaml", MAIN);
        begin(folder)
    }

    /// Starts as the server does, with a control thread that says yes.
    fn begin(folder: tempfile::TempDir) -> House {
        let (flows, prompts) = (folder.path().join("flows"), folder.path().join("prompts"));
        let (loaded, beginning) =
            Beginning::read(&folder.path().join("data"), &flows, &prompts).expect("in order");
        let (control, mut requests) = ControlHandle::new();
        let (sender, served) = std::sync::mpsc::channel();
        let first = |center: &Center| center.flows["main"].first_node().expect("a node").to_string();
        sender.send(first(&loaded.center)).expect("heard");
        thread::spawn(move || {
            while let Some(request) = requests.blocking_recv() {
                if let ControlRequest::Serve { center, reply, .. } = request {
                    let _ = sender.send(first(&center));
                    let _ = reply.send(Ok(()));
                }
            }
        });
        let center = Arc::new(loaded.center);
        let publisher = Publisher::start(beginning, center, (flows, prompts), control);
        House { publisher: publisher.expect("a thread"), folder, served }
    }

    impl House {
        fn write(&self, name: &str, text: &str) {
            write(self.folder.path(), name, text);
        }

        fn served(&self) -> Vec<String> {
            self.served.try_iter().collect()
        }
    }

    #[test]
    fn a_good_file_is_served_and_a_bad_one_is_told_and_changes_nothing() {
        let house = house();
        house.write("main.yaml", &MAIN.replace("a:", "z:").replace("start: a", "start: z"));
        let entry = house.publisher.publish("ada", "a new name").expect("in order");
        assert_eq!(entry.changes, ["main: start was a, is z", "main: \"a\" is now called \"z\""]);
        assert_eq!((entry.did, &*entry.by, &*entry.why), (Did::Publish, "ada", "a new name"));
        assert_eq!(house.served(), ["a", "z"]);
        house.write("main.yaml", &MAIN.replace("then: b", "then: nowhere"));
        let error = house.publisher.publish("ada", "a slip").expect_err("out of order");
        assert!(error.all()[0].contains("no node is called \"nowhere\""), "{error}");
        assert_eq!(house.served(), [""; 0]);
        let status = house.publisher.status();
        assert_eq!(status.serving.version, entry.version);
        assert_eq!((status.published, status.refused), (1, 1));
        assert!(status.problem.is_some_and(|(_, errors)| errors[0].contains("nowhere")));
        house.write("main.yaml", MAIN);
        house.publisher.publish("ada", "mended").expect("in order");
        assert!(house.publisher.status().problem.is_none());
    }

    #[test]
    fn a_change_is_taken_when_it_stands_still() {
        let house = house();
        house.publisher.look_again();
        assert_eq!(house.served(), ["a"], "nothing has changed");
        house.write("main.yaml", &MAIN.replace("a:", "other:").replace("start: a", "start: other"));
        house.publisher.look_again();
        house.publisher.look_again();
        // The watching thread may have been quicker with either look.
        assert_eq!(house.served(), ["other"]);
        assert_eq!(house.publisher.status().serving.did, Did::Reload);
        house.write("main.yaml", "flow: main");
        house.publisher.look_again();
        house.publisher.look_again();
        house.publisher.look_again();
        let status = house.publisher.status();
        assert_eq!(
            (house.served().len(), status.published, status.refused),
            (0, 1, 1),
            "a bad file is read once"
        );
    }

    #[test]
    fn what_needs_a_restart_is_told_and_not_served() {
        let house = house();
        house.write(
            "center.yaml",
            "company: y\nnumbers: { 1: main }\nskills: [s]\nagents: { erin: { skills: { s: 3 } } }\n",
        );
        let error = house.publisher.publish("ada", "erin joins").expect_err("a restart is needed");
        assert_eq!(
            error.to_string(),
            "this needs a restart: the skills have changed; the agent \"erin\" is new"
        );
        assert_eq!(house.served(), ["a"]);
    }

    #[test]
    fn who_goes_back_stays_there_over_a_restart_until_the_files_change() {
        let house = house();
        let first = house.publisher.status().serving.version;
        house.write("main.yaml", &MAIN.replace("a:", "z:").replace("start: a", "start: z"));
        house.publisher.publish("ada", "new").expect("in order");
        let back = house.publisher.go_back(None, "ada", "callers complained").expect("a version before");
        assert_eq!(back.version, first);
        assert_eq!(house.served(), ["a", "z", "a"]);
        assert!(matches!(
            house.publisher.go_back(Some("zzz"), "ada", "x"),
            Err(PublishError::UnknownVersion(_))
        ));
        let House { folder, publisher, .. } = house;
        drop(publisher);
        let house = begin(folder);
        assert_eq!(house.served(), ["a"], "the folder is as it was when somebody went back");
        let told: Vec<Did> = house.publisher.log(9).expect("read").iter().map(|entry| entry.did).collect();
        assert_eq!(told, [Did::Start, Did::Rollback, Did::Publish, Did::Start]);
        house.write("main.yaml", &MAIN.replace("a:", "y:").replace("start: a", "start: y"));
        let House { folder, publisher, .. } = house;
        drop(publisher);
        assert_eq!(begin(folder).served(), ["y"], "the files have changed since");
    }
}
