//! What became of figures from one week to the next, as JSON.

use serde::Serialize;

use super::rfc3339;
use super::service::tenths;
use crate::fact::goal::Figure;
use crate::fact::goal::TELLING;
use crate::fact::goal::Unit;
use crate::fact::trend::BEYOND;
use crate::fact::trend::Change;
use crate::fact::trend::LEAST_DAYS;
use crate::fact::trend::Turn;
use crate::store::trends::QueueTrends;
use crate::store::trends::Trend;
use crate::store::trends::WEEKS_BEFORE;

/// The report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrendReportView {
    pub formulas: Formulas,
    pub queues: Vec<QueueTrendsView>,
}

/// What it means, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Formulas {
    pub weeks: String,
    pub change: String,
}

/// Those of one queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueTrendsView {
    pub queue: String,
    /// `hurried` or `overtaxed`; null for neither.
    pub pattern: Option<&'static str>,
    /// What that may mean.
    pub words: Option<&'static str>,
    pub figures: Vec<TrendView>,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrendView {
    pub figure: &'static str,
    /// Of a survey.
    pub question: Option<String>,
    /// `percent`, `seconds` or `key`.
    pub unit: &'static str,
    pub week_begins: String,
    /// In the unit, to the tenth, means of answers to the hundredth.
    pub week: Option<f64>,
    pub week_count: u32,
    pub before: Option<f64>,
    pub before_count: u32,
    /// How many times the difference is what chance makes of it, to the tenth.
    pub times_chance: Option<f64>,
    /// `up`, `down`, `as_before` or `too_few`.
    pub change: &'static str,
    /// `better`, `worse` or `other`; null without a change.
    pub turn: Option<&'static str>,
}

impl From<&[QueueTrends]> for TrendReportView {
    fn from(queues: &[QueueTrends]) -> TrendReportView {
        let formulas = Formulas {
            weeks: format!(
                "the last whole week, from Monday on, beside the up to {WEEKS_BEFORE} before it; of AHT and FCR the week before that one, \
                 for who called again shows 7 days later"
            ),
            change: format!(
                "a difference of more than {BEYOND} times what chance makes of it, by how much days differ by themselves (a weighted t-test \
                 of days); of fewer than {TELLING} in either, or of fewer than {LEAST_DAYS} days, nothing is said"
            ),
        };
        let queue = |of: &QueueTrends| QueueTrendsView {
            queue: of.queue.to_string(),
            pattern: of.pattern.map(|pattern| pattern.written()),
            words: of.pattern.map(|pattern| pattern.words()),
            figures: of.trends.iter().map(TrendView::from).collect(),
        };
        TrendReportView { formulas, queues: queues.iter().map(queue).collect() }
    }
}

impl From<&Trend> for TrendView {
    fn from(Trend { figure, week, comparison }: &Trend) -> TrendView {
        let rounded = |value: f64| match figure.unit() {
            Unit::Key => (value * 100.0).round() / 100.0,
            Unit::Percent | Unit::Seconds => tenths(value),
        };
        let question = match figure {
            Figure::Survey(question) => Some(question.to_string()),
            _ => None,
        };
        TrendView {
            figure: figure.written(),
            question,
            unit: figure.unit().written(),
            week_begins: rfc3339(*week),
            week: comparison.week.value.map(rounded),
            week_count: comparison.week.count,
            before: comparison.before.value.map(rounded),
            before_count: comparison.before.count,
            times_chance: comparison.times_chance.map(tenths),
            change: match comparison.change() {
                Change::Up => "up",
                Change::Down => "down",
                Change::AsBefore => "as_before",
                Change::TooFew => "too_few",
            },
            turn: comparison.turn(figure).map(|turn| match turn {
                Turn::Better => "better",
                Turn::Worse => "worse",
                Turn::Other => "other",
            }),
        }
    }
}
