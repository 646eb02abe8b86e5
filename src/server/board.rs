//! The day's figures of each queue and who waits in it now: a fold over the facts of waits.
//!
//! Every wait counts in the quarter of an hour in which it began, so that a day is the sum of its quarters. The
//! history's facts of today come first, then what happens: a restart loses nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::ToSpan;
use jiff::tz::TimeZone;
use tracing::warn;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::Party;
use crate::fact::WaitExit;
use crate::fact::What;
use crate::server::QueueRules;
use crate::server::not_served::NotServed;
use crate::server::not_served::ToSay;
use crate::server::queue_counts::QueueCounts;
use crate::store::DatedFact;
use crate::store::Targets;
use crate::store::waits::Tally;
use crate::store::waits::WaitChange;
use crate::store::waits::Waiting;
use crate::store::waits::Waits;

/// Figures are kept by intervals of so long.
pub const INTERVAL: Duration = Duration::from_secs(15 * 60);

/// The board. Bounded by the calls that the server takes and the quarters of a day.
pub struct Board {
    zone: TimeZone,
    rules: Vec<QueueRules>,
    state: Mutex<State>,
}

struct State {
    day: Day,
    queues: Vec<BTreeMap<u32, Tally>>,
    /// Since the start, for each queue.
    counts: Vec<QueueCounts>,
    /// What the log has said, for each queue.
    not_served: Vec<NotServed>,
    waits: Waits,
    /// Which targets the queues had when, as far as the history tells.
    targets: Targets,
}

/// A calendar day in the center's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub begins: WallTime,
    pub ends: WallTime,
}

/// A queue's figures.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueDay {
    pub rules: QueueRules,
    pub today: Tally,
    /// The interval of now and the one before.
    pub lately: Tally,
    /// When `lately` begins.
    pub since: WallTime,
    /// Each interval that had a wait, by its beginning.
    pub intervals: Vec<(WallTime, Tally)>,
}

impl Board {
    /// An empty day.
    pub fn new(now: WallTime, zone: TimeZone, rules: &[QueueRules]) -> Board {
        let queues = vec![BTreeMap::new(); rules.len()];
        let counts = vec![QueueCounts::default(); rules.len()];
        let not_served = rules.iter().map(|_| NotServed::default()).collect();
        let (day, waits, targets) = (day_of(now, &zone), Waits::default(), Targets::default());
        let state = State { day, queues, counts, not_served, waits, targets };
        Board { zone, rules: rules.to_vec(), state: Mutex::new(state) }
    }

    /// The day that is counted.
    pub fn day(&self) -> Day {
        self.state().day
    }

    /// The day's waits are in target by these: what the queue wanted when they began. Before any fact.
    pub fn judge_by(&self, targets: Targets) {
        self.state().targets = targets;
    }

    /// Takes a fact in that happens now. Facts of one call come in order.
    pub fn apply(&self, dated: &DatedFact) {
        let mut state = self.state();
        if let Some(change) = state.waits.apply(dated) {
            self.count(&mut state, &change, &dated.fact.what);
            self.tell(&mut state, &change, dated);
            self.apply_change(&mut state, change, dated.wall);
        }
    }

    /// Takes a fact of an earlier run in: it is the day's, and in no count since the start.
    pub fn recall(&self, dated: &DatedFact) {
        let mut state = self.state();
        if let Some(change) = state.waits.apply(dated) {
            self.apply_change(&mut state, change, dated.wall);
        }
    }

    /// The calendar was set, and shows `now`: what was counted on another day than today is that day's.
    pub fn calendar_set(&self, now: WallTime, by_ms: i64) {
        let mut state = self.state();
        state.waits.calendar_set(by_ms);
        let today = day_of(now, &self.zone);
        if (today.begins, today.ends) != (state.day.begins, state.day.ends) {
            state.day = today;
            state.queues.iter_mut().for_each(BTreeMap::clear);
        }
    }

