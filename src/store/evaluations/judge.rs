//! What the facts of a call say of an agent, rule by rule, and which of them say it. Pure.

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::HoldBy;
use crate::fact::HoldEndedBy;
use crate::fact::MissedWhy;
use crate::fact::Resolution;
use crate::fact::Target;
use crate::fact::TransferKind;
use crate::fact::What;
use crate::fact::evaluation::Rule;
use crate::store::fold::DatedFact;

/// How a rule came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Met,
    NotMet,
    /// Nothing happened to which it applies.
    NotApplicable,
}

/// How a rule came out, and by which facts, by their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub verdict: Verdict,
    pub facts: Vec<usize>,
}

/// The facts that speak for an agent, and those that speak against them.
#[derive(Default)]
struct Seen {
    good: Vec<usize>,
    bad: Vec<usize>,
}

impl Seen {
    fn add(&mut self, place: usize, is_good: bool) {
        if is_good { self.good.push(place) } else { self.bad.push(place) }
    }

    fn judged(self) -> Judged {
        match self {
            Seen { bad, .. } if !bad.is_empty() => Judged { verdict: Verdict::NotMet, facts: bad },
            Seen { good, .. } if !good.is_empty() => Judged { verdict: Verdict::Met, facts: good },
            _ => Judged { verdict: Verdict::NotApplicable, facts: Vec::new() },
        }
    }
}

/// What the facts of a whole call say of an agent by this rule.
pub fn judge(rule: Rule, agent: &str, facts: &[DatedFact]) -> Judged {
    let told = facts.iter().map(|dated| &dated.fact.what).enumerate();
    let by = |name: &Name| **name == *agent;
    let mut seen = Seen::default();
    match rule {
        Rule::PickedUp => told.for_each(|(place, what)| match what {
            What::AgentMissed { agent, why: MissedWhy::NoAnswer | MissedWhy::Declined } if by(agent) => {
                seen.add(place, false);
            }
            What::AgentConnected { agent, .. } if by(agent) => seen.add(place, true),
            _ => {}
        }),
        Rule::AskedBeforeHold => told.for_each(|(place, what)| match what {
            What::HoldStarted { agent, by: allowed, .. } if by(agent) => {
                seen.add(place, *allowed == HoldBy::Caller);
            }
            _ => {}
        }),
        Rule::HeldWithinTheCap => told.for_each(|(place, what)| match what {
            What::HoldEnded { agent, by: ended, .. } if by(agent) => {
                seen.add(place, *ended != HoldEndedBy::Cap);
            }
            _ => {}
        }),
        Rule::BriefedBeforeTransfer => told.for_each(|(place, what)| match what {
            What::Transferred { from, kind, .. } if by(from) => {
                seen.add(place, *kind == TransferKind::Warm);
            }
            _ => {}
        }),
        Rule::VerifiedTheCaller => verified(agent, facts, &mut seen),
        Rule::HeldAsTold => held_as_told(agent, facts, &mut seen),
        Rule::NothingToldTwice => told_twice(agent, facts, &mut seen),
        Rule::OutcomeGiven => outcome_given(agent, facts, &mut seen),
        Rule::PromisedWhatIsOpen => promised(agent, facts, &mut seen),
    }
    seen.judged()
}

/// Proof that a caller gave to a flow goes with the call, and so does what an agent before found fitting; what comes after their
/// last talk is not theirs.
fn verified(agent: &str, facts: &[DatedFact], seen: &mut Seen) {
    let ends = |what: &What| match what {
        What::TalkEnded { agent: from, .. }
        | What::Transferred { from, .. }
        | What::TakenOver { from, .. } => **from == *agent,
        _ => false,
    };
    let last = facts.iter().rposition(|dated| ends(&dated.fact.what)).unwrap_or(facts.len());
    let mut talks = Vec::new();
    for (place, dated) in facts.iter().take(last).enumerate() {
        match &dated.fact.what {
            What::VerificationEnded { result } if result.is_proof() => seen.add(place, true),
            What::AgentVerified(word) if *word.agent == *agent || word.passed => seen.add(place, true),
            what if talks_with(what).is_some_and(|name| **name == *agent) => talks.push(place),
            _ => {}
        }
    }
    if seen.good.is_empty() {
        seen.bad = talks;
    }
}

