//! Waiting for one and for many: `join_timeout`, `wait`, `as_completed`, `try_join_all`, `race`.

mod support;

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{Child, Drops, in_virtual_time, message_of_panic, runtime, until_parked, watched, within};
use sward::{
    JoinHandle, ReturnWhen, Status, TryJoinError, as_completed, race, sleep, spawn, thread, time::Instant,
    try_join_all, wait, yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Sleeps so many seconds, and returns them.
fn after(seconds: u64) -> JoinHandle<u64> {
    spawn(move || {
        sleep(secs(seconds));
        seconds
    })
}

fn fails_after(seconds: u64) -> JoinHandle<u64> {
    spawn(move || {
        sleep(secs(seconds));
        panic::resume_unwind(Box::new(seconds))
    })
}

fn values(handles: Vec<JoinHandle<u64>>) -> Vec<u64> {
    handles.into_iter().map(|handle| handle.join().unwrap()).collect()
}

#[test]
fn join_timeout_gives_the_handle_back_and_it_can_be_joined_later() {
    in_virtual_time(|| {
        let start = Instant::now();
        let handle = after(10).join_timeout(secs(1)).unwrap_err();
        assert_eq!((start.elapsed(), handle.status()), (secs(1), Status::Parked));
        let handle = handle.join_timeout(Duration::ZERO).unwrap_err();
        let handle = handle.join_timeout(secs(8)).unwrap_err();
        assert_eq!(handle.join_timeout(Duration::MAX).unwrap().unwrap(), 10);
        assert_eq!(start.elapsed(), secs(10));
    });
}

#[test]
fn join_timeout_of_what_has_ended_needs_no_time() {
    in_virtual_time(|| {
        let handle = spawn(|| 42);
        yield_now();
        assert_eq!(handle.join_timeout(Duration::ZERO).unwrap().unwrap(), 42);
        let panics = fails_after(1);
        assert!(panics.join_timeout(secs(2)).unwrap().unwrap_err().is::<u64>());
        let cancelled = spawn(thread::park);
        cancelled.cancel();
        assert!(cancelled.join_timeout(secs(2)).unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn join_timeout_on_an_os_thread() {
    watched(|| {
        let parked = spawn(thread::park).join_timeout(Duration::from_millis(1)).unwrap_err();
        parked.thread().unpark();
        parked.join_timeout(HOUR).unwrap().unwrap();
    });
}

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
fn as_completed_is_in_the_order_of_the_ends() {
    in_virtual_time(|| {
        let start = Instant::now();
        let mut ended = as_completed([after(3), after(1), fails_after(2)]);
        assert_eq!((ended.len(), ended.size_hint()), (3, (3, Some(3))));
        let first = ended.next().unwrap();
        assert_eq!((first.status(), start.elapsed()), (Status::Done, secs(1)));
        assert_eq!(first.join().unwrap(), 1);
        assert_eq!(ended.next().unwrap().status(), Status::Panicked);
        assert_eq!(ended.next().unwrap().join().unwrap(), 3);
        assert_eq!(start.elapsed(), secs(3));
        assert!(ended.next().is_none() && ended.next().is_none());
        assert!(as_completed(Vec::<JoinHandle<()>>::new()).next().is_none());
    });
}

#[test]
fn as_completed_with_a_time_limit_for_the_next() {
    in_virtual_time(|| {
        let mut ended = as_completed([after(2), after(5)]);
        assert!(ended.next_timeout(secs(1)).is_none());
        assert_eq!(ended.next_timeout(secs(2)).unwrap().join().unwrap(), 2);
        assert!(ended.next_timeout(Duration::ZERO).is_none());
        assert_eq!((ended.len(), ended.next().unwrap().join().unwrap()), (1, 5));
        assert!(ended.next_timeout(HOUR).is_none());
    });
}

#[test]
fn as_completed_gives_what_had_ended_before_first() {
    in_virtual_time(|| {
        let (slow, quick) = (after(2), spawn(|| 0));
        yield_now();
        assert!(quick.is_finished());
        let order: Vec<_> = as_completed([slow, quick]).map(|handle| handle.join().unwrap()).collect();
        assert_eq!(order, [0, 2]);
    });
}

#[test]
fn as_completed_over_100_000_in_any_order_is_no_quadratic() {
    const N: u64 = 100_000;
    let spent = in_virtual_time(|| {
        // A fixed permutation: 7,919 is a prime.
        let job = |i: u64| {
            spawn(move || {
                sleep(Duration::from_micros(1 + i * 7_919 % N));
                i * 7_919 % N
            })
        };
        let handles: Vec<_> = (0..N).map(job).collect();
        let start = std::time::Instant::now();
        let order: Vec<_> = as_completed(handles).map(|handle| handle.join().unwrap()).collect();
        assert!(order.iter().copied().eq(0..N));
        start.elapsed()
    });
    // A quadratic would take 10^10 steps.
    assert!(spent < secs(20), "{spent:?}");
}

#[test]
fn wait_and_try_join_all_and_race_over_100_000_are_no_quadratic() {
    const N: u64 = 100_000;
    let spent = in_virtual_time(|| {
        let start = std::time::Instant::now();
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
        start.elapsed()
    });
    assert!(spent < secs(30), "{spent:?}");
}

#[test]
fn as_completed_dropped_halfway_leaves_the_others_running() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let handles: Vec<_> = (1..=10)
            .map(|i| {
                let guard = drops.guard();
                spawn(move || {
                    let _guard = guard;
                    sleep(secs(i));
                })
            })
            .collect();
        assert_eq!(as_completed(handles).take(3).count(), 3);
        assert_eq!(drops.count(), 3);
        sleep(secs(20));
        assert_eq!(drops.count(), 10);
    });
}

#[test]
fn as_completed_may_be_moved_to_another_green_thread() {
    within(secs(10), || {
        sward::Runtime::builder().virtual_clock(true).run(|| {
            let ended = as_completed([after(1), after(2)]);
            let consumer = spawn(move || ended.map(|handle| handle.join().unwrap()).sum::<u64>());
            assert_eq!(consumer.join().unwrap(), 3);
        });
    });
}

#[test]
fn as_completed_may_be_moved_to_another_os_thread() {
    within(secs(10), || {
        let parked = spawn(thread::park);
        let waiting = parked.thread().clone();
        let mut ended = as_completed([parked]);
        let consumer = std::thread::spawn(move || ended.next().unwrap().join().unwrap());
        while !consumer.is_finished() {
            waiting.unpark();
            std::thread::yield_now();
        }
        consumer.join().unwrap();
    });
}

#[test]
fn try_join_all_gives_the_values_in_order() {
    in_virtual_time(|| {
        let job = |seconds: u64| {
            spawn(move || {
                Ok::<_, String>({
                    sleep(secs(seconds));
                    seconds
                })
            })
        };
        let start = Instant::now();
        assert_eq!(try_join_all([job(4), job(1), job(2)]).unwrap(), [4, 1, 2]);
        assert_eq!(start.elapsed(), secs(4));
        assert!(try_join_all(Vec::<JoinHandle<Result<(), ()>>>::new()).unwrap().is_empty());
    });
}

#[test]
fn try_join_all_cancels_the_rest_at_the_first_failure_and_waits_for_them() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let job = |seconds: u64, fails: bool| {
            let guard = drops.guard();
            spawn(move || {
                let _guard = guard;
                sleep(secs(seconds));
                if fails { Err(format!("after {seconds}")) } else { Ok(seconds) }
            })
        };
        let start = Instant::now();
        let failed = try_join_all([job(9, false), job(3, true), job(1, false), job(2, true)]);
        assert!(matches!(failed, Err(TryJoinError::Failed(text)) if text == "after 2"));
        assert_eq!((start.elapsed(), drops.count()), (secs(2), 4));
        let rest = spawn(|| {
            let _: () = sward::shield(|| sleep(secs(5)));
            Ok(())
        });
        let quick = spawn(|| Err("at once"));
        let start = Instant::now();
        // It had not run when the other failed, or it takes its time: either way it is over.
        assert!(try_join_all([rest, quick]).is_err());
        assert!(start.elapsed() == secs(5) || start.elapsed().is_zero());
    });
}

