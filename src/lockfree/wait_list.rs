//! Lines of waiters: each stands in line with a node of its own, on its own stack, so that to wait allocates nothing.
//!
//! ```text
//! OUT     -> QUEUED   // push: the waiter, before it parks
//! QUEUED  -> GRANTED  // grant: a waker; what the waiter came for is its
//! QUEUED  -> OUT      // remove: the waiter gives up
//! ```
//!
//! A [`List`] is guarded by a [`SpinLock`](super::spin::SpinLock) of its owner's; `&mut List` says that it is held.
//!
//! **Invariant 1.** A node's waiter leaves only when it has seen `GRANTED`, or has taken the node out under the lock.
//! So a node in a list is alive.
//! **Invariant 2.** A waker takes the waiter out of its park *before* it marks the node, both under the lock: it
//! uses neither afterwards. A waiter that wakes and finds no mark looks again under the lock before it parks again.
//! **Invariant 3.** What [`Waiter::wake`] returns is delivered when the lock is free.

use std::{fmt, marker::PhantomPinned, pin::Pin, ptr};

use super::plain::Plain;
use crate::atomic::{AtomicBool, Ordering};

/// Someone who can be taken out of its park.
///
/// # Safety
/// `wake` may be called from any thread, and what it returns may be delivered when the waiter is gone.
pub(crate) unsafe trait Waiter {
    /// What is left to be done when the lock is free.
    type Wake;
    /// Takes it out of its park, or lets its next one return at once. Called under a lock.
    fn wake(&self) -> Self::Wake;
    /// Lets it run on. Called without a lock.
    fn deliver(wake: Self::Wake);
}

/// A waiter's place in a line, and what the protocol keeps with it.
pub(crate) struct Node<W, P> {
    links: Plain<Links<W, P>>,
    granted: AtomicBool,
    waiter: W,
    /// Guarded by the lock of the list that the node is in; the waiter's own when it is in none.
    pub(crate) payload: P,
    _pinned: PhantomPinned,
}

struct Links<W, P> {
    before: *const Node<W, P>,
    /// Null if it is in no list.
    after: *const Node<W, P>,
}

/// Waiters in line, first come first. A ring through their nodes.
pub(crate) struct List<W, P> {
    first: *const Node<W, P>,
}

// SAFETY: what it points to is touched under its owner's lock only, by the module's invariants, and `Waiter` is for use
// from any thread; the payloads go with the nodes.
unsafe impl<W: Waiter, P> Send for List<W, P> {}

/// Something that may have to wait: how it begins, goes on and is given up. The caller parks in between.
///
/// # Safety
/// After `begin` returned `None` the node may be in a list. It is in none when `begin`, `look` or `give_up` returned
/// `Some`, or `give_up` returned at all.
pub(crate) unsafe trait Operation<W: Waiter> {
    /// What the protocol keeps with a node.
    type Payload;
    /// What it ends with.
    type Output;

    /// The payload to begin with.
    fn payload(&mut self) -> Self::Payload;
    /// Does it now, or puts the node in line.
    fn begin(&mut self, node: Pin<&Node<W, Self::Payload>>) -> Option<Self::Output>;
    /// Whether it is done, after a wake-up. `None`: park again.
    fn look(&mut self, node: Pin<&Node<W, Self::Payload>>) -> Option<Self::Output>;
    /// Takes the node out of line. `Some` if it was granted at that moment: then it is done, and the reason for
    /// giving up comes too late.
    fn give_up(&mut self, node: Pin<&Node<W, Self::Payload>>) -> Option<Self::Output>;
    /// Passes on what was granted to one who does not want it any more.
    fn put_back(&mut self, output: Self::Output);
}

impl<W: Waiter, P> Node<W, P> {
    pub(crate) fn new(waiter: W, payload: P) -> Self {
        let links = Plain::new(Links { before: ptr::null(), after: ptr::null() });
        Self { links, granted: AtomicBool::new(false), waiter, payload, _pinned: PhantomPinned }
    }

