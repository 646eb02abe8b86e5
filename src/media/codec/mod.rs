//! Codecs: samples to what a packet carries and back, a frame of 20 ms at a time.
//!
//! Leaves out which payload type a codec has (`sdp`) and how its packets look (`rtp`).

mod g711;
mod opus;

use audio_codec::Decoder as _;
use audio_codec::Encoder as _;
use audio_codec::g722::G722Decoder;
use audio_codec::g722::G722Encoder;

pub use g711::Law;
pub use g711::PCMA_SILENCE;
pub use g711::PCMU_SILENCE;
pub use g711::transcode;

use self::opus::OpusDecoder;
use self::opus::OpusEncoder;
use crate::media::frame::Rate;
use crate::media::frame::WIDE;
pub use crate::sdp::Codec;

/// The most octets that a frame has in any codec. Opus keeps to it at whatever rate.
pub const MAX_FRAME: usize = 320;
/// The most samples that a packet holds when it is decoded: 120 ms, the longest that Opus makes.
pub const MAX_DECODED: usize = 6 * WIDE;

/// The rate at which a codec is decoded and encoded here. Opus would do more than 16 kHz; a telephone does not.
pub const fn rate(codec: Codec) -> Rate {
    match codec {
        Codec::Pcmu | Codec::Pcma => Rate::Narrow,
        Codec::G722 | Codec::Opus => Rate::Wide,
    }
}

/// Units of a codec's RTP clock in a frame of 20 ms.
pub const fn units(codec: Codec) -> u32 {
    codec.clock_rate() / 50
}

/// How long a packet lasts, in units of the codec's clock; none when it cannot be told.
pub fn packet_units(codec: Codec, payload: &[u8]) -> Option<u32> {
    match codec {
        // An octet is a sample, or in G.722 two of them at half of their rate: see `Codec::G722`.
        Codec::Pcmu | Codec::Pcma | Codec::G722 => {
            u32::try_from(payload.len()).ok().filter(|units| *units > 0)
        }
        Codec::Opus => opus::packet_units(payload),
    }
}

/// Writes a frame of silence; how many octets it has.
pub fn silence(codec: Codec, into: &mut [u8; MAX_FRAME]) -> usize {
    match codec {
        Codec::Pcmu => fill(into, PCMU_SILENCE),
        Codec::Pcma => fill(into, PCMA_SILENCE),
        Codec::G722 => fill(into, G722_SILENCE),
        Codec::Opus => {
            into[..opus::SILENCE.len()].copy_from_slice(&opus::SILENCE);
            opus::SILENCE.len()
        }
    }
}

/// The smallest difference in both bands of G.722: repeated, it decodes to ±2 of 32 768. An encoder that is given
/// zeros is not so quiet, for it cannot say no difference at all.
const G722_SILENCE: u8 = 0xff;
/// Octets of a frame at 64 kbit/s.
const FRAME_64: usize = 160;

fn fill(into: &mut [u8; MAX_FRAME], octet: u8) -> usize {
    into[..FRAME_64].fill(octet);
    FRAME_64
}

/// Makes packets of samples.
pub enum Encoder {
    G711(Law),
    G722(Box<G722Encoder>),
    Opus(Box<OpusEncoder>),
}

impl Encoder {
    /// A new one, at rest.
    pub fn new(codec: Codec) -> Encoder {
        match codec {
            Codec::Pcmu => Encoder::G711(Law::Mu),
            Codec::Pcma => Encoder::G711(Law::A),
            Codec::G722 => Encoder::G722(Box::default()),
            Codec::Opus => Encoder::Opus(Box::new(OpusEncoder::new())),
        }
    }

    /// Which codec it makes.
    pub const fn codec(&self) -> Codec {
        match self {
            Encoder::G711(Law::Mu) => Codec::Pcmu,
            Encoder::G711(Law::A) => Codec::Pcma,
            Encoder::G722(_) => Codec::G722,
            Encoder::Opus(_) => Codec::Opus,
        }
    }

    /// Encodes a frame of samples at the codec's [`rate`]; how many octets it has.
    pub fn encode(&mut self, samples: &[i16], into: &mut [u8; MAX_FRAME]) -> usize {
        match self {
            Encoder::G711(law) => {
                for (code, sample) in into.iter_mut().zip(samples) {
                    *code = law.encode(*sample);
                }
                samples.len().min(MAX_FRAME)
            }
            // It fails when there is no room, and there is.
            Encoder::G722(encoder) => encoder.encode_into(samples, into).unwrap_or(0),
            Encoder::Opus(encoder) => encoder.encode(samples, into),
        }
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Encoder({})", self.codec().name())
    }
}

/// Makes samples of packets.
pub enum Decoder {
    G711(Law),
    G722(Box<G722Decoder>),
    Opus(Box<OpusDecoder>),
}

