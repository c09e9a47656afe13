//! A count of what is still running, which tells the one that brings it to zero.

use crate::atomic::{AtomicUsize, Ordering};

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Countdown(AtomicUsize);

impl Countdown {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    pub(crate) fn up(&self) {
        let old = self.0.fetch_add(1, Ordering::Relaxed);
        assert!(old < usize::MAX / 2, "too many green threads in one scope");
    }

    /// One has ended. True: it was the last, and what all of them did is visible now.
    pub(crate) fn down(&self) -> bool {
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Whether none is running. What they did is visible then.
    pub(crate) fn is_zero(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}
