//! What a media worker does for a packet and a frame, in steady state, allocates nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use allocation_counter::measure;
use warmline::base::Entropy;
use warmline::base::LegId;
use warmline::base::Timestamp;
use warmline::media::Clip;
use warmline::media::MediaCommand;
use warmline::media::MediaEvent;
use warmline::media::Outlet;
use warmline::media::PlayId;
use warmline::media::Record;
use warmline::media::Streams;
use warmline::media::Tracks;
use warmline::media::rtp::HEADER;
use warmline::media::rtp::Header;
use warmline::sdp::Codec;
use warmline::sdp::Direction;
use warmline::sdp::Negotiated;
use warmline::sdp::crypto::MasterKey;
use warmline::sdp::crypto::Suite;
use warmline::wire::srtp::OVERHEAD;
use warmline::wire::srtp::Way;

/// Counts what is sent.
#[derive(Default)]
struct Sink(u64);

impl Outlet for Sink {
    fn rtp(&mut self, _: usize, _: SocketAddr, _: &[u8]) {
        self.0 += 1;
    }
    fn rtcp(&mut self, _: usize, _: SocketAddr, _: &[u8]) {}
    fn event(&mut self, _: MediaEvent) {}
    fn closed(&mut self, _: usize) {}
}

struct Rig {
    streams: Streams,
    keys: Vec<usize>,
    sink: Sink,
    frame: u64,
}

fn address(leg: u64) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4_000 + 2 * leg as u16))
}

impl Rig {
    /// Legs 0, 1, …, each with its codec.
    fn new(codecs: &[Codec]) -> Rig {
        let mut rig =
            Rig { streams: Streams::new(Entropy::seeded(1)), keys: Vec::new(), sink: Sink(0), frame: 0 };
        for (leg, codec) in (0..).zip(codecs) {
            rig.keys.push(rig.streams.open(Timestamp::ZERO, LegId(leg)).unwrap());
            let payload_type = codec.static_payload_type().unwrap_or(96);
            let agreed = Negotiated {
                codec: *codec,
                payload_type,
                receive_payload_type: payload_type,
                telephone_event: Some((101, 101)),
                ptime_ms: 20,
                remote_rtp: Some(address(leg)),
                remote_rtcp: None,
                direction: Direction::SendRecv,
                srtp: None,
            };
            rig.command(MediaCommand::Agree { leg: LegId(leg), agreed });
        }
        rig
    }

    fn command(&mut self, command: MediaCommand) {
        self.streams.command(Timestamp::ZERO, command, &mut self.sink);
    }

    /// A frame of 20 ms, in which every leg says something in its codec.
    fn frame(&mut self, payloads: &[&[u8]]) {
        self.frame += 1;
        let now = Timestamp::from_millis(20 * self.frame);
        for (leg, (key, payload)) in self.keys.iter().zip(payloads).enumerate() {
            let mut packet = [0; HEADER + 320];
            let header = Header {
                marker: false,
                payload_type: if payload.len() == 160 { 0 } else { 96 },
                sequence: self.frame as u16,
                timestamp: self.frame as u32 * if payload.len() == 160 { 160 } else { 960 },
                ssrc: leg as u32,
            };
            header.write(packet.first_chunk_mut().unwrap());
            packet[HEADER..HEADER + payload.len()].copy_from_slice(payload);
            let packet = &mut packet[..HEADER + payload.len()];
            self.streams.received(now, *key, address(leg as u64), packet, &mut self.sink);
        }
        for slot in 20 * self.frame..20 * self.frame + 20 {
            for place in 0.. {
                let Some(key) = self.streams.key_in_slot(slot, place) else { break };
                self.streams.frame(now, slot, key, &mut self.sink);
            }
        }
    }

    /// Ten seconds of it, after two in which buffers and encoders are made.
    fn allocates_nothing(&mut self, what: &str, payloads: &[&[u8]]) {
        for _ in 0..100 {
            self.frame(payloads);
        }
        let before = self.sink.0;
        let info = measure(|| {
            for _ in 0..500 {
                self.frame(payloads);
            }
        });
        let sent = self.sink.0 - before;
        assert!(sent >= 500 * self.keys.len() as u64 - 20, "{what}: {sent} sent");
        assert_eq!(info.count_total, 0, "{what}: {info:?}");
    }
}

const SPEECH: &[u8] = &[0x55; 160];
/// A frame of Opus that says that nothing is said.
const OPUS: &[u8] = &[0xf8, 0xff, 0xfe];

#[test]
fn playing_forwarding_mixing_transcoding_and_recording_allocate_nothing() {
    let mut playing = Rig::new(&[Codec::Pcmu]);
    let clips = Arc::from([Arc::new(Clip::from_samples("tone", &[0.25; 80_000]))]);
    let play = PlayId(1);
    playing.command(MediaCommand::Play { leg: LegId(0), play, clips, barge_in: true, repeat: true });
    playing.allocates_nothing("a clip", &[SPEECH]);

    let mut bridged = Rig::new(&[Codec::Pcmu, Codec::Pcma]);
    bridged.command(MediaCommand::Join { a: LegId(0), b: LegId(1) });
    bridged.allocates_nothing("two laws", &[SPEECH, SPEECH]);

    let mut transcoded = Rig::new(&[Codec::Pcmu, Codec::Opus]);
    transcoded.command(MediaCommand::Join { a: LegId(0), b: LegId(1) });
    transcoded.allocates_nothing("G.711 and Opus", &[SPEECH, OPUS]);

    let mut mixed = Rig::new(&[Codec::Pcmu; 3]);
    for leg in 0..3 {
        let whom = (0..3).filter(|other| *other != leg).map(LegId).collect();
        mixed.command(MediaCommand::Hear { leg: LegId(leg), whom });
    }
    mixed.allocates_nothing("three who talk", &[SPEECH; 3]);

    let mut recorded = Rig::new(&[Codec::Pcmu; 2]);
    recorded.command(MediaCommand::Join { a: LegId(0), b: LegId(1) });
    recorded.command(MediaCommand::Record { leg: LegId(0), record: Record::Start(Tracks::Talk) });
    recorded.allocates_nothing("a recording", &[SPEECH; 2]);
}

#[test]
fn securing_a_packet_allocates_nothing() {
    let provider = rtc_crypto::default_provider().unwrap();
    for suite in Suite::ALL {
        let key = MasterKey::draw(suite, &mut Entropy::seeded(1));
        let way = || Way::new(suite, &key, provider.crypto()).unwrap();
        let (mut sealing, mut opening) = (way(), way());
        let info = measure(|| {
            for sequence in 0..1_000 {
                let mut buffer = [7; HEADER + 160 + OVERHEAD];
                let header = Header { marker: false, payload_type: 0, sequence, timestamp: 160, ssrc: 9 };
                header.write(buffer.first_chunk_mut().unwrap());
                let sealed = sealing.seal(&mut buffer, HEADER + 160).unwrap();
                assert_eq!(opening.open(&mut buffer[..sealed]), Some(HEADER + 160));
            }
        });
        assert_eq!(info.count_total, 0, "{suite:?}: {info:?}");
    }
}
