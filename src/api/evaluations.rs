//! `/api/v1/evaluations` and those of a call: talks that supervisors judge by the center's forms. Whoever is judged reads their
//! own and nobody else's; a supervisor who reads somebody's leaves a line in the call's history, before they have it.

use axum::Json;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::extract::rejection::PathRejection;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::api::ApiState;
use crate::api::now;
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
use crate::base::CallId;
use crate::base::Name;
use crate::fact::evaluation::Form;
use crate::server::EvaluationStep;
use crate::server::Reading;
use crate::store::DatedFact;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::evaluations;
use crate::store::evaluations::Answers;
use crate::store::evaluations::Evaluation;
use crate::store::evaluations::Sheet;
use crate::store::evaluations::draw;
use crate::store::evaluations::judge;
use crate::store::view::evaluations::DrawnView;
use crate::store::view::evaluations::EvaluationHead;
use crate::store::view::evaluations::EvaluationReportView;
use crate::store::view::evaluations::EvaluationView;
use crate::store::view::evaluations::OpenSheet;
use crate::store::view::rfc3339;

/// How the talks of a call were judged.
#[derive(Debug, Serialize)]
pub(super) struct OfCall {
    evaluations: Vec<EvaluationView>,
    /// Every form as the facts fill it in, for each agent who talked; for supervisors, once the call is over.
    open: Vec<OpenSheet>,
}

/// `GET /api/v1/calls/{id}/evaluations`: all of them for supervisors, else one's own.
pub(super) async fn of_call(
    State(state): State<ApiState>,
    actor: Actor,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Json<OfCall>, Problem> {
    let Path(id) = id?;
    let (facts, is_over) = state.facts_of(CallId(id)).await?;
    let mut of_call = state.read(move |readers| readers.evaluations_of(CallId(id))).await?;
    let mut open = Vec::new();
    match actor.person().filter(|_| actor.supervises().is_err()) {
        Some(person) => of_call.retain(|evaluation| evaluation.agent == person),
        None => {
            actor.supervises()?;
            if is_over {
                open = state.open_sheets(&facts);
            }
            state.tell_evaluations_read(CallId(id), &facts, &of_call, &actor).await?;
        }
    }
    Ok(Json(OfCall { evaluations: of_call.iter().map(EvaluationView::from).collect(), open }))
}

type Which = Result<Path<(u64, Name, Name)>, PathRejection>;

/// `PUT /api/v1/calls/{id}/evaluations/{agent}/{form}`: a supervisor judges a talk that is over.
pub(super) async fn put(
    State(state): State<ApiState>,
    actor: Actor,
    which: Which,
    answers: Result<Json<Answers>, JsonRejection>,
) -> Result<Json<EvaluationView>, Problem> {
    let Path((id, agent, form)) = which?;
    let call = CallId(id);
    actor.supervises()?;
    let Json(answers) = answers?;
    let by = actor.person();
    if by.as_ref() == Some(&agent) {
        let hint = "another supervisor can";
        return Err(Problem::new(StatusCode::FORBIDDEN, "nobody judges their own talk", hint));
    }
    let center = state.center();
    let form = form_of(&center.evaluations, &form)?;
    let (facts, is_over) = state.facts_of(call).await?;
    if !is_over {
        let error = format!("call {call} is not over yet");
        return Err(Problem::new(StatusCode::CONFLICT, error, "judge it when it is"));
    }
    let talked = judge::talked(&facts);
    if !talked.contains(&agent) {
        let names: Vec<&str> = talked.iter().map(|name| &**name).collect();
        let hint = format!(
            "whose it was: {}",
            if names.is_empty() { "nobody's".to_owned() } else { names.join(", ") }
        );
        return Err(Problem::not_found(format!("{agent} had no talk in call {call}"), hint));
    }
    let items = evaluations::fill(form, &agent, &facts, &state.live.rules().zone);
    let sheet = Sheet::of(items, answers).map_err(|error| {
        let hint = format!("GET /api/v1/calls/{call}/evaluations has the form");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string(), hint)
    })?;
    let form = form.name.clone();
    let evaluation = Evaluation { call, agent, form, by, at: now(), read: None, sheet };
    let written = evaluation.clone();
    state.write(move |store| store.put_evaluation(&written)).await?;
    let Evaluation { agent, form, by, .. } = &evaluation;
    let step = EvaluationStep::Written { by: by.clone() };
    state.control.evaluated(call, agent.clone(), form.clone(), step).await?;
    Ok(Json(EvaluationView::from(&evaluation)))
}

