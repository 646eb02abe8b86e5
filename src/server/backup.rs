//! A copy of all that is a file in a data folder, of which a server may be writing some. Not the journal: calls that are up are in no
//! copy.

use std::fs;
use std::io;
use std::path::Path;

use crate::server::folder;
use crate::server::recorder;
use crate::server::standby::Look;

/// Makes the folder of a copy, where it may be one: empty, and not within the data folder.
///
/// # Errors
///
/// When it cannot be made or read.
pub fn begin(data: &Path, to: &Path) -> io::Result<bool> {
    folder::private(to)?;
    let is_within = fs::canonicalize(to)?.starts_with(fs::canonicalize(data)?);
    Ok(!is_within && fs::read_dir(to)?.next().is_none())
}

/// Copies recordings, messages, versions of flows, certificates; how many files. A recording that is being written is copied as far as
/// it is.
///
/// # Errors
///
/// When one cannot be read or written.
pub fn files(data: &Path, to: &Path) -> io::Result<usize> {
    let look = Look::at(data);
    if let Some(unreadable) = look.unreadable() {
        return Err(io::Error::other(format!("{unreadable} cannot be read")));
    }
    let mut count = 0;
    for file in look.files() {
        let (from, path) = (data.join(&file.path), to.join(&file.path));
        if let Some(within) = path.parent() {
            folder::private(within)?;
        }
        match fs::copy(&from, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => continue,
            copied => copied?,
        };
        // It counts as old as it is, and is kept no longer.
        let changed = fs::metadata(&from).and_then(|known| known.modified());
        if file.is_sound() {
            recorder::mend(&path)?;
        }
        if let Ok(changed) = changed {
            fs::File::options().write(true).open(&path)?.set_modified(changed)?;
        }
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_every_file_as_old_as_it_is_and_no_call_that_is_up() {
        let (data, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let to = copy.path().join("today");
        for path in
            ["recordings/1.wav", "tls/key.pem", "calls.journal", "lock", "set_aside/x/recordings/2.wav"]
        {
            let path = data.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "RIFF").unwrap();
        }
        assert!(begin(data.path(), &to).unwrap());
        assert_eq!(files(data.path(), &to).unwrap(), 2);
        let age = |folder: &Path| fs::metadata(folder.join("recordings/1.wav")).unwrap().modified().unwrap();
        assert_eq!(age(data.path()), age(&to));
        assert!(!to.join("calls.journal").exists());
        assert!(!begin(data.path(), &to).unwrap(), "it is not empty");
        assert!(
            !begin(data.path(), &data.path().join("recordings/copy")).unwrap(),
            "it is within the folder"
        );
    }
}
