//! RTCP (RFC 3550 §6): sender and receiver reports with the canonical name, extended reports (`media::xr`), BYE, the round
//! trip, and what the peer tells of what we send.
//!
//! The wall clock is not known here: the "NTP time" of our reports is the time since the start, which
//! [RFC 3550 §6.4.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1) allows.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Entropy;
use crate::base::Timestamp;
use crate::fact::PeerReport;
use crate::media::reception::Block;
use crate::media::xr;
use crate::media::xr::Told;
use crate::media::xr::VoipMetrics;

/// The mean time between two reports ([RFC 3550 §6.2](https://www.rfc-editor.org/rfc/rfc3550#section-6.2)); the
/// first comes after half of it.
pub const INTERVAL: Duration = Duration::from_secs(5);
/// e − 3/2: what the mean interval comes out too long by ([RFC 3550 §6.3.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.3.1)).
const COMPENSATION: f64 = std::f64::consts::E - 1.5;
/// A round trip longer than this is a report about somebody else's clock.
const LONGEST_ROUND_TRIP: u32 = 30 << 16;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;

/// Octets of the longest packet that is written: report with one block, name, extended reports, BYE.
pub const LONGEST: usize = 28 + 24 + NAME_PACKET + xr::LONGEST + 8;
const NAME: usize = 16;
/// Header, source, type and length, name, and at least one zero, in whole words.
const NAME_PACKET: usize = 4 + 4 + (2 + NAME + 1usize).next_multiple_of(4);

/// The RTCP side of one stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rtcp {
    /// A random name, new for each stream ([RFC 7022](https://www.rfc-editor.org/rfc/rfc7022)).
    name: String,
    next: Option<Timestamp>,
    /// Whether a report was ever sent.
    reported: bool,
    /// Packets that had been sent at the last two reports: who sent since then is a sender.
    sent_at: [u64; 2],
    /// The middle of the NTP time of the peer's last sender report, and when it came.
    last_report: Option<(u32, Timestamp)>,
    /// The peer's source, the middle of the NTP time that it told last in an extended report, and when that came.
    last_reference: Option<(u32, u32, Timestamp)>,
    /// The latest round trip, in microseconds.
    pub round_trip_us: Option<u32>,
    /// What the peer's latest report says of what we send: packets lost, and jitter in clock units.
    arrived: Option<(u32, u32)>,
    /// And its latest VoIP metrics.
    metrics: Option<VoipMetrics>,
}

/// What is reported.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    pub sent: Sent,
    /// About what came; none when nothing did.
    pub block: Option<Block>,
    /// The same at length, where the peer wants it.
    pub metrics: Option<VoipMetrics>,
    /// Whether it was agreed that who does not send can measure the round trip, too.
    pub round_trip: bool,
}

/// What a report says about what we send.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub ssrc: u32,
    /// Media time now.
    pub timestamp: u32,
    pub packets: u64,
    pub octets: u64,
}

impl Rtcp {
    /// A stream that has reported nothing.
    pub fn new(entropy: &mut Entropy) -> Rtcp {
        Rtcp::named(entropy.token())
    }

    /// One whose source has this name.
    pub fn named(name: String) -> Rtcp {
        Rtcp {
            name,
            next: None,
            reported: false,
            sent_at: [0; 2],
            last_report: None,
            last_reference: None,
            round_trip_us: None,
            arrived: None,
            metrics: None,
        }
    }

    /// The first report is due half an interval from `now`; nothing changes when reports run already.
    pub fn start(&mut self, now: Timestamp, entropy: &mut Entropy) {
        if self.next.is_none() {
            self.next = Some(now + interval(INTERVAL / 2, entropy));
        }
    }

