//! `/api/v1/reports`: what a time came to, from the history; for supervisors.

use std::time::Duration;

use axum::Json;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::api::ApiState;
use crate::api::now;
use crate::api::openapi::body;
use crate::api::openapi::body_or_table;
use crate::api::openapi::maybe;
use crate::api::openapi::problem;
use crate::api::openapi::query;
use crate::api::openapi::schema;
use crate::api::problem::Problem;
use crate::api::promises::time;
use crate::api::session::Actor;
use crate::base::WallTime;
use crate::store::Readers;
use crate::store::StoreError;
use crate::store::service::By;
use crate::store::service::Every;
use crate::store::service::Intervals;
use crate::store::service::NoSuchWord;
use crate::store::view::menus::MenuReportView;
use crate::store::view::misrouted::RouteReportView;
use crate::store::view::numbers::NumberReportView;
use crate::store::view::reads::ReadReportView;
use crate::store::view::rfc3339;
use crate::store::view::service::ServiceReportView;
use crate::store::view::surveys::SurveyReportView;
use crate::store::view::talks::TalkReportView;

/// What a report is of when nothing else is said: the last 30 days.
const REPORTED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The days of a report.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Days {
    from: Option<String>,
    until: Option<String>,
}

impl Days {
    /// From when on and before when.
    pub(super) fn parse(days: Result<Query<Days>, QueryRejection>) -> Result<(WallTime, WallTime), Problem> {
        let Query(days) = days?;
        days.times()
    }

    /// The same of what stands in a query beside more.
    pub(super) fn of(from: Option<String>, until: Option<String>) -> Result<(WallTime, WallTime), Problem> {
        Days { from, until }.times()
    }

    fn times(self) -> Result<(WallTime, WallTime), Problem> {
        let Days { from, until } = self;
        let until = until.as_deref().map(time).transpose()?.unwrap_or_else(now);
        let before = i64::try_from(REPORTED.as_micros()).unwrap_or(i64::MAX);
        let from = from.as_deref().map(time).transpose()?;
        Ok((from.unwrap_or(WallTime(until.0.saturating_sub(before))), until))
    }
}

/// A report of some days, and which days these are.
#[derive(Debug, Serialize)]
pub(super) struct OfDays<V> {
    from: String,
    until: String,
    #[serde(flatten)]
    report: V,
}

type Answer<V> = Result<Json<OfDays<V>>, Problem>;

/// What the history has of these days, as a view of it; for supervisors.
async fn of_days<R, V>(
    state: &ApiState,
    actor: &Actor,
    days: Result<Query<Days>, QueryRejection>,
    read: fn(&Readers, WallTime, WallTime) -> Result<R, StoreError>,
) -> Answer<V>
where
    R: Send + 'static,
    V: for<'a> From<&'a R>,
{
    shown_of_days(state, actor, days, read, |report| V::from(report)).await
}

/// The same, shown in a way of its own.
async fn shown_of_days<R, V>(
    state: &ApiState,
    actor: &Actor,
    days: Result<Query<Days>, QueryRejection>,
    read: fn(&Readers, WallTime, WallTime) -> Result<R, StoreError>,
    show: impl FnOnce(&R) -> V,
) -> Answer<V>
where
    R: Send + 'static,
{
    actor.supervises()?;
    let (from, until) = Days::parse(days)?;
    let report = state.read(move |readers| read(readers, from, until)).await?;
    Ok(Json(OfDays { from: rfc3339(from), until: rfc3339(until), report: show(&report) }))
}

/// `GET /api/v1/reports/talks`: holds by queue and agent, and what came of the ways on which callers were handed on.
pub(super) async fn talks(
    State(state): State<ApiState>,
    actor: Actor,
    days: Result<Query<Days>, QueryRejection>,
) -> Answer<TalkReportView> {
    of_days(&state, &actor, days, Readers::talk_report).await
}

