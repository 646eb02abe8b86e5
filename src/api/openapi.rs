//! `/api/v1/openapi.json`: the API's description, kept by hand; a test holds it against the routes.

use axum::Json;
use serde_json::Value;
use serde_json::json;

use crate::api::conformance;
use crate::api::customers;
use crate::api::evaluations;
use crate::api::facts;
use crate::api::goals;
use crate::api::messages;
use crate::api::promises;
use crate::api::reports;
use crate::api::trends;

mod flows;
mod screens;
mod talk;
mod whole;

/// `GET /api/v1/openapi.json`
pub(super) async fn show() -> Json<Value> {
    Json(document())
}

/// The document, by OpenAPI 3.1.
pub(super) fn document() -> Value {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Warmline",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A contact-center voice server. Times are RFC 3339 in UTC, lengths are seconds.",
        },
        "servers": [{ "url": "/" }],
        "security": [{}, { "cookie": [] }, { "bearer": [] }],
        "paths": paths(),
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "cookie": {
                    "type": "apiKey", "in": "cookie", "name": "warmline_session",
                    "description": "Changes need the header `X-Warmline: 1` beside it",
                },
                "bearer": {
                    "type": "http", "scheme": "bearer",
                    "description": "A session's token, or a program's, which is for what it was made for: docs/WEB.md",
                },
            },
        },
    });
    let parts = [
        ("/paths", Value::Object(talk::paths())),
        ("/paths", messages::paths()),
        ("/paths", facts::paths()),
        ("/paths", customers::paths()),
        ("/paths", promises::paths()),
        ("/paths", evaluations::paths()),
        ("/paths", conformance::paths()),
        ("/paths", reports::paths()),
        ("/paths", goals::paths()),
        ("/paths", trends::paths()),
        ("/paths", flows::paths()),
        ("/components/schemas", Value::Object(talk::schemas())),
        ("/components/schemas", messages::schemas()),
        ("/components/schemas", facts::schemas()),
        ("/components/schemas", customers::schemas()),
        ("/components/schemas", promises::schemas()),
        ("/components/schemas", evaluations::schemas()),
        ("/components/schemas", conformance::schemas()),
        ("/components/schemas", reports::schemas()),
        ("/components/schemas", goals::schemas()),
        ("/components/schemas", trends::schemas()),
    ];
    for (place, more) in parts {
        if let (Some(Value::Object(known)), Value::Object(more)) = (document.pointer_mut(place), more) {
            known.extend(more);
        }
    }
    whole::complete(&mut document);
    document
}

