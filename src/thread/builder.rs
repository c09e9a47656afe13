//! Spawning.

#![allow(unsafe_code)]

use std::{io, panic::Location, sync::Arc};

use super::{JoinHandle, LocalJoinHandle, Scope, ScopedJoinHandle};
use crate::{
    config,
    sched::{
        self,
        clock::Nanos,
        interrupts::{self, Interrupts},
        runtime::{self, RuntimeShared},
        task::{self, OnEnd, Spec, TaskRef},
        worker::{self, Worker},
    },
    time::Duration,
};

/// Spawns a green thread, and returns the handle to join it.
///
/// On a green thread it belongs to the same runtime and starts on this worker or, if that one is idle, on
/// another; on a plain OS thread it belongs to the default runtime, which starts by itself with a worker a
/// core, or as `SWARD_WORKERS` and `SWARD_STACK_SIZE` in the environment say. It does not run before the caller
/// parks, yields or ends, unless another worker takes it.
///
/// Costs an allocation at the most (one that has ended leaves its memory to the next), and a stack only once it runs.
/// Never parks. Dropping the handle lets it run on detached; a panic nobody joins is then reported on stderr.
///
/// # Panics
/// If the default runtime cannot start, as with a bad value in the environment. (A stack that cannot be had is the
/// joiner's [`JoinError::NoStack`](super::JoinError::NoStack).)
///
/// ```
/// let handles: Vec<_> = (0..1000).map(|i| sward::spawn(move || i * i)).collect();
/// let sum: u64 = handles.into_iter().map(|handle| handle.join().unwrap()).sum();
/// assert_eq!(sum, 332_833_500);
/// ```
///
/// It may outlive its spawner, so it cannot borrow from it; that is what [`scope`](super::scope()) is for:
///
/// ```compile_fail
/// let local = 1;
/// sward::spawn(|| println!("{local}")); // `local` may be gone before it runs
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let place = place();
    let spec = place.spec(Location::caller());
    // SAFETY: nothing is borrowed, and both are `Send`.
    let mut task = unsafe { task::new_task(f, spec, None) };
    place.spawn(task.clone_exclusive());
    JoinHandle::new(task)
}

/// Spawns a green thread that runs `f` after `delay`. As gevent's `spawn_later`, asyncio's `call_later`.
///
/// It takes its stack when its time comes: until then it is a closure and a timer, some 250 bytes. A cancel before that
/// ends it at once, and `f` never runs.
///
/// # Panics
/// As [`spawn`].
///
/// ```
/// use sward::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let later = sward::spawn_after(Duration::from_millis(5), Instant::now);
/// assert!(later.join().unwrap() - start >= Duration::from_millis(5));
/// ```
#[doc(alias = "spawn_later")]
#[doc(alias = "call_later")]
#[track_caller]
pub fn spawn_after<F, T>(delay: Duration, f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let due = Some(sched::now().saturating_add(delay)).filter(|_| !delay.is_zero());
    let place = place();
    let spec = Spec { due, ..place.spec(Location::caller()) };
    // SAFETY: nothing is borrowed, and both are `Send`.
    let mut task = unsafe { task::new_task(f, spec, None) };
    place.spawn(task.clone_exclusive());
    JoinHandle::new(task)
}

/// Spawns a green thread on this worker, which never leaves it: neither the closure nor its result need be
/// `Send`, so it may share an `Rc` with its spawner.
///
/// # Panics
/// On a plain OS thread: there is no worker to put it on.
///
/// ```
/// use std::{cell::Cell, rc::Rc};
///
/// sward::run(|| {
///     let shared = Rc::new(Cell::new(1));
///     let theirs = Rc::clone(&shared);
///     sward::spawn_local(move || theirs.set(2)).join().unwrap();
///     assert_eq!(shared.get(), 2);
/// });
/// ```
#[track_caller]
pub fn spawn_local<F, T>(f: F) -> LocalJoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let worker = this_worker();
    let spec = spec_of(&worker.runtime, Location::caller());
    // SAFETY: nothing is borrowed; the task goes to this thread's worker, and its handle is not `Send`.
    let mut task = unsafe { task::new_task(f, spec, None) };
    worker.spawn_local(task.clone_exclusive());
    LocalJoinHandle::new(task)
}

/// Spawns with a name or a stack size of its own. As [`std::thread::Builder`].
///
/// ```
/// let handle = sward::thread::Builder::new()
///     .name("parser".into())
///     .stack_size(256 * 1024)
///     .spawn(|| sward::thread::current().name().map(str::to_owned))?;
/// assert_eq!(handle.join().unwrap().as_deref(), Some("parser"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until it spawns"]
pub struct Builder {
    name: Option<String>,
    stack_size: Option<usize>,
}

