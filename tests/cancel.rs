//! Cancelling: at park points only, by unwinding (D6).

#![allow(
    clippy::map_identity,
    reason = "a closure that only panics has no type to join but the one that is said"
)]

mod support;

use std::{
    cell::Cell,
    panic,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use support::{Drops, OnDrop, in_run, in_virtual_time, limit, runtime, watched};
use sward::{Status, shield, spawn_local, thread, yield_now};

#[test]
fn a_cancelled_pending_green_thread_never_runs_and_drops_its_closure() {
    in_run(|| {
        let (ran, drops) = (Arc::new(AtomicBool::new(false)), Drops::new());
        let (theirs, guard) = (Arc::clone(&ran), drops.guard());
        let handle = sward::spawn(move || {
            let _guard = guard;
            theirs.store(true, SeqCst);
        });
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!((ran.load(SeqCst), drops.count()), (false, 1));
    });
}

#[test]
fn a_cancelled_pending_local_green_thread_never_runs() {
    in_run(|| {
        let drops = Drops::new();
        let guard = drops.guard();
        let handle = sward::spawn_local(move || {
            drop(guard);
            unreachable!("it was cancelled before it ran");
        });
        handle.cancel();
        assert!(handle.join().map(|()| ()).unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn a_parked_green_thread_unwinds_now() {
    in_run(|| {
        let drops = Drops::new();
        let handle = sward::spawn(drops.held(thread::park));
        thread::yield_now();
        assert_eq!(handle.status(), Status::Parked);
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn a_cancel_ends_every_kind_of_wait() {
    in_virtual_time(|| {
        type Wait = fn();
        let waits: [(&str, Wait); 7] = [
            ("park", thread::park),
            ("park_timeout", || thread::park_timeout(Duration::from_secs(3600))),
            ("sleep", || thread::sleep(Duration::from_secs(3600))),
            ("sleep for ever", || thread::sleep(Duration::MAX)),
            ("sleep_until", || thread::sleep_until(sward::time::Instant::now() + Duration::from_secs(3600))),
            ("join", || sward::spawn(|| thread::sleep(Duration::from_secs(3600))).join().unwrap()),
            ("yield_now", || {
                loop {
                    thread::yield_now();
                }
            }),
        ];
        for (name, wait) in waits {
            let start = sward::time::Instant::now();
            let handle = sward::spawn(wait);
            thread::yield_now();
            handle.cancel();
            assert!(handle.join().unwrap_err().is_cancelled(), "{name}");
            assert_eq!(start.elapsed(), Duration::ZERO, "{name}");
        }
    });
}

#[test]
fn a_running_green_thread_unwinds_at_its_next_park() {
    in_run(|| {
        let steps = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&steps);
        let handle = sward::spawn(move || {
            thread::yield_now();
            theirs.fetch_add(1, SeqCst);
            thread::park();
            theirs.fetch_add(1, SeqCst);
        });
        thread::yield_now();
        assert_eq!(handle.status(), Status::Running);
        handle.cancel();
        // Not even a token lets it pass.
        handle.thread().unpark();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(steps.load(SeqCst), 1);
    });
}

#[test]
fn a_green_thread_that_never_parks_again_returns_its_value() {
    in_run(|| {
        let handle = sward::spawn(|| {
            thread::yield_now();
            42
        });
        thread::yield_now();
        handle.cancel();
        assert_eq!(handle.join().unwrap(), 42);
    });
}

#[test]
fn a_cancel_of_what_has_ended_has_no_effect() {
    in_run(|| {
        let handle = sward::spawn(|| 42);
        thread::yield_now();
        handle.cancel();
        handle.cancel();
        assert_eq!(handle.status(), Status::Done);
        assert_eq!(handle.join().unwrap(), 42);
    });
}

#[test]
fn two_cancels_drop_everything_once() {
    in_run(|| {
        let drops = Drops::new();
        let theirs = drops.clone();
        let handle = sward::spawn(move || {
            let _one = theirs.guard();
            let _two = theirs.guard();
            thread::park();
        });
        thread::yield_now();
        handle.cancel();
        handle.cancel();
        thread::yield_now();
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 2);
    });
}

#[test]
fn who_swallows_the_cancel_meets_it_again_at_each_park() {
    in_run(|| {
        let handle = sward::spawn(|| {
            let waits: [fn(); 4] = [
                thread::park,
                thread::yield_now,
                || thread::sleep(Duration::MAX),
                || {
                    sward::spawn(|| ()).join().unwrap();
                },
            ];
            waits.into_iter().filter(|wait| panic::catch_unwind(wait).is_err()).count()
        });
        thread::yield_now();
        assert_eq!(handle.status(), Status::Parked);
        handle.cancel();
        assert_eq!(handle.join().unwrap(), 4);
    });
}

#[test]
fn a_cancel_is_met_at_the_next_yield_and_at_each_after_it() {
    in_run(|| {
        let met = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&met);
        let handle = spawn_local(move || {
            yield_now(); // cancelled meanwhile, while it is ready
            yield_now();
            unreachable!("it runs on after a cancel");
        });
        let patient = spawn_local(move || {
            // It has seen that another one was cancelled, and that it was not.
            yield_now();
            yield_now();
            for _ in 0..3 {
                let unwound = panic::catch_unwind(yield_now).is_err();
                theirs.set(theirs.get() + usize::from(unwound));
            }
            shield(|| {
                yield_now();
                yield_now();
            });
            unreachable!("the shield's end delivers it");
        });
        yield_now();
        handle.cancel();
        yield_now();
        patient.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert!(patient.join().unwrap_err().is_cancelled());
        assert_eq!(met.get(), 3);
    });
}

#[test]
fn who_does_nothing_but_yield_is_cancelled_from_another_thread() {
    let runtime = runtime(2);
    for round in 0..200 {
        let (begun, begins) = mpsc::channel();
        let handle = runtime.spawn(move || {
            // A round that does not wait for it may be over.
            _ = begun.send(());
            loop {
                yield_now();
            }
        });
        if round % 2 == 0 {
            begins.recv().unwrap();
        }
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
    }
}

#[test]
fn a_cancel_prints_nothing() {
    let ended = support::Child::of("a_cancel_prints_nothing").run(|| {
        sward::run(|| {
            let handle = sward::spawn(thread::park);
            thread::yield_now();
            handle.cancel();
            assert!(handle.join().unwrap_err().is_cancelled());
            drop(sward::spawn(thread::park));
            thread::yield_now();
        });
    });
    ended.is_well();
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_cancelled_joiner_unwinds_and_the_joined_runs_on_detached() {
    in_run(|| {
        let ended = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&ended);
        let inner = sward::spawn(move || {
            thread::park();
            theirs.store(true, SeqCst);
        });
        let thread = inner.thread().clone();
        let joiner = sward::spawn(move || inner.join());
        thread::yield_now();
        joiner.cancel();
        assert!(joiner.join().unwrap_err().is_cancelled());
        thread.unpark();
        thread::yield_now();
        assert!(ended.load(SeqCst));
    });
}

#[test]
fn a_panic_in_a_drop_of_the_unwinding_is_an_abort_as_in_std() {
    let ended = support::Child::of("a_panic_in_a_drop_of_the_unwinding_is_an_abort_as_in_std").run(|| {
        sward::run(|| {
            let handle = sward::spawn(|| {
                let _angry = OnDrop(|| panic!("while unwinding"));
                thread::park();
            });
            thread::yield_now();
            handle.cancel();
            let _ = handle.join();
        });
    });
    assert_eq!(ended.signal, Some(support::SIGABRT), "{ended:?}");
    ended.says(&["while unwinding"]);
}

#[test]
fn a_cancel_is_held_back_while_a_blocking_call_runs() {
    watched(|| {
        let runtime = runtime(1);
        let (begun, go) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (their_begun, their_go) = (Arc::clone(&begun), Arc::clone(&go));
        let reached = Arc::new(AtomicBool::new(false));
        let behind = Arc::clone(&reached);
        let handle = runtime.spawn(move || {
            sward::blocking(|| {
                their_begun.store(true, SeqCst);
                while !their_go.load(SeqCst) {
                    std::thread::yield_now();
                }
            });
            behind.store(true, SeqCst);
            thread::park();
            unreachable!("the cancel is met at the next park");
        });
        while !begun.load(SeqCst) {
            thread::yield_now();
        }
        handle.cancel();
        assert!(!handle.is_finished());
        go.store(true, SeqCst);
        assert!(handle.join().map(|()| ()).unwrap_err().is_cancelled());
        assert!(reached.load(SeqCst), "the blocking call ended before the cancel");
    });
}

#[test]
fn a_cancel_from_another_thread_is_never_lost_on_the_way_to_a_park() {
    watched(|| {
        let runtime = runtime(1);
        for round in 0..100_000_u32 {
            let about_to_park = Arc::new(AtomicBool::new(false));
            let theirs = Arc::clone(&about_to_park);
            let handle = runtime.spawn(move || {
                theirs.store(true, SeqCst);
                loop {
                    thread::park();
                }
            });
            while !about_to_park.load(SeqCst) {
                std::hint::spin_loop();
            }
            for _ in 0..round % 64 {
                std::hint::spin_loop();
            }
            handle.cancel();
            let start = std::time::Instant::now();
            while !handle.is_finished() {
                assert!(start.elapsed() < limit() / 2, "round {round}: the cancel is lost: {handle:?}");
                std::thread::yield_now();
            }
            assert!(handle.join().map(|()| ()).unwrap_err().is_cancelled());
        }
    });
}
