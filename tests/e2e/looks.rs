//! How every page looks in every state: kept as pictures on three screens in light and dark, and nothing that axe-core
//! finds, nothing wider than the screen, nothing that jumps.

use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::pages::is_clean;
use crate::pages::open;
use crate::pages::sign_in;
use crate::pages::sits_at_the_desk;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tools::available;
use crate::tools::within;

/// Where the pictures are, in the build folder.
const PICTURES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/pictures");

/// What the desk and the wallboard follow.
pub const DESK: &str = "/api/v1/desk-view/events";
const BOARD: &str = "/api/v1/wallboard/events";

/// What is wrong with how pages look.
#[derive(Default)]
struct Looks(Vec<String>);

impl Looks {
    /// Looks at the page as it is.
    fn at(&mut self, browser: &mut Browser, name: &str) {
        let problems = browser.run(&format!("return state.look(page, '{name}', {})", json!(PICTURES)));
        let problems = problems.as_array().expect("a list").iter();
        self.0.extend(problems.map(|problem| problem.as_str().unwrap_or_default().to_owned()));
    }

    fn are_good(self) {
        assert_eq!(self.0, Vec::<String>::new());
    }
}

/// `base` with what `change` says in its place, level by level. Only what the server sends can be changed.
pub fn changed(base: &Value, change: &Value) -> Value {
    match (base, change) {
        (Value::Object(base), Value::Object(change)) => {
            let unknown = change.keys().find(|key| !base.contains_key(*key));
            assert_eq!(unknown, None, "the server sends no such thing");
            let mut merged = base.clone();
            for (key, change) in change {
                let was = base.get(key).unwrap_or(&Value::Null);
                merged.insert(key.clone(), changed(was, change));
            }
            Value::Object(merged)
        }
        _ => change.clone(),
    }
}

/// A moment as the server writes it, so many seconds from the test's midday.
pub fn at(seconds: i64) -> String {
    let (hours, rest) = ((43_200 + seconds) / 3_600, (43_200 + seconds) % 3_600);
    format!("2026-11-26T{hours:02}:{:02}:{:02}Z", rest / 60, rest % 60)
}

/// What the server says of a call that rings at alice's desk, for the stage to begin with.
pub fn ringing_call(server: &Server) -> Value {
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let call = within(20, "the call is on the desk", || {
        let desk = server.get("/api/v1/desk-view?agent=alice");
        desk["calls"].as_array().and_then(|calls| calls.first().cloned())
    });
    drop(caller);
    call
}

fn ann() -> Value {
    json!({
        "caller": { "name": "Ann Meyer", "number": "+12025550143", "account": "100200" },
        "queue": "support",
        "verified": { "how": "pin", "at": at(-95) },
        "identity": "verified_by_pin", "level": 2,
        "chose": ["repairs", "boiler"],
        "collected": [{ "name": "order_number", "value": "48 213" }],
        "waiting_since": at(-41), "waited_s": null, "quoted_s": 120, "since": at(-4),
        "timeline": [
            { "at": at(-120), "text": "calls 1000 from +12025550143" },
            { "at": at(-95), "text": "verified by PIN as Ann Meyer, account 100200" },
            { "at": at(-60), "text": "chose repairs" },
            { "at": at(-41), "text": "waits for support; agreed to hold for up to 2 minutes" },
            { "at": at(-4), "text": "rings at alice" },
        ],
        "escalation": escalation(None, "senior", &["a refund", "a complaint"]),
        "owed": [promise("alice", "answer", "what the valve costs", 5_400, "open"),
                 promise("bob", "callback", "when the technician comes", -600, "overdue")],
        "before": [
            { "call": 812, "at": "2026-11-25T15:04:00Z", "queue": "support", "agent": "bob", "outcome": "promised",
              "note": "Boiler leaks at the valve. Bob promised a technician before noon on Thursday." },
            { "call": 640, "at": "2026-11-12T09:30:00Z", "queue": "billing", "agent": "carol", "outcome": "resolved",
              "note": "" },
        ],
    })
}

/// Where an escalation is, and what is next.
fn escalation(level: Option<&str>, next: &str, when: &[&str]) -> Value {
    let promise = json!({ "kind": "callback", "within_s": 14_400, "words": "the team lead calls back" });
    json!({ "level": level, "promise": level.map(|_| promise), "next": next, "next_asks": "queue billing",
            "next_when": when })
}

fn member(who: &str, since: i64, muted: bool, gain_db: i8) -> Value {
    json!({ "who": who, "since": at(since), "muted": muted, "gain_db": gain_db })
}

fn promise(owner: &str, kind: &str, words: &str, due: i64, state: &str) -> Value {
    json!({ "id": 5, "call": 812, "owner": owner, "kind": kind, "words": words, "number": "+12025550143",
            "name": "Ann Meyer", "account": "100200", "queue": "support", "made": at(-9_000), "due": at(due),
            "state": state, "reminded": due < 900, "settled": null, "settled_by": null, "settled_words": "" })
}

