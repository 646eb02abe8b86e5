//! The journal: what of the calls outlives the process, written down after every turn of the control thread.
//!
//! One file of one JSON object a line, in the data folder. Its first line has the engine as it stood; what the engine was told
//! since, and each call as it stood last, follow, some turns at a time: what a crash cut off has not been. The thread has the
//! engine in memory, and knows where the last line of each call is, so it can begin the file anew, shorter, without asking
//! anybody. The control thread does not wait for it: where the disk is too slow, the file is given up, and another begins with
//! everything as it stands by then.
//!
//! Nothing waits for the disk to have it: it outlives the process, and not the machine.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::media::origin::Reached;
use crate::queue;
use crate::queue::Engine;
use crate::queue::api::Config;
use crate::server::clock::Boot;
use crate::server::folder;
use crate::server::keyring::Keyring;
use crate::server::switchboard::Carried;
use crate::server::switchboard::CarriedCall;
use crate::server::switchboard::CarriedDesks;
use crate::server::switchboard::Changes;
use crate::server::switchboard::Switchboard;
use crate::sip::Binding;
use crate::wire::media::Reach;
use crate::wire::media::machine_ms;

#[cfg(test)]
mod tests;

/// The form that is written. Another one is not read: its calls are over, as if there were no journal.
const VERSION: u32 = 1;
/// The file, in the data folder; and what an earlier process left, while this one begins.
pub(super) const FILE: &str = "calls.journal";
pub(super) const TAKEN: &str = "calls.journal.taken";
/// Turns that may wait to be written.
const WAITING: usize = 4_096;
/// How long the file may get before it is begun anew, and by how much longer than it was then.
const SHORTEST: u64 = 4 << 20;
const GROWS: u64 = 4;
/// How long after a file was given up another is tried.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long what changes is gathered before it is written: a call that comes and goes meanwhile is not, and one that changes
/// often is once. So much of the calls is lost in a crash at most.
const GATHERED_FOR: Duration = Duration::from_millis(20);
/// How often the file's time is set, though nothing happens: it tells when the process was last alive.
const ALIVE_EVERY: Duration = Duration::from_secs(1);
/// How often it is written down how far streams have come: what they can have sent since is taken for sent.
const REACHED_EVERY: Duration = Duration::from_secs(2);
/// Calls of a process that has been gone for longer are over: nobody holds a silent line for so long.
pub const CARRIED_FOR: Duration = Duration::from_secs(300);

/// One line, with a call as `C` and the engine as `E`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry<C, E = Engine> {
    Head(Box<Head<E>>),
    /// What the engine was told, and when.
    Told(Timestamp, queue::Event),
    Call(CallId, C),
    /// How far the streams of a call's lines have come.
    Reached(CallId, Vec<(LegId, Reached)>),
    Over(CallId),
    Contacts(Name, Vec<Binding>),
    Desks(CarriedDesks),
    /// The file comes from another machine, whose clock is behind ours by so many milliseconds: by that streams were looked at.
    Moved(i64),
    /// All that changed up to then is written.
    Turn(Timestamp),
}

#[derive(Debug, Serialize, Deserialize)]
struct Head<E> {
    /// [`VERSION`]
    journal: u32,
    place: Place,
    /// What the calendar would have shown when the timestamps began to count, where it was set since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zero: Option<WallTime>,
    /// When they began by the machine's own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boot: Option<Boot>,
    engine: E,
}

/// What a file's lines have come to so far, with a call as `C`.
struct Standing<C> {
    engine: Engine,
    calls: BTreeMap<CallId, C>,
    reached: BTreeMap<CallId, Vec<(LegId, Reached)>>,
    contacts: BTreeMap<Name, Vec<Binding>>,
    desks: CarriedDesks,
}

/// What is kept of a call that is written down.
struct Kept {
    /// Where in the file its last line is, and how long.
    from: u64,
    length: usize,
    /// Where to look how far its streams have come.
    reaches: Vec<(LegId, Arc<Reach>)>,
}

