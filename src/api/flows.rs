//! `/api/v1/flows/versions`: which version of the flow files new calls get, how calls come out with it, and how that is
//! changed, for all or for some.

use std::collections::BTreeMap;
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
use crate::flow::announcement::SwitchError;
use crate::server::PublishError;
use crate::server::Publisher;
use crate::server::canary::Audience;
use crate::server::canary::AudienceError;
use crate::server::outcomes::Tally;
use crate::server::publisher::Unserved;
use crate::server::versions::Did;
use crate::server::versions::Entry;
use crate::server::versions::Trial;
use crate::server::zone_of;
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
    /// The version that is tried on some; null when none is.
    canary: Option<CanaryView>,
    outcomes: OutcomesView,
    /// By which clock the center goes; null where it has no name.
    time_zone: Option<String>,
    /// The last changes, newest first.
    changes: Vec<ChangeView>,
}

/// Files that are not served, and why.
#[derive(Debug, Serialize)]
pub(super) struct ProblemView {
    since: String,
    errors: Vec<String>,
}

impl From<Unserved> for ProblemView {
    fn from(problem: Unserved) -> ProblemView {
        ProblemView { since: rfc3339(problem.since), errors: problem.errors }
    }
}

/// A version that is tried on some.
#[derive(Debug, Serialize)]
pub(super) struct CanaryView {
    version: String,
    since: String,
    by: String,
    why: String,
    /// Who meets it, in words.
    audience: String,
    /// The share in per cent, where it is one.
    share: Option<f64>,
}

impl From<Trial> for CanaryView {
    fn from(trial: Trial) -> CanaryView {
        let share = match trial.audience {
            Audience::Share(hundredths) => Some(f64::from(hundredths) / 100.0),
            Audience::Dialled(_) | Audience::Callers(_) => None,
        };
        CanaryView {
            version: trial.version.to_string(),
            since: rfc3339(trial.began),
            by: trial.by,
            why: trial.why,
            audience: trial.audience.to_string(),
            share,
        }
    }
}

/// How calls came out, by version.
#[derive(Debug, Serialize)]
pub(super) struct OutcomesView {
    /// Calls are counted that began since then: the server's start, or the canary's.
    since: String,
    /// Which of the two that is: `start` or `trial`.
    counted_from: &'static str,
    /// The first that was met first.
    versions: Vec<TallyView>,
}

/// What became of the calls of one version.
#[derive(Debug, Serialize)]
pub(super) struct TallyView {
    version: String,
    /// Whether it is tried on some, or was when its last call came.
    canary: bool,
    calls: u64,
    reached_person: u64,
    served: u64,
    left_in_flow: u64,
    no_input: u64,
    no_match: u64,
    failed: u64,
    /// How long callers are in the flow on average; null before anybody has left it.
    in_flow_s: Option<f64>,
}

impl From<Tally> for TallyView {
    fn from(tally: Tally) -> TallyView {
        let in_flow_s = tally.average().map(|average| (average.as_secs_f64() * 10.0).round() / 10.0);
        TallyView {
            version: tally.version.to_string(),
            canary: tally.canary,
            calls: tally.calls,
            reached_person: tally.reached_person,
            served: tally.served,
            left_in_flow: tally.left_in_flow,
            no_input: tally.no_input,
            no_match: tally.no_match,
            failed: tally.failed,
            in_flow_s,
        }
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
    /// Who meets it, in words; null when all do.
    audience: Option<String>,
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
            audience: entry.audience,
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
    /// Whom to publish for; all when absent.
    #[serde(default)]
    canary: Option<WantedCanary>,
    /// What to try on them: texts by file name; what lies in the server's folder when absent.
    #[serde(default)]
    files: Option<BTreeMap<String, String>>,
}

/// Whom a version is tried on: one of these.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WantedCanary {
    /// In per cent of callers.
    Share(f64),
    /// Whoever dials these.
    Numbers(Vec<String>),
    /// By their own numbers.
    Callers(Vec<String>),
}

impl WantedCanary {
    fn audience(self) -> Result<Audience, AudienceError> {
        match self {
            WantedCanary::Share(percent) => Audience::share(percent),
            WantedCanary::Numbers(numbers) => Audience::dialled(numbers),
            WantedCanary::Callers(callers) => Audience::callers(&callers),
        }
    }
}

