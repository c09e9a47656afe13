use loom::{
    cell::UnsafeCell,
    model,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::Bell;
use crate::lockfree::outcome_word::{Ended, OutcomeWord};

/// A task with its places. In `sched/task.rs` a lock is around the waiter's; here there is none, so that loom checks
/// the table of who owns what.
struct Task {
    outcome: OutcomeWord,
    result: UnsafeCell<Option<usize>>,
    waiter: UnsafeCell<Option<Arc<Bell>>>,
    listeners: Mutex<usize>,
    called: AtomicUsize,
}

impl Task {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            outcome: OutcomeWord::new(),
            result: UnsafeCell::new(None),
            waiter: UnsafeCell::new(None),
            listeners: Mutex::new(0),
            called: AtomicUsize::new(0),
        })
    }

    /// The worker, as `Cell::publish`. Says whether it dropped the result.
    fn publish(&self) -> bool {
        // SAFETY: loom checks it, as everywhere below.
        self.result.with_mut(|result| unsafe { *result = Some(42) });
        let next = self.outcome.complete(Ended::Returned);
        let dropped = next.drop_result && self.take().is_some();
        if next.wake_waiter {
            // SAFETY: see above.
            let waiter = self.waiter.with_mut(|waiter| unsafe { (*waiter).take() });
            waiter.expect("the joiner left its unparker").ring();
        }
        if next.call_listeners {
            self.called.fetch_add(std::mem::take(&mut *self.listeners.lock().unwrap()), Relaxed);
        }
        dropped
    }

    fn take(&self) -> Option<usize> {
        // SAFETY: see above.
        self.result.with_mut(|result| unsafe { (*result).take() })
    }

    fn fill_waiter(&self, bell: Option<Arc<Bell>>) {
        // SAFETY: see above.
        self.waiter.with_mut(|waiter| unsafe { *waiter = bell });
    }
}

fn with_worker(handle: impl FnOnce(&Task) -> bool) {
    let task = Task::new();
    let theirs = Arc::clone(&task);
    let worker = thread::spawn(move || theirs.publish());
    let taken = handle(&task);
    let dropped = worker.join().unwrap();
    assert!(taken != dropped, "the result is taken once");
    assert_eq!(task.outcome.ended(), Some(Ended::Returned));
}

/// Catches: a joiner that is not woken, a result or an unparker that is read before it is visible.
#[test]
fn a_join_gets_the_result() {
    model(|| {
        with_worker(|task| {
            if task.outcome.ended().is_none() {
                let bell = Arc::new(Bell::new());
                task.fill_waiter(Some(Arc::clone(&bell)));
                if task.outcome.await_done() {
                    bell.wait();
                    assert!(!task.outcome.give_up(), "it was woken, so it is done");
                }
            }
            task.take().is_some()
        });
    });
}

/// Catches: a result that both drop, or none.
#[test]
fn a_dropped_handle_and_the_end_drop_the_result_once() {
    model(|| with_worker(|task| task.outcome.drop_handle() && task.take().is_some()));
}

/// Catches: an unparker that the joiner takes back while the worker reads it; a result that is lost with the handle of
/// one that gave up.
#[test]
fn a_joiner_gives_up_and_drops_its_handle() {
    model(|| {
        with_worker(|task| {
            task.fill_waiter(Some(Arc::new(Bell::new())));
            if task.outcome.await_done() && task.outcome.give_up() {
                task.fill_waiter(None);
            }
            task.outcome.drop_handle() && task.take().is_some()
        });
    });
}

/// Catches: the same when the joiner tries again, after a wake-up for no reason.
#[test]
fn a_joiner_gives_up_and_tries_again() {
    model(|| {
        with_worker(|task| {
            for last in [false, true] {
                if task.outcome.ended().is_some() {
                    break;
                }
                let bell = Arc::new(Bell::new());
                task.fill_waiter(Some(Arc::clone(&bell)));
                if !task.outcome.await_done() {
                    break;
                }
                if last {
                    bell.wait();
                }
                if task.outcome.give_up() {
                    task.fill_waiter(None);
                }
            }
            task.take().is_some()
        });
    });
}

/// Catches: a callback that is called twice or never.
#[test]
fn a_callback_is_called_once() {
    model(|| {
        let task = Task::new();
        let theirs = Arc::clone(&task);
        let worker = thread::spawn(move || theirs.publish());
        // As `Core::on_done`: the flag is set under the lock, so that the worker waits for the callback.
        let mut listeners = task.listeners.lock().unwrap();
        if task.outcome.listen() {
            *listeners += 1;
            drop(listeners);
        } else {
            drop(listeners);
            task.called.fetch_add(1, Relaxed);
        }
        worker.join().unwrap();
        assert_eq!(task.called.load(Relaxed), 1);
    });
}
