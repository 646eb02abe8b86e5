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
use crate::tools::available;
use crate::tools::within;

const PAGES: [&str; 6] = ["/", "/desk", "/wallboard", "/history", "/flows", "/call"];

/// Opens a page, and from now on notes what it asks of others, and what the browser complains about.
fn open(browser: &mut Browser, server: &Server, path: &str) {
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
fn sign_in(browser: &mut Browser, name: &str, password: &str) {
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
fn is_clean(browser: &mut Browser) {
    assert_eq!(browser.run("return state.elsewhere"), json!([]), "asked elsewhere");
    let complaints = "return state.console.filter((line) => /Content Security|Error:|Refused/.test(line))";
    assert_eq!(browser.run(complaints), json!([]));
}

fn text(browser: &mut Browser, element: &str) -> String {
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
    alice.run("await page.evaluate(() => document.activeElement.blur())");
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
    alice.run("await page.keyboard.press('e')");
    caller.ends_well(10);
    alice.sees("wrap-up", 5, "document.querySelector('#wrap-title').checkVisibility()");
    server.wait_for_agent("alice", "wrap_up", 5);
    is_clean(&mut alice);
    alice.run("await page.click('text=Sign out')");
    alice.sees("the door again", 10, "document.querySelector('#password') !== null");
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
    is_clean(&mut sam);
}

#[test]
fn no_page_asks_elsewhere_or_is_hard_to_use() {
    if !browsers_available("no_page_asks_elsewhere_…") {
        return;
    }
    let server = Server::start();
    let mut anybody = Browser::start(AGENT_HZ);
    for path in PAGES {
        open(&mut anybody, &server, path);
        anybody.sees("a heading", 10, "document.querySelector('h1') !== null");
        for scheme in ["light", "dark"] {
            let found = anybody.run(&format!(
                "await page.emulateMedia({{ colorScheme: '{scheme}' }});
                 const {{ readFileSync }} = await import('node:fs');
                 const axe = readFileSync(new URL('node_modules/axe-core/axe.min.js', state.folder), 'utf8');
                 await page.evaluate(axe);
                 const {{ violations }} = await page.evaluate(() => window.axe.run({{
                   runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
                 }}));
                 return violations.map(({{ id, nodes }}) => `${{id}}: ${{nodes.map(({{ target }}) => target)}}`)"
            ));
            assert_eq!(found, json!([]), "{path}, {scheme}");
        }
    }
    is_clean(&mut anybody);
}
