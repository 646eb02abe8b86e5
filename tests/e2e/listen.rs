//! A colleague listens and learns: with the agent's yes, or because the center's file says so. They hear both, and nobody
//! hears them.

use serde_json::json;

use crate::baresip::Phone;
use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::callback::center_with;
use crate::pages::alice_takes_a_call;
use crate::pages::is_clean;
use crate::pages::sits_at_the_desk;
use crate::server::Server;
use crate::spine::STRANGER;
use crate::talk::Talk;
use crate::talk::colleague;
use crate::tone;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tools::available;
use crate::tools::within;

#[test]
fn a_colleague_hears_a_talk_once_the_agent_agrees_and_is_heard_by_nobody() {
    if !available("a_colleague_hears_a_talk_…", &["sipp", "baresip"]) {
        return;
    }
    let talk = Talk::begin(Server::start());
    let mut bob = colleague(&talk.server, "bob", true, COLLEAGUE_HZ);
    talk.server.wait_for_agent("bob", "ready", 5);
    let (status, problem) = talk.server.act(talk.call, "bob", "listen", json!({}));
    assert_eq!((status, &problem["error"]), (409, &json!("bob is ready for calls")));
    assert!(problem["hint"].as_str().unwrap().contains("not ready first"), "{problem}");
    talk.server.set_agent("bob", "not_ready");
    talk.acts("bob", "listen", json!({}));
    talk.server.story_with(&talk.sip_call_id, "listening_asked", 5);
    talk.hear("a", "c", Some((&bob, "")));

    talk.acts("alice", "let_listen", json!({ "who": "bob", "agreed": true }));
    let story = talk.server.story_with(&talk.sip_call_id, "listening", 10);
    assert_eq!(story.only("listening")["by"], "consent");
    talk.hear("a", "c", Some((&bob, "ca")));
    bob.key("*5");
    // While the caller is held, they hear nobody, and bob hears alice.
    talk.acts("alice", "hold", json!({ "reason": "a word", "way": "verbal", "agreed": true }));
    talk.hear("", "", Some((&bob, "a")));
    talk.acts("alice", "resume", json!({}));
    talk.hear("a", "c", Some((&bob, "ca")));
    let (status, problem) = talk.server.act(talk.call, "bob", "supervise", json!({ "mode": "barge" }));
    assert_eq!(status, 409, "{problem}");
    talk.hear("a", "c", Some((&bob, "ca")));

    talk.acts("alice", "let_listen", json!({ "who": "bob", "agreed": false }));
    talk.server.story_with(&talk.sip_call_id, "listening_ended", 5);
    bob.wait_for("CALL_CLOSED", 10);
    talk.hear("a", "c", None);
    let (status, problem) = talk.server.act(talk.call, "bob", "listen", json!({}));
    assert_eq!((status, &problem["error"]), (409, &json!("alice does not let bob listen to this talk")));
    was_never_heard([talk.caller.line.recording(), talk.alice.recording()]);
    talk.over("alice");
}

/// Bob's tone is in no tenth of a second of these, alone or among others.
fn was_never_heard<const N: usize>(recordings: [Vec<i16>; N]) {
    for recording in recordings {
        assert!(recording.len() > tone::RATE, "there is something to hear");
        let heard = recording.chunks_exact(tone::RATE / 10).any(|part| tone::is_in(COLLEAGUE_HZ, part));
        assert!(!heard, "bob was heard");
    }
}

/// From now on, the phone hears caller and agent at once.
fn hears_both(phone: &Phone) {
    let from = phone.recording().len();
    within(20, "who listens hears caller and agent", || {
        let since = phone.recording().split_off(from);
        let last = &since[since.len().saturating_sub(tone::RATE / 2)..];
        let both = [CALLER_HZ, AGENT_HZ].iter().all(|hz| tone::is_in(*hz, last));
        (since.len() > tone::RATE && both).then_some(())
    });
}

