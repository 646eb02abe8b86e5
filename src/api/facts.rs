//! `/api/v1/facts`: all that happened, in order, a page at a time: so that a program has each fact once.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::api::ApiState;
use crate::api::openapi::answer;
use crate::api::openapi::problem;
use crate::api::openapi::query;
use crate::api::openapi::schema;
use crate::api::problem::Problem;
use crate::api::session::Actor;
use crate::fact::What;
use crate::server::Reading;
use crate::store::FactFilter;
use crate::store::NumberedFact;
use crate::store::view::FactView;

/// Facts of a page, where nothing else is said, and at most.
const USUAL: usize = 100;
const MOST: usize = 1_000;

/// The filters, as they stand in the query.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    after: Option<u64>,
    limit: Option<usize>,
    kinds: Option<String>,
    agent: Option<String>,
}

/// A page of facts.
#[derive(Debug, Serialize)]
pub(super) struct FactList {
    facts: Vec<NumberedFactView>,
    /// `after=` for the next page, or for what is still to happen.
    after: u64,
    /// Whether there is more already.
    more: bool,
}

/// A fact with its number.
#[derive(Debug, Serialize)]
struct NumberedFactView {
    number: u64,
    #[serde(flatten)]
    fact: FactView,
}

/// `GET /api/v1/facts`: that somebody watches what happens is told first.
pub(super) async fn list(
    State(state): State<ApiState>,
    actor: Actor,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Result<Json<FactList>, Problem> {
    let Query(Filters { after, limit, kinds, agent }) = filters?;
    let limit = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        let error = format!("limit is 1 to {MOST}, not {limit}");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, "leave it out for 100"));
    }
    let kinds = kinds.as_deref().map(kinds_of).transpose()?;
    if let Some(reader) = actor.person() {
        state.tell_read(Reading::Events, reader).await?;
    }
    let filter = FactFilter { after: after.unwrap_or(0), before: None, kinds, agent, limit };
    let page = state.read(move |readers| readers.facts_told(&filter)).await?;
    let known = page.facts.iter().filter(|fact| actor.may_know(&fact.dated.fact.what));
    let facts = known.map(NumberedFactView::from).collect();
    Ok(Json(FactList { facts, after: page.looked_at, more: page.more }))
}

/// Kinds of facts as a query names them: `call_ended,agent_state`.
pub(super) fn kinds_of(text: &str) -> Result<BTreeSet<String>, Problem> {
    let kinds = text.split(',').map(str::trim);
    let known = |kind: &str| match What::kinds().contains(&kind) {
        true => Ok(kind.to_owned()),
        false => {
            let error = format!("there is no kind of fact {kind:?}");
            let hint = "the schema FactKind of /api/v1/openapi.json lists them; name several as a,b,c";
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint))
        }
    };
    kinds.map(known).collect()
}

impl From<&NumberedFact> for NumberedFactView {
    fn from(fact: &NumberedFact) -> NumberedFactView {
        NumberedFactView { number: fact.number, fact: FactView::from(&fact.dated) }
    }
}

/// Its path in the API's description.
pub(super) fn paths() -> Value {
    let integer = json!({ "type": "integer" });
    json!({ "/api/v1/facts": { "get": {
        "summary": "All that happened, in the order in which it was told, those facts that are of no call as well: a page after a number. Whoever \
                    reads on after the `after` of each answer has every fact once, also over restarts of the server",
        "parameters": [
            query("after", integer.clone(), "Only facts after the one with this number; all that are numbered when not given"),
            query("limit", integer, "At most so many: 1 to 1000, 100 when not given. A page may have fewer, or none, though there is more"),
            query("kinds", json!({ "type": "string" }), "Only facts of these kinds: call_ended,agent_state"),
            query("agent", json!({ "type": "string" }), "Only facts whose `agent` this is"),
        ],
        "responses": {
            "200": answer("A page of facts", schema("FactList")), "400": problem(), "401": problem(), "422": problem(), "503": problem(),
        },
    } } })
}

/// What may be asked of the stream beside what it says of itself.
pub(super) fn stream(mut get: Value) -> Value {
    get["parameters"] = json!([
        query("after", json!({ "type": "integer" }), "Begin with what the history has after the fact with this number"),
        { "name": "Last-Event-ID", "in": "header", "schema": { "type": "integer" }, "description": "The same, as browsers say it by themselves" },
        query("kinds", json!({ "type": "string" }), "Only facts of these kinds: call_ended,agent_state"),
        query("agent", json!({ "type": "string" }), "Only facts whose `agent` this is"),
    ]);
    for status in ["400", "401", "422", "503"] {
        get["responses"][status] = problem();
    }
    json!({ "get": get })
}

/// Its shapes.
pub(super) fn schemas() -> Value {
    let integer = json!({ "type": "integer" });
    let numbered = json!({ "type": "object", "required": ["number"], "properties": { "number": integer } });
    json!({
        "FactList": { "type": "object", "required": ["facts", "after", "more"], "properties": {
            "facts": { "type": "array", "items": { "allOf": [numbered, schema("Fact")] } },
            "after": { "type": "integer", "description": "`after` of the next page, or of what is still to happen" },
            "more": { "type": "boolean", "description": "Whether there is more already" },
        } },
        "FactKind": { "type": "string", "enum": What::kinds() },
    })
}
