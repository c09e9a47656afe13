//! A lock of one byte for a few instructions' time: it guards lines of waiters and the state that goes with them.
//!
//! ```text
//! FREE -> HELD   // lock: by the one that wins
//! HELD -> FREE   // unlock: by the holder, with a plain store
//! ```
//!
//! Nobody calls foreign code, parks or makes a system call while holding it, so a wait is short unless the holder's
//! OS thread was put off its core; [`relax`] gives way then. It is not fair, and need not be.
//!
//! **Invariant.** What the lock guards is touched by its holder only.

use crate::atomic::{AtomicU8, Ordering, UnsafeCell, const_unless_loom, relax};

const FREE: u8 = 0;
const HELD: u8 = 1;

/// The lock alone.
#[cfg(not(loom))]
pub(crate) use Byte as SpinLock;
/// In models the lock is one of loom's, at which a thread waits without a loop: who spins makes so many schedules that
/// models of three threads would not end. The byte has a model of its own.
#[cfg(loom)]
pub(crate) use Model as SpinLock;

/// See the [module](self).
pub(crate) struct Byte(AtomicU8);

#[cfg(loom)]
pub(crate) struct Model(loom::sync::Mutex<()>);

/// A lock, and what it guards.
pub(crate) struct Guarded<T> {
    lock: SpinLock,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through the lock only, by one thread at a time (the Invariant), which is what `Send`
// asks for.
unsafe impl<T: Send> Sync for Guarded<T> {}
// SAFETY: it owns the value.
unsafe impl<T: Send> Send for Guarded<T> {}

impl Byte {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self(AtomicU8::new(FREE))
        }
    }

    /// Runs `f` with what `cell` holds. Should `f` unwind, the lock stays held: nothing here may.
    ///
    /// # Safety
    /// Each access to `cell` is made by way of this lock, and `f` does not take it again.
    #[inline(always)]
    pub(crate) unsafe fn with<T, R>(&self, cell: &UnsafeCell<T>, f: impl FnOnce(&mut T) -> R) -> R {
        self.lock();
        // SAFETY: the lock is held, so by the contract nobody else is at the value.
        let result = cell.with_mut(|value| f(unsafe { &mut *value }));
        self.0.store(FREE, Ordering::Release);
        result
    }

    #[inline(always)]
    fn lock(&self) {
        let mut round = 0;
        while self.0.compare_exchange_weak(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
            relax(round);
            round += 1;
        }
    }
}

#[cfg(loom)]
impl Model {
    pub(crate) fn new() -> Self {
        Self(loom::sync::Mutex::new(()))
    }

    /// As [`Byte::with`].
    ///
    /// # Safety
    /// As there.
    pub(crate) unsafe fn with<T, R>(&self, cell: &UnsafeCell<T>, f: impl FnOnce(&mut T) -> R) -> R {
        let _held = self.0.lock().expect("nothing unwinds under it");
        // SAFETY: the lock is held, so by the contract nobody else is at the value.
        cell.with_mut(|value| f(unsafe { &mut *value }))
    }
}

impl<T> Guarded<T> {
    const_unless_loom! {
        pub(crate) fn new(value: T) -> Self {
            Self { lock: SpinLock::new(), value: UnsafeCell::new(value) }
        }
    }

    /// Runs `f` with the value. `f` calls no foreign code and does not come back here.
    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: the cell is private, and reached here only; a caller that comes back waits for itself for ever,
        // which is wrong and yet safe.
        unsafe { self.lock.with(&self.value, f) }
    }
}
