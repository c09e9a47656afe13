//! `join_timeout`.

use std::time::Duration;

use crate::jobs::{after, fails_after};
use crate::support::{HOUR, in_virtual_time, secs, watched};
use sward::{Status, spawn, thread, time::Instant, yield_now};

#[test]
fn join_timeout_gives_the_handle_back_and_it_can_be_joined_later() {
    in_virtual_time(|| {
        let start = Instant::now();
        let handle = after(10).join_timeout(secs(1)).unwrap_err();
        assert_eq!((start.elapsed(), handle.status()), (secs(1), Status::Parked));
        let handle = handle.join_timeout(Duration::ZERO).unwrap_err();
        let handle = handle.join_timeout(secs(8)).unwrap_err();
        assert_eq!(handle.join_timeout(Duration::MAX).unwrap().unwrap(), 10);
        assert_eq!(start.elapsed(), secs(10));
    });
}

#[test]
fn join_timeout_of_what_has_ended_needs_no_time() {
    in_virtual_time(|| {
        let handle = spawn(|| 42);
        yield_now();
        assert_eq!(handle.join_timeout(Duration::ZERO).unwrap().unwrap(), 42);
        let panics = fails_after(1);
        assert!(panics.join_timeout(secs(2)).unwrap().unwrap_err().is::<u64>());
        let cancelled = spawn(thread::park);
        cancelled.cancel();
        assert!(cancelled.join_timeout(secs(2)).unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn join_timeout_on_an_os_thread() {
    watched(|| {
        let parked = spawn(thread::park).join_timeout(Duration::from_millis(1)).unwrap_err();
        parked.thread().unpark();
        parked.join_timeout(HOUR).unwrap().unwrap();
    });
}
