//! SIP over WebSocket: who may connect, and what goes through.

use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Response;

use super::*;
use crate::sip::Hop;
use crate::sip::Input;
use crate::sip::Transport;
use crate::sip::message::MAX_MESSAGE;

type Web = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A server that takes phones from pages of its own and of one other site; what they send arrives at the receiver.
async fn listening() -> (SocketAddr, WebConnections, mpsc::Receiver<Input>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    let (arrived, receiver) = mpsc::channel(16);
    let phones = WebConnections::new(arrived);
    let live = Arc::new(Live::new(sample::STARTED, Rules::named(&["alice"], &["billing"])));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (control, center) = (ControlHandle::new().0, Arc::new(flow::tests::demo()));
    let state = ApiState::new(store, control, live, center, address, address)
        .unwrap()
        .with_phones(phones.clone(), vec!["https://crm.example.org".to_owned()])
        .with_proxy(vec!["calls.example.org".to_owned()]);
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    (address, phones, receiver, folder)
}

/// Asks for a connection with these headers.
async fn connect(
    at: SocketAddr,
    headers: &[(&'static str, &str)],
) -> Result<(Web, Response<Option<Vec<u8>>>), (u16, Value)> {
    let mut request = format!("ws://{at}/sip").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    connect_async(request).await.map_err(|error| match error {
        tungstenite::Error::Http(answer) => {
            let body = answer.body().as_deref().unwrap_or_default();
            (answer.status().as_u16(), serde_json::from_slice(body).unwrap())
        }
        other => panic!("{other}"),
    })
}

const SIP: (&str, &str) = ("Sec-WebSocket-Protocol", "sip");

#[tokio::test]
async fn who_does_not_speak_sip_or_comes_from_elsewhere_is_refused_with_what_to_do() {
    let (at, _phones, _arrived, _folder) = listening().await;
    for headers in [&[][..], &[("Sec-WebSocket-Protocol", "chat, sipx")]] {
        let (status, problem) = connect(at, headers).await.unwrap_err();
        assert_eq!(status, 400);
        assert_eq!(problem["error"], "only the subprotocol sip is spoken here");
        assert!(problem["hint"].as_str().unwrap().contains("JsSIP"), "{problem}");
    }
    let own = format!("http://{at}");
    for (origin, taken) in
        [(own.as_str(), true), ("https://crm.example.org", true), ("https://evil.example", false)]
    {
        match connect(at, &[SIP, ("Origin", origin)]).await {
            Ok((_, answer)) => {
                assert!(taken, "{origin}");
                assert_eq!(answer.headers()["sec-websocket-protocol"], "sip");
            }
            Err((status, _)) => assert!(!taken && status == 403, "{origin}: {status}"),
        }
    }
}

/// What has come next, with the connection that it came over.
async fn next(arrived: &mut mpsc::Receiver<Input>) -> (Hop, Option<String>) {
    match arrived.recv().await.unwrap() {
        Input::Received { hop, bytes } => (hop, Some(String::from_utf8_lossy(&bytes).into_owned())),
        Input::HopFailed { hop } => (hop, None),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_frame_of_either_kind_is_a_message_and_a_ping_is_answered() {
    let (at, _phones, mut arrived, _folder) = listening().await;
    let (mut web, _) = connect(at, &[SIP]).await.unwrap();
    web.send(Message::text("OPTIONS one")).await.unwrap();
    let (hop, text) = next(&mut arrived).await;
    assert_eq!((hop.transport, hop.local, text.as_deref()), (Transport::Ws, at, Some("OPTIONS one")));
    web.send(Message::binary("OPTIONS two")).await.unwrap();
    assert_eq!(next(&mut arrived).await, (hop, Some("OPTIONS two".to_owned())));
    web.send(Message::text("\r\n\r\n")).await.unwrap();
    let pong = web.next().await.unwrap().unwrap();
    assert_eq!(pong, Message::text("\r\n"));
    web.close(None).await.unwrap();
    assert_eq!(next(&mut arrived).await, (hop, None), "whoever is reached over it is told");
}

#[tokio::test]
async fn who_does_not_read_is_closed_at_once_when_too_much_waits_for_them() {
    let (at, phones, mut arrived, _folder) = listening().await;
    let (mut web, _) = connect(at, &[SIP]).await.unwrap();
    web.send(Message::text("OPTIONS sip:a SIP/2.0\r\n\r\n")).await.unwrap();
    let (hop, _) = next(&mut arrived).await;
    // One more than may wait, and more than any buffers hold: without an end at once, a frame would be half written.
    for _ in 0..=256 {
        phones.send(hop, Bytes::from_static(&[b'x'; MAX_MESSAGE]));
    }
    let over = tokio::time::timeout(Duration::from_secs(15), next(&mut arrived)).await;
    assert_eq!(over.expect("sooner than a frame may take to be written"), (hop, None));
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_its_own_connection() {
    let (at, _phones, mut arrived, _folder) = listening().await;
    let (mut other, _) = connect(at, &[SIP]).await.unwrap();
    let (mut web, _) = connect(at, &[SIP, ("X-Forwarded-Proto", "https")]).await.unwrap();
    web.send(Message::text("a".repeat(MAX_MESSAGE + 1))).await.unwrap();
    let (hop, text) = next(&mut arrived).await;
    assert_eq!((hop.transport, text), (Transport::Wss, None));
    other.send(Message::text("b".repeat(MAX_MESSAGE))).await.unwrap();
    assert_eq!(next(&mut arrived).await.1.map(|text| text.len()), Some(MAX_MESSAGE));
}

#[tokio::test]
async fn a_phone_that_a_proxy_passed_on_comes_from_where_the_proxy_had_it_from() {
    let (at, _phones, mut arrived, _folder) = listening().await;
    let passed_on = [SIP, ("X-Forwarded-For", "198.51.100.7, 203.0.113.5")];
    let (mut web, _) = connect(at, &passed_on).await.unwrap();
    web.send(Message::text("REGISTER one")).await.unwrap();
    let (hop, _) = next(&mut arrived).await;
    assert_eq!(hop.remote.ip().to_string(), "203.0.113.5", "wrong passwords are counted by it");
    let (mut web, _) = connect(at, &[SIP]).await.unwrap();
    web.send(Message::text("REGISTER two")).await.unwrap();
    assert!(next(&mut arrived).await.0.remote.ip().is_loopback(), "it came from this machine");
}
