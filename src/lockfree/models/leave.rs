use loom::{
    model,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use crate::lockfree::{counter::Flag, doorbell::Doorbell};

struct Door {
    bell: Doorbell,
    gone: Flag,
    /// The injector with one place. Relaxed: what orders it is the doorbell.
    thing: AtomicBool,
}

impl Door {
    fn turn_away(&self) -> usize {
        usize::from(self.thing.load(Relaxed) && self.thing.swap(false, Relaxed))
    }
}

/// A worker goes while something is brought: `WorkerShared::accept` against `WorkerShared::leave`.
///
/// Catches: the bringer that looks for `gone` too early and the worker that looks before its door too early, both in
/// vain. What orders them is that both move the doorbell between their two steps; without the `answer` this fails.
#[test]
fn what_is_brought_to_one_that_goes_is_turned_away_once() {
    model(|| {
        let door = Arc::new(Door { bell: Doorbell::new(), gone: Flag::new(), thing: AtomicBool::new(false) });
        let theirs = Arc::clone(&door);
        let bringer = thread::spawn(move || {
            theirs.thing.store(true, Relaxed);
            let _ = theirs.bell.ring();
            if theirs.gone.is_raised() { theirs.turn_away() } else { 0 }
        });
        door.gone.raise();
        door.bell.answer();
        let turned_away = door.turn_away();
        assert_eq!(turned_away + bringer.join().unwrap(), 1);
    });
}
