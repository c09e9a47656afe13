//! A limit on how many are in use at once, with a line of workers that wait: `max_green_threads`.
//!
//! ```text
//! used, line -> used + 1, line   // take, if used < max
//! used, line -> used - 1, line   // give_back: says whether the line was empty
//! used, line -> used, line + 1   // join_line: one turned away, who then looks for room once more
//! used, line -> used, line - 1   // leave_line: called, it tries again
//! ```
//!
//! Both numbers are one word, so the moves have one order: a `give_back` is either after the `join_line`, and
//! then it sees the line, or before it, and then the one that joined sees the room.

use crate::atomic::{AtomicU64, Ordering};

/// One in line. The bits below count those in use.
const IN_LINE: u64 = 1 << 40;

/// A count that does not pass a maximum.
#[derive(Debug)]
pub(crate) struct Limit {
    word: AtomicU64,
    /// `None`: there is no limit, and nothing is counted.
    max: Option<u64>,
}

impl Limit {
    /// A limit of `max`; `usize::MAX` is none.
    pub(crate) fn new(max: usize) -> Self {
        let max = (max != usize::MAX).then(|| (max as u64).min(IN_LINE - 1));
        Self { word: AtomicU64::new(0), max }
    }

    /// Whether there is room under the limit. False if there is no limit: then nobody was turned away by it.
    pub(crate) fn has_room(&self) -> bool {
        self.max.is_some_and(|max| used(self.word.load(Ordering::Acquire)) < max)
    }

    /// Takes one, if there is one.
    #[must_use]
    pub(crate) fn take(&self) -> bool {
        let Some(max) = self.max else { return true };
        self.word
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| (used(word) < max).then_some(word + 1))
            .is_ok()
    }

    /// Gives one back. True: somebody is in line, and must be called.
    #[must_use]
    pub(crate) fn give_back(&self) -> bool {
        if self.max.is_none() {
            return false;
        }
        let old = self.word.fetch_sub(1, Ordering::AcqRel);
        debug_assert_ne!(used(old), 0, "given back twice");
        old >= IN_LINE
    }

    /// Turned away, the caller waits to be called. It looks for [room](Self::has_room) once more after this.
    pub(crate) fn join_line(&self) {
        self.word.fetch_add(IN_LINE, Ordering::AcqRel);
    }

    /// The caller waits no more.
    pub(crate) fn leave_line(&self) {
        self.word.fetch_sub(IN_LINE, Ordering::AcqRel);
    }
}

fn used(word: u64) -> u64 {
    word % IN_LINE
}
