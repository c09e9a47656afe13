use loom::{
    cell::UnsafeCell,
    model,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use super::{Before, Bell, check_bounded};
use crate::lockfree::park_word::{Await, ParkWord, Prepared, Received, Sent};

/// A green thread and its worker, which are one OS thread.
struct Owner {
    word: ParkWord,
    inbox: Bell,
    before: Before,
}

impl Owner {
    fn new(word: ParkWord) -> Arc<Self> {
        Arc::new(Self { word, inbox: Bell::new(), before: Before::new() })
    }

    fn prepare(&self, what: Await) -> Prepared {
        self.before.the_look();
        self.word.prepare(what)
    }

    fn park_for(&self, what: Await) {
        if self.prepare(what) == Prepared::Park {
            while self.receive() != Received::Schedule {}
        }
    }

    /// As the worker: takes it from the inbox.
    fn receive(&self) -> Received {
        self.inbox.wait();
        self.word.receive()
    }

    fn park(&self) {
        self.park_for(Await::Wakeup);
    }

    /// As one of another OS thread. (Its place in the inbox is there once: `schedule` checks it.)
    fn send(&self, say: fn(&ParkWord) -> Sent) {
        self.before.the_move();
        match say(&self.word) {
            Sent::Push => self.inbox.schedule(),
            Sent::WakeFutex => panic!("it is not in place"),
            Sent::Nothing => {}
        }
    }
}

/// Catches: a wake-up that falls between the look and the park; one that does not carry what came before it
/// (`Relaxed` in a transition).
#[test]
fn unpark_and_prepare_meet() {
    model(|| {
        let shared = Arc::new((Owner::new(ParkWord::running()), UnsafeCell::new(0)));
        let theirs = Arc::clone(&shared);
        let waker = thread::spawn(move || {
            let (owner, data) = &*theirs;
            // SAFETY: loom checks it.
            data.with_mut(|data| unsafe { *data = 1 });
            owner.send(ParkWord::unpark);
        });
        let (owner, data) = &*shared;
        owner.park();
        // SAFETY: loom checks it.
        data.with(|data| assert_eq!(unsafe { *data }, 1));
        waker.join().unwrap();
    });
}

/// Catches: two places in the inbox; a second wake-up that is dropped with what came before it (a `send` that does not
/// write when it finds `WAKE`).
#[test]
fn two_unparkers_one_pushes_and_both_are_heard() {
    check_bounded(3, || {
        let owner = Owner::new(ParkWord::running());
        let said: Arc<[AtomicBool; 2]> = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        let wakers: Vec<_> = (0..2)
            .map(|i| {
                let (owner, said) = (Arc::clone(&owner), Arc::clone(&said));
                thread::spawn(move || {
                    said[i].store(true, Relaxed);
                    owner.send(ParkWord::unpark);
                })
            })
            .collect();
        while !said.iter().all(|one| one.load(Relaxed)) {
            owner.park();
        }
        wakers.into_iter().for_each(|waker| waker.join().unwrap());
    });
}

/// Catches: a cancel that falls between the owner's look for it and its park, and wakes nobody.
#[test]
fn cancel_and_prepare_meet() {
    model(|| {
        let owner = Owner::new(ParkWord::running());
        let theirs = Arc::clone(&owner);
        let canceller = thread::spawn(move || theirs.send(ParkWord::cancel));
        // As `park_green`, in the loop that every caller has.
        while !owner.word.is_cancelled() {
            owner.park();
        }
        canceller.join().unwrap();
    });
}

/// Catches: a cancel that makes a shielded owner run for ever instead of parking (one permit, no more), or takes a
/// wake-up away.
#[test]
fn a_shielded_owner_parks_on_after_a_cancel() {
    check_bounded(3, || {
        let owner = Owner::new(ParkWord::running());
        let said = Arc::new(AtomicBool::new(false));
        let canceller = thread::spawn({
            let owner = Arc::clone(&owner);
            move || owner.send(ParkWord::cancel)
        });
        let waker = thread::spawn({
            let (owner, said) = (Arc::clone(&owner), Arc::clone(&said));
            move || {
                said.store(true, Relaxed);
                owner.send(ParkWord::unpark);
            }
        });
        let mut parks = 0;
        while !said.load(Relaxed) {
            owner.park();
            parks += 1;
        }
        assert!(parks <= 2, "a cancel ends one park at most");
        canceller.join().unwrap();
        waker.join().unwrap();
        assert!(owner.word.is_cancelled());
    });
}

/// Catches: more or fewer than one that queues the owner, of a deadline, a wake-up of its own worker's, and what others
/// send.
#[test]
fn of_those_who_end_a_park_one_queues_the_owner() {
    check_bounded(3, || {
        let owner = Owner::new(ParkWord::running());
        let moves: [fn(&ParkWord) -> Sent; 2] = [ParkWord::unpark, ParkWord::cancel];
        let rivals = moves.map(|wake| {
            let owner = Arc::clone(&owner);
            thread::spawn(move || owner.send(wake))
        });
        let parked = owner.prepare(Await::Wakeup) == Prepared::Park;
        // Its worker's timer, and another green thread there.
        let mut queued = usize::from(owner.word.expire()) + usize::from(owner.word.unpark_here());
        rivals.into_iter().for_each(|rival| rival.join().unwrap());
        while owner.inbox.is_ringing() {
            queued += usize::from(owner.receive() == Received::Schedule);
        }
        assert_eq!(queued, usize::from(parked));
        assert!(owner.word.is_cancelled() && !owner.word.is_parked());
    });
}

/// Catches: the user's token ending a wait of the runtime's own, or being lost beside one.
#[test]
fn a_token_waits_for_the_park_that_wants_it() {
    check_bounded(3, || {
        let owner = Owner::new(ParkWord::running());
        let woken = Arc::new(AtomicBool::new(false));
        let user = thread::spawn({
            let owner = Arc::clone(&owner);
            move || owner.send(ParkWord::unpark_with_token)
        });
        let waker = thread::spawn({
            let (owner, woken) = (Arc::clone(&owner), Arc::clone(&woken));
            move || {
                woken.store(true, Relaxed);
                owner.send(ParkWord::unpark);
            }
        });
        // A wait of the runtime's own: only the wake-up ends it.
        owner.park();
        assert!(woken.load(Relaxed), "the token ended it");
        // The user's: the token ends it, before or after.
        owner.park_for(Await::Token);
        user.join().unwrap();
        waker.join().unwrap();
        assert_eq!(owner.word.prepare(Await::Token), Prepared::Park, "it was there twice");
    });
}

/// Catches: a token that is lost when a wake-up of the runtime's own ends the wait for it.
#[test]
fn a_wake_up_does_not_eat_the_token() {
    check_bounded(3, || {
        let owner = Owner::new(ParkWord::running());
        let given = Arc::new(AtomicBool::new(false));
        let user = thread::spawn({
            let (owner, given) = (Arc::clone(&owner), Arc::clone(&given));
            move || {
                given.store(true, Relaxed);
                owner.send(ParkWord::unpark_with_token);
            }
        });
        let waker = thread::spawn({
            let owner = Arc::clone(&owner);
            move || owner.send(ParkWord::unpark)
        });
        while !given.load(Relaxed) {
            owner.park_for(Await::Token);
        }
        user.join().unwrap();
        waker.join().unwrap();
    });
}

/// Catches: a cancel before the first run that is neither seen by it nor after it; a wake-up that is lost on a fresh
/// one, or on one that has not settled.
#[test]
fn a_fresh_one_begins_while_it_is_woken_and_cancelled() {
    check_bounded(3, || {
        let owner = Owner::new(ParkWord::fresh());
        let said = Arc::new(AtomicBool::new(false));
        let waker = thread::spawn({
            let (owner, said) = (Arc::clone(&owner), Arc::clone(&said));
            move || {
                said.store(true, Relaxed);
                owner.send(ParkWord::unpark);
            }
        });
        let canceller = thread::spawn({
            let owner = Arc::clone(&owner);
            move || owner.send(ParkWord::cancel)
        });
        owner.word.begin();
        if !owner.word.is_cancelled() {
            owner.word.settle();
            while !said.load(Relaxed) && !owner.word.is_cancelled() {
                owner.park();
            }
        }
        waker.join().unwrap();
        canceller.join().unwrap();
        assert!(owner.word.is_cancelled() && !owner.word.is_fresh());
    });
}

/// Catches: one that is freed while who has turned `QUEUED` on is about to push it.
#[test]
fn one_that_has_left_lives_until_it_is_received() {
    check_bounded(3, || {
        let shared = Arc::new((Owner::new(ParkWord::running()), UnsafeCell::new(())));
        let wakers: Vec<_> = (0..2)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let (owner, core) = &*shared;
                    owner.before.the_move();
                    if owner.word.unpark() == Sent::Push {
                        // What stands with the core, for the way to the inbox.
                        core.with(|_| ());
                        owner.inbox.schedule();
                    }
                })
            })
            .collect();
        let (owner, core) = &*shared;
        owner.park();
        owner.before.the_look();
        if owner.word.leave() {
            while owner.receive() != Received::Left {}
        }
        core.with_mut(|_| ());
        wakers.into_iter().for_each(|waker| waker.join().unwrap());
    });
}

