//! One media worker: a thread with its own clock that moves the packets of its streams.
//!
//! It wakes for the next slot (every millisecond while a stream is open), for a packet while streams are few and,
//! while none is open, for a command. It never waits for anybody: not for the control thread,
//! not for a full socket. In steady state it neither allocates nor locks. It may be a real-time thread (`urgency`): so whatever
//! brings it something is a ring of one writer and one reader, in which nobody waits until another has finished.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use std::time::Instant;

use rtc_crypto::RTCCryptoProvider;
use rtrb::Consumer;
use rustix::event::epoll;
use rustix::time::Itimerspec;
use rustix::time::TimerfdTimerFlags;
use rustix::time::Timespec;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::base::Entropy;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::media::Clip;
use crate::media::MediaCommand;
use crate::media::MediaEvent;
use crate::media::Outlet;
use crate::media::Streams;
use crate::media::codec::units;
use crate::media::frame::Rate;
use crate::media::origin::Origin;
use crate::media::origin::Sealed;
use crate::media::rtp;
use crate::media::rtp::MAX_PACKET;
use crate::media::srtp::OVERHEAD;
use crate::sdp::Codec;
use crate::sdp::Negotiated;
use crate::sdp::Srtp;
use crate::wire::bell::Bell;
use crate::wire::cord::FAR_END;
use crate::wire::cord::StreamEnd;
use crate::wire::cord::is_report;
use crate::wire::media::handshake::Begin;
use crate::wire::media::handshake::Reply;
use crate::wire::media::handshake::Shaken;
use crate::wire::media::handshake::Shaker;
use crate::wire::media::ports::Pair;
use crate::wire::media::reach::Reach;
use crate::wire::media::reach::machine_ms;
use crate::wire::media::security::Security;
use crate::wire::media::urgency::Urgency;
use crate::wire::media::way::Way;
use crate::wire::tape::Tape;

const SLOT: Duration = Duration::from_millis(1);
/// A slot that runs later than this counts as late.
const LATE: Duration = Duration::from_millis(5);
/// So many slots are caught up with at once; what is older is left out, as a gap in media time.
const CATCH_UP: u64 = 100;
/// With so many streams a worker looks at its sockets once a slot and not at every packet: a packet that is passed on
/// waits half a millisecond longer, and the worker wakes a thousand times a second and not ten thousand.
pub(super) const CROWD: usize = 40;
/// Packets that are read between two looks at the clock.
const BATCH: usize = 256;
/// Events that may wait while the server does not read. Beyond it digits and audio lost or back are dropped and
/// counted; the ends of plays and streams are kept, of which there is at most one per command that was sent.
const PENDING: usize = 16_384;

/// The tokens of what is no socket; a stream's are twice its key, one more for RTCP.
const WAKE: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;

/// What a worker is asked.
#[derive(Debug)]
pub(super) enum Work {
    Open {
        leg: LegId,
        end: FarEnd,
        /// Where it begins.
        origin: Origin,
    },
    /// From now on the stream's far end is a browser's connection.
    Patch {
        leg: LegId,
        cord: StreamEnd,
    },
    /// Where the stream's recording goes.
    Tape {
        leg: LegId,
        tape: Tape,
    },
    Command(MediaCommand),
    Shutdown,
}

/// What is at the other side of a stream. The streams do not know which.
#[derive(Debug)]
pub(super) enum FarEnd {
    /// With how far the stream has come, and had come by the keys of an earlier process that it is to go on with.
    Sockets(Pair, Arc<Reach>, Option<Sealed>),
    Cord(StreamEnd),
}

