//! The park word: on which a waiter stops, and by which it is woken. In two halves, because most wake-ups come from the OS
//! thread that runs the owner, and need no locked instruction there.
//!
//! The *own* half is moved on that thread alone, by plain loads and stores (others may read it, to tell what it is doing):
//!
//! ```text
//! FRESH    -> EMPTY      // begin: the worker that runs it first
//! EMPTY    -> PARKED     // prepare: the owner, about to switch away
//! PARKED   -> EMPTY      // unpark_here, receive, expire: the worker must then queue the owner
//! EMPTY    -> NOTIFIED   // unpark_here, when the owner has not parked: its next park returns at once
//! NOTIFIED -> EMPTY      // prepare: the owner takes the permit instead of parking
//! ```
//!
//! with the flags `AWAITS_TOKEN` (beside `PARKED`: the owner is in the user's `park`) and `HAS_TOKEN` (the user's `unpark`
//! came first). The *sent* half is what all other threads say; its flags:
//!
//! ```text
//! AWAY       // until settle, and from leave on: nobody looks into an inbox for it. An OS thread is always away
//! QUEUED     // by who sends and finds it neither AWAY, IN_PLACE nor QUEUED: it must put the owner into its worker's inbox.
//!            // Off by receive, when the worker has taken it from there
//! WAKE       // a wake-up; off when the owner's side takes it over (receive, prepare) or sleeps in place and takes it
//! TOKEN      // the user's, likewise
//! CANCELLED  // sticky
//! IN_PLACE   // the owner sleeps on this half as a futex, and not as a green thread
//! ```
//!
//! **Invariant 1.** Whoever turned `QUEUED` on pushes the owner, once, and nobody else does before `receive`.
//! **Invariant 2.** What has parked is alive until `leave` has said that nothing is queued, or it was received after that. So
//! one who has turned `QUEUED` on may still use the owner until it has pushed it.

use std::fmt;

use crate::atomic::{AtomicU8, AtomicU32, Ordering};

/// Set in the own half if the owner runs, or is about to.
const EMPTY: u8 = 0;
/// Set if the owner has stopped, or is about to switch away and will not run until it is queued.
const PARKED: u8 = 1;
/// Set if a wake-up came while the owner was running.
const NOTIFIED: u8 = 2;
/// Set until the owner runs for the first time.
const FRESH: u8 = 3;
const STATE: u8 = 0b11;

/// Set with `PARKED` if the owner waits for the user's token.
const AWAITS_TOKEN: u8 = 1 << 2;
/// Set if the user's token is there, and nobody has taken it.
const HAS_TOKEN: u8 = 1 << 3;

const AWAY: u32 = 1 << 0;
const QUEUED: u32 = 1 << 1;
const WAKE: u32 = 1 << 2;
const TOKEN: u32 = 1 << 3;
const CANCELLED: u32 = 1 << 4;
const IN_PLACE: u32 = 1 << 5;

/// See the [module](self).
pub(crate) struct ParkWord {
    sent: AtomicU32,
    own: AtomicU8,
}

/// What a waiter waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Await {
    /// A wake-up of the runtime's own.
    Wakeup,
    /// The token of the user's `unpark`. A wake-up of the runtime's own ends this as well: a spurious return, which
    /// `std::thread::park` allows.
    Token,
}

/// Where an owner in place sleeps.
pub(crate) type FutexAddress = *const AtomicU32;

/// What the owner does after [`ParkWord::prepare`] or [`ParkWord::prepare_in_place`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// Stop now: somebody will wake it.
    Park,
    /// Go on: a wake-up had come already, and is taken.
    Notified,
}

/// What one who sends does then.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Put the owner into its worker's inbox.
    Push,
    /// The owner sleeps on the word: wake the futex.
    WakeFutex,
    /// The owner finds it by itself, or another has pushed it.
    Nothing,
}

/// What the worker does with one that it took from its inbox.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Queue it.
    Schedule,
    /// It runs, or is queued.
    Nothing,
    /// It has ended: the last of it may go.
    Left,
}

/// The owner, and the worker that runs it: all calls are made on that OS thread.
impl ParkWord {
    /// The word of a green thread that has not run yet.
    pub(crate) fn fresh() -> Self {
        Self { sent: AtomicU32::new(AWAY), own: AtomicU8::new(FRESH) }
    }

    /// The word of an OS thread, which sleeps in place.
    pub(crate) fn of_os_thread() -> Self {
        Self { sent: AtomicU32::new(AWAY), own: AtomicU8::new(EMPTY) }
    }

    /// The word of a green thread that runs, and has settled.
    #[cfg(all(test, loom))]
    pub(crate) fn running() -> Self {
        Self { sent: AtomicU32::new(0), own: AtomicU8::new(EMPTY) }
    }

