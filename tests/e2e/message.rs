//! Callers who leave a message: what they said is in a file, and a task of its queue until somebody has handled it.

use std::fs;
use std::thread;

use serde_json::Value;
use serde_json::json;

use crate::baresip::Phone;
use crate::callback::center_with;
use crate::server::Server;
use crate::spine::ANN;
use crate::spine::STRANGER;
use crate::tone;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

/// A flow that takes messages; the longest of the one number is short.
fn flow(name: &str, longest: &str) -> String {
    format!(
        "flow: {name}\nstart: leave\nnodes:\n  leave:\n    voicemail: support\n    greeting: goodbye\n    \
         longest: {longest}\n    then: kept\n    nothing: nothing\n    failed: nothing\n  \
         kept: {{ hang_up: message left, after: voicemail/kept }}\n  \
         nothing: {{ hang_up: no message, after: voicemail/nothing }}\n"
    )
}

#[test]
fn a_message_is_stored_as_it_was_said_and_is_a_task_until_it_is_handled() {
    if !available("a_message_is_stored_as_it_was_said_…", &["baresip"]) {
        return;
    }
    let (folder, setup) = center_with(&[("numbers:\n", "numbers:\n  1500: short\n  1501: long_one\n")]);
    for (name, longest) in [("short", "6s"), ("long_one", "10m")] {
        fs::write(folder.path().join(format!("{name}.yaml")), flow(name, longest)).expect("room on the disk");
    }
    let server = Server::set_up(setup);

    // One speaks until the longest is reached.
    let mut ann = Phone::caller(&server.sip(), ANN);
    ann.dial(&server.uri("1500"));
    let id = ann.is_answered();
    let story = server.story_with(&id, "message_left", 60);
    assert_eq!(story.only("message_left")["queue"], "support");
    ann.wait_for("CALL_CLOSED", 60);
    let story = server.story_with(&id, "call_ended", 60);
    assert_eq!(story.prompts(), ["goodbye", "beep", "voicemail/kept"]);
    let file = server.data().join("messages").join(format!("{}.wav", story.id()));
    let said = tone::read_growing_wav(&file);
    let heard = tone::seconds_of(CALLER_HZ, &said);
    assert!(heard >= 1.0, "{heard} s of what was said, in {} samples", said.len());

    // Another one hangs up in the middle.
    let mut stranger = Phone::caller(&server.sip(), STRANGER);
    stranger.dial(&server.uri("1501"));
    let id = stranger.is_answered();
    let story = server.story_when(&id, "the tone", 60, |story| story.prompts().contains(&"beep"));
    let file = server.data().join("messages").join(format!("{}.wav", story.id()));
    within(60, "two seconds are stored", || {
        (file.exists() && tone::read_growing_wav(&file).len() > 2 * tone::RATE).then_some(())
    });
    stranger.hang_up();
    let story = server.story_with(&id, "call_ended", 60);
    assert_eq!(story.only("message_left")["queue"], "support");
    assert_eq!(story.only("call_ended")["outcome"], "served");

    let messages = server.get("/api/v1/messages?queue=support");
    let from = |place: usize| messages["messages"][place]["number"].clone();
    assert_eq!((from(0), from(1)), (json!(ANN), json!(STRANGER)));
    let ask = |method: &str, path: &str, body: Option<&str>| {
        let (status, body) = server.ask(method, path, body).expect("the server answers");
        (status, serde_json::from_str::<Value>(&body).unwrap_or(Value::String(body)))
    };
    let (status, sound) = ask("GET", "/api/v1/messages/1/audio", None);
    assert!(status == 200 && sound.as_str().is_some_and(|sound| sound.starts_with("RIFF")), "{status}");
    let to_do = || {
        let board = server.get("/api/v1/wallboard");
        let queues = board["queues"].as_array().cloned().unwrap_or_default();
        queues.iter().find(|queue| queue["name"] == "support").map(|queue| queue["messages"]["count"].clone())
    };
    within(60, "both are to be done", || (to_do() == Some(json!(2))).then_some(()));
    // Three say at once that they have called back: one has.
    let say = || ask("POST", "/api/v1/messages/1/handled", Some("{\"words\":\"called back\"}"));
    let mut answers = thread::scope(|threads| {
        let all = [(); 3].map(|()| threads.spawn(say));
        all.map(|one| one.join().expect("the server answers"))
    });
    answers.sort_by_key(|(status, _)| *status);
    assert_eq!(answers.each_ref().map(|(status, _)| *status), [200, 409, 409], "{answers:?}");
    let (done, second) = (&answers[0].1, &answers[1].1);
    assert_eq!(done["handled_words"], "called back");
    assert_eq!(second["error"], "a program on the server's machine has handled it already");
    within(60, "one is left to be done", || (to_do() == Some(json!(1))).then_some(()));
    let listed = within(60, "it is written", || {
        let list = server.get("/api/v1/messages?handled=true");
        list["messages"].get(0).cloned()
    });
    assert_eq!(listed["handled"], done["handled"], "when it was, by the answer and by the list");
    assert_eq!(say().0, 409, "the list has it too");
    server.is_left_clean();
}