/// What a worker counts. Written by its worker only, read by anybody.
#[derive(Debug, Default)]
pub struct WorkerStats {
    /// Streams open now.
    pub streams: AtomicU64,
    /// RTP packets read.
    pub packets_in: AtomicU64,
    /// RTP packets sent.
    pub packets_out: AtomicU64,
    /// Packets that the kernel did not take: its buffer was full, or there is no route.
    pub send_failed: AtomicU64,
    /// Packets that were not secured as agreed.
    pub refused: AtomicU64,
    /// Frames of streams that were sent more than 5 ms late, or left out.
    pub late_frames: AtomicU64,
    /// How long it was awake, in microseconds.
    pub busy_us: AtomicU64,
    /// Events that were dropped because the server did not read.
    pub events_dropped: AtomicU64,
    /// Streams that were ended because handling them failed.
    pub failed: AtomicU64,
}

/// Adds to a counter that has one writer: no locked instruction is needed.
fn add(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
}

/// A worker, to be run on a thread of its own.
pub(super) struct Worker {
    streams: Streams,
    work: Consumer<Work>,
    /// The keys that handshakes brought.
    shaken: Consumer<Shaken>,
    bell: Arc<Bell>,
    epoll: OwnedFd,
    timer: OwnedFd,
    started: Instant,
    /// The clock's reading at `started`, for timers that are set to an absolute time, and for who goes on with the streams.
    started_at: Timespec,
    /// The next slot to run, counted from `started`.
    next_slot: u64,
    /// The slot that the timer is set to.
    armed: Option<u64>,
    /// Work that was taken from the queue and not yet done.
    first: Option<Work>,
    /// Packets are read here, and changed in place when they are passed on.
    buffer: Box<[u8; MAX_PACKET + 1]>,
    wire: Wire,
}

/// A clip that is to be encoded in a codec, off the workers.
pub(super) type ToEncode = (Arc<Clip>, Codec);

/// Whom a worker tells what.
pub(super) struct Links {
    /// Pairs of sockets that are free again.
    pub returned: SyncSender<Pair>,
    pub events: mpsc::Sender<MediaEvent>,
    pub to_encode: SyncSender<ToEncode>,
    pub shaker: Shaker,
    /// Where the keys come that the shaker brings: to the worker itself.
    pub reply: Reply,
    pub stats: Arc<WorkerStats>,
}

/// What the streams send through.
struct Wire {
    /// By stream key.
    ends: Vec<Option<FarEnd>>,
    /// How their packets are secured, by stream key as well.
    security: Vec<Security>,
    provider: Arc<dyn RTCCryptoProvider>,
    shaker: Shaker,
    reply: Reply,
    /// Packets are sealed here.
    sealed: Box<[u8; MAX_PACKET + OVERHEAD]>,
    /// The keys of streams whose far end is a cord.
    corded: Vec<usize>,
    /// Where recordings go, by stream key. Few streams at a time are recorded or all of them: there are as many
    /// places as the highest key among them needs.
    tapes: Vec<Option<Tape>>,
    /// Pairs of streams that have closed, on their way back.
    freed: Vec<Pair>,
    returned: SyncSender<Pair>,
    events: mpsc::Sender<MediaEvent>,
    pending: VecDeque<MediaEvent>,
    to_encode: SyncSender<ToEncode>,
    stats: Arc<WorkerStats>,
    /// The machine's clock, when the worker looked last.
    now_ms: u64,
}

