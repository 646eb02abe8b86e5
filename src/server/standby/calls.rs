//! The calls as they are written down: the journal, and the keys that are in memory alone.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use super::Record;
use super::Thing;
use super::channel::Channel;
use crate::base::CallId;
use crate::server::journal;
use crate::server::keyring::Keyring;

/// Longer than any file system's clock stands still.
const TICK: Duration = Duration::from_millis(50);

/// Sends what is new of both.
#[derive(Debug)]
pub(super) struct CallsTail {
    journal: PathBuf,
    /// The file that is read, its inode, and how much of it was sent.
    reading: Option<(File, u64, u64)>,
    data: PathBuf,
    /// When the folder of keys was changed last, and what each file was then.
    folder: Option<(i64, i64)>,
    keys: BTreeMap<CallId, (u64, i64, i64)>,
}

impl CallsTail {
    pub fn new(data: &Path) -> CallsTail {
        let (journal, data) = (data.join(journal::FILE), data.to_owned());
        CallsTail { journal, reading: None, data, folder: None, keys: BTreeMap::new() }
    }

    /// Sends what has come since.
    pub fn round(&mut self, channel: &mut Channel) -> io::Result<()> {
        // Keys are kept before the line is written that needs them. So whoever reads the lines first misses none.
        let lines = self.lines(channel)?;
        self.send_keys(channel)?;
        let Some((_, _, sent)) = self.reading.as_mut().filter(|_| !lines.is_empty()) else { return Ok(()) };
        // Another file is in the place of the one before with its first turn.
        let begins = *sent == 0;
        if begins {
            channel.send(&Record::Begin(Thing::Journal), &[])?;
        }
        channel.send_all(&Record::Octets(Thing::Journal), &lines)?;
        if begins {
            channel.send(&Record::Done(Thing::Journal, 0), &[])?;
        }
        *sent += lines.len() as u64;
        Ok(())
    }

    /// The turns that are new, whole ones alone. Another file than before is begun.
    fn lines(&mut self, channel: &mut Channel) -> io::Result<Vec<u8>> {
        let there = match fs::metadata(&self.journal) {
            Ok(about) => Some(about.ino()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let Some(inode) = there else {
            // No file: the server begins or ends, or its disk is full.
            return match self.reading.take() {
                Some(_) => channel.send(&Record::Gone(Thing::Journal), &[]).map(|()| Vec::new()),
                None => Ok(Vec::new()),
            };
        };
        if self.reading.as_ref().is_none_or(|(_, reading, _)| *reading != inode) {
            let file = File::open(&self.journal)?;
            let inode = file.metadata()?.ino();
            self.reading = Some((file, inode, 0));
        }
        let Some((file, _, sent)) = &self.reading else { return Ok(Vec::new()) };
        let length = file.metadata()?.len().saturating_sub(*sent);
        let mut lines = vec![0; length as usize];
        file.read_exact_at(&mut lines, *sent)?;
        lines.truncate(journal::whole_turns(&lines));
        Ok(lines)
    }

    /// Sends the keys that are new, and says which are gone.
    fn send_keys(&mut self, channel: &mut Channel) -> io::Result<()> {
        let folder = Keyring::folder_of(&self.data);
        let changed =
            folder.as_ref().and_then(|folder| fs::metadata(folder).ok()).map(|about| changed_at(&about));
        // A folder that is changed twice within a tick of its clock looks as if once.
        let is_over = |(seconds, nanoseconds): &(i64, i64)| {
            let at = UNIX_EPOCH + Duration::new(seconds.unsigned_abs(), *nanoseconds as u32);
            at.elapsed().is_ok_and(|since| since > TICK)
        };
        let looked = std::mem::replace(&mut self.folder, changed.filter(is_over));
        if changed == looked && (changed.is_some() || self.keys.is_empty()) {
            return Ok(());
        }
        let mut gone = std::mem::take(&mut self.keys);
        for (call, path) in folder.iter().flat_map(|folder| Keyring::files_in(folder)) {
            // It may have gone meanwhile.
            let Ok(about) = fs::symlink_metadata(&path) else { continue };
            let (seconds, nanoseconds) = changed_at(&about);
            let state = (about.ino(), seconds, nanoseconds);
            if gone.remove(&call) != Some(state) {
                let Ok(text) = fs::read(&path) else { continue };
                channel.send(&Record::Begin(Thing::Keys(call)), &[])?;
                channel.send_all(&Record::Octets(Thing::Keys(call)), &text)?;
                channel.send(&Record::Done(Thing::Keys(call), 0), &[])?;
            }
            self.keys.insert(call, state);
        }
        gone.into_keys().try_for_each(|call| channel.send(&Record::Gone(Thing::Keys(call)), &[]))
    }
}

/// When it was changed: seconds since 1970, and nanoseconds.
fn changed_at(about: &Metadata) -> (i64, i64) {
    (about.mtime(), about.mtime_nsec())
}