fn note(author: &str) -> Value {
    json!({
        "issue": "Boiler leaks since noon, the valve was closed by phone", "tried": "closed the main valve",
        "wants": "somebody today", "mood": "angry", "promises": "a call back before 14:00", "author": author,
        "written": at(-20),
    })
}

/// The states of a call on alice's desk, by name.
pub fn states(ringing: &Value) -> Vec<(&'static str, Value)> {
    let ann = changed(ringing, &ann());
    let talk = json!({ "phase": "talking", "since": at(-130), "waiting_since": null, "waited_s": 37.0,
        "recording": { "since": at(-128), "pause": null } });
    let talking = changed(&ann, &talk);
    let with = |change: Value| changed(&talking, &change);
    let consult = |phase: &str, acknowledged: bool, author: &str| json!({ "with": "bob", "phase": phase, "acknowledged": acknowledged, "note": note(author), "adds": false });
    let adds = |with: &str, author: &str| json!({ "with": with, "phase": "ringing", "acknowledged": false, "note": note(author), "adds": true });
    let members = json!([member("bob", -95, false, 0), member("+12025550199", -40, true, -6)]);
    let hold = |nudge: bool, alarm: bool, until: i64| {
        json!({ "reason": "looking up the invoice", "since": at(-30), "until": at(until), "nudge": nudge,
                "alarm": alarm })
    };
    let pause = json!({ "reason": "card or bank details", "since": at(-20), "until": at(280) });
    vec![
        ("ringing", ann.clone()),
        ("ringing-unknown", changed(ringing, &json!({ "since": at(-4), "waiting_since": at(-12) }))),
        ("talking", talking.clone()),
        (
            "verified-by-agent",
            with(json!({ "verified": null, "identity": "locked_out", "level": 1, "verified_by_agent": {
                "agent": "alice", "method": "security_question", "passed": true, "at": at(-60),
            } })),
        ),
        ("recording-paused", with(json!({ "recording": { "pause": pause } }))),
        (
            "asking",
            with(json!({ "phase": "asking_hold", "asking": { "reason": "the invoice", "quote_s": 60 } })),
        ),
        ("holding", with(json!({ "phase": "holding", "hold": hold(false, false, 42) }))),
        ("holding-nudged", with(json!({ "phase": "holding", "hold": hold(true, false, 12) }))),
        (
            "holding-spoken",
            with(json!({ "phase": "holding", "hold": hold(false, false, 42), "spoken_note_s": 12.0 })),
        ),
        ("holding-late", with(json!({ "phase": "holding", "hold": hold(true, true, -5) }))),
        (
            "consult-ringing",
            with(json!({ "phase": "consulting", "consult": consult("ringing", false, "alice") })),
        ),
        ("consulting", with(json!({ "phase": "consulting", "consult": consult("private", true, "alice") }))),
        (
            "conference",
            with(json!({ "phase": "conference", "consult": consult("conference", true, "alice") })),
        ),
        ("refused-hold", with(json!({ "offer_callback": true }))),
        ("caller-away", with(json!({ "caller_away": true }))),
        ("adding", with(json!({ "agent": "alice", "consult": adds("bob", "alice") }))),
        (
            "conference-of-four",
            with(
                json!({ "agent": "alice", "phase": "conference", "members": members, "caller": { "gain_db": 3 },
                         "consult": adds("carol", "alice") }),
            ),
        ),
        (
            "added",
            with(json!({ "agent": "carol", "phase": "conference", "role": "consulted", "recording": null,
                         "members": [member("alice", -60, true, 0), member("bob", -10, false, 0)] })),
        ),
        ("asked-to-join", changed(&ann, &json!({ "role": "consulted", "consult": adds("alice", "carol") }))),
        ("escalated", with(json!({ "escalation": escalation(Some("lead"), "manager", &[]) }))),
        (
            "misrouted",
            with(json!({ "misrouted": { "belongs": "sales", "reason": "asks what a new boiler costs" } })),
        ),
        ("handed-on", with(json!({ "notes": [note("dave"), note("bob")] }))),
        ("asked-to-listen", with(json!({ "asks_to_listen": ["bob"], "listeners": ["dora"] }))),
        ("supervising", with(json!({ "role": "supervisor", "mode": "whisper", "recording": null }))),
        (
            "consulted",
            changed(
                &ann,
                &json!({ "role": "consulted",
                         "consult": changed(&consult("ringing", false, "carol"), &json!({ "with": "alice" })) }),
            ),
        ),
        ("calling-out", with(json!({ "phase": "calling_out", "direction": "outbound" }))),
        ("wrap-up", with(json!({ "phase": "wrap_up", "recording": null, "outcome_missing": true }))),
    ]
}

/// Goes to a page that shows what is laid before it in place of these events.
pub fn stages(browser: &mut Browser, server: &Server, path: &str, events: &str) {
    browser.run("if (!page.staged) { page.staged = true; await page.addInitScript(state.staging) }");
    open(browser, server, path);
    browser.sees("a stage", 20, &format!("isStaged('{events}')"));
}

