//! The semaphore: a word of permits, and a line of those who wait for some.
//!
//! ```text
//! p          -> p - n        // try_acquire: enough are there, and nobody is in line
//! p          -> p | QUEUED   // begin: too few are there; the first that has to wait, under the line's lock
//! p          -> p + n        // release, add: with nobody in line that is all
//! p | QUEUED -> p + n | QUEUED  // release, add: then the front of the line is served
//! p | QUEUED -> p - n | QUEUED  // serve: the first in line is handed its n, and stands in line no more
//! p | QUEUED -> p            // serve, give_up: the line is empty, under its lock
//! ```
//!
//! First in, first out, without exception: while somebody is in line, whoever comes stands behind, also one for whom
//! there is enough. So one who wants many is not starved by those who want few.
//!
//! **Invariant 1.** `QUEUED` changes under the line's lock, and when the lock is free it is set exactly if somebody is in
//! line. So a release that does not find it has nobody to serve.
//! **Invariant 2.** When the lock is free and nobody is on the way to serve, the first in line wants more than is there.
//! **Invariant 3.** One who is granted has been handed its permits: they are in nobody's word any more.

use std::pin::Pin;

use super::{
    spin::Guarded,
    wait_list::{List, Node, Operation, Waiter},
    wakes::{Served, Wakes, wake_all},
};
use crate::atomic::{AtomicUsize, Ordering, const_unless_loom};

/// Set while somebody is in line.
const QUEUED: usize = 1 << 0;
/// A permit, in the word.
const PERMIT: usize = 1 << 1;
/// How many there can be. The word has room for four times as many, so that it is seen before it overflows.
pub(crate) const MAX_PERMITS: usize = usize::MAX >> 3;

/// See the [module](self).
pub(crate) struct Semaphore<W> {
    state: AtomicUsize,
    /// With the number of permits that each wants, never zero.
    line: Guarded<List<W, usize>>,
}

/// To acquire `n` permits, waiting if need be.
pub(crate) struct Acquire<'a, W> {
    pub(crate) semaphore: &'a Semaphore<W>,
    pub(crate) n: usize,
}

fn permits(state: usize) -> usize {
    state / PERMIT
}

impl<W: Waiter> Semaphore<W> {
    const_unless_loom! {
        /// `permits` is at most [`MAX_PERMITS`].
        pub(crate) fn new(permits: usize) -> Self {
            Self { state: AtomicUsize::new(permits * PERMIT), line: Guarded::new(List::new()) }
        }
    }

    /// Takes `n` permits if they are there and nobody is in line.
    #[inline(always)]
    pub(crate) fn try_acquire(&self, n: usize) -> bool {
        n == 0 || self.take_if(n, |state| state & QUEUED == 0)
    }

    /// Takes `n` permits if they are there and the state is `fit`.
    #[inline(always)]
    fn take_if(&self, n: usize, fit: impl Fn(usize) -> bool) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while permits(state) >= n && fit(state) {
            match self.state.compare_exchange_weak(
                state,
                state - n * PERMIT,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(actual) => state = actual,
            }
        }
        false
    }

    /// Takes `n` permits if they are there, and otherwise sets `QUEUED`. Under the line's lock.
    fn take_or_mark(&self, n: usize) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let enough = permits(state) >= n;
            let next = if enough { state - n * PERMIT } else { state | QUEUED };
            match self.state.compare_exchange_weak(state, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return enough,
                Err(actual) => state = actual,
            }
        }
    }

    /// Gives back `n` permits that were acquired. False: there are more than [`MAX_PERMITS`] now.
    #[inline(always)]
    #[must_use]
    pub(crate) fn release(&self, n: usize) -> bool {
        let before = self.state.fetch_add(n * PERMIT, Ordering::Release);
        if before & QUEUED != 0 {
            self.serve();
        }
        permits(before) <= MAX_PERMITS - n
    }

    /// Adds `n` new permits. False: there would be more than [`MAX_PERMITS`], and none was added.
    #[must_use]
    pub(crate) fn add(&self, n: usize) -> bool {
        let sum = |state| permits(state).checked_add(n).filter(|sum| *sum <= MAX_PERMITS);
        let mut state = self.state.load(Ordering::Relaxed);
        while sum(state).is_some() {
            match self.state.compare_exchange_weak(
                state,
                state + n * PERMIT,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    if state & QUEUED != 0 {
                        self.serve();
                    }
                    return true;
                }
                Err(actual) => state = actual,
            }
        }
        false
    }

    /// Takes `n` permits for good, or as many as are there, also from under those in line. How many it were.
    pub(crate) fn forget(&self, n: usize) -> usize {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let taken = n.min(permits(state));
            let next = state - taken * PERMIT;
            match self.state.compare_exchange_weak(state, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return taken,
                Err(actual) => state = actual,
            }
        }
    }

    /// How many permits are there.
    pub(crate) fn available(&self) -> usize {
        permits(self.state.load(Ordering::Acquire))
    }

    /// Serves the line until the first in it wants more than is there.
    #[cold]
    fn serve(&self) {
        wake_all(|wakes| self.line.with(|line| self.grant(line, wakes)));
    }

    /// Hands permits to the first in line, and the next, while they suffice. Not to all that can have them: the caller is
    /// to come again (Invariant 2).
    fn grant(&self, line: &mut List<W, usize>, wakes: &mut Wakes<W>) -> Served {
        let served = wakes.grant_while(line, |&n| self.take_if(n, |_| true), |_| ());
        if line.is_empty() {
            self.state.fetch_and(!QUEUED, Ordering::Relaxed);
        }
        served
    }
}

// SAFETY: `begin` pushes the node only when it returns `None`. `look` returns `Some` when the node was granted, and so
// unlinked; `give_up` removes it.
unsafe impl<W: Waiter> Operation<W> for Acquire<'_, W> {
    type Payload = usize;
    type Output = ();

    fn payload(&mut self) -> usize {
        self.n
    }

    fn begin(&mut self, node: Pin<&Node<W, usize>>) -> Option<()> {
        let Self { semaphore, n } = *self;
        if n == 0 {
            return Some(());
        }
        semaphore.line.with(|line| {
            // With somebody in line the word is marked already (Invariant 1).
            if line.is_empty() && semaphore.take_or_mark(n) {
                return Some(());
            }
            // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
            unsafe { line.push_back(node) };
            None
        })
    }

    fn look(&mut self, node: Pin<&Node<W, usize>>) -> Option<()> {
        // A waker that wakes it before it marks it holds the lock (Invariant 2 of `wait_list`).
        (node.is_granted() || self.semaphore.line.with(|_| node.is_granted())).then_some(())
    }

    fn give_up(&mut self, node: Pin<&Node<W, usize>>) -> Option<()> {
        let semaphore = self.semaphore;
        let mut removed = None;
        wake_all(|wakes| {
            semaphore.line.with(|line| {
                // SAFETY: in this line, or granted and in none.
                if *removed.get_or_insert_with(|| unsafe { line.remove(node) }) {
                    // If it was the first, what is there may be enough for the next (Invariant 2).
                    semaphore.grant(line, wakes)
                } else {
                    Served::All
                }
            })
        });
        (removed == Some(false)).then_some(())
    }

    fn put_back(&mut self, (): ()) {
        // They were there before, or in the hands of others, and are no more than they were.
        let _ = self.semaphore.release(self.n);
    }
}