    /// Whether what it waits for is its. True is final; false is so only under the lock.
    #[inline(always)]
    pub(crate) fn is_granted(&self) -> bool {
        self.granted.load(Ordering::Acquire)
    }

    pub(crate) fn waiter(&self) -> &W {
        &self.waiter
    }

    fn is_queued(&self) -> bool {
        !self.links.get().after.is_null()
    }
}

impl<W: Waiter, P> List<W, P> {
    pub(crate) const fn new() -> Self {
        Self { first: ptr::null() }
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// The payload of the first in line.
    #[inline(always)]
    pub(crate) fn front(&self) -> Option<&P> {
        // SAFETY: in the list, so alive (Invariant 1) as long as the lock is held, which `&self` says.
        unsafe { self.first.as_ref() }.map(|node| &node.payload)
    }

    /// Puts a node at the end of the line.
    ///
    /// # Safety
    /// The node is in no list, and Invariant 1 is kept for it.
    #[inline]
    pub(crate) unsafe fn push_back(&mut self, node: Pin<&Node<W, P>>) {
        let node = ptr::from_ref(node.get_ref());
        if self.first.is_null() {
            self.first = node;
        }
        // SAFETY: the node is the caller's, the first one is alive (Invariant 1), and the lock is held.
        unsafe {
            debug_assert!(!(*node).is_queued() && !(*node).is_granted());
            let first = self.first;
            let last = if first == node { node } else { (*first).links.get().before };
            (*node).links.set(Links { before: last, after: first });
            (*last).links.set(Links { after: node, ..(*last).links.get() });
            (*first).links.set(Links { before: node, ..(*first).links.get() });
        }
    }

    /// Wakes the first in line without granting it anything: it keeps its place, and looks.
    pub(crate) fn wake_front(&mut self) -> Option<W::Wake> {
        // SAFETY: as in `front`.
        unsafe { self.first.as_ref() }.map(|node| node.waiter.wake())
    }

    /// Takes the first out of line, and lets it have what it waits for. `prepare` sees its payload before.
    #[inline]
    pub(crate) fn grant_front(&mut self, prepare: impl FnOnce(&P)) -> Option<W::Wake> {
        // SAFETY: as in `front`; marked as granted it may be gone, and is not used after that.
        let node = unsafe { self.first.as_ref() }?;
        self.unlink(node);
        prepare(&node.payload);
        let wake = node.waiter.wake();
        node.granted.store(true, Ordering::Release);
        Some(wake)
    }

    /// Takes the first out of line and grants it nothing: somebody else has, in another list.
    pub(crate) fn drop_front(&mut self) {
        // SAFETY: as in `front`.
        if let Some(node) = unsafe { self.first.as_ref() } {
            self.unlink(node);
        }
    }

    /// Takes a node out of line. False: it was in none.
    ///
    /// # Safety
    /// The node is in this list or in none.
    #[inline]
    pub(crate) unsafe fn remove(&mut self, node: Pin<&Node<W, P>>) -> bool {
        let queued = node.is_queued();
        if queued {
            self.unlink(node.get_ref());
        }
        queued
    }

    #[inline(always)]
    fn unlink(&mut self, node: &Node<W, P>) {
        let Links { before, after } = node.links.get();
        if ptr::eq(after, node) {
            self.first = ptr::null();
        } else {
            // SAFETY: its neighbours are in the list, so alive (Invariant 1), and the lock is held.
            unsafe {
                (*before).links.set(Links { after, ..(*before).links.get() });
                (*after).links.set(Links { before, ..(*after).links.get() });
            }
            if ptr::eq(self.first, node) {
                self.first = after;
            }
        }
        node.links.set(Links { before: ptr::null(), after: ptr::null() });
    }
}

impl<W, P> Clone for Links<W, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W, P> Copy for Links<W, P> {}

impl<W, P> fmt::Debug for Node<W, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}
