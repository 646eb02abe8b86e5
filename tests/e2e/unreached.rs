//! A server that cannot be reached: what the pages say then, and what becomes of what was asked.

use serde_json::json;

use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::looks::DESK;
use crate::looks::changed;
use crate::looks::ringing_call;
use crate::looks::stages;
use crate::pages::alice_takes_a_call;
use crate::pages::does;
use crate::pages::open;
use crate::pages::sign_in;
use crate::pages::sits_at_the_desk;
use crate::pages::text;
use crate::server::Server;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tools::available;

const IS_CUT_OFF: &str = "document.querySelector('#cut-off').checkVisibility()";

/// Whether a clock of the page goes on within two seconds.
fn goes(browser: &mut Browser, clock: &str) -> bool {
    let goes = format!(
        "(async (before) => {{
            for (let tries = 0; tries < 20; tries += 1) {{
                await new Promise((resolve) => setTimeout(resolve, 100));
                if (document.querySelector('{clock}').innerText !== before) return true;
            }}
            return false;
        }})(document.querySelector('{clock}').innerText)"
    );
    browser.look(&goes) == true
}

#[test]
fn pages_say_that_nothing_comes_from_the_server_any_more_and_stand_still_until_it_does() {
    let test = "pages_say_that_nothing_comes_from_the_server_any_more_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let (mut alice, caller) = alice_takes_a_call(&server);
    does(&mut alice, "You talk with");
    let mut board = Browser::start(COLLEAGUE_HZ);
    open(&mut board, &server, "/wallboard");
    board.sees("the board", 20, "document.querySelector('#agents')?.innerText.includes('alice')");
    assert!(goes(&mut alice, "#call-clock"));

    server.freeze();
    alice.sees("that it is cut off", 40, IS_CUT_OFF);
    board.sees("that it is cut off", 40, IS_CUT_OFF);
    assert!(!goes(&mut alice, "#call-clock"), "nobody knows how long the talk goes on");
    server.thaw();
    alice.sees("that it is back", 40, &format!("!{IS_CUT_OFF}"));
    board.sees("that it is back", 40, &format!("!{IS_CUT_OFF}"));
    alice.sees("the desk as it is", 20, "document.querySelector('#call').checkVisibility()");
    assert!(goes(&mut alice, "#call-clock"));
    drop(caller);
}

#[test]
fn a_desk_tells_who_has_no_telephone_nothing_of_one_that_rings() {
    let test = "a_desk_tells_who_has_no_telephone_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let mut alice = Browser::start(AGENT_HZ);
    sits_at_the_desk(&mut alice, &server, "alice");
    let call = ringing_call(&server);
    let view = server.get("/api/v1/desk-view?agent=alice");
    assert_eq!((&view["page"], &view["telephones"]), (&json!("up"), &json!(0)));
    alice.look("void sessionStorage.removeItem('warmline.phone')");
    stages(&mut alice, &server, "/desk", DESK);
    for (change, words) in [
        (json!({ "page": null, "telephones": 1 }), "Your telephone rings: pick up there."),
        (json!({ "page": "up", "telephones": 0 }), "It rings in another window of yours: pick up there."),
        (
            json!({ "page": null, "telephones": 0 }),
            "You have no phone that rings: use this page as your phone, and pick up.",
        ),
    ] {
        let view = changed(&changed(&view, &change), &json!({ "state": "ringing", "calls": [call] }));
        alice.look(&format!("stage('{DESK}', 'desk', {view})"));
        assert_eq!(text(&mut alice, "#pick-up-words"), words);
    }
}

#[test]
fn what_could_not_be_asked_is_told_as_not_done_until_the_server_is_back() {
    if !browsers_available("what_could_not_be_asked_…") {
        return;
    }
    let server = Server::start();
    let mut alice = Browser::start(AGENT_HZ);
    open(&mut alice, &server, "/desk");
    sign_in(&mut alice, "alice", "warmline");
    alice.sees("the desk", 10, "document.querySelector('#state')?.innerText === 'Offline'");
    alice.run("await page.context().setOffline(true)");
    alice.sees("that it is cut off", 5, IS_CUT_OFF);
    alice.run("await page.keyboard.press('n')");
    let told = "It was not done: the server cannot be reached. Try again.";
    alice.sees(
        "what became of it",
        5,
        &format!("document.querySelector('#state-error').innerText === '{told}'"),
    );
    alice.run("await page.context().setOffline(false)");
    alice.sees("that it is back", 5, &format!("!{IS_CUT_OFF}"));
    alice.sees("no more of it", 5, "!document.querySelector('#state-error').checkVisibility()");
    assert_eq!(server.agent_state("alice"), "offline", "it is not asked behind their back");
}

#[test]
fn what_a_server_could_not_answer_in_time_is_not_done_later() {
    let test = "what_a_server_could_not_answer_in_time_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let (mut alice, caller) = alice_takes_a_call(&server);
    alice.hears("phone", CALLER_HZ, 10);
    alice.run("await page.click('#hold')");
    server.freeze();
    alice.run("state.asked = Date.now(); await page.click('#hold-dialog button[value=agreed]')");
    let error = "document.querySelector('#hold-dialog .error').innerText";
    let told = "No answer within 8 s: it may or may not have been done.";
    alice.sees("what became of it", 15, &format!("{error}.startsWith('{told}')"));
    // What was asked eleven seconds ago is too old for the server.
    alice.run("await new Promise((resolve) => setTimeout(resolve, state.asked + 11_000 - Date.now()))");
    server.thaw();
    alice.run("await page.keyboard.press('Escape'); await page.click('#verify')");
    alice.run("await page.check('[name=method][value=document]'); await page.click('#verify-dialog [value=passed]')");
    let story = server.story_with(&caller.sip_call_id, "agent_verified", 20);
    assert!(!story.has("hold_asked"), "{:?}", story.kinds());
    assert!(!story.has("hold_started"), "{:?}", story.kinds());
}

#[test]
fn what_reaches_the_server_too_late_is_refused_and_says_so() {
    let test = "what_reaches_the_server_too_late_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let (mut alice, caller) = alice_takes_a_call(&server);
    alice.hears("phone", CALLER_HZ, 10);
    // The network that keeps a wish back keeps back as well that the page has given it up: it never does here.
    alice.look("void (AbortSignal.timeout = () => new AbortController().signal)");
    alice.run("await page.click('#hold')");
    server.freeze();
    alice.run(
        "await page.click('#hold-dialog button[value=agreed]');
         await new Promise((resolve) => setTimeout(resolve, 11_500))",
    );
    server.thaw();
    let error = "document.querySelector('#hold-dialog .error').innerText";
    alice.sees(
        "why not",
        15,
        &format!("/^This was asked 1\\d s ago, and is not done any more/.test({error})"),
    );
    let story = server.story(&caller.sip_call_id).expect("its story");
    assert!(!story.has("hold_asked"), "{:?}", story.kinds());
}
