//! What others do, to be compared with. Plain lists: they are right, not fast.

use std::cmp::Reverse;
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
    /// The highest priority, then the longest waiting; the agent nearest to what the business would like, then the
    /// longest idle.
    BestLevel,
    /// Rings as of a bullseye: first agents who have what the business would like, 10 s later those one level below as
    /// well, after 20 s everybody who is able; then first come, first served.
    Bullseye,
    /// Chan, Koole and L'Ecuyer (2014): waiting and idle time weighed against levels. A wait counts by its type's
    /// priority and target; each level that is missing counts as much as ten seconds.
    Weights,
    /// The generalized cμ rule (van Mieghem 1995) with costs that rise as the square of the wait over the target; the
    /// quickest agent by level, then the longest idle.
    GeneralizedCmu,
    /// The least time left to the target first, calls past it last; agents by level, then the longest idle.
    Slack,
}

/// When a ring widens, from joining.
const RINGS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(20)];
/// What a missing level counts against waiting and idle time, in s.
const LEVEL_S: f64 = 10.0;
/// How often those poll who poll.
const POLL: Duration = Duration::from_secs(1);

/// How urgent a call is, how long it has waited, and which it is: the greatest goes first.
type Urgency = (f64, Duration, Reverse<u64>);

/// A reference policy at work.
pub struct Reference {
    policy: Policy,
    setup: Setup,
    /// Who waits: type and arrival.
    waiting: BTreeMap<u64, (u32, Timestamp)>,
    /// Since when each agent is idle.
    idle: BTreeMap<u32, Timestamp>,
    wake: Option<Timestamp>,
    /// Which queue is asked first: they take turns.
    turn: usize,
}

impl Reference {
    pub fn new(policy: Policy, setup: &Setup) -> Reference {
        let (waiting, idle) = (BTreeMap::new(), BTreeMap::new());
        Reference { policy, setup: setup.clone(), waiting, idle, wake: None, turn: 0 }
    }

    fn polls(&self) -> bool {
        matches!(self.policy, Policy::Penalties | Policy::Tiers)
    }

    /// Whether a call of this type that has waited so long may go to the agent.
    fn may(&self, agent: u32, kind: u32, waited: Duration) -> bool {
        let able = meets(&self.setup.agents[agent as usize], &self.setup.types[kind as usize].needs);
        able && (self.policy != Policy::Bullseye || self.in_ring(agent, kind, waited))
    }

    fn in_ring(&self, agent: u32, kind: u32, waited: Duration) -> bool {
        let rings = RINGS.iter().filter(|from| waited >= **from).count();
        rings == RINGS.len() || self.penalty(agent, kind) as usize <= rings
    }

    /// How far an agent is from what the business would like best: 0 is there.
    fn penalty(&self, agent: u32, kind: u32) -> u32 {
        let (skills, kind) = (&self.setup.agents[agent as usize], &self.setup.types[kind as usize]);
        kind.wants.iter().map(|want| u32::from(want.level.saturating_sub(level(skills, want)))).sum()
    }

    /// What speaks against an idle agent for a call of this type. Of those with the least, the longest idle is taken.
    fn against(&self, now: Timestamp, agent: u32, kind: u32, since: Timestamp) -> f64 {
        let penalty = f64::from(self.penalty(agent, kind));
        match self.policy {
            Policy::FirstCome | Policy::Bullseye => 0.0,
            Policy::Weights => LEVEL_S * penalty - now.since(since).as_secs_f64(),
            _ => penalty,
        }
    }

    /// What speaks for giving a call that has waited so long to this agent. Of those with the most, the longest waiting
    /// goes.
    fn urgency(&self, agent: u32, kind: u32, waited: Duration) -> f64 {
        let of_kind = &self.setup.types[kind as usize];
        let (waited_s, target_s) = (waited.as_secs_f64(), of_kind.target.1.as_secs_f64().max(1.0));
        let priority = f64::from(of_kind.priority.max(1));
        match self.policy {
            Policy::BestLevel => f64::from(of_kind.priority),
            Policy::Weights => {
                priority * waited_s / target_s - LEVEL_S * f64::from(self.penalty(agent, kind)) / target_s
            }
            Policy::GeneralizedCmu => {
                priority * waited_s / (target_s * target_s) / of_kind.handle_time.as_secs_f64().max(1.0)
            }
            Policy::Slack if waited_s <= target_s => 1.0 / (1.0 + target_s - waited_s),
            _ => 0.0,
        }
    }

