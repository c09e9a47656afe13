//! Green threads that borrow from their spawner's stack.

#![allow(unsafe_code)]

use std::{
    fmt,
    marker::PhantomData,
    panic::{self, AssertUnwindSafe, Location, RefUnwindSafe},
    sync::{Arc, Mutex, MutexGuard},
};

use super::{Place, Result, Thread, builder::inheriting, handle::Joint, place};
use crate::{
    lockfree::{countdown::Countdown, counter::Flag, outcome_word::Ended},
    sched::{
        cancel,
        clock::Nanos,
        park::{self, Unparker, Wake},
        shielded,
        task::{OnEnd, Spec, TaskRef},
    },
};

/// What spawns green threads that may borrow. As [`std::thread::Scope`]; see [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    data: Arc<Data>,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

// As `std`'s: a panic elsewhere leaves nothing half done here, and those of its threads are counted.
impl RefUnwindSafe for Scope<'_, '_> {}

/// The handle of a scoped green thread. As [`std::thread::ScopedJoinHandle`].
pub struct ScopedJoinHandle<'scope, T> {
    joint: Joint<T>,
    scope: PhantomData<&'scope ()>,
}

struct Data {
    running: Countdown,
    unseen_panic: Flag,
    /// Raised if a child was cancelled, or met its deadline.
    lost_child: Flag,
    owner: Unparker,
    children: Mutex<Children>,
}

/// Who is to be cancelled if the owner is. Those that have ended go when the list has doubled.
#[derive(Default)]
struct Children {
    list: Vec<TaskRef>,
    tidy_at: usize,
    /// Set once the owner was cancelled: who comes later is cancelled at once.
    cancelled: bool,
}

/// Runs `f` with a scope whose green threads may borrow from here, and waits for all of them. As
/// [`std::thread::scope`].
///
/// Parks until all have ended. If the caller is cancelled inside, its children are cancelled too, and the
/// unwinding goes on when they have ended.
///
/// # Panics
/// If `f` does, with its payload; or if a green thread that was not joined panicked. Either way all have
/// ended before.
///
/// ```
/// let mut words = vec!["green", "thread"];
/// let total: usize = sward::scope(|s| {
///     let handles: Vec<_> = words.iter().map(|word| s.spawn(|| word.len())).collect();
///     handles.into_iter().map(|handle| handle.join().unwrap()).sum()
/// });
/// words.push("s");
/// assert_eq!(total, 11);
/// ```
///
/// What is borrowed must outlive the scope:
///
/// ```compile_fail
/// sward::scope(|s| {
///     let inside = 1;
///     s.spawn(|| println!("{inside}")); // `inside` goes before the scope ends
/// });
/// ```
/// A handle does not leave its scope, nor does what it would give:
///
/// ```compile_fail
/// let handle = sward::scope(|s| s.spawn(|| 1)); // the handle would outlive the scope
/// ```
///
/// What is not `Send` does not go to another green thread, which may run on another worker:
///
/// ```compile_fail
/// let shared = std::rc::Rc::new(1);
/// sward::scope(|s| {
///     s.spawn(|| println!("{shared}")); // an `Rc` is not `Send`
/// });
/// ```
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let scope = Scope { data: Arc::new(Data::new()), scope: PhantomData, env: PhantomData };
    // Catch first, wait second, unwind last (D6): a park while unwinding would block the worker.
    let result = panic::catch_unwind(AssertUnwindSafe(|| f(&scope)));
    if result.as_ref().is_err_and(|payload| cancel::is_interruption(&**payload)) {
        scope.data.cancel_all();
    }
    let cancelled = scope.data.wait();
    match result {
        Err(payload) => panic::resume_unwind(payload),
        Ok(_) if scope.data.unseen_panic.is_raised() => panic!("a scoped green thread panicked"),
        Ok(_) if cancelled => cancel::unwind(),
        Ok(value) => {
            // Its children inherit its deadline, and may have met it a moment before the owner did.
            if scope.data.lost_child.is_raised() && !park::is_unwinding_or_in_place() {
                cancel::unwind_if_due();
            }
            value
        }
    }
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Spawns a green thread that ends before the scope does. As [`std::thread::Scope::spawn`]. Never parks.
    ///
    /// It inherits the deadline of the [`timeout`](super::timeout()) that the caller is in, and may spawn into the scope itself.
    ///
    /// ```
    /// let mut numbers = [1, 2, 3];
    /// sward::scope(|s| {
    ///     for number in &mut numbers {
    ///         s.spawn(move || *number *= 2);
    ///     }
    /// });
    /// assert_eq!(numbers, [2, 4, 6]);
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let place = place();
        let spec = place.spec(Location::caller());
        self.spawn_at(&place, spec, f)
    }

    pub(super) fn spawn_at<F, T>(
        &'scope self,
        place: &Place<'_>,
        spec: Spec,
        f: F,
    ) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.data.running.up();
        // SAFETY: what the closure and its result borrow is alive for 'scope. `scope` does not return, by value
        // or by unwinding, before `running` is zero, and `ended` counts down only when the closure is gone and
        // the result is dropped or left to the handle, which is bound by 'scope itself.
        let task = unsafe { place.spawn_borrowing(f, inheriting(spec), self.data.clone()) };
        self.data.adopt(&task);
        ScopedJoinHandle { joint: Joint::new(task), scope: PhantomData }
    }
}

