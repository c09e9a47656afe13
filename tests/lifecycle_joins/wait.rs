//! `wait`: for all, for the first, for the first failure.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use crate::jobs::{after, fails_after, values};
use crate::support::{Child, HOUR, cpu_time_of, in_virtual_time, runtime, secs, until_parked, watched};
use sward::{
    JoinHandle, ReturnWhen, Status, TryJoinError, race, sleep, spawn, thread, time::Instant, try_join_all,
    wait, yield_now,
};

#[test]
fn wait_for_all_returns_in_the_order_given() {
    in_virtual_time(|| {
        let start = Instant::now();
        let (done, pending) = wait(vec![after(4), after(1), after(2)], ReturnWhen::All, None);
        assert_eq!((start.elapsed(), pending.len()), (secs(4), 0));
        assert_eq!(values(done), [4, 1, 2]);
    });
}

#[test]
fn wait_for_all_with_a_limit_gives_what_there_is() {
    in_virtual_time(|| {
        let start = Instant::now();
        let (done, pending) = wait(vec![after(4), after(1), after(2)], ReturnWhen::All, Some(secs(3)));
        assert_eq!(start.elapsed(), secs(3));
        assert_eq!(values(done), [1, 2]);
        // They run on.
        assert_eq!(values(pending), [4]);
        assert_eq!(start.elapsed(), secs(4));
        let (done, pending) = wait(vec![after(1)], ReturnWhen::All, Some(Duration::ZERO));
        assert_eq!((done.len(), pending.len()), (0, 1));
    });
}

#[test]
fn wait_for_the_first_counts_whatever_has_ended_in_any_way() {
    in_virtual_time(|| {
        let start = Instant::now();
        let (done, pending) =
            wait(vec![after(4), fails_after(1), after(2)], ReturnWhen::FirstCompleted, None);
        assert_eq!((start.elapsed(), done[0].status()), (secs(1), Status::Panicked));
        assert!(done.into_iter().all(|handle| handle.join().is_err()));
        let (done, pending) = wait(pending, ReturnWhen::FirstCompleted, Some(HOUR));
        assert_eq!((start.elapsed(), pending.len()), (secs(2), 1));
        assert_eq!(values(done), [2]);
        sleep(HOUR);
        let (done, pending) = wait(pending, ReturnWhen::FirstCompleted, Some(Duration::ZERO));
        assert_eq!((values(done), pending.len()), (vec![4], 0));
    });
}

#[test]
fn wait_for_the_first_failure_or_for_all() {
    in_virtual_time(|| {
        let start = Instant::now();
        let (done, pending) = wait(vec![after(1), fails_after(2), after(3)], ReturnWhen::FirstFailed, None);
        assert_eq!((start.elapsed(), done.len(), pending.len()), (secs(2), 2, 1));
        drop(done.into_iter().map(JoinHandle::join).collect::<Vec<_>>());
        let (done, none) = wait(pending, ReturnWhen::FirstFailed, None);
        assert_eq!((start.elapsed(), values(done), none.len()), (secs(3), vec![3], 0));
        let cancelled = after(9);
        cancelled.cancel();
        let (done, pending) = wait(vec![after(5), cancelled], ReturnWhen::FirstFailed, None);
        assert_eq!((done[0].status(), pending.len()), (Status::Cancelled, 1), "a cancel is a failure");
    });
}

#[test]
fn wait_for_nobody_returns_at_once() {
    in_virtual_time(|| {
        for when in [ReturnWhen::All, ReturnWhen::FirstCompleted, ReturnWhen::FirstFailed] {
            let start = Instant::now();
            let (done, pending) = wait(Vec::<JoinHandle<()>>::new(), when, None);
            assert_eq!((done.len(), pending.len(), start.elapsed()), (0, 0, Duration::ZERO), "{when:?}");
        }
    });
}

#[test]
fn a_wait_that_is_cancelled_leaves_them_running() {
    in_virtual_time(|| {
        let ends = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&ends);
        let waiter = spawn(move || {
            let jobs = (0..10).map(|_| {
                let ends = Arc::clone(&theirs);
                spawn(move || {
                    sleep(secs(1));
                    ends.fetch_add(1, SeqCst);
                })
            });
            wait(jobs.collect(), ReturnWhen::All, None);
        });
        until_parked(&waiter);
        waiter.cancel();
        assert!(waiter.join().unwrap_err().is_cancelled());
        sleep(secs(2));
        assert_eq!(ends.load(SeqCst), 10);
    });
}

#[test]
fn wait_works_on_an_os_thread_and_over_two_workers() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..20 {
            let handles: Vec<_> = (0..100).map(|_| runtime.spawn(yield_now)).collect();
            let (done, pending) = wait(handles, ReturnWhen::All, None);
            assert_eq!((done.len(), pending.len()), (100, 0));
        }
    });
}

#[test]
fn wait_and_try_join_all_and_race_over_100_000_are_no_quadratic() {
    const N: u64 = 100_000;
    in_virtual_time(|| {
        let spent = cpu_time_of(|| {
            let handles: Vec<_> = (0..N).map(|i| spawn(move || i)).collect();
            let (done, _) = wait(handles, ReturnWhen::All, None);
            assert_eq!(done.len() as u64, N);
            let values = try_join_all((0..N).map(|i| spawn(move || Ok::<_, ()>(i)))).unwrap();
            assert!(values.into_iter().eq(0..N));
            let failed = try_join_all((0..N).map(|i| {
                spawn(move || {
                    if i < N / 2 {
                        thread::park();
                    }
                    if i == N / 2 { Err(i) } else { Ok(i) }
                })
            }));
            assert!(matches!(failed, Err(TryJoinError::Failed(at)) if at == N / 2));
            let first = race((0..N).map(|i| {
                move || {
                    if i != N - 1 {
                        thread::park();
                    }
                    i
                }
            }));
            assert_eq!(first, N - 1);
        });
        assert!(spent < secs(30), "{spent:?}");
    });
}

#[test]
fn waiting_again_and_again_for_one_leaves_nothing_behind() {
    // What a wait leaves on a handle it gave up is called at the end: each a wake-up, and memory until then. In a child
    // process, because it is measured.
    let ended = Child::of("wait::waiting_again_and_again_for_one_leaves_nothing_behind").run(|| {
        sward::Runtime::builder().virtual_clock(true).run(|| {
            const ROUNDS: usize = 100_000;
            let mut handles = vec![spawn(thread::park)];
            let resident = || {
                let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
                statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
            };
            let round = |handles| wait(handles, ReturnWhen::All, Some(Duration::from_nanos(1))).1;
            for _ in 0..1000 {
                handles = round(handles);
            }
            let before = resident();
            for _ in 0..ROUNDS {
                handles = round(handles);
            }
            let grown = resident().saturating_sub(before);
            assert!(grown / ROUNDS < 8, "{grown} bytes after {ROUNDS} waits for one handle");
        });
    });
    ended.is_well();
}
