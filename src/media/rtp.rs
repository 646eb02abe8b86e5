//! RTP (RFC 3550): reading and writing the header, and what one outgoing stream keeps continuous.
//!
//! The header is read and written here, not by `rtc-rtp`: that crate's `Header` owns two vectors and its
//! packet a reference-counted payload, which a forwarded packet must not pay for; it also takes packets of
//! any version. `benches/media.rs` compares the two; in the tests it is the second opinion.

use serde::Deserialize;
use serde::Serialize;

use crate::base::Entropy;
use crate::base::Timestamp;
use crate::media::origin::BUNCH;
use crate::media::origin::Origin;
use crate::media::origin::PACE;

/// Octets of a header without contributing sources and extensions.
pub const HEADER: usize = 12;
/// The longest packet that is read or sent: what fits an Ethernet frame.
pub const MAX_PACKET: usize = 1472;

/// The fixed part of a header.
///
/// [RFC 3550 §5.1](https://www.rfc-editor.org/rfc/rfc3550#section-5.1)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The beginning of a talk spurt, or of a telephone-event.
    pub marker: bool,
    /// 0-127.
    pub payload_type: u8,
    pub sequence: u16,
    /// Media time, in units of the codec's clock.
    pub timestamp: u32,
    pub ssrc: u32,
}

/// A packet taken apart: where its payload lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub header: Header,
    /// Where the payload begins; at least [`HEADER`], so a new header fits before it.
    pub start: usize,
    /// Where it ends: padding is not in it.
    pub end: usize,
}

/// Takes a packet apart; none when it is no RTP packet.
///
/// The checks are those of [RFC 3550 A.1](https://www.rfc-editor.org/rfc/rfc3550#appendix-A.1).
pub fn parse(packet: &[u8]) -> Option<Parsed> {
    let fixed: &[u8; HEADER] = packet.first_chunk()?;
    let word = |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let header = Header {
        marker: fixed[1] & 0x80 != 0,
        payload_type: fixed[1] & 0x7f,
        sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
        timestamp: word(4),
        ssrc: word(8),
    };
    let start = payload_start(packet)?;
    let mut end = packet.len();
    if fixed[0] & 0x20 != 0 {
        // A padding count of zero would say that the count itself is not there.
        let padding = usize::from(packet[end - 1]).max(1);
        end = end.checked_sub(padding)?;
    }
    (start <= end).then_some(Parsed { header, start, end })
}

/// Where the payload of a packet begins, as its header says; none when that is no header, or not whole. The payload may
/// be encrypted.
pub fn payload_start(packet: &[u8]) -> Option<usize> {
    let fixed: &[u8; HEADER] = packet.first_chunk()?;
    if fixed[0] >> 6 != 2 {
        return None;
    }
    let mut start = HEADER + 4 * usize::from(fixed[0] & 0x0f);
    if fixed[0] & 0x10 != 0 {
        let length = packet.get(start + 2..start + 4)?;
        start += 4 + 4 * usize::from(u16::from_be_bytes([length[0], length[1]]));
    }
    (start <= packet.len()).then_some(start)
}

impl Header {
    /// Writes the header to the first [`HEADER`] octets of `packet`.
    pub fn write(&self, packet: &mut [u8; HEADER]) {
        packet[0] = 0x80;
        packet[1] = u8::from(self.marker) << 7 | self.payload_type;
        packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        packet[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
    }
}

/// One outgoing stream: its sequence and media time run on over plays, silence, joins and a change of
/// codec, so that the receiver sees one source that never restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Our synchronization source.
    pub ssrc: u32,
    /// The sequence of the next packet of our own.
    sequence: u16,
    /// The media time of frame 0. All our own frames are counted from it.
    base: u32,
    /// The media time just after the latest audio that was sent: nothing of our own may lie before it.
    floor: u32,
    /// Whether the next packet begins a talk spurt.
    mark: bool,
    /// Whose packets are passed on now, and by how much their header is moved.
    passing: Option<Passing>,
    /// How many packets it may still pass on to keep to its pace, and up to which frame that was counted.
    may_pass: i64,
    paced_to: u64,
    /// Packets sent.
    pub packets: u64,
    /// Payload octets sent, for sender reports.
    pub octets: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Passing {
    ssrc: u32,
    /// The sequence of the first packet that was passed on.
    first: u16,
    sequence_offset: u16,
    timestamp_offset: u32,
    latest_timestamp: u32,
}

/// A source whose media time leaps by more frames than this is anchored anew: 5 s.
const LEAP: u32 = 250;

impl Outgoing {
    /// A stream that begins by chance.
    pub fn new(entropy: &mut Entropy) -> Outgoing {
        Outgoing::begin(&Origin::draw(entropy), 0, 0)
    }

