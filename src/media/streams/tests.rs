//! Whole streams in virtual time: what each phone is sent, and what the call is told.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::media::clip::Clip;
use crate::media::codec::Law;
use crate::media::control::Asked;
use crate::media::control::PlayId;
use crate::media::dtmf;
use crate::media::dtmf::DigitReceiver;
use crate::media::frame::Rate;
use crate::media::rtp;
use crate::media::rtp::HEADER;
use crate::media::rtp::Header;
use crate::media::tones::ToneReceiver;
use crate::media::tones::ToneSender;
use crate::sdp::Codec;
use crate::sdp::Direction;
use crate::sdp::Dtls;
use crate::sdp::ExtendedReports;
use crate::sdp::Fingerprint;
use crate::sdp::Negotiated;
use crate::sdp::Srtp;
use crate::sdp::dtls::Setup;

const A: LegId = LegId(1);
const B: LegId = LegId(2);

#[derive(Clone, Debug, PartialEq)]
struct Sent {
    ms: u64,
    stream: usize,
    to: SocketAddr,
    header: Header,
    payload: Vec<u8>,
}

#[derive(Default)]
struct Sink {
    ms: u64,
    sent: Vec<Sent>,
    reports: Vec<(u64, usize, Vec<u8>)>,
    events: Vec<MediaEvent>,
    closed: Vec<usize>,
    to_encode: Vec<Codec>,
    /// Whether a handshake is not over.
    shut: bool,
    /// What was recorded, and how often a recording ended.
    recorded: Vec<i16>,
    recordings: u32,
}

impl Outlet for Sink {
    fn rtp(&mut self, stream: usize, to: SocketAddr, packet: &[u8]) {
        let parsed = rtp::parse(packet).unwrap();
        let payload = packet[parsed.start..parsed.end].to_vec();
        self.sent.push(Sent { ms: self.ms, stream, to, header: parsed.header, payload });
    }

    fn rtcp(&mut self, stream: usize, _: SocketAddr, packet: &[u8]) {
        self.reports.push((self.ms, stream, packet.to_vec()));
    }

    fn is_open(&self, _: usize) -> bool {
        !self.shut
    }

    fn event(&mut self, event: MediaEvent) {
        self.events.push(event);
    }

    fn closed(&mut self, stream: usize) {
        self.closed.push(stream);
    }

    fn encode(&mut self, _: &Arc<Clip>, codec: Codec) {
        self.to_encode.push(codec);
    }

    fn record(&mut self, _: usize, _: Rate, samples: &[i16]) {
        self.recorded.extend_from_slice(samples);
    }

    fn recorded(&mut self, _: usize) {
        self.recordings += 1;
    }
}

struct Rig {
    streams: Streams,
    sink: Sink,
    next_slot: u64,
}

fn address(leg: LegId) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, leg.0 as u8], 4_000))
}

fn agreed(leg: LegId, codec: Codec) -> Negotiated {
    let payload_type = codec.static_payload_type().unwrap_or(96);
    Negotiated {
        codec,
        payload_type,
        receive_payload_type: payload_type,
        telephone_event: Some((100 + leg.0 as u8, 110 + leg.0 as u8)),
        ptime_ms: 20,
        remote_rtp: Some(address(leg)),
        remote_named: None,
        remote_rtcp: Some(SocketAddr::new(address(leg).ip(), 4_001)),
        direction: Direction::SendRecv,
        keys_by_info: false,
        extended: ExtendedReports::default(),
        srtp: None,
    }
}

fn pcmu(leg: LegId) -> Negotiated {
    agreed(leg, Codec::Pcmu)
}

/// Frames of a clip are told apart by their first byte.
fn clip(first: u8, frames: u8) -> Arc<Clip> {
    let pcmu: Arc<[u8]> = (0..frames).flat_map(|frame| [first + frame; 160]).collect();
    let pcma = pcmu.iter().map(|byte| byte | 0x80).collect();
    Arc::new(Clip::of_octets("test", pcmu, pcma))
}

fn play(leg: LegId, play: u32, clips: &[Arc<Clip>]) -> MediaCommand {
    MediaCommand::Play { leg, play: PlayId(play), clips: clips.into(), barge_in: false, repeat: false }
}

/// Where a leg's stream begins.
fn origin(leg: LegId) -> Origin {
    Origin::draw(&mut Entropy::seeded(leg.0))
}

