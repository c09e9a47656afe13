//! L3: the scheduler. [`park`] is the one primitive that all waiting is built on; [`worker`] runs green
//! threads; [`runtime`] is a set of workers; [`reactor`] and [`timer`] wake what waits for the world.

pub(crate) mod blocking;
pub(crate) mod cancel;
pub(crate) mod clock;
pub(crate) mod io;
pub(crate) mod locals;
pub(crate) mod park;
mod queue;
mod reactor;
pub(crate) mod runtime;
mod slot;
pub(crate) mod task;
mod thief;
mod timer;
pub(crate) mod worker;

use clock::Nanos;

/// The moment by the caller's clock: its runtime's, virtual or real, or the real one on a plain OS thread.
#[inline]
pub(crate) fn now() -> Nanos {
    worker::of_this_thread().map_or_else(Nanos::real_now, worker::Worker::now)
}

/// Ends the calling green thread's current call if it was cancelled; elsewhere does nothing.
pub(crate) fn unwind_if(cancelled: bool) {
    if cancelled {
        cancel::unwind();
    }
}

/// Runs `f` with cancels held back: what came meanwhile is delivered at the next park after it. Does nothing
/// more on a plain OS thread.
pub(crate) fn shielded<R>(f: impl FnOnce() -> R) -> R {
    struct Lower<'a>(Option<&'a slot::Slot>);
    impl Drop for Lower<'_> {
        fn drop(&mut self) {
            if let Some(slot) = self.0 {
                slot.shield.set(slot.shield.get() - 1);
            }
        }
    }
    let slot = worker::current().map(|(_, slot)| slot);
    if let Some(slot) = slot {
        slot.shield.set(slot.shield.get() + 1);
    }
    let _lower = Lower(slot);
    f()
}
