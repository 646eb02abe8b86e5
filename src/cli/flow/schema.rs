//! `warmline flow schema`: the JSON Schema of flow files, so that an editor completes keys and marks what is wrong.
//!
//! An editor knows only shapes; `warmline flow check` knows the rest.

use clap::Args;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::cli::trouble::Trouble;
use crate::flow::KINDS;
use crate::flow::WAYS_OF_SAYING;

#[derive(Debug, Args)]
pub(in crate::cli) struct SchemaArgs {}

/// Prints the schema to stdout.
pub(super) fn run(_: &SchemaArgs) -> Result<(), Trouble> {
    say!("{:#}", schema());
    Ok(())
}

/// What stands behind a key.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    /// The name of a node.
    Node,
    /// One prompt or a list.
    Heard,
    /// The same, or that for each try.
    Again,
    /// `20s`
    Time,
    Truth,
    Count,
    /// A number of times, or a time.
    Repeat,
    /// `6`, or `4 to 8`.
    Digits,
    KeyedAs,
    DateOrder,
    EndKey,
    Choices,
    Languages,
    Answers,
    Conditions,
    Values,
    Results,
    /// Names by names.
    Names,
    Needs,
    Steps,
    Permission,
    Prefer,
    /// One agent's name or a list.
    AgentNames,
    Method,
    OtherNumber,
    Later,
    Transfer,
}

use Shape::*;

/// A key of a node: what stands behind it, whether it must be there, and what it is.
type Key = (&'static str, Shape, bool, &'static str);

