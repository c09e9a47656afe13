//! The lock that many may read or one may write: a word of state, and a line of those who wait for it.
//!
//! ```text
//! n × READER           -> (n + 1) × READER     // try_read: whoever comes, while nobody is in line
//! 0                    -> WRITER               // try_write: the same
//! any but free         -> that | QUEUED        // begin: the first that has to wait, under the line's lock
//! (n + 1) × READER     -> n × READER           // unlock_read; QUEUED stays, and the last reader settles
//! WRITER               -> 0                    // unlock_write, with nobody in line
//! WRITER | QUEUED      -> QUEUED               // unlock_write, under the line's lock, and then it settles
//! WRITER               -> READER               // downgrade; QUEUED stays, and then it settles
//! QUEUED               -> WRITER | QUEUED      // settle: a writer is the first in line
//! n × READER | QUEUED  -> (n + 1) × READER | QUEUED   // settle: a reader is
//! any | QUEUED         -> any                  // whoever takes the last one out of the line
//! ```
//!
//! Nobody goes past those in line, so that neither a reader nor a writer starves: the lock is handed over. To *settle* is
//! to let in those at the front that can be; it may be done once more than needed.
//!
//! **Invariant 1.** `QUEUED` changes under the line's lock, and is set while somebody is in line. So an unlock that does
//! not find it has nobody to let in.
//! **Invariant 2.** While `QUEUED` is set, only who has the line's lock adds a reader or a writer.
//! **Invariant 3.** If the first in line could be let in, whoever made it so has not settled yet, and will.

use std::pin::Pin;

use super::{
    holder::Holder,
    wait_list::{List, Node, Operation, Waiter},
    wakes::{Served, Wakes, wake_all},
};
use crate::atomic::{AtomicU64, Ordering, UnsafeCell, const_unless_loom};

/// Set while somebody writes.
const WRITER: u64 = 1 << 0;
/// Set while somebody is in line.
const QUEUED: u64 = 1 << 1;
/// One reader. There is room for 2^62 of them, more than can be counted in a lifetime.
const READER: u64 = 1 << 2;

/// Set in the holder's byte once a writer panicked, until it is cleared.
const POISONED: u8 = 1 << 0;

/// See the [module](self).
pub(crate) struct RwLock<W> {
    /// The writer, if there is one. With the mark of poison and the lock of the line in it.
    pub(crate) holder: Holder,
    state: AtomicU64,
    /// Guarded by the holder's `lock`.
    line: UnsafeCell<List<W, Access>>,
}

// SAFETY: the line is reached by way of its lock only, and can be used from any thread (`List: Send`).
unsafe impl<W: Waiter> Sync for RwLock<W> {}
// SAFETY: as above; a lock that is moved has nobody in line, since those borrow it.
unsafe impl<W: Waiter> Send for RwLock<W> {}

/// What one wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// To read or write, waiting if need be.
pub(crate) struct Lock<'a, W>(pub(crate) &'a RwLock<W>, pub(crate) Access);

