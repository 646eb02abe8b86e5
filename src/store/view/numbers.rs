//! What became of the calls to each number, as JSON.

use serde::Serialize;

use super::service::tenths;
use crate::store::handling::AGAIN_WITHIN;
use crate::store::numbers::NumberReport;
use crate::store::numbers::NumberTally;

/// What became of the calls of a time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NumberReportView {
    pub formulas: NumberFormulas,
    pub numbers: Vec<NumberView>,
}

/// What the figures mean, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NumberFormulas {
    pub containment: String,
    pub in_flow: String,
}

/// What became of the calls to one number: counts, seconds, and a share in per cent, to the tenth; null where there is nothing
/// to take a share or a mean of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NumberView {
    pub number: String,
    pub calls: u32,
    pub self_served: u32,
    pub came_again: u32,
    pub containment: Option<f64>,
    pub person: u32,
    pub messages: u32,
    pub left_in_flow: u32,
    pub abandoned: u32,
    pub unserved: u32,
    pub other: u32,
    pub average_in_flow_s: Option<f64>,
}

impl From<&NumberReport> for NumberReportView {
    fn from(report: &NumberReport) -> NumberReportView {
        let numbers = report.0.iter().map(|(number, tally)| NumberView::of(number, tally)).collect();
        NumberReportView { formulas: NumberFormulas::new(), numbers }
    }
}

impl NumberFormulas {
    fn new() -> NumberFormulas {
        let days = AGAIN_WITHIN.as_secs() / (24 * 60 * 60);
        NumberFormulas {
            containment: format!(
                "(self-served − came again) ÷ calls; self-served are those whom the flow served to its end, who were in no queue \
                 and left no message; of them came again whose caller (by account, else number) called the same number again \
                 within {days} days, as far as these are over; calls that were answered and are over, none of feature codes"
            ),
            in_flow: "from the answer until the caller came to a queue, hung up, or the flow ended; mean"
                .to_owned(),
        }
    }
}

impl NumberView {
    fn of(number: &str, tally: &NumberTally) -> NumberView {
        let NumberTally { calls, self_served, came_again, person, messages, .. } = *tally;
        let NumberTally { left_in_flow, abandoned, unserved, other, .. } = *tally;
        NumberView {
            number: number.to_owned(),
            calls,
            self_served,
            came_again,
            containment: tally.containment().map(|part| tenths(part * 100.0)),
            person,
            messages,
            left_in_flow,
            abandoned,
            unserved,
            other,
            average_in_flow_s: tally.average_in_flow().map(|time| tenths(time.as_secs_f64())),
        }
    }
}
