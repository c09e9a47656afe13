//! What a worker's clock brings: green threads whose time has come.
//!
//! What is due was put aside long ago, and is cold. So several are taken out of the heap at a time, and while it brings up
//! one, the processor fetches what the others will touch.

#![allow(unsafe_code)]

use std::{array, cell::RefCell, time::Duration};

use super::{
    clock::Nanos,
    slot::{Slot, SlotPtr},
    timer::Timers,
    worker::Worker,
};
use crate::sys::cache::prefetch_all;

/// How many are taken out of the heap at a time.
const AT_A_TIME: usize = 16;

/// How long a worker sleeps on after a deadline if others follow it that closely. The kernel allows itself 50 µs for any
/// sleep (`PR_SET_TIMERSLACK`); with many timers this saves a third of the wake-ups more.
const SLACK: Duration = Duration::from_micros(40);

impl Worker {
    /// When a timer fires, or a delayed one is to start.
    pub(super) fn next_deadline(&self) -> Option<Nanos> {
        let timers = [self.timers.borrow().next_deadline(), self.delayed.borrow().next_deadline()];
        timers.into_iter().flatten().min()
    }

    /// Until when a worker with nothing else to do sleeps.
    pub(super) fn rest(&self) -> Option<Nanos> {
        let timers = [self.timers.borrow().rest(SLACK), self.delayed.borrow().rest(SLACK)];
        timers.into_iter().flatten().min()
    }

    /// Wakes those whose deadline has come, and lets those start that were to start by now.
    pub(super) fn fire_timers(&self) {
        if self.timers.borrow().is_empty() && self.delayed.borrow().is_empty() {
            return;
        }
        let now = self.now();
        self.fire_delayed(now);
        while let Some(due) = take_due(&self.timers, now, |slot| slot.prefetch()) {
            // SAFETY: one of this worker's slots, on its thread; a timer is removed before its green thread ends.
            let slot = |ptr: SlotPtr| unsafe { ptr.get() };
            due.iter().flatten().for_each(|&ptr| prefetch_all(&**slot(ptr).task()));
            due.into_iter().flatten().for_each(|ptr| self.expire(ptr, slot(ptr)));
        }
    }

    fn expire(&self, ptr: SlotPtr, slot: &Slot) {
        if slot.core().park.expire() {
            slot.expired.set(true);
            self.queue.borrow_mut().push_woken(ptr);
        }
    }

    /// Lets those start that were to start by `now`.
    pub(super) fn fire_delayed(&self, now: Nanos) {
        while let Some(due) = take_due(&self.delayed, now, |task| prefetch_all(&**task)) {
            due.into_iter().flatten().for_each(|task| self.spawn(task));
        }
    }
}

/// Some of those that are due, each `touch`ed when it was found. `None`: there are no more.
fn take_due<T>(
    timers: &RefCell<Timers<T>>,
    now: Nanos,
    touch: impl Fn(&T),
) -> Option<[Option<T>; AT_A_TIME]> {
    let mut timers = timers.borrow_mut();
    let first = timers.pop_due(now).inspect(&touch)?;
    let mut first = Some(first);
    Some(array::from_fn(|_| first.take().or_else(|| timers.pop_due(now).inspect(&touch))))
}
