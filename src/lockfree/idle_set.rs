//! Which workers have nothing to do, so that one with too much can call one of them to steal.
//!
//! The two sides are Dekker's: the idle one *enters* the set and then looks at all queues once more; the busy
//! one puts work into its queue and then *picks* from the set. With a full fence between the two steps on
//! both sides, at least one of them sees the other.

use crate::atomic::{AtomicU64, Ordering, fence};

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct IdleSet(Box<[AtomicU64]>);

impl IdleSet {
    pub(crate) fn new(workers: usize) -> Self {
        Self((0..workers.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Says that `worker` has nothing to do. The caller then looks for work once more, and only then sleeps.
    pub(crate) fn enter(&self, worker: usize) {
        self.0[worker / 64].fetch_or(1 << (worker % 64), Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Says that `worker` is up again. True: it was [picked](Self::pick) meanwhile. Then it steals, or passes the
    /// call on if it has something else to do, because nobody else was called for that work.
    pub(crate) fn leave(&self, worker: usize) -> bool {
        let bit = 1 << (worker % 64);
        self.0[worker / 64].fetch_and(!bit, Ordering::SeqCst) & bit == 0
    }

    /// Takes one out, after work was put into a queue that all can see. The caller wakes it.
    pub(crate) fn pick(&self) -> Option<usize> {
        fence(Ordering::SeqCst);
        for (i, word) in self.0.iter().enumerate() {
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
}
