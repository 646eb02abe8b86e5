//! The thread that writes recordings, and clears away those that were kept long enough.
//!
//! What it writes waits in baskets (`basket`), which another thread fills: so that a disk that stands still costs memory, and
//! not sound.
//!
//! Each is a WAV file in its kind's folder of the data folder that can be played at any moment: its header is made true
//! every second, so that a crash costs the last of it and not the rest. What the disk does not take ends the
//! recording, not the call.

mod basket;
mod mend;
mod removals;

use std::fs;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use hound::SampleFormat;
use hound::WavSpec;
use hound::WavWriter;
use tracing::error;
use tracing::info;
use tracing::warn;

use self::basket::Basket;
use self::basket::Collector;
pub(super) use self::mend::HEADER;
pub(super) use self::mend::mend;
pub use self::removals::Removals;
use crate::base::LegId;
use crate::fact::RecordingEnd;
use crate::fact::recording::RecordingFile;
use crate::fact::recording::RecordingKind;
use crate::media::Tracks;
use crate::server::aside;
use crate::server::folder;
use crate::store::sounds::ASIDE;
use crate::wire::tape::Tape;
use crate::wire::tape::tape;

/// How often what has come is written.
const EVERY: Duration = Duration::from_millis(200);
/// How often a file's header is made true.
const TRUE_EVERY: Duration = Duration::from_secs(1);
/// How often the folder is looked through for what was kept long enough.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// Recordings that may wait to be begun or removed; one more is not made, and not removed before its time.
const WAITING: usize = 1_024;
/// The longest recording, in seconds: WAV counts its octets in 32 bits, and this is 2 GB at 16 kHz.
const LONGEST_S: u64 = 8 * 3_600;

/// A recording that ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub leg: LegId,
    pub why: RecordingEnd,
}

/// What the thread counts.
#[derive(Debug, Default)]
pub struct RecorderStats {
    /// Recordings that are being written.
    pub running: AtomicU64,
    /// Samples that are silence because the disk was too slow.
    pub missed: AtomicU64,
    /// Recordings that the disk did not take to their end.
    pub failed: AtomicU64,
    /// Recordings that were cleared away.
    pub swept: AtomicU64,
    /// Why the last one could not be written; none once one can be again.
    trouble: Mutex<Option<String>>,
}

impl RecorderStats {
    /// What somebody should look at, in words.
    pub fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let error = trouble.as_ref()?;
        Some(format!(
            "recordings and messages are being lost: the disk did not take the last one ({error}); calls are served all the same"
        ))
    }

    /// How the last write went.
    fn writes(&self, error: Option<&hound::Error>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = error.map(ToString::to_string);
    }
}

/// The grip on the thread. It ends when this is dropped, and has then written everything.
#[derive(Debug)]
pub struct Recorder {
    ask: Option<SyncSender<Asked>>,
    ended: tokio::sync::mpsc::Sender<Recorded>,
    removals: Arc<Removals>,
    stats: Arc<RecorderStats>,
    /// None when it is closed.
    collector: Option<Collector>,
    threads: Vec<JoinHandle<()>>,
}

enum Asked {
    Begin(Begin),
    Discard(RecordingFile),
}

struct Begin {
    leg: LegId,
    file: RecordingFile,
    channels: u16,
    basket: Arc<Basket>,
}

impl Recorder {
    /// Starts the threads. `ended` is told of recordings that end by themselves.
    pub fn start(
        data: &Path,
        keep: Duration,
        ended: tokio::sync::mpsc::Sender<Recorded>,
    ) -> io::Result<Recorder> {
        for kind in RecordingKind::ALL {
            folder::private(&data.join(kind.folder()))?;
        }
        let (ask, asked) = sync_channel(WAITING);
        let (removals, stats) = (Arc::new(Removals::new(keep)), Arc::new(RecorderStats::default()));
        let mut writer = Writer {
            data: data.to_owned(),
            ended: ended.clone(),
            running: Vec::new(),
            removals: removals.clone(),
            taken: Vec::new(),
            swept_at: None,
            stats: stats.clone(),
        };
        let (collector, tapes) = Collector::start()?;
        let thread = thread::Builder::new().name("recorder".to_owned()).spawn(move || writer.run(&asked))?;
        Ok(Recorder {
            ask: Some(ask),
            ended,
            removals,
            stats,
            collector: Some(collector),
            threads: vec![tapes, thread],
        })
    }

    /// Begins a recording; what is to be recorded goes to the tape. None, and told as an end, when too many wait.
    pub fn begin(&self, leg: LegId, file: RecordingFile, tracks: Tracks) -> Option<Tape> {
        let (tape, reel) = tape(tracks);
        let ask = self.ask.as_ref()?;
        let begun = self.collector.as_ref()?.begin(reel).is_some_and(|basket| {
            let begin = Begin { leg, file, channels: tracks.channels() as u16, basket };
            ask.try_send(Asked::Begin(begin)).is_ok()
        });
        if begun {
            return Some(tape);
        }
        self.stats.failed.fetch_add(1, Ordering::Relaxed);
        // Full as well, the call's own end ends it.
        let _ = self.ended.try_send(Recorded { leg, why: RecordingEnd::Busy });
        None
    }

