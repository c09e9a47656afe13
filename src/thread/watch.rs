//! Watching a green thread without joining it: callbacks, a canceller, a future.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use super::{JoinHandle, Result, Status, Thread, ThreadId, handle};
use crate::sched::{
    park,
    task::{Core, TaskRef},
};

/// How a green thread ended, as its callbacks are told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// `Done`, `Panicked` or `Cancelled`.
    pub status: Status,
    /// Its number.
    pub id: ThreadId,
    /// Its name, if it was given one.
    pub name: Option<String>,
}

/// Names a callback of one handle.
pub(crate) struct Watch(u64);

/// Cancels one green thread, from any thread. It does not keep the result, and its drop does nothing.
///
/// ```
/// let handle = sward::spawn(sward::thread::park);
/// let canceller = handle.canceller();
/// std::thread::spawn(move || canceller.cancel());
/// assert!(handle.join().unwrap_err().is_cancelled());
/// ```
#[derive(Clone)]
pub struct Canceller(TaskRef);

/// A join that is awaited. See [`JoinHandle`]'s `IntoFuture`.
pub struct Join<T> {
    handle: Option<JoinHandle<T>>,
    waker: Arc<Mutex<Option<Waker>>>,
    watched: bool,
}

impl<T> JoinHandle<T> {
    /// Calls `f` once with the outcome, when the green thread has ended: on its worker, or right here if it has ended
    /// already. As gevent's `link`, asyncio's `add_done_callback`. A panic of `f` is contained.
    ///
    /// `f` should be short, and must not wait: it runs where the green thread ran.
    ///
    /// ```
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// let handle = sward::spawn(|| 6 * 7);
    /// handle.on_done(move |outcome| sender.send(outcome.status).unwrap());
    /// assert_eq!(handle.join().unwrap(), 42);
    /// assert_eq!(receiver.recv().unwrap(), sward::Status::Done);
    /// ```
    #[doc(alias = "link")]
    #[doc(alias = "add_done_callback")]
    pub fn on_done<F>(&self, f: F)
    where
        F: FnOnce(&Outcome) + Send + 'static,
    {
        let tell = move |core: &Core, _| {
            f(&Outcome {
                status: handle::status_of(core),
                id: ThreadId::from_raw(core.id),
                name: core.name().map(str::to_owned),
            });
        };
        let _ = self.task().core.on_done(Box::new(tell));
    }

    /// As [`on_done`](Self::on_done), for one who only wants to know when.
    pub(super) fn when_done(&self, f: impl FnOnce() + Send + 'static) -> Watch {
        Watch(self.task().core.on_done(Box::new(move |_, _| f())))
    }

    /// Takes back a callback that was not called yet.
    pub(super) fn unwatch(&self, Watch(listener): Watch) {
        self.task().core.forget_listener(listener);
    }

    /// What cancels it, from any thread, while another joins it.
    ///
    /// ```
    /// let job = sward::spawn(|| sward::thread::park());
    /// let canceller = job.canceller();
    /// sward::spawn(move || canceller.cancel());
    /// assert!(job.join().unwrap_err().is_cancelled());
    /// ```
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller(self.task().clone())
    }
}

impl Canceller {
    /// As [`JoinHandle::cancel`]. Never parks; again and on one that has ended it does nothing.
    ///
    /// ```
    /// let job = sward::spawn(|| sward::thread::park());
    /// let canceller = job.canceller();
    /// canceller.cancel();
    /// canceller.cancel();
    /// assert!(job.join().unwrap_err().is_cancelled());
    /// ```
    pub fn cancel(&self) {
        park::cancel(&self.0.core);
    }

    /// Whether the green thread has ended. Never parks.
    ///
    /// ```
    /// let job = sward::spawn(|| ());
    /// let canceller = job.canceller();
    /// job.join().unwrap();
    /// assert!(canceller.is_finished());
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.core.outcome.ended().is_some()
    }

    /// The green thread itself.
    ///
    /// ```
    /// let job = sward::spawn(|| ());
    /// assert_eq!(job.canceller().thread().id(), job.id());
    /// ```
    #[must_use]
    pub fn thread(&self) -> Thread {
        Thread::green(self.0.clone())
    }
}

/// A join can be awaited, by any executor.
///
/// ```
/// # fn block_on<F: std::future::Future>(future: F) -> F::Output {
/// #     struct Unpark(std::thread::Thread);
/// #     impl std::task::Wake for Unpark { fn wake(self: std::sync::Arc<Self>) { self.0.unpark() } }
/// #     let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
/// #     let mut future = std::pin::pin!(future);
/// #     loop {
/// #         match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
/// #             std::task::Poll::Ready(value) => return value,
/// #             std::task::Poll::Pending => std::thread::park(),
/// #         }
/// #     }
/// # }
/// let value = block_on(async { sward::spawn(|| 6 * 7).await.unwrap() });
/// assert_eq!(value, 42);
/// ```
impl<T> IntoFuture for JoinHandle<T> {
    type Output = Result<T>;
    type IntoFuture = Join<T>;

    fn into_future(self) -> Join<T> {
        Join { handle: Some(self), waker: Arc::default(), watched: false }
    }
}

impl<T> Future for Join<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        // First the waker, then the look: an end in between wakes it. The old one is foreign, and goes outside of the lock.
        let waker = context.waker().clone();
        let old = self.waker.lock().unwrap_or_else(|e| e.into_inner()).replace(waker);
        drop(old);
        let handle = self.handle.take().expect("polled after it was ready");
        if handle.is_finished() {
            return Poll::Ready(handle.join());
        }
        if !self.watched {
            self.watched = true;
            let waker = Arc::clone(&self.waker);
            handle.when_done(move || {
                // Not under the lock: who is woken may poll at once.
                let waker = waker.lock().unwrap_or_else(|e| e.into_inner()).take();
                if let Some(waker) = waker {
                    waker.wake();
                }
            });
        }
        self.handle = Some(handle);
        Poll::Pending
    }
}

impl<T> Unpin for Join<T> {}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canceller({})", self.0.core)
    }
}

impl<T> fmt::Debug for Join<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Join").field(&self.handle).finish()
    }
}
