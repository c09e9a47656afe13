//! Handles: to join, to watch, to cancel.

#![allow(unsafe_code)]

use std::{fmt, marker::PhantomData, time::Duration};

use super::{JoinError, Result, Thread, ThreadId};
use crate::{
    lockfree::outcome_word::Ended,
    sched::{
        self, cancel,
        clock::Nanos,
        park::{self, Wake},
        task::{Core, TaskRef},
        wait::{self, WaitsFor},
        worker,
    },
};

/// What a handle of any kind is made of: the one that may take the result.
pub(super) struct Joint<T> {
    thread: Thread,
    /// Set once the result was taken, so that the drop does not give it up.
    taken: bool,
    result: PhantomData<fn() -> T>,
}

/// The handle of a green thread. As [`std::thread::JoinHandle`]; dropped, the green thread runs on detached.
///
/// There is no `std::os::unix::thread::JoinHandleExt`: a green thread is no `pthread`.
///
/// Its `Debug` reads `<green thread 7 "fetch" parked at src/main.rs:12>`: the number, the name if it has one, what it is
/// doing, and where it was spawned.
pub struct JoinHandle<T>(Joint<T>);

/// The handle of a green thread that was spawned by [`spawn_local`](super::spawn_local). It stays on its OS
/// thread, as the result does.
///
/// ```compile_fail
/// sward::run(|| {
///     let local = sward::spawn_local(|| std::rc::Rc::new(1));
///     sward::spawn(move || local.join()); // a `LocalJoinHandle` is not `Send`
/// });
/// ```
pub struct LocalJoinHandle<T> {
    joint: Joint<T>,
    not_send: PhantomData<*const T>,
}

/// What a green thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It has not run yet.
    Pending,
    /// It runs, or is ready to.
    Running,
    /// It waits to be woken.
    Parked,
    /// It has returned.
    Done,
    /// It has panicked.
    Panicked,
    /// It was cancelled.
    Cancelled,
}

impl<T> Joint<T> {
    pub(super) fn new(task: TaskRef) -> Self {
        Self { thread: Thread::green(task), taken: false, result: PhantomData }
    }

    pub(super) fn thread(&self) -> &Thread {
        &self.thread
    }

    pub(super) fn task(&self) -> &TaskRef {
        self.thread.task().expect("a handle is of a green thread")
    }

    fn core(&self) -> &Core {
        &self.task().core
    }

    pub(super) fn is_finished(&self) -> bool {
        self.core().outcome.ended().is_some()
    }

    pub(super) fn join(mut self) -> Result<T> {
        if !self.is_finished() {
            self.wait(Nanos::NEVER);
        }
        self.take()
    }

    /// Waits for its end. False: `deadline` came first.
    #[cold]
    fn wait(&self, deadline: Nanos) -> bool {
        if worker::current().is_some_and(|(_, slot)| std::ptr::eq(slot.core(), self.core())) {
            panic!("{} would wait for itself for ever: it joins its own handle", self.core());
        }
        let core = self.core();
        match wait::recorded(WaitsFor::end_of(core), deadline, || core.wait_done(deadline)) {
            Wake::Notified => true,
            Wake::TimedOut => self.is_finished(),
            Wake::Cancelled => cancel::unwind(),
        }
    }

    /// The result of what has ended.
    fn take(&mut self) -> Result<T> {
        debug_assert!(self.is_finished() && !self.taken);
        self.taken = true;
        // SAFETY: the task was made for a `T`, it has ended, and the handle takes once: it is used up.
        let result = unsafe { self.task().take::<T>() };
        result.map_err(|failure| JoinError::new(self.core(), failure))
    }

    fn status(&self) -> Status {
        status_of(self.core())
    }

    fn cancel(&self) {
        park::cancel(self.core());
    }
}

impl<T> Drop for Joint<T> {
    fn drop(&mut self) {
        if !self.taken {
            // SAFETY: the handle goes, and has not taken the result.
            unsafe { self.task().detach() };
        }
    }
}

impl<T> fmt::Debug for Joint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = self.core();
        write!(f, "<green thread {}", core.id)?;
        if let Some(name) = core.name() {
            write!(f, " {name:?}")?;
        }
        let status = format!("{:?}", self.status()).to_lowercase();
        write!(f, " {status} at {}:{}>", core.site().file(), core.site().line())
    }
}

/// What a green thread is doing, by its words.
pub(super) fn status_of(core: &Core) -> Status {
    match core.outcome.ended() {
        Some(Ended::Returned) => Status::Done,
        Some(Ended::Panicked) => Status::Panicked,
        Some(Ended::Cancelled) => Status::Cancelled,
        None if core.park.is_fresh() => Status::Pending,
        None if core.park.is_parked() => Status::Parked,
        None => Status::Running,
    }
}