    /// The first run.
    #[inline(always)]
    pub(crate) fn begin(&self) {
        debug_assert_eq!(self.own.load(Ordering::Relaxed) & STATE, FRESH, "begun twice");
        self.set_state(EMPTY);
    }

    /// From now on the worker finds it in its inbox if something is sent.
    pub(crate) fn settle(&self) {
        self.sent.fetch_and(!AWAY, Ordering::AcqRel);
    }

    /// Whether something was sent that it has not received.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn is_queued(&self) -> bool {
        self.sent.load(Ordering::Relaxed) & QUEUED != 0
    }

    /// It has ended. True: somebody has it queued, and it must live until it was received.
    #[must_use]
    pub(crate) fn leave(&self) -> bool {
        self.sent.fetch_or(AWAY, Ordering::AcqRel) & QUEUED != 0
    }

    /// The owner is about to stop, and to switch away.
    #[inline(always)]
    pub(crate) fn prepare(&self, what: Await) -> Prepared {
        if self.take_own(what) {
            return Prepared::Notified;
        }
        let own = self.own.load(Ordering::Relaxed);
        let awaits = if what == Await::Token { AWAITS_TOKEN } else { 0 };
        self.own.store(own | PARKED | awaits, Ordering::Relaxed);
        Prepared::Park
    }

    /// The owner is about to stop, and to sleep on the word.
    pub(crate) fn prepare_in_place(&self, what: Await) -> Prepared {
        if self.take_own(what) {
            return Prepared::Notified;
        }
        self.transition(|sent| match what.taken_from(sent) {
            Some(rest) => (rest, Prepared::Notified),
            None => (sent | IN_PLACE, Prepared::Park),
        })
    }

    /// The owner sleeps on the word no longer. True: what it waited for is there, and is taken.
    pub(crate) fn end_in_place(&self, what: Await) -> bool {
        self.transition(|sent| match what.taken_from(sent) {
            Some(rest) => (rest & !IN_PLACE, true),
            None => (sent & !IN_PLACE, false),
        })
    }

    /// Wakes the owner, or leaves it a permit. True: queue it.
    #[inline(always)]
    #[must_use]
    pub(crate) fn unpark_here(&self) -> bool {
        match self.own.load(Ordering::Relaxed) & STATE {
            PARKED => self.expire(),
            EMPTY => {
                self.set_state(NOTIFIED);
                false
            }
            // Fresh: it will look at what it waits for when it first runs. Notified: the permit is there.
            _ => false,
        }
    }

    /// The user's `unpark`: hands the token over if the owner waits for it, and leaves it otherwise. True: queue it.
    #[inline(always)]
    #[must_use]
    pub(crate) fn unpark_with_token_here(&self) -> bool {
        let own = self.own.load(Ordering::Relaxed);
        if own & (STATE | AWAITS_TOKEN) == PARKED | AWAITS_TOKEN {
            return self.expire();
        }
        self.own.store(own | HAS_TOKEN, Ordering::Relaxed);
        false
    }

    /// As [`cancel`](Self::cancel). True: queue it.
    #[must_use]
    pub(crate) fn cancel_here(&self) -> bool {
        self.sent.fetch_or(CANCELLED, Ordering::AcqRel);
        self.unpark_here()
    }

    /// Ends the wait of one that is parked, and says whether it was.
    #[inline(always)]
    #[must_use]
    pub(crate) fn expire(&self) -> bool {
        let own = self.own.load(Ordering::Relaxed);
        let parked = own & STATE == PARKED;
        if parked {
            self.own.store(own & !(STATE | AWAITS_TOKEN), Ordering::Relaxed);
        }
        parked
    }

    /// The worker has taken it from its inbox: what was sent is the owner's now.
    pub(crate) fn receive(&self) -> Received {
        let sent = self.transition(|sent| (sent & !(QUEUED | WAKE | TOKEN), sent));
        if sent & AWAY != 0 {
            return Received::Left;
        }
        let woken = sent & WAKE != 0 && self.unpark_here();
        let given = sent & TOKEN != 0 && self.unpark_with_token_here();
        if woken || given { Received::Schedule } else { Received::Nothing }
    }

    /// The owner takes a cancel that it was told of: the next one counts anew.
    pub(crate) fn take_cancel(&self) {
        self.sent.fetch_and(!CANCELLED, Ordering::AcqRel);
    }

    /// Makes what was written before this visible to whoever cancels from now on. Says whether somebody has before.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn show(&self) -> bool {
        self.sent.fetch_or(0, Ordering::AcqRel) & CANCELLED != 0
    }

    /// Takes what would end a wait for this, if it is there.
    #[inline(always)]
    fn take_own(&self, what: Await) -> bool {
        if self.sent.load(Ordering::Relaxed) & (WAKE | TOKEN) != 0 {
            self.take_over();
        }
        let own = self.own.load(Ordering::Relaxed);
        let rest = match what {
            Await::Token if own & HAS_TOKEN != 0 => own & !HAS_TOKEN,
            _ if own & STATE != EMPTY => own & !STATE,
            _ => return false,
        };
        self.own.store(rest, Ordering::Relaxed);
        true
    }

    /// What was sent while the owner ran, and has not come by the inbox yet, is the owner's now. (`QUEUED` stays: somebody has
    /// pushed it, or will.)
    #[cold]
    fn take_over(&self) {
        let sent = self.transition(|sent| (sent & !(WAKE | TOKEN), sent));
        // It runs, so both leave something for later, and nobody is to be queued.
        let _ = sent & WAKE != 0 && self.unpark_here();
        let _ = sent & TOKEN != 0 && self.unpark_with_token_here();
    }

    #[inline(always)]
    fn set_state(&self, state: u8) {
        self.own.store(self.own.load(Ordering::Relaxed) & !STATE | state, Ordering::Relaxed);
    }
}

