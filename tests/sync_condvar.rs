//! `sward::sync::Condvar`: who is woken, in what order, and what a cancel, a timeout or a panic does to a wait.

mod support;

use std::{
    panic::{self, AssertUnwindSafe, RefUnwindSafe, UnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{OnDrop, in_run, in_virtual_time, runtime, until_parked, watched};
use sward::{
    JoinHandle, Status, shield, sleep, spawn,
    sync::{Condvar, Mutex, WaitTimeoutResult},
    time::Instant,
    timeout, yield_now,
};

const SECOND: Duration = Duration::from_secs(1);

/// A number behind a mutex, and the news of it.
#[derive(Default)]
struct Shared {
    mutex: Mutex<usize>,
    condvar: Condvar,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A waiter for one notification, that stands in line when this returns.
    fn waiter(self: &Arc<Self>) -> JoinHandle<()> {
        let shared = Arc::clone(self);
        let waiter = spawn(move || {
            let _guard = shared.condvar.wait(shared.mutex.lock().unwrap()).unwrap();
        });
        until_parked(&waiter);
        waiter
    }
}

/// Lets everything that is ready run until it parks.
fn settle() {
    (0..10).for_each(|_| yield_now());
}

/// Two in turn, so often each.
fn take_turns(shared: &Shared, me: usize, rounds: usize) {
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
        let shared = Shared::new();
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
        let shared = Shared::new();
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
        let shared = Shared::new();
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
        let shared = Shared::new();
        let theirs = Arc::clone(&shared);
        let green = spawn(move || take_turns(&theirs, 1, 500));
        take_turns(&shared, 0, 500);
        green.join().unwrap();
    });
}

#[test]
fn plain_os_threads_take_turns_and_time_out() {
    watched(|| {
        let shared = Shared::new();
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
        let shared = Shared::new();
        shared.condvar.notify_one();
        shared.condvar.notify_all();
        let (_guard, result) = shared.condvar.wait_timeout(shared.mutex.lock().unwrap(), SECOND).unwrap();
        assert!(result.timed_out());
    });
}

#[test]
fn waiters_are_notified_first_in_first_out() {
    in_run(|| {
        let shared = Shared::new();
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
        let shared = Shared::new();
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
fn a_cancelled_waiter_leaves_the_line_without_the_lock() {
    in_run(|| {
        let shared = Shared::new();
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
        let shared = Shared::new();
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
        let shared = Shared::new();
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
            let shared = Shared::new();
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
        let shared = Shared::new();
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
        let shared = Shared::new();
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
        let shared = Shared::new();
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
            let shared = Shared::new();
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
fn a_wait_with_a_condition_ends_with_it_and_not_with_a_notification() {
    in_virtual_time(|| {
        let shared = Shared::new();
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
fn a_timeout_around_a_wait_ends_it_without_the_lock() {
    in_virtual_time(|| {
        let shared = Shared::new();
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
        let shared = Shared::new();
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
fn a_waiter_finds_the_lock_poisoned() {
    in_virtual_time(|| {
        let shared = Shared::new();
        let waits: [fn(&Shared) -> bool; 3] = [
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
        let shared = Shared::new();
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
fn no_item_is_lost_while_takers_are_cancelled_on_two_workers() {
    watched(|| {
        const ITEMS: usize = 3000;
        let runtime = runtime(2);
        let (shared, taken) = (Shared::new(), Arc::new(AtomicUsize::new(0)));
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

#[test]
fn it_may_be_dropped_by_the_last_that_was_woken() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..200 {
            let shared = Shared::new();
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
    assert_eq!((result, format!("{result:?}")), (result.clone(), "WaitTimeoutResult(true)".to_owned()));
    let caught = panic::catch_unwind(AssertUnwindSafe(|| CONDVAR.notify_one()));
    assert!(caught.is_ok());
}
