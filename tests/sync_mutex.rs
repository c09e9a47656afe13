//! `sward::sync::Mutex`: what holds beyond the differential suite, which compares it with `std`'s.

mod support;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use support::{in_run, in_virtual_time, message_of_panic, runtime, until_parked, watched};
use sward::{
    JoinHandle, shield, sleep, spawn, spawn_local,
    sync::{Arc, Mutex, TryLockError},
    time::Duration,
    timeout, yield_now,
};

/// One that stands in line for the lock.
fn waiter(mutex: &Arc<Mutex<()>>) -> JoinHandle<()> {
    let mutex = Arc::clone(mutex);
    let waiter = spawn(move || drop(mutex.lock().unwrap()));
    until_parked(&waiter);
    waiter
}

#[test]
fn a_mutex_of_nothing_has_sixteen_bytes_and_can_be_static() {
    static COUNT: Mutex<u32> = Mutex::new(1);
    *COUNT.lock().unwrap() += 1;
    assert_eq!(*COUNT.lock().unwrap(), 2);
    assert_eq!(size_of::<Mutex<()>>(), 16);
}

#[test]
fn green_threads_of_two_workers_and_os_threads_exclude_each_other() {
    watched(|| {
        let runtime = runtime(2);
        let count = Arc::new(Mutex::new(0_u64));
        let inside = Arc::new(AtomicUsize::new(0));
        let job = |rounds: u64| {
            let (count, inside) = (Arc::clone(&count), Arc::clone(&inside));
            move || {
                for round in 0..rounds {
                    let mut count = count.lock().unwrap();
                    assert_eq!(inside.fetch_add(1, SeqCst), 0, "two are inside");
                    *count += 1;
                    if round % 3 == 0 {
                        yield_now();
                    }
                    inside.fetch_sub(1, SeqCst);
                }
            }
        };
        let green: Vec<_> = (0..40).map(|_| runtime.spawn(job(500))).collect();
        let plain: Vec<_> = (0..3).map(|_| std::thread::spawn(job(500))).collect();
        sward::join_all(green).into_iter().for_each(|end| end.unwrap());
        plain.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*count.lock().unwrap(), 43 * 500);
    });
}

#[test]
fn who_waits_is_served_in_the_order_of_arrival() {
    in_run(|| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let held = order.lock().unwrap();
        let handles: Vec<_> = (0..100)
            .map(|i| {
                let order = Arc::clone(&order);
                spawn_local(move || order.lock().unwrap().push(i))
            })
            .collect();
        yield_now();
        drop(held);
        handles.into_iter().for_each(|handle| handle.join().unwrap());
        assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
    });
}

/// A loop that takes the lock again each time before the woken one runs would keep it out for ever.
#[test]
fn the_first_in_line_waits_for_two_unlocks_at_the_most() {
    in_run(|| {
        let mutex = Arc::new(Mutex::new(0));
        let mut held = Some(mutex.lock().unwrap());
        let theirs = Arc::clone(&mutex);
        let waiter = spawn_local(move || *theirs.lock().unwrap());
        for unlocks in 0..10 {
            yield_now();
            if waiter.is_finished() {
                break;
            }
            drop(held.take());
            held = mutex.try_lock().ok();
            if let Some(held) = &mut held {
                **held = unlocks + 1;
            }
        }
        drop(held);
        assert!(waiter.join().unwrap() <= 2, "it was kept out");
    });
}

#[test]
fn a_cancelled_waiter_leaves_and_the_next_gets_the_lock() {
    in_run(|| {
        let mutex = Arc::new(Mutex::new(()));
        let held = mutex.lock().unwrap();
        let (first, second) = (waiter(&mutex), waiter(&mutex));
        first.cancel();
        assert!(first.join().unwrap_err().is_cancelled());
        assert!(!second.is_finished());
        drop(held);
        second.join().unwrap();
        assert!(mutex.try_lock().is_ok());
    });
}

#[test]
fn a_cancel_that_meets_the_wake_up_passes_it_on() {
    in_run(|| {
        let mutex = Arc::new(Mutex::new(()));
        let held = mutex.lock().unwrap();
        let (first, second) = (waiter(&mutex), waiter(&mutex));
        // The first is woken by the unlock, and cancelled before it runs.
        drop(held);
        first.cancel();
        assert!(first.join().unwrap_err().is_cancelled());
        second.join().unwrap();
        assert!(!mutex.is_poisoned() && mutex.try_lock().is_ok());
    });
}

