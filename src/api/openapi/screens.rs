//! The schemas of what stands on screens: the desk and the wallboard.

use serde_json::Value;
use serde_json::json;

use super::list;
use super::maybe;
use super::schema;

pub(super) fn schemas() -> Value {
    let (string, number, integer) =
        (json!({ "type": "string" }), json!({ "type": "number" }), json!({ "type": "integer" }));
    let time = json!({ "type": "string", "format": "date-time" });
    json!({
        "Center": { "type": "object", "properties": {
            "company": string, "version": string, "now": time, "sip": string, "calls": integer,
            "numbers": { "type": "array", "items": { "type": "object", "properties": {
                "number": string, "flow": string,
            } } },
            "agents": { "type": "array", "items": string }, "queues": { "type": "array", "items": string },
            "demo_accounts": { "type": "array", "items": string,
                "description": "Accounts with the demo password, which everybody knows" },
        } },
        "FlowList": { "type": "object", "properties": { "flows": { "type": "array", "items": {
            "type": "object", "properties": {
                "name": string, "numbers": { "type": "array", "items": string }, "nodes": integer, "callers": integer,
            },
        } } } },
        "Flow": { "type": "object", "properties": {
            "name": string, "svg": string,
            "nodes": { "type": "array", "items": { "type": "object", "properties": {
                "name": string, "kind": string, "about": string, "callers": integer, "came": integer,
                "average_s": maybe(&number),
                "exits": { "type": "array", "items": { "type": "object", "properties": {
                    "label": string, "to": string, "taken": integer,
                } } },
            } } },
        } },
        "Desk": { "type": "object", "properties": {
            "agent": string, "state": maybe(&string), "reason": string, "since": maybe(&time),
            "until": maybe(&time), "now": time, "auto_answer_s": maybe(&number),
            "page": maybe(&json!({ "type": "string", "enum": ["up", "lost"] })), "telephones": integer,
            "next": maybe(&json!({ "type": "object", "properties": { "state": string, "reason": string } })),
            "listening_to": maybe(&json!({ "type": "object", "properties": {
                "call": integer, "agent": string, "since": time,
                "phase": { "type": "string", "enum": ["asking", "let_in", "listening"] },
            } })),
            "learns_from": { "type": "array", "items": string },
            "calls": list("DeskCall"), "promises": list("Promise"),
        } },
        "DeskCall": with_listeners(call()),
        "Note": { "type": "object", "properties": {
            "issue": string, "tried": string, "wants": string, "promises": string, "author": string,
            "written": time, "mood": { "type": "string", "enum": ["calm", "worried", "angry", "urgent"] },
        } },
        "Board": board(),
        "Tally": tally(),
    })
}

/// A call on a desk.
fn call() -> Value {
    let (string, number, integer) =
        (json!({ "type": "string" }), json!({ "type": "number" }), json!({ "type": "integer" }));
    let (time, truth) = (json!({ "type": "string", "format": "date-time" }), json!({ "type": "boolean" }));
    let asking = json!({ "type": "object", "properties": { "reason": string, "quote_s": integer } });
    let hold = json!({ "type": "object", "properties": {
        "reason": string, "since": time, "until": time, "nudge": truth, "alarm": truth,
    } });
    let consult = json!({ "type": "object", "properties": {
        "with": string, "phase": string, "note": schema("Note"), "acknowledged": truth, "adds": truth,
    } });
    let pause = json!({ "type": "object", "properties": { "reason": string, "since": time, "until": time } });
    let recording = json!({ "type": "object", "properties": { "since": time, "pause": maybe(&pause) } });
    let before = json!({ "type": "object", "properties": {
        "call": integer, "at": time, "queue": maybe(&string), "agent": maybe(&string), "outcome": string,
        "note": string,
    } });
    let verified = json!({ "type": "object", "properties": { "how": string, "at": time } });
    let when = json!({ "type": "object", "properties": { "at": time } });
    let by_agent = json!({ "allOf": [schema("AgentVerification"), when] });
    let level = json!({
        "type": "integer", "minimum": 0, "maximum": 2,
        "description": "How much is proven of who calls: 2 by PIN or code, 1 by date of birth or by an agent's word, 0 nothing",
    });
    let said = |what: &str| json!({ "type": "boolean", "description": what });
    let offered = said("The caller would not be held, and can be called back");
    let caller_away = said("The caller's own phone holds, and hears nothing");
    let agent_away = said("The own phone of the agent who has the caller holds");
    let mut spoken = maybe(&number);
    spoken["description"] =
        json!("How long the note is that was spoken, and that whoever is consulted hears");
    let promise = json!({ "type": "object", "properties": {
        "kind": string, "within_s": integer, "words": string,
    } });
    let escalation = json!({ "type": "object", "properties": {
        "level": maybe(&string), "next": maybe(&string), "next_asks": maybe(&string),
        "next_when": { "type": "array", "items": string }, "promise": maybe(&promise),
    } });
    json!({ "type": "object", "properties": {
            "call": integer, "since": time,
            "direction": { "type": "string", "enum": ["inbound", "outbound", "internal"] }, "mode": maybe(&string),
            "role": { "type": "string", "enum": ["agent", "called", "consulted", "supervisor"] },
            "phase": { "type": "string", "enum": [
                "ringing", "whisper", "calling_out", "talking", "asking_hold", "holding", "consulting", "conference", "wrap_up",
            ] },
            "caller": { "type": "object", "properties": {
                "name": string, "number": string, "account": maybe(&string), "gain_db": integer,
            } },
            "agent": maybe(&string),
            "verified": maybe(&verified), "verified_by_agent": maybe(&by_agent), "level": level,
            "identity": maybe(&string), "queue": maybe(&string),
            "chose": { "type": "array", "items": string },
            "collected": { "type": "array", "items": { "type": "object", "properties": {
                "name": string, "value": string,
            } } },
            "waiting_since": maybe(&time), "waited_s": maybe(&number), "quoted_s": maybe(&integer),
            "offer_callback": offered, "spoken_note_s": spoken, "caller_away": caller_away, "agent_away": agent_away,
            "asking": maybe(&asking),
            "hold": maybe(&hold),
            "consult": maybe(&consult),
            "recording": maybe(&recording),
            "misrouted": maybe(&json!({ "type": "object", "description": "The agent says that the caller came to the wrong queue",
                "properties": { "belongs": maybe(&string), "reason": string } })),
            "outcome_missing": { "type": "boolean", "description": "Whether wrap-up is left before its end only once the outcome is said" },
            "escalation": maybe(&escalation),
            "members": { "type": "array", "items": { "type": "object", "properties": {
                "who": string, "since": time, "muted": truth, "gain_db": integer,
            } } },
            "notes": list("Note"),
            "timeline": { "type": "array", "items": { "type": "object", "properties": {
                "at": time, "text": string,
            } } },
            "before": { "type": "array", "items": before },
            "owed": list("Promise"),
        } })
}

