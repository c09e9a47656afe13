//! `sward::sync::Condvar`: who is woken, in what order, and what a panic does to a wait.

mod support;

use std::{
    panic::{self, AssertUnwindSafe, RefUnwindSafe, UnwindSafe},
    sync::Arc,
    time::Duration,
};

use support::{
    OnDrop, SECOND, condvars::Board, in_run, in_virtual_time, runtime, settle, until_parked, watched,
};
use sward::{
    Status, sleep, spawn,
    sync::{Condvar, Mutex, WaitTimeoutResult},
    time::Instant,
};

/// Two in turn, so often each.
fn take_turns(shared: &Board, me: usize, rounds: usize) {
    let mut turn = shared.mutex.lock().unwrap();
    for _ in 0..rounds {
        turn = shared.condvar.wait_while(turn, |turn| *turn % 2 != me).unwrap();
        *turn += 1;
        shared.condvar.notify_one();
    }
}

#[test]
fn a_waiter_is_woken_and_has_the_lock() {
    in_run(|| {
        let shared = Board::new();
        let theirs = Arc::clone(&shared);
        let waiter = spawn(move || {
            let mut number = theirs.condvar.wait(theirs.mutex.lock().unwrap()).unwrap();
            assert!(theirs.mutex.try_lock().is_err());
            *number += 1;
        });
        until_parked(&waiter);
        *shared.mutex.try_lock().expect("a waiter has let it go") = 1;
        shared.condvar.notify_one();
        waiter.join().unwrap();
        assert_eq!(*shared.mutex.lock().unwrap(), 2);
    });
}

#[test]
fn two_green_threads_of_one_worker_take_turns() {
    in_run(|| {
        let shared = Board::new();
        let theirs = Arc::clone(&shared);
        let other = spawn(move || take_turns(&theirs, 1, 1000));
        take_turns(&shared, 0, 1000);
        other.join().unwrap();
    });
}

#[test]
fn green_threads_of_two_workers_take_turns() {
    watched(|| {
        let runtime = runtime(2);
        let shared = Board::new();
        let both = [0, 1].map(|me| {
            let shared = Arc::clone(&shared);
            runtime.spawn(move || take_turns(&shared, me, 1000))
        });
        both.into_iter().for_each(|handle| handle.join().unwrap());
        assert_eq!(*shared.mutex.lock().unwrap(), 2000);
    });
}

#[test]
fn a_green_thread_and_a_plain_os_thread_take_turns() {
    watched(|| {
        let shared = Board::new();
        let theirs = Arc::clone(&shared);
        let green = spawn(move || take_turns(&theirs, 1, 500));
        take_turns(&shared, 0, 500);
        green.join().unwrap();
    });
}

#[test]
fn plain_os_threads_take_turns_and_time_out() {
    watched(|| {
        let shared = Board::new();
        let theirs = Arc::clone(&shared);
        let other = std::thread::spawn(move || take_turns(&theirs, 1, 500));
        take_turns(&shared, 0, 500);
        other.join().unwrap();
        let guard = shared.mutex.lock().unwrap();
        let (_guard, result) = shared.condvar.wait_timeout(guard, Duration::from_millis(1)).unwrap();
        assert!(result.timed_out());
    });
}

#[test]
fn a_notification_for_nobody_is_not_kept() {
    in_virtual_time(|| {
        let shared = Board::new();
        shared.condvar.notify_one();
        shared.condvar.notify_all();
        let (_guard, result) = shared.condvar.wait_timeout(shared.mutex.lock().unwrap(), SECOND).unwrap();
        assert!(result.timed_out());
    });
}

#[test]
fn waiters_are_notified_first_in_first_out() {
    in_run(|| {
        let shared = Board::new();
        let order = Arc::new(Mutex::new(Vec::new()));
        let waiters: Vec<_> = (0..6)
            .map(|i| {
                let (shared, order) = (Arc::clone(&shared), Arc::clone(&order));
                let waiter = spawn(move || {
                    drop(shared.condvar.wait(shared.mutex.lock().unwrap()).unwrap());
                    order.lock().unwrap().push(i);
                });
                until_parked(&waiter);
                waiter
            })
            .collect();
        for woken in 1..=3 {
            shared.condvar.notify_one();
            settle();
            assert_eq!(*order.lock().unwrap(), (0..woken).collect::<Vec<_>>());
        }
        shared.condvar.notify_all();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
    });
}

#[test]
fn a_notification_to_all_wakes_thousands_and_none_that_comes_later() {
    in_run(|| {
        let shared = Board::new();
        let waiters: Vec<_> = (0..3000).map(|_| shared.waiter()).collect();
        shared.condvar.notify_all();
        let late = shared.waiter();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        settle();
        assert_eq!(late.status(), Status::Parked);
        shared.condvar.notify_one();
        late.join().unwrap();
    });
}

