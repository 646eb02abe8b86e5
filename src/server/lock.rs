//! A data folder is one server's: two would call back the same callers and write one history.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::path::Path;

use tracing::warn;

/// The file by whose lock a server has its data folder. It stays there, and says nothing.
pub(super) const FILE: &str = "lock";

/// Another server has the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken;

/// Has a data folder as long as it lives. The operating system lets go of it however the process ends.
#[derive(Debug)]
pub struct FolderLock {
    _held: Option<File>,
}

impl FolderLock {
    /// Takes the folder, which must be there. Where its file system knows no locks, or nothing can be written, nobody is
    /// kept out: what is wrong then is told by whoever writes there.
    pub fn take(folder: &Path) -> Result<FolderLock, Taken> {
        let Ok(file) = open(&folder.join(FILE)) else { return Ok(FolderLock { _held: None }) };
        match file.try_lock() {
            Ok(()) => Ok(FolderLock { _held: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(Taken),
            Err(TryLockError::Error(error)) => {
                warn!(%error, "the data folder cannot be locked: see to it that no other server uses it");
                Ok(FolderLock { _held: None })
            }
        }
    }

    /// Whether a server has the folder now.
    pub fn is_taken(folder: &Path) -> bool {
        // Nothing is made where nothing is.
        folder.join(FILE).exists() && FolderLock::take(folder).is_err()
    }
}

/// Opens the file, which its owner alone may open: whoever else could, could have its lock, and keep the server from starting.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // One of an earlier version; where it is another user's, it is theirs to say.
    #[cfg(unix)]
    let _ = file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_servers_until_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!FolderLock::is_taken(folder.path()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "looking makes no file");
        let first = FolderLock::take(folder.path()).unwrap();
        assert_eq!(FolderLock::take(folder.path()).unwrap_err(), Taken);
        assert!(FolderLock::is_taken(folder.path()));
        drop(first);
        assert!(!FolderLock::is_taken(folder.path()));
        FolderLock::take(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_told_by_who_writes_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(FolderLock::take(&folder.path().join("nowhere")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_but_its_owner_may_have_the_lock() {
        use std::os::unix::fs::PermissionsExt;
        let within = tempfile::tempdir().unwrap();
        let folder = within.path().join("data");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        crate::store::make_folder(&folder).unwrap();
        drop(FolderLock::take(&folder).unwrap());
        let lock = folder.join(FILE);
        assert_eq!((mode(&folder), mode(&lock)), (0o700, 0o600));
        std::fs::set_permissions(&lock, std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o750)).unwrap();
        crate::store::make_folder(&folder).unwrap();
        drop(FolderLock::take(&folder).unwrap());
        assert_eq!(
            (mode(&folder), mode(&lock)),
            (0o750, 0o600),
            "as an earlier version and an operator made them"
        );
    }
}
