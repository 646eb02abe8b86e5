//! The workers over real loopback sockets: a phone here is a bare UDP socket.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::worker::CROWD;
use super::*;
use crate::media::Clip;
use crate::media::PlayId;
use crate::media::dtmf;
use crate::media::origin::Came;
use crate::media::rtp;
use crate::media::rtp::HEADER;
use crate::sdp::Codec;
use crate::sdp::Direction;
use crate::sdp::Dtls;
use crate::sdp::ExtendedReports;
use crate::sdp::Negotiated;
use crate::sdp::Srtp;
use crate::sdp::dtls::Setup;

const CALL: CallId = CallId(1);
const A: LegId = LegId(1);
const B: LegId = LegId(2);
/// Long enough for a busy machine; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(10);

static NEXT_RANGE: AtomicU16 = AtomicU16::new(20_000);

/// A range of `pairs` pairs in which nothing is bound right now.
fn free_ports(pairs: u16) -> RangeInclusive<u16> {
    loop {
        let low = NEXT_RANGE.fetch_add(2 * pairs, Ordering::Relaxed);
        let range = low..=low + 2 * pairs - 1;
        if range.clone().all(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()) {
            return range;
        }
    }
}

struct Rig {
    media: Media,
    events: mpsc::Receiver<MediaEvent>,
}

fn rig_at(address: IpAddr, pairs: u16, events: usize) -> Rig {
    let (sender, events) = mpsc::channel(events);
    let media = Media::start(MediaConfig { address, ports: free_ports(pairs), workers: 1 }, sender).unwrap();
    Rig { media, events }
}

fn rig() -> Rig {
    rig_at(Ipv4Addr::LOCALHOST.into(), 8, 64)
}

