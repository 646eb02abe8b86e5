//! What an idle agent is worth to those who may call next, and keeping agents for them: a call that gains
//! little by being answered now is held back from an agent whom others may need more, but not for long.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::api::Action;
use super::engine::Due;
use super::engine::Engine;
use super::line::Key;
use super::routing::Weights;
use super::skills::ClassId;
use super::skills::ProfileId;
use crate::base::CallId;
use crate::base::QueueId;

/// How long until a call that is held back is looked at again.
const HOLD_STEP: Duration = Duration::from_secs(1);
/// How quickly the mean time between calls follows, and how many of it a longer pause counts as.
const GAPS: f64 = 20.0;
const PAUSE: f64 = 4.0;
/// The mean time between calls of which none has come, in s.
const UNKNOWN_GAP_S: f64 = 100.0;

/// What one idle agent more is worth to a class. Apart from the class, to stay close together in memory: a
/// choice adds these up over all that an agent serves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Want {
    /// What the next call is worth by its priority, times how likely it finds nobody and then misses its
    /// target.
    stake: f64,
    /// The mean time between calls, in s, and when the last came, in s.
    gap_s: f64,
    last_s: f64,
    queue: QueueId,
}

impl Want {
    pub fn new(queue: QueueId) -> Want {
        Want { stake: 0.0, gap_s: UNKNOWN_GAP_S, last_s: 0.0, queue }
    }

    /// A call has come. A pause, such as the night, says little about the time between calls.
    pub fn called(&mut self, now_s: f64, stake: f64) {
        let gap_s = (now_s - self.last_s).min(PAUSE * self.gap_s);
        self.gap_s = (self.gap_s + (gap_s - self.gap_s) / GAPS).max(1e-3);
        (self.last_s, self.stake) = (now_s, stake);
    }

    /// Whether it comes to anything.
    pub fn is_any(&self) -> bool {
        self.stake > 0.0
    }

    /// What it comes to each second while its queue weighs so much and so many are idle. Each further one makes it
    /// much less.
    fn each_second(&self, now_s: f64, weight: f64, idle: u32) -> f64 {
        let gap_s = self.gap_s.max(now_s - self.last_s);
        let idle = f64::from(idle.max(1));
        weight * self.stake / (gap_s * idle * idle)
    }
}

impl Engine {
    fn want(&self, class: usize) -> f64 {
        let want = &self.skills.wants[class];
        let weight = self.pace.queues[want.queue.0 as usize].weight;
        want.each_second(self.now_s(), weight, self.skills.count(class).idle)
    }

    /// What an idle agent of this profile is worth each second to all the classes that they serve.
    pub(super) fn lure(&self, profile: ProfileId) -> f64 {
        let serves = &self.skills.profiles[profile.0 as usize].serves;
        let mut lure = 0.0;
        serves.for_each_shared(&self.skills.wanting_classes, |class| lure += self.want(class));
        lure
    }

    /// What an agent who is worth so much each second is worth to other classes than this one, for as long as
    /// a call of it takes with an agent of mean speed.
    pub(super) fn price(&self, lure: f64, class: usize) -> f64 {
        self.talk_s(class) * (lure - self.want(class)).max(0.0)
    }

    /// What the next calls of a late call's own class may need an agent for, as far as it is held back for them.
    pub(super) fn own_price(&self, class: usize, late: bool, weights: &Weights) -> f64 {
        if !late || weights.hold_for_own <= 0.0 {
            return 0.0;
        }
        weights.hold_for_own * self.talk_s(class) * self.want(class)
    }

    /// Whether a call of the class is young enough to be held back.
    pub(super) fn may_be_held_back(&self, class: usize, key: Key, weights: &Weights) -> bool {
        weights.hold > 0.0 && self.age(key) < self.hold_at_most(class, weights)
    }

    /// Only who joined after this is young enough to be held back, in whatever class.
    pub(super) fn young_after(&self, weights: &Weights) -> i64 {
        let hold_at_most = i64::try_from(weights.hold_at_most_us()).unwrap_or(i64::MAX);
        if weights.hold > 0.0 { self.now_us().saturating_sub(hold_at_most) } else { i64::MAX }
    }