/// Which server's calls they are: only the same one goes on with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// When the timestamps began to count.
    pub started: WallTime,
    /// What the engine was begun with, or would be by the center's file as it was last.
    pub config: Config,
    /// Where SIP is: what phones were told to send to.
    pub sip: SocketAddr,
}

/// What an earlier process left.
#[derive(Debug)]
pub struct Left {
    pub place: Place,
    /// What it took for the calendar's time at [`Timestamp::ZERO`].
    pub zero: WallTime,
    /// The last of its timestamps.
    pub last: Timestamp,
    /// How long ago [`Timestamp::ZERO`] was by the machine's own clock; none where it has been started anew, or it was another one.
    pub passed: Option<Duration>,
    /// How long it has been gone.
    pub gone: Duration,
    pub carried: Carried,
}

/// The file that was taken. Where this process ends before it goes on with it, by an error that is told, it is put back.
#[derive(Debug)]
pub struct Taken {
    /// Whose file it is; none once this process goes on with it.
    data: Option<PathBuf>,
}

impl Taken {
    /// This process goes on with what was in the file.
    pub fn remove(mut self) {
        // Whoever cannot remove it overwrites it next time.
        let _ = self.data.take().map(|data| fs::remove_file(data.join(TAKEN)));
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let _ = self.data.take().map(|data| fs::rename(data.join(TAKEN), data.join(FILE)));
    }
}

/// What the thread counts.
#[derive(Debug, Default)]
pub struct JournalStats {
    /// How often something was written.
    pub turns: AtomicU64,
    /// Bytes that were written.
    pub bytes: AtomicU64,
    /// Files that were given up, because the disk was too slow or full.
    pub given_up: AtomicU64,
}

/// The grip on the thread.
#[derive(Debug)]
pub struct Journal {
    to: Option<SyncSender<Message>>,
    /// What the engine was told in this turn.
    told: Vec<(Timestamp, queue::Event)>,
    /// The thread has everything up to the last turn.
    whole: bool,
    again_at: Timestamp,
    /// What the engine would be begun with now.
    config: Arc<Config>,
    /// The thread's file is given up.
    failed: Arc<AtomicBool>,
    zero: Arc<AtomicI64>,
    stats: Arc<JournalStats>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Message {
    /// Everything, as it stands.
    Whole {
        at: Timestamp,
        config: Arc<Config>,
        engine: Box<Engine>,
        changes: Changes,
    },
    Turn {
        at: Timestamp,
        told: Vec<(Timestamp, queue::Event)>,
        changes: Changes,
    },
}

impl Journal {
    /// Starts the thread, which writes into the data folder, and has keys kept.
    pub fn start(data: &Path, place: Place, keyring: Keyring, boot: Option<Boot>) -> io::Result<Journal> {
        Journal::with(data, place, keyring, boot, SHORTEST)
    }

    pub(super) fn with(
        data: &Path,
        place: Place,
        keyring: Keyring,
        boot: Option<Boot>,
        shortest: u64,
    ) -> io::Result<Journal> {
        let (to, messages) = sync_channel(WAITING);
        let (failed, stats) = (Arc::new(AtomicBool::new(false)), Arc::new(JournalStats::default()));
        let zero = Arc::new(AtomicI64::new(place.started.0));
        let config = Arc::new(place.config.clone());
        let mut writer = Writer {
            path: data.join(FILE),
            place,
            zero: zero.clone(),
            boot,
            keyring,
            shortest,
            file: None,
            kept: None,
            last: Timestamp::ZERO,
            reached_at: Instant::now(),
            failed: failed.clone(),
            stats: stats.clone(),
        };
        let thread =
            thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run(&messages))?;
        let (to, thread) = (Some(to), Some(thread));
        let (told, whole, again_at) = (Vec::new(), false, Timestamp::ZERO);
        Ok(Journal { to, told, whole, again_at, config, failed, zero, stats, thread })
    }

    /// The engine was told this.
    pub fn told(&mut self, at: Timestamp, event: queue::Event) {
        self.told.push((at, event));
    }

