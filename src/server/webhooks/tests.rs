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
use crate::fact::Fact;
use crate::fact::What;
use crate::flow;
use crate::server::Rules;
use crate::store::HistoryWriter;
use crate::store::Losses;
use crate::store::Store;
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

/// Of a history in which nothing is.
fn past() -> Past {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    Past::of(&store, Losses::default(), 0).unwrap()
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
    let webhooks =
        Webhooks::start(past(), live.clone(), Some(live.subscribe()), move || center.clone()).unwrap();
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
    let webhooks =
        Webhooks::start(past(), live.clone(), Some(live.subscribe()), move || center.clone()).unwrap();
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
    let webhooks = Webhooks::start(past(), live.clone(), None, move || of.lock().unwrap().clone()).unwrap();
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
    Line::new(webhook("http://192.0.2.7/", &["call_ended"]), 0, 0)
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
    (0..WAITING as u64 + 3).for_each(|number| line.lay(number + 1, number.to_string().into()));
    let told = next(&line);
    assert_eq!(&*told.body, r#"{"missed":3}"#);
    line.lay(WAITING as u64 + 9, "one more meanwhile".into());
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
    [(1, "wrong"), (2, "right")].into_iter().for_each(|(number, body)| line.lay(number, body.into()));
    let mut pauses = Vec::new();
    for _ in 0..TRIES_OF_REFUSED {
        let event = next(&line);
        assert_eq!(&*event.body, "wrong");
        pauses.push(line.refused(&event, failure(true), WallTime(0)));
    }
    let told = next(&line);
    assert_eq!(&*told.body, r#"{"missed":1}"#);
    line.taken(&told);
    assert_eq!((&*next(&line).body, line.told().missed), ("right", 0));
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
    line.lay(1, "event".into());
    let wants = |secs| {
        let failure = Failure { retry_after: Some(Duration::from_secs(secs)), ..failure(false) };
        line.refused(&next(&line), failure, WallTime(0)).as_secs()
    };
    assert_eq!((wants(120), wants(1_000_000)), (120, 600));
}

#[test]
fn a_webhook_that_takes_nothing_is_told_with_since_when_and_why_until_it_does() {
    let line = line();
    line.lay(1, "event".into());
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
    let line = Line::new(Webhook { secret_env, ..webhook("http://192.0.2.7/", &["call_ended"]) }, 0, 0);
    line.lay(1, "event".into());
    assert!(!line.is_sending());
    let told =
        "the webhook ops is told nothing: its secret WARMLINE_NO_SUCH_SECRET is not in the environment";
    assert_eq!(line.trouble(&TimeZone::UTC).as_deref(), Some(told));
    line.change(webhook("http://192.0.2.7/", &["call_ended"]));
    assert_eq!(line.trouble(&TimeZone::UTC), None);
    assert_eq!(&*next(&line).body, "event", "it has waited");
}

#[test]
fn a_receiver_that_takes_events_and_not_that_some_are_missed_is_held_up_once() {
    let line = line();
    [(1, "wrong"), (2, "right"), (3, "also right")]
        .into_iter()
        .for_each(|(number, body)| line.lay(number, body.into()));
    // The event, and then what tells of it.
    for _ in 0..TRIES_OF_REFUSED * 2 {
        line.refused(&next(&line), failure(true), WallTime(0));
    }
    for body in ["right", "also right"] {
        let event = next(&line);
        assert_eq!(&*event.body, body);
        line.taken(&event);
    }
    assert_eq!(line.told().missed, 1, "it is not forgotten");
    line.lay(4, "wrong".into());
    for _ in 0..TRIES_OF_REFUSED {
        line.refused(&next(&line), failure(true), WallTime(0));
    }
    assert_eq!(&*next(&line).body, r#"{"missed":2}"#);
}

#[test]
fn a_receiver_that_found_everything_wrong_and_does_no_more_is_told_what_it_has_missed() {
    let line = line();
    [(1, "first"), (2, "second"), (3, "third")]
        .into_iter()
        .for_each(|(number, body)| line.lay(number, body.into()));
    for _ in 0..TRIES_OF_REFUSED * 2 + 1 {
        line.refused(&next(&line), failure(true), WallTime(0));
    }
    let event = next(&line);
    assert_eq!(&*event.body, "second");
    line.taken(&event);
    assert_eq!(&*next(&line).body, r#"{"missed":1}"#);
}

/// A run of the server, as far as webhooks go.
struct Run {
    history: HistoryWriter,
    live: Arc<Live>,
    webhooks: Arc<Webhooks>,
}

impl Run {
    fn begin(store: &Arc<Store>, to: &str) -> Run {
        let history = HistoryWriter::start(store, sample::STARTED).unwrap();
        let (live, center) = (live(), center(vec![webhook(to, &["call_ended"])]));
        live.begin_after(history.next_number() - 1);
        let past = Past::of(store, history.losses(), live.last_number()).unwrap();
        let heard = Some(live.subscribe());
        let webhooks = Webhooks::start(past, live.clone(), heard, move || center.clone()).unwrap();
        Run { history, live, webhooks }
    }

    fn tell(&self, call: u64) {
        sample::short_call(call).into_iter().for_each(|fact| tell_both(&self.history, &self.live, fact));
    }

    fn stop(self, within: Duration) {
        self.history.close();
        self.webhooks.close(within);
    }
}

fn tell_both(history: &HistoryWriter, live: &Live, fact: Fact) {
    live.tell(history.next_number(), &live.dated(fact.clone()));
    history.record(fact);
}

/// A place at which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

#[test]
fn what_a_receiver_was_not_told_of_before_a_stop_it_is_told_after_it_and_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    let run = Run::begin(&store, &nobody());
    (7..9).for_each(|call| run.tell(call));
    run.stop(Duration::ZERO);
    // A run in which nothing was looked at: as if it had been killed.
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    sample::short_call(9).into_iter().for_each(|fact| history.record(fact));
    history.close();
    let (at, told) = receiver(Vec::new());
    let run = Run::begin(&store, &at);
    run.tell(10);
    let mut ids = BTreeSet::new();
    for call in 7..11 {
        let (id, body) = told.recv_timeout(PATIENCE).unwrap();
        assert!(body.contains(&format!("\"call\":{call},")), "{call}: {body}");
        ids.insert(id.parse::<u64>().unwrap());
    }
    assert_eq!(ids.len(), 4, "each has its own number: {ids:?}");
    run.stop(PATIENCE);
    let run = Run::begin(&store, &at);
    run.tell(11);
    assert!(told.recv_timeout(PATIENCE).unwrap().1.contains("\"call\":11,"));
    run.stop(PATIENCE);
    assert!(told.try_recv().is_err());
}

#[test]
fn a_webhook_that_is_new_is_told_nothing_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    sample::short_call(6).into_iter().for_each(|fact| history.record(fact));
    history.close();
    let (at, told) = receiver(Vec::new());
    let run = Run::begin(&store, &at);
    run.tell(7);
    assert!(told.recv_timeout(PATIENCE).unwrap().1.contains("\"call\":7,"));
    run.stop(PATIENCE);
}

#[test]
fn more_facts_at_once_than_are_heard_are_read_back_from_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    let (history, live) = (HistoryWriter::start(&store, sample::STARTED).unwrap(), live());
    live.begin_after(history.next_number() - 1);
    let past = Past::of(&store, history.losses(), live.last_number()).unwrap();
    let webhooks = Arc::new(Webhooks::default());
    webhooks.serve(&[webhook(&nobody(), &["call_ended"])], |_| (live.last_number(), 0));
    let facts = Some(live.subscribe());
    for call in 1..3_001 {
        sample::short_call(call).into_iter().for_each(|fact| tell_both(&history, &live, fact));
    }
    let mut feed = Feed { webhooks: Arc::clone(&webhooks), past, live: Arc::clone(&live), facts };
    feed.take();
    let line = Arc::clone(&webhooks.lines()["ops"]);
    assert_eq!((line.waiting(), line.told().missed), (3_000, 0));
    webhooks.close(Duration::ZERO);
}
