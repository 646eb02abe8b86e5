//! Colleagues who listen to an agent's talk and learn from it: because the agent agrees, or because the center's file says so.
//! A listener has no way of being there but this one, and who is heard is not asked of them: nobody ever hears them.
//!
//! | stage | left by |
//! |---|---|
//! | asks | the agent's word, its time |
//! | rings | pick-up, a failed ring, its time |
//! | listens | either of the two |
//!
//! Each is left as well when the agent has the caller no more: whoever has them then did not agree to it.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;

use super::Call;
use super::CallAction;
use super::request::Refusal;
use super::supervise::MOST_SUPERVISORS;
use super::talk::Talk;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::ListensBy;
use crate::fact::Party;
use crate::fact::What;
use crate::flow::Center;

/// How long the agent has to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long the phones of who may listen ring.
const RING_FOR: Duration = Duration::from_secs(20);

/// Who listens to an agent's talk, and who asks to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Listening {
    /// Whose talk it is, and whose word lets them in; nobody's before somebody asks.
    to: Option<Name>,
    /// No more than [`MOST_SUPERVISORS`].
    listeners: SmallVec<[Listener; 1]>,
    /// Whom the agent refused or sent away: each once, and agents of the center all.
    refused: Vec<Name>,
}

/// One of them. Heard by nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Listener {
    name: Name,
    by: ListensBy,
    stage: Stage,
}

/// How far they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Stage {
    Asks { until: Timestamp },
    Rings { leg: LegId, until: Timestamp },
    Listens { leg: LegId },
}

impl Stage {
    fn until(self) -> Option<Timestamp> {
        match self {
            Stage::Asks { until } | Stage::Rings { until, .. } => Some(until),
            Stage::Listens { .. } => None,
        }
    }

    fn leg(self) -> Option<LegId> {
        match self {
            Stage::Asks { .. } => None,
            Stage::Rings { leg, .. } | Stage::Listens { leg } => Some(leg),
        }
    }
}

impl Listening {
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.listeners.iter().filter_map(|one| one.stage.until()).min()
    }

    /// The lines on which this agent is heard; nobody who was let in by another one's word is among them.
    pub(super) fn to(&self, agent: Option<&Name>) -> impl Iterator<Item = LegId> {
        let all = if self.to.as_ref() == agent { &self.listeners[..] } else { &[] };
        all.iter().filter_map(|one| match one.stage {
            Stage::Listens { leg } => Some(leg),
            Stage::Asks { .. } | Stage::Rings { .. } => None,
        })
    }

    /// How many were let in.
    pub(super) fn let_in(&self) -> usize {
        self.listeners.iter().filter(|one| one.stage.leg().is_some()).count()
    }

    /// Whether they listen, or ask to.
    pub(super) fn has(&self, who: &str) -> bool {
        self.named(who).is_some()
    }

    fn named(&self, who: &str) -> Option<usize> {
        self.listeners.iter().position(|one| *one.name == *who)
    }

    fn at(&self, leg: LegId) -> Option<usize> {
        self.listeners.iter().position(|one| one.stage.leg() == Some(leg))
    }
}

impl Talk {
    /// Whether as many hear it as may, supervisors among them.
    pub(super) fn is_overheard(&self) -> bool {
        self.supervisors.len() + self.listening.let_in() >= MOST_SUPERVISORS
    }
}

impl Call {
    /// Those who listen, or ask to.
    pub fn listeners(&self) -> impl Iterator<Item = &Name> {
        self.talk().into_iter().flat_map(|talk| &talk.listening.listeners).map(|one| &one.name)
    }

    /// A colleague asks to listen, or is let in where the center's file says that they learn from the agent.
    pub(super) fn listen(
        &mut self,
        center: &Center,
        now: Timestamp,
        who: &Name,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let agent = self.agent.as_ref().filter(|line| line.is_ours()).ok_or(Refusal::NotTalking)?;
        let agent = agent.name.clone();
        if center.engine.agent_named(who).is_none() {
            return Err(Refusal::NoAgent(who.clone()));
        }
        if self.is_party(who) || self.is_colleague(who) {
            return Err(Refusal::Yourself(who.clone()));
        }
        let Some(talk) = self.talk_mut() else { return Err(Refusal::NotTalking) };
        if talk.supervisors.iter().any(|one| one.name == *who) {
            return Err(Refusal::Yourself(who.clone()));
        }
        let listening = &talk.listening;
        if listening.has(who) {
            return Err(Refusal::Listens(who.clone()));
        }
        if listening.refused.contains(who) {
            return Err(Refusal::NotLetIn { who: who.clone(), agent });
        }
        if talk.is_overheard() || listening.listeners.len() >= MOST_SUPERVISORS {
            return Err(Refusal::Supervised);
        }
        talk.listening.to = Some(agent.clone());
        let by = if center.learns_from(who, &agent) { ListensBy::File } else { ListensBy::Consent };
        let stage = Stage::Asks { until: now + ANSWER_WITHIN };
        talk.listening.listeners.push(Listener { name: who.clone(), by, stage });
        match by {
            ListensBy::Consent => {
                out.push(CallAction::Fact(What::ListeningAsked { by: who.clone(), agent }));
            }
            ListensBy::File => self.dial_listener(now, who, out),
        }
        Ok(())
    }

