//! What an agent or a supervisor asks of a call, and who may ask it.

use std::time::Duration;

use super::Call;
use super::CallAction;
use super::Phase;
use super::conference::MOST_GAIN_DB;
use super::conference::MOST_PARTIES;
use super::consult::Told;
use super::escalate::Escalation;
use super::later::LATEST;
use super::recording::RecordWish;
use crate::base::LegId;
use crate::base::Name;
use crate::base::PromiseId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::AgentMethod;
use crate::fact::AgentVerification;
use crate::fact::HoldWay;
use crate::fact::PromiseKind;
use crate::fact::Resolution;
use crate::fact::SuperviseMode;
use crate::fact::Target;
use crate::fact::What;
use crate::fact::note::NoteDraft;
use crate::fact::note::NoteError;
use crate::flow::Center;
use crate::queue::Hindrance;
use crate::queue::promises::PromiseError;

/// The longest reason of a hold, a decline or an outcome, in characters.
pub const LONGEST_REASON: usize = 200;
/// How many keys are sent to the caller at once.
pub const MOST_KEYS: usize = 32;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentRequest {
    /// Hold the caller.
    Hold { reason: String, quote: Option<Duration>, way: Option<HoldWay>, agreed: bool },
    /// Call the caller back instead of holding them, so much later at the earliest: they agreed, says the agent.
    CallBack { agreed: bool, after: Duration },
    /// Tell the held caller how much longer it takes.
    Requote(Duration),
    /// The agent asked the caller who they are, by this, and says whether it fitted.
    Verify { method: AgentMethod, passed: bool },
    /// The caller had to tell again what was known already.
    Repeat { why: String },
    /// Come back to the caller.
    Resume,
    /// Consult somebody who may take over. `told_caller`: the caller knows why and who, and agreed to wait.
    Consult { to: Target, told_caller: bool, note: NoteDraft },
    /// Change the note of the consult.
    Amend(NoteDraft),
    /// Say the note, or have said it.
    SpeakNote { begin: bool },
    /// The note was read or heard: by the one who is consulted.
    Acknowledge,
    /// The one who is consulted will not take it.
    Decline { reason: String },
    /// Ask whom the center's matrix names, and the next when they do not take it.
    Escalate(Box<Escalation>),
    /// Add somebody to the talk, which goes on meanwhile.
    Add { to: Target, note: NoteDraft },
    /// Let go of somebody who was added.
    Drop { who: Name },
    /// Let nobody hear somebody who was added, or everybody again.
    Mute { who: Name, on: bool },
    /// Let everybody hear somebody louder or quieter than they come.
    Gain { who: Name, gain_db: i8 },
    /// Talk with the other of the two.
    Toggle,
    /// Let all three hear each other.
    Join,
    /// Leave the caller to the one who is consulted.
    Complete,
    /// End the consult and come back to the caller.
    Cancel,
    /// Hand over without a note.
    Transfer { to: Target },
    /// Leave the call.
    HangUp,
    /// Pause the recording, or let it go on.
    Record(RecordWish),
    /// Send keys to the caller's line.
    Keys(String),
    /// Listen, whisper or barge in; none: leave.
    Supervise(Option<SuperviseMode>),
    /// Have the caller in place of their agent: for supervisors.
    TakeOver,
    /// Listen to the talk of a colleague, who is asked first unless the center's file says it already.
    Listen,
    /// Listen no more, or do not want to any more.
    StopListening,
    /// A colleague may listen, or may not: for the agent who has the caller.
    LetListen { who: Name, agreed: bool },
    /// Let the caller wait in another queue.
    Move { queue: Name },
    /// Another place in line, by a priority of the caller's own; [`FIRST`](crate::queue::api::FIRST) is before all.
    Prioritise(i32),
    /// The caller came to the wrong queue, and belongs in this one. Taken after the end of the call as well.
    Misrouted { belongs: Option<Name>, reason: String },
    /// They came to the right one after all.
    NotMisrouted,
    /// What came of it. Taken after the end of the call as well.
    Outcome(Box<OutcomeReport>),
    /// Promise the caller what may be promised at this level of escalation.
    Quote { level: Name },
    /// Promise the caller something. Taken after the end of the call as well.
    Promise(Box<PromiseDraft>),
}

