//! Loom models of the protocols, one file each, and of the ways they are put together.
//!
//! `RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test --release --lib`
//!
//! Each model plays the callers as `sched` and `thread` write them, with the switch and the system calls replaced
//! by [`Bell`]. A lost wake-up shows as loom's deadlock, a missing order as a race on an `UnsafeCell` or a failed
//! assertion. Loom knows no order of `SeqCst` accesses, only of `SeqCst` fences, so a protocol that needs that
//! order must say it with fences.

mod barrier;
mod call_line;
mod channel;
mod channel_select;
mod condvar;
mod countdown;
mod doorbell;
mod epoch;
mod event;
mod give;
mod home;
mod idle_set;
mod inbox;
mod leave;
mod limit;
mod mutex;
mod notify;
mod once;
mod outcome_word;
mod park_a_green_thread;
mod park_word;
mod reentrant;
mod ref_count;
mod rwlock;
mod semaphore;
mod spin;
mod steal_queue;
mod waiting;

use loom::sync::{
    Condvar, Mutex,
    atomic::{AtomicBool, Ordering},
};

/// What one waits on for good: a place in a ready queue, an eventfd, a futex. It counts, so it loses nothing by
/// itself.
pub(super) struct Bell {
    rings: Mutex<usize>,
    rang: Condvar,
}

impl Bell {
    fn new() -> Self {
        Self { rings: Mutex::new(0), rang: Condvar::new() }
    }

    /// Ends one wait.
    fn ring(&self) {
        *self.rings.lock().unwrap() += 1;
        self.rang.notify_one();
    }

    /// As [`ring`](Self::ring), for a place in a ready queue, where nothing may stand twice.
    fn schedule(&self) {
        let mut rings = self.rings.lock().unwrap();
        assert_eq!(*rings, 0, "scheduled twice");
        *rings += 1;
        self.rang.notify_one();
    }

    fn is_ringing(&self) -> bool {
        *self.rings.lock().unwrap() > 0
    }

    fn wait(&self) {
        let mut rings = self.rings.lock().unwrap();
        while *rings == 0 {
            rings = self.rang.wait(rings).unwrap();
        }
        *rings -= 1;
    }

    /// As an eventfd under an edge-triggered poller: many rings are one wake-up.
    fn wait_for_all(&self) {
        self.wait();
        *self.rings.lock().unwrap() = 0;
    }
}

/// What comes before a look at a word, and before a move of it by another thread that looks first. Without it loom never
/// tries the move before the look (README, "A rule for models").
struct Before(AtomicBool);

impl Before {
    fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    fn the_look(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn the_move(&self) {
        self.0.load(Ordering::Relaxed);
    }
}

/// Explores all interleavings with at most this many preemptions: for the models that have too many.
fn check_bounded(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}
