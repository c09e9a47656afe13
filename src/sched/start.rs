//! Where and how a green thread starts: on this worker or on one that has fewer, on a stack of its own or on the one
//! whose task has just ended, now or when there is a stack for it.

#![allow(unsafe_code)]

use std::{collections::VecDeque, io, mem};

use super::{
    clock::Nanos,
    delay,
    slot::{Slot, SlotPtr},
    task::{Failure, TaskRef},
    wait, wake,
    worker::{self, Worker},
};
use crate::{
    fiber::{Fiber, Suspender},
    stack::{Stack, StackClass},
};

impl Worker {
    /// Runs a fresh one for the first time, here or on a worker that has fewer.
    pub(super) fn start_fresh(&self, fresh: TaskRef) {
        if let Some(fresh) = self.place(fresh).and_then(|fresh| self.keep(fresh)) {
            self.start(self.seat(fresh));
        }
    }

    /// Runs what has a slot for the first time, or holds it until it may run and there is a stack for it.
    ///
    /// What is cancelled gets a stack in any case, for its closure's `Drop` may park: it neither waits in line nor
    /// counts against the limit, or what waits for its end could keep it from ending.
    pub(super) fn start(&self, ptr: SlotPtr) {
        // SAFETY: one of this worker's slots, on its thread.
        let slot = unsafe { ptr.get() };
        if slot.limited.get() || self.is_ending(slot) {
            return self.start_within_limit(ptr, slot);
        }
        if !self.held.borrow().is_empty() || !self.runtime.limit.take() {
            return self.hold(ptr, slot);
        }
        slot.limited.set(true);
        self.start_within_limit(ptr, slot);
    }

    fn is_ending(&self, slot: &Slot) -> bool {
        self.closing.get() || slot.core().park.is_cancelled()
    }

    fn start_within_limit(&self, ptr: SlotPtr, slot: &Slot) {
        let class = slot.core().stack;
        let stack = self.stacks.borrow_mut().take(class);
        match stack {
            Ok(stack) => self.start_on(stack, ptr, slot),
            Err(error) => {
                self.leave_place(slot);
                // One of this class that runs here gives its stack back some time; if there is none, nobody does.
                if self.classes.borrow_mut().wait(class, ptr) {
                    return self.let_cancels_find(ptr, slot);
                }
                let common = self.stacks.borrow_mut().take(StackClass::DEFAULT);
                match common {
                    Ok(stack) => self.end_on(stack, ptr, slot, error),
                    Err(_) => self.end_in_place(ptr, slot, error),
                }
            }
        }
    }

    fn start_on(&self, stack: Stack, ptr: SlotPtr, slot: &Slot) {
        self.shared.started.step();
        self.begin(stack, ptr, slot, Slot::main);
    }

    /// Ends one that gets no stack of its class on a common one: its closure's `Drop` may park.
    #[cold]
    fn end_on(&self, stack: Stack, ptr: SlotPtr, slot: &Slot, why: io::Error) {
        self.begin(stack, ptr, slot, |slot, suspender| slot.end(suspender, Failure::NoStack(why)));
    }

    /// The same where there is no memory for that one, either. What waits in its `Drop` blocks the worker.
    #[cold]
    fn end_in_place(&self, ptr: SlotPtr, slot: &Slot, why: io::Error) {
        let class = slot.core().stack;
        let task = self.unseat(ptr, slot);
        // SAFETY: this is its worker, and it never ran.
        unsafe { task.abandon(Failure::NoStack(why)) };
        // Those behind it may have waited for its end.
        self.call_up(self.classes.borrow_mut().next(class));
    }

    /// Lets what has no fiber yet do `all` on this stack.
    #[inline]
    fn begin(&self, stack: Stack, ptr: SlotPtr, slot: &Slot, all: impl FnOnce(&Slot, &Suspender) + 'static) {
        slot.prepare(stack.limit().get());
        // SAFETY: the fiber runs on this worker's thread, and its slot lives at least as long as the fiber in it.
        let fiber = Fiber::new(stack, move |suspender| all(unsafe { ptr.get() }, suspender));
        // SAFETY: this is the scheduler; the slot is fresh, so there is no fiber in use in it.
        unsafe { *slot.fiber() = Some(fiber) };
        self.classes.borrow_mut().start(slot.core().stack);
        self.resume(ptr, slot);
    }

    /// A slot for a fresh one.
    fn seat(&self, fresh: TaskRef) -> SlotPtr {
        let is_counted = fresh.core.counted_by.get().is_some();
        let ptr = self.slots.take(fresh);
        // SAFETY: just taken from this worker's slots, on its thread.
        unsafe { ptr.get() }.counted.set(is_counted);
        ptr
    }