#[test]
fn a_panic_or_a_cancel_is_a_failure_of_try_join_all() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let waits = || {
            let guard = drops.guard();
            spawn(move || {
                let _guard = guard;
                sleep(HOUR);
                Ok::<(), String>(())
            })
        };
        let panics = spawn(|| panic::resume_unwind(Box::new(7)));
        let failed = try_join_all([waits(), panics]).unwrap_err();
        assert!(matches!(failed, TryJoinError::Join(error) if error.downcast_ref() == Some(&7)));
        let gone = waits();
        gone.cancel();
        let failed = try_join_all([waits(), gone]).unwrap_err();
        assert!(failed.to_string().contains("cancelled"));
        assert!(matches!(failed, TryJoinError::Join(error) if error.is_cancelled()));
        assert_eq!(drops.count(), 3);
    });
}

#[test]
fn a_caller_of_try_join_all_or_race_that_is_cancelled_cancels_them() {
    in_virtual_time(|| {
        for which in 0..2 {
            let drops = Drops::new();
            let theirs = drops.clone();
            let caller = spawn(move || {
                let job = |_| {
                    let guard = theirs.guard();
                    move || {
                        let _guard = guard;
                        sleep(HOUR);
                        Ok::<(), ()>(())
                    }
                };
                match which {
                    0 => drop(try_join_all((0..10).map(job).map(spawn))),
                    _ => drop(race((0..10).map(job))),
                }
            });
            until_parked(&caller);
            caller.cancel();
            assert!(caller.join().unwrap_err().is_cancelled());
            yield_now();
            assert_eq!(drops.count(), 10, "{which}");
        }
    });
}

