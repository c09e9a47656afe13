//! [`Promise`] and [`Promised`].

use std::{
    error::Error,
    fmt,
    ops::Deref,
    panic::{RefUnwindSafe, UnwindSafe},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::Duration,
};

use super::{Event, PromiseError};
use crate::{
    lockfree::event::{self as protocol, Wait},
    sched::{
        self,
        clock::Nanos,
        wait::{Waiting, Who},
    },
};

/// A value that is given once, to all that wait for it. This is the side that gives; [`Promised`] is the one that waits.
///
/// gevent's `AsyncResult`. A promise is kept by [`set`](Self::set), or [`fail`](Self::fail)s with an error. Both take it
/// by value, so it cannot be kept twice; one that is dropped without either is *broken*, and its readers get
/// [`PromiseError::Broken`]. So nobody waits for a value that cannot come: also when the green thread that was to give it
/// panics or is cancelled.
///
/// Neither of the sides needs the other: a promise that nobody waits for any more can be kept, and a value stays as long
/// as there is a reader.
///
/// ```
/// use sward::event::Promise;
///
/// let (promise, promised) = Promise::new();
/// let readers: Vec<_> = (0..3)
///     .map(|_| {
///         let promised = promised.clone();
///         sward::spawn(move || promised.get())
///     })
///     .collect();
/// promise.set(5);
/// for answer in sward::join_all(readers) {
///     assert_eq!(answer.unwrap(), Ok(5));
/// }
/// assert_eq!(promised.get(), Ok(5)); // as often as one likes
/// ```
///
/// It cannot be kept twice:
///
/// ```compile_fail,E0382
/// let (promise, promised) = sward::event::Promise::new();
/// promise.set(5);
/// promise.set(6);
/// ```
#[doc(alias = "AsyncResult")]
pub struct Promise<T> {
    shared: Arc<Shared<T>>,
}

/// What a [`Promise`] will give: the side that waits. A clone waits for the same value.
///
/// The value stays where it is and is shared by all readers: [`get`](Self::get) clones it, [`get_ref`](Self::get_ref)
/// lends it.
///
/// # Fairness
/// All that wait when the promise is kept are woken, in the order in which they came. Who comes later does not wait.
///
/// # Cancellation
/// [`get`](Self::get) is a park point if the value is not there. A reader that is cancelled leaves, and the others and the
/// value stay as they are. One that was given the value at that moment has it, and meets the cancel at its next park.
pub struct Promised<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    /// Written by the promise, once, before `kept` is set.
    result: OnceLock<Result<T, PromiseError>>,
    kept: Event,
}

impl<T> Promise<T> {
    /// A promise, and a reader of it.
    ///
    /// ```
    /// let (promise, promised) = sward::event::Promise::new();
    /// sward::spawn(|| promise.set(6 * 7));
    /// assert_eq!(promised.get(), Ok(42));
    /// ```
    // A promise without a reader is of no use.
    #[allow(
        clippy::new_ret_no_self,
        reason = "gevent's name; the two sides come together, as a channel's do"
    )]
    #[must_use]
    pub fn new() -> (Promise<T>, Promised<T>) {
        let shared = Arc::new(Shared { result: OnceLock::new(), kept: Event::new() });
        (Promise { shared: Arc::clone(&shared) }, Promised { shared })
    }

    /// Gives the value, and wakes all that wait for it. Never parks.
    ///
    /// ```
    /// let (promise, promised) = sward::event::Promise::new();
    /// let readers = [0; 3].map(|_| { let promised = promised.clone(); sward::spawn(move || promised.get()) });
    /// promise.set("here");
    /// assert!(readers.into_iter().all(|reader| reader.join().unwrap() == Ok("here")));
    /// ```
    pub fn set(self, value: T) {
        self.shared.end_with(Ok(value));
    }

    /// Gives an error instead of a value, and wakes all that wait. Never parks.
    ///
    /// ```
    /// use sward::event::Promise;
    ///
    /// let (promise, promised) = Promise::<u32>::new();
    /// promise.fail("no such host");
    /// assert_eq!(promised.get().unwrap_err().to_string(), "no such host");
    /// ```
    #[doc(alias = "set_exception")]
    pub fn fail(self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.shared.end_with(Err(PromiseError::Failed(error.into().into())));
    }

    /// One more reader.
    ///
    /// ```
    /// let (promise, first) = sward::event::Promise::new();
    /// let second = promise.promised();
    /// promise.set(1);
    /// assert_eq!(first.get(), second.get());
    /// ```
    #[must_use]
    pub fn promised(&self) -> Promised<T> {
        Promised { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.shared.end_with(Err(PromiseError::Broken));
    }
}

