//! Against a real little service, which is slow, fails and lies.

use std::net::TcpListener;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use axum::Json as Body;
use axum::Router;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::routing::get;
use axum::routing::post;
use serde_json::json;

use super::*;
use crate::flow::api::Kind;
use crate::flow::service::Service;

/// How long a question may take that is answered; no test waits for it.
const LONG: Duration = Duration::from_secs(60);

/// What a service and its test share.
#[derive(Default)]
struct Shared {
    asked: AtomicU32,
    down: AtomicBool,
}

/// A service that lives as long as the runtime.
struct Little {
    at: String,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

async fn order(State(shared): State<Arc<Shared>>, Path(number): Path<String>) -> (StatusCode, String) {
    let before = shared.asked.fetch_add(1, Ordering::SeqCst);
    if shared.down.load(Ordering::SeqCst) {
        return (StatusCode::SERVICE_UNAVAILABLE, String::new());
    }
    let good = r#"{"order":{"status":"sent"},"days":3,"late":false,"list":[1],"part":0.5}"#;
    match number.as_str() {
        "none" => (StatusCode::NOT_FOUND, String::new()),
        "broken" => (StatusCode::INTERNAL_SERVER_ERROR, good.to_owned()),
        "wrong" => (StatusCode::BAD_REQUEST, String::new()),
        "moved" => (StatusCode::FOUND, String::new()),
        "lies" => (StatusCode::OK, "<html>sent</html>".to_owned()),
        "endless" => (StatusCode::OK, format!("\"{}\"", "x".repeat(LONGEST as usize))),
        "second" if before == 0 => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
        "never" => std::future::pending().await,
        _ => (StatusCode::OK, good.to_owned()),
    }
}

/// Says what it was sent.
async fn echo(headers: HeaderMap, Body(sent): Body<Json>) -> Body<Json> {
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Body(json!({ "sent": sent.to_string(), "kind": header("content-type"), "key": header("x-key") }))
}

fn little() -> Little {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("for the runtime");
    let at = format!("http://{}", listener.local_addr().expect("an address"));
    let shared = Arc::new(Shared::default());
    let router = Router::new()
        .route("/orders/{number}", get(order))
        .route("/echo", post(echo))
        .with_state(Arc::clone(&shared));
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        axum::serve(listener, router).await
    });
    Little { at, shared, _runtime: runtime }
}

impl Little {
    fn question(&self, path: &str, timeout: Duration, tries: u32) -> Question {
        let service = Service {
            name: "orders".into(),
            at: self.at.clone(),
            timeout,
            tries,
            keep: Some(LONG),
            headers_env: vec![("x-key".to_owned(), "PATH".to_owned())],
        };
        let fields = ["order.status", "days", "late", "list", "part", "order.none"];
        Question {
            number: 7,
            url: format!("{}{path}", service.at),
            service: Arc::new(service),
            send: Vec::new(),
            fields: fields.iter().map(|field| ((*field).into(), Kind::Text)).collect(),
            code_for: None,
        }
    }
}

fn asked(question: &Question) -> FetchResult {
    told(question).0
}

/// What came of it, and what was wrong.
fn told(question: &Question) -> (FetchResult, Option<Failure>) {
    let agent =
        Agent::new_with_config(Agent::config_builder().http_status_as_error(false).max_redirects(0).build());
    ask(&agent, question, None, Instant::now() + question.service.timeout)
}

fn good() -> Vec<Option<Value>> {
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    vec![text("sent"), Some(Value::Number(3)), Some(Value::Truth(false)), None, text("0.5"), None]
}

#[test]
fn fields_come_back_in_order_and_what_is_no_value_is_none() {
    let little = little();
    let found = asked(&little.question("/orders/4711", LONG, 1));
    assert_eq!(found, FetchResult::Answered { values: good(), instead_of: None });
    assert_eq!(asked(&little.question("/orders/none", LONG, 1)), FetchResult::Missing);
}

#[test]
fn numbers_that_are_not_whole_are_texts_and_those_that_are_are_numbers() {
    let json = serde_json::json!({ "a": 3.0, "b": 12.5, "c": -7, "d": 1e3, "e": 1e300, "f": 18_446_744_073_709_551_615_u64 });
    let found = ["a", "b", "c", "d"].map(|field| value(&json, field).expect("a value"));
    let text = Value::Text("12.5".to_owned());
    assert_eq!(found, [Value::Number(3), text, Value::Number(-7), Value::Number(1_000)]);
    assert!(["e", "f"].iter().all(|field| matches!(value(&json, field), Some(Value::Text(_)))));
}

