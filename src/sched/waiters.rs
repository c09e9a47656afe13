//! Who waits for the end of a green thread: a joiner, and callbacks.

use std::sync::MutexGuard;

use super::{
    clock::Nanos,
    park::{self, Unparker},
    task::Core,
};
use crate::{lockfree::outcome_word::Ended, payload};

/// Called once with how it ended.
pub(crate) type Listener = Box<dyn FnOnce(&Core, Ended) + Send>;

#[derive(Default)]
pub(super) struct Waiters {
    joiner: Option<Unparker>,
    listeners: Vec<(u64, Listener)>,
    last_listener: u64,
}

impl Core {
    /// Waits until it has ended, or until `deadline`.
    ///
    /// One waiter at a time: the handle is not `Clone`, and joins by value.
    pub(crate) fn wait_done(&self, deadline: Nanos) -> park::Wake {
        loop {
            if self.outcome.ended().is_some() {
                return park::Wake::Notified;
            }
            self.lock_waiters().get_or_insert_default().joiner = Some(park::current_unparker());
            if !self.outcome.await_done() {
                return park::Wake::Notified;
            }
            let wake = park::park(deadline);
            if self.outcome.give_up()
                && let Some(waiters) = &mut *self.lock_waiters()
            {
                waiters.joiner = None;
            }
            if wake != park::Wake::Notified && self.outcome.ended().is_none() {
                return wake;
            }
        }
    }

    /// Calls `listener` at the end, or now if that was. Returns its number, to forget it by.
    pub(crate) fn on_done(&self, listener: Listener) -> u64 {
        let mut place = self.lock_waiters();
        if self.outcome.listen() {
            let waiters = place.get_or_insert_default();
            waiters.last_listener += 1;
            waiters.listeners.push((waiters.last_listener, listener));
            return waiters.last_listener;
        }
        drop(place);
        if let Some(ended) = self.outcome.ended() {
            call(listener, self, ended);
        }
        0
    }

    /// Forgets a listener that has not been called.
    pub(crate) fn forget_listener(&self, number: u64) {
        let mut place = self.lock_waiters();
        let forgotten = place.as_mut().and_then(|waiters| {
            let index = waiters.listeners.iter().position(|(its, _)| *its == number)?;
            Some(waiters.listeners.swap_remove(index))
        });
        drop(place); // and then the closure, which may be anybody's
        drop(forgotten);
    }

    pub(super) fn tell_waiters(&self, ended: Ended) {
        let Some(waiters) = self.lock_waiters().take() else { return };
        let Waiters { joiner, listeners, .. } = *waiters;
        if let Some(joiner) = joiner {
            joiner.unpark();
        }
        for (_, listener) in listeners {
            call(listener, self, ended);
        }
    }

    fn lock_waiters(&self) -> MutexGuard<'_, Option<Box<Waiters>>> {
        self.waiters.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// A callback's panic is its own: the hook has printed it, and the others are still called.
fn call(listener: Listener, core: &Core, ended: Ended) {
    payload::contain(|| listener(core, ended));
}
