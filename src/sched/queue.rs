//! A worker's queue: what is ready and what is fresh, in one order, first in, first out.
//!
//! Ready green threads are the worker's own and stand in a ring. Fresh ones stand in a queue that idle
//! workers may steal from, and for each the ring has a *marker* at its place: so a `yield_now` lets
//! everything that this worker itself had made runnable run first, what was just spawned included. A marker whose
//! fresh one was stolen stands for nothing, and is passed over. What other threads spawn comes by an injector: the only
//! use of `crossbeam-deque`.
//!
//! What was woken from outside (by an event, a deadline, another worker) stands in a second ring, and the two are
//! served in turn while both have something: a burst of a hundred thousand spawns does not keep a due timer
//! waiting for all of them, and a burst of events does not keep the fresh ones.

#![allow(unsafe_code)]

use crossbeam_deque::{Injector, Steal};

use super::{ring::Ring, slot::SlotPtr, task::TaskRef};
use crate::{
    lockfree::steal_queue::{self, Owner, Stealer},
    rng::Rng,
    sys::barrier,
};

/// How many that were woken from outside are asked for at once ahead of their turns.
const AHEAD: usize = 8;

/// How many turns ahead the slots of the ring are asked for, and their stacks.
const SLOT_AHEAD: usize = 8;
const STACK_AHEAD: usize = 4;

/// What is next.
pub(crate) enum Next {
    Ready(SlotPtr),
    /// One that has not run yet.
    Fresh(TaskRef),
}

/// See the [module](self).
pub(crate) struct Queue {
    ring: Ring<Option<SlotPtr>>,
    /// What was woken from outside.
    woken: Ring<Option<SlotPtr>>,
    /// How many of them, from the front, the processor was asked for.
    asked_for: usize,
    /// Set if the next turn is the second ring's.
    woken_next: bool,
    /// The fresh ones, oldest first.
    fresh: Owner<TaskRef>,
    /// With a seed, what is next is drawn from the ring.
    order: Option<Rng>,
}

/// The sides of a worker's queue that other threads use.
pub(crate) struct Shared {
    stealer: Stealer<TaskRef>,
    injector: Injector<TaskRef>,
}

