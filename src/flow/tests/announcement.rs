//! Announcements that somebody switches over what the files say.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Phone;
use super::center_of;
use super::prompts;
use crate::base::Name;
use crate::base::WallTime;
use crate::flow::Center;
use crate::flow::announcement::SwitchError;
use crate::flow::announcement::Wish;
use crate::flow::announcement::Words;
use crate::flow::speech;

const CENTER: &str = "\
company: Juniper
numbers: { 1000: main }
announcements:
  outage: { play: long }
  works: { play: beep, on: yes, until: 1970-01-01 02:00 }
time_zone: UTC
";

const MAIN: &str = "\
flow: main
start: a
nodes:
  a: { announce: outage, then: b }
  b: { announce: works, then: c }
  c: { pause: 1h, then: d }
  d: { announce: outage, then: e }
  e: { hang_up: done }
";

fn center(more: &str) -> Center {
    center_of(&[("center.yaml", &format!("{CENTER}{more}")), ("main.yaml", MAIN)])
}

/// What a caller hears who calls at midnight.
fn hears(center: &Center) -> Vec<String> {
    let mut phone = Phone::dial(center, "main", None);
    phone.play(". ~ . ~ . ~ . ~ .");
    phone.transcript.retain(|line| line.starts_with("hears"));
    phone.transcript
}

fn on(minutes: u64, words: Words) -> Wish {
    Wish::On { until: WallTime(0) + Duration::from_secs(minutes * 60), words }
}

fn text(texts: &[(&str, &str)]) -> Words {
    let texts = texts.iter().map(|(language, text)| (Name::from(*language), (*text).to_owned()));
    Words::Text(texts.collect::<BTreeMap<_, _>>())
}

#[test]
fn it_is_heard_until_its_time_is_over_and_then_the_file_holds_again() {
    let mut center = center("speech: { command: speak }\n");
    assert_eq!(hears(&center), ["hears beep"]);
    center.switch("outage", &on(30, Words::OfFile), &prompts()).expect("in order");
    assert_eq!(hears(&center), ["hears long", "hears beep"], "after an hour it is over");
    center.switch("outage", &on(90, text(&[("", "Lines are down.")])), &prompts()).expect("in order");
    assert_eq!(hears(&center), ["hears \"Lines are down.\"", "hears beep", "hears \"Lines are down.\""]);
    assert_eq!(speech::fixed(&center), [("en".into(), "Lines are down.".to_owned())], "it is spoken before");
    center.switch("works", &Wish::Off, &prompts()).expect("in order");
    center.switch("outage", &on(30, Words::Prompt("goodbye".into())), &prompts()).expect("in order");
    assert_eq!(hears(&center), ["hears goodbye"]);
    let outage = &center.announcements["outage"];
    assert_eq!(outage.on_until(WallTime(0)), Some(WallTime(0) + Duration::from_secs(30 * 60)));
    assert_eq!(outage.on_until(WallTime(0) + Duration::from_secs(30 * 60)), None);
    assert_eq!(center.announcements["works"].on_until(WallTime(0)), None);
}

#[test]
fn one_that_is_over_by_the_file_is_told_from_then_on() {
    let center = center("");
    let told = |hours: u64| {
        let lapsed = center.lapsed(WallTime(0) + Duration::from_secs(hours * 3_600));
        lapsed.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(told(1), "");
    assert_eq!(
        told(2),
        "center.yaml:5:3: warning: the announcement \"works\" is over: nobody hears it\n \
         5 |   works: { play: beep, on: yes, until: 1970-01-01 02:00 }\n   |   ^^^^^\n\
         hint: say until when it holds now, or \"on: no\""
    );
}

#[test]
fn what_cannot_be_heard_is_told_and_switches_nothing() {
    let mut two = center("languages: [en, es]\nspeech: { command: { en: speak } }\n");
    let mut refused = |name: &str, words: Words| {
        two.switch(name, &on(30, words), &prompts()).expect_err("out of order").to_string()
    };
    assert_eq!(
        refused("otage", Words::OfFile),
        "no announcement is called \"otage\"; center.yaml has outage, works"
    );
    assert_eq!(
        refused("outage", Words::Prompt("no/such".into())),
        "there is no recording \"no/such\" in \"en\""
    );
    assert_eq!(
        refused("outage", text(&[("en", "Down")])),
        "callers are spoken to in \"es\", too, and the text is not there in it"
    );
    assert!(
        refused("outage", text(&[("en", "Down"), ("es", "Caído")]))
            .starts_with("nothing speaks texts in \"es\"")
    );
    assert_eq!(refused("outage", text(&[("fr", "Panne")])), "the center has no language \"fr\"");
    let mut one = center("speech: { command: speak }\n");
    for bad in ["", "  ", "a {b} c", "a\nb", &"x".repeat(speech::MOST + 1)] {
        let done = one.switch("outage", &on(30, text(&[("", bad)])), &prompts());
        assert_eq!(done, Err(SwitchError::Text), "{bad:?}");
    }
    assert_eq!(hears(&one), ["hears beep"]);
}
