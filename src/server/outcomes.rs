//! How calls come out, by the version of the flow files that they are served with: a fold over facts, so that a version
//! that is tried on some stands beside the one that the others get.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::MissedWhy;
use crate::fact::Outcome;
use crate::fact::Verification;
use crate::fact::What;
use crate::store::DatedFact;

/// Versions that are counted at most: of more, those are forgotten that were served first.
const MOST_VERSIONS: usize = 32;

/// See the module.
pub struct Outcomes(Mutex<Counted>);

struct Counted {
    since: WallTime,
    /// Whether that is the start of the server, and not of a trial.
    since_start: bool,
    /// In the order in which they were first seen.
    versions: Vec<Tally>,
    /// Calls that are up: as many as the server takes.
    calls: BTreeMap<CallId, Walk>,
}

/// What became of the calls of one version.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    pub version: Name,
    /// Whether it was tried on some when its last call came.
    pub canary: bool,
    /// Calls that have begun.
    pub calls: u64,
    /// Of those, who reached a person: an agent, or whoever a flow called for them.
    pub reached_person: u64,
    /// Who was served by the flow to its end.
    pub served: u64,
    /// Who hung up in the flow.
    pub left_in_flow: u64,
    /// Times that no key came in time.
    pub no_input: u64,
    /// Times that a key was no choice.
    pub no_match: u64,
    /// Times that something a flow asks for failed: a service, a bot, the customer store, a line, or the flow itself.
    pub failed: u64,
    /// Who has left the flow, for a queue, a person, or by its end.
    pub through: u64,
    /// How long those were in it, together.
    pub in_flow: Duration,
}

impl Tally {
    /// How long a caller is in the flow, on average.
    pub fn average(&self) -> Option<Duration> {
        u32::try_from(self.through).ok().and_then(|through| self.in_flow.checked_div(through))
    }
}

/// A call that is up.
struct Walk {
    version: Name,
    /// Since when the caller is in the flow; none before it begins and once they have left it.
    since: Option<WallTime>,
    left: bool,
    reached: bool,
}

impl Outcomes {
    /// Nothing has been counted, from `since` on.
    pub fn new(since: WallTime) -> Outcomes {
        Outcomes(Mutex::new(Counted::from(since, true)))
    }

    /// Counts calls that begin from now on, and no others, where it does not so already.
    pub fn count_from(&self, since: WallTime) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.since != since {
            *counted = Counted::from(since, false);
        }
    }

    /// Since when, and what became of the calls of each version, the first that was seen first.
    pub fn tallies(&self) -> (WallTime, Vec<Tally>) {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (counted.since, counted.versions.clone())
    }

    /// Whether it is counted since the server's start, and not since a trial began.
    pub fn since_start(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).since_start
    }

    /// Takes a fact in.
    pub fn apply(&self, dated: &DatedFact) {
        let (Some(call), true) = (dated.fact.call, counts(&dated.fact.what)) else { return };
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &dated.fact.what {
            What::FlowsServed { version, canary } => counted.begins(call, version, *canary),
            what => counted.goes_on(call, dated.wall, what),
        }
    }
}

impl Counted {
    fn from(since: WallTime, since_start: bool) -> Counted {
        Counted { since, since_start, versions: Vec::new(), calls: BTreeMap::new() }
    }

    fn begins(&mut self, call: CallId, version: &Name, canary: bool) {
        let walk = Walk { version: version.clone(), since: None, left: false, reached: false };
        if self.calls.insert(call, walk).is_some() {
            return;
        }
        let tally = match self.versions.iter().position(|tally| tally.version == *version) {
            Some(place) => &mut self.versions[place],
            None => {
                if self.versions.len() >= MOST_VERSIONS {
                    self.versions.remove(0);
                }
                self.versions.push(Tally::of(version.clone()));
                let last = self.versions.len() - 1;
                &mut self.versions[last]
            }
        };
        tally.canary = canary;
        tally.calls += 1;
    }

    fn goes_on(&mut self, call: CallId, wall: WallTime, what: &What) {
        let Some(walk) = self.calls.get_mut(&call) else { return };
        // A version that was forgotten counts no more.
        let mut forgotten = Tally::of(Name::default());
        let tally = self.versions.iter_mut().find(|tally| tally.version == walk.version);
        let tally = tally.unwrap_or(&mut forgotten);
        tally.failed += u64::from(fails(what));
        match what {
            What::FlowStarted { .. } if !walk.left => drop(walk.since.get_or_insert(wall)),
            What::NoInput { .. } => tally.no_input += 1,
            What::NoMatch { .. } => tally.no_match += 1,
            What::AgentConnected { .. } | What::ForwardAnswered { .. } => {
                tally.reached_person += u64::from(!std::mem::replace(&mut walk.reached, true));
            }
            What::CallEnded { outcome: Outcome::LeftInFlow, .. } => tally.left_in_flow += 1,
            What::CallEnded { outcome: Outcome::Served, .. } => tally.served += 1,
            _ => {}
        }
        if leaves(what)
            && let Some(since) = walk.since.take()
        {
            walk.left = true;
            tally.through += 1;
            tally.in_flow +=
                Duration::from_micros(u64::try_from(wall.0.saturating_sub(since.0)).unwrap_or(0));
        }
        if matches!(what, What::CallEnded { .. }) {
            self.calls.remove(&call);
        }
    }
}