#[test]
fn the_desk_looks_good_in_every_state() {
    let test = "the_desk_looks_good_in_every_state";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let mut looks = Looks::default();
    let mut alice = Browser::start(AGENT_HZ);
    open(&mut alice, &server, "/desk");
    alice.sees("the door", 10, "document.querySelector('#password') !== null");
    looks.at(&mut alice, "desk-door");
    sign_in(&mut alice, "alice", "warmlime");
    alice.sees("why not", 10, "document.querySelector('[role=alert]')?.checkVisibility()");
    looks.at(&mut alice, "desk-wrong-password");
    sits_at_the_desk(&mut alice, &server, "alice");
    let empty =
        changed(&server.get("/api/v1/desk-view?agent=alice"), &json!({ "since": at(-300), "now": at(0) }));
    let states = states(&ringing_call(&server));

    // The phone in the page is as real as ever; it is taken up again by itself.
    stages(&mut alice, &server, "/desk", DESK);
    let shows = |alice: &mut Browser, change: Value| {
        let view = changed(&empty, &change);
        alice.look(&format!("stage('{DESK}', 'desk', {view})"));
    };
    shows(&mut alice, json!({}));
    alice.sees("the phone is up", 20, "document.querySelector('#phone-state').innerText === 'Phone up'");
    looks.at(&mut alice, "desk-ready");
    let promises = [
        promise("alice", "callback", "whether the part has come", -120, "overdue"),
        promise("alice", "answer", "what the valve costs", 600, "open"),
        promise("alice", "callback", "", 40_000, "open"),
    ];
    let talks = |id: &str, since| json!({ "id": id, "call": 7, "state": "talking", "since": at(since) });
    answers(&mut alice, "/api/v1/agents", &json!({ "agents": [talks("bob", -75), talks("carol", -320)] }));
    let away =
        json!({ "state": "not_ready", "reason": "lunch", "promises": promises, "learns_from": ["carol"] });
    shows(&mut alice, away);
    alice.sees("who talks", 10, "document.querySelector('#colleagues').children.length === 2");
    looks.at(&mut alice, "desk-not-ready");
    let to = |phase: &str| json!({ "call": 7, "agent": "bob", "phase": phase, "since": at(-75) });
    for (name, phase) in [("desk-asks-to-listen", "asking"), ("desk-listening", "listening")] {
        shows(&mut alice, json!({ "state": "not_ready", "reason": "training", "listening_to": to(phase) }));
        looks.at(&mut alice, name);
    }
    shows(&mut alice, json!({ "state": "reserved", "since": at(-9) }));
    looks.at(&mut alice, "desk-reserved");
    for (name, call) in &states {
        let state = match *name {
            "wrap-up" => "wrap_up",
            "ringing" | "ringing-unknown" | "consulted" | "asked-to-join" => "ringing",
            _ => "talking",
        };
        let until = (*name == "wrap-up").then(|| at(24));
        shows(&mut alice, json!({ "state": state, "until": until, "calls": [call] }));
        looks.at(&mut alice, &format!("desk-{name}"));
        let dialogs: &[&str] = match *name {
            "talking" => &["hold", "pause", "consult", "keypad", "place", "escalate"],
            "verified-by-agent" => &["verify"],
            "handed-on" => &["repeat"],
            "misrouted" => &["misrouted-more"],
            "consulting" => &["amend"],
            _ => &[],
        };
        for dialog in dialogs {
            alice.run(&format!("await page.click('#{dialog}')"));
            // The same dialog writes a note and changes it; another has a button of more words.
            let opens = match *dialog {
                "amend" => "consult",
                "misrouted-more" => "misrouted",
                dialog => dialog,
            };
            alice.sees("the dialog", 10, &format!("document.querySelector('#{opens}-dialog').open"));
            looks.at(&mut alice, &format!("desk-{dialog}-dialog"));
            alice.run("await page.keyboard.press('Escape')");
        }
    }
    // A call rings while the outcome of the one before is being written: nothing of it is lost, or taken for a wish.
    let next = states[0].1.as_object().map(|call| {
        let mut next = call.clone();
        next.insert("call".to_owned(), json!(9_999));
        Value::Object(next)
    });
    let rings = changed(&empty, &json!({ "state": "ringing", "calls": [next] }));
    let went_on = alice.look(&format!(
        "(() => {{
            const note = document.querySelector('#outcome-note');
            const press = (element, key) => element.dispatchEvent(new KeyboardEvent('keydown', {{ key, bubbles: true }}));
            const rejected = [];
            phone.reject = (call) => rejected.push(call);
            note.focus();
            press(note, 'e');
            note.value = 'closed the';
            note.dispatchEvent(new Event('input', {{ bubbles: true }}));
            stage('{DESK}', 'desk', {rings});
            press(document.body, 'd');
            return [rejected.length, document.querySelector('#doing').innerText];
        }})()"
    ));
    assert_eq!(went_on, json!([0, "Rings for you"]));
    looks.at(&mut alice, "desk-ringing-unsaved");
    alice.run("await page.click('#chips button:has-text(\"not saved\")')");
    alice.sees("what was written", 10, "document.querySelector('#outcome-note').value === 'closed the'");
    looks.at(&mut alice, "desk-unsaved");
    alice.look("unstage()");
    looks.at(&mut alice, "desk-cut-off");
    is_clean(&mut alice);
    looks.are_good();
}

