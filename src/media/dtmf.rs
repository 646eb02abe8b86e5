//! Keys as telephone-events (RFC 4733): one digit per press out of whatever comes, and presses that we send.
//!
//! Leaves out tones in the audio itself.

use std::collections::VecDeque;
use std::time::Duration;

use arrayvec::ArrayVec;
use serde::Deserialize;
use serde::Serialize;

use crate::media::rtp::Header;

/// Octets of an event's payload.
pub const PAYLOAD: usize = 4;
/// The longest duration that one packet can tell: 8.2 s of an 8 kHz clock, 1.3 s of a 48 kHz one.
const LONGEST: u16 = 0xffff;

/// The digit of an event code 0-15; none for flash and all that is no key.
///
/// [RFC 4733 §3.2](https://www.rfc-editor.org/rfc/rfc4733#section-3.2)
pub fn digit(event: u8) -> Option<char> {
    b"0123456789*#ABCD".get(usize::from(event)).map(|digit| char::from(*digit))
}

/// The event code of a digit.
pub fn event(digit: char) -> Option<u8> {
    "0123456789*#ABCD".chars().position(|known| known == digit.to_ascii_uppercase()).map(|at| at as u8)
}

/// The payload of an event packet.
///
/// [RFC 4733 §2.3](https://www.rfc-editor.org/rfc/rfc4733#section-2.3)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    pub event: u8,
    /// The key was let go.
    pub end: bool,
    /// -dBm0.
    pub volume: u8,
    /// How long so far, in clock units.
    pub duration: u16,
}

impl Payload {
    /// Reads the first event of a payload; none when it is too short.
    pub fn parse(payload: &[u8]) -> Option<Payload> {
        let [event, flags, high, low] = *payload.first_chunk()?;
        let duration = u16::from_be_bytes([high, low]);
        Some(Payload { event, end: flags & 0x80 != 0, volume: flags & 0x3f, duration })
    }

    /// The four octets.
    pub fn to_bytes(self) -> [u8; PAYLOAD] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, u8::from(self.end) << 7 | self.volume & 0x3f, high, low]
    }
}

/// How many presses are remembered, so that a late packet of one is not taken for another.
const REMEMBERED: usize = 8;

/// A packet that lies so many before the latest one at most is late; one further back was sent after its sender has begun to
/// number anew. 10 s, for which no network keeps a packet.
const LATE: u16 = 500;

/// Tells presses apart by their media time: all packets of one press carry the same.
///
/// Border controllers begin media time anew within a call, under the same SSRC: a press that was sent after all others but says that
/// it is earlier is the first of another time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigitReceiver {
    ssrc: u32,
    /// The media times of the latest presses, oldest first.
    presses: ArrayVec<u32, REMEMBERED>,
    /// The latest press.
    event: u8,
    ended: bool,
    /// The sequence number of the packet that was sent last.
    newest: Option<u16>,
}

impl DigitReceiver {
    /// The digit that begins with this packet; none when its press was told already.
    ///
    /// Any packet of a press will do: the first, an update or an end, in whatever order.
    pub fn receive(&mut self, header: &Header, payload: &[u8]) -> Option<char> {
        let payload = Payload::parse(payload)?;
        let digit = digit(payload.event)?;
        if self.ssrc != header.ssrc {
            *self = DigitReceiver { ssrc: header.ssrc, ..DigitReceiver::default() };
        }
        let late = self.is_late(header.sequence);
        if !late {
            self.newest = Some(header.sequence);
        }
        if self.presses.contains(&header.timestamp) {
            if self.presses.last() == Some(&header.timestamp) {
                self.ended |= payload.end;
            }
            return None;
        }
        if !late && self.is_set_back(header.timestamp) {
            self.presses.clear();
        }
        if self.is_stale(header.timestamp) {
            return None;
        }
        let continues = self.continues(header.timestamp, payload.event);
        self.remember(header.timestamp, payload);
        (!continues).then_some(digit)
    }

    /// Which press is the latest: whose (SSRC), and its media time.
    pub fn latest(&self) -> Option<(u32, u32)> {
        self.presses.last().map(|press| (self.ssrc, *press))
    }

    /// Whether a packet was sent before one that has come.
    fn is_late(&self, sequence: u16) -> bool {
        self.newest.is_some_and(|newest| newest.wrapping_sub(sequence) <= LATE)
    }

