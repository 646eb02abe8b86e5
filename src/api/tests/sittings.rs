//! What hangs on a session, and ends with it.

use futures_util::SinkExt;
use futures_util::StreamExt;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::*;
use crate::base::Secret;
use crate::server::browser::Ask;
use crate::server::browser::Tell;

const STREAMS: [&str; 3] = ["/api/v1/events", "/api/v1/wallboard/events", "/api/v1/desk-view/events"];

/// Watches with these headers.
fn watch(api: &Api, path: &str, headers: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(api.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut begins = [0; 12];
    stream.read_exact(&mut begins).unwrap();
    assert_eq!(&begins, b"HTTP/1.1 200", "{path}");
    BufReader::new(stream)
}

fn ends(mut stream: BufReader<TcpStream>, what: &str) {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap_or_else(|error| panic!("{what} goes on: {error}"));
}

/// Something happens, and is seen by who watches.
fn goes_on(api: &Api, stream: &mut BufReader<TcpStream>) {
    let what = What::Played { prompts: vec!["seen".into()] };
    api.tell(vec![Fact { at: Timestamp::from_secs(90), call: Some(CallId(99)), what }]);
    let mut line = String::new();
    while !line.contains("seen") {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0, "it has ended");
    }
}

#[test]
fn what_somebody_watches_ends_when_they_sign_out_and_what_others_watch_does_not() {
    let api = api();
    let (sam, alice) = (sign_in(&api, "sam"), sign_in(&api, "alice"));
    let his = STREAMS.map(|path| (path, watch(&api, path, &sam)));
    let mut hers = watch(&api, "/api/v1/events", &alice);
    let signed_out = api.ask("DELETE", "/api/v1/session", &format!("{sam}X-Warmline: 1\r\n"), "");
    assert_eq!(signed_out.0, 204);
    for (path, stream) in his {
        ends(stream, path);
    }
    goes_on(&api, &mut hers);
}

#[test]
fn what_somebody_watches_ends_when_their_password_is_another_one() {
    let api = api();
    let (sam, alice) = (sign_in(&api, "sam"), sign_in(&api, "alice"));
    let his = STREAMS.map(|path| (path, watch(&api, path, &sam)));
    let mut hers = watch(&api, "/api/v1/events", &alice);
    let store = Store::open(api.folder.path()).unwrap();
    store.change_password("sam", &Secret::new("correct horse")).unwrap();
    for (path, stream) in his {
        ends(stream, path);
    }
    goes_on(&api, &mut hers);
}

#[test]
fn a_session_that_runs_out_ends_what_is_watched_but_not_in_a_talk() {
    let api = api();
    let facts = sample::whole_call(7);
    // Bob talks with the caller.
    let (talking, rest) = facts.split_at(21);
    api.tell(talking.to_vec());
    let (bob, alice) = (sign_in(&api, "bob"), sign_in(&api, "alice"));
    let (mut his, hers) = (watch(&api, "/api/v1/events", &bob), watch(&api, "/api/v1/events", &alice));
    let history = rusqlite::Connection::open(api.folder.path().join(crate::store::FILE)).unwrap();
    history.execute("UPDATE sessions SET used_us = 0", []).unwrap();
    ends(hers, "what alice watches");
    goes_on(&api, &mut his);
    api.tell(rest.to_vec());
    ends(his, "what bob watches after the talk");
}

#[test]
fn a_wallboard_that_nobody_touches_keeps_its_session_and_other_watching_does_not() {
    let api = api();
    let (sam, alice) = (sign_in(&api, "sam"), sign_in(&api, "alice"));
    let history = rusqlite::Connection::open(api.folder.path().join(crate::store::FILE)).unwrap();
    history.execute("UPDATE sessions SET used_us = used_us - 11 * 3600 * 1000000", []).unwrap();
    let used = |name: &str| -> i64 {
        let query = "SELECT used_us - begun_us FROM sessions WHERE name = ?1";
        history.query_row(query, [name], |row| row.get(0)).unwrap()
    };
    let _hers = watch(&api, "/api/v1/wallboard/events", &sam);
    let until = std::time::Instant::now() + Duration::from_secs(30);
    while used("sam") < 0 {
        assert!(std::time::Instant::now() < until, "the wallboard is no use of a session");
        std::thread::yield_now();
    }
    // To ask for the stream is a use, to watch it on is none.
    let mut hers = watch(&api, "/api/v1/events", &alice);
    history.execute("UPDATE sessions SET used_us = begun_us - 11 * 3600 * 1000000", []).unwrap();
    while used("sam") < 0 {
        assert!(std::time::Instant::now() < until, "the wallboard is no use of a session");
        std::thread::yield_now();
    }
    goes_on(&api, &mut hers);
    assert!(used("alice") < 0);
}

#[tokio::test]
async fn a_desk_is_signed_out_with_its_session() {
    let (api, mut asked) = desks().await;
    let address = api.0;
    let login = |body: String| {
        tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let length = body.len();
            write!(stream, "POST /api/v1/session HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{JSON}\r\n{body}").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            let token = answer.split_once("warmline_session=").unwrap().1;
            token.split(';').next().unwrap().to_owned()
        })
    };
    let token = login(json!({ "name": "alice", "password": "warmline" }).to_string()).await.unwrap();
    let mut request = format!("ws://{address}/api/v1/desk").into_client_request().unwrap();
    let bearer = format!("Bearer {token}");
    request.headers_mut().insert("authorization", bearer.parse().unwrap());
    let (mut desk, _) = connect_async(request).await.unwrap();
    desk.send(Message::text(r#"{"do":"offer","sdp":"v=0"}"#)).await.unwrap();
    assert!(matches!(asked.recv().await.unwrap(), Ask::OpenDesk { .. }));
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "DELETE /api/v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {bearer}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    })
    .await
    .unwrap();
    let over = tokio::time::timeout(Duration::from_secs(15), asked.recv()).await;
    assert_eq!(over.expect("the desk goes on"), Some(Ask::CloseDesk));
    let mut told = String::new();
    while let Some(Ok(message)) = desk.next().await {
        if let Message::Text(text) = message {
            told.push_str(&text);
        }
    }
    assert!(told.contains("your session is over"), "{told}");
}

/// A server with desks, and what they ask of it.
async fn desks() -> ((SocketAddr, tempfile::TempDir), tokio::sync::mpsc::Receiver<Ask>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    store.seed_demo_agents(&["alice".into()]).unwrap();
    let live = Arc::new(Live::new(sample::STARTED, Rules::named(&["alice"], &["billing"])));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (control, mut requests) = ControlHandle::new();
    let (sender, asked) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        let mut tells: Vec<tokio::sync::mpsc::Sender<Tell>> = Vec::new();
        while let Some(request) = requests.recv().await {
            match request {
                ControlRequest::Connect { tell, .. } => tells.push(tell),
                ControlRequest::Ask { ask, .. } => drop(sender.send(ask).await),
                _ => {}
            }
        }
    });
    let center = Arc::new(flow::tests::demo());
    let state = ApiState::new(store, control, live, center, address, address).unwrap();
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    ((address, folder), asked)
}
