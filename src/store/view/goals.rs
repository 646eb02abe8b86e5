//! What goals came to, as JSON.

use serde::Serialize;

use super::rfc3339;
use super::service::tenths;
use crate::base::WallTime;
use crate::fact::goal::Actual;
use crate::fact::goal::Bound;
use crate::fact::goal::Figure;
use crate::fact::goal::Goal;
use crate::fact::goal::Stage;
use crate::fact::goal::TELLING;
use crate::fact::goal::Unit;
use crate::fact::goal::Verdict;
use crate::store::goals::ToldGoal;

/// The report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoalReportView {
    pub formulas: Formulas,
    pub goals: Vec<GoalView>,
}

/// What it means, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Formulas {
    pub actual: &'static str,
    pub verdict: String,
}

/// A goal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoalView {
    pub name: String,
    /// Empty where the operator gave none.
    pub why: String,
    /// Null: the whole center's.
    pub queue: Option<String>,
    /// By its word in `center.yaml`.
    pub figure: &'static str,
    /// Of a survey.
    pub question: Option<String>,
    /// `percent`, `seconds` or `key`.
    pub unit: &'static str,
    /// One of the two.
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    pub from: String,
    /// Before then; null: for ever.
    pub until: Option<String>,
    /// `coming`, `running` or `over`.
    pub stage: &'static str,
    /// How much of its time has passed, in per cent; null of one without an end.
    pub through: Option<f64>,
    #[serde(flatten)]
    pub whole: ActualView,
    pub weeks: Vec<WeekView>,
}

/// What a figure came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActualView {
    /// In the unit, to the tenth, means of answers to the hundredth; null where there was nothing to take it of.
    pub actual: Option<f64>,
    /// Of how many.
    pub count: u32,
    /// `reached`, `not_reached` or `too_few`.
    pub verdict: &'static str,
}

/// In one week.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeekView {
    pub begins: String,
    #[serde(flatten)]
    pub actual: ActualView,
}

impl GoalReportView {
    pub fn of(goals: &[ToldGoal], now: WallTime) -> GoalReportView {
        let formulas = Formulas {
            actual: "the figure as the report of service has it, of surveys as theirs has it: of the goal's time as far as it has \
                     passed, and of each week in it, the first and the last as much of them as is the goal's",
            verdict: format!("whether it is what it was to be; of fewer than {TELLING} nothing is said"),
        };
        GoalReportView { formulas, goals: goals.iter().map(|told| GoalView::of(told, now)).collect() }
    }
}

impl GoalView {
    fn of(ToldGoal { goal, actual, weeks }: &ToldGoal, now: WallTime) -> GoalView {
        let (at_least, at_most) = match goal.bound {
            Bound::AtLeast(least) => (Some(least), None),
            Bound::AtMost(most) => (None, Some(most)),
        };
        let question = match &goal.figure {
            Figure::Survey(question) => Some(question.to_string()),
            _ => None,
        };
        let week = |(begins, actual): &(WallTime, Actual)| WeekView {
            begins: rfc3339(*begins),
            actual: ActualView::of(goal, *actual),
        };
        GoalView {
            name: goal.name.to_string(),
            why: goal.why.clone(),
            queue: goal.queue.as_ref().map(|queue| queue.to_string()),
            figure: goal.figure.written(),
            question,
            unit: goal.figure.unit().written(),
            at_least,
            at_most,
            from: rfc3339(goal.from),
            until: goal.until.map(rfc3339),
            stage: match goal.stage(now) {
                Stage::Coming => "coming",
                Stage::Running => "running",
                Stage::Over => "over",
            },
            through: goal.through(now).map(|part| tenths(part * 100.0)),
            whole: ActualView::of(goal, *actual),
            weeks: weeks.iter().map(week).collect(),
        }
    }
}

impl ActualView {
    fn of(goal: &Goal, actual: Actual) -> ActualView {
        let rounded = |value: f64| match goal.figure.unit() {
            Unit::Key => (value * 100.0).round() / 100.0,
            Unit::Percent | Unit::Seconds => tenths(value),
        };
        let verdict = match goal.judge(actual) {
            Verdict::Reached => "reached",
            Verdict::NotReached => "not_reached",
            Verdict::TooFew => "too_few",
        };
        ActualView { actual: actual.value.map(rounded), count: actual.count, verdict }
    }
}
