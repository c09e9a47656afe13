//! Holding an interruption back, and taking it: `shield`, `catch_cancel`, `cancelled`.

mod support;

use std::{
    cell::Cell,
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use support::{Drops, HOUR, SECOND, in_virtual_time, runtime, until_parked, watched};
use sward::{catch_cancel, shield, sleep, spawn, thread, time::Instant, timeout, yield_now};

#[test]
fn a_cancel_that_comes_inside_a_shield_is_delivered_right_after() {
    in_virtual_time(|| {
        let steps = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&steps);
        let handle = spawn(move || {
            shield(|| {
                sleep(HOUR);
                theirs.store(1, SeqCst);
            });
            theirs.store(2, SeqCst);
        });
        until_parked(&handle);
        handle.cancel();
        let start = Instant::now();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!((start.elapsed(), steps.load(SeqCst)), (HOUR, 1));
    });
}

#[test]
fn a_cancel_that_was_there_before_is_held_back_too() {
    in_virtual_time(|| {
        let steps = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&steps);
        let handle = spawn(move || {
            yield_now();
            // Cancelled by now, and not told yet.
            shield(|| {
                sleep(SECOND);
                theirs.store(1, SeqCst);
            });
            theirs.store(2, SeqCst);
        });
        yield_now();
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(steps.load(SeqCst), 1);
    });
}

#[test]
fn a_shield_without_an_interruption_gives_its_value() {
    in_virtual_time(|| assert_eq!(spawn(|| shield(|| 42)).join().unwrap(), 42));
    watched(|| assert_eq!(shield(|| 42), 42));
}

#[test]
fn shields_nest_and_the_outermost_delivers() {
    in_virtual_time(|| {
        let steps = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&steps);
        let handle = spawn(move || {
            shield(|| {
                shield(|| sleep(SECOND));
                theirs.fetch_add(1, SeqCst);
                sleep(SECOND);
                theirs.fetch_add(1, SeqCst);
            });
            theirs.fetch_add(1, SeqCst);
        });
        until_parked(&handle);
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(steps.load(SeqCst), 2);
    });
}

#[test]
fn a_timeout_outside_waits_for_the_shield_and_one_inside_does_not() {
    in_virtual_time(|| {
        let start = Instant::now();
        let inner = Cell::new(None);
        let outer = timeout(SECOND, || {
            shield(|| {
                inner.set(Some(timeout(2 * SECOND, || sleep(HOUR)).is_err()));
                sleep(SECOND);
            });
            unreachable!("the outer one is delivered right after the shield");
        });
        assert!(outer.is_err());
        assert_eq!((inner.get(), start.elapsed()), (Some(true), 3 * SECOND));
    });
}

#[test]
fn a_timeout_around_a_shield_that_ends_in_time_gives_the_value() {
    in_virtual_time(|| assert_eq!(timeout(2 * SECOND, || shield(|| sleep(SECOND))), Ok(())));
}

#[test]
fn a_panic_inside_a_shield_comes_out_and_lowers_it() {
    in_virtual_time(|| {
        let handle = spawn(|| {
            let caught = panic::catch_unwind(|| shield(|| panic::resume_unwind(Box::new(7))));
            assert!(caught.is_err());
            thread::park();
            unreachable!("the shield is gone");
        });
        until_parked(&handle);
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_shield_around_a_scope_protects_its_wait() {
    in_virtual_time(|| {
        let ends = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&ends);
        let handle = spawn(move || {
            shield(|| {
                sward::scope(|s| {
                    for _ in 0..10 {
                        s.spawn(|| {
                            sleep(SECOND);
                            theirs.fetch_add(1, SeqCst);
                        });
                    }
                });
            });
        });
        until_parked(&handle);
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(ends.load(SeqCst), 10, "the owner is shielded, and so nobody cancels its children");
    });
}

#[test]
fn cancelled_tells_a_computation_that_never_parks() {
    watched(|| {
        let runtime = runtime(1);
        let began = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&began);
        let handle = runtime.spawn(move || {
            theirs.store(true, SeqCst);
            let mut rounds = 0_u64;
            while !sward::cancelled() {
                rounds += 1;
                std::hint::spin_loop();
            }
            rounds
        });
        while !began.load(SeqCst) {
            std::thread::yield_now();
        }
        handle.cancel();
        handle.join().unwrap();
    });
}

#[test]
fn cancelled_is_true_inside_a_shield_and_false_elsewhere() {
    in_virtual_time(|| {
        assert!(!sward::cancelled());
        let (sender, receiver) = std::sync::mpsc::channel();
        let handle = spawn(move || {
            sender.send(sward::cancelled()).unwrap();
            shield(|| {
                yield_now();
                sender.send(sward::cancelled()).unwrap();
            });
        });
        yield_now();
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [false, true]);
    });
    assert!(!sward::cancelled());
}

