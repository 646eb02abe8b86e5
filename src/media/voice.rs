//! What a leg says, decoded: one frame at a time, the same for everybody who hears it mixed.

use crate::media::codec::Decoder;
use crate::media::codec::MAX_DECODED;
use crate::media::codec::packet_units;
use crate::media::codec::rate;
use crate::media::codec::units;
use crate::media::frame::NARROW;
use crate::media::frame::Rate;
use crate::media::frame::WIDE;
use crate::media::half_band::Down;
use crate::media::half_band::Up;
use crate::media::jitter::Held;
use crate::media::jitter::JitterBuffer;
use crate::media::jitter::Next;
use crate::media::rtp::Header;
use crate::sdp::Codec;

/// See the module.
#[derive(Debug)]
pub(super) struct Voice {
    jitter: JitterBuffer,
    decoder: Decoder,
    /// Decoded, and not yet in a frame.
    rest: Vec<i16>,
    /// The number of the frame that `narrow` and `wide` are, each where it was asked for.
    frame: Option<u64>,
    narrow: Option<[i16; NARROW]>,
    wide: Option<[i16; WIDE]>,
    down: Down,
    up: Up,
}

impl Voice {
    /// Of a leg that will probably send this codec.
    pub(super) fn new(codec: Codec) -> Voice {
        Voice {
            jitter: JitterBuffer::new(codec),
            decoder: Decoder::new(codec),
            rest: Vec::with_capacity(MAX_DECODED + WIDE),
            frame: None,
            narrow: None,
            wide: None,
            down: Down::default(),
            up: Up::default(),
        }
    }

    /// A packet of it came.
    pub(super) fn receive(&mut self, header: &Header, codec: Codec, payload: &[u8]) {
        if let Some(units) = packet_units(codec, payload) {
            self.jitter.push(header, codec, units, payload);
        }
    }

    /// What is heard in frame number `frame`, at a rate. Whoever asks first in a frame moves it on; what did not
    /// come is silence.
    pub(super) fn frame(&mut self, frame: u64, wanted: Rate) -> &[i16] {
        if self.frame != Some(frame) {
            self.frame = Some(frame);
            self.move_on();
        }
        match wanted {
            Rate::Narrow => {
                let Voice { narrow, wide, down, .. } = self;
                narrow.get_or_insert_with(|| wide.as_ref().map_or([0; NARROW], |wide| down.frame(wide)))
            }
            Rate::Wide => {
                let Voice { narrow, wide, up, .. } = self;
                wide.get_or_insert_with(|| narrow.as_ref().map_or([0; WIDE], |narrow| up.frame(narrow)))
            }
        }
    }

    fn move_on(&mut self) {
        while self.rest.len() < self.rate().samples() && self.decode() {}
        (self.narrow, self.wide) = (None, None);
        match self.rate() {
            Rate::Narrow => self.narrow = Some(self.take()),
            Rate::Wide => self.wide = Some(self.take()),
        }
    }

    fn rate(&self) -> Rate {
        rate(self.decoder.codec())
    }

    fn take<const SAMPLES: usize>(&mut self) -> [i16; SAMPLES] {
        let mut frame = [0; SAMPLES];
        let there = self.rest.len().min(SAMPLES);
        frame[..there].copy_from_slice(&self.rest[..there]);
        self.rest.drain(..there);
        frame
    }

    /// Decodes what comes next; false when nothing does.
    fn decode(&mut self) -> bool {
        match self.jitter.take() {
            None => false,
            Some(Next::Missing(missing)) => {
                let codec = self.decoder.codec();
                let samples = missing as usize * rate(codec).samples() / units(codec) as usize;
                self.rest.resize((self.rest.len() + samples).min(self.rest.capacity()), 0);
                true
            }
            Some(Next::Packet(held)) => {
                self.decode_packet(&held);
                self.jitter.give_back(held);
                true
            }
        }
    }

    fn decode_packet(&mut self, held: &Held) {
        if self.decoder.codec() != held.codec {
            self.rest.clear();
            self.decoder = Decoder::new(held.codec);
        }
        let mut decoded = [0; MAX_DECODED];
        let count = self.decoder.decode(&held.payload, &mut decoded);
        self.rest.extend_from_slice(&decoded[..count]);
    }
}
