//! How long recordings and the history are kept, as `center.yaml` says it.

use std::time::Duration;

use crate::flow::read::Reader;
use crate::flow::read::yaml::Yaml;

/// How long recordings are kept when nothing is said.
pub(super) const KEEP_RECORDINGS: Duration = Duration::from_secs(90 * DAY_S);
/// How long the history is.
pub(super) const KEEP_HISTORY: Duration = Duration::from_secs(24 * MONTH_DAYS * DAY_S);
/// A month is kept as the longest is: nothing goes too early.
const MONTH_DAYS: u64 = 31;
/// And at most: ten years.
const MOST_DAYS: u64 = 3_650;
const DAY_S: u64 = 86_400;

/// `90d`
pub(super) fn days(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Duration> {
    let text = reader.text(yaml, "a number of days")?;
    match text.text.strip_suffix('d').and_then(|days| days.trim_end().parse().ok()) {
        Some(days @ 1..=MOST_DAYS) => Some(Duration::from_secs(days * DAY_S)),
        _ => {
            let message = format!("\"{}\" is not a number of days", text.text);
            reader.error_hint(text.place, message, format!("write it as 90d; at most {MOST_DAYS}d"));
            None
        }
    }
}

/// `24 months`, `730d`, or `for ever`, which is none.
pub(super) fn history(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Option<Duration>> {
    let text = reader.text(yaml, "how long the history is kept")?;
    if text.text == "for ever" {
        return Some(None);
    }
    let months = text.text.strip_suffix("months").or_else(|| text.text.strip_suffix("month"));
    let number =
        months.or_else(|| text.text.strip_suffix('d')).and_then(|number| number.trim_end().parse().ok());
    let unit = if months.is_some() { MONTH_DAYS } else { 1 };
    match number.map(|number: u64| number.saturating_mul(unit)) {
        Some(days @ 1..=MOST_DAYS) => Some(Some(Duration::from_secs(days * DAY_S))),
        _ => {
            let message = format!("\"{}\" is not how long a history is kept", text.text);
            let hint = format!("write it as 24 months or 730d, at most {MOST_DAYS}d, or for ever");
            reader.error_hint(text.place, message, hint);
            None
        }
    }
}