/// `GET /api/v1/reports/surveys`: what callers answered after their talks, by queue and agent.
pub(super) async fn surveys(
    State(state): State<ApiState>,
    actor: Actor,
    days: Result<Query<Days>, QueryRejection>,
) -> Answer<SurveyReportView> {
    of_days(&state, &actor, days, Readers::survey_report).await
}

/// `GET /api/v1/reports/numbers`: what became of the calls to each number.
pub(super) async fn numbers(
    State(state): State<ApiState>,
    actor: Actor,
    days: Result<Query<Days>, QueryRejection>,
) -> Answer<NumberReportView> {
    of_days(&state, &actor, days, Readers::number_report).await
}

/// `GET /api/v1/reports/reads`: who read lists of calls, or watched what happens.
pub(super) async fn reads(
    State(state): State<ApiState>,
    actor: Actor,
    days: Result<Query<Days>, QueryRejection>,
) -> Answer<ReadReportView> {
    of_days(&state, &actor, days, Readers::read_report).await
}

/// `GET /api/v1/reports/menus`: what callers keyed at the menus.
pub(super) async fn menus(
    State(state): State<ApiState>,
    actor: Actor,
    days: Result<Query<Days>, QueryRejection>,
) -> Answer<MenuReportView> {
    let center = state.center();
    shown_of_days(&state, &actor, days, Readers::menu_report, |report| {
        MenuReportView::of(report, |flow, node| center.has_choice(flow, node))
    })
    .await
}

/// `GET /api/v1/reports/misrouted`: by which routes callers came to the wrong queue.
pub(super) async fn misrouted(
    State(state): State<ApiState>,
    actor: Actor,
    days: Result<Query<Days>, QueryRejection>,
) -> Answer<RouteReportView> {
    of_days(&state, &actor, days, Readers::route_report).await
}

/// Which figures of which days.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    from: Option<String>,
    until: Option<String>,
    by: Option<String>,
    every: Option<String>,
    #[serde(default)]
    format: Shape,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    #[default]
    Json,
    Csv,
}

/// `GET /api/v1/reports/service`: how callers were answered and how busy agents were, by queue, skill or agent and
/// interval.
pub(super) async fn service(
    State(state): State<ApiState>,
    actor: Actor,
    query: Result<Query<Service>, QueryRejection>,
) -> Result<Response, Problem> {
    actor.supervises()?;
    let Query(Service { from, until, by, every, format }) = query?;
    let (from, until) = Days::of(from, until)?;
    let refused = |error: String| {
        let hint = "from, until and every (15m, 30m, 1h, 1d, 1w) say what is reported: choose less of it";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint)
    };
    let by: By = by
        .map_or(Ok(By::default()), |by| by.parse())
        .map_err(|error: NoSuchWord| refused(error.to_string()))?;
    let every = every
        .map(|every| every.parse())
        .transpose()
        .map_err(|error: NoSuchWord| refused(error.to_string()))?;
    let every = every.unwrap_or_else(|| Every::usual(from, until));
    let intervals = Intervals::new(from, until, every, &state.live.rules().zone)
        .map_err(|error| refused(error.to_string()))?;
    let staff = state.live.rules().staff();
    let rows = state
        .read(move |readers| readers.service_report(by, intervals, staff, now()))
        .await?
        .map_err(|error| refused(error.to_string()))?;
    let report = ServiceReportView::of(&rows, by, every, from, until);
    if format == Shape::Json {
        return Ok(Json(report).into_response());
    }
    Ok(csv("service", report.csv()))
}

/// A report as a table to take away.
pub(super) fn csv(report: &str, table: String) -> Response {
    let head = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{report}.csv\"")),
    ];
    (head, table).into_response()
}

