//! The mutex: a byte of state, and a line of those who wait for it.
//!
//! ```text
//! 0               -> LOCKED            // try_lock: whoever comes, also before those in line (barging)
//! LOCKED          -> 0                 // unlock, with nobody in line
//! LOCKED          -> LOCKED | QUEUED   // begin: the first that has to wait, under the line's lock
//! LOCKED | QUEUED -> QUEUED            // unlock: the first in line is woken, and tries its luck
//! LOCKED | QUEUED -> LOCKED | QUEUED   // unlock: the first had no luck before, so it is handed the lock
//! ```
//!
//! Barging keeps the lock busy while the one that was woken is still on its way. Handing over keeps that one from
//! waiting for ever: whoever is first in line waits for two unlocks at the most.
//!
//! **Invariant 1.** `QUEUED` changes under the line's lock, and is set while somebody is in line. So an unlock that does
//! not find it has nobody to wake.
//! **Invariant 2.** If the lock is free and somebody is in line, the first in line was woken and has not looked yet.
//! **Invariant 3.** Only the first in line is ever marked.

use std::pin::Pin;

use super::{
    holder::Holder,
    plain::Plain,
    wait_list::{List, Node, Operation, Waiter},
};
use crate::atomic::{Ordering, UnsafeCell, const_unless_loom};

/// Set while somebody holds the lock.
const LOCKED: u8 = 1 << 0;
/// Set while somebody is in line.
const QUEUED: u8 = 1 << 1;
/// Set once a holder panicked, until it is cleared.
const POISONED: u8 = 1 << 2;

/// See the [module](self).
pub(crate) struct Mutex<W> {
    /// With the state and the lock of the line in it.
    pub(crate) holder: Holder,
    /// Guarded by the holder's `lock`.
    line: UnsafeCell<List<W, Plain<Turn>>>,
}

// SAFETY: the line is reached by way of its lock only, and can be used from any thread (`List: Send`).
unsafe impl<W: Waiter> Sync for Mutex<W> {}
// SAFETY: as above; a mutex that is moved has nobody in line, since those borrow it.
unsafe impl<W: Waiter> Send for Mutex<W> {}

/// What stands with a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It waits to be the first.
    Waits,
    /// Set if an unlock has woken it, and it has not looked yet.
    Woken,
    /// Set if it was woken and found that another had come before it: the next unlock hands the lock over.
    Missed,
}

/// To lock, waiting if need be.
pub(crate) struct Lock<'a, W>(pub(crate) &'a Mutex<W>);

