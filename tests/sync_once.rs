//! `sync::{Once, OnceLock, LazyLock}`, between green threads of one worker, of several, and plain OS threads.

mod support;

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{
    Drops, SECOND, in_run, in_virtual_time, message_of_panic, number, runtime, until_parked, watched,
};
use sward::{
    JoinHandle, catch_cancel, sleep, spawn,
    sync::{LazyLock, Once, OnceLock, OnceState},
    timeout, yield_now,
};

/// One that is in the closure, asleep.
fn sleeper(once: &Arc<Once>) -> JoinHandle<()> {
    let theirs = Arc::clone(once);
    let handle = spawn(move || theirs.call_once(|| sleep(1000 * SECOND)));
    until_parked(&handle);
    handle
}

/// Spawned with the `Once`, and let run until it waits.
fn parked<T: Send + 'static>(once: &Arc<Once>, f: impl FnOnce(&Once) -> T + Send + 'static) -> JoinHandle<T> {
    let theirs = Arc::clone(once);
    let handle = spawn(move || f(&theirs));
    until_parked(&handle);
    handle
}

fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// Runs it now, and panics after a second.
fn culprit(once: &Arc<Once>) -> JoinHandle<()> {
    let once = Arc::clone(once);
    let culprit = spawn(move || {
        once.call_once(|| {
            sleep(SECOND);
            panic!("once");
        });
    });
    until_parked(&culprit);
    culprit
}

#[test]
fn one_of_many_runs_it_and_all_see_what_it_did() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..20 {
            let once = Arc::new((Once::new(), AtomicUsize::new(0)));
            let theirs = Arc::clone(&once);
            let call = move || {
                let (once, runs) = &*theirs;
                once.call_once(|| {
                    yield_now();
                    runs.fetch_add(1, SeqCst);
                });
                assert!(once.is_completed());
                runs.load(SeqCst)
            };
            let plain = std::thread::spawn(call.clone());
            let found = runtime.run(|| {
                let handles: Vec<_> = (0..100).map(|_| spawn(call.clone())).collect();
                sward::join_all(handles)
            });
            assert!(found.into_iter().all(|runs| runs.unwrap() == 1));
            assert_eq!(plain.join().unwrap(), 1);
        }
    });
}

#[test]
fn all_who_wait_are_woken_in_the_order_in_which_they_came() {
    in_virtual_time(|| {
        let (once, log) = (Arc::new(Once::new()), Arc::new(Mutex::new(Vec::new())));
        let handles: Vec<_> = (0..200)
            .map(|i| {
                let log = Arc::clone(&log);
                parked(&once, move |once| {
                    match i % 3 {
                        // The first of all runs it.
                        0 => once.call_once(|| sleep(SECOND)),
                        1 => once.wait(),
                        _ => once.wait_force(),
                    }
                    log.lock().unwrap().push(i);
                })
            })
            .collect();
        drop(sward::join_all(handles));
        assert!(log.lock().unwrap().iter().copied().eq(0..200));
    });
}

#[test]
fn wait_begins_before_anybody_runs_it() {
    in_run(|| {
        let once = Arc::new(Once::new());
        let waiters = [parked(&once, Once::wait), parked(&once, Once::wait_force)];
        once.call_once(|| ());
        assert_eq!(waiters.map(|waiter| waiter.join().unwrap()), [(), ()]);
        once.wait();
        once.wait_force();
    });
}

#[test]
fn a_panic_poisons_and_a_forced_call_mends_it() {
    in_virtual_time(|| {
        let once = Arc::new(Once::new());
        let culprit = culprit(&once);
        let told =
            [parked(&once, |once| once.call_once(|| unreachable!("poisoned"))), parked(&once, Once::wait)];
        let patient = parked(&once, Once::wait_force);
        assert!(culprit.join().is_err());
        for told in told {
            let payload = told.join().unwrap_err().into_panic();
            let message = message_of_panic(|| std::panic::resume_unwind(payload));
            assert_eq!(message, "Once instance has previously been poisoned");
        }
        assert!(panics(|| once.call_once(|| ())) && panics(|| once.wait()));
        assert!(!once.is_completed() && !patient.is_finished());
        once.call_once_force(|state| assert!(state.is_poisoned()));
        patient.join().unwrap();
        once.call_once(|| unreachable!("it is done"));
        Once::new().call_once_force(|state| assert!(!state.is_poisoned()));
    });
}

