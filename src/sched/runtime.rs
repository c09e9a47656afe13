//! A runtime: a set of workers, each on an OS thread of its own, or one on the caller's.

#![allow(unsafe_code)]

use std::{
    hash::RandomState,
    io,
    sync::{Arc, Mutex, OnceLock},
    thread,
    time::Duration,
};

use super::{
    clock::Nanos,
    park::{self, Unparker},
    queue::{self, Queue},
    reactor::{Poller, Remote},
    task::{Core, Failure, OnEnd, TaskRef},
    timer::TimerKey,
    worker::{self, Worker},
};
use crate::{
    lockfree::{
        counter::{Flag, Gauge, Progress},
        doorbell::{Doorbell, Rung},
        idle_set::IdleSet,
        inbox::Inbox,
        limit::Limit,
        outcome_word::Ended,
    },
    rng::Rng,
    stack::StackClass,
    sys::futex,
};

/// What a runtime was asked to be.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) workers: usize,
    pub(crate) stack: StackClass,
    pub(crate) max_green_threads: usize,
    pub(crate) thread_name: String,
    pub(crate) virtual_clock: bool,
    pub(crate) seed: Option<u64>,
    pub(crate) busy_poll: Option<Duration>,
}

/// What all workers of a runtime, and its handles, share.
pub(crate) struct RuntimeShared {
    pub(crate) config: Config,
    pub(crate) workers: Box<[Arc<WorkerShared>]>,
    pub(super) idle: IdleSet,
    pub(super) limit: Limit,
    pub(super) closing: Flag,
    pub(super) hasher: RandomState,
    next: Gauge,
}

/// What other threads may touch of a worker.
pub(crate) struct WorkerShared {
    pub(super) index: usize,
    /// How many long-lived green threads it has: those that have parked at least once, and those on their way.
    pub(crate) load: Gauge,
    /// How many green threads it has started.
    pub(super) started: Progress,
    pub(super) doorbell: Doorbell,
    pub(super) inbox: Inbox<Core>,
    pub(super) queue: queue::Shared,
    pub(super) remote: Remote,
    /// Raised when something that is held here was cancelled, until the worker has seen to it.
    pub(super) cancelled_held: Flag,
    /// The keys of what was cancelled before its time.
    cancelled: Mutex<Vec<TimerKey>>,
    /// Raised when nobody will look before this door any more.
    gone: Flag,
}

/// A runtime with threads of its own.
pub(crate) struct Runtime {
    pub(crate) shared: Arc<RuntimeShared>,
    threads: Vec<thread::JoinHandle<()>>,
    ended: Arc<Roll>,
}

/// Counts the workers that have ended, and wakes who waits for that.
#[derive(Default)]
struct Roll {
    state: Mutex<(usize, Option<Unparker>)>,
}

/// What each worker needs beside what is shared.
struct Parts {
    queue: Queue,
    poller: Poller,
}

/// Makes the shared part of a runtime and the parts of each worker; nothing runs yet.
fn prepare(config: Config) -> io::Result<(Arc<RuntimeShared>, Vec<Parts>)> {
    crate::stack::overflow::install(worker::describe_overflow)?;
    super::clock::epoch();
    let mut parts = Vec::with_capacity(config.workers);
    let mut workers = Vec::with_capacity(config.workers);
    for index in 0..config.workers {
        let (poller, remote) = Poller::new()?;
        let seed = config.seed.map(|seed| seed.wrapping_add(index as u64));
        let (queue, shared_queue) = Queue::new(config.workers == 1, seed);
        workers.push(Arc::new(WorkerShared {
            index,
            load: Gauge::new(),
            started: Progress::new(),
            doorbell: Doorbell::new(),
            inbox: Inbox::new(),
            queue: shared_queue,
            remote,
            cancelled_held: Flag::new(),
            cancelled: Mutex::default(),
            gone: Flag::new(),
        }));
        parts.push(Parts { queue, poller });
    }
    let shared = RuntimeShared {
        idle: IdleSet::new(config.workers),
        limit: Limit::new(config.max_green_threads),
        closing: Flag::new(),
        hasher: RandomState::new(),
        next: Gauge::new(),
        workers: workers.into(),
        config,
    };
    Ok((Arc::new(shared), parts))
}

