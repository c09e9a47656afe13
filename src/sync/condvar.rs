//! [`Condvar`].

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    time::Duration,
};

use super::{LockResult, MutexGuard, PoisonError};
use crate::{
    lockfree::condvar::{self as protocol, Wait},
    sched::{
        self, cancel,
        clock::Nanos,
        park::Wake,
        wait::{self, WaitsFor, Who},
    },
};

/// A condition variable: to wait for something that a [`Mutex`](super::Mutex) guards. As [`std::sync::Condvar`], whose
/// documentation holds; it parks instead of blocking.
///
/// To wait allocates nothing, and to notify nobody costs one load. A notification is not kept: it wakes who waits at that
/// moment. To call it, the mutex need not be held; a change that it announces must be made with the mutex held, or a
/// waiter that has looked and is about to wait misses it.
///
/// There are no spurious wake-ups at present, but `std` allows them and so does this: wait in a loop, or by
/// [`wait_while`](Self::wait_while). What was true when a waiter was notified may be so no more when it has the mutex
/// again, since others may take it before. Different mutexes with one condition variable do no harm here, and may panic
/// with `std`'s.
///
/// # Fairness
/// First in, first out: [`notify_one`](Self::notify_one) wakes the one that has waited longest, so no waiter starves.
/// [`notify_all`](Self::notify_all) wakes those who wait when it is called, in their order, and none that come later. How
/// the woken ones get the mutex again is told [there](super::Mutex#fairness).
///
/// # Cancellation
/// Every wait is a park point. Who is cancelled while it waits (or runs into a [`timeout`](crate::timeout) around the wait)
/// leaves the line and unwinds at once; it does *not* take the mutex again, since its guard is consumed. One that
/// was notified and is cancelled while it waits for the mutex passes the notification on to the next of those who
/// waited when it was given, and then unwinds. If it got the mutex at that moment it returns, and meets the
/// cancel at its next park. So no notification is lost by a cancel.
///
/// ```
/// use sward::sync::{Arc, Condvar, Mutex};
///
/// let pair = Arc::new((Mutex::new(false), Condvar::new()));
/// let theirs = Arc::clone(&pair);
/// let starter = sward::spawn(move || {
///     let (started, condvar) = &*theirs;
///     *started.lock().unwrap() = true;
///     condvar.notify_one();
/// });
/// let (started, condvar) = &*pair;
/// let guard = condvar.wait_while(started.lock().unwrap(), |started| !*started).unwrap();
/// assert!(*guard);
/// # drop(guard);
/// # starter.join().unwrap();
/// ```
pub struct Condvar {
    protocol: protocol::Condvar<Who>,
}

impl UnwindSafe for Condvar {}
impl RefUnwindSafe for Condvar {}

/// Whether a wait with a time limit ended by that. As [`std::sync::WaitTimeoutResult`].
#[derive(Debug, PartialEq, Eq, Copy, Clone)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// True if the time was over before a notification came (or, with a condition, before that ended).
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A condition variable that nobody waits for.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self { protocol: protocol::Condvar::new() }
    }

    /// Lets go of the mutex, parks until it is notified, and takes the mutex again.
    ///
    /// A notification that comes after the mutex was let go is not missed.
    ///
    /// # Errors
    /// With the guard, if the mutex is poisoned when it is taken again.
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        match self.wait_until(guard, Nanos::NEVER) {
            Ok((guard, _)) => Ok(guard),
            Err(poisoned) => Err(PoisonError::new(poisoned.into_inner().0)),
        }
    }

    /// Waits as long as `condition` returns true. It is called with the mutex held, for the first time before any wait.
    ///
    /// # Errors
    /// With the guard, if the mutex is found poisoned after a wait.
    pub fn wait_while<'a, T: ?Sized, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut *guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`wait_timeout`](Self::wait_timeout), with milliseconds; the result is false if the time was over.
    ///
    /// # Errors
    /// As [`wait_timeout`](Self::wait_timeout).
    #[deprecated(note = "replaced by `sward::sync::Condvar::wait_timeout`")]
    pub fn wait_timeout_ms<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        ms: u32,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        match self.wait_timeout(guard, Duration::from_millis(ms.into())) {
            Ok((guard, result)) => Ok((guard, !result.timed_out())),
            Err(poisoned) => {
                let (guard, result) = poisoned.into_inner();
                Err(PoisonError::new((guard, !result.timed_out())))
            }
        }
    }

    /// As [`wait`](Self::wait), for `dur` at the longest by the runtime's clock. The mutex is taken again in any case, and
    /// that may take longer.
    ///
    /// A notification and the end of the time may come together: a waiter that was notified has not timed out, and one
    /// that has timed out has not taken a notification from another.
    ///
    /// # Errors
    /// With the guard and the result, if the mutex is poisoned when it is taken again.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sward::sync::{Condvar, Mutex};
    ///
    /// sward::Runtime::builder().virtual_clock(true).run(|| {
    ///     let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    ///     let hour = Duration::from_secs(3600);
    ///     let (_guard, result) = condvar.wait_timeout(mutex.lock().unwrap(), hour).unwrap();
    ///     assert!(result.timed_out()); // in no time: the clock is virtual
    /// });
    /// ```
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        dur: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        self.wait_until(guard, sched::now().saturating_add(dur))
    }

    /// Waits as long as `condition` returns true, for `dur` at the longest. The condition counts: if it has ended, the
    /// wait has not timed out, however late that was.
    ///
    /// # Errors
    /// With the guard and the result, if the mutex is found poisoned after a wait.
    pub fn wait_timeout_while<'a, T: ?Sized, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        dur: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let deadline = sched::now().saturating_add(dur);
        loop {
            if !condition(&mut *guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            if sched::now() >= deadline {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            guard = self.wait_until(guard, deadline)?.0;
        }
    }

    /// Wakes the one that has waited longest, if there is one. Never parks.
    #[inline]
    pub fn notify_one(&self) {
        self.protocol.notify_one();
    }

    /// Wakes all that wait at this moment. Never parks.
    ///
    /// ```
    /// use sward::sync::{Arc, Condvar, Mutex};
    ///
    /// let gate = Arc::new((Mutex::new(false), Condvar::new()));
    /// let handles: Vec<_> = (0..10)
    ///     .map(|_| {
    ///         let gate = Arc::clone(&gate);
    ///         sward::spawn(move || drop(gate.1.wait_while(gate.0.lock().unwrap(), |open| !*open).unwrap()))
    ///     })
    ///     .collect();
    /// *gate.0.lock().unwrap() = true;
    /// gate.1.notify_all();
    /// assert!(sward::join_all(handles).iter().all(Result::is_ok));
    /// ```
    #[inline]
    pub fn notify_all(&self) {
        self.protocol.notify_all();
    }

    fn wait_until<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Nanos,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let suspended = guard.suspend();
        let wait = Wait { condvar: &self.protocol, mutex: suspended.protocol() };
        let notified = match wait::try_block_on(wait, WaitsFor::signal("Condvar", self), deadline) {
            Ok(notified) => Some(notified),
            Err(Wake::TimedOut) => None,
            Err(_) => cancel::unwind(),
        };
        let Some(locked) = suspended.resume() else {
            if let Some(notified) = notified {
                self.protocol.pass_on(notified);
            }
            cancel::unwind()
        };
        let result = WaitTimeoutResult(notified.is_none());
        match locked {
            Ok(guard) => Ok((guard, result)),
            Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), result))),
        }
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}

impl Default for Condvar {
    /// A condition variable that nobody waits for.
    fn default() -> Self {
        Self::new()
    }
}
