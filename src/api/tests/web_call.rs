//! Callers' pages: what they hear, and how many may be open that call nobody.

use std::sync::mpsc;

use futures_util::SinkExt;
use futures_util::StreamExt;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::api::web_call::IdlePages;
use crate::server::browser::Ask;
use crate::server::browser::CallState;
use crate::server::browser::Tell;
use crate::wire::places::Shares;

type Web = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A server for callers' pages, of which this many may be open that call nobody, for this long. Every call is put through as call 7
/// and ends when its page hangs up.
async fn serving(idle: usize, within: Duration) -> (SocketAddr, Arc<Live>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    let live = Arc::new(Live::new(sample::STARTED, Rules::named(&["bob"], &["billing"])));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (control, mut requests) = ControlHandle::new();
    tokio::spawn(async move {
        let mut tells = std::collections::BTreeMap::new();
        while let Some(request) = requests.recv().await {
            match request {
                ControlRequest::Connect { socket, tell } => drop(tells.insert(socket, tell)),
                ControlRequest::Ask { socket, ask } => {
                    let state = match ask {
                        Ask::Call { .. } => CallState::Ringing,
                        Ask::HangUp { .. } => CallState::Ended,
                        _ => continue,
                    };
                    let _ = tells[&socket].send(Tell::State { state, call: CallId(7) }).await;
                }
                _ => {}
            }
        }
    });
    let center = Arc::new(flow::tests::demo());
    let mut state = ApiState::new(store, control, Arc::clone(&live), center, address, address).unwrap();
    state.idle_pages = IdlePages::new(Shares { all: idle, network: idle, loopback: idle }, within);
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    (address, live, folder)
}

async fn page(at: SocketAddr) -> Web {
    connect_async(format!("ws://{at}/api/v1/web-call")).await.unwrap().0
}

async fn ask(page: &mut Web, ask: Value) {
    page.send(Message::text(ask.to_string())).await.unwrap();
}

/// What the page is told next that is no ping.
async fn told(page: &mut Web) -> Message {
    loop {
        match page.next().await.unwrap().unwrap() {
            Message::Ping(_) => {}
            message => return message,
        }
    }
}

async fn told_json(page: &mut Web) -> Value {
    serde_json::from_str(told(page).await.to_text().unwrap()).unwrap()
}

/// The page is told this, and closed with it as the reason.
async fn is_closed(page: &mut Web, why: &str) {
    let told_why = told_json(page).await;
    assert_eq!((&told_why["tell"], &told_why["error"]), (&json!("error"), &json!(why)));
    let Message::Close(Some(frame)) = told(page).await else { panic!("it is open still") };
    assert_eq!(frame.reason.as_str(), why);
}

const LONG: Duration = Duration::from_secs(600);
const CALL: &str = r#"{"do":"call","number":"1000","sdp":"v=0"}"#;

fn call() -> Value {
    serde_json::from_str(CALL).unwrap()
}

#[tokio::test]
async fn a_page_in_a_call_leaves_its_place_to_another() {
    let (at, _live, _folder) = serving(1, LONG).await;
    let mut calling = page(at).await;
    is_closed(&mut page(at).await, "too many pages are open that call nobody").await;
    ask(&mut calling, call()).await;
    assert_eq!(told_json(&mut calling).await["state"], "ringing");
    let mut next = page(at).await;
    ask(&mut next, call()).await;
    assert_eq!(told_json(&mut next).await["state"], "ringing");
    ask(&mut calling, json!({ "do": "hang_up" })).await;
    assert_eq!(told_json(&mut calling).await["state"], "ended");
    is_closed(&mut page(at).await, "too many pages are open that call nobody").await;
}

#[tokio::test]
async fn a_page_that_calls_nobody_is_closed_with_the_reason_and_one_in_a_call_is_not() {
    let (at, live, _folder) = serving(8, Duration::from_millis(300)).await;
    let mut calling = page(at).await;
    ask(&mut calling, call()).await;
    assert_eq!(told_json(&mut calling).await["state"], "ringing");
    is_closed(&mut page(at).await, "the page was open for long and called nobody").await;
    let connected = sample::whole_call(7);
    connected.into_iter().for_each(|fact| live.apply(&live.dated(fact)));
    let caption = told_json(&mut calling).await;
    assert_eq!(caption["tell"], "caption", "it hears its call still");
}

#[tokio::test]
async fn pages_that_call_nobody_shut_out_nobody_who_watches() {
    let (at, _live, _folder) = serving(usize::MAX, LONG).await;
    let mut pages = Vec::new();
    for _ in 0..events::WATCHERS {
        pages.push(page(at).await);
    }
    let (sender, status) = mpsc::channel();
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(at).unwrap();
        write!(stream, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        sender.send(line).unwrap();
    });
    let status = tokio::task::spawn_blocking(move || status.recv().unwrap()).await.unwrap();
    assert_eq!(status, "HTTP/1.1 200 OK\r\n");
}
