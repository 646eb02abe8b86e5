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
    json!({ "get": answers("The version of the flow files that new calls get, and the last changes", json!({
        "200": body("The version, what is wrong with files that are not served, and the changes", "Flows"),
    })) })
}

/// `/api/v1/flows/publish` and `/api/v1/flows/rollback`
pub(super) fn change(summary: &str) -> Value {
    let mut post = answers(
        summary,
        json!({
            "200": body("The change; calls that are up stay on their version", "FlowChange"),
            "403": problem(), "404": problem(), "422": problem(), "503": problem(),
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
    let maybe = |value: &Value| json!({ "anyOf": [value, { "type": "null" }] });
    json!({
        "Flows": { "type": "object", "properties": {
            "version": string, "since": time, "by": string, "why": string,
            "problem": maybe(&schema("FlowProblem")),
            "changes": list("FlowChange"),
        } },
        "FlowProblem": { "type": "object", "properties": { "since": time, "errors": strings } },
        "FlowChange": { "type": "object", "properties": {
            "at": time, "did": { "type": "string", "enum": ["start", "reload", "publish", "rollback"] },
            "version": string, "before": maybe(&string), "by": string, "why": string, "changes": strings,
        } },
        "WantedFlows": {
            "type": "object",
            "required": ["why"],
            "additionalProperties": false,
            "properties": {
                "why": { "type": "string", "maxLength": 200 },
                "by": { "type": "string", "description": "Who, where no session says so" },
                "to": { "type": "string", "description": "For a rollback: the version, or the beginning of its name" },
            },
        },
    })
}