/// The methods that all handles have alike.
macro_rules! handle_methods {
    ($($joint:tt)+) => {
        /// Waits until the green thread has ended, and returns its value, or why there is none.
        ///
        /// Parks. If the caller is cancelled meanwhile it unwinds, and the green thread runs on detached.
        ///
        /// # Errors
        /// [`JoinError::Panicked`] with the payload if it panicked, [`JoinError::Cancelled`] if it was cancelled.
        ///
        /// # Panics
        /// If a green thread joins itself.
        ///
        /// ```
        /// sward::run(|| {
        ///     assert_eq!(sward::spawn(|| 6 * 7).join().unwrap(), 42);
        ///     let error = sward::spawn_local(|| panic!("no such file")).join().unwrap_err();
        ///     assert!(error.is::<&str>());
        /// });
        /// ```
        pub fn join(self) -> Result<T> {
            self.$($joint)+.join()
        }

        /// The green thread itself: its name, its id, and `unpark`.
        ///
        /// ```
        /// let waiting = sward::spawn(|| sward::thread::park());
        /// waiting.thread().unpark();
        /// assert!(waiting.join().is_ok());
        /// ```
        #[must_use]
        pub fn thread(&self) -> &Thread {
            self.$($joint)+.thread()
        }

        /// Whether a join would return at once. Never parks.
        ///
        /// ```
        /// sward::run(|| {
        ///     let job = sward::spawn(|| ());
        ///     assert!(!job.is_finished());
        ///     sward::yield_now();
        ///     assert!(job.is_finished());
        /// });
        /// ```
        pub fn is_finished(&self) -> bool {
            self.$($joint)+.is_finished()
        }

        /// What it is doing at this moment. Never parks.
        ///
        /// ```
        /// use sward::Status;
        ///
        /// sward::run(|| {
        ///     let job = sward::spawn(|| sward::thread::park());
        ///     assert_eq!(job.status(), Status::Pending);
        ///     sward::yield_now();
        ///     assert_eq!(job.status(), Status::Parked);
        /// });
        /// ```
        #[must_use]
        pub fn status(&self) -> Status {
            self.$($joint)+.status()
        }

        /// Its number: the one that [`current`](fn@super::current) tells in it.
        ///
        /// ```
        /// let job = sward::spawn(|| sward::thread::current().id());
        /// let id = job.id();
        /// assert_eq!(job.join().unwrap(), id);
        /// ```
        #[must_use]
        pub fn id(&self) -> ThreadId {
            self.thread().id()
        }

        /// Its name, if it was given one.
        ///
        /// ```
        /// let job = sward::Builder::new().name("parser".into()).spawn(|| ())?;
        /// assert_eq!(job.name(), Some("parser"));
        /// # Ok::<(), std::io::Error>(())
        /// ```
        #[must_use]
        pub fn name(&self) -> Option<&str> {
            self.$($joint)+.task().core.name()
        }

        /// Cancels it. If it has not run it never will; if it is parked it unwinds now, and if it runs, at its
        /// next park. `Drop` runs; a join gives [`JoinError::Cancelled`]. No effect on one that has ended.
        /// Never parks.
        ///
        /// ```
        /// let job = sward::spawn(|| sward::thread::park());
        /// job.cancel();
        /// assert!(job.join().unwrap_err().is_cancelled());
        /// ```
        pub fn cancel(&self) {
            self.$($joint)+.cancel();
        }
    };
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(task: TaskRef) -> Self {
        Self(Joint::new(task))
    }

    handle_methods!(0);

    /// As [`join`](Self::join), at the longest for `limit`.
    ///
    /// # Errors
    /// The handle, if the green thread had not ended by then.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let parked = sward::spawn(sward::thread::park);
    /// let parked = parked.join_timeout(Duration::from_millis(1)).unwrap_err();
    /// parked.thread().unpark();
    /// assert!(parked.join_timeout(Duration::from_secs(60)).unwrap().is_ok());
    /// ```
    pub fn join_timeout(self, limit: Duration) -> std::result::Result<Result<T>, Self> {
        if !self.is_finished() && !self.0.wait(sched::now().saturating_add(limit)) {
            return Err(self);
        }
        Ok(self.join())
    }

    pub(super) fn task(&self) -> &TaskRef {
        self.0.task()
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(self.status(), Status::Panicked | Status::Cancelled)
    }
}

impl<T> LocalJoinHandle<T> {
    pub(crate) fn new(task: TaskRef) -> Self {
        Self { joint: Joint::new(task), not_send: PhantomData }
    }

    handle_methods!(joint);
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> fmt::Debug for LocalJoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.joint.fmt(f)
    }
}
