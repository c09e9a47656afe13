//! [`RwLock`].

#![allow(unsafe_code)]

use std::{
    cell::UnsafeCell,
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    panic::{RefUnwindSafe, UnwindSafe},
    ptr::NonNull,
};

use super::{
    LockResult, TryLockError, TryLockResult,
    poison::{Panicking, checked},
    show,
};
use crate::{
    lockfree::rwlock::{self as protocol, Access, Lock},
    sched::{
        clock::Nanos,
        ids,
        wait::{self, WaitsFor, Who},
    },
};

/// A lock that any number may hold for reading, or one for writing. As [`std::sync::RwLock`], whose documentation
/// holds; it parks instead of blocking.
///
/// It may be held across anything that parks. An `RwLock<()>` has 24 bytes, and to wait for one allocates nothing.
///
/// # Fairness
/// The line is first in, first out, and nobody goes past it: as soon as somebody waits, readers that come queue up too.
/// An unlock hands the lock to the writer that is first in line, or to all readers up to the next writer. So
/// neither readers nor writers starve.
///
/// It follows that one who reads must not ask to read again while it does: if a writer has come in between, the second
/// read waits for the writer, and the writer for the first read. One who reads and asks to write waits for itself. Both
/// wait for ever; who *writes* and asks for the lock again is told so by a panic.
///
/// # Cancellation
/// [`read`](Self::read) and [`write`](Self::write) are park points if they have to wait. A waiter that is cancelled
/// leaves the line, and lets in those that it kept waiting; if it was let in at that moment it holds the lock, and
/// meets the cancel at its next park. A cancel or a timeout that unwinds out of a critical section unlocks and does
/// *not* poison.
///
/// ```
/// use sward::sync::{Arc, RwLock};
///
/// let prices = Arc::new(RwLock::new(vec![1, 2, 3]));
/// let readers: Vec<_> = (0..10)
///     .map(|_| {
///         let prices = Arc::clone(&prices);
///         sward::spawn(move || {
///             let prices = prices.read().unwrap();
///             sward::yield_now(); // a switch with the lock held: other readers come in
///             prices.iter().sum::<i32>()
///         })
///     })
///     .collect();
/// let sums = sward::join_all(readers);
/// assert!(sums.into_iter().all(|sum| sum.unwrap() == 6));
///
/// prices.write().unwrap().push(4);
/// assert_eq!(prices.read().unwrap().len(), 4);
/// ```
pub struct RwLock<T: ?Sized> {
    protocol: protocol::RwLock<Who>,
    value: UnsafeCell<T>,
}

// SAFETY: the lock hands out the value to one writer at a time, on any thread (`T: Send`), or to many readers at once
// (`T: Sync`).
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}
// SAFETY: it owns the value.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}

impl<T: ?Sized> UnwindSafe for RwLock<T> {}
impl<T: ?Sized> RefUnwindSafe for RwLock<T> {}

/// The lock, held for reading. As [`std::sync::RwLockReadGuard`].
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockReadGuard<'a, T: ?Sized + 'a> {
    /// A pointer, and not a borrow of the lock: what is only read may be of a subtype, as `std`'s guard allows. It also
    /// keeps the guard from being sent: who holds a lock is who took it.
    value: NonNull<T>,
    protocol: &'a protocol::RwLock<Who>,
}

