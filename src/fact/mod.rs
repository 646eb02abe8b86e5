//! What happened: one closed enum, told by the cores and folded by everything a person reads.
//!
//! History, stories, live views, metrics and webhooks are folds over facts; no screen reads a core.
//! A fact names things as the admin named them, so that it still reads well when the center has changed.
//! No secret is ever in a fact.

pub mod assurance;
pub mod conformance;
pub mod evaluation;
pub mod goal;
mod kinds;
pub mod note;
pub mod place;
pub mod promise;
pub mod reason;
pub mod recording;
pub mod talk;
pub mod trend;

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::PromiseId;
use crate::base::Timestamp;
use crate::base::WallTime;
pub use assurance::AgentMethod;
pub use assurance::AgentVerification;
pub use assurance::Assurance;
pub use note::BriefingNote;
pub use place::KeptPlace;
pub use place::KeptPlaces;
pub use place::Place;
pub use promise::OpenPromises;
pub use promise::Promise;
pub use promise::PromiseKind;
pub use promise::PromiseState;
pub use promise::Promisee;
pub use reason::AgentChoice;
pub use reason::ChosenBy;
pub use reason::Reason;
pub use reason::Why;
pub use recording::RecordingEnd;
pub use talk::ConsultEnd;
pub use talk::Hears;
pub use talk::HoldAnswer;
pub use talk::HoldBy;
pub use talk::HoldEndedBy;
pub use talk::HoldWay;
pub use talk::ListensBy;
pub use talk::Resolution;
pub use talk::SuperviseMode;
pub use talk::Target;
pub use talk::TransferKind;
use trend::Pattern;
use trend::TrendChange;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// To which call; none for what concerns an agent or the server alone.
    pub call: Option<CallId>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum What {
    /// A caller's INVITE came in, and was taken.
    CallArrived {
        /// The calling number or user, as far as the trunk is trusted.
        from: String,
        /// The calling party's display name; empty when none was given.
        display: String,
        /// The number that was dialled.
        to: Name,
        /// SIP's Call-ID header.
        sip_call_id: String,
        /// `udp 127.0.0.1:5070`: transport and source address.
        source: String,
        /// The trunk it came by, when it came by one.
        trunk: Option<Name>,
    },
    /// Which version of the flow files the call is served with, to its end, and whether it was tried on some then.
    FlowsServed { version: Name, canary: bool },
    /// An agent calls somebody, whose line is the caller's in all that follows. The agent's own phone rings first.
    CallPlaced {
        agent: Name,
        to: Target,
        /// The queue whose rules hold, and that has the one who is called should the agent be lost.
        queue: Name,
        /// The trunk by which somebody outside is called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trunk: Option<Name>,
        /// Our number, as they see it; none where it is withheld, and among colleagues.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caller_id: Option<String>,
    },
    /// The agent is there, and the phone of the one they call rings.
    CalleeDialled { to: Target },
    /// The one who was called picked up: the two hear each other.
    CalleeReached { agent: Name, rang: Duration },
    /// The one who was called did not pick up.
    CalleeMissed { why: MissedWhy },
    /// The caller's line was answered (200 OK sent).
    CallAnswered,
    /// A flow began to serve the caller.
    FlowStarted { flow: Name },
    /// The caller came to a node of the flow; by that exit of the node before it, where one led here.
    NodeEntered {
        flow: Name,
        node: Name,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Name>,
    },
    /// Prompts began to play to the caller, by name, in order.
    Played { prompts: Vec<Name> },
    /// Prompts were not played, because the caller had keyed ahead.
    LeftOut { prompts: Vec<Name> },
    /// A key stopped what was playing.
    BargedIn { digit: char },
    /// A key that is no part of a secret.
    Digit { digit: char },
    /// The caller gave no key in time, or one that is no choice.
    NoInput { node: Name },
    /// The caller gave a key that is no choice here; `?` where it may be part of a secret that was asked for just before.
    NoMatch { node: Name, digit: char },
    /// The caller chose from a menu.
    Chose { node: Name, digit: char, choice: Name },
    /// A customer record was found for the caller. Not yet proof of who calls.
    Identified { customer: String, name: String, by: IdentifiedBy },
    /// An account number, or the PIN, date of birth or code beside it, did not fit. Which of the two is not told.
    VerificationFailed { attempt: u32 },
    /// Verification ended.
    VerificationEnded { result: Verification },
    /// An agent asked the caller themselves, and says how that came out.
    AgentVerified(AgentVerification),
    /// A variable of the flow that is no secret got a value.
    VariableSet { name: Name, value: String },
    /// A service was asked over HTTP, and how that came out, in words.
    ServiceAsked { service: Name, result: Name, took: Duration },
    /// The caller was handed to a voice bot.
    BotJoined { bot: Name },
    /// The talk with it is over, and how, in its own word or ours.
    BotLeft { bot: Name, result: Name, took: Duration },
    /// The caller is spoken to in this language from here on.
    LanguageChosen { language: Name },
    /// The caller joined a queue.
    Enqueued { queue: Name, needs: Vec<NeedFact>, priority: i32, waiting: u32 },
    /// The caller came to a queue that lets nobody in just then; `WaitEnded` follows, and says why.
    NotLetIn { queue: Name, needs: Vec<NeedFact> },
    /// The call goes to an agent before anybody else, for so long at most; or some must not get it; or of those who can
    /// serve it, who has this as well is taken first.
    AgentsNamed {
        prefer: Option<(Name, Duration)>,
        exclude: Vec<Name>,
        #[serde(default)]
        wants: Vec<NeedFact>,
    },
    /// The caller's line had dropped in this queue shortly before: they are as old as they were.
    AgeRestored { age: Duration },
    /// The caller joined a queue in which many wait for each agent just then, and is told so.
    JoinedInSurge,
    /// The caller has waited so long that something else is needed of an agent now: all of this.
    NeedsRelaxed { needs: Vec<NeedFact> },
    /// The caller waits though so many agents are idle who could serve them: they are kept for calls to which they are worth
    /// more, for so long at most. Told once of a wait.
    HeldBack { idle: u32, at_most: Duration },
    /// A supervisor moved the waiting caller to another queue, as old as they are.
    WaitMoved { from: Name, to: Name, needs: Vec<NeedFact>, priority: i32, by: Name },
    /// A supervisor gave the waiting caller another priority, [`FIRST`] being before all others.
    WaitPrioritised { priority: i32, by: Name },
    /// The caller was asked whether they would hold.
    WaitAsked { quote: Option<Duration>, position: u32 },
    /// The caller may be held until then.
    WaitGranted { by: GrantedBy, until: Timestamp },
    /// The caller would not be held.
    WaitDeclined,
    /// Music on hold began: never before [`What::WaitGranted`].
    HoldMusicStarted,
    /// The caller was told they are still remembered.
    CheckedIn { quote: Option<Duration> },
    /// The caller chose to be called back and keeps the place; not before `at`, if they chose a time.
    CallbackChosen {
        number: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<WallTime>,
        /// What it takes to keep it; none in histories from before a restart kept places.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<Box<Place>>,
    },
    /// The process that served the call is gone, and another one goes on with it.
    CarriedOn,
    /// The server was started anew, and keeps the place of a caller who joined the queue at `since`.
    PlaceRecalled { queue: Name, needs: Vec<NeedFact>, priority: i32, waiting: u32, since: WallTime },
    /// The caller is being called back.
    CallbackDialled { number: String, attempt: u32 },
    /// The caller is called back before an agent's phone rings, and this agent is kept for them meanwhile.
    AgentReserved {
        agent: Name,
        #[serde(default)]
        why: Why,
    },
    /// They picked up, and wait on the line for an agent.
    CallbackReached { number: String, attempt: u32 },
    /// Nobody was there for them any more before they picked up: their phone rings no more, and that is no try.
    CallbackCancelled { number: String, attempt: u32 },
    /// A try to call back did not reach the caller, or nobody was there for them.
    CallbackFailed { number: String, attempt: u32, cause: String },
    /// A flow has somebody outside called for the caller, who hears it ring.
    ForwardDialled { number: String },
    /// They picked up: the two hear each other.
    ForwardAnswered { number: String, rang: Duration },
    /// They did not.
    ForwardMissed { number: String, why: MissedWhy },
    /// The two have parted.
    ForwardEnded { number: String, talked: Duration, by: Party },
    /// The wait ended without an agent.
    WaitEnded { exit: WaitExit },
    /// An agent's phone rings for the call, and why this one and this call.
    AgentRinging {
        agent: Name,
        attempt: u32,
        #[serde(default)]
        why: Why,
    },
    /// The agent did not take the call; the caller keeps age and place.
    AgentMissed { agent: Name, why: MissedWhy },
    /// The agent has picked up, and hears for what the caller comes; the caller hears nothing of it.
    Whispered { agent: Name, prompts: Vec<Name> },
    /// Agent and caller hear each other.
    AgentConnected { agent: Name, waited: Duration, quote: Option<Duration> },
    /// The talk with the agent ended.
    TalkEnded { agent: Name, talked: Duration, by: Party },
    /// An agent wants to hold the caller, and says why and how long.
    HoldAsked { agent: Name, reason: String, quote: Duration, way: HoldWay },
    /// What the caller said to it.
    HoldAnswered { agent: Name, answer: HoldAnswer },
    /// Instead of a hold they agreed that the caller is called back: by the agent's word, or the caller's key.
    CallbackAgreed { agent: Name, way: HoldWay },
    /// The caller is held by an agent: never before a yes or an override.
    HoldStarted { agent: Name, reason: String, until: Timestamp, by: HoldBy },
    /// The agent was reminded that the quote is nearly over.
    HoldNudged { agent: Name },
    /// The agent needs longer than they said, and the caller was told how long before that slipped.
    HoldRequoted { agent: Name, until: Timestamp },
    /// A held caller was told that they are remembered.
    HoldCheckedIn,
    /// A hold reached its longest: a supervisor should know.
    HoldAlarm { agent: Name },
    /// The caller is held no more.
    HoldEnded { agent: Name, held: Duration, by: HoldEndedBy },
    /// An agent asks somebody to help or to take over, with a note.
    ConsultStarted { agent: Name, target: Target, note: Box<BriefingNote> },
    /// The phone of the one who is consulted rings.
    ConsultRinging { agent: Name },
    /// The note was changed; it has to be acknowledged anew.
    NoteAmended { by: Name, note: Box<BriefingNote> },
    /// An agent said a note, of this length and in this file, to be heard by whoever is consulted.
    NoteSpoken { by: Name, file: String, length: Duration },
    /// The one who is consulted has read or heard the note.
    NoteAcknowledged { by: Name },
    /// They would not take it.
    NoteDeclined { by: Name, reason: String },
    /// They picked up.
    ConsultAnswered { by: Name },
    /// The consulting agent talks with the other of the two.
    Toggled { hears: Hears },
    /// Caller, agent and the one who is consulted hear each other.
    Conferenced,
    /// An agent asks whom the center's matrix names for this level, or the level before did not take it.
    Escalated { agent: Name, level: Name, to: Target, reason: String },
    /// An agent adds somebody to the talk, with a note that they acknowledge before they are in it.
    PartyCalled { agent: Name, target: Target, note: Box<BriefingNote> },
    /// Somebody beside caller and agent is in the talk from now on.
    PartyJoined { who: Name },
    /// And is not any more.
    PartyLeft { who: Name, by: Party },
    /// Nobody hears them, or everybody again.
    PartyMuted { who: Name, on: bool },
    /// They are heard louder or quieter than they come.
    PartyGain { who: Name, gain_db: i8 },
    /// The consult is over without a transfer.
    ConsultEnded { cause: ConsultEnd },
    /// The caller is somebody else's now.
    Transferred { from: Name, to: Target, kind: TransferKind },
    /// An agent's phone asked that the caller be handed on (SIP's REFER): on whose behalf it said, and why not, if not.
    Referred { agent: Name, to: String, referred_by: Option<String>, refused: Option<String> },
    /// The caller had to tell again what the one who handed them on knew already, says who has them now.
    HadToRepeat { agent: Name, why: String },
    /// The caller came to the wrong queue, says who has them or had them: which one it was, and where they belong, if they say
    /// so. A later word of the talk goes in place of it.
    Misrouted {
        agent: Name,
        queue: Option<Name>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        belongs: Option<Name>,
        reason: String,
    },
    /// They came to the right one after all.
    MisroutedTakenBack { agent: Name },
    /// A supervisor is there in this way.
    Supervising { supervisor: Name, mode: SuperviseMode },
    /// And is not any more.
    SupervisionEnded { supervisor: Name },
    /// A colleague asks the agent whether they may listen.
    ListeningAsked { by: Name, agent: Name },
    /// What the agent says to it. A no sends away who listens.
    ListeningAnswered { agent: Name, by: Name, agreed: bool },
    /// It came to nothing: nobody answered in time, the colleague's phone did not, or there is no such talk any more.
    ListeningLapsed { by: Name },
    /// A colleague hears what this agent hears, and the agent; nobody hears them.
    Listening { listener: Name, agent: Name, by: ListensBy },
    /// And does not any more.
    ListeningEnded { listener: Name },
    /// A supervisor has the caller now, in place of their agent.
    TakenOver { from: Name, by: Name },
    /// What came of the talk, in the agent's word.
    OutcomeSet { agent: Name, outcome: Resolution, reason_code: String, note: String },
    /// The caller was promised something by a time.
    PromiseMade {
        /// None in histories from before promises had numbers.
        #[serde(default)]
        id: Option<PromiseId>,
        agent: Name,
        promise: PromiseKind,
        due: WallTime,
        words: String,
        #[serde(default)]
        to: Box<Promisee>,
    },
    /// Whoever owes a promise was told that it is nearly due.
    PromiseReminded { id: PromiseId, agent: Name },
    /// A promise is not kept in time: a supervisor should know.
    PromiseOverdue { id: PromiseId, agent: Name },
    /// Somebody else owes a promise now.
    PromiseHanded { id: PromiseId, from: Name, to: Name, by: Name },
    /// A promise was kept, in time or late, or broken, says whom it names; nobody: it was long overdue.
    PromiseSettled { id: PromiseId, agent: Name, state: PromiseState, by: Option<Name>, words: String },
    /// The caller was asked whether the talk may be recorded, and said this.
    RecordingAnswered { answer: HoldAnswer },
    /// The talk is recorded from now on, into this file of the folder of recordings.
    RecordingStarted { file: String },
    /// Silence is recorded, as an agent wants it.
    RecordingPaused { agent: Name, reason: String },
    /// The talk is recorded again; by nobody's wish when the longest pause was over.
    RecordingResumed { agent: Option<Name> },
    /// The recording is over.
    RecordingEnded { file: String, why: RecordingEnd },
    /// Somebody listened to a recording, or took it away. None for a program on the server's machine.
    RecordingFetched { file: String, by: Option<Name> },
    /// Somebody who had no part in the call, nor owes anything from it, read its history.
    CallRead { by: Name },
    /// Somebody read a list of calls: the filters as they were asked for, `from=+12025550143 agent=alice`; empty for all calls.
    CallsListed { by: Name, filter: String },
    /// Somebody has all facts told to them as they happen.
    EventsWatched { by: Name },
    /// Somebody read by the API who the callers are.
    CustomersRead { by: Name },
    /// Somebody changed by the API what is kept of a customer. None for a program on the server's machine.
    CustomerChanged { account: String, did: CustomerChange, by: Option<Name> },
    /// A supervisor judged an agent's talk by a form; by nobody: a program on the server's machine.
    Evaluated { agent: Name, form: Name, by: Option<Name> },
    /// The agent has read how their talk was judged.
    EvaluationAcknowledged { agent: Name, form: Name },
    /// Somebody read how others judged others' talks of the call.
    EvaluationsRead { by: Name },
    /// The caller left a message for those who serve a queue; which one of the call's it is, from 1 on.
    MessageLeft { queue: Name, part: u16, length: Duration, from: Box<Promisee> },
    /// A message was asked for and is none: nobody said anything, or it could not be stored.
    NoMessageLeft { queue: Name, failed: bool },
    /// Somebody listened to a message, or took it away. None for a program on the server's machine.
    MessageFetched { part: u16, by: Option<Name> },
    /// Somebody has done what a message asks for, or says why not. None for a program on the server's machine.
    MessageHandled { part: u16, by: Option<Name>, words: String },
    /// The agent has ended the talk, and the caller is asked about it.
    SurveyStarted { agent: Name, queue: Name },
    /// What the caller answered to a question; about whom, where it came after a talk; and whether what they called about is
    /// settled by it, where that was asked.
    SurveyAnswered {
        question: Name,
        answer: u8,
        agent: Option<Name>,
        queue: Option<Name>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settled: Option<bool>,
    },
    /// A party's line was opened.
    LegOpened { leg: LegId, party: Party, address: String },
    /// A party went on with the call at another phone of theirs.
    LegMoved { leg: LegId, party: Party, address: String },
    /// What a party's line carried, told when it closes.
    LegClosed { leg: LegId, party: Party, quality: Quality },
    /// A party stopped sending audio for a while.
    AudioLost { leg: LegId, party: Party },
    /// A party's audio is back.
    AudioBack { leg: LegId, party: Party },
    /// A party's phone put the line on hold by itself (re-INVITE with sendonly or inactive).
    FarEndHeld { leg: LegId, party: Party },
    /// A party's phone took its hold back.
    FarEndResumed { leg: LegId, party: Party },
    /// The call is over; by the word of that person, where it was an operator's.
    CallEnded {
        by: Party,
        outcome: Outcome,
        cause: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by_person: Option<Name>,
    },
    /// An agent's state changed.
    AgentState { agent: Name, from: AgentStateName, to: AgentStateName, reason: String },
    /// An agent who rings or talks will be this once the call is over.
    AgentNext { agent: Name, to: AgentStateName, reason: String },
    /// Somebody else wants an agent in this state: a supervisor.
    AgentTold { agent: Name, to: AgentStateName, reason: String, by: Name },
    /// The center's file was changed, and has this agent from now on.
    AgentAdded { agent: Name },
    /// It has this one no more: they are signed out, at the end of the talk that they are in.
    AgentRemoved { agent: Name },
    /// A supervisor gave an agent a skill at this level; 0 took it away. By nobody: the center's files say so, which were
    /// changed, or whose date came.
    SkillSet { agent: Name, skill: Name, level: u8, by: Option<Name> },
    /// A phone signed in for an agent; how many contacts it has now.
    PhoneRegistered { agent: Name, contact: String, contacts: u32 },
    /// A phone of an agent signed out, or its registration ran out.
    PhoneUnregistered { agent: Name, contacts: u32 },
    /// An agent's desk is there: signed in, with its audio connection up.
    DeskOpened { agent: Name },
    /// The desk vanished; its line and the agent's state are kept for a while.
    DeskLost { agent: Name },
    /// It came back in time.
    DeskBack { agent: Name },
    /// The agent signed out of the desk, or it did not come back.
    DeskClosed { agent: Name },
    /// So many callers wait on the line for the agents who take a queue's calls that it is in a surge from now on.
    SurgeBegan { queue: Name, waiting: u32, agents: u32 },
    /// The server was started anew in the middle of a queue's surge.
    SurgeGoesOn { queue: Name, waiting: u32, agents: u32, since: WallTime },
    /// The surge is over.
    SurgeEnded { queue: Name, waiting: u32, agents: u32 },
    /// So many per cent of a queue's callers are to be answered within so long from now on: told at a start where the last that
    /// was told is another.
    TargetSet { queue: Name, percent: u8, within: Duration },
    /// A caller named this number, and is not believed: they came by no trunk. They have none.
    NumberNotBelieved { number: String },
    /// The machine's clock was set, or the machine has slept: the calendar is so much later from now on, or earlier.
    CalendarSet { by_ms: i64 },
    /// A trunk took our registration: calls may come by it.
    TrunkRegistered { trunk: Name },
    /// It did not, and why: no calls may come by it. Told again where that is for another reason.
    TrunkUnregistered { trunk: Name, why: String },
    /// A queue's figures of the last whole week are others than in the weeks before it, by more than chance: told once, when that
    /// week is over.
    TrendSeen { queue: Name, changes: Vec<TrendChange>, pattern: Option<Pattern> },
}