    /// Removes a recording, once it has ended. When too many wait it is kept as long as all are.
    pub fn discard(&self, file: RecordingFile) {
        if let Some(ask) = &self.ask {
            let _ = ask.try_send(Asked::Discard(file));
        }
    }

    /// How long recordings are kept from now on.
    pub fn keep(&self, keep: Duration) {
        self.removals.set_keep(keep);
    }

    pub fn stats(&self) -> &Arc<RecorderStats> {
        &self.stats
    }

    /// What it removes.
    pub fn removals(&self) -> &Arc<Removals> {
        &self.removals
    }

    /// Writes what is left and ends the threads.
    pub fn close(&mut self) {
        (self.ask, self.collector) = (None, None);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                error!("a thread of the recorder had failed");
            }
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the thread works with.
struct Writer {
    data: PathBuf,
    ended: tokio::sync::mpsc::Sender<Recorded>,
    running: Vec<Running>,
    /// What was taken from a basket.
    taken: Vec<i16>,
    removals: Arc<Removals>,
    swept_at: Option<Instant>,
    stats: Arc<RecorderStats>,
}

/// A recording that is being written.
struct Running {
    begin: Begin,
    /// It is removed at its end.
    discarded: bool,
    /// None before its first sample.
    file: Option<WavWriter<BufWriter<File>>>,
    /// Samples of all channels that are written, and how many there may be.
    samples: u64,
    most: u64,
    true_at: Instant,
    missed: u64,
}

impl Writer {
    fn run(&mut self, asked: &Receiver<Asked>) {
        loop {
            self.sweep_if_due();
            let open = self.take_asked(asked);
            self.write();
            self.stats.running.store(self.running.len() as u64, Ordering::Relaxed);
            if !open && self.running.is_empty() {
                return;
            }
            if !open {
                // The server stops: the workers are gone or will be, and their tapes end.
                thread::sleep(EVERY);
            }
        }
    }

