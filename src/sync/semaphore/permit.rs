//! [`Permit`] and [`OwnedPermit`].

use std::{fmt, sync::Arc};

use super::{Semaphore, check};

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

impl<'a> Permit<'a> {
    /// Of a semaphore that so many were just acquired from.
    #[inline(always)]
    pub(super) fn new(semaphore: &'a Semaphore, n: usize) -> Self {
        Self { semaphore, n }
    }

    #[inline]
    pub(super) fn into_owned(self, semaphore: &Arc<Semaphore>) -> OwnedPermit {
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
    ///
    /// ```
    /// use sward::sync::{Arc, Semaphore};
    ///
    /// let semaphore = Arc::new(Semaphore::new(1));
    /// let permit = semaphore.acquire_owned();
    /// assert!(Arc::ptr_eq(permit.semaphore(), &semaphore));
    /// ```
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
            ///
            /// ```
            /// let semaphore = sward::sync::Semaphore::new(3);
            /// semaphore.acquire().forget();
            /// assert_eq!(semaphore.available_permits(), 2);
            /// ```
            #[inline]
            pub fn forget(mut self) {
                self.n = 0;
            }

            /// Takes the permits of `other` into this one, which then gives back all of them.
            ///
            /// # Panics
            /// If `other` is of another semaphore, or both are more than [`Semaphore::MAX_PERMITS`].
            ///
            /// ```
            /// let semaphore = sward::sync::Semaphore::new(3);
            /// let mut all = semaphore.acquire();
            /// all.merge(semaphore.acquire_many(2));
            /// assert_eq!(all.num_permits(), 3);
            /// ```
            #[track_caller]
            pub fn merge(&mut self, mut other: Self) {
                let same = std::ptr::eq::<Semaphore>(&*self.semaphore, &*other.semaphore);
                assert!(same, "permits of two Semaphores cannot be merged");
                check(self.n + other.n);
                self.n += std::mem::take(&mut other.n);
            }

            /// Splits `n` permits off, to be given back on their own. `None` if it has fewer.
            ///
            /// ```
            /// let semaphore = sward::sync::Semaphore::new(3);
            /// let mut two = semaphore.acquire_many(3);
            /// drop(two.split(1));
            /// assert_eq!((two.num_permits(), semaphore.available_permits()), (2, 1));
            /// assert!(two.split(3).is_none());
            /// ```
            #[must_use = "if unused the permits that were split off are given back immediately"]
            pub fn split(&mut self, n: usize) -> Option<Self> {
                self.n = self.n.checked_sub(n)?;
                Some(self.of(n))
            }

            /// How many permits it has.
            ///
            /// ```
            /// let semaphore = sward::sync::Semaphore::new(3);
            /// assert_eq!(semaphore.acquire_many(2).num_permits(), 2);
            /// ```
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
