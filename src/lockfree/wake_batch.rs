//! To wake many: as many as go into a batch at a time, so that a line's lock is never held for long, however many are in
//! line, and nothing is allocated.
//!
//! ```text
//! lock, grant up to SIZE, unlock, deliver them; again, until `fill` has found no more to grant
//! ```
//!
//! Between two batches others come and go. So who wakes all that are in line *now* gives each a ticket when it comes,
//! and grants from the front as long as the tickets are older than the moment when it began.
//!
//! **Invariant.** What is in a batch is delivered once, in its order, also if a delivery unwinds.

use super::wait_list::{List, Waiter};

/// How many are granted under one hold of a lock. A model explores what comes between the batches.
const SIZE: usize = if cfg!(loom) { 1 } else { 32 };

/// Wake-ups that are to be delivered when the lock is free.
pub(crate) struct WakeBatch<W: Waiter> {
    wakes: [Option<W::Wake>; SIZE],
    /// Those before are delivered.
    from: usize,
    to: usize,
}

/// How [`WakeBatch::grant_while`] ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// There was nobody more to grant to.
    WithAll,
    /// There was no more room: deliver, and come back.
    ToTheBrim,
}

/// Has `fill` fill a batch under its lock and delivers it, again and again until `fill` has found all.
#[inline]
pub(crate) fn wake_all<W: Waiter>(mut fill: impl FnMut(&mut WakeBatch<W>) -> Filled) {
    let mut batch = WakeBatch { wakes: [const { None }; SIZE], from: 0, to: 0 };
    loop {
        let filled = fill(&mut batch);
        batch.deliver();
        if filled == Filled::WithAll {
            return;
        }
    }
}

impl<W: Waiter> WakeBatch<W> {
    /// Grants from the front of `line` as long as `may` says so of a payload and there is room. `prepare` sees each
    /// payload before it is granted.
    #[inline]
    pub(crate) fn grant_while<P>(
        &mut self,
        line: &mut List<W, P>,
        may: impl Fn(&P) -> bool,
        prepare: impl Fn(&P),
    ) -> Filled {
        while line.front().is_some_and(&may) {
            if self.to == SIZE {
                return Filled::ToTheBrim;
            }
            self.wakes[self.to] = line.grant_front(&prepare);
            self.to += 1;
        }
        Filled::WithAll
    }

    fn deliver(&mut self) {
        while self.from < self.to {
            let wake = self.wakes[self.from].take();
            self.from += 1;
            if let Some(wake) = wake {
                W::deliver(wake);
            }
        }
        (self.from, self.to) = (0, 0);
    }
}

impl<W: Waiter> Drop for WakeBatch<W> {
    /// The rest, if a delivery has unwound.
    fn drop(&mut self) {
        self.deliver();
    }
}
