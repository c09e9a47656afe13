//! Ending a wait from outside, and protecting from it: `timeout`, `shield`, `catch_cancel`.

use std::{
    error::Error,
    fmt,
    panic::{self, AssertUnwindSafe},
};

use crate::{
    sched::{
        self, cancel,
        interrupts::{self, Interrupts},
        park, worker,
    },
    time::{Duration, Instant},
};

/// The time of a [`timeout`] was up before its closure had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Elapsed(());

/// The closure of a [`catch_cancel`] was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cancelled(());

/// Runs `f`, and unwinds it at its first wait that lasts beyond `limit` from now.
///
/// It works around every call of sward that waits: sleeps, joins, IO. `Drop` runs as for a panic, and nothing is
/// printed. Timeouts nest, and the earliest one wins. With a `limit` of zero `f` runs up to its first wait; if it
/// ends without one, or ends at the same moment, its value counts. Costs a clock reading; no allocation, and no
/// system call, unless the time is up.
///
/// A cancel of the green thread comes through it. On a plain OS thread it works alike.
///
/// # Errors
/// [`Elapsed`] if the time was up.
///
/// ```
/// use sward::time::Duration;
///
/// let slow = sward::timeout(Duration::from_millis(5), || sward::sleep(Duration::from_secs(3600)));
/// assert!(slow.is_err());
/// let quick = sward::timeout(Duration::from_secs(3600), || 6 * 7);
/// assert_eq!(quick, Ok(42));
/// ```
#[doc(alias = "wait_for")]
pub fn timeout<F, T>(limit: Duration, f: F) -> Result<T, Elapsed>
where
    F: FnOnce() -> T,
{
    timeout_at(Instant::from_nanos(sched::now().saturating_add(limit)), f)
}

/// As [`timeout`], until a moment.
///
/// # Errors
/// [`Elapsed`] if that moment came.
///
/// ```
/// use sward::time::{Duration, Instant};
///
/// let soon = Instant::now() + Duration::from_millis(5);
/// assert!(sward::timeout_at(soon, sward::thread::park).is_err());
/// ```
pub fn timeout_at<F, T>(deadline: Instant, f: F) -> Result<T, Elapsed>
where
    F: FnOnce() -> T,
{
    struct Pop;
    impl Drop for Pop {
        fn drop(&mut self) {
            interrupts::with_current(Interrupts::pop);
        }
    }
    let id = interrupts::with_current(|interrupts| interrupts.push(deadline.nanos()));
    let result = {
        let _pop = Pop;
        panic::catch_unwind(AssertUnwindSafe(f))
    };
    match result {
        Ok(value) => Ok(value),
        Err(payload) if cancel::is_timeout(&*payload, id) => Err(Elapsed(())),
        Err(payload) => panic::resume_unwind(payload),
    }
}

/// Runs `f` protected: a cancel, and the timeouts around it, are held back until it has ended, and delivered then,
/// instead of its value. A timeout inside `f` works as ever.
///
/// ```
/// let saved = sward::run(|| {
///     let (sender, saved) = std::sync::mpsc::channel();
///     let job = sward::spawn(move || {
///         sward::shield(|| {
///             sward::yield_now(); // the cancel comes here, and waits
///             sender.send("saved").unwrap();
///         });
///         unreachable!("it is delivered before this");
///     });
///     sward::yield_now();
///     job.cancel();
///     assert!(job.join().map(|()| ()).unwrap_err().is_cancelled());
///     saved.recv().unwrap()
/// });
/// assert_eq!(saved, "saved");
/// ```
pub fn shield<F, T>(f: F) -> T
where
    F: FnOnce() -> T,
{
    let value = sched::shielded(f);
    if !park::is_unwinding_or_in_place() {
        cancel::unwind_if_due();
    }
    value
}

/// Runs `f`, and takes a cancel that unwinds it: the green thread goes on, as after Python's
/// `except CancelledError`. A later cancel counts anew. While its runtime closes nothing is caught, or one that
/// caught again and again would keep it from ending: `Drop` is the place for what must be done in any case.
///
/// # Errors
/// [`Cancelled`] if it was cancelled.
///
/// ```
/// sward::run(|| {
///     let job = sward::spawn(|| match sward::catch_cancel(sward::thread::park) {
///         Ok(()) => "unparked",
///         Err(sward::Cancelled { .. }) => "cleaned up",
///     });
///     sward::yield_now();
///     job.cancel();
///     assert_eq!(job.join().unwrap(), "cleaned up");
/// });
/// ```
pub fn catch_cancel<F, T>(f: F) -> Result<T, Cancelled>
where
    F: FnOnce() -> T,
{
    match panic::catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Ok(value),
        Err(payload) if cancel::is_cancel(&*payload) && !worker::is_closing() => {
            if let Some((_, slot)) = worker::current() {
                slot.core().park.take_cancel();
            }
            Err(Cancelled(()))
        }
        Err(payload) => panic::resume_unwind(payload),
    }
}

/// Whether the calling green thread was cancelled, for computations that never park: they may return then. Also
/// true while a [`shield`] holds the cancel back. False on a plain OS thread.
///
/// ```
/// let runtime = sward::Runtime::builder().workers(1).build()?;
/// let job = runtime.spawn(|| {
///     let mut rounds = 0_u64;
///     while !sward::cancelled() {
///         rounds += 1; // a step of a long computation
///     }
///     rounds
/// });
/// while job.status() == sward::Status::Pending {
///     std::thread::yield_now();
/// }
/// job.cancel();
/// assert!(job.join().is_ok()); // it saw the cancel, and returned
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn cancelled() -> bool {
    worker::current().is_some_and(|(_, slot)| slot.core().park.is_cancelled())
}

/// The nearest deadline of the timeouts that the caller is inside of, inherited ones included.
///
/// ```
/// use sward::time::{Duration, Instant};
///
/// assert_eq!(sward::deadline(), None);
/// let _ = sward::timeout(Duration::from_secs(5), || assert!(sward::deadline().unwrap() > Instant::now()));
/// ```
#[must_use]
pub fn deadline() -> Option<Instant> {
    interrupts::with_current(Interrupts::deadline).map(Instant::from_nanos)
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was up")
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled")
    }
}

impl Error for Elapsed {}
impl Error for Cancelled {}
