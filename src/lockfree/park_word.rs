//! The park word: one word a waiter, on which it stops and is woken.
//!
//! ```text
//! FRESH    -> EMPTY      // begin: the worker that runs it first
//! EMPTY    -> PARKED     // prepare: the owner, about to switch away
//! PARKED   -> EMPTY      // unpark, cancel, expire: by the one that wins, who must then schedule the owner
//! EMPTY    -> NOTIFIED   // unpark, cancel, when the owner has not parked: its next park returns at once
//! NOTIFIED -> EMPTY      // prepare: the owner takes the permit instead of parking
//! ```
//!
//! Beside the state the word has flags: `IN_PLACE` (the owner sleeps on this word as a futex, and not as a
//! green thread), `AWAITS_TOKEN` (the owner is in the user's `park`), `TOKEN` (the user's `unpark` came
//! first) and `CANCELLED` (sticky).
//!
//! **Invariant 1.** Only the owner leaves `EMPTY` for `PARKED`, and exactly one other party leaves `PARKED`.
//! **Invariant 2.** From that moment until it schedules the owner, that party alone decides when the owner
//! runs on: whatever the owner keeps alive (its task, its worker) stays alive till then.

use std::fmt;

use crate::atomic::{AtomicU32, Ordering};

/// Set if the owner runs, or is about to.
const EMPTY: u32 = 0;
/// Set if the owner has stopped, or is about to switch away and will not run until it is scheduled.
const PARKED: u32 = 1;
/// Set if a wake-up came while the owner was running.
const NOTIFIED: u32 = 2;
/// Set until the owner runs for the first time.
const FRESH: u32 = 3;
const STATE: u32 = 0b11;
const _: () = assert!(FRESH | NOTIFIED == FRESH, "`cancel` leans on it");

/// Set with `PARKED` if the owner sleeps on the word itself.
const IN_PLACE: u32 = 1 << 2;
/// Set with `PARKED` if the owner waits for the user's token.
const AWAITS_TOKEN: u32 = 1 << 3;
/// Set if the user's `unpark` came before the `park` that will take it.
const TOKEN: u32 = 1 << 4;
/// Set once the owner was cancelled, until it takes the cancel.
const CANCELLED: u32 = 1 << 5;

/// See the [module](self).
pub(crate) struct ParkWord(AtomicU32);

/// A decoded value of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot(u32);

/// How the owner is going to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It switches to its worker's scheduler.
    Switch,
    /// It sleeps on the word.
    InPlace,
}

/// Where an owner in place sleeps.
pub(crate) type FutexAddress = *const AtomicU32;

/// What the owner does after [`ParkWord::prepare`] or [`ParkWord::prepare_for_token`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// Stop now: somebody will schedule it.
    Park,
    /// Go on: a wake-up had come already, and is taken.
    Notified,
}

/// What a waker does after its transition.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unparked {
    /// It won: put the owner into its worker's queue.
    Schedule,
    /// It won, and the owner sleeps on the word: wake the futex.
    WakeFutex,
    /// The owner runs, or another waker won: nothing to do.
    Nothing,
}

