//! `/api/v1/reports/conformance`: how often talks kept the rules that facts judge, whoever the agent was, and which broke one; for
//! supervisors.

use axum::Json;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::api::ApiState;
use crate::api::metrics::word;
use crate::api::openapi::answer;
use crate::api::openapi::body_or_table;
use crate::api::openapi::maybe;
use crate::api::openapi::problem;
use crate::api::openapi::query;
use crate::api::openapi::schema;
use crate::api::problem::Problem;
use crate::api::reports::Days;
use crate::api::reports::Shape;
use crate::api::reports::csv;
use crate::api::session::Actor;
use crate::base::Name;
use crate::fact::evaluation::Rule;
use crate::server::Reading;
use crate::store::conformance::BrokenFilter;
use crate::store::conformance::Whose;
use crate::store::service::NoSuchWord;
use crate::store::view::conformance::BrokenTalkView;
use crate::store::view::conformance::ConformanceReportView;
use crate::store::view::rfc3339;

/// The days of the report, whose it is, and how it is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportQuery {
    from: Option<String>,
    until: Option<String>,
    by: Option<String>,
    #[serde(default)]
    format: Shape,
}

/// `GET /api/v1/reports/conformance`: how often each rule was kept, by agent or queue.
pub(super) async fn report(
    State(state): State<ApiState>,
    actor: Actor,
    query: Result<Query<ReportQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    actor.supervises()?;
    let Query(ReportQuery { from, until, by, format }) = query?;
    let (from, until) = Days::of(from, until)?;
    let whose: Whose = by.map_or(Ok(Whose::default()), |by| by.parse()).map_err(|error: NoSuchWord| {
        let hint = "a talk is one agent's, and of the queue that the caller came by";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string(), hint)
    })?;
    let report = state.read(move |readers| readers.conformance_report(from, until)).await?;
    let view = ConformanceReportView::of(&report, whose);
    if format == Shape::Csv {
        return Ok(csv("conformance", view.csv()));
    }
    let ConformanceReportView { by, formulas, center, rows } = view;
    let (from, until) = (rfc3339(from), rfc3339(until));
    let told = json!({
        "from": from, "until": until, "by": by, "formulas": formulas, "center": center, "rows": rows,
    });
    Ok(Json(told).into_response())
}

/// Which rule was broken, by whom, of which days.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BrokenQuery {
    rule: Rule,
    agent: Option<Name>,
    queue: Option<Name>,
    from: Option<String>,
    until: Option<String>,
}

/// `GET /api/v1/reports/conformance/broken`: the newest talks that broke a rule. That somebody reads it, and which, is told first,
/// as of every list of calls.
pub(super) async fn broken(
    State(state): State<ApiState>,
    actor: Actor,
    query: Result<Query<BrokenQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    actor.supervises()?;
    let Query(BrokenQuery { rule, agent, queue, from, until }) = query?;
    let (from, until) = Days::of(from, until)?;
    if let Some(reader) = actor.person() {
        let all = [("broke", Some(word(&rule))), ("agent", agent.as_ref().map(|name| name.to_string()))];
        let all = all.into_iter().chain([("queue", queue.as_ref().map(|name| name.to_string()))]);
        let said = all.filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        state.tell_read(Reading::Calls(said.collect::<Vec<_>>().join(" ")), reader).await?;
    }
    let filter = BrokenFilter { rule, agent, queue, from, until };
    let broken = state.read(move |readers| readers.broken_talks(&filter)).await?;
    let talks: Vec<BrokenTalkView> = broken.talks.iter().map(BrokenTalkView::from).collect();
    Ok(Json(json!({
        "from": rfc3339(from), "until": rfc3339(until), "rule": rule, "talks": talks, "more": broken.more,
    })))
}

/// The paths as the OpenAPI document has them.
pub(super) fn paths() -> Value {
    let problem = problem();
    let (string, time) = (json!({ "type": "string" }), json!({ "type": "string", "format": "date-time" }));
    let days =
        || vec![query("from", time.clone(), "From then on"), query("until", time.clone(), "Before then")];
    let one_of = |name: &str, of: &[&str], description: &str| {
        query(name, json!({ "type": "string", "enum": of }), description)
    };
    let figures = body_or_table("The figures", "ConformanceReport");
    let mut reported = days();
    reported.push(one_of("by", &["agent", "queue"], "Whose talks; agents' when not given"));
    reported.push(one_of("format", &["json", "csv"], "csv: the rules of each row as a table"));
    let mut rule = query("rule", rules(), "Which rule");
    rule["required"] = json!(true);
    let mut listed = vec![rule];
    listed.push(query("agent", string.clone(), "Only this agent's"));
    listed.push(query("queue", string.clone(), "Only those that came by this queue; empty: by none"));
    listed.extend(days());
    let broken = json!({ "type": "object", "properties": {
        "from": time, "until": time, "rule": rules(),
        "talks": { "type": "array", "items": schema("BrokenTalk") },
        "more": { "type": "boolean", "description": "Whether there are more than these, the newest" },
    } });
    json!({
        "/api/v1/reports/conformance": { "get": {
            "summary": "How often talks kept the rules that facts judge by themselves, by agent or queue, and which agents differ from others by \
                        more than chance: of calls that are over and arrived in a time, the last 30 days when not given; for supervisors",
            "parameters": reported,
            "responses": { "200": figures, "400": problem, "403": problem, "422": problem, "503": problem },
        } },
        "/api/v1/reports/conformance/broken": { "get": {
            "summary": "The newest 100 talks that broke a rule, of the same calls; for supervisors. That somebody reads it is told first",
            "parameters": listed,
            "responses": { "200": answer("The talks", broken), "400": problem, "403": problem, "422": problem, "503": problem },
        } },
    })
}

fn rules() -> Value {
    json!({ "type": "string", "enum": Rule::ALL.map(|rule| word(&rule)) })
}

/// The shapes that the paths name.
pub(super) fn schemas() -> Value {
    let (string, integer) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let (number, time) =
        (maybe(&json!({ "type": "number" })), json!({ "type": "string", "format": "date-time" }));
    let percent = maybe(&json!({ "type": "number", "minimum": 0, "maximum": 100 }));
    let deviates = json!({ "type": "string", "enum": ["more_often", "less_often", "as_others", "too_few"] });
    let rule = json!({
        "rule": rules(), "words": string,
        "applied": { "type": "integer", "description": "Talks to which the rule applied" },
        "kept": integer, "share": percent,
        "others": { "type": ["number", "null"], "description": "What other agents kept in the same queues, in per cent; null of queues" },
        "difference": number,
        "times_chance": { "type": ["number", "null"], "description": "How many times the difference is what chance makes of it" },
        "deviates": maybe(&deviates),
    });
    let row = json!({ "type": "object", "properties": {
        "name": { "type": ["string", "null"], "description": "Null for the center, and for talks that came by no queue" },
        "talks": integer,
        "rules": { "type": "array", "items": { "type": "object", "properties": rule } },
    } });
    json!({
        "ConformanceReport": { "type": "object", "properties": {
            "from": time, "until": time, "by": { "type": "string", "enum": ["agent", "queue"] },
            "formulas": { "type": "object", "description": "What it means, in words", "additionalProperties": string },
            "center": row, "rows": { "type": "array", "items": row },
        } },
        "BrokenTalk": { "type": "object", "properties": {
            "call": integer, "arrived": time, "agent": string, "queue": maybe(&string),
        } },
    })
}
