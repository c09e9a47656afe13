use loom::{
    cell::UnsafeCell,
    model,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::{Bell, check_bounded};
use crate::lockfree::park_word::{Mode, ParkWord, Prepared, Unparked};

/// A green thread as its wakers see it.
struct Owner {
    word: ParkWord,
    queue: Bell,
}

impl Owner {
    fn new(word: ParkWord) -> Arc<Self> {
        Arc::new(Self { word, queue: Bell::new() })
    }

    fn stop(&self, prepared: Prepared) {
        if prepared == Prepared::Park {
            self.queue.wait();
        }
    }

    fn park(&self) {
        self.stop(self.word.prepare(Mode::Switch));
    }

    fn deliver(&self, unparked: Unparked) {
        match unparked {
            Unparked::Schedule => self.queue.schedule(),
            Unparked::WakeFutex => panic!("it is not in place"),
            Unparked::Nothing => {}
        }
    }
}

/// Catches: a wake-up that falls between the look and the park; a permit that does not carry what came before it
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
            owner.deliver(owner.word.unpark());
        });
        let (owner, data) = &*shared;
        owner.park();
        // SAFETY: loom checks it.
        data.with(|data| assert_eq!(unsafe { *data }, 1));
        waker.join().unwrap();
    });
}

/// Catches: two winners; a second permit that is dropped with what came before it (an `unpark` that does not write
/// when it finds `NOTIFIED`).
#[test]
fn two_unparkers_one_schedules_and_both_are_heard() {
    check_bounded(3, || {
        let owner = Owner::new(ParkWord::running());
        let said: Arc<[AtomicBool; 2]> = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        let wakers: Vec<_> = (0..2)
            .map(|i| {
                let (owner, said) = (Arc::clone(&owner), Arc::clone(&said));
                thread::spawn(move || {
                    said[i].store(true, Relaxed);
                    owner.deliver(owner.word.unpark());
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
        let canceller = thread::spawn(move || theirs.deliver(theirs.word.cancel()));
        // As `park_green`, in the loop that every caller has.
        while !owner.word.load().is_cancelled() {
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
            move || owner.deliver(owner.word.cancel())
        });
        let waker = thread::spawn({
            let (owner, said) = (Arc::clone(&owner), Arc::clone(&said));
            move || {
                said.store(true, Relaxed);
                owner.deliver(owner.word.unpark());
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
        assert!(owner.word.load().is_cancelled());
    });
}

/// Catches: more or fewer than one winner among a deadline, a cancel and a wake-up.
#[test]
fn of_unpark_cancel_and_expire_one_schedules() {
    check_bounded(3, || {
        let word = Arc::new(ParkWord::running());
        let wins = Arc::new(AtomicUsize::new(0));
        let rival = |wake: fn(&ParkWord) -> Unparked| {
            let (word, wins) = (Arc::clone(&word), Arc::clone(&wins));
            thread::spawn(move || {
                if wake(&word) == Unparked::Schedule {
                    wins.fetch_add(1, Relaxed);
                }
            })
        };
        let rivals = [rival(ParkWord::unpark), rival(ParkWord::cancel)];
        // The owner, and then its worker's timer.
        let parked = word.prepare(Mode::Switch) == Prepared::Park;
        if word.expire() {
            wins.fetch_add(1, Relaxed);
        }
        rivals.into_iter().for_each(|rival| rival.join().unwrap());
        assert_eq!(wins.load(Relaxed), usize::from(parked));
        assert!(word.load().is_cancelled() && !word.load().is_parked());
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
            move || owner.deliver(owner.word.unpark_with_token())
        });
        let waker = thread::spawn({
            let (owner, woken) = (Arc::clone(&owner), Arc::clone(&woken));
            move || {
                woken.store(true, Relaxed);
                owner.deliver(owner.word.unpark());
            }
        });
        // A wait of the runtime's own: only the wake-up ends it.
        owner.park();
        assert!(woken.load(Relaxed), "the token ended it");
        // The user's: the token ends it, before or after.
        owner.stop(owner.word.prepare_for_token(Mode::Switch));
        user.join().unwrap();
        waker.join().unwrap();
        assert!(!owner.word.take_token());
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
                owner.deliver(owner.word.unpark_with_token());
            }
        });
        let waker = thread::spawn({
            let owner = Arc::clone(&owner);
            move || owner.deliver(owner.word.unpark())
        });
        while !given.load(Relaxed) {
            owner.stop(owner.word.prepare_for_token(Mode::Switch));
        }
        user.join().unwrap();
        waker.join().unwrap();
    });
}

/// Catches: a cancel before the first run that is neither seen by it nor after it; a wake-up that is lost on a fresh
/// one.
#[test]
fn a_fresh_one_begins_while_it_is_woken_and_cancelled() {
    check_bounded(3, || {
        let owner = Owner::new(ParkWord::fresh());
        let said = Arc::new(AtomicBool::new(false));
        let waker = thread::spawn({
            let (owner, said) = (Arc::clone(&owner), Arc::clone(&said));
            move || {
                said.store(true, Relaxed);
                owner.deliver(owner.word.unpark());
            }
        });
        let canceller = thread::spawn({
            let owner = Arc::clone(&owner);
            move || owner.deliver(owner.word.cancel())
        });
        if !owner.word.begin().is_cancelled() {
            while !said.load(Relaxed) && !owner.word.load().is_cancelled() {
                owner.park();
            }
        }
        waker.join().unwrap();
        canceller.join().unwrap();
        assert!(owner.word.load().is_cancelled() && !owner.word.load().is_fresh());
    });
}

/// The kernel's side of a futex: it compares and queues in one step.
struct Futex(Mutex<()>, Condvar);

impl Futex {
    fn wait(&self, word: &ParkWord) {
        let guard = self.0.lock().unwrap();
        if word.load().is_parked() {
            drop(self.1.wait(guard).unwrap());
        }
    }

    fn wake(&self) {
        drop(self.0.lock().unwrap());
        self.1.notify_one();
    }
}

/// Catches: an owner that sleeps in place and is not told, or is put into a queue where nobody looks.
#[test]
fn in_place_the_winner_wakes_the_futex() {
    check_bounded(3, || {
        let shared = Arc::new((ParkWord::running(), Futex(Mutex::new(()), Condvar::new())));
        let said: Arc<[AtomicBool; 2]> = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        let moves: [fn(&ParkWord) -> Unparked; 2] = [ParkWord::unpark, ParkWord::cancel];
        let wakers: Vec<_> = moves
            .into_iter()
            .enumerate()
            .map(|(i, wake)| {
                let (shared, said) = (Arc::clone(&shared), Arc::clone(&said));
                thread::spawn(move || {
                    said[i].store(true, Relaxed);
                    match wake(&shared.0) {
                        Unparked::WakeFutex => shared.1.wake(),
                        Unparked::Schedule => panic!("nobody looks there"),
                        Unparked::Nothing => {}
                    }
                })
            })
            .collect();
        let (word, futex) = &*shared;
        // As `sleep_on`.
        while !said.iter().all(|one| one.load(Relaxed)) {
            if word.prepare(Mode::InPlace) == Prepared::Park {
                while word.load().is_parked() {
                    futex.wait(word);
                }
            }
        }
        wakers.into_iter().for_each(|waker| waker.join().unwrap());
    });
}
