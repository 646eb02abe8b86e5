//! What one line hears, measured as its packets arrive: gaps, loss, and how old a stamped frame is.

use std::time::Duration;

use super::report::Spread;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::media::reception::Reception;
use crate::media::rtp::Header;

/// The codec's clock, in Hz: G.711.
const CLOCK_RATE: u32 = 8_000;
/// A source whose media time leaps further than this began something else.
const LEAP: u32 = CLOCK_RATE;

/// What marks a frame of ours, so that whoever hears it can tell when it was sent. As sound it is a click.
const STAMP: [u8; 4] = [0x57, 0x4c, 0x9d, 0x31];
/// Octets of a stamp.
const STAMP_LENGTH: usize = STAMP.len() + 8;

/// What all lines heard.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    pub packets: u64,
    pub lost: u64,
    /// How far the time between two packets is from the media time between them.
    pub off_pace: Spread,
    /// From a frame's sending to its arrival, where frames come through unchanged.
    pub delay: Spread,
    /// From the answer to the first packet.
    pub first_audio: Spread,
}

/// One line's ear.
#[derive(Clone, Debug)]
pub struct Ear {
    /// When the line was answered; none once its first audio was counted.
    answered: Option<WallTime>,
    last: Option<(WallTime, Header)>,
    reception: Reception,
}

impl Ear {
    /// The ear of a line that was answered then.
    pub fn new(answered: WallTime) -> Ear {
        Ear { answered: Some(answered), last: None, reception: Reception::default() }
    }

    /// A packet arrived.
    pub fn hear(&mut self, at: WallTime, header: Header, payload: &[u8], heard: &mut Heard) {
        heard.packets += 1;
        if let Some(answered) = self.answered.take() {
            heard.first_audio.record(since(at, answered));
        }
        if let Some(sent) = stamped(payload) {
            heard.delay.record(since(at, sent));
        }
        if let Some((before, last)) = self.last.replace((at, header)) {
            let units = header.timestamp.wrapping_sub(last.timestamp);
            let follows = header.ssrc == last.ssrc && header.sequence == last.sequence.wrapping_add(1);
            // A pause of the source is not its lateness: what begins a talk spurt is marked.
            if follows && !header.marker && (1..LEAP).contains(&units) {
                let media = u64::from(units) * 1_000_000 / u64::from(CLOCK_RATE);
                let gap = u64::try_from(since(at, before).as_micros()).unwrap_or(u64::MAX);
                heard.off_pace.record(Duration::from_micros(gap.abs_diff(media)));
            }
        }
        // Only the order and number of packets are asked of it, and neither needs the time.
        self.reception.received(Timestamp::ZERO, &header, CLOCK_RATE);
    }

    /// The line is over: what was lost on it is added.
    pub fn close(self, heard: &mut Heard) {
        heard.lost += self.reception.lost();
    }
}

/// Writes when a frame is sent at its beginning.
pub fn stamp(payload: &mut [u8], now: WallTime) {
    if let Some(place) = payload.first_chunk_mut::<STAMP_LENGTH>() {
        place[..STAMP.len()].copy_from_slice(&STAMP);
        place[STAMP.len()..].copy_from_slice(&now.0.to_be_bytes());
    }
}

/// When a frame of ours was sent.
fn stamped(payload: &[u8]) -> Option<WallTime> {
    let time = payload.strip_prefix(&STAMP)?.first_chunk()?;
    Some(WallTime(i64::from_be_bytes(*time)))
}

fn since(at: WallTime, earlier: WallTime) -> Duration {
    Duration::from_micros(u64::try_from(at.0 - earlier.0).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(number: u16) -> Header {
        let timestamp = u32::from(number) * 160;
        Header { marker: number == 0, payload_type: 0, sequence: number, timestamp, ssrc: 7 }
    }

    #[test]
    fn gaps_are_measured_against_the_media_time() {
        let (mut ear, mut heard) = (Ear::new(WallTime(0)), Heard::default());
        for (number, at) in [(0, 30_000), (1, 50_100), (2, 69_000), (4, 109_000), (5, 129_000)] {
            ear.hear(WallTime(at), header(number), &[0xff; 160], &mut heard);
        }
        assert_eq!(heard.first_audio.max(), Duration::from_millis(30));
        assert_eq!(heard.off_pace.count(), 3, "what follows a lost packet has no gap of its own");
        assert_eq!(heard.off_pace.max(), Duration::from_micros(1_100));
        ear.close(&mut heard);
        assert_eq!((heard.packets, heard.lost), (5, 1));
    }

    #[test]
    fn a_stamped_frame_tells_how_long_it_took() {
        let (mut ear, mut heard) = (Ear::new(WallTime(0)), Heard::default());
        let mut frame = [0x55; 160];
        stamp(&mut frame, WallTime(1_000_000));
        ear.hear(WallTime(1_000_450), header(0), &frame, &mut heard);
        ear.hear(WallTime(1_020_450), header(1), &[0x55; 160], &mut heard);
        assert_eq!((heard.delay.count(), heard.delay.max()), (1, Duration::from_micros(450)));
    }
}