    /// The next task, if it is fresh and may run on the stack of `slot`, whose own task has ended without a park.
    #[inline]
    pub(super) fn next_on_stack_of(&self, slot: &Slot) -> Option<TaskRef> {
        loop {
            let left = self.turns_left.get();
            let look = left == 0 || self.shared.doorbell.rang();
            if look || self.closing.get() || !self.held.borrow().is_empty() || !self.gets_place(slot) {
                return None;
            }
            let fresh = self.queue.borrow_mut().pop_fresh()?;
            self.turns_left.set(left - 1);
            let Some(fresh) = self.place(fresh).and_then(|fresh| self.keep(fresh)) else { continue };
            if fresh.core.stack != slot.core().stack {
                let next = self.seat(fresh);
                self.queue.borrow_mut().push_front(next);
                return None;
            }
            self.shared.started.step();
            slot.start_next(&fresh.core);
            if slot.counted.replace(fresh.core.counted_by.get().is_some()) {
                self.shared.load.down();
            }
            return Some(fresh);
        }
    }

    /// Whether there is a place under the limit for the next one in this slot: what was cancelled before it had none.
    #[inline]
    fn gets_place(&self, slot: &Slot) -> bool {
        if !slot.limited.get() {
            slot.limited.set(self.runtime.limit.take());
        }
        slot.limited.get()
    }

    /// Gives back the place under the limit of a slot that has one and needs none: what is in it was cancelled, or cannot
    /// start.
    fn leave_place(&self, slot: &Slot) {
        if slot.limited.replace(false) {
            self.give_back_one();
        }
    }

    /// Sends a fresh one to a worker that has clearly fewer long-lived ones, and where that one takes it, once; the counts
    /// are of what has parked at least once, so tasks that never block never travel.
    #[inline]
    fn place(&self, fresh: TaskRef) -> Option<TaskRef> {
        if let Some(counter) = fresh.core.counted_by.get() {
            if counter == self.shared.index {
                return Some(fresh);
            }
            // Stolen on its way. Who is busy would let it lie there again, for this one to steal, and so on for ever.
            let sent_to = &self.runtime.workers[counter];
            sent_to.load.down();
            fresh.core.counted_by.clear();
            if !sent_to.doorbell.is_asleep() {
                return Some(fresh);
            }
        }
        let mine = self.shared.load.get();
        if self.runtime.workers.len() == 1 || mine < 8 || self.runtime.closing.is_raised() {
            return Some(fresh);
        }
        let other = self.runtime.random_other(self.shared.index, &mut self.rng.borrow_mut());
        if mine <= other.load.get() + other.load.get() / 8 + 4 {
            return Some(fresh);
        }
        other.load.up();
        fresh.core.counted_by.set(other.index);
        self.runtime.give(fresh, other);
        None
    }

    /// Keeps a fresh one until there is a place for it under the limit.
    fn hold(&self, ptr: SlotPtr, slot: &Slot) {
        if self.held.borrow().is_empty() {
            self.runtime.limit.join_line();
        }
        self.held.borrow_mut().push_back(ptr);
        self.let_cancels_find(ptr, slot);
        // One given back before this worker stood in line is seen by looking once more.
        if self.runtime.limit.has_room() {
            self.shared.ring();
        }
    }

    /// From now on a cancel of what is held finds this worker.
    fn let_cancels_find(&self, ptr: SlotPtr, slot: &Slot) {
        // SAFETY: what is held here will run here: all its calls are made on this thread.
        unsafe { slot.core().home.settle(&self.shared, ptr) };
        if slot.core().park.show() {
            self.shared.tell_of_cancel();
        }
    }

    /// A place under the limit came back: lets start what was held, as far as it goes.
    #[cold]
    pub(super) fn retry_held(&self) {
        loop {
            let Some(ptr) = self.held.borrow().front().copied() else { return };
            // SAFETY: one of this worker's slots, on its thread.
            let slot = unsafe { ptr.get() };
            let ends = self.is_ending(slot);
            if !ends && !self.runtime.limit.take() {
                return;
            }
            self.held.borrow_mut().pop_front();
            if self.held.borrow().is_empty() {
                self.runtime.limit.leave_line();
            }
            slot.limited.set(!ends);
            self.call_up([ptr]);
        }
    }

    /// Queues what has waited for its start. It does not start here: its end would let the next one start, and that one's
    /// end the one after it, each deeper on the worker's stack.
    fn call_up(&self, waiting: impl IntoIterator<Item = SlotPtr>) {
        let mut queue = self.queue.borrow_mut();
        waiting.into_iter().for_each(|ptr| queue.push_woken(ptr));
    }

    /// Lets those start of what is held that were cancelled; all of it if the worker closes. The others wait anew.
    #[cold]
    pub(super) fn start_cancelled(&self) {
        let mut waiting: Vec<_> = self.classes.borrow_mut().take_waiting();
        if !self.held.borrow().is_empty() {
            waiting.extend(self.held.borrow_mut().drain(..));
            self.runtime.limit.leave_line();
        }
        self.call_up(waiting);
    }

