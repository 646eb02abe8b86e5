//! Tells programs elsewhere what happens: each fact that a webhook names, in the words of `/api/v1/events`.
//!
//! Nothing that serves a call waits for a receiver. A thread looks at the facts ten times a second and lays those that somebody wants
//! into that webhook's backlog; a thread of each webhook sends them, one after the other. What is not taken is sent again, with
//! growing pauses; a backlog that is full loses its oldest, and the receiver is told how many. What waits is in memory alone.

mod line;
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
use crate::store::DatedFact;
use crate::store::view::FactView;
use line::Line;

/// How often the facts are looked at: no thread is woken for each of them.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// See the module. Its threads end when it is closed.
#[derive(Default)]
pub struct Webhooks {
    lines: Mutex<BTreeMap<Name, Arc<Line>>>,
    closed: AtomicBool,
}

impl Webhooks {
    /// Tells of facts from now on. `center` is asked for the webhooks as they are now, at each look: they may change.
    /// `facts` are those that were heard meanwhile, where there were webhooks already.
    pub fn start(
        live: Arc<Live>,
        mut facts: Option<Receiver<Arc<DatedFact>>>,
        center: impl Fn() -> Arc<Center> + Send + 'static,
    ) -> io::Result<Arc<Webhooks>> {
        let webhooks = Arc::new(Webhooks::default());
        let mut known = center();
        webhooks.serve(&known.webhooks);
        let ours = Arc::clone(&webhooks);
        thread::Builder::new().name("webhooks".to_owned()).spawn(move || {
            while !ours.closed.load(Ordering::Relaxed) {
                thread::sleep(LOOK_EVERY);
                let now = center();
                if !Arc::ptr_eq(&known, &now) {
                    ours.serve(&now.webhooks);
                    known = now;
                    facts = ours.is_wanted().then(|| facts.take().unwrap_or_else(|| live.subscribe()));
                }
                facts.iter_mut().for_each(|facts| ours.take(facts));
            }
        })?;
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
    }

    /// Webhooks are these from now on. One that goes on keeps what waits for it.
    fn serve(&self, webhooks: &[Webhook]) {
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
                    let line = Arc::new(Line::new(webhook.clone()));
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

    /// Lays what has happened into the backlogs.
    fn take(&self, facts: &mut Receiver<Arc<DatedFact>>) {
        loop {
            match facts.try_recv() {
                Ok(fact) => self.lay(&fact),
                Err(TryRecvError::Lagged(missed)) => {
                    self.lines().values().for_each(|line| line.misses(missed))
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn lay(&self, fact: &DatedFact) {
        let view = FactView::from(fact);
        let kind = view.what["fact"].as_str().unwrap_or_default();
        let mut body: Option<Arc<str>> = None;
        for line in self.lines().values().filter(|line| line.wants(kind)) {
            let text = || serde_json::to_string(&view).unwrap_or_default().into();
            line.lay(Arc::clone(body.get_or_insert_with(text)));
        }
    }

    /// What the lock holds is whole between any two statements here.
    fn lines(&self) -> MutexGuard<'_, BTreeMap<Name, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What asks. A redirect is not followed: what is signed for one address is told to no other.
fn agent() -> Agent {
    Agent::new_with_config(Agent::config_builder().http_status_as_error(false).max_redirects(0).build())
}