impl<W: Waiter> Mutex<W> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self {
                holder: Holder::nobody(),
                line: UnsafeCell::new(List::new()),
            }
        }
    }

    /// Takes the lock if it is free.
    #[inline(always)]
    pub(crate) fn try_lock(&self) -> bool {
        self.holder.state.compare_exchange(0, LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok()
            || self.try_lock_in_any_state()
    }

    #[cold]
    fn try_lock_in_any_state(&self) -> bool {
        self.take_or_mark(0)
    }

    /// Takes the lock if it is free, and otherwise sets `mark`.
    fn take_or_mark(&self, mark: u8) -> bool {
        let mut state = self.holder.state.load(Ordering::Relaxed);
        loop {
            let free = state & LOCKED == 0;
            let next = if free { state | LOCKED } else { state | mark };
            match self.holder.state.compare_exchange_weak(state, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return free,
                Err(actual) => state = actual,
            }
        }
    }

    /// Lets go of the lock.
    #[inline(always)]
    pub(crate) fn unlock(&self) {
        if self.holder.state.compare_exchange(LOCKED, 0, Ordering::Release, Ordering::Relaxed).is_err() {
            self.unlock_in_any_state();
        }
    }

    #[cold]
    fn unlock_in_any_state(&self) {
        let mut state = self.holder.state.load(Ordering::Relaxed);
        while state & QUEUED == 0 {
            match self.holder.state.compare_exchange_weak(
                state,
                state & !LOCKED,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(actual) => state = actual,
            }
        }
        if let Some(wake) = self.with_line(|line| self.pass_on(line)) {
            W::deliver(wake);
        }
    }

    /// The holder lets go: wakes the first in line or hands it the lock.
    fn pass_on(&self, line: &mut List<W, Plain<Turn>>) -> Option<W::Wake> {
        if line.front().is_some_and(|turn| turn.get() == Turn::Missed) {
            let wake = line.grant_front(|_| ());
            self.clear_queued_if_empty(line);
            return wake;
        }
        self.holder.state.fetch_and(!LOCKED, Ordering::Release);
        self.wake_front(line)
    }

    /// Wakes the first in line, unless that has been done and it is on its way.
    fn wake_front(&self, line: &mut List<W, Plain<Turn>>) -> Option<W::Wake> {
        let turn = line.front()?;
        if turn.get() == Turn::Woken {
            return None;
        }
        turn.set(Turn::Woken);
        line.wake_front()
    }

    fn clear_queued_if_empty(&self, line: &List<W, Plain<Turn>>) {
        if line.is_empty() {
            self.holder.state.fetch_and(!QUEUED, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.holder.state.load(Ordering::Relaxed) & POISONED != 0
    }

    /// Marks it, by its holder.
    pub(crate) fn poison(&self) {
        self.holder.state.fetch_or(POISONED, Ordering::Relaxed);
    }

    pub(crate) fn clear_poison(&self) {
        self.holder.state.fetch_and(!POISONED, Ordering::Relaxed);
    }

    fn with_line<R>(&self, f: impl FnOnce(&mut List<W, Plain<Turn>>) -> R) -> R {
        // SAFETY: the line is reached here only, and no `f` in this file comes back.
        unsafe { self.holder.lock.with(&self.line, f) }
    }
}

// SAFETY: `begin` pushes the node only when it returns `None`. `look` returns `Some` when the node was granted, and so
// unlinked, or after removing it; `give_up` removes it.
unsafe impl<W: Waiter> Operation<W> for Lock<'_, W> {
    type Payload = Plain<Turn>;
    type Output = ();

    fn payload(&mut self) -> Plain<Turn> {
        Plain::new(Turn::Waits)
    }

    fn begin(&mut self, node: Pin<&Node<W, Plain<Turn>>>) -> Option<()> {
        let mutex = self.0;
        mutex.with_line(|line| {
            if mutex.take_or_mark(QUEUED) {
                return Some(());
            }
            // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
            unsafe { line.push_back(node) };
            None
        })
    }

    fn look(&mut self, node: Pin<&Node<W, Plain<Turn>>>) -> Option<()> {
        if node.is_granted() {
            return Some(());
        }
        let mutex = self.0;
        mutex.with_line(|line| {
            if node.is_granted() {
                return Some(());
            }
            if node.payload.get() == Turn::Woken && mutex.take_or_mark(0) {
                // SAFETY: in this line, since it was not granted.
                unsafe { line.remove(node) };
                mutex.clear_queued_if_empty(line);
                return Some(());
            }
            if node.payload.get() == Turn::Woken {
                node.payload.set(Turn::Missed);
            }
            None
        })
    }

    fn give_up(&mut self, node: Pin<&Node<W, Plain<Turn>>>) -> Option<()> {
        let mutex = self.0;
        let (done, wake) = mutex.with_line(|line| {
            // SAFETY: in this line, or granted and in none.
            if !unsafe { line.remove(node) } {
                return (Some(()), None);
            }
            mutex.clear_queued_if_empty(line);
            // It was woken, and leaves: the next in line is the one to try its luck (Invariant 2).
            let pass_on = node.payload.get() == Turn::Woken;
            (None, if pass_on { mutex.wake_front(line) } else { None })
        });
        if let Some(wake) = wake {
            W::deliver(wake);
        }
        done
    }

    fn put_back(&mut self, (): ()) {
        self.0.unlock();
    }
}
