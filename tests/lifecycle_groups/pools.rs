//! `Pool`: no more at once than its size.

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use crate::support::{HOUR, OnDrop, SECOND, in_virtual_time, message_of_panic, secs, until_parked, within};
use sward::{Pool, sleep, spawn, thread, time::Instant, timeout, yield_now};

/// How many are inside, and how many ever were at once.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    fn visit(&self, stay: Duration) {
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(now, SeqCst);
        let _leave = OnDrop(|| {
            self.now.fetch_sub(1, SeqCst);
        });
        sleep(stay);
    }
}

#[test]
fn no_more_than_a_pools_size_run_at_once() {
    in_virtual_time(|| {
        let (pool, crowd, start) = (Pool::new(3), Arc::new(Crowd::default()), Instant::now());
        for _ in 0..10 {
            let crowd = Arc::clone(&crowd);
            let _detached = pool.spawn(move || crowd.visit(SECOND));
        }
        // The spawner was held back: the last one began after three rounds.
        assert_eq!(start.elapsed(), secs(3));
        yield_now(); // the other two of the third round end at the same moment
        assert_eq!((pool.free_count(), pool.len()), (2, 1));
        pool.join();
        assert_eq!((start.elapsed(), pool.free_count(), pool.is_empty()), (secs(4), 3, true));
        assert_eq!(crowd.most.load(SeqCst), 3);
    });
}

#[test]
fn a_full_pool_gives_the_closure_back() {
    in_virtual_time(|| {
        let pool = Pool::new(1);
        let running = pool.spawn(|| sleep(SECOND));
        let refused = pool.try_spawn(|| 42).unwrap_err();
        assert_eq!(refused(), 42);
        let start = Instant::now();
        pool.wait_available();
        assert_eq!((start.elapsed(), pool.free_count()), (SECOND, 1));
        assert_eq!(pool.try_spawn(|| 42).ok().unwrap().join().unwrap(), 42);
        running.join().unwrap();
        assert!(message_of_panic(|| Pool::new(0)).contains("size 0"));
    });
}

#[test]
fn whatever_ends_one_its_place_is_free_again() {
    in_virtual_time(|| {
        let pool = Pool::new(2);
        for _ in 0..5 {
            let _: Result<(), _> = pool.spawn(|| panic::resume_unwind(Box::new(()))).join();
            let parked = pool.spawn(thread::park);
            let pending = pool.spawn(thread::park);
            pending.cancel();
            yield_now();
            parked.cancel();
            assert!(parked.join().is_err() && pending.join().is_err());
            assert!(timeout(SECOND, || pool.spawn(thread::park).cancel()).is_ok());
            pool.join();
        }
        assert_eq!(pool.free_count(), 2);
    });
}

#[test]
fn a_spawner_that_gives_up_its_wait_loses_no_place() {
    in_virtual_time(|| {
        let pool = Pool::new(1);
        let running = pool.spawn(|| sleep(secs(10)));
        let waits = |pool: &Pool| {
            let pool = pool.clone();
            spawn(move || pool.spawn(|| ()).join().unwrap())
        };
        let (gives_up, next) = (waits(&pool), waits(&pool));
        until_parked(&gives_up);
        until_parked(&next);
        running.cancel();
        yield_now(); // its place is free, and the first in line is called
        gives_up.cancel();
        assert!(timeout(HOUR, || next.join().unwrap()).is_ok(), "the call went on to the next");
        drop(gives_up.join());
        assert!(timeout(SECOND, || pool.spawn(|| ()).join().unwrap()).is_ok());
    });
}

