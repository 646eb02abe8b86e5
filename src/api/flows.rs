//! `/api/v1/flows/versions`: which version of the flow files new calls get, and how that is changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::Serialize;

use crate::api::ApiState;
use crate::api::problem::Problem;
use crate::api::session::Actor;
use crate::base::WallTime;
use crate::server::PublishError;
use crate::server::Publisher;
use crate::server::versions::Did;
use crate::server::versions::Entry;
use crate::store::Role;
use crate::store::view::rfc3339;

/// How many changes are told.
const CHANGES: usize = 50;
/// The longest reason, and the longest name of who gives it.
const LONGEST: usize = 200;

/// What is served.
#[derive(Debug, Serialize)]
pub(super) struct FlowsView {
    version: String,
    since: String,
    by: String,
    why: String,
    /// What is wrong with the files that lie in the folder; null when they are served or have not changed.
    problem: Option<ProblemView>,
    /// The last changes, newest first.
    changes: Vec<ChangeView>,
}

/// Files that are not served, and why.
#[derive(Debug, Serialize)]
pub(super) struct ProblemView {
    since: String,
    errors: Vec<String>,
}

impl From<(WallTime, Vec<String>)> for ProblemView {
    fn from((since, errors): (WallTime, Vec<String>)) -> ProblemView {
        ProblemView { since: rfc3339(since), errors }
    }
}

/// A change of what is served.
#[derive(Debug, Serialize)]
pub(super) struct ChangeView {
    at: String,
    did: Did,
    version: String,
    before: Option<String>,
    by: String,
    why: String,
    /// What differs from before, in words.
    changes: Vec<String>,
}

impl From<Entry> for ChangeView {
    fn from(entry: Entry) -> ChangeView {
        ChangeView {
            at: rfc3339(entry.at),
            did: entry.did,
            version: entry.version.to_string(),
            before: entry.before.map(|before| before.to_string()),
            by: entry.by,
            why: entry.why,
            changes: entry.changes,
        }
    }
}

/// Who wants it, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    why: String,
    /// Who, where no session says so.
    #[serde(default)]
    by: Option<String>,
    /// For a rollback the version, or the beginning of its name; the one before when absent.
    #[serde(default)]
    to: Option<String>,
}

impl ApiState {
    fn publisher(&self) -> Result<Arc<Publisher>, Problem> {
        let publisher = self.flows.as_ref().map(Arc::clone);
        publisher.ok_or_else(|| Problem::busy("the flow files cannot be changed here"))
    }
}

/// `GET /api/v1/flows/versions`
pub(super) async fn show(State(state): State<ApiState>) -> Result<Json<FlowsView>, Problem> {
    let publisher = state.publisher()?;
    let status = publisher.status();
    let log = blocking(move || publisher.log(CHANGES).map_err(PublishError::from)).await?;
    let problem = status.problem.map(ProblemView::from);
    Ok(Json(FlowsView {
        version: status.serving.version.to_string(),
        since: rfc3339(status.serving.at),
        by: status.serving.by,
        why: status.serving.why,
        problem,
        changes: log.into_iter().map(ChangeView::from).collect(),
    }))
}

/// `POST /api/v1/flows/publish`
pub(super) async fn publish(
    State(state): State<ApiState>,
    actor: Actor,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<ChangeView>, Problem> {
    let Json(wanted) = wanted?;
    let (publisher, by) = (state.publisher()?, who(&actor, &wanted)?);
    let entry = blocking(move || publisher.publish(&by, &wanted.why)).await?;
    Ok(Json(entry.into()))
}

/// `POST /api/v1/flows/rollback`
pub(super) async fn roll_back(
    State(state): State<ApiState>,
    actor: Actor,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<ChangeView>, Problem> {
    let Json(wanted) = wanted?;
    let (publisher, by) = (state.publisher()?, who(&actor, &wanted)?);
    let entry = blocking(move || publisher.go_back(wanted.to.as_deref(), &by, &wanted.why)).await?;
    Ok(Json(entry.into()))
}

/// Who acts, when they may and have said why.
fn who(actor: &Actor, wanted: &Wanted) -> Result<String, Problem> {
    let by = match actor {
        Actor::Person(person) if person.role == Role::Admin => person.name.to_string(),
        Actor::Local => wanted.by.clone().unwrap_or_else(|| "somebody at this machine".to_owned()),
        Actor::Person(_) | Actor::Nobody => {
            return Err(Problem::new(StatusCode::FORBIDDEN, "flows are an admin's", "sign in as an admin"));
        }
    };
    if wanted.why.trim().is_empty() || wanted.why.len() > LONGEST || by.len() > LONGEST {
        let hint = format!("send {{\"why\":\"…\"}}, at most {LONGEST} characters");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "nobody has said why", hint));
    }
    Ok(by)
}

/// Reading and checking files takes a while: not on a thread that answers others.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PublishError> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Problem::busy("the server is stopping"))?.map_err(Problem::from)
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Problem {
        let status = match &error {
            PublishError::Load(_) | PublishError::NeedsRestart(_) => StatusCode::UNPROCESSABLE_ENTITY,
            PublishError::UnknownVersion(_) | PublishError::NothingBefore => StatusCode::NOT_FOUND,
            PublishError::Keep(_) => StatusCode::INTERNAL_SERVER_ERROR,
            PublishError::Control(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Problem::new(status, error.all().join("\n\n"), error.hint())
    }
}
