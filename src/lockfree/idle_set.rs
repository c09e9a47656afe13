//! Which workers have nothing to do, so that one with too much can call one of them to steal.
//!
//! The two sides are Dekker's: the idle one *enters* the set and then looks at all queues once more; the busy
//! one puts work into its queue and then *picks* from the set. With a full fence between the two steps on
//! both sides, at least one of them sees the other.
//!
//! One worker may *watch* instead of entering: it looks again soon, by itself, and so long nobody need be called.

use crate::atomic::{AtomicU64, AtomicUsize, Ordering, fence};

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct IdleSet {
    words: Box<[AtomicU64]>,
    /// One more than the number of the worker that watches, or zero.
    watcher: AtomicUsize,
}

impl IdleSet {
    pub(crate) fn new(workers: usize) -> Self {
        let words = (0..workers.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Self { words, watcher: AtomicUsize::new(0) }
    }

    /// Says that `worker` has nothing to do. The caller then looks for work once more, and only then sleeps.
    pub(crate) fn enter(&self, worker: usize) {
        self.words[worker / 64].fetch_or(1 << (worker % 64), Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Says that `worker` is up again. True: it was [picked](Self::pick) meanwhile. Then it steals, or passes the
    /// call on if it has something else to do, because nobody else was called for that work.
    pub(crate) fn leave(&self, worker: usize) -> bool {
        let bit = 1 << (worker % 64);
        self.words[worker / 64].fetch_and(!bit, Ordering::SeqCst) & bit == 0
    }

    /// Takes one out, after work was put into a queue that all can see. The caller wakes it.
    pub(crate) fn pick(&self) -> Option<usize> {
        fence(Ordering::SeqCst);
        for (i, word) in self.words.iter().enumerate() {
            let mut idle = word.load(Ordering::SeqCst);
            while idle != 0 {
                let bit = idle & idle.wrapping_neg();
                if word.fetch_and(!bit, Ordering::SeqCst) & bit != 0 {
                    return Some(i * 64 + bit.trailing_zeros() as usize);
                }
                idle &= !bit;
            }
        }
        None
    }

    /// As [`pick`](Self::pick), but nobody while one watches, which sees the work.
    pub(crate) fn pick_unless_watched(&self) -> Option<usize> {
        fence(Ordering::SeqCst);
        match self.watcher.load(Ordering::Relaxed) {
            0 => self.pick(),
            _ => None,
        }
    }

    /// Says that `worker` watches. False: another one does.
    #[must_use]
    pub(crate) fn watch(&self, worker: usize) -> bool {
        self.watcher.compare_exchange(0, worker + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Says that the worker that watched does so no more. It then looks for work, or passes the call on that it may have kept
    /// from others.
    pub(crate) fn stop_watching(&self) {
        self.watcher.store(0, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Who watches, and so has nothing to do.
    pub(crate) fn watcher(&self) -> Option<usize> {
        self.watcher.load(Ordering::Relaxed).checked_sub(1)
    }
}