    /// Whether a report is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next.is_some_and(|next| now >= next)
    }

    /// Whether a report was ever sent. Who never sent one needs no BYE.
    pub fn has_reported(&self) -> bool {
        self.reported
    }

    /// Writes a report and sets when the next is due; the octets of `into` that it takes.
    pub fn report(
        &mut self,
        now: Timestamp,
        report: Report,
        entropy: &mut Entropy,
        into: &mut [u8; LONGEST],
    ) -> usize {
        let length = self.write(now, report, into);
        self.sent_at = [self.sent_at[1], report.sent.packets];
        self.reported = true;
        self.next = Some(now + interval(INTERVAL, entropy));
        length
    }

    /// Writes the last report and a BYE ([RFC 3550 §6.6](https://www.rfc-editor.org/rfc/rfc3550#section-6.6)).
    pub fn bye(&mut self, now: Timestamp, report: Report, into: &mut [u8; LONGEST]) -> usize {
        let at = self.write(now, report, into);
        let mut packet = Writer { into, at };
        packet.header(1, BYE, 8);
        packet.word(report.sent.ssrc);
        packet.at
    }

    fn write(&self, now: Timestamp, report: Report, into: &mut [u8; LONGEST]) -> usize {
        let Report { sent, block, metrics, round_trip } = report;
        let mut packet = Writer { into, at: 0 };
        let blocks = u8::from(block.is_some());
        let is_sender = sent.packets > self.sent_at[0];
        let kind = if is_sender { SENDER_REPORT } else { RECEIVER_REPORT };
        packet.header(blocks, kind, if is_sender { 28 } else { 8 } + 24 * usize::from(blocks));
        packet.word(sent.ssrc);
        if is_sender {
            let ntp = ntp(now);
            packet.word((ntp >> 32) as u32);
            packet.word(ntp as u32);
            packet.word(sent.timestamp);
            packet.word(sent.packets as u32);
            packet.word(sent.octets as u32);
        }
        if let Some(block) = block {
            packet.word(block.ssrc);
            packet.word(u32::from(block.fraction_lost) << 24 | (block.cumulative_lost as u32 & 0x00ff_ffff));
            packet.word(block.highest_sequence);
            packet.word(block.jitter);
            let (last, since) = self.last_report.map_or((0, 0), |(last, at)| (last, units(now.since(at))));
            packet.word(last);
            packet.word(since);
        }
        packet.header(1, DESCRIPTION, NAME_PACKET);
        packet.word(sent.ssrc);
        packet.octets(&[1, NAME as u8]);
        packet.octets(self.name.as_bytes());
        packet.octets(&[0; NAME_PACKET - 8 - 2 - NAME]);
        let heard = self.last_reference.map(|(source, last, at)| (source, last, units(now.since(at))));
        let extended = xr::Blocks {
            metrics,
            reference: (round_trip && !is_sender).then(|| ntp(now)),
            heard: heard.filter(|_| round_trip),
        };
        extended.write(sent.ssrc, &mut packet);
        packet.at
    }

    /// How what we send arrives, by what the peer told last; `clock_rate` is the codec's, in Hz.
    pub fn peer_report(&self, clock_rate: u32) -> Option<PeerReport> {
        if self.arrived.is_none() && self.metrics.is_none() {
            return None;
        }
        let (lost, jitter) = self.arrived.unwrap_or_default();
        let jitter_us = u64::from(jitter) * 1_000_000 / u64::from(clock_rate);
        Some(PeerReport {
            lost,
            jitter_us: u32::try_from(jitter_us).unwrap_or(u32::MAX),
            discarded: self.metrics.map(|metrics| metrics.discarded),
            burst_ms: self.metrics.map(|metrics| metrics.burst_ms),
            r_factor: self.metrics.and_then(|metrics| metrics.r_factor),
        })
    }

    /// A packet came on the RTCP port; false when it is none. `ssrc` is ours.
    pub fn receive(&mut self, now: Timestamp, ssrc: u32, packet: &[u8]) -> bool {
        if !is_compound(packet) {
            return false;
        }
        let mut rest = packet;
        while let Some((first, kind, body, next)) = split(rest) {
            let blocks = match kind {
                SENDER_REPORT => {
                    if let Some(middle) = body.get(6..10) {
                        self.last_report = Some((word(middle), now));
                    }
                    body.get(24..)
                }
                RECEIVER_REPORT => body.get(4..),
                xr::EXTENDED => {
                    xr::read(body, |source, told| self.told(now, ssrc, source, told));
                    None
                }
                _ => None,
            };
            for block in blocks.unwrap_or_default().chunks_exact(24).take(usize::from(first & 0x1f)) {
                if word(block) == ssrc {
                    // 24 bits with a sign: fewer than none lost is none.
                    let lost = ((word(&block[4..]) << 8) as i32 >> 8).max(0).unsigned_abs();
                    self.arrived = Some((lost, word(&block[12..])));
                    self.reported_on(now, word(&block[16..]), word(&block[20..]));
                }
            }
            rest = next;
        }
        true
    }

    /// An extended report of `source` says something.
    fn told(&mut self, now: Timestamp, ssrc: u32, source: u32, told: Told) {
        match told {
            Told::Metrics(metrics) if metrics.ssrc == ssrc => self.metrics = Some(metrics),
            Told::Reference(middle) => self.last_reference = Some((source, middle, now)),
            Told::Heard { ssrc: heard, last, delay } if heard == ssrc => self.reported_on(now, last, delay),
            Told::Metrics(_) | Told::Heard { .. } => {}
        }
    }

    /// The peer heard our report of `last`, `delay` before it sent its own.
    fn reported_on(&mut self, now: Timestamp, last: u32, delay: u32) {
        if last == 0 {
            return;
        }
        let round_trip = middle(ntp(now)).wrapping_sub(last).wrapping_sub(delay);
        if round_trip < LONGEST_ROUND_TRIP {
            self.round_trip_us = Some(((u64::from(round_trip) * 1_000_000) >> 16) as u32);
        }
    }
}

