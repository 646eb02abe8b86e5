//! How much one media worker carries, over real loopback sockets: CPU per packet against a bare loop of the same
//! system calls, pacing on the wire, and what opening and closing a leg costs.
//!
//! `cargo bench --bench media_capacity -- [streams] [seconds]`; run under plain `cargo bench` it does a short run.
//! The worker's CPU time is its thread's, from `/proc/self/task`; the packets end in one sink per phone, which
//! another thread reads with the time that the kernel handed them over.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use warmline::base::CallId;
use warmline::base::LegId;
use warmline::media::Clip;
use warmline::media::MediaCommand;
use warmline::media::MediaEvent;
use warmline::media::PlayId;
use warmline::sdp::Codec;
use warmline::sdp::Direction;
use warmline::sdp::Negotiated;
use warmline::wire::media::Media;
use warmline::wire::media::MediaConfig;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let streams = numbers.next().unwrap_or(200);
    let seconds = numbers.next().unwrap_or(3);
    let bare = bare_loop(streams);
    println!("bare send_to on {streams} sockets: {bare:.2} µs CPU per packet");
    play(streams, Duration::from_secs(seconds), bare);
    bridge(streams, Duration::from_secs(seconds));
    set_up();
}

fn agreed(to: SocketAddr) -> Negotiated {
    Negotiated {
        codec: Codec::Pcmu,
        payload_type: 0,
        receive_payload_type: 0,
        telephone_event: Some((101, 101)),
        ptime_ms: 20,
        remote_rtp: Some(to),
        remote_rtcp: None,
        direction: Direction::SendRecv,
        srtp: None,
    }
}

/// CPU time of a thread of ours, by name, in microseconds.
fn thread_cpu_us(name: &str) -> f64 {
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let path = task.path();
        if std::fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name) {
            let schedstat = std::fs::read_to_string(path.join("schedstat")).unwrap();
            return schedstat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1_000.0;
        }
    }
    panic!("no thread {name}");
}

fn own_cpu_us() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// The same packets by the same system call from as many sockets, and nothing else.
fn bare_loop(streams: u64) -> f64 {
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let senders: Vec<UdpSocket> = (0..streams).map(|_| bind()).collect();
    let sinks = Sinks::open(1);
    let packet = [0x55; 172];
    let rounds = (200_000 / streams).max(1);
    let before = own_cpu_us();
    for _ in 0..rounds {
        for sender in &senders {
            sender.send_to(&packet, sinks.address(0)).unwrap();
        }
    }
    (own_cpu_us() - before) / (rounds * streams) as f64
}

/// Where packets end. They are bound, so that the kernel goes all the way, and read or not.
struct Sinks(Vec<UdpSocket>);

impl Sinks {
    fn open(count: u64) -> Sinks {
        Sinks((0..count).map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect())
    }

    fn address(&self, n: u64) -> SocketAddr {
        self.0[n as usize % self.0.len()].local_addr().unwrap()
    }
}

struct Rig {
    media: Media,
    events: tokio::sync::mpsc::Receiver<MediaEvent>,
}

fn rig() -> Rig {
    let (sender, events) = tokio::sync::mpsc::channel(4_096);
    let config = MediaConfig { address: Ipv4Addr::LOCALHOST.into(), ports: 20_000..=31_999, workers: 1 };
    let media = Media::start(config, sender).unwrap();
    // The thread bears its name once it runs.
    std::thread::sleep(Duration::from_millis(100));
    Rig { media, events }
}

const CALL: CallId = CallId(0);

impl Rig {
    fn counted(&self) -> [u64; 5] {
        let stats = self.media.stats().next().unwrap();
        [&stats.packets_out, &stats.packets_in, &stats.late_frames, &stats.send_failed, &stats.failed]
            .map(|counter| counter.load(Ordering::Relaxed))
    }

    /// Runs for a while and tells what the worker did per packet; ports of the phones as the kernel sees them.
    fn measure(&self, what: &str, streams: u64, duration: Duration) -> f64 {
        std::thread::sleep(Duration::from_millis(500));
        let (cpu, counted, begun) = (thread_cpu_us("media-0"), self.counted(), Instant::now());
        std::thread::sleep(duration);
        let (cpu, took) = (thread_cpu_us("media-0") - cpu, begun.elapsed());
        let now = self.counted();
        let [sent, read, late, failed, broken]: [u64; 5] = std::array::from_fn(|n| now[n] - counted[n]);
        println!(
            "{what}: {streams} streams, {:.1} % of a core, {sent} sent, {read} read, {late} late, {failed} failed, {broken} broken, \
             {:.2} µs CPU per packet sent",
            cpu / took.as_micros() as f64 * 100.0,
            cpu / sent as f64,
        );
        cpu / sent as f64
    }
}

