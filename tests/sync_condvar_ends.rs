//! `sward::sync::Condvar`: what a cancel and a time limit do to a wait.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{SECOND, condvars::Board, in_run, in_virtual_time, runtime, settle, until_parked, watched};
use sward::{
    Status, shield, sleep, spawn,
    sync::{Condvar, Mutex},
    time::Instant,
    timeout, yield_now,
};

#[test]
fn a_cancelled_waiter_leaves_the_line_without_the_lock() {
    in_run(|| {
        let shared = Board::new();
        let (cancelled, next) = (shared.waiter(), shared.waiter());
        let guard = shared.mutex.lock().unwrap();
        cancelled.cancel();
        // It ends although the mutex is held.
        assert!(cancelled.join().unwrap_err().is_cancelled());
        shared.condvar.notify_one();
        drop(guard);
        next.join().unwrap();
        assert!(!shared.mutex.is_poisoned());
    });
}

#[test]
fn a_cancel_that_comes_with_the_notification_is_met_at_the_next_park() {
    in_run(|| {
        let shared = Board::new();
        let theirs = Arc::clone(&shared);
        let first = spawn(move || {
            *theirs.condvar.wait(theirs.mutex.lock().unwrap()).unwrap() = 1;
            yield_now();
            *theirs.mutex.lock().unwrap() = 2;
        });
        until_parked(&first);
        let second = shared.waiter();
        shared.condvar.notify_one();
        first.cancel();
        assert!(first.join().unwrap_err().is_cancelled());
        assert_eq!(*shared.mutex.lock().unwrap(), 1);
        settle();
        assert_eq!(second.status(), Status::Parked, "the notification was used");
        shared.condvar.notify_one();
        second.join().unwrap();
    });
}

#[test]
fn one_that_is_cancelled_while_it_waits_for_the_lock_passes_the_notification_on() {
    in_run(|| {
        let shared = Board::new();
        let (first, second) = (shared.waiter(), shared.waiter());
        let guard = shared.mutex.lock().unwrap();
        shared.condvar.notify_one();
        settle();
        first.cancel();
        assert!(first.join().unwrap_err().is_cancelled());
        drop(guard);
        second.join().unwrap();
    });
}

#[test]
fn nobody_inherits_a_notification_that_is_older_than_its_wait() {
    for notify in [Condvar::notify_one, Condvar::notify_all] {
        in_run(move || {
            let shared = Board::new();
            let first = shared.waiter();
            let guard = shared.mutex.lock().unwrap();
            notify(&shared.condvar);
            settle();
            // With a mutex of its own, since the other is held.
            let theirs = Arc::clone(&shared);
            let late = spawn(move || drop(theirs.condvar.wait(Mutex::new(()).lock().unwrap()).unwrap()));
            until_parked(&late);
            first.cancel();
            assert!(first.join().unwrap_err().is_cancelled());
            settle();
            assert_eq!(late.status(), Status::Parked);
            shared.condvar.notify_one();
            late.join().unwrap();
            drop(guard);
        });
    }
}

#[test]
fn a_wait_times_out_at_its_moment_and_has_the_lock() {
    in_virtual_time(|| {
        let shared = Board::new();
        for limit in [Duration::ZERO, Duration::from_nanos(1), 3600 * SECOND] {
            let start = Instant::now();
            let (guard, result) = shared.condvar.wait_timeout(shared.mutex.lock().unwrap(), limit).unwrap();
            assert!(result.timed_out());
            assert_eq!(start.elapsed(), limit);
            assert!(shared.mutex.try_lock().is_err());
            drop(guard);
        }
        #[expect(deprecated, reason = "it is here as in std")]
        let (_guard, notified) = shared.condvar.wait_timeout_ms(shared.mutex.lock().unwrap(), 5).unwrap();
        assert!(!notified);
    });
}

#[test]
fn a_wait_that_has_timed_out_takes_the_lock_however_late() {
    in_virtual_time(|| {
        let shared = Board::new();
        let theirs = Arc::clone(&shared);
        let waiter =
            spawn(move || theirs.condvar.wait_timeout(theirs.mutex.lock().unwrap(), SECOND).unwrap().1);
        until_parked(&waiter);
        let guard = shared.mutex.lock().unwrap();
        sleep(60 * SECOND);
        // It is in line no more: this is for nobody.
        shared.condvar.notify_one();
        assert_eq!(waiter.status(), Status::Parked);
        drop(guard);
        assert!(waiter.join().unwrap().timed_out());
    });
}

