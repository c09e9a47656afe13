//! To wake many: wake-ups are gathered under the lock of a line and delivered when it is free, a batch at a time.
//!
//! ```text
//! lock, fill a batch, unlock, deliver it; again, until there is nobody left to wake
//! ```
//!
//! So nothing is allocated, and the lock is held for a few wake-ups at a time, however long the line is. Between two
//! batches others come to the line and leave it: who wakes all that are in line *now* tells them from those who came
//! later by what stands with each, which has to rise along the line.
//!
//! **Invariant 1.** Those from `from` to before `to` are there.
//! **Invariant 2.** What is in a batch is delivered once, in its order, and no batch is left out: if a delivery unwinds,
//! which the waker of a task may do, the rest is woken all the same, and then the unwinding goes on.

use std::{
    mem::{self, MaybeUninit},
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::wait_list::{List, Waiter};

/// So many at a time. A model explores what comes between the batches.
const ROOM: usize = if cfg!(loom) { 1 } else { 32 };

/// A batch.
pub(crate) struct Wakes<W: Waiter> {
    /// Not initialised at first: most have one wake-up to deliver, and that much zeroing costs more than all the rest.
    /// One more than there is room for, for two that come together.
    wakes: [MaybeUninit<W::Wake>; ROOM + 1],
    /// Those before it are delivered.
    from: usize,
    to: usize,
}

/// How far a batch went.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// There is nobody left to wake.
    All,
    /// As many as there was room for.
    Some,
}

/// Has `serve` fill a batch under its lock and delivers it when that is free, again and again until all are served.
#[inline]
pub(crate) fn wake_all<W: Waiter>(serve: impl FnMut(&mut Wakes<W>) -> Served) {
    let wakes = Wakes { wakes: [const { MaybeUninit::uninit() }; ROOM + 1], from: 0, to: 0 };
    Rounds { serve, wakes, served: Served::Some }.go_on();
}

struct Rounds<W: Waiter, F: FnMut(&mut Wakes<W>) -> Served> {
    serve: F,
    wakes: Wakes<W>,
    served: Served,
}

impl<W: Waiter, F: FnMut(&mut Wakes<W>) -> Served> Rounds<W, F> {
    #[inline]
    fn go_on(&mut self) {
        self.wakes.deliver();
        while self.served == Served::Some {
            self.served = (self.serve)(&mut self.wakes);
            self.wakes.deliver();
        }
    }

    #[cold]
    fn go_on_unwinding(&mut self) {
        while let Err(another) = catch_unwind(AssertUnwindSafe(|| self.go_on())) {
            // The first is on its way. To drop this one may unwind again.
            mem::forget(another);
        }
    }
}

impl<W: Waiter, F: FnMut(&mut Wakes<W>) -> Served> Drop for Rounds<W, F> {
    /// Invariant 2.
    #[inline]
    fn drop(&mut self) {
        if self.served == Served::Some || self.wakes.from < self.wakes.to {
            self.go_on_unwinding();
        }
    }
}

impl<W: Waiter> Wakes<W> {
    /// Adds one, if it is one. There is room for it.
    #[inline]
    pub(crate) fn push(&mut self, wake: Option<W::Wake>) {
        if let Some(wake) = wake {
            self.wakes[self.to].write(wake);
            self.to += 1;
        }
    }

    /// Adds what `next` returns as long as that is something and there is room.
    pub(crate) fn push_while(&mut self, mut next: impl FnMut() -> [Option<W::Wake>; 2]) -> Served {
        while self.to < ROOM {
            let both = next();
            if both.iter().all(Option::is_none) {
                return Served::All;
            }
            both.into_iter().for_each(|wake| self.push(wake));
        }
        Served::Some
    }

    /// Grants from the front of the line as long as `may` says so of a payload and there is room; it is asked when there
    /// is, and yes is final. `prepare` sees the payload before the mark.
    #[inline]
    pub(crate) fn grant_while<P>(
        &mut self,
        line: &mut List<W, P>,
        may: impl Fn(&P) -> bool,
        prepare: impl Fn(&P),
    ) -> Served {
        while let Some(payload) = line.front() {
            if self.to >= ROOM {
                return Served::Some;
            }
            if !may(payload) {
                break;
            }
            self.push(line.grant_front(&prepare));
        }
        Served::All
    }

    /// Delivers them, and has room again.
    #[inline]
    fn deliver(&mut self) {
        while self.from < self.to {
            let wake = &self.wakes[self.from];
            self.from += 1;
            // SAFETY: it is there (Invariant 1), and is taken once: `from` is past it.
            W::deliver(unsafe { wake.assume_init_read() });
        }
        (self.from, self.to) = (0, 0);
    }
}