/// `POST /api/v1/calls/{id}/evaluations/{agent}/{form}/read`: whoever was judged has read it.
pub(super) async fn read(
    State(state): State<ApiState>,
    actor: Actor,
    which: Which,
) -> Result<StatusCode, Problem> {
    let Path((id, agent, form)) = which?;
    let call = CallId(id);
    let who = actor.agent(actor.person().is_none().then_some(&*agent))?;
    // Whether somebody else was judged is nobody's business.
    let none =
        || Problem::not_found(format!("nothing was said of you in call {call} by the form {form}"), NONE);
    if who != agent {
        return Err(none());
    }
    let (by, of) = (agent.clone(), form.clone());
    let earlier = state.read(move |readers| readers.evaluation(call, &by, &of)).await?;
    if earlier.ok_or_else(none)?.read.is_some() {
        return Ok(StatusCode::NO_CONTENT);
    }
    let (by, of) = (agent.clone(), form.clone());
    state.write(move |store| store.evaluation_read(call, &by, &of, now())).await?;
    state.control.evaluated(call, agent, form, EvaluationStep::Acknowledged).await?;
    Ok(StatusCode::NO_CONTENT)
}

const NONE: &str = "GET /api/v1/evaluations lists your own";

/// Whose evaluations of which days.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    agent: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

/// `GET /api/v1/evaluations`: one's own; those of others for supervisors.
pub(super) async fn list(
    State(state): State<ApiState>,
    actor: Actor,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(Filters { agent, from, until }) = filters?;
    let (from, until) = Days::of(from, until)?;
    let agent = match (agent, actor.person()) {
        (Some(agent), _) => {
            actor.acts_for(&agent)?;
            Some(agent)
        }
        (None, Some(person)) if actor.supervises().is_err() => Some(person.to_string()),
        (None, _) => {
            actor.supervises()?;
            None
        }
    };
    let list = state.read(move |readers| readers.evaluations(from, until, agent.as_deref())).await?;
    let heads: Vec<EvaluationHead> = list.iter().map(EvaluationHead::from).collect();
    Ok(Json(json!({ "from": rfc3339(from), "until": rfc3339(until), "evaluations": heads })))
}

/// `GET /api/v1/evaluations/due`: the talks that are drawn of each agent and week; for supervisors.
pub(super) async fn due(
    State(state): State<ApiState>,
    actor: Actor,
    days: Result<Query<Days>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    actor.supervises()?;
    let (from, until) = Days::parse(days)?;
    let weeks = draw::weeks(from, until, &state.live.rules().zone);
    let center = state.center();
    let drawn = state.read(move |readers| readers.drawn_talks(&center.evaluations, &weeks)).await?;
    let talks: Vec<DrawnView> = drawn.iter().map(DrawnView::from).collect();
    Ok(Json(json!({ "from": rfc3339(from), "until": rfc3339(until), "talks": talks })))
}

/// The days of the report, and how it is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportQuery {
    from: Option<String>,
    until: Option<String>,
    #[serde(default)]
    format: Shape,
}

/// `GET /api/v1/reports/evaluations`: what they come to by agent and item; for supervisors.
pub(super) async fn report(
    State(state): State<ApiState>,
    actor: Actor,
    query: Result<Query<ReportQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    actor.supervises()?;
    let Query(ReportQuery { from, until, format }) = query?;
    let (from, until) = Days::of(from, until)?;
    let report = state.read(move |readers| readers.evaluation_report(from, until)).await?;
    let view = EvaluationReportView::from(&report);
    if format == Shape::Csv {
        return Ok(csv("evaluations", view.csv()));
    }
    let EvaluationReportView { formulas, agents, items } = view;
    let (from, until) = (rfc3339(from), rfc3339(until));
    let told =
        json!({ "from": from, "until": until, "formulas": formulas, "agents": agents, "items": items });
    Ok(Json(told).into_response())
}

fn form_of<'f>(forms: &'f [Form], name: &str) -> Result<&'f Form, Problem> {
    forms.iter().find(|form| *form.name == *name).ok_or_else(|| {
        let known: Vec<&str> = forms.iter().map(|form| &*form.name).collect();
        let hint = match known.is_empty() {
            true => "write `evaluations` into center.yaml".to_owned(),
            false => format!("there is {}", known.join(", ")),
        };
        Problem::not_found(format!("there is no form {name:?}"), hint)
    })
}

