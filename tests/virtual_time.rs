//! The virtual clock (D9): time is a value of the runtime.

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{HOUR, OsThread, SECOND, in_run, in_virtual_time, runtime, watched, within};
use sward::{thread, time::Instant};

#[test]
fn sleepers_wake_up_in_the_order_of_their_deadlines() {
    in_virtual_time(|| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let handles: Vec<_> = [5, 3, 9, 1, 7]
            .into_iter()
            .map(|i| {
                let order = Arc::clone(&order);
                sward::spawn(move || {
                    let start = Instant::now();
                    thread::sleep(SECOND * i);
                    assert_eq!(start.elapsed(), SECOND * i);
                    order.lock().unwrap().push(i);
                })
            })
            .collect();
        sward::join_all(handles).into_iter().for_each(Result::unwrap);
        assert_eq!(*order.lock().unwrap(), [1, 3, 5, 7, 9]);
    });
}

#[test]
fn sleepers_with_one_deadline_wake_up_in_the_order_of_their_sleeps() {
    in_virtual_time(|| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let handles: Vec<_> = (0..100)
            .map(|i| {
                let order = Arc::clone(&order);
                sward::spawn(move || {
                    thread::sleep(SECOND);
                    order.lock().unwrap().push(i);
                })
            })
            .collect();
        sward::join_all(handles).into_iter().for_each(Result::unwrap);
        assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn a_year_of_hours_passes_in_no_time() {
    within(Duration::from_secs(30), || {
        sward::Runtime::builder().virtual_clock(true).run(|| {
            let start = Instant::now();
            for _ in 0..365 * 24 {
                thread::sleep(HOUR);
            }
            assert_eq!(start.elapsed(), HOUR * 365 * 24);
        });
    });
}

#[test]
fn time_stands_still_while_anything_is_ready() {
    in_virtual_time(|| {
        let start = Instant::now();
        let sleeper = sward::spawn(|| thread::sleep(Duration::from_nanos(1)));
        for _ in 0..1000 {
            thread::yield_now();
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(!sleeper.is_finished());
        sleeper.join().unwrap();
        assert_eq!(start.elapsed(), Duration::from_nanos(1));
    });
}

#[test]
fn a_sleep_of_nothing_lets_the_others_run() {
    in_virtual_time(|| {
        let ran = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&ran);
        sward::spawn(move || theirs.fetch_add(1, SeqCst));
        let start = Instant::now();
        thread::sleep(Duration::ZERO);
        assert_eq!((ran.load(SeqCst), start.elapsed()), (1, Duration::ZERO));
        thread::sleep_until(start);
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_sleep_for_ever_outlasts_every_other_and_is_cancelled_at_the_end() {
    let drops = support::Drops::new();
    let theirs = drops.clone();
    in_virtual_time(move || {
        for limit in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(1 << 34)] {
            let guard = theirs.guard();
            sward::spawn(move || {
                thread::sleep(limit);
                std::mem::forget(guard);
            });
            let guard = theirs.guard();
            sward::spawn(move || {
                thread::park_timeout(limit);
                std::mem::forget(guard);
            });
        }
        thread::sleep(HOUR * 24 * 365 * 100);
    });
    assert_eq!(drops.count(), 6);
}

#[test]
fn sleep_until_wakes_up_at_the_moment() {
    in_virtual_time(|| {
        let noon = Instant::now() + HOUR;
        let handles: Vec<_> = (0..10)
            .map(|i| {
                sward::spawn(move || {
                    thread::sleep(SECOND * i);
                    thread::sleep_until(noon);
                    assert_eq!(Instant::now(), noon);
                })
            })
            .collect();
        sward::join_all(handles).into_iter().for_each(Result::unwrap);
        assert_eq!(Instant::now(), noon);
    });
}

#[test]
fn a_park_that_was_woken_leaves_no_timer_behind() {
    in_virtual_time(|| {
        let main = thread::current();
        sward::spawn(move || main.unpark());
        let start = Instant::now();
        thread::park_timeout(SECOND);
        // The timer of the park would end this one early.
        thread::park_timeout(SECOND * 10);
        assert_eq!(start.elapsed(), SECOND * 10);
    });
}

#[test]
fn virtual_time_stands_still_during_a_blocking_call() {
    in_virtual_time(|| {
        let sleeper = sward::spawn(|| thread::sleep(HOUR));
        let start = Instant::now();
        let worker = OsThread::current();
        sward::blocking(|| worker.until_idle());
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(!sleeper.is_finished());
        sleeper.join().unwrap();
        assert_eq!(start.elapsed(), HOUR);
    });
}

#[test]
fn a_built_runtime_may_have_a_virtual_clock() {
    watched(|| {
        let runtime = sward::Runtime::builder().virtual_clock(true).build().unwrap();
        assert_eq!(runtime.metrics().workers, 1);
        let waited = runtime.run(|| {
            let start = Instant::now();
            thread::sleep(HOUR);
            start.elapsed()
        });
        assert_eq!(waited, HOUR);
    });
}

#[test]
fn a_short_sleep_on_the_big_stack_is_short_also_after_a_virtual_hour() {
    within(Duration::from_secs(20), || {
        sward::Runtime::builder().virtual_clock(true).run(|| {
            thread::sleep(HOUR);
            sward::on_big_stack(|| thread::sleep(Duration::from_millis(1)));
        });
    });
}

#[test]
fn a_short_sleep_in_a_drop_while_unwinding_is_short_also_after_a_virtual_hour() {
    within(Duration::from_secs(20), || {
        sward::Runtime::builder().virtual_clock(true).run(|| {
            thread::sleep(HOUR);
            let handle = sward::spawn(|| {
                let _sleepy = support::OnDrop(|| thread::sleep(Duration::from_millis(1)));
                panic!("on purpose");
            });
            assert!(handle.join().is_err());
        });
    });
}

#[test]
fn a_real_sleep_lasts_at_least_as_long_as_asked() {
    watched(|| {
        for limit in [Duration::from_nanos(1), Duration::from_micros(300), Duration::from_millis(12)] {
            for elapsed in [
                sward::run(|| {
                    let start = std::time::Instant::now();
                    thread::sleep(limit);
                    start.elapsed()
                }),
                {
                    let start = std::time::Instant::now();
                    thread::sleep(limit);
                    start.elapsed()
                },
            ] {
                assert!(elapsed >= limit, "{elapsed:?} of {limit:?}");
            }
        }
    });
}

#[test]
fn a_busy_worker_still_wakes_its_sleepers() {
    in_run(|| {
        let sleeper = sward::spawn(|| thread::sleep(Duration::from_millis(1)));
        while !sleeper.is_finished() {
            thread::yield_now();
        }
    });
}

#[test]
fn sleepers_of_two_workers_all_wake_up() {
    watched(|| {
        let runtime = runtime(2);
        let handles: Vec<_> = (0..10_000_u64)
            .map(|i| runtime.spawn(move || thread::sleep(Duration::from_micros(i * 7919 % 20_000))))
            .collect();
        sward::join_all(handles).into_iter().for_each(Result::unwrap);
    });
}
