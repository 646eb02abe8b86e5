//! More than three in a talk: colleagues and numbers outside are added one after the other, each with a note that they
//! acknowledge, and hear everybody from then on. The agent drops them, mutes them and makes them louder or quieter. When
//! the agent leaves, the caller is one of theirs.

use serde::Deserialize;
use serde::Serialize;

use super::AgentLine;
use super::Call;
use super::CallAction;
use super::Phase;
use super::consult::Stage;
use super::request::Refusal;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::ConsultEnd;
use crate::fact::Party;
use crate::fact::Target;
use crate::fact::What;
use crate::fact::note::NoteDraft;
use crate::flow::Center;
use crate::queue;

/// How many may be in a talk, the caller among them. Supervisors are not counted.
pub const MOST_PARTIES: usize = 8;
/// How much louder or quieter somebody is made at most, in dB.
pub const MOST_GAIN_DB: i8 = 20;
/// What the caller is called in requests.
pub const CALLER: &str = "caller";

/// Somebody who was added to a talk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) line: AgentLine,
    /// Whether nobody hears them.
    muted: bool,
}

impl Call {
    /// Adds somebody to the talk: their phone rings while the talk goes on, and they are in it once they know the note.
    pub(super) fn add(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        target: Target,
        draft: &NoteDraft,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let (Phase::Talking(talk), Some(line)) = (&self.phase, &self.agent) else {
            return Err(Refusal::NotTalking);
        };
        match &talk.hold {
            Some(hold) if hold.is_held() => return Err(Refusal::Held),
            Some(_) => return Err(Refusal::Asking),
            None => {}
        }
        let with = talk.consult.as_ref();
        if with.is_some_and(|consult| !consult.joined || !consult.acknowledged || consult.own.is_some()) {
            return Err(Refusal::Consulting);
        }
        let there = 2 + talk.members.len() + usize::from(with.is_some());
        if there >= MOST_PARTIES {
            return Err(Refusal::ConferenceFull);
        }
        let author = line.name.clone();
        let consult = self.consult_with(center, wall, target, &author, draft)?;
        self.keep_receiver(out);
        self.begin_adding(now, author, consult, out);
        self.retune(center, out);
        Ok(())
    }

    /// Whoever is being added knows the note and is there: they are in the talk now.
    pub(super) fn added(&mut self, out: &mut Vec<CallAction>) {
        let is_in = |consult: &super::consult::Consult| {
            consult.adds && consult.acknowledged && consult.stage == Stage::Together
        };
        if self.consult_mut().is_some_and(|consult| is_in(consult)) {
            self.keep_receiver(out);
        }
    }

    /// Whoever is consulted, and hears all, stays in the talk beside the next who is asked.
    fn keep_receiver(&mut self, out: &mut Vec<CallAction>) {
        let Some(talk) = self.talk_mut() else { return };
        let Some(line) = talk.consult.take().and_then(|consult| consult.line) else { return };
        out.push(CallAction::Fact(What::PartyJoined { who: line.name.clone() }));
        talk.members.push(Member { line, muted: false });
    }

    /// Lets go of somebody who was added.
    pub(super) fn drop_party(
        &mut self,
        center: &Center,
        who: &Name,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let member = self.members().find(|member| member.line.name == *who);
        let leg = member.map(|member| member.line.leg).ok_or_else(|| Refusal::NotAParty(who.clone()))?;
        out.push(CallAction::HangUp { leg, elsewhere: false });
        self.member_left(center, leg, Party::Agent, out);
        Ok(())
    }

    /// Lets nobody hear somebody who was added, or everybody again.
    pub(super) fn mute(&mut self, who: &Name, on: bool, out: &mut Vec<CallAction>) -> Result<(), Refusal> {
        let members = self.talk_mut().map(|talk| talk.members.iter_mut()).into_iter().flatten();
        let member = members.into_iter().find(|member| member.line.name == *who);
        let member = member.ok_or_else(|| Refusal::NotAParty(who.clone()))?;
        member.muted = on;
        out.push(CallAction::Mute { leg: member.line.leg, on });
        out.push(CallAction::Fact(What::PartyMuted { who: who.clone(), on }));
        Ok(())
    }

    /// Lets all others hear somebody louder or quieter than they come.
    pub(super) fn gain(&self, who: &Name, gain_db: i8, out: &mut Vec<CallAction>) -> Result<(), Refusal> {
        if !(-MOST_GAIN_DB..=MOST_GAIN_DB).contains(&gain_db) {
            return Err(Refusal::TooLoud(gain_db));
        }
        let lines = self.members().map(|member| &member.line).chain(self.agent.as_ref());
        let named = lines.filter(|line| line.name == *who).map(|line| line.leg).next();
        let leg = named.or(self.caller.filter(|_| **who == *CALLER));
        let leg = leg.ok_or_else(|| Refusal::NotAParty(who.clone()))?;
        out.push(CallAction::Gain { leg, gain_db });
        out.push(CallAction::Fact(What::PartyGain { who: who.clone(), gain_db }));
        Ok(())
    }

    /// Those who were added.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.talk().map(|talk| talk.members.iter()).into_iter().flatten()
    }

    pub(super) fn is_member(&self, leg: LegId) -> bool {
        self.members().any(|member| member.line.leg == leg)
    }

    /// Whose line is over, or being ended.
    pub(super) fn member_left(&mut self, center: &Center, leg: LegId, by: Party, out: &mut Vec<CallAction>) {
        let Some(talk) = self.talk_mut() else { return };
        let Some(place) = talk.members.iter().position(|member| member.line.leg == leg) else { return };
        let member = talk.members.remove(place);
        tell_left(member, by, out);
        self.retune(center, out);
    }

    /// Lets go of everybody who was added.
    pub(super) fn close_conference(&mut self, by: Party, out: &mut Vec<CallAction>) {
        let Some(talk) = self.talk_mut() else { return };
        for member in std::mem::take(&mut talk.members) {
            out.push(CallAction::HangUp { leg: member.line.leg, elsewhere: false });
            tell_left(member, by, out);
        }
    }

    /// Whether the caller can be left to somebody who was added.
    pub(super) fn has_members(&self) -> bool {
        self.members().next().is_some()
    }

    /// The agent leaves: the caller is the colleague's who was added first, or, without one, the number's.
    pub(super) fn hand_to_member(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        self.close_consult(ConsultEnd::SenderLeft, out);
        let Some(talk) = self.talk_mut() else { return };
        if talk.members.is_empty() {
            return;
        }
        let colleague = talk.members.iter().position(|member| member.line.agent.is_some());
        let Member { line, muted } = talk.members.remove(colleague.unwrap_or(0));
        if muted {
            out.push(CallAction::Mute { leg: line.leg, on: false });
        }
        self.give_to(center, now, line, out);
    }
}

/// Tells the history and the engine that somebody is not in the talk any more.
fn tell_left(Member { line, .. }: Member, by: Party, out: &mut Vec<CallAction>) {
    let call = line.contact;
    out.push(CallAction::Fact(What::PartyLeft { who: line.name, by }));
    out.extend(line.agent.map(|agent| CallAction::Queue(queue::Event::TalkEnded { call, agent })));
}