fn ended(leg: LegId, play: u32, stopped: bool) -> MediaEvent {
    MediaEvent::PlayEnded { leg, play: PlayId(play), stopped }
}

impl Rig {
    fn new() -> Rig {
        Rig { streams: Streams::new(Entropy::seeded(3)), sink: Sink::default(), next_slot: 0 }
    }

    /// Legs A and B, agreed on µ-law.
    fn pair() -> Rig {
        let mut rig = Rig::new();
        rig.open(A, pcmu(A));
        rig.open(B, pcmu(B));
        rig
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.sink.ms)
    }

    fn open(&mut self, leg: LegId, agreed: Negotiated) -> usize {
        let key = self.streams.open(self.now(), leg, origin(leg)).unwrap();
        self.command(MediaCommand::Agree { leg, agreed });
        key
    }

    fn command(&mut self, command: MediaCommand) {
        self.streams.command(self.now(), command, &mut self.sink);
    }

    fn run(&mut self, duration_ms: u64) {
        let until = self.sink.ms + duration_ms;
        while self.next_slot < until {
            self.sink.ms = self.next_slot;
            for place in 0.. {
                let Some(key) = self.streams.key_in_slot(self.next_slot, place) else { break };
                self.streams.frame(self.now(), self.next_slot, key, &mut self.sink);
            }
            self.next_slot += 1;
        }
        self.sink.ms = until;
    }

    fn say_from(&mut self, leg: LegId, from: SocketAddr, header: Header, payload: &[u8]) {
        let Some(key) = self.streams.key_of(leg) else { return };
        let mut packet = vec![0; HEADER + payload.len()];
        header.write(packet.first_chunk_mut().unwrap());
        packet[HEADER..].copy_from_slice(payload);
        self.streams.received(self.now(), key, from, &mut packet, &mut self.sink);
    }

    fn say(&mut self, leg: LegId, payload_type: u8, sequence: u16, payload: &[u8]) {
        let timestamp = u32::from(sequence) * 160;
        let header = Header { marker: false, payload_type, sequence, timestamp, ssrc: 1_000 + leg.0 as u32 };
        self.say_from(leg, address(leg), header, payload);
    }

    /// One key, told by its first packet.
    fn press(&mut self, leg: LegId, digit: char, sequence: u16) {
        let payload = [dtmf::event(digit).unwrap(), 10, 0, 160];
        self.say(leg, 110 + leg.0 as u8, sequence, &payload);
    }

    /// What a leg was sent, and forgets it.
    fn take(&mut self, leg: LegId) -> Vec<Sent> {
        let key = self.streams.key_of(leg).unwrap();
        self.sink.sent.extract_if(.., |sent| sent.stream == key).collect()
    }

    fn events(&mut self) -> Vec<MediaEvent> {
        std::mem::take(&mut self.sink.events)
    }
}

/// Every packet comes 20 ms after the one before, in time, in sequence and in media time.
fn is_even(sent: &[Sent]) {
    for pair in sent.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        assert_eq!(after.ms - before.ms, 20);
        assert_eq!(after.header.ssrc, before.header.ssrc);
        assert_eq!(after.header.sequence, before.header.sequence.wrapping_add(1));
        assert_eq!(after.header.timestamp, before.header.timestamp.wrapping_add(160));
    }
}

fn first_bytes(sent: &[Sent]) -> Vec<u8> {
    sent.iter().map(|sent| sent.payload[0]).collect()
}

mod asked;
mod hearing;
mod packing;
mod recording;
mod reports;

#[test]
fn nothing_is_sent_before_both_sides_agreed() {
    let mut rig = Rig::new();
    rig.streams.open(Timestamp::ZERO, A, origin(A)).unwrap();
    rig.command(play(A, 1, &[clip(1, 3)]));
    rig.run(1_000);
    assert!(rig.sink.sent.is_empty() && rig.sink.reports.is_empty());
    assert_eq!(rig.streams.open(Timestamp::ZERO, A, origin(A)), None, "a leg has one stream");
}

#[test]
fn clips_play_frame_by_frame_between_silence_and_media_time_never_stops() {
    let mut rig = Rig::new();
    rig.open(A, pcmu(A));
    rig.run(100);
    rig.command(play(A, 1, &[clip(1, 2), clip(50, 1)]));
    rig.run(60);
    assert_eq!(rig.events(), [ended(A, 1, false)], "with its last frame");
    rig.run(40);
    let sent = rig.take(A);
    is_even(&sent);
    assert_eq!(first_bytes(&sent), [255, 255, 255, 255, 255, 1, 2, 50, 255, 255]);
    assert!(sent.iter().all(|sent| sent.payload.len() == 160 && sent.to == address(A)));
    let marked: Vec<bool> = sent.iter().map(|sent| sent.header.marker).collect();
    assert_eq!(
        marked.iter().filter(|marked| **marked).count(),
        2,
        "the first of all, and the first of the play"
    );
    assert!(marked[0] && marked[5]);
}

