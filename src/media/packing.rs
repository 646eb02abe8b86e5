//! Frames of 20 ms to packets as long as the peer wants them: 10 to 60 ms, in tens.
//!
//! Of the codecs whose octets are samples, so that a packet can end anywhere. Opus stays at 20 ms: its frames cannot be
//! cut, and whoever reads Opus reads any length ([RFC 7587 §4.2](https://www.rfc-editor.org/rfc/rfc7587#section-4.2)).

use arrayvec::ArrayVec;

/// Octets in ten milliseconds, of every codec that is packed.
pub(super) const TEN: usize = 80;
/// The longest packet, in tens of milliseconds; twice as much never waits.
pub(super) const LONGEST: usize = 6;

/// What waits until a packet is full.
#[derive(Clone, Debug)]
pub(super) struct Packing {
    /// How long a packet is, in tens of milliseconds.
    tens: usize,
    kept: ArrayVec<u8, { 2 * LONGEST * TEN }>,
    /// The number of the first ten milliseconds that wait.
    start: u64,
    /// When the next packet is due: packets leave evenly, though frames do not fill them evenly.
    due: u64,
}

/// A packet's payload, and the number of its first ten milliseconds.
pub(super) struct Packed {
    pub(super) start: u64,
    pub(super) payload: ArrayVec<u8, { LONGEST * TEN }>,
}

impl Packing {
    /// None where frames are packets.
    pub(super) fn new(ptime_ms: u8) -> Option<Packing> {
        let tens = usize::from(ptime_ms / 10).clamp(1, LONGEST);
        (tens != 2).then(|| Packing { tens, kept: ArrayVec::new(), start: 0, due: 0 })
    }

    /// How long a packet is.
    pub(super) fn ptime_ms(&self) -> u8 {
        self.tens as u8 * 10
    }

    /// Whether packets leave between two frames, too.
    pub(super) fn halves_frames(&self) -> bool {
        !self.tens.is_multiple_of(2)
    }

    /// A frame's octets, whose first ten milliseconds have this number. What does not follow on what waits takes its
    /// place: it is what is left of a sound that something else has interrupted.
    pub(super) fn push(&mut self, start: u64, frame: &[u8]) {
        let follows = self.start + (self.kept.len() / TEN) as u64 == start;
        if !follows || self.kept.remaining_capacity() < frame.len() {
            self.kept.clear();
            (self.start, self.due) = (start, start);
        }
        let fits = frame.len().min(self.kept.remaining_capacity());
        self.kept.extend(frame[..fits].iter().copied());
    }

    /// The packet that leaves in this ten milliseconds, when one is full and due.
    pub(super) fn take(&mut self, now: u64) -> Option<Packed> {
        let length = self.tens * TEN;
        if self.kept.len() < length || now < self.due {
            return None;
        }
        let payload = self.kept.drain(..length).collect();
        let packed = Packed { start: self.start, payload };
        self.start += self.tens as u64;
        self.due = now + self.tens as u64;
        Some(packed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When packets leave and what they begin with, of frames whose octets are the number of their ten milliseconds.
    fn packets(ptime_ms: u8, frames: std::ops::Range<u64>) -> Vec<(u64, u64, Vec<u8>)> {
        let mut packing = Packing::new(ptime_ms).unwrap();
        let mut packets = Vec::new();
        for ten in 2 * frames.start..2 * frames.end {
            if ten.is_multiple_of(2) {
                packing.push(ten, &[[ten as u8; TEN], [ten as u8 + 1; TEN]].concat());
            }
            if let Some(Packed { start, payload }) = packing.take(ten) {
                packets.push((ten, start, payload.to_vec()));
            }
        }
        packets
    }

    #[test]
    fn packets_are_as_long_as_they_shall_be_and_leave_evenly() {
        for ptime_ms in [10, 30, 40, 50, 60] {
            let tens = u64::from(ptime_ms / 10);
            let packets = packets(ptime_ms, 5..95);
            assert!(packets.len() as u64 >= 180 / tens - 2, "{ptime_ms} ms: {}", packets.len());
            for (n, (at, start, payload)) in packets.iter().enumerate() {
                assert_eq!(*start, 10 + n as u64 * tens, "{ptime_ms} ms");
                let octets: Vec<u8> = (*start..start + tens).flat_map(|ten| [ten as u8; TEN]).collect();
                assert_eq!(*payload, octets, "{ptime_ms} ms");
                assert_eq!(at - packets[0].0, n as u64 * tens, "{ptime_ms} ms: at its pace");
            }
        }
        assert!(Packing::new(20).is_none());
    }

    #[test]
    fn what_was_interrupted_is_not_sent_in_front_of_something_else() {
        let mut packing = Packing::new(60).unwrap();
        packing.push(0, &[1; 160]);
        packing.push(100, &[2; 160]);
        assert!(packing.take(100).is_none());
        packing.push(102, &[2; 160]);
        packing.push(104, &[2; 160]);
        let Packed { start, payload } = packing.take(104).unwrap();
        assert_eq!((start, &payload[..]), (100, &[2; 480][..]));
    }
}
