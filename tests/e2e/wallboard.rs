//! What a supervisor does from the wallboard, in a real browser: callers moved, skills changed, talks listened to.

use serde_json::Value;
use serde_json::json;

use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::callback::center_with;
use crate::pages::is_clean;
use crate::pages::open;
use crate::pages::sign_in;
use crate::pages::sits_at_the_desk;
use crate::pages::text;
use crate::server::Server;
use crate::server::Story;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tone::RATE;
use crate::tone::is_in;
use crate::tools::available;
use crate::tools::within;

/// What an agent is said to know, by skill.
fn skills(server: &Server, agent: &str) -> Value {
    let board = server.get("/api/v1/wallboard");
    let agents = board["agents"].as_array().expect("agents").iter();
    let skills =
        agents.filter(|one| one["id"] == agent).flat_map(|one| one["skills"].as_array().expect("skills"));
    let by_name =
        skills.map(|skill| (skill["skill"].as_str().unwrap_or_default().to_owned(), skill["level"].clone()));
    Value::Object(by_name.collect())
}

/// Opens the dialog about a caller or an agent, as a person with a keyboard does.
fn acts_on(browser: &mut Browser, whom: &str, dialog: &str) {
    browser.run(&format!(
        "await page.focus('[aria-label^=\"Act on {whom}\"]'); await page.keyboard.press('Enter')"
    ));
    browser.sees("the dialog", 10, &format!("document.querySelector('#{dialog}').open"));
}

fn saves(browser: &mut Browser, dialog: &str) {
    browser.run(&format!("await page.click('#{dialog} button.main')"));
    browser.sees("the dialog is closed", 10, &format!("!document.querySelector('#{dialog}').open"));
}

/// Two who wait are a surge where nobody takes calls: who joins then is told so first, and the wallboard shows it until they are
/// gone.
fn surges(server: &Server, sam: &mut Browser) {
    let surge =
        "[...document.querySelectorAll('.tag.bad')].some((tag) => tag.textContent.startsWith('surge'))";
    let calls = |number: &str| Sipp::dial(&server.sip(), "1001", number, "caller_stays", 0);
    let first = [calls("+12025550101"), calls("+12025550102")];
    sam.sees("the surge", 20, surge);
    let last = calls("+12025550103");
    let told = |story: &Story| story.has("joined_in_surge") && story.prompts().contains(&"wait/sorry");
    server.story_when(&last.sip_call_id, "they are told of the surge", 20, told);
    for caller in first.into_iter().chain([last]) {
        let story = server.story_with(&caller.sip_call_id, "hold_music_started", 20);
        let answer = server.ask("POST", &format!("/api/v1/calls/{}/end", story.id()), None);
        assert_eq!(answer.map(|(status, _)| status), Some(202));
        caller.ends_well(20);
    }
    sam.sees("the surge is over", 20, &format!("!{surge}"));
}

/// Whether a tone is in the last half second that the caller has heard, alone or among others.
fn hears_now(caller: &Sipp, hz: f64) -> bool {
    let heard = caller.line.recording();
    is_in(hz, &heard[heard.len().saturating_sub(RATE / 2)..])
}

