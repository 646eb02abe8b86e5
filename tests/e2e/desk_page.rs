//! The desk as people have it: a newcomer who is caller and agent at once, an agent with a telephone beside it, and
//! what calls somebody's attention.

use serde_json::json;

use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::callback::center_with;
use crate::looks::DESK;
use crate::looks::at;
use crate::looks::changed;
use crate::looks::ringing_call;
use crate::looks::stages;
use crate::looks::states;
use crate::pages::alice_takes_a_call;
use crate::pages::does;
use crate::pages::hangs_up_by_key;
use crate::pages::is_clean;
use crate::pages::open;
use crate::pages::sign_in;
use crate::pages::sits_at_the_desk;
use crate::pages::text;
use crate::pages::writes_on;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::talk::Talk;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tools::available;
use crate::tools::within;

#[test]
fn a_desk_without_a_microphone_says_so_and_takes_no_call_by_itself() {
    let test = "a_desk_without_a_microphone_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let rings = "carol: { skills: { sales: 9, billing: 3 }, ready: when registered }";
    let by_itself = rings.replace("ready:", "auto_answer: yes, ready:");
    let (_flows, setup) = center_with(&[
        (rings, &by_itself),
        ("1003: leave_message", "1003: leave_message\n  1004: sales_line"),
        ("ring: 15s", "ring: 5s"),
    ]);
    let sales_line =
        "flow: sales_line\nstart: a\nnodes:\n  a: { enqueue: sales, permission: given by this file }\n";
    std::fs::write(setup.flows.join("sales_line.yaml"), sales_line).expect("room on the disk");
    let server = Server::set_up(setup);
    let mut carol = Browser::start(AGENT_HZ);
    sits_at_the_desk(&mut carol, &server, "carol");
    // Somebody pulls the plug, and there is no other.
    carol.look(
        "(() => {
            window.plugged = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('none', 'NotFoundError'));
            phone.audio.microphone.stop();
            phone.audio.microphone.dispatchEvent(new Event('ended'));
        })()",
    );
    carol.sees(
        "that the microphone is gone",
        10,
        "document.querySelector('#phone-error').checkVisibility() && \
         document.querySelector('#phone-error').innerText.includes('microphone is gone')",
    );
    let caller = Sipp::dial(&server.sip(), "1004", STRANGER, "caller_stays", 0);
    does(&mut carol, "Rings for you");
    let story = server.story_with(&caller.sip_call_id, "agent_missed", 30);
    assert_eq!(story.only("agent_missed")["why"], "no_answer");
    assert!(!story.has("agent_connected"), "{:?}", story.kinds());

    carol.look(
        "(() => {
            navigator.mediaDevices.getUserMedia = window.plugged;
            navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
        })()",
    );
    carol.sees("the microphone is back", 10, "phone.audio.microphone?.readyState === 'live'");
    server.set_agent("carol", "ready");
    server.story_with(&caller.sip_call_id, "agent_connected", 30);
    carol.hears("phone", CALLER_HZ, 20);
    hangs_up_by_key(&mut carol);
    caller.ends_well(10);
}

