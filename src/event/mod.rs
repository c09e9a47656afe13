//! Events, by gevent's names: a flag that many wait for, and a value that many wait for.
//!
//! | from | is here |
//! |---|---|
//! | gevent's `Event`, Python's `threading.Event`, `asyncio.Event` | [`Event`] |
//! | gevent's `AsyncResult`, Python's `Future` | [`Promise`] and [`Promised`] |
//!
//! Both serve green threads, plain OS threads and `async` tasks alike.

#![allow(unsafe_code)]

mod error;
mod promise;

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

pub use self::{
    error::PromiseError,
    promise::{Promise, Promised, PromisedFuture},
};
use crate::{
    lockfree::event::{self as protocol, Wait},
    sched::{
        self,
        clock::Nanos,
        wait::{self, Waiting, WaitsFor, Who},
    },
};

/// A flag that is set and cleared, and that anybody may wait for.
///
/// To wait for one that is set costs a load, and to wait for any allocates nothing. A set with nobody in line is one
/// atomic operation.
///
/// # Fairness
/// A [`set`](Self::set) wakes all that wait at that moment, in the order in which they came: each of them passes, even
/// if the event is cleared before it runs. Who begins to wait after a later [`clear`](Self::clear) is not woken by it.
/// So nobody starves, and nobody gets a wake-up that was meant for others.
///
/// # Cancellation
/// [`wait`](Self::wait) is a park point if the event is not set. A waiter that is cancelled leaves the line; one that
/// was woken by a set at that moment passes, and meets the cancel at its next park.
///
/// ```
/// use sward::event::Event;
///
/// static READY: Event = Event::new();
///
/// let waiters: Vec<_> = (0..3).map(|_| sward::spawn(|| READY.wait())).collect();
/// READY.set();
/// sward::join_all(waiters).into_iter().for_each(Result::unwrap);
/// assert!(READY.is_set()); // until it is cleared
/// ```
pub struct Event {
    protocol: protocol::Event<Who>,
}

impl UnwindSafe for Event {}
impl RefUnwindSafe for Event {}

impl Event {
    /// An event that is not set.
    ///
    /// ```
    /// static READY: sward::event::Event = sward::event::Event::new();
    /// assert!(!READY.is_set());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { protocol: protocol::Event::new() }
    }

    /// Sets it, and wakes all that wait now. Never parks. If it is set already, nothing changes.
    ///
    /// What was done before a `set` is visible to those who pass on account of it, and to who takes it back by a
    /// [`clear`](Self::clear).
    ///
    /// ```
    /// let event = sward::event::Event::new();
    /// sward::scope(|s| {
    ///     let waiters = [0; 3].map(|_| s.spawn(|| event.wait()));
    ///     event.set();
    ///     assert!(waiters.into_iter().all(|waiter| waiter.join().is_ok()));
    /// });
    /// ```
    #[inline]
    pub fn set(&self) {
        self.protocol.set();
    }

    /// Takes a set back: who comes from now on waits. Who was woken passes nevertheless. Never parks.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let event = sward::event::Event::new();
    /// event.set();
    /// event.clear();
    /// assert!(!event.wait_timeout(Duration::ZERO));
    /// ```
    #[inline]
    pub fn clear(&self) {
        self.protocol.clear();
    }

    /// Whether it is set. Never parks.
    ///
    /// ```
    /// let event = sward::event::Event::new();
    /// event.set();
    /// assert!(event.is_set());
    /// ```
    #[must_use]
    #[inline]
    #[doc(alias = "ready")]
    pub fn is_set(&self) -> bool {
        self.protocol.is_set()
    }

    /// Parks until it is set; returns at once if it is.
    ///
    /// ```
    /// let event = sward::event::Event::new();
    /// sward::scope(|s| {
    ///     let waiter = s.spawn(|| event.wait()); // parks, and others run
    ///     event.set();
    ///     waiter.join().unwrap();
    /// });
    /// event.wait(); // at once: it is set still
    /// ```
    #[inline]
    pub fn wait(&self) {
        if !self.protocol.is_set() {
            self.wait_in_line("Event", Nanos::NEVER);
        }
    }

    /// As [`wait`](Self::wait), at the longest for `limit`. False: it was not set in that time.
    ///
    /// With a `limit` of zero it is as [`is_set`](Self::is_set). A set that comes at the moment when the time is up
    /// counts.
    ///
    /// ```
    /// use sward::{event::Event, time::{Duration, Instant}};
    ///
    /// sward::Runtime::builder().virtual_clock(true).run(|| {
    ///     let (event, start) = (Event::new(), Instant::now());
    ///     assert!(!event.wait_timeout(Duration::from_secs(60)));
    ///     assert_eq!(start.elapsed(), Duration::from_secs(60));
    ///     event.set();
    ///     assert!(event.wait_timeout(Duration::ZERO));
    /// });
    /// ```
    #[inline]
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        self.protocol.is_set() || self.wait_in_line("Event", sched::now().saturating_add(limit))
    }

    /// As [`wait`](Self::wait), for an `async` task. The future stands in line from its first poll until it is ready or
    /// dropped.
    ///
    /// ```
    /// # fn main() { sward::run(|| {
    /// use sward::event::Event;
    ///
    /// async fn pass(event: &Event) -> bool {
    ///     event.wait_async().await;
    ///     event.is_set()
    /// }
    /// # let event = Event::new();
    /// # event.set();
    /// # let mut pass = std::pin::pin!(pass(&event));
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert_eq!(pass.as_mut().poll(&mut context), std::task::Poll::Ready(true));
    /// # }) }
    /// ```
    pub fn wait_async(&self) -> EventFuture<'_> {
        EventFuture { waiting: Waiting::new(Wait(&self.protocol)) }
    }

    /// Waits as `what`. False: the deadline came first.
    #[cold]
    pub(crate) fn wait_in_line(&self, what: &'static str, deadline: Nanos) -> bool {
        wait::block_on(Wait(&self.protocol), WaitsFor::signal(what, self), deadline).is_ok()
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}

/// Waits for an [`Event`]. See [`Event::wait_async`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct EventFuture<'a> {
    waiting: Waiting<Wait<&'a protocol::Event<Who>>>,
}

impl Future for EventFuture<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the only field is pinned with the whole, and nothing moves it out.
        unsafe { self.map_unchecked_mut(|this| &mut this.waiting) }.poll(context)
    }
}

impl fmt::Debug for EventFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventFuture").finish_non_exhaustive()
    }
}
