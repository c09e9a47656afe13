//! Panics: what is printed, and waits of all kinds while unwinding (D6: in place, never a switch).

#![allow(
    clippy::map_identity,
    reason = "a closure that only panics has no type to join but the one that is said"
)]

mod support;

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{Child, Drops, OnDrop, in_run, message_of_panic, runtime, watched};
use sward::thread::{self, Builder};

#[test]
fn a_panic_that_nobody_joins_is_printed_with_the_green_threads_name() {
    let test = "a_panic_that_nobody_joins_is_printed_with_the_green_threads_name";
    let ended = Child::of(test).run(|| {
        sward::run(|| {
            drop(Builder::new().name("detached before".into()).spawn(|| panic!("first {}", 1)));
            thread::yield_now();
            let late = Builder::new().name("detached after".into()).spawn(|| panic!("second")).unwrap();
            thread::yield_now();
            assert!(late.is_finished());
            drop(late);
        });
    });
    ended.is_well();
    ended.says(&[
        "\"detached before\" (spawned at tests/panics.rs:",
        "panicked, and nobody joined it: first 1",
        "\"detached after\"",
        "panicked, and nobody joined it: second",
    ]);
}

#[test]
fn a_joined_panic_is_printed_by_the_hook_alone() {
    let ended = Child::of("a_joined_panic_is_printed_by_the_hook_alone").run(|| {
        sward::run(|| {
            let handle = Builder::new().name("joined".into()).spawn(|| panic!("once")).unwrap();
            assert!(handle.join().map(|()| ()).is_err());
        });
    });
    ended.is_well();
    assert_eq!(ended.stderr.matches("once").count(), 1, "{ended:?}");
    ended.says(&["panicked at tests/panics.rs:"]);
}

#[test]
fn a_panic_in_a_green_thread_leaves_the_worker_and_the_others_well() {
    in_run(|| {
        for round in 0..100 {
            let handles: Vec<_> = (0..10)
                .map(|i| {
                    sward::spawn(move || {
                        thread::yield_now();
                        if i % 2 == 0 {
                            panic::resume_unwind(Box::new(i));
                        }
                        assert!(!thread::panicking());
                        i
                    })
                })
                .collect();
            for (i, result) in sward::join_all(handles).into_iter().enumerate() {
                match result {
                    Ok(value) => assert_eq!(value, i, "round {round}"),
                    Err(error) => assert_eq!(error.downcast_ref::<usize>(), Some(&i)),
                }
            }
        }
    });
}

#[test]
fn a_mutex_of_stds_is_poisoned_by_the_panic_of_its_holder_only() {
    in_run(|| {
        let (held, free) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)));
        let theirs = Arc::clone(&held);
        let panicked = sward::spawn(move || {
            let _locked = theirs.lock().unwrap();
            panic!("with the lock");
        });
        let theirs = Arc::clone(&free);
        let well = sward::spawn(move || *theirs.lock().unwrap() += 1);
        assert!(panicked.join().map(|()| ()).is_err());
        well.join().unwrap();
        assert!(held.is_poisoned() && !free.is_poisoned());
    });
}

/// Runs `wait` in a `Drop` while a green thread of a runtime with two workers unwinds from a panic.
#[track_caller]
fn waits_while_unwinding(wait: impl Fn() + Send + Sync + 'static) {
    watched(move || {
        let runtime = runtime(2);
        let ended = Arc::new(AtomicUsize::new(0));
        let wait = Arc::new(wait);
        let handles: Vec<_> = (0..4)
            .map(|_| {
                let (ended, wait) = (Arc::clone(&ended), Arc::clone(&wait));
                runtime.spawn(move || {
                    thread::yield_now();
                    let _waits = OnDrop(|| {
                        assert!(thread::panicking());
                        wait();
                        ended.fetch_add(1, SeqCst);
                    });
                    panic!("unwind");
                })
            })
            .collect();
        for handle in handles {
            assert_eq!(handle.join().map(|()| ()).unwrap_err().downcast_ref::<&str>(), Some(&"unwind"));
        }
        assert_eq!(ended.load(SeqCst), 4);
        assert!(!runtime.run(thread::panicking));
    });
}