/// The keys of each kind of node.
const KEYS: &[(&str, &[Key])] = &[
    (
        "play",
        &[
            ("play", Heard, true, "what is heard"),
            ("barge_in", Truth, false, "whether a key stops it; yes by default"),
            ("repeat", Repeat, false, "how often, or for how long again and again; 1 by default"),
            ("then", Node, true, "after the last word"),
        ],
    ),
    (
        "menu",
        &[
            ("menu", Heard, true, "what is heard"),
            ("choices", Choices, true, "for each key where it leads"),
            ("no_input", Again, false, "heard before the menu again, after silence"),
            ("no_match", Again, false, "heard before the menu again, after a key that is no choice"),
            ("tries", Count, false, "how often the menu is heard in all; 3 by default"),
            ("wait", Time, false, "how long the caller has; 5s by default"),
            ("barge_in", Truth, false, "whether a key stops the prompts; yes by default"),
            ("otherwise", Node, true, "after the last try"),
        ],
    ),
    (
        "collect",
        &[
            ("collect", Text, true, "the variable"),
            ("prompt", Heard, false, "what is heard"),
            ("as", KeyedAs, false, "what is keyed; digits by default"),
            ("order", DateOrder, false, "of a date: month first by default"),
            ("digits", Digits, false, "how many digits: 6, or 4 to 8; not for an amount or a date"),
            ("read_back", Heard, false, "heard once it is keyed; 1 takes it, anything else asks again"),
            ("end", EndKey, false, "the key that ends it earlier; # by default"),
            ("wait", Time, false, "how long for the first digit; 5s by default"),
            ("between", Time, false, "from digit to digit; 3s by default"),
            ("no_input", Again, false, "heard before the question again, after silence"),
            ("no_match", Again, false, "heard before the question again, after what does not fit"),
            ("tries", Count, false, "how often the question is put in all; 3 by default"),
            ("barge_in", Truth, false, "whether a key stops the prompts; yes by default"),
            ("secret", Truth, false, "whether the digits are a secret; no by default"),
            ("then", Node, true, "the variable has its value"),
            ("skipped", Node, false, "the end key came without a digit"),
            ("otherwise", Node, true, "after the last try"),
        ],
    ),
    (
        "verify",
        &[
            ("verify", Method, true, "the way to verify"),
            ("ask_account", Heard, true, "the question for the account number"),
            ("ask_pin", Heard, false, "the question for the PIN; with account and pin"),
            (
                "ask_birth_date",
                Heard,
                false,
                "the question for the date of birth; with account and birth date",
            ),
            ("order", DateOrder, false, "of the date of birth; month first by default"),
            ("ask_code", Heard, false, "the question for the code; with one-time code"),
            (
                "send",
                Text,
                false,
                "the service that sends codes, as center.yaml calls it; with one-time code",
            ),
            ("path", Text, false, "after the service's address"),
            ("wrong", Heard, true, "heard before the next try"),
            ("nothing_heard", Heard, false, "heard before a question that met silence is put again"),
            ("tries", Count, false, "how many wrong tries; 3 by default"),
            ("wait", Time, false, "how long for the first digit; 8s by default"),
            ("between", Time, false, "from digit to digit; 3s by default"),
            ("verified", Node, true, "both fit, or the caller was verified before"),
            ("failed", Node, true, "the last try did not fit"),
            ("locked", Node, true, "the account is locked"),
            ("no_input", Node, true, "silence twice, or # alone"),
            ("unavailable", Node, true, "the customer store did not answer"),
        ],
    ),
    (
        "language",
        &[
            ("language", Heard, true, "the question, each part in its own language"),
            ("choices", Languages, true, "for each key its language"),
            ("tries", Count, false, "how often the question is heard in all; 2 by default"),
            ("wait", Time, false, "how long the caller has; 5s by default"),
            ("then", Node, true, "a language was chosen"),
            ("otherwise", Node, true, "after the last try"),
        ],
    ),
    (
        "consent",
        &[
            ("consent", Heard, true, "the question: 1 is yes, 2 is no"),
            ("tries", Count, false, "how often the question is heard in all; 2 by default"),
            ("wait", Time, false, "how long the caller has; 6s by default"),
            ("yes", Node, true, "the talk may be recorded"),
            ("no", Node, true, "it may not"),
            ("no_input", Node, true, "after the last try: it may not"),
        ],
    ),
    ("speak", &[("speak", Text, true, "the language"), ("then", Node, true, "afterwards")]),
    (
        "branch",
        &[
            ("branch", Conditions, true, "conditions; the first that is true leads on"),
            ("otherwise", Node, true, "where none is true"),
        ],
    ),
    (
        "hours",
        &[
            ("hours", Text, true, "the hours, as center.yaml calls them"),
            ("open", Node, true, "somebody is there"),
            ("closed", Node, true, "nobody is there"),
            ("holiday", Node, false, "a holiday; as closed by default"),
        ],
    ),
    ("set", &[("set", Values, true, "variables and their values"), ("then", Node, true, "afterwards")]),
    (
        "fetch",
        &[
            ("fetch", Text, true, "the service, as center.yaml calls it"),
            ("path", Text, false, "after the service's address; {variable} stands for its value"),
            ("send", Names, false, "fields and the variables that are sent in them, by POST"),
            ("gives", Names, false, "variables and the fields of the answer that they get"),
            (
                "meanwhile",
                Heard,
                false,
                "heard when it takes longer than 2 s; one-moment by default, or nothing",
            ),
            ("then", Node, true, "every variable has its value"),
            ("missing", Node, false, "the service has none: 404; as otherwise by default"),
            ("otherwise", Node, true, "no answer in time, or another than was asked for"),
        ],
    ),
    (
        "bot",
        &[
            ("bot", Text, true, "the bot, as center.yaml calls it"),
            ("send", Names, false, "what the bot is told, and the variables that hold it"),
            ("gives", Names, false, "variables and what the bot says that they get; text is its last words"),
            ("limit", Time, false, "how long it may last; 5m by default"),
            ("barge_in", Truth, false, "whether a key stops what the bot says; yes by default"),
            ("results", Results, true, "for each result of the bot where it leads"),
            ("otherwise", Node, true, "another result, or one that lacks a value"),
            ("lost", Node, true, "the bot could not be reached, or is gone"),
            ("late", Node, true, "the time is over"),
        ],
    ),
    (
        "announce",
        &[
            ("announce", Text, true, "the announcement, as center.yaml calls it"),
            ("then", Node, true, "afterwards, or at once where it is off"),
        ],
    ),
    (
        "call",
        &[
            ("call", Text, true, "the flow that does a part"),
            ("with", Names, false, "what it takes, and the variables that it gets"),
            ("gives", Names, false, "variables that get what it gives"),
            ("results", Results, true, "for each result where it leads"),
        ],
    ),
    ("return", &[("return", Text, true, "the result, for the flow that called this one")]),
    ("go_to", &[("go_to", Text, true, "the flow that goes on")]),
    (
        "enqueue",
        &[
            ("enqueue", Text, true, "the queue"),
            ("needs", Needs, false, "what this caller needs beyond what the queue needs"),
            ("steps", Steps, false, "what this caller needs instead after a while"),
            (
                "prefer_skills",
                Needs,
                false,
                "agents who have it are taken first, without waiting for them; or nobody",
            ),
            ("priority", Count, false, "added to the queue's own; 0 by default"),
            ("permission", Permission, false, "who allows the hold; as the queue says by default"),
            ("prefer", Prefer, false, "who has the caller first, and for how long; or nobody"),
            ("not", AgentNames, false, "agents who must not have the caller; or nobody"),
        ],
    ),
    (
        "callback",
        &[
            ("callback", Text, true, "the queue in which the place is kept"),
            ("needs", Needs, false, "what this caller needs beyond what the queue needs"),
            ("steps", Steps, false, "what this caller needs instead after a while"),
            (
                "prefer_skills",
                Needs,
                false,
                "agents who have it are taken first, without waiting for them; or nobody",
            ),
            ("priority", Count, false, "added to the queue's own; 0 by default"),
            ("confirm", Heard, true, "the number, read back: 1 is right, 2 is another one"),
            ("other", OtherNumber, false, "the question for another number, and which may be keyed"),
            (
                "hours",
                Text,
                false,
                "when callers are called, as center.yaml calls it; at any time by default",
            ),
            ("later", Later, false, "the questions for a time; as soon as possible by default"),
            ("promised", Heard, false, "heard last; by default what the queue says"),
            ("no_input", Again, false, "heard before a question again, after silence"),
            ("no_match", Again, false, "heard before a question again, after what does not fit"),
            ("tries", Count, false, "how often each question is put in all; 3 by default"),
            ("wait", Time, false, "how long the caller has; 5s by default"),
            ("between", Time, false, "from key to key; 3s by default"),
            ("otherwise", Node, true, "after the last try"),
            ("impossible", Node, true, "the caller has no number, and may key none"),
        ],
    ),
    (
        "transfer",
        &[
            ("transfer", Transfer, true, "a telephone number, or an agent and the queue whose rules hold"),
            (
                "caller_id",
                Text,
                false,
                "our number, as they see it; the caller's by default; not for an agent",
            ),
            ("ring", Time, false, "how long it rings; 30s by default; not for an agent"),
            ("ended", Node, false, "they hung up; the call ends by default; not for an agent"),
            ("no_answer", Node, true, "nobody picked up"),
            ("busy", Node, false, "the line is busy, or the agent not ready; as no_answer by default"),
            ("refused", Node, false, "they would not take it; as no_answer by default"),
        ],
    ),
    (
        "voicemail",
        &[
            ("voicemail", Text, true, "the queue that the message is for"),
            ("greeting", Heard, true, "heard before the tone; a key goes on to it"),
            ("longest", Time, false, "how long a message may be; 3m by default"),
            ("silence", Time, false, "the silence that ends it; 5s by default"),
            ("then", Node, true, "the message is stored"),
            ("nothing", Node, true, "nobody said anything, or for less than a second"),
            ("failed", Node, true, "it cannot be stored"),
        ],
    ),
    (
        "survey",
        &[
            ("survey", Text, true, "the question's name in reports"),
            ("prompt", Heard, true, "the question; a key stops it"),
            (
                "answers",
                Answers,
                false,
                "the lowest and the highest key that is an answer; 1 to 5 by default",
            ),
            ("settled", Text, false, "the keys of a yes, where the question asks whether it is settled"),
            ("no_input", Again, false, "heard before the question again, after silence"),
            ("no_match", Again, false, "heard before the question again, after a key that is no answer"),
            ("tries", Count, false, "how often the question is heard in all; 2 by default"),
            ("wait", Time, false, "how long the caller has; 5s by default"),
            ("then", Node, true, "the caller has answered"),
            ("otherwise", Node, true, "after the last try"),
        ],
    ),
    ("pause", &[("pause", Time, true, "how long"), ("then", Node, true, "afterwards")]),
    ("echo", &[("echo", Time, true, "for at most this long")]),
    (
        "ring",
        &[
            ("ring", Time, true, "for this long"),
            ("status", Count, false, "the SIP status that ends it; 480 by default"),
        ],
    ),
    (
        "hang_up",
        &[
            ("hang_up", Text, true, "the reason, for the history"),
            ("after", Heard, false, "a last word; no key stops it"),
        ],
    ),
];

