//! Which recordings the server itself has removed: whoever keeps copies of them removes those as well, and no others.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::fact::recording::RecordingFile;

/// So many that nobody wanted are remembered: a copy of an earlier one goes when all of its age do.
const MOST: usize = 4_096;

/// See the module.
#[derive(Debug, Default)]
pub struct Removals {
    keep_s: AtomicU64,
    discarded: Mutex<VecDeque<String>>,
}

impl Removals {
    pub fn new(keep: Duration) -> Removals {
        let removals = Removals::default();
        removals.set_keep(keep);
        removals
    }

    /// How long recordings are kept.
    pub fn keep(&self) -> Duration {
        Duration::from_secs(self.keep_s.load(Ordering::Relaxed))
    }

    pub(super) fn set_keep(&self, keep: Duration) {
        self.keep_s.store(keep.as_secs(), Ordering::Relaxed);
    }

    /// This one was not wanted.
    pub fn discard(&self, file: RecordingFile) {
        let mut discarded = self.discarded.lock().unwrap_or_else(PoisonError::into_inner);
        if discarded.len() >= MOST {
            discarded.pop_front();
        }
        discarded.push_back(format!("{}/{file}", file.kind.folder()));
    }

    /// Whether the server has removed the file at this path within the data folder, or would, as it was last written so long
    /// ago.
    pub fn has_removed(&self, path: &str, age: Duration) -> bool {
        let discarded = self.discarded.lock().unwrap_or_else(PoisonError::into_inner);
        age > self.keep() || discarded.iter().any(|one| one == path)
    }
}
