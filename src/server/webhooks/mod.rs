//! Tells programs elsewhere what happens: each fact that a webhook names, in the words of `/api/v1/events`.
//!
//! Nothing that serves a call waits for a receiver. A thread looks at the facts ten times a second and lays those that somebody wants
//! into that webhook's backlog; a thread of each webhook sends them, one after the other. What is not taken is sent again, with
//! growing pauses; a backlog that is full loses its oldest, and the receiver is told how many. How far each is stands in the data
//! folder, and what it has not been told of the next run reads back from the history.

mod line;
mod past;
mod send;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use jiff::tz::TimeZone;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tracing::warn;
use ureq::Agent;

use crate::base::Name;
use crate::flow::Center;
use crate::flow::webhook::Webhook;
use crate::server::Live;
use crate::server::metric::Metric;
use crate::store::NumberedFact;
use crate::store::view::FactView;
use line::Line;
pub use past::Past;

/// How often the facts are looked at: no thread is woken for each of them.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often it is kept how far each is, where that is news. So much is told again after a crash, under the same ids.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// See the module. Its threads end when it is closed.
#[derive(Default)]
pub struct Webhooks {
    lines: Mutex<BTreeMap<Name, Arc<Line>>>,
    closed: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Webhooks {
    /// Tells of facts from now on, and first of those of the past that were not told. `center` is asked for the webhooks as they
    /// are now, at each look: they may change. `facts` are those that were heard meanwhile, where there were webhooks already.
    pub fn start(
        past: Past,
        live: Arc<Live>,
        facts: Option<Receiver<Arc<NumberedFact>>>,
        center: impl Fn() -> Arc<Center> + Send + 'static,
    ) -> io::Result<Arc<Webhooks>> {
        let webhooks = Arc::new(Webhooks::default());
        let known = center();
        webhooks.serve(&known.webhooks, |name| match past.told(name) {
            Some(told) => (told.up_to, told.missed),
            None => (past.begun_after(), 0),
        });
        let mut feed = Feed { webhooks: Arc::clone(&webhooks), past, live, facts };
        let thread = thread::Builder::new().name("webhooks".to_owned());
        let thread = thread.spawn(move || feed.run(known, center))?;
        *webhooks.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(webhooks)
    }

    /// What somebody should know of each that is not taken, or not sent, in words.
    pub fn troubles(&self, zone: &TimeZone) -> Vec<String> {
        self.lines().values().filter_map(|line| line.trouble(zone)).collect()
    }

    /// That there are such, for those who need not know more.
    pub fn in_short(&self) -> Option<String> {
        let many = self.lines().values().filter(|line| line.trouble(&TimeZone::UTC).is_some()).count();
        match many {
            0 => None,
            1 => Some("the events of a webhook are not taken".to_owned()),
            many => Some(format!("the events of {many} webhooks are not taken")),
        }
    }

    /// Figures of them.
    pub fn metrics(&self) -> Vec<Metric> {
        self.lines().values().flat_map(|line| line.metrics()).collect()
    }

    /// Waits until all is sent, as long as it is taken, and no longer than so; then it is over.
    pub fn close(&self, within: Duration) {
        if !self.is_wanted() {
            return self.closed.store(true, Ordering::Relaxed);
        }
        // What has just happened is looked at once more.
        let until = Instant::now() + within;
        thread::sleep((LOOK_EVERY * 2).min(within));
        while Instant::now() < until && self.lines().values().any(|line| line.is_sending()) {
            thread::sleep(Duration::from_millis(20));
        }
        self.closed.store(true, Ordering::Relaxed);
        self.lines().values().for_each(|line| line.end());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Where it failed, no more is kept than what was.
            thread.thread().unpark();
            let _ = thread.join();
        }
        for (webhook, line) in &*self.lines() {
            let waiting = line.waiting();
            if waiting > 0 {
                warn!(%webhook, waiting, "events wait for the webhook: the next start reads them from the history");
            }
        }
    }

    /// Webhooks are these from now on. One that goes on keeps what waits for it; a new one was told of facts up to a number, and has
    /// missed so many.
    fn serve(&self, webhooks: &[Webhook], begun: impl Fn(&str) -> (u64, u64)) {
        let mut lines = self.lines();
        lines.retain(|name, line| {
            let stays = webhooks.iter().any(|webhook| webhook.name == *name);
            if !stays {
                line.end();
            }
            stays
        });
        for webhook in webhooks {
            match lines.get(&webhook.name) {
                Some(line) => line.change(webhook.clone()),
                None => {
                    let (up_to, missed) = begun(&webhook.name);
                    let line = Arc::new(Line::new(webhook.clone(), up_to, missed));
                    let (name, sends) = (webhook.name.clone(), Arc::clone(&line));
                    let agent = agent();
                    let thread = thread::Builder::new().name(format!("webhook {name}"));
                    match thread.spawn(move || sends.run(&agent)) {
                        Ok(_) => drop(lines.insert(name, line)),
                        Err(error) => {
                            warn!(webhook = %name, %error, "nothing can be sent: there is no thread for it")
                        }
                    }
                }
            }
        }
    }

