//! What the integration tests share: a watchdog, child processes that may crash, guards that count their drops.
#![allow(dead_code, reason = "no test uses all of it")]

use std::{
    env,
    os::unix::process::ExitStatusExt,
    panic,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

/// After this long a test hangs: a minute, or so many seconds as `SWARD_TEST_LIMIT` says.
pub(crate) fn limit() -> Duration {
    Duration::from_secs(
        env::var("SWARD_TEST_LIMIT").map_or(60, |limit| limit.parse().expect("a number of seconds")),
    )
}

/// The exit code of a child that hung.
const HUNG: i32 = 99;

pub(crate) const SIGABRT: i32 = 6;
pub(crate) const SIGSEGV: i32 = 11;

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

/// Lets others run until this one waits.
pub(crate) fn until_parked<T>(waiting: &sward::JoinHandle<T>) {
    while waiting.status() != sward::Status::Parked {
        assert!(!waiting.is_finished(), "it has ended instead of waiting");
        sward::yield_now();
    }
}

/// The message of a panic that `f` ends with.
#[track_caller]
pub(crate) fn message_of_panic<T>(f: impl FnOnce() -> T) -> String {
    match panic::catch_unwind(panic::AssertUnwindSafe(f)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => payload.downcast_ref::<&str>().expect("a panic with a message").to_string(),
        },
    }
}

/// Counts how many of its guards have been dropped.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

/// Counted when it is dropped.
pub(crate) struct Guard(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn guard(&self) -> Guard {
        Guard(Arc::clone(&self.0))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Calls its closure when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// How a child process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
}

/// A test that runs its body in a process of its own.
pub(crate) struct Child {
    test: &'static str,
    env: Vec<(&'static str, &'static str)>,
    address_space: Option<u64>,
}

impl Child {
    /// `test` is the full name of the calling test.
    pub(crate) fn of(test: &'static str) -> Self {
        Self { test, env: Vec::new(), address_space: None }
    }

    pub(crate) fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    /// Limits the child's address space to so many MiB.
    pub(crate) fn address_space(mut self, mib: u64) -> Self {
        self.address_space = Some(mib);
        self
    }

    /// In the test's own process, runs the test again in a child, and tells how that ended. In the child, runs
    /// `f` on its main thread, and ends it.
    #[track_caller]
    pub(crate) fn run(self, f: impl FnOnce()) -> Ended {
        const MARK: &str = "SWARD_TEST_CHILD";
        if env::var(MARK).as_deref() == Ok(self.test) {
            thread::spawn(|| {
                thread::sleep(limit());
                eprintln!("the child hangs: not ended after {:?}", limit());
                std::process::exit(HUNG);
            });
            f();
            std::process::exit(0);
        }
        let exe = env::current_exe().expect("the test has an executable");
        let mut command = match self.address_space {
            None => Command::new(exe),
            Some(mib) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", "ulimit -v \"$1\" && shift && exec \"$@\"", "sh"]);
                shell.arg((mib * 1024).to_string()).arg(exe);
                shell
            }
        };
        command.args([self.test, "--exact", "--nocapture", "--test-threads=1"]);
        command.env(MARK, self.test).env("RUST_BACKTRACE", "0").envs(self.env);
        let output = command.stdin(Stdio::null()).output().expect("the child starts");
        let ended = Ended {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
            signal: output.status.signal(),
        };
        assert!(!ended.stdout.contains("running 0 tests"), "no test is called {:?}", self.test);
        assert_ne!(ended.code, Some(HUNG), "the child hangs: {ended:?}");
        ended
    }
}

impl Ended {
    /// It came to its end.
    #[track_caller]
    pub(crate) fn is_well(&self) {
        assert_eq!((self.code, self.signal), (Some(0), None), "{self:?}");
    }

    /// It wrote all of these on stderr.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {self:?}");
        }
    }
}