fn play(streams: u64, duration: Duration, bare: f64) {
    let mut rig = rig();
    let sinks = Sinks::open(streams.min(4_000));
    let clip = Arc::new(Clip::from_samples("noise", &vec![0.1; 800_000]));
    for leg in 0..streams {
        rig.media.open(CALL, LegId(leg)).unwrap();
        rig.media.send(CALL, MediaCommand::Agree { leg: LegId(leg), agreed: agreed(sinks.address(leg)) });
        let clips = Arc::from([clip.clone()]);
        let play =
            MediaCommand::Play { leg: LegId(leg), play: PlayId(0), clips, barge_in: true, repeat: true };
        rig.media.send(CALL, play);
    }
    // One phone listens for the pacing; the others' packets are thrown away by the kernel when their buffer is full.
    let stop = Arc::new(AtomicBool::new(false));
    let ear = {
        let (stop, socket) = (stop.clone(), sinks.0[0].try_clone().unwrap());
        std::thread::spawn(move || gaps_us(&socket, &stop))
    };
    let per_packet = rig.measure("playing", streams, duration);
    println!("playing: {:.2} times the bare loop", per_packet / bare);
    stop.store(true, Ordering::Relaxed);
    let mut off: Vec<u64> = ear.join().unwrap().iter().map(|gap| gap.abs_diff(20_000)).collect();
    off.sort_unstable();
    if !off.is_empty() {
        let at = |share: f64| off[((off.len() - 1) as f64 * share) as usize];
        println!(
            "pacing, |Δ−20 ms|: p50 {} µs, p99 {} µs, p99.9 {} µs of {} gaps",
            at(0.5),
            at(0.99),
            at(0.999),
            off.len()
        );
    }
    rig.media.shutdown();
}

/// The times between packets at one phone.
fn gaps_us(socket: &UdpSocket, stop: &AtomicBool) -> Vec<u64> {
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (mut octets, mut last, mut gaps) = ([0; 2_000], None, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        if socket.recv(&mut octets).is_ok() {
            let now = Instant::now();
            if let Some(last) = last.replace(now) {
                gaps.push(now.duration_since(last).as_micros() as u64);
            }
        }
    }
    gaps
}

/// Pairs of legs that talk: every phone sends a packet each 20 ms.
fn bridge(streams: u64, duration: Duration) {
    let mut rig = rig();
    let phones = Sinks::open(streams);
    let mut ports = Vec::new();
    for leg in 0..streams {
        ports.push(rig.media.open(CALL, LegId(leg)).unwrap());
        rig.media.send(CALL, MediaCommand::Agree { leg: LegId(leg), agreed: agreed(phones.address(leg)) });
        if leg % 2 == 1 {
            rig.media.send(CALL, MediaCommand::Join { a: LegId(leg - 1), b: LegId(leg) });
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    let talk = {
        let stop = stop.clone();
        std::thread::spawn(move || talk(&phones, &ports, &stop))
    };
    rig.measure("bridged", streams, duration);
    stop.store(true, Ordering::Relaxed);
    talk.join().unwrap();
    rig.media.shutdown();
}

fn talk(phones: &Sinks, ports: &[u16], stop: &AtomicBool) {
    let begun = Instant::now();
    for frame in 0u32.. {
        for (n, (phone, port)) in phones.0.iter().zip(ports).enumerate() {
            let mut packet = [0x55; 172];
            packet[..2].copy_from_slice(&[0x80, 0]);
            packet[2..4].copy_from_slice(&(frame as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&(frame * 160).to_be_bytes());
            packet[8..12].copy_from_slice(&(n as u32).to_be_bytes());
            phone.send_to(&packet, (Ipv4Addr::LOCALHOST, *port)).unwrap();
        }
        let due = begun + Duration::from_millis(20) * (frame + 1);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// A call that is answered and hung up: open, agree, close, at 1 000 a second.
fn set_up() {
    let mut rig = rig();
    let sink = Sinks::open(1);
    for round in 0..2 {
        let calls = 3_000;
        let (control, worker, begun) = (own_cpu_us(), thread_cpu_us("media-0"), Instant::now());
        let mut control_sleep = 0.0;
        for leg in 0..calls {
            rig.media.open(CALL, LegId(leg)).unwrap();
            rig.media.send(CALL, MediaCommand::Agree { leg: LegId(leg), agreed: agreed(sink.address(0)) });
            rig.media.send(CALL, MediaCommand::Close { leg: LegId(leg) });
            while rig.events.try_recv().is_ok() {}
            let due = begun + Duration::from_millis(leg + 1);
            let before = own_cpu_us();
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            control_sleep += own_cpu_us() - before;
        }
        let per_call = |us: f64| us / calls as f64;
        println!(
            "set-up, {}: {:.1} µs in the control thread and {:.1} µs in the worker per call",
            if round == 0 { "ports new" } else { "ports rested" },
            per_call(own_cpu_us() - control - control_sleep),
            per_call(thread_cpu_us("media-0") - worker),
        );
        std::thread::sleep(Duration::from_millis(3_100));
    }
    rig.media.shutdown();
}
