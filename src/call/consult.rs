//! A consult: somebody is asked to help or to take over, with a briefing note.
//!
//! | stage | left by |
//! |---|---|
//! | planned | the caller's answer to the hold |
//! | sought | the queue engine: it rings somebody, or nobody is there |
//! | ringing | pick-up, a failed ring, the ring time |
//! | briefing | the acknowledgement, a decline, its time |
//! | together | the agent, the receiver, or the caller's leaving |
//!
//! Nobody hears the receiver, and the receiver hears nobody, before the note was acknowledged. Every way in which
//! it fails brings the agent back to the caller at once.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::AgentLine;
use super::Call;
use super::CallAction;
use super::Phase;
use super::QueueWord;
use super::by_phone::OwnLine;
use super::escalate::Asked;
use super::hold::BACK;
use super::naming;
use super::request::Refusal;
use super::request::dialable;
use super::request::reason;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::BriefingNote;
use crate::fact::ConsultEnd;
use crate::fact::Hears;
use crate::fact::HoldEndedBy;
use crate::fact::HoldWay;
use crate::fact::MissedWhy;
use crate::fact::Party;
use crate::fact::Target;
use crate::fact::TransferKind;
use crate::fact::What;
use crate::fact::note::Filled;
use crate::fact::note::NoteDraft;
use crate::flow::Center;
use crate::queue;
use crate::queue::api::Enqueue;
use crate::queue::api::PermissionPolicy;
use crate::queue::hold;
use crate::queue::hold::Hold;

/// How long a number outside rings.
const RING_FOR: Duration = Duration::from_secs(25);
/// How long a receiver has to acknowledge after picking up, and as long as the spoken note takes beside that.
const BRIEF_WITHIN: Duration = Duration::from_secs(30);
/// "A colleague has a caller for you. Press 1 to take it, or 2 to decline."
const BRIEFING: &str = "consult/briefing";

/// A consult under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Consult {
    /// Which of the call's consults it is; what the engine knows it by.
    pub(super) number: u8,
    target: Target,
    to: Resolved,
    note: BriefingNote,
    pub(super) stage: Stage,
    /// The one who is consulted, while they ring or are there.
    pub(super) line: Option<AgentLine>,
    /// Whether they know the note as it is now.
    pub(super) acknowledged: bool,
    /// Whether it is to add somebody to the talk, which goes on meanwhile.
    #[serde(default)]
    pub(super) adds: bool,
    /// Whether all three hear each other when the caller is not held.
    pub(super) joined: bool,
    /// What names the target to the caller, before they are asked.
    #[serde(default)]
    naming: Option<Name>,
    /// Why the last one who was rung did not take it.
    missed: Option<MissedWhy>,
    /// The level of escalation that it asks.
    #[serde(default)]
    pub(super) asked: Option<Asked>,
    /// The sender's second line, when they consult by phone.
    pub(super) own: Option<OwnLine>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Stage {
    Planned,
    Sought,
    /// The engine times the ring of an agent; that of a number outside is ours.
    Ringing {
        until: Option<Timestamp>,
    },
    Briefing {
        until: Timestamp,
    },
    Together,
}

/// By whom the caller is told why they wait and whom they are to be connected with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// By the prompt alone, which has to name the target.
    No,
    /// By the agent, who says that the caller agreed to wait.
    ByAgent,
    /// By the prompt; an agent who dialled whom to consult has no way to say more.
    ByPhone,
}

impl Told {
    /// As a request says it.
    pub(super) fn by_agent(told_caller: bool) -> Told {
        if told_caller { Told::ByAgent } else { Told::No }
    }
}

/// A target by its place in the center.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Resolved {
    Agent(AgentId),
    Queue(QueueId),
    Number(String),
}

