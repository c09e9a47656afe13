//! A worker's own stacks.

use std::{io, time::Duration};

use super::{
    Stack, StackClass,
    slab::{self, BATCH},
};

/// How many stacks of a class a pool keeps at most; a full one gives half of them to the others.
const FULL: usize = 4096;

/// How long a stack must not have been needed before its memory is given back.
const PROBATION: Duration = Duration::from_secs(1);

/// How many stacks a pool trims at once: with a page each in memory, this takes it 2 ms.
const TRIMMED_AT_ONCE: usize = 8192;

const _: () = assert!(FULL >= 2 * BATCH);

/// The stacks that a worker keeps at hand, hot first, on top of the process's slabs.
///
/// Dropped, it gives the memory of all of them back to the kernel.
#[derive(Debug, Default)]
pub(crate) struct StackPool {
    /// One a class that was ever asked for, the commonest in front as a rule: it was asked for first.
    caches: Vec<Cache>,
    /// When [`trim`](Self::trim) next looks at anything.
    due: Duration,
    /// Set if a stack was given since all were trimmed: only then is there memory to give back.
    used: bool,
}

/// The stacks of one class.
#[derive(Debug)]
struct Cache {
    class: StackClass,
    /// The hottest last.
    stacks: Vec<Stack>,
    /// The fewest since the last trim: those were not needed.
    idle: usize,
}

impl StackPool {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The stack that was given last, or a new one.
    ///
    /// # Errors
    /// When the process can have no more: the error says which limit that is, and what to do. The system's error
    /// is its source.
    #[inline]
    pub(crate) fn take(&mut self, class: StackClass) -> io::Result<Stack> {
        let cache = self.cache(class);
        if let Some(stack) = cache.stacks.pop() {
            cache.idle = cache.idle.min(cache.stacks.len());
            return Ok(stack);
        }
        cache.refill_and_take()
    }

    /// Keeps a stack for the next [`take`](Self::take) of its class.
    #[inline]
    pub(crate) fn give(&mut self, stack: Stack) {
        let cache = self.cache(stack.class());
        if cache.stacks.len() >= FULL {
            cache.give_away_the_colder_half();
        }
        cache.stacks.push(stack);
        self.used = true;
    }

    /// Gives the memory of stacks that were not needed for a second back to the kernel: this pool's, and those that
    /// no pool holds. For a worker that is about to sleep; `now` counts from any moment on. Returns whether there
    /// is more to come, so that the worker sleeps for a second at most and then calls again.
    #[inline]
    pub(crate) fn trim(&mut self, now: Duration) -> bool {
        match self.used {
            // What was cached and never used has no memory to give back: the worker need not come again for it.
            false => false,
            true if now < self.due => !self.is_empty(),
            true => self.trim_now(now),
        }
    }

    /// How many stacks are cached.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.caches.iter().map(|cache| cache.stacks.len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.caches.iter().all(|cache| cache.stacks.is_empty())
    }

    #[inline]
    fn cache(&mut self, class: StackClass) -> &mut Cache {
        // By index, because the borrow checker holds a found reference until the function's end.
        match self.caches.iter().position(|cache| cache.class == class) {
            Some(index) => &mut self.caches[index],
            None => self.add_cache(class),
        }
    }

    #[cold]
    fn add_cache(&mut self, class: StackClass) -> &mut Cache {
        self.caches.push_mut(Cache { class, stacks: Vec::new(), idle: 0 })
    }

    #[cold]
    fn trim_now(&mut self, now: Duration) -> bool {
        self.due = now.saturating_add(PROBATION);
        for cache in &mut self.caches {
            let surplus = slab::take_surplus(&mut cache.stacks, &mut cache.idle, FULL);
            if !surplus.is_empty() {
                slab::give_clean(cache.class, surplus);
            }
        }
        let others = slab::trim_dirty(TRIMMED_AT_ONCE);
        self.used = others || !self.is_empty();
        self.used
    }
}

impl Drop for StackPool {
    fn drop(&mut self) {
        for cache in self.caches.drain(..) {
            if !cache.stacks.is_empty() {
                slab::give_clean(cache.class, cache.stacks);
            }
        }
    }
}

impl Cache {
    #[cold]
    fn refill_and_take(&mut self) -> io::Result<Stack> {
        slab::refill(self.class, &mut self.stacks)?;
        self.idle = 0;
        Ok(self.stacks.pop().expect("a refill adds one at least"))
    }

    #[cold]
    fn give_away_the_colder_half(&mut self) {
        slab::give_dirty(self.class, self.stacks.drain(..FULL / 2));
        self.idle = self.idle.min(self.stacks.len());
    }
}
