use std::pin::pin;

use loom::{cell::UnsafeCell, model, sync::Arc, thread};

use super::{
    check_bounded,
    event::{Onlooker, is_woken},
    waiting::{InLine, Thread},
};
use crate::lockfree::{
    barrier::{Arrive, Barrier, Part},
    wait_list::Operation,
};

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

/// Catches: one that leaves when its round is complete and its batch has not come, and is taken for one of the next round.
#[test]
fn one_leaves_between_the_batches_of_a_round() {
    model(|| {
        let barrier = Arc::new(Barrier::<Onlooker>::new(3));
        let arrive = |arrivals: &mut [Arrive<'_, Onlooker>]| {
            arrivals
                .iter_mut()
                .map(|arrive| {
                    let node = Box::pin(Onlooker::node(arrive));
                    (arrive.begin(node.as_ref()), node)
                })
                .collect::<Vec<_>>()
        };
        let mut early = [Arrive(&*barrier), Arrive(&*barrier)];
        let in_line = arrive(&mut early);
        let theirs = Arc::clone(&barrier);
        let last = thread::spawn(move || {
            let mut arrive = Arrive(&*theirs);
            let node = pin!(Onlooker::node(&mut arrive));
            arrive.begin(node.as_ref()).or_else(|| arrive.give_up(node.as_ref()))
        });
        let left = early[1].give_up(in_line[1].1.as_ref());
        let led = last.join().unwrap() == Some(Part::Leader);
        assert_eq!(left.is_some(), led, "it has passed, or it counts no more");
        assert_eq!(is_woken(in_line[0].1.as_ref()), led);
        if led {
            let mut next = [(); 3].map(|()| Arrive(&*barrier));
            let next = arrive(&mut next);
            assert!(next.iter().map(|(part, _)| *part).eq([None, None, Some(Part::Leader)]));
            assert!(next[..2].iter().all(|(_, node)| is_woken(node.as_ref())));
        }
    });
}

/// Catches: an arrival of the next round that is woken with this one.
#[test]
fn who_comes_between_the_batches_of_a_round_waits_for_the_next() {
    model(|| {
        let barrier = Arc::new(Barrier::<Onlooker>::new(3));
        let arrive = |barrier: &Barrier<Onlooker>| {
            let mut arrive = Arrive(barrier);
            let node = Box::pin(Onlooker::node(&mut arrive));
            (arrive.begin(node.as_ref()), node)
        };
        let early = [arrive(&barrier), arrive(&barrier)];
        let theirs = Arc::clone(&barrier);
        let other = thread::spawn(move || arrive(&theirs));
        let one = arrive(&barrier);
        let other = other.join().unwrap();
        let (leader, late) = if one.0.is_some() { (one.0, other) } else { (other.0, one) };
        assert_eq!((leader, late.0), (Some(Part::Leader), None));
        assert!(early.iter().all(|(_, node)| is_woken(node.as_ref())));
        assert!(!is_woken(late.1.as_ref()));
    });
}
