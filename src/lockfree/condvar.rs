//! The condition variable: a line of those who wait, each with a ticket, and a word that says whether there are any.
//!
//! ```text
//! QUIET       -> WAITED_FOR   // begin: the first that waits, under the line's lock and with the user's mutex held
//! WAITED_FOR  -> QUIET        // notify, give_up: the last in line has left it, under the line's lock
//! ```
//!
//! To notify nobody is one load. Tickets count those who came; they go up along the line, so "all who waited at that
//! moment" is a number. A notification that its waiter does not want any more goes to the next of those who waited
//! when it was given; nobody gets one that is older than its own wait.
//!
//! **Invariant 1.** The word says `WAITED_FOR` while somebody is in line, and both change under one hold of the line's
//! lock. A waiter comes before it lets the user's mutex go, so a notifier that has held the mutex since finds the word.
//! **Invariant 2.** A ticket below `owed` is that of a waiter whom a `notify_all` under way is going to wake. Who
//! notifies one wakes those first: what it gave to one of them would be lost.
//! **Invariant 3.** A node's payload is its ticket in line, and from the grant on the first ticket that may *not*
//! inherit the notification.

use std::pin::Pin;

use super::{
    mutex::Mutex,
    plain::Plain,
    spin::Guarded,
    wait_list::{List, Node, Operation, Waiter},
    wakes::wake_all,
};
use crate::atomic::{AtomicBool, Ordering, const_unless_loom};

const QUIET: bool = false;
const WAITED_FOR: bool = true;

/// See the [module](self).
pub(crate) struct Condvar<W> {
    word: AtomicBool,
    line: Guarded<Line<W>>,
}

struct Line<W> {
    waiters: List<W, Plain<u64>>,
    /// The ticket of the next that comes.
    next: u64,
    /// See Invariant 2.
    owed: u64,
}

/// A notification that a waiter was given.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notified {
    /// Those with a ticket below this inherit it: they waited when it was given. None do from a `notify_all`.
    heirs: u64,
}

/// To wait for a notification, and let go of the mutex as soon as one stands in line.
pub(crate) struct Wait<'a, W> {
    pub(crate) condvar: &'a Condvar<W>,
    /// Held by the caller until `begin`.
    pub(crate) mutex: &'a Mutex<W>,
}

impl<W: Waiter> Condvar<W> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self {
                word: AtomicBool::new(QUIET),
                line: Guarded::new(Line { waiters: List::new(), next: 0, owed: 0 }),
            }
        }
    }

    /// Wakes the first in line.
    #[inline(always)]
    pub(crate) fn notify_one(&self) {
        if self.word.load(Ordering::Relaxed) == WAITED_FOR {
            self.notify_first(None);
        }
    }

    /// Wakes all that are in line, and none that come later.
    #[inline(always)]
    pub(crate) fn notify_all(&self) {
        if self.word.load(Ordering::Relaxed) == WAITED_FOR {
            self.notify_those_in_line();
        }
    }

    /// Gives a notification that was not used to the next that may inherit it.
    #[cold]
    pub(crate) fn pass_on(&self, notified: Notified) {
        if notified.heirs != 0 {
            self.notify_first(Some(notified.heirs));
        }
    }

    /// Wakes the first in line; if there are `heirs`, only one of them.
    #[cold]
    fn notify_first(&self, heirs: Option<u64>) {
        let granted = self.with_line(|line| {
            if line.front_ticket().is_some_and(|ticket| ticket < line.owed) {
                None
            } else {
                Some(line.grant_one(heirs))
            }
        });
        let wake = granted.unwrap_or_else(|| {
            // Invariant 2. Those who are owed from now on were notified later than this.
            self.wake_below(|line| line.owed);
            self.with_line(|line| line.grant_one(heirs))
        });
        if let Some(wake) = wake {
            W::deliver(wake);
        }
    }

    #[cold]
    fn notify_those_in_line(&self) {
        self.wake_below(|line| {
            line.owed = line.next;
            line.owed
        });
    }

    /// Wakes all with tickets below what `end` says under the first hold of the lock.
    fn wake_below(&self, end: impl Fn(&mut Line<W>) -> u64) {
        let mut known = None;
        wake_all(|wakes| {
            self.with_line(|line| {
                let end = *known.get_or_insert_with(|| end(line));
                wakes.grant_while(&mut line.waiters, |ticket| ticket.get() < end, |heirs| heirs.set(0))
            })
        });
    }

    /// Runs `f` with the line, and keeps Invariant 1.
    fn with_line<R>(&self, f: impl FnOnce(&mut Line<W>) -> R) -> R {
        self.line.with(|line| {
            let result = f(line);
            let word = if line.waiters.is_empty() { QUIET } else { WAITED_FOR };
            if self.word.load(Ordering::Relaxed) != word {
                self.word.store(word, Ordering::Relaxed);
            }
            result
        })
    }
}

