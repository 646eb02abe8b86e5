//! `/api/v1/reports/goals`: what the center's goals came to; for supervisors.

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
use crate::store::view::goals::GoalReportView;

/// `GET /api/v1/reports/goals`: each goal, its time, and what its figure has come to in all and week by week.
pub(super) async fn show(
    State(state): State<ApiState>,
    actor: Actor,
) -> Result<Json<GoalReportView>, Problem> {
    actor.supervises()?;
    let (goals, rules, now) = (state.center().goals.clone(), state.live.rules(), now());
    let (staff, zone) = (rules.staff(), rules.zone.clone());
    let told = state.read(move |readers| readers.goal_report(goals, &staff, &zone, now)).await?;
    Ok(Json(GoalReportView::of(&told, now)))
}

/// The path as the OpenAPI document has it.
pub(super) fn paths() -> Value {
    let problem = problem();
    json!({
        "/api/v1/reports/goals": { "get": {
            "summary": "The center's goals: what their figures are to come to in which time, and what they have come to, in all and week by \
                        week; for supervisors",
            "responses": { "200": body("The goals", "GoalReport"), "403": problem, "503": problem },
        } },
    })
}

/// The shapes that it names.
pub(super) fn schemas() -> Value {
    let (string, number) = (json!({ "type": "string" }), json!({ "type": "number" }));
    let (time, maybe_number) = (json!({ "type": "string", "format": "date-time" }), maybe(&number));
    let actual = json!({
        "actual": { "type": ["number", "null"], "description": "In the goal's unit" },
        "count": { "type": "integer", "description": "Of how many" },
        "verdict": { "type": "string", "enum": ["reached", "not_reached", "too_few"] },
    });
    let mut week = actual.clone();
    week["begins"] = time.clone();
    let mut goal = actual;
    let fields = json!({
        "name": string, "why": string,
        "queue": { "type": ["string", "null"], "description": "Null: the whole center" },
        "figure": string,
        "question": { "type": ["string", "null"], "description": "Of a survey" },
        "unit": { "type": "string", "enum": ["percent", "seconds", "key"] },
        "at_least": maybe_number, "at_most": maybe_number,
        "from": time, "until": maybe(&time),
        "stage": { "type": "string", "enum": ["coming", "running", "over"] },
        "through": { "type": ["number", "null"], "description": "How much of its time has passed, in per cent" },
        "weeks": { "type": "array", "items": { "type": "object", "properties": week } },
    });
    if let (Value::Object(goal), Value::Object(fields)) = (&mut goal, fields) {
        goal.extend(fields);
    }
    json!({
        "GoalReport": { "type": "object", "properties": {
            "formulas": { "type": "object", "description": "What it means, in words", "additionalProperties": string },
            "goals": { "type": "array", "items": { "type": "object", "properties": goal } },
        } },
    })
}