    fn best_agent(&self, now: Timestamp, kind: u32, waited: Duration) -> Option<u32> {
        let free = self.idle.iter().filter(|(agent, _)| self.may(**agent, kind, waited));
        let order = |(agent, since): &(&u32, &Timestamp), (other, than): &(&u32, &Timestamp)| {
            let [a, b] = [(agent, since), (other, than)]
                .map(|(agent, since)| self.against(now, **agent, kind, **since));
            a.total_cmp(&b).then((since, agent).cmp(&(than, other)))
        };
        free.min_by(order).map(|(agent, _)| *agent)
    }

    fn best_call(&self, now: Timestamp, agent: u32) -> Option<u64> {
        let served = self.waiting.iter().filter_map(|(call, (kind, since))| {
            let waited = now.since(*since);
            let urgency = || self.urgency(agent, *kind, waited);
            self.may(agent, *kind, waited).then(|| (urgency(), waited, Reverse(*call)))
        });
        let order = |a: &Urgency, b: &Urgency| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2)));
        served.max_by(order).map(|(_, _, Reverse(call))| call)
    }

    fn assign(&mut self, call: u64, agent: u32, answer: &mut Answer) {
        self.waiting.remove(&call);
        self.idle.remove(&agent);
        answer.assign.push((call, agent));
    }

    /// Everybody who waits looks for an agent, in this order.
    fn look(&mut self, now: Timestamp, order: &[u64], answer: &mut Answer) {
        for call in order {
            if self.idle.is_empty() {
                return;
            }
            let (kind, since) = self.waiting[call];
            if let Some(agent) = self.best_agent(now, kind, now.since(since)) {
                self.assign(*call, agent, answer);
            }
        }
    }

    fn by_queue(&mut self) -> Vec<u64> {
        self.turn += 1;
        let (kinds, turn) = (self.setup.types.len().max(1), self.turn);
        let place = |kind: u32| (kind as usize + turn) % kinds;
        let weight = |kind: u32| Reverse(self.setup.types[kind as usize].priority);
        let mut order: Vec<u64> = self.waiting.keys().copied().collect();
        order.sort_by_key(|call| (weight(self.waiting[call].0), place(self.waiting[call].0), *call));
        order
    }

    /// The longest waiting first, in whole seconds.
    fn by_age(&self, now: Timestamp) -> Vec<u64> {
        let mut order: Vec<u64> = self.waiting.keys().copied().collect();
        order.sort_by_key(|call| (Reverse(now.since(self.waiting[call].1).as_secs()), *call));
        order
    }

    fn poll(&mut self, now: Timestamp, told: Told, answer: &mut Answer) {
        if told == Told::Tick {
            let order = if self.policy == Policy::Penalties { self.by_queue() } else { self.by_age(now) };
            self.look(now, &order, answer);
            self.wake = None;
        }
        if self.wake.is_none() && !self.waiting.is_empty() {
            self.wake = Some(Timestamp((now.0 / 1_000_000) * 1_000_000) + POLL);
        }
    }

    fn at_once(&mut self, now: Timestamp, told: Told, answer: &mut Answer) {
        match told {
            Told::Arrived { call, .. } => self.look(now, &[call], answer),
            Told::Available { agent } => {
                if let Some(call) = self.best_call(now, agent) {
                    self.assign(call, agent, answer);
                }
            }
            Told::Tick => self.look(now, &self.by_age(now), answer),
            _ => {}
        }
        if self.policy == Policy::Bullseye {
            let rings = self.waiting.values().flat_map(|(_, since)| RINGS.map(|ring| *since + ring));
            self.wake = rings.filter(|at| *at > now).min();
        }
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
        match self.polls() {
            true => self.poll(now, told, answer),
            false => self.at_once(now, told, answer),
        }
        answer.wake = self.wake;
    }
}
