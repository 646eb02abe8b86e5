//! The API over real loopback sockets.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::*;
use crate::base::CallId;
use crate::call::request::AgentRequest;
use crate::call::request::Refusal;
use crate::queue::api::AgentWish;
use crate::server::ControlError;
use crate::server::ControlRequest;
use crate::store::HistoryWriter;
use crate::store::Store;
use crate::store::sample;

/// A running API, with a control thread that knows alice, says yes and remembers.
struct Api {
    address: SocketAddr,
    live: Arc<Live>,
    history: HistoryWriter,
    wishes: std::sync::mpsc::Receiver<(String, AgentWish)>,
    asked: std::sync::mpsc::Receiver<(String, AgentRequest)>,
    _runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

fn api() -> Api {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    let live = Arc::new(Live::new(sample::STARTED, &["alice".into(), "bob".into()], &["billing".into()]));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (control, mut requests) = ControlHandle::new();
    let (wish_sender, wishes) = std::sync::mpsc::channel();
    let (asked_sender, asked) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        while let Some(request) = requests.recv().await {
            match request {
                ControlRequest::SetAgentState { agent, wish, reply } => {
                    let _ = wish_sender.send((agent.to_string(), wish));
                    let _ = reply.send(Ok(()));
                }
                ControlRequest::HangUp { call, reply } => {
                    let _ = reply.send(Err(ControlError::UnknownCall(call)));
                }
                ControlRequest::AskCall { who, call: CallId(7), request, reply } => {
                    let _ = asked_sender.send((who.to_string(), *request));
                    let _ = reply.send(Ok(()));
                }
                ControlRequest::AskCall { reply, .. } => {
                    let _ = reply.send(Err(Refusal::NotTold.into()));
                }
                ControlRequest::Shutdown { reply } => drop(reply),
            }
        }
    });
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let sip = "127.0.0.1:5060".parse().unwrap();
    let state = ApiState::new(store.readers().unwrap(), control, Arc::clone(&live), address, sip)
        .with_metrics(|| vec![Metric::gauge("warmline_media_streams", "Streams open", 3.0)]);
    runtime.spawn(async move { axum::serve(listener, router(state)).await });
    Api { address, live, history, wishes, asked, _runtime: runtime, _folder: folder }
}

impl Api {
    fn tell(&self, facts: Vec<crate::fact::Fact>) {
        for fact in facts {
            self.live.apply(&fact);
            self.history.record(fact);
        }
        self.history.flush();
    }

    /// Status, head and body of the answer to one request with these header lines.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), head.to_lowercase(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let (status, _, body) = self.ask("GET", path, "Host: localhost\r\n", "");
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    fn put(&self, path: &str, body: &str) -> (u16, Value) {
        let headers = "Host: localhost\r\nContent-Type: application/json\r\n";
        let (status, _, body) = self.ask("PUT", path, headers, body);
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }
}

#[test]
fn a_call_is_found_by_its_sip_call_id_and_told() {
    let api = api();
    api.tell(sample::short_call(6));
    api.tell(sample::whole_call(7));
    let (status, found) = api.get("/api/v1/calls?sip_call_id=call-7@127.0.0.1");
    assert_eq!((status, found["calls"].as_array().unwrap().len()), (200, 1));
    let call = &found["calls"][0];
    assert_eq!((&call["id"], &call["digits"], &call["outcome"]), (&json!(7), &json!("11"), &json!("talked")));
    assert_eq!(
        (&call["waited_s"], &call["quote_s"], &call["agent"]),
        (&json!(36.0), &json!(60), &json!("bob"))
    );
    assert_eq!(call["arrived"], "2026-11-22T14:02:00.000Z");
    let (status, whole) = api.get("/api/v1/calls/7");
    assert_eq!((status, &whole["call"]), (200, call));
    assert_eq!(whole["facts"].as_array().unwrap().len(), whole["story"].as_array().unwrap().len());
    assert_eq!(whole["story"][12]["words"], "keyed 1: billing");
    assert_eq!(whole["facts"][12]["fact"], "chose");
    let (_, page) = api.get("/api/v1/calls?limit=1");
    assert_eq!((&page["calls"][0]["id"], &page["next_before"]), (&json!(7), &json!(7)));
    let (_, page) = api.get("/api/v1/calls?limit=1&before=7");
    assert_eq!(page["calls"][0]["id"], json!(6));
}

