//! Opus (RFC 6716) at 16 kHz: speech at 24 kbit/s, with the redundancy that lets a lost packet be rebuilt from
//! the one after it.

use super::MAX_DECODED;
use super::MAX_FRAME;
use crate::media::frame::WIDE;

/// Samples per second here.
const RATE: i32 = 16_000;
const BITRATE: i32 = 24_000;
/// Of 10: what libopus calls complexity. More costs twice as much and is hardly heard.
const COMPLEXITY: i32 = 5;
/// The loss that is expected, in percent: below it the encoder makes no redundancy.
const EXPECTED_LOSS: i32 = 5;
/// The longest packet: 120 ms of a 48 kHz clock.
const LONGEST: u32 = 5_760;

/// A frame of 20 ms in which there is nothing: full band, one channel, no energy.
pub(super) const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];

/// How long a packet lasts, in units of the 48 kHz clock; none when it is none.
///
/// [RFC 6716 §3.1](https://www.rfc-editor.org/rfc/rfc6716#section-3.1)
pub(super) fn packet_units(packet: &[u8]) -> Option<u32> {
    let [toc, rest @ ..] = packet else { return None };
    let config = toc >> 3;
    let frame = match config {
        0..=11 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        12..=15 => [480, 960][usize::from(config & 1)],
        _ => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3f),
    };
    let units = frame * frames;
    (units > 0 && units <= LONGEST).then_some(units)
}

pub struct OpusEncoder(opus_rs::OpusEncoder);

impl OpusEncoder {
    pub fn new() -> OpusEncoder {
        // It fails for rates and channels that Opus does not have; 16 kHz and one channel it has.
        let mut encoder = opus_rs::OpusEncoder::new(RATE, 1, opus_rs::Application::Voip)
            .expect("Opus encodes one channel at 16 kHz");
        encoder.bitrate_bps = BITRATE;
        encoder.complexity = COMPLEXITY;
        encoder.use_inband_fec = true;
        encoder.packet_loss_perc = EXPECTED_LOSS;
        OpusEncoder(encoder)
    }

    pub fn encode(&mut self, samples: &[i16], into: &mut [u8; MAX_FRAME]) -> usize {
        self.0.encode_i16(samples, WIDE, into).unwrap_or(0)
    }
}

pub struct OpusDecoder(opus_rs::OpusDecoder);

impl OpusDecoder {
    pub fn new() -> OpusDecoder {
        // As above.
        OpusDecoder(opus_rs::OpusDecoder::new(RATE, 1).expect("Opus decodes one channel at 16 kHz"))
    }

    pub fn decode(&mut self, packet: &[u8], into: &mut [i16; MAX_DECODED]) -> usize {
        // Its own length, for what is longer would be concealed.
        let Some(samples) = packet_units(packet).map(|units| (units / 3) as usize) else { return 0 };
        let mut decoded = [0.0; MAX_DECODED];
        let count = self.0.decode(packet, samples, &mut decoded[..samples]).unwrap_or(0).min(samples);
        to_integers(&decoded[..count], into);
        count
    }
}

fn to_integers(samples: &[f32], into: &mut [i16; MAX_DECODED]) {
    for (into, sample) in into.iter_mut().zip(samples) {
        // The cast clips.
        *into = (sample * 32_768.0).round() as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_tells_how_long_it_lasts() {
        let one = |config: u8, rest: &[u8]| {
            let mut packet = vec![config << 3];
            packet.extend(rest);
            packet_units(&packet)
        };
        assert_eq!([0, 1, 2, 3].map(|config| one(config, &[])), [480, 960, 1_920, 2_880].map(Some));
        assert_eq!([12, 15, 16, 31].map(|config| one(config, &[])), [480, 960, 120, 960].map(Some));
        assert_eq!(packet_units(&[1 << 3 | 1, 0]), Some(1_920), "two frames");
        assert_eq!(packet_units(&[1 << 3 | 3, 3]), Some(2_880), "as many as it says");
        assert_eq!(packet_units(&[1 << 3 | 3, 0]), None, "none at all");
        assert_eq!(packet_units(&[1 << 3 | 3, 7]), None, "140 ms");
        assert_eq!((packet_units(&[]), packet_units(&[3])), (None, None));
    }

    #[test]
    fn it_keeps_to_its_rate() {
        let said = crate::media::quality::speech(16_000);
        let (mut encoder, mut octets, mut into) = (OpusEncoder::new(), 0, [0; MAX_FRAME]);
        let frames = said.chunks_exact(WIDE);
        let count = frames.len();
        for frame in frames {
            octets += encoder.encode(frame, &mut into);
        }
        let kbit_s = octets as f64 * 8.0 / (count as f64 * 20.0);
        assert!((15.0..27.0).contains(&kbit_s), "{kbit_s} kbit/s");
    }
}
