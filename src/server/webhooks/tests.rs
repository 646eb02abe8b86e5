//! A receiver over a real socket, and one line of events without one.

use std::collections::BTreeSet;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;

use super::line::Event;
use super::line::TRIES_OF_REFUSED;
use super::line::WAITING;
use super::send::Failure;
use super::*;
use crate::base::WallTime;
use crate::fact::What;
use crate::flow;
use crate::server::Rules;
use crate::store::sample;

const PATIENCE: Duration = Duration::from_secs(60);

/// A secret that every environment has.
fn webhook(to: &str, events: &[&str]) -> Webhook {
    let events: BTreeSet<String> = events.iter().map(|event| (*event).to_owned()).collect();
    let secret_env = "PATH".to_owned();
    Webhook { name: "ops".into(), to: to.to_owned(), events, secret_env, timeout: Duration::from_secs(5) }
}

fn center(webhooks: Vec<Webhook>) -> Arc<Center> {
    Arc::new(Center { webhooks, ..flow::tests::demo() })
}

/// A program that is told of events: it answers with these statuses, and then with 200. What it was sent, by id and body.
fn receiver(answers: Vec<u16>) -> (String, mpsc::Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("http://{}/calls", listener.local_addr().unwrap());
    let (sender, told) = mpsc::channel();
    thread::spawn(move || {
        let mut answers = answers.into_iter();
        for mut stream in listener.incoming().flatten() {
            let (mut asked, mut part) = (Vec::new(), [0; 4_096]);
            let (head, body) = loop {
                let length = stream.read(&mut part).unwrap();
                asked.extend_from_slice(&part[..length]);
                let text = String::from_utf8(asked.clone()).unwrap();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let head = head.to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    break (head, body.to_owned());
                }
            };
            let id = head.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap().to_owned();
            let status = answers.next().unwrap_or(200);
            let answer =
                format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            if sender.send((id, body)).is_err() {
                return;
            }
        }
    });
    (at, told)
}

fn live() -> Arc<Live> {
    Arc::new(Live::new(sample::STARTED, Rules::named(&["bob"], &["billing"])))
}

fn tell(live: &Live, call: u64) {
    for fact in sample::short_call(call) {
        live.apply(&live.dated(fact));
    }
}

#[test]
fn an_event_that_is_named_is_sent_as_the_stream_words_it_and_others_are_not() {
    let (at, told) = receiver(Vec::new());
    let (live, center) = (live(), center(vec![webhook(&at, &["call_ended"])]));
    let webhooks = Webhooks::start(live.clone(), Some(live.subscribe()), move || center.clone()).unwrap();
    tell(&live, 7);
    tell(&live, 8);
    let ended = |call| {
        let facts = sample::short_call(call).into_iter();
        let fact = facts.rev().find(|fact| matches!(fact.what, What::CallEnded { .. })).unwrap();
        serde_json::to_string(&FactView::from(&live.dated(fact))).unwrap()
    };
    let (first, second) = (told.recv_timeout(PATIENCE).unwrap(), told.recv_timeout(PATIENCE).unwrap());
    assert_eq!((first.1, second.1), (ended(7), ended(8)));
    assert_ne!(first.0, second.0);
    webhooks.close(PATIENCE);
    assert!(told.try_recv().is_err(), "nothing else was named");
    assert_eq!(webhooks.metrics()[0].value, 2.0);
}

#[test]
fn what_is_not_taken_comes_again_with_the_same_id_before_what_came_after_it() {
    let (at, told) = receiver(vec![503]);
    let (live, center) = (live(), center(vec![webhook(&at, &["call_ended"])]));
    let webhooks = Webhooks::start(live.clone(), Some(live.subscribe()), move || center.clone()).unwrap();
    tell(&live, 7);
    tell(&live, 8);
    let told: Vec<_> = (0..3).map(|_| told.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(told[0], told[1]);
    assert!(told[0].1.contains("\"call\":7") && told[2].1.contains("\"call\":8"), "{told:?}");
    webhooks.close(PATIENCE);
    let failed = webhooks.metrics().into_iter().find(|metric| metric.name == "warmline_webhook_failed_total");
    assert_eq!(failed.unwrap().value, 1.0);
}

#[test]
fn webhooks_change_under_the_running_server() {
    let (old, told_before) = receiver(Vec::new());
    let (new, told_after) = receiver(Vec::new());
    let live = live();
    let served = Arc::new(Mutex::new(center(Vec::new())));
    let of = Arc::clone(&served);
    let webhooks = Webhooks::start(live.clone(), None, move || of.lock().unwrap().clone()).unwrap();
    let publish = |webhooks: Vec<Webhook>| *served.lock().unwrap() = center(webhooks);
    // It is looked at ten times a second: what happens before that goes where it went before.
    let reaches = |told: &mpsc::Receiver<(String, String)>| {
        let begun = Instant::now();
        while told.recv_timeout(Duration::from_millis(200)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "it is told nothing");
            tell(&live, 7);
        }
    };
    publish(vec![webhook(&old, &["call_ended"])]);
    reaches(&told_before);
    publish(vec![webhook(&new, &["call_ended"])]);
    reaches(&told_after);
    publish(Vec::new());
    let begun = Instant::now();
    while !webhooks.metrics().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "it is still there");
        thread::yield_now();
    }
    webhooks.close(PATIENCE);
}

