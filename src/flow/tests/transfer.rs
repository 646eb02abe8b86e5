//! Callers for whom a flow calls somebody.

use super::Phone;
use super::center_of;
use super::in_words;
use super::read;
use super::read_back;
use crate::flow::Center;
use crate::flow::rehearsal::coverage::Coverage;
use crate::flow::rehearsal::test;

const CENTER: &str = "\
company: Juniper
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
trunks: { provider: { out: \"192.0.2.7:5060\" } }
";

const NUMBER: &str = "{ transfer: \"+12025550199\", caller_id: \"+12025550100\", ring: 20s, ended: rate, \
                      no_answer: person, busy: busy, refused: refused }";

fn files(node: &str) -> String {
    format!(
        "flow: main\nstart: a\nnodes:\n  a: {node}\n  person: {{ enqueue: billing }}\n  \
         busy: {{ hang_up: busy }}\n  refused: {{ hang_up: refused }}\n  rate: {{ hang_up: rated }}\n"
    )
}

fn center(node: &str) -> Center {
    center_of(&[("center.yaml", CENTER), ("main.yaml", &files(node))])
}

#[track_caller]
fn meets(node: &str, script: &str, expected: &[&str]) {
    let center = center(node);
    let mut phone = Phone::dial(&center, "main", None);
    for word in script.split_whitespace() {
        phone.play(word);
        phone.run = read_back(&phone.run);
    }
    assert_eq!(phone.transcript[1..], *expected, "{script}");
}

const CALLS: &str = "calls +12025550199 as +12025550100";
const PERSON: &str = "to billing, 0 needs more, priority 0";

#[test]
fn the_caller_goes_on_by_what_became_of_whom_was_called() {
    meets(NUMBER, "picks-up parts", &[CALLS, "hangs up: rated"]);
    meets(NUMBER, "busy", &[CALLS, "hangs up: busy"]);
    meets(NUMBER, "refuses", &[CALLS, "hangs up: refused"]);
    meets(NUMBER, "not-there", &[CALLS, PERSON]);
    meets(NUMBER, "~", &[CALLS, "calls no more", PERSON]);
    // Whoever talks for ever is hung up on one day.
    meets(NUMBER, "picks-up ~", &[CALLS, "calls no more", "hangs up: rated"]);
    let plain = "{ transfer: \"0301234\", no_answer: person }";
    for word in ["busy", "refuses", "not-there"] {
        meets(plain, word, &["calls 0301234", PERSON]);
    }
    meets(plain, "picks-up parts", &["calls 0301234", "hangs up: transferred"]);
}

#[test]
fn an_agent_is_called_alone_and_by_a_queues_rules() {
    let node = "{ transfer: { agent: alice, queue: billing }, no_answer: person, busy: busy }";
    meets(node, "not-there", &["calls alice by billing", PERSON]);
    meets(node, "busy", &["calls alice by billing", "hangs up: busy"]);
    meets(node, "~", &["calls alice by billing", "calls no more", PERSON]);
}

#[test]
fn tests_say_what_becomes_of_whom_is_called() {
    let center = center(NUMBER);
    let tests = "flow: main\ntests:\n  talks: { ends: { hang_up: rated } }\n  \
                 busy: { called: is busy, ends: { hang_up: busy } }\n  \
                 refused: { called: refuses, ends: { hang_up: refused } }\n  \
                 rings: { called: rings, ends: { queue: billing }, within: 20s }\n";
    let mut coverage = Coverage::of(&center);
    let outcomes = test::run_file(&center, &super::prompts(), "main.yaml", tests, &mut coverage);
    let outcomes = outcomes.unwrap_or_else(|found| panic!("{}", in_words(&found)));
    for outcome in &outcomes {
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, outcome.story());
    }
    assert_eq!(outcomes.len(), 4);
    let node = "{ transfer: { agent: alice, queue: billing }, ended: rate, no_answer: person }";
    let found = read(&[("center.yaml", CENTER), ("main.yaml", &files(node))]).unwrap_err();
    assert!(found[0].message.contains("\"ended\" means nothing here"), "{}", in_words(&found));
}