/// What came of a talk.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeReport {
    pub outcome: Resolution,
    pub reason_code: String,
    pub note: String,
    pub promise: Option<PromiseDraft>,
    /// The promise to this caller that was kept by it.
    pub kept: Option<PromiseId>,
}

/// What the caller was promised.
#[derive(Clone, Debug, PartialEq)]
pub struct PromiseDraft {
    pub kind: PromiseKind,
    pub due: WallTime,
    pub words: String,
}

/// Why a call does not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{0} is not in this call")]
    NotYours(Name),
    #[error("only the agent who has the caller may do this")]
    NotTheSender,
    #[error("only the one who is consulted may do this")]
    NotTheReceiver,
    #[error("the caller is not talking with an agent")]
    NotTalking,
    #[error("the caller has not agreed to be called back")]
    NotAgreed,
    #[error("there is no number at which this caller can be called back")]
    NoNumber,
    #[error("{0} s is longer than a callback is put off: {most} s", most = LATEST.as_secs())]
    TooLate(u64),
    #[error("the caller is on hold already")]
    Held,
    #[error("the caller is not on hold")]
    NotHeld,
    #[error("the caller is being asked already")]
    Asking,
    #[error("a hold needs a reason")]
    NoReason,
    #[error("a reason has at most {LONGEST_REASON} characters, not {0}")]
    LongReason(usize),
    #[error("{asked} s is longer than this queue lets an agent quote: {most} s")]
    LongQuote { asked: u64, most: u64 },
    #[error("this queue asks its callers by prompt; an agent's word that they agreed is not enough")]
    MustPrompt,
    #[error("a consult is under way already")]
    Consulting,
    #[error("no consult is under way")]
    NoConsult,
    #[error("this call has been handed on too often")]
    TooManyConsults,
    #[error("the caller is on hold and has not been told why and to whom they are to go")]
    NotTold,
    #[error("no prompt tells the caller to whom they are to go")]
    NotNamed,
    #[error("there is no {0}")]
    NoSuchTarget(String),
    #[error("{0} cannot be dialled")]
    NoSuchNumber(String),
    #[error("no trunk takes calls to the outside")]
    NoTrunk,
    #[error("an agent calls a colleague or a number, not a queue")]
    QueueCalled,
    #[error("{0} is in this call already")]
    Yourself(Name),
    #[error("{}", list(.0))]
    Note(Vec<NoteError>),
    #[error("nobody has picked up for the consult yet")]
    NotUp,
    #[error("the note has not been acknowledged yet")]
    NotAcknowledged,
    #[error("the caller would hear the note: they are not on hold")]
    CallerHears,
    #[error("a note is being spoken already")]
    NoteRuns,
    #[error("no note is being spoken")]
    NoNoteRuns,
    #[error("the note was acknowledged already")]
    Acknowledged,
    #[error("all three hear each other: the note has had its time")]
    Joined,
    #[error("the caller's permission to be held has run out")]
    PermissionOver,
    #[error("the queue {0} takes and gives no calls without a note")]
    BlindRefused(Name),
    #[error("a colleague is not handed over without a note")]
    Colleague,
    #[error("a number outside gets no call without a note")]
    BlindNumber,
    #[error("as many as may listen to this talk already")]
    Supervised,
    #[error("{0} is no agent of this center")]
    NoAgent(Name),
    #[error("{name} is {state}")]
    TakesCalls { name: Name, state: &'static str },
    #[error("{0} listens to a talk, or asks to, already")]
    Listens(Name),
    #[error("{agent} does not let {who} listen to this talk")]
    NotLetIn { who: Name, agent: Name },
    #[error("{0} does not ask to listen")]
    DoesNotAsk(Name),
    #[error("the center has no levels of escalation")]
    NoLevels,
    #[error("{0} is the last level of escalation")]
    LastLevel(Name),
    #[error("nothing may be promised at {0}")]
    NoQuote(Name),
    #[error("more than two are in this talk with the caller")]
    Conference,
    #[error("{MOST_PARTIES} are in this talk, which is as many as may")]
    ConferenceFull,
    #[error("{0} was not added to this talk")]
    NotAParty(Name),
    #[error("{0} dB is more than {MOST_GAIN_DB} dB either way")]
    TooLoud(i8),
    #[error("nobody has handed this caller on")]
    NeverHandedOn,
    #[error("this caller came by no queue")]
    NotRouted,
    #[error("that line is no consult of this call")]
    OtherCall,
    #[error("only an agent's phone hands a caller on")]
    NotAnAgent,
    #[error("{0:?} are not up to {MOST_KEYS} keys of a telephone")]
    NotKeys(String),
    #[error("this call is not being recorded")]
    NotRecorded,
    #[error("the recording is paused already")]
    RecordingPaused,
    #[error("the recording is not paused")]
    RecordingRuns,
    #[error("a pause of the recording needs a reason")]
    NoPauseReason,
    #[error("{name} is {state}")]
    NotReady { name: Name, state: &'static str },
    #[error("{name} is {state}")]
    Busy { name: Name, state: &'static str },
    #[error("no phone of {0} is signed in")]
    NoPhone(Name),
    #[error("{0} has not talked with this caller")]
    NeverTalked(Name),
    #[error("{0}")]
    Hindered(Hindrance),
    #[error("{0}")]
    Promise(PromiseError),
    #[error("{} has handled it already", .0.as_deref().unwrap_or(LOCAL))]
    Handled(Option<Name>),
}

impl Refusal {
    /// The final status that a phone is told it by (RFC 3261 §21).
    pub fn sip_status(&self) -> u16 {
        match self {
            Refusal::NoSuchTarget(_) | Refusal::NoSuchNumber(_) => 404,
            Refusal::NotReady { .. } | Refusal::Busy { .. } | Refusal::NoPhone(_) => 480,
            _ => 403,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Refusal::NotYours(_) => "GET /api/v1/calls shows whose it is",
            Refusal::NotTheSender | Refusal::NotTheReceiver => "the other of the two can",
            Refusal::NotTalking => "wait until an agent has picked up",
            Refusal::NotAgreed => {
                r#"ask them, and send "agreed":true; or hold with "way":"prompted", which offers it by key 3"#
            }
            Refusal::NoNumber => "promise them something instead, or keep talking",
            Refusal::TooLate(_) => "promise it: the promise is a row that reminds its owner",
            Refusal::Held => "resume first",
            Refusal::NotHeld => "there is nothing to resume",
            Refusal::Asking => "wait for the caller's answer, or resume to take the question back",
            Refusal::NoReason => "say what it is for: the history shows it",
            Refusal::LongReason(_) => "say it shorter",
            Refusal::LongQuote { .. } => "quote less, and ask again when it takes longer",
            Refusal::MustPrompt => r#"send "way":"prompted""#,
            Refusal::Consulting => "complete it or cancel it first",
            Refusal::NoConsult => "begin one first",
            Refusal::TooManyConsults => "keep the caller",
            Refusal::NotTold => r#"resume, tell them, and send "told_caller":true"#,
            Refusal::NotNamed => r#"tell them, and send "told_caller":true; or record transfer/NAME"#,
            Refusal::NoSuchTarget(_) => "GET /api/v1/agents and /api/v1/queues list whom there is",
            Refusal::NoSuchNumber(_) => "digits, with + before a country's code",
            Refusal::NoTrunk => r#"give a trunk of center.yaml an "out" address"#,
            Refusal::QueueCalled => "the queue's own number is answered by its flow",
            Refusal::Yourself(_) => "choose somebody else",
            Refusal::Note(_) => "the queue's note_needs in center.yaml names what a note must say",
            Refusal::NotUp => "wait, or cancel the consult",
            Refusal::NotAcknowledged => "the receiver acknowledges it on the desk, or by key 1",
            Refusal::CallerHears => "hold them first, or consult",
            Refusal::NoteRuns => r#"send "do":"stop" when it is said"#,
            Refusal::NoNoteRuns => r#"send "do":"start" first"#,
            Refusal::Acknowledged => "there is nothing to acknowledge",
            Refusal::Joined => "say it to all",
            Refusal::PermissionOver => "ask the caller again: hold",
            Refusal::BlindRefused(_) | Refusal::BlindNumber | Refusal::Colleague => {
                "consult with a note instead"
            }
            Refusal::Supervised => "wait until one of them leaves",
            Refusal::NoAgent(_) => "agents listen to colleagues; supervisors supervise",
            Refusal::TakesCalls { .. } => "who listens takes no calls: say that you are not ready first",
            Refusal::Listens(_) => r#"POST /api/v1/calls/{id}/listen with "leave":true first"#,
            Refusal::NotLetIn { .. } => "ask to listen to another talk",
            Refusal::DoesNotAsk(_) => "the desk lists who asks, and who listens",
            Refusal::NoLevels => "write `escalation` into center.yaml",
            Refusal::LastLevel(_) => "promise what may be promised there",
            Refusal::NoQuote(_) => "its `promise` in center.yaml says what",
            Refusal::Conference => "add somebody, or drop all but one first",
            Refusal::ConferenceFull => "drop somebody first",
            Refusal::NotAParty(_) => "the desk lists who is in the talk",
            Refusal::TooLoud(_) => "say how many decibels, or 0 for as it comes",
            Refusal::NeverHandedOn => "only who gets a caller from a colleague can say so",
            Refusal::NotRouted => "only calls that a queue gave to an agent can have come to a wrong one",
            Refusal::OtherCall => "dial whom to consult while the caller is on the line",
            Refusal::NotAnAgent => "whoever has the caller can",
            Refusal::NotKeys(_) => "0 to 9, * and #",
            Refusal::NotRecorded => "the queue's `record` in center.yaml says which calls are",
            Refusal::RecordingPaused => r#"send "do":"resume" to let it go on"#,
            Refusal::RecordingRuns => "there is nothing to resume",
            Refusal::NoPauseReason => "say why: the history shows it",
            Refusal::NotReady { .. } => "choose somebody who is ready, or a queue",
            Refusal::Busy { .. } => "that comes first: GET /api/v1/agents shows when it is over",
            Refusal::NoPhone(_) => r#"sign a SIP phone in, or let /desk be one: "Use this page as my phone""#,
            Refusal::Hindered(Hindrance::NotWaiting) => {
                "an agent may have them already: GET /api/v1/wallboard"
            }
            Refusal::Hindered(_) => "GET /api/v1/wallboard shows the queues and who is there",
            Refusal::Promise(error) => error.hint(),
            Refusal::Handled(_) => "read the list again",
            Refusal::NeverTalked(_) => "only who talked with the caller can say what came of it",
        }
    }
}

/// Whoever says it and is nobody.
const LOCAL: &str = "a program on the server's machine";

fn list(errors: &[NoteError]) -> String {
    errors.iter().map(NoteError::to_string).collect::<Vec<_>>().join("; ")
}

/// Whether a trunk can be asked for this number: digits, with + before a country's code.
pub fn dialable(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or(number);
    (1..=20).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit())
}

/// A reason, trimmed; it may be empty.
pub(super) fn reason(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    match text.chars().count() {
        0..=LONGEST_REASON => Ok(text.to_owned()),
        length => Err(Refusal::LongReason(length)),
    }
}

/// Who asks, seen from the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Has the caller.
    Sender,
    /// Is consulted.
    Receiver,
    /// Was called by a colleague, in the caller's place.
    Called,
    /// Was added to the talk.
    Member(LegId),
}