#[test]
fn a_newcomer_walks_through_the_demo_as_caller_and_as_agent() {
    if !browsers_available("a_newcomer_walks_through_the_demo_…") {
        return;
    }
    let server = Server::start();
    let mut alice = Browser::start(AGENT_HZ);
    // The page's own clock is two hours ahead.
    alice.run(
        "await page.addInitScript(() => {
           const [now, origin, wrong] = [Date.now, performance.timeOrigin, 2 * 3600 * 1000];
           Date.now = () => now() + wrong;
           Object.defineProperty(performance, 'timeOrigin', { get: () => origin + wrong });
         })",
    );
    sits_at_the_desk(&mut alice, &server, "alice");
    let mut caller = Browser::start(CALLER_HZ);
    caller.dials(&server, "1000");
    let call = caller.is_talking();
    for key in "100200#4711#".chars() {
        caller.run(&format!("await page.click('#keys button:text-is(\"{key}\")')"));
    }
    server.story_of(call, "verification_ended", 20);
    caller.run("await page.click('#keys button:text-is(\"1\")')");

    does(&mut alice, "Rings for you");
    let (who, facts) = (text(&mut alice, "#caller"), text(&mut alice, "#facts"));
    assert!(who.contains("Ann"), "{who}");
    assert!(facts.contains("by PIN") && facts.contains("billing"), "{facts}");
    let clock = text(&mut alice, "#call-clock");
    assert!(clock.starts_with("0:"), "by the server's clock: {clock}");
    let left = text(&mut alice, "#state-clock");
    assert!(left.starts_with("for 0:") && left.ends_with(" more"), "it rings so long yet: {left}");
    assert!(text(&mut caller, "#captions").contains("Juniper"), "what is said is shown");
    alice.run("await page.click('#pick-up')");
    alice.hears("phone", CALLER_HZ, 20);
    caller.hears("call", AGENT_HZ, 20);
    caller.sees("who it is", 10, "document.querySelector('#captions').innerText.includes('alice')");

    // A refresh in the middle of it.
    alice.run("await page.reload()");
    alice.sees("the phone is up", 20, "document.querySelector('#phone-state')?.innerText === 'Phone up'");
    alice.hears("phone", CALLER_HZ, 20);
    caller.hears("call", AGENT_HZ, 20);
    caller.run("await page.click('#stop')");
    alice.sees("wrap-up", 20, "document.querySelector('#wrap-title').checkVisibility()");
    alice.run("await page.keyboard.press('1'); await page.fill('#reason-code', 'invoice')");
    alice.run("await page.keyboard.press('Control+Enter')");
    let story = server.story_of(call, "outcome_set", 10);
    assert_eq!(story.only("outcome_set")["reason_code"], "invoice");
    server.never_wrote("4711");
    is_clean(&mut alice);
}

#[test]
fn an_agent_with_a_telephone_uses_the_desk_for_all_but_audio() {
    let test = "an_agent_with_a_telephone_uses_the_desk_…";
    if !browsers_available(test) || !available(test, &["sipp", "baresip"]) {
        return;
    }
    let talk = Talk::begin(Server::start());
    let mut desk = Browser::start(AGENT_HZ);
    open(&mut desk, &talk.server, "/desk");
    sign_in(&mut desk, "alice", "warmline");
    does(&mut desk, "You talk with");
    assert_eq!(text(&mut desk, "#phone-state"), "No phone in this page");
    desk.run("await page.click('#hold'); await page.click('#hold-dialog button[value=agreed]')");
    does(&mut desk, "On hold");
    talk.hear("", "", None);
    desk.run("await page.click('#resume')");
    does(&mut desk, "You talk with");
    talk.hear("a", "c", None);
    desk.run("await page.click('#hang-up')");
    desk.sees("wrap-up", 20, "document.querySelector('#wrap-title').checkVisibility()");
    let Talk { server, caller, call, .. } = talk;
    caller.ends_well(20);
    assert_eq!(server.story_of(call, "call_ended", 10).only("talk_ended")["by"], "agent");
    is_clean(&mut desk);
}