impl<W: Waiter> Line<W> {
    fn front_ticket(&self) -> Option<u64> {
        self.waiters.front().map(Plain::get)
    }

    fn grant_one(&mut self, heirs: Option<u64>) -> Option<W::Wake> {
        let heirs = heirs.unwrap_or(self.next);
        let inherits = self.front_ticket().is_some_and(|ticket| ticket < heirs);
        if inherits { self.waiters.grant_front(|payload| payload.set(heirs)) } else { None }
    }
}

impl<W: Waiter> Wait<'_, W> {
    /// What it was given, if it was: the payload is its own then.
    fn notified(node: Pin<&Node<W, Plain<u64>>>) -> Option<Notified> {
        node.is_granted().then(|| Notified { heirs: node.payload.get() })
    }
}

// SAFETY: `begin` pushes the node and returns `None`; if it unwinds, the node is out. `look` returns `Some` when the node
// was granted, and so unlinked; `give_up` removes it.
unsafe impl<W: Waiter> Operation<W> for Wait<'_, W> {
    type Payload = Plain<u64>;
    type Output = Notified;

    fn payload(&mut self) -> Plain<u64> {
        Plain::new(0)
    }

    fn begin(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<Notified> {
        self.condvar.with_line(|line| {
            node.payload.set(line.next);
            line.next += 1;
            // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
            unsafe { line.waiters.push_back(node) };
        });
        // In line first (Invariant 1). The wake-up of who waits for the mutex may be a waker, which is foreign code:
        // should it unwind, nobody would call `give_up`.
        let leave = LeaveTheLine { condvar: self.condvar, node };
        self.mutex.unlock();
        std::mem::forget(leave);
        None
    }

    fn look(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<Notified> {
        Self::notified(node).or_else(|| self.condvar.line.with(|_| Self::notified(node)))
    }

    fn give_up(&mut self, node: Pin<&Node<W, Plain<u64>>>) -> Option<Notified> {
        // SAFETY: in this line, or granted and in none.
        let removed = self.condvar.with_line(|line| unsafe { line.waiters.remove(node) });
        if removed { None } else { Self::notified(node) }
    }

    fn put_back(&mut self, notified: Notified) {
        self.condvar.pass_on(notified);
    }
}

/// Takes a node out of line when it is dropped.
struct LeaveTheLine<'a, W: Waiter> {
    condvar: &'a Condvar<W>,
    node: Pin<&'a Node<W, Plain<u64>>>,
}

impl<W: Waiter> Drop for LeaveTheLine<'_, W> {
    fn drop(&mut self) {
        // SAFETY: in this line, or granted and in none.
        let removed = self.condvar.with_line(|line| unsafe { line.waiters.remove(self.node) });
        if let Some(notified) = Wait::notified(self.node).filter(|_| !removed) {
            self.condvar.pass_on(notified);
        }
    }
}
