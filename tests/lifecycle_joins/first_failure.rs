//! `try_join_all`, whose first failure ends the rest, and `race`, whose first end does.

use std::panic;

use crate::support::{Drops, HOUR, in_virtual_time, message_of_panic, secs, until_parked};
use sward::{JoinHandle, TryJoinError, race, sleep, spawn, time::Instant, try_join_all, yield_now};

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
