//! What signed-in desks cost: memory and CPU of the server for each, idle and while their audio flows.
//!
//!     cargo bench --bench desks [-- COUNT]
//!
//! Desks are peer connections of the `rtc` crate on one thread of this program, each with a socket of its own.

use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use bytes::BytesMut;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::RTCPeerConnectionBuilder;
use rtc::peer_connection::configuration::media_engine::MIME_TYPE_PCMU;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::CandidateConfig;
use rtc::peer_connection::transport::CandidateHostConfig;
use rtc::peer_connection::transport::RTCIceCandidate;
use rtc::rtp::header::Header;
use rtc::rtp::packet::Packet;
use rtc::rtp_transceiver::RTCRtpSenderId;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodec;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodecParameters;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodingParameters;
use rtc::rtp_transceiver::rtp_sender::RTCRtpEncodingParameters;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::sansio::Protocol;
use rtc::shared::TaggedBytesMut;
use rtc::shared::TransportContext;
use rtc::shared::TransportProtocol;
use serde_json::Value;
use serde_json::json;

const COUNT: usize = 100;
/// How long each figure is measured.
const WATCHED: Duration = Duration::from_secs(10);
const SIP: u16 = 25_860;
const HTTP: u16 = 25_880;
const WEBRTC: u16 = 25_881;

fn main() {
    // `cargo bench` passes a flag of its own.
    let count = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(COUNT);
    let server = Server::start(count);
    let empty = server.usage();
    let mut desks: Vec<Desk> = Vec::new();
    let began = Instant::now();
    for number in 0..count {
        let mut desk = Desk::open(number);
        while !desk.up {
            desk.live();
            desks.iter_mut().for_each(Desk::live);
        }
        desks.push(desk);
    }
    let signed_in = began.elapsed();
    let full = server.usage();
    let per_desk = |kib: u64| kib as f64 / count as f64;
    println!("{count} desks signed in within {signed_in:.1?}");
    println!("  {:.1} ms of CPU for each sign-in", 1_000.0 * (full.cpu_s - empty.cpu_s) / count as f64);
    println!("  {:.0} KiB of memory for each", per_desk(full.memory_kib - empty.memory_kib));

    let idle = server.watched(|| desks.iter_mut().for_each(Desk::live));
    println!("idle: {:.3} % of a core for each", 100.0 * idle / count as f64);
    let mut due = Instant::now();
    let speaking = server.watched(|| {
        if due <= Instant::now() {
            due += Duration::from_millis(20);
            desks.iter_mut().for_each(Desk::speak);
        }
        desks.iter_mut().for_each(Desk::live);
    });
    println!(
        "50 packets a second from each, to nobody: {:.3} % of a core for each",
        100.0 * speaking / count as f64
    );
}

/// The server under measurement, with a center of as many agents as there are desks.
struct Server {
    process: Child,
    _folder: tempfile::TempDir,
}

struct Usage {
    cpu_s: f64,
    memory_kib: u64,
}

