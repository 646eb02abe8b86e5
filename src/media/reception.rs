//! What came of a stream that is sent to us: extended sequence, loss, jitter (RFC 3550 A.1, A.3, A.8).

use serde::Deserialize;
use serde::Serialize;

use crate::base::Timestamp;
use crate::media::rtp::Header;

/// A sequence this far ahead is a restart, not a loss.
const MAX_DROPOUT: u16 = 3_000;
/// A sequence this far behind is old; further behind it is a restart.
const MAX_MISORDER: u16 = 100;

/// The statistics of what one leg receives, over all sources that it used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reception {
    source: Option<Source>,
    /// Of the sources before this one.
    earlier_received: u64,
    earlier_lost: u64,
    pub counts: ReceptionCounts,
}

/// What came otherwise than it was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceptionCounts {
    /// Came again.
    pub duplicate: u64,
    /// Came after one that was sent later.
    pub reordered: u64,
    /// How often one or more in a row did not come.
    pub gaps: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Source {
    ssrc: u32,
    max_sequence: u16,
    cycles: u32,
    base_sequence: u32,
    /// Which of the 64 up to the highest have come: that one is the lowest bit.
    seen: u64,
    /// Where a restart would go on; a second packet there proves it.
    restart_at: Option<u16>,
    received: u64,
    expected_prior: u64,
    received_prior: u64,
    /// Arrival minus media time of the latest packet, in clock units.
    transit: Option<u32>,
    /// Sixteen times the jitter, in clock units.
    jitter_x16: u32,
}

/// A report block about what came (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub ssrc: u32,
    /// Of 256 packets since the last report, how many are missing.
    pub fraction_lost: u8,
    /// Since the beginning; negative when more came than were sent. 24 bits.
    pub cumulative_lost: i32,
    pub highest_sequence: u32,
    /// In clock units.
    pub jitter: u32,
}

impl Reception {
    /// Counts a packet that arrived at `now`. `clock_rate` is the codec's, in Hz.
    pub fn received(&mut self, now: Timestamp, header: &Header, clock_rate: u32) {
        match &mut self.source {
            Some(source) if source.ssrc == header.ssrc => {
                if source.sequence(header.sequence, &mut self.counts) {
                    source.arrival(now, header.timestamp, clock_rate);
                }
            }
            _ => {
                self.earlier_received = self.packets();
                self.earlier_lost = self.lost();
                let mut source = Source::new(header);
                source.arrival(now, header.timestamp, clock_rate);
                self.source = Some(source);
            }
        }
    }

    /// Packets that came.
    pub fn packets(&self) -> u64 {
        self.earlier_received + self.source.as_ref().map_or(0, |source| source.received)
    }

    /// Packets that should have come and did not; duplicates do not make up for them below zero.
    pub fn lost(&self) -> u64 {
        self.earlier_lost
            + self.source.as_ref().map_or(0, |source| source.expected().saturating_sub(source.received))
    }

    /// The interarrival jitter in clock units.
    pub fn jitter(&self) -> u32 {
        self.source.as_ref().map_or(0, |source| source.jitter_x16 >> 4)
    }

    /// A report of what came since the last one; none when nothing ever came.
    pub fn report(&mut self) -> Option<Block> {
        let source = self.source.as_mut()?;
        let expected = source.expected();
        let expected_now = expected - source.expected_prior;
        let received_now = source.received - source.received_prior;
        source.expected_prior = expected;
        source.received_prior = source.received;
        let lost_now = expected_now.saturating_sub(received_now);
        let fraction_lost = (lost_now << 8).checked_div(expected_now).unwrap_or(0).min(255) as u8;
        let lost = (expected as i64 - source.received as i64).clamp(-0x80_0000, 0x7f_ffff);
        Some(Block {
            ssrc: source.ssrc,
            fraction_lost,
            cumulative_lost: lost as i32,
            highest_sequence: source.cycles + u32::from(source.max_sequence),
            jitter: source.jitter_x16 >> 4,
        })
    }
}

