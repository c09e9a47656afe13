//! The memory of tasks: what the last ones have left is kept by the worker for the next ones, as stacks and slots are. Last
//! in, first out, hot.
//!
//! An allocator for everybody cannot know that what one batch gives back is what the next one will ask for: glibc's has seven
//! pieces of a size at hand, and sorts the others into lists that it joins and splits again.

#![allow(unsafe_code)]

use std::{
    alloc::{self, Layout},
    cell::Cell,
    ptr::NonNull,
};

use super::Core;
use crate::sched::worker;

/// What is smaller is no task, and sizes go in steps of this.
const SMALLEST: usize = size_of::<Core>();
const STEP: usize = align_of::<Core>();

/// How many sizes are kept, from the smallest on: closures and results of up to some 180 bytes.
const SIZES: usize = 24;

/// How many pieces a worker keeps at the most: half a megabyte. None for the sanitizers, which are to see a use after the end.
const MOST: usize = if cfg!(feature = "sanitizer") { 0 } else { 2048 };

/// What a worker keeps. Only its thread reaches it.
///
/// **Invariant.** What is in a list was allocated with the list's layout, and is nobody's else.
pub(in crate::sched) struct Kept {
    /// By size: a list through the pieces themselves.
    lists: [Cell<Option<NonNull<Piece>>>; SIZES],
    count: Cell<usize>,
}

struct Piece {
    next: Option<NonNull<Piece>>,
}

const _: () = assert!(size_of::<Piece>() <= SMALLEST && align_of::<Piece>() <= STEP);

/// The list for something of this layout, unless it is too large or needs to be aligned to more.
fn list_of(layout: Layout) -> Option<usize> {
    let list = (layout.size() - SMALLEST) / STEP;
    (layout.align() == STEP && list < SIZES).then_some(list)
}

fn layout_of(list: usize) -> Layout {
    Layout::from_size_align(SMALLEST + list * STEP, STEP).expect("a small size")
}

/// Memory for a task of this layout.
#[inline]
pub(super) fn allocate(layout: Layout) -> NonNull<u8> {
    let kept = list_of(layout).and_then(|list| worker::of_this_thread()?.kept.take(list));
    kept.unwrap_or_else(|| {
        // SAFETY: a task has a size, for its core has.
        let memory = unsafe { alloc::alloc(layout) };
        NonNull::new(memory).unwrap_or_else(|| alloc::handle_alloc_error(layout))
    })
}

/// Gives it back.
///
/// # Safety
/// It was [`allocate`]d for a task of this layout, and is used no more.
#[inline]
pub(super) unsafe fn free(memory: NonNull<u8>, layout: Layout) {
    if let Some(list) = list_of(layout)
        && let Some(worker) = worker::of_this_thread()
        // SAFETY: by the contract it is nobody's from now on, and of the list's layout: lists are of one size and alignment.
        && unsafe { worker.kept.keep(memory, list) }
    {
        return;
    }
    // SAFETY: by the contract it was allocated with this layout, now or for a list.
    unsafe { alloc::dealloc(memory.as_ptr(), layout) };
}

impl Kept {
    pub(in crate::sched) fn new() -> Self {
        Self { lists: [const { Cell::new(None) }; SIZES], count: Cell::new(0) }
    }

    #[inline]
    fn take(&self, list: usize) -> Option<NonNull<u8>> {
        let piece = self.lists[list].get()?;
        // SAFETY: `keep` has made it a piece, and it is nobody's else by the invariant.
        self.lists[list].set(unsafe { piece.as_ref() }.next);
        self.count.set(self.count.get() - 1);
        Some(piece.cast())
    }

    /// False: there are enough.
    ///
    /// # Safety
    /// The memory was allocated with the layout of this list, and is nobody's else.
    #[inline]
    unsafe fn keep(&self, memory: NonNull<u8>, list: usize) -> bool {
        if self.count.get() >= MOST {
            return false;
        }
        let piece = memory.cast::<Piece>();
        // SAFETY: large enough and aligned, as all lists' memory is, and nobody's else by the contract.
        unsafe { piece.write(Piece { next: self.lists[list].get() }) };
        self.lists[list].set(Some(piece));
        self.count.set(self.count.get() + 1);
        true
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for list in 0..SIZES {
            while let Some(memory) = self.take(list) {
                // SAFETY: by the invariant.
                unsafe { alloc::dealloc(memory.as_ptr(), layout_of(list)) };
            }
        }
    }
}

#[cfg(all(test, not(loom), not(feature = "sanitizer")))]
mod tests {
    use std::{
        alloc::{Layout, alloc, dealloc},
        ptr::NonNull,
    };

    use super::{Kept, MOST, SIZES, SMALLEST, STEP, layout_of, list_of};

    fn put(kept: &Kept, list: usize) -> bool {
        // SAFETY: the layout has a size.
        let memory = NonNull::new(unsafe { alloc(layout_of(list)) }).unwrap();
        // SAFETY: it is of that layout, and nobody's else.
        let is_kept = unsafe { kept.keep(memory, list) };
        if !is_kept {
            // SAFETY: as above.
            unsafe { dealloc(memory.as_ptr(), layout_of(list)) };
        }
        is_kept
    }

    fn take(kept: &Kept, list: usize) -> bool {
        let memory = kept.take(list);
        if let Some(memory) = memory {
            // SAFETY: taken out, it is the caller's, and of this layout: else the allocator would see.
            unsafe { memory.write_bytes(0xAA, layout_of(list).size()) };
            // SAFETY: as above.
            unsafe { dealloc(memory.as_ptr(), layout_of(list)) };
        }
        memory.is_some()
    }

    #[test]
    fn sizes_have_their_lists() {
        for list in 0..SIZES {
            assert_eq!(list_of(layout_of(list)), Some(list));
        }
        let other = |size, align| list_of(Layout::from_size_align(size, align).unwrap());
        assert_eq!(other(SMALLEST + SIZES * STEP, STEP), None);
        assert_eq!(other((2 * SMALLEST).next_multiple_of(64), 64), None);
    }

    #[test]
    fn what_is_kept_comes_back_once_and_by_its_size() {
        let kept = Kept::new();
        assert_eq!([3, 5, 3].map(|list| put(&kept, list)), [true; 3]);
        assert_eq!([4, 5, 5].map(|list| take(&kept, list)), [false, true, false]);
        assert_eq!([3, 3, 3].map(|list| take(&kept, list)), [true, true, false]);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let kept = Kept::new();
        assert!((0..MOST).all(|piece| put(&kept, piece % SIZES)));
        assert!(!put(&kept, 0));
        assert!(take(&kept, 1) && put(&kept, 0) && !put(&kept, 1));
    }
}
