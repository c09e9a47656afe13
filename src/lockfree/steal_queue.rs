//! A queue, first in, first out, of one owner who pushes and pops all the time and of others who steal now and then.
//! The owner pays plain loads and stores for the lock, and the thieves a fence that reaches into its core.
//!
//! ```text
//! owner:  INSIDE, light fence, look at TAKEN;   set: step back, wait;   clear: work, not INSIDE
//! thief:  TAKEN,  heavy fence, look at INSIDE;  set: give up;           clear: work, not TAKEN
//! ```
//!
//! This is Dekker's protocol with an asymmetric pair of fences ("Asymmetric fences", P1202 of the C++ committee;
//! `membarrier(2)`): the heavy one makes each running thread of the process do a full fence where it stands, so the light
//! one need only keep the compiler from reordering. Where there is no such system call both are full fences.
//!
//! **Invariant 1.** Of an owner that sets `INSIDE` and then looks and a thief that sets `TAKEN` and then looks, at least
//! one sees the other; so only one of them is at the items.
//! **Invariant 2.** `len` is written by whoever is at the items, and is their number when that one leaves.

use std::{collections::VecDeque, sync::Arc};

use crate::atomic::{AtomicBool, AtomicUsize, Ordering, UnsafeCell, fence, light_fence, relax};

/// How often a thief looks whether the owner, who is inside for some tens of instructions, has gone.
#[cfg(not(loom))]
const LOOKS: u32 = 200;
#[cfg(loom)]
const LOOKS: u32 = 1;

/// The owner's side.
pub(crate) struct Owner<T>(Arc<Shared<T>>);

/// The thieves' side.
pub(crate) struct Stealer<T>(Arc<Shared<T>>);

/// On a cache line of its own.
#[repr(align(64))]
struct Shared<T> {
    /// Set while the owner is at the items, or about to look whether it may be.
    inside: AtomicBool,
    /// Set while a thief is at the items, or about to look whether it may be.
    taken: AtomicBool,
    /// Set if thieves have a heavy fence.
    has_heavy: bool,
    len: AtomicUsize,
    items: UnsafeCell<VecDeque<T>>,
}

// SAFETY: the items are reached by one thread at a time (Invariant 1), ordered by the acquire and release of `inside`
// and `taken`; that moves items between threads, which `T: Send` allows.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above; nobody gets a shared reference to an item.
unsafe impl<T: Send> Sync for Shared<T> {}

/// A queue, and what others steal from it with. `has_heavy` if they have a fence that reaches the owner.
pub(crate) fn new<T>(has_heavy: bool) -> (Owner<T>, Stealer<T>) {
    let shared = Arc::new(Shared {
        inside: AtomicBool::new(false),
        taken: AtomicBool::new(false),
        has_heavy,
        len: AtomicUsize::new(0),
        items: UnsafeCell::new(VecDeque::new()),
    });
    (Owner(Arc::clone(&shared)), Stealer(shared))
}

impl<T> Owner<T> {
    /// True: it stands alone there. A thief that takes it sees what is pushed after it, or that push is told so in turn.
    #[inline]
    pub(crate) fn push(&mut self, item: T) -> bool {
        self.enter(|items| {
            items.push_back(item);
            items.len() == 1
        })
    }

