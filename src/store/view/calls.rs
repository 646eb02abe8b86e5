//! Calls as a table: one line each, with the names of the JSON. Their lines are in the JSON alone.

use serde_json::Value;

use super::CallView;
use super::service::quoted;

/// What is a single value of a call, in the order of the table.
const COLUMNS: [&str; 26] = [
    "id",
    "direction",
    "arrived",
    "answered",
    "ended",
    "phase",
    "from",
    "display",
    "to",
    "trunk",
    "caller_id",
    "queue",
    "agent",
    "waited_s",
    "quote_s",
    "talked_s",
    "outcome",
    "ended_by",
    "cause",
    "identity",
    "customer",
    "customer_name",
    "repeats",
    "digits",
    "recordings",
    "sip_call_id",
];

/// The table, as RFC 4180 has it.
pub fn csv(calls: &[CallView]) -> String {
    let mut text = format!("{}\r\n", COLUMNS.join(","));
    for call in calls {
        // A call as JSON has no key but its fields' names, which are strings.
        let fields = serde_json::to_value(call).unwrap_or_default();
        text.push_str(&COLUMNS.map(|column| cell(&fields[column])).join(","));
        text.push_str("\r\n");
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if is_number(text) => text.clone(),
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// `+12025550143`, which a spreadsheet may take for a formula: it gives the number.
fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::CallId;
    use crate::base::WallTime;
    use crate::store::fold::CallFold;

    #[test]
    fn a_call_is_a_line_with_the_names_of_its_json() {
        let mut record = CallFold::new(CallId(7), WallTime(0)).record().clone();
        record.from = "+12025550143".to_owned();
        record.display = "=HYPERLINK(\"x\"), Ann".to_owned();
        record.repeats = 2;
        let call = CallView::from(record);
        let fields = serde_json::to_value(&call).unwrap();
        assert!(COLUMNS.iter().all(|column| fields.get(column).is_some()), "{fields}");
        let left_out = ["legs", "source", "verified_by_agent"];
        assert_eq!(fields.as_object().unwrap().len(), COLUMNS.len() + left_out.len(), "{fields}");
        let expected = "7,inbound,1970-01-01T00:00:00.000Z,,,,+12025550143,\"'=HYPERLINK(\"\"x\"\"), Ann\",,,,,,,,,,,,,,,2,,0,";
        assert_eq!(csv(&[call]).lines().nth(1), Some(expected));
    }
}
