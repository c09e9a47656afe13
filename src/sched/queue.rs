//! A worker's queue: what is ready and what is fresh, in one order, first in, first out.
//!
//! Ready green threads are the worker's own and stand in a ring. Fresh ones stand in a deque that idle
//! workers may steal from, and for each the ring has a *marker* at its place: so a `yield_now` lets
//! everything that was runnable before it run first, what was just spawned included. A marker whose fresh one
//! was stolen stands for nothing, and is passed over. A worker without siblings has nobody to steal, and keeps
//! its fresh ones in a plain queue instead. The only user of `crossbeam-deque`.
//!
//! What was woken from outside (by an event, a deadline, another worker) stands in a second ring, and the two are
//! served in turn while both have something: a burst of a hundred thousand spawns does not keep a due timer
//! waiting for all of them, and a burst of events does not keep the fresh ones.

#![allow(unsafe_code)]

use std::collections::VecDeque;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};

use super::{slot::SlotPtr, task::TaskRef};
use crate::rng::Rng;

/// A green thread that has not run yet, and that any worker may start.
pub(crate) struct Fresh {
    pub(crate) task: TaskRef,
    /// The worker in whose load it is counted already, because it was sent there.
    pub(crate) counted_by: Option<usize>,
}

/// What is next.
pub(crate) enum Next {
    Ready(SlotPtr),
    Fresh(Fresh),
}

/// See the [module](self).
pub(crate) struct Queue {
    ring: VecDeque<Option<SlotPtr>>,
    /// What was woken from outside.
    woken: VecDeque<SlotPtr>,
    /// Set if the next turn is the second ring's.
    woken_next: bool,
    fresh: FreshOnes,
    /// With a seed, what is next is drawn from the ring.
    order: Option<Rng>,
}

/// The fresh ones, oldest first.
enum FreshOnes {
    /// Siblings may steal.
    Shared(Worker<Fresh>),
    /// There are none.
    Own(VecDeque<Fresh>),
}

/// The sides of a worker's queue that other threads use.
pub(crate) struct Shared {
    stealer: Stealer<Fresh>,
    injector: Injector<Fresh>,
}

impl Queue {
    /// A queue, and its shared sides; `alone` if no other worker will ever steal from it.
    pub(crate) fn new(alone: bool, seed: Option<u64>) -> (Self, Shared) {
        let deque = Worker::new_fifo();
        let shared = Shared { stealer: deque.stealer(), injector: Injector::new() };
        let fresh = if alone { FreshOnes::Own(VecDeque::new()) } else { FreshOnes::Shared(deque) };
        (
            Self {
                ring: VecDeque::new(),
                woken: VecDeque::new(),
                woken_next: true,
                fresh,
                order: seed.map(Rng::new),
            },
            shared,
        )
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, slot: SlotPtr) {
        self.ring.push_back(Some(slot));
    }

    /// Adds one that was woken from outside.
    #[inline]
    pub(crate) fn push_woken(&mut self, slot: SlotPtr) {
        match self.order {
            None => self.woken.push_back(slot),
            Some(_) => self.push(slot),
        }
    }

    /// Puts one back to where it was taken from.
    pub(crate) fn push_front(&mut self, slot: SlotPtr) {
        self.ring.push_front(Some(slot));
    }

