//! A green thread as all threads see it: its words, its name, and its closure or result, in one allocation.
//!
//! ```text
//!  TaskRef, to a Task<dyn Stage>                  Slot (the worker's own, see `slot`)
//!  ┌──────────────┬──────────┬───────────────────────┐       ┌─────────────────────────────┐
//!  │ Core         │ Extras,  │ Cell<F, T>            │ <──── │ fiber, budget, shield, …    │
//!  │ words, site, │ if it    │ closure, then result  │ ────> │                             │
//!  │ home         │ has any  │                       │ home  └─────────────────────────────┘
//!  └──────────────┴──────────┴───────────────────────┘
//! ```
//!
//! What is here may be shared between threads; what belongs to the stack is in the slot, which may not.

#![allow(unsafe_code)]

mod memory;
mod shared;

use std::{
    any::Any,
    cell::UnsafeCell,
    io, mem,
    panic::{self, AssertUnwindSafe, Location},
    ptr::NonNull,
    sync::{Arc, Mutex},
};

use super::{
    cancel,
    clock::Nanos,
    delay::Delay,
    extras::{self, Extras, ExtrasPtr},
    ids, locals,
    runtime::WorkerShared,
    slot::SlotPtr,
    waiters::Waiters,
};
use crate::{
    lockfree::{
        counter::WorkerMark,
        home::Home,
        inbox::{Link, Linked},
        outcome_word::{Ended, OutcomeWord},
        park_word::ParkWord,
        ref_count::RefCount,
    },
    payload,
    stack::StackClass,
};

pub(crate) use shared::TaskRef;
pub(super) use {memory::Kept, shared::to_raw};

/// See the [module](self). The core comes first, so that it is found without asking what comes behind it.
#[repr(C)]
pub(crate) struct Task<S: ?Sized> {
    pub(crate) core: Core,
    pub(super) stage: S,
}

/// What every green thread has, whatever it runs.
///
/// In this order: what a wake-up touches comes first, and so is in one line of the cache, or in two.
#[repr(C)]
pub(crate) struct Core {
    pub(crate) park: ParkWord,
    /// Where it runs, written by its worker before it parks for the first time.
    pub(super) home: Home<WorkerShared, SlotPtr>,
    pub(crate) outcome: OutcomeWord,
    refs: RefCount,
    /// While it is fresh: the worker in whose load it is counted already, because it was sent there.
    pub(crate) counted_by: WorkerMark,
    pub(crate) stack: StackClass,
    link: Link<Core>,
    /// Who waits for its end; a place is made when somebody does.
    pub(super) waiters: Mutex<Option<Box<Waiters>>>,
    pub(crate) id: u64,
    site: &'static Location<'static>,
    pub(super) extras: ExtrasPtr,
}

/// What a spawn asks for.
pub(crate) struct Spec {
    pub(crate) name: Option<Box<str>>,
    pub(crate) site: &'static Location<'static>,
    pub(crate) stack: StackClass,
    /// The deadline that it inherits from its spawner.
    pub(crate) deadline: Option<Nanos>,
    /// When it starts, if not at once.
    pub(crate) due: Option<Nanos>,
}

/// Why a green thread gave no value.
pub(crate) enum Failure {
    Panicked(Box<dyn Any + Send>),
    Cancelled,
    NoStack(io::Error),
}

/// Told when a green thread has ended and its closure and result are disposed of: a scope counts with it.
pub(crate) trait OnEnd: Send + Sync {
    fn ended(&self, how: Ended);

    /// It panicked, and nobody will join it. Told before [`ended`](Self::ended), or by the handle's drop.
    fn unseen_panic(&self);
}

/// What a task does that depends on its types.
pub(crate) trait Stage: Send + Sync {
    /// Runs the closure, on the green thread's own stack, and publishes the result.
    ///
    /// # Safety
    /// Called by the worker, once, if [`abandon`](Self::abandon) never is.
    unsafe fn run(&self, core: &Core);

    /// Drops the closure without running it, and publishes why.
    ///
    /// # Safety
    /// Called by the worker (or by who holds the task before any worker has it), once, if
    /// [`run`](Self::run) never is.
    unsafe fn abandon(&self, core: &Core, why: Failure);

    /// Moves the result into the `Option<Result<T, Failure>>` at `into`.
    ///
    /// # Safety
    /// Called by the handle, once, after the outcome word says that it has ended; `into` is of that type, with
    /// the `T` that the task was made with.
    unsafe fn take(&self, into: *mut ());

    /// Drops the result, and reports a panic that nobody will see.
    ///
    /// # Safety
    /// As [`take`](Self::take), or instead of it by the worker if the handle is gone.
    unsafe fn discard(&self, core: &Core);
}