/// The priority of a call that goes before all that have less: a supervisor's word, which no weight of another queue
/// outdoes. Calls that have it go by their age.
pub const FIRST: i32 = i32::MAX;

/// A need in words that need no table: `billing >= 3`, `(english >= 2 or spanish >= 5)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedFact {
    /// The skill.
    pub skill: Name,
    /// The least level, 1 to 10.
    pub level: u8,
    /// What would do instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<NeedFact>,
}

impl fmt::Display for NeedFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NeedFact { skill, level, or } = self;
        if or.is_empty() {
            return write!(f, "{skill} >= {level}");
        }
        write!(f, "({skill} >= {level}")?;
        or.iter().try_for_each(|need| write!(f, " or {need}"))?;
        f.write_str(")")
    }
}

/// How a customer record was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifiedBy {
    /// By the calling number: context, not proof.
    CallingNumber,
    /// By an account number that the caller keyed.
    Account,
}

/// How verification by a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// Account number and PIN fit.
    VerifiedByPin,
    /// Account number and date of birth fit.
    VerifiedByBirthDate,
    /// The caller keyed the code that was sent to the account's owner.
    VerifiedByCode,
    /// Three tries did not fit.
    Failed,
    /// The account is locked after too many wrong tries over calls.
    LockedOut,
    /// The caller keyed nothing.
    NoInput,
    /// The customer store did not answer in time.
    Unavailable,
    /// The caller hung up meanwhile.
    Abandoned,
}

