//! `mem::forget` of every handle and guard: what borrows is still waited for, and nothing hangs.

mod support;

use std::{future::IntoFuture, mem, sync::mpsc, time::Duration};

use support::{Drops, HOUR, SECOND, in_virtual_time, runtime, until_parked, watched};
use sward::{
    as_completed, catch_cancel, scope, shield, sleep, spawn, spawn_local, thread, timeout, yield_now,
};

#[test]
fn forgotten_handles_of_every_kind() {
    let drops = Drops::new();
    let theirs = drops.clone();
    in_virtual_time(move || {
        let job = |seconds: u64| {
            let guard = theirs.guard();
            move || {
                let _guard = guard;
                sleep(Duration::from_secs(seconds));
            }
        };
        mem::forget(spawn(job(1)));
        mem::forget(spawn(job(10_000))); // cancelled at the end of the run
        mem::forget(spawn_local(job(1)));
        mem::forget(spawn(job(1)).canceller());
        mem::forget(spawn(job(1)).thread().clone());
        mem::forget(spawn(job(1)).into_future());
        mem::forget(as_completed([spawn(job(1)), spawn(job(2))]));
        let mut halfway = as_completed([spawn(job(1)), spawn(job(2))]);
        mem::forget(halfway.next());
        mem::forget(halfway);
        mem::forget(sward::spawn_after(SECOND, job(1)));
        let group = sward::Group::new();
        mem::forget(group.spawn(job(1)));
        mem::forget(group.clone());
        group.join();
        let pool = sward::Pool::new(1);
        mem::forget(pool.spawn(job(1)));
        mem::forget(pool.spawn(job(1)));
        let started = theirs.clone();
        let mut items = pool.imap(0..3, move |_| {
            let _guard = started.guard();
            sleep(SECOND);
        });
        assert!(items.next().unwrap().is_ok());
        mem::forget(items);
        sleep(HOUR);
        assert_eq!(theirs.count(), 14);
    });
    assert_eq!(drops.count(), 15);
}

#[test]
fn a_forgotten_result_is_leaked_and_nothing_else() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let (guard, captured) = (drops.guard(), drops.guard());
        let handle = spawn(move || {
            drop(captured);
            guard
        });
        mem::forget(handle);
        yield_now();
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn a_scope_waits_whatever_is_forgotten_inside() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let mut numbers = [0; 4];
        let [a, b, c, d] = &mut numbers;
        scope(|s| {
            mem::forget(s.spawn(|| {
                sleep(SECOND);
                *a = 1;
            }));
            mem::forget(drops.guard());
            let joined = s.spawn(|| *b = 2);
            mem::forget(s.spawn(move || joined.join()));
            mem::forget(timeout(HOUR, || s.spawn(|| *c = 3)));
            mem::forget(shield(|| s.spawn(|| *d = 4)));
        });
        assert_eq!((numbers, drops.count()), ([1, 2, 3, 4], 0));
    });
}

#[test]
fn a_scope_waits_for_forgotten_children_under_a_cancel_a_timeout_and_a_panic() {
    in_virtual_time(|| {
        let ends = Drops::new();
        // Each child borrows `local`, takes its time to unwind, and looks at what it borrowed then.
        let borrows = |ends: &Drops| {
            let local = vec![7; 1000];
            scope(|s| {
                for _ in 0..10 {
                    let (ends, local) = (ends.clone(), &local);
                    mem::forget(s.spawn(move || {
                        let _end = ends.guard();
                        let _caught = catch_cancel(thread::park);
                        shield(|| sleep(SECOND));
                        assert_eq!(local.iter().sum::<i32>(), 7000);
                    }));
                }
                yield_now();
                mem::forget(ends.guard());
                thread::park();
            });
        };
        let theirs = ends.clone();
        let cancelled = spawn(move || borrows(&theirs));
        until_parked(&cancelled);
        yield_now();
        cancelled.cancel();
        assert!(cancelled.join().unwrap_err().is_cancelled());
        assert_eq!(ends.count(), 10);
        assert!(timeout(SECOND, || borrows(&ends)).is_err());
        assert_eq!(ends.count(), 20);
        let caught = std::panic::catch_unwind(|| {
            let local = [7; 1000];
            scope(|s| {
                mem::forget(s.spawn(|| {
                    sleep(SECOND);
                    let _end = ends.guard();
                    assert_eq!(local.iter().sum::<i32>(), 7000);
                }));
                std::panic::resume_unwind(Box::new(7))
            })
        });
        assert!(caught.is_err());
        assert_eq!(ends.count(), 21);
    });
}

#[test]
fn a_forgotten_scoped_result_may_borrow() {
    in_virtual_time(|| {
        let text = String::from("borrowed");
        let length = scope(|s| {
            mem::forget(s.spawn(|| text.as_str()));
            let kept = s.spawn(|| text.as_str());
            kept.join().unwrap().len()
        });
        assert_eq!((length, text), (8, String::from("borrowed")));
    });
}

#[test]
fn a_task_group_waits_whatever_is_forgotten_inside() {
    in_virtual_time(|| {
        let mut numbers = [0; 3];
        let [a, b, c] = &mut numbers;
        let failed = sward::TaskGroup::run(|group| {
            mem::forget(group.spawn(|| {
                shield(|| sleep(SECOND));
                *a = 1;
                Ok(())
            }));
            mem::forget(group.spawn(|| {
                *b = 2;
                Err::<(), _>("failed")
            }));
            mem::forget(group.spawn(|| {
                *c = 3;
                Ok(())
            }));
        });
        assert!(failed.is_err());
        assert_eq!(numbers[1], 2);
    });
}

#[test]
fn a_forgotten_timeouts_value_leaves_no_deadline() {
    in_virtual_time(|| {
        let drops = Drops::new();
        mem::forget(timeout(SECOND, || drops.guard()));
        assert!(timeout(SECOND, || sleep(HOUR)).is_err());
        mem::forget(std::panic::catch_unwind(|| sleep(Duration::ZERO)));
        assert_eq!((sward::deadline(), drops.count()), (None, 0));
    });
}

#[test]
fn a_forgotten_payload_of_a_cancel_harms_nobody() {
    in_virtual_time(|| {
        let handle = spawn(|| {
            mem::forget(std::panic::catch_unwind(thread::park));
            let _ = catch_cancel(thread::park);
            sleep(SECOND);
            42
        });
        until_parked(&handle);
        handle.cancel();
        assert_eq!(handle.join().unwrap(), 42);
    });
}

#[test]
fn a_forgotten_runtime_runs_on() {
    watched(|| {
        let runtime = runtime(1);
        let (sender, receiver) = mpsc::channel();
        let handle = runtime.handle();
        mem::forget(runtime);
        mem::forget(handle.spawn(move || sender.send(42).unwrap()));
        assert_eq!(receiver.recv().unwrap(), 42);
    });
}
