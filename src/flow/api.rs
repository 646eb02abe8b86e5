//! What a running flow is told and what it answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::AgentId;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::Secret;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::What;
use crate::flow::bot::Bot;
use crate::flow::model::Value;
use crate::flow::service::Service;
use crate::media::control::PlayId;
use crate::queue::api::Demand;
use crate::queue::api::Nobody;
use crate::queue::api::PermissionPolicy;

/// What the flow knows of its caller from the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Caller {
    /// The calling number; empty when withheld.
    pub number: String,
    /// The number that was dialled.
    pub dialled: String,
    /// The customer record found by the calling number, when there is exactly one.
    pub customer: Option<Customer>,
}

/// A customer as flows see one. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Account number.
    pub account: String,
    pub name: String,
    /// The prompt that says the name, when one was recorded: `names/ann`.
    pub name_prompt: Option<Name>,
}

/// What a running flow is told.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowEvent {
    /// The line is answered; or at once, for a flow that begins with `ring`.
    Started { wall: WallTime },
    /// What the flow played has come to its end, or was stopped.
    PlayEnded { play: PlayId },
    /// The caller pressed a key.
    Digit(char),
    /// How a [`FlowAction::Verify`] came out.
    Verified(VerifyResult),
    /// How the [`FlowAction::Fetch`] of this number came out.
    Fetched { number: u32, result: FetchResult },
    /// What came of a [`FlowAction::Bot`].
    Bot(BotEnd),
    /// How a [`FlowAction::Transfer`] or a [`FlowAction::CallAgent`] goes.
    Transferred(TransferResult),
    /// How a [`FlowAction::RecordMessage`] goes.
    Message(MessageNews),
    /// The caller's phone holds the line: they neither hear nor key.
    Held,
    /// They are back on the line.
    Resumed,
    /// [`Run::deadline`](crate::flow::Run::deadline) is due.
    Tick,
    /// The caller hung up: end cleanly.
    HungUp,
}

/// What a caller proves an account with. No variant prints what it holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Proof {
    Pin(Secret),
    /// `2026-12-24`.
    BirthDate(Secret),
    /// What the caller keyed of the code that was sent last in this call.
    Code(Secret),
}

/// What the verifier says. It never says whether the account or the proof was wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum VerifyResult {
    Verified(Customer),
    Wrong,
    LockedOut,
    Unavailable,
}

/// How a call to somebody for the caller goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferResult {
    /// They picked up, and the two hear each other.
    Answered,
    /// They hung up.
    Ended,
    NoAnswer,
    Busy,
    Refused,
}

/// How the recording of a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageNews {
    /// Somebody begins to speak.
    Speaks,
    /// Nobody has spoken for a second.
    Silent,
    /// It cannot be stored.
    Failed,
    /// The server was started anew, or another one took over: what came until then is stored, and no more of it.
    CutOff,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageEnd {
    Kept {
        length: Duration,
    },
    /// Nobody said anything.
    Nothing,
    /// It could not be stored.
    Failed,
}

/// A question to a service over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Which question of the run it is: its answer bears the same number.
    pub number: u32,
    pub service: Arc<Service>,
    pub url: String,
    /// Sent as JSON by POST: field and value. Empty for a GET. No secret is in it.
    pub send: Vec<(Name, Value)>,
    /// What the answer is asked for: `order.status`, names within names.
    pub fields: Vec<(Name, Kind)>,
    /// The account for whose owner a code of one use is made and sent along, as `code`.
    pub code_for: Option<String>,
}

/// A talk with a voice bot.
#[derive(Clone, Debug, PartialEq)]
pub struct BotCall {
    pub bot: Arc<Bot>,
    /// The calling number; empty when withheld.
    pub number: String,
    pub dialled: String,
    pub language: Name,
    /// What else it is told. No secret is in it.
    pub send: Vec<(Name, Value)>,
    /// What it is asked for, `text` being its own last words.
    pub fields: Vec<Name>,
    /// The results that lead on.
    pub results: Vec<Name>,
    /// Whether a key stops what it says.
    pub barge_in: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum BotEnd {
    /// What it says, and the values of the fields that were asked for, as with a service.
    Result { result: Name, values: Vec<Option<Value>> },
    /// It could not be reached, or is gone.
    Lost,
}

/// What kind of value is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Truth,
}

