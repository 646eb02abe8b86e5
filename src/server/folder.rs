//! Folders and files of what is nobody else's: what callers said, and what they were told.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;

/// Makes a folder, where it is not there, into which only its owner may look.
pub(super) fn private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    only_for_its_owner(folder)
}

/// Begins a file that only its owner may read, empty whatever was there.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().create(true).truncate(true))
}

/// Begins a file that only its owner may read, where there is none.
pub(super) fn new_private_file(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().create_new(true))
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn only_for_its_owner(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn only_for_its_owner(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn nobody_but_its_owner_looks_into_a_folder_that_is_new_or_was_open_to_all() {
        let within = tempfile::tempdir().unwrap();
        let folder = within.path().join("data/recordings");
        let mode = || fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
        private(&folder).unwrap();
        assert_eq!(mode(), 0o700);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        private(&folder).unwrap();
        assert_eq!(mode(), 0o700);
    }
}