impl Source {
    fn new(header: &Header) -> Source {
        Source {
            ssrc: header.ssrc,
            max_sequence: header.sequence,
            cycles: 0,
            base_sequence: u32::from(header.sequence),
            seen: 1,
            restart_at: None,
            received: 1,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter_x16: 0,
        }
    }

    fn expected(&self) -> u64 {
        u64::from(self.cycles.wrapping_add(u32::from(self.max_sequence)).wrapping_sub(self.base_sequence)) + 1
    }

    /// Takes a sequence into account; false when the packet should not count (A.1).
    fn sequence(&mut self, sequence: u16, counts: &mut ReceptionCounts) -> bool {
        let ahead = sequence.wrapping_sub(self.max_sequence);
        if ahead < MAX_DROPOUT {
            self.note_ahead(ahead, counts);
            if sequence < self.max_sequence {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.max_sequence = sequence;
        } else if ahead <= u16::MAX - MAX_MISORDER {
            if self.restart_at != Some(sequence) {
                self.restart_at = Some(sequence.wrapping_add(1));
                return false;
            }
            // Two in a row: the sender has started over without saying so.
            let (received, jitter_x16) = (self.received, self.jitter_x16);
            let lost = self.expected().saturating_sub(received);
            self.max_sequence = sequence;
            self.seen = 1;
            self.cycles = 1 << 31;
            // Expected goes on from where it was, so that what was lost before stays lost.
            let expected_before = (received + lost) as u32;
            self.base_sequence = self.cycles.wrapping_add(u32::from(sequence)).wrapping_sub(expected_before);
            self.transit = None;
            self.jitter_x16 = jitter_x16;
            self.restart_at = None;
        } else {
            self.note_behind(ahead.wrapping_neg(), counts);
        }
        self.received += 1;
        true
    }

    fn note_ahead(&mut self, by: u16, counts: &mut ReceptionCounts) {
        match by {
            0 => counts.duplicate += 1,
            _ => {
                counts.gaps += u64::from(by > 1);
                self.seen = self.seen.checked_shl(by.into()).unwrap_or(0) | 1;
            }
        }
    }

    /// One that was sent before the highest: it comes again, or late, and then it fills a gap or a part of one.
    fn note_behind(&mut self, by: u16, counts: &mut ReceptionCounts) {
        let has_come = |by: u16| by < 64 && self.seen >> by & 1 == 1;
        if has_come(by) {
            counts.duplicate += 1;
            return;
        }
        counts.reordered += 1;
        match (has_come(by - 1), has_come(by + 1)) {
            (true, true) => counts.gaps = counts.gaps.saturating_sub(1),
            (false, false) => counts.gaps += 1,
            _ => {}
        }
        self.seen |= 1u64.checked_shl(by.into()).unwrap_or(0);
    }

    fn arrival(&mut self, now: Timestamp, timestamp: u32, clock_rate: u32) {
        let arrival = (now.0 as u128 * u128::from(clock_rate) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let difference = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // A leap of the media time is no jitter of the network: at most a second counts.
            let difference = difference.min(clock_rate);
            self.jitter_x16 = self.jitter_x16 + difference - ((self.jitter_x16 + 8) >> 4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    fn header(sequence: u16) -> Header {
        Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp: u32::from(sequence).wrapping_mul(160),
            ssrc: 7,
        }
    }

    fn at(n: u64) -> Timestamp {
        Timestamp::from_millis(20 * n)
    }

    #[test]
    fn what_comes_again_late_or_not_at_all_is_counted_each_by_its_name() {
        let counts = |sequences: &[u16]| {
            let mut reception = Reception::default();
            for sequence in sequences {
                reception.received(Timestamp::ZERO, &header(*sequence), 8_000);
            }
            let ReceptionCounts { duplicate, reordered, gaps } = reception.counts;
            (duplicate, reordered, gaps)
        };
        assert_eq!(counts(&[65_534, 65_535, 0, 1]), (0, 0, 0));
        assert_eq!(counts(&[1, 2, 2, 3, 1]), (2, 0, 0));
        // 3 and 4 come late, the gap closes step by step.
        assert_eq!(counts(&[1, 2, 5]), (0, 0, 1));
        assert_eq!(counts(&[1, 2, 5, 3]), (0, 1, 1));
        assert_eq!(counts(&[1, 2, 5, 3, 4]), (0, 2, 0));
        // One out of the middle makes two gaps of one.
        assert_eq!(counts(&[1, 2, 6, 4]), (0, 1, 2));
        assert_eq!(counts(&[1, 200, 201, 110]), (0, 1, 2));
    }

    #[test]
    fn a_perfect_stream_loses_nothing_over_a_wrap() {
        let mut reception = Reception::default();
        let mut media = 0u32;
        for n in 0..70_000u64 {
            let sequence = 65_000u16.wrapping_add(n as u16);
            reception.received(at(n), &Header { timestamp: media, ..header(sequence) }, 8_000);
            media = media.wrapping_add(160);
        }
        assert_eq!((reception.packets(), reception.lost(), reception.jitter()), (70_000, 0, 0));
        let block = reception.report().unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 0));
        assert_eq!(block.highest_sequence, 65_000 + 69_999);
    }

    #[test]
    fn what_is_counted_is_what_the_network_did_whatever_the_order() {
        for seed in 0..50 {
            let mut chance = Entropy::seeded(seed);
            let mut wire: Vec<(u64, u16)> = Vec::new();
            let (mut sent, mut dropped) = (0u64, 0u64);
            for n in 0..2_000u64 {
                sent += 1;
                // The first and last packets arrive, or nobody could know that they were sent.
                if n != 0 && n != 1_999 && chance.below(10) == 0 {
                    dropped += 1;
                    continue;
                }
                let late = if n != 0 && n < 1_990 { chance.below(5) } else { 0 };
                wire.push((n + late, 64_500u16.wrapping_add(n as u16)));
            }
            wire.sort_by_key(|(when, _)| *when);
            let mut reception = Reception::default();
            for (when, sequence) in &wire {
                reception.received(at(*when), &header(*sequence), 8_000);
            }
            assert_eq!((reception.packets(), reception.lost()), (sent - dropped, dropped), "seed {seed}");
        }
    }

    #[test]
    fn jitter_is_the_smoothed_difference_of_spacings() {
        let mut reception = Reception::default();
        // Every other packet is 10 ms late: spacings differ by 80 units, and that is where A.8 settles.
        for n in 0..500u64 {
            let late = if n % 2 == 0 { 10 } else { 0 };
            reception.received(Timestamp::from_millis(20 * n + late), &header(n as u16), 8_000);
        }
        assert!((75..=80).contains(&reception.jitter()), "{}", reception.jitter());
    }

    #[test]
    fn a_restarted_sender_is_no_loss_and_one_stray_packet_is_no_restart() {
        let mut reception = Reception::default();
        for n in 0..10 {
            reception.received(at(n), &header(n as u16), 8_000);
        }
        reception.received(at(10), &header(30_000), 8_000);
        reception.received(at(11), &header(10), 8_000);
        assert_eq!((reception.packets(), reception.lost()), (11, 0));
        for n in 0..10u16 {
            reception.received(at(12 + u64::from(n)), &header(50_000 + n), 8_000);
        }
        assert_eq!((reception.packets(), reception.lost()), (20, 0), "the first of a restart does not count");
    }

    #[test]
    fn a_new_source_adds_to_what_was_lost_before() {
        let mut reception = Reception::default();
        for n in [0u16, 1, 4] {
            reception.received(at(u64::from(n)), &header(n), 8_000);
        }
        reception.received(at(9), &Header { ssrc: 8, ..header(40_000) }, 8_000);
        assert_eq!((reception.packets(), reception.lost()), (4, 2));
    }

    #[test]
    fn a_report_tells_the_fraction_since_the_last_one() {
        let mut reception = Reception::default();
        assert_eq!(reception.report(), None);
        for n in [0u16, 1, 2, 5, 6, 7] {
            reception.received(at(u64::from(n)), &header(n), 8_000);
        }
        let block = reception.report().unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost, block.highest_sequence), (64, 2, 7));
        reception.received(at(8), &header(8), 8_000);
        assert_eq!(reception.report().unwrap().fraction_lost, 0);
    }
}
