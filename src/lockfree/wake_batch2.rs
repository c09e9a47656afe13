//! Wake-ups for many: gathered under the lock of a line, so many at a time, and delivered when it is free.
//!
//! A line of any length is served in batches, so that nothing is allocated, and that the lock is held for a few wake-ups
//! at a time. Between two batches others come to the line and leave it; its owner tells those who are due from those who
//! came later by what it keeps with each, which has to rise along the line.

use super::wait_list::{List, Waiter};

/// How many are woken while the lock is held. In a model two, so that three waiters need a second batch.
const ROOM: usize = if cfg!(loom) { 2 } else { 32 };

/// See the [module](self). What is in it is delivered in any case, also when a delivery unwinds.
pub(crate) struct WakeBatch<W: Waiter> {
    wakes: [Option<W::Wake>; ROOM],
    len: usize,
    /// So many of them are delivered.
    delivered: usize,
}

/// How far a batch went.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// Nobody who is due is left in line.
    All,
    /// The batch is full: deliver it and come again.
    Some,
}

impl<W: Waiter> WakeBatch<W> {
    fn new() -> Self {
        Self { wakes: [const { None }; ROOM], len: 0, delivered: 0 }
    }

    /// Grants from the front of the line, as long as the first in it is due and there is room. `prepare` sees the
    /// payload of each before its mark.
    pub(crate) fn grant_while<P>(
        &mut self,
        line: &mut List<W, P>,
        due: impl Fn(&P) -> bool,
        prepare: impl Fn(&P),
    ) -> Served {
        while line.front().is_some_and(&due) {
            if self.len == ROOM {
                return Served::Some;
            }
            self.wakes[self.len] = line.grant_front(&prepare);
            self.len += 1;
        }
        Served::All
    }

    /// Delivers them in order. No lock is held.
    fn deliver(&mut self) {
        while self.delivered < self.len {
            let wake = self.wakes[self.delivered].take();
            self.delivered += 1;
            if let Some(wake) = wake {
                W::deliver(wake);
            }
        }
        (self.len, self.delivered) = (0, 0);
    }
}

impl<W: Waiter> Drop for WakeBatch<W> {
    fn drop(&mut self) {
        self.deliver();
    }
}

/// Wakes many: `serve` fills a batch under its lock, and is called again until all are served.
pub(crate) fn wake_in_batches<W: Waiter>(mut serve: impl FnMut(&mut WakeBatch<W>) -> Served) {
    let mut batch = WakeBatch::new();
    while serve(&mut batch) == Served::Some {
        batch.deliver();
    }
}
