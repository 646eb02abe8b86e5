//! Texts that are spoken: what a caller is to hear, and what the checker says of how they are written.

use super::Phone;
use super::center_of;
use super::in_words;
use super::read;
use crate::flow::Center;
use crate::flow::diagnostic::Diagnostic;
use crate::flow::rehearsal::coverage::Coverage;
use crate::flow::rehearsal::test;
use crate::flow::speech;

const CENTER: &str = "\
company: Juniper
languages: [en, es]
speech: { command: { en: \"speak -v 'en voice'\", es: \"speak -l {language}\" } }
services: { orders: { at: \"http://localhost:9/api\" } }
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

const MAIN: &str = "\
flow: main
start: hello
nodes:
  hello: { play: { say: { text: { en: Hello., es: Hola. } } }, then: look }
  look:
    fetch: orders
    gives: { status: status }
    then: tell
    otherwise: person
  tell:
    play: { say: { text: { en: \"It is {status}, {caller.name}.\", es: \"Está {status}.\" }, or: goodbye } }
    then: person
  person: { enqueue: billing }
";

fn center() -> Center {
    center_of(&[("center.yaml", CENTER), ("main.yaml", MAIN)])
}

fn short(found: &[Diagnostic]) -> String {
    let line = |one: &Diagnostic| {
        let hint = one.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}:{}:{}: {}{hint}", one.file, one.line, one.column, one.message)
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What is said of a flow that plays this, in a center that has `speech`.
#[track_caller]
fn said(speech: &str, play: &str, expected: &str) {
    let center = format!("company: Juniper\n{speech}numbers: {{ 1000: main }}\n");
    let main =
        format!("flow: main\nstart: a\nnodes:\n  a: {{ play: {play}, then: b }}\n  b: {{ hang_up: done }}\n");
    let found = read(&[("center.yaml", &center), ("main.yaml", &main)]);
    let told = found.map_or_else(|problems| short(&problems), |(_, warnings)| short(&warnings));
    assert_eq!(told, expected, "\n{told}");
}

const SPEAKS: &str = "speech: { command: speak }\n";

#[test]
fn a_text_is_called_by_what_it_says() {
    let center = center();
    let mut phone = Phone::dial(&center, "main", Some(super::ann()));
    phone.play(". answered .");
    let heard: Vec<&String> = phone.transcript.iter().filter(|line| line.starts_with("hears")).collect();
    assert_eq!(heard, ["hears \"Hello.\"", "hears \"It is 7, Ann.\" or goodbye"]);
    let speech = center.speech.as_ref().expect("it speaks");
    assert_eq!(speech.commands["en"], ["speak", "-v", "en voice"]);
    assert_eq!(speech.commands["es"], ["speak", "-l", "es"]);
}

#[test]
fn texts_without_variables_are_those_to_be_spoken_before_anybody_calls() {
    assert_eq!(speech::fixed(&center()), [("en".into(), "Hello.".into()), ("es".into(), "Hola.".into())]);
}

#[test]
fn what_a_service_says_is_spoken_up_to_a_length_and_without_its_control_characters() {
    let center = center();
    let tell = |status: String| {
        let mut phone = Phone::dial(&center, "main", None);
        phone.play(".");
        phone.says(&[crate::flow::model::Value::Text(status)]);
        phone.transcript.pop().expect("something is heard")
    };
    assert_eq!(tell("se\u{0}nt\n".into()), "hears \"It is sent, .\" or goodbye");
    assert_eq!(tell("x".repeat(speech::MOST)), "hears goodbye");
}

#[test]
fn a_test_says_what_is_spoken() {
    let file = "\
flow: main
services: { orders: { status: sent } }
tests:
  it is told:
    call:
      - hears: { text: Hello. }
      - hears: [{ text: \"It is sent, .\" }]
    ends: { queue: billing }
  it is another:
    call: [{ hears: { text: Good day. } }]
    ends: { queue: billing }
";
    let center = center();
    let run = test::run_file(&center, &super::prompts(), "main.yaml", file, &mut Coverage::of(&center));
    let outcomes = run.unwrap_or_else(|found| panic!("{}", in_words(&found)));
    let failures: Vec<Option<String>> =
        outcomes.iter().map(|outcome| outcome.failure.as_ref().map(|one| one.message.clone())).collect();
    assert_eq!(failures, [None, Some("it is another: heard \"Hello.\", not \"Good day.\"".to_owned())]);
    assert!(outcomes[0].lasted.as_millis() > 500, "speaking takes time: {:?}", outcomes[0].lasted);
}

#[test]
fn a_center_that_does_not_speak() {
    said(
        "",
        "{ say: { text: Hello } }",
        "main.yaml:4:21: nothing speaks texts in this center (add \"speech: { command: … }\" to center.yaml)",
    );
    said(
        "languages: [en, es]\nspeech: { command: { en: speak } }\n",
        "{ say: { text: { en: Hello, es: Hola } } }",
        "main.yaml:4:21: nothing speaks \"es\" in this center (add its command to \"speech\" in center.yaml)",
    );
}

#[test]
fn a_text_that_is_not_there_in_every_language() {
    let both = "languages: [en, es]\nspeech: { command: speak }\n";
    said(
        both,
        "{ say: { text: Hello } }",
        "main.yaml:4:29: callers are spoken to in several languages, and this text is in one (write { en: \"…\", es: \"…\" })",
    );
    said(both, "{ say: { text: { en: Hello } } }", "main.yaml:4:29: this text is not there in \"es\"");
    said(
        both,
        "{ say: { text: { en: Hello, es: Hola, fr: Salut } } }",
        "main.yaml:4:52: no language is called \"fr\" (there is en, es)",
    );
}

#[test]
fn a_text_that_differs_from_call_to_call_has_a_recording_beside_it() {
    said(
        SPEAKS,
        "{ say: { text: \"You called {dialled}\" } }",
        "main.yaml:4:21: this text differs from call to call, and is spoken while the caller waits \
         (add \"or: a recording\" for when it cannot be spoken)",
    );
}

#[test]
fn a_text_that_cannot_be_read() {
    said(
        SPEAKS,
        "{ say: { text: \"You called {dialled\", or: goodbye } }",
        "main.yaml:4:29: a brace has no other half here (a variable stands between { and })",
    );
    said(
        SPEAKS,
        "{ say: { text: \"It is {order}\", or: goodbye } }",
        "main.yaml:4:21: no variable is called \"order\" (there is caller.number, caller.known, caller.name, \
         caller.account, verified, verified_by, language, dialled)",
    );
    let long = format!("{{ say: {{ text: \"{}\" }} }}", "x".repeat(501));
    said(SPEAKS, &long, "main.yaml:4:29: a text has at most 500 characters, this one 501");
    said(
        SPEAKS,
        "{ say: { text: Hello, as: digits } }",
        "main.yaml:4:36: \"as\" means nothing here (known here: text, or)",
    );
}

#[test]
fn a_secret_is_in_no_text() {
    let main = "flow: main\nstart: a\nnodes:\n\
                \x20 a: { collect: card, digits: 4, secret: yes, then: b, otherwise: c }\n\
                \x20 b: { play: { say: { text: \"It is {card}\", or: goodbye } }, then: c }\n\
                \x20 c: { hang_up: done }\n";
    let center = format!("company: x\n{SPEAKS}numbers: {{ 1: main }}\n");
    let found = read(&[("center.yaml", &center), ("main.yaml", main)]).expect_err("a secret is spoken");
    assert_eq!(short(&found), "main.yaml:5:21: \"card\" is secret: it is neither spoken, compared nor sent");
}

#[test]
fn a_command_that_cannot_be_read() {
    let center = |speech: &str, expected: &str| said(speech, "goodbye", expected);
    center(
        "speech: { command: \"speak 'open\" }\n",
        "center.yaml:2:20: this command has a quotation mark without another (a \\ before it takes it as it is)",
    );
    center(
        "speech: { command: \"speak {text}\" }\n",
        "center.yaml:2:20: a command knows {language} and nothing else (the text comes on the standard input, and a \
         WAV file is expected on the standard output)",
    );
    center(
        "speech: { command: speak, timeout: 11s }\n",
        "center.yaml:2:9: a text has 10 s at most (a caller hears nothing meanwhile)",
    );
    center(
        "speech: { command: { fr: speak } }\n",
        "center.yaml:2:22: no language is called \"fr\" (there is en)",
    );
}
