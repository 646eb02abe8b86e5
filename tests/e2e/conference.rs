//! A colleague is added to a talk, and a supervisor takes it over: who hears whom, told by everybody's own tone.

use serde_json::json;

use crate::server::Server;
use crate::talk::Talk;
use crate::talk::colleague;
use crate::tone::COLLEAGUE_HZ;
use crate::tone::SUPERVISOR_HZ;
use crate::tools::available;

#[test]
fn who_is_added_hears_all_and_a_supervisor_takes_the_caller_over() {
    if !available("who_is_added_hears_all_…", &["sipp", "baresip"]) {
        return;
    }
    let mut talk = Talk::begin(Server::start());
    let bob = colleague(&talk.server, "bob", true, COLLEAGUE_HZ);
    let carol = colleague(&talk.server, "carol", true, SUPERVISOR_HZ);
    talk.server.wait_for_agent("bob", "ready", 10);
    let note = json!({ "issue": "boiler leaks", "wants": "a visit today" });
    talk.acts("alice", "add", json!({ "to": { "agent": "bob" }, "note": note }));
    talk.server.story_with(&talk.sip_call_id, "consult_answered", 10);
    // He does not know the note yet; the talk goes on.
    talk.hear("a", "c", Some((&bob, "")));
    talk.acts("bob", "acknowledge", json!({}));
    talk.hear("ab", "cb", Some((&bob, "ca")));
    talk.acts("alice", "mute", json!({ "who": "bob", "on": true }));
    talk.hear("a", "c", Some((&bob, "ca")));
    talk.acts("alice", "mute", json!({ "who": "bob", "on": false }));
    talk.hear("ab", "cb", Some((&bob, "ca")));

    talk.acts("carol", "take_over", json!({}));
    let story = talk.server.story_with(&talk.sip_call_id, "taken_over", 10);
    assert_eq!(story.only("taken_over")["from"], "alice");
    talk.alice.wait_for("CALL_CLOSED", 5);
    talk.hear("bs", "", Some((&carol, "cb")));
    talk.server.wait_for_agent("alice", "wrap_up", 5);
    talk.server.wait_for_agent("carol", "talking", 5);
    talk.acts("carol", "drop", json!({ "who": "bob" }));
    talk.hear("s", "", Some((&carol, "c")));
    talk.server.wait_for_agent("bob", "wrap_up", 5);
    talk.over("carol");
}
