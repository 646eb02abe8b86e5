//! Gaps and bursts of what did not come, or came too late to be heard (RFC 3611 §4.7.2).
//!
//! A burst begins and ends with a missing packet, and has no sixteen in a row between that were heard. What is not
//! in a burst is in a gap, and so is a missing packet that stands alone.

use serde::Deserialize;
use serde::Serialize;

/// So many heard in a row end a burst: `Gmin`, at the value that the RFC recommends.
pub const GMIN: u8 = 16;

/// What became of the packets of a stream, in the order in which they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bursts {
    bursts: Span,
    gaps: Span,
    /// How many bursts have ended.
    ended: u64,
    /// From the latest missing packet that may begin a burst, and how many were heard since its last one.
    open: Span,
    heard_since: u8,
    pub lost: u64,
    pub discarded: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    packets: u64,
    missing: u64,
}

/// What became of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Heard,
    Lost,
    /// It came when its time was over.
    Discarded,
}

/// What a report tells: shares of 256, and mean lengths in packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    pub lost: u8,
    pub discarded: u8,
    /// Of the packets in bursts, and in gaps, those that were not heard.
    pub in_bursts: u8,
    pub in_gaps: u8,
    pub burst_packets: u64,
    pub gap_packets: u64,
}

impl Bursts {
    /// The next packet.
    pub fn push(&mut self, fate: Fate) {
        match fate {
            Fate::Heard => return self.heard(),
            Fate::Lost => self.lost += 1,
            Fate::Discarded => self.discarded += 1,
        }
        if self.open.packets > 0 {
            self.open.packets += u64::from(self.heard_since);
        }
        self.heard_since = 0;
        self.open = Span { packets: self.open.packets + 1, missing: self.open.missing + 1 };
    }

    fn heard(&mut self) {
        if self.open.packets == 0 {
            self.gaps.packets += 1;
            return;
        }
        self.heard_since += 1;
        if self.heard_since == GMIN {
            self.close();
        }
    }

    /// What was open is over: a burst, or a packet that stood alone.
    fn close(&mut self) {
        let over = std::mem::take(&mut self.open);
        let place = if over.missing > 1 { &mut self.bursts } else { &mut self.gaps };
        place.packets += over.packets;
        place.missing += over.missing;
        self.ended += u64::from(over.missing > 1);
        self.gaps.packets += u64::from(std::mem::take(&mut self.heard_since));
    }

    /// What can be said if nothing more came.
    pub fn shares(mut self) -> Shares {
        if self.open.packets > 0 {
            self.close();
        }
        let all = self.bursts.packets + self.gaps.packets;
        let share = |part: u64, of: u64| (part * 256).checked_div(of).unwrap_or(0).min(255) as u8;
        Shares {
            lost: share(self.lost, all),
            discarded: share(self.discarded, all),
            in_bursts: share(self.bursts.missing, self.bursts.packets),
            in_gaps: share(self.gaps.missing, self.gaps.packets),
            burst_packets: self.bursts.packets.checked_div(self.ended).unwrap_or(0),
            gap_packets: self.gaps.packets / (self.ended + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `.` was heard, `x` lost, `l` too late; a number says how often the mark after it comes.
    fn shares(script: &str) -> Shares {
        let mut bursts = Bursts::default();
        for part in script.split(' ') {
            let (count, mark) = part.split_at(part.len() - 1);
            let fate = match mark {
                "." => Fate::Heard,
                "x" => Fate::Lost,
                _ => Fate::Discarded,
            };
            for _ in 0..count.parse().unwrap_or(1) {
                bursts.push(fate);
            }
        }
        bursts.shares()
    }

    #[test]
    fn what_stands_alone_is_of_a_gap_and_what_stands_close_is_a_burst() {
        assert_eq!(shares("64."), Shares { gap_packets: 64, ..Shares::default() });
        let alone = shares("31. x 32.");
        assert_eq!((alone.lost, alone.in_gaps, alone.in_bursts), (4, 4, 0));
        assert_eq!((alone.burst_packets, alone.gap_packets), (0, 64));
        // Fifteen heard in between do not end it, sixteen do.
        let close = shares("20. x 15. l 27.");
        assert_eq!((close.lost, close.discarded), (4, 4));
        assert_eq!((close.burst_packets, close.in_bursts, close.in_gaps), (17, 30, 0));
        assert_eq!(close.gap_packets, 47 / 2);
        let apart = shares("20. x 16. l 26.");
        assert_eq!((apart.burst_packets, apart.in_bursts, apart.in_gaps), (0, 0, 8));
    }

    #[test]
    fn lengths_are_means_and_what_is_still_open_counts() {
        let two = shares("100. 10x 100. 20x 100. 30x");
        assert_eq!((two.burst_packets, two.gap_packets, two.in_bursts), (20, 75, 255));
        assert_eq!(two.lost, (60 * 256 / 360) as u8);
        let open = shares("9x 3.");
        assert_eq!((open.burst_packets, open.gap_packets), (9, 1));
        assert_eq!(shares("9x").in_bursts, 255);
    }

    #[test]
    fn every_packet_is_in_exactly_one_of_both() {
        let mut chance = crate::base::Entropy::seeded(4);
        for loss in [1, 5, 20, 60, 99] {
            let (mut bursts, mut missing) = (Bursts::default(), 0);
            for n in 1..5_000u64 {
                let lost = chance.below(100) < loss;
                missing += u64::from(lost);
                bursts.push(if lost { Fate::Lost } else { Fate::Heard });
                let mut over = bursts.clone();
                if over.open.packets > 0 {
                    over.close();
                }
                assert_eq!(over.bursts.packets + over.gaps.packets, n);
                assert_eq!(over.bursts.missing + over.gaps.missing, missing);
            }
        }
    }
}
