//! What callers were promised, and by when: who owes it is reminded before it is due, and a supervisor is told when it
//! was not kept. Told the calendar's time; what it answers are facts, of which it is a fold itself.
//!
//! Every promise comes to an end: it is kept, in time or late, or broken, when somebody says so; and nobody having said
//! anything for [`GIVE_UP`], broken.

use std::collections::BTreeSet;
use std::time::Duration;

use super::redial::Whose;
use crate::base::CallId;
use crate::base::Name;
use crate::base::PromiseId;
use crate::base::WallTime;
use crate::fact::OpenPromises;
use crate::fact::Promise;
use crate::fact::PromiseKind;
use crate::fact::PromiseState;
use crate::fact::Promisee;
use crate::fact::What;

/// How long before its time an owner is reminded; of a promise that is to be kept sooner, when half of the time is over.
pub const REMIND: Duration = Duration::from_secs(15 * 60);
/// How long after its time a promise of which nobody says anything counts as broken.
pub const GIVE_UP: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The latest time that is promised: a year ahead.
pub const LATEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// How many may be open at once; one more is refused.
pub const MOST_OPEN: usize = 10_000;
/// The longest words of a promise, or of what became of it, in characters.
pub const LONGEST_WORDS: usize = 500;

/// A promise in the making.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPromise {
    pub call: CallId,
    pub owner: Name,
    pub kind: PromiseKind,
    pub due: WallTime,
    pub words: String,
    pub to: Promisee,
}

/// Why it is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromiseError {
    #[error("its time has passed already")]
    Past,
    #[error("it is more than a year ahead")]
    TooFar,
    #[error("{MOST_OPEN} promises are open, and there is no room for more")]
    TooMany,
    #[error("{0} characters are more than {LONGEST_WORDS}")]
    Long(usize),
    #[error("there is no open promise {0}")]
    NotOpen(PromiseId),
    #[error("promise {id} is {owner}'s")]
    NotYours { id: PromiseId, owner: Name },
}

impl PromiseError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            PromiseError::Past => "promise a time to come",
            PromiseError::TooFar => "promise less",
            PromiseError::TooMany => {
                "say of those that are open whether they were kept: GET /api/v1/promises"
            }
            PromiseError::Long(_) => "say it shorter",
            PromiseError::NotOpen(_) => "GET /api/v1/promises?state=open lists them",
            PromiseError::NotYours { .. } => "its owner can, or a supervisor",
        }
    }
}

/// What is to become of a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromiseWish {
    Kept {
        words: String,
    },
    Broken {
        words: String,
    },
    /// Somebody else owes it from now on.
    Hand {
        to: Name,
    },
}

/// How long the same promise is the one that was made; so far apart may it be due, for it is often due in so long from now.
const SAID_AGAIN: Duration = Duration::from_secs(60);

/// The ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Promises {
    open: OpenPromises,
    /// When something is to be done about each of them.
    due: BTreeSet<(WallTime, PromiseId)>,
    /// The highest number that was ever given.
    highest: u64,
}

impl Promises {
    /// The ledger as an earlier run left it: what was open, and the highest number that was given.
    pub fn recalled(open: Vec<Promise>, highest: PromiseId) -> Promises {
        let due = open.iter().map(|promise| (next_step(promise), promise.id)).collect();
        Promises { open: open.into_iter().collect(), due, highest: highest.0 }
    }

    /// The promises that somebody owes.
    pub fn open(&self) -> &OpenPromises {
        &self.open
    }

    /// When [`Promises::tick`] is next due.
    pub fn deadline(&self) -> Option<WallTime> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Makes a promise: its number, and the fact that tells it. Said twice it is one promise, and nothing is told the second
    /// time: a program, or a hand, that did not hear the answer says it again.
    pub fn make(
        &mut self,
        now: WallTime,
        new: NewPromise,
    ) -> Result<(PromiseId, Option<What>), PromiseError> {
        if new.due <= now {
            return Err(PromiseError::Past);
        }
        if new.due > now + LATEST {
            return Err(PromiseError::TooFar);
        }
        let words = short(&new.words)?;
        if let Some(said) = self.open.iter().find(|promise| is_said_again(promise, &new, &words, now)) {
            return Ok((said.id, None));
        }
        if self.open.len() >= MOST_OPEN {
            return Err(PromiseError::TooMany);
        }
        self.highest += 1;
        let number = PromiseId(self.highest);
        let id = Some(number);
        let NewPromise { call, owner: agent, kind: promise, due, to, .. } = new;
        let made = What::PromiseMade { id, agent, promise, due, words, to: Box::new(to) };
        Ok((number, Some(self.tell(now, call, made).1)))
    }

