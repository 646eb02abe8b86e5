//! What went wrong, for a person at a terminal: an error, and a hint where there is one.

use std::fmt;
use std::io;
use std::process::ExitCode;

use rusqlite::ErrorCode;

use crate::store::StoreError;

/// Why a command was not done.
#[derive(Debug)]
pub(super) struct Trouble {
    error: String,
    hint: Option<String>,
    usage: bool,
}

impl Trouble {
    /// It could not be done, or the thing checked is not right: exit status 1.
    pub(super) fn new(error: impl Into<String>) -> Trouble {
        Trouble { error: error.into(), hint: None, usage: false }
    }

    /// It was asked in a way that makes no sense: exit status 2.
    pub(super) fn wrong_use(error: impl Into<String>) -> Trouble {
        Trouble { usage: true, ..Trouble::new(error) }
    }

    /// What to do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Trouble {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn status(&self) -> ExitCode {
        ExitCode::from(if self.usage { 2 } else { 1 })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.error)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}\n"),
            None => Ok(()),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Trouble {
        let trouble = Trouble::new(error.to_string());
        match store_hint(&error) {
            Some(hint) => trouble.hint(hint),
            None => trouble,
        }
    }
}

/// What can be done where the store could not do what was asked.
pub(super) fn store_hint(error: &StoreError) -> Option<&'static str> {
    Some(match error {
        StoreError::Folder { source, .. } if source.kind() == io::ErrorKind::StorageFull => DISK_FULL,
        StoreError::Folder { .. } => "name a folder that you may write to with --data",
        StoreError::Owner { .. } => NOT_YOURS,
        StoreError::Missing { .. } => "`warmline serve` makes it; name another data folder with --data",
        StoreError::Empty { .. } => {
            "no Warmline has run with it yet: `warmline serve` fills it; or name another data folder with --data"
        }
        StoreError::Emptied { .. } => {
            "something emptied it: restore it from a copy (docs/BACKUP.md); or move it away, and `warmline serve` begins a new history"
        }
        StoreError::Foreign { .. } => {
            "it is left as it is: name another data folder with --data, in which `warmline serve` makes one"
        }
        StoreError::TooNew { .. } => "use the Warmline that wrote it, or a later one",
        StoreError::Sqlite(sqlite) => sqlite_hint(sqlite),
        StoreError::Thread(_) => "`warmline doctor` checks the data folder",
        StoreError::Exists(_) | StoreError::Unknown(_) => {
            "`warmline agent list` and `warmline customer list` show who is there"
        }
        StoreError::Invalid(_) => return None,
    })
}

const NOT_YOURS: &str = "run this as the user whom the server runs as, to whom warmline.db belongs: `ls -l` shows who that is; \
                         `chown` gives all of the data folder to another";
const DISK_FULL: &str = "the disk is full: make room, and try again; what was written before is as it was";

/// By what SQLite says is the matter.
fn sqlite_hint(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => NOT_YOURS,
        Some(ErrorCode::DiskFull) => DISK_FULL,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program writes to it and does not end: try again in a moment"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "restore it from a copy (docs/BACKUP.md), or move it away: `warmline serve` makes a new one"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "the disk does not take it: `df -h` shows whether it is full, the machine's log whether it fails"
        }
        _ if lacks_something(&error.to_string()) => {
            "the history is of an earlier Warmline, and gets what it lacks at the next start of `warmline serve`"
        }
        _ => "`warmline doctor` checks the data folder",
    }
}

/// Whether SQLite says that a table or a column is not there: it has no code of its own for that.
fn lacks_something(error: &str) -> bool {
    error.contains("no such table: ") || error.contains("no such column: ")
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn who_reads_a_history_of_an_earlier_version_is_told_what_to_do() {
        let connection = Connection::open_in_memory().unwrap();
        let hint = |sql: &str| {
            let error = connection.query_row(sql, [], |_| Ok(())).unwrap_err();
            Trouble::from(StoreError::from(error)).hint.unwrap()
        };
        assert!(hint("SELECT 1 FROM evaluations").contains("earlier Warmline"));
        assert!(hint("SELECT late FROM (SELECT 1 AS held)").contains("earlier Warmline"));
        assert!(hint("SELECT").contains("doctor"));
    }

    #[test]
    fn who_may_not_use_the_file_or_has_a_full_disk_is_told_that_and_not_to_make_a_new_one() {
        let hint = |code: i32| {
            let failure = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            Trouble::from(StoreError::from(failure)).hint.unwrap()
        };
        for code in
            [rusqlite::ffi::SQLITE_CANTOPEN, rusqlite::ffi::SQLITE_READONLY, rusqlite::ffi::SQLITE_PERM]
        {
            assert!(hint(code).contains("to whom warmline.db belongs"), "{code}: {}", hint(code));
        }
        assert!(hint(rusqlite::ffi::SQLITE_FULL).contains("make room"));
        assert!(hint(rusqlite::ffi::SQLITE_IOERR).contains("df -h"));
        assert!(hint(rusqlite::ffi::SQLITE_CORRUPT).contains("restore it from a copy"));
        let (folder, source) = ("/data".into(), io::Error::from(io::ErrorKind::StorageFull));
        assert!(Trouble::from(StoreError::Folder { folder, source }).hint.unwrap().contains("make room"));
    }
}
