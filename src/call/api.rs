//! What a call is told and what it answers: the seam between one caller's contact and the server.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;

use crate::base::AgentId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::fact::MissedWhy;
use crate::fact::NeedFact;
use crate::fact::Quality;
use crate::fact::Reason;
use crate::fact::RecordingEnd;
use crate::fact::WaitExit;
use crate::fact::What;
use crate::fact::recording::RecordingFile;
use crate::flow::api::BotCall;
use crate::flow::api::BotEnd;
use crate::flow::api::Customer;
use crate::flow::api::FetchResult;
use crate::flow::api::Proof;
use crate::flow::api::Question;
use crate::flow::api::VerifyResult;
use crate::media::Record;
use crate::media::control::PlayId;
use crate::queue;

/// A caller's line came in: what a call begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrival {
    /// The caller's leg.
    pub leg: LegId,
    /// The calling number or user, as far as it is believed; empty when withheld.
    pub number: String,
    /// What they name as theirs, and are not believed.
    #[serde(default)]
    pub claimed: Option<String>,
    /// The calling party's display name.
    pub display: String,
    /// What was dialled.
    pub dialled: String,
    /// SIP's Call-ID.
    pub sip_call_id: String,
    /// `udp 127.0.0.1:5070`.
    pub source: String,
    /// The trunk it came by.
    pub trunk: Option<Name>,
    /// Where the phone says that it is reached, a SIP URI; empty where nobody can be called back there.
    #[serde(default)]
    pub contact: String,
    /// The agent whose phone proved to be the caller.
    pub agent: Option<AgentId>,
}

/// What a call is told.
#[derive(Clone, Debug, PartialEq)]
pub enum CallEvent {
    /// Who has the calling number, when exactly one customer has it.
    Found(Option<Customer>),
    /// Something about a line.
    Leg { leg: LegId, event: LegEvent },
    /// A key was pressed.
    Digit { leg: LegId, digit: char },
    /// A play ended, or was stopped.
    PlayEnded { leg: LegId, play: PlayId, stopped: bool },
    /// Nothing has come from a leg for a while.
    AudioLost { leg: LegId },
    /// It sends again.
    AudioBack { leg: LegId },
    /// How a [`CallAction::Verify`] came out.
    Verified(VerifyResult),
    /// How a [`CallAction::Fetch`] came out.
    Fetched { number: u32, result: FetchResult },
    /// What came of a [`CallAction::DialBot`].
    Bot { leg: LegId, end: BotEnd },
    /// What the queue engine decided for this call.
    Queue(QueueWord),
    /// What it decided for one of the call's consults: see [`CallId::consult`](crate::base::CallId::consult).
    Consult { number: u8, word: QueueWord },
    /// A leg's recording ended by itself.
    RecordingEnded { leg: LegId, why: RecordingEnd },
    /// Somebody begins to speak on a leg that is recorded by itself, or has not for a second.
    Speaks { leg: LegId, on: bool },
    /// A colleague who listens, or asks to, takes calls now or is gone.
    StopsListening { who: Name },
    /// The process that served the call is gone, and another goes on with it.
    CarriedOn,
    /// [`Call::deadline`](crate::call::Call::deadline) is due.
    Tick,
    /// The server ends the call, as an operator wishes.
    Stop { cause: &'static str, by: Option<Name> },
    /// The server stops. A place that is kept stays so, for its next start; any other call ends.
    Shutdown,
}

/// What happens to a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LegEvent {
    /// A phone that we dialled rings.
    Ringing,
    /// The line is up: answered, and offer and answer agreed.
    Up,
    /// A phone that we dialled did not take it: SIP's final status.
    Failed { status: u16 },
    /// A phone that we dialled does not ring any more, because the server was started anew: nobody missed anything. Or one that
    /// calls cannot be answered any more.
    Withdrawn,
    /// The party hung up, or is gone.
    Ended { cause: Name },
    /// The party's phone put us on hold.
    Held,
    /// The party's phone took its hold back.
    Resumed,
    /// The party's desk vanished; it may come back, and the line is kept.
    Lost,
    /// It came back.
    Back,
    /// The line and its stream are closed: nothing more comes of it.
    Closed { quality: Quality },
}

