//! Callers who cannot prove who they are, who say nothing, and who hang up, at every step: the story says what
//! happened, and nothing of them is left.

use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::baresip::Phone;
use crate::callback::center_with;
use crate::script::PCMU;
use crate::script::Script;
use crate::server::Server;
use crate::server::Setup;
use crate::server::Story;
use crate::sipp::Sipp;
use crate::spine::ANN;
use crate::spine::STRANGER;
use crate::tools::PATIENCE;
use crate::tools::available;
use crate::tools::within;

/// A caller keys an account and a PIN until verification has ended; then leaves.
fn tries(server: &Server, account: &str, pin: &str, times: usize) -> Story {
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1000"));
    let id = caller.is_answered();
    for failed in 0..times {
        caller.key(&format!("{account}#"));
        caller.key(&format!("{pin}#"));
        within(20, "the attempt is told of", || {
            let story = server.story(&id)?;
            let told = story.all("verification_failed").len();
            (told > failed || story.has("verification_ended")).then_some(())
        });
    }
    server.story_with(&id, "verification_ended", 5);
    caller.hang_up();
    server.story_with(&id, "call_ended", 5)
}

#[test]
fn a_wrong_pin_and_an_unknown_account_are_told_in_the_same_words() {
    if !available("a_wrong_pin_and_an_unknown_account_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let wrong_pin = tries(&server, "100200", "8365", 3);
    let unknown = tries(&server, "999999", "8365", 3);
    for story in [&wrong_pin, &unknown] {
        assert_eq!(story.only("verification_ended")["result"], "failed");
        assert_eq!(story.all("verification_failed").len(), 3, "{:?}", story.kinds());
        assert_eq!(story.only("call_ended")["outcome"], "left_in_flow");
        assert!(!story.has("identified"));
    }
    let about_identity = |story: &Story| -> Vec<String> {
        story.prompts().into_iter().filter(|name| name.starts_with("verify/")).map(str::to_owned).collect()
    };
    assert_eq!(about_identity(&wrong_pin), about_identity(&unknown));
    server.never_wrote("8365");
    server.is_left_clean();
}

/// A flow that sends a code before it believes anybody.
const BY_CODE: &str = "\
flow: by_code
start: who
nodes:
  who:
    verify: one-time code
    send: texts
    path: /codes
    ask_account: verify/enter-account
    ask_code: verify/enter-pin
    wrong: verify/wrong
    verified: end
    failed: end
    locked: end
    no_input: end
    unavailable: end
  end: { hang_up: that was it }
";

/// A service that sends codes: what it was told, once.
fn texts() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, told) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a question");
        let (mut asked, mut part) = (Vec::new(), [0; 512]);
        let body = loop {
            let length = stream.read(&mut part).expect("more of it");
            asked.extend_from_slice(&part[..length]);
            let text = String::from_utf8_lossy(&asked);
            let body = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
            if let Some(body) = body {
                break body;
            }
            assert!(length > 0, "it broke off: {text}");
        };
        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        let _ = sender.send(body);
    });
    (at, told)
}

#[test]
fn a_code_that_was_sent_proves_who_calls_and_is_written_nowhere() {
    if !available("a_code_that_was_sent_…", &["sipp"]) {
        return;
    }
    let (at, told) = texts();
    let services = format!("services: {{ texts: {{ at: \"{at}\", timeout: 10s }} }}\n\nskills: [");
    let (folder, setup) =
        center_with(&[("numbers:\n", "numbers:\n  1700: by_code\n"), ("skills: [", &services)]);
    fs::write(folder.path().join("by_code.yaml"), BY_CODE).expect("room on the disk");
    let server = Server::set_up(Setup { log: "trace", ..setup });
    let caller = Sipp::dial(&server.sip(), "1700", ANN, "caller_stays", 0);
    let sent = told.recv_timeout(PATIENCE * Duration::from_secs(20)).expect("the code is sent");
    assert_eq!((&sent["account"], &sent["language"]), (&"100200".into(), &"en".into()), "{sent}");
    let code = sent["code"].as_str().expect("a code").to_owned();
    assert!(code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()));
    let id = caller.sip_call_id.clone();
    server
        .story_when(&id, "the code is asked for", 20, |story| story.prompts().contains(&"verify/enter-pin"));
    caller.line.key(&format!("{code}#"));
    let story = server.story_with(&id, "call_ended", 20);
    assert_eq!(story.only("verification_ended")["result"], "verified_by_code");
    assert_eq!(story.only("call_ended")["cause"], "that was it");
    server.never_wrote(&code);
}

