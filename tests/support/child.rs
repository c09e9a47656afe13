//! Child processes: the calling test runs again in one, which may crash.

use std::{
    env,
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    thread,
};

use super::watch::limit;

/// The exit code of a child that hung.
const HUNG: i32 = 99;

pub(crate) const SIGABRT: i32 = 6;
pub(crate) const SIGSEGV: i32 = 11;

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
