//! What callers keyed at the menus.

use super::*;
use crate::fact::Outcome;
use crate::fact::Party;

#[test]
fn what_callers_keyed_at_a_menu_is_told_to_supervisors() {
    let api = api();
    let at = |node: &str| What::NodeEntered { flow: "main".into(), node: node.into(), by: None };
    let wrong = What::NoMatch { node: "topics".into(), digit: '0' };
    let chose = What::Chose { node: "topics".into(), digit: '1', choice: "billing".into() };
    let left = What::CallEnded {
        by: Party::Caller,
        outcome: Outcome::LeftInFlow,
        cause: String::new(),
        by_person: None,
    };
    let told = [What::CallAnswered, at("topics"), wrong, chose, at("pin"), left];
    let date = |(secs, what)| Fact { at: Timestamp::from_secs(secs), call: Some(CallId(7)), what };
    api.tell((2..).step_by(2).zip(told).map(date).collect());
    let path = "/api/v1/reports/menus?from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z";
    let (_, report) = api.get(path);
    // Where somebody hung up and nobody chooses is no menu.
    let topics = json!({
        "flow": "main", "node": "topics", "came": 1, "chose": 1, "gave_up": 0, "hung_up": 0, "no_input": 0, "no_match": 1,
        "zero_outs": 1, "average_s": 6.0,
    });
    assert_eq!(report["menus"], json!([topics]));
    let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, "alice"));
    assert_eq!(api.ask("GET", path, &headers, "").0, 403);
}
