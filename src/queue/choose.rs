//! The choice that serves the service levels: which call a free agent takes, and which idle agent a call
//! goes to. `docs/ROUTING.md` says why it is what it is.
//!
//! Only sums, products and square roots, which are the same on every machine.

use std::hint::black_box;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::api::Action;
use super::api::FIRST;
use super::api::Needs;
use super::engine::Engine;
use super::line::Key;
use super::line::Line;
use super::routing::Weights;
use super::skills::BestAgent;
use super::skills::ClassId;
use super::skills::ProfileId;
use crate::base::AgentId;
use crate::base::Timestamp;

/// How many idle agents of one profile are compared, the longest idle first.
const RIVALS: usize = 4;
/// How many profiles with idle agents are compared; they take turns at being the first.
const PROFILES: usize = 16;
/// How quickly a class forgets how often it found an idle agent, and how often it was chosen.
const SEEN: f64 = 40.0;

/// What a class has seen of agents lately. It begins in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Fortune {
    /// The share of calls that found no idle agent.
    blocked: f64,
    /// The share of freed agents it got, of those who could have served it.
    chosen: f64,
    /// The place of the profile that is looked at first.
    turn: u32,
}

impl Fortune {
    /// The share of freed agents that the class may count on: never nothing.
    pub fn chosen(&self) -> f64 {
        self.chosen.max(0.02)
    }
}

impl Default for Fortune {
    fn default() -> Fortune {
        Fortune { blocked: 0.5, chosen: 0.5, turn: 0 }
    }
}

/// The idle agent for a call.
pub(super) enum Found {
    Agent(BestAgent),
    /// There are some, who are kept for others for the time being.
    HeldBack,
    Nobody,
}

/// The call for an agent who gets free.
pub(super) struct Chosen {
    pub key: Key,
    pub class: ClassId,
    /// How far the agent is above what it needs.
    pub fit: u32,
    /// How many wait whom the agent can serve.
    pub waiting: u32,
}

/// What a class has for an agent who gets free.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Offer {
    class: usize,
    /// How far the agent is above what it needs.
    fit: u32,
    /// How long the agent takes with it against their own mean.
    slowness: f64,
    /// The first in line within target, the first past it, and how urgent each is.
    fresh: Option<(Key, f64)>,
    late: Option<(Key, f64)>,
}

impl Offer {
    fn calls(&self) -> impl Iterator<Item = (Key, f64)> + use<> {
        self.fresh.into_iter().chain(self.late)
    }

    /// The older of the two: who is past target.
    fn oldest(&self) -> Option<Key> {
        self.late.or(self.fresh).map(|(key, _)| key)
    }

    fn is_late(&self, key: Key) -> bool {
        self.late.is_some_and(|(late, _)| late == key)
    }
}

/// One of the calls that an agent could take.
#[derive(Clone, Copy)]
struct Candidate {
    value: f64,
    key: Key,
    /// The place of its class among the offers.
    offer: usize,
}

impl Candidate {
    /// The greater value, then the longer wait, then the id.
    fn or(self, other: Option<Candidate>) -> Candidate {
        let beats = |other: &Candidate| match other.value.total_cmp(&self.value) {
            std::cmp::Ordering::Equal => other.key.is_older(self.key),
            order => order.is_gt(),
        };
        other.filter(beats).unwrap_or(self)
    }
}

impl Engine {
    /// The call that this idle agent takes, by value. None: nobody waits, or those who do are better held back.
    pub(super) fn call_by_value(
        &mut self,
        id: AgentId,
        weights: &Weights,
        out: &mut Vec<Action>,
    ) -> Option<Chosen> {
        let mut offers = std::mem::take(&mut self.scratch);
        let chosen = self.call_of_offers(id, &mut offers, weights, out);
        offers.clear();
        self.scratch = offers;
        chosen
    }

