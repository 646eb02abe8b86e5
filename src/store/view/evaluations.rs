//! How talks were judged, as JSON and as a table of a spreadsheet.

use std::fmt::Write;

use serde::Serialize;

use super::rfc3339;
use super::service::quoted;
use super::service::tenths;
use crate::store::evaluations::AgentTally;
use crate::store::evaluations::Evaluation;
use crate::store::evaluations::EvaluationReport;
use crate::store::evaluations::FilledItem;
use crate::store::evaluations::ItemTally;
use crate::store::evaluations::Sheet;
use crate::store::evaluations::draw::Drawn;

/// A talk that was judged, without what was said of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluationHead {
    pub call: u64,
    pub agent: String,
    pub form: String,
    /// Null for a program on the server's machine.
    pub by: Option<String>,
    pub at: String,
    /// When the agent said that they have read it; null while they have not.
    pub read: Option<String>,
    pub got: u32,
    pub points: u32,
    /// Of the points, in per cent; null where nothing applies.
    pub share: Option<f64>,
}

/// A talk that was judged, and how.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluationView {
    #[serde(flatten)]
    pub head: EvaluationHead,
    #[serde(flatten)]
    pub sheet: Sheet,
}

/// A form as the facts of a call fill it in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenSheet {
    pub agent: String,
    pub form: String,
    pub items: Vec<FilledItem>,
}

/// A talk that was drawn to be judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrawnView {
    pub form: String,
    /// When its week began.
    pub week: String,
    pub agent: String,
    pub call: u64,
    pub ended: String,
    pub talked_s: f64,
    pub evaluated: bool,
}

/// What evaluations come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluationReportView {
    pub formulas: EvaluationFormulas,
    pub agents: Vec<AgentView>,
    pub items: Vec<ItemView>,
}

/// What the figures mean, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvaluationFormulas {
    pub met: String,
    pub share: String,
}

/// What an agent's evaluations come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentView {
    pub agent: String,
    pub evaluations: u32,
    pub read: u32,
    pub share: Option<f64>,
}

/// What an item comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ItemView {
    pub agent: String,
    pub form: String,
    pub item: String,
    /// What is asked, or the rule.
    pub words: String,
    /// `hand` or `facts`.
    pub filled: &'static str,
    pub met: u32,
    pub not_met: u32,
    pub not_applicable: u32,
    pub disputed: u32,
    /// Of the evaluations to which it applied, in per cent; null where it did to none.
    pub met_share: Option<f64>,
    pub share: Option<f64>,
}

fn share(got: u32, of: u32) -> Option<f64> {
    (of > 0).then(|| tenths(100.0 * f64::from(got) / f64::from(of)))
}

impl From<&Evaluation> for EvaluationHead {
    fn from(evaluation: &Evaluation) -> EvaluationHead {
        let (got, points) = evaluation.sheet.points();
        EvaluationHead {
            call: evaluation.call.0,
            agent: evaluation.agent.to_string(),
            form: evaluation.form.to_string(),
            by: evaluation.by.as_ref().map(|by| by.to_string()),
            at: rfc3339(evaluation.at),
            read: evaluation.read.map(rfc3339),
            got,
            points,
            share: share(got, points),
        }
    }
}

impl From<&Evaluation> for EvaluationView {
    fn from(evaluation: &Evaluation) -> EvaluationView {
        EvaluationView { head: evaluation.into(), sheet: evaluation.sheet.clone() }
    }
}

impl From<&Drawn> for DrawnView {
    fn from(drawn: &Drawn) -> DrawnView {
        DrawnView {
            form: drawn.form.to_string(),
            week: rfc3339(drawn.week),
            agent: drawn.agent.to_string(),
            call: drawn.call.0,
            ended: rfc3339(drawn.ended),
            talked_s: tenths(drawn.talked.as_secs_f64()),
            evaluated: drawn.evaluated,
        }
    }
}

impl From<&EvaluationReport> for EvaluationReportView {
    fn from(report: &EvaluationReport) -> EvaluationReportView {
        let agent = |(agent, tally): (&_, &AgentTally)| AgentView {
            agent: ToString::to_string(agent),
            evaluations: tally.evaluations,
            read: tally.read,
            share: share(tally.got, tally.points),
        };
        let items = report.items.iter().map(|((agent, form, item), tally)| {
            let ItemTally { words, by_facts, met, not_met, not_applicable, disputed, got, points } = tally;
            ItemView {
                agent: agent.to_string(),
                form: form.to_string(),
                item: item.to_string(),
                words: words.clone(),
                filled: if *by_facts { "facts" } else { "hand" },
                met: *met,
                not_met: *not_met,
                not_applicable: *not_applicable,
                disputed: *disputed,
                met_share: share(*met, met + not_met),
                share: share(*got, *points),
            }
        });
        EvaluationReportView {
            formulas: EvaluationFormulas::new(),
            agents: report.agents.iter().map(agent).collect(),
            items: items.collect(),
        }
    }
}

impl EvaluationReportView {
    /// The items as comma-separated values.
    pub fn csv(&self) -> String {
        let mut text =
            "agent,form,item,words,filled,met,not_met,not_applicable,disputed,met_share,share\r\n".to_owned();
        let maybe = |share: Option<f64>| share.map_or_else(String::new, |share| share.to_string());
        for one in &self.items {
            let names = [&one.agent, &one.form, &one.item, &one.words].map(|name| quoted(name)).join(",");
            let ItemView { filled, met, not_met, not_applicable, disputed, .. } = one;
            let (met_share, share) = (maybe(one.met_share), maybe(one.share));
            // A String takes everything.
            let _ = write!(
                text,
                "{names},{filled},{met},{not_met},{not_applicable},{disputed},{met_share},{share}\r\n"
            );
        }
        text
    }
}

impl EvaluationFormulas {
    fn new() -> EvaluationFormulas {
        EvaluationFormulas {
            met: "evaluations in which the item has all its points, of those to which it applied; a disputed item counts as the facts \
                  filled it in"
                .to_owned(),
            share: "points that there were, of those that there could have been".to_owned(),
        }
    }
}
