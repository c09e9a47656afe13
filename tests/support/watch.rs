//! Where the body of a test runs: under a watchdog, on an OS thread or in a runtime.

use std::{env, panic, sync::mpsc, thread, time::Duration};

/// After this long a test hangs: a minute, or so many seconds as `SWARD_TEST_LIMIT` says.
pub(crate) fn limit() -> Duration {
    Duration::from_secs(
        env::var("SWARD_TEST_LIMIT").map_or(60, |limit| limit.parse().expect("a number of seconds")),
    )
}

/// Runs `f` on an OS thread of its own, and fails with a message if it has not ended after `limit`.
#[track_caller]
pub(crate) fn within<T: Send + 'static>(limit: Duration, f: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, end) = mpsc::channel();
    let thread = thread::spawn(move || {
        let result = panic::catch_unwind(panic::AssertUnwindSafe(f));
        // Nobody listens if it came too late.
        let _ = done.send(result);
    });
    match end.recv_timeout(limit) {
        Ok(Ok(value)) => {
            // Its locals have gone, too, when this returns.
            thread.join().expect("the panic was caught");
            value
        }
        Ok(Err(payload)) => panic::resume_unwind(payload),
        Err(_) => panic!("it hangs: not ended after {limit:?}"),
    }
}

/// [`within`] the usual [`limit`].
#[track_caller]
pub(crate) fn watched<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    within(limit(), f)
}

/// [`watched`], as the main green thread of a `sward::run`.
#[track_caller]
pub(crate) fn in_run<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    watched(|| sward::run(f))
}

/// [`watched`], as the main green thread of a runtime with a virtual clock.
#[track_caller]
pub(crate) fn in_virtual_time<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    watched(|| sward::Runtime::builder().virtual_clock(true).run(f))
}

/// A runtime with so many workers.
pub(crate) fn runtime(workers: usize) -> sward::Runtime {
    sward::Runtime::builder().workers(workers).build().expect("a runtime starts")
}
