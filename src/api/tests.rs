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
use crate::base::Name;
use crate::base::PromiseId;
use crate::base::Timestamp;
use crate::call::request::AgentRequest;
use crate::call::request::Refusal;
use crate::fact::AgentStateName;
use crate::fact::Fact;
use crate::fact::HoldBy;
use crate::fact::HoldEndedBy;
use crate::fact::Promise;
use crate::fact::PromiseState;
use crate::fact::Target;
use crate::fact::TransferKind;
use crate::fact::WaitExit;
use crate::fact::What;
use crate::flow;
use crate::queue::api::AgentWish;
use crate::queue::promises::PromiseError;
use crate::server::ControlError;
use crate::server::ControlRequest;
use crate::server::PlaceCall;
use crate::server::Rules;
use crate::server::standby::StandbyStats;
use crate::server::trunks::Trunks;
use crate::store::HistoryWriter;
use crate::store::Store;
use crate::store::sample;

mod bodies;
mod conformance;
mod customers;
mod described;
mod evaluations;
mod explain;
mod facts;
mod goals;
mod listen;
mod losses;
mod lost;
mod menus;
mod misrouted;
mod numbers;
mod queues;
mod reads;
mod session;
mod sip_socket;
mod sittings;
mod sockets;
mod sounds;
mod standbys;
mod trends;
mod trunks;
mod web_call;

/// A running API, with a control thread that knows alice, says yes and remembers.
struct Api {
    address: SocketAddr,
    live: Arc<Live>,
    history: HistoryWriter,
    wishes: std::sync::mpsc::Receiver<(String, AgentWish)>,
    asked: std::sync::mpsc::Receiver<(String, AgentRequest)>,
    /// What somebody got of what is kept of callers, and who.
    fetched: std::sync::mpsc::Receiver<(String, Option<String>)>,
    placed: std::sync::mpsc::Receiver<(String, PlaceCall)>,
    skills: std::sync::mpsc::Receiver<String>,
    trunks: Arc<Trunks>,
    _runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

fn api() -> Api {
    api_for(None, sample::STARTED)
}

/// The API of a server that started then, and is bound to this address as far as it knows; on loopback when none is
/// given.
fn api_for(bound: Option<SocketAddr>, started: WallTime) -> Api {
    api_of(flow::tests::demo(), bound, started)
}

/// The same, of another center.
fn api_of(center: flow::Center, bound: Option<SocketAddr>, started: WallTime) -> Api {
    api_with(center, bound, started, None)
}

/// The same, with standbys.
fn api_with(
    center: flow::Center,
    bound: Option<SocketAddr>,
    started: WallTime,
    standbys: Option<StandbyStats>,
) -> Api {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.seed_demo_agents(&["alice".into(), "bob".into()]).unwrap();
    let history = HistoryWriter::start(&store, started).unwrap();
    let losses = history.losses();
    let live = Arc::new(Live::new(started, Rules::named(&["alice", "bob"], &["billing"])));
    live.begin_after(history.next_number() - 1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (control, mut requests) = ControlHandle::new();
    let trunks = Arc::<Trunks>::default();
    let (wish_sender, wishes) = std::sync::mpsc::channel();
    let (asked_sender, asked) = std::sync::mpsc::channel();
    let (fetched_sender, fetched) = std::sync::mpsc::channel();
    let (placed_sender, placed) = std::sync::mpsc::channel();
    let (skill_sender, skills) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        while let Some(request) = requests.recv().await {
            match request {
                ControlRequest::SetAgentState { agent, wish, reply, .. } => {
                    let _ = wish_sender.send((agent.to_string(), wish));
                    let _ = reply.send(Ok(()));
                }
                ControlRequest::SetSkill { agent, skill, level, by, reply } => {
                    let _ = skill_sender.send(format!("{by}: {agent} {skill} {level}"));
                    let _ = reply.send(Ok(()));
                }
                ControlRequest::HangUp { call, reply, .. } => {
                    let _ = reply.send(Err(ControlError::UnknownCall(call)));
                }
                ControlRequest::AskCall { who, call: CallId(7), request, reply } => {
                    let _ = asked_sender.send((who.to_string(), *request));
                    let _ = reply.send(Ok(None));
                }
                ControlRequest::AskCall { reply, .. } => {
                    let _ = reply.send(Err(Refusal::NotTold.into()));
                }
                ControlRequest::RecordingFetched { file, by, reply, .. } => {
                    let _ = fetched_sender.send((file.to_string(), by.map(|by| by.to_string())));
                    let _ = reply.send(Ok(()));
                }
                ControlRequest::Read { what, by, reply } => {
                    let _ = fetched_sender.send((format!("{what:?}"), Some(by.to_string())));
                    let _ = reply.send(Ok(()));
                }
                ControlRequest::CustomerChanged { account, did, by, reply } => {
                    let _ = fetched_sender.send((format!("{account} {did:?}"), by.map(|by| by.to_string())));
                    let _ = reply.send(Ok(()));
                }
                ControlRequest::Evaluated { agent, form, step, reply, .. } => {
                    let _ = fetched_sender.send((format!("{form} {step:?}"), Some(agent.to_string())));
                    let _ = reply.send(Ok(()));
                }
                ControlRequest::MessageHandled { part, by, words, reply, .. } => {
                    let _ = fetched_sender.send((format!("{part} {words}"), by.map(|by| by.to_string())));
                    let _ = reply.send(Ok(sample::STARTED));
                }
                ControlRequest::Promise { id: PromiseId(3), who, supervises, wish, reply } => {
                    let settled = Some((WallTime(0), Some(who.clone()), format!("{wish:?}")));
                    let state = if supervises { PromiseState::Late } else { PromiseState::Kept };
                    let _ = reply.send(Ok(Promise { owner: who, state, settled, ..sample::promise(3, 60) }));
                }
                ControlRequest::Promise { id, reply, .. } => {
                    let _ = reply.send(Err(Refusal::Promise(PromiseError::NotOpen(id)).into()));
                }
                ControlRequest::Place { who, wish, reply } => {
                    let _ = placed_sender.send((who.to_string(), wish));
                    let _ = reply.send(Ok(CallId(8)));
                }
                ControlRequest::Connect { .. }
                | ControlRequest::Ask { .. }
                | ControlRequest::Accounts { .. }
                | ControlRequest::TrendSeen { .. } => {}
                ControlRequest::Serve { reply, .. }
                | ControlRequest::Shutdown { reply }
                | ControlRequest::Leave { reply } => drop(reply),
            }
        }
    });
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let (bound, sip) = (bound.unwrap_or(address), "127.0.0.1:5060".parse().unwrap());
    let state = ApiState::new(Arc::new(store), control, Arc::clone(&live), Arc::new(center), bound, sip)
        .unwrap()
        .with_losses(losses)
        .with_proxy(vec!["calls.example.org".to_owned()])
        .with_standbys(standbys.map(Arc::new))
        .with_trunks(trunks.clone())
        .with_metrics(|| vec![Metric::gauge("warmline_media_streams", "Streams open", 3.0)]);
    runtime.spawn(async move {
        axum::serve(listener, router(state).into_make_service_with_connect_info::<SocketAddr>()).await
    });
    Api { address, live, history, wishes, asked, fetched, placed, skills, trunks, _runtime: runtime, folder }
}

