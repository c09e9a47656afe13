//! `RwLock`.

use std::{
    cell::Cell,
    mem,
    rc::Rc,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use super::{
    sync::{
        Arc, LockResult, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult,
    },
    thread,
    tools::{elsewhere, until},
};
use crate::seen::{Seen, caught};

fn poisoned<T: Send + Sync>(value: T) -> RwLock<T> {
    let lock = RwLock::new(value);
    elsewhere(|| {
        let _guard = lock.write().unwrap();
        panic!("the writer panics");
    })
    .unwrap_or(());
    lock
}

/// What can be had now: reading, writing.
fn open<T: Sync + Send>(lock: &RwLock<T>) -> (bool, bool) {
    elsewhere(|| (lock.try_read().is_ok(), lock.try_write().is_ok())).unwrap()
}

pub(crate) fn readers_together_writers_alone() -> Vec<String> {
    let mut seen = Seen::new();
    let lock = RwLock::new(1);
    seen.note("free", open(&lock));
    let read = lock.read().unwrap();
    seen.note("one reader", open(&lock));
    let second = lock.try_read().unwrap();
    seen.note("two readers", (open(&lock), *read + *second));
    drop(read);
    seen.note("one again", open(&lock));
    drop(second);
    seen.note("none", open(&lock));
    let mut write = lock.try_write().unwrap();
    *write = 2;
    seen.note("a writer", open(&lock));
    seen.error("read", &lock.try_read().unwrap_err());
    seen.error("write", &lock.try_write().unwrap_err());
    seen.note("would block", matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    drop(write);
    seen.note("free", open(&lock));
    let read = lock.read().unwrap();
    seen.error("write", &lock.try_write().unwrap_err());
    drop(read);
    seen.note("value", lock.into_inner().unwrap());
    seen.end()
}

pub(crate) fn many_readers_are_inside_at_once() -> Vec<String> {
    let mut seen = Seen::new();
    let (lock, inside) = (RwLock::new(7), AtomicUsize::new(0));
    let sum: i32 = thread::scope(|s| {
        let readers: Vec<_> = (0..5)
            .map(|_| {
                s.spawn(|| {
                    let guard = lock.read().unwrap();
                    inside.fetch_add(1, SeqCst);
                    until(|| inside.load(SeqCst) == 5);
                    *guard
                })
            })
            .collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).sum()
    });
    seen.note("sum", sum);
    seen.note("free", open(&lock));
    seen.end()
}

pub(crate) fn readers_and_writers_exclude_each_other() -> Vec<String> {
    let mut seen = Seen::new();
    let lock = RwLock::new((0, 0));
    let wrong = AtomicUsize::new(0);
    thread::scope(|s| {
        for i in 0..6 {
            let (lock, wrong) = (&lock, &wrong);
            s.spawn(move || {
                for round in 0..40 {
                    if (i + round) % 3 == 0 {
                        let mut guard = lock.write().unwrap();
                        guard.0 += 1;
                        thread::yield_now();
                        guard.1 += 1;
                    } else {
                        let guard = lock.read().unwrap();
                        let before = *guard;
                        thread::yield_now();
                        if guard.0 != guard.1 || before != *guard {
                            wrong.fetch_add(1, SeqCst);
                        }
                    }
                }
            });
        }
    });
    seen.note("wrong", wrong.load(SeqCst));
    seen.note("value", *lock.read().unwrap());
    seen.end()
}

pub(crate) fn those_who_wait_come_in_after_the_writer() -> Vec<String> {
    let mut seen = Seen::new();
    let (lock, coming) = (RwLock::new(0), AtomicUsize::new(0));
    let ended = thread::scope(|s| {
        let mut write = lock.write().unwrap();
        let handles: Vec<_> = (0..6)
            .map(|i| {
                let (lock, coming) = (&lock, &coming);
                s.spawn(move || {
                    coming.fetch_add(1, SeqCst);
                    if i % 2 == 0 {
                        *lock.write().unwrap() += 1;
                        true
                    } else {
                        *lock.read().unwrap() >= 10
                    }
                })
            })
            .collect();
        until(|| coming.load(SeqCst) == 6);
        (0..10).for_each(|_| thread::yield_now());
        *write = 10;
        drop(write);
        handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
    });
    seen.note("ended", ended);
    seen.note("value", *lock.read().unwrap());
    seen.end()
}

pub(crate) fn a_writer_waits_for_all_readers() -> Vec<String> {
    let mut seen = Seen::new();
    let (lock, comes) = (RwLock::new(0), AtomicBool::new(false));
    thread::scope(|s| {
        let (one, two) = (lock.read().unwrap(), lock.read().unwrap());
        let writer = s.spawn(|| {
            comes.store(true, SeqCst);
            *lock.write().unwrap() = 5;
        });
        until(|| comes.load(SeqCst));
        (0..10).for_each(|_| thread::yield_now());
        drop(one);
        (0..10).for_each(|_| thread::yield_now());
        seen.note("not yet", (writer.is_finished(), *two));
        drop(two);
        seen.note("ended", writer.join().is_ok());
    });
    seen.note("value", lock.into_inner().unwrap());
    seen.end()
}

pub(crate) fn downgrade() -> Vec<String> {
    let mut seen = Seen::new();
    let lock = RwLock::new(1);
    let mut write = lock.write().unwrap();
    *write = 2;
    let read = RwLockWriteGuard::downgrade(write);
    seen.note("others read", (open(&lock), *read));
    drop(read);
    seen.note("free", open(&lock));
    // Nobody writes in between, and those who wait to read come in.
    let (coming, read_it) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|s| {
        let mut write = lock.write().unwrap();
        let writers: Vec<_> = (0..2)
            .map(|_| {
                s.spawn(|| {
                    coming.fetch_add(1, SeqCst);
                    *lock.write().unwrap() += 100;
                })
            })
            .collect();
        until(|| coming.load(SeqCst) == 2);
        (0..10).for_each(|_| thread::yield_now());
        *write = 3;
        let read = RwLockWriteGuard::downgrade(write);
        (0..20).for_each(|_| thread::yield_now());
        read_it.store(*read as usize, SeqCst);
        seen.note("no writer has ended", writers.iter().any(|writer| writer.is_finished()));
        drop(read);
    });
    seen.note("read after", read_it.load(SeqCst));
    seen.note("value", *lock.read().unwrap());
    let waited = AtomicBool::new(false);
    thread::scope(|s| {
        let write = lock.write().unwrap();
        let reader = s.spawn(|| {
            waited.store(true, SeqCst);
            *lock.read().unwrap()
        });
        until(|| waited.load(SeqCst));
        (0..10).for_each(|_| thread::yield_now());
        let read = RwLockWriteGuard::downgrade(write);
        seen.note("a reader that waited", reader.join().unwrap());
        drop(read);
    });
    let end = caught(|| {
        let _read = RwLockWriteGuard::downgrade(lock.write().unwrap());
        panic!("as a reader");
    });
    seen.note("a panic after it", (end, lock.is_poisoned(), open(&lock)));
    seen.end()
}