impl Worker {
    pub fn new(
        work: Consumer<Work>,
        shaken: Consumer<Shaken>,
        links: Links,
        entropy: Entropy,
    ) -> io::Result<Worker> {
        let Links { returned, events, to_encode, shaker, reply, stats } = links;
        let bell = reply.bell.clone();
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let timer = rustix::time::timerfd_create(
            rustix::time::TimerfdClockId::Monotonic,
            rustix::time::TimerfdFlags::CLOEXEC | rustix::time::TimerfdFlags::NONBLOCK,
        )?;
        // Edge-triggered: neither needs to be read to be armed again.
        let once = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(TIMER), once)?;
        epoll::add(&epoll, &*bell, epoll::EventData::new_u64(WAKE), once)?;
        let wire = Wire {
            ends: Vec::new(),
            security: Vec::new(),
            provider: rtc_crypto::default_provider().map_err(|error| io::Error::other(error.to_string()))?,
            shaker,
            reply,
            sealed: Box::new([0; MAX_PACKET + OVERHEAD]),
            corded: Vec::new(),
            tapes: Vec::new(),
            freed: Vec::new(),
            returned,
            events,
            pending: VecDeque::new(),
            to_encode,
            stats,
            now_ms: machine_ms(),
        };
        Ok(Worker {
            streams: Streams::new(entropy),
            work,
            shaken,
            bell,
            epoll,
            timer,
            started: Instant::now(),
            started_at: rustix::time::clock_gettime(rustix::time::ClockId::Monotonic),
            next_slot: 0,
            armed: None,
            first: None,
            buffer: Box::new([0; MAX_PACKET + 1]),
            wire,
        })
    }

    /// Works until it is told to shut down.
    pub fn run(mut self) {
        let mut urgency = Urgency::claim(self.now());
        let mut ready: Vec<epoll::Event> = Vec::with_capacity(BATCH);
        loop {
            self.sleep(&mut ready);
            let woke = self.now();
            self.wire.now_ms = machine_ms();
            self.run_slots();
            self.read(&ready);
            self.read_cords();
            if !self.take_work() {
                return;
            }
            self.wire.flush();
            self.wire.stats.streams.store(self.streams.len() as u64, Ordering::Relaxed);
            let now = self.now();
            add(&self.wire.stats.busy_us, now.since(woke).as_micros() as u64);
            urgency.look(now, self.wire.stats.busy_us.load(Ordering::Relaxed));
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.started.elapsed().as_micros() as u64)
    }

    /// Waits until something is due.
    fn sleep(&mut self, ready: &mut Vec<epoll::Event>) {
        let more = ready.len() == BATCH;
        ready.clear();
        if more || self.streams.len() >= CROWD {
            return self.nap(more, ready);
        }
        let idle = self.streams.is_empty();
        if idle {
            self.bell.hang();
            self.first = self.work.pop().ok();
        }
        if self.first.is_none() {
            if !idle || !self.wire.pending.is_empty() {
                self.arm_timer();
            }
            let waited = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(ready), None);
            match waited {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                // Nothing can be wrong with descriptors of our own; if it is, do not spin.
                Err(error) => {
                    tracing::error!(%error, "media worker cannot wait");
                    std::thread::sleep(SLOT);
                }
            }
        }
        if idle {
            self.bell.take_down();
            // Slots in which no stream was open are not late.
            self.next_slot = self.now().0 / SLOT.as_micros() as u64 + 1;
        }
    }

    /// Among many streams packets come all the time: then it sleeps until the next slot, and finds them all together.
    /// After a full batch there are `more`: then it does not sleep.
    fn nap(&mut self, more: bool, ready: &mut Vec<epoll::Event>) {
        if !more {
            let due = self.slot_begins(self.next_slot);
            // Woken early by a signal, it naps again after a look at the sockets.
            let _ = rustix::thread::clock_nanosleep_absolute(rustix::thread::ClockId::Monotonic, &due);
        }
        let at_once = Some(&Timespec { tv_sec: 0, tv_nsec: 0 });
        if let Err(error) = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(ready), at_once) {
            tracing::error!(%error, "media worker cannot look at its sockets");
        }
    }

    /// When a slot begins, by the absolute clock.
    fn slot_begins(&self, slot: u64) -> Timespec {
        let since = Duration::from_micros(slot * SLOT.as_micros() as u64);
        self.started_at + Timespec::try_from(since).unwrap_or_default()
    }

    /// Sets the timer to when the next slot is due, by the absolute clock: a late wake-up delays no other.
    fn arm_timer(&mut self) {
        if self.armed == Some(self.next_slot) {
            return;
        }
        self.armed = Some(self.next_slot);
        let due = self.slot_begins(self.next_slot);
        let once = Itimerspec { it_interval: Timespec::default(), it_value: due };
        if let Err(error) = rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once) {
            tracing::error!(%error, "media worker cannot set its timer");
        }
    }

    /// Runs the slots that are due.
    fn run_slots(&mut self) {
        if self.streams.is_empty() {
            return;
        }
        let now = self.now();
        let current = now.0 / SLOT.as_micros() as u64;
        let behind = (current + 1).saturating_sub(self.next_slot);
        if behind > CATCH_UP {
            let left_out = self.next_slot..current + 1 - CATCH_UP;
            // A stream has one slot in a frame: so each round of slots leaves out one frame of each.
            let frames =
                (left_out.end - left_out.start) * self.streams.len() as u64 / crate::media::streams::SLOTS;
            add(&self.wire.stats.late_frames, frames);
            self.next_slot = left_out.end;
        }
        while self.next_slot <= current {
            let slot = self.next_slot;
            self.next_slot += 1;
            let sent = self.wire.stats.packets_out.load(Ordering::Relaxed);
            self.run_slot(now, slot);
            if now.since(Timestamp(slot * SLOT.as_micros() as u64)) > LATE {
                // Most slots of a stream that only listens send nothing: then nothing was late.
                let sent = self.wire.stats.packets_out.load(Ordering::Relaxed) - sent;
                add(&self.wire.stats.late_frames, sent);
            }
        }
    }

    fn run_slot(&mut self, now: Timestamp, slot: u64) {
        let mut place = 0;
        while let Some(key) = self.streams.key_in_slot(slot, place) {
            let Worker { streams, wire, .. } = self;
            if guarded(|| streams.frame(now, slot, key, wire)) {
                place += 1;
            } else {
                // Another stream takes its place in the slot.
                self.abandon(now, key);
            }
        }
    }

    /// Reads the sockets that have something: one packet each, the rest is found at the next look.
    fn read(&mut self, ready: &[epoll::Event]) {
        let now = self.now();
        for event in ready {
            match event.data.u64() {
                TIMER => self.armed = None,
                WAKE => {}
                token => {
                    let (key, is_rtcp) = ((token / 2) as usize, token % 2 == 1);
                    let Worker { streams, wire, buffer, .. } = self;
                    if !guarded(|| wire.read(streams, now, key, is_rtcp, &mut buffer[..])) {
                        self.abandon(now, key);
                    }
                }
            }
        }
    }

    /// Takes what came through the cords. Nobody rings for it: a stream that is open has this thread awake every
    /// millisecond.
    fn read_cords(&mut self) {
        let now = self.now();
        let mut at = 0;
        while let Some(&key) = self.wire.corded.get(at) {
            let Worker { streams, wire, .. } = self;
            if !guarded(|| wire.read_cord(streams, now, key)) {
                self.abandon(now, key);
            }
            at += 1;
        }
    }

    /// Does what was asked; false when the worker shall end.
    fn take_work(&mut self) -> bool {
        let now = self.now();
        while let Ok(shaken) = self.shaken.pop() {
            let (leg, key) = (shaken.leg, self.streams.key_of(shaken.leg));
            if let Some(security) = key.and_then(|key| self.wire.security.get_mut(key)) {
                security.shaken(shaken);
                self.wire.event(MediaEvent::Secured { leg });
            }
        }
        let mut opened = 0;
        while let Some(work) = self.first.take().or_else(|| self.work.pop().ok()) {
            match work {
                Work::Open { leg, end, origin } => self.open(now, leg, end, origin),
                Work::Patch { leg, cord } => {
                    if let Some(key) = self.streams.key_of(leg) {
                        self.wire.closed(key);
                        self.wire.set_end(key, FarEnd::Cord(cord));
                    }
                }
                Work::Tape { leg, tape } => {
                    // Of a leg that is closed, the tape ends here.
                    if let Some(key) = self.streams.key_of(leg) {
                        self.wire.set_tape(key, tape);
                    }
                }
                Work::Command(mut command) => {
                    let leg = command.leg();
                    if let MediaCommand::Agree { agreed, .. }
                    | MediaCommand::Open { agreed: Some(agreed), .. } = &mut command
                        && let Some(key) = self.streams.key_of(leg)
                    {
                        self.wire.secure(key, leg, agreed);
                    }
                    let Worker { streams, wire, .. } = self;
                    if !guarded(|| streams.command(now, command, wire))
                        && let Some(key) = self.streams.key_of(leg)
                    {
                        self.abandon(now, key);
                    }
                }
                Work::Shutdown => return false,
            }
            self.wire.free(&self.epoll);
            opened += 1;
            if opened >= BATCH {
                // The streams' slots come first; the rest is taken after them.
                self.first = self.work.pop().ok();
                break;
            }
        }
        true
    }

    fn open(&mut self, now: Timestamp, leg: LegId, end: FarEnd, origin: Origin) {
        let Some(key) = self.streams.open(now, leg, origin) else {
            // The leg is open already: the sockets go back.
            if let FarEnd::Sockets(pair, ..) = end {
                self.wire.freed.push(pair);
            }
            return;
        };
        if let FarEnd::Sockets(pair, ..) = &end {
            pair.drain();
            let listen = |socket: &std::net::UdpSocket, token: u64| {
                epoll::add(&self.epoll, socket, epoll::EventData::new_u64(token), epoll::EventFlags::IN)
            };
            let token = 2 * key as u64;
            if let Err(error) = listen(&pair.rtp, token).and_then(|()| listen(&pair.rtcp, token + 1)) {
                // The leg can still be sent to; the call is told by AudioLost that nothing comes.
                tracing::error!(%error, port = pair.port, "media worker cannot listen");
            }
        }
        self.wire.set_end(key, end);
    }

    /// Ends a stream whose handling failed.
    fn abandon(&mut self, now: Timestamp, key: usize) {
        tracing::error!(stream = key, "a stream failed and was ended");
        add(&self.wire.stats.failed, 1);
        let Worker { streams, wire, .. } = self;
        guarded(|| streams.close(now, key, wire));
        wire.recorded(key);
        self.wire.free(&self.epoll);
    }
}