impl ApiState {
    pub(super) fn publisher(&self) -> Result<Arc<Publisher>, Problem> {
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
    let (since, versions) = state.live.outcomes.tallies();
    let versions = versions.into_iter().map(TallyView::from).collect();
    let counted_from = if state.live.outcomes.since_start() { "start" } else { "trial" };
    Ok(Json(FlowsView {
        version: status.serving.version.to_string(),
        since: rfc3339(status.serving.at),
        by: status.serving.by,
        why: status.serving.why,
        problem,
        canary: status.trial.map(CanaryView::from),
        outcomes: OutcomesView { since: rfc3339(since), counted_from, versions },
        time_zone: zone_of(&status.center).iana_name().map(str::to_owned),
        changes: log.into_iter().map(ChangeView::from).collect(),
    }))
}

/// `POST /api/v1/flows/publish`
pub(super) async fn publish(
    State(state): State<ApiState>,
    actor: Actor,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<ChangeView>, Problem> {
    change(&state, &actor, wanted, |publisher, by, Wanted { why, canary, files, .. }| match canary {
        Some(canary) => {
            let audience = canary.audience()?;
            publisher.try_on(files.map(|files| files.into_iter().collect()), audience, by, &why)
        }
        None => publisher.publish(by, &why),
    })
    .await
}

/// `POST /api/v1/flows/promote`
pub(super) async fn promote(
    State(state): State<ApiState>,
    actor: Actor,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<ChangeView>, Problem> {
    change(&state, &actor, wanted, |publisher, by, wanted| publisher.promote(by, &wanted.why)).await
}

/// `POST /api/v1/flows/rollback`
pub(super) async fn roll_back(
    State(state): State<ApiState>,
    actor: Actor,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<ChangeView>, Problem> {
    let back = |publisher: &Publisher, by: &str, Wanted { to, why, .. }: Wanted| {
        publisher.go_back(to.as_deref(), by, &why)
    };
    change(&state, &actor, wanted, back).await
}

/// Changes what is served as an admin wants it, who says why.
async fn change(
    state: &ApiState,
    actor: &Actor,
    wanted: Result<Json<Wanted>, JsonRejection>,
    change: impl FnOnce(&Publisher, &str, Wanted) -> Result<Entry, PublishError> + Send + 'static,
) -> Result<Json<ChangeView>, Problem> {
    let Json(wanted) = wanted?;
    let (publisher, by) = (state.publisher()?, who(actor, &wanted)?);
    Ok(Json(blocking(move || change(&publisher, &by, wanted)).await?.into()))
}

/// Who acts, when they may and have said why.
fn who(actor: &Actor, wanted: &Wanted) -> Result<String, Problem> {
    who_says(actor, |role| role == Role::Admin, wanted.by.clone(), &wanted.why)
}

/// Who acts, when people of their role may and they have said why. `by` is who, where no session says so.
pub(super) fn who_says(
    actor: &Actor,
    may: impl Fn(Role) -> bool,
    by: Option<String>,
    why: &str,
) -> Result<String, Problem> {
    let by = match actor {
        Actor::Person(person) if may(person.role) => person.name.to_string(),
        Actor::Local => by.unwrap_or_else(|| "somebody at this machine".to_owned()),
        Actor::Person(_) | Actor::Program(_) | Actor::Nobody => {
            return Err(Problem::new(StatusCode::FORBIDDEN, "flows are an admin's", "sign in as an admin"));
        }
    };
    if why.trim().is_empty() || why.len() > LONGEST || by.len() > LONGEST {
        let hint = format!("send {{\"why\":\"…\"}}, at most {LONGEST} characters");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "nobody has said why", hint));
    }
    Ok(by)
}

/// Reading and checking files takes a while: not on a thread that answers others.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PublishError> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Problem::busy("the server is stopping"))?.map_err(Problem::from)
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Problem {
        let status = match &error {
            PublishError::Load(_) | PublishError::NeedsRestart(_) => StatusCode::UNPROCESSABLE_ENTITY,
            PublishError::FileName(_) | PublishError::Audience(_) | PublishError::AnnouncementTime => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            PublishError::UnknownVersion(_) | PublishError::NothingBefore => StatusCode::NOT_FOUND,
            PublishError::NothingTried | PublishError::Announcement(SwitchError::Unknown { .. }) => {
                StatusCode::NOT_FOUND
            }
            PublishError::Announcement(_) => StatusCode::UNPROCESSABLE_ENTITY,
            PublishError::ServedAlready(_) | PublishError::Others(_) => StatusCode::CONFLICT,
            PublishError::Keep(_) => StatusCode::INTERNAL_SERVER_ERROR,
            PublishError::Control(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Problem::new(status, error.all().join("\n\n"), error.hint())
    }
}
