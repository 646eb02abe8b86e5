//! The pages in a real browser: signing in, the desk by keyboard alone, the wallboard's figures, and what no page does.

use serde_json::Value;
use serde_json::json;

use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tools::available;
use crate::tools::within;

/// Opens a page, and from now on notes what it asks of others, and what the browser complains about.
pub fn open(browser: &mut Browser, server: &Server, path: &str) {
    browser.run(&format!(
        "if (!page.noted) {{
           page.noted = true;
           state.elsewhere = [];
           page.on('request', (request) => {{
             if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith('{web}/')) {{
               state.elsewhere.push(request.url());
             }}
           }});
         }}
         await page.goto('{web}{path}');
         await page.waitForLoadState('load')",
        web = server.web()
    ));
}

/// Signs in by keyboard alone, as the page lets a person who has just opened it.
pub fn sign_in(browser: &mut Browser, name: &str, password: &str) {
    browser.run(&format!(
        "await page.waitForFunction(() => document.activeElement?.id === 'name');
         await page.keyboard.press('Control+A');
         await page.keyboard.type('{name}');
         await page.keyboard.press('Tab');
         await page.keyboard.type('{password}');
         await page.keyboard.press('Enter')"
    ));
}

/// Nothing was asked of another server, and the browser had to forbid nothing.
pub fn is_clean(browser: &mut Browser) {
    assert_eq!(browser.run("return state.elsewhere"), json!([]), "asked elsewhere");
    let complaints = "return state.console.filter((line) => /Content Security|Error:|Refused/.test(line))";
    assert_eq!(browser.run(complaints), json!([]));
}

pub fn text(browser: &mut Browser, element: &str) -> String {
    let text = browser.look(&format!("document.querySelector('{element}').innerText"));
    text.as_str().unwrap_or_default().to_owned()
}

/// Figures as a page gives them back: 1.0 is 1 there.
fn as_javascript(figures: &Value) -> Value {
    let figures = figures.as_object().expect("figures by name").iter();
    let one = |(name, figure): (&String, &Value)| {
        let whole = figure.as_f64().filter(|figure| figure.fract() == 0.0);
        (name.clone(), whole.map_or(figure.clone(), |whole| json!(whole as i64)))
    };
    Value::Object(figures.map(one).collect())
}

