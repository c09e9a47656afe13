//! Pools of OS threads for what would stop a worker: they grow as calls come, and shrink when idle.

#![allow(unsafe_code)]

use std::{
    any::Any,
    cell::Cell,
    collections::VecDeque,
    io, mem,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock},
    thread,
    time::Duration,
};

use super::{
    clock::Nanos,
    park::{self, Unparker},
    worker,
};

const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// An elastic pool. `'static`, because its threads end by themselves, and nobody waits for them.
pub(crate) struct Pool {
    name: &'static str,
    max_threads: usize,
    state: Mutex<State>,
    work: Condvar,
}

/// What a thread of a pool is to do. It must not panic.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

/// The place of one call's result.
struct Packet<T> {
    result: Mutex<Option<thread::Result<T>>>,
    caller: Unparker,
}

/// The pool of `blocking`.
pub(crate) fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool::new("sward-blocking", 512))
}

/// Runs `wait`, in which the caller waits for a pool: meanwhile virtual time stands still.
pub(crate) fn awaiting_pool<R>(wait: impl FnOnce() -> R) -> R {
    struct Leave<'a>(&'a Cell<usize>);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }
    let _leave = worker::of_this_thread().map(|worker| {
        worker.offloaded.set(worker.offloaded.get() + 1);
        Leave(&worker.offloaded)
    });
    wait()
}

impl Pool {
    pub(crate) const fn new(name: &'static str, max_threads: usize) -> Self {
        Self {
            name,
            max_threads,
            state: Mutex::new(State { jobs: VecDeque::new(), threads: 0, idle: 0 }),
            work: Condvar::new(),
        }
    }

    /// Runs `f` on an OS thread of the pool while the calling green thread is parked. On a plain OS thread,
    /// and where a green thread must not switch, runs it right here. A panic of `f` comes out here. A cancel
    /// is held back until `f` has ended, so `f` may borrow.
    pub(crate) fn run<F, T>(&'static self, f: F) -> T
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        if worker::current().is_none_or(|(_, slot)| park::must_stay(slot)) {
            return f();
        }
        let packet = Arc::new(Packet { result: Mutex::new(None), caller: park::current_unparker() });
        let theirs = Arc::clone(&packet);
        let job: Box<dyn FnOnce() + Send + '_> = Box::new(move || theirs.fill(f));
        // SAFETY: only the lifetime changes. What `f` borrows outlives this call, and this call does not end
        // before `f` is consumed and its result is in the packet: the wait below neither unwinds nor gives up.
        // After the result is taken the job's own reference to the packet has nothing borrowed in it: the place is
        // `None`.
        let job = unsafe { mem::transmute::<Box<dyn FnOnce() + Send + '_>, Job>(job) };
        self.submit(job);
        let result = awaiting_pool(|| super::shielded(|| packet.wait()));
        result.unwrap_or_else(|payload| panic::resume_unwind(payload))
    }

    /// Hands a job to a thread, a new one if all are busy. If there is none at all, and none can be started, the caller does
    /// it: on the worker's own stack, which is as large as the thread's would be, and where what is to end the caller (a
    /// cancel, a timeout) does not end the job.
    pub(crate) fn submit(&'static self, job: Job) {
        let mut state = self.lock();
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() || state.threads >= self.max_threads {
            drop(state);
            self.work.notify_one();
            return;
        }
        state.threads += 1;
        drop(state);
        if self.start_thread().is_ok() {
            return;
        }
        let mut state = self.lock();
        state.threads -= 1;
        if state.threads > 0 {
            return;
        }
        // Nobody is left to do them, others' jobs included: the caller does.
        while let Some(job) = state.jobs.pop_front() {
            drop(state);
            match worker::current() {
                Some((_, slot)) if !park::must_stay(slot) => slot.on_parent_stack(job),
                _ => job(),
            }
            state = self.lock();
        }
    }

    fn start_thread(&'static self) -> io::Result<()> {
        let thread = thread::Builder::new().name(self.name.into());
        thread.spawn(|| self.work()).map(drop)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            while let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.lock();
            }
            state.idle += 1;
            let (woken, wait) =
                self.work.wait_timeout(state, IDLE_LIMIT).unwrap_or_else(|poisoned| poisoned.into_inner());
            state = woken;
            state.idle -= 1;
            if wait.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<T> Packet<T> {
    fn fill(&self, f: impl FnOnce() -> T) {
        let result: Result<T, Box<dyn Any + Send>> = panic::catch_unwind(AssertUnwindSafe(f));
        *self.lock() = Some(result);
        self.caller.unpark();
    }

    fn wait(&self) -> thread::Result<T> {
        loop {
            if let Some(result) = self.lock().take() {
                return result;
            }
            let _ = park::park(Nanos::NEVER);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<thread::Result<T>>> {
        self.result.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
