//! `/api/v1/queues`: how many wait, and how long already; and who could help a caller of a queue best.

use std::cmp::Reverse;

use axum::Json;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;
use serde::Serialize;

use crate::api::ApiState;
use crate::api::now;
use crate::api::problem::Problem;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::NeedFact;
use crate::server::live::LiveAgent;
use crate::server::live::LiveQueue;
use crate::store::view::rfc3339;

/// A queue now.
#[derive(Debug, Serialize)]
pub(super) struct QueueView {
    name: String,
    /// What callers say whom colleagues hand on to it.
    when: Vec<String>,
    waiting: u32,
    /// How long the one has waited who waits longest; null when nobody does.
    longest_wait_s: Option<u64>,
    /// Since when it is in a surge; null when it is in none.
    surge_since: Option<String>,
}

/// Every queue, in the center's order.
#[derive(Debug, Serialize)]
pub(super) struct QueueList {
    queues: Vec<QueueView>,
}

/// Which queues.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sought {
    when: Option<String>,
}

/// `GET /api/v1/queues`: all of them, or those to which callers are brought who say so.
pub(super) async fn list(
    State(state): State<ApiState>,
    sought: Result<Query<Sought>, QueryRejection>,
) -> Result<Json<QueueList>, Problem> {
    let (now, center) = (now(), state.center());
    let Query(Sought { when }) = sought?;
    let said = |queue: &LiveQueue| center.talk_of(&queue.name).map(|talk| talk.when.clone());
    let view = |queue: LiveQueue| QueueView {
        when: said(&queue).unwrap_or_default(),
        name: queue.name.to_string(),
        waiting: queue.waiting,
        longest_wait_s: queue.longest_since.map(|since| waited_s(since, now)),
        surge_since: queue.surge_since.map(rfc3339),
    };
    let mut queues: Vec<QueueView> = state.live.queues().into_iter().map(view).collect();
    if let Some(when) = when {
        queues.retain(|queue| is_for(&queue.when, &when));
    }
    Ok(Json(QueueList { queues }))
}

/// Whether callers who say this are brought to a queue, by what is said of it.
fn is_for(when: &[String], said: &str) -> bool {
    let said = said.to_lowercase();
    when.iter().any(|words| words.to_lowercase().contains(&said))
}

/// An agent who is there.
#[derive(Debug, Serialize)]
pub(super) struct HelperView {
    id: String,
    state: AgentStateName,
    since: String,
    /// Whether they have what the queue's callers need.
    fits: bool,
    /// Their skills, best first.
    skills: Vec<String>,
}

/// Every agent who is there, the best help first.
#[derive(Debug, Serialize)]
pub(super) struct Helpers {
    agents: Vec<HelperView>,
}

/// `GET /api/v1/queues/{name}/agents`
pub(super) async fn helpers(
    State(state): State<ApiState>,
    Path(name): Path<String>,
) -> Result<Json<Helpers>, Problem> {
    let unknown =
        || Problem::not_found(format!("there is no queue {name:?}"), "GET /api/v1/queues lists them");
    let rules = state.live.rules();
    let queue = rules.queues.iter().find(|queue| *queue.name == *name).ok_or_else(unknown)?;
    Ok(Json(Helpers { agents: by_help(state.live.agents(), &queue.needs) }))
}

/// Who is ready comes first; then who fits, the further above the need the better, then with the fewest other skills, then
/// whoever has been so the longest: the queue engine's best fit, with a place for the others.
fn by_help(mut agents: Vec<LiveAgent>, needs: &[NeedFact]) -> Vec<HelperView> {
    let above = |agent: &LiveAgent| needs.iter().map(|need| above(&agent.skills, need)).sum::<Option<u32>>();
    agents.retain(|agent| agent.state != AgentStateName::Offline);
    agents.sort_by_cached_key(|agent| {
        let ready = agent.state == AgentStateName::Ready;
        (Reverse(ready), Reverse(above(agent)), agent.skills.len(), agent.since, agent.name.clone())
    });
    let view = |agent: LiveAgent| {
        let fits = above(&agent).is_some();
        let mut skills = agent.skills;
        skills.sort_by_key(|(_, level)| Reverse(*level));
        HelperView {
            id: agent.name.to_string(),
            state: agent.state,
            since: rfc3339(agent.since),
            fits,
            skills: skills.iter().map(|(skill, _)| skill.to_string()).collect(),
        }
    };
    agents.into_iter().map(view).collect()
}

/// How far above a need these skills are, by whichever of its ways is best; none where they are below it.
fn above(skills: &[(Name, u8)], need: &NeedFact) -> Option<u32> {
    let level = skills.iter().find(|(skill, _)| *skill == need.skill).map(|(_, level)| *level);
    let own = level.and_then(|level| level.checked_sub(need.level)).map(u32::from);
    need.or.iter().filter_map(|need| above(skills, need)).chain(own).max()
}

/// Whole seconds from `since` to `now`; 0 when the machine's clock was set back meanwhile.
pub(super) fn waited_s(since: WallTime, now: WallTime) -> u64 {
    u64::try_from(now.unix_secs() - since.unix_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_found_by_what_its_callers_say() {
        let center = crate::flow::tests::demo();
        let found = |said: &str| -> Vec<&str> {
            let names = center.engine.queues.iter().map(|queue| &*queue.name);
            names.filter(|name| is_for(&center.talk_of(name).unwrap().when, said)).collect()
        };
        assert_eq!(found("Refund"), ["billing"]);
        assert_eq!(found("repair"), ["support"]);
        assert_eq!(found("a bench"), [""; 0], "nothing is said of it");
    }

    #[test]
    fn who_helps_best_is_ready_and_fits_best() {
        let agent = |name: &str, state, skills: &[(&str, u8)], since| LiveAgent {
            name: name.into(),
            state,
            since: WallTime(since),
            reason: String::new(),
            phones: 1,
            skills: skills.iter().map(|(skill, level)| ((*skill).into(), *level)).collect(),
            auto_answer: None,
        };
        let [ready, talking] = [AgentStateName::Ready, AgentStateName::Talking];
        let [not_ready, offline] = [AgentStateName::NotReady, AgentStateName::Offline];
        let agents = vec![
            agent("anna", talking, &[("billing", 9)], 1),
            agent("ben", ready, &[("sales", 9)], 1),
            agent("carla", ready, &[("billing", 5), ("sales", 3)], 1),
            agent("dora", ready, &[("billing", 5)], 2),
            agent("emil", ready, &[("billing", 5)], 1),
            agent("finn", ready, &[("billing", 7), ("sales", 2)], 9),
            agent("gina", offline, &[("billing", 10)], 1),
            agent("hugo", not_ready, &[], 1),
            agent("ines", ready, &[("spanish", 4)], 1),
        ];
        let or = vec![NeedFact { skill: "spanish".into(), level: 4, or: Vec::new() }];
        let needs = [NeedFact { skill: "billing".into(), level: 3, or }];
        let order = by_help(agents, &needs);
        let names: Vec<&str> = order.iter().map(|agent| agent.id.as_str()).collect();
        assert_eq!(names, ["finn", "emil", "dora", "carla", "ines", "ben", "anna", "hugo"]);
        let fits: Vec<bool> = order.iter().map(|agent| agent.fits).collect();
        assert_eq!(fits, [true, true, true, true, true, false, true, false]);
    }
}