/// A call, the colleagues who listen, or ask whether they may, and the supervisors who are heard.
fn with_listeners(mut call: Value) -> Value {
    for field in ["asks_to_listen", "listeners"] {
        call["properties"][field] = json!({ "type": "array", "items": { "type": "string" } });
    }
    call["properties"]["supervisors"] = json!({
        "type": "array",
        "description": "Those whom this person hears; who only listens is told to nobody",
        "items": { "type": "object", "properties": {
            "name": { "type": "string" }, "mode": { "type": "string", "enum": ["whisper", "barge"] },
        } },
    });
    call
}

/// What stands on the wallboard.
fn board() -> Value {
    let (string, integer) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let (time, truth) = (json!({ "type": "string", "format": "date-time" }), json!({ "type": "boolean" }));
    json!({ "type": "object", "properties": {
        "now": time, "day_begins": time, "interval_s": integer, "calls": integer,
        "formulas": { "type": "object", "additionalProperties": string },
        "flows": maybe(&json!({ "type": "object", "properties": {
            "version": string, "problem": maybe(&schema("FlowProblem")),
        } })),
        "alarms": { "type": "array", "items": string },
        "standbys": maybe(&json!({ "type": "array", "items": { "type": "object", "properties": {
            "address": string, "state": { "type": "string", "enum": ["sending", "up_to_date", "behind"] }, "since": time,
            "behind_s": maybe(&json!({ "type": "number" })),
            "files_differ": integer, "differing": { "type": "array", "items": string },
        } } })),
        "trunks": { "type": "array", "items": { "type": "object", "properties": {
            "trunk": string, "registered": truth, "since": maybe(&time), "why": maybe(&string),
            "status": maybe(&integer), "next": maybe(&time),
        } } },
        "queues": { "type": "array", "items": { "type": "object", "properties": {
            "name": string, "target_s": integer, "goal_percent": integer, "waiting": integer,
            "longest_wait_s": maybe(&integer), "at_risk": integer, "lately_since": time, "surge_since": maybe(&time),
            "alarms": { "type": "array", "items": string },
            "today": schema("Tally"), "lately": schema("Tally"), "intervals": list("Tally"),
            "messages": { "type": "object", "properties": { "count": integer, "oldest": maybe(&time) } },
        } } },
        "promises": { "type": "object", "properties": { "open": integer, "overdue": list("Promise") } },
        "skills": { "type": "array", "items": string },
        "agents": { "type": "array", "items": { "type": "object", "properties": {
            "id": string, "state": string, "since": time, "reason": string, "phones": integer,
            "auto_answer_s": maybe(&json!({ "type": "number" })),
            "skills": { "type": "array", "items": { "type": "object", "properties": { "skill": string, "level": integer } } },
            "call": maybe(&integer), "queue": maybe(&string),
        } } },
        "waiting": { "type": "array", "items": { "type": "object", "properties": {
            "call": integer, "from": string, "queue": string, "since": time, "promised": maybe(&time),
            "at_risk": truth, "priority": integer,
            "first": truth, "own_priority": integer, "why": string,
        } } },
    } })
}

/// What a time came to in a queue.
fn tally() -> Value {
    let (number, integer) = (json!({ "type": "number" }), json!({ "type": "integer" }));
    json!({ "type": "object", "properties": {
        "joined": integer, "answered": integer, "in_target": integer, "in_180_s": integer, "abandoned": integer,
        "short_abandoned": integer, "unserved": integer, "promises_kept": integer,
        "promises_broken": integer, "quote_bias_s": maybe(&number), "quote_error_s": maybe(&number),
        "average_wait_s": maybe(&number), "longest_wait_s": number,
        "service_level": maybe(&number), "within_180_s": maybe(&number), "abandonment": maybe(&number),
    } })
}
