//! The OpenAPI document, held against what is answered and what is refused.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::*;

/// What an answer does not have as its schema says; and what the schema does not know of it.
struct Check<'a> {
    schemas: &'a Value,
    wrong: BTreeSet<String>,
}

impl Check<'_> {
    fn fits(&mut self, value: &Value, schema: &Value, at: &str) {
        if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
            let schemas = self.schemas;
            return self.fits(value, &schemas[name], name);
        }
        if let Some(any) = schema["anyOf"].as_array() {
            if !value.is_null() {
                any.iter().filter(|one| one["type"] != "null").for_each(|one| self.fits(value, one, at));
            }
            return;
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.fits(value, part, at);
        }
        if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
            items.iter().for_each(|item| self.fits(item, schema, &format!("{at}[]")));
        }
        let Some(object) = value.as_object() else { return };
        for field in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(field) {
                self.wrong.insert(format!("{at} has no {field}"));
            }
        }
        let Some(properties) = schema["properties"].as_object() else { return };
        // Facts have the fields of their kind beside these.
        let is_open = properties.contains_key("fact") || properties.contains_key("number");
        for (field, value) in object {
            match properties.get(field) {
                Some(schema) => self.fits(value, schema, &format!("{at}.{field}")),
                None if is_open => {}
                None => drop(self.wrong.insert(format!("{at} does not say that there is {field}"))),
            }
        }
    }
}

#[test]
fn every_answer_has_what_the_document_says_is_always_there_and_nothing_else() {
    let api = api();
    let (_, document) = api.get("/api/v1/openapi.json");
    api.tell(sample::whole_call(5));
    api.tell(sample::whole_call(7).into_iter().take(20).collect());
    api.tell(vec![Fact {
        at: Timestamp::from_secs(200),
        call: Some(CallId(5)),
        what: sample::promise_made(3, 60),
    }]);
    let day = "from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z";
    let mut asked = BTreeMap::from([
        ("/api/v1/calls/{id}", "/api/v1/calls/5".to_owned()),
        ("/api/v1/calls/{id}/explain", "/api/v1/calls/5/explain".to_owned()),
        ("/api/v1/calls/{id}/evaluations", "/api/v1/calls/5/evaluations".to_owned()),
        ("/api/v1/agents/{id}/state", "/api/v1/agents/bob/state".to_owned()),
        ("/api/v1/queues/{name}/agents", "/api/v1/queues/billing/agents".to_owned()),
        ("/api/v1/desk-view", "/api/v1/desk-view?agent=bob".to_owned()),
    ]);
    for path in [
        "agents",
        "announcements",
        "calls",
        "center",
        "customers",
        "evaluations",
        "facts",
        "flows",
        "ice",
        "messages",
        "promises",
        "queues",
        "reports/goals",
        "reports/trends",
        "session",
        "wallboard",
    ] {
        let (path, _) =
            document["paths"].as_object().unwrap().get_key_value(&format!("/api/v1/{path}")).unwrap();
        asked.insert(path, path.clone());
    }
    for path in ["talks", "numbers", "menus", "misrouted", "surveys", "reads", "conformance", "evaluations"] {
        let path = format!("/api/v1/reports/{path}");
        let (path, _) = document["paths"].as_object().unwrap().get_key_value(&path).unwrap();
        asked.insert(path, format!("{path}?{day}"));
    }
    let mut check = Check { schemas: &document["components"]["schemas"], wrong: BTreeSet::new() };
    let mut answered = 0;
    for (path, asks) in &asked {
        let (status, answer) = api.get(asks);
        let response = &document["paths"][*path]["get"]["responses"][status.to_string()];
        assert!(response.is_object(), "{asks}: {status} {answer}");
        answered += usize::from(status == 200);
        check.fits(&answer, &response["content"]["application/json"]["schema"], path);
    }
    assert!(answered >= 25, "{answered} of {}", asked.len());
    assert!(check.wrong.is_empty(), "{:#?}", check.wrong);
}

/// A value that a field of this schema may have.
fn value_of(schema: &Value) -> Value {
    if let Some(word) = schema["enum"].get(0) {
        return word.clone();
    }
    match (schema["$ref"].as_str().unwrap_or_default().rsplit('/').next(), schema["type"].as_str()) {
        (Some("Target"), _) => json!({ "agent": "bob" }),
        (Some("AgentMethod"), _) => json!("document"),
        (_, Some("boolean")) => json!(true),
        (_, Some("integer")) => json!(1),
        _ => json!("x"),
    }
}

#[test]
fn what_a_body_must_have_is_what_is_refused_without_it() {
    let api = api();
    let document = openapi::document();
    let mut actions = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let schema = &item["post"]["requestBody"]["content"]["application/json"]["schema"];
        let action = path.strip_prefix("/api/v1/calls/{id}/");
        let (Some(action), Some(required)) = (action, schema["required"].as_array()) else { continue };
        let says = |without: Option<&str>| {
            let fields = required.iter().filter_map(Value::as_str).filter(|field| Some(*field) != without);
            let mut body: serde_json::Map<String, Value> =
                fields.map(|field| (field.to_owned(), value_of(&schema["properties"][field]))).collect();
            body.insert("agent".to_owned(), json!("alice"));
            api.sends("POST", &format!("/api/v1/calls/7/{action}"), &Value::Object(body).to_string())
        };
        let (_, taken) = says(None);
        assert!(!taken.to_string().contains("is missing"), "{action}: {taken}");
        for field in required.iter().filter_map(Value::as_str) {
            let (status, refused) = says(Some(field));
            let error = refused["error"].as_str().unwrap_or_default();
            assert!(status == 422 && error == format!("`{field}` is missing"), "{action} {field}: {refused}");
        }
        actions += 1;
    }
    assert!(actions > 25, "{actions}");
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_how_it_refuses() {
    let document = openapi::document();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{name} is that of {method} {path} and of another");
            assert!(operation["tags"][0].is_string(), "{method} {path}");
            let says = |status: &str| operation["responses"][status].is_object();
            let has_body = operation.get("requestBody").is_some();
            assert!(!has_body || ["400", "413", "415", "422"].into_iter().all(says), "{method} {path}");
        }
    }
    for name in
        ["get_page", "get_calls_by_id_explain", "post_calls_by_id_note_voice", "put_agents_by_id_state"]
    {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
    let kinds = document["components"]["schemas"]["FactKind"]["enum"].as_array().unwrap();
    assert_eq!(kinds.len(), What::kinds().len());
    assert!(kinds.contains(&json!("call_arrived")) && kinds.len() > 100, "{kinds:?}");
}

#[test]
fn a_list_in_place_of_an_object_is_refused() {
    let api = api();
    let (status, _) = api.put("/api/v1/agents/alice/state", r#"["not_ready","lunch"]"#);
    assert_eq!(status, 422);
    assert!(api.wishes.try_recv().is_err());
}