    /// The calendar was set: by it, [`Timestamp::ZERO`] was then. The file is begun anew, with that in its head.
    pub fn calendar_set(&mut self, zero: WallTime) {
        self.zero.store(zero.0, Ordering::Relaxed);
        (self.whole, self.again_at) = (false, Timestamp::ZERO);
    }

    /// The center's agents are others from this turn on: the file is begun anew, with them in its head.
    pub fn config_is(&mut self, config: Config) {
        if *self.config != config {
            self.config = Arc::new(config);
            (self.whole, self.again_at) = (false, Timestamp::ZERO);
        }
    }

    /// A turn is over: what it changed is written down.
    pub fn turn(&mut self, at: Timestamp, switchboard: &mut Switchboard) {
        let told = std::mem::take(&mut self.told);
        self.whole &= !self.failed.load(Ordering::Relaxed);
        if self.whole {
            let changes = switchboard.take_changes();
            self.whole =
                (told.is_empty() && changes.is_empty()) || self.send(Message::Turn { at, told, changes });
        } else if at >= self.again_at {
            self.again_at = at + AGAIN_AFTER;
            // Before everything is sent, so that what the thread says of the new file is not lost.
            self.failed.store(false, Ordering::Relaxed);
            let (engine, changes) = (Box::new(switchboard.engine().clone()), switchboard.all_changes());
            let config = Arc::clone(&self.config);
            self.whole = self.send(Message::Whole { at, config, engine, changes });
        } else {
            switchboard.take_changes();
        }
    }

