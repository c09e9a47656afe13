//! Where and how a green thread starts: on this worker or on one that has fewer, on a stack of its own or on the one
//! whose task has just ended, now or when there is a stack for it.

#![allow(unsafe_code)]

use super::{
    park,
    queue::Fresh,
    slot::{Slot, SlotPtr},
    task::{Failure, Home, TaskRef},
    worker::{self, TURNS_BETWEEN_POLLS, Worker},
};
use crate::{fiber::Fiber, stack::Stack};

impl Worker {
    /// Runs a fresh one for the first time, here or on a worker that has fewer.
    pub(super) fn start_fresh(&self, fresh: Fresh) {
        if let Some(fresh) = self.place(fresh) {
            self.start(self.seat(fresh));
        }
    }

    /// Runs what has a slot for the first time, or holds it until there is a stack for it.
    ///
    /// What is cancelled gets a stack in any case, for its closure's `Drop` may park: it neither waits in line nor
    /// counts against the limit, or what waits for its end could keep it from ending.
    pub(super) fn start(&self, ptr: SlotPtr) {
        // SAFETY: one of this worker's slots, on its thread.
        let slot = unsafe { ptr.get() };
        let ends = self.closing.get() || slot.core().park.load().is_cancelled();
        if !ends && !self.held.borrow().is_empty() {
            return self.hold(ptr, slot);
        }
        if !ends && !self.runtime.limit.take() {
            return self.hold_for_limit(ptr, slot);
        }
        slot.limited.set(!ends);
        let stack = self.stacks.borrow_mut().take(slot.core().stack);
        match stack {
            Ok(stack) => self.start_on(stack, ptr, slot),
            Err(error) => {
                if slot.limited.replace(false) {
                    self.give_back_one();
                }
                if self.started.get() > 0 {
                    return self.hold(ptr, slot);
                }
                let task = self.unseat(ptr, slot);
                // SAFETY: this is its worker, and it never ran.
                unsafe { task.abandon(Failure::NoStack(error)) };
            }
        }
    }

    fn start_on(&self, stack: Stack, ptr: SlotPtr, slot: &Slot) {
        slot.prepare(stack.limit().get());
        // SAFETY: the fiber runs on this worker's thread, and its slot lives at least as long as the fiber in it.
        let fiber = Fiber::new(stack, move |suspender| unsafe { ptr.get() }.main(suspender));
        // SAFETY: this is the scheduler; the slot is fresh, so there is no fiber in use in it.
        unsafe { *slot.fiber() = Some(fiber) };
        self.started.set(self.started.get() + 1);
        self.shared.started.step();
        self.resume(ptr, slot);
    }

    /// A slot for a fresh one.
    fn seat(&self, fresh: Fresh) -> SlotPtr {
        let ptr = self.slots.take(fresh.task);
        // SAFETY: just taken from this worker's slots, on its thread.
        unsafe { ptr.get() }.counted.set(fresh.counted_by.is_some());
        ptr
    }

    /// The next task, if it is fresh and may run on the stack of `slot`, whose own task has ended without a park.
    #[inline]
    pub(super) fn next_on_stack_of(&self, slot: &Slot) -> Option<TaskRef> {
        loop {
            let turn = self.turn.get().wrapping_add(1);
            let look = turn % TURNS_BETWEEN_POLLS == 0 || self.shared.doorbell.rang();
            if look || self.closing.get() || !self.held.borrow().is_empty() {
                return None;
            }
            let fresh = self.queue.borrow_mut().pop_fresh()?;
            self.turn.set(turn);
            let Some(fresh) = self.place(fresh) else { continue };
            if fresh.task.core.stack != slot.core().stack {
                let next = self.seat(fresh);
                self.queue.borrow_mut().push_front(next);
                return None;
            }
            self.shared.started.step();
            slot.start_next(&fresh.task.core);
            if slot.counted.replace(fresh.counted_by.is_some()) {
                self.shared.load.down();
            }
            return Some(fresh.task);
        }
    }

    /// Sends a fresh one to a worker that has clearly fewer long-lived ones, once; the counts are of what has
    /// parked at least once, so tasks that never block never travel.
    #[inline]
    fn place(&self, mut fresh: Fresh) -> Option<Fresh> {
        if let Some(counter) = fresh.counted_by {
            if counter != self.shared.index {
                self.runtime.workers[counter].load.down();
                fresh.counted_by = None;
            }
            return Some(fresh);
        }
        let mine = self.shared.load.get();
        if self.runtime.workers.len() == 1 || mine < 8 {
            return Some(fresh);
        }
        let other = self.runtime.random_other(self.shared.index, &mut self.rng.borrow_mut());
        if mine <= other.load.get() + other.load.get() / 8 + 4 {
            return Some(fresh);
        }
        other.load.up();
        other.accept(Fresh { counted_by: Some(other.index), ..fresh });
        None
    }

    /// Keeps a fresh one until a stack comes back. From now on a cancel of it finds this worker.
    fn hold(&self, ptr: SlotPtr, slot: &Slot) {
        if self.held.borrow().is_empty() {
            self.runtime.limit.join_line();
        }
        self.held.borrow_mut().push_back(ptr);
        slot.core().settle(|| Home { worker: self.shared.clone(), slot: ptr });
        if slot.core().park.load().is_cancelled() {
            self.shared.ring();
        }
    }

    /// As [`hold`](Self::hold), after the limit said no: one given back before the worker stood in line is
    /// seen by looking once more.
    fn hold_for_limit(&self, ptr: SlotPtr, slot: &Slot) {
        self.hold(ptr, slot);
        if self.runtime.limit.has_room() {
            self.shared.ring();
        }
    }

    /// Something came back, or was cancelled: starts what was held, as far as it goes.
    #[cold]
    pub(super) fn retry_held(&self) {
        let waiting = std::mem::take(&mut *self.held.borrow_mut());
        if waiting.is_empty() {
            return;
        }
        self.runtime.limit.leave_line();
        for ptr in waiting {
            self.start(ptr);
        }
    }
}

impl Slot {
    /// The next task for the fiber of this slot, whose own has ended without a park.
    #[inline]
    pub(super) fn next_task(&self) -> Option<TaskRef> {
        worker::of_this_thread()?.next_on_stack_of(self)
    }

    /// Runs its task's closure, or drops it, if it was cancelled before or its runtime closes.
    #[inline]
    pub(super) fn run_or_abandon(&self) {
        let task = self.task();
        let cancelled = task.core.park.begin().is_cancelled();
        let closing = worker::of_this_thread().is_some_and(|worker| worker.closing.get());
        // SAFETY (both): this is its worker, and each task comes here once.
        if cancelled || closing {
            unsafe { task.abandon(Failure::Cancelled) };
        } else {
            unsafe { task.run() };
        }
    }
}

/// Cancels a green thread, from any thread. If it is held for want of a stack, its worker is told: it need not wait.
pub(crate) fn cancel(core: &super::task::Core) {
    park::deliver(core, core.park.cancel());
    if core.park.load().is_fresh()
        && let Some(home) = core.home()
    {
        home.worker.ring();
    }
}
