//! What a real phone hears of us over a network that loses, delays and reorders, compared with what was played.
//!
//! The network is ours and has a seed. A server whose clock is slower or faster than the phone's is a network in which
//! each packet comes later, or sooner, than the one before. Two cases are always run; `WARMLINE_SOUND=all` runs every
//! codec over every network, and two clocks that drift by more than a packet.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use warmline::base::Entropy;
use warmline::media::Clip;
use warmline::media::codec::Law;
use warmline::media::frame::WIDE;
use warmline::media::half_band::Down;
use warmline::sdp::Codec;

use crate::baresip::Phone;
use crate::baresip::Setup;
use crate::server::Server;
use crate::spine::STRANGER;
use crate::tools::available;
use crate::tools::within;

/// What the network does on the way to the phone.
#[derive(Clone, Copy, Debug)]
struct Network {
    loss_percent: u64,
    /// Each packet comes up to so much later, so that they overtake each other.
    jitter_ms: u64,
    /// Parts of a million by which the server's clock seems slow; below zero, fast.
    drift_ppm: i64,
}

impl Network {
    /// How much later a packet comes by the drift alone, so long after the first one. What a fast clock can be ahead by is
    /// kept in hand from the start.
    fn lag(self, since: Duration) -> Duration {
        const IN_HAND: Duration = Duration::from_millis(100);
        let drift = since.mul_f64(self.drift_ppm.unsigned_abs() as f64 / 1e6);
        match self.drift_ppm {
            0 => Duration::ZERO,
            1.. => drift,
            _ => IN_HAND.saturating_sub(drift),
        }
    }
}

/// Between a phone and the server, for SIP and RTP: it says in both descriptions that audio goes to itself.
struct Relay {
    sip: SocketAddr,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Relay {
    fn new(server: SocketAddr, network: Network, seed: u64) -> Relay {
        let bind = || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
            socket.set_read_timeout(Some(Duration::from_millis(2))).expect("a timeout");
            Arc::new(socket)
        };
        let (sip, phone_side, server_side) = (bind(), bind(), bind());
        let address = |socket: &UdpSocket| socket.local_addr().expect("bound");
        let over = Arc::new(AtomicBool::new(false));
        // Where the phone's audio and the server's are, as their descriptions say.
        let audio = Arc::new(std::sync::Mutex::new([None; 2]));
        let run = |work: Box<dyn FnMut() + Send>| {
            let (over, mut work) = (over.clone(), work);
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    work();
                }
            })
        };
        let signalling = {
            let (sip, audio) = (sip.clone(), audio.clone());
            let ports = [address(&server_side).port(), address(&phone_side).port()];
            let (mut phone, mut octets) = (None, [0; 4_096]);
            run(Box::new(move || {
                let Ok((length, from)) = sip.recv_from(&mut octets) else { return };
                let from_server = from == server;
                if !from_server {
                    phone = Some(from);
                }
                let text = String::from_utf8_lossy(&octets[..length]);
                let (text, port) = redirected(&text, ports[usize::from(from_server)]);
                if let Some(port) = port {
                    audio.lock().expect("nobody failed")[usize::from(from_server)] = Some(port);
                }
                if let Some(to) = if from_server { phone } else { Some(server) } {
                    let _ = sip.send_to(text.as_bytes(), to);
                }
            }))
        };
        let to_server = {
            let (from, to, audio) = (phone_side.clone(), server_side.clone(), audio.clone());
            let mut octets = [0; 2_048];
            run(Box::new(move || {
                let Ok(length) = from.recv(&mut octets) else { return };
                if let [_, Some(port)] = *audio.lock().expect("nobody failed") {
                    let _ = to.send_to(&octets[..length], ("127.0.0.1", port));
                }
            }))
        };
        let to_phone = {
            let mut chance = Entropy::seeded(seed);
            let mut held: BinaryHeap<Reverse<(Instant, Vec<u8>)>> = BinaryHeap::new();
            let (mut octets, mut began) = ([0; 2_048], None);
            run(Box::new(move || {
                if let Ok(length) = server_side.recv(&mut octets)
                    && chance.below(100) >= network.loss_percent
                {
                    let since = began.get_or_insert_with(Instant::now).elapsed();
                    let jitter = Duration::from_micros(chance.below(network.jitter_ms * 1_000 + 1));
                    let later = jitter + network.lag(since);
                    held.push(Reverse((Instant::now() + later, octets[..length].to_vec())));
                }
                while let Some(Reverse((due, _))) = held.peek()
                    && *due <= Instant::now()
                    && let Some(Reverse((_, packet))) = held.pop()
                    && let [Some(port), _] = *audio.lock().expect("nobody failed")
                {
                    let _ = phone_side.send_to(&packet, ("127.0.0.1", port));
                }
            }))
        };
        Relay { sip: address(&sip), over, threads: vec![signalling, to_server, to_phone] }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A message with another audio port, and which one it had. Both have five digits, so that its length stays true.
