//! `/api/v1/events`: facts as they happen, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::response::sse::KeepAlive;
use tokio::time::MissedTickBehavior;
use tokio_stream::Stream;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::IntervalStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use crate::api::ApiState;
use crate::api::now;
use crate::api::problem::Problem;
use crate::api::session::Actor;
use crate::api::session::Sitting;
use crate::server::Reading;
use crate::store::view::FactView;
use crate::store::view::rfc3339;

/// Watchers at one time; the next one is told to come again.
pub(super) const WATCHERS: usize = 256;
/// How often a silent stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a page's stream says so in an event: a page sees no comment, and its browser does not tell it of a
/// connection over which nothing comes any more.
const ALIVE: Duration = Duration::from_secs(10);

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
    lives(events.merge(alive).map_while(std::convert::identity))
}

fn lives(
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// `GET /api/v1/events`: an event `fact` for each fact from now on. One that lags too far gets an event
/// `resync` with the number of facts that it missed: read the lists anew. That somebody watches is told first.
pub(super) async fn watch(
    State(state): State<ApiState>,
    actor: Actor,
    sitting: Sitting,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let place = state.watching.clone().try_acquire_owned();
    let place = place.map_err(|_| Problem::busy("too many watch"))?;
    if let Some(watcher) = actor.person() {
        state.tell_read(Reading::Events, watcher).await?;
    }
    let facts = BroadcastStream::new(state.live.subscribe());
    let events = state.watched(facts, &actor, sitting).filter_map(move |fact| {
        // As long as there is the stream, there is somebody who watches.
        let _watches = &place;
        let event = match fact {
            Ok(fact) if !actor.may_know(&fact.dated.fact.what) => return None,
            Ok(fact) => Event::default().event("fact").json_data(FactView::from(&fact.dated)).ok()?,
            Err(BroadcastStreamRecvError::Lagged(missed)) => {
                Event::default().event("resync").data(format!(r#"{{"missed":{missed}}}"#))
            }
        };
        Some(Ok(event))
    });
    Ok(lives(events))
}