    /// The same; `offers` is empty before.
    fn call_of_offers(
        &mut self,
        id: AgentId,
        offers: &mut Vec<Offer>,
        weights: &Weights,
        out: &mut Vec<Action>,
    ) -> Option<Chosen> {
        let profile = self.skills.profile_of(id);
        let serves = &self.skills.profiles[profile.0 as usize].serves;
        // Lines and levels come from memory. Asked for of all classes before anything is made of them, they come at once, and
        // not one after the other; what a line tells here is not used.
        serves.for_each_shared(&self.skills.waiting_classes, |class| {
            black_box(self.skills.near_first(class));
            let (fit, slowness) = self.slowness_among(id, profile, class);
            offers.push(Offer { class, fit, slowness, fresh: None, late: None });
        });
        if offers.is_empty() {
            return None;
        }
        let spares = self.agents[id.0 as usize].is_spared_any();
        // Whoever joined no later is past their second promise, and whoever joined later is young enough to be held back.
        let (overdue_since, young_after) = (self.overdue_since(weights), self.young_after(weights));
        // So do calls, and mostly the one that is taken is the first within target of its class: it comes while they are compared.
        for offer in offers.iter() {
            self.skills.refresh(offer.class, self.now);
            if let Some(fresh) = self.skills.heads[offer.class].fresh {
                black_box(self.calls.get(fresh.call).map(|call| call.due));
            }
        }
        let mut best: Option<Candidate> = None;
        let mut overdue: Option<(Key, usize)> = None;
        let mut first: Option<(Key, usize)> = None;
        let (mut waiting, mut all_young) = (0, true);
        for (place, offer) in offers.iter_mut().enumerate() {
            let class = offer.class;
            let head = &self.skills.heads[class];
            waiting += head.waiting;
            let (fresh, late) = if spares { self.firsts_for(id, class) } else { head.firsts() };
            if head.priority == FIRST {
                let of_class = fresh.into_iter().chain(late).map(|key| (key, place));
                first = first.into_iter().chain(of_class).min();
            }
            offer.fresh = fresh.map(|key| (key, self.urgency(class, key, false, weights)));
            offer.late = late.map(|key| (key, self.urgency(class, key, true, weights)));
            let worth = self.worth(class, offer.slowness, weights);
            offer.calls().for_each(|(key, urgency)| {
                best = Some(Candidate { value: worth * urgency, key, offer: place }.or(best));
            });
            // Who is past target is the older of the two, and the first to be too old.
            all_young = all_young && late.or(fresh).is_none_or(|oldest| oldest.since > young_after);
            if let Some(key) = late.filter(|key| key.since <= overdue_since) {
                let older = overdue.filter(|(other, _)| other.is_older(key));
                overdue = older.or(Some((key, place)));
            }
        }
        let chosen = |(key, place): (Key, usize)| {
            let Offer { class, fit, .. } = offers[place];
            Chosen { key, class: ClassId(class as u32), fit, waiting }
        };
        if let Some(first) = first {
            return Some(chosen(first));
        }
        let Candidate { key, offer, .. } = best?;
        let mut taken = (key, offer);
        if all_young && self.all_gain_little(profile, offers, weights) {
            for offer in offers.iter() {
                self.look_again(offer.class, weights);
                offer.calls().for_each(|(key, _)| self.tell_held_back(key.call, weights, out));
            }
            return None;
        }
        if let Some(overdue) = overdue {
            let passed = &mut self.skills.profiles[profile.0 as usize].passed;
            *passed += 1;
            if overdue.0 == taken.0 || *passed >= weights.one_in {
                (taken, *passed) = (overdue, 0);
            }
        }
        for (place, offer) in offers.iter().enumerate() {
            let head = &mut self.skills.heads[offer.class];
            if head.fresh.is_some() {
                let own = f64::from(u8::from(place == taken.1));
                head.fortune.chosen += (own - head.fortune.chosen) / SEEN;
            }
        }
        Some(chosen(taken))
    }

    /// Whether each call that this agent could take loses less by waiting than the agent is
    /// worth to others.
    fn all_gain_little(&self, profile: ProfileId, offers: &[Offer], weights: &Weights) -> bool {
        let lure = self.lure(profile);
        offers.iter().all(|offer| {
            let (class, slowness) = (offer.class, offer.slowness);
            let price = self.price(lure, class);
            let weight = self.weight(class, weights);
            let gains_little = |(key, urgency): (Key, f64)| {
                let price = price + self.own_price(class, offer.is_late(key), weights);
                weight * urgency < weights.hold * price * slowness * slowness
                    && self.may_hold_back(&self.calls[&key.call])
            };
            let is_young = |key| self.may_be_held_back(class, key, weights);
            offer.calls().all(gains_little) && offer.oldest().is_none_or(is_young)
        })
    }

