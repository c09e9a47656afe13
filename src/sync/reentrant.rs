//! [`ReentrantMutex`].

#![allow(unsafe_code)]

use std::{
    cell::UnsafeCell,
    fmt,
    marker::PhantomData,
    ops::Deref,
    panic::{RefUnwindSafe, UnwindSafe},
    time::Duration,
};

use super::show;
use crate::{
    lockfree::reentrant::Reentrant,
    sched::{
        self,
        clock::Nanos,
        ids,
        wait::{self, WaitsFor, Who},
    },
};

/// A mutual exclusion lock that its owner may take again. As `std::sync::ReentrantLock`; it parks instead of blocking.
///
/// The owner is the green thread that took it, or the OS thread where there is none: two green threads of one worker
/// exclude each other. Each [`lock`](Self::lock) of the owner's is undone by the drop of its guard, in any order; the
/// last one unlocks. Since there may be several guards at once, each gives `&T` only: for something that changes, put
/// a [`Cell`](std::cell::Cell) or a [`RefCell`](std::cell::RefCell) into it.
///
/// It is not poisoned by a panic: what is in it can be changed only by way of a cell, whose types have their own say on
/// what is left behind.
///
/// # Fairness
/// As [`Mutex`](super::Mutex): a lock that is free goes to whoever comes, and the first in line waits for the unlock that
/// wakes it, and, once it runs, for one more at the most. The line is first in, first out, and no waiter starves. The
/// owner never waits.
///
/// # Cancellation
/// [`lock`](Self::lock) is a park point if it has to wait. A waiter that is cancelled leaves the line; if it was given
/// the lock at that moment it has it, and meets the cancel at its next park. What unwinds drops its guards, and so unlocks.
///
/// ```
/// use std::cell::Cell;
/// use sward::sync::ReentrantMutex;
///
/// struct Account {
///     balance: ReentrantMutex<Cell<i64>>,
/// }
///
/// impl Account {
///     fn deposit(&self, amount: i64) {
///         let balance = self.balance.lock();
///         balance.set(balance.get() + amount);
///     }
///
///     fn deposit_twice(&self, amount: i64) {
///         let _both = self.balance.lock();
///         self.deposit(amount); // locks again
///         self.deposit(amount);
///     }
/// }
///
/// let account = Account { balance: ReentrantMutex::new(Cell::new(0)) };
/// account.deposit_twice(21);
/// assert_eq!(account.balance.lock().get(), 42);
/// ```
///
/// A guard stays with the thread that has the lock:
///
/// ```compile_fail,E0277
/// static LOCK: sward::sync::ReentrantMutex<i32> = sward::sync::ReentrantMutex::new(1);
/// let guard = LOCK.lock();
/// sward::spawn(move || drop(guard));
/// ```
///
/// and what can be shared by one thread's guards only is not shared by way of a guard:
///
/// ```compile_fail,E0277
/// use std::cell::Cell;
/// let lock = sward::sync::ReentrantMutex::new(Cell::new(1));
/// let guard = lock.lock();
/// sward::scope(|s| {
///     s.spawn(|| guard.set(2));
/// });
/// ```
pub struct ReentrantMutex<T: ?Sized> {
    protocol: Reentrant<Who>,
    value: UnsafeCell<T>,
}

// SAFETY: the lock lends the value to one OS thread at a time, that of its owner, since no guard leaves that: so for the
// value it is as if it were sent from one to the next, and `T: Send` is enough.
unsafe impl<T: ?Sized + Send> Sync for ReentrantMutex<T> {}
// SAFETY: it owns the value.
unsafe impl<T: ?Sized + Send> Send for ReentrantMutex<T> {}

impl<T: ?Sized + UnwindSafe> UnwindSafe for ReentrantMutex<T> {}
impl<T: ?Sized + RefUnwindSafe> RefUnwindSafe for ReentrantMutex<T> {}

/// The lock, held once. As `std::sync::ReentrantLockGuard`.
#[must_use = "if unused the ReentrantMutex will immediately unlock"]
pub struct ReentrantMutexGuard<'a, T: ?Sized + 'a> {
    lock: &'a ReentrantMutex<T>,
    /// Who holds a lock is who took it.
    _not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` only.
unsafe impl<T: ?Sized + Sync> Sync for ReentrantMutexGuard<'_, T> {}

impl<T> ReentrantMutex<T> {
    /// An unlocked mutex.
    ///
    /// ```
    /// use sward::sync::ReentrantMutex;
    ///
    /// static LOCK: ReentrantMutex<i32> = ReentrantMutex::new(7);
    /// assert_eq!(*LOCK.lock(), 7);
    /// ```
    #[inline]
    pub const fn new(value: T) -> Self {
        Self { protocol: Reentrant::new(), value: UnsafeCell::new(value) }
    }