/// A random interval around `mean` ([RFC 3550 §6.3.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.3.1)).
fn interval(mean: Duration, entropy: &mut Entropy) -> Duration {
    mean.mul_f64((0.5 + entropy.fraction()) / COMPENSATION)
}

/// Seconds in the upper half, their fraction in the lower.
fn ntp(now: Timestamp) -> u64 {
    let (seconds, micros) = (now.0 / 1_000_000, now.0 % 1_000_000);
    (seconds << 32) | ((micros << 32) / 1_000_000)
}

fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// A duration in units of 1/65536 s.
fn units(duration: Duration) -> u32 {
    u32::try_from((duration.as_micros() << 16) / 1_000_000).unwrap_or(u32::MAX)
}

pub(super) fn word(octets: &[u8]) -> u32 {
    octets.first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

/// The checks of [RFC 3550 A.2](https://www.rfc-editor.org/rfc/rfc3550#appendix-A.2).
pub(super) fn is_compound(packet: &[u8]) -> bool {
    let begins_with_report = matches!(packet.get(1), Some(&(SENDER_REPORT | RECEIVER_REPORT)));
    let unpadded = packet.first().is_some_and(|first| first & 0x20 == 0);
    let mut rest = packet;
    while let Some((_, _, _, next)) = split(rest) {
        rest = next;
    }
    begins_with_report && unpadded && rest.is_empty()
}

/// The first packet of a compound: its first octet, type, body after the header, and what follows it.
fn split(packet: &[u8]) -> Option<(u8, u8, &[u8], &[u8])> {
    let [first, kind, high, low] = *packet.first_chunk()?;
    if first >> 6 != 2 {
        return None;
    }
    let length = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
    let (packet, rest) = packet.split_at_checked(length)?;
    Some((first, kind, &packet[4..], rest))
}

pub(super) struct Writer<'a> {
    into: &'a mut [u8; LONGEST],
    at: usize,
}

