//! `/api/v1/calls`: the history, live calls included, newest first.

use axum::Json;
use axum::extract::OriginalUri;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::PathRejection;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;

use crate::api::ApiState;
use crate::api::metrics::word;
use crate::api::problem::Problem;
use crate::api::promises::time;
use crate::api::reports::Shape;
use crate::api::reports::csv;
use crate::api::session::Actor;
use crate::base::CallId;
use crate::fact::Outcome;
use crate::server::Reading;
use crate::server::Rules;
use crate::server::live::Phase;
use crate::store::CallFilter;
use crate::store::CallRecord;
use crate::store::NoteFold;
use crate::store::Readers;
use crate::store::StoreError;
use crate::store::TalkFold;
use crate::store::explain::ExplainedWait;
use crate::store::story;
use crate::store::surveys;
use crate::store::view::CallView;
use crate::store::view::FactView;
use crate::store::view::LineView;
use crate::store::view::calls;
use crate::store::view::surveys::AnswerView;
use crate::store::view::talks::HoldsView;
use crate::store::view::talks::RepeatedView;
use crate::store::view::talks::ToldNoteView;
use crate::store::view::talks::chain;

/// The filters of the list, as they stand in the query.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    sip_call_id: Option<String>,
    from: Option<String>,
    agent: Option<String>,
    outcome: Option<Outcome>,
    queue: Option<String>,
    dialled: Option<String>,
    since: Option<String>,
    until: Option<String>,
    before: Option<u64>,
    limit: Option<u32>,
    #[serde(default)]
    format: Shape,
}

/// A page of calls.
#[derive(Debug, Serialize)]
pub(super) struct CallList {
    calls: Vec<CallView>,
    /// `before=` for the next page; null on the last one.
    next_before: Option<u64>,
}

/// One call with everything that is known of it.
#[derive(Debug, Serialize)]
pub(super) struct WholeCall {
    call: CallView,
    /// What its holds came to.
    holds: HoldsView,
    /// The notes of its consults, in order.
    notes: Vec<ToldNoteView>,
    /// What the caller had to tell again nevertheless.
    repeated: Vec<RepeatedView>,
    /// What they answered after their talks.
    survey: Vec<AnswerView>,
    story: Vec<LineView>,
    facts: Vec<FactView>,
}

/// `GET /api/v1/calls`: that somebody reads it, and which, is told first; see [`crate::api::reads`].
pub(super) async fn list(
    State(state): State<ApiState>,
    actor: Actor,
    OriginalUri(uri): OriginalUri,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(filters) = filters?;
    let filter = filters.parse()?;
    if let Some(reader) = actor.person() {
        state.tell_read(Reading::Calls(filters.in_words()), reader).await?;
    }
    let limit = filter.limit;
    let records = state.read(move |readers| readers.calls(&filter)).await?;
    let full = limit.is_some_and(|limit| records.len() == limit as usize);
    let next_before = records.last().filter(|_| full).map(|record| record.id.0);
    let calls: Vec<CallView> = records.into_iter().map(|record| state.view(record)).collect();
    if filters.format == Shape::Json {
        return Ok(Json(CallList { calls, next_before }).into_response());
    }
    let next = next_before.map(|before| [(header::LINK, next_page(&uri, before))]);
    Ok((next, csv("calls", calls::csv(&calls))).into_response())
}

/// The next page of a table, which has no room to say so: RFC 8288.
fn next_page(uri: &Uri, before: u64) -> String {
    let asked = uri.query().unwrap_or_default().split('&');
    let mut asked: Vec<&str> = asked.filter(|pair| !pair.starts_with("before=")).collect();
    let before = format!("before={before}");
    asked.push(&before);
    format!("<{}?{}>; rel=\"next\"", uri.path(), asked.join("&"))
}

