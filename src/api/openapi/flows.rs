//! What is told of the flow files, and how they are changed.

use serde_json::Value;
use serde_json::json;

use super::answers;
use super::body;
use super::list;
use super::maybe;
use super::problem;
use super::schema;

/// What there is to ask.
pub(super) fn paths() -> Value {
    json!({
        "/api/v1/flows/versions": show(),
        "/api/v1/flows/publish": change("Serve what lies in the folder of flows now, or try a version on some"),
        "/api/v1/flows/promote": change("Serve to all what is tried on some"),
        "/api/v1/flows/rollback": change("Go back: from what is tried on some, or to a version of the flow files"),
        "/api/v1/announcements": announcements(),
        "/api/v1/announcements/{id}": announcement(),
    })
}

/// `/api/v1/flows/versions`
fn show() -> Value {
    json!({ "get": answers("The version of the flow files that new calls get, how calls come out by version, and the last changes", json!({
        "200": body("The version, what is tried on some, what is wrong with files that are not served, outcomes and changes", "Flows"),
    })) })
}

/// `/api/v1/flows/publish`, `promote` and `rollback`
fn change(summary: &str) -> Value {
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

/// `/api/v1/announcements`
fn announcements() -> Value {
    json!({ "get": answers("Every announcement of the center, and whether callers hear it", json!({
        "200": body("The announcements, by name", "AnnouncementList"), "503": problem(),
    })) })
}

/// `/api/v1/announcements/{id}`
fn announcement() -> Value {
    let mut put = answers(
        "Switch an announcement on for a while, or off, over what the files say; calls from now on hear it",
        json!({
            "200": body("The change", "FlowChange"),
            "403": problem(), "404": problem(), "422": problem(), "503": problem(),
        }),
    );
    put["requestBody"] = json!({ "required": true,
        "content": { "application/json": { "schema": schema("WantedAnnouncement") } } });
    json!({
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "The announcement, as center.yaml calls it" }],
        "put": put,
    })
}

pub(super) fn schemas() -> Value {
    let string = json!({ "type": "string" });
    let strings = json!({ "type": "array", "items": string });
    let time = json!({ "type": "string", "format": "date-time" });
    let count = json!({ "type": "integer" });
    let zone = json!({ "type": "string", "description": "By which clock the center goes: Europe/Berlin" });
    json!({
        "Flows": { "type": "object", "properties": {
            "version": string, "since": time, "by": string, "why": string,
            "problem": maybe(&schema("FlowProblem")),
            "canary": maybe(&schema("FlowCanary")),
            "outcomes": schema("FlowOutcomes"),
            "time_zone": maybe(&zone),
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
            "counted_from": { "type": "string", "enum": ["start", "trial"], "description": "Which of the two it is" },
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
        "AnnouncementList": { "type": "object", "properties": {
            "time_zone": maybe(&zone), "announcements": list("Announcement"),
        } },
        "Announcement": { "type": "object", "properties": {
            "name": string,
            "on_until": maybe(&time),
            "says": { "type": "array", "items": string,
                "description": "Recordings, and texts between quotation marks" },
            "switched": maybe(&schema("AnnouncementSwitched")),
        } },
        "AnnouncementSwitched": { "type": "object", "description": "Who switched it over what the files say",
            "properties": { "at": time, "by": string, "why": string, "until": maybe(&time) } },
        "WantedAnnouncement": {
            "type": "object",
            "required": ["why"],
            "additionalProperties": false,
            "properties": {
                "why": { "type": "string", "maxLength": 200 },
                "by": { "type": "string", "description": "Who, where no session says so" },
                "for_s": { "type": "integer", "minimum": 1, "maximum": 2_678_400,
                    "description": "On for so many seconds; off when absent" },
                "say": { "description": "A text, or one for each language of the center",
                    "oneOf": [string, { "type": "object", "additionalProperties": string }] },
                "prompt": { "type": "string", "description": "Or the name of a recording; without either, what the files say" },
            },
        },
        "FlowProblem": { "type": "object", "properties": { "since": time, "errors": strings } },
        "FlowChange": { "type": "object", "properties": {
            "at": time, "did": { "type": "string", "enum": ["start", "reload", "publish", "rollback", "canary", "promote",
                "canary_ended", "announce"] },
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
