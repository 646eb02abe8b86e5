//! What talks with callers took of agents' time, and whether one was enough: a fold over the facts of a call, and what the
//! talks of many come to. Nothing here reads a clock or the file.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::Digest;
use sha2::Sha256;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::NeedFact;
use crate::fact::What;
use crate::store::fold::DatedFact;

/// The facts that the fold looks at, by name.
pub(super) const LOOKED_AT: &[&str] = &[
    "call_arrived",
    "call_placed",
    "identified",
    "enqueued",
    "not_let_in",
    "place_recalled",
    "needs_relaxed",
    "wait_moved",
    "agent_connected",
    "hold_ended",
    "talk_ended",
    "outcome_set",
    "survey_answered",
];

/// Who comes to the same queue again within so long was not helped at once.
pub const AGAIN_WITHIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Wrap-up that begins within so long after a talk is of this talk: that after a consult is of none.
pub(super) const FOLLOWS: Duration = Duration::from_secs(1);

/// A number with fewer digits is an extension or a word: many phones have the same.
const LEAST_DIGITS: usize = 7;

/// Who calls, as a digest: reports compare, and know nobody.
pub(super) type Caller = i64;

/// A talk of an agent with a caller that is over.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct EndedTalk {
    pub ended: WallTime,
    pub call: CallId,
    /// Which of the call's talks it was, from 1 on.
    pub place: i64,
    pub agent: Name,
    /// The queue by which the caller came, and what was needed of an agent then.
    pub queue: Name,
    pub needs: Vec<NeedFact>,
    /// Whether an agent had placed the call.
    pub placed: bool,
    /// From the first word to the last, holds among it.
    pub talked: Duration,
    pub held: Duration,
    /// Whether no other talk of the call came by the same queue after it.
    pub last: bool,
    /// None where neither an account nor a whole number is known.
    pub caller: Option<Caller>,
    /// Whether an agent said what came of the call.
    pub said: bool,
    /// Whether the caller said after it that what they called about is settled; none where nobody asked, or they did not answer.
    pub settled: Option<bool>,
}

impl EndedTalk {
    /// Until when it shows whether the caller calls again; none where it never does: of calls that agents placed, of callers
    /// who are not known, and where the caller had another talk.
    pub fn shows_by(&self) -> Option<(Caller, WallTime)> {
        let caller = self.caller.filter(|_| self.last && !self.placed)?;
        Some((caller, self.ended + AGAIN_WITHIN))
    }
}

/// A talk, and whether its caller came to the same queue again; none where that does not show yet, or never.
pub(super) type ShownTalk = (EndedTalk, Option<bool>);

/// That a caller came to a queue.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Visit {
    pub queue: Name,
    pub at: WallTime,
}

/// One call's talks in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct CallHandling {
    number: Option<Caller>,
    account: Option<Caller>,
    placed: bool,
    said: bool,
    /// The queue in which the caller waits or waited last, and what is needed there.
    waits: (Name, Vec<NeedFact>),
    /// The same as it was when they were answered.
    came: (Name, Vec<NeedFact>),
    /// How long each agent has held them in the talk that goes on.
    held: BTreeMap<Name, Duration>,
    talks: Vec<EndedTalk>,
    visits: Vec<Visit>,
}

impl CallHandling {
    /// The fold of all facts of one call.
    pub fn of(call: CallId, facts: &[DatedFact]) -> CallHandling {
        let mut fold = CallHandling::default();
        for dated in facts {
            fold.apply(call, dated);
        }
        fold
    }

    /// Who calls: by account, else by number.
    pub fn caller(&self) -> Option<Caller> {
        self.account.or(self.number)
    }

    /// The talks that are over, in order.
    pub fn talks(&self) -> impl Iterator<Item = EndedTalk> {
        let last = |talk: &EndedTalk| {
            !self.talks[talk.place as usize..].iter().any(|later| later.queue == talk.queue)
        };
        let (caller, said, placed) = (self.caller(), self.said, self.placed);
        self.talks.iter().map(move |talk| EndedTalk {
            last: last(talk),
            caller,
            said,
            placed,
            ..talk.clone()
        })
    }

    pub fn visits(&self) -> &[Visit] {
        &self.visits
    }

