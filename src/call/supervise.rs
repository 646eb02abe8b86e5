//! Supervisors' lines: dialled when they ask to listen, and heard by those alone whom they chose.

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

/// How many supervisors a talk has at once.
const MOST_SUPERVISORS: usize = 3;

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
        let there = talk.supervisors.len();
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
            (None, Some(_)) if there == MOST_SUPERVISORS => return Err(Refusal::Supervised),
            (None, Some(mode)) => {
                let leg = self.new_leg(Party::Supervisor);
                let name = who.clone();
                out.push(CallAction::DialUser { leg, user: name.clone() });
                if let Some(talk) = self.talk_mut() {
                    talk.supervisors.push(Supervisor { name, leg, up: false, mode });
                }
            }
        }
        Ok(())
    }

    pub(super) fn is_supervisor(&self, leg: LegId) -> bool {
        self.talk().is_some_and(|talk| talk.supervisors.iter().any(|one| one.leg == leg))
    }

    pub(super) fn supervisor_up(&mut self, center: &Center, leg: LegId, out: &mut Vec<CallAction>) {
        let one = self.talk_mut().and_then(|talk| talk.supervisors.iter_mut().find(|one| one.leg == leg));
        let Some(one) = one else { return };
        one.up = true;
        let (supervisor, mode) = (one.name.clone(), one.mode);
        out.push(CallAction::Fact(What::Supervising { supervisor, mode }));
        self.retune(center, out);
    }

    /// The supervisor's line failed, or they hung up.
    pub(super) fn supervisor_left(&mut self, center: &Center, leg: LegId, out: &mut Vec<CallAction>) {
        self.close_supervision_on(leg, false, out);
        self.retune(center, out);
    }

    /// Lets go of every supervisor.
    pub(super) fn close_supervision(&mut self, out: &mut Vec<CallAction>) {
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