#[test]
fn an_agent_escalates_then_adds_a_colleague_and_leaves_the_caller_to_them() {
    let test = "an_agent_escalates_then_adds_a_colleague_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let (mut alice, caller) = alice_takes_a_call(&server);
    does(&mut alice, "You talk with");
    let mut carol = Browser::start(COLLEAGUE_HZ);
    sits_at_the_desk(&mut carol, &server, "carol");

    // A key, why, what is wanted, and it is on its way; she cannot take it, and nobody is there after her.
    let escalation = text(&mut alice, "#escalation-panel");
    assert!(
        escalation.contains("First senior, which asks queue billing: for a refund, a complaint"),
        "{escalation}"
    );
    alice.run("await page.evaluate(() => document.activeElement.blur()); await page.keyboard.press('l')");
    alice.run("await page.fill('#escalate-reason', 'a refund'); await page.fill('#escalate-wants', 'the money back')");
    alice.run("await page.keyboard.press('Control+Enter')");
    does(&mut carol, "alice asks for your help");
    assert!(text(&mut carol, "#consult-note").contains("a refund"), "the reason is what it is about");
    carol.run("await page.click('#refuse-note')");
    does(&mut alice, "You talk with");
    alice.sees(
        "how far it is",
        10,
        "document.querySelector('#escalation-title').innerText === 'Escalated to lead'",
    );
    alice.run("await page.click('#quote')");
    alice.sees(
        "it is promised",
        10,
        "document.querySelector('#owed').innerText.includes('the team lead calls back')",
    );
    alice.sees("once is enough", 10, "!document.querySelector('#quote').checkVisibility()");

    // She is added to the talk instead; the note is the one that was written.
    server.wait_for_agent("carol", "ready", 20);
    alice.run("await page.click('#consult')");
    alice.run("await page.selectOption('#target', 'agent carol')");
    alice.run("await page.click('#send-add')");
    does(&mut carol, "alice asks you to join a talk");
    carol.run("await page.click('#acknowledge')");
    does(&mut alice, "3 of you talk with each other");
    alice.hears_among("phone", COLLEAGUE_HZ, 20);
    carol.hears_among("phone", CALLER_HZ, 20);
    alice.run("await page.click('[aria-label=\"Mute Carol\"]')");
    carol.sees(
        "nobody hears her",
        10,
        "document.querySelector('#members').innerText.includes('nobody hears you')",
    );
    alice.run(&format!("await page.click('[aria-label=\"{STRANGER} quieter\"]')"));
    alice.sees("the caller is quieter", 10, "document.querySelector('#members').innerText.includes('−3 dB')");
    alice.run("await page.click('#leave')");
    does(&mut carol, "You talk with");
    alice.sees("wrap-up", 10, "document.querySelector('#wrap-title').checkVisibility()");
    carol.hears("phone", CALLER_HZ, 20);
    within(20, "carol is heard, though she was muted", || {
        (caller.line.heard(COLLEAGUE_HZ) >= 1.0).then_some(())
    });

    // The note stays with her, and she says that it was not enough.
    assert!(text(&mut carol, "#notes").contains("the money back"));
    carol.run("await page.click('#repeat'); await page.fill('#repeat-why', 'the invoice number')");
    carol.run("await page.keyboard.press('Enter')");
    let story = server.story_with(&caller.sip_call_id, "had_to_repeat", 10);
    assert_eq!(story.only("had_to_repeat")["why"], "the invoice number");
    carol.run("await page.click('#hang-up')");
    caller.ends_well(20);
    // The history has both notes, what became of them, and what she said.
    open(&mut carol, &server, &format!("/history#{}", story.id()));
    carol.sees("the notes", 20, "document.querySelector('#notes')?.innerText.includes('the invoice number')");
    let notes = text(&mut carol, "#notes");
    for told in ["Alice to queue billing", "carol declined it", "Alice to carol", "carol knew it"] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    is_clean(&mut alice);
    is_clean(&mut carol);
}

