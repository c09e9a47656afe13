//! Waking a green thread: where it runs it goes straight into its worker's queue, and from any other OS thread into that
//! worker's inbox.
//!
//! In two steps, for who holds a lock: [`wake`] says it to the park word, and [`Woken::deliver`] does the rest.

#![allow(unsafe_code)]

use std::ptr::{self, NonNull};

use super::{
    here,
    slot::SlotPtr,
    task::{Core, TaskRef},
    worker::{self, Worker},
};
use crate::{
    lockfree::park_word::{FutexAddress, ParkWord, Received, Sent},
    sys::futex,
};

/// What is left to be done for one that was woken, on the thread that did it.
#[must_use]
pub(crate) enum Woken {
    /// Nothing: it runs, or is on its way.
    Runs,
    /// It is this thread's worker's, and parked no more.
    Here(SlotPtr),
    /// `QUEUED` was turned on in its park word.
    Elsewhere(NonNull<Core>),
    /// It sleeps there.
    Futex(FutexAddress),
}

/// Wakes a green thread, or lets its next park return at once.
#[inline]
pub(crate) fn unpark(core: &Core) {
    begin_unpark(core).deliver();
}

/// Gives a green thread its token.
#[inline(always)]
pub(crate) fn unpark_with_token(core: &Core) {
    wake(core, ParkWord::unpark_with_token_here, ParkWord::unpark_with_token).deliver();
}

/// Cancels a green thread, as far as its park word goes.
pub(super) fn cancel(core: &Core) {
    wake(core, ParkWord::cancel_here, ParkWord::cancel).deliver();
}

/// The first step of [`unpark`].
#[inline]
pub(super) fn begin_unpark(core: &Core) -> Woken {
    wake(core, ParkWord::unpark_here, ParkWord::unpark)
}

/// Says it to the park word: by `here` on the thread where the green thread runs, by `send` on any other.
#[inline(always)]
fn wake(core: &Core, here: impl FnOnce(&ParkWord) -> bool, send: impl FnOnce(&ParkWord) -> Sent) -> Woken {
    match here_with(core) {
        Some(slot) if here(&core.park) => Woken::Here(slot),
        Some(_) => Woken::Runs,
        None => match send(&core.park) {
            Sent::Nothing => Woken::Runs,
            Sent::Push => Woken::Elsewhere(core.into()),
            Sent::WakeFutex => Woken::Futex(core.park.futex_address()),
        },
    }
}

/// Its place at the worker of this thread, if that is the one it runs on.
#[inline(always)]
fn here_with(core: &Core) -> Option<SlotPtr> {
    let worker = worker::of_this_thread()?;
    let (home, slot) = core.home.get()?;
    ptr::eq(&*worker.shared, home).then_some(slot)
}

impl Woken {
    /// Lets it run on.
    #[inline(always)]
    pub(crate) fn deliver(self) {
        match self {
            Woken::Runs => {}
            Woken::Here(slot) => {
                worker::of_this_thread().expect("it was woken on this thread").schedule(slot);
            }
            Woken::Elsewhere(core) => hand_over(core),
            Woken::Futex(word) => futex::wake_one(word),
        }
    }
}

/// Puts a green thread into the inbox of its worker. The caller has turned `QUEUED` on in its park word.
fn hand_over(core: NonNull<Core>) {
    // SAFETY: with `QUEUED` on, and not pushed yet, it is alive (Invariant 2 of `park_word`).
    let home = &unsafe { core.as_ref() }.home;
    // From the push on it may be received and end, and be gone: what is used after that is held here.
    let worker = home.worker().expect("what is not away has a home");
    // SAFETY: alive as above, until its worker has taken it; and who has turned `QUEUED` on is the only one to push it
    // (Invariant 1 of `park_word`).
    unsafe { worker.inbox.push(core) };
    worker.ring();
}

impl Worker {
    /// Queues one of this worker's that was woken: by a green thread, or by the scheduler on behalf of the world.
    #[inline]
    fn schedule(&self, slot: SlotPtr) {
        let mut queue = self.queue.borrow_mut();
        match here::slot() {
            Some(_) => queue.push(slot),
            None => queue.push_woken(slot),
        }
    }

    /// Takes in what others have handed over.
    pub(super) fn receive(&self) {
        for core in self.shared.inbox.take() {
            // SAFETY: it was taken from the inbox and `QUEUED` is still on, so it is alive (Invariant 2 of `park_word`). `receive` turns it
            // off: what is to be scheduled then was parked, and ends no sooner than it runs; of the others nothing is used.
            let (park, home) = unsafe { (&(*core.as_ptr()).park, &(*core.as_ptr()).home) };
            match park.receive() {
                Received::Schedule => {
                    let (_, slot) = home.get().expect("what is not away has a home");
                    self.queue.borrow_mut().push_woken(slot);
                }
                Received::Nothing => {}
                Received::Left => self.left.borrow_mut().retain(|task| !ptr::eq(&task.core, core.as_ptr())),
            }
        }
    }

    /// The last of a green thread that has parked, and has ended. Whoever is about to hand it over still needs it.
    pub(super) fn let_go(&self, task: TaskRef) {
        if task.core.park.leave() {
            self.left.borrow_mut().push(task);
        }
    }
}
