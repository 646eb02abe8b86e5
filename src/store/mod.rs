//! What outlives a run: the history, the customers and the agents' accounts, in one SQLite file.
//!
//! [`Store`] opens and migrates the file. [`HistoryWriter`] takes facts from the control thread without
//! ever making it wait, [`IdentityService`] looks customers up and checks PINs on threads of its own, and
//! [`Readers`] answers people. Nothing here decides about a call.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use rusqlite::Connection;

use crate::base::CallId;

pub mod agents;
mod backlog;
pub mod conformance;
pub mod customers;
pub mod evaluations;
pub mod explain;
mod figures;
pub mod fold;
pub mod goals;
pub mod handling;
mod handling_rows;
pub mod history;
pub mod identity;
pub mod lineage;
pub mod log;
pub mod menus;
pub mod messages;
pub mod misrouted;
pub mod notes;
pub mod numbers;
pub mod order;
mod password;
pub mod places;
pub mod promises;
pub mod read;
pub mod reads;
mod retention;
#[cfg(test)]
pub(crate) mod sample;
mod schema;
pub mod service;
pub mod sessions;
pub mod sounds;
pub mod story;
pub mod surveys;
mod talk_rows;
pub mod talks;
pub mod targets;
pub mod tokens;
pub mod trends;
pub mod view;
pub mod waits;
pub mod webhooks;
pub mod why;
mod words;

pub use agents::AgentAccount;
pub use agents::NewAgent;
pub use agents::Role;
pub use customers::NewCustomer;
pub use fold::CallFold;
pub use fold::CallRecord;
pub use fold::DatedFact;
pub use fold::LegRecord;
pub use history::HistoryWriter;
pub use history::Losses;
pub use identity::IdentityReply;
pub use identity::IdentityService;
pub use menus::MenuReport;
pub use messages::Message;
pub use messages::MessageFilter;
pub use misrouted::RouteReport;
pub use notes::NoteFold;
pub use numbers::NumberReport;
pub use order::FactFilter;
pub use order::FactPage;
pub use order::NumberedFact;
pub use promises::PromiseFilter;
pub use promises::PromiseTally;
pub use read::CallFilter;
pub use read::Readers;
pub use sessions::Person;
pub use surveys::SurveyReport;
pub use talks::TalkFold;
pub use talks::TalkReport;
pub use targets::Target;
pub use targets::Targets;

/// The file's name within the data folder.
pub const FILE: &str = "warmline.db";

/// How long a writer waits for another one before it gives up.
const BUSY: Duration = Duration::from_secs(5);

/// The data folder's SQLite file, migrated to this version's tables.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Which file it is, whatever lies at its place later.
    identity: Option<Identity>,
    connection: Mutex<Connection>,
}

/// A file of this machine: its device and its number there.
type Identity = (u64, u64);

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data folder could not be made.
    #[error("the data folder {folder} cannot be made: {source}", folder = folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    /// The file is another user's.
    #[error("{file} belongs to another user", file = file.display())]
    Owner { file: PathBuf },
    /// There is no store yet, and reading alone makes none.
    #[error("there is no {FILE} in {folder}", folder = folder.display())]
    Missing { folder: PathBuf },
    /// Nothing has been written yet.
    #[error("{file} is empty", file = file.display())]
    Empty { file: PathBuf },
    /// It was written once, as what lies beside it shows.
    #[error("{file} is empty, and {beside} beside it is not", file = file.display())]
    Emptied { file: PathBuf, beside: String },
    /// Somebody else's file.
    #[error("{file} is no database of Warmline", file = file.display())]
    Foreign { file: PathBuf },
    /// The file was written by a later version.
    #[error("{FILE} has tables of version {found}, this Warmline knows versions up to {known}")]
    TooNew { found: i64, known: i64 },
    /// SQLite said no.
    #[error("{FILE}: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A thread of the store could not be started.
    #[error("a thread of the store cannot be started: {0}")]
    Thread(io::Error),
    /// A name, number or PIN is not one.
    #[error("{0}")]
    Invalid(String),
    /// The one to be added is there already.
    #[error("{0} is there already")]
    Exists(String),
    /// The one asked for is not there.
    #[error("there is no {0}")]
    Unknown(String),
}

/// Makes a data folder, where there is none, into which only its owner may look. One that is there stays as somebody made it.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