impl Call {
    /// Does what an agent asks, or says why not. A refusal changes nothing.
    pub fn request(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        who: &Name,
        request: AgentRequest,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        self.answer_request(center, now, wall, who, request, out)?;
        self.heed_note(center, now, out);
        self.heed_away(center, now, out);
        self.heed_listening(center, out);
        Ok(())
    }

    fn answer_request(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        who: &Name,
        request: AgentRequest,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        if let (Phase::Calling(_) | Phase::Whispering(_), AgentRequest::HangUp, Some(Role::Sender)) =
            (&self.phase, &request, self.role(who))
        {
            self.hang_up_by(center, now, Role::Sender, out);
            return Ok(());
        }
        if !matches!(self.phase, Phase::Talking(_)) {
            return Err(Refusal::NotTalking);
        }
        if let AgentRequest::Supervise(mode) = request {
            return self.supervise(center, who, mode, out);
        }
        match request {
            AgentRequest::TakeOver => return self.take_over(center, now, who, out),
            AgentRequest::Listen => return self.listen(center, now, who, out),
            AgentRequest::StopListening => return self.stop_listening(center, who, out),
            _ => {}
        }
        let role = self.role(who).ok_or_else(|| Refusal::NotYours(who.clone()))?;
        let sender = if role == Role::Sender { Ok(()) } else { Err(Refusal::NotTheSender) };
        let waits = self.talk().is_some_and(|talk| talk.notice.is_some());
        if waits
            && matches!(
                request,
                AgentRequest::Hold { .. }
                    | AgentRequest::Consult { .. }
                    | AgentRequest::Escalate(_)
                    | AgentRequest::Add { .. }
            )
        {
            return Err(Refusal::Asking);
        }
        let receiver = if role == Role::Receiver { Ok(()) } else { Err(Refusal::NotTheReceiver) };
        match request {
            AgentRequest::Hold { reason, quote, way, agreed } => {
                sender.and_then(|()| self.ask_hold(center, now, &reason, quote, way, agreed, out))
            }
            AgentRequest::CallBack { agreed, after } => {
                sender.and_then(|()| self.call_back_wish(center, now, wall, agreed, after, out))
            }
            AgentRequest::Requote(quote) => sender.and_then(|()| self.requote(center, now, quote, out)),
            AgentRequest::Verify { method, passed } => sender.map(|()| {
                let what = What::AgentVerified(AgentVerification { agent: who.clone(), method, passed });
                self.known.learn(&what);
                out.push(CallAction::Fact(what));
            }),
            AgentRequest::Repeat { why } => self.had_to_repeat(who, role, &why, out),
            AgentRequest::Resume => sender.and_then(|()| self.resume(center, now, out)),
            AgentRequest::Consult { to, told_caller, note } => sender
                .and_then(|()| self.consult(center, now, wall, to, Told::by_agent(told_caller), &note, out)),
            AgentRequest::Amend(note) => sender.and_then(|()| self.amend(center, wall, &note, out)),
            AgentRequest::SpeakNote { begin } => {
                sender.and_then(|()| self.speak_note(center, now, begin, out))
            }
            AgentRequest::Acknowledge => receiver.and_then(|()| self.acknowledge(center, out)),
            AgentRequest::Decline { reason } => {
                receiver.and_then(|()| self.decline(center, now, &reason, out))
            }
            AgentRequest::Escalate(escalation) => {
                sender.and_then(|()| self.escalate(center, now, wall, *escalation, out))
            }
            AgentRequest::Add { to, note } => {
                sender.and_then(|()| self.add(center, now, wall, to, &note, out))
            }
            AgentRequest::Drop { who } => sender.and_then(|()| self.drop_party(center, &who, out)),
            AgentRequest::Mute { who, on } => sender.and_then(|()| self.mute(&who, on, out)),
            AgentRequest::Gain { who, gain_db } => sender.and_then(|()| self.gain(&who, gain_db, out)),
            AgentRequest::Toggle => sender.and_then(|()| self.toggle(center, now, out)),
            AgentRequest::Join => sender.and_then(|()| self.join(center, now, out)),
            AgentRequest::Complete => sender.and_then(|()| self.complete(center, now, out)),
            AgentRequest::Cancel => sender.and_then(|()| self.cancel(center, now, out)),
            AgentRequest::Transfer { to } => sender.and_then(|()| self.transfer(center, now, &to, out)),
            AgentRequest::HangUp => {
                self.hang_up_by(center, now, role, out);
                Ok(())
            }
            AgentRequest::Record(wish) => sender.and_then(|()| self.recording_wish(now, &wish, out)),
            AgentRequest::Keys(keys) => sender.and_then(|()| self.send_keys(keys, out)),
            AgentRequest::LetListen { who: colleague, agreed } => {
                sender.and_then(|()| self.let_listen(center, now, (who, &colleague), agreed, out))
            }
            // Answered above, and by the server, which has the queue and knows who talked with whom after the call.
            AgentRequest::Supervise(_)
            | AgentRequest::TakeOver
            | AgentRequest::Listen
            | AgentRequest::StopListening
            | AgentRequest::Move { .. }
            | AgentRequest::Prioritise(_)
            | AgentRequest::Misrouted { .. }
            | AgentRequest::NotMisrouted
            | AgentRequest::Outcome(_)
            | AgentRequest::Quote { .. }
            | AgentRequest::Promise(_) => Err(Refusal::NotYours(who.clone())),
        }
    }

