//! What became of a fetch, and what a whole run adds up to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::failure::Failure;

/// One fetch. Its times count from the start of the run, and never decrease from field to field.
pub(crate) struct Outcome {
    pub(crate) url: String,
    pub(crate) started: Duration,
    /// The connection stood, TLS included, and the request went out.
    pub(crate) connected: Option<Duration>,
    /// The head of the answer was here.
    pub(crate) answered: Option<Duration>,
    pub(crate) ended: Duration,
    pub(crate) status: Option<u16>,
    /// Of the body.
    pub(crate) bytes: u64,
    pub(crate) saved: Option<PathBuf>,
    pub(crate) failure: Option<Failure>,
}

impl Outcome {
    pub(crate) fn begun(url: String, at: Duration) -> Self {
        Outcome {
            url,
            started: at,
            connected: None,
            answered: None,
            ended: at,
            status: None,
            bytes: 0,
            saved: None,
            failure: None,
        }
    }

    pub(crate) fn took(&self) -> Duration {
        self.ended.saturating_sub(self.started)
    }
}

/// The sums over a run.
pub(crate) struct Summary {
    pub(crate) wall: Duration,
    /// Of all the fetches' times: what one after the other would have taken.
    pub(crate) waited: Duration,
    pub(crate) bytes: u64,
    pub(crate) failed: usize,
    /// The most fetches that had started and had not ended, at any instant.
    pub(crate) peak: usize,
    /// The most requests that the server inside was answering, at any instant.
    pub(crate) server_peak: Option<usize>,
    /// The most memory that this process held, in KiB, where the system tells.
    pub(crate) memory_kib: Option<u64>,
}

impl Summary {
    pub(crate) fn new(outcomes: &[Outcome], wall: Duration) -> Self {
        Summary {
            wall,
            waited: outcomes.iter().map(Outcome::took).sum(),
            bytes: outcomes.iter().map(|o| o.bytes).sum(),
            failed: outcomes.iter().filter(|o| o.failure.is_some()).count(),
            peak: in_flight(outcomes).map(|(_, level)| level).max().unwrap_or(0),
            server_peak: None,
            memory_kib: memory_kib(),
        }
    }
}

/// Every instant at which a fetch starts or ends, in order, with how many are in flight just after.
pub(crate) fn in_flight(outcomes: &[Outcome]) -> impl Iterator<Item = (Duration, usize)> {
    let real = outcomes.iter().filter(|o| !o.took().is_zero());
    let mut events: Vec<_> = real.flat_map(|o| [(o.started, true), (o.ended, false)]).collect();
    // `false < true`: at one instant an end comes first, or a fetch and the next one on its place would be two.
    events.sort_unstable();
    let mut level = 0;
    events.into_iter().map(move |(at, starts)| {
        level = if starts { level + 1 } else { level - 1 };
        (at, level)
    })
}

/// The failures by cause, the most frequent first, each with the first URL that it befell.
pub(crate) fn by_cause(outcomes: &[Outcome]) -> Vec<(String, usize, &Outcome)> {
    let mut groups = BTreeMap::new();
    for outcome in outcomes {
        if let Some(failure) = &outcome.failure {
            groups.entry(failure.cause.to_string()).or_insert((0, outcome)).0 += 1;
        }
    }
    let mut groups: Vec<_> =
        groups.into_iter().map(|(cause, (count, first))| (cause, count, first)).collect();
    groups.sort_by_key(|&(_, count, _)| std::cmp::Reverse(count));
    groups
}

fn memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}
