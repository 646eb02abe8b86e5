//! The server's side: whoever has the key is sent what there is in the data folder, and then what changes in it. A thread for each
//! standby reads the files; the server itself does nothing for it, and waits for nobody.

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use tracing::debug;
use tracing::info;
use tracing::warn;

use super::About;
use super::FORM;
use super::FileState;
use super::Record;
use super::StandbyKey;
use super::StandbyStats;
use super::Thing;
use super::calls::CallsTail;
use super::channel::AT_ONCE;
use super::channel::Channel;
use super::files::FilesTail;
use super::served::Differing;
use super::served::Served;
use super::served::ServedTail;
use super::unproved::Doorstep;
use super::unproved::Unproved;
use crate::server::load::FlowPlace;
use crate::server::recorder::Removals;
use crate::store::lineage;
use crate::store::lineage::Lacks;
use crate::store::log::FOLDED_FROM;
use crate::store::log::Found;
use crate::store::log::LogTail;
use crate::wire::media::machine_ms;

/// How long lies between two looks at what is new: as long as the journal gathers for.
const EVERY: Duration = Duration::from_millis(10);
/// How often a standby is told at least that the server lives.
const ALIVE_EVERY: Duration = Duration::from_millis(200);
/// How many standbys there may be at once.
const MOST: u64 = 4;
/// How long a standby that has everything may say nothing: the network may have lost it without a word.
const HEARD_WITHIN: Duration = Duration::from_secs(10);
/// How long the end of the server waits until its standbys have everything.
const LAST: Duration = Duration::from_secs(2);

/// The grip on the threads.
#[derive(Debug)]
pub struct Standbys {
    stats: Arc<StandbyStats>,
    ends: Arc<AtomicBool>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

/// What a thread for a standby knows.
#[derive(Clone)]
struct Server {
    data: PathBuf,
    sip: SocketAddr,
    key: StandbyKey,
    served: Served,
    removals: Arc<Removals>,
    stats: Arc<StandbyStats>,
    unproved: Unproved,
    /// The server has ended: what is there now is all.
    ends: Arc<AtomicBool>,
}

impl Standbys {
    /// Serves standbys of the server with this data folder and SIP address, which serves these flow files and prompts, and removes
    /// these recordings.
    ///
    /// # Errors
    ///
    /// When a thread cannot be started.
    pub fn start(
        listener: TcpListener,
        data: PathBuf,
        sip: SocketAddr,
        key: StandbyKey,
        (flows, prompts): (FlowPlace, PathBuf),
        removals: Arc<Removals>,
    ) -> io::Result<Standbys> {
        let (stats, ends) = (Arc::new(StandbyStats::default()), Arc::new(AtomicBool::new(false)));
        let address = listener.local_addr()?;
        let served = Served::watch(flows, prompts)?;
        let (unproved, told, over) = (Unproved::default(), stats.clone(), ends.clone());
        let server = Server { data, sip, key, served, removals, stats: told, unproved, ends: over };
        let thread =
            thread::Builder::new().name("standbys".to_owned()).spawn(move || server.listen(&listener))?;
        Ok(Standbys { stats, ends, address, thread: Some(thread) })
    }

    pub fn stats(&self) -> &Arc<StandbyStats> {
        &self.stats
    }

    /// Where standbys connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Once the server has written its last, standbys are sent that, and are let go.
impl Drop for Standbys {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // Wakes who listens.
        let is_woken = TcpStream::connect_timeout(&self.address, LAST).is_ok();
        let until = Instant::now() + LAST;
        while self.stats.connected.load(Ordering::Acquire) > 0 && Instant::now() < until {
            thread::sleep(EVERY);
        }
        // Who cannot be woken ends with the process.
        let _ = self.thread.take().filter(|_| is_woken).map(JoinHandle::join);
    }
}

impl Server {
    fn listen(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.ends.load(Ordering::Relaxed) {
                return;
            }
            let Ok(stream) = stream.inspect_err(|error| debug!(%error, "a standby did not connect")) else {
                // Out of files, mostly.
                thread::sleep(ALIVE_EVERY);
                continue;
            };
            // It may be gone already.
            let Ok(doorstep) = self.unproved.comes(&stream) else { continue };
            let server = self.clone();
            let serve = move || server.serve(stream, doorstep);
            if let Err(error) = thread::Builder::new().name("standby".to_owned()).spawn(serve) {
                warn!(%error, "a thread for a standby cannot be started");
            }
        }
    }

