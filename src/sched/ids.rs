//! The numbers of threads.

use std::cell::Cell;

use super::worker;
use crate::lockfree::counter::Sequence;

/// The number of the calling green thread, or else of the OS thread.
#[inline(always)]
pub(crate) fn current() -> u64 {
    match worker::current() {
        Some((_, slot)) => slot.id.get(),
        None => of_os_thread(),
    }
}

/// The number of the calling OS thread.
#[inline(always)]
pub(crate) fn of_os_thread() -> u64 {
    thread_local! {
        static MINE: Cell<u64> = const { Cell::new(0) };
    }
    match MINE.get() {
        0 => {
            MINE.set(next());
            MINE.get()
        }
        id => id,
    }
}

/// Numbers for green threads and OS threads alike. Taken in blocks, so that spawning on many workers does not
/// fight for one counter.
pub(crate) fn next() -> u64 {
    const BLOCK: u64 = 256;
    static IDS: Sequence = Sequence::new();
    thread_local! {
        static MINE: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }
    MINE.with(|mine| {
        let (mut next, mut end) = mine.get();
        while next == end {
            next = IDS.take(BLOCK);
            end = next + BLOCK;
            // None has a low half of zero: a lock says so that nobody holds it.
            if (next..end).any(|id| id as u32 == 0) {
                next = end;
            }
        }
        mine.set((next + 1, end));
        next
    })
}
