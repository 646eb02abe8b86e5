//! A supervisor listens, whispers and barges in; the caller hears them only when they barge in.

use serde_json::json;

use crate::server::Server;
use crate::talk::Talk;
use crate::talk::colleague;
use crate::tone::SUPERVISOR_HZ;
use crate::tools::available;

#[test]
fn a_supervisor_is_heard_by_those_they_chose_and_nobody_else() {
    if !available("a_supervisor_is_heard_by_those_they_chose_…", &["sipp", "baresip"]) {
        return;
    }
    let talk = Talk::begin(Server::start());
    let (status, problem) = talk.server.act(talk.call, "carol", "supervise", json!({ "mode": "listen" }));
    assert_eq!((status, &problem["error"]), (409, &json!("no phone of carol is signed in")));
    let carol = colleague(&talk.server, "carol", true, SUPERVISOR_HZ);
    talk.acts("carol", "supervise", json!({ "mode": "listen" }));
    talk.server.story_with(&talk.sip_call_id, "supervising", 10);
    talk.hear("a", "c", Some((&carol, "ca")));
    talk.acts("carol", "supervise", json!({ "mode": "whisper" }));
    talk.hear("a", "cs", Some((&carol, "ca")));
    talk.acts("carol", "supervise", json!({ "mode": "barge" }));
    talk.hear("as", "cs", Some((&carol, "ca")));
    // While the caller is held, they hear neither of the two.
    talk.acts("alice", "hold", json!({ "reason": "a word with carol", "way": "verbal", "agreed": true }));
    talk.hear("", "s", Some((&carol, "a")));
    talk.acts("alice", "resume", json!({}));
    talk.hear("as", "cs", Some((&carol, "ca")));
    talk.acts("carol", "supervise", json!({ "mode": "leave" }));
    talk.server.story_with(&talk.sip_call_id, "supervision_ended", 5);
    talk.hear("a", "c", None);
    talk.over("alice");
}
