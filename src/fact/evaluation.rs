//! Forms by which talks are judged: what is asked of a person, and what the facts of a call say by themselves.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;

/// A form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    pub name: Name,
    pub items: Vec<Item>,
    /// Which talks are to be judged; none: those that somebody chooses.
    pub sample: Option<Sample>,
}

/// One item of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub name: Name,
    pub filled: FilledBy,
    /// What it is worth at most, 1 to 100. Default 1: yes or no.
    pub points: u32,
}

/// Who says how an item came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilledBy {
    /// Whoever judges the talk, to this question.
    Hand { question: String },
    /// The facts of the call, by this rule; in calls of these queues, or of all where none is named.
    Facts { rule: Rule, queues: Vec<Name> },
}

/// Which talks of each agent are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// So many a week.
    pub talks: u32,
    /// Of those that took so long at least. Default 30 s.
    pub at_least: Duration,
}

/// What the facts of a call say of an agent by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// No call rang at their phone in vain before they had it.
    PickedUp,
    /// Whoever called was verified, by the flow or by them.
    VerifiedTheCaller,
    /// No caller was held whom nobody had asked.
    AskedBeforeHold,
    /// No hold took longer than the caller had been told, in good time, that it would.
    HeldAsTold,
    /// No hold reached its longest.
    HeldWithinTheCap,
    /// No caller was handed on without a note that was acknowledged.
    BriefedBeforeTransfer,
    /// Nobody to whom they handed a caller on had to ask again what was known.
    NothingToldTwice,
    /// They said what came of the talk.
    OutcomeGiven,
    /// What is not settled by their word was promised.
    PromisedWhatIsOpen,
}

impl Rule {
    pub const ALL: [Rule; 9] = [
        Rule::PickedUp,
        Rule::VerifiedTheCaller,
        Rule::AskedBeforeHold,
        Rule::HeldAsTold,
        Rule::HeldWithinTheCap,
        Rule::BriefedBeforeTransfer,
        Rule::NothingToldTwice,
        Rule::OutcomeGiven,
        Rule::PromisedWhatIsOpen,
    ];

    /// As a form names it.
    pub fn words(self) -> &'static str {
        match self {
            Rule::PickedUp => "picked up",
            Rule::VerifiedTheCaller => "verified the caller",
            Rule::AskedBeforeHold => "asked before hold",
            Rule::HeldAsTold => "held as told",
            Rule::HeldWithinTheCap => "held within the cap",
            Rule::BriefedBeforeTransfer => "briefed before transfer",
            Rule::NothingToldTwice => "nothing told twice",
            Rule::OutcomeGiven => "outcome given",
            Rule::PromisedWhatIsOpen => "promised what is open",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