#[test]
fn a_drop_may_sleep_while_unwinding() {
    waits_while_unwinding(|| thread::sleep(Duration::from_millis(1)));
}

#[test]
fn a_drop_may_yield_while_unwinding() {
    waits_while_unwinding(thread::yield_now);
}

#[test]
fn a_drop_may_park_with_a_timeout_while_unwinding() {
    waits_while_unwinding(|| thread::park_timeout(Duration::from_millis(1)));
}

#[test]
fn a_drop_may_park_with_a_token_while_unwinding() {
    waits_while_unwinding(|| {
        thread::current().unpark();
        thread::park();
    });
}

#[test]
fn a_drop_may_spawn_and_detach_while_unwinding() {
    waits_while_unwinding(|| drop(sward::spawn(|| thread::sleep(Duration::from_millis(1)))));
}

#[test]
fn a_drop_may_call_blocking_while_unwinding() {
    waits_while_unwinding(|| assert_eq!(sward::blocking(|| 1 + 1), 2));
}

#[test]
fn a_drop_may_call_on_big_stack_while_unwinding() {
    waits_while_unwinding(|| assert_eq!(sward::on_big_stack(|| 1 + 1), 2));
}

#[test]
fn a_drop_may_catch_a_panic_of_its_own_while_unwinding() {
    waits_while_unwinding(|| {
        let caught = panic::catch_unwind(|| {
            thread::sleep(Duration::from_millis(1));
            panic::resume_unwind(Box::new(1));
        });
        assert!(caught.is_err());
    });
}

#[test]
fn a_drop_may_join_what_another_worker_runs_while_unwinding() {
    watched(|| {
        let (mine, other) = (runtime(1), runtime(1));
        let there = other.handle();
        let handle = mine.spawn(move || {
            let _joins = OnDrop(|| assert_eq!(there.spawn(|| 7).join().unwrap(), 7));
            panic!("unwind");
        });
        assert!(handle.join().map(|()| ()).is_err());
    });
}

#[test]
fn a_drop_may_join_while_unwinding_what_an_idle_worker_steals() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..100 {
            let handle = runtime.spawn(|| {
                let _joins = OnDrop(|| assert_eq!(sward::spawn(|| 7).join().unwrap(), 7));
                panic::resume_unwind(Box::new("unwind"));
            });
            assert!(handle.join().map(|()| ()).is_err());
        }
    });
}

#[test]
fn a_drop_may_wait_for_an_unpark_of_another_worker_while_unwinding() {
    watched(|| {
        let (mine, other) = (runtime(1), runtime(1));
        let there = other.handle();
        let handle = mine.spawn(move || {
            let _parks = OnDrop(|| {
                let me = thread::current();
                let waker = there.spawn(move || me.unpark());
                thread::park();
                waker.join().unwrap();
            });
            panic!("unwind");
        });
        assert!(handle.join().map(|()| ()).is_err());
    });
}

