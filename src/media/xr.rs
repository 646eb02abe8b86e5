//! RTCP extended reports (RFC 3611): VoIP metrics, and the round trip of who only receives. Of the other blocks nothing is
//! written, and they are let by.

use serde::Deserialize;
use serde::Serialize;

use crate::fact::mos;
use crate::media::bursts::GMIN;
use crate::media::bursts::Shares;
use crate::media::estimate::Journey;
use crate::media::estimate::listening_r_factor;
use crate::media::estimate::r_factor;
use crate::media::rtcp::Writer;
use crate::media::rtcp::word;

/// The packet type.
pub(super) const EXTENDED: u8 = 207;
const REFERENCE_TIME: u8 = 4;
const DLRR: u8 = 5;
const VOIP_METRICS: u8 = 7;

/// Header and source, and every block that is written.
pub(super) const LONGEST: usize = 8 + 36 + 12 + 16;

/// What is said is sent when a frame is full.
const FRAME_MS: u16 = 20;
/// What is not told.
const UNAVAILABLE: u8 = 127;

/// How a stream came to the one who reports ([RFC 3611 §4.7](https://www.rfc-editor.org/rfc/rfc3611#section-4.7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoipMetrics {
    /// The source that is reported on.
    pub ssrc: u32,
    /// Of 256 packets, those lost, and those that came too late.
    pub lost: u8,
    pub discarded: u8,
    /// Of 256 packets in bursts, and in gaps, those lost or too late.
    pub in_bursts: u8,
    pub in_gaps: u8,
    pub burst_ms: u16,
    pub gap_ms: u16,
    /// 0 when it is not known.
    pub round_trip_ms: u16,
    /// What the reporter itself adds, both ways.
    pub end_system_ms: u16,
    /// The rating R, 0 to 100.
    pub r_factor: Option<u8>,
    /// Mean opinions of listening and of conversing, in tenths: 10 to 50.
    pub mos_listening: Option<u8>,
    pub mos_conversing: Option<u8>,
    /// What waits in the jitter buffer, and what may, in ms; none where there is no such buffer.
    pub buffer: Option<Buffer>,
}

/// A jitter buffer, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buffer {
    pub nominal: u16,
    pub most: u16,
    /// What it can hold.
    pub room: u16,
}

/// A packet of extended reports that is to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Blocks {
    pub metrics: Option<VoipMetrics>,
    /// The NTP time now, for who does not send and so has no sender report.
    pub reference: Option<u64>,
    /// The source of the latest reference time that came, the middle of that, and how long ago, in 1/65536 s.
    pub heard: Option<(u32, u32, u32)>,
}

/// What a packet of extended reports tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Metrics(VoipMetrics),
    /// The middle of the reporter's NTP time.
    Reference(u32),
    /// Of this source, the reference time that the reporter heard last, and how long before this.
    Heard {
        ssrc: u32,
        last: u32,
        delay: u32,
    },
}

/// The metrics of the source `ssrc`, by what became of its packets, each `step` units of a `clock_rate` long.
pub(super) fn measured(
    ssrc: u32,
    shares: Shares,
    (step, clock_rate): (u32, u32),
    journey: &Journey,
    buffer: Option<Buffer>,
) -> VoipMetrics {
    let ms = |ms: u64| u16::try_from(ms).unwrap_or(u16::MAX);
    let packets_ms = |packets: u64| ms(packets * u64::from(step) * 1_000 / u64::from(clock_rate));
    let tenths = |r_factor: Option<u8>| r_factor.map(|r| (mos(r) * 10.0).round() as u8);
    VoipMetrics {
        ssrc,
        lost: shares.lost,
        discarded: shares.discarded,
        in_bursts: shares.in_bursts,
        in_gaps: shares.in_gaps,
        burst_ms: packets_ms(shares.burst_packets),
        gap_ms: packets_ms(shares.gap_packets),
        round_trip_ms: ms(journey.round_trip.as_millis() as u64),
        end_system_ms: FRAME_MS + buffer.map_or(0, |buffer| buffer.nominal),
        r_factor: r_factor(journey),
        mos_listening: tenths(listening_r_factor(journey)),
        mos_conversing: tenths(r_factor(journey)),
        buffer,
    }
}

