//! Beside the other unwinds, and swallowed.

use std::{cell::Cell, panic};

use crate::support::{HOUR, SECOND, in_virtual_time, timed, until_parked};
use sward::{Elapsed, Status, sleep, spawn, thread, timeout};

#[test]
fn a_cancel_comes_through_it() {
    in_virtual_time(|| {
        let handle = spawn(|| {
            let _ = timeout(HOUR, || timeout(2 * HOUR, thread::park));
            unreachable!("a cancel is not a timeout");
        });
        until_parked(&handle);
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_panic_comes_through_it_and_leaves_nothing_behind() {
    in_virtual_time(|| {
        let caught = panic::catch_unwind(|| timeout(SECOND, || panic::resume_unwind(Box::new(7))));
        assert_eq!(*caught.unwrap_err().downcast::<i32>().unwrap(), 7);
        assert_eq!((sward::deadline(), timed(|| sleep(HOUR)).0), (None, HOUR));
    });
}

#[test]
fn who_swallows_it_meets_it_again_at_the_next_wait() {
    in_virtual_time(|| {
        let swallowed = Cell::new(0);
        let (spent, result) = timed(|| {
            timeout(SECOND, || {
                for _ in 0..3 {
                    let caught = panic::catch_unwind(|| sleep(HOUR));
                    swallowed.set(swallowed.get() + u32::from(caught.is_err()));
                }
                "went on"
            })
        });
        assert_eq!((spent, result, swallowed.get()), (SECOND, Ok("went on"), 3));
    });
}

#[test]
fn one_that_is_not_its_threads_last_word_gives_a_done_thread() {
    in_virtual_time(|| {
        let handle = spawn(|| timeout(SECOND, || sleep(HOUR)));
        let outcome: Result<(), Elapsed> = handle.join().unwrap();
        assert!(outcome.is_err());
        let handle = spawn(|| {
            let _ = timeout(SECOND, || sleep(HOUR));
        });
        sleep(2 * SECOND);
        assert_eq!(handle.status(), Status::Done);
    });
}
