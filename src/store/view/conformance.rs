//! How often talks kept the rules that facts judge, as JSON and as a table of a spreadsheet.

use std::fmt::Write;

use serde::Serialize;

use super::rfc3339;
use super::service::quoted;
use super::service::tenths;
use crate::base::Name;
use crate::fact::conformance::Deviation;
use crate::fact::evaluation::Rule;
use crate::fact::goal::TELLING;
use crate::fact::trend::BEYOND;
use crate::store::conformance::BrokenTalk;
use crate::store::conformance::ConformanceReport;
use crate::store::conformance::ConformanceTally;
use crate::store::conformance::Whose;

/// The report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConformanceReportView {
    /// `queue` or `agent`.
    pub by: &'static str,
    pub formulas: ConformanceFormulas,
    /// The whole center's.
    pub center: ConformanceRowView,
    /// By name.
    pub rows: Vec<ConformanceRowView>,
}

/// What the figures mean, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConformanceFormulas {
    pub kept: String,
    pub deviates: String,
}

/// An agent's talks, or a queue's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConformanceRowView {
    /// Null for the center, and for talks that came by no queue.
    pub name: Option<String>,
    pub talks: u32,
    pub rules: Vec<RuleView>,
}

/// What they came to by one rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleView {
    pub rule: Rule,
    /// In words.
    pub words: &'static str,
    /// Talks to which it applied.
    pub applied: u32,
    pub kept: u32,
    /// Of those to which it applied, in per cent, and so the next two; null where there was none.
    pub share: Option<f64>,
    /// What other agents kept in the same queues; of agents alone.
    pub others: Option<f64>,
    pub difference: Option<f64>,
    /// How many times the difference is what chance makes of it, to the tenth.
    pub times_chance: Option<f64>,
    /// `more_often`, `less_often`, `as_others` or `too_few`; of agents alone.
    pub deviates: Option<&'static str>,
}

/// A talk that broke a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenTalkView {
    pub call: u64,
    pub arrived: String,
    pub agent: String,
    pub queue: Option<String>,
}

impl ConformanceReportView {
    pub fn of(report: &ConformanceReport, whose: Whose) -> ConformanceReportView {
        let (rows, queues) = (report.by(whose), report.by(Whose::Queue));
        let row = |(name, tally): (&&Name, &ConformanceTally)| {
            let deviation = |rule| match whose {
                Whose::Agent => Some(report.deviation(name, rule, &queues)),
                Whose::Queue => None,
            };
            ConformanceRowView::of(some(name), tally, deviation)
        };
        ConformanceReportView {
            by: whose.written(),
            formulas: ConformanceFormulas::new(),
            center: ConformanceRowView::of(None, &report.center(), |_| None),
            rows: rows.iter().map(row).collect(),
        }
    }

    /// The rows as comma-separated values, a line for each rule.
    pub fn csv(&self) -> String {
        let mut text =
            format!("{},talks,rule,applied,kept,share,others,difference,times_chance,deviates\r\n", self.by);
        let maybe = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        for row in &self.rows {
            let name = quoted(row.name.as_deref().unwrap_or_default());
            for RuleView {
                words, applied, kept, share, others, difference, times_chance, deviates, ..
            } in &row.rules
            {
                let figures = [share, others, difference, times_chance].map(|value| maybe(*value)).join(",");
                let (talks, deviates) = (row.talks, deviates.unwrap_or_default());
                // A String takes everything.
                let _ = write!(text, "{name},{talks},{words},{applied},{kept},{figures},{deviates}\r\n");
            }
        }
        text
    }
}

impl ConformanceFormulas {
    fn new() -> ConformanceFormulas {
        ConformanceFormulas {
            kept: "of the talks to which the rule applied, those that kept it, as the forms of evaluations fill it in: of calls that are \
                   over; a talk without a hold says nothing of holds, and one whose outcome is given later counts with it from \
                   then on"
                .to_owned(),
            deviates: format!(
                "further than {BEYOND} times what chance makes of it from the other agents in the same queues, each queue weighing as much \
                 as in the agent's talks, by a likelihood-ratio test; of fewer than {TELLING} such talks, the agent's or others', \
                 nothing is said"
            ),
        }
    }
}

impl ConformanceRowView {
    fn of(
        name: Option<String>,
        tally: &ConformanceTally,
        deviation: impl Fn(Rule) -> Option<Deviation>,
    ) -> ConformanceRowView {
        let rules = Rule::ALL.map(|rule| RuleView::of(rule, tally, deviation(rule)));
        ConformanceRowView { name, talks: tally.talks, rules: rules.into() }
    }
}

impl RuleView {
    fn of(rule: Rule, tally: &ConformanceTally, deviation: Option<Deviation>) -> RuleView {
        let kept = tally.of(rule);
        let percent = |share: f64| tenths(100.0 * share);
        let of = deviation.unwrap_or_default();
        RuleView {
            rule,
            words: rule.words(),
            applied: kept.applied,
            kept: kept.kept,
            share: kept.share().map(percent),
            others: of.others.map(percent),
            difference: of.difference.map(percent),
            times_chance: of.times_chance.map(tenths),
            deviates: deviation.filter(|_| kept.applied > 0).map(|of| of.deviates().written()),
        }
    }
}

impl From<&BrokenTalk> for BrokenTalkView {
    fn from(talk: &BrokenTalk) -> BrokenTalkView {
        BrokenTalkView {
            call: talk.call.0,
            arrived: rfc3339(talk.arrived),
            agent: talk.agent.to_string(),
            queue: some(&talk.queue),
        }
    }
}

fn some(name: &Name) -> Option<String> {
    (!name.is_empty()).then(|| name.to_string())
}
