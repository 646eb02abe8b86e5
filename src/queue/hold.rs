//! The wait that an agent's hold is: permission, quote, nudge, check-ins, cap. Pure, one caller's.
//!
//! | stage | left by |
//! |---|---|
//! | asked | the caller's key, or silence after the question |
//! | held | the agent, the caller's key, the cap, or somebody's leaving |
//! | over | – |
//!
//! [`Action::Music`] comes after a yes or an override and never otherwise.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::HoldAnswer;
use crate::fact::HoldBy;
use crate::fact::HoldEndedBy;
use crate::fact::HoldWay;
use crate::fact::What;

/// The longest that the question may take to play before its silence counts regardless.
const QUESTION_WITHIN: Duration = Duration::from_secs(20);

/// The key that agrees to a hold, and that brings the agent back.
const YES: char = '1';
/// The key that keeps talking.
const NO: char = '2';
/// The key that has the agent call back instead, where that is offered.
const CALL_BACK: char = '3';

/// How a queue's agents may hold its callers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldPolicy {
    /// How callers are asked when an agent does not say: verbally. Where it is by prompt, an agent's word that
    /// the caller agreed is not enough.
    pub way: HoldWay,
    /// The longest that may be quoted. Default 120 s.
    pub longest_quote: Duration,
    /// How long the caller has to answer a prompt. Default 10 s from its end.
    pub answer_within: Duration,
    /// How often a held caller is told that they are remembered. Default 60 s; 0 is never.
    pub check_in: Duration,
    /// When the caller and the agent are brought together again. Default 120 s.
    pub cap: Duration,
}

impl Default for HoldPolicy {
    fn default() -> HoldPolicy {
        let seconds = Duration::from_secs;
        HoldPolicy {
            way: HoldWay::Verbal,
            longest_quote: seconds(120),
            answer_within: seconds(10),
            check_in: seconds(60),
            cap: seconds(120),
        }
    }
}

/// What an agent wants a hold for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    pub agent: Name,
    pub reason: String,
    pub quote: Duration,
    /// Whether a caller who is asked by prompt may be called back instead.
    #[serde(default)]
    pub offers_callback: bool,
}

/// What a hold is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// The question has been played to its end.
    QuestionEnded,
    /// The caller pressed a key.
    Key(char),
    /// It is to end: the agent is back, somebody left, a consult took the caller along.
    End(HoldEndedBy),
    /// [`Hold::deadline`] is due.
    Tick,
}

/// What a hold wants done. In order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Put the question by prompt.
    Ask,
    /// The caller is held: play music.
    Music,
    /// Tell the caller that they are remembered; the music goes on after it.
    CheckIn,
    /// Tell the caller how much longer it takes; the music goes on after it.
    Requote,
    /// Remind the agent.
    Nudge,
    /// The caller would not be held: talk on.
    Refused,
    /// The caller would not be held, and wants to be called back instead.
    CallBack,
    /// The hold is over: agent and caller, if both are there, hear each other.
    Back(HoldEndedBy),
    /// Tell the history.
    Fact(What),
}