fn held_as_told(agent: &str, facts: &[DatedFact], seen: &mut Seen) {
    let mut told: Option<WallTime> = None;
    for (place, dated) in facts.iter().enumerate() {
        match &dated.fact.what {
            What::HoldStarted { agent: by, until, .. } | What::HoldRequoted { agent: by, until }
                if **by == *agent =>
            {
                told = Some(dated.wall_of(*until));
            }
            What::HoldEnded { agent: by, .. } if **by == *agent => {
                let late = told.take().is_some_and(|until| until < dated.wall);
                seen.add(place, !late);
            }
            _ => {}
        }
    }
}

/// Whoever is consulted or gets the caller speaks of whoever asked or handed on last.
fn told_twice(agent: &str, facts: &[DatedFact], seen: &mut Seen) {
    let mut last: Option<&Name> = None;
    for (place, dated) in facts.iter().enumerate() {
        match &dated.fact.what {
            What::ConsultStarted { agent: by, .. } | What::PartyCalled { agent: by, .. } => last = Some(by),
            What::Transferred { from, .. } => {
                last = Some(from);
                if **from == *agent {
                    seen.add(place, true);
                }
            }
            What::TakenOver { .. } => last = None,
            What::HadToRepeat { agent: by, .. }
                if **by != *agent && last.is_some_and(|last| **last == *agent) =>
            {
                seen.add(place, false);
            }
            _ => {}
        }
    }
}

fn outcome_given(agent: &str, facts: &[DatedFact], seen: &mut Seen) {
    let mut ends = Vec::new();
    for (place, dated) in facts.iter().enumerate() {
        match &dated.fact.what {
            What::OutcomeSet { agent: by, .. } if **by == *agent => seen.add(place, true),
            What::TalkEnded { agent: by, .. } if **by == *agent => ends.push(place),
            _ => {}
        }
    }
    if seen.good.is_empty() {
        seen.bad = ends;
    }
}

fn promised(agent: &str, facts: &[DatedFact], seen: &mut Seen) {
    let mut open = None;
    let mut promises = Vec::new();
    for (place, dated) in facts.iter().enumerate() {
        match &dated.fact.what {
            What::OutcomeSet { agent: by, outcome, .. } if **by == *agent => {
                let is_open = matches!(outcome, Resolution::Promised | Resolution::NotResolved);
                open = is_open.then_some(place);
            }
            What::PromiseMade { agent: by, .. } if **by == *agent => promises.push(place),
            _ => {}
        }
    }
    match open {
        Some(place) if promises.is_empty() => seen.add(place, false),
        Some(_) => seen.good = promises,
        None => {}
    }
}

/// Who has the caller from this fact on.
fn talks_with(what: &What) -> Option<&Name> {
    match what {
        What::AgentConnected { agent, .. } | What::CalleeReached { agent, .. } => Some(agent),
        What::Transferred { to: Target::Agent(agent), .. } | What::TakenOver { by: agent, .. } => Some(agent),
        _ => None,
    }
}

/// Who talked with the caller as the one who had them, in the order in which they did.
pub fn talked(facts: &[DatedFact]) -> Vec<Name> {
    let mut talked: Vec<Name> = Vec::new();
    for name in facts.iter().filter_map(|dated| talks_with(&dated.fact.what)) {
        if !talked.contains(name) {
            talked.push(name.clone());
        }
    }
    talked
}

/// The queue by whose rules an agent had the caller last; none where there was none.
pub(in crate::store) fn queue_of<'f>(agent: &str, facts: &'f [DatedFact]) -> Option<&'f Name> {
    let (mut queue, mut of) = (None, None);
    for dated in facts {
        match &dated.fact.what {
            What::Enqueued { queue: joined, .. }
            | What::PlaceRecalled { queue: joined, .. }
            | What::WaitMoved { to: joined, .. }
            | What::CallPlaced { queue: joined, .. } => queue = Some(joined),
            what if talks_with(what).is_some_and(|name| **name == *agent) => of = queue,
            _ => {}
        }
    }
    of
}