#[test]
fn a_wait_with_a_condition_ends_with_it_and_not_with_a_notification() {
    in_virtual_time(|| {
        let shared = Board::new();
        let theirs = Arc::clone(&shared);
        let counter = spawn(move || {
            for _ in 0..5 {
                sleep(SECOND);
                *theirs.mutex.lock().unwrap() += 1;
                theirs.condvar.notify_all();
            }
        });
        let start = Instant::now();
        let guard = shared.condvar.wait_while(shared.mutex.lock().unwrap(), |number| *number < 2).unwrap();
        assert_eq!((*guard, start.elapsed()), (2, 2 * SECOND));
        let limit = Duration::from_millis(1500);
        let (guard, result) = shared.condvar.wait_timeout_while(guard, limit, |number| *number < 9).unwrap();
        assert_eq!((*guard, result.timed_out(), start.elapsed()), (3, true, 2 * SECOND + limit));
        let (guard, result) = shared.condvar.wait_timeout_while(guard, SECOND, |number| *number < 4).unwrap();
        assert_eq!((*guard, result.timed_out()), (4, false));
        // Neither of these waits.
        let (guard, result) =
            shared.condvar.wait_timeout_while(guard, Duration::ZERO, |number| *number < 4).unwrap();
        assert!(!result.timed_out());
        let (guard, result) = shared.condvar.wait_timeout_while(guard, Duration::ZERO, |_| true).unwrap();
        assert!(result.timed_out());
        drop(guard);
        counter.join().unwrap();
    });
}

#[test]
fn a_waiter_finds_the_lock_poisoned() {
    in_virtual_time(|| {
        let shared = Board::new();
        let waits: [fn(&Board) -> bool; 3] = [
            |shared| shared.condvar.wait(shared.mutex.lock().unwrap()).is_err(),
            |shared| shared.condvar.wait_while(shared.mutex.lock().unwrap(), |_| true).is_err(),
            |shared| match shared.condvar.wait_timeout(shared.mutex.lock().unwrap(), 9 * SECOND) {
                Ok(_) => false,
                Err(poisoned) => !poisoned.into_inner().1.timed_out(),
            },
        ];
        let waiters = waits.map(|wait| {
            let shared = Arc::clone(&shared);
            spawn(move || wait(&shared))
        });
        settle();
        let theirs = Arc::clone(&shared);
        let holder = spawn(move || {
            let _guard = theirs.mutex.lock().unwrap();
            panic::resume_unwind(Box::new(()));
        });
        assert!(holder.join().is_err());
        shared.condvar.notify_all();
        assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
    });
}

#[test]
fn a_wait_while_unwinding_ends_with_its_notification() {
    watched(|| {
        let shared = Board::new();
        let theirs = Arc::clone(&shared);
        let green = spawn(move || {
            let _wait = OnDrop(|| {
                let guard = theirs.mutex.lock().unwrap();
                drop(theirs.condvar.wait_while(guard, |number| *number == 0).unwrap());
            });
            panic::resume_unwind(Box::new(()));
        });
        *shared.mutex.lock().unwrap() = 1;
        shared.condvar.notify_one();
        assert!(green.join().is_err());
        assert!(!shared.mutex.is_poisoned());
    });
}

#[test]
fn it_may_be_dropped_by_the_last_that_was_woken() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..200 {
            let shared = Board::new();
            let waiters = [(); 4].map(|()| {
                let shared = Arc::clone(&shared);
                runtime.spawn(move || {
                    let guard = shared.mutex.lock().unwrap();
                    drop(shared.condvar.wait_while(guard, |number| *number == 0).unwrap());
                })
            });
            *shared.mutex.lock().unwrap() = 1;
            shared.condvar.notify_all();
            drop(shared);
            waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        }
    });
}

#[test]
fn it_has_the_traits_of_stds() {
    fn is<T: Send + Sync + UnwindSafe + RefUnwindSafe + Unpin>() {}
    is::<Condvar>();
    is::<WaitTimeoutResult>();
    static CONDVAR: Condvar = Condvar::new();
    CONDVAR.notify_all();
    assert_eq!(format!("{:?}", Condvar::default()), "Condvar { .. }");
    let result = in_run(|| {
        let mutex = Mutex::new(());
        CONDVAR.wait_timeout(mutex.lock().unwrap(), Duration::ZERO).unwrap().1
    });
    assert_eq!((result, format!("{result:?}")), (result, "WaitTimeoutResult(true)".to_owned()));
    let caught = panic::catch_unwind(AssertUnwindSafe(|| CONDVAR.notify_one()));
    assert!(caught.is_ok());
}
