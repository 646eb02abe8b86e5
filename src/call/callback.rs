//! Calling a caller back who kept their place: the agent first, then the caller. The other way round is in `reached`.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::CallAction;
use super::Phase;
use super::waiting::Wait;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::fact::Party;
use crate::fact::What;
use crate::flow::Center;
use crate::media::control::PlayId;
use crate::queue;

/// How long the caller's phone rings for a callback.
pub(super) const RING_FOR: Duration = queue::CALLER_RINGS;

/// A callback under way: an agent is on the line, and the caller's phone rings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Callback {
    /// The wait that it keeps, should it fail.
    pub(super) wait: Wait,
    /// The line to the caller.
    pub(super) leg: LegId,
    pub(super) until: Timestamp,
    /// "This is the call you asked for", while it plays to the caller.
    pub(super) greeting: Option<PlayId>,
}

impl Call {
    /// The agent has picked up: now call the caller.
    pub(super) fn call_back(
        &mut self,
        center: &Center,
        now: Timestamp,
        mut wait: Wait,
        agent_leg: LegId,
        out: &mut Vec<CallAction>,
    ) {
        if let Some(prompts) = self.prompts(center) {
            let mut prompts = vec![prompts.agent_calling_back.clone()];
            prompts.extend(self.whispered(center, now));
            let play = self.new_play();
            out.push(CallAction::Play { leg: agent_leg, play, prompts, barge_in: false, repeat: false });
        }
        let leg = self.dial_back(&mut wait, out);
        self.phase = Phase::CallingBack(Callback { wait, leg, until: now + RING_FOR, greeting: None });
    }

    /// Dials the caller of a kept place: the line.
    pub(super) fn dial_back(&mut self, wait: &mut Wait, out: &mut Vec<CallAction>) -> LegId {
        wait.callbacks += 1;
        let number = self.number_of(wait).to_owned();
        let leg = self.new_leg(Party::Caller);
        out.push(CallAction::Fact(What::CallbackDialled { number: number.clone(), attempt: wait.callbacks }));
        out.push(match wait.other_number() {
            Some(_) => CallAction::DialNumber { leg, number },
            None => CallAction::DialCaller { leg, number },
        });
        leg
    }

    /// The number at which the caller of a kept place is called.
    pub(super) fn number_of<'a>(&'a self, wait: &'a Wait) -> &'a str {
        wait.other_number().unwrap_or(&self.arrival.number)
    }

    /// The try has failed.
    pub(super) fn try_failed(&self, wait: &Wait, cause: &str) -> CallAction {
        let (number, attempt, cause) = (self.number_of(wait).to_owned(), wait.callbacks, cause.to_owned());
        CallAction::Fact(What::CallbackFailed { number, attempt, cause })
    }

    /// How long the phone of this line is to ring, where that is ours to say from the beginning: so it rings no longer,
    /// should this server not be there to end it.
    pub fn rings_for(&self, leg: LegId) -> Option<Duration> {
        let rings = match &self.phase {
            Phase::CallingBack(callback) => callback.leg == leg,
            _ => self.calls_first(leg),
        };
        rings.then_some(RING_FOR)
    }

    /// The caller has picked up: say who calls, then join.
    pub(super) fn callback_reached(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        out: &mut Vec<CallAction>,
    ) {
        self.caller = Some(leg);
        let Some(prompts) = self.prompts(center) else { return self.begin_talk(center, now, out) };
        let prompts = vec![prompts.callback_greeting.clone()];
        let play = self.new_play();
        out.push(CallAction::Fact(What::Played { prompts: prompts.clone() }));
        out.push(CallAction::Play { leg, play, prompts, barge_in: false, repeat: false });
        if let Phase::CallingBack(callback) = &mut self.phase {
            callback.greeting = Some(play);
            callback.until = now + RING_FOR;
        }
    }

    /// The caller could not be reached, or somebody hung up before they were joined: the place is kept.
    pub(super) fn callback_failed(&mut self, cause: &str, out: &mut Vec<CallAction>) {
        let Phase::CallingBack(callback) = &self.phase else { return };
        out.push(self.try_failed(&callback.wait, cause));
        let mut wait = callback.wait.clone();
        if wait.reached {
            wait.let_go(None);
        }
        let agent = self.agent.as_ref().and_then(|line| line.agent);
        self.end_lines(false, out);
        self.phase = Phase::Waiting(wait);
        let call = self.id;
        out.extend(agent.map(|agent| CallAction::Queue(queue::Event::CallbackFailed { call, agent })));
    }
}