    /// Whether anybody is told of anything.
    fn is_wanted(&self) -> bool {
        !self.lines().is_empty()
    }

    fn lay(&self, fact: &NumberedFact) {
        let view = FactView::from(&fact.dated);
        let kind = view.what["fact"].as_str().unwrap_or_default();
        let mut body: Option<Arc<str>> = None;
        for line in self.lines().values().filter(|line| line.wants(kind)) {
            let text = || serde_json::to_string(&view).unwrap_or_default().into();
            line.lay(fact.number, Arc::clone(body.get_or_insert_with(text)));
        }
    }

    fn misses(&self, many: u64) {
        self.lines().values().for_each(|line| line.misses(many));
    }

    fn looked_at(&self, number: u64) {
        self.lines().values().for_each(|line| line.looked_at(number));
    }

    /// What the lock holds is whole between any two statements here.
    fn lines(&self) -> MutexGuard<'_, BTreeMap<Name, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the facts come from.
struct Feed {
    webhooks: Arc<Webhooks>,
    past: Past,
    live: Arc<Live>,
    /// None as long as nobody is told of anything.
    facts: Option<Receiver<Arc<NumberedFact>>>,
}

impl Feed {
    fn run(&mut self, mut known: Arc<Center>, center: impl Fn() -> Arc<Center>) {
        if self.facts.is_some() {
            self.read_back(Some(self.past.begun_after()), 1);
        }
        let mut kept = Instant::now();
        while !self.webhooks.closed.load(Ordering::Relaxed) {
            thread::park_timeout(LOOK_EVERY);
            let now = center();
            if !Arc::ptr_eq(&known, &now) {
                self.serve(&now);
                known = now;
            }
            self.take();
            if kept.elapsed() >= KEEP_EVERY {
                self.keep();
                kept = Instant::now();
            }
        }
        self.keep();
    }

    /// Who is new is told of what happens from now on.
    fn serve(&mut self, center: &Center) {
        let facts = self.facts.take().unwrap_or_else(|| self.live.subscribe());
        self.webhooks.serve(&center.webhooks, |_| (self.live.last_number(), 0));
        self.facts = self.webhooks.is_wanted().then_some(facts);
    }

    /// Lays what has happened into the backlogs.
    fn take(&mut self) {
        let lost = self.past.lost_since();
        let mut looked_at = None;
        while let Some(facts) = &mut self.facts {
            match facts.try_recv() {
                Ok(fact) => {
                    self.webhooks.lay(&fact);
                    looked_at = Some(fact.number);
                }
                Err(TryRecvError::Lagged(many)) => {
                    // The history has them, unless it has lost them.
                    self.read_back(None, many);
                    self.webhooks.misses(lost);
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        looked_at.into_iter().for_each(|number| self.webhooks.looked_at(number));
    }

    /// Lays what happened up to a number, or up to now, and was not looked at; where it cannot be read, so many are missed.
    fn read_back(&self, up_to: Option<u64>, many: u64) {
        let lines: Vec<_> = self.webhooks.lines().values().cloned().collect();
        let Some(after) = lines.iter().map(|line| line.last_looked_at()).min() else { return };
        let kinds = lines.iter().flat_map(|line| line.kinds()).collect();
        let goes_on = || !self.webhooks.closed.load(Ordering::Relaxed);
        match self.past.read(kinds, (after, up_to), goes_on, |fact| self.webhooks.lay(fact)) {
            Ok(number) => self.webhooks.looked_at(if goes_on() { up_to.unwrap_or(number) } else { number }),
            Err(error) => {
                warn!(%error, "what webhooks were not told of cannot be read");
                self.webhooks.misses(many);
            }
        }
    }

    fn keep(&mut self) {
        let told = self.webhooks.lines().values().map(|line| line.told()).collect();
        if let Err(error) = self.past.keep(told) {
            warn!(%error, "how far webhooks are cannot be kept: after a stop they are told again from where it was");
        }
    }
}

/// What asks. A redirect is not followed: what is signed for one address is told to no other.
fn agent() -> Agent {
    Agent::new_with_config(Agent::config_builder().http_status_as_error(false).max_redirects(0).build())
}