#[test]
fn a_wait_for_ever_is_one_with_the_longest_of_times() {
    in_virtual_time(|| {
        let shared = Board::new();
        let theirs = Arc::clone(&shared);
        let notifier = spawn(move || {
            sleep(1_000_000 * SECOND);
            theirs.condvar.notify_one();
        });
        let guard = shared.mutex.lock().unwrap();
        assert!(!shared.condvar.wait_timeout(guard, Duration::MAX).unwrap().1.timed_out());
        notifier.join().unwrap();
    });
}

#[test]
fn a_notification_that_meets_a_timeout_wakes_one() {
    for notifier_is_first in [true, false] {
        in_virtual_time(move || {
            let shared = Board::new();
            let notify = || {
                let shared = Arc::clone(&shared);
                spawn(move || {
                    sleep(SECOND);
                    shared.condvar.notify_one();
                })
            };
            let before = notifier_is_first.then(notify);
            settle();
            let theirs = Arc::clone(&shared);
            let limited =
                spawn(move || theirs.condvar.wait_timeout(theirs.mutex.lock().unwrap(), SECOND).unwrap().1);
            until_parked(&limited);
            let other = shared.waiter();
            let notifier = before.unwrap_or_else(notify);
            let timed_out = limited.join().unwrap().timed_out();
            notifier.join().unwrap();
            settle();
            assert_eq!(other.is_finished(), timed_out, "one of the two is notified");
            shared.condvar.notify_one();
            other.join().unwrap();
        });
    }
}

#[test]
fn a_timeout_around_a_wait_ends_it_without_the_lock() {
    in_virtual_time(|| {
        let shared = Board::new();
        let start = Instant::now();
        let waited = timeout(SECOND, || drop(shared.condvar.wait(shared.mutex.lock().unwrap())));
        assert!(waited.is_err());
        assert_eq!(start.elapsed(), SECOND);
        assert!(shared.mutex.try_lock().is_ok(), "neither held nor poisoned");
    });
}

#[test]
fn a_shielded_wait_is_not_cut_short() {
    in_run(|| {
        let shared = Board::new();
        let theirs = Arc::clone(&shared);
        let waiter = spawn(move || {
            shield(|| *theirs.condvar.wait(theirs.mutex.lock().unwrap()).unwrap() = 1);
            yield_now();
        });
        until_parked(&waiter);
        waiter.cancel();
        settle();
        assert_eq!(waiter.status(), Status::Parked);
        shared.condvar.notify_one();
        assert!(waiter.join().unwrap_err().is_cancelled());
        assert_eq!(*shared.mutex.lock().unwrap(), 1);
    });
}

#[test]
fn no_item_is_lost_while_takers_are_cancelled_on_two_workers() {
    watched(|| {
        const ITEMS: usize = 3000;
        let runtime = runtime(2);
        let (shared, taken) = (Board::new(), Arc::new(AtomicUsize::new(0)));
        let taker = || {
            let (shared, taken) = (Arc::clone(&shared), Arc::clone(&taken));
            runtime.spawn(move || {
                loop {
                    let guard = shared.mutex.lock().unwrap();
                    *shared.condvar.wait_while(guard, |items| *items == 0).unwrap() -= 1;
                    taken.fetch_add(1, SeqCst);
                }
            })
        };
        let mut takers: Vec<_> = (0..8).map(|_| taker()).collect();
        for item in 0..ITEMS {
            *shared.mutex.lock().unwrap() += 1;
            shared.condvar.notify_one();
            if item % 5 == 0 {
                let cancelled = std::mem::replace(&mut takers[item % 8], taker());
                cancelled.cancel();
            }
        }
        // A lost notification leaves an item here for ever.
        while taken.load(SeqCst) < ITEMS {
            std::thread::yield_now();
        }
        sward::cancel_all(&takers);
        assert!(takers.into_iter().all(|taker| taker.join().is_err()));
    });
}
