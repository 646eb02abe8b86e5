//! The thread behind the one UDP port: whose packet it is, and what goes out.
//!
//! A packet belongs to the connection whose ICE check last passed from its address; a check of an unknown
//! address names the connection itself. Everything else is dropped.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use std::time::Instant;

use rustix::event::epoll;
use rustix::time::Timespec;
use tokio::sync::mpsc;

use crate::base::Entropy;
use crate::base::LegId;
use crate::media::rtp::MAX_PACKET;
use crate::media::stream::FRAME;
use crate::sdp;
use crate::sdp::Codec;
use crate::sdp::Direction;
use crate::sdp::Local;
use crate::sdp::LocalIce;
use crate::sdp::browser::Secured;
use crate::wire::bell::Bell;
use crate::wire::cord::BrowserEnd;
use crate::wire::cord::FAR_END;
use crate::wire::dtls::Identity;
use crate::wire::ice;
use crate::wire::webrtc::BrowserEvent;
use crate::wire::webrtc::ConnectionId;
use crate::wire::webrtc::WebrtcStats;
use crate::wire::webrtc::connection::Change;
use crate::wire::webrtc::connection::Connection;

/// Packets that are read between two looks at everything else.
const BATCH: usize = 128;
/// Connections at one time; the next offer is refused.
const CONNECTIONS: usize = 4_096;
/// Addresses that are remembered for one connection: a browser checks from each of its networks.
const ADDRESSES: usize = 16;

const SOCKET: u64 = 0;
const WAKE: u64 = 1;

/// What the thread is asked.
pub(super) enum Work {
    Accept { connection: ConnectionId, offer: String },
    Lay { leg: LegId, cord: BrowserEnd },
    Patch { leg: LegId, connection: ConnectionId },
    Close { connection: ConnectionId },
    Shutdown,
}

/// A connection and what belongs to it.
struct Place {
    connection: Connection,
    /// Where its checks passed from, the latest last.
    addresses: Vec<SocketAddr>,
    /// The leg that it carries.
    leg: Option<LegId>,
    /// Its entry among the deadlines.
    due: Instant,
}

/// A cord whose stream is open.
struct Laid {
    cord: BrowserEnd,
    connection: Option<ConnectionId>,
}

/// See the module.
pub(super) struct Port {
    wire: Wire,
    /// The address that browsers are told.
    told: SocketAddr,
    codecs: Vec<Codec>,
    identity: Arc<Identity>,
    work: Receiver<Work>,
    /// Work that was taken from the queue and not yet done.
    first: Option<Work>,
    bell: Arc<Bell>,
    epoll: OwnedFd,
    events: mpsc::Sender<BrowserEvent>,
    entropy: Entropy,
    started: Instant,
    places: HashMap<ConnectionId, Place>,
    by_address: HashMap<SocketAddr, ConnectionId>,
    by_ufrag: HashMap<String, ConnectionId>,
    cords: HashMap<LegId, Laid>,
    due: BTreeSet<(Instant, ConnectionId)>,
    buffer: Box<[u8; MAX_PACKET + 1]>,
}

/// What connections send through.
struct Wire {
    socket: UdpSocket,
    stats: Arc<WebrtcStats>,
}

impl Wire {
    fn send(&self, to: SocketAddr, packet: &[u8]) {
        // What the kernel does not take is lost, as it may be on any network.
        if self.socket.send_to(packet, to).is_ok() {
            add(&self.stats.packets_out);
        }
    }
}