    /// The agent says whether a colleague may listen; a no sends away who does, for the rest of the talk.
    pub(super) fn let_listen(
        &mut self,
        center: &Center,
        now: Timestamp,
        (agent, who): (&Name, &Name),
        agreed: bool,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let Some(talk) = self.talk_mut() else { return Err(Refusal::NotTalking) };
        let place = talk.listening.named(who).ok_or_else(|| Refusal::DoesNotAsk(who.clone()))?;
        let asks = talk.listening.listeners[place].stage.leg().is_none();
        match agreed {
            true if !asks => return Err(Refusal::DoesNotAsk(who.clone())),
            true if talk.is_overheard() => return Err(Refusal::Supervised),
            true | false => {}
        }
        let (agent, by) = (agent.clone(), who.clone());
        out.push(CallAction::Fact(What::ListeningAnswered { agent, by, agreed }));
        if agreed {
            self.dial_listener(now, who, out);
        } else {
            talk.listening.refused.push(who.clone());
            self.end_listener(place, End::Refused, out);
            self.retune(center, out);
        }
        Ok(())
    }

    fn dial_listener(&mut self, now: Timestamp, who: &Name, out: &mut Vec<CallAction>) {
        let leg = self.new_leg(Party::Listener);
        out.push(CallAction::DialUser { leg, user: who.clone() });
        let Some(talk) = self.talk_mut() else { return };
        if let Some(place) = talk.listening.named(who) {
            talk.listening.listeners[place].stage = Stage::Rings { leg, until: now + RING_FOR };
        }
    }

    /// A colleague listens no more, or takes back that they want to.
    pub(super) fn stop_listening(
        &mut self,
        center: &Center,
        who: &Name,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let place = self.talk().and_then(|talk| talk.listening.named(who));
        let place = place.ok_or_else(|| Refusal::NotYours(who.clone()))?;
        self.end_listener(place, End::LetGo, out);
        self.retune(center, out);
        Ok(())
    }

    pub(super) fn is_listener(&self, leg: LegId) -> bool {
        self.talk().is_some_and(|talk| talk.listening.at(leg).is_some())
    }

    pub(super) fn listener_up(&mut self, center: &Center, leg: LegId, out: &mut Vec<CallAction>) {
        let Some(listening) = self.talk_mut().map(|talk| &mut talk.listening) else { return };
        let (Some(place), Some(agent)) = (listening.at(leg), listening.to.clone()) else { return };
        let one = &mut listening.listeners[place];
        one.stage = Stage::Listens { leg };
        let (listener, by) = (one.name.clone(), one.by);
        out.push(CallAction::Fact(What::Listening { listener, agent, by }));
        self.retune(center, out);
    }

    /// The listener's line failed, or they hung up.
    pub(super) fn listener_left(&mut self, center: &Center, leg: LegId, out: &mut Vec<CallAction>) {
        if let Some(place) = self.talk().and_then(|talk| talk.listening.at(leg)) {
            self.end_listener(place, End::LineOver, out);
            self.retune(center, out);
        }
    }

    /// Whose time is over has no answer, or does not pick up.
    pub(super) fn listening_late(&mut self, now: Timestamp, out: &mut Vec<CallAction>) {
        self.let_go_of(|one| one.stage.until().is_some_and(|until| until <= now), out);
    }

    /// Whoever has the caller now is asked anew; and who has a part in the call listens no more.
    pub(super) fn heed_listening(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        let Some(talk) = self.talk() else { return };
        let Some(to) = &talk.listening.to else { return };
        let is_theirs = self.agent.as_ref().is_some_and(|line| line.is_ours() && line.name == *to);
        let parties: Vec<Name> = self.listeners().filter(|name| self.is_party(name)).cloned().collect();
        match is_theirs {
            false => self.close_listening(out),
            true if parties.is_empty() => return,
            true => self.let_go_of(|one| parties.contains(&one.name), out),
        }
        self.retune(center, out);
    }

    /// Lets go of everybody who listens, and of everybody who asks.
    pub(super) fn close_listening(&mut self, out: &mut Vec<CallAction>) {
        self.let_go_of(|_| true, out);
        if let Some(talk) = self.talk_mut() {
            talk.listening = Listening::default();
        }
    }

    fn let_go_of(&mut self, such: impl Fn(&Listener) -> bool, out: &mut Vec<CallAction>) {
        while let Some(place) = self.talk().and_then(|talk| talk.listening.listeners.iter().position(&such)) {
            self.end_listener(place, End::LetGo, out);
        }
    }

    fn end_listener(&mut self, place: usize, end: End, out: &mut Vec<CallAction>) {
        let Some(talk) = self.talk_mut() else { return };
        let Listener { name, stage, .. } = talk.listening.listeners.remove(place);
        match stage {
            Stage::Listens { .. } => {
                out.push(CallAction::Fact(What::ListeningEnded { listener: name }));
            }
            Stage::Asks { .. } | Stage::Rings { .. } if end == End::Refused => {}
            Stage::Asks { .. } | Stage::Rings { .. } => {
                out.push(CallAction::Fact(What::ListeningLapsed { by: name }));
            }
        }
        let leg = stage.leg().filter(|_| end != End::LineOver);
        out.extend(leg.map(|leg| CallAction::HangUp { leg, elsewhere: false }));
    }
}

/// Why somebody listens no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The agent said no: that is told.
    Refused,
    /// Their line is over by itself.
    LineOver,
    LetGo,
}
