//! Keys that come in bursts, with a `#` after them, and ahead of what nobody can know yet.

use std::time::Duration;

use super::Phone;
use super::center_of;
use super::read_back;
use crate::flow::Center;
use crate::flow::FlowEvent;

const CENTER: &str = "\
company: Juniper
services: { orders: { at: \"http://localhost:9/api\", timeout: 3s } }
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

const MAIN: &str = "\
flow: main
start: topics
nodes:
  topics:
    menu: menu/main
    choices: { 1: news, 2: look, 3: order }
    no_match: menu/no-match
    otherwise: person
  news: { play: long, then: more }
  look: { fetch: orders, path: /now, gives: { status: status }, then: tell, otherwise: news }
  tell: { play: [goodbye, { say: status, as: digits }], then: more }
  order: { collect: order, digits: 4, prompt: long, then: news, otherwise: person }
  more: { menu: goodbye, choices: { 1: end, 2: end }, no_match: menu/no-match, otherwise: person }
  end: { hang_up: done }
  person: { enqueue: billing }
";

fn center() -> Center {
    center_of(&[("center.yaml", CENTER), ("main.yaml", MAIN)])
}

#[track_caller]
fn meets(script: &str, expected: &[&str]) {
    let center = center();
    let mut phone = Phone::dial(&center, "main", None);
    for word in script.split(' ') {
        phone.run = read_back(&phone.run);
        phone.play(word);
    }
    let told = phone.transcript.iter().map(String::as_str).filter(|line| !line.starts_with("key "));
    assert_eq!(told.skip(1).collect::<Vec<_>>(), expected, "{script}");
}

const ODD: [&str; 2] = ["9 is no choice at topics", "hears menu/no-match menu/main"];

#[test]
fn a_burst_of_wrong_keys_is_one_try_and_is_heard_as_one() {
    let asked = &["hears menu/main"][..];
    meets("9999999", &[asked, &ODD].concat());
    // What follows at once is of the same burst, and what comes after the words is a try of its own.
    meets(". 9991 .", &[asked, &ODD].concat());
    meets(". 999 . 99 . 1", &[asked, &ODD, &ODD, &["chose news", "hears long"]].concat());
    meets(
        ". 9 . 9 . 9",
        &[asked, &ODD, &ODD, &["9 is no choice at topics", "to billing, 0 needs more, priority 0"]].concat(),
    );
    let center = center();
    let mut phone = Phone::dial(&center, "main", None);
    phone.play("999");
    assert_eq!(phone.transcript.iter().filter(|line| *line == "key 9").count(), 3, "all are told");
}

#[test]
fn a_pound_key_after_a_choice_or_a_whole_number_leaves_nothing_out() {
    let chosen = ["hears menu/main", "chose news", "hears long"];
    meets(". 1#", &chosen);
    meets("1#", &chosen);
    meets(". 1 .", &[&chosen[..], &["hears goodbye"]].concat());
    // Later, or another key, is another matter.
    meets(". 1 . .", &[&chosen[..], &["hears goodbye"]].concat());
    meets(". 12", &["hears menu/main", "chose news", "hears long", "chose end", "hangs up: done"]);
    let ordered = ["hears menu/main", "chose order", "hears long", "order = 4711", "hears long"];
    meets(". 3 . 4711# ", &ordered);
}

#[test]
fn what_a_service_says_is_heard_by_who_has_keyed_ahead_as_well() {
    let asks = ["hears menu/main", "chose look", "asks http://localhost:9/api/now"];
    let told = ["the service orders answered", "status = 7", "hears goodbye digits/7"];
    meets(". 2# answered", &[&asks[..], &told].concat());
    // The key is kept for the question after it, and a key over it goes on to that.
    let end = ["chose end", "hangs up: done"];
    meets(". 21 answered .", &[&asks[..], &told, &end].concat());
    meets(". 2 answered 1", &[&asks[..], &told, &end].concat());
}

#[test]
fn the_history_says_what_was_left_out_for_keys_that_came_ahead() {
    let center = center();
    let left_out = |script: &str| {
        let mut phone = Phone::dial(&center, "main", None);
        phone.seen = Some(String::new());
        phone.play(script);
        phone.seen.take().is_some_and(|seen| seen.contains("LeftOut { prompts: [\"long\"] }"))
    };
    assert!(left_out(". 2 1 fails") && !left_out(". 2 fails 1"));
}

#[test]
fn while_a_callers_phone_holds_the_line_their_silence_is_not_counted() {
    let center = center();
    for held in [". holds", "holds ."] {
        let mut phone = Phone::dial(&center, "main", None);
        phone.play(held);
        phone.now += Duration::from_secs(600);
        phone.tell(FlowEvent::Tick);
        phone.run = read_back(&phone.run);
        phone.play("back");
        let until = phone.run.deadline().map(|due| due.since(phone.now));
        assert_eq!(
            (phone.transcript.len(), until),
            (2, Some(Duration::from_secs(5))),
            "they have 5 s once more"
        );
        phone.play("1");
        assert_eq!(phone.transcript[2..], ["key 1", "chose news", "hears long"]);
    }
    // Not for ever, and what is not the caller's to answer goes on.
    let mut phone = Phone::dial(&center, "main", None);
    phone.play(". holds");
    assert_eq!(phone.run.deadline().map(|due| due.since(phone.now)), Some(Duration::from_secs(1_800)));
    phone.play("~");
    assert_eq!(phone.transcript.last().map(String::as_str), Some("hears menu/main"));
    let mut phone = Phone::dial(&center, "main", None);
    phone.play(". 2 holds ~ . ~");
    assert_eq!(phone.transcript.last().map(String::as_str), Some("hears long"), "the service is late");
}