/// Everybody else.
impl ParkWord {
    /// Wakes the owner, or leaves it a permit.
    pub(crate) fn unpark(&self) -> Sent {
        self.send(WAKE)
    }

    /// The user's `unpark`: hands the token over if the owner waits for it, and leaves it otherwise.
    pub(crate) fn unpark_with_token(&self) -> Sent {
        self.send(TOKEN)
    }

    /// Marks the owner as cancelled, and wakes it or leaves it a permit: it may have looked for the mark already
    /// and be about to park.
    pub(crate) fn cancel(&self) -> Sent {
        self.send(CANCELLED | WAKE)
    }

    #[inline(always)]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.sent.load(Ordering::Acquire) & CANCELLED != 0
    }

    /// Whether it has not begun, as far as the caller can know.
    pub(crate) fn is_fresh(&self) -> bool {
        self.own.load(Ordering::Relaxed) & STATE == FRESH
    }

    /// Whether it is parked, as far as the caller can know.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn is_parked(&self) -> bool {
        self.own.load(Ordering::Relaxed) & STATE == PARKED
            || self.sent.load(Ordering::Relaxed) & IN_PLACE != 0
    }

    /// The address to sleep on, and its value at this moment, if that is not what this waits for.
    pub(crate) fn futex(&self, what: Await) -> Option<(&AtomicU32, u32)> {
        let now = self.sent.load(Ordering::Relaxed);
        what.taken_from(now).is_none().then_some((&self.sent, now))
    }

    /// The address alone, for the waker.
    #[cfg(not(loom))]
    pub(crate) fn futex_address(&self) -> FutexAddress {
        &raw const self.sent
    }

    fn send(&self, flags: u32) -> Sent {
        // Also where all of it was sent before: what came before this call is to be seen by who takes it.
        self.transition(|sent| match () {
            () if sent & flags == flags => (sent, Sent::Nothing),
            () if sent & IN_PLACE != 0 => (sent | flags, Sent::WakeFutex),
            () if sent & (AWAY | QUEUED) != 0 => (sent | flags, Sent::Nothing),
            () => (sent | flags | QUEUED, Sent::Push),
        })
    }

    #[inline(always)]
    fn transition<R>(&self, f: impl Fn(u32) -> (u32, R)) -> R {
        let mut sent = self.sent.load(Ordering::Relaxed);
        loop {
            let (next, result) = f(sent);
            match self.sent.compare_exchange_weak(sent, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return result,
                Err(actual) => sent = actual,
            }
        }
    }
}

impl Await {
    /// What is left of what was sent when it has taken what ends its wait. `None`: that is not there.
    fn taken_from(self, sent: u32) -> Option<u32> {
        match self {
            Await::Token if sent & TOKEN != 0 => Some(sent & !TOKEN),
            _ if sent & WAKE != 0 => Some(sent & !WAKE),
            _ => None,
        }
    }
}

impl fmt::Debug for ParkWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (own, sent) = (self.own.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed));
        f.write_str(["EMPTY", "PARKED", "NOTIFIED", "FRESH"][usize::from(own & STATE)])?;
        let own = [(AWAITS_TOKEN, "AWAITS_TOKEN"), (HAS_TOKEN, "HAS_TOKEN")]
            .map(|(flag, name)| (own & flag != 0, name));
        let sent = [
            (AWAY, "AWAY"),
            (QUEUED, "QUEUED"),
            (WAKE, "WAKE"),
            (TOKEN, "TOKEN"),
            (CANCELLED, "CANCELLED"),
            (IN_PLACE, "IN_PLACE"),
        ]
        .map(|(flag, name)| (sent & flag != 0, name));
        let flags = own.into_iter().chain(sent).filter(|(is_set, _)| *is_set);
        flags.into_iter().try_for_each(|(_, name)| write!(f, " | {name}"))
    }
}