fn redirected(message: &str, port: u16) -> (String, Option<u16>) {
    const AUDIO: &str = "\r\nm=audio ";
    let Some(at) = message.find(AUDIO).map(|at| at + AUDIO.len()) else { return (message.to_owned(), None) };
    let end = at + message[at..].find(' ').expect("what follows the port");
    assert!(end - at == 5 && port >= 10_000, "{message}");
    let had = message[at..end].parse().expect("a port");
    (format!("{}{port}{}", &message[..at], &message[end..]), Some(had))
}

/// An English prompt at 8 kHz, as a phone with G.711 µ-law decodes it.
pub fn played(prompt: &str) -> Vec<i16> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("prompts/en/{prompt}.wav"));
    let clip = Clip::from_wav(prompt, &fs::read(file).expect("a recorded prompt")).expect("a prompt");
    let frames = (0..clip.frames()).filter_map(|n| clip.frame(Codec::Pcmu, n));
    frames.flatten().map(|code| Law::Mu.decode(*code)).collect()
}

/// A phone's sound at 8 kHz and one channel.
fn at_8_khz((rate, channels, samples): (u32, u16, Vec<i16>)) -> Vec<i16> {
    let mono = samples.into_iter().step_by(channels.into());
    // Of Opus nothing is above 8 kHz here: of three samples two can be left out.
    let samples: Vec<i16> = mono.step_by(if rate == 48_000 { 3 } else { 1 }).collect();
    if rate == 8_000 {
        return samples;
    }
    let mut down = Down::default();
    let (frames, _) = samples.as_chunks::<WIDE>();
    frames.iter().flat_map(|frame| down.frame(frame)).collect()
}

/// How much of a sound was played, and how like that it is.
#[derive(Debug, Default)]
struct Likeness {
    /// Pieces of 30 ms in which somebody speaks, and those of them that are like what was played, each after the one before.
    pieces: usize,
    alike: usize,
    /// The middle signal-to-noise ratio of those, in dB.
    snr_db: f64,
    /// How far in what was played the last of them is, over how far it is in what was heard.
    pace: f64,
    loudest: u16,
    /// How alike the two rise and fall, from 0 to 1: the middle one of its pieces.
    envelope: f64,
}

const PIECE: usize = 240;
/// Pieces that have more than this share of their power in common are alike.
const ALIKE: f64 = 0.9;
/// A piece is looked for from a little before the end of the last one up to so much after it: losses in a row.
const BACK: usize = 160;
const AHEAD: usize = 2_400;

fn compare(played: &[i16], heard: &[i16]) -> Likeness {
    let power = |samples: &[i16]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
    // The power of all before a place: so that of any piece is a difference.
    let before: Vec<f64> = std::iter::once(0.0)
        .chain(played.iter().scan(0.0, |sum, sample| {
            *sum += f64::from(*sample).powi(2);
            Some(*sum)
        }))
        .collect();
    let likeness = |at: usize, piece: &[i16], power: f64| {
        let Some(played) = played.get(at..at + PIECE) else { return 0.0 };
        let product: i64 = played.iter().zip(piece).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum();
        (product.max(0) as f64).powi(2) / ((before[at + PIECE] - before[at]) * power).max(1.0)
    };
    let (mut found, mut due, mut snr) = (Likeness::default(), 0, Vec::new());
    let mut first = None;
    for (n, piece) in heard.chunks_exact(PIECE).enumerate() {
        let power = power(piece);
        if power < 300.0 * 300.0 * PIECE as f64 {
            due += PIECE;
            continue;
        }
        found.pieces += 1;
        // Where it began is not known before the first is found.
        let near = if first.is_none() { 0..8_000 } else { due.saturating_sub(BACK)..due + AHEAD };
        let best = near.map(|at| (likeness(at, piece, power), at)).max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((alike, at)) = best.filter(|(alike, _)| *alike > ALIKE) else {
            due += PIECE;
            continue;
        };
        found.alike += 1;
        snr.push(10.0 * (alike / (1.0 - alike).max(1e-6)).log10());
        let (first_at, first_n) = *first.get_or_insert((at, n));
        if n > first_n {
            found.pace = (at - first_at) as f64 / ((n - first_n) * PIECE) as f64;
        }
        due = at + PIECE;
    }
    snr.sort_by(f64::total_cmp);
    found.snr_db = snr.get(snr.len() / 2).copied().unwrap_or(0.0);
    found.envelope = rise_and_fall(played, heard);
    found.loudest = heard.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    found
}

