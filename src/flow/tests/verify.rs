//! Callers who prove who they are by date of birth, or by a code that is sent to them; and what of it is told.

use super::Phone;
use super::ann;
use super::center_of;
use super::in_words;
use super::read;
use crate::flow::Center;
use crate::flow::rehearsal::coverage::Coverage;
use crate::flow::rehearsal::test;

const CENTER: &str = "\
company: Juniper
services: { text: { at: \"http://localhost:9/sms\" } }
numbers: { 1000: by_date, 1001: by_code }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

const BY_DATE: &str = "\
flow: by_date
start: who
nodes:
  who:
    verify: account and birth date
    ask_account: verify/enter-account
    ask_birth_date: menu/main
    order: day first
    wrong: verify/wrong
    verified: known
    failed: person
    locked: person
    no_input: person
    unavailable: person
  known: { branch: [{ if: verified_by == 'birth date', then: more }], otherwise: person }
  more:
    verify: account and pin
    ask_account: verify/enter-account
    ask_pin: verify/enter-pin
    wrong: verify/wrong
    verified: again
    failed: person
    locked: person
    no_input: person
    unavailable: person
  again:
    verify: account and birth date
    ask_account: verify/enter-account
    ask_birth_date: menu/main
    wrong: verify/wrong
    verified: end
    failed: person
    locked: person
    no_input: person
    unavailable: person
  end: { hang_up: proven }
  person: { enqueue: billing }
";

const BY_CODE: &str = "\
flow: by_code
start: who
nodes:
  who:
    verify: one-time code
    send: text
    path: /codes
    ask_account: verify/enter-account
    ask_code: menu/main
    wrong: verify/wrong
    tries: 2
    verified: end
    failed: person
    locked: person
    no_input: person
    unavailable: down
  end: { hang_up: proven }
  down: { hang_up: down }
  person: { enqueue: billing }
";

fn center() -> Center {
    let files = [("center.yaml", CENTER), ("by_date.yaml", BY_DATE), ("by_code.yaml", BY_CODE)];
    center_of(&files)
}

#[track_caller]
fn ends(flow: &str, known: bool, script: &str, expected: &[&str]) {
    let center = center();
    let mut phone = Phone::dial(&center, flow, known.then(ann));
    phone.play(script);
    let told = phone.transcript.iter().filter(|line| !line.starts_with("key"));
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[test]
fn a_date_of_birth_proves_less_than_a_pin_and_neither_is_asked_for_twice() {
    ends(
        "by_date",
        true,
        "24121980# ok 4711# ok",
        &[
            "answered",
            "is Ann",
            "hears menu/main",
            "verify 100200 with 10 characters of a date",
            "is Ann",
            "verification: VerifiedByBirthDate",
            "hears verify/enter-pin",
            "verify 100200 with 4 digits",
            "is Ann",
            "verification: VerifiedByPin",
            "hangs up: proven",
        ],
    );
}

#[test]
fn what_is_no_date_does_not_fit_and_the_verifier_is_not_asked() {
    ends(
        "by_date",
        true,
        "30021980#",
        &["answered", "is Ann", "hears menu/main", "try 1 did not fit", "hears verify/wrong menu/main"],
    );
}

#[test]
fn a_code_is_sent_for_each_try_to_whoever_the_account_belongs_to() {
    let sends = "asks http://localhost:9/sms/codes account=100200 number=+12025550143 language=en";
    ends(
        "by_code",
        true,
        "answered 123456# wrong none 654321# ok",
        &[
            "answered",
            "is Ann",
            sends,
            "hears menu/main",
            "verify 100200 with 6 digits of a code",
            "try 1 did not fit",
            sends,
            "hears verify/wrong menu/main",
            "verify 100200 with 6 digits of a code",
            "is Ann",
            "verification: VerifiedByCode",
            "hangs up: proven",
        ],
    );
    ends(
        "by_code",
        true,
        "fails",
        &["answered", "is Ann", sends, "verification: Unavailable", "hangs up: down"],
    );
    ends("by_code", true, "~", &["answered", "is Ann", sends, "verification: Unavailable", "hangs up: down"]);
}

#[test]
fn neither_a_date_nor_a_code_is_told_anywhere() {
    let center = center();
    for (flow, script, secret) in
        [("by_date", "24121980# wrong bye", "1980"), ("by_code", "answered 918273# wrong bye", "918273")]
    {
        let mut phone = Phone::dial(&center, flow, Some(ann()));
        phone.seen = Some(String::new());
        phone.play(script);
        let seen = phone.seen.take().expect("asked for");
        assert!(seen.contains("Verify { account") && !seen.contains(secret), "{flow}: {seen}");
    }
}

#[test]
fn tests_of_flows_know_dates_of_birth_and_the_code() {
    let file = |flow: &str, keys: &str| {
        format!(
            "flow: {flow}\nservices: {{ text: {{ sent: yes }} }}\ncustomers:\n  ann: {{ account: \"100200\", pin: \"4711\", \
             name: Ann, number: \"+12025550143\", birth_date: \"1980-12-24\" }}\ntests:\n  proven:\n    from: ann\n    \
             call: [{keys}]\n    ends: {{ hang_up: proven }}\n"
        )
    };
    let center = center();
    for (flow, keys) in
        [("by_date", "{ keys: 24121980# }, { keys: 4711# }"), ("by_code", "{ keys: 123456# }")]
    {
        let text = file(flow, keys);
        let run = test::run_file(&center, &super::prompts(), "t.yaml", &text, &mut Coverage::of(&center));
        let outcomes = run.unwrap_or_else(|found| panic!("{}", in_words(&found)));
        assert!(outcomes[0].failure.is_none(), "{:?}\n{}", outcomes[0].failure, outcomes[0].story());
    }
}

#[test]
fn a_way_to_verify_that_there_is_not() {
    let said = |node: &str| {
        let center = "company: x\nnumbers: { 1: main }\n";
        let exits = "verified: b, failed: b, locked: b, no_input: b, unavailable: b";
        let main = format!(
            "flow: main\nstart: a\nnodes:\n  a: {{ {node}, ask_account: goodbye, wrong: goodbye, {exits} }}\n  b: {{ hang_up: done }}\n"
        );
        let found = read(&[("center.yaml", center), ("main.yaml", &main)]).expect_err("it is wrong");
        format!("{}: {}", found[0].line, found[0].message)
    };
    assert_eq!(
        said("verify: account and pni, ask_pin: goodbye"),
        "4: no way to verify is called \"account and pni\""
    );
    assert_eq!(
        said("verify: one-time code, ask_code: goodbye, send: sms"),
        "4: no service is called \"sms\""
    );
    assert_eq!(said("verify: one-time code, ask_code: goodbye"), "4: \"send\" is missing here");
    assert_eq!(
        said("verify: account and birth date, ask_pin: goodbye"),
        "4: \"ask_birth_date\" is missing here"
    );
}
