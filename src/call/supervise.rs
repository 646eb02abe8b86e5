//! Supervisors' lines: dialled when they ask to listen, and heard by those alone whom they chose.

use serde::Deserialize;
use serde::Serialize;

use super::AgentLine;
use super::Call;
use super::CallAction;
use super::request::Refusal;
use crate::base::AgentId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::fact::Party;
use crate::fact::SuperviseMode;
use crate::fact::What;
use crate::flow::Center;
use crate::queue;

/// How many supervisors, and colleagues who listen, a talk has at once.
pub(super) const MOST_SUPERVISORS: usize = 3;

/// A supervisor in a talk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Supervisor {
    pub(super) name: Name,
    pub(super) leg: LegId,
    pub(super) up: bool,
    pub(super) mode: SuperviseMode,
    /// Whether they take the caller over once they are there.
    #[serde(default)]
    takes_over: bool,
}

impl Call {
    /// A supervisor comes, changes their way of being there, or leaves.
    pub(super) fn supervise(
        &mut self,
        center: &Center,
        who: &Name,
        mode: Option<SuperviseMode>,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        if self.is_party(who) {
            return Err(Refusal::Yourself(who.clone()));
        }
        let Some(talk) = self.talk_mut() else { return Err(Refusal::NotTalking) };
        if talk.listening.has(who) {
            return Err(Refusal::Listens(who.clone()));
        }
        let full = talk.is_overheard();
        match (talk.supervisors.iter_mut().find(|there| there.name == *who), mode) {
            (Some(there), Some(mode)) => {
                there.mode = mode;
                if there.up {
                    out.push(CallAction::Fact(What::Supervising { supervisor: who.clone(), mode }));
                    self.retune(center, out);
                }
            }
            (Some(there), None) => {
                let leg = there.leg;
                self.close_supervision_on(leg, true, out);
                self.retune(center, out);
            }
            (None, None) => return Err(Refusal::NotYours(who.clone())),
            (None, Some(_)) if full => return Err(Refusal::Supervised),
            (None, Some(mode)) => self.let_in(who, mode, false, out),
        }
        Ok(())
    }

    fn let_in(&mut self, who: &Name, mode: SuperviseMode, takes_over: bool, out: &mut Vec<CallAction>) {
        let (leg, name) = (self.new_leg(Party::Supervisor), who.clone());
        out.push(CallAction::DialUser { leg, user: name.clone() });
        if let Some(talk) = self.talk_mut() {
            talk.supervisors.push(Supervisor { name, leg, up: false, mode, takes_over });
        }
    }

    /// A supervisor wants to have the caller in place of their agent: at once, or when their phone is picked up.
    pub(super) fn take_over(
        &mut self,
        center: &Center,
        now: Timestamp,
        who: &Name,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        if self.is_party(who) || self.is_colleague(who) {
            return Err(Refusal::Yourself(who.clone()));
        }
        if self.consults == u8::MAX {
            return Err(Refusal::TooManyConsults);
        }
        let Some(talk) = self.talk_mut() else { return Err(Refusal::NotTalking) };
        if talk.notice.is_some() {
            return Err(Refusal::Asking);
        }
        if talk.listening.has(who) {
            return Err(Refusal::Listens(who.clone()));
        }
        let full = talk.is_overheard();
        match talk.supervisors.iter_mut().find(|there| there.name == *who) {
            Some(there) if there.up => {
                let leg = there.leg;
                self.takes_over(center, now, leg, out);
            }
            Some(there) => there.takes_over = true,
            None if full => return Err(Refusal::Supervised),
            None => self.let_in(who, SuperviseMode::Listen, true, out),
        }
        Ok(())
    }