impl Kind {
    /// The kinds as files write them.
    pub(crate) const WORDS: [(&str, Kind); 3] =
        [("text", Kind::Text), ("number", Kind::Number), ("yes or no", Kind::Truth)];

    /// What kind of value it is.
    pub(crate) fn of(value: &Value) -> Kind {
        match value {
            Value::Text(_) => Kind::Text,
            Value::Number(_) => Kind::Number,
            Value::Truth(_) => Kind::Truth,
        }
    }

    /// As files write it.
    pub(crate) fn in_words(self) -> &'static str {
        Kind::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// The value as one of this kind, where it is one: everything can be a text, and a text of digits a number.
    pub(crate) fn fitted(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Kind::Text, value) => Some(Value::Text(value.in_words())),
            (Kind::Number, Value::Text(text)) => Some(Value::Number(text.parse().ok()?)),
            (Kind::Number, Value::Number(_)) | (Kind::Truth, Value::Truth(_)) => Some(value.clone()),
            _ => None,
        }
    }

    /// A value of this kind.
    pub(crate) fn sample(self) -> Value {
        match self {
            Kind::Text => Value::Text("10".to_owned()),
            Kind::Number => Value::Number(10),
            Kind::Truth => Value::Truth(true),
        }
    }
}

/// What a service says.
#[derive(Clone, Debug, PartialEq)]
pub enum FetchResult {
    /// The values of the fields that were asked for; none for each that is not there, or is neither a text, nor a
    /// whole number, nor a truth.
    /// Where it failed now, and this is what it said before, `instead_of` says how.
    Answered { values: Vec<Option<Value>>, instead_of: Option<Failure> },
    /// It knows nothing of it: 404.
    Missing,
    /// No answer in time, or none that can be read.
    Failed(Failure),
}

/// Why a service is of no use to a flow. It continues "the service orders …"; no address and nothing that was sent is in
/// it, for either may hold a caller's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Not in its time, all tries together.
    Late,
    Refused,
    NoHost,
    Unreachable,
    Broken,
    /// TLS: no certificate that is believed, for example.
    Insecure,
    NoHttp,
    TooLarge,
    Status(u16),
    /// A status that is good, and something else than JSON.
    NoJson(u16),
    /// A field is not there, or is neither text nor number nor truth.
    Lacks(Name),
    /// A field that is of another kind than this.
    NotOf(Name, Kind),
    /// Not asked: it failed again and again, and is left alone for a while.
    LeftAlone,
    /// Not asked: too many questions wait already.
    Crowded,
    /// Not asked: too many codes were sent to one account.
    TooManyCodes,
}

impl Failure {
    /// The first of the fields that an answer has no value for, or one of another kind.
    pub(crate) fn of_fields(fields: &[(Name, Kind)], values: &[Option<Value>]) -> Option<Failure> {
        let wrong = |(place, (field, kind)): (usize, &(Name, Kind))| match values.get(place) {
            Some(Some(value)) if kind.fitted(value).is_some() => None,
            Some(Some(_)) => Some(Failure::NotOf(Name::clone(field), *kind)),
            _ => Some(Failure::Lacks(Name::clone(field))),
        };
        fields.iter().enumerate().find_map(wrong)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Failure::Late => "did not answer in time",
            Failure::Refused => "refused the connection",
            Failure::NoHost => "could not be reached: the name of its host is not known",
            Failure::Unreachable => "could not be reached",
            Failure::Broken => "broke the connection off",
            Failure::Insecure => "has no connection that is secure",
            Failure::NoHttp => "does not speak HTTP as it should",
            Failure::TooLarge => "gave an answer that is too large",
            Failure::Status(status) => return write!(f, "answered {status}"),
            Failure::NoJson(status) => return write!(f, "answered {status} with no JSON"),
            Failure::Lacks(field) => return write!(f, "answered with no {field} that can be used"),
            Failure::NotOf(field, kind) => {
                let kind = if *kind == Kind::Truth { "true or false" } else { kind.in_words() };
                return write!(f, "answered with {field} that is no {kind}");
            }
            Failure::LeftAlone => "was not asked: it failed again and again",
            Failure::Crowded => "was not asked: too many questions wait",
            Failure::TooManyCodes => "was not asked: too many codes were sent to the account",
        };
        f.write_str(words)
    }
}

