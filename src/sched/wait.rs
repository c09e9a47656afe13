//! Waiting in line, for all three kinds of waiter: the shell around the operations of [`lockfree`](crate::lockfree).
//!
//! [`block_on`] parks the caller between an operation's steps; [`Waiting`] is the same as a future. If an operation was
//! granted at the moment when a cancel or a timeout came, it is done: the cancel is met at the next park.

#![allow(unsafe_code)]

use std::{
    pin::{Pin, pin},
    ptr::NonNull,
    task::{Context, Poll, Waker},
};

use super::{
    cancel,
    clock::Nanos,
    deadlock,
    park::{self, OsThread, Wake},
    slot::Slot,
    task::Core,
    wake::{self, Woken},
    worker,
};
use crate::lockfree::{
    holder::Holder,
    spin::Guarded,
    wait_list::{Node, Operation, Waiter},
};

/// One who stands in line.
pub(crate) enum Who {
    Green(NonNull<Core>),
    Os(NonNull<OsThread>),
    Task(Guarded<Option<Waker>>),
}

/// What is left to be done for one who was woken.
#[must_use]
pub(crate) enum Delivery {
    Thread(Woken),
    Task(Waker),
}

/// What a green thread waits for, as a report says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitsFor {
    /// The type, as the user knows it: `Mutex`.
    pub(crate) what: &'static str,
    /// Its address.
    pub(crate) at: *const (),
    pub(crate) held_by: HeldBy,
}

/// Who has what one waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HeldBy {
    /// Anybody may end the wait.
    Anybody,
    /// Who holds this lock, which is alive as long as the wait.
    Lock(*const Holder),
    /// The thread of this number: it is its end that is waited for.
    Thread(u64),
}

/// The deadline came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimedOut;

/// Does `operation`, parking as long as it has to wait, at the longest until `deadline`. Unwinds if the caller is
/// cancelled meanwhile.
#[inline(always)]
pub(crate) fn block_on<O: Operation<Who>>(
    operation: O,
    waits_for: WaitsFor,
    deadline: Nanos,
) -> Result<O::Output, TimedOut> {
    match try_block_on(operation, waits_for, deadline) {
        Ok(output) => Ok(output),
        Err(Wake::TimedOut) => Err(TimedOut),
        Err(_) => cancel::unwind(),
    }
}

/// As [`block_on`], for one who has something to do before it unwinds. An error is `TimedOut` or `Cancelled`, never
/// `Notified`.
#[inline(always)]
pub(crate) fn try_block_on<O: Operation<Who>>(
    mut operation: O,
    waits_for: WaitsFor,
    deadline: Nanos,
) -> Result<O::Output, Wake> {
    let payload = operation.payload();
    let node = pin!(Node::new(Who::current(), payload));
    let node = node.as_ref();
    if let Some(output) = operation.begin(node) {
        return Ok(output);
    }
    if deadline != Nanos::NEVER && deadline <= super::now() {
        // Out of line first: while others run, nobody is to be held up by it.
        return operation.give_up(node).ok_or_else(|| park::pass(deadline));
    }
    // A park does not unwind, and of the operations only those do that give up and wake a task by its waker, which is
    // foreign code: the node is in no line then.
    let _record = Record::of(waits_for, deadline);
    loop {
        let done = match park::park(deadline) {
            Wake::Notified => operation.look(node),
            wake => return operation.give_up(node).ok_or(wake),
        };
        if let Some(output) = done {
            return Ok(output);
        }
    }
}

/// Runs `f`, which waits, with what it waits for on record.
pub(crate) fn recorded<R>(waits_for: WaitsFor, deadline: Nanos, f: impl FnOnce() -> R) -> R {
    let _record = Record::of(waits_for, deadline);
    f()
}

/// What the caller waits for, on record in its slot until this is dropped.
struct Record<'a>(Option<&'a Slot>);

impl Record<'_> {
    #[inline(always)]
    fn of(waits_for: WaitsFor, deadline: Nanos) -> Self {
        let Some((worker, slot)) = worker::current() else { return Self(None) };
        slot.waits_for.set(Some(waits_for));
        slot.wait_until.set(deadline);
        if waits_for.is_held() {
            worker.suspect(slot);
        }
        Self(Some(slot))
    }
}

impl Drop for Record<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(slot) = self.0 {
            forget(slot);
        }
    }
}

