//! Streams without sockets, which talk, listen and are recorded: for what is measured of them and of what they cost.

use std::net::SocketAddr;
use std::sync::Arc;

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
use warmline::media::origin::Origin;
use warmline::media::rtp::HEADER;
use warmline::media::rtp::Header;
use warmline::sdp::Codec;
use warmline::sdp::Direction;
use warmline::sdp::ExtendedReports;
use warmline::sdp::Negotiated;

/// A frame of G.711.
const SPEECH: &[u8] = &[0x55; 160];
/// A frame of Opus that says that nothing is said.
const OPUS: &[u8] = &[0xf8, 0xff, 0xfe];

/// Counts what is sent, and looks at one octet, as a socket would look at all.
#[derive(Default)]
pub struct Sink {
    pub sent: u64,
    seen: u64,
}

impl Outlet for Sink {
    fn rtp(&mut self, _: usize, _: SocketAddr, packet: &[u8]) {
        self.sent += 1;
        self.seen += u64::from(packet[packet.len() - 1]);
    }
    fn rtcp(&mut self, _: usize, _: SocketAddr, _: &[u8]) {}
    fn event(&mut self, _: MediaEvent) {}
    fn closed(&mut self, _: usize) {}
    fn record(&mut self, _: usize, _: warmline::media::frame::Rate, samples: &[i16]) {
        self.seen += samples.len() as u64;
    }
}

/// Some legs, and what each of them says.
pub struct Rig {
    streams: Streams,
    legs: Vec<(usize, Codec)>,
    /// Who does not say anything.
    silent: bool,
    pub sink: Sink,
    frame: u64,
}

fn address(leg: u64) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4_000 + 2 * leg as u16))
}

impl Rig {
    /// Legs 0, 1, …, each with its codec.
    fn new(codecs: &[Codec]) -> Rig {
        let streams = Streams::new(Entropy::seeded(1));
        let mut rig = Rig { streams, legs: Vec::new(), silent: false, sink: Sink::default(), frame: 0 };
        for (leg, codec) in (0..).zip(codecs) {
            let key = rig
                .streams
                .open(Timestamp::ZERO, LegId(leg), Origin::draw(&mut Entropy::seeded(leg)))
                .unwrap();
            rig.legs.push((key, *codec));
            let payload_type = codec.static_payload_type().unwrap_or(96);
            let agreed = Negotiated {
                codec: *codec,
                payload_type,
                receive_payload_type: payload_type,
                telephone_event: Some((101, 101)),
                ptime_ms: 20,
                remote_rtp: Some(address(leg)),
                remote_named: None,
                remote_rtcp: None,
                direction: Direction::SendRecv,
                keys_by_info: false,
                extended: ExtendedReports::default(),
                srtp: None,
            };
            rig.command(MediaCommand::Agree { leg: LegId(leg), agreed });
        }
        rig
    }

    fn command(&mut self, command: MediaCommand) {
        self.streams.command(Timestamp::ZERO, command, &mut self.sink);
    }

    /// One leg that hears a prompt for ever, and says nothing.
    pub fn playing() -> Rig {
        let mut rig = Rig { silent: true, ..Rig::new(&[Codec::Pcmu]) };
        let clips = Arc::from([Arc::new(Clip::from_samples("tone", &[0.25; 80_000]))]);
        let play = PlayId(1);
        rig.command(MediaCommand::Play { leg: LegId(0), play, clips, barge_in: true, repeat: true });
        rig
    }

    /// One leg that says something, and hears silence.
    pub fn heard_by_nobody() -> Rig {
        Rig::new(&[Codec::Pcmu])
    }

    /// Two legs that hear each other.
    pub fn talk(codecs: [Codec; 2]) -> Rig {
        let mut rig = Rig::new(&codecs);
        rig.command(MediaCommand::Join { a: LegId(0), b: LegId(1) });
        rig
    }

    /// The same, and it is recorded.
    pub fn recorded() -> Rig {
        let mut rig = Rig::talk([Codec::Pcmu; 2]);
        rig.command(MediaCommand::Record { leg: LegId(0), record: Record::Start(Tracks::Talk) });
        rig
    }

    /// Three legs that hear each other.
    pub fn three() -> Rig {
        let mut rig = Rig::new(&[Codec::Pcmu; 3]);
        for leg in 0..3 {
            let whom = (0..3).filter(|other| *other != leg).map(LegId).collect();
            rig.command(MediaCommand::Hear { leg: LegId(leg), whom });
        }
        rig
    }

    pub fn legs(&self) -> u64 {
        self.legs.len() as u64
    }

    /// A frame of 20 ms, in which every leg says something and is sent something.
    pub fn frame(&mut self) {
        self.frame += 1;
        let now = Timestamp::from_millis(20 * self.frame);
        for (leg, (key, codec)) in self.legs.iter().enumerate().filter(|_| !self.silent) {
            let payload = if *codec == Codec::Opus { OPUS } else { SPEECH };
            let mut packet = [0; HEADER + 160];
            let header = Header {
                marker: false,
                payload_type: codec.static_payload_type().unwrap_or(96),
                sequence: self.frame as u16,
                timestamp: self.frame as u32 * codec.clock_rate() / 50,
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
}
