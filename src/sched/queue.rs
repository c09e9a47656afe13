//! A worker's queue: what is ready and what is fresh, in one order, first in, first out.
//!
//! Ready green threads are the worker's own and stand in a ring. Fresh ones stand in a deque that idle
//! workers may steal from, and for each the ring has a *marker* at its place: so a `yield_now` lets
//! everything that was runnable before it run first, what was just spawned included. A marker whose fresh one
//! was stolen stands for nothing, and is passed over. The only user of `crossbeam-deque`.

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
    fresh: Worker<Fresh>,
    /// With a seed, what is next is drawn from the ring.
    order: Option<Rng>,
}

/// The sides of a worker's queue that other threads use.
pub(crate) struct Shared {
    stealer: Stealer<Fresh>,
    injector: Injector<Fresh>,
}

impl Queue {
    pub(crate) fn new(seed: Option<u64>) -> (Self, Shared) {
        let fresh = Worker::new_fifo();
        let shared = Shared { stealer: fresh.stealer(), injector: Injector::new() };
        (Self { ring: VecDeque::new(), fresh, order: seed.map(Rng::new) }, shared)
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, slot: SlotPtr) {
        self.ring.push_back(Some(slot));
    }

    /// Puts one back to where it was taken from.
    pub(crate) fn push_front(&mut self, slot: SlotPtr) {
        self.ring.push_front(Some(slot));
    }

    /// Adds a fresh one. True if there was none to steal before: an idle worker may be told.
    #[inline]
    pub(crate) fn push_fresh(&mut self, fresh: Fresh) -> bool {
        let first = self.fresh.is_empty();
        self.fresh.push(fresh);
        self.ring.push_back(None);
        first
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<Next> {
        if self.order.is_some() {
            self.shuffle();
        }
        loop {
            match self.ring.pop_front()? {
                Some(slot) => {
                    if let Some(Some(next)) = self.ring.front() {
                        next.prefetch();
                    }
                    return Some(Next::Ready(slot));
                }
                None => {
                    if let Some(fresh) = self.fresh.pop() {
                        return Some(Next::Fresh(fresh));
                    }
                }
            }
        }
    }

    /// What is next, if it is a fresh one; the order is that of [`pop`](Self::pop).
    #[inline]
    pub(crate) fn pop_fresh(&mut self) -> Option<Fresh> {
        if self.order.is_some() {
            return None;
        }
        while let Some(None) = self.ring.front() {
            self.ring.pop_front();
            if let Some(fresh) = self.fresh.pop() {
                return Some(fresh);
            }
        }
        None
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Whether another worker would find something to steal here.
    pub(crate) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Takes what other threads put before the door.
    pub(crate) fn accept(&mut self, shared: &Shared) {
        while let Some(fresh) = shared.take_injected() {
            self.push_fresh(fresh);
        }
    }

    /// Takes about half of another worker's fresh ones. The first of them is for now.
    pub(crate) fn steal_from(&mut self, victim: &Shared) -> Option<Fresh> {
        debug_assert!(self.fresh.is_empty());
        let stolen = insist(|| victim.stealer.steal_batch_and_pop(&self.fresh))
            .or_else(|| insist(|| victim.injector.steal_batch_and_pop(&self.fresh)))?;
        self.ring.extend((0..self.fresh.len()).map(|_| None));
        Some(stolen)
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
