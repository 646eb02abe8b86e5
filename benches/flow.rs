//! What a flow costs: loading a large center, and serving a caller step by step.

use std::fmt::Write;
use std::hint::black_box;

use criterion::BatchSize;
use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use warmline::base::Name;
use warmline::base::Timestamp;
use warmline::base::WallTime;
use warmline::flow::Center;
use warmline::flow::FlowAction;
use warmline::flow::FlowEvent;
use warmline::flow::Prompts;
use warmline::flow::Run;
use warmline::flow::api::Caller;
use warmline::flow::load;
use warmline::flow::say;
use warmline::media::control::PlayId;

const NODES: usize = 10_000;

const CENTER: &str = "\
company: Large
numbers: { 1: large, 2: menu }
skills: [any]
queues: { any: {} }
agents: { alice: { skills: { any: 5 } } }
";

const MENU: &str = "\
flow: menu
start: ask
nodes:
  ask: { menu: hello, choices: { 1: ask, 2: look }, otherwise: end }
  look: { branch: [{ if: \"dialled == '7' && !caller.known\", then: end }], otherwise: end }
  end: { enqueue: any }
";

/// A flow of ten thousand nodes: menus, branches, digits, prompts.
fn large() -> String {
    let mut text = String::from("flow: large\nstart: n0\nnodes:\n");
    for place in 0..NODES {
        let (next, far) = (place + 1, (place + 7).min(NODES));
        let node = match place % 4 {
            0 => format!("{{ menu: hello, choices: {{ 1: n{next}, 2: n{far} }}, otherwise: n{next} }}"),
            1 => format!(
                "{{ branch: [{{ if: \"verified || dialled == '{place}'\", then: n{far} }}], otherwise: n{next} }}"
            ),
            2 => format!(
                "{{ collect: number, digits: 4 to 8, prompt: hello, then: n{next}, otherwise: n{far} }}"
            ),
            _ => format!("{{ play: hello, then: n{next} }}"),
        };
        writeln!(text, "  n{place}: {node}").expect("a string takes everything");
    }
    writeln!(text, "  n{NODES}: {{ enqueue: any }}").expect("a string takes everything");
    text
}

fn files() -> (Vec<(String, String)>, Prompts) {
    let files = [("center.yaml", CENTER.to_owned()), ("menu.yaml", MENU.to_owned()), ("large.yaml", large())];
    let prompts = say::prompts("en").chain(["hello", "wait/all-busy", "wait/less-than"].map(str::to_owned));
    let waits = "wait/question wait/question-hold wait/granted wait/declined wait/callback-promised wait/check-in wait/sorry \
                 wait/agent-calling-back wait/callback-greeting hold-music";
    let prompts = prompts.chain(waits.split_whitespace().map(str::to_owned)).collect();
    (files.map(|(path, text)| (path.to_owned(), text)).into(), prompts)
}

fn center() -> Center {
    let (files, prompts) = files();
    match load(&files, &prompts) {
        Ok((center, _)) => center,
        Err(found) => panic!("{}", found[0]),
    }
}

fn caller() -> Caller {
    Caller { number: "+12025550143".into(), dialled: "2".into(), customer: None }
}

fn started(center: &Center, flow: &Name, out: &mut Vec<FlowAction>) -> Run {
    let mut run = Run::start(center, flow, caller());
    run.handle(center, Timestamp::ZERO, FlowEvent::Started { wall: WallTime(0) }, out);
    run
}

fn load_large(c: &mut Criterion) {
    let (files, prompts) = files();
    let mut group = c.benchmark_group("flow/load");
    group.sample_size(10).throughput(Throughput::Elements(NODES as u64));
    group.bench_function("10000 nodes", |b| b.iter(|| load(black_box(&files), &prompts).is_ok()));
    group.finish();
}

fn steps(c: &mut Criterion) {
    let center = center();
    let menu = Name::from("menu");
    let mut out = Vec::new();
    let mut group = c.benchmark_group("flow/step");
    group.bench_function("start of a call", |b| {
        b.iter(|| {
            out.clear();
            started(&center, &menu, &mut out)
        })
    });
    let ready = started(&center, &menu, &mut out);
    for (name, event) in [
        ("prompt ended", FlowEvent::PlayEnded { play: PlayId(1) }),
        ("key that chooses, next menu", FlowEvent::Digit('1')),
        ("key that chooses, condition, queue", FlowEvent::Digit('2')),
        ("key that is no choice", FlowEvent::Digit('9')),
    ] {
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                || (ready.clone(), event.clone(), Vec::with_capacity(16)),
                |(run, event, out)| run.handle(&center, Timestamp::from_secs(1), event.clone(), out),
                BatchSize::SmallInput,
            )
        });
    }
    group.finish();
    println!("a run is {} bytes, and what its variables hold", size_of::<Run>());
}

criterion_group!(benches, load_large, steps);
criterion_main!(benches);
