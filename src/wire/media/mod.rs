//! The media workers: threads that send and read RTP, and the one handle that steers them.
//!
//! What a packet means is decided in [`crate::media`]; here are the sockets, the threads and their clock.

mod handshake;
mod ports;
mod reach;
mod security;
mod urgency;
mod way;
mod worker;

use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use rtrb::Producer;
use rtrb::PushError;
use rtrb::RingBuffer;
use tokio::sync::mpsc;

pub(crate) use ports::Pair;
pub(crate) use ports::Ports;
pub use ports::PortsTaken;
pub use reach::Before;
pub use reach::HandshakeKeys;
pub use reach::Reach;
pub use reach::machine_ms;
pub use urgency::before_others;
pub use worker::WorkerStats;

use crate::base::CallId;
use crate::base::Entropy;
use crate::base::LegId;
use crate::media::MediaCommand;
use crate::media::MediaEvent;
use crate::media::origin::Origin;
use crate::sdp::Fingerprint;
use crate::wire::bell::Bell;
use crate::wire::cord::StreamEnd;
use crate::wire::media::handshake::Reply;
use crate::wire::media::handshake::Shaker;
use crate::wire::media::reach::Beginning;
use crate::wire::media::worker::FarEnd;
use crate::wire::media::worker::Links;
use crate::wire::media::worker::ToEncode;
use crate::wire::media::worker::Work;
use crate::wire::media::worker::Worker;
use crate::wire::tape::Tape;

/// How much work may wait for one worker. A worker takes it every millisecond; when it is full all the same, the
/// machine is overloaded, and [`Media::send`] waits for room: nothing is lost, and the worker waits for nobody.
const QUEUE: usize = 8_192;

/// How long it waits until it looks for room again.
const LOOK_AGAIN: Duration = Duration::from_micros(200);
/// Keys that handshakes brought, which may wait for one worker.
const SHAKEN: usize = 1_024;

/// How far the thread that encodes clips stands back behind the others.
const ENCODER_NICENESS: i32 = 10;
/// How many clips may wait to be encoded in a codec that they were never played in.
const TO_ENCODE: usize = 256;

/// How the media workers are set up.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// The address that sockets are bound to.
    pub address: IpAddr,
    /// Even ports are RTP, odd ones RTCP.
    pub ports: RangeInclusive<u16>,
    /// Threads, at least one. All legs of a call live on one: the call's id modulo this.
    pub workers: usize,
}

/// The media workers. Owned by the one control thread; dropping it ends them, too.
#[derive(Debug)]
pub struct Media {
    /// Of the certificate that phones are shown.
    fingerprint: Fingerprint,
    ports: Ports,
    returned: Receiver<Pair>,
    workers: Vec<Handle>,
    entropy: Entropy,
}

/// A leg whose sockets are open.
#[derive(Debug)]
pub struct Opened {
    /// The RTP port; RTCP is one above.
    pub port: u16,
    /// How far its stream has come, from now on.
    pub reach: Arc<Reach>,
}

#[derive(Debug)]
struct Handle {
    work: Producer<Work>,
    bell: Arc<Bell>,
    stats: Arc<WorkerStats>,
    thread: Option<JoinHandle<()>>,
}

impl Media {
    /// Starts the workers. `events` is bounded: a worker that finds it full keeps its events and tries again a
    /// millisecond later, in order; what happens when thousands wait is in [`WorkerStats::events_dropped`].
    ///
    /// Fails when the operating system gives no thread, no descriptor or no entropy.
    pub fn start(config: MediaConfig, events: mpsc::Sender<MediaEvent>) -> io::Result<Media> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
        let mut entropy = Entropy::new(seed);
        let ports = Ports::new(config.address, config.ports, entropy.u64());
        let (give_back, returned) = sync_channel(ports.capacity().max(1));
        let to_encode = encoder()?;
        let (shaker, fingerprint) = Shaker::start()?;
        let workers = (0..config.workers.max(1))
            .map(|number| {
                let entropy = entropy.split();
                let (to_encode, shaker) = (to_encode.clone(), shaker.clone());
                Handle::start(number, give_back.clone(), events.clone(), to_encode, shaker, entropy)
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Media { fingerprint, ports, returned, workers, entropy })
    }

    /// Of the certificate that phones are shown which shake hands by DTLS: made at each start.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Opens the RTP and RTCP sockets of a leg and starts its stream, which only listens until
    /// [`MediaCommand::Agree`].
    ///
    /// [`MediaCommand::Open`] need not be sent after it. The sockets are free again after
    /// [`MediaCommand::Close`], without further ado.
    pub fn open(&mut self, call: CallId, leg: LegId) -> Result<Opened, PortsTaken> {
        let pair = self.free_pair()?;
        Ok(self.open_with(call, leg, pair, None))
    }

