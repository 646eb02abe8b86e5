//! The day's figures of each queue and who waits in it now: a fold over the facts of waits.
//!
//! Every wait counts in the quarter of an hour in which it began, so that a day is the sum of its quarters. The
//! history's facts of today come first, then what happens: a restart loses nothing.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::ToSpan;
use jiff::tz::TimeZone;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::NeedFact;
use crate::fact::WaitExit;
use crate::fact::What;
use crate::server::QueueRules;
use crate::store::DatedFact;

/// Figures are kept by intervals of so long.
pub const INTERVAL: Duration = Duration::from_secs(15 * 60);
/// Who hangs up within so long did not give up on us: they are counted apart.
pub const SHORT_ABANDON: Duration = Duration::from_secs(5);

/// The board. Bounded by the calls that the server takes and the quarters of a day.
pub struct Board {
    zone: TimeZone,
    rules: Vec<QueueRules>,
    state: Mutex<State>,
}

struct State {
    day: Day,
    queues: Vec<BTreeMap<u32, Tally>>,
    waiting: HashMap<CallId, Waiting>,
}

/// A calendar day in the server's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub begins: WallTime,
    pub ends: WallTime,
}

/// A caller who waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    pub call: CallId,
    pub queue: Name,
    pub joined: WallTime,
    /// The wait that they were promised, from when they joined.
    pub quote: Option<Duration>,
    pub needs: Vec<NeedFact>,
    pub priority: i32,
    place: usize,
}

