//! How callers were answered and how busy agents were, as JSON and as a table of a spreadsheet.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use super::rfc3339;
use crate::base::WallTime;
use crate::store::handling::AGAIN_WITHIN;
use crate::store::service::By;
use crate::store::service::Every;
use crate::store::service::Figures;
use crate::store::service::Row;
use crate::store::waits::LONG_WAIT;
use crate::store::waits::SHORT_ABANDON;
use crate::store::waits::Tally;

/// The report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceReportView {
    pub from: String,
    pub until: String,
    /// `queue`, `skill` or `agent`.
    pub by: &'static str,
    /// `15m`, `30m`, `1h`, `1d` or `1w`.
    pub every: &'static str,
    pub formulas: Formulas,
    pub rows: Vec<RowView>,
}

/// What the figures mean, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Formulas {
    pub service_level: String,
    pub service_level_of_all: String,
    pub within_180_s: String,
    pub abandonment: String,
    pub waits: String,
    pub occupancy: String,
    pub handle_time: String,
    pub first_call_resolution: String,
    pub first_call_resolution_by_answer: String,
}

/// The figures of one queue, skill or agent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowView {
    /// Null for calls that needed no skill, or waits in which nobody answered or was rung last.
    pub name: Option<String>,
    #[serde(flatten)]
    pub whole: FiguresView,
    pub intervals: Vec<IntervalView>,
}

/// Those of an interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IntervalView {
    pub begins: String,
    #[serde(flatten)]
    pub figures: FiguresView,
}

/// Counts, seconds, and shares in per cent, to the tenth; null where there is nothing to take a share or a mean of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FiguresView {
    pub joined: u32,
    pub answered: u32,
    pub in_target: u32,
    pub in_180_s: u32,
    pub abandoned: u32,
    pub short_abandoned: u32,
    pub unserved: u32,
    pub service_level: Option<f64>,
    pub service_level_of_all: Option<f64>,
    /// The part that was answered within [`LONG_WAIT`].
    pub within_180_s: Option<f64>,
    pub abandonment: Option<f64>,
    pub average_wait_s: Option<f64>,
    pub p90_wait_s: Option<f64>,
    /// Of the answered and those who hung up.
    pub longest_wait_s: f64,
    /// Who was quoted a wait and answered.
    pub quoted: u32,
    pub quotes_kept: Option<f64>,
    pub quote_bias_s: Option<f64>,
    pub quote_error_s: Option<f64>,
    pub busy_s: f64,
    pub there_s: f64,
    pub occupancy: Option<f64>,
    /// Talks that ended, and the mean of talk, hold and wrap-up together; then each of the three.
    pub handled: u32,
    pub average_handle_s: Option<f64>,
    pub average_talk_s: Option<f64>,
    pub average_hold_s: Option<f64>,
    pub average_wrap_up_s: Option<f64>,
    /// Calls of which it shows whether the caller came again, and the part of them who did not.
    pub contacts: u32,
    pub first_call_resolution: Option<f64>,
    /// The same of those of which an agent said what came of them.
    pub contacts_with_outcome: u32,
    pub first_call_resolution_with_outcome: Option<f64>,
    /// Whose caller was asked after the talk whether it is settled, and answered, and the part of them who said yes.
    pub contacts_with_answer: u32,
    pub first_call_resolution_by_answer: Option<f64>,
}

/// The columns of [`ServiceReportView::csv`] after whose they are and when they begin.
const COLUMNS: [&str; 32] = [
    "joined",
    "answered",
    "in_target",
    "in_180_s",
    "abandoned",
    "short_abandoned",
    "unserved",
    "service_level",
    "service_level_of_all",
    "within_180_s",
    "abandonment",
    "average_wait_s",
    "p90_wait_s",
    "longest_wait_s",
    "quoted",
    "quotes_kept",
    "quote_bias_s",
    "quote_error_s",
    "busy_s",
    "there_s",
    "occupancy",
    "handled",
    "average_handle_s",
    "average_talk_s",
    "average_hold_s",
    "average_wrap_up_s",
    "contacts",
    "first_call_resolution",
    "contacts_with_outcome",
    "first_call_resolution_with_outcome",
    "contacts_with_answer",
    "first_call_resolution_by_answer",
];

