//! `/api/v1/reports/trends`: what became of each queue's figures from one week to the next; for supervisors.

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use serde_json::json;

use crate::api::ApiState;
use crate::api::now;
use crate::api::openapi::body;
use crate::api::openapi::maybe;
use crate::api::openapi::problem;
use crate::api::problem::Problem;
use crate::api::session::Actor;
use crate::store::view::trends::TrendReportView;

/// `GET /api/v1/reports/trends`: the last whole week of each queue beside the weeks before it.
pub(super) async fn show(
    State(state): State<ApiState>,
    actor: Actor,
) -> Result<Json<TrendReportView>, Problem> {
    actor.supervises()?;
    let (rules, now) = (state.live.rules(), now());
    let (staff, zone) = (rules.staff(), rules.zone.clone());
    let trends = state.read(move |readers| readers.trend_report(staff, &zone, now)).await?;
    Ok(Json(TrendReportView::from(&*trends)))
}

/// The path as the OpenAPI document has it.
pub(super) fn paths() -> Value {
    let problem = problem();
    json!({
        "/api/v1/reports/trends": { "get": {
            "summary": "Each queue's last whole week beside the four before it, figure by figure, and whether that is more than chance; for \
                        supervisors",
            "responses": { "200": body("The figures", "TrendReport"), "403": problem, "503": problem },
        } },
    })
}

/// The shapes that it names.
pub(super) fn schemas() -> Value {
    let (string, integer) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let (time, number) =
        (json!({ "type": "string", "format": "date-time" }), maybe(&json!({ "type": "number" })));
    let one_of = |words: &[&str]| json!({ "type": "string", "enum": words });
    let figure = json!({
        "figure": string,
        "question": { "type": ["string", "null"], "description": "Of a survey" },
        "unit": one_of(&["percent", "seconds", "key"]),
        "week_begins": time, "week": number, "week_count": integer, "before": number, "before_count": integer,
        "times_chance": { "type": ["number", "null"], "description": "How many times the difference is what chance makes of it" },
        "change": one_of(&["up", "down", "as_before", "too_few"]),
        "turn": maybe(&one_of(&["better", "worse", "other"])),
    });
    let queue = json!({
        "queue": string,
        "pattern": maybe(&one_of(&["hurried", "overtaxed"])),
        "words": { "type": ["string", "null"], "description": "What the pattern may mean" },
        "figures": { "type": "array", "items": { "type": "object", "properties": figure } },
    });
    json!({
        "TrendReport": { "type": "object", "properties": {
            "formulas": { "type": "object", "description": "What it means, in words", "additionalProperties": string },
            "queues": { "type": "array", "items": { "type": "object", "properties": queue } },
        } },
    })
}
