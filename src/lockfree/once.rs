//! What is to be done once: a byte of state, and a line of those who wait for its end.
//!
//! ```text
//! INCOMPLETE -> RUNNING      // start: by the one that wins
//! POISONED   -> RUNNING      // start: by one that does not mind
//! RUNNING    -> COMPLETE     // finish: it is done, for good
//! RUNNING    -> POISONED     // finish: it panicked
//! RUNNING    -> INCOMPLETE   // finish: it was interrupted, the next may try
//! any but COMPLETE -> that | QUEUED   // begin: the first that has to wait, under the line's lock
//! any | QUEUED     -> any             // whoever takes the last one out of the line
//! ```
//!
//! Whoever ends a run wakes all that were in line at that moment; each looks at the state for itself, and may come back.
//! A run that ends has a number, and those in line know the number of the run that they wait for: so the one that
//! wakes them, a handful at a time, does not wake those who have come back, and comes to an end.
//!
//! **Invariant 1.** `QUEUED` changes under the line's lock, and is set while somebody is in line. So a run that does not
//! find it at its end has nobody to wake.
//! **Invariant 2.** The number grows along the line: who came before the end of a run stands before who came after it.
//! **Invariant 3.** While it runs, only the runner and who has the line's lock move the state.

use std::pin::Pin;

use super::{
    holder::Holder,
    plain::Plain,
    wait_list::{List, Node, Operation, Waiter},
    wakes::wake_all,
};
use crate::atomic::{Ordering, UnsafeCell, const_unless_loom};

/// Nobody has done it yet.
const INCOMPLETE: u8 = 0;
/// The last one to run it panicked.
const POISONED: u8 = 1;
/// Somebody is at it.
const RUNNING: u8 = 2;
/// It is done. Final.
const COMPLETE: u8 = 3;
/// The part of the byte that is one of these.
const STATE: u8 = 3;
/// Set while somebody is in line.
const QUEUED: u8 = 1 << 2;

/// See the [module](self).
pub(crate) struct Once<W> {
    /// Who runs it. With the state and the lock of the line in it.
    pub(crate) holder: Holder,
    /// Guarded by the holder's `lock`.
    line: UnsafeCell<Line<W>>,
}

struct Line<W> {
    /// Each with the number of the run whose end it waits for.
    waiters: List<W, Plain<u64>>,
    /// How many runs have ended while somebody was in line.
    ended: u64,
}

// SAFETY: the line is reached by way of its lock only, and can be used from any thread (`List: Send`).
unsafe impl<W: Waiter> Sync for Once<W> {}
// SAFETY: as above; what is moved has nobody in line, since those borrow it.
unsafe impl<W: Waiter> Send for Once<W> {}

/// What one who wants to run it is to do.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// It runs it, and tells the [end](Once::finish).
    Run { poisoned: bool },
    /// It waits until nobody runs it, and tries again.
    Wait,
    /// Nothing.
    Complete,
    /// It minds that it is poisoned.
    Poisoned,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    Poisoned,
    Interrupted,
}

/// What one waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Nobody runs it.
    Idle,
    /// It is complete or poisoned.
    Ended,
    /// It is complete.
    Complete,
}

/// To wait for a state. It may have changed again when the wait is over.
pub(crate) struct Await<'a, W>(pub(crate) &'a Once<W>, pub(crate) Until);

