//! The outcome word: who may touch a green thread's result, its closure and its joiner, and when.
//!
//! ```text
//! 0            -> WAITER       // await_done: the joiner, after it wrote its unparker into the waiter's place
//! WAITER       -> 0            // give_up: the joiner, cancelled or timed out; the place is its own again
//! any          -> any | DONE   // complete: the worker, after it wrote the result
//! any          -> any | HANDLE_GONE   // drop_handle: the handle, once nobody will join
//! any          -> any | LISTENED      // listen: somebody left a callback
//! ```
//!
//! | place | belongs to |
//! |---|---|
//! | closure and result | the worker until `DONE`; then the handle; with `HANDLE_GONE`, whoever came second |
//! | waiter | the joiner while `WAITER` is not set; from `WAITER` with `DONE` on, the worker |

use crate::atomic::{AtomicU32, Ordering};

/// Set once the result is there.
const DONE: u32 = 1;
/// Set once no handle is left to take the result.
const HANDLE_GONE: u32 = 2;
/// Set while a joiner's unparker is in the waiter's place.
const WAITER: u32 = 4;
/// Set once a callback was left.
const LISTENED: u32 = 8;
/// Set with `DONE` if it ended by a panic.
const PANICKED: u32 = 16;
/// Set with `DONE` if it was cancelled, or never ran.
const CANCELLED: u32 = 32;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct OutcomeWord(AtomicU32);

/// How a green thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Returned,
    Panicked,
    Cancelled,
}

/// What the worker does once the result is published.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completed {
    /// Unpark whoever is in the waiter's place.
    pub(crate) wake_waiter: bool,
    /// Drop the result: nobody will take it.
    pub(crate) drop_result: bool,
    /// Call the callbacks.
    pub(crate) call_listeners: bool,
}

impl OutcomeWord {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// How it ended, if it has. What the green thread did before is visible afterwards.
    #[inline]
    pub(crate) fn ended(&self) -> Option<Ended> {
        let word = self.0.load(Ordering::Acquire);
        match word {
            _ if word & DONE == 0 => None,
            _ if word & PANICKED != 0 => Some(Ended::Panicked),
            _ if word & CANCELLED != 0 => Some(Ended::Cancelled),
            _ => Some(Ended::Returned),
        }
    }

    /// Publishes the result.
    pub(crate) fn complete(&self, ended: Ended) -> Completed {
        let how = match ended {
            Ended::Returned => DONE,
            Ended::Panicked => DONE | PANICKED,
            Ended::Cancelled => DONE | CANCELLED,
        };
        // Not set before, so to add them is to set them, and needs no loop, as an `or` that tells the old value does.
        let old = self.0.fetch_add(how, Ordering::AcqRel);
        debug_assert_eq!(old & DONE, 0, "completed twice");
        Completed {
            wake_waiter: old & WAITER != 0,
            drop_result: old & HANDLE_GONE != 0,
            call_listeners: old & LISTENED != 0,
        }
    }

    /// The handle goes. True: the result is there, and the caller drops it.
    #[must_use]
    pub(crate) fn drop_handle(&self) -> bool {
        self.0.fetch_or(HANDLE_GONE, Ordering::AcqRel) & DONE != 0
    }

    /// The joiner, having filled the waiter's place. False: it is done already, and the place is the joiner's.
    #[must_use]
    pub(crate) fn await_done(&self) -> bool {
        self.set_unless_done(WAITER)
    }

    /// The joiner goes without waiting on. True: the place is its own again. False: it is done, and the worker
    /// has the place.
    #[must_use]
    pub(crate) fn give_up(&self) -> bool {
        self.0.fetch_and(!WAITER, Ordering::AcqRel) & DONE == 0
    }

    /// A callback was left. False: it is done already, and nobody will call it but the caller.
    #[must_use]
    pub(crate) fn listen(&self) -> bool {
        self.set_unless_done(LISTENED)
    }

    fn set_unless_done(&self, flag: u32) -> bool {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            if word & DONE != 0 {
                return false;
            }
            match self.0.compare_exchange_weak(word, word | flag, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(actual) => word = actual,
            }
        }
    }
}
