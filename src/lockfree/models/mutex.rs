use loom::{cell::UnsafeCell, sync::Arc, thread};

use super::{
    check_bounded,
    waiting::{InLine, Thread},
};
use crate::lockfree::mutex::{Lock, Mutex};

struct Counter {
    mutex: Mutex<InLine>,
    value: UnsafeCell<usize>,
}

// SAFETY: the value is guarded by the mutex, which is what loom checks here.
unsafe impl Sync for Counter {}
// SAFETY: as above.
unsafe impl Send for Counter {}

impl Counter {
    fn new() -> Arc<Self> {
        Arc::new(Self { mutex: Mutex::new(), value: UnsafeCell::new(0) })
    }

    /// With the lock held.
    fn count(&self) {
        // SAFETY: loom checks it.
        self.value.with_mut(|value| unsafe { *value += 1 });
        self.mutex.unlock();
    }

    /// False: cancelled.
    fn lock_and_count(&self, me: &Thread) -> bool {
        let locked = self.mutex.try_lock() || me.block_on(Lock(&self.mutex)).is_some();
        if locked {
            self.count();
        }
        locked
    }

    fn value(&self) -> usize {
        assert!(self.mutex.try_lock(), "it is free");
        // SAFETY: loom checks it.
        let value = self.value.with(|value| unsafe { *value });
        self.mutex.unlock();
        value
    }
}

/// Catches: a lock that two hold, by barging or by a hand-over; one that is let go without a wake-up for who stands in line.
#[test]
fn two_lock_and_one_waits() {
    check_bounded(3, || {
        let counter = Counter::new();
        let theirs = Arc::clone(&counter);
        let other = thread::spawn(move || theirs.lock_and_count(&Thread::new()));
        assert!((0..3).all(|_| counter.lock_and_count(&Thread::new())));
        assert!(other.join().unwrap());
        assert_eq!(counter.value(), 4);
    });
}

/// Catches: a second in line that nobody wakes, a hand-over that goes lost.
#[test]
fn three_lock_and_two_wait() {
    check_bounded(2, || {
        let counter = Counter::new();
        assert!(counter.mutex.try_lock());
        let others = [(); 2].map(|()| {
            let theirs = Arc::clone(&counter);
            thread::spawn(move || assert!(theirs.lock_and_count(&Thread::new())))
        });
        counter.count();
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(counter.value(), 3);
    });
}

/// Catches: a hand-over by one unlock of what another has taken since.
#[test]
fn two_unlocks_and_one_hand_over() {
    check_bounded(3, || {
        let counter = Counter::new();
        assert!(counter.mutex.try_lock());
        let theirs = Arc::clone(&counter);
        let waiter = thread::spawn(move || assert!(theirs.lock_and_count(&Thread::new())));
        let theirs = Arc::clone(&counter);
        let barger = thread::spawn(move || {
            let locked = (0..2).filter(|_| theirs.mutex.try_lock()).map(|_| theirs.count());
            locked.count()
        });
        counter.count();
        let barged = barger.join().unwrap();
        waiter.join().unwrap();
        assert_eq!(counter.value(), 2 + barged);
    });
}

/// Catches: a cancelled waiter that was woken and takes the wake-up with it.
#[test]
fn a_cancel_meets_an_unlock() {
    check_bounded(2, || {
        let counter = Counter::new();
        assert!(counter.mutex.try_lock());
        let cancelled = Thread::new();
        let (me, theirs) = (Arc::clone(&cancelled), Arc::clone(&counter));
        let first = thread::spawn(move || theirs.lock_and_count(&me));
        let theirs = Arc::clone(&counter);
        let second = thread::spawn(move || assert!(theirs.lock_and_count(&Thread::new())));
        cancelled.cancel();
        counter.count();
        let locked = first.join().unwrap();
        second.join().unwrap();
        assert_eq!(counter.value(), 2 + usize::from(locked));
    });
}
