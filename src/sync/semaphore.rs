//! [`Semaphore`].

use std::{
    error::Error,
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
    time::Duration,
};

use crate::{
    lockfree::semaphore::{self as protocol, Acquire},
    sched::{
        self,
        clock::Nanos,
        wait::{self, Waiting, WaitsFor, Who},
    },
};

/// A number of permits, for so many at once. To acquire one parks until there is one.
///
/// It works from green threads and plain OS threads alike, and as a future by the methods that end in `_async`. To wait
/// allocates nothing. The methods that end in `_owned` take an [`Arc`] of it, and give a permit that borrows nothing.
///
/// What was done before a permit was given back, or added, is visible to who acquires it.
///
/// # Fairness
/// First in, first out, strictly: while somebody is in line, whoever comes stands behind, and
/// [`try_acquire`](Self::try_acquire) fails, also if there are permits enough for it. So one who wants many permits is
/// not starved by those who want few; they wait behind it. Permits that come free are handed to the first in line,
/// not put up for a race.
///
/// # Cancellation
/// To acquire is a park point if it has to wait. A waiter that is cancelled or times out leaves the line, and those
/// behind it go on if there is enough for them. If it was handed its permits at that moment it has them: it returns, and
/// meets the cancel at its next park. A future that is dropped while it waits leaves the line, too, and gives back what
/// it was handed. No permit is lost.
///
/// ```
/// use sward::sync::{Arc, Semaphore};
///
/// let connections = Arc::new(Semaphore::new(2));
/// let handles: Vec<_> = (0..10)
///     .map(|_| {
///         let connections = Arc::clone(&connections);
///         sward::spawn(move || {
///             let _permit = connections.acquire();
///             assert!(connections.available_permits() < 2);
///             sward::yield_now(); // no more than two are here
///         })
///     })
///     .collect();
/// sward::join_all(handles);
/// assert_eq!(connections.available_permits(), 2);
/// ```
pub struct Semaphore {
    protocol: protocol::Semaphore<Who>,
}

/// Permits of a [`Semaphore`], at first as many as were acquired at once. Dropped, it gives them back.
#[must_use = "if unused the permits are given back immediately"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    n: usize,
}

/// A [`Permit`] that keeps its semaphore alive and borrows nothing.
#[must_use = "if unused the permits are given back immediately"]
pub struct OwnedPermit {
    semaphore: Arc<Semaphore>,
    n: usize,
}

/// There are too few permits now, or others are in line for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TryAcquireError;

/// The permits were not to be had in the time that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcquireTimeoutError;

impl UnwindSafe for Semaphore {}
impl RefUnwindSafe for Semaphore {}

/// # Panics
/// If it is too much for any semaphore.
#[inline(always)]
#[track_caller]
const fn check(n: usize) {
    assert!(n <= Semaphore::MAX_PERMITS, "a Semaphore has no more than Semaphore::MAX_PERMITS permits");
}

impl Semaphore {
    /// The most permits that can be available, `usize::MAX / 8`. To give back more, by a drop as well, is a panic.
    pub const MAX_PERMITS: usize = protocol::MAX_PERMITS;

    /// A semaphore with so many permits. With none, all wait until some are [added](Self::add_permits).
    ///
    /// # Panics
    /// If `permits` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[must_use]
    #[inline]
    #[track_caller]
    pub const fn new(permits: usize) -> Self {
        check(permits);
        Self { protocol: protocol::Semaphore::new(permits) }
    }

