//! What others do, to be compared with: first come first served with the longest idle agent, penalties with
//! polling, tiers in whole seconds. Plain lists: they are right, not fast.

use std::collections::BTreeMap;
use std::time::Duration;

use super::router::Answer;
use super::router::Router;
use super::router::Setup;
use super::router::Told;
use super::router::level;
use super::router::meets;
use crate::base::Timestamp;

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The longest waiting caller, the longest idle agent.
    FirstCome,
    /// As Asterisk's `app_queue` decides: each second queue by queue, the heavier first; members with the
    /// least penalty, then whoever was called least recently.
    Penalties,
    /// As FreeSWITCH's `mod_callcenter` decides: each second, the longest waiting first in whole seconds;
    /// agents by tier, then the longest idle.
    Tiers,
}

/// A reference policy at work.
pub struct Reference {
    policy: Policy,
    setup: Setup,
    /// Who waits: type and arrival.
    waiting: BTreeMap<u64, (u32, Timestamp)>,
    /// Since when each agent is idle.
    idle: BTreeMap<u32, Timestamp>,
    poll_at: Option<Timestamp>,
    /// Which queue is asked first: they take turns.
    turn: usize,
}

/// How often those poll who poll.
const POLL: Duration = Duration::from_secs(1);

impl Reference {
    pub fn new(policy: Policy, setup: &Setup) -> Reference {
        let (waiting, idle) = (BTreeMap::new(), BTreeMap::new());
        Reference { policy, setup: setup.clone(), waiting, idle, poll_at: None, turn: 0 }
    }

    fn able(&self, agent: u32, kind: u32) -> bool {
        meets(&self.setup.agents[agent as usize], &self.setup.types[kind as usize].needs)
    }

    /// How far an agent is from what the business would like best: 0 is there.
    fn penalty(&self, agent: u32, kind: u32) -> u32 {
        let (skills, kind) = (&self.setup.agents[agent as usize], &self.setup.types[kind as usize]);
        kind.wants.iter().map(|want| u32::from(want.level.saturating_sub(level(skills, want)))).sum()
    }

    fn longest_idle(&self, kind: u32) -> Option<u32> {
        let able = self.idle.iter().filter(|(agent, _)| self.able(**agent, kind));
        able.min_by_key(|(agent, since)| (**since, **agent)).map(|(agent, _)| *agent)
    }

    fn least_penalty(&self, kind: u32) -> Option<u32> {
        let able = self.idle.iter().filter(|(agent, _)| self.able(**agent, kind));
        able.min_by_key(|(agent, since)| (self.penalty(**agent, kind), **since)).map(|(agent, _)| *agent)
    }

    fn assign(&mut self, call: u64, agent: u32, answer: &mut Answer) {
        self.waiting.remove(&call);
        self.idle.remove(&agent);
        answer.assign.push((call, agent));
    }

    fn first_come(&mut self, told: Told, answer: &mut Answer) {
        match told {
            Told::Arrived { call, kind } => {
                if let Some(agent) = self.longest_idle(kind) {
                    self.assign(call, agent, answer);
                }
            }
            Told::Available { agent } => {
                let served = self.waiting.iter().filter(|(_, (kind, _))| self.able(agent, *kind));
                if let Some(call) = served.min_by_key(|(call, (_, since))| (*since, **call)).map(|(c, _)| *c)
                {
                    self.assign(call, agent, answer);
                }
            }
            _ => {}
        }
    }

    /// Everybody who waits looks for an agent, in this order.
    fn poll(&mut self, order: Vec<(u64, u32)>, answer: &mut Answer) {
        for (call, kind) in order {
            if self.idle.is_empty() {
                return;
            }
            if let Some(agent) = self.least_penalty(kind) {
                self.assign(call, agent, answer);
            }
        }
    }

    fn by_queue(&mut self) -> Vec<(u64, u32)> {
        self.turn += 1;
        let kinds = self.setup.types.len();
        let turn = self.turn;
        let place = |kind: u32| (kind as usize + turn) % kinds.max(1);
        let weight = |kind: u32| std::cmp::Reverse(self.setup.types[kind as usize].priority);
        let mut order: Vec<(u64, u32)> =
            self.waiting.iter().map(|(call, (kind, _))| (*call, *kind)).collect();
        order.sort_by_key(|(call, kind)| (weight(*kind), place(*kind), *call));
        order
    }

    fn by_age(&self, now: Timestamp) -> Vec<(u64, u32)> {
        let mut order: Vec<(u64, u32, u64)> = self
            .waiting
            .iter()
            .map(|(call, (kind, since))| (*call, *kind, now.since(*since).as_secs()))
            .collect();
        order.sort_by_key(|(call, _, waited)| (std::cmp::Reverse(*waited), *call));
        order.into_iter().map(|(call, kind, _)| (call, kind)).collect()
    }
}

impl Router for Reference {
    fn handle(&mut self, now: Timestamp, told: Told, answer: &mut Answer) {
        answer.clear();
        match told {
            Told::Available { agent } => {
                self.idle.insert(agent, now);
            }
            Told::Unavailable { agent } => {
                self.idle.remove(&agent);
            }
            Told::Arrived { call, kind } => {
                self.waiting.insert(call, (kind, now));
            }
            Told::Abandoned { call } => {
                self.waiting.remove(&call);
            }
            Told::Ended { .. } | Told::Tick => {}
        }
        if self.policy == Policy::FirstCome {
            return self.first_come(told, answer);
        }
        if told == Told::Tick {
            let order = if self.policy == Policy::Penalties { self.by_queue() } else { self.by_age(now) };
            self.poll(order, answer);
            self.poll_at = None;
        }
        if self.poll_at.is_none() && !self.waiting.is_empty() {
            self.poll_at = Some(Timestamp((now.0 / 1_000_000) * 1_000_000) + POLL);
        }
        answer.wake = self.poll_at;
    }
}