    /// Takes what is to be begun or removed; waits for it while nothing runs. False when nothing more will come.
    fn take_asked(&mut self, asked: &Receiver<Asked>) -> bool {
        let patience = if self.running.is_empty() { SWEEP_EVERY } else { EVERY };
        match asked.recv_timeout(patience) {
            Ok(asked) => self.take(asked),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        loop {
            match asked.try_recv() {
                Ok(asked) => self.take(asked),
                Err(mpsc::TryRecvError::Empty) => return true,
                Err(mpsc::TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn take(&mut self, asked: Asked) {
        let file = match asked {
            Asked::Begin(begin) => return self.running.push(Running::new(begin)),
            Asked::Discard(file) => file,
        };
        self.removals.discard(file);
        match self.running.iter_mut().find(|one| one.begin.file == file) {
            Some(running) => running.discarded = true,
            None => remove(&self.data, file),
        }
    }

    fn write(&mut self) {
        let Writer { data, running, taken, stats, ended, .. } = self;
        running.retain_mut(|one| {
            // Asked before it is read: what comes in between is not left behind.
            let last = one.begin.basket.has_ended();
            let written = one.write(data, taken, stats);
            let (leg, file) = (one.begin.leg, one.begin.file);
            match written {
                Ok(()) if last => {
                    one.finish(data, file);
                    if one.discarded {
                        remove(data, file);
                    }
                    false
                }
                Ok(()) if one.samples >= one.most => {
                    one.finish(data, file);
                    tell(ended, leg, RecordingEnd::Longest);
                    false
                }
                Ok(()) => true,
                Err(error) => {
                    error!(%file, %error, "a recording ends here: the disk does not take it");
                    stats.failed.fetch_add(1, Ordering::Relaxed);
                    stats.writes(Some(&error));
                    tell(ended, leg, RecordingEnd::Disk);
                    false
                }
            }
        });
    }

    /// Removes recordings that were kept long enough.
    fn sweep_if_due(&mut self) {
        if self.swept_at.is_some_and(|at| at.elapsed() < SWEEP_EVERY) {
            return;
        }
        self.swept_at = Some(Instant::now());
        let keep = self.removals.keep();
        for folder in folders(&self.data) {
            let shown = folder.strip_prefix(&self.data).unwrap_or(&folder).display();
            match sweep(&folder, SystemTime::now(), keep) {
                Ok(0) => {}
                Ok(count) => {
                    self.stats.swept.fetch_add(count, Ordering::Relaxed);
                    info!(count, folder = %shown, "recordings that were kept long enough are removed");
                }
                Err(error) => warn!(%error, folder = %shown, "old recordings cannot be removed"),
            }
        }
    }
}

/// The call is told; when the control thread is gone, nobody need be.
fn tell(ended: &tokio::sync::mpsc::Sender<Recorded>, leg: LegId, why: RecordingEnd) {
    let _ = ended.blocking_send(Recorded { leg, why });
}

impl Running {
    fn new(begin: Begin) -> Running {
        Running {
            begin,
            discarded: false,
            file: None,
            samples: 0,
            most: u64::MAX,
            true_at: Instant::now(),
            missed: 0,
        }
    }

    /// Writes what has come.
    fn write(&mut self, data: &Path, taken: &mut Vec<i16>, stats: &RecorderStats) -> hound::Result<()> {
        let missed = self.begin.basket.missed();
        stats.missed.fetch_add(missed - self.missed, Ordering::Relaxed);
        self.missed = missed;
        let Some(hz) = self.begin.basket.hz() else { return Ok(()) };
        if self.file.is_none() {
            self.file = Some(create(data, self.begin.file, hz, self.begin.channels)?);
            self.most = LONGEST_S * u64::from(hz) * u64::from(self.begin.channels);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        self.begin.basket.take(taken);
        self.samples += taken.len() as u64;
        for sample in taken.iter() {
            file.write_sample(*sample)?;
        }
        if self.true_at.elapsed() >= TRUE_EVERY {
            self.true_at = Instant::now();
            file.flush()?;
            stats.writes(None);
        }
        Ok(())
    }

    fn finish(&mut self, data: &Path, name: RecordingFile) {
        let Some(ended) = self.file.take().map(WavWriter::finalize) else { return };
        let (draft, path) = (draft(data, name), path(data, name));
        let renamed = if draft == path {
            Ok(())
        } else {
            make_way(data, &path).and_then(|()| fs::rename(draft, path)).map_err(hound::Error::from)
        };
        if let Err(error) = ended.and(renamed) {
            error!(file = %name, %error, "the end of a recording is lost: the disk does not take it");
        }
    }
}

/// Where a recording lies while it runs: a note is played to somebody, and is there once it is whole.
fn draft(data: &Path, file: RecordingFile) -> PathBuf {
    let path = path(data, file);
    if file.kind == RecordingKind::Note { path.with_extension("draft") } else { path }
}

/// Where a recording lies.
pub fn path(data: &Path, file: RecordingFile) -> PathBuf {
    data.join(file.kind.folder()).join(file.to_string())
}

/// One that never had a sample has no file.
fn remove(data: &Path, file: RecordingFile) {
    if let Err(error) = fs::remove_file(path(data, file))
        && error.kind() != io::ErrorKind::NotFound
    {
        warn!(%file, %error, "a recording cannot be removed");
    }
}

/// Begins a file. What lies there is another call's, whose number the history has forgotten: it is kept.
fn create(
    data: &Path,
    file: RecordingFile,
    hz: u32,
    channels: u16,
) -> hound::Result<WavWriter<BufWriter<File>>> {
    let path = draft(data, file);
    make_way(data, &path)?;
    let begun = match folder::new_private_file(&path) {
        // Its folder was removed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            folder::private(&data.join(file.kind.folder()))?;
            folder::new_private_file(&path)
        }
        // No file, so it has nothing to lose.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => folder::private_file(&path),
        begun => begun,
    };
    let spec = WavSpec { channels, sample_rate: hz, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut writer = WavWriter::new(BufWriter::new(begun?), spec)?;
    writer.flush()?;
    Ok(writer)
}

/// Moves a sound that lies there aside.
fn make_way(data: &Path, path: &Path) -> io::Result<()> {
    let Some(within) = path.strip_prefix(data).ok().filter(|_| path.is_file()).and_then(Path::to_str) else {
        return Ok(());
    };
    if let Some(aside) = aside::set(data, within)? {
        warn!(file = within, to = %aside.display(), "a recording of another call was in the way: it is kept");
    }
    Ok(())
}

/// Where recordings lie: each kind's folder, and of what was set aside those that are there.
fn folders(data: &Path) -> Vec<PathBuf> {
    let kinds = |folder: &Path| RecordingKind::ALL.map(|kind| folder.join(kind.folder()));
    let aside = fs::read_dir(data.join(ASIDE)).into_iter().flatten().flatten();
    let aside = aside.flat_map(|entry| kinds(&entry.path())).filter(|folder| folder.is_dir());
    kinds(data).into_iter().chain(aside).collect()
}

/// Removes what was set aside and is older than this; how many files those were.
pub(super) fn sweep_aside(data: &Path, keep: Duration) -> io::Result<u64> {
    let aside = folders(data).into_iter().skip(RecordingKind::ALL.len());
    aside.map(|folder| sweep(&folder, SystemTime::now(), keep)).sum()
}

/// Removes recordings that were last written longer ago than this; how many those were.
fn sweep(folder: &Path, now: SystemTime, keep: Duration) -> io::Result<u64> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().extension().is_none_or(|extension| extension != "wav" && extension != "draft") {
            continue;
        }
        let written = entry.metadata()?.modified()?;
        if now.duration_since(written).is_ok_and(|age| age > keep) {
            fs::remove_file(entry.path())?;
            count += 1;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests;
