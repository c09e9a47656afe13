//! The inbox: what other threads hand to a worker. Many push, one takes all; nothing is allocated, because
//! the link is inside what is handed over.
//!
//! It is a stack of which the owner takes the whole and reverses it: first in, first out a take.
//!
//! **Invariant 1.** An item is in at most one inbox, at most once. The pusher upholds it: it is the one that turned
//! `QUEUED` on in the item's [park word](super::park_word), and nobody else can until the item was taken.

use std::ptr::{self, NonNull};

use crate::atomic::{AtomicPtr, Ordering, UnsafeCell};

/// The place in an item that the inbox writes.
pub(crate) struct Link<T>(UnsafeCell<*mut T>);

// SAFETY: the pointer in it is written by the one that pushes the item and then read by the one that took it,
// ordered by the inbox's exchange (Invariant 1); nobody else reaches it.
unsafe impl<T> Send for Link<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Link<T> {}

/// Something with a [`Link`] in it.
///
/// # Safety
/// `link` returns the same link at each call, and no two items share one.
// `Sync`, because an item is reached from the thread that pushes it and from the one that takes it.
pub(crate) unsafe trait Linked: Sized + Sync {
    fn link(&self) -> &Link<Self>;
}

/// See the [module](self).
pub(crate) struct Inbox<T>(AtomicPtr<T>);

/// What one [`Inbox::take`] took, oldest first.
pub(crate) struct Taken<T: Linked>(*mut T);

impl<T> Link<T> {
    pub(crate) fn new() -> Self {
        Self(UnsafeCell::new(ptr::null_mut()))
    }
}

impl<T: Linked> Inbox<T> {
    pub(crate) fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Hands `item` over.
    ///
    /// # Safety
    /// `item` is alive until the owner has taken it, and is in no inbox now (Invariant 1).
    pub(crate) unsafe fn push(&self, item: NonNull<T>) {
        let mut head = self.0.load(Ordering::Relaxed);
        loop {
            // SAFETY: the item is alive, and by Invariant 1 its link is this pusher's alone until the exchange
            // below publishes it.
            unsafe { item.as_ref().link().0.with_mut(|next| *next = head) };
            match self.0.compare_exchange_weak(head, item.as_ptr(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(actual) => head = actual,
            }
        }
    }

    /// Takes all that is there.
    pub(crate) fn take(&self) -> Taken<T> {
        let mut rest = self.0.swap(ptr::null_mut(), Ordering::Acquire);
        let mut reversed = ptr::null_mut();
        while !rest.is_null() {
            // SAFETY: the item was pushed, so it is alive (`push`'s contract), and since the swap nobody else
            // reaches its link; the swap's acquire makes the pusher's write of it visible.
            let next = unsafe {
                (*rest).link().0.with_mut(|link| {
                    let next = *link;
                    *link = reversed;
                    next
                })
            };
            reversed = rest;
            rest = next;
        }
        Taken(reversed)
    }
}

impl<T: Linked> Iterator for Taken<T> {
    type Item = NonNull<T>;

    fn next(&mut self) -> Option<NonNull<T>> {
        let item = NonNull::new(self.0)?;
        // SAFETY: as in `take`; the link is read before the item is handed out, and so before it can run,
        // be pushed again or be freed.
        self.0 = unsafe { item.as_ref().link().0.with(|next| *next) };
        Some(item)
    }
}