    /// The supervisor has the caller, as they are: held, or beside somebody who is consulted. The agent is done.
    fn takes_over(&mut self, center: &Center, now: Timestamp, leg: LegId, out: &mut Vec<CallAction>) {
        let Some(talk) = self.talk_mut() else { return };
        let Some(place) = talk.supervisors.iter().position(|one| one.leg == leg) else { return };
        let one = talk.supervisors.remove(place);
        let consult = talk.consult.as_mut();
        let planned = consult.as_ref().map_or(0, |consult| consult.number);
        if let Some(own) = consult.and_then(|consult| consult.own.take()) {
            own.let_go(out);
        }
        if !one.takes_over {
            out.push(CallAction::Fact(What::SupervisionEnded { supervisor: one.name.clone() }));
        }
        for (_, party) in self.open.iter_mut().filter(|(open, _)| *open == leg) {
            *party = Party::Agent;
        }
        self.consults = self.consults.max(planned).saturating_add(1);
        let call = self.id.consult(self.consults);
        let place = center.engine.agents.iter().position(|agent| agent.name == one.name);
        let agent = place.map(|place| AgentId(place as u32));
        let guest = agent.is_none();
        let line = AgentLine { up: true, guest, ..AgentLine::new(agent, one.name.clone(), call, leg) };
        if let Some(sender) = self.agent.replace(line) {
            out.push(CallAction::HangUp { leg: sender.leg, elsewhere: false });
            out.push(CallAction::Fact(What::TakenOver { from: sender.name.clone(), by: one.name }));
            self.tell_talk_ended(&sender, now, Party::Supervisor, out);
        }
        if let Some(agent) = agent {
            // They are at it already: nothing rings.
            let queue = self.joined.as_ref().map_or(QueueId(0), |joined| joined.queue);
            out.push(CallAction::Queue(queue::Event::AgentCalls { call, agent, queue }));
            out.push(CallAction::Queue(queue::Event::PickedUp { call, agent }));
        }
        self.handed_on = true;
        if let Some(talk) = self.talk_mut() {
            talk.since = now;
            // The desk that had vanished, the star and the phone that was refused were the agent's.
            (talk.lost, talk.star, talk.refused) = (false, None, None);
        }
        self.retune(center, out);
    }

    /// Whether this is the agent, or somebody who was asked in.
    pub(super) fn is_party(&self, who: &str) -> bool {
        let members = self.members().map(|member| &member.line);
        self.agent.iter().chain(self.consulted()).chain(members).any(|line| *line.name == *who)
    }

    pub(super) fn is_supervisor(&self, leg: LegId) -> bool {
        self.talk().is_some_and(|talk| talk.supervisors.iter().any(|one| one.leg == leg))
    }

    pub(super) fn supervisor_up(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        out: &mut Vec<CallAction>,
    ) {
        let one = self.talk_mut().and_then(|talk| talk.supervisors.iter_mut().find(|one| one.leg == leg));
        let Some(one) = one else { return };
        one.up = true;
        if one.takes_over {
            return self.takes_over(center, now, leg, out);
        }
        let (supervisor, mode) = (one.name.clone(), one.mode);
        out.push(CallAction::Fact(What::Supervising { supervisor, mode }));
        self.retune(center, out);
    }

    /// The supervisor's line failed, or they hung up.
    pub(super) fn supervisor_left(&mut self, center: &Center, leg: LegId, out: &mut Vec<CallAction>) {
        self.close_supervision_on(leg, false, out);
        self.retune(center, out);
    }

    /// Lets go of every supervisor, and of colleagues who listen.
    pub(super) fn close_supervision(&mut self, out: &mut Vec<CallAction>) {
        self.close_listening(out);
        let legs = self.talk().map(|talk| talk.supervisors.iter().map(|one| one.leg).collect::<Vec<_>>());
        for leg in legs.into_iter().flatten() {
            self.close_supervision_on(leg, true, out);
        }
    }

    /// Lets go of one, whose line is to be ended unless it has.
    fn close_supervision_on(&mut self, leg: LegId, hang_up: bool, out: &mut Vec<CallAction>) {
        let Some(talk) = self.talk_mut() else { return };
        let Some(place) = talk.supervisors.iter().position(|one| one.leg == leg) else { return };
        let one = talk.supervisors.remove(place);
        if one.up {
            out.push(CallAction::Fact(What::SupervisionEnded { supervisor: one.name }));
        }
        if hang_up {
            out.push(CallAction::HangUp { leg: one.leg, elsewhere: false });
        }
    }
}
