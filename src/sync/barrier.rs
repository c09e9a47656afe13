//! [`Barrier`].

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
};

use crate::{
    lockfree::barrier::{self as protocol, Arrive, Part},
    sched::{
        clock::Nanos,
        wait::{self, Waiting, WaitsFor, Who},
    },
};

/// A place where a number of threads meet before they go on. As [`std::sync::Barrier`], whose documentation holds; it
/// parks instead of blocking.
///
/// It can be used again as soon as it has opened: who passed may arrive anew while others are still on their way out. To
/// wait allocates nothing, and those who pass do not queue for a lock.
///
/// # Fairness
/// It opens for exactly those who had arrived, in the order of their arrival; the one that comes last is the
/// leader and does not park. A new round's threads cannot be woken by, or counted in, the round before.
///
/// # Cancellation
/// [`wait`](Self::wait) is a park point for all but the last. Who is cancelled at a barrier (or runs into a timeout)
/// leaves it and is not counted any more: another has to arrive in its place. If the barrier had opened at that moment it
/// has passed, and meets the cancel at its next park.
///
/// ```
/// use sward::sync::{Arc, Barrier};
///
/// let barrier = Arc::new(Barrier::new(3));
/// let handles: Vec<_> = (0..3)
///     .map(|_| {
///         let barrier = Arc::clone(&barrier);
///         sward::spawn(move || barrier.wait().is_leader())
///     })
///     .collect();
/// let leaders = sward::join_all(handles).into_iter().filter(|leads| matches!(leads, Ok(true))).count();
/// assert_eq!(leaders, 1);
/// ```
pub struct Barrier {
    protocol: protocol::Barrier<Who>,
}

impl UnwindSafe for Barrier {}
impl RefUnwindSafe for Barrier {}

/// What [`Barrier::wait`] returns: whether the caller leads this round. As [`std::sync::BarrierWaitResult`].
pub struct BarrierWaitResult(bool);

impl Barrier {
    /// A barrier that opens for every `n` threads. Nobody waits at one for 0 or 1.
    #[inline]
    #[must_use]
    pub const fn new(n: usize) -> Self {
        Self { protocol: protocol::Barrier::new(n) }
    }

    /// Arrives, and parks until all have. One of them, the last, is told to be the leader.
    ///
    /// What the others did before they arrived is visible to each of them afterwards.
    pub fn wait(&self) -> BarrierWaitResult {
        let waits_for = WaitsFor::signal("Barrier", self);
        // Without a deadline it does not time out.
        let part = wait::block_on(Arrive(&self.protocol), waits_for, Nanos::NEVER);
        BarrierWaitResult(part == Ok(Part::Leader))
    }

    /// As [`wait`](Self::wait), as a future: it arrives at its first poll.
    ///
    /// One that is dropped before the barrier has opened leaves it, and is not counted any more.
    ///
    /// ```
    /// use sward::sync::Barrier;
    ///
    /// async fn meet(barrier: &Barrier) -> bool {
    ///     barrier.wait_async().await.is_leader()
    /// }
    /// # use std::{pin::pin, task::{Context, Poll, Waker}};
    /// # let barrier = Barrier::new(2);
    /// # let (mut first, mut second) = (pin!(meet(&barrier)), pin!(meet(&barrier)));
    /// # let mut context = Context::from_waker(Waker::noop());
    /// # assert!(first.as_mut().poll(&mut context).is_pending());
    /// # assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(true));
    /// # assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(false));
    /// ```
    pub async fn wait_async(&self) -> BarrierWaitResult {
        BarrierWaitResult(Waiting::new(Arrive(&self.protocol)).await == Part::Leader)
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").finish_non_exhaustive()
    }
}

impl BarrierWaitResult {
    /// Whether the caller was the last to arrive. True for one thread a round.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl fmt::Debug for BarrierWaitResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWaitResult").field("is_leader", &self.is_leader()).finish()
    }
}
