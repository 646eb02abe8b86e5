//! What it takes to answer for a month: the service report of a busy center, by queue, skill and agent, and which rules talks
//! kept.
//!
//! `cargo bench --bench reports`; the waits of the month come after it, `-- 1000000`, and are 100 000 otherwise. The month
//! is written first, as a server would, some twenty facts a call; the goal is an answer in 2 s for a million.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use jiff::tz::TimeZone;
use rustix::time::ClockId;
use rustix::time::clock_gettime;
use warmline::base::CallId;
use warmline::base::Entropy;
use warmline::base::LegId;
use warmline::base::Name;
use warmline::base::Timestamp;
use warmline::base::WallTime;
use warmline::fact::AgentStateName;
use warmline::fact::Fact;
use warmline::fact::GrantedBy;
use warmline::fact::NeedFact;
use warmline::fact::Outcome;
use warmline::fact::Party;
use warmline::fact::Quality;
use warmline::fact::What;
use warmline::fact::Why;
use warmline::store::HistoryWriter;
use warmline::store::Readers;
use warmline::store::Store;
use warmline::store::conformance::Whose;
use warmline::store::service::By;
use warmline::store::service::Every;
use warmline::store::service::Intervals;
use warmline::store::service::Staff;
use warmline::store::view::conformance::ConformanceReportView;
use warmline::store::why::Skilled;

const BEGAN: WallTime = WallTime(1_793_059_200_000_000);
const MONTH: Duration = Duration::from_secs(30 * 86_400);
const HOUR: Duration = Duration::from_secs(3_600);
const QUEUES: [&str; 4] = ["billing", "sales", "support", "repairs"];
const AGENTS: u64 = 300;
const WRAP_UP: Duration = Duration::from_secs(20);

/// Agents' states, in the order in which they come.
type States = BTreeMap<(Timestamp, u64), Fact>;

