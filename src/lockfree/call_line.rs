//! A line of those who wait for something that a lock elsewhere guards: each is called for one thing, in order.
//!
//! ```text
//! OUT     -> IN LINE        // begin: the waiter, with the owner's lock, which is let go behind it
//! OUT     -> CALLED Turn    // begin: the waiter, if a turn was given back
//! IN LINE -> CALLED Turn    // call: a holder of the owner's lock, who keeps one thing for it
//! IN LINE -> CALLED Turn    // give back: one that was called, and is dropped instead; without the owner's lock
//! IN LINE -> CALLED Closed  // close: a holder of the owner's lock says who, and calls them when that is free
//! IN LINE -> OUT            // give_up: the waiter, without the owner's lock
//! ```
//!
//! The owner's lock is one that parks (foreign code may run under it), so a waiter that gives up must do without: it may be
//! unwinding, or be dropped where nothing may park. What sets this apart from a condition variable is that a call says
//! whether somebody was there to hear it: the owner counts what it has promised, and nobody else takes that.
//!
//! **Invariant 1.** `occupied` is cleared under the owner's lock, and set while somebody is in line. So a call that does
//! not find it has nobody to call.
//! **Invariant 2.** Who gives up was not called, and who was called does not give up: the line's own lock decides.
//! So as many turns are out or given back as the owner has promised things.
//! **Invariant 3.** Turns are given back to the owner only while nobody is in line, and nobody gets in line while there are
//! any. All under the line's lock.
//! **Invariant 4.** Tickets rise along the line. A close is for those whose ticket is below the next one's, as it was with
//! the owner's lock held.

use std::pin::Pin;

use super::{
    plain::Plain,
    spin::Guarded,
    wait_list::{List, Node, Operation, Waiter},
    wakes::{Served, wake_all},
};
use crate::atomic::{AtomicBool, AtomicUsize, Ordering, const_unless_loom};

/// See the [module](self).
pub(crate) struct CallLine<W> {
    occupied: AtomicBool,
    /// How many turns were given back. Changed under the line's lock; otherwise it hides what is under way, and no more.
    returned: AtomicUsize,
    line: Guarded<Line<W>>,
}

struct Line<W> {
    waiters: List<W, Plain<Seat>>,
    /// The next one to come gets this.
    ticket: u64,
}

/// What stands with a waiter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    ticket: u64,
    called: Called,
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

/// Those who are to be let go. By [`let_go`], when the owner's lock is free.
#[must_use]
pub(crate) struct Closing<'a, W> {
    line: &'a CallLine<W>,
    /// Those with a ticket below.
    moment: u64,
}

/// To stand in line until one is called. `unlock` lets go of the owner's lock.
pub(crate) struct Stand<'a, W, F> {
    line: &'a CallLine<W>,
    unlock: Option<F>,
}

/// As [`Stand`], for one who may go to another OS thread while it waits, and so takes the owner's lock in `begin` and no
/// earlier: `enter` takes it, and does what it came for or returns what lets go of the lock.
pub(crate) struct Enter<'a, W, F> {
    line: &'a CallLine<W>,
    enter: Option<F>,
}

impl<W: Waiter> CallLine<W> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self {
                occupied: AtomicBool::new(false),
                returned: AtomicUsize::new(0),
                line: Guarded::new(Line { waiters: List::new(), ticket: 0 }),
            }
        }
    }

    /// With the owner's lock held, which `unlock` lets go of.
    pub(crate) fn stand<F: FnOnce()>(&self, unlock: F) -> Stand<'_, W, F> {
        Stand { line: self, unlock: Some(unlock) }
    }

    /// Without the owner's lock.
    pub(crate) fn enter<F>(&self, enter: F) -> Enter<'_, W, F> {
        Enter { line: self, enter: Some(enter) }
    }

    /// Calls the first in line, with the owner's lock held. `None`: nobody is there.
    #[inline]
    pub(crate) fn call(&self) -> Option<W::Wake> {
        // Whoever set it did so before it let go of the owner's lock.
        if self.occupied.load(Ordering::Relaxed) { self.call_first() } else { None }
    }

    fn call_first(&self) -> Option<W::Wake> {
        self.line.with(|line| {
            let wake = line.call_first(Called::Turn);
            self.occupied.store(!line.waiters.is_empty(), Ordering::Relaxed);
            wake
        })
    }

    /// Says who is to be let go: all that are in line, with the owner's lock held.
    pub(crate) fn close(&self) -> Option<Closing<'_, W>> {
        let occupied = self.occupied.load(Ordering::Relaxed);
        occupied.then(|| Closing { line: self, moment: self.line.with(|line| line.ticket) })
    }

    /// Takes the turns that were given back, with the owner's lock held. What was given back before this, in whatever way
    /// one knows of it, is there.
    #[inline]
    pub(crate) fn take_returned(&self) -> usize {
        if self.returned.load(Ordering::Relaxed) == 0 { 0 } else { self.take_all_returned() }
    }

    #[cold]
    fn take_all_returned(&self) -> usize {
        self.line.with(|_| self.returned.swap(0, Ordering::Relaxed))
    }

    /// Takes a turn that was given back, or puts the node in line; then `unlock` lets go of the owner's lock.
    fn begin(&self, node: Pin<&Node<W, Plain<Seat>>>, unlock: impl FnOnce()) -> Option<Called> {
        let turn = self.line.with(|line| {
            let returned = self.returned.load(Ordering::Relaxed);
            if returned > 0 {
                self.returned.store(returned - 1, Ordering::Relaxed);
                return Some(Called::Turn);
            }
            node.payload.set(Seat { ticket: line.ticket, called: Called::Closed });
            line.ticket += 1;
            // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
            unsafe { line.waiters.push_back(node) };
            self.occupied.store(true, Ordering::Relaxed);
            None
        });
        // Should it unwind, nobody would call `give_up`.
        let leave = LeaveTheLine { line: self, node };
        unlock();
        std::mem::forget(leave);
        turn
    }

    fn look(&self, node: Pin<&Node<W, Plain<Seat>>>) -> Option<Called> {
        let called = || node.is_granted().then(|| node.payload.get().called);
        called().or_else(|| self.line.with(|_| called()))
    }

    fn give_up(&self, node: Pin<&Node<W, Plain<Seat>>>) -> Option<Called> {
        // `occupied` may say too much after this: the next call finds out (Invariant 1).
        // SAFETY: in this line, or granted and in none.
        let left = self.line.with(|line| unsafe { line.waiters.remove(node) });
        if left { None } else { Some(node.payload.get().called) }
    }

    /// Passes on what one was called for who does not want it any more: a turn goes to the next in line, or back to the owner.
    fn give_back(&self, called: Called) {
        if called == Called::Closed {
            return;
        }
        let wake = self.line.with(|line| {
            let wake = line.call_first(Called::Turn);
            if wake.is_none() {
                self.returned.store(self.returned.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            }
            wake
        });
        if let Some(wake) = wake {
            W::deliver(wake);
        }
    }
}