impl Writer<'_> {
    /// `octets` is the length of the whole packet, this header included.
    pub fn header(&mut self, count: u8, kind: u8, octets: usize) {
        let [high, low] = ((octets / 4 - 1) as u16).to_be_bytes();
        self.octets(&[0x80 | count, kind, high, low]);
    }

    pub fn word(&mut self, word: u32) {
        self.octets(&word.to_be_bytes());
    }

    /// All that is ever written fits: [`LONGEST`] is the sum of its parts, and a test writes them all.
    pub fn octets(&mut self, octets: &[u8]) {
        self.into[self.at..self.at + octets.len()].copy_from_slice(octets);
        self.at += octets.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(packets: u64) -> Sent {
        Sent { ssrc: 0xa1b2_c3d4, timestamp: 16_000, packets, octets: packets * 160 }
    }

    fn report(sent: Sent, block: Option<Block>) -> Report {
        Report { sent, block, metrics: None, round_trip: false }
    }

    fn block(ssrc: u32) -> Block {
        Block { ssrc, fraction_lost: 64, cumulative_lost: -2, highest_sequence: 0x1_0007, jitter: 80 }
    }

    #[test]
    fn a_report_is_laid_out_as_the_rfc_draws_it() {
        let mut entropy = Entropy::seeded(1);
        let mut rtcp = Rtcp::new(&mut entropy);
        let mut octets = [0; LONGEST];
        let now = Timestamp::from_millis(2_500);
        let length = rtcp.report(now, report(sent(100), Some(block(7))), &mut entropy, &mut octets);
        assert_eq!(length, LONGEST - xr::LONGEST - 8);
        assert_eq!(octets[..4], [0x81, 200, 0, 12]);
        assert_eq!(octets[4..8], [0xa1, 0xb2, 0xc3, 0xd4]);
        assert_eq!(octets[8..16], [0, 0, 0, 2, 0x80, 0, 0, 0], "2.5 s");
        assert_eq!(word(&octets[20..]), 100);
        assert_eq!(word(&octets[24..]), 16_000);
        assert_eq!(octets[28..36], [0, 0, 0, 7, 64, 0xff, 0xff, 0xfe]);
        assert_eq!(octets[52..56], [0x81, 202, 0, 6]);
        assert_eq!(octets[60..62], [1, 16]);
        assert!(is_compound(&octets[..length]));

        let length = rtcp.report(now, report(sent(100), None), &mut entropy, &mut octets);
        assert_eq!(octets[1], SENDER_REPORT, "it sent before the last report but one");
        assert!(is_compound(&octets[..length]));
        rtcp.report(now, report(sent(100), None), &mut entropy, &mut octets);
        assert_eq!(octets[..4], [0x80, 201, 0, 1], "now it only receives");

        let length = rtcp.bye(now, report(sent(101), Some(block(7))), &mut octets);
        assert_eq!(octets[length - 8..length - 4], [0x81, 203, 0, 1]);
        assert!(is_compound(&octets[..length]));
    }

    #[test]
    fn two_ends_learn_how_far_they_are_apart() {
        let mut entropy = Entropy::seeded(1);
        let (mut a, mut b) = (Rtcp::new(&mut entropy), Rtcp::new(&mut entropy));
        let mut octets = [0; LONGEST];
        let (from_a, from_b) = (sent(1), Sent { ssrc: 9, ..sent(1) });
        // 30 ms there, 5 s until b reports, 40 ms back; b's clock is another one.
        let length = a.report(Timestamp::from_secs(100), report(from_a, None), &mut entropy, &mut octets);
        assert!(b.receive(Timestamp::from_millis(7_030), 9, &octets[..length]));
        let length = b.report(
            Timestamp::from_millis(12_030),
            report(from_b, Some(block(from_a.ssrc))),
            &mut entropy,
            &mut octets,
        );
        assert!(a.receive(Timestamp::from_millis(105_070), from_a.ssrc, &octets[..length]));
        let round_trip = a.round_trip_us.unwrap();
        assert!((69_900..=70_100).contains(&round_trip), "{round_trip} µs");
        assert_eq!(b.round_trip_us, None);
        assert_eq!((a.arrived, b.arrived), (Some((0, 80)), None), "and how what they sent arrived");
    }

    #[test]
    fn who_only_receives_learns_the_round_trip_and_who_sends_how_it_sounds() {
        let mut entropy = Entropy::seeded(1);
        let (mut a, mut b) = (Rtcp::new(&mut entropy), Rtcp::new(&mut entropy));
        let mut octets = [0; LONGEST];
        let silent = Report { round_trip: true, ..report(sent(0), None) };
        let length = a.report(Timestamp::from_secs(100), silent, &mut entropy, &mut octets);
        assert!(b.receive(Timestamp::from_millis(7_030), 9, &octets[..length]));
        let metrics = VoipMetrics {
            ssrc: silent.sent.ssrc,
            lost: 12,
            discarded: 3,
            in_bursts: 200,
            in_gaps: 2,
            burst_ms: 140,
            gap_ms: 9_000,
            round_trip_ms: 70,
            end_system_ms: 60,
            r_factor: Some(81),
            mos_listening: Some(42),
            mos_conversing: None,
            buffer: Some(xr::Buffer { nominal: 40, most: 250, room: 500 }),
        };
        let from_b = Sent { ssrc: 9, ..sent(1) };
        let full = Report { metrics: Some(metrics), round_trip: true, ..report(from_b, None) };
        let length = b.report(Timestamp::from_millis(12_030), full, &mut entropy, &mut octets);
        let at = length - 8 - 16 - 36;
        assert_eq!(octets[at..at + 12], [0x80, 207, 0, 14, 0, 0, 0, 9, 5, 0, 0, 3]);
        assert_eq!(octets[at + 24..at + 36], [7, 0, 0, 8, 0xa1, 0xb2, 0xc3, 0xd4, 12, 3, 200, 2]);
        assert_eq!(octets[at + 36..at + 44], [0, 140, 0x23, 0x28, 0, 70, 0, 60]);
        assert_eq!(octets[at + 44..at + 52], [127, 127, 127, 16, 81, 127, 42, 127]);
        assert_eq!(octets[at + 52..length], [0xf0, 0, 0, 40, 0, 250, 1, 244]);
        assert!(a.receive(Timestamp::from_millis(105_070), silent.sent.ssrc, &octets[..length]));
        let round_trip = a.round_trip_us.unwrap();
        assert!((69_900..=70_100).contains(&round_trip), "{round_trip} µs");
        assert_eq!((a.metrics, b.metrics), (Some(metrics), None));
        assert!(a.receive(Timestamp::from_millis(105_070), 7, &octets[..length]));
        assert_eq!(a.metrics, Some(metrics), "what is said of another source changes nothing");
    }

    #[test]
    fn a_strange_block_is_let_by_and_a_wrong_length_ends_the_packet() {
        let told = |body: &[u8]| {
            let mut all = Vec::new();
            xr::read(body, |source, told| all.push((source, told)));
            all
        };
        let reference = [4, 0, 0, 2, 0, 0, 0, 1, 0x80, 0, 0, 0];
        let body = [&[0, 0, 0, 5][..], &[42, 9, 0, 1, 1, 2, 3, 4], &reference].concat();
        assert_eq!(told(&body), [(5, Told::Reference(0x0001_8000))]);
        let body = [&[0, 0, 0, 5][..], &reference, &[7, 0, 0, 1, 0, 0, 0, 0], &[4, 0, 0xff, 0xff]].concat();
        assert_eq!(told(&body).len(), 1);
        assert_eq!(told(&[1, 2, 3]), []);
    }

    #[test]
    fn reports_come_every_five_seconds_or_so_and_never_in_step() {
        let mut entropy = Entropy::seeded(5);
        let mut rtcp = Rtcp::new(&mut entropy);
        assert!(!rtcp.is_due(Timestamp::from_secs(1_000)), "not before it is started");
        rtcp.start(Timestamp::ZERO, &mut entropy);
        let mut octets = [0; LONGEST];
        let mut times = Vec::new();
        for ms in 0..1_000_000 {
            if rtcp.is_due(Timestamp::from_millis(ms)) {
                times.push(ms);
                rtcp.report(Timestamp::from_millis(ms), report(sent(ms), None), &mut entropy, &mut octets);
            }
        }
        assert!((1_000..=3_100).contains(&times[0]), "{}", times[0]);
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (2_050..=6_160).contains(gap)));
        assert!(gaps.iter().max().unwrap() - gaps.iter().min().unwrap() > 3_000);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let mut entropy = Entropy::seeded(1);
        let mut rtcp = Rtcp::new(&mut entropy);
        let mut good = [0; LONGEST];
        rtcp.last_reference = Some((2, 3, Timestamp::ZERO));
        let metrics = Some(VoipMetrics { ssrc: 1, ..VoipMetrics::default() });
        let whole = Report { metrics, round_trip: true, ..report(sent(0), Some(block(1))) };
        let length = rtcp.bye(Timestamp::ZERO, whole, &mut good);
        for cut in 0..length {
            // Cut right after a whole packet it is still a compound.
            let is_whole = [32, 32 + NAME_PACKET, length - 8].contains(&cut);
            assert_eq!(rtcp.receive(Timestamp::ZERO, 1, &good[..cut]), is_whole, "{cut}");
        }
        assert!(!rtcp.receive(Timestamp::ZERO, 1, &good[32..length]), "does not begin with a report");
        // Lengths and counts that promise more than there is.
        let mut chance = Entropy::seeded(2);
        for _ in 0..20_000 {
            let mut bad = good;
            for _ in 0..3 {
                bad[chance.below(length as u64) as usize] = chance.u32() as u8;
            }
            rtcp.receive(Timestamp::ZERO, 1, &bad);
        }
    }
}