#[test]
fn a_law_hears_the_a_law_side_of_a_clip() {
    let mut rig = Rig::new();
    rig.open(A, agreed(A, Codec::Pcma));
    rig.command(play(A, 1, &[clip(1, 2)]));
    rig.run(60);
    let sent = rig.take(A);
    assert_eq!(first_bytes(&sent), [0x81, 0x82, 0xd5]);
    assert!(sent.iter().all(|sent| sent.header.payload_type == 8));
}

#[test]
fn a_play_takes_the_place_of_what_plays() {
    let mut rig = Rig::pair();
    rig.command(play(A, 1, &[clip(1, 9)]));
    rig.run(40);
    rig.command(play(A, 2, &[clip(50, 9)]));
    rig.run(40);
    rig.command(MediaCommand::Stop { leg: A });
    rig.run(20);
    assert_eq!(first_bytes(&rig.take(A)), [1, 2, 50, 51, 255]);
    assert_eq!(rig.events(), [ended(A, 1, true), ended(A, 2, true)]);
}

#[test]
fn music_repeats_and_a_list_without_sound_ends_at_once() {
    let mut rig = Rig::pair();
    let repeat = |id, clips: &[Arc<Clip>]| MediaCommand::Play {
        leg: A,
        play: PlayId(id),
        clips: clips.into(),
        barge_in: false,
        repeat: true,
    };
    rig.command(repeat(1, &[clip(1, 2), clip(0, 0), clip(8, 1)]));
    rig.run(140);
    assert_eq!(first_bytes(&rig.take(A)), [1, 2, 8, 1, 2, 8, 1]);
    rig.command(repeat(2, &[clip(0, 0)]));
    rig.command(repeat(3, &[]));
    assert_eq!(rig.events(), [ended(A, 1, true), ended(A, 2, false), ended(A, 3, false)]);
}

#[test]
fn a_digit_stops_a_prompt_at_once_where_the_flow_allows_it() {
    let mut rig = Rig::pair();
    rig.command(play(A, 1, &[clip(1, 90)]));
    rig.run(40);
    rig.press(A, '5', 7);
    rig.run(20);
    assert_eq!(rig.events(), [MediaEvent::Digit { leg: A, digit: '5' }], "this one may not be stopped");
    let clips = Arc::from([clip(100, 90)]);
    rig.command(MediaCommand::Play { leg: A, play: PlayId(2), clips, barge_in: true, repeat: false });
    rig.run(20);
    rig.press(A, '6', 50);
    rig.press(A, '6', 50);
    rig.run(20);
    assert_eq!(first_bytes(&rig.take(A)), [1, 2, 3, 100, 255]);
    assert_eq!(
        rig.events(),
        [ended(A, 1, true), MediaEvent::Digit { leg: A, digit: '6' }, ended(A, 2, true)]
    );
}

#[test]
fn direction_is_respected_and_a_prompt_runs_on_over_a_hold() {
    let mut rig = Rig::pair();
    rig.command(MediaCommand::Join { a: A, b: B });
    for (direction, sends, receives) in [
        (Direction::SendRecv, true, true),
        (Direction::SendOnly, true, false),
        (Direction::RecvOnly, false, true),
        (Direction::Inactive, false, false),
    ] {
        rig.command(MediaCommand::Agree { leg: A, agreed: Negotiated { direction, ..pcmu(A) } });
        rig.run(1_000);
        rig.take(A);
        rig.take(B);
        rig.run(20);
        assert_eq!(!rig.take(A).is_empty(), sends, "{direction:?}");
        rig.take(B);
        rig.say(A, 0, 1, &[9; 160]);
        assert_eq!(rig.take(B).iter().any(|sent| sent.payload[0] == 9), receives, "{direction:?}");
        rig.events();
        rig.press(A, '1', 10 + 10 * direction as u16);
        assert_eq!(!rig.events().is_empty(), receives, "{direction:?}");
    }
    rig.command(play(A, 5, &[clip(1, 3)]));
    rig.run(60);
    assert_eq!(rig.events(), [ended(A, 5, false)]);
    assert_eq!(rig.take(A), []);
}

