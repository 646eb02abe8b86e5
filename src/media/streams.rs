//! The streams of one worker: who hears whom, and which are due in each slot of a frame.
//!
//! A frame of 20 ms has [`SLOTS`] slots; each stream sends in one of them, so that the packets of thousands of
//! streams are spread over the frame instead of leaving in one burst.

mod hearing;
mod recording;

use std::collections::HashMap;
use std::net::SocketAddr;

use slab::Slab;

use crate::base::Entropy;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::media::control::MediaCommand;
use crate::media::control::MediaEvent;
use crate::media::origin::Came;
use crate::media::origin::Origin;
use crate::media::playing::Playing;
use crate::media::stream::Outlet;
use crate::media::stream::Stream;
use crate::sdp::Negotiated;

/// Slots of a frame: one begins every millisecond.
pub const SLOTS: u64 = 20;
/// And half of one.
const HALF: usize = SLOTS as usize / 2;

/// All streams of one worker.
#[derive(Debug)]
pub struct Streams {
    streams: Slab<Placed>,
    by_leg: HashMap<LegId, usize>,
    /// The keys of the streams of each slot.
    slots: [Vec<usize>; SLOTS as usize],
    /// And of those that send in it, too, which have their frame half a frame earlier.
    halves: [Vec<usize>; SLOTS as usize],
    entropy: Entropy,
}

#[derive(Debug)]
struct Placed {
    stream: Stream,
    slot: usize,
    /// Its place in the slot's list.
    place: usize,
}

