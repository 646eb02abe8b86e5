//! The versions of the flow files that have served, each named by what is in it; and who went over to which, when and why.
//!
//! They lie in the data folder: `flows/versions/NAME/…` as the files were, and `flows/log.jsonl`, a line for each change.
//! What is tried on some is in `flows/canary.json`, and how announcements were switched in `flows/announcements.json`.

use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Digest;
use sha2::Sha256;

use crate::base::Name;
use crate::base::WallTime;
use crate::flow::announcement::Wish;
use crate::server::canary::Audience;
use crate::server::folder;

/// The most versions that are kept; the oldest go first.
const MOST: usize = 500;
/// The most differences that an entry of the log names.
const MOST_CHANGES: usize = 50;
/// How many bytes of the hash are a version's name.
const NAME_BYTES: usize = 6;

/// How announcements were switched.
const SWITCHED: &str = "announcements.json";

/// Flow files by their path below the folder of flows, with what is in them.
pub type Texts = Vec<(String, String)>;

/// The kept versions.
#[derive(Debug)]
pub struct Versions {
    folder: PathBuf,
}

/// One change of what is served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub at: WallTime,
    pub did: Did,
    pub version: Name,
    /// What was served before.
    pub before: Option<Name>,
    /// What lay in the folder of flows, where that is something else: after going back, until it is changed.
    pub folder: Option<Name>,
    pub by: String,
    pub why: String,
    /// What differs from before, in words.
    pub changes: Vec<String>,
    /// Who meets it, in words, when not all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

/// A version that is tried on some, and who wanted it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    pub version: Name,
    pub audience: Audience,
    pub began: WallTime,
    pub by: String,
    pub why: String,
}

/// How it came to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    /// The server started with it.
    Start,
    /// The files were changed under the running server.
    Reload,
    /// Somebody published it.
    Publish,
    /// Somebody went back to it.
    Rollback,
    /// Somebody tries it on some callers; all others get what they got.
    Canary,
    /// What was tried is served to all.
    Promote,
    /// What was tried is served to nobody any more.
    CanaryEnded,
    /// Somebody switched an announcement.
    Announce,
}

impl Did {
    /// Whether all callers got this version from then on.
    pub fn is_for_all(self) -> bool {
        !matches!(self, Did::Canary | Did::CanaryEnded | Did::Announce)
    }
}

/// An announcement that somebody switched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Switched {
    pub name: Name,
    pub wish: Wish,
    pub at: WallTime,
    pub by: String,
    pub why: String,
}

impl Versions {
    /// Opens the folder, or makes it.
    pub fn open(data: &Path) -> io::Result<Versions> {
        let folder = data.join("flows");
        folder::private(&folder)?;
        fs::create_dir_all(folder.join("versions"))?;
        Ok(Versions { folder })
    }

    /// Those that are in the folder, for whoever only reads; there may be none.
    pub fn at(data: &Path) -> Versions {
        Versions { folder: data.join("flows") }
    }

    /// Keeps these files as a version; its name. Once kept, a version is never written again.
    pub fn keep(&self, files: &Texts) -> io::Result<Name> {
        let name = name_of(files);
        let place = self.place(&name);
        if place.is_dir() {
            return Ok(name);
        }
        self.make_room()?;
        let draft = self.folder.join(format!("draft-{name}"));
        if draft.exists() {
            fs::remove_dir_all(&draft)?;
        }
        for (path, text) in files {
            let file = draft.join(path);
            fs::create_dir_all(file.parent().unwrap_or(&draft))?;
            fs::write(file, text)?;
        }
        fs::rename(draft, place)?;
        Ok(name)
    }

    /// Where a version's files are.
    pub fn place(&self, name: &str) -> PathBuf {
        self.folder.join("versions").join(name)
    }

    /// The one kept version whose name begins so; none when there is none or more than one.
    pub fn find(&self, begins: &str) -> io::Result<Option<Name>> {
        let mut found =
            self.names()?.into_iter().filter(|name| !begins.is_empty() && name.starts_with(begins));
        let first = found.next();
        Ok(first.filter(|_| found.next().is_none()))
    }

    /// Writes a change down.
    pub fn record(&self, entry: &Entry) -> io::Result<()> {
        let mut entry = entry.clone();
        if entry.changes.len() > MOST_CHANGES {
            let more = entry.changes.len() - MOST_CHANGES;
            entry.changes.truncate(MOST_CHANGES);
            entry.changes.push(format!("and {more} more"));
        }
        let mut line = serde_json::to_string(&entry)?;
        line.push('\n');
        let mut log = OpenOptions::new().create(true).append(true).open(self.log_file())?;
        log.write_all(line.as_bytes())?;
        log.sync_data()
    }

    /// The last changes, newest first. A line that was cut off by a crash is passed over.
    pub fn log(&self, most: usize) -> io::Result<Vec<Entry>> {
        let text = match fs::read_to_string(self.log_file()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text?,
        };
        let entries = text.lines().rev().filter_map(|line| serde_json::from_str(line).ok());
        Ok(entries.take(most).collect())
    }

