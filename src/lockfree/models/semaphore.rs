use loom::{
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::{
    check_bounded,
    waiting::{InLine, Thread},
};
use crate::lockfree::semaphore::{Acquire, Semaphore};

/// A semaphore, and how many of its permits are out.
struct Room {
    semaphore: Semaphore<InLine>,
    size: usize,
    inside: AtomicUsize,
    /// Touched by one who has all permits.
    value: UnsafeCell<usize>,
}

// SAFETY: the value is guarded by the permits, which is what loom checks here.
unsafe impl Sync for Room {}
// SAFETY: as above.
unsafe impl Send for Room {}

impl Room {
    fn new(size: usize) -> Arc<Self> {
        let semaphore = Semaphore::new(size);
        Arc::new(Self { semaphore, size, inside: AtomicUsize::new(0), value: UnsafeCell::new(0) })
    }

    fn visit(&self, n: usize, me: &Thread) -> bool {
        let acquired = self.enter(n, me);
        if acquired {
            self.leave(n);
        }
        acquired
    }

    fn enter(&self, n: usize, me: &Thread) -> bool {
        let semaphore = &self.semaphore;
        let acquired = semaphore.try_acquire(n) || me.block_on(Acquire { semaphore, n }).is_some();
        if acquired {
            assert!(self.inside.fetch_add(n, Relaxed) + n <= self.size, "more than there are permits");
            if n == self.size {
                // SAFETY: loom checks it.
                self.value.with_mut(|value| unsafe { *value += 1 });
            }
        }
        acquired
    }

    fn leave(&self, n: usize) {
        self.inside.fetch_sub(n, Relaxed);
        assert!(self.semaphore.release(n));
    }

    /// Nothing is lost and nobody is in line: else `try_acquire` would not do.
    fn is_as_before(&self) {
        assert_eq!(self.semaphore.available(), self.size);
        assert!(self.semaphore.try_acquire(self.size), "QUEUED was left behind");
    }
}

/// One that acquires, on a thread of its own. True: it was not cancelled.
fn visitor(room: &Arc<Room>, n: usize, me: Arc<Thread>) -> thread::JoinHandle<bool> {
    let room = Arc::clone(room);
    thread::spawn(move || room.visit(n, &me))
}

/// Catches: a release between the look for permits and the line, which the waiter and the releaser both miss.
#[test]
fn a_release_meets_one_that_begins_to_wait() {
    check_bounded(3, || {
        let room = Room::new(1);
        let other = visitor(&room, 1, Thread::new());
        assert!((0..3).all(|_| room.visit(1, &Thread::new())));
        assert!(other.join().unwrap());
        room.is_as_before();
    });
}

/// Catches: a release that serves one and leaves the others; a chunk after which nobody comes again. Those who are served
/// keep what they have, so that no later release covers for it.
#[test]
fn one_release_serves_all_who_wait() {
    check_bounded(2, || {
        let room = Room::new(2);
        assert!(room.enter(2, &Thread::new()));
        let others = [(); 2].map(|()| {
            let room = Arc::clone(&room);
            thread::spawn(move || assert!(room.enter(1, &Thread::new())))
        });
        room.leave(2);
        others.into_iter().for_each(|other| other.join().unwrap());
        room.leave(2);
        room.is_as_before();
    });
}

/// Catches: two releases of one permit each, none of which serves the one that wants both.
#[test]
fn two_releases_serve_one_who_wants_both() {
    check_bounded(2, || {
        let room = Room::new(2);
        assert!(room.enter(2, &Thread::new()));
        let waits = visitor(&room, 2, Thread::new());
        let theirs = Arc::clone(&room);
        let releases = thread::spawn(move || theirs.leave(1));
        room.leave(1);
        releases.join().unwrap();
        assert!(waits.join().unwrap());
        room.is_as_before();
    });
}

/// Catches: a cancelled waiter that keeps what it was handed, or takes the service of those behind it along.
#[test]
fn a_cancel_meets_a_release() {
    check_bounded(2, || {
        let room = Room::new(1);
        assert!(room.enter(1, &Thread::new()));
        let cancelled = Thread::new();
        let first = visitor(&room, 1, Arc::clone(&cancelled));
        let second = visitor(&room, 1, Thread::new());
        cancelled.cancel();
        room.leave(1);
        let _ = first.join().unwrap();
        assert!(second.join().unwrap());
        room.is_as_before();
    });
}

/// Catches: one that wants much gives up at the front, and those behind it, for whom there is enough, wait on.
#[test]
fn one_that_wants_much_gives_up_and_the_next_goes_on() {
    check_bounded(2, || {
        let room = Room::new(2);
        assert!(room.enter(1, &Thread::new()));
        let cancelled = Thread::new();
        let much = visitor(&room, 2, Arc::clone(&cancelled));
        let little = visitor(&room, 1, Thread::new());
        cancelled.cancel();
        // It has what it needs only if the other has given up, or had both before: none is released meanwhile.
        assert!(little.join().unwrap());
        assert!(!much.join().unwrap(), "there were never two");
        room.leave(1);
        room.is_as_before();
    });
}

/// Catches: permits that are forgotten and handed out as well.
#[test]
fn permits_are_forgotten_while_they_are_handed_out() {
    check_bounded(2, || {
        let room = Room::new(1);
        assert!(room.enter(1, &Thread::new()));
        let waits = visitor(&room, 1, Thread::new());
        let theirs = Arc::clone(&room);
        let forgets = thread::spawn(move || theirs.semaphore.forget(1));
        room.leave(1);
        let forgotten = forgets.join().unwrap();
        assert!(room.semaphore.add(forgotten));
        assert!(waits.join().unwrap());
        room.is_as_before();
    });
}
