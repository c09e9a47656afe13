//! The calling thread, green or not: who it is, and how it stops for a while.

use std::{
    fmt,
    num::NonZeroU64,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
    time::Duration,
};

use crate::{
    sched::{
        self, cancel,
        clock::Nanos,
        park::{self as parking, Await, OsThread, Wake},
        task::TaskRef,
        wake, worker,
    },
    time::Instant,
};

/// A handle to a thread, green or not. As [`std::thread::Thread`].
#[derive(Clone)]
pub struct Thread(Who);

#[derive(Clone)]
enum Who {
    Green(TaskRef),
    Os(Arc<OsThread>),
}

// As `std`'s: what it leads to is a token, and no panic leaves that half done.
impl UnwindSafe for Thread {}
impl RefUnwindSafe for Thread {}

/// A number that no other thread of this process has or had. As [`std::thread::ThreadId`]; green threads and
/// OS threads that sward has met share one sequence.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThreadId(NonZeroU64);

/// The calling thread: the green thread that runs, or else the OS thread.
///
/// ```
/// sward::run(|| assert_ne!(sward::thread::current().id(), sward::spawn(|| sward::thread::current().id()).join().unwrap()));
/// ```
#[must_use]
pub fn current() -> Thread {
    Thread(match worker::current() {
        Some((_, slot)) => Who::Green(slot.task().clone()),
        None => Who::Os(parking::os_thread()),
    })
}

/// Whether the caller runs on a green thread.
///
/// ```
/// assert!(!sward::is_green());
/// assert!(sward::run(sward::is_green));
/// ```
#[must_use]
pub fn is_green() -> bool {
    worker::current().is_some()
}

/// Stops until [`Thread::unpark`] was called, once for each call, before or after. As [`std::thread::park`]:
/// it may return without a reason.
///
/// A cancelled green thread unwinds from it. The token is sward's own: `std`'s `unpark` does not give it.
///
/// ```
/// let parked = sward::spawn(sward::thread::park);
/// parked.thread().unpark();
/// parked.join().unwrap();
/// ```
#[inline(always)]
pub fn park() {
    if parking::park_for(Await::Token, Nanos::NEVER) == Wake::Cancelled {
        cancel::unwind();
    }
}

/// As [`park`], at the longest for `limit`, by the runtime's clock.
///
/// ```
/// use sward::{thread, time::{Duration, Instant}};
///
/// sward::Runtime::builder().virtual_clock(true).run(|| {
///     let start = Instant::now();
///     thread::park_timeout(Duration::from_secs(3600));
///     assert_eq!(start.elapsed().as_secs(), 3600);
///     thread::current().unpark();
///     thread::park_timeout(Duration::MAX); // the token is there already
/// });
/// ```
pub fn park_timeout(limit: Duration) {
    let deadline = sched::now().saturating_add(limit);
    if parking::park_for(Await::Token, deadline) == Wake::Cancelled {
        cancel::unwind();
    }
}

/// As [`park_timeout`], in milliseconds. As [`std::thread::park_timeout_ms`].
#[deprecated(note = "replaced by `sward::thread::park_timeout`")]
pub fn park_timeout_ms(ms: u32) {
    park_timeout(Duration::from_millis(ms.into()));
}

/// Stops for at least this long, by the runtime's clock. When there is an idle core it is usually less than 0.1 ms longer: 50 µs
/// are what the kernel allows itself for any sleep, and where other deadlines follow closely, one wake-up serves those of
/// 40 µs more.
///
/// A cancelled green thread unwinds from it. `Duration::ZERO` lets others run; one that is longer than the
/// clock can count never ends.
///
/// ```
/// let start = std::time::Instant::now();
/// sward::sleep(std::time::Duration::from_millis(2));
/// assert!(start.elapsed().as_millis() >= 2);
/// ```
pub fn sleep(limit: Duration) {
    if limit.is_zero() {
        return yield_now();
    }
    sched::unwind_if(!parking::sleep_until(sched::now().saturating_add(limit)));
}

/// As [`sleep`], in milliseconds. As [`std::thread::sleep_ms`].
#[deprecated(note = "replaced by `sward::thread::sleep`")]
pub fn sleep_ms(ms: u32) {
    sleep(Duration::from_millis(ms.into()));
}