    fn apply_change(&self, state: &mut State, change: WaitChange, wall: WallTime) {
        self.roll_on(state, wall);
        match change {
            WaitChange::Joined(wait) => self.tally(state, &wait, |tally, _| tally.joined += 1),
            // The wait is its new queue's from its beginning: so a day's figures still add up.
            WaitChange::Moved { from, wait } => {
                let was = Waiting { queue: from, ..wait.clone() };
                self.tally(state, &was, |tally, _| tally.joined -= 1);
                self.tally(state, &wait, |tally, _| tally.joined += 1);
            }
            WaitChange::Relaxed(_) => {}
            WaitChange::Ended(wait, end) => {
                let told = state.targets.at(&wait.queue, wait.joined).map(|target| target.within);
                self.tally(state, &wait, |tally, rules| tally.end(&end, told.unwrap_or(rules.target)));
            }
        }
    }

    /// Every queue's figures, in the center's order.
    pub fn queues(&self, now: WallTime) -> Vec<QueueDay> {
        let state = self.state_at(now);
        let current = interval_of(now, state.day);
        let since = begin_of(current.saturating_sub(1), state.day);
        let queue = |(rules, intervals): (&QueueRules, &BTreeMap<u32, Tally>)| QueueDay {
            rules: rules.clone(),
            today: intervals.values().copied().sum(),
            lately: intervals.range(current.saturating_sub(1)..).map(|(_, tally)| *tally).sum(),
            since,
            intervals: intervals.iter().map(|(index, tally)| (begin_of(*index, state.day), *tally)).collect(),
        };
        self.rules.iter().zip(&state.queues).map(queue).collect()
    }

    /// Who waits in the center's queues, the longest first.
    pub fn waiting(&self) -> Vec<Waiting> {
        let mut waiting = self.state().waits.waiting();
        waiting.retain(|wait| self.rules.iter().any(|rules| rules.name == wait.queue));
        waiting
    }

    /// What became of each queue's waits since the start, in the center's order.
    pub fn counts(&self) -> Vec<(Name, QueueCounts)> {
        let names = self.rules.iter().map(|rules| rules.name.clone());
        names.zip(self.state().counts.iter().cloned()).collect()
    }

    /// Counts since the start.
    fn count(&self, state: &mut State, change: &WaitChange, what: &What) {
        match change {
            WaitChange::Joined(wait) => {
                self.count_in(state, &wait.queue, |counts, _| counts.joined += 1);
            }
            WaitChange::Moved { from, wait } => {
                self.count_in(state, from, |counts, _| counts.moved += 1);
                self.count_in(state, &wait.queue, |counts, _| counts.joined += 1);
            }
            WaitChange::Relaxed(_) => {}
            WaitChange::Ended(wait, end) => {
                self.count_in(state, &wait.queue, |counts, rules| counts.end(end, exit(what), rules.target));
            }
        }
    }

    /// Tells the log of a queue that begins not to serve its callers.
    fn tell(&self, state: &mut State, change: &WaitChange, dated: &DatedFact) {
        let WaitChange::Ended(wait, end) = change else { return };
        let Some(place) = self.rules.iter().position(|rules| rules.name == wait.queue) else { return };
        if let Some(say) = state.not_served[place].end(end, exit(&dated.fact.what), dated.wall) {
            let ToSay { why, more } = say;
            warn!(queue = %wait.queue, why, more, "callers of a queue are not served");
        }
    }

    fn count_in(&self, state: &mut State, queue: &Name, count: impl FnOnce(&mut QueueCounts, &QueueRules)) {
        if let Some(place) = self.rules.iter().position(|rules| rules.name == *queue) {
            count(&mut state.counts[place], &self.rules[place]);
        }
    }

