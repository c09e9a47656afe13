use loom::{
    model,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use crate::lockfree::{
    doorbell::{Asleep, Bed, Doorbell, Rung},
    idle_set::IdleSet,
};

struct Workers {
    idle: IdleSet,
    /// Of the first worker.
    bell: Doorbell,
    /// The injector with one place. Relaxed: what orders it is the doorbell.
    thing: AtomicBool,
}

impl Workers {
    /// As `RuntimeShared::spawn`. Returns who was picked first and who was called afterwards.
    fn give(&self) -> (Option<usize>, Option<usize>) {
        let picked = self.idle.pick();
        if picked == Some(1) {
            return (picked, None); // which sleeps, and finds it
        }
        (picked, self.give_to_the_first())
    }

    /// As `RuntimeShared::give`. Returns who was called afterwards.
    fn give_to_the_first(&self) -> Option<usize> {
        self.thing.store(true, Relaxed);
        match self.bell.ring() {
            Rung::Nothing => self.idle.pick_unless_watched(),
            Rung::WakePoller | Rung::WakeWord => None,
        }
    }

    /// The first worker sleeps, and its timer wakes it to something that takes long. Whether it has seen the thing before.
    fn get_busy(&self) -> bool {
        self.idle.enter(0);
        if self.bell.fall_asleep(Bed::Poller) == Asleep::Yes {
            self.bell.wake_up();
        }
        self.idle.leave(0);
        self.sees_the_thing()
    }

    /// The same, of one that watches.
    fn get_busy_after_a_watch(&self) -> bool {
        if self.bell.fall_asleep(Bed::Poller) == Asleep::Yes {
            self.bell.wake_up();
        }
        self.idle.stop_watching();
        self.sees_the_thing()
    }

    /// What it does before it runs anything.
    fn sees_the_thing(&self) -> bool {
        if !self.bell.rang() {
            return false;
        }
        self.bell.answer();
        self.thing.load(Relaxed)
    }
}

/// Catches: who was picked as an idle one, and had begun something else before the thing was before its door; nobody else
/// was called for it, because it had been picked.
#[test]
fn what_is_given_to_one_that_gets_busy_is_seen_by_it_or_another_is_called() {
    model(|| {
        let workers =
            Arc::new(Workers { idle: IdleSet::new(2), bell: Doorbell::new(), thing: AtomicBool::new(false) });
        workers.idle.enter(1);
        let theirs = Arc::clone(&workers);
        let giver = thread::spawn(move || theirs.give());
        let seen = workers.get_busy();
        let (picked, called) = giver.join().unwrap();
        assert!(seen || picked == Some(1) || called == Some(1), "the second one sleeps beside it");
    });
}

/// Catches: what is given to one that watches no more, when nobody else was called because it had watched.
#[test]
fn what_is_given_to_a_watcher_that_gets_busy_is_seen_by_it_or_another_is_called() {
    model(|| {
        let workers =
            Arc::new(Workers { idle: IdleSet::new(2), bell: Doorbell::new(), thing: AtomicBool::new(false) });
        workers.idle.enter(1);
        assert!(workers.idle.watch(0));
        let theirs = Arc::clone(&workers);
        let giver = thread::spawn(move || theirs.give_to_the_first());
        let seen = workers.get_busy_after_a_watch();
        let called = giver.join().unwrap();
        assert!(seen || called == Some(1), "the second one sleeps beside it");
    });
}
