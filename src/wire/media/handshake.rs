//! The thread that shakes hands by DTLS with phones, so that no frame waits for a signature: records in, records out, and
//! at the end the keys, which go to the worker of the stream.
//!
//! A worker hands over what came on its sockets; what goes, goes from the same sockets. Reports that have a port of their
//! own have a handshake of their own ([RFC 5764 §4.1.2](https://www.rfc-editor.org/rfc/rfc5764#section-4.1.2)).

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use std::time::Instant;

use bytes::BytesMut;
use rtc_dtls::config::HandshakeConfig;
use rtc_dtls::endpoint::Endpoint;
use rtc_dtls::endpoint::EndpointEvent;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;
use rtrb::Producer;

use crate::base::LegId;
use crate::media::srtp::Ways;
use crate::sdp::Dtls;
use crate::sdp::Fingerprint;
use crate::sdp::dtls::Setup;
use crate::wire::bell::Bell;
use crate::wire::cord::FAR_END;
use crate::wire::dtls::Identity;
use crate::wire::media::reach::Reach;
use crate::wire::media::tell;
use crate::wire::media::worker::guarded;

/// What may wait for the thread. When it is full, a record is lost, as on any network, and a stream that would begin is
/// silent.
const QUEUE: usize = 4_096;
/// So long after its beginning a handshake is over, one way or the other; until then a peer that missed our last words
/// is told them again.
const OVER_AFTER: Duration = Duration::from_secs(60);
/// How often a handshake begins anew after it failed: a stranger who answers before the peer does must not end it.
const TRIES: u32 = 20;

/// Asks the thread. Cheap to clone.
#[derive(Clone)]
pub(super) struct Shaker {
    ask: SyncSender<Asked>,
    next: Arc<AtomicU64>,
}

/// One stream's handshakes, while it needs them.
pub(super) struct Ticket {
    id: u64,
    ask: SyncSender<Asked>,
}

/// What a handshake needs. Of both pairs the first is the audio's, the second the reports', where they have their own.
pub(super) struct Begin {
    pub dtls: Dtls,
    pub sockets: [Option<UdpSocket>; 2],
    pub remote: [Option<SocketAddr>; 2],
    pub leg: LegId,
    pub reply: Reply,
    /// Where keys are noted for a process that goes on with the stream.
    pub reach: Arc<Reach>,
}

/// Where keys go: to the worker of the stream.
#[derive(Clone)]
pub(super) struct Reply {
    pub shaken: Arc<Mutex<Producer<Shaken>>>,
    pub bell: Arc<Bell>,
}

/// The keys of a stream, or of its reports.
pub(super) struct Shaken {
    pub leg: LegId,
    pub ticket: u64,
    pub is_rtcp: bool,
    pub ways: Box<Ways>,
}

enum Asked {
    Begin(u64, Box<Begin>),
    Record { id: u64, is_rtcp: bool, from: SocketAddr, octets: BytesMut },
    End(u64),
}

impl Shaker {
    /// Starts the thread, and tells what certificate it shows. It ends when the last [`Shaker`] has.
    pub fn start() -> io::Result<(Shaker, Fingerprint)> {
        let identity = Identity::new().map_err(io::Error::other)?;
        let fingerprint = identity.fingerprint.clone();
        let (ask, asked) = sync_channel(QUEUE);
        let hands = Hands { identity, shaking: HashMap::new() };
        std::thread::Builder::new().name("dtls".to_owned()).spawn(move || hands.run(&asked))?;
        Ok((Shaker { ask, next: Arc::default() }, fingerprint))
    }

    /// Begins; none when too much waits.
    pub fn begin(&self, begin: Begin) -> Option<Ticket> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.ask.try_send(Asked::Begin(id, Box::new(begin))).ok()?;
        Some(Ticket { id, ask: self.ask.clone() })
    }
}

impl Ticket {
    /// Tells it from those of other streams, and earlier ones of this.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// A record came.
    pub fn record(&self, is_rtcp: bool, from: SocketAddr, octets: &[u8]) {
        let octets = BytesMut::from(octets);
        let _ = self.ask.try_send(Asked::Record { id: self.id, is_rtcp, from, octets });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // When it is full, the handshake ends by its time.
        let _ = self.ask.try_send(Asked::End(self.id));
    }
}

/// See the module.
struct Hands {
    identity: Identity,
    shaking: HashMap<u64, Vec<Shaking>>,
}

/// One handshake.
struct Shaking {
    is_rtcp: bool,
    setup: Setup,
    config: Arc<HandshakeConfig>,
    endpoint: Endpoint,
    socket: UdpSocket,
    /// Where the peer is: where its signalling says, then where its records come from.
    peer: Option<SocketAddr>,
    until: Instant,
    tries: u32,
    leg: LegId,
    reply: Reply,
    reach: Arc<Reach>,
    is_complete: bool,
}

