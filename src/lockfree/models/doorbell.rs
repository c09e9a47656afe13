use loom::{
    model,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::{Bell, check_bounded};
use crate::lockfree::doorbell::{Asleep, Bed, Doorbell, Rung};

struct Door {
    bed: Bed,
    bell: Doorbell,
    poller: Bell,
    system_calls: AtomicUsize,
    /// What is put before it. Relaxed: the doorbell has to order it.
    things: Vec<AtomicBool>,
}

impl Door {
    fn new(things: usize, bed: Bed) -> Arc<Self> {
        Arc::new(Self {
            bed,
            bell: Doorbell::new(),
            poller: Bell::new(),
            system_calls: AtomicUsize::new(0),
            things: (0..things).map(|_| AtomicBool::new(false)).collect(),
        })
    }

    fn bring(&self, thing: usize) {
        self.things[thing].store(true, Relaxed);
        // A futex that is woken is a poller that forgets: it looks at the word before it sleeps, so that loses nothing.
        if self.bell.ring() != Rung::Nothing {
            self.system_calls.fetch_add(1, Relaxed);
            self.poller.ring();
        }
    }

    /// As `Worker::run_until`, until everything was found. Looks only when it rang.
    fn work(&self) {
        let mut sleeps = 0;
        loop {
            if self.bell.rang() {
                self.bell.answer();
                if self.things.iter().all(|thing| thing.load(Relaxed)) {
                    break;
                }
            }
            if self.bell.fall_asleep(self.bed) == Asleep::Yes {
                sleeps += 1;
                self.poller.wait_for_all();
                self.bell.wake_up();
            }
        }
        assert!(self.system_calls.load(Relaxed) <= sleeps, "a system call with nobody asleep");
    }
}

fn run(things: usize, bed: Bed) {
    let door = Door::new(things, bed);
    let ringers: Vec<_> = (0..things)
        .map(|thing| {
            let door = Arc::clone(&door);
            thread::spawn(move || door.bring(thing))
        })
        .collect();
    door.work();
    ringers.into_iter().for_each(|ringer| ringer.join().unwrap());
}

/// Catches: a ring that falls between the last look and the sleep; a ring whose thing is not visible after `answer`.
#[test]
fn a_ring_and_falling_asleep_meet() {
    for bed in [Bed::Poller, Bed::Word] {
        model(move || run(1, bed));
    }
}

/// Catches: a second ringer that leaves the wake-up to the first one, which did not make it or made it too early.
#[test]
fn of_two_ringers_one_wakes() {
    check_bounded(3, || run(2, Bed::Poller));
}
