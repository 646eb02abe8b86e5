//! The web's listeners: HTTP, and HTTPS, because browsers give a microphone to secure pages only.
//!
//! Anybody may connect, so a connection that asks nothing must cost nobody anything: it is closed soon, one network has a share of
//! all connections, and all of them leave descriptors for calls.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use hyper::body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_stream::StreamExt;
use tracing::debug;
use tracing::warn;

use crate::api::came::OverHttps;
use crate::server::Metric;
use crate::wire::places::Full;
use crate::wire::places::Place;
use crate::wire::places::Places;
use crate::wire::places::Shares;
use crate::wire::places::of_open_files;
use crate::wire::tls::TlsServer;

/// Of the files that may be open the web has one in so many: a leg of a call has two, and SIP's connections need some too.
const PART_OF_FILES: u64 = 4;
/// Connections at one time, where more files may be open: some thousand desks with a page or two each.
const MOST_CONNECTIONS: usize = 8_192;
/// Connections that are agreeing on keys at one time. A browser is done within a few packets, a silent peer is cut off after 5 s.
const AGREEING: usize = 1_024;
/// How many of these are one network's: an office whose desks all come back at once.
const AGREEING_OF_NETWORK: usize = 64;
/// How long a connection may be open until a request has come, and between two requests.
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// How long a request's body may pause.
const BODY_GOES_ON_WITHIN: Duration = Duration::from_secs(20);
/// How long a peer may take nothing of what is sent to it.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// Connections that are refused at shorter distances are one burst, of which the log speaks once.
const BURST: Duration = Duration::from_secs(60);
/// The pause after an accept that failed, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who may be connected to the web, over all of its listeners. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Doors {
    connections: Places,
    agreeing: Places,
    head_within: Duration,
    taken_within: Duration,
    refused: Arc<Refused>,
}

/// Connections that were closed at once.
#[derive(Debug, Default)]
struct Refused {
    all: AtomicU64,
    network: AtomicU64,
    last: Mutex<Option<Instant>>,
}

impl Doors {
    /// Room for as many connections as this process's limit of open files allows beside its calls.
    pub fn new() -> Doors {
        let agreeing = Shares { all: AGREEING, network: AGREEING_OF_NETWORK, loopback: AGREEING };
        Doors::with(Shares::of(of_open_files(PART_OF_FILES, MOST_CONNECTIONS)), agreeing, HEAD_WITHIN)
    }

    fn with(connections: Shares, agreeing: Shares, head_within: Duration) -> Doors {
        let (connections, agreeing) = (Places::new(connections), Places::new(agreeing));
        Doors { connections, agreeing, head_within, taken_within: TAKEN_WITHIN, refused: Arc::default() }
    }

    /// Figures for `/metrics`.
    pub fn metrics(&self) -> Vec<Metric> {
        let refused = |why: &str, count: &AtomicU64| {
            let help = "Connections to the web that were closed at once because there were too many, of one network or in all";
            let count = count.load(Ordering::Relaxed);
            Metric::counter("warmline_web_connections_refused_total", help, count).label("why", why)
        };
        let open = self.connections.count() as f64;
        vec![
            Metric::gauge("warmline_web_connections", "Connections to the web that are open", open),
            refused("all", &self.refused.all),
            refused("network", &self.refused.network),
        ]
    }

    /// A place for this peer among `places`; none, counted and told, where there is none.
    fn place(&self, places: &Places, peer: SocketAddr) -> Option<Place> {
        places.take(peer.ip()).map_err(|full| self.refused.count(full, peer)).ok()
    }
}

impl Default for Doors {
    fn default() -> Doors {
        Doors::new()
    }
}

impl Refused {
    fn count(&self, full: Full, peer: SocketAddr) {
        let (counter, why) = match full {
            Full::All => (&self.all, "there are too many"),
            Full::Network => (&self.network, "its network has too many"),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.replace(Instant::now()).is_none_or(|last| last.elapsed() >= BURST) {
            warn!(%peer, why, "a connection to the web was closed at once, and so are those that follow");
        }
    }
}

/// Serves `router` over HTTP, or over HTTPS with keys. Never ends.
pub async fn serve(listener: TcpListener, tls: Option<TlsServer>, router: Router, doors: Doors) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Some(place) = doors.place(&doors.connections, peer) {
                    let stream = Placed { stream, within: doors.taken_within, stands: None, _place: place };
                    tokio::spawn(welcome(stream, peer, tls.clone(), router.clone(), doors.clone()));
                }
            }
            Err(error) => {
                debug!(%error, "a connection to the web could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A slow peer holds up nobody: each agrees on keys in a task of its own.
async fn welcome(stream: Placed, peer: SocketAddr, tls: Option<TlsServer>, router: Router, doors: Doors) {
    let Some(tls) = tls else { return carry(stream, peer, false, router, doors.head_within).await };
    let Some(agreeing) = doors.place(&doors.agreeing, peer) else { return };
    match tls.accept(stream).await {
        Ok(stream) => {
            drop(agreeing);
            carry(stream, peer, true, router, doors.head_within).await;
        }
        Err(error) => debug!(%peer, %error, "a browser and we did not agree on keys"),
    }
}

/// Answers one connection's requests. An idle one ends, a stream of events or a WebSocket does not.
async fn carry(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    secure: bool,
    router: Router,
    head_within: Duration,
) {
    let answer = service_fn(move |request| {
        TowerToHyperService::new(router.clone()).call(as_it_came(request, peer, secure))
    });
    let mut http = http1::Builder::new();
    // The time runs from the connection's beginning or from the end of the answer before.
    http.timer(TokioTimer::new()).header_read_timeout(head_within);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), answer).with_upgrades().await {
        debug!(%peer, %error, "a connection to the web ended before its time");
    }
}

/// Leaves with a request who asks, and whether it came over HTTPS.
fn as_it_came(request: hyper::Request<Incoming>, peer: SocketAddr, secure: bool) -> Request {
    let mut request = request.map(body);
    request.extensions_mut().insert(ConnectInfo(peer));
    if secure {
        request.extensions_mut().insert(OverHttps);
    }
    request
}

/// A body that ends with an error when nothing more of it comes.
fn body(incoming: Incoming) -> Body {
    if incoming.is_end_stream() {
        return Body::empty();
    }
    let pieces = Body::new(incoming).into_data_stream().timeout(BODY_GOES_ON_WITHIN);
    Body::from_stream(pieces.map(|piece| match piece {
        Ok(piece) => piece.map_err(io::Error::other),
        Err(late) => Err(late.into()),
    }))
}

/// A connection that has a place as long as it is open, whatever it has become. It fails when its peer takes nothing for too long: what
/// is held for it, and whoever is to be told something over it, would wait for ever.
struct Placed {
    stream: TcpStream,
    within: Duration,
    /// While nothing is taken: until when.
    stands: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl Placed {
    fn in_time<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stands = None;
            return written;
        }
        let within = self.within;
        let stands = self.stands.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        stands.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Placed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Placed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.in_time(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests;
