//! Called back instead of held: the agent and the caller agree on it, by the agent's word or by the caller's key when they
//! are asked whether they may be held. The caller keeps their place in the queue, as old as they are, and whoever is free
//! when it is their turn calls them back.

use std::time::Duration;

use super::Call;
use super::CallAction;
use super::Phase;
use super::request::Refusal;
use super::waiting::Wait;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::HoldWay;
use crate::fact::What;
use crate::flow::Center;
use crate::flow::api::CallbackAt;
use crate::flow::center::HOLD_KEYS_CALLBACK;
use crate::queue;

/// The latest that a callback is put off to; what is later is a promise.
pub const LATEST: Duration = Duration::from_secs(4 * 60 * 60);

impl Call {
    /// Whether the question before a hold has a callback among its answers.
    pub(super) fn offers_callback(&self, center: &Center) -> bool {
        let recorded = center.prompts.has(&self.language, HOLD_KEYS_CALLBACK);
        let alone = self.talk().is_some_and(|talk| talk.members.is_empty() && talk.consult.is_none());
        recorded && alone && self.has_callback_number(center)
    }

    /// Whether the caller called us, from a number that we know and can call.
    fn has_callback_number(&self, center: &Center) -> bool {
        self.placed.is_none() && self.joined.is_some() && self.can_be_called_back(center)
    }

    pub(super) fn call_back_wish(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        agreed: bool,
        after: Duration,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        self.may_hold()?;
        let Some(talk) = self.talk() else { return Err(Refusal::NotTalking) };
        if talk.consult.is_some() {
            return Err(Refusal::Consulting);
        }
        if !talk.members.is_empty() {
            return Err(Refusal::Conference);
        }
        if !self.has_callback_number(center) {
            return Err(Refusal::NoNumber);
        }
        if self.policy(center).hold.way == HoldWay::Prompted {
            return Err(Refusal::MustPrompt);
        }
        if !agreed {
            return Err(Refusal::NotAgreed);
        }
        if after > LATEST {
            return Err(Refusal::TooLate(after.as_secs()));
        }
        let at = (!after.is_zero()).then(|| CallbackAt { at: now + after, wall: wall + after });
        self.call_back_instead(now, HoldWay::Verbal, at, out);
        Ok(())
    }

    /// The agent is free, the caller hears that they will be called back, and their place is kept.
    pub(super) fn call_back_instead(
        &mut self,
        now: Timestamp,
        way: HoldWay,
        at: Option<CallbackAt>,
        out: &mut Vec<CallAction>,
    ) {
        let Some(joined) = self.joined.clone() else { return };
        let Some(line) = self.agent.take() else { return };
        let name = line.name.clone();
        out.push(CallAction::HangUp { leg: line.leg, elsewhere: false });
        self.leave_talk(now, line, out);
        out.push(CallAction::Fact(What::CallbackAgreed { agent: name, way }));
        let from = at.map_or(now, |at| at.at);
        let enqueue = Box::new(self.enqueue(&joined, joined.age(now)));
        self.phase = Phase::Waiting(Wait::to_call_back(joined.queue, at));
        out.push(CallAction::Queue(queue::Event::KeepPlace { enqueue, from }));
    }
}