pub(crate) fn poison() -> Vec<String> {
    let mut seen = Seen::new();
    let lock = RwLock::new(1);
    let end = elsewhere(|| {
        let _guard = lock.read().unwrap();
        panic!("a reader");
    });
    seen.note("a reader", (end.map_err(drop), lock.is_poisoned(), open(&lock)));
    let end = elsewhere(|| {
        *lock.write().unwrap() = 2;
        panic!("the guard has gone");
    });
    seen.note("no longer a writer", (end.map_err(drop), lock.is_poisoned()));
    let end = elsewhere(|| {
        let mut guard = lock.write().unwrap();
        *guard = 3;
        panic!("a writer");
    });
    seen.note("a writer", (end.map_err(drop), lock.is_poisoned()));
    seen.error("read", &lock.read().unwrap_err());
    seen.error("write", &lock.write().unwrap_err());
    seen.error("try_read", &lock.try_read().unwrap_err());
    seen.error("try_write", &lock.try_write().unwrap_err());
    {
        let (one, two) = (lock.read().unwrap_err(), lock.read().unwrap_err());
        seen.note("two readers", (**one.get_ref(), **two.get_ref()));
        seen.note("held", matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    }
    **lock.write().unwrap_err().get_mut() = 4;
    seen.note("value", *lock.read().unwrap_or_else(PoisonError::into_inner));
    seen.note("unwrap", caught(|| *lock.read().unwrap()));
    seen.texts("text", &lock);
    lock.clear_poison();
    seen.note("cleared", (lock.is_poisoned(), open(&lock)));
    let mut lock = poisoned(5);
    **lock.get_mut().as_mut().unwrap_err().get_mut() += 1;
    seen.error("get_mut", &lock.get_mut().unwrap_err());
    seen.note("into_inner", lock.into_inner().unwrap_err().into_inner());
    seen.end()
}

pub(crate) fn a_reader_in_a_panic() -> Vec<String> {
    struct WritesInDrop<'a>(&'a RwLock<Vec<bool>>);
    impl Drop for WritesInDrop<'_> {
        fn drop(&mut self) {
            self.0.write().unwrap_or_else(PoisonError::into_inner).push(thread::panicking());
        }
    }
    let mut seen = Seen::new();
    let lock = RwLock::new(Vec::new());
    let end = elsewhere(|| {
        let _in_drop = WritesInDrop(&lock);
        panic!("outside of the lock");
    });
    seen.note("written while panicking", (end.map_err(drop), lock.is_poisoned()));
    let end = elsewhere(|| {
        let _in_drop = WritesInDrop(&lock);
        let _read = lock.read().unwrap();
        panic!("while it reads");
    });
    seen.note("read while panicking", (end.map_err(drop), lock.is_poisoned()));
    let end = elsewhere(|| {
        let _in_drop = WritesInDrop(&lock);
        let _write = lock.write().unwrap();
        panic!("while it writes");
    });
    seen.note("held while panicking", (end.map_err(drop), lock.is_poisoned()));
    seen.note("value", lock.into_inner().unwrap_or_else(PoisonError::into_inner));
    seen.end()
}