#[test]
fn a_line_that_falls_silent_is_told_once_and_when_it_is_back() {
    let mut rig = Rig::new();
    rig.open(A, pcmu(A));
    rig.run(4_900);
    assert_eq!(rig.events(), []);
    rig.run(10_000);
    assert_eq!(rig.events(), [MediaEvent::AudioLost { leg: A }]);
    rig.say(A, 0, 1, &[1; 160]);
    rig.say(A, 0, 2, &[1; 160]);
    assert_eq!(rig.events(), [MediaEvent::AudioBack { leg: A }]);
}

#[test]
fn a_line_on_hold_is_not_missed() {
    let mut rig = Rig::new();
    rig.open(A, Negotiated { direction: Direction::SendOnly, ..pcmu(A) });
    rig.run(20_000);
    rig.command(MediaCommand::Agree { leg: A, agreed: pcmu(A) });
    rig.run(4_900);
    assert_eq!(rig.events(), [], "five seconds count from the end of the hold");
    rig.run(200);
    assert_eq!(rig.events(), [MediaEvent::AudioLost { leg: A }]);
}

#[test]
fn joined_legs_hear_each_other_when_packets_come_each_in_its_own_terms() {
    let mut rig = Rig::new();
    rig.open(A, pcmu(A));
    rig.open(B, agreed(B, Codec::Pcma));
    rig.command(play(B, 1, &[clip(1, 90)]));
    rig.run(40);
    rig.command(MediaCommand::Join { a: A, b: B });
    assert_eq!(rig.events(), [ended(B, 1, true)]);
    let before = rig.take(B);
    rig.say(A, 0, 500, &[0x1e; 160]);
    rig.press(A, '4', 501);
    let passed = rig.take(B);
    assert_eq!(passed[0].ms, 40, "at once, not in the next frame");
    assert_eq!(
        (passed[0].header.payload_type, passed[0].payload[0]),
        (8, 0x34),
        "the digital milliwatt of A-law"
    );
    assert_eq!((passed[1].header.payload_type, passed[1].payload[0]), (102, 4), "B's number for events");
    let last = &before.last().unwrap().header;
    assert_eq!(
        (passed[0].header.ssrc, passed[0].header.sequence),
        (last.ssrc, last.sequence.wrapping_add(1))
    );
    assert!(passed[0].header.timestamp.wrapping_sub(last.timestamp) >= 160);
    assert_eq!(passed[1].header.timestamp, passed[0].header.timestamp.wrapping_add(160));
    assert_eq!(rig.events(), [MediaEvent::Digit { leg: A, digit: '4' }]);
    rig.say(B, 8, 7, &[0x34; 80]);
    assert_eq!(rig.take(A).last().unwrap().payload, [0x1e; 80], "whatever its packets' length");
}

#[test]
fn what_is_left_of_a_key_that_was_for_a_flow_is_not_passed_on() {
    let mut rig = Rig::pair();
    let key = |rig: &mut Rig, sequence, press: u32, digit| {
        let header = Header { marker: false, payload_type: 111, sequence, timestamp: press, ssrc: 1_001 };
        rig.say_from(A, address(A), header, &[dtmf::event(digit).unwrap(), 10, 0, 160]);
    };
    let keys = |rig: &mut Rig| -> Vec<u8> {
        let sent = rig.take(B);
        sent.iter().filter(|sent| sent.header.payload_type == 102).map(|sent| sent.payload[0]).collect()
    };
    key(&mut rig, 1, 160, '7');
    rig.command(MediaCommand::Join { a: A, b: B });
    key(&mut rig, 2, 160, '7');
    key(&mut rig, 3, 160, '7');
    assert!(keys(&mut rig).is_empty(), "it was the last digit of a PIN");
    key(&mut rig, 4, 4_000, '5');
    key(&mut rig, 5, 4_000, '5');
    assert_eq!(keys(&mut rig), [5, 5], "a key for who is heard now");
    rig.command(MediaCommand::Mute { leg: A, on: true });
    key(&mut rig, 6, 8_000, '3');
    rig.command(MediaCommand::Mute { leg: A, on: false });
    key(&mut rig, 7, 8_000, '3');
    assert!(keys(&mut rig).is_empty());
    key(&mut rig, 8, u32::MAX, '9');
    key(&mut rig, 9, 9_600, '6');
    assert_eq!(keys(&mut rig), [6], "what came late is of before, too");
}

