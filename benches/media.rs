//! What a media worker pays per packet and per frame, without sockets: `cargo bench --bench media`.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;

use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use rtc_shared::marshal::Marshal;
use rtc_shared::marshal::Unmarshal;
use warmline::base::Entropy;
use warmline::base::LegId;
use warmline::base::Timestamp;
use warmline::media::Clip;
use warmline::media::MediaCommand;
use warmline::media::MediaEvent;
use warmline::media::Outlet;
use warmline::media::PlayId;
use warmline::media::Streams;
use warmline::media::dtmf::DigitReceiver;
use warmline::media::origin::Origin;
use warmline::media::rtp::HEADER;
use warmline::media::rtp::Header;
use warmline::media::rtp::parse;
use warmline::sdp::Codec;
use warmline::sdp::Direction;
use warmline::sdp::ExtendedReports;
use warmline::sdp::Negotiated;

/// Takes packets and looks at one octet, as a socket would look at all.
struct Sink(u64);

impl Outlet for Sink {
    fn rtp(&mut self, _: usize, _: SocketAddr, packet: &[u8]) {
        self.0 += u64::from(packet[packet.len() - 1]);
    }
    fn rtcp(&mut self, _: usize, _: SocketAddr, _: &[u8]) {}
    fn event(&mut self, _: MediaEvent) {}
    fn closed(&mut self, _: usize) {}
}

fn address(leg: u64) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4_000 + 2 * leg as u16))
}

fn agreed(leg: u64, codec: Codec) -> Negotiated {
    Negotiated {
        codec,
        payload_type: codec.static_payload_type().unwrap(),
        receive_payload_type: codec.static_payload_type().unwrap(),
        telephone_event: Some((101, 101)),
        ptime_ms: 20,
        remote_rtp: Some(address(leg)),
        remote_named: None,
        remote_rtcp: None,
        direction: Direction::SendRecv,
        keys_by_info: false,
        extended: ExtendedReports::default(),
        srtp: None,
    }
}

fn open(streams: &mut Streams, leg: u64, codec: Codec) -> usize {
    let key = streams.open(Timestamp::ZERO, LegId(leg), Origin::draw(&mut Entropy::seeded(leg))).unwrap();
    let agreed = agreed(leg, codec);
    streams.command(Timestamp::ZERO, MediaCommand::Agree { leg: LegId(leg), agreed }, &mut Sink(0));
    key
}

fn packet(sequence: u16, payload_type: u8) -> [u8; HEADER + 160] {
    let mut packet = [0x55; HEADER + 160];
    let timestamp = u32::from(sequence) * 160;
    Header { marker: false, payload_type, sequence, timestamp, ssrc: 9 }
        .write(packet.first_chunk_mut().unwrap());
    packet
}

fn frames(c: &mut Criterion) {
    let clip = Arc::new(Clip::from_samples("tone", &[0.25; 80_000]));
    let mut group = c.benchmark_group("frame");
    for (name, plays) in [("playing", true), ("silence", false)] {
        group.bench_function(name, |b| {
            let mut streams = Streams::new(Entropy::seeded(1));
            let key = open(&mut streams, 1, Codec::Pcmu);
            if plays {
                let clips = Arc::from([clip.clone()]);
                let play = MediaCommand::Play {
                    leg: LegId(1),
                    play: PlayId(1),
                    clips,
                    barge_in: true,
                    repeat: true,
                };
                streams.command(Timestamp::ZERO, play, &mut Sink(0));
            }
            let (mut sink, mut slot) = (Sink(0), 0);
            b.iter(|| {
                slot += 20;
                streams.frame(Timestamp::from_millis(slot), slot, key, &mut sink);
            });
        });
    }
    group.finish();
}

fn packets(c: &mut Criterion) {
    let mut group = c.benchmark_group("packet");
    for (name, other) in [("forwarded", Codec::Pcmu), ("forwarded to the other law", Codec::Pcma)] {
        group.bench_function(name, |b| {
            let mut streams = Streams::new(Entropy::seeded(1));
            let key = open(&mut streams, 1, Codec::Pcmu);
            open(&mut streams, 2, other);
            streams.command(Timestamp::ZERO, MediaCommand::Join { a: LegId(1), b: LegId(2) }, &mut Sink(0));
            let (mut sink, mut n) = (Sink(0), 0u64);
            b.iter(|| {
                n += 1;
                let mut packet = packet(n as u16, 0);
                streams.received(Timestamp::from_millis(20 * n), key, address(1), &mut packet, &mut sink);
            });
        });
    }
    group.bench_function("digit", |b| {
        let mut receiver = DigitReceiver::default();
        let mut header = Header { marker: false, payload_type: 101, sequence: 0, timestamp: 0, ssrc: 1 };
        b.iter(|| {
            header.sequence = header.sequence.wrapping_add(1);
            header.timestamp = u32::from(header.sequence / 8) * 1_600;
            black_box(receiver.receive(&header, black_box(&[5, 10, 1, 0x40])))
        });
    });
    group.finish();
}

/// Why the header is read and written here: the same with `rtc-rtp`.
fn headers(c: &mut Criterion) {
    let mut group = c.benchmark_group("header");
    let octets = packet(7, 0);
    group.bench_function("read", |b| b.iter(|| parse(black_box(&octets))));
    group.bench_function("read by rtc-rtp, header", |b| {
        b.iter(|| rtp::header::Header::unmarshal(&mut black_box(&octets[..])).unwrap());
    });
    group.bench_function("read by rtc-rtp, packet", |b| {
        b.iter(|| rtp::packet::Packet::unmarshal(&mut black_box(&octets[..])).unwrap());
    });
    let ours = parse(&octets).unwrap().header;
    group.bench_function("write", |b| {
        let mut into = [0; HEADER + 160];
        b.iter(|| black_box(ours).write(into.first_chunk_mut().unwrap()));
    });
    let theirs = rtp::packet::Packet::unmarshal(&mut &octets[..]).unwrap();
    group.bench_function("write by rtc-rtp, header", |b| {
        let mut into = [0; HEADER + 160];
        b.iter(|| black_box(&theirs.header).marshal_to(&mut into).unwrap());
    });
    group.bench_function("write by rtc-rtp, packet", |b| b.iter(|| black_box(&theirs).marshal().unwrap()));
    group.finish();
}

fn clips(c: &mut Criterion) {
    let mut group = c.benchmark_group("clip of ten seconds");
    group.sample_size(20);
    let samples: Vec<f32> = (0..80_000).map(|n| (n as f32 * 0.7).sin() * 0.5).collect();
    group.bench_function("encode both laws", |b| b.iter(|| Clip::from_samples("tone", black_box(&samples))));
    group.finish();
}

criterion_group!(benches, frames, packets, headers, clips);
criterion_main!(benches);