impl Verification {
    /// Whether it proves who calls.
    pub fn is_proof(self) -> bool {
        self.level() > 0
    }

    /// How much it proves: 2 what is secret or sent for the purpose, 1 what others may know, 0 nothing.
    pub fn level(self) -> u8 {
        match self {
            Verification::VerifiedByPin | Verification::VerifiedByCode => 2,
            Verification::VerifiedByBirthDate => 1,
            _ => 0,
        }
    }
}

/// Whose word allowed the hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantedBy {
    /// The caller's own, by key.
    Caller,
    /// The flow file's, which is marked as such: an audited override.
    FlowFile,
}

/// How a wait ended without an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitExit {
    /// The caller hung up.
    Abandoned,
    /// The caller declined to hold, and no callback was wanted.
    Declined,
    /// The longest wait that the queue allows was reached.
    Cap,
    /// Nobody signed in has the skill.
    NobodyStaffed,
    /// The queue is full.
    Full,
    /// The wait that is expected is longer than the queue lets anybody wait for.
    ExpectedWait,
    /// More callers wait for each agent than the queue lets anybody join behind.
    Surge,
    /// A callback could not reach the caller in all its tries.
    CallbackFailed,
    /// Who was to be called back called again and has an agent.
    Redialled,
    /// An operator ended the call.
    EndedByOperator,
    /// Warmline itself did: it stopped, or something of ours failed.
    EndedByServer,
}