/// The closure, and then the result.
///
/// **Invariant.** The step is reached by one party at a time: by the worker until `DONE`, then by the handle, or with the
/// handle gone by whoever came second (the table in `outcome_word`); the word's acquire and release order them. What
/// `spawn_local` has made its worker never moves, and its handle is not `Send`. The step is `Empty` before the last reference
/// goes, unless the handle was leaked, and then that reference never goes.
struct Cell<F, T>(UnsafeCell<Step<F, T>>);

enum Step<F, T> {
    Ready(F),
    Ended(Result<T, Failure>),
    /// Running, or taken.
    Empty,
}

// SAFETY: by its invariant one party at a time reaches the step, in the word's order. For `spawn` both `F` and `T` are `Send`,
// so the parties may be different threads; for `spawn_local` they are one OS thread. And no foreign thread's reference drops
// an `F` or a `T`.
unsafe impl<F, T> Send for Cell<F, T> {}
// SAFETY: shared references reach the step only as said above, by one party at a time and ordered by the word, so
// sharing gives nobody more than sending does.
unsafe impl<F, T> Sync for Cell<F, T> {}

/// Makes a task. It holds its closure until a worker runs or abandons it.
///
/// # Safety
/// What `f` and its result borrow lives until `on_end` is told; and if `f` or its result is not `Send`, then
/// the task goes to the calling thread's worker alone, and its handle stays on this thread.
pub(crate) unsafe fn new_task<'a, F, T>(f: F, spec: Spec, on_end: Option<Arc<dyn OnEnd>>) -> TaskRef
where
    F: FnOnce() -> T + 'a,
    T: 'a,
{
    let Spec { name, site, stack, deadline, due } = spec;
    // Made where it stays: a copy of it would cost more than all of it.
    let core = || Core {
        park: ParkWord::fresh(),
        home: Home::unknown(),
        outcome: OutcomeWord::new(),
        refs: RefCount::one(),
        counted_by: WorkerMark::none(),
        stack,
        link: Link::new(),
        waiters: Mutex::new(None),
        id: ids::next(),
        site,
        extras: ExtrasPtr::default(),
    };
    let stage = |f| Cell(UnsafeCell::new(Step::Ready(f)));
    let any = name.is_some() || on_end.is_some() || deadline.is_some() || due.is_some();
    let task: NonNull<Task<dyn Stage + 'a>> = match any {
        false => to_raw(Task { core: core(), stage: stage(f) }),
        true => {
            let extras = Extras { name, on_end, deadline, delay: due.map(Delay::until) };
            extras::task_of(core(), extras, stage(f))
        }
    };
    // SAFETY: just made. By the caller's contract what 'a bounds is gone or alive when `on_end` is told, and after
    // that nothing of the closure or the result is left in the task (see `Cell::publish`), unless a handle, which is bound
    // by 'a itself, still holds the result.
    unsafe { TaskRef::from_raw(task) }
}

impl Task<dyn Stage> {
    /// # Safety
    /// As [`Stage::run`].
    pub(crate) unsafe fn run(&self) {
        // SAFETY: passed on.
        unsafe { self.stage.run(&self.core) }
    }

    /// # Safety
    /// As [`Stage::abandon`].
    pub(crate) unsafe fn abandon(&self, why: Failure) {
        // SAFETY: passed on.
        unsafe { self.stage.abandon(&self.core, why) }
    }

    /// # Safety
    /// As [`Stage::take`], with `T` the task's.
    pub(crate) unsafe fn take<T>(&self) -> Result<T, Failure> {
        let mut result: Option<Result<T, Failure>> = None;
        // SAFETY: the place has the type that `take` asks for; the rest is passed on.
        unsafe { self.stage.take((&raw mut result).cast()) };
        result.expect("the result is taken once")
    }

    /// The handle goes without a join: nobody will take the result.
    ///
    /// # Safety
    /// Called by the handle, once, without [`take`](Self::take).
    pub(crate) unsafe fn detach(&self) {
        if self.core.outcome.drop_handle() {
            // SAFETY: it has ended, and the handle came second.
            unsafe { self.stage.discard(&self.core) };
        }
    }
}

impl<F: FnOnce() -> T, T> Stage for Cell<F, T> {
    unsafe fn run(&self, core: &Core) {
        // SAFETY: before `DONE` the step is the worker's.
        let Step::Ready(f) = mem::replace(unsafe { &mut *self.0.get() }, Step::Empty) else {
            unreachable!("a green thread runs once");
        };
        let result = panic::catch_unwind(AssertUnwindSafe(f)).map_err(cancel::failure_of);
        locals::clear(core);
        // SAFETY: still before `DONE`.
        let ended = unsafe { self.publish(core, result) };
        core.tell_end(ended);
    }