/// Runs `work`; false when it panicked. What it leaves behind is a stream that is closed at once, never used again.
pub(super) fn guarded(work: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_ok()
}

impl Wire {
    fn read(&mut self, streams: &mut Streams, now: Timestamp, key: usize, is_rtcp: bool, buffer: &mut [u8]) {
        let Some(Some(FarEnd::Sockets(pair, reach, _))) = self.ends.get(key) else { return };
        let socket = if is_rtcp { &pair.rtcp } else { &pair.rtp };
        // An error is one of an earlier send (nobody listens there any more), and reading clears it.
        let Ok((mut length, from)) = socket.recv_from(buffer) else { return };
        // What fills the buffer was longer than any packet that we take.
        if length == buffer.len() {
            return;
        }
        let (mut is_rtcp, mut from) = (is_rtcp, from);
        if let Some(security) = self.security.get_mut(key) {
            let packet = &mut buffer[..length];
            // RFC 7983: what a packet is, by its first octet.
            let first = packet.first().copied().unwrap_or_default();
            if let Some(way) = security.way() {
                if first <= 3 {
                    if let Some(answer) = security.check(from, packet, self.provider.crypto()) {
                        // What the kernel does not take is asked again.
                        let _ = socket.send_to(&answer, from);
                        reach.found(security.way().and_then(Way::peer));
                    }
                    return;
                }
                if !way.knows(from) {
                    return add(&self.stats.refused, 1);
                }
            }
            if (20..=63).contains(&first) {
                return security.record(is_rtcp, from, packet);
            }
            if security.way().is_some() {
                from = FAR_END;
            }
            is_rtcp |= security.is_muxed() && is_report(packet);
            match security.open(packet, is_rtcp) {
                Some(opened) => length = opened,
                None => return add(&self.stats.refused, 1),
            }
            if let Some(ways) = security.ways(false) {
                reach.opened(ways);
            }
        }
        let packet = &mut buffer[..length];
        if is_rtcp {
            streams.received_report(now, key, from, packet);
        } else {
            add(&self.stats.packets_in, 1);
            streams.received(now, key, from, packet, self);
        }
        if let (Some(Some(FarEnd::Sockets(_, reach, _))), Some(came)) =
            (self.ends.get(key), streams.came(key))
        {
            reach.came(came);
        }
    }