/// Why an agent missed a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedWhy {
    /// Rang until the timeout.
    NoAnswer,
    /// Refused the call.
    Declined,
    /// The phone was busy.
    Busy,
    /// The phone could not be reached.
    Unreachable,
    /// The caller hung up, another agent was faster, or the server was started anew: nobody's fault.
    Withdrawn,
}

/// Who.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The person who called, or is called back.
    Caller,
    /// The person who takes the call.
    Agent,
    /// Somebody whom the agent consults, and who may take over.
    Consulted,
    /// A supervisor who listens, whispers or barges in.
    Supervisor,
    /// A colleague who listens to the agent, and is heard by nobody.
    Listener,
    /// Warmline itself.
    Server,
}

/// The cause of a call by which an agent's phone only said what the agent wants, as `*51` does.
pub const FEATURE_CODE: &str = "feature code";

/// The cause of a call that an operator ended, by the API.
pub const OPERATOR_ENDS: &str = "ended by an operator";

/// What was done to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerChange {
    Added,
    Changed,
    Removed,
    /// No wrong PIN counts any more.
    Unlocked,
}

/// How a call came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An agent talked with the caller.
    Talked,
    /// The flow served the caller to its end.
    Served,
    /// The caller hung up in the flow.
    LeftInFlow,
    /// The caller hung up while waiting or while an agent's phone rang.
    Abandoned,
    /// The caller declined to wait.
    Declined,
    /// The wait ended by its cap, or for want of staff or place.
    Unserved,
    /// A callback never reached the caller.
    CallbackFailed,
    /// Never answered, or refused.
    Refused,
    /// An agent called somebody, who did not pick up.
    NotReached,
    /// An operator ended it, before an agent talked with the caller.
    EndedByOperator,
    /// Something of ours failed.
    Failed,
}

