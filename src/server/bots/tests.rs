//! What is said to bots and by them; the connection itself is tested end to end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt;
use futures_util::StreamExt;
use proptest::prelude::*;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::Bots;
use super::protocol;
use super::protocol::Said;
use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::flow::api::BotCall;
use crate::flow::api::BotEnd;
use crate::flow::bot::Audio;
use crate::flow::bot::Bot;
use crate::flow::model::Value;
use crate::wire::tls;
use crate::wire::tls::CertificateFiles;
use crate::wire::tls::TlsServer;

fn fields() -> Vec<Name> {
    ["text", "order.number", "late"].map(Name::from).to_vec()
}

#[test]
fn a_bot_is_told_of_its_caller() {
    let bot = Bot {
        name: "assistant".into(),
        at: "ws://localhost:9".to_owned(),
        audio: Audio::Mulaw,
        connect: Duration::from_secs(3),
        headers_env: vec![("Authorization".to_owned(), "TOKEN".to_owned())],
    };
    let call = BotCall {
        bot: Arc::new(bot),
        number: "+12025550143".to_owned(),
        dialled: "1000".to_owned(),
        language: "en".into(),
        send: vec![("tier".into(), Value::Text("gold".to_owned())), ("late".into(), Value::Truth(true))],
        fields: Vec::new(),
        results: vec!["billing".into()],
        barge_in: true,
    };
    assert_eq!(
        protocol::start(CallId(7), &call),
        r#"{"event":"start","call":7,"from":"+12025550143","dialled":"1000","language":"en","audio":{"encoding":"mulaw","rate":8000,"frame_ms":20},"results":["billing"],"variables":{"tier":"gold","late":true}}"#
            .parse::<serde_json::Value>()
            .unwrap()
            .to_string()
    );
}

#[test]
fn a_bot_says_its_result_and_what_was_asked_for() {
    let said = protocol::read(
        r#"{"event":"result","result":"billing","text":"my\ninvoice","variables":{"order":{"number":7},"late":[1],"more":1}}"#,
        &fields(),
    );
    let values = vec![Some(Value::Text("myinvoice".to_owned())), Some(Value::Number(7)), None];
    assert_eq!(said, Some(Said::Result(BotEnd::Result { result: "billing".into(), values })));
    let bare = protocol::read(r#"{"event":"result","result":"done"}"#, &fields());
    let values = vec![Some(Value::Text(String::new())), None, None];
    assert_eq!(bare, Some(Said::Result(BotEnd::Result { result: "done".into(), values })));
    assert_eq!(protocol::read(r#"{"event":"mark","name":"a"}"#, &[]), Some(Said::Mark("a".to_owned())));
    assert_eq!(protocol::read(r#"{"event":"clear"}"#, &[]), Some(Said::Clear));
}

#[test]
fn what_means_nothing_is_passed_over() {
    let long = format!(r#"{{"event":"mark","name":"{}"}}"#, "x".repeat(65));
    for odd in
        ["", "hello", "[]", "{}", r#"{"event":7}"#, r#"{"event":"result"}"#, r#"{"event":"dance"}"#, &long]
    {
        assert_eq!(protocol::read(odd, &fields()), None, "{odd}");
    }
}

fn call_to(at: String) -> Box<BotCall> {
    let (name, audio, connect) = ("assistant".into(), Audio::Mulaw, Duration::from_secs(60));
    let bot = Arc::new(Bot { name, at, audio, connect, headers_env: Vec::new() });
    Box::new(BotCall {
        bot,
        number: String::new(),
        dialled: "1000".to_owned(),
        language: "en".into(),
        send: Vec::new(),
        fields: Vec::new(),
        results: Vec::new(),
        barge_in: true,
    })
}

/// A bot over TLS that is done as soon as it is told of a caller.
async fn secure_bot(files: CertificateFiles) -> u16 {
    let server = TlsServer::new(files).expect("a certificate");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = server.accept(stream).await else { continue };
            let mut socket = tokio_tungstenite::accept_async(stream).await.expect("a handshake");
            let told = socket.next().await.expect("it is told").expect("a message");
            assert!(told.to_text().expect("a text").contains("\"start\""), "{told}");
            let done = Message::text(r#"{"event":"result","result":"done"}"#);
            socket.send(done).await.expect("it is taken");
        }
    });
    port
}

/// What comes of a talk with the bot at this port, when the authorities in this file are believed.
async fn talk(port: u16, authorities: &std::path::Path) -> BotEnd {
    let (tell, mut ended) = mpsc::channel(1);
    let bots = Bots::start(tell, tls::believing(Some(authorities)).expect("an authority")).expect("a thread");
    let _stream = bots.begin(LegId::of(CallId(1), 1), call_to(format!("wss://localhost:{port}/voice")));
    ended.recv().await.expect("it comes to an end").end
}

#[tokio::test]
async fn a_bot_over_tls_is_believed_by_its_certificate_and_by_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = |name: &str| {
        CertificateFiles::of_our_own(&folder.path().join(name), &["localhost".to_owned()]).expect("made")
    };
    let (ours, other) = (made("ours"), made("other"));
    let port = secure_bot(ours.clone()).await;
    let done = BotEnd::Result { result: "done".into(), values: Vec::new() };
    assert_eq!(talk(port, &ours.chain).await, done);
    assert_eq!(talk(port, &other.chain).await, BotEnd::Lost);
}

proptest! {
    #[test]
    fn no_message_breaks_the_reader(text in ".{0,200}", result in "[a-z]{0,80}", said in ".{0,2000}") {
        protocol::read(&text, &fields());
        let whole = serde_json::json!({ "event": "result", "result": result, "text": said });
        if let Some(Said::Result(BotEnd::Result { result, values })) = protocol::read(&whole.to_string(), &fields()) {
            prop_assert!(result.chars().count() <= 64);
            prop_assert!(matches!(&values[0], Some(Value::Text(text)) if text.chars().count() <= 1_000));
        }
    }
}