fn main() {
    let waits = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(100_000);
    let folder = std::env::temp_dir().join(format!("warmline-bench-{}", std::process::id()));
    let store = Store::open(&folder).expect("the store opens");
    let begin = Instant::now();
    write(&store, waits);
    println!("{waits} waits of a month, written in {:.0} s", begin.elapsed().as_secs_f64());
    let readers = store.readers().expect("the store is read");
    for by in [By::Queue, By::Skill, By::Agent] {
        for _ in 0..3 {
            ask(&readers, by, waits);
        }
    }
    for _ in 0..3 {
        ask_conformance(&readers);
    }
    drop((readers, store));
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

/// Asks for the month day by day.
fn ask(readers: &Readers, by: By, waits: u64) {
    let until = BEGAN + MONTH;
    let intervals = Intervals::new(BEGAN, until, Every::Day, &TimeZone::UTC).expect("a month has days");
    let (begin, cpu) = (Instant::now(), processor_time());
    let rows = readers.service_report(by, intervals, staff(), until);
    let rows = rows.expect("the file is read").expect("it is not too long");
    let (took, cpu) = (begin.elapsed(), processor_time() - cpu);
    if by == By::Queue {
        let joined: u64 = rows.iter().map(|row| u64::from(row.whole.tally.joined)).sum();
        assert_eq!(joined, waits, "every wait is in it");
    }
    println!(
        "by {}, every day: {} rows in {:.2} s, {:.2} s of processor",
        by.written(),
        rows.len(),
        took.as_secs_f64(),
        cpu.as_secs_f64(),
    );
}

/// Asks which rules the talks of the month kept.
fn ask_conformance(readers: &Readers) {
    let (begin, cpu) = (Instant::now(), processor_time());
    let report = readers.conformance_report(BEGAN, BEGAN + MONTH).expect("the file is read");
    let view = ConformanceReportView::of(&report, Whose::Agent);
    let (took, cpu) = (begin.elapsed(), processor_time() - cpu);
    println!(
        "conformance of {} talks, {} agents in {:.2} s, {:.2} s of processor",
        view.center.talks,
        view.rows.len(),
        took.as_secs_f64(),
        cpu.as_secs_f64(),
    );
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Who can serve what.
fn staff() -> Staff {
    let agents = (0..AGENTS).map(|agent| {
        let skills = QUEUES.iter().skip(agent as usize % 4).map(|queue| (Name::from(*queue), 5)).collect();
        Skilled { name: name_of(agent), skills }
    });
    Staff { targets: BTreeMap::new(), agents: agents.collect() }
}

fn name_of(agent: u64) -> Name {
    format!("agent{agent}").as_str().into()
}

/// Writes the month, call by call.
fn write(store: &Store, waits: u64) {
    let history = HistoryWriter::start(store, BEGAN).expect("the history starts");
    let mut chance = Entropy::seeded(7);
    let mut states = States::new();
    for call in 1..=waits {
        let at = Timestamp::ZERO + (MONTH - HOUR).mul_f64((call - 1) as f64 / waits as f64);
        while let Some(first) = states.first_entry().filter(|first| first.key().0 <= at) {
            history.record(first.remove());
        }
        for fact in call_of(&mut chance, CallId(call), at, &mut states) {
            history.record(fact);
        }
        if history.waiting() > 100_000 {
            history.flush();
        }
    }
    history.flush();
    assert_eq!(history.lost(), 0);
    history.close();
}

/// What is told of a call that waits for an agent and, nine times in ten, gets one.
///
/// What becomes of the agent goes to `states`, by when.
fn call_of(chance: &mut Entropy, call: CallId, at: Timestamp, states: &mut States) -> Vec<Fact> {
    let queue: Name = QUEUES[chance.below(4) as usize].into();
    let agent = name_of(chance.below(AGENTS));
    let waited = Duration::from_millis(chance.below(60_000));
    let talked = Duration::from_secs(60 + chance.below(400));
    let (leg, party) = (LegId::of(call, 0), Party::Caller);
    let need = NeedFact { skill: queue.clone(), level: 3, or: Vec::new() };
    let quote = Some(Duration::from_secs(60));
    let joined = at + Duration::from_secs(12);
    let connected = joined + waited;
    let over = connected + talked;
    let of_call = |at, what| Fact { at, call: Some(call), what };
    let mut facts = vec![
        of_call(
            at,
            What::CallArrived {
                from: format!("+1202555{:04}", call.0 % 10_000),
                display: String::new(),
                to: "1000".into(),
                sip_call_id: format!("{}-31337@127.0.0.1", call.0),
                source: "udp 127.0.0.1:5070".to_owned(),
                trunk: None,
            },
        ),
        of_call(at, What::CallAnswered),
        of_call(at, What::LegOpened { leg, party, address: "127.0.0.1:7000".to_owned() }),
        of_call(at, What::FlowStarted { flow: "main".into() }),
        of_call(at, What::NodeEntered { flow: "main".into(), node: "welcome".into(), by: None }),
        of_call(at, What::Played { prompts: vec!["greeting/welcome".into()] }),
        of_call(joined, What::Digit { digit: '1' }),
        of_call(joined, What::Chose { node: "menu".into(), digit: '1', choice: queue.clone() }),
        of_call(joined, What::Enqueued { queue, needs: vec![need], priority: 0, waiting: 2 }),
        of_call(joined, What::WaitAsked { quote, position: 2 }),
        of_call(joined, What::WaitGranted { by: GrantedBy::Caller, until: joined + MONTH }),
        of_call(joined, What::HoldMusicStarted),
    ];
    let outcome = if chance.below(10) == 0 {
        Outcome::Abandoned
    } else {
        let why = Why::Words("the only idle agent".to_owned());
        facts.push(of_call(connected, What::AgentRinging { agent: agent.clone(), attempt: 1, why }));
        facts.push(of_call(connected, What::AgentConnected { agent: agent.clone(), waited, quote }));
        facts.push(of_call(over, What::TalkEnded { agent: agent.clone(), talked, by: Party::Caller }));
        use AgentStateName::Ready;
        use AgentStateName::Ringing;
        use AgentStateName::Talking;
        use AgentStateName::WrapUp;
        let changes = [
            (connected, Ready, Ringing),
            (connected, Ringing, Talking),
            (over, Talking, WrapUp),
            (over + WRAP_UP, WrapUp, Ready),
        ];
        for ((at, from, to), step) in changes.into_iter().zip(0..) {
            let what = What::AgentState { agent: agent.clone(), from, to, reason: String::new() };
            states.insert((at, call.0 * 4 + step), Fact { at, call: None, what });
        }
        Outcome::Talked
    };
    facts.push(of_call(
        over,
        What::CallEnded { by: Party::Caller, outcome, cause: "BYE".to_owned(), by_person: None },
    ));
    facts.push(of_call(over, What::LegClosed { leg, party, quality: Quality::default() }));
    facts
}
