//! `sward::sync::ReentrantMutex`: the owner is the green thread.

mod support;

use std::{
    cell::{Cell, RefCell},
    panic::resume_unwind,
    time::Duration,
};

use support::{SECOND, in_run, in_virtual_time, runtime, until_parked, watched};
use sward::{
    JoinHandle, sleep, spawn, spawn_local,
    sync::{Arc, ReentrantMutex, ReentrantMutexGuard},
    thread,
    time::Instant,
    yield_now,
};

type Shared<T> = Arc<ReentrantMutex<T>>;

fn shared<T>(value: T) -> Shared<T> {
    Arc::new(ReentrantMutex::new(value))
}

/// One that locks and returns at once.
fn waiter<T: Send + 'static>(lock: &Shared<T>) -> JoinHandle<()> {
    let lock = Arc::clone(lock);
    spawn(move || drop(lock.lock()))
}

/// Counts up with a pause between the look and the change, with the lock held up to three times.
fn count(lock: &ReentrantMutex<Cell<usize>>, depth: usize, pause: fn()) {
    let value = lock.lock();
    if depth > 0 {
        count(lock, depth - 1, pause);
    }
    let before = value.get();
    pause();
    value.set(before + 1);
}

#[test]
fn the_owner_locks_again_and_others_wait_for_the_last_guard() {
    in_run(|| {
        let lock = shared(1);
        let (first, second, third) = (lock.lock(), lock.lock(), lock.try_lock().unwrap());
        let waits = waiter(&lock);
        until_parked(&waits);
        // In any order.
        for guard in [first, third, second] {
            yield_now();
            assert!(!waits.is_finished());
            assert_eq!(*guard, 1);
            drop(guard);
        }
        waits.join().unwrap();
    });
}

#[test]
fn green_threads_of_one_worker_exclude_each_other() {
    in_run(|| {
        let lock = shared(Cell::new(0));
        let all = (0..10).map(|i| {
            let lock = Arc::clone(&lock);
            spawn(move || (0..20).for_each(|_| count(&lock, i % 3, yield_now)))
        });
        sward::join_all(all.collect::<Vec<_>>()).into_iter().for_each(Result::unwrap);
        assert_eq!(lock.lock().get(), (10 + 3 + 2 * 3) * 20);
    });
}

#[test]
fn workers_and_os_threads_exclude_each_other() {
    watched(|| {
        let (lock, runtime) = (shared(Cell::new(0)), runtime(2));
        let counter = |pause: fn()| {
            let lock = Arc::clone(&lock);
            move || (0..100).for_each(|_| count(&lock, 2, pause))
        };
        let green: Vec<_> = (0..4).map(|_| runtime.spawn(counter(yield_now))).collect();
        let os: Vec<_> = (0..2).map(|_| std::thread::spawn(counter(std::thread::yield_now))).collect();
        green.into_iter().for_each(|one| one.join().unwrap());
        os.into_iter().for_each(|one| one.join().unwrap());
        assert_eq!(lock.lock().get(), 6 * 100 * 3);
    });
}

#[test]
fn try_lock_is_for_the_owner_and_for_a_lock_that_is_free() {
    in_run(|| {
        let lock = shared(());
        let guard = lock.lock();
        let tries = || {
            let lock = Arc::clone(&lock);
            spawn(move || lock.try_lock().is_some()).join().unwrap()
        };
        assert!(!tries() && lock.try_lock().is_some());
        assert!(!tries(), "the inner guard has gone, the outer has not");
        let lock_of_os_thread = Arc::clone(&lock);
        assert!(!std::thread::spawn(move || lock_of_os_thread.try_lock().is_some()).join().unwrap());
        drop(guard);
        assert!(tries());
    });
}

#[test]
fn a_wait_ends_with_its_timeout() {
    in_virtual_time(|| {
        let (lock, start) = (shared(()), Instant::now());
        let guard = lock.lock();
        assert!(lock.lock_timeout(Duration::ZERO).is_some(), "the owner never waits");
        let theirs = Arc::clone(&lock);
        let waits = spawn(move || {
            assert!(theirs.lock_timeout(Duration::ZERO).is_none());
            assert!(theirs.lock_timeout(SECOND).is_none());
            assert_eq!(start.elapsed(), SECOND);
            let _outer = theirs.lock_timeout(SECOND * 9).expect("it is let go in time");
            assert!(theirs.try_lock().is_some(), "it is the owner now");
        });
        sleep(SECOND * 5);
        drop(guard);
        waits.join().unwrap();
        assert_eq!(start.elapsed(), SECOND * 5);
    });
}

#[test]
fn a_timeout_that_meets_the_unlock_loses_no_wake_up() {
    in_virtual_time(|| {
        let lock = shared(());
        let guard = lock.lock();
        let theirs = Arc::clone(&lock);
        let gives_up = spawn(move || theirs.lock_timeout(SECOND).is_some());
        until_parked(&gives_up);
        let next = waiter(&lock);
        until_parked(&next);
        sleep(SECOND);
        drop(guard);
        next.join().unwrap();
        let _either = gives_up.join().unwrap();
        assert!(lock.try_lock().is_some());
    });
}