/// Tries flows with other words on a tenth of the callers; the version that it is.
fn tries_other_words(server: &Server) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr_flows");
    let entries = fs::read_dir(folder).expect("the demo center").map(|entry| entry.expect("an entry").path());
    let texts = entries.filter(|path| path.is_file()).map(|path| {
        let text = fs::read_to_string(&path).expect("a flow").replace("goodbye said", "all said");
        (path.file_name().expect("a name").to_string_lossy().into_owned(), json!(text))
    });
    let files = Value::Object(texts.collect());
    let body = json!({ "why": "new words", "canary": { "share": 10 }, "files": files }).to_string();
    let (status, _) = server.ask("POST", "/api/v1/flows/publish", Some(&body)).expect("the server answers");
    assert_eq!(status, 200);
    server.get("/api/v1/flows/versions")["canary"]["version"].clone()
}

/// Has the page get `answer` from this path in place of what the server has.
fn answers(browser: &mut Browser, path: &str, answer: &Value) {
    let told = json!(answer.to_string());
    let pattern = json!(format!("{}(\\?.*)?$", path.replace('/', "\\/")));
    browser.run(&format!(
        "await page.route(new RegExp({pattern}), (route) => route.fulfill({{ json: JSON.parse({told}) }}))"
    ));
}

/// What callers left to be done: one who is known, and one whose voice is gone.
fn messages() -> Value {
    let message = |id: u64, number: &str, name: Option<&str>, left: i64, audio: bool| {
        json!({ "id": id, "call": 640 + id, "queue": "support", "number": number, "name": name, "account": null,
                "left": at(left), "length_s": 12.5, "audio": audio, "handled": null, "handled_by": null, "handled_words": "" })
    };
    let messages =
        [message(1, "+12025550143", Some("Ann Meyer"), -9_000, true), message(2, "", None, -600, false)];
    json!({ "messages": messages, "next_after": null })
}

/// How a talk was judged, and the form of it.
fn judged() -> Value {
    let head = json!({ "call": 1, "agent": "alice", "form": "talk", "by": "dora", "at": at(-9_000), "read": null, "got": 5, "points": 8,
        "share": 62.5, "strengths": "calm, and quick to see what it was about", "improvements": "say when you will be back",
        "comments": [{ "at_s": 12, "words": "well put" }, { "at_s": 95, "words": "here they wanted a date" }] });
    let listened = json!({ "name": "listened", "points": 5, "got": 4, "filled": "hand", "question": "How well did they listen?" });
    let facts = |name: &str, rule: &str, verdict: &str, from: Value, disputed: Value| json!({ "name": name, "points": 1, "got": null, "filled": "facts", "rule": rule, "verdict": verdict, "from": from, "disputed": disputed });
    let held = json!([{ "after_s": 84.2, "words": "alice is back after 1 min 52 s" }, { "after_s": 231.7, "words": "the longest hold is over" }]);
    let items = json!([
        listened,
        facts("held", "held_as_told", "not_met", held, json!("the first one was a minute by their own wish")),
        facts(
            "asked",
            "asked_before_hold",
            "met",
            json!([{ "after_s": 61.0, "words": "held by alice" }]),
            Value::Null
        ),
        facts("briefed", "briefed_before_transfer", "not_applicable", json!([]), Value::Null),
    ]);
    let mut evaluation = head;
    evaluation["items"] = items.clone();
    json!({ "evaluations": [evaluation], "open": [{ "agent": "alice", "form": "talk", "items": items }] })
}

/// One announcement that is on, and one that never was.
fn announcements() -> Value {
    let switched =
        json!({ "at": at(-3_600), "by": "sam", "why": "no water in the north", "until": at(3_600) });
    json!({ "announcements": [
        { "name": "outage", "on_until": at(3_600), "says": ["\"There is no water in the north.\""], "switched": switched },
        { "name": "strike", "on_until": null, "says": ["announce/strike"], "switched": null },
    ] })
}

/// A week's figures as the server would send them, drawn from one that has none.
fn service(report: &Value) -> Value {
    let figures = |joined: u32, more: Value| {
        let base = json!({
            "joined": joined, "answered": 38, "in_target": 22, "in_180_s": 37, "abandoned": 5, "short_abandoned": 1, "unserved": 2,
            "service_level": 51.2, "service_level_of_all": 48.9, "within_180_s": 82.2, "abandonment": 11.1, "average_wait_s": 44.0,
            "p90_wait_s": 128.5, "longest_wait_s": 311.0, "quoted": 31, "quotes_kept": 88.6, "quote_bias_s": 4.0,
            "quote_error_s": 21.0, "busy_s": 20_400.0, "there_s": 25_200.0, "occupancy": 81.0,
            "handled": 38, "average_handle_s": 287.0, "average_talk_s": 201.0, "average_hold_s": 24.0, "average_wrap_up_s": 62.0,
            "contacts": 31, "first_call_resolution": 77.4, "contacts_with_outcome": 28, "first_call_resolution_with_outcome": 82.1,
            "contacts_with_answer": 19, "first_call_resolution_by_answer": 78.9,
        });
        let mut base = base;
        for (key, value) in more.as_object().expect("more of it") {
            base[key] = value.clone();
        }
        base
    };
    let day = |date: u32| figures(23, json!({ "begins": format!("2026-11-{date}T00:00:00Z") }));
    let nobody = json!({ "begins": at(0), "answered": 0, "in_target": 0, "service_level": null, "within_180_s": null, "average_wait_s": null,
                         "p90_wait_s": null, "longest_wait_s": 0.0, "abandoned": 0, "occupancy": null, "handled": 0 });
    let row = |name: Value, intervals: Value| figures(46, json!({ "name": name, "intervals": intervals }));
    let rows = json!([
        row(json!("billing"), json!([day(24), day(25)])),
        row(json!("support"), json!([day(24), figures(0, nobody)])),
    ]);
    changed(report, &json!({ "rows": rows }))
}

