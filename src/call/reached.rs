//! Calling a caller back who kept their place: the caller first, with an agent reserved.
//!
//! | the caller | hears | left by |
//! |---|---|---|
//! | rings | – | pick-up, a refusal, the engine's time, or nobody is there for them any more |
//! | has picked up | who calls, then a ringing tone, which is no hold music | an agent, the engine's bound, the caller |
//! | is let go | that everybody is busy, and that they keep their place | the end of the words |
//!
//! How long each may take is the engine's; see `queue::reached`.

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::CallAction;
use super::Phase;
use super::callback::Callback;
use super::callback::RING_FOR;
use super::waiting::Wait;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::MissedWhy;
use crate::fact::Reason;
use crate::fact::What;
use crate::fact::Why;
use crate::flow::Center;
use crate::queue;

/// Why a try has failed of a caller who was there.
pub(super) const NOBODY_FREE: &str = "no agent took them in time";

/// The caller's phone rings, and an agent is reserved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Reaching {
    /// The wait that it keeps, should it fail.
    pub(super) wait: Wait,
    /// The line to the caller.
    pub(super) leg: LegId,
}

impl Call {
    /// The number at which the caller is being called back, or was reached.
    pub fn calls_back(&self) -> Option<&str> {
        let wait = match &self.phase {
            Phase::CallingBack(Callback { wait, .. }) | Phase::Reaching(Reaching { wait, .. }) => wait,
            Phase::Waiting(wait) if wait.reached => wait,
            _ => return None,
        };
        Some(self.number_of(wait))
    }

    /// Whether this is the line to a caller who is called before their agent.
    pub fn calls_first(&self, leg: LegId) -> bool {
        matches!(&self.phase, Phase::Reaching(reaching) if reaching.leg == leg)
    }

    /// An agent is reserved: the caller is called, if their phone does not ring yet.
    pub(super) fn reserved(&mut self, agent: Name, why: Reason, out: &mut Vec<CallAction>) {
        let wait = match &self.phase {
            Phase::Waiting(wait) => Some(wait.clone()),
            Phase::Reaching(_) => None,
            _ => return,
        };
        out.push(CallAction::Fact(What::AgentReserved { agent, why: Why::Reason(why) }));
        if let Some(mut wait) = wait {
            // They were told that they are called back, and may still be listening.
            out.extend(self.caller.take().map(|leg| CallAction::HangUp { leg, elsewhere: false }));
            wait.let_go(None);
            let leg = self.dial_back(&mut wait, out);
            self.phase = Phase::Reaching(Reaching { wait, leg });
        }
    }

    /// The caller is called no more.
    pub(super) fn stop_calling(&mut self, missed: bool, out: &mut Vec<CallAction>) {
        let (mut wait, leg) = match &self.phase {
            Phase::Reaching(reaching) => (reaching.wait.clone(), Some(reaching.leg)),
            // They picked up in the same moment.
            Phase::Waiting(wait) if wait.reached => (wait.clone(), self.caller.take()),
            _ => return,
        };
        if missed {
            out.push(self.try_failed(&wait, "no answer"));
        } else {
            let (number, attempt) = (self.number_of(&wait).to_owned(), wait.callbacks);
            out.push(CallAction::Fact(What::CallbackCancelled { number, attempt }));
            wait.callbacks = wait.callbacks.saturating_sub(1);
        }
        out.extend(leg.map(|leg| CallAction::HangUp { leg, elsewhere: false }));
        wait.let_go(None);
        self.phase = Phase::Waiting(wait);
    }

    /// The caller has picked up: they hear who calls, and the agent is rung.
    pub(super) fn caller_reached(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        let Phase::Reaching(Reaching { wait, leg }) = self.phase.clone() else { return };
        let (number, attempt) = (self.number_of(&wait).to_owned(), wait.callbacks);
        let greeting = self.prompts(center).map(|prompts| prompts.callback_greeting.clone());
        self.caller = Some(leg);
        out.push(CallAction::Fact(What::CallbackReached { number, attempt }));
        let play = greeting.and_then(|greeting| self.say(vec![greeting], false, out));
        self.phase = Phase::Waiting(wait.greets(play));
        out.push(CallAction::Queue(queue::Event::CallerReached { call: self.id }));
    }

    /// The caller did not pick up, or hung up again before an agent had them.
    pub(super) fn caller_missed(&mut self, cause: &str, out: &mut Vec<CallAction>) {
        let mut wait = match &self.phase {
            Phase::Reaching(Reaching { wait, .. }) | Phase::Waiting(wait) => wait.clone(),
            _ => return,
        };
        self.caller = None;
        out.push(self.try_failed(&wait, cause));
        wait.let_go(None);
        self.phase = Phase::Waiting(wait);
        out.push(CallAction::Queue(queue::Event::CallerMissed { call: self.id }));
    }

    /// Nobody took the caller in time: they are told so, and keep their place.
    pub(super) fn not_served(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        let Some(prompts) = self.prompts(center) else { return };
        let words = vec![prompts.all_busy.clone(), prompts.callback.clone()];
        let Phase::Waiting(wait) = &self.phase else { return };
        if !wait.reached {
            return;
        }
        out.push(self.try_failed(wait, NOBODY_FREE));
        let play = self.say(words, false, out);
        if let Phase::Waiting(wait) = &mut self.phase {
            wait.let_go(play);
        }
    }

    /// The agent has picked up while the caller hears who calls: they hear each other once it is said.
    pub(super) fn agent_hears_out(&mut self, now: Timestamp, leg: LegId) {
        let Phase::Waiting(wait) = &self.phase else { return };
        let (wait, greeting) = (wait.clone(), wait.greeting());
        self.phase = Phase::CallingBack(Callback { wait, leg, until: now + RING_FOR, greeting });
    }

    /// The agent hung up before the caller had heard who calls: they are on the line, and served by others.
    pub(super) fn next_agent(&mut self, now: Timestamp, out: &mut Vec<CallAction>) {
        self.agent_goes(MissedWhy::Unreachable, out);
        self.agent = None;
        self.rejoin(now, out);
    }

    /// An agent who has picked up does not get the caller, and is free again.
    pub(super) fn agent_goes(&self, why: MissedWhy, out: &mut Vec<CallAction>) {
        let Some(line) = &self.agent else { return };
        let call = self.id;
        out.push(CallAction::Fact(What::AgentMissed { agent: line.name.clone(), why }));
        out.extend(line.agent.map(|agent| CallAction::Queue(queue::Event::TalkEnded { call, agent })));
    }
}
