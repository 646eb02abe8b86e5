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