    /// How far this agent is above what the class needs, and how long they take with it against their own mean.
    fn slowness_among(&self, id: AgentId, profile: ProfileId, class: usize) -> (u32, f64) {
        let head = &self.skills.heads[class];
        let fit = self.skills.profiles[profile.0 as usize].fit(&head.needs);
        (fit, self.pace.slowness_among(id, head.queue, fit))
    }

    /// The same as [`Head::firsts`](super::skills::Head::firsts) of calls that this agent is not spared.
    fn firsts_for(&self, id: AgentId, class: usize) -> (Option<Key>, Option<Key>) {
        let head = &self.skills.heads[class];
        let (fresh, late) = head.firsts();
        let line = &self.skills.classes[class].line;
        let fresh = fresh.and_then(|key| self.first_not_spared(id, line, key));
        let late = late.and_then(|key| self.first_not_spared(id, line, key));
        (fresh, late.filter(|late| head.fresh.is_none_or(|fresh| *late < fresh)))
    }

    /// What an answer to a call of this class by an agent of this slowness is worth for the time it takes. Were it
    /// divided by the whole mean talk, classes of long talks would be left behind. Slowness counts twice: who is slow
    /// with it does not only take longer, but is quicker with others.
    fn worth(&self, class: usize, slowness: f64, weights: &Weights) -> f64 {
        self.weight(class, weights) / (self.talk_s(class).sqrt() * slowness * slowness)
    }

    /// How much a call of this class weighs: its queue's weight and its priority.
    fn weight(&self, class: usize, weights: &Weights) -> f64 {
        let head = &self.skills.heads[class];
        priority_weight(head.priority, weights) * self.pace.queues[head.queue.0 as usize].weight
    }

    /// How urgent a call of the class is that is the first of its own in target, or past it.
    fn urgency(&self, class: usize, key: Key, late: bool, weights: &Weights) -> f64 {
        if late { weights.late * self.lateness(class, key, weights) } else { self.risk(class, key) }
    }

    /// How likely calls of the class miss their target without this agent: the first of them, or the last for
    /// all that are before it.
    fn risk(&self, class: usize, first: Key) -> f64 {
        let head = &self.skills.heads[class];
        let count = self.skills.count(class);
        let starts = f64::from(count.working - count.idle) / self.talk_s(class) * head.fortune.chosen();
        let slack_s = |since: i64| (since + head.target_us - self.now_us()) as f64 / 1e6;
        let last_s = slack_s(head.last_since);
        let ahead = f64::from(head.waiting - head.late).max(1.0);
        fading((starts * slack_s(first.since)).min(starts * last_s / ahead))
    }

    /// How near a late call is to its second promise: from a tenth, so that it counts at all, to that and 1.
    fn lateness(&self, class: usize, key: Key, weights: &Weights) -> f64 {
        let target_us = self.skills.heads[class].target_us as f64;
        let span_us = (weights.second_promise_us() - target_us).max(1.0);
        let age_us = self.now_us().saturating_sub(key.since).max(0) as f64;
        0.1 + ((age_us - target_us) / span_us).clamp(0.0, 1.0)
    }

    /// The idle agent that this call goes to: the quickest with it whom others need least, of those who have what it wants
    /// if there are some.
    pub(super) fn agent_by_cost(
        &self,
        class: ClassId,
        key: Key,
        wants: Option<&Needs>,
        may_hold: bool,
        weights: &Weights,
    ) -> Found {
        let place = class.0 as usize;
        let head = &self.skills.heads[place];
        let mut best: Option<((bool, f64), BestAgent)> = None;
        let mut held_back = false;
        let late = key.since < head.in_target_since(self.now);
        // What the call loses by waiting, if it may.
        let loss = (may_hold && self.may_be_held_back(place, key, weights))
            .then(|| self.weight(place, weights) * self.urgency(place, key, late, weights));
        let own_price = self.own_price(place, late, weights);
        let idle = &self.skills.idle_profiles;
        let able = self.skills.classes[place].eligible.shared_from(idle, head.fortune.turn as usize);
        let compared = if wants.is_some() { usize::MAX } else { PROFILES };
        for id in able.take(compared) {
            let profile = &self.skills.profiles[id];
            let free = |(_, agent): &&(Timestamp, AgentId)| !self.is_spared(*agent, key.call);
            let mut free = profile.idle.iter().filter(free).take(RIVALS).peekable();
            if free.peek().is_none() {
                continue;
            }
            let price = self.price(self.lure(ProfileId(id as u32)), place);
            let fit = profile.fit(&head.needs);
            let unwanted = wants.is_some_and(|wants| !profile.has(wants));
            for &(idle_since, agent) in free {
                let slowness = self.pace.slowness(agent, head.queue, fit);
                let by_slowness = |price: f64| price * slowness * slowness;
                if loss.is_some_and(|loss| loss < weights.hold * by_slowness(price + own_price)) {
                    held_back = true;
                    continue;
                }
                let cost = slowness + weights.price * by_slowness(price);
                let dearer = |((than_unwanted, than), other): &((bool, f64), BestAgent)| match unwanted
                    .cmp(than_unwanted)
                    .then(cost.total_cmp(than))
                {
                    std::cmp::Ordering::Equal => (idle_since, agent) < (other.idle_since, other.agent),
                    order => order.is_lt(),
                };
                if best.as_ref().is_none_or(dearer) {
                    best = Some((
                        (unwanted, cost),
                        BestAgent { agent, fit, idle_since, fitting: self.skills.count(place).idle },
                    ));
                }
            }
        }
        match best {
            Some((_, best)) => Found::Agent(best),
            None if held_back => Found::HeldBack,
            None => Found::Nobody,
        }
    }

