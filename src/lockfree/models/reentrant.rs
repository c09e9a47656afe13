use loom::{cell::UnsafeCell, sync::Arc, thread};

use super::{
    check_bounded,
    waiting::{InLine, Thread},
};
use crate::lockfree::reentrant::Reentrant;

struct Counter {
    lock: Reentrant<InLine>,
    value: UnsafeCell<usize>,
}

// SAFETY: the value is guarded by the lock, which is what loom checks here.
unsafe impl Sync for Counter {}
// SAFETY: as above.
unsafe impl Send for Counter {}

impl Counter {
    fn lock(&self, me: u64) {
        if !self.lock.try_lock(me) {
            assert!(Thread::new().block_on(self.lock.lock()).is_some());
            self.lock.own(me);
        }
    }

    /// Counts up with two locks held, and again with one.
    fn count(&self, me: u64) {
        self.lock(me);
        self.lock(me);
        self.up();
        self.lock.unlock();
        self.up();
        self.lock.unlock();
    }

    fn up(&self) {
        // SAFETY: loom checks it.
        self.value.with_mut(|value| unsafe { *value += 1 });
    }
}

/// Catches: one that takes another's lock for its own; an inner unlock that lets go; an owner or a count left behind.
#[test]
fn two_lock_twice_each() {
    check_bounded(3, || {
        let counter = Arc::new(Counter { lock: Reentrant::new(), value: UnsafeCell::new(0) });
        let theirs = Arc::clone(&counter);
        let other = thread::spawn(move || theirs.count(1));
        counter.count(2);
        counter.count(2);
        other.join().unwrap();
        assert!(counter.lock.try_lock(3), "it is free");
        // SAFETY: loom checks it.
        assert_eq!(counter.value.with(|value| unsafe { *value }), 6);
    });
}
