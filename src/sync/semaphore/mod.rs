//! [`Semaphore`].

mod owned;
mod permit;

pub use permit::{OwnedPermit, Permit};

use std::{
    error::Error,
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
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
/// allocates nothing. The methods that end in `_owned` take an [`Arc`](super::Arc) of it, and give a permit that borrows nothing.
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
    ///
    /// ```
    /// use sward::sync::Semaphore;
    ///
    /// static CONNECTIONS: Semaphore = Semaphore::new(10);
    /// assert_eq!(CONNECTIONS.available_permits(), 10);
    /// ```
    #[must_use]
    #[inline]
    #[track_caller]
    pub const fn new(permits: usize) -> Self {
        check(permits);
        Self { protocol: protocol::Semaphore::new(permits) }
    }

    /// Takes a permit, parking until there is one.
    ///
    /// ```
    /// let semaphore = sward::sync::Semaphore::new(1);
    /// sward::scope(|s| {
    ///     let permit = semaphore.acquire();
    ///     let other = s.spawn(|| drop(semaphore.acquire())); // parks
    ///     drop(permit);
    ///     assert!(other.join().is_ok());
    /// });
    /// ```
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
    ///
    /// ```
    /// let semaphore = sward::sync::Semaphore::new(3);
    /// let two = semaphore.acquire_many(2);
    /// assert_eq!((two.num_permits(), semaphore.available_permits()), (2, 1));
    /// drop(two);
    /// assert_eq!(semaphore.available_permits(), 3);
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire_many(&self, n: usize) -> Permit<'_> {
        check(n);
        if !self.protocol.try_acquire(n) {
            // Without a deadline it ends well, or unwinds.
            let _ = self.wait_for(n, Nanos::NEVER);
        }
        Permit::new(self, n)
    }

    /// Takes a permit if there is one and nobody is in line. Never parks.
    ///
    /// # Errors
    /// If there is none, or others wait already.
    ///
    /// ```
    /// let semaphore = sward::sync::Semaphore::new(1);
    /// let permit = semaphore.try_acquire();
    /// assert!(permit.is_ok());
    /// assert!(semaphore.try_acquire().is_err());
    /// ```
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
    ///
    /// ```
    /// let semaphore = sward::sync::Semaphore::new(3);
    /// assert!(semaphore.try_acquire_many(4).is_err());
    /// assert_eq!(semaphore.try_acquire_many(3).unwrap().num_permits(), 3);
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_acquire_many(&self, n: usize) -> Result<Permit<'_>, TryAcquireError> {
        check(n);
        if self.protocol.try_acquire(n) { Ok(Permit::new(self, n)) } else { Err(TryAcquireError) }
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
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let semaphore = sward::sync::Semaphore::new(1);
    /// assert!(semaphore.acquire_many_timeout(2, Duration::ZERO).is_err());
    /// semaphore.add_permits(1);
    /// assert!(semaphore.acquire_many_timeout(2, Duration::ZERO).is_ok());
    /// ```
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
        Ok(Permit::new(self, n))
    }

    /// As [`acquire`](Self::acquire), as a future: it waits from its first poll on.
    ///
    /// ```
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// let semaphore = sward::sync::Semaphore::new(0);
    /// let mut task = std::pin::pin!(async { semaphore.acquire_async().await.num_permits() });
    /// assert!(task.as_mut().poll(&mut context).is_pending());
    /// semaphore.add_permits(1);
    /// assert!(task.as_mut().poll(&mut context).is_ready());
    /// ```
    pub async fn acquire_async(&self) -> Permit<'_> {
        self.acquire_many_async(1).await
    }

    /// As [`acquire_many`](Self::acquire_many), as a future.
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many), when it is polled.
    ///
    /// ```
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// let semaphore = sward::sync::Semaphore::new(3);
    /// let mut task = std::pin::pin!(async { semaphore.acquire_many_async(3).await.num_permits() });
    /// assert_eq!(task.as_mut().poll(&mut context), std::task::Poll::Ready(3));
    /// ```
    pub async fn acquire_many_async(&self, n: usize) -> Permit<'_> {
        check(n);
        if !self.protocol.try_acquire(n) {
            Waiting::new(Acquire { semaphore: &self.protocol, n }).await;
        }
        Permit::new(self, n)
    }

    /// Adds `n` new permits, for those in line first.
    ///
    /// # Panics
    /// If more than [`MAX_PERMITS`](Self::MAX_PERMITS) would be available; none is added then.
    ///
    /// Never parks.
    ///
    /// ```
    /// let semaphore = sward::sync::Semaphore::new(0);
    /// sward::scope(|s| {
    ///     let waiter = s.spawn(|| semaphore.acquire().forget());
    ///     semaphore.add_permits(2);
    ///     waiter.join().unwrap();
    /// });
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        check(n);
        assert!(self.protocol.add(n), "a Semaphore would have more than Semaphore::MAX_PERMITS permits");
    }

    /// How many permits are there now. More than none does not mean that one is to be had: those in line come first.
    ///
    /// ```
    /// let semaphore = sward::sync::Semaphore::new(2);
    /// let _permit = semaphore.acquire();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.protocol.available()
    }

    /// Takes `n` permits for good, or as many as are there, and says how many. Never parks, and does not mind who is
    /// in line.
    ///
    /// ```
    /// let semaphore = sward::sync::Semaphore::new(2);
    /// assert_eq!(semaphore.forget_permits(3), 2);
    /// assert!(semaphore.try_acquire().is_err());
    /// ```
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