/// The kernel's side of a futex: it compares and queues in one step.
struct Futex(Mutex<()>, Condvar);

impl Futex {
    fn new() -> Self {
        Self(Mutex::new(()), Condvar::new())
    }

    fn wait(&self, word: &ParkWord, what: Await) {
        let guard = self.0.lock().unwrap();
        if word.futex(what).is_some() {
            drop(self.1.wait(guard).unwrap());
        }
    }

    fn wake(&self) {
        drop(self.0.lock().unwrap());
        self.1.notify_one();
    }

    /// As `sleep_on`.
    fn sleep_on(&self, word: &ParkWord, what: Await) {
        if word.prepare_in_place(what) == Prepared::Park {
            while word.futex(what).is_some() {
                self.wait(word, what);
            }
            assert!(word.end_in_place(what));
        }
    }
}

/// Catches: an owner that sleeps in place and is not told, or is put into an inbox where nobody looks.
#[test]
fn in_place_who_sends_wakes_the_futex() {
    check_bounded(3, || {
        let shared = Arc::new((ParkWord::of_os_thread(), Futex::new()));
        let said: Arc<[AtomicBool; 2]> = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        let moves: [fn(&ParkWord) -> Sent; 2] = [ParkWord::unpark, ParkWord::cancel];
        let wakers: Vec<_> = moves
            .into_iter()
            .enumerate()
            .map(|(i, wake)| {
                let (shared, said) = (Arc::clone(&shared), Arc::clone(&said));
                thread::spawn(move || {
                    said[i].store(true, Relaxed);
                    match wake(&shared.0) {
                        Sent::WakeFutex => shared.1.wake(),
                        Sent::Push => panic!("nobody looks there"),
                        Sent::Nothing => {}
                    }
                })
            })
            .collect();
        let (word, futex) = &*shared;
        while !said.iter().all(|one| one.load(Relaxed)) {
            futex.sleep_on(word, Await::Wakeup);
        }
        wakers.into_iter().for_each(|waker| waker.join().unwrap());
    });
}

/// Catches: a green thread that sleeps in place and is pushed and not told; a token that comes meanwhile and is lost to the
/// park that wants it.
#[test]
fn a_green_thread_sleeps_in_place_and_then_parks() {
    check_bounded(3, || {
        let shared = Arc::new((Owner::new(ParkWord::running()), Futex::new()));
        let moves: [fn(&ParkWord) -> Sent; 2] = [ParkWord::unpark, ParkWord::unpark_with_token];
        let wakers = moves.map(|wake| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let (owner, futex) = &*shared;
                owner.before.the_move();
                match wake(&owner.word) {
                    Sent::WakeFutex => futex.wake(),
                    Sent::Push => owner.inbox.schedule(),
                    Sent::Nothing => {}
                }
            })
        });
        let (owner, futex) = &*shared;
        owner.before.the_look();
        futex.sleep_on(&owner.word, Await::Wakeup);
        owner.park_for(Await::Token);
        wakers.into_iter().for_each(|waker| waker.join().unwrap());
    });
}
