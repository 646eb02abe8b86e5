//! What the engine learns while it works: how long talks take by queue, by agent and by how far an agent is
//! above the need; and how much a queue that is behind the others is to weigh.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::api::QueueConfig;
use super::routing::Weights;
use crate::base::AgentId;
use crate::base::QueueId;

/// The mean talk that is assumed where neither planner nor talks have said anything.
const UNKNOWN_TALK_S: f64 = 180.0;
/// A mean talk moves by at least one part in this many.
const TALKS: f64 = 400.0;
/// The planner's word weighs as much as so many talks.
const PLANNER: f64 = 10.0;
/// An agent is taken to be as quick as everybody until about so many talks have shown otherwise: what talks spread, squared,
/// over what agents do. Talks spread by nine tenths of their mean, agents by 15 to 20 %.
const DOUBT: f64 = 30.0;
/// The same for an agent in one queue, where agents spread by 25 to 30 %.
const DOUBT_IN_QUEUE: f64 = 12.0;
/// How quickly it is forgotten what the waits of all queues came to.
const WAITS: f64 = 500.0;
/// So far below the others a queue is not behind yet: with no room there would always be one that is.
const BEHIND: f64 = 0.015;
/// How quickly it is forgotten how rare a queue's calls are, in its waits.
const GAPS: f64 = 8.0;
/// The weight of a queue whose calls are rare changes so many times as much by each of them, at most.
const RARE_AT_MOST: f64 = 6.0;
/// Levels above the need that are told apart.
const FITS: usize = 12;
/// How many pairs of agent and queue are remembered at most; in a larger center, agents only.
const PAIRS_AT_MOST: usize = 1 << 18;
/// A talk so many times the mean counts no more: one of hours is not to turn everything upside down.
const RATIO_AT_MOST: f64 = 8.0;

/// A mean of ratios that is 1 until there is proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Ratio {
    sum: f32,
    count: f32,
}

impl Ratio {
    fn value(self, doubt: f64) -> f64 {
        (f64::from(self.sum) + doubt) / (f64::from(self.count) + doubt)
    }

    fn learn(&mut self, ratio: f64) {
        if self.count >= TALKS as f32 {
            (self.sum, self.count) = (self.sum / 2.0, self.count / 2.0);
        }
        self.sum += ratio as f32;
        self.count += 1.0;
    }
}

/// What is known of one queue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct OfQueue {
    /// The mean talk, in s, and how many talks it stands on.
    pub talk_s: f64,
    talks: f64,
    /// How much its calls weigh: 1, and more while it is behind the others.
    pub weight: f64,
    /// The share of calls that is to be answered in target.
    target: f64,
    /// How many waits of all queues end from one of its own to the next, and which was its last.
    #[serde(default)]
    gap: f64,
    #[serde(default)]
    last: u64,
}

/// What the last waits of all queues came to, and what was asked of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Together {
    /// The share that was answered in target.
    answered: f64,
    /// The mean of what their queues have for a target.
    target: f64,
    /// How many waits there were, and the mean of their queues' gaps: about how many queues have calls.
    #[serde(default)]
    waits: u64,
    #[serde(default)]
    gap: f64,
}

impl Default for Together {
    fn default() -> Together {
        Together { answered: 0.8, target: 0.8, waits: 0, gap: 0.0 }
    }
}

impl Together {
    fn learn(&mut self, queue: &OfQueue, answered: f64) {
        self.answered += (answered - self.answered) / WAITS;
        self.target += (queue.target - self.target) / WAITS;
        self.gap += (queue.gap - self.gap) / WAITS;
    }

    /// The share that a queue with this target answers in target as long as it is not behind.
    fn fair(self, target: f64) -> f64 {
        self.answered - BEHIND + (target - self.target) / 2.0
    }
}

/// How long agents take against others by how far they are above the need: what is learnt, and what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "[Ratio; FITS]", into = "[Ratio; FITS]")]
struct Fits {
    ratios: [Ratio; FITS],
    values: [f64; FITS],
}

impl Fits {
    fn value(&self, fit: u32) -> f64 {
        self.values[Fits::place(fit)]
    }

    fn learn(&mut self, fit: u32, ratio: f64) {
        let place = Fits::place(fit);
        self.ratios[place].learn(ratio);
        self.values[place] = self.ratios[place].value(DOUBT);
    }

    fn place(fit: u32) -> usize {
        (fit as usize).min(FITS - 1)
    }
}

impl From<[Ratio; FITS]> for Fits {
    fn from(ratios: [Ratio; FITS]) -> Fits {
        Fits { ratios, values: ratios.map(|ratio| ratio.value(DOUBT)) }
    }
}

