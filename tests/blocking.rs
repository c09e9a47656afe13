//! The pool of `blocking` when there is nothing to make threads of.

mod support;

use std::{fs, hint, thread};

use support::Child;
use sward::time::{Duration, Instant};

fn depth(n: u32) -> u32 {
    let frame = hint::black_box([n; 256]); // a kilobyte
    if n == 0 { 0 } else { 1 + depth(frame[0] - 1) }
}

/// From now on there is no room for one more OS thread's stack.
fn forbid_threads() {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    let limit = pages * 4096 + (3 << 19);
    rlimit::Resource::AS.set(limit, limit).unwrap();
    thread::Builder::new().spawn(|| ()).unwrap_err();
}

#[test]
fn without_os_threads_the_caller_does_it_with_an_os_threads_stack() {
    let child = Child::of("without_os_threads_the_caller_does_it_with_an_os_threads_stack").run(|| {
        sward::run(|| {
            let here = thread::current().id();
            // On a stack of 64 KiB.
            let caller = sward::spawn(|| {
                forbid_threads();
                sward::blocking(|| (thread::current().id(), depth(300)))
            });
            assert_eq!(caller.join().unwrap(), (here, 300));
        });
    });
    child.is_well();
}

#[test]
fn without_os_threads_a_timeout_does_not_end_what_the_caller_does() {
    let child = Child::of("without_os_threads_a_timeout_does_not_end_what_the_caller_does").run(|| {
        sward::run(|| {
            forbid_threads();
            let mut outlasted = false;
            let in_time = sward::timeout(Duration::from_millis(1), || {
                let due = sward::deadline().unwrap();
                sward::blocking(|| {
                    sward::thread::sleep_until(due + Duration::from_millis(1));
                    outlasted = Instant::now() > due;
                });
            });
            assert!(outlasted);
            in_time.unwrap(); // it met no wait after its time
        });
    });
    child.is_well();
}
