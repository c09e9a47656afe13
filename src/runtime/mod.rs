//! Runtimes: sets of workers. Most programs need none of this: [`spawn`](crate::spawn) starts the default
//! one, and [`run`] makes one of the calling thread.

#![allow(unsafe_code)]

mod builder;

pub use builder::RuntimeBuilder;

use std::{
    error::Error,
    fmt,
    panic::{self, Location},
    sync::Arc,
    time::Duration,
};

use crate::{
    sched::{
        self,
        clock::Nanos,
        park,
        runtime::{self as rt, RuntimeShared},
        shielded,
        task::{self, Failure, Spec, TaskRef},
        worker,
    },
    stack::{self, SlabStats, StackClass},
    thread::{JoinHandle, Place},
};

/// The stack of a `run`'s closure: as much as a main thread is used to; only what is touched costs memory.
const MAIN_STACK: usize = 1 << 20;

/// A set of workers, each an OS thread that runs green threads.
///
/// Dropped, it cancels what is alive and waits until all of it has unwound; dropped by one of its own green
/// threads it does not wait. (Dropped in what such a one has sent to [`blocking`](crate::blocking) it waits for ever: for who
/// waits for it.)
///
/// ```
/// let runtime = sward::Runtime::builder().workers(2).build()?;
/// let answer = runtime.run(|| sward::spawn(|| 6 * 7).join().unwrap());
/// assert_eq!(answer, 42);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Runtime(rt::Runtime);

/// Spawns into a runtime from anywhere. It does not keep the runtime alive: after the shutdown what it spawns
/// is cancelled before it runs.
///
/// ```
/// let runtime = sward::Runtime::builder().workers(1).build()?;
/// let handle = runtime.handle();
/// let sum = std::thread::spawn(move || handle.spawn(|| 1 + 1).join().unwrap()).join().unwrap();
/// assert_eq!(sum, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Handle(Arc<RuntimeShared>);

/// Numbers about a runtime, at about one moment. Reading them costs a few loads a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// How many workers it has.
    pub workers: usize,
    /// Per worker: how many green threads have parked there at least once and are alive, or are on their way
    /// there.
    pub live: Vec<usize>,
    /// Address space that the process has mapped for stacks, in bytes. Memory is used only where stacks were touched.
    pub stack_bytes_mapped: usize,
    /// How many stacks the process has made.
    pub stacks_made: usize,
    /// How many of them lie in no worker's cache and in no green thread.
    pub stacks_free: usize,
}

/// Green threads were still alive at the deadline of a shutdown. They stay cancelled, and end when they next
/// park.
#[derive(Debug)]
pub struct ShutdownError {
    alive: usize,
}

impl Runtime {
    /// What a runtime is to be.
    ///
    /// ```
    /// let answer = sward::Runtime::builder().virtual_clock(true).run(|| 6 * 7);
    /// assert_eq!(answer, 42);
    /// ```
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::new()
    }

    /// As [`sward::spawn`](crate::spawn), into this runtime.
    ///
    /// Never parks. The runtime does not end before the green thread, which its drop cancels.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(1).build()?;
    /// assert_eq!(runtime.spawn(|| 6 * 7).join().unwrap(), 42);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        spawn_into(&self.0.shared, f, Location::caller())
    }

    /// Runs `f` as a green thread of this runtime, and waits for it. It may borrow, but what is not `Send` stays here:
    ///
    /// ```compile_fail
    /// let runtime = sward::Runtime::builder().build().unwrap();
    /// let shared = std::rc::Rc::new(1);
    /// runtime.run(|| println!("{shared}")); // an `Rc` is not `Send`
    /// ```
    ///
    /// # Panics
    /// If `f` does, with its payload; if it is cancelled, because the runtime was shut down.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(1).build()?;
    /// let words = vec!["green", "thread"];
    /// assert_eq!(runtime.run(|| words.concat()), "greenthread"); // it borrows
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn run<F, T>(&self, f: F) -> T
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        let spec = main_spec(self.0.shared.config.stack, Location::caller());
        // SAFETY: what is borrowed lives until this call ends, and it ends after the task has: the wait below
        // neither unwinds nor gives up, and takes the result.
        let mut task = unsafe { task::new_task(f, spec, None) };
        place_in(&self.0.shared).spawn(task.clone_exclusive());
        shielded(|| while task.core.wait_done(Nanos::NEVER) != park::Wake::Notified {});
        // SAFETY: as `finish` asks: it has ended, and this is the only holder of its result.
        unsafe { finish(&task) }
    }

    /// A handle that spawns into this runtime from any thread.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(1).build()?;
    /// let handle = runtime.handle();
    /// let there = std::thread::spawn(move || handle.spawn(sward::is_green).join().unwrap());
    /// assert!(there.join().unwrap());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.0.shared))
    }

    /// Numbers about it.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(2).build()?;
    /// assert_eq!(runtime.metrics().workers, 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.handle().metrics()
    }

    /// Cancels all that is alive, and waits until it has unwound, at the longest for `limit`.
    ///
    /// # Errors
    /// If some were still alive then: they do not park, or wait in a `Drop`. The runtime's threads go on
    /// without anybody waiting for them. At once on one of its own green threads, which is alive itself.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = sward::Runtime::builder().workers(1).build()?;
    /// let parked = runtime.spawn(|| sward::thread::park());
    /// runtime.shutdown(Duration::from_secs(60)).unwrap();
    /// assert!(parked.join().unwrap_err().is_cancelled());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn shutdown(self, limit: Duration) -> Result<(), ShutdownError> {
        if self.0.is_mine() {
            // Its own green thread would wait for itself: the drop tells the workers, and does not wait.
            return Err(ShutdownError { alive: 1 });
        }
        let deadline = sched::now().saturating_add(limit);
        if shielded(|| self.0.close(deadline)) {
            return Ok(());
        }
        let alive = self.metrics().live.iter().sum::<usize>().max(1);
        self.0.abandon();
        Err(ShutdownError { alive })
    }
}