impl<T> Promised<T> {
    /// A clone of the value, parking until it is there.
    ///
    /// # Errors
    /// [`PromiseError::Failed`] if the promise [`fail`](Promise::fail)ed, [`PromiseError::Broken`] if it was dropped.
    ///
    /// ```
    /// use sward::event::{Promise, PromiseError};
    ///
    /// let (promise, promised) = Promise::<u32>::new();
    /// let giver = sward::spawn(move || {
    ///     let _promise = promise;
    ///     // It ends without having kept it.
    /// });
    /// assert_eq!(promised.get(), Err(PromiseError::Broken));
    /// # giver.join().unwrap();
    /// ```
    pub fn get(&self) -> Result<T, PromiseError>
    where
        T: Clone,
    {
        self.get_ref().cloned()
    }

    /// As [`get`](Self::get), at the longest for `limit`.
    ///
    /// With a `limit` of zero it does not wait. A value that comes at the moment when the time is up counts.
    ///
    /// # Errors
    /// [`PromiseError::TimedOut`] if the time was up first, and those of [`get`](Self::get).
    ///
    /// ```
    /// use std::time::Duration;
    /// use sward::event::{Promise, PromiseError};
    ///
    /// let (promise, promised) = Promise::new();
    /// assert_eq!(promised.get_timeout(Duration::ZERO), Err(PromiseError::TimedOut));
    /// promise.set(1);
    /// assert_eq!(promised.get_timeout(Duration::ZERO), Ok(1));
    /// ```
    pub fn get_timeout(&self, limit: Duration) -> Result<T, PromiseError>
    where
        T: Clone,
    {
        if !self.is_set() && !self.wait_until(sched::now().saturating_add(limit)) {
            return Err(PromiseError::TimedOut);
        }
        self.shared.result().cloned()
    }

    /// As [`get`](Self::get), if it need not wait: `None` if there is neither a value nor an error yet. Never parks.
    ///
    /// ```
    /// let (promise, promised) = sward::event::Promise::new();
    /// assert_eq!(promised.try_get(), None);
    /// promise.set(1);
    /// assert_eq!(promised.try_get(), Some(Ok(1)));
    /// ```
    #[doc(alias = "get_nowait")]
    pub fn try_get(&self) -> Option<Result<T, PromiseError>>
    where
        T: Clone,
    {
        self.is_set().then(|| self.shared.result().cloned())
    }

    /// The value itself, parking until it is there.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// ```
    /// let (promise, promised) = sward::event::Promise::new();
    /// promise.set(vec![1, 2, 3]);
    /// let first: Option<&i32> = promised.get_ref().unwrap().first();
    /// assert_eq!(first, Some(&1));
    /// ```
    pub fn get_ref(&self) -> Result<&T, PromiseError> {
        self.wait();
        self.shared.result()
    }

    /// Parks until there is a value or an error.
    ///
    /// ```
    /// let (promise, promised) = sward::event::Promise::<u32>::new();
    /// sward::spawn(|| drop(promise));
    /// promised.wait(); // an error ends it, too
    /// assert!(promised.is_set());
    /// ```
    pub fn wait(&self) {
        if !self.is_set() {
            self.wait_until(Nanos::NEVER);
        }
    }

