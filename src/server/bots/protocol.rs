//! What is said over a bot's connection beside audio: JSON, one message each.

use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use crate::base::CallId;
use crate::base::Name;
use crate::flow::api::BotCall;
use crate::flow::api::BotEnd;
use crate::flow::bot::Audio;
use crate::flow::model::Value;
use crate::server::fetcher::value;

/// The longest result or mark, in characters.
const LONGEST_NAME: usize = 64;
/// The longest text that is taken, in characters.
const LONGEST_TEXT: usize = 1_000;

/// What a bot says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// What it said before and was not heard yet is not to be heard.
    Clear,
    /// It wants to know when what it has said so far was heard.
    Mark(String),
    /// It is done.
    Result(BotEnd),
}

/// Reads a message; none for what is no message of this protocol, which later ones may well be.
pub(super) fn read(text: &str, fields: &[Name]) -> Option<Said> {
    let json: Json = serde_json::from_str(text).ok()?;
    let word = |key: &str| json.get(key)?.as_str().filter(|word| word.chars().count() <= LONGEST_NAME);
    match json.get("event")?.as_str()? {
        "clear" => Some(Said::Clear),
        "mark" => Some(Said::Mark(word("name")?.to_owned())),
        "result" => {
            let result = Name::from(word("result")?);
            let text = json.get("text").and_then(Json::as_str).unwrap_or_default();
            let own = |field: &Name| match &**field {
                "text" => {
                    Some(Value::Text(text.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect()))
                }
                other => value(json.get("variables")?, other).filter(fits),
            };
            Some(Said::Result(BotEnd::Result { result, values: fields.iter().map(own).collect() }))
        }
        _ => None,
    }
}

fn fits(value: &Value) -> bool {
    !matches!(value, Value::Text(text) if text.chars().count() > LONGEST_TEXT)
}

/// The first message to a bot.
pub(super) fn start(call: CallId, told: &BotCall) -> String {
    let (encoding, rate) = match told.bot.audio {
        Audio::L16Narrow => ("l16", 8_000),
        Audio::L16Wide => ("l16", 16_000),
        Audio::Mulaw => ("mulaw", 8_000),
    };
    let variable = |(name, value): &(Name, Value)| {
        let value = match value {
            Value::Text(text) => Json::from(text.as_str()),
            Value::Number(number) => Json::from(*number),
            Value::Truth(truth) => Json::from(*truth),
        };
        (name.to_string(), value)
    };
    let variables: Map<String, Json> = told.send.iter().map(variable).collect();
    let results: Vec<&str> = told.results.iter().map(|result| &**result).collect();
    json!({
        "event": "start",
        "call": call.0,
        "from": told.number,
        "dialled": told.dialled,
        "language": &*told.language,
        "audio": { "encoding": encoding, "rate": rate, "frame_ms": 20 },
        "results": results,
        "variables": variables,
    })
    .to_string()
}

/// A key that the caller pressed.
pub(super) fn key(digit: char) -> String {
    json!({ "event": "key", "digit": digit.to_string() }).to_string()
}

/// What was said before this mark was heard, or is not to be.
pub(super) fn mark(name: &str) -> String {
    json!({ "event": "mark", "name": name }).to_string()
}

/// The caller is gone, or the flow goes on.
pub(super) fn stop() -> String {
    json!({ "event": "stop" }).to_string()
}
