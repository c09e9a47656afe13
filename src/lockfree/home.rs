//! Where a green thread runs: its worker and its place there. Written once, by that worker; read by whoever wakes it.
//!
//! ```text
//! its worker:  place, then worker (release)        anybody:  worker (acquire), and if it is there, place
//! ```

#![allow(unsafe_code)]

use std::{mem::MaybeUninit, ptr, sync::Arc};

use crate::atomic::{AtomicPtr, Ordering, UnsafeCell};

/// See the [module](self). Two words: it is in every green thread.
///
/// **Invariant.** Once `worker` is not null it stays as it is, and so does `place`, which was written before.
pub(crate) struct Home<W, P> {
    /// Null until it is known; then what an `Arc` was made into.
    worker: AtomicPtr<W>,
    place: UnsafeCell<MaybeUninit<P>>,
}

// SAFETY: it is an `Arc<W>` and a `P`, which are sent with it.
unsafe impl<W: Send + Sync, P: Send> Send for Home<W, P> {}
// SAFETY: it gives out `&W`, clones of the `Arc<W>` and copies of `P`; the place is written once, before the release that
// all readers acquire.
unsafe impl<W: Send + Sync, P: Copy + Send> Sync for Home<W, P> {}

impl<W, P: Copy> Home<W, P> {
    pub(crate) fn unknown() -> Self {
        Self { worker: AtomicPtr::new(ptr::null_mut()), place: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// Says where it is, if that was not said before.
    ///
    /// # Safety
    /// All calls are made by one OS thread.
    pub(crate) unsafe fn settle(&self, worker: &Arc<W>, place: P) {
        if !self.worker.load(Ordering::Relaxed).is_null() {
            return;
        }
        // SAFETY: nobody reads it while the worker is null, and nobody else writes it by the contract.
        self.place.with_mut(|at| unsafe { (*at).write(place) });
        self.worker.store(Arc::into_raw(Arc::clone(worker)).cast_mut(), Ordering::Release);
    }

    /// The worker and the place, once they are known.
    #[inline]
    pub(crate) fn get(&self) -> Option<(&W, P)> {
        // SAFETY: if it is not null it points into an `Arc` of which this owns a reference.
        let worker = unsafe { self.worker.load(Ordering::Acquire).as_ref()? };
        // SAFETY: it was written before the worker was, and never is again (the invariant).
        Some((worker, self.place.with(|at| unsafe { (*at).assume_init() })))
    }

    /// The worker, once it is known, for one who may outlive this.
    pub(crate) fn worker(&self) -> Option<Arc<W>> {
        let worker = ptr::NonNull::new(self.worker.load(Ordering::Acquire))?.as_ptr();
        // SAFETY: it was made of an `Arc`, of which this owns a reference: so there is one to add another to, which the
        // result owns.
        unsafe {
            Arc::increment_strong_count(worker);
            Some(Arc::from_raw(worker))
        }
    }
}

impl<W, P> Drop for Home<W, P> {
    fn drop(&mut self) {
        let worker = self.worker.load(Ordering::Acquire);
        if !worker.is_null() {
            // SAFETY: the reference that `settle` has left here; this is its last use.
            drop(unsafe { Arc::from_raw(worker) });
        }
    }
}