#[test]
fn what_was_wrong_is_said_and_what_is_no_answer_has_failed() {
    let little = little();
    let said = |path: &str| told(&little.question(path, LONG, 1));
    assert_eq!(said("/orders/none"), (FetchResult::Missing, None));
    assert!(said("/nowhere/else").1.is_none(), "404 is an answer");
    let (answered, lacks) = said("/orders/4711");
    assert!(matches!(answered, FetchResult::Answered { .. }), "what is lacking is the flow's to judge");
    assert_eq!(lacks.expect("a failure").to_string(), "answered with no list that can be used");
    let fails = |question: &Question, words: &str| {
        let (result, why) = told(question);
        let why = why.expect("a failure");
        assert_eq!((result, why.to_string().as_str()), (FetchResult::Failed(why), words));
    };
    for (number, words) in [
        ("broken", "answered 500"),
        ("wrong", "answered 400"),
        ("moved", "answered 302"),
        ("lies", "answered 200 with no JSON"),
        ("endless", "gave an answer that is too large"),
    ] {
        fails(&little.question(&format!("/orders/{number}"), LONG, 1), words);
    }
    // All tries share the time.
    fails(&little.question("/orders/never", Duration::from_millis(200), 5), "did not answer in time");
    // Nobody listens there, whatever else runs.
    let at = |url: &str| Question { url: url.to_owned(), ..little.question("/", LONG, 1) };
    fails(&at("http://127.0.0.1:1/"), "refused the connection");
    fails(&at("http://nowhere.invalid/"), "could not be reached: the name of its host is not known");
}

#[test]
fn a_service_that_hangs_up_or_speaks_another_language_is_told_as_such() {
    let little = little();
    for (says, words) in
        [("", "broke the connection off"), ("220 mail.example ESMTP\r\n", "does not speak HTTP as it should")]
    {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let other = thread::spawn(move || {
            let (mut line, _) = listener.accept().expect("somebody");
            let mut asked = [0; 64];
            io::Read::read(&mut line, &mut asked).expect("a question");
            io::Write::write_all(&mut line, says.as_bytes()).expect("a line");
        });
        let why = told(&Question { url, ..little.question("/", LONG, 1) }).1.expect("a failure");
        assert_eq!(why.to_string(), words);
        other.join().expect("it ended");
    }
}

#[test]
fn a_question_is_put_again_where_that_may_help_and_harms_nobody() {
    let little = little();
    let found = asked(&little.question("/orders/second", LONG, 2));
    assert_eq!(found, FetchResult::Answered { values: good(), instead_of: None });
    assert_eq!(little.shared.asked.swap(0, Ordering::SeqCst), 2);
    asked(&little.question("/orders/broken", LONG, 3));
    assert_eq!(little.shared.asked.swap(0, Ordering::SeqCst), 3);
    asked(&little.question("/orders/wrong", LONG, 3));
    assert_eq!(little.shared.asked.swap(0, Ordering::SeqCst), 1, "a wrong question stays wrong");
}

#[test]
fn what_is_sent_is_sent_as_json_with_the_headers_of_the_environment() {
    let little = little();
    let mut question = little.question("/echo", LONG, 5);
    question.send = vec![
        ("order".into(), Value::Text("47\"11".to_owned())),
        ("count".into(), Value::Number(2)),
        ("known".into(), Value::Truth(true)),
    ];
    question.fields = ["sent", "kind", "key"].iter().map(|field| ((*field).into(), Kind::Text)).collect();
    let FetchResult::Answered { values, .. } = asked(&question) else { panic!("answered") };
    let words: Vec<String> = values.into_iter().flatten().map(|value| value.in_words()).collect();
    let sent: Json = serde_json::from_str(&words[0]).expect("JSON");
    assert_eq!(sent, json!({ "order": "47\"11", "count": 2, "known": true }));
    assert_eq!(words[1], "application/json");
    assert_eq!(words[2], std::env::var("PATH").expect("a variable that is there"));
}

#[test]
fn an_answer_bears_the_questions_number_and_the_last_one_holds_while_the_service_is_down() {
    let (sender, mut answers) = mpsc::channel(16);
    let fetcher = Fetcher::start(sender).expect("threads");
    let little = little();
    let question = little.question("/orders/4711", LONG, 1);
    fetcher.ask(CallId(3), question.clone(), None);
    let first = answers.blocking_recv().expect("an answer");
    assert_eq!((first.call, first.number), (CallId(3), 7));
    assert_eq!(first.result, FetchResult::Answered { values: good(), instead_of: None });
    // After some failures nobody asks it any more, and the answer is the same.
    little.shared.down.store(true, Ordering::SeqCst);
    let mut whys = Vec::new();
    for _ in 0..8 {
        fetcher.ask(CallId(4), question.clone(), None);
        let known = answers.blocking_recv().expect("an answer");
        let FetchResult::Answered { values, instead_of: Some(failure) } = known.result else {
            panic!("kept")
        };
        assert_eq!(values, good());
        whys.push(failure.to_string());
    }
    assert_eq!(whys[0], "answered 503");
    assert_eq!(whys[7], "was not asked: it failed again and again");
    assert!(little.shared.asked.load(Ordering::SeqCst) < 9, "left alone");
    let other = Question { url: question.url.replace("4711", "4712"), ..question };
    fetcher.ask(CallId(5), other, None);
    let left = answers.blocking_recv().expect("an answer").result;
    assert_eq!(left, FetchResult::Failed(Failure::LeftAlone));
}
