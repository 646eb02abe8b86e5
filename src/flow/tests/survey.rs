//! What callers are asked after their talk, and what a survey must not do.

use super::Phone;
use super::center_of;
use super::harm::found;
use super::in_words;
use super::read_back;
use crate::flow::Center;
use crate::flow::rehearsal::coverage::Coverage;
use crate::flow::rehearsal::test;

const CENTER: &str = "\
company: Juniper
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3, survey: after_talk } }
agents: { alice: { skills: { billing: 7 } } }
";

const MAIN: &str = "flow: main\nstart: a\nnodes:\n  a: { enqueue: billing }\n";

const AFTER: &str = "\
flow: after_talk
start: satisfied
nodes:
  satisfied:
    survey: satisfied
    prompt: survey/satisfied
    no_input: menu/no-input
    no_match: menu/no-match
    then: solved
    otherwise: thanks
  solved: { survey: solved, prompt: survey/solved, answers: 0 to 1, settled: 1, tries: 1, then: thanks, otherwise: thanks }
  thanks: { hang_up: asked, after: survey/thanks }
";

fn center() -> Center {
    center_of(&[("center.yaml", CENTER), ("main.yaml", MAIN), ("after_talk.yaml", AFTER)])
}

#[track_caller]
fn meets(script: &str, expected: &[&str]) {
    let center = center();
    let mut phone = Phone::dial(&center, "after_talk", None);
    for word in script.split_whitespace() {
        phone.play(word);
        phone.run = read_back(&phone.run);
    }
    let met: Vec<&str> =
        phone.transcript.iter().map(String::as_str).filter(|met| *met != "answered").collect();
    assert_eq!(met, *expected, "{script}");
}

const THANKS: [&str; 2] = ["hears survey/thanks", "hangs up: asked"];

#[test]
fn an_answer_is_a_key_from_the_lowest_to_the_highest() {
    let (first, second) = ("hears survey/satisfied", "hears survey/solved");
    let answered = ["key 4", "answers 4 to satisfied"];
    meets(
        ". 4 1 .",
        &[
            first,
            answered[0],
            answered[1],
            second,
            "key 1",
            "answers 1 to solved: settled",
            THANKS[0],
            THANKS[1],
        ],
    );
    let not = ["key 0", "answers 0 to solved: not settled", THANKS[0], THANKS[1]];
    meets(". 4 0 .", &[[first, answered[0], answered[1], second].as_slice(), &not].concat());
    // Outside of it a key is none, and the second question has one try.
    meets(
        ". 6 . 4 . 2 .",
        &[
            first,
            "key 6",
            "6 is no choice at satisfied",
            "hears menu/no-match survey/satisfied",
            answered[0],
            answered[1],
            second,
            "key 2",
            "2 is no choice at solved",
            THANKS[0],
            THANKS[1],
        ],
    );
}

#[test]
fn a_silent_caller_is_asked_once_more_and_then_thanked() {
    meets(
        ". ~ . ~ .",
        &[
            "hears survey/satisfied",
            "silence at satisfied",
            "hears menu/no-input survey/satisfied",
            "silence at satisfied",
            THANKS[0],
            THANKS[1],
        ],
    );
}

#[test]
fn some_answers_settle_it_and_not_all() {
    let told = |settled: &str| {
        let after = AFTER.replace("settled: 1,", &format!("settled: {settled},"));
        let files = [("center.yaml", CENTER), ("main.yaml", MAIN), ("after_talk.yaml", &after)];
        found(&files)
    };
    assert_eq!((told("1"), told("0")), (String::new(), String::new()));
    assert_eq!(
        told("2"),
        "after_talk.yaml:11:78: error: \"2\" is none of the answers, which are 0 to 1 (write the key of a yes, as \"settled: 1\")"
    );
    assert_eq!(
        told("0 or 1"),
        "after_talk.yaml:11:78: error: by every answer it would be settled (leave out the keys of a no)"
    );
}

#[test]
fn tests_of_flows_see_what_was_answered_and_cover_every_exit() {
    let center = center();
    let tests = "\
flow: after_talk
tests:
  who is happy says so:
    call: [{ hears: survey/satisfied }, { keys: 5 }, { hears: survey/solved }, { keys: 1 }]
    ends: { hang_up: asked }
  who says nothing is thanked as well:
    ends: { hang_up: asked }
";
    let mut coverage = Coverage::of(&center);
    let outcomes = test::run_file(&center, &super::prompts(), "after_talk.yaml", tests, &mut coverage);
    let outcomes = outcomes.unwrap_or_else(|found| panic!("{}", in_words(&found)));
    assert!(outcomes.iter().all(|outcome| outcome.failure.is_none()), "{}", outcomes[0].story());
    assert!(outcomes[0].story().contains("answers 5 to satisfied"), "{}", outcomes[0].story());
}