    /// A stream that begins there, in frame number `frame`, which lasts `units`.
    pub fn begin(origin: &Origin, frame: u64, units: u32) -> Outgoing {
        Outgoing {
            ssrc: origin.ssrc,
            sequence: origin.index as u16,
            base: origin.timestamp.wrapping_sub((frame as u32).wrapping_mul(units)),
            floor: origin.timestamp,
            mark: true,
            passing: None,
            may_pass: BUNCH as i64,
            paced_to: frame,
            packets: 0,
            octets: 0,
        }
    }

    /// The next own packet begins a talk spurt.
    pub fn begin_spurt(&mut self) {
        self.mark = true;
    }

    /// The media time at `now`, for reports: a frame counts from where it begins.
    pub fn media_time_at(&self, now: Timestamp, clock_rate: u32) -> u32 {
        let units = u128::from(now.0) * u128::from(clock_rate) / 1_000_000;
        self.base.wrapping_add(units as u32)
    }

    fn media_time(&self, frame: u64, units: u32) -> u32 {
        self.base.wrapping_add((frame as u32).wrapping_mul(units))
    }

    /// The media time of frame number `frame`, after everything that was sent before.
    pub fn clock(&mut self, frame: u64, units: u32) -> u32 {
        let timestamp = self.media_time(frame, units);
        let behind = self.floor.wrapping_sub(timestamp);
        if behind as i32 <= 0 || self.packets == 0 {
            return timestamp;
        }
        // What was passed on ran ahead of our clock: a peer's clock is faster, or its packets came in a bunch.
        self.base = self.base.wrapping_add(behind);
        self.floor
    }

    /// From frame number `frame` on a frame lasts `to` units instead of `from`: another codec's clock. Media time
    /// goes on from where it is.
    pub fn change_clock(&mut self, frame: u64, from: u32, to: u32) {
        let now = self.clock(frame, from);
        self.base = now.wrapping_sub((frame as u32).wrapping_mul(to));
        self.passing = None;
    }

    /// The header of our own audio in frame number `frame`, which lasts `units`.
    pub fn own(&mut self, payload_type: u8, frame: u64, units: u32) -> Header {
        self.own_frames(payload_type, frame, units, 1)
    }

    /// The same, of a packet of several frames.
    pub fn own_frames(&mut self, payload_type: u8, frame: u64, units: u32, count: u32) -> Header {
        let timestamp = self.clock(frame, units);
        self.passing = None;
        self.floor = timestamp.wrapping_add(units * count);
        self.next(payload_type, timestamp)
    }

    /// The header of an event packet: its media time stands still while the event lasts.
    pub fn event(&mut self, payload_type: u8, timestamp: u32, first: bool) -> Header {
        self.passing = None;
        self.mark = first;
        let header = self.next(payload_type, timestamp);
        // Whatever comes after the event begins a talk spurt.
        self.mark = true;
        header
    }

    fn next(&mut self, payload_type: u8, timestamp: u32) -> Header {
        let marker = std::mem::take(&mut self.mark);
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        self.may_pass -= 1;
        Header { marker, payload_type, sequence, timestamp, ssrc: self.ssrc }
    }

