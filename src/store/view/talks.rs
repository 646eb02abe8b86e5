//! What talks came to, as JSON: holds, handovers and notes.

use serde::Serialize;

use super::rfc3339;
use super::seconds;
use crate::fact::BriefingNote;
use crate::fact::ConsultEnd;
use crate::fact::Target;
use crate::store::notes::NoteFold;
use crate::store::notes::Repeated;
use crate::store::notes::ToldNote;
use crate::store::talks::HoldTally;
use crate::store::talks::Path;
use crate::store::talks::PathTally;
use crate::store::talks::TalkReport;

/// What holds came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HoldsView {
    pub held: u32,
    pub total_s: f64,
    pub longest_s: f64,
    pub late: u32,
    pub refused: u32,
    pub overridden: u32,
    pub abandoned: u32,
}

/// Those of one queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueHoldsView {
    /// Null for callers who came by no queue.
    pub queue: Option<String>,
    #[serde(flatten)]
    pub holds: HoldsView,
}

/// Those of one agent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentHoldsView {
    pub agent: String,
    #[serde(flatten)]
    pub holds: HoldsView,
}

/// What came of one way on which callers were handed on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HandoverView {
    pub queue: Option<String>,
    pub from: String,
    pub to: Target,
    pub warm: u32,
    pub blind: u32,
    /// How often the caller had to tell again what was known.
    pub repeats: u32,
}

/// What the talks of a time came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TalkReportView {
    pub queues: Vec<QueueHoldsView>,
    pub agents: Vec<AgentHoldsView>,
    pub handovers: Vec<HandoverView>,
}

/// A note of the chain, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToldNoteView {
    pub author: String,
    pub written: String,
    pub to: Target,
    /// Whether it changes the one before it.
    pub amends: bool,
    /// Whom it was shown or played to.
    pub rang: Option<String>,
    pub acknowledged_by: Option<String>,
    pub acknowledged: Option<String>,
    pub declined_by: Option<String>,
    pub declined: Option<String>,
    pub declined_why: Option<String>,
    /// How long the note is that was spoken beside it.
    pub spoken_s: Option<f64>,
    /// How the consult ended, where the caller was not handed on.
    pub ended: Option<ConsultEnd>,
    pub note: BriefingNote,
}

/// Who said that the caller had to tell again what was known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RepeatedView {
    pub by: String,
    pub at: String,
    pub why: String,
}

impl From<&HoldTally> for HoldsView {
    fn from(tally: &HoldTally) -> HoldsView {
        let HoldTally { held, total, longest, late, refused, overridden, abandoned } = *tally;
        let (total_s, longest_s) = (seconds(total), seconds(longest));
        HoldsView { held, total_s, longest_s, late, refused, overridden, abandoned }
    }
}

impl From<&TalkReport> for TalkReportView {
    fn from(report: &TalkReport) -> TalkReportView {
        let queues = report.queues.iter();
        let agents = report.agents.iter();
        TalkReportView {
            queues: queues
                .map(|(queue, tally)| QueueHoldsView { queue: some(queue), holds: tally.into() })
                .collect(),
            agents: agents
                .map(|(agent, tally)| AgentHoldsView { agent: agent.to_string(), holds: tally.into() })
                .collect(),
            handovers: report.paths.iter().map(handover).collect(),
        }
    }
}

fn handover((path, tally): (&Path, &PathTally)) -> HandoverView {
    let Path { queue, from, to } = path.clone();
    let PathTally { warm, blind, repeats } = *tally;
    HandoverView { queue: some(&queue), from: from.to_string(), to, warm, blind, repeats }
}

fn some(name: &str) -> Option<String> {
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

/// The chain of notes, and what had to be told again nevertheless.
pub fn chain(fold: NoteFold) -> (Vec<ToldNoteView>, Vec<RepeatedView>) {
    let repeated = |Repeated { by, at, why }| RepeatedView { by: by.to_string(), at: rfc3339(at), why };
    let notes = fold.notes.into_iter().map(ToldNoteView::from).collect();
    (notes, fold.repeated.into_iter().map(repeated).collect())
}

impl From<ToldNote> for ToldNoteView {
    fn from(told: ToldNote) -> ToldNoteView {
        let ToldNote { note, to, amends, rang, acknowledged, declined, spoken, ended } = told;
        let (acknowledged_by, acknowledged) = match acknowledged {
            Some((by, at)) => (Some(by.to_string()), Some(rfc3339(at))),
            None => (None, None),
        };
        let (declined_by, declined, declined_why) = match declined {
            Some((by, at, why)) => (Some(by.to_string()), Some(rfc3339(at)), Some(why)),
            None => (None, None, None),
        };
        ToldNoteView {
            author: note.author.to_string(),
            written: rfc3339(note.written),
            to,
            amends,
            rang: rang.map(|rang| rang.to_string()),
            acknowledged_by,
            acknowledged,
            declined_by,
            declined,
            declined_why,
            spoken_s: spoken.map(|(length, _)| seconds(length)),
            ended,
            note,
        }
    }
}