#[test]
fn a_forced_call_in_line_mends_it_for_those_behind() {
    in_virtual_time(|| {
        let once = Arc::new(Once::new());
        let culprit = culprit(&once);
        let forced = parked(&once, |once| once.call_once_force(|state| assert!(state.is_poisoned())));
        let behind = parked(&once, |once| once.call_once(|| unreachable!("the one before has done it")));
        assert!(culprit.join().is_err());
        forced.join().unwrap();
        behind.join().unwrap();
    });
}

#[test]
fn a_cancel_out_of_the_closure_lets_the_next_one_run_it() {
    in_run(|| {
        let once = Arc::new(Once::new());
        let (first, ran) = (sleeper(&once), Arc::new(Mutex::new(Vec::new())));
        let watcher = parked(&once, Once::wait);
        let callers = [1, 2, 3].map(|i| {
            let ran = Arc::clone(&ran);
            parked(&once, move |once| once.call_once(|| ran.lock().unwrap().push(i)))
        });
        first.cancel();
        assert!(first.join().unwrap_err().is_cancelled());
        assert_eq!(callers.map(|caller| caller.join().unwrap()), [(), (), ()]);
        watcher.join().unwrap();
        assert_eq!(*ran.lock().unwrap(), [1], "the one that has waited longest");
    });
}

#[test]
fn a_timeout_out_of_the_closure_does_not_poison() {
    in_virtual_time(|| {
        let once = Once::new();
        assert!(timeout(SECOND, || once.call_once(|| sleep(2 * SECOND))).is_err());
        assert!(timeout(Duration::ZERO, || once.wait()).is_err());
        assert!(!once.is_completed());
        once.call_once(|| ());
        assert_eq!(timeout(Duration::ZERO, || once.wait()), Ok(()));
    });
    // The same on a plain OS thread.
    watched(|| {
        let once = Once::new();
        assert!(timeout(Duration::from_millis(1), || once.call_once(|| sleep(1000 * SECOND))).is_err());
        once.call_once(|| ());
        assert!(once.is_completed());
    });
}

#[test]
fn a_closure_that_panics_while_its_thread_is_cancelled_poisons_all_the_same() {
    in_run(|| {
        let once = Arc::new(Once::new());
        let theirs = Arc::clone(&once);
        let cancelled = spawn(move || {
            theirs.call_once(|| {
                // What caught a cancel may go on, and panic.
                assert!(catch_cancel(|| sleep(1000 * SECOND)).is_err());
                panic!("after a cancel");
            });
        });
        until_parked(&cancelled);
        cancelled.cancel();
        assert!(cancelled.join().is_err());
        assert!(panics(|| once.call_once(|| ())), "poisoned");
    });
}

#[test]
fn a_waiter_that_is_cancelled_leaves_and_one_that_was_woken_goes_on() {
    in_virtual_time(|| {
        let once = Arc::new(Once::new());
        let theirs = Arc::clone(&once);
        let runner = spawn(move || theirs.call_once(|| sleep(SECOND)));
        yield_now();
        let leaves = parked(&once, Once::wait);
        leaves.cancel();
        assert!(leaves.join().unwrap_err().is_cancelled());
        let late = parked(&once, |once| {
            once.wait();
            catch_cancel(|| sleep(SECOND)).is_err()
        });
        runner.join().unwrap();
        late.cancel();
        assert!(late.join().unwrap(), "it was woken first: the cancel meets it at its next park");
    });
}

#[test]
fn one_that_waits_for_itself_is_told_so() {
    static LAZY: LazyLock<u8> = LazyLock::new(|| *LAZY);
    let itself = || {
        let [a, b, c] = [const { Once::new() }; 3];
        let cell = OnceLock::<u8>::new();
        [
            message_of_panic(|| a.call_once(|| a.call_once(|| ()))),
            message_of_panic(|| b.call_once(|| b.wait())),
            message_of_panic(|| c.call_once_force(|_| c.wait_force())),
            message_of_panic(|| *cell.get_or_init(|| *cell.get_or_init(|| 1))),
            message_of_panic(|| *cell.get_or_init(|| cell.set(1).map_or(2, |()| 3))),
        ]
    };
    let lazy = in_run(|| message_of_panic(|| *LAZY));
    for message in in_run(itself).into_iter().chain(watched(itself)).chain([lazy]) {
        assert!(message.contains("runs the initialization already"), "{message}");
    }
}

