//! Where recordings wait for the disk. A thread empties the tapes ten times a second and does nothing else, so that they
//! may be short however long the disk stands still.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use super::WAITING;
use crate::wire::tape::Reel;

/// How often the tapes are emptied. They hold half a second.
const EVERY: Duration = Duration::from_millis(100);
/// How many samples of all recordings may wait for the disk: 64 MiB, which is a minute of thirty calls. Beyond it the tapes
/// stay full, and the recordings get silence.
const MOST_WAITING: usize = 32 << 20;
/// While nothing is recorded, nothing is looked for.
const IDLE: Duration = Duration::from_secs(3_600);
/// It runs before the threads that compute, where we may say so: a tape is short.
const NICENESS: i32 = -5;

/// What of one recording waits.
#[derive(Debug)]
pub(super) struct Basket {
    samples: Mutex<Vec<i16>>,
    hz: AtomicU32,
    missed: AtomicU64,
    ended: AtomicBool,
    /// Of all recordings.
    waiting: Arc<AtomicUsize>,
}

impl Basket {
    /// Samples a second of each channel; none before the first came.
    pub fn hz(&self) -> Option<u32> {
        Some(self.hz.load(Ordering::Relaxed)).filter(|hz| *hz > 0)
    }

    /// Samples that found no room so far.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Whether nothing more will come. What came before can be taken.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Hands over what waits, in place of what `into` held.
    pub fn take(&self, into: &mut Vec<i16>) {
        into.clear();
        std::mem::swap(&mut *self.samples.lock().unwrap_or_else(PoisonError::into_inner), into);
        self.waiting.fetch_sub(into.len(), Ordering::Relaxed);
    }
}

impl Drop for Basket {
    /// Of a recording that ended before its leg did, something may be left.
    fn drop(&mut self) {
        let left =
            self.samples.get_mut().map_or_else(|poisoned| poisoned.into_inner().len(), |left| left.len());
        self.waiting.fetch_sub(left, Ordering::Relaxed);
    }
}

/// The grip on the thread that empties the tapes. It ends when this is gone and every tape has ended, or its
/// basket was given up.
#[derive(Debug)]
pub(super) struct Collector {
    reels: SyncSender<(Reel, Arc<Basket>)>,
    waiting: Arc<AtomicUsize>,
}

impl Collector {
    pub fn start() -> io::Result<(Collector, JoinHandle<()>)> {
        let (reels, begun) = sync_channel(WAITING);
        let thread = thread::Builder::new().name("tapes".to_owned()).spawn(move || {
            let _ = rustix::process::setpriority_process(None, NICENESS);
            collect(&begun);
        })?;
        Ok((Collector { reels, waiting: Arc::default() }, thread))
    }

    /// From now on this reel is emptied; none when too many wait.
    pub fn begin(&self, reel: Reel) -> Option<Arc<Basket>> {
        let basket = Arc::new(Basket {
            samples: Mutex::default(),
            hz: AtomicU32::default(),
            missed: AtomicU64::default(),
            ended: AtomicBool::default(),
            waiting: self.waiting.clone(),
        });
        self.reels.try_send((reel, basket.clone())).ok().map(|()| basket)
    }
}

fn collect(begun: &Receiver<(Reel, Arc<Basket>)>) {
    let mut running: Vec<(Reel, Arc<Basket>)> = Vec::new();
    let mut open = true;
    while open || !running.is_empty() {
        let patience = if running.is_empty() { IDLE } else { EVERY };
        match begun.recv_timeout(patience) {
            Ok(one) => running.push(one),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                open = false;
                // At once from now on, so it is waited here.
                thread::sleep(EVERY);
            }
        }
        running.extend(begun.try_iter());
        // Who writes may have given it up: the disk was full.
        running.retain_mut(|(reel, basket)| Arc::strong_count(basket) > 1 && empty(reel, basket));
    }
}

/// Takes what is on a tape; false when that was the last of it.
fn empty(reel: &mut Reel, basket: &Basket) -> bool {
    // Asked before it is read: what comes in between is not left behind.
    let last = reel.has_ended();
    if basket.waiting.load(Ordering::Relaxed) < MOST_WAITING {
        let mut samples = basket.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let before = samples.len();
        reel.read(|more| samples.extend_from_slice(more));
        basket.waiting.fetch_add(samples.len() - before, Ordering::Relaxed);
    }
    basket.hz.store(reel.hz().unwrap_or(0), Ordering::Relaxed);
    basket.missed.store(reel.missed(), Ordering::Relaxed);
    basket.ended.store(last, Ordering::Release);
    !last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Tracks;
    use crate::media::frame::Rate;
    use crate::wire::tape::tape;

    fn basket(waiting: &Arc<AtomicUsize>) -> Basket {
        Basket {
            samples: Mutex::default(),
            hz: AtomicU32::default(),
            missed: AtomicU64::default(),
            ended: AtomicBool::default(),
            waiting: waiting.clone(),
        }
    }

    #[test]
    fn a_disk_that_stands_still_costs_memory_up_to_a_bound_and_then_silence() {
        let waiting = Arc::new(AtomicUsize::default());
        let (one, other) = (basket(&waiting), basket(&waiting));
        let (mut tape, mut reel) = tape(Tracks::Message);
        let frame = [7; 160];
        let mut frames = 0;
        // Nothing is taken: it waits, far beyond what the tape holds.
        while waiting.load(Ordering::Relaxed) < MOST_WAITING {
            tape.write(Rate::Narrow, &frame);
            frames += 1;
            assert!(empty(&mut reel, &one));
        }
        assert_eq!((one.missed(), one.hz()), (0, Some(8_000)));
        for _ in 0..100 {
            tape.write(Rate::Narrow, &frame);
            assert!(empty(&mut reel, &one));
        }
        assert_eq!(one.missed(), 75 * 160, "but for what the tape itself has room for");
        let mut taken = Vec::new();
        one.take(&mut taken);
        assert!(taken.len() == frames * 160 && taken.iter().all(|sample| *sample == 7));
        assert_eq!(waiting.load(Ordering::Relaxed), 0);
        drop(tape);
        assert!(!empty(&mut reel, &one) && one.has_ended());
        one.take(&mut taken);
        assert_eq!(taken.len(), 25 * 160, "what was on the tape is not lost");
        // What nobody takes is not counted for ever.
        other.samples.lock().unwrap().extend_from_slice(&frame);
        waiting.fetch_add(160, Ordering::Relaxed);
        drop(other);
        assert_eq!(waiting.load(Ordering::Relaxed), 0);
    }
}
