//! What the end of a run, or the drop of a runtime, does with what is alive.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use crate::support::{Drops, OnDrop, message_of_panic, runtime, watched};
use sward::{Runtime, Status, thread};

/// Spawns one of each: pending, ready, parked, sleeping, joining, in a scope, in a nested scope, with a result
/// nobody takes. Each holds guards.
pub(crate) fn spawn_one_of_each(drops: &Drops) -> usize {
    fn parked(drops: &Drops) {
        sward::spawn(drops.held(thread::park));
    }
    parked(drops);
    sward::spawn(drops.held(|| thread::sleep(Duration::MAX)));
    sward::spawn(drops.held(|| thread::sleep(Duration::from_secs(3600))));
    let guards = (drops.guard(), drops.guard());
    sward::spawn(move || {
        let (outer, inner) = guards;
        let _guard = outer;
        let _ = sward::spawn(move || {
            let _guard = inner;
            thread::park();
        })
        .join();
    });
    let guards = [drops.guard(), drops.guard(), drops.guard()];
    sward::spawn(move || {
        let [a, b, c] = guards;
        let _guard = a;
        sward::scope(|s| {
            s.spawn(move || {
                let _guard = b;
                sward::scope(|s| {
                    s.spawn(move || {
                        let _guard = c;
                        thread::park();
                    });
                });
            });
        });
    });
    std::mem::drop(sward::spawn_local(drops.held(thread::park)));
    // They start, and their children.
    for _ in 0..3 {
        thread::yield_now();
    }
    // Pending ones, and ready ones.
    let guards = [drops.guard(), drops.guard()];
    let [a, b] = guards;
    sward::spawn(move || drop(a));
    drop(sward::spawn_local(move || drop(b)));
    parked(drops);
    12
}

#[test]
fn what_is_alive_at_the_end_of_run_is_cancelled_and_unwound() {
    watched(|| {
        let drops = Drops::new();
        let spawned = sward::run(|| spawn_one_of_each(&drops));
        assert_eq!(drops.count(), spawned);
    });
}

#[test]
fn what_is_alive_at_the_end_of_run_is_cancelled_and_unwound_also_after_a_panic() {
    watched(|| {
        let drops = Drops::new();
        let count = Cell::new(0);
        let message = message_of_panic(|| {
            sward::run(|| {
                count.set(spawn_one_of_each(&drops));
                panic!("the main one");
            })
        });
        assert_eq!(message, "the main one");
        assert_eq!(drops.count(), count.get());
    });
}

#[test]
fn what_is_alive_at_the_drop_of_a_runtime_is_cancelled_and_unwound() {
    watched(|| {
        for workers in [1, 2] {
            let drops = Drops::new();
            let runtime = runtime(workers);
            let spawned = runtime.run(|| spawn_one_of_each(&drops));
            drop(runtime);
            assert_eq!(drops.count(), spawned, "{workers} workers");
        }
    });
}

#[test]
fn run_ends_although_another_green_thread_yields_for_ever() {
    watched(|| {
        let drops = Drops::new();
        sward::run(|| {
            let guard = drops.guard();
            sward::spawn(move || {
                let _guard = guard;
                loop {
                    thread::yield_now();
                }
            });
            thread::yield_now();
        });
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn what_was_pending_at_the_end_of_run_never_runs() {
    watched(|| {
        let ran = Arc::new(AtomicUsize::new(0));
        sward::run(|| {
            for _ in 0..100 {
                let ran = Arc::clone(&ran);
                sward::spawn(move || ran.fetch_add(1, SeqCst));
            }
        });
        assert_eq!(ran.load(SeqCst), 0, "what is still alive when the closure returns is cancelled");
    });
}

#[test]
fn what_is_spawned_while_a_run_ends_is_cancelled_before_it_runs() {
    watched(|| {
        let drops = Drops::new();
        sward::run(|| {
            let theirs = drops.clone();
            sward::spawn(move || {
                let _spawner = OnDrop(move || {
                    for _ in 0..10 {
                        sward::spawn(theirs.held(|| unreachable!("it is too late to run")));
                    }
                });
                thread::park();
            });
            thread::yield_now();
        });
        assert_eq!(drops.count(), 10);
    });
}

#[test]
fn a_runtime_dropped_with_many_parked_and_sleeping_unwinds_all() {
    watched(|| {
        let (runtime, drops) = (runtime(2), Drops::new());
        let started = Arc::new(AtomicUsize::new(0));
        for i in 0..10_000 {
            let (guard, started) = (drops.guard(), Arc::clone(&started));
            runtime.spawn(move || {
                let _guard = guard;
                started.fetch_add(1, SeqCst);
                match i % 3 {
                    0 => thread::park(),
                    1 => thread::sleep(Duration::from_secs(3600)),
                    _ => sward::spawn(thread::park).join().unwrap(),
                }
            });
        }
        while started.load(SeqCst) < 5_000 {
            thread::yield_now();
        }
        drop(runtime);
        assert_eq!(drops.count(), 10_000);
    });
}

#[test]
fn a_runtime_may_be_dropped_by_its_own_green_thread() {
    watched(|| {
        for workers in [1, 2] {
            let (runtime, drops) = (runtime(workers), Drops::new());
            let handle = runtime.handle();
            let (sender, receiver) = mpsc::channel::<Runtime>();
            let theirs = drops.clone();
            let parked = runtime.spawn(move || {
                let _guard = theirs.guard();
                thread::park();
            });
            while parked.status() != Status::Parked {
                thread::yield_now();
            }
            let dropper = runtime.spawn(move || {
                let own = loop {
                    match receiver.try_recv() {
                        Ok(runtime) => break runtime,
                        Err(_) => thread::yield_now(),
                    }
                };
                drop(own);
                "dropped"
            });
            sender.send(runtime).unwrap();
            assert_eq!(dropper.join().unwrap(), "dropped");
            assert!(parked.join().unwrap_err().is_cancelled());
            assert_eq!(drops.count(), 1);
            assert!(handle.spawn(|| ()).join().unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn a_runtime_may_be_dropped_with_the_closure_of_its_own_green_thread() {
    watched(|| {
        let runtime = Arc::new(runtime(1));
        let gate = Arc::new(AtomicBool::new(false));
        let (theirs, open) = (Arc::clone(&runtime), Arc::clone(&gate));
        let handle = runtime.spawn(move || {
            while !open.load(SeqCst) {
                thread::yield_now();
            }
            let _last = theirs;
        });
        drop(runtime);
        gate.store(true, SeqCst);
        handle.join().unwrap();
    });
}
