//! Runtimes: `run`, `Runtime`, their end, and what outlives them.

mod support;

use std::{
    cell::Cell,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use support::{Child, Drops, OnDrop, in_run, message_of_panic, runtime, watched};
use sward::{Runtime, Status, thread};

#[test]
fn run_returns_what_its_closure_borrows() {
    watched(|| {
        let words = [String::from("one"), String::from("three")];
        let longest: &String = sward::run(|| words.iter().max_by_key(|word| word.len()).unwrap());
        assert_eq!(longest, "three");
        let runtime = runtime(2);
        let longest: &String = runtime.run(|| words.iter().max_by_key(|word| word.len()).unwrap());
        assert_eq!(longest, "three");
    });
}

#[test]
fn run_needs_nothing_to_be_send() {
    watched(|| {
        let shared = Rc::new(Cell::new(1));
        let back = sward::run(|| {
            shared.set(2);
            Rc::clone(&shared)
        });
        assert!(Rc::ptr_eq(&shared, &back));
        assert_eq!(shared.get(), 2);
    });
}

#[test]
fn run_can_be_called_again_and_again() {
    watched(|| {
        for i in 0..1000 {
            assert_eq!(sward::run(|| sward::spawn(move || i).join().unwrap()), i);
        }
    });
}

#[test]
fn run_inside_run_panics_and_says_so() {
    in_run(|| {
        let message = message_of_panic(|| sward::run(|| ()));
        assert!(message.contains("sward::run inside a runtime"), "{message}");
        let message = message_of_panic(|| Runtime::builder().virtual_clock(true).run(|| ()));
        assert!(message.contains("sward::run inside a runtime"), "{message}");
        let message = message_of_panic(|| sward::on_big_stack(|| sward::run(|| ())));
        assert!(message.contains("sward::run inside a runtime"), "{message}");
        assert_eq!(sward::spawn(|| 1).join().unwrap(), 1);
    });
}

#[test]
fn run_inside_a_blocking_call_is_a_runtime_of_its_own() {
    assert_eq!(in_run(|| sward::blocking(|| sward::run(|| sward::spawn(|| 7).join().unwrap()))), 7);
}

#[test]
fn run_with_two_workers_panics_and_says_so() {
    let message = message_of_panic(|| Runtime::builder().workers(2).run(|| ()));
    assert!(message.contains("2 workers"), "{message}");
}

/// Spawns one of each: pending, ready, parked, sleeping, joining, in a scope, in a nested scope, with a result
/// nobody takes. Each holds guards.
fn spawn_one_of_each(drops: &Drops) -> usize {
    fn parked(drops: &Drops) {
        let guard = drops.guard();
        sward::spawn(move || {
            let _guard = guard;
            thread::park();
        });
    }
    parked(drops);
    let guard = drops.guard();
    sward::spawn(move || {
        let _guard = guard;
        thread::sleep(Duration::MAX);
    });
    let guard = drops.guard();
    sward::spawn(move || {
        let _guard = guard;
        thread::sleep(Duration::from_secs(3600));
    });
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
    let guard = drops.guard();
    std::mem::drop(sward::spawn_local(move || {
        let _guard = guard;
        thread::park();
    }));
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
                        let guard = theirs.guard();
                        sward::spawn(move || {
                            let _guard = guard;
                            unreachable!("it is too late to run");
                        });
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
fn a_shutdown_of_an_idle_runtime_succeeds_at_once() {
    watched(|| {
        runtime(2).shutdown(Duration::ZERO).unwrap_or(());
        runtime(2).shutdown(Duration::from_secs(30)).unwrap();
    });
}

#[test]
fn a_shutdown_unwinds_what_parks() {
    watched(|| {
        let (runtime, drops) = (runtime(2), Drops::new());
        let spawned = runtime.run(|| spawn_one_of_each(&drops));
        runtime.shutdown(Duration::from_secs(30)).unwrap();
        assert_eq!(drops.count(), spawned);
    });
}

#[test]
fn a_shutdown_for_ever_waits_for_what_does_not_park() {
    watched(|| {
        let runtime = runtime(1);
        let (spins, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let spinner = spin(&runtime, &spins, &stop);
        let helper = std::thread::spawn(move || {
            for _ in 0..1000 {
                std::thread::yield_now();
            }
            stop.store(true, SeqCst);
        });
        runtime.shutdown(Duration::MAX).unwrap();
        assert!(spinner.is_finished());
        helper.join().unwrap();
    });
}

#[test]
fn a_shutdown_that_meets_its_deadline_says_so_and_the_rest_ends_by_itself() {
    watched(|| {
        let runtime = runtime(1);
        let (spins, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let spinner = spin(&runtime, &spins, &stop);
        let error = runtime.shutdown(Duration::from_millis(5)).unwrap_err();
        assert!(error.to_string().contains("1 or more green threads"), "{error}");
        assert!(!spinner.is_finished());
        stop.store(true, SeqCst);
        spinner.join().unwrap();
    });
}

/// A green thread that runs without a park until `stop`.
fn spin(runtime: &Runtime, spins: &Arc<AtomicBool>, stop: &Arc<AtomicBool>) -> sward::JoinHandle<()> {
    let (their_spins, stop) = (Arc::clone(spins), Arc::clone(stop));
    let handle = runtime.spawn(move || {
        their_spins.store(true, SeqCst);
        while !stop.load(SeqCst) {
            std::thread::yield_now();
        }
    });
    while !spins.load(SeqCst) {
        thread::yield_now();
    }
    handle
}

#[test]
fn a_handle_that_outlives_its_runtime_spawns_what_is_cancelled() {
    watched(|| {
        let runtime = runtime(2);
        let handle = runtime.handle();
        assert_eq!(handle.spawn(|| 1).join().unwrap(), 1);
        runtime.shutdown(Duration::from_secs(30)).unwrap();
        let drops = Drops::new();
        for _ in 0..10 {
            let guard = drops.guard();
            let late = handle.spawn(move || drop(guard));
            assert_eq!(late.status(), Status::Cancelled);
            assert!(late.join().unwrap_err().is_cancelled());
        }
        assert_eq!(drops.count(), 10);
        assert_eq!(handle.metrics().live, [0, 0]);
    });
}

#[test]
fn spawns_that_race_with_the_shutdown_all_end() {
    watched(|| {
        for _ in 0..200 {
            let runtime = runtime(2);
            let handle = runtime.handle();
            let spawner =
                std::thread::spawn(move || (0..200).map(|i| handle.spawn(move || i)).collect::<Vec<_>>());
            drop(runtime);
            for (i, result) in sward::join_all(spawner.join().unwrap()).into_iter().enumerate() {
                assert!(result.map_or_else(|error| error.is_cancelled(), |value| value == i));
            }
        }
    });
}

#[test]
fn what_ended_is_joined_after_its_runtime_is_gone() {
    watched(|| {
        let runtime = runtime(1);
        let (done, parked) = (runtime.spawn(|| String::from("kept")), runtime.spawn(thread::park));
        let panicked = runtime.spawn(|| panic!("kept, too"));
        while !(done.is_finished() && panicked.is_finished() && parked.status() == Status::Parked) {
            thread::yield_now();
        }
        drop(runtime);
        assert_eq!(done.join().unwrap(), "kept");
        assert_eq!(panicked.join().unwrap_err().downcast_ref::<&str>(), Some(&"kept, too"));
        parked.thread().unpark();
        parked.cancel();
        assert!(parked.join().unwrap_err().is_cancelled());
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

#[test]
fn a_shutdown_by_an_own_green_thread_ends_at_its_deadline() {
    watched(|| {
        let runtime = runtime(1);
        let own = Arc::new(Mutex::new(None::<Runtime>));
        let theirs = Arc::clone(&own);
        let handle = runtime.spawn(move || {
            let runtime = loop {
                match theirs.lock().unwrap().take() {
                    Some(runtime) => break runtime,
                    None => thread::yield_now(),
                }
            };
            // It cannot wait for itself: an error, an unwind or an immediate return, but no hang.
            let _ = runtime.shutdown(Duration::from_millis(5));
        });
        *own.lock().unwrap() = Some(runtime);
        let _ = handle.join();
    });
}

#[test]
fn a_cancelled_green_thread_that_shuts_another_runtime_down_does_not_stop_its_worker() {
    watched(|| {
        let other = runtime(1);
        let (spins, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let spinner = spin(&other, &spins, &stop);
        sward::run(|| {
            let closer = sward::spawn(move || other.shutdown(Duration::MAX).is_ok());
            thread::yield_now();
            closer.cancel();
            thread::yield_now();
            // Reached while the closer still waits.
            stop.store(true, SeqCst);
            let _ = closer.join();
        });
        spinner.join().unwrap();
    });
}

#[test]
fn two_runtimes_join_and_unpark_each_other() {
    watched(|| {
        let (left, right) = (runtime(1), runtime(2));
        let (to_left, to_right) = (left.handle(), right.handle());
        let sum = left.run(move || {
            let main = thread::current();
            let handles: Vec<_> = (0..1000_u64)
                .map(|i| {
                    let (to_left, main) = (to_left.clone(), main.clone());
                    to_right.spawn(move || {
                        let back = to_left.spawn(move || i).join().unwrap();
                        main.unpark();
                        back
                    })
                })
                .collect();
            thread::park();
            sward::join_all(handles).into_iter().map(Result::unwrap).sum::<u64>()
        });
        assert_eq!(sum, 499_500);
        let parked = right.spawn(thread::park);
        left.run(|| parked.thread().unpark());
        left.run(|| parked.join().unwrap());
    });
}

#[test]
fn a_run_on_one_runtime_inside_another_waits_without_stopping_the_worker() {
    watched(|| {
        let other = runtime(1);
        sward::run(|| {
            let ran = Arc::new(AtomicBool::new(false));
            let theirs = Arc::clone(&ran);
            sward::spawn_local(move || theirs.store(true, SeqCst));
            // It ends only when the local one has run, which the waiting worker must do meanwhile.
            let value = other.run(|| {
                while !ran.load(SeqCst) {
                    thread::yield_now();
                }
                sward::spawn(|| 5).join().unwrap()
            });
            assert_eq!(value, 5);
        });
    });
}

#[test]
fn a_panic_comes_out_of_runtime_run_with_its_payload() {
    watched(|| {
        let runtime = runtime(2);
        assert_eq!(message_of_panic(|| runtime.run(|| panic!("through"))), "through");
        assert_eq!(runtime.run(|| 1), 1);
    });
}

#[test]
fn workers_are_os_threads_with_the_given_name() {
    watched(|| {
        let runtime = Runtime::builder().workers(1).thread_name("crew").build().unwrap();
        assert_eq!(
            runtime.run(|| std::thread::current().name().map(str::to_owned)).as_deref(),
            Some("crew-0")
        );
    });
}

#[test]
fn the_default_runtime_has_as_many_workers_as_the_environment_says() {
    let ended = Child::of("the_default_runtime_has_as_many_workers_as_the_environment_says")
        .env("SWARD_WORKERS", " 3 ")
        .env("SWARD_STACK_SIZE", "300000")
        .run(|| {
            let barrier = Arc::new(std::sync::Barrier::new(3));
            let handles = (0..3).map(|_| {
                let barrier = Arc::clone(&barrier);
                // All three block their workers at once, each with 200 KB of its stack in use.
                sward::spawn(move || {
                    let room = std::hint::black_box([1_u8; 200_000]);
                    barrier.wait();
                    usize::from(room[100])
                })
            });
            let sum: usize = sward::join_all(handles).into_iter().map(Result::unwrap).sum();
            assert_eq!(sum, 3);
        });
    ended.is_well();
}

#[test]
fn a_bad_number_of_workers_in_the_environment_is_a_clear_message() {
    let ended = Child::of("a_bad_number_of_workers_in_the_environment_is_a_clear_message")
        .env("SWARD_WORKERS", "many")
        .run(|| drop(sward::spawn(|| ())));
    assert_eq!(ended.code, Some(101), "{ended:?}");
    ended.says(&["SWARD_WORKERS=many is not the number of workers, 1 or more"]);
}

#[test]
fn no_workers_in_the_environment_is_a_clear_message() {
    let ended = Child::of("no_workers_in_the_environment_is_a_clear_message")
        .env("SWARD_WORKERS", "0")
        .run(|| drop(sward::spawn(|| ())));
    assert_eq!(ended.code, Some(101), "{ended:?}");
    ended.says(&["SWARD_WORKERS=0 is not the number of workers, 1 or more"]);
}

#[test]
fn a_bad_stack_size_in_the_environment_is_a_clear_message() {
    let ended = Child::of("a_bad_stack_size_in_the_environment_is_a_clear_message")
        .env("SWARD_STACK_SIZE", "64k")
        .run(|| drop(sward::spawn(|| ())));
    assert_eq!(ended.code, Some(101), "{ended:?}");
    ended.says(&["SWARD_STACK_SIZE=64k is not the size of a stack in bytes"]);
}

#[test]
fn a_huge_stack_size_in_the_environment_is_a_clear_message() {
    let ended = Child::of("a_huge_stack_size_in_the_environment_is_a_clear_message")
        .env("SWARD_STACK_SIZE", "99999999999999")
        .run(|| drop(sward::spawn(|| ())));
    assert_eq!(ended.code, Some(101), "{ended:?}");
    ended.says(&["SWARD_STACK_SIZE=99999999999999", "1073741824"]);
}

#[test]
fn the_environment_does_not_change_a_runtime_of_ones_own() {
    let ended = Child::of("the_environment_does_not_change_a_runtime_of_ones_own")
        .env("SWARD_WORKERS", "nonsense")
        .run(|| assert_eq!(sward::run(|| sward::spawn(|| 1).join().unwrap()), 1));
    ended.is_well();
}