pub(crate) fn those_who_wait_learn_of_poison() -> Vec<String> {
    let mut seen = Seen::new();
    let (lock, coming, go) = (RwLock::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|s| {
        let writer = s.spawn(|| {
            let _guard = lock.write().unwrap();
            coming.fetch_add(1, SeqCst);
            until(|| go.load(SeqCst));
            panic!("while others wait");
        });
        until(|| coming.load(SeqCst) == 1);
        let waiters: Vec<_> = (0..4)
            .map(|i| {
                let (lock, coming) = (&lock, &coming);
                s.spawn(move || {
                    coming.fetch_add(1, SeqCst);
                    if i % 2 == 0 { lock.read().is_err() } else { lock.write().is_err() }
                })
            })
            .collect();
        until(|| coming.load(SeqCst) == 5);
        go.store(true, SeqCst);
        seen.note("the writer panicked", writer.join().is_err());
        seen.note("seen", waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect::<Vec<_>>());
    });
    seen.note("poisoned", lock.is_poisoned());
    seen.end()
}

pub(crate) fn texts() -> Vec<String> {
    let mut seen = Seen::new();
    let lock = RwLock::new(Some("a"));
    seen.texts("free", &lock);
    {
        let read = lock.read().unwrap();
        seen.texts("read", &lock);
        seen.texts("read guard", &read);
    }
    {
        let write = lock.write().unwrap();
        seen.texts("written", &lock);
        seen.texts("write guard", &write);
    }
    let lock = poisoned(2);
    seen.texts("poisoned", &lock);
    {
        let write = lock.write().unwrap_err().into_inner();
        seen.texts("poisoned and written", &lock);
        seen.note("display", format!("{write:>4}"));
    }
    seen.note("display", format!("{:<4}|", lock.read().unwrap_err().into_inner()));
    seen.texts("result", &lock.try_read());
    seen.texts("result", &lock.write());
    seen.end()
}

