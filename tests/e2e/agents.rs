//! Agents who do not answer, decline, are busy, or vanish: the caller keeps the place, the next agent's phone
//! rings, and nobody stays stuck in a state.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use crate::baresip::Phone;
use crate::baresip::Setup;
use crate::callback::center_with;
use crate::server::Server;
use crate::server::Story;
use crate::sipp::header;
use crate::spine::ANN;
use crate::spine::STRANGER;
use crate::tools::available;
use crate::tools::within;

/// A caller of 1001, where dave is the better agent; `disturb` while his phone rings. Bob picks up.
fn falls_to_bob(server: &Server, disturb: impl FnOnce()) -> Story {
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    disturb();
    let story = server.story_with(&id, "agent_connected", 40);
    caller.hang_up();
    assert_eq!(story.only("enqueued")["queue"], "support");
    assert_eq!(story.only("agent_connected")["agent"], "bob");
    let rung: Vec<&str> =
        story.all("agent_ringing").iter().filter_map(|told| told["agent"].as_str()).collect();
    assert_eq!(rung, ["dave", "bob"]);
    server.story_with(&id, "call_ended", 5)
}

#[test]
fn an_agent_who_declines_is_passed_over_and_the_next_one_answers() {
    if !available("an_agent_who_declines_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let mut dave = Phone::agent(&server.sip(), "dave", false);
    let bob = Phone::agent(&server.sip(), "bob", true);
    let story = falls_to_bob(&server, || {
        dave.wait_for("CALL_INCOMING", 10);
        dave.hang_up();
    });
    let why = &story.only("agent_missed")["why"];
    assert!(why == "declined" || why == "busy", "{why}");
    server.wait_for_agent("dave", "not_ready", 5);
    server.wait_for_agent("bob", "wrap_up", 5);
    drop(bob);
    server.is_left_clean();
}

#[test]
fn a_desk_phone_shows_queue_and_wait_before_who_calls_where_its_agent_wants_to_see_them() {
    if !available("a_desk_phone_shows_…", &["baresip"]) {
        return;
    }
    let (_flows, setup) = center_with(&[("dave: {", "dave: { phones_show: caller,")]);
    let server = Server::set_up(setup);
    let mut dave = Phone::agent(&server.sip(), "dave", false);
    let mut bob = Phone::agent(&server.sip(), "bob", false);
    let mut ann = Phone::caller(&server.sip(), ANN);
    ann.dial(&server.uri("1001"));
    let id = ann.is_answered();
    dave.wait_for("CALL_INCOMING", 10);
    let invite = dave.invite();
    assert_eq!(header(&invite, "Subject"), None, "{invite}");
    assert!(header(&invite, "From").is_some_and(|from| from.starts_with("<sip:+12025550143@")), "{invite}");
    dave.hang_up();
    bob.wait_for("CALL_INCOMING", 30);
    let invite = bob.invite();
    let from = header(&invite, "From").expect("who calls");
    // `"support 2s: Ann" <sip:+12025550143@127.0.0.1>;tag=…`: how many seconds is the machine's.
    let (name, uri) = from.split_once("\" <").expect("a name and an address");
    assert!(name.starts_with("\"support ") && name.ends_with("s: Ann"), "{from}");
    assert!(uri.starts_with("sip:+12025550143@"), "who is called back is the caller: {from}");
    let subject = header(&invite, "Subject").expect("what it is about");
    assert!(name.starts_with(&format!("\"{subject}: ")), "{subject}, {from}");
    bob.pick_up();
    server.story_with(&id, "agent_connected", 20);
    ann.hang_up();
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
}

#[test]
fn an_agent_who_does_not_answer_is_not_ready_and_the_caller_keeps_the_place() {
    if !available("an_agent_who_does_not_answer_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let mut dave = Phone::agent(&server.sip(), "dave", false);
    let _bob = Phone::agent(&server.sip(), "bob", true);
    let story = falls_to_bob(&server, || ());
    assert_eq!(story.only("agent_missed")["why"], "no_answer");
    dave.wait_for("CALL_CLOSED", 5);
    server.wait_for_agent("dave", "not_ready", 5);
    server.set_agent("dave", "ready");
    server.wait_for_agent("dave", "ready", 5);
    server.is_left_clean();
}

#[test]
fn an_agent_whose_phone_is_busy_is_passed_over() {
    if !available("an_agent_whose_phone_is_busy_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let mut dave = Phone::agent(&server.sip(), "dave", false);
    let _bob = Phone::agent(&server.sip(), "bob", true);
    // The engine knows nothing of this call: dave listens to himself.
    dave.dial(&server.uri("9196"));
    dave.wait_for("CALL_ESTABLISHED", 5);
    let story = falls_to_bob(&server, || ());
    assert_eq!(story.only("agent_missed")["why"], "busy");
}

#[test]
fn an_agent_whose_phone_vanished_is_passed_over() {
    if !available("an_agent_whose_phone_vanished_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let mut dave = Phone::agent(&server.sip(), "dave", false);
    let _bob = Phone::agent(&server.sip(), "bob", true);
    dave.vanish();
    let story = falls_to_bob(&server, || ());
    let why = &story.only("agent_missed")["why"];
    assert!(why == "unreachable" || why == "no_answer", "{why}");
    assert_ne!(server.agent_state("dave"), "ringing");
    server.is_left_clean_within(40);
}

#[test]
fn a_phone_with_the_wrong_password_is_not_let_in() {
    if !available("a_phone_with_the_wrong_password_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let intruder = Phone::start(&Setup {
        user: "alice",
        domain: Some(server.sip()),
        password: Some("not-warmline"),
        ..Setup::default()
    });
    intruder.writes("403 Forbidden", 10);
    assert_eq!(server.agent_state("alice"), "offline");
}

#[test]
fn a_changed_password_holds_for_phones_of_a_running_server_and_the_old_one_does_not() {
    if !available("a_changed_password_…", &["baresip"]) {
        return;
    }
    let mut server = Server::start();
    let phone = |server: &Server, password| {
        let domain = Some(server.sip());
        Phone::start(&Setup { user: "alice", domain, password: Some(password), ..Setup::default() })
    };
    let _old = phone(&server, "warmline");
    server.wait_for_agent("alice", "ready", 10);
    password_is(&server, "correct-horse");
    // The phone that signed in before is rung no more, whatever it thinks.
    server.wait_for_agent("alice", "offline", 10);
    phone(&server, "warmline").writes("403 Forbidden", 10);
    assert_eq!(server.agent_state("alice"), "offline");
    let _new = phone(&server, "correct-horse");
    server.wait_for_agent("alice", "ready", 10);

    // Over a restart that phone stays signed in, unless its password was changed meanwhile.
    phones_are_written(&server, 2);
    server.kill();
    server.restart();
    assert_eq!(server.agent_state("alice"), "ready");
    phones_are_written(&server, 1);
    server.kill();
    password_is(&server, "battery-staple");
    server.restart();
    assert_eq!(server.agent_state("alice"), "not_ready");
    let _newest = phone(&server, "battery-staple");
    server.wait_for_agent("alice", "ready", 10);
}

/// The journal has so many phones that signed in.
fn phones_are_written(server: &Server, count: usize) {
    within(10, "the phones are written down", || {
        let journal = fs::read_to_string(server.data().join("calls.journal")).unwrap_or_default();
        (journal.matches("proven_by").count() >= count).then_some(())
    });
}

/// Alice's password is this from now on.
fn password_is(server: &Server, password: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warmline"));
    command.args(["agent", "passwd", "alice", "--data"]).arg(server.data()).stdin(Stdio::piped());
    let mut changes = command.spawn().expect("warmline runs");
    writeln!(changes.stdin.take().expect("it reads"), "{password}").expect("it is read");
    assert!(changes.wait().expect("it ends").success());
}

#[test]
fn whoever_is_disabled_has_no_phone_within_seconds_and_gets_none_before_they_are_enabled() {
    if !available("whoever_is_disabled_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let account = |does: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_warmline"));
        let done = command.args(["agent", does, "bob", "--data"]).arg(server.data()).status();
        assert!(done.expect("warmline runs").success(), "{does}");
    };
    let _bob = Phone::agent(&server.sip(), "bob", true);
    server.wait_for_agent("bob", "ready", 10);
    account("disable");
    server.wait_for_agent("bob", "offline", 5);
    let again = || {
        Phone::start(&Setup {
            user: "bob",
            domain: Some(server.sip()),
            password: Some("warmline"),
            ..Setup::default()
        })
    };
    again().writes("403 Forbidden", 10);
    account("enable");
    within(10, "the server knows it", || {
        (server.logged().matches("accounts have changed").count() == 2).then_some(())
    });
    let _again = again();
    server.wait_for_agent("bob", "ready", 10);
}

#[test]
fn who_calls_again_is_rung_for_at_the_agent_who_talked_with_them_though_another_fits_better() {
    if !available("who_calls_again_…", &["baresip"]) {
        return;
    }
    let owners = "routing: longest waiting\nowner_first: { within: 7d, for: 20s }\n";
    let alice = "alice: { skills: { billing: 8, support: 4 },";
    let by_itself = format!("{alice} auto_answer: yes,");
    let (_flows, setup) = center_with(&[("routing: longest waiting\n", owners), (alice, &by_itself)]);
    let server = Server::set_up(setup);
    let alice = Phone::agent(&server.sip(), "alice", true);
    server.wait_for_agent("alice", "ready", 10);
    let calls = || {
        let mut caller = Phone::caller(&server.sip(), STRANGER);
        caller.dial(&server.uri("1001"));
        let id = caller.is_answered();
        let story = server.story_with(&id, "agent_connected", 20);
        caller.hang_up();
        server.story_with(&id, "call_ended", 10);
        story
    };
    assert_eq!(calls().only("agent_connected")["agent"], "alice", "nobody else is there");
    alice.writes(";answer-after=0", 10);
    let _bob = Phone::agent(&server.sip(), "bob", true);
    server.wait_for_agent("bob", "ready", 10);
    server.set_agent("alice", "ready");
    server.wait_for_agent("alice", "ready", 10);
    let again = calls();
    assert_eq!(again.only("agent_connected")["agent"], "alice", "she knows them; bob knows more of support");
    assert_eq!(again.only("agents_named")["prefer"]["agent"], "alice");
    server.is_left_clean();
}

#[test]
fn an_agent_without_a_phone_is_not_ready_and_nobody_is_let_in_for_them() {
    if !available("an_agent_without_a_phone_is_not_ready_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let ask = |state: &str| {
        let body = json!({ "state": state }).to_string();
        let (status, answer) =
            server.ask("PUT", "/api/v1/agents/alice/state", Some(&body)).expect("the server answers");
        (status, serde_json::from_str::<Value>(&answer).expect("JSON"))
    };
    let (status, problem) = ask("ready");
    assert_eq!((status, &problem["error"]), (409, &json!("no phone of alice is signed in")));
    assert!(
        problem["hint"].as_str().is_some_and(|hint| hint.starts_with("sign a SIP phone in")),
        "{problem}"
    );
    assert_eq!(server.agent_state("alice"), "offline");
    assert_eq!(ask("not_ready").0, 202, "what lets nobody in is taken");

    let _alice = Phone::agent(&server.sip(), "alice", false);
    server.wait_for_agent("alice", "not_ready", 5);
    assert_eq!(ask("ready").0, 202);
    server.wait_for_agent("alice", "ready", 5);
    server.is_left_clean();
}
