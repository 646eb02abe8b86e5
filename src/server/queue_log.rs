//! The thread that writes the queue engine's log: what the engine was told and decided, to be gone through again.
//!
//! Files of one JSON object a line, of 64 MiB each and sixteen at most, the oldest going first. No file has a gap: when the disk
//! is slower than the center, the file ends, and the next begins with the engine as it stands by then. The control
//! thread waits for neither.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp as Instant;
use tracing::error;
use tracing::warn;

use crate::base::Timestamp;
use crate::base::WallTime;
use crate::queue::Engine;
use crate::queue::api::Config;
use crate::queue::log::Head;
use crate::queue::log::Step;
use crate::server::folder;

/// Steps that may wait to be written.
const WAITING: usize = 8_192;
/// How many files are kept, and how long each may get.
const FILES: usize = 16;
const FILE_BYTES: u64 = 64 << 20;
/// How long after a file could not be begun it is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What the thread counts.
#[derive(Debug, Default)]
pub struct QueueLogStats {
    pub written: AtomicU64,
    /// Steps that are in no file, because the disk was too slow or full.
    pub lost: AtomicU64,
}

/// The grip on the thread. It ends when this is closed, and has then written everything.
#[derive(Debug)]
pub struct QueueLog {
    to: Option<SyncSender<Line>>,
    started: WallTime,
    config: Config,
    /// Whether a file is open to what happens next.
    open: bool,
    again_at: Timestamp,
    /// The thread wants another file: this one is long enough, or is gone.
    wants_file: Arc<AtomicBool>,
    stats: Arc<QueueLogStats>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Line {
    Head(Timestamp, Box<Head>),
    Step(Box<Step>),
}

impl QueueLog {
    /// Starts the thread, which writes into `folder`. The center is the engine's, and timestamps count from `started`.
    pub fn start(folder: &Path, config: Config, started: WallTime) -> io::Result<QueueLog> {
        QueueLog::with(folder, config, started, FILE_BYTES)
    }

    fn with(folder: &Path, config: Config, started: WallTime, most: u64) -> io::Result<QueueLog> {
        folder::private(folder)?;
        let (to, lines) = sync_channel(WAITING);
        let (wants_file, stats) = (Arc::new(AtomicBool::new(false)), Arc::new(QueueLogStats::default()));
        let mut writer = Writer {
            folder: folder.to_owned(),
            most,
            file: None,
            wants_file: wants_file.clone(),
            stats: stats.clone(),
        };
        let thread = thread::Builder::new().name("queue-log".to_owned()).spawn(move || writer.run(&lines))?;
        let (to, thread) = (Some(to), Some(thread));
        let (open, again_at) = (false, Timestamp::ZERO);
        Ok(QueueLog { to, started, config, open, again_at, wants_file, stats, thread })
    }

    /// The calendar was set: by it, timestamps count from then. The next file says so.
    pub fn calendar_set(&mut self, zero: WallTime) {
        self.started = zero;
        self.wants_file.store(true, Ordering::Relaxed);
    }

    /// Takes a step in. One that cannot be taken ends the file.
    pub fn step(&mut self, step: Box<Step>) {
        let taken = self.open && self.send(Line::Step(step));
        self.open = taken;
        if !taken {
            self.stats.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The center's agents are others: who reads a file that begins later knows them by it.
    pub fn config_is(&mut self, config: Config) {
        self.config = config;
    }

    /// Begins a file where there is none, or the last is long enough: `engine` is as the steps so far have left it.
    pub fn begin_if_due(&mut self, now: Timestamp, engine: &Engine) {
        if (self.open && !self.wants_file.load(Ordering::Relaxed)) || now < self.again_at {
            return;
        }
        self.again_at = now + AGAIN_AFTER;
        // Before the head is sent, so that what the thread says of the new file is not lost.
        self.wants_file.store(false, Ordering::Relaxed);
        let head = Head::of(self.started, self.config.clone(), engine);
        self.open = self.send(Line::Head(now, Box::new(head)));
    }

    fn send(&self, line: Line) -> bool {
        self.to.as_ref().is_some_and(|to| to.try_send(line).is_ok())
    }

    pub fn stats(&self) -> &Arc<QueueLogStats> {
        &self.stats
    }

    /// Writes what is left and ends the thread.
    pub fn close(&mut self) {
        self.to = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the thread of the queue's log had failed");
        }
    }
}

impl Drop for QueueLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the thread works with.
struct Writer {
    folder: PathBuf,
    most: u64,
    /// The file and how long it is.
    file: Option<(BufWriter<File>, u64)>,
    wants_file: Arc<AtomicBool>,
    stats: Arc<QueueLogStats>,
}

impl Writer {
    fn run(&mut self, lines: &Receiver<Line>) {
        while let Ok(first) = lines.recv() {
            let mut next = Some(first);
            while let Some(line) = next {
                self.take(line);
                next = lines.try_recv().ok();
            }
            // All that has come is in the file before anything else is waited for: a crash costs no more than a line.
            self.or_give_up(|file| file.flush());
        }
    }

