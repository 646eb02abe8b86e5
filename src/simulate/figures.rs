//! What a day came to, from what an engine was told and wanted done: by queue, and how busy agents were.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::queue::Action;
use crate::queue::Event;
use crate::queue::api::AgentState;
use crate::queue::api::Config;
use crate::queue::api::QueueConfig;
use crate::queue::api::WaitExit;
use crate::queue::log::Step;

/// Who hangs up sooner is counted neither way: they had not wanted to wait at all.
pub const SHORT_ABANDON: Duration = Duration::from_secs(5);

/// What the callers of a queue met.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OfQueue {
    pub name: Name,
    target: Duration,
    pub offered: u32,
    /// How long those waited who were answered.
    waits: Vec<Duration>,
    /// Who hung up, and those of them who waited longer than [`SHORT_ABANDON`].
    pub hung_up: u32,
    counted: u32,
    /// Who chose to be called back.
    pub called_back: u32,
    /// Whose wait ended otherwise: nobody there, no room, the longest wait, or one that was expected to be too long.
    pub unserved: u32,
    /// What was quoted and what was waited, of those who were quoted a wait and answered.
    quotes: Vec<(Duration, Duration)>,
}

impl OfQueue {
    pub fn answered(&self) -> usize {
        self.waits.len()
    }

    /// Answered in target ÷ (answered + hung up after more than [`SHORT_ABANDON`]); none if nobody was.
    pub fn service_level(&self) -> Option<f64> {
        let of = self.waits.len() + self.counted as usize;
        let in_target = self.waits.iter().filter(|wait| **wait <= self.target).count();
        (of > 0).then(|| in_target as f64 / of as f64)
    }

    /// The mean wait of the answered.
    pub fn mean_wait(&self) -> Option<Duration> {
        let sum = self.waits.iter().fold(Duration::ZERO, |sum, wait| sum.saturating_add(*wait));
        sum.checked_div(self.waits.len() as u32)
    }

    /// How many were quoted a wait and answered.
    pub fn quoted(&self) -> usize {
        self.quotes.len()
    }

    /// The share of these who waited no longer than that.
    pub fn quotes_kept(&self) -> Option<f64> {
        self.mean_of_quotes(|quote, waited| f64::from(u8::from(waited <= quote)))
    }

    /// How much longer waits were quoted than they were, in s, on average; negative where they were quoted too short.
    pub fn quote_bias_s(&self) -> Option<f64> {
        self.mean_of_quotes(|quote, waited| quote.as_secs_f64() - waited.as_secs_f64())
    }

    /// How far quotes and waits were apart, in s, on average.
    pub fn quote_error_s(&self) -> Option<f64> {
        self.mean_of_quotes(|quote, waited| quote.abs_diff(waited).as_secs_f64())
    }

    fn mean_of_quotes(&self, of: impl Fn(Duration, Duration) -> f64) -> Option<f64> {
        let sum: f64 = self.quotes.iter().map(|(quote, waited)| of(*quote, *waited)).sum();
        (!self.quotes.is_empty()).then(|| sum / self.quotes.len() as f64)
    }

    /// The wait that this share of the answered did not exceed.
    pub fn wait_of(&self, share: f64) -> Option<Duration> {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        let place = (share * waits.len() as f64).ceil() as usize;
        waits.get(place.saturating_sub(1)).copied()
    }
}

/// What a day came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub queues: Vec<OfQueue>,
    /// In which queue each caller waits, and since when.
    waiting: BTreeMap<CallId, (QueueId, Timestamp)>,
    /// What each agent is at, and since when.
    agents: BTreeMap<AgentId, (Doing, Timestamp)>,
    began: Timestamp,
    busy: Duration,
    free: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Busy,
    Free,
    Away,
}

impl From<&AgentState> for Doing {
    fn from(state: &AgentState) -> Doing {
        match state {
            AgentState::Reserved(_)
            | AgentState::Ringing(_)
            | AgentState::Talking(_)
            | AgentState::WrapUp => Doing::Busy,
            AgentState::Ready => Doing::Free,
            AgentState::Offline | AgentState::NotReady(_) => Doing::Away,
        }
    }
}

impl Figures {
    pub fn new(center: &Config, began: Timestamp) -> Figures {
        let queue = |queue: &QueueConfig| OfQueue {
            name: queue.name.clone(),
            target: queue.service_level.1,
            ..OfQueue::default()
        };
        Figures { queues: center.queues.iter().map(queue).collect(), began, ..Figures::default() }
    }

    /// What these steps came to.
    pub fn of(center: &Config, steps: &[Step]) -> Figures {
        let began = steps.first().map_or(Timestamp::ZERO, |step| step.at);
        let mut figures = Figures::new(center, began);
        steps.iter().for_each(|step| figures.step(step));
        figures
    }

    pub fn step(&mut self, step: &Step) {
        let at = step.at;
        for action in &step.actions {
            match action {
                Action::Enqueued { call, queue, .. } => {
                    self.waiting.insert(*call, (*queue, at));
                    self.count(*queue, |of| of.offered += 1);
                }
                Action::Moved { call, queue, .. } => {
                    self.waiting.entry(*call).and_modify(|waits| waits.0 = *queue);
                }
                Action::Connected { call, waited, quote, .. } => {
                    if let Some((queue, _)) = self.waiting.remove(call) {
                        self.count(queue, |of| {
                            of.waits.push(*waited);
                            of.quotes.extend(quote.map(|quote| (quote, *waited)));
                        });
                    }
                }
                Action::KeepPlace { call } => {
                    if let Some((queue, _)) = self.waiting.remove(call) {
                        self.count(queue, |of| of.called_back += 1);
                    }
                }
                Action::Exit { call, exit } => self.exit(at, *call, *exit, &step.event),
                Action::AgentChanged { agent, from, to, .. } => self.changed(at, *agent, from, to),
                _ => {}
            }
        }
    }

    fn exit(&mut self, at: Timestamp, call: CallId, exit: WaitExit, event: &Event) {
        match (self.waiting.remove(&call), event) {
            (Some((queue, since)), _) if exit == WaitExit::Abandoned => {
                let long = at.since(since) > SHORT_ABANDON;
                self.count(queue, |of| {
                    of.hung_up += 1;
                    of.counted += u32::from(long);
                });
            }
            (Some((queue, _)), _) => self.count(queue, |of| of.unserved += 1),
            // Not even let in.
            (None, Event::Enqueue(enqueue)) if enqueue.call == call => self.count(enqueue.queue, |of| {
                of.offered += 1;
                of.unserved += 1;
            }),
            _ => {}
        }
    }

    fn changed(&mut self, at: Timestamp, agent: AgentId, from: &AgentState, to: &AgentState) {
        let began = self.began;
        let (doing, since) = self.agents.entry(agent).or_insert((Doing::from(from), began));
        let lasted = at.since(*since);
        match doing {
            Doing::Busy => self.busy += lasted,
            Doing::Free => self.free += lasted,
            Doing::Away => {}
        }
        (*doing, *since) = (Doing::from(to), at);
    }

    /// The share of their time that agents were rung, talked or were in wrap-up, of the time that they took calls;
    /// none if nobody did. A state that has not ended is not counted.
    pub fn occupancy(&self) -> Option<f64> {
        let all = self.busy + self.free;
        (!all.is_zero()).then(|| self.busy.as_secs_f64() / all.as_secs_f64())
    }

    fn count(&mut self, queue: QueueId, add: impl FnOnce(&mut OfQueue)) {
        if let Some(of) = self.queues.get_mut(queue.0 as usize) {
            add(of);
        }
    }
}
