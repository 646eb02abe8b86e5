//! How often talks kept rules: as JSON, as a table and as the talks that did not, for supervisors.

use super::*;

const DAYS: &str = "from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z";

#[test]
fn rules_are_counted_by_agent_and_queue_for_supervisors_and_a_broken_one_names_its_talks() {
    let api = api();
    api.tell(sample::whole_call(7));
    let [bob, sam] = ["bob", "sam"].map(|name| sign_in(&api, name));
    let path = format!("/api/v1/reports/conformance?{DAYS}");
    let broken = format!("/api/v1/reports/conformance/broken?rule=outcome_given&{DAYS}");
    for path in [&path, &broken] {
        let statuses = [&bob, &sam].map(|headers| api.ask("GET", path, headers, "").0);
        assert_eq!(statuses, [403, 200], "{path}");
    }
    let (_, report) = api.get(&path);
    let of = |row: &Value, rule: &str| {
        let rules = row["rules"].as_array().unwrap();
        let rule = rules.iter().find(|one| one["rule"] == rule).unwrap();
        (rule["applied"].clone(), rule["kept"].clone(), rule["share"].clone(), rule["deviates"].clone())
    };
    let bobs = &report["rows"][0];
    assert_eq!((&bobs["name"], &bobs["talks"]), (&json!("bob"), &json!(1)));
    assert_eq!(of(bobs, "picked_up"), (json!(1), json!(1), json!(100.0), json!("too_few")));
    assert_eq!(of(bobs, "outcome_given"), (json!(1), json!(0), json!(0.0), json!("too_few")));
    assert_eq!(of(bobs, "held_as_told"), (json!(0), json!(0), Value::Null, Value::Null));
    assert_eq!(of(&report["center"], "picked_up"), (json!(1), json!(1), json!(100.0), Value::Null));
    let (_, by_queue) = api.get(&format!("{path}&by=queue"));
    assert_eq!((&by_queue["by"], &by_queue["rows"][0]["name"]), (&json!("queue"), &json!("billing")));
    assert_eq!(of(&by_queue["rows"][0], "outcome_given"), (json!(1), json!(0), json!(0.0), Value::Null));
    assert_eq!(api.get(&format!("{path}&by=skill")).0, 422);

    let (_, headers, table) = api.ask("GET", &format!("{path}&format=csv"), "Host: localhost\r\n", "");
    assert!(headers.contains("text/csv") && headers.contains("conformance.csv"), "{headers}");
    let mut lines = table.split("\r\n");
    let head = "agent,talks,rule,applied,kept,share,others,difference,times_chance,deviates";
    assert_eq!(lines.next(), Some(head));
    assert!(lines.any(|line| line == "bob,1,outcome given,1,0,0,,,,too_few"), "{table}");

    let talk =
        json!({ "call": 7, "arrived": "2026-11-22T14:02:00.000Z", "agent": "bob", "queue": "billing" });
    let (_, named) = api.get(&broken);
    assert_eq!((&named["talks"], &named["more"]), (&json!([talk]), &json!(false)));
    for other in ["&agent=alice", "&queue=sales"] {
        assert_eq!(api.get(&format!("{broken}{other}")).1["talks"], json!([]));
    }
    assert_eq!(api.get(&format!("/api/v1/reports/conformance/broken?rule=was_nice&{DAYS}")).0, 400);
    let read: Vec<_> =
        api.fetched.try_iter().map(|(what, who)| format!("{} {what}", who.unwrap_or_default())).collect();
    assert_eq!(read, ["sam Calls(\"broke=outcome_given\")"], "a list of calls leaves a line");
}