    /// Whether there is a value or an error, so that [`get`](Self::get) does not wait. Never parks.
    ///
    /// ```
    /// let (promise, promised) = sward::event::Promise::new();
    /// assert!(!promised.is_set());
    /// promise.set(1);
    /// assert!(promised.is_set());
    /// ```
    #[must_use]
    #[doc(alias = "ready")]
    pub fn is_set(&self) -> bool {
        self.shared.kept.is_set()
    }

    /// As [`get`](Self::get), for an `async` task; to `.await` a `Promised` is the same.
    ///
    /// ```
    /// use sward::event::{Promise, PromiseError, Promised};
    ///
    /// async fn twice(number: Promised<u32>) -> Result<u32, PromiseError> {
    ///     Ok(number.await? * 2)
    /// }
    /// # let (promise, promised) = Promise::new();
    /// # promise.set(21);
    /// # let mut twice = std::pin::pin!(twice(promised));
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert_eq!(twice.as_mut().poll(&mut context), std::task::Poll::Ready(Ok(42)));
    /// ```
    pub fn get_async(&self) -> PromisedFuture<T> {
        let shared = Arc::clone(&self.shared);
        PromisedFuture { waiting: Waiting::new(Wait(Kept(Arc::clone(&shared)))), shared }
    }

    /// False: the deadline came first.
    fn wait_until(&self, deadline: Nanos) -> bool {
        self.shared.kept.wait_in_line("Promise", deadline)
    }
}

impl<T> Shared<T> {
    /// What comes first is the end: a promise that was kept is dropped afterwards, to no effect.
    fn end_with(&self, result: Result<T, PromiseError>) {
        if self.result.set(result).is_ok() {
            self.kept.set();
        }
    }

    /// After `kept` was seen set.
    fn result(&self) -> Result<&T, PromiseError> {
        self.result.get().expect("it is there before the event").as_ref().map_err(Clone::clone)
    }
}

impl<T> Clone for Promised<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

// The result is written once and whole: no panic leaves it half done.
impl<T: RefUnwindSafe> UnwindSafe for Promise<T> {}
impl<T: RefUnwindSafe> RefUnwindSafe for Promise<T> {}
impl<T: RefUnwindSafe> UnwindSafe for Promised<T> {}
impl<T: RefUnwindSafe> RefUnwindSafe for Promised<T> {}

impl<T> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promise").finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for Promised<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Promised");
        match self.shared.result.get() {
            Some(result) => debug.field("result", result),
            None => debug.field("result", &format_args!("<not set>")),
        };
        debug.finish()
    }
}

/// Waits for a [`Promised`] value. See [`Promised::get_async`]. It keeps the value alive by itself.
#[must_use = "a future does nothing unless it is awaited"]
pub struct PromisedFuture<T> {
    waiting: Waiting<Wait<Kept<T>>>,
    shared: Arc<Shared<T>>,
}

/// The event, kept alive by who waits for it.
struct Kept<T>(Arc<Shared<T>>);

impl<T> Deref for Kept<T> {
    type Target = protocol::Event<Who>;

    fn deref(&self) -> &Self::Target {
        &self.0.kept.protocol
    }
}

impl<T: Clone> Future for PromisedFuture<T> {
    type Output = Result<T, PromiseError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `waiting` is pinned with the whole, `shared` never is, and nothing is moved out.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        ready!(unsafe { Pin::new_unchecked(&mut this.waiting) }.poll(context));
        Poll::Ready(this.shared.result().cloned())
    }
}

impl<T: Clone> IntoFuture for Promised<T> {
    type Output = Result<T, PromiseError>;
    type IntoFuture = PromisedFuture<T>;

    fn into_future(self) -> PromisedFuture<T> {
        self.get_async()
    }
}

impl<T: Clone> IntoFuture for &Promised<T> {
    type Output = Result<T, PromiseError>;
    type IntoFuture = PromisedFuture<T>;

    fn into_future(self) -> PromisedFuture<T> {
        self.get_async()
    }
}

impl<T> fmt::Debug for PromisedFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PromisedFuture").finish_non_exhaustive()
    }
}
