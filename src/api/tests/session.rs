//! Who is let in, and who is somebody: passwords, and what a proxy passes on.

use super::*;
use crate::store::tokens::Scope;

#[test]
fn a_wrong_password_is_refused_and_guessing_is_stopped() {
    let api = api();
    let attempt = |password: &str| {
        let body = json!({ "name": "bob", "password": password }).to_string();
        let (status, head, body) = api.ask("POST", "/api/v1/session", JSON, &body);
        assert!(!body.contains(password), "{body}");
        (status, head)
    };
    for _ in 0..10 {
        let (status, head) = attempt("correct horse");
        assert_eq!(status, 401);
        assert!(!head.contains("set-cookie"));
    }
    let (status, head) = attempt("warmline");
    assert_eq!(status, 429, "even the right one, for a while");
    assert!(head.contains("retry-after: "), "{head}");
    sign_in(&api, "alice");
}

/// Who a request with these headers is.
fn who(api: &Api, headers: &str) -> Value {
    let (status, _, body) = api.ask("GET", "/api/v1/session", headers, "");
    assert_eq!(status, 200, "{headers}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn what_a_proxy_passes_on_was_not_asked_by_this_machine() {
    let api = api();
    assert_eq!(who(&api, "Host: 127.0.0.1:8080\r\n")["local"], true);
    for headers in [
        "Host: 127.0.0.1:8080\r\nX-Forwarded-For: 203.0.113.5\r\n",
        "Host: 127.0.0.1:8080\r\nX-Real-IP: 203.0.113.5\r\n",
        "Host: 127.0.0.1:8080\r\nForwarded: for=203.0.113.5\r\n",
        "Host: 127.0.0.1:8080\r\nVia: 1.1 proxy\r\n",
        "Host: calls.example.org\r\n",
    ] {
        assert_eq!(who(&api, headers)["local"], false, "{headers}");
        assert_eq!(api.ask("GET", "/api/v1/agents", headers, "").0, 401, "{headers}");
        assert_eq!(api.ask("GET", "/metrics", headers, "").0, 401, "{headers}");
    }
}

#[test]
fn a_proxy_that_rewrites_the_host_and_says_nothing_speaks_an_older_http() {
    let api = api();
    let mut stream = TcpStream::connect(api.address).unwrap();
    write!(stream, "GET /api/v1/session HTTP/1.0\r\nHost: 127.0.0.1:8080\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(r#""local":false"#), "{answer}");
}

#[test]
fn who_is_refused_for_the_hosts_name_is_told_of_the_flag() {
    let (status, _, body) = api().ask("GET", "/", "Host: calls.example.com\r\n", "");
    assert_eq!(status, 421);
    assert!(body.contains("--behind-proxy"), "{body}");
}

#[test]
fn a_request_that_names_two_hosts_is_refused_whoever_it_is_read_by() {
    let api = api();
    let ask = |target: &str, headers: &str| api.ask("GET", target, headers, "").0;
    let at = "http://127.0.0.1:8080/api/v1/agents";
    assert_eq!(ask(at, "Host: calls.example.org\r\n"), 400, "a program of this machine by its address alone");
    assert_eq!(ask("/api/v1/agents", "Host: 127.0.0.1\r\nHost: calls.example.org\r\n"), 400);
    assert_eq!(ask("/api/v1/agents", "Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n"), 400);
    assert_eq!(ask(at, "Host: 127.0.0.1:8080\r\n"), 200);
    assert_eq!(ask("/api/v1/agents", "Host: 127.0.0.1:8080\r\n"), 200);
}

#[test]
fn who_guesses_through_a_proxy_shuts_out_nobody_else_there() {
    let api = api();
    let sign_in = |name: &str, password: &str, forwarded: &str| {
        let headers = format!(
            "Host: calls.example.org\r\nContent-Type: application/json\r\nOrigin: https://calls.example.org\r\n\
             X-Forwarded-Proto: https\r\nX-Forwarded-For: {forwarded}\r\n"
        );
        let body = json!({ "name": name, "password": password }).to_string();
        let (status, head, _) = api.ask("POST", "/api/v1/session", &headers, &body);
        (status, head)
    };
    for name in 0..40 {
        // What stands before the last address is the guesser's own word.
        let forwarded = format!("192.0.2.{name}, 198.51.100.9");
        assert_eq!(sign_in(&format!("nobody{name}"), "x", &forwarded).0, 401);
    }
    assert_eq!(sign_in("alice", "warmline", "192.0.2.99, 198.51.100.9").0, 429);
    let (status, head) = sign_in("alice", "warmline", "203.0.113.5");
    assert_eq!(status, 200);
    assert!(head.contains("; secure"), "{head}");
}

#[test]
fn a_local_program_is_told_under_which_key_it_says_who_acts() {
    let api = api();
    let (status, problem) = api.put("/api/v1/agents/alice/skills/billing", r#"{"level":7}"#);
    assert_eq!((status, &problem["hint"]), (422, &json!(r#"sign in, or say who acts: "by": "alice""#)));
}

#[test]
fn a_programs_token_reads_the_metrics_and_nothing_else_until_it_is_taken_away() {
    let api = api_for(Some("192.0.2.1:8080".parse().unwrap()), sample::STARTED);
    let store = Store::open(api.folder.path()).unwrap();
    store.add_token("prometheus", "a-long-secret", &[Scope::Metrics].into(), sample::STARTED).unwrap();
    let ask = |method: &str, path: &str, token: &str| {
        api.ask(method, path, &format!("{JSON}Authorization: Bearer {token}\r\n"), "{}").0
    };
    assert_eq!(ask("GET", "/metrics", "a-long-secret"), 200);
    assert_eq!(ask("GET", "/metrics", "another"), 401);
    for (method, path) in [("GET", "/api/v1/calls"), ("GET", "/api/v1/events"), ("POST", "/api/v1/calls")] {
        assert_eq!(ask(method, path, "a-long-secret"), 403, "{method} {path}");
    }
    let (_, _, why) =
        api.ask("GET", "/api/v1/calls", &format!("{JSON}Authorization: Bearer a-long-secret\r\n"), "");
    let why: Value = serde_json::from_str(&why).unwrap();
    assert_eq!(why["error"], "this token is for metrics, and not for this");
    assert_eq!(why["hint"], "`warmline token add NAME --scope history` makes one that is");
    assert_eq!(api.ask("GET", "/metrics", "Cookie: warmline_session=a-long-secret\r\n", "").0, 401);
    store.remove_token("prometheus").unwrap();
    assert_eq!(ask("GET", "/metrics", "a-long-secret"), 401);
}

#[test]
fn a_programs_token_is_for_what_it_was_made_and_what_it_reads_is_told_in_its_name() {
    let api = api_for(Some("192.0.2.1:8080".parse().unwrap()), sample::STARTED);
    api.tell(sample::short_call(7));
    let store = Store::open(api.folder.path()).unwrap();
    let scopes = [Scope::History, Scope::Events, Scope::Agents].into();
    store.add_token("crm", "a-long-secret", &scopes, sample::STARTED).unwrap();
    let ask = |method: &str, path: &str, body: &str| {
        api.ask(method, path, &format!("{JSON}Authorization: Bearer a-long-secret\r\n"), body).0
    };
    for path in
        ["/api/v1/calls", "/api/v1/calls/7", "/api/v1/facts", "/api/v1/promises", "/api/v1/reports/numbers"]
    {
        assert!(matches!(ask("GET", path, ""), 200 | 422), "{path}");
    }
    let read: Vec<_> = api.fetched.try_iter().collect();
    assert!(read.len() >= 3 && read.iter().all(|(_, by)| by.as_deref() == Some("program crm")), "{read:?}");
    assert_eq!(ask("PUT", "/api/v1/agents/alice/state", r#"{"state":"not_ready"}"#), 202);
    assert_eq!(ask("POST", "/api/v1/calls/7/end", "{}"), 403);
    assert_eq!(ask("GET", "/api/v1/wallboard", ""), 403);
    assert_eq!(ask("GET", "/api/v1/messages/1/audio", ""), 403);
}

#[test]
fn who_must_sign_in_first_is_told_how() {
    let api = api_for(Some("192.0.2.1:8080".parse().unwrap()), sample::STARTED);
    let (status, head, _) = api.ask("GET", "/api/v1/calls", "Host: 192.0.2.1:8080\r\n", "");
    assert_eq!(status, 401);
    assert!(head.to_lowercase().contains("www-authenticate: bearer realm=\"warmline\""), "{head}");
}

#[test]
fn who_is_shut_out_is_nobody_at_once_though_their_session_was_believed() {
    let api = api();
    let alice = sign_in(&api, "alice");
    assert_eq!(who(&api, &alice)["name"], "alice");
    api.live.shut_out.are(&["alice".into()].into());
    assert_eq!(who(&api, &alice)["name"], json!(null));
    assert_eq!(api.ask("GET", "/api/v1/agents", &alice, "").0, 401);
    api.live.shut_out.are(&Default::default());
    assert_eq!(who(&api, &alice)["name"], "alice");
}

#[test]
fn what_somebody_watches_ends_when_they_are_shut_out() {
    let api = api();
    let sam = sign_in(&api, "sam");
    let mut stream = TcpStream::connect(api.address).unwrap();
    write!(stream, "GET /api/v1/wallboard/events HTTP/1.1\r\nConnection: close\r\n{sam}\r\n").unwrap();
    let mut begins = [0; 64];
    stream.read_exact(&mut begins).unwrap();
    assert!(begins.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&begins));
    api.live.shut_out.are(&["sam".into()].into());
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the board ends");
}
