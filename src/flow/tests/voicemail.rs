//! Callers who leave a message.

use super::Phone;
use super::center_of;
use super::in_words;
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
";

fn center() -> Center {
    let flow = "flow: main\nstart: a\nnodes:\n  \
                a: { voicemail: billing, greeting: voicemail/greeting, longest: 1m, silence: 4s, then: kept, \
                nothing: again, failed: person }\n  \
                kept: { hang_up: message left, after: voicemail/kept }\n  \
                again: { hang_up: no message, after: voicemail/nothing }\n  \
                person: { enqueue: billing }\n";
    center_of(&[("center.yaml", CENTER), ("main.yaml", flow)])
}

#[track_caller]
fn meets(script: &str, expected: &[&str]) {
    let center = center();
    let mut phone = Phone::dial(&center, "main", None);
    for word in script.split_whitespace() {
        phone.play(word);
        phone.run = read_back(&phone.run);
    }
    let begins = ["answered", "hears voicemail/greeting", "hears beep", "is recorded for billing"];
    let met: Vec<&str> =
        phone.transcript.iter().map(String::as_str).filter(|met| !begins.contains(met)).collect();
    assert_eq!(met, *expected, "{script}");
}

const NOTHING: [&str; 3] = ["no message", "hears voicemail/nothing", "hangs up: no message"];

#[test]
fn a_message_ends_by_its_key_by_silence_by_its_length_and_by_hanging_up() {
    let kept = ["key #", "a message of 3.2 s", "hears voicemail/kept", "hangs up: message left"];
    meets(". . speaks silent # .", &kept);
    // Of the 4 s of silence one had passed when it was told.
    meets(". . speaks silent ~ .", &["a message of 6 s", kept[2], kept[3]]);
    meets(". . speaks ~ .", &["a message of 60 s", kept[2], kept[3]]);
    meets(". . speaks silent speaks silent bye", &["a message of 6 s"]);
    // Other keys mean nothing, and lengthen nothing.
    meets(". . speaks 4711* ~ .", &["a message of 60 s", kept[2], kept[3]]);
}

#[test]
fn without_a_voice_or_under_a_second_it_is_no_message() {
    meets(". . ~ .", &NOTHING);
    meets(". . speaks # .", &["key #", NOTHING[0], NOTHING[1], NOTHING[2]]);
    meets(". . silent bye", &NOTHING[..1]);
    // Who hangs up before the tone has left nothing, and nothing was recorded.
    meets(". bye", &[]);
}

#[test]
fn a_key_goes_on_to_the_tone_and_is_no_end_of_the_message() {
    meets("# . speaks silent bye", &["key #", "a message of 3 s"]);
    meets(". 12# . speaks silent bye", &["key 1", "key 2", "key #", "a message of 3 s"]);
}

#[test]
fn what_cannot_be_stored_leads_on_and_nothing_of_it_is_kept() {
    meets(". . speaks full", &["the message is lost", "to billing, 0 needs more, priority 0"]);
}

#[test]
fn tests_say_what_is_said_after_the_tone() {
    let center = center();
    let tests = "flow: main\ntests:\n  \
                 speaks: { call: [{ hears: voicemail/greeting }, { hears: beep }, { hears: voicemail/kept }], \
                 ends: { hang_up: message left } }\n  \
                 key: { call: [{ keys: \"#\" }, { hears: voicemail/kept }], ends: { hang_up: message left } }\n  \
                 silent: { message: is silent, ends: { hang_up: no message } }\n  \
                 full: { message: cannot be stored, ends: { queue: billing } }\n";
    let mut coverage = Coverage::of(&center);
    let outcomes = test::run_file(&center, &super::prompts(), "main.yaml", tests, &mut coverage);
    let outcomes = outcomes.unwrap_or_else(|found| panic!("{}", in_words(&found)));
    for outcome in &outcomes {
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, outcome.story());
    }
    assert_eq!(outcomes.len(), 4);
}
