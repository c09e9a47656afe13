//! The reentrant mutex: a [mutex](super::mutex), whose it is, and how often it was taken.
//!
//! ```text
//! nobody, 0 -> me, 1           // try_lock, own: with the mutex locked
//! me, n     -> me, n + 1       // reenter: by the owner, without a look at the mutex
//! me, n + 1 -> me, n           // unlock
//! me, 1     -> nobody, 0       // unlock: then the mutex is let go
//! ```
//!
//! The owner is told by one word of its own: the mutex's [`Holder`](super::holder::Holder) has two, and one that reads a
//! half of one holder's id and a half of the next one's could take it for its own. That is good enough for a report.
//!
//! **Invariant 1.** Only who holds the mutex writes `owner`, and clears it before it lets go. So one that finds its own
//! id holds the mutex: it would read its own later clearing otherwise.
//! **Invariant 2.** `count` is touched with the mutex held, by the owner or by one on the same OS thread (a guard can go
//! from one green thread of a worker to another). It counts the guards that have not been dropped.

use super::{
    mutex::{Lock, Mutex},
    plain::Plain,
    wait_list::Waiter,
};
use crate::atomic::{AtomicU64, Ordering, const_unless_loom};

const NOBODY: u64 = 0;

/// See the [module](self).
pub(crate) struct Reentrant<W> {
    pub(crate) mutex: Mutex<W>,
    owner: AtomicU64,
    count: Plain<u32>,
}

// SAFETY: the count is touched by one OS thread at a time, that of the mutex's holder (Invariant 2).
unsafe impl<W: Waiter> Sync for Reentrant<W> {}

impl<W: Waiter> Reentrant<W> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { mutex: Mutex::new(), owner: AtomicU64::new(NOBODY), count: Plain::new(0) }
        }
    }

    /// Takes the lock for `me`, who calls this, if it is free or `me` has it already.
    ///
    /// # Panics
    /// If `me` has taken it 2^32 - 1 times.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn try_lock(&self, me: u64) -> bool {
        if self.owner.load(Ordering::Relaxed) == me {
            self.reenter();
            return true;
        }
        let locked = self.mutex.try_lock();
        if locked {
            self.own(me);
        }
        locked
    }

    #[inline(always)]
    #[track_caller]
    fn reenter(&self) {
        let count = self.count.get().checked_add(1);
        self.count.set(count.expect("a ReentrantMutex was locked too often by its owner"));
    }

    /// What waits for the lock. When it is done the caller calls [`own`](Self::own).
    pub(crate) fn lock(&self) -> Lock<'_, W> {
        Lock(&self.mutex)
    }

    /// Says whose the mutex is, that was just locked.
    #[inline(always)]
    pub(crate) fn own(&self, me: u64) {
        self.owner.store(me, Ordering::Relaxed);
        self.mutex.holder.set(me);
        self.count.set(1);
    }

    /// Undoes one lock.
    #[inline(always)]
    pub(crate) fn unlock(&self) {
        let count = self.count.get() - 1;
        self.count.set(count);
        if count == 0 {
            self.owner.store(NOBODY, Ordering::Relaxed);
            self.mutex.holder.clear();
            self.mutex.unlock();
        }
    }
}