#[test]
fn an_agent_signs_in_takes_a_call_and_ends_it_by_keyboard_alone() {
    if !browsers_available("an_agent_signs_in_…") || !available("an_agent_signs_in_…", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let mut alice = Browser::start(AGENT_HZ);
    open(&mut alice, &server, "/desk");
    sign_in(&mut alice, "alice", "warmlime");
    alice.sees("why not", 10, "document.querySelector('[role=alert]')?.innerText.includes('do not fit')");
    alice.run("await page.keyboard.press('Shift+Tab')");
    sign_in(&mut alice, "alice", "warmline");
    alice.sees("the desk", 10, "document.querySelector('#state')?.innerText === 'Offline'");

    alice.run("await page.focus('#phone-on'); await page.keyboard.press('Enter')");
    alice.sees("the phone is up", 20, "document.querySelector('#phone-state').innerText === 'Phone up'");
    server.wait_for_agent("alice", "ready", 5);
    // The focus is no more at the button by which the phone would be stopped now.
    assert_eq!(alice.look("document.activeElement.id"), "main");
    alice.run("await page.keyboard.press('Enter')");
    assert_eq!(text(&mut alice, "#phone-state"), "Phone up");
    alice.run("await page.keyboard.press('n')");
    server.wait_for_agent("alice", "not_ready", 5);
    alice.run("await page.keyboard.press('r')");
    server.wait_for_agent("alice", "ready", 5);

    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    alice.sees("it rings", 20, "document.querySelector('#doing').innerText === 'Rings for you'");
    assert_eq!(text(&mut alice, "#caller"), STRANGER, "who calls, before picking up");
    assert!(text(&mut alice, "#facts").contains("support"));
    alice.run("await page.keyboard.press('Enter')");
    alice.hears("phone", CALLER_HZ, 10);
    within(10, "the agent is heard", || (caller.line.heard(AGENT_HZ) >= 1.0).then_some(()));
    alice.run("await page.keyboard.press('m')");
    alice.sees("muted", 5, "document.querySelector('#mute').ariaPressed === 'true'");
    alice.sees("so in words", 5, "document.querySelector('#muted').checkVisibility()");
    alice.run("await page.reload()");
    alice.sees(
        "the phone is up again",
        20,
        "document.querySelector('#phone-state')?.innerText === 'Phone up'",
    );
    alice.hears("phone", CALLER_HZ, 10);
    alice.sees("still muted", 10, "phone.muted && document.querySelector('#mute').ariaPressed === 'true'");
    hangs_up_by_key(&mut alice);
    caller.ends_well(10);
    alice.sees("wrap-up", 5, "document.querySelector('#wrap-title').checkVisibility()");
    server.wait_for_agent("alice", "wrap_up", 5);
    alice.run("await page.keyboard.press('1'); await page.keyboard.press('Control+Enter')");
    alice.sees("what is missing", 5, "document.activeElement.id === 'reason-code'");
    alice.run("await page.keyboard.type('refund'); await page.keyboard.press('Control+Enter')");
    alice.sees("saved", 5, "document.querySelector('#wrap-saved').innerText === 'Saved.'");
    is_clean(&mut alice);
    alice.run("await page.click('text=Sign out')");
    alice.sees("the door again", 10, "document.querySelector('#password') !== null");
    server.is_left_clean();
}

/// Sits down at the desk page, with the page as the phone.
pub fn sits_at_the_desk(browser: &mut Browser, server: &Server, agent: &str) {
    open(browser, server, "/desk");
    sign_in(browser, agent, "warmline");
    browser.sees("the desk", 10, "document.querySelector('#state')?.innerText === 'Offline'");
    browser.run("await page.click('#phone-on')");
    browser.sees("the phone is up", 20, "document.querySelector('#phone-state').innerText === 'Phone up'");
    server.wait_for_agent(agent, "ready", 5);
}

/// Hangs up by its key: once more when the page asks for it.
pub fn hangs_up_by_key(browser: &mut Browser) {
    browser.run(
        "do {
           await page.keyboard.press('e');
         } while (!(await page.innerText('#hang-up')).includes('again'));
         await page.keyboard.press('e')",
    );
}

/// Does `write`, again where this machine was so busy that its last so many keys came with a pause between them: to the desk,
/// who pauses writes no more.
pub fn writes_on(browser: &mut Browser, keys: usize, mut write: impl FnMut(&mut Browser)) {
    browser.look(
        "(() => {
            window.pressed = [];
            addEventListener('keydown', ({ timeStamp }) => pressed.push(timeStamp), { capture: true });
        })()",
    );
    let longest_pause = format!(
        "(() => {{
            const last = pressed.slice(-{keys});
            return Math.max(...last.slice(1).map((at, place) => at - last[place]));
        }})()"
    );
    for _ in 0..20 {
        write(browser);
        if browser.look(&longest_pause).as_f64().expect("several keys") < 700.0 {
            return;
        }
    }
    panic!("this machine is too busy to write {keys} keys on end");
}

/// Alice's browser, in which she has picked up a call to support, and who calls.
pub fn alice_takes_a_call(server: &Server) -> (Browser, Sipp) {
    let mut alice = Browser::start(AGENT_HZ);
    sits_at_the_desk(&mut alice, server, "alice");
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    does(&mut alice, "Rings for you");
    alice.run("await page.click('#pick-up')");
    (alice, caller)
}

/// Waits until the card says what the agent is doing.
pub fn does(browser: &mut Browser, doing: &str) {
    browser.sees(doing, 20, &format!("document.querySelector('#doing').innerText === '{doing}'"));
}