/// A wait is over: what it was for may be gone from now on.
#[inline(always)]
pub(super) fn forget(slot: &Slot) {
    slot.waits_for.set(None);
    if slot.published.get() {
        deadlock::withdraw(slot);
    }
}

impl WaitsFor {
    /// Something that anybody may signal.
    pub(crate) fn signal<T: ?Sized>(what: &'static str, at: &T) -> Self {
        Self { what, at: std::ptr::from_ref(at).cast(), held_by: HeldBy::Anybody }
    }

    /// Something that is held.
    pub(crate) fn lock<T: ?Sized>(what: &'static str, at: &T, holder: &Holder) -> Self {
        Self { held_by: HeldBy::Lock(holder), ..Self::signal(what, at) }
    }

    /// The end of a green thread.
    pub(crate) fn end_of(core: &Core) -> Self {
        Self { held_by: HeldBy::Thread(core.id), ..Self::signal("JoinHandle", core) }
    }

    /// Whether somebody has it who is known.
    #[inline(always)]
    pub(super) fn is_held(&self) -> bool {
        !matches!(self.held_by, HeldBy::Anybody)
    }
}

impl Who {
    #[inline(always)]
    pub(crate) fn current() -> Self {
        match worker::current() {
            Some((_, slot)) => Who::Green(NonNull::from(slot.core())),
            // It is kept until the OS thread's end, and while it waits it has not ended.
            None => Who::Os(NonNull::from(&*park::os_thread())),
        }
    }
}

// SAFETY: park words and wakers are for use from any thread. A `Woken` needs nothing that the waiter may take away; a waker is
// its own.
unsafe impl Waiter for Who {
    type Wake = Delivery;

    #[inline]
    fn wake(&self) -> Delivery {
        match self {
            // SAFETY: called under the list's lock, so the green thread has not left its wait (Invariant 1 of `wait_list`), and
            // its slot keeps its task.
            Who::Green(core) => Delivery::Thread(wake::begin_unpark(unsafe { core.as_ref() })),
            // SAFETY: as above: the OS thread has not left its wait.
            Who::Os(thread) => Delivery::Thread(unsafe { thread.as_ref() }.begin_unpark()),
            Who::Task(waker) => {
                waker.with(Option::take).map_or(Delivery::Thread(Woken::Runs), Delivery::Task)
            }
        }
    }

    #[inline]
    fn deliver(wake: Delivery) {
        match wake {
            Delivery::Thread(woken) => woken.deliver(),
            Delivery::Task(waker) => waker.wake(),
        }
    }
}

/// An operation as a future. Dropped while it stands in line it leaves, and what it was granted at that moment goes
/// to the next.
#[must_use = "a future does nothing unless it is awaited"]
pub(crate) struct Waiting<O: Operation<Who>> {
    operation: O,
    /// Pinned with the future.
    node: Node<Who, O::Payload>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Before,
    InLine,
    Done,
}

// SAFETY: the node is touched under its list's lock, from any thread, and what is in it (links, a waker, the payload)
// goes with the operation.
unsafe impl<O: Operation<Who> + Send> Send for Waiting<O> where O::Payload: Send {}

impl<O: Operation<Who>> Waiting<O> {
    pub(crate) fn new(mut operation: O) -> Self {
        let payload = operation.payload();
        Self { operation, node: Node::new(Who::Task(Guarded::new(None)), payload), stage: Stage::Before }
    }
}

impl<O: Operation<Who>> Future for Waiting<O> {
    type Output = O::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<O::Output> {
        // SAFETY: the node is pinned with the future; the other fields are never pinned, and nothing is moved out.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let node = unsafe { Pin::new_unchecked(&this.node) };
        let Who::Task(place) = node.waiter() else { unreachable!("a future waits as a task") };
        // A waker is foreign code: cloned and dropped outside of the lock.
        let waker = context.waker().clone();
        drop(place.with(|place| place.replace(waker)));
        let done = match this.stage {
            Stage::Before => this.operation.begin(node),
            Stage::InLine => this.operation.look(node),
            Stage::Done => panic!("a future was polled after it had ended"),
        };
        this.stage = if done.is_some() { Stage::Done } else { Stage::InLine };
        done.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<O: Operation<Who>> Drop for Waiting<O> {
    fn drop(&mut self) {
        if self.stage == Stage::InLine {
            // SAFETY: it was pinned when it was put in line, and is not moved before it is out.
            let node = unsafe { Pin::new_unchecked(&self.node) };
            if let Some(output) = self.operation.give_up(node) {
                self.operation.put_back(output);
            }
        }
    }
}
