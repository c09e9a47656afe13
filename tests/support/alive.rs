use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

/// How many are between their beginning and their end, and the most that ever were.
#[derive(Clone, Default)]
pub(crate) struct Alive(Arc<(AtomicUsize, AtomicUsize)>);

impl Alive {
    pub(crate) fn during<R>(&self, f: impl FnOnce() -> R) -> R {
        let now = self.0.0.fetch_add(1, SeqCst) + 1;
        self.0.1.fetch_max(now, SeqCst);
        let result = f();
        self.0.0.fetch_sub(1, SeqCst);
        result
    }

    pub(crate) fn most(&self) -> usize {
        self.0.1.load(SeqCst)
    }
}
