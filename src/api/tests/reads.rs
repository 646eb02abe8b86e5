//! Who reads the history of a call.

use super::*;

#[test]
fn that_somebody_reads_a_call_is_told_first_unless_it_was_theirs() {
    let api = api();
    let fact = |what| Fact { at: Timestamp::from_secs(1), call: Some(CallId(7)), what };
    let quote = None;
    api.tell(vec![
        fact(What::Enqueued { queue: "billing".into(), needs: Vec::new(), priority: 0, waiting: 0 }),
        fact(What::AgentConnected { agent: "alice".into(), waited: Duration::from_secs(3), quote }),
    ]);
    let (bob, sam) = (sign_in(&api, "bob"), sign_in(&api, "sam"));
    let reads = |who: &str, path: &str| api.ask("GET", path, who, "").0;
    let story = "/api/v1/calls/7";
    assert_eq!(api.get(story).0, 200, "a program of this machine");
    assert_eq!(reads(&sign_in(&api, "alice"), story), 200);
    assert_eq!(reads(&sam, "/api/v1/calls/7/explain"), 200);
    assert_eq!(reads(&sam, "/api/v1/calls/8"), 404);
    assert!(api.fetched.try_recv().is_err(), "nobody else has read the call yet");
    for who in [&sam, &sam, &bob, &sam, &bob] {
        assert_eq!(reads(who, story), 200);
    }
    let told: Vec<_> = api.fetched.try_iter().collect();
    assert_eq!(told, ["sam", "bob"].map(|who| ("Call(CallId(7))".to_owned(), Some(who.to_owned()))));
}

#[test]
fn who_reads_lists_of_calls_is_told_with_the_filter_once_and_not_for_each_call_or_page() {
    let api = api();
    api.tell(sample::whole_call(7));
    let (alice, sam) = (sign_in(&api, "alice"), sign_in(&api, "sam"));
    let lists = |who: &str, query: &str| {
        assert_eq!(api.ask("GET", &format!("/api/v1/calls{query}"), who, "").0, 200, "{query}");
        let told = api.fetched.try_iter().map(|(what, by)| format!("{} {what}", by.unwrap_or_default()));
        told.collect::<Vec<_>>()
    };
    assert_eq!(api.get("/api/v1/calls").0, 200, "a program of this machine");
    assert_eq!(lists(&sam, ""), [r#"sam Calls("")"#]);
    assert_eq!(lists(&sam, "?limit=5&before=99"), [""; 0], "the next page of the same list");
    let of_ann = "?from=%2B12025550143&agent=bob";
    assert_eq!(lists(&sam, of_ann), [r#"sam Calls("from=+12025550143 agent=bob")"#]);
    assert_eq!(lists(&sam, of_ann), [""; 0]);
    assert_eq!(lists(&alice, of_ann), [r#"alice Calls("from=+12025550143 agent=bob")"#]);
    assert_eq!(lists(&sam, "?outcome=left_in_flow"), [r#"sam Calls("outcome=left_in_flow")"#]);
    assert_eq!(lists(&sam, "?sip_call_id=a%40b"), [r#"sam Calls("sip_call_id=a@b")"#]);
    let of_a_day = "?queue=billing&dialled=1000&since=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z";
    let told =
        "sam Calls(\"queue=billing dialled=1000 since=2026-11-22T00:00:00Z until=2026-11-23T00:00:00Z\")";
    assert_eq!(lists(&sam, of_a_day), [told]);
    assert_eq!(api.get("/api/v1/calls?since=yesterday").0, 422);
    let listed = What::CallsListed { by: "sam".into(), filter: "agent=bob".into() };
    api.tell(vec![Fact { at: Timestamp::from_secs(9), call: None, what: listed }]);
    let path = "/api/v1/reports/reads?from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z";
    let read = &api.get(path).1["reads"];
    let told = ["by", "what", "filter"].map(|field| read[0][field].as_str().unwrap_or_default());
    assert_eq!((told, read.as_array().map(Vec::len)), (["sam", "calls", "agent=bob"], Some(1)));
    assert_eq!(api.ask("GET", path, &format!("{alice}X-Warmline: 1\r\n"), "").0, 403);
}