impl Hands {
    fn run(mut self, asked: &Receiver<Asked>) {
        loop {
            let asked = match self.deadline() {
                None => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => asked.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            let now = Instant::now();
            match asked {
                Ok(Asked::Begin(id, begin)) => self.begin(now, id, *begin),
                Ok(Asked::Record { id, is_rtcp, from, octets }) => {
                    self.record(now, id, is_rtcp, from, octets);
                }
                Ok(Asked::End(id)) => _ = self.shaking.remove(&id),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.tick(now);
        }
    }

    fn begin(&mut self, now: Instant, id: u64, begin: Begin) {
        let Begin { dtls, sockets, remote, leg, reply, reach } = begin;
        let config = match self.identity.handshake(dtls.setup, &dtls.fingerprint) {
            Ok(config) => config,
            Err(error) => return tracing::error!(%error, "a phone's handshake cannot begin"),
        };
        let mut handshakes = Vec::new();
        for (is_rtcp, (socket, peer)) in [false, true].into_iter().zip(sockets.into_iter().zip(remote)) {
            let Some(socket) = socket else { continue };
            let mut shaking = Shaking {
                is_rtcp,
                setup: dtls.setup,
                config: config.clone(),
                endpoint: endpoint(dtls.setup, &config),
                socket,
                peer,
                until: now + OVER_AFTER,
                tries: 0,
                leg,
                reply: reply.clone(),
                reach: reach.clone(),
                is_complete: false,
            };
            shaking.connect(now);
            handshakes.push(shaking);
        }
        self.shaking.insert(id, handshakes);
    }

    fn record(&mut self, now: Instant, id: u64, is_rtcp: bool, from: SocketAddr, octets: BytesMut) {
        let Hands { identity, shaking } = self;
        let mut handshakes = shaking.get_mut(&id).into_iter().flatten();
        let Some(shaking) = handshakes.find(|shaking| shaking.is_rtcp == is_rtcp) else { return };
        if !guarded(|| shaking.record(now, id, from, octets, identity)) {
            // It is used no more.
            self.shaking.remove(&id);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.shaking.values().flatten().map(Shaking::deadline).min()
    }

    fn tick(&mut self, now: Instant) {
        self.shaking.retain(|_, handshakes| {
            handshakes.retain_mut(|shaking| {
                shaking.tick(now);
                now < shaking.until
            });
            !handshakes.is_empty()
        });
    }
}

/// The other end is where records come from: which address that is does not matter to DTLS.
fn endpoint(setup: Setup, config: &Arc<HandshakeConfig>) -> Endpoint {
    let as_server = (setup == Setup::Passive).then(|| config.clone());
    Endpoint::new(FAR_END, TransportProtocol::UDP, as_server)
}

impl Shaking {
    fn connect(&mut self, now: Instant) {
        if self.setup == Setup::Active
            && let Err(error) = self.endpoint.connect(now, FAR_END, self.config.clone(), None)
        {
            tracing::debug!(%error, leg = %self.leg, "a handshake did not begin");
        }
        self.send();
    }

    fn record(&mut self, now: Instant, ticket: u64, from: SocketAddr, octets: BytesMut, identity: &Identity) {
        if !self.is_complete {
            self.peer = Some(from);
        }
        let events = self.endpoint.read(now, FAR_END, None, octets);
        self.send();
        match events {
            Ok(events) => {
                if events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete)) {
                    self.complete(ticket, identity);
                }
            }
            Err(error) => self.failed(now, &error),
        }
    }

    fn failed(&mut self, now: Instant, error: &Error) {
        // An established connection does not end by a record that makes no sense.
        if self.is_complete {
            return;
        }
        tracing::debug!(%error, leg = %self.leg, "a handshake failed");
        self.tries += 1;
        if self.tries < TRIES {
            self.endpoint = endpoint(self.setup, &self.config);
            self.connect(now);
        }
    }

    fn complete(&mut self, ticket: u64, identity: &Identity) {
        let Some(state) = self.endpoint.get_connection_state(FAR_END) else { return };
        let keys = identity.keys(state);
        let ways = keys.and_then(|keys| Ok((identity.ways(state)?, keys)));
        match ways {
            Ok((ways, keys)) => {
                self.is_complete = true;
                self.reach.shaken(self.is_rtcp, keys);
                let (leg, is_rtcp, ways) = (self.leg, self.is_rtcp, Box::new(ways));
                let Reply { shaken, bell } = &self.reply;
                let mut shaken = shaken.lock().unwrap_or_else(PoisonError::into_inner);
                tell(&mut shaken, bell, Shaken { leg, ticket, is_rtcp, ways });
            }
            Err(error) => tracing::debug!(%error, leg = %self.leg, "a handshake brought no keys"),
        }
    }

    fn send(&mut self) {
        while let Some(record) = self.endpoint.poll_transmit() {
            if let Some(peer) = self.peer {
                // What the kernel does not take is sent again, as what is lost.
                let _ = self.socket.send_to(&record.message, peer);
            }
        }
    }

    fn deadline(&self) -> Instant {
        self.endpoint.poll_timeout(&FAR_END).map_or(self.until, |due| due.min(self.until))
    }

    fn tick(&mut self, now: Instant) {
        if self.endpoint.poll_timeout(&FAR_END).is_some_and(|due| due <= now) {
            let done = self.endpoint.handle_timeout(FAR_END, now);
            self.send();
            if let Err(error) = done {
                self.failed(now, &error);
            }
        }
    }
}