    #[inline]
    pub(crate) fn push_fresh(&mut self, fresh: Fresh) {
        self.fresh.push(fresh);
        self.ring.push_back(None);
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<Next> {
        if self.order.is_some() {
            self.shuffle();
        }
        if !self.woken.is_empty() && (self.woken_next || self.ring.is_empty()) {
            self.woken_next = false;
            return self.pop_woken();
        }
        self.woken_next = true;
        loop {
            let Some(front) = self.ring.pop_front() else { return self.pop_woken() };
            match front {
                Some(slot) => {
                    if let Some(Some(next)) = self.ring.front() {
                        next.prefetch();
                    }
                    return Some(Next::Ready(slot));
                }
                None => {
                    if let Some(fresh) = self.fresh.pop(self.order.as_mut()) {
                        return Some(Next::Fresh(fresh));
                    }
                }
            }
        }
    }

    /// What is next, if it is a fresh one; the order is that of [`pop`](Self::pop).
    #[inline]
    pub(crate) fn pop_fresh(&mut self) -> Option<Fresh> {
        if self.order.is_some() || !self.woken.is_empty() {
            return None;
        }
        while let Some(None) = self.ring.front() {
            self.ring.pop_front();
            if let Some(fresh) = self.fresh.pop(None) {
                return Some(fresh);
            }
        }
        None
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty() && self.woken.is_empty()
    }

    /// How many another worker would find to steal here.
    #[inline]
    pub(crate) fn fresh_count(&self) -> usize {
        match &self.fresh {
            FreshOnes::Shared(deque) => deque.len(),
            FreshOnes::Own(queue) => queue.len(),
        }
    }

    /// Takes what other threads put before the door.
    pub(crate) fn accept(&mut self, shared: &Shared) {
        while let Some(fresh) = shared.take_injected() {
            self.push_fresh(fresh);
        }
    }

    /// Takes about half of another worker's fresh ones. The first of them is for now.
    pub(crate) fn steal_from(&mut self, victim: &Shared) -> Option<Fresh> {
        let FreshOnes::Shared(mine) = &self.fresh else { return None };
        debug_assert!(mine.is_empty());
        let stolen = insist(|| victim.stealer.steal_batch_and_pop(mine))
            .or_else(|| insist(|| victim.injector.steal_batch_and_pop(mine)))?;
        self.ring.extend((0..mine.len()).map(|_| None));
        Some(stolen)
    }

    fn pop_woken(&mut self) -> Option<Next> {
        let slot = self.woken.pop_front()?;
        if let Some(next) = self.woken.front() {
            // SAFETY: one of this worker's slots, on its thread.
            unsafe { next.get() }.prefetch_touches();
        }
        if let Some(after) = self.woken.get(1) {
            after.prefetch();
        }
        Some(Next::Ready(slot))
    }

    /// Brings a random one of the ring to its front.
    #[cold]
    fn shuffle(&mut self) {
        if let Some(order) = self.order.as_mut().filter(|_| self.ring.len() > 1) {
            let chosen = order.below(self.ring.len());
            self.ring.swap(0, chosen);
        }
    }
}

impl FreshOnes {
    #[inline]
    fn push(&mut self, fresh: Fresh) {
        match self {
            FreshOnes::Shared(deque) => deque.push(fresh),
            FreshOnes::Own(queue) => queue.push_back(fresh),
        }
    }

    /// The oldest; with an order, where no sibling steals, a random one.
    #[inline]
    fn pop(&mut self, order: Option<&mut Rng>) -> Option<Fresh> {
        match self {
            FreshOnes::Shared(deque) => deque.pop(),
            FreshOnes::Own(queue) => {
                if let Some(order) = order.filter(|_| queue.len() > 1) {
                    queue.swap(0, order.below(queue.len()));
                }
                queue.pop_front()
            }
        }
    }
}

impl Shared {
    /// Puts a fresh one before the worker's door.
    pub(crate) fn inject(&self, fresh: Fresh) {
        self.injector.push(fresh);
    }

    /// Takes one back from before the door.
    pub(crate) fn take_injected(&self) -> Option<Fresh> {
        insist(|| self.injector.steal())
    }

    pub(crate) fn has_fresh(&self) -> bool {
        !self.stealer.is_empty() || !self.injector.is_empty()
    }

    pub(crate) fn fresh_count(&self) -> usize {
        self.stealer.len() + self.injector.len()
    }
}

fn insist(mut steal: impl FnMut() -> Steal<Fresh>) -> Option<Fresh> {
    loop {
        match steal() {
            Steal::Success(fresh) => return Some(fresh),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}
