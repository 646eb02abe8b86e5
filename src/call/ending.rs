//! How a call ends: the last prompt, the closing of its lines, the last fact.

use super::Call;
use super::CallAction;
use super::FAREWELL_WITHIN;
use super::Phase;
use super::callback::Callback;
use super::reached::Reaching;
use super::whisper::Whispering;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::MissedWhy;
use crate::fact::OPERATOR_ENDS;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::RecordingEnd;
use crate::fact::What;
use crate::flow::Center;
use crate::flow::FlowEvent;
use crate::queue;
use crate::queue::api::EndedBy;

impl Call {
    /// Plays a last prompt to the caller and then ends the line.
    pub(super) fn farewell(
        &mut self,
        now: Timestamp,
        prompt: Name,
        outcome: Outcome,
        cause: &str,
        out: &mut Vec<CallAction>,
    ) {
        let Some(leg) = self.caller else {
            return self.finish(Party::Server, outcome, cause, out);
        };
        let play = self.new_play();
        out.push(CallAction::Fact(What::Played { prompts: vec![prompt.clone()] }));
        out.push(CallAction::Play { leg, play, prompts: vec![prompt], barge_in: false, repeat: false });
        self.phase = Phase::Farewell { play, until: now + FAREWELL_WITHIN, outcome, cause: cause.into() };
    }

    pub(super) fn end_farewell(&mut self, out: &mut Vec<CallAction>) {
        if let Phase::Farewell { outcome, cause, .. } = &self.phase {
            let (outcome, cause) = (*outcome, cause.clone());
            self.end_lines(false, out);
            self.finish(Party::Server, outcome, &cause, out);
        }
    }

    /// A party hung up, or is gone.
    pub(super) fn on_party_left(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        cause: &Name,
        out: &mut Vec<CallAction>,
    ) {
        if self.own_line_left(center, now, leg, out) {
            return;
        }
        if self.is_forward(leg) {
            self.forward_left(center, now, out);
        } else if self.caller == Some(leg) {
            self.caller_left(center, now, cause, out);
        } else if let Some(place) = self.beside.iter().position(|line| line.leg == leg) {
            let line = self.beside.remove(place);
            self.ring_failed(line, MissedWhy::Unreachable, out);
        } else if self.agent.as_ref().is_some_and(|line| line.leg == leg) {
            self.agent_left(center, now, cause, out);
        } else if self.is_supervisor(leg) {
            self.supervisor_left(center, leg, out);
        } else if self.is_listener(leg) {
            self.listener_left(center, leg, out);
        } else if self.is_member(leg) {
            self.member_left(center, leg, Party::Consulted, out);
        } else if self.consulted().is_some_and(|line| line.leg == leg) {
            self.receiver_left(center, now, out);
        } else if matches!(&self.phase, Phase::CallingBack(callback) if callback.leg == leg) {
            self.callback_failed(cause, out);
        } else if self.calls_first(leg) {
            self.caller_missed(cause, out);
        } else if matches!(&self.phase, Phase::Calling(calling) if calling.leg == Some(leg)) {
            self.callee_failed(MissedWhy::Unreachable, out);
        }
    }

    fn caller_left(&mut self, center: &Center, now: Timestamp, cause: &Name, out: &mut Vec<CallAction>) {
        match &self.phase {
            Phase::Flow => {
                self.step_flow(center, now, FlowEvent::HungUp, out);
                self.caller = None;
                self.run = None;
                let talked = self.end_forward(now, MissedWhy::Withdrawn, Party::Caller, out);
                let outcome =
                    if talked { Outcome::Talked } else { self.outcome_of_flow(Outcome::LeftInFlow) };
                self.finish(Party::Caller, outcome, cause, out);
            }
            Phase::Waiting(wait) if wait.reached => self.caller_missed(cause, out),
            Phase::Waiting(wait) if wait.place_is_kept() => self.caller = None,
            Phase::Waiting(_) => {
                self.caller = None;
                self.leave_queue(out);
                self.finish(Party::Caller, Outcome::Abandoned, cause, out);
            }
            Phase::Whispering(_) => self.whisper_abandoned(cause, out),
            Phase::Talking(_) => {
                self.caller = None;
                self.end_talk(now, Party::Caller, cause, out);
            }
            Phase::Farewell { outcome, .. } => {
                let outcome = *outcome;
                self.caller = None;
                self.finish(Party::Caller, outcome, cause, out);
            }
            Phase::Identifying { .. } => {
                self.caller = None;
                self.finish(Party::Caller, Outcome::LeftInFlow, cause, out);
            }
            Phase::CallingBack(_) => {
                self.caller = None;
                self.callback_failed(cause, out);
            }
            // The caller's place is empty.
            Phase::Calling(_) => {}
            // It is the line of before, and the other one rings.
            Phase::Reaching(_) => self.caller = None,
            Phase::Kept | Phase::Ended { .. } => self.caller = None,
        }
    }

