//! `/api/v1/promises`: what callers were promised, who owes it, and what became of it.

use axum::Json;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::extract::rejection::PathRejection;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::api::ApiState;
use crate::api::openapi::answer;
use crate::api::openapi::maybe;
use crate::api::openapi::problem;
use crate::api::openapi::query;
use crate::api::openapi::schema;
use crate::api::problem::Problem;
use crate::api::reports::Days;
use crate::api::session::Actor;
use crate::base::Name;
use crate::base::PromiseId;
use crate::base::WallTime;
use crate::fact::PromiseState;
use crate::queue::promises::PromiseWish;
use crate::store::PromiseFilter;
use crate::store::promises::LIST_LIMIT;
use crate::store::view::PromiseTallyView;
use crate::store::view::PromiseView;
use crate::store::view::rfc3339;

/// The filters of the list, as they stand in the query.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    owner: Option<String>,
    state: Option<PromiseState>,
    after: Option<u64>,
    limit: Option<u32>,
}

/// A page of promises.
#[derive(Debug, Serialize)]
pub(super) struct PromiseList {
    promises: Vec<PromiseView>,
    /// `after=` for the next page; null on the last one.
    next_after: Option<u64>,
}

/// `GET /api/v1/promises`: one's own; those of others for supervisors.
pub(super) async fn list(
    State(state): State<ApiState>,
    actor: Actor,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Result<Json<PromiseList>, Problem> {
    let Query(Filters { owner, state: how, after, limit }) = filters?;
    let owner = match (owner, actor.person()) {
        (Some(owner), _) => {
            actor.acts_for(&owner)?;
            Some(owner)
        }
        (None, Some(person)) if actor.supervises().is_err() => Some(person.to_string()),
        (None, _) => {
            actor.supervises()?;
            None
        }
    };
    let limit = limit.unwrap_or(50).clamp(1, LIST_LIMIT);
    let filter = PromiseFilter { owner, state: how, after: after.map(PromiseId), limit: Some(limit) };
    let promises = state.read(move |readers| readers.promises(&filter)).await?;
    let full = promises.len() == limit as usize;
    let next_after = promises.last().filter(|_| full).map(|promise| promise.id.0);
    Ok(Json(PromiseList { promises: promises.iter().map(PromiseView::from).collect(), next_after }))
}

/// Who says what of a promise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    agent: Option<String>,
    state: Option<Said>,
    #[serde(default)]
    words: String,
    /// Who owes it from now on.
    owner: Option<Name>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Kept,
    Broken,
}

/// `POST /api/v1/promises/{id}`: it was kept, or broken, or somebody else owes it now. By its owner, or a supervisor.
pub(super) async fn settle(
    State(state): State<ApiState>,
    actor: Actor,
    id: Result<Path<u64>, PathRejection>,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Result<Json<PromiseView>, Problem> {
    let Path(id) = id?;
    let Json(Wish { agent, state: said, words, owner }) = wish?;
    let who = actor.agent(agent.as_deref())?;
    let wish = match (said, owner) {
        (Some(Said::Kept), None) => PromiseWish::Kept { words },
        (Some(Said::Broken), None) => PromiseWish::Broken { words },
        (None, Some(to)) => PromiseWish::Hand { to },
        _ => {
            let error = "either what became of it, or who owes it now";
            let hint = r#"send {"state":"kept"}, {"state":"broken"} or {"owner":"bob"}"#;
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint));
        }
    };
    let promise = state.control.promise(PromiseId(id), who, actor.supervises().is_ok(), wish).await?;
    Ok(Json(PromiseView::from(&promise)))
}

/// What came of promises, by agent and queue.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    from: String,
    until: String,
    lines: Vec<PromiseTallyView>,
}

