//! Programs elsewhere that are told of events, and can know that they are from this server.

use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::Hmac;
use hmac::Mac;
use serde_json::Value;
use sha2::Sha256;

use crate::callback::center_with;
use crate::script::PCMU;
use crate::script::Script;
use crate::server::Server;
use crate::server::Story;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tools::available;
use crate::tools::within;

const SECRET: &str = "as only we two know it";

/// What was sent: the lines of the head in small letters, and the body.
type Sent = (Vec<String>, String);

/// A program that takes what it is sent, as long as the test lives; where it is, and what that was.
fn receiver() -> (String, mpsc::Receiver<Sent>) {
    receiver_that_may_take(Arc::new(AtomicBool::new(true)))
}

/// One that answers 500 as long as it does not take anything.
fn receiver_that_may_take(takes: Arc<AtomicBool>) -> (String, mpsc::Receiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = format!("http://{}/calls", listener.local_addr().expect("an address"));
    let (sender, sent) = mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut asked, mut part) = (String::new(), [0; 4_096]);
            while let Ok(length @ 1..) = stream.read(&mut part) {
                asked.push_str(std::str::from_utf8(&part[..length]).expect("text"));
                let Some((head, body)) = asked.split_once("\r\n\r\n") else { continue };
                let head: Vec<String> = head.lines().map(str::to_owned).collect();
                if body.len() < header(&head, "content-length").parse().expect("a length") {
                    continue;
                }
                let takes = takes.load(Ordering::Relaxed);
                let status = if takes { "204 No Content" } else { "500 Internal Server Error" };
                let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n");
                // A server that was killed meanwhile hears nothing.
                let _ = stream.write_all(answer.as_bytes());
                if takes {
                    let _ = sender.send((head, body.to_owned()));
                }
                break;
            }
        }
    });
    (at, sent)
}

fn header<'a>(head: &'a [String], name: &str) -> &'a str {
    let found = head.iter().filter_map(|line| line.split_once(": "));
    let mut found = found.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    found.next().unwrap_or_else(|| panic!("no {name}: {head:?}"))
}

/// The next event, which is signed.
fn next(sent: &mpsc::Receiver<Sent>) -> Value {
    let (head, body) = sent.recv_timeout(Duration::from_secs(20)).expect("an event");
    let (id, timestamp) = (header(&head, "webhook-id"), header(&head, "webhook-timestamp"));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    let signature = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(header(&head, "webhook-signature"), signature, "{head:?}");
    assert_eq!(header(&head, "content-type"), "application/json");
    serde_json::from_str(&body).expect("JSON")
}

/// A stranger calls and hangs up.
fn call(server: &Server) -> Story {
    let script = Script::invite(&[], Some(PCMU)).until_answered().wait_ms(300).leaves();
    let caller = Sipp::play(&server.sip(), "9000", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    caller.ends_well(10);
    server.story_with(&id, "call_ended", 5)
}

#[test]
fn a_program_elsewhere_is_told_of_the_events_that_it_names_and_of_others_after_a_publish() {
    if !available("a_program_elsewhere_…", &["sipp"]) {
        return;
    }
    let (at, sent) = receiver();
    let webhooks = format!(
        "webhooks:\n  ops: {{ to: \"{at}\", events: [call_arrived, call_ended], secret_env: OPS_SECRET }}\n  \
         lost: {{ to: \"{at}\", events: [call_arrived], secret_env: NO_SUCH_SECRET }}\n\nskills:"
    );
    let (folder, mut setup) = center_with(&[("skills:", &webhooks)]);
    setup.environment = vec![("OPS_SECRET", SECRET.to_owned())];
    let server = Server::set_up(setup);
    let story = call(&server);
    assert_eq!(next(&sent), *story.only("call_arrived"), "as the history has it");
    assert_eq!(next(&sent), *story.only("call_ended"));

    // Who may not read it learns no name; and nobody the secret.
    let trouble = "the webhook lost is told nothing: its secret NO_SUCH_SECRET is not in the environment";
    let (_, ready) = server.ask("GET", "/readyz", None).expect("the server answers");
    assert_eq!(ready, format!("ready\n{trouble}\n"));
    let strangers = server.ask_passed_on("/readyz").expect("the server answers");
    assert_eq!(strangers, (200, "ready\nthe events of a webhook are not taken\n".to_owned()));
    assert!(server.get("/api/v1/wallboard")["alarms"].to_string().contains(trouble));
    server.never_wrote(SECRET);
    within(5, "both are counted", || {
        let (_, metrics) = server.ask("GET", "/metrics", None)?;
        metrics.contains("warmline_webhook_sent_total{webhook=\"ops\"} 2\n").then_some(())
    });

    let first = server.get("/api/v1/flows/versions")["version"].clone();
    let file = folder.path().join("center.yaml");
    let text = fs::read_to_string(&file).expect("the center");
    let others = text.replace("[call_arrived, call_ended]", "[call_answered]");
    fs::write(&file, others).expect("written");
    within(10, "it is published", || {
        (server.get("/api/v1/flows/versions")["version"] != first).then_some(())
    });
    within(10, "its events are sent", || {
        let story = call(&server);
        let told = sent.recv_timeout(Duration::from_millis(500)).ok()?.1;
        let told: Value = serde_json::from_str(&told).expect("JSON");
        (told == *story.only("call_answered")).then_some(())
    });
    server.stop();
}

#[test]
fn events_that_a_receiver_did_not_take_before_a_stop_and_before_a_crash_come_after_it() {
    if !available("events_that_a_receiver_…", &["sipp"]) {
        return;
    }
    let takes = Arc::new(AtomicBool::new(false));
    let (at, sent) = receiver_that_may_take(Arc::clone(&takes));
    let webhooks = format!(
        "webhooks:\n  ops: {{ to: \"{at}\", events: [call_arrived, call_ended], secret_env: OPS_SECRET }}\n\nskills:"
    );
    let (_folder, mut setup) = center_with(&[("skills:", &webhooks)]);
    setup.environment = vec![("OPS_SECRET", SECRET.to_owned())];
    let mut server = Server::set_up(setup);
    let first = call(&server);
    server.terminate();
    server.ends(10);
    assert!(server.logged().contains("events wait for the webhook"), "{}", server.logged());
    server.restart();
    let second = call(&server);
    server.kill();
    takes.store(true, Ordering::Relaxed);
    server.restart();
    for story in [&first, &second] {
        for kind in ["call_arrived", "call_ended"] {
            assert_eq!(next(&sent), *story.only(kind), "{kind}");
        }
    }
    server.stop();
    assert!(sent.try_recv().is_err(), "nothing comes twice");
}