    /// Takes one more fact in; whether the talks or the visits come to something else by it.
    pub fn apply(&mut self, call: CallId, dated: &DatedFact) -> bool {
        match &dated.fact.what {
            What::CallArrived { from, .. } => self.number = of_number(from),
            What::CallPlaced { queue, .. } => {
                self.placed = true;
                self.came.0 = queue.clone();
            }
            What::Identified { customer, .. } => {
                self.account = Some(of_account(customer));
                return !self.visits.is_empty();
            }
            What::Enqueued { queue, needs, .. } | What::NotLetIn { queue, needs } => {
                self.waits = (queue.clone(), needs.clone());
                return self.visited(queue, dated.wall);
            }
            What::PlaceRecalled { queue, needs, .. } => self.waits = (queue.clone(), needs.clone()),
            What::NeedsRelaxed { needs } => self.waits.1.clone_from(needs),
            What::WaitMoved { to, needs, .. } => {
                self.waits = (to.clone(), needs.clone());
                return self.visited(to, dated.wall);
            }
            What::AgentConnected { .. } => self.came = self.waits.clone(),
            What::HoldEnded { agent, held, .. } => *self.held.entry(agent.clone()).or_default() += *held,
            What::TalkEnded { agent, talked, .. } => {
                self.ended(call, dated.wall, agent, *talked);
                return true;
            }
            What::OutcomeSet { .. } => {
                self.said = true;
                return !self.talks.is_empty();
            }
            What::SurveyAnswered { settled: Some(settled), .. } => {
                // They are asked when a talk is over, about that one.
                if let Some(talk) = self.talks.last_mut() {
                    talk.settled = Some(*settled);
                    return true;
                }
            }
            _ => {}
        }
        false
    }

    fn visited(&mut self, queue: &Name, at: WallTime) -> bool {
        self.visits.push(Visit { queue: queue.clone(), at });
        true
    }

    fn ended(&mut self, call: CallId, ended: WallTime, agent: &Name, talked: Duration) {
        let held = self.held.remove(agent).unwrap_or_default();
        let (queue, needs) = self.came.clone();
        let place = self.talks.len() as i64 + 1;
        let (agent, placed, last, caller, said, settled) = (agent.clone(), false, true, None, false, None);
        let talk = EndedTalk {
            ended,
            call,
            place,
            agent,
            queue,
            needs,
            placed,
            talked,
            held,
            last,
            caller,
            said,
            settled,
        };
        self.talks.push(talk);
    }
}

/// The caller with this number; none for one that is withheld, or is no whole number.
pub(super) fn of_number(number: &str) -> Option<Caller> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let only_digits = number.chars().all(|c| c.is_ascii_digit() || "+-(). ".contains(c));
    (only_digits && digits.len() >= LEAST_DIGITS).then(|| digest("number", &digits))
}

/// The caller who has this account.
pub(super) fn of_account(account: &str) -> Caller {
    digest("account", account)
}

fn digest(kind: &str, text: &str) -> Caller {
    let digest = Sha256::new().chain_update(kind).chain_update([0]).chain_update(text).finalize();
    digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | Caller::from(*byte))
}

/// How long each of one agent's talks was wrapped up; both in order.
pub(super) fn wrapped_up(talks: &[ShownTalk], wrap_ups: &[(WallTime, WallTime)]) -> Vec<Duration> {
    let mut lengths = vec![Duration::ZERO; talks.len()];
    for (from, to) in wrap_ups {
        let before = talks.partition_point(|(talk, _)| talk.ended <= *from);
        if let Some(place) = before.checked_sub(1)
            && from.since(talks[place].0.ended) <= FOLLOWS
        {
            lengths[place] += to.since(*from);
        }
    }
    lengths
}

/// What talks that ended in one interval took, and how often one call was enough. Calls that agents placed are in none of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handling {
    pub talks: u32,
    /// In talk, without holds.
    pub talked: Duration,
    pub held: Duration,
    pub wrapped_up: Duration,
    /// Calls whose caller is known, and for whom the time in which they may call again is over.
    pub contacts: u32,
    /// Of those, whose caller did not come to the same queue again in it.
    pub once: u32,
    /// The same of calls of which an agent said what came of them.
    pub said: u32,
    pub said_once: u32,
    /// Talks after which the caller was asked whether it is settled and answered, and of those, who said yes.
    pub asked: u32,
    pub settled: u32,
}

