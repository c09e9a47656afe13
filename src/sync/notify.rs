//! [`Notify`].

#![allow(unsafe_code)]

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use crate::{
    lockfree::notify::{self as protocol, Wait},
    sched::{
        self,
        clock::Nanos,
        wait::{self, Waiting, WaitsFor, Who},
    },
};

/// A notification without a value: to one, kept if nobody waits, or to all that wait. By tokio's names.
///
/// [`notify_one`](Self::notify_one) wakes the first in line. With nobody in line it leaves *one* permit, however often it
/// is called: the next [`wait`](Self::wait) takes it and returns at once. So a notification between a look at some state
/// and the wait for its change is not lost, and a waiter looks at the state again after each one, in a loop.
///
/// # Fairness
/// The line is first in, first out, and a permit is there only while nobody is in line: nobody passes another by, and
/// nobody starves as long as notifications come.
///
/// # Cancellation
/// [`wait`](Self::wait) is a park point if there is no permit. A waiter that is cancelled leaves the line. One that was
/// notified at that moment is done: it returns with the notification, and meets the cancel at its next park. A
/// [`Notified`] future that is dropped passes a `notify_one` that it got on to the next. So none is lost.
///
/// ```
/// use sward::sync::{Arc, Mutex, Notify};
///
/// let mailbox = Arc::new((Mutex::new(Vec::new()), Notify::new()));
/// let theirs = Arc::clone(&mailbox);
/// let reader = sward::spawn(move || {
///     loop {
///         if let Some(letter) = theirs.0.lock().unwrap().pop() {
///             return letter;
///         }
///         theirs.1.wait();
///     }
/// });
/// mailbox.0.lock().unwrap().push("hello");
/// mailbox.1.notify_one();
/// assert_eq!(reader.join().unwrap(), "hello");
/// ```
pub struct Notify {
    protocol: protocol::Notify<Who>,
}

impl UnwindSafe for Notify {}
impl RefUnwindSafe for Notify {}

impl Notify {
    /// Without a permit.
    ///
    /// ```
    /// static CHANGED: sward::sync::Notify = sward::sync::Notify::new();
    /// CHANGED.notify_one();
    /// CHANGED.wait();
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { protocol: protocol::Notify::new() }
    }

    /// Wakes the first in line; with nobody in line, leaves a permit to the next that comes. Never parks.
    ///
    /// What was done before is visible to who goes on account of it.
    ///
    /// ```
    /// let changed = sward::sync::Notify::new();
    /// changed.notify_one(); // nobody waits: it is kept
    /// changed.wait();
    /// ```
    #[inline]
    pub fn notify_one(&self) {
        self.protocol.notify_one();
    }

    /// Wakes all that wait now, in order, and every [`Notified`] that was made before. Leaves no permit, and takes none.
    /// Never parks.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let changed = sward::sync::Notify::new();
    /// changed.notify_waiters(); // nobody waits, and nothing is kept
    /// assert!(!changed.wait_timeout(Duration::ZERO));
    /// ```
    #[inline]
    #[doc(alias = "notify_all")]
    pub fn notify_waiters(&self) {
        self.protocol.notify_waiters();
    }

    /// Parks until it is notified; returns at once if there is a permit, which it takes.
    ///
    /// ```
    /// let changed = sward::sync::Notify::new();
    /// sward::scope(|s| {
    ///     let waiter = s.spawn(|| changed.wait());
    ///     changed.notify_one(); // before the wait or after
    ///     assert!(waiter.join().is_ok());
    /// });
    /// ```
    #[inline]
    pub fn wait(&self) {
        if !self.protocol.try_take() {
            self.wait_in_line(Nanos::NEVER);
        }
    }

    /// As [`wait`](Self::wait), at the longest for `limit`. False: no notification came in that time.
    ///
    /// With a `limit` of zero it takes a permit if there is one. A notification that comes at the moment when the time is
    /// up counts.
    ///
    /// ```
    /// use sward::{sync::Notify, time::Duration};
    ///
    /// sward::Runtime::builder().virtual_clock(true).run(|| {
    ///     let notify = Notify::new();
    ///     assert!(!notify.wait_timeout(Duration::from_secs(3600)));
    ///     notify.notify_one();
    ///     notify.notify_one(); // two permits are one
    ///     assert!(notify.wait_timeout(Duration::ZERO));
    ///     assert!(!notify.wait_timeout(Duration::ZERO));
    /// });
    /// ```
    #[inline]
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        self.protocol.try_take() || self.wait_in_line(sched::now().saturating_add(limit))
    }

    /// As [`wait`](Self::wait), for an `async` task.
    ///
    /// It stands in line from its first poll, and hears a [`notify_waiters`](Self::notify_waiters) from now on: make it,
    /// look at the state, then await it.
    ///
    /// ```
    /// use sward::sync::{Notify, atomic::{AtomicBool, Ordering::SeqCst}};
    ///
    /// async fn until(flag: &AtomicBool, changed: &Notify) {
    ///     loop {
    ///         let change = changed.notified();
    ///         if flag.load(SeqCst) {
    ///             return;
    ///         }
    ///         change.await;
    ///     }
    /// }
    /// # let (flag, changed) = (AtomicBool::new(false), Notify::new());
    /// # let mut until = std::pin::pin!(until(&flag, &changed));
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(until.as_mut().poll(&mut context).is_pending());
    /// # flag.store(true, SeqCst);
    /// # changed.notify_waiters();
    /// # assert!(until.as_mut().poll(&mut context).is_ready());
    /// ```
    pub fn notified(&self) -> Notified<'_> {
        Notified { waiting: Waiting::new(self.protocol.wait()) }
    }

    /// False: the deadline came first.
    #[cold]
    fn wait_in_line(&self, deadline: Nanos) -> bool {
        wait::block_on(self.protocol.wait(), WaitsFor::signal("Notify", self), deadline).is_ok()
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notify").finish_non_exhaustive()
    }
}

/// Waits for a notification. See [`Notify::notified`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Notified<'a> {
    waiting: Waiting<Wait<'a, Who>>,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the only field is pinned with the whole, and nothing moves it out.
        unsafe { self.map_unchecked_mut(|this| &mut this.waiting) }.poll(context).map(drop)
    }
}

impl fmt::Debug for Notified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notified").finish_non_exhaustive()
    }
}
