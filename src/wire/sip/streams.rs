//! SIP over TCP or TLS: the listener, a task to read and one to write per connection.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
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
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::timeout;
use tokio::time::timeout_at;
use tokio_rustls::client::TlsStream;
use tracing::debug;
use tracing::warn;

use super::WRITE_BACKLOG;
use super::shares;
use crate::sip::Hop;
use crate::sip::Input;
use crate::sip::Transport;
use crate::sip::message::Framed;
use crate::sip::message::Message;
use crate::sip::message::StreamFramer;
use crate::wire::places::Full;
use crate::wire::places::Place;
use crate::wire::places::Places;
use crate::wire::places::Shares;
use crate::wire::tls::TlsClient;
use crate::wire::tls::TlsServer;

/// How long a connection may take to be made, keys included.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How long a peer that opened a connection may take until its first message is whole, keys included.
const FIRST_WITHIN: Duration = Duration::from_secs(30);

/// How long a message may take to be written; whoever waits for an answer to it has given up by then (64 T1).
const WRITE_WITHIN: Duration = Duration::from_secs(32);

/// Connections that are refused are told in the log so often at most.
const REFUSED_TOLD_EVERY: Duration = Duration::from_secs(10);

/// How long a connection may be silent both ways: longer than any registration.
const IDLE: Duration = Duration::from_secs(2 * 3_600);

/// The pause after an accept that failed, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What peers may take.
#[derive(Clone, Copy)]
struct Limits {
    shares: Shares,
    first_within: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { shares: shares(), first_within: FIRST_WITHIN }
    }
}

/// Every open connection, by peer.
#[derive(Default)]
struct Open {
    connections: HashMap<SocketAddr, Connection>,
    /// How many there have ever been.
    counted: u64,
    refused_told: Option<Instant>,
}

/// One of them. Its task ends with it, whatever it is doing.
struct Connection {
    number: u64,
    writer: mpsc::Sender<Bytes>,
    _place: Place,
    _cut: oneshot::Sender<()>,
}

/// The same, for its task.
struct Carried {
    peer: SocketAddr,
    number: u64,
    queue: mpsc::Receiver<Bytes>,
    cut: oneshot::Receiver<()>,
}

impl Open {
    fn add(&mut self, peer: SocketAddr, place: Place) -> (mpsc::Sender<Bytes>, Carried) {
        self.counted += 1;
        let number = self.counted;
        let (writer, queue) = mpsc::channel(WRITE_BACKLOG);
        let (_cut, cut) = oneshot::channel();
        let ours = Connection { number, writer: writer.clone(), _place: place, _cut };
        self.connections.insert(peer, ours);
        (writer, Carried { peer, number, queue, cut })
    }

    fn refused(&mut self, peer: SocketAddr, full: Full) {
        if self.refused_told.is_none_or(|told| told.elapsed() >= REFUSED_TOLD_EVERY) {
            self.refused_told = Some(Instant::now());
            let why = match full {
                Full::All => "there are too many",
                Full::Network => "its network has too many",
            };
            let open = self.connections.len();
            warn!(%peer, why, open, "a SIP connection was refused");
        }
    }
}

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
    open: Arc<Mutex<Open>>,
    places: Places,
    first_within: Duration,
    arrived: mpsc::Sender<Input>,
}

impl Connections {
    /// Listens on `address`: with keys for TLS, without for TCP.
    pub(super) async fn listen(
        address: SocketAddr,
        keys: Option<Keys>,
        arrived: mpsc::Sender<Input>,
    ) -> io::Result<Connections> {
        Connections::listen_within(Limits::default(), address, keys, arrived).await
    }

    async fn listen_within(
        limits: Limits,
        address: SocketAddr,
        keys: Option<Keys>,
        arrived: mpsc::Sender<Input>,
    ) -> io::Result<Connections> {
        let listener = TcpListener::bind(address).await?;
        let Limits { shares, first_within } = limits;
        let (local, open, places) = (listener.local_addr()?, Arc::default(), Places::new(shares));
        let shared = Shared { local, keys, open, places, first_within, arrived };
        tokio::spawn(accept(listener, shared.clone()));
        Ok(Connections { shared })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.shared.local
    }

    /// Sends over the connection to the peer, or a new one.
    pub(super) fn send(&mut self, hop: Hop, bytes: Bytes) {
        let writer = match self.shared.writer(hop.remote) {
            Some(writer) => writer,
            None => match self.shared.enlist(hop.remote) {
                Some((writer, carried)) => {
                    tokio::spawn(connect(carried, self.shared.clone()));
                    writer
                }
                None => {
                    let arrived = self.shared.arrived.clone();
                    tokio::spawn(async move { arrived.send(Input::HopFailed { hop }).await });
                    return;
                }
            },
        };
        if writer.try_send(bytes).is_err() {
            debug!(peer = %hop.remote, "a stream's peer reads too slowly, or is gone: cut off");
            self.shared.open().connections.remove(&hop.remote);
        }
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing panics while it holds the lock, and the maps are whole between any two calls on them.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self, peer: SocketAddr) -> Option<mpsc::Sender<Bytes>> {
        self.open().connections.get(&peer).map(|connection| connection.writer.clone())
    }

