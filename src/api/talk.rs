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
use crate::api::problem::Problem;
use crate::api::promises::time;
use crate::api::session::Actor;
use crate::api::unreadable;
use crate::base::CallId;
use crate::base::Name;
use crate::base::PromiseId;
use crate::call::escalate::Escalation;
use crate::call::recording::RecordWish;
use crate::call::request::AgentRequest;
use crate::call::request::OutcomeReport;
use crate::call::request::PromiseDraft;
use crate::fact::AgentMethod;
use crate::fact::HoldWay;
use crate::fact::PromiseKind;
use crate::fact::Resolution;
use crate::fact::SuperviseMode;
use crate::fact::Target;
use crate::fact::note::NoteDraft;
use crate::queue::api::FIRST;
use crate::server::PlaceCall;

/// The greatest priority that a person gives, either way.
pub(super) const MOST_PRIORITY: i32 = 100;

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
        ("/api/v1/calls/{id}/verify", ask(|body| read::<Verify>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/repeat", ask(|body| read::<Repeat>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/misrouted", ask(|body| read::<Misrouted>(body).and_then(Misrouted::parse))),
        ("/api/v1/calls/{id}/move", ask(|body| read::<Move>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/prioritise", ask(|body| read::<Prioritise>(body).and_then(Prioritise::parse))),
        ("/api/v1/calls/{id}/listen", ask(|body| read::<Listen>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/let_listen", ask(|body| read::<LetListen>(body).map(AgentRequest::from))),
        ("/api/v1/calls/{id}/supervise", ask(|body| read::<Supervise>(body).map(AgentRequest::from))),
    ]
}

type Id = Result<Path<u64>, PathRejection>;
pub(super) type Body = Result<Json<Map<String, Value>>, JsonRejection>;

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
    let promised = state.control.ask_call(&who, CallId(id), request).await?;
    let answer = promised.map(|promise| json!({ "promise": promise.0 }));
    Ok((StatusCode::ACCEPTED, Json(answer.unwrap_or_else(|| json!({})))))
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

/// A body that is an object: serde would take a list for one as well.
pub(super) fn read<T: DeserializeOwned>(body: Value) -> Result<T, Problem> {
    Ok(unreadable::read(body)?)
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
struct Verify {
    method: AgentMethod,
    passed: bool,
}

impl From<Verify> for AgentRequest {
    fn from(Verify { method, passed }: Verify) -> AgentRequest {
        AgentRequest::Verify { method, passed }
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
struct Misrouted {
    /// The queue in which the caller belongs.
    belongs: Option<Name>,
    #[serde(default)]
    reason: String,
    /// They came to the right one after all: then nothing else is said.
    #[serde(default)]
    taken_back: bool,
}

impl Misrouted {
    fn parse(self) -> Result<AgentRequest, Problem> {
        match self {
            Misrouted { belongs: None, reason, taken_back: true } if reason.is_empty() => {
                Ok(AgentRequest::NotMisrouted)
            }
            Misrouted { belongs, reason, taken_back: false } => {
                Ok(AgentRequest::Misrouted { belongs, reason })
            }
            _ => {
                let hint = r#"send {"taken_back":true}, or {"belongs":"support"}"#;
                Err(invalid("who takes it back says nothing else", hint))
            }
        }
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
struct Listen {
    /// Not any more: then they listen no more, or take back that they want to.
    #[serde(default)]
    leave: bool,
}

impl From<Listen> for AgentRequest {
    fn from(Listen { leave }: Listen) -> AgentRequest {
        if leave { AgentRequest::StopListening } else { AgentRequest::Listen }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LetListen {
    who: Name,
    agreed: bool,
}

impl From<LetListen> for AgentRequest {
    fn from(LetListen { who, agreed }: LetListen) -> AgentRequest {
        AgentRequest::LetListen { who, agreed }
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