    /// Gives up what is parked when the worker closes and nothing can unwind: it never runs on, its stack stays as it
    /// is, with all that it borrows and owns, and its joiner is told that it was cancelled.
    #[cold]
    pub(super) fn leak_parked(&self) {
        let mut parked = Vec::new();
        self.slots.for_each(|ptr| parked.push(ptr));
        for ptr in parked {
            // SAFETY: one of this worker's slots, on its thread.
            let slot = unsafe { ptr.get() };
            // One to whom something was sent runs on when that has come.
            if slot.core().park.is_queued() || !slot.core().park.expire() {
                continue;
            }
            // SAFETY: this is the scheduler, between resumes.
            if let Some(fiber) = unsafe { slot.fiber() }.take() {
                fiber.leak();
                // Its stack never comes back: who waits for one must not wait for this one's end.
                self.end_of_class(slot.core().stack);
            }
            wait::forget(slot);
            // It is never freed: who is about to push it may do so.
            let _ = slot.core().park.leave();
            let task = self.unseat(ptr, slot);
            // SAFETY: this is its worker. It ran, but never runs on, so it publishes nothing itself.
            unsafe { task.abandon(Failure::Cancelled) };
            // It may stand in line for what outlives the runtime, by a node on its stack that leads to the task.
            mem::forget(task);
        }
        // Those that were left were woken already. What else has a timer is gone from its slot.
        let mut timers = self.timers.borrow_mut();
        while timers.pop_due(Nanos::NEVER).is_some() {}
    }

    /// A stack of this class came back: the first that waits for one has it.
    #[inline]
    pub(super) fn end_of_class(&self, class: StackClass) {
        let next = self.classes.borrow_mut().end(class);
        if next.is_some() {
            self.call_up(next);
        }
    }
}

/// What runs and what waits, by the class of its stack.
#[derive(Default)]
pub(super) struct Classes(Vec<OfClass>);

struct OfClass {
    class: StackClass,
    running: usize,
    /// They found no memory for a stack.
    waiting: VecDeque<SlotPtr>,
}

impl Classes {
    fn start(&mut self, class: StackClass) {
        self.find(class).running += 1;
    }

    fn end(&mut self, class: StackClass) -> Option<SlotPtr> {
        self.find(class).running -= 1;
        self.next(class)
    }

    /// The first that waits. At its end the next one will be called: while any waits, one of its class is on its way
    /// or runs.
    fn next(&mut self, class: StackClass) -> Option<SlotPtr> {
        self.find(class).waiting.pop_front()
    }

    /// Lets one wait, if one that runs will give its stack back.
    fn wait(&mut self, class: StackClass, ptr: SlotPtr) -> bool {
        let of_class = self.find(class);
        if of_class.running > 0 {
            of_class.waiting.push_back(ptr);
        }
        of_class.running > 0
    }

    fn take_waiting(&mut self) -> Vec<SlotPtr> {
        self.0.iter_mut().flat_map(|of_class| of_class.waiting.drain(..)).collect()
    }

    #[inline]
    fn find(&mut self, class: StackClass) -> &mut OfClass {
        let index = self.0.iter().position(|of_class| of_class.class == class).unwrap_or_else(|| {
            self.0.push(OfClass { class, running: 0, waiting: VecDeque::new() });
            self.0.len() - 1
        });
        &mut self.0[index]
    }
}

impl Slot {
    /// The next task for the fiber of this slot, whose own has ended without a park.
    #[inline]
    pub(super) fn next_task(&self) -> Option<TaskRef> {
        worker::of_this_thread()?.next_on_stack_of(self)
    }

    /// All that the fiber of one that cannot run does: it drops the closure, and says why.
    fn end(&self, suspender: &Suspender, why: Failure) {
        self.set_suspender(suspender);
        let task = self.task();
        task.core.park.begin();
        // SAFETY: this is its worker, and it never ran.
        unsafe { task.abandon(why) };
    }

    /// Runs its task's closure, or drops it, if it was cancelled before or its runtime closes.
    #[inline]
    pub(super) fn run_or_abandon(&self) {
        let task = self.task();
        task.core.park.begin();
        if task.core.park.is_cancelled() || worker::is_closing() {
            self.look_at_next_yield();
            if let Some(worker) = worker::of_this_thread() {
                worker.leave_place(self);
            }
            // SAFETY: this is its worker, and each task comes here once.
            unsafe { task.abandon(Failure::Cancelled) };
        } else {
            // SAFETY: as above.
            unsafe { task.run() };
        }
    }
}

/// Cancels a green thread, from any thread. If it is held for want of a stack, or until its time comes, its worker is
/// told: it need not wait.
pub(crate) fn cancel(core: &super::task::Core) {
    wake::cancel(core);
    super::cancel::begin_epoch();
    if !core.park.is_fresh() {
        return;
    }
    match core.home.get() {
        Some((worker, _)) => worker.tell_of_cancel(),
        None => delay::tell_keeper(core),
    }
}
