//! What is in the way of something else, or is not to be lost, is moved aside: into `set_aside/` of the data folder, by the minute.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use jiff::Timestamp;

use super::folder;
use crate::store::sounds::ASIDE;

/// How many folders of one minute are looked through for one in which the name is free.
const MOST: u32 = 1_000;

/// Moves what is at `path` within the data folder aside; where it lies then, within the data folder. None: there is nothing.
pub(super) fn set(data: &Path, path: &str) -> io::Result<Option<PathBuf>> {
    let from = data.join(path);
    if fs::symlink_metadata(&from).is_err() {
        return Ok(None);
    }
    let minute = Timestamp::now().strftime("%Y-%m-%dT%H-%M").to_string();
    let folders = (1..MOST).map(|number| match number {
        1 => Path::new(ASIDE).join(&minute),
        _ => Path::new(ASIDE).join(format!("{minute}-{number}")),
    });
    let free =
        folders.map(|folder| folder.join(path)).find(|at| fs::symlink_metadata(data.join(at)).is_err());
    let to = free.ok_or(io::ErrorKind::AlreadyExists)?;
    folder::private(&data.join(ASIDE))?;
    if let Some(above) = to.parent() {
        folder::private(&data.join(above))?;
    }
    fs::rename(from, data.join(&to))?;
    Ok(Some(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_twice_in_a_minute_is_there_twice() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("recordings")).unwrap();
        let kept: Vec<PathBuf> = ["one", "two", "three"]
            .map(|text| {
                fs::write(data.path().join("recordings/7.wav"), text).unwrap();
                set(data.path(), "recordings/7.wav").unwrap().unwrap()
            })
            .into();
        let read = |path: &PathBuf| fs::read_to_string(data.path().join(path)).unwrap();
        assert_eq!(kept.iter().map(read).collect::<Vec<_>>(), ["one", "two", "three"]);
        assert!(kept.iter().all(|path| path.starts_with(ASIDE) && path.ends_with("recordings/7.wav")));
        assert_eq!(set(data.path(), "recordings/7.wav").unwrap(), None);
    }
}
