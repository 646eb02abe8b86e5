//! The agent's line: it comes up, caller and agent talk, one of them leaves.

use super::Call;
use super::CallAction;
use super::Callback;
use super::Phase;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::fact::MissedWhy;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::What;
use crate::flow::Center;
use crate::queue;

/// Why a phone did not take a call, by SIP's final status (RFC 3261 §21).
fn missed_why(status: u16) -> MissedWhy {
    match status {
        486 | 600 => MissedWhy::Busy,
        403 | 603 => MissedWhy::Declined,
        408 | 487 => MissedWhy::NoAnswer,
        _ => MissedWhy::Unreachable,
    }
}

impl Call {
    /// A line is up: the caller's own, an agent's, or the caller's who is called back.
    pub(super) fn on_line_up(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        out: &mut Vec<CallAction>,
    ) {
        if let Some(line) = self.agent.as_mut().filter(|line| line.leg == leg && !line.up) {
            line.up = true;
            let agent = line.agent;
            match (&self.phase, self.caller) {
                (Phase::Waiting(_), Some(_)) => self.begin_talk(now, out),
                (Phase::Waiting(wait), None) => {
                    let wait = wait.clone();
                    self.call_back(center, now, wait, leg, out);
                }
                // The caller left in the same moment: the engine has withdrawn the ring.
                _ => return,
            }
            out.push(CallAction::Queue(queue::Event::PickedUp { call: self.id, agent }));
        } else if matches!(&self.phase, Phase::CallingBack(callback) if callback.leg == leg) {
            self.callback_reached(center, now, leg, out);
        }
    }

    /// Lets caller and agent hear each other.
    pub(super) fn begin_talk(&mut self, now: Timestamp, out: &mut Vec<CallAction>) {
        let (Some(caller), Some(line)) = (self.caller, &self.agent) else { return };
        out.push(CallAction::Join { a: caller, b: line.leg });
        if let Some((waited, quote)) = line.promise {
            out.push(CallAction::Fact(What::AgentConnected { agent: line.name.clone(), waited, quote }));
        }
        self.talked = true;
        self.phase = Phase::Talking { since: now };
    }

    /// A phone that we dialled did not take the call.
    pub(super) fn on_line_failed(
        &mut self,
        now: Timestamp,
        leg: LegId,
        status: u16,
        out: &mut Vec<CallAction>,
    ) {
        if let Some(line) = self.agent.take_if(|line| line.leg == leg && !line.up) {
            let why = missed_why(status);
            self.agent_missed(line.name, why, out);
            let failed = queue::Event::RingFailed { call: self.id, agent: line.agent, why };
            out.push(CallAction::Queue(failed));
        } else if matches!(&self.phase, Phase::CallingBack(Callback { leg: dialled, .. }) if *dialled == leg)
        {
            self.callback_failed(&format!("SIP status {status}"), out);
        } else if self.agent.as_ref().is_some_and(|line| line.leg == leg) {
            self.agent_left(now, "line failed", out);
        }
    }

    /// The agent hung up, or is gone.
    pub(super) fn agent_left(&mut self, now: Timestamp, cause: &str, out: &mut Vec<CallAction>) {
        match &self.phase {
            Phase::Talking { .. } => self.end_talk(now, Party::Agent, cause, out),
            Phase::CallingBack(_) => self.callback_failed("the agent hung up", out),
            _ => {
                if let Some(line) = self.agent.take() {
                    let why = MissedWhy::Unreachable;
                    self.agent_missed(line.name, why, out);
                    let failed = queue::Event::RingFailed { call: self.id, agent: line.agent, why };
                    out.push(CallAction::Queue(failed));
                }
            }
        }
    }

    /// Caller and agent part, and the call is over.
    pub(super) fn end_talk(&mut self, now: Timestamp, by: Party, cause: &str, out: &mut Vec<CallAction>) {
        let Phase::Talking { since } = self.phase else { return };
        if let Some(line) = &self.agent {
            let (agent, name) = (line.agent, line.name.clone());
            if by == Party::Agent {
                self.agent = None;
            }
            self.end_lines(false, out);
            out.push(CallAction::Fact(What::TalkEnded { agent: name, talked: now.since(since), by }));
            out.push(CallAction::Queue(queue::Event::TalkEnded { call: self.id, agent }));
        }
        self.finish(by, Outcome::Talked, cause, out);
    }
}