    /// A call of this class looks for an agent: whether there is an idle one at all is remembered, and what one
    /// would be worth to the next.
    pub(super) fn look_for_idle(&mut self, class: ClassId) {
        let place = class.0 as usize;
        let blocked = f64::from(u8::from(self.skills.count(place).idle == 0));
        let fortune = &mut self.skills.heads[place].fortune;
        fortune.blocked += (blocked - fortune.blocked) / SEEN;
        fortune.turn = fortune.turn.wrapping_add(1) % (1 << 20);
        let Some(weights) = self.weights() else { return };
        let head = &self.skills.heads[place];
        let others = self.skills.count(place).working.saturating_sub(1);
        let starts = f64::from(others) / self.talk_s(place);
        let missed = fading(starts * head.target_us as f64 / 1e6);
        let stake = head.fortune.blocked * missed * priority_weight(head.priority, &weights);
        let now_s = self.now_s();
        self.skills.called(place, now_s, stake);
    }

    /// The first key from this one on that the agent is not spared.
    fn first_not_spared(&self, agent: AgentId, line: &Line, mut key: Key) -> Option<Key> {
        while self.is_spared(agent, key.call) {
            key = line.first_from(key.next())?;
        }
        Some(key)
    }

    /// The mean talk of the class's queue, in s.
    pub(super) fn talk_s(&self, class: usize) -> f64 {
        self.pace.queues[self.skills.heads[class].queue.0 as usize].talk_s
    }

    pub(super) fn now_s(&self) -> f64 {
        self.now.0 as f64 / 1e6
    }

    pub(super) fn age(&self, key: Key) -> Duration {
        key.age(self.now)
    }

    /// Whoever joined no later than this is past their second promise.
    fn overdue_since(&self, weights: &Weights) -> i64 {
        let promise = weights.second_promise;
        let promise_us = promise
            .as_secs()
            .saturating_mul(1_000_000)
            .saturating_add(u64::from(promise.subsec_nanos().div_ceil(1_000)));
        self.now_us().saturating_sub(i64::try_from(promise_us).unwrap_or(i64::MAX))
    }

    pub(super) fn now_us(&self) -> i64 {
        i64::try_from(self.now.0).unwrap_or(i64::MAX)
    }
}

/// What a priority makes of a call's weight.
fn priority_weight(priority: i32, weights: &Weights) -> f64 {
    (1.0 + weights.priority * f64::from(priority)).clamp(0.25, 4.0)
}

/// About e to the power of −`x`; 1 for what is negative.
fn fading(x: f64) -> f64 {
    let near = 1.0 + x.max(0.0) / 16.0;
    let power_2 = near * near;
    let power_4 = power_2 * power_2;
    let power_8 = power_4 * power_4;
    1.0 / (power_8 * power_8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fades_falls_from_one_to_nothing() {
        assert_eq!((fading(0.0), fading(-5.0)), (1.0, 1.0));
        let exact = |x: f64| (-x).exp();
        for x in [0.1, 0.5, 1.0, 2.0] {
            assert!((fading(x) - exact(x)).abs() < 0.03, "{x}");
        }
        assert!(fading(1e9) < 1e-6 && fading(f64::INFINITY) == 0.0);
    }
}
