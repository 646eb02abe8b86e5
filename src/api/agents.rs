//! `/api/v1/agents`: who takes calls, what they are doing, and what they are to do.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::api::ApiState;
use crate::api::problem::Problem;
use crate::api::session::Actor;
use crate::api::talk::Body;
use crate::api::talk::read;
use crate::base::CallId;
use crate::base::Name;
use crate::fact::AgentStateName;
use crate::queue::api::AgentWish;
use crate::server::Live;
use crate::server::live::LiveAgent;
use crate::store::view::rfc3339;

/// The longest reason that is taken.
const LONGEST_REASON: usize = 64;
/// The highest level of a skill.
const HIGHEST_LEVEL: u8 = 10;

/// An agent now.
#[derive(Debug, Serialize)]
pub(super) struct AgentView {
    id: String,
    state: AgentStateName,
    since: String,
    /// Why they are not ready; empty otherwise.
    reason: String,
    /// Phones that are signed in.
    phones: u32,
    /// The call in which they have a caller; null when they have none.
    call: Option<u64>,
    /// After how long their phone takes a queue's calls by itself, in seconds; null: they pick up.
    auto_answer_s: Option<f64>,
}

/// Every agent.
#[derive(Debug, Serialize)]
pub(super) struct AgentList {
    agents: Vec<AgentView>,
}

/// What an agent is to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WishedState {
    state: Wish,
    #[serde(default)]
    reason: String,
}

/// How well an agent is to have a skill.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WishedLevel {
    level: u8,
    /// Who says so, where nobody is signed in.
    by: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wish {
    Ready,
    NotReady,
    Offline,
}

/// `GET /api/v1/agents`
pub(super) async fn list(State(state): State<ApiState>) -> Json<AgentList> {
    let talks = state.live.talks();
    let agents = state.live.agents().into_iter().map(|agent| AgentView::new(agent, &talks));
    Json(AgentList { agents: agents.collect() })
}

/// `GET /api/v1/agents/{id}/state`
pub(super) async fn show(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<AgentView>, Problem> {
    known(&state.live, &id).map(|agent| Json(AgentView::new(agent, &state.live.talks())))
}

/// `PUT /api/v1/agents/{id}/state`: asks the control thread, and answers 202 once it has taken the wish.
/// What came of it is in the agent's state: an agent who talks is ready only afterwards.
pub(super) async fn set_state(
    State(state): State<ApiState>,
    actor: Actor,
    Path(id): Path<String>,
    wished: Body,
) -> Result<(StatusCode, Json<AgentView>), Problem> {
    known(&state.live, &id)?;
    actor.acts_for(&id)?;
    let Json(wished) = wished?;
    let wish = read::<WishedState>(Value::Object(wished))?.parse()?;
    if wish != AgentWish::Offline && actor.person().is_none_or(|person| *person == *id) {
        has_said_what_came_of_it(&state, &id.as_str().into())?;
    }
    state.control.set_agent_state(&id, wish, actor.person()).await?;
    let agent = AgentView::new(known(&state.live, &id)?, &state.live.talks());
    Ok((StatusCode::ACCEPTED, Json(agent)))
}

/// Where a queue wants to know what came of its talks, its agents leave wrap-up once they have said so; else when it is over, so
/// that nobody is stuck.
fn has_said_what_came_of_it(state: &ApiState, agent: &Name) -> Result<(), Problem> {
    let center = state.center();
    let wants = |queue: &Name| center.requires_outcome(queue);
    let unsaid = state.live.desks.without_outcome(agent).into_iter();
    let unsaid = unsaid.filter_map(|(call, queue)| Some((call, queue.filter(wants)?)));
    match unsaid.into_iter().next() {
        None => Ok(()),
        Some((call, queue)) => {
            let error = format!("what came of call {call} is not said yet, as the queue {queue} wants it");
            let hint = format!(
                "say it on the desk, or POST /api/v1/calls/{call}/outcome; wrap-up ends by itself as well"
            );
            Err(Problem::new(StatusCode::CONFLICT, error, hint))
        }
    }
}

/// `PUT /api/v1/agents/{id}/skills/{skill}`: for supervisors. What should last belongs into center.yaml.
pub(super) async fn set_skill(
    State(state): State<ApiState>,
    actor: Actor,
    Path((id, skill)): Path<(String, String)>,
    wished: Body,
) -> Result<StatusCode, Problem> {
    known(&state.live, &id)?;
    actor.supervises()?;
    let Json(wished) = wished?;
    let WishedLevel { level, by } = read(Value::Object(wished))?;
    let by = actor.named("by", by.as_deref())?;
    if level > HIGHEST_LEVEL {
        let error = format!("a level is 1 to {HIGHEST_LEVEL}, or 0 for none, not {level}");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, r#"send {"level": 5}"#));
    }
    state.control.set_skill(&id, &skill, level, by).await?;
    Ok(StatusCode::ACCEPTED)
}

impl WishedState {
    fn parse(self) -> Result<AgentWish, Problem> {
        if self.reason.chars().count() > LONGEST_REASON {
            let error = format!("a reason has at most {LONGEST_REASON} characters");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, "say it shorter: lunch"));
        }
        Ok(match self.state {
            Wish::Ready => AgentWish::Ready,
            Wish::NotReady => AgentWish::NotReady(self.reason.into()),
            Wish::Offline => AgentWish::Offline,
        })
    }
}

impl AgentView {
    fn new(agent: LiveAgent, talks: &BTreeMap<Name, CallId>) -> AgentView {
        let LiveAgent { name, state, since, reason, phones, auto_answer, .. } = agent;
        let (since, call) = (rfc3339(since), talks.get(&name).map(|call| call.0));
        let auto_answer_s = auto_answer.map(|after| after.as_secs_f64());
        AgentView { id: name.to_string(), state, since, reason, phones, call, auto_answer_s }
    }
}

/// The agent, or a 404 that names the one who may have been meant.
fn known(live: &Live, id: &str) -> Result<LiveAgent, Problem> {
    live.agent(id).ok_or_else(|| {
        let agents = live.agents();
        let nearest = agents
            .iter()
            .map(|agent| (distance(id, &agent.name), &agent.name))
            .filter(|(distance, _)| *distance <= 2)
            .min();
        let hint = match nearest {
            Some((_, name)) => format!("did you mean {name}?"),
            None => "GET /api/v1/agents lists them".to_owned(),
        };
        Problem::not_found(format!("there is no agent {id:?}"), hint)
    })
}

/// How many letters must be added, dropped or changed to make one name the other (Levenshtein). Names that
/// are too long to be anybody's are far from everybody.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.chars().enumerate() {
            let changed = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_near() {
        assert_eq!(distance("alcie", "alice"), 2);
        assert_eq!(distance("alic", "alice"), 1);
        assert_eq!(distance("alice", "alice"), 0);
        assert!(distance("bob", "alice") > 2);
    }
}
