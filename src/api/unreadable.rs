//! Bodies and queries that cannot be read: what is wrong and where, what stands there, and what is taken instead. serde's
//! words for it are for who wrote the server.

use std::error::Error;

use axum::extract::rejection::JsonRejection;
use axum::extract::rejection::QueryRejection;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What is wrong, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub error: String,
    pub hint: String,
}

const DESCRIBED: &str = "GET /api/v1/openapi.json describes the body";
/// The most characters that are said again of what somebody sent.
const LONGEST: usize = 80;

/// Reads a body that is JSON.
pub(super) fn read<T: DeserializeOwned>(body: Value) -> Result<T, Unreadable> {
    serde_path_to_error::deserialize(body).map_err(|error| of_data(&error))
}

/// Why a body was not read.
pub(super) fn of_body(rejection: &JsonRejection) -> Unreadable {
    if let JsonRejection::MissingJsonContentType(_) = rejection {
        let hint =
            "send Content-Type: application/json and a body as GET /api/v1/openapi.json has it for this path";
        return unreadable("the Content-Type is not application/json", hint);
    }
    let data = cause::<serde_path_to_error::Error<serde_json::Error>>(rejection);
    match (data, cause::<serde_json::Error>(rejection)) {
        (Some(error), _) if error.inner().is_data() => of_data(error),
        (Some(error), _) => of_syntax(error.inner()),
        (None, Some(error)) => of_syntax(error),
        (None, None) => unreadable(&rejection.body_text(), DESCRIBED),
    }
}

/// Why a query was not read.
pub(super) fn of_query(rejection: &QueryRejection) -> Unreadable {
    let text = rejection.body_text();
    let said = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
    let is_path = |path: &&str| path.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
    let (path, words) = match said.split_once(": ") {
        Some((path, words)) if is_path(&path) => (path, words),
        _ => (".", said),
    };
    in_words(path, words, "GET /api/v1/openapi.json lists the filters")
}

fn unreadable(error: &str, hint: &str) -> Unreadable {
    Unreadable { error: error.to_owned(), hint: hint.to_owned() }
}

fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn of_syntax(error: &serde_json::Error) -> Unreadable {
    let at = format!("line {}, column {}", error.line(), error.column());
    let error = match (error.is_eof(), error.column()) {
        (true, 0) => "there is no body".to_owned(),
        (true, _) => format!("the body is cut off: {at}"),
        (false, _) => format!("the body is not JSON: {}, {at}", without_place(&error.to_string())),
    };
    unreadable(&error, DESCRIBED)
}

fn of_data(error: &serde_path_to_error::Error<serde_json::Error>) -> Unreadable {
    in_words(&error.path().to_string(), without_place(&error.inner().to_string()), DESCRIBED)
}

/// serde_json's words without where that was: the field is known.
fn without_place(words: &str) -> &str {
    words.rsplit_once(" at line ").map_or(words, |(words, _)| words)
}

/// What serde says of a place, in words for whoever sent it.
fn in_words(path: &str, words: &str, hint: &str) -> Unreadable {
    let whole = if path == "." { "the body".to_owned() } else { format!("`{}`", short(path)) };
    let mut named = words.split('`').skip(1).step_by(2);
    let first = short(named.next().unwrap_or_default());
    let one_of = |named: Vec<&str>| format!("one of {}", named.join(", "));
    if words.starts_with("missing field `") {
        return unreadable(&format!("`{first}` is missing{}", within(path, &first)), hint);
    }
    if words.starts_with("duplicate field `") {
        return unreadable(&format!("`{first}` is there twice{}", within(path, &first)), hint);
    }
    if words.starts_with("unknown field `") {
        let known: Vec<&str> = named.collect();
        let hint = if known.is_empty() { "leave it out".to_owned() } else { one_of(known) };
        return unreadable(&format!("there is no field `{first}`{}", within(path, &first)), &hint);
    }
    if words.starts_with("unknown variant `") {
        return unreadable(&format!("{whole} cannot be \"{first}\""), &one_of(named.collect()));
    }
    if words.starts_with("data did not match any variant") {
        return unreadable(&format!("{whole} has none of the shapes that it may have"), hint);
    }
    if let Some((sent, wanted)) = mismatch(words) {
        return unreadable(&format!("{whole} must be {}, not {}", wanted_in_words(wanted), sent), hint);
    }
    let number = ["invalid digit found in string", "cannot parse integer from empty string"];
    if number.contains(&words) || words.starts_with("number too ") {
        return unreadable(&format!("{whole} must be a whole number"), hint);
    }
    if words == "provided string was not `true` or `false`" {
        return unreadable(&format!("{whole} must be true or false"), hint);
    }
    let error = if path == "." { short(words) } else { format!("{whole}: {}", short(words)) };
    unreadable(&error, hint)
}

