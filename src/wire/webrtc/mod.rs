//! Browsers over WebRTC: one UDP port for all of them, one thread that owns their connections, and the one
//! handle that steers it.
//!
//! A connection carries one stream at a time, through a cord (`wire::cord`) whose other end is in a media
//! worker. What is said and who hears whom is decided elsewhere; here is how it gets to a browser and back. No
//! type of a WebRTC crate leaves this folder.

mod connection;
mod port;
mod reports;

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::TrySendError;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use crate::base::Entropy;
use crate::base::LegId;
use crate::sdp::Codec;
use crate::sdp::Negotiated;
use crate::wire::bell::Bell;
use crate::wire::cord::StreamEnd;
use crate::wire::cord::cord;
use crate::wire::dtls::Identity;
use crate::wire::webrtc::port::Port;
use crate::wire::webrtc::port::Work;

/// Work that may wait for the thread; beyond it an offer is refused, and anything else waits for room.
const QUEUE: usize = 4_096;

/// One browser's connection. Numbered by the control thread and never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// How the port for browsers is set up.
#[derive(Clone, Debug)]
pub struct WebrtcConfig {
    /// The UDP address that is bound.
    pub bind: SocketAddr,
    /// The address that browsers are told, where it is not the one that is bound.
    pub public_address: Option<IpAddr>,
    /// Codecs that are taken.
    pub codecs: Vec<Codec>,
}

/// What a connection tells.
#[derive(Clone, Debug, PartialEq)]
pub enum BrowserEvent {
    /// Our answer to its offer, and what is agreed on.
    Answered { connection: ConnectionId, sdp: String, agreed: Negotiated },
    /// It is up: audio flows as soon as it is patched to a leg.
    Up { connection: ConnectionId },
    /// Nothing comes from the browser any more; it may come again.
    Silent { connection: ConnectionId },
    /// It comes again.
    Back { connection: ConnectionId },
    /// Its offer was refused, or it is over. The last event of a connection.
    Over { connection: ConnectionId, why: String },
}

/// What the thread counts. Written by it only, read by anybody.
#[derive(Debug, Default)]
pub struct WebrtcStats {
    /// Connections now.
    pub connections: AtomicU64,
    pub packets_in: AtomicU64,
    pub packets_out: AtomicU64,
    /// Packets that nobody could be found for, or that made no sense.
    pub refused: AtomicU64,
}

/// The port for browsers. Owned by the one control thread; dropping it ends the thread, too.
#[derive(Debug)]
pub struct Browsers {
    work: SyncSender<Work>,
    bell: Arc<Bell>,
    stats: Arc<WebrtcStats>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Browsers {
    /// Binds the port and starts its thread. `events` is bounded; the thread waits for room in it.
    pub fn start(config: WebrtcConfig, events: mpsc::Sender<BrowserEvent>) -> io::Result<Browsers> {
        let socket = UdpSocket::bind(config.bind)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
        let identity = Arc::new(Identity::new().map_err(io::Error::other)?);
        let (work, queue) = sync_channel(QUEUE);
        let bell = Arc::new(Bell::new()?);
        let stats = Arc::new(WebrtcStats::default());
        let told = SocketAddr::new(config.public_address.unwrap_or(address.ip()), address.port());
        let port = Port::new(
            socket,
            told,
            config.codecs,
            identity,
            queue,
            bell.clone(),
            events,
            stats.clone(),
            Entropy::new(seed),
        )?;
        let thread = std::thread::Builder::new().name("webrtc".to_owned()).spawn(move || port.run())?;
        Ok(Browsers { work, bell, stats, address, thread: Some(thread) })
    }

    /// The address bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the thread counted so far.
    pub fn stats(&self) -> &Arc<WebrtcStats> {
        &self.stats
    }

    /// Answers a browser's offer: [`BrowserEvent::Answered`] or [`BrowserEvent::Over`] follows. False when too
    /// much work waits.
    pub fn accept(&self, connection: ConnectionId, offer: String) -> bool {
        let taken = self.work.try_send(Work::Accept { connection, offer });
        self.bell.ring();
        !matches!(taken, Err(TrySendError::Full(_)))
    }

    /// Lays a cord for a leg, whose browser's end waits to be patched to a connection.
    pub fn lay(&self, leg: LegId) -> StreamEnd {
        let (stream, browser) = cord(self.bell.clone());
        self.queue(Work::Lay { leg, cord: browser });
        stream
    }

    /// Lets a connection carry a leg, in place of what either carried or was carried by before.
    pub fn patch(&self, leg: LegId, connection: ConnectionId) {
        self.queue(Work::Patch { leg, connection });
    }

    /// Ends a connection; no event follows.
    pub fn close(&self, connection: ConnectionId) {
        self.queue(Work::Close { connection });
    }

    fn queue(&self, work: Work) {
        // It fails only when the thread is gone, and then there is nobody to tell.
        let _ = self.work.send(work);
        self.bell.ring();
    }
}

impl Drop for Browsers {
    fn drop(&mut self) {
        self.queue(Work::Shutdown);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the browsers had failed");
        }
    }
}

#[cfg(test)]
mod tests;
