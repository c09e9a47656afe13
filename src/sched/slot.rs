//! A worker's own half of its green threads: the fiber and all that only its worker touches.
//!
//! Slots lie in chunks that never move, so that a running fiber's slot keeps its address while others are
//! made; free ones are reused last in, first out, hot.
//!
//! **Invariant 1.** A slot is touched by its worker's OS thread only. A [`SlotPtr`] may travel (in a task's
//! home), but it is followed on that thread only.
//! **Invariant 2.** A slot is alive as long as its worker, and a worker outlives all its green threads.

#![allow(unsafe_code)]

mod ahead;

use std::{
    cell::{Cell, RefCell, UnsafeCell},
    ptr::{self, NonNull},
};

use super::{
    cancel,
    clock::Nanos,
    interrupts::{INHERITED, Interrupts},
    locals::Locals,
    task::{Core, TaskRef},
    wait::WaitsFor,
};
use crate::{
    fiber::{Fiber, Suspender},
    lockfree::epoch::Epoch,
    stack::overflow::{Overflowing, ShortName},
    sys::cache::stack_pointer,
};

const CHUNK: usize = 128;

/// How many calls that may not have to wait a green thread makes before it yields, if it does not park (D5).
pub(crate) const BUDGET: u8 = 128;

/// See the [module](self).
///
/// The order counts: the first line has what a yield and its switch touch, the second what a park does besides.
#[repr(C, align(128))]
pub(crate) struct Slot {
    /// Touched by the scheduler between resumes only.
    fiber: UnsafeCell<Option<Fiber>>,
    suspender: Cell<*const Suspender>,
    /// Set while it runs on the worker's own stack: a park there must not switch.
    pub(crate) in_place: Cell<bool>,
    /// How many more such calls it makes before it yields.
    pub(crate) budget: Cell<u8>,
    /// Where it last suspended itself: the low bits of its stack pointer, which tell how deep its stack is.
    stopped_at: Cell<u16>,
    /// The epoch in which it was last seen not to be cancelled.
    not_cancelled: Cell<Epoch>,
    /// The timeouts that it is inside of, and the shields.
    pub(crate) interrupts: Interrupts,
    /// In `task`: to find it there, behind whatever stage, takes ten instructions.
    core: Cell<*const Core>,
    /// Set once it has prepared to park, and so has a home and is counted.
    pub(crate) settled: Cell<bool>,
    /// Set by its timer, taken by the park that armed it.
    pub(crate) expired: Cell<bool>,
    /// Set if it is counted in its worker's load.
    pub(crate) counted: Cell<bool>,
    /// Set if it counts against `max_green_threads`.
    pub(crate) limited: Cell<bool>,
    /// Set while it is on its worker's list of those that may be in a deadlock, whoever has the slot.
    pub(super) suspected: Cell<bool>,
    /// Set while what it waits for is in the table of the deadlock report.
    pub(super) published: Cell<bool>,
    /// The source that it, or one before it in this slot, last waited for.
    source: Cell<*const u8>,
    task: UnsafeCell<Option<TaskRef>>,
    pub(crate) locals: Locals,
    /// The number of the green thread in it.
    pub(crate) id: Cell<u64>,
    /// Where its stack ends, guard included.
    stack_limit: Cell<usize>,
    /// What it waits for in line, while it does.
    pub(crate) waits_for: Cell<Option<WaitsFor>>,
    /// Until when at the longest, while it does.
    pub(crate) wait_until: Cell<Nanos>,
}

#[cfg(all(target_arch = "x86_64", linux_like, not(feature = "sanitizer")))]
const _: () = {
    use {crate::sys::cache::LINE, std::mem::offset_of};
    assert!(
        offset_of!(Slot, interrupts) + size_of::<Nanos>() <= LINE && offset_of!(Slot, locals) <= 2 * LINE
    );
};
// Four cache lines: with one more, yields among 10,000 cost a tenth more.
#[cfg(all(target_arch = "x86_64", linux_like, not(feature = "sanitizer")))]
const _: () = assert!(size_of::<Slot>() <= 256);

/// A slot's address. Plain data; only its worker follows it (Invariant 1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotPtr(NonNull<Slot>);

// SAFETY: an address is no access: to follow it is `unsafe`, and Invariant 1 is that contract.
unsafe impl Send for SlotPtr {}
// SAFETY: as above.
unsafe impl Sync for SlotPtr {}

/// All slots of a worker.
pub(crate) struct Slots {
    chunks: RefCell<Vec<Box<[Slot]>>>,
    free: RefCell<Vec<SlotPtr>>,
    used: Cell<usize>,
}