    fn serve(&self, stream: TcpStream, doorstep: Doorstep) {
        let Ok(peer) = stream.peer_addr().map(|peer| peer.ip()) else { return };
        let (channel, first) = match self.prove(stream) {
            Ok(proved) => proved,
            Err(error) => {
                // Somebody may try for days.
                match self.stats.refused.fetch_add(1, Ordering::Relaxed) {
                    0 => warn!(%peer, %error, "somebody is no standby of this server"),
                    _ => debug!(%peer, %error, "somebody is no standby of this server"),
                }
                return;
            }
        };
        drop(doorstep);
        let Some(_place) = Place::take(&self.stats) else {
            return debug!(%peer, "too many standbys are connected");
        };
        let (number, is_news) = self.stats.comes(peer);
        if is_news {
            info!(%peer, "a standby is connected");
        }
        let done = Following { server: self, channel, first: Some(first), number }.serve(peer);
        let is_news = self.stats.goes(number);
        match done {
            Ok(()) => info!(%peer, "the standby has everything to the end"),
            Err(error) if is_news => warn!(%peer, %error, "the standby is gone"),
            Err(error) => debug!(%peer, %error, "the standby is gone again"),
        }
    }

    /// A peer that has the key, with its first record: what came before that, somebody else may have heard and say again.
    fn prove(&self, stream: TcpStream) -> io::Result<(Channel, Record)> {
        let mut channel = Channel::accept(stream, &self.key)?;
        let first = channel.receive()?.0;
        Ok((channel, first))
    }
}

/// The place of one standby among those that are connected.
struct Place(Arc<StandbyStats>);

