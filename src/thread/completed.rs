//! Waiting for several: in the order in which they end.

use std::{
    collections::VecDeque,
    fmt,
    iter::FusedIterator,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{JoinError, JoinHandle, watch::Watch};
use crate::{
    sched::{
        self, cancel,
        clock::Nanos,
        park::{self, Unparker, Wake},
    },
    time::Duration,
};

/// When [`wait`] returns. As asyncio's `return_when`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReturnWhen {
    /// When all have ended.
    All,
    /// When one has ended, in whatever way.
    FirstCompleted,
    /// When one has panicked or was cancelled, or all have ended.
    FirstFailed,
}

/// Why a [`try_join_all`] gave no values.
#[derive(Debug)]
#[non_exhaustive]
pub enum TryJoinError<E> {
    /// One returned this error.
    Failed(E),
    /// One panicked or was cancelled.
    Join(JoinError),
}

/// The finished handles of [`as_completed`], in the order in which they ended.
pub struct AsCompleted<T> {
    handles: Vec<Option<JoinHandle<T>>>,
    left: usize,
    queue: Arc<Completions>,
}

/// Which of several have ended, by their index, in order. One waits, many tell.
#[derive(Default)]
pub(crate) struct Completions(Mutex<Ended>);

#[derive(Default)]
struct Ended {
    queue: VecDeque<usize>,
    /// Who waits for the next, if somebody does.
    waiter: Option<Unparker>,
}

impl Completions {
    /// Told by each of `handles`.
    fn of<'a, T: 'a>(handles: impl Iterator<Item = &'a JoinHandle<T>>) -> Arc<Self> {
        let queue = Arc::<Self>::default();
        for (index, handle) in handles.enumerate() {
            queue.watch(handle, index);
        }
        queue
    }

    /// Told by `handle`, as `index`.
    pub(crate) fn watch<T>(self: &Arc<Self>, handle: &JoinHandle<T>, index: usize) -> Watch {
        let queue = Arc::clone(self);
        handle.when_done(move || queue.tell(index))
    }

    fn tell(&self, index: usize) {
        let waiter = {
            let mut ended = self.lock();
            ended.queue.push_back(index);
            ended.waiter.take()
        };
        if let Some(waiter) = waiter {
            waiter.unpark();
        }
    }

