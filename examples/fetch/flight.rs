//! How many fetches there may be at once: the one who starts them waits for room.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::thread::{self, Thread};

/// Counts the fetches under way. Only the thread that made it launches, so nobody races for the room that it saw.
pub(crate) struct Flight {
    limit: usize,
    launcher: Thread,
    aloft: Arc<AtomicUsize>,
}

/// A place among those in flight, given back on drop.
pub(crate) struct Seat {
    launcher: Thread,
    aloft: Arc<AtomicUsize>,
}

impl Flight {
    /// At most `limit` at once, to be launched by the calling (green) thread.
    pub(crate) fn new(limit: usize) -> Self {
        Flight { limit, launcher: thread::current(), aloft: Arc::default() }
    }

    /// Waits until there is room, and takes it.
    pub(crate) fn seat(&self) -> Seat {
        while self.aloft.load(Ordering::Acquire) >= self.limit {
            thread::park();
        }
        self.aloft.fetch_add(1, Ordering::Relaxed);
        Seat { launcher: self.launcher.clone(), aloft: Arc::clone(&self.aloft) }
    }

    /// For whoever wants to watch.
    pub(crate) fn counter(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.aloft)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.aloft.fetch_sub(1, Ordering::Release);
        self.launcher.unpark();
    }
}
