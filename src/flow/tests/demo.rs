//! Callers of the demo center.

use super::Phone;
use super::ann;
use super::check;
use super::demo;
use super::read_back;

#[test]
fn the_demo_center_is_in_order() {
    let center = demo();
    assert_eq!(center.company, "Juniper Home Services");
    let numbers: Vec<&str> = center.numbers.keys().map(String::as_str).collect();
    let expected =
        ["1000", "1001", "1002", "1003", "9000", "9001", "9002", "9003", "9196", "9197", "9198", "9199"];
    assert_eq!(numbers, expected);
    assert_eq!(center.engine.agents.len(), center.contacts.len());
    assert_eq!(center.engine.queues.len(), center.wait_prompts.len());
}

#[test]
fn a_stranger_proves_who_they_are_and_reaches_billing() {
    check(
        &demo(),
        "main",
        None,
        ". . . 100200# . 4711# ok . . 1",
        "answered
         hears greeting/welcome
         hears greeting/welcome-new
         hears verify/enter-account
         key 1
         key 0
         key 0
         key 2
         key 0
         key 0
         key #
         hears verify/enter-pin
         verify 100200 with 4 digits
         is Ann
         verification: VerifiedByPin
         hears verify/verified
         hears menu/main
         chose billing
         to billing, 1 needs more, priority 0",
    );
}

#[test]
fn a_known_caller_hears_their_name_and_is_asked_for_the_pin_alone() {
    check(
        &demo(),
        "main",
        Some(ann()),
        ". . 4711# ok . 2",
        "answered
         is Ann
         hears greeting/welcome
         hears greeting/welcome-back names/ann
         hears verify/enter-pin
         verify 100200 with 4 digits
         is Ann
         verification: VerifiedByPin
         hears verify/verified
         hears menu/main
         chose technical support
         to support, 0 needs more, priority 0",
    );
}

#[test]
fn a_known_caller_may_key_the_account_first_all_the_same() {
    check(
        &demo(),
        "main",
        Some(ann()),
        ". . 100200# . 4711# ok",
        "answered
         is Ann
         hears greeting/welcome
         hears greeting/welcome-back names/ann
         hears verify/enter-pin
         hears verify/enter-pin
         verify 100200 with 4 digits
         is Ann
         verification: VerifiedByPin
         hears verify/verified",
    );
}

#[test]
fn three_wrong_tries_lead_to_a_person_all_the_same() {
    check(
        &demo(),
        "main",
        Some(ann()),
        ". . 1111# wrong . 100200# 2222# wrong . 999999# 3333# wrong . . ~ . ~ . ~ . ",
        "answered
         is Ann
         hears greeting/welcome
         hears greeting/welcome-back names/ann
         hears verify/enter-pin
         verify 100200 with 4 digits
         try 1 did not fit
         hears verify/wrong verify/enter-pin
         hears verify/enter-pin
         verify 100200 with 4 digits
         try 2 did not fit
         hears verify/wrong verify/enter-account
         hears verify/enter-pin
         verify 999999 with 4 digits
         try 3 did not fit
         verification: Failed
         hears verify/skip
         hears menu/main
         silence at main_menu
         hears menu/no-input language/es menu/main
         silence at main_menu
         hears menu/no-input language/es menu/main
         silence at main_menu
         hears menu/to-a-person
         to support, 0 needs more, priority 1",
    );
}

#[test]
fn a_silent_caller_is_asked_twice_and_reaches_a_person() {
    check(
        &demo(),
        "main",
        None,
        ". . . ~ . ~ . . 0 .",
        "answered
         hears greeting/welcome
         hears greeting/welcome-new
         hears verify/enter-account
         silence at identity
         hears verify/no-input verify/enter-account
         silence at identity
         verification: NoInput
         hears verify/skip
         hears menu/main
         chose a person
         hears menu/to-a-person
         to support, 0 needs more, priority 1",
    );
}

#[test]
fn a_locked_account_and_a_silent_verifier_are_told_and_lead_on() {
    let locked = "answered
         is Ann
         hears greeting/welcome
         hears greeting/welcome-back names/ann
         hears verify/enter-pin
         verify 100200 with 4 digits
         verification: LockedOut
         hears verify/locked
         hears menu/to-a-person
         to support, 0 needs more, priority 1";
    check(&demo(), "main", Some(ann()), ". . 4711# locked . .", locked);
    let down = "answered
         is Ann
         hears greeting/welcome
         hears greeting/welcome-back names/ann
         hears verify/enter-pin
         verify 100200 with 4 digits
         verification: Unavailable
         hears verify/unavailable";
    check(&demo(), "main", Some(ann()), ". . 4711# down", down);
    check(&demo(), "main", Some(ann()), ". . 4711# ~", down);
}

#[test]
fn who_hangs_up_while_being_verified_has_abandoned_it() {
    let center = demo();
    let mut phone = Phone::dial(&center, "main", Some(ann()));
    phone.play(". . 47 bye");
    assert_eq!(phone.transcript.last().map(String::as_str), Some("verification: Abandoned"));
    assert!(phone.run.is_over() && phone.run.deadline().is_none());
}

#[test]
fn a_run_that_is_written_down_between_any_two_steps_goes_on_the_same() {
    let center = demo();
    for script in
        [". . . 100200# . 4711# ok . . 9 . 1", ". . . ~ . ~ . . 2", ". 100200# 4711# wrong . 1# down . ~ 0 ."]
    {
        let mut straight = Phone::dial(&center, "main", None);
        let mut restarted = Phone::dial(&center, "main", None);
        for word in script.split(' ') {
            restarted.run = read_back(&restarted.run);
            assert_eq!(restarted.run, straight.run, "before {word}");
            straight.play(word);
            restarted.play(word);
        }
        assert_eq!(straight.transcript, restarted.transcript);
        assert!(straight.run.is_over());
    }
}

#[test]
fn who_keys_everything_ahead_hears_only_the_greeting() {
    check(
        &demo(),
        "main",
        None,
        "100200#4711#1 ok",
        "answered
         hears greeting/welcome
         key 1
         key 0
         key 0
         key 2
         key 0
         key 0
         key #
         hears verify/enter-pin
         verify 100200 with 4 digits
         is Ann
         verification: VerifiedByPin
         chose billing
         to billing, 1 needs more, priority 0",
    );
}

#[test]
fn digits_are_read_back_until_the_end_key() {
    check(
        &demo(),
        "read_back",
        None,
        ". 47 . . #",
        "answered
         hears digits/1
         key 4
         digit = 4
         hears digits/4
         key 7
         digit = 7
         hears digits/7
         key #
         hangs up: done",
    );
}

#[test]
fn the_other_numbers_do_what_they_say() {
    let center = demo();
    check(&center, "silence", None, "12 ~", "answered\nkey 1\nkey 2\nhangs up: stayed too long");
    check(&center, "long_story", None, ". 5 ~", "answered\nhears long\nkey 5\nhangs up: stayed too long");
    check(&center, "test_tone", None, ".", "answered\nhears tone-1004");
    check(&center, "ring_only", None, "1 ~", "rings\nkey 1\nrefused 480");
    check(&center, "goodbye", None, ". ~", "answered\nhears goodbye\nhangs up: goodbye said");
    check(&center, "echo_test", None, "~", "answered\necho\nhangs up: echo test over");
    let held = "answered\nto bench, 0 needs more, priority 0, held by the file's word";
    check(&center, "bench", None, "", held);
    let held = "answered\nto support, 0 needs more, priority 0, held by the file's word";
    check(&center, "support_line", None, "", held);
}
