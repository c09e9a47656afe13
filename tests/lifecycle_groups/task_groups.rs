//! `TaskGroup`: the first failure ends all.

use std::panic;

use crate::support::{Drops, HOUR, SECOND, in_virtual_time, secs, until_parked, watched};
use sward::{TaskGroup, TryJoinError, catch_cancel, sleep, spawn, thread, time::Instant, timeout, yield_now};

#[test]
fn a_task_groups_first_failure_cancels_the_rest() {
    in_virtual_time(|| {
        let (drops, start) = (Drops::new(), Instant::now());
        let failed = TaskGroup::run(|group| {
            for seconds in [9, 3, 1, 2, 5] {
                let guard = drops.guard();
                group.spawn(move || {
                    let _guard = guard;
                    sleep(secs(seconds));
                    if seconds == 1 { Ok(()) } else { Err(seconds) }
                });
            }
        });
        assert!(matches!(failed, Err(TryJoinError::Failed(2))), "{failed:?}");
        assert_eq!((start.elapsed(), drops.count()), (secs(2), 5));
        let failed = TaskGroup::<()>::run(|group| {
            group.spawn(|| {
                sleep(HOUR);
                Ok(())
            });
            group.spawn(|| -> Result<(), ()> { panic::resume_unwind(Box::new(7)) });
        });
        assert!(matches!(failed, Err(TryJoinError::Join(error)) if error.downcast_ref() == Some(&7)));
        // One that comes after the failure never runs.
        let late = TaskGroup::run(|group| {
            group.spawn(|| Err::<(), _>("first"));
            yield_now();
            assert!(
                group
                    .spawn(|| {
                        thread::park();
                        Ok(())
                    })
                    .join()
                    .unwrap_err()
                    .is_cancelled()
            );
        });
        assert!(matches!(late, Err(TryJoinError::Failed("first"))));
    });
}

#[test]
fn a_task_groups_owner_that_is_cancelled_or_timed_out_takes_them_along() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let body = |drops: Drops| {
            TaskGroup::<()>::run(|group| {
                for _ in 0..10 {
                    let guard = drops.guard();
                    group.spawn(move || {
                        let _guard = guard;
                        sleep(HOUR);
                        Ok(())
                    });
                }
            })
        };
        assert!(timeout(SECOND, || body(drops.clone())).is_err());
        assert_eq!(drops.count(), 10);
        let theirs = drops.clone();
        let owner = spawn(move || drop(body(theirs)));
        until_parked(&owner);
        owner.cancel();
        assert!(owner.join().unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 20);
    });
}

#[test]
fn a_failure_that_is_not_the_first_may_park_when_it_is_dropped() {
    /// As an error does that holds what says good-bye.
    struct Parks;
    impl Drop for Parks {
        fn drop(&mut self) {
            yield_now();
        }
    }
    watched(|| {
        sward::run(|| {
            let failed = TaskGroup::run(|group| {
                for _ in 0..3 {
                    group.spawn(|| catch_cancel(thread::park).map_err(|_| Parks));
                }
                yield_now();
                group.spawn(|| Err::<(), _>(Parks));
            });
            assert!(matches!(failed, Err(TryJoinError::Failed(Parks))));
        });
    });
}
