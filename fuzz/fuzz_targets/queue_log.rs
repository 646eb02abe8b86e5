//! Any text as a log of the queue's: no panic, and what was read is written and read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use warmline::queue::log::Log;
use warmline::simulate::figures::Figures;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let log = match Log::read(&text) {
        Ok(log) => log,
        Err(error) => return drop(error.to_string()),
    };
    let figures = Figures::of(&log.head.config, &log.steps);
    for queue in &figures.queues {
        let waits = [queue.mean_wait(), queue.wait_of(0.9), queue.wait_of(1.0)];
        assert!(queue.answered() > 0 || waits == [None; 3]);
        assert!(queue.service_level().is_none_or(|share| (0.0..=1.0).contains(&share)));
    }
    let again = log.head.line() + &log.steps.iter().map(|step| step.line()).collect::<String>();
    let again = Log::read(&again).expect("what was written can be read");
    assert_eq!((again.head, again.steps), (log.head, log.steps));
});
