//! The engine's log, written, cut off and gone through again.

use std::time::Duration;

use super::script::queue_config;
use super::simulator;
use crate::base::WallTime;
use crate::queue::Engine;
use crate::queue::api::Config;
use crate::queue::log::Head;
use crate::queue::log::Log;
use crate::queue::log::LogError;

fn text(log: &Log) -> String {
    log.head.line() + &log.steps.iter().map(|step| step.line()).collect::<String>()
}

#[test]
fn the_same_events_give_the_same_decisions_from_the_beginning_and_from_the_middle() {
    for seed in 0..40 {
        let log = simulator::log(seed);
        assert!(log.steps.len() > 100);
        let read = Log::read(&text(&log)).unwrap();
        assert_eq!(read, log, "seed {seed}: written down and read back");
        assert_eq!(read.verify(), None, "seed {seed}");
        // A log that begins under way has the engine as it stood.
        let middle = log.steps.len() / 2;
        let mut engine = log.head.engine();
        for step in &log.steps[..middle] {
            engine.handle(step.at, step.event.clone(), &mut Vec::new());
        }
        let head = Head::of(log.head.started, log.head.config.clone(), &engine);
        let rest = Log { head, steps: log.steps[middle..].to_vec(), cut: false };
        let written = text(&rest);
        assert_eq!(Log::read(&written).unwrap().verify(), None, "seed {seed}, from the middle");
        // What follows from the rest was once written down as well.
        let once = written.replace("\"fresh\":", "\"first\":null,\"working\":9,\"fresh\":");
        let once = once.replacen("\"waiting_classes\":", "\"by_kind\":[1,0],\"waiting_classes\":", 1);
        assert!(once.len() > written.len());
        assert_eq!(Log::read(&once).unwrap().verify(), None, "seed {seed}, from a snapshot of before");
    }
}

#[test]
fn other_rules_are_told_by_the_first_step_that_they_change() {
    let mut log =
        (0..).map(simulator::log).find(|log| log.steps.iter().any(|step| step.actions.len() > 2)).unwrap();
    let place = log.steps.iter().position(|step| step.actions.len() > 2).unwrap();
    let left_out = log.steps[place].actions.pop().unwrap();
    let found = log.verify().expect("something is missing");
    assert_eq!((found.line, found.now.last()), (place + 2, Some(&left_out)));
    let said = found.to_string();
    assert!(said.contains("then: nothing more\n") && said.contains(&format!("now: {left_out:?}")), "{said}");
}

#[test]
fn a_log_is_read_up_to_where_it_was_cut_off_and_no_further() {
    let log = simulator::log(1);
    let whole = text(&log);
    let cut = Log::read(&whole[..whole.len() - 7]).unwrap();
    assert!(cut.cut && cut.steps[..] == log.steps[..log.steps.len() - 1]);
    assert_eq!(cut.verify(), None);
    assert_eq!(Log::read(&log.head.line()).unwrap().steps, []);
    for nothing in ["", "{\"queue_log\":1"] {
        assert_eq!(Log::read(nothing), Err(LogError::Empty));
    }
}

#[test]
fn what_is_no_log_is_told_by_its_line() {
    let head = Head::of(WallTime(0), config(), &Engine::new(config())).line();
    let wrong = |text: &str| Log::read(text).unwrap_err().to_string();
    assert!(wrong("hello\n").starts_with("line 1 is no line of a queue's log"), "{}", wrong("hello\n"));
    assert!(wrong(&format!("{head}{{}}\n")).starts_with("line 2 is no line"));
    let step = |at: u64| format!("{{\"at\":{at},\"event\":\"Tick\",\"actions\":[]}}\n");
    assert_eq!(Log::read(&format!("{head}{}{}", step(2), step(1))), Err(LogError::Order { line: 3 }));
    assert_eq!(Log::read("{\"queue_log\":99,\"colour\":7}\n"), Err(LogError::TooNew(99)));
}

fn config() -> Config {
    Config { queues: vec![queue_config("support")], redial: Duration::from_secs(60), ..Config::default() }
}