#[test]
fn a_caller_is_held_and_handed_over_from_desk_to_desk_with_a_note_in_five_actions() {
    let test = "a_caller_is_held_and_handed_over_from_desk_to_desk_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let (mut alice, caller) = alice_takes_a_call(&server);
    alice.hears("phone", CALLER_HZ, 10);

    // The caller says no: a callback may be offered. Then they agree, and a note is spoken while they are held.
    alice.run("await page.click('#hold'); await page.click('#hold-dialog button[value=refused]')");
    alice.sees("a callback is offered", 10, "document.querySelector('#call-back').checkVisibility()");
    // Enter on the reason is nobody's yes.
    alice.run("await page.click('#hold'); await page.keyboard.press('Enter')");
    assert_eq!(alice.look("document.querySelector('#hold-dialog').open"), json!(true));
    alice.run("await page.keyboard.press('Control+Enter')");
    does(&mut alice, "On hold");
    let story = server.story_with(&caller.sip_call_id, "hold_started", 5);
    let answers = story.all("hold_answered");
    assert_eq!((&answers[0]["answer"], &answers[1]["answer"]), (&json!("no"), &json!("yes")));
    alice.run("await page.evaluate(() => document.activeElement.blur()); await page.keyboard.press('s')");
    alice.sees("how loud she is", 20, "Number(document.querySelector('#speak-level').ariaValueNow) > 0");
    alice.sees(
        "two seconds are over",
        20,
        "/0:1[0-7] left/.test(document.querySelector('#speak-words').innerText)",
    );
    alice.run("await page.keyboard.press('s')");
    alice.sees(
        "the note",
        10,
        "document.querySelector('#speak-words').innerText.startsWith('A spoken note of')",
    );
    alice.run("await page.click('#resume')");
    does(&mut alice, "You talk with");
    alice.hears("phone", CALLER_HZ, 10);

    // Nothing was asked of the caller by a flow. Alice asks by one thing, which does not fit, then by another.
    let verified = |desk: &mut Browser, words: &str| {
        desk.sees(words, 10, &format!("document.querySelector('#facts').innerText.includes('{words}')"));
    };
    verified(&mut alice, "Verified\\nno");
    alice.run("await page.evaluate(() => document.activeElement.blur()); await page.keyboard.press('v')");
    // Nothing is said for her: by what, and whether it fitted, are each a choice of hers.
    alice.run("await page.keyboard.press('Enter')");
    alice.run("await page.check('#verify-dialog [value=birth_date]'); await page.keyboard.press('Enter')");
    assert_eq!(alice.look("document.querySelector('#verify-dialog').open"), json!(true));
    alice.run("await page.click('#verify-dialog button[value=failed]')");
    verified(&mut alice, "not by alice, date of birth, ");
    alice.run("await page.click('#verify'); await page.check('#verify-dialog [value=document]')");
    alice.run("await page.click('#verify-dialog button[value=passed]')");
    verified(&mut alice, "\\nby alice, document, ");

    alice.run("await page.click('#consult')");
    alice.sees("the dialog", 10, "document.querySelector('#consult-dialog').open");
    alice.sees("nobody who can help is ready", 10, "document.querySelector('#target').value === ''");
    alice.run("await page.keyboard.press('Escape')");

    // Consult, whom, what about, what is wanted, send: five actions of the sender.
    let mut bob = Browser::start(COLLEAGUE_HZ);
    sits_at_the_desk(&mut bob, &server, "bob");
    server.wait_for_agent("bob", "ready", 20);
    alice.run("await page.click('#consult')");
    alice.sees("who can is proposed", 10, "document.querySelector('#target').value === 'agent bob'");
    alice.run("await page.selectOption('#target', 'agent bob')");
    alice.run("await page.fill('#issue', 'boiler leaks since noon')");
    alice.run("await page.fill('#wants', 'somebody today')");
    alice.run("await page.click('#consult-dialog button[value=agreed]')");
    does(&mut bob, "alice asks for your help");
    verified(&mut bob, "\\nby alice, document, ");
    let note = text(&mut bob, "#consult-note");
    assert!(note.contains("boiler leaks since noon") && note.contains("somebody today"), "{note}");
    bob.run("await page.click('#acknowledge')");
    bob.hears("phone", AGENT_HZ, 10);
    alice.hears("phone", COLLEAGUE_HZ, 10);
    alice.run("await page.click('#complete')");
    bob.hears("phone", CALLER_HZ, 10);
    within(10, "bob is heard", || (caller.line.heard(COLLEAGUE_HZ) >= 1.0).then_some(()));
    alice.sees("wrap-up", 5, "document.querySelector('#wrap-title').checkVisibility()");
    let story = server.story_with(&caller.sip_call_id, "transferred", 5);
    let place = |fact| story.kinds().iter().position(|kind| *kind == fact).expect("told");
    assert!(place("note_acknowledged") < place("transferred"));
    // What alice was shown went along, and the history and its list of calls have it.
    verified(&mut bob, "\\nby alice, document, ");
    let words = story.all("agent_verified");
    let word = |word: &&Value| (word["method"].clone(), word["passed"].clone());
    assert_eq!(
        words.iter().map(word).collect::<Vec<_>>(),
        [(json!("birth_date"), json!(false)), (json!("document"), json!(true)),]
    );
    let call = server.get(&format!("/api/v1/calls/{}", story.id()));
    let by_alice = json!({ "agent": "alice", "method": "document", "passed": true });
    assert_eq!((&call["call"]["verified_by_agent"], &call["call"]["identity"]), (&by_alice, &Value::Null));
    assert_eq!(story.only("consult_started")["note"]["identity"]["by_agent"], by_alice);

    // What came of it is written down, and whoever has the call ends it.
    alice.run("await page.check('#outcomes [value=escalated]'); await page.fill('#reason-code', 'repair')");
    alice.run("await page.click('#wrap-up [type=submit]')");
    let story = server.story_with(&caller.sip_call_id, "outcome_set", 5);
    assert_eq!(story.only("outcome_set")["outcome"], "escalated");
    alice.run("await page.click('#wrap-done')");
    server.wait_for_agent("alice", "ready", 10);
    bob.run("await page.click('#hang-up')");
    caller.ends_well(10);

    // One calls the other, by keyboard and by name.
    bob.run("await page.click('#wrap-done')");
    server.wait_for_agent("bob", "ready", 10);
    alice.run("await page.evaluate(() => document.activeElement.blur()); await page.keyboard.press('p')");
    alice.run("await page.focus('[aria-label=\"Call bob\"]')");
    alice.run("await page.keyboard.press('Enter')");
    does(&mut bob, "Calls you");
    assert_eq!(text(&mut bob, "#caller"), "alice");
    bob.run("await page.click('#pick-up')");
    bob.hears("phone", AGENT_HZ, 10);
    alice.hears("phone", COLLEAGUE_HZ, 10);
    alice.run("await page.click('#hang-up')");
    bob.sees("the talk is over", 10, "!document.querySelector('#call').checkVisibility()");
    is_clean(&mut alice);
    is_clean(&mut bob);
    server.is_left_clean();
}