    fn set_end(&mut self, key: usize, end: FarEnd) {
        if self.ends.len() <= key {
            self.ends.resize_with(key + 1, || None);
        }
        if matches!(end, FarEnd::Cord(_)) {
            self.corded.push(key);
        }
        self.ends[key] = Some(end);
        self.security.resize_with(self.ends.len(), Security::default);
        self.security[key] = Security::default();
    }

    /// Offer and answer agreed on how the stream is secured. Where the phone is in a browser, the stream knows it as the far
    /// end: where that is, its checks say.
    fn secure(&mut self, key: usize, leg: LegId, agreed: &mut Negotiated) {
        let Wire { ends, security, provider, shaker, reply, now_ms, .. } = self;
        let (Some(security), Some(Some(FarEnd::Sockets(pair, reach, sealed)))) =
            (security.get_mut(key), ends.get_mut(key))
        else {
            return;
        };
        reach.change_clock(*now_ms, units(agreed.codec));
        let kept = reach.handshake_keys().filter(|_| security.is_plain());
        if let (Some(Srtp::Dtls(dtls)), Some(keys)) = (&agreed.srtp, kept) {
            security.had_shaken(dtls, &keys, reach.peer(), provider.crypto());
        } else {
            if !security.stands(agreed.srtp.as_ref()) {
                reach.forget_shaken();
            }
            security.agree(agreed.srtp.as_ref(), provider.as_ref(), |dtls| {
                let sockets = match dtls.rtcp_mux {
                    true => [pair.rtp.try_clone().ok(), None],
                    false => [pair.rtp.try_clone().ok(), pair.rtcp.try_clone().ok()],
                };
                let remote = match dtls.ice {
                    Some(_) => [None; 2],
                    None => [agreed.remote_rtp, agreed.remote_rtcp],
                };
                let (reply, reach) = (reply.clone(), reach.clone());
                shaker.begin(Begin { dtls: dtls.clone(), sockets, remote, leg, reply, reach })
            });
        }
        sealed.take().iter().for_each(|sealed| security.go_on(sealed));
        if security.way().is_some() {
            (agreed.remote_rtp, agreed.remote_rtcp) = (Some(FAR_END), Some(FAR_END));
        }
    }

