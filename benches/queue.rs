//! How long the queue engine takes to decide, at the size of a big center: means by criterion, and before
//! that the whole distribution, because the slowest decisions are the ones a caller notices.
//!
//! `cargo bench --bench queue`

mod center;

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use criterion::Criterion;
use warmline::base::AgentId;
use warmline::base::CallId;
use warmline::base::Entropy;
use warmline::queue::Event;
use warmline::queue::api::AgentWish;

use crate::center::Center;
use crate::center::SKILLS;
use crate::center::Size;

/// As in the program.
#[cfg(feature = "server")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of the distribution; each has an arrival, an abandonment, an agent who gets ready and a tick.
const ROUNDS: u64 = 50_000;

fn main() {
    let sizes = [
        Size { waiting: 100, agents: 100, needs: 50 },
        Size { waiting: 10_000, agents: 1_000, needs: 500 },
        Size { waiting: 10_000, agents: 1_000, needs: u64::MAX },
        Size { waiting: 10_000, agents: 5_000, needs: 2_000 },
        Size { waiting: 100_000, agents: 1_000, needs: 500 },
    ];
    if std::env::args().any(|arg| arg == "--bench") {
        memory();
        bare_reads();
        sizes.into_iter().for_each(distribution);
        growth();
        among_idle();
        bare_reads();
    }
    let mut criterion = Criterion::default().configure_from_args();
    mean(&mut criterion, sizes[1]);
    criterion.final_summary();
}

/// The means of an arrival with its abandonment, and of an agent who takes a call.
fn mean(criterion: &mut Criterion, size: Size) {
    let mut center = Center::new(size);
    criterion.bench_function("queue: a call arrives, waits and hangs up", |bench| {
        bench.iter(|| {
            let call = CallId(center.next_call);
            let event = center.arrival();
            center.apply(event);
            center.apply(Event::Abandoned { call });
        });
    });
    criterion.bench_function("queue: an agent takes a call to its end, another arrives", |bench| {
        bench.iter(|| {
            let agent = center.any_agent();
            center.serve(agent);
            center.fill();
        });
    });
}

/// What a waiting caller and an agent take of the process's memory.
fn memory() {
    const AGENTS: u64 = 5_000;
    const WAITING: u64 = 100_000;
    let before = resident();
    let mut center = Center::new(Size { waiting: 0, agents: AGENTS, needs: 2_000 });
    let of_agents = resident() - before;
    center.fill_to(10_000);
    let before = resident();
    center.fill_to(10_000 + WAITING);
    let of_calls = resident() - before;
    println!("an agent {} bytes, a waiting caller {} bytes", of_agents / AGENTS, of_calls / WAITING);
}

/// The memory of this process that is in use, in bytes; 0 where the system does not say.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    pages.and_then(|pages| pages.split(' ').nth(1)?.parse().ok()).map_or(0, |pages: u64| pages * 4_096)
}

/// What the machine gives: ten reads out of 64 MiB, each of which says where the next one is. With many waiting a decision is
/// some such reads, and how long they take depends on what else the host does.
fn bare_reads() {
    /// As much as comes from memory at once.
    #[repr(align(64))]
    struct Line(u32);
    const LINES: u32 = (64 << 20) / 64;
    let mut chance = Entropy::seeded(1);
    let mut order: Vec<u32> = (0..LINES).collect();
    for place in (1..LINES).rev() {
        order.swap(place as usize, chance.below(u64::from(place)) as usize);
    }
    let lines: Vec<Line> = order.into_iter().map(Line).collect();
    let (mut took, mut place) = (Histogram::default(), 0);
    for _ in 0..ROUNDS {
        let since = Instant::now();
        (0..10).for_each(|_| place = lines[place as usize].0);
        took.add(since.elapsed());
    }
    black_box(place);
    let [p50, p99] = [0.5, 0.99].map(|share| took.share(share));
    println!("\nten reads in a row out of 64 MiB: p50 {p50:.2}, p99 {p99:.2} in µs");
}

