//! The moment of the expiry: none, now, for ever, and the same as that of something else.

use std::{
    cell::Cell,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{HOUR, SECOND, in_virtual_time, runtime, timed, until_parked, watched, within};
use sward::{ReturnWhen, sleep, spawn, thread, time::Instant, timeout, timeout_at, yield_now};

#[test]
fn zero_runs_up_to_the_first_wait() {
    in_virtual_time(|| {
        assert_eq!(timeout(Duration::ZERO, || 42), Ok(42));
        let reached = Cell::new(0);
        let result = timeout(Duration::ZERO, || {
            reached.set(1);
            thread::park();
            reached.set(2);
        });
        assert_eq!((result.is_err(), reached.get()), (true, 1));
        // What need not wait is no wait.
        let ended = spawn(|| 42);
        yield_now();
        assert_eq!(timeout(Duration::ZERO, || ended.join().unwrap()), Ok(42));
        assert!(timeout_at(Instant::now(), thread::park).is_err());
        sleep(SECOND);
        assert!(timeout_at(Instant::now() - SECOND, thread::park).is_err(), "a moment that was");
    });
}

#[test]
fn a_token_that_is_there_is_taken_also_by_a_park_with_no_time_left() {
    in_virtual_time(|| {
        thread::current().unpark();
        assert_eq!(timeout(Duration::ZERO, thread::park), Ok(()));
        assert!(timeout(Duration::ZERO, thread::park).is_err(), "it was taken");
    });
}

#[test]
fn a_token_that_is_there_is_taken_by_a_park_with_no_time_left_on_an_os_thread_too() {
    watched(|| {
        thread::current().unpark();
        assert_eq!(timeout(Duration::ZERO, thread::park), Ok(()));
        assert!(timeout(Duration::ZERO, thread::park).is_err(), "it was taken");
    });
}

#[test]
fn a_huge_one_never_comes() {
    in_virtual_time(|| {
        for limit in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(1 << 33)] {
            let value = timeout(limit, || {
                sleep(Duration::from_secs(365 * 24 * 3600));
                42
            });
            assert_eq!(value, Ok(42), "{limit:?}");
            // An earlier one inside and outside still comes.
            assert!(timeout(limit, || timeout(SECOND, || sleep(HOUR))).unwrap().is_err());
            assert!(timeout(SECOND, || timeout(limit, || sleep(HOUR))).is_err());
        }
    });
}

#[test]
fn a_sleep_that_ends_at_the_deadlines_moment_gives_either_but_always_the_same() {
    in_virtual_time(|| {
        let results: Vec<_> = (0..10).map(|_| timeout(SECOND, || sleep(SECOND))).collect();
        assert!(results.iter().all(|result| *result == results[0]), "{results:?}");
        // One nanosecond makes it sure.
        assert!(timeout(SECOND + Duration::from_nanos(1), || sleep(SECOND)).is_ok());
        assert!(timeout(SECOND, || sleep(SECOND + Duration::from_nanos(1))).is_err());
    });
}

#[test]
fn a_closure_that_ends_after_its_deadline_without_a_wait_gives_its_value() {
    watched(|| {
        let value = timeout(Duration::from_nanos(1), || {
            let start = std::time::Instant::now();
            while start.elapsed() < Duration::from_millis(2) {}
            42
        });
        assert_eq!(value, Ok(42));
    });
}

#[test]
fn what_ends_at_the_moment_of_the_expiry_before_the_waiter_runs_gives_the_value() {
    in_virtual_time(|| {
        // Its timer comes before the waiter's: it ends first, and the waiter finds a result and an expiry at once.
        let child = spawn(|| {
            sleep(SECOND);
            42
        });
        until_parked(&child);
        assert_eq!(timeout(SECOND, || child.join().unwrap()), Ok(42));
    });
}

#[test]
fn what_ends_at_the_moment_of_the_expiry_is_among_the_completed() {
    in_virtual_time(|| {
        let child = spawn(|| sleep(SECOND));
        until_parked(&child);
        assert_eq!(timeout(SECOND, || sward::as_completed([child]).count()), Ok(1), "as_completed");
        let child = spawn(|| sleep(SECOND));
        until_parked(&child);
        let (done, _) = sward::wait(vec![child], ReturnWhen::All, Some(SECOND));
        assert_eq!(done.len(), 1, "wait with a limit of its own");
        let child = spawn(|| sleep(SECOND));
        until_parked(&child);
        assert!(child.join_timeout(SECOND).is_ok(), "join_timeout");
    });
}

#[test]
fn a_wake_up_before_the_expiry_gives_the_value_and_no_timer_is_left() {
    in_virtual_time(|| {
        for _ in 0..100 {
            let me = thread::current();
            let waker = spawn(move || {
                sleep(SECOND - Duration::from_nanos(1));
                me.unpark();
            });
            assert_eq!(timeout(SECOND, thread::park), Ok(()));
            waker.join().unwrap();
            assert_eq!(timed(|| sleep(HOUR)).0, HOUR);
        }
    });
}

#[test]
fn a_cancel_at_the_moment_of_the_expiry_wins() {
    in_virtual_time(|| {
        let went_on = Arc::new(Mutex::new(false));
        let theirs = Arc::clone(&went_on);
        let handle = spawn(move || {
            let _ = timeout(SECOND, thread::park);
            *theirs.lock().unwrap() = true;
            thread::park();
        });
        until_parked(&handle);
        let canceller = handle.canceller();
        let killer = spawn(move || {
            sleep(SECOND);
            canceller.cancel();
        });
        killer.join().unwrap();
        assert!(handle.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn expiries_race_with_wakers_of_other_threads_and_nothing_is_lost() {
    within(Duration::from_secs(30), || {
        let runtime = runtime(2);
        runtime.run(|| {
            for round in 0..2000_u64 {
                let child = spawn(move || {
                    (0..round % 50).for_each(|_| std::hint::spin_loop());
                    yield_now();
                    round
                });
                match timeout(Duration::from_nanos(round * 37 % 20_000), || child.join().unwrap()) {
                    Ok(value) => assert_eq!(value, round),
                    Err(_elapsed) => {}
                }
            }
        });
    });
}

#[test]
fn a_hundred_thousand_waiters_time_out_together() {
    in_virtual_time(|| {
        let handles: Vec<_> =
            (0..100_000).map(|_| spawn(|| timeout(SECOND, thread::park).is_err())).collect();
        let (spent, ends) = timed(|| sward::join_all(handles));
        assert_eq!(spent, SECOND);
        assert!(ends.into_iter().all(|end| end.unwrap()));
    });
}
