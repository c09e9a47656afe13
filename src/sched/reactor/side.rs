//! One direction of a source: whether a call is worth trying, and who waits until one is.
//!
//! **Invariant 1.** While it is ready nobody stands in line.
//! **Invariant 2.** What stands in line is alive: its green thread is in [`Side::while_in_line`] and leaves the line on its
//! way out, and a stack that is given up for ever there (`leak_parked`) keeps its task for ever.

#![allow(unsafe_code)]

use std::{
    cell::{Cell, RefCell},
    ptr::NonNull,
};

use crate::{
    sched::{task::Core, wake},
    sys::cache::prefetch,
};

/// See the [module](self).
#[derive(Default)]
pub(in crate::sched) struct Side {
    /// Set if a call is worth trying.
    ready: Cell<bool>,
    /// Set if a call will never have to wait again.
    closed: Cell<bool>,
    line: RefCell<Line>,
}

/// Who waits: hardly ever more than one, whose place is here. No references are counted: it would be two locked
/// instructions a message.
#[derive(Default)]
struct Line {
    first: Option<NonNull<Core>>,
    others: Vec<NonNull<Core>>,
}

impl Side {
    /// Whether a call is worth trying.
    #[inline]
    pub(in crate::sched) fn is_ready(&self) -> bool {
        self.ready.get()
    }

    /// The same, and that nothing has ended it.
    pub(in crate::sched) fn is_open(&self) -> bool {
        self.ready.get() && !self.closed.get()
    }

    /// A call has moved less than it could: nothing is left. Once closed it stays ready: an end of file that came with the
    /// last bytes is not told again.
    #[inline]
    pub(in crate::sched) fn came_short(&self) {
        self.ready.set(self.closed.get());
    }

    /// A call would block. Also when it is closed: an error can be read away.
    pub(in crate::sched) fn would_block(&self) {
        self.ready.set(false);
    }

    /// What an event says of it.
    pub(super) fn tell(&self, ready: bool, closed: bool) {
        if ready || closed {
            self.ready.set(true);
            self.closed.set(self.closed.get() || closed);
            self.wake();
        }
    }

    /// Asks the processor for what an event would wake first.
    pub(super) fn prefetch_waiter(&self) {
        if let Some(first) = self.line.borrow().first {
            prefetch(first.as_ptr());
        }
    }

    /// Calls `wait` with the calling green thread, whose core this is, in line, so that an event wakes it. `None`: it is
    /// ready already, and nothing was called.
    #[inline(always)]
    pub(in crate::sched) fn while_in_line<R>(&self, core: &Core, wait: impl FnOnce() -> R) -> Option<R> {
        if self.is_ready() {
            return None;
        }
        let mut line = self.line.borrow_mut();
        match &mut line.first {
            first @ None => *first = Some(core.into()),
            Some(_) => line.others.push(core.into()),
        }
        drop(line);
        let _in_line = InLine { side: self, core };
        Some(wait())
    }

    fn wake(&self) {
        let mut line = self.line.borrow_mut();
        let Line { first, others } = &mut *line;
        for waiting in first.take().into_iter().chain(others.drain(..)) {
            // SAFETY: alive by Invariant 2, and until it is scheduled, which is the last thing that happens here: it leaves
            // on this thread, so not meanwhile.
            wake::unpark(unsafe { waiting.as_ref() });
        }
    }
}

/// A place in line, left when it is dropped.
struct InLine<'a> {
    side: &'a Side,
    core: &'a Core,
}

impl Drop for InLine<'_> {
    #[inline]
    fn drop(&mut self) {
        // An event has dissolved the line.
        if self.side.is_ready() {
            return;
        }
        let (mut line, this) = (self.side.line.borrow_mut(), NonNull::from(self.core));
        line.first.take_if(|waiting| *waiting == this);
        line.others.retain(|waiting| *waiting != this);
    }
}

#[cfg(test)]
mod tests {
    use super::Side;

    #[test]
    fn a_side_is_ready_from_an_event_to_a_call_that_comes_short() {
        let side = Side::default();
        assert!(!side.is_ready());
        side.tell(true, false);
        assert!(side.is_ready());
        side.came_short();
        assert!(!side.is_ready());
        side.tell(false, false);
        assert!(!side.is_ready(), "an event of the other side");
    }

    #[test]
    fn what_is_closed_stays_ready_but_for_an_error_that_was_read_away() {
        let side = Side::default();
        side.tell(true, true);
        side.came_short();
        assert!(side.is_ready(), "the end may have come with the bytes");
        side.would_block();
        assert!(!side.is_ready());
        side.tell(true, false);
        side.came_short();
        assert!(side.is_ready(), "closed is for ever");
    }
}