    /// Does what somebody says of a promise: whoever owes it, or who `supervises`. The call that it was made in, the fact
    /// that tells it, and what the promise is then.
    pub fn wish(
        &mut self,
        now: WallTime,
        id: PromiseId,
        who: &Name,
        supervises: bool,
        wish: PromiseWish,
    ) -> Result<(CallId, What, Promise), PromiseError> {
        let promise = self.open.get(id).ok_or(PromiseError::NotOpen(id))?;
        let owner = promise.owner.clone();
        if owner != *who && !supervises {
            return Err(PromiseError::NotYours { id, owner });
        }
        let (call, by) = (promise.call, Some(who.clone()));
        let what = match wish {
            PromiseWish::Hand { to } => What::PromiseHanded { id, from: owner, to, by: who.clone() },
            PromiseWish::Broken { words } => {
                let (state, words) = (PromiseState::Broken, short(&words)?);
                What::PromiseSettled { id, agent: owner, state, by, words }
            }
            PromiseWish::Kept { words } => {
                let state = if now <= promise.due { PromiseState::Kept } else { PromiseState::Late };
                What::PromiseSettled { id, agent: owner, state, by, words: short(&words)? }
            }
        };
        let (after, what) = self.tell(now, call, what);
        // It was open when it was looked at, in the same breath.
        Ok((call, what, after.expect("the promise is in the ledger")))
    }

    /// Reminds owners, and tells what was not kept. Each fact with the call that the promise was made in.
    pub fn tick(&mut self, now: WallTime, out: &mut Vec<(CallId, What)>) {
        while let Some(&(_, id)) = self.due.first().filter(|(due, _)| *due <= now) {
            let Some(promise) = self.open.get(id) else { break };
            let (call, agent) = (promise.call, promise.owner.clone());
            let what = if promise.due + GIVE_UP <= now {
                let (state, words) = (PromiseState::Broken, String::new());
                What::PromiseSettled { id, agent, state, by: None, words }
            } else if promise.due <= now {
                What::PromiseOverdue { id, agent }
            } else {
                What::PromiseReminded { id, agent }
            };
            let told = self.tell(now, call, what);
            out.push((call, told.1));
        }
    }

    /// The promise that is owed to one of these callers, the one that is due first.
    pub fn owed_to(&self, whose: &[Whose]) -> Option<&Promise> {
        let theirs = self.open.iter().filter(|promise| is_to(&promise.to, whose));
        theirs.min_by_key(|promise| (promise.due, promise.id))
    }

    /// Takes in what is being told.
    fn tell(&mut self, now: WallTime, call: CallId, what: What) -> (Option<Promise>, What) {
        let Some((before, after)) = self.open.apply(call, now, &what) else { return (None, what) };
        if let Some(before) = before {
            self.due.remove(&(next_step(&before), before.id));
        }
        if after.state.is_open() {
            self.due.insert((next_step(&after), after.id));
        }
        (Some(after), what)
    }
}

/// Whether one of these is the one to whom it was promised.
pub fn is_to(to: &Promisee, whose: &[Whose]) -> bool {
    let number = Whose::number(&to.number);
    let account = to.account.as_deref().map(Whose::account);
    number.into_iter().chain(account).any(|one| whose.contains(&one))
}

/// When something is to be done about an open promise.
fn next_step(promise: &Promise) -> WallTime {
    let Promise { made, due, .. } = *promise;
    if promise.state == PromiseState::Overdue {
        return due + GIVE_UP;
    }
    if promise.reminded {
        return due;
    }
    let lasts = due.0.saturating_sub(made.0).max(0);
    let before = i64::try_from(REMIND.as_micros()).unwrap_or(i64::MAX).min(lasts / 2);
    WallTime(due.0.saturating_sub(before))
}

/// Whether this is what was promised a moment ago in the same call, by the same person, in the same words and for nearly the
/// same time.
fn is_said_again(promise: &Promise, new: &NewPromise, words: &str, now: WallTime) -> bool {
    let apart = Duration::from_micros(promise.due.0.abs_diff(new.due.0));
    (promise.call, &promise.owner, promise.kind) == (new.call, &new.owner, new.kind)
        && promise.words == words
        && apart <= SAID_AGAIN
        && now.since(promise.made) <= SAID_AGAIN
}

