//! Spans of time, by sward's clock.

use std::time::Duration;

use sward::time::Instant;

pub(crate) const HOUR: Duration = secs(3600);
pub(crate) const SECOND: Duration = secs(1);
pub(crate) const MS: Duration = Duration::from_millis(1);

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// How long it takes, and what comes out.
pub(crate) fn timed<T>(f: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let value = f();
    (start.elapsed(), value)
}
