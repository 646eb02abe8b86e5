//! Rehearsed callers: the tests that ship pass and cover everything; a test that does not hold says why; drawings
//! and explorations of the demo center.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::DEMO;
use super::demo;
use super::prompts;
use super::read;
use crate::base::Name;
use crate::base::Secret;
use crate::base::WallTime;
use crate::flow::Prompts;
use crate::flow::drawing;
use crate::flow::rehearsal::Account;
use crate::flow::rehearsal::World;
use crate::flow::rehearsal::coverage::Coverage;
use crate::flow::rehearsal::explore::Exploration;
use crate::flow::rehearsal::test;

/// The recordings of the demo center, each of two seconds.
fn recordings() -> Prompts {
    let mut recordings = Prompts::default();
    for name in prompts().names("en") {
        recordings.insert(&format!("common/{name}"), Duration::from_secs(2));
    }
    recordings
}

fn shipped_tests() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr_flows/tests");
    let entries = fs::read_dir(folder).expect("the demo center has tests");
    let mut files: Vec<(String, String)> = entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("a text")))
        .collect();
    files.sort();
    files
}

#[test]
fn tests_that_do_not_say_when_may_be_run_at_any_time() {
    let center = "company: x\nnumbers: { 1: main }\nhours: { office: { mon-fri: 08:00-18:00 } }\n";
    let main = "flow: main\nstart: a\nnodes:\n  a: { hours: office, open: b, closed: c }\n  \
                b: { hang_up: open }\n  c: { hang_up: closed }\n";
    let tests = "flow: main\ntests:\n  any time: { ends: { hang_up: open } }\n  \
                 a Sunday: { at: 2026-01-04 12:00, ends: { hang_up: closed } }\n";
    let (center, _) = read(&[("center.yaml", center), ("main.yaml", main)]).expect("in order");
    let passed = |wall: WallTime| -> Vec<bool> {
        let run = test::run_file_at(wall, &center, &prompts(), "t.yaml", tests, &mut Coverage::of(&center));
        run.expect("in order").iter().map(|outcome| outcome.failure.is_none()).collect()
    };
    assert_eq!(passed(test::A_TUESDAY), [true, true]);
    let at_night = crate::flow::hours::moment_of("2026-01-06 23:00", &center.time_zone).expect("a time");
    assert_eq!(passed(at_night), [false, true]);
    assert_eq!(crate::flow::hours::moment_of("2026-13-06 23:00", &center.time_zone), None);
}

#[test]
fn every_flow_that_ships_has_tests_that_pass_and_meet_all_of_it() {
    let center = demo();
    let recordings = recordings();
    let mut coverage = Coverage::of(&center);
    let mut passed = 0;
    for (path, text) in shipped_tests() {
        match test::run_file(&center, &recordings, &path, &text, &mut coverage) {
            Ok(outcomes) => {
                for outcome in outcomes {
                    assert!(
                        outcome.failure.is_none(),
                        "{}\n{}",
                        outcome.failure.as_ref().map(ToString::to_string).unwrap_or_default(),
                        outcome.story()
                    );
                    passed += 1;
                }
            }
            Err(found) => panic!("{}", super::in_words(&found)),
        }
    }
    for flow in coverage.flows.keys() {
        assert!(coverage.share(flow).is_full(), "{flow}: not met: {}", coverage.missing(flow).join(", "));
    }
    assert!(passed >= DEMO.len() - 1, "{passed} tests of {} flows", DEMO.len() - 1);
}

/// What is said of a test file for the demo center's main flow: what failed, or what is wrong with it.
fn said(tests: &str) -> String {
    let center = demo();
    let text = format!("flow: main\n{tests}");
    let mut coverage = Coverage::of(&center);
    let short = |found: &crate::flow::Diagnostic| {
        let hint = found.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}:{}: {}{hint}", found.line, found.column, found.message)
    };
    let lines: Vec<String> = match test::run_file(&center, &recordings(), "t.yaml", &text, &mut coverage) {
        Ok(outcomes) => outcomes.iter().filter_map(|outcome| outcome.failure.as_ref()).map(short).collect(),
        Err(found) => found.iter().map(short).collect(),
    };
    lines.join("\n")
}