#[test]
fn the_wallboard_shows_the_figures_of_the_api_and_of_the_history() {
    if !browsers_available("the_wallboard_shows_…") || !available("the_wallboard_shows_…", &["sipp"]) {
        return;
    }
    let server = Server::start();
    server.set_agent("bob", "not_ready");
    let mut sam = Browser::start(AGENT_HZ);
    open(&mut sam, &server, "/wallboard");
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_leaves", 15_000);
    sam.sees(
        "who waits",
        10,
        &format!("document.querySelector('#waiting').innerText.includes('{STRANGER}')"),
    );
    let why = text(&mut sam, "#waiting");
    assert!(why.contains("bob is not ready"), "{why}");
    let figure =
        |name: &str| format!("document.querySelector('[aria-label=\"Queue support\"] {name}').innerText");
    assert_eq!(sam.look(&figure(".trio span")), "1");
    caller.ends_well(30);
    sam.sees("nobody waits", 10, "document.querySelector('#nobody').checkVisibility()");

    let board = server.get("/api/v1/wallboard");
    let support = board["queues"].as_array().expect("queues").iter().find(|queue| queue["name"] == "support");
    let today = &support.expect("support")["today"];
    let shown = sam.look("board().queues.find(({ name }) => name === 'support').today");
    assert_eq!(shown, as_javascript(today), "the page has what the API has");
    assert_eq!(today["abandoned"], 1);
    let answered = format!("{} of {}", today["answered"], today["joined"]);
    assert_eq!(sam.look(&figure(".trio.small b")), Value::String(answered), "and shows it");
    let calls = server.get("/api/v1/calls");
    let in_support = |call: &&Value| call["queue"] == "support";
    let joined = calls["calls"].as_array().expect("calls").iter().filter(in_support).count();
    assert_eq!(today["joined"], json!(joined), "the history tells the same");

    // Whoever is at a caller's button stays at that caller's, whatever they are called; or at the page, when the caller is gone.
    let held = sam.run(
        "return page.evaluate(async () => {
           const { make, redraw } = await import('/web/base.js');
           const list = make('div');
           document.querySelector('main').append(list);
           const button = (call) => make('button', { 'data-key': `act ${call}`, 'aria-label': 'Act on withheld' });
           const draw = (...calls) => redraw(list, calls, () => calls.map(button));
           draw(1, 2);
           list.lastChild.focus();
           draw(1, 3, 2);
           const stays = document.activeElement.dataset.key;
           draw(1, 3);
           const { id } = document.activeElement;
           list.remove();
           return [stays, id];
         })",
    );
    assert_eq!(held, json!(["act 2", "main"]));
    is_clean(&mut sam);
}