    /// The value.
    ///
    /// ```
    /// assert_eq!(sward::sync::ReentrantMutex::new(7).into_inner(), 7);
    /// ```
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> ReentrantMutex<T> {
    /// Takes the lock, parking until it is free; at once if the caller has it already.
    ///
    /// # Panics
    /// If the caller has it 2^32 - 1 times already.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use sward::sync::ReentrantMutex;
    ///
    /// let counter = ReentrantMutex::new(Cell::new(0));
    /// let outer = counter.lock();
    /// let inner = counter.lock(); // its own
    /// inner.set(outer.get() + 1);
    /// assert_eq!(outer.get(), 1);
    /// ```
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> ReentrantMutexGuard<'_, T> {
        let me = ids::current();
        if !self.protocol.try_lock(me) {
            self.wait_for_lock(me, Nanos::NEVER);
        }
        self.guard()
    }

    /// Takes the lock if it is free, or the caller has it already. Never parks.
    ///
    /// # Panics
    /// As [`lock`](Self::lock).
    ///
    /// ```
    /// let lock = sward::sync::ReentrantMutex::new(());
    /// let _held = lock.lock();
    /// assert!(lock.try_lock().is_some());
    /// let elsewhere = sward::scope(|s| s.spawn(|| lock.try_lock().is_some()).join());
    /// assert!(!elsewhere.unwrap());
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_lock(&self) -> Option<ReentrantMutexGuard<'_, T>> {
        self.protocol.try_lock(ids::current()).then(|| self.guard())
    }

    /// As [`lock`](Self::lock), parking no longer than `timeout`. `None`: it was not to be had in that time. A
    /// `timeout` of zero does not wait.
    ///
    /// # Panics
    /// As [`lock`](Self::lock).
    ///
    /// ```
    /// use std::time::Duration;
    /// use sward::sync::ReentrantMutex;
    ///
    /// sward::Runtime::builder().virtual_clock(true).run(|| {
    ///     let lock = ReentrantMutex::new(());
    ///     let _held = lock.lock();
    ///     sward::scope(|s| {
    ///         s.spawn(|| assert!(lock.lock_timeout(Duration::from_secs(3600)).is_none()));
    ///     });
    /// });
    /// ```
    #[track_caller]
    pub fn lock_timeout(&self, timeout: Duration) -> Option<ReentrantMutexGuard<'_, T>> {
        let me = ids::current();
        let locked =
            self.protocol.try_lock(me) || self.wait_for_lock(me, sched::now().saturating_add(timeout));
        locked.then(|| self.guard())
    }

    /// The value, without locking: the borrow says that nobody else is there.
    ///
    /// ```
    /// let mut lock = sward::sync::ReentrantMutex::new(1);
    /// *lock.get_mut() += 1;
    /// assert_eq!(*lock.lock(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// False: the deadline came first.
    #[cold]
    fn wait_for_lock(&self, me: u64, deadline: Nanos) -> bool {
        let waits_for = WaitsFor::lock("ReentrantMutex", self, &self.protocol.mutex.holder);
        let locked = wait::block_on(self.protocol.lock(), waits_for, deadline).is_ok();
        if locked {
            self.protocol.own(me);
        }
        locked
    }

    /// With the lock just taken, once more.
    #[inline(always)]
    fn guard(&self) -> ReentrantMutexGuard<'_, T> {
        ReentrantMutexGuard { lock: self, _not_send: PhantomData }
    }
}

impl<T: ?Sized> Deref for ReentrantMutexGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock, and while there is one nobody has `&mut T`.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> Drop for ReentrantMutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.protocol.unlock();
    }
}

impl<T> From<T> for ReentrantMutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for ReentrantMutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ReentrantMutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ReentrantMutex");
        match self.try_lock() {
            Some(guard) => debug.field("data", &&*guard),
            None => debug.field("data", &format_args!("<locked>")),
        };
        debug.finish_non_exhaustive()
    }
}

show::guards_as_their_values! { ReentrantMutexGuard }
