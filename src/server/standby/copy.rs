//! The standby's side: a data folder that becomes what the server's is.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use tracing::debug;
use tracing::info;
use tracing::warn;

use super::Record;
use super::Thing;
use super::channel::AT_ONCE;
use super::files;
use crate::base::CallId;
use crate::base::WallTime;
use crate::server::aside;
use crate::server::folder;
use crate::server::journal;
use crate::server::keyring::Keyring;
use crate::server::recorder;
use crate::store;
use crate::store::lineage;
use crate::store::lineage::Heads;
use crate::store::lineage::Lacks;
use crate::store::log;
use crate::wire::media::machine_ms;

/// What a file is called in the standby's folder while it comes.
const DRAFT: &str = "standby.draft";
/// The file that says that this one has taken over, and nothing has come from another server since.
pub(super) const SERVED: &str = "standby.served";
/// From so many recordings on that have come, those are forgotten that have not grown for so long.
const GROWING: usize = 1_000;
const LONG_AGO: Duration = Duration::from_secs(600);
/// How often what was moved aside is looked through for what was kept long enough.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

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
    /// The history that is here is not the server's, but for its beginning: it is moved aside when that comes.
    keeps_history: bool,
    /// How many files were moved aside since that was told, and where the last is.
    aside: (usize, PathBuf),
    /// How long recordings that were moved aside are kept, and when those were looked through.
    keep: Option<(Duration, Instant)>,
    /// Recordings that have come or grown, and when: the server may be lost in the middle of one.
    growing: BTreeMap<String, Instant>,
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
        let (draft, journal, log, keys, behind_ms) = Default::default();
        let whole = data.join(SERVED).exists();
        let (keeps_history, aside, keep, growing) = Default::default();
        Ok(Copy {
            data,
            keyring,
            draft,
            journal,
            log,
            keys,
            keeps_history,
            aside,
            keep,
            growing,
            behind_ms,
            whole,
        })
    }

    /// By what the history that is here is known. One that cannot be read is kept.
    pub fn history(&mut self) -> Option<Heads> {
        self.log = None;
        let heads = lineage::heads(&self.data);
        self.keeps_history = heads.is_err();
        heads.unwrap_or_else(|error| {
            warn!(%error, "what history there is cannot be read: it will be moved aside");
            None
        })
    }

    /// Whether everything was there once: from the server, or because this one has served with it.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Does what a record says.
    pub fn apply(&mut self, record: Record, octets: &[u8]) -> io::Result<()> {
        match record {
            Record::Server(about) => {
                // What is there from before stays until it is replaced: should the server end meanwhile, it is what there is.
                self.settle()?;
                remove(&self.data.join(SERVED))?;
                (self.draft, self.log, self.behind_ms) = Default::default();
                self.keys.clear();
                self.keeps_history |= about.lacks != Lacks::Nothing;
                self.heard(about.machine_ms);
            }
            Record::Alive { machine_ms } => {
                self.heard(machine_ms);
                self.sweep_if_due();
                self.tell_of_aside();
            }
            Record::Whole => return self.all_is_there(),
            Record::Ended => self.tell_of_aside(),
            Record::Begin(thing) => return self.begin_thing(thing),
            Record::Octets(thing) => return self.append(thing, octets),
            Record::Done(thing, changed) => return self.done(thing, changed),
            Record::More { path, at } if files::is_sound(&path) && files::is_sent(&path) => {
                return self.more(path, at, octets);
            }
            Record::Grown(path, changed) if files::is_sound(&path) && files::is_sent(&path) => {
                let file = OpenOptions::new().write(true).open(self.data.join(path))?;
                return file.set_modified(UNIX_EPOCH + Duration::from_micros(changed.unsigned_abs()));
            }
            Record::Gone(thing) => return self.gone(thing),
            Record::Aside(path) if files::is_sent(&path) => return self.set_aside(&path),
            Record::Keep { seconds } => self.keep_for(Duration::from_secs(seconds)),
            Record::Fold => {
                self.log = None;
                return log::fold_copy(&self.data).map_err(io::Error::other);
            }
            Record::Has(_)
            | Record::HasAll { .. }
            | Record::Differs(_)
            | Record::More { .. }
            | Record::Grown(..)
            | Record::Aside(_) => return Err(io::ErrorKind::InvalidData.into()),
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
        for path in self.growing.keys() {
            // One that cannot be mended plays as far as its header says.
            if let Err(error) = recorder::mend(&self.data.join(path)) {
                debug!(%error, path, "a recording that was cut off is not mended");
            }
        }
        // Ended and started anew, it is the one that serves.
        folder::private_file(&self.data.join(SERVED))?;
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
        let (data, whole) = (self.data.clone(), self.data.join(DRAFT));
        let place = |name: &str| -> io::Result<()> { fs::rename(&whole, data.join(name)) };
        match (thing, draft) {
            (Thing::Keys(call), Draft::InMemory(text)) => self.keep(call, text)?,
            (Thing::Journal, Draft::OnDisk(file)) => {
                place(journal::FILE)?;
                self.journal = Some(file);
            }
            (Thing::History, _) => {
                self.log = None;
                if std::mem::take(&mut self.keeps_history) {
                    [store::FILE, log::LOG_FILE].iter().try_for_each(|name| self.set_aside(name))?;
                }
                [log::LOG_FILE, log::INDEX_FILE].iter().try_for_each(|name| remove(&self.data.join(name)))?;
                place(store::FILE)?;
            }
            (Thing::File(path), Draft::OnDisk(file)) if files::is_sent(&path) => {
                let at = UNIX_EPOCH + Duration::from_micros(changed.unsigned_abs());
                file.set_modified(at)?;
                if let Some(within) = Path::new(&path).parent() {
                    folder::private(&self.data.join(within))?;
                }
                if files::is_sound(&path) {
                    if !goes_on(&data.join(&path), &whole)? {
                        self.set_aside(&path)?;
                    }
                    self.has_grown(path.clone());
                }
                place(&path)?;
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
        Ok(())
    }

    /// Appends to a recording, or writes its header anew.
    fn more(&mut self, path: String, at: u64, octets: &[u8]) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.data.join(&path));
        // Somebody removed it here: it is asked for anew.
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => io::ErrorKind::InvalidData.into(),
            _ => error,
        })?;
        file.write_all_at(octets, at)?;
        self.has_grown(path);
        Ok(())
    }

    fn has_grown(&mut self, path: String) {
        if self.growing.len() >= GROWING {
            self.growing.retain(|_, at| at.elapsed() < LONG_AGO);
        }
        self.growing.insert(path, Instant::now());
    }

    fn set_aside(&mut self, path: &str) -> io::Result<()> {
        if let Some(to) = aside::set(&self.data, path)? {
            self.aside.0 += 1;
            self.aside.1 = to;
        }
        Ok(())
    }

    fn tell_of_aside(&mut self) {
        let (count, last) = std::mem::take(&mut self.aside);
        if count > 0 {
            let folder: PathBuf = last.iter().take(2).collect();
            let folder = self.data.join(folder);
            warn!(count, folder = %folder.display(), "the server does not have all that was here: it is moved aside, and not lost");
        }
    }

    fn keep_for(&mut self, keep: Duration) {
        let swept = self.keep.map_or_else(Instant::now, |(_, swept)| swept);
        self.keep = Some((keep, swept));
    }

    /// Removes recordings that were moved aside and that the server would not have any more.
    fn sweep_if_due(&mut self) {
        let Some((keep, swept)) = &mut self.keep else { return };
        if swept.elapsed() < SWEEP_EVERY {
            return;
        }
        *swept = Instant::now();
        match recorder::sweep_aside(&self.data, *keep) {
            Ok(0) => {}
            Ok(count) => info!(count, "recordings that were moved aside and kept long enough are removed"),
            Err(error) => warn!(%error, "old recordings that were moved aside cannot be removed"),
        }
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

/// Whether a recording is one that lies here already, as long or longer; or none does. Their headers may differ.
fn goes_on(here: &Path, new: &Path) -> io::Result<bool> {
    let here = match File::open(here) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        here => here?,
    };
    let new = File::open(new)?;
    let length = here.metadata()?.len();
    if new.metadata()?.len() < length {
        return Ok(false);
    }
    let (mut ours, mut theirs) = (vec![0; AT_ONCE], vec![0; AT_ONCE]);
    let mut at = recorder::HEADER as u64;
    while at < length {
        let piece = (length - at).min(AT_ONCE as u64) as usize;
        here.read_exact_at(&mut ours[..piece], at)?;
        new.read_exact_at(&mut theirs[..piece], at)?;
        if ours[..piece] != theirs[..piece] {
            return Ok(false);
        }
        at += piece as u64;
    }
    Ok(true)
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
