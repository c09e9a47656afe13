//! Counters and flags that order nothing: their readers want a recent value, not a promise.

use crate::atomic::{AtomicU16, AtomicU64, AtomicUsize, Ordering};

/// A number that goes up and down.
#[derive(Debug)]
pub(crate) struct Gauge(AtomicUsize);

impl Gauge {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    pub(crate) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far one thread has come, for others to see. Only that thread counts it up, so that costs a plain store.
#[derive(Debug)]
pub(crate) struct Progress(AtomicUsize);

impl Progress {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// One step on. Called by the one thread alone.
    #[inline(always)]
    pub(crate) fn step(&self) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Numbers that are handed out once each, from one on.
#[derive(Debug)]
pub(crate) struct Sequence(AtomicU64);

impl Sequence {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(1))
    }

    /// Takes `n` numbers at once and returns the first.
    pub(crate) fn take(&self, n: u64) -> u64 {
        self.0.fetch_add(n, Ordering::Relaxed)
    }
}

/// A runtime has fewer workers: their numbers go into a [`WorkerMark`], where this one is none.
pub(crate) const MOST_WORKERS: usize = u16::MAX as usize;

/// The number of a worker, or of none. It goes along with what it is written on, and is ordered by that.
#[derive(Debug)]
pub(crate) struct WorkerMark(AtomicU16);

impl WorkerMark {
    pub(crate) fn none() -> Self {
        Self(AtomicU16::new(u16::MAX))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<usize> {
        match self.0.load(Ordering::Relaxed) {
            u16::MAX => None,
            worker => Some(worker.into()),
        }
    }

    pub(crate) fn set(&self, worker: usize) {
        debug_assert!(worker < MOST_WORKERS);
        self.0.store(worker as u16, Ordering::Relaxed);
    }

    pub(crate) fn clear(&self) {
        self.0.store(u16::MAX, Ordering::Relaxed);
    }
}

/// A flag that is raised once.
#[derive(Debug)]
pub(crate) struct Flag(AtomicUsize);

impl Flag {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Raises it; what was done before is visible to who sees it raised. True: this call raised it.
    pub(crate) fn raise(&self) -> bool {
        self.0.swap(1, Ordering::AcqRel) == 0
    }

    /// Lowers it; what was done before it was raised is visible then. True: it was raised.
    pub(crate) fn take(&self) -> bool {
        self.is_raised() && self.0.swap(0, Ordering::AcqRel) != 0
    }

    #[inline]
    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire) != 0
    }
}