#[test]
fn a_cell_is_written_once() {
    in_run(|| {
        let cell = Arc::new(OnceLock::new());
        let theirs = Arc::clone(&cell);
        let waiter = spawn(move || *theirs.wait());
        until_parked(&waiter);
        assert_eq!((cell.get(), cell.set(1), cell.set(2), cell.get()), (None, Ok(()), Err(2), Some(&1)));
        assert_eq!((*cell.get_or_init(|| unreachable!("it is there")), waiter.join().unwrap()), (1, 1));
        let mut cell = Arc::into_inner(cell).unwrap();
        *cell.get_mut().unwrap() += 1;
        assert_eq!((cell.clone(), cell.take(), cell.take(), cell.get_mut()), (2.into(), Some(2), None, None));
        assert_eq!(
            (cell.set(3), cell.into_inner(), OnceLock::<u8>::new().into_inner()),
            (Ok(()), Some(3), None)
        );
    });
}

#[test]
fn a_set_waits_for_a_closure_under_way_and_its_value_may_come_too_late() {
    in_virtual_time(|| {
        let cell = Arc::new(OnceLock::new());
        let theirs = Arc::clone(&cell);
        let first = spawn(move || *theirs.get_or_init(|| (sleep(SECOND), 1).1));
        yield_now();
        assert_eq!((cell.get(), cell.set(2)), (None, Err(2)));
        assert_eq!(first.join().unwrap(), 1);
    });
}

#[test]
fn a_closure_that_does_not_return_leaves_the_cell_empty() {
    in_virtual_time(|| {
        let cell = OnceLock::new();
        assert!(panics(|| assert_eq!(*cell.get_or_init(|| panic!("no value")), 0)));
        assert!(timeout(SECOND, || *cell.get_or_init(|| (sleep(2 * SECOND), 1).1)).is_err());
        assert!(timeout(SECOND, || *cell.wait()).is_err(), "it is empty, not poisoned");
        assert_eq!(format!("{cell:?}"), "OnceLock(<uninit>)");
        assert_eq!(*cell.get_or_init(|| 2), 2);
        assert_eq!(format!("{cell:?}"), "OnceLock(2)");
    });
}

#[test]
fn what_is_in_a_cell_is_dropped_once() {
    let drops = Drops::new();
    drop(OnceLock::from(drops.guard()));
    let cell = OnceLock::new();
    assert!(cell.set(drops.guard()).is_ok());
    assert_eq!(drops.count(), 1);
    drop(cell);
    let guard = drops.guard();
    let (called, uncalled) = (drops.clone(), LazyLock::new(move || drop(guard)));
    drop(uncalled);
    assert_eq!(drops.count(), 3);
    let lazy = LazyLock::new(move || called.guard());
    LazyLock::force(&lazy);
    drop(lazy);
    assert_eq!(drops.count(), 4);
}

#[test]
fn a_lazy_value_is_made_at_its_first_use() {
    static LAZY: LazyLock<Vec<usize>> = LazyLock::new(|| {
        yield_now();
        vec![1, 2, 3]
    });
    assert_eq!((LazyLock::get(&LAZY), format!("{:?}", &*LAZY)), (None, "[1, 2, 3]".into()));
    in_run(|| {
        let mut lazy = LazyLock::new(|| 1);
        assert_eq!((format!("{lazy:?}"), LazyLock::get_mut(&mut lazy)), ("LazyLock(<uninit>)".into(), None));
        *lazy += 1;
        assert_eq!((LazyLock::get(&lazy), *lazy), (Some(&2), 2));
        assert_eq!((format!("{lazy:?}"), LazyLock::get_mut(&mut lazy)), ("LazyLock(2)".into(), Some(&mut 2)));
        assert_eq!(*LazyLock::<String>::default(), "");

        let slow = Arc::new(LazyLock::new(|| (yield_now(), 7).1));
        let handles = [(); 10].map(|()| {
            let slow = Arc::clone(&slow);
            spawn(move || **slow)
        });
        assert!(sward::join_all(handles).into_iter().all(|value| value.unwrap() == 7));
    });
}