impl Blocks {
    fn octets(&self) -> usize {
        let part = |there: bool, octets| if there { octets } else { 0 };
        part(self.metrics.is_some(), 36) + part(self.reference.is_some(), 12) + part(self.heard.is_some(), 16)
    }

    /// Writes the packet, when there is anything to tell.
    pub fn write(&self, ssrc: u32, packet: &mut Writer<'_>) {
        if *self == Blocks::default() {
            return;
        }
        packet.header(0, EXTENDED, 8 + self.octets());
        packet.word(ssrc);
        if let Some(ntp) = self.reference {
            packet.octets(&[REFERENCE_TIME, 0, 0, 2]);
            packet.word((ntp >> 32) as u32);
            packet.word(ntp as u32);
        }
        if let Some((heard, last, delay)) = self.heard {
            packet.octets(&[DLRR, 0, 0, 3]);
            [heard, last, delay].into_iter().for_each(|word| packet.word(word));
        }
        if let Some(metrics) = self.metrics {
            packet.octets(&[VOIP_METRICS, 0, 0, 8]);
            metrics.write(packet);
        }
    }
}

impl VoipMetrics {
    fn write(&self, packet: &mut Writer<'_>) {
        packet.word(self.ssrc);
        packet.octets(&[self.lost, self.discarded, self.in_bursts, self.in_gaps]);
        for ms in [self.burst_ms, self.gap_ms, self.round_trip_ms, self.end_system_ms] {
            packet.octets(&ms.to_be_bytes());
        }
        // Levels of signal and noise and the echo are not measured here.
        packet.octets(&[UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, GMIN]);
        let told = |value: Option<u8>| value.unwrap_or(UNAVAILABLE);
        packet.octets(&[told(self.r_factor), UNAVAILABLE]);
        packet.octets(&[told(self.mos_listening), told(self.mos_conversing)]);
        // Standard concealment and an adaptive buffer, of which a rate is not told; or neither is known.
        packet.octets(&[if self.buffer.is_some() { 0b1111_0000 } else { 0 }, 0]);
        let Buffer { nominal, most, room } = self.buffer.unwrap_or_default();
        for ms in [nominal, most, room] {
            packet.octets(&ms.to_be_bytes());
        }
    }

    fn read(block: &[u8; 32]) -> VoipMetrics {
        let two = |at: usize| u16::from_be_bytes([block[at], block[at + 1]]);
        let told =
            |at: usize, within: std::ops::RangeInclusive<u8>| Some(block[at]).filter(|v| within.contains(v));
        let buffer = Buffer { nominal: two(26), most: two(28), room: two(30) };
        VoipMetrics {
            ssrc: word(block),
            lost: block[4],
            discarded: block[5],
            in_bursts: block[6],
            in_gaps: block[7],
            burst_ms: two(8),
            gap_ms: two(10),
            round_trip_ms: two(12),
            end_system_ms: two(14),
            r_factor: told(20, 0..=100),
            mos_listening: told(22, 10..=50),
            mos_conversing: told(23, 10..=50),
            buffer: (block[24] != 0 || buffer != Buffer::default()).then_some(buffer),
        }
    }
}

/// Reads the blocks of a packet whose `body` follows the header: its source and what it tells, block by block. A block that
/// says to be longer than the packet ends it.
pub(super) fn read(body: &[u8], mut tell: impl FnMut(u32, Told)) {
    let Some((source, mut rest)) = body.split_first_chunk::<4>() else { return };
    let source = u32::from_be_bytes(*source);
    while let Some((&[kind, _, high, low], after)) = rest.split_first_chunk() {
        let length = 4 * usize::from(u16::from_be_bytes([high, low]));
        let Some((block, next)) = after.split_at_checked(length) else { return };
        match kind {
            REFERENCE_TIME if block.len() == 8 => tell(source, Told::Reference(word(&block[2..]))),
            DLRR => {
                for report in block.chunks_exact(12) {
                    let [ssrc, last, delay] = [0, 4, 8].map(|at| word(&report[at..]));
                    tell(source, Told::Heard { ssrc, last, delay });
                }
            }
            VOIP_METRICS => {
                if let Ok(block) = block.try_into() {
                    tell(source, Told::Metrics(VoipMetrics::read(block)));
                }
            }
            _ => {}
        }
        rest = next;
    }
}
