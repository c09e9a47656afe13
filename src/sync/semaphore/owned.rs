//! Acquiring permits that borrow nothing.

use std::{sync::Arc, time::Duration};

use super::{AcquireTimeoutError, OwnedPermit, Semaphore, TryAcquireError};

impl Semaphore {
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
    ///
    /// ```
    /// use sward::sync::{Arc, Semaphore};
    ///
    /// let semaphore = Arc::new(Semaphore::new(3));
    /// let permits = semaphore.acquire_many_owned(2);
    /// sward::spawn(move || drop(permits)).join().unwrap();
    /// assert_eq!(semaphore.available_permits(), 3);
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire_many_owned(self: &Arc<Self>, n: usize) -> OwnedPermit {
        self.acquire_many(n).into_owned(self)
    }

    /// As [`try_acquire`](Self::try_acquire), with a permit that borrows nothing.
    ///
    /// # Errors
    /// If there is none, or others wait already.
    ///
    /// ```
    /// use sward::sync::{Arc, Semaphore};
    ///
    /// let semaphore = Arc::new(Semaphore::new(1));
    /// let permit = semaphore.try_acquire_owned().unwrap();
    /// assert!(semaphore.try_acquire_owned().is_err());
    /// sward::spawn(move || drop(permit)).join().unwrap();
    /// ```
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
    ///
    /// ```
    /// use sward::sync::{Arc, Semaphore};
    ///
    /// let semaphore = Arc::new(Semaphore::new(3));
    /// assert!(semaphore.try_acquire_many_owned(4).is_err());
    /// assert_eq!(semaphore.try_acquire_many_owned(3).unwrap().num_permits(), 3);
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_acquire_many_owned(self: &Arc<Self>, n: usize) -> Result<OwnedPermit, TryAcquireError> {
        Ok(self.try_acquire_many(n)?.into_owned(self))
    }

    /// As [`acquire_timeout`](Self::acquire_timeout), with a permit that borrows nothing.
    ///
    /// # Errors
    /// If no permit was to be had in that time.
    ///
    /// ```
    /// use sward::{sync::{Arc, Semaphore}, time::Duration};
    ///
    /// let semaphore = Arc::new(Semaphore::new(0));
    /// assert!(semaphore.acquire_owned_timeout(Duration::from_millis(1)).is_err());
    /// semaphore.add_permits(1);
    /// assert!(semaphore.acquire_owned_timeout(Duration::ZERO).is_ok());
    /// ```
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
    ///
    /// ```
    /// use sward::{sync::{Arc, Semaphore}, time::Duration};
    ///
    /// let semaphore = Arc::new(Semaphore::new(3));
    /// assert!(semaphore.acquire_many_owned_timeout(4, Duration::from_millis(1)).is_err());
    /// assert!(semaphore.acquire_many_owned_timeout(3, Duration::ZERO).is_ok());
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire_many_owned_timeout(
        self: &Arc<Self>,
        n: usize,
        timeout: Duration,
    ) -> Result<OwnedPermit, AcquireTimeoutError> {
        Ok(self.acquire_many_timeout(n, timeout)?.into_owned(self))
    }
}