/// Who called whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// A caller the center.
    #[default]
    Inbound,
    /// An agent somebody outside.
    Outbound,
    /// An agent another one.
    Internal,
}

impl Direction {
    /// Which way a call goes that an agent places.
    pub fn placed(to: &Target) -> Direction {
        match to {
            Target::Number(_) => Direction::Outbound,
            Target::Agent(_) | Target::Queue(_) => Direction::Internal,
        }
    }
}

/// An agent's state by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentStateName {
    Offline,
    Ready,
    /// Kept for a caller who is being called back.
    Reserved,
    Ringing,
    Talking,
    WrapUp,
    NotReady,
}

/// What a line carried, counted from RTP and RTCP (RFC 3550 §6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// RTP packets that we sent.
    pub sent: u64,
    /// RTP packets that came.
    pub received: u64,
    /// RTP packets that should have come and did not.
    pub lost: u64,
    /// RTP packets that came when their time was over, where the leg was decoded.
    #[serde(default)]
    pub late: u64,
    /// RTP packets that came again.
    #[serde(default)]
    pub duplicate: u64,
    /// RTP packets that came after one that was sent later.
    #[serde(default)]
    pub reordered: u64,
    /// How much of its sound was rebuilt or filled in, in milliseconds, where the leg was decoded.
    #[serde(default)]
    pub concealed_ms: u64,
    /// Interarrival jitter of what came, in microseconds.
    pub jitter_us: u32,
    /// Round trip by RTCP, in microseconds, when the peer reports.
    pub round_trip_us: Option<u32>,
    /// How what came sounds, by the E-model ([ITU-T G.107](https://www.itu.int/rec/T-REC-G.107)): the transmission
    /// rating R, 0 to 93; none when less than a second came.
    #[serde(default)]
    pub r_factor: Option<u8>,
    /// How what we sent arrived, where the peer reported on it.
    #[serde(default)]
    pub peer: Option<PeerReport>,
}