impl<W: Waiter> Line<W> {
    fn call_first(&mut self, called: Called) -> Option<W::Wake> {
        self.waiters.grant_front(|seat| seat.set(Seat { called, ..seat.get() }))
    }
}

/// Lets go those whom closes are for. Without the owner's lock: to wake a task is foreign code.
pub(crate) fn let_go<W: Waiter, const N: usize>(closings: [Option<Closing<'_, W>>; N]) {
    if closings.iter().any(Option::is_some) {
        wake_all(|wakes| {
            let mut of_each = closings.iter().flatten().map(|&Closing { line, moment }| {
                let closed = |seat: &Plain<Seat>| seat.set(Seat { called: Called::Closed, ..seat.get() });
                line.line.with(|line| {
                    wakes.grant_while(&mut line.waiters, |seat| seat.get().ticket < moment, closed)
                })
            });
            of_each.find(|&served| served == Served::Some).unwrap_or(Served::All)
        });
    }
}

// SAFETY: `begin` pushes the node only when it returns `None`. `look` returns `Some` when the node was granted, and so
// unlinked; `give_up` removes it.
unsafe impl<W: Waiter, F: FnOnce()> Operation<W> for Stand<'_, W, F> {
    type Payload = Plain<Seat>;
    type Output = Called;

    fn payload(&mut self) -> Plain<Seat> {
        Plain::new(Seat::NEW)
    }

    fn begin(&mut self, node: Pin<&Node<W, Plain<Seat>>>) -> Option<Called> {
        let unlock = self.unlock.take();
        self.line.begin(node, || unlock.into_iter().for_each(|unlock| unlock()))
    }

    fn look(&mut self, node: Pin<&Node<W, Plain<Seat>>>) -> Option<Called> {
        self.line.look(node)
    }

    fn give_up(&mut self, node: Pin<&Node<W, Plain<Seat>>>) -> Option<Called> {
        self.line.give_up(node)
    }

    fn put_back(&mut self, called: Called) {
        self.line.give_back(called);
    }
}

// SAFETY: as for `Stand`.
unsafe impl<W: Waiter, F, T, U> Operation<W> for Enter<'_, W, F>
where
    F: FnOnce() -> Result<T, U>,
    U: FnOnce(),
{
    type Payload = Plain<Seat>;
    /// What it came for, or what it was called for.
    type Output = Result<T, Called>;

    fn payload(&mut self) -> Plain<Seat> {
        Plain::new(Seat::NEW)
    }

    fn begin(&mut self, node: Pin<&Node<W, Plain<Seat>>>) -> Option<Result<T, Called>> {
        match self.enter.take().expect("it begins once")() {
            Ok(done) => Some(Ok(done)),
            Err(unlock) => self.line.begin(node, unlock).map(Err),
        }
    }

    fn look(&mut self, node: Pin<&Node<W, Plain<Seat>>>) -> Option<Result<T, Called>> {
        self.line.look(node).map(Err)
    }

    fn give_up(&mut self, node: Pin<&Node<W, Plain<Seat>>>) -> Option<Result<T, Called>> {
        self.line.give_up(node).map(Err)
    }

    fn put_back(&mut self, output: Result<T, Called>) {
        if let Err(called) = output {
            self.line.give_back(called);
        }
    }
}

impl Seat {
    /// Of one that has not stood in line.
    const NEW: Self = Self { ticket: 0, called: Called::Closed };
}

/// Takes a node out of line when it is dropped.
struct LeaveTheLine<'a, W: Waiter> {
    line: &'a CallLine<W>,
    node: Pin<&'a Node<W, Plain<Seat>>>,
}

impl<W: Waiter> Drop for LeaveTheLine<'_, W> {
    fn drop(&mut self) {
        // SAFETY: in this line, or granted and in none.
        self.line.line.with(|line| unsafe { line.waiters.remove(self.node) });
    }
}
