//! What came of a stream that is sent to us: extended sequence, loss, jitter (RFC 3550 A.1, A.3, A.8).

use serde::Deserialize;
use serde::Serialize;

use crate::base::Timestamp;
use crate::media::bursts::Bursts;
use crate::media::bursts::Fate;
use crate::media::rtp::Header;

/// A sequence this far ahead is a restart, not a loss.
const MAX_DROPOUT: u16 = 3_000;
/// A sequence this far behind is old; further behind it is a restart.
const MAX_MISORDER: u16 = 100;
/// No packet is longer than 120 ms, in units of the fastest clock.
const LONGEST_STEP: u32 = 5_760;

/// The statistics of what one leg receives, over all sources that it used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reception {
    source: Option<Source>,
    /// Of the sources before this one.
    earlier_received: u64,
    earlier_lost: u64,
    pub counts: ReceptionCounts,
    /// What became of those that nothing can change any more.
    bursts: Bursts,
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
    /// Which of them came too late to be heard.
    late: u64,
    /// How many of the 64 were sent at all, since the beginning.
    watched: u8,
    /// How long a packet is, in clock units, by the latest two that came one after the other.
    step: u32,
    /// Where a restart would go on; a second packet there proves it.
    restart_at: Option<u16>,
    received: u64,
    expected_prior: u64,
    received_prior: u64,
    /// The media time of the highest.
    timestamp: u32,
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
                if source.sequence(header, &mut self.counts, &mut self.bursts) {
                    source.arrival(now, header.timestamp, clock_rate);
                }
            }
            _ => {
                if let Some(before) = &mut self.source {
                    before.leave(64, &mut self.bursts);
                }
                self.earlier_received = self.packets();
                self.earlier_lost = self.lost();
                let mut source = Source::new(header);
                source.arrival(now, header.timestamp, clock_rate);
                self.source = Some(source);
            }
        }
    }

    /// The packet that came last was too late to be heard.
    pub fn discarded(&mut self, header: &Header) {
        let Some(source) = self.source.as_mut().filter(|source| source.ssrc == header.ssrc) else { return };
        let behind = source.max_sequence.wrapping_sub(header.sequence);
        source.late |= 1u64.checked_shl(behind.into()).unwrap_or(0);
    }

    /// What became of the packets so far, and how long they are, in clock units; none before two came.
    pub fn fates(&self) -> Option<(Bursts, u32)> {
        let mut source = self.source.clone()?;
        let mut bursts = self.bursts.clone();
        source.leave(64, &mut bursts);
        (source.step > 0).then_some((bursts, source.step))
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
            late: 0,
            watched: 1,
            step: 0,
            restart_at: None,
            received: 1,
            expected_prior: 0,
            received_prior: 0,
            timestamp: header.timestamp,
            transit: None,
            jitter_x16: 0,
        }
    }

    fn expected(&self) -> u64 {
        u64::from(self.cycles.wrapping_add(u32::from(self.max_sequence)).wrapping_sub(self.base_sequence)) + 1
    }

    /// Takes a sequence into account; false when the packet should not count (A.1).
    fn sequence(&mut self, header: &Header, counts: &mut ReceptionCounts, bursts: &mut Bursts) -> bool {
        let sequence = header.sequence;
        let ahead = sequence.wrapping_sub(self.max_sequence);
        if ahead < MAX_DROPOUT {
            self.note_ahead(ahead, counts, bursts);
            self.note_step(ahead, header.timestamp);
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
            self.leave(64, bursts);
            (self.seen, self.watched, self.timestamp) = (1, 1, header.timestamp);
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

    fn note_ahead(&mut self, by: u16, counts: &mut ReceptionCounts, bursts: &mut Bursts) {
        if by == 0 {
            counts.duplicate += 1;
            return;
        }
        counts.gaps += u64::from(by > 1);
        self.leave(by, bursts);
        self.seen |= 1;
    }

    /// So many of the oldest of the 64 make room for as many that were sent after them: what became of those is
    /// certain now.
    fn leave(&mut self, by: u16, bursts: &mut Bursts) {
        for _ in 0..by {
            if self.watched == 64 {
                bursts.push(match (self.seen >> 63 == 1, self.late >> 63 == 1) {
                    (false, _) => Fate::Lost,
                    (true, true) => Fate::Discarded,
                    (true, false) => Fate::Heard,
                });
            }
            self.watched = (self.watched + 1).min(64);
            (self.seen, self.late) = (self.seen << 1, self.late << 1);
        }
    }

    /// The packet that was sent right after the one before it tells how long that was.
    fn note_step(&mut self, ahead: u16, timestamp: u32) {
        let step = timestamp.wrapping_sub(std::mem::replace(&mut self.timestamp, timestamp));
        if ahead == 1 && (1..=LONGEST_STEP).contains(&step) {
            self.step = step;
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
    fn what_became_of_each_packet_is_told_in_the_order_in_which_they_were_sent() {
        let mut chance = Entropy::seeded(9);
        for _ in 0..50 {
            // Lost at random; of those that come one in twenty is up to 30 packets late, and then not heard.
            let (mut wire, mut lost, mut late) = (Vec::new(), 0, 0);
            for n in 0..1_000u64 {
                let edge = n == 0 || n == 999;
                match chance.below(20) {
                    0 | 1 if !edge => lost += 1,
                    2 if !edge => {
                        late += 1;
                        wire.push((n + 2 + chance.below(28), n, true));
                    }
                    _ => wire.push((n, n, false)),
                }
            }
            wire.sort_by_key(|(when, ..)| *when);
            let mut reception = Reception::default();
            for (when, n, is_late) in wire {
                let header = Header { timestamp: n as u32 * 240, ..header(65_000u16.wrapping_add(n as u16)) };
                reception.received(at(when), &header, 8_000);
                if is_late {
                    reception.discarded(&header);
                }
            }
            let (bursts, step) = reception.fates().unwrap();
            // A packet that comes after the last one was sent before it all the same.
            assert_eq!((bursts.lost, bursts.discarded, step), (lost, late, 240));
        }
        // Another source and a restart tell what was before them, too.
        let mut reception = Reception::default();
        for n in (0..100).filter(|n| n % 10 != 5) {
            reception.received(at(n), &header(n as u16), 8_000);
        }
        for (n, ssrc) in [(30_000, 7), (30_001, 7), (30_002, 7), (30_001, 8), (30_003, 8)] {
            reception.received(at(101), &Header { ssrc, ..header(n) }, 8_000);
        }
        assert_eq!(
            reception.fates().map(|(bursts, _)| bursts.lost),
            None,
            "of the new source, too little came"
        );
        reception.received(at(101), &Header { ssrc: 8, ..header(30_004) }, 8_000);
        assert_eq!(reception.fates().map(|(bursts, _)| bursts.lost), Some(11));
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
