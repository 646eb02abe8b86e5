//! A tape between a stream of a media worker and the thread that writes its recording: samples one way.
//!
//! A bounded ring. The worker never waits: what finds no room is counted, and made up for by silence of the same
//! length as soon as there is room, so that the recording keeps its time. The reel notices by itself that the tape
//! has ended.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use rtrb::Consumer;
use rtrb::Producer;
use rtrb::RingBuffer;

use crate::media::Tracks;
use crate::media::frame::Rate;

/// What may wait to be written, in seconds of audio at 16 kHz: a disk that stands still for so long costs nothing.
const SECONDS: usize = 2;

/// The worker's end.
#[derive(Debug)]
pub struct Tape {
    ring: Producer<i16>,
    /// Samples of silence that are still to be written for what found no room.
    owed: usize,
    shared: Arc<Shared>,
}

/// The end of the thread that writes.
#[derive(Debug)]
pub struct Reel {
    ring: Consumer<i16>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Samples a second of each channel; 0 before the first.
    hz: AtomicU32,
    /// Samples that found no room.
    missed: AtomicU64,
}

/// A new tape.
pub fn tape(tracks: Tracks) -> (Tape, Reel) {
    let (producer, consumer) = RingBuffer::new(SECONDS * Rate::Wide.hz() as usize * tracks.channels());
    let shared = Arc::new(Shared::default());
    (Tape { ring: producer, owed: 0, shared: shared.clone() }, Reel { ring: consumer, shared })
}

impl Tape {
    /// Takes samples, or owes silence for them.
    pub fn write(&mut self, rate: Rate, samples: &[i16]) {
        self.shared.hz.store(rate.hz(), Ordering::Relaxed);
        let paid = self.owed.min(self.ring.slots());
        self.push(paid, std::iter::repeat_n(0, paid));
        self.owed -= paid;
        if self.owed == 0 && self.ring.slots() >= samples.len() {
            return self.push(samples.len(), samples.iter().copied());
        }
        self.owed += samples.len();
        self.shared.missed.fetch_add(samples.len() as u64, Ordering::Relaxed);
    }

    fn push(&mut self, count: usize, samples: impl Iterator<Item = i16>) {
        if let Ok(chunk) = self.ring.write_chunk_uninit(count) {
            chunk.fill_from_iter(samples);
        }
    }
}

impl Reel {
    /// Samples a second of each channel; none before the first came.
    pub fn hz(&self) -> Option<u32> {
        Some(self.shared.hz.load(Ordering::Relaxed)).filter(|hz| *hz > 0)
    }

    /// Hands over what has come.
    pub fn read(&mut self, mut take: impl FnMut(&[i16])) {
        if let Ok(chunk) = self.ring.read_chunk(self.ring.slots()) {
            let (first, second) = chunk.as_slices();
            take(first);
            take(second);
            chunk.commit_all();
        }
    }

    /// Whether nothing more will come: the worker has let go of its end. What it wrote before can be read.
    pub fn has_ended(&self) -> bool {
        self.ring.is_abandoned()
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
        let room = SECONDS * 50;
        for frame in 0..room as i16 + 30 {
            tape.write(Rate::Wide, &[1 + frame; 320]);
        }
        assert_eq!((reel.hz(), reel.missed()), (Some(16_000), 30 * 320));
        let first = read(&mut reel);
        assert_eq!(first.len(), room * 320);
        assert!(first.chunks(320).enumerate().all(|(frame, samples)| samples == [1 + frame as i16; 320]));
        tape.write(Rate::Wide, &[7; 320]);
        let second = read(&mut reel);
        assert_eq!(second.len(), 31 * 320);
        assert!(second[..30 * 320].iter().all(|sample| *sample == 0) && second[30 * 320..] == [7; 320]);
        assert!(!reel.has_ended());
        drop(tape);
        assert!(reel.has_ended() && read(&mut reel).is_empty());
    }
}