fn short(words: &str) -> Result<String, PromiseError> {
    let words = words.trim();
    match words.chars().count() {
        0..=LONGEST_WORDS => Ok(words.to_owned()),
        length => Err(PromiseError::Long(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(secs: i64) -> WallTime {
        WallTime(secs * 1_000_000)
    }

    fn callback(due: WallTime) -> NewPromise {
        NewPromise {
            call: CallId(7),
            owner: "alice".into(),
            kind: PromiseKind::Callback,
            due,
            words: "the price".to_owned(),
            to: Promisee { number: "+12025550143".to_owned(), ..Promisee::default() },
        }
    }

    fn made(promises: &mut Promises, now: WallTime, due: WallTime) -> PromiseId {
        promises.make(now, callback(due)).expect("it may be promised").0
    }

    /// What is told at the ledger's next deadline, and when.
    fn next(promises: &mut Promises) -> (WallTime, Vec<What>) {
        let (due, mut out) = (promises.deadline().expect("something is due"), Vec::new());
        promises.tick(due, &mut out);
        (due, out.into_iter().map(|(_, what)| what).collect())
    }

    #[test]
    fn an_owner_is_reminded_before_it_is_due_and_a_supervisor_told_after() {
        let mut promises = Promises::default();
        let id = made(&mut promises, at(0), at(7_200));
        let agent: Name = "alice".into();
        let reminded = What::PromiseReminded { id, agent: agent.clone() };
        assert_eq!(next(&mut promises), (at(7_200 - 900), vec![reminded]));
        let overdue = What::PromiseOverdue { id, agent: agent.clone() };
        assert_eq!(next(&mut promises), (at(7_200), vec![overdue]));
        let (state, words) = (PromiseState::Broken, String::new());
        let broken = What::PromiseSettled { id, agent, state, by: None, words };
        assert_eq!(next(&mut promises), (at(7_200) + GIVE_UP, vec![broken]));
        assert!(promises.open().is_empty() && promises.deadline().is_none());
    }

    #[test]
    fn of_a_promise_for_soon_the_owner_is_reminded_when_half_of_its_time_is_over() {
        let mut promises = Promises::default();
        made(&mut promises, at(0), at(600));
        assert_eq!(next(&mut promises).0, at(300));
    }

    #[test]
    fn what_is_kept_after_its_time_is_late_and_what_is_settled_is_not_settled_again() {
        let mut promises = Promises::default();
        let (soon, later) = (made(&mut promises, at(0), at(60)), made(&mut promises, at(0), at(600)));
        let mut keep = |id, secs| {
            let wish = PromiseWish::Kept { words: "told them".to_owned() };
            promises.wish(at(secs), id, &"alice".into(), false, wish).map(|(.., promise)| promise.state)
        };
        assert_eq!(keep(later, 100), Ok(PromiseState::Kept));
        assert_eq!(keep(soon, 100), Ok(PromiseState::Late));
        assert_eq!(keep(soon, 101), Err(PromiseError::NotOpen(soon)));
    }

    #[test]
    fn only_its_owner_or_a_supervisor_settles_a_promise_and_whoever_it_was_handed_to_owes_it() {
        let mut promises = Promises::default();
        let id = made(&mut promises, at(0), at(600));
        let broken = || PromiseWish::Broken { words: String::new() };
        let not_yours = PromiseError::NotYours { id, owner: "alice".into() };
        assert_eq!(promises.wish(at(1), id, &"bob".into(), false, broken()).unwrap_err(), not_yours);
        let hand = PromiseWish::Hand { to: "bob".into() };
        let (_, _, promise) = promises.wish(at(1), id, &"sue".into(), true, hand).unwrap();
        assert_eq!(&*promise.owner, "bob");
        assert!(promises.wish(at(2), id, &"alice".into(), false, broken()).is_err());
        assert!(promises.wish(at(2), id, &"bob".into(), false, broken()).is_ok());
    }

    #[test]
    fn nothing_is_promised_for_the_past_nor_for_ever() {
        let mut promises = Promises::default();
        assert_eq!(promises.make(at(10), callback(at(10))), Err(PromiseError::Past));
        assert_eq!(promises.make(at(10), callback(at(11) + LATEST)), Err(PromiseError::TooFar));
        let words = "x".repeat(LONGEST_WORDS + 1);
        let long = NewPromise { words, ..callback(at(20)) };
        assert_eq!(promises.make(at(10), long), Err(PromiseError::Long(LONGEST_WORDS + 1)));
        for call in 1..=MOST_OPEN as u64 {
            assert!(promises.make(at(10), NewPromise { call: CallId(call), ..callback(at(20)) }).is_ok());
        }
        let more = NewPromise { call: CallId(0), ..callback(at(20)) };
        assert_eq!(promises.make(at(10), more), Err(PromiseError::TooMany));
        let again = NewPromise { call: CallId(1), ..callback(at(20)) };
        assert_eq!(promises.make(at(10), again), Ok((PromiseId(1), None)), "it is no more than there are");
    }

    #[test]
    fn what_is_promised_twice_within_a_minute_is_one_promise() {
        let mut promises = Promises::default();
        let first = made(&mut promises, at(0), at(600));
        assert_eq!(promises.make(at(30), callback(at(630))), Ok((first, None)), "in ten minutes, said again");
        for other in [
            NewPromise { call: CallId(8), ..callback(at(600)) },
            NewPromise { owner: "bob".into(), ..callback(at(600)) },
            NewPromise { kind: PromiseKind::Answer, ..callback(at(600)) },
            NewPromise { words: "the invoice".to_owned(), ..callback(at(600)) },
            callback(at(700)),
        ] {
            assert!(matches!(promises.make(at(30), other), Ok((id, Some(_))) if id != first));
        }
        assert!(matches!(promises.make(at(61), callback(at(600))), Ok((_, Some(_)))), "it was long ago");
    }

    #[test]
    fn who_calls_is_owed_what_was_promised_to_their_number_or_account() {
        let mut promises = Promises::default();
        let id = made(&mut promises, at(0), at(600));
        let owed = |whose: Option<Whose>| promises.owed_to(whose.as_slice()).map(|promise| promise.id);
        assert_eq!(owed(Whose::number("+1 202 555 0143")), Some(id));
        assert_eq!(owed(Whose::number("+12025550144")), None);
        assert_eq!(owed(None), None);
    }

    /// Whatever happens, in whatever order: the facts alone say the same as the ledger, every open promise has one
    /// deadline, nothing is told twice, and at last all are settled.
    #[test]
    fn a_ledger_read_back_from_its_facts_is_the_same_and_every_promise_ends() {
        for seed in 0..200 {
            let mut chance = Entropy::seeded(seed);
            let (mut promises, mut now, mut facts) = (Promises::default(), at(0), Vec::new());
            for _ in 0..60 {
                now = now + HOUR / 12 * chance.below(30) as u32;
                let mut ticked = Vec::new();
                promises.tick(now, &mut ticked);
                facts.extend(ticked.into_iter().map(|(call, what)| (call, now, what)));
                let id = PromiseId(1 + chance.below(20));
                let who: Name = ["alice", "bob"][chance.below(2) as usize].into();
                let wish = match chance.below(4) {
                    0 => PromiseWish::Kept { words: String::new() },
                    1 => PromiseWish::Broken { words: String::new() },
                    2 => PromiseWish::Hand { to: "bob".into() },
                    _ => {
                        let due = now + HOUR * chance.below(100) as u32;
                        let made = promises.make(now, callback(due));
                        facts.extend(made.ok().and_then(|(_, told)| told).map(|what| (CallId(7), now, what)));
                        continue;
                    }
                };
                let done = promises.wish(now, id, &who, chance.below(2) == 0, wish);
                facts.extend(done.ok().map(|(call, what, _)| (call, now, what)));
                assert_eq!(promises.due.len(), promises.open.len(), "seed {seed}");
            }
            let mut told = OpenPromises::default();
            for (call, wall, what) in &facts {
                assert!(told.apply(*call, *wall, what).is_some(), "seed {seed}: {what:?} of no promise");
            }
            assert_eq!(told, promises.open, "seed {seed}");
            let again = Promises::recalled(told.iter().cloned().collect(), PromiseId(promises.highest));
            assert_eq!(again, promises, "seed {seed}");
            while promises.deadline().is_some() {
                next(&mut promises);
            }
            assert!(promises.open.is_empty(), "seed {seed}: a promise without an end");
        }
    }
}