    /// The oldest.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.pop_by(|_| 0)
    }

    /// The one at the place that `choose` names, given their number; the oldest goes there.
    #[inline]
    pub(crate) fn pop_by(&mut self, choose: impl FnOnce(usize) -> usize) -> Option<T> {
        // None appear but by the owner's hand.
        if self.len() == 0 {
            return None;
        }
        self.enter(|items| match items.len() {
            0 => None,
            len => items.swap_remove_front(choose(len)),
        })
    }

    /// How many there are. A thief may just be at it.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len.load(Ordering::Relaxed)
    }

    /// `f` is the queue's own code: it neither panics nor comes back here.
    #[inline(always)]
    fn enter<R>(&mut self, f: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        let shared = &*self.0;
        shared.inside.store(true, Ordering::Relaxed);
        light_fence(shared.has_heavy);
        if shared.taken.load(Ordering::Acquire) {
            self.wait();
        }
        // SAFETY: there is one owner, which is borrowed mutably; and by Invariant 1 no thief is at the items: one that
        // sets `taken` from now on sees `inside`.
        let result = shared.items.with_mut(|items| unsafe { shared.work(&mut *items, f) });
        shared.inside.store(false, Ordering::Release);
        result
    }

    /// Steps back until the thief has gone, as long as a copy of the items and its fence take.
    #[cold]
    fn wait(&self) {
        let shared = &*self.0;
        loop {
            shared.inside.store(false, Ordering::Release);
            let mut round = 0;
            while shared.taken.load(Ordering::Acquire) {
                relax(round);
                round += 1;
            }
            shared.inside.store(true, Ordering::Relaxed);
            light_fence(shared.has_heavy);
            if !shared.taken.load(Ordering::Acquire) {
                return;
            }
        }
    }
}

impl<T> Stealer<T> {
    /// How many there are, a moment ago.
    pub(crate) fn len(&self) -> usize {
        self.0.len.load(Ordering::Acquire)
    }

    /// Takes the older half. Nothing if there is none, or if the owner or another thief is at it.
    ///
    /// `heavy_fence` is a full fence here, and in each thread that runs now.
    pub(crate) fn steal_half(&self, heavy_fence: impl FnOnce()) -> Vec<T> {
        let shared = &*self.0;
        let mut loot = Vec::with_capacity(self.len().div_ceil(2));
        if loot.capacity() == 0 || !shared.take() {
            return loot;
        }
        if shared.has_heavy {
            heavy_fence();
        } else {
            fence(Ordering::SeqCst);
        }
        if (0..LOOKS).any(|_| shared.owner_is_out()) {
            // SAFETY: `take` gave `taken` to this thief alone, and by Invariant 1 the owner is not at the items, nor
            // will be while `taken` is set.
            shared.items.with_mut(|items| unsafe {
                shared.work(&mut *items, |items| loot.extend(items.drain(..items.len().div_ceil(2))));
            });
        }
        shared.taken.store(false, Ordering::Release);
        loot
    }
}

impl<T> Shared<T> {
    /// Works at the items, and says how many there are then.
    #[inline(always)]
    fn work<R>(&self, items: &mut VecDeque<T>, f: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        let result = f(items);
        self.len.store(items.len(), Ordering::Release);
        result
    }

    /// For one thief at a time.
    fn take(&self) -> bool {
        self.taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn owner_is_out(&self) -> bool {
        let is_out = !self.inside.load(Ordering::Acquire);
        if !is_out {
            std::hint::spin_loop();
        }
        is_out
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use crate::sys::barrier;

    /// The processor's own order, which loom does not have: with the asymmetric fences, and with full ones.
    #[test]
    fn each_is_popped_or_stolen_once_on_real_cores() {
        for has_heavy in [barrier::is_there(), false] {
            let (mut owner, stealer) = super::new(has_heavy);
            let done = AtomicBool::new(false);
            let stolen = std::thread::scope(|scope| {
                let thief = scope.spawn(|| {
                    let mut stolen = Vec::new();
                    while !done.load(Relaxed) {
                        stolen.extend(stealer.steal_half(barrier::everywhere));
                    }
                    stolen
                });
                let mut all: Vec<u32> = Vec::new();
                for item in 0..200_000 {
                    owner.push(item);
                    if item % 3 == 0 {
                        all.extend(owner.pop());
                    }
                }
                done.store(true, Relaxed);
                all.extend(thief.join().unwrap());
                all
            });
            let mut all: Vec<u32> = std::iter::from_fn(|| owner.pop()).chain(stolen).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..200_000));
        }
    }
}
