//! All that is a file in the data folder, but for the journal and the history: recordings, messages, versions of flows,
//! certificates, what was spoken. A file is sent when it has not changed for a look or two; recordings, which only grow, as they grow.
//!
//! What a standby has and is not here is removed there where the server has removed it. Otherwise nobody knows why it is not here, and
//! the standby moves it aside; or leaves it, where a whole folder is not here: a volume is gone, and comes back.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use tracing::info;
use tracing::warn;

use super::FileState;
use super::Record;
use super::Thing;
use super::channel::AT_ONCE;
use super::channel::Channel;
use super::copy;
use crate::fact::recording::RecordingKind;
use crate::server::journal;
use crate::server::lock;
use crate::server::recorder::HEADER;
use crate::server::recorder::Removals;
use crate::store;
use crate::store::sounds::ASIDE;

/// How long lies between two looks, and by how much longer than one takes.
const EVERY: Duration = Duration::from_secs(1);
const SHARE: u32 = 20;
/// How deep folders are looked into: nothing of ours lies deeper.
const DEEPEST: usize = 8;
/// What was spoken of texts, which is made again; and versions of flows, of which the server removes the oldest.
const SPOKEN: &str = "speech-cache/";
const FLOWS: &str = "flows/";

/// A file's length, and when it was changed, in µs since 1970.
type State = (u64, i64);

/// Sends what is new.
#[derive(Debug)]
pub(super) struct FilesTail {
    data: PathBuf,
    removals: Arc<Removals>,
    /// The standby was not a copy of this server.
    is_strange: bool,
    /// What the standby has.
    sent: BTreeMap<String, State>,
    /// What there was at the last look.
    seen: BTreeMap<String, State>,
    /// Of which recordings the standby has the beginning, and how long that is.
    growing: BTreeMap<String, u64>,
    /// Folders that are not here, as far as was told.
    hidden: BTreeSet<String>,
    /// How long the standby keeps what was set aside, as it was told.
    keep: Option<Duration>,
    next: Option<Instant>,
}

/// Why a file that the standby has is not here.
enum Absent {
    Removed,
    /// The folder in which it would be cannot be read, or nothing of it is there.
    Hidden(String),
    Unknown,
}

impl FilesTail {
    /// The standby has these already. It is a strange one where its history was not altogether this one's.
    pub fn new(
        data: &Path,
        removals: Arc<Removals>,
        is_strange: bool,
        has: impl Iterator<Item = FileState>,
    ) -> FilesTail {
        let sent = has.map(|file| (file.path, (file.length, file.changed))).collect();
        let (seen, growing, hidden, keep, next) = Default::default();
        FilesTail { data: data.to_owned(), removals, is_strange, sent, seen, growing, hidden, keep, next }
    }

    /// Looks, when it is time or for the last time, and sends what is new.
    pub fn round(&mut self, channel: &mut Channel, last: bool) -> io::Result<()> {
        let began = Instant::now();
        if !last && self.next.is_some_and(|next| began < next) {
            return Ok(());
        }
        let first = self.next.is_none();
        let keep = self.removals.keep();
        if self.keep.replace(keep) != Some(keep) {
            channel.send(&Record::Keep { seconds: keep.as_secs() }, &[])?;
        }
        let look = Look::at(&self.data);
        let took = began.elapsed();
        let recently = micros(SystemTime::now() - EVERY);
        for (path, state) in &look.files {
            let rests = last || self.seen.get(path) == Some(state) || first && state.1 < recently;
            if self.sent.get(path) != Some(state)
                && (rests || is_sound(path))
                && self.send(channel, path, *state)?
            {
                self.sent.insert(path.clone(), *state);
            }
            if rests {
                self.growing.remove(path);
            }
        }
        self.absent(channel, &look)?;
        (self.seen, self.is_strange) = (look.files, false);
        self.next = Some(Instant::now() + EVERY.max(took * SHARE));
        Ok(())
    }

    /// Says what is not here any more, or never was.
    fn absent(&mut self, channel: &mut Channel, look: &Look) -> io::Result<()> {
        let absent: Vec<(String, State)> = self
            .sent
            .iter()
            .filter(|(path, _)| !look.files.contains_key(*path))
            .map(|(path, state)| (path.clone(), *state))
            .collect();
        let (mut hidden, mut aside) = (BTreeSet::new(), 0);
        for (path, state) in absent {
            match self.why(&path, state, look) {
                Absent::Hidden(folder) => {
                    hidden.insert(folder);
                    continue;
                }
                Absent::Removed => channel.send(&Record::Gone(Thing::File(path.clone())), &[])?,
                Absent::Unknown => {
                    aside += 1;
                    channel.send(&Record::Aside(path.clone()), &[])?;
                }
            }
            self.growing.remove(&path);
            self.sent.remove(&path);
        }
        if aside > 0 {
            warn!(count = aside, "a standby has files that are not here: it moves them aside");
        }
        for folder in hidden.difference(&self.hidden) {
            warn!(folder = %self.data.join(folder).display(), "a standby has files of a folder that cannot be read here, or is empty: it keeps them");
        }
        if hidden.is_empty() && !self.hidden.is_empty() {
            info!("all folders of which a standby has files are here again");
        }
        self.hidden = hidden;
        Ok(())
    }

