use loom::{
    model,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use crate::lockfree::idle_set::IdleSet;

/// Catches: the idle one that looks too early and the busy one that picks too early, both in vain (a missing fence
/// on either side).
#[test]
fn the_idle_one_sees_the_work_or_is_picked() {
    model(|| {
        let shared = Arc::new((IdleSet::new(2), AtomicBool::new(false)));
        let theirs = Arc::clone(&shared);
        let busy = thread::spawn(move || {
            let (idle, work) = &*theirs;
            work.store(true, Relaxed);
            idle.pick()
        });
        let (idle, work) = &*shared;
        idle.enter(1);
        let saw = work.load(Relaxed);
        let picked = busy.join().unwrap();
        assert!(saw || picked == Some(1), "it sleeps beside the work");
    });
}

/// Catches: one worker called twice for one sleep; a call that `leave` does not tell.
#[test]
fn one_is_picked_once_and_knows_it() {
    model(|| {
        let idle = Arc::new(IdleSet::new(2));
        idle.enter(1);
        let pickers: Vec<_> = (0..2)
            .map(|_| {
                let idle = Arc::clone(&idle);
                thread::spawn(move || idle.pick())
            })
            .collect();
        let called = idle.leave(1);
        let picks = pickers.into_iter().filter_map(|picker| picker.join().unwrap()).count();
        assert_eq!(picks, usize::from(called));
    });
}

/// Catches: one that is not called for another watches, which has looked already (a missing fence on either side).
#[test]
fn who_stops_watching_sees_the_work_or_another_is_picked() {
    model(|| {
        let shared = Arc::new((IdleSet::new(2), AtomicBool::new(false)));
        shared.0.enter(1);
        assert!(shared.0.watch(0));
        let theirs = Arc::clone(&shared);
        let busy = thread::spawn(move || {
            let (idle, work) = &*theirs;
            work.store(true, Relaxed);
            idle.pick_unless_watched()
        });
        let (idle, work) = &*shared;
        idle.stop_watching();
        let saw = work.load(Relaxed);
        let picked = busy.join().unwrap();
        assert!(saw || picked == Some(1), "the other one sleeps beside the work");
    });
}