/// Waits that began in one interval, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub joined: u32,
    pub answered: u32,
    /// Of those, within the queue's target.
    pub in_target: u32,
    /// Hung up after the first seconds.
    pub abandoned: u32,
    /// Hung up within [`SHORT_ABANDON`].
    pub short: u32,
    /// Any other end without an agent: declined, the longest wait, nobody there, full, callback failed.
    pub unserved: u32,
    /// Of those who were answered.
    pub waited: Duration,
    pub longest: Duration,
    /// Promises of a wait, kept and broken.
    pub kept: u32,
    pub broken: u32,
    /// Of these promises what was quoted and what was waited, and how far they were apart.
    pub quoted: Duration,
    pub waited_quoted: Duration,
    pub apart: Duration,
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
        let state = State { day: day_of(now, &zone), queues, waiting: HashMap::new() };
        Board { zone, rules: rules.to_vec(), state: Mutex::new(state) }
    }

    /// The day that is counted.
    pub fn day(&self) -> Day {
        self.state().day
    }

    /// Takes a fact in. Facts of one call come in order.
    pub fn apply(&self, dated: &DatedFact) {
        let Some(call) = dated.fact.call else { return };
        let wall = dated.wall;
        match &dated.fact.what {
            What::Enqueued { queue, needs, priority, .. } => {
                let Some(place) = self.rules.iter().position(|rules| rules.name == *queue) else { return };
                let (queue, needs, priority) = (queue.clone(), needs.clone(), *priority);
                let wait = Waiting { call, queue, joined: wall, quote: None, needs, priority, place };
                let mut state = self.state_at(wall);
                state.tally(&wait, |tally| tally.joined += 1);
                state.waiting.insert(call, wait);
            }
            What::NeedsRelaxed { needs } => {
                if let Some(wait) = self.state().waiting.get_mut(&call) {
                    wait.needs.clone_from(needs);
                }
            }
            What::WaitMoved { to, needs, priority, .. } => self.moved(call, to, needs, *priority),
            What::WaitPrioritised { priority, .. } => {
                if let Some(wait) = self.state().waiting.get_mut(&call) {
                    wait.priority = *priority;
                }
            }
            What::WaitAsked { quote, .. } => {
                if let Some(wait) = self.state().waiting.get_mut(&call) {
                    wait.quote = wait.quote.or(*quote);
                }
            }
            What::AgentConnected { waited, quote, .. } => self.end(call, wall, |tally, _, rules| {
                tally.answered += 1;
                tally.in_target += u32::from(*waited <= rules.target);
                tally.waited += *waited;
                tally.longest = tally.longest.max(*waited);
                tally.promised(*waited, *quote);
            }),
            What::WaitEnded { exit } if *exit != WaitExit::Abandoned => {
                self.end(call, wall, |tally, _, _| tally.unserved += 1);
            }
            What::WaitEnded { .. } | What::CallEnded { .. } => self.end(call, wall, |tally, waited, _| {
                if waited < SHORT_ABANDON {
                    tally.short += 1;
                } else {
                    tally.abandoned += 1;
                    tally.longest = tally.longest.max(waited);
                }
            }),
            _ => {}
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

    /// Who waits, the longest first.
    pub fn waiting(&self) -> Vec<Waiting> {
        let mut waiting: Vec<Waiting> = self.state().waiting.values().cloned().collect();
        waiting.sort_unstable_by_key(|wait| (wait.joined, wait.call));
        waiting
    }

    /// The wait is its new queue's from its beginning: so a day's figures still add up.
    fn moved(&self, call: CallId, to: &Name, needs: &[NeedFact], priority: i32) {
        let Some(place) = self.rules.iter().position(|rules| rules.name == *to) else { return };
        let mut state = self.state();
        let Some(mut wait) = state.waiting.remove(&call) else { return };
        state.tally(&wait, |tally| tally.joined -= 1);
        (wait.queue, wait.place, wait.priority) = (to.clone(), place, priority);
        wait.needs = needs.to_vec();
        state.tally(&wait, |tally| tally.joined += 1);
        state.waiting.insert(call, wait);
    }

    fn end(&self, call: CallId, wall: WallTime, count: impl FnOnce(&mut Tally, Duration, &QueueRules)) {
        let mut state = self.state_at(wall);
        let Some(wait) = state.waiting.remove(&call) else { return };
        let rules = &self.rules[wait.place];
        state.tally(&wait, |tally| count(tally, between(wait.joined, wall), rules));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state on the day of `now`: yesterday's figures are the history's.
    fn state_at(&self, now: WallTime) -> MutexGuard<'_, State> {
        let mut state = self.state();
        if now >= state.day.ends {
            state.day = day_of(now, &self.zone);
            state.queues.iter_mut().for_each(BTreeMap::clear);
        }
        state
    }
}

impl State {
    /// Counts in the interval in which a wait began; not at all when that was yesterday.
    fn tally(&mut self, wait: &Waiting, count: impl FnOnce(&mut Tally)) {
        if wait.joined >= self.day.begins {
            count(self.queues[wait.place].entry(interval_of(wait.joined, self.day)).or_default());
        }
    }
}

impl Tally {
    /// Those who wanted an agent and are not waiting any more, without those who hung up at once.
    pub fn ended(&self) -> u32 {
        self.answered + self.abandoned + self.unserved
    }

    /// The part of [`Tally::ended`] that was answered within the target; none when nobody was there.
    pub fn service_level(&self) -> Option<f64> {
        part(self.in_target, self.ended())
    }

    /// The part that hung up.
    pub fn abandonment(&self) -> Option<f64> {
        part(self.abandoned, self.ended())
    }

    /// Somebody was answered after this wait, for whom this was quoted.
    fn promised(&mut self, waited: Duration, quote: Option<Duration>) {
        let Some(quote) = quote else { return };
        self.kept += u32::from(waited <= quote);
        self.broken += u32::from(waited > quote);
        self.quoted += quote;
        self.waited_quoted += waited;
        self.apart += waited.abs_diff(quote);
    }

    /// The part of the promises that was kept.
    pub fn covered(&self) -> Option<f64> {
        part(self.kept, self.kept + self.broken)
    }

    /// How much longer waits were quoted than they were, in s, on average; negative where they were quoted too short.
    pub fn quote_bias_s(&self) -> Option<f64> {
        let promises = self.kept + self.broken;
        let bias_s = self.quoted.as_secs_f64() - self.waited_quoted.as_secs_f64();
        (promises > 0).then(|| bias_s / f64::from(promises))
    }

    /// How far quotes and waits were apart, in s, on average.
    pub fn quote_error_s(&self) -> Option<f64> {
        let promises = self.kept + self.broken;
        (promises > 0).then(|| self.apart.as_secs_f64() / f64::from(promises))
    }

    /// How long those waited who were answered, on average.
    pub fn average(&self) -> Option<Duration> {
        self.waited.checked_div(self.answered)
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Tally>>(tallies: I) -> Tally {
        tallies.fold(Tally::default(), |sum, tally| Tally {
            joined: sum.joined + tally.joined,
            answered: sum.answered + tally.answered,
            in_target: sum.in_target + tally.in_target,
            abandoned: sum.abandoned + tally.abandoned,
            short: sum.short + tally.short,
            unserved: sum.unserved + tally.unserved,
            waited: sum.waited + tally.waited,
            longest: sum.longest.max(tally.longest),
            kept: sum.kept + tally.kept,
            broken: sum.broken + tally.broken,
            quoted: sum.quoted + tally.quoted,
            waited_quoted: sum.waited_quoted + tally.waited_quoted,
            apart: sum.apart + tally.apart,
        })
    }
}

fn part(of: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(of) / f64::from(whole))
}

/// How long from one moment to the other; nothing when the machine's clock was set back meanwhile.
fn between(from: WallTime, to: WallTime) -> Duration {
    Duration::from_micros(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0))
}

fn interval_of(wall: WallTime, day: Day) -> u32 {
    let index = between(day.begins, wall).as_secs() / INTERVAL.as_secs();
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
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::fact::Outcome;
    use crate::fact::Party;
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
        wait(&board, 5, 0, Some((50, What::WaitEnded { exit: WaitExit::Cap })));
        wait(&board, 6, 95, None);
        let billing = board.queues(at(100))[1].clone();
        let Tally { joined, answered, in_target, abandoned, short, unserved, kept, broken, .. } =
            billing.today;
        assert_eq!((joined, answered, in_target), (6, 2, 1));
        assert_eq!((abandoned, short, unserved), (1, 1, 1));
        assert_eq!((kept, broken), (1, 1));
        assert_eq!(billing.today.service_level(), Some(0.25));
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
        let ended = What::CallEnded { by: Party::Caller, outcome: Outcome::Abandoned, cause: String::new() };
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
