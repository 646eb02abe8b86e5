//! What waits to be written: a bounded list between the control thread and the history's thread.
//!
//! The control thread only ever pushes under a lock that is held for a push or a swap of two lists; it
//! makes a system call once per batch, not once per fact. Memory grows with what waits, not with the bound.

use std::mem;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::store::order::NumberedFact;

/// How many facts may wait: six seconds of 7 000 short calls a second. Beyond it a fact is lost, and
/// counted: a call never waits for the disk.
pub(super) const BOUND: usize = 262_144;
/// So many facts are written without waiting for more.
const FULL_BATCH: usize = 1_000;
/// The longest that a fact waits for company.
const LINGER: Duration = Duration::from_millis(50);

/// Facts that wait for the writer.
#[derive(Default)]
pub(super) struct Backlog {
    inner: Mutex<Inner>,
    /// There is something to write, or the end has come.
    wake: Condvar,
    /// Everything that was asked to be written before a flush is written.
    flushed: Condvar,
}

#[derive(Default)]
struct Inner {
    facts: Vec<NumberedFact>,
    lost: u64,
    closed: bool,
    /// Facts pushed, and facts written, since the start.
    pushed: u64,
    written: u64,
    /// Somebody waits in [`Backlog::flush`]: do not linger.
    hurry: bool,
    /// The writer's thread has ended: nothing more will be written.
    ended: bool,
}

impl Backlog {
    /// Adds a fact; false when there is no more room and it is lost. Never waits for the disk.
    pub(super) fn push(&self, fact: NumberedFact) -> bool {
        let mut inner = self.lock();
        if inner.facts.len() >= BOUND || inner.closed {
            inner.lost += 1;
            return false;
        }
        inner.facts.push(fact);
        inner.pushed += 1;
        let waiting = inner.facts.len();
        drop(inner);
        if waiting == 1 || waiting == FULL_BATCH {
            self.wake.notify_one();
        }
        true
    }

    /// Waits for facts, lets a batch gather, and puts it into `batch` in place of what was there.
    /// False when the backlog is closed and empty.
    pub(super) fn take(&self, batch: &mut Vec<NumberedFact>) -> bool {
        batch.clear();
        let mut inner = self.lock();
        while inner.facts.is_empty() && !inner.closed {
            inner = self.wake.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        let until = Instant::now() + LINGER;
        while inner.facts.len() < FULL_BATCH && !inner.closed && !inner.hurry {
            let Some(left) = until.checked_duration_since(Instant::now()) else { break };
            inner = self.wake.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        mem::swap(batch, &mut inner.facts);
        !batch.is_empty()
    }

    /// The writer has dealt with `count` facts that it took.
    pub(super) fn done(&self, count: usize) {
        let mut inner = self.lock();
        inner.written += count as u64;
        if inner.written == inner.pushed {
            inner.hurry = false;
        }
        drop(inner);
        self.flushed.notify_all();
    }

    /// Waits until everything pushed so far is written.
    pub(super) fn flush(&self) {
        let mut inner = self.lock();
        let target = inner.pushed;
        while inner.written < target && !inner.ended {
            inner.hurry = true;
            self.wake.notify_one();
            inner = self.flushed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes no more; what is there is still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// The writer is gone, for whatever reason.
    pub(super) fn end(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.ended = true;
        drop(inner);
        self.flushed.notify_all();
    }

    /// Facts lost since the start.
    pub(super) fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// Facts that wait to be taken.
    pub(super) fn waiting(&self) -> usize {
        self.lock().facts.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::CallId;
    use crate::base::Timestamp;
    use crate::base::WallTime;
    use crate::fact::Fact;
    use crate::fact::What;
    use crate::store::fold::DatedFact;

    fn fact() -> NumberedFact {
        let fact = Fact { at: Timestamp::ZERO, call: Some(CallId(1)), what: What::CallAnswered };
        NumberedFact { number: 1, dated: DatedFact { wall: WallTime(0), fact } }
    }

    #[test]
    fn a_full_backlog_loses_facts_and_counts_them() {
        let backlog = Backlog::default();
        for _ in 0..BOUND {
            assert!(backlog.push(fact()));
        }
        assert!(!backlog.push(fact()));
        assert_eq!((backlog.lost(), backlog.waiting()), (1, BOUND));
        let mut batch = Vec::new();
        assert!(backlog.take(&mut batch));
        assert_eq!(batch.len(), BOUND);
        assert!(backlog.push(fact()));
    }

    #[test]
    fn a_closed_backlog_is_emptied_and_then_ends() {
        let backlog = Backlog::default();
        backlog.push(fact());
        backlog.close();
        assert!(!backlog.push(fact()));
        let mut batch = Vec::new();
        assert!(backlog.take(&mut batch));
        assert!(!backlog.take(&mut batch));
    }
}