#[test]
fn a_trainee_is_let_in_at_once_listens_on_after_a_crash_and_stops_when_they_are_ready() {
    if !available("a_trainee_is_let_in_at_once_…", &["baresip"]) {
        return;
    }
    let (_flows, setup) = center_with(&[("  bob: {", "  bob: { learns_from: alice,")]);
    let mut server = Server::set_up(setup);
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    let call = server.story_with(&id, "agent_connected", 20).id();
    let mut bob = colleague(&server, "bob", true, COLLEAGUE_HZ);
    server.wait_for_agent("bob", "ready", 5);
    server.set_agent("bob", "not_ready");
    server.acts(call, "bob", "listen", json!({}));
    let story = server.story_with(&id, "listening", 10);
    assert_eq!(story.only("listening")["by"], "file");
    assert!(!story.has("listening_asked"), "nobody is asked: {:?}", story.kinds());
    hears_both(&bob);

    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    hears_both(&bob);
    let (status, problem) = server.act(call, "bob", "listen", json!({}));
    assert_eq!(status, 409, "bob listens already: {problem}");

    server.set_agent("bob", "ready");
    bob.wait_for("CALL_CLOSED", 10);
    server.story_with(&id, "listening_ended", 5);
    was_never_heard([caller.recording(), alice.recording()]);
    alice.hang_up();
    caller.wait_for("CALL_CLOSED", 10);
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
}

#[test]
fn at_the_desk_one_asks_to_listen_and_the_other_answers() {
    let test = "at_the_desk_one_asks_to_listen_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let mut bob = Browser::start(COLLEAGUE_HZ);
    sits_at_the_desk(&mut bob, &server, "bob");
    bob.run("await page.selectOption('#reason', 'training'); await page.click('#not-ready')");
    bob.sees("nobody talks yet", 10, "document.querySelector('#colleagues-empty').checkVisibility()");
    let (mut alice, caller) = alice_takes_a_call(&server);
    let asks = "document.querySelector('[aria-label=\"Ask to listen: alice\"]')";
    bob.sees("alice talks", 20, &format!("{asks} !== null"));
    // By keyboard alone, as everything at the desk.
    let presses = |browser: &mut Browser, label: &str| {
        browser.run(&format!(
            "await page.focus('[aria-label=\"{label}\"]'); await page.keyboard.press('Enter')"
        ));
    };
    presses(&mut bob, "Ask to listen: alice");
    bob.sees("who was asked", 10, "document.querySelector('#listening').innerText.includes('asked alice')");
    alice.sees(
        "who asks",
        10,
        "document.querySelector('#listeners-news').innerText === 'Bob asks to listen.'",
    );
    presses(&mut alice, "Let them listen: bob");
    bob.sees(
        "listening",
        10,
        "document.querySelector('#listening-title').innerText === 'You listen to alice'",
    );
    bob.hears_among("phone", CALLER_HZ, 20);
    bob.hears_among("phone", AGENT_HZ, 20);
    assert!(
        !bob.look("document.querySelector('#call').checkVisibility()").as_bool().unwrap(),
        "no call of bob's"
    );
    alice.hears("phone", CALLER_HZ, 10);

    // A page that is loaded anew hears on.
    bob.run("await page.reload()");
    bob.sees("still there", 30, "document.querySelector('#listening').checkVisibility()");
    bob.hears_among("phone", CALLER_HZ, 30);
    presses(&mut alice, "Send away: bob");
    let news =
        "document.querySelector('#colleagues-news').innerText === 'You do not listen to alice any more.'";
    bob.sees("why it is quiet", 10, news);
    alice.sees("nobody listens", 10, "!document.querySelector('#listeners-panel').checkVisibility()");
    bob.sees("alice talks on", 20, &format!("{asks} !== null"));
    presses(&mut bob, "Ask to listen: alice");
    let refused =
        "document.querySelector('#listening-error').innerText.startsWith('Alice does not let bob listen')";
    bob.sees("why not", 10, refused);
    alice.run("await page.click('#hang-up')");
    was_never_heard([caller.line.recording()]);
    caller.ends_well(10);
    is_clean(&mut alice);
    is_clean(&mut bob);
    server.is_left_clean();
}