    /// A place for one more connection, or none when there are too many.
    fn enlist(&self, peer: SocketAddr) -> Option<(mpsc::Sender<Bytes>, Carried)> {
        let mut open = self.open();
        // One from the very same address is dead, though it has not ended.
        open.connections.remove(&peer);
        match self.places.take(peer.ip()) {
            Ok(place) => Some(open.add(peer, place)),
            Err(full) => {
                open.refused(peer, full);
                None
            }
        }
    }

    /// The connection of this number is no more.
    async fn ended(&self, peer: SocketAddr, number: u64) {
        {
            let mut open = self.open();
            match open.connections.get(&peer).map(|connection| connection.number) {
                Some(newer) if newer != number => return,
                _ => drop(open.connections.remove(&peer)),
            }
        }
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
                if let Some((_, carried)) = shared.enlist(peer) {
                    tokio::spawn(welcome(stream, carried, shared.clone()));
                }
            }
            Err(error) => {
                debug!(%error, "a SIP connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A connection that a peer opened, until it ends or is cut off.
async fn welcome(stream: TcpStream, Carried { peer, number, queue, cut }: Carried, shared: Shared) {
    tokio::select! {
        () = answer(stream, peer, queue, &shared) => {}
        _ = cut => {}
    }
    shared.ended(peer, number).await;
}

async fn answer(stream: TcpStream, peer: SocketAddr, queue: mpsc::Receiver<Bytes>, shared: &Shared) {
    at_once(&stream);
    let first_due = Instant::now() + shared.first_within;
    let first = Some(first_due);
    match &shared.keys {
        None => carry(stream.into_split(), (peer, first), queue, shared).await,
        Some(keys) => {
            let agreed = timeout_at(first_due, keys.server.accept(stream)).await;
            match agreed.unwrap_or_else(|late| Err(late.into())) {
                Ok(stream) => carry(tokio::io::split(stream), (peer, first), queue, shared).await,
                Err(error) => debug!(%peer, %error, "a peer and we did not agree on keys"),
            }
        }
    }
}

/// A connection that we open, until it ends or is cut off.
async fn connect(Carried { peer, number, queue, cut }: Carried, shared: Shared) {
    tokio::select! {
        () = call(peer, queue, &shared) => {}
        _ = cut => {}
    }
    shared.ended(peer, number).await;
}

async fn call(peer: SocketAddr, queue: mpsc::Receiver<Bytes>, shared: &Shared) {
    let made = async {
        let stream = TcpStream::connect(peer).await?;
        at_once(&stream);
        io::Result::Ok(match &shared.keys {
            None => Made::Plain(stream),
            Some(keys) => Made::Tls(Box::new(keys.client.connect(peer, stream).await?)),
        })
    };
    match timeout(CONNECT_WITHIN, made).await.unwrap_or_else(|late| Err(late.into())) {
        Ok(Made::Plain(stream)) => carry(stream.into_split(), (peer, None), queue, shared).await,
        Ok(Made::Tls(stream)) => carry(tokio::io::split(stream), (peer, None), queue, shared).await,
        Err(error) => debug!(%peer, %error, "no connection could be made"),
    }
}

enum Made {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A SIP message is one write: waiting to fill a segment would only delay it.
fn at_once(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
}

/// Reads and writes one connection until either side is done with it, or no message has come by the time that one is due.
async fn carry(
    (reader, writer): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    (peer, first_due): (SocketAddr, Option<Instant>),
    queue: mpsc::Receiver<Bytes>,
    shared: &Shared,
) {
    tokio::select! {
        () = read(reader, (peer, first_due), shared) => {}
        () = write(writer, queue) => {}
    }
}

async fn read(
    mut reader: impl AsyncRead + Unpin,
    (peer, mut first_due): (SocketAddr, Option<Instant>),
    shared: &Shared,
) {
    let mut framer = StreamFramer::new();
    let mut buffer = vec![0; 16 << 10];
    let hop = shared.hop(peer);
    loop {
        let due = first_due.unwrap_or_else(|| Instant::now() + IDLE);
        let length = match timeout_at(due, reader.read(&mut buffer)).await {
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
                    first_due = first_due.filter(|_| Message::parse(bytes.clone()).is_err());
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
        let written = async {
            writer.write_all(&bytes).await?;
            // What TLS has not written yet would wait for the next message.
            writer.flush().await
        };
        if !matches!(timeout(WRITE_WITHIN, written).await, Ok(Ok(()))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const OPTIONS: &[u8] =
        b"OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK1\r\n\
        From: <sip:b@192.0.2.9>;tag=1\r\nTo: <sip:a@192.0.2.1>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\
        Content-Length: 0\r\n\r\n";

    const SOON: Duration = Duration::from_secs(20);

    async fn listening(limits: Limits) -> (Connections, mpsc::Receiver<Input>) {
        let (arrived, inputs) = mpsc::channel(64);
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        (Connections::listen_within(limits, any_port, None, arrived).await.unwrap(), inputs)
    }

    async fn opened(connections: &Connections) -> TcpStream {
        TcpStream::connect(connections.address()).await.unwrap()
    }

    async fn next(inputs: &mut mpsc::Receiver<Input>) -> Input {
        timeout(SOON, inputs.recv()).await.expect("something comes").expect("the listener lives")
    }

    /// Whether the server has closed it.
    async fn is_closed(peer: &mut TcpStream) -> bool {
        let read = timeout(SOON, async {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(1..) = peer.read(&mut buffer).await {}
        });
        read.await.is_ok()
    }

    #[tokio::test]
    async fn who_does_not_read_is_cut_off_and_closed() {
        let (mut connections, mut inputs) = listening(Limits::default()).await;
        let mut peer = opened(&connections).await;
        peer.write_all(OPTIONS).await.unwrap();
        let Input::Received { hop, .. } = next(&mut inputs).await else { panic!("no message") };
        // More than any buffers hold.
        for _ in 0..2_000 {
            if connections.shared.writer(hop.remote).is_none() {
                break;
            }
            connections.send(hop, Bytes::from_static(&[b'x'; 64 << 10]));
            tokio::task::yield_now().await;
        }
        assert!(connections.shared.open().connections.is_empty(), "it is cut off");
        let input = next(&mut inputs).await;
        assert!(
            matches!(input, Input::HopFailed { hop: failed } if failed.remote == hop.remote),
            "{input:?}"
        );
        assert!(is_closed(&mut peer).await);
        assert_eq!(connections.shared.places.count(), 0);
    }

    #[tokio::test]
    async fn who_sends_no_whole_message_is_not_waited_for_and_who_has_sent_one_is() {
        let limits = Limits { first_within: Duration::from_millis(300), ..Limits::default() };
        let (connections, mut inputs) = listening(limits).await;
        let mut speaks = opened(&connections).await;
        speaks.write_all(OPTIONS).await.unwrap();
        assert!(matches!(next(&mut inputs).await, Input::Received { .. }));
        let (half, pings) = (&OPTIONS[..60], b"\r\n\r\n".as_slice());
        let no_message = b"hello\r\nContent-Length: 0\r\n\r\n".as_slice();
        for said in [b"".as_slice(), half, pings, no_message] {
            let mut peer = opened(&connections).await;
            peer.write_all(said).await.unwrap();
            assert!(is_closed(&mut peer).await, "{said:?}");
        }
        speaks.write_all(OPTIONS).await.unwrap();
        let mut received = 0;
        while received == 0 {
            let ours = speaks.local_addr().unwrap();
            let is_ours = |input| matches!(input, Input::Received { hop, .. } if hop.remote == ours);
            received += u32::from(is_ours(next(&mut inputs).await));
        }
    }

    #[tokio::test]
    async fn one_network_leaves_room_for_others() {
        let shares = Shares { all: 100, network: 2, loopback: 2 };
        let (mut connections, mut inputs) = listening(Limits { shares, ..Limits::default() }).await;
        let server = connections.address();
        let from = async |address: [u8; 4]| {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from((address, 0))).unwrap();
            let mut peer = socket.connect(server).await.unwrap();
            let _ = peer.write_all(OPTIONS).await;
            peer
        };
        let mut held = Vec::new();
        for address in [[127, 0, 0, 1], [127, 0, 0, 1], [127, 0, 0, 2]] {
            held.push(from(address).await);
            assert!(matches!(next(&mut inputs).await, Input::Received { .. }), "{address:?}");
        }
        assert!(is_closed(&mut from([127, 0, 0, 1]).await).await, "the third of its network");
        // Nor do we open one more; whoever wanted it is told.
        let remote = SocketAddr::from(([127, 0, 0, 1], 9));
        let hop = Hop { transport: Transport::Tcp, local: server, remote };
        connections.send(hop, Bytes::from_static(OPTIONS));
        let input = next(&mut inputs).await;
        assert!(matches!(input, Input::HopFailed { hop: failed } if failed == hop), "{input:?}");
        // Who goes makes room.
        held.remove(0);
        assert!(matches!(next(&mut inputs).await, Input::HopFailed { .. }));
        held.push(from([127, 0, 0, 1]).await);
        assert!(matches!(next(&mut inputs).await, Input::Received { .. }));
    }
}
