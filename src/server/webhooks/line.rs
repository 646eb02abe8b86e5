//! One webhook: what waits to be sent, and how the sending goes.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use jiff::tz::TimeZone;
use tracing::info;
use tracing::warn;
use ureq::Agent;

use super::send::Failure;
use super::send::send;
use crate::base::Secret;
use crate::base::WallTime;
use crate::flow::webhook::Webhook;
use crate::server::clock::calendar;
use crate::server::metric::Metric;
use crate::store::story::date_and_clock;
use crate::store::webhooks::ToldWebhook;

/// Events that may wait; one more takes the place of the oldest.
pub(super) const WAITING: usize = 10_000;
/// The pause after the first failure; it doubles with each further one, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// However long a receiver wants to be left alone.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);
/// How often an event is sent that the receiver finds wrong (4xx): it is no better the next time.
pub(super) const TRIES_OF_REFUSED: u32 = 5;
/// From so many failures on it is an alarm: one may be the receiver's restart.
const TELLING: u32 = 3;

/// See the file.
pub(super) struct Line {
    state: Mutex<State>,
    bell: Condvar,
}

struct State {
    webhook: Webhook,
    /// None where it is not in the environment: nothing is sent, for nobody could know that it is from us.
    secret: Option<Secret>,
    backlog: VecDeque<Event>,
    /// Facts up to this number were looked at: whether they are wanted.
    looked_at: u64,
    /// What tells this run's words on missed events from others'.
    run: i64,
    /// Events that are gone, and of which the receiver has not been told.
    missed: u64,
    /// How often it found wrong that it was told so.
    missed_refused: u32,
    sent: u64,
    failed: u64,
    dropped: u64,
    failing: Option<Failing>,
    over: bool,
}

/// An event that waits.
#[derive(Clone)]
pub(super) struct Event {
    /// By which the receiver knows one that comes again.
    pub id: String,
    pub body: Arc<str>,
    /// The fact's.
    number: u64,
    refused: u32,
    /// How many gone events it tells of, where it is no event itself.
    tells: u64,
}

/// Since when nothing is taken, and why.
struct Failing {
    since: WallTime,
    times: u32,
    why: String,
    next: WallTime,
    /// Whether the log has it that events are gone.
    drops: bool,
}

impl Line {
    /// Nothing waits yet: it was told of what it wants up to a number, but for so many that it does not know of.
    pub(super) fn new(webhook: Webhook, up_to: u64, missed: u64) -> Line {
        let secret = secret(&webhook);
        let state = State {
            webhook,
            secret,
            backlog: VecDeque::new(),
            looked_at: up_to,
            run: calendar().0,
            missed,
            missed_refused: 0,
            sent: 0,
            failed: 0,
            dropped: 0,
            failing: None,
            over: false,
        };
        Line { state: Mutex::new(state), bell: Condvar::new() }
    }

    /// Sends what waits until it is over.
    pub(super) fn run(&self, agent: &Agent) {
        while let Some((webhook, secret, event)) = self.next() {
            match send(agent, &webhook, &secret, &event, calendar()) {
                Ok(()) => self.taken(&event),
                Err(failure) => {
                    let pause = self.refused(&event, failure, calendar());
                    self.rest(pause);
                }
            }
        }
    }

    /// The webhook reads so from now on. What waits for it waits on.
    pub(super) fn change(&self, webhook: Webhook) {
        let mut state = self.state();
        if state.webhook != webhook {
            state.secret = secret(&webhook);
            state.webhook = webhook;
            // Perhaps it is taken now.
            self.bell.notify_all();
        }
    }

    pub(super) fn end(&self) {
        self.state().over = true;
        self.bell.notify_all();
    }

    pub(super) fn wants(&self, kind: &str) -> bool {
        self.state().webhook.events.contains(kind)
    }

    /// What it wants to be told of.
    pub(super) fn kinds(&self) -> BTreeSet<String> {
        self.state().webhook.events.clone()
    }