#[test]
fn a_lazy_value_whose_closure_does_not_return_is_poisoned() {
    in_virtual_time(|| {
        let poisoned = "LazyLock instance has previously been poisoned";
        let mut panicked = LazyLock::<u8>::new(|| panic!("no value"));
        assert_eq!(message_of_panic(|| *panicked), "no value");
        assert_eq!(message_of_panic(|| *panicked), poisoned);
        assert_eq!(message_of_panic(|| *LazyLock::force_mut(&mut panicked)), poisoned);

        // Those who wait are told, too: the closure is gone.
        let interrupted = Arc::new(LazyLock::<u8>::new(|| (sleep(SECOND), 1).1));
        let users = [(); 2].map(|()| {
            let theirs = Arc::clone(&interrupted);
            let user = spawn(move || **theirs);
            until_parked(&user);
            user
        });
        users[0].cancel();
        let [first, second] = users.map(|user| user.join().unwrap_err());
        assert!(first.is_cancelled() && second.downcast_ref::<&str>() == Some(&poisoned));
        assert_eq!(message_of_panic(|| **interrupted), poisoned);
        assert_eq!(LazyLock::get(&interrupted), None);

        let mut mutably = LazyLock::<u8>::new(|| panic!("no value"));
        assert_eq!(message_of_panic(|| *LazyLock::force_mut(&mut mutably)), "no value");
        assert_eq!(message_of_panic(|| *mutably), poisoned);
    });
}

#[test]
fn they_are_as_std_s_in_all_else() {
    fn is_shared<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
    fn is_sent<T: Send + UnwindSafe>() {}
    static ONCE: Once = Once::new();
    is_shared::<(Once, OnceLock<u8>, LazyLock<u8>)>();
    is_shared::<LazyLock<u8, Box<dyn FnOnce() -> u8 + Send + UnwindSafe>>>();
    is_sent::<(OnceState, OnceLock<Cell<u8>>, LazyLock<Cell<u8>>)>();
    ONCE.call_once(|| ());
    #[expect(deprecated)]
    static OLD: Once = sward::sync::ONCE_INIT;
    OLD.call_once_force(|state| assert_eq!(format!("{state:?}"), "OnceState { poisoned: false }"));
    assert_eq!(format!("{ONCE:?}"), "Once { .. }");
    let (empty, full) = (OnceLock::default(), OnceLock::from(1));
    assert!(empty != full && full == full.clone() && empty == empty.clone());
    // A cell may hold what is dropped before it.
    let (cell, local);
    local = 1;
    cell = OnceLock::new();
    assert_eq!(cell.set(&local), Ok(()));
    assert!(size_of::<Once>() <= 24);
}

/// Callers whose closures end in each way, or that leave, in an order drawn from a seed: against what may happen.
#[test]
fn random_runs_end_in_one_that_is_completed() {
    let seed = number("SWARD_RANDOM_SEED").unwrap_or(1);
    println!("to run it again: SWARD_RANDOM_SEED={seed}");
    for seed in seed..seed + 50 {
        watched(move || {
            let runtime = sward::Runtime::builder().virtual_clock(true).seed(seed).build().unwrap();
            runtime.run(move || {
                let world = Arc::new((Once::new(), AtomicUsize::new(0), AtomicUsize::new(0)));
                let handles: Vec<_> = (1..100u64)
                    .map(|i| {
                        let world = Arc::clone(&world);
                        let mut x = seed.wrapping_add(i << 20).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                        x ^= x >> 31;
                        spawn(move || {
                            let (once, inside, completed) = &*world;
                            sleep(Duration::from_micros(x % 64));
                            let run = || {
                                assert_eq!(inside.fetch_add(1, SeqCst), 0, "it is alone");
                                let guard = support::OnDrop(|| assert_eq!(inside.fetch_sub(1, SeqCst), 1));
                                sleep(Duration::from_micros(x >> 8 & 31));
                                assert!(x >> 16 & 3 != 0, "one in four panics");
                                completed.fetch_add(1, SeqCst);
                                drop(guard);
                            };
                            let _ = timeout(Duration::from_micros(x >> 20 & 31), || match x >> 32 & 3 {
                                0 => once.call_once(run),
                                1 => once.wait(),
                                2 => once.wait_force(),
                                _ => once.call_once_force(|_| run()),
                            });
                        })
                    })
                    .collect();
                let last = Arc::clone(&world);
                let waiter = spawn(move || last.0.wait_force());
                handles.iter().step_by(7).for_each(JoinHandle::cancel);
                drop(sward::join_all(handles));
                let (once, inside, completed) = &*world;
                assert_eq!(once.is_completed(), completed.load(SeqCst) == 1);
                once.call_once_force(|_| completed.store(1, SeqCst));
                assert_eq!((inside.load(SeqCst), completed.load(SeqCst)), (0, 1));
                waiter.join().unwrap();
            });
        });
    }
}
