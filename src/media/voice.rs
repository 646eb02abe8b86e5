//! What a leg says, decoded: one frame at a time, the same for everybody who hears it mixed.
//!
//! Packets come when the network brings them, frames are due every 20 ms. So much waits in between that in the
//! last seconds it would just have been enough: where more was always left over, or the sender's clock is fast, a
//! period of the voice is left out now and then; where it was nearly too little, one is repeated. What did not
//! come is rebuilt (Opus) or filled in.

use crate::base::Timestamp;
use crate::media::codec::Decoder;
use crate::media::codec::MAX_DECODED;
use crate::media::codec::packet_units;
use crate::media::codec::rate;
use crate::media::codec::units;
use crate::media::conceal::Conceal;
use crate::media::frame::NARROW;
use crate::media::frame::Rate;
use crate::media::frame::WIDE;
use crate::media::half_band::Down;
use crate::media::half_band::Up;
use crate::media::jitter;
use crate::media::jitter::Held;
use crate::media::jitter::JitterBuffer;
use crate::media::jitter::Next;
use crate::media::jitter::Pushed;
use crate::media::noise::Noise;
use crate::media::rtp::Header;
use crate::media::xr::Buffer;
use crate::sdp::Codec;

/// So many seconds are looked back on for the packet that came at the last moment.
const LOOK_BACK: usize = 5;
const FRAMES_A_SECOND: u32 = 50;
/// How much shall be left until a packet is needed when it comes, in ms: below, the sound is lengthened; above,
/// shortened.
const LEAST_LEFT_MS: i32 = 3;
const MOST_LEFT_MS: i32 = 25;
/// It is lengthened while less than this waits, and for packets that are less than this too late, in ms.
const MOST_DELAY_MS: i32 = 250;
/// It is shortened at most once in so many frames.
const SHORTEN_EVERY: u32 = 5;
/// After so many frames in which nothing came the sender has paused, and packets are gathered anew.
const PAUSED_AFTER: u32 = 5;

/// See the module.
#[derive(Debug)]
pub(super) struct Voice {
    jitter: JitterBuffer,
    decoder: Decoder,
    conceal: Conceal,
    /// The noise that the sender wants heard while it pauses.
    noise: Option<Noise>,
    /// Decoded, and not yet in a frame.
    rest: Vec<i16>,
    left: Left,
    /// Frames since it was shortened, and frames in a row for which nothing was there.
    since_shortened: u32,
    empty: u32,
    pub(super) counts: VoiceCounts,
    /// When the latest frame was first asked for, and its number.
    moved_on: Timestamp,
    frame: Option<u64>,
    /// The latest frame, at each rate at which it was asked for.
    narrow: Option<[i16; NARROW]>,
    wide: Option<[i16; WIDE]>,
    down: Down,
    up: Up,
}

/// What was done to the sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct VoiceCounts {
    /// Samples that were rebuilt or filled in.
    pub concealed: u64,
    /// How often a period was left out, or repeated.
    pub shortened: u32,
    pub lengthened: u32,
}

/// What had to be done to a leg's sound while it was decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mended {
    /// Packets that came when their time was over.
    pub late: u64,
    /// How much was rebuilt or filled in.
    pub concealed_ms: u64,
}

impl Mended {
    /// What was done in an earlier time, and now.
    pub fn and(self, later: Mended) -> Mended {
        Mended { late: self.late + later.late, concealed_ms: self.concealed_ms + later.concealed_ms }
    }
}

/// How long before it was needed the latest packet of each of the last seconds came, in samples.
#[derive(Clone, Debug)]
struct Left {
    seconds: [i32; LOOK_BACK],
    frames: u32,
}

impl Left {
    fn new() -> Left {
        Left { seconds: [i32::MAX; LOOK_BACK], frames: 0 }
    }

    fn note(&mut self, left: i32) {
        self.seconds[0] = self.seconds[0].min(left);
    }