impl Server {
    fn start(agents: usize) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let flows = folder.path().join("flows");
        fs::create_dir(&flows).expect("a folder");
        let mut center = "company: Bench\nlanguage: en\nnumbers: { 1000: quiet }\nskills: [talk]\n\
            queues:\n  help: { needs: talk >= 1, permission: ask }\nagents:\n"
            .to_owned();
        for number in 0..agents {
            center += &format!("  desk{number}: {{ skills: {{ talk: 5 }}, ready: when registered }}\n");
        }
        fs::write(flows.join("center.yaml"), center).expect("a center");
        let quiet = "flow: quiet\nstart: wait\nnodes:\n  wait: { enqueue: help }\n";
        fs::write(flows.join("quiet.yaml"), quiet).expect("a flow");
        let process = Command::new(env!("CARGO_BIN_EXE_warmline"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("RUST_LOG", "warn")
            .args(["serve", "--sip", &format!("127.0.0.1:{SIP}"), "--http", &format!("127.0.0.1:{HTTP}")])
            .args(["--webrtc", &format!("127.0.0.1:{WEBRTC}"), "--rtp-ports", "26000-26099"])
            .arg("--flows")
            .arg(&flows)
            .arg("--data")
            .arg(folder.path().join("data"))
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", HTTP)).is_err() {
            assert!(Instant::now() < until, "the server is not ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        Server { process, _folder: folder }
    }

    fn usage(&self) -> Usage {
        let read = |file: &str| {
            fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).expect("the server lives")
        };
        let stat = read("stat");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: f64 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<f64>().ok()).sum();
        let status = read("status");
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory_kib = memory.and_then(|kib| kib.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
        Usage { cpu_s: ticks / 100.0, memory_kib }
    }

    /// The share of a core that it takes while `work` is done over and over.
    fn watched(&self, mut work: impl FnMut()) -> f64 {
        let (before, began) = (self.usage(), Instant::now());
        while began.elapsed() < WATCHED {
            work();
            std::thread::sleep(Duration::from_millis(2));
        }
        (self.usage().cpu_s - before.cpu_s) / began.elapsed().as_secs_f64()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One desk: its WebSocket and its peer connection.
struct Desk {
    web: TcpStream,
    peer: RTCPeerConnection,
    socket: UdpSocket,
    sender: RTCRtpSenderId,
    sequence: u16,
    up: bool,
    alive: Instant,
}

impl Desk {
    fn open(number: usize) -> Desk {
        let mut web = TcpStream::connect(("127.0.0.1", HTTP)).expect("the server listens");
        write!(
            web,
            "GET /api/v1/desk?agent=desk{number} HTTP/1.1\r\nHost: 127.0.0.1:{HTTP}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .expect("the server reads");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            web.read_exact(&mut octet).expect("the server answers");
            answer.push(octet[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        let (mut peer, sender) = peer();
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        let offer = peer.create_offer(None).expect("an offer");
        peer.set_local_description(Instant::now(), offer.clone()).expect("our own offer");
        let mut desk = Desk { web, peer, socket, sender, sequence: 0, up: false, alive: Instant::now() };
        desk.send(&json!({ "do": "offer", "sdp": offer.sdp }));
        let answer = loop {
            let message = desk.receive();
            if message["tell"] == "answer" {
                break message["sdp"].as_str().expect("a description").to_owned();
            }
        };
        let here = desk.socket.local_addr().expect("an address");
        let base_config = CandidateConfig {
            network: "udp".to_owned(),
            address: here.ip().to_string(),
            port: here.port(),
            component: 1,
            ..Default::default()
        };
        let candidate = CandidateHostConfig { base_config, ..Default::default() }.new_candidate_host();
        let candidate = RTCIceCandidate::from(&candidate.expect("a candidate")).to_json();
        desk.peer.add_local_candidate(candidate.expect("a candidate")).expect("our own candidate");
        let answer = RTCSessionDescription::answer(answer).expect("an answer");
        desk.peer.set_remote_description(Instant::now(), answer).expect("the server's answer");
        desk
    }

    /// A frame of a client (RFC 6455 §5.2), masked with zeros.
    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(length @ 0..126) => frame.push(0x80 | length),
            _ => {
                frame.push(0x80 | 126);
                frame.extend((text.len() as u16).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.web.write_all(&frame).expect("the server reads");
    }

    fn receive(&mut self) -> Value {
        let mut head = [0; 2];
        self.web.read_exact(&mut head).expect("the server writes");
        let mut length = usize::from(head[1]);
        if length == 126 {
            let mut more = [0; 2];
            self.web.read_exact(&mut more).expect("the server writes");
            length = usize::from(u16::from_be_bytes(more));
        }
        let mut text = vec![0; length];
        self.web.read_exact(&mut text).expect("the server writes");
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Does what is due.
    fn live(&mut self) {
        if self.alive.elapsed() >= Duration::from_secs(10) {
            self.alive = Instant::now();
            self.send(&json!({ "do": "alive" }));
        }
        let mut buffer = [0; 2_000];
        while let Ok((length, peer_addr)) = self.socket.recv_from(&mut buffer) {
            let transport = TransportContext {
                local_addr: self.here(),
                peer_addr,
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            };
            let message = BytesMut::from(&buffer[..length]);
            let _ = self.peer.handle_read(TaggedBytesMut { now: Instant::now(), transport, message });
        }
        if self.peer.poll_timeout().is_some_and(|due| due <= Instant::now()) {
            let _ = self.peer.handle_timeout(Instant::now());
        }
        while let Some(event) = self.peer.poll_event() {
            let connected = RTCPeerConnectionState::Connected;
            self.up |= matches!(event, RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) if state == connected);
        }
        while self.peer.poll_read().is_some() {}
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(packet) = self.peer.poll_write() {
            let _ = self.socket.send_to(&packet.message, packet.transport.peer_addr);
        }
    }

    fn here(&self) -> SocketAddr {
        self.socket.local_addr().expect("an address")
    }

    fn speak(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
        let header = Header {
            version: 2,
            sequence_number: self.sequence,
            timestamp: u32::from(self.sequence) * 160,
            ssrc: SSRC,
            ..Default::default()
        };
        let packet = Packet { header, payload: Bytes::from_static(&[0xff; 160]) };
        if let Some(mut sender) = self.peer.rtp_sender(self.sender) {
            let _ = sender.write_rtp(Instant::now(), packet);
        }
        self.flush();
    }
}

const SSRC: u32 = 0xb0b;

fn peer() -> (RTCPeerConnection, RTCRtpSenderId) {
    let mut engine = MediaEngine::default();
    let codec = RTCRtpCodec {
        mime_type: MIME_TYPE_PCMU.to_owned(),
        clock_rate: 8_000,
        channels: 1,
        ..Default::default()
    };
    let parameters = RTCRtpCodecParameters { rtp_codec: codec.clone(), payload_type: 0 };
    engine.register_codec(parameters, RtpCodecKind::Audio).expect("a codec");
    let built = RTCPeerConnectionBuilder::new().with_media_engine(engine).build(Instant::now());
    let mut peer = built.expect("a connection");
    let coding = RTCRtpCodingParameters { ssrc: Some(SSRC), ..Default::default() };
    let encoding = RTCRtpEncodingParameters { rtp_coding_parameters: coding, codec, ..Default::default() };
    let (stream, track) = ("s".to_owned(), "t".to_owned());
    let track = MediaStreamTrack::new(stream, track, "audio".to_owned(), RtpCodecKind::Audio, vec![encoding]);
    let sender = peer.add_track(track).expect("a track");
    (peer, sender)
}
