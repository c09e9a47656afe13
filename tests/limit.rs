//! `max_green_threads`: who is over the limit waits for a place.

mod support;

use std::{sync::Arc, time::Duration};

use support::{Alive, Drops, OnDrop, watched};
use sward::{Runtime, Status, event::Event, thread};

/// In a runtime of one worker, with places for so many: the closure's green thread has one of them.
#[track_caller]
fn in_limit_of(places: usize, f: impl FnOnce() + Send + 'static) {
    watched(move || Runtime::builder().max_green_threads(places).run(f));
}

#[test]
fn no_more_run_at_once_than_the_limit_and_all_end() {
    for (workers, max) in [(1, 1), (1, 10), (2, 1), (2, 10), (2, 3)] {
        watched(move || {
            let runtime = Runtime::builder().workers(workers).max_green_threads(max).build().unwrap();
            let alive = Alive::default();
            let handles: Vec<_> = (0..2000)
                .map(|i| {
                    let alive = alive.clone();
                    runtime.spawn(move || {
                        alive.during(|| {
                            for _ in 0..i % 4 {
                                thread::yield_now();
                            }
                            if i % 7 == 0 {
                                thread::sleep(Duration::from_micros(50));
                            }
                        });
                        i
                    })
                })
                .collect();
            for (i, result) in sward::join_all(handles).into_iter().enumerate() {
                assert_eq!(result.unwrap(), i);
            }
            assert!(alive.most() <= max, "{} at once of {max}, {workers} workers", alive.most());
            assert!(max == 1 || alive.most() > 1, "only one at a time, {workers} workers");
        });
    }
}

#[test]
fn the_limit_holds_back_green_threads_that_sleep() {
    watched(|| {
        Runtime::builder().virtual_clock(true).max_green_threads(11).run(|| {
            let (alive, start) = (Alive::default(), sward::time::Instant::now());
            let handles = (0..1000).map(|_| {
                let alive = alive.clone();
                sward::spawn(move || alive.during(|| thread::sleep(Duration::from_secs(1))))
            });
            sward::join_all(handles).into_iter().for_each(Result::unwrap);
            // The main one counts, too.
            assert_eq!((alive.most(), start.elapsed()), (10, Duration::from_secs(100)));
        });
    });
}

#[test]
fn the_limit_keeps_the_order_of_the_spawns() {
    watched(|| {
        Runtime::builder().virtual_clock(true).max_green_threads(2).run(|| {
            let order = Arc::new(std::sync::Mutex::new(Vec::new()));
            let handles = (0..100).map(|i| {
                let order = Arc::clone(&order);
                sward::spawn(move || {
                    order.lock().unwrap().push(i);
                    thread::sleep(Duration::from_secs(1));
                })
            });
            sward::join_all(handles).into_iter().for_each(Result::unwrap);
            assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
        });
    });
}

#[test]
fn a_hundred_thousand_wait_for_a_hundred_places() {
    watched(|| {
        let runtime = Runtime::builder().workers(2).max_green_threads(100).build().unwrap();
        let alive = Alive::default();
        let handles: Vec<_> = (0..100_000)
            .map(|_| {
                let alive = alive.clone();
                runtime.spawn(move || alive.during(thread::yield_now))
            })
            .collect();
        sward::join_all(handles).into_iter().for_each(Result::unwrap);
        assert!(alive.most() <= 100, "{}", alive.most());
    });
}

/// Each of these lets the next one start at its end: if that was done there and then, the worker's own stack would overflow.
#[test]
fn a_hundred_thousand_that_waited_for_one_place_start_one_after_the_other() {
    watched(|| {
        Runtime::builder().virtual_clock(true).max_green_threads(2).run(|| {
            let first = sward::spawn(|| thread::sleep(Duration::from_secs(1)));
            let others: Vec<_> = (0..100_000).map(|i| sward::spawn(move || i)).collect();
            for (i, result) in sward::join_all(others).into_iter().enumerate() {
                assert_eq!(result.unwrap(), i);
            }
            first.join().unwrap();
        });
    });
}

#[test]
fn a_shutdown_cancels_what_waits_for_a_place() {
    watched(|| {
        let runtime = Runtime::builder().workers(2).max_green_threads(2).build().unwrap();
        let drops = Drops::new();
        let parked: Vec<_> = (0..2).map(|_| runtime.spawn(thread::park)).collect();
        while parked.iter().any(|handle| handle.status() != Status::Parked) {
            thread::yield_now();
        }
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let guard = drops.guard();
                runtime.spawn(move || drop(guard))
            })
            .collect();
        drop(runtime);
        assert_eq!(drops.count(), 100);
        assert!(sward::join_all(waiting).into_iter().all(|result| result.unwrap_err().is_cancelled()));
    });
}

#[test]
fn a_cancelled_one_that_waits_for_a_place_ends_when_its_turn_comes() {
    watched(|| {
        let runtime = Runtime::builder().workers(1).max_green_threads(1).build().unwrap();
        let first = runtime.spawn(thread::park);
        let second = runtime.spawn(|| unreachable!("cancelled before it ran"));
        let third = runtime.spawn(|| 3);
        while first.status() != Status::Parked {
            thread::yield_now();
        }
        second.cancel();
        first.thread().unpark();
        first.join().unwrap();
        assert!(second.join().unwrap_err().is_cancelled());
        assert_eq!(third.join().unwrap(), 3);
    });
}

#[test]
fn a_cancelled_one_leaves_its_stack_to_nobody_who_has_no_place() {
    in_limit_of(2, || {
        let parked = sward::spawn(thread::park);
        thread::yield_now();
        let cancelled = sward::spawn(|| unreachable!("cancelled before it ran"));
        cancelled.cancel();
        let waiting = sward::spawn(|| ());
        (0..10).for_each(|_| thread::yield_now());
        assert_eq!((cancelled.status(), waiting.status()), (Status::Cancelled, Status::Pending));
        parked.thread().unpark();
        waiting.join().unwrap();
    });
}

#[test]
fn a_cancelled_one_that_follows_on_a_stack_has_no_place_either() {
    in_limit_of(2, || {
        let done = Arc::new(Event::new());
        let theirs = Arc::clone(&done);
        let waits = OnDrop(move || sward::shield(|| theirs.wait()));
        let before = sward::spawn(|| ());
        let cancelled = sward::spawn(move || drop(waits));
        cancelled.cancel();
        let waited_for = sward::spawn(move || done.set());
        assert!(cancelled.join().unwrap_err().is_cancelled());
        waited_for.join().unwrap();
        before.join().unwrap();
    });
}
