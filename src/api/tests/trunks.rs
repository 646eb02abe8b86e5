//! A trunk at which we should be registered.

use super::*;
use crate::sip::TrunkState;
use crate::sip::TrunkTrouble;

fn unregistered(trunk: &str) -> TrunkState {
    let trouble = TrunkTrouble::Refused { status: 403, reason: "Forbidden".to_owned() };
    TrunkState {
        trunk: trunk.into(),
        is_registered: false,
        since: Some(Timestamp::from_secs(60)),
        trouble: Some(trouble),
        next: Some(Timestamp::from_secs(75)),
    }
}

#[test]
fn a_trunk_that_does_not_take_our_registration_is_told_and_takes_no_server_away() {
    let api = api();
    assert_eq!(api.get("/readyz"), (200, json!("ready\n")));
    api.trunks.look([unregistered("carrier")].into_iter());
    let alarm = "the trunk carrier is not registered since 2026-11-22 14:03:00, so no calls may come by it: it said 403 \
                 Forbidden, so it does not accept our name and password; it is tried again at 2026-11-22 14:03:15";
    assert_eq!(api.get("/readyz"), (200, json!(format!("ready\n{alarm}\n"))));
    let (_, board) = api.get("/api/v1/wallboard");
    assert_eq!(board["alarms"], json!([alarm]));
    let why = "it said 403 Forbidden, so it does not accept our name and password";
    let (since, next) = ("2026-11-22T14:03:00.000Z", "2026-11-22T14:03:15.000Z");
    let trunk = json!({ "trunk": "carrier", "registered": false, "since": since, "why": why, "status": 403, "next": next });
    assert_eq!(board["trunks"], json!([trunk]));
    api.trunks
        .look([TrunkState { is_registered: true, trouble: None, ..unregistered("carrier") }].into_iter());
    assert_eq!(api.get("/readyz"), (200, json!("ready\n")));
    assert_eq!(api.get("/api/v1/wallboard").1["alarms"], json!([]));
}

#[test]
fn who_is_not_signed_in_learns_that_a_trunk_is_in_trouble_and_not_which() {
    let api = api_for(Some("0.0.0.0:8080".parse().unwrap()), sample::STARTED);
    api.trunks.look([unregistered("carrier")].into_iter());
    let (status, told) = api.get("/readyz");
    assert_eq!((status, told), (200, json!("ready\na trunk is not registered: no calls may come by it\n")));
}
