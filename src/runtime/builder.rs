//! What a runtime is to be.

#![allow(unsafe_code)]

use std::{io, panic::Location, time::Duration};

use super::{Runtime, finish, main_spec};
use crate::{
    config,
    lockfree::counter::MOST_WORKERS,
    sched::{
        park,
        runtime::{self as rt, Config},
        task,
        worker::{self, Worker},
    },
};

/// What a runtime is to be.
///
/// ```
/// let runtime = sward::Runtime::builder().workers(2).stack_size(128 * 1024).thread_name("crew").build()?;
/// let name = runtime.run(|| std::thread::current().name().map(str::to_owned));
/// assert!(name.unwrap().starts_with("crew-"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it builds or runs"]
pub struct RuntimeBuilder {
    config: Config,
    workers: Option<usize>,
    stack_size: Option<usize>,
}

impl RuntimeBuilder {
    pub(super) fn new() -> Self {
        Self { config: config::defaults(), workers: None, stack_size: None }
    }

    /// How many workers, each an OS thread, up to 65,534; a worker a core if not said.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(3).build()?;
    /// assert_eq!(runtime.metrics().workers, 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// The usable size of a stack in bytes, as [`Builder::stack_size`](crate::thread::Builder::stack_size);
    /// 64 KiB if not said.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(1).stack_size(1 << 20).build()?;
    /// let deep = runtime.spawn(|| std::hint::black_box([1_u8; 500_000]).len());
    /// assert_eq!(deep.join().unwrap(), 500_000);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// How many pages of guard lie below each stack; 1 if not said. C code that was compiled without stack probes may
    /// step over one page with a large frame.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(1).guard_pages(4).build()?;
    /// assert!(runtime.spawn(|| ()).join().is_ok());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn guard_pages(mut self, pages: u8) -> Self {
        self.config.stack = self.config.stack.with_guard(pages);
        self
    }

    /// How many green threads may have a stack at once. Those beyond wait, unstarted, until one ends; a spawn
    /// does not fail. Beware: if all that have started wait for one that has not, none goes on.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(1).max_green_threads(2).build()?;
    /// let handles: Vec<_> = (0..100).map(|i| runtime.spawn(move || i)).collect(); // 98 wait for their turn
    /// assert_eq!(sward::join_all(handles).into_iter().map(Result::unwrap).sum::<i32>(), 4950);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn max_green_threads(mut self, max: usize) -> Self {
        self.config.max_green_threads = max;
        self
    }

    /// What the workers' OS threads are called: this and a number. `sward` if not said.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(1).thread_name("crew").build()?;
    /// let name = runtime.run(|| std::thread::current().name().map(str::to_owned));
    /// assert!(name.unwrap().starts_with("crew-"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.config.thread_name = name.into();
        self
    }

    /// Time stands still while anything is ready, and then jumps to the next deadline: for tests. Needs a
    /// runtime of one worker, and makes it one if nothing is said.
    ///
    /// Real things still take their time: while a [`blocking`](crate::blocking) call is under way the clock does
    /// not jump. It does jump over waits for a socket.
    ///
    /// ```
    /// use sward::time::{Duration, Instant};
    ///
    /// let day = Duration::from_secs(24 * 3600);
    /// let slept = sward::Runtime::builder().virtual_clock(true).run(|| {
    ///     let start = Instant::now();
    ///     sward::sleep(day); // in no time
    ///     start.elapsed()
    /// });
    /// assert_eq!(slept, day);
    /// ```
    pub fn virtual_clock(mut self, on: bool) -> Self {
        self.config.virtual_clock = on;
        self
    }

    /// Draws the order of ready green threads from this seed, the same each time, instead of first in, first
    /// out: for tests that look for what depends on the order.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// let order_of = |seed| {
    ///     sward::Runtime::builder().seed(seed).run(|| {
    ///         let order = Arc::new(Mutex::new(vec![]));
    ///         let job = |i| { let order = Arc::clone(&order); sward::spawn(move || order.lock().unwrap().push(i)) };
    ///         sward::join_all((0..20).map(job));
    ///         Arc::into_inner(order).unwrap().into_inner().unwrap()
    ///     })
    /// };
    /// assert_eq!(order_of(7), order_of(7));
    /// assert_ne!(order_of(7), (0..20).collect::<Vec<_>>());
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = Some(seed);
        self
    }

    /// A worker with nothing to do looks for events for this long before it sleeps. It saves the wake-up of an
    /// idle core (tens of microseconds) and costs that core's time; it harms when there are more workers than
    /// idle cores. Off if not said.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = sward::Runtime::builder().workers(1).busy_poll(Duration::from_micros(50)).build()?;
    /// assert!(runtime.spawn(|| ()).join().is_ok());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn busy_poll(mut self, limit: Duration) -> Self {
        self.config.busy_poll = (!limit.is_zero()).then_some(limit);
        self
    }

    /// Starts the runtime.
    ///
    /// # Errors
    /// `InvalidInput` for settings that cannot be; the system's error if an OS thread or a poller cannot be had.
    ///
    /// ```
    /// let runtime = sward::Runtime::builder().workers(1).build()?;
    /// assert_eq!(runtime.run(|| 6 * 7), 42);
    /// let failed = sward::Runtime::builder().workers(0).build();
    /// assert_eq!(failed.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn build(self) -> io::Result<Runtime> {
        let default = if self.config.virtual_clock { 1 } else { self.config.workers };
        rt::Runtime::start(self.check(default)?).map(Runtime)
    }

    /// As [`sward::run`](crate::run), with these settings. It has one worker.
    ///
    /// # Panics
    /// As there, and if the settings cannot be.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    ///
    /// let shared = Rc::new(Cell::new(1)); // it need not be `Send`: this thread is the worker
    /// sward::Runtime::builder().seed(7).run(|| shared.set(2));
    /// assert_eq!(shared.get(), 2);
    /// ```
    #[track_caller]
    pub fn run<F, T>(self, f: F) -> T
    where
        F: FnOnce() -> T,
    {
        assert!(
            worker::of_this_thread().is_none(),
            "sward::run inside a runtime: this is a green thread already; call the closure, or spawn it"
        );
        if let Some(workers @ 2..) = self.workers {
            panic!(
                "RuntimeBuilder::run is on the calling OS thread alone, and {workers} workers were asked for; use build"
            );
        }
        let config = self.check(1).unwrap_or_else(|error| panic!("sward::run: {error}"));
        let spec = main_spec(config.stack, Location::caller());
        let main = |worker: &Worker, on_end| {
            // SAFETY: what is borrowed lives until this call ends, and `run_here` returns after the task has
            // ended. The task goes to this thread's worker, and its result is taken on this thread, below.
            let mut task = unsafe { task::new_task(f, spec, Some(on_end)) };
            worker.spawn_local(task.clone_exclusive());
            task
        };
        let task = park::as_worker(|| rt::run_here(config, main));
        let task = task.unwrap_or_else(|error| panic!("sward::run: no poller could be had: {error}"));
        // SAFETY: as `finish` asks: it has ended, and this is the only holder of its result.
        unsafe { finish(&task) }
    }

    fn check(self, default_workers: usize) -> io::Result<Config> {
        let mut config = self.config;
        config.workers = self.workers.unwrap_or(default_workers);
        let wrong = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        if let Some(bytes) = self.stack_size {
            config.stack = config.stack.resized(bytes)?;
        }
        match &config {
            Config { workers: 0, .. } => wrong("a runtime needs a worker: workers(0)"),
            Config { workers: MOST_WORKERS.., .. } => wrong("a runtime has at most 65534 workers: workers"),
            Config { max_green_threads: 0, .. } => wrong("nothing could run: max_green_threads(0)"),
            Config { workers: 2.., virtual_clock: true, .. } => {
                wrong("a virtual clock needs a runtime of one worker")
            }
            Config { thread_name, .. } if thread_name.contains('\0') => {
                wrong("an OS thread's name has no NUL in it: thread_name")
            }
            _ => Ok(config),
        }
    }
}