    /// Takes a permit, parking until there is one.
    #[inline]
    pub fn acquire(&self) -> Permit<'_> {
        self.acquire_many(1)
    }

    /// Takes `n` permits at once, parking until there are so many; none of them is taken before. None at all are to be
    /// had at once, whoever is in line.
    ///
    /// More than the semaphore will ever have are waited for all the same, as [`add_permits`](Self::add_permits) may
    /// come; and all who come later wait behind.
    ///
    /// # Panics
    /// If `n` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[inline]
    #[track_caller]
    pub fn acquire_many(&self, n: usize) -> Permit<'_> {
        check(n);
        if !self.protocol.try_acquire(n) {
            // Without a deadline it ends well, or unwinds.
            let _ = self.wait_for(n, Nanos::NEVER);
        }
        Permit { semaphore: self, n }
    }

    /// Takes a permit if there is one and nobody is in line. Never parks.
    ///
    /// # Errors
    /// If there is none, or others wait already.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// As [`try_acquire`](Self::try_acquire), for `n` permits.
    ///
    /// # Errors
    /// If there are too few, or others wait already.
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    #[inline]
    #[track_caller]
    pub fn try_acquire_many(&self, n: usize) -> Result<Permit<'_>, TryAcquireError> {
        check(n);
        if self.protocol.try_acquire(n) { Ok(Permit { semaphore: self, n }) } else { Err(TryAcquireError) }
    }

    /// As [`acquire`](Self::acquire), parking no longer than `timeout`.
    ///
    /// # Errors
    /// If no permit was to be had in that time. A `timeout` of zero does not wait.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sward::sync::Semaphore;
    ///
    /// sward::Runtime::builder().virtual_clock(true).run(|| {
    ///     let semaphore = Semaphore::new(1);
    ///     let permit = semaphore.acquire();
    ///     assert!(semaphore.acquire_timeout(Duration::from_secs(3600)).is_err());
    ///     drop(permit);
    ///     assert!(semaphore.acquire_timeout(Duration::ZERO).is_ok());
    /// });
    /// ```
    #[inline]
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>, AcquireTimeoutError> {
        self.acquire_many_timeout(1, timeout)
    }

    /// As [`acquire_many`](Self::acquire_many), parking no longer than `timeout`.
    ///
    /// # Errors
    /// If the permits were not to be had in that time.
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    #[inline]
    #[track_caller]
    pub fn acquire_many_timeout(
        &self,
        n: usize,
        timeout: Duration,
    ) -> Result<Permit<'_>, AcquireTimeoutError> {
        check(n);
        if !self.protocol.try_acquire(n) {
            self.wait_for(n, sched::now().saturating_add(timeout))?;
        }
        Ok(Permit { semaphore: self, n })
    }

    /// As [`acquire`](Self::acquire), as a future: it waits from its first poll on.
    pub async fn acquire_async(&self) -> Permit<'_> {
        self.acquire_many_async(1).await
    }

    /// As [`acquire_many`](Self::acquire_many), as a future.
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many), when it is polled.
    pub async fn acquire_many_async(&self, n: usize) -> Permit<'_> {
        check(n);
        if !self.protocol.try_acquire(n) {
            Waiting::new(Acquire { semaphore: &self.protocol, n }).await;
        }
        Permit { semaphore: self, n }
    }

    /// As [`acquire`](Self::acquire), with a permit that borrows nothing.
    ///
    /// ```
    /// use sward::sync::{Arc, Semaphore};
    ///
    /// let semaphore = Arc::new(Semaphore::new(10));
    /// for _ in 0..100 {
    ///     let permit = semaphore.acquire_owned(); // here, so that no more than ten are spawned
    ///     sward::spawn(move || {
    ///         sward::yield_now();
    ///         drop(permit);
    ///     });
    /// }
    /// # drop(semaphore.acquire_many(10));
    /// ```
    #[inline]
    pub fn acquire_owned(self: &Arc<Self>) -> OwnedPermit {
        self.acquire_many_owned(1)
    }

    /// As [`acquire_many`](Self::acquire_many), with a permit that borrows nothing.
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    #[inline]
    #[track_caller]
    pub fn acquire_many_owned(self: &Arc<Self>, n: usize) -> OwnedPermit {
        self.acquire_many(n).into_owned(self)
    }

    /// As [`try_acquire`](Self::try_acquire), with a permit that borrows nothing.
    ///
    /// # Errors
    /// If there is none, or others wait already.
    #[inline]
    pub fn try_acquire_owned(self: &Arc<Self>) -> Result<OwnedPermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// As [`try_acquire_many`](Self::try_acquire_many), with a permit that borrows nothing.
    ///
    /// # Errors
    /// If there are too few, or others wait already.
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    #[inline]
    #[track_caller]
    pub fn try_acquire_many_owned(self: &Arc<Self>, n: usize) -> Result<OwnedPermit, TryAcquireError> {
        Ok(self.try_acquire_many(n)?.into_owned(self))
    }

    /// As [`acquire_timeout`](Self::acquire_timeout), with a permit that borrows nothing.
    ///
    /// # Errors
    /// If no permit was to be had in that time.
    #[inline]
    pub fn acquire_owned_timeout(
        self: &Arc<Self>,
        timeout: Duration,
    ) -> Result<OwnedPermit, AcquireTimeoutError> {
        self.acquire_many_owned_timeout(1, timeout)
    }

    /// As [`acquire_many_timeout`](Self::acquire_many_timeout), with a permit that borrows nothing.
    ///
    /// # Errors
    /// If the permits were not to be had in that time.
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    #[inline]
    #[track_caller]
    pub fn acquire_many_owned_timeout(
        self: &Arc<Self>,
        n: usize,
        timeout: Duration,
    ) -> Result<OwnedPermit, AcquireTimeoutError> {
        Ok(self.acquire_many_timeout(n, timeout)?.into_owned(self))
    }

    /// Adds `n` new permits, for those in line first.
    ///
    /// # Panics
    /// If more than [`MAX_PERMITS`](Self::MAX_PERMITS) would be available; none is added then.
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        check(n);
        assert!(self.protocol.add(n), "a Semaphore would have more than Semaphore::MAX_PERMITS permits");
    }

    /// How many permits are there now. More than none does not mean that one is to be had: those in line come first.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.protocol.available()
    }

    /// Takes `n` permits for good, or as many as are there, and says how many. Never parks, and does not mind who is
    /// in line.
    pub fn forget_permits(&self, n: usize) -> usize {
        self.protocol.forget(n)
    }

    #[cold]
    fn wait_for(&self, n: usize, deadline: Nanos) -> Result<(), AcquireTimeoutError> {
        let acquire = Acquire { semaphore: &self.protocol, n };
        wait::block_on(acquire, WaitsFor::signal("Semaphore", self), deadline)
            .map_err(|_| AcquireTimeoutError)
    }

    #[inline]
    #[track_caller]
    fn release(&self, n: usize) {
        assert!(self.protocol.release(n), "a Semaphore has got more than Semaphore::MAX_PERMITS permits");
    }
}