impl Handle {
    /// As [`sward::spawn`](crate::spawn), into the handle's runtime. After its shutdown the green thread is
    /// cancelled before it runs, and a join says so.
    ///
    /// Never parks.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(1).build()?;
    /// let handle = runtime.handle();
    /// assert_eq!(handle.spawn(|| 6 * 7).join().unwrap(), 42);
    /// drop(runtime);
    /// assert!(handle.spawn(|| ()).join().unwrap_err().is_cancelled());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        spawn_into(&self.0, f, Location::caller())
    }

    /// Numbers about the runtime.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(1).build()?;
    /// assert_eq!(runtime.handle().metrics().live.len(), 1); // a number for each worker
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let workers = &self.0.workers;
        let SlabStats { mapped_bytes, carved, free, .. } = stack::stats();
        Metrics {
            workers: workers.len(),
            live: workers.iter().map(|worker| worker.load.get()).collect(),
            stack_bytes_mapped: mapped_bytes,
            stacks_made: carved,
            stacks_free: free,
        }
    }
}

/// Runs `f` as a green thread on the calling OS thread, with a runtime of one worker on that thread, and
/// returns its value.
///
/// Nothing here need be `Send`. What `f` spawned and is still alive when it returns is cancelled, and has
/// unwound before `run` returns. Its stack has 1 MiB.
///
/// # Panics
/// If `f` does, with its payload; and on a green thread.
///
/// ```
/// let words = ["green", "threads"];
/// let lengths: Vec<_> = sward::run(|| {
///     sward::scope(|s| words.map(|word| s.spawn(move || word.len())).map(|handle| handle.join().unwrap()).to_vec())
/// });
/// assert_eq!(lengths, [5, 7]);
/// ```
#[track_caller]
pub fn run<F, T>(f: F) -> T
where
    F: FnOnce() -> T,
{
    Runtime::builder().run(f)
}

fn main_spec(class: StackClass, site: &'static Location<'static>) -> Spec {
    let stack = class.resized(MAIN_STACK).expect("a size that can be");
    Spec { name: Some("main".into()), site, stack, deadline: None, due: None }
}

fn spawn_into<F, T>(runtime: &Arc<RuntimeShared>, f: F, site: &'static Location<'static>) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let place = place_in(runtime);
    let spec = place.spec(site);
    // SAFETY: nothing is borrowed, and both are `Send`.
    let mut task = unsafe { task::new_task(f, spec, None) };
    place.spawn(task.clone_exclusive());
    JoinHandle::new(task)
}

/// On one of the runtime's workers that worker, and otherwise the runtime.
fn place_in(runtime: &Arc<RuntimeShared>) -> Place<'_> {
    match worker::of_this_thread() {
        Some(worker) if worker.is_of(runtime) => Place::Worker(worker),
        _ => Place::Runtime(runtime),
    }
}

/// The value of a task that somebody waited for here, or its panic.
///
/// # Safety
/// It was made for a `T` and has ended, and nobody else takes its result.
unsafe fn finish<T>(task: &TaskRef) -> T {
    // SAFETY: the caller's contract.
    match unsafe { task.take::<T>() } {
        Ok(value) => value,
        Err(Failure::Panicked(payload)) => panic::resume_unwind(payload),
        Err(Failure::Cancelled) => panic!("{} was cancelled: its runtime is shut down", task.core),
        Err(Failure::NoStack(error)) => panic!("{} could not start: {error}", task.core),
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("metrics", &self.metrics()).finish()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("metrics", &self.metrics()).finish()
    }
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at the deadline of the shutdown {} or more green threads had not ended", self.alive)
    }
}

impl Error for ShutdownError {}
