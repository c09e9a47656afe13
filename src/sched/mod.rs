//! L3: the scheduler. [`park`] is the one primitive that all waiting is built on; [`worker`] runs green
//! threads; [`runtime`] is a set of workers; [`reactor`] and [`timer`] wake what waits for the world.

pub(crate) mod blocking;
pub(crate) mod cancel;
pub(crate) mod clock;
pub(crate) mod deadlock;
mod delay;
mod extras;
mod fire;
mod here;
mod idle;
pub(crate) mod ids;
pub(crate) mod interrupts;
pub(crate) mod io;
pub(crate) mod locals;
pub(crate) mod park;
mod queue;
mod reactor;
mod ring;
pub(crate) mod runtime;
mod slot;
pub(crate) mod start;
pub(crate) mod task;
mod thief;
mod timer;
pub(crate) mod wait;
mod waiters;
pub(crate) mod wake;
pub(crate) mod worker;

use clock::Nanos;

use crate::rng::Rng;

/// The moment by the caller's clock: its runtime's, virtual or real, or the real one on a plain OS thread.
#[inline]
pub(crate) fn now() -> Nanos {
    worker::of_this_thread().map_or_else(Nanos::real_now, worker::Worker::now)
}

/// A number below `n`, which is not zero: by the seed of the caller's runtime if that has one.
pub(crate) fn random_below(n: usize) -> usize {
    use std::{cell::RefCell, hash::BuildHasher};
    thread_local! {
        static RNG: RefCell<Rng> = RefCell::new(Rng::new(std::hash::RandomState::new().hash_one(0)));
    }
    match worker::of_this_thread() {
        Some(worker) => worker.rng.borrow_mut().below(n),
        // At the thread's end, when its locals are gone, anything goes.
        None => RNG.try_with(|rng| rng.borrow_mut().below(n)).unwrap_or(0),
    }
}

/// Ends the calling green thread's current call if it was cancelled; elsewhere does nothing.
pub(crate) fn unwind_if(cancelled: bool) {
    if cancelled {
        cancel::unwind();
    }
}

/// Runs `f` with cancels and timeouts held back: what came meanwhile is delivered at the next park after it.
pub(crate) fn shielded<R>(f: impl FnOnce() -> R) -> R {
    struct Lower;
    impl Drop for Lower {
        fn drop(&mut self) {
            interrupts::with_current(interrupts::Interrupts::lower_shield);
        }
    }
    interrupts::with_current(interrupts::Interrupts::raise_shield);
    let _lower = Lower;
    f()
}
