//! Asking the processor for what a green thread will touch, ahead of its turn: hints, which may be wrong.

use std::{ops::Range, ptr};

use super::{Slot, SlotPtr};
use crate::sys::cache::{LINE, prefetch};

impl SlotPtr {
    /// Asks the processor for the slot's first line, ahead of its turn.
    #[inline(always)]
    pub(crate) fn prefetch_for_switch(self) {
        prefetch(self.0.as_ptr());
    }

    /// Asks for its first two lines.
    #[inline(always)]
    pub(crate) fn prefetch(self) {
        let slot = self.0.as_ptr().cast::<u8>();
        prefetch(slot);
        prefetch(slot.wrapping_add(LINE));
    }
}

impl Slot {
    /// Notes what it waits for, to be asked for with the rest that it will touch.
    #[inline(always)]
    pub(crate) fn will_touch<T>(&self, source: &T) {
        self.source.set(ptr::from_ref(source).cast());
    }

    /// Asks the processor for what it will touch first when it runs on after an event, ahead of its turn: one line of each page.
    #[inline]
    pub(crate) fn prefetch_pages(&self) {
        prefetch(self.core.get());
        if !self.source.get().is_null() {
            prefetch(self.source.get());
        }
        self.prefetch_stack(0..1);
    }

    /// Asks for the rest of what it will touch then, whose pages were asked for.
    #[inline]
    pub(crate) fn prefetch_touches(&self) {
        self.prefetch_stack(-1..8);
    }

    /// Asks for what it will touch of its stack: where the scheduler's stack pointer is kept, and these lines, counted
    /// from the last one that the switch has written.
    #[inline(always)]
    pub(in crate::sched) fn prefetch_stack(&self, lines: Range<isize>) {
        const SAVED: usize = 3 * size_of::<usize>();
        let root = self.suspender.get().cast::<u8>();
        if root.is_null() {
            return;
        }
        let depth = (root.addr() as u16).wrapping_sub(self.stopped_at.get());
        let last = root.wrapping_sub(usize::from(depth) + SAVED);
        for line in lines {
            prefetch(last.wrapping_offset(LINE as isize * line).min(root));
        }
        prefetch(root);
    }
}
