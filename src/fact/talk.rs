//! The words of facts about a talk: hold by permission, consult and transfer, supervision, outcome.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;

/// How a caller is asked whether an agent may hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldWay {
    /// The agent asked, and says what the caller said.
    Verbal,
    /// A prompt asks; the caller answers by key.
    Prompted,
    /// Nobody is asked. A written reason stands in the history.
    Override,
}

/// What the caller said to a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldAnswer {
    Yes,
    No,
    /// Counts as no.
    Silent,
}

/// Whose word allowed an agent's hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldBy {
    Caller,
    /// Nobody's: an audited override.
    Override,
}

/// What ended a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldEndedBy {
    /// The agent came back.
    Agent,
    /// The caller's key brought the agent back.
    Caller,
    /// The longest hold was reached.
    Cap,
    /// A consult ended or was joined, and the caller was taken along.
    Consult,
    /// Somebody left.
    Left,
}

/// Whom an agent wants beside or after them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One agent.
    Agent(Name),
    /// Whoever in this queue is free.
    Queue(Name),
    /// Somebody outside, by a trunk.
    Number(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Agent(agent) => f.write_str(agent),
            Target::Queue(queue) => write!(f, "queue {queue}"),
            Target::Number(number) => f.write_str(number),
        }
    }
}

/// How a consult ended without a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsultEnd {
    /// Whoever was called did not answer, or gave no acknowledgement in time.
    NoAnswer,
    /// The note was declined, or the phone was.
    Declined,
    /// Nobody could be reached.
    Unreachable,
    /// The receiver left after the acknowledgement.
    ReceiverLeft,
    /// The agent who consulted ended it.
    Cancelled,
    /// The agent who consulted left before the note was acknowledged.
    SenderLeft,
    /// The caller hung up.
    CallerLeft,
}

/// Which of the two the consulting agent talks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hears {
    Caller,
    Consulted,
}

/// How a caller was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferKind {
    /// With a note that was acknowledged.
    Warm,
    /// Without.
    Blind,
}

/// How a supervisor is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuperviseMode {
    /// Heard by nobody.
    Listen,
    /// Heard by the agent alone.
    Whisper,
    /// Heard by all who hear the agent.
    Barge,
}

/// By whose word a colleague listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListensBy {
    /// The agent agreed.
    Consent,
    /// The center's file says that they learn from the agent.
    File,
}

/// Whether the caller's issue is settled, in the agent's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    Resolved,
    Promised,
    Escalated,
    NotResolved,
}
