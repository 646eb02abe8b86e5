//! The ledger of promises within the switchboard: who may promise what to whom, and when something is due.

use super::Now;
use super::Output;
use super::Switchboard;
use crate::base::CallId;
use crate::base::Name;
use crate::base::PromiseId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::call::request::PromiseDraft;
use crate::call::request::Refusal;
use crate::fact::Fact;
use crate::fact::Promise;
use crate::fact::Promisee;
use crate::fact::What;
use crate::flow::escalation;
use crate::flow::escalation::MayPromise;
use crate::queue::promises::NewPromise;
use crate::queue::promises::PromiseError;
use crate::queue::promises::PromiseWish;
use crate::queue::promises::Promises;
use crate::server::handle::ControlError;

/// Of so many of their last calls people may say what came of them.
const TALKED: usize = 4;

/// Whom somebody talked with.
#[derive(Clone, Debug)]
pub(super) struct Talked {
    call: CallId,
    with: Promisee,
    /// Whether they were called, and came by no queue.
    placed: bool,
}

impl Switchboard {
    /// The promises that an earlier run left open, and the highest number that one ever had.
    pub fn recall_promises(&mut self, now: Now, open: Vec<Promise>, highest: PromiseId) {
        self.promises = Promises::recalled(open, highest);
        self.note_promises_due(now);
    }

    /// Remembers whose calls were whose: a few per account, for what is written while the next ones are there already. A
    /// supervisor who took a caller over is one of them, be they an agent or not.
    pub(super) fn note_talk(&mut self, who: Name, contact: CallId) {
        let call = contact.whole();
        let live = self.calls.get(&call);
        let with = live.map(|live| live.call.promisee(&live.center)).unwrap_or_default();
        let placed = live.is_some_and(|live| live.call.is_placed());
        let talked = self.talked.entry(who).or_default();
        talked.retain(|known| known.call != call);
        if talked.len() == TALKED {
            talked.pop_front();
        }
        talked.push_back(Talked { call, with, placed });
    }

    /// Whom somebody talked with in this call, if it is one of their last.
    pub(super) fn talked_with(&self, who: &Name, call: CallId) -> Result<Promisee, ControlError> {
        Ok(self.talk_of(who, call)?.with.clone())
    }

    /// The queue by which the caller came with whom somebody talked in this call.
    pub(super) fn routed(&self, who: &Name, call: CallId) -> Result<Name, ControlError> {
        let talked = self.talk_of(who, call)?;
        let queue = talked.with.queue.clone().filter(|_| !talked.placed);
        Ok(queue.ok_or(Refusal::NotRouted)?)
    }

    fn talk_of(&self, who: &Name, call: CallId) -> Result<&Talked, Refusal> {
        let talked = self.talked.get(who).into_iter().flatten().find(|talked| talked.call == call);
        talked.ok_or_else(|| Refusal::NeverTalked(who.clone()))
    }

    /// An agent promises something to the caller whom they talk with, or talked with lately; the promise's number.
    pub(super) fn promise(
        &mut self,
        now: Now,
        call: CallId,
        who: &Name,
        draft: PromiseDraft,
        out: &mut Vec<Output>,
    ) -> Result<PromiseId, ControlError> {
        let to = self.talked_with(who, call)?;
        let PromiseDraft { kind, due, words } = draft;
        let new = NewPromise { call, owner: who.clone(), kind, due, words, to };
        let (id, told) = self.promises.make(now.wall, new).map_err(Refusal::Promise)?;
        out.extend(told.map(|what| Output::Fact(Fact { at: now.at, call: Some(call), what })));
        self.note_promises_due(now);
        Ok(id)
    }

    /// What may be promised at a level of escalation.
    pub(super) fn quote_of(&self, now: Now, level: &Name) -> Result<PromiseDraft, Refusal> {
        let levels = &self.parts.center.escalation;
        let unknown = || Refusal::NoSuchTarget(format!("level of escalation \"{level}\""));
        let promise = escalation::level(levels, level).ok_or_else(unknown)?.promise.as_ref();
        let MayPromise { kind, within, words } =
            promise.ok_or_else(|| Refusal::NoQuote(level.clone()))?.clone();
        Ok(PromiseDraft { kind, due: now.wall + within, words })
    }

