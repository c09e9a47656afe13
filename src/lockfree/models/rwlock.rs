use loom::{cell::UnsafeCell, sync::Arc, thread};

use super::{
    check_bounded,
    waiting::{InLine, Thread},
};
use crate::lockfree::rwlock::{Access, Lock, RwLock};

struct Counter {
    lock: RwLock<InLine>,
    value: UnsafeCell<usize>,
}

// SAFETY: the value is guarded by the lock, which is what loom checks here.
unsafe impl Sync for Counter {}
// SAFETY: as above.
unsafe impl Send for Counter {}

impl Counter {
    fn new() -> Arc<Self> {
        Arc::new(Self { lock: RwLock::new(), value: UnsafeCell::new(0) })
    }

    /// False: cancelled.
    fn write(&self, me: &Thread) -> bool {
        let entered = self.lock.try_write() || me.block_on(Lock(&self.lock, Access::Write)).is_some();
        if entered {
            self.count();
            self.lock.unlock_write();
        }
        entered
    }

    /// By a writer.
    fn count(&self) {
        // SAFETY: loom checks it.
        self.value.with_mut(|value| unsafe { *value += 1 });
    }

    /// What it finds, or `None` if it was cancelled.
    fn read(&self, me: &Thread) -> Option<usize> {
        if !self.lock.try_read() {
            me.block_on(Lock(&self.lock, Access::Read))?;
        }
        let value = self.look();
        self.lock.unlock_read();
        Some(value)
    }

    /// By a reader.
    fn look(&self) -> usize {
        // SAFETY: loom checks it.
        self.value.with(|value| unsafe { *value })
    }

    fn value(&self) -> usize {
        assert!(self.lock.try_write(), "it is free, and nobody is in line");
        let value = self.look();
        self.lock.unlock_write();
        value
    }
}

/// Catches: a writer beside a reader or another writer; an unlock that leaves in line who could come in.
#[test]
fn two_write_and_read() {
    check_bounded(3, || {
        let counter = Counter::new();
        let theirs = Arc::clone(&counter);
        let other = thread::spawn(move || {
            assert!(theirs.write(&Thread::new()));
            theirs.read(&Thread::new())
        });
        counter.read(&Thread::new()).unwrap();
        assert!(counter.write(&Thread::new()));
        assert!(other.join().unwrap() >= Some(1));
        assert_eq!(counter.value(), 2);
    });
}

/// Catches: a last reader that does not let the writer in, or two that both do.
#[test]
fn a_writer_waits_for_two_readers() {
    check_bounded(2, || {
        let counter = Counter::new();
        assert!(counter.lock.try_read());
        assert!(counter.lock.try_read());
        let theirs = Arc::clone(&counter);
        let writer = thread::spawn(move || assert!(theirs.write(&Thread::new())));
        let theirs = Arc::clone(&counter);
        let reader = thread::spawn(move || {
            theirs.look();
            theirs.lock.unlock_read();
        });
        counter.look();
        counter.lock.unlock_read();
        reader.join().unwrap();
        writer.join().unwrap();
        assert_eq!(counter.value(), 1);
    });
}

/// Catches: a reader behind a writer that nobody lets in; one that comes in too early.
#[test]
fn a_writer_and_a_reader_wait_for_a_writer() {
    check_bounded(2, || {
        let counter = Counter::new();
        assert!(counter.lock.try_write());
        let theirs = Arc::clone(&counter);
        let writer = thread::spawn(move || assert!(theirs.write(&Thread::new())));
        let theirs = Arc::clone(&counter);
        let reader = thread::spawn(move || theirs.read(&Thread::new()));
        counter.count();
        counter.lock.unlock_write();
        assert!(reader.join().unwrap() >= Some(1));
        writer.join().unwrap();
        assert_eq!(counter.value(), 2);
    });
}

/// Catches: a cancelled writer that leaves the readers behind it in line; one that takes the lock with it.
#[test]
fn a_cancelled_writer_lets_the_reader_behind_it_in() {
    check_bounded(2, || {
        let counter = Counter::new();
        assert!(counter.lock.try_read());
        let cancelled = Thread::new();
        let (me, theirs) = (Arc::clone(&cancelled), Arc::clone(&counter));
        let writer = thread::spawn(move || theirs.write(&me));
        let theirs = Arc::clone(&counter);
        // It is joined while this thread still reads: only the cancel can let it in.
        let reader = thread::spawn(move || theirs.read(&Thread::new()).unwrap());
        cancelled.cancel();
        assert_eq!(reader.join().unwrap(), 0);
        counter.lock.unlock_read();
        let wrote = writer.join().unwrap();
        assert_eq!(counter.value(), usize::from(wrote));
    });
}

/// Catches: a cancelled waiter that was let in at that moment, and does not know it.
#[test]
fn a_cancel_meets_an_unlock() {
    check_bounded(2, || {
        let counter = Counter::new();
        assert!(counter.lock.try_write());
        let cancelled = Thread::new();
        let (me, theirs) = (Arc::clone(&cancelled), Arc::clone(&counter));
        let first = thread::spawn(move || theirs.read(&me));
        let theirs = Arc::clone(&counter);
        let second = thread::spawn(move || assert!(theirs.write(&Thread::new())));
        cancelled.cancel();
        counter.count();
        counter.lock.unlock_write();
        assert!(first.join().unwrap().is_none_or(|found| found >= 1));
        second.join().unwrap();
        assert_eq!(counter.value(), 2);
    });
}

/// Catches: a downgrade that leaves the readers in line, or lets a writer in beside them.
#[test]
fn a_downgrade_lets_the_reader_in() {
    check_bounded(2, || {
        let counter = Counter::new();
        assert!(counter.lock.try_write());
        let theirs = Arc::clone(&counter);
        let reader = thread::spawn(move || assert_eq!(theirs.read(&Thread::new()), Some(1)));
        counter.count();
        counter.lock.downgrade();
        // It is joined while this thread still reads: only the downgrade can let it in.
        reader.join().unwrap();
        let theirs = Arc::clone(&counter);
        let writer = thread::spawn(move || assert!(theirs.write(&Thread::new())));
        assert_eq!(counter.look(), 1);
        counter.lock.unlock_read();
        writer.join().unwrap();
        assert_eq!(counter.value(), 2);
    });
}
