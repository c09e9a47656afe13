//! Wake-ups that were collected under a lock and are delivered without it: a handful at a time, on the stack.

use super::wait_list::Waiter;

/// So many at a time.
const ROOM: usize = 32;

/// See the [module](self).
pub(crate) struct Wakes<W: Waiter> {
    wakes: [Option<W::Wake>; ROOM],
    count: usize,
}

impl<W: Waiter> Wakes<W> {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { wakes: [const { None }; ROOM], count: 0 }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.count == ROOM
    }

    /// Keeps one. There is room for it.
    pub(crate) fn push(&mut self, wake: Option<W::Wake>) {
        self.wakes[self.count] = wake;
        self.count += 1;
    }

    /// Delivers them in their order, and has room again. Called without a lock.
    pub(crate) fn deliver(&mut self) {
        let count = std::mem::take(&mut self.count);
        self.wakes[..count].iter_mut().filter_map(Option::take).for_each(W::deliver);
    }
}
