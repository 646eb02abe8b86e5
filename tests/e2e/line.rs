//! The voice of a caller whose signalling is SIPp's: sends a tone and RFC 4733 digits, keeps what it hears.

use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use crate::tone;
use crate::tools::Ports;
use crate::tools::free_ports;

const FRAME: usize = tone::RATE / 50;
const PCMU: u8 = 0;
/// As SIPp's scenarios offer it.
const TELEPHONE_EVENT: u8 = 101;
/// A key is down for five packets, said to be up three times (RFC 4733 §2.5.1.4), and then a short silence.
const KEY_DOWN: u16 = 5;
const KEY_UP: u16 = 3;
const KEY_PAUSE: u16 = 4;

/// One RTP party on a port of its own. It answers to wherever it is sent to first.
pub struct Line {
    pub port: u16,
    _ports: Ports,
    heard: Arc<Mutex<Vec<i16>>>,
    keys: Sender<char>,
    silent: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Line {
    /// Listens, and sends `hz` once it knows where to.
    pub fn open(hz: f64) -> Line {
        let ports = free_ports(2);
        let port = ports.first;
        let socket = UdpSocket::bind(("127.0.0.1", port)).expect("a free port");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (keys, pressed) = mpsc::channel();
        let mut voice = Voice::new(socket, hz, pressed, heard.clone());
        let silent = Arc::new(AtomicBool::new(false));
        let (until, hush) = (stop.clone(), silent.clone());
        let thread = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                voice.frame(hush.load(Ordering::Relaxed));
            }
        });
        Line { port, _ports: ports, heard, keys, silent, stop, thread: Some(thread) }
    }

    /// Keys these digits, one after the other, about four a second.
    pub fn key(&self, digits: &str) {
        for digit in digits.chars() {
            self.keys.send(digit).expect("the line is open");
        }
    }

    /// Says nothing any more, as a phone that has moved elsewhere.
    pub fn falls_silent(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }

    /// Everything heard so far.
    pub fn recording(&self) -> Vec<i16> {
        self.heard.lock().expect("nobody panics in it").clone()
    }

    /// How many seconds of this tone it has heard so far.
    pub fn heard(&self, hz: f64) -> f64 {
        tone::seconds_of(hz, &self.recording())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Voice {
    socket: UdpSocket,
    peer: Option<SocketAddr>,
    pressed: Receiver<char>,
    heard: Arc<Mutex<Vec<i16>>>,
    tone: Vec<i16>,
    due: Instant,
    frames: u32,
    /// The key that is down: its event, for how many packets, and when it began.
    key: Option<(u8, u16, u32)>,
}

impl Voice {
    fn new(socket: UdpSocket, hz: f64, pressed: Receiver<char>, heard: Arc<Mutex<Vec<i16>>>) -> Voice {
        // A second holds a whole number of periods of any whole frequency.
        let tone = tone::sine(hz, tone::RATE).collect();
        Voice { socket, peer: None, pressed, heard, tone, due: Instant::now(), frames: 0, key: None }
    }

    /// Listens until the next frame is due, and sends it, unless it is `silent`.
    fn frame(&mut self, silent: bool) {
        self.due += Duration::from_millis(20);
        loop {
            let left = self.due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.socket.set_read_timeout(Some(left)).expect("not zero");
            let mut packet = [0; 1500];
            if let Ok((length, from)) = self.socket.recv_from(&mut packet) {
                self.hear(&packet[..length], from);
            }
        }
        self.frames = self.frames.wrapping_add(1);
        if let Some(peer) = self.peer.filter(|_| !silent) {
            let packet = self.next_packet();
            let _ = self.socket.send_to(&packet, peer);
        }
    }

    fn hear(&mut self, packet: &[u8], from: SocketAddr) {
        if packet.len() < 12 || packet[0] >> 6 != 2 || packet[1] & 0x7f != PCMU {
            return;
        }
        self.peer.get_or_insert(from);
        let mut heard = self.heard.lock().expect("nobody panics in it");
        heard.extend(packet[12..].iter().map(|byte| from_mulaw(*byte)));
    }

    fn next_packet(&mut self) -> Vec<u8> {
        let now = self.frames.wrapping_mul(FRAME as u32);
        if self.key.is_none() {
            self.key = self.pressed.try_recv().ok().map(|digit| (event_of(digit), 0, now));
        }
        let Some((event, packets, began)) = self.key else { return self.tone_packet(now) };
        self.key = Some((event, packets + 1, began));
        if packets >= KEY_DOWN + KEY_UP {
            if packets + 1 == KEY_DOWN + KEY_UP + KEY_PAUSE {
                self.key = None;
            }
            return self.tone_packet(now);
        }
        let up = packets >= KEY_DOWN;
        let duration = (packets + 1).min(KEY_DOWN) * FRAME as u16;
        let mut packet = self.header(TELEPHONE_EVENT, packets == 0, began);
        packet.extend([event, if up { 0x8a } else { 0x0a }]);
        packet.extend(duration.to_be_bytes());
        packet
    }

    fn tone_packet(&self, now: u32) -> Vec<u8> {
        let mut packet = self.header(PCMU, false, now);
        let from = self.frames as usize % 50 * FRAME;
        packet.extend(self.tone[from..from + FRAME].iter().map(|sample| to_mulaw(*sample)));
        packet
    }

    fn header(&self, payload_type: u8, marker: bool, media_time: u32) -> Vec<u8> {
        let mut header = vec![0x80, payload_type | if marker { 0x80 } else { 0 }];
        header.extend((self.frames as u16).to_be_bytes());
        header.extend(media_time.to_be_bytes());
        header.extend(u32::from(self.socket.local_addr().map_or(0, |at| at.port())).to_be_bytes());
        header
    }
}

fn event_of(digit: char) -> u8 {
    match digit {
        '0'..='9' => digit as u8 - b'0',
        '*' => 10,
        '#' => 11,
        _ => panic!("{digit} is no key of a telephone"),
    }
}

/// G.711 µ-law, by the textbook: a sign, three bits of segment, four bits within it.
fn to_mulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(32_635) + 132;
    let segment = (magnitude >> 7).ilog2();
    !(sign | (segment as u8) << 4 | (magnitude >> (segment + 3)) as u8 & 0x0f)
}

fn from_mulaw(byte: u8) -> i16 {
    let byte = !byte;
    let magnitude = ((i32::from(byte & 0x0f) * 2 + 33) << ((byte >> 4 & 7) + 2)) - 132;
    (if byte & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

#[test]
fn mulaw_comes_back_as_it_went() {
    for byte in 0..=255 {
        let there = to_mulaw(from_mulaw(byte));
        assert_eq!(from_mulaw(there), from_mulaw(byte), "{byte:#x}");
    }
    assert_eq!(from_mulaw(0x80), 32_124);
    let far = (f64::from(from_mulaw(to_mulaw(10_000))) - 10_000.0).abs();
    assert!(far < 300.0, "{far}");
}