#[test]
fn silence_fills_in_when_a_joined_leg_says_nothing_and_when_they_part() {
    let mut rig = Rig::pair();
    rig.command(MediaCommand::Join { a: A, b: B });
    rig.run(20);
    for sequence in 0..10 {
        rig.say(A, 0, sequence, &[7; 160]);
        rig.run(20);
    }
    let talk = rig.take(B);
    assert_eq!(first_bytes(&talk[1..]), [7; 10], "nothing between the packets");
    rig.run(1_000);
    let quiet = rig.take(B);
    assert!((40..=41).contains(&quiet.len()), "after 200 ms: {}", quiet.len());
    is_even(&quiet);
    let last = talk.last().unwrap().header;
    assert_eq!(quiet[0].header.sequence, last.sequence.wrapping_add(1));
    assert!((quiet[0].header.timestamp.wrapping_sub(last.timestamp) as i32) >= 160);
    rig.say(A, 0, 60, &[7; 160]);
    rig.command(MediaCommand::Part { a: B, b: A });
    rig.say(A, 0, 61, &[7; 160]);
    rig.run(20);
    assert_eq!(first_bytes(&rig.take(B)), [7, 255]);
}

#[test]
fn a_third_leg_takes_the_place_of_the_second() {
    let mut rig = Rig::pair();
    rig.open(LegId(3), pcmu(LegId(3)));
    rig.command(MediaCommand::Join { a: A, b: B });
    rig.command(MediaCommand::Join { a: A, b: LegId(3) });
    rig.command(MediaCommand::Part { a: A, b: B });
    rig.say(A, 0, 1, &[7; 160]);
    assert_eq!(first_bytes(&rig.take(LegId(3))), [7], "parting from one who left changes nothing");
    assert_eq!(rig.take(B), []);
    rig.say(B, 0, 1, &[8; 160]);
    assert_eq!(rig.take(A), []);
}

#[test]
fn a_leg_in_a_conversation_hears_a_prompt_alone_and_then_the_other_again() {
    let mut rig = Rig::pair();
    rig.command(MediaCommand::Join { a: A, b: B });
    rig.command(play(B, 1, &[clip(1, 2)]));
    for sequence in 0..4 {
        rig.say(A, 0, sequence, &[99; 160]);
        rig.run(20);
    }
    assert_eq!(first_bytes(&rig.take(B)), [1, 2, 99, 99]);
}

#[test]
fn an_echo_is_heard_by_its_own_leg_only() {
    let mut rig = Rig::pair();
    rig.command(MediaCommand::Join { a: A, b: B });
    rig.command(MediaCommand::Echo { leg: A, on: true });
    rig.say(A, 0, 1, &[7; 160]);
    assert_eq!(first_bytes(&rig.take(A)), [7]);
    assert_eq!(rig.take(B), []);
    rig.command(MediaCommand::Echo { leg: A, on: false });
    rig.say(A, 0, 2, &[7; 160]);
    assert_eq!(first_bytes(&rig.take(B)), [7]);
}

#[test]
fn a_digit_is_sent_in_the_peers_terms_and_audio_goes_on_after_it() {
    let mut rig = Rig::new();
    rig.open(A, pcmu(A));
    rig.run(40);
    for digit in ['1', '1', 'E', '#'] {
        rig.command(MediaCommand::SendDigit { leg: A, digit, duration: Duration::from_millis(80) });
    }
    rig.run(700);
    let sent = rig.take(A);
    let mut receiver = DigitReceiver::default();
    let events: Vec<&Sent> = sent.iter().filter(|sent| sent.header.payload_type == 101).collect();
    let heard: String =
        events.iter().filter_map(|sent| receiver.receive(&sent.header, &sent.payload)).collect();
    assert_eq!(heard, "11#");
    assert_eq!(events.iter().filter(|sent| sent.header.marker).count(), 3);
    assert_eq!(events.iter().filter(|sent| sent.payload[1] & 0x80 != 0).count(), 9, "each end three times");
    for pair in sent.windows(2) {
        assert_eq!(pair[1].header.sequence, pair[0].header.sequence.wrapping_add(1));
        assert!((pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp) as i32) >= 0);
    }
    let (first, last) = (&sent[0], sent.last().unwrap());
    let elapsed = ((last.ms - first.ms) * 8) as u32;
    assert_eq!(last.header.timestamp.wrapping_sub(first.header.timestamp), elapsed, "media time is time");
}