impl Consult {
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Ringing { until } => until.into_iter().chain(self.asked_until()).min(),
            Stage::Sought => self.asked_until(),
            Stage::Briefing { until } => Some(until),
            Stage::Planned | Stage::Together => None,
        }
    }

    /// When the level of escalation that is asked has had its time.
    fn asked_until(&self) -> Option<Timestamp> {
        self.asked.as_ref().and_then(|asked| asked.until)
    }

    /// Whether somebody is sought, or there.
    pub(super) fn is_begun(&self) -> bool {
        self.stage != Stage::Planned
    }

    pub(super) fn is_together(&self) -> bool {
        self.stage == Stage::Together
    }

    /// What names the target to the caller.
    pub(super) fn naming(&self) -> Option<&Name> {
        self.naming.as_ref()
    }

    pub(super) fn note(&self) -> &BriefingNote {
        &self.note
    }

    /// Its own deadline has passed.
    pub(super) fn is_late(&self, now: Timestamp) -> bool {
        self.deadline().is_some_and(|due| due <= now)
    }
}

impl Call {
    #[expect(clippy::too_many_arguments, reason = "each is a field of the request")]
    pub(super) fn consult(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        target: Target,
        told: Told,
        draft: &NoteDraft,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let (Phase::Talking(talk), Some(line)) = (&self.phase, &self.agent) else {
            return Err(Refusal::NotTalking);
        };
        if talk.consult.is_some() {
            return Err(Refusal::Consulting);
        }
        if !talk.members.is_empty() {
            return Err(Refusal::Conference);
        }
        let held = talk.hold.as_ref().is_some_and(Hold::is_held);
        // Whose phone holds has the caller asked already, before it dials.
        let asked = talk.hold.is_some() && talk.held_by_phone;
        match &talk.hold {
            Some(_) if !held && !asked => return Err(Refusal::Asking),
            Some(_) if held && told == Told::No => return Err(Refusal::NotTold),
            _ => {}
        }
        let naming = match told {
            Told::ByPhone => self.naming_by_phone(center, &target),
            Told::No | Told::ByAgent => self.naming(center, &target),
        };
        if naming.is_none() && told != Told::ByAgent {
            return Err(Refusal::NotNamed);
        }
        let author = line.name.clone();
        let reason = format!("consult with {target}");
        let mut consult = self.consult_with(center, wall, target, &author, draft)?;
        consult.naming.clone_from(&naming);
        if let Some(talk) = self.talk_mut() {
            talk.consult = Some(Box::new(consult));
        }
        if held {
            // Who agreed to a hold and no more is told before anybody rings.
            if let Some(naming) = naming.filter(|_| told == Told::ByPhone) {
                self.say_to_caller(vec![naming], false, out);
            }
            self.begin_planned(now, out);
            return Ok(());
        }
        let policy = self.policy(center).hold;
        let quote = policy.longest_quote;
        let wish = hold::Wish { agent: author, reason, quote, offers_callback: false };
        let mut actions = Vec::new();
        // Told by the agent, who says that the caller agreed; or asked by prompt.
        let begun = if told == Told::ByAgent && policy.way == HoldWay::Verbal {
            Hold::agreed(now, &policy, wish, &mut actions)
        } else {
            Hold::ask(now, &policy, wish, &mut actions)
        };
        self.begin_hold(center, now, Some(begun), actions, out);
        if let Some(talk) = self.talk_mut() {
            talk.held_by_phone = asked;
        }
        Ok(())
    }

    /// A consult that is not begun yet.
    pub(super) fn consult_with(
        &self,
        center: &Center,
        wall: WallTime,
        target: Target,
        author: &Name,
        draft: &NoteDraft,
    ) -> Result<Consult, Refusal> {
        let note = self.note(center, &self.resolve(center, &target)?, author, wall, draft)?;
        self.consult_again(center, &target, note)
    }

    /// A consult under a note that is good already.
    pub(super) fn consult_again(
        &self,
        center: &Center,
        target: &Target,
        note: BriefingNote,
    ) -> Result<Consult, Refusal> {
        let number = self.consults.checked_add(1).ok_or(Refusal::TooManyConsults)?;
        let (to, target) = (self.resolve(center, target)?, target.clone());
        let (stage, line, own, asked, missed) = (Stage::Planned, None, None, None, None);
        let (acknowledged, adds, joined, naming) = (false, false, false, None);
        Ok(Consult {
            number,
            target,
            to,
            note,
            stage,
            line,
            acknowledged,
            adds,
            joined,
            naming,
            missed,
            asked,
            own,
        })
    }

