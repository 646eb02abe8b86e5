//! What is said to bots and by them; the connection itself is tested end to end.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::protocol;
use super::protocol::Said;
use crate::base::CallId;
use crate::base::Name;
use crate::flow::api::BotCall;
use crate::flow::api::BotEnd;
use crate::flow::bot::Audio;
use crate::flow::bot::Bot;
use crate::flow::model::Value;

fn fields() -> Vec<Name> {
    ["text", "order.number", "late"].map(Name::from).to_vec()
}

#[test]
fn a_bot_is_told_of_its_caller() {
    let bot = Bot {
        name: "assistant".into(),
        at: "ws://localhost:9".to_owned(),
        audio: Audio::Mulaw,
        connect: Duration::from_secs(3),
        headers_env: vec![("Authorization".to_owned(), "TOKEN".to_owned())],
    };
    let call = BotCall {
        bot: Arc::new(bot),
        number: "+12025550143".to_owned(),
        dialled: "1000".to_owned(),
        language: "en".into(),
        send: vec![("tier".into(), Value::Text("gold".to_owned())), ("late".into(), Value::Truth(true))],
        fields: Vec::new(),
        results: vec!["billing".into()],
        barge_in: true,
    };
    assert_eq!(
        protocol::start(CallId(7), &call),
        r#"{"event":"start","call":7,"from":"+12025550143","dialled":"1000","language":"en","audio":{"encoding":"mulaw","rate":8000,"frame_ms":20},"results":["billing"],"variables":{"tier":"gold","late":true}}"#
            .parse::<serde_json::Value>()
            .unwrap()
            .to_string()
    );
}

#[test]
fn a_bot_says_its_result_and_what_was_asked_for() {
    let said = protocol::read(
        r#"{"event":"result","result":"billing","text":"my\ninvoice","variables":{"order":{"number":7},"late":[1],"more":1}}"#,
        &fields(),
    );
    let values = vec![Some(Value::Text("myinvoice".to_owned())), Some(Value::Number(7)), None];
    assert_eq!(said, Some(Said::Result(BotEnd::Result { result: "billing".into(), values })));
    let bare = protocol::read(r#"{"event":"result","result":"done"}"#, &fields());
    let values = vec![Some(Value::Text(String::new())), None, None];
    assert_eq!(bare, Some(Said::Result(BotEnd::Result { result: "done".into(), values })));
    assert_eq!(protocol::read(r#"{"event":"mark","name":"a"}"#, &[]), Some(Said::Mark("a".to_owned())));
    assert_eq!(protocol::read(r#"{"event":"clear"}"#, &[]), Some(Said::Clear));
}

#[test]
fn what_means_nothing_is_passed_over() {
    let long = format!(r#"{{"event":"mark","name":"{}"}}"#, "x".repeat(65));
    for odd in
        ["", "hello", "[]", "{}", r#"{"event":7}"#, r#"{"event":"result"}"#, r#"{"event":"dance"}"#, &long]
    {
        assert_eq!(protocol::read(odd, &fields()), None, "{odd}");
    }
}

proptest! {
    #[test]
    fn no_message_breaks_the_reader(text in ".{0,200}", result in "[a-z]{0,80}", said in ".{0,2000}") {
        protocol::read(&text, &fields());
        let whole = serde_json::json!({ "event": "result", "result": result, "text": said });
        if let Some(Said::Result(BotEnd::Result { result, values })) = protocol::read(&whole.to_string(), &fields()) {
            prop_assert!(result.chars().count() <= 64);
            prop_assert!(matches!(&values[0], Some(Value::Text(text)) if text.chars().count() <= 1_000));
        }
    }
}