#[test]
fn a_test_that_does_not_hold_says_what_was_met_instead() {
    let cases = [
        (
            "a: { call: [{ hears: goodbye }], ends: { queue: support } }",
            "3:15: a: heard greeting/welcome, not goodbye",
        ),
        (
            "a: { call: [{ keys: \"#\" }, { keys: 1 }], ends: { queue: sales } }",
            "3:50: a: the call ended otherwise: queue billing, needs billing >= 5",
        ),
        (
            "a: { call: [{ keys: \"#\" }, { keys: 1 }], ends: { queue: billing, needs: billing >= 6 } }",
            "3:50: a: the call ended otherwise: queue billing, needs billing >= 5",
        ),
        (
            "a: { call: [hangs up, { keys: 1 }], ends: the caller hangs up }",
            "3:25: a: the call has ended before: the caller hangs up",
        ),
        (
            "a: { call: [{ keys: \"#\" }, { keys: 0 }, { hears: menu/to-a-person }, { hears: goodbye }], \
             ends: { queue: support } }",
            "3:72: a: goodbye was not heard; the call has ended: queue support, priority 1",
        ),
        (
            "a: { call: [hangs up], path: [greet, main_menu], ends: the caller hangs up }",
            "3:32: a: the path was greet",
        ),
        (
            "a: { call: [hangs up], sets: { tier: gold }, ends: the caller hangs up }",
            "3:34: a: \"tier\" was not set",
        ),
        (
            "a: { call: [{ waits: 1500ms }, hangs up], within: 1s, ends: the caller hangs up }",
            "3:53: a: the call lasted 1.5 s",
        ),
    ];
    let found: Vec<String> = cases.iter().map(|(test, _)| said(&format!("tests:\n  {test}\n"))).collect();
    assert_eq!(found, cases.map(|(_, expected)| expected), "{found:#?}");
}

#[test]
fn a_test_file_that_is_not_in_order_is_told_as_flows_are() {
    let cases = [
        (
            "tests:\n  a: { call: [], end: x }\n",
            "3:3: \"ends\" is missing here\n3:18: \"end\" means nothing here (did you mean \"ends\"?)",
        ),
        (
            "tests:\n  a: { ends: { queue: suport } }\n",
            "3:23: no queue is called \"suport\" (did you mean \"support\"?)",
        ),
        (
            "tests:\n  a: { call: [{ key: 1 }], ends: { refused: 480 } }\n",
            "3:15: no step is called \"key\" (did you mean \"keys\"?)",
        ),
        (
            "tests:\n  a: { call: [{ hears: goodby }, { keys: 1a }], ends: { refused: 480 } }\n",
            "3:24: no prompt is called \"goodby\" (did you mean \"goodbye\"?)\n\
             3:42: \"1a\" cannot be keyed on a telephone (a key is 0 to 9, * or #)",
        ),
        (
            "customers: { ann: { account: 1, pin: 2, name: Ann } }\ntests:\n  a: { from: ann, ends: { refused: 480 } }\n",
            "4:14: \"ann\" has no number to call from (add \"number:\" to the customer)",
        ),
        (
            "tests:\n  a: { verifier: away, ends: nicely }\n",
            "3:18: no way for a verifier to be is called \"away\" (there is works, locks, down)\n\
             3:30: \"nicely\" is no way to end (write { queue: NAME }, { callback: NAME }, { agent: NAME }, { hang_up: REASON }, { refused: STATUS }, or: \
             the caller hangs up)",
        ),
    ];
    let found: Vec<String> = cases.iter().map(|(tests, _)| said(tests)).collect();
    assert_eq!(found, cases.map(|(_, expected)| expected), "{found:#?}");
}

#[test]
fn what_a_test_did_not_meet_is_named() {
    let center = demo();
    let mut coverage = Coverage::of(&center);
    let text =
        "flow: read_back\ntests:\n  a: { call: [{ keys: 4 }, { keys: \"#\" }], ends: { hang_up: done } }\n";
    let outcomes = test::run_file(&center, &recordings(), "t.yaml", text, &mut coverage).expect("in order");
    assert!(outcomes[0].failure.is_none());
    assert_eq!(coverage.missing("read_back"), ["listen: otherwise"]);
    assert_eq!(coverage.share("read_back").exits, (4, 5));
    assert_eq!(coverage.missing("goodbye"), ["say", "wait", "end"]);
}