impl From<Fits> for [Ratio; FITS] {
    fn from(fits: Fits) -> [Ratio; FITS] {
        fits.ratios
    }
}

/// What is learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pace {
    pub queues: Vec<OfQueue>,
    #[serde(default)]
    together: Together,
    agents: Vec<Ratio>,
    fits: Fits,
    /// By agent and queue; empty in a center that is too large for it.
    pairs: Vec<Ratio>,
}

impl Pace {
    pub fn new(queues: &[QueueConfig], agents: usize) -> Pace {
        let of_queue = |queue: &QueueConfig| OfQueue {
            talk_s: queue.handle_time.map_or(UNKNOWN_TALK_S, |time| time.as_secs_f64().max(1.0)),
            talks: if queue.handle_time.is_some() { PLANNER } else { 0.0 },
            weight: 1.0,
            target: f64::from(queue.service_level.0) / 100.0,
            gap: queues.len() as f64,
            last: 0,
        };
        let pairs = queues.len().saturating_mul(agents);
        Pace {
            queues: queues.iter().map(of_queue).collect(),
            together: Together { gap: queues.len() as f64, ..Together::default() },
            agents: vec![Ratio::default(); agents],
            fits: Fits::from([Ratio::default(); FITS]),
            pairs: vec![Ratio::default(); if pairs <= PAIRS_AT_MOST { pairs } else { 0 }],
        }
    }

    /// One agent more, of whom nothing is known.
    pub fn add_agent(&mut self) {
        let were_told_apart = self.pairs.len() == self.agents.len() * self.queues.len();
        self.agents.push(Ratio::default());
        let pairs = self.agents.len() * self.queues.len();
        let pairs = if were_told_apart && pairs <= PAIRS_AT_MOST { pairs } else { 0 };
        self.pairs.resize(pairs, Ratio::default());
    }

    /// How long this agent, whose levels are so far above the need, takes against the queue's mean.
    pub fn slowness(&self, agent: AgentId, queue: QueueId, fit: u32) -> f64 {
        self.of_agent(agent) * self.slowness_among(agent, queue, fit)
    }

    /// The same against their own mean.
    pub fn slowness_among(&self, agent: AgentId, queue: QueueId, fit: u32) -> f64 {
        self.fits.value(fit) * self.of_pair(agent, queue)
    }

    fn of_agent(&self, agent: AgentId) -> f64 {
        self.agents[agent.0 as usize].value(DOUBT)
    }

    fn of_pair(&self, agent: AgentId, queue: QueueId) -> f64 {
        self.pairs.get(self.pair(agent, queue)).map_or(1.0, |ratio| ratio.value(DOUBT_IN_QUEUE))
    }

    fn pair(&self, agent: AgentId, queue: QueueId) -> usize {
        agent.0 as usize * self.queues.len() + queue.0 as usize
    }

    /// A talk took so long. Each effect learns from what the others do not explain.
    pub fn talked(&mut self, agent: AgentId, queue: QueueId, fit: u32, took: Duration) {
        let took_s = took.as_secs_f64();
        let (of_fit, of_agent) = (self.fits.value(fit), self.of_agent(agent));
        let of_pair = self.of_pair(agent, queue);
        let of_queue = &mut self.queues[queue.0 as usize];
        let ratio = (took_s / of_queue.talk_s).min(RATIO_AT_MOST);
        of_queue.talks = (of_queue.talks + 1.0).min(TALKS);
        of_queue.talk_s = (of_queue.talk_s + (took_s - of_queue.talk_s) / of_queue.talks).max(1.0);
        self.fits.learn(fit, ratio / (of_agent * of_pair));
        self.agents[agent.0 as usize].learn(ratio / (of_fit * of_pair));
        let pair = self.pair(agent, queue);
        if let Some(pair) = self.pairs.get_mut(pair) {
            pair.learn(ratio / (of_fit * of_agent));
        }
    }

