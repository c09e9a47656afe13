//! `spawn_after`: green threads that start later, and take no stack before.

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{Drops, HOUR, OnDrop, SECOND, in_run, in_virtual_time, runtime, settle, watched};
use sward::{Runtime, Status, sleep, spawn, spawn_after, time::Instant};

#[test]
fn it_runs_at_its_time() {
    in_virtual_time(|| {
        let start = Instant::now();
        let later = spawn_after(3 * SECOND, Instant::now);
        let sooner = spawn_after(SECOND, Instant::now);
        let at_once = spawn_after(Duration::ZERO, Instant::now);
        assert_eq!(at_once.join().unwrap() - start, Duration::ZERO);
        assert_eq!(later.join().unwrap() - start, 3 * SECOND);
        assert_eq!(sooner.join().unwrap() - start, SECOND);
        assert_eq!(start.elapsed(), 3 * SECOND);
    });
}

#[test]
fn it_counts_from_the_call_and_not_from_the_first_run() {
    in_virtual_time(|| {
        let start = Instant::now();
        let handle = spawn_after(SECOND, move || start.elapsed());
        // Virtual time passes while it has not run: a sleep in place, on the worker's own stack.
        sward::on_big_stack(|| sleep(SECOND / 2));
        assert_eq!(handle.join().unwrap(), SECOND);
    });
}

#[test]
fn one_that_is_cancelled_in_time_never_runs_and_drops_its_closure() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let ran = Arc::new(AtomicBool::new(false));
        for waits in [false, true] {
            let (guard, theirs) = (drops.guard(), Arc::clone(&ran));
            let handle = spawn_after(SECOND, move || {
                let _guard = guard;
                theirs.store(true, SeqCst);
            });
            if waits {
                settle();
            }
            handle.cancel();
            let start = Instant::now();
            assert!(handle.join().unwrap_err().is_cancelled());
            assert_eq!(start.elapsed(), Duration::ZERO);
        }
        let never = spawn_after(Duration::MAX, || ());
        sleep(HOUR);
        never.cancel();
        assert!(never.join().unwrap_err().is_cancelled());
        assert_eq!((ran.load(SeqCst), drops.count()), (false, 2));
    });
}

#[test]
fn those_of_one_moment_run_in_the_order_of_their_spawns() {
    in_virtual_time(|| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let handles: Vec<_> = (0..1000)
            .map(|number| {
                let order = Arc::clone(&order);
                spawn_after(SECOND, move || order.lock().unwrap().push(number))
            })
            .collect();
        sward::join_all(handles).into_iter().for_each(|ended| ended.unwrap());
        assert!(order.lock().unwrap().iter().copied().eq(0..1000));
    });
}

#[test]
fn it_is_pending_until_its_time() {
    in_virtual_time(|| {
        let handle = spawn_after(SECOND, || sleep(SECOND));
        settle();
        assert_eq!(handle.status(), Status::Pending);
        sleep(SECOND + SECOND / 2);
        assert_eq!(handle.status(), Status::Parked);
        handle.join().unwrap();
    });
}

/// With a place for two green threads, those that wait for their time take none; nor is there memory for a stack of a
/// gigabyte each.
#[test]
fn a_hundred_thousand_wait_without_a_stack() {
    watched(|| {
        let builder = Runtime::builder().virtual_clock(true).max_green_threads(2).stack_size(1 << 30);
        builder.run(|| {
            let ran = Arc::new(AtomicUsize::new(0));
            let handles: Vec<_> = (0..100_000)
                .map(|number: u64| {
                    let ran = Arc::clone(&ran);
                    spawn_after(Duration::from_micros(number % 1000 + 1), move || {
                        ran.fetch_add(1, SeqCst);
                    })
                })
                .collect();
            settle();
            assert_eq!(ran.load(SeqCst), 0);
            sward::join_all(handles).into_iter().for_each(|ended| ended.unwrap());
            assert_eq!(ran.load(SeqCst), 100_000);
        });
    });
}

#[test]
fn each_of_many_ends_when_it_is_cancelled_one_by_one() {
    in_virtual_time(|| {
        let start = Instant::now();
        let handles: Vec<_> = (0..100_000).map(|_| spawn_after(HOUR, || ())).collect();
        settle();
        for handle in handles {
            handle.cancel();
            assert!(handle.join().unwrap_err().is_cancelled());
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_cancel_from_an_os_thread_ends_it_at_once() {
    watched(|| {
        for round in 0..200 {
            let handle = spawn_after(HOUR, || ());
            if round % 2 == 0 {
                // It has been taken up when another one that came later has run.
                spawn(|| ()).join().unwrap();
            }
            handle.cancel();
            assert!(handle.join().unwrap_err().is_cancelled());
        }
    });
}

/// A cancel and the moment come together: it has run or it has not, and its closure is dropped once.
#[test]
fn a_cancel_at_its_time_loses_nothing() {
    watched(|| {
        let runtime = runtime(2);
        let drops = Drops::new();
        for _ in 0..2000 {
            let guard = drops.guard();
            let handle = runtime.run(|| spawn_after(Duration::from_micros(50), move || drop(guard)));
            handle.cancel();
            if let Err(error) = handle.join() {
                assert!(error.is_cancelled());
            }
        }
        assert_eq!(drops.count(), 2000);
    });
}

/// What a closure owns may park when it is dropped: it has a stack then.
#[test]
fn the_drop_of_a_closure_that_never_ran_may_park() {
    in_run(|| {
        let slept = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&slept);
        let guard = OnDrop(move || {
            sward::shield(|| {
                sleep(Duration::from_millis(1));
                theirs.store(true, SeqCst);
            });
        });
        let handle = spawn_after(HOUR, move || drop(guard));
        settle();
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert!(slept.load(SeqCst));
    });
}

#[test]
fn the_end_of_the_runtime_drops_what_waits() {
    watched(|| {
        let drops = Drops::new();
        let guards: Vec<_> = (0..100).map(|_| drops.guard()).collect();
        sward::run(|| {
            for guard in guards {
                drop(spawn_after(HOUR, move || drop(guard)));
            }
            settle();
        });
        assert_eq!(drops.count(), 100);
    });
}

/// Where they run is where they were kept, unless a worker that has nothing to do took some over: hence the several attempts.
#[test]
fn long_delays_are_spread_over_the_workers() {
    watched(|| {
        let is_spread = |_| {
            let runtime = runtime(2);
            let handles: Vec<_> = runtime.run(|| {
                (0..200).map(|_| spawn_after(Duration::from_millis(20), std::thread::current)).collect()
            });
            let workers: Vec<_> =
                sward::join_all(handles).into_iter().map(|thread| thread.unwrap().id()).collect();
            let first = workers.iter().filter(|&id| *id == workers[0]).count();
            (40..=160).contains(&first)
        };
        assert!((0..100).any(is_spread));
    });
}
