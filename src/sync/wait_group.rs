//! [`WaitGroup`].
//!
//! It has no protocol of its own: a number under a lock, and an [`Event`] that is set by who brings it to zero, after the
//! lock. Zero is final, so the event is set once and never cleared, and nothing depends on the order of the two.

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
    time::Duration,
};

use crate::{
    event::Event,
    lockfree::spin::Guarded,
    sched::{self, clock::Nanos},
};

/// Waits until all of a number of parties are done: each has a clone, and drops it at its end.
///
/// As crossbeam's, and Go's `sync.WaitGroup` with a clone for `Add` and a drop for `Done`: neither can be forgotten, also
/// when a party panics or is cancelled. Several may wait, each with a clone of its own; who waits is not waited for.
///
/// # Fairness
/// All that wait are woken together, in the order in which they came.
///
/// # Cancellation
/// [`wait`](Self::wait) is a park point if a clone is left. Its own is gone by then: who is cancelled while it waits is
/// not in the others' way.
///
/// ```
/// use sward::sync::WaitGroup;
///
/// let group = WaitGroup::new();
/// for i in 0..10 {
///     let group = group.clone();
///     sward::spawn(move || {
///         let _done_at_the_end = group;
///         i * i
///     });
/// }
/// group.wait(); // until all ten have ended
/// ```
pub struct WaitGroup {
    shared: Arc<Shared>,
}

struct Shared {
    /// The clones that nobody waits with. Zero is final: there is none left to be cloned, and `rejoin` sees to it.
    parties: Guarded<usize>,
    /// Set when it is zero.
    done: Event,
}

impl UnwindSafe for WaitGroup {}
impl RefUnwindSafe for WaitGroup {}

impl WaitGroup {
    /// A group of one.
    ///
    /// ```
    /// sward::sync::WaitGroup::new().wait(); // at once: it is alone
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { shared: Arc::new(Shared { parties: Guarded::new(1), done: Event::new() }) }
    }

    /// Drops this clone, and parks until all others are dropped, or wait, too.
    ///
    /// A cancel while it waits unwinds; this clone is gone by then.
    ///
    /// ```
    /// use sward::sync::WaitGroup;
    ///
    /// let group = WaitGroup::new();
    /// let party = group.clone();
    /// let job = sward::spawn(move || party); // it goes with the result
    /// job.join().map(drop).unwrap();
    /// group.wait();
    /// ```
    pub fn wait(self) {
        let shared = self.leave();
        if !shared.done.is_set() {
            shared.done.wait_in_line("WaitGroup", Nanos::NEVER);
        }
    }

    /// As [`wait`](Self::wait), at the longest for `limit`.
    ///
    /// With a `limit` of zero it does not wait. While it waits it is not waited for.
    ///
    /// # Errors
    /// With this clone, if the time was up first: it is one of the parties again.
    ///
    /// ```
    /// use sward::{sync::WaitGroup, time::Duration};
    ///
    /// sward::Runtime::builder().virtual_clock(true).run(|| {
    ///     let (group, party) = (WaitGroup::new(), WaitGroup::new());
    ///     assert!(party.wait_timeout(Duration::ZERO).is_ok()); // it was alone
    ///     let party = group.clone();
    ///     let group = group.wait_timeout(Duration::from_secs(1)).unwrap_err();
    ///     drop(party);
    ///     assert!(group.wait_timeout(Duration::from_secs(1)).is_ok());
    /// });
    /// ```
    pub fn wait_timeout(self, limit: Duration) -> Result<(), WaitGroup> {
        let shared = self.leave();
        let deadline = sched::now().saturating_add(limit);
        let done = shared.done.is_set() || shared.done.wait_in_line("WaitGroup", deadline);
        // The last may have gone since the time was up.
        if done || !shared.rejoin() { Ok(()) } else { Err(WaitGroup { shared }) }
    }

    /// As [`wait`](Self::wait), as a future: this clone is dropped at its first poll, or with it.
    ///
    /// ```
    /// use sward::sync::WaitGroup;
    ///
    /// async fn finish(group: WaitGroup) {
    ///     group.wait_async().await; // until all other clones are dropped
    /// }
    /// # use std::{pin::pin, task::{Context, Waker}};
    /// # let group = WaitGroup::new();
    /// # let party = group.clone();
    /// # let mut finish = pin!(finish(group));
    /// # let mut context = Context::from_waker(Waker::noop());
    /// # assert!(finish.as_mut().poll(&mut context).is_pending());
    /// # drop(party);
    /// # assert!(finish.as_mut().poll(&mut context).is_ready());
    /// ```
    pub async fn wait_async(self) {
        let shared = self.leave();
        shared.done.wait_async().await;
    }

    fn leave(self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

impl Shared {
    /// Counts one more. False: there is none any more, and it stays so.
    fn rejoin(&self) -> bool {
        self.parties.with(|parties| {
            let some = *parties != 0;
            *parties += usize::from(some);
            some
        })
    }
}

impl Clone for WaitGroup {
    fn clone(&self) -> Self {
        // This one is counted, so it is not zero; nor does it overflow, because an `Arc` aborts before.
        self.shared.rejoin();
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for WaitGroup {
    fn drop(&mut self) {
        let last = self.shared.parties.with(|parties| {
            *parties -= 1;
            *parties == 0
        });
        if last {
            self.shared.done.set();
        }
    }
}

impl Default for WaitGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parties = self.shared.parties.with(|parties| *parties);
        f.debug_struct("WaitGroup").field("parties", &parties).finish()
    }
}
