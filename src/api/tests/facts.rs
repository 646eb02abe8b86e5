//! All that happened, in order: read page by page, and watched from where somebody was.

use super::*;

/// An event of the stream: its id, its name and its data.
type Told = (String, String, Value);

/// Watches with these header lines; each event, but for the first, which has nothing but an id.
fn watch(api: &Api, path: &str, headers: &str) -> (String, impl Iterator<Item = Told> + use<>) {
    let mut stream = TcpStream::connect(api.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let status = lines.next().unwrap();
    assert!(status.contains(" 200 "), "{status}");
    let begins = lines.find_map(|line| line.strip_prefix("id: ").map(str::to_owned)).unwrap();
    let (mut id, mut name) = (String::new(), String::new());
    let told = lines.filter_map(move |line| {
        let (field, value) = line.split_once(": ")?;
        match field {
            "id" => id = value.to_owned(),
            "event" => name = value.to_owned(),
            "data" => return Some((id.clone(), name.clone(), serde_json::from_str(value).unwrap())),
            _ => {}
        }
        None
    });
    (begins, told)
}

fn state(agent: &str, to: AgentStateName) -> Fact {
    let (agent, from, reason) = (agent.into(), AgentStateName::Offline, String::new());
    let what = What::AgentState { agent, from, to, reason };
    Fact { at: Timestamp::from_secs(3), call: None, what }
}

fn kinds(list: &Value) -> Vec<&str> {
    list["facts"].as_array().unwrap().iter().map(|fact| fact["fact"].as_str().unwrap()).collect()
}

#[test]
fn a_program_reads_every_fact_once_in_order_and_what_agents_did_as_well() {
    let api = api();
    api.tell(sample::short_call(7));
    api.tell(vec![state("bob", AgentStateName::Ready), state("alice", AgentStateName::NotReady)]);
    let many = sample::short_call(7).len() + 2;
    let (mut after, mut numbers, mut told) = (0, Vec::new(), Vec::new());
    loop {
        let (status, page) = api.get(&format!("/api/v1/facts?limit=3&after={after}"));
        assert_eq!(status, 200, "{page}");
        let facts = page["facts"].as_array().unwrap();
        numbers.extend(facts.iter().map(|fact| fact["number"].as_u64().unwrap()));
        told.extend(kinds(&page).into_iter().map(str::to_owned));
        after = page["after"].as_u64().unwrap();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!((told.len(), told[0].as_str()), (many, "call_arrived"));
    assert!(numbers.is_sorted() && numbers.last() == Some(&after), "{numbers:?} {after}");
    assert_eq!(api.get(&format!("/api/v1/facts?after={after}")).1["facts"], json!([]));
    let (_, of_bob) = api.get("/api/v1/facts?agent=bob&kinds=agent_state,call_ended");
    assert_eq!((kinds(&of_bob), &of_bob["facts"][0]["call"]), (vec!["agent_state"], &Value::Null));
    let (_, ended) = api.get("/api/v1/facts?kinds=call_ended");
    assert_eq!(kinds(&ended), ["call_ended"]);
}

#[test]
fn what_is_asked_of_facts_in_other_words_is_refused() {
    let api = api();
    for path in ["/api/v1/facts", "/api/v1/events"] {
        assert_eq!(api.get(&format!("{path}?zzz=1")).0, 400, "{path}");
        let (status, problem) = api.get(&format!("{path}?kinds=call_ended,call_endet"));
        assert_eq!((status, &problem["error"]), (422, &json!("there is no kind of fact \"call_endet\"")));
    }
    assert_eq!(api.get("/api/v1/facts?limit=0").0, 422);
    assert_eq!(api.get("/api/v1/facts?limit=1001").0, 422);
    assert_eq!(api.ask("GET", "/api/v1/events", "Host: localhost\r\nLast-Event-ID: seven\r\n", "").0, 422);
}

#[test]
fn whoever_connects_anew_gets_what_they_missed_and_then_what_happens_each_once() {
    let api = api();
    let (begins, mut told) = watch(&api, "/api/v1/events", "");
    api.tell(sample::short_call(7));
    let (id, name, fact) = told.next().unwrap();
    assert_eq!((name.as_str(), &fact["fact"]), ("fact", &json!("call_arrived")));
    assert!(id.parse::<u64>().unwrap() > begins.parse().unwrap(), "{id} {begins}");
    drop(told);
    api.tell(sample::short_call(8));
    let (begins, told) = watch(&api, "/api/v1/events", &format!("Last-Event-ID: {id}\r\n"));
    assert_eq!(begins, id);
    api.tell(sample::short_call(9));
    let each = sample::short_call(7).len();
    let told: Vec<Told> = told.take(3 * each - 1).collect();
    let of = |call: u64| told.iter().filter(|(_, _, fact)| fact["call"] == call).count();
    assert_eq!((of(7), of(8), of(9)), (each - 1, each, each));
    assert!(told.iter().map(|(id, ..)| id.parse::<u64>().unwrap()).is_sorted());
    let (_, mut from_the_first) = watch(&api, "/api/v1/events?after=0", "");
    assert_eq!(from_the_first.next().unwrap().0, id);
}

#[test]
fn whoever_watches_some_kinds_sees_no_others() {
    let api = api();
    let (_, mut told) = watch(&api, "/api/v1/events?kinds=agent_state&agent=bob", "");
    api.tell(sample::short_call(7));
    api.tell(vec![state("alice", AgentStateName::Ready), state("bob", AgentStateName::Ready)]);
    let (_, _, fact) = told.next().unwrap();
    assert_eq!((&fact["fact"], &fact["agent"]), (&json!("agent_state"), &json!("bob")));
}

#[test]
fn whoever_lags_too_far_has_what_they_missed_out_of_the_history() {
    let api = api();
    let (_, told) = watch(&api, "/api/v1/events?kinds=call_ended", "");
    // More than a watcher may lag behind, at once: nobody reads meanwhile.
    (1..3_001).for_each(|call| {
        for fact in sample::short_call(call) {
            let dated = api.live.dated(fact);
            api.live.tell(api.history.next_number(), &dated);
            api.history.record(dated.fact);
        }
    });
    let calls: Vec<u64> = told.take(3_000).map(|(_, _, fact)| fact["call"].as_u64().unwrap()).collect();
    assert_eq!(calls, (1..3_001).collect::<Vec<_>>());
}
