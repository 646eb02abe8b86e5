//! How one thread wakes another that sleeps in `epoll`: only when it says that it sleeps.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// A bell at the ear of one thread.
#[derive(Debug)]
pub(super) struct Bell {
    asleep: AtomicBool,
    event: OwnedFd,
}

impl Bell {
    pub fn new() -> io::Result<Bell> {
        let flags = rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK;
        Ok(Bell { asleep: AtomicBool::new(false), event: rustix::event::eventfd(0, flags)? })
    }

    /// To be called after work was queued.
    pub fn ring(&self) {
        std::sync::atomic::fence(Ordering::SeqCst);
        if self.asleep.swap(false, Ordering::SeqCst) {
            // It can only fail when the counter is full, and then the thread is awake.
            let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
        }
    }

    /// The thread is about to sleep. What was queued before the bell was hung would wait for the next ring: so it
    /// looks once more after this.
    pub fn hang(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        std::sync::atomic::fence(Ordering::SeqCst);
    }

    /// The thread is awake and needs no ring.
    pub fn take_down(&self) {
        self.asleep.store(false, Ordering::SeqCst);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
