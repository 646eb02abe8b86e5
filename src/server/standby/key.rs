//! The key that a server and its standby share.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use sha2::Digest;
use sha2::Sha256;

/// The fewest characters of a key: what may be tried out without anybody noticing must not be guessed.
const SHORTEST: usize = 32;

/// Proves to either side that the other belongs to the center. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct StandbyKey([u8; 32]);

impl std::fmt::Debug for StandbyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StandbyKey(…)")
    }
}

/// Why a file has no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the standby's key {} cannot be read: {error}", file.display())]
    Read { file: PathBuf, error: io::Error },
    #[error("the standby's key {} has {length} characters, and needs {SHORTEST} at least", file.display())]
    Short { file: PathBuf, length: usize },
    #[error("the standby's key {} can be read by others than its owner", file.display())]
    Open { file: PathBuf },
}

impl KeyError {
    /// What the operator can do about it.
    pub fn hint(&self) -> String {
        let file = match self {
            KeyError::Read { file, .. } | KeyError::Short { file, .. } | KeyError::Open { file } => {
                file.display()
            }
        };
        match self {
            KeyError::Open { .. } => format!("chmod 600 {file}"),
            _ => format!(
                "make one, and copy it to both machines: (umask 077; head -c 32 /dev/urandom | base64 > {file})"
            ),
        }
    }
}

impl StandbyKey {
    /// The key in a file: any text of 32 characters or more, without the white space around it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is too short, or others may read it.
    pub fn read(file: &Path) -> Result<StandbyKey, KeyError> {
        let failed = |error| KeyError::Read { file: file.to_owned(), error };
        if is_open(&fs::metadata(file).map_err(failed)?) {
            return Err(KeyError::Open { file: file.to_owned() });
        }
        let text = fs::read_to_string(file).map_err(failed)?;
        let text = text.trim();
        match text.chars().count() {
            length if length < SHORTEST => Err(KeyError::Short { file: file.to_owned(), length }),
            _ => Ok(StandbyKey(Sha256::digest(text).into())),
        }
    }

    pub(super) fn octets(&self) -> &[u8; 32] {
        &self.0
    }

    #[cfg(test)]
    pub(super) fn of(text: &str) -> StandbyKey {
        StandbyKey(Sha256::digest(text).into())
    }
}

#[cfg(unix)]
fn is_open(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    about.mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open(_about: &fs::Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_long_enough_is_its_owners_alone_and_shows_itself_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("standby.key");
        let told = |error: KeyError| format!("{error}; {}", error.hint());
        assert!(told(StandbyKey::read(&file).unwrap_err()).contains("urandom"));
        fs::write(&file, format!("{}\n", "k".repeat(31))).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(told(StandbyKey::read(&file).unwrap_err()).contains("chmod 600"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(told(StandbyKey::read(&file).unwrap_err()).contains("has 31 characters, and needs 32"));
        fs::write(&file, format!("{}\n", "k".repeat(32))).unwrap();
        let key = StandbyKey::read(&file).unwrap();
        assert_eq!(key, StandbyKey::of(&"k".repeat(32)));
        assert_eq!(format!("{key:?}"), "StandbyKey(…)");
    }
}
