//! A supervisor's line: dialled when they ask to listen, and heard by those alone whom they chose.

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::CallAction;
use super::request::Refusal;
use crate::base::LegId;
use crate::base::Name;
use crate::fact::Party;
use crate::fact::SuperviseMode;
use crate::fact::What;
use crate::flow::Center;

/// A supervisor in a talk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Supervisor {
    pub(super) name: Name,
    pub(super) leg: LegId,
    pub(super) up: bool,
    pub(super) mode: SuperviseMode,
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
        let is_party = |line: Option<&super::AgentLine>| line.is_some_and(|line| line.name == *who);
        if is_party(self.agent.as_ref()) || is_party(self.consulted()) {
            return Err(Refusal::Yourself(who.clone()));
        }
        let Some(talk) = self.talk_mut() else { return Err(Refusal::NotTalking) };
        match (&mut talk.supervisor, mode) {
            (Some(there), _) if there.name != *who => return Err(Refusal::Supervised(there.name.clone())),
            (Some(there), Some(mode)) => {
                there.mode = mode;
                if there.up {
                    out.push(CallAction::Fact(What::Supervising { supervisor: who.clone(), mode }));
                    self.retune(center, out);
                }
            }
            (Some(_), None) => {
                self.close_supervision(true, out);
                self.retune(center, out);
            }
            (None, None) => return Err(Refusal::NotYours(who.clone())),
            (None, Some(mode)) => {
                let leg = self.new_leg(Party::Supervisor);
                let name = who.clone();
                out.push(CallAction::DialUser { leg, user: name.clone() });
                if let Some(talk) = self.talk_mut() {
                    talk.supervisor = Some(Supervisor { name, leg, up: false, mode });
                }
            }
        }
        Ok(())
    }

    pub(super) fn is_supervisor(&self, leg: LegId) -> bool {
        self.talk().and_then(|talk| talk.supervisor.as_ref()).is_some_and(|one| one.leg == leg)
    }

    pub(super) fn supervisor_up(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        let Some(one) = self.talk_mut().and_then(|talk| talk.supervisor.as_mut()) else { return };
        one.up = true;
        let (supervisor, mode) = (one.name.clone(), one.mode);
        out.push(CallAction::Fact(What::Supervising { supervisor, mode }));
        self.retune(center, out);
    }

    /// The supervisor's line failed, or they hung up.
    pub(super) fn supervisor_left(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        self.close_supervision(false, out);
        self.retune(center, out);
    }

    /// Lets go of the supervisor, whose line is to be ended unless it has.
    pub(super) fn close_supervision(&mut self, hang_up: bool, out: &mut Vec<CallAction>) {
        let Some(one) = self.talk_mut().and_then(|talk| talk.supervisor.take()) else { return };
        if one.up {
            out.push(CallAction::Fact(What::SupervisionEnded { supervisor: one.name }));
        }
        if hang_up {
            out.push(CallAction::HangUp { leg: one.leg, elsewhere: false });
        }
    }
}
