//! What can be dialled, by `center.yaml`: numbers with a flow behind them, codes of agents' phones, agents' extensions; and
//! telephone numbers.

use std::collections::BTreeMap;

use crate::base::AgentId;
use crate::base::Name;
use crate::flow::center_file::agent::AgentRead;
use crate::flow::read::Reader;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::queue::api::AgentWish;

pub(super) fn numbers(yaml: &Yaml, reader: &mut Reader<'_>) -> BTreeMap<String, (Name, Place)> {
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(
            yaml.place,
            "numbers are written as \"number: flow\" lines",
            "for example: 1000: main",
        );
        return BTreeMap::new();
    };
    let mut numbers = BTreeMap::new();
    for (key, value) in entries {
        let digits = key.text.strip_prefix('+').unwrap_or(&key.text);
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            reader.error(key.place, format!("\"{}\" is not a number that can be dialled", key.text));
        } else if let Some(flow) = reader.text(value, "the name of a flow") {
            numbers.insert(key.text.clone(), (Name::from(flow.text.as_str()), flow.place));
        }
    }
    numbers
}

/// What agents' phones dial to say what they are doing. No number of the center is one as well: it would never be reached.
pub(super) fn codes(
    yaml: &Yaml,
    numbers: &BTreeMap<String, (Name, Place)>,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, AgentWish> {
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(
            yaml.place,
            "feature codes are \"code: wish\" lines",
            "for example: \"*51\": ready",
        );
        return BTreeMap::new();
    };
    let mut codes = BTreeMap::new();
    for (key, value) in entries {
        if key.text.is_empty() || !key.text.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#') {
            reader.error(key.place, format!("\"{}\" cannot be dialled from a phone", key.text));
        }
        if numbers.contains_key(&key.text) {
            let message = format!("\"{}\" is a number of the center as well", key.text);
            reader.error_hint(
                key.place,
                message,
                format!("let the code begin with a star: \"*{}\"", key.text),
            );
        }
        let Some(text) = reader.text(value, "ready, not ready or sign out") else { continue };
        let wish = match text.text.as_str() {
            "ready" => AgentWish::Ready,
            "not ready" => AgentWish::NotReady(Name::from("by phone")),
            "sign out" => AgentWish::Offline,
            other => {
                reader.unknown(text.place, "wish of an agent", other, ["ready", "not ready", "sign out"]);
                continue;
            }
        };
        codes.insert(key.text.clone(), wish);
    }
    codes
}

/// What agents' phones dial to reach each other. Nothing else may be reached by the same digits.
pub(super) fn extensions(
    agents: &[AgentRead],
    numbers: &BTreeMap<String, (Name, Place)>,
    codes: &BTreeMap<String, AgentWish>,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, AgentId> {
    let mut extensions = BTreeMap::new();
    for (agent, place) in agents.iter().zip(0..) {
        let Some(text) = &agent.extension else { continue };
        let known = if text.text.is_empty() || !text.text.bytes().all(|c| c.is_ascii_digit()) {
            Some("cannot be dialled: an extension is digits")
        } else if numbers.contains_key(&text.text) || codes.contains_key(&text.text) {
            Some("is a number of the center already")
        } else if extensions.contains_key(&text.text) {
            Some("is another agent's already")
        } else {
            None
        };
        match known {
            Some(why) => reader.error(text.place, format!("the extension \"{}\" {why}", text.text)),
            None => {
                extensions.insert(text.text.clone(), AgentId(place));
            }
        }
    }
    extensions
}

/// `+12025550100`: what a trunk takes as who calls.
pub(crate) fn telephone(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text(yaml, "a telephone number")?;
    let digits = text.text.strip_prefix('+').unwrap_or(&text.text);
    if digits.is_empty() || digits.len() > 20 || !digits.bytes().all(|c| c.is_ascii_digit()) {
        let message = format!("\"{}\" is not a telephone number", text.text);
        reader.error_hint(text.place, message, "write digits, with + before a country's code, in quotes");
        return None;
    }
    Some(text.text.clone())
}