impl<W: Waiter> RwLock<W> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self {
                holder: Holder::nobody(),
                state: AtomicU64::new(0),
                line: UnsafeCell::new(List::new()),
            }
        }
    }

    /// Lets a reader in if nobody writes or waits.
    #[inline(always)]
    pub(crate) fn try_read(&self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        state & (WRITER | QUEUED) == 0 && (self.add(state, READER) || self.try_read_again())
    }

    /// Other readers come and go.
    #[cold]
    fn try_read_again(&self) -> bool {
        loop {
            let state = self.state.load(Ordering::Relaxed);
            if state & (WRITER | QUEUED) != 0 {
                return false;
            }
            if self.add(state, READER) {
                return true;
            }
        }
    }

    /// Lets a writer in if nobody holds the lock or waits.
    #[inline(always)]
    pub(crate) fn try_write(&self) -> bool {
        self.add(0, WRITER)
    }

    #[inline(always)]
    fn add(&self, state: u64, who: u64) -> bool {
        self.state.compare_exchange(state, state + who, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline(always)]
    pub(crate) fn unlock_read(&self) {
        if self.state.fetch_sub(READER, Ordering::Release) == READER | QUEUED {
            self.settle();
        }
    }

    #[inline(always)]
    pub(crate) fn unlock_write(&self) {
        if self.state.compare_exchange(WRITER, 0, Ordering::Release, Ordering::Relaxed).is_err() {
            self.unlock_write_and_settle();
        }
    }

    #[cold]
    fn unlock_write_and_settle(&self) {
        self.settle_after(|_| self.state.fetch_and(!WRITER, Ordering::Release));
    }

    /// The writer goes on as a reader, and the readers that are first in line come in.
    #[inline(always)]
    pub(crate) fn downgrade(&self) {
        if self.state.fetch_add(READER - WRITER, Ordering::Release) & QUEUED != 0 {
            self.settle();
        }
    }

    #[cold]
    fn settle(&self) {
        self.settle_after(|_| ());
    }

    /// Makes a change under the line's lock, and lets in those that can be. Not inlined: the wake-ups' room would be on
    /// the stack of each one that waits.
    #[inline(never)]
    fn settle_after<R>(&self, change: impl FnOnce(&mut List<W, Access>) -> R) -> R {
        let (mut change, mut result) = (Some(change), None);
        wake_all(|wakes| {
            self.with_line(|line| {
                if let Some(change) = change.take() {
                    result = Some(change(line));
                }
                self.let_in(line, wakes)
            })
        });
        result.expect("there is at least one round")
    }

    /// Lets in those at the front, as far as there is room for their wake-ups.
    fn let_in(&self, line: &mut List<W, Access>, wakes: &mut Wakes<W>) -> Served {
        let served = wakes.grant_while(line, |&access| self.count_in(access), |_| ());
        self.clear_queued_if_empty(line);
        served
    }

    /// Counts in the first in line, if it can be. By Invariant 2 others only leave meanwhile. What they did is handed
    /// on to who is let in, by the load here and its node's mark.
    fn count_in(&self, access: Access) -> bool {
        let state = self.state.load(Ordering::Acquire);
        match access {
            Access::Read if state & WRITER == 0 => self.state.fetch_add(READER, Ordering::Relaxed),
            Access::Write if state == QUEUED => self.state.fetch_or(WRITER, Ordering::Relaxed),
            _ => return false,
        };
        true
    }

    /// Lets one in that comes, or says that somebody is in line. Under the line's lock.
    fn enter_or_queue(&self, access: Access) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let (enters, next) = match access {
                Access::Read if state & (WRITER | QUEUED) == 0 => (true, state + READER),
                Access::Write if state == 0 => (true, WRITER),
                _ => (false, state | QUEUED),
            };
            match self.state.compare_exchange_weak(state, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return enters,
                Err(actual) => state = actual,
            }
        }
    }

    fn clear_queued_if_empty(&self, line: &List<W, Access>) {
        if line.is_empty() {
            self.state.fetch_and(!QUEUED, Ordering::Relaxed);
        }
    }

    #[inline(always)]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.holder.state.load(Ordering::Relaxed) & POISONED != 0
    }

    /// Marks it, by the writer.
    pub(crate) fn poison(&self) {
        self.holder.state.fetch_or(POISONED, Ordering::Relaxed);
    }

    pub(crate) fn clear_poison(&self) {
        self.holder.state.fetch_and(!POISONED, Ordering::Relaxed);
    }

    fn with_line<R>(&self, f: impl FnOnce(&mut List<W, Access>) -> R) -> R {
        // SAFETY: the line is reached here only, and no `f` in this file comes back.
        unsafe { self.holder.lock.with(&self.line, f) }
    }
}

// SAFETY: `begin` pushes the node only when it returns `None`. `look` returns `Some` when the node was granted, and so
// unlinked; `give_up` removes it.
unsafe impl<W: Waiter> Operation<W> for Lock<'_, W> {
    type Payload = Access;
    type Output = ();

    fn payload(&mut self) -> Access {
        self.1
    }

    fn begin(&mut self, node: Pin<&Node<W, Access>>) -> Option<()> {
        let &mut Self(lock, access) = self;
        lock.with_line(|line| {
            if lock.enter_or_queue(access) {
                return Some(());
            }
            // SAFETY: a new node; that it stays until it is out is the contract of `Operation`.
            unsafe { line.push_back(node) };
            None
        })
    }

    fn look(&mut self, node: Pin<&Node<W, Access>>) -> Option<()> {
        // Who is woken and finds no mark looks under the lock (Invariant 2 of `wait_list`).
        (node.is_granted() || self.0.with_line(|_| node.is_granted())).then_some(())
    }

    fn give_up(&mut self, node: Pin<&Node<W, Access>>) -> Option<()> {
        // It may be a writer that kept out the readers behind it (Invariant 3).
        self.0.settle_after(|line| {
            // SAFETY: in this line, or granted and in none.
            let waited = unsafe { line.remove(node) };
            (!waited).then_some(())
        })
    }

    fn put_back(&mut self, (): ()) {
        match self.1 {
            Access::Read => self.0.unlock_read(),
            Access::Write => self.0.unlock_write(),
        }
    }
}