    /// A wait is over, by an answer in target or not. The weight of a queue that is behind rises, and falls again
    /// when it has caught up: by each call the more the rarer its calls are, or a day would be over before it is found out.
    pub fn waited(&mut self, queue: QueueId, in_target: bool, weights: &Weights) {
        let queue = &mut self.queues[queue.0 as usize];
        let answered = f64::from(u8::from(in_target));
        self.together.waits += 1;
        queue.gap += ((self.together.waits - queue.last) as f64 - queue.gap) / GAPS;
        queue.last = self.together.waits;
        self.together.learn(queue, answered);
        let short = self.together.fair(queue.target) - answered;
        let rare = (queue.gap / self.together.gap.max(1.0)).clamp(1.0, RARE_AT_MOST);
        queue.weight = (queue.weight * (1.0 + weights.pull * rare * short)).clamp(1.0, weights.most);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::queue_config;
    use super::*;

    const BILLING: QueueId = QueueId(0);

    fn pace() -> Pace {
        Pace::new(&[queue_config("billing"), queue_config("support")], 2)
    }

    #[test]
    fn the_quick_agent_and_the_better_fit_are_found_out() {
        let mut pace = pace();
        let (quick, slow) = (AgentId(0), AgentId(1));
        for _ in 0..100 {
            for fit in [0, 2] {
                let talk = |mean_s: u64| Duration::from_secs(if fit == 0 { mean_s } else { mean_s / 2 });
                pace.talked(quick, BILLING, fit, talk(100));
                pace.talked(slow, BILLING, fit, talk(200));
            }
        }
        let slowness = |agent, fit| pace.slowness(agent, BILLING, fit);
        assert!((1.7..2.1).contains(&(slowness(slow, 0) / slowness(quick, 0))), "{}", slowness(slow, 0));
        assert!((1.6..2.1).contains(&(slowness(quick, 0) / slowness(quick, 2))), "{}", slowness(quick, 2));
        assert!((100.0..125.0).contains(&pace.queues[0].talk_s), "{}", pace.queues[0].talk_s);
        assert!(pace.slowness(slow, QueueId(1), 0) > 1.0, "a slow agent is so in a queue not tried yet");
    }

    #[test]
    fn a_single_talk_proves_nothing() {
        let mut pace = pace();
        pace.talked(AgentId(0), BILLING, 0, Duration::from_secs(20));
        pace.talked(AgentId(1), BILLING, 0, Duration::from_secs(36_000));
        assert!(pace.slowness(AgentId(1), BILLING, 0) < 4.0);
    }

    /// Waits of two queues in turn, so many of a hundred of each answered in target; what they weigh then.
    fn weights_after(pace: &mut Pace, waits: u32, shares: [u32; 2]) -> [f64; 2] {
        for wait in 0..waits {
            for (queue, share) in (0..).zip(shares) {
                // Spread evenly, whatever the share.
                pace.waited(QueueId(queue), wait * share % 100 < share, &Weights::default());
            }
        }
        [0, 1].map(|queue| pace.queues[queue].weight)
    }

    #[test]
    fn a_queue_weighs_more_while_it_is_behind_and_never_beyond_the_limit() {
        let mut pace = pace();
        assert_eq!(weights_after(&mut pace, 2_000, [95, 95]), [1.0; 2], "nobody is behind");
        let [behind, other] = weights_after(&mut pace, 2_000, [85, 95]);
        assert!(behind > 10.0 && other == 1.0, "{behind} above its target, and behind; {other}");
        assert_eq!(weights_after(&mut pace, 2_000, [0, 95]), [Weights::default().most, 1.0]);
        assert_eq!(weights_after(&mut pace, 2_000, [95, 95]), [1.0; 2], "it has caught up");
    }

    #[test]
    fn that_a_rare_queue_is_behind_is_found_out_by_fewer_of_its_calls() {
        let queues = [queue_config("billing"), queue_config("support"), queue_config("mortgages")];
        let (billing, support, mortgages) = (QueueId(0), QueueId(1), QueueId(2));
        let mut pace = Pace::new(&queues, 2);
        for wait in 0..2_000 {
            let in_target = wait % 20 != 0;
            pace.waited(if wait % 2 == 0 { billing } else { support }, in_target, &Weights::default());
            if wait % 40 == 0 {
                pace.waited(mortgages, wait % 80 == 0, &Weights::default());
            }
        }
        assert!(pace.queues[2].weight > 14.0, "{} after 50 calls, every other missed", pace.queues[2].weight);
        let mut pace = Pace::new(&queues, 2);
        (0..50).for_each(|wait| pace.waited(mortgages, wait % 2 == 0, &Weights::default()));
        assert!(pace.queues[2].weight < 14.0, "{} where none other has calls", pace.queues[2].weight);
    }

    #[test]
    fn where_all_miss_their_targets_the_one_that_is_behind_weighs_more() {
        let [behind, before] = weights_after(&mut pace(), 2_000, [40, 60]);
        assert!(behind > 10.0 && before == 1.0, "{behind}, {before}");
    }

    #[test]
    fn a_queue_that_promises_more_is_behind_sooner() {
        let mut queues = [queue_config("billing"), queue_config("support")];
        queues[0].service_level.0 = 90;
        let mut pace = Pace::new(&queues, 2);
        let [promising, other] = weights_after(&mut pace, 2_000, [88, 84]);
        assert!(promising == 1.0 && other == 1.0, "{promising}, {other}");
        let [promising, other] = weights_after(&mut pace, 2_000, [86, 86]);
        assert!(promising > 2.0 && other == 1.0, "{promising}, {other}");
    }
}
