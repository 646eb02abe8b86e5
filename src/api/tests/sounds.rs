//! Recordings and messages: who hears them, and that it is told.

use super::*;
use crate::store::view::rfc3339;

#[test]
fn a_recording_is_for_supervisors_and_that_it_was_fetched_is_told_first() {
    let api = api();
    assert_eq!(api.get("/api/v1/calls/7/recording").0, 404);
    assert!(api.fetched.try_recv().is_err(), "what is not there was not fetched");
    let folder = api.folder.path().join("recordings");
    std::fs::create_dir(&folder).unwrap();
    // Longer than what is read at once.
    let sound = "RIFF".repeat(40_000);
    std::fs::write(folder.join("7.wav"), &sound).unwrap();
    std::fs::write(folder.join("7-2.wav"), "second").unwrap();
    assert_eq!(api.get("/api/v1/calls/7/recording").0, 404, "the history has no such call");
    sample::whole_call(7).into_iter().for_each(|fact| api.history.record(fact));
    api.history.flush();
    assert_eq!(api.get("/api/v1/calls/7/recording").0, 404, "it was not recorded");
    for file in ["7.wav", "7-2.wav"] {
        let what = What::RecordingStarted { file: file.to_owned() };
        api.history.record(Fact { at: Timestamp::from_secs(9), call: Some(CallId(7)), what });
    }
    api.history.flush();
    let (status, head, body) = api.ask("GET", "/api/v1/calls/7/recording", "Host: localhost\r\n", "");
    assert!(status == 200 && body == sound, "{status}: {} octets", body.len());
    assert!(head.contains("content-type: audio/wav") && head.contains("cache-control: no-store"), "{head}");
    let patience = Duration::from_secs(60);
    assert_eq!(api.fetched.recv_timeout(patience).unwrap(), ("7.wav".to_owned(), None));
    let as_who = |who: &str| api.ask("GET", "/api/v1/calls/7/recording?part=2", &sign_in(&api, who), "");
    assert_eq!(as_who("alice").0, 403);
    assert_eq!(as_who("sam").2, "second");
    let by = Some("sam".to_owned());
    assert_eq!(api.fetched.recv_timeout(patience).unwrap(), ("7-2.wav".to_owned(), by));
    assert_eq!(api.get("/api/v1/calls/7/recording?part=../../warmline").0, 400);
    assert!(api.fetched.try_recv().is_err());
}

#[test]
fn messages_are_heard_and_handled_by_those_who_serve_their_queue() {
    let api = api();
    let fact = |what| Fact { at: Timestamp::from_secs(1), call: Some(CallId(7)), what };
    api.tell(vec![fact(sample::message_left("billing", 1)), fact(sample::message_left("support", 2))]);
    let folder = api.folder.path().join("messages");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("7.wav"), "RIFF").unwrap();

    let (_, all) = api.get("/api/v1/messages");
    assert_eq!(all["messages"].as_array().map(Vec::len), Some(2), "a local program sees all of them");
    assert_eq!(
        (&all["messages"][1]["audio"], &all["messages"][1]["queue"]),
        (&json!(false), &json!("support"))
    );
    let (_, board) = api.get("/api/v1/wallboard");
    assert_eq!(board["queues"][0]["messages"], json!({ "count": 1, "oldest": all["messages"][0]["left"] }));

    // Alice has the skill for support as well, bob none for billing.
    let as_who = |name: &str, method: &str, path: &str, body: &str| {
        let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, name));
        let (status, _, body) = api.ask(method, path, &headers, body);
        (status, serde_json::from_str::<Value>(&body).unwrap_or(Value::String(body)))
    };
    let (_, his) = as_who("bob", "GET", "/api/v1/messages?handled=false", "");
    assert_eq!((&his["messages"][0]["id"], his["messages"][1].is_null()), (&json!(2), true));
    for (method, path) in [("GET", "?queue=billing"), ("GET", "/1/audio"), ("POST", "/1/handled")] {
        assert_eq!(as_who("bob", method, &format!("/api/v1/messages{path}"), "{}").0, 403, "{path}");
    }
    assert_eq!(as_who("alice", "GET", "/api/v1/messages/2/audio", "").0, 404, "its time is over");
    assert_eq!(as_who("alice", "GET", "/api/v1/messages/1/audio", ""), (200, json!("RIFF")));
    assert_eq!(api.fetched.recv().unwrap(), ("7.wav".to_owned(), Some("alice".to_owned())));
    let (status, done) = as_who("alice", "POST", "/api/v1/messages/1/handled", r#"{"words":"called"}"#);
    assert_eq!((status, &done["handled_by"], &done["audio"]), (200, &json!("alice"), &json!(true)));
    assert_eq!(done["handled"], rfc3339(sample::STARTED), "when it is in the history");
    assert_eq!(api.fetched.recv().unwrap(), ("1 called".to_owned(), Some("alice".to_owned())));
    api.tell(vec![fact(What::MessageHandled { part: 1, by: Some("alice".into()), words: "called".into() })]);
    let (status, problem) = as_who("alice", "POST", "/api/v1/messages/1/handled", "{}");
    assert_eq!((status, &problem["error"]), (409, &json!("alice has handled it already")));
    assert_eq!(api.get("/api/v1/wallboard").1["queues"][0]["messages"]["count"], 0);
    assert_eq!(as_who("alice", "POST", "/api/v1/messages/9/handled", "{}").0, 404);
    let long = format!(r#"{{"words":"{}"}}"#, "x".repeat(501));
    assert_eq!(as_who("alice", "POST", "/api/v1/messages/2/handled", &long).0, 422);
}

#[test]
fn who_does_not_take_what_they_fetch_holds_up_nobody_and_gives_way_to_themselves() {
    let api = api();
    let left = sample::message_left("billing", 1);
    api.tell(vec![Fact { at: Timestamp::from_secs(1), call: Some(CallId(7)), what: left }]);
    let folder = api.folder.path().join("messages");
    std::fs::create_dir_all(&folder).unwrap();
    // More than the buffers between us hold.
    let length = 64 * 1024 * 1024;
    std::fs::File::create(folder.join("7.wav")).unwrap().set_len(length).unwrap();
    let alice = sign_in(&api, "alice");
    let mut fetching = Vec::new();
    for _ in 0..=READING {
        let mut stream = TcpStream::connect(api.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "GET /api/v1/messages/1/audio HTTP/1.1\r\n{alice}\r\n").unwrap();
        let mut begins = [0; 12];
        stream.read_exact(&mut begins).unwrap();
        assert_eq!(&begins, b"HTTP/1.1 200");
        fetching.push(stream);
    }
    assert_eq!(api.get("/api/v1/calls").0, 200);
    let last = fetching.pop().unwrap();
    let mut first = fetching.swap_remove(0);
    let mut octets = Vec::new();
    // Cut off in its middle, which may be told as an error.
    let _ = first.read_to_end(&mut octets);
    assert!((octets.len() as u64) < length, "{} octets came of the first", octets.len());
    let came = std::io::copy(&mut last.take(length), &mut std::io::sink()).unwrap();
    assert_eq!(came, length, "the last is hers");
}