/// The paths as the OpenAPI document has them.
pub(super) fn paths() -> Value {
    let problem = problem();
    let moment = json!({ "type": "string", "format": "date-time" });
    let time = |name: &str, description: &str| query(name, moment.clone(), description);
    let one_of = |name: &str, of: &[&str], description: &str| {
        query(name, json!({ "type": "string", "enum": of }), description)
    };
    let service = body_or_table("The figures", "ServiceReport");
    json!({
        "/api/v1/reports/service": { "get": {
            "summary": "Service level, waits and hang-ups of callers, how busy agents were, what talks took and whether one call was enough, \
                        by queue, skill or agent and interval; of waits that began and talks that ended in a time, the last 30 days when not given; for supervisors",
            "parameters": [
                time("from", "From then on"), time("until", "Before then"),
                one_of("by", &["queue", "skill", "agent"], "Whose figures; queues' when not given"),
                one_of("every", &["15m", "30m", "1h", "1d", "1w"],
                       "How long an interval is, by a clock in the center's time zone; when not given 15m up to a day, 1d beyond"),
                one_of("format", &["json", "csv"], "csv: the intervals as a table with the names of the JSON"),
            ],
            "responses": {
                "200": service, "400": problem, "403": problem, "422": problem, "503": problem,
            },
        } },
        "/api/v1/reports/talks": { "get": {
            "summary": "Holds by queue and agent, and on which ways callers were handed on and had to repeat themselves: of calls \
                        that arrived in a time, the last 30 days when not given; for supervisors",
            "parameters": [time("from", "From then on"), time("until", "Before then")],
            "responses": {
                "200": body("The figures", "TalkReport"), "400": problem, "403": problem, "422": problem, "503": problem,
            },
        } },
        "/api/v1/reports/numbers": { "get": {
            "summary": "What became of the calls to each number: whom the flow served alone, who reached a person, who gave up, and how \
                        long callers were in the flow; of calls that arrived in a time, the last 30 days when not given; for supervisors",
            "parameters": [time("from", "From then on"), time("until", "Before then")],
            "responses": {
                "200": body("The figures", "NumberReport"), "400": problem, "403": problem, "422": problem, "503": problem,
            },
        } },
        "/api/v1/reports/menus": { "get": {
            "summary": "What callers keyed at the menus: who chose, gave up or hung up, how often no key came or one that was no choice, \
                        how often 0, and how long callers were there; of calls that arrived in a time, the last 30 days when not given; \
                        for supervisors",
            "parameters": [time("from", "From then on"), time("until", "Before then")],
            "responses": {
                "200": body("The figures", "MenuReport"), "400": problem, "403": problem, "422": problem, "503": problem,
            },
        } },
        "/api/v1/reports/misrouted": { "get": {
            "summary": "By which routes callers came to the wrong queue, as those say who had them: the number that was dialled, what was chosen \
                        there and the queue; of calls that arrived in a time, the last 30 days when not given; for supervisors",
            "parameters": [time("from", "From then on"), time("until", "Before then")],
            "responses": {
                "200": body("The figures", "RouteReport"), "400": problem, "403": problem, "422": problem, "503": problem,
            },
        } },
        "/api/v1/reports/reads": { "get": {
            "summary": "Who read lists of calls, by which filter, or watched what happens: the last 1000 readings of a time, the newest first; \
                        the last 30 days when not given; for supervisors",
            "parameters": [time("from", "From then on"), time("until", "Before then")],
            "responses": {
                "200": body("The readings", "ReadReport"), "400": problem, "403": problem, "422": problem, "503": problem,
            },
        } },
        "/api/v1/reports/surveys": { "get": {
            "summary": "What callers answered after their talks, by queue and agent and question, and by what the caller had behind them: of calls that arrived in a time, \
                        the last 30 days when not given; for supervisors",
            "parameters": [time("from", "From then on"), time("until", "Before then")],
            "responses": {
                "200": body("The figures", "SurveyReport"), "400": problem, "403": problem, "422": problem, "503": problem,
            },
        } },
    })
}