/// How alike two sounds rise and fall, by the loudness of each 20 ms: of each two seconds of what was heard, where they are
/// most like what was played about then. A phone leaves out some time when it lost much, so each has a place of its own.
fn rise_and_fall(played: &[i16], heard: &[i16]) -> f64 {
    const LONG: usize = 100;
    let loudness = |samples: &[i16]| -> Vec<f64> {
        let power =
            |frame: &[i16]| frame.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / frame.len() as f64;
        samples.chunks_exact(160).map(|frame| (power(frame) + 100.0).ln()).collect()
    };
    let (played, heard) = (loudness(played), loudness(heard));
    let correlation = |a: &[f64], b: &[f64]| {
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let (mean_a, mean_b) = (mean(a), mean(b));
        let sum = |f: &dyn Fn(f64, f64) -> f64| {
            a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum::<f64>()
        };
        sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
    };
    // What was heard may begin with a little silence, or without the first words.
    let best = heard.chunks_exact(LONG).enumerate().map(|(n, piece)| {
        let about = (n * LONG).saturating_sub(LONG)..n * LONG + LONG;
        let there = about.filter_map(|at| played.get(at..at + LONG));
        there.map(|played| correlation(played, piece)).fold(0.0, f64::max)
    });
    let mut best: Vec<f64> = best.collect();
    best.sort_by(f64::total_cmp);
    best.get(best.len() / 2).copied().unwrap_or(0.0)
}

/// So many seconds of the story, in a codec, over a network.
fn hears(codec: &str, network: Network, seconds: u32, seed: u64) -> Likeness {
    let server = Server::start();
    let relay = Relay::new(server.sip().parse().expect("an address"), network, seed);
    let setup = Setup { user: STRANGER, domain: Some(relay.sip.to_string()), codec, ..Setup::default() };
    let mut phone = Phone::start(&setup);
    phone.dial(&format!("sip:9001@{}", relay.sip));
    phone.is_answered();
    let heard = within(u64::from(seconds) + 24, "the story is heard so long", || {
        let is_enough = |(rate, channels, samples): &(u32, u16, Vec<i16>)| {
            samples.len() >= (seconds * *rate) as usize * usize::from(*channels)
        };
        phone.sound().filter(is_enough)
    });
    phone.hang_up();
    compare(&played("long"), &at_8_khz(heard))
}

#[test]
fn a_phone_hears_what_is_played_in_every_codec_whatever_the_network_does() {
    if !available("a_phone_hears_what_is_played_…", &["baresip"]) {
        return;
    }
    let clean = Network { loss_percent: 0, jitter_ms: 0, drift_ppm: 0 };
    let rough = |loss_percent| Network { loss_percent, jitter_ms: 50, drift_ppm: 0 };
    let drifting = |drift_ppm| Network { drift_ppm, ..clean };
    // The least signal-to-noise ratio of a codec, in dB; none for Opus, which keeps to the ear and not to the wave.
    let codecs =
        [("pcmu", Some(30.0)), ("pcma", Some(25.0)), ("g722/16000/1", Some(12.0)), ("opus/48000/2", None)];
    let all = std::env::var("WARMLINE_SOUND").is_ok_and(|which| which == "all");
    let cases: Vec<_> = match all {
        true => {
            let networks = [clean, rough(0), rough(1), rough(5), rough(10)];
            let short = codecs.iter().flat_map(|codec| networks.map(|network| (*codec, network, 6)));
            short.chain([300, -300].map(|ppm| (codecs[0], drifting(ppm), 80))).collect()
        }
        false => vec![(codecs[0], rough(5), 6), (codecs[3], rough(5), 6)],
    };
    for (seed, ((codec, least_db), network, seconds)) in cases.into_iter().enumerate() {
        let heard = hears(codec, network, seconds, seed as u64);
        println!("{codec:12} {network:?}: {heard:?}");
        assert!(heard.pieces > 50 && heard.envelope > 0.7, "{codec} {network:?}: {heard:?}");
        if let Some(least_db) = least_db {
            // A busy machine delays packets as well, and then the phone gives up more of them: so half of them must be there.
            assert!(heard.alike * 2 > heard.pieces, "{codec} {network:?}: {heard:?}");
            assert!(heard.snr_db > least_db, "{codec} {network:?}: {heard:?}");
            assert!(heard.pace > 0.9, "{codec} {network:?}: something was put in between: {heard:?}");
        }
        assert!(heard.loudest < 32_000, "{codec} {network:?}: it clips: {heard:?}");
    }
}
