//! A jitter buffer: packets of one leg, put back into the order in which they were sent, and how much of them
//! waits.
//!
//! Only legs that are mixed, transcoded or recorded have one; what is forwarded keeps the order and the gaps in
//! which it came, for the far end has a buffer of its own. How long packets wait is decided by who takes them
//! out: see `media::voice`.

use crate::media::codec;
use crate::media::rtp::Header;
use crate::sdp::Codec;

/// Frames of 20 ms that wait before the first of them is given out.
const PREFILL: u32 = 2;
/// Packets that are held at most: half a second of the usual ones. The oldest is dropped for one more.
const HELD: usize = 25;
/// How long that is, in milliseconds.
pub const HELD_MS: u16 = 20 * HELD as u16;
/// A media time so many frames away from what is due is a new beginning: 2 s.
const LEAP: u32 = 100;
/// So many frames missing at once were never sent: the sender was silent, or its clock leapt.
const PAUSE: u32 = 5;

/// See the module.
#[derive(Clone, Debug)]
pub struct JitterBuffer {
    /// In order of media time.
    held: Vec<Held>,
    /// Room for packets, used again.
    spare: Vec<Vec<u8>>,
    /// The media time of what is given out next; none before anything came.
    due: Option<u32>,
    /// Whether it gives out, or gathers first.
    flows: bool,
    /// The codec, source and sequence of the newest packet.
    codec: Codec,
    newest: Option<(u32, u16)>,
    pub counts: Counts,
}

/// What became of packets on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Came when their time was over.
    pub late: u32,
    /// Came again.
    pub duplicate: u32,
    /// Came after one that was sent later.
    pub reordered: u32,
}

/// A packet that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub timestamp: u32,
    pub codec: Codec,
    /// How long it lasts, in units of its clock.
    pub units: u32,
    pub payload: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Packet(Held),
    /// So many units did not come, and what follows them did.
    Missing(u32),
}

/// What became of a packet that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    Held,
    /// It is of no use any more.
    Late,
    /// It is there already.
    Duplicate,
}

impl JitterBuffer {
    /// An empty one, for a leg that will probably send this codec.
    pub fn new(codec: Codec) -> JitterBuffer {
        let (held, spare) = (Vec::with_capacity(HELD + 1), Vec::with_capacity(HELD + 1));
        JitterBuffer { held, spare, due: None, flows: false, codec, newest: None, counts: Counts::default() }
    }

    /// Takes a packet that came.
    pub fn push(&mut self, header: &Header, codec: Codec, units: u32, payload: &[u8]) -> Pushed {
        let timestamp = header.timestamp;
        let newer = self.note_newest(header);
        if self.codec != codec {
            self.clear();
            self.codec = codec;
        }
        let frame = codec::units(codec);
        if let Some(due) = self.due {
            let ahead = distance(timestamp, due);
            // One that was sent later but says that it is earlier: its sender's clock was set back.
            let set_back = newer && ahead < -((PAUSE * frame) as i32);
            if ahead.unsigned_abs() >= LEAP * frame || set_back {
                self.clear();
            } else if ahead < 0 {
                self.counts.late += 1;
                return Pushed::Late;
            }
        }
        let at = self.held.partition_point(|held| distance(held.timestamp, timestamp) < 0);
        if self.held.get(at).is_some_and(|held| held.timestamp == timestamp) {
            self.counts.duplicate += 1;
            return Pushed::Duplicate;
        }
        self.counts.reordered += u32::from(at < self.held.len());
        let mut room = self.spare.pop().unwrap_or_default();
        room.clear();
        room.extend_from_slice(payload);
        self.held.insert(at, Held { timestamp, codec, units, payload: room });
        if self.held.len() > HELD {
            let oldest = self.held.remove(0);
            self.due = self.due.map(|_| oldest.timestamp.wrapping_add(oldest.units));
            self.give_back(oldest);
        }
        Pushed::Held
    }

    /// Whether a packet was sent after all that came before it; of another source, nothing that waits counts.
    fn note_newest(&mut self, header: &Header) -> bool {
        match self.newest {
            Some((ssrc, sequence)) if ssrc == header.ssrc => {
                let newer = header.sequence.wrapping_sub(sequence) as i16 > 0;
                if newer {
                    self.newest = Some((ssrc, header.sequence));
                }
                newer
            }
            before => {
                if before.is_some() {
                    self.clear();
                }
                self.newest = Some((header.ssrc, header.sequence));
                true
            }
        }
    }

    /// What is to be heard next; none when nothing is there to be given out.
    pub fn take(&mut self) -> Option<Next> {
        let first = self.held.first()?;
        let frame = codec::units(self.codec);
        if !self.flows && self.span() < PREFILL * frame {
            return None;
        }
        // What is missing where it begins to flow was waited for already.
        let due = self.due.filter(|_| self.flows).unwrap_or(first.timestamp);
        self.flows = true;
        let missing = distance(first.timestamp, due);
        if missing > 0 && missing as u32 <= PAUSE * frame {
            self.due = Some(first.timestamp);
            return Some(Next::Missing(missing.unsigned_abs()));
        }
        let held = self.held.remove(0);
        self.due = Some(held.timestamp.wrapping_add(held.units));
        Some(Next::Packet(held))
    }