/// What a running flow wants done. In order.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowAction {
    /// Answer the line. Comes first in every flow but one that begins with `ring`.
    Answer,
    /// Send 180 and leave it ringing.
    Ring,
    /// Refuse a line that is not answered yet, with this SIP status.
    Refuse { status: u16 },
    /// Play prompts one after the other. The next `Play` replaces it.
    Play { play: PlayId, prompts: Vec<Name>, barge_in: bool, repeat: bool },
    /// Stop what plays.
    StopPlay,
    /// Whether the caller lets the talk be recorded: nobody asks them again.
    Consent { agreed: bool },
    /// From now on prompts to the caller are in this language.
    Speak { language: Name },
    /// Send the caller's own audio back, until the line ends.
    Echo,
    /// Check an account and what proves it; [`FlowEvent::Verified`] answers.
    Verify { account: String, proof: Proof },
    /// Ask a service; [`FlowEvent::Fetched`] answers.
    Fetch(Question),
    /// Let the caller and a bot hear each other; [`FlowEvent::Bot`] answers.
    Bot(Box<BotCall>),
    /// Tell the bot of a key.
    BotKey { digit: char },
    /// The bot is heard no more.
    BotEnds,
    /// Leave the flow for a queue. The run is over. `permission` is the flow file's word on who allows the
    /// hold; none: as the queue says. `prefer` has the call first, for so long; `exclude` must not get it: agents by
    /// name, who may not be of this center. `nobody` says where that is not for the queue to say.
    Enqueue {
        queue: QueueId,
        needs: Demand,
        priority: i32,
        permission: Option<PermissionPolicy>,
        prefer: Option<(Name, Duration)>,
        exclude: Vec<Name>,
        nobody: Nobody,
    },
    /// Keep the caller's place in a queue and call them back. The run is over.
    KeepPlace(Box<KeptPlace>),
    /// Call this number and let the caller hear it ring; [`FlowEvent::Transferred`] tells how that goes.
    Transfer { number: String, shown: Option<String> },
    /// Ring this agent alone, by the rules of the queue. The run is over if they pick up; else
    /// [`FlowEvent::Transferred`].
    CallAgent { agent: AgentId, queue: QueueId },
    /// Hang up on whom a transfer called.
    EndTransfer,
    /// Record what the caller says from now on, as a message to this queue.
    RecordMessage { queue: QueueId },
    /// The message is over: it is kept, or forgotten.
    MessageEnds { queue: QueueId, end: MessageEnd },
    /// What the caller answered to a survey's question.
    Surveyed { question: Name, answer: u8, settled: Option<bool> },
    /// End the call. The run is over.
    HangUp { reason: Name },
    /// Tell the history.
    Fact(What),
    /// The caller leaves a node by one of its exits. Nothing need be done: it is told for those who count.
    Left { flow: Name, node: Name, exit: ExitName },
}

/// A place in a queue that is kept without the caller on the line.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptPlace {
    pub queue: QueueId,
    pub needs: Demand,
    pub priority: i32,
    /// Where they are called.
    pub number: String,
    /// When, not before; none: as soon as it is their turn.
    pub at: Option<CallbackAt>,
    /// Heard once the place is kept; empty: what the queue says.
    pub promised: Vec<Name>,
}

/// When a caller is called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackAt {
    pub at: Timestamp,
    pub wall: WallTime,
}

/// A way out of a node, as the file calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitName {
    /// A menu's key.
    Key(char),
    /// A branch's condition, from 1 in the file's order.
    If(u16),
    /// `then`, `otherwise`, `verified`.
    Named(&'static str),
    /// What a called flow returned.
    Result(Name),
}

impl fmt::Display for ExitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitName::Key(key) => write!(f, "key {key}"),
            ExitName::If(place) => write!(f, "condition {place}"),
            ExitName::Named(name) => f.write_str(name),
            ExitName::Result(name) => f.write_str(name),
        }
    }
}
