//! Asks services over HTTP for flows that wait, on threads of its own.
//!
//! A service that fails again and again is left alone for a while: its callers go on at once, with what it said before
//! where that holds, else by the exit that is named for it. Nobody is kept in silence for a service that is down.

mod memory;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use serde_json::Map;
use serde_json::Value as Json;
use tokio::sync::mpsc;
use tracing::debug;
use tracing::warn;
use ureq::Agent;

use crate::base::CallId;
use crate::base::Secret;
use crate::flow::api::Failure;
use crate::flow::api::FetchResult;
use crate::flow::api::Question;
use crate::flow::model::Value;
use memory::Memory;

/// How many ask at once.
const THREADS: usize = 8;
/// Questions that may wait for a thread; one more has failed.
const WAITING: usize = 256;
/// The longest answer that is read, in bytes.
const LONGEST: u64 = 256 * 1024;
/// Below this every whole number is one of JSON's.
const WHOLE: f64 = 9_007_199_254_740_992.0;
/// Before a question is put again.
const PAUSE: Duration = Duration::from_millis(100);

/// What came of a call's question.
#[derive(Debug)]
pub struct Fetched {
    pub call: CallId,
    pub number: u32,
    pub result: FetchResult,
}

/// A question, whose it is, and when the flow began to wait.
struct Asked {
    call: CallId,
    question: Question,
    /// Sent along as `code`; kept nowhere.
    code: Option<Secret>,
    at: Instant,
}

/// See the module. Its threads end when it is dropped.
pub struct Fetcher {
    questions: SyncSender<Asked>,
    answers: mpsc::Sender<Fetched>,
    memory: Arc<Memory>,
}

impl Fetcher {
    /// Starts the threads; what services say goes to `answers`. An answer that finds no room there is dropped, and the
    /// flow's own time runs out.
    pub fn start(answers: mpsc::Sender<Fetched>) -> io::Result<Fetcher> {
        let (questions, receiver) = sync_channel::<Asked>(WAITING);
        let receiver = Arc::new(Mutex::new(receiver));
        let memory = Arc::new(Memory::default());
        let agent = Agent::new_with_config(
            Agent::config_builder().http_status_as_error(false).max_redirects(0).build(),
        );
        for number in 0..THREADS {
            let (receiver, agent) = (Arc::clone(&receiver), agent.clone());
            let (answers, memory) = (answers.clone(), Arc::clone(&memory));
            thread::Builder::new().name(format!("fetch {number}")).spawn(move || {
                loop {
                    let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(Asked { call, question, code, at }) = next else { return };
                    let (result, why) = ask(&agent, &question, code.as_ref(), at + question.service.timeout);
                    memory.tell(&question.service.name, why);
                    memory.learn(&question, &result, Instant::now());
                    let result = match code {
                        // That it was sent before does not help.
                        Some(_) => result,
                        None => memory.or_known(&question, result, Instant::now()),
                    };
                    give(&answers, Fetched { call, number: question.number, result });
                }
            })?;
        }
        Ok(Fetcher { questions, answers, memory })
    }

    /// Asks, and never waits; [`Fetched`] answers, at once where nobody is asked.
    pub fn ask(&self, call: CallId, question: Question, code: Option<Secret>) {
        let (at, is_code) = (Instant::now(), code.is_some());
        let asked = match self.memory.may_ask(&question.service.name, at) {
            true => {
                self.questions.try_send(Asked { call, question, code, at }).map_err(|error| match error {
                    std::sync::mpsc::TrySendError::Full(asked)
                    | std::sync::mpsc::TrySendError::Disconnected(asked) => {
                        (asked.question, Failure::Crowded)
                    }
                })
            }
            false => Err((question, Failure::LeftAlone)),
        };
        if let Err((question, failure)) = asked {
            let failed = FetchResult::Failed(failure);
            let result = match is_code {
                true => failed,
                false => self.memory.or_known(&question, failed, at),
            };
            give(&self.answers, Fetched { call, number: question.number, result });
        }
    }
}

fn give(answers: &mpsc::Sender<Fetched>, fetched: Fetched) {
    if answers.try_send(fetched).is_err() {
        warn!("a service's answer found no room");
    }
}

/// `3` and `3.0` are the same number; `12.5` is the text of it, as an amount is.
fn number_value(number: &serde_json::Number) -> Value {
    let whole = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < WHOLE);
    match number.as_i64().or(whole.map(|whole| whole as i64)) {
        Some(whole) => Value::Number(whole),
        None => Value::Text(number.to_string()),
    }
}