    pub(super) fn role(&self, who: &Name) -> Option<Role> {
        if self.agent.as_ref().is_some_and(|line| line.is_ours() && line.name == *who) {
            return Some(Role::Sender);
        }
        if self.is_colleague(who) {
            return Some(Role::Called);
        }
        let mut members = self.members().map(|member| &member.line);
        if let Some(line) = members.find(|line| line.agent.is_some() && line.name == *who) {
            return Some(Role::Member(line.leg));
        }
        let consulted = self.consulted()?;
        (consulted.agent.is_some() && consulted.name == *who).then_some(Role::Receiver)
    }

    /// Whoever the caller was handed on to, or is consulted about them, says that they had to ask again.
    fn had_to_repeat(
        &mut self,
        who: &Name,
        role: Role,
        why: &str,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let why = reason(why)?;
        match role {
            Role::Receiver | Role::Member(_) => {}
            Role::Sender if self.handed_on => {}
            Role::Sender | Role::Called => return Err(Refusal::NeverHandedOn),
        }
        out.push(CallAction::Fact(What::HadToRepeat { agent: who.clone(), why }));
        Ok(())
    }

    fn hang_up_by(&mut self, center: &Center, now: Timestamp, role: Role, out: &mut Vec<CallAction>) {
        let leg = match role {
            Role::Sender => self.agent.as_ref().map(|line| line.leg),
            Role::Receiver => self.consulted().map(|line| line.leg),
            Role::Called => self.caller,
            Role::Member(leg) => Some(leg),
        };
        if let Some(leg) = leg {
            out.push(CallAction::HangUp { leg, elsewhere: false });
            self.on_party_left(center, now, leg, &"hung up at the desk".into(), out);
        }
    }

    fn send_keys(&self, keys: String, out: &mut Vec<CallAction>) -> Result<(), Refusal> {
        let is_key = |c: char| c.is_ascii_digit() || c == '*' || c == '#';
        if keys.is_empty() || keys.len() > MOST_KEYS || !keys.chars().all(is_key) {
            return Err(Refusal::NotKeys(keys));
        }
        let leg = self.caller.ok_or(Refusal::NotTalking)?;
        out.push(CallAction::SendKeys { leg, keys });
        Ok(())
    }
}
