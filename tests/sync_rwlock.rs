//! `sync::RwLock`, between green threads of one worker, of several, and plain OS threads.

mod support;

use std::{
    panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use support::{SECOND, in_run, in_virtual_time, message_of_panic, runtime, until_parked, watched};
use sward::{
    JoinHandle, catch_cancel, shield, sleep, spawn,
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError},
    timeout, yield_now,
};

/// Who came in, in order.
type Log = Arc<Mutex<Vec<char>>>;

/// One that comes for the lock, and yields while it has it. A name in capitals writes.
fn comes(lock: &Arc<RwLock<i32>>, log: &Log, name: char) -> JoinHandle<i32> {
    let (lock, log) = (Arc::clone(lock), Arc::clone(log));
    let say_and_yield = move || {
        log.lock().unwrap().push(name);
        yield_now();
    };
    let handle = spawn(move || {
        if name.is_lowercase() {
            let guard = lock.read().unwrap();
            say_and_yield();
            return *guard;
        }
        let mut guard = lock.write().unwrap();
        say_and_yield();
        *guard += 1;
        *guard
    });
    yield_now();
    handle
}

fn new_lock() -> (Arc<RwLock<i32>>, Log) {
    (Arc::new(RwLock::new(0)), Log::default())
}

fn text(log: &Log) -> String {
    log.lock().unwrap().iter().collect()
}

