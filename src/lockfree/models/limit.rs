use loom::{
    model,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::{Bell, check_bounded};
use crate::lockfree::limit::Limit;

/// A limit of one, and a doorbell for each worker.
struct Runtime {
    limit: Limit,
    doors: Vec<Bell>,
    running: AtomicUsize,
}

impl Runtime {
    fn new(workers: usize) -> Arc<Self> {
        let doors = (0..workers).map(|_| Bell::new()).collect();
        Arc::new(Self { limit: Limit::new(1), doors, running: AtomicUsize::new(0) })
    }

    fn give_back_one(&self) {
        if self.limit.give_back() {
            self.doors.iter().for_each(Bell::ring);
        }
    }

    /// As `Worker::start_here`, `hold_for_limit` and `retry_held`, for one that is held.
    fn start(&self, worker: usize) {
        while !self.limit.take() {
            self.limit.join_line();
            if self.limit.has_room() {
                self.doors[worker].ring();
            }
            self.doors[worker].wait();
            self.limit.leave_line();
        }
        assert_eq!(self.running.fetch_add(1, Relaxed), 0, "beyond the limit");
        self.running.fetch_sub(1, Relaxed);
    }
}

/// Catches: a place that is given back between the turning away and the line, unseen by both.
#[test]
fn one_turned_away_and_one_given_back() {
    model(|| {
        let runtime = Runtime::new(1);
        assert!(runtime.limit.take());
        let theirs = Arc::clone(&runtime);
        let giver = thread::spawn(move || theirs.give_back_one());
        runtime.start(0);
        runtime.give_back_one();
        giver.join().unwrap();
        assert!(runtime.limit.take());
    });
}

/// Catches: the same for two that wait, of whom one gets in and calls the other.
#[test]
fn two_in_line_get_in_one_after_the_other() {
    check_bounded(3, || {
        let runtime = Runtime::new(2);
        assert!(runtime.limit.take());
        let workers: Vec<_> = (0..2)
            .map(|worker| {
                let runtime = Arc::clone(&runtime);
                thread::spawn(move || {
                    runtime.start(worker);
                    runtime.give_back_one();
                })
            })
            .collect();
        runtime.give_back_one();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        assert!(runtime.limit.take());
    });
}
