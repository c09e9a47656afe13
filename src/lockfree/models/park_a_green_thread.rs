use std::ptr::NonNull;

use loom::{cell::UnsafeCell, sync::Arc, thread};

use super::{Before, Bell, check_bounded};
use crate::lockfree::{
    doorbell::{Asleep, Bed, Doorbell, Rung},
    inbox::{Inbox, Link, Linked},
    park_word::{Await, ParkWord, Prepared, Received, Sent},
};

/// A green thread, as `task::Core`.
struct Core {
    park: ParkWord,
    link: Link<Core>,
    before: Before,
    said: [UnsafeCell<bool>; 2],
}

// SAFETY: loom checks the accesses to `said`.
unsafe impl Sync for Core {}
// SAFETY: as above.
unsafe impl Send for Core {}

// SAFETY: the link is a field.
unsafe impl Linked for Core {
    fn link(&self) -> &Link<Core> {
        &self.link
    }
}

/// Its worker, as `WorkerShared`.
struct Worker {
    bell: Doorbell,
    inbox: Inbox<Core>,
    poller: Bell,
}

impl Worker {
    /// As `worker::hand_over`, which holds the worker by itself.
    fn hand_over(&self, core: &Core) {
        // SAFETY: the caller has turned `QUEUED` on, so the green thread is in no inbox and lives until it is taken.
        unsafe { self.inbox.push(NonNull::from(core)) };
        if self.bell.ring() == Rung::WakePoller {
            self.poller.ring();
        }
    }

    /// The scheduler, from the switch to the resume: what is taken must be the one that is parked, once.
    fn run_until_resumed(&self, parked: &Core) {
        loop {
            if self.bell.rang() {
                self.bell.answer();
                let mut queued = 0;
                let mut taken = 0;
                for core in self.inbox.take() {
                    assert!(std::ptr::eq(core.as_ptr(), parked));
                    taken += 1;
                    queued += usize::from(parked.park.receive() == Received::Schedule);
                }
                assert!(taken <= 1, "it stands in the inbox twice");
                if queued == 1 {
                    return;
                }
            }
            if self.bell.fall_asleep(Bed::Poller) == Asleep::Yes {
                self.poller.wait_for_all();
                self.bell.wake_up();
            }
        }
    }
}

/// The whole way: prepare, switch, an unpark from elsewhere that pushes and rings, the worker that drains and resumes.
///
/// Catches: a wake-up that is lost anywhere on it; a green thread that is resumed twice, or without seeing what its
/// waker did; a core that the inbox touches when it is gone (a second park pushes the same link again).
fn parks(rounds: usize, preemptions: usize) {
    check_bounded(preemptions, move || {
        let worker = Arc::new(Worker { bell: Doorbell::new(), inbox: Inbox::new(), poller: Bell::new() });
        let core = Arc::new(Core {
            park: ParkWord::running(),
            link: Link::new(),
            before: Before::new(),
            said: [UnsafeCell::new(false), UnsafeCell::new(false)],
        });
        for round in 0..rounds {
            let (theirs, task) = (Arc::clone(&worker), Arc::clone(&core));
            let waker = thread::spawn(move || {
                // SAFETY: loom checks it.
                task.said[round].with_mut(|said| unsafe { *said = true });
                task.before.the_move();
                if task.park.unpark() == Sent::Push {
                    theirs.hand_over(&task);
                }
            });
            core.before.the_look();
            if core.park.prepare(Await::Wakeup) == Prepared::Park {
                worker.run_until_resumed(&core);
            }
            // SAFETY: loom checks it.
            core.said[round].with(|said| assert!(unsafe { *said }));
            if round + 1 == rounds {
                waker.join().unwrap();
            }
        }
    });
}

#[test]
fn a_remote_unpark_resumes_it() {
    parks(1, 5);
}

#[test]
fn it_parks_and_is_unparked_again() {
    parks(2, 3);
}
