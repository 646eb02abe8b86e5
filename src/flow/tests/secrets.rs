//! A secret that is keyed once more, too late, or in two goes: nobody is told of it, and the caller gets on all the same.

use std::time::Duration;

use super::Phone;
use super::ann;
use super::center_of;
use super::demo;
use crate::flow::Center;

const ASKED: [&str; 5] = [
    "answered",
    "is Ann",
    "hears greeting/welcome",
    "hears greeting/welcome-back names/ann",
    "hears verify/enter-pin",
];
const TRIED: &str = "verify 100200 with 4 digits";
const AGAIN: &str = "hears verify/wrong verify/enter-pin";
const VERIFIED: [&str; 3] = ["is Ann", "verification: VerifiedByPin", "hears verify/verified"];

/// What is met, of which no digit of 4711 may be seen anywhere.
#[track_caller]
fn met(center: &Center, known: bool, script: &str) -> Vec<String> {
    let mut phone = Phone::dial(center, "main", known.then(ann));
    phone.seen = Some(String::new());
    phone.play(script);
    let seen = phone.seen.take().expect("asked for");
    for digit in ["4", "7"] {
        assert!(!seen.contains(&format!("digit: '{digit}'")), "{digit} is told: {seen}");
        assert!(!phone.transcript.contains(&format!("key {digit}")), "{digit} is told");
    }
    assert!(!seen.contains("4711"), "{seen}");
    phone.transcript
}

#[track_caller]
fn meets(script: &str, expected: &[&str]) {
    assert_eq!(met(&demo(), true, script), expected);
}

#[test]
fn a_pin_that_was_mistyped_is_asked_for_again_and_nothing_else() {
    let [is, proven, thanks] = VERIFIED;
    meets(
        ". . 4771# wrong . 4711# ok",
        &[&ASKED[..], &[TRIED, "try 1 did not fit", AGAIN, TRIED, is, proven, thanks]].concat(),
    );
    // Over the words, too, as callers do.
    meets(
        ". . 4771# wrong 4711# ok",
        &[&ASKED[..], &[TRIED, "try 1 did not fit", AGAIN, TRIED, is, proven, thanks]].concat(),
    );
    let met = met(&demo(), false, ". . . 100200# . 4771# wrong 4711# ok");
    let tail = [TRIED, "try 1 did not fit", AGAIN, TRIED, is, proven, thanks];
    assert_eq!(met[met.len() - 7..], tail);
}

#[test]
fn who_fails_twice_or_keys_a_star_is_asked_for_the_account_and_that_is_told_no_more() {
    let account = "hears verify/wrong verify/enter-account";
    let [is, proven, thanks] = VERIFIED;
    let twice = [TRIED, "try 1 did not fit", AGAIN, TRIED, "try 2 did not fit", account];
    let end = ["hears verify/enter-pin", TRIED, is, proven, thanks];
    meets(". . 4771# wrong . 4771# wrong . 100200# . 4711# ok", &[&ASKED[..], &twice, &end].concat());
    // The PIN once more, where the account is asked for.
    let asks_pin = ["hears verify/enter-pin"];
    meets(". . 4771# wrong . 4771# wrong . 4711# .", &[&ASKED[..], &twice, &asks_pin].concat());
    meets(". . * . 100200# 4711# ok", &[&ASKED[..], &["hears verify/enter-account"], &end].concat());
    meets(". . 47*47 ~", &[&ASKED[..], &["hears verify/enter-account"], &asks_pin].concat());
}

#[test]
fn a_pin_keyed_with_a_pause_in_it_is_no_account() {
    let two = "verify 100200 with 2 digits";
    let met = met(&demo(), true, ". . 47 ~ 1 wrong 1# wrong 47# ~");
    let told = [two, "try 1 did not fit", AGAIN, "verify 100200 with 1 digits", "try 2 did not fit"];
    assert_eq!(met[5..10], told);
}

#[test]
fn a_pin_that_is_keyed_again_once_nobody_asks_is_told_nowhere() {
    let [is, proven, thanks] = VERIFIED;
    let odd = ["? is no choice at main_menu", "hears menu/no-match menu/main"];
    // Over the thanks.
    meets(". . 4711# ok 4711#", &[&ASKED[..], &[TRIED, is, proven, thanks], &odd].concat());
    // While it is checked: the thanks are heard, and then the menu.
    meets(". . 4711#4711# ok .", &[&ASKED[..], &[TRIED, is, proven, thanks, "hears menu/main"]].concat());
    let person = ["verification: LockedOut", "hears verify/locked", "to support, 0 needs more, priority 1"];
    meets(". . 4711# locked 4711#", &[&ASKED[..], &[TRIED], &person].concat());
    let down = ["verification: Unavailable", "hears verify/unavailable"];
    meets(". . 4711# down 4711#", &[&ASKED[..], &[TRIED], &down, &odd].concat());
}

#[test]
fn a_choice_right_after_a_secret_works_and_is_told_as_the_choice_alone() {
    let [is, proven, thanks] = VERIFIED;
    let chosen = ["chose technical support", "to support, 0 needs more, priority 0"];
    meets(". . 4711# ok 2", &[&ASKED[..], &[TRIED, is, proven, thanks], &chosen].concat());
    meets(". . 4711#2 ok", &[&ASKED[..], &[TRIED, is, proven], &chosen].concat());
}

#[test]
fn keys_are_told_again_a_while_after_what_followed_the_secret() {
    let center = demo();
    let mut phone = Phone::dial(&center, "main", Some(ann()));
    phone.play(". . 4711# ok");
    phone.now += Duration::from_secs(60);
    phone.play(". . ");
    phone.now += Duration::from_secs(4);
    phone.play("8");
    assert_eq!(
        phone.transcript[9..],
        ["hears menu/main", "? is no choice at main_menu", "hears menu/no-match menu/main"]
    );
    phone.play(".");
    phone.now += Duration::from_secs(4);
    phone.play("8");
    assert_eq!(
        phone.transcript[12..],
        ["key 8", "8 is no choice at main_menu", "hears menu/no-match menu/main"]
    );
}

/// A secret that is collected, then a menu.
const COLLECTED: &str = "\
flow: main
start: card
nodes:
  card: { collect: pin, digits: 4, secret: yes, then: thanks, otherwise: person }
  thanks: { play: goodbye, then: more }
  more: { menu: menu/main, choices: { 1: person, 4: end, 7: end }, otherwise: person }
  end: { hang_up: done }
  person: { enqueue: billing }
";

#[test]
fn what_follows_a_collected_secret_is_its_end_or_the_same_once_more() {
    let center = "company: x\nnumbers: { 1000: main }\nskills: [billing]\nqueues: { billing: {} }\n\
                  agents: { alice: { skills: { billing: 7 } } }\n";
    let center = center_of(&[("center.yaml", center), ("main.yaml", COLLECTED)]);
    // It is full after four digits, and whoever ends it with `#` hears the thanks.
    assert_eq!(met(&center, true, "4711# ."), ["answered", "is Ann", "hears goodbye", "hears menu/main"]);
    // Keyed twice by one who thought it was not taken: one choice at most comes of it.
    let mut phone = Phone::dial(&center, "main", None);
    phone.play("2711 . 8711");
    assert_eq!(
        phone.transcript,
        ["answered", "hears goodbye", "hears menu/main", "? is no choice at more", "hears menu/main"]
    );
}