/// The queue engine's actions that concern one call, with names for the history.
#[derive(Clone, Debug, PartialEq)]
pub enum QueueWord {
    Enqueued {
        queue: Name,
        needs: Vec<NeedFact>,
        priority: i32,
        waiting: u32,
    },
    /// It goes to an agent first, for so long, or must not get some.
    AgentsNamed {
        prefer: Option<(Name, Duration)>,
        exclude: Vec<Name>,
        wants: Vec<NeedFact>,
    },
    /// The caller dialled again, and is as old as they were when their line dropped.
    AgeRestored {
        age: Duration,
    },
    /// The queue is in a surge: the caller is told so first.
    InSurge,
    /// Something else is needed of an agent now.
    Relaxed {
        needs: Vec<NeedFact>,
    },
    /// Who could serve the caller and is idle is kept for others.
    HeldBack {
        idle: u32,
        until: Timestamp,
    },
    /// The wait goes on in this queue, and that is what the history is told.
    Moved {
        queue: QueueId,
        told: What,
    },
    AskPermission {
        quote: Option<Duration>,
        position: u32,
    },
    Hold {
        until: Timestamp,
        by_flow_file: bool,
    },
    CheckIn {
        quote: Option<Duration>,
        position: u32,
    },
    KeepPlace,
    /// Ring this agent.
    Ring {
        agent: AgentId,
        name: Name,
        attempt: u32,
        /// Why this call and this agent.
        why: Reason,
    },
    /// Call the caller back, unless it is done already: this agent is reserved for them.
    Reserve {
        name: Name,
        why: Reason,
    },
    /// Call them back no more; whether they did not pick up in time.
    StopCalling {
        missed: bool,
    },
    /// Nobody took the caller who picked up: let them go, with their place kept.
    NotServed,
    StopRing {
        agent: AgentId,
        why: MissedWhy,
    },
    Connected {
        waited: Duration,
        quote: Option<Duration>,
    },
    Exit {
        exit: WaitExit,
    },
}

/// What a call wants done. In order.
#[derive(Clone, Debug, PartialEq)]
pub enum CallAction {
    /// Ask who has this number; [`CallEvent::Found`] answers, or the call goes on without.
    FindCustomer { number: String },
    /// Answer the caller's line.
    Answer { leg: LegId },
    /// Let the caller's line ring.
    Ring { leg: LegId },
    /// Refuse the caller's line with a SIP status.
    Refuse { leg: LegId, status: u16 },
    /// End a line, however far it is.
    HangUp { leg: LegId, elsewhere: bool },
    /// Call an agent's phones, on this leg; `of_queue` when they are rung as an agent of a queue, and a phone may take
    /// the call by itself.
    DialAgent { leg: LegId, agent: AgentId, of_queue: bool },
    /// Call the caller back, on this leg.
    DialCaller { leg: LegId, number: String },
    /// Call somebody outside, on this leg.
    DialNumber { leg: LegId, number: String },
    /// Call the phones that are signed in for a user who need not be an agent, on this leg.
    DialUser { leg: LegId, user: Name },
    /// Reach a bot, on this leg.
    DialBot { leg: LegId, call: Box<BotCall> },
    /// Tell it of a key.
    BotKey { leg: LegId, digit: char },
    /// Play prompts, by name.
    Play { leg: LegId, play: PlayId, prompts: Vec<Name>, barge_in: bool, repeat: bool },
    /// Stop what plays.
    StopPlay { leg: LegId },
    /// Let two lines hear each other.
    Join { a: LegId, b: LegId },
    /// Let them part.
    Part { a: LegId, b: LegId },
    /// A line hears exactly these from now on, nobody being silence; what plays to it goes on.
    Hear { leg: LegId, whom: SmallVec<[LegId; 4]> },
    /// Let nobody hear a line, or everybody again.
    Mute { leg: LegId, on: bool },
    /// How loud others hear a line, in dB.
    Gain { leg: LegId, gain_db: i8 },
    /// Record a line, or do something about its recording. To start it there has to be a file.
    Record { leg: LegId, file: Option<RecordingFile>, record: Record },
    /// Remove a recording, which may not have come to its end.
    Discard { file: RecordingFile },
    /// Send keys on a line.
    SendKeys { leg: LegId, keys: String },
    /// Send a leg's audio back to it.
    Echo { leg: LegId },
    /// Check an account and what proves it; [`CallEvent::Verified`] answers.
    Verify { account: String, proof: Proof },
    /// Ask a service; [`CallEvent::Fetched`] answers.
    Fetch(Question),
    /// Tell the queue engine.
    Queue(queue::Event),
    /// Tell the history.
    Fact(What),
    /// The call is over and may be forgotten.
    Over,
}