fn paths() -> Value {
    json!({
        "/": { "get": text("The start page", "text/html") },
        "/desk": { "get": text("The page of an agent", "text/html") },
        "/wallboard": { "get": text("The page of a supervisor", "text/html") },
        "/history": { "get": text("The page of the history", "text/html") },
        "/flows": { "get": text("The page of the flows", "text/html") },
        "/web/{file}": {
            "parameters": [{ "name": "file", "in": "path", "required": true, "schema": { "type": "string" } }],
            "get": page_parts(),
        },
        "/healthz": { "get": text("Whether the process answers", "text/plain") },
        "/readyz": { "get": text("Whether calls are taken; 503 when not. Further lines say when the data folder is gone, when history is being lost, when recordings are, when a trunk does not take our registration, when no standby could take over, when the flow files in the folder are not served, with what a restart would make of them, and when a webhook is not taken; names, paths and reasons only for who is signed in", "text/plain") },
        "/metrics": { "get": text("Figures in Prometheus' text format", "text/plain") },
        "/sip": { "get": text(
            "A WebSocket with the subprotocol sip (RFC 7118): a phone in a browser, as docs/DESK.md tells",
            "application/sip") },
        "/api/v1/session": session(),
        "/api/v1/calls": { "get": calls(), "post": talk::place_path() },
        "/api/v1/calls/{id}": {
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
            "get": answers("One call, its story and its facts; its history tells who read it that had no part in it", json!({
                "200": body("The call", "WholeCall"), "400": problem(), "404": problem(), "503": problem(),
            })),
        },
        "/api/v1/calls/{id}/explain": {
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
            "get": answers("Why a call waited, and why it got the agent it got", json!({
                "200": body("Its waits", "Explanation"), "400": problem(), "404": problem(),
            })),
        },
        "/api/v1/calls/{id}/end": {
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
            "post": answers("End a call; for supervisors. `by_person` in its fact `call_ended` says who did", json!({
                "202": { "description": "It is being ended" }, "403": problem(), "404": problem(),
            })),
        },
        "/api/v1/calls/{id}/recording": recording(),
        "/api/v1/agents": { "get": answers("Every agent", json!({ "200": body("The agents", "AgentList") })) },
        "/api/v1/agents/{id}/state": {
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
            "get": answers("What an agent is doing", json!({
                "200": body("The agent", "Agent"), "404": problem(),
            })),
            "put": set_state(),
        },
        "/api/v1/agents/{id}/skills/{skill}": {
            "parameters": [
                { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
                { "name": "skill", "in": "path", "required": true, "schema": { "type": "string" } },
            ],
            "put": set_skill(),
        },
        "/api/v1/queues": {
            "parameters": [query("when", json!({ "type": "string" }), "Only those to which callers are brought who say this: refund")],
            "get": answers("Every queue", json!({ "200": body("The queues", "QueueList"), "400": problem() })),
        },
        "/api/v1/queues/{name}/agents": {
            "parameters": [{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }],
            "get": answers("Every agent who is there, the best help for a caller of the queue first: who is ready, then who fits, \
                            furthest above the need", json!({ "200": body("The agents", "HelperList"), "404": problem() })),
        },
        "/api/v1/center": { "get": answers("The center in a few words", json!({ "200": body("The center", "Center") })) },
        "/api/v1/flows": { "get": answers("Every flow", json!({ "200": body("The flows", "FlowList") })) },
        "/api/v1/flows/{id}": {
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
            "get": answers("One flow as a graph, with callers at each node, and as a drawing", json!({
                "200": body("The flow", "Flow"), "404": problem(),
            })),
        },
        "/api/v1/desk-view": desk(answers("An agent's desk: their state, and the calls they are part of", json!({
            "200": body("The desk", "Desk"), "401": problem(), "403": problem(), "404": problem(), "422": problem(),
        }))),
        "/api/v1/desk-view/events": desk(text(
            "Server-sent events: `desk` with the desk, at once and whenever it changes; `alive` with the server's time, every \
             ten seconds", "text/event-stream")),
        "/api/v1/wallboard": { "get": answers("Queues, agents and waiting callers, with the day's figures", json!({
            "200": body("The board", "Board"),
        })) },
        "/api/v1/wallboard/events": { "get": text(
            "Server-sent events: `board` with the board, at once and whenever something happens, twice a second at \
             most; `alive` with the server's time, every ten seconds", "text/event-stream") },
        "/api/v1/events": facts::stream(text(
            "Server-sent events: `fact` for each fact as it happens, whose id is the fact's number; `resync` when facts were passed \
             over that are not in the history either: read the lists anew", "text/event-stream")),
        "/call": { "get": text("The page of a caller who calls from a browser", "text/html") },
        "/api/v1/ice": { "get": answers(
            "STUN and TURN servers for a browser's connection; credentials for who is signed in, for twelve hours", json!({
                "200": body("The servers", "Ice"),
            })) },
        "/api/v1/desk": {
            "parameters": [{
                "name": "agent", "in": "query", "schema": { "type": "string" },
                "description": "Whose desk, for a program on this machine; with a session it is the session's",
            }],
            "get": text("A WebSocket: the desk of an agent, as docs/DESK.md tells", "application/json"),
        },
        "/api/v1/web-call": { "get": text(
            "A WebSocket: the telephone of a caller's page, as docs/DESK.md tells", "application/json") },
        "/api/v1/openapi.json": { "get": text("This document", "application/json") },
    })
}

/// `/web/{file}`
fn page_parts() -> Value {
    let mut get = text("What pages are made of", "text/javascript");
    for media_type in ["text/css", "image/svg+xml"] {
        get["responses"]["200"]["content"][media_type] = json!({});
    }
    get["responses"]["404"] = problem();
    get
}

fn session() -> Value {
    let mut sign_in = answers(
        "Sign in: the answer's cookie is the session; programs may send its token as a bearer token",
        json!({ "200": body("Who is signed in", "Session"), "401": problem(), "429": problem() }),
    );
    sign_in["requestBody"] =
        json!({ "required": true, "content": { "application/json": { "schema": schema("Credentials") } } });
    json!({
        "get": answers("Who is signed in", json!({ "200": body("Who", "Session") })),
        "post": sign_in,
        "delete": answers("Sign out", json!({ "204": { "description": "The session is over" } })),
    })
}

fn recording() -> Value {
    let mut get =
        text("The recording of a call so far; for supervisors. That it was fetched is a fact", "audio/wav");
    for status in ["401", "403", "404"] {
        get["responses"][status] = problem();
    }
    get["parameters"] = json!([{
        "name": "part", "in": "query", "schema": { "type": "integer" },
        "description": "Which of the call's recordings, from 1 on; 1 when not given",
    }]);
    json!({
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
        "get": get,
    })
}

fn desk(mut get: Value) -> Value {
    get["parameters"] = json!([{
        "name": "agent", "in": "query", "schema": { "type": "string" },
        "description": "Whose desk; only for who is not signed in",
    }]);
    json!({ "get": get })
}

fn calls() -> Value {
    let filter =
        |name: &str, kind: &str, description: &str| query(name, json!({ "type": kind }), description);
    let mut calls = answers(
        "Calls, newest first, live ones included",
        json!({
            "200": body_or_table("A page of calls; of a table the header Link, `rel=\"next\"`, is the next page", "CallList"),
            "400": problem(), "422": problem(),
        }),
    );
    let moment = json!({ "type": "string", "format": "date-time" });
    calls["parameters"] = json!([
        filter("sip_call_id", "string", "SIP's Call-ID header"),
        filter("from", "string", "The calling number"),
        filter("agent", "string", "The last agent of the call"),
        { "name": "outcome", "in": "query", "schema": schema("Outcome") },
        filter("queue", "string", "The queue that the caller joined last"),
        filter("dialled", "string", "The number that was dialled"),
        query("since", moment.clone(), "Only calls that came then or later"),
        query("until", moment, "Only calls that came before"),
        filter("before", "integer", "Only calls with a lower id: the next page"),
        filter("limit", "integer", "At most so many: 1 to 1000, 50 when not given"),
        query("format", json!({ "type": "string", "enum": ["json", "csv"] }), "csv: a table, without the calls' lines"),
    ]);
    calls
}

fn set_state() -> Value {
    let mut put = answers(
        "Ask for another state; an agent who rings or talks takes it afterwards. Who has no phone is not ready: 409",
        json!({
            "202": body("The wish was taken; the agent as of now", "Agent"),
            "404": problem(), "409": problem(), "415": problem(), "422": problem(), "503": problem(),
        }),
    );
    put["requestBody"] =
        json!({ "required": true, "content": { "application/json": { "schema": schema("WishedState") } } });
    put
}

fn set_skill() -> Value {
    let mut put = answers(
        "Give an agent a skill at a level, or take it: 0; for supervisors, until a later day's start of the server",
        json!({
            "202": { "description": "It is being done" },
            "403": problem(), "404": problem(), "415": problem(), "422": problem(), "503": problem(),
        }),
    );
    put["requestBody"] =
        json!({ "required": true, "content": { "application/json": { "schema": schema("WishedLevel") } } });
    put
}

fn answers(summary: &str, responses: Value) -> Value {
    json!({ "summary": summary, "responses": responses })
}

fn text(summary: &str, media_type: &str) -> Value {
    json!({ "summary": summary, "responses": { "200": { "description": summary, "content": { media_type: {} } } } })
}

/// An answer with a body of this schema.
pub(super) fn answer(description: &str, schema: Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

/// A parameter in the query.
pub(super) fn query(name: &str, schema: Value, description: &str) -> Value {
    json!({ "name": name, "in": "query", "schema": schema, "description": description })
}

/// The same by the schema's name.
pub(super) fn body(description: &str, name: &str) -> Value {
    answer(description, schema(name))
}

/// A report, which is also had as a table.
pub(super) fn body_or_table(description: &str, name: &str) -> Value {
    let mut body = body(description, name);
    body["content"]["text/csv"] = json!({ "schema": { "type": "string" } });
    body
}

/// An answer that says what is wrong.
pub(super) fn problem() -> Value {
    body("Why not, and what to do", "Problem")
}

/// A schema by its name.
pub(super) fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// What may be null.
pub(super) fn maybe(value: &Value) -> Value {
    json!({ "anyOf": [value, { "type": "null" }] })
}

fn list(of: &str) -> Value {
    json!({ "type": "array", "items": schema(of) })
}

/// Every schema, by name.
fn schemas() -> Value {
    let mut all = main_schemas();
    for more in [screens::schemas(), flows::schemas()] {
        // All of them are objects.
        if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
            all.extend(more);
        }
    }
    all
}

fn main_schemas() -> Value {
    let (string, number, integer) =
        (json!({ "type": "string" }), json!({ "type": "number" }), json!({ "type": "integer" }));
    let time = json!({ "type": "string", "format": "date-time" });
    let texts = json!({ "type": "array", "items": string });
    json!({
        "Credentials": {
            "type": "object",
            "required": ["name", "password"],
            "additionalProperties": false,
            "properties": { "name": string, "password": { "type": "string", "format": "password" } },
        },
        "Session": { "type": "object", "properties": {
            "name": maybe(&string),
            "role": maybe(&json!({ "type": "string", "enum": ["agent", "supervisor", "admin"] })),
            "local": { "type": "boolean", "description": "No sign-in is needed: the server serves this machine alone" },
        } },
        "Problem": { "type": "object", "properties": { "error": string, "hint": string } },
        "Outcome": { "type": "string", "enum": [
            "talked", "served", "left_in_flow", "abandoned", "declined", "unserved", "callback_failed",
            "refused", "not_reached", "ended_by_operator", "failed",
        ] },
        "Party": { "type": "string", "enum": ["caller", "agent", "consulted", "supervisor", "listener", "server"] },
        "Call": { "type": "object", "properties": {
            "id": integer, "direction": { "type": "string", "enum": ["inbound", "outbound", "internal"] }, "repeats": integer,
            "sip_call_id": string, "from": string, "display": string, "to": string,
            "source": string, "trunk": { "type": ["string", "null"], "description": "The trunk that it came by, or went out by" },
            "caller_id": { "type": ["string", "null"], "description": "Our number, as whom an agent called saw it" },
            "arrived": time, "answered": maybe(&time), "ended": maybe(&time),
            "phase": maybe(&json!({ "type": "string", "enum": [
                "arriving", "in_flow", "queued", "holding", "callback_kept", "ringing", "calling_back", "calling_out",
                "talking",
            ] })),
            "identity": maybe(&json!({ "type": "string", "enum": [
                "verified_by_pin", "verified_by_birth_date", "verified_by_code", "failed", "locked_out", "no_input", "unavailable", "abandoned",
            ] })),
            "verified_by_agent": maybe(&schema("AgentVerification")),
            "customer": maybe(&string), "customer_name": maybe(&string), "queue": maybe(&string),
            "waited_s": maybe(&number), "quote_s": maybe(&integer), "agent": maybe(&string),
            "talked_s": maybe(&number), "outcome": maybe(&schema("Outcome")),
            "ended_by": maybe(&schema("Party")), "cause": string,
            "digits": { "type": "string", "description": "Every digit heard outside a secret" },
            "recordings": { "type": "integer", "description": "How many recordings were begun" },
            "legs": list("Leg"),
        } },
        "Leg": { "type": "object", "properties": {
            "leg": integer, "party": schema("Party"), "address": string,
            "opened": maybe(&time), "closed": maybe(&time), "quality": maybe(&schema("Quality")),
        } },
        "Quality": { "type": "object", "properties": {
            "sent": integer, "received": integer, "lost": integer, "late": integer, "duplicate": integer,
            "reordered": integer, "concealed_ms": integer, "jitter_ms": number,
            "round_trip_ms": maybe(&number), "r_factor": maybe(&integer), "mos": maybe(&number),
            "peer": maybe(&schema("PeerReport")),
        } },
        "PeerReport": { "type": "object", "description": "How what the line was sent arrived, as its peer told it", "properties": {
            "lost": integer, "jitter_ms": number, "discarded_percent": maybe(&number), "burst_ms": maybe(&integer),
            "r_factor": maybe(&integer), "mos": maybe(&number),
        } },
        "CallList": { "type": "object", "properties": {
            "calls": list("Call"), "next_before": maybe(&integer),
        } },
        "WholeCall": { "type": "object", "properties": {
            "call": schema("Call"), "holds": schema("Holds"), "notes": list("ToldNote"),
            "repeated": { "type": "array", "items": { "type": "object", "properties": {
                "by": string, "at": time, "why": string,
            } } },
            "survey": list("SurveyAnswer"), "story": list("Line"), "facts": list("Fact"),
        } },
        "Explanation": { "type": "object", "properties": {
            "call": integer, "waits": list("ExplainedWait"),
        } },
        "ExplainedWait": { "type": "object", "properties": {
            "queue": string, "needed": texts, "could": texts, "rung": texts,
            "promised": string, "ended": string,
        } },
        "Line": { "type": "object", "properties": { "at": time, "after_s": number, "words": string } },
        "Fact": {
            "type": "object",
            "description": "Beside these, the fields of its kind: lengths in seconds, as `talked_s`, and times as here. A kind that is not known \
             is to be passed over",
            "required": ["at", "call", "fact"],
            "properties": { "at": time, "call": maybe(&integer), "fact": schema("FactKind") },
        },
        "Agent": { "type": "object", "properties": {
            "id": string,
            "state": { "type": "string", "enum": [
                "offline", "ready", "reserved", "ringing", "talking", "wrap_up", "not_ready",
            ] },
            "since": time, "reason": string, "phones": integer,
            "call": { "type": ["integer", "null"], "description": "The call in which they have a caller" }, "auto_answer_s": maybe(&number),
        } },
        "AgentList": { "type": "object", "properties": { "agents": list("Agent") } },
        "WishedState": {
            "type": "object",
            "required": ["state"],
            "additionalProperties": false,
            "properties": {
                "state": { "type": "string", "enum": ["ready", "not_ready", "offline"] },
                "reason": { "type": "string", "maxLength": 64, "examples": ["lunch"] },
            },
        },
        "Ice": { "type": "object", "properties": { "iceServers": { "type": "array", "items": {
            "type": "object", "required": ["urls"], "properties": {
                "urls": { "type": "array", "items": string }, "username": string, "credential": string,
            },
        } } } },
        "WishedLevel": {
            "type": "object",
            "required": ["level"],
            "additionalProperties": false,
            "properties": {
                "level": { "type": "integer", "minimum": 0, "maximum": 10 },
                "by": { "type": "string", "description": "Who says so; whoever is signed in leaves it out" },
            },
        },
        "Queue": { "type": "object", "properties": {
            "name": string, "when": { "type": "array", "items": string }, "waiting": integer, "longest_wait_s": maybe(&integer), "surge_since": maybe(&time),
        } },
        "HelperList": { "type": "object", "properties": { "agents": { "type": "array", "items": { "type": "object", "properties": {
            "id": string, "state": string, "since": time, "fits": { "type": "boolean" },
            "skills": { "type": "array", "items": string },
        } } } } },
        "QueueList": { "type": "object", "properties": { "queues": list("Queue") } },
    })
}