#[test]
fn a_cancel_that_meets_a_hand_over_loses_no_lock() {
    in_run(|| {
        let mutex = Arc::new(Mutex::new(()));
        let mut held = Some(mutex.lock().unwrap());
        let theirs = Arc::clone(&mutex);
        let waiter = spawn_local(move || {
            let held = theirs.lock().unwrap();
            yield_now(); // no park: the cancel comes later, or never
            drop(held);
            sward::thread::park();
        });
        yield_now();
        for _ in 0..2 {
            drop(held.take());
            held = mutex.try_lock().ok();
            if held.is_some() {
                yield_now();
            }
        }
        waiter.cancel();
        drop(held);
        assert!(waiter.join().unwrap_err().is_cancelled());
        assert!(mutex.try_lock().is_ok());
    });
}

#[test]
fn a_timeout_around_a_lock_ends_the_wait_and_a_shield_holds_it_back() {
    in_virtual_time(|| {
        let mutex = Arc::new(Mutex::new(7));
        let theirs = Arc::clone(&mutex);
        let holder = spawn_local(move || {
            let held = theirs.lock().unwrap();
            sleep(Duration::from_secs(10));
            drop(held);
        });
        yield_now();
        for limit in [0, 1] {
            assert!(timeout(Duration::from_secs(limit), || drop(mutex.lock().unwrap())).is_err());
        }
        let shielded = timeout(Duration::from_secs(1), || {
            shield(|| *mutex.lock().unwrap() += 1);
            sleep(Duration::from_secs(1));
        });
        assert!(shielded.is_err(), "what was held back comes at the next park");
        assert!(holder.is_finished());
        holder.join().unwrap();
        assert_eq!(*mutex.lock().unwrap(), 8);
    });
}

#[test]
fn a_panic_poisons_and_a_cancel_and_a_timeout_do_not() {
    in_virtual_time(|| {
        let mutex = Arc::new(Mutex::new(0));
        let theirs = Arc::clone(&mutex);
        let cancelled = spawn(move || {
            let _held = theirs.lock().unwrap();
            sward::thread::park();
        });
        yield_now();
        cancelled.cancel();
        assert!(cancelled.join().unwrap_err().is_cancelled());
        assert!(!mutex.is_poisoned());

        let timed_out = timeout(Duration::from_secs(1), || {
            let _held = mutex.lock().unwrap();
            sward::thread::park();
        });
        assert!(timed_out.is_err() && !mutex.is_poisoned());

        let theirs = Arc::clone(&mutex);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _held = theirs.lock().unwrap();
            panic!("in the critical section");
        }));
        assert!(caught.is_err() && mutex.is_poisoned());
        assert!(matches!(mutex.try_lock(), Err(TryLockError::Poisoned(_))));
        assert!(mutex.lock().is_err());
        mutex.clear_poison();
        assert!(mutex.lock().is_ok());
    });
}

#[test]
fn a_panic_after_a_swallowed_cancel_poisons_again() {
    in_run(|| {
        let mutex = Arc::new(Mutex::new(()));
        let theirs = Arc::clone(&mutex);
        let handle = spawn_local(move || {
            let swallowed = catch_unwind(sward::thread::park);
            drop(swallowed);
            let _held = theirs.lock().unwrap();
            panic!("a real one");
        });
        yield_now();
        handle.cancel();
        assert!(handle.join().is_err());
        assert!(mutex.is_poisoned());
    });
}

#[test]
fn to_lock_what_one_holds_is_a_clear_panic() {
    let relock = || {
        let mutex = Mutex::new(());
        let held = mutex.lock().unwrap();
        let message = message_of_panic(|| drop(mutex.lock()));
        drop(held);
        message
    };
    for message in [in_run(relock), watched(relock)] {
        assert!(message.contains("deadlock") && message.contains("Mutex"), "{message}");
    }
}

#[test]
fn a_lock_is_taken_in_a_drop_while_unwinding() {
    struct CountOnDrop(Arc<Mutex<u32>>);
    impl Drop for CountOnDrop {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }
    in_run(|| {
        let count = Arc::new(Mutex::new(0));
        let guard = CountOnDrop(Arc::clone(&count));
        let handle = spawn_local(move || {
            let _guard = guard;
            sward::thread::park();
        });
        yield_now();
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(*count.lock().unwrap(), 1);
    });
}
