//! The barrier: a line of those who have arrived. The one that completes it wakes them all.
//!
//! ```text
//! arrived     -> arrived + 1   // begin: not the last, which gets in line
//! arrived     -> 0             // begin: the last. The barrier is open for those in line, and a new round begins
//! arrived + 1 -> arrived       // give_up: one in line leaves, and counts no more
//! ```
//!
//! Those in line are woken in batches, while the next round's arrive already: a ticket tells the rounds apart.
//!
//! **Invariant 1.** Tickets go up along the line. Those below `open` have passed, though they may be in line until their
//! batch comes; the others are `arrived` in number.
//! **Invariant 2.** Who leaves with a ticket below `open` has passed: it does not count in the round that is on.

use std::pin::Pin;

use super::{
    plain::Plain,
    spin::Guarded,
    wait_list::{List, Node, Operation, Waiter},
    wakes::wake_all,
};
use crate::atomic::const_unless_loom;

/// See the [module](self).
pub(crate) struct Barrier<W> {
    line: Guarded<Line<W>>,
    needed: usize,
}

struct Line<W> {
    /// With their tickets.
    waiters: List<W, Plain<u64>>,
    arrived: usize,
    /// The ticket of the next that comes.
    next: u64,
    /// See Invariant 1.
    open: u64,
}

/// To arrive, and wait for the others.
pub(crate) struct Arrive<'a, W>(pub(crate) &'a Barrier<W>);

/// The part that one has played in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It came last.
    Leader,
    Follower,
}

impl<W: Waiter> Barrier<W> {
    const_unless_loom! {
        pub(crate) fn new(needed: usize) -> Self {
            Self {
                line: Guarded::new(Line { waiters: List::new(), arrived: 0, next: 0, open: 0 }),
                needed,
            }
        }
    }

    /// Wakes all that have passed.
    fn wake_below(&self, open: u64) {
        wake_all(|wakes| {
            self.line.with(|line| wakes.grant_while(&mut line.waiters, |ticket| ticket.get() < open, |_| ()))
        });
    }
}

// SAFETY: `begin` pushes the node only when it returns `None`. `look` returns `Some` when the node was granted, and so
// unlinked; `give_up` removes it.
unsafe impl<W: Waiter> Operation<W> for Arrive<'_, W> {
    type Payload = Plain<u64>;
    type Output = Part;

    fn payload(&mut self) -> Plain<u64> {
        Plain::new(0)
    }

    fn begin(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<Part> {
        let barrier = self.0;
        let opened = barrier.line.with(|line| {
            if line.arrived + 1 >= barrier.needed {
                line.arrived = 0;
                line.open = line.next;
                return Some(line.open);
            }
            line.arrived += 1;
            node.payload.set(line.next);
            line.next += 1;
            // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
            unsafe { line.waiters.push_back(node) };
            None
        })?;
        barrier.wake_below(opened);
        Some(Part::Leader)
    }

    fn look(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<Part> {
        let granted = node.is_granted() || self.0.line.with(|_| node.is_granted());
        granted.then_some(Part::Follower)
    }

    fn give_up(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<Part> {
        self.0.line.with(|line| {
            // SAFETY: in this line, or granted and in none.
            let removed = unsafe { line.waiters.remove(node) };
            if !removed || node.payload.get() < line.open {
                return Some(Part::Follower);
            }
            line.arrived -= 1;
            None
        })
    }

    /// It has passed: nobody else could make use of that.
    fn put_back(&mut self, _: Part) {}
}
