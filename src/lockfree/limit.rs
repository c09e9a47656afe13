//! A limit on how many are in use at once, with a line of workers that wait: `max_green_threads`.
//!
//! A worker that is turned away *joins the line* and then tries once more; one that gives back then looks at
//! the line. All in one order (`SeqCst`), so one of the two sees the other.

use crate::atomic::{AtomicUsize, Ordering};

/// A count that does not pass a maximum.
#[derive(Debug)]
pub(crate) struct Limit {
    used: AtomicUsize,
    max: usize,
    in_line: AtomicUsize,
}

impl Limit {
    pub(crate) fn new(max: usize) -> Self {
        Self { used: AtomicUsize::new(0), max, in_line: AtomicUsize::new(0) }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.max != usize::MAX && self.used.load(Ordering::SeqCst) < self.max
    }

    /// Takes one, if there is one.
    #[must_use]
    pub(crate) fn take(&self) -> bool {
        self.max == usize::MAX
            || self
                .used
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |used| (used < self.max).then_some(used + 1))
                .is_ok()
    }

    /// Gives one back. True: somebody is in line, and must be called.
    #[must_use]
    pub(crate) fn give_back(&self) -> bool {
        if self.max == usize::MAX {
            return false;
        }
        self.used.fetch_sub(1, Ordering::SeqCst);
        self.in_line.load(Ordering::SeqCst) != 0
    }

    /// Turned away, the caller waits to be called. It tries [`take`](Self::take) once more after this.
    pub(crate) fn join_line(&self) {
        self.in_line.fetch_add(1, Ordering::SeqCst);
    }

    /// The caller waits no more.
    pub(crate) fn leave_line(&self) {
        self.in_line.fetch_sub(1, Ordering::SeqCst);
    }
}
