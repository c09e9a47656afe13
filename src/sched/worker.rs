//! A worker: an OS thread that runs green threads. It owns a queue, slots, stacks, timers and a reactor, and
//! shares of these only what [`WorkerShared`] has.
//!
//! A *turn* is one pass of the loop: answer the doorbell, take what is next from the queue, run it until it
//! parks, yields or ends. Every 61st turn looks at the reactor and the timers even when there is always
//! something to run.

#![allow(unsafe_code)]

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    sync::Arc,
    time::Duration,
};

use super::{
    cancel,
    clock::Nanos,
    here, park,
    queue::{Next, Queue},
    reactor::{EVENTS_A_POLL, Poller, Reactor},
    runtime::{RuntimeShared, WorkerShared},
    slot::{BUDGET, Slot, SlotPtr, Slots},
    start::Classes,
    task::{Kept, TaskRef},
    thief::Watch,
    timer::{TimerKey, Timers},
};
use crate::{
    fiber::Resumed,
    rng::Rng,
    stack::{StackPool, overflow::Overflowing},
};

pub(crate) use here::{current, worker as of_this_thread};

/// A prime, as in Go's and tokio's schedulers: no loop of the user's falls into step with it.
const TURNS_BETWEEN_POLLS: u32 = 61;

/// See the [module](self).
pub(crate) struct Worker {
    /// How many turns are left until one looks at the reactor.
    pub(super) turns_left: Cell<u32>,
    pub(super) queue: RefCell<Queue>,
    pub(super) shared: Arc<WorkerShared>,
    pub(crate) runtime: Arc<RuntimeShared>,
    pub(super) slots: Slots,
    /// Memory for tasks.
    pub(super) kept: Kept,
    /// What has a stack here, and what waits for one, by class.
    pub(super) classes: RefCell<Classes>,
    pub(super) stacks: RefCell<StackPool>,
    pub(super) timers: RefCell<Timers<SlotPtr>>,
    /// Fresh ones that are to start later.
    pub(super) delayed: RefCell<Timers<TaskRef>>,
    pub(super) reactor: Reactor,
    /// Fresh ones that found no place under `max_green_threads`, in line.
    pub(super) held: RefCell<VecDeque<SlotPtr>>,
    /// The virtual clock's moment, when the runtime has one.
    pub(super) virtual_now: Option<Cell<Nanos>>,
    /// How many green threads wait for an OS thread of the blocking pool: virtual time stands still meanwhile.
    pub(super) offloaded: Cell<usize>,
    pub(super) rng: RefCell<Rng>,
    /// What it saw of each other worker when it had nothing to do.
    pub(super) watches: RefCell<Vec<Watch>>,
    /// After what time the last vain [`steal`](Self::steal) wants another look.
    pub(super) look_again: Cell<Option<Duration>>,
    /// How many times it will watch before it sleeps until it is called.
    pub(super) looks_left: Cell<u32>,
    /// Set from when it was called to steal, or watched in place of that, until it has, or has seen that there is nothing to
    /// steal, or has called another in its place.
    pub(super) called: Cell<bool>,
    pub(super) closing: Cell<bool>,
    /// What has ended while somebody was about to put it into the inbox.
    pub(super) left: RefCell<Vec<TaskRef>>,
    /// Green threads that began to wait for something that is held, since it last looked for deadlocks.
    pub(super) suspects: RefCell<Vec<SlotPtr>>,
    /// How often it has looked around.
    pub(super) looks: Cell<u32>,
    /// Set if the last look left the reactor to the next one.
    looks_later: Cell<bool>,
}

/// Whether the worker of this thread closes, and so cancels all it has.
pub(crate) fn is_closing() -> bool {
    of_this_thread().is_some_and(|worker| worker.closing.get())
}

impl Worker {
    pub(super) fn new(index: usize, runtime: Arc<RuntimeShared>, queue: Queue, poller: Poller) -> Self {
        let config = &runtime.config;
        let seed = config.seed.unwrap_or_else(|| std::hash::BuildHasher::hash_one(&runtime.hasher, index));
        Self {
            turns_left: Cell::new(TURNS_BETWEEN_POLLS - 1),
            queue: RefCell::new(queue),
            shared: Arc::clone(&runtime.workers[index]),
            slots: Slots::new(),
            kept: Kept::new(),
            classes: RefCell::default(),
            stacks: RefCell::new(StackPool::new()),
            timers: RefCell::new(Timers::new()),
            delayed: RefCell::new(Timers::new()),
            reactor: Reactor::new(poller),
            held: RefCell::new(VecDeque::new()),
            virtual_now: config.virtual_clock.then(|| Cell::new(Nanos::real_now())),
            offloaded: Cell::new(0),
            rng: RefCell::new(Rng::new(seed)),
            watches: RefCell::new((0..config.workers).map(|_| Watch::default()).collect()),
            look_again: Cell::new(None),
            looks_left: Cell::new(0),
            called: Cell::new(false),
            closing: Cell::new(false),
            left: RefCell::default(),
            suspects: RefCell::default(),
            looks: Cell::new(0),
            looks_later: Cell::new(false),
            runtime,
        }
    }

