//! When to steal. A worker with nothing to do looks twice before it takes fresh ones from another.
//!
//! To run a task on another core than the one that spawned it moves its memory there and the result back: 100 to 300
//! ns, more than a task that does nothing costs in all. So what the victim will have done soon by itself is left to
//! it: the thief notes how far the victim is, looks again a moment later, and steals if what is left would take
//! longer than a few wake-ups of a core do, or if the victim has not moved at all.

use std::time::Duration;

use super::{clock::Nanos, runtime::WorkerShared};

/// How long after the first look the second one comes.
const SECOND_LOOK: Duration = Duration::from_micros(40);
/// What the victim would be through with in this time is left to it, and so long the thief waits for its next look.
const SOON: Duration = Duration::from_micros(200);

/// Who has seen something to steal watches for more before it sleeps until it is called: it looks so many times, this time
/// apart. Who spawns one batch after another so need not call for each, which takes as long as 90 of the spawns.
pub(super) const LOOKS_OF_A_WATCH: u32 = 8;
pub(super) const BETWEEN_LOOKS: Duration = Duration::from_micros(100);

/// What a thief saw of one victim.
#[derive(Default)]
pub(super) struct Watch(Option<(Nanos, usize)>);

/// What a thief does about a victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Steal,
    /// Look again after this time.
    LeaveFor(Duration),
}

impl Watch {
    /// Looks at a victim that has something to steal.
    pub(super) fn look(&mut self, victim: &WorkerShared, now: Nanos) -> Verdict {
        let done = victim.started.get();
        let Some((then, done_then)) = self.0 else {
            self.0 = Some((now, done));
            return Verdict::LeaveFor(SECOND_LOOK);
        };
        let elapsed = now.since(then);
        if elapsed < SECOND_LOOK / 2 {
            return Verdict::LeaveFor(SECOND_LOOK - elapsed);
        }
        let moved = done.wrapping_sub(done_then) as u128;
        let left = elapsed.as_nanos() * victim.queue.fresh_count() as u128;
        if left > SOON.as_nanos() * moved {
            self.0 = None;
            return Verdict::Steal;
        }
        self.0 = Some((now, done));
        Verdict::LeaveFor(SOON)
    }

    /// There is nothing to steal at this victim.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}