    /// Has it told of the fact with this number, unless it was looked at before.
    pub(super) fn lay(&self, number: u64, body: Arc<str>) {
        let mut state = self.state();
        if number <= state.looked_at {
            return;
        }
        state.looked_at = number;
        if state.backlog.len() >= WAITING {
            state.backlog.pop_front();
            state.lose(1);
        }
        let id = number.to_string();
        state.backlog.push_back(Event { id, body, number, refused: 0, tells: 0 });
        self.bell.notify_all();
    }

    /// Of the facts up to this number all that are wanted were laid here.
    pub(super) fn looked_at(&self, number: u64) {
        let mut state = self.state();
        state.looked_at = state.looked_at.max(number);
    }

    pub(super) fn last_looked_at(&self) -> u64 {
        self.state().looked_at
    }

    /// How far the receiver is.
    pub(super) fn told(&self) -> ToldWebhook {
        let state = self.state();
        let up_to = state.backlog.front().map_or(state.looked_at, |first| first.number - 1);
        ToldWebhook { name: state.webhook.name.clone(), up_to, missed: state.missed }
    }

    /// How many events wait.
    pub(super) fn waiting(&self) -> usize {
        self.state().backlog.len()
    }

    /// So many facts were passed over: it may be that none of them was wanted.
    pub(super) fn misses(&self, many: u64) {
        self.state().lose(many);
    }

    /// Whether something waits that is likely to be taken soon.
    pub(super) fn is_sending(&self) -> bool {
        let state = self.state();
        state.secret.is_some() && !state.backlog.is_empty() && state.failing.is_none()
    }

    /// What somebody should know, in words.
    pub(super) fn trouble(&self, zone: &TimeZone) -> Option<String> {
        let state = self.state();
        let name = &state.webhook.name;
        if state.secret.is_none() {
            let variable = &state.webhook.secret_env;
            return Some(format!(
                "the webhook {name} is told nothing: its secret {variable} is not in the environment"
            ));
        }
        let Failing { since, why, next, .. } =
            state.failing.as_ref().filter(|failing| failing.times >= TELLING)?;
        let gone = if state.missed > 0 { format!(", {} are gone", state.missed) } else { String::new() };
        let waiting = match state.backlog.len() {
            1 => "1 event waits".to_owned(),
            many => format!("{many} events wait"),
        };
        let (since, next) = (date_and_clock(*since, zone), date_and_clock(*next, zone));
        Some(format!(
            "the webhook {name} takes no events since {since}: {why}; {waiting}{gone}; it is tried again at {next}"
        ))
    }

    /// Figures of it.
    pub(super) fn metrics(&self) -> Vec<Metric> {
        let state = self.state();
        let counter = |name, help, value| Metric::counter(name, help, value);
        let metrics = [
            counter("warmline_webhook_sent_total", "Events that the webhook took", state.sent),
            counter(
                "warmline_webhook_failed_total",
                "Tries to send the webhook an event that it did not take",
                state.failed,
            ),
            counter(
                "warmline_webhook_dropped_total",
                "Events that the webhook will never have",
                state.dropped,
            ),
            Metric::gauge(
                "warmline_webhook_waiting",
                "Events that wait to be sent",
                state.backlog.len() as f64,
            ),
        ];
        metrics.map(|metric| metric.label("webhook", &*state.webhook.name)).into()
    }