fn line() -> Line {
    Line::new(webhook("http://192.0.2.7/", &["call_ended"]))
}

fn next(line: &Line) -> Event {
    line.next().unwrap().2
}

fn failure(is_our_fault: bool) -> Failure {
    Failure { why: "it answers 500".to_owned(), is_our_fault, retry_after: None }
}

#[test]
fn a_full_backlog_loses_its_oldest_and_the_receiver_is_told_how_many() {
    let line = line();
    (0..WAITING as u64 + 3).for_each(|number| line.lay(number.to_string().into()));
    let told = next(&line);
    assert_eq!(&*told.body, r#"{"missed":3}"#);
    line.lay("one more meanwhile".into());
    line.taken(&told);
    let told = next(&line);
    assert_eq!(&*told.body, r#"{"missed":1}"#);
    line.taken(&told);
    assert_eq!(&*next(&line).body, "4");
    let value = |name| line.metrics().into_iter().find(|metric| metric.name == name).unwrap().value;
    assert_eq!(value("warmline_webhook_dropped_total"), 4.0);
    assert_eq!(value("warmline_webhook_waiting"), WAITING as f64);
}

#[test]
fn an_event_that_the_receiver_finds_wrong_holds_up_the_others_for_a_few_tries_only() {
    let line = line();
    ["wrong", "right"].into_iter().for_each(|body| line.lay(body.into()));
    let mut pauses = Vec::new();
    for _ in 0..TRIES_OF_REFUSED {
        let event = next(&line);
        assert_eq!(&*event.body, "wrong");
        pauses.push(line.refused(&event, failure(true), WallTime(0)));
    }
    assert_eq!(&*next(&line).body, "right");
    assert!(pauses[0] >= Duration::from_millis(500) && pauses[4] >= Duration::from_secs(8), "{pauses:?}");
    // What is not its own fault is kept for as long as there is room.
    for _ in 0..100 {
        line.refused(&next(&line), failure(false), WallTime(0));
    }
    assert_eq!(&*next(&line).body, "right");
}

#[test]
fn a_receiver_that_wants_to_be_left_alone_is() {
    let line = line();
    line.lay("event".into());
    let wants = |secs| {
        let failure = Failure { retry_after: Some(Duration::from_secs(secs)), ..failure(false) };
        line.refused(&next(&line), failure, WallTime(0)).as_secs()
    };
    assert_eq!((wants(120), wants(1_000_000)), (120, 600));
}

#[test]
fn a_webhook_that_takes_nothing_is_told_with_since_when_and_why_until_it_does() {
    let line = line();
    line.lay("event".into());
    let event = next(&line);
    let fails = |secs| line.refused(&event, failure(false), sample::STARTED + Duration::from_secs(secs));
    fails(5);
    fails(7);
    assert_eq!(line.trouble(&TimeZone::UTC), None, "it may be starting anew");
    fails(10);
    let told = line.trouble(&TimeZone::UTC).unwrap();
    let begins = "the webhook ops takes no events since 2026-11-22 14:02:05: it answers 500; 1 event waits; it is tried again at 2026";
    assert!(told.starts_with(begins), "{told}");
    line.taken(&event);
    assert_eq!(line.trouble(&TimeZone::UTC), None);
}

#[test]
fn a_webhook_without_its_secret_is_sent_nothing_and_is_told() {
    let secret_env = "WARMLINE_NO_SUCH_SECRET".to_owned();
    let line = Line::new(Webhook { secret_env, ..webhook("http://192.0.2.7/", &["call_ended"]) });
    assert!(!line.wants("call_ended"));
    let told =
        "the webhook ops is told nothing: its secret WARMLINE_NO_SUCH_SECRET is not in the environment";
    assert_eq!(line.trouble(&TimeZone::UTC).as_deref(), Some(told));
    line.change(webhook("http://192.0.2.7/", &["call_ended"]));
    assert!(
        line.wants("call_ended") && !line.wants("call_arrived") && line.trouble(&TimeZone::UTC).is_none()
    );
}
