use loom::{cell::UnsafeCell, model, sync::Arc, thread};

use crate::lockfree::spin::Byte;

struct Counter {
    lock: Byte,
    value: UnsafeCell<usize>,
}

// SAFETY: the value is guarded by the lock, which is what loom checks here.
unsafe impl Sync for Counter {}
// SAFETY: as above.
unsafe impl Send for Counter {}

impl Counter {
    fn count(&self) -> usize {
        // SAFETY: the value is touched here only.
        unsafe {
            self.lock.with(&self.value, |value| {
                *value += 1;
                *value
            })
        }
    }
}

/// Catches: a lock that two hold, one that is let go without a release or taken without an acquire.
#[test]
fn two_take_the_lock() {
    model(|| {
        let counter = Arc::new(Counter { lock: Byte::new(), value: UnsafeCell::new(0) });
        let theirs = Arc::clone(&counter);
        let other = thread::spawn(move || theirs.count());
        let mine = counter.count();
        let theirs = other.join().unwrap();
        assert_eq!(mine + theirs, 3);
    });
}
