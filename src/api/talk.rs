//! `/api/v1/calls/{id}/…`: what agents and supervisors do with a call that is up. Each is a POST with a JSON body
//! that says who acts, unless a session does; the answer is 202 and `{}`, or why not.

use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::routing::MethodRouter;
use axum::routing::post;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::api::ApiState;
use crate::api::openapi::problem;
use crate::api::openapi::schema;
use crate::api::problem::Problem;
use crate::api::promises::time;
use crate::api::session::Actor;
use crate::base::CallId;
use crate::base::Name;
use crate::base::PromiseId;
use crate::call::conference::MOST_GAIN_DB;
use crate::call::escalate::Escalation;
use crate::call::recording::RecordWish;
use crate::call::request::AgentRequest;
use crate::call::request::OutcomeReport;
use crate::call::request::PromiseDraft;
use crate::fact::HoldWay;
use crate::fact::PromiseKind;
use crate::fact::Resolution;
use crate::fact::SuperviseMode;
use crate::fact::Target;
use crate::fact::note::NoteDraft;
use crate::queue::api::FIRST;
use crate::server::PlaceCall;

/// The greatest priority that a person gives, either way.
const MOST_PRIORITY: i32 = 100;

/// What a body asks for.
type Parse = fn(Value) -> Result<AgentRequest, Problem>;