/// `GET /api/v1/promises/report`: for supervisors.
pub(super) async fn report(
    State(state): State<ApiState>,
    actor: Actor,
    days: Result<Query<Days>, QueryRejection>,
) -> Result<Json<Report>, Problem> {
    actor.supervises()?;
    let (from, until) = Days::parse(days)?;
    let tallies = state.read(move |readers| readers.promise_report(from, until)).await?;
    let lines = tallies.into_iter().map(PromiseTallyView::from).collect();
    Ok(Json(Report { from: rfc3339(from), until: rfc3339(until), lines }))
}

/// `2026-11-26T15:00:00Z`
pub(super) fn time(text: &str) -> Result<WallTime, Problem> {
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        let error = format!("{text:?} is not a time");
        let hint = "write it as RFC 3339: 2026-11-26T15:00:00Z";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint)
    })?;
    Ok(WallTime(time.as_microsecond()))
}

/// The paths as the OpenAPI document has them.
pub(super) fn paths() -> Value {
    let problem = problem();
    let (string, integer) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let time = json!({ "type": "string", "format": "date-time" });
    let lists = json!({ "type": "object", "properties": {
        "promises": { "type": "array", "items": schema("Promise") },
        "next_after": { "anyOf": [integer, { "type": "null" }] },
    } });
    let reports = json!({ "type": "object", "properties": {
        "from": time, "until": time, "lines": { "type": "array", "items": { "type": "object", "properties": {
            "agent": string, "queue": { "anyOf": [string, { "type": "null" }] },
            "open": integer, "overdue": integer, "kept": integer, "late": integer, "broken": integer,
        } } },
    } });
    json!({
        "/api/v1/promises": { "get": {
            "summary": "What callers were promised, what is due first comes first: one's own; all of them for supervisors",
            "parameters": [
                query("owner", string.clone(), "Only what this agent owes"),
                query("state", schema("PromiseState"), "Only those; open has those that are overdue among them"),
                query("after", integer.clone(), "Only what comes after this one: the next page"),
                query("limit", integer, "At most so many: 1 to 1000, 50 when not given"),
            ],
            "responses": { "200": answer("A page of promises", lists), "400": problem, "401": problem, "403": problem },
        } },
        "/api/v1/promises/{id}": {
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
            "post": {
                "summary": "Say that a promise was kept or broken, or who owes it now: by its owner or a supervisor. What is \
                            kept after its time is late",
                "requestBody": { "required": true, "content": { "application/json": { "schema": {
                    "type": "object", "additionalProperties": false, "properties": {
                        "agent": { "type": "string", "description": "Who says so; whoever is signed in leaves it out" },
                        "state": { "type": "string", "enum": ["kept", "broken"] },
                        "words": string, "owner": string,
                    },
                } } } },
                "responses": {
                    "200": answer("The promise as it is now", schema("Promise")),
                    "403": problem, "404": problem, "409": problem, "415": problem, "422": problem, "503": problem,
                },
            },
        },
        "/api/v1/promises/report": { "get": {
            "summary": "What came of promises that were due in a time, the last 30 days when not given; for supervisors",
            "parameters": [query("from", time.clone(), "From then on"), query("until", time, "Before then")],
            "responses": { "200": answer("Counts by agent and queue", reports), "403": problem, "422": problem },
        } },
    })
}

/// The shapes that the paths name.
pub(super) fn schemas() -> Value {
    let (string, integer) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let time = json!({ "type": "string", "format": "date-time" });
    json!({
        "PromiseState": { "type": "string", "enum": ["open", "overdue", "kept", "late", "broken"] },
        "Promise": { "type": "object", "properties": {
            "id": integer, "call": integer, "owner": string,
            "kind": { "type": "string", "enum": ["callback", "answer"] }, "words": string,
            "number": string, "name": maybe(&string), "account": maybe(&string), "queue": maybe(&string),
            "made": time, "due": time, "state": schema("PromiseState"),
            "reminded": { "type": "boolean" },
            "settled": maybe(&time), "settled_by": maybe(&string), "settled_words": string,
        } },
    })
}
