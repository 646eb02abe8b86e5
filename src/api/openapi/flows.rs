//! What is told of the flow files, and how they are changed.

use serde_json::Value;
use serde_json::json;

use super::answers;
use super::body;
use super::list;
use super::problem;
use super::schema;

/// `/api/v1/flows/versions`
pub(super) fn show() -> Value {
    json!({ "get": answers("The version of the flow files that new calls get, how calls come out by version, and the last changes", json!({
        "200": body("The version, what is tried on some, what is wrong with files that are not served, outcomes and changes", "Flows"),
    })) })
}

/// `/api/v1/flows/publish`, `promote` and `rollback`
pub(super) fn change(summary: &str) -> Value {
    let mut post = answers(
        summary,
        json!({
            "200": body("The change; calls that are up stay on their version", "FlowChange"),
            "403": problem(), "404": problem(), "409": problem(), "422": problem(), "503": problem(),
        }),
    );
    post["requestBody"] =
        json!({ "required": true, "content": { "application/json": { "schema": schema("WantedFlows") } } });
    json!({ "post": post })
}

pub(super) fn schemas() -> Value {
    let string = json!({ "type": "string" });
    let strings = json!({ "type": "array", "items": string });
    let time = json!({ "type": "string", "format": "date-time" });
    let count = json!({ "type": "integer" });
    let maybe = |value: &Value| json!({ "anyOf": [value, { "type": "null" }] });
    json!({
        "Flows": { "type": "object", "properties": {
            "version": string, "since": time, "by": string, "why": string,
            "problem": maybe(&schema("FlowProblem")),
            "canary": maybe(&schema("FlowCanary")),
            "outcomes": schema("FlowOutcomes"),
            "changes": list("FlowChange"),
        } },
        "FlowCanary": { "type": "object", "description": "The version that is tried on some", "properties": {
            "version": string, "since": time, "by": string, "why": string,
            "audience": { "type": "string", "description": "Who meets it, in words" },
            "share": maybe(&json!({ "type": "number", "description": "In per cent of callers" })),
        } },
        "FlowOutcomes": { "type": "object", "properties": {
            "since": { "type": "string", "format": "date-time",
                "description": "Calls are counted that began since then: the server's start, or the canary's" },
            "versions": list("FlowTally"),
        } },
        "FlowTally": { "type": "object", "properties": {
            "version": string, "canary": { "type": "boolean" }, "calls": count,
            "reached_person": count, "served": count, "left_in_flow": count,
            "no_input": count, "no_match": count,
            "failed": { "type": "integer",
                "description": "Services, bots, lines or the customer store that did not answer, and flows that failed" },
            "in_flow_s": maybe(&json!({ "type": "number", "description": "How long on average" })),
        } },
        "FlowProblem": { "type": "object", "properties": { "since": time, "errors": strings } },
        "FlowChange": { "type": "object", "properties": {
            "at": time, "did": { "type": "string", "enum": ["start", "reload", "publish", "rollback", "canary", "promote",
                "canary_ended"] },
            "version": string, "before": maybe(&string), "by": string, "why": string,
            "audience": maybe(&json!({ "type": "string", "description": "Who meets it, when not all do" })),
            "changes": strings,
        } },
        "WantedFlows": {
            "type": "object",
            "required": ["why"],
            "additionalProperties": false,
            "properties": {
                "why": { "type": "string", "maxLength": 200 },
                "by": { "type": "string", "description": "Who, where no session says so" },
                "to": { "type": "string", "description": "For a rollback: the version, or the beginning of its name" },
                "canary": { "type": "object", "description": "To publish for some only: one of these",
                    "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
                    "properties": {
                        "share": { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100,
                            "description": "In per cent of callers" },
                        "numbers": { "type": "array", "items": string, "description": "Whoever dials these" },
                        "callers": { "type": "array", "items": string, "description": "By their own numbers" },
                    } },
                "files": { "type": "object", "additionalProperties": string,
                    "description": "What to try on them: texts by file name; what lies in the server's folder when absent" },
            },
        },
    })
}