/// `GET /api/v1/calls/{id}`: that somebody reads it is told first; see [`crate::api::reads`].
pub(super) async fn show(
    State(state): State<ApiState>,
    actor: Actor,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Json<WholeCall>, Problem> {
    let Path(id) = id?;
    let id = CallId(id);
    let (record, mut facts) = state.read(move |readers| Ok((readers.call(id)?, readers.facts(id)?))).await?;
    let Some(record) = record else {
        return Err(Problem::not_found(format!("there is no call {id}"), "GET /api/v1/calls lists them"));
    };
    if let Some(reader) = actor.person() {
        state.tell_call_read(id, &facts, reader).await?;
    }
    facts.retain(|dated| actor.may_know(&dated.fact.what));
    let story = story::tell(&facts, &state.live.rules().zone).into_iter().map(LineView::from).collect();
    let holds = HoldsView::from(&TalkFold::of(&facts).holds());
    let (notes, repeated) = chain(NoteFold::of(&facts));
    let survey = surveys::answers(&facts).into_iter().map(AnswerView::from).collect();
    let facts = facts.iter().map(FactView::from).collect();
    Ok(Json(WholeCall { call: state.view(record), holds, notes, repeated, survey, story, facts }))
}

/// Why a call waited and got who it got.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    call: u64,
    waits: Vec<ExplainedWait>,
}

/// `GET /api/v1/calls/{id}/explain`
pub(super) async fn explain(
    State(state): State<ApiState>,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Json<Explanation>, Problem> {
    let Path(id) = id?;
    let center = state.center.clone();
    let skilled = move |at| Rules::of(&center, at).staff().agents;
    let zone = state.live.rules().zone.clone();
    let waits = state.read(move |readers| readers.explain(CallId(id), skilled, &zone)).await?;
    let Some(waits) = waits else {
        return Err(Problem::not_found(format!("there is no call {id}"), "GET /api/v1/calls lists them"));
    };
    Ok(Json(Explanation { call: id, waits }))
}

/// `POST /api/v1/calls/{id}/end`: ends a call for everybody in it.
pub(super) async fn end(
    State(state): State<ApiState>,
    actor: Actor,
    id: Result<Path<u64>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    actor.supervises()?;
    state.control.hang_up(CallId(id), actor.person()).await?;
    Ok(StatusCode::ACCEPTED)
}

impl ApiState {
    /// Reads the history on a thread that may block. Bounded: see [`super::READING`].
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Readers) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.reading.clone().try_acquire_owned().map_err(|_| Problem::busy("too many read"))?;
        let readers = self.readers.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let answer = read(&readers);
            drop(permit);
            answer
        });
        // A task fails when it panics, or when the server is stopping.
        Ok(reading.await.map_err(|_| Problem::busy("the reading was broken off"))??)
    }

    /// A call as JSON, with the phase that only the live view knows.
    fn view(&self, record: CallRecord) -> CallView {
        let live = self.live.call(record.id).filter(|_| record.ended.is_none());
        CallView { phase: live.map(|live| phase(live.phase)), ..CallView::from(record) }
    }
}

impl Filters {
    /// Which calls are asked for, as in the query; pages of one list are the same.
    fn in_words(&self) -> String {
        let outcome = self.outcome.as_ref().map(word);
        let all = [
            ("sip_call_id", &self.sip_call_id),
            ("from", &self.from),
            ("agent", &self.agent),
            ("outcome", &outcome),
            ("queue", &self.queue),
            ("dialled", &self.dialled),
            ("since", &self.since),
            ("until", &self.until),
        ];
        let said = all.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)));
        said.collect::<Vec<_>>().join(" ")
    }

    fn parse(&self) -> Result<CallFilter, Problem> {
        let moment = |text: &Option<String>| text.as_deref().map(time).transpose();
        Ok(CallFilter {
            sip_call_id: self.sip_call_id.clone(),
            from: self.from.clone(),
            agent: self.agent.clone(),
            outcome: self.outcome,
            queue: self.queue.clone(),
            dialled: self.dialled.clone(),
            since: moment(&self.since)?,
            until: moment(&self.until)?,
            before: self.before.map(CallId),
            limit: Some(self.limit.unwrap_or(50).clamp(1, crate::store::read::LIST_LIMIT)),
        })
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Arriving => "arriving",
        Phase::InFlow => "in_flow",
        Phase::Queued => "queued",
        Phase::Holding => "holding",
        Phase::CallbackKept => "callback_kept",
        Phase::Ringing => "ringing",
        Phase::CallingBack => "calling_back",
        Phase::CallingOut => "calling_out",
        Phase::Talking => "talking",
    }
}
