//! What flows do together, and what callers find hard: a file that breaks each rule, and what is said. Then callers
//! who go from flow to flow, by the clock.

use std::time::Duration;

use super::Phone;
use super::prompts;
use crate::base::Timestamp;
use crate::flow::Center;
use crate::flow::Prompts;
use crate::flow::load;

const CENTER: &str = "\
company: Juniper
numbers: { 1000: main }
time_zone: Europe/Berlin
hours: { office: { mon-fri: 08:00-18:00, holidays: [01-01] } }
announcements:
  outage: { play: long, on: yes, until: 1970-01-02 01:00 }
  quiet: { play: long, on: no, until: 2099-01-01 00:00 }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

fn files(flows: &[(&str, &str)]) -> Vec<(String, String)> {
    let file = |(name, nodes): &(&str, &str)| {
        (format!("{name}.yaml"), format!("flow: {name}\nstart: a\nnodes:\n{nodes}"))
    };
    let center = ("center.yaml".to_owned(), CENTER.to_owned());
    flows.iter().map(file).chain([center]).collect()
}

/// What is said of these flows, whose nodes begin in line 4.
fn said(flows: &[(&str, &str)]) -> String {
    said_of(&files(flows), &prompts())
}

fn said_of(files: &[(String, String)], prompts: &Prompts) -> String {
    let found = match load(files, prompts) {
        Ok((_, warnings)) => warnings,
        Err(found) => found,
    };
    let line = |one: &crate::flow::Diagnostic| {
        let severity = if one.is_error() { "error" } else { "warning" };
        format!("{}:{}:{}: {severity}: {}", one.file, one.line, one.column, one.message)
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

const END: &str = "  end: { hang_up: done }\n";
const ASK: &str = "  a: { branch: [{ if: verified, then: good }], otherwise: bad }\n  \
                   good: { return: proven }\n  bad: { return: unproven }\n";

#[test]
fn links_to_flows_that_are_not_there_or_do_not_fit() {
    assert_eq!(
        said(&[("main", "  a: { go_to: mian }\n")]),
        "main.yaml:4:15: error: no flow is called \"mian\""
    );
    assert_eq!(
        said(&[("main", "  a: { go_to: ask }\n"), ("ask", ASK)]),
        "main.yaml:4:15: error: \"ask\" returns to the flow that calls it, and go_to does not come back"
    );
    assert_eq!(
        said(&[("main", "  a: { go_to: bell }\n"), ("bell", "  a: { ring: 9s }\n")]),
        "main.yaml:4:15: error: \"bell\" rings, but the line has been answered before it"
    );
    assert_eq!(
        said(&[("main", ASK)]),
        "center.yaml:2:18: error: \"main\" returns to the flow that calls it, and a caller's number is none"
    );
}

#[test]
fn results_that_are_not_wired_or_never_come() {
    let main = format!("  a: {{ call: ask, results: {{ proven: end, prven: end }} }}\n{END}");
    assert_eq!(
        said(&[("main", &main), ("ask", ASK)]),
        "main.yaml:4:14: error: \"ask\" may return \"unproven\", which leads nowhere here\n\
         main.yaml:4:43: error: \"ask\" never returns \"prven\""
    );
}

#[test]
fn circles_through_several_flows() {
    let flows = [
        ("main", "  a: { play: goodbye, then: b }\n  b: { go_to: two }\n"),
        ("two", "  a: { go_to: main }\n"),
    ];
    assert_eq!(
        said(&flows),
        "main.yaml:4:3: error: a silent caller goes round for ever through these flows: main -> two -> main"
    );
    let key = format!(
        "  a: {{ menu: menu/main, choices: {{ 1: b, 0: q }}, otherwise: end }}\n  \
                       b: {{ go_to: main }}\n  q: {{ enqueue: billing }}\n{END}"
    );
    assert_eq!(said(&[("main", "  a: { go_to: two }\n"), ("two", &key)]), "", "a key leads round");
    let calls = |other: &str| {
        format!(
            "  a: {{ branch: [{{ if: verified, then: b }}], otherwise: c }}\n  \
                       b: {{ call: {other}, results: {{ x: c }} }}\n  c: {{ return: x }}\n"
        )
    };
    let main = format!("  a: {{ call: one, results: {{ x: end }} }}\n{END}");
    assert!(
        said(&[("main", &main), ("one", &calls("two")), ("two", &calls("one"))]).starts_with(
            "one.yaml:4:3: error: a flow calls itself here, and would for ever: one -> two -> one"
        )
    );
}

#[test]
fn a_menu_without_a_way_to_a_person() {
    let menu = format!("  a: {{ menu: menu/main, choices: {{ 1: end }}, otherwise: end }}\n{END}");
    let message = "main.yaml:4:3: error: no way leads from the menu \"a\" to a person";
    assert_eq!(said(&[("main", &menu)]), message);
    let mut files = files(&[("main", &menu)]);
    files[0].1 = files[0].1.replace("start: a", "no_person: recorded news only\nstart: a");
    assert_eq!(said_of(&files, &prompts()), "");
    // Through another flow, or after one that was called, is a way too.
    let by_flow =
        menu.replace("otherwise: end", "otherwise: b").replace(END, &format!("  b: {{ go_to: two }}\n{END}"));
    assert_eq!(said(&[("main", &by_flow), ("two", "  a: { enqueue: billing }\n")]), "");
    let by_call = menu.replace("otherwise: end", "otherwise: b").replace(
        END,
        &format!("  b: {{ call: ask, results: {{ proven: end, unproven: q }} }}\n  q: {{ enqueue: billing }}\n{END}"),
    );
    assert_eq!(said(&[("main", &by_call), ("ask", ASK)]), "");
}

#[test]
fn announcements_and_hours() {
    assert_eq!(
        said(&[("main", &format!("  a: {{ hours: ofice, open: end, closed: end }}\n{END}"))]),
        "main.yaml:4:15: error: no hours is called \"ofice\""
    );
    assert_eq!(
        said(&[("main", &format!("  a: {{ announce: otage, then: end }}\n{END}"))]),
        "main.yaml:4:18: error: no announcement is called \"otage\""
    );
    let mut files = files(&[("main", &format!("  a: {{ announce: outage, then: end }}\n{END}"))]);
    let place = files.len() - 1;
    files[place].1 = CENTER.replace(", until: 1970-01-02 01:00", "");
    assert_eq!(
        said_of(&files, &prompts()),
        "center.yaml:6:3: error: an announcement that is on says until when"
    );
}

#[test]
fn what_callers_find_hard_is_a_warning() {
    let mut recordings = Prompts::default();
    for name in prompts().names("en") {
        let seconds = if name == "long" { 40 } else { 7 };
        recordings.insert(&format!("common/{name}"), Duration::from_secs(seconds));
    }
    let told = |nodes: &str| {
        said_of(&files(&[("main", &format!("{nodes}  q: {{ enqueue: billing }}\n"))]), &recordings)
    };
    assert_eq!(
        told("  a: { menu: goodbye, choices: { 1: q, 2: q, 3: q, 4: q, 5: q, 6: q, 0: q }, otherwise: q }\n"),
        "main.yaml:4:3: warning: \"a\" has 6 choices, and callers keep 5 in mind"
    );
    assert_eq!(
        told(
            "  a: { menu: goodbye, choices: { 1: b }, wait: 4h, otherwise: b }\n  \
              b: { collect: it, digits: 4, prompt: goodbye, between: 100ms, then: q, otherwise: q }\n"
        ),
        "main.yaml:4:3: warning: \"a\" gives callers 14400 s for a key\n\
         main.yaml:5:3: warning: \"b\" gives callers 0.1 s for a key"
    );
    let menu = |name: &str, next: &str| {
        format!("  {name}: {{ menu: goodbye, choices: {{ 1: {next}, 0: q }}, otherwise: {next} }}\n")
    };
    let deep = menu("a", "b") + &menu("b", "c") + &menu("c", "d") + &menu("d", "q");
    assert_eq!(
        told(&deep),
        "main.yaml:7:3: warning: \"d\" is the 4th menu in a row, even on the shortest way"
    );
    assert_eq!(
        told("  a: { menu: [goodbye, goodbye, goodbye], choices: { 1: q }, otherwise: q }\n"),
        "main.yaml:4:3: warning: \"a\" speaks for 21 s before the caller may choose"
    );
    assert_eq!(
        told(
            "  a: { branch: [{ if: verified, then: c }], otherwise: b }\n  b: { play: long, then: c }\n  \
              c: { menu: goodbye, choices: { 1: q }, otherwise: q }\n"
        ),
        "main.yaml:6:3: warning: a caller hears 40 s of speech before \"c\" asks anything"
    );
}

fn center(flows: &[(&str, &str)]) -> Center {
    match load(&files(flows), &prompts()) {
        Ok((center, _)) => center,
        Err(found) => panic!("{}", super::in_words(&found)),
    }
}

/// 1970-01-01 is a holiday by the file, the 2nd a Friday; the caller dials at midnight UTC, and Berlin is an hour on.
#[test]
fn the_clock_goes_on_while_a_caller_is_in_a_flow() {
    let nodes = "  a: { announce: outage, then: b }\n  b: { announce: quiet, then: c }\n  c: { pause: 23h, then: d }\n  \
                 d: { announce: outage, then: e }\n  e: { pause: 8h, then: f }\n  f: { announce: outage, then: h }\n  \
                 h: { hours: office, open: open, closed: closed, holiday: holiday }\n  \
                 open: { hang_up: open }\n  closed: { hang_up: closed }\n  holiday: { hang_up: holiday }\n";
    let center = center(&[("main", nodes)]);
    let mut phone = Phone::dial(&center, "main", None);
    phone.play(". ~ . ~");
    // The announcement's time is over after 24 h. After 31 h it is 07:00 UTC and 08:00 in Berlin: the office is open.
    assert_eq!(phone.transcript, ["answered", "hears long", "hears long", "hangs up: open"]);
    let at_once = nodes.replace("a: { announce: outage, then: b }", "a: { pause: 1s, then: h }");
    let center = self::center(&[("main", &at_once)]);
    let mut phone = Phone::dial(&center, "main", None);
    phone.play("~");
    assert_eq!(phone.transcript, ["answered", "hangs up: holiday"]);
}

#[test]
fn a_called_flow_comes_back_with_its_result_and_without_its_variables() {
    let ask = "  a: { collect: order, digits: 2, then: said, otherwise: silent }\n  \
               said: { branch: [{ if: order == '12', then: good }], otherwise: silent }\n  \
               good: { return: good }\n  silent: { return: silent }\n";
    let main = "  a: { set: { tier: gold }, then: b }\n  \
                b: { call: ask, results: { good: c, silent: end } }\n  \
                c: { branch: [{ if: tier == 'gold', then: d }], otherwise: end }\n  d: { go_to: last }\n  \
                end: { hang_up: done }\n";
    let last = "  a: { play: goodbye, then: q }\n  q: { enqueue: billing }\n";
    let center = center(&[("main", main), ("ask", ask), ("last", last)]);
    let mut phone = Phone::dial(&center, "main", None);
    phone.run = super::read_back(&phone.run);
    phone.play("1");
    phone.run = super::read_back(&phone.run);
    phone.play("2");
    assert_eq!(phone.run.flow().to_string(), "last");
    assert_eq!(phone.run.variables().count(), 0);
    phone.play(".");
    assert_eq!(
        phone.transcript,
        [
            "answered",
            "tier = gold",
            "key 1",
            "key 2",
            "order = 12",
            "hears goodbye",
            "to billing, 0 needs more, priority 0"
        ]
    );
    let mut phone = Phone::dial(&center, "main", None);
    phone.now = Timestamp::from_secs(100);
    phone.play("~ ~ ~");
    assert_eq!(phone.transcript.last().map(String::as_str), Some("hangs up: done"));
}

/// A PIN that is keyed into a greeting is told nowhere, though another flow will ask for it.
#[test]
fn a_secret_that_another_flow_asks_for_is_a_secret_before() {
    let verify = "  a: { verify: account and pin, ask_account: verify/enter-account, ask_pin: verify/enter-pin, \
                  wrong: verify/wrong, verified: x, failed: x, locked: x, no_input: x, unavailable: x }\n";
    let returning = format!("{verify}  x: {{ return: done }}\n");
    let going = format!("{verify}  x: {{ enqueue: billing }}\n");
    let by_call =
        "  a: { play: long, then: b }\n  b: { call: ask, results: { done: q } }\n  q: { enqueue: billing }\n";
    let by_go_to = "  a: { play: long, then: b }\n  b: { go_to: ask }\n";
    let after_return = "  a: { call: news, results: { done: b } }\n  b: { go_to: ask }\n";
    let news = "  a: { play: long, then: x }\n  x: { return: done }\n";
    for flows in [
        vec![("main", by_call), ("ask", returning.as_str())],
        vec![("main", by_go_to), ("ask", going.as_str())],
        vec![("main", after_return), ("ask", going.as_str()), ("news", news)],
    ] {
        let center = center(&flows);
        let mut phone = Phone::dial(&center, "main", Some(super::ann()));
        phone.seen = Some(String::new());
        phone.play("9876#");
        let seen = phone.seen.take().unwrap_or_default();
        assert!(seen.contains("Verify { account"), "{seen}");
        assert!(!seen.contains("digit: '9'") && !seen.contains("98"), "{seen}");
    }
}