impl Decoder {
    /// A new one, at rest.
    pub fn new(codec: Codec) -> Decoder {
        match codec {
            Codec::Pcmu => Decoder::G711(Law::Mu),
            Codec::Pcma => Decoder::G711(Law::A),
            Codec::G722 => Decoder::G722(Box::default()),
            Codec::Opus => Decoder::Opus(Box::new(OpusDecoder::new())),
        }
    }

    /// Which codec it reads.
    pub const fn codec(&self) -> Codec {
        match self {
            Decoder::G711(Law::Mu) => Codec::Pcmu,
            Decoder::G711(Law::A) => Codec::Pcma,
            Decoder::G722(_) => Codec::G722,
            Decoder::Opus(_) => Codec::Opus,
        }
    }

    /// Decodes a packet to samples at the codec's [`rate`]; how many there are, none when it cannot be read.
    pub fn decode(&mut self, payload: &[u8], into: &mut [i16; MAX_DECODED]) -> usize {
        match self {
            Decoder::G711(law) => {
                for (sample, code) in into.iter_mut().zip(payload) {
                    *sample = law.decode(*code);
                }
                payload.len().min(MAX_DECODED)
            }
            Decoder::G722(decoder) => {
                let payload = &payload[..payload.len().min(MAX_DECODED / 2)];
                decoder.decode_into(payload, into).unwrap_or(0)
            }
            Decoder::Opus(decoder) => decoder.decode(payload, into),
        }
    }

    /// Rebuilds what came before the packet that `follows` and did not arrive; false when the codec has nothing to
    /// rebuild it from.
    pub fn rebuild(&mut self, follows: &[u8], into: &mut [i16]) -> bool {
        match self {
            Decoder::G711(_) | Decoder::G722(_) => false,
            Decoder::Opus(decoder) => decoder.rebuild(follows, into),
        }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Decoder({})", self.codec().name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::quality;

    const ALL: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];

    fn through(codec: Codec, samples: &[i16]) -> Vec<i16> {
        let (mut encoder, mut decoder) = (Encoder::new(codec), Decoder::new(codec));
        let (mut octets, mut decoded) = ([0; MAX_FRAME], [0; MAX_DECODED]);
        let mut heard = Vec::new();
        for frame in samples.chunks_exact(rate(codec).samples()) {
            let length = encoder.encode(frame, &mut octets);
            assert_eq!(packet_units(codec, &octets[..length]), Some(units(codec)), "{codec:?}");
            let count = decoder.decode(&octets[..length], &mut decoded);
            assert_eq!(count, frame.len(), "{codec:?}");
            heard.extend(&decoded[..count]);
        }
        heard
    }

    #[test]
    fn speech_comes_out_as_it_went_in() {
        for (codec, least_db) in
            [(Codec::Pcmu, 30.0), (Codec::Pcma, 30.0), (Codec::G722, 20.0), (Codec::Opus, 7.0)]
        {
            let said = quality::speech(rate(codec).hz());
            let heard = through(codec, &said);
            let match_ = quality::compare(&said, &heard);
            assert!(match_.snr_db > least_db, "{codec:?}: {match_:?}");
            assert!(match_.delay < 160, "{codec:?}: {match_:?}");
            assert!(match_.level_db.abs() < 0.5, "{codec:?}: {match_:?}");
        }
    }

    #[test]
    fn silence_is_silent_in_every_codec() {
        for codec in ALL {
            let mut octets = [0x55; MAX_FRAME];
            let length = silence(codec, &mut octets);
            assert_eq!(packet_units(codec, &octets[..length]), Some(units(codec)), "{codec:?}");
            let (mut decoder, mut decoded) = (Decoder::new(codec), [0; MAX_DECODED]);
            for _ in 0..50 {
                let count = decoder.decode(&octets[..length], &mut decoded);
                assert_eq!(count, rate(codec).samples(), "{codec:?}");
                let loudest = decoded[..count].iter().map(|sample| sample.unsigned_abs()).max().unwrap();
                assert!(loudest <= 16, "{codec:?}: {loudest}");
            }
        }
    }

    #[test]
    fn whatever_comes_is_decoded_to_something_that_fits() {
        let mut chance = crate::base::Entropy::seeded(7);
        for codec in ALL {
            let (mut decoder, mut decoded) = (Decoder::new(codec), [0; MAX_DECODED]);
            for _ in 0..3_000 {
                let payload: Vec<u8> = (0..chance.below(1_460)).map(|_| chance.u32() as u8).collect();
                assert!(decoder.decode(&payload, &mut decoded) <= MAX_DECODED);
                assert!(packet_units(codec, &payload).is_none_or(|units| units > 0));
            }
        }
    }
}