impl Scope<'_, '_> {
    /// Cancels all that run in it, and all that are yet to come.
    pub(crate) fn cancel_all(&self) {
        self.data.cancel_all();
    }
}

impl Data {
    fn new() -> Self {
        Self {
            running: Countdown::new(),
            unseen_panic: Flag::new(),
            lost_child: Flag::new(),
            owner: park::current_unparker(),
            children: Mutex::default(),
        }
    }

    fn adopt(&self, task: &TaskRef) {
        let mut children = self.lock_children();
        if children.cancelled {
            return cancel_one(task);
        }
        if children.list.len() >= children.tidy_at {
            children.list.retain(|child| child.core.outcome.ended().is_none());
            children.tidy_at = (children.list.len() * 2).max(64);
        }
        children.list.push(task.clone());
    }

    fn cancel_all(&self) {
        let children = {
            let mut children = self.lock_children();
            children.cancelled = true;
            std::mem::take(&mut children.list)
        };
        children.iter().for_each(cancel_one);
    }

    /// Waits until all have ended. True: the owner was cancelled meanwhile, and so were they.
    fn wait(&self) -> bool {
        let mut cancelled = false;
        while !cancelled && !self.running.is_zero() {
            cancelled = park::park(Nanos::NEVER) == Wake::Cancelled;
        }
        if cancelled {
            self.cancel_all();
            shielded(|| {
                while !self.running.is_zero() {
                    let _ = park::park(Nanos::NEVER);
                }
            });
        }
        // They refer to this as this does to them.
        self.lock_children().list.clear();
        cancelled
    }

    fn lock_children(&self) -> MutexGuard<'_, Children> {
        self.children.lock().unwrap_or_else(|e| e.into_inner())
    }
}

fn cancel_one(task: &TaskRef) {
    park::cancel(&task.core);
}

impl OnEnd for Data {
    fn ended(&self, how: Ended) {
        if how == Ended::Cancelled {
            self.lost_child.raise();
        }
        if self.running.down() {
            self.owner.unpark();
        }
    }

    fn unseen_panic(&self) {
        self.unseen_panic.raise();
    }
}

impl<'scope, T> ScopedJoinHandle<'scope, T> {
    /// As [`JoinHandle::join`](super::JoinHandle::join): parks. If the caller is cancelled meanwhile it unwinds, and its scope
    /// with it.
    ///
    /// # Errors
    /// As there. A panic that was seen here does not make the scope panic.
    ///
    /// ```
    /// let error = sward::scope(|s| s.spawn(|| panic!("seen")).join().map_err(|e| e.is::<&str>()));
    /// assert_eq!(error, Err::<(), _>(true));
    /// ```
    pub fn join(self) -> Result<T> {
        self.joint.join()
    }

    /// The green thread itself.
    ///
    /// ```
    /// sward::scope(|s| {
    ///     let waiting = s.spawn(|| sward::thread::park());
    ///     waiting.thread().unpark(); // or the scope would wait for ever
    /// });
    /// ```
    #[must_use]
    pub fn thread(&self) -> &Thread {
        self.joint.thread()
    }

    /// Whether a join would return at once. Never parks.
    ///
    /// ```
    /// sward::scope(|s| {
    ///     let waiting = s.spawn(|| sward::thread::park());
    ///     assert!(!waiting.is_finished());
    ///     waiting.thread().unpark();
    /// });
    /// ```
    pub fn is_finished(&self) -> bool {
        self.joint.is_finished()
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("running", &self.data.running).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.joint.fmt(f)
    }
}