impl Api {
    fn tell(&self, facts: Vec<crate::fact::Fact>) {
        for fact in facts {
            let dated = self.live.dated(fact);
            self.live.tell(self.history.next_number(), &dated);
            self.history.record(dated.fact);
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
        self.sends("PUT", path, body)
    }

    fn sends(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let headers = "Host: localhost\r\nContent-Type: application/json\r\n";
        let (status, _, body) = self.ask(method, path, headers, body);
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
fn calls_are_had_as_a_table_a_page_at_a_time() {
    let api = api();
    api.tell(sample::short_call(6));
    api.tell(sample::whole_call(7));
    let page = |query: &str| api.ask("GET", &format!("/api/v1/calls?{query}"), "Host: localhost\r\n", "");
    let (_, head, first) = page("format=csv&before=9&limit=1");
    assert!(head.contains("text/csv") && head.contains("filename=\"calls.csv\""), "{head}");
    assert!(first.starts_with("id,direction,arrived,"), "{first}");
    assert!(first.lines().nth(1).is_some_and(|line| line.starts_with("7,inbound,2026-11-22T14:02:00.000Z,")));
    let next = "link: </api/v1/calls?format=csv&limit=1&before=7>; rel=\"next\"";
    assert!(head.lines().any(|line| line == next), "{head}");
    let (_, head, last) = page("format=csv&limit=5&before=7");
    assert!(
        last.lines().nth(1).is_some_and(|line| line.starts_with("6,")) && !head.contains("link:"),
        "{head}"
    );
    assert_eq!(page("format=xml").0, 400);
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

/// The cookie of a session of this account, as a header line.
fn sign_in(api: &Api, name: &str) -> String {
    let body = json!({ "name": name, "password": "warmline" }).to_string();
    let (status, head, answer) = api.ask("POST", "/api/v1/session", JSON, &body);
    assert_eq!(status, 200, "{answer}");
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    format!(
        "Host: localhost\r\nContent-Type: application/json\r\nCookie: {}\r\n",
        cookie.split(';').next().unwrap()
    )
}

const JSON: &str = "Host: localhost\r\nContent-Type: application/json\r\n";

#[test]
fn a_person_signs_in_acts_for_themselves_and_signs_out() {
    let api = api();
    let alice = sign_in(&api, "alice");
    let who = |headers: &str| {
        let (_, _, body) = api.ask("GET", "/api/v1/session", headers, "");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    assert_eq!(who(&alice), json!({ "name": "alice", "role": "agent", "local": false }));
    assert_eq!(who(JSON), json!({ "name": null, "role": null, "local": true }));
    let ready = r#"{"state":"ready"}"#;
    let ours = format!("{alice}X-Warmline: 1\r\n");
    let set = |headers: &str, agent: &str| {
        api.ask("PUT", &format!("/api/v1/agents/{agent}/state"), headers, ready).0
    };
    assert_eq!(set(&alice, "alice"), 403, "a browser that another page made ask");
    assert_eq!(set(&ours, "alice"), 202);
    assert_eq!(set(&ours, "bob"), 403, "an agent sets nobody else's state");
    assert_eq!(set(&format!("{}X-Warmline: 1\r\n", sign_in(&api, "sam")), "bob"), 202, "a supervisor does");
    let foreign = format!("{ours}Origin: http://evil.example\r\n");
    assert_eq!(set(&foreign, "alice"), 403, "another site's page");
    let end = |headers: &str| api.ask("POST", "/api/v1/calls/99/end", headers, "").0;
    assert_eq!(end(&ours), 403, "an agent ends no call of others");
    assert_eq!(end(&format!("{}X-Warmline: 1\r\n", sign_in(&api, "sam"))), 404, "a supervisor would");
    assert_eq!(api.ask("DELETE", "/api/v1/session", &ours, "").0, 204);
    assert_eq!(set(&ours, "alice"), 401, "it is over");
    assert_eq!(who(&ours), json!({ "name": null, "role": null, "local": false }), "a stale cookie is nobody");
    assert_eq!(api.wishes.try_iter().count(), 2);
}

#[test]
fn beyond_loopback_only_pages_and_health_answer_who_is_not_signed_in() {
    let api = api_for(Some("192.0.2.1:8080".parse().unwrap()), sample::STARTED);
    for path in ["/healthz", "/readyz", "/", "/api/v1/session"] {
        assert_eq!(api.get(path).0, 200, "{path}");
    }
    for (path, _) in routes() {
        let path = path.replace("{id}", "1");
        if path.starts_with("/api/")
            && !["/api/v1/session", "/api/v1/web-call", "/api/v1/ice"].contains(&&*path)
        {
            assert_eq!(api.get(&path).0, 401, "{path}");
        }
    }
    assert_eq!(api.get("/metrics").0, 401);
    assert_eq!(api.put("/api/v1/agents/alice/state", r#"{"state":"ready"}"#).0, 401);
    let alice = sign_in(&api, "alice");
    assert_eq!(api.ask("GET", "/api/v1/agents", &alice, "").0, 200);
    let token = alice.rsplit('=').next().unwrap().trim();
    let bearer = format!("{JSON}Authorization: Bearer {token}\r\n");
    let set = api.ask("PUT", "/api/v1/agents/alice/state", &bearer, r#"{"state":"ready"}"#);
    assert_eq!(set.0, 202, "a program sends the token itself, and needs no more");
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
    let as_alice = |path: &str, body: &str| {
        let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, "alice"));
        api.ask("POST", &format!("/api/v1/calls/7/{path}"), &headers, body).0
    };
    assert_eq!(as_alice("resume", "{}"), 202, "who is signed in need not say who acts");
    assert_eq!(api.asked.recv_timeout(Duration::from_secs(5)).unwrap().0, "alice");
    assert_eq!(as_alice("resume", r#"{"agent":"bob"}"#), 403);
    assert_eq!(as_alice("supervise", r#"{"mode":"listen"}"#), 403, "that is for supervisors");
    assert_eq!(post("7/resume", json!({ "agent": "alice", "reason": "?" })).0, 422);
    assert_eq!(post("7/consult", json!({ "agent": "alice", "to": { "planet": "mars" } })).0, 422);
    let late = json!({ "kind": "callback", "due": "tomorrow" });
    assert_eq!(post("7/outcome", json!({ "agent": "a", "outcome": "promised", "promise": late })).0, 422);
    assert!(api.asked.try_recv().is_err(), "none of these reached the control thread");
}

#[test]
fn a_supervisor_moves_and_prioritises_callers_and_gives_skills_and_an_agent_does_not() {
    let api = api();
    let ask = |name: &str, method: &str, path: &str, body: Value| {
        let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, name));
        api.ask(method, &format!("/api/v1/{path}"), &headers, &body.to_string()).0
    };
    let sam = |path: &str, body: Value| ask("sam", "POST", &format!("calls/7/{path}"), body);
    let asked = || api.asked.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(sam("move", json!({ "queue": "billing" })), 202);
    assert_eq!(asked(), ("sam".to_owned(), AgentRequest::Move { queue: "billing".into() }));
    assert_eq!(sam("prioritise", json!({ "first": true })), 202);
    assert_eq!(asked().1, AgentRequest::Prioritise(crate::fact::FIRST));
    assert_eq!(sam("prioritise", json!({ "priority": -3 })), 202);
    assert_eq!(asked().1, AgentRequest::Prioritise(-3));
    for wrong in [json!({}), json!({ "first": true, "priority": 1 }), json!({ "priority": 101 })] {
        assert_eq!(sam("prioritise", wrong), 422);
    }
    assert_eq!(ask("sam", "PUT", "agents/bob/skills/billing", json!({ "level": 7 })), 202);
    assert_eq!(api.skills.recv_timeout(Duration::from_secs(5)).unwrap(), "sam: bob billing 7");
    assert_eq!(ask("sam", "PUT", "agents/bob/skills/billing", json!({ "level": 11 })), 422);
    assert_eq!(ask("sam", "PUT", "agents/bobby/skills/billing", json!({ "level": 1 })), 404);

    assert_eq!(ask("alice", "POST", "calls/7/move", json!({ "queue": "billing" })), 403);
    assert_eq!(ask("alice", "POST", "calls/7/prioritise", json!({ "first": true })), 403);
    assert_eq!(ask("alice", "PUT", "agents/alice/skills/billing", json!({ "level": 9 })), 403);
    assert!(api.asked.try_recv().is_err() && api.skills.try_recv().is_err());
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
    let of_another = |what| Fact { at: Timestamp::from_secs(90), call: Some(CallId(8)), what };
    let not_let_in = What::NotLetIn { queue: "billing".into(), needs: Vec::new() };
    api.tell([not_let_in, What::WaitEnded { exit: WaitExit::NobodyStaffed }].map(of_another).into());
    assert_eq!(api.get("/healthz"), (200, json!("ok\n")));
    assert_eq!(api.get("/readyz"), (200, json!("ready\n")));
    let (_, center) = api.get("/api/v1/center");
    assert_eq!((&center["sip"], &center["queues"]), (&json!("127.0.0.1:5060"), &json!(["billing"])));
    // The start page names nobody to sign in as who is not there.
    assert_eq!(center["demo_accounts"], json!(["ada", "alice", "bob", "sam"]));
    let (_, metrics) = api.get("/metrics");
    let metrics = metrics.as_str().unwrap();
    for line in [
        "warmline_calls_ended_total{outcome=\"talked\"} 1",
        "warmline_line_mos_bucket{le=\"4.3\"} 0",
        "warmline_line_mos_bucket{le=\"+Inf\"} 1",
        "warmline_line_mos_count 1",
        "warmline_calls 0",
        "warmline_queue_waiting{queue=\"billing\"} 0",
        "warmline_queue_surge{queue=\"billing\"} 0",
        "warmline_queue_joined_total{queue=\"billing\"} 2",
        "warmline_queue_answered_total{queue=\"billing\"} 1",
        "warmline_queue_answered_in_target_total{queue=\"billing\"} 0",
        "warmline_queue_abandoned_total{queue=\"billing\"} 0",
        "warmline_queue_unserved_total{queue=\"billing\",why=\"nobody_staffed\"} 1",
        "warmline_queue_unserved_total{queue=\"billing\",why=\"full\"} 0",
        "warmline_queue_wait_seconds_count{queue=\"billing\",end=\"answered\"} 1",
        "warmline_queue_wait_seconds_bucket{le=\"20\",queue=\"billing\",end=\"hung_up\"} 0",
        concat!("warmline_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        "warmline_history_losing 0",
        "warmline_history_lost_total 0",
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
    assert!(lines.find(|line| line == "retry: 2000").is_some(), "when to connect anew");
    api.tell(sample::whole_call(7));
    let data = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    let fact: Value = serde_json::from_str(&data).unwrap();
    assert_eq!((&fact["fact"], &fact["call"]), (&json!("call_arrived"), &json!(7)));
    assert_eq!(fact["at"], "2026-11-22T14:02:00.000Z");
}

#[test]
fn a_desk_shows_who_rings_and_what_they_called_about_before() {
    let api = api();
    let said = crate::fact::What::OutcomeSet {
        agent: "bob".into(),
        outcome: crate::fact::Resolution::Resolved,
        reason_code: "invoice".into(),
        note: "sent a copy".into(),
    };
    let mut earlier = sample::whole_call(5);
    let last = earlier.last().unwrap().clone();
    earlier.push(crate::fact::Fact { what: said, ..last });
    api.tell(earlier);
    api.tell(sample::whole_call(7).into_iter().take(20).collect());
    let (status, desk) = api.get("/api/v1/desk-view?agent=bob");
    assert_eq!((status, &desk["agent"]), (200, &json!("bob")));
    let call = &desk["calls"][1];
    assert_eq!(
        (&call["call"], &call["phase"], &call["role"]),
        (&json!(7), &json!("ringing"), &json!("agent"))
    );
    let caller = json!({ "name": "Ann", "number": "+12025550143", "account": "100200", "gain_db": 0 });
    assert_eq!(call["caller"], caller);
    assert_eq!(call["verified"], json!({ "how": "pin", "at": "2026-11-22T14:02:06.500Z" }));
    assert_eq!((&call["level"], &call["verified_by_agent"]), (&json!(2), &Value::Null));
    assert_eq!((&call["chose"], &call["quoted_s"]), (&json!(["billing"]), &json!(60)));
    let before = &call["before"][0];
    assert_eq!((&before["call"], &before["outcome"]), (&json!(5), &json!("resolved")));
    assert_eq!(before["note"], "sent a copy");
    let timeline = call["timeline"].as_array().unwrap();
    assert!(timeline.iter().any(|moment| moment["text"] == "keyed 1: billing"), "{timeline:?}");
    assert_eq!(api.get("/api/v1/desk-view").0, 422, "nobody said whose");
    assert_eq!(api.get("/api/v1/desk-view?agent=zoe").0, 404);
    let sam = sign_in(&api, "sam");
    assert_eq!(api.ask("GET", "/api/v1/desk-view", &sam, "").0, 200, "a supervisor has a desk as well");
    assert_eq!(api.ask("GET", "/api/v1/desk-view?agent=bob", &sam, "").0, 403);
}

#[test]
fn the_board_says_what_the_history_says() {
    let api = api_for(None, WallTime(now().0 - 120_000_000));
    let unserved = |call: u64, exit| {
        let mut facts: Vec<_> = sample::whole_call(call).into_iter().take(17).collect();
        let last = facts.last().unwrap().clone();
        facts.push(crate::fact::Fact {
            at: crate::base::Timestamp::from_secs(60),
            what: crate::fact::What::WaitEnded { exit },
            ..last
        });
        facts
    };
    api.tell(sample::whole_call(1));
    api.tell(sample::short_call(2));
    api.tell(unserved(3, crate::fact::WaitExit::Abandoned));
    api.tell(unserved(4, crate::fact::WaitExit::Cap));
    api.tell(sample::whole_call(5).into_iter().take(17).collect());
    let (_, board) = api.get("/api/v1/wallboard");
    let queue = &board["queues"][0];

    let readers = Store::open(api.folder.path()).unwrap().readers().unwrap();
    let again =
        crate::server::board::Board::new(now(), jiff::tz::TimeZone::system(), &api.live.rules().queues);
    for fact in readers.facts_of_waits(again.day().begins).unwrap() {
        again.apply(&fact);
    }
    let of_history = again.queues(now())[0].today;
    assert_eq!(api.live.board.queues(now())[0].today, of_history, "folded anew from the history");
    assert_eq!(again.waiting(), api.live.board.waiting());
    let figures =
        ["joined", "answered", "abandoned", "unserved", "in_target"].map(|name| &queue["today"][name]);
    let counts = [of_history.joined, of_history.answered, of_history.abandoned, of_history.unserved];
    assert_eq!(figures[..4], counts.map(|count| json!(count)).iter().collect::<Vec<_>>());

    let (_, calls) = api.get("/api/v1/calls");
    let begins = board["day_begins"].as_str().unwrap();
    let today = |call: &&Value| call["queue"] == "billing" && call["arrived"].as_str().unwrap() >= begins;
    let calls: Vec<_> = calls["calls"].as_array().unwrap().iter().filter(today).collect();
    assert_eq!(json!(calls.len()), *figures[0]);
    assert_eq!(json!(calls.iter().filter(|call| !call["agent"].is_null()).count()), *figures[1]);

    let (_, queues) = api.get("/api/v1/queues");
    assert_eq!((&queue["waiting"], &queue["waiting"]), (&queues["queues"][0]["waiting"], &json!(1)));
    let waiting = &board["waiting"][0];
    assert_eq!((&waiting["call"], &waiting["at_risk"]), (&json!(5), &json!(true)));
    assert_eq!(waiting["why"], "nobody with billing ≥ 3 is signed in");
}

#[test]
fn figures_of_a_time_are_told_as_json_and_as_a_table_to_supervisors() {
    let api = api();
    api.tell(sample::whole_call(7));
    let path = "/api/v1/reports/service?from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z&every=1h";
    let (status, report) = api.get(&format!("{path}&by=skill"));
    let row = &report["rows"][0];
    assert_eq!((status, &row["name"], &row["joined"]), (200, &json!("billing"), &json!(1)), "{report}");
    assert_eq!((&row["service_level"], &row["p90_wait_s"]), (&json!(0.0), &json!(36.0)));
    assert_eq!(row["intervals"][0]["begins"], "2026-11-22T14:00:00.000Z");
    let by_agent = api.get(&format!("{path}&by=agent")).1;
    assert_eq!((&by_agent["rows"][0]["name"], &by_agent["every"]), (&json!("bob"), &json!("1h")));
    let bob = sign_in(&api, "bob");
    assert_eq!(api.ask("GET", path, &bob, "").0, 403);
    let (_, headers, table) = api.ask("GET", &format!("{path}&format=csv"), "Host: localhost\r\n", "");
    assert!(headers.contains("text/csv"), "{headers}");
    let mut lines = table.lines();
    assert!(lines.next().is_some_and(|head| head.starts_with("queue,begins,joined,answered,")), "{table}");
    assert!(
        lines.next().is_some_and(|line| line.starts_with("billing,2026-11-22T14:00:00.000Z,1,1,0,")),
        "{table}"
    );
    let refused = |more: &str| api.get(&format!("/api/v1/reports/service?{more}")).0;
    assert_eq!((refused("by=colour"), refused("every=2m")), (422, 422));
    assert_eq!(refused("from=2025-01-01T00:00:00Z&every=15m"), 422);
}

#[test]
fn an_agent_s_call_is_asked_of_the_control_thread_and_answered_with_its_number() {
    let api = api();
    let post = |body: Value| {
        let headers = "Host: localhost\r\nContent-Type: application/json\r\n";
        let (status, _, answer) = api.ask("POST", "/api/v1/calls", headers, &body.to_string());
        (status, serde_json::from_str::<Value>(&answer).unwrap())
    };
    let body = json!({ "agent": "alice", "to": { "number": "+12025550199" }, "queue": "billing" });
    assert_eq!(post(body), (202, json!({ "call": 8 })));
    let (to, queue) = (crate::fact::Target::Number("+12025550199".to_owned()), Some("billing".into()));
    let placed = api.placed.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(placed, ("alice".to_owned(), PlaceCall { to, queue, at_desk: false }));
    assert_eq!(post(json!({ "agent": "alice" })).0, 422, "nobody is called");
    assert_eq!(post(json!({ "to": { "number": "1" } })).0, 422, "nobody calls");
    assert_eq!(post(json!({ "agent": "alice", "to": { "fax": "1" } })).0, 422);
    assert!(api.placed.try_recv().is_err(), "none of these reached the control thread");
}

#[test]
fn a_flow_is_drawn_with_who_is_where() {
    let api = api();
    api.tell(sample::whole_call(7).into_iter().take(7).collect());
    let facts = sample::whole_call(7);
    let at_menu = crate::fact::What::NodeEntered { flow: "main".into(), node: "main_menu".into(), by: None };
    api.tell(vec![crate::fact::Fact { what: at_menu, ..facts[7].clone() }]);
    let (_, list) = api.get("/api/v1/flows");
    let main = list["flows"].as_array().unwrap().iter().find(|flow| flow["name"] == "main").unwrap();
    assert_eq!((&main["numbers"], &main["callers"]), (&json!(["1000"]), &json!(1)));
    let (_, flow) = api.get("/api/v1/flows/main");
    assert!(flow["svg"].as_str().unwrap().starts_with("<svg"));
    let menu = flow["nodes"].as_array().unwrap().iter().find(|node| node["name"] == "main_menu").unwrap();
    assert_eq!((&menu["kind"], &menu["callers"]), (&json!("menu"), &json!(1)));
    assert_eq!(menu["exits"][0], json!({ "label": "a person", "to": "to_a_person", "taken": 0 }));
    api.tell(facts.into_iter().skip(7).take(14).collect());
    let (_, list) = api.get("/api/v1/flows");
    assert!(list["flows"].as_array().unwrap().iter().all(|flow| flow["callers"] == 0), "bob has taken over");
    assert_eq!(api.get("/api/v1/flows/nothing").0, 404);
}

#[test]
fn a_board_is_sent_at_once_to_who_watches() {
    let api = api();
    let mut stream = TcpStream::connect(api.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET /api/v1/wallboard/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line == "event: board"));
    let data = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    let board: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(board["queues"][0]["name"], "billing");
}

#[test]
fn promises_are_seen_and_settled_by_their_owner_and_by_supervisors() {
    let api = api();
    let of = |id: u64, agent: &str| match sample::promise_made(id, 60) {
        What::PromiseMade { id, promise, due, words, to, .. } => {
            What::PromiseMade { id, agent: agent.into(), promise, due, words, to }
        }
        other => panic!("{other:?}"),
    };
    let fact = |what| Fact { at: Timestamp::from_secs(1), call: Some(CallId(7)), what };
    let overdue = What::PromiseOverdue { id: PromiseId(2), agent: "bob".into() };
    api.tell(vec![fact(of(1, "alice")), fact(of(2, "bob")), fact(overdue)]);

    let (_, all) = api.get("/api/v1/promises");
    assert_eq!(all["promises"].as_array().map(Vec::len), Some(2), "a local program sees all of them");
    let (_, hers) = api.get("/api/v1/promises?owner=alice&state=open");
    assert_eq!((&hers["promises"][0]["id"], hers["promises"][1].is_null()), (&json!(1), true));
    assert_eq!(hers["promises"][0]["number"], "+12025550143");
    let (_, board) = api.get("/api/v1/wallboard");
    assert_eq!(
        (&board["promises"]["open"], &board["promises"]["overdue"][0]["owner"]),
        (&json!(2), &json!("bob"))
    );
    assert_eq!(board["queues"][0]["alarms"][0], "a promise to a caller is overdue: bob");
    let (_, desk) = api.get("/api/v1/desk-view?agent=alice");
    assert_eq!((&desk["promises"][0]["id"], desk["promises"][1].is_null()), (&json!(1), true));

    let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, "alice"));
    let ask = |method: &str, path: &str, body: &str| {
        let (status, _, body) = api.ask(method, path, &headers, body);
        (status, serde_json::from_str::<Value>(&body).unwrap_or_default())
    };
    let (_, hers) = ask("GET", "/api/v1/promises", "");
    assert_eq!(hers["promises"].as_array().map(Vec::len), Some(1), "an agent sees their own");
    assert_eq!(ask("GET", "/api/v1/promises?owner=bob", "").0, 403);
    assert_eq!(ask("GET", "/api/v1/promises/report", "").0, 403);
    let (status, kept) = ask("POST", "/api/v1/promises/3", r#"{"state":"kept","words":"told them"}"#);
    assert_eq!((status, &kept["owner"], &kept["state"]), (200, &json!("alice"), &json!("kept")));
    let (status, handed) = ask("POST", "/api/v1/promises/3", r#"{"owner":"bob"}"#);
    assert_eq!((status, handed["settled_words"].as_str()), (200, Some("Hand { to: \"bob\" }")));
    assert_eq!(ask("POST", "/api/v1/promises/3", r#"{"state":"kept","owner":"bob"}"#).0, 422);
    let (status, problem) = ask("POST", "/api/v1/promises/4", r#"{"state":"broken"}"#);
    assert_eq!((status, &problem["error"]), (409, &json!("there is no open promise 4")));

    let (_, report) = api.get("/api/v1/promises/report?from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z");
    let line = &report["lines"][1];
    assert_eq!(
        (&line["agent"], &line["queue"], &line["overdue"]),
        (&json!("bob"), &json!("billing"), &json!(1))
    );
}

#[test]
fn holds_handovers_and_notes_are_told_to_supervisors() {
    let api = api();
    let fact = |what| Fact { at: Timestamp::from_secs(1), call: Some(CallId(7)), what };
    let agent: fn(&str) -> Name = |name| name.into();
    let (reason, until) = ("the invoice".to_owned(), Timestamp::from_secs(60));
    let to = Target::Agent(agent("bob"));
    let (kind, why) = (TransferKind::Blind, "the address".to_owned());
    api.tell(vec![
        fact(What::Enqueued { queue: "billing".into(), needs: Vec::new(), priority: 0, waiting: 0 }),
        fact(What::HoldStarted { agent: agent("alice"), reason, until, by: HoldBy::Caller }),
        fact(What::HoldEnded {
            agent: agent("alice"),
            held: Duration::from_millis(1_500),
            by: HoldEndedBy::Agent,
        }),
        fact(What::Transferred { from: agent("alice"), to, kind }),
        fact(What::HadToRepeat { agent: agent("bob"), why }),
    ]);
    let (_, report) = api.get("/api/v1/reports/talks?from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z");
    let hold = json!({
        "held": 1, "total_s": 1.5, "longest_s": 1.5, "late": 0, "refused": 0, "overridden": 0, "abandoned": 0,
    });
    let of = |name: &str, whose: &str| {
        let mut hold = hold.clone();
        hold[name] = json!(whose);
        json!([hold])
    };
    assert_eq!(report["queues"], of("queue", "billing"));
    assert_eq!(report["agents"], of("agent", "alice"));
    assert_eq!(
        report["handovers"],
        json!([{ "queue": "billing", "from": "alice", "to": { "agent": "bob" }, "warm": 0, "blind": 1, "repeats": 1 }])
    );
    let (_, call) = api.get("/api/v1/calls/7");
    assert_eq!((&call["holds"], &call["repeated"][0]["why"]), (&hold, &json!("the address")));
    let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, "alice"));
    assert_eq!(api.ask("GET", "/api/v1/reports/talks", &headers, "").0, 403);
    assert_eq!(api.get("/api/v1/reports/talks?from=yesterday").0, 422);
}

#[test]
fn what_callers_answered_is_told_with_their_call_and_in_a_report() {
    let api = api();
    let fact = |what| Fact { at: Timestamp::from_secs(1), call: Some(CallId(7)), what };
    let asked = |agent: &str| What::SurveyStarted { agent: agent.into(), queue: "billing".into() };
    api.tell(vec![
        fact(What::Enqueued { queue: "billing".into(), needs: Vec::new(), priority: 0, waiting: 0 }),
        fact(asked("alice")),
        fact(sample::survey_answered("satisfied", 5, "alice")),
        fact(sample::survey_answered("satisfied", 4, "alice")),
        fact(sample::survey_answered("satisfied", 4, "alice")),
    ]);
    let (_, call) = api.get("/api/v1/calls/7");
    let first = &call["survey"][0];
    assert_eq!((&first["question"], &first["answer"]), (&json!("satisfied"), &json!(5)));
    assert_eq!((&first["agent"], &first["queue"]), (&json!("alice"), &json!("billing")));
    let story = call["story"].to_string();
    assert!(story.contains("is asked about the talk with alice, of queue billing"), "{story}");
    assert!(story.contains("answers 5 to satisfied"), "{story}");
    let (_, report) = api.get("/api/v1/reports/surveys?from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z");
    let of = |name: &str, whose: &str| json!([{ name: whose, "question": "satisfied", "answers": 3, "mean": 4.33 }]);
    assert_eq!((&report["queues"], &report["agents"]), (&of("queue", "billing"), &of("agent", "alice")));
    let never =
        json!({ "after": "handovers", "up_to": 0, "question": "satisfied", "answers": 3, "mean": 4.33 });
    assert_eq!(report["efforts"][2], never);
    let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, "alice"));
    assert_eq!(api.ask("GET", "/api/v1/reports/surveys", &headers, "").0, 403);
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
        let (status, head, _) =
            api.ask("PATCH", &path.replace("{id}", "1").replace("{file}", "x"), "Host: localhost\r\n", "");
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
