//! The event: a flag that one waits for.
//!
//! ```text
//! 0      -> SET            // set, with nobody in line
//! QUEUED -> QUEUED | SET   // set, under the line's lock: all that are in line now are due
//! SET    -> 0              // clear, whoever is in line
//! 0      -> QUEUED         // begin: the first that has to wait, under the line's lock
//! QUEUED -> 0              // the last in line is granted or gives up, under the line's lock
//! ```
//!
//! **Invariant 1.** `QUEUED` changes under the line's lock, and is set while somebody is in line. So a set that does not
//! find it has nobody to wake.
//! **Invariant 2.** Nobody comes to the line while `SET` is there; both are one move of one word. Tickets rise along the
//! line.
//! **Invariant 3.** A set that finds `QUEUED` puts `SET` and reads the next ticket under one hold of the lock: its *moment*.
//! Who has an older ticket waited before it, and is granted. Who has this one or a later one came after a clear that
//! took this set back, and is not, however long the set takes.
//! **Invariant 4.** Each set is a release and a read-modify-write, even of a flag that is set, and each clear an acquire.
//! So what was done before a set is seen by those who pass on account of it, and by those who take it back.

use std::{ops::Deref, pin::Pin};

use super::{
    plain::Plain,
    spin::Guarded,
    wait_list::{List, Node, Operation, Waiter},
    wakes::wake_all,
};
use crate::atomic::{AtomicU8, Ordering, const_unless_loom};

/// Set if those who wait pass.
const SET: u8 = 1 << 0;
/// Set while somebody is in line.
const QUEUED: u8 = 1 << 1;

/// See the [module](self).
pub(crate) struct Event<W> {
    state: AtomicU8,
    line: Guarded<Line<W>>,
}

struct Line<W> {
    waiters: List<W, Plain<u64>>,
    /// The next one to come gets this.
    ticket: u64,
}

/// To wait until it is set. The event is behind a reference or an `Arc`.
pub(crate) struct Wait<E>(pub(crate) E);

impl<W: Waiter> Event<W> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { state: AtomicU8::new(0), line: Guarded::new(Line { waiters: List::new(), ticket: 0 }) }
        }
    }

    /// True: what was done before the set is visible now.
    #[inline(always)]
    pub(crate) fn is_set(&self) -> bool {
        self.state.load(Ordering::Acquire) & SET != 0
    }

    /// Sets it, and wakes all that wait now, in order.
    #[inline]
    pub(crate) fn set(&self) {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & QUEUED == 0 {
            match self.state.compare_exchange_weak(state, SET, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(actual) => state = actual,
            }
        }
        self.set_and_wake();
    }

    #[cold]
    fn set_and_wake(&self) {
        let mut moment = None;
        wake_all(|wakes| {
            self.line.with(|line| {
                let moment = *moment.get_or_insert_with(|| {
                    self.state.fetch_or(SET, Ordering::Release);
                    line.ticket
                });
                let served = wakes.grant_while(&mut line.waiters, |ticket| ticket.get() < moment, |_| ());
                self.clear_queued_if_empty(line);
                served
            })
        });
    }

    /// Takes it back. What was done before the sets that this undoes is visible now.
    #[inline]
    pub(crate) fn clear(&self) {
        self.state.fetch_and(!SET, Ordering::Acquire);
    }

    /// True if it is set, and otherwise says that somebody is in line.
    fn is_set_or_mark(&self) -> bool {
        let mark = |state| (state & SET == 0).then_some(state | QUEUED);
        self.state.fetch_update(Ordering::Acquire, Ordering::Acquire, mark).is_err()
    }

    /// For the models.
    #[cfg(all(test, loom))]
    pub(crate) fn is_queued(&self) -> bool {
        self.state.load(Ordering::Relaxed) & QUEUED != 0
    }

    fn clear_queued_if_empty(&self, line: &Line<W>) {
        if line.waiters.is_empty() {
            self.state.fetch_and(!QUEUED, Ordering::Relaxed);
        }
    }
}

// SAFETY: `E` leads to one event for as long as it lives: it is a reference or holds an `Arc`, here and where it is made.
// `begin` pushes the node only when it returns `None`. `look` returns `Some` when the node was granted, and so unlinked;
// `give_up` removes it.
unsafe impl<W: Waiter, E: Deref<Target = Event<W>>> Operation<W> for Wait<E> {
    type Payload = Plain<u64>;
    type Output = ();

    fn payload(&mut self) -> Plain<u64> {
        Plain::new(0)
    }

    fn begin(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<()> {
        let event: &Event<W> = &self.0;
        event.line.with(|line| {
            if event.is_set_or_mark() {
                return Some(());
            }
            node.payload.set(line.ticket);
            line.ticket += 1;
            // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
            unsafe { line.waiters.push_back(node) };
            None
        })
    }

    fn look(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<()> {
        // That it is set is not enough: the node is in line until the set that is at work comes to it.
        let granted = node.is_granted() || self.0.line.with(|_| node.is_granted());
        granted.then_some(())
    }

    fn give_up(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<()> {
        let event: &Event<W> = &self.0;
        event.line.with(|line| {
            // SAFETY: in this line, or granted and in none.
            if !unsafe { line.waiters.remove(node) } {
                return Some(());
            }
            event.clear_queued_if_empty(line);
            None
        })
    }

    /// A set is for all: there is nothing to pass on.
    fn put_back(&mut self, (): ()) {}
}