/// Runs `main` on a runtime of one worker on the calling OS thread, until it and all that it left are gone.
///
/// # Panics
/// On a green thread, or anywhere under a worker.
pub(crate) fn run_here(
    config: Config,
    main: impl FnOnce(&Worker, Arc<dyn OnEnd>) -> TaskRef,
) -> io::Result<TaskRef> {
    debug_assert_eq!(config.workers, 1);
    let (shared, parts) = prepare(config)?;
    let Parts { queue, poller } = parts.into_iter().next().expect("one worker");
    let worker = Worker::new(0, Arc::clone(&shared), queue, poller);
    let main = worker.enter(|worker| {
        let main = main(worker, shared);
        worker.run();
        main
    });
    Ok(main)
}

impl Runtime {
    pub(crate) fn start(config: Config) -> io::Result<Self> {
        let (shared, parts) = prepare(config)?;
        let mut runtime = Self { threads: Vec::new(), ended: Arc::default(), shared };
        for (index, parts) in parts.into_iter().enumerate() {
            let (shared, ended) = (Arc::clone(&runtime.shared), Arc::clone(&runtime.ended));
            // If this fails, the drop of `runtime` stops those that run already.
            let thread = thread::Builder::new()
                .name(format!("{}-{index}", shared.config.thread_name))
                .spawn(move || work(index, shared, parts, &ended))?;
            runtime.threads.push(thread);
        }
        Ok(runtime)
    }

    /// Tells all workers to cancel what is alive, and waits for them until `deadline`. False: some are still
    /// at it.
    pub(crate) fn close(&self, deadline: Nanos) -> bool {
        self.shared.close();
        self.ended.wait(self.threads.len(), deadline)
    }

    /// Lets the threads go on without anybody waiting for them.
    pub(crate) fn abandon(mut self) {
        self.threads.clear();
    }

    /// Whether the caller is one of this runtime's own workers, which cannot wait for itself.
    pub(crate) fn is_mine(&self) -> bool {
        worker::of_this_thread().is_some_and(|worker| Arc::ptr_eq(&worker.runtime, &self.shared))
    }
}

fn work(index: usize, shared: Arc<RuntimeShared>, parts: Parts, ended: &Roll) {
    let worker = Worker::new(index, shared, parts.queue, parts.poller);
    worker.enter(Worker::run);
    drop(worker);
    ended.count();
}

impl Roll {
    fn count(&self) {
        let waiter = {
            let mut state = self.lock();
            state.0 += 1;
            state.1.clone()
        };
        if let Some(waiter) = waiter {
            waiter.unpark();
        }
    }