/// A hold, from the question to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    policy: HoldPolicy,
    wish: Wish,
    stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Stage {
    Asked { silent_at: Timestamp },
    Held(Held),
    Over,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Held {
    since: Timestamp,
    nudge_at: Option<Timestamp>,
    check_in_at: Option<Timestamp>,
    cap_at: Timestamp,
}

impl Hold {
    /// An agent has the caller asked by prompt.
    pub fn ask(now: Timestamp, policy: &HoldPolicy, wish: Wish, out: &mut Vec<Action>) -> Hold {
        told(&wish, HoldWay::Prompted, out);
        out.push(Action::Ask);
        let stage = Stage::Asked { silent_at: now + QUESTION_WITHIN + policy.answer_within };
        Hold { policy: policy.clone(), wish, stage }
    }

    /// An agent has asked the caller, who said yes.
    pub fn agreed(now: Timestamp, policy: &HoldPolicy, wish: Wish, out: &mut Vec<Action>) -> Hold {
        told(&wish, HoldWay::Verbal, out);
        answered(&wish, HoldAnswer::Yes, out);
        Hold::granted(now, policy, wish, HoldBy::Caller, out)
    }

    /// An agent has asked the caller, who said no: nothing comes of it but the fact.
    pub fn disagreed(wish: &Wish, out: &mut Vec<Action>) {
        told(wish, HoldWay::Verbal, out);
        answered(wish, HoldAnswer::No, out);
    }

    /// An agent holds without asking, for a reason that is written down.
    pub fn overridden(now: Timestamp, policy: &HoldPolicy, wish: Wish, out: &mut Vec<Action>) -> Hold {
        told(&wish, HoldWay::Override, out);
        Hold::granted(now, policy, wish, HoldBy::Override, out)
    }

    /// The caller is held again within a permission that still runs: `wish` quotes what is left of it.
    pub fn granted(
        now: Timestamp,
        policy: &HoldPolicy,
        wish: Wish,
        by: HoldBy,
        out: &mut Vec<Action>,
    ) -> Hold {
        let mut hold = Hold { policy: policy.clone(), wish, stage: Stage::Over };
        hold.begin(now, by, out);
        hold
    }

    fn begin(&mut self, now: Timestamp, by: HoldBy, out: &mut Vec<Action>) {
        let Wish { agent, reason, quote, .. } = self.wish.clone();
        self.stage = Stage::Held(Held {
            since: now,
            nudge_at: Some(now + quote.mul_f64(0.75)),
            check_in_at: self.next_check_in(now),
            cap_at: now + self.policy.cap,
        });
        let until = now + quote;
        out.push(Action::Fact(What::HoldStarted { agent, reason, until, by }));
        out.push(Action::Music);
    }

    /// The agent needs longer, and says how long: told before the quote slips, and never beyond the cap. What is left
    /// of that when it is too long; nothing where nobody is held.
    pub fn requote(
        &mut self,
        now: Timestamp,
        quote: Duration,
        out: &mut Vec<Action>,
    ) -> Result<(), Option<Duration>> {
        let next_check_in = self.next_check_in(now);
        let Stage::Held(held) = &mut self.stage else { return Err(None) };
        let left = held.cap_at.since(now);
        if quote > left {
            return Err(Some(left));
        }
        held.nudge_at = Some(now + quote.mul_f64(0.75));
        held.check_in_at = next_check_in;
        self.wish.quote = quote;
        let (agent, until) = (self.wish.agent.clone(), now + quote);
        out.push(Action::Fact(What::HoldRequoted { agent, until }));
        out.push(Action::Requote);
        Ok(())
    }

    fn next_check_in(&self, now: Timestamp) -> Option<Timestamp> {
        (!self.policy.check_in.is_zero()).then(|| now + self.policy.check_in)
    }

    /// Applies `event` at `now` and appends what must be done, in order, to `out`.
    pub fn handle(&mut self, now: Timestamp, event: Event, out: &mut Vec<Action>) {
        match (&mut self.stage, event) {
            (Stage::Asked { silent_at }, Event::QuestionEnded) => {
                *silent_at = now + self.policy.answer_within;
            }
            (Stage::Asked { .. }, Event::Key(YES)) => {
                answered(&self.wish, HoldAnswer::Yes, out);
                self.begin(now, HoldBy::Caller, out);
            }
            (Stage::Asked { .. }, Event::Key(NO)) => self.refused(HoldAnswer::No, Action::Refused, out),
            (Stage::Asked { .. }, Event::Key(CALL_BACK)) if self.wish.offers_callback => {
                self.refused(HoldAnswer::No, Action::CallBack, out);
            }
            (Stage::Asked { silent_at }, Event::Tick) if *silent_at <= now => {
                self.refused(HoldAnswer::Silent, Action::Refused, out);
            }
            // The question is taken back: the agent would rather talk, or somebody left.
            (Stage::Asked { .. }, Event::End(_)) => {
                self.stage = Stage::Over;
                out.push(Action::Refused);
            }
            (Stage::Held(_), Event::Key(YES)) => self.over(now, HoldEndedBy::Caller, out),
            (Stage::Held(_), Event::End(by)) => self.over(now, by, out),
            (Stage::Held(_), Event::Tick) => self.held_tick(now, out),
            _ => {}
        }
    }

    fn held_tick(&mut self, now: Timestamp, out: &mut Vec<Action>) {
        let next_check_in = self.next_check_in(now);
        let agent = self.wish.agent.clone();
        let Stage::Held(held) = &mut self.stage else { return };
        if held.cap_at <= now {
            out.push(Action::Fact(What::HoldAlarm { agent }));
            return self.over(now, HoldEndedBy::Cap, out);
        }
        if held.nudge_at.take_if(|at| *at <= now).is_some() {
            out.push(Action::Fact(What::HoldNudged { agent }));
            out.push(Action::Nudge);
        }
        if held.check_in_at.is_some_and(|at| at <= now) {
            held.check_in_at = next_check_in;
            out.push(Action::Fact(What::HoldCheckedIn));
            out.push(Action::CheckIn);
        }
    }

    /// When [`Event::Tick`] is next due.
    pub fn deadline(&self) -> Option<Timestamp> {
        match &self.stage {
            Stage::Asked { silent_at } => Some(*silent_at),
            Stage::Held(held) => {
                [Some(held.cap_at), held.nudge_at, held.check_in_at].into_iter().flatten().min()
            }
            Stage::Over => None,
        }
    }

    /// How long it is to take, as the caller is told.
    pub fn quote(&self) -> Duration {
        self.wish.quote
    }

    /// Whether the caller who is asked may be called back instead.
    pub fn offers_callback(&self) -> bool {
        self.wish.offers_callback
    }

    /// Whether the caller is held now.
    pub fn is_held(&self) -> bool {
        matches!(self.stage, Stage::Held(_))
    }

    /// Whether there is nothing left of it.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    fn refused(&mut self, answer: HoldAnswer, then: Action, out: &mut Vec<Action>) {
        self.stage = Stage::Over;
        answered(&self.wish, answer, out);
        out.push(then);
    }

    fn over(&mut self, now: Timestamp, by: HoldEndedBy, out: &mut Vec<Action>) {
        let Stage::Held(Held { since, .. }) = &self.stage else { return };
        let (agent, held) = (self.wish.agent.clone(), now.since(*since));
        self.stage = Stage::Over;
        out.push(Action::Fact(What::HoldEnded { agent, held, by }));
        out.push(Action::Back(by));
    }
}

