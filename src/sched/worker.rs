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
    ptr,
    sync::Arc,
    time::Duration,
};

use super::{
    clock::Nanos,
    queue::{Fresh, Next, Queue},
    reactor::Reactor,
    runtime::{RuntimeShared, WorkerShared},
    slot::{BUDGET, Slot, SlotPtr, Slots},
    task::{Core, Failure, Home, TaskRef},
    thief::{self, Watch},
    timer::{TimerKey, Timers},
};
use crate::{
    fiber::{Fiber, Resumed},
    lockfree::doorbell::Asleep,
    rng::Rng,
    stack::{StackPool, overflow::Overflowing},
};

/// A prime, as in Go's and tokio's schedulers: no loop of the user's falls into step with it.
const TURNS_BETWEEN_POLLS: u32 = 61;

/// See the [module](self).
pub(crate) struct Worker {
    current: Cell<Option<SlotPtr>>,
    turn: Cell<u32>,
    queue: RefCell<Queue>,
    pub(super) shared: Arc<WorkerShared>,
    pub(crate) runtime: Arc<RuntimeShared>,
    slots: Slots,
    /// How many green threads have a stack.
    started: Cell<usize>,
    stacks: RefCell<StackPool>,
    timers: RefCell<Timers<SlotPtr>>,
    pub(super) reactor: Reactor,
    /// Fresh ones that found no stack: they are the first to get one.
    held: RefCell<VecDeque<Start>>,
    /// The virtual clock's moment, when the runtime has one.
    virtual_now: Option<Cell<Nanos>>,
    /// How many green threads wait for an OS thread of the blocking pool: virtual time stands still meanwhile.
    pub(super) offloaded: Cell<usize>,
    rng: RefCell<Rng>,
    /// What it saw of each other worker when it had nothing to do.
    watches: RefCell<Vec<Watch>>,
    closing: Cell<bool>,
}

/// A green thread that is about to run for the first time.
enum Start {
    Fresh(Fresh),
    /// Spawned by `spawn_local`: it has its slot already.
    Local(SlotPtr),
}

thread_local! {
    static WORKER: Cell<*const Worker> = const { Cell::new(ptr::null()) };
}

/// The worker whose OS thread this is.
#[inline(always)]
pub(crate) fn of_this_thread<'a>() -> Option<&'a Worker> {
    // SAFETY: the pointer is set by `Worker::enter` for as long as the worker's loop runs on this thread, and
    // whoever calls this runs under that loop: on one of its fibers, or in the scheduler itself.
    unsafe { WORKER.get().as_ref() }
}

/// The running green thread and its worker; `None` on a plain OS thread, and in the scheduler.
#[inline(always)]
pub(crate) fn current<'a>() -> Option<(&'a Worker, &'a Slot)> {
    let worker = of_this_thread()?;
    // SAFETY: the current slot is this worker's, and this is its thread.
    Some((worker, unsafe { worker.current.get()?.get() }))
}

/// Puts the green thread whose park word the caller won into its worker's queue.
pub(crate) fn schedule(core: &Core) {
    let home = core.home().expect("what has parked has a home");
    match of_this_thread() {
        Some(worker) if ptr::eq(&*worker.shared, &*home.worker) => {
            let mut queue = worker.queue.borrow_mut();
            // Woken by a green thread, or by the scheduler on behalf of the world.
            match worker.current.get() {
                Some(_) => queue.push(home.slot),
                None => queue.push_woken(home.slot),
            }
        }
        _ => {
            // From the push on the green thread may run and end, and its core be gone: what is used after that
            // is held here.
            let worker = Arc::clone(&home.worker);
            // SAFETY: the winner of the park word is the only one to push the core, and until its worker takes
            // it the green thread cannot run on, so it lives (Invariants 1 and 2 of `park_word`).
            unsafe { worker.inbox.push(core.into()) };
            worker.ring();
        }
    }
}