fn join<T>(handles: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<T> {
    handles.into_iter().map(|handle| handle.join().unwrap()).collect()
}

#[test]
fn many_read_at_a_time_and_one_writes_alone() {
    in_run(|| {
        let lock = RwLock::new(5);
        let (first, second) = (lock.read().unwrap(), lock.try_read().unwrap());
        assert_eq!(*first + *second, 10);
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        drop(first);
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        drop(second);
        let mut writer = lock.try_write().unwrap();
        *writer += 1;
        assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        drop(writer);
        assert_eq!(lock.into_inner().unwrap(), 6);
    });
}

#[test]
fn a_writer_is_handed_the_lock_before_the_readers_that_came_later() {
    in_run(|| {
        let (lock, log) = new_lock();
        let guard = lock.read().unwrap();
        let waiting = [comes(&lock, &log, 'W'), comes(&lock, &log, 'a'), comes(&lock, &log, 'b')];
        assert!(lock.try_read().is_err(), "nobody goes past a writer that waits");
        drop(guard);
        assert!(lock.try_read().is_err(), "nobody comes between: it is handed over");
        assert_eq!(join(waiting), [1, 1, 1]);
        assert_eq!(text(&log), "Wab");
        assert!(lock.try_write().is_ok(), "nobody is in line any more");
    });
}

#[test]
fn the_line_is_first_in_first_out_and_readers_in_a_row_come_in_together() {
    in_run(|| {
        let (lock, log) = new_lock();
        let guard = lock.write().unwrap();
        let names = "abCdeFGh";
        let waiting: Vec<_> = names.chars().map(|name| comes(&lock, &log, name)).collect();
        drop(guard);
        assert_eq!(join(waiting), [0, 0, 1, 1, 1, 2, 3, 3]);
        assert_eq!(text(&log), names);
    });
}

/// Gets the lock a hundred times, for reading or writing, beside others that want it all the time.
fn comes_in_among(others: fn(&RwLock<i32>), f: fn(&RwLock<i32>)) {
    in_run(move || {
        let shared = Arc::new((RwLock::new(0), AtomicBool::new(false)));
        let others = [(); 4].map(|()| {
            let shared = Arc::clone(&shared);
            spawn(move || {
                while !shared.1.load(SeqCst) {
                    others(&shared.0);
                }
            })
        });
        yield_now();
        (0..100).for_each(|_| f(&shared.0));
        shared.1.store(true, SeqCst);
        join(others);
    });
}

fn read(lock: &RwLock<i32>) {
    let _guard = lock.read().unwrap();
    yield_now();
}

fn write(lock: &RwLock<i32>) {
    let mut guard = lock.write().unwrap();
    yield_now();
    *guard += 1;
}

#[test]
fn a_writer_does_not_starve_among_readers_that_overlap() {
    comes_in_among(read, write);
}

#[test]
fn a_reader_does_not_starve_among_writers() {
    comes_in_among(write, read);
}

#[test]
fn hundreds_of_readers_come_in_at_one_unlock() {
    watched(|| {
        let runtime = runtime(2);
        runtime.run(|| {
            let lock = Arc::new(RwLock::new(0));
            let inside = Arc::new(AtomicUsize::new(0));
            let mut guard = lock.write().unwrap();
            let readers: Vec<_> = (0..300)
                .map(|_| {
                    let (lock, inside) = (Arc::clone(&lock), Arc::clone(&inside));
                    spawn(move || {
                        let guard = lock.read().unwrap();
                        inside.fetch_add(1, SeqCst);
                        // All of them hold it at the same time.
                        while inside.load(SeqCst) < 300 {
                            yield_now();
                        }
                        *guard
                    })
                })
                .collect();
            readers.iter().for_each(until_parked);
            *guard = 7;
            drop(guard);
            assert!(join(readers).into_iter().all(|found| found == 7));
        });
    });
}

#[test]
fn a_downgrade_lets_readers_in_and_no_writer() {
    in_run(|| {
        let (lock, log) = new_lock();
        let mut guard = lock.write().unwrap();
        let (a, w, b) = (comes(&lock, &log, 'a'), comes(&lock, &log, 'W'), comes(&lock, &log, 'b'));
        *guard = 10;
        let guard = RwLockWriteGuard::downgrade(guard);
        assert_eq!(a.join().unwrap(), 10);
        assert_eq!(text(&log), "a");
        assert_eq!(*guard, 10);
        drop(guard);
        assert_eq!(join([w, b]), [11, 11]);
        assert_eq!(text(&log), "aWb");
    });
}

#[test]
fn one_that_downgraded_is_no_writer_any_more() {
    in_virtual_time(|| {
        let lock = RwLock::new(1);
        let panics = catch_unwind(AssertUnwindSafe(|| {
            let _guard = RwLockWriteGuard::downgrade(lock.write().unwrap());
            panic!("as a reader");
        }));
        assert!(panics.is_err() && !lock.is_poisoned());
        let guard = RwLockWriteGuard::downgrade(lock.write().unwrap());
        assert_eq!(*lock.read().unwrap(), *guard);
        // Readers are not on record: it waits for itself.
        assert!(timeout(SECOND, || drop(lock.write())).is_err());
    });
}

#[test]
fn a_cancelled_writer_lets_the_readers_behind_it_in() {
    in_run(|| {
        let (lock, log) = new_lock();
        let guard = lock.read().unwrap();
        let (w, a, b) = (comes(&lock, &log, 'W'), comes(&lock, &log, 'a'), comes(&lock, &log, 'b'));
        w.cancel();
        assert!(w.join().unwrap_err().is_cancelled());
        assert_eq!(join([a, b]), [0, 0]);
        assert_eq!((text(&log).as_str(), *guard), ("ab", 0));
        assert!(lock.try_read().is_ok(), "nobody is in line any more");
        assert!(!lock.is_poisoned());
    });
}

#[test]
fn a_cancelled_reader_leaves_the_line_alone() {
    in_run(|| {
        let (lock, log) = new_lock();
        let guard = lock.write().unwrap();
        let (a, w) = (comes(&lock, &log, 'a'), comes(&lock, &log, 'W'));
        a.cancel();
        assert!(a.join().unwrap_err().is_cancelled());
        drop(guard);
        assert_eq!((w.join().unwrap(), text(&log).as_str()), (1, "W"));
    });
}

#[test]
fn one_that_is_let_in_and_cancelled_at_once_holds_the_lock() {
    in_run(|| {
        for write in [false, true] {
            let lock = Arc::new(RwLock::new(0));
            let guard = lock.write().unwrap();
            let theirs = Arc::clone(&lock);
            let waiter = spawn(move || {
                let held = match write {
                    true => *theirs.write().unwrap(),
                    false => *theirs.read().unwrap(),
                };
                (held, catch_cancel(sleep_long).is_err())
            });
            until_parked(&waiter);
            drop(guard);
            waiter.cancel();
            assert_eq!(waiter.join().unwrap(), (0, true), "it comes in, and is cancelled at its next park");
            assert!(lock.try_write().is_ok());
        }
    });
}

fn sleep_long() {
    sleep(1000 * SECOND);
}

#[test]
fn a_timeout_leaves_the_line() {
    in_virtual_time(|| {
        let (lock, log) = new_lock();
        let guard = lock.read().unwrap();
        for limit in [Duration::ZERO, SECOND] {
            assert!(timeout(limit, || drop(lock.write())).is_err());
            assert!(lock.try_read().is_ok(), "nobody is in line any more");
        }
        let theirs = Arc::clone(&lock);
        let w = spawn(move || timeout(SECOND, || drop(theirs.write())).is_err());
        yield_now();
        let a = comes(&lock, &log, 'a');
        sleep(SECOND / 2);
        assert_eq!(text(&log), "", "it waits behind the writer");
        sleep(SECOND);
        assert_eq!(text(&log), "a", "which has left");
        drop(guard);
        assert!(w.join().unwrap());
        a.join().unwrap();
    });
}

#[test]
fn a_timeout_that_meets_the_unlock_comes_too_late() {
    in_virtual_time(|| {
        let lock = Arc::new(RwLock::new(1));
        let theirs = Arc::clone(&lock);
        let holder = spawn(move || {
            let _guard = theirs.write().unwrap();
            sleep(SECOND);
        });
        yield_now();
        let theirs = Arc::clone(&lock);
        // Both are due at the same moment, and the holder, whose sleep began first, runs first.
        let waiter = spawn(move || timeout(SECOND, || *theirs.read().unwrap()));
        holder.join().unwrap();
        assert_eq!(waiter.join().unwrap(), Ok(1));
        assert!(lock.try_write().is_ok());
    });
}

#[test]
fn a_shielded_waiter_is_not_cancelled_before_it_has_had_the_lock() {
    in_run(|| {
        let (lock, log) = new_lock();
        let guard = lock.write().unwrap();
        let (theirs, its_log) = (Arc::clone(&lock), Arc::clone(&log));
        let waiter = spawn(move || {
            shield(|| {
                let _guard = theirs.read().unwrap();
                its_log.lock().unwrap().push('a');
            });
        });
        until_parked(&waiter);
        waiter.cancel();
        yield_now();
        yield_now();
        assert!(!waiter.is_finished());
        drop(guard);
        assert!(waiter.join().unwrap_err().is_cancelled());
        assert_eq!(text(&log), "a");
    });
}

#[test]
fn only_a_writer_that_panics_poisons() {
    in_run(|| {
        let lock = Arc::new(RwLock::new(1));
        let reads = catch_unwind(AssertUnwindSafe(|| {
            let _guard = lock.read().unwrap();
            panic!("as a reader");
        }));
        assert!(reads.is_err() && !lock.is_poisoned());
        let theirs = Arc::clone(&lock);
        let interrupted = spawn(move || {
            let _guard = theirs.write().unwrap();
            sleep_long();
        });
        until_parked(&interrupted);
        interrupted.cancel();
        assert!(interrupted.join().is_err() && !lock.is_poisoned());
        let theirs = Arc::clone(&lock);
        let panicked = spawn(move || {
            *theirs.write().unwrap() = 2;
            let _guard = theirs.write().unwrap();
            panic!("as a writer");
        });
        assert!(panicked.join().is_err() && lock.is_poisoned());
        assert_eq!(**lock.read().unwrap_err().get_ref(), 2);
        assert_eq!(**lock.write().unwrap_err().get_ref(), 2);
        assert!(matches!(lock.try_read(), Err(TryLockError::Poisoned(_))));
        assert_eq!(format!("{lock:?}"), "RwLock { data: 2, poisoned: true, .. }");
        lock.clear_poison();
        assert_eq!(*lock.read().unwrap(), 2);
    });
}

#[test]
fn a_writer_that_locks_again_is_told_so() {
    let again = |lock: &RwLock<()>| {
        let _guard = lock.write().unwrap();
        [message_of_panic(|| drop(lock.read())), message_of_panic(|| drop(lock.write()))]
    };
    let green = in_run(move || again(&RwLock::new(())));
    let plain = watched(move || again(&RwLock::new(())));
    for message in green.into_iter().chain(plain) {
        assert!(message.contains("holds the RwLock for writing already"), "{message}");
    }
}

#[test]
fn it_is_as_std_s_in_all_else() {
    fn has_all<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
    fn is_sync<T: Sync>() {}
    static LOCK: RwLock<Vec<u8>> = RwLock::new(Vec::new());
    has_all::<RwLock<u8>>();
    has_all::<RwLock<Option<&mut u8>>>();
    is_sync::<(RwLockReadGuard<'_, u8>, RwLockWriteGuard<'_, u8>)>();
    LOCK.write().unwrap().push(1);
    assert_eq!(*LOCK.read().unwrap(), [1]);
    let mut lock = RwLock::from(3);
    *lock.get_mut().unwrap() += 1;
    assert_eq!(format!("{lock:?}"), "RwLock { data: 4, poisoned: false, .. }");
    let reader = lock.read().unwrap();
    assert_eq!(format!("{reader} {reader:?}"), "4 4");
    drop(reader);
    let writer = lock.write().unwrap();
    assert_eq!(format!("{writer} {writer:?} {lock:?}"), "4 4 RwLock { data: <locked>, poisoned: false, .. }");
    drop(writer);
    assert_eq!(RwLock::<String>::default().into_inner().unwrap(), "");
    let unsized_one: Arc<RwLock<[u8]>> = Arc::new(RwLock::new([1, 2, 3]));
    assert_eq!(unsized_one.read().unwrap().len(), 3);
    assert!(size_of::<RwLock<()>>() <= 24);
}