    /// Sends a packet from a pair of sockets, secured as agreed; false when it could not go.
    fn send_secured(&mut self, stream: usize, to: SocketAddr, packet: &[u8], is_rtcp: bool) -> bool {
        let Wire { ends, security, sealed, now_ms, .. } = self;
        let (Some(Some(FarEnd::Sockets(pair, reach, _))), Some(security)) =
            (ends.get(stream), security.get_mut(stream))
        else {
            return false;
        };
        let socket = if is_rtcp && !security.is_muxed() { &pair.rtcp } else { &pair.rtp };
        let to = match security.way() {
            Some(way) => way.peer(),
            None => Some(to),
        };
        let Some(to) = to else { return false };
        if let Some(header) = rtp::parse(packet).filter(|_| !is_rtcp) {
            reach.sent(*now_ms, header.header.sequence, header.header.timestamp);
        }
        if security.is_plain() {
            return socket.send_to(packet, to).is_ok();
        }
        let Some(place) = sealed.get_mut(..packet.len()) else { return false };
        place.copy_from_slice(packet);
        let length = security.seal(&mut sealed[..], packet.len(), is_rtcp);
        if let Some(ways) = security.ways(is_rtcp) {
            reach.sealed(ways, is_rtcp);
        }
        length.is_some_and(|length| socket.send_to(&sealed[..length], to).is_ok())
    }

