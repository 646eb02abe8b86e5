//! What a queue lets its agents hear before they have a caller.

use std::time::Duration;

use super::center_of;
use super::harm::CENTER;
use super::harm::END;
use super::harm::center;
use crate::flow::Center;
use crate::flow::speech;
use crate::flow::whisper::Whispered;

const SPEECH: &str = "speech: { command: \"speak -l {language}\" }\n";

fn with(whisper: &str) -> String {
    CENTER.replace("{ needs: billing >= 3 }", &format!("{{ needs: billing >= 3, whisper: {whisper} }}"))
}

fn loaded(whisper: &str, more: &str) -> Center {
    center_of(&[("center.yaml", &format!("{}{more}", with(whisper))), ("main.yaml", END)])
}

fn heard(center: &Center, secs: u64) -> String {
    let call = Whispered {
        queue: "billing",
        waited: Duration::from_secs(secs),
        chosen: vec!["invoices", "refund"],
        number: "+12025550143",
        dialled: "1000",
        name: "Ann Smith",
        served: None,
    };
    let prompts = center.talk[0].whisper.prompts(center, &call);
    prompts.iter().map(|name| &**name).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_whisper_says_how_long_the_caller_waited_in_whole_minutes() {
    let center = loaded("[menu/main, { say: waited, as: duration }]", "");
    assert_eq!(heard(&center, 40), "menu/main numbers/40 units/seconds");
    assert_eq!(heard(&center, 119), "menu/main numbers/1 units/minute");
    assert_eq!(heard(&center, 150), "menu/main numbers/2 units/minutes");
    assert!(center_of(&[("center.yaml", CENTER), ("main.yaml", END)]).talk[0].whisper.is_empty());
}

#[test]
fn a_text_says_what_is_known_of_the_call_and_a_fixed_one_is_spoken_beforehand() {
    let text = "{ say: { text: \"{queue}, {waited}, {chosen}, {caller.name}.\", or: menu/main } }";
    let center = loaded(text, SPEECH);
    assert_eq!(heard(&center, 61), "\"billing, 1 minute, invoices, refund, Ann Smith.\" or menu/main");
    let fixed = loaded("[{ say: { text: Billing. } }, { say: caller.name }]", SPEECH);
    assert_eq!(heard(&fixed, 1), "\"Billing.\" \"Ann Smith\"");
    assert_eq!(speech::fixed(&fixed), [("en".into(), "Billing.".to_owned())]);
    let spanish = format!("language: es\n{}{SPEECH}", with("{ say: { text: \"{waited}\", or: menu/main } }"));
    let spanish = center_of(&[("center.yaml", &spanish), ("main.yaml", END)]);
    assert_eq!(
        [1, 61].map(|secs| heard(&spanish, secs)).join(", "),
        "\"1 segundo\" or menu/main, \"1 minuto\" or menu/main"
    );
}

#[test]
fn agents_are_spoken_to_in_one_language_whatever_callers_are() {
    let languages = "languages: [en, es]\n";
    let center = loaded("{ say: { text: Billing. } }", &format!("{languages}{SPEECH}"));
    assert_eq!(heard(&center, 1), "\"Billing.\"");
}

#[test]
fn a_whisper_that_cannot_be_said_is_not_served() {
    let text =
        |text: &str| format!("{}{SPEECH}", with(&format!("{{ say: {{ text: {text}, or: menu/main }} }}")));
    let of_whisper = "(there is waited, queue, chosen, caller.name, caller.number, dialled)";
    center(&with("menu/main"), "");
    center(
        &with("queues/billing"),
        "center.yaml:4:52: error: no prompt is called \"queues/billing\" (record it as prompts/en/queues/billing.wav)",
    );
    center(
        &with("{ say: waited }"),
        "center.yaml:4:52: error: a wait is said as a time ({ say: waited, as: duration })",
    );
    center(
        &with("{ say: chosen }"),
        "center.yaml:4:52: error: \"chosen\" cannot be said by recordings \
         (a text can: say: { text: \"{chosen}\", or: a recording })",
    );
    center(
        &with("{ say: pin }"),
        &format!("center.yaml:4:52: error: no variable of a whisper is called \"pin\" {of_whisper}"),
    );
    center(
        &text("\"{pin}\""),
        &format!("center.yaml:4:59: error: no variable of a whisper is called \"pin\" {of_whisper}"),
    );
    center(
        &with("{ say: caller.number, as: money }"),
        "center.yaml:4:52: error: \"caller.number\" cannot be said that way",
    );
    center(
        &text(&"Ten seconds. ".repeat(9)),
        "center.yaml:4:52: warning: a caller waits 7 s longer for this (say it in 5 s)",
    );
}
