//! The examples of `docs/FLOWS.md` are in order, and there is one for every type of node.

use super::in_words;
use super::read;
use crate::flow::KINDS;
use crate::flow::rehearsal::coverage::Coverage;
use crate::flow::rehearsal::test;

const DOCS: &str = include_str!("../../../docs/FLOWS.md");

const CENTER: &str = "\
company: Juniper
languages: [en, es]
speech: { command: \"espeak-ng -v {language} --stdout\" }
numbers: { 1000: main }
hours: { office: { mon-fri: 08:00-18:00 } }
services: { orders: { at: \"http://127.0.0.1:9000\" } }
bots: { assistant: { at: \"ws://127.0.0.1:9001\" } }
announcements: { outage: { play: goodbye } }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } }, bob: { skills: { billing: 3 } } }
trunks: { provider: { out: \"192.0.2.7:5060\" } }
";

/// A flow that is called by the example of `call`.
const IDENTIFY: &str = "\
flow: identify
takes: { number: text }
gives: { tier: text }
start: choose
nodes:
  choose: { set: { tier: gold }, then: which }
  which: { branch: [{ if: verified, then: yes_they_are }], otherwise: no_they_are_not }
  yes_they_are: { return: proven }
  no_they_are_not: { return: unproven }
";

/// The YAML examples, in order.
fn examples() -> Vec<&'static str> {
    let blocks = DOCS.split("```yaml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default()).collect()
}

/// A flow around an example of one node.
fn around(node: &str) -> String {
    let mut text = String::from("flow: example\nstart: example\nnodes:\n  example:\n");
    for line in node.lines() {
        text.push_str(&format!("    {line}\n"));
    }
    for (name, node) in [("next", "{ enqueue: billing }"), ("person", "{ enqueue: billing }")] {
        text.push_str(&format!("  {name}: {node}\n"));
    }
    text.push_str("  end: { hang_up: done }\n");
    text
}

#[test]
fn every_example_of_the_reference_is_in_order() {
    let main = "flow: main\nstart: a\nnodes:\n  a: { hang_up: done }\n";
    for example in examples() {
        let files = match example {
            center if center.starts_with("company:") => vec![("center.yaml", center), ("main.yaml", main)],
            // Tests have a test of their own.
            tests if tests.contains("\ntests:\n") => continue,
            flow if flow.starts_with("flow:") => {
                vec![("center.yaml", CENTER), ("main.yaml", main), ("example.yaml", flow)]
            }
            node => {
                assert!(node.starts_with("# node\n"), "{node}");
                let flow = around(node);
                let files = [
                    ("center.yaml", CENTER),
                    ("main.yaml", main),
                    ("identify.yaml", IDENTIFY),
                    ("example.yaml", &flow),
                ];
                if let Err(found) = read(&files) {
                    panic!("{}", in_words(&found));
                }
                continue;
            }
        };
        if let Err(found) = read(&files) {
            panic!("{}", in_words(&found));
        }
    }
}

#[test]
fn every_type_of_node_has_its_section_and_example() {
    for (kind, _) in KINDS {
        let section = DOCS.split(&format!("\n### {kind}\n")).nth(1);
        let section = section.unwrap_or_else(|| panic!("no section on {kind}"));
        let section = section.split("\n### ").next().unwrap_or_default();
        assert!(section.contains(&format!("# node\n{kind}:")), "no example of {kind}");
    }
}

#[test]
fn the_example_of_a_test_file_passes() {
    let center = super::demo();
    let example = examples().into_iter().find(|example| example.contains("\ntests:\n")).expect("an example");
    let mut coverage = Coverage::of(&center);
    let outcomes = test::run_file(&center, &super::prompts(), "main.yaml", example, &mut coverage);
    let outcomes = outcomes.unwrap_or_else(|found| panic!("{}", in_words(&found)));
    assert_eq!(outcomes.len(), 2);
    for outcome in outcomes {
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, outcome.story());
    }
}
