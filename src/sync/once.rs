//! [`Once`].

use std::{
    cell::Cell,
    fmt,
    marker::PhantomData,
    panic::{self, AssertUnwindSafe, RefUnwindSafe, UnwindSafe},
};

use crate::{
    lockfree::once::{self as protocol, Await, End, Start, Until},
    sched::{
        cancel,
        clock::Nanos,
        ids,
        wait::{self, WaitsFor, Who},
    },
};

/// What is to be done once, by whoever comes first. As [`std::sync::Once`], whose documentation holds; who has to wait
/// parks instead of blocking.
///
/// The closure may park. A `Once` has 24 bytes, and to wait for one allocates nothing.
///
/// # Fairness
/// All who wait are woken at the end of a run, in the order in which they came. If it is to be run again, whoever is
/// there first runs it, as a rule the one that has waited longest.
///
/// # Cancellation
/// A call that has to wait is a park point; a waiter that is cancelled leaves, and changes nothing. If the closure
/// *panics*, the `Once` is poisoned, as `std`'s. If a cancel or a timeout unwinds out of the closure it is not: it is as
/// if the closure had not been called, and the next caller (one that waits, if there is one) calls its own.
///
/// ```
/// use std::time::Duration;
/// use sward::sync::{Arc, Once};
///
/// sward::Runtime::builder().virtual_clock(true).run(|| {
///     let once = Arc::new(Once::new());
///     let theirs = Arc::clone(&once);
///     let first = sward::spawn(move || theirs.call_once(|| sward::sleep(Duration::from_secs(3600))));
///     sward::yield_now();
///     first.cancel(); // it is asleep in the closure
///     assert!(first.join().unwrap_err().is_cancelled());
///
///     assert!(!once.is_completed());
///     once.call_once(|| println!("said once"));
///     assert!(once.is_completed());
/// });
/// ```
pub struct Once {
    protocol: protocol::Once<Who>,
}

impl UnwindSafe for Once {}
impl RefUnwindSafe for Once {}

/// What [`Once::call_once_force`] tells its closure. As [`std::sync::OnceState`].
pub struct OnceState {
    poisoned: bool,
    /// As `std`'s it is not `Sync`.
    _not_sync: PhantomData<Cell<()>>,
}

/// A [`Once`] that is to be done, from before [`Once::new`] was `const`. As `std::sync::ONCE_INIT`.
#[deprecated(note = "the `Once::new()` function is now preferred")]
#[allow(clippy::declare_interior_mutable_const, reason = "it is what std has")]
pub const ONCE_INIT: Once = Once::new();

impl Once {
    /// One that is to be done.
    #[inline]
    #[must_use]
    #[expect(clippy::new_without_default, reason = "std's has no default")]
    pub const fn new() -> Self {
        Self { protocol: protocol::Once::new() }
    }

    /// One that is done.
    pub(super) fn completed() -> Self {
        Self { protocol: protocol::Once::complete() }
    }

    /// Calls the closure, if no call has been completed. If one is under way, parks until it has ended. When this
    /// returns, a closure has been completed, and what it did is visible.
    ///
    /// # Panics
    /// If a closure has panicked before: it is poisoned. If the calling green thread (or OS thread) runs the closure
    /// of this very `Once`: it would wait for itself for ever.
    #[inline]
    #[track_caller]
    pub fn call_once<F>(&self, f: F)
    where
        F: FnOnce(),
    {
        if !self.is_completed() {
            let mut f = Some(f);
            self.call(false, &mut |_| f.take().expect("it is called once")());
        }
    }

    /// As [`call_once`](Self::call_once), and does not mind that it is poisoned: the closure is told.
    ///
    /// # Panics
    /// If the calling green thread (or OS thread) runs the closure of this very `Once`.
    #[inline]
    #[track_caller]
    pub fn call_once_force<F>(&self, f: F)
    where
        F: FnOnce(&OnceState),
    {
        if !self.is_completed() {
            let mut f = Some(f);
            self.call(true, &mut |state| f.take().expect("it is called once")(state));
        }
    }

    /// Whether a call has been completed. Then what its closure did is visible.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.protocol.is_complete()
    }

    /// Parks until a call has been completed, by whoever.
    ///
    /// # Panics
    /// If it is poisoned, or becomes so. If the calling green thread (or OS thread) runs the closure of this very
    /// `Once`.
    #[track_caller]
    pub fn wait(&self) {
        while !self.is_completed() {
            self.refuse_if_poisoned();
            self.wait_until(Until::Ended);
        }
    }

    /// As [`wait`](Self::wait), and does not mind that it is poisoned: it waits for a call that does not panic.
    ///
    /// # Panics
    /// If the calling green thread (or OS thread) runs the closure of this very `Once`.
    #[track_caller]
    pub fn wait_force(&self) {
        while !self.is_completed() {
            self.wait_until(Until::Complete);
        }
    }

    #[cold]
    #[track_caller]
    fn call(&self, force: bool, f: &mut dyn FnMut(&OnceState)) {
        loop {
            match self.protocol.start(force) {
                Start::Run { poisoned } => {
                    return self.run(&OnceState { poisoned, _not_sync: PhantomData }, f);
                }
                Start::Wait => self.wait_until(Until::Idle),
                Start::Complete => return,
                Start::Poisoned => self.refuse_if_poisoned(),
            }
        }
    }

    /// Calls the closure, by who has started.
    fn run(&self, state: &OnceState, f: &mut dyn FnMut(&OnceState)) {
        let protocol = &self.protocol;
        protocol.holder.set(ids::current());
        let result = panic::catch_unwind(AssertUnwindSafe(|| f(state)));
        let end = match &result {
            Ok(()) => End::Complete,
            Err(payload) if cancel::is_interruption(&**payload) => End::Interrupted,
            Err(_) => End::Poisoned,
        };
        protocol.holder.clear();
        protocol.finish(end);
        if let Err(payload) = result {
            panic::resume_unwind(payload);
        }
    }

    #[track_caller]
    fn refuse_if_poisoned(&self) {
        assert!(!self.protocol.is_poisoned(), "Once instance has previously been poisoned");
    }

    /// Waits for a state, which may have changed again when this returns.
    #[cold]
    #[track_caller]
    fn wait_until(&self, until: Until) {
        let holder = &self.protocol.holder;
        assert!(
            !holder.is(ids::current()),
            "deadlock: this thread runs the initialization already that it is about to wait for"
        );
        wait::block_on(Await(&self.protocol, until), WaitsFor::lock("Once", self, holder), Nanos::NEVER)
            .expect("without a deadline it does not time out");
    }
}

impl OnceState {
    /// Whether a closure has panicked before.
    #[inline]
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl fmt::Debug for OnceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceState").field("poisoned", &self.is_poisoned()).finish()
    }
}