    /// Runs `f` with this as the OS thread's worker. Unwinding out of the scheduler would leave green threads
    /// with nobody to run them: it ends the process.
    pub(super) fn enter<R>(&self, f: impl FnOnce(&Self) -> R) -> R {
        struct AbortOnUnwind;
        impl Drop for AbortOnUnwind {
            fn drop(&mut self) {
                eprintln!(
                    "sward: the scheduler itself panicked (the message is above); this is a bug of sward"
                );
                std::process::abort();
            }
        }
        here::enter(self, || {
            let abort = AbortOnUnwind;
            // Without one an overflow is still caught by the guard; it is only not explained.
            let _ = crate::stack::overflow::ensure_alt_stack();
            let result = f(self);
            std::mem::forget(abort);
            result
        })
    }

    /// Runs green threads until the runtime closes and all of them have ended.
    pub(super) fn run(&self) {
        self.turns();
        // From here on, what comes to the door is turned away by who brings it. What came before is taken in, and
        // what that spawns runs here, to its end.
        self.shared.say_gone();
        self.answer();
        self.turns();
    }

    fn turns(&self) {
        loop {
            match self.turns_left.get() {
                0 => {
                    self.begin_turns();
                    self.look_around();
                }
                left => self.turns_left.set(left - 1),
            }
            // The last thing before the next one runs: who has come in is not alone here with what `look_around` found.
            if self.shared.doorbell.rang() {
                self.answer();
            }
            let ready = self.queue.borrow_mut().pop_ready();
            if let Some(slot) = ready {
                self.turn_of(slot);
                continue;
            }
            let next = self.queue.borrow_mut().pop();
            match next {
                Some(Next::Ready(slot)) => self.turn_of(slot),
                Some(Next::Fresh(fresh)) => self.start_fresh(fresh),
                None => {
                    if self.closing.get() {
                        if !cancel::CAN_UNWIND {
                            self.leak_parked();
                        }
                        if self.is_drained() {
                            return;
                        }
                    }
                    match self.steal() {
                        Some(fresh) => self.start_fresh(fresh),
                        None => {
                            self.idle();
                            self.pass_call_on();
                        }
                    }
                }
            }
        }
    }

    /// Counts the turns anew from where it has looked at the reactor with nothing else to do: how often it did must not
    /// show in the order of what comes, for a seed has one trace. Not from where it only found nothing: who has a timer
    /// due, a ring or something to steal each time would never look.
    pub(super) fn begin_turns(&self) {
        self.turns_left.set(TURNS_BETWEEN_POLLS - 1);
    }

    /// Whether nothing is left to run, now or later.
    fn is_drained(&self) -> bool {
        self.slots.used() == 0
            && self.queue.borrow().is_empty()
            && self.delayed.borrow().is_empty()
            && self.left.borrow().is_empty()
    }

    /// Cancels all that is alive here; what is spawned from now on is cancelled before it runs.
    fn close(&self) {
        if self.closing.replace(true) {
            return;
        }
        let mut alive = Vec::with_capacity(self.slots.used());
        self.slots.for_each(|slot| alive.push(slot));
        for slot in alive {
            // SAFETY: one of this worker's slots, on its thread.
            park::cancel(unsafe { slot.get() }.core());
        }
        self.start_cancelled();
        self.fire_delayed(Nanos::NEVER);
    }

    /// Whether it is one of this runtime's.
    pub(crate) fn is_of(&self, runtime: &Arc<RuntimeShared>) -> bool {
        Arc::ptr_eq(&self.runtime, runtime)
    }

    pub(super) fn now(&self) -> Nanos {
        self.virtual_now.as_ref().map_or_else(Nanos::real_now, Cell::get)
    }

    /// Moves a virtual clock to `moment`, if that is later, and returns the moment it is.
    pub(super) fn jump_to(&self, moment: Nanos) -> Nanos {
        if let Some(clock) = &self.virtual_now {
            clock.set(clock.get().max(moment));
        }
        self.now()
    }

    /// Queues a fresh green thread that any worker may start.
    pub(crate) fn spawn(&self, task: TaskRef) {
        let is_first = self.queue.borrow_mut().push_fresh(task);
        // Whoever fell asleep beside an empty queue is called by the first that is put there, and a thief that leaves any
        // behind calls the next. So the others need no call, and no fence.
        if is_first {
            self.runtime.call_idle();
        }
    }