#[test]
fn a_cancelled_waiter_leaves_the_line() {
    in_run(|| {
        let lock = shared(());
        let guard = lock.lock();
        let (first, second) = (waiter(&lock), waiter(&lock));
        until_parked(&first);
        until_parked(&second);
        first.cancel();
        assert!(first.join().unwrap_err().is_cancelled());
        drop(guard);
        second.join().unwrap();
    });
}

#[test]
fn a_cancel_that_meets_the_unlock_takes_no_wake_up_with_it() {
    in_run(|| {
        let lock = shared(());
        let guard = lock.lock();
        let (first, second) = (waiter(&lock), waiter(&lock));
        until_parked(&first);
        until_parked(&second);
        drop(guard); // the first is woken, and has not run yet
        first.cancel();
        let _either = first.join();
        second.join().unwrap();
        assert!(lock.try_lock().is_some());
    });
}

#[test]
fn a_shielded_waiter_waits_on() {
    in_run(|| {
        let lock = shared(Cell::new(0));
        let (guard, theirs) = (lock.lock(), Arc::clone(&lock));
        let waits = spawn(move || sward::shield(|| theirs.lock().set(1)));
        until_parked(&waits);
        waits.cancel();
        yield_now();
        assert_eq!(guard.get(), 0);
        drop(guard);
        assert!(waits.join().unwrap_err().is_cancelled(), "when the shield is gone");
        assert_eq!(lock.lock().get(), 1);
    });
}

#[test]
fn a_panic_of_the_owner_unlocks_and_does_not_poison() {
    in_run(|| {
        let lock = shared(Cell::new(0));
        let theirs = Arc::clone(&lock);
        let panics = spawn(move || {
            let (outer, _inner) = (theirs.lock(), theirs.lock());
            outer.set(7);
            thread::park();
            resume_unwind(Box::new(()));
        });
        until_parked(&panics);
        let waits = waiter(&lock);
        until_parked(&waits);
        panics.thread().unpark();
        assert!(panics.join().map(|(): ()| ()).is_err());
        waits.join().unwrap();
        assert_eq!(lock.lock().get(), 7);
    });
}

#[test]
fn the_first_in_line_waits_for_two_unlocks_at_the_most() {
    in_run(|| {
        let lock = shared(());
        let guard = lock.lock();
        let waits = waiter(&lock);
        until_parked(&waits);
        drop(guard); // it is woken
        let guard = lock.lock(); // and comes too late
        yield_now();
        assert!(!waits.is_finished());
        drop(guard);
        assert!(lock.try_lock().is_none(), "the lock was handed over");
        waits.join().unwrap();
    });
}

#[test]
fn the_line_is_first_in_first_out() {
    in_run(|| {
        let lock = shared(RefCell::new(Vec::new()));
        let guard = lock.lock();
        let all: Vec<_> = (0..10)
            .map(|i| {
                let lock = Arc::clone(&lock);
                spawn(move || lock.lock().borrow_mut().push(i))
            })
            .collect();
        all.iter().for_each(until_parked);
        drop(guard);
        sward::join_all(all).into_iter().for_each(Result::unwrap);
        assert_eq!(*lock.lock().borrow(), (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn a_guard_may_be_dropped_by_another_green_thread_of_its_worker() {
    static LOCK: ReentrantMutex<i32> = ReentrantMutex::new(1);
    in_run(|| {
        let (mine, theirs) = (LOCK.lock(), LOCK.lock());
        spawn_local(move || {
            assert!(LOCK.try_lock().is_none(), "it has a guard, and is not the owner");
            drop(theirs);
        })
        .join()
        .unwrap();
        assert!(!spawn(|| LOCK.try_lock().is_some()).join().unwrap());
        spawn_local(move || drop(mine)).join().unwrap();
        assert!(spawn(|| LOCK.try_lock().is_some()).join().unwrap());
        assert!(LOCK.try_lock().is_some());
    });
}

#[test]
fn it_has_what_stds_has() {
    fn shared_by_threads<T: Send + Sync>() {}
    fn shared_guard<T: Sync>() {}
    shared_by_threads::<ReentrantMutex<Cell<i32>>>();
    shared_guard::<ReentrantMutexGuard<'_, i32>>();
    let mut lock = ReentrantMutex::from(String::from("a"));
    lock.get_mut().push('b');
    assert_eq!(
        format!("{lock:?} {:?} {}", lock.lock(), lock.lock()),
        "ReentrantMutex { data: \"ab\", .. } \"ab\" ab"
    );
    let guard = lock.lock();
    let other = std::thread::scope(|s| s.spawn(|| format!("{lock:?}")).join().unwrap());
    assert_eq!(other, "ReentrantMutex { data: <locked>, .. }");
    drop(guard);
    assert_eq!((lock.into_inner(), ReentrantMutex::<i32>::default().into_inner()), ("ab".to_owned(), 0));
    let unsized_too: &ReentrantMutex<[i32]> = &ReentrantMutex::new([1, 2]);
    assert_eq!(unsized_too.lock().len(), 2);
}
