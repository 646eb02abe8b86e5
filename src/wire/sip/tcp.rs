//! SIP over TCP: the listener, a task to read and one to write per connection.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc;
use tracing::debug;
use tracing::warn;

use crate::sip::Hop;
use crate::sip::Input;
use crate::sip::Transport;
use crate::sip::message::Framed;
use crate::sip::message::StreamFramer;

/// How many connections there may be; one more is closed at once.
const MOST_CONNECTIONS: usize = 4_096;

/// How many messages may wait to be written to one peer; a peer that reads slower than that is cut off.
const WRITE_BACKLOG: usize = 256;

/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How long a connection may be silent both ways: longer than any registration.
const IDLE: Duration = Duration::from_secs(2 * 3_600);

/// The pause after an accept that failed, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The writers of open connections, by peer.
type Writers = Arc<Mutex<HashMap<SocketAddr, mpsc::Sender<Bytes>>>>;

/// The listener and its connections.
pub(super) struct Connections {
    shared: Shared,
}

#[derive(Clone)]
struct Shared {
    local: SocketAddr,
    writers: Writers,
    arrived: mpsc::Sender<Input>,
}

impl Connections {
    /// Listens on `address`.
    pub(super) async fn listen(address: SocketAddr, arrived: mpsc::Sender<Input>) -> io::Result<Connections> {
        let listener = TcpListener::bind(address).await?;
        let shared = Shared { local: listener.local_addr()?, writers: Writers::default(), arrived };
        tokio::spawn(accept(listener, shared.clone()));
        Ok(Connections { shared })
    }

    /// Sends over the connection to the peer, or a new one.
    pub(super) fn send(&mut self, hop: Hop, bytes: Bytes) {
        let writer = self.shared.writer(hop.remote);
        let writer = match writer {
            Some(writer) => writer,
            None => {
                let Some((writer, queue)) = self.shared.enlist(hop.remote) else { return };
                tokio::spawn(connect(hop.remote, queue, self.shared.clone()));
                writer
            }
        };
        if writer.try_send(bytes).is_err() {
            debug!(peer = %hop.remote, "a stream's peer reads too slowly, or is gone: cut off");
            self.shared.forget(hop.remote);
        }
    }
}

impl Shared {
    fn writers(&self) -> std::sync::MutexGuard<'_, HashMap<SocketAddr, mpsc::Sender<Bytes>>> {
        // Nothing panics while it holds the lock, and the map is whole between any two calls on it.
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self, peer: SocketAddr) -> Option<mpsc::Sender<Bytes>> {
        self.writers().get(&peer).cloned()
    }

    /// A place for one more connection, or none when there are too many.
    fn enlist(&self, peer: SocketAddr) -> Option<(mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>)> {
        let mut writers = self.writers();
        if writers.len() >= MOST_CONNECTIONS {
            warn!(most = MOST_CONNECTIONS, "too many SIP connections: one more was refused");
            return None;
        }
        let (writer, queue) = mpsc::channel(WRITE_BACKLOG);
        writers.insert(peer, writer.clone());
        Some((writer, queue))
    }

    fn forget(&self, peer: SocketAddr) {
        self.writers().remove(&peer);
    }

    fn hop(&self, peer: SocketAddr) -> Hop {
        Hop { transport: Transport::Tcp, local: self.local, remote: peer }
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Some((_, queue)) = shared.enlist(peer) {
                    tokio::spawn(carry(stream, peer, queue, shared.clone()));
                }
            }
            Err(error) => {
                debug!(%error, "a SIP connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connect(peer: SocketAddr, queue: mpsc::Receiver<Bytes>, shared: Shared) {
    match tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(peer)).await {
        Ok(Ok(stream)) => carry(stream, peer, queue, shared).await,
        _ => {
            shared.forget(peer);
            let _ = shared.arrived.send(Input::HopFailed { hop: shared.hop(peer) }).await;
        }
    }
}

/// Reads and writes one connection until either side is done with it.
async fn carry(stream: TcpStream, peer: SocketAddr, queue: mpsc::Receiver<Bytes>, shared: Shared) {
    // A SIP message is one write: waiting to fill a segment would only delay it.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    tokio::select! {
        () = read(reader, peer, &shared) => {}
        () = write(writer, queue) => {}
    }
    shared.forget(peer);
    let _ = shared.arrived.send(Input::HopFailed { hop: shared.hop(peer) }).await;
}

async fn read(mut reader: OwnedReadHalf, peer: SocketAddr, shared: &Shared) {
    let mut framer = StreamFramer::new();
    let mut buffer = vec![0; 16 << 10];
    let hop = shared.hop(peer);
    loop {
        let length = match tokio::time::timeout(IDLE, reader.read(&mut buffer)).await {
            Ok(Ok(length)) if length > 0 => length,
            _ => return,
        };
        framer.push(&buffer[..length]);
        loop {
            match framer.next() {
                // A peer that asks whether we are there gets one line end back (RFC 5626 §4.4.1); one that
                // does not read it is cut off elsewhere.
                Ok(Some(Framed::Ping)) => {
                    let _ = shared.writer(peer).map(|writer| writer.try_send(Bytes::from_static(b"\r\n")));
                }
                Ok(Some(Framed::Message(bytes))) => {
                    if shared.arrived.send(Input::Received { hop, bytes }).await.is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => return debug!(%error, "a stream lost its framing and was closed"),
            }
        }
    }
}

async fn write(mut writer: OwnedWriteHalf, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = queue.recv().await {
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
