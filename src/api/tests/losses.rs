//! A history that is being lost.

use super::*;

#[test]
fn a_history_that_is_being_lost_is_told_and_takes_no_server_away() {
    let api = api();
    let told = || {
        let (_, metrics) = api.get("/metrics");
        let losing =
            metrics.as_str().unwrap().lines().find_map(|line| line.strip_prefix("warmline_history_losing "));
        (api.get("/readyz"), api.get("/api/v1/wallboard").1["alarms"].clone(), losing.map(str::to_owned))
    };
    assert_eq!(told(), ((200, json!("ready\n")), json!([]), Some("0".to_owned())));
    // Nothing is written any more.
    api.history.close();
    sample::short_call(1).into_iter().for_each(|fact| api.history.record(fact));
    let ready = "ready\nhistory is being lost: the disk is full or too slow\n";
    let alarm = "history is being lost, because the disk is full or too slow: 6 facts are gone, calls are served all \
                 the same";
    assert_eq!(told(), ((200, json!(ready)), json!([alarm]), Some("1".to_owned())));
}

#[test]
fn a_data_folder_that_is_taken_away_is_told_and_takes_no_server_away() {
    let api = api();
    let gone = || {
        let (_, metrics) = api.get("/metrics");
        metrics.as_str().unwrap().contains("\nwarmline_data_folder_gone 1\n")
    };
    assert!(!gone());
    std::fs::rename(api.folder.path().join(crate::store::FILE), api.folder.path().join("aside")).unwrap();
    let words =
        "the data folder is gone: what happens now is lost at the next start; put it back, or start anew";
    assert_eq!(api.get("/readyz"), (200, json!(format!("ready\n{words}\n"))));
    assert_eq!(api.get("/api/v1/wallboard").1["alarms"], json!([words]));
    assert!(gone());
}
