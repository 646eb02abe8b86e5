//! How much one media worker carries, over real loopback sockets: CPU per packet against a bare loop of the same
//! system calls, pacing on the wire against that of such a loop, calls per core by kind, and what opening and closing a leg
//! costs.
//!
//! `cargo bench --bench media_capacity -- [streams] [seconds]`; run under plain `cargo bench` it does a short run.
//! The worker's CPU time is its thread's, from `/proc/self/task`; the packets end in one sink per phone, which
//! another thread reads with the time that the kernel handed them over.

use std::io::IoSliceMut;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use nix::sys::socket::ControlMessageOwned;
use nix::sys::socket::MsgFlags;
use nix::sys::socket::recvmsg;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::ReceiveTimestampns;
use warmline::base::CallId;
use warmline::base::LegId;
use warmline::media::Clip;
use warmline::media::MediaCommand;
use warmline::media::MediaEvent;
use warmline::media::PlayId;
use warmline::media::Record;
use warmline::media::Tracks;
use warmline::media::codec::Encoder;
use warmline::media::codec::MAX_FRAME;
use warmline::media::codec::rate;
use warmline::media::rtp::HEADER;
use warmline::media::rtp::Header;
use warmline::sdp::Codec;
use warmline::sdp::Direction;
use warmline::sdp::ExtendedReports;
use warmline::sdp::Negotiated;
use warmline::wire::media::Media;
use warmline::wire::media::MediaConfig;
use warmline::wire::media::before_others;
use warmline::wire::tape::Reel;
use warmline::wire::tape::tape;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let streams = numbers.next().unwrap_or(200);
    let duration = Duration::from_secs(numbers.next().unwrap_or(3));
    let bare = bare_loop(streams);
    println!("bare send_to on {streams} sockets: {bare:.2} µs CPU per packet");
    let relayed = bare_relay(streams);
    println!("bare recv_from and send_to on {streams} sockets: {relayed:.2} µs CPU per packet");
    bare_pace(streams, duration);
    play(streams, duration, bare);
    println!();
    for talk in talks() {
        converse(&talk, streams, duration, relayed);
    }
    println!();
    set_up();
}

