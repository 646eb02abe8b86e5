//! Callers who are handed to a bot: what it is told, and every way that it ends.

use super::Phone;
use super::center_of;
use super::in_words;
use super::read;
use crate::flow::Center;
use crate::flow::FlowEvent;
use crate::flow::api::BotEnd;
use crate::flow::model::Value;
use crate::flow::rehearsal::coverage::Coverage;
use crate::flow::rehearsal::test;

const CENTER: &str = "\
company: Juniper
bots: { assistant: { at: \"ws://localhost:9/voice\", audio: mulaw } }
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

const MAIN: &str = "\
flow: main
start: tier
nodes:
  tier: { set: { tier: gold }, then: talk }
  talk:
    bot: assistant
    send: { tier: tier, number: caller.number }
    gives: { said: text, invoice: invoice as number }
    limit: 2m
    results: { billing: person, done: end }
    otherwise: odd
    lost: lost
    late: late
  person: { enqueue: billing }
  end: { hang_up: done }
  odd: { hang_up: odd }
  lost: { hang_up: lost }
  late: { hang_up: late }
";

fn center() -> Center {
    center_of(&[("center.yaml", CENTER), ("main.yaml", MAIN)])
}

fn result(result: &str, values: &[Option<Value>]) -> FlowEvent {
    FlowEvent::Bot(BotEnd::Result { result: result.into(), values: values.to_vec() })
}

fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}

/// What the caller meets from the bot's end on.
fn after(event: FlowEvent) -> Vec<String> {
    let center = center();
    let mut phone = Phone::dial(&center, "main", None);
    assert_eq!(
        phone.transcript,
        [
            "answered",
            "tier = gold",
            "BotJoined { bot: \"assistant\" }",
            "talks with assistant tier=gold number=+12025550143"
        ]
    );
    phone.transcript.clear();
    phone.tell(event);
    phone.transcript.retain(|line| !line.starts_with("BotLeft"));
    phone.transcript
}

#[test]
fn a_result_leads_on_with_what_was_said() {
    let values = [text("my last invoice"), Some(Value::Number(7))];
    let expected =
        ["said = my last invoice", "invoice = 7", "the bot is gone", "to billing, 0 needs more, priority 0"];
    assert_eq!(after(result("billing", &values)), expected);
    // A number may come as a text.
    assert_eq!(after(result("done", &[text(""), text("7")])).last().unwrap(), "hangs up: done");
}

#[test]
fn what_is_no_result_and_what_lacks_a_value_leads_elsewhere() {
    let whole = [text(""), Some(Value::Number(7))];
    for odd in [result("sales", &whole), result("done", &[text(""), None]), result("done", &[])] {
        assert_eq!(after(odd), ["the bot is gone", "hangs up: odd"]);
    }
    assert_eq!(after(FlowEvent::Bot(BotEnd::Lost)), ["the bot is gone", "hangs up: lost"]);
}

#[test]
fn keys_are_told_to_the_bot_and_do_not_give_it_more_time() {
    let center = center();
    let mut phone = Phone::dial(&center, "main", None);
    let until = phone.run.deadline();
    phone.play("5");
    assert_eq!(phone.run.deadline(), until);
    phone.transcript.clear();
    phone.play("~");
    assert_eq!(phone.transcript.last().unwrap(), "hangs up: late");
    // What it says afterwards is nobody's business.
    phone.tell(result("done", &[]));
    assert!(phone.run.is_over());
}

#[test]
fn a_test_of_a_flow_says_what_the_bot_says() {
    let file = "flow: main\nbots: { assistant: { result: billing, text: hello, invoice: 3 } }\ntests:\n  it leads to a person:\n    \
                sets: { said: hello, invoice: 3 }\n    ends: { queue: billing }\n  it says too little:\n    \
                bots: { assistant: { result: done } }\n    ends: { hang_up: odd }\n";
    let center = center();
    let run = test::run_file(&center, &super::prompts(), "main.yaml", file, &mut Coverage::of(&center));
    for outcome in run.unwrap_or_else(|found| panic!("{}", in_words(&found))) {
        assert!(outcome.failure.is_none(), "{:?}\n{}", outcome.failure, outcome.story());
    }
}

#[test]
fn a_bot_that_is_not_there_or_cannot_be() {
    let said = |center: &str, main: &str| {
        let found = read(&[("center.yaml", center), ("main.yaml", main)]).expect_err("it is wrong");
        format!("{}:{}: {}", found[0].file, found[0].line, found[0].message)
    };
    let main = MAIN.replace("bot: assistant", "bot: asistant");
    assert_eq!(said(CENTER, &main), "main.yaml:6: no bot is called \"asistant\"");
    let at = |at: &str| CENTER.replace("\"ws://localhost:9/voice\"", at);
    assert_eq!(
        said(&at("\"http://localhost:9\""), MAIN),
        "center.yaml:2: \"http://localhost:9\" is not the address of a bot"
    );
    let audio = CENTER.replace("mulaw", "opus");
    assert_eq!(said(&audio, MAIN), "center.yaml:2: no kind of audio is called \"opus\"");
    let slow = CENTER.replace("audio: mulaw", "connect: 11s");
    assert_eq!(said(&slow, MAIN), "center.yaml:2: a bot has 10 s at most to be there");
}
