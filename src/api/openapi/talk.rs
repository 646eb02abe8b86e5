//! The paths of what agents and supervisors do with calls, and the shapes that they name.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::problem;
use super::schema;
use crate::api::talk::MOST_PRIORITY;
use crate::call::conference::MOST_GAIN_DB;

/// What an agent or a supervisor does with a call.
pub(super) fn paths() -> Map<String, Value> {
    let string = json!({ "type": "string" });
    let note = schema("Note");
    let target = schema("Target");
    let truth = json!({ "type": "boolean" });
    let words = |words: &[&str]| json!({ "type": "string", "enum": words });
    let promise = json!({
        "kind": words(&["callback", "answer"]), "due": { "type": "string", "format": "date-time" }, "words": string,
    });
    let mut quoted = promise.clone();
    quoted["level"] = string.clone();
    let actions = [
        (
            "hold",
            "Hold the caller by permission; an override needs a reason as well, and is audited",
            json!({
                "reason": string, "quote_s": { "type": "integer" },
                "requote_s": {
                    "type": "integer", "description": "Tell a caller who is held how much longer it takes",
                },
                "way": words(&["verbal", "prompted", "override"]), "agreed": truth,
            }),
        ),
        (
            "call_back",
            "Call the caller back instead of holding them: they keep their place, as old as they are",
            json!({
                "agreed": { "type": "boolean", "description": "The caller was asked, and agreed" },
                "in_s": { "type": "integer", "description": "Not before so many seconds; as soon as it is their turn when not given" },
            }),
        ),
        ("resume", "Come back to the caller, or take the question back", json!({})),
        (
            "consult",
            "Ask somebody to help or to take over, with a note",
            json!({
                "to": target, "told_caller": truth, "note": note,
            }),
        ),
        (
            "note",
            "Change the note; the receiver acknowledges it anew",
            json!({
                "issue": string, "tried": string, "wants": string,
                "mood": words(&["calm", "worried", "angry", "urgent"]), "promises": string,
            }),
        ),
        (
            "note/voice",
            "Say the note, up to 20 s, while the caller is held: whoever is consulted hears it when they pick up",
            json!({ "do": words(&["start", "stop"]) }),
        ),
        ("acknowledge", "The one who is consulted knows the note", json!({})),
        ("decline", "The one who is consulted will not take it", json!({ "reason": string })),
        (
            "add",
            "Add somebody to the talk, which goes on meanwhile: up to eight are in it; they acknowledge the note first",
            json!({ "to": target, "note": note }),
        ),
        ("drop", "Let go of somebody who was added", json!({ "who": string })),
        (
            "mute",
            "Let nobody hear somebody who was added, or everybody again",
            json!({ "who": string, "on": truth }),
        ),
        (
            "gain",
            "Let all hear somebody louder or quieter: an agent, a number that was added, or \"caller\"",
            json!({ "who": string, "gain_db": {
                "type": "integer", "minimum": -MOST_GAIN_DB, "maximum": MOST_GAIN_DB,
            } }),
        ),
        ("take_over", "Have the caller in place of their agent, who is done; for supervisors", json!({})),
        ("toggle", "Talk with the other of the two", json!({})),
        ("join", "Let all three hear each other", json!({})),
        ("complete", "Leave the caller to the one who is consulted", json!({})),
        ("cancel", "End the consult and come back to the caller", json!({})),
        ("transfer", "Hand over without a note, where the queues allow it", json!({ "to": target })),
        ("hang_up", "Leave the call", json!({})),
        ("keys", "Send keys to the caller's line", json!({ "keys": { "type": "string", "maxLength": 32 } })),
        (
            "record",
            "Pause the recording, which takes a reason, or let it go on; a pause ends by itself after five minutes",
            json!({ "do": words(&["pause", "resume"]), "reason": string }),
        ),
        (
            "outcome",
            "What came of the talk; during the call or after it",
            json!({
                "outcome": words(&["resolved", "promised", "escalated", "not_resolved"]),
                "reason_code": string, "note": string,
                "promise": { "anyOf": [
                    { "type": "object", "required": ["kind", "due"], "properties": promise }, { "type": "null" },
                ] },
                "kept": { "type": "integer", "description": "The promise to the caller that was kept by it" },
            }),
        ),
        (
            "promise",
            "Promise the caller something, or what may be promised at a level of escalation; during the call or after it",
            quoted,
        ),
        (
            "escalate",
            "Ask whom the center's matrix names for the level, the next one when none is given; who does not take it in \
             time is passed over for the next by itself",
            json!({ "level": string, "reason": string, "told_caller": truth, "note": note }),
        ),
        (
            "verify",
            "The agent who has the caller asked who they are, and says whether it fitted; the answers are kept nowhere",
            json!({ "method": schema("AgentMethod"), "passed": truth }),
        ),
        ("repeat", "The caller had to tell again what a colleague knew", json!({ "why": string })),
        (
            "misrouted",
            "The caller came to the wrong queue, says who has them or had them; a later word goes in place of it, and it may be taken back",
            json!({
                "belongs": { "type": "string", "description": "The queue in which they belong" },
                "reason": string, "taken_back": truth,
            }),
        ),
        (
            "move",
            "Let a waiting caller wait in another queue, as old as they are",
            json!({ "queue": string }),
        ),
        (
            "prioritise",
            "Put a waiting caller before all others, or give them another priority beside their queue's",
            json!({ "first": truth, "priority": { "type": "integer", "minimum": -MOST_PRIORITY, "maximum": MOST_PRIORITY } }),
        ),
        (
            "listen",
            "Ask to listen to a colleague's talk, heard by nobody: they agree first, unless center.yaml says that the agent \
             learns from them; or leave",
            json!({
                "leave": { "type": "boolean", "description": "Listen no more, or take back the question" },
            }),
        ),
        (
            "let_listen",
            "Let a colleague listen who asks to, or not; a no sends away who listens, for the rest of the talk",
            json!({ "who": string, "agreed": truth }),
        ),
        (
            "supervise",
            "Listen, whisper to the agent, talk with all, or leave",
            json!({
                "mode": words(&["listen", "whisper", "barge", "leave"]),
            }),
        ),
    ];
    actions.into_iter().map(|(name, summary, fields)| path(name, summary, fields)).collect()
}