    fn why(&self, path: &str, (_, changed): State, look: &Look) -> Absent {
        let kind = sounds_of(path);
        let age = Duration::from_micros(micros(SystemTime::now()).saturating_sub(changed).unsigned_abs());
        if kind.is_some() && self.removals.has_removed(path, age) {
            return Absent::Removed;
        }
        if let Some(folder) = look.hides(path) {
            return Absent::Hidden(folder.to_owned());
        }
        match kind {
            Some(_) if self.is_strange => Absent::Unknown,
            Some(folder) if !look.has_any_in(folder) => Absent::Hidden(folder.to_owned()),
            None if path.starts_with(SPOKEN) => Absent::Removed,
            None if path.starts_with(FLOWS) && self.seen.contains_key(path) => Absent::Removed,
            _ => Absent::Unknown,
        }
    }

    /// Whether it could be read: it may have gone meanwhile, or have become another.
    fn send(&mut self, channel: &mut Channel, path: &str, (length, changed): State) -> io::Result<bool> {
        let Ok(mut file) = File::open(self.data.join(path)) else { return Ok(false) };
        let has = self.growing.remove(path).filter(|has| *has <= length);
        if let Some(has) = has {
            if !more(channel, path, &file, has..length)? {
                return Ok(false);
            }
            channel.send(&Record::Grown(path.to_owned(), changed), &[])?;
        } else {
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
        }
        if is_sound(path) {
            self.growing.insert(path.to_owned(), length);
        }
        Ok(true)
    }
}

/// Sends what has come to a recording since it was so long, and its header, which is another with each second.
fn more(channel: &mut Channel, path: &str, file: &File, new: std::ops::Range<u64>) -> io::Result<bool> {
    let header = 0..new.end.min(HEADER as u64);
    for std::ops::Range { start: mut at, end } in [new, header] {
        let mut octets = vec![0; AT_ONCE];
        while at < end {
            let piece = &mut octets[..(end - at).min(AT_ONCE as u64) as usize];
            if file.read_exact_at(piece, at).is_err() {
                return Ok(false);
            }
            channel.send(&Record::More { path: path.to_owned(), at }, piece)?;
            at += piece.len() as u64;
        }
    }
    Ok(true)
}

/// What there is in a data folder.
#[derive(Debug, Default)]
pub(in crate::server) struct Look {
    /// The files that are sent as files.
    files: BTreeMap<String, State>,
    /// Folders that cannot be read, by their paths in it, and what else cannot be looked at.
    unreadable: Vec<String>,
}

impl Look {
    pub fn at(data: &Path) -> Look {
        let mut look = Look::default();
        look.take_in(data, "", DEEPEST);
        look
    }

    /// A folder that cannot be read, if there is one.
    pub fn unreadable(&self) -> Option<&str> {
        self.unreadable.first().map(String::as_str)
    }

    pub fn files(self) -> impl Iterator<Item = FileState> {
        self.files.into_iter().map(|(path, (length, changed))| FileState { path, length, changed })
    }

    fn take_in(&mut self, folder: &Path, within: &str, deepest: usize) {
        let Ok(entries) = fs::read_dir(folder) else { return self.unreadable.push(within.to_owned()) };
        for entry in entries {
            let Ok(entry) = entry else {
                self.unreadable.push(within.to_owned());
                continue;
            };
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if within.is_empty() { name } else { format!("{within}/{name}") };
            // A folder of its own volume is often a link to that.
            let about = match within.is_empty() {
                true => fs::metadata(entry.path()),
                false => entry.metadata(),
            };
            match about {
                Ok(about) if about.is_dir() => {
                    if deepest > 0 && !is_draft(&path) && path != ASIDE {
                        self.take_in(&entry.path(), &path, deepest - 1);
                    }
                }
                Ok(about) if about.is_file() && is_sent(&path) => {
                    let changed = about.modified().map_or(0, micros);
                    self.files.insert(path, (about.len(), changed));
                }
                Ok(_) => {}
                // It has gone since, or is a link to nowhere.
                Err(_) if entry.path().is_symlink() || entry.path().exists() => self.unreadable.push(path),
                Err(_) => {}
            }
        }
    }

    /// The folder that cannot be read in which this file would be.
    fn hides(&self, path: &str) -> Option<&str> {
        let above = |folder: &&String| {
            folder.is_empty() || path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        self.unreadable.iter().find(above).map(String::as_str)
    }

    fn has_any_in(&self, folder: &str) -> bool {
        let within = format!("{folder}/");
        self.files.range(within.clone()..).next().is_some_and(|(path, _)| path.starts_with(&within))
    }
}

/// The folder of recordings that a file is in, if it is a recording of any kind.
fn sounds_of(path: &str) -> Option<&'static str> {
    let folder = path.split_once('/')?.0;
    RecordingKind::ALL.map(RecordingKind::folder).into_iter().find(|kind| *kind == folder)
}

pub(super) fn is_sound(path: &str) -> bool {
    sounds_of(path).is_some()
}

/// Whether a file by this path is one to be sent, and to be taken: within the folder, and nothing that is sent in another way.
pub(super) fn is_sent(path: &str) -> bool {
    let of_its_own = [
        lock::FILE,
        copy::SERVED,
        journal::FILE,
        journal::TAKEN,
        store::FILE,
        store::log::LOG_FILE,
        store::log::INDEX_FILE,
    ];
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let is_aside = path.split('/').next() == Some(ASIDE);
    !of_its_own.contains(&path) && !is_aside && !is_draft(path) && path.split('/').all(is_plain)
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
            "standby.served",
            "warmline.db",
            "warmline.db-wal",
            "warmline.db-shm",
            "calls.draft",
            "recordings/note-1.draft",
            "flows/draft-3",
            "set_aside/2026-11-28T18-40/recordings/1.wav",
            "../x",
            "/etc/x",
            "a/../../x",
            "",
        ] {
            assert!(!is_sent(path), "{path}");
        }
    }
}