    unsafe fn abandon(&self, core: &Core, why: Failure) {
        // SAFETY: before `DONE` the step is the worker's.
        let closure = mem::replace(unsafe { &mut *self.0.get() }, Step::Empty);
        let has_run = matches!(closure, Step::Empty);
        let dropped = panic::catch_unwind(AssertUnwindSafe(|| drop(closure)));
        let why = dropped.err().map_or(why, cancel::failure_of);
        locals::clear(core);
        // SAFETY: still before `DONE`.
        let ended = unsafe { self.publish(core, Err(why)) };
        // If it ran it stays on its stack for ever, and with it what it borrows, which it may have lent on: its scope
        // must not end.
        if !has_run {
            core.tell_end(ended);
        }
    }

    unsafe fn take(&self, into: *mut ()) {
        // SAFETY: it has ended and the handle has the step; `into` is of this type (both the caller's contract).
        unsafe {
            if let Step::Ended(result) = mem::replace(&mut *self.0.get(), Step::Empty) {
                *into.cast::<Option<Result<T, Failure>>>() = Some(result);
            }
        }
    }

    unsafe fn discard(&self, core: &Core) {
        // SAFETY: the caller is the only party left (its contract).
        let step = mem::replace(unsafe { &mut *self.0.get() }, Step::Empty);
        match (&step, core.on_end()) {
            (Step::Ended(Err(Failure::Panicked(_))), Some(on_end)) => on_end.unseen_panic(),
            (Step::Ended(Err(failure)), _) => core.report_unseen(failure),
            _ => {}
        }
        drop(step);
    }
}

impl<F: FnOnce() -> T, T> Cell<F, T> {
    /// Inlined, or the result would be copied by the word where it was written by the byte: the copy then waits for all that
    /// was written before, by the closure as well.
    ///
    /// # Safety
    /// Called by the worker, once, before `DONE`.
    #[inline(always)]
    unsafe fn publish(&self, core: &Core, result: Result<T, Failure>) -> Ended {
        let ended = match &result {
            Ok(_) => Ended::Returned,
            Err(Failure::Panicked(_) | Failure::NoStack(_)) => Ended::Panicked,
            Err(Failure::Cancelled) => Ended::Cancelled,
        };
        // SAFETY: before `DONE` the step is the worker's; it holds `Empty`.
        unsafe { *self.0.get() = Step::Ended(result) };
        let next = core.outcome.complete(ended);
        if next.drop_result {
            // SAFETY: the handle is gone, and the worker comes second.
            payload::contain(|| unsafe { self.discard(core) });
        }
        if next.wake_waiter || next.call_listeners {
            core.tell_waiters(ended);
        }
        if next.drop_result || next.call_listeners {
            // What the result's `Drop` and the callbacks have made is not for who gets the slot next.
            locals::clear(core);
        }
        ended
    }
}

impl Core {
    pub(crate) fn name(&self) -> Option<&str> {
        self.extras.get()?.name.as_deref()
    }

    pub(crate) fn site(&self) -> &'static Location<'static> {
        self.site
    }

    /// The deadline that it inherited.
    pub(crate) fn deadline(&self) -> Option<Nanos> {
        self.extras.get()?.deadline
    }

    /// When it is to start, if that was not to be at once.
    #[inline]
    pub(super) fn delay(&self) -> Option<&Delay> {
        self.extras.get()?.delay.as_ref()
    }

    fn tell_end(&self, ended: Ended) {
        if let Some(on_end) = self.on_end() {
            on_end.ended(ended);
        }
    }

    fn on_end(&self) -> Option<&dyn OnEnd> {
        self.extras.get()?.on_end.as_deref()
    }

    /// A panic that nobody will join is told on stderr: the hook named the OS thread, this names the green one.
    #[cold]
    fn report_unseen(&self, failure: &Failure) {
        let what = match failure {
            Failure::Panicked(payload) => {
                format!("panicked, and nobody joined it: {}", payload::message(&**payload))
            }
            Failure::NoStack(error) => format!("could not start: {error}"),
            Failure::Cancelled => return,
        };
        // There is nobody to tell if that is closed.
        let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("{self} {what}\n"));
    }
}

impl std::fmt::Display for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "green thread {}", self.id)?;
        if let Some(name) = self.name() {
            write!(f, " {name:?}")?;
        }
        write!(f, " (spawned at {}:{})", self.site.file(), self.site.line())
    }
}

// SAFETY: the link is a field, so it is the same at each call, and each core has its own.
unsafe impl Linked for Core {
    fn link(&self) -> &Link<Core> {
        &self.link
    }
}