#[test]
fn thousands_of_callers_meet_all_of_the_main_flow_and_nobody_is_lost() {
    let (center, recordings) = (demo(), recordings());
    let ann = Account {
        customer: super::ann(),
        number: Some("+12025550143".into()),
        pin: Secret::new("4711"),
        birth_date: None,
    };
    let world = World { accounts: vec![ann], ..World::default() };
    let flow = Name::from("main");
    let exploration =
        Exploration { center: &center, prompts: &recordings, world: &world, flow: &flow, wall: WallTime(0) };
    let findings = exploration.run(1_000, 7);
    assert_eq!(findings.ends.values().sum::<u64>(), 1_000);
    // A verifier that works locks nobody within one call, and always answers.
    let missing = findings.coverage.missing("main");
    assert_eq!(missing, ["identity: locked", "identity: unavailable", "locked", "unavailable"]);
    assert_eq!(findings.gave_up, 0);
    assert!(findings.to_a_queue.len() > 500, "{}", findings.to_a_queue.len());
    assert!(findings.longest.as_ref().is_some_and(|walk| walk.lasted < Duration::from_secs(240)));
    let again = exploration.run(1_000, 7);
    assert_eq!((again.ends, again.to_a_queue), (findings.ends, findings.to_a_queue));
}

#[test]
fn who_is_led_round_is_found() {
    let flow = "flow: main\nstart: a\nnodes:\n  a: { play: long, then: b }\n  \
                b: { collect: x, digits: 1, prompt: goodbye, then: a, otherwise: end }\n  end: { hang_up: done }\n";
    let center = "company: x\nnumbers: { 1: main }\n";
    let (center, _) = read(&[("center.yaml", center), ("main.yaml", flow)]).expect("in order");
    let (recordings, world, flow) = (recordings(), World::default(), Name::from("main"));
    let exploration =
        Exploration { center: &center, prompts: &recordings, world: &world, flow: &flow, wall: WallTime(0) };
    let findings = exploration.run(300, 1);
    assert!(findings.longest.is_some_and(|walk| walk.lasted > Duration::from_secs(60)));
    assert!(findings.most_repeated.is_some_and(|(most, walk)| most >= 3 && !walk.log.is_empty()));
}

#[test]
fn a_drawing_shows_every_node_and_way() {
    let center = demo();
    let queues: Vec<Name> = center.engine.queues.iter().map(|queue| Name::clone(&queue.name)).collect();
    for flow in center.flows.values() {
        let (mermaid, svg) = (drawing::mermaid(flow, &queues), drawing::svg(flow, &queues));
        let outline = flow.outline(&queues);
        for node in &outline {
            assert!(mermaid.contains(&format!("<b>{}</b>", node.name)), "{}", node.name);
            assert!(svg.contains(&format!(">{}</text>", node.name)), "{}", node.name);
        }
        let mut ways: Vec<(&Name, &Name)> =
            outline.iter().flat_map(|node| node.exits.iter().map(|exit| (&node.name, &exit.to))).collect();
        ways.sort();
        ways.dedup();
        assert_eq!(mermaid.matches("->").count(), ways.len(), "{mermaid}");
        assert_eq!(svg.matches("marker-end").count(), ways.len());
    }
    let main = drawing::mermaid(&center.flows["main"], &queues);
    assert!(
        main.contains("-->|\"otherwise<br/>0 a person\"|") || main.contains("0 a person<br/>otherwise"),
        "{main}"
    );
}

#[test]
fn what_a_file_says_cannot_break_out_of_a_drawing() {
    let flow = "flow: main\nstart: \"<b>\"\nnodes:\n  \"<b>\": { branch: [{ if: \"dialled < '\\\"&'\", then: e }], otherwise: e }\n  \
                e: { hang_up: \"</svg><script>\" }\n";
    let center = "company: x\nnumbers: { 1: main }\n";
    let (center, _) = read(&[("center.yaml", center), ("main.yaml", flow)]).expect("in order");
    let svg = drawing::svg(&center.flows["main"], &[]);
    assert!(!svg.contains("<b>") && !svg.contains("<script>"), "{svg}");
    assert_eq!(svg.matches("</svg>").count(), 1);
    let mermaid = drawing::mermaid(&center.flows["main"], &[]);
    assert!(mermaid.contains("<b>#lt;b#gt;</b>") && !mermaid.contains("<script>"), "{mermaid}");
}