#[test]
fn the_desk_rings_notifies_warns_and_takes_another_microphone() {
    let test = "the_desk_rings_notifies_warns_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let mut alice = Browser::start(AGENT_HZ);
    alice.run(
        "await page.addInitScript(() => {
           [window.notes, window.rung] = [[], 0];
           window.Notification = class {
             static permission = 'granted';
             static requestPermission() {}
             constructor(title, { body }) { window.notes.push([title, body]); }
             addEventListener() {}
           };
           const create = AudioContext.prototype.createOscillator;
           AudioContext.prototype.createOscillator = function () {
             window.rung += 1;
             return create.call(this);
           };
         })",
    );
    sits_at_the_desk(&mut alice, &server, "alice");
    let empty = server.get("/api/v1/desk-view?agent=alice");
    let states = states(&ringing_call(&server));
    let state = |wanted: &str| &states.iter().find(|(name, _)| *name == wanted).expect("such a state").1;
    let stage = |alice: &mut Browser, calls: serde_json::Value| {
        let view = changed(&empty, &json!({ "calls": calls }));
        alice.look(&format!("stage('{DESK}', 'desk', {view})"));
    };
    stages(&mut alice, &server, "/desk", DESK);
    stage(&mut alice, json!([]));
    alice.sees("the phone is up", 20, "document.querySelector('#phone-state').innerText === 'Phone up'");
    // By itself, not by the mouse: the page beside it may still be growing.
    alice.look("document.querySelector('#notify').click()");
    assert_eq!(alice.look("document.querySelector('#notify').checked"), true);
    alice.look("Object.defineProperty(document, 'hidden', { value: true, configurable: true })");
    stage(&mut alice, json!([state("ringing")]));
    assert_eq!(alice.look("notes"), json!([["Ann Meyer calls", "support"]]));
    assert_ne!(alice.look("rung"), 0, "it rings");
    assert!(alice.look("document.title").as_str().is_some_and(|title| title.contains("Ann Meyer calls")));
    // One's own call to somebody is no news.
    let own = changed(state("ringing"), &json!({ "call": 77, "direction": "outbound" }));
    stage(&mut alice, json!([own]));
    assert_eq!(alice.look("notes.length"), 1);
    alice.look("Object.defineProperty(document, 'hidden', { value: false, configurable: true })");

    for (lost, trip, warning) in [
        (100, 0.02, "Your network loses packets: words may be missing."),
        (0, 0.6, "Your network is slow: you may speak at the same time."),
        (0, 0.02, "Connection good, 20 ms"),
    ] {
        alice.look(&format!(
            "void (phone.peer.getStats = async () => new Map([
                [1, {{ type: 'inbound-rtp', kind: 'audio', packetsReceived: 900, packetsLost: {lost}, jitter: 0.001 }}],
                [2, {{ type: 'candidate-pair', nominated: true, currentRoundTripTime: {trip} }}],
            ]))"
        ));
        alice.sees(warning, 20, &format!("document.querySelector('#quality').innerText === '{warning}'"));
    }
    alice.run("await page.selectOption('#microphone', { index: 1 })");
    alice.sees(
        "the other microphone is open",
        20,
        "phone.audio.microphone.getSettings().deviceId === document.querySelector('#microphone').value",
    );
    alice.sees("it is heard", 20, "Number(document.querySelector('#level').ariaValueNow) > 0");
    // It is unplugged: its track ends, and what there is now is spoken into.
    alice.look(
        "void (window.unplugged = phone.audio.microphone, document.querySelector('#level').ariaValueNow = 0,
               unplugged.stop(), unplugged.dispatchEvent(new Event('ended')))",
    );
    alice.sees(
        "another track, which lives",
        20,
        "phone.audio.microphone !== unplugged && phone.audio.voice.readyState === 'live'",
    );
    alice.sees("it is heard too", 20, "Number(document.querySelector('#level').ariaValueNow) > 0");
    // There is none at all, until one is plugged in.
    alice.look(
        "void (window.opens = navigator.mediaDevices.getUserMedia,
               navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); },
               phone.audio.microphone.stop(), phone.audio.microphone.dispatchEvent(new Event('ended')))",
    );
    alice.sees(
        "what to do",
        20,
        "document.querySelector('#phone-error').innerText === 'The microphone is gone. Plug one in: it is used at once.'",
    );
    alice.look(
        "void (navigator.mediaDevices.getUserMedia = window.opens,
               navigator.mediaDevices.dispatchEvent(new Event('devicechange')))",
    );
    alice.sees("it lives", 20, "phone.audio.voice.readyState === 'live'");
    alice.sees("nothing is wrong", 20, "!document.querySelector('#phone-error').checkVisibility()");
    is_clean(&mut alice);
}

