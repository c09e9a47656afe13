//! `Group`.

use std::{panic, time::Duration};

use crate::support::{Drops, SECOND, in_virtual_time, runtime, secs, watched};
use sward::{Group, sleep, time::Instant, timeout, yield_now};

#[test]
fn a_group_counts_joins_and_cancels() {
    in_virtual_time(|| {
        let (group, drops) = (Group::new(), Drops::new());
        assert!(group.is_empty());
        group.join();
        for seconds in 1..=10 {
            let _detached = group.spawn(drops.held(move || sleep(secs(seconds))));
        }
        assert_eq!((group.len(), group.cancellers().len()), (10, 10));
        assert!(timeout(Duration::from_millis(3500), || group.join()).is_err());
        assert_eq!((group.len(), drops.count()), (7, 3));
        let bad = group.spawn(|| panic::resume_unwind(Box::new(())));
        yield_now();
        assert_eq!(group.len(), 7, "a panic is that one's alone");
        let _: Result<(), _> = bad.join();
        group.clone().cancel_all();
        group.join();
        assert_eq!((group.len(), drops.count()), (0, 10));
    });
}

#[test]
fn a_group_also_waits_for_what_is_spawned_meanwhile() {
    in_virtual_time(|| {
        let (group, start) = (Group::new(), Instant::now());
        let theirs = group.clone();
        let _detached = group.spawn(move || {
            sleep(SECOND);
            let _grandchild = theirs.spawn(|| sleep(SECOND));
        });
        group.join();
        assert_eq!(start.elapsed(), secs(2));
    });
}

#[test]
fn a_dropped_group_leaves_them_running() {
    in_virtual_time(|| {
        let group = Group::new();
        let handle = group.spawn(|| sleep(SECOND));
        drop(group);
        handle.join().unwrap();
    });
}

#[test]
fn a_group_is_joined_by_several_and_from_os_threads() {
    watched(|| {
        let runtime = runtime(2);
        for _ in 0..100 {
            let group = Group::new();
            runtime.run(|| (0..20).for_each(|_| drop(group.spawn(yield_now))));
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let group = group.clone();
                    std::thread::spawn(move || group.join())
                })
                .collect();
            group.join();
            others.into_iter().for_each(|other| other.join().unwrap());
            assert!(group.is_empty());
        }
    });
}