/// What a body cannot do without; tests hold it against what is refused.
fn required(action: &str) -> &'static [&'static str] {
    match action {
        "consult" | "add" | "transfer" => &["to"],
        "note/voice" | "record" => &["do"],
        "drop" => &["who"],
        "mute" => &["who", "on"],
        "gain" => &["who", "gain_db"],
        "keys" => &["keys"],
        "outcome" => &["outcome"],
        "verify" => &["method", "passed"],
        "move" => &["queue"],
        "let_listen" => &["who", "agreed"],
        "supervise" => &["mode"],
        _ => &[],
    }
}

/// What is answered to what is being done.
fn taken(action: &str) -> Value {
    let number = json!({ "type": "integer", "description": "The number of what was promised by it" });
    match action {
        "promise" => json!({ "type": "object", "properties": { "promise": number } }),
        // It may be said without one.
        "outcome" => json!({ "type": "object", "required": [], "properties": { "promise": number } }),
        _ => json!({ "type": "object", "properties": {} }),
    }
}

fn path(name: &str, summary: &str, mut fields: Value) -> (String, Value) {
    fields["agent"] =
        json!({ "type": "string", "description": "Who acts; whoever is signed in leaves it out" });
    let problem = problem();
    let required = required(name);
    let body = json!({ "type": "object", "additionalProperties": false, "required": required, "properties": fields });
    let item = json!({
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
        "post": {
            "summary": summary,
            "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
            "responses": {
                "202": { "description": "It is being done", "content": { "application/json": { "schema": taken(name) } } },
                "404": problem, "409": problem, "415": problem, "422": problem, "503": problem,
            },
        },
    });
    (format!("/api/v1/calls/{{id}}/{name}"), item)
}

/// The shapes that the paths name.
pub(super) fn schemas() -> Map<String, Value> {
    let text = json!({ "type": "string", "maxLength": crate::fact::note::LONGEST_FIELD });
    let note = json!({
        "type": "object",
        "description": "What the next person must know. Which fields are demanded is the queue's note_needs; \
            identity, what the flow collected, author and time are filled in",
        "properties": {
            "issue": text, "tried": text, "wants": text, "promises": text,
            "mood": { "type": "string", "enum": ["calm", "worried", "angry", "urgent"] },
        },
    });
    let one = |key: &str| {
        let mut fields = Map::new();
        fields.insert(key.to_owned(), json!({ "type": "string" }));
        json!({ "type": "object", "required": [key], "properties": fields })
    };
    let target = json!({ "oneOf": [one("agent"), one("queue"), one("number")] });
    let method = json!({
        "type": "string", "description": "By what an agent verified a caller",
        "enum": ["birth_date", "security_question", "document", "callback_number"],
    });
    let verification = json!({
        "type": "object", "description": "An agent's word on who calls",
        "properties": {
            "agent": { "type": "string" }, "method": schema("AgentMethod"), "passed": { "type": "boolean" },
        },
    });
    let schemas =
        [("Note", note), ("Target", target), ("AgentMethod", method), ("AgentVerification", verification)];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// `POST /api/v1/calls`
pub(super) fn place_path() -> Value {
    let problem = problem();
    json!({
        "summary": "Call a number or a colleague: the agent's own phone rings first, then theirs",
        "requestBody": { "required": true, "content": { "application/json": { "schema": {
            "type": "object", "additionalProperties": false, "required": ["to"], "properties": {
                "agent": { "type": "string", "description": "Who calls; whoever is signed in leaves it out" },
                "to": schema("Target"),
                "queue": { "type": "string", "description": "Whose rules hold, and whose number is shown" },
                "at_desk": { "type": "boolean", "description": "Whether the agent's desk picks up at once" },
            },
        } } } },
        "responses": {
            "202": { "description": "The agent's phone rings; the call's number", "content": { "application/json": {
                "schema": { "type": "object", "properties": { "call": { "type": "integer" } } },
            } } },
            "403": problem, "404": problem, "409": problem, "415": problem, "422": problem, "503": problem,
        },
    })
}
