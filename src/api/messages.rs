//! `/api/v1/messages`: what callers said after the tone, for those who serve the queue, and for supervisors.

use axum::Json;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::extract::rejection::PathRejection;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Response;
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
use crate::api::recording::sound;
use crate::api::session::Actor;
use crate::base::Name;
use crate::call::request::Refusal;
use crate::queue::api::AgentConfig;
use crate::queue::api::Demand;
use crate::server::ControlError;
use crate::server::recorder;
use crate::store::Message;
use crate::store::MessageFilter;
use crate::store::messages::Handled;
use crate::store::view::MessageView;

/// The most messages that one list holds.
const LIST_LIMIT: u32 = 1_000;
/// The most characters of what was done.
const MOST_WORDS: usize = 500;

/// The filters of the list, as they stand in the query.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    queue: Option<Name>,
    handled: Option<bool>,
    after: Option<u64>,
    limit: Option<u32>,
}

/// A page of messages.
#[derive(Debug, Serialize)]
pub(super) struct MessageList {
    messages: Vec<MessageView>,
    /// `after=` for the next page; null on the last one.
    next_after: Option<u64>,
}

/// `GET /api/v1/messages`: of the queues that one serves; of all of them for supervisors.
pub(super) async fn list(
    State(state): State<ApiState>,
    actor: Actor,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Result<Json<MessageList>, Problem> {
    let Query(Filters { queue, handled, after, limit }) = filters?;
    let queues = match (queue, served(&state, &actor)?) {
        (Some(queue), Some(served)) if !served.contains(&queue) => return Err(not_served(&queue)),
        (Some(queue), _) => Some(vec![queue]),
        (None, served) => served,
    };
    let limit = limit.unwrap_or(50).clamp(1, LIST_LIMIT);
    let filter = MessageFilter { queues, handled, after, limit: Some(limit) };
    let data = state.data.clone();
    let messages = state
        .read(move |readers| {
            let messages = readers.messages(&filter)?;
            let view =
                |message: &Message| MessageView::of(message, recorder::path(&data, message.file).exists());
            Ok(messages.iter().map(view).collect::<Vec<_>>())
        })
        .await?;
    let full = messages.len() == limit as usize;
    let next_after = messages.last().filter(|_| full).map(|message| message.id);
    Ok(Json(MessageList { messages, next_after }))
}

/// `GET /api/v1/messages/{id}/audio`: as a WAV file; the call's history says who fetched it, before they have it.
pub(super) async fn audio(
    State(state): State<ApiState>,
    actor: Actor,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Response, Problem> {
    let message = found(&state, &actor, id?.0).await?;
    let gone = || Problem::not_found("what was said is gone", "messages are kept as long as recordings are");
    sound(&state, &actor, message.file).await?.ok_or_else(gone)
}

/// What somebody says of a message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    #[serde(default)]
    words: String,
}

/// `POST /api/v1/messages/{id}/handled`: what it asks for is done. Once.
pub(super) async fn handled(
    State(state): State<ApiState>,
    actor: Actor,
    id: Result<Path<u64>, PathRejection>,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Result<Json<MessageView>, Problem> {
    let (Path(id), Json(Wish { words })) = (id?, wish?);
    if words.chars().count() > MOST_WORDS {
        let error = format!("what was done is at most {MOST_WORDS} characters long");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, "say it in fewer words"));
    }
    let message = found(&state, &actor, id).await?;
    if let Some(Handled { by, .. }) = message.handled {
        return Err(ControlError::from(Refusal::Handled(by)).into());
    }
    let (file, by) = (message.file, actor.person());
    let at = state.control.message_handled(file.call, file.part, by.clone(), words.clone()).await?;
    let handled = Some(Handled { at, by, words });
    let there = recorder::path(&state.data, file).exists();
    Ok(Json(MessageView::of(&Message { handled, ..message }, there)))
}

