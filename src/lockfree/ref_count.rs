//! A count of references: who gives back the last one frees what they refer to.
//!
//! ```text
//! n -> n + 1   // add: by who holds one
//! n -> n - 1   // give_back: by who holds one, and uses it no more; whoever moves it to 0 is the last
//! ```
//!
//! As in an `Arc`, less what is not needed: there are no weak references, the first two may be made at once, and who holds
//! the only one gives it back without a locked instruction.

use std::process;

use crate::atomic::{AtomicU32, Ordering, fence};

/// Half of what the word counts to, so that threads which pass it at once do not wrap it before they stop.
const MOST: u32 = u32::MAX / 2;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct RefCount(AtomicU32);

impl RefCount {
    /// One reference.
    pub(crate) fn one() -> Self {
        Self(AtomicU32::new(1))
    }

    /// Another one, which only who holds one can ask for.
    pub(crate) fn add(&self) {
        if self.0.fetch_add(1, Ordering::Relaxed) >= MOST {
            // As `Arc` does: they were leaked by the billion, and one more could wrap the count.
            process::abort();
        }
    }

    /// As [`add`](Self::add), by who lets nobody else use the reference that it holds: if that is the only one, nobody else
    /// can move the count.
    #[inline]
    pub(crate) fn add_exclusively(&self) {
        match self.0.load(Ordering::Relaxed) {
            1 => self.0.store(2, Ordering::Relaxed),
            _ => self.add(),
        }
    }

    /// One less. True: that was the last one, and all that was done by the others is visible.
    #[must_use]
    #[inline]
    pub(crate) fn give_back(&self) -> bool {
        // Nobody else has any, so nobody can add one.
        if self.0.load(Ordering::Acquire) == 1 {
            return true;
        }
        if self.0.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        fence(Ordering::Acquire);
        true
    }
}
