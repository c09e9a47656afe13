//! Spans of time, by sward's clock.

use std::{fs, time::Duration};

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

/// How much of its processor's time it takes, which no neighbour can spend: for bounds that hold on a busy machine, too.
pub(crate) fn cpu_time_of(f: impl FnOnce()) -> Duration {
    // Of this OS thread, in hundredths of a second: the 14th and the 15th field, of which the second is `(name)`.
    let spent = || -> u64 {
        let stat = fs::read_to_string("/proc/thread-self/stat").expect("Linux tells");
        let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
        fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
    };
    let before = spent();
    f();
    Duration::from_millis((spent() - before) * 10)
}
