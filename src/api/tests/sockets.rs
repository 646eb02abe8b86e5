//! WebSockets of strangers: what one of them can have us hold.

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

use super::*;

/// A server at which every socket can be opened.
async fn serving() -> (SocketAddr, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    let live = Arc::new(Live::new(sample::STARTED, Rules::named(&["alice"], &["billing"])));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (control, mut requests) = ControlHandle::new();
    tokio::spawn(async move {
        // Whoever is connected stays so.
        let mut kept = Vec::new();
        while let Some(request) = requests.recv().await {
            kept.push(request);
        }
    });
    let (arrived, mut phones) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move { while phones.recv().await.is_some() {} });
    let state = ApiState::new(store, control, live, Arc::new(flow::tests::demo()), address, address)
        .unwrap()
        .with_phones(WebConnections::new(arrived), Vec::new());
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    (address, folder)
}

#[tokio::test]
async fn a_frame_that_is_too_long_is_refused_at_its_head() {
    let (at, _folder) = serving().await;
    for path in ["/api/v1/web-call", "/api/v1/desk?agent=alice", "/sip"] {
        let mut stream = tokio::net::TcpStream::connect(at).await.unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: sip\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 101", "{path}");
        // Binary, masked with zeros, and one octet more than any message may have: nothing of it follows.
        let longest = crate::sip::message::MAX_MESSAGE.max(socket::LONGEST_MESSAGE) as u64;
        let mut frame = vec![0x82, 0x80 | 127];
        frame.extend((longest + 1).to_be_bytes());
        frame.extend([0; 4]);
        stream.write_all(&frame).await.unwrap();
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(8), stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "{path}: it waits for the rest of the frame");
    }
}