    /// Queues a green thread of this worker's own.
    pub(crate) fn spawn_local(&self, task: TaskRef) {
        let slot = self.slots.take(task);
        self.queue.borrow_mut().push(slot);
    }

    /// Lets all that is runnable run before the current green thread runs on, but of what was woken from outside no more
    /// than of the rest.
    #[inline(always)]
    pub(crate) fn yield_now(&self, slot: &Slot) {
        self.queue.borrow_mut().push(slot.ptr());
        slot.suspend();
    }

    /// Gives the current green thread its home: it is about to park for the first time.
    #[cold]
    pub(super) fn settle(&self, slot: &Slot) {
        slot.settled.set(true);
        if !slot.counted.replace(true) {
            self.shared.load.up();
        }
        let here = here::slot().expect("a green thread is running");
        // SAFETY: one that runs here was settled here, on this thread, if it was before.
        unsafe { slot.core().home.settle(&self.shared, here) };
        slot.core().park.settle();
    }

    /// Suspends the current green thread, which has prepared to park. True: the deadline ended it.
    pub(super) fn suspend_until(&self, slot: &Slot, deadline: Nanos) -> bool {
        let key = self.arm(deadline);
        slot.suspend();
        if slot.expired.replace(false) {
            return true;
        }
        self.timers.borrow_mut().remove(key);
        false
    }

    fn arm(&self, deadline: Nanos) -> TimerKey {
        let slot = here::slot().expect("a green thread is running");
        self.timers.borrow_mut().insert(deadline, slot)
    }

    #[inline(always)]
    fn turn_of(&self, ptr: SlotPtr) {
        // SAFETY: the queue has this worker's slots only, and this is its thread.
        let slot = unsafe { ptr.get() };
        if !slot.has_started() {
            return self.start(ptr);
        }
        self.resume(ptr, slot);
    }

    #[inline(always)]
    pub(super) fn resume(&self, ptr: SlotPtr, slot: &Slot) {
        here::set_slot(Some(ptr));
        slot.budget.set(BUDGET);
        // SAFETY: this is the scheduler, between resumes.
        let fiber = unsafe { slot.fiber() }.as_mut().expect("a started slot has a fiber");
        let resumed = fiber.resume();
        here::set_slot(None);
        if resumed == Resumed::Returned {
            self.retire(ptr, slot);
        }
    }

    /// A green thread has ended: its stack, its slot and its place under the limit are free again.
    #[inline]
    fn retire(&self, ptr: SlotPtr, slot: &Slot) {
        // SAFETY: this is the scheduler, and the fiber has returned.
        let fiber = unsafe { slot.fiber() }.take().expect("it has just run");
        self.stacks.borrow_mut().give(fiber.into_stack());
        let class = slot.core().stack;
        if slot.limited.replace(false) {
            self.give_back_one();
        }
        let has_parked = slot.settled.get();
        let task = self.unseat(ptr, slot);
        if has_parked {
            self.let_go(task);
        } else {
            drop(task);
        }
        self.end_of_class(class);
        if !self.held.borrow().is_empty() {
            self.retry_held();
        }
    }

    pub(super) fn unseat(&self, ptr: SlotPtr, slot: &Slot) -> TaskRef {
        if slot.counted.get() {
            self.shared.load.down();
        }
        self.slots.give(ptr)
    }

    pub(super) fn give_back_one(&self) {
        if self.runtime.limit.give_back() {
            self.runtime.ring_all();
        }
    }

    /// Takes in what was put before the door. Nothing of it runs here.
    #[cold]
    fn answer(&self) {
        self.shared.doorbell.answer();
        self.receive();
        self.queue.borrow_mut().accept(&self.shared.queue);
        self.reactor.forget_released(&self.shared);
        if self.runtime.closing.is_raised() {
            self.close();
        }
        if self.shared.cancelled_held.take() {
            self.start_cancelled();
            self.start_delayed();
        }
        self.retry_held();
        // On their way in they were neither before the door nor in the queue, for one that fell asleep at that moment.
        if self.queue.borrow().has_spare() {
            self.runtime.call_idle();
        }
        self.pass_call_on();
    }

    /// Looks at the reactor and the timers without waiting.
    #[cold]
    fn look_around(&self) {
        self.fire_timers();
        // What the last look has found comes first; but only once, for a clock may keep that line long for ever.
        let later = self.queue.borrow().woken_count() >= EVENTS_A_POLL && !self.looks_later.get();
        self.looks_later.set(later);
        if self.reactor.is_in_use() && !later {
            self.reactor.poll(Some(Duration::ZERO));
        }
        self.look_for_deadlocks_at_times();
    }
}

/// What the overflow report says of the running green thread. Called by a signal handler: it reads, and
/// neither allocates nor locks.
pub(super) fn describe_overflow() -> Option<Overflowing> {
    let (_, slot) = current()?;
    slot.describe_overflow()
}
