//! A consult that an agent begins on their own phone: it holds its line with the caller and dials a colleague, a queue or
//! a number on a second one. The caller is asked by prompt before they wait, as always; the phone's second line is the
//! agent's side of the consult, and its Transfer button completes it.

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::CallAction;
use super::consult::Told;
use super::request::Refusal;
use super::request::Role;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::Party;
use crate::fact::Target;
use crate::fact::What;
use crate::fact::note::NoteDraft;
use crate::flow::Center;

/// The second line of the agent who consults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OwnLine {
    pub(super) leg: LegId,
    /// It rings until the one who is consulted has picked up.
    pub(super) up: bool,
}

impl OwnLine {
    /// The consult is over, or not to be.
    pub(super) fn let_go(self, out: &mut Vec<CallAction>) {
        let OwnLine { leg, up } = self;
        out.push(match up {
            true => CallAction::HangUp { leg, elsewhere: false },
            false => CallAction::Refuse { leg, status: 480 },
        });
    }
}

/// A line of an agent's phone that dialled: its name, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct SecondLine {
    pub leg: LegId,
    pub source: String,
}

impl Call {
    /// The agent who has the caller dialled somebody on a second line. A refusal changes nothing.
    #[expect(clippy::too_many_arguments, reason = "each is a part of what was dialled")]
    pub fn consult_by_phone(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        who: &Name,
        SecondLine { leg, source: address }: SecondLine,
        to: Target,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        if self.role(who) != Some(Role::Sender) {
            return Err(Refusal::NotTheSender);
        }
        // Who is held already has been asked; everybody else is asked now.
        self.consult(center, now, wall, to, Told::ByPhone, &NoteDraft::by_voice(), out)?;
        if let Some(consult) = self.consult_mut() {
            consult.own = Some(OwnLine { leg, up: false });
        }
        self.open.push((leg, Party::Agent));
        out.push(CallAction::Fact(What::LegOpened { leg, party: Party::Agent, address }));
        out.push(CallAction::Ring { leg });
        Ok(())
    }

    /// The agent whose phone has this line: their line with the caller, or their second one.
    pub fn agent_at(&self, leg: LegId) -> Option<&Name> {
        let line = self.agent.as_ref().filter(|line| line.is_ours())?;
        (line.leg == leg || self.own_line().is_some_and(|own| own.leg == leg)).then_some(&line.name)
    }

    /// Whether these are the two lines of an agent who consults by phone.
    pub fn is_consult_of(&self, one: LegId, other: LegId) -> bool {
        let (Some(line), Some(own)) = (&self.agent, self.own_line()) else { return false };
        [(one, other), (other, one)].contains(&(line.leg, own.leg))
    }

    /// The agent's phone was refused to hand the caller on.
    pub fn transfer_refused(&mut self, now: Timestamp) {
        if let Some(talk) = self.talk_mut() {
            talk.refused = Some(now);
        }
    }

    pub(super) fn own_line(&self) -> Option<OwnLine> {
        self.talk()?.consult.as_ref()?.own
    }

    /// The one who is consulted has picked up: the second line is answered.
    pub(super) fn own_line_up(&mut self, out: &mut Vec<CallAction>) {
        if let Some(own) = self.consult_mut().and_then(|consult| consult.own.as_mut())
            && !std::mem::replace(&mut own.up, true)
        {
            out.push(CallAction::Answer { leg: own.leg });
        }
    }

    /// The agent's phone hung up its second line: that ends the consult.
    pub(super) fn own_line_left(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        out: &mut Vec<CallAction>,
    ) -> bool {
        let own = self.consult_mut().and_then(|consult| consult.own.take_if(|own| own.leg == leg));
        if own.is_some() {
            // There is one: nothing is in the way.
            self.cancel(center, now, out).unwrap_or_default();
        }
        own.is_some()
    }
}