    /// Asks somebody into the talk, which goes on.
    pub(super) fn begin_adding(
        &mut self,
        now: Timestamp,
        agent: Name,
        mut consult: Consult,
        out: &mut Vec<CallAction>,
    ) {
        consult.adds = true;
        self.consults = consult.number;
        let (target, note) = (consult.target.clone(), Box::new(consult.note.clone()));
        out.push(CallAction::Fact(What::PartyCalled { agent, target, note }));
        self.seek(now, &mut consult, out);
        if let Some(talk) = self.talk_mut() {
            talk.consult = Some(Box::new(consult));
        }
    }

    fn resolve(&self, center: &Center, target: &Target) -> Result<Resolved, Refusal> {
        let unknown = |what: &str, name: &str| Refusal::NoSuchTarget(format!("{what} \"{name}\""));
        match target {
            Target::Agent(name) => {
                if self.is_party(name) {
                    return Err(Refusal::Yourself(name.clone()));
                }
                let agent = center.engine.agent_named(name);
                Ok(Resolved::Agent(agent.ok_or_else(|| unknown("agent", name))?))
            }
            Target::Queue(name) => {
                let queue = center.engine.queue_named(name);
                Ok(Resolved::Queue(queue.ok_or_else(|| unknown("queue", name))?))
            }
            Target::Number(number) => {
                if self.is_party(number) {
                    return Err(Refusal::Yourself(number.as_str().into()));
                }
                if !dialable(number) {
                    return Err(Refusal::NoSuchNumber(number.clone()));
                }
                let trunk = center.trunks.iter().any(|trunk| trunk.outbound.is_some());
                if trunk { Ok(Resolved::Number(number.clone())) } else { Err(Refusal::NoTrunk) }
            }
        }
    }

    fn note(
        &self,
        center: &Center,
        to: &Resolved,
        author: &Name,
        wall: WallTime,
        draft: &NoteDraft,
    ) -> Result<BriefingNote, Refusal> {
        let needs = match to {
            Resolved::Queue(queue) => {
                center.talk.get(queue.0 as usize).cloned().unwrap_or_default().note_needs
            }
            Resolved::Agent(_) | Resolved::Number(_) => self.policy(center).note_needs,
        };
        let (identity, collected) = self.known.told(&self.arrival.number);
        let filled = Filled { identity, collected, author: author.clone(), written: wall };
        BriefingNote::parse(draft, &needs, filled).map_err(Refusal::Note)
    }

    /// The caller waits by permission: the consult begins.
    pub(super) fn begin_planned(&mut self, now: Timestamp, out: &mut Vec<CallAction>) {
        let Some(mut consult) = self.take_consult() else { return };
        if consult.stage == Stage::Planned {
            self.consults = self.consults.max(consult.number);
            let agent = self.agent.as_ref().map(|line| line.name.clone()).unwrap_or_default();
            let (target, note) = (consult.target.clone(), Box::new(consult.note.clone()));
            out.push(CallAction::Fact(What::ConsultStarted { agent, target, note }));
            self.seek(now, &mut consult, out);
        }
        if let Some(talk) = self.talk_mut() {
            talk.consult = Some(consult);
        }
    }

    fn seek(&mut self, now: Timestamp, consult: &mut Consult, out: &mut Vec<CallAction>) {
        let call = self.id.consult(consult.number);
        consult.stage = Stage::Sought;
        if let Some(asked) = &mut consult.asked {
            asked.begin(now);
        }
        let event = match &consult.to {
            Resolved::Agent(agent) => {
                let queue = self.joined.as_ref().map_or(QueueId(0), |joined| joined.queue);
                queue::Event::CallAgent { call, agent: *agent, queue }
            }
            Resolved::Queue(queue) => {
                // It is the agent who waits, not the caller: nobody is asked.
                let permission = Some(PermissionPolicy::GivenByFlowFile);
                let enqueue = Enqueue { permission, ..Enqueue::new(call, *queue) };
                queue::Event::Enqueue(Box::new(enqueue))
            }
            Resolved::Number(number) => {
                let (number, leg) = (number.clone(), self.new_leg(Party::Consulted));
                let name: Name = number.as_str().into();
                consult.stage = Stage::Ringing { until: Some(now + RING_FOR) };
                consult.line = Some(AgentLine::new(None, name.clone(), call, leg));
                out.push(CallAction::Fact(What::ConsultRinging { agent: name }));
                out.push(CallAction::DialNumber { leg, number });
                return;
            }
        };
        out.push(CallAction::Queue(event));
    }

