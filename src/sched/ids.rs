//! The numbers of threads.

use crate::lockfree::counter::Sequence;

/// Numbers for green threads and OS threads alike. Taken in blocks, so that spawning on many workers does not
/// fight for one counter.
pub(crate) fn next() -> u64 {
    const BLOCK: u64 = 256;
    static IDS: Sequence = Sequence::new();
    thread_local! {
        static MINE: std::cell::Cell<(u64, u64)> = const { std::cell::Cell::new((0, 0)) };
    }
    MINE.with(|mine| {
        let (mut next, mut end) = mine.get();
        if next == end {
            next = IDS.take(BLOCK);
            end = next + BLOCK;
        }
        mine.set((next + 1, end));
        next
    })
}
