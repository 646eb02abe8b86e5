//! SIP over TCP or TLS: the listener, a task to read and one to write per connection.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::client::TlsStream;
use tracing::debug;
use tracing::warn;

use super::MOST_CONNECTIONS;
use super::WRITE_BACKLOG;
use crate::sip::Hop;
use crate::sip::Input;
use crate::sip::Transport;
use crate::sip::message::Framed;
use crate::sip::message::StreamFramer;
use crate::wire::tls::TlsClient;
use crate::wire::tls::TlsServer;

/// How long a connection may take to be made, keys included.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How long a connection may be silent both ways: longer than any registration.
const IDLE: Duration = Duration::from_secs(2 * 3_600);

/// The pause after an accept that failed, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The writers of open connections, by peer.
type Writers = Arc<Mutex<HashMap<SocketAddr, mpsc::Sender<Bytes>>>>;

/// TLS for both directions.
#[derive(Clone)]
pub struct Keys {
    pub server: TlsServer,
    pub client: TlsClient,
}

/// The listener and its connections.
pub(super) struct Connections {
    shared: Shared,
}

#[derive(Clone)]
struct Shared {
    local: SocketAddr,
    /// None: plain TCP.
    keys: Option<Keys>,
    writers: Writers,
    arrived: mpsc::Sender<Input>,
}

impl Connections {
    /// Listens on `address`: with keys for TLS, without for TCP.
    pub(super) async fn listen(
        address: SocketAddr,
        keys: Option<Keys>,
        arrived: mpsc::Sender<Input>,
    ) -> io::Result<Connections> {
        let listener = TcpListener::bind(address).await?;
        let shared = Shared { local: listener.local_addr()?, keys, writers: Writers::default(), arrived };
        tokio::spawn(accept(listener, shared.clone()));
        Ok(Connections { shared })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.shared.local
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

    /// The connection to the peer is no more.
    async fn ended(&self, peer: SocketAddr) {
        self.forget(peer);
        let _ = self.arrived.send(Input::HopFailed { hop: self.hop(peer) }).await;
    }

    fn hop(&self, peer: SocketAddr) -> Hop {
        let transport = if self.keys.is_some() { Transport::Tls } else { Transport::Tcp };
        Hop { transport, local: self.local, remote: peer }
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Some((_, queue)) = shared.enlist(peer) {
                    tokio::spawn(welcome(stream, peer, queue, shared.clone()));
                }
            }
            Err(error) => {
                debug!(%error, "a SIP connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A connection that a peer opened.
async fn welcome(stream: TcpStream, peer: SocketAddr, queue: mpsc::Receiver<Bytes>, shared: Shared) {
    at_once(&stream);
    match &shared.keys {
        None => carry(stream.into_split(), peer, queue, &shared).await,
        Some(keys) => match keys.server.accept(stream).await {
            Ok(stream) => carry(tokio::io::split(stream), peer, queue, &shared).await,
            Err(error) => debug!(%peer, %error, "a peer and we did not agree on keys"),
        },
    }
    shared.ended(peer).await;
}

/// A connection that we open.
async fn connect(peer: SocketAddr, queue: mpsc::Receiver<Bytes>, shared: Shared) {
    let made = async {
        let stream = TcpStream::connect(peer).await?;
        at_once(&stream);
        io::Result::Ok(match &shared.keys {
            None => Made::Plain(stream),
            Some(keys) => Made::Tls(Box::new(keys.client.connect(peer, stream).await?)),
        })
    };
    match tokio::time::timeout(CONNECT_WITHIN, made).await.unwrap_or_else(|late| Err(late.into())) {
        Ok(Made::Plain(stream)) => carry(stream.into_split(), peer, queue, &shared).await,
        Ok(Made::Tls(stream)) => carry(tokio::io::split(stream), peer, queue, &shared).await,
        Err(error) => debug!(%peer, %error, "no connection could be made"),
    }
    shared.ended(peer).await;
}

enum Made {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A SIP message is one write: waiting to fill a segment would only delay it.
fn at_once(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
}

/// Reads and writes one connection until either side is done with it.
async fn carry(
    (reader, writer): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    peer: SocketAddr,
    queue: mpsc::Receiver<Bytes>,
    shared: &Shared,
) {
    tokio::select! {
        () = read(reader, peer, shared) => {}
        () = write(writer, queue) => {}
    }
}

async fn read(mut reader: impl AsyncRead + Unpin, peer: SocketAddr, shared: &Shared) {
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

async fn write(mut writer: impl AsyncWrite + Unpin, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = queue.recv().await {
        // What TLS has not written yet would wait for the next message.
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}