/// A call that was held and handed on, on the way to somebody who would not take it.
fn handed_on(call: &Value) -> Value {
    let told = |to: Value, became: Value| {
        let base = json!({
            "author": "alice", "written": at(10), "to": to, "amends": false, "rang": "bob", "acknowledged_by": null,
            "acknowledged": null, "declined_by": null, "declined": null, "declined_why": null, "ended": null, "spoken_s": null,
            "note": note("alice"),
        });
        changed(&base, &became)
    };
    let declined = json!({ "declined_by": "bob", "declined": at(20), "declined_why": "cannot take it now", "ended": "declined" });
    let known =
        json!({ "amends": true, "rang": "carol", "acknowledged_by": "carol", "acknowledged": at(50) });
    let notes = [told(json!({ "queue": "billing" }), declined), told(json!({ "agent": "carol" }), known)];
    let holds =
        json!({ "held": 2, "total_s": 95.0, "longest_s": 61.0, "late": 1, "refused": 1, "overridden": 1 });
    let repeated = json!([{ "by": "carol", "at": at(90), "why": "the invoice number" }]);
    let answer = |question: &str, answer: u8, settled: Option<bool>| {
        let (at, agent, queue) = (at(120), "carol", "billing");
        json!({ "at": at, "question": question, "answer": answer, "agent": agent, "queue": queue, "settled": settled })
    };
    let survey = [answer("satisfied", 4, None), answer("solved_at_once", 1, Some(true))];
    changed(call, &json!({ "notes": notes, "holds": holds, "repeated": repeated, "survey": survey }))
}

/// A machine that takes over, or does not.
fn standby(state: &str, behind_s: f64) -> Value {
    let differing = ["flows/main.yaml is another", "prompts/en/goodbye/said.wav is not on the standby"];
    let (files_differ, named) = if state == "behind" { (3, &differing[..]) } else { (0, &differing[..0]) };
    json!({ "address": "192.0.2.12", "state": state, "since": at(-9_000), "behind_s": behind_s, "files_differ": files_differ,
            "differing": named })
}

/// A center under pressure, on the board that the server sends.
fn pressed(board: &Value) -> Value {
    let mut board = changed(board, &json!({ "now": at(0), "day_begins": "2026-11-26T00:00:00Z" }));
    let tally = json!({
        "joined": 48, "answered": 39, "in_target": 22, "in_180_s": 37, "abandoned": 5, "short_abandoned": 1, "unserved": 2,
        "promises_kept": 31, "promises_broken": 4, "average_wait_s": 44.0, "longest_wait_s": 311.0,
        "service_level": 47.8, "within_180_s": 80.4, "abandonment": 10.9,
    });
    let queue = board["queues"][1].clone();
    let mut interval = queue["today"].clone();
    interval["begins"] = json!(at(0));
    let interval = |begins: i64, joined: i64, answered: i64| {
        let counts = json!({ "begins": at(begins), "joined": joined, "answered": answered, "abandoned": joined - answered });
        changed(&interval, &counts)
    };
    let change = json!({
        "waiting": 4, "longest_wait_s": 212, "at_risk": 1, "today": tally, "lately": tally,
        "alarms": ["a promised wait is broken", "service level lately 48 %, the goal is 80 %"],
        "intervals": [interval(-10_800, 4, 4), interval(-9_900, 9, 8), interval(-3_600, 12, 9), interval(-900, 7, 3)],
    });
    board["queues"][1] = changed(&queue, &change);
    let wait = |call: u64, from: &str, since: i64, promised: Option<i64>, first: bool, why: &str| {
        json!({ "call": call, "from": from, "queue": "support", "since": at(since), "promised": promised.map(at),
                "at_risk": promised.is_some_and(|promised| promised > 0), "priority": 0, "own_priority": 0,
                "first": first, "why": why })
    };
    board["waiting"] = json!([
        wait(31, "+12025550143", -212, Some(-30), false, "alice and dave talk, bob is at lunch"),
        wait(33, "", -95, Some(20), true, "dave talks; the others do not know spanish"),
        wait(34, "+12025550177", -12, None, false, "alice and dave talk, bob is at lunch"),
        wait(35, "+12025550188", -1_312, None, false, "is being called back; bench4 is kept for them"),
    ]);
    for (place, state, reason) in
        [(0, "talking", ""), (1, "not_ready", "lunch"), (2, "wrap_up", ""), (3, "ringing", "")]
    {
        let change = json!({ "state": state, "reason": reason, "since": at(-140) });
        board["agents"][place] = changed(&board["agents"][place], &change);
    }
    // A customer is called back before their phone rings, and somebody is kept for them.
    let reserved = json!({ "state": "reserved", "since": at(-9), "call": 35, "queue": "support" });
    board["agents"][4] = changed(&board["agents"][4], &reserved);
    board["promises"] = json!({ "open": 7, "overdue": [
        promise("bob", "callback", "when the technician comes", -600, "overdue"),
        promise("carol", "answer", "what the valve costs", -60, "overdue"),
    ] });
    board["alarms"] =
        json!(["the standby is 7 s behind: what happened since would be lost with this machine"]);
    board["standbys"] = json!([standby("behind", 7.2), standby("sending", 0.0)]);
    board["agents"][0]["call"] = json!(29);
    board["agents"][0]["queue"] = json!("support");
    board
}