/// Some samples of tones, as packets of µ-law.
fn keyed(digits: &str) -> Vec<Vec<u8>> {
    let (mut sender, mut frame) = (ToneSender::default(), [0; 160]);
    for digit in digits.chars() {
        sender.push(digit, Duration::from_millis(80));
    }
    let mut packets = Vec::new();
    while sender.frame(&mut frame) {
        packets.push(frame.iter().map(|sample| Law::Mu.encode(*sample)).collect());
    }
    packets
}

#[test]
fn without_telephone_event_keys_are_tones_both_ways() {
    let mut rig = Rig::new();
    rig.open(A, Negotiated { telephone_event: None, ..pcmu(A) });
    for digit in ['1', '9', '9', '#'] {
        rig.command(MediaCommand::SendDigit { leg: A, digit, duration: Duration::from_millis(80) });
    }
    rig.run(700);
    let sent = rig.take(A);
    is_even(&sent);
    let mut heard = String::new();
    let codes = sent.iter().flat_map(|sent| &sent.payload).map(|code| Law::Mu.decode(*code));
    ToneReceiver::default().listen(codes, |digit| heard.push(digit));
    assert_eq!(heard, "199#");

    rig.command(MediaCommand::Play {
        leg: A,
        play: PlayId(1),
        clips: [clip(1, 90)].into(),
        barge_in: true,
        repeat: false,
    });
    for (sequence, packet) in (0..).zip(keyed("42")) {
        rig.say(A, 0, sequence, &packet);
        rig.run(20);
    }
    let digit = |digit| MediaEvent::Digit { leg: A, digit };
    assert_eq!(rig.events(), [digit('4'), ended(A, 1, true), digit('2')]);
}

#[test]
fn who_has_telephone_event_is_not_asked_for_tones() {
    let mut rig = Rig::new();
    rig.open(A, pcmu(A));
    for (sequence, packet) in (0..).zip(keyed("42")) {
        rig.say(A, 0, sequence, &packet);
        rig.run(20);
    }
    assert_eq!(rig.events(), []);
}

#[test]
fn a_new_codec_goes_on_in_the_same_stream() {
    let mut rig = Rig::new();
    rig.open(A, pcmu(A));
    rig.run(100);
    rig.command(MediaCommand::Agree { leg: A, agreed: agreed(A, Codec::Pcma) });
    rig.run(100);
    let sent = rig.take(A);
    is_even(&sent);
    assert_eq!(sent.iter().filter(|sent| sent.header.payload_type == 8).count(), 5);
    assert!(sent[5].header.marker && sent[5].payload == [0xd5; 160]);
}

#[test]
fn a_stranger_is_neither_heard_nor_answered() {
    let mut rig = Rig::pair();
    rig.command(MediaCommand::Join { a: A, b: B });
    rig.say(A, 0, 1, &[7; 160]);
    let forged = Header { marker: false, payload_type: 0, sequence: 2, timestamp: 320, ssrc: 666 };
    for sequence in 2..20 {
        rig.say_from(A, "203.0.113.1:9".parse().unwrap(), Header { sequence, ..forged }, &[66; 160]);
    }
    rig.run(20);
    assert_eq!(first_bytes(&rig.take(B)), [7]);
    assert!(rig.take(A).iter().all(|sent| sent.to == address(A)));
}

#[test]
fn a_phone_that_names_its_host_is_heard_and_answered_where_its_packets_come_from() {
    let mut rig = Rig::new();
    rig.open(A, Negotiated { remote_rtp: None, remote_named: Some(4_000), remote_rtcp: None, ..pcmu(A) });
    rig.run(6_000);
    assert!(rig.take(A).is_empty(), "nobody knows where it is");
    assert_eq!(rig.events(), [MediaEvent::AudioLost { leg: A }]);
    for sequence in 1..4 {
        rig.say(A, 0, sequence, &[7; 160]);
        rig.run(20);
    }
    assert_eq!(rig.events(), [MediaEvent::AudioBack { leg: A }]);
    rig.run(100);
    let sent = rig.take(A);
    assert!(sent.len() >= 5 && sent.iter().all(|sent| sent.to == address(A)), "{}", sent.len());
}