impl Place {
    fn take(stats: &Arc<StandbyStats>) -> Option<Place> {
        let place = Place(stats.clone());
        // Given back when it is dropped, also where it was one too many.
        let is_free = stats.connected.fetch_add(1, Ordering::AcqRel) < MOST;
        is_free.then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.connected.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A standby that is connected.
struct Following<'s> {
    server: &'s Server,
    channel: Channel,
    /// What it said first, until that was looked at.
    first: Option<Record>,
    number: u64,
}

impl Following<'_> {
    fn serve(&mut self, peer: IpAddr) -> io::Result<()> {
        let (has, lacks) = self.begin()?;
        let (data, removals) = (&self.server.data, self.server.removals.clone());
        let mut files = FilesTail::new(data, removals, lacks != Lacks::Nothing, has.into_iter());
        let mut calls = CallsTail::new(&self.server.data);
        let mut served = ServedTail::new(self.server.served.clone());
        let mut log = self.begin_history()?;
        let (mut told, mut heard) = (None, None);
        loop {
            // Before what it says is looked at: what is written until then is the last.
            let ends = self.server.ends.load(Ordering::Relaxed);
            self.history(&mut log)?;
            files.round(&mut self.channel, ends)?;
            calls.round(&mut self.channel)?;
            if told.is_none() {
                self.channel.send(&Record::Whole, &[])?;
                heard = Some(Instant::now());
            }
            if let Some(digests) = served.round()? {
                self.channel.send(&Record::Begin(Thing::Served), &[])?;
                self.channel.send_all(&Record::Octets(Thing::Served), &digests)?;
                self.channel.send(&Record::Done(Thing::Served, 0), &[])?;
            }
            if ends {
                self.channel.send(&Record::Ended, &[])?;
            } else if told.is_none_or(|told: Instant| told.elapsed() >= ALIVE_EVERY) {
                told = Some(Instant::now());
                self.channel.send(&Record::Alive { machine_ms: machine_ms() }, &[])?;
            }
            self.channel.flush()?;
            self.server.stats.sent.fetch_add(self.channel.take_sent(), Ordering::Relaxed);
            if ends {
                return self.hear_the_end();
            }
            while self.channel.has_come()? {
                self.hear(peer)?;
                heard = Some(Instant::now());
            }
            if heard.is_some_and(|heard| heard.elapsed() >= HEARD_WITHIN) {
                let silent = format!("it has said nothing for {} s", HEARD_WITHIN.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, silent));
            }
            thread::sleep(EVERY);
        }
    }

    /// Hears what the standby has already, and tells it who serves; what this history lacks of its.
    fn begin(&mut self) -> io::Result<(Vec<FileState>, Lacks)> {
        let mut has = Vec::new();
        let (theirs, history) = loop {
            let said = match self.first.take() {
                Some(first) => first,
                None => self.channel.receive()?.0,
            };
            match said {
                Record::Has(file) => has.push(file),
                Record::HasAll { form, history } => break (form, history),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        };
        let lacks = history.filter(|_| theirs == FORM).map(|of| lineage::lacks(&self.server.data, &of));
        let lacks = lacks.transpose().map_err(io::Error::other)?.unwrap_or_default();
        let about = About { form: FORM, sip: self.server.sip, machine_ms: machine_ms(), lacks };
        self.channel.send(&Record::Server(about), &[])?;
        // Told so, it comes no more.
        let in_vain = if theirs != FORM {
            format!("it speaks form {theirs}, and this server form {FORM}")
        } else if lacks == Lacks::More {
            "it has a history that this server has not, and keeps it".to_owned()
        } else {
            return Ok((has, lacks));
        };
        self.channel.flush()?;
        Err(io::Error::other(in_vain))
    }

    /// Takes what the standby says.
    fn hear(&mut self, peer: IpAddr) -> io::Result<()> {
        match self.channel.receive()?.0 {
            Record::Alive { machine_ms } => {
                if self.server.stats.has_all(self.number, machine_ms) {
                    info!(%peer, "the standby has everything");
                }
                Ok(())
            }
            Record::Differs(differing) => {
                self.tell(peer, &differing);
                self.server.stats.differs(self.number, differing);
                Ok(())
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn tell(&self, peer: IpAddr, differing: &Differing) {
        if differing.count > 0 {
            warn!(%peer, count = differing.count, files = %differing.words(), "the standby would serve other files than this server");
        } else if self.server.stats.differed(self.number) {
            info!(%peer, "the standby would serve the same files as this server");
        }
    }

    /// Waits until the standby has the last of it: what is on its way is lost when a connection is closed on what it said.
    fn hear_the_end(&mut self) -> io::Result<()> {
        self.channel.hears_within(LAST)?;
        while self.channel.receive()?.0 != Record::Ended {}
        Ok(())
    }

    /// Sends the history's file as it stands; its log follows.
    fn begin_history(&mut self) -> io::Result<LogTail> {
        let log = LogTail::start(&self.server.data).map_err(io::Error::other)?;
        let mut file = std::fs::File::open(log.file())?;
        self.channel.send(&Record::Begin(Thing::History), &[])?;
        let mut octets = vec![0; AT_ONCE];
        loop {
            match io::Read::read(&mut file, &mut octets)? {
                0 => break,
                length => self.channel.send(&Record::Octets(Thing::History), &octets[..length])?,
            }
        }
        self.channel.send(&Record::Done(Thing::History, 0), &[])?;
        Ok(log)
    }

    /// Sends what has been written to the history.
    fn history(&mut self, log: &mut LogTail) -> io::Result<()> {
        loop {
            let mut octets = Vec::new();
            match log.look(&mut octets)? {
                Found::More if octets.is_empty() => break,
                Found::More => {}
                Found::Anew => self.channel.send(&Record::Fold, &[])?,
                Found::Lost => {
                    debug!("the history's log was begun anew by another: its file is sent again");
                    *log = self.begin_history()?;
                    continue;
                }
            }
            self.channel.send_all(&Record::Octets(Thing::Log), &octets)?;
        }
        log.fold(FOLDED_FROM).map_err(io::Error::other)
    }
}
