//! Green threads that are to start later: what `spawn_after` makes. Until its time comes one has a slot and a timer, and no
//! stack; then it starts as any other.

#![allow(unsafe_code)]

use super::{slot::SlotPtr, task::TaskRef, worker::Worker};

impl Worker {
    /// Keeps a fresh one until its time comes, if it has one that is yet to come. False: it may start now.
    pub(super) fn delay(&self, ptr: SlotPtr) -> bool {
        // SAFETY: one of this worker's slots, on its thread.
        let slot = unsafe { ptr.get() };
        let Some(due) = slot.core().due().filter(|&due| due > self.now()) else { return false };
        // It stays on this worker, and so counts from now on: long delays are spread as connections are.
        if !slot.counted.replace(true) {
            self.shared.load.up();
        }
        if self.closing.get() || self.show_to_cancels(ptr, slot) {
            return false;
        }
        slot.delay.set(Some(self.timers.borrow_mut().insert(due, ptr)));
        true
    }

    /// Whether a fresh one has to wait for its time: it cannot share the stack of one that has ended.
    #[inline]
    pub(super) fn is_early(&self, fresh: &TaskRef) -> bool {
        fresh.core.due().is_some_and(|due| due > self.now())
    }

    /// Starts those that were cancelled before their time.
    #[cold]
    pub(super) fn start_delayed(&self) {
        for ptr in self.shared.take_cancelled() {
            // SAFETY: one of this worker's slots, on its thread. Whoever has the slot by now, if it has a timer here it
            // has not started.
            let slot = unsafe { ptr.get() };
            let key = slot.delay.get().filter(|_| slot.core().park.load().is_cancelled());
            if let Some(key) = key {
                slot.delay.set(None);
                self.timers.borrow_mut().remove(key);
                self.queue.borrow_mut().push(ptr);
            }
        }
    }
}