#[test]
fn a_live_call_says_how_far_it_is() {
    let api = api();
    api.tell(sample::whole_call(7).into_iter().take(17).collect());
    let (_, found) = api.get("/api/v1/calls");
    assert_eq!((&found["calls"][0]["phase"], &found["calls"][0]["ended"]), (&json!("holding"), &Value::Null));
    let (_, queues) = api.get("/api/v1/queues");
    assert_eq!(
        (&queues["queues"][0]["name"], &queues["queues"][0]["waiting"]),
        (&json!("billing"), &json!(1))
    );
    assert!(queues["queues"][0]["longest_wait_s"].is_number());
}

#[test]
fn what_is_not_there_is_said_with_a_hint() {
    let api = api();
    let hint = |(status, body): (u16, Value)| (status, body["hint"].as_str().unwrap().to_owned());
    assert_eq!(hint(api.get("/api/v1/agents/alcie/state")), (404, "did you mean alice?".to_owned()));
    assert_eq!(hint(api.get("/api/v1/calls/99")).0, 404);
    assert_eq!(hint(api.get("/api/v1/calls/first")).0, 400);
    assert_eq!(hint(api.get("/api/v1/calls?form=1")).0, 400);
    assert_eq!(hint(api.get("/nowhere")).0, 404);
    let (status, head, _) = api.ask("DELETE", "/api/v1/calls/1", "Host: localhost\r\n", "");
    assert_eq!(status, 405);
    assert!(head.contains("allow: get"), "{head}");
}

