use loom::{
    model,
    sync::{Arc, Mutex},
    thread,
};

use super::{Bell, check_bounded};
use crate::lockfree::readiness::{Readiness, Told};

/// One direction of a source, as `reactor::Side`, and the kernel behind it.
struct Side {
    readiness: Readiness,
    waiters: Mutex<Vec<Arc<Bell>>>,
    /// How many bytes wait in the kernel, and whether the end of file came.
    kernel: Mutex<(usize, bool)>,
}

/// What a read gave.
enum Read {
    Some { short: bool },
    End,
    WouldBlock,
}

impl Side {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            readiness: Readiness::new(),
            waiters: Mutex::new(Vec::new()),
            kernel: Mutex::new((0, false)),
        })
    }

    /// A byte comes, the poller tells of it.
    fn byte(&self) {
        self.kernel.lock().unwrap().0 += 1;
        self.wake(self.readiness.set());
    }

    /// The last byte comes with the end of file: one event for both.
    fn byte_and_end(&self) {
        *self.kernel.lock().unwrap() = (1, true);
        self.wake(self.readiness.close());
    }

    fn wake(&self, told: Told) {
        if told == Told::Nobody {
            return;
        }
        for waiter in self.waiters.lock().unwrap().drain(..) {
            waiter.ring();
        }
    }

    /// Reads one byte into a buffer of `room`.
    fn read(&self, room: usize) -> Read {
        let mut kernel = self.kernel.lock().unwrap();
        match &mut *kernel {
            (0, true) => Read::End,
            (0, false) => Read::WouldBlock,
            (bytes, _) => {
                *bytes -= 1;
                Read::Some { short: room > 1 }
            }
        }
    }

    /// As `Source::retry` with `Wait::park`: false at the end of file.
    fn retry(&self, room: usize) -> bool {
        loop {
            let seen = self.readiness.load();
            if seen.is_ready() {
                match self.read(room) {
                    Read::Some { short } => {
                        // The kernel gave all it had only if nothing is left: a short read says so.
                        if short && self.kernel.lock().unwrap().0 == 0 {
                            self.readiness.clear_short(seen);
                        }
                        return true;
                    }
                    Read::End => return false,
                    Read::WouldBlock => self.readiness.clear(seen),
                }
            }
            let bell = Arc::new(Bell::new());
            {
                let mut waiters = self.waiters.lock().unwrap();
                if !self.readiness.await_event() {
                    continue;
                }
                waiters.push(Arc::clone(&bell));
            }
            bell.wait();
            // As `Side::leave_line`: `WAITED` gone says that the line is, or is about to be.
            if self.readiness.load().is_waited() {
                self.waiters.lock().unwrap().retain(|waiter| !Arc::ptr_eq(waiter, &bell));
            }
        }
    }
}

/// Catches: an event between the look and the line (no second look under the lock).
#[test]
fn an_event_and_a_wait_meet() {
    model(|| {
        let side = Side::new();
        let theirs = Arc::clone(&side);
        let poller = thread::spawn(move || theirs.byte());
        assert!(side.retry(1));
        poller.join().unwrap();
    });
}

/// Catches: a clear that takes away an event that came after the call it belongs to (no tick, or an unconditional
/// clear), after a call that would block and after a short one.
#[test]
fn a_clear_leaves_a_later_event_alone() {
    for room in [1, 2] {
        check_bounded(4, move || {
            let side = Side::new();
            let theirs = Arc::clone(&side);
            let poller = thread::spawn(move || {
                theirs.byte();
                theirs.byte();
            });
            assert!(side.retry(room));
            assert!(side.retry(room));
            poller.join().unwrap();
        });
    }
}

/// Catches: a clear by one reader that takes the event of another away.
#[test]
fn two_readers_of_one_source() {
    check_bounded(2, || {
        let side = Side::new();
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let side = Arc::clone(&side);
                thread::spawn(move || assert!(side.retry(2)))
            })
            .collect();
        side.byte();
        side.byte();
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

/// Catches: an end of file that came with the last byte, and is forgotten with it.
#[test]
fn the_end_stays_known_after_a_short_read() {
    model(|| {
        let side = Side::new();
        let theirs = Arc::clone(&side);
        let poller = thread::spawn(move || theirs.byte_and_end());
        assert!(side.retry(2));
        assert!(!side.retry(2));
        poller.join().unwrap();
    });
}
