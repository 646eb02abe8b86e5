//! Callers who are asked whether they may be recorded: once, and silence is no.

use super::Phone;
use super::center_of;
use crate::flow::Center;

const CENTER: &str = "\
company: Juniper
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

const MAIN: &str = "\
flow: main
start: ask
nodes:
  ask: { consent: menu/main, yes: again, no: again, no_input: again }
  again: { consent: long, yes: yes, no: no, no_input: no }
  yes: { hang_up: agreed }
  no: { enqueue: billing }
";

fn center() -> Center {
    center_of(&[("center.yaml", CENTER), ("main.yaml", MAIN)])
}

#[track_caller]
fn meets(script: &str, expected: &[&str]) {
    let center = center();
    let mut phone = Phone::dial(&center, "main", None);
    phone.play(script);
    assert_eq!(phone.transcript, expected);
}

const TO_BILLING: &str = "to billing, 0 needs more, priority 0";

#[test]
fn who_has_answered_is_not_asked_again() {
    let yes = "RecordingAnswered { answer: Yes }";
    meets(". 1", &["answered", "hears menu/main", "key 1", yes, "recorded: true", "hangs up: agreed"]);
    let no = "RecordingAnswered { answer: No }";
    meets("2", &["answered", "hears menu/main", "key 2", no, "recorded: false", TO_BILLING]);
}

#[test]
fn silence_and_what_is_no_answer_are_a_no_after_the_last_try() {
    meets(
        ". ~ . 7",
        &[
            "answered",
            "hears menu/main",
            "silence at ask",
            "hears menu/main",
            "key 7",
            "7 is no choice at ask",
            "RecordingAnswered { answer: Silent }",
            "recorded: false",
            TO_BILLING,
        ],
    );
}

#[test]
fn a_caller_who_hangs_up_has_not_agreed() {
    let center = center();
    let mut phone = Phone::dial(&center, "main", None);
    phone.play(". bye");
    assert!(phone.run.is_over());
    assert!(!phone.transcript.iter().any(|line| line.starts_with("recorded")), "{:?}", phone.transcript);
}