#[test]
fn keys_that_are_typed_on_the_callers_page_reach_the_flow_and_stand_in_no_field() {
    if !browsers_available("keys_that_are_typed_on_the_callers_page_…") {
        return;
    }
    let server = Server::start();
    let mut caller = Browser::start(CALLER_HZ);
    open(&mut caller, &server, "/call");
    assert_eq!(caller.look("document.activeElement.id"), "number", "it is dialled at once");
    caller.run(
        "await page.keyboard.press('Control+A'); await page.keyboard.type('1000');
         await page.keyboard.press('Enter')",
    );
    let call = caller.is_talking();
    assert_eq!(caller.look("document.activeElement.id"), "keys");
    caller.run("await page.keyboard.type('100200#4711#', { delay: 50 })");
    let story = server.story_of(call, "verification_ended", 20);
    assert_eq!(story.only("verification_ended")["result"], "verified_by_pin");
    // Nor where the focus is at the number.
    caller.run("await page.focus('#number'); await page.keyboard.press('1')");
    assert_eq!(server.story_of(call, "chose", 20).only("chose")["digit"], "1");
    assert_eq!(caller.look("document.querySelector('#number').value"), "1000");
    caller.run("await page.click('#stop'); await page.fill('#number', '1001')");
    server.never_wrote("4711");
    is_clean(&mut caller);
}

#[test]
fn the_history_says_when_there_is_no_such_call_and_names_days_by_their_date() {
    let test = "the_history_says_when_there_is_no_such_call_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let mut sam = Browser::start(AGENT_HZ);
    let told = [("9999", "There is no call 9999"), ("abc", "A call has a number, which “abc” is not")];
    for (id, says) in told {
        open(&mut sam, &server, "/");
        open(&mut sam, &server, &format!("/history#{id}"));
        let story = format!("document.querySelector('#story-empty')?.innerText === '{says}.'");
        sam.sees("that there is no such call", 10, &story);
    }
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    server.story_with(&caller.sip_call_id, "wait_ended", 20);
    sam.run(
        "await page.click('#service summary'); await page.selectOption('#service-every', '1d');
         await page.click('#service-ask button[type=submit]')",
    );
    sam.sees(
        "today by its date",
        10,
        "[...document.querySelectorAll('#service-rows td:first-child')].some(({ innerText }) =>
            innerText === new Intl.DateTimeFormat([], { weekday: 'short', day: 'numeric', month: 'short' }).format(new Date()))",
    );
    is_clean(&mut sam);
}
