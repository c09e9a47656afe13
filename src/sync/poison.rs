//! Poisoning, as `std` has it: a lock whose holder panicked says so to those who come after.

use std::thread;

pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use crate::sched::cancel;

/// Whether the thread was panicking already when it took the lock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panicking(bool);

impl Panicking {
    #[inline(always)]
    pub(super) fn now() -> Self {
        Self(thread::panicking())
    }

    /// Whether a lock that was taken then and is let go now is to be poisoned. A cancel and a timeout unwind too, and do
    /// not count: they come at park points only, where who cares can catch them. (What unwinds is taken for an interruption
    /// as long as the payload of one is alive: nobody tells whether it was caught.)
    #[inline(always)]
    pub(super) fn has_begun(self) -> bool {
        !self.0 && thread::panicking() && cancel::is_panicking()
    }
}

/// `guard`, as an error if the lock is poisoned.
#[inline(always)]
pub(super) fn checked<G>(guard: G, poisoned: bool) -> LockResult<G> {
    if poisoned { Err(PoisonError::new(guard)) } else { Ok(guard) }
}
