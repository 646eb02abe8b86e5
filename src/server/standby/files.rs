//! All that is a file in the data folder, but for the journal and the history: recordings, messages, versions of flows,
//! certificates, what was spoken. A file is sent when it has not changed for a look or two; one that is being written comes
//! when it is whole.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use super::FileState;
use super::Record;
use super::Thing;
use super::channel::AT_ONCE;
use super::channel::Channel;
use crate::server::journal;
use crate::server::lock;
use crate::store;

/// How long lies between two looks, and by how much longer than one takes.
const EVERY: Duration = Duration::from_secs(1);
const SHARE: u32 = 20;
/// How deep folders are looked into: nothing of ours lies deeper.
const DEEPEST: usize = 8;

/// A file's length, and when it was changed, in µs since 1970.
type State = (u64, i64);

/// Sends what is new.
#[derive(Debug)]
pub(super) struct FilesTail {
    data: PathBuf,
    /// What the standby has.
    sent: BTreeMap<String, State>,
    /// What there was at the last look.
    seen: BTreeMap<String, State>,
    next: Option<Instant>,
}

impl FilesTail {
    /// The standby has these already.
    pub fn new(data: &Path, has: impl Iterator<Item = FileState>) -> FilesTail {
        let sent = has.map(|file| (file.path, (file.length, file.changed))).collect();
        FilesTail { data: data.to_owned(), sent, seen: BTreeMap::new(), next: None }
    }

    /// Looks, when it is time, and sends what is new.
    pub fn round(&mut self, channel: &mut Channel) -> io::Result<()> {
        let began = Instant::now();
        if self.next.is_some_and(|next| began < next) {
            return Ok(());
        }
        let first = self.next.is_none();
        let there: BTreeMap<String, State> =
            list(&self.data).map(|file| (file.path, (file.length, file.changed))).collect();
        let took = began.elapsed();
        let recently = micros(SystemTime::now() - EVERY);
        for (path, state) in &there {
            let rests = self.seen.get(path) == Some(state) || first && state.1 < recently;
            if rests && self.sent.get(path) != Some(state) && self.send(channel, path, *state)? {
                self.sent.insert(path.clone(), *state);
            }
        }
        let gone: Vec<String> = self.sent.keys().filter(|path| !there.contains_key(*path)).cloned().collect();
        for path in gone {
            self.sent.remove(&path);
            channel.send(&Record::Gone(Thing::File(path)), &[])?;
        }
        self.seen = there;
        self.next = Some(Instant::now() + EVERY.max(took * SHARE));
        Ok(())
    }

    /// Whether it could be read: it may have gone meanwhile, or have become another.
    fn send(&self, channel: &mut Channel, path: &str, (length, changed): State) -> io::Result<bool> {
        let Ok(mut file) = File::open(self.data.join(path)) else { return Ok(false) };
        let thing = Thing::File(path.to_owned());
        channel.send(&Record::Begin(thing.clone()), &[])?;
        let (mut octets, mut left) = (vec![0; AT_ONCE], length);
        while left > 0 {
            let piece = &mut octets[..left.min(AT_ONCE as u64) as usize];
            if file.read_exact(piece).is_err() {
                return Ok(false);
            }
            channel.send(&Record::Octets(thing.clone()), piece)?;
            left -= piece.len() as u64;
        }
        channel.send(&Record::Done(thing, changed), &[])?;
        Ok(true)
    }
}

/// All files of a data folder that are sent as files, in order.
pub(super) fn list(data: &Path) -> impl Iterator<Item = FileState> {
    let mut found = Vec::new();
    look_into(data, "", DEEPEST, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found.into_iter()
}

fn look_into(folder: &Path, within: &str, deepest: usize, found: &mut Vec<FileState>) {
    // What cannot be read is nobody's to copy.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (Ok(name), Ok(about)) = (entry.file_name().into_string(), entry.metadata()) else { continue };
        let path = if within.is_empty() { name } else { format!("{within}/{name}") };
        if about.is_dir() && deepest > 0 && !is_draft(&path) {
            look_into(&entry.path(), &path, deepest - 1, found);
        } else if about.is_file() && is_sent(&path) {
            let changed = about.modified().map_or(0, micros);
            found.push(FileState { path, length: about.len(), changed });
        }
    }
}

/// Whether a file by this path is one to be sent, and to be taken: within the folder, and nothing that is sent in another way.
pub(super) fn is_sent(path: &str) -> bool {
    let of_its_own = [
        lock::FILE,
        journal::FILE,
        journal::TAKEN,
        store::FILE,
        store::log::LOG_FILE,
        store::log::INDEX_FILE,
    ];
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    !of_its_own.contains(&path) && !is_draft(path) && path.split('/').all(is_plain)
}

/// What is not whole yet is called so everywhere.
fn is_draft(path: &str) -> bool {
    path.ends_with(".draft") || path.rsplit('/').next().is_some_and(|name| name.starts_with("draft-"))
}

/// In µs since 1970.
pub(super) fn micros(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_in_another_way_or_is_not_whole_or_lies_elsewhere_is_no_file() {
        for path in ["recordings/call-1.wav", "flows/3/center.yaml", "tls/key.pem"] {
            assert!(is_sent(path), "{path}");
        }
        for path in [
            "lock",
            "calls.journal",
            "calls.journal.taken",
            "warmline.db",
            "warmline.db-wal",
            "warmline.db-shm",
            "calls.draft",
            "recordings/note-1.draft",
            "flows/draft-3",
            "../x",
            "/etc/x",
            "a/../../x",
            "",
        ] {
            assert!(!is_sent(path), "{path}");
        }
    }
}
