use loom::{cell::UnsafeCell, sync::Arc, thread};

use super::{
    check_bounded,
    waiting::{InLine, Thread},
};
use crate::lockfree::once::{Await, End, Once, Start, Until};

struct Cell {
    once: Once<InLine>,
    value: UnsafeCell<usize>,
}

// SAFETY: the value is written by the runner and read when it is complete, which is what loom checks here.
unsafe impl Sync for Cell {}
// SAFETY: as above.
unsafe impl Send for Cell {}

impl Cell {
    fn new() -> Arc<Self> {
        Arc::new(Self { once: Once::new(), value: UnsafeCell::new(0) })
    }

    /// As the runtime's: `Some(true)` if it ran, `None` if it was cancelled.
    fn call(&self, me: &Thread, end: End) -> Option<bool> {
        loop {
            match self.once.start(true) {
                Start::Run { .. } => {
                    self.run(end);
                    return Some(true);
                }
                Start::Complete => {
                    self.look();
                    return Some(false);
                }
                Start::Wait => me.block_on(Await(&self.once, Until::Idle))?,
                Start::Poisoned => unreachable!("it does not mind"),
            }
        }
    }

    /// False: cancelled.
    fn wait(&self, me: &Thread, until: Until) -> bool {
        self.once.is_complete() || me.block_on(Await(&self.once, until)).is_some()
    }

    /// By the runner.
    fn run(&self, end: End) {
        // SAFETY: loom checks it.
        self.value.with_mut(|value| unsafe { *value += 1 });
        self.once.finish(end);
    }

    /// How often it was run, once it is complete.
    fn look(&self) -> usize {
        assert!(self.once.is_complete());
        // SAFETY: loom checks it.
        self.value.with(|value| unsafe { *value })
    }
}

/// Catches: two runs, a caller that goes on before the end, one in line that is not woken.
#[test]
fn three_call_and_one_runs() {
    check_bounded(2, || {
        let cell = Cell::new();
        let others = [(); 2].map(|()| {
            let theirs = Arc::clone(&cell);
            thread::spawn(move || theirs.call(&Thread::new(), End::Complete).unwrap())
        });
        let mine = cell.call(&Thread::new(), End::Complete).unwrap();
        let ran = others.map(|other| other.join().unwrap());
        assert_eq!(usize::from(mine) + ran.into_iter().filter(|&ran| ran).count(), 1);
        assert_eq!(cell.look(), 1);
    });
}

/// Catches: a run begun or ended without a look at those who were in line before it began.
#[test]
fn one_waits_and_one_calls() {
    check_bounded(3, || {
        let cell = Cell::new();
        let theirs = Arc::clone(&cell);
        let waiter = thread::spawn(move || {
            assert!(theirs.wait(&Thread::new(), Until::Complete));
            theirs.look()
        });
        assert_eq!(cell.call(&Thread::new(), End::Complete), Some(true));
        assert_eq!(waiter.join().unwrap(), 1);
    });
}

/// Catches: an interrupted run whose line is left there, callers and those who only wait alike.
#[test]
fn a_run_is_interrupted_and_the_next_one_runs() {
    check_bounded(2, || {
        let cell = Cell::new();
        assert_eq!(cell.once.start(false), Start::Run { poisoned: false });
        let theirs = Arc::clone(&cell);
        let caller =
            thread::spawn(move || assert_eq!(theirs.call(&Thread::new(), End::Complete), Some(true)));
        let theirs = Arc::clone(&cell);
        let waiter = thread::spawn(move || {
            let me = Thread::new();
            while !theirs.once.is_complete() {
                assert!(theirs.wait(&me, Until::Complete));
            }
            theirs.look()
        });
        cell.run(End::Interrupted);
        caller.join().unwrap();
        assert_eq!(waiter.join().unwrap(), 2);
    });
}

/// Catches: one that minds the poison and is not told of it; a start that loses those in line.
#[test]
fn a_run_is_poisoned_and_another_is_forced() {
    check_bounded(2, || {
        let cell = Cell::new();
        assert_eq!(cell.once.start(false), Start::Run { poisoned: false });
        let theirs = Arc::clone(&cell);
        let waiter = thread::spawn(move || assert!(theirs.wait(&Thread::new(), Until::Ended)));
        let theirs = Arc::clone(&cell);
        let caller = thread::spawn(move || theirs.call(&Thread::new(), End::Complete).unwrap());
        cell.run(End::Poisoned);
        waiter.join().unwrap();
        assert!(caller.join().unwrap());
        assert_eq!(cell.look(), 2);
    });
}

/// Catches: a cancelled waiter that leaves the mark of a line behind, or takes it from those who stay.
#[test]
fn a_cancel_meets_the_end() {
    check_bounded(2, || {
        let cell = Cell::new();
        assert_eq!(cell.once.start(false), Start::Run { poisoned: false });
        let cancelled = Thread::new();
        let (me, theirs) = (Arc::clone(&cancelled), Arc::clone(&cell));
        let first = thread::spawn(move || theirs.wait(&me, Until::Complete));
        let theirs = Arc::clone(&cell);
        let second =
            thread::spawn(move || assert_eq!(theirs.call(&Thread::new(), End::Complete), Some(false)));
        cancelled.cancel();
        cell.run(End::Complete);
        second.join().unwrap();
        if first.join().unwrap() {
            assert_eq!(cell.look(), 1);
        }
    });
}
