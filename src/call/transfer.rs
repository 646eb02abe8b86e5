//! A caller whose agent leaves them to others: a transfer without a note, and the way back into the queue.

use super::AgentLine;
use super::Call;
use super::CallAction;
use super::Phase;
use super::hearing::Legs;
use super::request::Refusal;
use super::waiting::Wait;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::fact::ConsultEnd;
use crate::fact::HoldEndedBy;
use crate::fact::Party;
use crate::fact::Target;
use crate::fact::TransferKind;
use crate::fact::What;
use crate::flow::Center;
use crate::queue;
use crate::queue::api::Demand;
use crate::queue::hold;

impl Call {
    /// Hands the caller over without a note, where the queues allow it.
    pub(super) fn transfer(
        &mut self,
        center: &Center,
        now: Timestamp,
        to: &Target,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let Some(talk) = self.talk() else { return Err(Refusal::NotTalking) };
        if talk.consult.is_some() {
            return Err(Refusal::Consulting);
        }
        if !talk.members.is_empty() {
            return Err(Refusal::Conference);
        }
        if self.colleague().is_some() {
            return Err(Refusal::Colleague);
        }
        let Some(joined) = &self.joined else { return Err(Refusal::NotTalking) };
        self.allows_blind(center, joined.queue)?;
        let unknown = |what: &str, name: &Name| Refusal::NoSuchTarget(format!("{what} \"{name}\""));
        let (queue, agent) = match to {
            Target::Number(_) => return Err(Refusal::BlindNumber),
            Target::Queue(name) => {
                let queue = center.engine.queue_named(name).ok_or_else(|| unknown("queue", name))?;
                self.allows_blind(center, queue)?;
                (queue, None)
            }
            Target::Agent(name) if self.agent.as_ref().is_some_and(|line| line.name == *name) => {
                return Err(Refusal::Yourself(name.clone()));
            }
            Target::Agent(name) => {
                let agent = center.engine.agent_named(name);
                (joined.queue, Some(agent.ok_or_else(|| unknown("agent", name))?))
            }
        };
        let Some(line) = self.agent.take() else { return Err(Refusal::NotTalking) };
        out.push(CallAction::HangUp { leg: line.leg, elsewhere: false });
        let from = line.name.clone();
        self.handed_on = true;
        self.leave_talk(now, line, out);
        out.push(CallAction::Fact(What::Transferred { from, to: to.clone(), kind: TransferKind::Blind }));
        match agent {
            Some(agent) => {
                self.phase = Phase::Waiting(Wait::for_agent(queue));
                let call = self.id;
                out.push(CallAction::Queue(queue::Event::CallAgent { call, agent, queue }));
            }
            None => {
                if let Some(joined) = &mut self.joined {
                    joined.queue = queue;
                    joined.needs = Demand::default();
                }
                self.rejoin(now, out);
            }
        }
        Ok(())
    }

    fn allows_blind(&self, center: &Center, queue: QueueId) -> Result<(), Refusal> {
        let place = queue.0 as usize;
        match center.talk.get(place) {
            Some(policy) if !policy.blind_transfer => {
                Err(Refusal::BlindRefused(center.engine.queues[place].name.clone()))
            }
            _ => Ok(()),
        }
    }

    /// The agent is gone: the caller goes back to the queue. A colleague whom they called has nothing to wait for.
    pub(super) fn leave_to_queue(&mut self, now: Timestamp, cause: &str, out: &mut Vec<CallAction>) {
        if self.colleague().is_some() {
            self.end_talk(now, Party::Agent, cause, out);
        } else {
            self.back_to_queue(now, out);
        }
    }

    /// The agent is gone, and the caller, who must not be alone, goes back to the queue with their age.
    fn back_to_queue(&mut self, now: Timestamp, out: &mut Vec<CallAction>) {
        if let Some(line) = self.agent.take() {
            self.leave_talk(now, line, out);
            self.rejoin(now, out);
        }
    }

    /// Everything of the talk but the caller is let go of.
    pub(super) fn leave_talk(&mut self, now: Timestamp, line: AgentLine, out: &mut Vec<CallAction>) {
        self.close_hold(now, out);
        self.close_consult(ConsultEnd::SenderLeft, out);
        self.close_conference(Party::Agent, out);
        self.close_supervision(out);
        self.tell_talk_ended(&line, now, Party::Agent, out);
        if let Some(leg) = self.caller {
            out.push(CallAction::StopPlay { leg });
            out.push(CallAction::Hear { leg, whom: Legs::new() });
        }
    }

    /// A hold ends because somebody left; nobody is brought together by it.
    pub(super) fn close_hold(&mut self, now: Timestamp, out: &mut Vec<CallAction>) {
        let mut actions = Vec::new();
        if let Some(mut held) = self.talk_mut().and_then(|talk| talk.hold.take()) {
            held.handle(now, hold::Event::End(HoldEndedBy::Left), &mut actions);
        }
        out.extend(actions.into_iter().filter_map(|action| match action {
            hold::Action::Fact(what) => Some(CallAction::Fact(what)),
            _ => None,
        }));
    }

    /// Back into the queue, as old as the caller is.
    pub(super) fn rejoin(&mut self, now: Timestamp, out: &mut Vec<CallAction>) {
        let Some(joined) = self.joined.clone() else { return };
        self.phase = Phase::Waiting(Wait::new(joined.queue));
        let enqueue = Box::new(self.enqueue(&joined, joined.age(now)));
        out.push(CallAction::Queue(queue::Event::Enqueue(enqueue)));
    }
}
