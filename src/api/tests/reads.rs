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
    assert_eq!(reads(&sam, "/api/v1/calls"), 200);
    assert_eq!(reads(&sam, "/api/v1/calls/7/explain"), 200);
    assert_eq!(reads(&sam, "/api/v1/calls/8"), 404);
    assert!(api.fetched.try_recv().is_err(), "nobody else has read the call yet");
    for who in [&sam, &sam, &bob, &sam, &bob] {
        assert_eq!(reads(who, story), 200);
    }
    let told: Vec<_> = api.fetched.try_iter().collect();
    assert_eq!(told, ["sam", "bob"].map(|who| ("call 7".to_owned(), Some(who.to_owned()))));
}
