//! What history costs: facts a second, and processor time per short call of six facts.
//!
//! `cargo bench --bench history`. The processor time is that of the whole process, the producer's share
//! included; the goal is 20 µs a call.

use std::time::Duration;
use std::time::Instant;

use rustix::time::ClockId;
use rustix::time::clock_gettime;
use warmline::base::CallId;
use warmline::base::LegId;
use warmline::base::Timestamp;
use warmline::base::WallTime;
use warmline::fact::Fact;
use warmline::fact::Outcome;
use warmline::fact::Party;
use warmline::fact::Quality;
use warmline::fact::What;
use warmline::store::HistoryWriter;
use warmline::store::Store;

const CALLS: u64 = 100_000;
/// As many as arrive in 10 ms at 7 000 calls a second.
const BURST: u64 = 70;

fn main() {
    let folder = std::env::temp_dir().join(format!("warmline-bench-{}", std::process::id()));
    let store = Store::open(&folder).expect("the store opens");
    let history = HistoryWriter::start(&store, WallTime(1_795_356_120_000_000)).expect("the history starts");
    run("as fast as it can", &history, 1, None);
    run("7 000 calls a second", &history, CALLS + 1, Some(Duration::from_millis(10)));
    history.close();
    drop(store);
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

/// Records the calls, in bursts with a pause between them or without, until they are in the file.
fn run(name: &str, history: &HistoryWriter, first: u64, pause: Option<Duration>) {
    let (begin, cpu) = (Instant::now(), processor_time());
    let mut recording = Duration::ZERO;
    for burst in 0..CALLS / BURST {
        let facts: Vec<Fact> =
            (0..BURST).flat_map(|place| short_call(first + burst * BURST + place)).collect();
        let before = Instant::now();
        facts.into_iter().for_each(|fact| history.record(fact));
        recording += before.elapsed();
        if let Some(pause) = pause {
            let due = begin + pause * (burst as u32 + 1);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        } else if history.waiting() > 100_000 {
            history.flush();
        }
    }
    history.flush();
    let (wall, cpu) = (begin.elapsed(), processor_time() - cpu);
    let calls = (CALLS / BURST * BURST) as f64;
    println!(
        "{name}: {:.0} facts/s, {:.1} µs of processor per call of 6 facts, {:.0} ns in record() per fact, {} lost",
        calls * 6.0 / wall.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / calls,
        recording.as_secs_f64() * 1e9 / calls / 6.0,
        history.lost(),
    );
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What is told of a call that is answered and hung up.
fn short_call(call: u64) -> [Fact; 6] {
    let (leg, party) = (LegId(call * 2), Party::Caller);
    let from = format!("+1202555{:04}", call % 10_000);
    let (to, sip_call_id) = ("9000".into(), format!("{call}-31337@127.0.0.1"));
    let source = "udp 127.0.0.1:5070".to_owned();
    let cause = "BYE".to_owned();
    [
        What::CallArrived { from, display: String::new(), to, sip_call_id, source, trunk: None },
        What::CallAnswered,
        What::LegOpened { leg, party, address: "127.0.0.1:7000".to_owned() },
        What::FlowStarted { flow: "answer".into() },
        What::CallEnded { by: Party::Caller, outcome: Outcome::LeftInFlow, cause, by_person: None },
        What::LegClosed { leg, party, quality: Quality::default() },
    ]
    .map(|what| Fact { at: Timestamp::from_millis(call), call: Some(CallId(call)), what })
}