impl Store {
    /// Opens `warmline.db` in `folder`, making both when they are missing, and migrates its tables.
    ///
    /// The file holds what SIP passwords are checked with, so only its owner may read it.
    pub fn open(folder: &Path) -> Result<Store, StoreError> {
        let failed = |source| StoreError::Folder { folder: folder.to_owned(), source };
        make_folder(folder).map_err(failed)?;
        refuse_emptied(folder)?;
        let file = folder.join(FILE);
        let mut connection = Connection::open(&file)?;
        only_for_its_owner(&file).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => StoreError::Owner { file },
            _ => failed(error),
        })?;
        schema::check(&connection)?;
        prepare(&connection)?;
        schema::migrate(&mut connection)?;
        let (folder, identity) = (folder.to_owned(), identity(&folder.join(FILE)));
        Ok(Store { folder, identity, connection: Mutex::new(connection) })
    }

    /// Opens a store that must be there already: looking at people in a wrong folder makes no file in it.
    pub fn open_existing(folder: &Path) -> Result<Store, StoreError> {
        existing(folder)?;
        Store::open(folder)
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is wrong where the file is not at its place any more: somebody removed the folder or put another there, and all that
    /// is written since is lost with the process.
    pub fn trouble(&self) -> Option<String> {
        let begun_with = self.identity?;
        let what = match identity(&self.folder.join(FILE)) {
            Some(now) if now == begun_with => return None,
            Some(_) => "another one than the server began with",
            None => "gone",
        };
        Some(format!(
            "the data folder is {what}: what happens now is lost at the next start; put it back, or start anew"
        ))
    }

    /// The id after the highest one in the history, and of all that was recorded: 1 where there is nothing. A history that was
    /// restored or moved away knows less than lies beside it, and a new call's sound is never an earlier one's.
    pub fn next_call_id(&self) -> Result<CallId, StoreError> {
        let highest: i64 = self.connection().query_row(
            "SELECT max(ifnull((SELECT max(id) FROM calls), 0), ifnull((SELECT max(call) FROM facts), 0))",
            [],
            |row| row.get(0),
        )?;
        Ok(CallId(highest.unsigned_abs().max(sounds::highest_call(&self.folder)) + 1))
    }

    /// Connections that only read.
    pub fn readers(&self) -> Result<Readers, StoreError> {
        Readers::open(&self.folder)
    }

    /// The connection for the rare work of administration.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection of its own for a thread that writes.
    fn connect(&self) -> Result<Connection, StoreError> {
        let connection = Connection::open(self.folder.join(FILE))?;
        prepare(&connection)?;
        Ok(connection)
    }
}

/// Leaves a file alone that is of no length, where something else is there: a first start that was cut short leaves none.
///
/// SQLite would begin a history in it, and throw a log away that has what the file had.
pub fn refuse_emptied(folder: &Path) -> Result<(), StoreError> {
    let file = folder.join(FILE);
    if !fs::metadata(&file).is_ok_and(|known| known.is_file() && known.len() == 0) {
        return Ok(());
    }
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let has_something = |entry: &fs::DirEntry| match entry.metadata() {
        Ok(known) if known.is_dir() => {
            fs::read_dir(entry.path()).is_ok_and(|mut within| within.next().is_some())
        }
        Ok(known) => known.len() > 0 && entry.file_name() != log::INDEX_FILE,
        Err(_) => false,
    };
    let beside = names.filter(has_something).map(|entry| entry.file_name().to_string_lossy().into_owned());
    match beside.min() {
        Some(beside) => Err(StoreError::Emptied { file, beside }),
        None => Ok(()),
    }
}

/// Copies the history of a folder into another one, as it is at one moment, whoever writes meanwhile.
///
/// # Errors
///
/// When there is none, or there is one already, or the disk is full.
pub fn copy_to(folder: &Path, to: &Path) -> Result<(), StoreError> {
    let file = existing(folder)?;
    refuse_emptied(folder)?;
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    schema::check_to_read(&connection)?;
    let to = to.join(FILE);
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    only_for_its_owner(&to).map_err(|source| StoreError::Folder { folder: to, source })
}

/// The file of a store that must be there.
fn existing(folder: &Path) -> Result<PathBuf, StoreError> {
    let file = folder.join(FILE);
    match fs::metadata(&file) {
        Ok(known) if known.is_file() => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(StoreError::Owner { file }),
        _ => Err(StoreError::Missing { folder: folder.to_owned() }),
    }
}

/// A connection that cannot write, to a store that must exist.
fn connect_to_read(folder: &Path) -> Result<Connection, StoreError> {
    let file = existing(folder)?;
    // SQLite removes a log beside an empty file, whoever opens it.
    refuse_emptied(folder)?;
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    // Not opened with SQLITE_OPEN_READ_ONLY: a reader of a WAL file must be able to make the -shm file.
    connection.pragma_update(None, "query_only", true)?;
    schema::check_to_read(&connection)?;
    Ok(connection)
}

/// What every writing connection is set to: readers and the writer do not wait for each other, and a
/// crash of the machine may cost the last transactions but never the file.
fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

#[cfg(unix)]
fn identity(file: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(file).ok().map(|known| (known.dev(), known.ino()))
}

#[cfg(not(unix))]
fn identity(_file: &Path) -> Option<Identity> {
    None
}

