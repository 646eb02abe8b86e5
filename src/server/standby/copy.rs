//! The standby's side: a data folder that becomes what the server's is.

use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use super::Record;
use super::Thing;
use super::files;
use crate::base::CallId;
use crate::base::WallTime;
use crate::server::folder;
use crate::server::journal;
use crate::server::keyring::Keyring;
use crate::store;
use crate::store::log;
use crate::wire::media::machine_ms;

/// What a file is called in the standby's folder while it comes.
const DRAFT: &str = "standby.draft";

/// See the module.
#[derive(Debug)]
pub(super) struct Copy {
    data: PathBuf,
    keyring: Keyring,
    /// What has begun, and is not whole yet.
    draft: Option<(Thing, Draft)>,
    journal: Option<File>,
    log: Option<File>,
    /// The calls whose keys have come.
    keys: BTreeSet<CallId>,
    /// By how many ms the server's clock is behind ours, at most: how long a record takes is in it.
    behind_ms: Option<i64>,
    whole: bool,
}

#[derive(Debug)]
enum Draft {
    OnDisk(File),
    /// Keys, which are on no disk.
    InMemory(Vec<u8>),
}

impl Copy {
    /// A copy in this folder.
    pub fn new(data: &Path) -> io::Result<Copy> {
        folder::private(data)?;
        let (data, keyring) = (data.to_owned(), Keyring::of(data, WallTime(0)));
        let (draft, journal, log, keys, behind_ms, whole) = Default::default();
        Ok(Copy { data, keyring, draft, journal, log, keys, behind_ms, whole })
    }

    /// Whether everything was there once.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Does what a record says.
    pub fn apply(&mut self, record: Record, octets: &[u8]) -> io::Result<()> {
        match record {
            Record::Server(about) => {
                // What is there from before stays until it is replaced: should the server end meanwhile, it is what there is.
                self.settle()?;
                (self.draft, self.log, self.behind_ms) = Default::default();
                self.keys.clear();
                self.heard(about.machine_ms);
            }
            Record::Alive { machine_ms } => self.heard(machine_ms),
            Record::Whole => return self.all_is_there(),
            Record::Ended => {}
            Record::Begin(thing) => return self.begin_thing(thing),
            Record::Octets(thing) => return self.append(thing, octets),
            Record::Done(thing, changed) => return self.done(thing, changed),
            Record::Gone(thing) => return self.gone(thing),
            Record::Fold => {
                self.log = None;
                return log::fold_copy(&self.data).map_err(io::Error::other);
            }
            Record::Has(_) | Record::HasAll { .. } | Record::Differs(_) => {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        // So the file tells how long the server has been gone, as its own would.
        let alive = self.journal.as_ref().map(|file| file.set_modified(SystemTime::now()));
        alive.transpose().map(|_| ())
    }

    fn all_is_there(&mut self) -> io::Result<()> {
        self.whole = true;
        self.keyring.keep_only(|call| self.keys.contains(&call));
        remove(&self.data.join(journal::TAKEN))?;
        if self.journal.is_none() { remove(&self.data.join(journal::FILE)) } else { Ok(()) }
    }

    /// The server is gone, and another goes on with what is there.
    pub fn take_over(mut self) -> io::Result<()> {
        self.settle()
    }

    /// Nothing more comes for the journal that is there: from now on it is by our clock.
    fn settle(&mut self) -> io::Result<()> {
        match (self.journal.take(), self.behind_ms) {
            (Some(_), Some(behind_ms)) => journal::moved(&self.data, behind_ms),
            _ => Ok(()),
        }
    }

    fn heard(&mut self, theirs_ms: u64) {
        let behind_ms = machine_ms() as i64 - theirs_ms as i64;
        self.behind_ms = Some(self.behind_ms.map_or(behind_ms, |least| least.min(behind_ms)));
    }

    fn begin_thing(&mut self, thing: Thing) -> io::Result<()> {
        let draft = match &thing {
            Thing::Keys(_) => Draft::InMemory(Vec::new()),
            Thing::Journal | Thing::History | Thing::File(_) => {
                Draft::OnDisk(folder::private_file(&self.data.join(DRAFT))?)
            }
            Thing::Log | Thing::Served => return Err(io::ErrorKind::InvalidData.into()),
        };
        self.draft = Some((thing, draft));
        Ok(())
    }

    fn append(&mut self, thing: Thing, octets: &[u8]) -> io::Result<()> {
        if let Some((_, draft)) = self.draft.as_mut().filter(|(begun, _)| *begun == thing) {
            match draft {
                Draft::OnDisk(file) => file.write_all(octets)?,
                Draft::InMemory(text) => text.extend_from_slice(octets),
            }
            return Ok(());
        }
        match (thing, &mut self.journal) {
            (Thing::Journal, Some(journal)) => journal.write_all(octets),
            (Thing::Log, _) => {
                if self.log.is_none() {
                    self.log = Some(folder::private_file(&self.data.join(log::LOG_FILE))?);
                }
                self.log.as_mut().map_or(Ok(()), |log| log.write_all(octets))
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn done(&mut self, thing: Thing, changed: i64) -> io::Result<()> {
        let begun = self.draft.take().filter(|(begun, _)| *begun == thing);
        let (thing, draft) = begun.ok_or(io::ErrorKind::InvalidData)?;
        let place =
            |name: &str| -> io::Result<()> { fs::rename(self.data.join(DRAFT), self.data.join(name)) };
        match (thing, draft) {
            (Thing::Keys(call), Draft::InMemory(text)) => self.keep(call, text)?,
            (Thing::Journal, Draft::OnDisk(file)) => {
                place(journal::FILE)?;
                self.journal = Some(file);
            }
            (Thing::History, _) => {
                self.log = None;
                [log::LOG_FILE, log::INDEX_FILE].iter().try_for_each(|name| remove(&self.data.join(name)))?;
                place(store::FILE)?;
            }
            (Thing::File(path), Draft::OnDisk(file)) if files::is_sent(&path) => {
                let at = UNIX_EPOCH + Duration::from_micros(changed.unsigned_abs());
                file.set_modified(at)?;
                if let Some(within) = Path::new(&path).parent() {
                    folder::private(&self.data.join(within))?;
                }
                place(&path)?;
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
        Ok(())
    }

    fn keep(&mut self, call: CallId, text: Vec<u8>) -> io::Result<()> {
        let text = String::from_utf8(text).map_err(io::Error::other)?;
        self.keyring.keep_text(call, text);
        self.keys.insert(call);
        Ok(())
    }

    fn gone(&mut self, thing: Thing) -> io::Result<()> {
        match thing {
            Thing::Journal => {
                self.journal = None;
                remove(&self.data.join(journal::FILE))
            }
            Thing::Keys(call) => {
                self.keyring.forget(call);
                self.keys.remove(&call);
                Ok(())
            }
            Thing::File(path) if files::is_sent(&path) => remove(&self.data.join(path)),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