impl ServiceReportView {
    pub fn of(rows: &[Row], by: By, every: Every, from: WallTime, until: WallTime) -> ServiceReportView {
        ServiceReportView {
            from: rfc3339(from),
            until: rfc3339(until),
            by: by.written(),
            every: every.written(),
            formulas: Formulas::of(by),
            rows: rows.iter().map(RowView::from).collect(),
        }
    }

    /// The intervals as comma-separated values with a line of names
    /// ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)): no line is the sum of others. What is null is empty.
    pub fn csv(&self) -> String {
        let mut text = format!("{},begins,{}\r\n", self.by, COLUMNS.join(","));
        for row in &self.rows {
            let name = quoted(row.name.as_deref().unwrap_or_default());
            for interval in &row.intervals {
                let cells = interval
                    .figures
                    .cells()
                    .map(|cell| cell.map_or_else(String::new, |cell| cell.to_string()));
                // A String takes everything.
                let _ = write!(text, "{name},{},{}\r\n", interval.begins, cells.join(","));
            }
        }
        text
    }
}

/// Between quotation marks where it has to be; and a spreadsheet takes no name for a formula.
pub(super) fn quoted(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

impl Formulas {
    pub fn of(by: By) -> Formulas {
        let short = SHORT_ABANDON.as_secs();
        let agents = match by {
            By::Queue => "of the agents who can serve any of the queue's calls of this time",
            By::Skill => "of the agents who have the skill",
            By::Agent => "of the agent",
        };
        let talks = match by {
            By::Queue => "by the queue that the caller came by",
            By::Skill => "for every skill that was needed when the caller was answered",
            By::Agent => "by who talked",
        };
        let days = AGAIN_WITHIN.as_secs() / (24 * 60 * 60);
        let waits = match by {
            By::Queue => "a wait counts in the interval in which it began",
            By::Skill => {
                "a wait counts in the interval in which it began, for every skill that was needed when it ended"
            }
            By::Agent => {
                "a wait counts in the interval in which it began, for who answered, or whose phone rang when the caller hung up"
            }
        };
        Formulas {
            service_level: format!(
                "answered within the target that the queue had when the wait began ÷ (answered + abandoned); who hung up within \
                 {short} s is not counted, who still waits not yet"
            ),
            service_level_of_all:
                "answered within the target that the queue had when the wait began ÷ (answered + abandoned + unserved), as \
                 the wallboard has it"
                    .to_owned(),
            within_180_s: format!(
                "answered within {} s, whatever the target, ÷ (answered + abandoned + unserved)",
                LONG_WAIT.as_secs()
            ),
            abandonment: format!("abandoned after more than {short} s ÷ (answered + abandoned + unserved)"),
            waits: format!(
                "{waits}; mean and 90th percentile are of the answered, the longest also of those who hung up"
            ),
            handle_time: format!(
                "(talk + hold + wrap-up) ÷ talks that ended in the interval, {talks}; consults have no part in it, nor calls \
                 that agents placed"
            ),
            first_call_resolution: format!(
                "of calls whose last talk of the queue ended in the interval and whose caller is known, the part whose caller (by \
                 account, else number) did not come to the same queue again in another call within {days} days; counted when \
                 these are over; also of those alone of which an agent said what came of them"
            ),
            first_call_resolution_by_answer:
                "of callers who were asked after their talk whether what they called about is settled, and \
                 answered, the part who said yes; of talks that ended in the interval"
                    .to_owned(),
            occupancy: format!("in calls and wrap-up ÷ signed in and not in not-ready, {agents}"),
        }
    }
}

impl From<&Row> for RowView {
    fn from(row: &Row) -> RowView {
        let interval = |(begins, figures): &(WallTime, Figures)| IntervalView {
            begins: rfc3339(*begins),
            figures: figures.into(),
        };
        RowView {
            name: Some(row.name.to_string()).filter(|name| !name.is_empty()),
            whole: FiguresView::from(&row.whole),
            intervals: row.intervals.iter().map(interval).collect(),
        }
    }
}

impl From<&Figures> for FiguresView {
    fn from(figures: &Figures) -> FiguresView {
        let percent = |part: Option<f64>| part.map(|part| tenths(part * 100.0));
        let seconds = |duration: Duration| tenths(duration.as_secs_f64());
        let (tally, time): (Tally, _) = (figures.tally, figures.time);
        let handling = &figures.handling;
        let per_talk = |time: Duration| handling.per_talk(time).map(seconds);
        FiguresView {
            joined: tally.joined,
            answered: tally.answered,
            in_target: tally.in_target,
            in_180_s: tally.in_long_wait,
            abandoned: tally.abandoned,
            short_abandoned: tally.short,
            unserved: tally.unserved,
            service_level: percent(tally.service_level()),
            service_level_of_all: percent(tally.service_level_of_all()),
            within_180_s: percent(tally.within_long_wait()),
            abandonment: percent(tally.abandonment()),
            average_wait_s: tally.average().map(seconds),
            p90_wait_s: figures.p90().map(seconds),
            longest_wait_s: seconds(tally.longest),
            quoted: tally.kept + tally.broken,
            quotes_kept: percent(tally.covered()),
            quote_bias_s: tally.quote_bias_s().map(tenths),
            quote_error_s: tally.quote_error_s().map(tenths),
            busy_s: seconds(time.busy),
            there_s: seconds(time.there),
            occupancy: percent(time.occupancy()),
            handled: handling.talks,
            average_handle_s: handling.average().map(seconds),
            average_talk_s: per_talk(handling.talked),
            average_hold_s: per_talk(handling.held),
            average_wrap_up_s: per_talk(handling.wrapped_up),
            contacts: handling.contacts,
            first_call_resolution: percent(handling.first_call_resolution()),
            contacts_with_outcome: handling.said,
            first_call_resolution_with_outcome: percent(handling.first_call_resolution_where_said()),
            contacts_with_answer: handling.asked,
            first_call_resolution_by_answer: percent(handling.settled_by_answer()),
        }
    }
}

impl FiguresView {
    /// The figures in the order of the columns.
    fn cells(&self) -> [Option<f64>; COLUMNS.len()] {
        let count = |count: u32| Some(f64::from(count));
        [
            count(self.joined),
            count(self.answered),
            count(self.in_target),
            count(self.in_180_s),
            count(self.abandoned),
            count(self.short_abandoned),
            count(self.unserved),
            self.service_level,
            self.service_level_of_all,
            self.within_180_s,
            self.abandonment,
            self.average_wait_s,
            self.p90_wait_s,
            Some(self.longest_wait_s),
            count(self.quoted),
            self.quotes_kept,
            self.quote_bias_s,
            self.quote_error_s,
            Some(self.busy_s),
            Some(self.there_s),
            self.occupancy,
            count(self.handled),
            self.average_handle_s,
            self.average_talk_s,
            self.average_hold_s,
            self.average_wrap_up_s,
            count(self.contacts),
            self.first_call_resolution,
            count(self.contacts_with_outcome),
            self.first_call_resolution_with_outcome,
            count(self.contacts_with_answer),
            self.first_call_resolution_by_answer,
        ]
    }
}

pub(super) fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_spoils_no_table() {
        assert_eq!(quoted("billing"), "billing");
        assert_eq!(quoted("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
    }

    #[test]
    fn a_table_has_the_names_of_the_json() {
        let figures = FiguresView::from(&Figures::default());
        let json = serde_json::to_value(&figures).unwrap();
        let mut names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut columns = COLUMNS.to_vec();
        names.sort_unstable();
        columns.sort_unstable();
        assert_eq!(names, columns);
    }
}
