//! What a leg says, decoded: one frame at a time, the same for everybody who hears it mixed.

use crate::media::codec::Law;
use crate::media::jitter::JitterBuffer;
use crate::media::jitter::Next;
use crate::media::rtp::Header;
use crate::media::stream::FRAME_BYTES;
use crate::sdp::Codec;

/// Samples of a frame at 8 kHz.
pub(super) const SAMPLES: usize = FRAME_BYTES;

/// See the module.
#[derive(Debug)]
pub(super) struct Voice {
    jitter: JitterBuffer,
    /// The number of the frame that `samples` are.
    frame: Option<u64>,
    samples: [i16; SAMPLES],
    /// Decoded, and not yet in a frame.
    rest: Vec<i16>,
}

impl Voice {
    pub(super) fn new() -> Voice {
        Voice { jitter: JitterBuffer::default(), frame: None, samples: [0; SAMPLES], rest: Vec::new() }
    }

    /// A packet of it came.
    pub(super) fn receive(&mut self, header: &Header, codec: Codec, payload: &[u8]) {
        if Law::of(codec).is_some() {
            self.jitter.push(header, codec, payload.len() as u32, payload);
        }
    }

    /// What is heard in frame number `frame`. Whoever asks first in a frame moves it on; what did not come is
    /// silence.
    pub(super) fn frame(&mut self, frame: u64) -> &[i16; SAMPLES] {
        if self.frame != Some(frame) {
            self.frame = Some(frame);
            while self.rest.len() < SAMPLES && self.decode() {}
            let there = self.rest.len().min(SAMPLES);
            self.samples[..there].copy_from_slice(&self.rest[..there]);
            self.samples[there..].fill(0);
            self.rest.drain(..there);
        }
        &self.samples
    }

    /// Decodes what comes next; false when nothing does.
    fn decode(&mut self) -> bool {
        match self.jitter.take() {
            None => return false,
            Some(Next::Missing(units)) => self.rest.resize(self.rest.len() + units as usize, 0),
            Some(Next::Packet(held)) => {
                if let Some(law) = Law::of(held.codec) {
                    self.rest.extend(held.payload.iter().map(|code| law.decode(*code)));
                }
                self.jitter.give_back(held);
            }
        }
        true
    }
}