impl Worker {
    pub(super) fn new(index: usize, runtime: Arc<RuntimeShared>, queue: Queue, reactor: Reactor) -> Self {
        let config = &runtime.config;
        let seed = config.seed.unwrap_or_else(|| std::hash::BuildHasher::hash_one(&runtime.hasher, index));
        Self {
            current: Cell::new(None),
            turn: Cell::new(0),
            queue: RefCell::new(queue),
            shared: Arc::clone(&runtime.workers[index]),
            slots: Slots::new(),
            started: Cell::new(0),
            stacks: RefCell::new(StackPool::new()),
            timers: RefCell::new(Timers::new()),
            reactor,
            held: RefCell::new(VecDeque::new()),
            virtual_now: config.virtual_clock.then(|| Cell::new(Nanos::real_now())),
            offloaded: Cell::new(0),
            rng: RefCell::new(Rng::new(seed)),
            watches: RefCell::new((0..config.workers).map(|_| Watch::default()).collect()),
            closing: Cell::new(false),
            runtime,
        }
    }

    /// Runs `f` with this as the OS thread's worker. Unwinding out of the scheduler would leave green threads
    /// with nobody to run them: it ends the process.
    pub(super) fn enter<R>(&self, f: impl FnOnce(&Self) -> R) -> R {
        struct AbortOnUnwind;
        impl Drop for AbortOnUnwind {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    eprintln!("sward: the scheduler itself panicked (the message is above); this is a bug of sward");
                    std::process::abort();
                }
            }
        }
        assert!(WORKER.get().is_null(), "an OS thread is one worker at a time");
        let _abort = AbortOnUnwind;
        WORKER.set(self);
        // Without one an overflow is still caught by the guard; it is only not explained.
        let _ = crate::stack::overflow::ensure_alt_stack();
        let result = f(self);
        WORKER.set(ptr::null());
        result
    }

    /// Runs green threads until `done`.
    pub(super) fn run_until(&self, done: impl Fn(&Self) -> bool) {
        loop {
            if self.shared.doorbell.rang() {
                self.answer();
            }
            let turn = self.turn.get().wrapping_add(1);
            self.turn.set(turn);
            if turn % TURNS_BETWEEN_POLLS == 0 {
                self.look_around();
            }
            let next = self.queue.borrow_mut().pop();
            match next {
                Some(Next::Ready(slot)) => self.turn_of(slot),
                Some(Next::Fresh(fresh)) => self.start_fresh(fresh),
                None => {
                    if done(self) {
                        return;
                    }
                    match self.steal() {
                        Some(fresh) => self.start_fresh(fresh),
                        None => self.idle(),
                    }
                }
            }
            if self.closing.get() && done(self) {
                return;
            }
        }
    }

    /// Whether nothing is left to run, now or later.
    pub(super) fn is_drained(&self) -> bool {
        self.slots.used() == 0 && self.queue.borrow().is_empty() && self.held.borrow().is_empty()
    }

    /// Closes if it has not, and says whether nothing is left.
    pub(super) fn close_and_look(&self) -> bool {
        self.close();
        self.is_drained()
    }

    /// The last step of a worker: from now on, what comes to its door is turned away by who brings it.
    pub(super) fn leave(&self) {
        self.shared.leave();
    }

    /// Cancels all that is alive here; what is spawned from now on is cancelled before it runs.
    pub(super) fn close(&self) {
        if self.closing.replace(true) {
            return;
        }
        let mut alive = Vec::with_capacity(self.slots.used());
        self.slots.for_each(|slot| alive.push(slot));
        for slot in alive {
            // SAFETY: one of this worker's slots, on its thread.
            let core = unsafe { slot.get() }.core();
            super::park::deliver(core, core.park.cancel());
        }
        self.retry_held();
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
        let first = self.queue.borrow_mut().push_fresh(Fresh { task, counted_by: None });
        if first {
            self.runtime.call_idle();
        }
    }

    /// Queues a green thread of this worker's own.
    pub(crate) fn spawn_local(&self, task: TaskRef) {
        let slot = self.slots.take(task);
        self.queue.borrow_mut().push(slot);
    }

    /// Lets all that is runnable run before the current green thread runs on.
    #[inline(always)]
    pub(crate) fn yield_now(&self, slot: &Slot) {
        self.queue.borrow_mut().push(self.current.get().expect("a green thread is running"));
        slot.suspend();
    }

    /// Gives the current green thread its home: it is about to park for the first time.
    #[cold]
    pub(super) fn settle(&self, slot: &Slot) {
        slot.settled.set(true);
        if !slot.counted.replace(true) {
            self.shared.load.up();
        }
        let here = || Home {
            worker: Arc::clone(&self.shared),
            slot: self.current.get().expect("a green thread is running"),
        };
        slot.core().settle(here);
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
        let slot = self.current.get().expect("a green thread is running");
        self.timers.borrow_mut().insert(deadline, slot)
    }

    #[inline(always)]
    fn turn_of(&self, ptr: SlotPtr) {
        // SAFETY: the queue has this worker's slots only, and this is its thread.
        let slot = unsafe { ptr.get() };
        if !slot.has_started() {
            return self.start(Start::Local(ptr));
        }
        self.resume(ptr, slot);
    }

    #[inline(always)]
    fn resume(&self, ptr: SlotPtr, slot: &Slot) {
        self.current.set(Some(ptr));
        slot.budget.set(BUDGET);
        // SAFETY: this is the scheduler, between resumes.
        let fiber = unsafe { slot.fiber() }.as_mut().expect("a started slot has a fiber");
        let resumed = fiber.resume();
        self.current.set(None);
        if resumed == Resumed::Returned {
            self.retire(ptr, slot);
        }
    }

    /// Runs a green thread for the first time, or holds it until there is a stack for it.
    fn start(&self, start: Start) {
        if self.held.borrow().is_empty() {
            self.start_here(start);
        } else {
            self.hold(start);
        }
    }

    /// As [`start`](Self::start), here or on a worker that has fewer.
    fn start_fresh(&self, fresh: Fresh) {
        if let Some(fresh) = self.place(fresh) {
            self.start(Start::Fresh(fresh));
        }
    }

    fn start_here(&self, start: Start) {
        // SAFETY (both uses below): a local start has one of this worker's slots, on its thread.
        let class = match &start {
            Start::Fresh(fresh) => fresh.task.core.stack,
            Start::Local(ptr) => unsafe { ptr.get() }.core().stack,
        };
        if !self.runtime.limit.take() {
            return self.hold_for_limit(start);
        }
        let stack = match self.stacks.borrow_mut().take(class) {
            Ok(stack) => stack,
            Err(error) => {
                self.give_back_one();
                return match self.started.get() {
                    0 => self.abandon(start, Failure::NoStack(error)),
                    _ => self.hold(start),
                };
            }
        };
        let (ptr, counted) = match start {
            Start::Fresh(fresh) => (self.slots.take(fresh.task), fresh.counted_by.is_some()),
            // SAFETY: one of this worker's slots, on its thread.
            Start::Local(ptr) => (ptr, unsafe { ptr.get() }.counted.get()),
        };
        // SAFETY: just taken from this worker's slots, on its thread.
        let slot = unsafe { ptr.get() };
        slot.prepare(stack.limit().get(), counted);
        if slot.core().park.begin().is_cancelled() || self.closing.get() {
            self.stacks.borrow_mut().give(stack);
            self.give_back_one();
            let task = self.unseat(ptr, slot);
            // SAFETY: this is its worker, and it never ran.
            return unsafe { task.abandon(Failure::Cancelled) };
        }
        // SAFETY: the fiber runs on this worker's thread, and its slot lives at least as long as the fiber in it.
        let fiber = Fiber::new(stack, move |suspender| unsafe { ptr.get() }.main(suspender, next_task));
        // SAFETY: this is the scheduler; the slot was free or fresh, so there is no fiber in use in it.
        unsafe { *slot.fiber() = Some(fiber) };
        self.started.set(self.started.get() + 1);
        self.shared.started.step();
        self.resume(ptr, slot);
    }

    /// The next task, if it is fresh and may run on the stack of `slot`, whose own task has ended without a park.
    #[inline]
    fn next_on_stack_of(&self, slot: &Slot) -> Option<TaskRef> {
        if slot.counted.replace(false) {
            self.shared.load.down();
        }
        loop {
            let turn = self.turn.get().wrapping_add(1);
            let look = turn % TURNS_BETWEEN_POLLS == 0 || self.shared.doorbell.rang();
            if look || self.closing.get() || !self.held.borrow().is_empty() {
                return None;
            }
            let fresh = self.queue.borrow_mut().pop_fresh()?;
            self.turn.set(turn);
            let Some(fresh) = self.place(fresh) else { continue };
            let counted = fresh.counted_by.is_some();
            if fresh.task.core.stack != slot.core().stack {
                let next = self.slots.take(fresh.task);
                // SAFETY: just taken from this worker's slots, on its thread.
                unsafe { next.get() }.counted.set(counted);
                self.queue.borrow_mut().push_front(next);
                return None;
            }
            self.shared.started.step();
            slot.budget.set(BUDGET);
            slot.inherit_deadline(&fresh.task.core);
            slot.counted.set(counted);
            if !fresh.task.core.park.begin().is_cancelled() {
                return Some(fresh.task);
            }
            // SAFETY: this is its worker, and it never ran.
            unsafe { fresh.task.abandon(Failure::Cancelled) };
        }
    }

    /// A green thread has ended: its stack, its slot and its place under the limit are free again.
    #[inline]
    fn retire(&self, ptr: SlotPtr, slot: &Slot) {
        // SAFETY: this is the scheduler, and the fiber has returned.
        let fiber = unsafe { slot.fiber() }.take().expect("it has just run");
        self.stacks.borrow_mut().give(fiber.into_stack());
        self.started.set(self.started.get() - 1);
        drop(self.unseat(ptr, slot));
        self.give_back_one();
        if !self.held.borrow().is_empty() {
            self.retry_held();
        }
    }

    fn unseat(&self, ptr: SlotPtr, slot: &Slot) -> TaskRef {
        if slot.counted.get() {
            self.shared.load.down();
        }
        self.slots.give(ptr)
    }

    fn give_back_one(&self) {
        if self.runtime.limit.give_back() {
            self.runtime.ring_all();
        }
    }

    fn abandon(&self, start: Start, why: Failure) {
        let task = match start {
            Start::Fresh(fresh) => {
                self.uncount(&fresh);
                fresh.task
            }
            // SAFETY: one of this worker's slots, on its thread.
            Start::Local(ptr) => self.unseat(ptr, unsafe { ptr.get() }),
        };
        // SAFETY: this is its worker, and it never ran.
        unsafe { task.abandon(why) };
    }

    /// Sends a fresh one to a worker that has clearly fewer long-lived ones, once; the counts are of what has
    /// parked at least once, so tasks that never block never travel.
    #[inline]
    fn place(&self, mut fresh: Fresh) -> Option<Fresh> {
        if let Some(counter) = fresh.counted_by {
            if counter != self.shared.index {
                self.uncount(&fresh);
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

    fn uncount(&self, fresh: &Fresh) {
        if let Some(counter) = fresh.counted_by {
            self.runtime.workers[counter].load.down();
        }
    }

    /// Keeps a fresh one until a stack comes back.
    fn hold(&self, start: Start) {
        let first = self.held.borrow().is_empty();
        self.held.borrow_mut().push_back(start);
        if first {
            self.runtime.limit.join_line();
        }
    }

    /// As [`hold`](Self::hold), after the limit said no: one given back before the worker stood in line is
    /// seen by looking once more.
    fn hold_for_limit(&self, start: Start) {
        self.hold(start);
        if self.runtime.limit.has_room() {
            self.shared.ring();
        }
    }

    /// Something came back: starts what was held, as far as it goes.
    #[cold]
    fn retry_held(&self) {
        let waiting = std::mem::take(&mut *self.held.borrow_mut());
        if waiting.is_empty() {
            return;
        }
        self.runtime.limit.leave_line();
        for start in waiting {
            if self.held.borrow().is_empty() {
                self.start_here(start);
            } else {
                self.held.borrow_mut().push_back(start);
            }
        }
    }

    /// Takes in what was put before the door.
    #[cold]
    fn answer(&self) {
        self.shared.doorbell.answer();
        for core in self.shared.inbox.take() {
            // SAFETY: whoever pushed it won its park word, so it is parked, here, and alive.
            let home = unsafe { core.as_ref() }.home().expect("what has parked has a home");
            self.queue.borrow_mut().push_woken(home.slot);
        }
        self.queue.borrow_mut().accept(&self.shared.queue);
        self.reactor.forget_released(&self.shared);
        if self.runtime.closing.is_raised() {
            self.close();
        }
        self.retry_held();
    }

    /// Looks at the reactor and the timers without waiting.
    #[cold]
    fn look_around(&self) {
        self.fire_timers();
        if self.reactor.is_in_use() {
            self.reactor.poll(Some(Duration::ZERO));
        }
    }

    fn fire_timers(&self) {
        if self.timers.borrow().is_empty() {
            return;
        }
        let now = self.now();
        let mut timers = self.timers.borrow_mut();
        while let Some(ptr) = timers.pop_due(now) {
            // SAFETY: one of this worker's slots, on its thread; a timer is removed before its green thread ends.
            let slot = unsafe { ptr.get() };
            if slot.core().park.expire() {
                slot.expired.set(true);
                self.queue.borrow_mut().push_woken(ptr);
            }
        }
    }

    fn steal(&self) -> Option<Fresh> {
        let others = self.runtime.workers.len();
        if others == 1 {
            return None;
        }
        let now = Nanos::real_now();
        let mut watches = self.watches.borrow_mut();
        let first = self.rng.borrow_mut().below(others);
        let victims = (first..others).chain(0..first).filter(|&victim| victim != self.shared.index);
        for victim in victims {
            if !self.runtime.workers[victim].queue.has_fresh() {
                watches[victim].forget();
                continue;
            }
            if !watches[victim].is_worth_it(&self.runtime.workers[victim], now) {
                continue;
            }
            let stolen = self.queue.borrow_mut().steal_from(&self.runtime.workers[victim].queue);
            if stolen.is_some() {
                // A thief that leaves something behind calls the next one.
                if self.queue.borrow().has_fresh() || self.runtime.workers[victim].queue.has_fresh() {
                    self.runtime.call_idle();
                }
                return stolen;
            }
        }
        None
    }

    /// Nothing to run: waits for an event, a deadline or the doorbell.
    fn idle(&self) {
        if self.virtual_now.is_some() && self.idle_in_virtual_time() {
            return;
        }
        self.fire_timers();
        if !self.queue.borrow().is_empty() {
            return;
        }
        let me = self.shared.index;
        let alone = self.runtime.workers.len() == 1;
        if !alone {
            self.runtime.idle.enter(me);
        }
        if !self.spin() {
            let look_again = !alone && self.runtime.anything_to_steal(me);
            self.sleep(look_again.then_some(thief::SECOND_LOOK));
        }
        if !alone {
            self.runtime.idle.leave(me);
        }
    }

    /// Sleeps until an event, the next deadline or the doorbell, at the longest for `limit`.
    fn sleep(&self, limit: Option<Duration>) {
        let surplus = self.stacks.borrow_mut().trim(Duration::from_nanos(Nanos::real_now().0));
        let real_deadline = self.timers.borrow().next_deadline().filter(|_| self.virtual_now.is_none());
        let wait = [
            limit,
            surplus.then_some(TRIM_INTERVAL),
            real_deadline.map(|deadline| deadline.since(Nanos::real_now())),
        ];
        let wait = wait.into_iter().flatten().min();
        if self.shared.doorbell.fall_asleep() == Asleep::Yes {
            self.reactor.poll(wait);
            self.shared.doorbell.wake_up();
        }
        self.fire_timers();
    }

    /// With `busy_poll`, looks again and again for that long before it sleeps. True: there is something to do.
    fn spin(&self) -> bool {
        let Some(limit) = self.runtime.config.busy_poll else { return false };
        let until = Nanos::real_now().saturating_add(limit);
        loop {
            self.reactor.poll(Some(Duration::ZERO));
            self.fire_timers();
            if !self.queue.borrow().is_empty() || self.shared.doorbell.rang() {
                return true;
            }
            if Nanos::real_now() >= until {
                return false;
            }
        }
    }

    /// Virtual time: jumps to the next deadline if nothing else can happen before it. False: something real
    /// is awaited, so the worker sleeps for it.
    fn idle_in_virtual_time(&self) -> bool {
        self.reactor.poll(Some(Duration::ZERO));
        if !self.queue.borrow().is_empty() || self.shared.doorbell.rang() {
            return true;
        }
        let Some(next) = self.timers.borrow().next_deadline() else {
            return false;
        };
        if self.offloaded.get() != 0 || next == Nanos::NEVER {
            return false;
        }
        self.jump_to(next);
        self.fire_timers();
        true
    }
}

/// [`Worker::next_on_stack_of`], from the fiber's own stack.
fn next_task(slot: &Slot) -> Option<TaskRef> {
    of_this_thread()?.next_on_stack_of(slot)
}

/// What the overflow report says of the running green thread. Called by a signal handler: it reads, and
/// neither allocates nor locks.
pub(super) fn describe_overflow() -> Option<Overflowing> {
    let (_, slot) = current()?;
    slot.describe_overflow()
}

const TRIM_INTERVAL: Duration = Duration::from_secs(1);

impl Drop for Worker {
    fn drop(&mut self) {
        self.reactor.orphan_all();
    }
}