impl Builder {
    /// A builder with no name and the runtime's stack size.
    ///
    /// ```
    /// let handle = sward::Builder::new().spawn(|| 6 * 7)?;
    /// assert_eq!(handle.name(), None);
    /// assert_eq!(handle.join().unwrap(), 42);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the green thread: in its errors, in reports and in [`Thread::name`](super::Thread::name).
    ///
    /// # Panics
    /// Never; unlike `std`, a name may hold any character.
    ///
    /// ```
    /// let handle = sward::Builder::new().name("parser".into()).spawn(|| panic!("line 7"))?;
    /// assert!(handle.join().unwrap_err().to_string().contains("\"parser\""));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn name(mut self, name: String) -> Self {
        self.name = Some(name);
        self
    }

    /// The usable size of its stack in bytes. It is rounded up to a power of two, and to 8 KiB at the least;
    /// more than 1 GiB makes the spawn fail. A panic with `RUST_BACKTRACE=full` needs about 24 KiB.
    ///
    /// ```
    /// let deep = sward::Builder::new().stack_size(1 << 20).spawn(|| std::hint::black_box([1_u8; 500_000]).len())?;
    /// assert_eq!(deep.join().unwrap(), 500_000);
    /// let failed = sward::Builder::new().stack_size(usize::MAX).spawn(|| ());
    /// assert_eq!(failed.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn stack_size(mut self, size: usize) -> Self {
        self.stack_size = Some(size);
        self
    }

    /// As [`spawn`](super::spawn).
    ///
    /// # Errors
    /// `InvalidInput` for a stack size that cannot be.
    ///
    /// ```
    /// let handle = sward::Builder::new().name("adder".into()).spawn(|| 1 + 1)?;
    /// assert_eq!(handle.join().unwrap(), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_at(Location::caller(), f)
    }

    /// As [`spawn`](Self::spawn) at `site`, for who spawns on behalf of others.
    pub(crate) fn spawn_at<F, T>(self, site: &'static Location<'static>, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // SAFETY: nothing is borrowed: both are `'static`.
        unsafe { self.spawn_unchecked_at(site, f) }
    }

    /// As [`spawn`](Self::spawn), without a check that the closure and its result outlive what they borrow. As
    /// [`std::thread::Builder::spawn_unchecked`]; [`scope`](super::scope()) does the same without `unsafe`.
    ///
    /// # Errors
    /// `InvalidInput` for a stack size that cannot be.
    ///
    /// # Safety
    /// What `f` and its result borrow outlives the green thread and its result: it is alive until a join has *returned*, or
    /// for ever. Beyond what `std` asks for, mind two things. A join is a park point: when a cancel or a
    /// [`timeout`](super::timeout()) unwinds out of it, the green thread runs on; [`shield`](super::shield) the join. And where
    /// nothing can unwind (`panic = "abort"`) one that its runtime's shutdown cancels stays on its stack for ever, and so must
    /// what it has lent to others.
    ///
    /// ```
    /// let words = ["green", "thread"];
    /// // SAFETY: the join below waits for it under a shield, and `words` is alive until then.
    /// let handle = unsafe { sward::Builder::new().spawn_unchecked(|| words.concat().len()) }?;
    /// assert_eq!(sward::shield(|| handle.join()).unwrap(), 11);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub unsafe fn spawn_unchecked<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        // SAFETY: the caller's contract is the same.
        unsafe { self.spawn_unchecked_at(Location::caller(), f) }
    }

    /// As [`spawn_unchecked`](Self::spawn_unchecked) at `site`.
    ///
    /// # Safety
    /// As there.
    unsafe fn spawn_unchecked_at<F, T>(
        self,
        site: &'static Location<'static>,
        f: F,
    ) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        let place = place();
        let spec = self.fill(place.spec(site))?;
        // SAFETY: both are `Send`. What they borrow is alive as long as the closure or its result is in the task, by the
        // caller's contract: the result leaves with the join, and the closure is gone before that returns.
        let mut task = unsafe { task::new_task(f, spec, None) };
        place.spawn(task.clone_exclusive());
        Ok(JoinHandle::new(task))
    }

    /// As [`spawn_local`](super::spawn_local).
    ///
    /// # Errors
    /// `InvalidInput` for a stack size that cannot be.
    ///
    /// # Panics
    /// On a plain OS thread.
    ///
    /// ```
    /// use std::rc::Rc;
    ///
    /// sward::run(|| {
    ///     let shared = Rc::new(7);
    ///     let theirs = Rc::clone(&shared);
    ///     let handle = sward::Builder::new().name("counter".into()).spawn_local(move || Rc::strong_count(&theirs))?;
    ///     assert_eq!(handle.join().unwrap(), 2);
    /// #   Ok::<(), std::io::Error>(())
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_local<F, T>(self, f: F) -> io::Result<LocalJoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let worker = this_worker();
        let spec = self.fill(spec_of(&worker.runtime, Location::caller()))?;
        // SAFETY: nothing is borrowed; the task goes to this thread's worker, and its handle is not `Send`.
        let mut task = unsafe { task::new_task(f, spec, None) };
        worker.spawn_local(task.clone_exclusive());
        Ok(LocalJoinHandle::new(task))
    }

    /// As [`Scope::spawn`].
    ///
    /// # Errors
    /// `InvalidInput` for a stack size that cannot be.
    ///
    /// ```
    /// let words = ["green", "thread"];
    /// let total = sward::scope(|s| {
    ///     let counter = sward::Builder::new().name("counter".into());
    ///     counter.spawn_scoped(s, || words.concat().len()).map(|handle| handle.join().unwrap())
    /// });
    /// assert_eq!(total?, 11);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn_scoped<'scope, 'env, F, T>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let place = place();
        let spec = self.fill(place.spec(Location::caller()))?;
        Ok(scope.spawn_at(&place, spec, f))
    }

    fn fill(self, mut spec: Spec) -> io::Result<Spec> {
        if let Some(bytes) = self.stack_size {
            spec.stack = spec.stack.resized(bytes)?;
        }
        spec.name = self.name.map(String::into_boxed_str);
        Ok(spec)
    }
}

