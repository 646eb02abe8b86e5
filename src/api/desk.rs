//! `/api/v1/desk-view`: an agent's desk as JSON, once or whenever it changes.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::Json;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::response::Sse;
use axum::response::sse::Event;
use serde::Deserialize;
use tokio_stream::Stream;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;

use crate::api::ApiState;
use crate::api::events;
use crate::api::now;
use crate::api::problem::Problem;
use crate::api::session::Actor;
use crate::api::session::Sitting;
use crate::base::CallId;
use crate::base::Name;
use crate::fact::What;
use crate::server::desk::Contact;
use crate::store::read::EarlierCall;
use crate::store::story;

mod view;

pub(super) use view::DeskJson;
use view::Phones;

/// Earlier contacts that are laid beside a call.
const CONTACTS: u32 = 5;

/// Whose desk; a local program says so.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    agent: Option<String>,
}

/// `GET /api/v1/desk-view`
pub(super) async fn show(
    State(state): State<ApiState>,
    actor: Actor,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<DeskJson>, Problem> {
    let agent = whose_desk(&state, &actor, whose)?;
    Ok(Json(state.desk(&agent).await?))
}

/// `GET /api/v1/desk-view/events`: an event `desk` at once and whenever the desk is another one, and `alive`.
pub(super) async fn watch(
    State(state): State<ApiState>,
    actor: Actor,
    sitting: Sitting,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let agent = whose_desk(&state, &actor, whose)?;
    let changes = WatchStream::new(state.live.desks.watch(&agent));
    let events = state.watched(changes, &actor, sitting).then(move |()| {
        let (state, agent) = (state.clone(), agent.clone());
        async move {
            let event = Event::default().event("desk");
            // A desk that cannot be read now is shown at its next change; the page keeps what it has.
            Ok(match state.desk(&agent).await.map(|desk| event.json_data(desk)) {
                Ok(Ok(event)) => event,
                _ => Event::default().comment("busy"),
            })
        }
    });
    Ok(events::living(events))
}

pub(super) fn whose_desk(
    state: &ApiState,
    actor: &Actor,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Name, Problem> {
    let Query(whose) = whose?;
    let agent = actor.agent(whose.agent.as_deref())?;
    // Who is signed in has an account; a local program may have mistyped.
    if !matches!(actor, Actor::Person(_)) && state.live.agent(&agent).is_none() {
        let hint = "GET /api/v1/agents lists them";
        return Err(Problem::not_found(format!("there is no agent {agent:?}"), hint));
    }
    Ok(agent)
}

impl ApiState {
    /// An agent's desk now, with the earlier contacts of its callers from the history.
    pub(super) async fn desk(&self, agent: &str) -> Result<DeskJson, Problem> {
        let mut view = self.live.desks.view(agent);
        for (_, call) in view.calls.iter_mut().filter(|(_, call)| call.before.is_none()) {
            let (id, account, number) = (call.id, call.account.clone(), call.number.clone());
            let earlier =
                self.read(move |readers| readers.earlier(id, account.as_deref(), &number, CONTACTS));
            let before: Vec<Contact> = earlier.await?.iter().map(contact).collect();
            call.before = Some(before.into());
            self.live.desks.set_before(id, call.before.clone().unwrap_or_default());
        }
        let timelines = view.calls.iter().map(|(_, call)| {
            let lines = story::tell(&call.timeline, &self.live.rules().zone);
            (call.id, lines)
        });
        let timelines: BTreeMap<CallId, _> = timelines.collect();
        let center = self.center();
        let (telephones, auto_answer) =
            self.live.agent(agent).map_or((0, None), |agent| (agent.phones, agent.auto_answer));
        let telephones = telephones + u32::from(center.is_always_reached(agent));
        Ok(DeskJson::new(view, timelines, &center, Phones { telephones, auto_answer }, now()))
    }
}

fn contact(earlier: &EarlierCall) -> Contact {
    let record = &earlier.record;
    let (said, note) = match &earlier.said {
        Some(What::OutcomeSet { outcome, note, .. }) => {
            (Some(story::resolution_words(*outcome)), note.clone())
        }
        _ => (None, String::new()),
    };
    let outcome = said.or(record.outcome.map(story::outcome_words)).unwrap_or("not over yet");
    Contact {
        call: record.id,
        at: record.arrived,
        queue: record.queue.clone(),
        agent: record.agent.clone(),
        outcome: outcome.to_owned(),
        note,
    }
}