impl Tally {
    fn of(version: Name) -> Tally {
        Tally {
            version,
            canary: false,
            calls: 0,
            reached_person: 0,
            served: 0,
            left_in_flow: 0,
            no_input: 0,
            no_match: 0,
            failed: 0,
            through: 0,
            in_flow: Duration::ZERO,
        }
    }
}

/// Whether the caller is in the flow no more.
fn leaves(what: &What) -> bool {
    matches!(
        what,
        What::Enqueued { .. }
            | What::CallbackChosen { .. }
            | What::AgentConnected { .. }
            | What::ForwardAnswered { .. }
            | What::CallEnded { .. }
    )
}

/// Whether something failed that a flow asked for.
fn fails(what: &What) -> bool {
    match what {
        What::ServiceAsked { result, .. } => !matches!(&**result, "answered" | "has none"),
        What::BotLeft { result, .. } => &**result == "lost",
        What::VerificationEnded { result } => *result == Verification::Unavailable,
        What::ForwardMissed { why, .. } => *why == MissedWhy::Unreachable,
        What::CallEnded { outcome, .. } => *outcome == Outcome::Failed,
        _ => false,
    }
}

/// Whether a fact is looked at: spares the lock for the rest.
fn counts(what: &What) -> bool {
    matches!(
        what,
        What::FlowsServed { .. } | What::FlowStarted { .. } | What::NoInput { .. } | What::NoMatch { .. }
    ) || leaves(what)
        || matches!(
            what,
            What::ServiceAsked { .. }
                | What::BotLeft { .. }
                | What::VerificationEnded { .. }
                | What::ForwardMissed { .. }
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::fact::Party;

    struct Told<'a>(&'a Outcomes);

    impl Told<'_> {
        fn tell(&self, call: u64, secs: u64, what: What) {
            let fact = Fact { at: Timestamp::from_secs(secs), call: Some(CallId(call)), what };
            self.0.apply(&DatedFact { wall: WallTime(0) + Duration::from_secs(secs), fact });
        }

        fn begins(&self, call: u64, version: &str, canary: bool) {
            self.tell(call, 0, What::FlowsServed { version: version.into(), canary });
            self.tell(call, 1, What::FlowStarted { flow: "main".into() });
        }

        fn ends(&self, call: u64, secs: u64, outcome: Outcome) {
            let (by, cause) = (Party::Caller, String::new());
            self.tell(call, secs, What::CallEnded { by, outcome, cause, by_person: None });
        }
    }

    fn connected() -> What {
        What::AgentConnected { agent: "bob".into(), waited: Duration::from_secs(1), quote: None }
    }

    fn asked(result: &str) -> What {
        What::ServiceAsked { service: "orders".into(), result: result.into(), took: Duration::ZERO }
    }

    #[test]
    fn what_became_of_each_versions_calls_stands_side_by_side() {
        let outcomes = Outcomes::new(WallTime(0));
        let told = Told(&outcomes);
        told.begins(1, "old", false);
        told.tell(1, 3, What::NoInput { node: "menu".into() });
        told.tell(1, 5, What::FlowStarted { flow: "other".into() });
        told.tell(1, 7, What::Enqueued { queue: "q".into(), needs: Vec::new(), priority: 0, waiting: 0 });
        told.tell(1, 30, connected());
        told.tell(1, 40, connected());
        told.ends(1, 50, Outcome::Talked);
        told.begins(2, "new", true);
        told.tell(2, 2, What::NoMatch { node: "menu".into(), digit: '9' });
        told.tell(2, 3, asked("did not answer"));
        told.tell(2, 3, asked("has none"));
        told.ends(2, 5, Outcome::LeftInFlow);
        told.begins(3, "new", true);
        told.ends(3, 9, Outcome::Served);
        let (_, seen) = outcomes.tallies();
        let old = Tally { calls: 1, reached_person: 1, no_input: 1, through: 1, ..Tally::of("old".into()) };
        assert_eq!(seen[0], Tally { in_flow: Duration::from_secs(6), ..old });
        let new = Tally { canary: true, calls: 2, served: 1, left_in_flow: 1, ..Tally::of("new".into()) };
        let new = Tally { no_match: 1, failed: 1, through: 2, ..new };
        assert_eq!(seen[1], Tally { in_flow: Duration::from_secs(12), ..new });
        assert_eq!(seen[1].average(), Some(Duration::from_secs(6)));
    }

    #[test]
    fn only_calls_that_begin_after_the_canary_are_counted() {
        let outcomes = Outcomes::new(WallTime(0));
        let told = Told(&outcomes);
        told.begins(1, "old", false);
        outcomes.count_from(WallTime(7));
        told.begins(2, "old", false);
        outcomes.count_from(WallTime(7));
        told.ends(1, 3, Outcome::LeftInFlow);
        told.ends(2, 3, Outcome::LeftInFlow);
        let (since, seen) = outcomes.tallies();
        assert_eq!((since, seen.len()), (WallTime(7), 1));
        assert_eq!((seen[0].calls, seen[0].left_in_flow), (1, 1));
    }

    #[test]
    fn versions_that_are_counted_are_bounded() {
        let outcomes = Outcomes::new(WallTime(0));
        let told = Told(&outcomes);
        (0..MOST_VERSIONS as u64 + 5).for_each(|call| told.begins(call, &format!("v{call}"), false));
        told.ends(0, 5, Outcome::LeftInFlow);
        let (_, seen) = outcomes.tallies();
        assert_eq!((seen.len(), &*seen[0].version), (MOST_VERSIONS, "v5"));
        assert!(seen.iter().all(|tally| tally.left_in_flow == 0), "whose version is forgotten");
    }
}
