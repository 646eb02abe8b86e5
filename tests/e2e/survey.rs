//! A caller whose agent hangs up first is asked what they think of it, by a real phone over a real line.

use std::fs;

use serde_json::json;

use crate::baresip::Phone;
use crate::callback::center_with;
use crate::server::Server;
use crate::spine::ANN;
use crate::tone::AGENT_HZ;
use crate::tools::available;
use crate::tools::within;

/// The question is a tone first, which a phone can be heard to hear.
const AFTER_TALK: &str = "\
flow: after_talk
start: satisfied
nodes:
  satisfied:
    survey: satisfied
    prompt: [tone-1004, survey/satisfied]
    wait: 60s
    then: thanks
    otherwise: thanks
  thanks: { hang_up: asked, after: survey/thanks }
";
const TONE_HZ: f64 = 1_004.0;

#[test]
fn a_caller_whose_agent_hangs_up_is_asked_and_what_they_key_is_about_the_agent() {
    if !available("a_caller_whose_agent_hangs_up_is_asked_…", &["baresip"]) {
        return;
    }
    let survey = "  support:\n    survey: { flow: after_talk, after: 1s }\n";
    let (folder, setup) = center_with(&[("  support:\n", survey)]);
    fs::write(folder.path().join("after_talk.yaml"), AFTER_TALK).expect("room on the disk");
    let server = Server::set_up(setup);
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let mut ann = Phone::caller(&server.sip(), ANN);
    ann.dial(&server.uri("1001"));
    let id = ann.is_answered();
    server.story_with(&id, "agent_connected", 60);
    within(60, "two seconds of talk", || (ann.heard(AGENT_HZ) >= 2.0).then_some(()));

    alice.hang_up();
    server.story_with(&id, "survey_started", 60);
    within(60, "the caller hears the question", || (ann.heard(TONE_HZ) >= 0.3).then_some(()));
    ann.key("4");
    let story = server.story_with(&id, "survey_answered", 60);
    let said = story.only("survey_answered");
    assert_eq!((&said["question"], &said["answer"]), (&json!("satisfied"), &json!(4)));
    assert_eq!((&said["agent"], &said["queue"]), (&json!("alice"), &json!("support")));
    ann.wait_for("CALL_CLOSED", 60);
    let story = server.story_with(&id, "call_ended", 60);
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    assert_eq!(story.prompts().last(), Some(&"survey/thanks"));

    let report = server.get("/api/v1/reports/surveys");
    let line = json!([{ "agent": "alice", "question": "satisfied", "answers": 1, "mean": 4.0 }]);
    assert_eq!(report["agents"], line);
    server.is_left_clean();
}