#[test]
fn a_drop_may_sleep_while_a_cancel_unwinds() {
    in_run(|| {
        let drops = Drops::new();
        let theirs = drops.clone();
        let handle = sward::spawn(move || {
            let _sleeps = OnDrop(move || {
                thread::sleep(Duration::from_millis(1));
                thread::yield_now();
                drop(theirs.guard());
            });
            thread::park();
        });
        thread::yield_now();
        handle.cancel();
        assert!(handle.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn a_drop_may_open_a_scope_while_unwinding() {
    waits_while_unwinding(|| {
        let sum = AtomicUsize::new(0);
        // Its children run on the other worker, which must not be unwinding as well: one at a time.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
        sum.fetch_add(1, SeqCst);
        sward::scope(|_| assert_eq!(sum.load(SeqCst), 1));
    });
}

#[test]
fn panics_in_nested_green_threads_come_up_level_by_level() {
    in_run(|| {
        let outer = sward::spawn(|| {
            let middle = sward::spawn(|| {
                let inner = sward::spawn(|| panic!("at the bottom"));
                panic::resume_unwind(inner.join().map(|()| ()).unwrap_err().into_panic());
            });
            panic::resume_unwind(middle.join().map(|()| ()).unwrap_err().into_panic());
        });
        assert_eq!(outer.join().map(|()| ()).unwrap_err().downcast_ref::<&str>(), Some(&"at the bottom"));
    });
}

#[test]
fn a_green_thread_that_catches_its_panic_parks_and_switches_afterwards() {
    in_run(|| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&order);
        let handle = sward::spawn(move || {
            assert_eq!(message_of_panic(|| panic!("caught")), "caught");
            theirs.lock().unwrap().push("before");
            thread::yield_now();
            theirs.lock().unwrap().push("after");
        });
        thread::yield_now();
        order.lock().unwrap().push("main");
        handle.join().unwrap();
        assert_eq!(*order.lock().unwrap(), ["before", "main", "after"]);
    });
}

#[test]
fn a_scheduler_survives_a_thousand_panics_on_two_workers() {
    watched(|| {
        let runtime = runtime(2);
        let handles: Vec<_> =
            (0..1000_usize).map(|i| runtime.spawn(move || panic::resume_unwind(Box::new(i)))).collect();
        for (i, handle) in handles.into_iter().enumerate() {
            let error = handle.join().map(|()| ()).unwrap_err();
            assert_eq!(*error.downcast::<usize>().unwrap(), i);
        }
    });
}

#[test]
fn a_panic_that_is_caught_around_a_join_is_as_if_it_had_never_been() {
    in_run(|| {
        let caught = panic::catch_unwind(AssertUnwindSafe(|| {
            sward::spawn(|| ()).join().unwrap();
            panic::resume_unwind(Box::new(1_u8));
        }));
        assert_eq!(*caught.unwrap_err().downcast::<u8>().unwrap(), 1);
        sward::spawn(|| ()).join().unwrap();
    });
}

/// A payload that panics when it is dropped, and leaves another one that does.
struct Chain(u32);

impl Drop for Chain {
    fn drop(&mut self) {
        if self.0 > 0 {
            panic::resume_unwind(Box::new(Chain(self.0 - 1)));
        }
    }
}

/// What panics with such a payload when it is dropped.
struct Thorn;

sward::local! {
    static LOCAL: Thorn = Thorn;
}

impl Drop for Thorn {
    fn drop(&mut self) {
        panic::resume_unwind(Box::new(Chain(3)));
    }
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_ends_nobody() {
    // In a child process: what comes out of a green thread ends the scheduler, and with it the process.
    let ended = Child::of("a_payload_that_panics_when_it_is_dropped_ends_nobody").run(|| {
        sward::run(|| {
            let called = Arc::new(AtomicUsize::new(0));
            let (count, theirs) = (Arc::clone(&called), Arc::clone(&called));
            let told = sward::spawn(|| 42);
            told.on_done(|_| panic::resume_unwind(Box::new(Chain(3))));
            told.on_done(move |_| {
                count.fetch_add(1, SeqCst);
            });
            let never_ran = sward::spawn(|| ());
            never_ran.on_done(|_| panic::resume_unwind(Box::new(Chain(3))));
            never_ran.on_done(move |_| {
                theirs.fetch_add(1, SeqCst);
            });
            never_ran.cancel();
            drop(sward::spawn(|| Thorn)); // the result of a detached one
            drop(sward::spawn(|| panic::resume_unwind(Box::new(Thorn)))); // its payload
            sward::spawn(|| LOCAL.with(|_| ())); // a local
            let closure = Thorn;
            sward::spawn(move || drop(closure)).cancel();
            assert_eq!(told.join().unwrap(), 42);
            assert!(never_ran.join().unwrap_err().is_cancelled());
            sward::yield_now();
            assert_eq!((called.load(SeqCst), sward::spawn(|| 1).join().unwrap()), (2, 1));
        });
    });
    ended.is_well();
}