pub(crate) fn the_value_by_other_ways() -> Vec<String> {
    static WORDS: RwLock<Vec<&str>> = RwLock::new(Vec::new());
    let mut seen = Seen::new();
    WORDS.write().unwrap().push("word");
    seen.note("static", mem::take(&mut *WORDS.write().unwrap()));
    let mut lock = RwLock::from(1);
    *lock.get_mut().unwrap() += 1;
    seen.note("get_mut", *lock.read().unwrap());
    seen.note("default", RwLock::<String>::default().into_inner().unwrap());
    let slice: &RwLock<[i32]> = &RwLock::new([1, 2]);
    slice.write().unwrap()[0] = 3;
    seen.texts("slice", slice);
    let shared: Arc<RwLock<dyn Fn(i32) -> i32 + Send + Sync>> = Arc::new(RwLock::new(|x| x + 1));
    let theirs = Arc::clone(&shared);
    seen.note("dyn", thread::spawn(move || theirs.read().unwrap()(1)).join().unwrap());
    seen.note("dyn", shared.write().unwrap()(2));
    mem::forget(lock.read().unwrap());
    seen.note("a reader that is forgotten", open(&lock));
    mem::forget(slice.write().unwrap());
    seen.texts("a writer that is forgotten", slice);
    let count = Rc::new(());
    let lock = RwLock::new(Rc::clone(&count));
    *lock.write().unwrap() = Rc::clone(&count);
    seen.note("references", Rc::strong_count(&count));
    drop(lock);
    seen.note("references", Rc::strong_count(&count));
    seen.end()
}

pub(crate) fn guards_and_results() -> Vec<String> {
    fn read(lock: &RwLock<i32>) -> LockResult<RwLockReadGuard<'_, i32>> {
        lock.read()
    }
    fn write(lock: &RwLock<i32>) -> TryLockResult<RwLockWriteGuard<'_, i32>> {
        lock.try_write()
    }
    let mut seen = Seen::new();
    let lock = RwLock::new(1);
    seen.note("read", *read(&lock).unwrap());
    *write(&lock).unwrap() += 1;
    let boxed = Box::new(lock.read().unwrap());
    seen.note("boxed", (**boxed, open(&lock)));
    drop(boxed);
    let outer = lock.write().unwrap();
    let moved = outer;
    seen.note("moved", (*moved, open(&lock)));
    drop(moved);
    seen.note("free", open(&lock));
    seen.end()
}

pub(crate) fn traits() -> Vec<String> {
    let mut seen = Seen::new();
    traits!(
        seen,
        RwLock<i32>,
        RwLock<str>,
        RwLock<Cell<i32>>,
        RwLock<Rc<i32>>,
        RwLock<&'static mut i32>,
        RwLock<RwLockReadGuard<'static, i32>>,
        RwLock<dyn Send>,
        RwLock<dyn Sync>,
        RwLock<dyn Send + Sync>,
        RwLock<std::marker::PhantomPinned>,
        RwLockReadGuard<'static, i32>,
        RwLockReadGuard<'static, str>,
        RwLockReadGuard<'static, Cell<i32>>,
        RwLockReadGuard<'static, Rc<i32>>,
        RwLockReadGuard<'static, &'static mut i32>,
        RwLockReadGuard<'static, std::marker::PhantomPinned>,
        RwLockWriteGuard<'static, i32>,
        RwLockWriteGuard<'static, [u8]>,
        RwLockWriteGuard<'static, Cell<i32>>,
        RwLockWriteGuard<'static, Rc<i32>>,
        RwLockWriteGuard<'static, &'static mut i32>,
    );
    seen.note("From", has!(RwLock<i32>: From<i32>));
    seen.note("Deref", has!(RwLockReadGuard<'static, i32>: std::ops::Deref<Target = i32>));
    seen.note("DerefMut", has!(RwLockReadGuard<'static, i32>: std::ops::DerefMut));
    seen.note("DerefMut", has!(RwLockWriteGuard<'static, i32>: std::ops::DerefMut));
    seen.end()
}