    /// A plan that the caller did not agree to is dropped.
    pub(super) fn drop_plan(&mut self, out: &mut Vec<CallAction>) {
        let Some(talk) = self.talk_mut() else { return };
        let plan = talk.consult.take_if(|consult| consult.stage == Stage::Planned);
        if let Some(own) = plan.and_then(|plan| plan.own) {
            own.let_go(out);
        }
    }

    fn take_consult(&mut self) -> Option<Box<Consult>> {
        self.talk_mut().and_then(|talk| talk.consult.take())
    }

    pub(super) fn consult_mut(&mut self) -> Option<&mut Consult> {
        self.talk_mut().and_then(|talk| talk.consult.as_deref_mut())
    }

    /// The one who is consulted.
    pub(super) fn consulted(&self) -> Option<&AgentLine> {
        self.talk()?.consult.as_ref()?.line.as_ref()
    }

    /// The engine decided something for a consult.
    pub(super) fn on_consult_word(
        &mut self,
        center: &Center,
        now: Timestamp,
        number: u8,
        word: QueueWord,
        out: &mut Vec<CallAction>,
    ) {
        if matches!(self.phase, Phase::Calling(_)) {
            match word {
                QueueWord::Ring { agent, name, .. } => self.ring_colleague(agent, name, out),
                QueueWord::StopRing { why, .. } => self.colleague_missed(why, out),
                QueueWord::Exit { .. } => self.colleague_gone(out),
                _ => {}
            }
            return;
        }
        if self.consult_mut().is_none_or(|consult| consult.number != number) {
            return;
        }
        let call = self.id.consult(number);
        match word {
            QueueWord::Ring { agent, name, .. } => {
                let leg = self.new_leg(Party::Consulted);
                out.push(CallAction::Fact(What::ConsultRinging { agent: name.clone() }));
                out.push(CallAction::DialAgent { leg, agent, of_queue: false });
                if let Some(consult) = self.consult_mut() {
                    consult.line = Some(AgentLine::new(Some(agent), name, call, leg));
                    consult.stage = Stage::Ringing { until: None };
                    consult.acknowledged = false;
                }
            }
            QueueWord::StopRing { agent, why } => {
                let Some(consult) = self.consult_mut() else { return };
                if let Some(line) = consult.line.take_if(|line| line.agent == Some(agent) && !line.up) {
                    consult.missed = Some(why);
                    consult.stage = Stage::Sought;
                    out.push(CallAction::HangUp { leg: line.leg, elsewhere: false });
                }
            }
            QueueWord::Exit { .. } => {
                let missed = self.consult_mut().and_then(|consult| consult.missed);
                let cause = match missed {
                    Some(MissedWhy::NoAnswer) => ConsultEnd::NoAnswer,
                    Some(MissedWhy::Declined) => ConsultEnd::Declined,
                    _ => ConsultEnd::Unreachable,
                };
                self.end_consult(center, now, cause, out);
            }
            // The agent waits here, and needs neither to be asked nor to be told.
            _ => {}
        }
    }

    /// The receiver's line is up: to be briefed, unless the desk has shown them the note already.
    pub(super) fn consult_line_up(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        out: &mut Vec<CallAction>,
    ) {
        let until = now + BRIEF_WITHIN + self.note_length();
        let Some(consult) = self.consult_mut() else { return };
        let Some(line) = consult.line.as_mut().filter(|line| line.leg == leg && !line.up) else { return };
        line.up = true;
        let (agent, by, call) = (line.agent, line.name.clone(), line.contact);
        let acknowledged = consult.acknowledged;
        consult.stage = if acknowledged { Stage::Together } else { Stage::Briefing { until } };
        out.extend(agent.map(|agent| CallAction::Queue(queue::Event::PickedUp { call, agent })));
        out.push(CallAction::Fact(What::ConsultAnswered { by }));
        self.own_line_up(out);
        if !acknowledged {
            self.brief(center, leg, out);
        }
        self.added(out);
        self.retune(center, out);
    }

