//! Park and unpark, the one primitive under everything that blocks, for two kinds of waiter: a green thread and a
//! plain OS thread. (The third, a task of an async executor, does not stop here: see [`wait`](super::wait).)
//!
//! What parks here is *the caller*, whatever it is. A green thread switches to its scheduler; a plain OS
//! thread, and a green thread that must not switch (it is unwinding, or on the worker's own stack), sleeps on
//! its word. A park may end without a reason: every caller has a condition of its own and a loop.

use std::{
    cell::{Cell, OnceCell},
    sync::Arc,
    thread,
};

use super::{
    cancel::CAN_UNWIND,
    clock::Nanos,
    ids,
    interrupts::{self, Interrupts},
    slot::Slot,
    task::{Core, TaskRef},
    wake::{self, Woken},
    worker::{self, Worker},
};
use crate::{
    lockfree::park_word::{ParkWord, Prepared, Sent},
    sys::futex,
};

pub(crate) use super::start::cancel;
pub(crate) use crate::lockfree::park_word::Await;

/// How a park ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Woken, or for no reason: look at the condition.
    Notified,
    TimedOut,
    /// The thread is cancelled, or a timeout around the call has come: clean up, then [`cancel::unwind`](super::cancel::unwind).
    Cancelled,
}

/// Wakes one waiter.
#[derive(Clone)]
pub(crate) enum Unparker {
    Green(TaskRef),
    Os(Arc<OsThread>),
}

/// An OS thread, as a waiter. Its token is its own, not `std::thread::park`'s.
pub(crate) struct OsThread {
    pub(crate) park: ParkWord,
    pub(crate) id: u64,
    pub(crate) thread: thread::Thread,
}

/// Parks the caller, at the longest until `deadline`.
#[inline]
pub(crate) fn park(deadline: Nanos) -> Wake {
    park_for(Await::Wakeup, deadline)
}

/// As [`park`], for the user's token.
#[inline(always)]
pub(crate) fn park_for(what: Await, deadline: Nanos) -> Wake {
    match worker::current() {
        Some((worker, slot)) => park_green(worker, slot, what, deadline),
        None => park_os_thread(what, deadline),
    }
}

/// Whether a park of this green thread must not switch. The panic count is per OS thread: a switch while
/// unwinding would leak it to the other green threads.
#[inline(always)]
pub(crate) fn must_stay(slot: &Slot) -> bool {
    slot.in_place.get() || thread::panicking() && is_unwinding(slot)
}

thread_local! {
    /// Set while the worker of this OS thread runs in a `Drop` that an unwinding of that thread has called.
    static IN_A_DROP: Cell<bool> = const { Cell::new(false) };
}

/// Whether it is this green thread that unwinds, as far as that can be told: where the OS thread was unwinding already when it
/// became a worker, all of them would count as panicking, and none would ever switch.
#[cold]
fn is_unwinding(slot: &Slot) -> bool {
    !IN_A_DROP.get() || slot.interrupts.is_unwinding()
}

/// Runs `f`, in which the calling OS thread is a worker, and remembers whether it unwinds already.
pub(crate) fn as_worker<R>(f: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            IN_A_DROP.set(false);
        }
    }
    IN_A_DROP.set(thread::panicking());
    let _leave = Leave;
    f()
}

/// Whether an interruption must wait: the thread unwinds already, or runs on the worker's own stack.
pub(crate) fn is_unwinding_or_in_place() -> bool {
    worker::current().map_or_else(thread::panicking, |(_, slot)| must_stay(slot))
}

/// What wakes the caller.
pub(crate) fn current_unparker() -> Unparker {
    match worker::current() {
        Some((_, slot)) => Unparker::Green(slot.task().clone()),
        None => Unparker::Os(os_thread()),
    }
}

/// The calling OS thread as a waiter.
pub(crate) fn os_thread() -> Arc<OsThread> {
    with_os_thread(Arc::clone)
}

#[inline(always)]
fn park_green(worker: &Worker, slot: &Slot, what: Await, deadline: Nanos) -> Wake {
    let core = slot.core();
    if must_stay(slot) {
        return sleep_on(&core.park, what, deadline);
    }
    if is_cancelled(slot, core) {
        return Wake::Cancelled;
    }
    if !slot.settled.get() {
        worker.settle(slot);
    }
    if deadline != Nanos::NEVER || slot.interrupts.nearest() != Nanos::NEVER {
        return park_until(worker, slot, what, deadline);
    }
    if core.park.prepare(what) == Prepared::Park {
        slot.suspend();
    }
    notified(slot, core)
}

/// What a wait until `deadline` comes to when that has passed: others run, as they would if this had parked, so that a
/// loop of such waits keeps nobody out; and a cancel is delivered.
#[cold]
pub(crate) fn pass(deadline: Nanos) -> Wake {
    let timeout = match worker::current() {
        Some((_, slot)) if must_stay(slot) => Nanos::NEVER,
        Some((worker, slot)) => {
            worker.yield_now(slot);
            if is_cancelled(slot, slot.core()) {
                return Wake::Cancelled;
            }
            slot.interrupts.nearest()
        }
        None => os_thread_timeout(),
    };
    if timeout < deadline { Wake::Cancelled } else { Wake::TimedOut }
}