/// A message that this person may hear.
async fn found(state: &ApiState, actor: &Actor, id: u64) -> Result<Message, Problem> {
    let served = served(state, actor)?;
    let message = state.read(move |readers| readers.message(id)).await?;
    let message = message.ok_or_else(|| {
        Problem::not_found(format!("there is no message {id}"), "GET /api/v1/messages lists them")
    })?;
    match served {
        Some(served) if !served.contains(&message.queue) => Err(not_served(&message.queue)),
        _ => Ok(message),
    }
}

/// The queues whose callers this person may get; none for whoever may hear all.
fn served(state: &ApiState, actor: &Actor) -> Result<Option<Vec<Name>>, Problem> {
    let Some(person) = actor.person().filter(|_| actor.supervises().is_err()) else {
        return actor.supervises().map(|()| None);
    };
    let center = state.center();
    let agent = center.engine.agents.iter().find(|agent| agent.name == person);
    let able = |agent: &AgentConfig, needs: &Demand| {
        let course = needs.with(&Demand::default());
        course.iter().any(|(_, needs)| needs.met(|skill| agent.level(skill)))
    };
    let queues = center.engine.queues.iter();
    let serves = queues.filter(|queue| agent.is_some_and(|agent| able(agent, &queue.needs)));
    Ok(Some(serves.map(|queue| Name::clone(&queue.name)).collect()))
}

fn not_served(queue: &str) -> Problem {
    let error = format!("messages for {queue} are for those who serve it");
    Problem::new(StatusCode::FORBIDDEN, error, "ask a supervisor")
}

/// The paths as the OpenAPI document has them.
pub(super) fn paths() -> Value {
    let problem = problem();
    let message = schema("Message");
    let filter =
        |name: &str, kind: &str, description: &str| query(name, json!({ "type": kind }), description);
    let id = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }]);
    let list = json!({ "type": "object", "properties": {
        "messages": { "type": "array", "items": message },
        "next_after": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
    } });
    json!({
        "/api/v1/messages": { "get": {
            "summary": "Messages that callers left, the oldest first: for the queues that one serves; all for supervisors",
            "parameters": [
                filter("queue", "string", "Only for this queue"),
                filter("handled", "boolean", "Only those that somebody has handled, or nobody"),
                filter("after", "integer", "Only what comes after this one: the next page"),
                filter("limit", "integer", "At most so many: 1 to 1000, 50 when not given"),
            ],
            "responses": { "200": answer("A page of messages", list), "400": problem, "401": problem, "403": problem },
        } },
        "/api/v1/messages/{id}/audio": { "parameters": id, "get": {
            "summary": "What was said; the history tells who fetched it",
            "responses": {
                "200": { "description": "The message", "content": { "audio/wav": {} } },
                "403": problem, "404": problem, "503": problem,
            },
        } },
        "/api/v1/messages/{id}/handled": { "parameters": id, "post": {
            "summary": "Say that what a message asks for is done, by whoever is signed in",
            "requestBody": { "required": true, "content": { "application/json": { "schema": {
                "type": "object", "additionalProperties": false,
                "properties": { "words": { "type": "string", "maxLength": MOST_WORDS } },
            } } } },
            "responses": {
                "200": answer("The message as it is now", message),
                "403": problem, "404": problem, "409": problem, "415": problem, "422": problem, "503": problem,
            },
        } },
    })
}

/// The shapes that the paths name.
pub(super) fn schemas() -> Value {
    let (string, integer) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let time = json!({ "type": "string", "format": "date-time" });
    json!({
        "Message": { "type": "object", "properties": {
            "id": integer, "call": integer, "queue": string, "number": string, "name": maybe(&string),
            "account": maybe(&string), "left": time, "length_s": { "type": "number" },
            "audio": { "type": "boolean", "description": "Whether what was said is still there" },
            "handled": maybe(&time), "handled_by": maybe(&string), "handled_words": string,
        } },
    })
}