/// ` in `note``, of a field that is not of the body itself.
fn within(path: &str, field: &str) -> String {
    let before = path.strip_suffix(field).filter(|before| before.is_empty() || before.ends_with('.'));
    let around = before.map_or(path, |before| before.trim_end_matches('.'));
    if around.is_empty() || around == "." { String::new() } else { format!(" in `{}`", short(around)) }
}

/// What was sent, in words, and what serde would have.
fn mismatch(words: &str) -> Option<(String, &str)> {
    let kinds = ["invalid type: ", "invalid value: ", "invalid length "];
    let rest = kinds.iter().find_map(|kind| words.strip_prefix(kind))?;
    let (sent, wanted) = rest.rsplit_once(", expected ")?;
    let value =
        ["boolean `", "integer `", "floating point `"].iter().find_map(|kind| sent.strip_prefix(kind));
    let sent = match (value, sent.strip_prefix("string ")) {
        (Some(value), _) => short(value.trim_end_matches('`')),
        (None, Some(text)) => short(text),
        (None, None) if words.starts_with("invalid length ") => "a list".to_owned(),
        (None, None) => match sent {
            "map" => "an object".to_owned(),
            "sequence" => "a list".to_owned(),
            "unit value" => "null".to_owned(),
            "unit variant" => "a word alone".to_owned(),
            other => short(other),
        },
    };
    Some((sent, wanted))
}

fn wanted_in_words(wanted: &str) -> String {
    let number = |least: i64, most: i64| format!("a whole number from {least} to {most}");
    match wanted {
        "u8" => number(0, u8::MAX.into()),
        "u16" => number(0, u16::MAX.into()),
        "u32" => number(0, u32::MAX.into()),
        "i8" => number(i8::MIN.into(), i8::MAX.into()),
        "i16" => number(i16::MIN.into(), i16::MAX.into()),
        "i32" => number(i32::MIN.into(), i32::MAX.into()),
        "u64" | "usize" => "a whole number that is not negative".to_owned(),
        "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "string or map" => "a word".to_owned(),
        "newtype variant" | "a map" | "map" => "an object".to_owned(),
        _ if wanted.starts_with("struct ") => "an object".to_owned(),
        _ => wanted.to_owned(),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::fact::Target;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "none is ever read")]
    struct Body {
        to: Target,
        note: Option<Note>,
        level: Option<u8>,
        at: Option<f64>,
        way: Option<Way>,
        told: Option<bool>,
        names: Option<Vec<String>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "none is ever read")]
    struct Note {
        issue: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Way {
        Verbal,
        Prompted,
    }

    fn told(body: Value) -> (String, String) {
        let Unreadable { error, hint } = read::<Body>(body).map(|_| ()).unwrap_err();
        (error, hint)
    }

    #[test]
    fn what_is_wrong_is_told_with_where_it_is_and_what_stands_there() {
        let with = |field: &str, value: Value| told(json!({ "to": { "agent": "bob" }, field: value })).0;
        for (field, value, error) in [
            ("level", json!(300), "`level` must be a whole number from 0 to 255, not 300"),
            ("level", json!("7"), "`level` must be a whole number from 0 to 255, not \"7\""),
            ("at", json!(true), "`at` must be a number, not true"),
            ("told", json!("yes"), "`told` must be true or false, not \"yes\""),
            ("names", json!({}), "`names` must be a list, not an object"),
            ("names", json!(["ann", 5]), "`names[1]` must be a string, not 5"),
            ("note", json!("it rang"), "`note` must be an object, not \"it rang\""),
            ("note", json!({}), "`issue` is missing in `note`"),
            ("note", json!({ "issue": null }), "`note.issue` must be a string, not null"),
            ("note", json!({ "issues": "" }), "there is no field `issues` in `note`"),
            ("way", json!("loud"), "`way` cannot be \"loud\""),
            ("way", json!(5), "`way` must be a word, not 5"),
            ("to", json!("bob"), "`to` cannot be \"bob\""),
        ] {
            assert_eq!(with(field, value.clone()), error, "{field}: {value}");
        }
        assert_eq!(told(json!({})).0, "`to` is missing");
        assert_eq!(with("note", json!([])), "`note` must be an object, not a list");
        assert_eq!(told(json!([])).0, "the body must be an object, not a list");
    }

    #[test]
    fn the_hint_names_what_is_taken() {
        let hint = |field: &str, value: Value| told(json!({ "to": { "agent": "bob" }, field: value })).1;
        assert_eq!(hint("way", json!("loud")), "one of verbal, prompted");
        assert_eq!(hint("leve", json!(7)), "one of to, note, level, at, way, told, names");
        assert_eq!(hint("note", json!({ "issues": "" })), "one of issue");
        assert_eq!(hint("level", json!("7")), DESCRIBED);
    }

    #[test]
    fn little_is_said_again_of_what_is_long() {
        let (error, _) = told(json!({ "to": { "agent": "bob" }, "level": "x".repeat(10_000) }));
        assert!(error.len() < 200 && error.ends_with('…'), "{error}");
    }
}