/// Two goals: one with two weeks, one of which was of too few, and one that has just begun.
fn goals() -> Value {
    let week = |begins: &str, actual: Option<f64>, count: u32, verdict: &str| json!({ "begins": begins, "actual": actual, "count": count, "verdict": verdict });
    let first = "2026-10-01T00:00:00.000Z";
    json!({ "goals": [
        {
            "name": "answered in time", "why": "as agreed with Juniper until the end of the year", "queue": "billing", "figure": "service_level",
            "question": null, "unit": "percent", "at_least": 85.0, "at_most": null, "from": first, "until": "2027-01-01T00:00:00.000Z",
            "stage": "running", "through": 62.5, "actual": 83.4, "count": 12_480, "verdict": "not_reached",
            "weeks": [week(first, Some(100.0), 12, "too_few"), week("2026-10-05T00:00:00.000Z", Some(86.1), 1_210, "reached")],
        },
        {
            "name": "liked", "why": "", "queue": null, "figure": "survey", "question": "satisfied", "unit": "key", "at_least": 4.2,
            "at_most": null, "from": first, "until": null, "stage": "running", "through": null, "actual": null, "count": 0,
            "verdict": "too_few", "weeks": [week(first, None, 0, "too_few")],
        },
    ] })
}

/// A queue whose talks were shorter and helped fewer, and whose answers are too few.
fn trends() -> Value {
    let figure = |figure: &str,
                  unit: &str,
                  numbers: (f64, u32, f64, u32),
                  times: Option<f64>,
                  change: &str,
                  turn: Option<&str>| {
        let (week, week_count, before, before_count) = numbers;
        json!({
            "figure": figure, "question": null, "unit": unit, "week_begins": "2026-11-16T00:00:00.000Z", "week": week,
            "week_count": week_count, "before": before, "before_count": before_count, "times_chance": times, "change": change, "turn": turn,
        })
    };
    let figures = [
        figure("average_handle", "seconds", (148.2, 1_204, 263.0, 4_810), Some(-9.4), "down", Some("other")),
        figure(
            "first_call_resolution",
            "percent",
            (58.1, 1_102, 77.4, 4_502),
            Some(-6.1),
            "down",
            Some("worse"),
        ),
        figure("first_call_resolution_by_answer", "percent", (75.0, 4, 80.0, 40), None, "too_few", None),
    ];
    let words = "talks are shorter and fewer callers are helped at once: they may be hurried off the line, and call again";
    json!({ "queues": [{ "queue": "billing", "pattern": "hurried", "words": words, "figures": figures }] })
}

/// Three agents' talks by each rule; one asks far less often than the others.
fn conformance() -> Value {
    const RULES: [&str; 9] = [
        "picked up",
        "verified the caller",
        "asked before hold",
        "held as told",
        "held within the cap",
        "briefed before transfer",
        "nothing told twice",
        "outcome given",
        "promised what is open",
    ];
    let row = |name: Option<&str>, talks: u32| {
        let rule = |(place, words): (u32, &str)| {
            let asks_less = name == Some("bob") && words == "asked before hold";
            let applied = if matches!(place, 0 | 1 | 7 | 8) { talks } else { talks / (1 + place) };
            let share = if asks_less { 61.5 } else { 98.4 };
            let of_agent = name.is_some() && applied > 0;
            json!({
                "rule": words.replace(' ', "_"), "words": words, "applied": applied,
                "kept": if place == 4 { applied } else { applied - applied / 3 }, "share": (applied > 0).then_some(share),
                "others": of_agent.then_some(98.1), "difference": of_agent.then_some(share - 98.1),
                "times_chance": of_agent.then_some(if asks_less { -9.2 } else { 0.2 }),
                "deviates": of_agent.then_some(if asks_less { "less_often" } else { "as_others" }),
            })
        };
        json!({ "name": name, "talks": talks, "rules": (0..).zip(RULES).map(rule).collect::<Vec<_>>() })
    };
    let rows = [row(Some("alice"), 1_204), row(Some("bob"), 988), row(Some("carol"), 4)];
    json!({ "rows": rows, "center": row(None, 2_196) })
}