#[test]
fn a_desk_that_is_reloaded_on_hold_and_in_a_consult_goes_on_as_it_was() {
    let test = "a_desk_that_is_reloaded_on_hold_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let (mut alice, caller) = alice_takes_a_call(&server);
    alice.hears("phone", CALLER_HZ, 10);
    let is_as_it_was = |desk: &mut Browser, doing: &str| {
        desk.run("await page.reload()");
        desk.sees("the phone is up", 20, "document.querySelector('#phone-state')?.innerText === 'Phone up'");
        does(desk, doing);
    };

    // On hold: the caller is held on by the yes that they gave, and the agent comes back to them.
    alice.run("await page.click('#hold'); await page.click('#hold-dialog button[value=agreed]')");
    does(&mut alice, "On hold");
    is_as_it_was(&mut alice, "On hold");
    alice.run("await page.click('#resume')");
    does(&mut alice, "You talk with");
    alice.hears("phone", CALLER_HZ, 3);
    let before = caller.line.heard(AGENT_HZ);
    within(3, "alice is heard again", || (caller.line.heard(AGENT_HZ) >= before + 0.5).then_some(()));

    // In a consult: whoever reloads hears the other again, and what was agreed stays so.
    let mut bob = Browser::start(COLLEAGUE_HZ);
    sits_at_the_desk(&mut bob, &server, "bob");
    alice.run("await page.click('#consult')");
    alice.run("await page.selectOption('#target', 'agent bob')");
    alice.run("await page.fill('#issue', 'boiler leaks since noon')");
    alice.run("await page.fill('#wants', 'somebody today')");
    alice.run("await page.click('#consult-dialog button[value=agreed]')");
    does(&mut bob, "alice asks for your help");
    bob.run("await page.click('#acknowledge')");
    bob.hears("phone", AGENT_HZ, 10);
    let doing = text(&mut alice, "#doing");
    is_as_it_was(&mut alice, &doing);
    alice.hears("phone", COLLEAGUE_HZ, 3);
    bob.hears("phone", AGENT_HZ, 3);
    let doing = text(&mut bob, "#doing");
    is_as_it_was(&mut bob, &doing);
    bob.hears("phone", AGENT_HZ, 3);
    alice.run("await page.click('#complete')");
    bob.hears("phone", CALLER_HZ, 10);

    let story = server.story_with(&caller.sip_call_id, "transferred", 5);
    // Once for the hold and once for the consult.
    assert_eq!((story.all("hold_asked").len(), story.all("note_acknowledged").len()), (2, 1));
    bob.run("await page.click('#hang-up')");
    caller.ends_well(10);
    server.is_left_clean();
}

#[test]
fn an_agent_says_what_came_of_a_talk_before_they_are_ready_where_the_queue_wants_it() {
    let test = "an_agent_says_what_came_of_a_talk_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let wants = "  support:\n    outcome: required\n    wrap_up: 10m\n";
    let (_flows, setup) = center_with(&[("  support:\n", wants)]);
    let server = Server::set_up(setup);
    let (mut alice, caller) = alice_takes_a_call(&server);
    alice.hears("phone", CALLER_HZ, 10);
    alice.run("await page.click('#hang-up')");
    caller.ends_well(10);
    does(&mut alice, "Wrap-up after");
    alice.sees("that it is wanted", 10, "document.querySelector('#wrap-required').checkVisibility()");
    alice.run("await page.click('#wrap-done')");
    alice.sees(
        "what is in the way",
        10,
        "/^What came of call \\d+ is not said yet/i.test(document.querySelector('#call-error').innerText)",
    );
    assert_eq!(server.agent_state("alice"), "wrap_up");

    alice.run("await page.keyboard.press('1'); await page.fill('#reason-code', 'boiler')");
    alice.run("await page.keyboard.press('Control+Enter')");
    alice.sees("that it is said", 10, "!document.querySelector('#wrap-required').checkVisibility()");
    alice.run("await page.click('#wrap-done')");
    server.wait_for_agent("alice", "ready", 10);
    is_clean(&mut alice);
}