/// Adds to a counter that has one writer: no locked instruction is needed.
fn add(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

impl Port {
    #[expect(clippy::too_many_arguments, reason = "called once, by what makes each of them")]
    pub fn new(
        socket: UdpSocket,
        told: SocketAddr,
        codecs: Vec<Codec>,
        identity: Arc<Identity>,
        work: Receiver<Work>,
        bell: Arc<Bell>,
        events: mpsc::Sender<BrowserEvent>,
        stats: Arc<WebrtcStats>,
        entropy: Entropy,
    ) -> io::Result<Port> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &socket, epoll::EventData::new_u64(SOCKET), epoll::EventFlags::IN)?;
        // Edge-triggered: it needs not to be read to ring again.
        let once = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &*bell, epoll::EventData::new_u64(WAKE), once)?;
        Ok(Port {
            wire: Wire { socket, stats },
            told,
            codecs,
            identity,
            work,
            first: None,
            bell,
            epoll,
            events,
            entropy,
            started: Instant::now(),
            places: HashMap::new(),
            by_address: HashMap::new(),
            by_ufrag: HashMap::new(),
            cords: HashMap::new(),
            due: BTreeSet::new(),
            buffer: Box::new([0; MAX_PACKET + 1]),
        })
    }

    /// Works until it is told to shut down.
    pub fn run(mut self) {
        let mut ready: Vec<epoll::Event> = Vec::with_capacity(2);
        loop {
            self.sleep(&mut ready);
            if ready.iter().any(|event| event.data.u64() == SOCKET) {
                self.read();
            }
            if !self.take_work() {
                return;
            }
            self.pass_on();
            self.tick();
            self.wire.stats.connections.store(self.places.len() as u64, Ordering::Relaxed);
        }
    }

    fn sleep(&mut self, ready: &mut Vec<epoll::Event>) {
        ready.clear();
        self.bell.hang();
        // What came before the bell was hung is done now, not slept over.
        self.first = self.work.try_recv().ok();
        let waiting = self.first.is_some() || self.cords.values().any(|laid| laid.cord.has_packets());
        let now = Instant::now();
        let patience = self.due.first().map(|(due, _)| due.saturating_duration_since(now));
        let patience = if waiting { Some(Duration::ZERO) } else { patience };
        let timeout = patience.and_then(|patience| Timespec::try_from(patience).ok());
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(ready), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // Nothing can be wrong with descriptors of our own; if it is, do not spin.
            Err(error) => {
                tracing::error!(%error, "the thread of the browsers cannot wait");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        self.bell.take_down();
    }

    /// Reads what has come, up to a bound: the rest is found at the next look.
    fn read(&mut self) {
        let now = Instant::now();
        for _ in 0..BATCH {
            match self.wire.socket.recv_from(&mut self.buffer[..]) {
                // What fills the buffer was longer than any packet that we take.
                Ok((length, from)) if length < self.buffer.len() => self.received(now, from, length),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An error of an earlier send (nobody listens there any more); reading clears it.
                Err(_) => {}
            }
        }
    }

    fn received(&mut self, now: Instant, from: SocketAddr, length: usize) {
        add(&self.wire.stats.packets_in);
        let ufrag = ice::asks_for(&self.buffer[..length]);
        let (id, is_check) = match ufrag {
            Some(ufrag) => (self.by_ufrag.get(ufrag), true),
            None => (self.by_address.get(&from), false),
        };
        let Some(&id) = id else { return add(&self.wire.stats.refused) };
        let packet = &mut self.buffer[..length];
        let Some(place) = self.places.get_mut(&id) else { return };
        let wire = &self.wire;
        let mut send = |to: SocketAddr, packet: &[u8]| wire.send(to, packet);
        if is_check {
            let passed = guarded(|| place.connection.check(now, from, packet, &mut send));
            match passed {
                Some(true) => self.learn(id, from),
                Some(false) => add(&self.wire.stats.refused),
                None => return self.broken(id),
            }
        } else {
            match guarded(|| place.connection.receive(now, packet, &mut send)) {
                Some(Some(length)) => {
                    if let Some(laid) = place.leg.and_then(|leg| self.cords.get_mut(&leg)) {
                        laid.cord.send(&self.buffer[..length]);
                    }
                }
                Some(None) => {}
                None => return self.broken(id),
            }
        }
        self.look_at(id);
    }

    /// Packets from this address are this connection's.
    fn learn(&mut self, id: ConnectionId, from: SocketAddr) {
        if self.by_address.insert(from, id) == Some(id) {
            return;
        }
        let Some(place) = self.places.get_mut(&id) else { return };
        place.addresses.push(from);
        if place.addresses.len() > ADDRESSES {
            let oldest = place.addresses.remove(0);
            self.by_address.remove(&oldest);
        }
    }

    /// Tells what has become of a connection, and minds when it is next due.
    fn look_at(&mut self, id: ConnectionId) {
        let Some(place) = self.places.get_mut(&id) else { return };
        let change = place.connection.change();
        let due = place.connection.deadline();
        if due != place.due {
            self.due.remove(&(place.due, id));
            self.due.insert((due, id));
            place.due = due;
        }
        match change {
            Some(Change::Up) => self.tell(BrowserEvent::Up { connection: id }),
            Some(Change::Silent) => self.tell(BrowserEvent::Silent { connection: id }),
            Some(Change::Back) => self.tell(BrowserEvent::Back { connection: id }),
            Some(Change::Over(why)) => {
                self.forget(id);
                self.tell(BrowserEvent::Over { connection: id, why });
            }
            None => {}
        }
    }

    fn broken(&mut self, id: ConnectionId) {
        tracing::error!(connection = id.0, "a browser's connection failed by our fault and was ended");
        self.forget(id);
        self.tell(BrowserEvent::Over { connection: id, why: "internal error".to_owned() });
    }

    fn tell(&self, event: BrowserEvent) {
        // The control thread takes events many times a second. It fails only when that is gone.
        let _ = self.events.blocking_send(event);
    }

    fn forget(&mut self, id: ConnectionId) -> Option<Place> {
        let place = self.places.remove(&id)?;
        self.due.remove(&(place.due, id));
        self.by_ufrag.remove(&place.connection.ice.local.ufrag);
        for address in &place.addresses {
            if self.by_address.get(address) == Some(&id) {
                self.by_address.remove(address);
            }
        }
        if let Some(laid) = place.leg.and_then(|leg| self.cords.get_mut(&leg)) {
            laid.connection = None;
        }
        Some(place)
    }

    /// Does what was asked; false when the thread shall end.
    fn take_work(&mut self) -> bool {
        while let Some(work) = self.first.take().or_else(|| self.work.try_recv().ok()) {
            match work {
                Work::Accept { connection, offer } => self.accept(connection, &offer),
                Work::Lay { leg, cord } => {
                    self.cords.insert(leg, Laid { cord, connection: None });
                }
                Work::Patch { leg, connection } => self.patch(leg, connection),
                Work::Close { connection } => {
                    if let Some(mut place) = self.forget(connection) {
                        let wire = &self.wire;
                        place.connection.close(Instant::now(), &mut |to, packet| wire.send(to, packet));
                    }
                }
                Work::Shutdown => return false,
            }
        }
        true
    }

    fn accept(&mut self, id: ConnectionId, offer: &str) {
        let event = match self.begin(id, offer) {
            Ok(event) => event,
            Err(why) => BrowserEvent::Over { connection: id, why },
        };
        self.tell(event);
    }

    fn begin(&mut self, id: ConnectionId, offer: &str) -> Result<BrowserEvent, String> {
        if self.places.len() >= CONNECTIONS {
            return Err("too many browsers are connected".to_owned());
        }
        let ours = Secured {
            local: Local {
                address: self.told.ip(),
                port: self.told.port(),
                codecs: self.codecs.clone(),
                direction: Direction::SendRecv,
                session: u64::from(self.entropy.u32()),
                version: 1,
                keys_by_info: false,
                srtp: None,
            },
            ice: LocalIce::draw(&mut self.entropy),
            fingerprint: self.identity.fingerprint.clone(),
        };
        let mut answer = sdp::browser::answer(offer, &ours).map_err(|error| error.to_string())?;
        let now = Instant::now();
        let (identity, ufrag) = (self.identity.clone(), answer.ice.local.ufrag.clone());
        let connection = Connection::new(
            now,
            identity,
            answer.ice,
            &answer.fingerprint,
            answer.agreed.codec,
            &mut self.entropy,
        )?;
        let due = connection.deadline();
        self.due.insert((due, id));
        self.by_ufrag.insert(ufrag, id);
        self.places.insert(id, Place { connection, addresses: Vec::new(), leg: None, due });
        answer.agreed.remote_rtp = Some(FAR_END);
        answer.agreed.remote_rtcp = Some(FAR_END);
        Ok(BrowserEvent::Answered { connection: id, sdp: answer.sdp, agreed: answer.agreed })
    }

    fn patch(&mut self, leg: LegId, id: ConnectionId) {
        let (Some(place), Some(laid)) = (self.places.get_mut(&id), self.cords.get_mut(&leg)) else { return };
        let before = place.leg.replace(leg);
        let other = laid.connection.replace(id);
        // What came for nobody is too old to be played now.
        while laid.cord.receive().is_some() {}
        if let Some(laid) = before.filter(|before| *before != leg).and_then(|leg| self.cords.get_mut(&leg)) {
            laid.connection = None;
        }
        if let Some(place) = other.filter(|other| *other != id).and_then(|id| self.places.get_mut(&id)) {
            place.leg = None;
        }
    }

    /// Sends on what the streams have, and drops the cords whose streams have closed.
    fn pass_on(&mut self) {
        let frame = (self.started.elapsed().as_micros() / FRAME.as_micros()) as u64;
        let (places, wire) = (&mut self.places, &self.wire);
        let mut failed = None;
        self.cords.retain(|leg, laid| {
            let mut place = laid.connection.and_then(|id| places.get_mut(&id));
            while let Some(mut packet) = laid.cord.receive() {
                let Some(place) = &mut place else { continue };
                let mut send = |to: SocketAddr, packet: &[u8]| wire.send(to, packet);
                if guarded(|| place.connection.send(frame, &mut packet, &mut send)).is_none() {
                    failed = laid.connection;
                }
            }
            let loose = laid.cord.is_loose();
            if let Some(place) = place.filter(|place| loose && place.leg == Some(*leg)) {
                place.leg = None;
            }
            !loose
        });
        if let Some(id) = failed {
            self.broken(id);
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        while let Some(&(due, id)) = self.due.first()
            && due <= now
        {
            let Some(place) = self.places.get_mut(&id) else {
                self.due.pop_first();
                continue;
            };
            let wire = &self.wire;
            let mut send = |to: SocketAddr, packet: &[u8]| wire.send(to, packet);
            if guarded(|| place.connection.tick(now, &mut send)).is_none() {
                self.broken(id);
                continue;
            }
            self.look_at(id);
            // A deadline that stays where it was would be met for ever.
            if self.due.first() == Some(&(due, id)) {
                tracing::error!(connection = id.0, "a deadline did not move");
                self.broken(id);
            }
        }
    }
}

/// Runs `work` for one connection; none when it panicked, and then that connection alone is given up.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