    /// The note is another one: whoever listens to it hears it anew.
    pub(super) fn brief_again(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        let Some(consult) = self.consult_mut() else { return };
        let hears = matches!(consult.stage, Stage::Briefing { .. });
        if let Some(leg) = consult.line.as_ref().map(|line| line.leg).filter(|_| hears) {
            self.brief(center, leg, out);
        }
    }

    /// What they are asked for, and the note where the center has a voice: until they answer.
    fn brief(&mut self, center: &Center, leg: LegId, out: &mut Vec<CallAction>) {
        let play = self.new_play();
        let note = self.talk().and_then(|talk| talk.consult.as_ref()).map(|consult| &consult.note);
        let spoken = self.note_to_play().map(|file| file.as_prompt());
        let read = spoken.or_else(|| note.and_then(|note| naming::read_out(center, note)));
        let prompts = [BRIEFING.into()].into_iter().chain(read).collect();
        out.push(CallAction::Play { leg, play, prompts, barge_in: false, repeat: true });
    }

    /// The receiver's phone did not take it; the engine knows whether there is another.
    pub(super) fn consult_line_failed(
        &mut self,
        center: &Center,
        now: Timestamp,
        why: MissedWhy,
        out: &mut Vec<CallAction>,
    ) {
        let Some(consult) = self.consult_mut() else { return };
        let Some(line) = consult.line.take_if(|line| !line.up) else {
            return self.receiver_left(center, now, out);
        };
        consult.missed = Some(why);
        consult.stage = Stage::Sought;
        match line.agent {
            Some(agent) => {
                let failed = queue::Event::RingFailed { call: line.contact, agent, why };
                out.push(CallAction::Queue(failed));
            }
            None if why == MissedWhy::Declined => self.end_consult(center, now, ConsultEnd::Declined, out),
            None => self.end_consult(center, now, ConsultEnd::Unreachable, out),
        }
    }

    /// The receiver hung up, or is gone.
    pub(super) fn receiver_left(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let briefed = self.consult_mut().is_some_and(|consult| consult.stage == Stage::Together);
        let cause = if briefed { ConsultEnd::ReceiverLeft } else { ConsultEnd::Declined };
        self.end_consult(center, now, cause, out);
    }

    /// Its time to ring or to be acknowledged has passed.
    pub(super) fn consult_late(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        self.end_consult(center, now, ConsultEnd::NoAnswer, out);
    }

    pub(super) fn amend(
        &mut self,
        center: &Center,
        wall: WallTime,
        draft: &NoteDraft,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let (Some(consult), Some(line)) =
            (self.talk().and_then(|talk| talk.consult.as_ref()), self.agent.as_ref())
        else {
            return Err(Refusal::NoConsult);
        };
        if consult.joined {
            return Err(Refusal::Joined);
        }
        let (to, by) = (consult.to.clone(), line.name.clone());
        let note = self.note(center, &to, &by, wall, draft)?;
        let told = Box::new(note.clone());
        let Some(consult) = self.consult_mut() else { return Ok(()) };
        consult.note = note;
        consult.acknowledged = false;
        if consult.stage != Stage::Planned {
            out.push(CallAction::Fact(What::NoteAmended { by, note: told }));
        }
        self.brief_again(center, out);
        Ok(())
    }

    pub(super) fn acknowledge(&mut self, center: &Center, out: &mut Vec<CallAction>) -> Result<(), Refusal> {
        let Some(consult) = self.consult_mut() else { return Err(Refusal::NoConsult) };
        let Some(line) = &consult.line else { return Err(Refusal::NotUp) };
        if consult.acknowledged {
            return Err(Refusal::Acknowledged);
        }
        let (by, leg) = (line.name.clone(), line.leg);
        let briefing = matches!(consult.stage, Stage::Briefing { .. });
        consult.acknowledged = true;
        out.push(CallAction::Fact(What::NoteAcknowledged { by }));
        if briefing {
            consult.stage = Stage::Together;
            out.push(CallAction::StopPlay { leg });
        }
        self.added(out);
        self.retune(center, out);
        Ok(())
    }