/// The shapes that the paths name.
pub(super) fn schemas() -> Value {
    let (string, integer) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let (seconds, time) = (json!({ "type": "number" }), json!({ "type": "string", "format": "date-time" }));
    let holds = json!({
        "held": { "type": "integer", "description": "How often a caller was held" },
        "total_s": seconds, "longest_s": seconds,
        "late": { "type": "integer", "description": "How many took longer than the caller was told in good time" },
        "refused": { "type": "integer", "description": "How often a caller said no, or nothing" },
        "overridden": { "type": "integer", "description": "How often nobody was asked" },
        "abandoned": { "type": "integer", "description": "How often a held caller hung up" },
    });
    let of = |name: &str, whose: Value| {
        let mut fields = holds.clone();
        fields[name] = whose;
        json!({ "type": "array", "items": { "type": "object", "properties": fields } })
    };
    let target = schema("Target");
    let answers = |name: &str| {
        let mean = json!({ "type": "number", "description": "Of all answers, to the hundredth" });
        let fields = json!({ name: maybe(&string), "question": string, "answers": integer, "mean": mean });
        json!({ "type": "array", "items": { "type": "object", "properties": fields } })
    };
    let mut efforts = answers("after");
    efforts["items"]["properties"]["after"] =
        json!({ "type": "string", "enum": ["wait_s", "hold_s", "handovers"] });
    efforts["items"]["properties"]["up_to"] = json!({ "type": ["integer", "null"], "description": "How much of it at most; null beyond what is told apart" });
    let (percent, maybe_s) =
        (maybe(&json!({ "type": "number", "minimum": 0, "maximum": 100 })), maybe(&seconds));
    let figures = json!({
        "joined": integer, "answered": integer, "in_target": integer, "in_180_s": integer, "abandoned": integer, "short_abandoned": integer,
        "unserved": integer, "service_level": percent, "service_level_of_all": percent, "within_180_s": percent, "abandonment": percent,
        "average_wait_s": maybe_s, "p90_wait_s": maybe_s, "longest_wait_s": seconds,
        "quoted": integer, "quotes_kept": percent, "quote_bias_s": maybe_s, "quote_error_s": maybe_s,
        "busy_s": seconds, "there_s": seconds, "occupancy": percent,
        "handled": integer, "average_handle_s": maybe_s, "average_talk_s": maybe_s, "average_hold_s": maybe_s,
        "average_wrap_up_s": maybe_s,
        "contacts": integer, "first_call_resolution": percent,
        "contacts_with_outcome": integer, "first_call_resolution_with_outcome": percent,
        "contacts_with_answer": integer, "first_call_resolution_by_answer": percent,
    });
    let mut interval = figures.clone();
    interval["begins"] = time.clone();
    let mut row = figures.clone();
    row["name"] = maybe(&string);
    row["intervals"] = json!({ "type": "array", "items": { "type": "object", "properties": interval } });
    let number = json!({
        "number": { "type": "string", "description": "The number that was dialled" },
        "calls": integer,
        "self_served": { "type": "integer", "description": "Whom the flow served to its end, and who asked for nobody" },
        "came_again": { "type": "integer", "description": "Of those, who called the same number again within 7 days" },
        "containment": percent,
        "person": { "type": "integer", "description": "Who talked with somebody" },
        "messages": { "type": "integer", "description": "Who left a message" },
        "left_in_flow": { "type": "integer", "description": "Who hung up in the flow" },
        "abandoned": { "type": "integer", "description": "Who hung up in a queue" },
        "unserved": { "type": "integer", "description": "Who was in a queue and not served" },
        "other": { "type": "integer", "description": "Ended by a failure, or served by another call" },
        "average_in_flow_s": maybe_s,
    });
    let menu = json!({
        "flow": string, "node": string,
        "came": { "type": "integer", "description": "How often a caller came to the menu and left it" },
        "chose": integer,
        "gave_up": { "type": "integer", "description": "Who heard it to the last try and had not chosen" },
        "hung_up": { "type": "integer", "description": "Who hung up there" },
        "no_input": { "type": "integer", "description": "How often no key came in time" },
        "no_match": { "type": "integer", "description": "How often a key was no choice" },
        "zero_outs": { "type": "integer", "description": "How often 0 was keyed, be it a choice or not" },
        "average_s": maybe_s,
    });
    let route = json!({
        "entry": { "type": "string", "description": "The number that was dialled" },
        "way": { "type": "string", "enum": ["flow", "chose", "handed_on", "moved"] },
        "chose": maybe(&json!({ "type": "object", "properties": { "flow": string, "node": string, "choice": string } })),
        "queue": string,
        "talks": { "type": "integer", "description": "Talks that came by it" },
        "misrouted": { "type": "integer", "description": "Of those, which came to the wrong queue" },
        "share": { "type": "number", "minimum": 0, "maximum": 100 },
        "belongs": { "type": "array", "items": { "type": "object", "properties": {
            "queue": maybe(&string), "times": integer,
        } } },
    });
    json!({
        "RouteReport": { "type": "object", "properties": {
            "from": time, "until": time,
            "formulas": { "type": "object", "description": "What the figures mean, in words",
                          "additionalProperties": string },
            "routes": { "type": "array", "items": { "type": "object", "properties": route } },
        } },
        "MenuReport": { "type": "object", "properties": {
            "from": time, "until": time,
            "formulas": { "type": "object", "description": "What the figures mean, in words",
                          "additionalProperties": string },
            "menus": { "type": "array", "items": { "type": "object", "properties": menu } },
        } },
        "ReadReport": { "type": "object", "properties": {
            "from": time, "until": time,
            "reads": { "type": "array", "items": { "type": "object", "properties": {
                "at": time, "by": string, "what": { "type": "string", "enum": ["calls", "events"] },
                "filter": maybe(&string),
            } } },
        } },
        "NumberReport": { "type": "object", "properties": {
            "from": time, "until": time,
            "formulas": { "type": "object", "description": "What the figures mean, in words",
                          "additionalProperties": string },
            "numbers": { "type": "array", "items": { "type": "object", "properties": number } },
        } },
        "ServiceReport": { "type": "object", "properties": {
            "from": time, "until": time, "by": string, "every": string,
            "formulas": { "type": "object", "description": "What the figures mean, in words",
                          "additionalProperties": string },
            "rows": { "type": "array", "items": { "type": "object", "properties": row } },
        } },
        "SurveyReport": { "type": "object", "properties": {
            "from": time, "until": time, "queues": answers("queue"), "agents": answers("agent"),
            "efforts": efforts,
        } },
        "SurveyAnswer": { "type": "object", "properties": {
            "at": time, "question": string, "answer": integer, "agent": maybe(&string), "queue": maybe(&string),
            "settled": maybe(&json!({ "type": "boolean" })),
        } },
        "Holds": { "type": "object", "properties": holds },
        "TalkReport": { "type": "object", "properties": {
            "from": time, "until": time,
            "queues": of("queue", maybe(&string)), "agents": of("agent", string.clone()),
            "handovers": { "type": "array", "items": { "type": "object", "properties": {
                "queue": maybe(&string), "from": string, "to": target,
                "warm": integer, "blind": integer,
                "repeats": { "type": "integer", "description": "How often the caller had to tell again what was known" },
            } } },
        } },
        "ToldNote": { "type": "object", "properties": {
            "author": string, "written": time, "to": target,
            "amends": { "type": "boolean", "description": "Whether it changes the note before it" },
            "rang": maybe(&string), "acknowledged_by": maybe(&string), "acknowledged": maybe(&time),
            "declined_by": maybe(&string), "declined": maybe(&time), "declined_why": maybe(&string),
            "spoken_s": maybe(&seconds),
            "ended": maybe(&json!({ "type": "string", "enum": [
                "no_answer", "declined", "unreachable", "receiver_left", "cancelled", "sender_left", "caller_left",
            ] })),
            "note": { "type": "object" },
        } },
    })
}