impl ParkWord {
    /// The word of a green thread that has not run yet.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn fresh() -> Self {
        Self(AtomicU32::new(FRESH))
    }

    /// The word of something that runs already: an OS thread.
    pub(crate) fn running() -> Self {
        Self(AtomicU32::new(EMPTY))
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> Snapshot {
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// The first run. Says what the word was, so that one cancelled before never runs.
    pub(crate) fn begin(&self) -> Snapshot {
        // Until then the state is `FRESH`, whatever flags come meanwhile: to take it off is the whole transition, and
        // needs no loop, as an `and` that tells the old value does.
        let old = self.0.fetch_sub(FRESH, Ordering::AcqRel);
        debug_assert_eq!(old & STATE, FRESH, "begun twice");
        Snapshot(old)
    }

    /// The owner is about to stop for a wake-up of the runtime's own.
    #[inline(always)]
    pub(crate) fn prepare(&self, mode: Mode) -> Prepared {
        self.transition(|word| match word & STATE {
            EMPTY => (word | PARKED | mode.flag(), Prepared::Park),
            _ => (word & !STATE, Prepared::Notified),
        })
    }

    /// The owner is about to stop for the user's token. A wake-up of the runtime's own ends this as well: a
    /// spurious return, which `std::thread::park` allows.
    #[inline(always)]
    pub(crate) fn prepare_for_token(&self, mode: Mode) -> Prepared {
        self.transition(|word| match word {
            _ if word & TOKEN != 0 => (word & !TOKEN, Prepared::Notified),
            _ if word & STATE == EMPTY => (word | PARKED | AWAITS_TOKEN | mode.flag(), Prepared::Park),
            _ => (word & !STATE, Prepared::Notified),
        })
    }

    /// Takes the user's token if it is there.
    #[cfg(all(test, loom))]
    pub(crate) fn take_token(&self) -> bool {
        self.load().has(TOKEN) && self.0.fetch_and(!TOKEN, Ordering::Acquire) & TOKEN != 0
    }

    /// Wakes the owner, or leaves it a permit.
    #[inline]
    pub(crate) fn unpark(&self) -> Unparked {
        self.transition(|word| match word & STATE {
            PARKED => (word & !(STATE | IN_PLACE | AWAITS_TOKEN), word.winner()),
            EMPTY => (word | NOTIFIED, Unparked::Nothing),
            // Fresh: it will look at what it waits for when it first runs. Notified: the permit is there. The
            // write of the same value stands, so that what came before this call is seen by who takes it.
            _ => (word, Unparked::Nothing),
        })
    }

    /// The user's `unpark`: hands the token over if the owner waits for it, and leaves it otherwise.
    #[inline]
    pub(crate) fn unpark_with_token(&self) -> Unparked {
        self.transition(|word| match word & (STATE | AWAITS_TOKEN) {
            waits if waits == PARKED | AWAITS_TOKEN => {
                (word & !(STATE | IN_PLACE | AWAITS_TOKEN), word.winner())
            }
            _ => (word | TOKEN, Unparked::Nothing),
        })
    }

    /// Marks the owner as cancelled, and wakes it or leaves it a permit: it may have looked for the mark already
    /// and be about to park.
    pub(crate) fn cancel(&self) -> Unparked {
        self.transition(|word| match word & STATE {
            PARKED => ((word | CANCELLED) & !(STATE | IN_PLACE | AWAITS_TOKEN), word.winner()),
            // Notified and fresh ones keep their state: both have this bit set.
            _ => (word | CANCELLED | NOTIFIED, Unparked::Nothing),
        })
    }

    /// Makes what was written before this visible to whoever cancels from now on. Says whether somebody has before.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn show(&self) -> Snapshot {
        Snapshot(self.0.fetch_or(0, Ordering::AcqRel))
    }

    /// The owner takes a cancel that it was told of: the next one counts anew.
    pub(crate) fn take_cancel(&self) {
        self.0.fetch_and(!CANCELLED, Ordering::AcqRel);
    }

    /// The owner's worker (or the owner, in place) gives up the wait: its deadline came. True if it won.
    #[must_use]
    pub(crate) fn expire(&self) -> bool {
        self.transition(|word| match word & STATE {
            PARKED => (word & !(STATE | IN_PLACE | AWAITS_TOKEN), true),
            _ => (word, false),
        })
    }

    /// The address to sleep on, and the value that means "still parked" at this moment (`None`: it is not).
    #[cfg(not(loom))]
    pub(crate) fn futex(&self) -> Option<(&AtomicU32, u32)> {
        let now = self.load();
        now.is_parked().then_some((&self.0, now.0))
    }

    /// The address alone, for the waker.
    #[cfg(not(loom))]
    pub(crate) fn futex_address(&self) -> FutexAddress {
        &raw const self.0
    }

    #[inline(always)]
    fn transition<R>(&self, f: impl Fn(u32) -> (u32, R)) -> R {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let (next, result) = f(word);
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return result,
                Err(actual) => word = actual,
            }
        }
    }
}

impl Mode {
    #[inline(always)]
    fn flag(self) -> u32 {
        match self {
            Mode::Switch => 0,
            Mode::InPlace => IN_PLACE,
        }
    }
}

trait Winner {
    fn winner(self) -> Unparked;
}

impl Winner for u32 {
    /// What the one that took the word out of `PARKED` has to do.
    #[inline(always)]
    fn winner(self) -> Unparked {
        if self & IN_PLACE != 0 { Unparked::WakeFutex } else { Unparked::Schedule }
    }
}

impl Snapshot {
    #[inline(always)]
    fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    pub(crate) fn is_fresh(self) -> bool {
        self.0 & STATE == FRESH
    }

    pub(crate) fn is_parked(self) -> bool {
        self.0 & STATE == PARKED
    }

    #[inline(always)]
    pub(crate) fn is_cancelled(self) -> bool {
        self.has(CANCELLED)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(["EMPTY", "PARKED", "NOTIFIED", "FRESH"][(self.0 & STATE) as usize])?;
        for (flag, name) in [
            (IN_PLACE, "IN_PLACE"),
            (AWAITS_TOKEN, "AWAITS_TOKEN"),
            (TOKEN, "TOKEN"),
            (CANCELLED, "CANCELLED"),
        ] {
            if self.has(flag) {
                write!(f, " | {name}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ParkWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}
