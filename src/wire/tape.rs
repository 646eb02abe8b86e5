//! A tape between a stream of a media worker and the thread that takes its recording: samples one way.
//!
//! A bounded ring. The worker never waits: what finds no room is counted, and made up for by silence of the same
//! length as soon as there is room, so that the recording keeps its time. The reel notices by itself that the tape
//! has ended.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::atomic::fence;

use rtrb::Consumer;
use rtrb::Producer;
use rtrb::RingBuffer;

use crate::media::Tracks;
use crate::media::frame::Rate;

/// A tape holds this part of a second: who takes it may come late by so much.
const PER_SECOND: usize = 2;

/// The worker's end.
#[derive(Debug)]
pub struct Tape {
    tracks: Tracks,
    /// Made for the rate at which the first samples come; that is once, and does not change.
    ring: Option<Producer<i16>>,
    /// Samples of silence that are still to be written for what found no room.
    owed: usize,
    shared: Arc<Shared>,
}

/// The end of the thread that takes what comes.
#[derive(Debug)]
pub struct Reel {
    ring: Option<Consumer<i16>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The ring's other end, on its way to the reel.
    ring: Mutex<Option<Consumer<i16>>>,
    /// Samples a second of each channel; 0 before the first.
    hz: AtomicU32,
    /// Samples that found no room.
    missed: AtomicU64,
}

/// A new tape.
pub fn tape(tracks: Tracks) -> (Tape, Reel) {
    let shared = Arc::new(Shared::default());
    (Tape { tracks, ring: None, owed: 0, shared: shared.clone() }, Reel { ring: None, shared })
}

impl Tape {
    /// Takes samples, or owes silence for them. The first ones make the ring, which allocates.
    pub fn write(&mut self, rate: Rate, samples: &[i16]) {
        let Tape { tracks, ring, owed, shared } = self;
        let ring = ring.get_or_insert_with(|| {
            let room = rate.hz() as usize / PER_SECOND * tracks.channels();
            let (producer, consumer) = RingBuffer::new(room);
            *shared.ring.lock().unwrap_or_else(PoisonError::into_inner) = Some(consumer);
            shared.hz.store(rate.hz(), Ordering::Release);
            producer
        });
        let paid = (*owed).min(ring.slots());
        push(ring, paid, std::iter::repeat_n(0, paid));
        *owed -= paid;
        if *owed == 0 && ring.slots() >= samples.len() {
            return push(ring, samples.len(), samples.iter().copied());
        }
        *owed += samples.len();
        shared.missed.fetch_add(samples.len() as u64, Ordering::Relaxed);
    }
}

fn push(ring: &mut Producer<i16>, count: usize, samples: impl Iterator<Item = i16>) {
    if let Ok(chunk) = ring.write_chunk_uninit(count) {
        chunk.fill_from_iter(samples);
    }
}

impl Reel {
    /// Samples a second of each channel; none before the first came.
    pub fn hz(&self) -> Option<u32> {
        Some(self.shared.hz.load(Ordering::Acquire)).filter(|hz| *hz > 0)
    }

    /// Hands over what has come.
    pub fn read(&mut self, mut take: impl FnMut(&[i16])) {
        if self.ring.is_none() {
            self.ring = self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        let Some(ring) = &mut self.ring else { return };
        if let Ok(chunk) = ring.read_chunk(ring.slots()) {
            let (first, second) = chunk.as_slices();
            take(first);
            take(second);
            chunk.commit_all();
        }
    }

    /// Whether nothing more will come: the worker has let go of its end. What it wrote before can be read.
    pub fn has_ended(&self) -> bool {
        let alone = Arc::strong_count(&self.shared) == 1;
        // What the worker wrote before it let go is seen from here on.
        fence(Ordering::Acquire);
        alone
    }

    /// Samples that found no room so far.
    pub fn missed(&self) -> u64 {
        self.shared.missed.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reel: &mut Reel) -> Vec<i16> {
        let mut all = Vec::new();
        reel.read(|samples| all.extend_from_slice(samples));
        all
    }

    #[test]
    fn a_disk_that_stands_still_costs_silence_of_the_same_length_and_nobody_waits() {
        let (mut tape, mut reel) = tape(Tracks::Message);
        assert_eq!(reel.hz(), None);
        let room = 50 / PER_SECOND;
        for frame in 0..room as i16 + 20 {
            tape.write(Rate::Wide, &[1 + frame; 320]);
        }
        assert_eq!((reel.hz(), reel.missed()), (Some(16_000), 20 * 320));
        let first = read(&mut reel);
        assert_eq!(first.len(), room * 320);
        assert!(first.chunks(320).enumerate().all(|(frame, samples)| samples == [1 + frame as i16; 320]));
        tape.write(Rate::Wide, &[7; 320]);
        let second = read(&mut reel);
        assert_eq!(second.len(), 21 * 320);
        assert!(second[..20 * 320].iter().all(|sample| *sample == 0) && second[20 * 320..] == [7; 320]);
        assert!(!reel.has_ended());
        drop(tape);
        assert!(reel.has_ended() && read(&mut reel).is_empty());
    }
}