    fn frame_over(&mut self) {
        self.frames += 1;
        if self.frames == FRAMES_A_SECOND {
            self.frames = 0;
            self.seconds.rotate_right(1);
            self.seconds[0] = i32::MAX;
        }
    }

    fn least(&self) -> Option<i32> {
        self.seconds.iter().copied().min().filter(|least| *least != i32::MAX)
    }

    /// The sound was made longer by so much: so much more would have been left.
    fn moved(&mut self, by: i32) {
        for second in self.seconds.iter_mut().filter(|second| **second != i32::MAX) {
            *second += by;
        }
    }
}

impl Voice {
    /// Of a leg that will probably send this codec.
    pub(super) fn new(codec: Codec) -> Voice {
        Voice {
            jitter: JitterBuffer::new(codec),
            decoder: Decoder::new(codec),
            conceal: Conceal::new(rate(codec)),
            noise: None,
            rest: Vec::with_capacity(2 * MAX_DECODED),
            left: Left::new(),
            since_shortened: 0,
            empty: 0,
            counts: VoiceCounts::default(),
            moved_on: Timestamp::ZERO,
            frame: None,
            narrow: None,
            wide: None,
            down: Down::default(),
            up: Up::default(),
        }
    }

    /// A packet of it came; whether it is heard.
    pub(super) fn receive(&mut self, now: Timestamp, header: &Header, codec: Codec, payload: &[u8]) -> bool {
        let Some(units) = packet_units(codec, payload) else { return false };
        self.noise = None;
        let ahead = self.jitter.ahead(header.timestamp);
        let pushed = self.jitter.push(header, codec, units, payload);
        let Some(ahead) = ahead.filter(|_| self.jitter.flows() && pushed != Pushed::Duplicate) else {
            return pushed != Pushed::Late;
        };
        // What waits before it, and what was heard of that since the last frame: where this is positive, it came
        // in time wherever in a frame that was.
        let heard = now.since(self.moved_on).as_micros() as i64 * i64::from(self.rate().hz()) / 1_000_000;
        let left = self.in_samples(ahead) + self.rest.len() as i32 - heard as i32;
        // One that is later than that was given up by its sender, too.
        if left > -self.samples_in(MOST_DELAY_MS) {
            self.left.note(left);
        }
        pushed != Pushed::Late
    }

    /// The sender pauses, and this is how it sounds where it is.
    pub(super) fn pause(&mut self, comfort_noise: &[u8]) {
        self.noise = Noise::parse(comfort_noise);
    }

    /// What had to be done to what came, since it is decoded.
    pub(super) fn mended(&self) -> Mended {
        let concealed_ms = self.counts.concealed * 1_000 / u64::from(self.rate().hz());
        Mended { late: self.jitter.counts.late.into(), concealed_ms }
    }

    /// What waits now, and what may.
    pub(super) fn buffer(&self) -> Buffer {
        let nominal = u16::try_from(self.delay_ms()).unwrap_or_default();
        Buffer { nominal, most: MOST_DELAY_MS as u16, room: jitter::HELD_MS }
    }

    /// How many milliseconds wait now.
    fn delay_ms(&self) -> i32 {
        self.waiting() * 1_000 / self.rate().hz() as i32
    }