/// Stops until this moment; at once if it has passed, and then it lets others run.
///
/// ```
/// use sward::time::{Duration, Instant};
///
/// let noon = Instant::now() + Duration::from_millis(2);
/// sward::thread::sleep_until(noon);
/// assert!(Instant::now() >= noon);
/// ```
pub fn sleep_until(deadline: Instant) {
    if deadline.nanos() <= sched::now() {
        return yield_now();
    }
    sched::unwind_if(!parking::sleep_until(deadline.nanos()));
}

/// Lets everything on this worker that is runnable run once before the caller runs on, what it has just
/// spawned included. But what was woken from outside (by an event, a deadline or another OS thread) takes turns with the
/// rest, one for one: of many of those, some run after the caller. On a plain OS thread, as [`std::thread::yield_now`].
///
/// A cancelled green thread unwinds from it.
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
///
/// sward::run(|| {
///     let order = Rc::new(RefCell::new(vec![]));
///     let theirs = Rc::clone(&order);
///     sward::spawn_local(move || theirs.borrow_mut().push("spawned"));
///     sward::yield_now();
///     order.borrow_mut().push("spawner");
///     assert_eq!(*order.borrow(), ["spawned", "spawner"]);
/// });
/// ```
// Inlined, as is `park`: the processor predicts the switch's return only if no call lies between the caller's loop and
// the switch (`docs/rationale.md`, "Returns").
#[inline(always)]
pub fn yield_now() {
    match worker::current() {
        Some((worker, slot)) if !parking::must_stay(slot) => {
            if slot.may_be_interrupted() {
                slot.meet_interruptions();
            }
            worker.yield_now(slot);
        }
        _ => yield_os_thread(),
    }
}

#[cold]
fn yield_os_thread() {
    std::thread::yield_now();
}

impl Thread {
    pub(crate) fn green(task: TaskRef) -> Self {
        Self(Who::Green(task))
    }

    /// The task of a green thread.
    pub(crate) fn task(&self) -> Option<&TaskRef> {
        match &self.0 {
            Who::Green(task) => Some(task),
            Who::Os(_) => None,
        }
    }

    /// Gives the thread its token: its current or next [`park`] returns. Never parks.
    ///
    /// ```
    /// let waiting = sward::spawn(|| sward::thread::park());
    /// let thread = waiting.thread().clone();
    /// std::thread::spawn(move || thread.unpark()); // from anywhere
    /// assert!(waiting.join().is_ok());
    /// ```
    #[inline]
    pub fn unpark(&self) {
        match &self.0 {
            Who::Green(task) => wake::unpark_with_token(&task.core),
            Who::Os(thread) => thread.unpark_with_token(),
        }
    }

    /// The thread's number.
    ///
    /// ```
    /// use sward::thread;
    ///
    /// let handle = sward::spawn(|| thread::current().id());
    /// let id = handle.thread().id();
    /// assert_eq!(handle.join().unwrap(), id);
    /// assert_ne!(thread::current().id(), id);
    /// ```
    #[must_use]
    pub fn id(&self) -> ThreadId {
        ThreadId::from_raw(match &self.0 {
            Who::Green(task) => task.core.id,
            Who::Os(thread) => thread.id,
        })
    }

    /// The thread's name, if it was given one.
    ///
    /// ```
    /// use sward::thread::{self, Builder};
    ///
    /// let handle = Builder::new().name("parser".into()).spawn(|| thread::current().name().map(str::to_owned))?;
    /// assert_eq!(handle.thread().name(), Some("parser"));
    /// assert_eq!(handle.join().unwrap().as_deref(), Some("parser"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Who::Green(task) => task.core.name(),
            Who::Os(thread) => thread.thread.name(),
        }
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").field("id", &self.id()).field("name", &self.name()).finish_non_exhaustive()
    }
}

impl ThreadId {
    pub(crate) fn from_raw(id: u64) -> Self {
        Self(NonZeroU64::new(id).expect("numbers begin at one"))
    }

    /// The number itself, in the order of the spawns of one thread.
    ///
    /// ```
    /// let (first, second) = (sward::spawn(|| ()), sward::spawn(|| ()));
    /// assert!(first.id().as_u64() < second.id().as_u64());
    /// ```
    #[must_use]
    pub fn as_u64(&self) -> NonZeroU64 {
        self.0
    }
}

impl fmt::Debug for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThreadId").field(&self.0).finish()
    }
}