impl ApiState {
    /// The facts of a call, and whether it is over.
    async fn facts_of(&self, call: CallId) -> Result<(Vec<DatedFact>, bool), Problem> {
        let (record, facts) =
            self.read(move |readers| Ok((readers.call(call)?, readers.facts(call)?))).await?;
        let Some(record) = record else {
            let hint = "GET /api/v1/calls lists them";
            return Err(Problem::not_found(format!("there is no call {call}"), hint));
        };
        Ok((facts, record.ended.is_some()))
    }

    fn open_sheets(&self, facts: &[DatedFact]) -> Vec<OpenSheet> {
        let (center, zone) = (self.center(), &self.live.rules().zone);
        let of_agent = |agent: Name| {
            let open = |form: &Form| OpenSheet {
                agent: agent.to_string(),
                form: form.name.to_string(),
                items: evaluations::fill(form, &agent, facts, zone),
            };
            center.evaluations.iter().map(open).collect::<Vec<_>>()
        };
        judge::talked(facts).into_iter().flat_map(of_agent).collect()
    }

    /// Has the call's history say that somebody reads how others were judged by others, and what happened in it.
    async fn tell_evaluations_read(
        &self,
        call: CallId,
        facts: &[DatedFact],
        read: &[Evaluation],
        actor: &Actor,
    ) -> Result<(), Problem> {
        let Some(reader) = actor.person() else { return Ok(()) };
        self.tell_call_read(call, facts, reader.clone()).await?;
        if read.iter().any(|one| one.agent != reader && one.by.as_ref() != Some(&reader)) {
            self.tell_read(Reading::Evaluations(call), reader).await?;
        }
        Ok(())
    }

    /// Writes beside the history, on a thread that may block.
    async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.reading.clone().try_acquire_owned().map_err(|_| Problem::busy("too many read"))?;
        let store = self.store.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let written = write(&store);
            drop(permit);
            written
        });
        Ok(writing.await.map_err(|_| Problem::busy("the writing was broken off"))??)
    }
}

/// The paths as the OpenAPI document has them.
pub(super) fn paths() -> Value {
    let problem = problem();
    let (string, integer) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let time = json!({ "type": "string", "format": "date-time" });
    let days = || [query("from", time.clone(), "From then on"), query("until", time.clone(), "Before then")];
    let in_path =
        |name: &str, of: &Value| json!({ "name": name, "in": "path", "required": true, "schema": of });
    let which = [in_path("id", &integer), in_path("agent", &string), in_path("form", &string)];
    let list = |of: &str| json!({ "type": "array", "items": schema(of) });
    let of_days = |name: &str, of: &str| json!({ "type": "object", "properties": { "from": time, "until": time, name: list(of) } });
    let of_call = json!({ "type": "object", "properties": {
        "evaluations": list("Evaluation"), "open": list("OpenSheet"),
    } });
    let figures = body_or_table("The figures", "EvaluationReport");
    let mut listed = days().to_vec();
    listed.push(query("agent", string.clone(), "Only those of this agent's talks"));
    let mut reported = days().to_vec();
    let formats = json!({ "type": "string", "enum": ["json", "csv"] });
    reported.push(query("format", formats, "csv: the items as a table"));
    json!({
        "/api/v1/evaluations": { "get": {
            "summary": "How talks were judged, the newest first: one's own; all of them for supervisors; of calls that arrived in a time, the \
                        last 30 days when not given",
            "parameters": listed,
            "responses": { "200": answer("Without what was said of them", of_days("evaluations", "EvaluationHead")),
                           "400": problem, "401": problem, "403": problem, "422": problem, "503": problem },
        } },
        "/api/v1/evaluations/due": { "get": {
            "summary": "The talks that are drawn to be judged, so many of each agent and week as the forms say: of weeks that are over, \
                        and ended in a time, the last 30 days when not given; for supervisors",
            "parameters": days(),
            "responses": { "200": answer("The talks, whether judged or not", of_days("talks", "DrawnTalk")),
                           "400": problem, "403": problem, "422": problem, "503": problem },
        } },
        "/api/v1/calls/{id}/evaluations": {
            "parameters": [in_path("id", &integer)],
            "get": {
                "summary": "How the talks of a call were judged, and the forms as its facts fill them in: for supervisors; one's own alone for \
                            agents",
                "responses": { "200": answer("The evaluations", of_call), "401": problem, "404": problem, "503": problem },
            },
        },
        "/api/v1/calls/{id}/evaluations/{agent}/{form}": {
            "parameters": which,
            "put": {
                "summary": "Judge a talk, in place of what was said of it by the same form before; what the facts fill in nobody types over, \
                            but it may be disputed. For supervisors, of calls that are over",
                "requestBody": { "required": true, "content": { "application/json": { "schema": schema("EvaluationAnswers") } } },
                "responses": { "200": answer("The evaluation", schema("Evaluation")), "400": problem, "403": problem,
                               "404": problem, "409": problem, "415": problem, "422": problem, "503": problem },
            },
        },
        "/api/v1/calls/{id}/evaluations/{agent}/{form}/read": {
            "parameters": which,
            "post": {
                "summary": "Say that one has read how one's own talk was judged",
                "responses": { "204": { "description": "Noted" }, "401": problem, "404": problem, "503": problem },
            },
        },
        "/api/v1/reports/evaluations": { "get": {
            "summary": "What evaluations come to by agent and item, of calls that arrived in a time, the last 30 days when not given; \
                        for supervisors",
            "parameters": reported,
            "responses": { "200": figures, "400": problem, "403": problem, "422": problem, "503": problem },
        } },
    })
}

