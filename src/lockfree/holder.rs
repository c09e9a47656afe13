//! Who holds a lock: written by the holder with plain stores, read by who wants to know.
//!
//! 48 bits of an id, in two words, so that a lock of sixteen bytes has room for it and two bytes of its own. Nobody: the
//! low word is zero, which it is in no id.
//!
//! **Invariant.** Only who holds the lock writes, and it clears the word before it lets go. So a reader that finds its
//! own id holds the lock: it would read its own later clearing otherwise. What a reader finds of others may be out
//! of date, or (between two stores) of two ids one half each; it counts only if a second look finds the same.

use super::spin::SpinLock;
use crate::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering, const_unless_loom};

/// See the [module](self).
pub(crate) struct Holder {
    low: AtomicU32,
    high: AtomicU16,
    /// The lock's own, if it is one of few states.
    pub(crate) state: AtomicU8,
    /// The lock's own, to guard its line.
    pub(crate) lock: SpinLock,
}

impl Holder {
    const_unless_loom! {
        pub(crate) fn nobody() -> Self {
            Self {
                low: AtomicU32::new(0),
                high: AtomicU16::new(0),
                state: AtomicU8::new(0),
                lock: SpinLock::new(),
            }
        }
    }

    #[inline(always)]
    pub(crate) fn set(&self, id: u64) {
        self.low.store(id as u32, Ordering::Relaxed);
        self.high.store((id >> 32) as u16, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(crate) fn clear(&self) {
        self.low.store(0, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Option<u64> {
        let (low, high) = (self.low.load(Ordering::Relaxed), self.high.load(Ordering::Relaxed));
        Some(u64::from(high) << 32 | u64::from(low)).filter(|_| low != 0)
    }

    /// Whether it is this one.
    pub(crate) fn is(&self, id: u64) -> bool {
        self.get() == Some(id & 0xffff_ffff_ffff)
    }
}
