//! Callers whose flow asks a service, and what the checker says of such flows.

use std::time::Duration;

use super::Phone;
use super::center_of;
use super::in_words;
use super::read;
use super::read_back;
use crate::flow::Center;
use crate::flow::FlowEvent;
use crate::flow::api::Failure;
use crate::flow::api::FetchResult;
use crate::flow::model::Value;
use crate::flow::rehearsal::coverage::Coverage;
use crate::flow::rehearsal::explore::Exploration;
use crate::flow::rehearsal::test;

const CENTER: &str = "\
company: Juniper
services: { orders: { at: \"http://localhost:9/api/\", timeout: 3s } }
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

const MAIN: &str = "\
flow: main
start: order
nodes:
  order: { collect: order, digits: 4, then: look, otherwise: person }
  look:
    fetch: orders
    path: /orders/{order}/of/{caller.number}
    gives: { status: order.status, days: order.days as number, late: late as yes or no }
    then: which
    missing: none
    otherwise: person
  which: { branch: [{ if: \"status == 'sent' && days < 5 && !late\", then: sent }], otherwise: person }
  sent: { hang_up: sent }
  none: { hang_up: no such order }
  person: { enqueue: billing }
";

fn center() -> Center {
    center_of(&[("center.yaml", CENTER), ("main.yaml", MAIN)])
}

fn asked(center: &Center) -> Phone<'_> {
    let mut phone = Phone::dial(center, "main", None);
    phone.play("4711");
    assert_eq!(phone.transcript.last().unwrap(), "asks http://localhost:9/api/orders/4711/of/%2B12025550143");
    phone
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[track_caller]
fn ends(phone: &Phone<'_>, told: &str, end: &str) {
    let transcript = phone.transcript.join("\n");
    assert!(transcript.contains(&format!("the service orders {told}")), "{transcript}");
    assert!(transcript.ends_with(end), "{transcript}");
}

#[test]
fn what_a_service_says_is_in_variables_of_the_kinds_that_were_asked_for() {
    let center = center();
    let mut phone = asked(&center);
    // A number may be written as text; nothing else may be another thing than was asked for.
    phone.says(&[text("sent"), text("3"), Value::Truth(false)]);
    ends(&phone, "answered", "status = sent\ndays = 3\nlate = false\nhangs up: sent");
    for (lie, what) in [
        ([text("sent"), text("soon"), Value::Truth(false)], "order.days that is no number"),
        ([text("sent"), Value::Truth(true), Value::Truth(false)], "order.days that is no number"),
        ([text("sent"), text("12.5"), Value::Truth(false)], "order.days that is no number"),
        ([text("sent"), Value::Number(3), text("no")], "late that is no true or false"),
    ] {
        let mut phone = asked(&center);
        phone.says(&lie);
        let told = format!("answered with {what}");
        ends(&phone, &told, "to billing, 0 needs more, priority 0");
        assert!(!phone.transcript.iter().any(|line| line.starts_with("status")), "all or nothing");
    }
    let mut phone = asked(&center);
    phone.says(&[text("sent")]);
    ends(&phone, "answered with no order.days that can be used", "to billing, 0 needs more, priority 0");
}

#[test]
fn what_a_service_said_before_holds_and_the_history_says_why_it_had_to() {
    let center = center();
    let mut phone = asked(&center);
    let values = [text("sent"), text("3"), Value::Truth(false)].map(Some).to_vec();
    let result = FetchResult::Answered { values, instead_of: Some(Failure::Refused) };
    phone.tell(FlowEvent::Fetched { number: phone.question.0, result });
    ends(
        &phone,
        "refused the connection; what it said before holds",
        "status = sent\ndays = 3\nlate = false\nhangs up: sent",
    );
}

#[test]
fn what_does_not_answer_leads_on_in_time() {
    let center = center();
    let mut phone = asked(&center);
    phone.play("none");
    ends(&phone, "has none", "hangs up: no such order");
    let mut phone = asked(&center);
    phone.play("fails");
    ends(&phone, "answered 500", "to billing, 0 needs more, priority 0");
    let mut phone = asked(&center);
    let asked_at = phone.now;
    // Written down meanwhile, as any run can be.
    phone.run = read_back(&phone.run);
    phone.play("~ . ~");
    assert_eq!(
        phone.now.since(asked_at),
        Duration::from_secs(4),
        "the service's time, and a little more, and what is said meanwhile to its end"
    );
    ends(&phone, "did not answer in time", "to billing, 0 needs more, priority 0");
    let before = phone.transcript.len();
    phone.play("answered");
    assert_eq!(phone.transcript.len(), before, "too late");
}

#[test]
fn who_waits_for_a_service_is_told_that_it_takes_a_moment() {
    let center = center();
    let mut phone = asked(&center);
    let (asked_at, answers) = (phone.now, [text("sent"), text("3"), Value::Truth(false)]);
    phone.play("~");
    assert_eq!(phone.now.since(asked_at), Duration::from_secs(2));
    assert_eq!(phone.transcript.last().unwrap(), "hears one-moment");
    // It is heard to its end, and only then goes on what the answer leads to.
    phone.run = read_back(&phone.run);
    phone.says(&answers);
    assert_eq!(phone.transcript.last().unwrap(), "late = false");
    phone.run = read_back(&phone.run);
    phone.play(".");
    ends(&phone, "answered", "late = false\nhangs up: sent");
    // Whoever answers sooner interrupts nobody.
    let mut phone = asked(&center);
    phone.says(&answers);
    ends(&phone, "answered", "hangs up: sent");
    assert!(!phone.transcript.iter().any(|line| line.contains("one-moment")));
}

#[test]
fn a_service_that_takes_long_is_excused_again_and_again_and_given_up_in_its_time() {
    let long = CENTER.replace("timeout: 3s", "timeout: 10s");
    let center = center_of(&[("center.yaml", &long), ("main.yaml", MAIN)]);
    let mut phone = asked(&center);
    let asked_at = phone.now;
    phone.play("~ . ~ 5 . ~");
    let moments = phone.transcript.iter().filter(|line| *line == "hears one-moment").count();
    assert_eq!(moments, 2, "{:?}", phone.transcript);
    ends(&phone, "did not answer in time", "to billing, 0 needs more, priority 0");
    assert_eq!(
        phone.now.since(asked_at),
        Duration::from_millis(11_200),
        "2 s of silence, a prompt, 5 s, a key, a prompt"
    );
}

#[test]
fn what_is_said_meanwhile_can_be_something_else_or_nothing_and_is_nothing_for_a_quick_service() {
    let meanwhile = |words: &str, timeout: &str| {
        let flow = MAIN.replace("    then: which", &format!("{words}    then: which"));
        let center = CENTER.replace("timeout: 3s", timeout);
        let center = center_of(&[("center.yaml", &center), ("main.yaml", &flow)]);
        let mut phone = asked(&center);
        phone.play("~");
        phone.transcript.last().unwrap().clone()
    };
    assert_eq!(
        meanwhile("    meanwhile: [menu/to-a-person, beep]\n", "timeout: 3s"),
        "hears menu/to-a-person beep"
    );
    let person = "to billing, 0 needs more, priority 0";
    assert_eq!(meanwhile("    meanwhile: nothing\n", "timeout: 3s"), person);
    assert_eq!(meanwhile("", "timeout: 2s"), person, "it is over by then");
}

#[test]
fn an_answer_to_another_question_is_none_and_keys_are_kept_meanwhile() {
    let twice = MAIN.replace("  none: { hang_up: no such order }\n", "  none: { set: { order: \"47\" }, then: again }\n  again:\n    fetch: orders\n    send: { number: order, who: caller.number }\n    then: key\n    otherwise: person\n  key: { collect: more, digits: 1, then: person, otherwise: sent }\n");
    let center = center_of(&[("center.yaml", CENTER), ("main.yaml", &twice)]);
    let mut phone = asked(&center);
    let late = FlowEvent::Fetched { number: 1, result: FetchResult::Missing };
    phone.play("none");
    assert_eq!(phone.transcript.last().unwrap(), "asks http://localhost:9/api number=47 who=+12025550143");
    phone.tell(late);
    phone.play("5");
    assert_eq!(phone.transcript.last().unwrap(), "key 5");
    phone.says(&[]);
    assert!(phone.transcript.join("\n").ends_with("more = 5\nto billing, 0 needs more, priority 0"));
}

const TESTS: &str = "\
flow: main
services: { orders: { order.status: sent, order.days: 3, late: no } }
tests:
  an order that was sent:
    call: [{ keys: 4711 }]
    path: [order, look, which, sent]
    sets: { days: 3 }
    ends: { hang_up: sent }
  an order that is late:
    services: { orders: { order.status: sent, order.days: 3, late: yes } }
    call: [{ keys: 4711 }]
    ends: { queue: billing }
  an order that there is not:
    services: { orders: missing }
    call: [{ keys: 4711 }]
    ends: { hang_up: no such order }
  a service that is down:
    services: { orders: down }
    call: [{ keys: 4711 }]
    ends: { queue: billing }
    within: 30s
";

#[test]
fn tests_of_flows_say_what_services_answer() {
    let center = center();
    let mut coverage = Coverage::of(&center);
    let outcomes = test::run_file(&center, &super::prompts(), "main.yaml", TESTS, &mut coverage);
    let outcomes = outcomes.unwrap_or_else(|found| panic!("{}", in_words(&found)));
    assert_eq!(outcomes.len(), 4);
    for outcome in outcomes {
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, outcome.story());
    }
    assert_eq!(coverage.missing("main"), ["order: otherwise"]);
    let odd = TESTS.replace("orders: missing", "orders: gone");
    let found = test::run_file(&center, &super::prompts(), "main.yaml", &odd, &mut coverage).unwrap_err();
    assert_eq!(found[0].message, "no way for a service to be is called \"gone\"");
}

#[test]
fn the_explorer_meets_services_that_answer_that_have_nothing_and_that_are_down() {
    let (center, flow) = (center(), "main".into());
    let world = test::world(&center, &super::prompts(), "main.yaml", TESTS);
    let wall = crate::base::WallTime(0);
    let exploration =
        Exploration { center: &center, prompts: &super::prompts(), world: &world, flow: &flow, wall };
    let findings = exploration.run(2_000, 1);
    let exits = &findings.coverage.flows["main"].iter().find(|node| *node.name == *"look").unwrap().exits;
    assert!(exits.len() == 3 && exits.iter().all(|(_, count)| *count > 0), "{exits:?}");
}

/// What is said of the center's services and of this node, which begins in line 4.
#[track_caller]
fn said(services: &str, node: &str, expected: &[&str]) {
    let center =
        CENTER.replace("services: { orders: { at: \"http://localhost:9/api/\", timeout: 3s } }", services);
    let flow = format!(
        "flow: main\nstart: a\nnodes:\n  a: {node}\n  pin: {{ collect: pin, digits: 4, secret: yes, then: a, otherwise: person }}\n  \
         person: {{ enqueue: billing }}\n"
    );
    let found = match read(&[("center.yaml", &center), ("main.yaml", &flow)]) {
        Ok((_, warnings)) => warnings,
        Err(found) => found,
    };
    let words: Vec<String> = found
        .iter()
        .map(|one| format!("{}:{}:{}: {}", one.file, one.line, one.column, one.message))
        .collect();
    assert_eq!(words, expected);
}

const ORDERS: &str = "services: { orders: { at: \"https://orders.example/api\" } }";

#[test]
fn what_the_checker_says_of_services() {
    said(
        "services: { orders: { at: orders.example, timeout: 20s, tries: 9, headers_env: { \"a b\": X } } }",
        "{ fetch: orders, then: pin, otherwise: pin }",
        &[
            "center.yaml:2:13: a service has 10 s at most",
            "center.yaml:2:27: \"orders.example\" is not the address of a service",
            "center.yaml:2:64: this must be 1 to 5, got 9",
            "center.yaml:2:82: \"a b\" is not the name of a header",
            "main.yaml:4:15: no service is called \"orders\"",
        ],
    );
    said(
        ORDERS,
        "{ fetch: oders, path: orders, gives: { days: d as date }, then: pin, otherwise: pin }",
        &[
            "main.yaml:4:15: no service is called \"oders\"",
            "main.yaml:4:28: \"orders\" is not a path",
            "main.yaml:4:51: no kind of value is called \"date\"",
        ],
    );
}

#[test]
fn no_secret_is_sent_and_nothing_that_has_no_value() {
    said(
        ORDERS,
        "{ fetch: orders, send: { pin: pin }, then: pin, otherwise: pin }",
        &[
            "main.yaml:4:15: \"pin\" is secret: it is neither spoken, compared nor sent",
            "main.yaml:4:15: \"pin\" has no value yet on some way to \"a\"",
        ],
    );
    said(
        ORDERS,
        "{ fetch: orders, path: \"/{pin}\", then: pin, otherwise: pin }",
        &[
            "main.yaml:4:15: \"pin\" is secret: it is neither spoken, compared nor sent",
            "main.yaml:4:15: \"pin\" has no value yet on some way to \"a\"",
        ],
    );
    said(
        ORDERS,
        "{ fetch: orders, path: \"/{order}\", gives: { order: a }, then: pin, otherwise: person }",
        &["main.yaml:4:15: \"order\" has no value yet on some way to \"a\""],
    );
}