    /// The server ends the call.
    pub(super) fn stop(&mut self, center: &Center, cause: &str, now: Timestamp, out: &mut Vec<CallAction>) {
        let by = if cause == OPERATOR_ENDS { EndedBy::Operator } else { EndedBy::Server };
        match self.phase {
            // What the caller has said so far is kept.
            Phase::Flow if self.messages.leg.is_some() => self.step_flow(center, now, FlowEvent::HungUp, out),
            Phase::Kept | Phase::Ended { .. } => return,
            Phase::Talking(_) => return self.end_talk(now, Party::Server, cause, out),
            Phase::Whispering(_) => {
                self.tell_wait_ended(by, out);
                self.agent_goes(MissedWhy::Withdrawn, out);
            }
            Phase::Waiting(_) | Phase::CallingBack(_) | Phase::Reaching(_) | Phase::Calling(_) => {
                self.tell_wait_ended(by, out);
                out.push(CallAction::Queue(queue::Event::Ended { call: self.id, by }));
            }
            _ => {}
        }
        self.run = None;
        self.end_lines(false, out);
        let outcome = match cause {
            _ if self.talked => Outcome::Talked,
            OPERATOR_ENDS => Outcome::EndedByOperator,
            _ => Outcome::Failed,
        };
        self.finish(Party::Server, outcome, cause, out);
    }

    /// Tells that the wait is over by that, where there was one. The engine's own word comes too late for a call that has no
    /// lines.
    fn tell_wait_ended(&self, by: EndedBy, out: &mut Vec<CallAction>) {
        let wait = match &self.phase {
            Phase::Waiting(wait) => wait,
            Phase::CallingBack(Callback { wait, .. })
            | Phase::Whispering(Whispering { wait, .. })
            | Phase::Reaching(Reaching { wait, .. }) => wait,
            _ => return,
        };
        if !wait.is_for_agent() {
            out.push(CallAction::Fact(What::WaitEnded { exit: by.exit() }));
        }
    }

    /// The server stops: what is under way ends, and a place that is kept is left for its next start.
    pub(super) fn shut_down(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        const CAUSE: &str = "the server stops";
        match &self.phase {
            Phase::Waiting(wait) if wait.reached => out.push(self.try_failed(wait, CAUSE)),
            Phase::Waiting(wait) if wait.place_is_kept() => {}
            Phase::CallingBack(callback) => out.push(self.try_failed(&callback.wait, CAUSE)),
            Phase::Reaching(reaching) => out.push(self.try_failed(&reaching.wait, CAUSE)),
            _ => return self.stop(center, CAUSE, now, out),
        }
        self.end_lines(false, out);
        self.phase = Phase::Kept;
        self.conclude(out);
    }

    /// Whether only a place is kept, with nobody on the line and nobody rung: a server that stops need not wait for it.
    pub fn rests(&self) -> bool {
        let kept = matches!(&self.phase, Phase::Waiting(wait) if wait.place_is_kept());
        kept && self.open.is_empty() && self.agent.is_none()
    }

    /// Tells the engine that nobody waits here any more; it withdraws an agent who rings.
    pub(super) fn leave_queue(&mut self, out: &mut Vec<CallAction>) {
        out.push(CallAction::Queue(queue::Event::Abandoned { call: self.id }));
    }

    /// Ends every line that is still there.
    pub(super) fn end_lines(&mut self, elsewhere: bool, out: &mut Vec<CallAction>) {
        if let Some(forward) = self.forward.take() {
            out.push(CallAction::HangUp { leg: forward.leg, elsewhere });
        }
        let dialled = match &self.phase {
            Phase::CallingBack(callback) if self.caller != Some(callback.leg) => Some(callback.leg),
            Phase::Reaching(reaching) => Some(reaching.leg),
            Phase::Calling(calling) => calling.leg,
            _ => None,
        };
        let agents =
            self.agent.take().into_iter().chain(std::mem::take(&mut self.beside)).map(|line| line.leg);
        for leg in self.caller.take().into_iter().chain(agents).chain(dialled) {
            out.push(CallAction::HangUp { leg, elsewhere });
        }
    }

    /// The call is over but for the closing of its lines.
    pub(super) fn finish(&mut self, by: Party, outcome: Outcome, cause: &str, out: &mut Vec<CallAction>) {
        if matches!(self.phase, Phase::Ended { .. }) {
            return;
        }
        self.release_colleague(out);
        self.bot_leaves(out);
        self.phase = Phase::Ended { by, outcome, cause: cause.into() };
        self.end_recording(RecordingEnd::Over, out);
        self.run = None;
        self.conclude(out);
    }

    /// Tells the end once the last line is closed, so that nothing is told after it.
    pub(super) fn conclude(&mut self, out: &mut Vec<CallAction>) {
        if let Phase::Ended { by, outcome, cause } = &self.phase
            && self.open.is_empty()
        {
            let (by, outcome, cause) = (*by, *outcome, cause.to_string());
            let by_person = self.ended_by.clone();
            out.push(CallAction::Fact(What::CallEnded { by, outcome, cause, by_person }));
            out.push(CallAction::Over);
        }
        if self.phase == Phase::Kept && self.open.is_empty() {
            out.push(CallAction::Over);
        }
    }
}