    /// Counts in the interval in which a wait began; not at all when that was yesterday.
    fn tally(&self, state: &mut State, wait: &Waiting, count: impl FnOnce(&mut Tally, &QueueRules)) {
        let Some(place) = self.rules.iter().position(|rules| rules.name == wait.queue) else { return };
        if wait.joined >= state.day.begins {
            let interval = interval_of(wait.joined, state.day);
            count(state.queues[place].entry(interval).or_default(), &self.rules[place]);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state on the day of `now`.
    fn state_at(&self, now: WallTime) -> MutexGuard<'_, State> {
        let mut state = self.state();
        self.roll_on(&mut state, now);
        state
    }

    /// Yesterday's figures are the history's.
    fn roll_on(&self, state: &mut State, now: WallTime) {
        if now >= state.day.ends {
            state.day = day_of(now, &self.zone);
            state.queues.iter_mut().for_each(BTreeMap::clear);
        }
    }
}

/// How a wait ended without an agent, where a fact says so.
fn exit(what: &What) -> Option<WaitExit> {
    match what {
        What::WaitEnded { exit } => Some(*exit),
        What::CallEnded { by: Party::Server, .. } => Some(WaitExit::EndedByServer),
        _ => None,
    }
}

fn interval_of(wall: WallTime, day: Day) -> u32 {
    let index = wall.since(day.begins).as_secs() / INTERVAL.as_secs();
    // A day has a hundred quarters at most.
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn begin_of(index: u32, day: Day) -> WallTime {
    day.begins + INTERVAL * index
}

/// The calendar day of a moment; the moment's own 24 hours where the calendar has none.
fn day_of(wall: WallTime, zone: &TimeZone) -> Day {
    let fallback = Day { begins: wall, ends: wall + Duration::from_secs(24 * 60 * 60) };
    let calendar = || {
        let begins =
            jiff::Timestamp::from_microsecond(wall.0).ok()?.to_zoned(zone.clone()).start_of_day().ok()?;
        let ends = begins.checked_add(1.day()).ok()?.start_of_day().ok()?;
        let wall = |at: jiff::Zoned| WallTime(at.timestamp().as_microsecond());
        Some(Day { ends: wall(ends), begins: wall(begins) })
    };
    calendar().unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::CallId;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::fact::NeedFact;
    use crate::fact::Outcome;
    use crate::fact::Party;
    use crate::server::queue_counts::UNSERVED;
    use crate::server::queue_counts::WaitLengths;
    use crate::store::sample;

    fn board() -> Board {
        Board::new(
            sample::STARTED,
            TimeZone::UTC,
            &[QueueRules::named("support"), QueueRules::named("billing")],
        )
    }

    /// A call that joins `billing` at `joined` and then has this.
    fn wait(board: &Board, call: u64, joined: u64, then: Option<(u64, What)>) {
        let enqueued = What::Enqueued { queue: "billing".into(), needs: Vec::new(), priority: 0, waiting: 1 };
        for (secs, what) in [Some((joined, enqueued)), then].into_iter().flatten() {
            let fact = Fact { at: Timestamp::from_secs(secs), call: Some(CallId(call)), what };
            sample::dated(vec![fact]).iter().for_each(|dated| board.apply(dated));
        }
    }

    fn connected(waited: u64) -> What {
        let (waited, quote) = (Duration::from_secs(waited), Some(Duration::from_secs(60)));
        What::AgentConnected { agent: "bob".into(), waited, quote }
    }

    fn abandoned() -> What {
        What::WaitEnded { exit: WaitExit::Abandoned }
    }

    fn at(secs: u64) -> WallTime {
        sample::STARTED + Duration::from_secs(secs)
    }

    #[test]
    fn a_service_level_counts_everybody_but_who_hung_up_at_once() {
        let board = board();
        wait(&board, 1, 0, Some((10, connected(10))));
        wait(&board, 2, 0, Some((90, connected(90))));
        wait(&board, 3, 0, Some((4, abandoned())));
        wait(&board, 4, 0, Some((40, abandoned())));
        wait(&board, 5, 0, Some((50, What::WaitEnded { exit: WaitExit::EndedByOperator })));
        wait(&board, 6, 95, None);
        let billing = board.queues(at(100))[1].clone();
        let Tally { joined, answered, in_target, abandoned, short, unserved, kept, broken, .. } =
            billing.today;
        assert_eq!((joined, answered, in_target), (6, 2, 1));
        assert_eq!((abandoned, short, unserved), (1, 1, 1));
        assert_eq!((kept, broken), (1, 1));
        assert_eq!(billing.today.service_level(), Some(1.0 / 3.0), "whom an operator ended did not hang up");
        assert_eq!(billing.today.service_level_of_all(), Some(0.25));
        assert_eq!(billing.today.abandonment(), Some(0.25));
        assert_eq!(billing.today.average(), Some(Duration::from_secs(50)));
        // Quoted 60 s each, waited 10 s and 90 s.
        assert_eq!((billing.today.quote_bias_s(), billing.today.quote_error_s()), (Some(10.0), Some(40.0)));
        assert_eq!(billing.today.covered(), Some(0.5));
        assert_eq!(board.queues(at(100))[0].today.quote_bias_s(), None);
        assert_eq!(board.queues(at(100))[0].today.service_level(), None, "nobody called support");
        assert_eq!(board.waiting().iter().map(|wait| wait.call.0).collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn a_wait_counts_where_it_began_and_once() {
        let board = board();
        // The sample day begins at 14:02: the quarter ends after 13 minutes.
        wait(&board, 1, 12 * 60, Some((14 * 60, connected(120))));
        wait(&board, 2, 16 * 60, Some((17 * 60, abandoned())));
        let ended = What::CallEnded {
            by: Party::Caller,
            outcome: Outcome::Abandoned,
            cause: String::new(),
            by_person: None,
        };
        wait(&board, 3, 16 * 60, Some((17 * 60, ended.clone())));
        let fact = Fact { at: Timestamp::from_secs(1_100), call: Some(CallId(2)), what: ended };
        sample::dated(vec![fact]).iter().for_each(|dated| board.apply(dated));
        let billing = board.queues(at(18 * 60))[1].clone();
        let joined: Vec<_> =
            billing.intervals.iter().map(|(begins, tally)| (*begins, tally.joined)).collect();
        let two_pm = WallTime(sample::STARTED.0 - 120_000_000);
        assert_eq!(joined, [(two_pm, 1), (two_pm + INTERVAL, 2)]);
        assert_eq!((billing.today.abandoned, billing.today.ended()), (2, 3));
        assert_eq!(billing.lately, billing.today);
    }

    #[test]
    fn the_morning_is_judged_by_the_target_of_the_morning() {
        let board = board();
        let mut targets = Targets::default();
        for (secs, within) in [(0, 60), (1_000, 20)] {
            let within = Duration::from_secs(within);
            let what = What::TargetSet { queue: "billing".into(), percent: 80, within };
            let fact = Fact { at: Timestamp::from_secs(secs), call: None, what };
            sample::dated(vec![fact]).iter().for_each(|dated| targets.apply(dated));
        }
        board.judge_by(targets);
        wait(&board, 1, 900, Some((950, connected(50))));
        wait(&board, 2, 1_100, Some((1_150, connected(50))));
        let today = board.queues(at(1_200))[1].today;
        assert_eq!((today.answered, today.in_target), (2, 1));
    }

    #[test]
    fn a_wait_that_is_moved_counts_in_its_new_queue_alone() {
        let board = board();
        let needs = vec![NeedFact { skill: "support".into(), level: 2, or: Vec::new() }];
        let (from, to, by) = ("billing".into(), "support".into(), "sam".into());
        wait(&board, 1, 0, Some((20, What::WaitMoved { from, to, needs: needs.clone(), priority: 3, by })));
        let moved = board.waiting()[0].clone();
        assert_eq!((&*moved.queue, moved.priority, moved.joined), ("support", 3, at(0)));
        assert_eq!(moved.needs, needs);
        let fact = Fact { at: Timestamp::from_secs(30), call: Some(CallId(1)), what: connected(30) };
        sample::dated(vec![fact]).iter().for_each(|dated| board.apply(dated));
        let queues = board.queues(at(40));
        assert_eq!((queues[0].today.joined, queues[0].today.answered), (1, 1));
        assert_eq!((queues[1].today.joined, queues[1].today.answered), (0, 0));
    }

    #[test]
    fn a_place_that_a_restart_kept_is_one_wait_and_waits_though_it_began_on_another_day() {
        let board = board();
        let recalled = |since| {
            let (queue, needs, priority, waiting) = ("billing".into(), Vec::new(), 2, 1);
            What::PlaceRecalled { queue, needs, priority, waiting, since }
        };
        wait(&board, 1, 0, Some((40, recalled(at(0)))));
        let yesterday = WallTime(sample::STARTED.0 - 86_400_000_000);
        let fact = Fact { at: Timestamp::from_secs(40), call: Some(CallId(2)), what: recalled(yesterday) };
        sample::dated(vec![fact]).iter().for_each(|dated| board.apply(dated));
        let waiting: Vec<_> = board.waiting().iter().map(|wait| (wait.call.0, wait.joined)).collect();
        assert_eq!(waiting, [(2, yesterday), (1, at(0))]);
        assert_eq!(board.queues(at(50))[1].today.joined, 1, "nobody has joined by a restart");
    }

    #[test]
    fn counts_since_the_start_only_grow_and_everybody_who_came_is_in_them_once() {
        let board = board();
        let ended = |exit| Some((20, What::WaitEnded { exit }));
        // Of an earlier run: the day's, but not counted, and its end is.
        let enqueued = What::Enqueued { queue: "billing".into(), needs: Vec::new(), priority: 0, waiting: 1 };
        let fact = Fact { at: Timestamp::from_secs(0), call: Some(CallId(90)), what: enqueued };
        sample::dated(vec![fact]).iter().for_each(|dated| board.recall(dated));
        assert_eq!(board.counts()[1].1, QueueCounts::default());
        assert_eq!(board.queues(at(30))[1].today.joined, 1);
        wait(&board, 1, 10, Some((20, connected(10))));
        wait(&board, 2, 10, Some((200, connected(190))));
        wait(&board, 3, 10, Some((20, abandoned())));
        wait(&board, 4, 19, Some((20, abandoned())));
        wait(&board, 5, 10, ended(WaitExit::Redialled));
        let (from, to, by) = ("billing".into(), "support".into(), "sam".into());
        wait(&board, 6, 10, Some((20, What::WaitMoved { from, to, needs: Vec::new(), priority: 0, by })));
        wait(&board, 7, 10, None);
        // Of whom nobody tells how their wait ended: the server failed them.
        let (by, outcome, cause, by_person) = (Party::Server, Outcome::Failed, String::new(), None);
        wait(&board, 8, 10, Some((20, What::CallEnded { by, outcome, cause, by_person })));
        (0..).zip(UNSERVED).for_each(|(call, exit)| wait(&board, 10 + call, 10, ended(exit)));
        let counts = board.counts();
        let names: Vec<_> = counts.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["support", "billing"]);
        assert_eq!((counts[0].1.joined, counts[0].1.answered), (1, 0));
        let billing = &counts[1].1;
        assert_eq!((billing.joined, billing.answered, billing.in_target), (17, 2, 1));
        let after = |lengths: &WaitLengths| (lengths.counts().sum, lengths.counts().count);
        assert_eq!((after(&billing.answered_after), after(&billing.hung_up_after)), ((200.0, 2), (11.0, 2)));
        assert_eq!((billing.abandoned, billing.short, billing.moved, billing.redialled), (1, 1, 1, 1));
        let twice = |exit| 1 + u64::from(exit == WaitExit::EndedByServer);
        assert!(billing.unserved().all(|(exit, count)| count == twice(exit)), "{billing:?}");
        let unserved: u64 = billing.unserved().map(|(_, count)| count).sum();
        let gone = billing.answered + billing.abandoned + billing.short + billing.moved + billing.redialled;
        assert_eq!(billing.joined, gone + unserved + 1, "one waits");
        let fact = Fact { at: Timestamp::from_secs(40), call: Some(CallId(90)), what: connected(40) };
        sample::dated(vec![fact]).iter().for_each(|dated| board.apply(dated));
        assert_eq!(board.counts()[1].1.answered, 3);
        board.queues(at(24 * 60 * 60));
        assert_eq!(board.counts()[1].1.joined, 17, "another day takes nothing away");
    }

    #[test]
    fn a_new_day_begins_with_nothing_but_who_still_waits() {
        let board = board();
        let midnight = (10 * 60 - 2) * 60;
        wait(&board, 1, 0, Some((10, connected(10))));
        wait(&board, 2, midnight - 30, Some((midnight + 30, connected(60))));
        wait(&board, 3, midnight - 30, None);
        let queues = board.queues(at(midnight + 60));
        assert_eq!(queues[1].today, Tally::default(), "both began yesterday");
        assert_eq!(board.waiting().len(), 1);
        wait(&board, 4, midnight + 70, Some((midnight + 75, connected(5))));
        assert_eq!(board.queues(at(midnight + 80))[1].today.answered, 1);
    }
}
