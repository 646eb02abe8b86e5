//! What a caller was promised: the owner is reminded, the wallboard told, and a crash forgets nothing.

use std::time::Duration;
use std::time::SystemTime;

use serde_json::json;

use crate::server::Server;
use crate::talk::Talk;
use crate::tools::available;
use crate::tools::within;

/// So many seconds from now, as RFC 3339.
fn in_seconds(seconds: u64) -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a calendar after 1970");
    let at = i64::try_from((since + Duration::from_secs(seconds)).as_secs()).expect("before the year 9999");
    jiff::Timestamp::from_second(at).expect("before the year 9999").to_string()
}

#[test]
fn a_promise_is_reminded_of_missed_and_settled_over_a_crash() {
    if !available("a_promise_is_reminded_of_…", &["sipp", "baresip"]) {
        return;
    }
    let mut talk = Talk::begin(Server::start());
    within(10, "it is promised before its time has passed", || {
        let promise = json!({ "kind": "callback", "due": in_seconds(4), "words": "the price" });
        (talk.server.act(talk.call, "alice", "promise", promise).0 == 202).then_some(())
    });
    let late = json!({ "kind": "callback", "due": in_seconds(3_600), "words": "the part" });
    let say = || talk.server.act(talk.call, "alice", "promise", late.clone());
    let (first, again) = (say(), say());
    assert_eq!((first.0, &first.1["promise"]), (202, &json!(2)), "{first:?}");
    assert_eq!(again, first, "said twice it is one promise");
    let story = talk.server.story_with(&talk.sip_call_id, "promise_overdue", 10);
    assert_eq!(story.only("promise_reminded")["agent"], "alice");
    let desk = talk.server.get("/api/v1/desk-view?agent=alice");
    assert_eq!(desk["promises"].as_array().map(Vec::len), Some(2), "{desk}");
    assert_eq!(desk["calls"][0]["owed"].as_array().map(Vec::len), Some(2), "{desk}");

    talk.server.kill();
    talk.server.restart();
    let board = talk.server.get("/api/v1/wallboard");
    assert_eq!(
        (&board["promises"]["open"], &board["promises"]["overdue"][0]["words"]),
        (&json!(2), &json!("the price"))
    );
    let id = &board["promises"]["overdue"][0]["id"];
    let body = json!({ "agent": "alice", "state": "kept" }).to_string();
    let settled = talk.server.ask("POST", &format!("/api/v1/promises/{id}"), Some(&body));
    let (status, settled) = settled.expect("the server answers");
    assert!(status == 200 && settled.contains("\"late\""), "{status} {settled}");
    within(5, "it is written", || {
        let kept = talk.server.get("/api/v1/promises?owner=alice&state=late");
        (kept["promises"][0]["settled_by"] == "alice").then_some(())
    });
}