fn schema() -> Value {
    let nodes: Vec<Value> = KEYS.iter().map(|(kind, keys)| node(kind, keys)).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Warmline flow",
        "type": "object",
        "required": ["flow", "start", "nodes"],
        "additionalProperties": false,
        "properties": {
            "flow": { "type": "string", "description": "the file's own name" },
            "start": { "type": "string", "description": "the node that every caller comes to first" },
            "takes": kinds("what a flow that calls this one gives it"),
            "gives": kinds("the variables that it gives back when it returns"),
            "no_person": { "type": "string", "description": "why no menu here leads to a person, where that is meant" },
            "nodes": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": { "oneOf": nodes },
            },
        },
        "$defs": {
            "time": { "type": "string", "pattern": "^[0-9]+ ?(ms|s|m|h)$" },
            "prompt": {
                "oneOf": [
                    { "type": "string", "description": "the name of a recording" },
                    {
                        "type": "object",
                        "required": ["say"],
                        "additionalProperties": false,
                        "properties": {
                            "say": { "type": "string", "description": "a variable" },
                            "as": { "enum": WAYS_OF_SAYING },
                        },
                    },
                    {
                        "type": "object",
                        "required": ["say"],
                        "additionalProperties": false,
                        "properties": {
                            "say": {
                                "type": "object",
                                "required": ["text"],
                                "additionalProperties": false,
                                "properties": {
                                    "text": {
                                        "description": "what is spoken, with {variables}; or that for each language",
                                        "type": ["string", "object"],
                                        "additionalProperties": { "type": "string" },
                                    },
                                    "or": { "type": "string", "description": "the recording for when it is not" },
                                },
                            },
                        },
                    },
                ],
            },
            "heard": {
                "oneOf": [
                    { "$ref": "#/$defs/prompt" },
                    { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/prompt" } },
                ],
            },
            "choice": {
                "oneOf": [
                    { "type": "string", "description": "the name of a node" },
                    {
                        "type": "object",
                        "required": ["label", "then"],
                        "additionalProperties": false,
                        "properties": {
                            "label": { "type": "string", "description": "what the history calls it" },
                            "then": { "type": "string", "description": "the name of a node" },
                        },
                    },
                ],
            },
        },
    })
}