    /// Whether this promise is open, and this agent's.
    pub(super) fn owes(&self, who: &Name, id: PromiseId) -> Result<(), Refusal> {
        let promise = self.promises.open().get(id);
        let promise = promise.ok_or(Refusal::Promise(PromiseError::NotOpen(id)))?;
        let owner = promise.owner.clone();
        if owner == *who { Ok(()) } else { Err(Refusal::Promise(PromiseError::NotYours { id, owner })) }
    }

    /// What somebody says of a promise; what it is then.
    pub fn promise_wish(
        &mut self,
        now: Now,
        id: PromiseId,
        (who, supervises): (&Name, bool),
        wish: PromiseWish,
        out: &mut Vec<Output>,
    ) -> Result<Promise, ControlError> {
        if let PromiseWish::Hand { to } = &wish
            && self.agent(to).is_none()
        {
            return Err(ControlError::UnknownAgent(to.to_string()));
        }
        let (call, what, promise) =
            self.promises.wish(now.wall, id, who, supervises, wish).map_err(Refusal::Promise)?;
        out.push(Output::Fact(Fact { at: now.at, call: Some(call), what }));
        self.note_promises_due(now);
        Ok(promise)
    }

    /// When the ledger is next due.
    pub(super) fn promises_deadline(&self) -> Option<Timestamp> {
        self.promises_due
    }

    /// Reminds owners, and tells what was not kept.
    pub(super) fn tick_promises(&mut self, now: Now, out: &mut Vec<Output>) {
        let mut told: Vec<(CallId, What)> = Vec::new();
        self.promises.tick(now.wall, &mut told);
        let fact = |(call, what)| Output::Fact(Fact { at: now.at, call: Some(call), what });
        out.extend(told.into_iter().map(fact));
        self.note_promises_due(now);
    }