/// The lock, held for writing. As [`std::sync::RwLockWriteGuard`].
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockWriteGuard<'a, T: ?Sized + 'a> {
    lock: &'a RwLock<T>,
    panicking: Panicking,
    /// As above.
    _not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` only.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for RwLockWriteGuard<'_, T> {}

// As `std`'s: what it leads to besides the value no panic leaves half done.
impl<T: ?Sized + RefUnwindSafe> UnwindSafe for RwLockReadGuard<'_, T> {}
impl<T: ?Sized + RefUnwindSafe> RefUnwindSafe for RwLockReadGuard<'_, T> {}

impl<T> RwLock<T> {
    /// An unlocked lock.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self { protocol: protocol::RwLock::new(), value: UnsafeCell::new(value) }
    }

    /// The value.
    ///
    /// # Errors
    /// With the value, if the lock is poisoned.
    pub fn into_inner(self) -> LockResult<T> {
        let poisoned = self.is_poisoned();
        checked(self.value.into_inner(), poisoned)
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Takes the lock for reading, parking until nobody writes or waits before.
    ///
    /// # Errors
    /// With the guard, if a writer panicked: the lock is poisoned.
    ///
    /// # Panics
    /// If the calling green thread (or OS thread) holds this lock for writing: it would wait for itself for ever.
    #[inline]
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        if !self.protocol.try_read() {
            self.wait_for(Access::Read);
        }
        self.read_guard()
    }

    /// Takes the lock for reading if nobody writes or waits. Never parks.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if somebody does, [`TryLockError::Poisoned`] with the guard if a writer panicked.
    #[inline]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        if self.protocol.try_read() { Ok(self.read_guard()?) } else { Err(TryLockError::WouldBlock) }
    }

    /// Takes the lock for writing, parking until nobody reads, writes or waits before.
    ///
    /// # Errors
    /// With the guard, if a writer panicked: the lock is poisoned.
    ///
    /// # Panics
    /// If the calling green thread (or OS thread) holds this lock for writing: it would wait for itself for ever. If it
    /// holds it for reading it does so: who reads is not on record.
    #[inline]
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        if !self.protocol.try_write() {
            self.wait_for(Access::Write);
        }
        self.write_guard()
    }

    /// Takes the lock for writing if nobody holds it or waits. Never parks.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if somebody does, [`TryLockError::Poisoned`] with the guard if a writer panicked.
    #[inline]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        if self.protocol.try_write() { Ok(self.write_guard()?) } else { Err(TryLockError::WouldBlock) }
    }

    /// Whether a writer has panicked.
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
    /// With the value, if the lock is poisoned.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let poisoned = self.is_poisoned();
        checked(self.value.get_mut(), poisoned)
    }

    #[cold]
    #[track_caller]
    fn wait_for(&self, access: Access) {
        let holder = &self.protocol.holder;
        assert!(
            !holder.is(ids::current()),
            "deadlock: this thread holds the RwLock for writing already that it is about to wait for"
        );
        let waits_for = WaitsFor::lock("RwLock", self, holder);
        wait::block_on(Lock(&self.protocol, access), waits_for, Nanos::NEVER)
            .expect("without a deadline it does not time out");
    }

    #[inline(always)]
    fn read_guard(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        checked(RwLockReadGuard::of(self), self.is_poisoned())
    }

    #[inline(always)]
    fn write_guard(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.protocol.holder.set(ids::current());
        let guard = RwLockWriteGuard { lock: self, panicking: Panicking::now(), _not_send: PhantomData };
        checked(guard, self.is_poisoned())
    }
}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// Of a lock that the caller holds for reading.
    #[inline(always)]
    fn of(lock: &'a RwLock<T>) -> Self {
        let value = NonNull::new(lock.value.get()).expect("a borrowed value has an address");
        Self { value, protocol: &lock.protocol }
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Goes on as a reader, with nobody writing in between. The readers that are first in line come in too; the first
    /// writer in line waits for all of them. Never parks.
    ///
    /// ```
    /// use sward::sync::{RwLock, RwLockWriteGuard};
    ///
    /// let lock = RwLock::new(1);
    /// let mut writer = lock.write().unwrap();
    /// *writer = 2;
    /// let reader = RwLockWriteGuard::downgrade(writer);
    /// assert_eq!(*reader, 2);
    /// assert_eq!(*lock.read().unwrap(), 2);
    /// ```
    pub fn downgrade(s: Self) -> RwLockReadGuard<'a, T> {
        // Not dropped: that would unlock. No poison, as in `std`: who calls this has not been cut short.
        let lock = ManuallyDrop::new(s).lock;
        lock.protocol.holder.clear();
        lock.protocol.downgrade();
        RwLockReadGuard::of(lock)
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the guard borrows the lock, so the value is there, and holds it, so nobody writes.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock for writing.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock for writing, and is borrowed mutably itself.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.protocol.unlock_read();
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let protocol = &self.lock.protocol;
        if self.panicking.has_begun() {
            protocol.poison();
        }
        protocol.holder.clear();
        protocol.unlock_write();
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::lock(f, "RwLock", self.try_read(), self.is_poisoned())
    }
}

show::guards_as_their_values! { RwLockReadGuard RwLockWriteGuard }
