//! Waits of callers from their beginning to their end, and what they are counted by: a fold over facts that the
//! wallboard and the reports share.

use std::collections::HashMap;
use std::time::Duration;

use crate::base::CallId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::NeedFact;
use crate::fact::Party;
use crate::fact::WaitExit;
use crate::fact::What;
use crate::store::fold::DatedFact;
use crate::store::why::can;

/// Who hangs up within so long did not give up on us: they are counted apart.
pub const SHORT_ABANDON: Duration = Duration::from_secs(5);

/// Who waits longer has waited too long, whatever the queue's target is: the mark of the law where there is one (in Spain 95 % of
/// calls are to be answered within three minutes, on average).
pub const LONG_WAIT: Duration = Duration::from_secs(180);

/// A caller who waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    pub call: CallId,
    pub queue: Name,
    pub joined: WallTime,
    /// The same, by the clock of the server's run; none where that is over.
    pub joined_at: Option<Timestamp>,
    /// The wait that they were promised, from when they joined.
    pub quote: Option<Duration>,
    /// What is needed of an agent now.
    pub needs: Vec<NeedFact>,
    pub priority: i32,
    /// Who must not get the call.
    pub excluded: Vec<Name>,
    /// Whose phones ring for them, the last rung last.
    pub rings: Vec<Name>,
    /// Whether they have waited while somebody who could serve them was kept for others.
    pub held_back: bool,
}

impl Waiting {
    pub(super) fn joined(call: CallId, queue: &Name, joined: WallTime) -> Waiting {
        let (needs, excluded, rings) = (Vec::new(), Vec::new(), Vec::new());
        let (queue, quote, priority, held_back) = (queue.clone(), None, 0, false);
        Waiting { call, queue, joined, joined_at: None, quote, needs, priority, excluded, rings, held_back }
    }

    /// How old it is when this happens: by the server's clock, which nobody sets as they set a calendar, where it is one run.
    fn age(&self, dated: &DatedFact) -> Duration {
        let by_calendar = dated.wall.since(self.joined);
        self.joined_at.map_or(by_calendar, |joined| dated.fact.at.since(joined))
    }

    /// Whether an agent with these skills may take the call and can.
    pub fn fits(&self, agent: &Name, skills: &[(Name, u8)]) -> bool {
        !self.excluded.contains(agent) && can(skills, &self.needs)
    }
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitEnd {
    Answered {
        agent: Name,
        waited: Duration,
        quote: Option<Duration>,
    },
    /// The caller hung up after so long.
    HungUp {
        after: Duration,
    },
    /// Any other end without an agent: declined, the longest wait, nobody there, full, callback failed, ended by an operator or
    /// the server.
    Unserved,
    /// The place was kept for somebody who called again and was served, which is another wait's end.
    Redialled,
}

/// What a fact does to the waits.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitChange {
    Joined(Waiting),
    /// From this queue to the one that it waits in now, as old as it is.
    Moved {
        from: Name,
        wait: Waiting,
    },
    /// Something else is needed from now on.
    Relaxed(Waiting),
    Ended(Waiting, WaitEnd),
}

/// The waits that go on. Bounded by the calls that the server takes.
#[derive(Clone, Debug, Default)]
pub struct Waits(HashMap<CallId, Waiting>);

impl Waits {
    /// Takes a fact in; facts of one call come in order.
    pub fn apply(&mut self, dated: &DatedFact) -> Option<WaitChange> {
        let (call, wall) = (dated.fact.call?, dated.wall);
        if let What::Enqueued { queue, needs, priority, .. } = &dated.fact.what {
            let (needs, priority, joined_at) = (needs.clone(), *priority, Some(dated.fact.at));
            let wait = Waiting { needs, priority, joined_at, ..Waiting::joined(call, queue, wall) };
            self.0.insert(call, wait.clone());
            return Some(WaitChange::Joined(wait));
        }
        // Their wait is over as soon as it has begun.
        if let What::NotLetIn { queue, needs } = &dated.fact.what {
            let wait = Waiting { needs: needs.clone(), ..Waiting::joined(call, queue, wall) };
            self.0.insert(call, wait.clone());
            return Some(WaitChange::Joined(wait));
        }
        // Who joined on another day than the facts begin with is known by this alone.
        if let What::PlaceRecalled { queue, needs, priority, since, .. } = &dated.fact.what {
            let wait = self.0.entry(call).or_insert_with(|| Waiting::joined(call, queue, *since));
            (wait.needs, wait.priority, wait.joined_at) = (needs.clone(), *priority, None);
            wait.rings.clear();
            return Some(WaitChange::Relaxed(wait.clone()));
        }
        let wait = self.0.get_mut(&call)?;
        let end = match &dated.fact.what {
            What::NeedsRelaxed { needs } => {
                wait.needs.clone_from(needs);
                return Some(WaitChange::Relaxed(wait.clone()));
            }
            What::WaitMoved { to, needs, priority, .. } => {
                let from = std::mem::replace(&mut wait.queue, to.clone());
                (wait.priority, wait.needs) = (*priority, needs.clone());
                return Some(WaitChange::Moved { from, wait: wait.clone() });
            }
            What::AgentsNamed { exclude, .. } => {
                wait.excluded.clone_from(exclude);
                return None;
            }
            What::WaitPrioritised { priority, .. } => {
                wait.priority = *priority;
                return None;
            }
            What::WaitAsked { quote, .. } => {
                wait.quote = wait.quote.or(*quote);
                return None;
            }
            What::HeldBack { .. } => {
                wait.held_back = true;
                return None;
            }
            What::AgentRinging { agent, .. } => {
                wait.rings.push(agent.clone());
                return None;
            }
            What::AgentMissed { agent, .. } => {
                wait.rings.retain(|rings| rings != agent);
                return None;
            }
            // Who had picked up for the caller is told of no more.
            What::CallbackFailed { .. } => {
                wait.rings.clear();
                return None;
            }
            What::AgentConnected { agent, waited, quote } => {
                WaitEnd::Answered { agent: agent.clone(), waited: *waited, quote: *quote }
            }
            What::WaitEnded { exit: WaitExit::Redialled } => WaitEnd::Redialled,
            What::WaitEnded { exit } if *exit != WaitExit::Abandoned => WaitEnd::Unserved,
            // The server's doing, and nobody told how the wait itself ended: it was killed, or failed.
            What::CallEnded { by: Party::Server, .. } => WaitEnd::Unserved,
            What::WaitEnded { .. } | What::CallEnded { .. } => WaitEnd::HungUp { after: wait.age(dated) },
            _ => return None,
        };
        Some(WaitChange::Ended(self.0.remove(&call)?, end))
    }