/// How the two commonest decisions grow with the center.
fn growth() {
    println!("\n{:>20} {:>22} {:>22}   p50 and p99 in µs", "", "arrival, waits", "agent ready, rung");
    for agents in [100, 1_000, 10_000] {
        for waiting in [100, 1_000, 10_000, 100_000] {
            let mut center = Center::new(Size { waiting, agents, needs: 500 });
            let mut took = [Histogram::default(), Histogram::default()];
            for _ in 0..ROUNDS / 5 {
                let arrival = center.arrival();
                took[0].add(center.apply(arrival));
                let call = center.any_call();
                center.apply(Event::Abandoned { call });
                let agent = center.any_agent();
                took[1].add(center.serve(agent));
                center.fill();
            }
            let [arrival, ready] = took.map(|took| [0.5, 0.99].map(|share| took.share(share)));
            println!(
                "{waiting:>9} × {agents:>8} {:>13.2} {:>8.2} {:>13.2} {:>8.2}",
                arrival[0], arrival[1], ready[0], ready[1]
            );
        }
    }
}

/// Arrivals while every agent is idle.
fn among_idle() {
    println!(
        "\n{:>20} {:>9} {:>9} {:>9}   in µs, arrival, rung while all are idle",
        "agents", "p50", "p99", "p99.9"
    );
    for agents in [100, 1_000, 5_000] {
        let mut center = Center::new(Size { waiting: 0, agents, needs: 2_000 });
        for agent in 0..agents as u32 {
            center.apply(Event::AgentWants { agent: AgentId(agent), wish: AgentWish::Ready });
        }
        let mut took = Histogram::default();
        for _ in 0..ROUNDS / 2 {
            let call = CallId(center.next_call);
            let arrival = center.arrival();
            took.add(center.apply(arrival));
            center.apply(Event::Abandoned { call });
        }
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| took.share(share));
        println!("{agents:>20} {p50:>9.2} {p99:>9.2} {p999:>9.2}");
    }
}

fn distribution(size: Size) {
    let mut center = Center::new(size);
    let names = ["arrival, waits", "abandonment", "agent ready, rung", "arrival, rung", "tick, a check-in"];
    let mut took = names.map(|_| Histogram::default());
    for _ in 0..ROUNDS {
        let event = center.arrival();
        took[0].add(center.apply(event));

        let call = center.any_call();
        took[1].add(center.apply(Event::Abandoned { call }));

        let agent = center.any_agent();
        took[2].add(center.serve(agent));
        center.fill();

        took[3].add(center.arrival_for_an_idle_agent());

        if let Some(check_in) = center.next_check_in() {
            took[4].add(check_in);
        }
    }
    let needs = if size.needs == u64::MAX { "all different".to_owned() } else { size.needs.to_string() };
    println!("\n{} waiting × {} agents × {SKILLS} skills, need-sets: {needs}", size.waiting, size.agents);
    println!("{:>20} {:>9} {:>9} {:>9} {:>9}   in µs", "", "p50", "p99", "p99.9", "max");
    for (name, took) in names.iter().zip(&took) {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| took.share(share));
        println!(
            "{name:>20} {p50:>9.2} {p99:>9.2} {p999:>9.2} {:>9.1}",
            took.longest.as_nanos() as f64 / 1e3
        );
    }
}

/// Times in steps of 20 ns up to 1 ms, and the longest.
#[derive(Default)]
struct Histogram {
    counts: Vec<u64>,
    total: u64,
    longest: Duration,
}

impl Histogram {
    const STEP_NS: u128 = 20;

    fn add(&mut self, took: Duration) {
        let step = (took.as_nanos() / Histogram::STEP_NS).min(50_000) as usize;
        if self.counts.len() <= step {
            self.counts.resize(step + 1, 0);
        }
        self.counts[step] += 1;
        self.total += 1;
        self.longest = self.longest.max(took);
    }

    /// The time in µs that this share of all took at most.
    fn share(&self, share: f64) -> f64 {
        let rank = (share * self.total as f64).ceil() as u64;
        let mut sum = 0;
        let step = self.counts.iter().position(|count| {
            sum += count;
            sum >= rank
        });
        step.map_or(0.0, |step| (step as u128 + 1) as f64 * Histogram::STEP_NS as f64 / 1e3)
    }
}