    /// The next that has ended. `None`: `deadline` came first.
    pub(crate) fn next(&self, deadline: Nanos) -> Option<usize> {
        let mut wake = Wake::Notified;
        loop {
            {
                let mut ended = self.lock();
                if let Some(index) = ended.queue.pop_front() {
                    return Some(index);
                }
                ended.waiter = (wake == Wake::Notified).then(park::current_unparker);
            }
            match wake {
                Wake::Notified => wake = park::park(deadline),
                Wake::TimedOut => return None,
                Wake::Cancelled => cancel::unwind(),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ended> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Waits for `handles` until `when` is fulfilled, at the longest for `limit`, and returns those that have ended and
/// those that have not, each in the order given. As asyncio's `wait`.
///
/// Parks. Costs the same for each handle, however many there are. If the caller is cancelled the handles are
/// dropped, and their green threads run on.
///
/// ```
/// use sward::{ReturnWhen, sleep, spawn, time::Duration};
///
/// sward::Runtime::builder().virtual_clock(true).run(|| {
///     let job = |seconds| spawn(move || sleep(Duration::from_secs(seconds)));
///     let (done, pending) = sward::wait(vec![job(3), job(1), job(2)], ReturnWhen::FirstCompleted, None);
///     assert_eq!((done.len(), pending.len()), (1, 2));
///     let (done, pending) = sward::wait(pending, ReturnWhen::All, Some(Duration::from_millis(1500)));
///     assert_eq!((done.len(), pending.len()), (1, 1));
/// });
/// ```
pub fn wait<T>(
    handles: Vec<JoinHandle<T>>,
    when: ReturnWhen,
    limit: Option<Duration>,
) -> (Vec<JoinHandle<T>>, Vec<JoinHandle<T>>) {
    let deadline = limit.map_or(Nanos::NEVER, |limit| sched::now().saturating_add(limit));
    let queue = Arc::<Completions>::default();
    let watches = handles.iter().enumerate().map(|(index, handle)| queue.watch(handle, index)).collect();
    // Those that are still pending are told of no more, however this ends.
    let handles = Unwatch { handles, watches };
    for _ in 0..handles.len() {
        let Some(index) = queue.next(deadline) else { break };
        let enough = match when {
            ReturnWhen::All => false,
            ReturnWhen::FirstCompleted => true,
            ReturnWhen::FirstFailed => handles[index].has_failed(),
        };
        if enough {
            break;
        }
    }
    handles.into_handles().into_iter().partition(JoinHandle::is_finished)
}

/// Handles that are watched, until this is dropped.
struct Unwatch<T> {
    handles: Vec<JoinHandle<T>>,
    watches: Vec<Watch>,
}

impl<T> Unwatch<T> {
    fn into_handles(mut self) -> Vec<JoinHandle<T>> {
        self.unwatch();
        std::mem::take(&mut self.handles)
    }

    fn unwatch(&mut self) {
        for (handle, watch) in self.handles.iter().zip(self.watches.drain(..)) {
            handle.unwatch(watch);
        }
    }
}

impl<T> Deref for Unwatch<T> {
    type Target = [JoinHandle<T>];

    fn deref(&self) -> &[JoinHandle<T>] {
        &self.handles
    }
}

impl<T> Drop for Unwatch<T> {
    fn drop(&mut self) {
        self.unwatch();
    }
}

/// An iterator over `handles` as they end, the first to end first. As asyncio's and gevent's `as_completed`, `iwait`.
///
/// `next` parks until another has ended; a join of what it gives returns at once. Costs the same for each handle,
/// however many there are. Dropped, it leaves the others running.
///
/// ```
/// use sward::{sleep, spawn, time::Duration};
///
/// let order = sward::Runtime::builder().virtual_clock(true).run(|| {
///     let job = |seconds| spawn(move || { sleep(Duration::from_secs(seconds)); seconds });
///     sward::as_completed([job(3), job(1), job(2)]).map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
/// });
/// assert_eq!(order, [1, 2, 3]);
/// ```
#[doc(alias = "iwait")]
pub fn as_completed<I, T>(handles: I) -> AsCompleted<T>
where
    I: IntoIterator<Item = JoinHandle<T>>,
{
    let handles: Vec<_> = handles.into_iter().map(Some).collect();
    let queue = Completions::of(handles.iter().flatten());
    AsCompleted { left: handles.len(), handles, queue }
}

impl<T> AsCompleted<T> {
    /// As `next`, at the longest for `limit`. `None` if none ended in that time, or none is left.
    ///
    /// ```
    /// use sward::time::Duration;
    ///
    /// let mut parked = sward::as_completed([sward::spawn(sward::thread::park)]);
    /// assert!(parked.next_timeout(Duration::from_millis(1)).is_none());
    /// assert_eq!(parked.len(), 1);
    /// ```
    pub fn next_timeout(&mut self, limit: Duration) -> Option<JoinHandle<T>> {
        self.next_until(sched::now().saturating_add(limit))
    }

    fn next_until(&mut self, deadline: Nanos) -> Option<JoinHandle<T>> {
        if self.left == 0 {
            return None;
        }
        let index = self.queue.next(deadline)?;
        self.left -= 1;
        self.handles[index].take()
    }
}

impl<T> Iterator for AsCompleted<T> {
    type Item = JoinHandle<T>;

    fn next(&mut self) -> Option<JoinHandle<T>> {
        self.next_until(Nanos::NEVER)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for AsCompleted<T> {}
impl<T> FusedIterator for AsCompleted<T> {}

/// Waits for all of them, and returns their values in the order of the handles; or, as soon as one fails, cancels the
/// others, waits for them, and returns the failure.
///
/// Parks. A failure is an `Err`, a panic or a cancel. If the caller is cancelled, so are they.
///
/// # Errors
/// The first failure, in the order in which they ended.
///
/// ```
/// let good = (1..=3).map(|i| sward::spawn(move || Ok::<_, String>(i)));
/// assert_eq!(sward::try_join_all(good).unwrap(), [1, 2, 3]);
///
/// let job = |i| sward::spawn(move || if i == 2 { Err("two") } else { sward::thread::park(); Ok(i) });
/// let failed = sward::try_join_all((1..=3).map(job));
/// assert!(matches!(failed, Err(sward::TryJoinError::Failed("two"))));
/// ```
#[doc(alias = "gather")]
pub fn try_join_all<I, T, E>(handles: I) -> Result<Vec<T>, TryJoinError<E>>
where
    I: IntoIterator<Item = JoinHandle<Result<T, E>>>,
{
    let mut rest = CancelRest { handles: handles.into_iter().map(Some).collect() };
    let queue = Completions::of(rest.handles.iter().flatten());
    let mut values: Vec<Option<T>> = rest.handles.iter().map(|_| None).collect();
    for _ in 0..values.len() {
        let index = queue.next(Nanos::NEVER).expect("there is no deadline");
        let handle = rest.handles[index].take().expect("each ends once");
        let failure = match handle.join() {
            Ok(Ok(value)) => {
                values[index] = Some(value);
                continue;
            }
            Ok(Err(error)) => TryJoinError::Failed(error),
            Err(error) => TryJoinError::Join(error),
        };
        rest.cancel();
        super::join_all(rest.handles.drain(..).flatten());
        return Err(failure);
    }
    Ok(values.into_iter().flatten().collect())
}

/// Cancels what is left of it when dropped.
pub(crate) struct CancelRest<T> {
    pub(crate) handles: Vec<Option<JoinHandle<T>>>,
}

impl<T> CancelRest<T> {
    pub(crate) fn cancel(&self) {
        self.handles.iter().flatten().for_each(JoinHandle::cancel);
    }
}

impl<T> Drop for CancelRest<T> {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Cancels all of them. Never parks; a join tells when each has ended.
///
/// ```
/// let handles: Vec<_> = (0..10).map(|_| sward::spawn(sward::thread::park)).collect();
/// sward::cancel_all(&handles);
/// assert!(sward::join_all(handles).iter().all(|result| result.as_ref().is_err_and(|e| e.is_cancelled())));
/// ```
#[doc(alias = "killall")]
pub fn cancel_all<'a, I, T>(handles: I)
where
    I: IntoIterator<Item = &'a JoinHandle<T>>,
    T: 'a,
{
    handles.into_iter().for_each(JoinHandle::cancel);
}

/// Runs all of `jobs` at once, and returns what the first to end gives; the others are cancelled, and have ended
/// before it returns. Parks. If the caller is cancelled, so are they.
///
/// # Panics
/// If there are none; and if the first to end panicked, with its payload.
///
/// ```
/// use sward::{sleep, time::Duration};
///
/// let first = sward::Runtime::builder().virtual_clock(true).run(|| {
///     sward::race((1..=3).rev().map(|i| move || { sleep(Duration::from_secs(i)); i }))
/// });
/// assert_eq!(first, 1);
/// ```
#[doc(alias = "select")]
#[track_caller]
pub fn race<I, F, T>(jobs: I) -> T
where
    I: IntoIterator<Item = F>,
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let mut rest = CancelRest { handles: Vec::new() };
    for job in jobs {
        // Not in a closure: the caller's place would be lost.
        rest.handles.push(Some(super::spawn(job)));
    }
    assert!(!rest.handles.is_empty(), "a race of nobody never ends");
    let queue = Completions::of(rest.handles.iter().flatten());
    let index = queue.next(Nanos::NEVER).expect("there is no deadline");
    let winner = rest.handles[index].take().expect("each ends once");
    rest.cancel();
    super::join_all(rest.handles.drain(..).flatten());
    match winner.join() {
        Ok(value) => value,
        Err(JoinError::Panicked(payload)) => std::panic::resume_unwind(payload),
        Err(other) => panic!("the first of a race: {other}"),
    }
}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.left).finish_non_exhaustive()
    }
}

impl<E: fmt::Display> fmt::Display for TryJoinError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryJoinError::Failed(error) => error.fmt(f),
            TryJoinError::Join(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for TryJoinError<E> {}