/// SQLite gives its -wal and -shm files the same permissions as the file.
#[cfg(unix)]
fn only_for_its_owner(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn only_for_its_owner(_file: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_made_once_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("a/b");
        assert!(matches!(connect_to_read(&nested), Err(StoreError::Missing { .. })));
        assert!(matches!(Store::open_existing(&nested), Err(StoreError::Missing { .. })));
        assert!(!nested.exists());
        drop(Store::open(&nested).unwrap());
        let store = Store::open(&nested).unwrap();
        assert_eq!(store.next_call_id().unwrap(), CallId(1));
        assert_eq!(store.folder(), nested);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.connection().execute("DELETE FROM facts", []).unwrap();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?} is readable by others", entry.file_name());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_is_taken_away_or_exchanged_is_noticed_until_it_is_back() {
        let above = tempfile::tempdir().unwrap();
        let (folder, aside) = (above.path().join("data"), above.path().join("aside"));
        let store = Store::open(&folder).unwrap();
        assert_eq!(store.trouble(), None);
        fs::rename(&folder, &aside).unwrap();
        assert!(store.trouble().unwrap().starts_with("the data folder is gone: what happens now is lost"));
        drop(Store::open(&folder).unwrap());
        assert!(store.trouble().unwrap().contains("is another one than the server began with"));
        fs::remove_dir_all(&folder).unwrap();
        fs::rename(&aside, &folder).unwrap();
        assert_eq!(store.trouble(), None);
    }

    #[test]
    fn a_store_of_a_later_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.connection().pragma_update(None, "user_version", 99).unwrap();
        drop(store);
        assert!(matches!(Store::open(folder.path()), Err(StoreError::TooNew { found: 99, .. })));
        assert!(matches!(connect_to_read(folder.path()), Err(StoreError::TooNew { .. })));
    }

    #[test]
    fn a_file_of_somebody_else_is_left_alone_and_an_empty_one_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let opened = || (Store::open(folder.path()).map(drop), connect_to_read(folder.path()).map(drop));
        std::fs::write(&file, "").unwrap();
        assert!(matches!(connect_to_read(folder.path()), Err(StoreError::Empty { .. })));
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE songs (title)").unwrap();
        let before = std::fs::read(&file).unwrap();
        assert!(matches!(opened(), (Err(StoreError::Foreign { .. }), Err(StoreError::Foreign { .. }))));
        assert_eq!(std::fs::read(&file).unwrap(), before);
        std::fs::write(
            &file,
            "A letter to somebody, of which SQLite makes nothing, however long it looks at it.",
        )
        .unwrap();
        assert!(matches!(opened(), (Err(StoreError::Foreign { .. }), Err(StoreError::Foreign { .. }))));
    }

    #[test]
    fn a_new_call_gets_no_number_under_which_something_was_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let kept = folder.path().join("recordings");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("41-2.wav"), "RIFF").unwrap();
        assert_eq!(store.next_call_id().unwrap(), CallId(42));
    }

    #[test]
    fn a_history_that_was_emptied_is_not_begun_anew_where_something_of_it_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        fs::write(&file, "").unwrap();
        for (path, is_folder) in [("lock", false), ("recordings", true)] {
            let path = folder.path().join(path);
            if is_folder {
                fs::create_dir(path).unwrap()
            } else {
                fs::write(path, "").unwrap()
            };
        }
        // So a first start looks that was cut short.
        refuse_emptied(folder.path()).unwrap();
        fs::write(folder.path().join("recordings/1.wav"), "RIFF").unwrap();
        let refused = Store::open(folder.path()).unwrap_err();
        assert!(refused.to_string().ends_with("warmline.db is empty, and recordings beside it is not"));
        fs::remove_file(folder.path().join("recordings/1.wav")).unwrap();
        // SQLite would remove it.
        fs::write(folder.path().join(log::LOG_FILE), "what was written last").unwrap();
        assert!(matches!(Store::open(folder.path()), Err(StoreError::Emptied { .. })));
        assert_eq!(fs::metadata(&file).unwrap().len(), 0, "it is left as it was");
        fs::remove_file(folder.path().join(log::LOG_FILE)).unwrap();
        drop(Store::open(folder.path()).unwrap());
    }

    #[test]
    fn a_copy_of_a_history_that_is_written_to_is_a_history() {
        let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        sample::whole_call(7).into_iter().for_each(|fact| history.record(fact));
        history.flush();
        copy_to(folder.path(), copy.path()).unwrap();
        assert!(copy_to(folder.path(), copy.path()).is_err(), "nothing is overwritten");
        sample::whole_call(8).into_iter().for_each(|fact| history.record(fact));
        let readers = Store::open(copy.path()).unwrap().readers().unwrap();
        let facts = readers.facts(CallId(7)).unwrap();
        assert_eq!((facts.len(), readers.call(CallId(8)).unwrap()), (sample::whole_call(7).len(), None));
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path()).unwrap());
        let reader = connect_to_read(folder.path()).unwrap();
        assert!(reader.execute("DELETE FROM calls", []).is_err());
    }
}