#[test]
fn a_supervisor_moves_a_caller_changes_a_skill_and_takes_part_in_the_talk() {
    let test = "a_supervisor_moves_a_caller_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let rings = "carol: { skills: { sales: 9, billing: 3 }, ready: when registered }";
    let by_itself = rings.replace("ready:", "auto_answer: yes, ready:");
    let crowded = "needs: support >= 3\n    surge: { from: 1, say: wait/sorry }";
    let (_flows, setup) = center_with(&[(rings, &by_itself), ("needs: support >= 3", crowded)]);
    let mut server = Server::set_up(setup);
    let mut carol = Browser::start(AGENT_HZ);
    sits_at_the_desk(&mut carol, &server, "carol");
    let mut sam = Browser::start(COLLEAGUE_HZ);
    open(&mut sam, &server, "/desk");
    sign_in(&mut sam, "sam", "warmline");
    sam.sees("the desk", 10, "document.querySelector('#state')?.checkVisibility()");
    open(&mut sam, &server, "/wallboard");

    // Bob could help, and does not; carol is free, and cannot.
    server.set_agent("bob", "not_ready");
    surges(&server, &mut sam);
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let story = server.story_with(&caller.sip_call_id, "wait_granted", 20);
    let waits = format!("document.querySelector('#waiting').innerText.includes('{STRANGER}')");
    sam.sees("who waits", 10, &waits);
    acts_on(&mut sam, STRANGER, "wait-dialog");
    sam.run("await page.check('[name=place][value=first]')");
    saves(&mut sam, "wait-dialog");
    sam.sees("their place", 10, "document.querySelector('#waiting').innerText.includes('first')");

    acts_on(&mut sam, "bob", "agent-dialog");
    sam.run("await page.fill('[data-skill=sales]', '0')");
    saves(&mut sam, "agent-dialog");
    within(10, "the skill is taken", || (skills(&server, "bob") == json!({ "support": 7 })).then_some(()));

    acts_on(&mut sam, STRANGER, "wait-dialog");
    sam.run("await page.selectOption('#wait-queue', 'sales')");
    saves(&mut sam, "wait-dialog");
    carol.hears("phone", CALLER_HZ, 20);
    let story = server.story_of(story.id(), "agent_connected", 10);
    assert_eq!(story.only("wait_prioritised")["by"], "sam");
    let moved = story.only("wait_moved");
    assert_eq!(
        (&moved["from"], &moved["to"], &moved["by"]),
        (&json!("support"), &json!("sales"), &json!("sam"))
    );

    // The call's history says that sam reads it, once, and not that carol does, whose call it is.
    let reads =
        format!("return page.evaluate(async () => (await fetch('/api/v1/calls/{}')).status)", story.id());
    assert_eq!((carol.run(&reads), sam.run(&reads), sam.run(&reads)), (json!(200), json!(200), json!(200)));
    let story = server.story_of(story.id(), "call_read", 10);
    assert_eq!(story.only("call_read")["by"], "sam");

    assert!(text(&mut sam, "#agents").contains("calls are picked up for them"), "carol's desk did it");

    // Whoever listens is heard by nobody, who whispers by the agent, who joins in by both.
    sam.sees("carol talks", 10, "board().agents.find(({ id }) => id === 'carol').state === 'talking'");
    acts_on(&mut sam, "carol", "agent-dialog");
    // Who only listens needs no microphone.
    sam.run(
        "await page.evaluate(() => {
           const { mediaDevices } = navigator;
           window.microphone = mediaDevices.getUserMedia;
           mediaDevices.getUserMedia = () => Promise.reject(new DOMException('none', 'NotFoundError'));
         })",
    );
    sam.run("await page.click('#agent-call [data-mode=listen]')");
    sam.sees("listening", 30, "document.querySelector('#listening').checkVisibility()");
    assert!(text(&mut sam, "#listening-title").starts_with("You listen to Carol"));
    sam.hears_among("phone", CALLER_HZ, 20);
    sam.hears_among("phone", AGENT_HZ, 20);
    sam.run("await page.click('#listening [data-mode=whisper]')");
    sam.sees(
        "that there is none",
        10,
        "document.querySelector('#listening-error').innerText.startsWith('This browser gives no microphone')",
    );
    assert!(text(&mut sam, "#listening-title").starts_with("You listen to Carol"));
    assert_eq!(text(&mut carol, "#joined"), "", "who listens is told to nobody");
    sam.run("await page.evaluate(() => { navigator.mediaDevices.getUserMedia = window.microphone })");
    sam.run("await page.click('#listening [data-mode=whisper]')");
    carol.sees("who whispers", 10, "document.querySelector('#joined').innerText.startsWith('Sam whispers')");
    carol.hears_among("phone", COLLEAGUE_HZ, 20);
    assert!(!hears_now(&caller, COLLEAGUE_HZ), "the caller hears no whisper");
    sam.run("await page.reload()");
    sam.sees("still there", 30, "document.querySelector('#listening').checkVisibility()");
    sam.hears_among("phone", CALLER_HZ, 30);
    sam.run("await page.click('#listening [data-mode=barge]')");
    within(20, "the caller hears the supervisor", || hears_now(&caller, COLLEAGUE_HZ).then_some(()));
    carol.sees(
        "who joined in",
        10,
        "document.querySelector('#joined').innerText.startsWith('Sam has joined in')",
    );
    sam.run("await page.click('#mute-mine')");
    within(20, "the caller hears them no more", || (!hears_now(&caller, COLLEAGUE_HZ)).then_some(()));
    sam.run("await page.click('#mute-mine')");
    within(20, "the caller hears them again", || hears_now(&caller, COLLEAGUE_HZ).then_some(()));
    sam.run("await page.click('#listening [data-mode=leave]')");
    sam.sees("gone", 10, "!document.querySelector('#listening').checkVisibility()");
    assert_eq!(
        sam.run("return page.evaluate(() => document.activeElement.id)"),
        "main",
        "not the top of the page"
    );
    carol.sees("nobody else", 10, "!document.querySelector('#joined').checkVisibility()");
    server.story_of(story.id(), "supervision_ended", 10);

    // Who takes the caller over has them, goes on with them at the desk, and says what came of it: no agent need they be.
    acts_on(&mut sam, "carol", "agent-dialog");
    sam.run("page.once('dialog', (dialog) => dialog.accept()); await page.click('[data-take-over]')");
    sam.sees(
        "they have the caller",
        30,
        "document.querySelector('#listening-title').innerText.startsWith('You have the caller')",
    );
    carol.sees("wrap-up", 20, "document.querySelector('#wrap-title').checkVisibility()");
    sam.hears("phone", CALLER_HZ, 20);
    // Leaving the page would end the talk: the browser asks first, but not on the way to the desk.
    sam.run("state.asked = []; page.on('dialog', (dialog) => { state.asked.push(dialog.type()); return dialog.dismiss(); })");
    sam.run("await page.evaluate(() => void setTimeout(() => (location.href = '/history')))");
    within(10, "the browser asks", || {
        (sam.run("return state.asked") == json!(["beforeunload"])).then_some(())
    });
    sam.run("await page.click('#to-desk')");
    sam.sees("the desk", 20, "document.querySelector('#doing')?.innerText === 'You talk with'");
    sam.hears("phone", CALLER_HZ, 30);
    within(20, "the caller hears who has them", || hears_now(&caller, COLLEAGUE_HZ).then_some(()));
    sam.run("await page.click('#hang-up')");
    caller.ends_well(20);
    sam.sees("wrap-up", 20, "document.querySelector('#wrap-title').checkVisibility()");
    sam.run("await page.check('#outcomes [value=resolved]'); await page.fill('#reason-code', 'refund')");
    sam.run("await page.click('#wrap-up [type=submit]')");
    let story = server.story_of(story.id(), "outcome_set", 10);
    assert_eq!(story.only("taken_over")["from"], "carol");
    assert_eq!(story.only("outcome_set")["agent"], "sam");
    assert_eq!(story.only("call_read")["by"], "sam");
    sam.sees("nothing is left to do", 10, "!document.querySelector('#call').checkVisibility()");
    is_clean(&mut sam);
    is_clean(&mut carol);
    drop((sam, carol));

    // What was set today holds when the server is started anew.
    server.terminate();
    server.ends(30);
    server.restart();
    assert_eq!(skills(&server, "bob"), json!({ "support": 7 }));
}