impl<W: Waiter> Once<W> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self {
                holder: Holder::nobody(),
                line: UnsafeCell::new(Line { waiters: List::new(), ended: 0 }),
            }
        }
    }

    /// Done from the beginning.
    pub(crate) fn complete() -> Self {
        let once = Self::new();
        once.holder.state.store(COMPLETE, Ordering::Relaxed);
        once
    }

    /// Whether it is done; what was done is visible then.
    #[inline(always)]
    pub(crate) fn is_complete(&self) -> bool {
        self.holder.state.load(Ordering::Acquire) & STATE == COMPLETE
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.holder.state.load(Ordering::Acquire) & STATE == POISONED
    }

    /// Begins to run it, if nobody else does and it is still to be done. `force`: also if it is poisoned.
    pub(crate) fn start(&self, force: bool) -> Start {
        let mut state = self.holder.state.load(Ordering::Acquire);
        loop {
            let poisoned = match state & STATE {
                INCOMPLETE => false,
                POISONED if force => true,
                POISONED => return Start::Poisoned,
                RUNNING => return Start::Wait,
                _ => return Start::Complete,
            };
            let next = RUNNING | state & QUEUED;
            match self.holder.state.compare_exchange_weak(state, next, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Start::Run { poisoned },
                Err(actual) => state = actual,
            }
        }
    }

    /// The runner has come to an end.
    pub(crate) fn finish(&self, end: End) {
        let state = match end {
            End::Complete => COMPLETE,
            End::Poisoned => POISONED,
            End::Interrupted => INCOMPLETE,
        };
        let alone =
            self.holder.state.compare_exchange(RUNNING, state, Ordering::Release, Ordering::Relaxed).is_ok();
        if !alone {
            self.finish_and_wake(state);
        }
    }

    #[cold]
    fn finish_and_wake(&self, state: u8) {
        let mut ended = None;
        wake_all(|wakes| {
            self.with_line(|line| {
                let ended = *ended.get_or_insert_with(|| {
                    // By Invariant 3 nobody moves it between this and the look before.
                    self.holder.state.swap(state | QUEUED, Ordering::Release);
                    line.ended += 1;
                    line.ended
                });
                // Those who came before that many runs had ended.
                let served = wakes.grant_while(&mut line.waiters, |came| came.get() < ended, |_| ());
                self.clear_queued_if_empty(line);
                served
            })
        });
    }

    fn clear_queued_if_empty(&self, line: &Line<W>) {
        if line.waiters.is_empty() {
            self.holder.state.fetch_and(!QUEUED, Ordering::Relaxed);
        }
    }

    /// Whether it is so already; if not, says that somebody is in line. Under the line's lock.
    fn is_or_queue(&self, until: Until) -> bool {
        let mut state = self.holder.state.load(Ordering::Relaxed);
        loop {
            if until.is_met_in(state & STATE) {
                return true;
            }
            let next = state | QUEUED;
            match self.holder.state.compare_exchange_weak(state, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return false,
                Err(actual) => state = actual,
            }
        }
    }

    fn with_line<R>(&self, f: impl FnOnce(&mut Line<W>) -> R) -> R {
        // SAFETY: the line is reached here only, and no `f` in this file comes back.
        unsafe { self.holder.lock.with(&self.line, f) }
    }
}

impl Until {
    fn is_met_in(self, state: u8) -> bool {
        match self {
            Until::Idle => state != RUNNING,
            Until::Ended => matches!(state, COMPLETE | POISONED),
            Until::Complete => state == COMPLETE,
        }
    }
}

// SAFETY: `begin` pushes the node only when it returns `None`. `look` returns `Some` when the node was granted, and so
// unlinked; `give_up` removes it.
unsafe impl<W: Waiter> Operation<W> for Await<'_, W> {
    type Payload = Plain<u64>;
    type Output = ();

    fn payload(&mut self) -> Plain<u64> {
        Plain::new(0)
    }

    fn begin(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<()> {
        let &mut Self(once, until) = self;
        once.with_line(|line| {
            if once.is_or_queue(until) {
                return Some(());
            }
            node.payload.set(line.ended);
            // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
            unsafe { line.waiters.push_back(node) };
            None
        })
    }

    fn look(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<()> {
        // Who is woken and finds no mark looks under the lock (Invariant 2 of `wait_list`).
        (node.is_granted() || self.0.with_line(|_| node.is_granted())).then_some(())
    }

    fn give_up(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<()> {
        let once = self.0;
        once.with_line(|line| {
            // SAFETY: in this line, or granted and in none.
            let waited = unsafe { line.waiters.remove(node) };
            once.clear_queued_if_empty(line);
            (!waited).then_some(())
        })
    }

    /// All were woken, so there is nothing to pass on.
    fn put_back(&mut self, (): ()) {}
}