    /// Earlier than the latest press.
    fn is_set_back(&self, timestamp: u32) -> bool {
        self.presses.last().is_some_and(|latest| (timestamp.wrapping_sub(*latest) as i32) < 0)
    }

    /// Older than all that is remembered: a packet of a press that was forgotten.
    fn is_stale(&self, timestamp: u32) -> bool {
        self.presses.is_full() && (timestamp.wrapping_sub(self.presses[0]) as i32) < 0
    }

    /// A key that is held longer than a duration can tell goes on as a new segment, whose media time is
    /// [`LONGEST`] later ([RFC 4733 §2.5.1.3](https://www.rfc-editor.org/rfc/rfc4733#section-2.5.1.3)).
    fn continues(&self, timestamp: u32, event: u8) -> bool {
        let Some(latest) = self.presses.last() else { return false };
        !self.ended && self.event == event && timestamp.wrapping_sub(*latest) == u32::from(LONGEST)
    }

    fn remember(&mut self, timestamp: u32, payload: Payload) {
        let at = self.presses.iter().rposition(|known| (timestamp.wrapping_sub(*known) as i32) > 0);
        let at = at.map_or(0, |before| before + 1);
        if at == self.presses.len() {
            self.event = payload.event;
            self.ended = payload.end;
        }
        let at = if self.presses.is_full() {
            self.presses.remove(0);
            // A stale one was refused, so at least one remembered press is older.
            at - 1
        } else {
            at
        };
        self.presses.insert(at, timestamp);
    }
}

/// How many presses wait to be sent; another is dropped.
pub const PENDING: usize = 64;
/// Frames of the pause after a press: 60 ms.
const PAUSE_FRAMES: u32 = 3;
/// How often the end of a press is sent ([RFC 4733 §2.5.1.4](https://www.rfc-editor.org/rfc/rfc4733#section-2.5.1.4)).
const END_PACKETS: u32 = 3;
/// Two updates in so many frames, which is one in 50 ms
/// ([RFC 4733 §2.5.1.2](https://www.rfc-editor.org/rfc/rfc4733#section-2.5.1.2)).
const TWO_UPDATES: u32 = 5;

/// Sends presses, one after the other, a packet per frame at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigitSender {
    pending: VecDeque<(u8, u32)>,
    current: Option<Press>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Press {
    event: u8,
    /// How long it shall be, in whole frames.
    frames: u32,
    /// Frames since it began, this one not counted.
    elapsed: u32,
    /// Its media time; known from its first frame on.
    timestamp: Option<u32>,
}

/// What a frame is, while digits are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitFrame {
    /// An event packet with this media time; `first` begins the press.
    Packet { timestamp: u32, first: bool, payload: Payload },
    /// Between two packets of a press, or right after it: no audio either.
    Quiet,
}

impl DigitSender {
    /// Sends `digit` after those that wait; false when it is no digit or [`PENDING`] wait already.
    ///
    /// The duration is rounded up to frames of 20 ms: at least 40 ms, at most 8 s.
    pub fn push(&mut self, digit: char, duration: Duration) -> bool {
        let Some(event) = event(digit) else { return false };
        if self.pending.len() >= PENDING {
            return false;
        }
        let frames = duration.as_millis().div_ceil(20).clamp(2, 400) as u32;
        self.pending.push_back((event, frames));
        true
    }

    /// Whether nothing is being sent.
    pub fn is_idle(&self) -> bool {
        self.current.is_none() && self.pending.is_empty()
    }