#[test]
fn race_gives_the_first_and_has_ended_the_others() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let start = Instant::now();
        let first = race([3, 1, 2].map(|seconds| {
            let guard = drops.guard();
            move || {
                let _guard = guard;
                sleep(secs(seconds));
                seconds
            }
        }));
        assert_eq!((first, start.elapsed(), drops.count()), (1, secs(1), 3));
    });
}

#[test]
fn race_of_different_closures() {
    in_virtual_time(|| {
        type Job = Box<dyn FnOnce() -> &'static str + Send>;
        let jobs: [Job; 2] = [
            Box::new(|| {
                sleep(secs(2));
                "slow"
            }),
            Box::new(|| "quick"),
        ];
        assert_eq!(race(jobs), "quick");
    });
}

#[test]
fn race_panics_as_its_first_does_and_has_ended_the_others() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let guards = [drops.guard(), drops.guard()];
        let caught = panic::catch_unwind(panic::AssertUnwindSafe(|| {
            race(guards.into_iter().enumerate().map(|(i, guard)| {
                move || {
                    let _guard = guard;
                    sleep(secs(1 + i as u64));
                    panic::resume_unwind(Box::new(i))
                }
            }))
        }));
        assert_eq!(*caught.unwrap_err().downcast::<usize>().unwrap(), 0);
        assert_eq!(drops.count(), 2);
        let message = message_of_panic(|| race(Vec::<fn()>::new()));
        assert!(message.contains("race"), "{message}");
    });
}

#[test]
fn the_losers_of_a_race_may_take_their_time() {
    in_virtual_time(|| {
        let start = Instant::now();
        let jobs: [fn() -> i32; 2] = [
            || {
                sleep(secs(1));
                1
            },
            || {
                sward::shield(|| {
                    sleep(secs(3));
                    2
                })
            },
        ];
        assert_eq!((race(jobs), start.elapsed()), (1, secs(3)));
    });
}

#[test]
fn waiting_again_and_again_for_one_leaves_nothing_behind() {
    // What a wait leaves on a handle it gave up is called at the end: each a wake-up, and memory until then. In a child
    // process, because it is measured.
    let ended = Child::of("waiting_again_and_again_for_one_leaves_nothing_behind").run(|| {
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
