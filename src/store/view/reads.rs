//! Who read lists of calls, as JSON.

use serde::Serialize;

use super::rfc3339;
use crate::store::reads::ListRead;
use crate::store::reads::ReadReport;

/// Who read lists of calls in a time, or watched what happens; the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadReportView {
    pub reads: Vec<ReadView>,
}

/// One reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadView {
    pub at: String,
    pub by: String,
    /// `calls` or `events`.
    pub what: &'static str,
    /// The filters by which calls were listed, as they stood in the query; empty for all calls. Null for events.
    pub filter: Option<String>,
}

impl From<&ReadReport> for ReadReportView {
    fn from(report: &ReadReport) -> ReadReportView {
        let view = |ListRead { at, by, filter }: &ListRead| ReadView {
            at: rfc3339(*at),
            by: by.to_string(),
            what: if filter.is_some() { "calls" } else { "events" },
            filter: filter.clone(),
        };
        ReadReportView { reads: report.0.iter().map(view).collect() }
    }
}
