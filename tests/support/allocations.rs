//! An allocator that counts. For test binaries that make it theirs:
//!
//! ```text
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting;
//! ```

#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

pub(crate) struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVE_BYTES: Cell<isize> = const { Cell::new(0) };
}

/// How many allocations this OS thread has made, and so all green threads of a `run`.
pub(crate) fn allocations() -> usize {
    ALLOCATIONS.get()
}

/// How many bytes this OS thread has allocated and not freed. Below zero, if it freed what others allocated.
pub(crate) fn live_bytes() -> isize {
    LIVE_BYTES.get()
}

fn add_bytes(bytes: isize) {
    LIVE_BYTES.set(LIVE_BYTES.get() + bytes);
}

// SAFETY: the system's allocator, which is asked for each; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        add_bytes(layout.size().cast_signed());
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        add_bytes(-layout.size().cast_signed());
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(memory, layout) }
    }
}
