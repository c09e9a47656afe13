//! Whether the machine was ours: a measurement beside a busy neighbour is worth little, and says so.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use crate::sys;

/// The CPU time that programs have had, ours and all.
pub(crate) struct Usage {
    at: Instant,
    cpus: usize,
    all: Duration,
    stolen: Duration,
    own: Duration,
}

/// Parts of the CPUs' time that we did not have, in percent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Foreign {
    /// Had by programs of others. Their time in the kernel is not counted: it cannot be told from what
    /// the kernel does for ours in its own threads.
    pub(crate) programs: f64,
    /// Had by other guests of the same host.
    pub(crate) stolen: f64,
}

impl Usage {
    pub(crate) fn now() -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let mut lines = stat.lines();
        let ticks: Vec<u64> = lines
            .next()
            .and_then(|line| line.strip_prefix("cpu "))
            .map(|line| line.split_whitespace().map_while(|ticks| ticks.parse().ok()).collect())
            .unwrap_or_default();
        let time =
            |index: usize| ticks.get(index).map_or(Duration::ZERO, |&ticks| sys::tick() * ticks as u32);
        Ok(Self {
            at: Instant::now(),
            cpus: lines.take_while(|line| line.starts_with("cpu")).count(),
            // Columns: user, nice, system, idle, iowait, irq, softirq, steal.
            all: time(0) + time(1),
            stolen: time(7),
            own: sys::user_time_of_us_and_ended_children()?,
        })
    }

    /// What others have had between `self` and `later`.
    pub(crate) fn foreign(&self, later: &Self) -> Foreign {
        let whole = later.at.duration_since(self.at).as_secs_f64() * self.cpus as f64;
        let percent = |time: Duration| 100.0 * time.as_secs_f64() / whole;
        let all = later.all.saturating_sub(self.all);
        Foreign {
            programs: percent(all.saturating_sub(later.own.saturating_sub(self.own))),
            stolen: percent(later.stolen.saturating_sub(self.stolen)),
        }
    }
}