#[test]
fn what_an_agent_types_at_the_desk_hangs_up_nobody() {
    let test = "what_an_agent_types_at_the_desk_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let (mut alice, caller) = alice_takes_a_call(&server);
    alice.hears("phone", CALLER_HZ, 10);
    let note = "document.querySelector('#outcome-note').value";
    let asks_again = "document.querySelector('#hang-up').innerText.includes('again')";

    // At once after the form has opened, with the focus at the first outcome.
    alice.run("await page.keyboard.press('o'); await page.keyboard.type('refund, in a week', { delay: 20 })");
    assert_eq!(alice.look(note), "refund, in a week");
    alice.run("await page.focus('#outcomes input'); await page.keyboard.press('2')");
    assert_eq!(alice.look("document.querySelector('#outcomes [value=promised]').checked"), true);
    // Beside the form, which stays open, and into a box of the page.
    alice.run("await page.evaluate(() => document.activeElement.blur()); await page.keyboard.type('neh')");
    alice.run("await page.focus('#ring-sound'); await page.keyboard.type('neh')");
    assert_eq!(alice.look(asks_again), false);
    alice.run("await page.focus('#outcome-note'); await page.keyboard.press('Escape')");
    alice.sees("the form is closed", 5, "!document.querySelector('#wrap-up').checkVisibility()");

    // A word that is written into nothing, and one press alone; who means it says it twice.
    writes_on(&mut alice, 7, |alice| {
        alice.sees("nothing is asked", 10, &format!("!{asks_again}"));
        let written =
            "await page.evaluate(() => document.activeElement.blur()); await page.keyboard.type('see fee')";
        alice.run(written);
    });
    assert_eq!(alice.look(asks_again), false);
    alice.run(
        "do {
           await page.keyboard.press('e');
         } while (!(await page.innerText('#hang-up')).includes('again'))",
    );
    assert_eq!(text(&mut alice, "#announce"), "Press E again to hang up");
    alice.sees("it is forgotten", 10, &format!("!{asks_again}"));
    assert_eq!(server.agent_state("alice"), "talking");
    let view = server.get("/api/v1/desk-view?agent=alice");
    assert!(view["next"].is_null() && view["calls"][0]["hold"].is_null(), "{view}");
    hangs_up_by_key(&mut alice);
    caller.ends_well(10);
    // What was written is in the form of the wrap-up.
    does(&mut alice, "Wrap-up after");
    assert_eq!(alice.look(note), "refund, in a week");
    is_clean(&mut alice);
}

#[test]
fn who_leaves_the_desk_with_a_caller_on_the_line_is_asked_first() {
    let test = "who_leaves_the_desk_with_a_caller_on_the_line_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let (mut alice, caller) = alice_takes_a_call(&server);
    alice.hears("phone", CALLER_HZ, 10);
    alice.run(
        "[state.asked, state.yes] = [[], false];
         page.on('dialog', (dialog) => {
           state.asked.push(`${dialog.type()}: ${dialog.message()}`);
           return state.yes ? dialog.accept() : dialog.dismiss();
         })",
    );
    let told = format!(
        "confirm: {STRANGER} is on the line: the call ends at once, unless another phone of yours has it. \
         Do you want to "
    );
    alice.run("await page.click('text=Sign out'); await page.click('#phone-on')");
    let ways = ["sign out?", "stop using this page as your phone?"];
    assert_eq!(alice.run("return state.asked"), json!(ways.map(|way| format!("{told}{way}"))));
    let opened = alice.run(
        "const [opened] = await Promise.all([page.context().waitForEvent('page'), page.click('nav >> text=History')]);
         await opened.waitForURL('**/history');
         await opened.close();
         return state.asked.length",
    );
    assert_eq!(opened, 2, "a page beside this one asks nothing");
    alice.run("await page.evaluate(() => void setTimeout(() => (location.href = '/history')))");
    within(10, "the browser asks", || {
        (alice.run("return state.asked.at(-1)") == "beforeunload: ").then_some(())
    });
    does(&mut alice, "You talk with");
    alice.hears("phone", CALLER_HZ, 10);
    // Who means it goes.
    alice.run("state.yes = true; await page.click('text=Sign out')");
    caller.ends_well(10);
    alice.sees("the door again", 10, "document.querySelector('#password') !== null");
    server.wait_for_agent("alice", "offline", 20);
}