/// Two talks in which a caller was held whom nobody had asked.
fn broken() -> Value {
    let talk = |call: u64, queue: Option<&str>| json!({ "call": call, "arrived": "2026-11-25T15:04:00.000Z", "agent": "bob", "queue": queue });
    json!({
        "from": "2026-11-01T00:00:00.000Z", "until": "2026-11-26T00:00:00.000Z", "rule": "asked_before_hold",
        "talks": [talk(812, Some("billing")), talk(640, None)], "more": true,
    })
}

#[test]
fn every_other_page_looks_good() {
    let test = "every_other_page_looks_good";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let mut looks = Looks::default();
    let caller = Sipp::dial(&server.sip(), "9199", STRANGER, "caller_stays", 0);
    let call = server.story_with(&caller.sip_call_id, "call_ended", 20).id();
    caller.ends_well(20);
    let mut sam = Browser::start(AGENT_HZ);
    // A version that is tried on some, for whoever may change that: here somebody at this machine.
    let version = |server: &Server| server.get("/api/v1/flows/versions")["version"].clone();
    let (first, tried) = (version(&server), tries_other_words(&server));
    open(&mut sam, &server, "/flows");
    sam.sees("the flow", 20, "document.querySelector('#drawing svg') !== null");
    sam.sees("both versions", 10, "document.querySelector('#promote').checkVisibility()");
    looks.at(&mut sam, "flows-tried");
    sam.run("await page.click('#promote'); await page.fill('#version-why', 'nobody minded')");
    looks.at(&mut sam, "flows-version-dialog");
    assert_eq!(version(&server), first);
    sam.run("await page.keyboard.press('Enter')");
    sam.sees("all get it", 20, "!document.querySelector('#promote').checkVisibility()");
    assert_eq!(version(&server), tried);

    answers(&mut sam, "/api/v1/announcements", &announcements());
    open(&mut sam, &server, "/flows");
    sam.sees("announcements", 20, "document.querySelectorAll('#announcements tr').length === 2");
    looks.at(&mut sam, "flows-announcements");
    sam.run("await page.click('[aria-label=\"Switch on… strike\"]')");
    looks.at(&mut sam, "flows-announcement-dialog");

    answers(&mut sam, "/api/v1/messages", &messages());
    open(&mut sam, &server, "/desk");
    sign_in(&mut sam, "sam", "warmline");
    sam.sees("the desk", 10, "document.querySelector('#state')?.checkVisibility()");
    sam.sees("messages", 10, "document.querySelectorAll('#messages li').length === 2");
    looks.at(&mut sam, "desk-supervisor");
    for (path, name, there) in [
        ("/", "start", "document.querySelectorAll('#numbers tr').length > 0"),
        ("/nowhere", "lost", "document.querySelector('h1') !== null"),
        ("/history", "history", "document.querySelectorAll('#calls tr').length > 0"),
        ("/flows", "flows", "document.querySelector('#drawing svg') !== null"),
    ] {
        open(&mut sam, &server, path);
        sam.sees(name, 20, there);
        looks.at(&mut sam, name);
    }
    answers(&mut sam, &format!("/api/v1/calls/{call}/evaluations"), &judged());
    open(&mut sam, &server, &format!("/history#{call}"));
    sam.sees("the story", 20, "document.querySelectorAll('#lines li').length > 0");
    looks.at(&mut sam, "history-story");
    sam.run("await page.selectOption('#judge-which', '0')");
    sam.sees("the form", 10, "document.querySelector('#judge-listened') !== null");
    looks.at(&mut sam, "history-judged");
    // The same call as it would be had it been handed on, and the report.
    let path = format!("/api/v1/calls/{call}");
    let told = json!(handed_on(&server.get(&path)).to_string());
    sam.run(&format!(
        "await page.route('**{path}', (route) => route.fulfill({{ json: JSON.parse({told}) }}))"
    ));
    sam.run("await page.reload()");
    sam.sees("the notes", 20, "document.querySelectorAll('#notes li').length > 0");
    sam.run("await page.click('#report summary')");
    sam.sees("the report", 20, "document.querySelector('#holds-none').checkVisibility()");
    sam.sees("no answers", 20, "document.querySelector('#answers-none').checkVisibility()");
    looks.at(&mut sam, "history-handed-on");
    answers(&mut sam, "/api/v1/reports/service", &service(&server.get("/api/v1/reports/service")));
    let number = |number: &str, more: Value| {
        let mut base = json!({ "calls": 1_284, "self_served": 402, "came_again": 37, "containment": 28.4, "person": 741, "messages": 22,
            "left_in_flow": 61, "abandoned": 40, "unserved": 15, "other": 3, "average_in_flow_s": 48.2 });
        base["number"] = json!(number);
        for (key, value) in more.as_object().expect("more of it") {
            base[key] = value.clone();
        }
        base
    };
    let numbers =
        json!([number("+12025550100", json!({})), number("1003", json!({ "average_in_flow_s": null }))]);
    let report = changed(&server.get("/api/v1/reports/numbers"), &json!({ "numbers": numbers }));
    answers(&mut sam, "/api/v1/reports/numbers", &report);
    let menu = json!({ "flow": "main", "node": "topics", "came": 1_104, "chose": 967, "gave_up": 82, "hung_up": 55, "no_input": 143,
        "no_match": 61, "zero_outs": 118, "average_s": 11.4 });
    let report = changed(&server.get("/api/v1/reports/menus"), &json!({ "menus": [menu] }));
    answers(&mut sam, "/api/v1/reports/menus", &report);
    let route = json!({ "entry": "+12025550100", "way": "chose", "chose": { "flow": "main", "node": "topics", "choice": "billing" },
        "queue": "billing", "talks": 412, "misrouted": 61, "share": 14.8,
        "belongs": [{ "queue": "support", "times": 48 }, { "queue": null, "times": 13 }] });
    let report = changed(&server.get("/api/v1/reports/misrouted"), &json!({ "routes": [route] }));
    answers(&mut sam, "/api/v1/reports/misrouted", &report);
    let surveys = json!({
        "queues": [{ "queue": "billing", "question": "satisfied", "answers": 31, "mean": 4.26 }],
        "agents": [{ "agent": "carol", "question": "satisfied", "answers": 31, "mean": 4.26 }],
        "efforts": [
            { "after": "wait_s", "up_to": 180, "question": "satisfied", "answers": 21, "mean": 4.48 },
            { "after": "hold_s", "up_to": 0, "question": "satisfied", "answers": 24, "mean": 4.42 },
            { "after": "handovers", "up_to": null, "question": "satisfied", "answers": 3, "mean": 2.67 },
        ],
    });
    let report = changed(&server.get("/api/v1/reports/surveys"), &surveys);
    answers(&mut sam, "/api/v1/reports/surveys", &report);
    let report = changed(&server.get("/api/v1/reports/goals"), &goals());
    answers(&mut sam, "/api/v1/reports/goals", &report);
    sam.run("await page.click('#report summary'); await page.click('#report summary')");
    sam.sees("what callers answered", 20, "document.querySelectorAll('#answers tr').length === 5");
    sam.run("await page.click('#service summary')");
    sam.sees("the figures", 20, "document.querySelectorAll('#service-rows tr').length === 6");
    let report = changed(&server.get("/api/v1/reports/trends"), &trends());
    answers(&mut sam, "/api/v1/reports/trends", &report);
    sam.run("await page.click('#trends summary')");
    sam.sees("the last week", 20, "document.querySelectorAll('#trend-rows tr').length === 3");
    let report = changed(&server.get("/api/v1/reports/conformance"), &conformance());
    answers(&mut sam, "/api/v1/reports/conformance", &report);
    answers(&mut sam, "/api/v1/reports/conformance/broken", &broken());
    sam.run("await page.click('#conformance summary')");
    sam.sees("rules", 20, "document.querySelectorAll('#conformance-rows tr').length === 4");
    sam.run("await page.locator('#conformance-rows .bad').click()");
    sam.sees("who broke one", 20, "document.querySelectorAll('#broken-talks tr').length === 2");
    sam.run("await page.click('#goals summary')");
    sam.sees("goals and their weeks", 20, "document.querySelectorAll('#goal-rows tr').length === 5");
    looks.at(&mut sam, "history-reports");

    stages(&mut sam, &server, "/wallboard", BOARD);
    let board = server.get("/api/v1/wallboard");
    for (name, view) in [
        ("wallboard", changed(&board, &json!({ "waiting": [], "standbys": [standby("up_to_date", 0.1)] }))),
        ("wallboard-pressed", pressed(&board)),
    ] {
        sam.look(&format!("stage('{BOARD}', 'board', {view})"));
        looks.at(&mut sam, name);
    }
    for (whom, dialog) in [("withheld", "wait-dialog"), ("alice", "agent-dialog")] {
        sam.run(&format!("await page.click('[aria-label^=\"Act on {whom}\"]')"));
        sam.sees("the dialog", 10, &format!("document.querySelector('#{dialog}').open"));
        looks.at(&mut sam, &format!("wallboard-{dialog}"));
        sam.run("await page.keyboard.press('Escape')");
    }

    // A supervisor who listens, and one who has the caller.
    for (name, role, mode) in [("listening", "supervisor", Some("whisper")), ("taken-over", "agent", None)] {
        let caller = json!({ "name": "Ann Meyer", "number": "+12025550143" });
        let call = json!({ "call": 29, "role": role, "mode": mode, "phase": "talking", "caller": caller });
        sam.look(&format!("stage('{DESK}', 'desk', {})", json!({ "calls": [call] })));
        sam.sees("the dock", 10, "document.querySelector('#listening').checkVisibility()");
        looks.at(&mut sam, &format!("wallboard-{name}"));
    }

    // The caller's page, in a call.
    open(&mut sam, &server, "/call");
    looks.at(&mut sam, "call");
    sam.run("await page.fill('#number', '9001'); await page.click('#go')");
    sam.sees("a caption", 20, "document.querySelectorAll('#captions li').length > 0");
    looks.at(&mut sam, "call-talking");
    is_clean(&mut sam);
    looks.are_good();
}
