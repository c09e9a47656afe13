//! Wake-ups that were collected under a lock and are delivered without it: a handful at a time, on the stack.
//!
//! **Invariant.** The first `count` of them are there.

use std::mem::MaybeUninit;

use super::wait_list::Waiter;

/// So many at a time.
const ROOM: usize = 32;

/// See the [module](self). What is not delivered is leaked.
pub(crate) struct Wakes<W: Waiter> {
    /// Not initialised at first: most have one wake-up to deliver, and that much zeroing costs more than all the rest.
    wakes: [MaybeUninit<W::Wake>; ROOM],
    count: usize,
}

impl<W: Waiter> Wakes<W> {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { wakes: [const { MaybeUninit::uninit() }; ROOM], count: 0 }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.count == ROOM
    }

    /// Keeps one, if it is one. There is room for it.
    pub(crate) fn push(&mut self, wake: Option<W::Wake>) {
        if let Some(wake) = wake {
            self.wakes[self.count].write(wake);
            self.count += 1;
        }
    }

    /// Delivers them in their order, and has room again. Called without a lock.
    pub(crate) fn deliver(&mut self) {
        let count = std::mem::take(&mut self.count);
        for wake in &self.wakes[..count] {
            // SAFETY: it is there (the Invariant), and taken once: the count says since before that there is none.
            W::deliver(unsafe { wake.assume_init_read() });
        }
    }
}