    /// What is heard in frame number `frame`, at a rate. Whoever asks first in a frame moves it on.
    pub(super) fn frame(&mut self, now: Timestamp, frame: u64, wanted: Rate) -> &[i16] {
        if self.frame != Some(frame) {
            if self.frame.is_some_and(|before| before + 1 != frame) {
                // Nobody asked for a while: what waits is of then.
                self.rest.clear();
                self.jitter.clear();
            }
            (self.frame, self.moved_on) = (Some(frame), now);
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

    fn rate(&self) -> Rate {
        rate(self.decoder.codec())
    }

    fn in_samples(&self, clock_units: i32) -> i32 {
        let codec = self.decoder.codec();
        clock_units * rate(codec).samples() as i32 / units(codec) as i32
    }

    fn samples_in(&self, ms: i32) -> i32 {
        ms * self.rate().hz() as i32 / 1_000
    }

    /// How many samples wait, decoded or not.
    fn waiting(&self) -> i32 {
        self.rest.len() as i32 + self.in_samples(self.jitter.waits() as i32)
    }

    fn move_on(&mut self) {
        self.keep_delay();
        self.decode_until(self.rate().samples());
        (self.narrow, self.wide) = (None, None);
        match self.rate() {
            Rate::Narrow => self.narrow = Some(self.take()),
            Rate::Wide => self.wide = Some(self.take()),
        }
        self.left.frame_over();
    }

    /// Makes the sound a little longer or shorter, so that what waits is just enough.
    fn keep_delay(&mut self) {
        self.since_shortened += 1;
        let Some(least) = self.left.least().filter(|_| self.jitter.flows()) else { return };
        let two_periods = 2 * self.conceal.longest();
        if least > self.samples_in(MOST_LEFT_MS) && self.since_shortened >= SHORTEN_EVERY {
            self.decode_until(two_periods);
            let removed = self.conceal.shorten(&mut self.rest);
            self.left.moved(-(removed as i32));
            self.counts.shortened += u32::from(removed > 0);
            self.since_shortened = 0;
        } else if least < self.samples_in(LEAST_LEFT_MS) && self.waiting() < self.samples_in(MOST_DELAY_MS) {
            self.decode_until(two_periods);
            let added = self.conceal.lengthen(&mut self.rest);
            self.left.moved(added as i32);
            self.counts.lengthened += u32::from(added > 0);
        }
    }

    /// The next frame of what is decoded, filled up with what may have been said.
    fn take<const SAMPLES: usize>(&mut self) -> [i16; SAMPLES] {
        let mut frame = [0; SAMPLES];
        let there = self.rest.len().min(SAMPLES);
        frame[..there].copy_from_slice(&self.rest[..there]);
        self.rest.drain(..there);
        if there == SAMPLES {
            self.empty = 0;
            return frame;
        }
        let flows = self.jitter.flows();
        self.empty += 1;
        if self.empty >= PAUSED_AFTER {
            self.jitter.rest();
        }
        match &mut self.noise {
            Some(noise) => noise.fill(&mut frame[there..]),
            None => {
                self.conceal.fill(&mut frame[there..]);
                if flows {
                    self.counts.concealed += (SAMPLES - there) as u64;
                }
            }
        }
        frame
    }

    /// Decodes until so many samples are there, or nothing more is.
    fn decode_until(&mut self, samples: usize) {
        while self.rest.len() < samples {
            match self.jitter.take() {
                None => return,
                Some(Next::Missing(units)) => self.rebuild(units),
                Some(Next::Packet(held)) => {
                    self.decode(&held);
                    self.jitter.give_back(held);
                }
            }
        }
    }

    /// Makes up for units that did not come, now that what follows them is there.
    fn rebuild(&mut self, units: u32) {
        let mut samples = [0; MAX_DECODED];
        let count = (self.in_samples(units as i32) as usize).min(MAX_DECODED);
        self.counts.concealed += count as u64;
        let follows = self.jitter.peek().map_or(&[][..], |held| &held.payload);
        if self.decoder.rebuild(follows, &mut samples[..count]) {
            self.conceal.merge(&mut samples[..count]);
            self.conceal.came(&samples[..count]);
        } else {
            self.conceal.fill(&mut samples[..count]);
        }
        self.rest.extend_from_slice(&samples[..count]);
    }

    fn decode(&mut self, held: &Held) {
        if self.decoder.codec() != held.codec {
            self.rest.clear();
            self.decoder = Decoder::new(held.codec);
            self.conceal = Conceal::new(rate(held.codec));
            self.left = Left::new();
        }
        let mut decoded = [0; MAX_DECODED];
        let count = self.decoder.decode(&held.payload, &mut decoded);
        self.conceal.merge(&mut decoded[..count]);
        self.conceal.came(&decoded[..count]);
        self.rest.extend_from_slice(&decoded[..count]);
    }
}

#[cfg(test)]
mod tests;