/// Paths and what they ask for.
pub(super) fn routes() -> Vec<(&'static str, MethodRouter<ApiState>)> {
    let ask = |parse: Parse| {
        post(move |State(state): State<ApiState>, actor: Actor, id: Id, body: Body| async move {
            act(&state, &actor, id, body, parse).await
        })
    };
    vec![
        ("/api/v1/calls/{id}/hold", ask(|body| read::<Hold>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/call_back", ask(|body| read::<CallBack>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/resume", ask(|body| bare(body, AgentRequest::Resume))),
        ("/api/v1/calls/{id}/consult", ask(|body| read::<Consult>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/note", ask(|body| read(body).map(AgentRequest::Amend))),
        ("/api/v1/calls/{id}/note/voice", ask(|body| read::<NoteVoice>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/acknowledge", ask(|body| bare(body, AgentRequest::Acknowledge))),
        ("/api/v1/calls/{id}/decline", ask(|body| read::<Decline>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/escalate", ask(|body| read::<Escalate>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/add", ask(|body| read::<Add>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/drop", ask(|body| read::<Who>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/mute", ask(|body| read::<Mute>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/gain", ask(|body| read::<Gain>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/take_over", ask(|body| bare(body, AgentRequest::TakeOver))),
        ("/api/v1/calls/{id}/toggle", ask(|body| bare(body, AgentRequest::Toggle))),
        ("/api/v1/calls/{id}/join", ask(|body| bare(body, AgentRequest::Join))),
        ("/api/v1/calls/{id}/complete", ask(|body| bare(body, AgentRequest::Complete))),
        ("/api/v1/calls/{id}/cancel", ask(|body| bare(body, AgentRequest::Cancel))),
        ("/api/v1/calls/{id}/transfer", ask(|body| read::<Transfer>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/hang_up", ask(|body| bare(body, AgentRequest::HangUp))),
        ("/api/v1/calls/{id}/keys", ask(|body| read::<Keys>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/record", ask(|body| read::<Record>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/outcome", ask(|body| read::<Outcome>(body).and_then(Outcome::parse))),
        ("/api/v1/calls/{id}/promise", ask(|body| read::<Promised>(body).and_then(Promised::request))),
        ("/api/v1/calls/{id}/repeat", ask(|body| read::<Repeat>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/move", ask(|body| read::<Move>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/prioritise", ask(|body| read::<Prioritise>(body).and_then(Prioritise::parse))),
        ("/api/v1/calls/{id}/supervise", ask(|body| read::<Supervise>(body).map(AgentRequest::from))),
    ]
}

type Id = Result<Path<u64>, PathRejection>;
type Body = Result<Json<Map<String, Value>>, JsonRejection>;

async fn act(
    state: &ApiState,
    actor: &Actor,
    id: Id,
    body: Body,
    parse: Parse,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Path(id) = id?;
    let Json(mut body) = body?;
    let said = body.remove("agent");
    let who = actor.agent(said.as_ref().and_then(Value::as_str))?;
    let request = parse(Value::Object(body))?;
    if for_supervisors(&request) {
        actor.supervises()?;
    }
    state.control.ask_call(&who, CallId(id), request).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({}))))
}

/// Who is to be called.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    to: Target,
    queue: Option<Name>,
    #[serde(default)]
    at_desk: bool,
}

/// `POST /api/v1/calls`: an agent calls somebody. Their own phone rings first.
pub(super) async fn place(
    State(state): State<ApiState>,
    actor: Actor,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Json(mut body) = body?;
    let said = body.remove("agent");
    let who = actor.agent(said.as_ref().and_then(Value::as_str))?;
    let Place { to, queue, at_desk } = read(Value::Object(body))?;
    let call = state.control.place(&who, PlaceCall { to, queue, at_desk }).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "call": call.0 }))))
}

/// The same as the OpenAPI document has it.
pub(super) fn place_path() -> Value {
    let problem = problem();
    json!({
        "summary": "Call a number or a colleague: the agent's own phone rings first, then theirs",
        "requestBody": { "required": true, "content": { "application/json": { "schema": {
            "type": "object", "additionalProperties": false, "required": ["to"], "properties": {
                "agent": { "type": "string", "description": "Who calls; whoever is signed in leaves it out" },
                "to": schema("Target"),
                "queue": { "type": "string", "description": "Whose rules hold, and whose number is shown" },
                "at_desk": { "type": "boolean", "description": "Whether the agent's desk picks up at once" },
            },
        } } } },
        "responses": {
            "202": { "description": "The agent's phone rings; the call's number", "content": { "application/json": {
                "schema": { "type": "object", "properties": { "call": { "type": "integer" } } },
            } } },
            "403": problem, "404": problem, "409": problem, "415": problem, "422": problem, "503": problem,
        },
    })
}

fn for_supervisors(request: &AgentRequest) -> bool {
    matches!(
        request,
        AgentRequest::Supervise(_)
            | AgentRequest::TakeOver
            | AgentRequest::Move { .. }
            | AgentRequest::Prioritise(_)
    )
}

fn invalid(error: impl Into<String>, hint: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint)
}

fn read<T: DeserializeOwned>(body: Value) -> Result<T, Problem> {
    serde_json::from_value(body)
        .map_err(|error| invalid(error.to_string(), "GET /api/v1/openapi.json describes the body"))
}

/// A body that says nothing but who acts.
fn bare(body: Value, request: AgentRequest) -> Result<AgentRequest, Problem> {
    read::<Nothing>(body).map(|Nothing {}| request)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    #[serde(default)]
    reason: String,
    quote_s: Option<u32>,
    /// How much longer it takes, of a hold that there is: then nothing else is asked.
    requote_s: Option<u32>,
    way: Option<HoldWay>,
    #[serde(default)]
    agreed: bool,
}

impl From<Hold> for AgentRequest {
    fn from(Hold { reason, quote_s, requote_s, way, agreed }: Hold) -> AgentRequest {
        if let Some(seconds) = requote_s {
            return AgentRequest::Requote(Duration::from_secs(seconds.into()));
        }
        let quote = quote_s.map(|seconds| Duration::from_secs(seconds.into()));
        AgentRequest::Hold { reason, quote, way, agreed }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallBack {
    #[serde(default)]
    agreed: bool,
    #[serde(default)]
    in_s: u32,
}

impl From<CallBack> for AgentRequest {
    fn from(CallBack { agreed, in_s }: CallBack) -> AgentRequest {
        AgentRequest::CallBack { agreed, after: Duration::from_secs(in_s.into()) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consult {
    to: Target,
    #[serde(default)]
    told_caller: bool,
    #[serde(default)]
    note: NoteDraft,
}

impl From<Consult> for AgentRequest {
    fn from(Consult { to, told_caller, note }: Consult) -> AgentRequest {
        AgentRequest::Consult { to, told_caller, note }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Escalate {
    level: Option<Name>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    told_caller: bool,
    #[serde(default)]
    note: NoteDraft,
}

impl From<Escalate> for AgentRequest {
    fn from(Escalate { level, reason, told_caller, note }: Escalate) -> AgentRequest {
        AgentRequest::Escalate(Box::new(Escalation { level, reason, told_caller, note }))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    to: Target,
    #[serde(default)]
    note: NoteDraft,
}

impl From<Add> for AgentRequest {
    fn from(Add { to, note }: Add) -> AgentRequest {
        AgentRequest::Add { to, note }
    }
}

/// Somebody in a talk: an agent's name, a number, or `caller`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Who {
    who: Name,
}

impl From<Who> for AgentRequest {
    fn from(Who { who }: Who) -> AgentRequest {
        AgentRequest::Drop { who }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mute {
    who: Name,
    on: bool,
}

impl From<Mute> for AgentRequest {
    fn from(Mute { who, on }: Mute) -> AgentRequest {
        AgentRequest::Mute { who, on }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gain {
    who: Name,
    gain_db: i8,
}

impl From<Gain> for AgentRequest {
    fn from(Gain { who, gain_db }: Gain) -> AgentRequest {
        AgentRequest::Gain { who, gain_db }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteVoice {
    r#do: NoteVoiceDo,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum NoteVoiceDo {
    Start,
    Stop,
}

impl From<NoteVoice> for AgentRequest {
    fn from(NoteVoice { r#do }: NoteVoice) -> AgentRequest {
        AgentRequest::SpeakNote { begin: matches!(r#do, NoteVoiceDo::Start) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decline {
    #[serde(default)]
    reason: String,
}

impl From<Decline> for AgentRequest {
    fn from(Decline { reason }: Decline) -> AgentRequest {
        AgentRequest::Decline { reason }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transfer {
    to: Target,
}

impl From<Transfer> for AgentRequest {
    fn from(Transfer { to }: Transfer) -> AgentRequest {
        AgentRequest::Transfer { to }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    keys: String,
}

impl From<Keys> for AgentRequest {
    fn from(Keys { keys }: Keys) -> AgentRequest {
        AgentRequest::Keys(keys)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    r#do: RecordDo,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RecordDo {
    Pause,
    Resume,
}

impl From<Record> for AgentRequest {
    fn from(Record { r#do, reason }: Record) -> AgentRequest {
        AgentRequest::Record(match r#do {
            RecordDo::Pause => RecordWish::Pause { reason },
            RecordDo::Resume => RecordWish::Resume,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    #[serde(default)]
    why: String,
}

impl From<Repeat> for AgentRequest {
    fn from(Repeat { why }: Repeat) -> AgentRequest {
        AgentRequest::Repeat { why }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Supervise {
    mode: Mode,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Listen,
    Whisper,
    Barge,
    Leave,
}

impl From<Supervise> for AgentRequest {
    fn from(Supervise { mode }: Supervise) -> AgentRequest {
        AgentRequest::Supervise(match mode {
            Mode::Listen => Some(SuperviseMode::Listen),
            Mode::Whisper => Some(SuperviseMode::Whisper),
            Mode::Barge => Some(SuperviseMode::Barge),
            Mode::Leave => None,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    queue: String,
}

impl From<Move> for AgentRequest {
    fn from(Move { queue }: Move) -> AgentRequest {
        AgentRequest::Move { queue: queue.into() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prioritise {
    #[serde(default)]
    first: bool,
    priority: Option<i32>,
}

impl Prioritise {
    fn parse(self) -> Result<AgentRequest, Problem> {
        let priority = match self {
            Prioritise { first: true, priority: None } => FIRST,
            Prioritise { first: false, priority: Some(priority) } if priority.abs() <= MOST_PRIORITY => {
                priority
            }
            _ => {
                let error = format!(
                    "either before all others, or a priority from -{MOST_PRIORITY} to {MOST_PRIORITY}"
                );
                return Err(invalid(error, r#"send {"first":true} or {"priority":5}"#));
            }
        };
        Ok(AgentRequest::Prioritise(priority))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    outcome: Resolution,
    #[serde(default)]
    reason_code: String,
    #[serde(default)]
    note: String,
    promise: Option<PromiseBody>,
    /// The promise to this caller that was kept by it.
    kept: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromiseBody {
    kind: PromiseKind,
    due: String,
    #[serde(default)]
    words: String,
}

impl Outcome {
    fn parse(self) -> Result<AgentRequest, Problem> {
        let Outcome { outcome, reason_code, note, promise, kept } = self;
        let promise = promise.map(PromiseBody::parse).transpose()?;
        let kept = kept.map(PromiseId);
        let report = OutcomeReport { outcome, reason_code, note, promise, kept };
        Ok(AgentRequest::Outcome(Box::new(report)))
    }
}

impl PromiseBody {
    fn parse(self) -> Result<PromiseDraft, Problem> {
        Ok(PromiseDraft { kind: self.kind, due: time(&self.due)?, words: self.words })
    }
}

/// What is promised: in so many words, or what may be promised at a level of escalation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Promised {
    level: Option<Name>,
    kind: Option<PromiseKind>,
    due: Option<String>,
    #[serde(default)]
    words: String,
}

impl Promised {
    fn request(self) -> Result<AgentRequest, Problem> {
        match self {
            Promised { level: Some(level), kind: None, due: None, .. } => Ok(AgentRequest::Quote { level }),
            Promised { level: None, kind: Some(kind), due: Some(due), words } => {
                let draft = PromiseBody { kind, due, words }.parse()?;
                Ok(AgentRequest::Promise(Box::new(draft)))
            }
            _ => {
                let hint = r#"send {"kind":"callback","due":"2026-11-27T09:00:00Z"} or {"level":"manager"}"#;
                Err(invalid("either what and by when, or a level of escalation", hint))
            }
        }
    }
}

/// The paths as the OpenAPI document has them.
pub(super) fn paths() -> Map<String, Value> {
    let string = json!({ "type": "string" });
    let note = schema("Note");
    let target = schema("Target");
    let truth = json!({ "type": "boolean" });
    let words = |words: &[&str]| json!({ "type": "string", "enum": words });
    let promise = json!({
        "kind": words(&["callback", "answer"]), "due": { "type": "string", "format": "date-time" }, "words": string,
    });
    let mut quoted = promise.clone();
    quoted["level"] = string.clone();
    let actions = [
        (
            "hold",
            "Hold the caller by permission; an override needs a reason as well, and is audited",
            json!({
                "reason": string, "quote_s": { "type": "integer" },
                "requote_s": {
                    "type": "integer", "description": "Tell a caller who is held how much longer it takes",
                },
                "way": words(&["verbal", "prompted", "override"]), "agreed": truth,
            }),
        ),
        (
            "call_back",
            "Call the caller back instead of holding them: they keep their place, as old as they are",
            json!({
                "agreed": { "type": "boolean", "description": "The caller was asked, and agreed" },
                "in_s": { "type": "integer", "description": "Not before so many seconds; as soon as it is their turn when not given" },
            }),
        ),
        ("resume", "Come back to the caller, or take the question back", json!({})),
        (
            "consult",
            "Ask somebody to help or to take over, with a note",
            json!({
                "to": target, "told_caller": truth, "note": note,
            }),
        ),
        (
            "note",
            "Change the note; the receiver acknowledges it anew",
            json!({
                "issue": string, "tried": string, "wants": string,
                "mood": words(&["calm", "worried", "angry", "urgent"]), "promises": string,
            }),
        ),
        (
            "note/voice",
            "Say the note, up to 20 s, while the caller is held: whoever is consulted hears it when they pick up",
            json!({ "do": words(&["start", "stop"]) }),
        ),
        ("acknowledge", "The one who is consulted knows the note", json!({})),
        ("decline", "The one who is consulted will not take it", json!({ "reason": string })),
        (
            "add",
            "Add somebody to the talk, which goes on meanwhile: up to eight are in it; they acknowledge the note first",
            json!({ "to": target, "note": note }),
        ),
        ("drop", "Let go of somebody who was added", json!({ "who": string })),
        (
            "mute",
            "Let nobody hear somebody who was added, or everybody again",
            json!({ "who": string, "on": truth }),
        ),
        (
            "gain",
            "Let all hear somebody louder or quieter: an agent, a number that was added, or \"caller\"",
            json!({ "who": string, "gain_db": {
                "type": "integer", "minimum": -MOST_GAIN_DB, "maximum": MOST_GAIN_DB,
            } }),
        ),
        ("take_over", "Have the caller in place of their agent, who is done; for supervisors", json!({})),
        ("toggle", "Talk with the other of the two", json!({})),
        ("join", "Let all three hear each other", json!({})),
        ("complete", "Leave the caller to the one who is consulted", json!({})),
        ("cancel", "End the consult and come back to the caller", json!({})),
        ("transfer", "Hand over without a note, where the queues allow it", json!({ "to": target })),
        ("hang_up", "Leave the call", json!({})),
        ("keys", "Send keys to the caller's line", json!({ "keys": { "type": "string", "maxLength": 32 } })),
        (
            "record",
            "Pause the recording, which takes a reason, or let it go on; a pause ends by itself after five minutes",
            json!({ "do": words(&["pause", "resume"]), "reason": string }),
        ),
        (
            "outcome",
            "What came of the talk; during the call or after it",
            json!({
                "outcome": words(&["resolved", "promised", "escalated", "not_resolved"]),
                "reason_code": string, "note": string,
                "promise": { "anyOf": [{ "type": "object", "properties": promise }, { "type": "null" }] },
                "kept": { "type": "integer", "description": "The promise to the caller that was kept by it" },
            }),
        ),
        (
            "promise",
            "Promise the caller something, or what may be promised at a level of escalation; during the call or after it",
            quoted,
        ),
        (
            "escalate",
            "Ask whom the center's matrix names for the level, the next one when none is given; who does not take it in \
             time is passed over for the next by itself",
            json!({ "level": string, "reason": string, "told_caller": truth, "note": note }),
        ),
        ("repeat", "The caller had to tell again what a colleague knew", json!({ "why": string })),
        (
            "move",
            "Let a waiting caller wait in another queue, as old as they are",
            json!({ "queue": string }),
        ),
        (
            "prioritise",
            "Put a waiting caller before all others, or give them another priority beside their queue's",
            json!({ "first": truth, "priority": { "type": "integer", "minimum": -MOST_PRIORITY, "maximum": MOST_PRIORITY } }),
        ),
        (
            "supervise",
            "Listen, whisper to the agent, talk with all, or leave",
            json!({
                "mode": words(&["listen", "whisper", "barge", "leave"]),
            }),
        ),
    ];
    actions.into_iter().map(|(name, summary, fields)| path(name, summary, fields)).collect()
}

fn path(name: &str, summary: &str, mut fields: Value) -> (String, Value) {
    fields["agent"] =
        json!({ "type": "string", "description": "Who acts; whoever is signed in leaves it out" });
    let problem = problem();
    let body = json!({ "type": "object", "additionalProperties": false, "properties": fields });
    let item = json!({
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
        "post": {
            "summary": summary,
            "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
            "responses": {
                "202": { "description": "It is being done", "content": { "application/json": {} } },
                "404": problem, "409": problem, "415": problem, "422": problem, "503": problem,
            },
        },
    });
    (format!("/api/v1/calls/{{id}}/{name}"), item)
}

/// The shapes that the paths name.
pub(super) fn schemas() -> Map<String, Value> {
    let text = json!({ "type": "string", "maxLength": crate::fact::note::LONGEST_FIELD });
    let note = json!({
        "type": "object",
        "description": "What the next person must know. Which fields are demanded is the queue's note_needs; \
            identity, what the flow collected, author and time are filled in",
        "properties": {
            "issue": text, "tried": text, "wants": text, "promises": text,
            "mood": { "type": "string", "enum": ["calm", "worried", "angry", "urgent"] },
        },
    });
    let one = |key: &str| {
        let mut fields = Map::new();
        fields.insert(key.to_owned(), json!({ "type": "string" }));
        json!({ "type": "object", "required": [key], "properties": fields })
    };
    let target = json!({ "oneOf": [one("agent"), one("queue"), one("number")] });
    Map::from_iter([("Note".to_owned(), note), ("Target".to_owned(), target)])
}