    /// What the frame that begins at media time `now` and lasts `units` is; none when it is free for audio.
    pub fn frame(&mut self, now: u32, units: u32) -> Option<DigitFrame> {
        if self.current.is_none() {
            let (event, frames) = self.pending.pop_front()?;
            // As long as one segment can tell: nobody tells a longer press from it.
            let frames = frames.min(u32::from(LONGEST) / units.max(1));
            self.current = Some(Press { event, frames, elapsed: 0, timestamp: None });
        }
        let press = self.current.as_mut()?;
        let first = press.timestamp.is_none();
        let timestamp = *press.timestamp.get_or_insert(now);
        // A packet tells how long the press was when its frame is over, as audio would.
        let told = (press.elapsed + 1).min(press.frames);
        press.elapsed += 1;
        let end = press.elapsed >= press.frames;
        let ends_sent = (press.elapsed + 1).saturating_sub(press.frames);
        if press.elapsed >= press.frames + END_PACKETS - 1 + PAUSE_FRAMES {
            self.current = None;
            return Some(DigitFrame::Quiet);
        }
        let updates = |frames: u32| frames * 2 / TWO_UPDATES;
        let due = first || if end { ends_sent <= END_PACKETS } else { updates(told) > updates(told - 1) };
        if !due {
            return Some(DigitFrame::Quiet);
        }
        let duration = (told * units) as u16;
        Some(DigitFrame::Packet {
            timestamp,
            first,
            payload: Payload { event: press.event, end, volume: 10, duration },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    /// Units of a frame in an 8 kHz clock.
    const FRAME: u32 = 160;

    fn header(timestamp: u32, marker: bool) -> Header {
        Header { marker, payload_type: 101, sequence: 0, timestamp, ssrc: 5 }
    }

    type Packet = (Header, [u8; PAYLOAD]);

    /// One packet that was sent: in which frame, and of which press.
    struct Sent {
        frame: u64,
        press: usize,
        packet: Packet,
    }

    /// The header of a packet that is sent so many frames after the first.
    fn header_in(frame: u32, timestamp: u32, marker: bool) -> Header {
        Header { sequence: (frame as u16).wrapping_add(u16::MAX - 40), ..header(timestamp, marker) }
    }

    /// Presses of 100 ms each, as many frames apart as the sender makes them.
    fn presses(digits: &str, start: u32) -> Vec<Sent> {
        let mut sender = DigitSender::default();
        for digit in digits.chars() {
            assert!(sender.push(digit, Duration::from_millis(100)));
        }
        let mut sent: Vec<Sent> = Vec::new();
        for frame in 0.. {
            match sender.frame(start.wrapping_add(frame * FRAME), FRAME) {
                Some(DigitFrame::Packet { timestamp, first, payload }) => {
                    let press = sent.last().map_or(0, |before| before.press + usize::from(first));
                    let packet = (header_in(frame, timestamp, first), payload.to_bytes());
                    sent.push(Sent { frame: u64::from(frame), press, packet });
                }
                Some(DigitFrame::Quiet) => {}
                None => break,
            }
        }
        sent
    }

    fn heard<'a>(packets: impl IntoIterator<Item = &'a Packet>) -> String {
        let mut receiver = DigitReceiver::default();
        packets.into_iter().filter_map(|(header, payload)| receiver.receive(header, payload)).collect()
    }

    #[test]
    fn every_key_has_its_event() {
        for code in 0..16 {
            assert_eq!(event(digit(code).unwrap()), Some(code));
        }
        assert_eq!((digit(16), event('E'), event('d')), (None, None, Some(15)));
        assert_eq!(heard(&[(header(1, true), [16, 10, 0, 160])]), "", "flash is no digit");
    }

    #[test]
    fn a_press_is_sent_in_steps_of_50_ms_and_its_end_three_times() {
        let sent: Vec<_> = presses("5", 1_000)
            .into_iter()
            .map(|Sent { frame, packet: (header, payload), .. }| {
                let payload = Payload::parse(&payload).unwrap();
                (frame, header.timestamp, header.marker, payload.duration, payload.end)
            })
            .collect();
        let expected = [
            (0, 1_000, true, 160, false),
            (2, 1_000, false, 480, false),
            (4, 1_000, false, 800, true),
            (5, 1_000, false, 800, true),
            (6, 1_000, false, 800, true),
        ];
        assert_eq!(sent, expected);
    }

    #[test]
    fn digits_that_wait_are_sent_one_after_the_other_with_a_pause() {
        let sent = presses("12", 0);
        let second = sent.iter().find(|sent| sent.press == 1).unwrap();
        assert_eq!(second.frame, 10, "100 ms, two more end packets, 60 ms");
        assert_eq!(second.packet.0.timestamp, 10 * FRAME);
    }

    #[test]
    fn a_full_queue_of_digits_drops_the_next_one() {
        let mut sender = DigitSender::default();
        for _ in 0..PENDING {
            assert!(sender.push('1', Duration::from_millis(100)));
        }
        assert!(!sender.push('1', Duration::from_millis(100)));
        assert!(!sender.push('x', Duration::from_millis(100)));
    }

    #[test]
    fn a_digit_is_told_at_its_first_packet() {
        let mut receiver = DigitReceiver::default();
        assert_eq!(receiver.receive(&header(160, true), &[7, 10, 0, 0]), Some('7'));
        assert_eq!(receiver.receive(&header(160, false), &[7, 0x8a, 3, 0x20]), None);
    }

    #[test]
    fn each_press_is_told_once_whatever_the_network_does() {
        let digits = "1123*#0A99D5550";
        for seed in 0..300 {
            let mut chance = Entropy::seeded(seed);
            // Media time wraps in the middle of some of the runs.
            let sent = presses(digits, u32::MAX - chance.below(20_000) as u32);
            let mut wire: Vec<(u64, Packet)> = Vec::new();
            let mut arrived = vec![false; digits.len()];
            for Sent { frame, press, packet } in sent {
                for _ in 0..[0, 1, 1, 1, 2][chance.below(5) as usize] {
                    // Up to 80 ms late: packets of one press overtake each other and its end.
                    wire.push((frame + chance.below(5), packet));
                    arrived[press] = true;
                }
            }
            wire.sort_by_key(|(when, _)| *when);
            let told = heard(wire.iter().map(|(_, packet)| packet));
            let expected: String =
                digits.chars().zip(&arrived).filter_map(|(digit, came)| came.then_some(digit)).collect();
            assert_eq!(told, expected, "seed {seed}");
        }
    }

    #[test]
    fn of_ten_packets_one_is_lost_and_no_digit() {
        for seed in 0..100 {
            let mut chance = Entropy::seeded(seed);
            let digits = "1234567890*#ABCD";
            let sent = presses(digits, 0);
            let came = sent.iter().filter(|_| chance.below(10) > 0).map(|sent| &sent.packet);
            assert_eq!(heard(came), digits, "seed {seed}");
        }
    }

    #[test]
    fn a_lost_end_does_not_swallow_the_same_digit_pressed_again() {
        let packets = [(header(0, true), [5, 10, 0, 160]), (header(1_600, false), [5, 10, 1, 0x40])];
        assert_eq!(heard(&packets), "55");
    }

    #[test]
    fn a_key_held_for_half_a_minute_is_one_digit() {
        let mut packets = Vec::new();
        for segment in 0..4u32 {
            for step in 1..=163u32 {
                let duration = (step * 400).min(65_535) as u16;
                let payload = Payload { event: 9, end: segment == 3 && step == 163, volume: 10, duration };
                packets.push((header(segment * 65_535, segment == 0 && step == 1), payload.to_bytes()));
            }
        }
        assert_eq!(heard(&packets), "9");
        packets.push((header(4 * 65_535, true), [9, 10, 0, 160]));
        assert_eq!(heard(&packets), "99", "after its end the same media time would be a new press");
    }

    #[test]
    fn keys_are_heard_on_after_the_sender_has_set_its_clock_back() {
        let (before, after) = (presses("123456789*", 900_000), presses("99#0123456789", 400_000));
        // It numbers its packets on, or anew.
        for restart in [200, 20_000, 45_000] {
            let mut packets: Vec<Packet> = before.iter().map(|sent| sent.packet).collect();
            packets.extend(after.iter().map(|sent| {
                let (header, payload) = sent.packet;
                (Header { sequence: header.sequence.wrapping_add(restart), ..header }, payload)
            }));
            assert_eq!(heard(&packets), "123456789*99#0123456789", "{restart}");
        }
    }

    #[test]
    fn a_packet_of_a_press_that_was_forgotten_long_ago_is_no_new_one() {
        let sent = presses("1234567890", 0);
        let late = sent.iter().filter(|sent| sent.press == 0).map(|sent| sent.packet);
        let packets: Vec<Packet> = sent.iter().map(|sent| sent.packet).chain(late).collect();
        assert_eq!(heard(&packets), "1234567890");
    }

    #[test]
    fn a_new_source_may_use_the_same_media_times() {
        let mut receiver = DigitReceiver::default();
        assert_eq!(receiver.receive(&header(160, true), &[1, 10, 0, 160]), Some('1'));
        let other = Header { ssrc: 6, ..header(160, true) };
        assert_eq!(receiver.receive(&other, &[1, 10, 0, 160]), Some('1'));
    }

    #[test]
    fn a_short_payload_is_nothing() {
        assert_eq!(DigitReceiver::default().receive(&header(1, true), &[1, 2, 3]), None);
    }
}
