//! A jitter buffer: packets of one leg, put back into the order in which they were sent.
//!
//! Only legs that are mixed or transcoded have one; what is forwarded keeps the order and the gaps in which it
//! came, for the far end has a buffer of its own.

use crate::media::codec;
use crate::media::rtp::Header;
use crate::sdp::Codec;

/// Frames of 20 ms that wait before the first of them is given out.
const PREFILL: u32 = 2;
/// Packets that are held at most; the oldest is dropped for one more.
const HELD: usize = 25;
/// A media time so many frames away from what is due is a new beginning: 2 s.
const LEAP: u32 = 100;

/// See the module.
#[derive(Clone, Debug)]
pub struct JitterBuffer {
    /// Of the latest packet; another one is a new beginning.
    codec: Codec,
    /// In order of media time.
    held: Vec<Held>,
    /// Room for packets, used again.
    spare: Vec<Vec<u8>>,
    /// The media time of what is given out next; none before anything came.
    due: Option<u32>,
    /// Whether it gives out, or gathers first.
    flows: bool,
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

impl JitterBuffer {
    /// An empty one.
    pub fn new(codec: Codec) -> JitterBuffer {
        JitterBuffer { codec, held: Vec::new(), spare: Vec::new(), due: None, flows: false }
    }

    /// Takes a packet that came; one that is too late, or came already, is dropped.
    pub fn push(&mut self, header: &Header, codec: Codec, units: u32, payload: &[u8]) {
        let timestamp = header.timestamp;
        if self.codec != codec {
            self.clear();
            self.codec = codec;
        }
        let leap = LEAP * codec::units(codec);
        match self.due {
            Some(due) if distance(timestamp, due).unsigned_abs() >= leap => self.clear(),
            Some(due) if distance(timestamp, due) < 0 => return,
            _ => {}
        }
        let at = self.held.partition_point(|held| distance(held.timestamp, timestamp) < 0);
        if self.held.get(at).is_some_and(|held| held.timestamp == timestamp) {
            return;
        }
        let mut room = self.spare.pop().unwrap_or_default();
        room.clear();
        room.extend_from_slice(payload);
        self.held.insert(at, Held { timestamp, codec, units, payload: room });
        if self.held.len() > HELD {
            let oldest = self.held.remove(0);
            self.due = self.due.map(|_| oldest.timestamp.wrapping_add(oldest.units));
            self.give_back(oldest);
        }
    }

    /// What is to be heard next; none when nothing is there to be given out.
    pub fn take(&mut self) -> Option<Next> {
        let (Some(first), Some(last)) = (self.held.first(), self.held.last()) else {
            self.flows = false;
            return None;
        };
        let waits = last.timestamp.wrapping_add(last.units).wrapping_sub(first.timestamp);
        if !self.flows && waits < PREFILL * codec::units(self.codec) {
            return None;
        }
        // What is missing where it begins to flow was waited for already.
        let due = self.due.filter(|_| self.flows).unwrap_or(first.timestamp);
        self.flows = true;
        let missing = distance(first.timestamp, due);
        if missing > 0 {
            self.due = Some(first.timestamp);
            return Some(Next::Missing(missing.unsigned_abs()));
        }
        let held = self.held.remove(0);
        self.due = Some(held.timestamp.wrapping_add(held.units));
        Some(Next::Packet(held))
    }

    /// Takes back a packet's room, so that the next one needs none.
    pub fn give_back(&mut self, held: Held) {
        self.spare.push(held.payload);
    }

    fn clear(&mut self) {
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

    fn push(buffer: &mut JitterBuffer, timestamp: u32) {
        let header = Header { marker: false, payload_type: 0, sequence: 0, timestamp, ssrc: 1 };
        buffer.push(&header, Codec::Pcmu, 160, &[timestamp as u8; 160]);
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

    #[test]
    fn packets_come_out_in_order_each_once_over_the_wrap_of_media_time() {
        let mut buffer = JitterBuffer::new(Codec::Pcmu);
        let start = u32::MAX - 400;
        push(&mut buffer, start.wrapping_add(160));
        assert_eq!(next(&mut buffer), None, "40 ms are gathered first");
        for n in [0, 3, 2, 2] {
            push(&mut buffer, start.wrapping_add(160 * n));
        }
        for n in 0..4 {
            assert_eq!(next(&mut buffer), Some(Ok(start.wrapping_add(160 * n))));
        }
        assert_eq!(next(&mut buffer), None);
        push(&mut buffer, start.wrapping_add(160));
        push(&mut buffer, start.wrapping_add(320));
        assert_eq!(next(&mut buffer), None, "what was given out does not come again");
    }

    #[test]
    fn a_gap_is_told_and_a_leap_is_a_new_beginning() {
        let mut buffer = JitterBuffer::new(Codec::Pcmu);
        for n in [0, 1, 3, 4] {
            push(&mut buffer, 160 * n);
        }
        let told: Vec<_> = std::iter::from_fn(|| next(&mut buffer)).collect();
        assert_eq!(told, [Ok(0), Ok(160), Err(160), Ok(480), Ok(640)]);
        for timestamp in [900_000, 900_160] {
            push(&mut buffer, timestamp);
        }
        assert_eq!(next(&mut buffer), Some(Ok(900_000)));
    }

    #[test]
    fn it_never_holds_more_than_half_a_second() {
        let mut buffer = JitterBuffer::new(Codec::Pcmu);
        for n in 0..1_000 {
            push(&mut buffer, 160 * n);
        }
        assert_eq!(buffer.held.len(), HELD);
        assert_eq!(next(&mut buffer), Some(Ok(160 * 975)));
    }
}