#[test]
fn keys_are_in_the_history_and_the_pin_is_nowhere_however_much_is_logged() {
    if !available("keys_are_in_the_history_…", &["sipp"]) {
        return;
    }
    let server = Server::set_up(Setup { log: "trace", ..Setup::default() });
    let caller = Sipp::dial(&server.sip(), "9002", STRANGER, "caller_stays", 0);
    let id = caller.sip_call_id.clone();
    server.story_with(&id, "played", 5);
    for (keyed, digit) in ["1", "5", "9"].iter().enumerate() {
        caller.line.key(digit);
        server.story_when(&id, "it reads the digit back", 10, |story| story.prompts().len() == keyed + 2);
    }
    caller.line.key("#");
    caller.ends_well(10);
    server.story_with(&id, "call_ended", 5);
    let found = server.get(&format!("/api/v1/calls?sip_call_id={id}"));
    assert_eq!(found["calls"][0]["digits"], "159#", "{found}");

    // By events in RTP, and by INFO, as the log might have it.
    let caller = Sipp::dial(&server.sip(), "1000", ANN, "caller_stays", 0);
    let id = caller.sip_call_id.clone();
    server.story_with(&id, "call_answered", 5);
    caller.line.key("4711#");
    server.story_with(&id, "verification_ended", 10);
    drop(caller);
    let key = |script: Script, digit: char| {
        let body = format!("Signal={digit}\nDuration=160\n");
        script.request("INFO", &[], Some(("application/dtmf-relay", &body))).expect(200)
    };
    let script = Script::invite(&[], Some(PCMU)).until_answered().wait_ms(300);
    let script = "4711#".chars().fold(script, key).wait_ms(300).leaves();
    let caller = Sipp::play(&server.sip(), "1000", ANN, &script);
    let id = caller.sip_call_id.clone();
    caller.ends_well(15);
    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.only("verification_ended")["result"], "verified_by_pin");
    let found = server.get(&format!("/api/v1/calls?sip_call_id={id}"));
    assert_eq!(found["calls"][0]["digits"], "", "{found}");

    let log = server.logged();
    assert!(log.contains("TRACE") && log.contains("verification_ended"), "the log tells what happens: {log}");
    server.never_wrote("4711");
}

#[test]
fn a_pin_that_is_keyed_once_more_is_written_nowhere() {
    if !available("a_pin_that_is_keyed_once_more_…", &["sipp"]) {
        return;
    }
    let server = Server::set_up(Setup { log: "trace", ..Setup::default() });
    let caller = Sipp::dial(&server.sip(), "1000", ANN, "caller_stays", 0);
    let id = caller.sip_call_id.clone();
    server.story_with(&id, "call_answered", 5);
    caller.line.key("4771#");
    server.story_when(&id, "it did not fit", 20, |story| story.prompts().contains(&"verify/wrong"));
    // Over the words that ask for it again, and over the thanks as well.
    caller.line.key("4711#");
    server.story_when(&id, "thanks", 20, |story| story.prompts().contains(&"verify/verified"));
    caller.line.key("4711#");
    let story = server.story_with(&id, "no_match", 20);
    assert_eq!(story.only("verification_ended")["result"], "verified_by_pin");
    assert_eq!(story.only("no_match")["digit"], "?");
    drop(caller);
    server.story_with(&id, "call_ended", 20);
    let found = server.get(&format!("/api/v1/calls?sip_call_id={id}"));
    assert_eq!(found["calls"][0]["digits"], "", "{found}");
    server.never_wrote("4711");
}

#[test]
fn an_account_tried_ten_times_is_locked_even_for_the_right_pin() {
    if !available("an_account_tried_ten_times_is_locked_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    for _ in 0..3 {
        tries(&server, "100200", "8365", 3);
    }
    tries(&server, "100200", "8365", 1);
    let story = tries(&server, "100200", "4711", 1);
    assert_eq!(story.only("verification_ended")["result"], "locked_out");
    server.never_wrote("4711");
    server.is_left_clean();
}