    /// What is to be sent next, once there is something; none when it is over. That events are gone is told before those that
    /// came after them.
    pub(super) fn next(&self) -> Option<(Webhook, Secret, Event)> {
        let mut state = self.state();
        loop {
            if state.over {
                return None;
            }
            if let Some(secret) = state.secret.clone()
                && let Some(event) = state.first()
            {
                return Some((state.webhook.clone(), secret, event));
            }
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn taken(&self, event: &Event) {
        let mut state = self.state();
        state.missed = state.missed.saturating_sub(event.tells);
        if event.tells == 0 {
            state.sent += 1;
            // What it takes now it did not take before: so perhaps with what it has missed.
            if state.backlog.front().is_some_and(|first| first.number == event.number && first.refused > 0) {
                state.missed_refused = 0;
            }
            state.leave(event);
        }
        if let Some(failing) = state.failing.take() {
            let (webhook, waiting) = (&state.webhook.name, state.backlog.len());
            info!(%webhook, tries = failing.times, waiting, "the webhook takes events again");
        }
    }

    /// It was not taken at `now`; for how long nothing is sent.
    pub(super) fn refused(&self, event: &Event, failure: Failure, now: WallTime) -> Duration {
        let mut state = self.state();
        state.failed += 1;
        let times = state.failing.as_ref().map_or(0, |failing| failing.times) + 1;
        let pause = pause(times).max(failure.retry_after.unwrap_or_default().min(MAX_RETRY_AFTER));
        let webhook = state.webhook.name.clone();
        if times == 1 {
            warn!(%webhook, why = %failure.why, "the webhook does not take an event: it is sent again");
        }
        let before = state.failing.take();
        let (since, drops) = before.map_or((now, false), |before| (before.since, before.drops));
        state.failing = Some(Failing { since, times, why: failure.why, next: now + pause, drops });
        if !failure.is_our_fault {
            return pause;
        }
        if event.tells > 0 {
            state.missed_refused += 1;
            if state.missed_refused == TRIES_OF_REFUSED {
                warn!(%webhook, missed = state.missed, "the webhook finds wrong that it is told of missed events: it is not told so for now");
            }
        } else if state.refuses(event) {
            warn!(%webhook, event = %event.id, "the webhook finds an event wrong again and again: it is not sent any more");
            state.leave(event);
            state.miss(1);
        }
        pause
    }

    /// Nothing is sent for so long; unless it changes, or is over.
    fn rest(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.state();
        let webhook = state.webhook.clone();
        while !state.over && state.webhook == webhook {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.bell.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What the lock holds is whole between any two statements here.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn first(&self) -> Option<Event> {
        if self.missed == 0 || self.missed_refused >= TRIES_OF_REFUSED {
            return self.backlog.front().cloned();
        }
        let (id, body) =
            (format!("{:x}-missed-{}", self.run, self.dropped), format!(r#"{{"missed":{}}}"#, self.missed));
        Some(Event { id, body: body.into(), number: 0, refused: 0, tells: self.missed })
    }

    /// It is sent no more. Meanwhile a full backlog may have lost it.
    fn leave(&mut self, event: &Event) {
        if self.backlog.front().is_some_and(|first| first.number == event.number) {
            self.backlog.pop_front();
        }
    }

    /// Whether this was the last try of an event that the receiver finds wrong.
    fn refuses(&mut self, event: &Event) -> bool {
        let Some(first) = self.backlog.front_mut().filter(|first| first.number == event.number) else {
            return false;
        };
        first.refused += 1;
        first.refused >= TRIES_OF_REFUSED
    }

    /// It will never have so many, and is to be told so.
    fn miss(&mut self, many: u64) {
        self.missed += many;
        self.dropped += many;
        self.missed_refused = 0;
    }

    fn lose(&mut self, many: u64) {
        self.miss(many);
        let webhook = &self.webhook.name;
        if let Some(failing) = self.failing.as_mut().filter(|failing| !failing.drops) {
            failing.drops = true;
            warn!(%webhook, "too many events wait for the webhook: the oldest are dropped");
        }
    }
}

/// What the environment has under the webhook's name for it.
fn secret(webhook: &Webhook) -> Option<Secret> {
    let found = std::env::var(&webhook.secret_env).ok().filter(|secret| !secret.is_empty());
    if found.is_none() {
        let (name, variable) = (&webhook.name, &webhook.secret_env);
        warn!(webhook = %name, %variable, "the webhook's secret is not in the environment: nothing is sent to it");
    }
    found.map(Secret::new)
}

/// Half of the doubled pause, and a random part of the other half: not every server comes back at once.
fn pause(times: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << (times - 1).min(10)).min(MAX_PAUSE);
    let half = doubled.as_millis() as u64 / 2;
    // Without chance they come together, which is no more than a nuisance.
    let chance = u64::from(getrandom::u32().unwrap_or_default());
    Duration::from_millis(half + chance % (half + 1))
}
