//! `as_completed`: in the order of the ends.

use std::time::Duration;

use crate::jobs::{after, fails_after};
use crate::support::{Drops, HOUR, cpu_time_of, in_virtual_time, secs, within};
use sward::{JoinHandle, Status, as_completed, sleep, spawn, thread, time::Instant, yield_now};

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
    in_virtual_time(|| {
        // A fixed permutation: 7,919 is a prime.
        let job = |i: u64| {
            spawn(move || {
                sleep(Duration::from_micros(1 + i * 7_919 % N));
                i * 7_919 % N
            })
        };
        let handles: Vec<_> = (0..N).map(job).collect();
        let spent = cpu_time_of(|| {
            let order = as_completed(handles).map(|handle| handle.join().unwrap());
            assert!(order.eq(0..N));
        });
        // A quadratic would take 10^10 steps.
        assert!(spent < secs(20), "{spent:?}");
    });
}

#[test]
fn as_completed_dropped_halfway_leaves_the_others_running() {
    in_virtual_time(|| {
        let drops = Drops::new();
        let handles: Vec<_> = (1..=10).map(|i| spawn(drops.held(move || sleep(secs(i))))).collect();
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