    /// The header under which a packet of another stream goes out, in frame number `frame`.
    ///
    /// Its losses, reordering and pauses stay visible: sequence and media time are moved by a constant.
    /// None for a packet older than the first that was passed on: its number is taken. None as well for one too many at once, by
    /// the pace that every stream keeps to; a loss that is too long for it does not show in the numbers.
    pub fn pass(&mut self, theirs: Header, payload_type: u8, frame: u64, units: u32) -> Option<Header> {
        self.go_with_time(frame);
        let ahead = self.passing.as_ref().map_or(1, |passing| {
            let sequence = theirs.sequence.wrapping_add(passing.sequence_offset);
            i64::from(sequence.wrapping_sub(self.sequence) as i16) + 1
        });
        let follows = self.passing.as_ref().is_some_and(|passing| {
            passing.ssrc == theirs.ssrc
                && (theirs.timestamp.wrapping_sub(passing.latest_timestamp) as i32).unsigned_abs()
                    < LEAP * units
        });
        if self.may_pass < 1 && (!follows || ahead > 0) {
            return None;
        }
        let anchored = !follows;
        if anchored {
            let timestamp = self.clock(frame + 1, units);
            self.passing = Some(Passing {
                ssrc: theirs.ssrc,
                first: theirs.sequence,
                sequence_offset: self.sequence.wrapping_sub(theirs.sequence),
                timestamp_offset: timestamp.wrapping_sub(theirs.timestamp),
                latest_timestamp: theirs.timestamp,
            });
        }
        let passing = self.passing.as_mut()?;
        if follows && ahead > self.may_pass.max(1) {
            (passing.first, passing.sequence_offset) =
                (theirs.sequence, self.sequence.wrapping_sub(theirs.sequence));
        }
        if (theirs.sequence.wrapping_sub(passing.first) as i16) < 0 {
            return None;
        }
        let sequence = theirs.sequence.wrapping_add(passing.sequence_offset);
        let timestamp = theirs.timestamp.wrapping_add(passing.timestamp_offset);
        if (theirs.timestamp.wrapping_sub(passing.latest_timestamp) as i32) > 0 {
            passing.latest_timestamp = theirs.timestamp;
            // Half a turn after the anchor, "older" would become "newer": so the anchor moves along.
            let follow = theirs.sequence.wrapping_sub(0x1000);
            if (follow.wrapping_sub(passing.first) as i16) > 0 {
                passing.first = follow;
            }
        }
        let ahead = sequence.wrapping_sub(self.sequence) as i16;
        if ahead >= 0 {
            self.sequence = sequence.wrapping_add(1);
            self.may_pass -= i64::from(ahead) + 1;
        }
        if (timestamp.wrapping_add(units).wrapping_sub(self.floor) as i32) > 0 || anchored {
            self.floor = timestamp.wrapping_add(units);
        }
        self.mark = true;
        Some(Header { marker: theirs.marker || anchored, payload_type, sequence, timestamp, ssrc: self.ssrc })
    }

    /// Counts what may be passed on by now.
    fn go_with_time(&mut self, frame: u64) {
        let frames = frame.saturating_sub(self.paced_to);
        self.may_pass = self.may_pass.saturating_add_unsigned(PACE * frames).min(BUNCH as i64);
        self.paced_to += frames;
    }

    /// Whose packets are passed on now, and by how much their media time is moved.
    pub fn passed(&self) -> Option<(u32, u32)> {
        self.passing.as_ref().map(|passing| (passing.ssrc, passing.timestamp_offset))
    }

    /// Counts a packet that was sent.
    pub fn count(&mut self, payload: usize) {
        self.packets += 1;
        self.octets += payload as u64;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const UNITS: u32 = 160;

    fn theirs(sequence: u16, timestamp: u32) -> Header {
        Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 0xabcd }
    }

    fn outgoing() -> Outgoing {
        Outgoing::new(&mut Entropy::seeded(1))
    }

    #[test]
    fn another_implementation_reads_what_we_write_and_we_read_what_it_writes() {
        use rtc_shared::marshal::Marshal;
        use rtc_shared::marshal::Unmarshal;

        let ours = Header {
            marker: true,
            payload_type: 101,
            sequence: 65_535,
            timestamp: 0xfedc_ba98,
            ssrc: 0x0102_0304,
        };
        let mut packet = [0xaa; HEADER + 3];
        ours.write(packet.first_chunk_mut().unwrap());
        let read = ::rtp::packet::Packet::unmarshal(&mut &packet[..]).unwrap();
        assert_eq!((read.header.version, read.header.marker, read.header.payload_type), (2, true, 101));
        assert_eq!(
            (read.header.sequence_number, read.header.timestamp, read.header.ssrc),
            (65_535, 0xfedc_ba98, 0x0102_0304)
        );

        let mut theirs = read;
        theirs.header.csrc = vec![1, 2, 3];
        theirs.header.extension = true;
        theirs.header.extension_profile = 0xbede;
        theirs
            .header
            .extensions
            .push(::rtp::header::Extension { id: 1, payload: Bytes::from_static(&[9, 9]) });
        theirs.payload = Bytes::from_static(b"sound");
        let written = theirs.marshal().unwrap();
        let parsed = parse(&written).unwrap();
        assert_eq!(parsed.header, ours);
        assert_eq!(&written[parsed.start..parsed.end], b"sound");
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        let mut good = [0; 20];
        theirs(1, 2).write(good.first_chunk_mut().unwrap());
        assert_eq!(parse(&good).map(|parsed| (parsed.start, parsed.end)), Some((12, 20)));
        assert_eq!(parse(&good[..11]), None, "too short");
        for (first, why) in
            [(0x40, "version 1"), (0x83, "3 sources in 8 octets"), (0x90, "no room for an extension")]
        {
            let mut bad = good;
            bad[0] = first;
            bad[14] = 1;
            assert_eq!(parse(&bad), None, "{why}");
        }
        let mut padded = good;
        padded[0] |= 0x20;
        padded[19] = 3;
        assert_eq!(parse(&padded).map(|parsed| parsed.end), Some(17));
        padded[19] = 9;
        assert_eq!(parse(&padded), None, "padding reaches into the header");
        padded[19] = 255;
        assert_eq!(parse(&padded), None, "padding longer than the packet");
    }