impl Slots {
    pub(crate) const fn new() -> Self {
        Self { chunks: RefCell::new(Vec::new()), free: RefCell::new(Vec::new()), used: Cell::new(0) }
    }

    /// A free slot, now `task`'s.
    pub(crate) fn take(&self, task: TaskRef) -> SlotPtr {
        let mut free = self.free.borrow_mut();
        let slot = free.pop().unwrap_or_else(|| self.grow(&mut free));
        self.used.set(self.used.get() + 1);
        // SAFETY: on the worker's thread, in one of its slots (Invariants 1 and 2); the slot is free, so nothing
        // else reaches its task.
        drop(unsafe { slot.get().put(task) });
        slot
    }

    /// Frees a slot whose fiber has been taken out, and hands back its task.
    pub(crate) fn give(&self, slot: SlotPtr) -> TaskRef {
        // SAFETY: as in `take`; the green thread has ended, so nobody borrows its task.
        let task = unsafe {
            debug_assert!((*slot.get().fiber.get()).is_none());
            (*slot.get().task.get()).take()
        };
        // SAFETY: as above.
        unsafe { slot.get() }.counted.set(false);
        self.used.set(self.used.get() - 1);
        self.free.borrow_mut().push(slot);
        task.expect("a slot in use has a task")
    }

    pub(crate) fn used(&self) -> usize {
        self.used.get()
    }

    /// Calls `f` with each slot in use.
    pub(crate) fn for_each(&self, mut f: impl FnMut(SlotPtr)) {
        for chunk in &*self.chunks.borrow() {
            for slot in chunk {
                // SAFETY: on the worker's thread; tasks change in `take` and `give` only, not under this borrow.
                if unsafe { (*slot.task.get()).is_some() } {
                    f(slot.ptr());
                }
            }
        }
    }

    #[cold]
    fn grow(&self, free: &mut Vec<SlotPtr>) -> SlotPtr {
        let mut chunks = self.chunks.borrow_mut();
        chunks.push((0..CHUNK).map(|_| Slot::new()).collect());
        // Pointers into the chunk where it stays: a box that moves invalidates those taken before.
        let chunk = chunks.last().expect("just pushed");
        free.extend(chunk.iter().rev().map(Slot::ptr));
        free.pop().expect("a chunk is not empty")
    }
}

impl SlotPtr {
    /// The slot.
    ///
    /// # Safety
    /// Called on the slot's worker's thread, while that worker lives (Invariants 1 and 2).
    #[inline(always)]
    pub(crate) unsafe fn get<'a>(self) -> &'a Slot {
        // SAFETY: alive by the contract; slots are only ever shared, never borrowed mutably as a whole.
        unsafe { self.0.as_ref() }
    }
}

impl Slot {
    fn new() -> Self {
        Self {
            fiber: UnsafeCell::new(None),
            suspender: Cell::new(ptr::null()),
            in_place: Cell::new(false),
            budget: Cell::new(BUDGET),
            stopped_at: Cell::new(0),
            not_cancelled: Cell::new(Epoch::default()),
            interrupts: Interrupts::new(),
            core: Cell::new(ptr::null()),
            settled: Cell::new(false),
            expired: Cell::new(false),
            counted: Cell::new(false),
            limited: Cell::new(false),
            suspected: Cell::new(false),
            published: Cell::new(false),
            source: Cell::new(ptr::null()),
            task: UnsafeCell::new(None),
            locals: Locals::new(),
            id: Cell::new(0),
            stack_limit: Cell::new(0),
            waits_for: Cell::new(None),
            wait_until: Cell::new(Nanos::NEVER),
        }
    }

    /// Its address, as queues have it.
    #[inline(always)]
    pub(super) fn ptr(&self) -> SlotPtr {
        SlotPtr(NonNull::from(self))
    }

    /// Its task.
    #[inline(always)]
    pub(crate) fn task(&self) -> &TaskRef {
        // SAFETY: on the worker's thread (Invariant 1); whoever has a slot in use at hand finds its task there,
        // which stays until `Slots::give`, after the green thread's end.
        unsafe { (*self.task.get()).as_ref().expect("a slot in use has a task") }
    }

    #[inline(always)]
    pub(crate) fn core(&self) -> &Core {
        debug_assert!(ptr::eq(self.core.get(), &self.task().core));
        // SAFETY: as for the task, in which it is.
        unsafe { &*self.core.get() }
    }

    /// Puts a task in, and takes out what was there.
    ///
    /// # Safety
    /// On the worker's thread; nobody borrows what was there.
    unsafe fn put(&self, task: TaskRef) -> Option<TaskRef> {
        self.core.set(&raw const task.core);
        // SAFETY: exclusive by the contract.
        unsafe { (*self.task.get()).replace(task) }
    }

