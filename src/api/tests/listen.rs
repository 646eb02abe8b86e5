//! Colleagues who listen: what is asked of the control thread, and what desks and the list of agents say.

use super::*;
use crate::fact::ListensBy;

#[test]
fn a_colleague_asks_to_listen_and_the_agent_lets_them_in_each_for_themselves() {
    let api = api();
    let ask = |name: &str, what: &str, body: &str| {
        let headers = format!("{}X-Warmline: 1\r\n", sign_in(&api, name));
        api.ask("POST", &format!("/api/v1/calls/7/{what}"), &headers, body).0
    };
    let lets = |agreed| AgentRequest::LetListen { who: "bob".into(), agreed };
    for (who, what, body, request) in [
        ("bob", "listen", "{}", AgentRequest::Listen),
        ("bob", "listen", r#"{"leave":true}"#, AgentRequest::StopListening),
        ("alice", "let_listen", r#"{"who":"bob","agreed":true}"#, lets(true)),
        ("alice", "let_listen", r#"{"who":"bob","agreed":false}"#, lets(false)),
    ] {
        assert_eq!(ask(who, what, body), 202, "{body}");
        assert_eq!(api.asked.recv_timeout(Duration::from_secs(5)).unwrap(), (who.to_owned(), request));
    }
    assert_eq!(ask("bob", "listen", r#"{"agent":"alice"}"#), 403, "nobody listens in another one's name");
    assert_eq!(ask("bob", "let_listen", r#"{"agent":"alice","who":"bob","agreed":true}"#), 403);
    assert_eq!(ask("alice", "let_listen", r#"{"who":"bob"}"#), 422, "silence is no yes");
    assert_eq!(ask("bob", "listen", r#"{"mode":"whisper"}"#), 422, "there is no other way");
    assert!(api.asked.try_recv().is_err(), "none of these reached the control thread");
}

#[test]
fn who_listens_stands_on_both_desks_and_in_the_calls_story() {
    let api = api();
    // Bob talks with the caller.
    api.tell(sample::whole_call(7).into_iter().take(21).collect());
    let tell = |second, what| {
        api.tell(vec![Fact { at: Timestamp::from_secs(second), call: Some(CallId(7)), what }]);
    };
    let desk = |name: &str| api.get(&format!("/api/v1/desk-view?agent={name}")).1;
    let (_, list) = api.get("/api/v1/agents");
    let calls: Vec<&Value> = list["agents"].as_array().unwrap().iter().map(|agent| &agent["call"]).collect();
    assert_eq!(calls, [&Value::Null, &json!(7)], "whose talk there is to hear");

    let (alice, bob): (Name, Name) = ("alice".into(), "bob".into());
    tell(50, What::ListeningAsked { by: alice.clone(), agent: bob.clone() });
    assert_eq!(desk("bob")["calls"][0]["asks_to_listen"], json!(["alice"]));
    let to = &desk("alice")["listening_to"];
    assert_eq!(
        (&to["call"], &to["agent"], &to["phase"]),
        (&json!(7), &json!("bob"), &json!("asking")),
        "{to}"
    );
    tell(51, What::ListeningAnswered { agent: bob.clone(), by: alice.clone(), agreed: true });
    assert_eq!(desk("bob")["calls"][0]["asks_to_listen"], json!([]));
    assert_eq!(desk("alice")["listening_to"]["phase"], "let_in");
    tell(52, What::Listening { listener: alice.clone(), agent: bob, by: ListensBy::Consent });
    assert_eq!(desk("bob")["calls"][0]["listeners"], json!(["alice"]));
    assert_eq!(desk("alice")["listening_to"]["phase"], "listening");
    assert_eq!(desk("alice")["calls"], json!([]), "it is no call of theirs");
    tell(53, What::ListeningEnded { listener: alice });
    assert_eq!(desk("bob")["calls"][0]["listeners"], json!([]));
    assert_eq!(desk("alice")["listening_to"], Value::Null);

    let (_, whole) = api.get("/api/v1/calls/7");
    let words: Vec<&str> =
        whole["story"].as_array().unwrap().iter().map(|line| line["words"].as_str().unwrap()).collect();
    assert_eq!(
        words[words.len() - 4..],
        [
            "alice asks bob whether they may listen",
            "bob lets alice listen",
            "alice listens to bob, who agreed",
            "alice does not listen any more",
        ]
    );
    assert_eq!(whole["facts"][words.len() - 2]["by"], "consent");
}
