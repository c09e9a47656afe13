//! Epochs of cancels: whether there was one since somebody looked.
//!
//! ```text
//! cancel:  mark the word, then begin an epoch
//! yield:   another epoch than when the word was last seen unmarked? -> look at the word
//! ```
//!
//! A yield has to meet a cancel, but a look at its park word costs a line of the cache that it touches for nothing else. The
//! epoch is one word for all, which hardly ever changes, and so is in every cache.
//!
//! **Invariant.** Who has seen an epoch sees every mark that was made before it began (release and acquire).

use crate::atomic::{AtomicU32, Ordering};

/// See the [module](self). The count wraps: who yields sees a change unless there were exactly 2³² cancels between two
/// of its looks.
#[derive(Debug)]
pub(crate) struct Epochs(AtomicU32);

/// One of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epoch(u32);

impl Epochs {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    #[cfg(all(test, loom))]
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Begins the next one.
    pub(crate) fn begin(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    #[inline(always)]
    pub(crate) fn now(&self) -> Epoch {
        Epoch(self.0.load(Ordering::Acquire))
    }
}

impl Epoch {
    pub(crate) fn before(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }
}