    pub(super) fn decline(
        &mut self,
        center: &Center,
        now: Timestamp,
        why: &str,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let reason = reason(why)?;
        let Some(line) = self.consulted() else { return Err(Refusal::NoConsult) };
        let by = line.name.clone();
        out.push(CallAction::Fact(What::NoteDeclined { by, reason }));
        self.end_consult(center, now, ConsultEnd::Declined, out);
        Ok(())
    }

    pub(super) fn cancel(
        &mut self,
        center: &Center,
        now: Timestamp,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        match self.talk().and_then(|talk| talk.consult.as_ref()).map(|consult| consult.stage) {
            None => Err(Refusal::NoConsult),
            Some(Stage::Planned) => self.resume(center, now, out),
            Some(_) => {
                self.end_consult(center, now, ConsultEnd::Cancelled, out);
                Ok(())
            }
        }
    }

    pub(super) fn toggle(
        &mut self,
        center: &Center,
        now: Timestamp,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        self.is_together()?;
        let Phase::Talking(talk) = &mut self.phase else { return Err(Refusal::NotTalking) };
        if let Some(consult) = &mut talk.consult {
            consult.joined = false;
        }
        match &talk.hold {
            Some(hold) if hold.is_held() => return self.resume(center, now, out),
            Some(_) => return Err(Refusal::Asking),
            None => {}
        }
        let Some((until, by)) = talk.permission.filter(|(until, _)| *until > now) else {
            return Err(Refusal::PermissionOver);
        };
        let agent = self.agent.as_ref().map(|line| line.name.clone()).unwrap_or_default();
        let (reason, quote) = ("consult".to_owned(), until.since(now));
        let wish = hold::Wish { agent, reason, quote, offers_callback: false };
        let (policy, mut actions) = (self.policy(center).hold, Vec::new());
        let hold = Hold::granted(now, &policy, wish, by, &mut actions);
        self.begin_hold(center, now, Some(hold), actions, out);
        Ok(())
    }

    /// The agent talks with the other one of the two now.
    pub(super) fn side_is_now(&mut self, hears: Hears, out: &mut Vec<CallAction>) {
        let Some(consult) = self.consult_mut().filter(|consult| consult.stage == Stage::Together) else {
            return;
        };
        let joined = consult.joined && hears == Hears::Caller;
        out.push(CallAction::Fact(if joined { What::Conferenced } else { What::Toggled { hears } }));
    }

    fn is_together(&self) -> Result<(), Refusal> {
        match self.talk().and_then(|talk| talk.consult.as_ref()).map(|consult| consult.stage) {
            None => Err(Refusal::NoConsult),
            Some(Stage::Together) => Ok(()),
            Some(Stage::Briefing { .. }) => Err(Refusal::NotAcknowledged),
            Some(Stage::Planned | Stage::Sought | Stage::Ringing { .. }) => Err(Refusal::NotUp),
        }
    }

    /// Whether caller and receiver may be brought together.
    fn is_acknowledged(&self) -> Result<(), Refusal> {
        self.is_together()?;
        let consult = self.talk().and_then(|talk| talk.consult.as_ref());
        let acknowledged = consult.is_some_and(|consult| consult.acknowledged);
        if acknowledged { Ok(()) } else { Err(Refusal::NotAcknowledged) }
    }

    pub(super) fn join(
        &mut self,
        center: &Center,
        now: Timestamp,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        self.is_acknowledged()?;
        let Some(talk) = self.talk_mut() else { return Err(Refusal::NotTalking) };
        let held = match &talk.hold {
            Some(hold) if !hold.is_held() => return Err(Refusal::Asking),
            hold => hold.is_some(),
        };
        if let Some(consult) = &mut talk.consult
            && !std::mem::replace(&mut consult.joined, true)
            && !held
        {
            out.push(CallAction::Fact(What::Conferenced));
        }
        self.tell_hold(center, now, hold::Event::End(HoldEndedBy::Consult), out);
        self.retune(center, out);
        Ok(())
    }