#[test]
fn map_is_in_order_and_a_panic_is_its_items_error() {
    in_virtual_time(|| {
        let (pool, crowd) = (Pool::new(4), Arc::new(Crowd::default()));
        let theirs = Arc::clone(&crowd);
        let results = pool.map(0..20_u64, move |i| {
            theirs.visit(secs(20 - i));
            if i == 7 {
                panic::resume_unwind(Box::new(i));
            }
            i * i
        });
        for (i, result) in (0..).zip(results) {
            match result {
                Ok(square) => assert_eq!(square, i * i),
                Err(error) => assert_eq!((i, error.downcast_ref()), (7, Some(&7_u64))),
            }
        }
        assert_eq!(crowd.most.load(SeqCst), 4);
    });
}

#[test]
fn what_a_map_spawns_comes_from_where_the_map_was_called() {
    let boom = |_: i32| -> () { panic::resume_unwind(Box::new("boom")) };
    in_virtual_time(move || {
        let pool = Pool::new(2);
        let errors = [
            pool.map([1], boom).pop(),
            pool.imap([1], boom).next(),
            pool.imap_unordered([1], boom).next(),
            Some(pool.spawn(move || boom(1)).join()),
        ];
        for error in errors {
            let told = error.unwrap().unwrap_err().to_string();
            assert!(told.contains(&format!("(spawned at {}:", file!())), "{told}");
        }
    });
}

#[test]
fn imaps_are_lazy_with_a_bounded_look_ahead() {
    in_virtual_time(|| {
        for ordered in [true, false] {
            let taken = Arc::new(AtomicUsize::new(0));
            let theirs = Arc::clone(&taken);
            let items = std::iter::repeat_with(move || theirs.fetch_add(1, SeqCst) as u64);
            let pool = Pool::new(3);
            let work = |i: u64| {
                sleep(secs(1 + i));
                i
            };
            let mut results: Box<dyn Iterator<Item = sward::thread::Result<u64>>> = match ordered {
                true => Box::new(pool.imap(items, work)),
                false => Box::new(pool.imap_unordered(items, work)),
            };
            assert_eq!(taken.load(SeqCst), 0, "nothing before it is asked for");
            for expected in 0..5 {
                assert_eq!(results.next().unwrap().unwrap(), expected);
                assert!(taken.load(SeqCst) as u64 <= expected + 4, "{} taken", taken.load(SeqCst));
            }
            drop(results);
            let start = Instant::now();
            pool.join();
            assert_eq!(start.elapsed(), Duration::ZERO, "what was left is cancelled");
            assert_eq!(pool.free_count(), 3);
        }
    });
}

#[test]
fn imap_unordered_is_in_the_order_of_the_ends() {
    in_virtual_time(|| {
        let pool = Pool::new(10);
        let order: Vec<_> = pool
            .imap_unordered([3, 1, 2], |i| {
                sleep(secs(i));
                i
            })
            .map(Result::unwrap)
            .collect();
        assert_eq!(order, [1, 2, 3]);
        assert_eq!(
            pool.imap(Vec::<u8>::new(), |i| i).count() + pool.imap_unordered(Vec::<u8>::new(), |i| i).count(),
            0
        );
    });
}

#[test]
fn an_imap_unordered_may_change_threads_between_two_items() {
    within(secs(10), || {
        sward::Runtime::builder().virtual_clock(true).run(|| {
            let pool = Pool::new(2);
            let mut results = pool.imap_unordered([1, 2, 3], |i| {
                sleep(secs(i));
                i
            });
            assert_eq!(results.next().unwrap().unwrap(), 1);
            let rest = spawn(move || results.map(Result::unwrap).sum::<u64>());
            assert_eq!(rest.join().unwrap(), 5);
        });
    });
}

#[test]
fn a_pool_shared_by_two_imaps_serves_both() {
    in_virtual_time(|| {
        let pool = Pool::new(2);
        let sums = [0, 1].map(|_| {
            let pool = pool.clone();
            spawn(move || {
                let results = pool.imap(1..=50_u64, |i| {
                    sleep(secs(i % 3));
                    i
                });
                results.map(Result::unwrap).sum::<u64>()
            })
        });
        assert_eq!(sums.map(|sum| sum.join().unwrap()), [1275; 2]);
    });
}