impl Queue {
    /// A queue, and its shared sides; `alone` if no other worker will ever steal from it.
    pub(crate) fn new(alone: bool, seed: Option<u64>) -> (Self, Shared) {
        // Without thieves, they need no fence.
        let (fresh, stealer) = steal_queue::new(alone || barrier::is_there());
        let shared = Shared { stealer, injector: Injector::new() };
        (
            Self {
                ring: Ring::new(None),
                woken: Ring::new(None),
                asked_for: 0,
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
            None => self.woken.push_back(Some(slot)),
            Some(_) => self.push(slot),
        }
    }

    /// Puts one back to where it was taken from.
    pub(crate) fn push_front(&mut self, slot: SlotPtr) {
        self.ring.push_front(Some(slot));
    }

    /// Adds a fresh one. True: it is the only one, so that who has nothing to do may not know.
    #[inline]
    pub(crate) fn push_fresh(&mut self, fresh: TaskRef) -> bool {
        self.ring.push_back(None);
        self.fresh.push(fresh)
    }

    /// What is next, if it is what it mostly is: one of the ring that has run before.
    #[inline(always)]
    pub(crate) fn pop_ready(&mut self) -> Option<SlotPtr> {
        if self.order.is_some() || !self.woken.is_empty() {
            return None;
        }
        let slot = self.ring.front()??;
        self.ring.pop_front();
        self.woken_next = true;
        self.ask_for_ready();
        Some(slot)
    }

    #[inline]
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
                    self.ask_for_ready();
                    return Some(Next::Ready(slot));
                }
                None => {
                    let fresh = match &mut self.order {
                        None => self.fresh.pop(),
                        Some(order) => self.fresh.pop_by(|len| order.below(len)),
                    };
                    if let Some(fresh) = fresh {
                        return Some(Next::Fresh(fresh));
                    }
                }
            }
        }
    }

    /// What is next, if it is a fresh one; the order is that of [`pop`](Self::pop).
    #[inline]
    pub(crate) fn pop_fresh(&mut self) -> Option<TaskRef> {
        if self.order.is_some() || !self.woken.is_empty() {
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
        self.ring.is_empty() && self.woken.is_empty()
    }

    /// How many wait that were woken from outside.
    pub(crate) fn woken_count(&self) -> usize {
        self.woken.len()
    }

    /// Whether there is something that another worker could run sooner: it is fresh, and not alone.
    pub(crate) fn has_spare(&self) -> bool {
        self.fresh_count() > 0 && self.ring.len() + self.woken.len() > 1
    }

    /// How many another worker would find to steal here.
    #[inline]
    pub(crate) fn fresh_count(&self) -> usize {
        self.fresh.len()
    }

    /// Takes what other threads put before the door.
    pub(crate) fn accept(&mut self, shared: &Shared) {
        while let Some(fresh) = shared.take_injected() {
            self.push_fresh(fresh);
        }
    }

    /// Takes about half of another worker's fresh ones. The first of them is for now.
    pub(crate) fn steal_from(&mut self, victim: &Shared) -> Option<TaskRef> {
        debug_assert_eq!(self.fresh_count(), 0);
        let mut loot = victim.stealer.steal_half(barrier::everywhere);
        if loot.is_empty() {
            let half = victim.injector.len().div_ceil(2);
            loot.extend((0..half).map_while(|_| victim.take_injected()));
        }
        let mut loot = loot.into_iter();
        let first = loot.next();
        for fresh in loot {
            self.push_fresh(fresh);
        }
        first
    }

    fn pop_woken(&mut self) -> Option<Next> {
        if self.asked_for == 0 {
            self.ask_ahead();
        }
        let slot = self.woken.pop_front().flatten()?;
        self.asked_for -= 1;
        if let Some(Some(next)) = self.woken.front() {
            // SAFETY: one of this worker's slots, on its thread.
            unsafe { next.get() }.prefetch_touches();
        }
        Some(Next::Ready(slot))
    }

    /// Asks the processor for the pages that the next ones that were woken will touch, and for the slots of those after
    /// them. Several at once: a request waits for the walk of the page tables, and these overlap.
    fn ask_ahead(&mut self) {
        while self.asked_for < AHEAD
            && let Some(Some(next)) = self.woken.get(self.asked_for)
        {
            // SAFETY: one of this worker's slots, on its thread.
            unsafe { next.get() }.prefetch_pages();
            self.asked_for += 1;
        }
        for after in (AHEAD..2 * AHEAD).map_while(|index| self.woken.get(index).flatten()) {
            after.prefetch();
        }
    }

    /// Asks the processor for what its switch to later ones of the ring will touch. In two steps: the slot, and then what that
    /// says of the stack. Where they are few all of it is at hand, and where they are many it takes some turns to come.
    #[inline(always)]
    fn ask_for_ready(&self) {
        if let Some(Some(later)) = self.ring.get(SLOT_AHEAD) {
            later.prefetch_for_switch();
        }
        if let Some(Some(sooner)) = self.ring.get(STACK_AHEAD) {
            // SAFETY: one of this worker's slots, on its thread.
            unsafe { sooner.get() }.prefetch_stack(0..2);
        }
    }

    /// Brings a random one of the ring to its front.
    #[cold]
    fn shuffle(&mut self) {
        if let Some(order) = self.order.as_mut().filter(|_| self.ring.len() > 1) {
            let chosen = order.below(self.ring.len());
            self.ring.swap_to_front(chosen);
        }
    }
}

impl Shared {
    /// Puts a fresh one before the worker's door.
    pub(crate) fn inject(&self, fresh: TaskRef) {
        self.injector.push(fresh);
    }

    /// Takes one back from before the door.
    pub(crate) fn take_injected(&self) -> Option<TaskRef> {
        loop {
            match self.injector.steal() {
                Steal::Success(fresh) => return Some(fresh),
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    pub(crate) fn has_fresh(&self) -> bool {
        self.stealer.len() > 0 || !self.injector.is_empty()
    }

    pub(crate) fn fresh_count(&self) -> usize {
        self.stealer.len() + self.injector.len()
    }
}
