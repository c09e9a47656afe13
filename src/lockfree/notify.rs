//! The notification: a permit for one, or a call to all that wait.
//!
//! ```text
//! 0      -> PERMIT     // notify_one, with nobody in line: kept for the next that comes. Two are one
//! PERMIT -> 0          // try_take, begin: by the one that goes with it
//! 0      -> QUEUED     // begin: the first that has to wait, under the line's lock
//! QUEUED -> 0          // the last in line is granted or gives up, under the line's lock
//! n      -> n + CALL   // notify_waiters; under the line's lock if QUEUED is set
//! ```
//!
//! `notify_one` with somebody in line grants the first, under the line's lock, and leaves the word as it is.
//!
//! **Invariant 1.** `QUEUED` changes under the line's lock, and is set while somebody is in line, and only then.
//! **Invariant 2.** `PERMIT` and `QUEUED` are never set together: what puts the one sees the other in the same move. So a
//! permit passes nobody by, and the line is first in, first out.
//! **Invariant 3.** Who comes to the line has seen all calls so far, in the move that sets `QUEUED`. So the numbers rise
//! along the line, and a call with number `n` is for those who have a smaller one.
//! **Invariant 4.** Each notification is a release and a read-modify-write, even where a permit is there already; who
//! goes on account of it acquires. So does who counts the calls when it begins: a call that it does not wait for is
//! one whose reason it sees.

use std::pin::Pin;

use super::{
    plain::Plain,
    spin::Guarded,
    wait_list::{List, Node, Operation, Waiter},
    wakes::wake_all,
};
use crate::atomic::{AtomicU64, Ordering, const_unless_loom};

/// Set if the next that comes need not wait.
const PERMIT: u64 = 1 << 0;
/// Set while somebody is in line.
const QUEUED: u64 = 1 << 1;
/// One call of `notify_waiters`; the calls are counted above the flags.
const CALL: u64 = 1 << 2;

/// See the [module](self).
pub(crate) struct Notify<W> {
    state: AtomicU64,
    line: Guarded<List<W, Plain<Place>>>,
}

/// What stands with a waiter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// It waits since so many calls.
    Since(u64),
    /// Set if it was granted, before the mark.
    Granted(By),
}

/// What a wait ended by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// A `notify_one`, which is nobody else's.
    One,
    /// A `notify_waiters`.
    All,
}

/// To wait for a notification, and for any call that comes from now on.
pub(crate) struct Wait<'a, W> {
    notify: &'a Notify<W>,
    since: u64,
}

impl<W: Waiter> Notify<W> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { state: AtomicU64::new(0), line: Guarded::new(List::new()) }
        }
    }

    /// Takes the permit if there is one.
    #[inline(always)]
    pub(crate) fn try_take(&self) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & PERMIT != 0 {
            let taken = state & !PERMIT;
            match self.state.compare_exchange_weak(state, taken, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(actual) => state = actual,
            }
        }
        false
    }

    /// Begins to count the calls.
    #[inline]
    pub(crate) fn wait(&self) -> Wait<'_, W> {
        Wait { notify: self, since: self.state.load(Ordering::Acquire) / CALL }
    }

    /// Wakes the first in line, or leaves a permit.
    #[inline]
    pub(crate) fn notify_one(&self) {
        if !self.move_if_nobody_waits(|state| state | PERMIT) {
            self.notify_first();
        }
    }

    #[cold]
    fn notify_first(&self) {
        let wake = self.line.with(|line| {
            let wake = line.grant_front(|place| place.set(Place::Granted(By::One)));
            match wake {
                Some(_) => self.clear_queued_if_empty(line),
                // It has left meanwhile. With the lock held nobody comes, and `QUEUED` is off (Invariant 1).
                None => drop(self.state.fetch_or(PERMIT, Ordering::Release)),
            }
            wake
        });
        if let Some(wake) = wake {
            W::deliver(wake);
        }
    }

    /// Wakes all that wait now, in order.
    #[inline]
    pub(crate) fn notify_waiters(&self) {
        if !self.move_if_nobody_waits(|state| state.wrapping_add(CALL)) {
            self.notify_line();
        }
    }

    #[cold]
    fn notify_line(&self) {
        let mut call = None;
        wake_all(|wakes| {
            self.line.with(|line| {
                let call =
                    *call.get_or_insert_with(|| self.state.fetch_add(CALL, Ordering::Release) / CALL + 1);
                let due = |place: &Plain<Place>| matches!(place.get(), Place::Since(seen) if seen < call);
                let served = wakes.grant_while(line, due, |place| place.set(Place::Granted(By::All)));
                self.clear_queued_if_empty(line);
                served
            })
        });
    }

    /// False: somebody waits, and nothing was done.
    #[inline(always)]
    fn move_if_nobody_waits(&self, next: impl Fn(u64) -> u64) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & QUEUED == 0 {
            match self.state.compare_exchange_weak(state, next(state), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(actual) => state = actual,
            }
        }
        false
    }

    /// Goes with a call since then, or with the permit; otherwise says that somebody is in line.
    fn take_or_mark(&self, since: u64) -> Option<By> {
        let mut state = self.state.load(Ordering::Acquire);
        loop {
            let (next, by) = match state & PERMIT {
                _ if state / CALL != since => return Some(By::All),
                0 => (state | QUEUED, None),
                _ => (state & !PERMIT, Some(By::One)),
            };
            match self.state.compare_exchange_weak(state, next, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return by,
                Err(actual) => state = actual,
            }
        }
    }

    /// For the models.
    #[cfg(all(test, loom))]
    pub(crate) fn is_queued(&self) -> bool {
        self.state.load(Ordering::Relaxed) & QUEUED != 0
    }

    fn clear_queued_if_empty(&self, line: &List<W, Plain<Place>>) {
        if line.is_empty() {
            self.state.fetch_and(!QUEUED, Ordering::Relaxed);
        }
    }
}

/// By what a node was granted.
fn granted<W>(node: &Node<W, Plain<Place>>) -> By {
    match node.payload.get() {
        Place::Granted(by) => by,
        Place::Since(_) => unreachable!("it is said before the mark"),
    }
}

// SAFETY: `begin` pushes the node only when it returns `None`. `look` returns `Some` when the node was granted, and so
// unlinked; `give_up` removes it.
unsafe impl<W: Waiter> Operation<W> for Wait<'_, W> {
    type Payload = Plain<Place>;
    type Output = By;

    fn payload(&mut self) -> Plain<Place> {
        Plain::new(Place::Since(self.since))
    }

    fn begin(&mut self, node: Pin<&Node<W, Plain<Place>>>) -> Option<By> {
        self.notify.line.with(|line| {
            let by = self.notify.take_or_mark(self.since);
            if by.is_none() {
                // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
                unsafe { line.push_back(node) };
            }
            by
        })
    }

    fn look(&mut self, node: Pin<&Node<W, Plain<Place>>>) -> Option<By> {
        let is_granted = node.is_granted() || self.notify.line.with(|_| node.is_granted());
        is_granted.then(|| granted(&node))
    }

    fn give_up(&mut self, node: Pin<&Node<W, Plain<Place>>>) -> Option<By> {
        let notify = self.notify;
        notify.line.with(|line| {
            // SAFETY: in this line, or granted and in none.
            if !unsafe { line.remove(node) } {
                return Some(granted(&node));
            }
            notify.clear_queued_if_empty(line);
            None
        })
    }

    fn put_back(&mut self, by: By) {
        match by {
            By::One => self.notify.notify_one(),
            By::All => {}
        }
    }
}
