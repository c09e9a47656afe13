//! A scope whose first failure cancels the rest.

use std::{
    fmt, mem,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex},
};

use crate::{
    sched::cancel,
    thread::{JoinError, Scope, ScopedJoinHandle, TryJoinError, scope},
};

/// A [`scope`] in which the first failure cancels all others. As asyncio's `TaskGroup`, Java's structured
/// `ShutdownOnFailure`.
///
/// A failure is an `Err` or a panic. When [`run`](Self::run) returns all have ended. The closure given to `run` is not
/// interrupted by a failure: what it joins ends, but a sleep of its own goes on.
///
/// ```
/// let sizes = [3, 5, 8];
/// let total = sward::TaskGroup::run(|group| {
///     let handles = sizes.each_ref().map(|size| group.spawn(move || Ok::<_, String>(size * 2)));
///     handles.into_iter().map(|handle| handle.join().unwrap().unwrap()).sum::<i32>()
/// });
/// assert_eq!(total.unwrap(), 32);
///
/// let failed = sward::TaskGroup::run(|group| {
///     group.spawn(|| Ok(sward::thread::park())); // is cancelled
///     group.spawn(|| Err::<(), _>("no luck"));
/// });
/// assert!(matches!(failed, Err(sward::TryJoinError::Failed("no luck"))));
/// ```
///
/// What is borrowed must outlive the group:
///
/// ```compile_fail
/// let done = sward::TaskGroup::<()>::run(|group| {
///     let inside = 1;
///     group.spawn(|| Ok(println!("{inside}"))); // `inside` goes before the group ends
/// });
/// ```
pub struct TaskGroup<'scope, 'env: 'scope, E> {
    scope: &'scope Scope<'scope, 'env>,
    failure: Arc<Mutex<Option<TryJoinError<E>>>>,
}

impl<E> TaskGroup<'_, '_, E> {
    /// Runs `f` with a group, and waits for all that was spawned into it. Parks.
    ///
    /// # Errors
    /// The first failure.
    ///
    /// # Panics
    /// If `f` does, after all have ended.
    ///
    /// If the caller is cancelled, so is the group, and the unwinding goes on when all have ended.
    ///
    /// ```
    /// use sward::{TaskGroup, TryJoinError};
    ///
    /// let value = TaskGroup::<()>::run(|group| group.spawn(|| Ok(6 * 7)).join().unwrap());
    /// assert_eq!(value.unwrap(), Some(42));
    /// let failed = TaskGroup::<()>::run(|group| drop(group.spawn(|| -> Result<(), ()> { panic!("no luck") })));
    /// assert!(matches!(failed, Err(TryJoinError::Join(error)) if error.is::<&str>()));
    /// ```
    pub fn run<'env, F, T>(f: F) -> Result<T, TryJoinError<E>>
    where
        F: for<'scope> FnOnce(&TaskGroup<'scope, 'env, E>) -> T,
    {
        let failure = Arc::new(Mutex::new(None));
        let value = scope(|scope| f(&TaskGroup { scope, failure: Arc::clone(&failure) }));
        let failure = failure.lock().unwrap_or_else(|e| e.into_inner()).take();
        failure.map_or(Ok(value), Err)
    }
}

impl<'scope, E: Send + 'scope> TaskGroup<'scope, '_, E> {
    /// Spawns into the group. A join gives `Some` of the value, and `None` if it failed: the failure is the group's.
    ///
    /// Never parks.
    ///
    /// ```
    /// let failed = sward::TaskGroup::run(|group| {
    ///     let first = group.spawn(|| Ok(1)).join().unwrap();
    ///     let second = group.spawn(|| Err::<i32, _>("no luck")).join().unwrap();
    ///     assert_eq!((first, second), (Some(1), None));
    /// });
    /// assert!(matches!(failed, Err(sward::TryJoinError::Failed("no luck"))));
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> ScopedJoinHandle<'scope, Option<T>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'scope,
        T: Send + 'scope,
    {
        let (scope, failure) = (self.scope, Arc::clone(&self.failure));
        scope.spawn(move || {
            let failed = match panic::catch_unwind(AssertUnwindSafe(f)) {
                Ok(Ok(value)) => return Some(value),
                Ok(Err(error)) => TryJoinError::Failed(error),
                Err(payload) if cancel::is_interruption(&*payload) => panic::resume_unwind(payload),
                Err(payload) => TryJoinError::Join(JoinError::Panicked(payload)),
            };
            let mut failed = Some(failed);
            {
                let mut first = failure.lock().unwrap_or_else(|e| e.into_inner());
                if first.is_none() {
                    mem::swap(&mut *first, &mut failed);
                }
            }
            scope.cancel_all();
            // One that is not the first goes here, outside of the lock: it is foreign, and its `Drop` may park.
            drop(failed);
            None
        })
    }

    /// Cancels all that are in the group, and all that are yet to come.
    ///
    /// Never parks.
    ///
    /// ```
    /// let stopped = sward::TaskGroup::<()>::run(|group| {
    ///     let parked = group.spawn(|| Ok(sward::thread::park()));
    ///     group.cancel_all();
    ///     parked.join().unwrap_err().is_cancelled()
    /// });
    /// assert_eq!(stopped.unwrap(), true);
    /// ```
    pub fn cancel_all(&self) {
        self.scope.cancel_all();
    }
}

impl<E> fmt::Debug for TaskGroup<'_, '_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("scope", self.scope).finish_non_exhaustive()
    }
}