    pub(super) fn note_promises_due(&mut self, now: Now) {
        let from_now = |due: WallTime| u64::try_from(due.0.saturating_sub(now.wall.0)).unwrap_or(0);
        let due = self.promises.deadline();
        self.promises_due = due.map(|due| Timestamp(now.at.0.saturating_add(from_now(due))));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::refer_tests::CALL;
    use super::super::refer_tests::House;
    use super::*;
    use crate::call::request::AgentRequest;
    use crate::call::request::OutcomeReport;
    use crate::fact::PromiseKind;
    use crate::fact::PromiseState;
    use crate::fact::Resolution;
    use crate::server::switchboard::Input;

    const DUE: WallTime = WallTime(600_000_000);

    impl House {
        fn asks(&mut self, who: &str, request: AgentRequest) -> Result<Option<PromiseId>, ControlError> {
            let now = Now { at: Timestamp::from_secs(1), wall: WallTime(1_000_000) };
            let mut out = Vec::new();
            let done = self.switchboard.request(now, CALL, &who.into(), request, &mut self.streams, &mut out);
            self.note(out);
            done
        }

        /// Time passes until something is due; how many seconds it is then.
        fn passes(&mut self) -> u64 {
            let at = self.switchboard.promises_deadline().expect("something is due");
            let now = Now { at, wall: WallTime(0) + Duration::from_micros(at.0) };
            let mut out = Vec::new();
            self.switchboard.handle(now, Input::Tick, &mut self.streams, &mut out);
            self.note(out);
            at.0 / 1_000_000
        }

        fn note(&mut self, out: Vec<Output>) {
            let facts = out.into_iter().filter_map(|output| match output {
                Output::Fact(fact) => Some(fact.what),
                _ => None,
            });
            self.facts.extend(facts);
        }
    }

    fn draft(due: WallTime) -> PromiseDraft {
        PromiseDraft { kind: PromiseKind::Callback, due, words: "the price".to_owned() }
    }

    fn outcome(promise: Option<PromiseDraft>, kept: Option<PromiseId>) -> AgentRequest {
        let (reason_code, note) = Default::default();
        let outcome = Resolution::Promised;
        AgentRequest::Outcome(Box::new(OutcomeReport { outcome, reason_code, note, promise, kept }))
    }

    #[test]
    fn what_is_promised_in_a_call_is_reminded_of_and_missed_by_the_calendar() {
        let mut house = House::new();
        assert!(house.asks("bob", AgentRequest::Promise(Box::new(draft(DUE)))).is_err(), "he has no caller");
        house.asks("alice", outcome(Some(draft(DUE)), None)).unwrap();
        let told = &house.facts[house.facts.len() - 2..];
        assert!(matches!(
            told,
            [What::OutcomeSet { .. }, What::PromiseMade { id: Some(PromiseId(1)), to, .. }]
                if to.queue.as_deref() == Some("help")
        ));
        assert_eq!(house.passes(), 300);
        assert!(
            house.facts.iter().any(|what| matches!(what, What::PromiseReminded { id: PromiseId(1), .. }))
        );
        assert_eq!(house.passes(), 600);
        assert!(house.facts.iter().any(|what| matches!(what, What::PromiseOverdue { id: PromiseId(1), .. })));
    }

    #[test]
    fn an_outcome_that_is_refused_tells_nothing_and_one_can_say_that_a_promise_was_kept() {
        let mut house = House::new();
        let before = house.facts.len();
        assert!(house.asks("alice", outcome(Some(draft(WallTime(0))), None)).is_err(), "it is past");
        assert!(
            house.asks("alice", outcome(Some(draft(DUE)), Some(PromiseId(9)))).is_err(),
            "no such promise"
        );
        assert_eq!(house.facts.len(), before);
        house.asks("alice", AgentRequest::Promise(Box::new(draft(DUE)))).unwrap();
        house.asks("alice", outcome(None, Some(PromiseId(1)))).unwrap();
        let settled = house.facts.last();
        assert!(
            matches!(settled, Some(What::PromiseSettled { state: PromiseState::Kept, .. })),
            "{settled:?}"
        );
        assert_eq!(house.switchboard.promises_deadline(), None);
    }

    #[test]
    fn a_promise_is_answered_with_its_number_and_said_again_with_the_same() {
        let mut house = House::new();
        let mut say = |due, words: &str| {
            let said = PromiseDraft { words: words.to_owned(), ..draft(due) };
            (house.asks("alice", AgentRequest::Promise(Box::new(said))).unwrap(), house.facts.len())
        };
        let (first, told) = say(DUE, "the price");
        assert_eq!(first, Some(PromiseId(1)));
        assert_eq!(say(DUE + Duration::from_secs(5), "the price"), (first, told), "nothing is told again");
        assert_eq!(say(DUE, "the invoice").0, Some(PromiseId(2)));
        let done = house.asks("alice", outcome(Some(draft(DUE + Duration::from_secs(90))), None));
        assert_eq!(done.unwrap(), Some(PromiseId(3)));
    }

    #[test]
    fn a_promise_is_handed_to_somebody_who_is_there() {
        let mut house = House::new();
        house.asks("alice", AgentRequest::Promise(Box::new(draft(DUE)))).unwrap();
        let now = Now { at: Timestamp::from_secs(2), wall: WallTime(2_000_000) };
        let mut hand = |to: &str| {
            let wish = PromiseWish::Hand { to: to.into() };
            house.switchboard.promise_wish(now, PromiseId(1), (&"alice".into(), false), wish, &mut Vec::new())
        };
        assert_eq!(hand("nobody").unwrap_err(), ControlError::UnknownAgent("nobody".to_owned()));
        assert_eq!(&*hand("bob").unwrap().owner, "bob");
        assert!(hand("alice").is_err(), "it is bob's now");
    }
}