#[test]
fn a_silent_caller_is_led_to_a_person_and_not_hung_up_on() {
    if !available("a_silent_caller_is_led_to_a_person_…", &["sipp", "baresip"]) {
        return;
    }
    let server = Server::start();
    let mut bob = Phone::agent(&server.sip(), "bob", true);
    let caller = Sipp::dial(&server.sip(), "1000", STRANGER, "caller_stays", 0);
    let id = caller.sip_call_id.clone();
    let story = server.story_with(&id, "agent_connected", 90);
    assert_eq!(story.only("verification_ended")["result"], "no_input");
    assert!(story.has("no_input"));
    bob.hang_up();
    caller.ends_well(10);
    server.is_left_clean();
}

/// A caller hangs up as soon as this fact is told.
fn leaves_at(server: &Server, number: &str, keys: &[(&str, &str)], fact: &str) -> Story {
    let mut caller = Phone::caller(&server.sip(), ANN);
    caller.dial(&server.uri(number));
    let id = caller.is_answered();
    for (after, digits) in keys {
        server.story_with(&id, after, 20);
        caller.key(digits);
    }
    server.story_with(&id, fact, 30);
    caller.hang_up();
    server.story_with(&id, "call_ended", 5)
}

#[test]
fn a_caller_may_hang_up_at_every_step_and_nothing_is_left() {
    if !available("a_caller_may_hang_up_at_every_step_…", &["sipp", "baresip"]) {
        return;
    }
    let server = Server::start();

    // In the greeting, as SIPp does it: half a second after the answer.
    let caller = Sipp::dial(&server.sip(), "1000", STRANGER, "caller_leaves", 500);
    let id = caller.sip_call_id.clone();
    caller.ends_well(10);
    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.only("call_ended")["outcome"], "left_in_flow");
    assert_eq!(story.only("call_ended")["by"], "caller");
    server.is_left_clean();

    // Before the answer: 9198 rings and never answers.
    let caller = Sipp::dial(&server.sip(), "9198", STRANGER, "caller_cancels", 500);
    let id = caller.sip_call_id.clone();
    caller.ends_well(10);
    let story = server.story_with(&id, "call_ended", 5);
    assert!(!story.has("call_answered"));
    server.is_left_clean();

    // While keying the PIN: a real phone needs half a second for two keys.
    let mut ann = Phone::caller(&server.sip(), ANN);
    ann.dial(&server.uri("1000"));
    let id = ann.is_answered();
    server.story_when(&id, "the PIN is asked for", 20, |story| story.prompts().contains(&"verify/enter-pin"));
    ann.key("47");
    thread::sleep(Duration::from_millis(700));
    ann.hang_up();
    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.only("verification_ended")["result"], "abandoned");
    server.is_left_clean();

    // In the queue, with the question put, and while held. Alice is there but in a talk.
    let mut alice = Phone::agent(&server.sip(), "alice", false);
    let mut first = Phone::caller(&server.sip(), STRANGER);
    first.dial(&server.uri("1001"));
    alice.wait_for("CALL_INCOMING", 10);
    alice.pick_up();
    alice.wait_for("CALL_ESTABLISHED", 5);
    let to_queue = [("call_answered", "4711#"), ("verification_ended", "2")];
    let story = leaves_at(&server, "1000", &to_queue, "wait_asked");
    assert_eq!(story.only("wait_ended")["exit"], "abandoned");
    assert_eq!(story.only("call_ended")["outcome"], "abandoned");
    let held = [to_queue[0], to_queue[1], ("wait_asked", "1")];
    let story = leaves_at(&server, "1000", &held, "hold_music_started");
    assert_eq!(story.only("call_ended")["outcome"], "abandoned");

    // In the talk.
    first.hang_up();
    alice.wait_for("CALL_CLOSED", 5);
    server.set_agent("alice", "ready");
    server.wait_for_agent("alice", "ready", 5);

    // While the agent's phone rings: it stops, and she is ready again at once.
    let story = leaves_at(&server, "1001", &[], "agent_ringing");
    assert_eq!(story.only("agent_missed")["why"], "withdrawn");
    alice.wait_for("CALL_CLOSED", 5);
    server.wait_for_agent("alice", "ready", 5);
    server.is_left_clean();
    server.stop();
}