impl Streams {
    /// No streams yet. `entropy` draws report times and what else a stream leaves to chance.
    pub fn new(entropy: Entropy) -> Streams {
        Streams {
            streams: Slab::new(),
            by_leg: HashMap::new(),
            slots: Default::default(),
            halves: Default::default(),
            entropy,
        }
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// The key of a leg's stream.
    pub fn key_of(&self, leg: LegId) -> Option<usize> {
        self.by_leg.get(&leg).copied()
    }

    /// How many are due in a slot.
    pub fn in_slot(&self, slot: u64) -> usize {
        self.slots[(slot % SLOTS) as usize].len()
    }

    /// Opens a stream that begins there, and listens until it is agreed on something. Its key goes with every packet;
    /// none when the leg has a stream already.
    pub fn open(&mut self, now: Timestamp, leg: LegId, origin: Origin) -> Option<usize> {
        if self.by_leg.contains_key(&leg) {
            return None;
        }
        let slot = self.emptiest_slot(now);
        let entry = self.streams.vacant_entry();
        let key = entry.key();
        let stream = Stream::new(now, leg, key, origin);
        entry.insert(Placed { stream, slot, place: self.slots[slot].len() });
        self.slots[slot].push(key);
        self.by_leg.insert(leg, key);
        Some(key)
    }

    /// The slot with the fewest streams; of equals, the one that comes first after `now`.
    fn emptiest_slot(&self, now: Timestamp) -> usize {
        let next = now.0 / 1_000 + 1;
        let slots = (next..next + SLOTS).map(|slot| (slot % SLOTS) as usize);
        slots.min_by_key(|slot| self.slots[*slot].len()).unwrap_or(0)
    }

    /// Does what a call asks. A command for a leg without a stream is ignored.
    pub fn command(&mut self, now: Timestamp, command: MediaCommand, out: &mut impl Outlet) {
        match command {
            MediaCommand::Open { leg, agreed } => {
                if let Some(agreed) = agreed {
                    self.agree(now, leg, agreed);
                }
            }
            MediaCommand::Agree { leg, agreed } => self.agree(now, leg, agreed),
            MediaCommand::Asked { leg, asked } => {
                if let Some(stream) = self.of(leg) {
                    stream.is_asked(asked);
                }
            }
            MediaCommand::Play { leg, play, clips, barge_in, repeat } => {
                if let Some(stream) = self.of(leg) {
                    stream.play(Playing::new(play, clips, barge_in, repeat), out);
                }
            }
            MediaCommand::Stop { leg } => {
                if let Some(stream) = self.of(leg) {
                    stream.stop(out);
                }
            }
            MediaCommand::Join { a, b } => self.join(a, b, out),
            MediaCommand::Part { a, b } => self.part(a, b),
            MediaCommand::Hear { leg, whom } => self.hear(leg, &whom),
            MediaCommand::Gain { leg, gain_db } => self.set_gain(leg, gain_db),
            MediaCommand::Mute { leg, on } => self.mute(leg, on),
            MediaCommand::Echo { leg, on } => self.echo(leg, on),
            MediaCommand::SendDigit { leg, digit, duration } => {
                if let Some(stream) = self.of(leg) {
                    stream.send_digit(digit, duration);
                }
            }
            MediaCommand::Record { leg, record } => self.record(leg, record, out),
            MediaCommand::Close { leg } => {
                if let Some(key) = self.key_of(leg) {
                    self.close(now, key, out);
                }
            }
        }
    }

    fn agree(&mut self, now: Timestamp, leg: LegId, agreed: Negotiated) {
        let Streams { streams, by_leg, entropy, .. } = self;
        if let Some(placed) = by_leg.get(&leg).and_then(|key| streams.get_mut(*key)) {
            placed.stream.agree(now, agreed, entropy);
        }
        if let Some(key) = self.key_of(leg) {
            self.halve(key, self.streams[key].stream.halves_frames());
            self.refresh_around(key);
        }
    }

    /// Whether a stream sends between two of its frames, too.
    fn halve(&mut self, key: usize, halved: bool) {
        let half = &mut self.halves[(self.streams[key].slot + HALF) % SLOTS as usize];
        half.retain(|other| *other != key);
        if halved {
            half.push(key);
        }
    }

    fn of(&mut self, leg: LegId) -> Option<&mut Stream> {
        let key = self.by_leg.get(&leg)?;
        self.streams.get_mut(*key).map(|placed| &mut placed.stream)
    }

    /// The stream of a key that is known to be there.
    fn stream(&mut self, key: usize) -> &mut Stream {
        &mut self.streams[key].stream
    }

    /// Ends a stream and tells what it carried.
    pub fn close(&mut self, now: Timestamp, key: usize, out: &mut impl Outlet) {
        if !self.streams.contains(key) {
            return;
        }
        self.stop_recording(key, out);
        self.leave(key, None);
        self.halve(key, false);
        let Placed { mut stream, slot, place } = self.streams.remove(key);
        stream.bye(now, out);
        self.by_leg.remove(&stream.leg);
        self.slots[slot].swap_remove(place);
        if let Some(moved) = self.slots[slot].get(place) {
            self.streams[*moved].place = place;
        }
        out.closed(key);
        out.event(MediaEvent::Closed { leg: stream.leg, quality: stream.quality() });
    }

    /// A packet came on a stream's RTP port. It may be changed: what is passed on is written over it.
    pub fn received(
        &mut self,
        now: Timestamp,
        key: usize,
        from: SocketAddr,
        packet: &mut [u8],
        out: &mut impl Outlet,
    ) {
        let Some(Placed { stream, .. }) = self.streams.get_mut(key) else { return };
        let Some(taken) = stream.receive(now, from, packet, out) else { return };
        self.spread(now, key, taken, packet, out);
    }

    /// A packet came on a stream's RTCP port.
    pub fn received_report(&mut self, now: Timestamp, key: usize, from: SocketAddr, packet: &[u8]) {
        if let Some(placed) = self.streams.get_mut(key) {
            placed.stream.receive_report(now, from, packet);
        }
    }

    /// What came so far on a stream.
    pub fn came(&self, key: usize) -> Option<Came> {
        self.streams.get(key).map(|placed| placed.stream.what_came())
    }

    /// The key of a stream of a slot: there is one at each place from 0 on.
    pub fn key_in_slot(&self, slot: u64, place: usize) -> Option<usize> {
        let (slot, halves) = (&self.slots[(slot % SLOTS) as usize], &self.halves[(slot % SLOTS) as usize]);
        slot.get(place).or_else(|| halves.get(place.checked_sub(slot.len())?)).copied()
    }

    /// The stream sends what it has for the frame that `slot` lies in. Slots are numbered from the start, one a
    /// millisecond; one that is left out shows as a gap in media time.
    pub fn frame(&mut self, now: Timestamp, slot: u64, key: usize, out: &mut impl Outlet) {
        if let Some(Placed { stream, slot: own, .. }) = self.streams.get_mut(key)
            && *own != (slot % SLOTS) as usize
        {
            return stream.half_frame(slot.saturating_sub(HALF as u64) / SLOTS, out);
        }
        self.record_frame(now, key, slot / SLOTS, out);
        let mix = self.mixed(now, key, slot / SLOTS);
        if let Some(placed) = self.streams.get_mut(key) {
            placed.stream.frame(now, slot / SLOTS, mix, &mut self.entropy, out);
        }
    }
}

#[cfg(test)]
mod tests;