    /// Whether it has started, and so has a stack.
    #[inline(always)]
    pub(crate) fn has_started(&self) -> bool {
        // SAFETY: on the worker's thread; the fiber is put in and taken out by the scheduler, not meanwhile.
        unsafe { (*self.fiber.get()).is_some() }
    }

    /// The scheduler's access to the fiber.
    ///
    /// # Safety
    /// Called by the scheduler of its worker, with no other reference from here alive. While the fiber runs
    /// the scheduler itself is stopped in `resume`, and what runs then goes through `&Slot` only.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the contract makes it exclusive")]
    pub(crate) unsafe fn fiber(&self) -> &mut Option<Fiber> {
        // SAFETY: exclusive by the contract.
        unsafe { &mut *self.fiber.get() }
    }

    /// All that its fiber does: runs the task's closure, and then those of fresh tasks whose turn it is, for
    /// as long as none of them has parked. So tasks that never block share one hot stack, without a switch.
    pub(crate) fn main(&self, suspender: &Suspender) {
        self.set_suspender(suspender);
        loop {
            self.run_or_abandon();
            if self.settled.get() {
                return;
            }
            let Some(task) = self.next_task() else { return };
            // SAFETY: on the worker's thread; the task before has ended, and nobody borrows it: its run has
            // returned.
            drop(unsafe { self.put(task) });
        }
    }

    #[inline]
    pub(super) fn set_suspender(&self, suspender: &Suspender) {
        self.suspender.set(suspender);
    }

    /// Whether a yield has to look for what may interrupt it: hardly ever, and this is in the slot's first line.
    #[inline(always)]
    pub(crate) fn may_be_interrupted(&self) -> bool {
        self.not_cancelled.get() != cancel::epoch() || self.interrupts.nearest() != Nanos::NEVER
    }

    /// Unwinds the running green thread of this slot if there is a reason that nothing holds back.
    #[cold]
    pub(crate) fn meet_interruptions(&self) {
        // Read before the word: a later cancel is of a later epoch.
        let epoch = cancel::epoch();
        cancel::unwind_if_due();
        if !self.core().park.is_cancelled() {
            self.not_cancelled.set(epoch);
        }
    }

    /// For one that is cancelled before it begins: the one before it in this slot may have seen the epoch of that.
    pub(super) fn look_at_next_yield(&self) {
        self.not_cancelled.set(cancel::epoch().before());
    }

    /// Switches to the scheduler. Returns when resumed.
    #[inline(always)]
    pub(crate) fn suspend(&self) {
        self.stopped_at.set(stack_pointer() as u16);
        // SAFETY: called by the running green thread of this slot, so `main` has set the suspender, which lives
        // on its stack below this frame.
        unsafe { (*self.suspender.get()).suspend() };
    }

    /// Runs `f` on the worker's own stack.
    pub(crate) fn on_parent_stack<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Leave<'a>(&'a Cell<bool>);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.set(false);
            }
        }
        debug_assert!(!self.in_place.get());
        self.in_place.set(true);
        let _leave = Leave(&self.in_place);
        // SAFETY: as in `suspend`; and `f` does not suspend, because every park looks at `in_place` first.
        unsafe { (*self.suspender.get()).on_parent_stack(f) }
    }

    /// What the overflow report says of it. Runs in a signal handler, so it only reads.
    pub(crate) fn describe_overflow(&self) -> Option<Overflowing> {
        let core = self.core();
        let limit = self.stack_limit.get();
        Some(Overflowing {
            guard: limit..limit + core.stack.guard_size(),
            id: core.id,
            name: core.name().map(ShortName::new),
            site: core.site(),
            size: core.stack.size(),
        })
    }

    /// Gives it its timeouts as they are at the start of `core`: none but the one it inherits.
    #[inline]
    fn inherit_deadline(&self, core: &Core) {
        self.interrupts.clear();
        if let Some(deadline) = core.deadline() {
            self.interrupts.push_as(INHERITED, deadline);
        }
    }

    /// Makes the slot ready for a first run, on a stack that ends at `limit`.
    pub(crate) fn prepare(&self, limit: usize) {
        self.stack_limit.set(limit);
        self.start_next(self.core());
    }

    /// As new, but for its stack and its count: `core` is about to start.
    #[inline]
    pub(crate) fn start_next(&self, core: &Core) {
        self.id.set(core.id);
        self.budget.set(BUDGET);
        self.settled.set(false);
        self.in_place.set(false);
        self.expired.set(false);
        self.inherit_deadline(core);
    }
}
