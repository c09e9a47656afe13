//! The doorbell: how a worker is told that something was put before its door, asleep or not.
//!
//! ```text
//! AWAKE         -> ASLEEP       // fall_asleep: the worker, having found nothing; ASLEEP | ON_WORD where it sleeps on the word
//! any           -> any | RANG   // ring: anybody, after putting something there
//! ASLEEP        -> AWAKE        // wake_up: the worker, back from its sleep; a RANG beside it stays
//! AWAKE | RANG  -> AWAKE        // answer: the worker, which then looks
//! ```
//!
//! A worker that waits for descriptors sleeps in its poller. One that does not sleeps on this very word as a futex, which
//! is a third cheaper to wake.
//!
//! All moves are read-modify-writes of one word, so they have one order, and a ring is either before
//! `fall_asleep`, which then fails, or after it, and then the ringer is told to wake the worker. A wake-up
//! cannot be lost, and of many ringers only the first makes the system call.

use crate::atomic::{AtomicU32, Ordering};

/// Set while the worker sleeps, or is about to.
const ASLEEP: u32 = 1;
/// Set if something was put there since the worker last looked.
const RANG: u32 = 2;
/// Set with `ASLEEP` if it sleeps on the word, and not in its poller.
const ON_WORD: u32 = 4;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Doorbell(AtomicU32);

/// What the one that rang does next.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    /// Wake the worker's poller.
    WakePoller,
    /// Wake the one that sleeps on the word.
    WakeWord,
    /// The worker looks by itself, or another ringer wakes it.
    Nothing,
}

/// Where the worker sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bed {
    Poller,
    #[cfg_attr(loom, allow(dead_code))]
    Word,
}

/// Whether the worker may sleep.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asleep {
    Yes,
    /// It rang: look first.
    Rang,
}

impl Doorbell {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Rings, after something was put there.
    pub(crate) fn ring(&self) -> Rung {
        match self.0.fetch_or(RANG, Ordering::AcqRel) {
            ASLEEP => Rung::WakePoller,
            asleep if asleep == ASLEEP | ON_WORD => Rung::WakeWord,
            _ => Rung::Nothing,
        }
    }

    /// Whether it rang since the last [`answer`](Self::answer): one plain load, for each turn of the scheduler.
    #[inline(always)]
    pub(crate) fn rang(&self) -> bool {
        self.0.load(Ordering::Relaxed) & RANG != 0
    }

    /// Takes the ring; what was put there before it is visible afterwards.
    pub(crate) fn answer(&self) {
        self.0.fetch_and(!RANG, Ordering::AcqRel);
    }

    /// Whether the worker sleeps, or is not back from it yet: if it rings now, it looks before it does anything else.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn is_asleep(&self) -> bool {
        self.0.load(Ordering::Relaxed) & ASLEEP != 0
    }

    pub(crate) fn fall_asleep(&self, bed: Bed) -> Asleep {
        let asleep = match bed {
            Bed::Poller => ASLEEP,
            Bed::Word => ASLEEP | ON_WORD,
        };
        match self.0.compare_exchange(0, asleep, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => Asleep::Yes,
            Err(_) => Asleep::Rang,
        }
    }

    /// Back from the sleep. A ring stays for [`answer`](Self::answer).
    pub(crate) fn wake_up(&self) {
        self.0.fetch_and(!(ASLEEP | ON_WORD), Ordering::AcqRel);
    }

    /// The word to sleep on, and its value as long as nobody rings.
    #[cfg(not(loom))]
    pub(crate) fn futex(&self) -> (&AtomicU32, u32) {
        (&self.0, ASLEEP | ON_WORD)
    }
}