    /// What is tried on some; none as well when nobody can read it any more.
    pub fn trial(&self) -> io::Result<Option<Trial>> {
        read_json(&self.trial_file())
    }

    /// How announcements were switched; nothing as well when nobody can read it any more.
    pub fn switched(&self) -> io::Result<Vec<Switched>> {
        read_json(&self.folder.join(SWITCHED)).map(Option::unwrap_or_default)
    }

    /// Writes down how announcements are switched, in place of what was: whole, or not at all.
    pub fn keep_switched(&self, switched: &[Switched]) -> io::Result<()> {
        write_json(&self.folder.join(SWITCHED), &switched)
    }

    /// Writes down what is tried on some, in place of what was: whole, or not at all.
    pub fn keep_trial(&self, trial: Option<&Trial>) -> io::Result<()> {
        let Some(trial) = trial else {
            return match fs::remove_file(self.trial_file()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                done => done,
            };
        };
        write_json(&self.trial_file(), trial)
    }

    fn trial_file(&self) -> PathBuf {
        self.folder.join("canary.json")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("log.jsonl")
    }

    fn names(&self) -> io::Result<Vec<Name>> {
        let entries = fs::read_dir(self.folder.join("versions"))?;
        let mut names: Vec<Name> =
            entries.filter_map(|entry| Some(Name::from(entry.ok()?.file_name().to_str()?))).collect();
        names.sort();
        Ok(names)
    }

    /// Removes the version that was kept first, when there are as many as may be.
    fn make_room(&self) -> io::Result<()> {
        let names = self.names()?;
        if names.len() < MOST {
            return Ok(());
        }
        let age = |name: &Name| fs::metadata(self.place(name)).and_then(|known| known.modified()).ok();
        match names.iter().min_by_key(|name| age(name)) {
            Some(oldest) => fs::remove_dir_all(self.place(oldest)),
            None => Ok(()),
        }
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => Ok(serde_json::from_slice(&text?).ok()),
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let draft = path.with_extension("draft");
    fs::write(&draft, serde_json::to_vec(value)?)?;
    fs::rename(draft, path)
}

/// The name of a version: the beginning of SHA-256 over its files, each with its path and length.
pub fn name_of(files: &Texts) -> Name {
    let mut sorted: Vec<&(String, String)> = files.iter().collect();
    sorted.sort();
    let mut hash = Sha256::new();
    for (path, text) in sorted {
        hash.update(format!("{path}\0{}\0", text.len()));
        hash.update(text);
    }
    let bytes = hash.finalize();
    Name::from(bytes[..NAME_BYTES].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(files: &[(&str, &str)]) -> Texts {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_version_is_named_by_what_is_in_it_and_kept_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let versions = Versions::open(folder.path()).expect("open");
        let one = texts(&[("main.yaml", "a"), ("more/b.yaml", "b")]);
        let name = versions.keep(&one).expect("kept");
        let other_order = texts(&[("more/b.yaml", "b"), ("main.yaml", "a")]);
        assert_eq!(versions.keep(&other_order).expect("kept"), name);
        assert_eq!(fs::read_to_string(versions.place(&name).join("more/b.yaml")).expect("a file"), "b");
        assert_ne!(name_of(&texts(&[("main.yaml", "ab"), ("more/b.yaml", "")])), name);
        assert_eq!(versions.find(&name[..4]).expect("read"), Some(name.clone()));
        assert_eq!(versions.find("").expect("read"), None);
        assert_eq!(versions.find("zz").expect("read"), None);
    }

    #[test]
    fn the_log_tells_the_newest_first_and_forgives_a_cut_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let versions = Versions::open(folder.path()).expect("open");
        assert_eq!(versions.log(10).expect("read"), []);
        let entry = |version: &str, changes: usize| Entry {
            at: WallTime(1),
            did: Did::Reload,
            version: version.into(),
            before: None,
            folder: None,
            by: "ada".into(),
            why: "a new menu".into(),
            changes: vec!["main: x".into(); changes],
            audience: None,
        };
        versions.record(&entry("a", 0)).expect("written");
        versions.record(&entry("b", 200)).expect("written");
        let mut log = OpenOptions::new().append(true).open(versions.log_file()).expect("the log");
        log.write_all(b"{\"at\":1,\"did\":").expect("written");
        let told = versions.log(10).expect("read");
        assert_eq!(told.iter().map(|entry| &*entry.version).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(told[0].changes.last().map(String::as_str), Some("and 150 more"));
    }

    #[test]
    fn no_more_versions_are_kept_than_may_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let versions = Versions::open(folder.path()).expect("open");
        for number in 0..MOST + 3 {
            versions.keep(&texts(&[("main.yaml", &number.to_string())])).expect("kept");
        }
        assert_eq!(versions.names().expect("read").len(), MOST);
    }
}