#[test]
fn catch_cancel_takes_the_cancel_and_the_thread_goes_on() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let guard = drops.guard();
        let handle = spawn(move || {
            let caught = catch_cancel(move || {
                let _guard = guard;
                sleep(HOUR);
            });
            assert!(caught.is_err() && !sward::cancelled());
            let start = Instant::now();
            sleep(SECOND);
            yield_now();
            spawn(|| ()).join().unwrap();
            start.elapsed()
        });
        until_parked(&handle);
        handle.cancel();
        assert_eq!(handle.join().unwrap(), SECOND);
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn one_that_caught_a_cancel_can_be_cancelled_again() {
    in_virtual_time(|| {
        let caught = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&caught);
        let handle = spawn(move || {
            for _ in 0..3 {
                // Not a bare park: a cancel too many may leave a wake-up, and a park may end without a reason.
                theirs.fetch_add(catch_cancel(|| sleep(HOUR)).is_err().into(), SeqCst);
            }
            sleep(HOUR);
        });
        for round in 1..=3 {
            until_parked(&handle);
            handle.cancel();
            handle.cancel();
            yield_now();
            assert_eq!(caught.load(SeqCst), round, "two cancels before it unwound are one");
        }
        until_parked(&handle);
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_cancel_before_the_catch_is_caught_at_its_first_wait() {
    in_virtual_time(|| {
        let handle = spawn(|| {
            yield_now(); // cancelled here, while it is ready
            catch_cancel(|| 1).is_ok() && catch_cancel(yield_now).is_err() && catch_cancel(yield_now).is_ok()
        });
        yield_now();
        handle.cancel();
        assert!(handle.join().is_ok_and(|ok| ok), "no wait, no cancel; then once");
    });
}

#[test]
fn nested_catches_give_it_to_the_innermost() {
    in_virtual_time(|| {
        let handle = spawn(|| catch_cancel(|| catch_cancel(|| sleep(HOUR)).is_err()));
        until_parked(&handle);
        handle.cancel();
        assert_eq!(handle.join().unwrap(), Ok(true));
    });
}

#[test]
fn catch_cancel_lets_timeouts_and_panics_through() {
    in_virtual_time(|| {
        assert!(timeout(SECOND, || catch_cancel(|| sleep(HOUR))).is_err());
        let caught = panic::catch_unwind(|| catch_cancel(|| panic::resume_unwind(Box::new(7))));
        assert_eq!(*caught.unwrap_err().downcast::<i32>().unwrap(), 7);
        assert_eq!(catch_cancel(|| 42), Ok(42));
        let error: Box<dyn std::error::Error> = Box::new(spawn_and_catch());
        assert_eq!(error.to_string(), "cancelled");
    });
    watched(|| assert_eq!(catch_cancel(|| 42), Ok(42)));
}

fn spawn_and_catch() -> sward::Cancelled {
    let handle = spawn(|| catch_cancel(thread::park));
    until_parked(&handle);
    handle.cancel();
    handle.join().unwrap().unwrap_err()
}

#[test]
fn a_scope_inside_a_catch_has_ended_its_children_when_it_is_caught() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let theirs = drops.clone();
        let handle = spawn(move || {
            let caught = catch_cancel(|| {
                sward::scope(|s| {
                    for _ in 0..10 {
                        s.spawn(|| {
                            let _guard = theirs.guard();
                            sleep(HOUR);
                        });
                    }
                })
            });
            let then = theirs.count();
            // A new scope starts clean.
            let sum: i32 = sward::scope(|s| {
                let handles: Vec<_> = (0..4).map(|i| s.spawn(move || i)).collect();
                handles.into_iter().map(|handle| handle.join().unwrap()).sum()
            });
            (caught.is_err(), then, sum)
        });
        until_parked(&handle);
        handle.cancel();
        assert_eq!(handle.join().unwrap(), (true, 10, 6));
    });
}

#[test]
fn cleaning_up_under_a_shield_after_a_catch_and_then_dying() {
    // As Python's `except CancelledError: await shield(cleanup()); raise`.
    in_virtual_time(|| {
        let cleaned = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&cleaned);
        let handle = spawn(move || {
            if catch_cancel(|| sleep(HOUR)).is_err() {
                shield(|| {
                    sleep(SECOND);
                    theirs.store(true, SeqCst);
                });
            }
            thread::park();
        });
        until_parked(&handle);
        handle.cancel();
        until_parked(&handle);
        handle.cancel(); // while it cleans up
        assert!(handle.join().unwrap_err().is_cancelled());
        assert!(cleaned.load(SeqCst));
    });
}

#[test]
fn a_catch_inside_what_inherited_a_deadline_meets_it_again() {
    in_virtual_time(|| {
        let caught = AtomicUsize::new(0);
        let result = timeout(SECOND, || {
            sward::scope(|s| {
                s.spawn(|| {
                    for _ in 0..3 {
                        caught.fetch_add(catch_cancel(|| sleep(HOUR)).is_err().into(), SeqCst);
                    }
                });
            })
        });
        assert_eq!((result.is_err(), caught.load(SeqCst)), (true, 3));
    });
}
