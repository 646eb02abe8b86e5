//! `/api/v1/events`: facts as they happen, as server-sent events.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::response::sse::KeepAlive;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;
use tokio::time::sleep;
use tokio_stream::Stream;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::IntervalStream;

use crate::api::ApiState;
use crate::api::facts::kinds_of;
use crate::api::now;
use crate::api::problem::Problem;
use crate::api::session::Actor;
use crate::api::session::Sitting;
use crate::server::Reading;
use crate::store::FactFilter;
use crate::store::NumberedFact;
use crate::store::view::FactView;
use crate::store::view::rfc3339;

/// Watchers at one time; the next one is told to come again.
pub(super) const WATCHERS: usize = 256;
/// How often a silent stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a page's stream says so in an event: a page sees no comment, and its browser does not tell it of a
/// connection over which nothing comes any more.
const ALIVE: Duration = Duration::from_secs(10);
/// After how long whoever watches connects anew when the stream has ended; browsers wait for longer by themselves.
const RETRY: Duration = Duration::from_secs(2);
/// The header by which whoever connects anew says what they had last, as browsers do by themselves.
const LAST: &str = "last-event-id";
/// Facts that are read of the history at once.
const AT_ONCE: usize = 500;
/// How soon a history that cannot be read is tried again.
const AGAIN: Duration = Duration::from_secs(1);

impl ApiState {
    /// What somebody watches, until they are shut out or their session is over.
    pub(super) fn watched<S: Stream + Send + 'static>(
        &self,
        events: S,
        actor: &Actor,
        sitting: Sitting,
    ) -> impl Stream<Item = S::Item> + Send + 'static + use<S> {
        let (live, who) = (self.live.clone(), actor.person());
        let is_let_in = move |_: &S::Item| who.as_ref().is_none_or(|who| !live.shut_out.has(who));
        let over = Box::pin(sitting.ended(self.clone()));
        futures_util::StreamExt::take_until(events.take_while(is_let_in), over)
    }
}

/// What a page watches: its events, and at once and every ten seconds an event `alive` with the server's time. It ends
/// when its events do.
pub(super) fn living(
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut timer = tokio::time::interval(ALIVE);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let alive = IntervalStream::new(timer).map(|_| {
        let data = format!(r#"{{"now":"{}"}}"#, rfc3339(now()));
        Some(Ok(Event::default().event("alive").data(data)))
    });
    let events = events.map(Some).chain(tokio_stream::once(None));
    lives(Event::default(), events.merge(alive).map_while(std::convert::identity))
}

/// Events behind a first one that has no data, which says when to connect anew.
fn lives(
    first: Event,
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let first = tokio_stream::once(Ok(first.retry(RETRY)));
    Sse::new(first.chain(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// What somebody wants to watch, as it stands in the query.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    after: Option<u64>,
    kinds: Option<String>,
    agent: Option<String>,
}

/// `GET /api/v1/events`: an event `fact` for each fact from now on, or after the one that was seen last, whose number is its id. Who
/// lags has what they missed out of the history; an event `resync` says how many facts are not in it. That somebody watches is
/// told first.
pub(super) async fn watch(
    State(state): State<ApiState>,
    actor: Actor,
    sitting: Sitting,
    headers: HeaderMap,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Query(Filters { after, kinds, agent }) = filters?;
    let after = seen_last(&headers)?.or(after);
    let kinds = kinds.as_deref().map(kinds_of).transpose()?;
    let place = state.watching.clone().try_acquire_owned();
    let place = place.map_err(|_| Problem::busy("too many watch"))?;
    if let Some(watcher) = actor.person() {
        state.tell_read(Reading::Events, watcher).await?;
    }
    let watcher = Watcher::new(&state, (kinds, agent), after, place);
    let begins = Event::default().id(watcher.filter.after.to_string());
    let facts =
        stream::unfold(watcher, |mut watcher: Watcher| async move { Some((watcher.next().await?, watcher)) });
    let facts = state.watched(Box::pin(facts), &actor, sitting);
    let facts = facts.filter_map(move |told| told.event(&actor));
    Ok(lives(begins, facts.map(Ok)))
}

/// The number of the fact that somebody had last; none where they come for the first time.
fn seen_last(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(LAST) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    let error = "Last-Event-ID is the id of an event, which is a number";
    let refused = || Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, "leave it out to begin with now");
    number.map(Some).ok_or_else(refused)
}

/// What somebody who watches is told next.
enum Told {
    Fact(Arc<NumberedFact>),
    /// So many facts are in no history.
    Resync(u64),
}

impl Told {
    /// None of what they may not know.
    fn event(self, to: &Actor) -> Option<Event> {
        match self {
            Told::Fact(fact) if !to.may_know(&fact.dated.fact.what) => None,
            Told::Fact(fact) => {
                let event = Event::default().id(fact.number.to_string()).event("fact");
                event.json_data(FactView::from(&fact.dated)).ok()
            }
            Told::Resync(missed) => {
                Some(Event::default().event("resync").data(format!(r#"{{"missed":{missed}}}"#)))
            }
        }
    }
}

/// Somebody who watches.
struct Watcher {
    state: ApiState,
    facts: Receiver<Arc<NumberedFact>>,
    /// What they want of what comes after the last fact that was looked at.
    filter: FactFilter,
    /// The history has facts after it, or may have.
    is_behind: bool,
    /// Of the history, to be told.
    page: VecDeque<NumberedFact>,
    /// Facts that the history had lost when it was looked at last.
    lost: u64,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    fn new(
        state: &ApiState,
        (kinds, agent): (Option<BTreeSet<String>>, Option<String>),
        after: Option<u64>,
        place: OwnedSemaphorePermit,
    ) -> Watcher {
        // Heard before it is looked where they are, so that nothing falls between.
        let facts = state.live.subscribe();
        let is_behind = after.is_some();
        let after = after.unwrap_or_else(|| state.live.last_number());
        Watcher {
            facts,
            filter: FactFilter { after, before: None, kinds, agent, limit: AT_ONCE },
            is_behind,
            page: VecDeque::new(),
            lost: state.losses.lost(),
            state: state.clone(),
            _place: place,
        }
    }

    async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(fact) = self.page.pop_front() {
                return Some(Told::Fact(Arc::new(fact)));
            }
            if self.is_behind {
                if let Some(missed) = self.read().await {
                    return Some(Told::Resync(missed));
                }
                continue;
            }
            match self.facts.recv().await {
                // It was read of the history.
                Ok(fact) if fact.number <= self.filter.after => {}
                Ok(fact) => {
                    self.filter.after = fact.number;
                    if self.filter.fits(&fact.dated) {
                        return Some(Told::Fact(fact));
                    }
                }
                Err(RecvError::Lagged(_)) => self.is_behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Reads on in the history; how many facts it has lost meanwhile.
    async fn read(&mut self) -> Option<u64> {
        let (filter, losses) = (self.filter.clone(), self.state.losses.clone());
        let read = self.state.read(move |readers| {
            losses.flush();
            readers.facts_told(&filter)
        });
        let Ok(page) = read.await else {
            sleep(AGAIN).await;
            return None;
        };
        (self.filter.after, self.is_behind) = (page.looked_at, page.more);
        self.page = page.facts.into();
        let lost = self.state.losses.lost();
        let missed = lost - std::mem::replace(&mut self.lost, lost);
        (missed > 0).then_some(missed)
    }
}