#[test]
fn an_agent_s_state_is_asked_of_the_control_thread() {
    let api = api();
    let path = "/api/v1/agents/alice/state";
    let (status, agent) = api.put(path, r#"{"state":"not_ready","reason":"lunch"}"#);
    assert_eq!((status, &agent["id"]), (202, &json!("alice")));
    let wish = api.wishes.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(wish, ("alice".to_owned(), AgentWish::NotReady("lunch".into())));
    assert_eq!(api.put(path, r#"{"state":"asleep"}"#).0, 422);
    assert_eq!(api.put(path, r#"{"state":"#).0, 400);
    assert_eq!(api.put(path, &format!(r#"{{"state":"not_ready","reason":"{}"}}"#, "x".repeat(65))).0, 422);
    assert_eq!(api.put(path, &format!(r#"{{"state":"{}"}}"#, "x".repeat(LARGEST_BODY))).0, 413);
    assert_eq!(api.put("/api/v1/agents/zoe/state", r#"{"state":"ready"}"#).0, 404);
    let (status, ..) =
        api.ask("PUT", path, "Host: localhost\r\nContent-Type: text/plain\r\n", r#"{"state":"ready"}"#);
    assert_eq!(status, 415, "a form on somebody else's page can send text/plain");
    assert!(api.wishes.try_recv().is_err(), "none of these reached the control thread");
}

#[test]
fn what_an_agent_asks_of_a_call_reaches_it_or_is_told_why_not() {
    let api = api();
    let post = |path: &str, body: Value| {
        let headers = "Host: localhost\r\nContent-Type: application/json\r\n";
        let (status, _, body) = api.ask("POST", &format!("/api/v1/calls/{path}"), headers, &body.to_string());
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let hold = json!({ "agent": "alice", "reason": "the invoice", "quote_s": 60, "way": "prompted" });
    assert_eq!(post("7/hold", hold), (202, json!({})));
    let (who, request) = api.asked.recv_timeout(Duration::from_secs(5)).unwrap();
    let (reason, quote) = ("the invoice".to_owned(), Some(Duration::from_secs(60)));
    let way = Some(crate::fact::HoldWay::Prompted);
    assert_eq!((who.as_str(), request), ("alice", AgentRequest::Hold { reason, quote, way, agreed: false }));

    let promise = json!({ "kind": "callback", "due": "2026-11-26T15:00:00Z", "words": "about the van" });
    let outcome = json!({ "agent": "alice", "outcome": "promised", "promise": promise });
    assert_eq!(post("7/outcome", outcome).0, 202);
    let (_, request) = api.asked.recv_timeout(Duration::from_secs(5)).unwrap();
    let AgentRequest::Outcome(report) = request else { panic!("{request:?}") };
    assert_eq!(report.promise.unwrap().due.unix_secs(), 1_795_705_200);

    let consult = json!({ "agent": "alice", "to": { "agent": "bob" }, "note": { "issue": "a leak" } });
    let (status, problem) = post("8/consult", consult);
    assert_eq!(status, 409);
    assert_eq!(
        problem["error"],
        "the caller is on hold and has not been told why and to whom they are to go"
    );
    assert!(problem["hint"].as_str().unwrap().contains("told_caller"));

    assert_eq!(post("7/resume", json!({})).0, 422, "nobody acts");
    assert_eq!(post("7/resume", json!({ "agent": "alice", "reason": "?" })).0, 422);
    assert_eq!(post("7/consult", json!({ "agent": "alice", "to": { "planet": "mars" } })).0, 422);
    let late = json!({ "kind": "callback", "due": "tomorrow" });
    assert_eq!(post("7/outcome", json!({ "agent": "a", "outcome": "promised", "promise": late })).0, 422);
    assert!(api.asked.try_recv().is_err(), "none of these reached the control thread");
}

#[test]
fn a_name_that_was_made_to_point_here_is_not_served() {
    let api = api();
    assert_eq!(api.ask("GET", "/api/v1/calls", "Host: evil.example:8080\r\n", "").0, 421);
    assert_eq!(api.ask("GET", "/api/v1/calls", "", "").0, 421);
    assert_eq!(api.ask("GET", "/api/v1/calls", "Host: 127.0.0.1:8080\r\n", "").0, 200);
}

#[test]
fn pages_for_people_and_probes_answer() {
    let api = api();
    api.tell(sample::whole_call(7));
    assert_eq!(api.get("/healthz"), (200, json!("ok\n")));
    assert_eq!(api.get("/readyz"), (200, json!("ready\n")));
    let (status, page) = api.get("/");
    assert_eq!(status, 200);
    assert!(page.as_str().unwrap().contains("sip:NUMBER@127.0.0.1:5060"));
    let (_, metrics) = api.get("/metrics");
    let metrics = metrics.as_str().unwrap();
    for line in [
        "warmline_calls_ended_total{outcome=\"talked\"} 1",
        "warmline_calls 0",
        "warmline_queue_waiting{queue=\"billing\"} 0",
        "warmline_agents{state=\"offline\"} 2",
        "warmline_media_streams 3",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}

#[test]
fn a_watcher_sees_facts_as_they_happen() {
    let api = api();
    let mut stream = TcpStream::connect(api.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert!(lines.find(|line| line.is_empty()).is_some(), "the head");
    api.tell(sample::whole_call(7));
    let data = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    let fact: Value = serde_json::from_str(&data).unwrap();
    assert_eq!((&fact["fact"], &fact["call"]), (&json!("call_arrived"), &json!(7)));
    assert_eq!(fact["at"], "2026-11-22T14:02:00.000Z");
}

#[test]
fn the_openapi_document_names_every_path_and_method_and_no_other() {
    let api = api();
    let (_, document) = api.get("/api/v1/openapi.json");
    let paths = document["paths"].as_object().unwrap();
    let documented: Vec<_> = paths.keys().map(String::as_str).collect();
    let mut served: Vec<_> = routes().into_iter().map(|(path, _)| path).collect();
    served.sort_unstable();
    assert_eq!(documented, served);
    for (path, item) in paths {
        // A method that nothing takes is answered with those that the path takes.
        let (status, head, _) = api.ask("PATCH", &path.replace("{id}", "1"), "Host: localhost\r\n", "");
        assert_eq!(status, 405, "{path}");
        let allow = head.lines().find_map(|line| line.strip_prefix("allow: ")).unwrap();
        let mut takes: Vec<_> = allow.split(',').filter(|method| *method != "head").collect();
        takes.sort_unstable();
        let of_document = |method: &&str| item.get(*method).is_some();
        let documented: Vec<_> = ["delete", "get", "post", "put"].into_iter().filter(of_document).collect();
        assert_eq!(takes, documented, "{path}");
    }
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is not described");
    }
}