    pub(super) fn complete(
        &mut self,
        center: &Center,
        now: Timestamp,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let members = self.has_members();
        if !members {
            self.is_acknowledged()?;
        }
        out.extend(self.agent.as_ref().map(|line| CallAction::HangUp { leg: line.leg, elsewhere: false }));
        if members {
            self.hand_to_member(center, now, out);
        } else {
            self.hand_over(center, now, out);
        }
        Ok(())
    }

    /// Whether the caller can be left to the receiver.
    pub(super) fn can_hand_over(&self) -> bool {
        self.is_acknowledged().is_ok()
    }

    /// The caller is the receiver's now.
    pub(super) fn hand_over(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let Some(consult) = self.take_consult() else { return };
        if let Some(own) = consult.own {
            own.let_go(out);
        }
        if let Some(line) = consult.line {
            self.give_to(center, now, line, out);
        }
    }

    /// The caller is this one's now, who knows the note.
    pub(super) fn give_to(
        &mut self,
        center: &Center,
        now: Timestamp,
        line: AgentLine,
        out: &mut Vec<CallAction>,
    ) {
        let to = match line.agent {
            Some(_) => Target::Agent(line.name.clone()),
            None => Target::Number(line.name.to_string()),
        };
        for (_, party) in self.open.iter_mut().filter(|(leg, _)| *leg == line.leg) {
            *party = Party::Agent;
        }
        let sender = self.agent.replace(line);
        self.handed_on = true;
        self.tell_hold(center, now, hold::Event::End(HoldEndedBy::Consult), out);
        if let Some(sender) = sender {
            self.tell_talk_ended(&sender, now, Party::Agent, out);
            let (from, kind) = (sender.name, TransferKind::Warm);
            out.push(CallAction::Fact(What::Transferred { from, to, kind }));
        }
        if let Some(talk) = self.talk_mut() {
            talk.since = now;
            talk.permission = None;
            talk.spoken = None;
            // The desk that had vanished was the sender's, and so was the phone that was refused to hand the caller on.
            (talk.lost, talk.refused) = (false, None);
        }
        self.retune(center, out);
    }

    /// The consult is over, and the agent, if there, has the caller back.
    pub(super) fn end_consult(
        &mut self,
        center: &Center,
        now: Timestamp,
        cause: ConsultEnd,
        out: &mut Vec<CallAction>,
    ) {
        if self.escalates_on(center, now, cause, out) {
            return;
        }
        if self.consult_mut().is_some_and(|consult| consult.adds) {
            // The talk went on meanwhile.
            self.close_consult(cause, out);
        } else if self.close_consult(cause, out) {
            self.tell_hold(center, now, hold::Event::End(HoldEndedBy::Consult), out);
            if cause != ConsultEnd::Cancelled {
                self.cue_agent(BACK, out);
            }
            self.retune(center, out);
        }
    }

    /// Lets go of whoever is consulted; whether there was a consult.
    pub(super) fn close_consult(&mut self, cause: ConsultEnd, out: &mut Vec<CallAction>) -> bool {
        let Some(consult) = self.take_consult() else { return false };
        if let Some(own) = consult.own {
            own.let_go(out);
        }
        if consult.stage == Stage::Planned {
            return false;
        }
        out.push(CallAction::Fact(What::ConsultEnded { cause }));
        out.extend(self.released(&consult));
        if let Some(line) = consult.line {
            out.push(CallAction::HangUp { leg: line.leg, elsewhere: false });
        }
        true
    }

    /// What the engine is told of a consult that is over.
    fn released(&self, consult: &Consult) -> Option<CallAction> {
        let call: CallId = self.id.consult(consult.number);
        let event = match (&consult.line, &consult.to) {
            (Some(AgentLine { agent: Some(agent), up: true, .. }), _) => {
                queue::Event::TalkEnded { call, agent: *agent }
            }
            (_, Resolved::Number(_)) => return None,
            _ => queue::Event::Abandoned { call },
        };
        Some(CallAction::Queue(event))
    }
}