#[test]
fn closing_tells_what_the_line_carried_and_leaves_the_other_in_silence() {
    let mut rig = Rig::pair();
    let key = rig.streams.key_of(A).unwrap();
    rig.command(MediaCommand::Join { a: A, b: B });
    for sequence in [1, 2, 4, 5] {
        rig.say(A, 0, sequence, &[7; 160]);
        rig.run(20);
    }
    rig.command(MediaCommand::Close { leg: A });
    assert_eq!(rig.sink.closed, [key]);
    let events = rig.events();
    let [MediaEvent::Closed { leg: A, quality }] = events[..] else { panic!("{events:?}") };
    assert_eq!((quality.received, quality.lost, quality.round_trip_us), (4, 1, None));
    assert!(quality.sent >= 4);
    rig.take(B);
    rig.run(40);
    assert_eq!(first_bytes(&rig.take(B)), [255, 255]);
    for late in [MediaCommand::Close { leg: A }, MediaCommand::Stop { leg: A }, play(A, 1, &[clip(1, 1)])] {
        rig.command(late);
    }
    assert_eq!(rig.events(), []);
    assert_eq!(rig.streams.len(), 1);
}

#[test]
fn a_greeting_waits_for_the_handshake_but_not_for_ever() {
    let shaking = || {
        let dtls = Dtls {
            setup: Setup::Passive,
            fingerprint: Fingerprint::of(b"theirs"),
            rtcp_mux: true,
            ice: None,
        };
        Negotiated { srtp: Some(Srtp::Dtls(dtls)), ..pcmu(A) }
    };
    for (open_after_ms, first_ms) in [(0, 0), (300, 300), (5_000, 2_000)] {
        let mut rig = Rig::new();
        rig.sink.shut = open_after_ms > 0;
        rig.open(A, shaking());
        rig.command(play(A, 1, &[clip(1, 3)]));
        rig.run(open_after_ms);
        rig.sink.shut = false;
        rig.run(1_000);
        let sent = rig.take(A);
        assert!((first_ms..first_ms + 21).contains(&sent[0].ms), "{} ms", sent[0].ms);
        assert_eq!(first_bytes(&sent)[..3], [1, 2, 3], "from its first word on");
        // A session that is refreshed waits for nothing.
        rig.sink.shut = true;
        rig.command(MediaCommand::Agree { leg: A, agreed: shaking() });
        rig.run(100);
        assert_eq!(rig.take(A).len(), 5);
    }
}

#[test]
fn a_peer_that_wants_keys_by_info_is_told_each_press_once_and_its_audio_goes_on() {
    let told = |rig: &mut Rig| -> String {
        let told = |event| match event {
            MediaEvent::SendInfo { leg: B, digit } => Some(digit),
            _ => None,
        };
        rig.events().into_iter().filter_map(told).collect()
    };
    let mut rig = Rig::new();
    rig.open(A, pcmu(A));
    rig.open(B, Negotiated { keys_by_info: true, ..pcmu(B) });
    for digit in "47#".chars() {
        rig.command(MediaCommand::SendDigit { leg: B, digit, duration: Duration::from_millis(100) });
    }
    rig.run(40);
    assert_eq!(
        told(&mut rig),
        "4",
        "the next one waits until this press is over: requests may overtake each other"
    );
    rig.run(1_000);
    assert_eq!(told(&mut rig), "7#");
    let sent = rig.take(B);
    is_even(&sent);
    assert!(sent.len() == 52 && sent.iter().all(|sent| sent.header.payload_type == 0));

    // Keys of a leg that it hears, forwarded or mixed, and neither their packets.
    rig.command(MediaCommand::Join { a: A, b: B });
    for mixed in [false, true] {
        if mixed {
            rig.command(MediaCommand::Gain { leg: A, gain_db: 6 });
        }
        let start = if mixed { 100 } else { 0 };
        for n in start..start + 20u16 {
            match n % 10 {
                3 => (0..3).for_each(|_| rig.press(A, '5', n)),
                _ => rig.say(A, 0, n, &[9; 160]),
            }
            rig.run(20);
        }
        rig.run(400);
        assert_eq!(told(&mut rig), "55", "mixed: {mixed}");
        assert!(rig.take(B).iter().all(|sent| sent.header.payload_type == 0));
    }
}

#[test]
fn reports_run_on_a_call_and_end_with_a_bye() {
    let mut rig = Rig::pair();
    rig.run(7_000);
    rig.command(MediaCommand::Close { leg: A });
    let of_a: Vec<_> = rig.sink.reports.iter().filter(|(_, stream, _)| *stream == 0).collect();
    assert!(of_a.len() >= 2, "{of_a:?}");
    assert!(of_a.iter().all(|(_, _, packet)| packet[1] == 200), "sender reports");
    assert_eq!(of_a.last().unwrap().2[of_a.last().unwrap().2.len() - 7], 203);
}

