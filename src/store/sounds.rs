//! What was recorded, as far as the history must know of it: which calls have files, so that no new call gets the number of one.

use std::fs;
use std::path::Path;

use crate::fact::recording::RecordingKind;

/// The folder within the data folder for what was in the way of something, each time in a folder of its own.
pub const ASIDE: &str = "set_aside";
/// No call has a higher number, whatever a file is called: this many are exact in JSON.
const HIGHEST: u64 = 1 << 53;

/// The highest call of which there is a file, in the folders of recordings or among what was set aside; 0 where there is none.
pub(super) fn highest_call(data: &Path) -> u64 {
    let aside = fs::read_dir(data.join(ASIDE)).into_iter().flatten().flatten().map(|entry| entry.path());
    let folders = [data.to_owned()].into_iter().chain(aside);
    let kinds = folders.flat_map(|folder| RecordingKind::ALL.map(|kind| folder.join(kind.folder())));
    let files = kinds.flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    files.filter_map(|file| call_of(file.file_name().to_str()?)).max().unwrap_or(0)
}

/// Whose file has this name: `12.wav`, `12-2.wav`.
fn call_of(name: &str) -> Option<u64> {
    let digits = name.split(['.', '-']).next()?;
    digits.parse().ok().filter(|call| *call < HIGHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_kind_names_its_call_and_other_names_none() {
        let names = ["12.wav", "12-2.wav", "7-1.draft", "notes.txt", "-3.wav", "99999999999999999.wav"];
        assert_eq!(names.map(call_of), [Some(12), Some(12), Some(7), None, None, None]);
    }

    #[test]
    fn the_highest_call_is_found_wherever_its_file_lies() {
        let data = tempfile::tempdir().unwrap();
        let file = |path: &str| {
            let path = data.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        };
        assert_eq!(highest_call(data.path()), 0);
        file("recordings/5.wav");
        assert_eq!(highest_call(data.path()), 5);
        file("messages/9-2.wav");
        assert_eq!(highest_call(data.path()), 9);
        file("set_aside/2026-11-28T18-40/recordings/12.wav");
        assert_eq!(highest_call(data.path()), 12);
    }
}
