use loom::{cell::UnsafeCell, sync::Arc, thread};

use super::{
    check_bounded,
    waiting::{InLine, Thread},
};
use crate::lockfree::barrier::{Arrive, Barrier, Part};

/// Catches: a round whose arrivals nobody wakes, two leaders, an arrival of the next round that is woken with this one.
#[test]
fn two_meet_twice() {
    check_bounded(3, || {
        let barrier = Arc::new(Barrier::new(2));
        let theirs = Arc::clone(&barrier);
        let twice = |barrier: &Barrier<InLine>| {
            let me = Thread::new();
            [(); 2].map(|()| me.block_on(Arrive(barrier)) == Some(Part::Leader))
        };
        let other = thread::spawn(move || twice(&theirs));
        let (mine, others) = (twice(&barrier), other.join().unwrap());
        assert!(mine[0] != others[0] && mine[1] != others[1]);
    });
}

/// Catches: an arrival whose work is not visible to who passes.
#[test]
fn who_passes_sees_the_others_work() {
    struct Work([UnsafeCell<u32>; 2], Barrier<InLine>);
    // SAFETY: each cell is written by one before the barrier and read by all after it, which is what loom checks here.
    unsafe impl Sync for Work {}
    check_bounded(3, || {
        let work = Arc::new(Work([(); 2].map(|()| UnsafeCell::new(0)), Barrier::new(2)));
        let theirs = Arc::clone(&work);
        let meet = |work: &Work, i: usize| {
            // SAFETY: loom checks it.
            work.0[i].with_mut(|cell| unsafe { *cell = 1 });
            Thread::new().block_on(Arrive(&work.1));
            // SAFETY: loom checks it.
            work.0.each_ref().map(|cell| cell.with(|cell| unsafe { *cell }))
        };
        let other = thread::spawn(move || meet(&theirs, 0));
        assert_eq!(meet(&work, 1), [1, 1]);
        assert_eq!(other.join().unwrap(), [1, 1]);
    });
}

/// Catches: a cancelled waiter that still counts, or one that has passed and is not counted.
#[test]
fn a_cancel_meets_the_last() {
    check_bounded(3, || {
        let barrier = Arc::new(Barrier::new(2));
        let cancelled = Thread::new();
        let arrive = |me: Arc<Thread>| {
            let theirs = Arc::clone(&barrier);
            thread::spawn(move || me.block_on(Arrive(&*theirs)))
        };
        let first = arrive(Arc::clone(&cancelled));
        let second = arrive(Thread::new());
        cancelled.cancel();
        let first = first.join().unwrap();
        // If it has left, the second needs another.
        let other = first.or_else(|| Thread::new().block_on(Arrive(&*barrier)));
        let second = second.join().unwrap();
        assert!(other.is_some() && second.is_some() && other != second, "one of them leads");
    });
}