    fn take(&mut self, line: Line) {
        let text = match line {
            Line::Head(at, head) => {
                self.begin(head.started, at);
                head.line()
            }
            Line::Step(step) => step.line(),
        };
        if self.file.is_none() {
            self.stats.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.or_give_up(|file| file.write_all(text.as_bytes()));
        if let Some((_, length)) = &mut self.file {
            *length += text.len() as u64;
            self.stats.written.fetch_add(1, Ordering::Relaxed);
            if *length >= self.most {
                self.wants_file.store(true, Ordering::Relaxed);
            }
        }
    }

    fn begin(&mut self, started: WallTime, at: Timestamp) {
        self.or_give_up(|file| file.flush());
        if let Err(error) = sweep(&self.folder) {
            warn!(%error, "old logs of the queue cannot be removed");
        }
        match create(&self.folder, started, at) {
            Ok(file) => self.file = Some((BufWriter::new(file), 0)),
            Err(error) => {
                self.file = None;
                self.wants_file.store(true, Ordering::Relaxed);
                error!(%error, "a log of the queue cannot be begun");
            }
        }
    }

    /// Does it to the file; one that the disk does not take ends here, and another is tried later.
    fn or_give_up(&mut self, what: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        let Some((file, _)) = &mut self.file else { return };
        if let Err(error) = what(file) {
            error!(%error, "a log of the queue ends here: the disk does not take it");
            // What is left in the buffer would fail again.
            let (file, _) = self.file.take().expect("it was there");
            drop(file.into_parts());
            self.wants_file.store(true, Ordering::Relaxed);
        }
    }
}

/// `queue-20261126T110455.123456Z.jsonl`
fn create(folder: &Path, started: WallTime, at: Timestamp) -> io::Result<File> {
    let wall = started.0.saturating_add_unsigned(at.0);
    let when = Instant::from_microsecond(wall).map_err(io::Error::other)?;
    let name = format!("queue-{}.jsonl", when.strftime("%Y%m%dT%H%M%S.%6fZ"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(folder.join(name))
}

/// Removes the oldest files, so that there is room for another.
fn sweep(folder: &Path) -> io::Result<()> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("queue-") && name.ends_with(".jsonl") {
            files.push(path);
        }
    }
    files.sort();
    let surplus = (files.len() + 1).saturating_sub(FILES);
    files[..surplus].iter().try_for_each(fs::remove_file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::AgentId;
    use crate::queue::Event;
    use crate::queue::api::AgentConfig;
    use crate::queue::api::AgentWish;
    use crate::queue::log::Log;

    fn config() -> Config {
        let agent =
            AgentConfig { name: "alice".into(), skills: Vec::new(), always_ready: false, gone: false };
        Config { agents: vec![agent], ..Config::default() }
    }

    /// An agent comes and goes, and all of it is logged.
    fn days(log: &mut QueueLog, engine: &mut Engine, from: u64, steps: u64) {
        for n in from..from + steps {
            let at = Timestamp::from_secs(n);
            log.begin_if_due(at, engine);
            let wish = if n % 2 == 0 { AgentWish::Ready } else { AgentWish::Offline };
            let event = Event::AgentWants { agent: AgentId(0), wish };
            let mut actions = Vec::new();
            engine.handle(at, event.clone(), &mut actions);
            log.step(Box::new(Step { at, event, actions }));
        }
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    #[test]
    fn every_file_is_whole_by_itself_and_the_oldest_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = QueueLog::with(folder.path(), config(), WallTime(0), 1).unwrap();
        let mut engine = Engine::new(config());
        for day in 0..40 {
            days(&mut log, &mut engine, day * 10, 10);
            // Until the thread has seen that the file is long enough.
            while !log.wants_file.load(Ordering::Relaxed) {
                thread::yield_now();
            }
        }
        let stats = log.stats().clone();
        log.close();
        let files = files(folder.path());
        assert_eq!(files.len(), FILES);
        let mut last = None;
        for file in files {
            let log = Log::read(&fs::read_to_string(&file).unwrap()).unwrap();
            assert_eq!((log.verify(), log.cut), (None, false), "{}", file.display());
            last = log.steps.last().map(|step| step.at);
        }
        assert_eq!(last, Some(Timestamp::from_secs(399)));
        assert_eq!(stats.lost.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_step_that_was_not_taken_ends_the_file_and_another_begins_with_the_engine_as_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = QueueLog::start(folder.path(), config(), WallTime(0)).unwrap();
        let mut engine = Engine::new(config());
        days(&mut log, &mut engine, 0, 5);
        // As if the channel had been full.
        log.open = false;
        let unseen = Event::AgentWants { agent: AgentId(0), wish: AgentWish::NotReady("lunch".into()) };
        engine.handle(Timestamp::from_secs(5), unseen.clone(), &mut Vec::new());
        log.step(Box::new(Step { at: Timestamp::from_secs(5), event: unseen, actions: Vec::new() }));
        days(&mut log, &mut engine, 6, 5);
        let stats = log.stats().clone();
        log.close();
        let logs: Vec<Log> = files(folder.path())
            .iter()
            .map(|file| Log::read(&fs::read_to_string(file).unwrap()).unwrap())
            .collect();
        assert_eq!(logs.iter().map(|log| log.steps.len()).collect::<Vec<_>>(), [5, 5]);
        assert!(logs[0].head.engine.is_none() && logs[1].head.engine.is_some());
        assert!(logs.iter().all(|log| log.verify().is_none()));
        assert_eq!(stats.lost.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_disk_that_takes_nothing_costs_the_log_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("logs");
        let mut log = QueueLog::start(&gone, config(), WallTime(0)).unwrap();
        fs::remove_dir_all(&gone).unwrap();
        let mut engine = Engine::new(config());
        days(&mut log, &mut engine, 0, 20);
        log.close();
        assert!(
            log.stats().written.load(Ordering::Relaxed) == 0 && log.stats().lost.load(Ordering::Relaxed) > 0
        );
    }
}
