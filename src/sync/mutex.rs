//! [`Mutex`].

#![allow(unsafe_code)]

use std::{
    cell::UnsafeCell,
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    panic::{RefUnwindSafe, UnwindSafe},
};

use super::{
    LockResult, TryLockError, TryLockResult,
    poison::{Panicking, checked},
    show,
};
use crate::{
    lockfree::mutex::{self as protocol, Lock},
    sched::{
        clock::Nanos,
        ids,
        wait::{self, WaitsFor, Who},
    },
};

/// A mutual exclusion lock. As [`std::sync::Mutex`], whose documentation holds; it parks instead of blocking.
///
/// It may be held across anything that parks. A `Mutex<()>` has 16 bytes, and to wait for one allocates nothing.
///
/// # Fairness
/// A lock that is free goes to whoever comes, so that it is busy while one that was woken is on its way. Who was woken
/// and came too late is handed the lock by the next unlock: the first in line waits for the unlock that wakes it, and,
/// once it runs, for one more at the most. The line is first in, first out. No waiter starves.
///
/// # Cancellation
/// [`lock`](Self::lock) is a park point if it has to wait. A waiter that is cancelled leaves the line; if it was given
/// the lock at that moment it has it, and meets the cancel at its next park. A cancel or a timeout that unwinds out of
/// a critical section unlocks and does *not* poison: it comes at park points only, so a section that does not park
/// is never cut in two.
///
/// ```
/// use sward::sync::{Arc, Mutex};
///
/// let counter = Arc::new(Mutex::new(0));
/// let handles: Vec<_> = (0..10)
///     .map(|_| {
///         let counter = Arc::clone(&counter);
///         sward::spawn(move || {
///             let mut counter = counter.lock().unwrap();
///             sward::yield_now(); // a switch with the lock held
///             *counter += 1;
///         })
///     })
///     .collect();
/// sward::join_all(handles);
/// assert_eq!(*counter.lock().unwrap(), 10);
/// ```
pub struct Mutex<T: ?Sized> {
    protocol: protocol::Mutex<Who>,
    value: UnsafeCell<T>,
}

// SAFETY: the lock hands out the value to one thread at a time, which is what `T: Send` is for.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
// SAFETY: it owns the value.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}

impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

/// The lock, held. As [`std::sync::MutexGuard`].
#[must_use = "if unused the Mutex will immediately unlock"]
pub struct MutexGuard<'a, T: ?Sized + 'a> {
    mutex: &'a Mutex<T>,
    panicking: Panicking,
    /// Who holds a lock is who took it.
    _not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` only.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<T> Mutex<T> {
    /// An unlocked mutex.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self { protocol: protocol::Mutex::new(), value: UnsafeCell::new(value) }
    }

    /// The value.
    ///
    /// # Errors
    /// With the value, if the mutex is poisoned.
    pub fn into_inner(self) -> LockResult<T> {
        let poisoned = self.is_poisoned();
        checked(self.value.into_inner(), poisoned)
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Takes the lock, parking until it is free.
    ///
    /// # Errors
    /// With the guard, if a holder panicked: the lock is poisoned.
    ///
    /// # Panics
    /// If the calling green thread (or OS thread) holds this lock already: it would wait for itself for ever.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        if !self.protocol.try_lock() {
            self.wait_for_lock(Nanos::NEVER);
        }
        self.guard()
    }

    /// Takes the lock if it is free. Never parks.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if it is held, [`TryLockError::Poisoned`] with the guard if a holder panicked.
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        if self.protocol.try_lock() { Ok(self.guard()?) } else { Err(TryLockError::WouldBlock) }
    }

    /// Whether a holder has panicked.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.protocol.is_poisoned()
    }

    /// Makes a poisoned lock as good as new.
    #[inline]
    pub fn clear_poison(&self) {
        self.protocol.clear_poison();
    }

    /// The value, without locking: the borrow says that nobody else is there.
    ///
    /// # Errors
    /// With the value, if the mutex is poisoned.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let poisoned = self.is_poisoned();
        checked(self.value.get_mut(), poisoned)
    }

    /// False: the deadline came first.
    #[cold]
    #[track_caller]
    fn wait_for_lock(&self, deadline: Nanos) -> bool {
        let holder = &self.protocol.holder;
        assert!(
            !holder.is(ids::current()),
            "deadlock: this thread holds the Mutex already that it is about to wait for"
        );
        wait::block_on(Lock(&self.protocol), WaitsFor::lock("Mutex", self, holder), deadline).is_ok()
    }

    #[inline(always)]
    fn guard(&self) -> LockResult<MutexGuard<'_, T>> {
        self.protocol.holder.set(ids::current());
        let guard = MutexGuard { mutex: self, panicking: Panicking::now(), _not_send: PhantomData };
        checked(guard, self.is_poisoned())
    }
}

/// A guard whose lock a condition variable lets go of, and takes again.
pub(super) struct Suspended<'a, T: ?Sized>(ManuallyDrop<MutexGuard<'a, T>>);

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// All of letting go but the unlocking itself, which the wait does. Nothing is poisoned by a wait.
    #[inline]
    pub(super) fn suspend(self) -> Suspended<'a, T> {
        self.mutex.protocol.holder.clear();
        Suspended(ManuallyDrop::new(self))
    }
}

impl<'a, T: ?Sized> Suspended<'a, T> {
    pub(super) fn protocol(&self) -> &'a protocol::Mutex<Who> {
        &self.0.mutex.protocol
    }

    /// Takes the lock again. `None`: the caller is cancelled, and is to unwind.
    #[inline]
    pub(super) fn resume(self) -> Option<LockResult<MutexGuard<'a, T>>> {
        let mutex = self.0.mutex;
        let holder = &mutex.protocol.holder;
        if !mutex.protocol.try_lock() {
            let waits_for = WaitsFor::lock("Mutex", mutex, holder);
            wait::try_block_on(Lock(&mutex.protocol), waits_for, Nanos::NEVER).ok()?;
        }
        holder.set(ids::current());
        Some(checked(ManuallyDrop::into_inner(self.0), mutex.is_poisoned()))
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock, and is borrowed mutably itself.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let protocol = &self.mutex.protocol;
        if self.panicking.has_begun() {
            protocol.poison();
        }
        protocol.holder.clear();
        protocol.unlock();
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::lock(f, "Mutex", self.try_lock(), self.is_poisoned())
    }
}

show::guards_as_their_values! { MutexGuard }