    /// Opens the sockets that a leg had in an earlier process, or others where somebody has those now. Its stream goes on as the
    /// same one, where it is known how far that had come.
    pub fn reopen(
        &mut self,
        call: CallId,
        leg: LegId,
        port: u16,
        before: Option<&Before>,
    ) -> Result<Opened, PortsTaken> {
        let pair = match self.ports.take_at(port) {
            Some(pair) => pair,
            None => self.free_pair()?,
        };
        Ok(self.open_with(call, leg, pair, before))
    }

    fn free_pair(&mut self) -> Result<Pair, PortsTaken> {
        let now = Instant::now();
        while let Ok(pair) = self.returned.try_recv() {
            self.ports.give_back(now, pair);
        }
        self.ports.take(now)
    }

    fn open_with(&mut self, call: CallId, leg: LegId, pair: Pair, before: Option<&Before>) -> Opened {
        let (port, now_ms) = (pair.port, machine_ms());
        let Beginning { origin, sealed, reach } = Beginning::of(before, now_ms, &mut self.entropy);
        let reach = Arc::new(reach);
        let end = FarEnd::Sockets(pair, reach.clone(), sealed);
        self.worker(call).queue(Work::Open { leg, end, origin });
        Opened { port, reach }
    }

    /// Starts the stream of a leg whose far end is a browser.
    pub fn open_cord(&mut self, call: CallId, leg: LegId, cord: StreamEnd) {
        let origin = Origin::draw(&mut self.entropy);
        self.worker(call).queue(Work::Open { leg, end: FarEnd::Cord(cord), origin });
    }

    /// Makes a browser the far end of a leg that was opened with sockets: those are free again.
    pub fn patch(&mut self, call: CallId, leg: LegId, cord: StreamEnd) {
        self.worker(call).queue(Work::Patch { leg, cord });
    }

    /// Gives a leg's stream the tape that its recording goes to, before [`MediaCommand::Record`] starts it.
    pub fn lay_tape(&mut self, call: CallId, leg: LegId, tape: Tape) {
        self.worker(call).queue(Work::Tape { leg, tape });
    }

    /// Tells the worker of `call` what to do. In order; waits only while `QUEUE` other commands wait.
    pub fn send(&mut self, call: CallId, command: MediaCommand) {
        self.worker(call).queue(Work::Command(command));
    }

    /// What each worker counted so far.
    pub fn stats(&self) -> impl Iterator<Item = &Arc<WorkerStats>> {
        self.workers.iter().map(|worker| &worker.stats)
    }

    /// Ends all streams and the threads, and frees the sockets. Streams that are open end without
    /// [`MediaEvent::Closed`].
    pub fn shutdown(self) {
        drop(self);
    }

    fn worker(&mut self, call: CallId) -> &mut Handle {
        let worker = (call.0 % self.workers.len() as u64) as usize;
        &mut self.workers[worker]
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.queue(Work::Shutdown);
        }
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take()
                && thread.join().is_err()
            {
                tracing::error!("a media worker had failed");
            }
        }
    }
}

/// Starts the thread that encodes clips; it ends when the workers have.
fn encoder() -> io::Result<SyncSender<ToEncode>> {
    let (to_encode, clips) = sync_channel::<ToEncode>(TO_ENCODE);
    std::thread::Builder::new().name("prompts".to_owned()).spawn(move || {
        // Nobody waits for it: it takes the processor's time that is left.
        let _ = rustix::process::setpriority_process(None, ENCODER_NICENESS);
        for (clip, codec) in clips {
            clip.encode(codec);
        }
    })?;
    Ok(to_encode)
}

impl Handle {
    fn start(
        number: usize,
        returned: SyncSender<Pair>,
        events: mpsc::Sender<MediaEvent>,
        to_encode: SyncSender<ToEncode>,
        shaker: Shaker,
        entropy: Entropy,
    ) -> io::Result<Handle> {
        let (work, queue) = RingBuffer::new(QUEUE);
        let (shaken, keys) = RingBuffer::new(SHAKEN);
        let bell = Arc::new(Bell::new()?);
        let stats = Arc::new(WorkerStats::default());
        let reply = Reply { shaken: Arc::new(Mutex::new(shaken)), bell: bell.clone() };
        let links = Links { returned, events, to_encode, shaker, reply, stats: stats.clone() };
        let worker = Worker::new(queue, keys, links, entropy)?;
        let thread =
            std::thread::Builder::new().name(format!("media-{number}")).spawn(move || worker.run())?;
        Ok(Handle { work, bell, stats, thread: Some(thread) })
    }

    fn queue(&mut self, work: Work) {
        tell(&mut self.work, &self.bell, work);
    }
}

/// Tells a worker something; waits while there is no room. When the worker is gone, there is nobody to tell.
fn tell<T>(ring: &mut Producer<T>, bell: &Bell, what: T) {
    let mut what = what;
    while let Err(PushError::Full(again)) = ring.push(what) {
        if ring.is_abandoned() {
            return;
        }
        bell.ring();
        std::thread::sleep(LOOK_AGAIN);
        what = again;
    }
    bell.ring();
}

#[cfg(test)]
mod tests;
