//! Connections that ask nothing, over real loopback sockets.

use std::convert::Infallible;

use axum::extract::WebSocketUpgrade;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::get;
use axum::routing::post;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::*;
use crate::wire::tls::CertificateFiles;

/// Long enough for a request on a busy machine, short enough to wait for.
const SOON: Duration = Duration::from_millis(500);

/// A web with these doors; what is sent is told to those who watch.
async fn web(doors: &Doors, tls: Option<TlsServer>) -> (SocketAddr, broadcast::Sender<&'static str>) {
    let (sender, _) = broadcast::channel(4);
    let told = sender.clone();
    let events = move || async move {
        let facts = BroadcastStream::new(told.subscribe());
        Sse::new(facts.map(|fact| Ok::<_, Infallible>(Event::default().data(fact.unwrap_or("missed")))))
    };
    let echo = |upgrade: WebSocketUpgrade| async {
        upgrade.on_upgrade(|mut web| async move {
            while let Some(Ok(message)) = web.recv().await {
                let _ = web.send(message).await;
            }
        })
    };
    let endless = || async {
        let pieces = std::iter::repeat_with(|| io::Result::Ok(vec![0_u8; 64 * 1024]));
        Body::from_stream(tokio_stream::iter(pieces))
    };
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/events", get(events))
        .route("/socket", get(echo))
        .route("/endless", get(endless))
        .route("/body", post(|body: String| async { body }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, tls, router, doors.clone()));
    (address, sender)
}

fn doors(loopback: usize, head_within: Duration) -> Doors {
    let shares = Shares { all: 8, network: 8, loopback };
    Doors::with(shares, Shares { all: 8, network: 8, loopback: 2 }, head_within)
}

async fn connect(at: SocketAddr, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// What comes until this has come, or the end.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(end) {
        match stream.read_u8().await {
            Ok(octet) => read.push(octet),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// Returns when the server has closed the connection, without having said a word.
async fn is_closed(stream: &mut TcpStream) {
    assert_eq!(read_until(stream, "never").await, "");
}

fn refused(doors: &Doors, why: &str) -> f64 {
    let metrics = doors.metrics();
    let is_it = |metric: &&Metric| metric.labels.first().is_some_and(|(_, value)| value == why);
    metrics.iter().find(is_it).unwrap().value
}

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const SOCKET: &str = "GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test]
async fn who_has_too_many_connections_is_refused_until_one_of_them_has_ended() {
    let doors = doors(2, HEAD_WITHIN);
    let (at, _told) = web(&doors, None).await;
    let silent = connect(at, "").await;
    let mut asking = connect(at, GET).await;
    assert!(read_until(&mut asking, "here").await.ends_with("here"));
    is_closed(&mut connect(at, "").await).await;
    assert_eq!((refused(&doors, "network"), refused(&doors, "all")), (1.0, 0.0));
    drop(silent);
    while doors.connections.count() > 1 {
        tokio::task::yield_now().await;
    }
    assert!(read_until(&mut connect(at, GET).await, "here").await.ends_with("here"));
}

#[tokio::test]
async fn a_socket_has_its_place_until_it_ends() {
    let doors = doors(1, HEAD_WITHIN);
    let (at, _told) = web(&doors, None).await;
    let mut socket = connect(at, SOCKET).await;
    assert!(read_until(&mut socket, "\r\n\r\n").await.starts_with("HTTP/1.1 101"));
    is_closed(&mut connect(at, "").await).await;
    assert_eq!(doors.connections.count(), 1);
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed_and_one_that_listens_is_not() {
    let doors = doors(8, SOON);
    let (at, told) = web(&doors, None).await;
    let mut watcher = connect(at, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    read_until(&mut watcher, "\r\n\r\n").await;
    let mut socket = connect(at, SOCKET).await;
    read_until(&mut socket, "\r\n\r\n").await;
    let mut kept_alive = connect(at, GET).await;
    assert!(read_until(&mut kept_alive, "here").await.ends_with("here"));
    let mut half_asked = connect(at, "GET / HTTP/1.1\r\nHost: local").await;
    let mut silent = connect(at, "").await;
    is_closed(&mut silent).await;
    is_closed(&mut kept_alive).await;
    is_closed(&mut half_asked).await;
    told.send("still here").unwrap();
    assert!(read_until(&mut watcher, "still here").await.contains("still here"));
    // A text frame, masked with zeros, comes back unmasked.
    socket.write_all(b"\x81\x84\0\0\0\0echo").await.unwrap();
    assert!(read_until(&mut socket, "echo").await.ends_with("echo"));
}

#[tokio::test]
async fn peers_that_do_not_agree_on_keys_leave_room_for_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let files = CertificateFiles::of_our_own(folder.path(), &["localhost".to_owned()]).unwrap();
    let doors = doors(8, HEAD_WITHIN);
    let (at, _told) = web(&doors, Some(TlsServer::new(files).unwrap())).await;
    let _silent = [connect(at, "").await, connect(at, "").await];
    is_closed(&mut connect(at, "").await).await;
    assert_eq!(refused(&doors, "network"), 1.0);
}

#[tokio::test]
async fn a_body_arrives_whole() {
    let (at, _told) = web(&doors(8, HEAD_WITHIN), None).await;
    let head = "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nin ";
    let mut stream = connect(at, head).await;
    stream.write_all(b"pieces").await.unwrap();
    assert!(read_until(&mut stream, "in pieces").await.ends_with("in pieces"));
}

#[tokio::test]
async fn who_takes_nothing_of_what_is_sent_loses_the_connection() {
    let mut doors = doors(8, HEAD_WITHIN);
    doors.taken_within = SOON;
    let (at, _told) = web(&doors, None).await;
    let mut stalled = connect(at, "GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(read_until(&mut stalled, "\r\n\r\n").await.starts_with("HTTP/1.1 200"));
    let ended = async {
        while doors.connections.count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended).await.expect("its place is free again");
}