/// What a wake-up means to one that may have been cancelled meanwhile: the cancel may be what woke it.
#[inline(always)]
fn notified(slot: &Slot, core: &Core) -> Wake {
    if is_cancelled(slot, core) { Wake::Cancelled } else { Wake::Notified }
}

/// Parks until a deadline of the call's own, or of a timeout around it, whichever is nearer; of equal ones it is the
/// call's own.
fn park_until(worker: &Worker, slot: &Slot, what: Await, deadline: Nanos) -> Wake {
    let (core, timeout) = (slot.core(), slot.interrupts.nearest());
    if core.park.prepare(what) == Prepared::Notified {
        return notified(slot, core);
    }
    // What is there counts, and what is due comes next.
    if timeout != Nanos::NEVER && timeout <= worker.now() && core.park.expire() {
        return Wake::Cancelled;
    }
    let timed_out = worker.suspend_until(slot, deadline.min(timeout));
    match notified(slot, core) {
        Wake::Notified if timed_out && timeout < deadline => Wake::Cancelled,
        Wake::Notified if timed_out => Wake::TimedOut,
        wake => wake,
    }
}

/// Whether a cancel is to be delivered to this green thread now.
#[inline(always)]
pub(crate) fn is_cancelled(slot: &Slot, core: &Core) -> bool {
    CAN_UNWIND && core.park.is_cancelled() && !slot.interrupts.is_shielded()
}

#[cold]
fn park_os_thread(what: Await, deadline: Nanos) -> Wake {
    let timeout = os_thread_timeout();
    match with_os_thread(|me| sleep_on(&me.park, what, deadline.min(timeout))) {
        Wake::TimedOut if timeout < deadline => Wake::Cancelled,
        other => other,
    }
}

/// The nearest timeout around a call on a plain OS thread; none counts while it unwinds.
pub(crate) fn os_thread_timeout() -> Nanos {
    match thread::panicking() {
        true => Nanos::NEVER,
        false => interrupts::with_current(Interrupts::nearest),
    }
}

/// The moment for one who sleeps in place until `deadline`. Virtual time does not pass by itself, and the worker that
/// would move it is the one that sleeps here: it jumps.
fn now_in_place(deadline: Nanos) -> Nanos {
    match worker::of_this_thread() {
        Some(worker) => worker.jump_to(deadline),
        None => Nanos::real_now(),
    }
}

/// Blocks the OS thread on a park word.
#[cold]
fn sleep_on(word: &ParkWord, what: Await, deadline: Nanos) -> Wake {
    if word.prepare_in_place(what) == Prepared::Notified {
        return Wake::Notified;
    }
    while let Some((futex, asleep)) = word.futex(what) {
        let left = (deadline != Nanos::NEVER).then(|| deadline.since(now_in_place(deadline)));
        if left.is_some_and(|left| left.is_zero()) {
            break;
        }
        futex::wait(futex, asleep, left);
    }
    if word.end_in_place(what) { Wake::Notified } else { Wake::TimedOut }
}

impl Unparker {
    /// Wakes the waiter, or lets its next park return at once.
    pub(crate) fn unpark(&self) {
        match self {
            Unparker::Green(task) => wake::unpark(&task.core),
            Unparker::Os(thread) => thread.begin_unpark().deliver(),
        }
    }
}

impl OsThread {
    /// Wakes it, or lets its next park return at once, as soon as this is delivered.
    pub(super) fn begin_unpark(&self) -> Woken {
        self.woken(self.park.unpark())
    }

    /// Gives it its token.
    pub(crate) fn unpark_with_token(&self) {
        self.woken(self.park.unpark_with_token()).deliver();
    }

    fn woken(&self, sent: Sent) -> Woken {
        match sent {
            Sent::Nothing => Woken::Runs,
            Sent::WakeFutex | Sent::Push => Woken::Futex(self.park.futex_address()),
        }
    }
}

/// Waits until `deadline`, whatever wakes it meanwhile. False: cancelled before.
#[must_use]
pub(crate) fn sleep_until(deadline: Nanos) -> bool {
    loop {
        match park(deadline) {
            Wake::TimedOut => return true,
            Wake::Cancelled => return false,
            Wake::Notified if super::now() >= deadline => return true,
            Wake::Notified => {}
        }
    }
}

fn with_os_thread<R>(f: impl FnOnce(&Arc<OsThread>) -> R) -> R {
    thread_local! {
        static ME: OnceCell<Arc<OsThread>> = const { OnceCell::new() };
        /// Without a destructor, and so there to the very end.
        static LATE: Cell<Option<&'static Arc<OsThread>>> = const { Cell::new(None) };
    }
    let make = || {
        Arc::new(OsThread {
            park: ParkWord::of_os_thread(),
            id: ids::of_os_thread(),
            thread: thread::current(),
        })
    };
    let mut f = Some(f);
    let result = ME.try_with(|me| f.take().map(|f| f(me.get_or_init(make))));
    match (result, f) {
        (Ok(Some(result)), _) => result,
        // The thread's locals are gone: it is at its end, and what it waits with now is never freed.
        (_, Some(f)) => f(LATE.get().unwrap_or_else(|| {
            let late = Box::leak(Box::new(make()));
            LATE.set(Some(late));
            late
        })),
        (_, None) => unreachable!("`f` is either called or left"),
    }
}
