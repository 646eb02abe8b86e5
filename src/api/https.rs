//! The web over HTTPS: browsers give a microphone to secure pages only.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::extract::connect_info::Connected;
use axum::http::HeaderValue;
use axum::middleware;
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::IncomingStream;
use axum::serve::Listener;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use crate::wire::tls::TlsServer;

/// Connections that are agreeing on keys at once; one more waits in the kernel.
const AGREEING: usize = 256;

/// The pause after an accept that failed, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` over HTTPS. Never ends.
pub async fn serve(listener: TcpListener, tls: TlsServer, router: Router) -> io::Result<()> {
    let address = listener.local_addr()?;
    let (sender, agreed) = mpsc::channel(AGREEING);
    tokio::spawn(accept(listener, tls, sender));
    let router = router.layer(middleware::from_fn(as_http_says));
    let service = router.into_make_service_with_connect_info::<Peer>();
    axum::serve(Agreed { address, agreed }, service).await
}

/// A slow peer holds up nobody: each agrees on keys in a task of its own.
async fn accept(listener: TcpListener, tls: TlsServer, agreed: mpsc::Sender<Connection>) {
    let agreeing = Arc::new(Semaphore::new(AGREEING));
    loop {
        let Ok(place) = agreeing.clone().acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(connection) => connection,
            Err(error) => {
                debug!(%error, "a connection for HTTPS could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (tls, agreed) = (tls.clone(), agreed.clone());
        tokio::spawn(async move {
            match tls.accept(stream).await {
                Ok(stream) => drop(agreed.send((stream, peer)).await),
                Err(error) => debug!(%peer, %error, "a browser and we did not agree on keys"),
            }
            drop(place);
        });
    }
}

type Connection = (TlsStream<TcpStream>, SocketAddr);

/// Connections with keys.
struct Agreed {
    address: SocketAddr,
    agreed: mpsc::Receiver<Connection>,
}

impl Listener for Agreed {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Connection {
        match self.agreed.recv().await {
            Some(connection) => connection,
            // Who accepts is gone: so is the runtime.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

#[derive(Clone, Copy, Debug)]
struct Peer(SocketAddr);

impl Connected<IncomingStream<'_, Agreed>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Agreed>) -> Peer {
        Peer(*stream.remote_addr())
    }
}

/// Tells handlers what they would be told behind a proxy: who asks, and that it came over HTTPS.
async fn as_http_says(mut request: Request, next: Next) -> Response {
    request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("https"));
    if let Some(ConnectInfo(Peer(peer))) = request.extensions().get().copied() {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    next.run(request).await
}