    fn set_tape(&mut self, key: usize, tape: Tape) {
        if self.tapes.len() <= key {
            self.tapes.resize_with(key + 1, || None);
        }
        self.tapes[key] = Some(tape);
    }

    fn read_cord(&mut self, streams: &mut Streams, now: Timestamp, key: usize) {
        while let Some(Some(FarEnd::Cord(cord))) = self.ends.get_mut(key)
            && let Some(mut packet) = cord.receive()
        {
            if is_report(&packet) {
                streams.received_report(now, key, FAR_END, &packet);
            } else {
                add(&self.stats.packets_in, 1);
                streams.received(now, key, FAR_END, &mut packet, self);
            }
        }
    }

    /// Stops listening on the sockets of closed streams and sends them back.
    fn free(&mut self, epoll: &OwnedFd) {
        while let Some(pair) = self.freed.pop() {
            // A pair that was never listened on is not there to be removed.
            let _ = epoll::delete(epoll, &pair.rtp);
            let _ = epoll::delete(epoll, &pair.rtcp);
            // There is room for all pairs of the range. When the control thread is gone, they are closed here.
            let _ = self.returned.try_send(pair);
        }
    }

    /// Tells the server what waits to be told.
    fn flush(&mut self) {
        while let Some(event) = self.pending.pop_front() {
            if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
                self.pending.push_front(event);
                return;
            }
        }
    }
}

impl Outlet for Wire {
    fn rtp(&mut self, stream: usize, to: SocketAddr, packet: &[u8]) {
        // One call per packet: each stream has a socket of its own, and the kernel batches only within one.
        // A batch over sockets (io_uring) would gather here and be handed over at the end of the slot.
        let sent = match self.ends.get_mut(stream) {
            Some(Some(FarEnd::Sockets(..))) => self.send_secured(stream, to, packet, false),
            Some(Some(FarEnd::Cord(cord))) => cord.send(packet),
            _ => return,
        };
        add(if sent { &self.stats.packets_out } else { &self.stats.send_failed }, 1);
    }

    fn rtcp(&mut self, stream: usize, to: SocketAddr, packet: &[u8]) {
        let sent = match self.ends.get_mut(stream) {
            Some(Some(FarEnd::Sockets(..))) => self.send_secured(stream, to, packet, true),
            Some(Some(FarEnd::Cord(cord))) => cord.send(packet),
            _ => return,
        };
        if !sent {
            add(&self.stats.send_failed, 1);
        }
    }

    fn is_open(&self, stream: usize) -> bool {
        self.security.get(stream).is_none_or(Security::is_open)
    }

    fn event(&mut self, event: MediaEvent) {
        let event = match self.pending.is_empty() {
            // What was told earlier must arrive earlier.
            false => event,
            true => match self.events.try_send(event) {
                Err(TrySendError::Full(event)) => event,
                Ok(()) | Err(TrySendError::Closed(_)) => return,
            },
        };
        let must_arrive = matches!(event, MediaEvent::PlayEnded { .. } | MediaEvent::Closed { .. });
        if must_arrive || self.pending.len() < PENDING {
            self.pending.push_back(event);
        } else {
            add(&self.stats.events_dropped, 1);
        }
    }

    fn record(&mut self, stream: usize, rate: Rate, samples: &[i16]) {
        if let Some(Some(tape)) = self.tapes.get_mut(stream) {
            tape.write(rate, samples);
        }
    }

    fn recorded(&mut self, stream: usize) {
        self.tapes.get_mut(stream).and_then(Option::take);
    }

    fn closed(&mut self, stream: usize) {
        match self.ends.get_mut(stream).and_then(Option::take) {
            Some(FarEnd::Sockets(pair, ..)) => self.freed.push(pair),
            Some(FarEnd::Cord(_)) => self.corded.retain(|key| *key != stream),
            None => {}
        }
    }

    fn encode(&mut self, clip: &Arc<Clip>, codec: Codec) {
        // When it is full, this playing is encoded as it goes, and the next one asks again.
        let _ = self.to_encode.try_send((clip.clone(), codec));
    }
}
