//! Forms by which talks are judged, and what must not stand in one.

use std::time::Duration;

use super::center_of;
use super::harm::found;
use crate::fact::evaluation::FilledBy;
use crate::fact::evaluation::Form;
use crate::fact::evaluation::Item;
use crate::fact::evaluation::Rule;
use crate::fact::evaluation::Sample;

const CENTER: &str = "\
company: Juniper
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

const MAIN: &str = "flow: main\nstart: a\nnodes:\n  a: { enqueue: billing }\n";

#[test]
fn a_form_asks_people_and_reads_facts() {
    let forms = "\
evaluations:
  talk:
    items:
      listened: { ask: How well did they listen?, points: 5 }
      greeted: { ask: \"Greeted, and said their name?\" }
      verified: { from: verified the caller, queues: [billing], points: 2 }
      asked: { from: asked before hold }
    sample: { talks: 2, at_least: 1m }
  short: { items: { greeted: { ask: Greeted? } } }
";
    let center = center_of(&[("center.yaml", &format!("{CENTER}{forms}")), ("main.yaml", MAIN)]);
    let hand = |name: &str, question: &str, points| Item {
        name: name.into(),
        filled: FilledBy::Hand { question: question.to_owned() },
        points,
    };
    let facts = |name: &str, rule, queues: &[&str], points| Item {
        name: name.into(),
        filled: FilledBy::Facts { rule, queues: queues.iter().map(|queue| (*queue).into()).collect() },
        points,
    };
    let talk = Form {
        name: "talk".into(),
        items: vec![
            hand("listened", "How well did they listen?", 5),
            hand("greeted", "Greeted, and said their name?", 1),
            facts("verified", Rule::VerifiedTheCaller, &["billing"], 2),
            facts("asked", Rule::AskedBeforeHold, &[], 1),
        ],
        sample: Some(Sample { talks: 2, at_least: Duration::from_secs(60) }),
    };
    let short = Form { name: "short".into(), items: vec![hand("greeted", "Greeted?", 1)], sample: None };
    assert_eq!(center.evaluations, [talk, short]);
}

#[test]
fn what_nobody_can_fill_in_is_no_form() {
    let said = |forms: &str| found(&[("center.yaml", &format!("{CENTER}{forms}")), ("main.yaml", MAIN)]);
    for (forms, expected) in [
        ("evaluations: [talk]\n", "evaluations are written as \"name: …\""),
        ("evaluations: { talk: { items: [a] } }\n", "the items of a form are written as \"name: …\""),
        (
            "evaluations: { talk: { items: { a: { points: 3 } } } }\n",
            "an item is either asked of a person, or read from the facts",
        ),
        (
            "evaluations: { talk: { items: { a: { ask: Well?, from: picked up } } } }\n",
            "an item is either asked of a person, or read from the facts",
        ),
        (
            "evaluations: { talk: { items: { a: { from: picked it up } } } }\n",
            "no rule of evaluations is called \"picked it up\"",
        ),
        ("evaluations: { talk: { items: { a: { from: picked up, queues: [sales] } } } }\n", "sales"),
    ] {
        let found = said(forms);
        assert!(found.contains(expected), "{forms}{found}");
    }
}
