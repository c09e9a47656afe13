//! Moments, as the scheduler counts them: nanoseconds since the process began to count.

use std::{sync::OnceLock, time::Duration};

/// A moment on the monotonic clock, in nanoseconds. `u64::MAX` is never.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Nanos(pub(crate) u64);

/// Where the count starts. Not zero, so that moments before the process can be named: half of the range is
/// 292 years.
const ORIGIN: u64 = 1 << 62;

/// `std`'s moment that is called [`ORIGIN`] here.
pub(crate) fn epoch() -> std::time::Instant {
    static EPOCH: OnceLock<std::time::Instant> = OnceLock::new();
    *EPOCH.get_or_init(std::time::Instant::now)
}

impl Nanos {
    pub(crate) const NEVER: Nanos = Nanos(u64::MAX);

    /// The real monotonic clock's moment.
    #[inline]
    pub(crate) fn real_now() -> Nanos {
        Nanos::from_std(std::time::Instant::now())
    }

    pub(crate) fn from_std(instant: std::time::Instant) -> Nanos {
        match instant.checked_duration_since(epoch()) {
            Some(after) => Nanos(ORIGIN).saturating_add(after),
            None => Nanos(ORIGIN.saturating_sub(saturate(epoch().duration_since(instant)))),
        }
    }

    #[inline]
    pub(crate) fn saturating_add(self, d: Duration) -> Nanos {
        Nanos(self.0.saturating_add(saturate(d)))
    }

    /// The time from `earlier` to this; zero when it is the other way round.
    #[inline]
    pub(crate) fn since(self, earlier: Nanos) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

#[inline]
fn saturate(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_of_stds_keeps_its_distance_in_both_directions() {
        let now = std::time::Instant::now();
        let hour = Duration::from_secs(3600);
        let here = Nanos::from_std(now);
        assert_eq!(Nanos::from_std(now + hour).since(here), hour);
        if let Some(before) = now.checked_sub(Duration::from_secs(1)) {
            assert_eq!(here.since(Nanos::from_std(before)), Duration::from_secs(1));
        }
    }

    #[test]
    fn a_huge_duration_ends_at_never() {
        assert_eq!(Nanos::real_now().saturating_add(Duration::MAX), Nanos::NEVER);
    }
}