fn told(wish: &Wish, way: HoldWay, out: &mut Vec<Action>) {
    let Wish { agent, reason, quote, .. } = wish.clone();
    out.push(Action::Fact(What::HoldAsked { agent, reason, quote, way }));
}

fn answered(wish: &Wish, answer: HoldAnswer, out: &mut Vec<Action>) {
    out.push(Action::Fact(What::HoldAnswered { agent: wish.agent.clone(), answer }));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn wish() -> Wish {
        let (reason, quote) = ("the invoice".to_owned(), Duration::from_secs(60));
        Wish { agent: "alice".into(), reason, quote, offers_callback: true }
    }

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn step(hold: &mut Hold, secs: u64, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        hold.handle(at(secs), event, &mut out);
        out.retain(|action| !matches!(action, Action::Fact(_)));
        out
    }

    #[test]
    fn a_silent_caller_is_not_held() {
        let mut hold = Hold::ask(at(0), &HoldPolicy::default(), wish(), &mut Vec::new());
        assert_eq!(step(&mut hold, 4, Event::QuestionEnded), []);
        assert_eq!(hold.deadline(), Some(at(14)));
        assert_eq!(step(&mut hold, 13, Event::Tick), []);
        assert_eq!(step(&mut hold, 14, Event::Tick), [Action::Refused]);
        assert!(hold.is_over() && hold.deadline().is_none());
    }

    #[test]
    fn a_caller_who_says_yes_is_remembered_and_has_the_agent_back_at_the_cap() {
        let mut hold = Hold::ask(at(0), &HoldPolicy::default(), wish(), &mut Vec::new());
        assert_eq!(step(&mut hold, 2, Event::Key('7')), []);
        assert_eq!(step(&mut hold, 3, Event::Key('1')), [Action::Music]);
        let mut seen = Vec::new();
        while let Some(due) = hold.deadline() {
            let mut out = Vec::new();
            hold.handle(due, Event::Tick, &mut out);
            seen.extend(out.into_iter().map(|action| (due, action)));
        }
        seen.retain(|(_, action)| !matches!(action, Action::Fact(_)));
        let expected = [(48, Action::Nudge), (63, Action::CheckIn), (123, Action::Back(HoldEndedBy::Cap))];
        assert_eq!(seen, expected.map(|(secs, action)| (at(secs), action)));
    }

    #[test]
    fn a_quote_that_would_slip_is_told_anew_and_never_beyond_the_cap() {
        let mut hold = Hold::agreed(at(0), &HoldPolicy::default(), wish(), &mut Vec::new());
        let mut out = Vec::new();
        assert_eq!(
            hold.requote(at(50), Duration::from_secs(71), &mut out),
            Err(Some(Duration::from_secs(70)))
        );
        assert_eq!((hold.requote(at(50), Duration::from_secs(60), &mut out), out.len()), (Ok(()), 2));
        assert_eq!(out[1], Action::Requote);
        assert_eq!(step(&mut hold, 95, Event::Tick), [Action::Nudge], "at three quarters of it");
        assert_eq!(step(&mut hold, 110, Event::Tick), [Action::CheckIn]);
        assert_eq!(step(&mut hold, 120, Event::Tick), [Action::Back(HoldEndedBy::Cap)]);
        assert_eq!(hold.requote(at(121), Duration::from_secs(1), &mut out), Err(None));
    }

    #[test]
    fn who_would_not_be_held_is_called_back_by_key_where_that_is_offered() {
        let policy = HoldPolicy::default();
        let mut hold = Hold::ask(at(0), &policy, wish(), &mut Vec::new());
        assert_eq!(step(&mut hold, 3, Event::Key('3')), [Action::CallBack]);
        assert!(hold.is_over());
        let not_offered = Wish { offers_callback: false, ..wish() };
        let mut hold = Hold::ask(at(0), &policy, not_offered, &mut Vec::new());
        assert_eq!(step(&mut hold, 3, Event::Key('3')), []);
    }

    #[test]
    fn a_held_caller_s_key_brings_the_agent_back() {
        let mut hold = Hold::agreed(at(0), &HoldPolicy::default(), wish(), &mut Vec::new());
        assert_eq!(step(&mut hold, 5, Event::Key('2')), []);
        assert_eq!(step(&mut hold, 6, Event::Key('1')), [Action::Back(HoldEndedBy::Caller)]);
        assert_eq!(step(&mut hold, 7, Event::Key('1')), []);
    }

    /// Every order of events up to eight: no music without a yes or an override, and every stage but the last
    /// has a deadline.
    #[test]
    fn no_order_of_events_plays_music_without_a_permission() {
        let policy = HoldPolicy::default();
        let mut asked = Vec::new();
        let asked = Hold::ask(at(0), &policy, wish(), &mut asked);
        let events = [
            Event::QuestionEnded,
            Event::Key('1'),
            Event::Key('2'),
            Event::Key('3'),
            Event::Key('#'),
            Event::End(HoldEndedBy::Agent),
            Event::Tick,
        ];
        let mut edge = vec![(asked, at(0), false)];
        let mut seen = BTreeSet::new();
        for _ in 0..8 {
            let mut next = Vec::new();
            for (hold, now, permitted) in edge {
                for event in events {
                    let (mut hold, mut out, mut permitted) = (hold.clone(), Vec::new(), permitted);
                    let now = if event == Event::Tick { hold.deadline().unwrap_or(now) } else { now };
                    hold.handle(now, event, &mut out);
                    for action in &out {
                        permitted |= matches!(
                            action,
                            Action::Fact(What::HoldAnswered { answer: HoldAnswer::Yes, .. })
                        );
                        assert!(permitted || *action != Action::Music, "{hold:?} at {event:?}");
                    }
                    assert!(hold.is_over() == hold.deadline().is_none(), "{hold:?} has no end");
                    assert!(!hold.is_held() || permitted, "{hold:?} at {event:?}");
                    if seen.insert(format!("{hold:?}{now}{permitted}")) {
                        next.push((hold, now, permitted));
                    }
                }
            }
            edge = next;
        }
        assert!(seen.len() > 10, "{}", seen.len());
    }
}
