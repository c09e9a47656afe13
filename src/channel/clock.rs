//! Receivers that nobody sends to: their messages come from the clock, when somebody looks.

use crate::{
    lockfree::spin::Guarded,
    sched::clock::Nanos,
    time::{Duration, Instant},
};

/// A source of messages that are due at a moment each.
pub(super) trait Clock<T>: Send + Sync {
    /// When the next one is due.
    fn due(&self) -> Nanos;
    /// Takes it, if it is due at this moment.
    fn take(&self, now: Nanos) -> Option<T>;
}

/// One message, the moment when it is due.
pub(super) struct At {
    /// `NEVER` once it is taken.
    due: Guarded<Nanos>,
}

/// A message in regular intervals. What nobody takes does not pile up.
pub(super) struct Tick {
    due: Guarded<Nanos>,
    every: Duration,
}

impl At {
    pub(super) fn new(due: Nanos) -> Self {
        Self { due: Guarded::new(due) }
    }
}

impl Tick {
    pub(super) fn new(first: Nanos, every: Duration) -> Self {
        Self { due: Guarded::new(first), every }
    }
}

fn take(due: &Guarded<Nanos>, now: Nanos, next: Nanos) -> Option<Instant> {
    due.with(|due| (*due <= now && *due != Nanos::NEVER).then(|| std::mem::replace(due, next)))
        .map(Instant::from_nanos)
}

impl Clock<Instant> for At {
    fn due(&self) -> Nanos {
        self.due.with(|due| *due)
    }

    fn take(&self, now: Nanos) -> Option<Instant> {
        take(&self.due, now, Nanos::NEVER)
    }
}

impl Clock<Instant> for Tick {
    fn due(&self) -> Nanos {
        self.due.with(|due| *due)
    }

    fn take(&self, now: Nanos) -> Option<Instant> {
        take(&self.due, now, now.saturating_add(self.every))
    }
}