/// Puts the question until it is answered, as often as it may be put, and no longer than `until`; and what was wrong, where
/// something was.
fn ask(
    agent: &Agent,
    question: &Question,
    code: Option<&Secret>,
    until: Instant,
) -> (FetchResult, Option<Failure>) {
    let mut why = None;
    let service = &question.service;
    let tries = if question.send.is_empty() { service.tries } else { 1 };
    for again in 0..tries {
        if again > 0 {
            thread::sleep(PAUSE.min(until.saturating_duration_since(Instant::now())));
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        match answer(agent, question, code, left) {
            Ok((404, _)) => return (FetchResult::Missing, None),
            Ok((200..=299, Some(json))) => {
                let values: Vec<Option<Value>> =
                    question.fields.iter().map(|(field, _)| value(&json, field)).collect();
                let lacks = Failure::of_fields(&question.fields, &values);
                return (FetchResult::Answered { values, instead_of: None }, lacks);
            }
            // Whoever sends a code need not say anything to it.
            Ok((200..=299, None)) if code.is_some() => {
                return (FetchResult::Answered { values: Vec::new(), instead_of: None }, None);
            }
            Ok((status, _)) => {
                debug!(service = %service.name, status, "a service answered with no JSON, or not well");
                why = Some(match status {
                    200..=299 => Failure::NoJson(status),
                    _ => Failure::Status(status),
                });
                // Our question was wrong: it is no better the next time.
                if (400..500).contains(&status) {
                    break;
                }
            }
            Err(error) => why = Some(failure(&error)),
        }
    }
    let why = why.unwrap_or(Failure::Late);
    (FetchResult::Failed(why.clone()), Some(why))
}

/// What went wrong, without where: that may hold a caller's number.
pub(super) fn failure(error: &ureq::Error) -> Failure {
    use io::ErrorKind;
    match error {
        ureq::Error::Timeout(_) => Failure::Late,
        ureq::Error::HostNotFound => Failure::NoHost,
        // The system's resolver has no kind of error for it.
        ureq::Error::Io(error) if error.to_string().starts_with("failed to lookup address") => {
            Failure::NoHost
        }
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::Late,
            ErrorKind::ConnectionRefused => Failure::Refused,
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Failure::Broken,
            _ => Failure::Unreachable,
        },
        ureq::Error::ConnectionFailed => Failure::Unreachable,
        ureq::Error::BodyExceedsLimit(_) => Failure::TooLarge,
        ureq::Error::Tls(_) => Failure::Insecure,
        _ => Failure::NoHttp,
    }
}

/// Status and JSON of the answer.
fn answer(
    agent: &Agent,
    question: &Question,
    code: Option<&Secret>,
    within: Duration,
) -> Result<(u16, Option<Json>), ureq::Error> {
    let service = &question.service;
    let headers = service.headers_env.iter().filter_map(|(header, variable)| match std::env::var(variable) {
        Ok(value) => Some((header.as_str(), value)),
        Err(_) => {
            let service = &service.name;
            warn!(%service, %variable, "a header's value is not in the environment: asked without it");
            None
        }
    });
    let mut response = if question.send.is_empty() {
        let request = agent.get(&question.url).config().timeout_global(Some(within)).build();
        headers.fold(request, |request, (header, value)| request.header(header, value)).call()?
    } else {
        let mut body: Map<String, Json> =
            question.send.iter().map(|(field, value)| (field.to_string(), json(value))).collect();
        body.extend(code.map(|code| ("code".to_owned(), Json::from(code.expose()))));
        let request = agent.post(&question.url).config().timeout_global(Some(within)).build();
        let request = request.header("Content-Type", "application/json");
        let request = headers.fold(request, |request, (header, value)| request.header(header, value));
        request.send(Json::Object(body).to_string())?
    };
    let status = response.status().as_u16();
    let text = response.body_mut().with_config().limit(LONGEST).read_to_string()?;
    Ok((status, serde_json::from_str(&text).ok()))
}

fn json(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Number(number) => Json::from(*number),
        Value::Truth(truth) => Json::from(*truth),
    }
}

/// The value of `order.status`; none when it is not there, or no text, number, or truth. A number that is not whole is a text.
pub(super) fn value(json: &Json, field: &str) -> Option<Value> {
    let found = field.split('.').try_fold(json, |json, name| json.get(name))?;
    match found {
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Number(number) => Some(number_value(number)),
        Json::Bool(truth) => Some(Value::Truth(*truth)),
        _ => None,
    }
}