    /// The calendar was set: who waits has waited as long as before.
    pub fn calendar_set(&mut self, by_ms: i64) {
        self.0.values_mut().for_each(|wait| wait.joined = wait.joined.moved(by_ms));
    }

    /// Knows nothing more of a call.
    pub(super) fn forget(&mut self, call: CallId) {
        self.0.remove(&call);
    }

    /// Who waits, the longest first.
    pub fn waiting(&self) -> Vec<Waiting> {
        let mut waiting: Vec<Waiting> = self.0.values().cloned().collect();
        waiting.sort_unstable_by_key(|wait| (wait.joined, wait.call));
        waiting
    }
}

/// Waits that began in one interval, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub joined: u32,
    pub answered: u32,
    /// Of those, within the queue's target.
    pub in_target: u32,
    /// And within [`LONG_WAIT`].
    pub in_long_wait: u32,
    /// Hung up after the first seconds.
    pub abandoned: u32,
    /// Hung up within [`SHORT_ABANDON`].
    pub short: u32,
    /// Ended otherwise: [`WaitEnd::Unserved`].
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

impl Tally {
    /// A wait of a queue with this target has ended.
    pub fn end(&mut self, end: &WaitEnd, target: Duration) {
        match *end {
            WaitEnd::Answered { waited, quote, .. } => {
                self.answered += 1;
                self.in_target += u32::from(waited <= target);
                self.in_long_wait += u32::from(waited <= LONG_WAIT);
                self.waited += waited;
                self.longest = self.longest.max(waited);
                self.promised(waited, quote);
            }
            WaitEnd::HungUp { after } if after < SHORT_ABANDON => self.short += 1,
            WaitEnd::HungUp { after } => {
                self.abandoned += 1;
                self.longest = self.longest.max(after);
            }
            WaitEnd::Unserved => self.unserved += 1,
            // One caller, served once: they came once.
            WaitEnd::Redialled => self.joined = self.joined.saturating_sub(1),
        }
    }

    /// Those who wanted an agent and are not waiting any more, without those who hung up at once.
    pub fn ended(&self) -> u32 {
        self.answered + self.abandoned + self.unserved
    }

    /// Answered within the target ÷ (answered + abandoned after [`SHORT_ABANDON`]); none when nobody was there.
    pub fn service_level(&self) -> Option<f64> {
        part(self.in_target, self.answered + self.abandoned)
    }

    /// The part of [`Tally::ended`] that was answered within the target: whom we did not serve counts as missed.
    pub fn service_level_of_all(&self) -> Option<f64> {
        part(self.in_target, self.ended())
    }

    /// The part of [`Tally::ended`] that was answered within [`LONG_WAIT`].
    pub fn within_long_wait(&self) -> Option<f64> {
        part(self.in_long_wait, self.ended())
    }

    /// The part of [`Tally::ended`] that hung up.
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

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, tally: Tally) {
        self.joined += tally.joined;
        self.answered += tally.answered;
        self.in_target += tally.in_target;
        self.in_long_wait += tally.in_long_wait;
        self.abandoned += tally.abandoned;
        self.short += tally.short;
        self.unserved += tally.unserved;
        self.waited += tally.waited;
        self.longest = self.longest.max(tally.longest);
        self.kept += tally.kept;
        self.broken += tally.broken;
        self.quoted += tally.quoted;
        self.waited_quoted += tally.waited_quoted;
        self.apart += tally.apart;
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Tally>>(tallies: I) -> Tally {
        tallies.fold(Tally::default(), |mut sum, tally| {
            sum += tally;
            sum
        })
    }
}

fn part(of: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(of) / f64::from(whole))
}
