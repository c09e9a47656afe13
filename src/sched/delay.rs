//! Green threads that are to start later: what `spawn_after` makes. Until its time comes one is a closure and a timer, with
//! neither a stack nor a slot; then it is as fresh as any other.

use std::sync::{Arc, OnceLock};

use super::{
    clock::Nanos,
    runtime::WorkerShared,
    task::{Core, TaskRef},
    timer::TimerKey,
    worker::Worker,
};

/// When one is to start, and who keeps it until then.
pub(super) struct Delay {
    due: Nanos,
    keeper: OnceLock<(Arc<WorkerShared>, TimerKey)>,
}

impl Delay {
    pub(super) fn until(due: Nanos) -> Self {
        Self { due, keeper: OnceLock::new() }
    }
}

impl Worker {
    /// Keeps a fresh one until its time comes, if it has one that is yet to come; else hands it back, to be started.
    pub(super) fn keep(&self, fresh: TaskRef) -> Option<TaskRef> {
        let Some(delay) = fresh.core.delay().filter(|delay| delay.is_early(self)) else { return Some(fresh) };
        // It counts from now on: long delays are spread as connections are.
        if fresh.core.counted_by.get().is_none() {
            self.shared.load.up();
            fresh.core.counted_by.set(self.shared.index);
        }
        let key = self.delayed.borrow_mut().insert(delay.due, fresh.clone());
        delay.keeper.get_or_init(|| (Arc::clone(&self.shared), key));
        // Whoever cancels it from now on sees the keeper.
        if fresh.core.park.show() { self.delayed.borrow_mut().remove(key) } else { None }
    }

    /// Lets those start that were cancelled before their time.
    #[cold]
    pub(super) fn start_delayed(&self) {
        for key in self.shared.take_cancelled() {
            let cancelled = self.delayed.borrow_mut().remove(key);
            cancelled.into_iter().for_each(|task| self.spawn(task));
        }
    }
}

impl Delay {
    /// Once it was kept it has waited. A worker that closes waits for nothing.
    fn is_early(&self, worker: &Worker) -> bool {
        self.keeper.get().is_none() && self.due > worker.now() && !worker.closing.get()
    }
}

/// A fresh one was cancelled: if a worker keeps it for later, that one is told.
pub(super) fn tell_keeper(core: &Core) {
    if let Some((worker, key)) = core.delay().and_then(|delay| delay.keeper.get()) {
        worker.tell_of_delayed(*key);
    }
}
