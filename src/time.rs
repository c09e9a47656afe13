//! Time, by the names of [`std::time`]. [`Instant`] is a moment of the runtime's clock, which may be virtual.

use std::{
    fmt,
    ops::{Add, AddAssign, Sub, SubAssign},
};

pub use std::time::{Duration, SystemTime, SystemTimeError, TryFromFloatSecsError, UNIX_EPOCH};

use crate::sched::{self, clock::Nanos};

/// A moment. As [`std::time::Instant`], by the runtime's clock: the monotonic one, or with
/// [`virtual_clock`](crate::runtime::RuntimeBuilder::virtual_clock) one that stands still while anything is ready
/// and then jumps to the next deadline. On a plain OS thread it is the monotonic clock.
///
/// ```
/// use sward::time::{Duration, Instant};
///
/// // An hour, in no time.
/// let waited = sward::Runtime::builder().virtual_clock(true).run(|| {
///     let start = Instant::now();
///     sward::sleep(Duration::from_secs(3600));
///     start.elapsed()
/// });
/// assert_eq!(waited, Duration::from_secs(3600));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Nanos);

impl Instant {
    /// This moment.
    ///
    /// ```
    /// use sward::time::Instant;
    ///
    /// let start = Instant::now();
    /// assert!(Instant::now() >= start);
    /// ```
    #[must_use]
    pub fn now() -> Instant {
        Instant(sched::now())
    }

    pub(crate) fn nanos(self) -> Nanos {
        self.0
    }

    pub(crate) fn from_nanos(nanos: Nanos) -> Self {
        Self(nanos)
    }

    /// The time from `earlier` to this; zero if it is the other way round.
    #[must_use]
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }

    /// The time from `earlier` to this; `None` if it is the other way round.
    #[must_use]
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.0.checked_sub(earlier.0.0).map(Duration::from_nanos)
    }

    /// The time from `earlier` to this; zero if it is the other way round.
    #[must_use]
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.0.since(earlier.0)
    }

    /// The time from this moment to now; zero if this is yet to come.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Instant::now().duration_since(*self)
    }

    /// This moment plus `duration`; `None` if that is beyond what can be counted (some 146 years).
    ///
    /// ```
    /// use sward::time::{Duration, Instant};
    ///
    /// let now = Instant::now();
    /// assert_eq!(now.checked_add(Duration::from_secs(1)), Some(now + Duration::from_secs(1)));
    /// assert_eq!(now.checked_add(Duration::MAX), None);
    /// ```
    #[must_use]
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        let nanos = u64::try_from(duration.as_nanos()).ok()?;
        let sum = self.0.0.checked_add(nanos)?;
        (sum < Nanos::NEVER.0).then_some(Instant(Nanos(sum)))
    }

    /// This moment minus `duration`; `None` if that is beyond what can be counted.
    ///
    /// ```
    /// use sward::time::{Duration, Instant};
    ///
    /// let now = Instant::now();
    /// assert_eq!(now.checked_sub(Duration::from_secs(1)), Some(now - Duration::from_secs(1)));
    /// assert_eq!(now.checked_sub(Duration::MAX), None);
    /// ```
    #[must_use]
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        let nanos = u64::try_from(duration.as_nanos()).ok()?;
        self.0.0.checked_sub(nanos).map(|left| Instant(Nanos(left)))
    }
}

impl From<std::time::Instant> for Instant {
    /// The same moment of the monotonic clock.
    fn from(instant: std::time::Instant) -> Self {
        Self(Nanos::from_std(instant))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    /// If the sum is beyond what can be counted, as `std`'s.
    fn add(self, other: Duration) -> Instant {
        self.checked_add(other).expect("overflow when adding duration to instant")
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, other: Duration) {
        *self = *self + other;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    /// If the difference is beyond what can be counted, as `std`'s.
    fn sub(self, other: Duration) -> Instant {
        self.checked_sub(other).expect("overflow when subtracting duration from instant")
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, other: Duration) {
        *self = *self - other;
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    fn sub(self, other: Instant) -> Duration {
        self.duration_since(other)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Instant").field(&Duration::from_nanos(self.0.0)).finish()
    }
}