/// How what we sent arrived, as the peer's latest report has it: the first two by RTCP, the others by the VoIP metrics of
/// [RFC 3611 §4.7](https://www.rfc-editor.org/rfc/rfc3611#section-4.7), where the peer tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerReport {
    /// RTP packets that did not arrive.
    pub lost: u32,
    /// Interarrival jitter, in microseconds.
    pub jitter_us: u32,
    /// Of 256 packets, those that arrived and were not heard: they came when their time was over.
    pub discarded: Option<u8>,
    /// The mean length of a burst of losses, in milliseconds.
    pub burst_ms: Option<u16>,
    /// The transmission rating R, 0 to 100.
    pub r_factor: Option<u8>,
}

impl Quality {
    /// The mean opinion that listeners would have, 1 to 4.5.
    pub fn mos(&self) -> Option<f64> {
        self.r_factor.map(mos)
    }
}

/// The mean opinion that follows from a transmission rating R, 1 to 4.5, by G.107 Annex B.
pub fn mos(r_factor: u8) -> f64 {
    let r = f64::from(r_factor.min(100));
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opinions_follow_the_rating_as_the_annex_has_it() {
        let mos = |r_factor| {
            Quality { r_factor: Some(r_factor), ..Quality::default() }
                .mos()
                .map(|mos| (mos * 100.0).round() as u32)
        };
        // G.107 Table B.1, but for 80, which the table rounds up to 4.03.
        let known = [(90, 434), (80, 402), (70, 360), (60, 310), (50, 258), (0, 100)];
        assert_eq!(known.map(|(r, _)| mos(r)), known.map(|(_, mos)| Some(mos)));
        assert_eq!(Quality::default().mos(), None);
    }
}
