//! OS threads of this process, seen from another one.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use super::watch::limit;

#[cfg(not(target_arch = "x86_64"))]
const POLLER: i64 = libc::SYS_epoll_pwait;
#[cfg(target_arch = "x86_64")]
const POLLER: i64 = libc::SYS_epoll_wait;

/// An OS thread, by what the kernel tells of it.
#[derive(Clone)]
pub(crate) struct OsThread(PathBuf);

impl OsThread {
    /// The calling one: of a green thread, its worker's.
    pub(crate) fn current() -> Self {
        let own = fs::read_link("/proc/thread-self").expect("Linux tells");
        Self(Path::new("/proc").join(own))
    }

    /// The one of this name, which has at most 15 bytes, as soon as there is one.
    pub(crate) fn named(name: &str) -> Self {
        let start = Instant::now();
        let has_name = |thread: &PathBuf| {
            fs::read_to_string(thread.join("comm")).is_ok_and(|its| its.trim_end() == name)
        };
        loop {
            let mut threads =
                fs::read_dir("/proc/self/task").expect("Linux tells").map(|entry| entry.unwrap().path());
            if let Some(found) = threads.find(has_name) {
                return Self(found);
            }
            assert!(start.elapsed() < limit() / 2, "no thread is called {name:?}");
            thread::yield_now();
        }
    }

    /// Waits until it sleeps as a worker does that has nothing to do, and as who waits for another thread does.
    #[track_caller]
    pub(crate) fn until_idle(&self) {
        self.until_it_sleeps_in(&[libc::SYS_futex, POLLER]);
    }

    /// Waits until it sleeps in one of these system calls.
    #[track_caller]
    pub(crate) fn until_it_sleeps_in(&self, calls: &[i64]) {
        let start = Instant::now();
        while !self.sleeps_in(calls) {
            assert!(start.elapsed() < limit() / 2, "it does not sleep in any of {calls:?}: {}", self.call());
            thread::yield_now();
        }
    }

    /// Whether it sleeps in one of these system calls.
    pub(crate) fn sleeps_in(&self, calls: &[i64]) -> bool {
        self.call()
            .split(' ')
            .next()
            .and_then(|number| number.parse().ok())
            .is_some_and(|call| calls.contains(&call))
    }

    /// The number of the system call that it sleeps in, with its arguments; or that it is running.
    fn call(&self) -> String {
        fs::read_to_string(self.0.join("syscall")).expect("it has not ended, and Linux tells")
    }
}