fn agreed(to: SocketAddr, codec: Codec) -> Negotiated {
    let payload_type = payload_type(codec);
    Negotiated {
        codec,
        payload_type,
        receive_payload_type: payload_type,
        telephone_event: Some((101, 101)),
        ptime_ms: 20,
        remote_rtp: Some(to),
        remote_named: None,
        remote_rtcp: None,
        direction: Direction::SendRecv,
        keys_by_info: false,
        extended: ExtendedReports::default(),
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

/// The same for packets that come and go: each is read from one socket and sent from another.
fn bare_relay(streams: u64) -> f64 {
    let phones = Sinks::open(1);
    let relays = Sinks::open(streams);
    let (mut octets, mut spent) = ([0x55; 2_000], 0.0);
    let rounds = (100_000 / streams).max(1);
    for _ in 0..rounds {
        for relay in 0..streams {
            phones.0[0].send_to(&octets[..172], relays.address(relay)).unwrap();
        }
        let before = own_cpu_us();
        for relay in &relays.0 {
            let (length, from) = relay.recv_from(&mut octets).unwrap();
            relay.send_to(&octets[..length], from).unwrap();
        }
        spent += own_cpu_us() - before;
    }
    spent / (rounds * streams) as f64
}

/// How steady packets come from a loop that does nothing but sleep until the next millisecond and send what is due: what is
/// late then is the machine's.
fn bare_pace(streams: u64, duration: Duration) {
    let sinks = Sinks::open(streams.min(4_000));
    let ear = Ear::listen(&sinks);
    let addresses: Vec<SocketAddr> = (0..streams).map(|n| sinks.address(n)).collect();
    let pace = std::thread::spawn(move || {
        let real_time = before_others();
        println!("threads that keep the pace are real-time ones: {real_time}");
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let started = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        for slot in 0..duration.as_millis() as u64 {
            let due = started + rustix::time::Timespec::try_from(Duration::from_millis(slot)).unwrap();
            let _ = rustix::thread::clock_nanosleep_absolute(rustix::thread::ClockId::Monotonic, &due);
            for to in addresses.iter().skip((slot % 20) as usize).step_by(20) {
                let _ = sender.send_to(&[0x55; 172], to);
            }
        }
    });
    pace.join().unwrap();
    println!("a bare loop's pace, {}", ear.heard());
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
        rig.media.send(
            CALL,
            MediaCommand::Agree { leg: LegId(leg), agreed: agreed(sinks.address(leg), Codec::Pcmu) },
        );
        let clips = Arc::from([clip.clone()]);
        let play =
            MediaCommand::Play { leg: LegId(leg), play: PlayId(0), clips, barge_in: true, repeat: true };
        rig.media.send(CALL, play);
    }
    let ear = Ear::listen(&sinks);
    let per_packet = rig.measure("playing", streams, duration);
    println!("playing: {:.2} times the bare loop", per_packet / bare);
    println!("playing, {}", ear.heard());
    rig.media.shutdown();
}

/// One of the phones listens for the pace; the others' packets are thrown away by the kernel when their buffer is full.
struct Ear {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<u64>>,
}

impl Ear {
    fn listen(sinks: &Sinks) -> Ear {
        let (stop, socket) = (Arc::new(AtomicBool::new(false)), sinks.0[0].try_clone().unwrap());
        let stopped = stop.clone();
        Ear { stop, thread: std::thread::spawn(move || off_pace_us(&socket, &stopped)) }
    }

    fn heard(self) -> String {
        self.stop.store(true, Ordering::Relaxed);
        let mut off = self.thread.join().unwrap();
        off.sort_unstable();
        let at =
            |share: f64| off.get((off.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(0);
        format!(
            "|Δ−20 ms| at one phone: p50 {} µs, p99 {} µs, p99.9 {} µs, most {} µs of {} gaps",
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
            off.len()
        )
    }
}

/// How far the times between packets are from 20 ms, by the kernel's own time of each arrival: so a busy ear does not blame
/// who sends.
fn off_pace_us(socket: &UdpSocket, stop: &AtomicBool) -> Vec<u64> {
    setsockopt(socket, ReceiveTimestampns, &true).unwrap();
    // What came before the kernel noted times would bear the time at which it is read.
    socket.set_nonblocking(true).unwrap();
    while socket.recv(&mut [0; 2_000]).is_ok() {}
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (mut octets, mut space) = ([0; 2_000], nix::cmsg_space!(nix::sys::time::TimeSpec));
    let (mut last, mut off) = (None, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let mut into = [IoSliceMut::new(&mut octets)];
        let Ok(message) = recvmsg::<()>(socket.as_raw_fd(), &mut into, Some(&mut space), MsgFlags::empty())
        else {
            continue;
        };
        let arrived = message.cmsgs().ok().into_iter().flatten().find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(time) => {
                Some(time.tv_sec() * 1_000_000 + time.tv_nsec() / 1_000)
            }
            _ => None,
        });
        let Some(now) = arrived else { continue };
        if let Some(last) = last.replace(now) {
            off.push((now - last).unsigned_abs().abs_diff(20_000));
        }
    }
    off
}

/// A kind of talk: who is in a call, and what is done for it.
struct Talk {
    what: &'static str,
    codecs: &'static [Codec],
    recorded: bool,
}

fn talks() -> [Talk; 4] {
    let talk = |what, codecs, recorded| Talk { what, codecs, recorded };
    [
        talk("bridged", &[Codec::Pcmu, Codec::Pcmu], false),
        talk("transcoded, G.711 and Opus", &[Codec::Pcmu, Codec::Opus], false),
        talk("three, mixed", &[Codec::Pcmu, Codec::Pcmu, Codec::Pcmu], false),
        talk("bridged and recorded", &[Codec::Pcmu, Codec::Pcmu], true),
    ]
}

/// Calls of which every party says something each 20 ms, as real phones would: how many of them a core carries.
fn converse(talk: &Talk, streams: u64, duration: Duration, bare: f64) {
    let mut rig = rig();
    let parties = talk.codecs.len() as u64;
    let calls = (streams / parties).max(1);
    let phones = Sinks::open(calls * parties);
    let (mut ports, mut reels) = (Vec::new(), Vec::new());
    let memory = resident_kib();
    for leg in 0..calls * parties {
        let codec = talk.codecs[(leg % parties) as usize];
        ports.push((rig.media.open(CALL, LegId(leg)).unwrap().port, codec));
        rig.media
            .send(CALL, MediaCommand::Agree { leg: LegId(leg), agreed: agreed(phones.address(leg), codec) });
    }
    for leg in 0..calls * parties {
        let call = leg - leg % parties;
        let whom = (call..call + parties).filter(|other| *other != leg).map(LegId).collect();
        rig.media.send(CALL, MediaCommand::Hear { leg: LegId(leg), whom });
        if talk.recorded && leg == call {
            let (tape, reel) = tape(Tracks::Talk);
            rig.media.lay_tape(CALL, LegId(leg), tape);
            rig.media
                .send(CALL, MediaCommand::Record { leg: LegId(leg), record: Record::Start(Tracks::Talk) });
            reels.push(reel);
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    let speakers = {
        let stop = stop.clone();
        std::thread::spawn(move || speak(&phones, &ports, &mut reels, &stop))
    };
    let per_packet = rig.measure(talk.what, calls * parties, duration);
    let per_call_us = per_packet * parties as f64 * 50.0;
    println!(
        "{}: {:.0} calls a core, {:.2} times the bare loop, {:.1} KiB a call",
        talk.what,
        1e6 / per_call_us,
        per_packet / bare,
        (resident_kib() - memory) as f64 / calls as f64,
    );
    stop.store(true, Ordering::Relaxed);
    speakers.join().unwrap();
    rig.media.shutdown();
}

fn resident_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn payload_type(codec: Codec) -> u8 {
    codec.static_payload_type().unwrap_or(96)
}

/// What is said: two seconds of a voice's pitch and its overtones, rising and falling, in a codec.
fn said(codec: Codec) -> Vec<Vec<u8>> {
    let rate = rate(codec);
    let mut encoder = Encoder::new(codec);
    let frame = |n: usize| {
        let sample = |at: usize| {
            let seconds = (n * rate.samples() + at) as f64 / f64::from(rate.hz());
            let loud = 0.5 + 0.5 * (std::f64::consts::TAU * 3.0 * seconds).sin();
            let voice = |overtone: f64| (std::f64::consts::TAU * 140.0 * overtone * seconds).sin() / overtone;
            (7_000.0 * loud * (1..12).map(f64::from).map(voice).sum::<f64>()) as i16
        };
        let samples: Vec<i16> = (0..rate.samples()).map(sample).collect();
        let mut octets = [0; MAX_FRAME];
        let length = encoder.encode(&samples, &mut octets);
        octets[..length].to_vec()
    };
    (0..100).map(frame).collect()
}

/// Every phone sends a packet each 20 ms, spread over them; what is recorded is thrown away.
fn speak(phones: &Sinks, ports: &[(u16, Codec)], reels: &mut [Reel], stop: &AtomicBool) {
    let begun = Instant::now();
    let (narrow, opus) = (said(Codec::Pcmu), said(Codec::Opus));
    for slot in 0u64.. {
        let frame = slot / 20;
        for (n, (phone, (port, codec))) in
            phones.0.iter().zip(ports).enumerate().skip((slot % 20) as usize).step_by(20)
        {
            let payload = match codec {
                Codec::Opus => &opus[frame as usize % opus.len()],
                _ => &narrow[frame as usize % narrow.len()],
            };
            let mut packet = vec![0; HEADER];
            let header = Header {
                marker: false,
                payload_type: payload_type(*codec),
                sequence: frame as u16,
                timestamp: frame as u32 * codec.clock_rate() / 50,
                ssrc: n as u32,
            };
            header.write(packet.first_chunk_mut().unwrap());
            packet.extend_from_slice(payload);
            phone.send_to(&packet, (Ipv4Addr::LOCALHOST, *port)).unwrap();
        }
        reels.iter_mut().for_each(|reel| reel.read(|_| {}));
        let due = begun + Duration::from_millis(slot + 1);
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
            rig.media.send(
                CALL,
                MediaCommand::Agree { leg: LegId(leg), agreed: agreed(sink.address(0), Codec::Pcmu) },
            );
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
