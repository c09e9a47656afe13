//! What a worker does when it has nothing to do: it steals, looks, sleeps, or moves a virtual clock.

#![allow(unsafe_code)]

use std::time::Duration;

use super::{
    clock::Nanos,
    task::TaskRef,
    thief::{BETWEEN_LOOKS, LOOKS_OF_A_WATCH, Verdict},
    worker::Worker,
};
use crate::{
    lockfree::doorbell::{Asleep, Bed},
    sys::futex,
};

/// How often a worker with more stacks than it needs gives some back.
const TRIM_INTERVAL: Duration = Duration::from_secs(1);

impl Worker {
    /// Takes something fresh from another worker, if that is worth it. If it may be soon, the next sleep is short.
    pub(super) fn steal(&self) -> Option<TaskRef> {
        self.look_again.set(None);
        let others = self.runtime.workers.len();
        if others == 1 || !self.queue.borrow().is_empty() {
            return None;
        }
        let now = Nanos::real_now();
        let me = self.shared.index;
        let mut watches = self.watches.borrow_mut();
        let first = self.rng.borrow_mut().below(others);
        let victims = (first..others).chain(0..first).filter(|&victim| victim != me);
        for victim in victims {
            let queue = &self.runtime.workers[victim].queue;
            if !queue.has_fresh() {
                watches[victim].forget();
                continue;
            }
            self.looks_left.set(LOOKS_OF_A_WATCH);
            if let Verdict::LeaveFor(time) = watches[victim].look(&self.runtime.workers[victim], now) {
                self.look_again.set(Some(self.look_again.get().map_or(time, |least| least.min(time))));
                continue;
            }
            let stolen = self.queue.borrow_mut().steal_from(queue);
            if stolen.is_some() {
                self.called.set(false);
                // A thief that leaves something behind calls the next one.
                if self.queue.borrow().fresh_count() > 0 || self.runtime.anything_to_steal(me) {
                    self.runtime.call_idle();
                }
                return stolen;
            }
        }
        None
    }

    /// Nothing to run: waits for an event, a deadline or the doorbell.
    pub(super) fn idle(&self) {
        if self.virtual_now.is_some() && self.idle_in_virtual_time() {
            return;
        }
        self.fire_timers();
        if !self.queue.borrow().is_empty() {
            return;
        }
        let limit = self.look_again.take();
        if self.runtime.workers.len() == 1 || limit.is_some() {
            // It looks again by itself: it need not be called, which saves who spawns the system call.
            self.rest_for(limit);
        } else if self.looks_left.get() > 0 && self.runtime.idle.watch(self.shared.index) {
            self.watch();
        } else {
            self.wait_for_call();
        }
    }

    /// Rests for a while in which nobody is called, for this one looks again.
    fn watch(&self) {
        self.looks_left.set(self.looks_left.get() - 1);
        self.called.set(true);
        self.rest_for(Some(BETWEEN_LOOKS));
        self.runtime.idle.stop_watching();
    }

    fn wait_for_call(&self) {
        let me = self.shared.index;
        self.runtime.idle.enter(me);
        // In the set first, the look after: what comes later calls.
        if !self.runtime.anything_to_steal(me) {
            self.called.set(false);
            self.rest_for(None);
        }
        if self.runtime.idle.leave(me) {
            self.called.set(true);
        }
    }

    /// Called to steal, it may have got something else to do: then the call goes on to another, since nobody else was
    /// called for what is there. Whatever gives something to do to one that had nothing is followed by this.
    pub(super) fn pass_call_on(&self) {
        if self.called.get() && !self.queue.borrow().is_empty() {
            self.called.set(false);
            if self.runtime.anything_to_steal(self.shared.index) {
                self.runtime.call_idle();
            }
        }
    }

    /// Does nothing until there is something to do, at the longest for `limit`.
    fn rest_for(&self, limit: Option<Duration>) {
        if !self.spin(limit.unwrap_or(Duration::MAX)) {
            self.sleep(limit);
        }
    }

    /// Sleeps until an event, the next deadline or the doorbell, at the longest for `limit`.
    fn sleep(&self, limit: Option<Duration>) {
        self.look_for_deadlocks();
        let surplus = self.stacks.borrow_mut().trim(Duration::from_nanos(Nanos::real_now().0));
        let real_deadline = self.rest().filter(|_| self.virtual_now.is_none());
        let wait = [
            limit,
            surplus.then_some(TRIM_INTERVAL),
            real_deadline.map(|deadline| deadline.since(Nanos::real_now())),
        ];
        let wait = wait.into_iter().flatten().min();
        if let Some(next) = self.timers.borrow().next() {
            // SAFETY: one of this worker's slots, on its thread; a timer is removed before its green thread ends.
            let next = unsafe { next.get() };
            next.prefetch_pages();
            next.prefetch_touches();
        }
        let doorbell = &self.shared.doorbell;
        let bed = if self.reactor.is_in_use() { Bed::Poller } else { Bed::Word };
        if doorbell.fall_asleep(bed) == Asleep::Yes {
            match (bed, doorbell.futex()) {
                (Bed::Poller, _) => self.reactor.poll(wait),
                (Bed::Word, (word, silent)) => futex::wait(word, silent, wait),
            }
            self.begin_turns();
            doorbell.wake_up();
        }
        self.fire_timers();
    }

    /// With `busy_poll`, looks again and again for that long before it sleeps. True: there is something to do, or `limit`
    /// is over.
    fn spin(&self, limit: Duration) -> bool {
        let Some(busy) = self.runtime.config.busy_poll else { return false };
        let until = Nanos::real_now().saturating_add(busy.min(limit));
        loop {
            self.reactor.poll(Some(Duration::ZERO));
            self.begin_turns();
            self.fire_timers();
            if !self.queue.borrow().is_empty() || self.shared.doorbell.rang() {
                return true;
            }
            if Nanos::real_now() >= until {
                return limit <= busy;
            }
        }
    }

    /// Virtual time: jumps to the next deadline if nothing else can happen before it. False: something real
    /// is awaited, so the worker sleeps for it.
    fn idle_in_virtual_time(&self) -> bool {
        self.reactor.poll(Some(Duration::ZERO));
        self.begin_turns();
        if !self.queue.borrow().is_empty() || self.shared.doorbell.rang() {
            return true;
        }
        let Some(next) = self.next_deadline() else { return false };
        if self.offloaded.get() != 0 || next == Nanos::NEVER {
            return false;
        }
        self.look_for_deadlocks();
        self.jump_to(next);
        self.fire_timers();
        true
    }
}