    /// Tells of a call that it waits though somebody is idle, once.
    pub(super) fn tell_held_back(&mut self, id: CallId, weights: &Weights, out: &mut Vec<Action>) {
        let call = self.call_mut(id);
        if std::mem::replace(&mut call.held_back, true) {
            return;
        }
        let (class, key) = (call.class.0 as usize, call.key);
        let left = self.hold_at_most(class, weights).saturating_sub(self.age(key));
        out.push(Action::HeldBack { call: id, idle: self.skills.count(class).idle, until: self.now + left });
    }

    /// From this age on a call of the class is not held back: long before its second promise, and when half of
    /// its queue's longest wait is over.
    fn hold_at_most(&self, class: usize, weights: &Weights) -> Duration {
        let share = Duration::from_micros(weights.hold_at_most_us());
        share.min(self.queue(self.skills.heads[class].queue).config.max_wait / 2)
    }

    /// Calls of this class wait though an agent is idle: looks at them again soon, and when the first of them
    /// may be held back no more.
    pub(super) fn look_again(&mut self, class: usize, weights: &Weights) {
        let hold_at_most = self.hold_at_most(class, weights);
        let head = &self.skills.heads[class];
        let since = self.now_us().saturating_sub(hold_at_most.as_micros() as i64) + 1;
        let since = Key::at(head.priority, since);
        // Mostly all of them are young enough.
        let first = head.first().filter(|first| *first >= since);
        let first = first.or_else(|| self.skills.classes[class].line.first_from(since));
        let Some(first) = first.filter(|_| self.skills.count(class).idle > 0) else { return };
        let look_at = self.now + HOLD_STEP.min(hold_at_most - self.age(first));
        if head.look_at.is_none_or(|other| look_at < other) {
            self.skills.heads[class].look_at = Some(look_at);
            self.arm(Due::HeldBack(ClassId(class as u32)), look_at);
        }
    }

    /// A while has gone by since calls of this class were held back.
    pub(super) fn held_back_due(&mut self, class: ClassId, out: &mut Vec<Action>) {
        let place = class.0 as usize;
        let look_at = &mut self.skills.heads[place].look_at;
        *look_at = look_at.filter(|at| *at > self.now);
        self.skills.refresh(place, self.now);
        let head = &self.skills.heads[place];
        let (fresh, late) = (head.fresh, head.first().filter(|_| head.late > 0));
        self.assign_held_back(place, fresh, None, out);
        self.assign_held_back(place, late, fresh, out);
        let weights = self.weights();
        weights.inspect(|weights| self.look_again(place, weights));
    }

    /// Those from the first on, and before the other, until one is held back again: those behind it are less
    /// urgent.
    fn assign_held_back(
        &mut self,
        class: usize,
        first: Option<Key>,
        before: Option<Key>,
        out: &mut Vec<Action>,
    ) {
        let mut next = first;
        while let Some(key) = next.filter(|key| before.is_none_or(|before| *key < before)) {
            next = self.skills.classes[class].line.first_from(key.next());
            if self.skills.count(class).idle == 0 || self.assign_waiting(key.call, out) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_wanted_more_by_those_who_call_often_and_less_when_others_are_idle() {
        let mut often = Want::new(QueueId(0));
        let mut seldom = often;
        (1..=100).for_each(|call| often.called(f64::from(call) * 10.0, 1.0));
        (1..=10).for_each(|call| seldom.called(f64::from(call) * 100.0, 1.0));
        assert!((0.09..0.11).contains(&often.each_second(1_000.0, 1.0, 1)), "{often:?}");
        assert!((0.009..0.011).contains(&seldom.each_second(1_000.0, 1.0, 1)), "{seldom:?}");
        let alone = often.each_second(1_000.0, 1.0, 1);
        assert!(often.each_second(1_000.0, 1.0, 3) < alone / 8.0);
    }

    #[test]
    fn who_has_long_not_called_is_not_waited_for_and_a_night_is_soon_forgotten() {
        let mut want = Want::new(QueueId(0));
        (1..=100).for_each(|call| want.called(f64::from(call) * 10.0, 1.0));
        let by_day = want.each_second(1_000.0, 1.0, 1);
        assert!(want.each_second(30_000.0, 1.0, 1) < by_day / 1_000.0);
        want.called(30_000.0, 1.0);
        assert!(want.each_second(30_000.0, 1.0, 1) > by_day / 1.5);
    }
}