#[test]
fn who_says_ready_without_a_phone_has_the_page_as_one_or_is_told_what_to_do() {
    if !browsers_available("who_says_ready_without_a_phone_…") {
        return;
    }
    let server = Server::start();
    let mut alice = Browser::start(AGENT_HZ);
    open(&mut alice, &server, "/desk");
    sign_in(&mut alice, "alice", "warmline");
    alice.sees("the desk", 10, "document.querySelector('#state')?.innerText === 'Offline'");
    alice.look(
        "void (window.plugged = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices),
               navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('none', 'NotFoundError')))",
    );
    alice.run("await page.keyboard.press('r')");
    alice.sees(
        "why not, and what to do",
        10,
        "document.querySelector('#state-error').innerText.startsWith('No phone of alice is signed in. Sign') && \
         document.querySelector('#phone-error').innerText.includes('no microphone')",
    );
    assert_eq!(server.agent_state("alice"), "offline");
    for (name, words) in [
        (
            "NotAllowedError",
            "The browser does not let this page use the microphone. Allow it in the address bar",
        ),
        ("NotFoundError", "There is no microphone. Plug one in"),
        (
            "NotReadableError",
            "The microphone cannot be opened: another program may have it. Close that program",
        ),
    ] {
        alice.look(&format!(
            "void (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{name}')))"
        ));
        alice.run("await page.click('#phone-on')");
        let is_told = format!("document.querySelector('#phone-error').innerText.startsWith('{words}')");
        alice.sees(words, 10, &is_told);
    }

    alice.look("void (navigator.mediaDevices.getUserMedia = window.plugged)");
    alice.run("await page.keyboard.press('n')");
    server.wait_for_agent("alice", "not_ready", 5);
    alice.run("await page.keyboard.press('r')");
    alice.sees("the phone is up", 20, "document.querySelector('#phone-state').innerText === 'Phone up'");
    server.wait_for_agent("alice", "ready", 5);
    is_clean(&mut alice);
}

#[test]
fn what_changes_in_a_talk_is_told_aloud_also_while_a_dialog_is_open_which_gives_way_to_a_call() {
    let test = "what_changes_in_a_talk_is_told_aloud_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let mut alice = Browser::start(AGENT_HZ);
    sits_at_the_desk(&mut alice, &server, "alice");
    let empty = changed(&server.get("/api/v1/desk-view?agent=alice"), &json!({ "now": at(0) }));
    let states = states(&ringing_call(&server));
    stages(&mut alice, &server, "/desk", DESK);
    let stage = |alice: &mut Browser, name: &str| {
        let state = states.iter().find(|(one, _)| *one == name).map(|(_, state)| state);
        let view = changed(&empty, &json!({ "calls": state.into_iter().collect::<Vec<_>>() }));
        alice.look(&format!("stage('{DESK}', 'desk', {view})"));
    };
    let told = |alice: &mut Browser, place: &str, words: &str| {
        let is_told = format!("document.querySelector('{place}').textContent.includes('{words}')");
        alice.sees(words, 5, &is_told);
    };
    stage(&mut alice, "no call");
    told(&mut alice, "#announce", "Phone up");
    stage(&mut alice, "talking");
    told(&mut alice, "#announce", "You talk with Ann Meyer");
    alice.run("await page.keyboard.press('m')");
    told(&mut alice, "#announce", "Muted");
    alice.run("await page.keyboard.press('m')");
    told(&mut alice, "#announce", "Not muted");
    stage(&mut alice, "holding-nudged");
    told(&mut alice, "#announce", "The hold is nearly over");
    stage(&mut alice, "holding-late");
    told(&mut alice, "#announce", "You said you would be back by now");
    stage(&mut alice, "consulting");
    told(&mut alice, "#announce", "With bob: you two talk, the caller waits");

    // What stands behind a dialog is read to nobody.
    stage(&mut alice, "holding");
    alice.run("await page.keyboard.press('k')");
    stage(&mut alice, "holding-late");
    told(&mut alice, "#keypad-dialog .announce", "You said you would be back by now");
    alice.run("await page.keyboard.press('Escape')");

    // A call rings while a number is being written, of which nothing is taken for a wish.
    writes_on(&mut alice, 3, |alice| {
        stage(alice, "no call");
        alice.look("void (window.rejected = 0, phone.reject = () => (rejected += 1))");
        alice.run("await page.focus('#place'); await page.keyboard.press('Enter'); await page.fill('#place-number', '')");
        alice.run("await page.keyboard.type('+1202555')");
        stage(alice, "ringing");
        assert_eq!(alice.look("document.querySelector('#place-dialog').open"), false);
        alice.run("await page.keyboard.type('0d')");
    });
    told(&mut alice, "#announce", "Rings for you Ann Meyer");
    assert_eq!(alice.look("rejected"), 0);
    stage(&mut alice, "no call");
    alice.run("await page.focus('#place'); await page.keyboard.press('Enter')");
    assert_eq!(alice.look("document.querySelector('#place-number').value"), "+1202555");
}