/// As [`spawn`] at `site`, inheriting the spawner's deadline: for what is waited for as a group.
pub(crate) fn spawn_inheriting<F, T>(f: F, site: &'static Location<'static>) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let place = place();
    let spec = inheriting(place.spec(site));
    // SAFETY: nothing is borrowed, and both are `Send`.
    let mut task = unsafe { task::new_task(f, spec, None) };
    place.spawn(task.clone_exclusive());
    JoinHandle::new(task)
}

/// The same, with the nearest deadline of the calling thread's timeouts that no shield holds back.
pub(crate) fn inheriting(spec: Spec) -> Spec {
    let nearest = interrupts::with_current(Interrupts::nearest);
    Spec { deadline: (nearest != Nanos::NEVER).then_some(nearest), ..spec }
}

/// Where a spawn goes.
pub(crate) enum Place<'a> {
    Worker(&'a Worker),
    Runtime(&'a RuntimeShared),
}

/// Where a spawn of the calling thread goes: to its own worker, or to the default runtime.
pub(crate) fn place<'a>() -> Place<'a> {
    match worker::of_this_thread() {
        Some(worker) => Place::Worker(worker),
        None => Place::Runtime(runtime::default_runtime(config::from_environment)),
    }
}

impl Place<'_> {
    pub(crate) fn spec(&self, site: &'static Location<'static>) -> Spec {
        match self {
            Place::Worker(worker) => spec_of(&worker.runtime, site),
            Place::Runtime(runtime) => spec_of(runtime, site),
        }
    }

    pub(crate) fn spawn(&self, task: TaskRef) {
        match self {
            Place::Worker(worker) => worker.spawn(task),
            Place::Runtime(runtime) => runtime.spawn(task),
        }
    }

    /// As [`spawn`], for something that borrows and is waited for: `on_end` is told when it may be gone.
    ///
    /// # Safety
    /// What `f` and its result borrow lives until `on_end` is told.
    pub(crate) unsafe fn spawn_borrowing<'a, F, T>(&self, f: F, spec: Spec, on_end: Arc<dyn OnEnd>) -> TaskRef
    where
        F: FnOnce() -> T + Send + 'a,
        T: Send + 'a,
    {
        // SAFETY: the lifetime is the caller's contract; both are `Send`.
        let mut task = unsafe { task::new_task(f, spec, Some(on_end)) };
        self.spawn(task.clone_exclusive());
        task
    }
}

fn spec_of(runtime: &RuntimeShared, site: &'static Location<'static>) -> Spec {
    Spec { name: None, site, stack: runtime.config.stack, deadline: None, due: None }
}

#[track_caller]
fn this_worker<'a>() -> &'a Worker {
    worker::of_this_thread().unwrap_or_else(|| {
        panic!("spawn_local needs a worker: call it on a green thread (inside sward::run or sward::spawn)")
    })
}
