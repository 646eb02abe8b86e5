//! A server that is to have a standby.

use super::*;
use crate::server::standby::behind;

fn told(standbys: Option<StandbyStats>) -> (Value, Value, Value) {
    let api = api_with(flow::tests::demo(), None, sample::STARTED, standbys);
    let (status, ready) = api.get("/readyz");
    assert_eq!(status, 200, "a server without its standby serves every call");
    let (_, board) = api.get("/api/v1/wallboard");
    (ready, board["alarms"].clone(), board["standbys"].clone())
}

#[test]
fn the_board_and_whoever_watches_are_told_whether_a_standby_could_take_over() {
    assert_eq!(told(None), (json!("ready\n"), json!([]), Value::Null));

    let alarm = "no standby is connected: the calls would be lost with this machine";
    let ready = format!("ready\n{alarm}\n");
    assert_eq!(told(Some(StandbyStats::default())), (json!(ready), json!([alarm]), json!([])));

    let (ready, alarms, standbys) = told(Some(behind(0)));
    assert_eq!((ready, alarms), (json!("ready\n"), json!([])));
    assert_eq!(
        (&standbys[0]["address"], &standbys[0]["state"]),
        (&json!("192.0.2.12"), &json!("up_to_date"))
    );
    assert_eq!(
        (&standbys[0]["files_differ"], &standbys[0]["differing"]),
        (&json!(1), &json!(["flows/main.yaml is another"]))
    );
    assert!(standbys[0]["since"].is_string() && standbys[0]["behind_s"].is_number(), "{standbys}");

    let (_, alarms, standbys) = told(Some(behind(60)));
    let alarm = alarms[0].as_str().unwrap();
    assert!(alarm.starts_with("the standby is 6") && alarm.contains("s behind"), "{alarm}");
    assert_eq!(standbys[0]["state"], "behind");
}