/// The shapes that the paths name.
pub(super) fn schemas() -> Value {
    let (string, integer) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let (number, time) = (json!({ "type": "number" }), json!({ "type": "string", "format": "date-time" }));
    let percent = maybe(&json!({ "type": "number", "minimum": 0, "maximum": 100 }));
    let list = |properties: Value| json!({ "type": "array", "items": { "type": "object", "properties": properties } });
    let head = json!({
        "call": integer, "agent": string, "form": string, "by": maybe(&string), "at": time,
        "read": maybe(&time), "got": integer, "points": integer, "share": percent,
    });
    let comments = list(json!({
        "at_s": { "type": "integer", "description": "Seconds after the recording began" }, "words": string,
    }));
    let mut items = list(json!({
        "name": string, "points": integer,
        "got": { "anyOf": [integer, { "type": "null" }], "description": "Null where it does not apply" },
        "filled": { "type": "string", "enum": ["hand", "facts"] },
        "question": { "type": "string", "description": "Where it is filled in by hand" },
        "rule": { "type": "string", "description": "Where the facts fill it in, and so the next ones" },
        "verdict": { "type": "string", "enum": ["met", "not_met", "not_applicable"] },
        "from": list(json!({ "after_s": number, "words": string })),
        "disputed": maybe(&string),
    }));
    // The others are of one way to fill it in or the other.
    items["items"]["required"] = json!(["name", "points", "got", "filled"]);
    let mut whole = head.clone();
    for (name, of) in
        [("items", &items), ("strengths", &string), ("improvements", &string), ("comments", &comments)]
    {
        whole[name] = of.clone();
    }
    json!({
        "EvaluationHead": { "type": "object", "properties": head },
        "Evaluation": { "type": "object", "properties": whole },
        "OpenSheet": { "type": "object", "properties": { "agent": string, "form": string, "items": items } },
        "EvaluationAnswers": { "type": "object", "additionalProperties": false, "properties": {
            "answers": { "type": "object", "description": "Points by item; null where it does not apply",
                         "additionalProperties": { "anyOf": [integer, { "type": "null" }] } },
            "disputes": { "type": "object", "description": "Why what the facts say is not all, by item",
                          "additionalProperties": string },
            "strengths": string, "improvements": string, "comments": comments,
        } },
        "DrawnTalk": { "type": "object", "properties": {
            "form": string, "week": time, "agent": string, "call": integer, "ended": time, "talked_s": number,
            "evaluated": { "type": "boolean" },
        } },
        "EvaluationReport": { "type": "object", "properties": {
            "from": time, "until": time,
            "formulas": { "type": "object", "additionalProperties": string },
            "agents": list(json!({ "agent": string, "evaluations": integer, "read": integer, "share": percent })),
            "items": list(json!({
                "agent": string, "form": string, "item": string, "words": string,
                "filled": { "type": "string", "enum": ["hand", "facts"] },
                "met": integer, "not_met": integer, "not_applicable": integer, "disputed": integer,
                "met_share": percent, "share": percent,
            })),
        } },
    })
}