impl Rig {
    /// Opens a leg that is agreed with a phone.
    fn phone(&mut self, leg: LegId, codec: Codec) -> Phone {
        let port = self.media.open(CALL, leg).unwrap().port;
        let address = self.media.ports.address();
        let socket = UdpSocket::bind((address, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let phone = Phone { server: SocketAddr::new(address, port), socket };
        self.media.send(CALL, MediaCommand::Agree { leg, agreed: phone.agreed(codec) });
        phone
    }

    fn event(&mut self) -> MediaEvent {
        self.events.blocking_recv().unwrap()
    }

    fn play(&mut self, leg: LegId, play: u32, clip: &Arc<Clip>) {
        let clips = Arc::from([clip.clone()]);
        let play = PlayId(play);
        self.media.send(CALL, MediaCommand::Play { leg, play, clips, barge_in: true, repeat: false });
    }
}

struct Phone {
    socket: UdpSocket,
    server: SocketAddr,
}

impl Phone {
    fn agreed(&self, codec: Codec) -> Negotiated {
        let payload_type = codec.static_payload_type().unwrap();
        let here = self.socket.local_addr().unwrap();
        Negotiated {
            codec,
            payload_type,
            receive_payload_type: payload_type,
            telephone_event: Some((101, 101)),
            ptime_ms: 20,
            remote_rtp: Some(here),
            remote_named: None,
            remote_rtcp: Some(SocketAddr::new(here.ip(), here.port().wrapping_add(1))),
            direction: Direction::SendRecv,
            keys_by_info: false,
            extended: ExtendedReports::default(),
            srtp: None,
        }
    }

    fn hear(&self) -> (rtp::Header, Vec<u8>) {
        let mut packet = [0; 2_000];
        let length = self.socket.recv(&mut packet).unwrap();
        let parsed = rtp::parse(&packet[..length]).unwrap();
        (parsed.header, packet[parsed.start..parsed.end].to_vec())
    }

    /// Hears until a packet's payload is what is asked for.
    fn hear_until(&self, wanted: impl Fn(&rtp::Header, &[u8]) -> bool) -> (rtp::Header, Vec<u8>) {
        for _ in 0..500 {
            let (header, payload) = self.hear();
            if wanted(&header, &payload) {
                return (header, payload);
            }
        }
        panic!("never heard");
    }

    fn say(&self, payload_type: u8, sequence: u16, payload: &[u8]) {
        let mut packet = vec![0; HEADER + payload.len()];
        let timestamp = u32::from(sequence) * 160;
        let header = rtp::Header { marker: false, payload_type, sequence, timestamp, ssrc: 77 };
        header.write(packet.first_chunk_mut().unwrap());
        packet[HEADER..].copy_from_slice(payload);
        self.socket.send_to(&packet, self.server).unwrap();
    }
}

/// A clip whose every byte tells where it is.
fn clip(frames: usize) -> Arc<Clip> {
    let pcmu: Arc<[u8]> = (0..frames * 160).map(|n| (n / 160 * 7 + n % 160) as u8).collect();
    let pcma = pcmu.iter().map(|byte| !byte).collect();
    Arc::new(Clip::of_octets("test", pcmu, pcma))
}

#[test]
fn a_played_clip_arrives_bit_by_bit_at_its_pace() {
    for (address, codec) in
        [(IpAddr::from(Ipv4Addr::LOCALHOST), Codec::Pcmu), (Ipv6Addr::LOCALHOST.into(), Codec::Pcma)]
    {
        let mut rig = rig_at(address, 8, 64);
        let phone = rig.phone(A, codec);
        let clip = clip(50);
        let begun = Instant::now();
        rig.play(A, 1, &clip);
        let bytes = if codec == Codec::Pcmu { &clip.pcmu } else { &clip.pcma };
        let mut last = phone.hear_until(|_, payload| payload == &bytes[..160]).0;
        for frame in bytes.chunks(160).skip(1) {
            let (header, payload) = phone.hear();
            assert_eq!(payload, frame);
            assert_eq!(header.sequence, last.sequence.wrapping_add(1));
            // A worker that the machine let stand goes on where the clock is by then: whole frames later.
            let passed = header.timestamp.wrapping_sub(last.timestamp);
            assert!(passed > 0 && passed.is_multiple_of(160), "{passed}");
            assert_eq!((header.ssrc, header.payload_type), (last.ssrc, codec.static_payload_type().unwrap()));
            last = header;
        }
        // Never all at once; how long a busy machine takes is its own affair.
        assert!(begun.elapsed() >= Duration::from_millis(49 * 20), "{:?}", begun.elapsed());
        assert_eq!(rig.event(), MediaEvent::PlayEnded { leg: A, play: PlayId(1), stopped: false });
    }
}

#[test]
fn joined_legs_hear_each_other_in_their_own_law_alone_and_in_a_crowd() {
    for others in [0, CROWD as u16] {
        let mut rig = rig_at(Ipv4Addr::LOCALHOST.into(), 2 + others, 64);
        for other in 0..others {
            rig.media.open(CALL, LegId(100 + u64::from(other))).unwrap();
        }
        let (a, b) = (rig.phone(A, Codec::Pcmu), rig.phone(B, Codec::Pcma));
        rig.media.send(CALL, MediaCommand::Join { a: A, b: B });
        // Each says a packet whenever it hears one, as a phone would; until the join they hear silence.
        let (mut heard_a, mut heard_b) = (false, false);
        for sequence in 0..200 {
            a.say(0, sequence, &[0x1e; 160]);
            b.say(8, sequence, &[0x34; 160]);
            heard_b |= b.hear().1 == [0x34; 160];
            heard_a |= a.hear().1 == [0x1e; 160];
            if heard_a && heard_b {
                break;
            }
        }
        assert!(heard_a && heard_b, "among {others} a heard: {heard_a}, b heard: {heard_b}");
    }
}

#[test]
fn an_echo_is_what_was_said() {
    let mut rig = rig();
    let a = rig.phone(A, Codec::Pcmu);
    rig.media.send(CALL, MediaCommand::Echo { leg: A, on: true });
    for sequence in 0..200 {
        a.say(0, sequence, b"hello myself");
        if a.hear().1 == b"hello myself" {
            return;
        }
    }
    panic!("no echo");
}

#[test]
fn a_digit_crosses_from_one_leg_to_the_other() {
    let mut rig = rig();
    let (a, b) = (rig.phone(A, Codec::Pcmu), rig.phone(B, Codec::Pcmu));
    // The phones are two ends of one wire: what A is sent, B says.
    rig.media
        .send(CALL, MediaCommand::SendDigit { leg: A, digit: '#', duration: Duration::from_millis(100) });
    let mut packet = [0; 2_000];
    for _ in 0..50 {
        let length = a.socket.recv(&mut packet).unwrap();
        b.socket.send_to(&packet[..length], b.server).unwrap();
    }
    assert_eq!(rig.event(), MediaEvent::Digit { leg: B, digit: '#' });
    rig.media.send(CALL, MediaCommand::Close { leg: B });
    let closed = rig.event();
    assert!(
        matches!(closed, MediaEvent::Closed { leg: B, quality } if quality.received >= 40),
        "once: {closed:?}"
    );
}

#[test]
fn a_digit_stops_a_prompt_that_may_be_stopped() {
    let mut rig = rig();
    let a = rig.phone(A, Codec::Pcmu);
    let clip = clip(500);
    rig.play(A, 9, &clip);
    a.hear_until(|_, payload| payload == &clip.pcmu[..160]);
    a.say(101, 1, &[5, 10, 0, 160]);
    assert_eq!(rig.event(), MediaEvent::Digit { leg: A, digit: dtmf::digit(5).unwrap() });
    assert_eq!(rig.event(), MediaEvent::PlayEnded { leg: A, play: PlayId(9), stopped: true });
    a.hear_until(|_, payload| payload == [0xff; 160]);
}

#[test]
fn without_a_free_port_a_call_is_refused_and_with_one_again_it_is_not() {
    let mut rig = rig_at(Ipv4Addr::LOCALHOST.into(), 1, 64);
    rig.media.open(CALL, A).unwrap();
    assert_eq!(rig.media.open(CALL, B).unwrap_err(), PortsTaken);
    rig.media.send(CALL, MediaCommand::Close { leg: A });
    assert!(matches!(rig.event(), MediaEvent::Closed { leg: A, .. }));
    let begun = Instant::now();
    while rig.media.open(CALL, B).is_err() {
        assert!(begun.elapsed() < PATIENCE, "the port never came back");
        std::thread::yield_now();
    }
}

#[test]
fn a_server_that_does_not_read_its_events_misses_none() {
    let mut rig = rig_at(Ipv4Addr::LOCALHOST.into(), 8, 1);
    let _phone = rig.phone(A, Codec::Pcmu);
    let empty = Arc::new(Clip::from_samples("empty", &[]));
    for play in 0..100 {
        rig.play(A, play, &empty);
    }
    rig.media.send(CALL, MediaCommand::Close { leg: A });
    for play in 0..100 {
        assert_eq!(rig.event(), MediaEvent::PlayEnded { leg: A, play: PlayId(play), stopped: false });
    }
    assert!(matches!(rig.event(), MediaEvent::Closed { leg: A, .. }));
}

#[test]
fn a_stream_that_another_process_goes_on_with_is_the_same_to_its_peer() {
    let mut before = rig();
    let Opened { port, reach } = before.media.open(CALL, A).unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let phone = Phone { server: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), socket };
    // Somebody looked before the first packet, and then never again.
    let reached = reach.reached(machine_ms());
    before.media.send(CALL, MediaCommand::Agree { leg: A, agreed: phone.agreed(Codec::Pcmu) });
    (0..20).for_each(|_| drop(phone.hear()));
    before.media.shutdown();
    phone.socket.set_nonblocking(true).unwrap();
    let mut packet = [0; 2_000];
    let mut last = None;
    while let Ok(length) = phone.socket.recv(&mut packet) {
        last = rtp::parse(&packet[..length]);
    }
    phone.socket.set_nonblocking(false).unwrap();
    let seen = reach.reached(machine_ms());
    let last = last.map_or(seen.next as u16, |parsed| parsed.header.sequence.wrapping_add(1));
    assert_eq!(last, seen.next as u16, "the worker told how far it was");

    let mut after = rig();
    let shaken = HandshakeKeys::default();
    let before = Before { reached: Some(reached.clone()), by_its_keys: false, shaken };
    after.media.reopen(CALL, A, port, Some(&before)).unwrap();
    after.media.send(CALL, MediaCommand::Agree { leg: A, agreed: phone.agreed(Codec::Pcmu) });
    let (first, _) = phone.hear();
    assert_eq!(first.ssrc, reached.ssrc);
    let lost = first.sequence.wrapping_sub(last);
    assert!((1..3_000).contains(&lost), "{lost} packets seem to be lost");
    let later = first.timestamp.wrapping_sub(seen.timestamp) as i32;
    assert!((1..8_000 * 60).contains(&later), "media time went on by {later}");
    after.media.shutdown();
}

#[test]
fn closing_frees_the_sockets_and_shutting_down_frees_everything() {
    // Other tests run beside this one in the same process: so it counts the sockets of its own ports.
    let mut rig = rig();
    let ports: Vec<u16> = (0..4).map(|leg| rig.media.open(CALL, LegId(leg)).unwrap().port).collect();
    for leg in 0..4 {
        rig.media.send(CALL, MediaCommand::Close { leg: LegId(leg) });
        assert!(matches!(rig.event(), MediaEvent::Closed { .. }));
    }
    // The rest of the range, then those that came back: all eight, and no ninth.
    let begun = Instant::now();
    let mut opened = 0;
    while opened < 8 {
        match rig.media.open(CALL, LegId(100 + opened)) {
            Ok(_) => opened += 1,
            Err(PortsTaken) => assert!(begun.elapsed() < PATIENCE, "a port never came back"),
        }
    }
    assert!(rig.media.open(CALL, A).is_err());
    rig.media.shutdown();
    for port in ports {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        UdpSocket::bind((Ipv4Addr::LOCALHOST, port + 1)).unwrap();
    }
}

#[test]
fn a_handshake_between_two_streams_brings_keys_to_both() {
    for rtcp_mux in [true, false] {
        let (mut here, mut there) = (rig(), rig());
        // A phone in the clear talks to one that is far away, by way of a stream that the far side sends back.
        let phone = here.phone(A, Codec::Pcmu);
        let ports = [here.media.open(CALL, B).unwrap().port, there.media.open(CALL, B).unwrap().port];
        let prints = [here.media.fingerprint().clone(), there.media.fingerprint().clone()];
        let agreed = |to: usize, setup: Setup| {
            let at = |port| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            let dtls = Dtls { setup, fingerprint: prints[to].clone(), rtcp_mux, ice: None };
            Negotiated {
                remote_rtp: at(ports[to]),
                remote_rtcp: at(ports[to] + u16::from(!rtcp_mux)),
                srtp: Some(Srtp::Dtls(dtls)),
                ..phone.agreed(Codec::Pcmu)
            }
        };
        // Who begins is ready first: its first record waits for what is agreed on.
        here.media.send(CALL, MediaCommand::Agree { leg: B, agreed: agreed(1, Setup::Active) });
        here.media.send(CALL, MediaCommand::Join { a: A, b: B });
        there.media.send(CALL, MediaCommand::Agree { leg: B, agreed: agreed(0, Setup::Passive) });
        there.media.send(CALL, MediaCommand::Echo { leg: B, on: true });
        let came_back = (0..500).any(|sequence| {
            phone.say(0, sequence, &[9; 160]);
            phone.hear().1 == [9; 160]
        });
        assert!(came_back, "muxed: {rtcp_mux}");
        for rig in [here, there] {
            rig.media.shutdown();
        }
    }
}

#[test]
fn a_stranger_s_certificate_is_not_believed() {
    let (mut here, mut there) = (rig(), rig());
    let phone = here.phone(A, Codec::Pcmu);
    let ports = [here.media.open(CALL, B).unwrap().port, there.media.open(CALL, B).unwrap().port];
    let ours = here.media.fingerprint().clone();
    let agreed = |to: usize, setup: Setup| Negotiated {
        remote_rtp: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, ports[to]))),
        remote_rtcp: None,
        // Both are told the certificate of one: to that one, the other is a stranger.
        srtp: Some(Srtp::Dtls(Dtls { setup, fingerprint: ours.clone(), rtcp_mux: true, ice: None })),
        ..phone.agreed(Codec::Pcmu)
    };
    there.media.send(CALL, MediaCommand::Agree { leg: B, agreed: agreed(0, Setup::Active) });
    there.media.send(CALL, MediaCommand::Echo { leg: B, on: true });
    here.media.send(CALL, MediaCommand::Agree { leg: B, agreed: agreed(1, Setup::Passive) });
    here.media.send(CALL, MediaCommand::Join { a: A, b: B });
    for sequence in 0..50 {
        phone.say(0, sequence, &[9; 160]);
        assert_ne!(phone.hear().1, [9; 160]);
    }
    let counted =
        |rig: &Rig| rig.media.stats().map(|stats| stats.packets_in.load(Ordering::Relaxed)).sum::<u64>();
    assert_eq!(counted(&there), 0);
}

#[test]
fn whoever_may_go_on_with_a_stream_can_see_that_its_phone_is_there() {
    let mut rig = rig();
    let Opened { port, reach } = rig.media.open(CALL, A).unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let phone = Phone { server: (Ipv4Addr::LOCALHOST, port).into(), socket };
    rig.media.send(CALL, MediaCommand::Agree { leg: A, agreed: phone.agreed(Codec::Pcmu) });
    phone.hear();
    assert_eq!(reach.reached(0).came, Came::default(), "nothing yet");
    phone.say(0, 1, &[7; 160]);
    let there = Came { anything: true, from: Some(Ipv4Addr::LOCALHOST.into()) };
    for _ in 0..500 {
        if reach.reached(0).came == there {
            return;
        }
        phone.hear();
    }
    panic!("never seen");
}
