//! Readiness of a source in one direction: what the poller said last, and whether it still holds.
//!
//! ```text
//! any        -> READY, tick + 1   // set: the poller saw an event
//! any        -> READY | CLOSED, tick + 1  // close: end of file, error or hang-up; `CLOSED` stays
//! READY, t   -> 0, t              // clear_short(t), not if closed; clear(t); neither if the poller spoke meanwhile
//! 0          -> WAITED            // await_event: somebody stands in line
//! ```
//!
//! The tick makes `clear` conditional on what the caller saw *before* its call: an event that arrives between
//! the call and the clear changes the tick, and readiness stays.
//!
//! **Invariant 1.** `READY` and `WAITED` are never set together: who sets `READY` takes `WAITED` out and then wakes the
//! line. So an event that nobody waits for costs one exchange, and whoever finds `WAITED` gone need not leave a line.

use crate::atomic::{AtomicU32, Ordering};

/// Set if a call is worth trying.
const READY: u32 = 1;
/// Set if a call will never have to wait again.
const CLOSED: u32 = 2;
/// Set if somebody may stand in the line.
const WAITED: u32 = 4;
/// One event.
const TICK: u32 = 8;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Readiness(AtomicU32);

/// What the one that tells of an event does next.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Wake all who stand in line.
    WakeLine,
    /// Nobody waits.
    Nobody,
}

/// What was known before a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen(u32);

impl Readiness {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    #[inline]
    pub(crate) fn load(&self) -> Seen {
        Seen(self.0.load(Ordering::Acquire))
    }

    pub(crate) fn set(&self) -> Told {
        self.update(READY)
    }

    pub(crate) fn close(&self) -> Told {
        self.update(READY | CLOSED)
    }

    /// Says that somebody stands in line, which the caller has locked. False: it is ready, there is no need to.
    #[must_use]
    pub(crate) fn await_event(&self) -> bool {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                (word & READY == 0).then_some(word | WAITED)
            })
            .is_ok()
    }

    /// The call came short: nothing is left there, if the poller has not spoken since `seen`. Once closed it
    /// stays ready: an end of file that came with the last bytes is not told again.
    #[inline]
    pub(crate) fn clear_short(&self, seen: Seen) {
        if seen.0 & CLOSED == 0 {
            self.clear(seen);
        }
    }

    /// The call would block: it is not ready, if the poller has not spoken since `seen`.
    pub(crate) fn clear(&self, seen: Seen) {
        if seen.is_ready() {
            let _ = self.0.compare_exchange(seen.0, seen.0 & !READY, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    #[inline]
    fn update(&self, flags: u32) -> Told {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let next = ((word | flags) & !WAITED).wrapping_add(TICK);
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if word & WAITED != 0 => return Told::WakeLine,
                Ok(_) => return Told::Nobody,
                Err(actual) => word = actual,
            }
        }
    }
}

impl Seen {
    /// Whether a call is worth trying.
    #[inline]
    pub(crate) fn is_ready(self) -> bool {
        self.0 & READY != 0
    }

    /// Whether somebody may stand in line.
    #[inline]
    pub(crate) fn is_waited(self) -> bool {
        self.0 & WAITED != 0
    }
}