    /// The packet that comes next, if one does.
    pub fn peek(&self) -> Option<&Held> {
        self.held.first()
    }

    /// How long after what is given out next a media time is, in units; none while nothing is given out.
    pub fn ahead(&self, timestamp: u32) -> Option<i32> {
        self.due.filter(|_| self.flows).map(|due| distance(timestamp, due))
    }

    /// How much waits, in units, what is missing in between counted in.
    pub fn waits(&self) -> u32 {
        let Some(last) = self.held.last() else { return 0 };
        let end = last.timestamp.wrapping_add(last.units);
        match self.due.filter(|_| self.flows) {
            Some(due) => distance(end, due).max(0).unsigned_abs(),
            None => self.span(),
        }
    }

    fn span(&self) -> u32 {
        let (Some(first), Some(last)) = (self.held.first(), self.held.last()) else { return 0 };
        last.timestamp.wrapping_add(last.units).wrapping_sub(first.timestamp)
    }

    /// It gathers again before it gives out: nothing came for a while.
    pub fn rest(&mut self) {
        self.flows = false;
    }

    /// Whether it gives out what it has.
    pub fn flows(&self) -> bool {
        self.flows
    }

    /// Takes back a packet's room, so that the next one needs none.
    pub fn give_back(&mut self, held: Held) {
        self.spare.push(held.payload);
    }

    /// Drops what waits.
    pub fn clear(&mut self) {
        (self.due, self.flows) = (None, false);
        while let Some(held) = self.held.pop() {
            self.give_back(held);
        }
    }
}

/// From `b` to `a`, over the wrap.
fn distance(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u16, timestamp: u32) -> Header {
        Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 1 }
    }

    /// The `n`th packet of a stream that begins at a media time.
    fn push(buffer: &mut JitterBuffer, start: u32, n: u16) -> Pushed {
        let header = header(n, start.wrapping_add(160 * u32::from(n)));
        buffer.push(&header, Codec::Pcmu, 160, &[n as u8; 160])
    }

    fn next(buffer: &mut JitterBuffer) -> Option<Result<u32, u32>> {
        Some(match buffer.take()? {
            Next::Missing(units) => Err(units),
            Next::Packet(held) => {
                let timestamp = held.timestamp;
                buffer.give_back(held);
                Ok(timestamp)
            }
        })
    }

    fn buffer() -> JitterBuffer {
        JitterBuffer::new(Codec::Pcmu)
    }

    #[test]
    fn packets_come_out_in_order_each_once_over_the_wrap_of_media_time() {
        let mut buffer = buffer();
        let start = u32::MAX - 400;
        push(&mut buffer, start, 1);
        assert_eq!(next(&mut buffer), None, "40 ms are gathered first");
        for n in [0, 3, 2, 2] {
            push(&mut buffer, start, n);
        }
        assert_eq!(buffer.waits(), 640);
        for n in 0..4 {
            assert_eq!(next(&mut buffer), Some(Ok(start.wrapping_add(160 * n))));
        }
        assert_eq!(next(&mut buffer), None);
        assert_eq!(push(&mut buffer, start, 1), Pushed::Late, "what was given out does not come again");
        assert_eq!(buffer.counts, Counts { late: 1, duplicate: 1, reordered: 2 });
        push(&mut buffer, start, 4);
        assert_eq!(next(&mut buffer), Some(Ok(start.wrapping_add(640))), "it flows, and needs not gather");
    }

    #[test]
    fn a_gap_is_told_and_a_pause_is_not_waited_through() {
        let mut buffer = buffer();
        for n in [0, 1, 3, 4, 60] {
            push(&mut buffer, 0, n);
        }
        let told: Vec<_> = std::iter::from_fn(|| next(&mut buffer)).collect();
        assert_eq!(told, [Ok(0), Ok(160), Err(160), Ok(480), Ok(640), Ok(9_600)]);
    }

    #[test]
    fn a_clock_that_leaps_or_is_set_back_and_another_source_begin_anew() {
        for next_header in [header(2, 900_000), header(2, 1), Header { ssrc: 2, ..header(9, 480) }] {
            let mut buffer = buffer();
            for n in 0..9 {
                push(&mut buffer, 5_000, n);
            }
            while next(&mut buffer).is_some() {}
            let next_header = Header { sequence: 9, ..next_header };
            let after = Header { sequence: 10, timestamp: next_header.timestamp + 160, ..next_header };
            for header in [next_header, after] {
                assert_eq!(buffer.push(&header, Codec::Pcmu, 160, &[7; 160]), Pushed::Held);
            }
            assert_eq!(next(&mut buffer), Some(Ok(next_header.timestamp)));
        }
    }

    #[test]
    fn it_never_holds_more_than_half_a_second() {
        let mut buffer = buffer();
        for n in 0..1_000 {
            push(&mut buffer, 0, n);
        }
        assert_eq!(buffer.held.len(), HELD);
        assert_eq!(next(&mut buffer), Some(Ok(160 * 975)));
    }
}