    fn send(&self, message: Message) -> bool {
        let taken = self.to.as_ref().is_some_and(|to| to.try_send(message).is_ok());
        if !taken {
            self.stats.given_up.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    pub fn stats(&self) -> &Arc<JournalStats> {
        &self.stats
    }

    /// Writes what is left and ends the thread.
    pub fn close(&mut self) {
        self.to = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the journal's thread had failed");
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the thread works with.
struct Writer {
    path: PathBuf,
    boot: Option<Boot>,
    place: Place,
    /// What the calendar would have shown at [`Timestamp::ZERO`].
    zero: Arc<AtomicI64>,
    /// Where the keys of secured lines are: not in the file.
    keyring: Keyring,
    shortest: u64,
    file: Option<Open>,
    /// Everything as the file has it, to begin another with.
    kept: Option<Standing<Kept>>,
    /// When the last was told that is in it.
    last: Timestamp,
    /// When it was written last how far streams have come.
    reached_at: Instant,
    failed: Arc<AtomicBool>,
    stats: Arc<JournalStats>,
}

/// A file that is written, how long it is, and at which length another takes its place.
struct Open {
    file: File,
    length: u64,
    most: u64,
}

/// What has changed since the last was written: one turn of the control thread, or some.
#[derive(Default)]
struct Turn {
    at: Timestamp,
    told: Vec<(Timestamp, queue::Event)>,
    calls: BTreeMap<CallId, Option<Box<CarriedCall>>>,
    contacts: BTreeMap<Name, Vec<Binding>>,
    desks: Option<CarriedDesks>,
}

impl Writer {
    fn run(&mut self, messages: &Receiver<Message>) {
        loop {
            match messages.recv_timeout(ALIVE_EVERY) {
                Ok(message) => self.gather(message, messages),
                Err(RecvTimeoutError::Timeout) => {
                    // What is wrong with the file is told when it is written.
                    let _ = self.file.as_ref().map(|open| open.file.set_modified(SystemTime::now()));
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.reached_at.elapsed() >= REACHED_EVERY {
                self.reached_at = Instant::now();
                let written = self.note_reached();
                self.or_give_up(written);
            }
        }
    }

    /// Writes what comes within [`GATHERED_FOR`] at once.
    fn gather(&mut self, first: Message, messages: &Receiver<Message>) {
        // Asleep, and not at the channel: whoever fills that wakes nobody.
        thread::sleep(GATHERED_FOR);
        let (mut next, mut turn) = (Some(first), None);
        while let Some(message) = next {
            match message {
                Message::Whole { at, config, engine, changes } => {
                    // Whatever came before is in it.
                    turn = None;
                    self.place.config = (*config).clone();
                    let begun = self.whole(at, engine, changes);
                    self.or_give_up(begun);
                }
                Message::Turn { at, told, changes } => {
                    turn.get_or_insert_with(Turn::default).add(at, told, changes)
                }
            }
            next = messages.try_recv().ok();
        }
        if let Some(turn) = turn {
            let written = self.turn(turn);
            self.or_give_up(written);
        }
    }

    fn whole(&mut self, at: Timestamp, engine: Box<Engine>, changes: Changes) -> io::Result<()> {
        let calls: BTreeSet<CallId> = changes.calls.iter().map(|(call, _)| *call).collect();
        self.keyring.begin(|call| calls.contains(&call));
        let mut kept = Standing::of(*engine);
        let mut text = self.head(&kept.engine);
        let mut turn = Turn::default();
        turn.add(at, Vec::new(), changes);
        turn.keep_keys(&mut self.keyring);
        kept.change(turn, 0, &mut text);
        text.push_str(&turn_over(at));
        (self.kept, self.last) = (Some(kept), at);
        let mut draft = Draft::begin(&self.path)?;
        draft.push(text.as_bytes())?;
        self.replace(draft)
    }

    fn turn(&mut self, turn: Turn) -> io::Result<()> {
        let (Some(open), Some(kept)) = (&self.file, &mut self.kept) else { return Ok(()) };
        let (at, mut text) = (turn.at, String::new());
        // First, so that no line is written down whose keys are not there.
        turn.keep_keys(&mut self.keyring);
        kept.change(turn, open.length, &mut text);
        self.write(at, text)
    }

    /// Writes how far the streams of all calls have come.
    fn note_reached(&mut self) -> io::Result<()> {
        let Some(kept) = &mut self.kept else { return Ok(()) };
        let mut text = String::new();
        let calls: Vec<CallId> = kept.calls.keys().copied().collect();
        calls.into_iter().for_each(|call| kept.look(call, &mut text));
        self.write(self.last, text)
    }

    /// Appends lines, which are whole then, as of this moment.
    fn write(&mut self, at: Timestamp, mut text: String) -> io::Result<()> {
        let Some(open) = self.file.as_mut().filter(|_| !text.is_empty()) else { return Ok(()) };
        self.last = at;
        text.push_str(&turn_over(at));
        open.file.write_all(text.as_bytes())?;
        open.length += text.len() as u64;
        self.stats.turns.fetch_add(1, Ordering::Relaxed);
        self.stats.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        if open.length < open.most { Ok(()) } else { self.begin_anew(at) }
    }

    /// Begins the file anew: the last line of each call is copied out of the one before.
    fn begin_anew(&mut self, at: Timestamp) -> io::Result<()> {
        let Some(mut kept) = self.kept.take() else { return Ok(()) };
        let mut draft = Draft::begin(&self.path)?;
        draft.push(self.head(&kept.engine).as_bytes())?;
        let mut before = File::open(&self.path)?;
        for Kept { from, length, .. } in kept.calls.values_mut() {
            let mut call = vec![0; *length];
            before.seek(SeekFrom::Start(*from))?;
            before.read_exact(&mut call)?;
            *from = draft.length;
            draft.push(&call)?;
        }
        for (call, reached) in &kept.reached {
            draft.push(line(&Entry::<()>::Reached(*call, reached.clone())).as_bytes())?;
        }
        for (user, contacts) in &kept.contacts {
            draft.push(line(&Entry::<()>::Contacts(user.clone(), contacts.clone())).as_bytes())?;
        }
        draft.push(line(&Entry::<()>::Desks(kept.desks.clone())).as_bytes())?;
        draft.push(turn_over(at).as_bytes())?;
        self.kept = Some(kept);
        self.replace(draft)
    }

    fn head(&self, engine: &Engine) -> String {
        let (place, zero) = (self.place.clone(), WallTime(self.zero.load(Ordering::Relaxed)));
        let zero = Some(zero).filter(|zero| *zero != place.started);
        line(&Entry::<(), &Engine>::Head(Box::new(Head {
            journal: VERSION,
            place,
            zero,
            boot: self.boot.clone(),
            engine,
        })))
    }

    /// Puts a file that is whole in the place of the one before.
    fn replace(&mut self, draft: Draft) -> io::Result<()> {
        let Draft { to, path, length } = draft;
        let file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        fs::rename(path, &self.path)?;
        self.stats.bytes.fetch_add(length, Ordering::Relaxed);
        self.file = Some(Open { file, length, most: self.shortest.max(GROWS * length) });
        Ok(())
    }

    /// Where the disk does not take it, what lies there is of an earlier moment, and nobody is to go on with that.
    fn or_give_up(&mut self, done: io::Result<()>) {
        let Err(error) = done else { return };
        let first = self.file.take().is_some() || self.stats.given_up.load(Ordering::Relaxed) == 0;
        if first {
            error!(%error, "the journal cannot be written: until it can, calls would not outlive the server");
        }
        self.stats.given_up.fetch_add(1, Ordering::Relaxed);
        self.kept = None;
        self.keyring.begin(|_| false);
        let _ = fs::remove_file(&self.path);
        self.failed.store(true, Ordering::Relaxed);
    }
}

impl Turn {
    fn add(&mut self, at: Timestamp, told: Vec<(Timestamp, queue::Event)>, changes: Changes) {
        self.at = at;
        self.told.extend(told);
        self.calls.extend(changes.calls);
        self.contacts.extend(changes.contacts);
        self.desks = changes.desks.or(self.desks.take());
    }

    fn keep_keys(&self, keyring: &mut Keyring) {
        for (id, call) in &self.calls {
            match call {
                Some(call) => keyring.keep(*id, call.keys()),
                None => keyring.forget(*id),
            }
        }
    }
}

impl<C> Standing<C> {
    fn of(engine: Engine) -> Standing<C> {
        let (calls, reached, contacts, desks) = Default::default();
        Standing { engine, calls, reached, contacts, desks }
    }

    /// The next line; `kept` is what is kept of a call in it.
    fn apply<D>(&mut self, entry: Entry<D>, kept: impl FnOnce(D) -> C) {
        match entry {
            Entry::Told(at, event) => self.engine.handle(at, event, &mut Vec::new()),
            Entry::Call(id, call) => drop(self.calls.insert(id, kept(call))),
            Entry::Reached(id, reached) => drop(self.reached.insert(id, reached)),
            Entry::Over(call) => {
                self.calls.remove(&call);
                self.reached.remove(&call);
            }
            Entry::Contacts(user, contacts) => drop(self.contacts.insert(user, contacts)),
            Entry::Desks(desks) => self.desks = desks,
            // What was before our clock began is not known in it, and a guess could use a number of a key twice.
            Entry::Moved(behind_ms) => self.reached.values_mut().for_each(|reached| {
                reached.retain_mut(|(_, reached)| {
                    let at_ms = reached.at_ms.checked_add_signed(behind_ms);
                    reached.at_ms = at_ms.unwrap_or_default();
                    at_ms.is_some()
                });
            }),
            Entry::Head(_) | Entry::Turn(_) => {}
        }
    }
}

impl Standing<Kept> {
    /// Applies what has changed, and appends the lines that say so; `text` begins in the file at `from`.
    fn change(&mut self, turn: Turn, from: u64, text: &mut String) {
        let Turn { told, calls, contacts, desks, .. } = turn;
        let told = told.into_iter().map(|(at, event)| Entry::Told(at, event));
        let calls = calls.into_iter().map(|(id, call)| match call {
            Some(call) => Entry::Call(id, call),
            None => Entry::Over(id),
        });
        let contacts = contacts.into_iter().map(|(user, contacts)| Entry::Contacts(user, contacts));
        for entry in told.chain(calls).chain(contacts).chain(desks.map(Entry::Desks)) {
            // Most calls that are over came and went within the turn.
            if matches!(&entry, Entry::Over(id) if !self.calls.contains_key(id)) {
                continue;
            }
            let changed = if let Entry::Call(id, _) = &entry { Some(*id) } else { None };
            let line = line(&entry);
            let (from, length) = (from + text.len() as u64, line.len());
            self.apply(entry, |call| {
                let reaches = call.reaches().map(|(leg, reach)| (leg, reach.clone())).collect();
                Kept { from, length, reaches }
            });
            text.push_str(&line);
            changed.into_iter().for_each(|id| self.look(id, text));
        }
    }

    /// Looks how far the streams of a call have come, and appends the line that says so.
    fn look(&mut self, id: CallId, text: &mut String) {
        let Some(Kept { reaches, .. }) = self.calls.get(&id).filter(|kept| !kept.reaches.is_empty()) else {
            return;
        };
        let now_ms = machine_ms();
        let reached: Vec<_> = reaches.iter().map(|(leg, reach)| (*leg, reach.reached(now_ms))).collect();
        text.push_str(&line(&Entry::<()>::Reached(id, reached.clone())));
        self.reached.insert(id, reached);
    }
}

/// A file that is not whole yet.
struct Draft {
    to: BufWriter<File>,
    path: PathBuf,
    length: u64,
}

impl Draft {
    fn begin(of: &Path) -> io::Result<Draft> {
        let path = of.with_extension("draft");
        Ok(Draft { to: BufWriter::new(folder::private_file(&path)?), path, length: 0 })
    }

    fn push(&mut self, octets: &[u8]) -> io::Result<()> {
        self.length += octets.len() as u64;
        self.to.write_all(octets)
    }
}

fn line<C: Serialize, E: Serialize>(entry: &Entry<C, E>) -> String {
    // Plain data with names as keys: there is nothing in it that JSON does not have.
    let mut text = serde_json::to_string(entry).expect("what the server knows of calls can be written down");
    text.push('\n');
    text
}

fn turn_over(at: Timestamp) -> String {
    line(&Entry::<()>::Turn(at))
}

/// How many of the octets are whole turns: what comes behind is not over yet.
pub(super) fn whole_turns(octets: &[u8]) -> usize {
    let mut end = octets.len();
    while let Some(newline) = octets[..end].iter().rposition(|octet| *octet == b'\n') {
        let line = octets[..newline].iter().rposition(|octet| *octet == b'\n').map_or(0, |before| before + 1);
        if octets[line..].starts_with(br#"{"turn":"#) {
            return newline + 1;
        }
        end = newline;
    }
    0
}

/// Says of a file that it comes from another machine, whose clock is behind ours by so much. That it says so is no sign of
/// life: the file's time stays.
pub(super) fn moved(data: &Path, behind_ms: i64) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(data.join(FILE))?;
    let alive = file.metadata()?.modified()?;
    file.write_all(line(&Entry::<()>::Moved(behind_ms)).as_bytes())?;
    file.set_modified(alive)
}

/// Takes what an earlier process left in the data folder: whoever breaks over it does so once. Nothing is there where there was no
/// server, or where it cannot be read.
pub fn take(data: &Path) -> Option<(Left, Taken)> {
    let path = data.join(TAKEN);
    fs::rename(data.join(FILE), &path).ok()?;
    match File::open(&path).map_err(|error| error.to_string()).and_then(read) {
        Ok(left) => Some((left, Taken { data: Some(data.to_owned()) })),
        Err(error) => {
            warn!(%error, file = %path.display(), "the journal cannot be read: calls of the server before are over");
            None
        }
    }
}

fn read(file: File) -> Result<Left, String> {
    let alive = file.metadata().and_then(|about| about.modified()).map_err(|error| error.to_string())?;
    let gone = SystemTime::now().duration_since(alive).unwrap_or_default();
    let mut lines = BufReader::new(file).lines();
    let mut next = || lines.next().transpose().map_err(|error| error.to_string());
    let first = next()?.ok_or("it is empty")?;
    let Entry::Head(head) =
        serde_json::from_str::<Entry<Value>>(&first).map_err(|error| error.to_string())?
    else {
        return Err("its first line is no head".to_owned());
    };
    if head.journal != VERSION {
        return Err(format!("it is of form {}, and this server reads form {VERSION}", head.journal));
    }
    let Head { place, zero, boot, engine, .. } = *head;
    let zero = zero.unwrap_or(place.started);
    let mut left = Standing::<Value>::of(engine);
    let (mut turn, mut last) = (Vec::new(), Timestamp::ZERO);
    while let Some(text) = next()? {
        // The last line may be cut off.
        let Ok(entry) = serde_json::from_str(&text) else { break };
        match entry {
            Entry::Turn(at) => {
                turn.drain(..).for_each(|entry| left.apply(entry, |call: Value| call));
                last = at;
            }
            // Of whole turns, behind which it is written.
            entry @ Entry::Moved(_) => left.apply(entry, |call: Value| call),
            entry => turn.push(entry),
        }
    }
    let Standing { engine, calls, mut reached, contacts, desks } = left;
    let passed = boot.as_ref().and_then(Boot::passed);
    // The file's time goes by the calendar, which may have been set since.
    let looked = |boot: &Boot| {
        let looked_ms = reached.values().flatten().map(|(_, reached)| reached.at_ms).max();
        looked_ms.map_or(Duration::ZERO, |at_ms| boot.since_zero(at_ms))
    };
    let alive = boot.as_ref().map_or(Duration::ZERO, looked).max(last.since(Timestamp::ZERO));
    let gone = passed.map_or(gone, |passed| gone.min(passed.saturating_sub(alive)));
    let calls = calls.into_iter().filter_map(|(id, call)| {
        let read = serde_json::from_value::<CarriedCall>(call);
        let read = read.inspect_err(
            |error| warn!(call = %id, %error, "a call of the server before is over: it cannot be read"),
        );
        let mut call = read.ok()?;
        call.had_reached(reached.remove(&id).unwrap_or_default());
        Some(call)
    });
    let calls = calls.collect();
    let contacts = contacts.into_iter().collect();
    let (engine, changed_agents, over) = (Some(engine), Vec::new(), Vec::new());
    let carried = Carried { engine, changed_agents, calls, over, contacts, desks };
    Ok(Left { place, zero, last, passed, gone, carried })
}

impl Left {
    /// With the keys of secured lines, where they were kept.
    pub fn with_keys(mut self, keyring: &Keyring) -> Left {
        for call in &mut self.carried.calls {
            let keys = keyring.read(call.id());
            call.had_keys(keys);
        }
        self
    }

    /// What of it can be gone on with at this place, without the calls that are over by the history: everything; or, where the
    /// center is another one, where phones are, and whose calls are over; or nothing.
    pub fn for_place(self, place: &Place, is_over: impl Fn(CallId) -> bool) -> Carried {
        let Left { place: before, gone, mut carried, .. } = self;
        carried.calls.retain(|call| !is_over(call.id()));
        let why = if before.sip != place.sip {
            carried.contacts.clear();
            "the server has another address"
        } else if gone > CARRIED_FOR {
            "the server was gone for too long"
        } else if before.config.without_agents() != place.config.without_agents() {
            "the center's queues or skills have changed"
        } else {
            carried.changed_agents = before.config.changed_agents(&place.config);
            let calls = std::mem::take(&mut carried.calls).into_iter();
            (carried.over, carried.calls) = calls.partition(|call| call.lost_caller(gone));
            return carried;
        };
        match carried.calls.len() {
            0 => info!(why, "the queues begin anew"),
            calls => warn!(calls, gone_s = gone.as_secs(), why, "calls of the server before are over"),
        }
        // From another address nothing is said that phones would believe.
        carried.calls.retain(|_| before.sip == place.sip);
        Carried {
            engine: None,
            changed_agents: Vec::new(),
            calls: Vec::new(),
            over: carried.calls,
            contacts: carried.contacts,
            desks: CarriedDesks::default(),
        }
    }
}
