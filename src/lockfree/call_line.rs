//! A line of those who wait for something that a lock elsewhere guards: each is called for one thing, in order.
//!
//! ```text
//! OUT     -> IN LINE        // begin: the waiter, with the owner's lock, which is let go behind it
//! IN LINE -> CALLED Turn    // call: a holder of the owner's lock, who keeps one thing for it
//! IN LINE -> CALLED Closed  // close: a holder of the owner's lock, all at once
//! IN LINE -> OUT            // give_up: the waiter, without the owner's lock
//! ```
//!
//! The owner's lock is one that parks (foreign code may run under it), so a waiter that gives up must do without. What
//! sets this apart from a condition variable is that a call says whether somebody was there to hear it: the owner
//! counts what it has promised, and nobody else takes that.
//!
//! **Invariant 1.** `occupied` changes under the owner's lock, and is set while somebody is in line. So a call that does
//! not find it has nobody to call.
//! **Invariant 2.** Who gives up was not called, and who was called does not give up: the line's own lock decides.
//! So as many were called as the owner has promised things.

use std::pin::Pin;

use super::{
    plain::Plain,
    spin::Guarded,
    wait_list::{List, Node, Operation, Waiter},
};
use crate::atomic::{AtomicBool, Ordering, const_unless_loom};

/// See the [module](self).
pub(crate) struct CallLine<W> {
    occupied: AtomicBool,
    line: Guarded<List<W, Plain<Called>>>,
}

/// What one was called for.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// What it waits for is there, and promised to it.
    Turn,
    /// It waits in vain.
    Closed,
}

/// To stand in line until one is called. `unlock` lets go of the owner's lock.
pub(crate) struct Stand<'a, W, F> {
    line: &'a CallLine<W>,
    unlock: Option<F>,
}

impl<W: Waiter> CallLine<W> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { occupied: AtomicBool::new(false), line: Guarded::new(List::new()) }
        }
    }

    /// With the owner's lock held, which `unlock` lets go of.
    pub(crate) fn stand<F: FnOnce()>(&self, unlock: F) -> Stand<'_, W, F> {
        Stand { line: self, unlock: Some(unlock) }
    }

    /// Calls the first in line, with the owner's lock held. `None`: nobody is there.
    #[inline]
    pub(crate) fn call(&self) -> Option<W::Wake> {
        // Whoever set it did so before it let go of the owner's lock.
        if self.occupied.load(Ordering::Relaxed) { self.call_with(Called::Turn) } else { None }
    }

    /// Lets everybody go, with the owner's lock held.
    pub(crate) fn close(&self) {
        while let Some(wake) = self.call_with(Called::Closed) {
            W::deliver(wake);
        }
    }

    fn call_with(&self, called: Called) -> Option<W::Wake> {
        self.line.with(|line| {
            let wake = line.grant_front(|said| said.set(called));
            self.occupied.store(!line.is_empty(), Ordering::Relaxed);
            wake
        })
    }
}

// SAFETY: `begin` pushes the node and returns `None`. `look` returns `Some` when the node was granted, and so unlinked;
// `give_up` removes it.
unsafe impl<W: Waiter, F: FnOnce()> Operation<W> for Stand<'_, W, F> {
    type Payload = Plain<Called>;
    type Output = Called;

    fn payload(&mut self) -> Plain<Called> {
        Plain::new(Called::Closed)
    }

    fn begin(&mut self, node: Pin<&Node<W, Plain<Called>>>) -> Option<Called> {
        self.line.line.with(|line| {
            // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
            unsafe { line.push_back(node) };
            self.line.occupied.store(true, Ordering::Relaxed);
        });
        if let Some(unlock) = self.unlock.take() {
            // Should it unwind, nobody would call `give_up`.
            let leave = LeaveTheLine { line: self.line, node };
            unlock();
            std::mem::forget(leave);
        }
        None
    }

    fn look(&mut self, node: Pin<&Node<W, Plain<Called>>>) -> Option<Called> {
        let called = || node.is_granted().then(|| node.payload.get());
        called().or_else(|| self.line.line.with(|_| called()))
    }

    fn give_up(&mut self, node: Pin<&Node<W, Plain<Called>>>) -> Option<Called> {
        // `occupied` may say too much after this: the next call finds out (Invariant 1).
        // SAFETY: in this line, or granted and in none.
        let left = self.line.line.with(|line| unsafe { line.remove(node) });
        if left { None } else { Some(node.payload.get()) }
    }

    fn put_back(&mut self, _: Called) {
        unreachable!("what was promised is the owner's to take back, and nobody waits here as a future");
    }
}

/// Takes a node out of line when it is dropped.
struct LeaveTheLine<'a, W: Waiter> {
    line: &'a CallLine<W>,
    node: Pin<&'a Node<W, Plain<Called>>>,
}

impl<W: Waiter> Drop for LeaveTheLine<'_, W> {
    fn drop(&mut self) {
        // SAFETY: in this line, or granted and in none.
        self.line.line.with(|line| unsafe { line.remove(self.node) });
    }
}