    fn wait(&self, all: usize, deadline: Nanos) -> bool {
        loop {
            {
                let mut state = self.lock();
                if state.0 == all {
                    return true;
                }
                state.1 = Some(park::current_unparker());
            }
            if park::park(deadline) == park::Wake::TimedOut {
                return self.lock().0 == all;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (usize, Option<Unparker>)> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// As the end of `run`'s closure: the runtime closes.
impl OnEnd for RuntimeShared {
    fn ended(&self, _: Ended) {
        self.close();
    }

    fn unseen_panic(&self) {}
}

impl RuntimeShared {
    /// Tells all workers to cancel what is alive, and to end when it has.
    fn close(&self) {
        self.closing.raise();
        self.ring_all();
    }

    /// Gives a fresh one to this runtime, from any thread.
    pub(crate) fn spawn(&self, task: TaskRef) {
        let worker = self.idle.pick().or_else(|| self.idle.watcher()).unwrap_or_else(|| {
            self.next.up();
            self.next.get() % self.workers.len()
        });
        self.give(task, &self.workers[worker]);
    }

    /// Puts a fresh one before the door of `worker`. One that sleeps looks there next. Any other may just have begun
    /// something that takes long, even if it was picked as an idle one a moment ago: then who is idle may steal it.
    pub(super) fn give(&self, fresh: TaskRef, worker: &WorkerShared) {
        if !worker.accept(fresh) {
            self.call_idle();
        }
    }

    /// Calls a worker that has nothing to do, if there is one and none comes by itself, to come and steal.
    #[inline]
    pub(super) fn call_idle(&self) {
        if self.workers.len() > 1
            && let Some(worker) = self.idle.pick_unless_watched()
        {
            self.workers[worker].ring();
        }
    }

    pub(super) fn ring_all(&self) {
        for worker in &self.workers {
            worker.ring();
        }
    }

    pub(super) fn anything_to_steal(&self, thief: usize) -> bool {
        self.workers.iter().any(|worker| worker.index != thief && worker.queue.has_fresh())
    }

    /// Some worker that is not `me`.
    pub(super) fn random_other(&self, me: usize, rng: &mut Rng) -> &WorkerShared {
        let other = rng.below(self.workers.len() - 1);
        &self.workers[if other < me { other } else { other + 1 }]
    }
}

impl WorkerShared {
    /// Puts a fresh one before this worker's door. True: that has woken it.
    fn accept(&self, fresh: TaskRef) -> bool {
        self.queue.inject(fresh);
        let woken = self.ring();
        if self.gone.is_raised() {
            self.turn_away();
        }
        woken
    }

    /// Tells the worker that something it holds was cancelled.
    pub(super) fn tell_of_cancel(&self) {
        self.cancelled_held.raise();
        self.ring();
    }

    /// Tells the worker that what it keeps for later by this key was cancelled.
    pub(super) fn tell_of_delayed(&self, key: TimerKey) {
        self.lock_cancelled().push(key);
        self.tell_of_cancel();
    }

    /// What the worker was told of. By now they may have started.
    pub(super) fn take_cancelled(&self) -> Vec<TimerKey> {
        std::mem::take(&mut *self.lock_cancelled())
    }

    fn lock_cancelled(&self) -> std::sync::MutexGuard<'_, Vec<TimerKey>> {
        self.cancelled.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Tells the worker to look before its door. True: it slept, and is woken.
    pub(super) fn ring(&self) -> bool {
        let rung = self.doorbell.ring();
        match rung {
            Rung::WakePoller => self.remote.wake(),
            Rung::WakeWord => futex::wake_one(self.doorbell.futex().0),
            Rung::Nothing => {}
        }
        rung != Rung::Nothing
    }

    /// The worker goes, and looks before its door once more: who puts something there after that turns it away.
    pub(super) fn say_gone(&self) {
        self.gone.raise();
        // Both sides move the doorbell: so either this worker sees what was put there, or its bringer sees `gone`.
        self.doorbell.answer();
    }

    fn turn_away(&self) {
        while let Some(fresh) = self.queue.take_injected() {
            if fresh.core.counted_by.get().is_some() {
                self.load.down();
            }
            // SAFETY: the injector hands each one out once, so nobody else has it, and it never ran.
            unsafe { fresh.abandon(Failure::Cancelled) };
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if self.is_mine() {
            // Its own green thread cannot wait for it: the workers end by themselves.
            self.shared.close();
            return;
        }
        if self.threads.is_empty() {
            return; // abandoned
        }
        super::shielded(|| while !self.close(Nanos::NEVER) {});
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The runtime of those who have none: a worker a core, started at the first spawn, never stopped.
pub(crate) fn default_runtime(config: impl FnOnce() -> Config) -> &'static Arc<RuntimeShared> {
    static DEFAULT: OnceLock<Runtime> = OnceLock::new();
    let start = || {
        Runtime::start(config())
            .unwrap_or_else(|error| panic!("sward: the default runtime could not start: {error}"))
    };
    &DEFAULT.get_or_init(start).shared
}