impl Handling {
    /// What one talk comes to.
    pub(super) fn of((talk, again): &ShownTalk, wrapped_up: Duration) -> Handling {
        let (shows, once) = (u32::from(again.is_some()), u32::from(*again == Some(false)));
        let (said, said_once) = if talk.said { (shows, once) } else { (0, 0) };
        let (talked, held) = (talk.talked.saturating_sub(talk.held), talk.held);
        let (asked, settled) = (u32::from(talk.settled.is_some()), u32::from(talk.settled == Some(true)));
        let contacts = shows;
        Handling { talks: 1, talked, held, wrapped_up, contacts, once, said, said_once, asked, settled }
    }

    /// The mean of talk, hold and wrap-up together; none without a talk.
    pub fn average(&self) -> Option<Duration> {
        self.per_talk(self.talked + self.held + self.wrapped_up)
    }

    /// A time of all talks, by talk; none without a talk.
    pub fn per_talk(&self, time: Duration) -> Option<Duration> {
        time.checked_div(self.talks)
    }

    /// The part of the contacts that one call was enough for.
    pub fn first_call_resolution(&self) -> Option<f64> {
        (self.contacts > 0).then(|| f64::from(self.once) / f64::from(self.contacts))
    }

    /// The same of those of which an agent said what came of them.
    pub fn first_call_resolution_where_said(&self) -> Option<f64> {
        (self.said > 0).then(|| f64::from(self.said_once) / f64::from(self.said))
    }

    /// The part of the callers who answered whether it is settled, who said yes.
    pub fn settled_by_answer(&self) -> Option<f64> {
        (self.asked > 0).then(|| f64::from(self.settled) / f64::from(self.asked))
    }
}

impl std::ops::AddAssign for Handling {
    fn add_assign(&mut self, other: Handling) {
        self.talks += other.talks;
        self.talked += other.talked;
        self.held += other.held;
        self.wrapped_up += other.wrapped_up;
        self.contacts += other.contacts;
        self.once += other.once;
        self.said += other.said;
        self.said_once += other.said_once;
        self.asked += other.asked;
        self.settled += other.settled;
    }
}

/// The talks of calls whose facts are told one by one, call by call.
#[derive(Debug, Default)]
pub(super) struct ToldTalks {
    up_to: Option<(CallId, CallHandling)>,
    talks: BTreeMap<Name, Vec<EndedTalk>>,
    visits: BTreeMap<(Caller, Name), Vec<(WallTime, CallId)>>,
}

impl ToldTalks {
    pub fn apply(&mut self, dated: &DatedFact) {
        let Some(call) = dated.fact.call else { return };
        if self.up_to.as_ref().is_some_and(|(last, _)| *last != call) {
            self.close();
        }
        self.up_to.get_or_insert_with(|| (call, CallHandling::default())).1.apply(call, dated);
    }

    fn close(&mut self) {
        let Some((call, fold)) = self.up_to.take() else { return };
        for talk in fold.talks() {
            self.talks.entry(talk.agent.clone()).or_default().push(talk);
        }
        let Some(caller) = fold.caller() else { return };
        for visit in fold.visits {
            self.visits.entry((caller, visit.queue)).or_default().push((visit.at, call));
        }
    }

    /// Each agent's talks in order, each with whether its caller came to the same queue again, as far as it shows by `now`.
    pub fn end(mut self, now: WallTime) -> BTreeMap<Name, Vec<ShownTalk>> {
        self.close();
        let visits = self.visits;
        let again = |talk: &EndedTalk| {
            let (caller, by) = talk.shows_by().filter(|(_, by)| *by <= now)?;
            let visits = visits.get(&(caller, talk.queue.clone())).map_or(&[][..], Vec::as_slice);
            Some(visits.iter().any(|(at, call)| *call != talk.call && *at > talk.ended && *at <= by))
        };
        let agent = |(agent, mut talks): (Name, Vec<EndedTalk>)| {
            talks.sort_by_key(|talk| (talk.ended, talk.call, talk.place));
            (
                agent,
                talks
                    .into_iter()
                    .map(|talk| (again(&talk), talk))
                    .map(|(again, talk)| (talk, again))
                    .collect(),
            )
        };
        self.talks.into_iter().map(agent).collect()
    }
}