    #[test]
    fn own_frames_follow_each_other_and_a_pause_shows_in_the_media_time_only() {
        let mut out = outgoing();
        let first = out.own(0, 7, UNITS);
        out.count(160);
        let second = out.own(0, 8, UNITS);
        let after_a_pause = out.own(8, 20, UNITS);
        assert!(first.marker && !second.marker);
        assert_eq!(second.sequence, first.sequence.wrapping_add(1));
        assert_eq!(second.timestamp, first.timestamp.wrapping_add(160));
        assert_eq!(after_a_pause.sequence, first.sequence.wrapping_add(2));
        assert_eq!(after_a_pause.timestamp, first.timestamp.wrapping_add(13 * 160));
    }

    #[test]
    fn a_join_moves_the_peers_packets_by_a_constant_and_keeps_its_losses_visible() {
        let mut out = outgoing();
        let own = out.own(0, 1, UNITS);
        out.count(160);
        let first = out.pass(theirs(900, 5_000), 0, 1, UNITS).unwrap();
        assert!(first.marker);
        assert_eq!(first.sequence, own.sequence.wrapping_add(1));
        assert!(
            first.timestamp.wrapping_sub(own.timestamp) >= 160
                && first.timestamp.wrapping_sub(own.timestamp) <= 320
        );
        let third = out.pass(theirs(902, 5_320), 0, 3, UNITS).unwrap();
        assert_eq!(third.sequence, first.sequence.wrapping_add(2));
        assert_eq!(third.timestamp, first.timestamp.wrapping_add(320));
        let second_late = out.pass(theirs(901, 5_160), 0, 3, UNITS).unwrap();
        assert_eq!(second_late.sequence, first.sequence.wrapping_add(1));
        assert_eq!(out.pass(theirs(899, 4_840), 0, 3, UNITS), None, "its number was taken by our own packet");
        let own_again = out.own(0, 4, UNITS);
        assert_eq!(own_again.sequence, third.sequence.wrapping_add(1));
        assert!((own_again.timestamp.wrapping_sub(third.timestamp) as i32) >= 160);
        assert!(own_again.marker);
    }

    #[test]
    fn a_source_that_starts_over_or_is_replaced_never_sends_the_media_time_back() {
        let mut out = outgoing();
        out.own(0, 1, UNITS);
        out.count(160);
        let before = out.pass(theirs(10, 1_000_000), 0, 2, UNITS).unwrap();
        let leapt = out.pass(theirs(11, 5), 0, 3, UNITS).unwrap();
        assert_eq!(leapt.sequence, before.sequence.wrapping_add(1));
        assert!((leapt.timestamp.wrapping_sub(before.timestamp) as i32) >= 160);
        let other = out.pass(Header { ssrc: 1, ..theirs(40_000, 77) }, 0, 4, UNITS).unwrap();
        assert_eq!(other.sequence, leapt.sequence.wrapping_add(1));
        assert!((other.timestamp.wrapping_sub(leapt.timestamp) as i32) >= 160);
    }

    #[test]
    fn whoever_sends_more_than_the_pace_allows_is_passed_on_as_far_as_it_does() {
        let mut out = outgoing();
        let passed = |out: &mut Outgoing, from: u16, count: u16, frame| {
            (from..from + count).filter_map(|n| out.pass(theirs(n, 0), 0, frame, UNITS)).count() as u64
        };
        assert_eq!(passed(&mut out, 0, 1_000, 7), BUNCH, "at once");
        assert_eq!(passed(&mut out, 1_000, 1_000, 8), PACE, "in another frame");
        assert_eq!(passed(&mut out, 2_000, 1_000, 10_000), BUNCH, "after a pause, which is not saved up");
        // What its numbers had gone on by meanwhile is a loss that is too long to show.
        let before = out.sequence;
        assert!(out.pass(theirs(3_000, 0), 0, 10_001, UNITS).is_some());
        assert_eq!(out.sequence, before.wrapping_add(1));
    }

    #[test]
    fn packets_are_passed_on_for_hours() {
        let mut out = outgoing();
        let mut expected = None;
        for n in 0..200_000u32 {
            let header = out.pass(theirs(n as u16, n.wrapping_mul(160)), 0, u64::from(n), UNITS).unwrap();
            let next = expected.unwrap_or((header.sequence, header.timestamp));
            assert_eq!((header.sequence, header.timestamp), next);
            expected = Some((next.0.wrapping_add(1), next.1.wrapping_add(160)));
        }
    }
}
