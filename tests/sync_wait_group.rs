//! `sward::sync::WaitGroup`: waits until all clones are gone.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{SECOND, in_run, in_virtual_time, runtime, until_parked, watched};
use sward::{shield, sleep, spawn, sync::WaitGroup, time::Instant, timeout, yield_now};

#[test]
fn one_alone_does_not_wait() {
    in_run(|| {
        WaitGroup::new().wait();
        assert!(WaitGroup::default().wait_timeout(Duration::ZERO).is_ok());
    });
}

#[test]
fn it_waits_for_all_on_any_worker_and_sees_what_they_did() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..50 {
            let (group, done) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
            let party = |group: WaitGroup, done: Arc<AtomicUsize>| {
                move || {
                    done.fetch_add(1, SeqCst);
                    drop(group);
                }
            };
            let green = [(); 5].map(|()| runtime.spawn(party(group.clone(), Arc::clone(&done))));
            let os = std::thread::spawn(party(group.clone(), Arc::clone(&done)));
            group.wait();
            assert_eq!(done.load(SeqCst), 6);
            green.into_iter().for_each(|party| party.join().unwrap());
            os.join().unwrap();
        }
    });
}

#[test]
fn those_who_wait_do_not_wait_for_each_other() {
    in_run(|| {
        let group = WaitGroup::new();
        let waiters = [(); 3].map(|()| {
            let group = group.clone();
            let waiter = spawn(move || group.wait());
            until_parked(&waiter);
            waiter
        });
        assert_eq!(format!("{group:?}"), "WaitGroup { parties: 1 }");
        group.wait();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
}

#[test]
fn who_panics_or_is_cancelled_counts_down() {
    in_run(|| {
        let group = WaitGroup::new();
        let theirs = group.clone();
        let panics = spawn(move || {
            let _party = theirs;
            std::panic::resume_unwind(Box::new("no message"));
        });
        let theirs = group.clone();
        let cancelled = spawn(move || {
            let _party = theirs;
            sward::thread::park();
        });
        until_parked(&cancelled);
        cancelled.cancel();
        group.wait();
        assert!(panics.join().is_err() && cancelled.join().is_err());
    });
}

#[test]
fn a_timeout_gives_the_clone_back_and_it_counts_again() {
    in_virtual_time(|| {
        let (group, start) = (WaitGroup::new(), Instant::now());
        let other = group.clone();
        let group = group.wait_timeout(SECOND).unwrap_err();
        assert_eq!(start.elapsed(), SECOND);
        let group = group.wait_timeout(Duration::ZERO).unwrap_err();
        assert_eq!(format!("{group:?}"), "WaitGroup { parties: 2 }");
        let waiter = spawn(move || other.wait());
        until_parked(&waiter);
        yield_now();
        assert!(!waiter.is_finished());
        drop(group);
        waiter.join().unwrap();
    });
}

#[test]
fn a_last_drop_that_meets_the_timeout_is_the_end_for_all() {
    in_virtual_time(|| {
        for party_first in [false, true] {
            let group = WaitGroup::new();
            let (one, party) = (group.clone(), group);
            let wait = move || one.wait_timeout(SECOND);
            let work = move || {
                sleep(SECOND);
                drop(party);
            };
            let (waiter, worker) = if party_first {
                let worker = spawn(work);
                (spawn(wait), worker)
            } else {
                (spawn(wait), spawn(work))
            };
            let result = waiter.join().unwrap();
            worker.join().unwrap();
            // Either it was the end, or the clone came back before the last one left.
            if let Err(group) = result {
                group.wait();
            }
        }
    });
}

#[test]
fn who_is_cancelled_or_timed_out_while_it_waits_is_not_waited_for() {
    in_virtual_time(|| {
        let group = WaitGroup::new();
        let theirs = group.clone();
        let cancelled = spawn(move || theirs.wait());
        until_parked(&cancelled);
        cancelled.cancel();
        assert!(cancelled.join().unwrap_err().is_cancelled());
        let (theirs, party) = (group.clone(), group.clone());
        assert!(timeout(SECOND, || theirs.wait()).is_err());
        let theirs = group.clone();
        assert!(timeout(SECOND, || theirs.wait_timeout(SECOND * 5)).is_err());
        drop(party);
        group.wait();
    });
}

#[test]
fn a_cancel_that_meets_the_end_comes_too_late() {
    in_run(|| {
        let group = WaitGroup::new();
        let theirs = group.clone();
        let waiter = spawn(move || theirs.wait());
        until_parked(&waiter);
        drop(group);
        waiter.cancel();
        waiter.join().unwrap();
    });
}

#[test]
fn a_shielded_one_waits_on() {
    in_run(|| {
        let (group, ended) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
        let (theirs, says) = (group.clone(), Arc::clone(&ended));
        let waiter = spawn(move || {
            shield(|| {
                theirs.wait();
                says.store(1, SeqCst);
            });
        });
        until_parked(&waiter);
        waiter.cancel();
        yield_now();
        assert_eq!(ended.load(SeqCst), 0);
        drop(group);
        assert!(waiter.join().unwrap_err().is_cancelled());
        assert_eq!(ended.load(SeqCst), 1);
    });
}

#[test]
fn all_that_wait_go_on_in_order() {
    in_run(|| {
        let (group, order) = (WaitGroup::new(), Arc::new(std::sync::Mutex::new(Vec::new())));
        let waiters: Vec<_> = (0..100)
            .map(|i| {
                let (group, order) = (group.clone(), Arc::clone(&order));
                spawn(move || {
                    group.wait();
                    order.lock().unwrap().push(i);
                })
            })
            .collect();
        yield_now();
        drop(group);
        sward::join_all(waiters).into_iter().for_each(Result::unwrap);
        assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn it_may_go_anywhere() {
    fn all<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    all::<WaitGroup>();
}
