//! Talks that are judged: who may judge, who may read, and what the history says of it.

use super::*;

const OF_CALL: &str = "/api/v1/calls/7/evaluations";
const BOBS: &str = "/api/v1/calls/7/evaluations/bob/talk";

/// What is asked of a person in the demo's form, answered.
const SAID: &str = r#"{"answers":{"greeted":1,"listened":4,"clear":null},"disputes":{"outcome":"said on the line"},
    "strengths":"calm","improvements":"ask for the number","comments":[{"at_s":12,"words":"well put"}]}"#;

fn judged() -> (Api, String, String, String) {
    let api = api();
    api.tell(sample::whole_call(7));
    let [alice, bob, sam] =
        ["alice", "bob", "sam"].map(|name| format!("{}X-Warmline: 1\r\n", sign_in(&api, name)));
    (api, alice, bob, sam)
}

fn told(api: &Api) -> Vec<String> {
    api.fetched.try_iter().map(|(what, who)| format!("{} {what}", who.unwrap_or_default())).collect()
}

#[test]
fn a_supervisor_judges_a_talk_and_its_agent_alone_reads_it() {
    let (api, alice, bob, sam) = judged();
    let read = |headers: &str| {
        let (status, _, body) = api.ask("GET", OF_CALL, headers, "");
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (_, blank) = read(&sam);
    assert_eq!((&blank["open"][0]["agent"], &blank["open"][0]["form"]), (&json!("bob"), &json!("talk")));
    assert_eq!(blank["open"].as_array().unwrap().len(), 1, "alice only rang");
    let (status, _, body) = api.ask("PUT", BOBS, &sam, SAID);
    assert_eq!(status, 200, "{body}");
    let (_, whole) = read(&sam);
    let evaluation = &whole["evaluations"][0];
    assert_eq!((&evaluation["by"], &evaluation["strengths"]), (&json!("sam"), &json!("calm")));
    let items = evaluation["items"].as_array().unwrap();
    let item = |name: &str| items.iter().find(|item| item["name"] == name).unwrap();
    assert_eq!((&item("outcome")["verdict"], &item("outcome")["got"]), (&json!("not_met"), &json!(0)));
    assert_eq!(item("outcome")["disputed"], "said on the line");
    assert_eq!((&item("listened")["got"], &item("clear")["got"]), (&json!(4), &Value::Null));

    let nothing = (200, json!({ "evaluations": [], "open": [] }));
    assert_eq!(read(&alice), nothing, "it is none of hers");
    let (_, own) = read(&bob);
    assert_eq!((&own["evaluations"][0], &own["open"]), (evaluation, &json!([])));
    let list = |headers: &str, query: &str| {
        let path = format!("/api/v1/evaluations?from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z{query}");
        let (status, _, body) = api.ask("GET", &path, headers, "");
        let list: Value = serde_json::from_str(&body).unwrap();
        (status, list["evaluations"].as_array().map(Vec::len))
    };
    assert_eq!(
        [list(&alice, ""), list(&bob, ""), list(&sam, "")],
        [(200, Some(0)), (200, Some(1)), (200, Some(1))]
    );
    assert_eq!(list(&alice, "&agent=bob").0, 403);

    let mark = |headers: &str, path: &str| api.ask("POST", &format!("{path}/read"), headers, "").0;
    assert_eq!([mark(&alice, BOBS), mark(&sam, BOBS)], [404, 404], "nobody reads it for him");
    assert_eq!([mark(&bob, BOBS), mark(&bob, BOBS)], [204, 204]);
    assert_eq!(mark(&bob, "/api/v1/calls/7/evaluations/bob/other"), 404);
    assert!(read(&bob).1["evaluations"][0]["read"].is_string());
    assert_eq!(
        told(&api),
        ["sam Call(CallId(7))", "bob talk Written { by: Some(\"sam\") }", "bob talk Acknowledged",]
    );
}

#[test]
fn who_reads_how_others_judged_leaves_a_line() {
    let (api, _, bob, sam) = judged();
    assert_eq!(api.put(BOBS, SAID).0, 200, "a program on this machine");
    assert_eq!(told(&api), ["bob talk Written { by: None }"]);
    for headers in [&bob, &sam, &sam] {
        assert_eq!(api.ask("GET", OF_CALL, headers, "").0, 200);
    }
    assert_eq!(told(&api), ["sam Call(CallId(7))", "sam Evaluations(CallId(7))"]);
}

#[test]
fn agents_judge_nobody_and_nobody_judges_what_is_not_there() {
    let (api, alice, bob, sam) = judged();
    let put = |headers: &str, path: &str, body: &str| api.ask("PUT", path, headers, body).0;
    assert_eq!([put(&alice, BOBS, SAID), put(&bob, BOBS, SAID)], [403, 403]);
    assert_eq!(put(&sam, "/api/v1/calls/7/evaluations/sam/talk", SAID), 403, "their own");
    assert_eq!(put(&sam, "/api/v1/calls/7/evaluations/alice/talk", SAID), 404, "she had no talk");
    assert_eq!(put(&sam, "/api/v1/calls/7/evaluations/bob/tlak", SAID), 404, "no such form");
    assert_eq!(put(&sam, "/api/v1/calls/99/evaluations/bob/talk", SAID), 404);
    assert_eq!(
        put(&sam, BOBS, r#"{"answers":{"greeted":1,"listened":4,"clear":1,"outcome":1}}"#),
        422,
        "the facts say it"
    );
    assert_eq!(put(&sam, BOBS, r#"{"answers":{"greeted":1}}"#), 422);
    api.tell(sample::whole_call(8).into_iter().take(21).collect());
    assert_eq!(put(&sam, "/api/v1/calls/8/evaluations/bob/talk", SAID), 409, "they still talk");
    for path in ["/api/v1/reports/evaluations", "/api/v1/evaluations/due"] {
        assert_eq!(
            [api.ask("GET", path, &alice, "").0, api.ask("GET", path, &sam, "").0],
            [403, 200],
            "{path}"
        );
    }
}

#[test]
fn the_report_is_a_table_as_well_and_a_week_that_is_over_has_its_talks_drawn() {
    let (api, _, _, sam) = judged();
    let days = "from=2026-11-15T00:00:00Z&until=2026-11-30T00:00:00Z";
    let due = || api.get(&format!("/api/v1/evaluations/due?{days}")).1["talks"].clone();
    let drawn = due();
    assert_eq!(
        (&drawn[0]["agent"], &drawn[0]["call"], &drawn[0]["evaluated"]),
        (&json!("bob"), &json!(7), &json!(false))
    );
    assert_eq!(api.ask("PUT", BOBS, &sam, SAID).0, 200);
    assert_eq!(due()[0]["evaluated"], json!(true));
    let (_, report) = api.get(&format!("/api/v1/reports/evaluations?{days}"));
    assert_eq!(
        (&report["agents"][0]["agent"], &report["agents"][0]["evaluations"]),
        (&json!("bob"), &json!(1))
    );
    let (status, table) = api.get(&format!("/api/v1/reports/evaluations?{days}&format=csv"));
    let table = table.as_str().unwrap();
    assert!(status == 200 && table.starts_with("agent,form,item,words,filled,met,"), "{table}");
    assert!(table.contains("bob,talk,outcome,outcome given,facts,0,1,0,1,0,0\r\n"), "{table}");
}

#[test]
fn that_a_talk_was_judged_is_known_to_its_agent_and_to_supervisors_alone() {
    let (api, alice, bob, sam) = judged();
    let fact = |what| Fact { at: Timestamp::from_secs(300), call: Some(CallId(7)), what };
    api.tell(vec![
        fact(What::Evaluated { agent: "bob".into(), form: "talk".into(), by: Some("sam".into()) }),
        fact(What::EvaluationsRead { by: "ada".into() }),
    ]);
    let told = |headers: &str| {
        let (status, _, body) = api.ask("GET", "/api/v1/calls/7", headers, "");
        assert_eq!(status, 200, "{body}");
        let whole: Value = serde_json::from_str(&body).unwrap();
        let (facts, story) = (whole["facts"].as_array().unwrap(), whole["story"].as_array().unwrap());
        assert_eq!(facts.len(), story.len());
        ["evaluated", "evaluations_read"].map(|name| facts.iter().any(|fact| fact["fact"] == name))
    };
    assert_eq!([told(&alice), told(&bob), told(&sam)], [[false, false], [true, false], [true, true]]);
}

#[test]
fn who_watches_is_told_of_their_own_evaluations_alone() {
    let (api, alice, bob, sam) = judged();
    let watch = |headers: &str| {
        let mut stream = TcpStream::connect(api.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        write!(stream, "GET /api/v1/events HTTP/1.1\r\n{headers}\r\n").unwrap();
        let mut begins = [0; 12];
        stream.read_exact(&mut begins).unwrap();
        assert_eq!(&begins, b"HTTP/1.1 200");
        BufReader::new(stream)
    };
    let streams = [watch(&alice), watch(&bob), watch(&sam)];
    let fact = |what| Fact { at: Timestamp::from_secs(300), call: Some(CallId(7)), what };
    api.tell(vec![
        fact(What::Evaluated { agent: "bob".into(), form: "talk".into(), by: Some("sam".into()) }),
        fact(What::Played { prompts: vec!["seen".into()] }),
    ]);
    let told = streams.map(|mut stream| {
        let mut told = String::new();
        while !told.contains("seen") {
            assert!(stream.read_line(&mut told).unwrap() > 0, "it has ended");
        }
        told.contains("evaluated")
    });
    assert_eq!(told, [false, true, true]);
}