/// Variables and the kinds of their values.
fn kinds(words: &str) -> Value {
    let kind = json!({ "enum": ["text", "number", "yes or no"] });
    json!({ "type": "object", "description": words, "additionalProperties": kind })
}

fn node(kind: &str, keys: &[Key]) -> Value {
    let purpose = KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, purpose)| purpose);
    let mut properties = Map::new();
    for (key, shape, _, words) in keys {
        let mut behind = behind(*shape);
        behind["description"] = json!(words);
        properties.insert((*key).to_owned(), behind);
    }
    let required: Vec<&str> = keys.iter().filter(|(_, _, must, _)| *must).map(|(key, ..)| *key).collect();
    json!({
        "type": "object",
        "title": kind,
        "description": purpose,
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn behind(shape: Shape) -> Value {
    let text_or_number = json!({ "type": ["string", "integer"] });
    match shape {
        Text => text_or_number,
        Node => json!({ "type": "string" }),
        Heard => json!({ "$ref": "#/$defs/heard" }),
        Again => json!({
            "oneOf": [
                { "$ref": "#/$defs/heard" },
                {
                    "type": "object",
                    "required": ["first"],
                    "additionalProperties": false,
                    "properties": { "first": behind(Heard), "second": behind(Heard), "third": behind(Heard) },
                    "patternProperties": { "^(four|fif|six|seven|eigh|nin)th$": behind(Heard) },
                },
            ],
        }),
        Time => json!({ "$ref": "#/$defs/time" }),
        // YAML 1.1 takes yes and no for truths, YAML 1.2 for words: editors know either.
        Truth => json!({ "enum": [true, false, "yes", "no"] }),
        Count => json!({ "type": "integer" }),
        Repeat => json!({ "oneOf": [{ "type": "integer", "minimum": 1 }, { "$ref": "#/$defs/time" }] }),
        Digits => json!({
            "oneOf": [
                { "type": "integer", "minimum": 1, "maximum": 32 },
                { "type": "string", "pattern": "^[0-9]+( to [0-9]+)?$" },
            ],
        }),
        Answers => json!({ "type": "string", "pattern": "^[0-8] to [1-9]$" }),
        KeyedAs => json!({ "enum": ["digits", "amount", "date"] }),
        DateOrder => json!({ "enum": ["month first", "day first"] }),
        EndKey => json!({ "enum": ["#", "*"] }),
        Choices => json!({
            "type": "object",
            "minProperties": 1,
            "propertyNames": { "pattern": "^[0-9*#]( or [0-9*#])*$" },
            "additionalProperties": { "$ref": "#/$defs/choice" },
        }),
        Languages => json!({
            "type": "object",
            "minProperties": 1,
            "propertyNames": { "pattern": "^[0-9*#]$" },
            "additionalProperties": { "type": "string" },
        }),
        Conditions => json!({
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["if", "then"],
                "additionalProperties": false,
                "properties": {
                    "if": { "type": ["string", "boolean"], "description": "a condition in CEL" },
                    "then": { "type": "string", "description": "the name of a node" },
                },
            },
        }),
        Values => json!({
            "type": "object",
            "minProperties": 1,
            "propertyNames": { "pattern": "^[A-Za-z][A-Za-z0-9_]*$" },
            "additionalProperties": { "type": ["string", "integer", "boolean"] },
        }),
        Names => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Results => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Needs => json!({
            "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
        }),
        Steps => json!({
            "type": "array",
            "items": {
                "type": "object",
                "properties": { "after": behind(Time), "needs": behind(Needs) },
                "required": ["after", "needs"],
                "additionalProperties": false,
            },
        }),
        Permission => json!({ "enum": ["ask", "given by this file"] }),
        Prefer => json!({
            "oneOf": [
                { "const": "nobody" },
                {
                    "type": "object",
                    "properties": { "agent": { "type": "string" }, "for": behind(Time) },
                    "required": ["agent"],
                    "additionalProperties": false,
                },
            ],
        }),
        AgentNames => json!({
            "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
        }),
        Method => json!({ "enum": ["account and pin", "account and birth date", "one-time code"] }),
        OtherNumber => json!({
            "type": "object",
            "properties": {
                "ask": behind(Heard),
                "digits": behind(Digits),
                "begins": { "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
            },
            "required": ["ask", "begins"],
            "additionalProperties": false,
        }),
        Transfer => json!({
            "oneOf": [
                text_or_number,
                {
                    "type": "object",
                    "properties": { "agent": { "type": "string" }, "queue": { "type": "string" } },
                    "required": ["agent", "queue"],
                    "additionalProperties": false,
                },
            ],
        }),
        Later => json!({
            "type": "object",
            "properties": { "question": behind(Heard), "ask": behind(Heard), "confirm": behind(Heard) },
            "required": ["question", "ask", "confirm"],
            "additionalProperties": false,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow;

    const CENTER: &str = "company: x\nnumbers: { 1: main }\nskills: [s]\nqueues: { q: {} }\n\
                          agents: { a: { skills: { s: 1 } } }\n";

    /// The ways to verify have keys of their own.
    fn ways(kind: &str) -> &'static [(&'static str, &'static [&'static str])] {
        match kind {
            "verify" => &[
                ("account and pin", &["ask_pin"]),
                ("account and birth date", &["ask_birth_date", "order"]),
                ("one-time code", &["ask_code", "send", "path"]),
            ],
            _ => &[("x", &[])],
        }
    }

    /// The keys of a kind of node that is written this way, and whether each must be there.
    fn keys_of(kind: &str, keys: &[Key], own: &[&str]) -> Vec<(&'static str, bool)> {
        let of_another =
            |key: &str| !own.contains(&key) && ways(kind).iter().any(|(_, keys)| keys.contains(&key));
        let must = |key: &str, must: bool| must || (own.contains(&key) && !matches!(key, "order" | "path"));
        keys.iter()
            .filter(|(key, ..)| !of_another(key))
            .map(|(key, _, required, _)| (*key, must(key, *required)))
            .collect()
    }

    /// What the reader says of a node with these keys, each with a value that need not fit.
    fn said(kind: &str, way: &str, keys: &[&str]) -> Vec<flow::Diagnostic> {
        let value = |key: &str| if key == kind { format!("\"{way}\"") } else { "x".to_owned() };
        let fields: Vec<String> = keys.iter().map(|key| format!("{key}: {}", value(key))).collect();
        let flow = format!("flow: main\nstart: n\nnodes:\n  n: {{ {} }}\n", fields.join(", "));
        let files = [("center.yaml", CENTER), ("main.yaml", flow.as_str())];
        let files: Vec<(String, String)> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        assert!(keys.contains(&kind));
        flow::load(&files, &flow::Prompts::default()).err().unwrap_or_default()
    }

    #[test]
    fn the_schema_has_every_kind_and_the_keys_that_the_reader_has() {
        let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(KEYS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), kinds);
        let all = KEYS.iter().flat_map(|(kind, keys)| ways(kind).iter().map(move |way| (kind, keys, way)));
        for (kind, keys, (way, own)) in all {
            let keys = keys_of(kind, keys, own);
            let mut names: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
            let unknown = |names: &[&str]| {
                let found = said(kind, way, names);
                found
                    .iter()
                    .filter(|one| one.message.contains("means nothing here"))
                    .cloned()
                    .collect::<Vec<_>>()
            };
            assert!(unknown(&names).is_empty(), "{kind}: {:?}", unknown(&names));
            // The reader lists what it knows, twelve at most and then how many more.
            names.push("qqqqqqqqqq");
            let hint = unknown(&names)[0].hint.clone().unwrap_or_default();
            let listed = hint.trim_start_matches("known here: ");
            let (listed, more) = listed.split_once(" and ").unwrap_or((listed, "0 more"));
            let more: usize = more.trim_end_matches(" more").parse().expect("how many more");
            let known: std::collections::BTreeSet<&str> = listed.split(", ").collect();
            assert_eq!(known.len() + more, keys.len(), "{kind}: {hint}");
            let missing: Vec<&&str> = known.iter().filter(|key| !names.contains(key)).collect();
            assert!(missing.is_empty(), "{kind} knows {missing:?}");
        }
    }

    #[test]
    fn what_the_schema_requires_the_reader_requires() {
        let all = KEYS.iter().flat_map(|(kind, keys)| ways(kind).iter().map(move |way| (kind, keys, way)));
        for (kind, keys, (way, own)) in all {
            let keys = keys_of(kind, keys, own);
            for (key, required) in keys.iter().filter(|(key, _)| key != kind) {
                let others: Vec<&str> =
                    keys.iter().map(|(key, _)| *key).filter(|other| other != key).collect();
                let found = said(kind, way, &others);
                let missed = found.iter().any(|one| {
                    one.message == format!("\"{key}\" is missing here")
                        || one.message == format!("the exit \"{key}\" leads nowhere")
                });
                assert_eq!(missed, *required, "{kind}: {key}");
            }
        }
    }
}
