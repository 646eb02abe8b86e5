//! What is the same of every path of the document, and of every shape: said once, and put in everywhere.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::problem;

/// Methods that a path may have.
const METHODS: [&str; 4] = ["get", "put", "post", "delete"];
/// WebSockets, whose answer is another protocol.
const SOCKETS: [&str; 3] = ["/sip", "/api/v1/desk", "/api/v1/web-call"];
/// What needs no sign-in.
const OPEN: [&str; 3] = ["/api/v1/session", "/api/v1/web-call", "/api/v1/ice"];

/// Completes the document: names and tags of operations, answers that any of them may give, and which fields are always there.
pub(super) fn complete(document: &mut Value) {
    let mut asked = BTreeSet::new();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        let has_parameters = item.get("parameters").is_some();
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                complete_operation(operation, method, path, has_parameters);
                named(&operation["requestBody"], &mut asked);
            }
        }
    }
    close(&document["components"]["schemas"], &mut asked);
    let schemas = document["components"]["schemas"].as_object_mut().into_iter().flatten();
    // Of what is sent to us each says itself what it needs.
    schemas.filter(|(name, _)| !asked.contains(*name)).for_each(|(_, schema)| require_all(schema));
}

fn complete_operation(operation: &mut Value, method: &str, path: &str, has_parameters: bool) {
    operation["operationId"] = json!(id(method, path));
    operation["tags"] = json!([tag(path)]);
    let mut more: Vec<&str> = Vec::new();
    if path.starts_with("/api/v1/") {
        more.push("default");
        if !OPEN.contains(&path) {
            more.extend(["401", "403"]);
        }
        if has_parameters || operation.get("parameters").is_some() {
            more.push("400");
        }
        if operation.get("requestBody").is_some() {
            more.extend(["400", "413", "415", "422"]);
        }
    }
    let responses = &mut operation["responses"];
    if SOCKETS.contains(&path) {
        let why = json!({ "description": "No WebSocket was asked for", "content": { "text/plain": {} } });
        responses["400"] = why.clone();
        responses["426"] = why;
        responses["101"] = json!({ "description": "It is a WebSocket from now on" });
    }
    for status in more {
        if responses.get(status).is_none() {
            responses[status] = problem();
        }
    }
    require_all(responses);
}

/// `get_calls_by_id_explain`, and of what is not of the API `get_page_desk`.
fn id(method: &str, path: &str) -> String {
    let (path, mut id) = match path.strip_prefix("/api/v1") {
        Some(path) => (path, method.to_owned()),
        None => (path, format!("{method}_page")),
    };
    let parts = path.split('/').filter(|part| !part.is_empty()).map(|part| {
        let by = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        by.map_or_else(|| part.replace(['.', '-'], "_"), |name| format!("by_{name}"))
    });
    for part in parts {
        id.push('_');
        id.push_str(&part);
    }
    id
}

/// What the path is about: `calls`; what is not of the API is `server`.
fn tag(path: &str) -> &str {
    path.strip_prefix("/api/v1/").and_then(|path| path.split('/').next()).unwrap_or("server")
}

/// Every field of an object is always there, where nothing else is said.
fn require_all(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let (Some(Value::Object(properties)), None) =
                (fields.get("properties"), fields.get("required"))
            {
                let all: Vec<String> = properties.keys().cloned().collect();
                fields.insert("required".to_owned(), json!(all));
            }
            fields.values_mut().for_each(require_all);
        }
        Value::Array(items) => items.iter_mut().for_each(require_all),
        _ => {}
    }
}

/// Which schemas are named in there.
fn named(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let of = fields.get("$ref").and_then(Value::as_str).and_then(|of| of.rsplit('/').next());
            names.extend(of.map(str::to_owned));
            fields.values().for_each(|value| named(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| named(value, names)),
        _ => {}
    }
}

/// And in those.
fn close(schemas: &Value, names: &mut BTreeSet<String>) {
    loop {
        let before = names.len();
        for name in names.clone() {
            named(&schemas[name], names);
        }
        if names.len() == before {
            return;
        }
    }
}