#[test]
fn streams_are_spread_evenly_over_the_frame_however_they_come_and_go() {
    let mut rig = Rig::new();
    for leg in 0..100 {
        rig.open(LegId(leg), pcmu(A));
    }
    assert!((0..SLOTS).all(|slot| rig.streams.in_slot(slot) == 5));
    for leg in (0..100).step_by(3) {
        rig.command(MediaCommand::Close { leg: LegId(leg) });
    }
    for leg in 100..134 {
        rig.open(LegId(leg), pcmu(A));
    }
    assert!((0..SLOTS).all(|slot| rig.streams.in_slot(slot) == 5));
    rig.run(40);
    assert_eq!(rig.sink.sent.len(), 200, "each twice in two frames");
}

#[test]
fn whatever_is_asked_and_said_each_receiver_sees_one_steady_source() {
    for seed in 0..200 {
        let mut chance = Entropy::seeded(seed);
        let mut rig = Rig::pair();
        rig.open(LegId(3), agreed(LegId(3), Codec::Pcma));
        let mut sequence = [chance.u32() as u16; 4];
        let mut plays = (0, 0);
        for step in 0..300 {
            let leg = LegId(1 + chance.below(3));
            let other = LegId(1 + chance.below(3));
            match chance.below(12) {
                0 => {
                    plays.0 += 1;
                    rig.command(play(leg, step, &[clip(1, chance.below(9) as u8)]));
                }
                1 => rig.command(MediaCommand::Stop { leg }),
                2 if chance.below(2) == 0 => rig.command(MediaCommand::Join { a: leg, b: other }),
                2 => {
                    let whom = (1..=3).map(LegId).filter(|_| chance.below(2) == 0).collect();
                    rig.command(MediaCommand::Hear { leg, whom });
                }
                3 => rig.command(MediaCommand::Part { a: leg, b: other }),
                4 if chance.below(2) == 0 => {
                    let asked = [Asked::Known, Asked::Unacknowledged, Asked::ByStranger];
                    rig.command(MediaCommand::Asked { leg, asked: asked[chance.below(3) as usize] });
                }
                4 => rig.command(MediaCommand::Echo { leg, on: chance.below(3) == 0 }),
                5 => rig.press(leg, '5', sequence[leg.0 as usize]),
                6 => {
                    let duration = Duration::from_millis(chance.below(300));
                    rig.command(MediaCommand::SendDigit { leg, digit: '7', duration });
                }
                7 => rig.run(chance.below(400)),
                _ => {
                    let at = &mut sequence[leg.0 as usize];
                    *at = at.wrapping_add([0, 1, 1, 1, 2][chance.below(5) as usize]);
                    let at = *at;
                    rig.say(leg, 0, at, &[7; 160]);
                    rig.run(chance.below(30));
                }
            }
        }
        for leg in 1..=3 {
            let sent = rig.take(LegId(leg));
            for pair in sent.windows(2) {
                let (before, after) = (pair[0].header, pair[1].header);
                let steps = after.sequence.wrapping_sub(before.sequence) as i16;
                let units = after.timestamp.wrapping_sub(before.timestamp) as i32;
                assert_eq!(before.ssrc, after.ssrc, "seed {seed}");
                assert!((0..=4).contains(&steps), "seed {seed}: {steps} steps");
                // A repeated number is the peer's own duplicate, passed on as it came.
                assert!(units >= 0, "seed {seed}: {units} units back at {} ms", pair[1].ms);
            }
        }
        for leg in 1..=3 {
            rig.command(MediaCommand::Asked { leg: LegId(leg), asked: Asked::Known });
            rig.command(MediaCommand::Stop { leg: LegId(leg) });
        }
        plays.1 = rig.events().iter().filter(|event| matches!(event, MediaEvent::PlayEnded { .. })).count();
        assert_eq!(plays.0, plays.1, "seed {seed}: each play ends once");
        for leg in [A, B, LegId(3)] {
            let key = rig.streams.key_of(leg).unwrap();
            for other in rig.streams.streams[key].stream.hears.clone() {
                assert!(rig.streams.streams[other].stream.heard_by.contains(&key), "seed {seed}");
            }
        }
    }
}
