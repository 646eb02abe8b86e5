//! Questions that are put again, several keys for one choice, and names that are said.

use super::Phone;
use super::ann;
use super::center_of;
use super::read;
use crate::flow::api::Customer;

const CENTER: &str = "\
company: Juniper
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

fn flow(node: &str) -> String {
    format!(
        "flow: main\nstart: a\nnodes:\n  a: {{ {node} }}\n  q: {{ enqueue: billing }}\n  e: {{ hang_up: done }}\n"
    )
}

/// What a caller hears who does this.
fn hears(center: &str, node: &str, customer: Option<Customer>, script: &str) -> Vec<String> {
    let center = center_of(&[("center.yaml", center), ("main.yaml", &flow(node))]);
    let mut phone = Phone::dial(&center, "main", customer);
    phone.play(script);
    phone
        .transcript
        .retain(|line| line.starts_with("hears ") || line.starts_with("to ") || line.starts_with("hangs"));
    phone.transcript
}

/// What the checker finds wrong.
fn said(node: &str) -> Vec<String> {
    let found = read(&[("center.yaml", CENTER), ("main.yaml", &flow(node))]);
    let errors = found.err().unwrap_or_default();
    errors.iter().filter(|one| one.is_error()).map(|one| format!("{}: {}", one.column, one.message)).collect()
}

const MENU: &str = "menu: menu/main, choices: { 1 or 2: e, 0: q }, no_input: { first: menu/no-input, second: \
                    [beep, long] }, no_match: menu/no-match, tries: 5, otherwise: q";

#[test]
fn other_words_are_heard_from_try_to_try_and_the_last_ones_from_then_on() {
    let met = hears(CENTER, MENU, None, ". ~ . ~ . ~ . ~ . ~");
    let again = "hears beep long menu/main";
    assert_eq!(
        met,
        [
            "hears menu/main",
            "hears menu/no-input menu/main",
            again,
            again,
            again,
            "to billing, 0 needs more, priority 0"
        ]
    );
    // A try is a try, in whichever way it failed.
    let met = hears(CENTER, MENU, None, ". 9 . ~ . 9");
    assert_eq!(met[1..], ["hears menu/no-match menu/main", again, "hears menu/no-match menu/main"]);
    let collect = "collect: it, digits: 2, prompt: long, no_match: { first: beep, second: menu/no-match }, then: e, \
                   otherwise: q";
    let met = hears(CENTER, collect, None, ". 1# . 1# . 1#");
    assert_eq!(
        met,
        ["hears long", "hears beep long", "hears menu/no-match long", "to billing, 0 needs more, priority 0"]
    );
}

#[test]
fn several_keys_are_one_choice() {
    for (key, end) in
        [("1", "hangs up: done"), ("2", "hangs up: done"), ("0", "to billing, 0 needs more, priority 0")]
    {
        assert_eq!(hears(CENTER, MENU, None, &format!(". {key}")), ["hears menu/main", end]);
    }
}

#[test]
fn tries_that_nobody_makes_and_keys_that_are_two_choices_are_told() {
    let menu = |more: &str| format!("menu: menu/main, choices: {{ 0: q }}, {more}, otherwise: q");
    assert_eq!(
        said(&menu("no_input: { first: beep, second: long }, tries: 2")),
        ["69: the question is put 2 times, and nothing is heard after the second of them"]
    );
    assert_eq!(said(&menu("no_input: { second: long }")), ["54: \"first\" is missing here"]);
    assert_eq!(
        said(&menu("no_match: { first: beep, third: long }, tries: 4")),
        ["54: \"second\" is missing here"]
    );
    assert_eq!(said(&menu("no_match: { first: beep, secnd: long }")), ["69: \"secnd\" means nothing here"]);
    assert_eq!(
        said("menu: menu/main, choices: { 1 or 0: q, 1: q, 3 or x: e }, otherwise: q"),
        ["47: the key 1 is a choice already", "53: \"x\" is not a key of a telephone"]
    );
}

#[test]
fn a_name_is_heard_as_it_was_recorded_else_spoken_else_not_at_all() {
    let node = "play: [greeting/welcome-back, { say: caller.name }], then: e";
    let speaks = format!("{CENTER}speech: {{ command: speak }}\n");
    let unrecorded = Customer { name_prompt: None, name: "Ann O'Neill".into(), ..ann() };
    let first = |center: &str, customer| hears(center, node, customer, "").remove(0);
    assert_eq!(first(&speaks, Some(ann())), "hears greeting/welcome-back names/ann");
    assert_eq!(first(&speaks, Some(unrecorded.clone())), "hears greeting/welcome-back \"Ann O'Neill\"");
    assert_eq!(first(CENTER, Some(unrecorded)), "hears greeting/welcome-back");
    assert_eq!(first(&speaks, None), "hears greeting/welcome-back");
    let other = "play: { say: who, as: name }, then: e";
    let set = format!("set: {{ who: Bob }}, then: b }}\n  b: {{ {other}");
    assert_eq!(hears(&speaks, &set, None, "")[0], "hears \"Bob\"");
    assert_eq!(said(&set), ["14: nothing speaks names in this center"]);
}