impl<'a> Permit<'a> {
    #[inline]
    fn into_owned(self, semaphore: &Arc<Semaphore>) -> OwnedPermit {
        let n = self.n;
        self.forget();
        OwnedPermit { semaphore: Arc::clone(semaphore), n }
    }

    #[inline(always)]
    fn of(&self, n: usize) -> Permit<'a> {
        Permit { semaphore: self.semaphore, n }
    }
}

impl OwnedPermit {
    /// The semaphore that it is of.
    #[must_use]
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }

    #[inline(always)]
    fn of(&self, n: usize) -> OwnedPermit {
        OwnedPermit { semaphore: Arc::clone(&self.semaphore), n }
    }
}

/// What both kinds of permit can do.
macro_rules! permit {
    ($name:literal, $permit:ty) => {
        impl $permit {
            /// Drops it without giving anything back: the semaphore has so many permits less.
            #[inline]
            pub fn forget(mut self) {
                self.n = 0;
            }

            /// Takes the permits of `other` into this one, which then gives back all of them.
            ///
            /// # Panics
            /// If `other` is of another semaphore, or both are more than [`Semaphore::MAX_PERMITS`].
            #[track_caller]
            pub fn merge(&mut self, mut other: Self) {
                let same = std::ptr::eq::<Semaphore>(&*self.semaphore, &*other.semaphore);
                assert!(same, "permits of two Semaphores cannot be merged");
                check(self.n + other.n);
                self.n += std::mem::take(&mut other.n);
            }

            /// Splits `n` permits off, to be given back on their own. `None` if it has fewer.
            #[must_use = "if unused the permits that were split off are given back immediately"]
            pub fn split(&mut self, n: usize) -> Option<Self> {
                self.n = self.n.checked_sub(n)?;
                Some(self.of(n))
            }

            /// How many permits it has.
            #[must_use]
            pub fn num_permits(&self) -> usize {
                self.n
            }
        }

        impl Drop for $permit {
            #[inline]
            fn drop(&mut self) {
                if self.n != 0 {
                    self.semaphore.release(self.n);
                }
            }
        }

        impl fmt::Debug for $permit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct($name).field("permits", &self.n).finish_non_exhaustive()
            }
        }
    };
}

permit!("Permit", Permit<'_>);
permit!("OwnedPermit", OwnedPermit);

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("permits", &self.available_permits()).finish_non_exhaustive()
    }
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no permits are available")
    }
}

impl fmt::Display for AcquireTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out waiting for a permit")
    }
}

impl Error for TryAcquireError {}
impl Error for AcquireTimeoutError {}
