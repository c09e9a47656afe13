//! L2: stacks, carved from slabs, guarded, kept and given back.
//!
//! A slab is one mapping that holds many stacks of one [`StackClass`]. One of its stacks, addresses growing
//! upwards:
//!
//! ```text
//!           ├────────────────────── stride ──────────────────────┤
//!   … stack │ guard │ deepest frames  ◄──  grows  ──  first │ col-│ guard │ stack …
//!     i - 1 │ faults│                      downwards  frame │ our │ faults│ i + 1
//!           ▲       ▲                                       ▲     ▲
//!        limit()    guard().end                          base()   top, whole pages
//!                   ├───────────── class().size() ────────────────┤
//! ```
//!
//! The life of a stack:
//!
//! ```text
//! BARE    -> CACHED  // carved by a pool that found none: the guard is made, the memory is untouched
//! CACHED  -> IN USE  // StackPool::take, by its worker
//! IN USE  -> CACHED  // StackPool::give, by its worker: still in memory, still hot
//! IN USE  -> DIRTY   // Stack dropped away from a pool
//! CACHED  -> DIRTY   // the overflow of a full pool
//! DIRTY   -> CACHED  // taken by a pool that found none of its own
//! CACHED, DIRTY -> CLEAN  // StackPool::trim: not needed for a while, its memory goes back to the kernel
//! CLEAN   -> CACHED  // taken by a pool that found no dirty one
//! ```
//!
//! Slabs are never unmapped: a clean stack costs address space and its share of a page table (136 bytes for the
//! default class).
//!
//! Invariants:
//!
//! 1. A range of a slab belongs to one [`Stack`] value at most, or else to one `Run` of bare ones: both come out
//!    of one place, under its lock, and neither can be copied.
//! 2. The guard of every `Stack` stands, and for good: nothing here removes one.
//! 3. Slabs stay mapped for as long as the process lives, so the range of a `Stack` does.
//!
//! [`overflow`] reports a green thread that ran into its guard.

mod class;
mod guard;
pub(crate) mod overflow;
mod pool;
mod slab;
#[cfg(test)]
mod tests;

use std::{num::NonZeroUsize, ops::Range};

pub(crate) use self::class::StackClass;
pub(crate) use self::pool::StackPool;
pub(crate) use self::slab::{SlabStats, stats};

/// In how many places relative to their pages stacks start, [`COLOUR_STEP`] apart.
///
/// The first lines of stacks that all start at a page's boundary fall into the same few sets of the caches, so
/// neighbours start a cache line apart. What the colour takes is lost to the first page, and a parked green thread
/// should stay within that one; so the reach is short: the unluckiest has 3,136 bytes left. More does not pay: a
/// round trip through each of 30 / 100 / 1,000 / 3,000 / 10,000 fibers that touch eleven lines takes, in ns,
///
/// | colours × step | 30 | 100 | 1,000 | 3,000 | 10,000 |
/// |---|---|---|---|---|---|
/// | none | 7.1 | 7.0 | 7.7 | 10.0 | 11.2 |
/// | 16 × 64 | 4.6 | 6.2 | 6.4 | 8.4 | 9.7 |
/// | 32 × 64 | 4.6 | 6.2 | 6.5 | 8.2 | 9.5 |
/// | 16 × 128 | 4.6 | 6.0 | 6.5 | 8.6 | 9.8 |
/// | 16 × 192 | 4.6 | 6.0 | 6.8 | 8.8 | 10.3 |
pub(crate) const COLOURS: usize = 16;

/// The distance of two colours: a cache line.
pub(crate) const COLOUR_STEP: usize = 64;

/// Pages have at least this size everywhere, and colours stay below it.
const SMALLEST_PAGE: usize = 4096;

const _: () = assert!((COLOURS - 1) * COLOUR_STEP + 3072 <= SMALLEST_PAGE);

/// One stack of a slab, owned: given back to a [`StackPool`], or to all of them when dropped.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The highest address, coloured.
    base: NonZeroUsize,
    class: StackClass,
}

impl Stack {
    /// The stack that starts at `limit`, with the colour of its number.
    fn new(limit: usize, number: usize, class: StackClass) -> Stack {
        let base = limit + class.stride() - number % COLOURS * COLOUR_STEP;
        Stack { base: NonZeroUsize::new(base).expect("a stack ends above its start"), class }
    }

    /// The highest address, aligned to 64 bytes: the first frame begins below it.
    #[inline]
    pub(crate) fn base(&self) -> NonZeroUsize {
        self.base
    }

    /// The lowest address, guard included; a page's boundary.
    #[inline]
    pub(crate) fn limit(&self) -> NonZeroUsize {
        // The sum of a slab's start and some strides, so it is not zero; `MIN` is a one that is never seen.
        NonZeroUsize::new(self.top() - self.class.stride()).unwrap_or(NonZeroUsize::MIN)
    }

    /// The addresses that must not be reached.
    #[inline]
    pub(crate) fn guard(&self) -> Range<usize> {
        let limit = self.limit().get();
        limit..limit + self.class.guard_size()
    }

    #[inline]
    pub(crate) fn class(&self) -> StackClass {
        self.class
    }

    /// The end of the last page: a colour is less than the smallest page, so rounding up undoes it.
    #[inline]
    fn top(&self) -> usize {
        self.base.get().next_multiple_of(SMALLEST_PAGE)
    }

    /// Whole pages from the guard's end to the top.
    fn memory(&self) -> Range<usize> {
        self.guard().end..self.top()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // The same stack again: this value is gone when the function returns.
        slab::give_back(Stack { base: self.base, class: self.class });
    }
}
