//! What went wrong, for a person at a terminal: an error, and a hint where there is one.

use std::fmt;
use std::process::ExitCode;

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
        match error {
            StoreError::Folder { .. } => trouble.hint("name a folder that you may write to with --data"),
            StoreError::Missing { .. } => {
                trouble.hint("`warmline serve` makes it; name another data folder with --data")
            }
            StoreError::Empty { .. } => {
                trouble.hint("no Warmline has run with it yet: `warmline serve` fills it; or name another data folder with --data")
            }
            StoreError::Foreign { .. } => {
                trouble.hint("it is left as it is: name another data folder with --data, in which `warmline serve` makes one")
            }
            StoreError::TooNew { .. } => trouble.hint("use the Warmline that wrote it, or a later one"),
            StoreError::Sqlite(_) if lacks_something(&trouble.error) => {
                trouble.hint("the history is of an earlier Warmline, and gets what it lacks at the next start of `warmline serve`")
            }
            StoreError::Sqlite(_) | StoreError::Thread(_) => {
                trouble.hint("`warmline doctor` checks the data folder")
            }
            StoreError::Exists(_) | StoreError::Unknown(_) => {
                trouble.hint("`warmline agent list` and `warmline customer list` show who is there")
            }
            StoreError::Invalid(_) => trouble,
        }
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
}
